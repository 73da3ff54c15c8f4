//! The one loop that changes databases: read the history, decide, run; and if another run was faster, start again.
//!
//! Applying, undoing, repairing, taking a baseline and seeding differ only in how they decide, and deciding is pure.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::db::{self, Db, DbError, Engine, Failure, MadeAgain};
use crate::diagnostic::{Diagnostic, Location, lines};
use crate::history::{
    self, Failed, History, HistoryError, Interrupted, KnownSchema, LeftBroken, Outside, Part,
    Patience, Row, RunError, State, UnitEvent, UnitOutcome, Watch,
};
use crate::script::{Entry, Key, Origin, Outline, Record, Run, Script, Step, Unit};
use crate::sql::{Kind, kind, significant};

/// How often the history is read while another process runs a `no-transaction` migration.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// What a timed-out wait was for, to complete "… for 10 s".
pub(crate) const LOCK_HELD: &str = "another connection held the lock of this database";

/// The same, of a server whose reads lag behind its writes.
const OUTDATED: &str =
    "the server refused changes because its history has moved, and reading it showed no move";

/// What a waiting user may want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// So many units in so many scripts are about to run.
    Planned {
        /// Units.
        units: usize,
        /// Scripts.
        scripts: usize,
        /// How each of several scripts runs; nothing where there is one.
        outlines: Vec<Outline>,
    },
    /// A statement begins. There is no such event on a server.
    Begins(Statement),
    /// The statements of this unit succeeded; it is not committed yet.
    Ran(Key),
    /// Units up to this one are committed.
    Committed(Key),
    /// Another process holds the lock of the database.
    WaitingForLock,
    /// Another process runs this `no-transaction` migration.
    WaitingFor(Key, Duration),
    /// Another run undoes this `no-transaction` migration.
    WaitingForUndo(Key, Duration),
    /// Another run changed the history; it is read again.
    Moved,
}

/// A statement of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The unit.
    pub key: Key,
    /// Which of its statements, from 1.
    pub number: usize,
    /// How many it has.
    pub of: usize,
    /// Where it is.
    pub origin: Option<Origin>,
}

/// Where events go: called from the thread that runs a script, so it must not block.
pub type OnEvent = Arc<dyn Fn(Event) + Send + Sync>;

/// A sink that ignores all events.
pub fn ignore() -> OnEvent {
    Arc::new(|_| {})
}

/// What has been done.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Outcome {
    /// The units that ran, in order.
    pub done: Vec<Done>,
    /// Warnings.
    pub warnings: Vec<Diagnostic>,
    /// The highest applied version now.
    pub version: Option<i64>,
}

/// One unit that ran and is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Done {
    /// Its version or name.
    pub key: Key,
    /// The version or name that its record had before, where it was moved.
    pub from: Option<Key>,
    /// What was done to its record.
    pub verb: Verb,
    /// The words of its name.
    pub name: String,
    /// sha256 of its text; empty where the record is gone.
    pub checksum: String,
    /// How many statements ran.
    pub statements: usize,
    /// How long that took, in whole milliseconds by the database's clock.
    pub duration_ms: Option<i64>,
    /// When its record says that it was applied: UTC, `YYYY-MM-DDTHH:MM:SS.sssZ`.
    pub applied_at: Option<String>,
    /// The file whose statements ran.
    pub file: Option<String>,
}

/// What was done to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verb {
    /// Applied, or taken as applied.
    Applied,
    /// A repeatable with the recorded text ran again, because something that it makes was gone.
    MadeAgain,
    /// Undone, or forgotten.
    Removed,
    /// Corrected.
    Amended,
    /// Moved to this key from another one: see [`Done::from`].
    Moved,
}

/// A change did not happen, or not all of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// The history cannot be read. Nothing was changed.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// There are problems, so nothing ran (after what is in `done`).
    #[error("{}", lines(problems))]
    Problems {
        /// All of them, warnings too.
        problems: Vec<Diagnostic>,
        /// What this run had done before they showed.
        done: Vec<Done>,
    },
    /// The wait for the lock, or for a migration of another process, timed out.
    #[error("{what} for {} s", waited.as_secs())]
    Waited {
        /// What was in the way, to complete "… for 10 s".
        what: String,
        /// How long.
        waited: Duration,
        /// What this run had done before.
        done: Vec<Done>,
        /// A `no-transaction` migration that is under way or died.
        started: Option<Box<Diagnostic>>,
    },
    /// The network failed, and whether the last scripts happened could not be learnt in time.
    #[error("{lost}")]
    Unknown {
        /// The last words of the network.
        lost: db::RemoteError,
        /// The units of those scripts.
        units: Vec<Key>,
        /// How many scripts those are. One happened as a whole or not at all; of several the first ones may have.
        scripts: usize,
        /// What this run had committed before.
        done: Vec<Done>,
    },
    /// A script failed.
    #[error(transparent)]
    Script(Box<ScriptError>),
}

