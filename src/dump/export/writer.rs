//! Rows on their way into text. It runs where the rows come from, and hands on pieces of text.

use std::ops::ControlFlow;

use tokio::sync::mpsc::Sender;

use super::Exported;
use super::plan::{Part, Plan, TableRows};
use crate::db::{Sink, StreamedRow};
use crate::sql::{LiteralReader, ValueRef, is_in_quotes, write_literal};

/// How many bytes a piece of text has at least, but for the last.
const PIECE: usize = 1 << 16;

/// Makes text of the answers to [`Plan::questions`].
pub(super) struct Writer {
    /// How many columns the answer to each question has.
    widths: Vec<usize>,
    plan: Plan,
    /// The part that comes next, or whose rows are coming.
    at: usize,
    /// The question that this part answers.
    query: usize,
    /// How many objects of the schema were as the plan has them.
    same: usize,
    changed: bool,
    rows: u64,
    /// Whether the file keeps texts as UTF-16: a cast of bytes would be read so too.
    is_utf16: bool,
    text: Vec<u8>,
    pieces: Sender<Vec<u8>>,
    exported: Exported,
}

impl Sink for Writer {
    fn width(&self, query: usize) -> Option<usize> {
        self.widths.get(query).copied()
    }

    fn row(&mut self, query: usize, row: StreamedRow<'_>) -> ControlFlow<()> {
        if query == 0 {
            return self.compare(&row);
        }
        if query != self.query && self.go_to(query).is_break() {
            return ControlFlow::Break(());
        }
        match self.plan.parts.get(self.at) {
            Some(Part::Rows(rows)) => {
                write_row(&mut self.text, rows, &row, self.is_utf16);
                self.rows += 1;
            }
            Some(Part::Numbers) => numbers(&mut self.text, &row),
            Some(Part::Layout) => {
                self.is_utf16 = !matches!(row.value(0), ValueRef::Text(b"UTF-8"));
                layout(&mut self.text, &row);
            }
            Some(Part::Text(_)) | None => {}
        }
        if self.text.len() >= PIECE {
            return self.hand_on();
        }
        ControlFlow::Continue(())
    }
}

impl Writer {
    pub(super) fn new(plan: Plan, pieces: Sender<Vec<u8>>) -> Writer {
        Writer {
            widths: plan.widths(),
            exported: Exported {
                of_other_tools: plan.of_other_tools.clone(),
                ..Exported::default()
            },
            plan,
            at: 0,
            query: 0,
            same: 0,
            changed: false,
            rows: 0,
            is_utf16: false,
            text: Vec::with_capacity(PIECE * 2),
            pieces,
        }
    }

    /// What is left of the text, and what was written in all; `None` where nothing was, since the schema is another one.
    pub(super) fn finish(mut self) -> Option<(Vec<u8>, Exported)> {
        if self.changed || self.same != self.plan.objects.len() {
            return None;
        }
        // No channel is waited for here: at most the schema is left.
        self.texts_up_to(usize::MAX);
        self.exported.bytes += self.text.len() as u64;
        Some((self.text, self.exported))
    }

