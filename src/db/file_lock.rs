//! A lock among all processes of this machine on a name in a folder: the system's, on an empty file beside what it is
//! about, that is there for the time that it is held. A process that dies with the lock leaves the file behind, and not
//! the lock.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use super::DbError;
use super::side_files::beside;

/// Held while it lives.
#[derive(Debug)]
pub(crate) struct FileLock {
    path: PathBuf,
    file: Option<File>,
}

impl FileLock {
    /// Takes the lock that is called as `of` with `ending` behind it. None where another process holds it.
    ///
    /// # Errors
    /// [`DbError::File`] where nothing can be written in that folder.
    pub(crate) fn try_take(of: &Path, ending: &str) -> Result<Option<FileLock>, DbError> {
        let path = beside(of, ending);
        // What is wrong is the folder, and not this file, which users do not know.
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let failed = |source| DbError::File {
            path: folder.to_path_buf(),
            cause: source,
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
        let is_foreign = |file: &File| file.metadata().is_ok_and(|file| file.len() > 0);
        if is_foreign(&file) {
            // A lock is empty, and goes when it is released.
            let source = std::io::ErrorKind::AlreadyExists.into();
            return Err(DbError::File {
                path,
                cause: source,
            });
        }
        if is_removed(&file).map_err(failed)? {
            return Ok(None);
        }
        Ok(Some(FileLock {
            path,
            file: Some(file),
        }))
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // A file that cannot be removed does no harm.
        remove(&self.path, &mut self.file);
    }
}

/// On Unix the holder of the lock removes the file, and a process that had opened it sees that it has no name.
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

/// On Windows a file that is open without sharing its removal cannot be removed, so no process holds one that has
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

/// Another process is just removing it.
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
