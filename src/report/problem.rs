//! Problems that were found before anything ran.

use super::Report;
use super::words::moment;
use crate::diagnostic::{Class, Diagnostic, Diff, Location};
use crate::drive::Finding;
use crate::migrations::{Edit, Problem};
use crate::script::Source;

impl Report {
    /// Problems, errors first.
    pub fn problems(problems: &[Problem]) -> Report {
        Report::told(problems)
    }

    /// Problems of any room, errors first.
    pub fn told<P: Told>(problems: &[P]) -> Report {
        let mut diagnostics: Vec<Diagnostic> = problems.iter().map(Told::told).collect();
        diagnostics.sort_by_key(|diagnostic| diagnostic.severity);
        Report::of(diagnostics)
    }
}

/// A problem of some room that can be put into words.
pub trait Told: Finding {
    /// The words.
    fn told(&self) -> Diagnostic;
}

impl Told for Problem {
    fn told(&self) -> Diagnostic {
        diagnostic(self)
    }
}

fn diagnostic(problem: &Problem) -> Diagnostic {
    let diff = diff(problem);
    let location = match (problem, problem.origin(), problem.file()) {
        (_, Some(origin), _) => Some(Location::Source(origin.clone())),
        (Problem::Edited { .. } | Problem::EditedSinceBase { .. }, _, Some(file)) => {
            Some(Location::File {
                file: file.to_owned(),
                line: diff.as_ref().map(Diff::first_difference),
                column: None,
            })
        }
        (_, _, Some(file)) => Some(Location::file(file)),
        (_, _, None) => None,
    };
    Diagnostic {
        severity: problem.severity(),
        location,
        class: Class::Integrity,
        notes: match problem {
            Problem::DownIsNoInverse { differences, .. } => super::schema::notes(differences),
            _ => Vec::new(),
        },
        help: problem.help().into_iter().collect(),
        diff,
        ..Diagnostic::error(problem.code(), message(problem))
    }
}

/// The problem's own words, with the time as people read it, and without what has notes of its own.
fn message(problem: &Problem) -> String {
    let mut problem = problem.clone();
    if let Problem::DownIsNoInverse { differences, .. } = &mut problem {
        differences.clear();
    }
    let words = problem.to_string();
    match &problem {
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

/// What was changed, where it matters and the text as it was is at hand.
fn diff(problem: &Problem) -> Option<Diff> {
    let texts = |before_name: String, recorded: &str, file: &Source| Diff {
        before_name,
        before: recorded.to_owned(),
        after_name: file.name.clone(),
        after: file.text.clone(),
    };
    match problem {
        Problem::Edited {
            key,
            file,
            edit: Edit::Meaning,
            recorded: Some(recorded),
            ..
        } => Some(texts(format!("{key} as applied"), recorded, file)),
        Problem::EditedSinceBase {
            key,
            file,
            edit: Edit::Meaning,
            base,
            recorded,
        } => Some(texts(format!("{key} in {base}"), recorded, file)),
        Problem::DownIsNoInverse { differences, .. } => {
            super::schema::diff(differences, "as it should be")
        }
        _ => None,
    }
}
