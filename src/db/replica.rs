//! An embedded replica: a local file that follows a primary. Everything is asked of the primary and done there; the
//! file is only ever synced. The only file beside `remote` that knows of a server, and the only one that names the
//! `libsql` crate's replica.
//!
//! A replica is open for the time of one sync and no longer.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use libsql::SyncProtocol;

use super::remote::{Pulled, Remote};
use super::replica_files::{Protocol, ReplicaFacts, has_frames, replica_facts};
use super::{
    Answer, DbError, EngineError, Failure, OnProgress, Options, Synced, Transaction, local,
};

/// How long a sync may take that follows a write or is asked for. The crate's own client waits for ever.
const SYNC: Duration = Duration::from_secs(600);

/// How many frames of 4 KB tell one primary from another: one alone can be an empty page, and any change of ours writes
/// records with an id of its run.
const COMPARED: u64 = 32;

/// How often a primary is asked for frames that it says it has.
const TRIES: u32 = 5;

/// A replica and its primary.
#[derive(Clone)]
pub(super) struct Replica {
    pub(super) remote: Remote,
    file: local::File,
    base: String,
    token: String,
    /// The replication index of the last write by this handle and its clones, plus one; 0 before the first.
    written: Arc<AtomicU64>,
}

impl std::fmt::Debug for Replica {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replica")
            .field("file", &self.file)
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

impl Replica {
    pub(super) fn new(file: &Path, base: &str, token: Option<&str>) -> Result<Replica, DbError> {
        Ok(Replica {
            remote: Remote::new(base, token)?,
            file: local::File::new(file)?,
            base: base.to_owned(),
            token: token.unwrap_or_default().to_owned(),
            written: Arc::default(),
        })
    }

    pub(super) fn file(&self) -> local::File {
        self.file.clone().never_written()
    }

    pub(super) async fn run(
        &self,
        transactions: &[Transaction],
        on_progress: &OnProgress,
    ) -> Result<Vec<Answer>, Failure> {
        let done = self.remote.run(transactions, on_progress).await?;
        if let Some(index) = done.replication_index {
            self.written
                .fetch_max(index.saturating_add(1), Ordering::Relaxed);
        }
        Ok(done.answers)
    }

    pub(super) async fn sync(&self, options: &Options) -> Result<Synced, DbError> {
        let path = self.file.path();
        let before = replica_facts(path)?;
        self.same_primary(before).await?;
        let sync = Sync {
            name: self.file.name().into(),
            base: self.base.clone(),
            token: self.token.clone(),
            protocol: before.map(|facts| facts.protocol),
            until: self.written.load(Ordering::Relaxed).checked_sub(1),
        };
        let stop = options.stop.clone();
        let runtime = tokio::runtime::Handle::current();
        // The crate's calls block, and what it opened is closed where it was used.
        let work = tokio::task::spawn_blocking(move || {
            runtime.block_on(async {
                tokio::select! {
                    synced = sync.run() => synced.map_err(Trouble::Crate),
                    () = tokio::time::sleep(SYNC) => Err(Trouble::Late),
                    () = stop.raised() => Err(Trouble::Stopped),
                }
            })
        });
        match work.await.map_err(DbError::Thread)? {
            Ok(()) => {}
            Err(Trouble::Stopped) => return Err(DbError::Read(EngineError::interrupted())),
            Err(Trouble::Late) => {
                return Err(self.not_synced(format!(
                    "it took longer than {} minutes",
                    SYNC.as_secs() / 60
                )));
            }
            Err(Trouble::Crate(why)) => return Err(self.reason(why).await),
        }
        let after = replica_facts(path)?;
        let until = self.written.load(Ordering::Relaxed).checked_sub(1);
        let frame = after.and_then(|facts| facts.frame);
        let protocol = after.map(|facts| facts.protocol);
        if protocol == Some(Protocol::V1) && frame < until {
            let frame = frame.map_or("none".to_owned(), |frame| frame.to_string());
            let until = until.unwrap_or_default();
            return Err(self.not_synced(format!(
                "the primary says that frame {until} is written, and gave frames up to {frame}"
            )));
        }
        let log = |facts: Option<ReplicaFacts>| facts.and_then(|facts| facts.log);
        Ok(Synced {
            protocol,
            frame,
            moved: before.and_then(|facts| facts.frame) != frame,
            replaced: log(before).is_some_and(|log| log != 0) && log(before) != log(after),
        })
    }

    /// Protocol V1 knows its primary's log by an id and begins anew with another one. V2 knows a number only and would
    /// put another primary's frames behind those that it has: so the last of those are compared first.
    async fn same_primary(&self, facts: Option<ReplicaFacts>) -> Result<(), DbError> {
        let Some(ReplicaFacts {
            protocol: Protocol::V2,
            generation: Some(generation),
            frame: Some(frame @ 1..),
            ..
        }) = facts
        else {
            return Ok(());
        };
        let path = self.file.path();
        let first = frame.saturating_sub(COMPARED - 1).max(1);
        let same = match self.remote.frames(generation, first, frame).await? {
            Pulled::Frames(theirs) => has_frames(path, first, &theirs)?,
            Pulled::Beyond => false,
            Pulled::Untold => true,
        };
        if same {
            return Ok(());
        }
        Err(DbError::OtherPrimary {
            path: path.to_path_buf(),
        })
    }

    /// The crate's words seldom tell why: where the primary cannot be talked to at all, that is why.
    async fn reason(&self, why: String) -> DbError {
        match self.remote.objection("SELECT 1").await {
            Err(error) => error,
            Ok(_) => self.not_synced(why),
        }
    }

    fn not_synced(&self, why: String) -> DbError {
        DbError::NotSynced {
            path: self.file.path().to_path_buf(),
            why,
        }
    }
}

/// Why a sync ended early.
enum Trouble {
    Crate(String),
    Late,
    Stopped,
}

/// One sync.
struct Sync {
    name: PathBuf,
    base: String,
    token: String,
    /// That of the files; the crate asks the primary where there are none.
    protocol: Option<Protocol>,
    /// The frame to reach, by protocol V1.
    until: Option<u64>,
}

impl Sync {
    async fn run(self) -> Result<(), String> {
        let protocol = match self.protocol {
            Some(Protocol::V1) => SyncProtocol::V1,
            Some(Protocol::V2) => SyncProtocol::V2,
            None => SyncProtocol::Auto,
        };
        let words = |error: libsql::Error| error.to_string();
        let database = libsql::Builder::new_remote_replica(self.name, self.base, self.token)
            .sync_protocol(protocol)
            .build()
            .await
            .map_err(words)?;
        for _ in 0..TRIES {
            let synced = database.sync().await.map_err(words)?;
            // Protocol V2 tells no frame, and gives all that there is.
            let (Some(until), Some(frame)) = (self.until, synced.frame_no()) else {
                break;
            };
            if frame >= until {
                break;
            }
        }
        Ok(())
    }
}
