//! Transactions on a local engine: their steps in order, the locks that they wait for, and what is cleaned up after one
//! that failed.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use libsql::{Connection, Statement};

use super::{Wait, all, bare, on_a_thread, rows, run_once};
use crate::db::bound::{Bound, are_large};
use crate::db::{
    Answer, At, Code, EngineError, Failure, Left, OnProgress, Options, Progress, Query, Rows,
    Transaction, other_run,
};
use crate::script::{Atomicity, ForeignKeys, OnFailure, Step, StepState};
use crate::sql::Value;

/// `held` as in [`answer`](super::answer).
pub(super) async fn execute(
    held: impl Deref<Target = Connection> + Send + Sync + 'static,
    mut transactions: Vec<Transaction>,
    on_progress: OnProgress,
    options: &Options,
    file: Option<&Path>,
) -> Result<Vec<Answer>, Failure> {
    let connection = Connection::clone(&held);
    let (options, file) = (options.clone(), file.map(Path::to_path_buf));
    let stop = options.stop.clone();
    let work = async move {
        let writer: &Connection = &held;
        let mut own = OwnStatements::default();
        let mut answers = Vec::new();
        let mut stopped = None;
        for (number, transaction) in transactions.iter_mut().enumerate() {
            let bound = Bound::of(&mut transaction.steps);
            let run = Run {
                connection: writer,
                options: &options,
                file: file.as_deref(),
                on_progress: &on_progress,
                number,
            };
            let ran = run.transaction(transaction, bound, &mut own, &mut answers);
            if let Err(at) = ran.await {
                stopped = Some(run.clean_up(transaction, at).await);
                break;
            }
            on_progress(Progress::Committed(number));
        }
        // In memory an application has the same connection, and they are on unless it turns them off.
        if transactions
            .iter()
            .any(|transaction| transaction.foreign_keys != ForeignKeys::On)
        {
            let _ = bare(writer, "PRAGMA foreign_keys = ON").await;
        }
        match stopped {
            Some(failure) => Err(failure),
            None => Ok(answers),
        }
    };
    on_a_thread(&connection, &stop, work).await?
}

/// What a connection that waits for itself failed for.
const ATTACHED_TWICE: &str = "the same file is attached twice, so the transaction waits for itself at COMMIT: the file \
     of this database is `main`, and needs no ATTACH";

/// Where a transaction stopped, before anything was cleaned up.
struct Stopped {
    at: At,
    error: EngineError,
}

impl Stopped {
    fn at(at: At) -> impl FnOnce(EngineError) -> Stopped {
        move |error| Stopped { at, error }
    }
}

/// One transaction under way.
struct Run<'a> {
    connection: &'a Connection,
    options: &'a Options,
    /// Of a database that other runs can write to.
    file: Option<&'a Path>,
    on_progress: &'a OnProgress,
    number: usize,
}

