//! Running migrations in memory, to see what they do: as a local file would run them, each on a connection that
//! remembers nothing of the one before. Nothing here touches a database of the project.

use crate::db::{
    Db, DbError, Engine, EngineError, Failure, HistoryTable, MadeAgain, Options, Query,
    Transaction, locate, missing_semicolon, runs_alone, stale_object, unknown_function,
};
use crate::diagnostic::Diagnostic;
use crate::history::{self, Failed, HistoryError, Outside, Part, Receipt, RunError, Watch};
use crate::schema::{Schema, Snapshot, inspect, snapshot};
use crate::script::{
    Atomicity, ForeignKeys, Key, OnFailure, Origin, Record, Revision, Run, Script, Source, Step,
    Unit,
};
use crate::sql::{Kind, Value, What, identifier, kind, significant};

use std::collections::HashSet;
use std::sync::Arc;

use super::again::Repeatable;
use super::aside::set_aside;
use super::directive::DIRECTIVE;
use super::markers::OTHER_TOOL;
use super::plan::{Grouping, entry, scripts};
use super::reading::{self, Leaves, PRAGMA_VALUE, Reading, Until};
use super::set::{Migration, Text};
use super::undo::{applied_repeatables, with_restored};

/// A file as it is read for a rehearsal.
#[derive(Debug, Clone)]
pub(super) struct Act {
    source: Arc<Source>,
    reading: Reading,
}

impl Act {
    /// Reads a file as a local database would whose history is in `history`.
    pub(super) fn new(text: &Text, history: &HistoryTable) -> Act {
        Act {
            source: text.source.clone(),
            reading: reading::read_text(text, Engine::Local, history),
        }
    }

    /// The same of a text that was recorded.
    pub(super) fn of(source: &Arc<Source>, history: &HistoryTable) -> Act {
        Act::read(source, Atomicity::default(), history)
    }

    /// The same of a text that its layout may take out of its transaction.
    pub(super) fn read(source: &Arc<Source>, atomicity: Atomicity, history: &HistoryTable) -> Act {
        Act {
            source: source.clone(),
            reading: reading::read_as(source, atomicity, Engine::Local, history),
        }
    }

    /// The same of a text that databases have applied: it cannot be corrected any more, so only what keeps it from running
    /// is a problem.
    pub(super) fn published(mut self) -> Act {
        let is_of_comments =
            |problem: &Diagnostic| [OTHER_TOOL, DIRECTIVE, PRAGMA_VALUE].contains(&problem.code);
        self.reading
            .problems
            .retain(|problem| problem.is_error() && !is_of_comments(problem));
        self
    }

    /// What is wrong with it, and what should be known.
    pub(super) fn problems(&self) -> &[Diagnostic] {
        &self.reading.problems
    }

    /// What it amounts to.
    pub(super) fn reading(&self) -> &Reading {
        &self.reading
    }

    /// Why it cannot run in memory, or at all.
    pub(super) fn cannot_run(&self) -> Option<Diagnostic> {
        let fault = self.reading.problems.iter().find(|it| it.is_error());
        fault.cloned().or_else(|| self.obstacle())
    }

    /// Its file.
    pub(super) fn file(&self) -> &str {
        &self.source.name
    }

    /// Its statements.
    pub(super) fn steps(&self) -> &[Step] {
        &self.reading.steps
    }

    /// Whether foreign keys are enforced meanwhile.
    pub(super) fn foreign_keys(&self) -> ForeignKeys {
        self.reading.foreign_keys
    }

    /// Whether it accepts diagnostics of this code.
    pub(super) fn allows(&self, code: &str) -> bool {
        self.reading.allowed.contains(code)
    }

    /// Whether it may run at all.
    pub(super) fn is_sound(&self) -> bool {
        !self.reading.problems.iter().any(Diagnostic::is_error)
    }

    /// Whether it leaves nothing behind where it fails.
    pub(super) fn is_atomic(&self) -> bool {
        self.reading.atomicity == Atomicity::Transaction
    }

