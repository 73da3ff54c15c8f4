//! A libSQL server, over Hrana on HTTP: <https://github.com/tursodatabase/libsql/blob/main/docs/HRANA_3_SPEC.md>.
//!
//! A query is one request and a run is one request. The `libsql` crate's own remote client prints statements again from
//! its parser, loses error codes and cannot carry `PRAGMA foreign_keys` into a transaction, so requests are made here,
//! on the official types.

mod batch;
mod complete;
mod cursor;
mod foreign_keys;
#[cfg(feature = "replica")]
mod hello;
mod http;
mod lines;
mod page;
mod redirect;
mod refused;
mod signs;
mod stream;
mod value;
mod wire;

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use libsql_hrana::proto::{Batch, Error};

use self::batch::Answers;
use self::complete::Complete;
#[cfg(feature = "replica")]
use self::complete::Incomplete;
use self::foreign_keys::{FOREIGN_KEYS, checks_foreign_keys, with_anti_joins};
#[cfg(feature = "replica")]
pub(super) use self::hello::{Greeting, PrimaryLog};
use self::http::Server;
#[cfg(feature = "replica")]
pub(super) use self::redirect::location;
pub(super) use self::signs::given;
pub(super) use self::wire::WireRow;
use super::turso::name_the_cause;
use super::{
    Answer, At, Code, DbError, EncryptionKey, Engine, EngineError, Failure, Fate, Left, Log,
    OnProgress, Options, Pause, Progress, Proxy, Query, Ready, RemoteError, Rows, Stop,
    Transaction,
};
use crate::script::Atomicity;

/// The most steps whose results a pipeline's answer is sure to have room for (10 MB in the open-source server). Larger
/// batches go through the cursor, whose answer has no such bound, and whose stream takes a second request to close.
const PIPELINED: usize = 20_000;

/// Bytes of a frame: a header and a page.
#[cfg(feature = "replica")]
const FRAME: usize = 24 + 4096;

/// How often a request that changes nothing is sent at the most.
const TRIES: u32 = 4;

/// Transactions as they are sent.
pub(super) struct Request {
    lowered: batch::Lowered,
    /// None of a batch that goes through the cursor.
    body: Option<Vec<u8>>,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Request")
    }
}

impl Request {
    pub(super) fn of(transactions: &[Transaction]) -> Request {
        let lowered = batch::lower(transactions);
        let is_pipelined = lowered.batch.steps.len() <= PIPELINED;
        Request {
            body: is_pipelined
                .then(|| http::pipelined(&lowered.batch))
                .flatten(),
            lowered,
        }
    }
}

/// A database on a server.
#[derive(Debug, Clone)]
pub(super) struct Remote {
    server: Server,
    /// The engine, once an answer has said it.
    engine: Arc<OnceLock<Engine>>,
}

/// What only the Turso engine answers.
const PROBE: &str = "SELECT turso_version()";

impl Remote {
    pub(super) fn new(
        base: &str,
        token: Option<&str>,
        proxy: Option<&Proxy>,
    ) -> Result<Remote, DbError> {
        Ok(Remote {
            server: Server::new(base, token, proxy)?,
            engine: Arc::default(),
        })
    }

    /// The same with the key of the database.
    pub(super) fn with_key(mut self, key: Option<&EncryptionKey>) -> Remote {
        self.server.set_key(key);
        self
    }

    /// The key as the crate takes it.
    #[cfg(feature = "replica")]
    pub(super) fn key_for_the_crate(&self) -> Option<libsql::EncryptionContext> {
        self.server.key_for_the_crate()
    }

    /// The engine; libSQL until the first answer.
    pub(super) fn engine(&self) -> Engine {
        self.engine.get().copied().unwrap_or(Engine::Server)
    }

    /// The same server with connections of its own.
    pub(super) fn apart(&self, proxy: Option<&Proxy>) -> Result<Remote, DbError> {
        let server = &self.server;
        let apart = Remote::new(server.base_url(), server.token(), proxy)?.with_key(server.key());
        Ok(Remote {
            engine: Arc::clone(&self.engine),
            ..apart
        })
    }

    /// Logs each request.
    pub(super) fn log_to(&mut self, log: &Log) {
        self.server.log_to(log);
    }

    /// See [`Server::wait_at_least`].
    pub(super) fn wait_at_least(&mut self, lock_timeout: Duration) {
        self.server.wait_at_least(lock_timeout);
    }

