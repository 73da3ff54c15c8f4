//! The database and its connections: a program of conditional steps runs on one connection, blocking.
//!
//! The engine is libSQL's own, reached as sqld reaches it, so that messages, codes, offsets and limits are
//! the same. What a step does when it is refused, skipped or timed out is sqld's (`connection/program.rs`,
//! `connection_core.rs`). Nothing here knows a wire format.

use crate::allow::Statement;
use crate::call::Call;
use crate::params::Params;
use crate::queue::{Member, WriteQueue, locked};
use libsql_sys::wal::wrapper::WrappedWal;
use libsql_sys::wal::{Sqlite3Wal, Sqlite3WalManager, WalManager};
use rusqlite::StatementStatus;
use rusqlite::types::ValueRef;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Instant;
use tokio::sync::OwnedSemaphorePermit;

/// Steps and when each of them runs.
#[derive(Debug, Default)]
pub(crate) struct Program {
    pub(crate) steps: Vec<Step>,
}

#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) condition: Option<Condition>,
    pub(crate) statement: Statement,
    pub(crate) params: Params,
}

/// What earlier steps must have done for a step to run.
#[derive(Debug)]
pub(crate) enum Condition {
    Ok(usize),
    Error(usize),
    Not(Box<Condition>),
    And(Vec<Condition>),
    Or(Vec<Condition>),
    IsAutocommit,
}

/// Why a step failed. The next step runs all the same if its condition lets it.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The engine said no.
    Engine(rusqlite::Error),
    /// The bound values do not fit the statement.
    Params(String),
    /// Another writer ended this connection's transaction.
    TimedOut,
    /// A condition names a step that has not run.
    NoSuchStep(usize),
}

/// Why a whole program stopped.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The answer grew beyond the limit.
    TooLarge,
    /// What sqld answers with HTTP 500.
    Internal(String),
}

/// What a step that ran did.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Done {
    pub(crate) changed_rows: u64,
    pub(crate) last_insert_rowid: Option<i64>,
    pub(crate) rows_read: u64,
    pub(crate) rows_written: u64,
    pub(crate) milliseconds: f64,
}

/// A column of a result: its name and its declared type.
pub(crate) type Column<'a> = (&'a str, Option<&'a str>);

