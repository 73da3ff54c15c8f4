//! What would run: transactions, files, statements. Nothing here says more than the plan does.

use super::Style;
use crate::history::History;
use crate::migrations::{Plan, UndoPlan};

/// What `migrate --dry-run` shows of a plan. Its problems come with it.
pub fn dry_run(plan: &Plan, history: &History, style: Style<'_>) -> String {
    let _ = (plan, history, style);
    String::new()
}

/// What `undo --dry-run` shows of a plan. Its problems come with it.
pub fn undo_dry_run(plan: &UndoPlan, history: &History, style: Style<'_>) -> String {
    let _ = (plan, history, style);
    String::new()
}