impl Run<'_> {
    async fn transaction(
        &self,
        transaction: &Transaction,
        mut bound: Bound,
        own: &mut OwnStatements,
        answers: &mut Vec<Answer>,
    ) -> Result<(), Stopped> {
        self.foreign_keys(transaction.foreign_keys)
            .await
            .map_err(Stopped::at(At::Begin))?;
        if transaction.atomicity == Atomicity::Transaction {
            self.locked("BEGIN IMMEDIATE", &[], self.file)
                .await
                .map_err(Stopped::at(At::Begin))?;
        }
        let by = self.options.run_by.as_deref();
        let _announced = self
            .file
            .and_then(|file| other_run::announce(other_run::Sign::Transaction, file, by));
        let mut before = Vec::with_capacity(transaction.steps.len());
        for (number, step) in transaction.steps.iter().enumerate() {
            let values = bound.next(number, step);
            if !step.is_due(&before) {
                before.push(StepState::Skipped);
                continue;
            }
            let rows = match self.step(step, values, transaction.atomicity, own).await {
                Ok(rows) => rows,
                Err(error) if self.goes_on(step, &error) => {
                    before.push(StepState::Failed);
                    continue;
                }
                Err(error) => return Err(Stopped::at(At::Step(number))(error)),
            };
            before.push(StepState::Succeeded);
            if !rows.is_empty() {
                answers.push(Answer {
                    transaction: self.number,
                    step: number,
                    rows,
                });
            }
            (self.on_progress)(Progress::Step {
                transaction: self.number,
                step: number,
            });
        }
        if transaction.atomicity == Atomicity::Transaction {
            self.commit(transaction).await?;
        }
        Ok(())
    }

    /// `COMMIT` waits for readers. Where a file is attached beside itself, the reader is this connection, and waiting
    /// does not help: then the `ATTACH` has failed.
    async fn commit(&self, transaction: &Transaction) -> Result<(), Stopped> {
        let Some(attach) = self.attach_of_a_file_twice(transaction).await else {
            let committed = self.locked("COMMIT", &[], None).await;
            return committed.map_err(Stopped::at(At::Commit));
        };
        let committed = bare(self.connection, "COMMIT").await;
        committed.map_err(|error| match error.code {
            Code::Busy => Stopped {
                at: At::Step(attach),
                error: EngineError::new(Code::LOCKED, ATTACHED_TWICE),
            },
            _ => Stopped::at(At::Commit)(error),
        })
    }

    /// The last `ATTACH`, where two databases of this connection are one file.
    async fn attach_of_a_file_twice(&self, transaction: &Transaction) -> Option<usize> {
        // By its first letters alone, since there may be a million statements.
        let begins = |sql: &str| {
            sql.get(..6)
                .is_some_and(|it| it.eq_ignore_ascii_case("ATTACH"))
        };
        let steps = transaction.steps.iter().enumerate();
        let attaches = steps.filter(|(_, step)| begins(&step.sql));
        let last = attaches.map(|(at, _)| at).last()?;
        let twice = Query::new(
            "SELECT 1 FROM pragma_database_list WHERE file <> '' GROUP BY file HAVING count(*) > 1",
        );
        let found = rows(self.connection, &twice).await.ok()?;
        (!found.is_empty()).then_some(last)
    }

    /// Whether the transaction goes on behind a step that failed. After some errors the engine has rolled it back:
    /// <https://sqlite.org/lang_transaction.html#response_to_errors_within_a_transaction>.
    fn goes_on(&self, step: &Step, error: &EngineError) -> bool {
        step.on_failure() == OnFailure::Continue
            && matches!(error.code, Code::Other(_) | Code::Constraint | Code::TooBig)
            && !self.connection.is_autocommit()
    }

    /// Sets the pragma and reads it back: inside a transaction it would be ignored without a word.
    async fn foreign_keys(&self, wanted: ForeignKeys) -> Result<(), EngineError> {
        let (word, number) = match wanted {
            ForeignKeys::On => ("ON", 1),
            ForeignKeys::Off | ForeignKeys::Unchecked => ("OFF", 0),
        };
        let read = Query::new("PRAGMA foreign_keys");
        if rows(self.connection, &read).await? == [[Value::Integer(number)]] {
            return Ok(());
        }
        bare(self.connection, &format!("PRAGMA foreign_keys = {word}")).await?;
        if rows(self.connection, &read).await? != [[Value::Integer(number)]] {
            let message = format!("PRAGMA foreign_keys = {word} had no effect");
            return Err(EngineError::new(Code::Other(1), message));
        }
        Ok(())
    }

    /// A statement that may have to wait for the lock of another connection. Waiting again is safe for `BEGIN`, for
    /// `COMMIT`, and for a statement that is a transaction by itself: <https://sqlite.org/c3ref/busy_handler.html>.
    /// With a `file` it waits for another run that is alive, for as long as that takes.
    async fn locked(
        &self,
        sql: &str,
        args: &[Value],
        file: Option<&Path>,
    ) -> Result<(), EngineError> {
        let mut told = false;
        let mut wait = Wait::new(self.options, file);
        loop {
            if self.options.stop.is_raised() {
                return Err(EngineError::interrupted());
            }
            let Err(error) = run_once(self.connection, sql, args).await else {
                return Ok(());
            };
            wait.ask_again(error)?;
            if !told && !wait.is_for_a_run() {
                (self.on_progress)(Progress::Waiting);
                told = true;
            }
        }
    }

    /// Runs a step; rows are kept of our own ones only.
    async fn step(
        &self,
        step: &Step,
        values: Vec<libsql::Value>,
        atomicity: Atomicity,
        own: &mut OwnStatements,
    ) -> Result<Rows, EngineError> {
        let stop = &self.options.stop;
        if stop.is_raised() {
            return Err(EngineError::interrupted());
        }
        let carried_out = self.carry_out(step, values, atomicity, own).await;
        // An interrupt within a statement that the engine runs for another one comes out as an error of that one.
        carried_out.map_err(|error| match stop.is_raised() {
            true => EngineError::interrupted(),
            false => error,
        })
    }

    async fn carry_out(
        &self,
        step: &Step,
        values: Vec<libsql::Value>,
        atomicity: Atomicity,
        own: &mut OwnStatements,
    ) -> Result<Rows, EngineError> {
        if !step.is_written() && values.is_empty() {
            return rows(self.connection, &Query::new(&*step.sql)).await;
        }
        // What has bound values comes again with others, for every unit or for the next rows.
        if !values.is_empty() {
            // A statement keeps what is bound to it.
            let rows = match are_large(&values) {
                true => all(&self.connection.prepare(&step.sql).await?, values).await?,
                false => all(own.prepared(self.connection, &step.sql).await?, values).await?,
            };
            return Ok(match step.is_written() {
                false => rows,
                true => Rows::new(),
            });
        }
        // Outside of a transaction each statement takes a lock of its own, unless it stands below a `SAVEPOINT`.
        if atomicity == Atomicity::Bare && self.connection.is_autocommit() {
            self.locked(&step.sql, &[], None).await?;
        } else {
            // The transaction has its lock: this one is its own.
            run_once(self.connection, &step.sql, &[])
                .await
                .map_err(EngineError::of_the_statement)?;
        }
        Ok(Rows::new())
    }

    async fn clean_up(&self, transaction: &Transaction, stopped: Stopped) -> Failure {
        let Stopped { at, error } = stopped;
        let explanation = match at {
            At::Step(number) => match transaction.steps.get(number) {
                Some(step) => self.explanation(step.explain()).await,
                None => Vec::new(),
            },
            At::Commit => match transaction.steps.iter().last() {
                Some(last) => self.explanation(last.explain_commit()).await,
                None => Vec::new(),
            },
            At::Begin => Vec::new(),
        };
        if !self.connection.is_autocommit() {
            // Where this fails the connection is closed at once, and that rolls back.
            let _ = bare(self.connection, "ROLLBACK").await;
        }
        if matches!(error.code, Code::Full | Code::Io) {
            // A write that failed leaves a journal for the next reader to roll back, and until then a full disk
            // stays full.
            let _ = bare(self.connection, "SELECT 1 FROM sqlite_schema").await;
        }
        let left = match (transaction.atomicity, at) {
            (Atomicity::Bare, At::Step(number)) if number > 0 => Left::EarlierSteps,
            _ => Left::Nothing,
        };
        Failure::Step {
            committed: self.number,
            at,
            error,
            explanation,
            left,
        }
    }

    async fn explanation(&self, query: Option<&Arc<String>>) -> Rows {
        match query {
            Some(sql) => rows(self.connection, &Query::new(sql.as_str()))
                .await
                .unwrap_or_default(),
            None => Vec::new(),
        }
    }
}

/// How many statements that come again are kept.
const KEPT: usize = 256;

/// Statements that come again, compiled once.
#[derive(Default)]
struct OwnStatements(HashMap<String, Statement>);

impl OwnStatements {
    async fn prepared(
        &mut self,
        connection: &Connection,
        sql: &str,
    ) -> Result<&Statement, EngineError> {
        // A dump may alternate between more tables than there should be statements.
        if self.0.len() == KEPT && !self.0.contains_key(sql) {
            self.0.clear();
        }
        let statement = match self.0.entry(sql.to_owned()) {
            Entry::Occupied(kept) => kept.into_mut(),
            Entry::Vacant(place) => place.insert(connection.prepare(sql).await?),
        };
        // Without it the crate would run the statement again with the values of the last time.
        statement.reset();
        Ok(statement)
    }
}
