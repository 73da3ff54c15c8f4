//! Why a backup does not count, or was not taken.

use std::io;
use std::path::PathBuf;

use super::DumpError;
use super::export::{ExportError, Exported};
use super::import::ImportError;
use super::integrity::Integrity;
use super::verify::Verified;
use crate::db::EngineError;

/// A backup that does not count.
#[derive(Debug)]
#[non_exhaustive]
pub struct Unproven {
    /// The file.
    pub file: PathBuf,
    /// sha256 of it, lower-case hexadecimal.
    pub sha256: String,
    /// Its length, packed as it is.
    pub bytes: u64,
    /// What is in it.
    pub exported: Exported,
    /// What speaks against it: at least one.
    pub doubts: Vec<Doubt>,
}

/// Why there is no new backup that counts. Old ones are as they were.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The database cannot be written as a dump.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// A file or folder of the backups cannot be made.
    #[error("cannot write {}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// What was written cannot be read back.
    #[error("the backup cannot be read back, and was removed")]
    Unreadable(#[source] Box<DumpError>),
    /// No database can be built beside it, whatever is in it.
    #[error("no database can be built from the backup to prove it, and it was removed")]
    NotProven(#[source] Box<ImportError>),
    /// It is written, and is not known to restore.
    #[error("{} is not known to restore", .0.file.display())]
    Unproven(Box<Unproven>),
    /// The thread that read it back is gone.
    #[error("the thread that read the backup back ended early")]
    Thread(#[source] tokio::task::JoinError),
}

/// Why a backup is not known to restore.
#[derive(Debug)]
#[non_exhaustive]
pub enum Doubt {
    /// The engine refuses to create this object.
    Object {
        /// `table`, `index`, …
        kind: &'static str,
        /// Its name.
        name: String,
        /// The line of the dump that creates it, from 1; none where that is the dump of a database.
        line: Option<u64>,
        /// The engine's words.
        error: EngineError,
    },
    /// No database can be built from it.
    NotRebuilt(Box<ImportError>),
    /// The database that was built from it is another one.
    Differs(Box<Verified>),
    /// The engine's own check of the source has found these.
    Damaged(Vec<String>),
    /// The engine cannot check the source.
    Unchecked(EngineError),
}

impl Doubt {
    /// What the check of the source says against a backup.
    pub(super) fn of(integrity: Integrity) -> Option<Doubt> {
        match integrity {
            Integrity::Sound | Integrity::NotAsked => None,
            Integrity::Damaged(faults) => Some(Doubt::Damaged(faults)),
            Integrity::Unchecked(error) => Some(Doubt::Unchecked(error)),
        }
    }
}
