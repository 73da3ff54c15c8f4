use std::sync::Arc;

use expect_test::{Expect, expect};

use super::super::model::{Expr, Label, SeedFile};
use super::super::parse::parse;
use super::{fill, split, with_companions};
use crate::script::Source;

fn source(name: &str, text: &str) -> Arc<Source> {
    Arc::new(Source {
        name: name.to_owned(),
        text: text.into(),
    })
}

fn read(seed: &str, text: &str) -> (SeedFile, String) {
    let (mut file, problems) = parse("a", source("a.yaml", seed));
    assert!(problems.is_empty(), "{problems:?}");
    let problems = fill(&mut file, &mut |path| Ok(source(path, text)));
    let mut shown = String::new();
    for table in &file.tables {
        for row in &table.rows {
            let label = match row.label.as_ref().map(|it| &it.value) {
                Some(Label::One(label)) => &**label,
                _ => "-",
            };
            let origin = file.origin(&row.span);
            shown += &format!("{} {} {label}:", origin.source.name, origin.place());
            for field in &row.fields {
                let place = file.origin(&field.value.span()).place();
                let value = match &field.value.value {
                    Expr::Null => "NULL".to_owned(),
                    Expr::Scalar { text, style } => {
                        format!("{:?} {style:?}", text.as_text().unwrap())
                    }
                    Expr::Json(json) => json.to_string(),
                    other => format!("{other:?}"),
                };
                shown += &format!(" {}={value} ({place})", field.name.value);
            }
            shown.push('\n');
        }
    }
    for problem in problems {
        let origin = problem.origin().unwrap();
        let place = origin.place();
        shown += &format!(
            "{}: {place} {}: {}\n",
            problem.code, origin.source.name, problem.message
        );
    }
    (file, shown)
}

fn check_csv(text: &str, expect: Expect) {
    expect.assert_eq(&read("t: !csv t.csv\n", text).1);
}

fn check_json(text: &str, expect: Expect) {
    expect.assert_eq(&read("t: !json t.json\n", text).1);
}

