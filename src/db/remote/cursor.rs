//! The answers to queries as a stream: one batch, whose results come line by line while it runs.

use std::ops::ControlFlow;
use std::time::Duration;

use libsql_hrana::proto::{CursorEntry, CursorReqBody, CursorRespBody, StepBeginEntry};
use tokio::sync::mpsc::{Receiver, channel};

use super::complete::{Entries, Incomplete};
use super::http::Answer;
use super::lines::{LONGEST, LineBuffer, TooLong};
use super::page::{self, Broken, Pages};
use super::signs::asked;
use super::wire::WireRow;
use super::{Remote, TRIES, batch};
use crate::db::stream::{Signs, Sink, StreamedRow};
use crate::db::{DbError, Engine, EngineError, Options, Pause, Query, Question, RemoteError};

/// How many pieces of an answer wait at the most for the thread that takes them: a piece is what the network gave at
/// once.
const AHEAD: usize = 16;

/// How much of a line that cannot be read is kept, to be shown.
const SHOWN: usize = 1000;

/// The most bytes of the statements of one request that ask for pages. The tables behind them come row by row.
const STATEMENTS: usize = 8 << 20;

/// How the answer to a question comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As the query asks.
    Plain,
    /// A row for each row of so many columns.
    Rows(usize),
    /// Pages of rows of so many columns.
    Pages(usize),
}

/// The questions as the server is asked.
fn lower(questions: Vec<Question>, engine: Engine) -> (Vec<Query>, Vec<Form>) {
    let mut bytes = 0;
    let lowered = questions.into_iter().map(|question| match question {
        Question::Query(query) => (query, Form::Plain),
        Question::Scan(scan) => {
            let columns = scan.columns.len();
            let pages = page::question(&scan, engine).filter(|query| {
                bytes += query.sql.len();
                bytes <= STATEMENTS
            });
            match pages {
                Some(query) => (query, Form::Pages(columns)),
                None => (scan.plain(asked), Form::Rows(columns)),
            }
        }
    });
    lowered.unzip()
}

/// What became of an answer.
enum End<S> {
    /// All of it was shown, or as much as was wanted.
    Shown(S, Option<String>),
    /// It lacks something.
    Incomplete(Incomplete),
    /// The server's word on a query.
    Refused(EngineError),
    /// This is no line of a cursor.
    Foreign(Vec<u8>),
    /// A line has no end.
    TooLong,
}

