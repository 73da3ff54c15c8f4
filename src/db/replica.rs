//! An embedded replica: a local file that follows a primary. Everything is asked of the primary and done there; the
//! file is only ever synced, and only after its primary was found to have the same history. Beside `remote` the only
//! file that knows of a server.
//!
//! A replica is open for the time of one sync and no longer, unless an application holds it open.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::OnceCell;

use super::own_thread::on_own_thread;
use super::remote::{Greeting, PrimaryLog, Pulled, Remote};
use super::replica_files::{
    Protocol, ReplicaFacts, has_frames, has_pages, make_folder, move_replica, no_room,
    noted_primary, remove_files, replica_facts, try_replica_files,
};
use super::replica_lock::SyncLock;
use super::replica_note::{Note, Tail, stamp};
use super::replica_sync::{Fetched, Held, Pull, Sync, TAIL, Trouble};
use super::side_files::beside;
use super::sync_fault::classify;
use super::{
    Answer, Code, DbError, EncryptionKey, EngineError, Failure, OnProgress, Options, OtherHistory,
    Proxy, Query, Ready, RemoteError, Stop, SyncFault, Synced, jittered, local, refuse_side_files,
};
use crate::sql::Value;

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

/// How many frames of 4 KB tell one primary from another by protocol V2: one alone can be an empty page, and any change of
/// ours writes records with an id of its run.
const COMPARED: u64 = 32;

/// How long what a primary said of its log holds for the sync of the same command.
const CHECKED: Duration = Duration::from_secs(10);

/// The first and the longest pause before a sync is tried again.
const PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What follows the name of a replica while its successor is synced.
const SUCCESSOR: &str = "-successor";

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
    /// What the last check found, for the sync that follows it.
    checked: Arc<Mutex<Option<Checked>>>,
}

/// The history of the primary was found to be that of the file.
#[derive(Debug, Clone)]
struct Checked {
    at: Instant,
    facts: Option<ReplicaFacts>,
    log: Option<PrimaryLog>,
    /// Its last frames, where they were compared.
    tail: Option<Tail>,
}

