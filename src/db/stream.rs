//! The answers to some queries, all of one state of the database, row by row and in constant memory.
//!
//! Rows go to a function on a thread of its own, so it may take its time: nothing is read ahead but what a
//! buffer of the system or a few pieces of an answer hold. It never writes and makes no file.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::local::{File, LOCK_SLICE, Memory, Wait};
use super::own_thread::on_own_thread;
use super::{Access, Db, DbError, EngineError, Mode, Options, Query, Question, Raw, Row};
use crate::sql::ValueRef;

/// A row on its way, until the next one.
#[derive(Debug)]
pub struct StreamedRow<'a>(Place<'a>);

/// Where the values lie.
#[derive(Debug)]
enum Place<'a> {
    Engine(Row<'a>),
    #[cfg(feature = "remote")]
    Wire {
        row: &'a super::remote::WireRow,
        /// The columns before the first value.
        before: usize,
        signs: Signs,
    },
}

/// How the signs of infinities come.
#[cfg(feature = "remote")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signs {
    /// Not at all, or with the value.
    None,
    /// In the form of `remote::signs`.
    Asked,
}

impl<'a> StreamedRow<'a> {
    #[cfg(feature = "remote")]
    pub(super) fn wire(
        row: &'a super::remote::WireRow,
        before: usize,
        signs: Signs,
    ) -> StreamedRow<'a> {
        StreamedRow(Place::Wire { row, before, signs })
    }

    /// How many values it has.
    pub fn width(&self) -> usize {
        match &self.0 {
            Place::Engine(row) => row.width(),
            #[cfg(feature = "remote")]
            Place::Wire { row, before, .. } => row.width().saturating_sub(*before),
        }
    }

    /// The value of a column, from 0; `NULL` where there is no such column. To a [`Query`] a server answers every infinity
    /// as the positive one, since JSON has no infinities; to a [`Scan`](super::Scan) with its sign.
    pub fn value(&self, column: usize) -> ValueRef<'_> {
        match &self.0 {
            Place::Engine(row) => row.value(column),
            #[cfg(feature = "remote")]
            Place::Wire { row, before, signs } => {
                let value = row.value(before + column);
                match signs {
                    Signs::None => value,
                    Signs::Asked => super::remote::given(value),
                }
            }
        }
    }
}

/// What rows go to. A function is one, too, and takes rows of any width.
pub trait Sink: Send + 'static {
    /// How many columns the answer to this query has; none where any number will do. An answer of another width is an
    /// error: a column that a server leaves out would read as `NULL`.
    fn width(&self, query: usize) -> Option<usize>;

    /// Takes a row of the query of this number, from 0. It may break off, and it may block.
    fn row(&mut self, query: usize, row: StreamedRow<'_>) -> ControlFlow<()>;
}

