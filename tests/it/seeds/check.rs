//! What a check of seeds finds: every row is written in memory, with values that stand in for variables.

use std::time::SystemTime;

use expect_test::{Expect, expect};
use seedbed::migrations::{self, CheckOptions, Migrations};
use seedbed::seeds::{Checked, Seeds, check};

use crate::world::set;

/// What is found on the schema that these migrations make.
pub(crate) async fn checked_on(set: &Migrations, seeds: &Seeds) -> Checked {
    let options = CheckOptions::default();
    let checked = migrations::check(set, &options).await.unwrap();
    let database = checked.database.unwrap();
    check(seeds, set, Some(&database), SystemTime::now())
        .await
        .unwrap()
}

async fn found(schema: &str, seeds: &[(&str, &str)], expect: Expect) {
    let set = set(&[("V1__schema.sql", schema)]);
    let checked = checked_on(&set, &Seeds::of_texts(seeds.iter().copied())).await;
    let mut found = String::new();
    for problem in &checked.problems {
        let severity = match problem.is_error() {
            true => "error",
            false => "warning",
        };
        found.push_str(&format!("{severity} {}\n", super::problem(problem)));
        for note in &problem.notes {
            found.push_str(&format!("  {note}\n"));
        }
    }
    expect.assert_eq(&found);
}

#[tokio::test]
async fn a_row_that_a_constraint_or_a_trigger_refuses_is_an_error_at_its_place() {
    found(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, x INTEGER CHECK (x > 0), u TEXT, UNIQUE (u COLLATE NOCASE));
         CREATE TABLE c (id INTEGER PRIMARY KEY, t_id INTEGER REFERENCES t (id));
         CREATE TABLE g (id INTEGER PRIMARY KEY, n INTEGER);
         CREATE TRIGGER no BEFORE INSERT ON g WHEN new.n > 3 BEGIN SELECT RAISE (ABORT, 'too many'); END;",
        &[(
            "a",
            "t:\n  one: {id: 1, x: 1, u: a}\n  two: {id: 2, x: -1}\n  three: {id: 3, x: 0}\n\
             c:\n  of_two: {id: 1, t: two}\n  of_one: {id: 2, t: one}\n\
             g:\n  few: {n: 3}\n  many: {n: 4}\n",
        )],
        expect![[r#"
            error a:3:3 row-refused: this row is refused: CHECK constraint failed: x > 0
            error a:4:3 row-refused: this row is refused: CHECK constraint failed: x > 0
            error a:10:3 row-refused: this row is refused: too many
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_row_of_many_is_found_too() {
    found(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, n INT CHECK (n <> 777));",
        &[("a", "t:\n  \"row_{0001..1000}\": {n: 1}\n  bad: {n: 777}\n")],
        expect![[r#"
            error a:3:3 row-refused: this row is refused: CHECK constraint failed: n <> 777
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_constraint_that_fails_on_a_value_that_stands_in_for_a_variable_is_a_warning() {
    found(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE CHECK (email LIKE '%@%'), n INTEGER NOT NULL,
           x INTEGER UNIQUE);
         CREATE TABLE c (id INTEGER PRIMARY KEY, email TEXT NOT NULL REFERENCES t (email));",
        &[(
            "a",
            "t:\n  one: {email: !env A, n: 1}\n",
        )],
        expect![[r#"
            warning a:2:3 row-refused: this row is refused: CHECK constraint failed: email LIKE '%@%'
              in this check a value stands in for the variable in email; the real value may be accepted
        "#]],
    )
    .await;
    found(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, n INTEGER NOT NULL, x INTEGER UNIQUE) STRICT;
         CREATE TABLE c (id INTEGER PRIMARY KEY, email TEXT NOT NULL REFERENCES t (email)) STRICT;",
        &[(
            "a",
            "t:\n  one: {email: !env A, n: !env N, x: 1}\n  two: {email: !env B, n: 2, x: 2}\n\
             c:\n  of_one: {email: !ref t.one.email}\n",
        )],
        expect![[r#""#]],
    )
    .await;
}

#[tokio::test]
async fn each_environment_has_a_database_of_its_own() {
    found(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, x INTEGER UNIQUE);",
        &[
            ("a", "_seed: {envs: [dev]}\nt:\n  one: {id: 1, x: 1}\n"),
            ("b", "_seed: {envs: [prod]}\nt:\n  two: {id: 2, x: 1}\n"),
        ],
        expect![[r#""#]],
    )
    .await;
}
