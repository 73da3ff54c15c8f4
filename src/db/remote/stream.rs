//! A batch in several requests of one stream, for an engine whose check of foreign keys has to be written by the schema that
//! the statements before it made. Only the last requests commit, and a stream that ends early is rolled back.

use std::ops::Range;

use libsql_hrana::proto::{Batch, BatchCond, BatchCondList, BatchResult, BatchStep, Error, Stmt};

use super::batch::rows;
use super::complete::{Complete, Incomplete, StepOutcome};
use super::foreign_keys::{FOREIGN_KEYS, checks_foreign_keys, with_anti_joins};
use super::http::Server;
use crate::db::{Code, Fate, RemoteError};

/// The code of an error on a request that was not the first: earlier ones may have committed a transaction.
const LATER: &str = "STREAM_STOPPED";

/// Runs a batch. The inner error is the server's word on a request as a whole.
pub(super) async fn run(
    server: &Server,
    batch: &Batch,
) -> Result<Result<Complete, Error>, RemoteError> {
    let mut steps: Vec<StepOutcome> = Vec::with_capacity(batch.steps.len());
    let is_atomic = batch.steps.iter().any(|step| is(step, "BEGIN IMMEDIATE"));
    let mut replication_index = None;
    let mut foreign_keys = None;
    let mut baton = None;
    for range in parts(batch) {
        let is_last = range.end == batch.steps.len();
        let is_first = range.start == 0;
        let mut part = part(batch, range, &steps, foreign_keys.as_deref());
        if !is_last {
            part.steps.push(BatchStep {
                condition: None,
                stmt: Stmt::new(FOREIGN_KEYS, true),
            });
        }
        let commits = !is_atomic || part.steps.iter().any(|step| is(step, "COMMIT"));
        let answered = server.batch_of_stream(baton, &part, is_last).await;
        let (next, answer) = match answered {
            // Nothing was asked to commit, so the stream can only be rolled back. Until the server ends it, it holds the lock.
            Err(error) if !commits && error.fate() == Fate::Unknown => {
                return Err(RemoteError::Ended {
                    host: server.host().to_owned(),
                    code: Code::Busy,
                    words: format!("an answer before COMMIT was lost: {error}"),
                });
            }
            answered => answered?,
        };
        let close = |next: Option<String>| next.into_iter().for_each(|it| server.close(it));
        let mut complete = match answer {
            Ok(complete) => complete,
            Err(mut error) => {
                close(next);
                if !is_first {
                    error.code = LATER.to_owned();
                }
                return Ok(Err(error));
            }
        };
        if !is_last {
            // Without the schema the check would find nothing.
            let Some(StepOutcome::Done(read)) = complete.steps.pop() else {
                close(next);
                return Err(server.incomplete(&Incomplete::EndsEarly));
            };
            foreign_keys = Some(rows(read));
            if next.is_none() {
                return Err(server.incomplete(&Incomplete::EndsEarly));
            }
        }
        replication_index = replication_index.max(complete.replication_index);
        steps.extend(complete.steps);
        baton = next;
    }
    let (step_results, step_errors) = steps
        .into_iter()
        .map(|step| match step {
            StepOutcome::Done(result) => (Some(result), None),
            StepOutcome::Failed(error) => (None, Some(error)),
            StepOutcome::Skipped => (None, None),
        })
        .unzip();
    let result = BatchResult {
        step_results,
        step_errors,
        replication_index,
    };
    match Complete::check(batch, result) {
        Ok(complete) => Ok(Ok(complete)),
        Err(lacks) => Err(server.incomplete(&lacks)),
    }
}

/// Whether a step checks foreign keys and is due where those before it succeeded. One that explains a failure has the
/// schema of the check that failed.
fn begins_a_part(step: &BatchStep) -> bool {
    checks_foreign_keys(step.stmt.sql.as_deref().unwrap_or_default())
        && !matches!(step.condition, Some(BatchCond::Error { .. }))
}

fn is(step: &BatchStep, sql: &str) -> bool {
    step.stmt.sql.as_deref() == Some(sql)
}

