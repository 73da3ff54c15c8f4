//! The answers to queries as a stream: one batch, whose results come line by line while it runs.

use std::time::Duration;

use libsql_hrana::proto::{CursorEntry, CursorReqBody, CursorRespBody, StepBeginEntry};
use tokio::sync::mpsc::{Receiver, channel};

use super::http::Answer;
use super::wire::WireRow;
use super::{Remote, TRIES, batch};
use crate::db::stream::{Sink, StreamedRow};
use crate::db::{DbError, EngineError, Fate, Options, Pause, Query, RemoteError};

/// How many pieces of an answer wait at the most for the thread that takes them: a piece is what the network gave at
/// once.
const AHEAD: usize = 16;

/// How much of a line that cannot be read is shown.
const SHOWN: usize = 80;

/// What became of an answer.
enum End<S> {
    /// All of it was shown, or as much as was wanted.
    Shown(S, Option<String>),
    /// It ends before the last step does.
    Cut,
    /// The server's word on a query.
    Refused(EngineError),
    /// This is no line of a cursor.
    Foreign(String),
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
        let host = || self.server.host().to_owned();
        match (shown.await.map_err(DbError::Thread)?, lost) {
            (End::Shown(sink, baton), _) => {
                if let Some(baton) = baton {
                    self.server.close(baton).await;
                }
                Ok(sink)
            }
            (End::Refused(error), _) => Err(DbError::Read(error)),
            (End::Foreign(words), _) => Err(DbError::Remote(RemoteError::NotHrana {
                host: host(),
                words,
            })),
            (End::Cut, Some(error)) => Err(DbError::Remote(error)),
            (End::Cut, None) => Err(DbError::Remote(RemoteError::Lost {
                host: host(),
                why: "the answer ends too early".to_owned(),
            })),
        }
    }

    /// Asks until an answer begins, a few times.
    async fn asked(&self, queries: &[Query]) -> Result<Answer<'_>, RemoteError> {
        let mut pause = Pause::new(Duration::from_millis(100));
        for _ in 1..TRIES {
            match self.server.begin_cursor(&body(queries)).await {
                Err(error) if error.fate() != Fate::Refused => pause.pass().await,
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
        step: 0,
        ended: 0,
        steps,
        sink,
    };
    // The beginning of a line whose end is still to come.
    let mut begun: Vec<u8> = Vec::new();
    while let Some(piece) = pieces.blocking_recv() {
        let mut rest = piece.as_ref();
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let verdict = if begun.is_empty() {
                lines.line(&rest[..end])
            } else {
                begun.extend_from_slice(&rest[..end]);
                let verdict = lines.line(&begun);
                begun.clear();
                verdict
            };
            match verdict {
                Verdict::GoOn => {}
                // The server is told by the end of the connection.
                Verdict::Enough => return End::Shown(lines.sink, None),
                Verdict::Refused(error) => return End::Refused(error),
                Verdict::Foreign(words) => return End::Foreign(words),
            }
            rest = &rest[end + 1..];
        }
        begun.extend_from_slice(rest);
    }
    match lines.ended == lines.steps {
        true => End::Shown(lines.sink, lines.baton),
        false => End::Cut,
    }
}

struct Lines<S> {
    /// Whether the first line came, which is no entry.
    head: bool,
    /// What names the server's stream, which is to be closed.
    baton: Option<String>,
    row: WireRow,
    /// The step under way.
    step: usize,
    /// How many steps have ended.
    ended: usize,
    steps: usize,
    sink: S,
}

enum Verdict {
    GoOn,
    Enough,
    Refused(EngineError),
    Foreign(String),
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
        // What `BEGIN` and `ROLLBACK` might give is nobody's answer.
        if self.step == 0 || self.step + 1 >= self.steps {
            return Verdict::GoOn;
        }
        match self.sink.row(self.step - 1, StreamedRow::wire(&self.row)) {
            flow if flow.is_break() => Verdict::Enough,
            _ => Verdict::GoOn,
        }
    }

    fn entry(&mut self, entry: CursorEntry) -> Verdict {
        match entry {
            CursorEntry::StepBegin(StepBeginEntry { step, .. }) => {
                let step = step as usize;
                if step != self.ended || step >= self.steps {
                    return Verdict::Foreign(format!("step {step} where {} was due", self.ended));
                }
                self.step = step;
                Verdict::GoOn
            }
            CursorEntry::StepEnd(_) => {
                self.ended += 1;
                Verdict::GoOn
            }
            CursorEntry::StepError(entry) => Verdict::Refused(batch::engine_error(&entry.error)),
            CursorEntry::Error { error } => Verdict::Refused(batch::engine_error(&error)),
            CursorEntry::Row { .. } | CursorEntry::ReplicationIndex { .. } | CursorEntry::None => {
                Verdict::GoOn
            }
        }
    }
}

fn foreign(line: &[u8]) -> Verdict {
    let text = String::from_utf8_lossy(&line[..line.len().min(SHOWN)]).into_owned();
    Verdict::Foreign(text)
}
