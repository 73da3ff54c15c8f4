//! An embedded replica: a local file that follows a primary. Everything is asked of the primary and done there; the
//! file is only ever synced. The only file beside `remote` that knows of a server, and the only one that names the
//! `libsql` crate's replica.
//!
//! A replica is open for the time of one sync and no longer, unless an application holds it open.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use libsql::SyncProtocol;
use tokio::sync::OnceCell;

use super::remote::{Greeting, Pulled, Remote};
use super::replica_connector::OnlyTo;
use super::replica_files::{
    Protocol, ReplicaFacts, has_frames, note_primary, noted_primary, replica_facts,
};
use super::replica_lock::SyncLock;
use super::{
    Answer, DbError, EncryptionKey, EngineError, Failure, OnProgress, Options, Proxy, RemoteError,
    Stop, Synced, Transaction, local, refuse_side_files,
};

/// What the files of a replica tell. Where there is none, none is made beside side files of another database.
fn known_facts(path: &Path) -> Result<Option<ReplicaFacts>, DbError> {
    let facts = replica_facts(path)?;
    if facts.is_none() {
        refuse_side_files(path)?;
    }
    Ok(facts)
}

/// How long a sync may take that follows a write or is asked for. The crate's own client waits for ever.
const SYNC: Duration = Duration::from_secs(600);

/// How long a sync under way may go on after the run was told to stop.
const FINISH: Duration = Duration::from_secs(10);

/// Bytes of a frame in both protocols: a header and a page.
const FRAME: u64 = 24 + 4096;

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
    proxy: Option<Arc<Proxy>>,
    held: Option<Arc<Held>>,
    /// The replication index of the last write by this handle and its clones, plus one; 0 before the first.
    written: Arc<AtomicU64>,
}

/// A replica that an application holds open, from its first connection or sync on: two at once would lose count of the
/// frames.
struct Held {
    database: OnceCell<libsql::Database>,
    sync_every: Option<Duration>,
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
    pub(super) fn new(
        file: &Path,
        base: &str,
        token: Option<&str>,
        proxy: Option<&Proxy>,
    ) -> Result<Replica, DbError> {
        Ok(Replica {
            remote: Remote::new(base, token, proxy)?,
            file: local::File::new(file)?,
            base: base.to_owned(),
            token: token.unwrap_or_default().to_owned(),
            proxy: proxy.cloned().map(Arc::new),
            held: None,
            written: Arc::default(),
        })
    }

    /// The same with the key of the database.
    pub(super) fn with_key(mut self, key: Option<&EncryptionKey>) -> Replica {
        self.remote = self.remote.with_key(key);
        self
    }

    /// The same, which stays open once it was opened.
    pub(super) fn held(mut self, sync_every: Option<Duration>) -> Replica {
        self.held = Some(Arc::new(Held {
            database: OnceCell::new(),
            sync_every,
        }));
        self
    }

    /// A connection that reads the file. What it writes goes to the primary, by the crate's own client.
    pub(super) async fn connect(&self) -> Result<libsql::Connection, DbError> {
        let is_open = self
            .held
            .as_ref()
            .is_some_and(|it| it.database.initialized());
        let facts = match is_open {
            true => None,
            false => known_facts(self.file.path())?,
        };
        // A primary that is away says nothing on that.
        if let Err(error @ DbError::OtherPrimary { .. }) = self.same_primary(facts).await {
            return Err(error);
        }
        let sync = self.opening(facts);
        let runtime = tokio::runtime::Handle::current();
        // It blocks, and makes a runtime of its own.
        let work = tokio::task::spawn_blocking(move || {
            let database = match &sync.held {
                Some(held) => held.clone(),
                None => return Err("nobody holds it".to_owned()),
            };
            runtime.block_on(database.database.get_or_try_init(|| sync.build()))?;
            let database = database.database.get();
            let database = database.ok_or_else(|| "it is not open".to_owned())?;
            database.connect().map_err(|error| error.to_string())
        });
        match work.await.map_err(DbError::Thread)? {
            Ok(connection) => Ok(connection),
            Err(why) => Err(self.reason(why).await),
        }
    }

    fn opening(&self, facts: Option<ReplicaFacts>) -> Sync {
        Sync {
            name: self.file.name().into(),
            base: self.base.clone(),
            token: self.token.clone(),
            proxy: self.proxy.as_deref().cloned(),
            protocol: facts.map(|facts| facts.protocol),
            until: self.written.load(Ordering::Relaxed).checked_sub(1),
            held: self.held.clone(),
        }
    }

