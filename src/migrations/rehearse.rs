//! Running migrations in memory, to see what they do: as a local file would run them, each on a connection that
//! remembers nothing of the one before. Nothing here touches a database of the project.

use crate::db::{
    Db, DbError, Engine, Failure, HistoryTable, Options, Query, Rows, Transaction, if_accepted,
    locate,
};
use crate::diagnostic::Diagnostic;
use crate::history::{self, Failed, Part, RunError};
use crate::schema::{Schema, Snapshot, inspect, snapshot};
use crate::script::{
    Atomicity, ForeignKeys, Key, Origin, Record, Revision, Run, Script, Source, Step,
};
use crate::sql::{Kind, Value, What, identifier, kind, significant};

use std::sync::Arc;

use super::directive::DIRECTIVE;
use super::markers::OTHER_TOOL;
use super::plan::{Grouping, entry, scripts};
use super::reading::{self, Reading};
use super::set::{Migration, Text};

/// A file as it is read for a rehearsal.
#[derive(Debug, Clone)]
pub(super) struct Act {
    reading: Reading,
}

impl Act {
    /// Reads a file as a local database would whose history is in `history`.
    pub(super) fn new(text: &Text, history: &HistoryTable) -> Act {
        Act::of(&text.source, history)
    }

    /// The same of a text that was recorded.
    pub(super) fn of(source: &Arc<Source>, history: &HistoryTable) -> Act {
        Act {
            reading: reading::read(source, Engine::Local, history),
        }
    }

    /// The same of a text that databases have applied: its comments are as they are.
    pub(super) fn published(mut self) -> Act {
        self.reading
            .problems
            .retain(|problem| problem.code != OTHER_TOOL && problem.code != DIRECTIVE);
        self
    }

    /// What is wrong with it, and what should be known.
    pub(super) fn problems(&self) -> &[Diagnostic] {
        &self.reading.problems
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
                    .at(step.origin.clone()?),
            )
        })
    }
}

/// `VACUUM INTO`, which has a file behind it: <https://sqlite.org/lang_vacuum.html>.
fn names_a_file(vacuum: &str) -> bool {
    significant(vacuum).any(|token| token.is_word(vacuum, "INTO"))
}

/// The direction in which a rehearsal was going through a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Applying it.
    Up,
    /// Taking it back.
    Down,
    /// Applying it again after it was taken back, or at once if it is repeatable.
    Again,
}

/// A database in memory, and what its history has come to.
#[derive(Debug)]
pub(super) struct Rehearsal {
    db: Db,
    revision: Revision,
    run: Run,
}

/// A rehearsal came to its end early.
#[derive(Debug)]
pub(super) enum Stopped {
    /// The engine in memory cannot be used.
    Db(DbError),
    /// The engine refused a statement of a file.
    Problem(Box<Diagnostic>),
}

impl From<DbError> for Stopped {
    fn from(error: DbError) -> Stopped {
        Stopped::Db(error)
    }
}

impl Rehearsal {
    /// An empty database.
    pub(super) async fn new() -> Result<Rehearsal, DbError> {
        let options = Options {
            // The files may change a table of any other name.
            history_table: HistoryTable::of_rehearsals(),
            ..Options::default()
        };
        Ok(Rehearsal {
            db: Db::memory(options).await?,
            revision: Revision::NONE,
            run: Run::new("rehearsal"),
        })
    }

    /// The database, for whatever builds on it.
    pub(super) fn into_db(self) -> Db {
        self.db
    }

    /// The schema as it is now.
    pub(super) async fn schema(&self) -> Result<Schema, DbError> {
        inspect(&self.db).await
    }

    /// The same, cheaper, and only good for comparing.
    pub(super) async fn snapshot(&self) -> Result<Snapshot, DbError> {
        snapshot(&self.db).await
    }

    /// Applies a migration; one that is repeatable may have been applied before.
    pub(super) async fn up(
        &mut self,
        migration: &Migration,
        act: &Act,
        way: Way,
    ) -> Result<(), Stopped> {
        let entry = entry(migration);
        let record = match (migration.version(), way) {
            (None, Way::Again) => Record::Replace(entry),
            _ => Record::Insert(entry),
        };
        self.act(record, act, way).await
    }

    /// Takes a migration back.
    pub(super) async fn down(&mut self, migration: &Migration, act: &Act) -> Result<(), Stopped> {
        self.act(Record::Delete(migration.key.clone()), act, Way::Down)
            .await
    }

