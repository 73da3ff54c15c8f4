//! Rows for a server, as JSON that its engine reads: `INSERT INTO t SELECT value->>0, … FROM json_each(?1)`. A server
//! parses a statement twice, and values are most of its text; read as JSON they take half the time. Pure.
//!
//! Only what comes out exactly goes this way: integers, reals that the engine reads exactly, texts without NUL, and blobs,
//! which stand one behind the other in a second value. Everything else is written as literals.

use crate::dump::{Block, Rows};
use crate::script::Step;
use crate::sql::{LiteralReader, Value, ValueRef, write_literal};

/// The engine goes through a row once for each column.
const COLUMNS: usize = 16;

/// How many rows a statement has.
const ROWS: usize = 1000;

/// How long the values of a statement become before the next one begins.
const BYTES: usize = 128 * 1024;

/// What a column has in all rows of a statement, but for NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// What JSON has.
    Plain,
    Blob,
}

/// Some rows in one statement: those from `first` on, and how many they are. None where too few of them can be written so.
pub(super) fn statement(
    head: &str,
    block: &Block,
    rows: &Rows,
    first: usize,
) -> Option<(Step, usize)> {
    const FEW: usize = 8;
    let width = rows.target.width;
    if width > COLUMNS || rows.len() - first < FEW {
        return None;
    }
    let mut kinds: Vec<Option<Kind>> = vec![None; width];
    let mut json = Vec::with_capacity(4096);
    let mut blobs = Vec::new();
    let mut row = first;
    let last = rows.len().min(first + ROWS);
    while row < last && json.len() + blobs.len() < BYTES {
        let (json_before, blobs_before, kinds_before) = (json.len(), blobs.len(), kinds.clone());
        json.extend_from_slice(if row == first { b"[[" } else { b",[" });
        let fits =
            block
                .row(rows, row)
                .zip(&mut kinds)
                .enumerate()
                .all(|(column, (value, kind))| {
                    if column > 0 {
                        json.push(b',');
                    }
                    write(&mut json, &mut blobs, kind, value)
                });
        if !fits {
            json.truncate(json_before);
            blobs.truncate(blobs_before);
            kinds = kinds_before;
            break;
        }
        json.push(b']');
        row += 1;
    }
    if row - first < FEW {
        return None;
    }
    json.push(b']');
    let columns: Vec<String> = kinds
        .iter()
        .enumerate()
        .map(|(column, kind)| match kind {
            Some(Kind::Blob) => {
                format!("substr(?2,value->>'$[{column}][0]',value->>'$[{column}][1]')")
            }
            Some(Kind::Plain) | None => format!("value->>{column}"),
        })
        .collect();
    let mut args = vec![Value::Text(String::from_utf8(json).ok()?)];
    if kinds.contains(&Some(Kind::Blob)) {
        // Of an empty value every part is NULL.
        blobs.push(0);
        args.push(Value::Blob(blobs));
    }
    let sql = format!("{head} SELECT {} FROM json_each(?1)", columns.join(","));
    Some((Step::own(sql, args), row - first))
}

/// Writes a value; false where it, or a value of its column before it, does not go this way.
fn write(
    json: &mut Vec<u8>,
    blobs: &mut Vec<u8>,
    kind: &mut Option<Kind>,
    value: ValueRef<'_>,
) -> bool {
    let mine = match value {
        ValueRef::Null => {
            json.extend_from_slice(b"null");
            return true;
        }
        ValueRef::Blob(_) => Kind::Blob,
        _ => Kind::Plain,
    };
    if *kind.get_or_insert(mine) != mine {
        return false;
    }
    match value {
        ValueRef::Null => {}
        ValueRef::Integer(_) => write_literal(json, value, LiteralReader::Engine),
        ValueRef::Real(number) => {
            // Those that a literal has as plain digits too.
            let is_plain = number == 0.0 || (1e-30..1e30).contains(&number.abs());
            if !is_plain || (number == 0.0 && number.is_sign_negative()) {
                return false;
            }
            write_literal(json, value, LiteralReader::Engine);
        }
        ValueRef::Text(text) => return write_text(json, text),
        ValueRef::Blob(bytes) => {
            json.extend_from_slice(format!("[{},{}]", blobs.len() + 1, bytes.len()).as_bytes());
            blobs.extend_from_slice(bytes);
        }
    }
    true
}