/// Whether a batch needs several requests.
pub(super) fn is_needed(batch: &Batch) -> bool {
    batch.steps.iter().any(begins_a_part)
}

fn parts(batch: &Batch) -> Vec<Range<usize>> {
    let steps = batch.steps.iter().enumerate().skip(1);
    let cuts = steps.filter(|(_, step)| begins_a_part(step));
    let mut starts: Vec<usize> = std::iter::once(0).chain(cuts.map(|it| it.0)).collect();
    starts.push(batch.steps.len());
    starts.windows(2).map(|two| two[0]..two[1]).collect()
}

/// Some of the steps as a batch of their own, whose conditions on earlier ones are decided.
fn part(
    batch: &Batch,
    range: Range<usize>,
    before: &[StepOutcome],
    foreign_keys: Option<&[Vec<crate::sql::Value>]>,
) -> Batch {
    let steps = batch.steps[range].iter().map(|step| {
        let mut step = step.clone();
        step.condition = match step.condition.map(|it| decide(it, before)) {
            None | Some(Decided::Yes) => None,
            Some(Decided::No) => Some(never()),
            Some(Decided::Open(condition)) => Some(condition),
        };
        if let (Some(sql), Some(columns)) = (&step.stmt.sql, foreign_keys)
            && checks_foreign_keys(sql)
        {
            step.stmt.sql = Some(with_anti_joins(sql, columns));
        }
        step
    });
    Batch {
        steps: steps.collect(),
        replication_index: None,
    }
}

/// What is known of a condition.
enum Decided {
    Yes,
    No,
    /// It depends on this, with the steps counted from the first of the part.
    Open(BatchCond),
}

fn decide(condition: BatchCond, before: &[StepOutcome]) -> Decided {
    let step = |step: u32, holds: fn(&StepOutcome) -> bool, open: fn(u32) -> BatchCond| {
        let at = usize::try_from(step).unwrap_or(usize::MAX);
        match before.get(at) {
            Some(outcome) if holds(outcome) => Decided::Yes,
            Some(_) => Decided::No,
            None => Decided::Open(open(step - u32::try_from(before.len()).unwrap_or(u32::MAX))),
        }
    };
    match condition {
        BatchCond::Ok { step: at } => step(
            at,
            |it| matches!(it, StepOutcome::Done(_)),
            |step| BatchCond::Ok { step },
        ),
        BatchCond::Error { step: at } => step(
            at,
            |it| matches!(it, StepOutcome::Failed(_)),
            |step| BatchCond::Error { step },
        ),
        BatchCond::Not { cond } => match decide(*cond, before) {
            Decided::Yes => Decided::No,
            Decided::No => Decided::Yes,
            Decided::Open(cond) => Decided::Open(BatchCond::Not {
                cond: Box::new(cond),
            }),
        },
        BatchCond::And(list) => {
            let mut conds = Vec::new();
            for cond in list.conds {
                match decide(cond, before) {
                    Decided::Yes => {}
                    Decided::No => return Decided::No,
                    Decided::Open(cond) => conds.push(cond),
                }
            }
            match conds.is_empty() {
                true => Decided::Yes,
                false => Decided::Open(BatchCond::And(BatchCondList { conds })),
            }
        }
        BatchCond::Or(list) => {
            let mut conds = Vec::new();
            for cond in list.conds {
                match decide(cond, before) {
                    Decided::Yes => return Decided::Yes,
                    Decided::No => {}
                    Decided::Open(cond) => conds.push(cond),
                }
            }
            match conds.is_empty() {
                true => Decided::No,
                false => Decided::Open(BatchCond::Or(BatchCondList { conds })),
            }
        }
        condition => Decided::Open(condition),
    }
}

/// A condition that does not hold, whatever the state of the stream.
fn never() -> BatchCond {
    let autocommit = || BatchCond::IsAutocommit {};
    let not = BatchCond::Not {
        cond: Box::new(autocommit()),
    };
    BatchCond::And(BatchCondList {
        conds: vec![autocommit(), not],
    })
}