impl<F> Sink for F
where
    F: FnMut(usize, StreamedRow<'_>) -> ControlFlow<()> + Send + 'static,
{
    fn width(&self, _: usize) -> Option<usize> {
        None
    }

    fn row(&mut self, query: usize, row: StreamedRow<'_>) -> ControlFlow<()> {
        self(query, row)
    }
}

impl Db {
    /// Shows `sink` every row of every answer, in order, all of one state of the database. It is called on a thread that
    /// may block, and given back at the end; where it breaks off, nothing more is read. A local file that does not
    /// exist answers as an empty database and is not created. In memory no other connection can use the database
    /// meanwhile.
    ///
    /// # Errors
    /// As [`Db::query`], and [`DbError::Read`] where a query fails. What was shown before an error is no whole answer.
    pub async fn stream<S: Sink>(
        &self,
        questions: Vec<impl Into<Question>>,
        sink: S,
    ) -> Result<S, DbError> {
        let questions: Vec<Question> = questions.into_iter().map(Into::into).collect();
        let local = |questions: Vec<Question>| questions.into_iter().map(Question::local).collect();
        match &self.mode {
            Mode::Local(file) => of_file(file, local(questions), sink, &self.options).await,
            Mode::Memory(memory) => of_memory(memory, local(questions), sink, &self.options).await,
            #[cfg(feature = "remote")]
            Mode::Remote(remote) => remote.stream(questions, sink, &self.options).await,
            #[cfg(feature = "replica")]
            Mode::Replica(replica) => replica.remote.stream(questions, sink, &self.options).await,
        }
    }
}

async fn of_file<S: Sink>(
    file: &File,
    queries: Vec<Query>,
    sink: S,
    options: &Options,
) -> Result<S, DbError> {
    let path = file.path();
    super::local::refuse_no_file(path)?;
    file.refuse_side_files()?;
    let usual = match file.is_missing() {
        true => ":memory:",
        false => file.name(),
    };
    let open = async |name: &str, access| {
        let raw = Raw::open(name, access).await;
        let raw = raw.map_err(|source| DbError::Open {
            path: path.to_path_buf(),
            source,
        })?;
        Reading::begin(raw, options, Some(path)).await
    };
    let reading = match open(usual, Access::Read).await {
        Err(error) if file.may_recover(error.code()) => {
            match (open(usual, Access::Write).await, file.immutable()) {
                (Err(_), Some(name)) => open(&name, Access::Read).await?,
                (reading, _) => reading?,
            }
        }
        reading => reading?,
    };
    reading.stream(queries, sink, ()).await
}

async fn of_memory<S: Sink>(
    memory: &Memory,
    queries: Vec<Query>,
    sink: S,
    options: &Options,
) -> Result<S, DbError> {
    let held = memory.held().await;
    let raw = Raw::open(memory.name(), Access::Read).await;
    let raw = raw.map_err(|source| DbError::Open {
        path: ":memory:".into(),
        source,
    })?;
    let reading = Reading::begin(raw, options, None).await?;
    reading.stream(queries, sink, held).await
}

/// A connection with a read transaction.
struct Reading {
    raw: Raw,
    _left: Left,
}

/// Stops the thread if its result is no longer awaited.
struct Left(Arc<AtomicBool>);

impl Drop for Left {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Reading {
    async fn begin(
        mut raw: Raw,
        options: &Options,
        file: Option<&Path>,
    ) -> Result<Reading, DbError> {
        let left = Arc::new(AtomicBool::new(false));
        let (options, gone) = (options.clone(), left.clone());
        let file = file.map(Path::to_path_buf);
        let stop = options.stop.clone();
        raw.interrupted_by(Box::new(move || {
            gone.load(Ordering::Relaxed) || stop.is_raised()
        }));
        let raw = blocking(move || {
            raw.busy_timeout(LOCK_SLICE);
            // Where the file had to be opened for writing.
            raw.execute("PRAGMA query_only = ON")?;
            raw.execute("BEGIN")?;
            let mut wait = Wait::new(&options, file.as_deref());
            // The state to read is that of the first read.
            while let Err(error) = raw.execute("SELECT 1 FROM sqlite_schema LIMIT 1") {
                wait.ask_again(error)?;
            }
            Ok(raw)
        });
        Ok(Reading {
            raw: raw.await?,
            _left: Left(left),
        })
    }

    /// `held` is kept until the thread has ended, even if that is no longer awaited.
    async fn stream<S: Sink>(
        self,
        queries: Vec<Query>,
        mut sink: S,
        held: impl Send + 'static,
    ) -> Result<S, DbError> {
        let Reading { raw, _left } = self;
        blocking(move || {
            for (number, query) in queries.iter().enumerate() {
                let mut broke = false;
                let values = query.args.iter().map(ValueRef::from);
                raw.prepare(&query.sql)?.rows(values, |row| {
                    let flow = sink.row(number, StreamedRow(Place::Engine(row)));
                    broke = flow.is_break();
                    flow
                })?;
                if broke {
                    break;
                }
            }
            drop(raw);
            drop(held);
            Ok(sink)
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
) -> Result<T, DbError> {
    on_own_thread(work).await?.map_err(DbError::Read)
}
