//! What seeding would do, as values: files, and the rows of each that change. Public, and what reports are made of.

use std::sync::Arc;

use super::model::Mode;
use crate::diagnostic::Diagnostic;
use crate::script::Script;

/// Whether rows are written that changed only by time or by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Refresh {
    /// They are left as they are.
    #[default]
    No,
    /// They become what the files say, `!now` and `!hash` with them.
    Yes,
}

/// What seeding would do.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct SeedPlan {
    /// Errors and warnings.
    pub problems: Vec<Diagnostic>,
    /// By name.
    pub files: Vec<FilePlan>,
    /// None where nothing is to be done, or something is wrong.
    pub script: Option<Script>,
    /// The mark that the database gets.
    pub marks: Option<String>,
}

/// What seeding would do for one file.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FilePlan {
    /// Its name.
    pub name: String,
    /// Its file, as it is shown.
    pub file: String,
    /// sha256 of its text.
    pub checksum: String,
    /// How it differs from its record.
    pub state: FileState,
    /// What it does with rows that are there already.
    pub mode: Mode,
    /// The names that it had before, where it continues the records of files that are gone.
    pub was: Vec<String>,
    /// Rows that are written or deleted, by table and label.
    pub changes: Vec<Change>,
    /// Rows that differ and are left unchanged, with the columns: they were changed by hand.
    pub drifted: Vec<Change>,
    /// Rows that are as the file says.
    pub unchanged: usize,
    /// How many of them have another primary key, which is never changed.
    pub other_keys: usize,
}

/// How a file differs from its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileState {
    /// It was never applied.
    New,
    /// Its rows differ.
    Edited,
    /// Its text changed, and its rows did not.
    Respelled,
    /// It is as it was applied.
    Applied,
}

/// One row that changes.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Change {
    /// The table.
    pub table: Arc<str>,
    /// What names the row in its file.
    pub label: Arc<str>,
    /// What happens to it.
    pub what: What,
    /// Why, where the key of the row changed: `the key changed with the variable ADMIN_EMAIL`.
    pub note: Option<String>,
}

/// What happens to a row.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum What {
    /// It is written.
    Insert,
    /// Columns get another value.
    Update(Vec<Difference>),
    /// It is deleted: the file has it no longer.
    Delete,
}

/// A column that gets another value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// Its name.
    pub column: String,
    /// Its value in the database; none where it is secret.
    pub old: Option<String>,
    /// What it gets.
    pub new: Option<String>,
    /// Why the two differ.
    pub cause: Cause,
}

/// Why a column does not have the value that its seed declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The seed is new or was edited, or all is written again (`--refresh`).
    Seed,
    /// The value of a variable (`!env`) changed.
    Variable,
    /// The row was changed by hand.
    Hand,
    /// It was changed by hand, or by a trigger that writes the column.
    Trigger,
    /// The row or the value of a variable changed, and no record tells which: it is older than such records.
    Unrecorded,
}

impl Cause {
    /// The word for it in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Cause::Seed => "seed",
            Cause::Variable => "variable",
            Cause::Hand => "hand",
            Cause::Trigger => "trigger",
            Cause::Unrecorded => "unrecorded",
        }
    }
}

impl SeedPlan {
    /// Whether there are no errors.
    pub fn is_sound(&self) -> bool {
        !self.problems.iter().any(Diagnostic::is_error)
    }

    /// Rows that are inserted, updated, deleted and left alone, in this order.
    pub fn counts(&self) -> (usize, usize, usize, usize) {
        let changes = || self.files.iter().flat_map(|file| &file.changes);
        let of = |is: fn(&What) -> bool| changes().filter(|change| is(&change.what)).count();
        (
            of(|what| *what == What::Insert),
            of(|what| matches!(what, What::Update(_))),
            of(|what| *what == What::Delete),
            self.files.iter().map(|file| file.unchanged).sum(),
        )
    }
}
