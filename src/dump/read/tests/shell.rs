//! What the `sqlite3` program of this machine dumps, where there is one: whatever was put into a database is read from
//! its dump.

use std::io::Write;
use std::process::{Command, Stdio};

use super::*;
use crate::dump::What;
use crate::sql::{Value, identifier, literal};
use proptest::prelude::*;

/// What the program prints for these lines, given a database in memory.
fn sqlite3(lines: &str) -> Option<Vec<u8>> {
    let mut child = Command::new("sqlite3")
        .args(["-batch", ":memory:"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut input = child.stdin.take().unwrap();
    input.write_all(lines.as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{lines}");
    Some(output.stdout)
}

/// Whether there is the program; says so where there is none.
#[expect(clippy::print_stderr, reason = "to say what is not tested")]
fn is_there() -> bool {
    let there = sqlite3("SELECT 1;\n").is_some();
    if !there {
        eprintln!("skipped: there is no sqlite3 program here");
    }
    there
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::Integer),
        (any::<i32>(), 0..20)
            .prop_map(|(number, by)| { Value::Real(f64::from(number) / f64::from(1 << by) + 0.0) }),
        Just(Value::Real(f64::INFINITY)),
        Just(Value::Real(f64::NEG_INFINITY)),
        Just(Value::Real(1e20)),
        "[a'\\\\;\n\r \"é日😀n0(]{0,12}".prop_map(Value::Text),
        proptest::collection::vec(any::<u8>(), 0..12).prop_map(Value::Blob),
    ]
}

/// A value for the program to put in: it drops a carriage return at the end of a line that it reads.
fn put(value: &Value) -> String {
    match value {
        Value::Text(text) => {
            let blob = literal(&Value::Blob(text.as_bytes().to_vec()));
            format!("CAST({blob} AS TEXT)")
        }
        value => literal(value),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn what_was_put_into_a_database_is_read_from_its_dump(
        name in "[a-z \"'`;\\[é-]{1,8}",
        rows in proptest::collection::vec(proptest::collection::vec(value(), 3), 1..6),
        options in prop::sample::select(vec![
            "", "--newlines", "--preserve-rowids", "--data-only", "--nosys", "--preserve-rowids --newlines",
        ]),
    ) {
        let table = identifier(&name);
        let mut lines = format!("CREATE TABLE {table}(a, \"b;\", 'c d');\n");
        for row in &rows {
            let values: Vec<_> = row.iter().map(put).collect();
            lines += &format!("INSERT INTO {table} VALUES({});\n", values.join(","));
        }
        // The names of tables and indexes are of one space, so this one is made of the table's.
        let index = identifier(&format!("{name} by a"));
        lines += &format!("CREATE INDEX {index} ON {table}(a);\n.dump {options}\n");
        let Some(dump) = sqlite3(&lines) else { return Ok(()) };
        let mut reader = reader(&dump, usize::MAX, 200).unwrap();
        let mut read = Vec::new();
        let mut tables = 0;
        while let Some(block) = reader.next().unwrap() {
            for item in &block.items {
                match item {
                    Item::Rows(these) => {
                        prop_assert_eq!(&these.target.table, &name);
                        let rowids = these.target.columns.iter().filter(|it| *it == "rowid").count();
                        prop_assert_eq!(rowids, usize::from(options.contains("rowids")));
                        read.extend((0..these.len()).map(|row| {
                            let values = block.row(these, row).skip(rowids);
                            values.map(super::value).collect::<Vec<_>>()
                        }));
                    }
                    Item::Statement(statement) => {
                        tables += usize::from(matches!(&statement.what, What::Create { table, .. } if *table == name));
                    }
                }
            }
        }
        let put: Vec<Vec<_>> = rows
            .iter()
            .map(|row| row.iter().map(|value| super::value(value.into())).collect())
            .collect();
        prop_assert_eq!(read, put, "{}", String::from_utf8_lossy(&dump));
        prop_assert_eq!(tables, if options == "--data-only" { 0 } else { 2 });
    }
}

#[test]
fn odd_databases_are_read_whole() {
    if !is_there() {
        return;
    }
    let dump = sqlite3(
        r#"CREATE TABLE seq(a INTEGER PRIMARY KEY AUTOINCREMENT, b);
INSERT INTO seq(b) VALUES(1.0),(1e-300),(-1.5e300),('1.0'),(zeroblob(3));
CREATE TABLE strict(a INT, b ANY, PRIMARY KEY(a)) STRICT, WITHOUT ROWID;
INSERT INTO strict VALUES(1, 'x'), (2, x'');
CREATE TABLE gen(a, b AS (a * 2), c AS (a + 1) STORED);
INSERT INTO gen VALUES(1), (2);
CREATE VIRTUAL TABLE docs USING fts5(title, body);
INSERT INTO docs VALUES('it''s', 'a
b');
CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1);
INSERT INTO boxes VALUES(1, 0, 1);
CREATE INDEX part ON seq(b) WHERE b > 1;
CREATE INDEX expr ON seq(b || ';');
CREATE TRIGGER touch AFTER UPDATE ON seq BEGIN SELECT 1; UPDATE gen SET a = CASE WHEN 1 THEN 2 END; END;
CREATE VIEW v AS SELECT ';' AS "x;y" FROM seq;
ANALYZE;
.dump
"#,
    )
    .unwrap();
    let (out, end) = read(reader(&dump, usize::MAX, 256));
    let end = end.unwrap_or_else(|error| panic!("{}", told(&error)));
    assert_eq!(end.envelope, Envelope::Transaction);
    for expected in [
        "seq 1 | 1.0\n",
        "seq 2 | 1e-300\n",
        "seq 3 | -1.5e300\n",
        "seq 4 | '1.0'\n",
        "seq 5 | x'\\x00\\x00\\x00'\n",
        "strict 2 | x''\n",
        "Create { object: VirtualTable, name: \"docs\"",
        "Create { object: VirtualTable, name: \"boxes\"",
        "Create { object: Trigger, name: \"touch\", table: \"seq\"",
        "Clear { table: \"sqlite_sequence\" }",
        "sqlite_sequence 'seq' | 5\n",
        "Analyze\n",
    ] {
        assert!(out.contains(expected), "{expected} in\n{out}");
    }
}
