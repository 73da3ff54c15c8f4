//! Every request that reached the server, so that tests can count them. Requests to `/test/…` do not count.

use crate::queue::locked;
use serde::{Deserialize, Serialize};
use std::sync::Mutex;

/// One request as it arrived, whether or not it was executed or answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Its number, from 1, since the start or since the log was cleared.
    pub number: u64,
    /// `GET` or `POST`.
    pub method: String,
    /// The path, without a query.
    pub path: String,
    /// Statements that it sent: of batches, cursors, `execute` and `sequence` requests. A sequence is one.
    pub steps: usize,
    /// Whether a statement of a batch or a cursor begins otherwise than one that only reads.
    pub writes: bool,
    /// Bytes of its body.
    pub bytes: usize,
    /// The status of the answer; none while it is handled and where the connection was closed instead.
    pub status: Option<u16>,
}

#[derive(Debug, Default)]
pub(crate) struct Log(Mutex<Vec<Request>>);

impl Log {
    pub(crate) fn add(&self, mut request: Request) -> Request {
        let mut all = locked(&self.0);
        request.number = all.len() as u64 + 1;
        all.push(request.clone());
        request
    }

    pub(crate) fn answered(&self, number: u64, status: u16) {
        let mut all = locked(&self.0);
        if let Some(request) = all.iter_mut().find(|request| request.number == number) {
            request.status = Some(status);
        }
    }

    pub(crate) fn all(&self) -> Vec<Request> {
        locked(&self.0).clone()
    }

    pub(crate) fn clear(&self) {
        locked(&self.0).clear();
    }
}
