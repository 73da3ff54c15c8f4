//! Whether a database holds what a dump says: table by table, object by object. It only looks.
//!
//! Rows are compared in no order: by their number, or in full by sums of their hashes, so that memory does not grow with
//! the tables. Only where two sums differ are rows looked at again, and of those only a part.
//!
//! Extra tables and rows in the database are ignored. Not compared are Seedbed's own records, which
//! contain the import too, and the statistics of `ANALYZE`, which an engine computes again.

mod affinity;
mod catalogue;
mod columns;
mod database;
mod differing;
mod dumped;
mod tally;
#[cfg(test)]
mod tests;
mod uneven;
mod unkept;
mod witness;

use std::sync::Arc;

use super::integrity::{self, Integrity};
use super::modules::Modules;
use super::{DumpError, Input, source_check};
use crate::db::{Db, DbError, EngineError};
use catalogue::Catalogue;
use dumped::Dumped;
pub(super) use unkept::{Unkept, unkept};
pub(super) use witness::Witness;

/// How much is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Level {
    /// The number of rows of each table, and the objects of the schema.
    Counts,
    /// Every value of every row too.
    Full,
}

/// What a comparison found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// How much was compared.
    pub level: Level,
    /// The tables that the dump makes or fills, in its order.
    pub tables: Vec<VerifiedTable>,
    /// Indexes, triggers and views of the dump, and tables by their definition, that are missing or not the same.
    pub objects: Vec<FaultyObject>,
    /// Why the rows that differ are not shown; none where they are, or where none does.
    pub unshown: Option<Unshown>,
    /// Whether the pages and indexes of the database agree with its tables. A comparison reads tables alone.
    pub integrity: Integrity,
}

/// Why the rows that differ are not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unshown {
    /// The dump flows by only once.
    Flows,
    /// What was compared is a database, and it has changed since.
    SourceChanged,
    /// The database has changed since it was compared.
    DatabaseChanged,
}

/// One table of the dump.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifiedTable {
    /// Its name.
    pub name: String,
    /// Its rows in the dump.
    pub in_dump: u64,
    /// Its rows in the database; none where there is no such table.
    pub in_database: Option<u64>,
    /// What the comparison came to.
    pub verdict: Verdict,
}

/// What the comparison of a table came to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// As much of it as was compared is equal.
    Equal,
    /// So too, and a part of it could not be compared, which this names.
    Partial(String),
    /// The number of rows is not the same, or some of them are not: a few of those.
    Different(Vec<Differing>),
    /// There is no such table.
    Missing,
    /// It was left out, for this reason.
    Skipped(&'static str),
    /// It cannot be compared, for this reason: neither equal nor different.
    Unknown(String),
}

/// A row that only one of the two has.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Differing {
    /// Who has it.
    pub side: Side,
    /// Its values as SQL, cut where they are long.
    pub row: String,
}

/// One of the two that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Side {
    /// The dump, in this line (from 1).
    Dump {
        /// The line.
        line: u64,
    },
    /// The database.
    Database,
}

/// An object of the schema that did not arrive as the dump has it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FaultyObject {
    /// `table`, `index`, `trigger`, `view`, `PRAGMA`, `AUTOINCREMENT`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// The line of the dump that makes it, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The database has none of that name.
    Missing,
    /// The database has another definition.
    Different,
    /// It is the last number of a table with `AUTOINCREMENT`, and the database has a lower one.
    Sequence {
        /// In the dump.
        in_dump: i64,
        /// In the database.
        in_database: i64,
    },
    /// It is a number of the header, and the database has another one.
    Number {
        /// In the dump.
        in_dump: i64,
        /// In the database.
        in_database: i64,
    },
}

impl Verified {
    /// Leaves out `user_version` and `application_id`, which a database with tables of its own keeps in an import.
    pub fn ignore_numbers(&mut self) {
        self.objects
            .retain(|object| !matches!(object.fault, Fault::Number { .. }));
    }

    /// Whether everything that was compared is equal.
    pub fn is_equal(&self) -> bool {
        self.objects.is_empty()
            && !matches!(self.integrity, Integrity::Damaged(_))
            && self.tables.iter().all(|table| {
                !matches!(
                    table.verdict,
                    Verdict::Different(_) | Verdict::Missing | Verdict::Unknown(_)
                )
            })
    }
}