/// Which script failed, and what the database is like now.
#[derive(Debug)]
#[non_exhaustive]
pub struct ScriptError {
    /// The failure.
    pub failed: Failed,
    /// The unit that failed, where it was one.
    pub unit: Option<Unit>,
    /// The units that may be the cause, where the script failed at its end.
    pub suspects: Vec<Unit>,
    /// The byte of the statement at which the engine's words point.
    pub offset: Option<usize>,
    /// The units that were rolled back with it: those before it in its script.
    pub rolled_back: Vec<Unit>,
    /// What the script was to undo and apply again: it is applied as before.
    pub redone: Vec<Key>,
    /// What earlier scripts of this run left broken for later ones to repair, and is broken still.
    pub(crate) left_broken: Vec<LeftBroken>,
    /// Whether the unit runs outside of a transaction, had no effect, and is recorded as before.
    pub(crate) set_back: bool,
    /// When what the script changes was applied before, and how long that took, as far as it is recorded.
    pub(crate) recorded: Vec<(Key, String, Option<i64>)>,
    /// Rows of seeds that are refused besides the one that failed.
    pub(crate) other_rows: Vec<Failed>,
    /// Whether a repeatable migration makes the object again that the engine names.
    pub(crate) made_again: MadeAgain,
    /// What this run had committed before.
    pub done: Vec<Done>,
    /// The highest applied version now.
    pub version: Option<i64>,
    /// The engine that refused it.
    pub engine: Engine,
}

impl ScriptError {
    /// The error of all rows that are refused, the first of which is the failure.
    #[must_use]
    pub(crate) fn of_rows(mut self, mut refused: Vec<Failed>) -> ScriptError {
        if !refused.is_empty() {
            self.failed = refused.remove(0);
            self.offset = None;
            self.other_rows = refused;
        }
        self
    }

    /// Rows of seeds that are refused besides the one that failed: where each is declared, and the engine's words.
    pub fn other_rows(&self) -> impl Iterator<Item = (Origin, &str)> {
        let rows = self.other_rows.iter();
        rows.filter_map(|failed| match (&failed.part, &failed.failure) {
            (Part::Step(step), Failure::Step { error, .. }) => {
                Some((step.origin()?, error.message.as_str()))
            }
            _ => None,
        })
    }

    /// What the engine's words are about: the token, or the statement. Of a guard, the statement that is the likely
    /// cause.
    pub fn origin(&self) -> Option<Origin> {
        match &self.failed.part {
            Part::Step(step) => Some(step.origin()?.token_at(self.offset)),
            _ => self.refusal()?.origin,
        }
    }

    /// Why a guard refused, where it was a guard.
    pub(crate) fn refusal(&self) -> Option<history::Refusal> {
        let mut left = self.left_broken.iter();
        match left.find(|it| it.is_what_failed(&self.failed)) {
            Some(left) => history::not_repaired(&self.failed.part, left),
            None => history::refusal(&self.failed.part, &self.failed.failure, self.unit.as_ref()),
        }
    }
}

impl fmt::Display for ScriptError {
    /// The version, the place in its file, and the engine's words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(origin) = self.origin() {
            write!(f, "{}: ", Location::from(origin))?;
        }
        let record = self.unit.as_ref().map(|unit| &unit.record);
        if let Some(refusal) = self.refusal() {
            let unit = match record {
                Some(Record::Delete(key)) => Some(format!("undoing {key}")),
                record => record.map(|record| record.key().to_string()),
            };
            return f.write_str(&refusal.message(unit.as_deref()));
        }
        match record {
            // Rows of all seeds are in one unit: only the place tells which seed it is.
            Some(record) if matches!(record.key(), Key::Seed(_)) => {
                f.write_str("a row was refused: ")?;
            }
            Some(Record::Delete(key)) => write!(f, "undoing {key} failed: ")?,
            Some(record) => write!(f, "{} failed: ", record.key())?,
            None => {}
        }
        self.failed.fmt(f)
    }
}

