//! Taking a local database away: its file, and what the engine keeps beside it.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::DbError;

/// What follows the name of a database, in the order in which they go: without its file, the others mean nothing.
/// <https://sqlite.org/tempfiles.html>
const ENDINGS: [&str; 4] = ["", "-journal", "-wal", "-shm"];

/// Removes the file of a local database and its side files, and says which there were. Where there is none, nothing is
/// done.
///
/// # Errors
/// [`DbError::File`] where one cannot be removed; those before it are gone.
pub fn remove_local(path: &Path) -> Result<Vec<PathBuf>, DbError> {
    let mut removed = Vec::new();
    for ending in ENDINGS {
        let mut file = OsString::from(path);
        file.push(ending);
        let file = PathBuf::from(file);
        match std::fs::remove_file(&file) {
            Ok(()) => removed.push(file),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(source) => return Err(DbError::File { path: file, source }),
        }
    }
    Ok(removed)
}
