//! One handle over every kind of database.
//!
//! Two verbs: [`Db::query`] reads and never writes (it creates no file either), [`Db::run`] runs transactions, each
//! of them whole or not at all. No module above knows which mode it was, and this is the only module that
//! names the `libsql` crate. It knows nothing of `_migrations`: records come to it as steps.

mod application;
mod ask;
mod bound;
mod draft;
mod engine;
mod error;
mod file_lock;
mod history_table;
mod local;
mod locate;
mod log;
mod loopback;
mod other_run;
mod own_thread;
mod raw;
mod reach;
mod ready;
#[cfg(feature = "remote")]
mod remote;
mod replace;
#[cfg(feature = "replica")]
mod replica;
#[cfg(feature = "replica")]
mod replica_connector;
mod replica_files;
mod replica_lock;
mod replica_note;
#[cfg(feature = "replica")]
mod replica_sync;
mod scan;
mod semicolon;
mod side_files;
mod stop;
mod stream;
mod sync_fault;
mod turso;
mod unanswered;
mod unsupported;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use crate::proxy::Proxy;
pub use application::AppDatabase;
pub(crate) use ask::{IfThere, Questions, Reply, exists, if_accepted};
#[cfg(feature = "testing")]
pub(crate) use draft::publish;
// For the command line.
#[doc(hidden)]
pub use draft::Draft;
pub(crate) use draft::give_name;
pub use engine::Engine;
pub(crate) use engine::{
    MadeAgain, row_level_security, runs_alone, stale, stale_object, unknown_function,
};
pub use error::{At, Code, DbError, EngineError, Failure, Left, OtherHistory};
pub(crate) use file_lock::FileLock;
pub use history_table::HistoryTable;
pub use libsql;
pub(crate) use local::open_to_read;
pub use locate::locate;
pub use log::Log;
#[cfg(feature = "remote")]
pub(crate) use loopback::LOOPBACK;
pub(crate) use loopback::is_loopback_name;
pub(crate) use other_run::Announced;
use other_run::Sign;
pub use other_run::{OnWait, OtherRun};
#[allow(unused_imports)]
pub(crate) use raw::{Access, Check, Prepared, Raw, Row};
pub(crate) use ready::Ready;
// For the command line.
#[doc(hidden)]
pub use replace::{Replaces, inherit, wait_until_unused};
#[doc(hidden)]
pub use replica_files::DOES_NOT_EXIST;
#[cfg(feature = "report")]
pub(crate) use replica_files::WITHOUT_SIDE;
pub use replica_files::{
    Protocol, ReplicaFacts, Unfinished, copy_replica, noted_primary, remove_replica, replica_facts,
    try_replica_files,
};
pub use scan::{Order, Question, Scan, ScanColumn};
// For the command line.
pub(crate) use semicolon::missing_semicolon;
#[doc(hidden)]
pub use side_files::refuse_side_files;
pub use side_files::{SideFile, remove_local};
pub(crate) use stop::{Pause, Waits, jittered};
pub use stop::{Stop, StopHandle};
pub use stream::{Sink, StreamedRow};
pub use sync_fault::SyncFault;
pub use unanswered::{Fate, RemoteError, Sent};
pub(crate) use unsupported::{TWO_PARSERS, instead, server_objection};

use crate::script::{Atomicity, ForeignKeys, StepList};
use crate::setters::setters;
use crate::sql::Value;

/// One question and its bound values.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// A `SELECT`, or a pragma that only reads.
    pub sql: String,
    /// Values for `?1`, `?2`, …
    pub args: Vec<Value>,
}

impl Query {
    /// A question without bound values.
    pub fn new(sql: impl Into<String>) -> Query {
        Query {
            sql: sql.into(),
            args: Vec::new(),
        }
    }
}

/// One answer: rows of values.
pub type Rows = Vec<Vec<Value>>;

/// Steps that happen together, each only if the one before it succeeded.
#[derive(Debug, Clone, PartialEq)]
pub struct Transaction {
    /// Set before the transaction begins, and read back.
    pub foreign_keys: ForeignKeys,
    /// [`Atomicity::Bare`] runs the steps without `BEGIN` and `COMMIT`.
    pub atomicity: Atomicity,
    /// In order.
    pub steps: StepList,
}

