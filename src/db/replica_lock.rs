//! One sync of a replica at a time, among all processes of this machine: the engine's crate reads how far a replica has
//! come when it opens it, and two that put frames into one file do not know of each other.
//!
//! The lock is on a file beside the replica that is there for the time of a sync.

use std::path::Path;
use std::time::{Duration, Instant};

use super::file_lock::FileLock;
use super::{DbError, EngineError, Options};

/// What follows the name of the replica.
pub(super) const ENDING: &str = "-sync-lock";

/// How often a waiting process tries again.
const TRY_AGAIN: Duration = Duration::from_millis(50);

/// Held for the time of a sync.
pub(super) struct SyncLock {
    _lock: FileLock,
}

impl SyncLock {
    /// # Errors
    /// [`DbError::SyncLocked`] where another process holds it for longer than the lock timeout, [`DbError::File`] where
    /// nothing can be written beside the replica.
    pub(super) async fn take(replica: &Path, options: &Options) -> Result<SyncLock, DbError> {
        let begun = Instant::now();
        loop {
            if let Some(lock) = SyncLock::try_take(replica)? {
                return Ok(lock);
            }
            if begun.elapsed() >= options.lock_timeout {
                return Err(DbError::SyncLocked {
                    path: replica.to_path_buf(),
                    waited: options.lock_timeout,
                });
            }
            tokio::select! {
                () = tokio::time::sleep(TRY_AGAIN) => {}
                () = options.stop.raised() => return Err(DbError::Read(EngineError::interrupted())),
            }
        }
    }

    /// None where another process holds it.
    ///
    /// # Errors
    /// [`DbError::File`] where nothing can be written beside the replica.
    pub(super) fn try_take(replica: &Path) -> Result<Option<SyncLock>, DbError> {
        Ok(FileLock::try_take(replica, ENDING)?.map(|_lock| SyncLock { _lock }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::side_files::beside;
    use super::*;

    #[test]
    fn one_holds_the_lock_and_nothing_is_left_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let replica = folder.path().join("r.db");
        let lock = SyncLock::try_take(&replica).unwrap().unwrap();
        assert!(SyncLock::try_take(&replica).unwrap().is_none());
        drop(lock);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        // A file that was left behind is no lock.
        std::fs::write(beside(&replica, ENDING), "").unwrap();
        assert!(SyncLock::try_take(&replica).unwrap().is_some());
    }

    #[test]
    fn many_threads_hold_it_one_after_the_other() {
        use std::sync::atomic::{AtomicU32, Ordering};
        let folder = tempfile::tempdir().unwrap();
        let replica = folder.path().join("r.db");
        let holders = AtomicU32::new(0);
        let hold = || {
            for _ in 0..200 {
                let Some(lock) = SyncLock::try_take(&replica).unwrap() else {
                    std::thread::yield_now();
                    continue;
                };
                assert_eq!(holders.fetch_add(1, Ordering::SeqCst), 0);
                std::thread::yield_now();
                holders.fetch_sub(1, Ordering::SeqCst);
                drop(lock);
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(hold);
            }
        });
    }
}
