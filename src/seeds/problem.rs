//! What can be wrong with seeds. Each has its own place; the words are the report's business only where they need more
//! than this.

use crate::script::Origin;

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
        }
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
