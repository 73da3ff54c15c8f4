//! Whether a server's answer to a batch is complete. Pure.
//!
//! A server, or a gateway in front of it, can answer without an error and still give less than it was asked for: no
//! results, some of them, or an answer that ends early. So the absence of an error proves nothing: every step whose
//! condition holds must have a result or an error, `COMMIT` included. Anything else is a lost answer. What a complete
//! answer means is decided in `batch.rs`, never here.

use libsql_hrana::proto::{
    Batch, BatchCond, BatchResult, CursorEntry, CursorRespBody, Error, StepBeginEntry,
    StepErrorEntry, StmtResult,
};

/// What became of a step.
#[derive(Debug, Clone)]
pub(super) enum StepOutcome {
    /// It ran.
    Done(StmtResult),
    /// It failed.
    Failed(Error),
    /// Its condition did not hold.
    Skipped,
}

/// An answer with an outcome for each step of the batch, in order. [`Complete::check`] makes it, and nothing else.
#[derive(Debug)]
pub(super) struct Complete {
    pub(super) steps: Vec<StepOutcome>,
    pub(super) replication_index: Option<u64>,
    /// So that there is no other way to make one.
    _checked: (),
}

/// What an answer lacks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Incomplete {
    #[error("it is empty")]
    Empty,
    #[error("it ends too early")]
    EndsEarly,
    #[error("{sent} {what} were sent, and it has {found} results")]
    Count {
        what: &'static str,
        sent: usize,
        found: usize,
    },
    #[error("step {number} of {sent} has no result")]
    NoResult { number: usize, sent: usize },
    #[error("step {number} of {sent} ran although its condition does not hold")]
    RanUnasked { number: usize, sent: usize },
    #[error("step {found} was answered where step {due} of {sent} was due")]
    Order {
        found: usize,
        due: usize,
        sent: usize,
    },
    #[error("a row of step {number} has {found} values for {columns} columns")]
    Width {
        number: usize,
        found: usize,
        columns: usize,
    },
    #[error("step {number} is a query, and its result has no columns")]
    NoColumns { number: usize },
    #[error("the result of step {number} has {found} columns where {wanted} were asked for")]
    Columns {
        number: usize,
        found: usize,
        wanted: usize,
    },
    #[error("the server ended it: {0}")]
    Ended(String),
}

/// What the body of a cursor holds.
pub(super) enum Cursor {
    /// The answer.
    Answered(Complete),
    /// The server refused the batch before its first step.
    Refused(Error),
}

/// Why a line is none of the answer of a cursor.
#[derive(Debug)]
pub(super) enum Unusable {
    Incomplete(Incomplete),
    /// A line that no cursor has.
    Foreign,
}

impl From<Incomplete> for Unusable {
    fn from(lacks: Incomplete) -> Self {
        Unusable::Incomplete(lacks)
    }
}

impl Complete {
    /// Checks the answer to a batch.
    ///
    /// # Errors
    /// It is not what a server answers that has carried the batch out.
    pub(super) fn check(batch: &Batch, answer: BatchResult) -> Result<Complete, Incomplete> {
        let sent = batch.steps.len();
        for found in [answer.step_results.len(), answer.step_errors.len()] {
            if found != sent {
                let what = "steps";
                return Err(Incomplete::Count { what, sent, found });
            }
        }
        let mut steps = Vec::with_capacity(sent);
        let answers = answer.step_results.into_iter().zip(answer.step_errors);
        for (step, (result, error)) in batch.steps.iter().zip(answers) {
            let number = steps.len() + 1;
            let outcome = match (result, error) {
                (_, Some(error)) => StepOutcome::Failed(error),
                (Some(result), None) => StepOutcome::Done(result),
                (None, None) => StepOutcome::Skipped,
            };
            let due = step
                .condition
                .as_ref()
                .map_or(Some(true), |it| holds(it, &steps));
            match (&outcome, due) {
                (StepOutcome::Skipped, Some(true)) => {
                    return Err(Incomplete::NoResult { number, sent });
                }
                // An error is no sign that it ran: once a server has ended a transaction, all steps behind that fail,
                // whatever their conditions.
                (StepOutcome::Done(_), Some(false)) => {
                    return Err(Incomplete::RanUnasked { number, sent });
                }
                (StepOutcome::Done(result), _) => widths(number, result)?,
                _ => {}
            }
            steps.push(outcome);
        }
        Ok(Complete {
            steps,
            replication_index: answer.replication_index,
            _checked: (),
        })
    }
}