impl std::error::Error for ScriptError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.failed)
    }
}

/// What a decision amounts to.
#[derive(Debug, Default)]
pub(crate) struct Decision {
    pub(crate) problems: Vec<Diagnostic>,
    pub(crate) scripts: Vec<Script>,
    /// A `no-transaction` migration that another process may still run. One of the problems is about it; where that is
    /// the only error, it may pass by itself.
    pub(crate) under_way: Option<Key>,
    /// Whether the run may leave more to do, which shows only once it is done: then it decides once more.
    pub(crate) look_again: bool,
    /// The `schema_version` at which the schema was compared with the recorded migrations, and found to be theirs.
    pub(crate) compared_at: Option<i64>,
}

/// Says what a decision needs to know, and decides.
pub(crate) trait Reader {
    /// The keys of the rows of the history whose texts are needed.
    fn texts(&self, history: &History) -> Vec<Key>;
    /// The history that the first decision is made on, where it was read already. A script that is planned on an old
    /// one is refused, so this costs a second round at most.
    fn take_history(&mut self) -> Option<History> {
        None
    }
    /// Reads what else is needed, and keeps it.
    async fn look(&mut self, _db: &Db, _history: &History) -> Result<(), HistoryError> {
        Ok(())
    }
    /// The decision.
    fn decide(&mut self, history: &History) -> Decision;
    /// Adds what a further look at the database tells about the scripts of a decision.
    async fn judge(
        &mut self,
        _db: &Db,
        _history: &History,
        _decision: &mut Decision,
    ) -> Result<(), HistoryError> {
        Ok(())
    }
    /// A script of the decision is committed.
    fn committed(&mut self, _script: &Script) {}
    /// Whether this finishes an unfinished import, which is in the way of every other change.
    fn finishes_import(&self) -> bool {
        false
    }
}

