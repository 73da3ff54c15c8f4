//! Carrying out scripts: lower them, send them until their outcome is known, and say of a failure which part of which script it was.

use std::ops::Range;
use std::sync::Arc;

use super::error::{Failed, Part, RunError};
use super::patience::Patience;
use super::read;
use super::settle::{Found, Guarded, Unsettled, Wait, settle};
use super::write::{Lowered, Purpose, lower};
use crate::db::{At, Code, Db, Engine, Failure, HistoryTable, OnProgress, Progress, Transaction};
use crate::script::{Atomicity, Run, Script, Step};
use crate::sql::Value;

/// How a script is getting on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnitEvent {
    /// A statement of this unit begins; both from 0. On a server no statement is seen to begin.
    Begins(usize, usize),
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
pub(crate) struct Chain {
    /// Those that happened, from the first.
    pub(crate) receipts: Vec<Receipt>,
    /// Why the next one did not, where it did not. Those behind it did not happen either; with [`RunError::Unknown`]
    /// they may have.
    pub(crate) stopped: Option<RunError>,
}

/// How many scripts share a request at the most. `_migrations` keeps the ids of twice as many runs, which settle a lost
/// answer.
const CHAINED: usize = 32;

/// How many bytes of SQL and values they have together at the most: gateways often take 1 MB.
const CHAINED_BYTES: usize = 512 << 10;

/// How many of these scripts are run at once: on a server as many as fit into one request, each still a transaction of
/// its own; elsewhere one.
pub(crate) fn chained(db: &Db, scripts: &[Script], run: &Run) -> usize {
    if db.engine() != Engine::Server {
        return scripts.len().min(1);
    }
    let mut bytes = 0;
    let fits = |script: &&Script| {
        let steps = lower(script, run, db.history_table())
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
    let mut patience = Patience::new(db);
    let mut chain = run_chain(db, scripts, run, &[on_unit], &mut patience).await;
    match (chain.stopped, chain.receipts.pop()) {
        (Some(error), _) => Err(error),
        (None, Some(receipt)) => Ok(receipt),
        (None, None) => Ok(Receipt::default()),
    }
}

/// Runs scripts in one request, each after the one before it is committed. `on_unit` has one entry for each.
pub(crate) async fn run_chain(
    db: &Db,
    scripts: &[Script],
    run: &Run,
    on_unit: &[OnUnit],
    patience: &mut Patience,
) -> Chain {
    let mut sending = Sending {
        table: db.history_table(),
        scripts,
        run,
        on_unit,
        purposes: Vec::new(),
    };
    let settled = settle(db, patience, &mut sending).await;
    let happened = scripts[..settled.happened].iter();
    let mut receipts: Vec<Receipt> = happened.map(Receipt::without_durations).collect();
    let purposes = sending.purposes;
    for answer in &settled.answers {
        let script = match scripts[settled.behind].atomicity {
            Atomicity::Transaction => settled.behind + answer.transaction,
            Atomicity::Bare => 0,
        };
        if let Purpose::Done(unit) = purposes[answer.transaction][answer.step]
            && let Some([Value::Integer(duration)]) = answer.rows.first().map(Vec::as_slice)
        {
            receipts[script].durations[unit] = Some(*duration);
        }
    }
    let stopped = settled.stopped.map(|unsettled| match unsettled {
        Unsettled::Moved => RunError::Moved,
        Unsettled::Unknown(lost) => RunError::Unknown(lost),
        Unsettled::Failed(failure) => {
            let lowered = lower(&scripts[settled.happened], run, db.history_table());
            interpret(&scripts[settled.happened], lowered, failure)
        }
    });
    Chain { receipts, stopped }
}

/// Scripts whose guards are revisions.
struct Sending<'a> {
    table: &'a HistoryTable,
    scripts: &'a [Script],
    run: &'a Run,
    on_unit: &'a [OnUnit],
    /// Of the copy that was sent last, for each transaction.
    purposes: Vec<Vec<Purpose>>,
}