impl Remote {
    pub(in crate::db) async fn stream<S: Sink>(
        &self,
        questions: Vec<Question>,
        sink: S,
        options: &Options,
    ) -> Result<S, DbError> {
        // How the rows of a table come depends on the engine.
        let engine = self.known_engine(options).await?;
        let (queries, forms) = lower(questions, engine);
        let interrupted = || Err(DbError::Read(EngineError::interrupted()));
        let mut answer = tokio::select! {
            answer = self.asked(&queries) => answer?,
            () = options.stop.raised() => return interrupted(),
        };
        let (send, receive) = channel(AHEAD);
        let shown = tokio::task::spawn_blocking(move || show(receive, forms, sink));
        let lost = loop {
            let piece = tokio::select! {
                piece = answer.piece() => piece,
                () = options.stop.raised() => return interrupted(),
            };
            match piece {
                Ok(Some(piece)) => {
                    let taken = tokio::select! {
                        taken = send.send(piece) => taken,
                        () = options.stop.raised() => return interrupted(),
                    };
                    // The rest is not needed, and cannot be read.
                    if taken.is_err() {
                        break None;
                    }
                }
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        drop(send);
        match (
            shown.await.map_err(|error| DbError::Thread(error.into()))?,
            lost,
        ) {
            (End::Shown(sink, baton), _) => {
                if let Some(baton) = baton {
                    self.server.close(baton);
                }
                Ok(sink)
            }
            (End::Refused(error), _) => Err(DbError::Read(error)),
            (End::Foreign(line), _) => Err(DbError::Remote(self.server.not_hrana(&line))),
            (End::TooLong, _) => Err(DbError::Remote(self.server.oversized(LONGEST))),
            (End::Incomplete(_), Some(error)) => Err(DbError::Remote(error)),
            (End::Incomplete(lacks), None) => Err(DbError::Remote(self.server.incomplete(&lacks))),
        }
    }

    /// Asks until an answer begins, a few times.
    async fn asked(&self, queries: &[Query]) -> Result<Answer<'_>, RemoteError> {
        let mut pause = Pause::new(Duration::from_millis(100));
        for _ in 1..TRIES {
            match self.server.begin_cursor(&body(queries)).await {
                Err(error) if error.may_pass() => pause.pass().await,
                answer => return answer,
            }
        }
        self.server.begin_cursor(&body(queries)).await
    }
}

fn body(queries: &[Query]) -> CursorReqBody {
    CursorReqBody {
        baton: None,
        batch: batch::lower_stream(queries),
    }
}

/// Takes an answer apart and shows its rows. Its steps are `BEGIN`, the queries, `ROLLBACK`.
fn show<S: Sink, P: AsRef<[u8]>>(mut pieces: Receiver<P>, forms: Vec<Form>, sink: S) -> End<S> {
    let steps = forms.len() + 2;
    let mut lines = Lines {
        head: false,
        baton: None,
        row: WireRow::default(),
        pages: Pages::default(),
        forms,
        entries: Entries::new(steps),
        step: 0,
        steps,
        sink,
    };
    let mut buffer = LineBuffer::default();
    while let Some(piece) = pieces.blocking_recv() {
        let verdict = buffer.take(piece.as_ref(), |line| match lines.line(line) {
            Verdict::GoOn => ControlFlow::Continue(()),
            verdict => ControlFlow::Break(verdict),
        });
        match verdict {
            Ok(ControlFlow::Continue(()) | ControlFlow::Break(Verdict::GoOn)) => {}
            // The end of the connection tells the server.
            Ok(ControlFlow::Break(Verdict::Enough)) => return End::Shown(lines.sink, None),
            Ok(ControlFlow::Break(Verdict::Refused(error))) => return End::Refused(error),
            Ok(ControlFlow::Break(Verdict::Incomplete(lacks))) => return End::Incomplete(lacks),
            Ok(ControlFlow::Break(Verdict::Foreign(line))) => return End::Foreign(line),
            Err(TooLong) => return End::TooLong,
        }
    }
    match lines.entries.finish() {
        Ok(()) if lines.entries.next() == steps && buffer.rest().is_empty() => {
            End::Shown(lines.sink, lines.baton)
        }
        _ if !lines.head => End::Incomplete(Incomplete::Empty),
        _ => End::Incomplete(Incomplete::EndsEarly),
    }
}

struct Lines<S> {
    /// Whether the first line came, which is no entry.
    head: bool,
    /// What names the server's stream, which is to be closed.
    baton: Option<String>,
    row: WireRow,
    pages: Pages,
    /// Of the answer to each query.
    forms: Vec<Form>,
    /// Each step depends on the one before it, so none is skipped.
    entries: Entries,
    /// The step under way.
    step: usize,
    steps: usize,
    sink: S,
}

enum Verdict {
    GoOn,
    Enough,
    Refused(EngineError),
    Incomplete(Incomplete),
    Foreign(Vec<u8>),
}

impl Verdict {
    fn of(flow: ControlFlow<()>) -> Verdict {
        match flow {
            ControlFlow::Continue(()) => Verdict::GoOn,
            ControlFlow::Break(()) => Verdict::Enough,
        }
    }
}

impl From<Result<(), Incomplete>> for Verdict {
    fn from(checked: Result<(), Incomplete>) -> Verdict {
        match checked {
            Ok(()) => Verdict::GoOn,
            Err(lacks) => Verdict::Incomplete(lacks),
        }
    }
}

impl<S: Sink> Lines<S> {
    fn line(&mut self, line: &[u8]) -> Verdict {
        if line.is_empty() {
            return Verdict::GoOn;
        }
        if !self.head {
            self.head = true;
            return match serde_json::from_slice::<CursorRespBody>(line) {
                Ok(head) => {
                    self.baton = head.baton;
                    Verdict::GoOn
                }
                Err(_) => foreign(line),
            };
        }
        match self.row.read(line) {
            Some(true) => match self.row() {
                Ok(verdict) => verdict,
                Err(Broken) => foreign(line),
            },
            Some(false) => match serde_json::from_slice(line) {
                Ok(entry) => self.entry(entry),
                Err(_) => foreign(line),
            },
            None => foreign(line),
        }
    }