#[test]
fn a_cell_of_csv_keeps_its_text_and_its_place() {
    check_csv(
        "_label,name,note\nann,\"Ann, \"\"A\"\"\",\n\nbob,007,\"\"\ncid,${i},\"two\nlines\"",
        expect![[r#"
            t.csv 2:1 ann: name="Ann, \"A\"" Plain (2:5) note=NULL (2:18)
            t.csv 4:1 bob: name="007" Plain (4:5) note="" Quoted (4:9)
            t.csv 5:1 cid: name="${i}" Plain (5:5) note="two\nlines" Plain (5:10)
        "#]],
    );
}

#[test]
fn what_is_no_csv_is_reported_at_its_line() {
    check_csv(
        "",
        expect![[r#"
        bad-csv: 1:1 t.csv: the file is empty
    "#]],
    );
    check_csv(
        "a;b\n1;2\n",
        expect![[r#"
        bad-csv: 1:1 t.csv: the header is one cell, and holds ';'
    "#]],
    );
    check_csv(
        "a,a\n1,2\n",
        expect![[r#"
        duplicate-key: 1:3 t.csv: column `a` stands twice in the header
    "#]],
    );
    check_csv(
        "a,,_was\n1,2,3\n",
        expect![[r#"
        bad-value: 1:3 t.csv: the name of a column is missing here
        unknown-setting: 1:4 t.csv: a row of a file has no setting `_was`
    "#]],
    );
    check_csv(
        "a,b\n1\n1,2,3\n1,2\n",
        expect![[r#"
            t.csv 4:1 -: a="1" Plain (4:1) b="2" Plain (4:3)
            bad-csv: 2:1 t.csv: the line has 1 cell, and the header 2
            bad-csv: 3:1 t.csv: the line has 3 cells, and the header 2
        "#]],
    );
    check_csv(
        "a,b\n\"1\"x,2\n1,\"2\n",
        expect![[r#"
        bad-csv: 2:1 t.csv: something stands behind the quote that closes this cell
        bad-csv: 3:3 t.csv: the quote that begins here is not closed
    "#]],
    );
    check_csv(
        "_label,b\nx_{1..3},2\n,2\n",
        expect![[r#"
        bad-label: 2:1 t.csv: the label `x_{1..3}` is a pattern
        bad-label: 3:1 t.csv: the label of a row is missing here
    "#]],
    );
}

#[test]
fn a_member_of_json_keeps_its_type_and_its_place() {
    check_json(
        "[\n\t{\"_label\": \"ann\", \"name\": \"Ann \\u0041\", \"n\": 1.10},\n\t{\"b\": true, \"j\": {\"z\": 1, \"a\": [2]}, \"x\": null}\n]\n",
        expect![[r#"
            t.json 2:13 ann: name="Ann A" Quoted (2:28) n="1.10" Plain (2:47)
            t.json 3:2 -: b="true" Plain (3:8) j={"a":[2],"z":1} (3:19) x=NULL (3:44)
        "#]],
    );
    check_json(
        "{\"ann\": {\"n\": 1}, \"bob\": {}}",
        expect![[r#"
        t.json 1:9 ann: n="1" Plain (1:15)
        t.json 1:26 bob:
    "#]],
    );
}

#[test]
fn what_is_no_list_of_rows_is_reported_at_its_place() {
    check_json(
        "[{\"a\": 1,}]",
        expect![[r#"
            bad-json: 1:10 t.json: this is not JSON: key must be a string at line 1 column 10
        "#]],
    );
    check_json(
        "7",
        expect![[r#"
            bad-json: 1:1 t.json: this is neither a list of objects nor an object of them
        "#]],
    );
    check_json(
        "[7, {\"a\": 1, \"a\": 2}, {\"_key\": 1}]",
        expect![[r#"
        bad-json: 1:2 t.json: a row is an object, and this is none
        duplicate-key: 1:19 t.json: `a` stands twice in this object
        unknown-setting: 1:32 t.json: a row of a file has no setting `_key`
    "#]],
    );
    check_json(
        "{\"x_{1..3}\": {}}",
        expect![[r#"
        bad-label: 1:14 t.json: the label `x_{1..3}` is a pattern
    "#]],
    );
}

#[test]
fn a_value_that_json_cannot_hold_is_reported_and_not_dropped() {
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    check_json(
        &format!(
            "[{{\"a\": \"x\\ud800y\"}},\n{{\"b\": 1, \"a\": [2, 1e999]}},\n{{\"a\": {{\"k\": \"\\udc00\"}}}},\n{{\"a\": {deep}}}]"
        ),
        expect![[r#"
            bad-json: 1:16 t.json: this value cannot be read: unexpected end of hex escape
            bad-json: 2:23 t.json: this value cannot be read: number out of range
            bad-json: 3:19 t.json: this value cannot be read: lone leading surrogate in hex escape
            bad-json: 4:134 t.json: this value cannot be read: recursion limit exceeded
        "#]],
    );
}

#[test]
fn a_recorded_text_holds_its_files() {
    let (file, _) = read(
        "t: !csv t.csv # seedbed:rows\nu: !csv u.csv",
        "a\n# seedbed:rows x\n\n",
    );
    let text = with_companions(&file, file.source.text.clone()).to_string();
    let (seed, files) = split(&text);
    assert_eq!(seed.trim_end(), &*file.source.text);
    assert_eq!(files.len(), 2);
    for (companion, (kind, path, text)) in file.companions.iter().zip(&files) {
        assert_eq!((companion.kind, companion.path.as_str()), (*kind, *path));
        assert_eq!(text, &*companion.source.text);
    }
    for text in ["t: {}\n", "", "a\n# seedbed:rows x\nb\n"] {
        assert_eq!(split(text), (text, Vec::new()));
    }
}
