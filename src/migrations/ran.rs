//! What ran of a recorded text: a file of another tool is recorded whole, with the layout that tells what of it applies
//! the migration. Pure.

use std::borrow::Cow;

use crate::history::{FILE_LAYOUT, Row};
use crate::layouts::{Layout, as_run, down_hint, file_of, named};
use crate::script::{Atomicity, Key};

use super::set::Migrations;

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

/// Where the file of a record would stand among those of the set; `None` where only its tool can write one.
pub(super) fn file(row: &Row, set: &Migrations) -> Option<String> {
    let Key::Migration(version) = row.key else {
        return Some(format!("{}{}.sql", set.folder(), row.key));
    };
    let layout = layout(row);
    let newest = set.versioned.last();
    let newest = newest.and_then(|newest| named(layout, &newest.up.source.name));
    let width = newest.map_or(0, |newest| newest.digits.len());
    let file = file_of(layout, version, &row.name, width)?;
    Some(format!("{}{file}", set.folder()))
}

/// Where what undoes a record is to be written, and how it gets to the record.
pub(super) fn write_down(row: &Row, folder: &str) -> String {
    let layout = layout(row);
    match down_hint(layout, &row.key.to_string(), &row.name) {
        Some(place) if layout == Layout::Seedbed => {
            format!("write {folder}{place}, then `repair` records it")
        }
        Some(place) => format!("write {place}, then `repair` records it"),
        None => format!(
            "the folders of {} have no down files: write what undoes it as a new migration",
            layout.tools()
        ),
    }
}
