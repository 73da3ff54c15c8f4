//! How text is written: with or without colour, and by which name the program is called in what it suggests.

use anstyle::{AnsiColor, Style as Ansi};

/// Whether text carries colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Paint {
    /// With ANSI codes.
    Colour,
    /// Without.
    #[default]
    Plain,
}

/// How text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style<'a> {
    /// Whether it carries colour.
    pub paint: Paint,
    /// What people type to run this program: `cargo xtask` or `seedbed`, and the global flags that each command needs again.
    pub program: &'a str,
    /// How many columns a table may have: those of the terminal. None where it goes elsewhere, and stays whole.
    pub columns: Option<usize>,
}

pub(super) const GOOD: Ansi = AnsiColor::Green.on_default();
pub(super) const WAITS: Ansi = AnsiColor::Yellow.on_default();
pub(super) const BAD: Ansi = AnsiColor::Red.on_default();
pub(super) const OTHER: Ansi = AnsiColor::Cyan.on_default();
pub(super) const FAINT: Ansi = Ansi::new().dimmed();
pub(super) const STRONG: Ansi = Ansi::new().bold();

impl Paint {
    /// `text` in this colour, or as it is.
    pub(super) fn paint(self, colour: Ansi, text: &str) -> String {
        match self {
            Paint::Colour if !text.is_empty() => format!("{colour}{text}{colour:#}"),
            Paint::Colour | Paint::Plain => text.to_owned(),
        }
    }
}
