//! Dumps that are imported: into every mode, whole or not at all, and on from where a run was stopped.

mod bad_input;
mod commands;
mod corpus;
mod forms;
#[cfg(unix)]
pub(crate) mod kill;
mod modes;
mod records;
mod server;
mod specification;
mod triggers;
mod virtual_tables;
mod waiting;

use std::path::PathBuf;
use std::sync::Arc;

use seedbed::db::Db;
use seedbed::dump::import::{
    ImportError, ImportOptions, Imported, Input, LeftOut, Outcome, Stands, Why, import,
};
use seedbed::script::Run;

/// A dump in a file of its own.
pub(crate) struct Dump {
    folder: tempfile::TempDir,
    name: String,
}

impl Dump {
    pub(crate) fn new(text: impl AsRef<[u8]>) -> Dump {
        Dump::named("old.sql", text)
    }

    pub(crate) fn named(name: &str, text: impl AsRef<[u8]>) -> Dump {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(name), text).unwrap();
        Dump {
            folder,
            name: name.to_owned(),
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join(&self.name)
    }

    pub(crate) fn write(&self, text: impl AsRef<[u8]>) {
        std::fs::write(self.path(), text).unwrap();
    }

    pub(crate) async fn import_with(
        &self,
        db: &Db,
        options: &ImportOptions,
    ) -> Result<Imported, ImportError> {
        let input = Input::File(self.path());
        // Small transactions, so that a small dump takes many.
        let options = &options.transaction_bytes(24 * 1024);
        import(db, &input, options, &Run::new("test"), Arc::new(|_| {})).await
    }

    pub(crate) async fn import(&self, db: &Db) -> Result<Imported, ImportError> {
        self.import_with(db, &ImportOptions::default()).await
    }
}

/// The statements of a dump as `sqlite3` puts them into its envelope.
pub(crate) fn dump(statements: &str) -> String {
    format!("PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n{statements}COMMIT;\n")
}

/// An import in a line: `t 3, u 1`, and what else there is to say.
pub(crate) fn told(result: Result<Imported, ImportError>) -> String {
    let imported = match result {
        Ok(imported) => imported,
        Err(error) => return words(&error),
    };
    let tables: Vec<String> = imported
        .tables
        .iter()
        .map(|table| format!("{} {}", table.name, table.rows))
        .collect();
    let mut told = tables.join(", ");
    match imported.outcome {
        Outcome::Whole => {}
        Outcome::Continued { line, .. } => told.push_str(&format!("; on from line {line}")),
        Outcome::Already { .. } => told.push_str("already"),
        other => told.push_str(&format!("{other:?}")),
    }
    for left_out in imported.left_out {
        told.push_str("; ");
        told.push_str(match left_out {
            LeftOut::Statistics => "no statistics",
            LeftOut::ApplicationId => "no application_id",
            LeftOut::Checkpoint => "no checkpoint",
            LeftOut::History => "no history",
            LeftOut::Setting(words) | LeftOut::Layout(words) | LeftOut::Number(words) => words,
            LeftOut::Conflicts => "some gave way",
            other => panic!("no words for {other:?}"),
        });
    }
    if imported.orphans.0 > 0 {
        told.push_str(&format!("; {} without parents", imported.orphans.0));
    }
    told
}

/// Why an import did not happen, where, and what is in the database.
pub(crate) fn words(error: &ImportError) -> String {
    let mut words = match &error.why {
        Why::Clashes(clashes) => {
            let all: Vec<String> = clashes.iter().map(ToString::to_string).collect();
            all.join(" | ")
        }
        Why::Dump(error) => match error.problems() {
            [] => error.code().to_owned(),
            problems => problems
                .iter()
                .map(|problem| {
                    let (_, line, _) = problem.location.as_ref().unwrap().place();
                    format!("{} at line {}", problem.code, line.unwrap())
                })
                .collect::<Vec<_>>()
                .join(" | "),
        },
        Why::Refused {
            at,
            table,
            among,
            error,
            ..
        } => {
            let table = table.as_deref().unwrap_or("none");
            assert_eq!(*among, 1, "{error}");
            format!("line {}, table {table}: {error}", at.line)
        }
        Why::TooBig { at, table, .. } => {
            format!("line {}, table {table}: {}", at.line, error.why)
        }
        why => why.to_string(),
    };
    match &error.stands {
        Stands::Nothing => {}
        Stands::Unread => words.push_str("; not read"),
        Stands::UpTo { line, rows, .. } => {
            words.push_str(&format!("; up to line {line}, {rows} rows"));
        }
        Stands::Everything => words.push_str("; all of it"),
        Stands::Unknown => words.push_str("; unknown"),
        other => words.push_str(&format!("; {other:?}")),
    }
    words
}
