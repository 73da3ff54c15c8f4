//! One sync of a replica: frames come from its primary and go into its file. The frames that the log of a primary still
//! has are asked for here, so that the greeting of a command is the only one; a first sync, a snapshot, an application's
//! open replica and Turso's protocol are the `libsql` crate's.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use libsql::SyncProtocol;
use libsql::replication::{Frame, Frames};
use tokio::sync::OnceCell;

use super::Proxy;
use super::remote::{PrimaryLog, Remote};
use super::replica_connector::OnlyTo;
use super::replica_files::{Protocol, has_pages};
use super::replica_note::Tail;

/// How often a primary is asked for frames that it says it has.
const TRIES: u32 = 5;

/// How many frames of 4 KB tell one history from another by protocol V1: one alone can be an empty page.
pub(super) const TAIL: u64 = 8;

/// A replica that an application holds open, from its first connection or sync on: two at once would lose count of the
/// frames.
pub(super) struct Held {
    pub(super) database: OnceCell<libsql::Database>,
    pub(super) sync_every: Option<Duration>,
}

/// Why a sync ended early.
#[derive(Debug)]
pub(super) enum Trouble {
    /// In the words of the crate.
    Crate(String),
    /// It took too long.
    Late,
    /// The run was told to stop.
    Stopped,
    /// The log does not give the frames: it is compacted, or the server was started again.
    NotInTheLog,
    /// The log has other frames than those that the replica was made of.
    OtherFrames,
    /// The file has other pages than those of the frames that it counts.
    OtherPages,
}

/// What a sync brought.
#[derive(Debug)]
pub(super) struct Fetched {
    /// The number of frames, where the protocol tells.
    pub(super) frames: u64,
    /// The last ones, where they were seen.
    pub(super) tail: Option<Tail>,
}

/// Frames to ask a log for.
pub(super) struct Pull {
    pub(super) log: PrimaryLog,
    /// The first that the replica does not have.
    pub(super) next: u64,
    /// The last one to come.
    pub(super) until: u64,
    /// Those before the first, where they are known: the log has to have the same.
    pub(super) tail: Option<Tail>,
}

/// One sync.
pub(super) struct Sync {
    pub(super) name: PathBuf,
    pub(super) remote: Remote,
    pub(super) base: String,
    pub(super) token: String,
    pub(super) proxy: Option<Proxy>,
    /// That of the files; the crate asks the primary where there are none.
    pub(super) protocol: Option<Protocol>,
    /// The frame to reach, by protocol V1.
    pub(super) until: Option<u64>,
    pub(super) held: Option<Arc<Held>>,
}

impl Sync {
    pub(super) async fn build(&self) -> Result<libsql::Database, String> {
        let protocol = match self.protocol {
            Some(Protocol::V1) => SyncProtocol::V1,
            Some(Protocol::V2) => SyncProtocol::V2,
            None => SyncProtocol::Auto,
        };
        let (name, base, token) = (&self.name, self.base.clone(), self.token.clone());
        let mut builder = libsql::Builder::new_remote_replica(name, base, token)
            .connector(OnlyTo::new(&self.base, &self.token, self.proxy.clone())?)
            .sync_protocol(protocol);
        if let Some(every) = self.held.as_ref().and_then(|held| held.sync_every) {
            builder = builder.sync_interval(every);
        }
        if let Some(key) = self.remote.key_for_the_crate() {
            builder = builder.remote_encryption(key);
        }
        builder.build().await.map_err(|error| error.to_string())
    }

    pub(super) async fn run(self, pull: Option<Pull>) -> Result<Fetched, Trouble> {
        match pull {
            Some(pull) => self.pull(pull).await,
            None => self.by_the_crate().await.map_err(Trouble::Crate),
        }
    }

    async fn by_the_crate(self) -> Result<Fetched, String> {
        let opened;
        let database = match &self.held {
            Some(held) => held.database.get_or_try_init(|| self.build()).await?,
            None => {
                opened = self.build().await?;
                &opened
            }
        };
        let mut frames = 0;
        for _ in 0..TRIES {
            let synced = database.sync().await.map_err(|error| error.to_string())?;
            frames += synced.frames_synced() as u64;
            // Protocol V2 tells no frame, and gives all that there is.
            let (Some(until), Some(frame)) = (self.until, synced.frame_no()) else {
                break;
            };
            if frame >= until {
                break;
            }
        }
        Ok(Fetched { frames, tail: None })
    }

    async fn pull(self, pull: Pull) -> Result<Fetched, Trouble> {
        let its_words = |error: libsql::Error| Trouble::Crate(error.to_string());
        let Pull {
            log,
            mut next,
            until,
            mut tail,
        } = pull;
        let first = next;
        let mut recent: Vec<Vec<u8>> = Vec::new();
        let mut replica = None;
        while next <= until {
            let known = tail.as_ref().map_or(0, |tail| tail.frames);
            let frames = self.remote.log_frames(&log, next - known).await;
            // Whatever the reason is, the crate finds it again and tells it.
            let Ok(Some(mut frames)) = frames else {
                return Err(Trouble::NotInTheLog);
            };
            if let Some(tail) = tail.take() {
                let known = usize::try_from(known).unwrap_or(usize::MAX);
                if frames.len() < known {
                    return Err(Trouble::NotInTheLog);
                }
                let has_pages = has_pages(&self.name, &frames[..known], &frames);
                let new = frames.split_off(known);
                if Tail::of(&frames) != tail {
                    return Err(Trouble::OtherFrames);
                }
                if matches!(has_pages, Ok(false)) {
                    return Err(Trouble::OtherPages);
                }
                recent = frames;
                frames = new;
            }
            if frames.is_empty() {
                return Err(Trouble::NotInTheLog);
            }
            let replica = match &replica {
                Some(replica) => replica,
                None => {
                    let opened = libsql::Builder::new_local_replica(&self.name).build().await;
                    replica.insert(opened.map_err(its_words)?)
                }
            };
            next += frames.len() as u64;
            let parsed = frames.iter().map(|frame| Frame::try_from(&frame[..]));
            let parsed: Result<Vec<_>, _> = parsed.collect();
            let parsed = parsed.map_err(|error| Trouble::Crate(error.to_string()))?;
            let written = replica.sync_frames(Frames::Vec(parsed)).await;
            // A batch ends with a transaction.
            if written.map_err(its_words)? != Some(next - 1) {
                return Err(Trouble::NotInTheLog);
            }
            recent.extend(frames);
            let kept = recent.len().saturating_sub(TAIL as usize);
            recent.drain(..kept);
        }
        Ok(Fetched {
            frames: next - first,
            tail: Some(Tail::of(&recent)),
        })
    }
}
