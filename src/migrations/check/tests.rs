//! What a check finds, as specifications.

use super::*;
use crate::migrations::Migrations;
use expect_test::{Expect, expect};

fn set(files: &[(&str, &str)]) -> Migrations {
    Migrations::from_files(
        files
            .iter()
            .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())),
    )
}

async fn checked(files: &[(&str, &str)]) -> Checked {
    super::check(&set(files), &CheckOptions::default())
        .await
        .unwrap()
}

/// What is found, one problem a line, and how far the rehearsal came.
fn shown(checked: &Checked) -> String {
    use std::fmt::Write;
    let mut found = String::new();
    for problem in &checked.problems {
        let place = problem.location.as_ref().map(ToString::to_string);
        let severity = match problem.is_error() {
            true => "",
            false => "warning ",
        };
        writeln!(
            found,
            "{} {severity}{}",
            place.unwrap_or_default(),
            problem.code
        )
        .unwrap();
        // What the files alone tell is specified elsewhere.
        if let "transaction-control" | "directive" | "bad-name" | "duplicate" = problem.code {
            continue;
        }
        writeln!(found, "  {}", problem.message).unwrap();
        for note in problem.notes.iter().flat_map(|note| note.lines()) {
            writeln!(found, "  note: {note}").unwrap();
        }
        for help in problem.help.iter().flat_map(|help| help.lines()) {
            writeln!(found, "  help: {help}").unwrap();
        }
    }
    writeln!(
        found,
        "{} applied, {} reversed, {}, {} new",
        checked.applied,
        checked.reversed,
        if checked.database.is_some() {
            "whole"
        } else {
            "not whole"
        },
        checked.applied_to_existing,
    )
    .unwrap();
    found
}

async fn check(files: &[(&str, &str)], expect: Expect) {
    expect.assert_eq(&shown(&checked(files).await));
}

mod existing;
mod references;