/// The rows that a step of Seedbed's own returned.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Answer {
    /// The transaction, from 0.
    pub transaction: usize,
    /// The step, from 0.
    pub step: usize,
    /// Its rows.
    pub rows: Rows,
}

/// How far a run of transactions has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// Step `step` of transaction `transaction` succeeded; both from 0.
    Step {
        /// The transaction.
        transaction: usize,
        /// The step.
        step: usize,
    },
    /// This transaction is committed.
    Committed(usize),
    /// Another process holds the lock; reported once per wait.
    Waiting,
}

/// Where progress goes: called on the thread that runs the transactions, so it must not block.
pub type OnProgress = Arc<dyn Fn(Progress) + Send + Sync>;

/// The key of a database that its owner encrypts, as Turso takes it with each request. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct EncryptionKey(String);

impl EncryptionKey {
    /// Hides `text`.
    pub fn new(text: impl Into<String>) -> EncryptionKey {
        EncryptionKey(text.into())
    }
}

impl std::fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// How a database is used.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// How long to wait for the lock of another process.
    pub lock_timeout: Duration,
    /// The signal that stops a run.
    pub stop: Stop,
    /// Tables that are not the application's: what they hold is no history of migrations, and a comparison of schemas
    /// leaves them out. Those of known tools need not be named.
    pub ignore_tables: Vec<String>,
    /// The table that holds the history of migrations.
    pub history_table: HistoryTable,
    /// The name of this run, for another run that waits for it.
    pub run_by: Option<String>,
    /// Where a wait for another run is reported. A run that writes to the same local file and is alive is waited for
    /// whatever the lock timeout is.
    pub on_wait: OnWait,
    /// The proxy that requests to a server go through. The environment is not asked for one.
    pub proxy: Option<Proxy>,
    /// The key that a server needs for a database that its owner encrypts.
    pub encryption_key: Option<EncryptionKey>,
    /// Where each request and each transaction is logged.
    pub log: Log,
}

setters!(Options {
    lock_timeout: Duration,
    stop: Stop,
    ignore_tables: Vec<String>,
    history_table: HistoryTable,
    run_by: Option<String>,
    on_wait: OnWait,
    proxy: Option<Proxy>,
    encryption_key: Option<EncryptionKey>,
    log: Log,
});

impl Default for Options {
    /// Ten seconds, no stop flag, no ignored tables, and no proxy.
    fn default() -> Options {
        Options {
            lock_timeout: Duration::from_secs(10),
            stop: Stop::never(),
            ignore_tables: Vec::new(),
            history_table: HistoryTable::default(),
            run_by: None,
            on_wait: OnWait::default(),
            proxy: None,
            encryption_key: None,
            log: Log::default(),
        }
    }
}

/// A database to look at and to change.
#[derive(Debug, Clone)]
pub struct Db {
    mode: Mode,
    options: Options,
}

#[derive(Debug, Clone)]
enum Mode {
    Local(local::File),
    Memory(local::Memory),
    #[cfg(feature = "remote")]
    Remote(remote::Remote),
    #[cfg(feature = "replica")]
    Replica(replica::Replica),
}

/// The result of a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Synced {
    /// How the replica follows its primary; none where this handle is no replica.
    pub protocol: Option<Protocol>,
    /// The last frame that it has, in the protocol's own count.
    pub frame: Option<u64>,
    /// The last frame that it had before; none where it had none, or there was no replica.
    pub from: Option<u64>,
    /// Whether frames were fetched.
    pub moved: bool,
    /// How many frames were fetched, each a page of the database; none where the protocol does not tell.
    pub frames: Option<u64>,
    /// Bytes of those frames, and of the database that the first sync began with.
    pub bytes: Option<u64>,
}

impl Db {
    /// A local file. It is opened for each query and each run, and made by the first run.
    ///
    /// # Errors
    /// [`DbError::Path`] where the path is not UTF-8, or means something else than a file to the engine.
    pub fn local(path: impl AsRef<Path>, options: Options) -> Result<Db, DbError> {
        let file = local::File::new(path.as_ref())?;
        Ok(Db {
            mode: Mode::Local(file),
            options,
        })
    }

