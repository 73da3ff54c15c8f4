//! Diagnostics as text: what, where with the source line and an underline, notes and help, as rustc prints them.
//!
//! The renderer panics on spans that cut a character in two or reach beyond the text, so it gets one line and a span
//! that was fitted to it.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin as Path, Renderer, Snippet};

use super::style::{Paint, STRONG, Style};
use super::words::count;
use super::{At, Diagnostic, Report};
use crate::migrations::Severity;
use crate::script::Origin;
use crate::sql::{Place, place};

/// A line longer than this (in bytes) is cut around what is underlined before the renderer trims it to the screen.
const LONG_LINE: usize = 4000;

impl Report {
    /// Every diagnostic with its place, notes and help; then what the database is like; then how many there were.
    /// Empty where nothing is wrong.
    pub fn text(&self, style: Style<'_>) -> String {
        let mut parts: Vec<String> = self
            .diagnostics
            .iter()
            .map(|diagnostic| diagnostic.text(style.paint))
            .collect();
        if let Some(database) = &self.database {
            parts.push(format!("{}\n", style.paint.paint(STRONG, database)));
        }
        if self.diagnostics.len() > 1 {
            parts.push(format!("{}\n", self.counted()));
        }
        parts.join("\n")
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
        ];
        let counts: Vec<String> = counts
            .iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, noun)| count(*number, noun))
            .collect();
        counts.join(", ")
    }
}

impl Diagnostic {
    fn text(&self, paint: Paint) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut group = level
            .primary_title(self.message.as_str())
            .id(self.code)
            .elements(self.at.as_ref().map(At::element));
        for note in &self.notes {
            group = group.element(Level::NOTE.message(note.as_str()));
        }
        for help in &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        let mut text = render(group, paint);
        if let Some(diff) = &self.diff {
            text.push('\n');
            text.push_str(&diff.unified(paint));
        }
        text
    }
}

fn render(group: Group<'_>, paint: Paint) -> String {
    let renderer = match paint {
        Paint::Colour => Renderer::styled(),
        Paint::Plain => Renderer::plain(),
    };
    renderer.render(&[group]) + "\n"
}

impl At {
    /// The file, and the line and column from 1 where they are known.
    pub(super) fn place(&self) -> (&str, Option<u32>, Option<u32>) {
        match self {
            At::Source(origin) => {
                let Place { line, column } = origin.place();
                (&origin.source.name, Some(line), Some(column))
            }
            At::File { file, line, column } => (file, *line, *column),
        }
    }

    fn element(&self) -> Element<'_> {
        match self {
            At::Source(origin) => snippet(origin).into(),
            At::File { file, line, column } => {
                let mut path = Path::path(file.as_str());
                if let Some(line) = line {
                    path = path.line(*line as usize);
                }
                if let Some(column) = column {
                    path = path.char_column(*column as usize);
                }
                path.into()
            }
        }
    }
}

fn snippet(origin: &Origin) -> Snippet<'_, annotate_snippets::Annotation<'_>> {
    let text = &origin.source.text;
    let (line, span) = first_line(text, &origin.span);
    let number = place(text, origin.span.start).line as usize;
    Snippet::source(&text[line])
        .line_start(number)
        .path(origin.source.name.as_str())
        .annotation(AnnotationKind::Primary.span(span))
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