    /// Why it cannot run in memory, if it cannot: it would reach other files.
    pub(super) fn obstacle(&self) -> Option<Diagnostic> {
        self.reading.steps.iter().find_map(|step| {
            let why = match kind(&step.sql) {
                Kind::Attach | Kind::Detach => "it attaches another database",
                Kind::Vacuum if names_a_file(&step.sql) => "it writes a copy of the database",
                _ => return None,
            };
            Some(
                Diagnostic::problem("not-rehearsed", format!("this file was not tried: {why}"))
                    .warning()
                    .at(step.origin()?),
            )
        })
    }
}

/// `VACUUM INTO`, which has a file behind it: <https://sqlite.org/lang_vacuum.html>.
fn names_a_file(vacuum: &str) -> bool {
    significant(vacuum).any(|token| token.is_word(vacuum, "INTO"))
}

/// The files behind one that runs.
pub(super) type Later<'l, 'a> = &'l (dyn Fn() -> Vec<&'a Act> + Sync);

/// The direction in which a rehearsal was going through a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Applying it.
    Up,
    /// Undoing it.
    Down,
    /// Applying it again after it was undone, or at once if it is repeatable.
    Again,
    /// Applying it to a database that exists: with rows, and with what the repeatable ones have made.
    Existing,
    /// Undoing it there.
    Undo,
    /// Applying it there again after it was undone.
    Redo,
}

/// When foreign keys are compared that files may leave without their parents. Each comparison looks at the whole schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Judging {
    /// Behind each file, which tells the file that broke them.
    EachFile,
    /// With [`Rehearsal::is_whole`], behind the last one. Down files are compared one by one nevertheless.
    AtTheEnd,
    /// Not at all, but for down files: in a copy, where another rehearsal compares.
    Elsewhere,
}

/// A database in memory, and what its history has come to.
#[derive(Debug)]
pub(super) struct Rehearsal {
    db: Db,
    revision: Revision,
    run: Run,
    judging: Judging,
    /// What a file left broken, and no file has repaired yet.
    broken: Option<Box<Diagnostic>>,
    /// The guards of that file, where later ones judge what it did to rows.
    left: Option<Box<Watch>>,
    /// Where they are compared at the end: whether the foreign keys that are a mismatch are recorded.
    has_mismatches: bool,
    /// What files without a transaction have broken.
    outside: Outside,
}

/// A rehearsal came to its end early.
#[derive(Debug)]
pub(super) enum Stopped {
    /// The engine in memory cannot be used.
    Db(DbError),
    /// The engine refused a file.
    Problem(Box<Problem>),
}

impl Stopped {
    /// What was wrong with the file.
    ///
    /// # Errors
    /// Where it was the engine in memory.
    pub(super) fn diagnostic(self) -> Result<Diagnostic, DbError> {
        match self {
            Stopped::Db(error) => Err(error),
            Stopped::Problem(problem) => Ok(problem.diagnostic),
        }
    }
}

/// The engine refused a file.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) diagnostic: Diagnostic,
    /// The statement of the file that it refused, where it was one.
    pub(super) step: Option<Step>,
    /// The engine's words.
    pub(super) error: EngineError,
}

impl From<DbError> for Stopped {
    fn from(error: DbError) -> Stopped {
        Stopped::Db(error)
    }
}

impl Rehearsal {
    /// An empty database with its history in this table, which files may read.
    pub(super) async fn new(history: &HistoryTable) -> Result<Rehearsal, DbError> {
        let options = Options {
            history_table: history.clone(),
            ..Options::default()
        };
        Ok(Rehearsal {
            db: Db::memory(options).await?,
            revision: Revision::NONE,
            run: Run::new("rehearsal"),
            judging: Judging::EachFile,
            broken: None,
            left: None,
            has_mismatches: false,
            outside: Outside::default(),
        })
    }

    /// An empty database whose foreign keys are compared once, by [`Rehearsal::is_whole`].
    pub(super) async fn judged_at_the_end(history: &HistoryTable) -> Result<Rehearsal, DbError> {
        Ok(Rehearsal {
            judging: Judging::AtTheEnd,
            ..Rehearsal::new(history).await?
        })
    }

    /// Another database that is as this one is now.
    pub(super) async fn fork(&self) -> Result<Rehearsal, DbError> {
        let Some(db) = self.db.fork().await? else {
            return Err(DbError::Read(unusable("it is not in memory")));
        };
        Ok(Rehearsal {
            db,
            revision: self.revision,
            run: self.run.clone(),
            judging: self.judging,
            broken: self.broken.clone(),
            left: self.left.clone(),
            has_mismatches: self.has_mismatches,
            outside: self.outside.clone(),
        })
    }

