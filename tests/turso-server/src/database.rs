//! The database, its streams, and the requests of Hrana v3 over HTTP.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use turso::Connection;

use crate::Error;
use crate::program;

/// How long a stream may be without a request, as with sqld. Then its transaction is rolled back.
const EXPIRY: Duration = Duration::from_secs(10);

pub(crate) struct Database {
    engine: turso::Database,
    /// Streams between two requests, by their batons, and since when each has had none.
    streams: Mutex<HashMap<String, (Connection, Instant)>>,
    next: AtomicU64,
}

impl Database {
    pub(crate) async fn open(path: &str) -> Result<Database, Error> {
        let engine = turso::Builder::new_local(path).build().await?;
        Ok(Database {
            engine,
            streams: Mutex::default(),
            next: AtomicU64::new(1),
        })
    }

    /// The status and the body for a request.
    pub(crate) async fn answer(&self, method: &str, path: &str, body: &Value) -> (u16, String) {
        if let Ok(mut streams) = self.streams.lock() {
            streams.retain(|_, (_, since)| since.elapsed() < EXPIRY);
        }
        let answered = match (method, path) {
            ("GET", "/v3") => Ok(String::new()),
            ("GET", "/version") => Ok("turso-engine 0.8.3".to_owned()),
            ("POST", "/v3/pipeline") => self.pipeline(body).await,
            ("POST", "/v3/cursor") => self.cursor(body).await,
            _ => return (404, "no such path".to_owned()),
        };
        match answered {
            Ok(body) => (200, body),
            Err(error) => (400, json!({ "error": error.to_string() }).to_string()),
        }
    }

    /// The connection of a stream; a new one without a baton.
    fn stream(&self, body: &Value) -> Result<Connection, Error> {
        let Some(baton) = body["baton"].as_str() else {
            let connection = self.engine.connect()?;
            connection.busy_timeout(Duration::from_secs(5))?;
            return Ok(connection);
        };
        let mut streams = self.streams.lock().map_err(|_| "a request panicked")?;
        let (connection, _) = streams.remove(baton).ok_or("the stream has ended")?;
        Ok(connection)
    }

    /// Keeps a stream for its next request.
    fn keep(&self, connection: Connection) -> Result<String, Error> {
        let baton = format!("stream-{}", self.next.fetch_add(1, Ordering::Relaxed));
        let mut streams = self.streams.lock().map_err(|_| "a request panicked")?;
        streams.insert(baton.clone(), (connection, Instant::now()));
        Ok(baton)
    }

    async fn pipeline(&self, body: &Value) -> Result<String, Error> {
        let connection = self.stream(body)?;
        let mut results = Vec::new();
        let mut closed = false;
        for request in body["requests"].as_array().into_iter().flatten() {
            let kind = request["type"].as_str().unwrap_or_default();
            let response = match kind {
                "batch" => {
                    let outcome = program::run(&connection, &request["batch"]).await?;
                    Ok(json!({ "type": kind, "result": outcome.result() }))
                }
                "execute" => program::execute(&connection, &request["stmt"])
                    .await
                    .map(|result| json!({ "type": kind, "result": result })),
                "describe" => program::describe(&connection, &request["sql"])
                    .await
                    .map(|result| json!({ "type": kind, "result": result })),
                "close" => {
                    closed = true;
                    Ok(json!({ "type": kind }))
                }
                "get_autocommit" => {
                    Ok(json!({ "type": kind, "is_autocommit": connection.is_autocommit()? }))
                }
                _ => return Err(format!("a request of type {kind:?}").into()),
            };
            results.push(match response {
                Ok(response) => json!({ "type": "ok", "response": response }),
                Err(error) => json!({ "type": "error", "error": error }),
            });
        }
        let baton = match closed {
            true => None,
            false => Some(self.keep(connection)?),
        };
        Ok(json!({ "baton": baton, "base_url": null, "results": results }).to_string())
    }

    async fn cursor(&self, body: &Value) -> Result<String, Error> {
        let connection = self.stream(body)?;
        let outcome = program::run(&connection, &body["batch"]).await?;
        let baton = self.keep(connection)?;
        let mut lines = json!({ "baton": baton, "base_url": null }).to_string();
        for entry in outcome.entries() {
            lines.push('\n');
            lines.push_str(&entry.to_string());
        }
        lines.push('\n');
        Ok(lines)
    }
}