    /// A row of the schema.
    fn compare(&mut self, row: &StreamedRow<'_>) -> ControlFlow<()> {
        let text = |column| match row.value(column) {
            ValueRef::Text(text) => text,
            _ => b"",
        };
        if self.plan.engine.keeps(&String::from_utf8_lossy(text(2))) {
            return ControlFlow::Continue(());
        }
        let is_same = self.plan.objects.get(self.same).is_some_and(|object| {
            let sql = object.sql.as_deref().unwrap_or_default();
            text(0) == object.kind.as_bytes()
                && text(1) == object.name.as_bytes()
                && text(2) == object.table.as_bytes()
                && text(3) == sql.as_bytes()
        });
        self.same += 1;
        self.changed = !is_same;
        match is_same {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    }

    /// The first row of the answer to `query`.
    fn go_to(&mut self, query: usize) -> ControlFlow<()> {
        if self.same != self.plan.objects.len() {
            self.changed = true;
            return ControlFlow::Break(());
        }
        self.texts_up_to(query);
        ControlFlow::Continue(())
    }

    /// Writes the texts before the part that answers `query`.
    fn texts_up_to(&mut self, query: usize) {
        if self.query > 0 {
            self.end_part();
        }
        while let Some(part) = self.plan.parts.get(self.at) {
            match part {
                Part::Text(text) => {
                    self.text.extend_from_slice(text.as_bytes());
                    self.at += 1;
                }
                Part::Numbers | Part::Layout | Part::Rows(_) => {
                    self.query += 1;
                    if self.query == query {
                        return;
                    }
                    self.end_part();
                }
            }
        }
    }

    /// The part under way has no more rows.
    fn end_part(&mut self) {
        if let Some(Part::Rows(rows)) = self.plan.parts.get(self.at)
            && !rows.is_of_the_engine()
        {
            self.exported.tables.push((rows.table.clone(), self.rows));
        }
        self.rows = 0;
        self.at += 1;
    }

    fn hand_on(&mut self) -> ControlFlow<()> {
        self.exported.bytes += self.text.len() as u64;
        let piece = std::mem::replace(&mut self.text, Vec::with_capacity(PIECE * 2));
        match self.pieces.blocking_send(piece) {
            Ok(()) => ControlFlow::Continue(()),
            // It could not be written.
            Err(_) => ControlFlow::Break(()),
        }
    }
}

fn write_row(out: &mut Vec<u8>, rows: &TableRows, row: &StreamedRow<'_>, is_utf16: bool) {
    out.extend_from_slice(rows.before.as_bytes());
    for column in 0..rows.width {
        if column > 0 {
            out.push(b',');
        }
        match row.value(column) {
            ValueRef::Text(text) if is_utf16 && !is_in_quotes(text, LiteralReader::Shell) => {
                write_replaced(out, text);
            }
            value => write_literal(out, value, LiteralReader::Shell),
        }
    }
    out.extend_from_slice(b");\n");
}

/// A text with CR or NUL, in the form in which shells write line ends: `replace('a\rb','\r',char(13))`.
fn write_replaced(out: &mut Vec<u8>, text: &[u8]) {
    let mut literal = Vec::with_capacity(64 + text.len());
    literal.push(b'\'');
    for &byte in text {
        literal.push(byte);
        if byte == b'\'' {
            literal.push(byte);
        }
    }
    literal.push(b'\'');
    for (byte, letter) in [(b'\r', 'r'), (0, '0')] {
        if !literal.contains(&byte) {
            continue;
        }
        // One that is not in the text itself.
        let place = (0..)
            .map(|number| format!("\\({letter}{number})"))
            .find(|place| memchr::memmem::find(&literal, place.as_bytes()).is_none())
            .unwrap_or_default();
        let mut replaced = Vec::with_capacity(literal.len() + 64);
        replaced.extend_from_slice(b"replace(");
        for &other in &literal {
            match other == byte {
                true => replaced.extend_from_slice(place.as_bytes()),
                false => replaced.push(other),
            }
        }
        replaced.extend_from_slice(format!(",'{place}',char({byte}))").as_bytes());
        literal = replaced;
    }
    out.extend_from_slice(&literal);
}

fn numbers(out: &mut Vec<u8>, row: &StreamedRow<'_>) {
    for (column, pragma) in ["user_version", "application_id"].into_iter().enumerate() {
        match row.value(column) {
            ValueRef::Integer(0) | ValueRef::Null => {}
            number => {
                out.extend_from_slice(format!("PRAGMA {pragma}=").as_bytes());
                write_literal(out, number, LiteralReader::Shell);
                out.extend_from_slice(b";\n");
            }
        }
    }
}

/// What differs from how the engine lays a file out by itself.
fn layout(out: &mut Vec<u8>, row: &StreamedRow<'_>) {
    if let ValueRef::Text(encoding) = row.value(0)
        && encoding != b"UTF-8"
    {
        let encoding = String::from_utf8_lossy(encoding);
        out.extend_from_slice(format!("PRAGMA encoding='{encoding}';\n").as_bytes());
    }
    for (column, pragma, usual) in [(1, "page_size", 4096), (2, "auto_vacuum", 0)] {
        if let ValueRef::Integer(number) = row.value(column)
            && number != usual
        {
            out.extend_from_slice(format!("PRAGMA {pragma}={number};\n").as_bytes());
        }
    }
}