#[tokio::test]
async fn a_set_without_fault_is_applied_reversed_and_repeated() {
    check(
        &[
            (
                "V1__a.sql",
                "CREATE TABLE a (x PRIMARY KEY); INSERT INTO a VALUES (1);",
            ),
            ("V1__a.down.sql", "DROP TABLE a;"),
            (
                "V2__b.sql",
                "ALTER TABLE a ADD COLUMN y TEXT; CREATE INDEX i ON a (y);",
            ),
            (
                "V2__b.down.sql",
                "DROP INDEX i; ALTER TABLE a DROP COLUMN y;",
            ),
            (
                "U3__c.sql",
                "CREATE TABLE c (x REFERENCES a (x)); INSERT INTO c VALUES (1);",
            ),
            (
                "R__v.sql",
                "DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT y FROM a;",
            ),
        ],
        expect![[r#"
            4 applied, 2 reversed, whole, 1 new
        "#]],
    )
    .await;
}

#[tokio::test]
async fn the_database_is_handed_on_as_the_migrations_leave_it() {
    let checked = checked(&[
        ("V1__a.sql", "CREATE TABLE a (x);"),
        ("V1__a.down.sql", "DROP TABLE a;"),
    ])
    .await;
    let schema = crate::schema::inspect(&checked.database.unwrap())
        .await
        .unwrap();
    assert_eq!(schema.objects.len(), 1);
    assert_eq!(schema.objects[0].sql, "CREATE TABLE a (x)");
}

#[tokio::test]
async fn files_are_read_though_they_cannot_be_rehearsed() {
    check(
        &[
            ("V1__a.sql", "CREATE TABLE a (x);"),
            ("V1__b.sql", "CREATE TABLE b (x);"),
            ("V2__c.sql", "BEGIN; CREATE TABLE c (x); COMMIT;"),
            (
                "V2__c.down.sql",
                "-- seedbed: no-transactions\nDROP TABLE c",
            ),
            ("3_d.sql", ""),
        ],
        expect![[r#"
            3_d.sql bad-name
            V1__a.sql duplicate
            V2__c.sql:1:1 warning transaction-control
            V2__c.down.sql:1:1 directive
            0 applied, 0 reversed, not whole, 0 new
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_statement_that_fails_is_pointed_at_and_ends_the_rehearsal() {
    check(
        &[
            ("V1__a.sql", "CREATE TABLE a (x);"),
            (
                "V2__b.sql",
                "CREATE TABLE b (x);\nINSERT INTO b\n  VALUES (1, 2);\n",
            ),
            (
                "V3__c.sql",
                "CREATE TABLE c (x);\n\nCREATE INDEX i ON c (y);",
            ),
            (
                "R__v.sql",
                "DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT 1;",
            ),
        ],
        expect![[r#"
            V2__b.sql:2:13 fails
              table b has 1 columns but 2 values were supplied
            1 applied, 0 reversed, not whole, 0 new
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_file_without_a_transaction_that_fails_is_pointed_at() {
    for name in ["V2__b.sql", "R__b.sql"] {
        let text = "-- seedbed: no-transaction\nINSERT INTO nope VALUES (1);";
        let checked = checked(&[("V1__a.sql", "CREATE TABLE a (x);"), (name, text)]).await;
        assert_eq!(
            shown(&checked),
            format!(
                "{name}:2:13 fails\n  no such table: nope\n1 applied, 0 reversed, not whole, 0 new\n"
            )
        );
    }
}

#[tokio::test]
async fn a_file_with_a_problem_ends_the_rehearsal_there() {
    check(
        &[
            ("V1__a.sql", "CREATE TABLE a (x);"),
            ("V2__b.sql", "COMMIT;"),
            ("V3__c.sql", "CREATE TABLE a (x);"),
        ],
        expect![[r#"
            V2__b.sql:1:1 transaction-control
            1 applied, 0 reversed, not whole, 0 new
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_down_file_that_is_no_inverse_is_told_once_and_spoils_nothing_after_it() {
    check(
        &[
            ("V1__a.sql", "CREATE TABLE a (x); CREATE INDEX i ON a (x);"),
            ("V1__a.down.sql", "DROP INDEX i;"),
            (
                "V2__b.sql",
                "ALTER TABLE a ADD COLUMN y; CREATE VIEW v AS SELECT y FROM a;",
            ),
            (
                "V2__b.down.sql",
                "DROP VIEW v; ALTER TABLE a DROP COLUMN x;",
            ),
            ("V3__c.sql", "CREATE TABLE c (x);"),
            ("V3__c.down.sql", "DROP TABLE c;"),
        ],
        expect![[r#"
            V1__a.down.sql down-no-inverse
              the down file of V1 does not bring back the schema that was there before
              note: table a should not be there
              help: make the down file undo all that the migration does, and no more
              help: an old one may stay as it is: `-- seedbed: allow down-no-inverse: REASON` at its top, or `downs_from = V` under [migrations] in config.toml, which accepts those below V
            V2__b.down.sql:1:40 fails
              error in index i after drop column: no such column: x (taking it back, in memory)
              help: `undo` runs the down file on the schema that V2 leaves: make it fit that
            3 applied, 1 reversed, whole, 1 new
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_down_file_that_fails_is_pointed_at() {
    check(
        &[
            ("V1__a.sql", "CREATE TABLE a (x);"),
            ("V1__a.down.sql", "DROP TABLE\n  b;"),
            ("V2__b.sql", "CREATE TABLE b (x);"),
            (
                "V2__b.down.sql",
                "-- seedbed: no-transaction\nDROP TABLE b;\nDROP TABLE b;",
            ),
            ("V3__c.sql", "INSERT INTO b VALUES (1);"),
        ],
        expect![[r#"
            V1__a.down.sql:2:3 fails
              no such table: b (taking it back, in memory)
              help: `undo` runs the down file on the schema that V1 leaves: make it fit that
            V2__b.down.sql:3:12 fails
              no such table: b (taking it back, in memory)
              help: `undo` runs the down file on the schema that V2 leaves: make it fit that
            3 applied, 0 reversed, whole, 1 new
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_migration_that_cannot_be_applied_twice_is_told() {
    check(
        &[
            ("V1__a.sql", "CREATE TABLE a (x UNIQUE);"),
            ("V2__b.sql", "INSERT INTO a VALUES (1);"),
            ("V2__b.down.sql", "SELECT 1;"),
            ("V3__c.sql", "CREATE TABLE IF NOT EXISTS c (x);"),
            ("V3__c.down.sql", "SELECT 1;"),
        ],
        expect![[r#"
            V2__b.sql:1:1 fails
              UNIQUE constraint failed: a.x (applying it a second time, in memory)
              help: make the migration work on what its down file leaves
            V3__c.down.sql down-no-inverse
              the down file of V3 does not bring back the schema that was there before
              note: table c should not be there
              help: make the down file undo all that the migration does, and no more
              help: an old one may stay as it is: `-- seedbed: allow down-no-inverse: REASON` at its top, or `downs_from = V` under [migrations] in config.toml, which accepts those below V
            3 applied, 0 reversed, whole, 1 new
        "#]],
    )
    .await;
}

#[tokio::test]
async fn rows_that_a_down_file_does_not_bring_back_fail_nothing_after_it() {
    check(
        &[
            (
                "V1__a.sql",
                "CREATE TABLE a (x PRIMARY KEY); INSERT INTO a VALUES (1);",
            ),
            ("V2__b.sql", "CREATE TABLE b (x);"),
            ("V2__b.down.sql", "DELETE FROM a; DROP TABLE b;"),
            (
                "V3__c.sql",
                "CREATE TABLE c (x REFERENCES a (x)); INSERT INTO c VALUES (1);",
            ),
        ],
        expect![[r#"
            3 applied, 1 reversed, whole, 1 new
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_repeatable_migration_must_bear_being_applied_again() {
    check(
        &[
            (
                "R__i.sql",
                "CREATE TABLE IF NOT EXISTS t (x UNIQUE); INSERT INTO t VALUES (1);",
            ),
            (
                "R__r.sql",
                "CREATE TRIGGER \"r s\" AFTER INSERT ON t BEGIN SELECT 1; END;",
            ),
            ("R__v.sql", "SELECT 1;\n CREATE VIEW v AS SELECT 1;"),
        ],
        expect![[r#"
            R__i.sql:1:42 fails
              UNIQUE constraint failed: t.x (applying it a second time, in memory)
              help: a repeatable migration runs again whenever its text changes: make it work on what it left the first time
            R__r.sql:1:16 fails
              trigger "r s" already exists (applying it a second time, in memory)
              help: a repeatable migration runs again whenever its text changes: write `DROP TRIGGER IF EXISTS "r s";` before it
            R__v.sql:2:14 fails
              view v already exists (applying it a second time, in memory)
              help: a repeatable migration runs again whenever its text changes: write `DROP VIEW IF EXISTS v;` before it
            3 applied, 0 reversed, not whole, 0 new
        "#]],
    )
    .await;
}

#[tokio::test]
async fn what_reaches_other_files_is_not_tried() {
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other.db");
    let attach = format!(
        "-- seedbed: no-transaction\nATTACH '{0}' AS o;\nCREATE TABLE o.t (x);\nDETACH o;",
        other.display()
    );
    let vacuum = format!(
        "-- seedbed: no-transaction\nVACUUM INTO '{}';",
        other.display()
    );
    check(
        &[
            ("V1__a.sql", &attach),
            (
                "V2__b.sql",
                "-- seedbed: no-transaction\nCREATE TABLE b (x);\nVACUUM;",
            ),
            ("V2__b.down.sql", &vacuum),
            ("V3__c.sql", "INSERT INTO t VALUES (1);"),
        ],
        expect![[r#"
            V1__a.sql:2:1 warning not-rehearsed
              this file was not tried: it attaches another database
            V2__b.down.sql:2:1 warning not-rehearsed
              this file was not tried: it writes a copy of the database
            V3__c.sql:1:13 fails
              no such table: t
              help: V1 was not tried; if this needs what it makes, all may be well
            1 applied, 0 reversed, not whole, 0 new
        "#]],
    )
    .await;
    assert!(!other.exists());
}

#[tokio::test]
async fn nothing_that_a_connection_remembers_leaks_into_the_next_file() {
    check(
        &[
            ("V1__a.sql", "CREATE TABLE p (x PRIMARY KEY); CREATE TABLE c (x REFERENCES p);"),
            (
                "V2__b.sql",
                "CREATE TEMP TABLE kept AS SELECT 1; CREATE TEMP VIEW w AS SELECT 1;
                 PRAGMA legacy_alter_table = ON; PRAGMA case_sensitive_like = ON; PRAGMA ignore_check_constraints = 1;
                 PRAGMA cache_size = -100; PRAGMA recursive_triggers = ON;",
            ),
            (
                "V3__c.sql",
                "CREATE TEMP TABLE kept AS SELECT 1; CREATE TEMP VIEW w AS SELECT 1;
                 CREATE TABLE likes (x CHECK (x LIKE 'A'));
                 INSERT INTO likes VALUES ('a'); ALTER TABLE p RENAME TO q;",
            ),
            ("V3__c.down.sql", "ALTER TABLE q RENAME TO p; DROP TABLE likes;"),
        ],
        expect![[r#"
            3 applied, 1 reversed, whole, 1 new
        "#]],
    )
    .await;
}

#[tokio::test]
async fn rows_without_their_parent_are_named() {
    check(
        &[
            (
                "V1__a.sql",
                "CREATE TABLE p (x PRIMARY KEY); CREATE TABLE c (x REFERENCES p);",
            ),
            (
                "V2__b.sql",
                "INSERT INTO p VALUES (1); INSERT INTO c VALUES (1);",
            ),
            ("V3__c.sql", "DROP TABLE p; CREATE TABLE p (x PRIMARY KEY);"),
        ],
        expect![[r#"
            V3__c.sql:1:1 fails
              V3 leaves rows whose parent is gone
              note: c, row 1: x = 1 has no parent in p
              help: let V3__c.sql delete these rows, keep their parents, or change what they refer to
            2 applied, 0 reversed, not whole, 0 new
        "#]],
    )
    .await;
}

#[tokio::test]
async fn what_does_not_compile_at_the_end_is_told_of_the_file_that_broke_it() {
    let family = (
        "V1__family.sql",
        "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (pid INTEGER REFERENCES p(id)); CREATE TABLE a (x);",
    );
    let more = ("V3__more.sql", "CREATE TABLE more (x); DROP TABLE more;");
    check(
        &[
            family,
            (
                "V2__rebuild.sql",
                "ALTER TABLE p RENAME TO p_old; CREATE TABLE p (id INTEGER PRIMARY KEY);\nINSERT INTO p SELECT id FROM p_old; DROP TABLE p_old;",
            ),
            more,
        ],
        expect![[r#"
            V2__rebuild.sql:1:1 fails
              V2 leaves a foreign key whose parent table does not exist, so that every write to its table fails
              note: c (pid) refers to p_old
              note: c referred to p before: renaming a table also changes the foreign keys that refer to it
              help: rebuild a table in this order: create the new table under another name, copy the rows, drop the old table, rename the new table to p
            3 applied, 0 reversed, not whole, 1 new
        "#]],
    )
    .await;
    check(
        &[
            family,
            (
                "V2__view.sql",
                "CREATE VIEW v AS SELECT x FROM a;\nDROP TABLE a;",
            ),
            more,
        ],
        expect![[r#"
            V2__view.sql:1:1 does-not-compile
              view v does not compile after V2: no such table: main.a
              help: make the view fit the schema that it is created on
            3 applied, 0 reversed, whole, 1 new
        "#]],
    )
    .await;
    check(
        &[
            family,
            (
                "V2__early.sql",
                "CREATE VIEW v AS SELECT y FROM later; DROP TABLE p;",
            ),
            more,
            (
                "V4__later.sql",
                "CREATE TABLE later (y); CREATE TABLE p (id INTEGER PRIMARY KEY);",
            ),
        ],
        expect![[r#"
            4 applied, 0 reversed, whole, 1 new
        "#]],
    )
    .await;
    check(
        &[
            family,
            ("V2__a.sql", "CREATE VIEW v AS SELECT 1;"),
            ("V2__a.down.sql", "DROP VIEW v; DROP TABLE p;"),
        ],
        expect![[r#"
            V2__a.down.sql:1:14 fails
              V2 leaves a foreign key whose parent table does not exist, so that every write to its table fails (taking it back, in memory)
              note: c (pid) refers to p
              help: change or drop the tables that refer to it in V2__a.down.sql too, or keep it
            2 applied, 0 reversed, whole, 1 new
        "#]],
    )
    .await;
    check(
        &[
            family,
            (
                "V2__d.sql",
                "CREATE TABLE gone (x); DROP TABLE gone; CREATE TABLE q (k); CREATE TABLE d (a REFERENCES q (k));",
            ),
        ],
        expect![[r#"
            V2__d.sql:1:61 fails
              V2 leaves a foreign key that refers to no key, so that every write to its table fails
              note: d (a) refers to q (k), which is neither its primary key nor has a UNIQUE index
              help: add `CREATE UNIQUE INDEX q_k_key ON q (k);` to V2__d.sql, or change what the foreign key refers to
            1 applied, 0 reversed, not whole, 0 new
        "#]],
    )
    .await;
    check(
        &[(
            "V1__cut.sql",
            "CREATE TABLE t (x);\nPRAGMA writable_schema = ON;\nUPDATE sqlite_schema SET sql = 'CREATE TABLE t (' WHERE name = 't';",
        )],
        expect![[r#"
            V1__cut.sql:2:1 fails
              V1 leaves a schema that cannot be read: malformed database schema (t) - incomplete input
              note: with such a schema, a database cannot be opened
              help: correct what V1__cut.sql writes to sqlite_schema
            0 applied, 0 reversed, not whole, 0 new
        "#]],
    )
    .await;
}
