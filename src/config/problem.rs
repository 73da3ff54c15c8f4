//! What is wrong with the configuration: the problems, each with its place and what to do about it.
//!
//! A message never quotes a value that could be, or hold, a secret.

use std::fmt;

use super::origin::{Origin, Place};

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What and why, a lower-case fragment that names the flag, variable or key.
    pub message: String,
    /// Where, when it stands in a file.
    pub place: Option<Place>,
    /// What to type next.
    pub help: Option<String>,
}

impl Problem {
    /// A problem without a place in a file.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            place: None,
            help: None,
        }
    }

    /// A problem with the value that came from `origin`: its name, then `predicate`.
    pub(super) fn with(origin: &Origin, predicate: impl fmt::Display) -> Self {
        let message = match origin.place() {
            // The place names the file already.
            Some(_) => format!("{} {predicate}", origin.name()),
            None => format!("{origin} {predicate}"),
        };
        Self {
            message,
            place: origin.place(),
            help: None,
        }
    }

    /// The same problem at this place.
    pub(super) fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// The same problem with what to do about it.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.message)
    }
}

/// The configuration does not hold: every problem that was found, at least one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", lines(problems))]
pub struct ConfigError {
    problems: Vec<Problem>,
}

impl ConfigError {
    /// The problems, those of files first.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// An error of one problem.
    pub(super) fn one(problem: Problem) -> Self {
        Self {
            problems: vec![problem],
        }
    }

    /// An error unless there are no problems.
    pub(super) fn unless_empty(problems: Vec<Problem>) -> Result<(), Self> {
        if problems.is_empty() {
            Ok(())
        } else {
            Err(Self { problems })
        }
    }
}

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
    lines.join("\n")
}
