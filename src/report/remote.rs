//! What a server said, or did not say: in words, and what to do about it.

use super::style::Style;
use super::words::{as_typed, keys};
use super::{Diagnostic, Item, Report};
use crate::db::RemoteError;
use crate::migrations::Done;
use crate::script::Key;

/// Why there is no answer from a server.
pub(super) fn diagnostic(error: &RemoteError) -> Diagnostic {
    let (code, help): (_, &str) = match error {
        RemoteError::Unreachable { .. } => (
            "unreachable",
            "see whether the host and port are right and the network lets you reach them; `doctor` looks step by step",
        ),
        RemoteError::Lost { .. } => (
            "connection-lost",
            "see whether the server still runs, then run the command again: it goes on where it was",
        ),
        RemoteError::Unauthorized { .. } => (
            "unauthorized",
            "make a new token with `turso db tokens create NAME` and put it into TURSO_AUTH_TOKEN",
        ),
        RemoteError::Forbidden { .. } => (
            "forbidden",
            "make a token that may write: `turso db tokens create NAME`",
        ),
        RemoteError::NotFound { .. } => (
            "no-such-database",
            "compare the URL with what `turso db show NAME --url` says",
        ),
        RemoteError::TooMany { .. } => ("too-many-requests", "wait a little and run it again"),
        RemoteError::Status { .. } => (
            "server-error",
            "it may pass: run the command again; it goes on where it was",
        ),
        RemoteError::NotHrana { .. } => (
            "not-a-libsql-server",
            "see whether the URL is that of the database, and not of a web page or a proxy",
        ),
        RemoteError::TooLarge { .. } => ("response-too-large", "ask for less at once"),
    };
    Diagnostic {
        help: vec![help.to_owned()],
        ..Diagnostic::error(code, error.to_string())
    }
}

/// A script of which nobody knows whether it happened.
pub(super) fn unknown(
    lost: &RemoteError,
    units: &[Key],
    done: &[Done],
    style: Style<'_>,
) -> Report {
    let mut diagnostic = diagnostic(lost);
    diagnostic.code = "outcome-unknown";
    diagnostic.notes.push(format!(
        "{} may be in the database, or not: all of it or none of it",
        keys(units)
    ));
    diagnostic.help = vec![as_typed(
        "once the server can be reached: `status` tells, and `migrate` goes on",
        style.program,
    )];
    Report {
        database: super::failure::before(done),
        items: done.iter().map(Item::done).collect(),
        ..Report::of(vec![diagnostic])
    }
}
