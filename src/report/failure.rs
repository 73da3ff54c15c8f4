//! Failures: what ran, what the engine said, what the database is like now, what to type next.

use super::{Report, Style};
use crate::history::HistoryError;
use crate::migrations::{ApplyError, ReadError};

impl Report {
    /// A change that did not happen, or not all of it.
    pub fn failure(error: &ApplyError, style: Style<'_>) -> Report {
        let _ = (error, style);
        Report::empty()
    }

    /// A database that cannot be read. A [`DbError`](crate::db::DbError) becomes one with `into()`.
    pub fn history(error: &HistoryError, style: Style<'_>) -> Report {
        let _ = (error, style);
        Report::empty()
    }

    /// Migration files that cannot be read.
    pub fn files(error: &ReadError, style: Style<'_>) -> Report {
        let _ = (error, style);
        Report::empty()
    }

    /// Anything else that stops a command: flags that do not fit, a file that cannot be written.
    pub fn usage(code: &'static str, message: impl Into<String>, help: Option<String>) -> Report {
        let _ = (code, message.into(), help);
        Report::empty()
    }

    pub(super) fn empty() -> Report {
        Report {
            diagnostics: Vec::new(),
            database: None,
            items: Vec::new(),
        }
    }
}