    pub(super) async fn query(
        &self,
        queries: Vec<Query>,
        options: &Options,
    ) -> Result<Vec<Result<Rows, EngineError>>, DbError> {
        Ok(self.ask(&queries, options).await?.rows)
    }

    /// How far the log of the database has come, where the server tells.
    pub(super) async fn replication_index(
        &self,
        options: &Options,
    ) -> Result<Option<u64>, DbError> {
        let answers = self.ask(&[Query::new("SELECT 1")], options).await?;
        Ok(answers.replication_index)
    }

    /// Frames of a log from `first` to `last`, by replication protocol V2: <https://github.com/tursodatabase/libsql/blob/main/libsql/src/sync.rs>.
    #[cfg(feature = "replica")]
    pub(super) async fn frames(
        &self,
        generation: u64,
        first: u64,
        last: u64,
    ) -> Result<Pulled, RemoteError> {
        let path = format!("/sync/{generation}/{first}/{}", last + 1);
        let (status, body) = again(|| self.server.get(&path)).await?;
        if status.is_success() {
            return match !body.is_empty() && body.len().is_multiple_of(FRAME) {
                true => Ok(Pulled::Frames(body)),
                false => Err(self.server.incomplete(&Incomplete::EndsEarly)),
            };
        }
        let said: Option<serde_json::Value> = serde_json::from_slice(&body).ok();
        let newest = said.and_then(|said| said.get("generation")?.as_u64());
        Ok(match newest {
            Some(newest) if newest <= generation => Pulled::Beyond,
            _ => Pulled::Untold,
        })
    }

    /// The log of the primary, by replication protocol V1.
    #[cfg(feature = "replica")]
    pub(super) async fn greeting(&self) -> Result<Greeting, RemoteError> {
        again(|| hello::hello(&self.server)).await
    }

    /// Frames of that log from `first` on, with replication's own headers: see [`hello::frames`].
    #[cfg(feature = "replica")]
    pub(super) async fn log_frames(
        &self,
        log: &PrimaryLog,
        first: u64,
    ) -> Result<Option<Vec<Vec<u8>>>, RemoteError> {
        hello::frames(&self.server, log, first).await
    }

    /// Where the requests of replication are redirected to, if they are: the `libsql` crate does not say.
    #[cfg(feature = "replica")]
    pub(super) async fn redirect(&self) -> Option<RemoteError> {
        let is_redirect = |error: &RemoteError| matches!(error, RemoteError::Redirected { .. });
        if let Some(error) = hello::hello(&self.server).await.err().filter(is_redirect) {
            return Some(error);
        }
        for path in ["/info", "/export/1", "/sync/1/1/2"] {
            if let Some(error) = self.server.probe(path).await.err().filter(is_redirect) {
                return Some(error);
            }
        }
        None
    }

    /// Asks queries, those about foreign keys as the engine can answer them.
    async fn ask(&self, queries: &[Query], options: &Options) -> Result<Answers, DbError> {
        let mut answers = self.ask_in_its_words(queries, options).await?;
        if self.engine() == Engine::Turso {
            for (query, rows) in queries.iter().zip(&mut answers.rows) {
                if let Err(error) = rows {
                    name_the_cause(&query.sql, error);
                }
            }
        }
        Ok(answers)
    }

    async fn ask_in_its_words(
        &self,
        queries: &[Query],
        options: &Options,
    ) -> Result<Answers, DbError> {
        if !queries.iter().any(|it| checks_foreign_keys(&it.sql))
            || self.known_engine(options).await? != Engine::Turso
        {
            return self.ask_and_probe(queries, options).await;
        }
        let schema = self.ask_again(&[Query::new(FOREIGN_KEYS)], options).await?;
        let columns = schema.rows.into_iter().next().unwrap_or(Ok(Vec::new()));
        let columns = columns.map_err(DbError::Read)?;
        let queries = queries.iter().map(|query| Query {
            sql: with_anti_joins(&query.sql, &columns),
            args: query.args.clone(),
        });
        let queries: Vec<Query> = queries.collect();
        self.ask_again(&queries, options).await
    }

    /// The engine, which is asked for where it is not known yet.
    async fn known_engine(&self, options: &Options) -> Result<Engine, DbError> {
        if self.engine.get().is_none() {
            self.ask_and_probe(&[], options).await?;
        }
        Ok(self.engine())
    }

