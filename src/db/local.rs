//! Local files and memory: the `libsql` crate's own engine.
//!
//! Its calls block, so each query and each run has a thread of its own. A file gets a fresh connection
//! every time and nothing that a connection remembers can leak from one run into the next; memory has one
//! connection for good, which lives as long as the database, and a name that only this handle knows, by which its rows
//! are streamed.

mod transactions;

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use libsql::{Connection, OpenFlags, Statement};
use tokio::sync::{Mutex, OwnedMutexGuard};

use self::transactions::execute;
use super::bound::copies;
use super::own_thread::on_own_thread;
use super::{
    Access, Answer, Code, DbError, Draft, EngineError, Failure, OnProgress, Options, OtherRun,
    Query, Raw, Rows, Stop, Transaction, other_run, refuse_side_files,
};
use crate::sql::Value;

/// How long the engine itself waits for a lock. Short, so that a signal to stop is seen in between; we ask again
/// until the lock timeout has passed.
pub(super) const LOCK_SLICE: Duration = Duration::from_millis(100);

/// How often a running statement is interrupted once the run was told to stop: an interrupt that arrives between
/// two statements is lost.
const INTERRUPT_EVERY: Duration = Duration::from_millis(20);

/// A local file, opened for each use.
#[derive(Debug, Clone)]
pub(super) struct File {
    path: PathBuf,
    /// What the engine is given: a path that it cannot mistake for a URI.
    name: String,
    recovery: Recovery,
}

/// Whether a look at a file may write to it, where a run that was killed left something to roll back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Recovery {
    Allowed,
    /// It is a replica: a checkpoint by us would move the frames that it counts.
    #[cfg(feature = "replica")]
    Never,
}

impl File {
    pub(super) fn new(path: &Path) -> Result<File, DbError> {
        let refuse = |why| DbError::Path {
            path: path.to_path_buf(),
            why,
        };
        let text = path.to_str().ok_or_else(|| refuse("is not UTF-8"))?;
        if text.is_empty() {
            return Err(refuse("is empty"));
        }
        if text.contains('\0') {
            return Err(refuse("holds a NUL byte"));
        }
        // `file:`, `libsql:` and `:memory:` mean something else to the engine; a file may still be called so.
        let name = if text.contains(':') && path.is_relative() {
            format!("./{text}")
        } else {
            text.to_owned()
        };
        Ok(File {
            path: path.to_path_buf(),
            name,
            recovery: Recovery::Allowed,
        })
    }

    /// The same file, and no look at it writes.
    #[cfg(feature = "replica")]
    pub(super) fn never_written(self) -> File {
        File {
            recovery: Recovery::Never,
            ..self
        }
    }

    /// Removes what a run that was killed has left of a database for this place. What cannot be removed does no harm, and
    /// `doctor` names it.
    fn tidy(&self) {
        if self.recovery == Recovery::Allowed {
            let _ = Draft::tidy(&self.path);
        }
    }

