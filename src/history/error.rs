//! What can go wrong with the history, and which part of a script it was.

use crate::db::{DbError, Failure, HistoryTable};
use crate::script::Step;

/// The history cannot be read. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// The database cannot be read.
    #[error(transparent)]
    Db(#[from] DbError),
    /// Another tool's table, or a view or an index.
    #[error("the {what} {table} in this database is not Seedbed's")]
    NotOurs {
        /// Its name.
        table: HistoryTable,
        /// `table`, `view` or `index`.
        what: String,
    },
    /// A later Seedbed wrote it.
    #[error(
        "{table} has layout {found}, written by a newer Seedbed; this one knows layouts up to {known}"
    )]
    Newer {
        /// The table.
        table: HistoryTable,
        /// The layout in the database.
        found: i64,
        /// [`crate::history::LAYOUT`].
        known: i64,
    },
    /// No migration is recorded in the table of the settings, and another table is a history of Seedbed.
    #[error("the history of this database is in the table {found}, and not in {table}")]
    Elsewhere {
        /// The table of the settings.
        table: HistoryTable,
        /// The table that is there.
        found: String,
    },
    /// There is no history, and the engine does not take a table of the name in the settings.
    #[error("the table of the history cannot be made: {why}")]
    Refused {
        /// The table of the settings.
        table: HistoryTable,
        /// Why the engine does not take it.
        why: String,
    },
    /// An import into this database was begun and not finished.
    #[error("{0}")]
    Unfinished(super::Unfinished),
    /// A row that no Seedbed writes.
    #[error("the history holds a row that cannot be read: {what}")]
    Unreadable {
        /// What about it.
        what: String,
    },
}

/// A script did not happen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The history is at another revision than the script was planned on. Nothing of the script happened.
    #[error("the history of this database has changed meanwhile")]
    Moved,
    /// The network failed, and whether the script happened could not be learnt in time.
    #[error(transparent)]
    Unknown(crate::db::RemoteError),
    /// A step failed.
    #[error(transparent)]
    Failed(#[from] Box<Failed>),
}

/// Which part of a script failed.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Part {
    /// Opening the database or beginning the transaction.
    Begin,
    /// Writing to `_migrations`.
    Record,
    /// A statement of the unit.
    Step(Step),
    /// Recording what the guards of a unit compare with, before it ran.
    ForeignKeysBefore,
    /// The unit left rows without their parent that had one before. The failure's explanation has `child, rowid, parent,
    /// columns, on_delete, parent_exists, found, all`: up to 20 rows, and how many there are.
    ForeignKeysAfter,
    /// The unit made a foreign key that refers to no key: `child, columns, parent, parent_columns, parent_type`.
    Mismatch,
    /// Rows of a table do not fit the schema that the unit gave it: `fault, found`; or rows that hold no value of a column
    /// would read another one: `NULL, found, table, column`. Of a new column: `CHECK, rowid, table, column, found` of each row
    /// that breaks its constraint, or `REFERENCES, rows, table, column` where its default would be the key of a parent.
    /// Without rows, the statement itself fails.
    OldRows,
    /// The unit left a schema that the engine cannot read.
    Schema,
    /// At the end of the run, a foreign key has lost the parent table that it had, or the key that it referred to, or is
    /// new and refers to no key: `unit, child, columns, parent_before, parent, parent_columns, parent_type`. Where there
    /// is a parent, `unit` is `NULL`.
    References,
    /// At the end of the run, a view or a trigger does not compile: `view`, without the triggers.
    Compiles,
    /// `COMMIT`.
    Commit,
}

/// A failure, and the part of the script that it belongs to.
#[derive(Debug)]
#[non_exhaustive]
pub struct Failed {
    /// The unit of the script, from 0, where it was a unit.
    pub unit: Option<usize>,
    /// The part.
    pub part: Part,
    /// The database's words, and what was left behind.
    pub failure: Failure,
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.failure.fmt(f)
    }
}

impl std::error::Error for Failed {
    // The failure's own words are the message.
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.failure.source()
    }
}