impl Guarded for Sending<'_> {
    fn parts(&self) -> usize {
        self.scripts.len()
    }

    fn transactions(&mut self, done: usize) -> (Vec<Transaction>, OnProgress) {
        // For each transaction where its script's events go.
        let (mut transactions, mut on_unit) = (Vec::new(), Vec::new());
        self.purposes.clear();
        for (script, events) in self.scripts.iter().zip(self.on_unit).skip(done) {
            for lowered in lower(script, self.run, self.table) {
                transactions.push(lowered.transaction);
                self.purposes.push(lowered.purposes);
                on_unit.push(events.clone());
            }
        }
        let units: Vec<_> = self.purposes.iter().map(|it| unit_steps(it)).collect();
        let on_progress: OnProgress = Arc::new(move |progress| match progress {
            Progress::Step { transaction, step } => {
                unit_events(&units[transaction], step).for_each(|it| on_unit[transaction](it));
            }
            Progress::Waiting => on_unit[0](UnitEvent::Waiting),
            Progress::Committed(_) => {}
        });
        (transactions, on_progress)
    }

    async fn look(&self, db: &Db, done: usize) -> Option<Found> {
        let runs = read::last_runs(db).await.ok()?;
        let rest = &self.scripts[done..];
        let took = |script: &&Script| runs.took(script.expects, &self.run.id);
        let happened = rest.iter().take_while(took).count();
        let next = rest.get(happened);
        Some(Found {
            happened,
            moved: next.is_some_and(|next| runs.is_past(next.expects)),
        })
    }

    fn waits(&self, wait: Wait) {
        if wait == Wait::Lock {
            (self.on_unit[0])(UnitEvent::Waiting);
        }
    }

    fn may_be_repeated(&self) -> bool {
        let mut scripts = self.scripts.iter();
        scripts.all(|script| script.atomicity == Atomicity::Transaction)
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

/// Statements of a unit that stand side by side in a transaction. There may be a million, so no step has a value of its
/// own.
struct UnitSteps {
    unit: usize,
    /// The statements of the unit before these.
    before: usize,
    steps: Range<usize>,
}

/// Those of a transaction, in order.
fn unit_steps(purposes: &[Purpose]) -> Vec<UnitSteps> {
    let mut all: Vec<UnitSteps> = Vec::new();
    for (step, purpose) in purposes.iter().enumerate() {
        let Purpose::Unit(unit) = *purpose else {
            continue;
        };
        match all.last_mut() {
            Some(last) if last.unit == unit && last.steps.end == step => last.steps.end += 1,
            last => {
                let last = last.filter(|last| last.unit == unit);
                let before = last.map_or(0, |last| last.before + last.steps.len());
                all.push(UnitSteps {
                    unit,
                    before,
                    steps: step..step + 1,
                });
            }
        }
    }
    all
}

/// What the end of a step tells of units: that the last of its unit's statements succeeded, and that another begins.
fn unit_events(all: &[UnitSteps], step: usize) -> impl Iterator<Item = UnitEvent> {
    let at = |step: usize| {
        let found = all.partition_point(|it| it.steps.end <= step);
        all.get(found).filter(|it| it.steps.contains(&step))
    };
    let next = at(step + 1);
    let done = at(step).filter(|it| next.is_none_or(|next| next.unit != it.unit));
    let done = done.map(|it| UnitEvent::Done(it.unit));
    let begins = next.map(|it| UnitEvent::Begins(it.unit, it.before + step + 1 - it.steps.start));
    done.into_iter().chain(begins)
}

/// Which part of a script failed.
fn interpret(script: &Script, lowered: Vec<Lowered>, failure: Failure) -> RunError {
    let purposes: Vec<Vec<Purpose>> = lowered.into_iter().map(|it| it.purposes).collect();
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
