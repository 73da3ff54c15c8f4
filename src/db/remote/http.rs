//! One request to a libSQL server, and what its answer means. Only this file and those below it name the HTTP client.
//!
//! It says of each failure whether the server can have carried the request out: what is safe to send again depends
//! on that and on nothing else. It never follows a redirect, and a batch's answer leaves it checked.

mod client;
#[cfg(feature = "replica")]
mod unary;
mod words;

use std::ops::ControlFlow;
use std::time::Duration;

use libsql_hrana::proto::{
    Batch, BatchStreamReq, CloseStreamReq, CursorReqBody, DescribeStreamReq, Error,
    PipelineReqBody, PipelineRespBody, StreamRequest, StreamResponse, StreamResult,
};
use reqwest::{RequestBuilder, Response, StatusCode, header};

use self::client::{authority, client, innermost, tls};
#[cfg(feature = "replica")]
pub(super) use self::unary::Unary;
use self::words::{refused_by_parser, words};
use super::complete::{Collected, Complete, Cursor, Incomplete, StepOutcome, Unusable};
use super::lines::{LONGEST, LineBuffer, TooLong};
use super::redirect::{Location, location};
use crate::db::log::{self, Log};
use crate::db::{EncryptionKey, Proxy, RemoteError, Sent};
use crate::proxy::THROUGH;

const PIPELINE: &str = "/v3/pipeline";
const CURSOR: &str = "/v3/cursor";

/// The message about a result of another kind than the request.
const OTHER_ANSWER: &[u8] = b"an answer to another question";

/// How long an answer is waited for at least before it counts as lost.
const ANSWER: Duration = Duration::from_secs(120);

/// The bytes of an error that are read: its first words are shown.
const ERROR: usize = 64 << 10;

/// The bytes of rows that are collected: all of them are in memory. Exports are streamed.
const COLLECTED: usize = 256 << 20;

/// For an answer as a whole that is taken piece by piece.
const FOREVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// A server and how to reach it.
#[derive(Clone)]
pub(super) struct Server {
    client: reqwest::Client,
    base: String,
    /// What errors call it: host and port, and the proxy on the way.
    host: String,
    token: Option<String>,
    encryption_key: Option<EncryptionKey>,
    /// How long an answer is waited for.
    limit: Duration,
    log: Log,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

/// The body of a request for one batch; none where it cannot be written, which the request itself reports.
pub(super) fn pipelined(batch: &Batch) -> Option<Vec<u8>> {
    serde_json::to_vec(&to_its_end(vec![of_batch(batch)])).ok()
}

fn of_batch(batch: &Batch) -> StreamRequest {
    StreamRequest::Batch(BatchStreamReq {
        batch: batch.clone(),
    })
}

/// These, then the end of the stream.
fn to_its_end(mut requests: Vec<StreamRequest>) -> PipelineReqBody {
    requests.push(StreamRequest::Close(CloseStreamReq {}));
    PipelineReqBody {
        baton: None,
        requests,
    }
}

impl Server {
    /// `base` is a URL with scheme `http` or `https` and without a slash at its end.
    pub(super) fn new(
        base: &str,
        token: Option<&str>,
        proxy: Option<&Proxy>,
    ) -> Result<Server, RemoteError> {
        let mut host = authority(base).to_owned();
        if let Some(proxy) = proxy {
            host = format!("{host}{THROUGH}{proxy}");
        }
        let client = client(base, &host, proxy)?;
        Ok(Server {
            client,
            base: base.to_owned(),
            host,
            token: token.map(str::to_owned),
            encryption_key: None,
            limit: ANSWER,
            log: Log::default(),
        })
    }

    /// Sends this key of the database with each request that has the token.
    pub(super) fn set_key(&mut self, key: Option<&EncryptionKey>) {
        self.encryption_key = key.cloned();
    }