    /// A new and empty database in memory, which lives as long as this handle and its clones.
    ///
    /// # Errors
    /// [`DbError::Open`] where the engine cannot start.
    pub async fn memory(options: Options) -> Result<Db, DbError> {
        Ok(Db {
            mode: Mode::Memory(local::Memory::new().await?),
            options,
        })
    }

    /// A database in memory with all that a local file holds, which lives as long as this handle and its clones. The
    /// file is only read.
    ///
    /// # Errors
    /// As [`Db::local`] and [`Db::memory`]; [`DbError::Read`] where the file cannot be read.
    #[cfg(feature = "testing")]
    pub async fn memory_of(file: impl AsRef<Path>, options: Options) -> Result<Db, DbError> {
        let file = local::File::new(file.as_ref())?;
        Ok(Db {
            mode: Mode::Memory(local::Memory::of_file(&file).await?),
            options,
        })
    }

    /// What a connection of the engine opens a database in memory by.
    pub(crate) fn memory_name(&self) -> Option<&str> {
        match &self.mode {
            Mode::Memory(memory) => Some(memory.name()),
            _ => None,
        }
    }

    /// Another database in memory that holds what this one does now; `None` where this one is not in memory.
    ///
    /// # Errors
    /// As [`Db::memory`].
    pub(crate) async fn fork(&self) -> Result<Option<Db>, DbError> {
        let Mode::Memory(memory) = &self.mode else {
            return Ok(None);
        };
        Ok(Some(Db {
            mode: Mode::Memory(memory.fork().await?),
            options: self.options.clone(),
        }))
    }

    /// A database on a libSQL server. Nothing is sent before the first query or run. `base` is the server's URL with
    /// scheme `http` or `https`, and without a slash at its end.
    ///
    /// # Errors
    /// [`DbError::Remote`] where the HTTP client cannot be made.
    #[cfg(feature = "remote")]
    pub fn remote(base: &str, token: Option<&str>, options: Options) -> Result<Db, DbError> {
        let lock_timeout = options.lock_timeout;
        let db = Db {
            mode: Mode::Remote(
                remote::Remote::new(base, token, options.proxy.as_ref())?
                    .with_key(options.encryption_key.as_ref()),
            ),
            options,
        };
        Ok(db.with_lock_timeout(lock_timeout))
    }

    /// A local file that follows a server. Queries and runs go to the server, its primary; the file changes by
    /// [`Db::sync`] only. `base` as in [`Db::remote`].
    ///
    /// # Errors
    /// As [`Db::remote`], and [`DbError::Path`] as [`Db::local`].
    #[cfg(feature = "replica")]
    pub fn replica(
        file: impl AsRef<Path>,
        base: &str,
        token: Option<&str>,
        options: Options,
    ) -> Result<Db, DbError> {
        let lock_timeout = options.lock_timeout;
        let db = Db {
            mode: Mode::Replica(
                replica::Replica::new(file.as_ref(), base, token, options.proxy.as_ref())?
                    .with_key(options.encryption_key.as_ref()),
            ),
            options,
        };
        Ok(db.with_lock_timeout(lock_timeout))
    }

    /// The same database with connections of its own, for another runtime: those of one runtime end with it.
    ///
    /// # Errors
    /// As [`Db::remote`].
    pub(crate) fn apart(&self) -> Result<Db, DbError> {
        let mode = match &self.mode {
            #[cfg(feature = "remote")]
            Mode::Remote(remote) => Mode::Remote(remote.apart(self.options.proxy.as_ref())?),
            mode => mode.clone(),
        };
        let options = self.options.clone();
        Ok(Db { mode, options }.with_lock_timeout(self.lock_timeout()))
    }

    /// The tables that were named as [`Options::ignore_tables`].
    pub fn ignored(&self) -> &[String] {
        &self.options.ignore_tables
    }

    /// The table that holds the history, as [`Options::history_table`] names it.
    pub fn history_table(&self) -> &HistoryTable {
        &self.options.history_table
    }

    /// The same database with its history in this table.
    #[must_use]
    pub fn with_history_table(mut self, table: HistoryTable) -> Db {
        self.options.history_table = table;
        self
    }

