//! `POST /v3/cursor`: one batch, its results streamed as lines of JSON while it runs, without a size limit.

use super::program::{self, Refusal};
use super::stream::Streams;
use super::{Reject, error, step_error, value};
use crate::call::Call;
use crate::engine::{Column, Connection, Done, Failure, Program, Sink, Stop};
use crate::run::CancelOnDrop;
use bytes::Bytes;
use hyper::Body;
use libsql_hrana::proto;
use rusqlite::types::ValueRef;
use serde::Serialize;
use std::sync::Arc;
use std::task::Poll;
use tokio::sync::mpsc;

type Line = std::io::Result<Bytes>;

/// The baton of the stream and the body of the answer.
pub(crate) async fn cursor(
    streams: &Arc<Streams>,
    body: proto::CursorReqBody,
    call: &Arc<Call>,
) -> Result<(Option<String>, Body), Reject> {
    let mut guard = streams.acquire(body.baton.as_deref()).await?;
    let connection = guard.connection()?;
    // Unlike in a pipeline, a text that cannot be parsed is no answer to a request, so sqld gives up.
    let program = program::batch(&body.batch, guard.texts()).map_err(|refusal| match refusal {
        Refusal::Reject(reject) => reject,
        Refusal::Error(error) => Reject::Internal(format!("Internal Error: `{}`", error.message)),
    })?;
    let baton = guard.release();
    let (sender, mut lines) = mpsc::channel::<Line>(1);
    let first = line(&proto::CursorRespBody {
        baton: baton.clone(),
        base_url: None,
    });
    let mut cancel = CancelOnDrop::arm(&connection);
    let call = Arc::clone(call);
    tokio::task::spawn_blocking(move || run(&connection, &program, &call, sender));
    let mut first = Some(first);
    let stream = futures_util::stream::poll_fn(move |context| {
        if let Some(first) = first.take() {
            return Poll::Ready(Some(first));
        }
        let next = lines.poll_recv(context);
        if let Poll::Ready(None) = next {
            // Only a client that goes away before the end cancels the program.
            cancel.disarm();
        }
        next
    });
    Ok((baton, Body::wrap_stream(stream)))
}

fn run(connection: &Connection, program: &Program, call: &Call, lines: mpsc::Sender<Line>) {
    let mut sink = Lines { lines, step: 0 };
    if let Err(reason) = program::permitted(program, call.rights) {
        sink.send(Err(std::io::Error::other(format!(
            "Authorization forbidden: {reason}"
        ))));
        return;
    }
    match connection.run(program, &mut sink, call) {
        Ok(()) => sink.entry(&proto::CursorEntry::ReplicationIndex {
            replication_index: connection.last_frame(),
        }),
        Err(Stop::TooLarge) => sink.entry(&proto::CursorEntry::Error {
            error: error("Response is too large", "RESPONSE_TOO_LARGE"),
        }),
        Err(Stop::Internal(reason)) => sink.send(Err(std::io::Error::other(reason))),
    }
}

fn line<T: Serialize>(value: &T) -> Line {
    let mut bytes = serde_json::to_vec(value)?;
    bytes.push(b'\n');
    Ok(Bytes::from(bytes))
}

/// Sends each thing that a program yields as a line.
struct Lines {
    lines: mpsc::Sender<Line>,
    step: u32,
}

impl Lines {
    fn entry(&self, entry: &proto::CursorEntry) {
        self.send(line(entry));
    }

    /// A client that is gone reads nothing more; the program has its own way to learn of it.
    fn send(&self, line: Line) {
        let _ = self.lines.blocking_send(line);
    }

    fn next_step(&mut self) {
        self.step += 1;
    }
}

impl Sink for Lines {
    fn columns(&mut self, columns: &[Column<'_>]) -> Result<(), Stop> {
        self.entry(&proto::CursorEntry::StepBegin(proto::StepBeginEntry {
            step: self.step,
            cols: columns
                .iter()
                .map(|(name, declared)| proto::Col {
                    name: Some((*name).to_owned()),
                    decltype: declared.map(str::to_owned),
                })
                .collect(),
        }));
        Ok(())
    }

    fn row(&mut self, values: &[ValueRef<'_>]) -> Result<(), Stop> {
        let values: Result<Vec<_>, _> = values
            .iter()
            .map(|value| value::owned(*value).map(value::to_wire))
            .collect();
        self.entry(&proto::CursorEntry::Row {
            row: proto::Row {
                values: values.map_err(Stop::Internal)?,
            },
        });
        Ok(())
    }

    fn done(&mut self, done: Done) -> Result<(), Stop> {
        self.entry(&proto::CursorEntry::StepEnd(proto::StepEndEntry {
            affected_row_count: done.changed_rows,
            last_insert_rowid: done.last_insert_rowid,
        }));
        self.next_step();
        Ok(())
    }

    fn skipped(&mut self) -> Result<(), Stop> {
        self.next_step();
        Ok(())
    }

    fn failed(&mut self, failure: Failure) -> Result<(), Stop> {
        let error = step_error(failure)?;
        self.entry(&proto::CursorEntry::StepError(proto::StepErrorEntry {
            step: self.step,
            error,
        }));
        self.next_step();
        Ok(())
    }
}
