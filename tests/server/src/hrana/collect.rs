//! The results of a whole program, kept in memory up to the size that an answer may have.

use super::{step_error, value};
use crate::engine::{Column, Done, Failure, Sink, Stop};
use rusqlite::types::{Value, ValueRef};

/// Keeps what a program yields.
pub(crate) struct Collect {
    pub(crate) outcomes: Vec<Outcome>,
    current: Rows,
    keep: Keep,
    size: u64,
    limit: u64,
}

/// What became of one step.
pub(crate) enum Outcome {
    Skipped,
    Failed(Failure),
    Done(Rows, Done),
}

/// Columns with their declared types, and rows.
#[derive(Default)]
pub(crate) struct Rows {
    pub(crate) columns: Vec<(String, Option<String>)>,
    pub(crate) rows: Vec<Vec<Value>>,
}

#[derive(PartialEq, Eq)]
enum Keep {
    Rows,
    Nothing,
}

impl Collect {
    /// Keeps everything; a program whose results are larger than `limit` bytes is stopped.
    pub(crate) fn rows(limit: u64) -> Self {
        Collect {
            outcomes: Vec::new(),
            current: Rows::default(),
            keep: Keep::Rows,
            size: 0,
            limit,
        }
    }

    /// Keeps only what became of each step.
    pub(crate) fn outcomes() -> Self {
        Collect {
            keep: Keep::Nothing,
            ..Collect::rows(u64::MAX)
        }
    }

    fn grow(&mut self, bytes: u64) -> Result<(), Stop> {
        self.size += bytes;
        if self.size > self.limit {
            return Err(Stop::TooLarge);
        }
        Ok(())
    }
}

impl Sink for Collect {
    fn columns(&mut self, columns: &[Column<'_>]) -> Result<(), Stop> {
        if self.keep == Keep::Nothing {
            return Ok(());
        }
        self.grow(
            columns
                .iter()
                .map(|column| value::column_size(*column))
                .sum(),
        )?;
        self.current.columns = columns
            .iter()
            .map(|(name, declared)| ((*name).to_owned(), declared.map(str::to_owned)))
            .collect();
        Ok(())
    }

    fn row(&mut self, values: &[ValueRef<'_>]) -> Result<(), Stop> {
        if self.keep == Keep::Nothing {
            return Ok(());
        }
        let mut row = Vec::with_capacity(values.len());
        for value in values {
            self.grow(value::size(*value))?;
            row.push(value::owned(*value).map_err(Stop::Internal)?);
        }
        self.current.rows.push(row);
        Ok(())
    }

    fn done(&mut self, done: Done) -> Result<(), Stop> {
        let rows = std::mem::take(&mut self.current);
        self.outcomes.push(Outcome::Done(rows, done));
        Ok(())
    }

    fn skipped(&mut self) -> Result<(), Stop> {
        self.outcomes.push(Outcome::Skipped);
        Ok(())
    }

    fn failed(&mut self, failure: Failure) -> Result<(), Stop> {
        self.current = Rows::default();
        // What the protocol has no code for ends the program at once, not when the answer is written.
        if let Failure::NoSuchStep(_) | Failure::Engine(_) = &failure {
            check(&failure)?;
        }
        self.outcomes.push(Outcome::Failed(failure));
        Ok(())
    }
}

fn check(failure: &Failure) -> Result<(), Stop> {
    use rusqlite::Error;
    match failure {
        Failure::Engine(Error::SqliteFailure(..) | Error::SqlInputError { .. }) => Ok(()),
        Failure::Engine(other) => Err(Stop::Internal(other.to_string())),
        Failure::NoSuchStep(step) => step_error(Failure::NoSuchStep(*step)).map(|_| ()),
        Failure::Params(_) | Failure::TimedOut => Ok(()),
    }
}
