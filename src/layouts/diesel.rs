//! `{n}_{words}/up.sql`, `down.sql` and `metadata.toml`: Diesel. Pure.
//!
//! The version is the part before the first `_` of the folder name, without its `-`
//! (`diesel_migrations/migrations_internals/src/lib.rs`).

use std::collections::BTreeMap;

use super::text::{down_file, whole_file};
use super::{Claim, File, LaidOut, name};
use crate::diagnostic::Diagnostic;
use crate::script::Atomicity;

/// The digits of a date, `YYYYMMDD`, and of a time, `YYYYMMDDHHMMSS`.
const DATE: usize = 8;
const TIME: usize = 14;

/// The digits and the words of a folder.
pub(super) fn parse(folder: &str) -> Option<(String, &str)> {
    let name = name::last(folder);
    let (number, words) = name.split_once('_').unwrap_or((name, ""));
    let mut digits = number.replace('-', "");
    // Diesel orders versions as texts: a date comes before the times of its day, and after those of the days before.
    if (DATE..TIME).contains(&digits.len()) {
        digits.extend(std::iter::repeat_n('0', TIME - digits.len()));
    }
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then_some((digits, words))
}

/// The files of one migration.
#[derive(Default)]
struct Folder {
    up: Option<File>,
    down: Option<File>,
    metadata: Option<File>,
}

/// Reads them. Other names were sorted out before.
pub(super) fn read(files: Vec<File>, out: &mut LaidOut) {
    let mut folders: BTreeMap<String, Folder> = BTreeMap::new();
    for file in files {
        let of = folders
            .entry(name::folder(&file.path).to_owned())
            .or_default();
        match name::last(&file.path) {
            "up.sql" => of.up = Some(file),
            "down.sql" => of.down = Some(file),
            "metadata.toml" => of.metadata = Some(file),
            _ => {}
        }
    }
    for (folder, Folder { up, down, metadata }) in folders {
        let Some((digits, words)) = parse(&folder) else {
            continue;
        };
        let words = words.to_owned();
        let Some(up) = up else {
            if let Some(down) = down {
                out.problems.push(
                    Diagnostic::problem("down-without-up", "there is no up.sql beside this file")
                        .in_file(down.path)
                        .help(format!("add {folder}/up.sql, or remove this folder")),
                );
            }
            continue;
        };
        let atomicity = match metadata.as_ref().map(runs_in_transaction) {
            Some(Err(problem)) => {
                out.problems.push(*problem);
                continue;
            }
            Some(Ok(false)) => Atomicity::Bare,
            Some(Ok(true)) | None => Atomicity::default(),
        };
        let version = match name::version(&up.path, &digits) {
            Ok(version) => version,
            Err(problem) => {
                out.problems.push(*problem);
                continue;
            }
        };
        let down = down.map(|down| {
            let mut down = down_file(down, &[]);
            if atomicity == Atomicity::Bare {
                down.recorded = super::as_recorded(&down.source.text, atomicity).into();
                down.atomicity = atomicity;
            }
            down
        });
        let up = whole_file(up, None, atomicity);
        out.claims.push(Claim {
            version,
            words,
            up,
            down,
            generated_at: None,
        });
    }
}

/// `run_in_transaction` of a `metadata.toml`.
fn runs_in_transaction(file: &File) -> Result<bool, Box<Diagnostic>> {
    let unreadable = |why: String| {
        let message = format!("this file cannot be read: {why}");
        let problem = Diagnostic::problem("bad-metadata", message).in_file(&file.path);
        Box::new(problem.help("Diesel reads `run_in_transaction = false` from it"))
    };
    let table: toml::Table = file
        .text
        .parse()
        .map_err(|error: toml::de::Error| unreadable(error.message().to_owned()))?;
    match table.get("run_in_transaction") {
        None => Ok(true),
        Some(value) => value
            .as_bool()
            .ok_or_else(|| unreadable("run_in_transaction is neither true nor false".to_owned())),
    }
}
