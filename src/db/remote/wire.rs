//! A line of a cursor's answer: rows without the official types, which copy each value several times and read reals by
//! a bit or two off. Pure.

use std::ops::Range;

use crate::base64;
use crate::sql::ValueRef;

/// The values of one row, in memory that is used again for the next one.
#[derive(Debug, Default)]
pub(in crate::db) struct WireRow {
    cells: Vec<Cell>,
    bytes: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq)]
enum Cell {
    Null,
    Integer(i64),
    Real(f64),
    Text(Range<usize>),
    Blob(Range<usize>),
}

impl WireRow {
    pub(in crate::db) fn width(&self) -> usize {
        self.cells.len()
    }

    /// Takes the bytes of `row`, whose first value is a blob of all of them; false, and nothing taken, where it is not.
    pub(super) fn take_blob(&mut self, row: &mut WireRow) -> bool {
        let Some(Cell::Blob(range)) = row.cells.first() else {
            return false;
        };
        if range.start != 0 || range.end != row.bytes.len() {
            return false;
        }
        self.cells.clear();
        std::mem::swap(&mut self.bytes, &mut row.bytes);
        true
    }

    /// A row with a blob alone.
    #[cfg(test)]
    pub(super) fn of_blob(bytes: &[u8]) -> WireRow {
        WireRow {
            cells: vec![Cell::Blob(0..bytes.len())],
            bytes: bytes.to_vec(),
        }
    }

    /// Leaves the values behind, and keeps the bytes.
    pub(super) fn clear(&mut self) {
        self.cells.clear();
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn push_null(&mut self) {
        self.cells.push(Cell::Null);
    }

    pub(super) fn push_integer(&mut self, number: i64) {
        self.cells.push(Cell::Integer(number));
    }

    pub(super) fn push_real(&mut self, number: f64) {
        self.cells.push(Cell::Real(number));
    }

    /// The range is within the bytes.
    pub(super) fn push_text(&mut self, range: Range<usize>) {
        self.cells.push(Cell::Text(range));
    }

    /// The range is within the bytes.
    pub(super) fn push_blob(&mut self, range: Range<usize>) {
        self.cells.push(Cell::Blob(range));
    }

    /// Takes the digits of a blob, which come to stand for its bytes. None where they are no such digits.
    pub(super) fn push_hex(&mut self, range: Range<usize>) -> Option<()> {
        if !range.len().is_multiple_of(2) {
            return None;
        }
        let end = range.start + range.len() / 2;
        for (to, from) in (range.start..end).zip(range.clone().step_by(2)) {
            let digit = |at: usize| char::from(self.bytes[at]).to_digit(16);
            self.bytes[to] = u8::try_from(16 * digit(from)? + digit(from + 1)?).ok()?;
        }
        self.cells.push(Cell::Blob(range.start..end));
        Some(())
    }

    pub(in crate::db) fn value(&self, column: usize) -> ValueRef<'_> {
        match self.cells.get(column) {
            None | Some(Cell::Null) => ValueRef::Null,
            Some(Cell::Integer(number)) => ValueRef::Integer(*number),
            Some(Cell::Real(number)) => ValueRef::Real(*number),
            Some(Cell::Text(range)) => ValueRef::Text(&self.bytes[range.clone()]),
            Some(Cell::Blob(range)) => ValueRef::Blob(&self.bytes[range.clone()]),
        }
    }

    /// Takes the values of a line; false where the line is an entry of another kind, `None` where it cannot be read.
    pub(super) fn read(&mut self, line: &[u8]) -> Option<bool> {
        self.cells.clear();
        self.bytes.clear();
        let mut json = Json { text: line, at: 0 };
        let mut is_row = false;
        let mut more = json.open(b'{')?;
        while more {
            match json.key()? {
                b"type" => {
                    if json.plain()? != b"row" {
                        return Some(false);
                    }
                    is_row = true;
                }
                b"row" => {
                    let mut more = json.open(b'[')?;
                    while more {
                        self.cell(&mut json)?;
                        more = json.more(b']')?;
                    }
                }
                _ => json.skip()?,
            }
            more = json.more(b'}')?;
        }
        Some(is_row)
    }

