//! What was done, one line each, and where the database stands now.

use super::Style;
use crate::migrations::{Event, Outcome};

/// The command whose outcome it is: the same change to a record has another word in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// `migrate`.
    Migrate,
    /// `undo`.
    Undo,
    /// `repair`.
    Repair,
    /// `baseline`.
    Baseline,
}

/// What a command did. Warnings come first.
pub fn outcome(outcome: &Outcome, change: Change, style: Style<'_>) -> String {
    let _ = (outcome, change, style);
    String::new()
}

/// A line for somebody who waits, where there is something to say.
pub fn event(event: &Event, style: Style<'_>) -> Option<String> {
    let _ = (event, style);
    None
}
