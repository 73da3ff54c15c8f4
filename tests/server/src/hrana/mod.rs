//! Hrana 3 in JSON over HTTP, as sqld serves it: pipelines, cursors and the streams behind batons.

mod collect;
mod cursor;
mod pipeline;
mod program;
mod stream;
mod value;

pub(crate) use collect::{Collect, Outcome};
pub(crate) use cursor::cursor;
pub(crate) use pipeline::pipeline;
pub(crate) use program::permitted;
pub(crate) use stream::Streams;

use crate::engine::{Failure, Stop};
use libsql_hrana::proto;

/// Why a whole request is answered with an HTTP error. The stream that it used is closed.
#[derive(Debug)]
pub(crate) enum Reject {
    /// A client that breaks the protocol: 400, plain text.
    Protocol(String),
    /// 400 with the code `STREAM_EXPIRED`.
    Expired,
    /// No connection became free in time: 429.
    Busy,
    /// The token does not reach so far: 403.
    Forbidden(String),
    /// Anything else that went wrong: 500.
    Internal(String),
}

/// A failed step as the protocol tells it; an error where sqld gives up the whole request.
pub(crate) fn step_error(failure: Failure) -> Result<proto::Error, Stop> {
    use rusqlite::Error;
    let (message, code) = match failure {
        Failure::Params(reason) => (
            format!("Arguments do not match SQL parameters: {reason}"),
            "ARGS_INVALID",
        ),
        Failure::TimedOut => ("Transaction timed out".to_owned(), "TRANSACTION_TIMEOUT"),
        Failure::NoSuchStep(step) => {
            return Err(Stop::Internal(format!("Invalid batch step: {step}")));
        }
        Failure::Engine(Error::SqliteFailure(error, message)) => (
            format!(
                "SQLite error: {}",
                message.unwrap_or_else(|| error.to_string())
            ),
            name_of(error.code),
        ),
        Failure::Engine(Error::SqlInputError { msg, offset, .. }) => (
            format!("SQL input error: {msg} (at offset {offset})"),
            "SQL_INPUT_ERROR",
        ),
        Failure::Engine(other) => return Err(Stop::Internal(other.to_string())),
    };
    Ok(error(message, code))
}

fn error(message: impl Into<String>, code: &str) -> proto::Error {
    proto::Error {
        message: message.into(),
        code: code.to_owned(),
    }
}

/// The names of SQLite's primary result codes, as in sqld's `hrana/stmt.rs`.
fn name_of(code: rusqlite::ErrorCode) -> &'static str {
    use rusqlite::ErrorCode;
    match code {
        ErrorCode::InternalMalfunction => "SQLITE_INTERNAL",
        ErrorCode::PermissionDenied => "SQLITE_PERM",
        ErrorCode::OperationAborted => "SQLITE_ABORT",
        ErrorCode::DatabaseBusy => "SQLITE_BUSY",
        ErrorCode::DatabaseLocked => "SQLITE_LOCKED",
        ErrorCode::OutOfMemory => "SQLITE_NOMEM",
        ErrorCode::ReadOnly => "SQLITE_READONLY",
        ErrorCode::OperationInterrupted => "SQLITE_INTERRUPT",
        ErrorCode::SystemIoFailure => "SQLITE_IOERR",
        ErrorCode::DatabaseCorrupt => "SQLITE_CORRUPT",
        ErrorCode::NotFound => "SQLITE_NOTFOUND",
        ErrorCode::DiskFull => "SQLITE_FULL",
        ErrorCode::CannotOpen => "SQLITE_CANTOPEN",
        ErrorCode::FileLockingProtocolFailed => "SQLITE_PROTOCOL",
        ErrorCode::SchemaChanged => "SQLITE_SCHEMA",
        ErrorCode::TooBig => "SQLITE_TOOBIG",
        ErrorCode::ConstraintViolation => "SQLITE_CONSTRAINT",
        ErrorCode::TypeMismatch => "SQLITE_MISMATCH",
        ErrorCode::ApiMisuse => "SQLITE_MISUSE",
        ErrorCode::NoLargeFileSupport => "SQLITE_NOLFS",
        ErrorCode::AuthorizationForStatementDenied => "SQLITE_AUTH",
        ErrorCode::ParameterOutOfRange => "SQLITE_RANGE",
        ErrorCode::NotADatabase => "SQLITE_NOTADB",
        _ => "SQLITE_UNKNOWN",
    }
}
