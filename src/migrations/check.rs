//! Checking a set of migrations without the database that it is for: files, statements, and a rehearsal in memory.

use super::problem::Problem;
use super::set::Migrations;
use crate::db::{Db, DbError};

/// What a check came to.
#[derive(Debug, Clone)]
pub struct Checked {
    /// What is wrong, and what should be known.
    pub problems: Vec<Problem>,
    /// How many migrations were applied in memory.
    pub applied: usize,
    /// How many of them were taken back and applied again.
    pub reversed: usize,
    /// The database in memory as the migrations leave it, for whatever builds on them; `None` where they do not
    /// get to their end.
    pub database: Option<Db>,
}

/// Checks every file and its down file, then applies all in memory: each up, and where it has a down file, down and up
/// again; the repeatable ones last, and twice.
///
/// # Errors
/// [`DbError`] where the engine in memory cannot be used. Whatever is wrong with the files is in
/// [`Checked::problems`].
pub async fn check(set: &Migrations) -> Result<Checked, DbError> {
    let _ = set;
    todo!()
}
