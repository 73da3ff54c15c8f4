//! What a lint came to, in words.

use super::words::count;
use crate::diagnostic::{Diagnostic, Severity};
use crate::lint::explanation;
use crate::rules::Rule;

/// One line: how many files were looked at, and what was found.
pub fn linted(files: usize, findings: &[Diagnostic], questions: usize) -> String {
    let of = |severity| {
        let number = findings.iter().filter(|it| it.severity == severity).count();
        (number > 0).then(|| count(number, severity.word()))
    };
    let found: Vec<String> = [Severity::Error, Severity::Warning, Severity::Note]
        .into_iter()
        .filter_map(of)
        .collect();
    let found = match found.is_empty() {
        true => "nothing found".to_owned(),
        false => found.join(", "),
    };
    let asked = match questions {
        0 => String::new(),
        number => format!(", {} asked of the database", count(number, "question")),
    };
    format!("{} looked at{asked}: {found}", count(files, "file"))
}

/// What a rule means.
pub fn explained(rule: &Rule) -> String {
    let text = explanation(rule.code).unwrap_or_default();
    format!(
        "{}: {} ({})\n\n{text}",
        rule.code,
        rule.title,
        rule.severity.word()
    )
}