    /// Applies all of these, in as few transactions as an apply would use.
    pub(super) async fn ups<'a>(
        &mut self,
        all: impl IntoIterator<Item = (&'a Migration, &'a Act)>,
    ) -> Result<(), Stopped> {
        let units = all
            .into_iter()
            .map(|(migration, act)| (Record::Insert(entry(migration)), act.reading.clone()));
        for script in scripts(units, self.revision, Grouping::All) {
            self.script(script, Way::Up).await?;
        }
        Ok(())
    }

    /// Runs one file and records it. Where it fails it leaves nothing behind, unless it runs outside of transactions.
    pub(super) async fn act(&mut self, record: Record, act: &Act, way: Way) -> Result<(), Stopped> {
        for script in scripts(
            [(record, act.reading.clone())],
            self.revision,
            Grouping::All,
        ) {
            self.script(script, way).await?;
        }
        Ok(())
    }

    async fn script(&mut self, script: Script, way: Way) -> Result<(), Stopped> {
        let remembered = self.remembered(&script).await?;
        let result = history::run(&self.db, &script, &self.run, Arc::new(|_| {})).await;
        self.forget(remembered).await?;
        match result {
            Ok(_) => {
                self.revision = script.leaves();
                Ok(())
            }
            // Nobody else writes to it.
            Err(RunError::Moved) => Err(Stopped::Db(DbError::Read(unusable("it has changed")))),
            Err(RunError::Failed(failed)) => Err(self.fails(*failed, &script, way).await),
            Err(RunError::Unknown(error)) => Err(Stopped::Db(error.into())),
        }
    }

    async fn fails(&self, failed: Failed, script: &Script, way: Way) -> Stopped {
        let (error, explanation) = match failed.failure {
            Failure::Open(error) => return Stopped::Db(error),
            Failure::Lost(error) => return Stopped::Db(error.into()),
            Failure::Step {
                error, explanation, ..
            } => (error, explanation),
        };
        // What fails to commit fails for what the last one did.
        let unit = failed.unit.and_then(|unit| script.units.get(unit));
        let Some(unit) = unit.or(script.units.last()) else {
            return Stopped::Db(DbError::Read(error));
        };
        let Some(first) = unit.steps.first().and_then(|step| step.origin.as_ref()) else {
            return Stopped::Db(DbError::Read(error));
        };
        let mut help = None;
        let whole_file = Origin {
            source: first.source.clone(),
            span: 0..0,
        };
        let (origin, message) = match failed.part {
            Part::Step(step) => {
                help = help_for(way, unit.record.key(), &step.sql);
                let offset = locate(&self.db, &step.sql, &error).await;
                let origin = step.origin.map(|origin| origin.token_at(offset));
                (origin.unwrap_or(whole_file), error.message)
            }
            Part::ForeignKeysAfter => (whole_file, orphans(&explanation)),
            Part::Begin | Part::Record | Part::ForeignKeysBefore | Part::Commit => {
                (whole_file, error.message)
            }
        };
        let message = match way {
            Way::Up => message,
            Way::Down => format!("{message} (taking it back, in memory)"),
            Way::Again => format!("{message} (applying it a second time, in memory)"),
        };
        let problem = Diagnostic::problem("fails", message)
            .about(unit.record.key())
            .at(origin)
            .helps(help);
        Stopped::Problem(Box::new(problem))
    }

    /// What the connection remembers now and is about to be told otherwise.
    async fn remembered(&self, script: &Script) -> Result<Remembered, DbError> {
        let mut remembered = Remembered::default();
        let steps = script.units.iter().flat_map(|unit| &unit.steps);
        for step in steps.filter(|step| Engine::Memory.refusal(&step.sql).is_some()) {
            match kind(&step.sql) {
                Kind::Pragma(pragma) => {
                    let query = Query::new(format!("PRAGMA {}", pragma.name));
                    let values = if_accepted(self.db.ask(query).await?.of_any_width())?;
                    let value = values.into_iter().flatten().flatten().last();
                    remembered.pragmas.push((pragma.name, value));
                }
                _ => remembered.temporary = true,
            }
        }
        Ok(remembered)
    }

    /// Makes the connection as a fresh one.
    async fn forget(&self, remembered: Remembered) -> Result<(), DbError> {
        let mut steps: Vec<String> = remembered.pragmas.into_iter().filter_map(back).collect();
        if remembered.temporary {
            steps.extend(self.drops_of_temporary().await?);
        }
        if steps.is_empty() {
            return Ok(());
        }
        let transaction = Transaction {
            foreign_keys: ForeignKeys::Off,
            atomicity: Atomicity::Bare,
            steps: steps
                .into_iter()
                .map(|sql| Step::own(sql, vec![]))
                .collect(),
        };
        match self.db.run(vec![transaction], Arc::new(|_| {})).await {
            Ok(_) => Ok(()),
            Err(Failure::Open(error)) => Err(error),
            Err(Failure::Lost(error)) => Err(error.into()),
            Err(Failure::Step { error, .. }) => Err(DbError::Read(error)),
        }
    }

    async fn drops_of_temporary(&self) -> Result<Vec<String>, DbError> {
        // Dropping a table takes its indexes and triggers along.
        let query = "SELECT type, name FROM sqlite_temp_schema WHERE type <> 'index' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
        let rows = self.db.rows(Query::new(query)).await?;
        let drops = rows.iter().filter_map(|row| {
            let [Value::Text(what), Value::Text(name)] = row else {
                return None;
            };
            Some(format!("DROP {what} IF EXISTS temp.{}", identifier(name)))
        });
        Ok(drops.collect())
    }
}

