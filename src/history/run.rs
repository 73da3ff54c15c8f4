//! Running scripts: lower them, send them until their outcome is known, and name the part of the script that failed.

use std::ops::Range;
use std::sync::Arc;

use super::effects::writes_to;
use super::error::{Failed, Part, RunError};
use super::patience::Patience;
use super::purposes::{Purpose, Purposes};
use super::read;
use super::restore;
use super::row_guards::violations;
use super::settle::{Found, Guarded, Settled, Unsettled, Wait, settle};
use super::watch::Watch;
use super::write::{Lowered, lower};
use crate::db::{
    At, Code, Db, DbError, Engine, EngineError, Failure, HistoryTable, OnProgress, Progress, Query,
    Ready,
};
use crate::schema::{Firing, OBJECTS, SchemaObject, Trigger};
use crate::script::{Atomicity, Run, Script, Step};
use crate::sql::{Value, ValueRef, identifier, literal};

/// The progress of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnitEvent {
    /// A statement of this unit begins; both from 0. There is no such event on a server.
    Begins(usize, usize),
    /// All statements of this unit, from 0, succeeded; nothing is committed yet.
    Done(usize),
    /// Another process holds the lock.
    Waiting,
}

/// The receiver of these events. Called on the thread that runs the script.
pub type OnUnit = Arc<dyn Fn(UnitEvent) + Send + Sync>;

/// A script happened and is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Receipt {
    /// For each unit how long it took, in whole milliseconds by the database's clock; `None` for units that run no
    /// statements, or remove a record.
    pub durations: Vec<Option<i64>>,
    /// For each unit whose record was written when that was, as the record says; `None` where the answer was lost.
    pub applied_at: Vec<Option<String>>,
    /// For each unit whether it ran.
    pub outcomes: Vec<UnitOutcome>,
}

/// The outcome of a unit of a script that was committed. Only a [`Restore`](crate::script::Restore) may not have run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnitOutcome {
    /// It ran and is recorded.
    Ran,
    /// Everything that it makes exists already.
    NotNeeded,
    /// It failed and was rolled back alone. These tables, which it needs, do not exist.
    Pending(Vec<String>),
    /// The answer was lost, and the database could not be read afterwards.
    Unknown,
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
pub(crate) fn chained(db: &Db, scripts: &[Script], run: &Run, watch: &Watch) -> usize {
    if !db.engine().is_server() {
        return scripts.len().min(1);
    }
    let mut bytes = 0;
    let fits = |(number, script): &(usize, &Script)| {
        let lowered = lower(
            script,
            run,
            watch.place(*number),
            db.history_table(),
            db.engine(),
        );
        let steps = lowered.iter().flat_map(|it| it.transaction.steps.iter());
        bytes += steps.map(size).sum::<usize>();
        script.atomicity == Atomicity::Transaction && bytes <= CHAINED_BYTES
    };
    let scripts_of_a_request = scripts.iter().enumerate().take(CHAINED);
    let fitting = scripts_of_a_request.take_while(fits).count();
    fitting.max(scripts.len().min(1))
}

/// About how many bytes a step takes in a request.
fn size(step: &Step) -> usize {
    let value = |value: ValueRef<'_>| match value {
        ValueRef::Text(text) => text.len(),
        ValueRef::Blob(bytes) => bytes.len() * 4 / 3,
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => 16,
    };
    step.sql.len() + step.args().map(value).sum::<usize>()
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
    let watch = Watch::new(std::slice::from_ref(script));
    run_watched(db, script, run, on_unit, watch).await
}

