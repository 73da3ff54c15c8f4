//! Rows that a seed takes from files beside it: `users: !csv users.csv`, `users: !json users.json`. They become rows as if
//! they stood in the seed, with their places in their own file. Pure: the caller brings the texts.
//!
//! What such a file holds is data: nothing in it is a tag, a pattern or a `${…}`.

mod csv;
mod json;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::companion::{Companion, Kind};
use super::model::{Expr, Field, Format, Label, RowDecl, SeedFile, Spanned, Style, Template};
use super::parse::{is_reserved_in_row, plain_label};
use crate::diagnostic::Diagnostic;
use crate::script::{Origin, RecordedText, Source};

/// What names the row in a file: the header of a column, or the name of a member.
const LABEL: &str = "_label";

/// Where the places of a file and of its companions end.
pub(super) fn end(file: &SeedFile) -> usize {
    match file.companions.last() {
        Some(last) => last.start + last.source.text.len(),
        None => file.source.text.len(),
    }
}

/// The text of a file, or a code and why there is none.
pub(super) type Found = Result<Arc<Source>, (&'static str, String)>;

/// Reads the rows of the files that a seed names. `find` has the text of a path, or its code and why there is none.
pub(super) fn fill(file: &mut SeedFile, find: &mut dyn FnMut(&str) -> Found) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    let mut known: HashMap<String, Companion> = HashMap::new();
    let mut tables = std::mem::take(&mut file.tables);
    for table in &mut tables {
        for rows in &mut table.files {
            let path = &rows.path.value;
            let companion = match known.get(path) {
                Some(companion) => companion.clone(),
                None => match find(path) {
                    Ok(source) => {
                        let companion = Companion {
                            path: path.clone(),
                            kind: Kind::Rows,
                            start: end(file) + 1,
                            source,
                            recorded: None,
                        };
                        file.companions.push(companion.clone());
                        known.insert(path.clone(), companion.clone());
                        companion
                    }
                    Err((code, why)) => {
                        let help = match code {
                            "file-outside" => {
                                "copy it into the project: a seed reads no file outside of it"
                            }
                            "no-such-file" => "the path begins at the folder of the seed file",
                            "large-file" => "give its rows to several files",
                            _ => "write it again as text in UTF-8",
                        };
                        let origin = file.origin(&rows.path.span());
                        let problem = Diagnostic::problem(code, format!("{path}: {why}"));
                        problems.push(problem.at(origin).help(help));
                        continue;
                    }
                },
            };
            let mut reader = Reader {
                companion: &companion,
                problems: Vec::new(),
            };
            table.rows.extend(match rows.format {
                Format::Csv { separator } => csv::rows(&mut reader, separator),
                Format::Json => json::rows(&mut reader),
            });
            rows.is_whole = reader.problems.is_empty();
            problems.append(&mut reader.problems);
        }
    }
    file.tables = tables;
    if !file.companions.is_empty() {
        file.checksum = with_companions(file, file.source.text.clone()).checksum();
    }
    problems
}

/// How a file begins behind the text of a recorded seed; each of its lines follows as a comment.
const MARKS: [(&str, Kind); 2] = [
    ("# seedbed:rows ", Kind::Rows),
    ("# seedbed:override ", Kind::Override),
];
const LINE: &str = "#|";

/// The text of a seed with its files behind it, as comments: what is recorded, so that the rows follow from the record.
pub(super) fn with_companions(file: &SeedFile, text: Arc<str>) -> RecordedText {
    let mut is_ended = text.ends_with('\n');
    let mut all = RecordedText::from(text);
    for companion in &file.companions {
        let before = if is_ended { "" } else { "\n" };
        is_ended = true;
        let mark = MARKS.iter().find(|(_, kind)| *kind == companion.kind);
        let mark = mark.map_or("", |(mark, _)| mark);
        all.push(format!("{before}{mark}{}\n", companion.path));
        let recorded = companion.recorded.as_ref();
        all.push_lines(LINE, recorded.unwrap_or(&companion.source.text).clone());
    }
    all
}