    /// One value: `{"type":"integer","value":"1"}`.
    fn cell(&mut self, json: &mut Json<'_>) -> Option<()> {
        let mut kind: &[u8] = b"";
        let mut value = None;
        let mut more = json.open(b'{')?;
        while more {
            match json.key()? {
                b"type" => kind = json.plain()?,
                b"value" | b"base64" if json.peek()? == b'"' => {
                    value = Some(json.string(&mut self.bytes)?);
                }
                b"value" => {
                    let begin = self.bytes.len();
                    let start = json.at;
                    json.skip()?;
                    self.bytes
                        .extend_from_slice(json.text[start..json.at].trim_ascii());
                    value = Some(begin..self.bytes.len());
                }
                _ => json.skip()?,
            }
            more = json.more(b'}')?;
        }
        let text = |range: &Range<usize>| std::str::from_utf8(&self.bytes[range.clone()]).ok();
        let cell = match (kind, value) {
            (b"null", _) => Cell::Null,
            (b"integer", Some(range)) => Cell::Integer(text(&range)?.parse().ok()?),
            (b"float", Some(range)) => Cell::Real(match text(&range)? {
                "null" => f64::INFINITY,
                number => number.parse().ok()?,
            }),
            (b"text", Some(range)) => Cell::Text(range),
            (b"blob", Some(Range { start, .. })) => {
                base64::decode_in_place(&mut self.bytes, start)?;
                Cell::Blob(start..self.bytes.len())
            }
            _ => return None,
        };
        self.cells.push(cell);
        Some(())
    }
}

