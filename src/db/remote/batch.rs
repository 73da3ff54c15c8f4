//! Transactions as one conditional Hrana batch, and its results as what happened. Pure.
//!
//! Every step runs only if the one before it succeeded, so a failure skips all that follows, unless the step has a
//! condition of its own; the last step of each transaction rolls back if something is left open. The form was tried
//! against a real server; the protocol is
//! <https://github.com/tursodatabase/libsql/blob/main/docs/HRANA_3_SPEC.md>.

use std::collections::HashSet;
use std::sync::Arc;

use libsql_hrana::proto::{Batch, BatchCond, BatchCondList, BatchStep, Stmt, StmtResult};

use super::complete::{Complete, Incomplete, StepOutcome};
use super::value::{from_hrana, to_hrana};
use crate::db::{Answer, At, Code, EngineError, Failure, Left, Query, Rows, Transaction};
use crate::script::{Atomicity, ForeignKeys, OnFailure, Step, When};

/// What a step of the batch is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The pragma, its reading back, `BEGIN`.
    Begin,
    /// The step of this number.
    Step(usize),
    /// The same, of one whose failure the conditions of later steps deal with.
    Attempt(usize),
    /// The query that explains why the step of this number failed.
    Explain(usize),
    /// `COMMIT`.
    Commit,
    /// The query that explains why `COMMIT` failed.
    ExplainCommit,
    /// `ROLLBACK`, if something is left open.
    Rollback,
}

/// A batch, and for each of its steps the transaction and what it is there for.
pub(super) struct Lowered {
    pub(super) batch: Batch,
    parts: Vec<(usize, Part)>,
}

/// Makes one batch of transactions.
pub(super) fn lower(transactions: &[Transaction]) -> Lowered {
    let mut lowering = Lowering::default();
    for (number, transaction) in transactions.iter().enumerate() {
        lowering.transaction(number, transaction);
    }
    Lowered {
        batch: Batch {
            steps: lowering.steps,
            replication_index: None,
        },
        parts: lowering.parts,
    }
}

#[derive(Default)]
struct Lowering {
    steps: Vec<BatchStep>,
    parts: Vec<(usize, Part)>,
    /// The step that the next one depends on.
    last: Option<u32>,
}

impl Lowering {
    fn transaction(&mut self, number: usize, transaction: &Transaction) {
        let (word, value) = match transaction.foreign_keys {
            ForeignKeys::On => ("ON", 1),
            ForeignKeys::Off | ForeignKeys::Unchecked => ("OFF", 0),
        };
        let mut chain = |part, sql: String| self.chain((number, part), Stmt::new(sql, false));
        chain(Part::Begin, format!("PRAGMA foreign_keys = {word}"));
        // Inside a transaction the pragma would be ignored without a word.
        chain(
            Part::Begin,
            format!(
                "SELECT CASE (SELECT foreign_keys FROM pragma_foreign_keys) WHEN {value} THEN 1 \
                 ELSE json('foreign_keys') END"
            ),
        );
        let atomic = transaction.atomicity == Atomicity::Transaction;
        if atomic {
            chain(Part::Begin, "BEGIN IMMEDIATE".to_owned());
        }
        // Where each step of the transaction is in the batch, behind the step before the first.
        let mut places = vec![self.last.unwrap_or_default()];
        for (at, step) in transaction.steps.iter().enumerate() {
            let part = match step.on_failure() {
                OnFailure::Stop => Part::Step(at),
                OnFailure::Continue => Part::Attempt(at),
            };
            let failed = match step.condition() {
                None => self.chain((number, part), statement(step)),
                Some(when) => {
                    let condition = condition(when, &places);
                    let step = self.push((number, part), Some(condition), statement(step));
                    self.last = Some(step);
                    step
                }
            };
            places.push(failed);
            self.explain((number, Part::Explain(at)), failed, step.explain());
        }
        if atomic {
            let failed = self.chain((number, Part::Commit), Stmt::new("COMMIT", false));
            if let Some(last) = transaction.steps.iter().last() {
                self.explain((number, Part::ExplainCommit), failed, last.explain_commit());
            }
        }
        self.push(
            (number, Part::Rollback),
            Some(in_transaction()),
            Stmt::new("ROLLBACK", false),
        );
    }

    /// Adds a query that runs only if this step failed.
    fn explain(&mut self, part: (usize, Part), failed: u32, query: Option<&Arc<String>>) {
        if let Some(query) = query {
            let condition = BatchCond::Error { step: failed };
            self.push(part, Some(condition), Stmt::new(query.as_str(), true));
        }
    }

    /// Adds a step that runs only if the one before it in the chain succeeded.
    fn chain(&mut self, part: (usize, Part), stmt: Stmt) -> u32 {
        let condition = self.last.map(|step| BatchCond::Ok { step });
        let step = self.push(part, condition, stmt);
        self.last = Some(step);
        step
    }

