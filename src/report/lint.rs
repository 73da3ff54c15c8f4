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

/// What a rule means: the section of the page, for a terminal.
pub fn explained(rule: &Rule) -> String {
    let text = plain(explanation(rule.code).unwrap_or_default());
    let severity = format!("{} ({})", rule.title, rule.severity.word());
    // The section begins with the severity too.
    let text = text
        .split_once(". ")
        .map_or(text.as_str(), |(_, text)| text);
    format!("{}: {severity}\n\n{text}", rule.code)
}

/// Markdown as plain text: examples are indented, and sentences are broken between words.
pub(super) fn plain(markdown: &str) -> String {
    const WIDTH: usize = 100;
    let mut out: Vec<String> = Vec::new();
    let mut in_example = false;
    for line in markdown.lines() {
        if line.starts_with("```") {
            in_example = !in_example;
        } else if in_example {
            out.push(format!("    {line}"));
        } else {
            let mut last = String::new();
            for word in unmarked(line).split(' ') {
                if !last.is_empty() && last.chars().count() + 1 + word.chars().count() > WIDTH {
                    out.push(std::mem::take(&mut last));
                }
                let space = if last.is_empty() { "" } else { " " };
                last.extend([space, word]);
            }
            out.push(last);
        }
    }
    out.join("\n")
}

/// A line without marks: `[a](b)` is `a (b)`.
fn unmarked(line: &str) -> String {
    let line = line.replace("**", "").replace(['<', '>'], "");
    line.replace("](", " (").replace('[', "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::rule;

    #[test]
    fn an_explanation_has_no_marks_and_its_examples_are_indented() {
        let text = explained(rule("DS101").unwrap());
        assert!(
            text.starts_with("DS101: a table and its rows are dropped (error)\n\nWhat happens. ")
        );
        assert!(text.contains("\n    DROP TABLE invoices;\n"), "{text}");
        assert!(!text.contains("**") && !text.contains("```"), "{text}");
        assert!(
            text.lines().all(|line| line.chars().count() <= 100),
            "{text}"
        );
    }
}
