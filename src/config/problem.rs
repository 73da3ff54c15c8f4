//! Faults of the configuration: each names the flag, variable or key, and never quotes a value that could be, or hold, a
//! secret.

use std::fmt;

use super::origin::{Origin, Place};
use crate::diagnostic::{Class, Diagnostic, Location, lines};

/// A fault of the configuration.
pub(super) fn problem(message: impl Into<String>) -> Diagnostic {
    Diagnostic::error("config", message).class(Class::Usage)
}

/// A fault of the value that came from `origin`: its name, then `predicate`.
pub(super) fn problem_with(origin: &Origin, predicate: impl fmt::Display) -> Diagnostic {
    match origin.place() {
        // The place names the file already.
        Some(place) => problem(format!("{} {predicate}", origin.name())).at(place),
        None => problem(format!("{origin} {predicate}")),
    }
}

impl From<Place> for Location {
    fn from(place: Place) -> Location {
        Location::File {
            file: place.file.display().to_string(),
            line: place.line,
            column: place.column,
        }
    }
}

/// The configuration does not hold: every problem that was found, at least one.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", lines(problems))]
pub struct ConfigError {
    problems: Vec<Diagnostic>,
}

/// The problems, one a line, since `Debug` is what a `main` shows that returns an error.
impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl ConfigError {
    /// The problems, those of files first.
    pub fn problems(&self) -> &[Diagnostic] {
        &self.problems
    }

    /// An error of one problem.
    pub(super) fn one(problem: Diagnostic) -> Self {
        Self {
            problems: vec![problem],
        }
    }

    /// An error unless there are no problems.
    pub(super) fn unless_empty(problems: Vec<Diagnostic>) -> Result<(), Self> {
        if problems.is_empty() {
            Ok(())
        } else {
            Err(Self { problems })
        }
    }
}
