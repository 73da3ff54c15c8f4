//! Routes, answers and faults: every request is read whole, logged, and then goes wrong or not.

use crate::auth::{Keys, Rights};
use crate::call::Call;
use crate::compaction::Compaction;
use crate::engine::Database;
use crate::faults::{self, Executes, Fault, Plan, Rule};
use crate::hrana::{self, Reject, Streams};
use crate::kept::Kept;
use crate::log::{Log, Request as Logged};
use crate::proxy::Clients;
use crate::queue::locked;
use crate::server::Control;
use crate::{Options, Replication, grpc, short, v2};
use bytes::Bytes;
use hyper::header::{
    AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderValue, LOCATION, RETRY_AFTER,
};
use hyper::http::{request, response};
use hyper::{Body, Method, Request, Response, StatusCode, Version};
use libsql_hrana::proto;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use uuid::Uuid;

/// Everything that a request can reach.
pub(crate) struct State {
    pub(crate) options: Options,
    /// By the first label of their host.
    pub(crate) namespaces: HashMap<String, Control>,
    pub(crate) keys: Option<Keys>,
    pub(crate) database: Arc<Database>,
    /// Stays with the database, unless a crash is played.
    pub(crate) log_id: Mutex<Uuid>,
    pub(crate) compaction: Mutex<Compaction>,
    /// Of this run of the server.
    pub(crate) session: Uuid,
    pub(crate) clients: Clients,
    pub(crate) streams: Arc<Streams>,
    pub(crate) log: Log,
    pub(crate) plan: Plan,
    pub(crate) kept: Mutex<Kept>,
}

/// A page as proxies send it when the server behind them is in trouble.
const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Bad gateway</title></head>\
<body><h1>Bad gateway</h1><p>The server is not available.</p></body></html>\n";

const VERSION: &str = concat!(
    "seedbed-test-server ",
    env!("CARGO_PKG_VERSION"),
    " (as sqld 0.24)"
);

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("closed on purpose")]
pub(crate) struct Closed;

/// Answers one request, or says that its connection is to be closed.
pub(crate) async fn serve(
    state: Arc<State>,
    request: Request<Body>,
) -> Result<Response<Body>, Closed> {
    let (parts, body) = request.into_parts();
    let Ok(body) = hyper::body::to_bytes(body).await else {
        return Err(Closed);
    };
    let path = parts.uri.path();
    if let Some(name) = path.strip_prefix("/test/") {
        return Ok(command(&state, &parts.method, name, &body));
    }
    let state = match state.namespaces.is_empty() {
        true => state,
        false => {
            let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
            let label = host
                .unwrap_or_default()
                .split('.')
                .next()
                .unwrap_or_default();
            match state.namespaces.get(label) {
                Some(namespace) => namespace.state(),
                None => {
                    let error = format!("Namespace `{label}` doesn't exist");
                    let body = serde_json::json!({ "error": error });
                    return Ok(json(StatusCode::NOT_FOUND, &body));
                }
            }
        }
    };
    let header = parts.headers.get(AUTHORIZATION);
    let header = header.or_else(|| parts.headers.get("x-authorization"));
    let rights = match &state.keys {
        None => Ok(Rights::Everything),
        Some(keys) => keys.rights(header.and_then(|value| value.to_str().ok())),
    };
    let mut logged = Logged {
        number: 0,
        method: parts.method.to_string(),
        path: path.to_owned(),
        steps: 0,
        writes: false,
        bytes: body.len(),
        status: None,
    };
    let route = Route::new(parts, body.clone(), state.options.replication);
    logged.steps = route.steps();
    logged.writes = route.writes();
    let logged = state.log.add(logged);
    let fault = state.plan.fault(&logged);
    let job = Job {
        state: Arc::clone(&state),
        route,
        rights,
        expires: false,
    };
    let response = match fault {
        Some(Fault::Short { short, executes }) => shortened(job, &body, short, executes).await,
        Some(Fault::Remember) => {
            let (parts, answer) = complete(job, Arc::new(call_of(rights))).await;
            locked(&state.kept).insert(&body, &answer);
            Response::from_parts(parts, Body::from(answer))
        }
        Some(Fault::Replay) => {
            let kept = locked(&state.kept).get(&body);
            match kept {
                Some(answer) => typed(StatusCode::OK, "application/json", Body::from(answer)),
                None => faulty(job, None).await?,
            }
        }
        fault => faulty(job, fault).await?,
    };
    state
        .log
        .answered(logged.number, response.status().as_u16());
    Ok(response)
}

/// What a request asks for, its body parsed where it is Hrana.
struct Job {
    state: Arc<State>,
    route: Route,
    /// By its token; the reason where the token is not good.
    rights: Result<Rights, &'static str>,
    /// The stream that it leaves open expires at once.
    expires: bool,
}