/// Reads, decides and runs until nothing is left to do.
pub(crate) async fn drive<R: Reader>(
    db: &Db,
    run: &Run,
    on_event: &OnEvent,
    mut how: R,
) -> Result<Outcome, ApplyError> {
    let mut done: Vec<Done> = Vec::new();
    let mut patience = Patience::new(db);
    // Whether the guard refused the history that was read last.
    let mut moved = false;
    // Each awaited migration is reported once.
    let mut reported: Option<Key> = None;
    let mut warnings: Vec<Diagnostic> = Vec::new();
    let mut looked_again = false;
    'again: loop {
        let history = match how.take_history() {
            Some(history) => history,
            None => history::read_before_change(db).await?,
        };
        let history = history::add_texts(db, history, |history| how.texts(history)).await?;
        if let Some(unfinished) = &history.unfinished
            && !how.finishes_import()
        {
            if let Some(other) = db.running_import() {
                db.report_wait(&other);
                tokio::select! {
                    () = tokio::time::sleep(LOOK_AGAIN) => continue 'again,
                    () = db.stop().raised() => return Err(interrupted(done, history.version())),
                }
            }
            return Err(HistoryError::Unfinished(unfinished.clone()).into());
        }
        if patience.saw(&history) {
            moved = false;
        }
        how.look(db, &history).await?;
        let mut decision = how.decide(&history);
        if !decision.scripts.is_empty() && !decision.problems.iter().any(Diagnostic::is_error) {
            how.judge(db, &history, &mut decision).await?;
        }
        if let Some((key, started)) = only_under_way(&decision) {
            // It is the one that applies this.
            if db.other_run().is_some() {
                patience.restart();
            }
            if patience.is_over() {
                return Err(ApplyError::Waited {
                    what: started.message.clone(),
                    waited: db.lock_timeout(),
                    done,
                    started: Some(Box::new(started.clone())),
                });
            }
            if reported.as_ref() != Some(key) {
                let undoing = history.row(key).is_some_and(|row| row.undoing().is_some());
                on_event(match undoing {
                    true => Event::WaitingForUndo(key.clone(), db.lock_timeout()),
                    false => Event::WaitingFor(key.clone(), db.lock_timeout()),
                });
                reported = Some(key.clone());
            }
            match patience.rest(LOOK_AGAIN.min(db.lock_timeout())).await {
                Ok(()) => continue 'again,
                Err(Interrupted) => return Err(interrupted(done, history.version())),
            }
        }
        if decision.problems.iter().any(Diagnostic::is_error) {
            return Err(ApplyError::Problems {
                problems: decision.problems,
                done,
            });
        }
        if moved && !decision.scripts.is_empty() {
            // Reads lag behind writes: the guard would refuse the same script again.
            if patience.is_over() {
                return Err(ApplyError::Waited {
                    what: OUTDATED.to_owned(),
                    waited: db.lock_timeout(),
                    done,
                    started: None,
                });
            }
            match patience.pass(LOOK_AGAIN).await {
                Ok(()) => continue 'again,
                Err(Interrupted) => return Err(interrupted(done, history.version())),
            }
        }
        if !decision.scripts.is_empty() {
            on_event(Event::Planned {
                units: decision
                    .scripts
                    .iter()
                    .flat_map(|script| &script.units)
                    .filter(|unit| !is_conditional(unit))
                    .count(),
                scripts: decision.scripts.len(),
                outlines: match decision.scripts.as_slice() {
                    [] | [_] => Vec::new(),
                    several => several.iter().map(Script::outline).collect(),
                },
            });
        }
        if decision.scripts.is_empty() {
            warnings.extend(history::left_broken(db, &history).await);
        }
        let mut version = Versions::new(&history);
        let recorded = history.by_key();
        let mut watch = Watch::new(&decision.scripts);
        watch.knows(&history.known, history.engine, &decision.scripts);
        watch.goes_on(&history.left_broken, &decision.scripts);
        let known = match decision.compared_at {
            Some(version) => KnownSchema::Compared(version),
            None => KnownSchema::ByTheRow,
        };
        watch.knows_schema(known, history.engine, &decision.scripts, &recorded);
        if watch.ignores_checks() {
            let tables = history::checked_tables(db).await;
            watch.knows_checks(tables.map_err(HistoryError::Db)?);
        }
        let mut outside = Outside::default();
        let mut left = decision.scripts.as_slice();
        while !left.is_empty() {
            if db.stop().is_raised() {
                return Err(interrupted(done, version.highest()));
            }
            let all = left;
            let (scripts, later) = all.split_at(history::chained(db, all, run, &watch));
            left = later;
            outside.before(db, scripts).await;
            let events: Vec<_> = scripts.iter().map(|it| unit_events(it, on_event)).collect();
            let chain =
                history::run_chain(db, scripts, run, &events, &mut patience, &mut watch).await;
            let happened = chain.receipts.len();
            for (script, receipt) in scripts.iter().zip(chain.receipts) {
                let times = receipt.durations.into_iter().zip(receipt.applied_at);
                let units = script.units.iter().zip(times);
                for ((unit, times), outcome) in units.zip(receipt.outcomes) {
                    if outcome == UnitOutcome::Ran {
                        done.push(done_unit(unit, times, &recorded));
                    }
                    warnings.extend(not_made(unit, outcome));
                }
                version.apply(script);
                how.committed(script);
                if let Some(last) = script.units.iter().rfind(|unit| !is_conditional(unit)) {
                    on_event(Event::Committed(last.record.key().clone()));
                }
            }
            let rest = &scripts[happened..];
            if let ([script], []) = (scripts, rest) {
                let problems = outside.behind(db, script, later, watch.texts()).await;
                if problems.iter().any(Diagnostic::is_error) {
                    return Err(ApplyError::Problems { problems, done });
                }
                warnings.extend(problems);
            }
            let (Some(error), Some(script)) = (chain.stopped, rest.first()) else {
                continue;
            };
            match error {
                RunError::Moved => {
                    on_event(Event::Moved);
                    moved = true;
                    continue 'again;
                }
                RunError::Failed(failed) if watch.allows(&failed, script, &all[happened + 1..]) => {
                    left = &all[happened..];
                }
                RunError::Failed(failed) => {
                    let mut broken = Vec::new();
                    for object in watch.left_broken() {
                        if object.is_still(db).await {
                            broken.push(object.clone());
                        }
                    }
                    let later = &all[happened + 1..];
                    let set_back = history::set_back(db, script, &failed, later, run).await;
                    if !set_back {
                        version.started(script, &failed.failure);
                    }
                    let version = version.highest();
                    let error = script_error(db, *failed, script, broken, done, version).await;
                    return Err(match error {
                        ApplyError::Script(mut error) => {
                            error.set_back = set_back;
                            error.recorded = recorded_times(script, &recorded);
                            ApplyError::Script(error)
                        }
                        error => error,
                    });
                }
                RunError::Unknown(lost) => {
                    let units = rest.iter().flat_map(|script| &script.units);
                    return Err(ApplyError::Unknown {
                        lost,
                        units: units.map(|unit| unit.record.key().clone()).collect(),
                        scripts: rest.len(),
                        done,
                    });
                }
            }
        }
        let problems = outside.at_the_end(db).await;
        if problems.iter().any(Diagnostic::is_error) {
            return Err(ApplyError::Problems { problems, done });
        }
        warnings.extend(problems);
        let version = version.highest();
        drop(recorded);
        let looks_again = decision.look_again && !decision.scripts.is_empty() && !looked_again;
        for warning in decision.problems {
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
        if looks_again {
            looked_again = true;
            continue 'again;
        }
        return Ok(Outcome {
            done,
            warnings,
            version,
        });
    }
}