/// The answer of a cursor to a batch, collected line by line.
#[derive(Debug)]
pub(super) struct Collected<'a> {
    batch: &'a Batch,
    /// The first line: the baton names the stream that is to be closed.
    head: Option<CursorRespBody>,
    entries: Entries,
    answer: BatchResult,
    /// Bytes of the lines that are kept.
    kept: usize,
    refused: Option<Error>,
}

impl<'a> Collected<'a> {
    pub(super) fn new(batch: &'a Batch) -> Collected<'a> {
        let sent = batch.steps.len();
        Collected {
            batch,
            head: None,
            entries: Entries::new(sent),
            answer: BatchResult {
                step_results: vec![None; sent],
                step_errors: vec![None; sent],
                replication_index: None,
            },
            kept: 0,
            refused: None,
        }
    }

    /// Bytes of the rows so far.
    pub(super) fn kept(&self) -> usize {
        self.kept
    }

    /// Takes the next line.
    ///
    /// # Errors
    /// It is no line of a cursor, or not one that may come next.
    pub(super) fn line(&mut self, line: &[u8]) -> Result<(), Unusable> {
        if line.trim_ascii().is_empty() || self.refused.is_some() {
            return Ok(());
        }
        if self.head.is_none() {
            self.head = Some(parsed(line)?);
            return Ok(());
        }
        match parsed(line)? {
            CursorEntry::StepBegin(StepBeginEntry { step, cols }) => {
                let step = self.entries.begin(step, cols.len())?;
                self.answer.step_results[step] = Some(StmtResult {
                    cols,
                    ..StmtResult::default()
                });
            }
            CursorEntry::Row { row } => {
                let step = self.entries.row(row.values.len())?;
                let wanted = self.batch.steps[step].stmt.want_rows.unwrap_or(true);
                if let Some(result) = self.answer.step_results[step].as_mut().filter(|_| wanted) {
                    self.kept += line.len();
                    result.rows.push(row);
                }
            }
            CursorEntry::StepEnd(_) => self.entries.end()?,
            CursorEntry::StepError(StepErrorEntry { step, error }) => {
                let step = self.entries.fail(step)?;
                self.answer.step_results[step] = None;
                self.answer.step_errors[step] = Some(error);
            }
            CursorEntry::Error { error } if self.entries.has_begun() => {
                return Err(Incomplete::Ended(error.message).into());
            }
            CursorEntry::Error { error } => self.refused = Some(error),
            CursorEntry::ReplicationIndex { replication_index } => {
                self.answer.replication_index = replication_index;
            }
            CursorEntry::None => {}
        }
        Ok(())
    }

    /// Checks the answer, of which all lines have come. The baton comes with it.
    ///
    /// # Errors
    /// As [`Complete::check`].
    pub(super) fn finish(self) -> Result<(Option<String>, Cursor), Incomplete> {
        let baton = self.head.ok_or(Incomplete::Empty)?.baton;
        if let Some(error) = self.refused {
            return Ok((baton, Cursor::Refused(error)));
        }
        self.entries.finish()?;
        let complete = Complete::check(self.batch, self.answer)?;
        Ok((baton, Cursor::Answered(complete)))
    }
}

/// A line of a cursor. The last one may be cut off.
fn parsed<T: serde::de::DeserializeOwned>(line: &[u8]) -> Result<T, Unusable> {
    serde_json::from_slice(line).map_err(|error| match error.is_eof() {
        true => Incomplete::EndsEarly.into(),
        false => Unusable::Foreign,
    })
}

fn widths(number: usize, result: &StmtResult) -> Result<(), Incomplete> {
    let columns = result.cols.len();
    match result.rows.iter().find(|row| row.values.len() != columns) {
        None => Ok(()),
        Some(row) => Err(Incomplete::Width {
            number,
            found: row.values.len(),
            columns,
        }),
    }
}

/// Whether a condition holds after these steps; none where the answer does not tell.
fn holds(condition: &BatchCond, steps: &[StepOutcome]) -> Option<bool> {
    match condition {
        BatchCond::Ok { step } => {
            let outcome = steps.get(*step as usize)?;
            Some(matches!(outcome, StepOutcome::Done(_)))
        }
        BatchCond::Error { step } => match steps.get(*step as usize)? {
            StepOutcome::Done(_) => Some(false),
            StepOutcome::Failed(_) => Some(true),
            // The protocol says that it does not hold; sqld runs the step.
            StepOutcome::Skipped => None,
        },
        BatchCond::Not { cond } => holds(cond, steps).map(|holds| !holds),
        BatchCond::And(all) => {
            // A transaction that the server has ended would commit nothing: then the answer is as good as lost.
            let all = all.conds.iter().filter(|it| !is_in_transaction(it));
            decided_by(false, all, steps)
        }
        BatchCond::Or(any) => decided_by(true, any.conds.iter(), steps),
        BatchCond::None | BatchCond::IsAutocommit {} => None,
    }
}

fn is_in_transaction(condition: &BatchCond) -> bool {
    matches!(condition, BatchCond::Not { cond } if matches!(**cond, BatchCond::IsAutocommit {}))
}

/// A list of conditions that one of value `decisive` decides alone: a false one of `And`, a true one of `Or`.
fn decided_by<'a>(
    decisive: bool,
    list: impl Iterator<Item = &'a BatchCond>,
    steps: &[StepOutcome],
) -> Option<bool> {
    let values: Vec<_> = list.map(|it| holds(it, steps)).collect();
    if values.contains(&Some(decisive)) {
        return Some(decisive);
    }
    (!values.contains(&None)).then_some(!decisive)
}