/// The same with these guards.
pub(crate) async fn run_watched(
    db: &Db,
    script: &Script,
    run: &Run,
    on_unit: OnUnit,
    mut watch: Watch,
) -> Result<Receipt, RunError> {
    let scripts = std::slice::from_ref(script);
    let mut patience = Patience::new(db);
    let mut chain = run_chain(db, scripts, run, &[on_unit], &mut patience, &mut watch).await;
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
    watch: &mut Watch,
) -> Chain {
    let (settled, purposes) = loop {
        let mut sending = Sending {
            table: db.history_table(),
            engine: db.engine(),
            scripts,
            run,
            on_unit,
            watch,
            purposes: Vec::new(),
        };
        let settled = settle(db, patience, &mut sending).await;
        let purposes = sending.purposes;
        if !is_broken_before(&settled, &purposes) {
            break (settled, purposes);
        }
        // Nothing has happened yet. The objects that are broken already are left out of the probe.
        match broken(db).await {
            Ok(broken) => watch.knows_broken(broken),
            Err(_) => break (settled, purposes),
        }
    };
    let happened = scripts[..settled.happened].iter();
    let mut receipts: Vec<Receipt> = happened.map(Receipt::without_durations).collect();
    for answer in &settled.answers {
        let script = match scripts[settled.behind].atomicity {
            Atomicity::Transaction => settled.behind + answer.transaction,
            Atomicity::Bare => 0,
        };
        let receipt = &mut receipts[script];
        let outcomes = &mut receipt.outcomes;
        match purposes[answer.transaction].get(answer.step) {
            Some(Purpose::Done(unit)) => {
                outcomes[unit] = UnitOutcome::Ran;
                receipt.record(unit, answer.rows.first().map(Vec::as_slice));
            }
            Some(Purpose::Record(unit)) => {
                receipt.record(unit, answer.rows.first().map(Vec::as_slice))
            }
            Some(Purpose::AllDone) => {
                for (number, unit) in scripts[script].units.iter().enumerate() {
                    let key = unit.record.key();
                    let of_unit = [Value::from(key.kind()), key.version()];
                    let is_it = |row: &&Vec<Value>| row.starts_with(&of_unit);
                    // They usually come in order.
                    let row = answer.rows.get(number).filter(is_it);
                    let row = row.or_else(|| answer.rows.iter().find(is_it));
                    receipt.record(number, row.and_then(|row| row.get(2..)));
                }
            }
            Some(Purpose::Pending(unit)) => outcomes[unit] = restore::pending(&answer.rows),
            Some(Purpose::Passed(unit)) if outcomes[unit] == UnitOutcome::Unknown => {
                outcomes[unit] = UnitOutcome::NotNeeded;
            }
            _ => {}
        }
    }
    restore::look_for_lost_answers(db, scripts, run, &mut receipts).await;
    let stopped = match settled.stopped {
        None => None,
        Some(Unsettled::Moved) => Some(RunError::Moved),
        Some(Unsettled::Unknown(lost)) => Some(RunError::Unknown(lost)),
        Some(Unsettled::Failed(failure)) => {
            let lowered = lower(
                &scripts[settled.happened],
                run,
                watch.place(settled.happened),
                db.history_table(),
                db.engine(),
            );
            let failure = only_new(db, failure).await;
            let mut error = interpret(&scripts[settled.happened], lowered, failure);
            if let RunError::Failed(failed) = &mut error {
                with_values(db, failed, &scripts[settled.happened]).await;
            }
            Some(error)
        }
    };
    watch.happened(settled.happened);
    Chain { receipts, stopped }
}

/// Whether a run stopped at its beginning, because a view or a trigger did not compile already.
fn is_broken_before(settled: &Settled, purposes: &[Purposes]) -> bool {
    match &settled.stopped {
        Some(Unsettled::Failed(Failure::Step {
            committed: 0,
            at: At::Step(step),
            error,
            ..
        })) => {
            let purpose = purposes.first().and_then(|of| of.get(*step));
            settled.happened == 0
                && purpose == Some(Purpose::CompilesBefore)
                && error.is_about_the_statement()
        }
        _ => false,
    }
}

/// The views and triggers that do not compile.
pub(super) async fn broken(db: &Db) -> Result<Vec<SchemaObject>, DbError> {
    let broken = not_compiling(db).await?.into_iter();
    Ok(broken.map(|(object, _)| object).collect())
}

