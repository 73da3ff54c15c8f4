//! What holds for any dump: values read back, and nothing depends on how the bytes come or where reading begins.

use super::*;
use crate::hex;
use proptest::prelude::*;

/// A value, and one of the ways in which writers print it.
fn literal() -> impl Strategy<Value = (String, String)> {
    prop_oneof![
        Just(("NULL".to_owned(), "NULL".to_owned())),
        any::<i64>().prop_map(|number| (number.to_string(), number.to_string())),
        (-100_i64..100).prop_map(|number| (number.to_string(), format!(" {number} "))),
        real(),
        text(),
        blob(),
    ]
}

fn real() -> impl Strategy<Value = (String, String)> {
    use proptest::num::f64::{INFINITE, NORMAL, SUBNORMAL, ZERO};
    let forms = |number: f64, form: u8| match form {
        _ if number.is_infinite() => {
            let sign = if number < 0.0 { "-" } else { "" };
            let form = ["1e999", "9.0e+999", "Inf", "inf"][usize::from(form % 4)];
            format!("{sign}{form}")
        }
        0 => format!("{number:?}"),
        1 => format!("{number:.25e}"),
        2 => crate::sql::literal(&crate::sql::Value::Real(number)),
        _ => format!("{number:e}").replace('e', ".0e+").replace(
            ".0e+",
            if format!("{number:e}").contains('.') {
                "e"
            } else {
                ".0e"
            },
        ),
    };
    (NORMAL | SUBNORMAL | ZERO | INFINITE, 0..4_u8)
        .prop_map(move |(number, form)| (format!("{number:?}"), forms(number, form)))
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn text() -> impl Strategy<Value = (String, String)> {
    ("[a'\\\\;\n\r \"é日😀n0u]{0,12}", 0..4_u8).prop_map(|(text, form)| {
        let printed = match form {
            0 => quoted(&text),
            1 => {
                let (newline, back) = (unused(&text, "\\n"), unused(&text, "\\r"));
                let inner = quoted(&text.replace('\n', &newline).replace('\r', &back));
                let inner = match text.contains('\r') {
                    true => format!("replace({inner},{},char(13))", quoted(&back)),
                    false => inner,
                };
                match text.contains('\n') {
                    true => format!("replace({inner},{},char(10))", quoted(&newline)),
                    false => inner,
                }
            }
            2 => {
                let mut escaped = String::new();
                for character in text.chars() {
                    match character {
                        '\\' => escaped += "\\\\",
                        '\n' => escaped += "\\u000a",
                        '\r' => escaped += "\\000D",
                        'é' => escaped += "\\u00E9",
                        '😀' => escaped += "\\U0001f600",
                        '日' => escaped += "\\+0065e5",
                        other => escaped.push(other),
                    }
                }
                format!("unistr({})", quoted(&escaped))
            }
            _ => format!("CAST(x'{}' AS TEXT)", hex::encode(text.as_bytes())),
        };
        (format!("'{}'", text.as_bytes().escape_ascii()), printed)
    })
}

/// A text that does not occur in another, found as shells do.
fn unused(text: &str, wanted: &str) -> String {
    let mut candidate = wanted.to_owned();
    let mut number = 0;
    while text.contains(&candidate) {
        candidate = format!("({wanted}{number})");
        number += 1;
    }
    candidate
}

fn blob() -> impl Strategy<Value = (String, String)> {
    proptest::collection::vec(any::<u8>(), 0..12).prop_map(|bytes| {
        let shown = format!("x'{}'", bytes.escape_ascii());
        (shown, format!("X'{}'", hex::encode(&bytes)))
    })
}

/// A dump, and what is shown of it.
fn dump() -> impl Strategy<Value = String> {
    let row = (0..3_u8, proptest::collection::vec(literal(), 1..5)).prop_map(|(table, values)| {
        let values: Vec<_> = values.into_iter().map(|(_, printed)| printed).collect();
        format!("INSERT INTO t{table} VALUES({});\n", values.join(","))
    });
    let other = prop_oneof![
        Just("CREATE TABLE t(a, \"b;\" TEXT DEFAULT ';');\n".to_owned()),
        Just("CREATE TRIGGER r DELETE ON t BEGIN SELECT 1; END;\n".to_owned()),
        Just("-- a comment;\n/* and\n another */ ;\r\n".to_owned()),
        Just("DELETE FROM sqlite_sequence;".to_owned()),
        Just("INSERT INTO sqlite_schema VALUES('table','v','v',0,'CREATE VIRTUAL TABLE v USING fts5(a)');\n".to_owned()),
        Just("INSERT INTO t0(a,b) VALUES (1,'é'), (2,x'00');\n".to_owned()),
    ];
    proptest::collection::vec(prop_oneof![3 => row, 1 => other], 1..20).prop_map(|parts| {
        format!(
            "\u{feff}BEGIN;\nPRAGMA foreign_keys=OFF;\n{}COMMIT;\n",
            parts.concat()
        )
    })
}

/// What is shown of a dump and how it ended, and the marks between its blocks.
fn outcome(text: &[u8], step: usize, block_bytes: usize) -> (String, Vec<Mark>) {
    let mut reader = reader(text, step, block_bytes).unwrap();
    let mut out = String::new();
    let mut marks: Vec<Mark> = Vec::new();
    loop {
        match reader.next() {
            Ok(Some(block)) => {
                let rows = block
                    .items
                    .iter()
                    .filter(|item| matches!(item, Item::Rows(_)));
                let rows = rows.count();
                assert!(rows == 0 || rows == block.items.len());
                if let Some(before) = marks.last() {
                    // Nothing but blanks and comments in between.
                    assert!(block.begin.offset >= before.offset);
                }
                let sha256: [u8; 32] =
                    Sha256::digest(&text[..usize::try_from(block.end.offset).unwrap()]).into();
                assert_eq!(block.end.sha256, sha256);
                marks.push(block.end);
                out += &shown(&block);
            }
            Ok(None) => {
                let ended = reader.ended().unwrap();
                out += &format!("{ended:?}");
                assert_eq!(ended.mark.offset, text.len() as u64);
                return (out, marks);
            }
            Err(error) => return (out + &told(&error), marks),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_row_of_any_values_in_any_form_reads_back(values in proptest::collection::vec(literal(), 1..8)) {
        let (shown, printed): (Vec<_>, Vec<_>) = values.into_iter().unzip();
        let text = format!("INSERT INTO t VALUES({});", printed.join(","));
        let (out, end) = read(reader(text.as_bytes(), usize::MAX, 1 << 16));
        prop_assert!(end.is_ok(), "{text}\n{end:?}");
        prop_assert_eq!(out, format!("1@0 t {}\n", shown.join(" | ")), "{}", text);
    }

    #[test]
    fn neither_pieces_nor_blocks_change_what_is_read(text in dump(), step in 1..40_usize, block in 16..300_usize) {
        let (whole, _) = outcome(text.as_bytes(), usize::MAX, 1 << 16);
        let (small, marks) = outcome(text.as_bytes(), usize::MAX, block);
        prop_assert_eq!(&whole, &small);
        prop_assert_eq!((small, marks), outcome(text.as_bytes(), step, block));
    }

    #[test]
    fn reading_from_a_mark_is_reading_on(text in dump(), block in 16..300_usize) {
        let options = ReaderOptions { block_bytes: block, ..ReaderOptions::default() };
        let source = || Source::of("dump.sql", io::Cursor::new(text.clone().into_bytes()));
        let mut through = Reader::new(source().unwrap(), options);
        let mut blocks = Vec::new();
        while let Some(block) = through.next().unwrap() {
            blocks.push((block.end, shown(&block)));
        }
        for (index, (mark, _)) in blocks.iter().enumerate() {
            let (out, end) = read(Reader::resume(source().unwrap(), options, mark));
            let rest: String = blocks[index + 1..].iter().map(|(_, shown)| shown.as_str()).collect();
            prop_assert_eq!(out, rest);
            let end = end.unwrap();
            prop_assert_eq!(end.mark, through.ended().unwrap().mark);
            prop_assert_eq!(end.envelope, Envelope::Transaction);
        }
    }

    #[test]
    fn another_dump_is_not_read_from_the_mark_of_one(text in dump(), at in any::<prop::sample::Index>()) {
        let (_, marks) = outcome(text.as_bytes(), usize::MAX, 64);
        let mark = marks[marks.len() / 2];
        let mut other = text.into_bytes();
        let at = at.index(usize::try_from(mark.offset).unwrap());
        other[at] ^= 1;
        let resumed = Reader::resume(
            Source::of("dump.sql", io::Cursor::new(other.clone())).unwrap(),
            ReaderOptions::default(),
            &mark,
        );
        let changed = matches!(resumed, Err(DumpError::Changed { .. }));
        prop_assert!(changed);
        other.truncate(at);
        let resumed = Source::of("dump.sql", io::Cursor::new(other))
            .and_then(|source| Reader::resume(source, ReaderOptions::default(), &mark));
        let changed = matches!(resumed, Err(DumpError::Changed { .. }));
        prop_assert!(changed);
    }

    #[test]
    fn a_dump_cut_anywhere_is_never_taken_for_a_whole_one(text in dump(), at in any::<prop::sample::Index>()) {
        // The last statement is complete without the semicolon, the line end, or the word TRANSACTION.
        let last = text.to_ascii_uppercase();
        let last = last.rfind("COMMIT").map(|at| at + 6).max(last.rfind("END").map(|at| at + 3));
        let last = last.unwrap_or(text.len()).min(text.len() - 1);
        let (_, end) = read(reader(&text.as_bytes()[..at.index(last)], usize::MAX, 1 << 16));
        prop_assert!(end.is_err());
    }
}