    /// Asks queries, and with the first of them which engine it is.
    async fn ask_and_probe(
        &self,
        queries: &[Query],
        options: &Options,
    ) -> Result<Answers, DbError> {
        if self.engine.get().is_some() {
            return self.ask_again(queries, options).await;
        }
        let mut queries = queries.to_vec();
        queries.push(Query::new(PROBE));
        let mut answers = self.ask_again(&queries, options).await?;
        let engine = match answers.rows.pop() {
            Some(Ok(_)) => Some(Engine::Turso),
            Some(Err(error)) if error.is_about_the_statement() => Some(Engine::Server),
            _ => None,
        };
        if let Some(engine) = engine {
            // Another task may have been told as well.
            let _ = self.engine.set(engine);
        }
        Ok(answers)
    }

    /// Sends queries until they are answered, a few times: they change nothing.
    async fn ask_again(&self, queries: &[Query], options: &Options) -> Result<Answers, DbError> {
        let batch = batch::lower_queries(queries);
        let mut pause = Pause::new(Duration::from_millis(100));
        let mut tries = 1;
        loop {
            let answer = tokio::select! {
                answer = self.ask_once(&batch) => answer,
                () = options.stop.raised() => return Err(DbError::Read(EngineError::interrupted())),
            };
            match answer {
                Err(error) if error.may_pass() && tries < TRIES => {
                    tries += 1;
                    pause.pass().await;
                }
                answer => return answer?.map_err(DbError::Read),
            }
        }
    }

    async fn ask_once(&self, batch: &Batch) -> Result<Result<Answers, EngineError>, RemoteError> {
        let answer = match self.batch(batch, None).await {
            Err(RemoteError::TooLarge { .. }) => self.server.cursor(batch).await?,
            answer => answer?,
        };
        match answer.map(batch::answers) {
            Ok(answers) => answers.map_err(|lacks| self.server.incomplete(&lacks)),
            Err(error) => Ok(Err(batch::engine_error(&error))),
        }
    }

    /// One request, whose body may be made already. The inner error is the server's word on the batch as a whole.
    async fn batch(
        &self,
        batch: &Batch,
        body: Option<&[u8]>,
    ) -> Result<Result<Complete, Error>, RemoteError> {
        let answer = match batch.steps.len() > PIPELINED {
            true => self.server.cursor(batch).await?,
            false => self.server.batch(batch, body).await?,
        };
        match answer {
            Err(error) if error.code == "RESPONSE_TOO_LARGE" => Err(RemoteError::TooLarge {
                host: self.server.host().to_owned(),
            }),
            answer => Ok(answer),
        }
    }

    /// A batch that changes something: one request, or several of one stream where the engine has no check of foreign
    /// keys and the batch has one.
    async fn carry_out(
        &self,
        batch: &Batch,
        body: Option<&[u8]>,
    ) -> Result<Result<Complete, Error>, RemoteError> {
        match self.engine() == Engine::Turso && stream::is_needed(batch) {
            true => stream::run(&self.server, batch).await,
            false => self.batch(batch, body).await,
        }
    }

    /// One request; three where there are statements outside of a transaction, so that what is recorded before them
    /// is known to be recorded. `written` gets the frame up to which a replica has to be synced to see it, also where
    /// it failed half-way.
    pub(super) async fn run(
        &self,
        ready: &Ready,
        on_progress: &OnProgress,
        stop: &Stop,
        written: &(dyn Fn(u64) + Sync),
    ) -> Result<Vec<Answer>, Failure> {
        let transactions = ready.transactions.as_slice();
        let bare = |transaction: &Transaction| transaction.atomicity == Atomicity::Bare;
        if !transactions.iter().any(bare) {
            let made = match &ready.request {
                Some(request) => Arc::clone(request),
                None => Arc::new(Request::of(transactions)),
            };
            let answers = self.request(0, transactions, &made, on_progress, stop, written);
            return answers.await;
        }
        let mut all = Vec::new();
        for (number, transaction) in transactions.iter().enumerate() {
            let transaction = std::slice::from_ref(transaction);
            let made = Request::of(transaction);
            let answers = self.request(number, transaction, &made, on_progress, stop, written);
            all.extend(answers.await?);
        }
        Ok(all)
    }