/// The views and triggers that do not compile, and what the engine says of them.
pub(crate) async fn not_compiling(db: &Db) -> Result<Vec<(SchemaObject, EngineError)>, DbError> {
    let objects: Vec<SchemaObject> = db.rows(Query::new(OBJECTS)).await?;
    let queries = objects.iter().enumerate().flat_map(|(number, object)| {
        let statements = match Trigger::of(object) {
            Some(trigger) => trigger.firings().iter().map(Firing::explain).collect(),
            None => {
                let view = object[1].as_str().unwrap_or_default();
                vec![format!("EXPLAIN SELECT * FROM {}", identifier(view))]
            }
        };
        let queries = statements.into_iter().map(Query::new);
        queries.map(move |query| (number, query))
    });
    let (numbers, queries): (Vec<usize>, Vec<Query>) = queries.unzip();
    let answers = numbers.into_iter().zip(db.query(queries).await?);
    let mut broken: Vec<(usize, EngineError)> = answers
        .filter_map(|(number, answer)| Some((number, answer.err()?)))
        .collect();
    broken.dedup_by_key(|(number, _)| *number);
    let broken = broken.into_iter();
    Ok(broken
        .map(|(number, error)| (objects[number].clone(), error))
        .collect())
}

/// Of a COMMIT that failed for rows without their parent, only those that are not in the database.
async fn only_new(db: &Db, mut failure: Failure) -> Failure {
    if let Failure::Step {
        at: At::Commit,
        explanation,
        ..
    } = &mut failure
        && !explanation.is_empty()
        && let Ok(before) = db.query(vec![Query::new(&*violations())]).await
        && let Some(Ok(before)) = before.first()
    {
        explanation.retain(|row| !before.contains(row));
        let all = i64::try_from(explanation.len()).unwrap_or(i64::MAX);
        for row in explanation.iter_mut() {
            if let Some(last) = row.last_mut() {
                *last = Value::Integer(all);
            }
        }
    }
    failure
}

/// Scripts whose guards are revisions.
struct Sending<'a> {
    table: &'a HistoryTable,
    engine: Engine,
    scripts: &'a [Script],
    run: &'a Run,
    on_unit: &'a [OnUnit],
    watch: &'a Watch,
    /// Of the copy that was sent last, for each transaction.
    purposes: Vec<Purposes>,
}

