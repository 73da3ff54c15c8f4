//! Streams: one database connection each, found by a baton that is good for one request, expired when idle.

use super::{Reject, program::Texts};
use crate::engine::{Connection, Database};
use crate::queue::locked;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Semaphore;
use uuid::Uuid;

/// How long a request waits for one of the connections, as in sqld.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// All streams of the server, open and expired.
pub(crate) struct Streams {
    database: Arc<Database>,
    permits: Arc<Semaphore>,
    expiry: Duration,
    handles: Mutex<HashMap<u64, Handle>>,
}

enum Handle {
    Idle(Stream),
    /// A request is using it.
    Acquired,
    Expired,
}

struct Stream {
    id: u64,
    /// Of the baton that the next request must show.
    sequence: u64,
    /// None after a `close` request.
    connection: Option<Connection>,
    texts: Texts,
}

/// The right to use a stream for one request. Dropping it without a release closes the stream.
pub(crate) struct Guard {
    streams: Arc<Streams>,
    stream: Option<Stream>,
}

impl Streams {
    pub(crate) fn new(database: Arc<Database>, most: usize, expiry: Duration) -> Arc<Self> {
        Arc::new(Streams {
            database,
            permits: Arc::new(Semaphore::new(most)),
            expiry,
            handles: Mutex::default(),
        })
    }

    /// A new connection, once fewer than the most are open.
    pub(crate) async fn connect(&self) -> Result<Connection, Reject> {
        let permits = Arc::clone(&self.permits).acquire_owned();
        let Ok(Ok(permit)) = tokio::time::timeout(CONNECT_TIMEOUT, permits).await else {
            return Err(Reject::Busy);
        };
        let database = Arc::clone(&self.database);
        tokio::task::spawn_blocking(move || database.connect(permit))
            .await
            .map_err(|error| Reject::Internal(error.to_string()))?
            .map_err(|error| Reject::Internal(error.to_string()))
    }

    /// The stream that `baton` names, or a new one.
    pub(crate) async fn acquire(self: &Arc<Self>, baton: Option<&str>) -> Result<Guard, Reject> {
        let stream = match baton {
            Some(baton) => self.resume(baton)?,
            None => {
                let connection = self.connect().await?;
                let (id, sequence) = Uuid::new_v4().as_u64_pair();
                locked(&self.handles).insert(id, Handle::Acquired);
                Stream {
                    id,
                    sequence,
                    connection: Some(connection),
                    texts: Texts::new(),
                }
            }
        };
        Ok(Guard {
            streams: Arc::clone(self),
            stream: Some(stream),
        })
    }

    fn resume(&self, baton: &str) -> Result<Stream, Reject> {
        let invalid = || Reject::Protocol("Received an invalid baton".to_owned());
        let (id, sequence) = read_baton(baton).ok_or_else(invalid)?;
        let mut handles = locked(&self.handles);
        let handle = handles.get_mut(&id).ok_or_else(invalid)?;
        match handle {
            Handle::Expired => return Err(Reject::Expired),
            Handle::Idle(stream) if stream.sequence == sequence => {}
            Handle::Idle(_) | Handle::Acquired => {
                return Err(Reject::Protocol(
                    "Received a baton that has already been used".to_owned(),
                ));
            }
        }
        match std::mem::replace(handle, Handle::Acquired) {
            Handle::Idle(mut stream) => {
                stream.sequence = stream.sequence.wrapping_add(1);
                Ok(stream)
            }
            Handle::Acquired | Handle::Expired => Err(invalid()),
        }
    }

    /// Expires every idle stream now; what they had open is rolled back.
    pub(crate) fn expire_all(&self) {
        // Connections end after the lock is given back.
        let mut expired = Vec::new();
        for handle in locked(&self.handles).values_mut() {
            if let Handle::Idle(_) = handle {
                expired.push(std::mem::replace(handle, Handle::Expired));
            }
        }
    }

    /// Expires the stream of `baton` if it is idle.
    pub(crate) fn expire(&self, baton: &str) {
        if let Some((id, sequence)) = read_baton(baton) {
            self.expire_unused(id, sequence);
        }
    }

    fn expire_unused(&self, id: u64, sequence: u64) {
        let mut handles = locked(&self.handles);
        let expired = match handles.get_mut(&id) {
            Some(handle) => match handle {
                Handle::Idle(stream) if stream.sequence == sequence => {
                    Some(std::mem::replace(handle, Handle::Expired))
                }
                _ => None,
            },
            None => None,
        };
        drop(handles);
        drop(expired);
    }

    /// Ends every connection that no request is using.
    pub(crate) fn close(&self) {
        let all = std::mem::take(&mut *locked(&self.handles));
        drop(all);
    }
}

impl Guard {
    /// The connection; an error after a `close` request.
    pub(super) fn connection(&self) -> Result<Connection, Reject> {
        self.stream
            .as_ref()
            .and_then(|stream| stream.connection.clone())
            .ok_or_else(|| Reject::Protocol("Stream for this baton was closed".to_owned()))
    }

    pub(super) fn close(&mut self) {
        if let Some(stream) = &mut self.stream {
            stream.connection = None;
        }
    }

    pub(super) fn texts(&mut self) -> &mut Texts {
        &mut self.stream.get_or_insert_with(closed).texts
    }

    /// Keeps the stream for the next request and gives the baton for it; none for a closed stream.
    pub(super) fn release(mut self) -> Option<String> {
        let stream = self.stream.take()?;
        let (id, sequence) = (stream.id, stream.sequence);
        let mut handles = locked(&self.streams.handles);
        if stream.connection.is_none() {
            handles.remove(&id);
            return None;
        }
        handles.insert(id, Handle::Idle(stream));
        drop(handles);
        let streams = Arc::downgrade(&self.streams);
        let expiry = self.streams.expiry;
        tokio::spawn(async move {
            tokio::time::sleep(expiry).await;
            if let Some(streams) = streams.upgrade() {
                streams.expire_unused(id, sequence);
            }
        });
        Some(format!("{id:016x}{sequence:016x}"))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(stream) = self.stream.take() {
            locked(&self.streams.handles).remove(&stream.id);
        }
    }
}

fn closed() -> Stream {
    Stream {
        id: 0,
        sequence: 0,
        connection: None,
        texts: Texts::new(),
    }
}

fn read_baton(baton: &str) -> Option<(u64, u64)> {
    let id = u64::from_str_radix(baton.get(..16)?, 16).ok()?;
    let sequence = u64::from_str_radix(baton.get(16..)?, 16).ok()?;
    Some((id, sequence))
}
