//! `{n}_{words}/migration.sql`: Prisma. Pure.
//!
//! Prisma runs no down files; its documentation keeps one as `down.sql` in the same folder
//! (<https://www.prisma.io/docs/orm/prisma-migrate/workflows/generating-down-migrations>), and that one is read.

use std::collections::BTreeMap;

use super::text::{down_file, whole_file};
use super::{Claim, File, LaidOut, name};
use crate::diagnostic::Diagnostic;
use crate::script::Atomicity;

/// The digits and the words of a folder.
pub(super) fn parse(folder: &str) -> Option<(&str, &str)> {
    name::numbered(name::last(folder))
}

/// That a lock file names another database than SQLite.
fn other_provider(lock: &File) -> Option<Diagnostic> {
    let table: toml::Table = lock.text.parse().ok()?;
    let provider = table.get("provider")?.as_str()?;
    (provider != "sqlite").then(|| {
        let message = format!("these migrations are written for {provider}, not for SQLite");
        Diagnostic::problem("bad-provider", message)
            .in_file(&lock.path)
            .help("name the folder whose lock file has `provider = \"sqlite\"`: `--migrations DIR`")
    })
}

/// Reads them. Other names were sorted out before.
pub(super) fn read(files: Vec<File>, out: &mut LaidOut) {
    let mut downs = BTreeMap::new();
    let mut ups = Vec::new();
    for file in files {
        match name::last(&file.path) {
            "down.sql" => drop(downs.insert(name::folder(&file.path).to_owned(), file)),
            "migration.sql" => ups.push(file),
            "migration_lock.toml" => out.problems.extend(other_provider(&file)),
            _ => {}
        }
    }
    for file in ups {
        let folder = name::folder(&file.path).to_owned();
        let Some((digits, words)) = parse(&folder) else {
            continue;
        };
        let down = downs.remove(&folder).map(|down| down_file(down, &[]));
        match name::version(&file.path, digits) {
            Err(problem) => out.problems.push(problem),
            Ok(version) => out.claims.push(Claim {
                version,
                words: words.to_owned(),
                up: whole_file(file, None, Atomicity::default()),
                down,
                generated_at: None,
            }),
        }
    }
    for (folder, file) in downs {
        out.problems.push(
            Diagnostic::problem(
                "down-without-up",
                "there is no migration.sql beside this file",
            )
            .in_file(file.path)
            .help(format!("add {folder}/migration.sql, or remove this file")),
        );
    }
}