impl Checked {
    /// Whether it holds for these files: another process may have synced them.
    fn holds(&self, facts: Option<ReplicaFacts>) -> bool {
        let same =
            |facts: &ReplicaFacts| (facts.protocol, facts.log, facts.generation, facts.frame);
        self.at.elapsed() < CHECKED && self.facts.as_ref().map(same) == facts.as_ref().map(same)
    }
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
            checked: Arc::default(),
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
        if let Err(error @ (DbError::OtherPrimary { .. } | DbError::OtherHistory { .. })) =
            self.same_primary(facts).await
        {
            return Err(error);
        }
        let sync = self.opening(facts);
        let runtime = tokio::runtime::Handle::current();
        // It blocks, and makes a runtime of its own.
        let work = on_own_thread(move || {
            let database = match &sync.held {
                Some(held) => held.clone(),
                None => return Err("no process holds it".to_owned()),
            };
            runtime.block_on(database.database.get_or_try_init(|| sync.build()))?;
            let database = database.database.get();
            let database = database.ok_or_else(|| "it is not open".to_owned())?;
            database.connect().map_err(|error| error.to_string())
        });
        match work.await? {
            Ok(connection) => Ok(connection),
            Err(why) => Err(self.reason(why).await),
        }
    }

    fn opening(&self, facts: Option<ReplicaFacts>) -> Sync {
        Sync {
            name: self.file.name().into(),
            remote: self.remote.clone(),
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
        ready: &Ready,
        on_progress: &OnProgress,
        stop: &Stop,
    ) -> Result<Vec<Answer>, Failure> {
        let written = |index: u64| {
            self.written
                .fetch_max(index.saturating_add(1), Ordering::Relaxed);
        };
        self.remote.run(ready, on_progress, stop, &written).await
    }

    pub(super) async fn sync(&self, options: &Options) -> Result<Synced, DbError> {
        let path = self.file.path();
        // It is dropped behind the lock, whose file is in it.
        let _folder = make_folder(path)?;
        let _lock = SyncLock::take(path, options).await?;
        self.sync_locked(options).await
    }

    /// Replaces the files by a new copy of the primary. Until that is complete they stay as they are.
    pub(super) async fn replace(&self, options: &Options) -> Result<Synced, DbError> {
        let path = self.file.path();
        if self.held.is_some() {
            return Err(DbError::InUse {
                path: path.to_path_buf(),
                waited: Duration::ZERO,
            });
        }
        // It is dropped behind the lock, whose file is in it.
        let _folder = make_folder(path)?;
        let _lock = SyncLock::take(path, options).await?;
        let successor = beside(path, SUCCESSOR);
        // A run that was killed leaves one.
        remove_files(&successor)?;
        let new = Replica {
            file: local::File::new(&successor)?,
            checked: Arc::default(),
            ..self.clone()
        };
        let synced = new.sync_locked(options).await;
        let moved = synced.and_then(|synced| move_replica(&successor, path).map(|()| synced));
        if moved.is_err() {
            remove_files(&successor)?;
        }
        moved
    }

    /// Syncs until there is nothing in the way that passes, for the lock timeout at the most.
    async fn sync_locked(&self, options: &Options) -> Result<Synced, DbError> {
        let path = self.file.path();
        let until = Instant::now() + options.lock_timeout;
        let before = known_facts(path)?;
        let note = Note::read(path)?;
        let mut pause = PAUSE;
        let mut fetched = Some(0);
        loop {
            let error = match self.sync_once(options).await {
                Ok((after, came)) => {
                    let fetched = fetched.zip(came).map(|(before, came)| before + came);
                    return Ok(told(path, before, after, fetched));
                }
                Err(error) => error,
            };
            // What came before it failed was not counted.
            fetched = None;
            let passes = matches!(&error, DbError::NotSynced { fault, .. } if fault.may_pass());
            let left = until.saturating_duration_since(Instant::now());
            if !passes || left.is_zero() {
                self.nothing_came(before, note)?;
                return Err(error);
            }
            tokio::select! {
                () = tokio::time::sleep(jittered(pause).min(left)) => {}
                () = options.stop.raised() => {
                    self.nothing_came(before, note)?;
                    return Err(DbError::Read(EngineError::interrupted()));
                }
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Leaves the note as it was where a sync that failed left the files as they were.
    fn nothing_came(
        &self,
        before: Option<ReplicaFacts>,
        note: Option<Note>,
    ) -> Result<(), DbError> {
        let path = self.file.path();
        let place = |facts: ReplicaFacts| (facts.frame, facts.generation);
        match (replica_facts(path), note) {
            (Ok(after), Some(note)) if after.map(place) == before.map(place) => note.write(path),
            (Ok(None), None) => Note::remove(path),
            _ => Ok(()),
        }
    }

    /// The files after a sync, and how many frames came where that is counted.
    async fn sync_once(
        &self,
        options: &Options,
    ) -> Result<(Option<ReplicaFacts>, Option<u64>), DbError> {
        let path = self.file.path();
        let before = known_facts(path)?;
        let checked = self
            .checked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let (mut log, compared) = match checked.filter(|checked| checked.holds(before)) {
            Some(checked) => (checked.log, checked.tail),
            None => (self.asked_for_its_log(before, options).await?, None),
        };
        let last = before.and_then(|facts| facts.frame);
        let written = self.written.load(Ordering::Relaxed).checked_sub(1);
        let newest = log.as_ref().and_then(|log| log.frame).max(written);
        let note = Note::read(path)?.unwrap_or_default();
        let noted = note.tail.clone().filter(|_| note.frame == last);
        let has_all = newest.is_none_or(|newest| Some(newest) == last);
        if let (None, Some(log), Some(last), true) = (&self.held, &log, last, has_all) {
            let tail = match compared {
                Some(tail) => Some(tail),
                None => self.same_tail(log, last, noted.as_ref()).await?,
            };
            if newest.is_some() {
                self.note_done(Some(last), tail.or(noted))?;
                return Ok((before, Some(0)));
            }
        }
        let known = before.filter(|facts| !facts.is_unfinished);
        Note {
            primary: self.base.clone(),
            is_syncing: true,
            frame: known.map_or(note.frame, |facts| facts.frame),
            tail: noted.clone(),
            synced_at: note.synced_at,
            stamp: None,
        }
        .write(path)?;
        let pull = log.take().zip(newest).filter(|_| self.held.is_none());
        let pull = pull.map(|(log, until)| {
            let next = last.map_or(0, |last| last + 1);
            let tail = noted.filter(|tail| tail.frames <= next);
            Pull {
                log,
                next,
                until,
                tail,
            }
        });
        let fetched = match self.fetch(before, pull, &options.stop).await {
            Err(Trouble::NotInTheLog) => {
                // By now it may be another log.
                self.asked_for_its_log(replica_facts(path)?, options)
                    .await?;
                self.fetch(before, None, &options.stop)
                    .await
                    .map(|it| (it, None))
            }
            fetched => fetched.map(|fetched| {
                let frames = fetched.frames;
                (fetched, Some(frames))
            }),
        };
        let (fetched, came) = match fetched {
            Ok(fetched) => fetched,
            Err(trouble) => return Err(self.trouble(trouble, last).await),
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
        match protocol {
            None => Note::remove(path)?,
            Some(_) => {
                let tail = match fetched.tail {
                    None => self.tail(after).await,
                    tail => tail,
                };
                self.note_done(frame, tail)?;
            }
        }
        Ok((after, came))
    }

    async fn asked_for_its_log(
        &self,
        facts: Option<ReplicaFacts>,
        options: &Options,
    ) -> Result<Option<PrimaryLog>, DbError> {
        tokio::select! {
            log = self.same_primary(facts) => log,
            () = options.stop.raised() => Err(DbError::Read(EngineError::interrupted())),
        }
    }

    /// The crate's calls block, and what it opened is closed where it was used.
    async fn fetch(
        &self,
        facts: Option<ReplicaFacts>,
        pull: Option<Pull>,
        stop: &Stop,
    ) -> Result<Fetched, Trouble> {
        let sync = self.opening(facts);
        let stop = stop.clone();
        let runtime = tokio::runtime::Handle::current();
        let work = on_own_thread(move || {
            runtime.block_on(async {
                tokio::select! {
                    synced = sync.run(pull) => synced,
                    () = tokio::time::sleep(SYNC) => Err(Trouble::Late),
                    () = stopped(&stop) => Err(Trouble::Stopped),
                }
            })
        });
        work.await
            .unwrap_or_else(|error| Err(Trouble::Crate(error.to_string())))
    }

    async fn trouble(&self, trouble: Trouble, last: Option<u64>) -> DbError {
        match trouble {
            Trouble::Stopped => DbError::Read(EngineError::interrupted()),
            Trouble::Late => self.not_synced(format!(
                "it took longer than {} minutes",
                SYNC.as_secs() / 60
            )),
            Trouble::Crate(why) => self.reason(why).await,
            Trouble::NotInTheLog => self.not_synced("the primary gave no frames".to_owned()),
            Trouble::OtherPages => self.other_pages(),
            Trouble::OtherFrames => DbError::OtherHistory {
                path: self.file.path().to_path_buf(),
                primary: self.base.clone(),
                how: OtherHistory::OtherFrames {
                    frame: last.unwrap_or_default(),
                },
            },
        }
    }

    fn other_pages(&self) -> DbError {
        DbError::BrokenReplica {
            path: self.file.path().to_path_buf(),
            why: "lacks what the file beside it counts: it is damaged, or an older copy",
        }
    }

    /// Whether anything but a sync of ours has written to the files since the last one.
    pub(super) fn was_touched(&self) -> Result<bool, DbError> {
        let path = self.file.path();
        // What else is wrong with the files, a sync reports.
        let facts = replica_facts(path).ok().flatten();
        let is_there = facts.is_some_and(|facts| facts.frame.is_some());
        if !is_there {
            return Ok(false);
        }
        let note = Note::read(path)?.unwrap_or_default();
        Ok(note.stamp.is_none() || note.stamp != stamp(path))
    }

    /// Looks for damage in the pages of the file.
    pub(super) async fn look_through(&self, options: &Options) -> Result<(), DbError> {
        let path = self.file.path();
        if replica_facts(path)?.is_none() {
            return Ok(());
        }
        let before = stamp(path);
        let quick_check = vec![Query::new("PRAGMA quick_check(1)")];
        let answers = self.file().query_in_place(quick_check, options).await;
        let is_damaged = match answers.as_deref() {
            Ok([Ok(rows)]) => {
                !matches!(rows.as_slice(), [row] if row.first().and_then(Value::as_str) == Some("ok"))
            }
            Ok([Err(error), ..]) => error.code == Code::Corrupt,
            Ok(_) => false,
            Err(error) => error.code() == Some(Code::Corrupt),
        };
        // What another process writes meanwhile is no damage.
        match is_damaged && stamp(path) == before {
            false => Ok(()),
            true => Err(DbError::BrokenReplica {
                path: path.to_path_buf(),
                why: "is damaged: `PRAGMA quick_check` finds pages that do not fit together",
            }),
        }
    }

    /// Notes that the replica has what its primary had, up to this frame.
    fn note_done(&self, frame: Option<u64>, tail: Option<Tail>) -> Result<(), DbError> {
        let note = Note {
            primary: self.base.clone(),
            synced_at: Some(SystemTime::now()),
            frame,
            tail,
            stamp: stamp(self.file.path()),
            is_syncing: false,
        };
        note.write(self.file.path())
    }

    /// The last frames of the log, up to the last one that the files have; none where the log does not give them.
    async fn tail(&self, facts: Option<ReplicaFacts>) -> Option<Tail> {
        let facts = facts.filter(|facts| facts.protocol == Protocol::V1)?;
        let frame = facts.frame.filter(|_| self.held.is_none())?;
        match self.remote.greeting().await {
            Ok(Greeting::Log(log)) if facts.log == Some(log.id) => {
                self.same_tail(&log, frame, None).await.ok().flatten()
            }
            _ => None,
        }
    }

    /// The last frames of the log up to `frame`, which have to be those that were noted; none where the log does not give
    /// them, as after it was compacted.
    async fn same_tail(
        &self,
        log: &PrimaryLog,
        frame: u64,
        noted: Option<&Tail>,
    ) -> Result<Option<Tail>, DbError> {
        let count = noted.map_or(TAIL, |tail| tail.frames).min(frame + 1);
        let frames = self.remote.log_frames(log, frame + 1 - count).await;
        let Ok(Some(frames)) = frames else {
            return Ok(None);
        };
        let other = |how| DbError::OtherHistory {
            path: self.file.path().to_path_buf(),
            primary: self.base.clone(),
            how,
        };
        let Some(known) = usize::try_from(count)
            .ok()
            .and_then(|count| frames.get(..count))
        else {
            return Err(other(OtherHistory::PutBack {
                ours: frame,
                theirs: log.frame,
            }));
        };
        let tail = Tail::of(known);
        if noted.is_some_and(|noted| *noted != tail) {
            return Err(other(OtherHistory::OtherFrames { frame }));
        }
        match has_pages(self.file.path(), known, &frames)? {
            true => Ok(Some(tail)),
            false => Err(self.other_pages()),
        }
    }

    /// What a sync would refuse at once.
    pub(super) async fn check(&self, options: &Options) -> Result<(), DbError> {
        let path = self.file.path();
        // A process that syncs it at this moment asks the same.
        if !try_replica_files(path)? {
            return Ok(());
        }
        let facts = known_facts(path)?;
        let checked = self
            .checked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if checked.is_some_and(|checked| checked.holds(facts)) {
            return Ok(());
        }
        match self.asked_for_its_log(facts, options).await {
            // The change itself shows whether the primary can be reached.
            Err(DbError::Remote(_) | DbError::NotSynced { .. }) => Ok(()),
            Err(error) => Err(error),
            Ok(log) => {
                let tail = match &log {
                    Some(log) => self.noted_tail(log, facts).await?,
                    None => None,
                };
                let checked = Checked {
                    at: Instant::now(),
                    facts,
                    log,
                    tail,
                };
                *self.checked.lock().unwrap_or_else(PoisonError::into_inner) = Some(checked);
                Ok(())
            }
        }
    }

    /// Sees whether the primary has the history of the file. Its log comes back, where protocol V1 tells it.
    ///
    /// The crate would replace the file where protocol V1 tells of another log, and put another primary's frames
    /// behind those that it has with V2, which knows numbers only. So V1's id of the log is asked for first and its
    /// position compared, and V2's last frames are compared. Where neither tells, our own note does.
    async fn same_primary(
        &self,
        facts: Option<ReplicaFacts>,
    ) -> Result<Option<PrimaryLog>, DbError> {
        let path = self.file.path();
        let Some(facts) = facts else {
            return Ok(None);
        };
        let (log, differs) = match facts.protocol {
            Protocol::V1 => self.same_log(facts).await?,
            Protocol::V2 => (None, self.same_frames(facts).await?),
        };
        let followed = noted_primary(path)?;
        let is_same_url = followed.as_ref().is_some_and(|url| *url == self.base);
        let other_history = |how| DbError::OtherHistory {
            path: path.to_path_buf(),
            primary: self.base.clone(),
            how,
        };
        match differs {
            Differs::No => Ok(log),
            Differs::Untold if followed.is_none() || is_same_url => Ok(log),
            // The same log, so the same database, whatever it is called.
            Differs::Yes(how @ OtherHistory::PutBack { .. }) if log.is_some() => {
                Err(other_history(how))
            }
            Differs::Yes(how) if is_same_url => Err(other_history(how)),
            Differs::Untold | Differs::Yes(_) => Err(DbError::OtherPrimary {
                path: path.to_path_buf(),
                primary: self.base.clone(),
                followed,
            }),
        }
    }

    /// Whether the primary is the one that the file follows.
    pub(super) async fn follows(&self) -> Result<(), DbError> {
        let path = self.file.path();
        let facts = replica_facts(path)?;
        if let Some(log) = self.same_primary(facts).await? {
            self.noted_tail(&log, facts).await?;
        }
        Ok(())
    }

    /// The last frames of the log up to that of the files, which have to be those that were noted when these came; none
    /// where no note tells of them.
    async fn noted_tail(
        &self,
        log: &PrimaryLog,
        facts: Option<ReplicaFacts>,
    ) -> Result<Option<Tail>, DbError> {
        let note = Note::read(self.file.path())?.unwrap_or_default();
        let last = facts.and_then(|facts| facts.frame);
        match (last, note.tail) {
            (Some(last), Some(tail)) if note.frame == Some(last) => {
                self.same_tail(log, last, Some(&tail)).await
            }
            _ => Ok(None),
        }
    }

    /// The log of the primary, and how it differs from ours.
    async fn same_log(
        &self,
        facts: ReplicaFacts,
    ) -> Result<(Option<PrimaryLog>, Differs), DbError> {
        let Some(ours @ 1..) = facts.log else {
            return Ok((None, Differs::Untold));
        };
        let log = match self.remote.greeting().await {
            Ok(Greeting::Log(log)) => log,
            Ok(Greeting::Unspoken) => {
                let why = "the primary does not speak protocol v1, by which the replica was made";
                return Err(self.reason(why.to_owned()).await);
            }
            Err(error) => return Err(self.reason_of(error).await),
        };
        let differs = match (facts.frame, log.frame) {
            _ if log.id != ours => Differs::Yes(OtherHistory::NewLog),
            (Some(ours), Some(theirs)) if theirs < ours => Differs::Yes(OtherHistory::PutBack {
                ours,
                theirs: Some(theirs),
            }),
            _ => Differs::No,
        };
        Ok((Some(log), differs))
    }

    async fn same_frames(&self, facts: ReplicaFacts) -> Result<Differs, DbError> {
        let (Some(generation), Some(frame @ 1..)) = (facts.generation, facts.frame) else {
            return Ok(Differs::Untold);
        };
        let begin = frame.saturating_sub(COMPARED - 1).max(1);
        let mut first = begin;
        // An answer may have fewer frames than were asked for.
        while first <= frame {
            let theirs = match self.remote.frames(generation, first, frame).await {
                Ok(Pulled::Frames(theirs)) => theirs,
                Ok(Pulled::Beyond) => {
                    return Ok(Differs::Yes(OtherHistory::PutBack {
                        ours: frame,
                        theirs: (first > begin).then_some(first - 1),
                    }));
                }
                Ok(Pulled::Untold) => return Ok(Differs::Untold),
                Err(error) => return Err(self.reason_of(error).await),
            };
            if !has_frames(self.file.path(), first, &theirs)? {
                return Ok(Differs::Yes(OtherHistory::OtherFrames { frame }));
            }
            first += theirs.len() as u64 / FRAME;
        }
        Ok(Differs::No)
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
        let fault = classify(&why).0;
        // The engine tells a full disk from other failures of writing in some cases only.
        if fault == SyncFault::Io
            && let Some(error) = no_room(self.file.path())
        {
            return DbError::NotSynced {
                path: self.file.path().to_path_buf(),
                fault: SyncFault::Full,
                why: format!("there is no room for its files: {error}"),
            };
        }
        if fault != SyncFault::Other {
            return self.not_synced(why);
        }
        if let Err(error) = self.remote.objection("SELECT 1").await {
            return error;
        }
        match self.remote.redirect().await {
            Some(error) => DbError::Remote(error),
            None => self.not_synced(why),
        }
    }

    fn not_synced(&self, why: String) -> DbError {
        let (fault, why) = classify(&why);
        DbError::NotSynced {
            path: self.file.path().to_path_buf(),
            fault,
            why,
        }
    }
}

/// How the history of a primary differs from that of a file.
enum Differs {
    No,
    Yes(OtherHistory),
    /// The protocol does not tell.
    Untold,
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
    fetched: Option<u64>,
) -> Synced {
    let last = |facts: Option<ReplicaFacts>| facts.and_then(|facts| facts.frame);
    let generation = |facts: Option<ReplicaFacts>| facts.and_then(|facts| facts.generation);
    let protocol = after.map(|facts| facts.protocol);
    let frames = match protocol {
        None => Some(0),
        Some(Protocol::V1) => fetched,
        // The crate does not count these, and each generation is counted from the start.
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
