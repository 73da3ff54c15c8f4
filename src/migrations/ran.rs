//! What ran of a recorded text: a file of another tool is recorded whole, with the layout that tells what of it applies
//! the migration. Pure.

use std::borrow::Cow;

use crate::history::{FILE_LAYOUT, Row};
use crate::layouts::{Layout, as_run};
use crate::script::Atomicity;

/// The layout that a recorded file has. One that this program does not know is read as Seedbed's own.
pub(super) fn layout(row: &Row) -> Layout {
    let word = row.detail.get(FILE_LAYOUT).and_then(|word| word.as_str());
    word.and_then(Layout::of_word).unwrap_or_default()
}

/// What ran of it, where its text is at hand.
pub(super) fn text(row: &Row) -> Option<Cow<'_, str>> {
    Some(text_and_atomicity(row)?.0)
}

/// The same, and whether its layout takes it out of its transaction.
pub(super) fn text_and_atomicity(row: &Row) -> Option<(Cow<'_, str>, Atomicity)> {
    Some(as_run(layout(row), row.source.as_deref()?))
}