/// Whether a unit runs only where an object is gone.
fn is_conditional(unit: &Unit) -> bool {
    matches!(unit.record, Record::Restore(_))
}

/// `table t`, or `view v` where a unit has a trigger that only a view can have.
fn of_its_sort(table: &str, unit: &Unit) -> String {
    let is_view = unit.steps.iter().any(|step| {
        let Kind::Create(object) = kind(&step.sql) else {
            return false;
        };
        let is_on = |it: &String| it.eq_ignore_ascii_case(table);
        object.table.as_ref().is_some_and(is_on)
            && significant(&step.sql)
                .take_while(|token| !token.is_word(&step.sql, "BEGIN"))
                .any(|token| token.is_word(&step.sql, "INSTEAD"))
    });
    format!("{} {table}", if is_view { "view" } else { "table" })
}

/// Why a repeatable that was to be made again was not, or may not have been.
fn not_made(unit: &Unit, outcome: UnitOutcome) -> Option<Diagnostic> {
    let key = unit.record.key();
    let (message, help) = match outcome {
        UnitOutcome::Ran | UnitOutcome::NotNeeded => return None,
        UnitOutcome::Pending(tables) => {
            let why = match tables.as_slice() {
                [] => "what it makes was dropped, and it cannot be created again on this schema"
                    .to_owned(),
                [table] => format!("its {} is gone", of_its_sort(table, unit)),
                tables => {
                    let tables = tables.iter().map(|table| of_its_sort(table, unit));
                    format!(
                        "its {} are gone",
                        tables.collect::<Vec<_>>().join(" and its ")
                    )
                }
            };
            (
                format!("{key} is pending: {why}"),
                "the next `migrate` makes it again, after the versions that are pending then",
            )
        }
        UnitOutcome::Unknown => (
            format!(
                "the answer of the server was lost: whether {key} had to be created again is not known"
            ),
            "`status` shows whether it is pending",
        ),
    };
    Some(
        Diagnostic::problem("repeatable-pending", message)
            .warning()
            .about(key)
            .help(help),
    )
}

/// The unfinished migration, where nothing else is wrong.
fn only_under_way(decision: &Decision) -> Option<(&Key, &Diagnostic)> {
    let key = decision.under_way.as_ref()?;
    let mut errors = decision.problems.iter().filter(|it| it.is_error());
    match (errors.next(), errors.next()) {
        (Some(problem), None) if problem.subject.as_ref() == Some(key) => Some((key, problem)),
        _ => None,
    }
}

fn unit_events(script: &Script, on_event: &OnEvent) -> history::OnUnit {
    let units = script.units.iter();
    let units: Vec<(Key, Arc<Vec<Step>>)> = units
        .map(|unit| (unit.record.key().clone(), unit.steps.clone()))
        .collect();
    let on_event = on_event.clone();
    Arc::new(move |event| match event {
        UnitEvent::Begins(unit, statement) => {
            let (key, steps) = &units[unit];
            on_event(Event::Begins(Statement {
                key: key.clone(),
                number: statement + 1,
                of: steps.len(),
                origin: steps[statement].origin(),
            }));
        }
        UnitEvent::Done(unit) => on_event(Event::Ran(units[unit].0.clone())),
        UnitEvent::Waiting => on_event(Event::WaitingForLock),
    })
}