/// A recorded text without the files behind it, and these: what each is for, its path and its text.
pub(super) fn split(text: &str) -> (&str, Vec<(Kind, &str, String)>) {
    let marked = |line: &str| {
        let mut marks = MARKS.iter();
        marks.find(|(mark, _)| line.starts_with(mark)).copied()
    };
    // Behind the first of them there are comments only.
    let mut start = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        match marked(line) {
            Some(_) => start = start.or(Some(at)),
            None if !line.starts_with(LINE) => start = None,
            None => {}
        }
        at += line.len();
    }
    let Some(start) = start else {
        return (text, Vec::new());
    };
    let mut files: Vec<(Kind, &str, Vec<&str>)> = Vec::new();
    for line in text[start..].split_terminator('\n') {
        if let Some((mark, kind)) = marked(line) {
            files.push((kind, &line[mark.len()..], Vec::new()));
        } else if let (Some((_, _, lines)), Some(line)) =
            (files.last_mut(), line.strip_prefix(LINE))
        {
            lines.push(line);
        }
    }
    let files = files.into_iter();
    let files = files.map(|(kind, path, lines)| (kind, path, lines.join("\n")));
    (&text[..start], files.collect())
}

/// What is known while a file is read.
struct Reader<'a> {
    companion: &'a Companion,
    problems: Vec<Diagnostic>,
}

/// A file with more problems is another kind of file than was meant.
const MOST_PROBLEMS: usize = 20;

impl Reader<'_> {
    fn text(&self) -> &str {
        &self.companion.source.text
    }

    fn error(&mut self, code: &'static str, span: Range<usize>, message: String, help: &str) {
        if self.problems.len() >= MOST_PROBLEMS {
            return;
        }
        let source = self.companion.source.clone();
        let origin = Origin { source, span };
        let problem = Diagnostic::problem(code, message).at(origin);
        self.problems.push(problem.help(help.to_owned()));
    }

    /// A place in the file, as the declarations keep it.
    fn place(&self, span: Range<usize>) -> Range<usize> {
        span.start + self.companion.start..span.end + self.companion.start
    }

    /// Whether a name is that of a column.
    fn is_column(&mut self, name: &str, span: Range<usize>) -> bool {
        if name.is_empty() {
            let help = "write it, or remove what stands under it";
            self.error(
                "bad-value",
                span,
                "the name of a column is missing here".into(),
                help,
            );
            return false;
        }
        if is_reserved_in_row(name) {
            let message = format!("a row of a file has no setting `{name}`");
            let help = "a file has columns, and `_label` for the labels of its rows";
            self.error("unknown-setting", span, message, help);
            return false;
        }
        true
    }

    /// A row; its label is a name, and no pattern.
    fn row(
        &mut self,
        span: Range<usize>,
        label: Option<(String, Range<usize>)>,
        fields: Vec<Field>,
    ) -> Option<RowDecl> {
        let label = match label {
            None => None,
            Some((text, span)) => match plain_label(&text) {
                Ok(()) => Some(Spanned::new(Label::One(text.into()), self.place(span))),
                Err(why) => {
                    let help =
                        "a label in a file is a plain name: patterns are for the seed itself";
                    self.error("bad-label", span, why, help);
                    return None;
                }
            },
        };
        let span = match &label {
            Some(label) => label.span(),
            None => self.place(span),
        };
        Some(RowDecl {
            label,
            span,
            was: None,
            fields: fields.into(),
            over: Box::default(),
        })
    }
}

/// A text as it stands at a place of the file: no names are replaced in it.
fn scalar(text: &str, style: Style, source: &Arc<Source>, span: &Range<usize>) -> Expr {
    Expr::Scalar {
        text: Template::read(text, source, span),
        style,
    }
}

#[cfg(test)]
mod tests;