    /// The same, for further files, behind each of which foreign keys are compared.
    pub(super) async fn fork_for_more(&self) -> Result<Rehearsal, DbError> {
        let mut copy = self.fork().await?;
        copy.judging = Judging::EachFile;
        copy.has_mismatches = false;
        Ok(copy)
    }

    /// The same, to try down files in. Where foreign keys are compared at the end, they are compared there only once.
    pub(super) async fn fork_for_trials(&self) -> Result<Rehearsal, DbError> {
        let mut copy = self.fork().await?;
        if copy.judging == Judging::AtTheEnd {
            copy.judging = Judging::Elsewhere;
        }
        Ok(copy)
    }

    /// The database.
    pub(super) fn db(&self) -> &Db {
        &self.db
    }

    /// The database, for whatever builds on it.
    pub(super) fn into_db(self) -> Db {
        self.db
    }

    /// A foreign key that a file left without its parent table and no later file has repaired. Views and triggers are
    /// judged by [`super::check`] at the end.
    pub(super) fn broken(&mut self) -> Option<Diagnostic> {
        self.broken.take().map(|it| *it)
    }

    /// The foreign keys, and their rows, that files without a transaction left broken and no later file has repaired.
    pub(super) async fn broken_outside(&mut self) -> Vec<Diagnostic> {
        let outside = std::mem::take(&mut self.outside);
        let problems = outside.at_the_end(&self.db).await.into_iter();
        problems.filter_map(of_foreign_keys).collect()
    }

    /// Whether all that ran has left the foreign keys with their parents. Views and triggers are not part of it.
    pub(super) async fn is_whole(&mut self) -> Result<bool, DbError> {
        if self.revision == Revision::NONE {
            return Ok(true);
        }
        let script = Script {
            expects: self.revision,
            foreign_keys: ForeignKeys::On,
            atomicity: Atomicity::Transaction,
            units: Vec::new(),
        };
        match self.run(&script, Watch::going_on().judging()).await {
            Ok(_) => {
                self.revision = script.leaves();
                Ok(true)
            }
            // Foreign keys are compared first.
            Err(RunError::Failed(failed)) => Ok(failed.part == Part::Compiles),
            Err(RunError::Moved) => Err(DbError::Read(unusable("it has changed"))),
            Err(RunError::Unknown(error)) => Err(error.into()),
        }
    }

    /// The schema as it is now.
    pub(super) async fn schema(&self) -> Result<Schema, DbError> {
        inspect(&self.db).await
    }

    /// The same, cheaper, and only good for comparing.
    pub(super) async fn snapshot(&self) -> Result<Snapshot, DbError> {
        snapshot(&self.db).await
    }

    /// The objects that there are: sort, and name in lower case.
    pub(super) async fn names(&self) -> Result<HashSet<(String, String)>, DbError> {
        let query = Query::new("SELECT type, lower(name) FROM sqlite_schema");
        let rows = self.db.rows(query).await?.into_iter();
        let names = rows.filter_map(|row| match row {
            [Value::Text(what), Value::Text(name)] => Some((what, name)),
            _ => None,
        });
        Ok(names.collect())
    }

    /// Applies a migration; one that is repeatable may have been applied before.
    pub(super) async fn up(
        &mut self,
        migration: &Migration,
        act: &Act,
        way: Way,
    ) -> Result<(), Stopped> {
        self.up_before(migration, act, way, &Vec::new).await
    }

