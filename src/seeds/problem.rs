//! What can be wrong with seeds. Each has its own place; the words are the report's business only where they need more
//! than this.

use crate::drive::Finding;
use crate::script::{Key, Origin};

/// One thing that is wrong, or should be known.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// What kind it is, as JSON tells it: `unknown-column`.
    pub code: &'static str,
    /// Whether anything may run.
    pub severity: Severity,
    /// Where it is; none where it is about the database as a whole.
    pub origin: Option<Origin>,
    /// What is wrong: "table `users` has no column `persnoa`".
    pub message: String,
    /// Another place that belongs to it, with a word: "first used here".
    pub other: Option<(String, Origin)>,
    /// What to do.
    pub help: Option<String>,
    /// What somebody else has begun and not finished, where that is all there is to it.
    pub under_way: Option<Key>,
}

pub use crate::migrations::Severity;

impl Problem {
    /// An error at a place.
    pub fn error(code: &'static str, origin: Origin, message: impl Into<String>) -> Problem {
        Problem {
            code,
            severity: Severity::Error,
            origin: Some(origin),
            message: message.into(),
            other: None,
            help: None,
            under_way: None,
        }
    }

    /// An error about the database as a whole.
    pub fn of_database(code: &'static str, message: impl Into<String>) -> Problem {
        Problem {
            code,
            severity: Severity::Error,
            origin: None,
            message: message.into(),
            other: None,
            help: None,
            under_way: None,
        }
    }

    /// It should be known, and stops nothing.
    #[must_use]
    pub fn warning(mut self) -> Problem {
        self.severity = Severity::Warning;
        self
    }

    /// Whether it is about the database, and nothing runs because of it.
    pub(super) fn is_about_the_database(&self) -> bool {
        self.origin.is_none() && self.stops()
    }

    /// With advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Problem {
        self.help = Some(help.into());
        self
    }

    /// With another place.
    #[must_use]
    pub fn other(mut self, words: impl Into<String>, origin: Origin) -> Problem {
        self.other = Some((words.into(), origin));
        self
    }

    /// Whether nothing may run because of it.
    pub fn stops(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl Finding for Problem {
    fn stops(&self) -> bool {
        Problem::stops(self)
    }

    fn under_way(&self) -> Option<&Key> {
        self.under_way.as_ref()
    }
}