/// The order of a cursor's entries: a step begins, gives rows of one width, and ends or fails. A step that is skipped
/// has no entry.
#[derive(Debug)]
pub(super) struct Entries {
    sent: usize,
    /// The first step that may come next.
    next: usize,
    /// The step under way, and its columns.
    open: Option<(usize, usize)>,
}

impl Entries {
    pub(super) fn new(sent: usize) -> Entries {
        Entries {
            sent,
            next: 0,
            open: None,
        }
    }

    /// Whether any step has begun.
    pub(super) fn has_begun(&self) -> bool {
        self.next > 0
    }

    /// The step that may come next; all before it have ended, failed or been skipped, but for the one under way.
    pub(super) fn next(&self) -> usize {
        self.next
    }

    pub(super) fn begin(&mut self, step: u32, columns: usize) -> Result<usize, Incomplete> {
        let step = step as usize;
        if self.open.is_some() || step < self.next || step >= self.sent {
            return Err(self.disorder(step));
        }
        self.open = Some((step, columns));
        self.next = step + 1;
        Ok(step)
    }

    pub(super) fn row(&self, found: usize) -> Result<usize, Incomplete> {
        match self.open {
            Some((step, columns)) if found == columns => Ok(step),
            Some((step, columns)) => Err(Incomplete::Width {
                number: step + 1,
                found,
                columns,
            }),
            None => Err(self.disorder(self.next)),
        }
    }

    pub(super) fn end(&mut self) -> Result<(), Incomplete> {
        match self.open.take() {
            Some(_) => Ok(()),
            None => Err(self.disorder(self.next)),
        }
    }

    /// A step may fail after it has begun, or without.
    pub(super) fn fail(&mut self, step: u32) -> Result<usize, Incomplete> {
        let step = step as usize;
        let is_due = match self.open.take() {
            Some((open, _)) => step == open,
            None => (self.next..self.sent).contains(&step),
        };
        if !is_due {
            return Err(self.disorder(step));
        }
        self.next = step + 1;
        Ok(step)
    }