    /// The same, before these files, which may repair what it breaks.
    pub(super) async fn up_before<'a>(
        &mut self,
        migration: &Migration,
        act: &Act,
        way: Way,
        later: Later<'_, 'a>,
    ) -> Result<(), Stopped> {
        let entry = entry(migration);
        let record = match (migration.version(), way) {
            (None, Way::Again | Way::Existing) => Record::Replace(entry),
            _ => Record::Insert(entry),
        };
        self.act_before(record, act, way, later).await
    }

    /// Undoes a migration.
    pub(super) async fn down(&mut self, migration: &Migration, act: &Act) -> Result<(), Stopped> {
        self.act(Record::Delete(migration.key.clone()), act, Way::Down)
            .await
    }

    /// These files as `migrate` runs them in this order: it drops the views and triggers of these repeatables that are in
    /// their way.
    pub(super) async fn with_set_aside(
        &self,
        acts: &[&Act],
        repeatables: &[Repeatable],
    ) -> Result<Vec<Act>, DbError> {
        if repeatables.is_empty() {
            return Ok(acts.iter().copied().cloned().collect());
        }
        let history = history::read(&self.db).await.map_err(|error| match error {
            HistoryError::Db(error) => error,
            error => DbError::Read(unusable(&error.to_string())),
        })?;
        let record = || Record::Delete(Key::Migration(0));
        let units = acts.iter().map(|act| (record(), act.reading.clone()));
        let mut units: Vec<_> = units.collect();
        set_aside(&mut units, repeatables, &history, OnFailure::Stop);
        let acts = acts.iter().zip(units);
        let acts = acts.map(|(act, (_, reading))| Act {
            source: act.source.clone(),
            reading,
        });
        Ok(acts.collect())
    }

    /// Undoes a migration as `undo` does: with the repeatable ones that it may cost an object.
    pub(super) async fn undo(&mut self, migration: &Migration, act: &Act) -> Result<(), Stopped> {
        let history =
            history::read_with_texts(&self.db, |history| applied_repeatables(history).collect());
        let history = history.await.map_err(|error| match error {
            HistoryError::Db(error) => Stopped::Db(error),
            error => Stopped::Db(DbError::Read(unusable(&error.to_string()))),
        })?;
        let unit = (Record::Delete(migration.key.clone()), act.reading.clone());
        let units = with_restored(vec![unit], &history, None, &mut Vec::new());
        let leaves: Vec<Leaves> = units.iter().map(|(_, it)| it.leaves.clone()).collect();
        for script in scripts(units, self.revision, Grouping::All) {
            self.script(script, &leaves, Way::Undo, &Vec::new).await?;
        }
        Ok(())
    }

    /// Applies all of these, in as few transactions as an apply would use. The `later` files may repair what they break.
    pub(super) async fn ups<'a>(
        &mut self,
        all: impl IntoIterator<Item = (&'a Migration, &'a Act)>,
        later: Later<'_, 'a>,
    ) -> Result<(), Stopped> {
        let (mut units, mut leaves) = (Vec::new(), Vec::new());
        for (migration, act) in all {
            units.push((Record::Insert(entry(migration)), act.reading.clone()));
            leaves.push(act.reading.leaves.clone());
        }
        let all: Vec<Script> = scripts(units, self.revision, Grouping::All)
            .into_iter()
            .collect();
        let revision = self.revision;
        for (number, script) in all.iter().enumerate() {
            let later = || {
                let mut scripts = all[number + 1..].to_vec();
                scripts.extend(scripts_of(later(), revision));
                scripts
            };
            self.script(script.clone(), &leaves, Way::Up, &later)
                .await?;
        }
        Ok(())
    }

    /// Runs one file and records it. Where it fails it leaves nothing behind, unless it runs outside of transactions.
    pub(super) async fn act(&mut self, record: Record, act: &Act, way: Way) -> Result<(), Stopped> {
        self.act_before(record, act, way, &Vec::new).await
    }

    async fn act_before<'a>(
        &mut self,
        record: Record,
        act: &Act,
        way: Way,
        later: Later<'_, 'a>,
    ) -> Result<(), Stopped> {
        let leaves = [act.reading.leaves.clone()];
        let unit = (record, act.reading.clone());
        let revision = self.revision;
        let later = || scripts_of(later(), revision);
        for script in scripts([unit], self.revision, Grouping::All) {
            self.script(script, &leaves, way, &later).await?;
        }
        Ok(())
    }

    async fn script(
        &mut self,
        mut script: Script,
        leaves: &[Leaves],
        way: Way,
        later: &(dyn Fn() -> Vec<Script> + Sync),
    ) -> Result<(), Stopped> {
        // Going down, each file is a run of its own.
        let is_down = matches!(way, Way::Down | Way::Undo);
        let mut going_on = match &self.left {
            Some(left) => left.behind(),
            None => Watch::going_on(),
        };
        let watch = match (&self.broken, self.judging) {
            (Some(_), _) => going_on.judging(),
            (None, Judging::AtTheEnd) if !is_down => {
                if self.has_mismatches {
                    going_on.knows_mismatches();
                }
                going_on.clone()
            }
            (None, Judging::Elsewhere) if !is_down => Watch::unguarded(),
            (None, _) => self.watch_of(&mut script).await?,
        };
        self.outside
            .before(&self.db, std::slice::from_ref(&script))
            .await;
        let mut result = self.run(&script, watch).await;
        // A later file may make again what this one takes away from rows, or the key that they refer to.
        if !is_down
            && let Err(RunError::Failed(failed)) = &result
            && matches!(failed.part, Part::Mismatch | Part::ForeignKeysAfter)
        {
            let mut watch = going_on.clone();
            if watch.allows(failed, &script, &later()) {
                let Err(RunError::Failed(failed)) = result else {
                    unreachable!("it failed")
                };
                if let Stopped::Problem(problem) = self.fails(*failed, &script, way).await {
                    self.broken.get_or_insert(Box::new(problem.diagnostic));
                }
                result = self.run(&script, watch.clone()).await;
                going_on = watch;
            }
        } else if result.is_ok() && script.atomicity == Atomicity::Transaction {
            self.broken = None;
            let is_new = self.judging == Judging::AtTheEnd && !is_down && !self.has_mismatches;
            self.has_mismatches |= is_new && history::records_mismatches(&script);
        }
        // Files that run together are judged at their end, and a later one may repair what this one breaks.
        if !is_down {
            result = match result {
                Err(RunError::Failed(failed))
                    if matches!(failed.part, Part::Compiles | Part::References) =>
                {
                    if failed.part == Part::References
                        && let Stopped::Problem(problem) = self.fails(*failed, &script, way).await
                    {
                        self.broken.get_or_insert(Box::new(problem.diagnostic));
                    }
                    self.run(&script, going_on.clone()).await
                }
                result => result,
            };
            if result.is_ok() {
                self.left = self.broken.is_some().then(|| Box::new(going_on));
            }
        }
        self.forget(leaves).await?;
        match result {
            Ok(_) => {
                self.revision = script.leaves();
                self.judge_outside(&script, later).await
            }
            // Nothing else writes to it.
            Err(RunError::Moved) => Err(Stopped::Db(DbError::Read(unusable("it has changed")))),
            Err(RunError::Failed(failed)) => {
                // A file without a transaction is recorded as started before it fails.
                if script.atomicity == Atomicity::Bare {
                    self.revision = script.expects.next();
                }
                Err(self.fails(*failed, &script, way).await)
            }
            Err(RunError::Unknown(error)) => Err(Stopped::Db(error.into())),
        }
    }

    /// A script without a transaction has no guards: what it did to foreign keys is looked at behind it.
    async fn judge_outside(
        &mut self,
        script: &Script,
        later: &(dyn Fn() -> Vec<Script> + Sync),
    ) -> Result<(), Stopped> {
        if script.atomicity == Atomicity::Transaction {
            return Ok(());
        }
        let problems = self.outside.behind(&self.db, script, &later(), &[]).await;
        match problems.into_iter().find_map(of_foreign_keys) {
            None => Ok(()),
            Some(diagnostic) => Err(Stopped::Problem(Box::new(Problem {
                error: unusable(&diagnostic.message),
                diagnostic,
                step: None,
            }))),
        }
    }

    /// The guards of a script that are needed here, where nothing else writes: compiling them takes longer than what they
    /// guard.
    async fn watch_of(&self, script: &mut Script) -> Result<Watch, DbError> {
        let (mut watch, at_risk) = Watch::at_risk(std::slice::from_ref(script));
        let (asks_objects, asks_references) =
            (at_risk.objects.is_some(), at_risk.references.is_some());
        let queries: Vec<Query> = at_risk
            .objects
            .into_iter()
            .chain(at_risk.references)
            .collect();
        if queries.is_empty() {
            return Ok(watch);
        }
        let mut answers = Vec::new();
        for answer in self.db.query(queries).await? {
            answers.push(answer.map_err(DbError::Read)?.is_empty());
        }
        if asks_objects && answers.first() == Some(&true) {
            watch.breaks_no_object();
        }
        if asks_references && answers.last() == Some(&true) {
            watch.breaks_no_reference();
            if script.foreign_keys == ForeignKeys::Off {
                script.foreign_keys = ForeignKeys::Unchecked;
            }
        }
        Ok(watch)
    }

    async fn run(&self, script: &Script, watch: Watch) -> Result<Receipt, RunError> {
        history::run_watched(&self.db, script, &self.run, Arc::new(|_| {}), watch).await
    }

    async fn fails(&self, failed: Failed, script: &Script, way: Way) -> Stopped {
        let failed_unit = match failed.unit {
            Some(unit) => Some(unit),
            None => history::suspects(&failed.part, &failed.failure, script).pop(),
        };
        // What fails to commit fails for what the last one did.
        let unit = failed_unit.and_then(|unit| script.units.get(unit));
        let unit = unit.or(script.units.last());
        let refusal = history::refusal(&failed.part, &failed.failure, unit);
        let error = match failed.failure {
            Failure::Open(error) => return Stopped::Db(error),
            Failure::Lost(error) => return Stopped::Db(error.into()),
            Failure::Step { error, .. } => error,
        };
        let Some(unit) = unit else {
            return Stopped::Db(DbError::Read(error));
        };
        let mut written = unit.steps.iter().filter_map(|step| step.origin());
        let Some(first) = written.next() else {
            return Stopped::Db(DbError::Read(error));
        };
        let (mut help, mut refused) = (Vec::new(), None);
        let whole_file = Origin {
            source: first.source.clone(),
            span: 0..0,
        };
        let mut notes = Vec::new();
        let (origin, message) =
            match (failed.part.clone(), refusal) {
                (_, Some(refusal)) => {
                    help.push(refusal.help(&first.source.name));
                    if failed.part == Part::OldRows {
                        refused = statement_at(unit, refusal.origin.as_ref());
                    }
                    let message = refusal.message(Some(&unit.record.key().to_string()));
                    notes = refusal.notes;
                    (refusal.origin, message)
                }
                (Part::Step(step), None) => {
                    help.extend(unknown_function(&error.message));
                    help.extend(stale_object(&error.message, &MadeAgain::Unknown));
                    if script.atomicity == Atomicity::Transaction {
                        let help_alone = runs_alone(&error.message, Some(error.code));
                        help.extend(help_alone.map(str::to_owned));
                    }
                    help.extend(help_for(way, unit.record.key(), &step.sql));
                    refused = Some(step.clone());
                    let offset = locate(&self.db, &step.sql, &error).await;
                    let statement = step.origin();
                    help.extend(statement.as_ref().and_then(|statement| {
                        missing_semicolon(statement, &error.message, offset)
                    }));
                    let origin = statement.map(|origin| origin.token_at(offset));
                    (Some(origin.unwrap_or(whole_file)), error.message.clone())
                }
                _ => (Some(whole_file), error.message.clone()),
            };
        let message = match way {
            Way::Up => message,
            Way::Down => format!("{message} (taking it back, in memory)"),
            Way::Again => format!("{message} (applying it a second time, in memory)"),
            Way::Existing => format!("{message} (on a database that exists, in memory)"),
            Way::Undo => {
                format!("{message} (taking it back on a database that exists, in memory)")
            }
            Way::Redo => {
                format!("{message} (applying it again on a database that has undone it, in memory)")
            }
        };
        let problem = Diagnostic {
            notes,
            ..Diagnostic::problem("fails", message)
        };
        let problem = match origin {
            Some(origin) => problem.at(origin),
            None => problem.in_file(&first.source.name),
        };
        let problem = problem.about(unit.record.key()).helps(help);
        Stopped::Problem(Box::new(Problem {
            diagnostic: problem,
            step: refused,
            error,
        }))
    }

    /// Makes the connection as a new one.
    async fn forget(&self, leaves: &[Leaves]) -> Result<(), DbError> {
        let mut steps = Vec::new();
        for left in leaves {
            steps.extend_from_slice(&left.resets);
        }
        if leaves.iter().any(|left| left.until == Until::Script) {
            steps.extend(self.drops_of_temporary().await?);
        }
        if steps.is_empty() {
            return Ok(());
        }
        self.run_steps(steps).await
    }

    /// Runs statements that no file has.
    pub(super) async fn execute(
        &self,
        statements: impl IntoIterator<Item = String>,
    ) -> Result<(), DbError> {
        let statements = statements.into_iter();
        self.run_steps(statements.map(|sql| Step::own(sql, vec![])).collect())
            .await
    }

    async fn run_steps(&self, steps: Vec<Step>) -> Result<(), DbError> {
        let transaction = Transaction {
            foreign_keys: ForeignKeys::Off,
            atomicity: Atomicity::Bare,
            steps: steps.into(),
        };
        match self.db.run(vec![transaction], Arc::new(|_| {})).await {
            Ok(_) => Ok(()),
            Err(Failure::Open(error)) => Err(error),
            Err(Failure::Lost(error)) => Err(error.into()),
            Err(Failure::Step { error, .. }) => Err(DbError::Read(error)),
        }
    }

    async fn drops_of_temporary(&self) -> Result<Vec<Step>, DbError> {
        // Dropping a table takes its indexes and triggers along.
        let query = "SELECT type, name FROM sqlite_temp_schema WHERE type <> 'index' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
        let rows = self.db.rows(Query::new(query)).await?;
        let drops = rows.iter().filter_map(|row| {
            let [Value::Text(what), Value::Text(name)] = row else {
                return None;
            };
            let drop = format!("DROP {what} IF EXISTS temp.{}", identifier(name));
            Some(Step::own(drop, Vec::new()))
        });
        Ok(drops.collect())
    }
}

