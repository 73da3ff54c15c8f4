//! The answers to queries as a stream: one batch, whose results come line by line while it runs.

use std::ops::ControlFlow;
use std::time::Duration;

use libsql_hrana::proto::{CursorEntry, CursorReqBody, CursorRespBody, StepBeginEntry};
use tokio::sync::mpsc::{Receiver, channel};

use super::complete::{Entries, Incomplete};
use super::http::Answer;
use super::lines::{LONGEST, LineBuffer, TooLong};
use super::wire::WireRow;
use super::{Remote, TRIES, batch};
use crate::db::stream::{Sink, StreamedRow};
use crate::db::{DbError, EngineError, Options, Pause, Query, RemoteError};

/// How many pieces of an answer wait at the most for the thread that takes them: a piece is what the network gave at
/// once.
const AHEAD: usize = 16;

/// How much of a line that cannot be read is kept, to be shown.
const SHOWN: usize = 1000;

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
        queries: Vec<Query>,
        sink: S,
        options: &Options,
    ) -> Result<S, DbError> {
        let interrupted = || Err(DbError::Read(EngineError::interrupted()));
        let mut answer = tokio::select! {
            answer = self.asked(&queries) => answer?,
            () = options.stop.raised() => return interrupted(),
        };
        let (send, receive) = channel(AHEAD);
        let steps = queries.len() + 2;
        let shown = tokio::task::spawn_blocking(move || show(receive, steps, sink));
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
                    // Nobody wants the rest, or could read it.
                    if taken.is_err() {
                        break None;
                    }
                }
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        drop(send);
        match (shown.await.map_err(DbError::Thread)?, lost) {
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

/// Takes an answer apart and shows its rows. `steps` is how many there are: `BEGIN`, the queries, `ROLLBACK`.
fn show<S: Sink, P: AsRef<[u8]>>(mut pieces: Receiver<P>, steps: usize, sink: S) -> End<S> {
    let mut lines = Lines {
        head: false,
        baton: None,
        row: WireRow::default(),
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
            // The server is told by the end of the connection.
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
            Some(true) => self.row(),
            Some(false) => match serde_json::from_slice(line) {
                Ok(entry) => self.entry(entry),
                Err(_) => foreign(line),
            },
            None => foreign(line),
        }
    }

    fn row(&mut self) -> Verdict {
        if let Err(lacks) = self.entries.row(self.row.width()) {
            return Verdict::Incomplete(lacks);
        }
        // What `BEGIN` and `ROLLBACK` might give is nobody's answer.
        if self.step == 0 || self.step + 1 >= self.steps {
            return Verdict::GoOn;
        }
        match self.sink.row(self.step - 1, StreamedRow::wire(&self.row)) {
            flow if flow.is_break() => Verdict::Enough,
            _ => Verdict::GoOn,
        }
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
        (self.step + 1 < self.steps).then(|| self.sink.width(query))?
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