    pub(super) fn finish(&self) -> Result<(), Incomplete> {
        match self.open {
            Some(_) => Err(Incomplete::EndsEarly),
            None => Ok(()),
        }
    }

    fn disorder(&self, found: usize) -> Incomplete {
        Incomplete::Order {
            found: found + 1,
            due: self.next + 1,
            sent: self.sent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Transaction;
    use crate::db::remote::batch::lower;
    use crate::script::{Atomicity, ForeignKeys, Step, When};
    use libsql_hrana::proto::{Col, Row, Value};

    fn transaction(atomicity: Atomicity) -> Transaction {
        Transaction {
            foreign_keys: ForeignKeys::On,
            atomicity,
            steps: vec![
                Step::own("INSERT INTO t VALUES (1)", vec![]),
                Step::own("SELECT 2", vec![]).explained("SELECT 1".to_owned()),
            ]
            .into(),
        }
    }

    /// Two transactions: pragma, read back, BEGIN, step, step, explain, COMMIT, ROLLBACK; the same again.
    fn batch() -> Batch {
        let transaction = transaction(Atomicity::Transaction);
        lower(&[transaction.clone(), transaction]).batch
    }

    /// pragma, read back, BEGIN, a step, a probe, a step where the probe failed, a step behind both, COMMIT, ROLLBACK.
    fn conditional() -> Batch {
        let step = || Step::own("SELECT 1", vec![]);
        let failed = When::All(vec![
            When::Succeeded(2),
            When::Failed(1),
            When::InTransaction,
        ]);
        let either = When::Any(vec![When::Succeeded(1), When::Succeeded(2)]);
        let transaction = Transaction {
            steps: vec![
                step(),
                step().continuing(),
                step().when(failed),
                step().when(either),
            ]
            .into(),
            ..transaction(Atomicity::Transaction)
        };
        lower(&[transaction]).batch
    }

    #[test]
    fn a_step_with_a_condition_is_due_by_the_outcomes_before_it() {
        // `+` is a result, `!` an error, `-` neither.
        for (outcomes, expect) in [
            ("+++++-++-", "complete"),
            ("++++!+++-", "complete"),
            ("++++!!--+", "complete"),
            ("+++!----+", "complete"),
            ("++!------", "complete"),
            ("++++!-++-", "step 6 of 9 has no result"),
            (
                "++++++++-",
                "step 6 of 9 ran although its condition does not hold",
            ),
            ("+++++--+-", "step 7 of 9 has no result"),
            ("+++++-+--", "step 8 of 9 has no result"),
            (
                "++++!!+--",
                "step 7 of 9 ran although its condition does not hold",
            ),
        ] {
            let answer = BatchResult {
                step_results: outcomes.chars().map(|it| (it == '+').then(done)?).collect(),
                step_errors: outcomes.chars().map(|it| (it == '!').then(error)).collect(),
                replication_index: None,
            };
            let found = match Complete::check(&conditional(), answer) {
                Ok(_) => "complete".to_owned(),
                Err(lacks) => lacks.to_string(),
            };
            assert_eq!(found, expect, "{outcomes}");
        }
    }

    fn done() -> Option<StmtResult> {
        Some(StmtResult::default())
    }

    fn error() -> Error {
        Error {
            message: "no".to_owned(),
            code: "SQLITE_ERROR".to_owned(),
        }
    }

    /// The right answer: all but the two explanations and rollbacks.
    fn answer(batch: &Batch) -> BatchResult {
        let steps = batch.steps.iter();
        let result = |step: &libsql_hrana::proto::BatchStep| match step.condition {
            None | Some(BatchCond::Ok { .. }) => done(),
            _ => None,
        };
        BatchResult {
            step_errors: vec![None; steps.len()],
            step_results: steps.map(result).collect(),
            replication_index: None,
        }
    }

    fn lacks(batch: &Batch, answer: BatchResult) -> String {
        match Complete::check(batch, answer) {
            Ok(_) => String::new(),
            Err(lacks) => lacks.to_string(),
        }
    }

    #[test]
    fn every_step_of_the_chain_needs_a_result() {
        for atomicity in [Atomicity::Transaction, Atomicity::Bare] {
            let batch = lower(&[transaction(atomicity)]).batch;
            let right = answer(&batch);
            assert_eq!(lacks(&batch, right.clone()), "");
            for step in 0..batch.steps.len() {
                let mut answer = right.clone();
                if answer.step_results[step].take().is_some() {
                    assert!(lacks(&batch, answer).contains("has no result"), "{step}");
                }
            }
        }
    }

    #[test]
    fn as_many_results_are_needed_as_steps_were_sent() {
        let batch = batch();
        let right = answer(&batch);
        for keep in (0..batch.steps.len()).chain([99]) {
            let mut answer = right.clone();
            answer.step_results.resize(keep, done());
            answer.step_errors.resize(keep, None);
            let words = format!("16 steps were sent, and it has {keep} results");
            assert_eq!(lacks(&batch, answer), words);
            let mut answer = right.clone();
            answer.step_errors.resize(keep, None);
            assert_eq!(lacks(&batch, answer), words);
        }
        let mut nulls = right;
        nulls.step_results.fill(None);
        assert_eq!(lacks(&batch, nulls), "step 1 of 16 has no result");
    }

    #[test]
    fn an_error_explains_why_the_rest_has_no_result_and_nothing_else_does() {
        let batch = batch();
        let at_step = |step: usize| {
            let mut answer = answer(&batch);
            answer.step_results[step..].fill(None);
            answer.step_errors[step] = Some(error());
            answer
        };
        // The second step brings its explanation; the rollback may run or not.
        let mut explained = at_step(4);
        assert_eq!(
            lacks(&batch, explained.clone()),
            "step 6 of 16 has no result"
        );
        explained.step_results[5] = done();
        assert_eq!(lacks(&batch, explained.clone()), "");
        explained.step_results[7] = done();
        assert_eq!(lacks(&batch, explained.clone()), "");
        for step in [0, 2, 3, 6, 8, 14] {
            assert_eq!(lacks(&batch, at_step(step)), "", "{step}");
        }
        // sqld runs what depends on the error of a step that was skipped.
        let mut skipped = at_step(2);
        skipped.step_results[5] = done();
        assert_eq!(lacks(&batch, skipped), "");
        // A step that goes on behind a failed one.
        explained.step_results[6] = done();
        assert_eq!(
            lacks(&batch, explained),
            "step 7 of 16 ran although its condition does not hold"
        );
    }

    #[test]
    fn rows_are_as_wide_as_their_columns() {
        let batch = batch();
        let check = |columns: usize, values: usize| {
            let mut answer = answer(&batch);
            answer.step_results[4] = Some(StmtResult {
                cols: vec![Col::default(); columns],
                rows: vec![Row {
                    values: vec![Value::Null; values],
                }],
                ..StmtResult::default()
            });
            lacks(&batch, answer)
        };
        assert_eq!(check(2, 2), "");
        assert_eq!(check(2, 1), "a row of step 5 has 1 values for 2 columns");
        assert_eq!(check(0, 1), "a row of step 5 has 1 values for 0 columns");
    }

    const HEAD: &str = r#"{"baton":"b","base_url":null}"#;

    fn begin(step: usize) -> String {
        format!(r#"{{"type":"step_begin","step":{step},"cols":[{{"name":"a"}}]}}"#)
    }

    fn end() -> String {
        r#"{"type":"step_end","affected_row_count":0,"last_insert_rowid":null}"#.to_owned()
    }

    fn row() -> String {
        r#"{"type":"row","row":[{"type":"null"}]}"#.to_owned()
    }

    fn failed(step: usize) -> String {
        format!(r#"{{"type":"step_error","step":{step},"error":{{"message":"no","code":"X"}}}}"#)
    }

    const BROKEN: &str = r#"{"type":"error","error":{"message":"shutting down","code":"X"}}"#;

    /// What the body of these lines amounts to.
    fn cursor(batch: &Batch, lines: &[String]) -> String {
        let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
        of_body(batch, body.as_bytes())
    }

    fn of_body(batch: &Batch, body: &[u8]) -> String {
        let mut collected = Collected::new(batch);
        for line in body.split(|byte| *byte == b'\n') {
            match collected.line(line) {
                Ok(()) => {}
                Err(Unusable::Incomplete(lacks)) => return format!("incomplete: {lacks}"),
                Err(Unusable::Foreign) => return format!("foreign: {}", line.escape_ascii()),
            }
        }
        match collected.finish() {
            Ok((baton, Cursor::Answered(complete))) => {
                assert_eq!(baton.as_deref(), Some("b"));
                let steps = complete.steps.iter().map(|step| match step {
                    StepOutcome::Done(result) => format!("done {}", result.rows.len()),
                    StepOutcome::Failed(error) => error.message.clone(),
                    StepOutcome::Skipped => "skipped".to_owned(),
                });
                steps.collect::<Vec<_>>().join(", ")
            }
            Ok((_, Cursor::Refused(error))) => format!("refused: {}", error.message),
            Err(lacks) => format!("incomplete: {lacks}"),
        }
    }

    /// Pragma, read back, two steps, explain, rollback.
    fn bare() -> Batch {
        lower(&[transaction(Atomicity::Bare)]).batch
    }

    #[test]
    fn the_answer_of_a_cursor_is_complete_when_its_last_step_has_ended() {
        let batch = bare();
        let mut lines = vec![HEAD.to_owned()];
        for step in 0..4 {
            lines.extend([begin(step), row(), end()]);
        }
        // Rows that were not asked for are dropped.
        let whole = "done 0, done 0, done 1, done 1, skipped, skipped";
        assert_eq!(cursor(&batch, &lines), whole);
        for kept in 0..lines.len() {
            let found = cursor(&batch, &lines[..kept]);
            assert!(found.starts_with("incomplete: "), "{kept}: {found}");
        }
        let mut told = lines.clone();
        told.push(r#"{"type":"replication_index","replication_index":7}"#.to_owned());
        assert_eq!(cursor(&batch, &told), whole);
        // Cut anywhere.
        let body = lines.join("\n");
        for kept in 0..body.len() - 1 {
            let found = of_body(&batch, &body.as_bytes()[..kept]);
            assert!(found.starts_with("incomplete: "), "{kept}: {found}");
        }
    }

    #[test]
    fn the_entries_of_a_cursor_come_in_order() {
        let batch = bare();
        let check = |lines: &[String], expect: &str| {
            let lines = [&[HEAD.to_owned()], lines].concat();
            assert_eq!(cursor(&batch, &lines), expect);
        };
        let order = |found: usize, due: usize| {
            format!("incomplete: step {found} was answered where step {due} of 6 was due")
        };
        check(&[begin(0), begin(1)], &order(2, 2));
        check(&[begin(0), end(), begin(0)], &order(1, 2));
        check(&[begin(6)], &order(7, 1));
        check(&[failed(6)], &order(7, 1));
        check(&[begin(0), failed(1)], &order(2, 2));
        check(&[end()], &order(1, 1));
        check(&[row()], &order(1, 1));
        check(&[begin(0), end(), row()], &order(2, 2));
        check(
            &[begin(0), end(), begin(2), end()],
            "incomplete: step 2 of 6 has no result",
        );
        let error = "no, skipped, skipped, skipped, skipped, skipped";
        check(&[failed(0)], error);
        check(&[begin(0), row(), failed(0)], error);
        check(&["{}".to_owned()], "foreign: {}");
    }

    #[test]
    fn a_server_that_breaks_off_refuses_only_what_it_has_not_begun() {
        let batch = bare();
        let head = HEAD.to_owned();
        let broken = BROKEN.to_owned();
        assert_eq!(
            cursor(&batch, &[head.clone(), broken.clone()]),
            "refused: shutting down"
        );
        assert_eq!(
            cursor(&batch, &[head, begin(0), end(), broken]),
            "incomplete: the server ended it: shutting down"
        );
    }
}