/// Takes what a program yields, in order: for each step columns, rows and an end, or only an end.
pub(crate) trait Sink {
    fn columns(&mut self, columns: &[Column<'_>]) -> Result<(), Stop>;
    fn row(&mut self, values: &[ValueRef<'_>]) -> Result<(), Stop>;
    fn done(&mut self, done: Done) -> Result<(), Stop>;
    fn skipped(&mut self) -> Result<(), Stop>;
    fn failed(&mut self, failure: Failure) -> Result<(), Stop>;
}

/// What a statement needs and yields, found without running it.
pub(crate) struct Description {
    pub(crate) params: Vec<Option<String>>,
    pub(crate) columns: Vec<(String, Option<String>)>,
    pub(crate) is_explain: bool,
    pub(crate) is_readonly: bool,
}

/// One database file in WAL mode, whose log is never checkpointed.
pub(crate) struct Database {
    path: PathBuf,
    queue: Arc<WriteQueue>,
    max_value_bytes: usize,
    /// Keeps the shared memory of the log alive between streams.
    _anchor: Mutex<Core>,
}

impl Database {
    /// Opens or creates the database file at `path`.
    pub(crate) fn open(
        path: PathBuf,
        queue: Arc<WriteQueue>,
        max_value_bytes: usize,
    ) -> rusqlite::Result<Self> {
        let anchor = Core::open(&path, queue.member(), max_value_bytes)?;
        Ok(Database {
            path,
            queue,
            max_value_bytes,
            _anchor: Mutex::new(anchor),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn queue(&self) -> &WriteQueue {
        &self.queue
    }

    /// A new connection, which gives `permit` back when it ends.
    pub(crate) fn connect(&self, permit: OwnedSemaphorePermit) -> rusqlite::Result<Connection> {
        let member = self.queue.member();
        let id = member.id();
        let mut core = Core::open(&self.path, member, self.max_value_bytes)?;
        core._permit = Some(permit);
        let cancelled = Arc::clone(&core.cancelled);
        let unwanted = Arc::clone(&core.unwanted);
        let core = Arc::new(Mutex::new(core));
        let holder: Weak<Mutex<Core>> = Arc::downgrade(&core);
        self.queue.register(
            id,
            Arc::new(move || {
                // A program that is running sees this before its next step, and would not give way to the
                // lock below for long.
                unwanted.store(true, Ordering::Relaxed);
                if let Some(core) = holder.upgrade() {
                    locked(&core).give_way();
                }
            }),
        );
        Ok(Connection {
            core,
            cancelled,
            queue: Arc::clone(&self.queue),
        })
    }
}

/// One connection. Dropping the last handle rolls back what is open.
#[derive(Clone)]
pub(crate) struct Connection {
    core: Arc<Mutex<Core>>,
    cancelled: Arc<AtomicBool>,
    queue: Arc<WriteQueue>,
}

struct Core {
    db: libsql_sys::Connection<WrappedWal<Member, Sqlite3Wal>>,
    cancelled: Arc<AtomicBool>,
    /// Another writer wants the transaction to end.
    unwanted: Arc<AtomicBool>,
    /// Another writer ended the transaction and this connection has not been told yet.
    timed_out: bool,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Core {
    fn open(path: &Path, member: Member, max_value_bytes: usize) -> rusqlite::Result<Self> {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE
            | rusqlite::OpenFlags::SQLITE_OPEN_CREATE
            | rusqlite::OpenFlags::SQLITE_OPEN_URI
            | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let wal = Sqlite3WalManager::default().wrap(member);
        let db = libsql_sys::Connection::open(path, flags, wal, 0, None)?;
        // A test server's data need not outlive the machine.
        db.pragma_update(None, "synchronous", "off")?;
        let limit = i32::try_from(max_value_bytes).unwrap_or(i32::MAX);
        db.set_limit(rusqlite::limits::Limit::SQLITE_LIMIT_LENGTH, limit);
        let cancelled = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&cancelled);
        db.progress_handler(100, Some(move || seen.load(Ordering::Relaxed)));
        Ok(Core {
            db,
            cancelled,
            unwanted: Arc::default(),
            timed_out: false,
            _permit: None,
        })
    }

    /// Ends the transaction if another writer wants that.
    fn give_way(&mut self) {
        if self.unwanted.swap(false, Ordering::Relaxed) {
            self.force_rollback();
        }
    }

    fn force_rollback(&mut self) {
        if !self.timed_out && !self.db.is_autocommit() {
            // It can only fail where the transaction has just ended by itself.
            self.timed_out = self.db.execute_batch("ROLLBACK").is_ok();
        }
    }
}

impl Connection {
    /// Stops what is running, as sqld does when its client goes away: the statement is interrupted at its
    /// next chance, and short ones may still pass.
    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// What is asked for from here on runs.
    pub(crate) fn uncancel(&self) {
        self.cancelled.store(false, Ordering::Relaxed);
    }

    pub(crate) fn is_autocommit(&self) -> bool {
        locked(&self.core).db.is_autocommit()
    }

    /// Number of the last committed frame of the database.
    pub(crate) fn last_frame(&self) -> Option<u64> {
        self.queue.last_frame()
    }

    /// Prepares the first statement of `sql`; nothing runs, and no list of allowed statements is asked.
    pub(crate) fn describe(&self, sql: &str) -> rusqlite::Result<Description> {
        let core = locked(&self.core);
        let statement = core.db.prepare(sql)?;
        Ok(Description {
            params: (1..=statement.parameter_count())
                .map(|index| statement.parameter_name(index).map(str::to_owned))
                .collect(),
            columns: statement
                .columns()
                .iter()
                .map(|column| {
                    let declared = column.decl_type().map(str::to_owned);
                    (column.name().to_owned(), declared)
                })
                .collect(),
            is_explain: statement.is_explain() != 0,
            is_readonly: statement.readonly(),
        })
    }

    /// Runs `program`, step by step; other connections may end its transaction between steps.
    pub(crate) fn run(
        &self,
        program: &Program,
        sink: &mut dyn Sink,
        call: &Call,
    ) -> Result<(), Stop> {
        let mut results = Vec::with_capacity(program.steps.len());
        let mut timed_out = false;
        for step in &program.steps {
            let steal = call.before_step();
            let mut core = locked(&self.core);
            core.give_way();
            if steal {
                core.force_rollback();
            }
            timed_out |= std::mem::take(&mut core.timed_out);
            if timed_out {
                // From here on every step of this program fails, whatever its condition.
                sink.failed(Failure::TimedOut)?;
                continue;
            }
            let wanted = match &step.condition {
                None => Ok(true),
                Some(condition) => holds(condition, &results, core.db.is_autocommit()),
            };
            let ran = match wanted {
                Ok(false) => {
                    sink.skipped()?;
                    false
                }
                Err(missing) => {
                    sink.failed(Failure::NoSuchStep(missing))?;
                    false
                }
                Ok(true) => match execute(&core.db, step, sink)? {
                    Ok(done) => {
                        sink.done(done)?;
                        true
                    }
                    Err(failure) => {
                        sink.failed(failure)?;
                        false
                    }
                },
            };
            results.push(ran);
        }
        Ok(())
    }
}

fn holds(condition: &Condition, results: &[bool], autocommit: bool) -> Result<bool, usize> {
    let result = |step: &usize| results.get(*step).copied().ok_or(*step);
    Ok(match condition {
        Condition::Ok(step) => result(step)?,
        Condition::Error(step) => !result(step)?,
        Condition::Not(condition) => !holds(condition, results, autocommit)?,
        Condition::And(all) => {
            let mut value = true;
            for condition in all {
                value &= holds(condition, results, autocommit)?;
            }
            value
        }
        Condition::Or(any) => {
            let mut value = false;
            for condition in any {
                value |= holds(condition, results, autocommit)?;
            }
            value
        }
        Condition::IsAutocommit => autocommit,
    })
}

/// Runs one statement; the outer error ends the program, the inner one only the step.
fn execute(
    db: &rusqlite::Connection,
    step: &Step,
    sink: &mut dyn Sink,
) -> Result<Result<Done, Failure>, Stop> {
    let start = Instant::now();
    macro_rules! attempt {
        ($result:expr) => {
            match $result {
                Ok(value) => value,
                Err(error) => return Ok(Err(error.into())),
            }
        };
    }
    let mut statement = attempt!(db.prepare(&step.statement.sql));
    let width = {
        let columns = statement.columns();
        let columns: Vec<Column<'_>> = columns
            .iter()
            .map(|column| (column.name(), column.decl_type()))
            .collect();
        sink.columns(&columns)?;
        columns.len()
    };
    attempt!(step.params.bind(&mut statement).map_err(Failure::Params));
    let mut rows = statement.raw_query();
    while let Some(row) = attempt!(rows.next()) {
        let mut values = Vec::with_capacity(width);
        for index in 0..width {
            values.push(attempt!(row.get_ref(index)));
        }
        sink.row(&values)?;
    }
    // Both counters keep their last value, so they are reported only where they belong to the statement.
    let changed_rows = if step.statement.changes_rows {
        db.changes()
    } else {
        0
    };
    let last_insert_rowid = step.statement.inserts.then(|| db.last_insert_rowid());
    drop(rows);
    let count = |status| u64::from(statement.get_status(status).unsigned_abs());
    Ok(Ok(Done {
        changed_rows,
        last_insert_rowid,
        rows_read: count(StatementStatus::RowsRead),
        rows_written: count(StatementStatus::RowsWritten),
        milliseconds: start.elapsed().as_secs_f64() * 1000.0,
    }))
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Failure::Engine(error)
    }
}