    /// Whether this table is one of them. Names of tables have no letter case.
    pub(crate) fn ignores(&self, table: &str) -> bool {
        self.ignored()
            .iter()
            .any(|name| name.eq_ignore_ascii_case(table))
    }

    /// The same database for an application: to keep, to share, and to make connections of the `libsql` crate from.
    /// Nothing is opened, sent or written before the first connection. From then on a replica follows its primary every
    /// `sync_every`; without one only by [`Db::sync`].
    pub fn for_application(self, sync_every: Option<Duration>) -> AppDatabase {
        AppDatabase::new(self, sync_every)
    }

    /// Brings the file of a replica up to its primary, at least to the last run of this handle; the first time it
    /// makes the file, and its folder. In another mode there is nothing to sync. It needs a multi-thread runtime. Where
    /// [`Db::check_replica`] was called a few seconds ago, its answers from the primary are used again.
    ///
    /// A primary that is busy with its log, and a lock on the file, are waited for up to the lock timeout.
    ///
    /// # Errors
    /// [`DbError::Remote`] where the primary cannot be talked to; [`DbError::NotAReplica`], [`DbError::BrokenReplica`],
    /// [`DbError::OtherPrimary`] and [`DbError::OtherHistory`] for the file, which is left as it is;
    /// [`DbError::SyncLocked`] where another process syncs it for longer than the lock timeout; [`DbError::NotSynced`]
    /// for the rest.
    pub async fn sync(&self) -> Result<Synced, DbError> {
        match &self.mode {
            Mode::Local(_) | Mode::Memory(_) => Ok(Synced::default()),
            #[cfg(feature = "remote")]
            Mode::Remote(_) => Ok(Synced::default()),
            #[cfg(feature = "replica")]
            Mode::Replica(replica) => {
                let sync = async {
                    self.is_undamaged(replica).await?;
                    replica.sync(&self.options).await
                };
                self.logged("sync", replica, sync).await
            }
        }
    }

    /// A file that only syncs have written to is what they made of it; any other is looked through.
    #[cfg(feature = "replica")]
    async fn is_undamaged(&self, replica: &replica::Replica) -> Result<(), DbError> {
        match replica.was_touched()? {
            true => replica.look_through(&self.options).await,
            false => Ok(()),
        }
    }

    /// Replaces the file of a replica by a new copy of its primary: the remedy for [`DbError::OtherHistory`]. The file
    /// is as it was until the new one is complete. A program that has the old file open continues to read it. In another
    /// mode there is nothing to replace.
    ///
    /// # Errors
    /// As [`Db::sync`]; [`DbError::InUse`] where this handle holds the file open, as an application's does.
    pub async fn replace_replica(&self) -> Result<Synced, DbError> {
        match &self.mode {
            Mode::Local(_) | Mode::Memory(_) => Ok(Synced::default()),
            #[cfg(feature = "remote")]
            Mode::Remote(_) => Ok(Synced::default()),
            #[cfg(feature = "replica")]
            Mode::Replica(replica) => {
                let replace = replica.replace(&self.options);
                self.logged("new copy", replica, replace).await
            }
        }
    }

    /// A sync has a line of its own: the requests that the `libsql` crate makes for it have none.
    #[cfg(feature = "replica")]
    async fn logged(
        &self,
        what: &str,
        replica: &replica::Replica,
        sync: impl Future<Output = Result<Synced, DbError>>,
    ) -> Result<Synced, DbError> {
        let entry = self.log(|| format!("{what} of {}", replica.file().path().display()));
        let synced = sync.await;
        entry.end(|| match &synced {
            Ok(synced) => synced.frames.map_or_else(
                || "done".to_owned(),
                |frames| log::count(usize::try_from(frames).unwrap_or(usize::MAX), "frame"),
            ),
            Err(error) => in_words(error.code()),
        });
        synced
    }

