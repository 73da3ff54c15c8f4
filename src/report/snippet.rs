//! Diagnostics as text: what, where with the source line and an underline, notes and help, as rustc prints them.
//!
//! The renderer panics on spans that cut a character in two or reach beyond the text, so it gets one line and a span
//! that was fitted to it.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin as Path, Renderer, Snippet};

use super::Report;
use super::style::{Paint, STRONG, Style};
use super::words::{as_typed, count, printable, printable_lines};
use crate::diagnostic::{Diagnostic, Location, Severity};
use crate::script::Origin;
use crate::sql::place;

/// A line longer than this, in bytes, is not shown: the renderer trims long lines to the screen, but walks through all
/// of them to do it.
const LONG_LINE: usize = 64 * 1024;

impl Report {
    /// Every diagnostic with its place, notes and help; then what the database is like; then how many there were.
    /// Empty where nothing is wrong.
    pub fn text(&self, style: Style<'_>) -> String {
        let mut parts = self.parts(style);
        if self.diagnostics.len() > 1 {
            parts.push(format!("{}\n", self.counted()));
        }
        parts.join("\n")
    }

    /// The same without how many there were, for a command that prints that as its result.
    pub fn text_uncounted(&self, style: Style<'_>) -> String {
        self.parts(style).join("\n")
    }

    fn parts(&self, style: Style<'_>) -> Vec<String> {
        let mut parts: Vec<String> = self
            .diagnostics
            .iter()
            .map(|diagnostic| text(diagnostic, style))
            .collect();
        if let Some(database) = &self.database {
            parts.push(format!(
                "{}\n",
                style
                    .paint
                    .paint(STRONG, &printable(&as_typed(database, style.program)))
            ));
        }
        parts
    }

    /// `2 errors, 1 warning`.
    fn counted(&self) -> String {
        let of = |severity| {
            let those = self.diagnostics.iter();
            those.filter(|it| it.severity == severity).count()
        };
        let counts = [
            (of(Severity::Error), "error"),
            (of(Severity::Warning), "warning"),
            (of(Severity::Note), "note"),
        ];
        let counts: Vec<String> = counts
            .iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, noun)| count(*number, noun))
            .collect();
        counts.join(", ")
    }
}

/// What people are shown of a diagnostic beside its message and its place: related locations, the line where only that
/// is at hand, and the notes.
pub(super) fn notes(diagnostic: &Diagnostic) -> Vec<String> {
    let related = diagnostic.related.iter();
    let mut notes: Vec<String> = related
        .map(|related| format!("{}: {}", related.words, related.location))
        .collect();
    if let Some(Location::Line(line)) = &diagnostic.location
        && !line.text.is_empty()
    {
        notes.push(format!("at byte {}", line.offset));
        notes.push(line.text.clone());
    }
    notes.extend_from_slice(&diagnostic.notes);
    notes
}

/// The help, with the commands as they are to be typed.
pub(super) fn help(diagnostic: &Diagnostic, program: &str) -> Vec<String> {
    let help = diagnostic.help.iter();
    help.map(|help| as_typed(help, program)).collect()
}

fn text(diagnostic: &Diagnostic, style: Style<'_>) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let location = diagnostic.location.as_ref();
    let mut group = level
        .primary_title(printable_lines(&diagnostic.message))
        .id(diagnostic.code)
        .elements(location.map(element));
    for note in notes(diagnostic) {
        group = group.element(Level::NOTE.message(printable_lines(&note)));
    }
    for help in help(diagnostic, style.program) {
        group = group.element(Level::HELP.message(printable_lines(&help)));
    }
    let mut text = render(group, style.paint);
    let shown = diagnostic.origin().and_then(snippet);
    if shown.is_none() {
        text = indented(&text);
    }
    if let Some(diff) = &diagnostic.diff {
        text.push('\n');
        text.push_str(&diff.unified(style.paint));
    }
    text
}

fn render(group: Group<'_>, paint: Paint) -> String {
    let renderer = match paint {
        Paint::Colour => Renderer::styled(),
        Paint::Plain => Renderer::plain(),
    };
    renderer.render(&[group]) + "\n"
}

/// Without a source line there is no column of line numbers, and the renderer puts its arrow at the edge.
fn indented(text: &str) -> String {
    text.lines()
        .enumerate()
        .map(|(number, line)| match number {
            0 => format!("{line}\n"),
            _ => format!(" {line}\n"),
        })
        .collect()
}

fn element(location: &Location) -> Element<'_> {
    if let Some(snippet) = location.origin().and_then(snippet) {
        return snippet.into();
    }
    let (file, line, column) = location.place();
    let mut path = Path::path(printable(file));
    if let Some(line) = line {
        path = path.line(line as usize);
    }
    if let Some(column) = column {
        path = path.char_column(column as usize);
    }
    path.into()
}

type Shown<'a> = Snippet<'a, annotate_snippets::Annotation<'a>>;

fn snippet(origin: &Origin) -> Option<Shown<'_>> {
    let text = &origin.source.text;
    let (line, span) = first_line(text, &origin.span);
    let number = place(text, origin.span.start).line as usize;
    (line.len() <= LONG_LINE).then(|| {
        Snippet::source(&text[line])
            .line_start(number)
            .path(printable(&origin.source.name))
            .annotation(AnnotationKind::Primary.span(span))
    })
}

/// The line in which `span` begins, and what of `span` lies in it, as bytes of the line. Both are on the boundaries of
/// characters, whatever `span` is.
fn first_line(text: &str, span: &Range<usize>) -> (Range<usize>, Range<usize>) {
    let start = text.floor_char_boundary(span.start);
    let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    let line = text[line_start..line_end].trim_end();
    let start = (start - line_start).min(line.len());
    let end = line
        .floor_char_boundary(span.end.saturating_sub(line_start))
        .max(start);
    (line_start..line_start + line.len(), start..end)
}
