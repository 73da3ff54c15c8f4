//! One problem, or one note for the reader: its message, its place and its exit class.
//!
//! It is made where the fault is found, with its whole text, and no caller rewrites it. The same value is shown
//! as text, as JSON and as annotations by [`report`](crate::report), and gives the exit code of the command line.

use std::fmt;
use std::ops::Range;

use crate::script::{Key, Origin};

/// Whether a diagnostic stops the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing runs.
    Error,
    /// It is reported, and the run continues.
    Warning,
    /// It is worth knowing, and nothing has to be done.
    Note,
}

impl Severity {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

/// What an error means for the exit code. The order is the precedence where several hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Usage or configuration.
    Usage,
    /// Checksums, missing files, order, names, a table that is not Seedbed's.
    Integrity,
    /// Findings of a lint.
    Lint,
    /// The schema is not the expected one.
    Drift,
    /// The outcome of the last change is unknown, because the network failed.
    Unknown,
    /// SIGINT or SIGTERM.
    Interrupted,
    /// A lock was not acquired in time.
    Locked,
    /// The operation failed.
    Failed,
}

impl Class {
    /// The exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            Class::Failed => 1,
            Class::Usage => 2,
            Class::Integrity => 4,
            Class::Drift => 5,
            Class::Locked => 6,
            Class::Lint => 7,
            Class::Unknown => 8,
            Class::Interrupted => 130,
        }
    }

    /// The class of these diagnostics together; `None` where none of them is an error.
    pub fn of<'a>(diagnostics: impl IntoIterator<Item = &'a Diagnostic>) -> Option<Class> {
        let errors = diagnostics.into_iter().filter(|it| it.is_error());
        errors.map(|error| error.class).min()
    }
}

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnostic {
    /// A stable name for programs: `edited`, `unknown-column`.
    pub code: &'static str,
    /// Whether it stops the command.
    pub severity: Severity,
    /// What it means for the exit code, where it is an error.
    pub class: Class,
    /// What is wrong and why, a lower-case fragment.
    pub message: String,
    /// Where it is wrong.
    pub location: Option<Location>,
    /// Other locations that belong to it.
    pub related: Vec<Related>,
    /// More about it.
    pub notes: Vec<String>,
    /// What to do about it. Commands are in backticks, without the name of the program, which the report adds.
    pub help: Vec<String>,
    /// A text as it was and as it is.
    pub diff: Option<Diff>,
    /// The migration or seed that it is about.
    pub subject: Option<Key>,
}

/// Where something is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// In a text that is at hand.
    Source(Origin),
    /// In a file.
    File {
        /// The file.
        file: String,
        /// The line, from 1.
        line: Option<u32>,
        /// The column in characters, from 1.
        column: Option<u32>,
    },
    /// In a text of which only this line is at hand.
    Line(Box<Line>),
}

/// A line of a text that is too long to keep.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Line {
    /// The file.
    pub file: String,
    /// Bytes of the text before the fault.
    pub offset: u64,
    /// The line, from 1.
    pub line: u64,
    /// The column in characters, from 1.
    pub column: u64,
    /// At most some hundred characters of the line; `…` where more was cut off.
    pub text: String,
    /// The faulty part, in bytes of `text`, on the boundaries of characters.
    pub span: Range<usize>,
}

/// Another location that belongs to a diagnostic.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Related {
    /// How it belongs to it: `first used here`.
    pub words: String,
    /// The location.
    pub location: Location,
}

/// A text as it was and as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diff {
    /// The name of the text as it was: `V2 as applied`.
    pub before_name: String,
    /// The text as it was.
    pub before: String,
    /// The name of the text as it is: its file.
    pub after_name: String,
    /// The text as it is.
    pub after: String,
}

impl Diagnostic {
    /// An operation that failed.
    pub fn error(code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            code,
            severity: Severity::Error,
            class: Class::Failed,
            message: message.into(),
            location: None,
            related: Vec::new(),
            notes: Vec::new(),
            help: Vec::new(),
            diff: None,
            subject: None,
        }
    }

    /// A fault of files or records that is found before anything runs.
    pub fn problem(code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(code, message).class(Class::Integrity)
    }

    /// With this exit class.
    #[must_use]
    pub fn class(mut self, class: Class) -> Diagnostic {
        self.class = class;
        self
    }

    /// As a warning.
    #[must_use]
    pub fn warning(mut self) -> Diagnostic {
        self.severity = Severity::Warning;
        self
    }

    /// At this location.
    #[must_use]
    pub fn at(mut self, location: impl Into<Location>) -> Diagnostic {
        self.location = Some(location.into());
        self
    }

    /// In this file.
    #[must_use]
    pub fn in_file(self, file: impl Into<String>) -> Diagnostic {
        self.at(Location::file(file))
    }

    /// With another location.
    #[must_use]
    pub fn related(
        mut self,
        words: impl Into<String>,
        location: impl Into<Location>,
    ) -> Diagnostic {
        self.related.push(Related {
            words: words.into(),
            location: location.into(),
        });
        self
    }

    /// With a note.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Diagnostic {
        self.notes.push(note.into());
        self
    }

    /// With these notes.
    #[must_use]
    pub fn notes<T: Into<String>>(mut self, notes: impl IntoIterator<Item = T>) -> Diagnostic {
        self.notes.extend(notes.into_iter().map(Into::into));
        self
    }

    /// With advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help.push(help.into());
        self
    }

    /// With advice, where there is some.
    #[must_use]
    pub fn helps<T: Into<String>>(mut self, help: impl IntoIterator<Item = T>) -> Diagnostic {
        self.help.extend(help.into_iter().map(Into::into));
        self
    }

    /// About this migration or seed.
    #[must_use]
    pub fn about(mut self, subject: &Key) -> Diagnostic {
        self.subject = Some(subject.clone());
        self
    }

    /// Whether it stops the command.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// The place in a text that is at hand.
    pub fn origin(&self) -> Option<&Origin> {
        self.location.as_ref().and_then(Location::origin)
    }

    /// The file that it is in.
    pub fn file(&self) -> Option<&str> {
        self.location.as_ref().map(|location| location.place().0)
    }
}

