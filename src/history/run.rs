//! Carrying out a script: lower it, run it, and say of a failure which part of the script it was.

use std::sync::Arc;

use super::error::{Failed, Part, RunError};
use super::write::{Purpose, lower};
use crate::db::{At, Code, Db, Failure, OnProgress, Progress};
use crate::script::{Run, Script};
use crate::sql::Value;

/// How a script is getting on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnitEvent {
    /// All statements of this unit, from 0, succeeded; nothing is committed yet.
    Done(usize),
    /// Somebody else holds the lock.
    Waiting,
}

/// Where those go. Called on the thread that runs the script.
pub type OnUnit = Arc<dyn Fn(UnitEvent) + Send + Sync>;

/// A script happened and is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Receipt {
    /// For each unit how long it took, in whole milliseconds by the database's clock; `None` for units that run no
    /// statements, or take a record back.
    pub durations: Vec<Option<i64>>,
}

/// Runs a script and records it, if the history still is at the revision that it expects.
///
/// # Errors
/// [`RunError::Moved`] where it is not: plan again. [`RunError::Failed`] names the unit and the statement.
/// [`RunError::Unknown`] where the network failed, and it could not be learnt in time what became of the script.
pub async fn run(
    db: &Db,
    script: &Script,
    run: &Run,
    on_unit: OnUnit,
) -> Result<Receipt, RunError> {
    match once(db, script, run, on_unit.clone()).await {
        Err(RunError::Unknown(lost)) => super::settle::settle(db, script, run, on_unit, lost).await,
        done => done,
    }
}

/// Sends a script once.
pub(super) async fn once(
    db: &Db,
    script: &Script,
    run: &Run,
    on_unit: OnUnit,
) -> Result<Receipt, RunError> {
    let (transactions, purposes): (Vec<_>, Vec<_>) = lower(script, run)
        .into_iter()
        .map(|lowered| (lowered.transaction, lowered.purposes))
        .unzip();
    let ends = unit_ends(&purposes);
    let on_progress: OnProgress = Arc::new(move |progress| match progress {
        Progress::Step { transaction, step } => {
            if let Some(unit) = ends[transaction][step] {
                on_unit(UnitEvent::Done(unit));
            }
        }
        Progress::Waiting => on_unit(UnitEvent::Waiting),
        Progress::Committed(_) => {}
    });
    match db.run(transactions, on_progress).await {
        Ok(answers) => {
            let mut durations = vec![None; script.units.len()];
            for answer in answers {
                if let Purpose::Done(unit) = purposes[answer.transaction][answer.step]
                    && let Some([Value::Integer(duration)]) = answer.rows.first().map(Vec::as_slice)
                {
                    durations[unit] = Some(*duration);
                }
            }
            Ok(Receipt { durations })
        }
        Err(Failure::Lost(lost)) => Err(RunError::Unknown(lost)),
        Err(failure) => Err(interpret(script, &purposes, failure)),
    }
}

impl Receipt {
    /// It happened, and how long it took was lost with the answer.
    pub(super) fn without_durations(script: &Script) -> Receipt {
        Receipt {
            durations: vec![None; script.units.len()],
        }
    }
}

/// For each step, the unit whose last statement it is.
fn unit_ends(purposes: &[Vec<Purpose>]) -> Vec<Vec<Option<usize>>> {
    purposes
        .iter()
        .map(|purposes| {
            let next = purposes.iter().skip(1).copied().map(Some).chain([None]);
            purposes
                .iter()
                .zip(next)
                .map(|(purpose, next)| match *purpose {
                    Purpose::Unit(unit) if next != Some(Purpose::Unit(unit)) => Some(unit),
                    _ => None,
                })
                .collect()
        })
        .collect()
}

fn interpret(script: &Script, purposes: &[Vec<Purpose>], failure: Failure) -> RunError {
    let (purpose, step) = match &failure {
        Failure::Step {
            committed,
            at: At::Step(step),
            ..
        } => (Some(purposes[*committed][*step]), *step),
        _ => (None, 0),
    };
    let interrupted = failure.code() == Some(Code::Interrupted);
    if matches!(purpose, Some(Purpose::Guard)) && failure.is_raised_by_us() {
        return RunError::Moved;
    }
    let (unit, part) = match (purpose, &failure) {
        (Some(Purpose::Unit(unit)), Failure::Step { committed, .. }) => {
            let before = purposes[*committed][..step]
                .iter()
                .filter(|purpose| **purpose == Purpose::Unit(unit))
                .count();
            let step = script.units[unit].steps[before].clone();
            (Some(unit), Part::Step(step))
        }
        (Some(Purpose::Before(unit)), _) if !interrupted => (Some(unit), Part::ForeignKeysBefore),
        (Some(Purpose::After(unit)), _) if !interrupted => (Some(unit), Part::ForeignKeysAfter),
        (Some(Purpose::Before(unit) | Purpose::After(unit)), _) => (Some(unit), Part::Record),
        (Some(Purpose::Record(unit) | Purpose::Done(unit)), _) => (Some(unit), Part::Record),
        (Some(Purpose::Table | Purpose::Guard), _) => (None, Part::Record),
        (None, Failure::Step { at: At::Commit, .. }) => (None, Part::Commit),
        (_, _) => (None, Part::Begin),
    };
    RunError::Failed(Box::new(Failed {
        unit,
        part,
        failure,
    }))
}
