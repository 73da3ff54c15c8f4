//! Carrying out a script: lower it, run it until its outcome is known, and say of a failure which part of the script it was.

use std::sync::Arc;

use super::error::{Failed, Part, RunError};
use super::patience::Patience;
use super::read;
use super::settle::{Found, Guarded, Unsettled, Wait, settle};
use super::write::{Purpose, lower};
use crate::db::{At, Code, Db, Failure, OnProgress, Progress, Transaction};
use crate::script::{Atomicity, Run, Script};
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
    run_within(db, script, run, on_unit, &mut Patience::new(db)).await
}

/// The same, as a part of a longer run that has waited for others already.
pub(crate) async fn run_within(
    db: &Db,
    script: &Script,
    run: &Run,
    on_unit: OnUnit,
    patience: &mut Patience,
) -> Result<Receipt, RunError> {
    let mut sending = Sending {
        script,
        run,
        on_unit,
        purposes: Vec::new(),
    };
    let answers = settle(db, patience, &mut sending).await;
    let purposes = sending.purposes;
    let answers = answers.map_err(|unsettled| match unsettled {
        Unsettled::Moved => RunError::Moved,
        Unsettled::Unknown(lost) => RunError::Unknown(lost),
        Unsettled::Failed(failure) => interpret(script, &purposes, failure),
    })?;
    // How long the units took is lost with the answers.
    let mut durations = vec![None; script.units.len()];
    for answer in answers.unwrap_or_default() {
        if let Purpose::Done(unit) = purposes[answer.transaction][answer.step]
            && let Some([Value::Integer(duration)]) = answer.rows.first().map(Vec::as_slice)
        {
            durations[unit] = Some(*duration);
        }
    }
    Ok(Receipt { durations })
}

/// A script whose guard is the revision.
struct Sending<'a> {
    script: &'a Script,
    run: &'a Run,
    on_unit: OnUnit,
    purposes: Vec<Vec<Purpose>>,
}

impl Guarded for Sending<'_> {
    fn transactions(&mut self) -> (Vec<Transaction>, OnProgress) {
        let (transactions, purposes) = lower(self.script, self.run)
            .into_iter()
            .map(|lowered| (lowered.transaction, lowered.purposes))
            .unzip();
        self.purposes = purposes;
        let ends = unit_ends(&self.purposes);
        let on_unit = self.on_unit.clone();
        let on_progress: OnProgress = Arc::new(move |progress| match progress {
            Progress::Step { transaction, step } => {
                if let Some(unit) = ends[transaction][step] {
                    on_unit(UnitEvent::Done(unit));
                }
            }
            Progress::Waiting => on_unit(UnitEvent::Waiting),
            Progress::Committed(_) => {}
        });
        (transactions, on_progress)
    }

    async fn look(&self, db: &Db) -> Option<Found> {
        let expects = self.script.expects;
        let runs = read::last_runs(db).await.ok()?;
        Some(match runs.is_at(expects) {
            true => Found::Unchanged,
            false if runs.took(expects, &self.run.id) => Found::Done,
            false => Found::Moved,
        })
    }

    fn waits(&self, wait: Wait) {
        if wait == Wait::Lock {
            (self.on_unit)(UnitEvent::Waiting);
        }
    }

    fn may_be_repeated(&self) -> bool {
        self.script.atomicity == Atomicity::Transaction
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
