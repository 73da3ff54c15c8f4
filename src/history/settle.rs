//! What became of a script whose answer was lost.
//!
//! The request may still wait behind the server's write lock and be carried out later, so reading alone settles
//! nothing. The same script is sent again, with the same run id, until there is an answer: the revision lets one copy
//! win. If the guard refuses the copy, the history says whether it was ours that took the revision.

use std::time::{Duration, Instant};

use super::run::once;
use super::{OnUnit, Receipt, RunError, read};
use crate::db::{Db, Failure, Pause, RemoteError};
use crate::script::{Atomicity, Run, Script};

/// The shortest time for which it is tried: a request can wait behind the write lock for as long as a server lets one
/// transaction last.
const AT_LEAST: Duration = Duration::from_secs(10);

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
    while Instant::now() < until {
        pause.pass().await;
        match once(db, script, run, on_unit.clone()).await {
            Err(RunError::Moved) => match read::last_runs(db).await {
                Ok(runs) if runs.took(script.expects, &run.id) => {
                    return Ok(Receipt::without_durations(script));
                }
                Ok(_) => return Err(RunError::Moved),
                Err(_) => {}
            },
            Err(RunError::Unknown(lost)) => last = lost,
            Err(RunError::Failed(failed)) if is_unreachable(&failed.failure) => {}
            settled => return settled,
        }
    }
    Err(RunError::Unknown(last))
}

fn is_unreachable(failure: &Failure) -> bool {
    matches!(failure, Failure::Open(error) if error.may_pass())
}