impl Guarded for Sending<'_> {
    fn parts(&self) -> usize {
        self.scripts.len()
    }

    fn transactions(&mut self, done: usize) -> (Ready, OnProgress) {
        // For each transaction where its script's events go.
        let (mut transactions, mut on_unit) = (Vec::new(), Vec::new());
        self.purposes.clear();
        let scripts = self.scripts.iter().zip(self.on_unit).enumerate();
        for (number, (script, events)) in scripts.skip(done) {
            for lowered in lower(
                script,
                self.run,
                self.watch.place(number),
                self.table,
                self.engine,
            ) {
                transactions.push(lowered.transaction);
                self.purposes.push(lowered.purposes);
                on_unit.push(events.clone());
            }
        }
        let units: Vec<_> = self.purposes.iter().map(unit_steps).collect();
        let on_progress: OnProgress = Arc::new(move |progress| match progress {
            Progress::Step { transaction, step } => {
                unit_events(&units[transaction], step).for_each(|it| on_unit[transaction](it));
            }
            Progress::Waiting => on_unit[0](UnitEvent::Waiting),
            Progress::Committed(_) => {}
        });
        (transactions.into(), on_progress)
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

/// Adds the keys of rows that have lost their parents. What a guard sees goes with the transaction, so they are read
/// afterwards, and only of tables that the unit does not write to.
async fn with_values(db: &Db, failed: &mut Failed, script: &Script) {
    let (Part::ForeignKeysAfter, Some(unit), Failure::Step { explanation, .. }) =
        (&failed.part, failed.unit, &mut failed.failure)
    else {
        return;
    };
    let unit = &script.units[unit];
    let mut queries = Vec::new();
    for (number, row) in explanation.iter().enumerate() {
        if let [
            Value::Text(child),
            Value::Integer(rowid),
            _,
            Value::Text(columns),
            ..,
        ] = &row[..]
            && !writes_to(unit, child)
        {
            let columns: Vec<String> = columns.split(", ").map(identifier).collect();
            let mut query = Query::new(format!(
                "SELECT {} FROM {} WHERE rowid = ?1",
                columns.join(", "),
                identifier(child)
            ));
            query.args = vec![Value::Integer(*rowid)];
            queries.push((number, query));
        }
    }
    let (numbers, queries): (Vec<_>, Vec<_>) = queries.into_iter().unzip();
    if numbers.is_empty() {
        return;
    }
    let Ok(answers) = db.query(queries).await else {
        return;
    };
    for (number, answer) in numbers.into_iter().zip(answers) {
        if let Some(values) = answer.ok().and_then(|rows| rows.into_iter().next()) {
            let values: Vec<String> = values.iter().map(literal).collect();
            explanation[number].truncate(8);
            explanation[number].push(Value::Text(values.join(", ")));
        }
    }
}

impl Receipt {
    /// It happened, and how long it took was lost with the answer.
    pub(super) fn without_durations(script: &Script) -> Receipt {
        Receipt {
            durations: vec![None; script.units.len()],
            applied_at: vec![None; script.units.len()],
            outcomes: script.units.iter().map(restore::without_answer).collect(),
        }
    }

    /// Keeps what the record of a unit says: how long it took, and when it was written.
    fn record(&mut self, unit: usize, row: Option<&[Value]>) {
        if let Some([duration, applied_at]) = row {
            self.durations[unit] = duration.as_i64();
            self.applied_at[unit] = applied_at.as_str().map(str::to_owned);
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
fn unit_steps(purposes: &Purposes) -> Vec<UnitSteps> {
    let mut all: Vec<UnitSteps> = Vec::new();
    for (steps, purpose) in purposes.runs() {
        let Purpose::Unit(unit) = purpose else {
            continue;
        };
        let last = all.last().filter(|last| last.unit == unit);
        all.push(UnitSteps {
            unit,
            before: last.map_or(0, |last| last.before + last.steps.len()),
            steps,
        });
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
    let purposes: Vec<Purposes> = lowered.into_iter().map(|it| it.purposes).collect();
    let (purpose, step) = match &failure {
        Failure::Step {
            committed,
            at: At::Step(step),
            ..
        } => (purposes[*committed].get(*step), *step),
        _ => (None, 0),
    };
    let interrupted = failure.code() == Some(Code::Interrupted);
    let (unit, part) = match (purpose, &failure) {
        (Some(Purpose::Unit(unit)), Failure::Step { committed, .. }) => {
            let of_unit = purposes[*committed].runs();
            let of_unit = of_unit.filter(|(_, purpose)| *purpose == Purpose::Unit(unit));
            let before = of_unit
                .map(|(steps, _)| steps.end.min(step).saturating_sub(steps.start))
                .sum::<usize>();
            let step = script.units[unit].steps[before].clone();
            (Some(unit), Part::Step(step))
        }
        (Some(purpose), _) if interrupted => (purpose.unit(), Part::Record),
        (Some(Purpose::Before(unit)), _) => (Some(unit), Part::ForeignKeysBefore),
        (Some(Purpose::After(unit)), _) => (Some(unit), Part::ForeignKeysAfter),
        (Some(Purpose::Mismatch(unit)), _) => (Some(unit), Part::Mismatch),
        (Some(Purpose::OldRows(unit)), _) => (Some(unit), Part::OldRows),
        (Some(Purpose::Schema(unit)), _) => (Some(unit), Part::Schema),
        (Some(Purpose::References), _) => (None, Part::References),
        (Some(Purpose::LeftRows), _) => (None, Part::ForeignKeysAfter),
        (Some(Purpose::Compiles), _) => (None, Part::Compiles),
        (Some(purpose), _) => (purpose.unit(), Part::Record),
        (None, Failure::Step { at: At::Commit, .. }) => (None, Part::Commit),
        (_, _) => (None, Part::Begin),
    };
    RunError::Failed(Box::new(Failed {
        unit,
        part,
        failure,
    }))
}