/// JSON from left to right: <https://www.rfc-editor.org/rfc/rfc8259>.
struct Json<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Json<'a> {
    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        loop {
            match *self.text.get(self.at)? {
                b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// Goes into an object or array; whether there is anything in it.
    fn open(&mut self, bracket: u8) -> Option<bool> {
        self.take(bracket)?;
        // Both closing ones stand two behind their opening ones in ASCII.
        let is_empty = self.peek()? == bracket + 2;
        if is_empty {
            self.at += 1;
        }
        Some(!is_empty)
    }

    /// After a member; whether there is another one.
    fn more(&mut self, end: u8) -> Option<bool> {
        let byte = self.peek()?;
        self.at += 1;
        match byte {
            b',' => Some(true),
            byte if byte == end => Some(false),
            _ => None,
        }
    }

    fn key(&mut self) -> Option<&'a [u8]> {
        let key = self.plain()?;
        self.take(b':')?;
        Some(key)
    }

    /// A string as it stands there: for names, which have no escapes.
    fn plain(&mut self) -> Option<&'a [u8]> {
        self.take(b'"')?;
        let rest = self.text.get(self.at..)?;
        let end = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        self.at += end + 1;
        (rest[end] == b'"').then_some(&rest[..end])
    }

    /// A string, put behind `out`.
    fn string(&mut self, out: &mut Vec<u8>) -> Option<Range<usize>> {
        self.take(b'"')?;
        let begin = out.len();
        loop {
            let rest = self.text.get(self.at..)?;
            let end = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
            out.extend_from_slice(&rest[..end]);
            self.at += end + 1;
            if rest[end] == b'"' {
                return Some(begin..out.len());
            }
            let escape = *self.text.get(self.at)?;
            self.at += 1;
            match escape {
                b'"' | b'\\' | b'/' => out.push(escape),
                b'b' => out.push(8),
                b'f' => out.push(12),
                b'n' => out.push(b'\n'),
                b'r' => out.push(b'\r'),
                b't' => out.push(b'\t'),
                b'u' => {
                    let mut buffer = [0; 4];
                    let char = self.unicode()?;
                    out.extend_from_slice(char.encode_utf8(&mut buffer).as_bytes());
                }
                _ => return None,
            }
        }
    }

    fn unicode(&mut self) -> Option<char> {
        let first = self.four()?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first);
        }
        (self.text.get(self.at..self.at + 2)? == b"\\u").then_some(())?;
        self.at += 2;
        let second = self.four()?.checked_sub(0xdc00).filter(|it| *it < 0x400)?;
        char::from_u32(0x10000 + ((first - 0xd800) << 10) + second)
    }

    fn four(&mut self) -> Option<u32> {
        let digits = std::str::from_utf8(self.text.get(self.at..self.at + 4)?).ok()?;
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }

    /// Goes past a value of any kind.
    fn skip(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    loop {
                        match *self.text.get(self.at)? {
                            b'"' => break,
                            b'\\' => self.at += 2,
                            _ => self.at += 1,
                        }
                    }
                    self.at += 1;
                }
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                b',' | b':' => self.at += 1,
                _ => {
                    let rest = &self.text[self.at..];
                    let end = rest.iter().position(|byte| {
                        matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r')
                    });
                    self.at += end.unwrap_or(rest.len());
                }
            }
            if depth == 0 {
                return Some(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use libsql_hrana::proto;
    use proptest::prelude::*;

    fn check(line: &str, expect: Option<bool>, cells: &[ValueRef<'_>]) {
        let mut row = WireRow::default();
        assert_eq!(row.read(line.as_bytes()), expect, "{line}");
        if expect == Some(true) {
            let values: Vec<_> = (0..row.width()).map(|at| row.value(at)).collect();
            assert_eq!(values, cells, "{line}");
        }
    }

    #[test]
    fn the_values_of_a_row_are_read() {
        check(
            r#"{"type":"row","row":[{"type":"null"},{"type":"integer","value":"-9223372036854775808"},{"type":"float","value":-1.5e-7},{"type":"text","value":"it's \"q\"\n\u0000\ud83c\udf31ü"},{"type":"blob","base64":"AP8"}]}"#,
            Some(true),
            &[
                ValueRef::Null,
                ValueRef::Integer(i64::MIN),
                ValueRef::Real(-1.5e-7),
                ValueRef::Text("it's \"q\"\n\0🌱ü".as_bytes()),
                ValueRef::Blob(&[0, 255]),
            ],
        );
        check(
            r#" { "row" : [ { "value" : "x" , "more" : [1,{"a":"]"}] , "type" : "text" } ] , "type" : "row" } "#,
            Some(true),
            &[ValueRef::Text(b"x")],
        );
        check(r#"{"type":"row","row":[]}"#, Some(true), &[]);
        check(
            r#"{"type":"row","row":[{"type":"float","value":null},{"type":"blob","base64":""},{"type":"blob","base64":"AAEC/w=="}]}"#,
            Some(true),
            &[
                ValueRef::Real(f64::INFINITY),
                ValueRef::Blob(&[]),
                ValueRef::Blob(&[0, 1, 2, 255]),
            ],
        );
    }

    #[test]
    fn other_entries_are_left_to_others_and_what_is_cut_off_is_none() {
        check(
            r#"{"type":"step_begin","step":1,"cols":[]}"#,
            Some(false),
            &[],
        );
        check(
            r#"{"step":{"a":["}"]},"type":"step_end"}"#,
            Some(false),
            &[],
        );
        for line in [
            "",
            "<html>",
            "{",
            r#"{"type":"row","row":[{"type":"text","value":"x"#,
            r#"{"type":"row","row":[{"type":"text","value":"x"}"#,
            r#"{"type":"row","row":[{"type":"integer","value":"x"}]}"#,
            r#"{"type":"row","row":[{"type":"blob","base64":"A"}]}"#,
            r#"{"type":"row","row":[{"type":"blob","base64":"A*=="}]}"#,
            r#"{"type":"row","row":[{"type":"text","value":"\ud83cx"}]}"#,
            r#"{"type":"row","row":[{"type":"other"}]}"#,
        ] {
            check(line, None, &[]);
        }
    }

    proptest! {
        #[test]
        fn every_row_that_the_official_types_write_is_read_exactly(
            integer in any::<i64>(),
            real in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL | proptest::num::f64::ZERO,
            text in any::<String>(),
            blob in any::<Vec<u8>>(),
        ) {
            let entry = proto::CursorEntry::Row { row: proto::Row { values: vec![
                proto::Value::Integer { value: integer },
                proto::Value::Float { value: real },
                proto::Value::Text { value: text.as_str().into() },
                proto::Value::Blob { value: blob.clone().into() },
            ] } };
            let mut row = WireRow::default();
            prop_assert_eq!(row.read(&serde_json::to_vec(&entry).unwrap()), Some(true));
            prop_assert_eq!(row.value(0), ValueRef::Integer(integer));
            let ValueRef::Real(found) = row.value(1) else { panic!("{row:?}") };
            prop_assert_eq!(found.to_bits(), real.to_bits());
            prop_assert_eq!(row.value(2), ValueRef::Text(text.as_bytes()));
            prop_assert_eq!(row.value(3), ValueRef::Blob(&blob));
        }

        #[test]
        fn no_line_makes_it_fall_over(line in any::<Vec<u8>>(), text in "[\\[\\]{}\",:\\\\ typerowvalu\\-1]{0,60}") {
            let mut row = WireRow::default();
            row.read(&line);
            row.read(text.as_bytes());
        }
    }
}
