//! Problems that were found before anything ran.

use super::diff::Texts;
use super::style::Style;
use super::words::{as_typed, moment};
use super::{At, Diagnostic, Report};
use crate::drive::Finding;
use crate::migrations::{Edit, Problem};
use crate::script::{Origin, Source};

impl Report {
    /// Problems, errors first.
    pub fn problems(problems: &[Problem], style: Style<'_>) -> Report {
        Report::told(problems, style)
    }

    /// Problems of any room, errors first.
    pub fn told<P: Told>(problems: &[P], style: Style<'_>) -> Report {
        let mut diagnostics: Vec<Diagnostic> = problems
            .iter()
            .map(|problem| problem.told(style.program))
            .collect();
        diagnostics.sort_by_key(|diagnostic| diagnostic.severity);
        Report::of(diagnostics)
    }
}

/// A problem of some room that can be put into words.
pub trait Told: Finding {
    /// The words. `program` is what people type to run this program.
    fn told(&self, program: &str) -> Diagnostic;
}

impl Told for Problem {
    fn told(&self, program: &str) -> Diagnostic {
        diagnostic(self, program)
    }
}

fn diagnostic(problem: &Problem, program: &str) -> Diagnostic {
    let diff = diff(problem);
    let at = match (problem, problem.origin(), problem.file()) {
        (_, Some(origin), _) => Some(At::Source(origin.clone())),
        (Problem::Edited { .. } | Problem::EditedSinceBase { .. }, _, Some(file)) => {
            Some(At::File {
                file: file.to_owned(),
                line: diff.as_ref().map(Texts::first_difference),
                column: None,
            })
        }
        (_, _, Some(file)) => Some(At::file(file)),
        (_, _, None) => None,
    };
    Diagnostic {
        severity: problem.severity(),
        at,
        notes: match problem {
            Problem::DownIsNoInverse { differences, .. } => super::schema::notes(differences),
            Problem::WrittenFor(written) => {
                markers("further markers at", written.markers().skip(1))
            }
            Problem::BadName {
                written_for: Some(written),
                ..
            } => markers("markers at", written.markers()),
            _ => Vec::new(),
        },
        help: problem
            .help()
            .iter()
            .flat_map(|help| help.lines())
            .map(|help| as_typed(help, program))
            .collect(),
        diff,
        ..Diagnostic::error(problem.code(), message(problem))
    }
}

/// How many markers are named.
const MARKERS: usize = 8;

/// The places of markers, one a line.
fn markers<'a>(title: &str, all: impl Iterator<Item = (&'a Origin, &'a str)>) -> Vec<String> {
    let mut lines: Vec<String> = all
        .map(|(origin, marker)| {
            let place = origin.place();
            format!(
                "{}:{}:{} {marker}",
                origin.source.name, place.line, place.column
            )
        })
        .collect();
    let more = lines.len().saturating_sub(MARKERS);
    if more > 0 {
        lines.truncate(MARKERS);
        lines.push(format!("and {more} more"));
    }
    match lines.as_slice() {
        [] => Vec::new(),
        _ => vec![format!("{title}\n{}", lines.join("\n"))],
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
fn diff(problem: &Problem) -> Option<Texts> {
    let texts = |before_name: String, recorded: &str, file: &Source| Texts {
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