impl Diff {
    /// The first line of the text as it is that differs, from 1.
    pub(crate) fn first_difference(&self) -> u32 {
        let same = self
            .before
            .lines()
            .zip(self.after.lines())
            .take_while(|(before, after)| before == after)
            .count();
        // Where lines at the end are gone, the last one that is left has to do.
        let last = self.after.lines().count().max(1);
        u32::try_from((same + 1).min(last)).unwrap_or(u32::MAX)
    }
}

impl Location {
    /// A file as a whole.
    pub fn file(file: impl Into<String>) -> Location {
        Location::File {
            file: file.into(),
            line: None,
            column: None,
        }
    }

    /// The file, and the line and column from 1 where they are known.
    pub fn place(&self) -> (&str, Option<u32>, Option<u32>) {
        match self {
            Location::Source(origin) => {
                let place = origin.place();
                (&origin.source.name, Some(place.line), Some(place.column))
            }
            Location::File { file, line, column } => (file, *line, *column),
            Location::Line(line) => (
                &line.file,
                u32::try_from(line.line).ok(),
                u32::try_from(line.column).ok(),
            ),
        }
    }

    /// The place in a text that is at hand.
    pub fn origin(&self) -> Option<&Origin> {
        match self {
            Location::Source(origin) => Some(origin),
            Location::File { .. } | Location::Line(_) => None,
        }
    }
}

impl From<Origin> for Location {
    fn from(origin: Origin) -> Location {
        Location::Source(origin)
    }
}

impl fmt::Display for Location {
    /// `file:line:column`, as far as it is known.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, line, column) = self.place();
        f.write_str(file)?;
        for number in [line, column].into_iter().flatten() {
            write!(f, ":{number}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Diagnostic {
    /// The location and the message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(location) = &self.location {
            write!(f, "{location}: ")?;
        }
        f.write_str(&self.message)
    }
}

/// All of them, one a line: errors first, and warnings marked as such.
pub(crate) fn lines(diagnostics: &[Diagnostic]) -> String {
    let errors = diagnostics.iter().filter(|it| it.is_error());
    let warnings = diagnostics.iter().filter(|it| !it.is_error());
    let lines: Vec<String> = errors
        .map(Diagnostic::to_string)
        .chain(warnings.map(|warning| format!("warning: {warning}")))
        .collect();
    lines.join("\n")
}

/// Arguments as they can be typed again.
#[doc(hidden)]
pub fn typed<'a>(
    args: impl Iterator<Item = &'a (impl AsRef<std::ffi::OsStr> + ?Sized + 'a)>,
) -> String {
    let typed = args.map(|arg| {
        let arg = arg.as_ref().to_string_lossy();
        let is_plain = |char: char| char.is_alphanumeric() || "-_./:=,@%+".contains(char);
        match !arg.is_empty() && arg.chars().all(is_plain) {
            true => arg.into_owned(),
            false if cfg!(windows) => format!("\"{arg}\""),
            false => format!("'{}'", arg.replace('\'', r"'\''")),
        }
    });
    typed.collect::<Vec<_>>().join(" ")
}

/// The dump of an `import` as it can be typed. Standard input is named by what the shell sends there.
pub(crate) fn dump_as_typed(dump: &str) -> String {
    match dump {
        "-" | "<stdin>" => "- < DUMP".to_owned(),
        dump => typed(std::iter::once(dump)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(classes: &[Class]) -> Option<Class> {
        let all: Vec<Diagnostic> = classes
            .iter()
            .map(|class| Diagnostic::error("x", "x").class(*class))
            .collect();
        Class::of(&all)
    }

    #[test]
    fn usage_comes_before_integrity_and_that_before_lint_and_drift() {
        use Class::{Drift, Integrity, Lint, Usage};
        assert_eq!(of(&[Drift, Lint, Integrity, Usage]), Some(Usage));
        assert_eq!(of(&[Drift, Lint, Integrity]), Some(Integrity));
        assert_eq!(of(&[Drift, Lint]), Some(Lint));
        assert_eq!(of(&[]), None);
        let warning = Diagnostic::problem("x", "x").warning();
        assert_eq!(Class::of([&warning]), None);
    }

    #[test]
    fn a_diagnostic_is_shown_with_as_much_of_its_location_as_is_known() {
        let diagnostic = Diagnostic::problem("x", "no such table: t");
        assert_eq!(diagnostic.to_string(), "no such table: t");
        let file = diagnostic.clone().in_file("V1__x.sql");
        assert_eq!(file.to_string(), "V1__x.sql: no such table: t");
        let line = diagnostic.at(Location::Line(Box::new(Line {
            file: "old.sql".to_owned(),
            line: 3,
            column: 7,
            ..Line::default()
        })));
        assert_eq!(line.to_string(), "old.sql:3:7: no such table: t");
    }
}
