//! `export` in words and as JSON.

use std::path::Path;

use serde_json::{Value, json};

use super::Report;
use super::json::{Call, Document};
use super::words::{bytes, count};
use crate::diagnostic::{Class, Diagnostic};
use crate::dump::{ExportError, Exported};

/// What a file got that was written.
pub fn dumped(exported: &Exported, file: &Path) -> String {
    let rows = usize::try_from(exported.rows()).unwrap_or(usize::MAX);
    let what = match exported.tables.len() {
        0 => "a schema without rows".to_owned(),
        tables => format!("{} of {}", count(rows, "row"), count(tables, "table")),
    };
    let size = bytes(exported.bytes);
    format!("{}: {what}, {size}\n", file.display())
}

/// What an export left out that the user may not expect.
pub fn export_words(exported: &Exported) -> Option<String> {
    let tables = exported.of_other_tools.join(", ");
    match exported.of_other_tools.len() {
        0 => None,
        1 => Some(format!(
            "note: {tables} was left out (--no-history): another migration tool keeps its records there"
        )),
        _ => Some(format!(
            "note: {tables} were left out (--no-history): other migration tools keep their records there"
        )),
    }
}

impl Document {
    /// `export`: how many rows of each table the dump has in `tables`, the tables that were left out in `left_out`, the
    /// length of its text in `bytes`, and where it is in `file`.
    pub fn dumped(call: Call<'_>, exported: &Exported, file: &Path) -> Document {
        Document::done(call)
            .with("tables", tables(&exported.tables))
            .with("left_out", exported.of_other_tools.as_slice())
            .with("bytes", exported.bytes)
            .with("file", file.display().to_string())
    }
}

fn tables(tables: &[(String, u64)]) -> Vec<Value> {
    tables
        .iter()
        .map(|(name, rows)| json!({"name": name, "rows": rows}))
        .collect()
}

impl Report {
    /// Why there is no dump.
    pub fn dump(error: &ExportError) -> Report {
        let (class, code, help) = match error {
            ExportError::Db(error) => {
                let diagnostic = super::database::database(error);
                return Report::of(vec![diagnostic]);
            }
            ExportError::Unknown { .. } => (
                Class::Usage,
                "unknown-table",
                "see what there is with `inspect`; a table that keeps the content of a virtual table is exported with its virtual table",
            ),
            ExportError::Unfinished(unfinished) => {
                let again = unfinished.again();
                let diagnostic = Diagnostic::problem("unfinished-import", error.to_string())
                    .note("a copy of it would look like a whole database, and lack rows")
                    .help(match unfinished.is_running {
                        true => "wait until it has ended".to_owned(),
                        false => format!(
                            "`{again}` continues it, `{again} --restart` begins from the start"
                        ),
                    })
                    .help("`export --tables T,…` writes the tables that you name as they are");
                return Report::of(vec![diagnostic]);
            }
            ExportError::Collation { table, collation } => {
                let diagnostic = Diagnostic::error("no-collation", error.to_string())
                    .note("a table WITHOUT ROWID is read in the order of its primary key")
                    .help(format!(
                        "copy the database file itself (`sqlite3 FILE \".backup COPY\"`), or recreate {table} without the \
                         collation {collation} in the application; `export --tables T,…` writes the other tables"
                    ));
                return Report::of(vec![diagnostic]);
            }
            ExportError::Reserved { table } => {
                let diagnostic = Diagnostic::problem("reserved-name", error.to_string())
                    .note("an import of the dump would leave its rows out")
                    .help(format!(
                        "give it another name: `ALTER TABLE {table} RENAME TO …`; `export --tables T,…` writes the tables that \
                         you name"
                    ));
                return Report::of(vec![diagnostic]);
            }
            ExportError::Changing => (
                Class::Failed,
                "schema-changes",
                "run the same command again when no process changes the schema",
            ),
            ExportError::Exists { .. } => (
                Class::Usage,
                "file-exists",
                "name another file, or remove this one",
            ),
            ExportError::File { .. } | ExportError::Write(_) => (
                Class::Failed,
                "file",
                "check whether the folder exists, whether you may write there, and whether the disk is full",
            ),
        };
        let mut message = error.to_string();
        if let Some(cause) = std::error::Error::source(error) {
            message = format!("{message}: {cause}");
        }
        Report::of(vec![
            Diagnostic::error(code, message).class(class).help(help),
        ])
    }
}
