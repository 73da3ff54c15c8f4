//! A question that only the rows of a database answer, and what its answer means. Pure.

use crate::db::Query;
use crate::diagnostic::Diagnostic;

/// A question, and the finding where its answer is a count above `above`.
pub(super) struct Question {
    pub(super) query: Query,
    pub(super) above: u64,
    pub(super) finding: Diagnostic,
    /// What is counted: `rows`.
    pub(super) counts: &'static str,
}

impl Question {
    /// The finding where no database can be asked.
    pub(super) fn unasked(self) -> Diagnostic {
        self.finding
    }

    /// The finding of an answer.
    pub(super) fn answered(self, count: u64) -> Option<Diagnostic> {
        (count > self.above).then(|| {
            let counted = format!("the database has {count} {}", self.counts);
            self.finding.note(counted)
        })
    }
}
