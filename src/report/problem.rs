//! Problems that were found before anything ran.

use super::diff::Texts;
use super::style::Style;
use super::words::{as_typed, moment};
use super::{At, Diagnostic, Report};
use crate::migrations::{Edit, Problem};

impl Report {
    /// Problems, errors first.
    pub fn problems(problems: &[Problem], style: Style<'_>) -> Report {
        let mut diagnostics: Vec<Diagnostic> = problems
            .iter()
            .map(|problem| diagnostic(problem, style.program))
            .collect();
        diagnostics.sort_by_key(|diagnostic| diagnostic.severity);
        Report::of(diagnostics)
    }
}

pub(super) fn diagnostic(problem: &Problem, program: &str) -> Diagnostic {
    let diff = diff(problem);
    let at = match (problem.origin(), problem.file()) {
        (Some(origin), _) => Some(At::Source(origin.clone())),
        (None, Some(file)) => Some(At::File {
            file: file.to_owned(),
            line: diff.as_ref().map(Texts::first_difference),
            column: None,
        }),
        (None, None) => None,
    };
    Diagnostic {
        severity: problem.severity(),
        at,
        help: problem
            .help()
            .map(|help| as_typed(&help, program))
            .into_iter()
            .collect(),
        diff,
        ..Diagnostic::error(problem.code(), message(problem))
    }
}

/// The problem's own words, with the time as people read it.
fn message(problem: &Problem) -> String {
    let words = problem.to_string();
    match problem {
        Problem::Edited {
            applied_at: time, ..
        }
        | Problem::Missing {
            applied_at: time, ..
        }
        | Problem::Started { since: time, .. }
            if !time.is_empty() =>
        {
            words.replace(time.as_str(), &moment(time))
        }
        _ => words,
    }
}

/// What was changed, where it matters and the recorded text was read.
fn diff(problem: &Problem) -> Option<Texts> {
    match problem {
        Problem::Edited {
            key,
            file,
            edit: Edit::Meaning,
            recorded: Some(recorded),
            ..
        } => Some(Texts {
            before_name: format!("{key} as applied"),
            before: recorded.clone(),
            after_name: file.name.clone(),
            after: file.text.clone(),
        }),
        _ => None,
    }
}
