//! Why there is no dump.

use crate::db::DbError;
use crate::history::Unfinished;

/// Why there is no dump.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The database cannot be read, or not to its end.
    #[error(transparent)]
    Db(#[from] DbError),
    /// There are no such tables or views.
    #[error("{}", unknown(names))]
    Unknown {
        /// Each name, and one that is there and may have been meant.
        names: Vec<(String, Option<String>)>,
    },
    /// An import into the database was not finished: what is there is only a part of something.
    #[error(
        "the {} of {} into this database {}",
        .0.command.as_ref().map_or("import", |_| "copy"),
        .0.name,
        if .0.is_running { "is running" } else { "was not finished" }
    )]
    Unfinished(Box<Unfinished>),
    /// The database has a table of another program under the name of one of Seedbed's.
    #[error(
        "the table {table} is not Seedbed's, which keeps the state of an unfinished import under this name"
    )]
    Reserved {
        /// The table.
        table: &'static str,
    },
    /// The engine lacks the collation by which the rows of a table are kept in order.
    #[error(
        "the rows of {table} cannot be read: its primary key has the collation {collation}, which belongs to an application"
    )]
    Collation {
        /// The table.
        table: String,
        /// The collation.
        collation: String,
    },
    /// The schema was changed again and again while it was read. Nothing was written.
    #[error("the schema of the database does not stand still")]
    Changing,
    /// The file is there already, and is not written over.
    #[error("{} exists already", path.display())]
    Exists {
        /// The file.
        path: std::path::PathBuf,
    },
    /// The file cannot be made, or not put in its place.
    #[error("cannot write {}", path.display())]
    File {
        /// The file.
        path: std::path::PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// The text cannot be written.
    #[error("cannot write the dump")]
    Write(#[source] std::io::Error),
}

fn unknown(names: &[(String, Option<String>)]) -> String {
    let names: Vec<String> = names
        .iter()
        .map(|(name, meant)| match meant {
            Some(meant) => format!("`{name}` (did you mean `{meant}`?)"),
            None => format!("`{name}`"),
        })
        .collect();
    format!("no table or view is called {}", names.join(", "))
}
