//! Why a test has no database, in words.

use std::fmt;

use super::script::script;
use super::words::as_typed;
use super::{At, Diagnostic, Paint, Report, Style};
use crate::seeds::{self, Problem};
use crate::testing::TestingError;

impl Report {
    /// A database for tests that could not be made.
    pub fn testing(error: &TestingError, style: Style<'_>) -> Report {
        let mut report = match error {
            TestingError::Config(error) => Report::config(error, style),
            TestingError::Read(error) => Report::files(error, style),
            TestingError::Migrations(error) => Report::failure(error, style),
            TestingError::Seeds(error) => Report::seeding(error, style),
            TestingError::History(error) => Report::history(error, style),
            TestingError::NoProject(_)
            | TestingError::Run(_)
            | TestingError::Db(_)
            | TestingError::Write { .. }
            | TestingError::Labels { .. }
            | TestingError::UnknownTable { .. }
            | TestingError::UnknownLabel { .. }
            | TestingError::Gone { .. }
            | TestingError::Unfit { .. } => Report::usage("testing", with_causes(error), None),
        };
        // What a template under construction is like helps nobody: it is gone.
        report.database = None;
        report.items = Vec::new();
        report
    }

    /// Seeds that were not applied.
    pub fn seeding(error: &seeds::ApplyError, style: Style<'_>) -> Report {
        match error {
            seeds::ApplyError::History(error) => Report::history(error, style),
            seeds::ApplyError::Problems { problems, .. } => {
                let mut all: Vec<Diagnostic> = problems
                    .iter()
                    .map(|problem| diagnostic(problem, style.program))
                    .collect();
                all.sort_by_key(|diagnostic| diagnostic.severity);
                Report::of(all)
            }
            seeds::ApplyError::Waited { .. } => {
                Report::usage("lock-timeout", error.to_string(), None)
            }
            seeds::ApplyError::Script(error) => script(error, style),
            seeds::ApplyError::Unknown { .. } => Report::usage("unknown", error.to_string(), None),
        }
    }
}

fn diagnostic(problem: &Problem, program: &str) -> Diagnostic {
    let other = problem.other.iter().map(|(words, origin)| {
        let place = origin.place();
        let (line, column) = (place.line, place.column);
        format!("{words}: {}:{line}:{column}", origin.source.name)
    });
    Diagnostic {
        severity: problem.severity,
        at: problem.origin.clone().map(At::Source),
        notes: other.collect(),
        help: problem
            .help
            .iter()
            .map(|help| as_typed(help, program))
            .collect(),
        ..Diagnostic::error(problem.code, problem.message.clone())
    }
}

/// An error and what caused it, in one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}

/// The whole report, since `Debug` is what a test shows that unwraps or returns an error.
impl fmt::Debug for TestingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let style = Style {
            paint: Paint::Plain,
            program: "seedbed",
        };
        let text = Report::testing(self, style).text(style);
        write!(f, "{self}\n\n{text}")
    }
}