    /// The request with what the server asks for: the token, and the key of the database.
    fn authorized(&self, mut request: RequestBuilder) -> RequestBuilder {
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(EncryptionKey(key)) = &self.encryption_key {
            request = request.header("x-turso-encryption-key", key);
        }
        request
    }

    /// Waits for answers as long as for a lock, where that is longer than usual: a statement may wait for a lock for all
    /// of that time.
    pub(super) fn wait_at_least(&mut self, lock_timeout: Duration) {
        self.limit = lock_timeout.max(ANSWER);
    }

    /// Logs each request from now on.
    pub(super) fn log_to(&mut self, log: &Log) {
        self.log = log.clone();
    }

    /// One request: these, then the end of the stream. As many results come back.
    async fn pipeline(
        &self,
        requests: Vec<StreamRequest>,
    ) -> Result<Vec<StreamResult>, RemoteError> {
        let sent = requests.len() + 1;
        let steps = requests.iter().map(steps).sum();
        let request = self.request(PIPELINE, &to_its_end(requests))?;
        let (_, mut results) = self.piped(request, sent, steps).await?;
        results.pop();
        Ok(results)
    }

    /// The baton for the next request of the stream, and the results of a pipeline with so many requests and steps.
    async fn piped(
        &self,
        request: RequestBuilder,
        sent: usize,
        steps: usize,
    ) -> Result<(Option<String>, Vec<StreamResult>), RemoteError> {
        let answer = self.send(PIPELINE, steps, request).await?;
        let answer = self.accepted(answer).await?;
        let answer = self.body(answer.answer).await?;
        let answer: PipelineRespBody =
            serde_json::from_slice(&answer).map_err(|error| match error.is_eof() {
                true if answer.trim_ascii().is_empty() => self.incomplete(&Incomplete::Empty),
                true => self.incomplete(&Incomplete::EndsEarly),
                false => self.not_hrana(&answer),
            })?;
        let results = answer.results;
        if results.len() != sent {
            return Err(self.incomplete(&Incomplete::Count {
                what: "requests",
                sent,
                found: results.len(),
            }));
        }
        Ok((answer.baton, results))
    }

    /// One batch, whose body is [`pipelined`] where it is made already. The inner error is the server's word on the batch as
    /// a whole, of which nothing was run then.
    pub(super) async fn batch(
        &self,
        batch: &Batch,
        body: Option<&[u8]>,
    ) -> Result<Result<Complete, Error>, RemoteError> {
        let request = match body {
            Some(body) => self.request_of(PIPELINE, body.to_vec()),
            None => self.request(PIPELINE, &to_its_end(vec![of_batch(batch)]))?,
        };
        let (_, results) = self.piped(request, 2, batch.steps.len()).await?;
        self.batch_answer(batch, results.into_iter().next())
    }

    /// One batch of a stream that was begun by another, with the baton for the next.
    pub(super) async fn batch_of_stream(
        &self,
        baton: Option<String>,
        batch: &Batch,
        is_last: bool,
    ) -> Result<(Option<String>, Result<Complete, Error>), RemoteError> {
        let mut requests = vec![of_batch(batch)];
        if is_last {
            requests.push(StreamRequest::Close(CloseStreamReq {}));
        }
        let sent = requests.len();
        let request = self.request(PIPELINE, &PipelineReqBody { baton, requests })?;
        let (next, results) = self.piped(request, sent, batch.steps.len()).await?;
        let answer = self.batch_answer(batch, results.into_iter().next())?;
        Ok((next, answer))
    }

    fn batch_answer(
        &self,
        batch: &Batch,
        answer: Option<StreamResult>,
    ) -> Result<Result<Complete, Error>, RemoteError> {
        match answer {
            Some(StreamResult::Ok {
                response: StreamResponse::Batch(response),
            }) => match Complete::check(batch, response.result) {
                Ok(complete) => Ok(Ok(self.shown(complete))),
                Err(lacks) => Err(self.incomplete(&lacks)),
            },
            Some(StreamResult::Error { error }) => Ok(Err(self.said(error))),
            _ => Err(self.not_hrana(OTHER_ANSWER)),
        }
    }

