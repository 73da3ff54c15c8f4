//! What became of scripts whose answer was lost.
//!
//! The request may still be under way: it may wait behind the server's write lock, or run behind a gateway that gave up.
//! So reading that a script did not happen settles nothing, and sending it again has a price: a server ends the
//! transaction under way for one that waits, so a second copy would end the first. Whether a copy still runs cannot be
//! asked without taking the write lock, which does the same. What is known is how long the answer was awaited before it
//! was lost. For [`PATIENCE`] times as long the history is read: a connection that broke at once is settled at once, and
//! a statement that outlasts a gateway is left to its end. Only then the same script is sent again, with the same run id:
//! the revision lets one copy win, and the history tells which run took the revision.
//!
//! What must not be sent again is settled by reading alone, where the history tells.

use std::time::{Duration, Instant};

use super::error::{Failed, Part};
use super::run::{Chain, once};
use super::{OnUnit, Receipt, RunError, read};
use crate::db::{At, Code, Db, DbError, EngineError, Failure, Fate, Left, RemoteError, jittered};
use crate::script::{Atomicity, Run, Script};

/// The shortest time for which it is tried: a request can wait behind the write lock for as long as a server lets one
/// transaction last.
const AT_LEAST: Duration = Duration::from_secs(10);

/// How many times as long as its answer was awaited a copy is left alone.
const PATIENCE: u32 = 10;

/// The first pause between two looks, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// How long the lock is left to others, once a copy found it taken: what waits for it makes a server end the transaction
/// that has it.
const TAKEN: Duration = Duration::from_secs(5);

/// How often the history is read where the script must not be sent again.
const READS: u32 = 4;

/// An answer that did not come.
pub(super) struct Lost {
    pub(super) error: RemoteError,
    /// How long it was awaited.
    pub(super) after: Duration,
}

/// What the history tells of scripts that were sent.
struct Told {
    /// So many happened, from the first.
    happened: usize,
    /// Another run took the revision of the next one, so it cannot happen any more.
    moved: bool,
}

/// None where the history cannot be read.
async fn look(db: &Db, scripts: &[Script], run: &Run) -> Option<Told> {
    let runs = read::last_runs(db).await.ok()?;
    let took = |script: &&Script| runs.took(script.expects, &run.id);
    let happened = scripts.iter().take_while(took).count();
    let next = scripts.get(happened);
    Some(Told {
        happened,
        moved: next.is_some_and(|next| runs.is_past(next.expects)),
    })
}

/// Finds out which of the scripts happened, and sends those again that did not.
pub(super) async fn settle(
    db: &Db,
    scripts: &[Script],
    run: &Run,
    on_unit: &[OnUnit],
    lost: Lost,
) -> Chain {
    if scripts.iter().any(|it| it.atomicity == Atomicity::Bare) {
        // Its statements are not undone where they fail, so they are never sent twice.
        return Chain::stopped(Vec::new(), RunError::Unknown(lost.error));
    }
    let _waits = db.stop().waits_for_an_answer();
    let db = &db.until_given_up();
    let until = Instant::now() + db.lock_timeout().max(AT_LEAST);
    let mut receipts: Vec<Receipt> = Vec::new();
    let mut last = lost.error;
    let mut send_at = Instant::now() + lost.after.saturating_mul(PATIENCE).max(PAUSES.0);
    let mut pause = PAUSES.0;
    let mut reads = 0;
    loop {
        let rest = &scripts[receipts.len()..];
        reads += 1;
        if let Some(told) = look(db, rest, run).await {
            let happened = rest[..told.happened].iter();
            receipts.extend(happened.map(Receipt::without_durations));
            if receipts.len() == scripts.len() {
                return Chain {
                    receipts,
                    stopped: None,
                };
            }
            if told.moved {
                return Chain::stopped(receipts, RunError::Moved);
            }
            if last.is_over() {
                let failed = RunError::Failed(Box::new(ended(last)));
                return Chain::stopped(receipts, failed);
            }
        }
        let is_late = match last.fate() {
            Fate::Unrepeatable if !last.is_over() => reads >= READS,
            _ => Instant::now() >= until,
        };
        if is_late || db.stop().is_raised() {
            return Chain::stopped(receipts, RunError::Unknown(last));
        }
        let may_send = !last.is_over() && last.fate() != Fate::Unrepeatable;
        if may_send && Instant::now() >= send_at {
            let done = receipts.len();
            let sent = Instant::now();
            let chain = once(db, &scripts[done..], run, &on_unit[done..]).await;
            receipts.extend(chain.receipts);
            match chain.stopped {
                // The history says which run took the revision.
                Some(RunError::Moved) => {}
                Some(RunError::Unknown(error)) => {
                    last = error;
                    send_at = Instant::now() + sent.elapsed().saturating_mul(PATIENCE);
                }
                Some(RunError::Failed(failed)) => match &failed.failure {
                    Failure::Step { error, .. } if error.code == Code::Busy => {
                        send_at = Instant::now() + TAKEN;
                    }
                    Failure::Open(error) if error.may_pass() => {}
                    // This copy was refused, and the one before may be under way.
                    Failure::Open(_) => send_at = until,
                    _ => return Chain::stopped(receipts, RunError::Failed(failed)),
                },
                None => {
                    return Chain {
                        receipts,
                        stopped: None,
                    };
                }
            }
        }
        let left = until.saturating_duration_since(Instant::now());
        tokio::select! {
            () = tokio::time::sleep(jittered(pause).min(left)) => {}
            () = db.stop().raised() => {}
        }
        pause = (pause * 2).min(PAUSES.1);
    }
}

/// Whether scripts happened that were refused: read once, since nothing is to be expected.
pub(super) async fn refused(db: &Db, scripts: &[Script], run: &Run, failed: Failed) -> Chain {
    let db = &db.until_given_up();
    let happened = look(db, scripts, run).await.map_or(0, |told| told.happened);
    let receipts: Vec<Receipt> = scripts[..happened]
        .iter()
        .map(Receipt::without_durations)
        .collect();
    let stopped = (happened < scripts.len()).then(|| RunError::Failed(Box::new(failed)));
    Chain { receipts, stopped }
}

/// A request that the server ended, of whose scripts one did not happen.
fn ended(error: RemoteError) -> Failed {
    let failure = match error {
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
    };
    Failed {
        unit: None,
        part: Part::Begin,
        failure,
    }
}