    /// Whether the file of a replica could follow its primary, as far as that shows before something is changed there:
    /// to be asked before a change, which would stand on the primary and not reach the file. Neither is changed; the
    /// lock of a sync is taken for that time, which shows whether the folder may be written to. In another mode there
    /// is nothing to ask.
    ///
    /// # Errors
    /// Those of [`Db::sync`] that do not pass by themselves.
    pub async fn check_replica(&self) -> Result<(), DbError> {
        match &self.mode {
            Mode::Local(_) | Mode::Memory(_) => Ok(()),
            #[cfg(feature = "remote")]
            Mode::Remote(_) => Ok(()),
            #[cfg(feature = "replica")]
            Mode::Replica(replica) => {
                self.is_undamaged(replica).await?;
                replica.check(&self.options).await
            }
        }
    }

    /// Whether anything but a sync of this program has written to the files of a replica since the last one. Not in another
    /// mode.
    ///
    /// # Errors
    /// As [`replica_facts`].
    pub fn replica_was_touched(&self) -> Result<bool, DbError> {
        match &self.mode {
            Mode::Local(_) | Mode::Memory(_) => Ok(false),
            #[cfg(feature = "remote")]
            Mode::Remote(_) => Ok(false),
            #[cfg(feature = "replica")]
            Mode::Replica(replica) => replica.was_touched(),
        }
    }

    /// Reads the file of a replica through, without its primary, and looks for damage in its pages (`quick_check`). In
    /// another mode, and where there is no file yet, all is well.
    ///
    /// # Errors
    /// [`DbError::BrokenReplica`] where there is any.
    pub async fn check_replica_file(&self) -> Result<(), DbError> {
        match &self.mode {
            Mode::Local(_) | Mode::Memory(_) => Ok(()),
            #[cfg(feature = "remote")]
            Mode::Remote(_) => Ok(()),
            #[cfg(feature = "replica")]
            Mode::Replica(replica) => replica.look_through(&self.options).await,
        }
    }

    /// The file of a replica as it is, without its primary: to be read, and not to be run on. None in another mode.
    pub fn offline(&self) -> Option<Db> {
        match &self.mode {
            Mode::Local(_) | Mode::Memory(_) => None,
            #[cfg(feature = "remote")]
            Mode::Remote(_) => None,
            #[cfg(feature = "replica")]
            Mode::Replica(replica) => Some(Db {
                mode: Mode::Local(replica.file()),
                options: self.options.clone(),
            }),
        }
    }

    /// Whether the file of a replica follows the primary that this handle names, as far as can be told without syncing
    /// it: by Turso's protocol its last frames are compared, and by the open-source server's the id of the log and its
    /// position. Only reads. In another mode, and where there is no file yet, all is well.
    ///
    /// # Errors
    /// [`DbError::OtherPrimary`] and [`DbError::OtherHistory`] where it does not; the errors of [`Db::query`] and of [`replica_facts`].
    pub async fn follows_its_primary(&self) -> Result<(), DbError> {
        match &self.mode {
            Mode::Local(_) | Mode::Memory(_) => Ok(()),
            #[cfg(feature = "remote")]
            Mode::Remote(_) => Ok(()),
            #[cfg(feature = "replica")]
            Mode::Replica(replica) => replica.follows().await,
        }
    }

    /// The replication index that the primary of a replica has reached, where it tells.
    ///
    /// # Errors
    /// As [`Db::query`].
    pub async fn primary_frame(&self) -> Result<Option<u64>, DbError> {
        match &self.mode {
            Mode::Local(_) | Mode::Memory(_) => Ok(None),
            #[cfg(feature = "remote")]
            Mode::Remote(remote) => remote.replication_index(&self.options).await,
            #[cfg(feature = "replica")]
            Mode::Replica(replica) => replica.remote.replication_index(&self.options).await,
        }
    }

    /// What the engine on the other side accepts. A server is taken for libSQL until its first answer, which says what it
    /// is.
    pub fn engine(&self) -> Engine {
        match self.mode {
            Mode::Local(_) => Engine::Local,
            Mode::Memory(_) => Engine::Memory,
            #[cfg(feature = "remote")]
            Mode::Remote(ref remote) => remote.engine(),
            #[cfg(feature = "replica")]
            Mode::Replica(ref replica) => replica.remote.engine(),
        }
    }

    /// A run that writes to this local file and is alive.
    pub(crate) fn other_run(&self) -> Option<OtherRun> {
        other_run::find(Sign::Transaction, &self.path()?)
    }