    pub(super) fn file(&self) -> local::File {
        self.file.clone().never_written()
    }

    pub(super) async fn run(
        &self,
        transactions: &[Transaction],
        on_progress: &OnProgress,
        stop: &Stop,
    ) -> Result<Vec<Answer>, Failure> {
        let written = |index: u64| {
            self.written
                .fetch_max(index.saturating_add(1), Ordering::Relaxed);
        };
        self.remote
            .run(transactions, on_progress, stop, &written)
            .await
    }

    pub(super) async fn sync(&self, options: &Options) -> Result<Synced, DbError> {
        let path = self.file.path();
        let _lock = SyncLock::take(path, options).await?;
        let before = known_facts(path)?;
        let newest = tokio::select! {
            same = self.same_primary(before) => same?,
            () = options.stop.raised() => return Err(DbError::Read(EngineError::interrupted())),
        };
        let sync = self.opening(before);
        let last = before.and_then(|facts| facts.frame);
        // The crate would ask the same again, and twice more.
        if self.held.is_none() && last.is_some() && newest == last && sync.until <= last {
            note_primary(path, &self.base)?;
            return Ok(told(path, before, before, 0));
        }
        let stop = options.stop.clone();
        let runtime = tokio::runtime::Handle::current();
        // The crate's calls block, and what it opened is closed where it was used.
        let work = tokio::task::spawn_blocking(move || {
            runtime.block_on(async {
                tokio::select! {
                    synced = sync.run() => synced.map_err(Trouble::Crate),
                    () = tokio::time::sleep(SYNC) => Err(Trouble::Late),
                    () = stopped(&stop) => Err(Trouble::Stopped),
                }
            })
        });
        let fetched = match work.await.map_err(DbError::Thread)? {
            Ok(fetched) => fetched,
            Err(Trouble::Stopped) => return Err(DbError::Read(EngineError::interrupted())),
            Err(Trouble::Late) => {
                return Err(self.not_synced(format!(
                    "it took longer than {} minutes",
                    SYNC.as_secs() / 60
                )));
            }
            Err(Trouble::Crate(why)) => return Err(self.reason(why).await),
        };
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
        if protocol.is_some() {
            note_primary(path, &self.base)?;
        }
        Ok(told(path, before, after, fetched))
    }

    /// What a sync would refuse at once.
    pub(super) async fn check(&self, options: &Options) -> Result<(), DbError> {
        let path = self.file.path();
        // Whoever else is syncing it just now asks the same.
        let Some(_lock) = SyncLock::try_take(path)? else {
            return Ok(());
        };
        let facts = known_facts(path)?;
        let same = tokio::select! {
            same = self.same_primary(facts) => same,
            () = options.stop.raised() => return Err(DbError::Read(EngineError::interrupted())),
        };
        match same {
            // The change itself shows whether the primary can be reached.
            Err(DbError::Remote(_) | DbError::NotSynced { .. }) => Ok(()),
            same => same.map(|_| ()),
        }
    }

    /// The last frame of the primary comes back, where protocol V1 tells it.
    ///
    /// The crate would replace the file where protocol V1 tells of another log, and put another primary's frames
    /// behind those that it has with V2, which knows numbers only. So V1's id of the log is asked for first, and V2's
    /// last frames are compared. Where neither tells, our own note does.
    async fn same_primary(&self, facts: Option<ReplicaFacts>) -> Result<Option<u64>, DbError> {
        let path = self.file.path();
        let Some(facts) = facts else {
            return Ok(None);
        };
        let (same, newest) = match facts.protocol {
            Protocol::V1 => self.same_log(facts).await?,
            Protocol::V2 => (self.same_frames(facts).await?, None),
        };
        let followed = noted_primary(path)?;
        let same = same.unwrap_or(followed.as_ref().is_none_or(|url| *url == self.base));
        if same {
            return Ok(newest);
        }
        Err(DbError::OtherPrimary {
            path: path.to_path_buf(),
            primary: self.base.clone(),
            followed,
        })
    }

    /// Whether the primary is the one that the file follows.
    pub(super) async fn follows(&self) -> Result<(), DbError> {
        let same = self.same_primary(replica_facts(self.file.path())?).await;
        same.map(|_| ())
    }