    /// What the server says of statements that it only compiles, in their order; nothing where it has no objection.
    pub(super) async fn describe<'a>(
        &self,
        statements: impl Iterator<Item = &'a str>,
    ) -> Result<Vec<Option<Error>>, RemoteError> {
        let requests = statements.map(|sql| {
            StreamRequest::Describe(DescribeStreamReq {
                sql: Some(sql.to_owned()),
                sql_id: None,
                replication_index: None,
            })
        });
        let is_answer = |answer: &StreamResponse| matches!(answer, StreamResponse::Describe(_));
        self.objections_to(requests.collect(), is_answer).await
    }

    /// What the server says of batches as a whole, in their order; nothing where it takes the batch. One that is refused
    /// leaves the others whole.
    pub(super) async fn objections(
        &self,
        batches: impl Iterator<Item = Batch>,
    ) -> Result<Vec<Option<Error>>, RemoteError> {
        let requests = batches.map(|batch| StreamRequest::Batch(BatchStreamReq { batch }));
        let is_answer = |answer: &StreamResponse| matches!(answer, StreamResponse::Batch(_));
        self.objections_to(requests.collect(), is_answer).await
    }

    /// The error in place of each answer, where there is one. An answer of another kind fails them all.
    async fn objections_to(
        &self,
        requests: Vec<StreamRequest>,
        is_answer: impl Fn(&StreamResponse) -> bool,
    ) -> Result<Vec<Option<Error>>, RemoteError> {
        let results = self.pipeline(requests).await?;
        let objection = |result| match result {
            StreamResult::Ok { response } if is_answer(&response) => Ok(None),
            StreamResult::Error { error } => Ok(Some(self.said(error))),
            _ => Err(self.not_hrana(OTHER_ANSWER)),
        };
        results.into_iter().map(objection).collect()
    }

