//! New migration files.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::set::ReadError;

/// How a new migration gets its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Numbering {
    /// As the newest file has it: one more, or the time if that one's is a time.
    #[default]
    AsNewest,
    /// The UTC time, `YYYYMMDDHHMMSS`.
    Timestamp,
}

/// Which files to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Files {
    /// The migration.
    #[default]
    Up,
    /// The migration and its down file.
    UpAndDown,
}

/// What to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOptions {
    /// What the migration does, in words: `add users`.
    pub name: String,
    /// Its version.
    pub numbering: Numbering,
    /// Its files.
    pub files: Files,
}

/// No file was written.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The name has no letter and no digit.
    #[error("the name {name:?} holds no letter and no digit")]
    NoWords {
        /// The name.
        name: String,
    },
    /// The directory cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A file or the directory cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// There is no higher version.
    #[error("there is no version above V{newest}")]
    NoVersion {
        /// The newest.
        newest: i64,
    },
}

/// Writes the files of a new migration and returns their paths. The directory is made if it is missing; a file that
/// is there is never written over.
///
/// # Errors
/// [`CreateError`]; no file was written.
pub fn create(
    directory: &Path,
    options: &NewOptions,
    now: SystemTime,
) -> Result<Vec<PathBuf>, CreateError> {
    let _ = (directory, options, now);
    todo!()
}
