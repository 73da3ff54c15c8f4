//! What goes wrong on purpose, and at which request. Nothing here does it: a fault is a value.

use crate::log::Request;
use crate::queue::locked;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Mutex;

/// What goes wrong with one request.
///
/// As JSON, for `POST /test/faults`: `"drop_before"`, `{"delay":{"ms":200}}`, `{"steal_lock":{"step":2}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Fault {
    /// The connection is closed before anything is executed.
    DropBefore,
    /// Everything is executed, then the connection is closed without an answer.
    DropAfter,
    /// The connection is closed when the step of this number (from 0, over all programs of the request) is
    /// about to run; execution goes on to its end.
    DropDuring {
        /// Number of the step, from 0.
        step: usize,
    },
    /// The request is handled after this time, as usual.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// Nothing is executed; the answer has this status, and an HTML page as a proxy before a server sends
    /// it (429: sqld's JSON).
    Status {
        /// The HTTP status.
        status: u16,
        /// Value of a `Retry-After` header, in seconds.
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// The answer has this status, and an HTML page.
    StatusAfter {
        /// The HTTP status.
        status: u16,
        /// What happens before the answer.
        executes: Executes,
    },
    /// The answer has no end.
    Endless {
        /// The HTTP status.
        status: u16,
        /// What it begins with; then blanks follow, in lines or in one.
        head: String,
        /// Whether there are line feeds.
        lines: bool,
        /// What happens before the answer.
        executes: Executes,
    },
    /// The connection is closed after this time, as a gateway does that has waited long enough; execution goes on to its
    /// end.
    Patience {
        /// Milliseconds.
        ms: u64,
    },
    /// The request is handled, and its answer is kept.
    Remember,
    /// The answer is the one that was kept of an equal request, as that of a replica whose reads lag behind writes.
    /// Where none was, the request is handled.
    Replay,
    /// Nothing is executed; the server refuses each part of the request as a whole.
    Refused {
        /// The code: `BLOCKED`.
        code: String,
        /// Its words.
        message: String,
    },
    /// Nothing is executed; the answer is an HTML page with status 200.
    Html,
    /// The stream that the request names has expired before it came. A request that opens a stream is
    /// handled, and its stream expires at once.
    ExpireStream,
    /// Another writer ends the transaction before the step of this number (from 0) runs.
    StealLock {
        /// Number of the step, from 0.
        step: usize,
    },
    /// Everything is executed; half of the answer's body arrives, then the connection is closed.
    CutBody,
    /// The answer of a pipeline or a cursor has status 200, is well-formed and gives less than was asked for; a
    /// cursor's ends as that of an HTTP/1.0 server does, with the connection.
    Short {
        /// What it lacks.
        short: Short,
        /// What happens before the answer.
        executes: Executes,
    },
    /// The answer is a redirect.
    Redirect {
        /// The HTTP status.
        status: u16,
        /// Value of the `Location` header.
        location: String,
        /// What happens before the answer.
        executes: Executes,
    },
}

/// What an answer lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Short {
    /// The body is empty.
    Empty,
    /// Only this many of a pipeline's results, or of a cursor's lines behind the first.
    Results {
        /// How many.
        keep: usize,
    },
    /// Only this many steps of a batch, or of a cursor's lines behind the first.
    Steps {
        /// How many.
        keep: usize,
    },
    /// No step has a result or an error.
    Nulls,
    /// Each row lacks its last value.
    Values,
    /// No result has columns.
    Columns,
    /// Each result lacks its last column, in its head and in its rows.
    Narrow,
}

/// What happens to a request whose answer is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Executes {
    /// All of it.
    Everything,
    /// Nothing.
    Nothing,
}

/// One fault and the requests that it meets, for `POST /test/faults`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The request's number, counted from 1 since the rules were set.
    #[serde(default)]
    pub request: Option<u64>,
    /// Only requests to this path count and are met.
    #[serde(default)]
    pub path: Option<String>,
    /// What goes wrong. Without a `request`, with every one.
    pub fault: Fault,
}

/// Decides for each request what goes wrong with it.
type Decide = Box<dyn FnMut(&Request) -> Option<Fault> + Send>;

/// The faults to come.
#[derive(Default)]
pub(crate) struct Plan(Mutex<Option<Decide>>);

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plan")
    }
}

impl Plan {
    pub(crate) fn set(&self, decide: Option<Decide>) {
        *locked(&self.0) = decide;
    }

    pub(crate) fn fault(&self, request: &Request) -> Option<Fault> {
        let mut decide = locked(&self.0);
        decide.as_mut().and_then(|decide| decide(request))
    }
}

/// Rules as a decision; each counts the requests to its own path.
pub(crate) fn by_rules(rules: Vec<Rule>) -> Decide {
    let mut counted: Vec<(Rule, u64)> = rules.into_iter().map(|rule| (rule, 0)).collect();
    Box::new(move |request| {
        let mut fault = None;
        for (rule, count) in &mut counted {
            if rule.path.as_ref().is_some_and(|path| *path != request.path) {
                continue;
            }
            *count += 1;
            if rule.request.is_none_or(|number| number == *count) && fault.is_none() {
                fault = Some(rule.fault.clone());
            }
        }
        fault
    })
}