    /// Some of the transactions of a run, of which `before` are committed already.
    async fn request(
        &self,
        before: usize,
        transactions: &[Transaction],
        Request { lowered, body }: &Request,
        on_progress: &OnProgress,
        stop: &Stop,
        written: &(dyn Fn(u64) + Sync),
    ) -> Result<Vec<Answer>, Failure> {
        // What was sent cannot be stopped any more, so its answer is waited for.
        let _waits = stop.waits_for_an_answer();
        let given_up = stop.second();
        let answer = tokio::select! {
            answer = self.carry_out(&lowered.batch, body.as_deref()) => answer,
            () = given_up.raised() => Err(RemoteError::GivenUp {
                host: self.server.host().to_owned(),
            }),
        };
        let mut ran = HashSet::new();
        let outcome = match answer {
            Ok(Ok(complete)) => {
                ran = batch::ran(lowered, &complete);
                if let Some(index) = complete.replication_index {
                    written(index);
                }
                batch::outcome(lowered, complete)
            }
            Ok(Err(error)) if batch::ran_nothing(&error, transactions.len()) => {
                let (number, failure) = self.refused_whole(transactions, &error).await;
                if number > 0 {
                    // Nothing ran. The transactions before the refused one are committed as in every other mode.
                    let first = &transactions[..number];
                    let made = Request::of(first);
                    Box::pin(self.request(before, first, &made, on_progress, stop, written))
                        .await?;
                }
                return Err(failure.after(before + number));
            }
            Ok(Err(error)) => {
                let EngineError { code, message, .. } = batch::engine_error(&error);
                Err(Failure::Lost(RemoteError::Ended {
                    host: self.server.host().to_owned(),
                    code,
                    words: message,
                }))
            }
            // A part of the run is committed, so it cannot be said that nothing was changed.
            Err(error) if before > 0 && error.fate() == Fate::Refused => Err(Failure::Step {
                committed: 0,
                at: At::Begin,
                error: EngineError::new(Code::Other(1), error.to_string()),
                explanation: Vec::new(),
                left: Left::Nothing,
            }),
            Err(error) => Err(match error.fate() {
                Fate::Unknown | Fate::Unrepeatable => Failure::Lost(error),
                Fate::NotDone | Fate::Refused => Failure::Open(error.into()),
            }),
        };
        let mut answers =
            outcome.map_err(|failure| self.with_cause(failure, transactions).after(before))?;
        for answer in &mut answers {
            answer.transaction += before;
        }
        for (number, transaction) in transactions.iter().enumerate() {
            for step in (0..transaction.steps.len()).filter(|step| ran.contains(&(number, *step))) {
                on_progress(Progress::Step {
                    transaction: before + number,
                    step,
                });
            }
            on_progress(Progress::Committed(before + number));
        }
        Ok(answers)
    }

    /// The failure of a step with what its words do not say.
    fn with_cause(&self, mut failure: Failure, transactions: &[Transaction]) -> Failure {
        if let Failure::Step {
            committed,
            at: At::Step(step),
            error,
            ..
        } = &mut failure
            && self.engine() == Engine::Turso
            && let Some(transaction) = transactions.get(*committed)
            && let Some(step) = transaction.steps.iter().nth(*step)
        {
            name_the_cause(&step.sql, error);
        }
        failure
    }

    pub(super) async fn version(&self) -> Result<Option<String>, RemoteError> {
        self.server.version().await
    }

    pub(super) fn host(&self) -> &str {
        self.server.host()
    }

    pub(super) fn base_url(&self) -> &str {
        self.server.base_url()
    }

    /// The same server as the `libsql` crate's own client reaches it. Nothing is sent.
    pub(super) async fn for_applications(&self) -> Result<libsql::Database, RemoteError> {
        self.server.for_applications().await
    }

    pub(super) async fn objection(&self, statement: &str) -> Result<Option<EngineError>, DbError> {
        let mut objections = self.server.describe(std::iter::once(statement)).await?;
        let objection = objections.pop().flatten();
        Ok(objection.map(|error| batch::engine_error(&error)))
    }
}

/// What a primary says of frames.
#[cfg(feature = "replica")]
#[derive(Debug)]
pub(super) enum Pulled {
    /// Here they are, each a header of 24 bytes and a page.
    Frames(Vec<u8>),
    /// Its log is not that long.
    Beyond,
    /// It does not tell.
    Untold,
}

/// Asks until there is an answer, a few times: for what changes nothing.
#[cfg(feature = "replica")]
async fn again<T, F: Future<Output = Result<T, RemoteError>>>(
    ask: impl Fn() -> F,
) -> Result<T, RemoteError> {
    let mut pause = Pause::new(Duration::from_millis(100));
    for _ in 1..TRIES {
        match ask().await {
            Err(error) if error.may_pass() => pause.pass().await,
            answer => return answer,
        }
    }
    ask().await
}
