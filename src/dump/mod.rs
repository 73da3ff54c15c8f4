//! Dumps: the text that `sqlite3 old.db .dump` prints, and a database that holds the same.
//!
//! A dump is read as a stream of blocks, in constant memory. It is untrusted code: what is not part of a dump is
//! refused, and nothing of it is run as it stands but the `CREATE` statements.

pub mod backup;
mod backup_error;
pub mod backup_files;
pub mod block;
pub mod copy;
pub mod error;
pub mod export;
mod file;
pub mod import;
pub mod input;
pub(crate) mod integrity;
pub(crate) mod lacking;
pub mod location;
mod modules;
mod of_database;
mod other_file;
mod proof;
pub mod read;
pub mod restore;
pub mod source;
mod source_check;
pub mod verify;

pub use backup::{BackedUp, BackupError, BackupOptions, Unproven, backup};
pub use backup_error::Doubt;
pub use backup_files::{Condition, Kept, backups};
pub use block::{Block, Item, Mark, Object, OnConflict, Rows, Statement, Target, What};
pub use copy::{Copied, CopyError};
pub use error::{DumpError, NotADump, Place};
pub use export::{Contents, ExportError, ExportOptions, Exported, Records, export, export_file};
pub use input::Input;
#[cfg(feature = "report")]
pub(crate) use input::TEMPORARY;
pub use integrity::Integrity;
pub use location::Location;
pub use read::{Ended, Envelope, Reader, ReaderOptions};
pub use restore::{Checked, Marked, RestoreError, Restored};
pub use source::{Opened, Packing, Source};
pub use verify::{
    Differing, Fault, FaultyObject, Level, Side, Unshown, Verdict, Verified, VerifiedTable,
    VerifyError, verify,
};