    fn push(&mut self, part: (usize, Part), condition: Option<BatchCond>, stmt: Stmt) -> u32 {
        self.steps.push(BatchStep { condition, stmt });
        self.parts.push(part);
        u32::try_from(self.steps.len() - 1).unwrap_or(u32::MAX)
    }
}

/// A condition on steps that are counted back from the one behind `places`.
fn condition(when: &When, places: &[u32]) -> BatchCond {
    let ok = |back: usize| BatchCond::Ok {
        step: places[places.len() - back],
    };
    let list = |list: &[When]| BatchCondList {
        conds: list.iter().map(|it| condition(it, places)).collect(),
    };
    match when {
        When::Succeeded(back) => ok(*back),
        When::Failed(back) => BatchCond::Error {
            step: places[places.len() - back],
        },
        When::NotSucceeded(back) => BatchCond::Not {
            cond: Box::new(ok(*back)),
        },
        When::InTransaction => in_transaction(),
        When::All(all) => BatchCond::And(list(all)),
        When::Any(any) => BatchCond::Or(list(any)),
    }
}

fn in_transaction() -> BatchCond {
    BatchCond::Not {
        cond: Box::new(BatchCond::IsAutocommit {}),
    }
}

/// Rows are wanted of our own steps only: a migration that selects a million rows wants none of them. An `EXPLAIN` is
/// there to compile a statement.
fn statement(step: &Step) -> Stmt {
    let wants_rows = !step.is_written() && !step.sql.starts_with("EXPLAIN ");
    let mut stmt = Stmt::new(step.sql.to_string(), wants_rows);
    stmt.args = step.args().map(to_hrana).collect();
    stmt
}

/// Questions in one read transaction. None depends on another: one that fails leaves the others whole.
pub(super) fn lower_queries(queries: &[Query]) -> Batch {
    let mut steps = vec![BatchStep {
        condition: None,
        stmt: Stmt::new("BEGIN", false),
    }];
    for query in queries {
        let mut stmt = Stmt::new(query.sql.clone(), true);
        stmt.args = query.args.iter().map(to_hrana).collect();
        steps.push(BatchStep {
            condition: None,
            stmt,
        });
    }
    steps.push(BatchStep {
        condition: Some(in_transaction()),
        stmt: Stmt::new("ROLLBACK", false),
    });
    Batch {
        steps,
        replication_index: None,
    }
}

/// A batch whose steps are parsed by the server and never run: outside of a transaction their condition does not hold.
pub(super) fn lower_unrun<'a>(statements: impl Iterator<Item = &'a str>) -> Batch {
    let steps = statements.map(|sql| BatchStep {
        condition: Some(in_transaction()),
        stmt: Stmt::new(sql, false),
    });
    Batch {
        steps: steps.collect(),
        replication_index: None,
    }
}

/// Questions in one read transaction, each only after the one before it: one that fails ends the answer.
pub(super) fn lower_stream(queries: &[Query]) -> Batch {
    let mut batch = lower_queries(queries);
    for (number, step) in (0..).zip(&mut batch.steps[1..=queries.len()]) {
        step.condition = Some(BatchCond::Ok { step: number });
    }
    batch
}

/// What was asked for.
pub(super) struct Answers {
    /// One for each query: its rows, all as wide as it has columns, or its error.
    pub(super) rows: Vec<Result<Rows, EngineError>>,
    pub(super) replication_index: Option<u64>,
}

/// The answers to [`lower_queries`]. The inner error is that of `BEGIN`: without it they would not be of one state.
pub(super) fn answers(complete: Complete) -> Result<Result<Answers, EngineError>, Incomplete> {
    let mut steps = complete.steps.into_iter();
    if let Some(StepOutcome::Failed(error)) = steps.next() {
        return Ok(Err(engine_error(&error)));
    }
    // `ROLLBACK`.
    steps.next_back();
    let answer = |(number, step)| match step {
        StepOutcome::Done(result) if result.cols.is_empty() => {
            Err(Incomplete::NoColumns { number })
        }
        StepOutcome::Done(result) => Ok(Ok(rows(result))),
        StepOutcome::Failed(error) => Ok(Err(engine_error(&error))),
        StepOutcome::Skipped => Err(Incomplete::EndsEarly),
    };
    let rows = (2..).zip(steps).map(answer).collect::<Result<_, _>>()?;
    Ok(Ok(Answers {
        rows,
        replication_index: complete.replication_index,
    }))
}

/// The steps that ran, by transaction and number.
pub(super) fn ran(lowered: &Lowered, complete: &Complete) -> HashSet<(usize, usize)> {
    let parts = lowered.parts.iter().zip(&complete.steps);
    parts
        .filter_map(|(part, step)| match (part, step) {
            ((number, Part::Step(at) | Part::Attempt(at)), StepOutcome::Done(_)) => {
                Some((*number, *at))
            }
            _ => None,
        })
        .collect()
}

