//! Import: a dump into a database, exactly, and so that a kill or a cut line costs no row.
//!
//! ```text
//! dump ──blocks──▶ translate ──▶ a new file, built beside and renamed            (new_file)
//!                            ──▶ one transaction, where it fits                  (whole)
//!                            ──▶ chunks, each with a checkpoint of its own       (chunks)
//! ```

mod ahead;
mod clash;
mod error;
mod new_file;
mod rows;
mod tally;
mod translate;

use std::sync::Arc;

pub use clash::Clash;
pub use error::{At, ImportError, Orphan, Stands, Why};
pub use tally::{Before, Table};
pub use translate::{LeftOut, Tables};

use crate::dump::Mark;
use crate::history::RunError;
use crate::script::{
    Atomicity, Entry, ForeignKeys, Key, Record, Revision, Script, Step, Unit,
};
use tally::Tally;

/// Whether rows without their parents are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Violations {
    /// They are.
    #[default]
    Refuse,
    /// They are told, and stay.
    Allow,
}

/// Whether an import looks at what it has written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verify {
    /// It counts the rows of each table.
    #[default]
    Counts,
    /// It does not.
    Nothing,
}

/// What somebody who waits may want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportEvent {
    /// The dump is read once before anything is written.
    Checked {
        /// Bytes of the dump that were read.
        bytes: u64,
    },
    /// Everything before this byte of the dump is written.
    Written {
        /// Bytes of the dump.
        bytes: u64,
        /// Rows.
        rows: u64,
    },
    /// An index is made, which can take long.
    Index(String),
    /// All is written; what remains is to check, to record, and to put it on the disk.
    Finishing,
    /// Somebody else holds the lock.
    Waiting,
    /// An answer was lost, or the server is away: the same is sent again.
    Again,
}

/// Where those go: called on the threads that work, so it must not block.
pub type OnImport = Arc<dyn Fn(ImportEvent) + Send + Sync>;

/// The script that records a finished import.
fn record(revision: Revision, name: &str, end: &Mark, tally: &Tally) -> Script {
    scripted(revision, name, end, tally, ForeignKeys::On, Vec::new())
}

/// A script that records a finished import, after these steps.
fn scripted(
    expects: Revision,
    name: &str,
    end: &Mark,
    tally: &Tally,
    foreign_keys: ForeignKeys,
    steps: Vec<Step>,
) -> Script {
    let checksum = hexadecimal(&end.sha256);
    let detail = [
        ("bytes", end.offset),
        ("rows", tally.rows()),
        ("tables", tally.tables.len() as u64),
    ];
    let detail = detail.map(|(key, value)| (key.to_owned(), value.into()));
    Script {
        expects,
        foreign_keys,
        atomicity: Atomicity::Transaction,
        units: vec![Unit {
            record: Record::Insert(Entry {
                key: Key::Import(checksum.clone()),
                name: name.to_owned(),
                checksum,
                effective: None,
                source: String::new(),
                down: None,
                detail: detail.into_iter().collect(),
            }),
            steps,
        }],
    }
}

/// Why a finished import was not recorded.
fn not_recorded(error: RunError) -> Why {
    match error {
        RunError::Moved => Why::Overtaken,
        RunError::Unknown(lost) => Why::Unknown(lost),
        RunError::Failed(failed) => match failed.failure {
            crate::db::Failure::Open(error) => Why::Db(error),
            crate::db::Failure::Lost(lost) => Why::Unknown(lost),
            crate::db::Failure::Step { error, .. } => Why::engine(error),
        },
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
