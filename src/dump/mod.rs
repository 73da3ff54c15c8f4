//! Dumps: the text that `sqlite3 old.db .dump` prints, and a database that holds the same.
//!
//! A dump is read as a stream of blocks, in constant memory. It is untrusted code: what is not part of a dump is
//! refused, and nothing of it is run as it stands but the `CREATE` statements.

pub mod block;
pub mod import;

pub use block::{Block, Item, Mark, Object, Rows, Statement, Target, What};

/// Stub.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// Stub.
    #[error("stub")]
    Stub,
}
