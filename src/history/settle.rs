//! What became of a script whose answer was lost.
//!
//! The request may still wait behind the server's write lock and be carried out later, so reading alone settles
//! nothing. The same script is sent again, with the same run id, until there is an answer: the revision lets one copy
//! win. If the guard refuses the copy, or no copy is answered, the history says whether it was ours that took the
//! revision. What must not be sent again is settled by reading alone, where the history tells.

use std::time::{Duration, Instant};

use super::run::once;
use super::{OnUnit, Receipt, RunError, read};
use crate::db::{Db, Failure, Fate, Pause, RemoteError};
use crate::script::{Atomicity, Run, Script};

/// The shortest time for which it is tried: a request can wait behind the write lock for as long as a server lets one
/// transaction last.
const AT_LEAST: Duration = Duration::from_secs(10);

/// How often the history is read where the script must not be sent again.
const READS: u32 = 4;

/// Sends the script again until it is known whether it happened.
pub(super) async fn settle(
    db: &Db,
    script: &Script,
    run: &Run,
    on_unit: OnUnit,
    lost: RemoteError,
) -> Result<Receipt, RunError> {
    if script.atomicity == Atomicity::Bare {
        // Its statements are not undone where they fail, so they are never sent twice.
        return Err(RunError::Unknown(lost));
    }
    let until = Instant::now() + db.lock_timeout().max(AT_LEAST);
    let mut pause = Pause::new(Duration::from_millis(50));
    let mut last = lost;
    while Instant::now() < until && last.fate() != Fate::Unrepeatable {
        let left = until.saturating_duration_since(Instant::now());
        let _ = tokio::time::timeout(left, pause.pass()).await;
        match once(db, script, run, on_unit.clone()).await {
            // The history says which run took the revision.
            Err(RunError::Moved) => {}
            Err(RunError::Unknown(lost)) => last = lost,
            Err(RunError::Failed(failed)) if is_unreachable(&failed.failure) => continue,
            settled => return settled,
        }
        if let Some(settled) = by_reading(db, script, run).await {
            return settled;
        }
    }
    let mut pause = Pause::new(Duration::from_millis(50));
    for _ in 0..READS {
        if let Some(settled) = by_reading(db, script, run).await {
            return settled;
        }
        pause.pass().await;
    }
    Err(RunError::Unknown(last))
}

/// Whether the script happened, or cannot happen any more because another one took its revision; none where the history
/// is still at that revision, because the request may be carried out yet, or cannot be read.
async fn by_reading(db: &Db, script: &Script, run: &Run) -> Option<Result<Receipt, RunError>> {
    match read::last_runs(db).await {
        Ok(runs) if runs.took(script.expects, &run.id) => {
            Some(Ok(Receipt::without_durations(script)))
        }
        Ok(runs) if !runs.is_at(script.expects) => Some(Err(RunError::Moved)),
        _ => None,
    }
}

fn is_unreachable(failure: &Failure) -> bool {
    matches!(failure, Failure::Open(error) if error.may_pass())
}
