//! One sync of a replica at a time, among all processes of this machine: the engine's crate reads how far a replica has
//! come when it opens it, and two that put frames into one file do not know of each other.
//!
//! The lock is the system's, on an empty file beside the replica that is there for the time of a sync. Whoever dies
//! holding it leaves the file behind, and not the lock.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::replica_files::beside;
use super::{DbError, EngineError, Options};

/// What follows the name of the replica.
pub(super) const ENDING: &str = "-sync-lock";

/// How often somebody who waits tries again.
const TRY_AGAIN: Duration = Duration::from_millis(50);

/// Held for the time of a sync.
pub(super) struct SyncLock {
    path: PathBuf,
    file: Option<File>,
}

impl SyncLock {
    /// # Errors
    /// [`DbError::SyncLocked`] where somebody else holds it for longer than the lock timeout, [`DbError::File`] where
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

    /// None where somebody else holds it.
    ///
    /// # Errors
    /// [`DbError::File`] where nothing can be written beside the replica.
    pub(super) fn try_take(replica: &Path) -> Result<Option<SyncLock>, DbError> {
        let path = beside(replica, ENDING);
        // What is wrong is the folder, and not this file that nobody has heard of.
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let failed = |source| DbError::File {
            path: folder.to_path_buf(),
            source,
        };
        let file = match open(&path) {
            Err(error) if is_in_use(&error) => return Ok(None),
            file => file.map_err(failed)?,
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        if is_removed(&file).map_err(failed)? {
            return Ok(None);
        }
        Ok(Some(SyncLock {
            path,
            file: Some(file),
        }))
    }
}

impl Drop for SyncLock {
    fn drop(&mut self) {
        // That the file stays where it cannot be removed hinders nobody.
        remove(&self.path, &mut self.file);
    }
}

/// On Unix the file is removed by whoever holds it, and whoever had opened it by then sees that it has no name.
#[cfg(not(windows))]
fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(false)
        .open(path)
}

#[cfg(not(windows))]
fn is_in_use(_error: &std::io::Error) -> bool {
    false
}

#[cfg(unix)]
fn is_removed(file: &File) -> std::io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    Ok(file.metadata()?.nlink() == 0)
}

#[cfg(unix)]
fn remove(path: &Path, file: &mut Option<File>) {
    let _ = std::fs::remove_file(path);
    *file = None;
}

/// On Windows a file that somebody has open without sharing its removal cannot be removed, so nobody holds one that has
/// no name.
#[cfg(windows)]
fn open(path: &Path) -> std::io::Result<File> {
    use std::os::windows::fs::OpenOptionsExt;
    const READ_AND_WRITE: u32 = 1 | 2;
    OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(false)
        .share_mode(READ_AND_WRITE)
        .open(path)
}

/// Somebody else is just removing it.
#[cfg(windows)]
fn is_in_use(error: &std::io::Error) -> bool {
    const SHARING_VIOLATION: i32 = 32;
    const DELETE_PENDING: i32 = 303;
    matches!(
        error.raw_os_error(),
        Some(SHARING_VIOLATION | DELETE_PENDING)
    )
}

#[cfg(not(unix))]
fn is_removed(_file: &File) -> std::io::Result<bool> {
    Ok(false)
}

#[cfg(not(unix))]
fn remove(path: &Path, file: &mut Option<File>) {
    *file = None;
    let _ = std::fs::remove_file(path);
}

#[cfg(test)]
mod tests {
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