enum Route {
    Pipeline(Result<proto::PipelineReqBody, Reject>),
    Cursor(Result<proto::CursorReqBody, Reject>),
    Index,
    Health,
    Version,
    Grpc(Box<Request<Body>>),
    V2(v2::Asked),
    Unknown,
}

impl Route {
    fn new(parts: request::Parts, body: Bytes, replication: Replication) -> Self {
        match (parts.method.as_str(), parts.uri.path()) {
            ("POST", "/v3/pipeline") => Route::Pipeline(parse(&body)),
            ("POST", "/v3/cursor") => Route::Cursor(parse(&body)),
            ("GET", "/v3") => Route::Index,
            ("GET", "/health") => Route::Health,
            ("GET", "/version") => Route::Version,
            (_, path) if replication == Replication::V1 && grpc::serves(path) => {
                Route::Grpc(Box::new(Request::from_parts(parts, Body::from(body))))
            }
            (_, path) if replication == Replication::V2 => {
                v2::asked(&parts.method, path).map_or(Route::Unknown, Route::V2)
            }
            _ => Route::Unknown,
        }
    }

    fn steps(&self) -> usize {
        match self {
            Route::Pipeline(Ok(body)) => body
                .requests
                .iter()
                .map(|request| match request {
                    proto::StreamRequest::Batch(request) => request.batch.steps.len(),
                    proto::StreamRequest::Execute(_) | proto::StreamRequest::Sequence(_) => 1,
                    _ => 0,
                })
                .sum(),
            Route::Cursor(Ok(body)) => body.batch.steps.len(),
            _ => 0,
        }
    }

    fn writes(&self) -> bool {
        let reads = ["SELECT", "PRAGMA", "EXPLAIN", "WITH", "ROLLBACK"];
        let writes = |step: &proto::BatchStep| {
            let sql = step.stmt.sql.as_deref().unwrap_or_default();
            sql != "BEGIN" && !reads.iter().any(|word| sql.starts_with(word))
        };
        match self {
            Route::Pipeline(Ok(body)) => body.requests.iter().any(|request| match request {
                proto::StreamRequest::Batch(request) => request.batch.steps.iter().any(writes),
                _ => false,
            }),
            Route::Cursor(Ok(body)) => body.batch.steps.iter().any(writes),
            _ => false,
        }
    }