/// What a connection remembers from one file to the next, and a file must not.
#[derive(Debug, Default)]
struct Remembered {
    /// Pragmas, and what each of them says.
    pragmas: Vec<(String, Option<Value>)>,
    /// Whether there may be TEMP objects.
    temporary: bool,
}

/// The statement that sets a pragma back.
fn back((name, value): (String, Option<Value>)) -> Option<String> {
    let value = match (name.as_str(), value) {
        // Reading sets it and sets it back: what it says is not what it was.
        ("query_only", _) => return None,
        // The schema may have been edited, and is to be read anew: <https://sqlite.org/pragma.html#pragma_writable_schema>.
        ("writable_schema", _) => "RESET".to_owned(),
        // The only one that cannot be read.
        ("case_sensitive_like", _) => "OFF".to_owned(),
        (_, Some(Value::Integer(number))) => number.to_string(),
        (_, Some(Value::Text(text))) => crate::sql::text(&text),
        _ => return None,
    };
    Some(format!("PRAGMA {name} = {value}"))
}

/// What to do about a statement that fails on the way back or again.
fn help_for(way: Way, key: &Key, statement: &str) -> Option<String> {
    let repeatable = matches!(key, Key::Repeatable(_));
    match (way, kind(statement)) {
        (Way::Up, _) => None,
        (Way::Down, _) => Some(format!(
            "`undo` runs the down file on the schema that {key} leaves: make it fit that"
        )),
        (Way::Again, Kind::Create(object)) if repeatable && !object.if_exists => Some(format!(
            "a repeatable migration runs again whenever its text changes: write `DROP {} IF EXISTS {};` before it",
            match object.what {
                What::VirtualTable => "TABLE".to_owned(),
                what => what.word().to_ascii_uppercase(),
            },
            bare_or_quoted(&object.name),
        )),
        (Way::Again, _) if repeatable => Some(
            "a repeatable migration runs again whenever its text changes: make it work on what it left the first time"
                .to_owned(),
        ),
        (Way::Again, _) => Some("make the migration work on what its down file leaves".to_owned()),
    }
}

fn bare_or_quoted(name: &str) -> String {
    let is_bare = name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric());
    if is_bare {
        name.to_owned()
    } else {
        identifier(name)
    }
}

/// Rows of `table, rowid, parent`, in words.
fn orphans(rows: &Rows) -> String {
    let named: Vec<String> = rows
        .iter()
        .map(|row| {
            let text = |at: usize| match row.get(at) {
                Some(Value::Text(text)) => text.clone(),
                Some(Value::Integer(number)) => number.to_string(),
                _ => "?".to_owned(),
            };
            format!(
                "row {} of {} has no parent in {}",
                text(1),
                text(0),
                text(2)
            )
        })
        .collect();
    format!(
        "this leaves rows without their parent: {}",
        named.join("; ")
    )
}

fn unusable(why: &str) -> crate::db::EngineError {
    crate::db::EngineError::new(crate::db::Code::Other(1), why)
}