/// A comparison could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The dump cannot be read.
    #[error(transparent)]
    Dump(#[from] DumpError),
    /// The database cannot be read.
    #[error(transparent)]
    Db(#[from] DbError),
    /// Its schema was another one each time that the rows were to be compared.
    #[error("the schema of the database changes while it is compared")]
    Changing,
    /// The thread that read the dump is gone.
    #[error("the thread that reads the dump ended early")]
    Thread(#[from] tokio::task::JoinError),
}

/// What a value of a dump counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Values {
    /// As it was read: what is compared is the database that the dump is of.
    AsRead,
    /// As its column keeps it: `'7'` and `7` are one value of an INTEGER column.
    AsKept,
}

impl Values {
    /// What decides how values are converted; none where they are not.
    async fn judge(self) -> Result<Option<affinity::Judge>, DbError> {
        Ok(match self {
            Values::AsRead => None,
            Values::AsKept => Some(affinity::Judge::new().await.map_err(DbError::Read)?),
        })
    }
}

/// Compares a database with a dump. The values of another database, and those of a backup, count as they were read; those
/// of any other dump count as their columns keep them. In full, the dump is read a second time where something differs, to
/// show which rows do; of standard input, which flows by only once, none are shown.
///
/// # Errors
/// The dump cannot be read to its end, a database that is read instead of one is damaged, or the database cannot be read.
/// That they differ is no error.
pub async fn verify(db: &Db, input: &Input, level: Level) -> Result<Verified, VerifyError> {
    // Where rows differ it is read again.
    let stop = db.stop();
    let unless_stopped = |error| match stop.is_raised() {
        true => stopped(),
        false => VerifyError::Dump(error),
    };
    let input = input.unchanging(stop, db.lock_timeout()).await;
    let input = &input.map_err(unless_stopped)?;
    let checked = source_check::refuse_damaged(input, stop, db.lock_timeout()).await;
    checked.map_err(unless_stopped)?;
    let values = match input.is_of_this_program() {
        true => Values::AsRead,
        false => Values::AsKept,
    };
    compared(db, input, level, values).await
}

fn stopped() -> VerifyError {
    DbError::Read(EngineError::interrupted()).into()
}

/// How often a comparison begins again where the schema has changed since it was read.
const TRIES: usize = 3;

/// The same of a dump that can be read again, with values that count as this says.
pub(super) async fn compared(
    db: &Db,
    input: &Input,
    level: Level,
    values: Values,
) -> Result<Verified, VerifyError> {
    let modules = Modules::new().await.map_err(DbError::Read)?;
    for _ in 0..TRIES {
        let catalogue = Arc::new(Catalogue::read(db).await?);
        let judge = values.judge().await?;
        let (known, modules) = (Arc::clone(&catalogue), modules.clone());
        let stop = db.stop().clone();
        let first = input.clone();
        let again = input.can_be_read_again().then(|| input.clone());
        // A pipe is waited for even to be opened.
        let dumped = tokio::task::spawn_blocking(move || {
            let again = || again.map(|input| input.whole());
            dumped::read(first.whole()?, again, &known, &modules, judge, level, &stop)
        });
        let dumped = tokio::select! {
            dumped = dumped => Arc::new(dumped??),
            () = db.stop().raised() => return Err(stopped()),
        };
        let again = Some((input, values));
        let verified = compared_with(db, &catalogue, dumped, level, again).await?;
        match verified {
            Some(verified) => return Ok(verified),
            None if input.can_be_read_again() => {}
            None => break,
        }
    }
    Err(VerifyError::Changing)
}

/// The same with what was read of the dump; none where the schema of the database is not that of the catalogue any more.
/// `again` gives the dump, where it may be read again to show which rows differ, and what its values count as.
async fn compared_with(
    db: &Db,
    catalogue: &Catalogue,
    dumped: Arc<Dumped>,
    level: Level,
    again: Option<(&Input, Values)>,
) -> Result<Option<Verified>, VerifyError> {
    let looked = database::compared(db, catalogue, &dumped, level).await?;
    let Some(database::Looked {
        mut tables,
        numbers,
        sequences,
    }) = looked
    else {
        return Ok(None);
    };
    let mut objects = catalogue.faults(&dumped.objects);
    objects.extend(numbers);
    objects.extend(sequences);
    let mut unshown = None;
    if let Some((input, values)) = again {
        unshown = differing::find(db, input, catalogue, dumped, values, &mut tables).await?;
    }
    let integrity = match level {
        Level::Counts => Integrity::NotAsked,
        Level::Full => integrity::integrity(db, integrity::Depth::Full).await?,
    };
    Ok(Some(Verified {
        level,
        tables: tables.into_iter().map(|table| table.table).collect(),
        objects,
        unshown,
        integrity,
    }))
}