    /// The path as the engine is given it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Writes what the file holds into a new one, without writing to this one.
    pub(super) async fn vacuum_into(&self, name: &str) -> Result<(), DbError> {
        let connection = self.open(OpenFlags::SQLITE_OPEN_READ_ONLY).await?;
        let name = Value::Text(name.to_owned());
        let held = connection.clone();
        let work = async move { run_once(&held, "VACUUM INTO ?1", &[name]).await };
        on_a_thread(&connection, &Stop::never(), work)
            .await?
            .map_err(DbError::Read)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A connection that reads and writes, and makes the file where there is none.
    pub(super) async fn connect(&self) -> Result<Connection, DbError> {
        self.open(OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)
            .await
    }

    /// Refuses a path without a database beside side files of another one: the engine would apply or delete them, even
    /// where it only reads.
    pub(super) fn refuse_side_files(&self) -> Result<(), DbError> {
        match self.recovery {
            Recovery::Allowed => refuse_side_files(&self.path),
            // What its files tell is judged all together.
            #[cfg(feature = "replica")]
            Recovery::Never => Ok(()),
        }
    }

    async fn open(&self, flags: OpenFlags) -> Result<Connection, DbError> {
        self.refuse_side_files()?;
        refuse_no_file(&self.path)?;
        connect(&self.name, flags)
            .await
            .map_err(|source| DbError::Open {
                path: self.path.clone(),
                source,
            })
    }

    /// Whether a look that failed may succeed where it may write: a run that was killed left a journal, and only a
    /// connection that may write can roll it back.
    pub(super) fn may_recover(&self, code: Option<Code>) -> bool {
        matches!(code, Some(Code::ReadOnly | Code::CannotOpen))
            && self.recovery == Recovery::Allowed
            && !missing(&self.path)
    }

    /// Whether there is no such file.
    pub(super) fn is_missing(&self) -> bool {
        missing(&self.path)
    }

    /// A connection that only reads: to the file, or to nothing where there is none.
    async fn open_to_read(&self) -> Result<Connection, DbError> {
        if missing(&self.path) {
            self.refuse_side_files()?;
            return self.open_empty().await;
        }
        self.open(OpenFlags::SQLITE_OPEN_READ_ONLY).await
    }

    async fn open_empty(&self) -> Result<Connection, DbError> {
        connect(":memory:", OpenFlags::default())
            .await
            .map_err(|source| DbError::Open {
                path: self.path.clone(),
                source,
            })
    }

    /// The name by which a file that cannot be opened as usual may be read: see [`immutable`].
    pub(super) fn immutable(&self) -> Option<String> {
        match self.recovery {
            Recovery::Allowed => immutable(&self.path),
            #[cfg(feature = "replica")]
            Recovery::Never => None,
        }
    }

    pub(super) async fn query(
        &self,
        queries: Vec<Query>,
        options: &Options,
    ) -> Result<Vec<Result<Rows, EngineError>>, DbError> {
        let connection = self.open_to_read().await?;
        let queries = Arc::new(queries);
        let file = Some(self.path.as_path());
        match answer(Box::new(connection), queries.clone(), options, file).await {
            Err(error) if self.may_recover(error.code()) => {
                let recovered = async {
                    let connection = self.open(OpenFlags::SQLITE_OPEN_READ_WRITE).await?;
                    answer(Box::new(connection), queries.clone(), options, file).await
                };
                match recovered.await {
                    Err(error) => match self.immutable() {
                        Some(name) => {
                            let opened = connect(&name, OpenFlags::SQLITE_OPEN_READ_ONLY).await;
                            let connection = opened.map_err(|_| error)?;
                            answer(Box::new(connection), queries, options, None).await
                        }
                        None => Err(error),
                    },
                    answers => answers,
                }
            }
            answers => answers,
        }
    }

    /// The same, and no file is made beside one without a log: what another process writes meanwhile may be read in part.
    #[cfg(feature = "replica")]
    pub(super) async fn query_in_place(
        &self,
        queries: Vec<Query>,
        options: &Options,
    ) -> Result<Vec<Result<Rows, EngineError>>, DbError> {
        let Some(name) = immutable(&self.path) else {
            return self.query(queries, options).await;
        };
        let opened = connect(&name, OpenFlags::SQLITE_OPEN_READ_ONLY).await;
        let connection = opened.map_err(|source| DbError::Open {
            path: self.path.clone(),
            source,
        })?;
        answer(Box::new(connection), Arc::new(queries), options, None).await
    }

    pub(super) async fn run(
        &self,
        transactions: Vec<Transaction>,
        on_progress: OnProgress,
        options: &Options,
    ) -> Result<Vec<Answer>, Failure> {
        self.tidy();
        let connection = self.connect().await?;
        let file = Some(self.path.as_path());
        execute(
            Box::new(connection),
            transactions,
            on_progress,
            options,
            file,
        )
        .await
    }

    pub(super) async fn objection(
        &self,
        statement: &str,
        _options: &Options,
    ) -> Result<Option<EngineError>, DbError> {
        let connection = self.open_to_read().await?;
        Ok(compile(&connection, statement).await)
    }
}

/// Refuses what is there and can be no database. The engine calls a directory an I/O error, and a device an empty file.
///
/// # Errors
/// [`DbError::Path`].
pub(super) fn refuse_no_file(path: &Path) -> Result<(), DbError> {
    let why = match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => "is a folder",
        Ok(metadata) if !metadata.is_file() => "is not a regular file",
        _ => return Ok(()),
    };
    Err(DbError::Path {
        path: path.to_path_buf(),
        why,
    })
}

