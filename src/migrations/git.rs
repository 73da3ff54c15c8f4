//! The migrations as a commit has them: the only file that runs `git`.

use std::path::{Path, PathBuf};

use super::against::Base;

/// The migrations of a commit cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// The program is not there.
    #[error("cannot run git")]
    NoGit(#[source] std::io::Error),
    /// The directory is in no repository.
    #[error("{} is in no git repository", path.display())]
    NoRepository {
        /// The directory.
        path: PathBuf,
    },
    /// There is no such commit.
    #[error("git knows no commit {reference}")]
    UnknownRef {
        /// What was asked for.
        reference: String,
    },
    /// It failed in another way.
    #[error("`git {command}` failed: {words}")]
    Failed {
        /// The arguments.
        command: String,
        /// What it said.
        words: String,
    },
}

/// Reads the migrations that `directory` holds at `reference` (a branch, a tag, a commit), and those it held where the
/// commit that is checked out left it. A directory that was not there yet held none.
///
/// # Errors
/// [`GitError`].
pub fn read_base(directory: &Path, reference: &str) -> Result<Base, GitError> {
    let _ = (directory, reference);
    todo!()
}