    fn baton(&self) -> Option<&str> {
        match self {
            Route::Pipeline(Ok(body)) => body.baton.as_deref(),
            Route::Cursor(Ok(body)) => body.baton.as_deref(),
            _ => None,
        }
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Reject> {
    serde_json::from_slice(body).map_err(|error| {
        Reject::Protocol(format!(
            "Cannot deserialize client message from JSON: {error}"
        ))
    })
}

fn call_of(rights: Result<Rights, &'static str>) -> Call {
    Call::new(rights.unwrap_or(Rights::Read))
}

/// Handles a request with what goes wrong with it.
async fn faulty(mut job: Job, fault: Option<Fault>) -> Result<Response<Body>, Closed> {
    let mut call = call_of(job.rights);
    match fault {
        None => {}
        Some(Fault::Delay { ms }) => tokio::time::sleep(Duration::from_millis(ms)).await,
        Some(Fault::DropBefore) => return Err(Closed),
        Some(Fault::Status {
            status,
            retry_after,
        }) => return Ok(refused(status, retry_after)),
        Some(Fault::StatusAfter { status, executes }) => {
            if executes == Executes::Everything {
                let _ = tokio::spawn(complete(job, Arc::new(call))).await;
            }
            return Ok(page(StatusCode::from_u16(status).unwrap_or_default()));
        }
        Some(Fault::Endless {
            status,
            head,
            lines,
            executes,
        }) => {
            if executes == Executes::Everything {
                let _ = tokio::spawn(complete(job, Arc::new(call))).await;
            }
            return Ok(endless(status, head, lines));
        }
        Some(Fault::Patience { ms }) => {
            let running = tokio::spawn(complete(job, Arc::new(call)));
            return match tokio::time::timeout(Duration::from_millis(ms), running).await {
                Ok(Ok((parts, body))) => Ok(Response::from_parts(parts, Body::from(body))),
                _ => Err(Closed),
            };
        }
        Some(Fault::Refused { code, message }) => {
            return Ok(all_refused(&job.route, &code, &message));
        }
        Some(Fault::Html) => return Ok(page(StatusCode::OK)),
        Some(Fault::StealLock { step }) => call.steal_before = Some(step),
        Some(Fault::DropAfter) => {
            // Apart from this connection, so that a client that gives up does not stop it.
            let _ = tokio::spawn(complete(job, Arc::new(call))).await;
            return Err(Closed);
        }
        Some(Fault::DropDuring { step }) => {
            call.cut_before = Some(step);
            return cut(job, Arc::new(call)).await;
        }
        Some(Fault::ExpireStream) => match job.route.baton() {
            Some(baton) => job.state.streams.expire(baton),
            None => job.expires = true,
        },
        Some(Fault::Redirect {
            status,
            location,
            executes,
        }) => {
            if executes == Executes::Everything {
                let _ = tokio::spawn(complete(job, Arc::new(call))).await;
            }
            return Ok(redirect(status, &location));
        }
        // An answer to one of the two routes that have such answers.
        Some(Fault::Short { .. } | Fault::Remember | Fault::Replay) => {}
        Some(Fault::CutBody) => return halve(complete(job, Arc::new(call)).await),
    }
    Ok(handle(job, Arc::new(call)).await)
}

/// An error in place of each result of a pipeline.
fn all_refused(route: &Route, code: &str, message: &str) -> Response<Body> {
    let parts = match route {
        Route::Pipeline(Ok(body)) => body.requests.len(),
        _ => 0,
    };
    let error = serde_json::json!({
        "type": "error",
        "error": { "code": code, "message": message },
    });
    let answer = serde_json::json!({
        "baton": null,
        "base_url": null,
        "results": vec![error; parts],
    });
    json(StatusCode::OK, &answer)
}

/// Closes the connection when the step is reached, while the request runs on.
async fn cut(job: Job, call: Arc<Call>) -> Result<Response<Body>, Closed> {
    let running = tokio::spawn(complete(job, Arc::clone(&call)));
    tokio::select! {
        biased;
        () = call.cut.notified() => Err(Closed),
        done = running => {
            let (parts, body) = done.map_err(|_| Closed)?;
            Ok(Response::from_parts(parts, Body::from(body)))
        }
    }
}

/// Handles a request to its end: a cursor runs only while it is read.
async fn complete(job: Job, call: Arc<Call>) -> (response::Parts, Bytes) {
    let (parts, body) = handle(job, call).await.into_parts();
    let body = hyper::body::to_bytes(body).await.unwrap_or_default();
    (parts, body)
}

/// The same answer with half of its body, after which the connection ends.
fn halve((mut parts, body): (response::Parts, Bytes)) -> Result<Response<Body>, Closed> {
    parts.headers.insert(CONTENT_LENGTH, body.len().into());
    let half = body.slice(..body.len() / 2);
    let (mut sender, body) = Body::channel();
    tokio::spawn(async move {
        // Time for the half to leave: what ends the connection would take it along.
        if sender.send_data(half).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        sender.abort();
    });
    Ok(Response::from_parts(parts, body))
}

/// The answer to a request of whose results some are left out.
async fn shortened(
    job: Job,
    request: &[u8],
    short: faults::Short,
    executes: Executes,
) -> Response<Body> {
    let call = Arc::new(call_of(job.rights));
    let is_cursor = match job.route {
        Route::Pipeline(_) => false,
        Route::Cursor(_) => true,
        _ => return handle(job, call).await,
    };
    let (parts, body) = match executes {
        Executes::Everything => complete(job, call).await,
        Executes::Nothing => {
            let body = match is_cursor {
                true => Bytes::from_static(b"{\"baton\":null,\"base_url\":null}\n"),
                false => short::unexecuted(request),
            };
            (Response::new(()).into_parts().0, body)
        }
    };
    if !is_cursor {
        return Response::from_parts(parts, Body::from(short::pipeline(&body, short)));
    }
    let body = short::cursor(&body, short, executes);
    // Without a length, and in the old version, the answer ends where the connection does.
    let body = futures_util::stream::iter([Ok::<_, Infallible>(body)]);
    let mut response = Response::from_parts(parts, Body::wrap_stream(body));
    *response.version_mut() = Version::HTTP_10;
    response
}

async fn handle(job: Job, call: Arc<Call>) -> Response<Body> {
    let state = &job.state;
    match job.route {
        Route::Index => text(
            StatusCode::OK,
            "Hello, this is HTTP API v2 (Hrana over HTTP)",
        ),
        Route::Health => text(StatusCode::OK, ""),
        Route::Version => text(StatusCode::OK, VERSION),
        Route::Unknown => text(StatusCode::NOT_FOUND, ""),
        Route::Grpc(mut request) => {
            request.extensions_mut().insert(job.rights);
            request.extensions_mut().insert(call);
            let answer = grpc::serve(state, *request).await;
            answer.unwrap_or_else(|| text(StatusCode::INTERNAL_SERVER_ERROR, ""))
        }
        Route::Pipeline(_) | Route::Cursor(_) | Route::V2(_) if job.rights.is_err() => {
            let reason = job.rights.err().unwrap_or_default();
            failure(
                StatusCode::UNAUTHORIZED,
                &format!("Unauthorized: `{reason}`"),
            )
        }
        Route::V2(asked) => v2::answer(&state.database, asked).await,
        Route::Pipeline(Err(reject)) | Route::Cursor(Err(reject)) => rejected(reject),
        Route::Pipeline(Ok(body)) => {
            let limit = state.options.max_response_bytes;
            match hrana::pipeline(&state.streams, body, &call, limit).await {
                Ok(answer) => {
                    if let (true, Some(baton)) = (job.expires, &answer.baton) {
                        state.streams.expire(baton);
                    }
                    json(StatusCode::OK, &answer)
                }
                Err(reject) => rejected(reject),
            }
        }
        Route::Cursor(Ok(body)) => match hrana::cursor(&state.streams, body, &call).await {
            Ok((baton, body)) => {
                if let (true, Some(baton)) = (job.expires, &baton) {
                    state.streams.expire(baton);
                }
                typed(StatusCode::OK, "text/plain", body)
            }
            Err(reject) => rejected(reject),
        },
    }
}

/// `/test/…`: what tests ask of the server itself.
fn command(state: &State, method: &Method, command: &str, body: &[u8]) -> Response<Body> {
    match (method.as_str(), command) {
        ("GET", "requests") => json(StatusCode::OK, &state.log.all()),
        ("DELETE", "requests") => {
            state.log.clear();
            text(StatusCode::OK, "")
        }
        ("POST", "faults") => match serde_json::from_slice::<Vec<Rule>>(body) {
            Ok(rules) => {
                state.plan.set(Some(faults::by_rules(rules)));
                text(StatusCode::OK, "")
            }
            Err(error) => text(StatusCode::BAD_REQUEST, &format!("{error}\n")),
        },
        ("DELETE", "faults") => {
            state.plan.set(None);
            text(StatusCode::OK, "")
        }
        ("POST", "expire") => {
            state.streams.expire_all();
            text(StatusCode::OK, "")
        }
        _ => text(StatusCode::NOT_FOUND, ""),
    }
}

fn rejected(reject: Reject) -> Response<Body> {
    match reject {
        Reject::Protocol(reason) => text(StatusCode::BAD_REQUEST, &reason),
        Reject::Expired => {
            let error = proto::Error {
                message: "The stream has expired due to inactivity".to_owned(),
                code: "STREAM_EXPIRED".to_owned(),
            };
            json(StatusCode::BAD_REQUEST, &error)
        }
        Reject::Busy => failure(
            StatusCode::TOO_MANY_REQUESTS,
            "Timed out while opening database connection",
        ),
        Reject::Forbidden(reason) => failure(
            StatusCode::FORBIDDEN,
            &format!("Authorization forbidden: {reason}"),
        ),
        Reject::Internal(reason) => failure(StatusCode::INTERNAL_SERVER_ERROR, &reason),
    }
}

/// The answer of a server that is in trouble, or of the proxy before it.
fn refused(status: u16, retry_after: Option<u64>) -> Response<Body> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    let mut response = match status {
        StatusCode::TOO_MANY_REQUESTS => rejected(Reject::Busy),
        status => page(status),
    };
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

/// An answer that goes on for as long as it is read.
fn endless(status: u16, head: String, lines: bool) -> Response<Body> {
    let mut blanks = vec![b' '; 1 << 16];
    if lines {
        blanks.push(b'\n');
    }
    let blanks = std::iter::repeat(Bytes::from(blanks));
    let pieces = std::iter::once(Bytes::from(head)).chain(blanks);
    let body = Body::wrap_stream(futures_util::stream::iter(pieces.map(Ok::<_, Infallible>)));
    typed(
        StatusCode::from_u16(status).unwrap_or_default(),
        "text/plain",
        body,
    )
}

fn redirect(status: u16, location: &str) -> Response<Body> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::FOUND);
    let mut response = text(status, "");
    if let Ok(location) = HeaderValue::from_bytes(location.as_bytes()) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

fn page(status: StatusCode) -> Response<Body> {
    typed(status, "text/html", Body::from(PAGE))
}

fn failure(status: StatusCode, reason: &str) -> Response<Body> {
    json(status, &serde_json::json!({ "error": reason }))
}

pub(crate) fn json<T: Serialize>(status: StatusCode, value: &T) -> Response<Body> {
    match serde_json::to_vec(value) {
        Ok(bytes) => typed(status, "application/json", Body::from(bytes)),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

pub(crate) fn text(status: StatusCode, text: &str) -> Response<Body> {
    typed(status, "text/plain", Body::from(text.to_owned()))
}

pub(crate) fn typed(status: StatusCode, content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(content_type);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}