fn done_unit(
    unit: &Unit,
    (duration_ms, applied_at): (Option<i64>, Option<String>),
    recorded: &HashMap<&Key, &Row>,
) -> Done {
    let (verb, entry) = match &unit.record {
        Record::Replace(entry) if is_the_same(entry, recorded) => (Verb::MadeAgain, Some(entry)),
        Record::Restore(restore) if is_the_same(&restore.entry, recorded) => {
            (Verb::MadeAgain, Some(&restore.entry))
        }
        Record::Restore(restore) => (Verb::Applied, Some(&restore.entry)),
        Record::Insert(entry) | Record::Replace(entry) => (Verb::Applied, Some(entry)),
        Record::Amend(entry) => (Verb::Amended, Some(entry)),
        Record::Move { entry, .. } => (Verb::Moved, Some(entry)),
        Record::Settle(_) | Record::Mark(_) | Record::Copy => (Verb::Amended, None),
        Record::Delete(_) => (Verb::Removed, None),
    };
    let before = match &unit.record {
        Record::Move { from, .. } => recorded.get(from),
        record => recorded.get(record.key()),
    };
    Done {
        applied_at: match verb {
            Verb::Applied | Verb::MadeAgain => applied_at,
            // The record stays as applied when it was.
            Verb::Amended | Verb::Moved => before.map(|row| row.applied_at.clone()),
            Verb::Removed => None,
        },
        file: unit.file().map(str::to_owned),
        key: unit.record.key().clone(),
        from: match &unit.record {
            Record::Move { from, .. } => Some(from.clone()),
            _ => None,
        },
        verb,
        name: match entry {
            Some(entry) => entry.name.clone(),
            None => {
                let row = recorded.get(unit.record.key());
                row.map(|row| row.name.clone()).unwrap_or_default()
            }
        },
        checksum: entry
            .map(|entry| entry.checksum.clone())
            .unwrap_or_default(),
        statements: unit.statements(),
        duration_ms,
    }
}

/// What is recorded of the units of a script: when each was applied, and how long that took.
fn recorded_times(
    script: &Script,
    recorded: &HashMap<&Key, &Row>,
) -> Vec<(Key, String, Option<i64>)> {
    let keys = script.units.iter().map(|unit| unit.record.key());
    let rows = keys.filter_map(|key| Some((key, recorded.get(key)?)));
    rows.map(|(key, row)| (key.clone(), row.applied_at.clone(), row.duration_ms))
        .collect()
}

/// Whether this is a repeatable that is recorded with the same text.
fn is_the_same(entry: &Entry, recorded: &HashMap<&Key, &Row>) -> bool {
    let row = recorded.get(&entry.key);
    matches!(entry.key, Key::Repeatable(_)) && row.is_some_and(|row| row.checksum == entry.checksum)
}

/// The applied versions, kept up to date without asking the database again.
struct Versions(std::collections::BTreeSet<i64>);

impl Versions {
    fn new(history: &History) -> Versions {
        let applied = history
            .versions()
            .into_iter()
            .filter(|(_, row)| row.state == State::Applied);
        Versions(applied.map(|(version, _)| version).collect())
    }

    fn apply(&mut self, script: &Script) {
        let records = || script.units.iter().map(|unit| &unit.record);
        // Rows that change their keys leave the old ones first.
        for record in records() {
            if let Record::Move { from, .. } = record {
                self.remove(from);
            }
        }
        for record in records() {
            match (record, record.key()) {
                (Record::Delete(key), _) => self.remove(key),
                (_, Key::Migration(version)) => {
                    self.0.insert(*version);
                }
                _ => {}
            }
        }
    }

    /// What a script without a transaction was undoing is recorded as started, and no longer as applied.
    fn started(&mut self, script: &Script, failure: &Failure) {
        let has_started = matches!(failure, Failure::Step { committed, .. } if *committed > 0);
        for unit in script.units.iter().filter(|_| has_started) {
            if let Record::Delete(key) = &unit.record {
                self.remove(key);
            }
        }
    }