    /// Announces an import into this local file until the result is dropped: between its transactions it holds no lock.
    pub(crate) fn announce_import(&self, by: &str) -> Option<Announced> {
        other_run::announce(Sign::Import, &self.path()?, Some(by))
    }

    /// A run that imports into this local file and is alive.
    pub(crate) fn running_import(&self) -> Option<OtherRun> {
        other_run::find(Sign::Import, &self.path()?)
    }

    /// Reports that this run is waited for.
    pub(crate) fn report_wait(&self, other: &OtherRun) {
        self.options.on_wait.report(other);
    }

    /// The file of a local database.
    pub fn path(&self) -> Option<PathBuf> {
        match &self.mode {
            Mode::Local(file) => Some(file.path().to_path_buf()),
            Mode::Memory(_) => None,
            #[cfg(feature = "remote")]
            Mode::Remote(_) => None,
            #[cfg(feature = "replica")]
            Mode::Replica(_) => None,
        }
    }

    /// How long this handle waits for the lock of another process.
    pub fn lock_timeout(&self) -> Duration {
        self.options.lock_timeout
    }

    /// The same database, by a handle that waits this long for the lock of another process.
    #[must_use]
    pub fn with_lock_timeout(mut self, lock_timeout: Duration) -> Db {
        self.options.lock_timeout = lock_timeout;
        match &mut self.mode {
            Mode::Local(_) | Mode::Memory(_) => {}
            #[cfg(feature = "remote")]
            Mode::Remote(remote) => {
                remote.wait_at_least(lock_timeout);
                remote.log_to(&self.options.log);
            }
            #[cfg(feature = "replica")]
            Mode::Replica(replica) => {
                replica.remote.wait_at_least(lock_timeout);
                replica.remote.log_to(&self.options.log);
            }
        }
        self
    }

    /// The same database, for finding out what became of a run: it stops only where that is given up.
    pub(crate) fn until_given_up(&self) -> Db {
        let mut db = self.clone();
        db.options.stop = db.options.stop.second();
        db
    }

    /// The signal that tells runs of this handle to stop.
    pub fn stop(&self) -> &Stop {
        &self.options.stop
    }

    /// Answers all questions from one state of the database, in their order, with one answer for each. It never
    /// writes; a local file that does not exist answers as an empty database and is not created.
    ///
    /// # Errors
    /// The outer error is the database's: it cannot be opened or read, stays locked ([`Code::Busy`]), or gives more or
    /// fewer answers than it was asked for ([`DbError::Incomplete`]). The inner
    /// ones are the questions': one that names a missing table leaves the other answers whole.
    pub async fn query(
        &self,
        queries: Vec<Query>,
    ) -> Result<Vec<Result<Rows, EngineError>>, DbError> {
        let sent = queries.len();
        let entry = self.log(|| log::count(sent, "query"));
        let answers = match &self.mode {
            Mode::Local(file) => file.query(queries, &self.options).await,
            Mode::Memory(memory) => memory.query(queries, &self.options).await,
            #[cfg(feature = "remote")]
            Mode::Remote(remote) => remote.query(queries, &self.options).await,
            #[cfg(feature = "replica")]
            Mode::Replica(replica) => replica.remote.query(queries, &self.options).await,
        };
        entry.end(|| match &answers {
            Ok(_) => "answered".to_owned(),
            Err(error) => in_words(error.code()),
        });
        ask::complete(sent, answers?)
    }

    /// Runs transactions, each only after the one before it is committed. The answers are those of steps without an
    /// author; rows that a migration selects are read and dropped.
    ///
    /// # Errors
    /// [`Failure`] says which step failed, why, and what is committed: transactions before it are, its own is
    /// rolled back unless it was [`Atomicity::Bare`].
    pub async fn run(
        &self,
        transactions: Vec<Transaction>,
        on_progress: OnProgress,
    ) -> Result<Vec<Answer>, Failure> {
        self.run_ready(transactions.into(), on_progress).await
    }

