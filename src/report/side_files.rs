//! Side files that belong to no database, in words: which they are, what the engine would do with them, and the commands
//! that move or remove them.

use std::path::Path;

use super::words::{bytes, duration};
use crate::db::{DbError, SideFile};
use crate::diagnostic::Diagnostic;

/// A place for a database with side files of another one beside it.
pub(super) fn diagnostic(error: &DbError, path: &Path, files: &[SideFile]) -> Diagnostic {
    let mut notes: Vec<String> = files.iter().map(described).collect();
    notes.push(
        "SQLite applies a -wal or -journal to any database of that name: rows of the old database would replace rows of \
         the new one; beside an empty file, SQLite deletes them"
            .to_owned(),
    );
    let names = files.iter().map(|file| quoted(&file.path));
    let names = names.collect::<Vec<_>>().join(" ");
    let folder = quoted(&path.with_file_name(format!("{}-old", file_name(path))));
    let (keep, remove) = match cfg!(windows) {
        true => {
            let moves = files
                .iter()
                .map(|file| format!("move {} {folder}", quoted(&file.path)));
            let moves = moves.collect::<Vec<_>>().join(" && ");
            (format!("md {folder} && {moves}"), format!("del {names}"))
        }
        false => (
            format!("mkdir {folder} && mv {names} {folder}"),
            format!("rm {names}"),
        ),
    };
    Diagnostic {
        notes,
        help: vec![
            "they can hold the last rows of the old database: if its file was moved, put it back beside them; stop every \
             program that still has it open"
                .to_owned(),
            format!("to keep them: `{keep}`"),
            format!("to remove them: `{remove}`"),
        ],
        ..Diagnostic::problem("side-files", error.to_string())
    }
}

/// `s.db-wal: 4.0 KB, written 3 min 5 s ago`
fn described(file: &SideFile) -> String {
    let size = bytes(file.bytes);
    let age = match file.age {
        None => String::new(),
        Some(age) if age.as_secs() < 60 => ", written just now".to_owned(),
        Some(age) => {
            let age = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
            format!(", written {} ago", duration(age))
        }
    };
    format!("{}: {size}{age}", file_name(&file.path))
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// As a shell takes it.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+:\\".contains(c);
    match (path.chars().all(is_plain), cfg!(windows)) {
        (true, false) if !path.contains('\\') => path,
        (true, true) => path,
        (_, true) => format!("\"{path}\""),
        (_, false) => format!("'{}'", path.replace('\'', "'\\''")),
    }
}