/// A database file that cannot be written, by a name that tells the engine so: it makes no files beside a database whose
/// journal is a log, and without them it opens such a one only so: <https://sqlite.org/wal.html#read_only_databases>.
/// None where a log is left, which may hold rows, or where the file may be opened as usual.
fn immutable(path: &Path) -> Option<String> {
    use std::io::Read;
    /// <https://sqlite.org/fileformat.html#the_database_header>: the version that a log needs, for writing and reading.
    const LOG: [u8; 2] = [2, 2];
    let path = super::side_files::resolved(path);
    let mut header = [0; 20];
    std::fs::File::open(&path)
        .ok()?
        .read_exact(&mut header)
        .ok()?;
    let has_log = |ending| {
        let found = std::fs::metadata(super::side_files::beside(&path, ending));
        found.is_ok_and(|found| found.len() > 0)
    };
    if header[18..] != LOG || has_log("-wal") || has_log("-journal") {
        return None;
    }
    let mut name = String::from("file:");
    for byte in path.to_str()?.bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                name.push(char::from(byte));
            }
            _ => name.push_str(&format!("%{byte:02X}")),
        }
    }
    name.push_str("?immutable=1");
    Some(name)
}

/// Opens a file to read it, as [`File::query`] does.
pub(crate) async fn open_to_read(path: &Path) -> Result<Raw, EngineError> {
    let named = |error: DbError| EngineError::new(Code::CannotOpen, error.to_string());
    let file = File::new(path).map_err(named)?;
    let opened = async |name: &str, access| {
        let raw = Raw::open(name, access).await?;
        raw.busy_timeout(LOCK_SLICE);
        match raw.execute("SELECT 1 FROM sqlite_schema LIMIT 1") {
            // Its reader waits.
            Err(error) if error.code != Code::Busy => Err(error),
            _ => Ok(raw),
        }
    };
    let first = match opened(file.name(), Access::Read).await {
        Err(error) if file.may_recover(Some(error.code)) => error,
        raw => return raw,
    };
    match (opened(file.name(), Access::Write).await, file.immutable()) {
        (Err(_), Some(name)) => opened(&name, Access::Read).await,
        (Err(_), None) => Err(first),
        (raw, _) => raw,
    }
}

/// A database in memory. Its one connection is used by one query or run at a time.
#[derive(Clone)]
pub(super) struct Memory {
    connection: Arc<Mutex<Connection>>,
    /// The engine's `memdb` of this name: <https://sqlite.org/inmemorydb.html>. Only this handle knows it.
    name: Arc<str>,
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Memory")
    }
}

impl Memory {
    pub(super) async fn new() -> Result<Memory, DbError> {
        let named = |source| DbError::Open {
            path: ":memory:".into(),
            source,
        };
        let name = format!("file:/seedbed-{}?vfs=memdb", uuid::Uuid::now_v7());
        let connection = connect(&name, OpenFlags::default()).await.map_err(named)?;
        // Memory without a name has no limit either.
        let raw = Raw::open(&name, Access::Write).await.map_err(named)?;
        raw.limit_memory(i64::MAX);
        Ok(Memory {
            connection: Arc::new(Mutex::new(connection)),
            name: name.into(),
        })
    }

    /// A database in memory that holds what a file does.
    #[cfg(feature = "testing")]
    pub(super) async fn of_file(file: &File) -> Result<Memory, DbError> {
        let memory = Memory::new().await?;
        file.vacuum_into(&memory.name).await?;
        Ok(memory)
    }

    /// Another database in memory that holds what this one does now.
    pub(super) async fn fork(&self) -> Result<Memory, DbError> {
        let _held = self.held().await;
        let copy = Memory::new().await?;
        let from = Raw::open(&self.name, Access::Read).await;
        let to = Raw::open(&copy.name, Access::Write).await;
        to.and_then(|to| to.copy_from(&from?))
            .map_err(DbError::Read)?;
        Ok(copy)
    }

    /// What another connection to it is opened by.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Keeps other connections from using it.
    pub(super) async fn held(&self) -> OwnedMutexGuard<Connection> {
        self.connection.clone().lock_owned().await
    }

    /// The connection, once it is free.
    pub(super) async fn connect(&self) -> Connection {
        self.connection.lock().await.clone()
    }