    /// Whether the log of the primary is ours, and its last frame.
    async fn same_log(&self, facts: ReplicaFacts) -> Result<(Option<bool>, Option<u64>), DbError> {
        let Some(ours @ 1..) = facts.log else {
            return Ok((None, None));
        };
        match self.remote.greeting().await {
            Ok(Greeting::Log { id, frame }) => Ok((Some(ours == id), frame)),
            Ok(Greeting::Unspoken) => Err(self
                .reason(
                    "the primary does not speak protocol v1, by which the replica \
                                                       was made"
                        .to_owned(),
                )
                .await),
            Err(error) => Err(self.reason_of(error).await),
        }
    }

    async fn same_frames(&self, facts: ReplicaFacts) -> Result<Option<bool>, DbError> {
        let (Some(generation), Some(frame @ 1..)) = (facts.generation, facts.frame) else {
            return Ok(None);
        };
        let first = frame.saturating_sub(COMPARED - 1).max(1);
        match self.remote.frames(generation, first, frame).await {
            Ok(Pulled::Frames(theirs)) => has_frames(self.file.path(), first, &theirs).map(Some),
            Ok(Pulled::Beyond) => Ok(Some(false)),
            Ok(Pulled::Untold) => Ok(None),
            Err(error) => Err(self.reason_of(error).await),
        }
    }

    async fn reason_of(&self, error: RemoteError) -> DbError {
        match error {
            // Other requests may still be answered.
            RemoteError::Redirected { .. } => DbError::Remote(error),
            error => self.reason(error.to_string()).await,
        }
    }

    /// The crate's words seldom tell why: where the primary cannot be talked to at all, that is why.
    async fn reason(&self, why: String) -> DbError {
        if let Err(error) = self.remote.objection("SELECT 1").await {
            return error;
        }
        match self.remote.redirect().await {
            Some(error) => DbError::Remote(error),
            None => self.not_synced(why),
        }
    }

    fn not_synced(&self, why: String) -> DbError {
        DbError::NotSynced {
            path: self.file.path().to_path_buf(),
            why,
        }
    }
}

/// Returns a while after a run was told to stop: a sync under way is finished, unless it hangs.
async fn stopped(stop: &Stop) {
    stop.raised().await;
    tokio::time::sleep(FINISH).await;
}

/// What a sync came to, by what the files told before it and after it.
fn told(
    path: &Path,
    before: Option<ReplicaFacts>,
    after: Option<ReplicaFacts>,
    fetched: u64,
) -> Synced {
    let last = |facts: Option<ReplicaFacts>| facts.and_then(|facts| facts.frame);
    let generation = |facts: Option<ReplicaFacts>| facts.and_then(|facts| facts.generation);
    let protocol = after.map(|facts| facts.protocol);
    let frames = match protocol {
        None => Some(0),
        Some(Protocol::V1) => Some(fetched),
        // The crate does not count these, and each generation is counted anew.
        Some(Protocol::V2) => {
            (before.is_none() || generation(before) == generation(after)).then(|| {
                let from = last(before).unwrap_or_default();
                last(after).unwrap_or_default().saturating_sub(from)
            })
        }
    };
    let base = match (before, protocol) {
        (None, Some(Protocol::V2)) => std::fs::metadata(path).map_or(0, |file| file.len()),
        _ => 0,
    };
    Synced {
        protocol,
        frame: last(after),
        from: last(before),
        moved: (last(before), generation(before)) != (last(after), generation(after)),
        frames,
        bytes: frames.map(|frames| frames * FRAME + base),
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
    proxy: Option<Proxy>,
    /// That of the files; the crate asks the primary where there are none.
    protocol: Option<Protocol>,
    /// The frame to reach, by protocol V1.
    until: Option<u64>,
    held: Option<Arc<Held>>,
}

impl Sync {
    async fn build(&self) -> Result<libsql::Database, String> {
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
        builder.build().await.map_err(|error| error.to_string())
    }

    /// The number of frames that came, where the protocol tells.
    async fn run(self) -> Result<u64, String> {
        let opened;
        let database = match &self.held {
            Some(held) => held.database.get_or_try_init(|| self.build()).await?,
            None => {
                opened = self.build().await?;
                &opened
            }
        };
        let mut fetched = 0;
        for _ in 0..TRIES {
            let synced = database.sync().await.map_err(|error| error.to_string())?;
            fetched += synced.frames_synced() as u64;
            // Protocol V2 tells no frame, and gives all that there is.
            let (Some(until), Some(frame)) = (self.until, synced.frame_no()) else {
                break;
            };
            if frame >= until {
                break;
            }
        }
        Ok(fetched)
    }
}