    fn row(&mut self) -> Result<Verdict, Broken> {
        if let Err(lacks) = self.entries.row(self.row.width()) {
            return Ok(Verdict::Incomplete(lacks));
        }
        // What `BEGIN` and `ROLLBACK` might give is not an answer to a query.
        if self.step == 0 || self.step + 1 >= self.steps {
            return Ok(Verdict::GoOn);
        }
        let query = self.step - 1;
        let flow = match self.forms[query] {
            Form::Plain => self
                .sink
                .row(query, StreamedRow::wire(&self.row, 0, Signs::None)),
            Form::Rows(_) => self
                .sink
                .row(query, StreamedRow::wire(&self.row, 0, Signs::Asked)),
            Form::Pages(columns) => {
                if !self.pages.take(&mut self.row)? {
                    let row = StreamedRow::wire(&self.row, 1, Signs::Asked);
                    return Ok(Verdict::of(self.sink.row(query, row)));
                }
                let mut flow = ControlFlow::Continue(());
                while flow.is_continue() && self.pages.next(columns)? {
                    let row = StreamedRow::wire(&self.pages.row, 0, Signs::None);
                    flow = self.sink.row(query, row);
                }
                flow
            }
        };
        Ok(Verdict::of(flow))
    }

    fn begin(&mut self, step: u32, columns: usize) -> Result<(), Incomplete> {
        let due = self.entries.next();
        self.step = self.entries.begin(step, columns)?;
        let (number, sent) = (due + 1, self.steps);
        if self.step > due {
            return Err(Incomplete::NoResult { number, sent });
        }
        // All but `BEGIN` and `ROLLBACK` are queries.
        if columns == 0 && (1..sent - 1).contains(&self.step) {
            return Err(Incomplete::NoColumns { number });
        }
        match self.wanted() {
            Some(wanted) if wanted != columns => Err(Incomplete::Columns {
                number,
                found: columns,
                wanted,
            }),
            _ => Ok(()),
        }
    }

    /// How many columns the answer of the step under way is to have.
    fn wanted(&self) -> Option<usize> {
        // `BEGIN` and `ROLLBACK` are not the sink's.
        let query = self.step.checked_sub(1)?;
        match self.forms.get(query)? {
            Form::Plain => self.sink.width(query),
            Form::Rows(columns) => Some(*columns),
            Form::Pages(columns) => Some(columns + 1),
        }
    }

    fn entry(&mut self, entry: CursorEntry) -> Verdict {
        match entry {
            CursorEntry::StepBegin(StepBeginEntry { step, cols }) => {
                self.begin(step, cols.len()).into()
            }
            CursorEntry::StepEnd(_) => self.entries.end().into(),
            CursorEntry::StepError(entry) => Verdict::Refused(batch::engine_error(&entry.error)),
            CursorEntry::Error { error } if self.entries.has_begun() => {
                Verdict::Incomplete(Incomplete::Ended(error.message))
            }
            CursorEntry::Error { error } => Verdict::Refused(batch::engine_error(&error)),
            CursorEntry::Row { .. } | CursorEntry::ReplicationIndex { .. } | CursorEntry::None => {
                Verdict::GoOn
            }
        }
    }
}

fn foreign(line: &[u8]) -> Verdict {
    Verdict::Foreign(line[..line.len().min(SHOWN)].to_vec())
}