/// What a rehearsal says of what a file without a transaction did; the views and triggers are judged at the end of a check.
fn of_foreign_keys(problem: Diagnostic) -> Option<Diagnostic> {
    let of_objects = ["does-not-compile", "column-became-text"];
    let is_one = problem.is_error() && !of_objects.contains(&problem.code);
    is_one.then(|| Diagnostic {
        location: problem.location,
        subject: problem.subject,
        help: vec![
            "let this file leave every foreign key and every row with its parent: nothing of a `no-transaction` file is \
             rolled back"
                .to_owned(),
        ],
        ..Diagnostic::problem("fails", problem.message)
    })
}

/// A script of each file, whose record is no part of what it does.
fn scripts_of(acts: Vec<&Act>, revision: Revision) -> Vec<Script> {
    let units = acts
        .into_iter()
        .map(|act| (Record::Delete(Key::Migration(0)), act.reading.clone()));
    units
        .flat_map(|unit| scripts([unit], revision, Grouping::All))
        .collect()
}

/// The statement of a unit with this origin.
fn statement_at(unit: &Unit, origin: Option<&Origin>) -> Option<Step> {
    let mut steps = unit.steps.iter();
    steps
        .find(|step| origin.is_some() && step.origin().as_ref() == origin)
        .cloned()
}

