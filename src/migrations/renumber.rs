//! Giving a migration the next free version, before anybody has applied it.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::set::ReadError;

/// Which migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// The one with this version.
    Version(i64),
    /// The one in this file, by its name or path.
    File(String),
}

/// A file and its new name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    /// The file as it was called.
    pub from: PathBuf,
    /// As it is called now.
    pub to: PathBuf,
}

/// The migration keeps its version.
#[derive(Debug, thiserror::Error)]
pub enum RenumberError {
    /// There is no such migration.
    #[error("there is no {what} among the files")]
    NotFound {
        /// The version or file.
        what: String,
    },
    /// Several files have this version, or this name.
    #[error("{} files are {what}: {}", files.len(), files.join(", "))]
    Several {
        /// The version or name.
        what: String,
        /// The files.
        files: Vec<String>,
    },
    /// The file has no version.
    #[error("{file} has no version to change")]
    NoVersion {
        /// The file.
        file: String,
    },
    /// There is no higher version.
    #[error("there is no version above V{newest}")]
    NoHigher {
        /// The newest.
        newest: i64,
    },
    /// The directory cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A file cannot be renamed; those before it were given their old names again.
    #[error("cannot rename {} to {}", from.display(), to.display())]
    Rename {
        /// The file.
        from: PathBuf,
        /// Its new name.
        to: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Gives a migration and its down file the next free version, or the time where versions are times.
///
/// # Errors
/// [`RenumberError`]; every file has its old name then.
pub fn renumber(
    directory: &Path,
    which: &Which,
    now: SystemTime,
) -> Result<Vec<Rename>, RenumberError> {
    let _ = (directory, which, now);
    todo!()
}