    fn remove(&mut self, key: &Key) {
        if let Key::Migration(version) = key {
            self.0.remove(version);
        }
    }

    fn highest(&self) -> Option<i64> {
        self.0.last().copied()
    }
}

async fn script_error(
    db: &Db,
    failed: Failed,
    script: &Script,
    left_broken: Vec<LeftBroken>,
    done: Vec<Done>,
    version: Option<i64>,
) -> ApplyError {
    if failed.failure.is_locked_out() {
        return ApplyError::Waited {
            what: LOCK_HELD.to_owned(),
            waited: db.lock_timeout(),
            done,
            started: None,
        };
    }
    let offset = match (&failed.part, &failed.failure) {
        (Part::Step(step), Failure::Step { error, .. }) => db::locate(db, &step.sql, error).await,
        _ => None,
    };
    let is_left = left_broken.iter().any(|it| it.is_what_failed(&failed));
    let suspects = match failed.unit {
        Some(unit) => vec![unit],
        // An earlier script is the cause.
        None if is_left => (0..script.units.len()).collect(),
        None => history::suspects(&failed.part, &failed.failure, script),
    };
    let ran = match (failed.unit, &failed.part) {
        (Some(unit), _) => unit,
        (None, Part::Commit | Part::References | Part::Compiles) => script.units.len(),
        (None, _) => 0,
    };
    let unit = match *suspects.as_slice() {
        [unit] if !is_left => Some(unit),
        _ => None,
    };
    let others = script.units[..ran].iter().enumerate();
    let rolled_back = others
        .filter(|(number, other)| Some(*number) != unit && !is_conditional(other))
        .map(|(_, unit)| unit.clone())
        .collect();
    ApplyError::Script(Box::new(ScriptError {
        unit: unit.map(|unit| script.units[unit].clone()),
        suspects: suspects
            .into_iter()
            .map(|unit| script.units[unit].clone())
            .collect(),
        offset,
        rolled_back,
        redone: redone(script),
        left_broken,
        set_back: false,
        recorded: Vec::new(),
        other_rows: Vec::new(),
        made_again: MadeAgain::Unknown,
        done,
        version,
        engine: db.engine(),
        failed,
    }))
}

/// What a script undoes and applies again.
fn redone(script: &Script) -> Vec<Key> {
    let records = || script.units.iter().map(|unit| &unit.record);
    let applied =
        |key: &Key| records().any(|it| matches!(it, Record::Insert(entry) if entry.key == *key));
    let undone = records().filter_map(|record| match record {
        Record::Delete(key) if applied(key) => Some(key.clone()),
        _ => None,
    });
    undone.collect()
}

/// The run was told to stop between two scripts.
fn interrupted(done: Vec<Done>, version: Option<i64>) -> ApplyError {
    ApplyError::Script(Box::new(ScriptError {
        failed: Failed {
            unit: None,
            part: Part::Begin,
            failure: Failure::interrupted(),
        },
        unit: None,
        suspects: Vec::new(),
        offset: None,
        rolled_back: Vec::new(),
        redone: Vec::new(),
        left_broken: Vec::new(),
        set_back: false,
        recorded: Vec::new(),
        other_rows: Vec::new(),
        made_again: MadeAgain::Unknown,
        done,
        version,
        engine: Engine::default(),
    }))
}

impl ApplyError {
    /// What the run had committed before it stopped.
    pub fn done(&self) -> &[Done] {
        match self {
            ApplyError::History(_) => &[],
            ApplyError::Problems { done, .. }
            | ApplyError::Waited { done, .. }
            | ApplyError::Unknown { done, .. } => done,
            ApplyError::Script(error) => &error.done,
        }
    }

    /// Whether the run changed something before it stopped: units that it committed, or a part of a script that has no
    /// transaction.
    pub fn left_something(&self) -> bool {
        let half = match self {
            ApplyError::Script(error) if error.set_back => false,
            ApplyError::Script(error) => match error.failed.failure {
                Failure::Step {
                    committed, left, ..
                } => committed > 0 || left != db::Left::Nothing,
                Failure::Open(_) | Failure::Lost(_) => false,
            },
            _ => false,
        };
        half || !self.done().is_empty()
    }
}

impl From<DbError> for ApplyError {
    fn from(error: DbError) -> ApplyError {
        ApplyError::History(HistoryError::Db(error))
    }
}