/// A text as JSON; false where it is none.
fn write_text(json: &mut Vec<u8>, text: &[u8]) -> bool {
    json.push(b'"');
    let is_plain = |byte: &u8| !matches!(byte, 0..0x20 | b'"' | b'\\' | 0x7f..);
    if text.iter().fold(true, |all, byte| all & is_plain(byte)) {
        json.extend_from_slice(text);
    } else {
        if str::from_utf8(text).is_err() {
            return false;
        }
        for byte in text {
            match byte {
                0 => return false,
                b'"' | b'\\' => json.extend_from_slice(&[b'\\', *byte]),
                1..0x20 => json.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
                _ => json.push(*byte),
            }
        }
    }
    json.push(b'"');
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Access, Raw};
    use crate::dump::{Item, Reader, ReaderOptions, Source};
    use std::ops::ControlFlow;

    /// The rows of a dump after they were written to a table, and how many of them went as JSON.
    async fn written(values: &[&str]) -> (Vec<Vec<Value>>, Vec<Vec<Value>>, usize) {
        let text: String = values
            .iter()
            .map(|values| format!("INSERT INTO t VALUES({values});\n"))
            .collect();
        let source = Source::of("dump", std::io::Cursor::new(text)).unwrap();
        let mut reader = Reader::new(source, ReaderOptions::default());
        let block = reader.next().unwrap().unwrap();
        let Some(Item::Rows(rows)) = block.items.first() else {
            panic!("{block:?}");
        };
        let raw = Raw::open(":memory:", Access::Create).await.unwrap();
        raw.execute("CREATE TABLE t (a, b)").unwrap();
        let (mut sent, mut row) = (0, 0);
        let expect: Vec<Vec<Value>> = (0..rows.len())
            .map(|row| block.row(rows, row).map(ValueRef::to_value).collect())
            .collect();
        while row < rows.len() {
            let Some((step, taken)) = statement("INSERT INTO t", &block, rows, row) else {
                break;
            };
            raw.prepare(&step.sql).unwrap().run(step.args()).unwrap();
            row += taken;
            sent += taken;
        }
        let mut found = Vec::new();
        raw.prepare("SELECT a, b FROM t ORDER BY rowid")
            .unwrap()
            .rows([], |row| {
                found.push(vec![row.value(0).to_value(), row.value(1).to_value()]);
                ControlFlow::Continue(())
            })
            .unwrap();
        (found, expect, sent)
    }

    #[tokio::test]
    async fn every_value_that_goes_as_json_arrives_exactly() {
        let values = [
            "1,'a'",
            "-9223372036854775808,''",
            "9223372036854775807,'it''s \"q\" \\ /'",
            "0.1,unistr('\\u0001\\u001f\\u007f\\u0085')",
            "1.0,'🌱 ü'",
            "1e15,'null'",
            "-1.5e-29,'[1]'",
            "123456789012345678.0,NULL",
            "NULL,'1'",
            "5e29,replace('a\\nb','\\n',char(10))",
        ];
        let (found, expect, sent) = written(&values).await;
        assert_eq!(sent, values.len());
        assert_eq!(format!("{found:?}"), format!("{expect:?}"));
    }

    #[tokio::test]
    async fn blobs_of_any_length_arrive_exactly_and_nulls_between_them() {
        let values = ["1,X''", "2,X'00ff'", "3,NULL", "4,X'27'"];
        let values: Vec<&str> = values.iter().cycle().take(20).copied().collect();
        let (found, expect, sent) = written(&values).await;
        assert_eq!(sent, values.len());
        assert_eq!(found, expect);
    }

    #[tokio::test]
    async fn blobs_that_are_all_empty_are_no_nulls() {
        let (found, expect, sent) = written(&["1,X''"; 10]).await;
        assert_eq!(sent, 10);
        assert_eq!(found, expect);
    }

    #[tokio::test]
    async fn rows_end_before_one_that_does_not_go_this_way() {
        for odd in [
            "1e300,1",
            "9e999,1",
            "1,CAST(X'610062' AS TEXT)",
            "1,X'00'",
            "-0.0,1",
        ] {
            let mut values = vec!["1,'a'"; 10];
            values.push(odd);
            let (found, expect, sent) = written(&values).await;
            assert_eq!(sent, 10, "{odd}");
            assert_eq!(found, expect[..10], "{odd}");
        }
    }
}