    pub(super) async fn query(
        &self,
        queries: Vec<Query>,
        options: &Options,
    ) -> Result<Vec<Result<Rows, EngineError>>, DbError> {
        let connection = self.connection.clone().lock_owned().await;
        answer(connection, Arc::new(queries), options, None).await
    }

    pub(super) async fn run(
        &self,
        transactions: Vec<Transaction>,
        on_progress: OnProgress,
        options: &Options,
    ) -> Result<Vec<Answer>, Failure> {
        let connection = self.connection.clone().lock_owned().await;
        execute(connection, transactions, on_progress, options, None).await
    }

    pub(super) async fn objection(
        &self,
        statement: &str,
        _options: &Options,
    ) -> Result<Option<EngineError>, DbError> {
        Ok(compile(&*self.connection.lock().await, statement).await)
    }
}

fn missing(path: &Path) -> bool {
    matches!(std::fs::metadata(path), Err(error) if error.kind() == std::io::ErrorKind::NotFound)
}

async fn connect(name: &str, flags: OpenFlags) -> Result<Connection, EngineError> {
    let database = libsql::Builder::new_local(name)
        .flags(flags)
        .build()
        .await?;
    let connection = database.connect()?;
    connection.busy_timeout(LOCK_SLICE)?;
    Ok(connection)
}

async fn compile(connection: &Connection, statement: &str) -> Option<EngineError> {
    connection
        .prepare(statement)
        .await
        .err()
        .map(EngineError::from)
}

/// Drives blocking work on a thread of its own, and interrupts its statements once `stop` is raised.
async fn on_a_thread<T: Send + 'static>(
    connection: &Connection,
    stop: &Stop,
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, DbError> {
    let runtime = tokio::runtime::Handle::current();
    let mut work = pin!(on_own_thread(move || runtime.block_on(work)));
    tokio::select! {
        done = &mut work => return done,
        () = stop.raised() => {}
    }
    loop {
        // It fails only where there is no statement to interrupt.
        let _ = connection.interrupt();
        tokio::select! {
            done = &mut work => return done,
            () = tokio::time::sleep(INTERRUPT_EVERY) => {}
        }
    }
}

/// `held` is the connection, or a lock on it: it is held until the work has ended, even if the caller no longer waits
/// for it.
async fn answer(
    held: impl Deref<Target = Connection> + Send + Sync + 'static,
    queries: Arc<Vec<Query>>,
    options: &Options,
    file: Option<&Path>,
) -> Result<Vec<Result<Rows, EngineError>>, DbError> {
    let connection = Connection::clone(&held);
    let (options, file) = (options.clone(), file.map(Path::to_path_buf));
    let stop = options.stop.clone();
    let work = async move {
        let reader: &Connection = &held;
        let mut wait = Wait::new(&options, file.as_deref());
        // One read transaction, so that all answers are of one state, as one question is by itself; the pragma holds where
        // the file does not.
        bare(reader, "PRAGMA query_only = ON").await?;
        if queries.len() != 1 {
            bare(reader, "BEGIN").await?;
        }
        let mut answers = Vec::with_capacity(queries.len());
        let mut outcome = Ok(());
        let mut last = None;
        for query in queries.iter() {
            let answer = loop {
                match again(reader, query, &mut last).await {
                    Ok(rows) => break Ok(rows),
                    Err(error) => {
                        if let Err(error) = wait.ask_again(error) {
                            break Err(error);
                        }
                    }
                }
            };
            match answer {
                // The engine calls it another error where it was interrupted while it made a table-valued function.
                Err(error)
                    if options.stop.is_raised() && error.message.ends_with("interrupted") =>
                {
                    outcome = Err(EngineError::interrupted());
                    break;
                }
                Err(error) if !matches!(error.code, Code::Other(_)) => {
                    outcome = Err(error);
                    break;
                }
                answer => answers.push(answer),
            }
        }
        if !reader.is_autocommit() {
            bare(reader, "ROLLBACK").await?;
        }
        bare(reader, "PRAGMA query_only = OFF").await?;
        outcome.map(|()| answers)
    };
    on_a_thread(&connection, &stop, work)
        .await?
        .map_err(DbError::Read)
}

