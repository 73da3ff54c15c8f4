//! What runs of a text: the rest is blanked, so that every place in what runs is the place in the file. Pure.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::drizzle::with_semicolons;
use super::sections::{self, Rules};
use super::{Instruction, Layout, Part, marker};
use crate::script::{Atomicity, Source};
use crate::sql::{CommentLine, Form, comment_lines, mentions};

/// A text of which parts are blanked.
pub(super) struct Blanked<'a> {
    whole: &'a str,
    bytes: Vec<u8>,
}

fn blank(byte: u8) -> u8 {
    match byte {
        b'\n' => b'\n',
        _ => b' ',
    }
}

impl<'a> Blanked<'a> {
    /// All of it.
    pub(super) fn whole(whole: &'a str) -> Blanked<'a> {
        Blanked {
            whole,
            bytes: whole.as_bytes().to_vec(),
        }
    }

    /// Nothing but the ends of its lines.
    pub(super) fn nothing(whole: &'a str) -> Blanked<'a> {
        Blanked {
            whole,
            bytes: whole.bytes().map(blank).collect(),
        }
    }

    /// Shows these bytes of the whole again.
    pub(super) fn show(&mut self, span: Range<usize>) {
        self.bytes[span.clone()].copy_from_slice(&self.whole.as_bytes()[span]);
    }

    /// Leaves `kept` of these bytes, at their beginning, and blanks the others.
    pub(super) fn replace(&mut self, span: Range<usize>, kept: &str) {
        let bytes = &mut self.bytes[span];
        bytes.iter_mut().for_each(|byte| *byte = blank(*byte));
        bytes[..kept.len()].copy_from_slice(kept.as_bytes());
    }

    /// The text. Only whole characters were blanked, so it is one.
    pub(super) fn text(self) -> String {
        String::from_utf8(self.bytes).unwrap_or_else(|_| self.whole.to_owned())
    }
}

/// The lines of comments that are instructions to one of these tools.
pub(super) fn instructions<'a>(
    lines: &'a [CommentLine<'a>],
    tools: &'a [&'static str],
) -> impl Iterator<Item = (&'a CommentLine<'a>, Vec<Instruction>)> {
    let lines = lines
        .iter()
        .filter(|line| line.form == Form::Line && line.starts_line);
    lines.filter_map(move |line| {
        if tools == ["dbmate"]
            && let Some(found) = of_dbmate(line)
        {
            return Some((line, found));
        }
        let (tool, instructions) = marker(line)?;
        tools.contains(&tool).then_some((line, instructions))
    })
}

/// In its own folder, dbmate takes any words behind a direction: `^--\s*migrate:up(\s*$|\s+\S+)`, with options `name:value`
/// among them, and only `transaction:false` takes the section out of its transaction (`pkg/dbmate/parse.go`).
pub(super) fn of_dbmate(line: &CommentLine<'_>) -> Option<Vec<Instruction>> {
    let (direction, words) = match line.text.strip_prefix("migrate:up") {
        Some(words) => (Instruction::Up, words),
        None => (Instruction::Down, line.text.strip_prefix("migrate:down")?),
    };
    if !words.is_empty() && !words.starts_with(char::is_whitespace) {
        return None;
    }
    let mut found = vec![direction];
    if words
        .split_whitespace()
        .any(|word| word == "transaction:false")
    {
        found.push(Instruction::NoTransaction);
    }
    Some(found)
}

/// A text without sections: markers of its own tools are blanked. sqlx looks at the first bytes of a file alone
/// (`sqlx-core/src/migrate/source.rs`).
pub(super) fn unmarked(whole: &str, tools: &[&'static str]) -> (Option<String>, Atomicity) {
    if !mentions(whole, &["transaction"]) {
        return (None, Atomicity::default());
    }
    let lines = comment_lines(whole);
    let is_first = |line: &CommentLine<'_>| {
        tools.contains(&"sqlx") && line.span.start == 0 && whole.starts_with("-- no-transaction")
    };
    let mut atomicity = Atomicity::default();
    let mut spans: Vec<Range<usize>> = Vec::new();
    for line in lines.iter().filter(|line| line.form == Form::Line) {
        let tool = match marker(line) {
            Some((tool, found)) if found[..] == [Instruction::NoTransaction] => Some(tool),
            _ => None,
        };
        let tool = tool.filter(|tool| tools.contains(tool));
        let is_elsewhere = tool.is_some_and(|tool| tool != "sqlx") && !line.below_a_statement;
        if is_first(line) || is_elsewhere {
            atomicity = Atomicity::Bare;
        }
        if is_first(line) || tool.is_some() {
            spans.push(line.span.clone());
        }
    }
    if spans.is_empty() {
        return (None, atomicity);
    }
    let mut blanked = Blanked::whole(whole);
    for span in spans {
        blanked.replace(span, "--");
    }
    (Some(blanked.text()), atomicity)
}

/// The tools whose markers a layout without sections obeys.
pub(super) fn obeyed(layout: Layout) -> &'static [&'static str] {
    match layout {
        Layout::Numbered => &["sqlx"],
        Layout::Pairs => &["sqlx", "geni", "dbmate"],
        _ => &[],
    }
}

/// What runs of a recorded text of this layout when it applies its migration, and how.
pub(crate) fn as_run(layout: Layout, whole: &str) -> (Cow<'_, str>, Atomicity) {
    let (text, atomicity) = match layout {
        Layout::Seedbed | Layout::Diesel | Layout::Prisma => (None, Atomicity::default()),
        Layout::Numbered | Layout::Pairs => unmarked(whole, obeyed(layout)),
        Layout::Drizzle => (with_semicolons(whole), Atomicity::default()),
        Layout::Goose | Layout::Dbmate | Layout::SqlMigrate => {
            let source = Arc::new(Source {
                name: String::new(),
                text: whole.into(),
            });
            let divided = sections::divide(&source, &Rules::of(layout));
            match divided.up {
                Some(up) => (Some(up.text), up.atomicity),
                None => (None, Atomicity::default()),
            }
        }
    };
    (text.map_or(Cow::Borrowed(whole), Cow::Owned), atomicity)
}

/// What is recorded of a text that undoes a migration: it has to run without the file, and without its layout.
pub(crate) fn as_recorded(text: &str, atomicity: Atomicity) -> String {
    let mut text = text.trim();
    // What is left of the marker that began the section.
    while let Some(rest) = text.strip_prefix("--") {
        match rest.split_once('\n') {
            Some((line, below)) if line.trim().is_empty() => text = below.trim_start(),
            _ => break,
        }
    }
    match atomicity {
        Atomicity::Bare => format!("-- seedbed: no-transaction\n{text}\n"),
        Atomicity::Transaction => format!("{text}\n"),
    }
}

/// A part that is a whole file, but for a marker that takes it out of its transaction.
pub(super) fn whole_file(file: super::File, text: Option<String>, atomicity: Atomicity) -> Part {
    let runs = text.map_or_else(|| file.text.clone(), Arc::from);
    Part {
        source: Arc::new(Source {
            name: file.path,
            text: runs,
        }),
        recorded: file.text,
        raw: file.raw,
        atomicity,
    }
}

/// What undoes a migration, in a file of its own.
pub(super) fn down_file(file: super::File, tools: &[&'static str]) -> Part {
    let (text, atomicity) = unmarked(&file.text, tools);
    let recorded = text
        .as_deref()
        .map(|text| as_recorded(text, atomicity).into());
    let mut part = whole_file(file, text, atomicity);
    if let Some(recorded) = recorded {
        part.recorded = recorded;
    }
    part
}
