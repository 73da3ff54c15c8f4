//! What the reader makes of texts: each specification gives a text and what is shown of it.

mod forms;
mod fuzz;
mod properties;
mod refused;
mod shell;
mod sources;

use crate::diagnostic::Location;
use std::io::{self, Read};

use expect_test::Expect;

use super::*;
use crate::sql::ValueRef;

/// A stream that gives at most `step` bytes at once.
pub(super) struct Steps {
    text: Vec<u8>,
    at: usize,
    step: usize,
}

impl Read for Steps {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let length = self.step.min(space.len()).min(self.text.len() - self.at);
        space[..length].copy_from_slice(&self.text[self.at..self.at + length]);
        self.at += length;
        Ok(length)
    }
}

/// A reader of `text` that comes `step` bytes at once.
pub(super) fn reader(text: &[u8], step: usize, block_bytes: usize) -> Result<Reader, DumpError> {
    let options = ReaderOptions {
        block_bytes,
        ..ReaderOptions::default()
    };
    let text = text.to_vec();
    Ok(Reader::new(
        Source::of("dump.sql", Steps { text, at: 0, step })?,
        options,
    ))
}

/// Everything that is in a block, one line for each row and statement.
pub(super) fn shown(block: &Block) -> String {
    let mut out = String::new();
    for item in &block.items {
        match item {
            Item::Rows(rows) => {
                for row in 0..rows.len() {
                    let (byte, line) = block.place(rows, row);
                    let target = &rows.target;
                    let values: Vec<String> = block.row(rows, row).map(value).collect();
                    out += &format!("{line}@{byte} {}", target.table);
                    if !target.columns.is_empty() {
                        out += &format!("({})", target.columns.join(", "));
                    }
                    out += &format!(" {}\n", values.join(" | "));
                }
            }
            Item::Statement(statement) => {
                out += &format!(
                    "{}@{} {:?}\n",
                    statement.line, statement.offset, statement.what
                );
            }
        }
    }
    out
}

fn value(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => format!("{number:?}"),
        ValueRef::Text(text) => format!("'{}'", text.escape_ascii()),
        ValueRef::Blob(bytes) => format!("x'{}'", bytes.escape_ascii()),
    }
}

/// All of a dump, read to its end, or why not.
pub(super) fn read(reader: Result<Reader, DumpError>) -> (String, Result<Ended, DumpError>) {
    let mut out = String::new();
    let mut reader = match reader {
        Ok(reader) => reader,
        Err(error) => return (out, Err(error)),
    };
    loop {
        match reader.next() {
            Ok(Some(block)) => {
                assert!(!block.items.is_empty());
                out += &shown(&block);
            }
            Ok(None) => return (out, Ok(*reader.ended().unwrap())),
            Err(error) => {
                assert!(reader.next().unwrap().is_none());
                return (out, Err(error));
            }
        }
    }
}

/// An error with the lines it is about, and what is meant in them.
pub(super) fn told(error: &DumpError) -> String {
    let mut out = format!("error: {error}\n");
    for problem in error.problems() {
        let Some(Location::Line(line)) = &problem.location else {
            panic!("{problem:?}");
        };
        out += &format!(
            "{}:{} [{}] {}\n    {}\n    {}{}\n",
            line.line,
            line.column,
            problem.code,
            problem.message,
            line.text.escape_debug(),
            " ".repeat(line.text[..line.span.start].escape_debug().count()),
            "^".repeat(line.text[line.span.clone()].chars().count().max(1)),
        );
    }
    out
}

#[track_caller]
fn check(text: impl AsRef<[u8]>, expect: Expect) {
    let text = text.as_ref();
    let (mut out, end) = read(reader(text, usize::MAX, 1 << 16));
    if let Err(error) = &end {
        out += &told(error);
    }
    expect.assert_eq(&out);
}