    /// As [`Server::batch`], for one whose answer may be larger than a pipeline's.
    pub(super) async fn cursor(
        &self,
        batch: &Batch,
    ) -> Result<Result<Complete, Error>, RemoteError> {
        let body = CursorReqBody {
            baton: None,
            batch: batch.clone(),
        };
        let request = self.request(CURSOR, &body)?;
        let answer = self.send(CURSOR, batch.steps.len(), request).await?;
        let accepted = self.accepted(answer).await;
        let refused = match &accepted {
            Err(RemoteError::Status {
                status: 500, words, ..
            }) => refused_by_parser(words),
            _ => None,
        };
        if let Some(message) = refused {
            return Ok(Err(Error {
                message: message.to_owned(),
                code: "SQL_PARSE_ERROR".to_owned(),
            }));
        }
        let mut answer = accepted?;
        let mut lines = LineBuffer::default();
        let mut collected = Collected::new(batch);
        let unusable = |unusable, line: &[u8]| match unusable {
            Unusable::Incomplete(lacks) => self.incomplete(&lacks),
            Unusable::Foreign => self.not_hrana(line),
        };
        while let Some(piece) = answer.piece().await? {
            let flow = lines.take(piece.as_ref(), |line| match collected.line(line) {
                Ok(()) if collected.kept() > COLLECTED => {
                    ControlFlow::Break(self.oversized(COLLECTED))
                }
                Ok(()) => ControlFlow::Continue(()),
                Err(why) => ControlFlow::Break(unusable(why, line)),
            });
            match flow {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(error)) => return Err(error),
                Err(TooLong) => return Err(self.oversized(LONGEST)),
            }
        }
        let rest = lines.rest();
        collected.line(rest).map_err(|why| unusable(why, rest))?;
        let (baton, answer) = collected
            .finish()
            .map_err(|lacks| self.incomplete(&lacks))?;
        if let Some(baton) = baton {
            self.close(baton);
        }
        Ok(match answer {
            Cursor::Answered(complete) => Ok(self.shown(complete)),
            Cursor::Refused(error) => Err(self.said(error)),
        })
    }

    /// One batch, whose answer is then taken piece by piece.
    pub(super) async fn begin_cursor(
        &self,
        body: &CursorReqBody,
    ) -> Result<Answer<'_>, RemoteError> {
        // The answer as a whole may take as long as who reads it; each piece may not.
        let request = self.request(CURSOR, body)?.timeout(FOREVER);
        let sent = self.send(CURSOR, body.batch.steps.len(), request);
        match tokio::time::timeout(self.limit, sent).await {
            Ok(answer) => self.accepted(answer?).await,
            Err(_) => Err(self.silent()),
        }
    }

    /// An answer with the status of one. The body of another status is read as far as it is shown.
    async fn accepted(&self, answer: Response) -> Result<Answer<'_>, RemoteError> {
        let status = answer.status();
        let mut answer = Answer {
            server: self,
            answer,
        };
        if status == StatusCode::OK {
            return Ok(answer);
        }
        // The status tells enough where the rest is lost.
        let mut body = Vec::new();
        while let Ok(Some(piece)) = answer.piece().await {
            body.extend_from_slice(piece.as_ref());
            if body.len() >= ERROR {
                break;
            }
        }
        Err(self.refused(status, &body))
    }

    fn silent(&self) -> RemoteError {
        RemoteError::Lost {
            host: self.host.clone(),
            why: format!("nothing came for {} s", self.limit.as_secs()),
        }
    }

    /// Ends a stream, and does not wait for it: the answer is complete. Where this fails the server ends it by itself
    /// after a while.
    pub(super) fn close(&self, baton: String) {
        let body = PipelineReqBody {
            baton: Some(baton),
            requests: vec![StreamRequest::Close(CloseStreamReq {})],
        };
        if let Ok(request) = self.request(PIPELINE, &body) {
            let url = format!("{}{PIPELINE}", self.base);
            let entry = self.log.begin(|| format!("POST {url}: end of a stream"));
            tokio::spawn(async move {
                let answer = request.send().await;
                entry.end(|| logged(&answer));
            });
        }
    }

    /// What the server says of itself, in one line; none where it answers and does not say. No token is sent.
    pub(super) async fn version(&self) -> Result<Option<String>, RemoteError> {
        let request = self.client.get(format!("{}/version", self.base));
        let request = request.timeout(self.limit);
        let answer = self.send("/version", 0, request).await?;
        let status = answer.status();
        let body = self.body(answer).await?;
        let line = self.words(&body);
        let is_page = line.starts_with("a web page") || line.starts_with('{');
        Ok((status == StatusCode::OK && !is_page).then_some(line))
    }

    /// A `GET`, whatever its status.
    #[cfg(feature = "replica")]
    pub(super) async fn get(&self, path: &str) -> Result<(StatusCode, Vec<u8>), RemoteError> {
        let answer = self.probe(path).await?;
        let status = answer.status();
        Ok((status, self.body(answer).await?))
    }

    /// The head of the answer to a `GET`.
    #[cfg(feature = "replica")]
    pub(super) async fn probe(&self, path: &str) -> Result<Response, RemoteError> {
        let request = self.client.get(format!("{}{path}", self.base));
        let request = self.authorized(request.timeout(self.limit));
        self.send(path, 0, request).await
    }

    fn request(
        &self,
        path: &str,
        body: &impl serde::Serialize,
    ) -> Result<RequestBuilder, RemoteError> {
        let body = serde_json::to_vec(body).map_err(|error| RemoteError::NotHrana {
            host: self.host.clone(),
            words: error.to_string(),
        })?;
        Ok(self.request_of(path, body))
    }

    fn request_of(&self, path: &str, body: Vec<u8>) -> RequestBuilder {
        let request = self
            .client
            .post(format!("{}{path}", self.base))
            .header("content-type", "application/json")
            .timeout(self.limit)
            .body(body);
        self.authorized(request)
    }

    /// The whole body of an answer that fits into memory.
    async fn body(&self, mut answer: Response) -> Result<Vec<u8>, RemoteError> {
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|error| self.lost(&error))? {
            if body.len() + piece.len() > LONGEST {
                return Err(self.oversized(LONGEST));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    /// Sends a request whose answer is read. The only place that does, so that no redirect is taken for an answer.
    async fn send(
        &self,
        path: &str,
        steps: usize,
        request: RequestBuilder,
    ) -> Result<Response, RemoteError> {
        let request = request.build().map_err(|error| self.broken(&error))?;
        let entry = self.log.begin(|| {
            let body = request.body().and_then(reqwest::Body::as_bytes);
            let bytes = body.map_or(0, <[u8]>::len);
            let (method, url) = (request.method(), &self.base);
            let steps = log::count(steps, "step");
            format!("{method} {url}{path}: {steps}, {bytes} bytes")
        });
        let answer = self.client.execute(request).await;
        entry.end(|| logged(&answer));
        let answer = answer.map_err(|error| self.broken(&error))?;
        let status = answer.status();
        if !status.is_redirection() {
            return Ok(answer);
        }
        let header = answer.headers().get(header::LOCATION);
        let header = header
            .map(header::HeaderValue::as_bytes)
            .unwrap_or_default();
        let Location { shown, database } =
            location(header, &self.base, path, self.token.as_deref());
        Err(RemoteError::Redirected {
            host: self.host.clone(),
            status: status.as_u16(),
            location: shown,
            database,
        })
    }

    fn broken(&self, error: &reqwest::Error) -> RemoteError {
        if let Some(why) = tls(error) {
            return RemoteError::NotEncrypted {
                host: self.host.clone(),
                why,
            };
        }
        if error.is_connect() || error.is_builder() {
            return RemoteError::Unreachable {
                host: self.host.clone(),
                why: innermost(error),
            };
        }
        self.lost(error)
    }

    fn lost(&self, error: &reqwest::Error) -> RemoteError {
        RemoteError::Lost {
            host: self.host.clone(),
            why: innermost(error),
        }
    }

    fn refused(&self, status: StatusCode, body: &[u8]) -> RemoteError {
        let host = self.host.clone();
        let words = self.words(body);
        match status.as_u16() {
            401 => RemoteError::Unauthorized {
                host,
                sent: self.sent(),
                words,
            },
            403 => RemoteError::Forbidden { host, words },
            404 => RemoteError::NotFound { host, words },
            429 => RemoteError::TooMany { host, words },
            status => RemoteError::Status {
                host,
                status,
                words,
            },
        }
    }

    /// Whether requests have a token.
    fn sent(&self) -> Sent {
        match self.token {
            Some(_) => Sent::Token,
            None => Sent::NoToken,
        }
    }

    /// What an answer says, in one line.
    fn words(&self, body: &[u8]) -> String {
        // Before a long line is cut, perhaps within the token.
        words(
            self.without_token(String::from_utf8_lossy(body).into_owned())
                .as_bytes(),
        )
    }

    /// A server or a gateway may repeat what it was sent, the token too.
    fn without_token(&self, text: String) -> String {
        match &self.token {
            Some(token) if token.len() > 3 => text.replace(token, "***"),
            _ => text,
        }
    }

    fn said(&self, mut error: Error) -> Error {
        error.message = self.without_token(error.message);
        error
    }

    fn shown(&self, mut complete: Complete) -> Complete {
        for step in &mut complete.steps {
            if let StepOutcome::Failed(error) = step {
                error.message = self.without_token(std::mem::take(&mut error.message));
            }
        }
        complete
    }

    pub(super) fn incomplete(&self, lacks: &Incomplete) -> RemoteError {
        RemoteError::Incomplete {
            host: self.host.clone(),
            lacks: self.without_token(lacks.to_string()),
        }
    }

    pub(super) fn oversized(&self, most: usize) -> RemoteError {
        RemoteError::Oversized {
            host: self.host.clone(),
            most,
        }
    }

    pub(super) fn not_hrana(&self, body: &[u8]) -> RemoteError {
        RemoteError::NotHrana {
            host: self.host.clone(),
            words: self.words(body),
        }
    }

    /// The URL that requests begin with.
    pub(super) fn base_url(&self) -> &str {
        &self.base
    }

    pub(super) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    pub(super) fn key(&self) -> Option<&EncryptionKey> {
        self.encryption_key.as_ref()
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// The key of the database as the `libsql` crate takes it.
    #[cfg(feature = "replica")]
    pub(super) fn key_for_the_crate(&self) -> Option<libsql::EncryptionContext> {
        let EncryptionKey(key) = self.key()?;
        Some(libsql::EncryptionContext {
            key: libsql::EncryptionKey::Base64Encoded(key.clone()),
        })
    }

    /// The same server as the `libsql` crate's own client reaches it.
    #[cfg(feature = "client")]
    pub(super) async fn for_applications(&self) -> Result<libsql::Database, RemoteError> {
        let token = self.token.clone().unwrap_or_default();
        let builder = libsql::Builder::new_remote(self.base.clone(), token);
        #[cfg(feature = "replica")]
        let builder = match self.key_for_the_crate() {
            Some(key) => builder.remote_encryption(key),
            None => builder,
        };
        // The crate takes a key only with its feature for replicas.
        #[cfg(not(feature = "replica"))]
        if self.encryption_key.is_some() {
            return Err(RemoteError::Unreachable {
                host: self.host.clone(),
                why: "a connection with an encryption key needs the feature `replica`".to_owned(),
            });
        }
        builder
            .build()
            .await
            .map_err(|error| RemoteError::Unreachable {
                host: self.host.clone(),
                why: error.to_string(),
            })
    }

    /// An application gets connections of the `libsql` crate only where that crate's client is compiled.
    #[cfg(not(feature = "client"))]
    pub(super) async fn for_applications(&self) -> Result<libsql::Database, RemoteError> {
        Err(RemoteError::Unreachable {
            host: self.host.clone(),
            why: "connections for applications need the feature `client` of seedbed".to_owned(),
        })
    }
}

/// An answer that is taken piece by piece.
pub(super) struct Answer<'a> {
    server: &'a Server,
    answer: Response,
}

impl Answer<'_> {
    /// The next piece; none at the end.
    pub(super) async fn piece(
        &mut self,
    ) -> Result<Option<impl AsRef<[u8]> + Send + 'static>, RemoteError> {
        match tokio::time::timeout(self.server.limit, self.answer.chunk()).await {
            Ok(piece) => piece.map_err(|error| self.server.lost(&error)),
            Err(_) => Err(self.server.silent()),
        }
    }
}

/// The statements of a request.
fn steps(request: &StreamRequest) -> usize {
    match request {
        StreamRequest::Batch(request) => request.batch.steps.len(),
        StreamRequest::Describe(_) => 1,
        _ => 0,
    }
}

/// What came of a request, as the log has it.
fn logged(answer: &Result<Response, reqwest::Error>) -> String {
    match answer {
        Ok(answer) => format!("status {}", answer.status().as_u16()),
        Err(_) => "no answer".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_carries_the_encryption_key() {
        let mut server = Server::new("http://127.0.0.1:1", Some("token"), None).unwrap();
        let header = |server: &Server| {
            let request = server.request_of(PIPELINE, Vec::new()).build().unwrap();
            let key = request.headers().get("x-turso-encryption-key");
            key.map(|it| it.to_str().unwrap().to_owned())
        };
        assert_eq!(header(&server), None);
        server.set_key(Some(&EncryptionKey::new("a2V5")));
        assert_eq!(header(&server).as_deref(), Some("a2V5"));
        assert!(!format!("{server:?}").contains("a2V5"));
    }
}