    /// The same of transactions whose request may be made already.
    pub(crate) async fn run_ready(
        &self,
        ready: Ready,
        on_progress: OnProgress,
    ) -> Result<Vec<Answer>, Failure> {
        let steps = ready.transactions.iter().map(|it| it.steps.len()).sum();
        let number = ready.transactions.len();
        let entry = self.log(|| {
            let number = log::count(number, "transaction");
            format!("{number}, {}", log::count(steps, "step"))
        });
        let ran = self.run_unlogged(ready, on_progress).await;
        entry.end(|| match &ran {
            Ok(_) => "committed".to_owned(),
            Err(Failure::Lost(_)) => "no answer".to_owned(),
            Err(failure @ Failure::Step { committed: 0, .. } | failure @ Failure::Open(_)) => {
                in_words(failure.code())
            }
            Err(failure @ Failure::Step { committed, .. }) => {
                format!("{committed} committed, then {}", in_words(failure.code()))
            }
        });
        ran
    }

    async fn run_unlogged(
        &self,
        ready: Ready,
        on_progress: OnProgress,
    ) -> Result<Vec<Answer>, Failure> {
        match &self.mode {
            Mode::Local(file) => {
                let transactions = ready.transactions;
                file.run(transactions, on_progress, &self.options).await
            }
            Mode::Memory(memory) => {
                let transactions = ready.transactions;
                memory.run(transactions, on_progress, &self.options).await
            }
            #[cfg(feature = "remote")]
            Mode::Remote(remote) => {
                let stop = &self.options.stop;
                remote.run(&ready, &on_progress, stop, &|_| {}).await
            }
            #[cfg(feature = "replica")]
            Mode::Replica(replica) => {
                let stop = &self.options.stop;
                replica.run(&ready, &on_progress, stop).await
            }
        }
    }

    /// The error of the engine for a statement that it only compiles, and does not run; `None` where it has nothing to
    /// object. Used to find the place of an error.
    ///
    /// # Errors
    /// As [`Db::query`].
    pub async fn objection(&self, statement: &str) -> Result<Option<EngineError>, DbError> {
        match &self.mode {
            Mode::Local(file) => file.objection(statement, &self.options).await,
            Mode::Memory(memory) => memory.objection(statement, &self.options).await,
            #[cfg(feature = "remote")]
            Mode::Remote(remote) => remote.objection(statement).await,
            #[cfg(feature = "replica")]
            Mode::Replica(replica) => replica.remote.objection(statement).await,
        }
    }

    /// The version that the server reports, in one line; none where it reports none, and without a server. No token is
    /// sent.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn server_version(&self) -> Result<Option<String>, RemoteError> {
        match &self.mode {
            Mode::Local(_) | Mode::Memory(_) => Ok(None),
            #[cfg(feature = "remote")]
            Mode::Remote(remote) => remote.version().await,
            #[cfg(feature = "replica")]
            Mode::Replica(replica) => replica.remote.version().await,
        }
    }

    /// The URL of the server, as this handle was given it.
    pub(crate) fn base_url(&self) -> Option<&str> {
        match &self.mode {
            Mode::Local(_) | Mode::Memory(_) => None,
            #[cfg(feature = "remote")]
            Mode::Remote(remote) => Some(remote.base_url()),
            #[cfg(feature = "replica")]
            Mode::Replica(replica) => Some(replica.remote.base_url()),
        }
    }

    /// Begins a line of the log about this database.
    fn log(&self, what: impl FnOnce() -> String) -> log::Entry {
        self.options.log.begin(|| {
            let which = match (self.base_url(), self.path()) {
                (Some(url), _) => url.to_owned(),
                (None, Some(path)) => path.display().to_string(),
                (None, None) => ":memory:".to_owned(),
            };
            format!("{which}: {}", what())
        })
    }

    /// Host and port of the server.
    fn host(&self) -> Option<&str> {
        match &self.mode {
            Mode::Local(_) | Mode::Memory(_) => None,
            #[cfg(feature = "remote")]
            Mode::Remote(remote) => Some(remote.host()),
            #[cfg(feature = "replica")]
            Mode::Replica(replica) => Some(replica.remote.host()),
        }
    }
}

/// An outcome as the log has it: the kind of an error, since its words may quote values.
fn in_words(code: Option<Code>) -> String {
    match code {
        Some(code) => format!("failed ({code:?})"),
        None => "failed".to_owned(),
    }
}
