//! Sends transactions that begin with a guard until it is known what became of them. The only place that deals with
//! locks, busy servers, servers that cannot be reached, and lost answers; it does not know what the transactions are for.
//!
//! A request whose answer was lost may still wait behind the server's write lock and be carried out later, so reading
//! alone settles nothing. The same transactions are sent again until there is an answer: the guard lets one copy win. If
//! it refuses a copy, a look at what the guard compares tells whether it was one of ours.

use std::time::Duration;

use super::patience::Patience;
use crate::db::{self, Answer, At, Db, Failure, Fate, OnProgress, RemoteError, Transaction};

/// The shortest time for which a lost answer is asked for again: a request can wait behind the write lock for as long
/// as a server lets one transaction last.
const AT_LEAST: Duration = Duration::from_secs(10);

/// The first pause after a server ended a transaction, or refused to begin one, because others wait: a server lets a
/// transaction last this long while somebody else waits to write.
const LOCKED: Duration = Duration::from_secs(5);

/// The first pause after an answer was lost, or a server could not be reached.
const NO_ANSWER: Duration = Duration::from_millis(50);

/// How often the database is looked at where nothing is sent any more and an answer is missing.
const LOOKS: u32 = 4;

/// Transactions with a guard.
pub(crate) trait Guarded {
    /// The transactions, and where their progress goes.
    fn transactions(&mut self) -> (Vec<Transaction>, OnProgress);
    /// What the database shows of them.
    async fn look(&self, db: &Db) -> Option<Found>;
    /// Before each pause.
    fn waits(&self, wait: Wait);
    /// Whether they may be sent again where their answer was lost. What runs outside of a transaction must not be.
    fn may_be_repeated(&self) -> bool {
        true
    }
}

/// What a look at the database shows of guarded transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// What the guard compares is as it was: a copy that is under way may still be carried out.
    Unchanged,
    /// A copy of ours was carried out.
    Done,
    /// Another run was faster.
    Moved,
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// The lock of another connection.
    Lock,
    /// An answer.
    Answer,
}

/// The transactions did not happen, or it is not known whether they did.
#[derive(Debug)]
pub(crate) enum Unsettled {
    /// The guard refused them: another run was faster.
    Moved,
    /// The network failed, and whether they happened could not be learnt in time.
    Unknown(RemoteError),
    /// They failed; [`Failure::is_locked_out`] where the lock was waited for in vain.
    Failed(Failure),
}

/// Sends transactions until it is known what became of them. The answers are missing where they were lost.
///
/// # Errors
/// [`Unsettled`].
pub(crate) async fn settle(
    db: &Db,
    patience: &mut Patience,
    guarded: &mut impl Guarded,
) -> Result<Option<Vec<Answer>>, Unsettled> {
    // Looks after a lost answer have to be made even if the run was told to stop.
    let looks = db.without_stop();
    let mut lost: Option<RemoteError> = None;
    loop {
        let (transactions, on_progress) = guarded.transactions();
        let guards = guards(&transactions);
        let failure = match db.run(transactions, on_progress).await {
            Ok(answers) => {
                patience.restart();
                return Ok(Some(answers));
            }
            Err(failure) => failure,
        };
        let is_refused = is_of(&guards, &failure);
        let (wait, first) = match &failure {
            _ if is_refused && lost.is_none() => return Err(Unsettled::Moved),
            _ if failure.is_locked_out() => (Wait::Lock, LOCKED),
            Failure::Lost(_) => (Wait::Answer, NO_ANSWER),
            Failure::Open(error) if error.may_pass() => (Wait::Answer, NO_ANSWER),
            _ if is_refused => (Wait::Answer, NO_ANSWER),
            _ => return Err(Unsettled::Failed(failure)),
        };
        let mut is_last = false;
        let failure = match failure {
            Failure::Lost(error) if !guarded.may_be_repeated() => {
                return Err(Unsettled::Unknown(error));
            }
            Failure::Lost(error) => {
                if lost.is_none() {
                    patience.restart();
                }
                is_last = error.fate() == Fate::Unrepeatable;
                lost = Some(error);
                None
            }
            failure => Some(failure),
        };
        let at_least = if lost.is_some() {
            AT_LEAST
        } else {
            Duration::ZERO
        };
        is_last |= patience.left(at_least).is_zero();
        if !is_last {
            guarded.waits(wait);
            if patience.pass_within(first, at_least).await.is_err() {
                let Some(_) = lost else {
                    return Err(Unsettled::Failed(Failure::interrupted()));
                };
                is_last = true;
            }
        }
        let times = if is_last && lost.is_some() { LOOKS } else { 1 };
        for time in 0..times {
            if time > 0 {
                tokio::time::sleep(db::jittered(NO_ANSWER * 2_u32.pow(time))).await;
            }
            match guarded.look(&looks).await {
                Some(Found::Done) => {
                    patience.restart();
                    return Ok(None);
                }
                Some(Found::Moved) => return Err(Unsettled::Moved),
                Some(Found::Unchanged) | None => {}
            }
        }
        match (is_last, lost.take(), failure) {
            (false, before, _) => lost = before,
            (true, Some(lost), _) => return Err(Unsettled::Unknown(lost)),
            (true, None, failure) => {
                let failure = failure.unwrap_or_else(Failure::interrupted);
                return Err(Unsettled::Failed(failure));
            }
        }
    }
}

/// Transaction and step of each guard, from 0.
fn guards(transactions: &[Transaction]) -> Vec<(usize, usize)> {
    let each = transactions.iter().enumerate();
    each.flat_map(|(number, transaction)| {
        let steps = transaction.steps.iter().enumerate();
        let guards = steps.filter(|(_, step)| step.is_guard);
        guards.map(move |(step, _)| (number, step))
    })
    .collect()
}

/// Whether a guard refused. A lock or an interruption can stop a guard as any other step.
fn is_of(guards: &[(usize, usize)], failure: &Failure) -> bool {
    match failure {
        Failure::Step {
            committed,
            at: At::Step(step),
            error,
            ..
        } => error.is_about_the_statement() && guards.contains(&(*committed, *step)),
        _ => false,
    }
}
