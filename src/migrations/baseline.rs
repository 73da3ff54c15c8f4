//! Taking a database that is already as some migrations leave it: they are recorded, and not run.

use super::drive::{ApplyError, OnEvent, Outcome};
use super::set::Migrations;
use crate::db::{Db, DbError};
use crate::schema::Difference;
use crate::script::Run;

/// Whether the schema is looked at before it is taken for what the migrations leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verify {
    /// The migrations are replayed in memory, and the schema there is compared with the database's.
    #[default]
    Schema,
    /// Taken on trust.
    Nothing,
}

/// What to record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BaselineOptions {
    /// The version that the database is at: it and all below are recorded.
    pub version: i64,
    /// Whether to look first.
    pub verify: Verify,
}

/// Nothing was recorded.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// There are problems, or the record could not be written.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// The schema is not what the migrations leave.
    #[error("the schema of this database is not what the migrations up to V{version} leave")]
    Differs {
        /// The version that was asked for.
        version: i64,
        /// What they leave (expected) against what there is (found).
        differences: Vec<Difference>,
    },
    /// The engine in memory could not be used.
    #[error("cannot replay the migrations in memory")]
    Memory(#[source] DbError),
}

/// Records the migrations up to a version as applied, without running them. What is recorded already stays as it is.
///
/// # Errors
/// [`BaselineError`]; nothing was recorded then.
pub async fn baseline(
    db: &Db,
    set: &Migrations,
    options: &BaselineOptions,
    run: &Run,
    on_event: &OnEvent,
) -> Result<Outcome, BaselineError> {
    let _ = (db, set, options, run, on_event);
    todo!()
}
