use super::*;
use crate::migrations::{CheckOptions, check};
use expect_test::{Expect, expect};

const FILES: [(&str, &str); 4] = [
    (
        "m/V1__users.sql",
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, rate REAL);",
    ),
    (
        "m/V2__split.sql",
        "ALTER TABLE users ADD COLUMN first TEXT;\nUPDATE users SET first = substr(name, 1, instr(name, ' ') - 1);",
    ),
    (
        "m/V2__split.down.sql",
        "ALTER TABLE users DROP COLUMN first;",
    ),
    (
        "m/R__names.sql",
        "DROP VIEW IF EXISTS names;\nCREATE VIEW names AS SELECT first FROM users;",
    ),
];

fn set(files: &[(&str, &str)]) -> Migrations {
    let files = files.iter();
    Migrations::from_files(files.map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())))
}

async fn on(files: &[(&str, &str)], tests: &[(&str, &str)]) -> String {
    let set = set(files);
    let tests = tests.iter();
    let tests = DataTests::from_files(
        tests.map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())),
    );
    let options = CheckOptions::default().data_tests(Some(&tests));
    let checked = check(&set, &options).await.unwrap();
    let mut shown = String::new();
    for problem in &checked.problems {
        let place = problem.location.as_ref().unwrap();
        shown.push_str(&format!("{place} {}: {}\n", problem.code, problem.message));
        for note in &problem.notes {
            shown.push_str(&format!("  note: {note}\n"));
        }
        for help in &problem.help {
            shown.push_str(&format!("  help: {help}\n"));
        }
    }
    let (tests, expectations) = (checked.data_tests, checked.expectations);
    shown.push_str(&format!("{tests} pass, {expectations} hold\n"));
    shown
}

async fn of(text: &str, expect: Expect) {
    expect.assert_eq(&on(&FILES, &[("t/a.sql", text)]).await);
}

