//! Sends transactions that begin with a guard until it is known what became of them. The only place that deals with
//! locks, busy servers, servers that cannot be reached, and lost answers; it does not know what the transactions are for.
//!
//! A request whose answer was lost may still be under way: it may wait behind the server's write lock, or run behind a
//! gateway that gave up. So reading that it did not happen settles nothing, and sending it again has a price: a server
//! ends the transaction under way for one that waits, so a second copy would end the first. Whether a copy still runs
//! cannot be asked without taking the write lock, which does the same. What is known is how long the answer was awaited
//! before it was lost. For [`ALONE`] times as long the database is read: a connection that broke at once is settled at
//! once, and a statement that outlasts a gateway is left to its end. Only then the same is sent again: the guard lets one
//! copy win, and what the guard compares tells which run that was.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use super::patience::{Interrupted, Patience, Pause};
use crate::db::{
    Answer, At, Code, Db, DbError, EngineError, Failure, Fate, Left, OnProgress, Ready,
    RemoteError, Transaction, Waits,
};

/// The shortest time for which a lost answer is looked for: a request can wait behind the write lock for as long as a
/// server lets one transaction last.
const AT_LEAST: Duration = Duration::from_secs(10);

/// How many times as long as its answer was awaited a copy is left alone.
const ALONE: u32 = 10;

/// How long the lock is left to others once a server ended a transaction, or refused to begin one, because others wait:
/// what waits for it makes a server end the transaction that has it, and one may last this long then.
const LOCKED: Duration = Duration::from_secs(5);

/// The pauses between two looks for a lost answer, or before the next try to reach a server.
const NO_ANSWER: Pause = Pause {
    first: Duration::from_millis(50),
    longest: Duration::from_secs(1),
};

/// How often the database is looked at where nothing is sent again and nothing is known to be under way.
const LOOKS: u32 = 4;

/// Parts that happen one after the other, each a transaction with a guard.
pub(crate) trait Guarded {
    /// How many there are. What must not be repeated is one, whatever its transactions.
    fn parts(&self) -> usize {
        1
    }
    /// The transactions behind the first `done` parts, and where their progress goes.
    fn transactions(&mut self, done: usize) -> (Ready, OnProgress);
    /// What the database shows of the parts behind the first `done`; none where it cannot be read.
    async fn look(&self, db: &Db, done: usize) -> Option<Found>;
    /// Something is waited for.
    fn waits(&self, wait: Wait);
    /// Whether they may be sent again where their answer was lost. What runs outside of a transaction must not be.
    fn may_be_repeated(&self) -> bool {
        true
    }
}

/// What a look at the database shows of guarded parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    /// So many happened, from the first.
    pub(crate) happened: usize,
    /// Another run took the place of the next one, so that it cannot happen any more.
    pub(crate) moved: bool,
}

impl Found {
    /// The only part happened.
    pub(crate) const DONE: Found = Found {
        happened: 1,
        moved: false,
    };
    /// Another run was faster.
    pub(crate) const MOVED: Found = Found {
        happened: 0,
        moved: true,
    };
    /// What the guard compares is as it was: a copy that is under way may still be carried out.
    pub(crate) const UNCHANGED: Found = Found {
        happened: 0,
        moved: false,
    };
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// The lock of another connection.
    Lock,
    /// An answer.
    Answer,
}

/// What became of guarded parts.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    /// So many happened, from the first.
    pub(crate) happened: usize,
    /// The answers to the last copy, of which the first `behind` parts were left out; missing where they were lost.
    pub(crate) answers: Vec<Answer>,
    pub(crate) behind: usize,
    /// Why the next part did not happen.
    pub(crate) stopped: Option<Unsettled>,
}

/// A part did not happen, or it is not known whether it did.
#[derive(Debug)]
pub(crate) enum Unsettled {
    /// Its guard refused it: another run was faster.
    Moved,
    /// The network failed, and whether it and those behind it happened could not be learnt in time.
    Unknown(RemoteError),
    /// It failed; [`Failure::is_locked_out`] where the wait for the lock timed out.
    Failed(Failure),
}