/// What a batch of transactions came to.
pub(super) fn outcome(lowered: &Lowered, complete: Complete) -> Result<Vec<Answer>, Failure> {
    let failed = |(_, part): &(usize, Part), step: &StepOutcome| {
        matches!(step, StepOutcome::Failed(_))
            && !matches!(
                part,
                Part::Attempt(_) | Part::Explain(_) | Part::ExplainCommit | Part::Rollback
            )
    };
    let parts = lowered.parts.iter();
    let mut both = parts.clone().zip(&complete.steps);
    if let Some(at) = both.position(|(part, step)| failed(part, step)) {
        return Err(failure(lowered, complete.steps, at));
    }
    let answers = parts.zip(complete.steps).filter_map(|(part, step)| {
        let (transaction, Part::Step(number) | Part::Attempt(number)) = *part else {
            return None;
        };
        let StepOutcome::Done(result) = step else {
            return None;
        };
        let rows = rows(result);
        (!rows.is_empty()).then_some(Answer {
            transaction,
            step: number,
            rows,
        })
    });
    Ok(answers.collect())
}

fn failure(lowered: &Lowered, mut steps: Vec<StepOutcome>, failed: usize) -> Failure {
    let (transaction, part) = lowered.parts[failed];
    let at = match part {
        Part::Step(step) => At::Step(step),
        Part::Commit => At::Commit,
        Part::Begin
        | Part::Attempt(_)
        | Part::Explain(_)
        | Part::ExplainCommit
        | Part::Rollback => At::Begin,
    };
    let explains = match part {
        Part::Step(step) => Part::Explain(step),
        _ => Part::ExplainCommit,
    };
    let mut parts = lowered.parts.iter();
    let explain = parts.position(|other| *other == (transaction, explains));
    let mut taken = |step: usize| std::mem::replace(&mut steps[step], StepOutcome::Skipped);
    let error = match taken(failed) {
        // A server also ends a transaction in the middle, with SQLITE_BUSY; this is the transaction's own lock.
        StepOutcome::Failed(error)
            if error.code == "SQLITE_LOCKED" && matches!(part, Part::Step(_)) =>
        {
            engine_error(&error).of_the_statement()
        }
        StepOutcome::Failed(error) => engine_error(&error),
        StepOutcome::Done(_) | StepOutcome::Skipped => EngineError::interrupted(),
    };
    let explanation = match explain.map(taken) {
        Some(StepOutcome::Done(result)) => rows(result),
        _ => Rows::new(),
    };
    let bare = !lowered.parts.contains(&(transaction, Part::Commit));
    let left = match at {
        At::Step(step) if bare && step > 0 => Left::EarlierSteps,
        _ => Left::Nothing,
    };
    Failure::Step {
        committed: transaction,
        at,
        error,
        explanation,
        left,
    }
}

/// Whether the server's error on a request as a whole came before its first step: a text that cannot be parsed, or
/// arguments that do not fit. All others may come after a transaction was committed; of one transaction a lock does not.
pub(super) fn ran_nothing(error: &libsql_hrana::proto::Error, transactions: usize) -> bool {
    let code = error.code.as_str();
    let before = ["SQL_", "ARGS_"].iter().any(|it| code.starts_with(it));
    let locked = engine_error(error).code == Code::Busy && transactions <= 1;
    before || locked || code == "BLOCKED"
}

pub(super) fn rows(result: StmtResult) -> Rows {
    result
        .rows
        .into_iter()
        .map(|row| row.values.into_iter().map(from_hrana).collect())
        .collect()
}

/// The server's words, without what it puts around SQLite's own, so that an error reads the same in every mode.
pub(super) fn engine_error(error: &libsql_hrana::proto::Error) -> EngineError {
    let code = match error.code.as_str() {
        "SQLITE_BUSY" | "SQLITE_LOCKED" | "TRANSACTION_TIMEOUT" | "TRANSACTION_BUSY" => Code::Busy,
        "SQLITE_READONLY" | "SQLITE_PERM" | "SQLITE_AUTH" => Code::ReadOnly,
        "SQLITE_INTERRUPT" => Code::Interrupted,
        "SQLITE_IOERR" => Code::Io,
        "SQLITE_CORRUPT" => Code::Corrupt,
        "SQLITE_FULL" => Code::Full,
        "SQLITE_CANTOPEN" => Code::CannotOpen,
        "SQLITE_NOTADB" => Code::NotADatabase,
        "SQLITE_TOOBIG" => Code::TooBig,
        "SQLITE_CONSTRAINT" => Code::Constraint,
        "BLOCKED" => Code::Blocked,
        _ => Code::Other(1),
    };
    let mut message = error.message.as_str();
    for prefix in [
        "SQLite error: ",
        "SQL input error: ",
        "SQL string could not be parsed: ",
        // Of the Turso engine, whose other words are those of SQLite.
        "Parse error: ",
    ] {
        message = message.strip_prefix(prefix).unwrap_or(message);
    }
    let mut offset = None;
    if let Some((words, place)) = message.rsplit_once(" (at offset ")
        && let Some(at) = place.strip_suffix(')')
    {
        offset = at.parse().ok();
        message = words;
    }
    EngineError {
        code,
        message: message.to_owned(),
        offset,
    }
}
