//! Setting a project up: the files that `cargo xtask` needs, written once and never written over.

use std::path::{Path, PathBuf};

/// Where the project gets Seedbed from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Dependency {
    /// The registry, at the version of the Seedbed that runs.
    #[default]
    Registry,
    /// A directory.
    Path(PathBuf),
}

/// How to set up.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InitOptions {
    /// Where Seedbed comes from.
    pub dependency: Dependency,
}

/// What happened to one file or directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrote {
    /// It was made.
    Written,
    /// It was there, and lines were added to it.
    Extended,
    /// It was there and is left as it is.
    Kept,
    /// It was there and needs a change that is its owner's to make; the words for them.
    TellUser(String),
}

/// A file cannot be read or written. Files that were written before stay: run it again.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// There is no directory to set up.
    #[error("there is no directory {}", path.display())]
    NoDirectory {
        /// Where.
        path: PathBuf,
    },
    /// Reading failed.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Writing failed.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Sets up the project in `root`, and says for each file, by its path below `root`, what was done.
///
/// # Errors
/// [`InitError`].
pub fn init(root: &Path, options: &InitOptions) -> Result<Vec<(PathBuf, Wrote)>, InitError> {
    let _ = (root, options);
    todo!()
}