/// Waiting for one lock. It has the whole lock timeout: what ran before took its own time. While another run that writes
/// to this file is alive, the lock timeout does not pass.
pub(super) struct Wait<'a> {
    begun: Instant,
    options: &'a Options,
    file: Option<&'a Path>,
    looked: Option<Instant>,
    other: Option<OtherRun>,
}

/// How often a wait looks for another run.
const LOOK_FOR_RUNS: Duration = Duration::from_millis(500);

impl<'a> Wait<'a> {
    pub(super) fn new(options: &'a Options, file: Option<&'a Path>) -> Wait<'a> {
        Wait {
            begun: Instant::now(),
            options,
            file,
            looked: None,
            other: None,
        }
    }

    /// Whether a statement that failed may be tried once more, or the error that it ends with: a run that was told to
    /// stop while waiting was interrupted; its wait did not time out.
    pub(super) fn ask_again(&mut self, error: EngineError) -> Result<(), EngineError> {
        if error.code != Code::Busy {
            return Err(error);
        }
        if self.options.stop.is_raised() {
            return Err(EngineError::interrupted());
        }
        self.look_for_a_run();
        if self.is_for_a_run() {
            self.begun = Instant::now();
        }
        if self.begun.elapsed() < self.options.lock_timeout {
            Ok(())
        } else {
            Err(error)
        }
    }

    /// Whether another run holds the lock.
    fn is_for_a_run(&self) -> bool {
        self.other.is_some()
    }

    fn look_for_a_run(&mut self) {
        let is_due = |looked: Instant| looked.elapsed() >= LOOK_FOR_RUNS;
        let Some(file) = self.file.filter(|_| self.looked.is_none_or(is_due)) else {
            return;
        };
        self.looked = Some(Instant::now());
        let found = other_run::find(other_run::Sign::Transaction, file);
        if let Some(other) = &found
            && self
                .other
                .as_ref()
                .is_none_or(|known| known.pid != other.pid)
        {
            self.options.on_wait.report(other);
        }
        self.other = found;
    }
}

async fn bare(connection: &Connection, sql: &str) -> Result<(), EngineError> {
    run_once(connection, sql, &[]).await
}

async fn run_once(connection: &Connection, sql: &str, args: &[Value]) -> Result<(), EngineError> {
    let statement = connection.prepare(sql).await?;
    to_the_end(&statement, copies(args), |_| Ok(())).await
}

async fn rows(connection: &Connection, query: &Query) -> Result<Rows, EngineError> {
    all(&connection.prepare(&query.sql).await?, copies(&query.args)).await
}

/// The same, with the statement of the query before where its text is the same: many questions differ only in what is
/// bound.
async fn again<'q>(
    connection: &Connection,
    query: &'q Query,
    last: &mut Option<(&'q str, Statement)>,
) -> Result<Rows, EngineError> {
    let statement = match last.take() {
        Some((sql, statement)) if sql == query.sql => statement,
        _ => connection.prepare(&query.sql).await?,
    };
    let rows = all(&statement, copies(&query.args)).await;
    statement.reset();
    *last = Some((&query.sql, statement));
    rows
}

async fn all(statement: &Statement, args: Vec<libsql::Value>) -> Result<Rows, EngineError> {
    let mut rows = Rows::new();
    to_the_end(statement, args, |row| {
        let columns = 0..row.column_count();
        let values = columns.map(|column| row.get_value(column).map(from_libsql));
        rows.push(values.collect::<Result<_, _>>()?);
        Ok(())
    })
    .await?;
    Ok(rows)
}

/// Steps a statement to its end: what it does beside returning rows is done only then.
async fn to_the_end(
    statement: &Statement,
    args: Vec<libsql::Value>,
    mut on_row: impl FnMut(&libsql::Row) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    if statement.column_count() == 0 {
        // Without columns there are no rows, and the first step is its end.
        statement.execute(args).await?;
        return Ok(());
    }
    let mut rows = statement.query(args).await?;
    while let Some(row) = rows.next().await? {
        on_row(&row)?;
    }
    Ok(())
}

fn from_libsql(value: libsql::Value) -> Value {
    match value {
        libsql::Value::Null => Value::Null,
        libsql::Value::Integer(value) => Value::Integer(value),
        libsql::Value::Real(value) => Value::Real(value),
        libsql::Value::Text(value) => Value::Text(value),
        libsql::Value::Blob(value) => Value::Blob(value),
    }
}
