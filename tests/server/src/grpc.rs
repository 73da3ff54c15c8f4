//! Replication protocol V1 over gRPC-web, as the client crate's remote replica speaks it: the frames of the
//! log, and a snapshot of those that a test has compacted.
#![allow(
    clippy::result_large_err,
    reason = "the services' traits return tonic's own type"
)]

use crate::auth::Rights;
use crate::compaction::snapshot;
use crate::frames::{self, FRAME, HEADER};
use crate::http::State;
use crate::queue::locked;
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::stream::{self, BoxStream, Empty, StreamExt};
use hyper::service::Service;
use hyper::{Body, Request as HttpRequest, Response as HttpResponse};
use libsql_replication::rpc::proxy::proxy_server::ProxyServer;
use libsql_replication::rpc::replication::replication_log_server::{
    ReplicationLog, ReplicationLogServer,
};
use libsql_replication::rpc::replication::{
    Frame, Frames, HelloRequest, HelloResponse, LogOffset, NEED_SNAPSHOT_ERROR_MSG,
    NO_HELLO_ERROR_MSG, SESSION_TOKEN_KEY,
};
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// Frames of one answer; it is extended to the end of a transaction, as in sqld.
const BATCH: u64 = 1024;

/// The two gRPC services.
#[derive(Clone)]
pub(crate) struct Services {
    pub(crate) state: Arc<State>,
}

/// Whether a path belongs to one of the services.
pub(crate) fn serves(path: &str) -> bool {
    path.starts_with("/wal_log.ReplicationLog/") || path.starts_with("/proxy.Proxy/")
}

/// Answers a gRPC-web request. What the bearer may do, and the call, are in its extensions.
pub(crate) async fn serve(
    state: &Arc<State>,
    request: HttpRequest<Body>,
) -> Option<HttpResponse<Body>> {
    let services = Services {
        state: Arc::clone(state),
    };
    let response = if request.uri().path().starts_with("/proxy.Proxy/") {
        let mut service = tonic_web::enable(ProxyServer::new(services));
        service.call(request).await.ok()?
    } else {
        let mut service = tonic_web::enable(ReplicationLogServer::new(services));
        service.call(request).await.ok()?
    };
    let (parts, body) = response.into_parts();
    let body = hyper::body::to_bytes(body).await.ok()?;
    Some(HttpResponse::from_parts(parts, Body::from(body)))
}

/// What the bearer of the request's token may do.
pub(crate) fn rights<T>(request: &Request<T>) -> Result<Rights, Status> {
    let rights = request.extensions().get::<Result<Rights, &'static str>>();
    match rights {
        Some(Ok(rights)) => Ok(*rights),
        Some(Err(reason)) if reason.starts_with("Expected authorization header") => Err(
            Status::internal(format!("Error parsing auth header: {reason}")),
        ),
        Some(Err(reason)) => Err(Status::unauthenticated(format!("AuthError: {reason}"))),
        None => Err(Status::internal("the request lost its rights")),
    }
}

impl Services {
    fn greeted<T>(&self, request: &Request<T>) -> Result<(), Status> {
        let token = request.metadata().get(SESSION_TOKEN_KEY);
        match token {
            Some(token) if token.as_bytes() == self.state.session.to_string().as_bytes() => Ok(()),
            _ => Err(Status::failed_precondition(NO_HELLO_ERROR_MSG)),
        }
    }
}

#[tonic::async_trait]
impl ReplicationLog for Services {
    type LogEntriesStream = Empty<Result<Frame, Status>>;
    type SnapshotStream = BoxStream<'static, Result<Frame, Status>>;

    async fn hello(
        &self,
        request: Request<HelloRequest>,
    ) -> Result<Response<HelloResponse>, Status> {
        rights(&request)?;
        Ok(Response::new(HelloResponse {
            log_id: locked(&self.state.log_id).to_string(),
            session_token: Bytes::from(self.state.session.to_string()),
            generation_id: self.state.session.to_string(),
            generation_start_index: 0,
            current_replication_index: self.state.database.queue().last_frame(),
            config: None,
        }))
    }

    async fn batch_log_entries(
        &self,
        request: Request<LogOffset>,
    ) -> Result<Response<Frames>, Status> {
        rights(&request)?;
        self.greeted(&request)?;
        let first = request.get_ref().next_offset;
        if first < locked(&self.state.compaction).until {
            return Err(Status::failed_precondition(NEED_SNAPSHOT_ERROR_MSG));
        }
        let frames = match self.state.database.queue().last_frame() {
            Some(last) if first <= last => {
                let log = frames::log_of(self.state.database.path());
                tokio::task::spawn_blocking(move || batch(&log, first, last))
                    .await
                    .map_err(|error| Status::internal(error.to_string()))?
                    .map_err(|error| Status::internal(error.to_string()))?
            }
            _ => Vec::new(),
        };
        Ok(Response::new(Frames { frames }))
    }

    async fn log_entries(
        &self,
        request: Request<LogOffset>,
    ) -> Result<Response<Self::LogEntriesStream>, Status> {
        rights(&request)?;
        Err(Status::unimplemented(
            "the test server sends frames by BatchLogEntries only",
        ))
    }

    async fn snapshot(
        &self,
        request: Request<LogOffset>,
    ) -> Result<Response<Self::SnapshotStream>, Status> {
        rights(&request)?;
        self.greeted(&request)?;
        let until = {
            let mut compaction = locked(&self.state.compaction);
            if compaction.missing > 0 || compaction.until == 0 {
                compaction.missing = compaction.missing.saturating_sub(1);
                return Err(Status::unavailable("snapshot not found"));
            }
            compaction.until
        };
        let first = request.get_ref().next_offset;
        let log = frames::log_of(self.state.database.path());
        let frames = tokio::task::spawn_blocking(move || snapshot(&log, first, until))
            .await
            .map_err(|error| Status::internal(error.to_string()))?
            .map_err(|error| Status::internal(error.to_string()))?;
        let frames = frames.into_iter().map(|(number, raw)| {
            Ok(Frame {
                data: renumbered(&raw, number),
                timestamp: None,
                durable_frame_no: None,
            })
        });
        Ok(Response::new(stream::iter(frames).boxed()))
    }
}

/// The frames from `first` on, at least a batch of them and up to the end of a transaction.
fn batch(log: &std::path::Path, first: u64, last: u64) -> std::io::Result<Vec<Frame>> {
    let mut frames = Vec::new();
    let mut next = first;
    while next <= last {
        let count = (last - next + 1).min(BATCH);
        for raw in frames::read(log, next, count)?.chunks_exact(FRAME) {
            frames.push(Frame {
                data: renumbered(raw, next),
                timestamp: None,
                durable_frame_no: None,
            });
            next += 1;
            let commits = raw[4..8] != [0; 4];
            if commits && frames.len() as u64 >= BATCH {
                return Ok(frames);
            }
        }
    }
    Ok(frames)
}

/// A frame of the log as a frame of replication: numbered, little endian, its checksum left out.
fn renumbered(raw: &[u8], number: u64) -> Bytes {
    let mut frame = BytesMut::with_capacity(FRAME);
    frame.put_u64_le(number);
    frame.put_u64_le(0);
    frame.extend(raw[..4].iter().rev());
    frame.extend(raw[4..8].iter().rev());
    frame.put_slice(&raw[HEADER..]);
    frame.freeze()
}
