//! Carrying out a script: lower it, run it, and say of a failure which part of the script it was.

use std::sync::Arc;
use std::time::Instant;

use super::error::{Failed, Part, RunError};
use super::settle;
use super::write::{Purpose, lower};
use crate::db::{At, Code, Db, DbError, Engine, Failure, Fate, OnProgress, Progress, RemoteError};
use crate::script::{Atomicity, Run, Script, Step};
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

/// What became of scripts that were run one after another.
#[derive(Debug)]
pub struct Chain {
    /// Those that happened, from the first.
    pub receipts: Vec<Receipt>,
    /// Why the next one did not, where it did not. Those behind it did not happen either; with [`RunError::Unknown`]
    /// they may have.
    pub stopped: Option<RunError>,
}

impl Chain {
    pub(super) fn stopped(receipts: Vec<Receipt>, error: RunError) -> Chain {
        Chain {
            receipts,
            stopped: Some(error),
        }
    }
}

/// How many scripts share a request at the most. `_migrations` keeps the ids of twice as many runs, which settle a lost
/// answer.
const CHAINED: usize = 32;

/// How many bytes of SQL and values they have together at the most: gateways often take 1 MB.
const CHAINED_BYTES: usize = 512 << 10;

/// How many of these scripts are run at once: on a server as many as fit into one request, each still a transaction of
/// its own; elsewhere one.
pub fn chained(db: &Db, scripts: &[Script], run: &Run) -> usize {
    if db.engine() != Engine::Server {
        return scripts.len().min(1);
    }
    let mut bytes = 0;
    let fits = |script: &&Script| {
        let steps = lower(script, run)
            .into_iter()
            .map(|it| it.transaction.steps);
        bytes += steps.flatten().map(|it| size(&it)).sum::<usize>();
        script.atomicity == Atomicity::Transaction && bytes <= CHAINED_BYTES
    };
    let fitting = scripts.iter().take(CHAINED).take_while(fits).count();
    fitting.max(scripts.len().min(1))
}

/// About how many bytes a step takes in a request.
fn size(step: &Step) -> usize {
    let value = |value: &Value| match value {
        Value::Text(text) => text.len(),
        Value::Blob(bytes) => bytes.len() * 4 / 3,
        Value::Null | Value::Integer(_) | Value::Real(_) => 16,
    };
    step.sql.len() + step.args.iter().map(value).sum::<usize>()
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
    let scripts = std::slice::from_ref(script);
    let mut chain = run_chain(db, scripts, run, &[on_unit]).await;
    match (chain.stopped, chain.receipts.pop()) {
        (Some(error), _) => Err(error),
        (None, Some(receipt)) => Ok(receipt),
        (None, None) => Ok(Receipt::default()),
    }
}

/// Runs scripts in one request, each after the one before it is committed. `on_unit` has one entry for each.
pub async fn run_chain(db: &Db, scripts: &[Script], run: &Run, on_unit: &[OnUnit]) -> Chain {
    let sent = Instant::now();
    let chain = once(db, scripts, run, on_unit).await;
    match chain.stopped {
        Some(RunError::Unknown(lost)) => {
            let lost = settle::Lost {
                error: lost,
                after: sent.elapsed(),
            };
            settle::settle(db, scripts, run, on_unit, lost).await
        }
        // Whoever refused it may not be who carried it out.
        Some(RunError::Failed(failed)) if is_refused(&failed.failure) => {
            settle::refused(db, scripts, run, *failed).await
        }
        _ => chain,
    }
}

/// Whether something answered, and not with the outcome.
fn is_refused(failure: &Failure) -> bool {
    let Failure::Open(DbError::Remote(error)) = failure else {
        return false;
    };
    let was_sent = !matches!(
        error,
        RemoteError::Unreachable { .. }
            | RemoteError::NotEncrypted { .. }
            | RemoteError::NoCertificates { .. }
    );
    was_sent && matches!(error.fate(), Fate::Refused | Fate::NotDone)
}

/// Sends scripts once.
pub(super) async fn once(db: &Db, scripts: &[Script], run: &Run, on_unit: &[OnUnit]) -> Chain {
    // For each transaction its script, and for each of its steps the purpose.
    let mut transactions = Vec::new();
    let mut of_script: Vec<(usize, Vec<Purpose>)> = Vec::new();
    for (number, script) in scripts.iter().enumerate() {
        for lowered in lower(script, run) {
            transactions.push(lowered.transaction);
            of_script.push((number, lowered.purposes));
        }
    }
    let purposes_of = |script: usize| -> Vec<Vec<Purpose>> {
        let of = of_script.iter().filter(|(number, _)| *number == script);
        of.map(|(_, purposes)| purposes.clone()).collect()
    };
    let on_progress: OnProgress = {
        let all: Vec<_> = of_script.iter().map(|(_, it)| it.clone()).collect();
        let ends = unit_ends(&all);
        let numbers: Vec<usize> = of_script.iter().map(|(number, _)| *number).collect();
        let on_unit = on_unit.to_vec();
        Arc::new(move |progress| match progress {
            Progress::Step { transaction, step } => {
                if let Some(unit) = ends[transaction][step] {
                    on_unit[numbers[transaction]](UnitEvent::Done(unit));
                }
            }
            Progress::Waiting => on_unit[0](UnitEvent::Waiting),
            Progress::Committed(_) => {}
        })
    };
    match db.run(transactions, on_progress).await {
        Ok(answers) => {
            let mut receipts: Vec<Receipt> =
                scripts.iter().map(Receipt::without_durations).collect();
            for answer in answers {
                let (script, purposes) = &of_script[answer.transaction];
                if let Purpose::Done(unit) = purposes[answer.step]
                    && let Some([Value::Integer(duration)]) = answer.rows.first().map(Vec::as_slice)
                {
                    receipts[*script].durations[unit] = Some(*duration);
                }
            }
            Chain {
                receipts,
                stopped: None,
            }
        }
        Err(Failure::Lost(lost)) => Chain::stopped(Vec::new(), RunError::Unknown(lost)),
        Err(mut failure) => {
            let mut script = 0;
            if let Failure::Step { committed, .. } = &mut failure {
                script = of_script.get(*committed).map_or(0, |(number, _)| *number);
                // Of its own transactions.
                *committed -= of_script.iter().take_while(|(it, _)| *it < script).count();
            }
            let receipts = scripts[..script].iter().map(Receipt::without_durations);
            let error = interpret(&scripts[script], &purposes_of(script), failure);
            Chain::stopped(receipts.collect(), error)
        }
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
