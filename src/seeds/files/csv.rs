//! CSV as of RFC 4180: a header with the names of the columns, and a line for each row. A cell without anything is NULL,
//! and `""` is the empty text, as in PostgreSQL's `COPY`. All other cells are what their column makes of them, whether they
//! have quotes or not: programs that write CSV set quotes as they like.

use std::ops::Range;
use std::sync::Arc;

use csv_core::{ReadFieldResult, ReaderBuilder};

use super::{LABEL, Reader, scalar};
use crate::seeds::model::{Expr, Field, RowDecl, Spanned, Style};

/// A cell, and where it stands with its quotes.
struct Cell {
    text: String,
    span: Range<usize>,
}

impl Cell {
    fn is_quoted(&self, text: &str) -> bool {
        text[self.span.clone()].starts_with('"')
    }
}

/// The rows of a file.
pub(super) fn rows(reader: &mut Reader<'_>, separator: u8) -> Vec<RowDecl> {
    let source = reader.companion.source.clone();
    let text = &*source.text;
    let mut records = Records::new(text, separator);
    let Some(header) = records.next() else {
        let help = "the first line has the names of the columns";
        reader.error("bad-csv", 0..0, "the file is empty".into(), help);
        return Vec::new();
    };
    let Some(columns) = columns(reader, &header, separator) else {
        return Vec::new();
    };
    let mut rows = Vec::new();
    for record in records {
        let whole = match (record.first(), record.last()) {
            (Some(first), Some(last)) => first.span.start..last.span.end,
            _ => continue,
        };
        let Some(()) = record.iter().try_for_each(|cell| is_whole(reader, cell)) else {
            continue;
        };
        if record.len() != columns.len() {
            let cells = match record.len() {
                1 => "1 cell".to_owned(),
                more => format!("{more} cells"),
            };
            let message = format!("the line has {cells}, and the header {}", columns.len());
            let help = "a cell that holds the separator or a line break stands in quotes";
            reader.error("bad-csv", whole, message, help);
            continue;
        }
        let mut label = None;
        let mut fields = Vec::with_capacity(columns.len());
        for (name, cell) in columns.iter().zip(record) {
            if *name.value == LABEL {
                label = Some((cell.text, cell.span));
                continue;
            }
            let quoted = cell.is_quoted(text);
            let value = match (cell.text.is_empty(), quoted) {
                (true, false) => Expr::Null,
                (true, true) => scalar(&cell.text, Style::Quoted, &source, &cell.span),
                (false, _) => scalar(&cell.text, Style::Plain, &source, &cell.span),
            };
            fields.push(Field {
                name: name.clone(),
                value: Spanned::new(value, reader.place(cell.span)),
            });
        }
        rows.extend(reader.row(whole, label, fields));
    }
    rows
}

/// The names in the header; none where one is wrong.
fn columns(
    reader: &mut Reader<'_>,
    header: &[Cell],
    separator: u8,
) -> Option<Vec<Spanned<Arc<String>>>> {
    let mut columns: Vec<Spanned<Arc<String>>> = Vec::with_capacity(header.len());
    if let [only] = header
        && let Some(other) = only.text.chars().find(|c| ",;\t|".contains(*c))
        && u32::from(other) != u32::from(separator)
    {
        let message = format!("the header is one cell, and holds {other:?}");
        let help = "name the separator of the file: `!csv {file: people.csv, separator: \";\"}`";
        reader.error("bad-csv", only.span.clone(), message, help);
        return None;
    }
    let mut are_right = true;
    for cell in header {
        are_right &= is_whole(reader, cell).is_some();
        let name = cell.text.trim();
        are_right &= name == LABEL || reader.is_column(name, cell.span.clone());
        if columns.iter().any(|it| it.value.eq_ignore_ascii_case(name)) {
            let message = format!("column `{name}` stands twice in the header");
            reader.error(
                "duplicate-key",
                cell.span.clone(),
                message,
                "keep one of the two",
            );
            are_right = false;
        }
        let place = reader.place(cell.span.clone());
        columns.push(Spanned::new(Arc::new(name.to_owned()), place));
    }
    are_right.then_some(columns)
}

/// Whether a cell in quotes ends with them.
fn is_whole(reader: &mut Reader<'_>, cell: &Cell) -> Option<()> {
    let written = &reader.text()[cell.span.clone()];
    if !written.starts_with('"') {
        return Some(());
    }
    let quotes = written.bytes().filter(|byte| *byte == b'"').count();
    let (message, help) = match (quotes % 2, written.ends_with('"')) {
        (0, true) => return Some(()),
        (0, false) => (
            "something stands behind the quote that closes this cell",
            "inside of quotes, a quote is written twice",
        ),
        _ => (
            "the quote that begins here is not closed",
            "close it; inside of quotes, a quote is written twice",
        ),
    };
    let start = cell.span.start;
    reader.error("bad-csv", start..start + 1, message.into(), help);
    None
}

/// The lines of a file, each with its cells. Empty lines are none.
struct Records<'t> {
    text: &'t str,
    reader: csv_core::Reader,
    at: usize,
    buffer: Vec<u8>,
    is_over: bool,
}

impl<'t> Records<'t> {
    fn new(text: &'t str, separator: u8) -> Records<'t> {
        Records {
            text,
            reader: ReaderBuilder::new().delimiter(separator).build(),
            at: 0,
            buffer: vec![0; 1024],
            is_over: false,
        }
    }
}

impl Iterator for Records<'_> {
    type Item = Vec<Cell>;

    fn next(&mut self) -> Option<Vec<Cell>> {
        let mut cells = Vec::new();
        let bytes = self.text.as_bytes();
        let mut filled = 0;
        // Empty lines before a record belong to its first cell.
        while bytes.get(self.at) == Some(&b'\n') {
            self.at += 1;
        }
        let mut start = self.at;
        while !self.is_over {
            let out = &mut self.buffer[filled..];
            let (result, read, written) = self.reader.read_field(&bytes[self.at..], out);
            self.at += read;
            filled += written;
            match result {
                ReadFieldResult::InputEmpty => {}
                ReadFieldResult::OutputFull => self.buffer.resize(self.buffer.len() * 2, 0),
                ReadFieldResult::Field { record_end } => {
                    let mut end = self.at;
                    // The separator or the end of the line.
                    if read > 0
                        && end > start
                        && !(record_end && end == bytes.len() && bytes[end - 1] != b'\n')
                    {
                        end -= 1;
                    }
                    let text = String::from_utf8_lossy(&self.buffer[..filled]).into_owned();
                    filled = 0;
                    cells.push(Cell {
                        text,
                        span: start..end,
                    });
                    start = self.at;
                    if record_end {
                        break;
                    }
                }
                ReadFieldResult::End => self.is_over = true,
            }
        }
        (!cells.is_empty()).then_some(cells)
    }
}
