//! A libSQL server for tests: it speaks what sqld 0.24 speaks to a client, on a free port of this machine,
//! and goes wrong on request.
//!
//! Hrana 3 over HTTP (`/v3/pipeline`, `/v3/cursor`) on libSQL itself, with sqld's allow-list, messages, codes,
//! limits, write queue and token rules; a log of requests; faults. It never listens beyond this machine.
//!
//! ```no_run
//! use seedbed_test_server::{Fault, Options, Server};
//! # fn main() -> std::io::Result<()> {
//! let server = Server::start(Options::default())?;
//! server.fault(2, Fault::DropAfter);
//! // … a client talks to server.url() …
//! assert_eq!(server.requests().len(), 1);
//! # Ok(())
//! # }
//! ```
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod allow;
mod auth;
mod call;
mod compaction;
mod engine;
mod faults;
mod frames;
mod grpc;
mod hrana;
mod http;
mod kept;
mod log;
mod params;
mod proxy;
mod queue;
mod run;
mod server;
mod short;
mod v2;

pub use auth::Access;
pub use faults::{Executes, Fault, Rule, Short};
pub use log::Request;
pub use server::{Control, Server, listen, run};

use std::path::PathBuf;
use std::time::Duration;

/// How a server behaves. The default is sqld's.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whether requests need a token.
    pub auth: Auth,
    /// How replicas are served.
    pub replication: Replication,
    /// The folder of the database, which is kept; none for a temporary one.
    pub folder: Option<PathBuf>,
    /// The databases that it has, by the first label of the host that a request names, as sqld does with
    /// `--enable-namespaces`; none for one database, whatever the host.
    pub namespaces: Vec<String>,
    /// Age at which a transaction can be ended by another writer that waits: 5 s.
    pub write_window: Duration,
    /// Idle time after which a stream expires: 10 s.
    pub stream_expiry: Duration,
    /// Bytes of results in one answer of a pipeline: 10 MB.
    pub max_response_bytes: u64,
    /// Bytes of one value, row or text of SQL: 5 MB.
    pub max_value_bytes: usize,
    /// Connections that may be open at once: 128.
    pub max_streams: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            auth: Auth::Off,
            replication: Replication::V1,
            folder: None,
            namespaces: Vec::new(),
            write_window: Duration::from_secs(5),
            stream_expiry: Duration::from_secs(10),
            max_response_bytes: 10_000_000,
            max_value_bytes: 5_000_000,
            max_streams: 128,
        }
    }
}

/// Whether requests need a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Auth {
    /// Every client may do everything.
    Off,
    /// A token signed with the server's key, see [`Control::token`].
    Token,
}

/// How replicas are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Replication {
    /// gRPC-web, as sqld does it.
    V1,
    /// `/info`, `/export` and `/sync`, as Turso does it.
    V2,
}