/// What to do about a statement that fails on the way back or again.
fn help_for(way: Way, key: &Key, statement: &str) -> Option<String> {
    let repeatable = matches!(key, Key::Repeatable(_));
    match (way, kind(statement)) {
        (Way::Up | Way::Existing | Way::Undo | Way::Redo, _) => None,
        (Way::Down, _) => Some(format!(
            "`undo` runs the down file on the schema that {key} leaves: make it fit that"
        )),
        (Way::Again, Kind::Create(object)) if repeatable && !object.if_exists => Some(format!(
            "a repeatable migration runs again whenever its text changes: write {} before it",
            drop_in_words(object.what, &object.name),
        )),
        (Way::Again, _) if repeatable => Some(
            "a repeatable migration runs again whenever its text changes: make it work on what it left the first time"
                .to_owned(),
        ),
        (Way::Again, _) => Some("make the migration work on what its down file leaves".to_owned()),
    }
}

/// The statement that drops an object, as a help shows it.
pub(super) fn drop_in_words(what: What, name: &str) -> String {
    let what = match what {
        What::VirtualTable => What::Table,
        what => what,
    };
    let (what, name) = (what.word().to_ascii_uppercase(), bare_or_quoted(name));
    format!("`DROP {what} IF EXISTS {name};`")
}

/// A name as one writes it: in quotes only where it needs them.
pub(super) fn bare_or_quoted(name: &str) -> String {
    let is_bare = name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric());
    if is_bare {
        name.to_owned()
    } else {
        identifier(name)
    }
}

fn unusable(why: &str) -> EngineError {
    EngineError::new(crate::db::Code::Other(1), why)
}
