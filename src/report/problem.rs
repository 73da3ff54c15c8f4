//! Problems that were found before anything ran.

use super::Report;
use crate::diagnostic::Diagnostic;

impl Report {
    /// Problems, errors first.
    pub fn problems(problems: &[Diagnostic]) -> Report {
        let mut diagnostics = problems.to_vec();
        diagnostics.sort_by_key(|diagnostic| diagnostic.severity);
        Report::of(diagnostics)
    }
}