#[tokio::test]
async fn blocks_run_in_sequence_and_rows_are_those_of_the_shell() {
    of(
        "-- Names are split at the first blank.\n\
         -- at 1\n-- given\nINSERT INTO users VALUES (1, 'Ada L', 1.0), (2, NULL, 0.1);\n\
         -- migrate 2\n\
         -- expect\nSELECT id, first, rate, x'6162' FROM users ORDER BY id;\n-- 1|Ada|1.0|ab\n-- 2||0.1|ab\n\
         -- expect error\nINSERT INTO users (id) VALUES (1);\n-- UNIQUE constraint failed\n\
         -- undo\n\
         -- expect error\nSELECT first FROM users\n\n\
         -- migrate\n\
         -- expect\nSELECT first FROM names ORDER BY 1\n--\n-- Ada\n\
         -- expect\nSELECT 1 WHERE 0;\n\
         -- at none\n-- expect\nSELECT count(*) FROM sqlite_schema WHERE name = 'users';\n-- 0\n",
        expect![[r#"
            1 pass, 6 hold
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_row_that_differs_is_an_error_at_its_line() {
    of(
        "-- at V2\n-- given\nINSERT INTO users (id, name) VALUES (1, 'a'), (2, 'b '), (3, 'c');\n\
         -- expect\nSELECT name FROM users;\n-- a\n-- b\n-- C\n-- d\n\
         -- expect\nSELECT id FROM users;\n-- 1\n",
        expect![[r#"
            t/a.sql:7:1 data-test-differs: row 2 of this query is not the expected one
              note: expected: b
              note: found:    b 
              note: the database is at V2
              help: they differ in blanks at the beginning or the end, which count
            t/a.sql:8:1 data-test-differs: row 3 of this query is not the expected one
              note: expected: C
              note: found:    c
              note: the database is at V2
            t/a.sql:9:1 data-test-differs: row 4 is expected, and the query returns 3
              note: expected: d
              note: found:    (no row)
              note: the database is at V2
            t/a.sql:11:1 data-test-differs: the query returns row 2, and 1 is expected
              note: expected: (no row)
              note: found:    2
              note: the database is at V2
            t/a.sql:11:1 data-test-differs: the query returns row 3, and 1 is expected
              note: expected: (no row)
              note: found:    3
              note: the database is at V2
            0 pass, 0 hold
        "#]],
    )
    .await;
}

#[tokio::test]
async fn what_a_test_cannot_mean_is_an_error_with_its_place() {
    for (text, expect) in [
        (
            "",
            expect![[r#"
            t/a.sql:1:1 data-test: this data test has no directive
              help: its directives are `-- at V`, `-- given`, `-- migrate [V]`, `-- undo`, `-- expect` and `-- expect error`
            0 pass, 0 hold
        "#]],
        ),
        (
            "-- A note.\nSELECT 1;",
            expect![[r#"
            t/a.sql:2:1 data-test: this statement stands before the first directive, and belongs to no block
              help: write `-- given` before it if it brings rows, `-- expect` if it is a query
            0 pass, 0 hold
        "#]],
        ),
        (
            "-- given\nSELECT 1;\n-- expect\nSELECT 1;\n-- 1",
            expect![[r#"
                t/a.sql:1:1 data-test: a data test begins with the version that its database is at
                  help: write `-- at V` before this line; `-- at none` is a database without any migration
                0 pass, 0 hold
            "#]],
        ),
        (
            "-- at 1\n-- expects\nSELECT 1;\n-- 1",
            expect![[r#"
            t/a.sql:2:1 data-test: unknown directive `expects`
              help: did you mean `expect`? The directives are `-- at V`, `-- given`, `-- migrate [V]`, `-- undo`, `-- expect` and `-- expect error`
            t/a.sql:3:1 data-test: this statement stands behind `-- at`, and belongs to no block
              help: write `-- given` before it if it brings rows, `-- expect` if it is a query
            0 pass, 0 hold
        "#]],
        ),
        (
            "-- at 1\n-- redo\n-- expect\nSELECT 1;\n-- 1",
            expect![[r#"
                t/a.sql:2:1 data-test: unknown directive `redo`
                  help: the directives are `-- at V`, `-- given`, `-- migrate [V]`, `-- undo`, `-- expect` and `-- expect error`; a comment has more than one word
                0 pass, 0 hold
            "#]],
        ),
        (
            "-- at 1\n-- expect error: UNIQUE\nSELECT 1;",
            expect![[r#"
                t/a.sql:2:1 data-test: `-- expect error: UNIQUE` is no directive
                  help: the directives are `-- at V`, `-- given`, `-- migrate [V]`, `-- undo`, `-- expect` and `-- expect error`; a comment begins with another word
                t/a.sql:3:1 data-test: this statement stands behind `-- at`, and belongs to no block
                  help: write `-- given` before it if it brings rows, `-- expect` if it is a query
                0 pass, 0 hold
            "#]],
        ),
        (
            "-- at 1\n-- expect\n-- 1",
            expect![[r#"
            t/a.sql:2:1 data-test: an expectation without a query
              help: write the query below this line
            0 pass, 0 hold
        "#]],
        ),
        (
            "-- at 1\n-- expect\nSELECT 1; SELECT 2;\n-- 1",
            expect![[r#"
                t/a.sql:3:11 data-test: an expectation has one query, and this is the second
                  help: write another `-- expect` before it
                0 pass, 0 hold
            "#]],
        ),
        (
            "-- at 1\n-- expect\nSELECT 1;\n--1",
            expect![[r#"
            t/a.sql:4:1 data-test: a row that is expected begins with `-- `
              help: write a blank behind `--`
            0 pass, 0 hold
        "#]],
        ),
        (
            "-- at 1\n-- migrate 2",
            expect![[r#"
            t/a.sql:1:1 data-test: nothing is expected of this database, so the test proves nothing
              help: write `-- expect` and a query, or `-- expect error` and a statement
            0 pass, 0 hold
        "#]],
        ),
        (
            "-- at 1\n-- given\n-- expect\nSELECT 1;\n-- 1",
            expect![[r#"
                t/a.sql:2:1 data-test: nothing is given here: no statement follows
                  help: write the statements that bring the rows, or remove this line
                0 pass, 0 hold
            "#]],
        ),
        (
            "-- at 7\n-- migrate 9\n-- expect\nSELECT 1;\n-- 1",
            expect![[r#"
                t/a.sql:1:1 data-test: there is no migration V7
                  help: the files have V1 to V2
                t/a.sql:2:1 data-test: there is no migration V9
                  help: the files have V1 to V2
                0 pass, 0 hold
            "#]],
        ),
        (
            "-- at 2\n-- migrate 1\n-- expect\nSELECT 1;\n-- 1",
            expect![[r#"
                t/a.sql:2:1 data-test: the database is at V2 here, so there is nothing to migrate to V1
                  help: `-- undo` goes back by one version
                0 pass, 0 hold
            "#]],
        ),
        (
            "-- at 1\n-- undo\n-- expect\nSELECT 1;\n-- 1",
            expect![[r#"
                t/a.sql:2:1 data-test: V1 has no down file, so it cannot be undone
                0 pass, 0 hold
            "#]],
        ),
        (
            "-- at none\n-- undo\n-- expect\nSELECT 1;\n-- 1",
            expect![[r#"
                t/a.sql:2:1 data-test: no version is applied here, so there is nothing to undo
                0 pass, 0 hold
            "#]],
        ),
        (
            "-- at 1\n-- given\nINSERT INTO user VALUES (1);\n-- expect\nSELECT 1;\n-- 1",
            expect![[r#"
                t/a.sql:3:13 data-test-failed: no such table: user
                  note: the database is at V1
                0 pass, 0 hold
            "#]],
        ),
        (
            "-- at 1\n-- expect\nSELECT nam FROM users;\n-- 1",
            expect![[r#"
                t/a.sql:3:8 data-test-failed: no such column: nam
                  note: the database is at V1
                0 pass, 0 hold
            "#]],
        ),
        (
            "-- at 1\n-- expect\nDELETE FROM users RETURNING id;\n-- 1",
            expect![[r#"
                t/a.sql:3:1 data-test-failed: attempt to write a readonly database
                  note: the database is at V1
                0 pass, 0 hold
            "#]],
        ),
        (
            "-- at 1\n-- expect error\nSELECT 1;",
            expect![[r#"
            t/a.sql:3:1 data-test-differs: an error is expected of this statement, and it ran
              note: the database is at V1
            0 pass, 0 hold
        "#]],
        ),
        (
            "-- at 1\n-- expect error\nSELEC 1;",
            expect![[r#"
            t/a.sql:3:1 data-test-failed: near "SELEC": syntax error
              help: correct it: an error of its syntax says nothing about the migrations
            0 pass, 0 hold
        "#]],
        ),
        (
            "-- at 1\n-- expect error\nSELECT x FROM users;\n-- UNIQUE",
            expect![[r#"
                t/a.sql:4:1 data-test-differs: the engine refuses this statement with other words
                  note: expected: UNIQUE
                  note: found:    no such column: x
                0 pass, 0 hold
            "#]],
        ),
        (
            "-- at 1\n-- expect\nSELECT 'a;\n-- 1",
            expect![[r#"
            t/a.sql:3:8 data-test: the string is never closed: a ' is missing
              help: correct it
            0 pass, 0 hold
        "#]],
        ),
    ] {
        of(text, expect).await;
    }
}

#[tokio::test]
async fn a_migration_that_fails_on_given_rows_names_the_test() {
    let mut files = FILES.to_vec();
    files.push((
        "m/V3__unique.sql",
        "CREATE UNIQUE INDEX one ON users (name);",
    ));
    let test = "-- at 2\n-- given\nINSERT INTO users (name) VALUES ('a'), ('a');\n-- migrate 3\n-- expect\nSELECT 1;\n-- 1\n";
    expect![[r#"
        m/V3__unique.sql:1:1 depends-on-rows: UNIQUE constraint failed: users.name (on a database that exists, in memory)
          note: it failed on generated rows; whether it fails on a real database depends on the rows there
          help: if it cannot fail on the real rows, write `-- seedbed: allow depends-on-rows: REASON` at the top of the file
        m/V3__unique.sql:1:1 fails: UNIQUE constraint failed: users.name (on a database that exists, in memory)
          note: it ran for the data test t/a.sql:4
        0 pass, 0 hold
    "#]].assert_eq(&on(&files, &[("t/a.sql", test)]).await);
}

#[tokio::test]
async fn a_test_that_is_named_as_a_migration_is_an_error_in_every_layout() {
    let test = "-- at 1\n-- expect\nSELECT 1;\n-- 1\n";
    let tests = [
        ("m/tests/V2__a.sql", test),
        ("m/tests/0002_a.sql", test),
        ("m/tests/0002_a.up.sql", test),
        ("m/tests/a.sql", test),
        ("m/tests/20240101000000_a/migration.sql", test),
        ("m/tests/20240101000000_a/up.sql", test),
    ];
    let mut shown = String::new();
    for file in [
        "m/V1__a.sql",
        "m/0001_a.sql",
        "m/0001_a.up.sql",
        "m/00000000000001_a/up.sql",
        "m/00000000000001_a/migration.sql",
    ] {
        let set = set(&[(file, "CREATE TABLE a (x);")]);
        let named = named_as_migrations(&set, tests.iter().map(|(name, _)| *name));
        let named: Vec<&str> = named.iter().filter_map(Diagnostic::file).collect();
        shown.push_str(&format!("{:?}: {}\n", set.layout, named.join(" ")));
    }
    expect![[r#"
        Seedbed: m/tests/V2__a.sql
        Numbered: m/tests/V2__a.sql m/tests/0002_a.sql m/tests/0002_a.up.sql
        Pairs: m/tests/V2__a.sql m/tests/0002_a.up.sql
        Diesel: m/tests/V2__a.sql m/tests/20240101000000_a/up.sql
        Prisma: m/tests/V2__a.sql m/tests/20240101000000_a/migration.sql
    "#]]
    .assert_eq(&shown);
}
