//! What a plan is made of, and what follows from that for one row. Pure; it decides nothing.

use super::changes::Refresh;
use super::found::Found;
use super::memory::Memory;
use super::model::SeedFile;
use super::past::{Now, Past};
use super::row::Rows;
use super::set::Seeds;
use super::there::There;
use super::triggers::Triggers;
use crate::history::History;
use crate::schema::Shape;
use crate::sql::Value;

/// What a plan is made of.
pub(super) struct Basis<'a> {
    pub(super) files: &'a [&'a SeedFile],
    pub(super) shape: &'a Shape,
    pub(super) rows: &'a Rows,
    pub(super) found: &'a Found,
    /// Whether the database was asked for the rows; problems of the files come before that.
    pub(super) looked: bool,
    pub(super) history: &'a History,
    /// What each file amounts to.
    pub(super) hashes: &'a [String],
    pub(super) environment: &'a str,
    pub(super) refresh: Refresh,
    /// What is recorded of the files.
    pub(super) past: &'a Past,
    /// The rows that are remembered besides.
    pub(super) memory: &'a Memory,
    pub(super) seeds: &'a Seeds,
    /// What the database is to be marked as, where that was asked for.
    pub(super) mark: Option<&'a str>,
    /// What triggers write.
    pub(super) triggers: &'a Triggers,
    /// Unique values that go from one declared row to another.
    pub(super) moves: &'a [Move],
    /// Whether each row is a statement of its own, so that a failure is that of one row.
    pub(super) each_row: bool,
}

impl<'a> Basis<'a> {
    /// What the database has of the declared rows, and these.
    pub(super) fn now(&self) -> Now<'a> {
        (self.found, self.rows)
    }

    /// What the database has of a declared row.
    pub(super) fn there(&self, row: usize) -> Option<There<'a>> {
        self.found.row(self.rows, row)
    }
}

/// A unique value that goes from one declared row to another in the same run; or a row that waits for a change of another
/// one, to which it refers or which refers to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Move {
    /// The row that gets it.
    pub(super) to: usize,
    /// The row that the database has with it, and that gives it up.
    pub(super) from: usize,
    /// The columns in which the other row gives it up: those of the unique index, or of a foreign key.
    pub(super) columns: Vec<usize>,
}

/// What a run writes of each declared row, worked out where it is asked for.
pub(super) type Planned<'p> = dyn std::ops::Deref<Target = Vec<Written>> + 'p;

/// What a run writes of a declared row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Written {
    Nothing,
    /// It is inserted.
    Row,
    /// These columns are updated.
    Columns(Vec<usize>),
}

impl Written {
    /// Whether any of these columns is written.
    pub(super) fn touches(&self, columns: &[usize]) -> bool {
        match self {
            Written::Nothing => false,
            Written::Row => true,
            Written::Columns(written) => columns.iter().any(|column| written.contains(column)),
        }
    }
}

/// The columns by which an update finds a row that the database has: its key. A row that has another key than the declared
/// one is known by its primary key, with these values.
pub(super) fn found_by(basis: &Basis<'_>, at: usize) -> (Vec<usize>, Option<Vec<Value>>) {
    let rules = basis.rows.rules(&basis.rows.rows[at]);
    let moved = basis.found.moved().contains(&at);
    match basis.there(at).filter(|_| moved) {
        Some(found) => {
            let of = &basis.shape.tables[rules.table];
            let (columns, values) = rules.actual(of, found);
            (columns, Some(values))
        }
        None => (rules.key.clone(), None),
    }
}