/// Sends transactions until it is known what became of them.
pub(crate) async fn settle(
    db: &Db,
    patience: &mut Patience,
    guarded: &mut impl Guarded,
) -> Settled {
    let settling = Settling {
        db,
        until_given_up: db.until_given_up(),
        patience,
        guarded,
        done: 0,
        send_at: Some(Instant::now()),
        lost: None,
        awaited: None,
        last: None,
        looks_left: u32::MAX,
    };
    match settling.run().await {
        ControlFlow::Break(settled) => settled,
        ControlFlow::Continue(never) => match never {},
    }
}

struct Settling<'a, G> {
    db: &'a Db,
    /// Once an answer was lost, the first signal to stop waits for the outcome.
    until_given_up: Db,
    patience: &'a mut Patience,
    guarded: &'a mut G,
    done: usize,
    /// When the next copy is sent; none where no copy is.
    send_at: Option<Instant>,
    /// An answer was lost, and a copy may still be under way.
    lost: Option<RemoteError>,
    awaited: Option<Waits>,
    /// Why the last copy failed that was not lost.
    last: Option<Failure>,
    looks_left: u32,
}

impl<G: Guarded> Settling<'_, G> {
    async fn run(mut self) -> ControlFlow<Settled, Infallible> {
        loop {
            let wait = match self.send_at {
                Some(at) if at <= Instant::now() => Some(self.send().await?),
                _ => None,
            };
            let is_last = self.is_last();
            if let Some(wait) = wait.filter(|_| !is_last) {
                self.guarded.waits(wait);
            }
            if self.lost.is_none() && !is_last {
                self.pause().await?;
            }
            self.looks_left -= 1;
            self.look().await?;
            if is_last {
                let unsettled = match (self.lost.take(), self.last.take()) {
                    (Some(lost), _) => Unsettled::Unknown(lost),
                    (None, last) => Unsettled::Failed(last.unwrap_or_else(Failure::interrupted)),
                };
                return self.stop(unsettled);
            }
            if self.lost.is_some() {
                let pause = self.patience.next(NO_ANSWER);
                let pause = pause.min(self.patience.left(AT_LEAST));
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = self.until_given_up.stop().raised() => self.send_at = None,
                }
            }
        }
    }

    /// Sends what is left, and tells what has to be waited for.
    async fn send(&mut self) -> ControlFlow<Settled, Wait> {
        let sent = Instant::now();
        let (ready, on_progress) = self.guarded.transactions(self.done);
        let guards = guards(&ready.transactions);
        let mut failure = match self.db.run_ready(ready, on_progress).await {
            Ok(answers) => {
                self.patience.restart();
                return ControlFlow::Break(Settled {
                    happened: self.guarded.parts(),
                    answers,
                    behind: self.done,
                    stopped: None,
                });
            }
            Err(failure) => failure,
        };
        let is_refused = is_of(&guards, &failure);
        if let Failure::Step { committed, .. } = &mut failure
            && *committed > 0
            && self.guarded.may_be_repeated()
        {
            // The guards of an earlier copy find these parts taken, so that one is over.
            self.lost = None;
            self.done += std::mem::take(committed);
            self.patience.restart();
        }
        match failure {
            _ if is_refused && self.lost.is_none() => return self.stop(Unsettled::Moved),
            // A look tells whose copy it was that was faster.
            _ if is_refused => self.send_at = None,
            failure if failure.is_locked_out() => {
                if self.lost.is_some() {
                    self.send_at = Some(Instant::now() + LOCKED);
                }
                self.last = Some(failure);
                return ControlFlow::Continue(Wait::Lock);
            }
            Failure::Lost(error) if !self.guarded.may_be_repeated() => {
                return self.stop(Unsettled::Unknown(error));
            }
            Failure::Lost(error) => self.lose(error, sent.elapsed()),
            Failure::Open(error) if error.may_pass() => self.last = Some(Failure::Open(error)),
            // This copy was refused, and the one before may be under way.
            Failure::Open(_) if self.lost.is_some() => self.send_at = None,
            // What refused it may not be what carried it out.
            Failure::Open(error @ DbError::Remote(_)) => {
                self.send_at = None;
                self.looks_left = 1;
                self.last = Some(Failure::Open(error));
            }
            failure => return self.stop(Unsettled::Failed(failure)),
        }
        ControlFlow::Continue(Wait::Answer)
    }

    /// The answer to a copy was lost after it was awaited for so long.
    fn lose(&mut self, error: RemoteError, awaited: Duration) {
        if self.lost.is_none() && !error.is_over() {
            // What was sent may have taken longer than the lock timeout.
            self.patience.restart();
            self.awaited = Some(self.db.stop().waits_for_an_answer());
        }
        self.send_at = match error.fate() {
            Fate::Unrepeatable => None,
            _ => Some(Instant::now() + awaited.saturating_mul(ALONE)),
        };
        if self.send_at.is_none() && !error.is_over() {
            self.looks_left = LOOKS;
        }
        self.lost = Some(error);
    }

    /// Looks at what the database shows.
    async fn look(&mut self) -> ControlFlow<Settled> {
        let look = self.guarded.look(&self.until_given_up, self.done);
        let Some(found) = look.await else {
            return ControlFlow::Continue(());
        };
        if found.happened > 0 {
            self.patience.restart();
            self.done += found.happened;
        }
        if self.done == self.guarded.parts() {
            return ControlFlow::Break(Settled {
                happened: self.done,
                ..Settled::default()
            });
        }
        if found.moved {
            return self.stop(Unsettled::Moved);
        }
        // What is over, and did not happen, will not happen.
        if let Some(error) = self.lost.take_if(|lost| lost.is_over()) {
            let failure = ended(error);
            if !failure.is_locked_out() || self.patience.is_over() {
                return self.stop(Unsettled::Failed(failure));
            }
            self.guarded.waits(Wait::Lock);
            self.last = Some(failure);
            self.send_at = Some(Instant::now());
            self.pause().await?;
        }
        ControlFlow::Continue(())
    }

    /// Waits before the next copy, where none is under way.
    async fn pause(&mut self) -> ControlFlow<Settled> {
        let pause = match &self.last {
            Some(failure) if failure.is_locked_out() => LOCKED.into(),
            _ => NO_ANSWER,
        };
        match self.patience.pass(pause).await {
            Ok(()) => ControlFlow::Continue(()),
            Err(Interrupted) => self.stop(Unsettled::Failed(Failure::interrupted())),
        }
    }

    /// Whether the next look is the last.
    fn is_last(&self) -> bool {
        let at_least = match self.lost {
            Some(_) if self.until_given_up.stop().is_raised() => return true,
            Some(_) => AT_LEAST,
            None => Duration::ZERO,
        };
        self.looks_left <= 1 || self.patience.left(at_least).is_zero()
    }

    fn stop<T>(&self, stopped: Unsettled) -> ControlFlow<Settled, T> {
        ControlFlow::Break(Settled {
            happened: self.done,
            stopped: Some(stopped),
            ..Settled::default()
        })
    }
}

/// Transaction and step of each guard, from 0.
fn guards(transactions: &[Transaction]) -> Vec<(usize, usize)> {
    let each = transactions.iter().enumerate();
    each.flat_map(|(number, transaction)| {
        let steps = transaction.steps.iter().enumerate();
        let guards = steps.filter(|(_, step)| step.is_guard());
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

/// A request that the server ended, of which a part did not happen.
fn ended(error: RemoteError) -> Failure {
    match error {
        RemoteError::Ended {
            code: Code::Busy,
            words,
            ..
        } => Failure::Step {
            committed: 0,
            at: At::Begin,
            error: EngineError::new(Code::Busy, words),
            explanation: Vec::new(),
            left: Left::Nothing,
        },
        error => Failure::Open(DbError::Remote(error)),
    }
}
