//! Whether a database holds what a dump says: the same answer in every mode, and as people see it.

use expect_test::expect;
use seedbed::dump::{Input, Level, Verdict, verify};

use crate::export::{change, dumped};
use crate::import::Dump;
use crate::project::Project;
use crate::world::World;

/// Of every kind, so that a server's answers are put to the test too.
const SHOP: &[&str] = &[
    "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, score REAL, b)",
    "INSERT INTO users VALUES (1, 'ann', 1.0, x'00ff'), (2, NULL, -9e999, 9e999), (3, '', 5e-324, 0.1)",
    "INSERT INTO users VALUES (4, CAST(x'610062' AS TEXT), NULL, -9223372036854775808)",
    "CREATE TABLE odd (a, b TEXT PRIMARY KEY, c AS (a || b)) WITHOUT ROWID",
    "INSERT INTO odd (a, b) VALUES (1.0, 'x'), ('1', 'y')",
    "CREATE TABLE plain (x)",
    "INSERT INTO plain (rowid, x) VALUES (7, 1), (3, 1)",
    "CREATE VIRTUAL TABLE docs USING fts5 (body)",
    "INSERT INTO docs VALUES ('some words')",
    "CREATE INDEX by_name ON users (name)",
    "CREATE VIEW names AS SELECT name FROM users",
];

macro_rules! in_every_mode {
    ($($mode:ident)*) => {
        $(#[tokio::test(flavor = "multi_thread")]
        async fn $mode() {
            what_was_dumped_is_equal_and_what_was_changed_since_is_not(World::$mode().await).await;
            a_database_that_changes_is_compared_in_one_state(World::$mode().await).await;
        })*
    };
}

in_every_mode! { local memory remote replica }

async fn what_was_dumped_is_equal_and_what_was_changed_since_is_not(world: World) {
    change(&world.db, SHOP.iter().copied()).await;
    let dump = Dump::new(dumped(&world.db).await);
    let input = Input::File(dump.path());
    for level in [Level::Full, Level::Counts] {
        let verified = verify(&world.db, &input, level).await.unwrap();
        assert!(verified.is_equal(), "{verified:?}");
        assert!(verified.tables.len() >= 8, "{verified:?}");
    }
    // One bit of a real, the sign of an infinity, a rowid, a word, a type: each alone is seen.
    for (change_it, back, table) in [
        (
            "UPDATE users SET b = 0.10000000000000002 WHERE id = 3",
            "UPDATE users SET b = 0.1 WHERE id = 3",
            "users",
        ),
        (
            "UPDATE users SET b = -9e999 WHERE id = 2",
            "UPDATE users SET b = 9e999 WHERE id = 2",
            "users",
        ),
        (
            "UPDATE plain SET rowid = 8 WHERE rowid = 7",
            "UPDATE plain SET rowid = 7 WHERE rowid = 8",
            "plain",
        ),
        (
            "UPDATE odd SET a = 1 WHERE b = 'x'",
            "UPDATE odd SET a = 1.0 WHERE b = 'x'",
            "odd",
        ),
        (
            "UPDATE users SET name = CAST(x'610063' AS TEXT) WHERE id = 4",
            "UPDATE users SET name = CAST(x'610062' AS TEXT) WHERE id = 4",
            "users",
        ),
    ] {
        change(&world.db, [change_it]).await;
        let verified = verify(&world.db, &input, Level::Full).await.unwrap();
        let different: Vec<(&str, usize)> = verified
            .tables
            .iter()
            .filter_map(|found| match &found.verdict {
                Verdict::Different(rows) => Some((found.name.as_str(), rows.len())),
                _ => None,
            })
            .collect();
        assert_eq!(different, [(table, 2)], "{change_it}: {verified:?}");
        change(&world.db, [back]).await;
    }
    let verified = verify(&world.db, &input, Level::Full).await.unwrap();
    assert!(verified.is_equal(), "{verified:?}");
}

/// Another process changes all tables at once, again and again: each comparison sees all of a change, or nothing of it.
async fn a_database_that_changes_is_compared_in_one_state(world: World) {
    change(
        &world.db,
        [
            "CREATE TABLE first (a)",
            "CREATE TABLE plain (x)",
            "CREATE TABLE keyed (k TEXT PRIMARY KEY) WITHOUT ROWID",
            "CREATE VIRTUAL TABLE words USING fts5 (body)",
            "CREATE TABLE last (a)",
        ],
    )
    .await;
    let dump = Dump::new(dumped(&world.db).await);
    let input = Input::File(dump.path());
    let db = world.db.clone();
    let (done, is_done) = tokio::sync::oneshot::channel::<()>();
    let changes = tokio::spawn(async move {
        let mut is_done = is_done;
        let mut changes = 0;
        while is_done.try_recv().is_err() {
            let statements = match changes % 2 {
                0 => [
                    "INSERT INTO first VALUES (1)",
                    "INSERT INTO plain VALUES (1)",
                    "INSERT INTO keyed VALUES ('k')",
                    "INSERT INTO words VALUES ('w')",
                    "INSERT INTO last VALUES (1)",
                ],
                _ => [
                    "DELETE FROM last",
                    "DELETE FROM words",
                    "DELETE FROM keyed",
                    "DELETE FROM plain",
                    "DELETE FROM first",
                ],
            };
            change(&db, statements).await;
            changes += 1;
        }
        changes
    });
    for round in 0..30 {
        let level = [Level::Full, Level::Counts][round % 2];
        let verified = verify(&world.db, &input, level).await.unwrap();
        let tables = verified.tables.iter();
        let tables = tables.filter(|table| !table.name.starts_with("words_"));
        let rows: Vec<_> = tables.map(|table| table.in_database).collect();
        assert!(rows.len() >= 4, "{verified:?}");
        assert!(rows.iter().all(|it| *it == rows[0]), "{verified:?}");
    }
    let _ = done.send(());
    changes.await.unwrap();
}

const DUMP: &str = "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n\
    CREATE TABLE team (id INTEGER PRIMARY KEY, name TEXT);\nINSERT INTO team VALUES(1,'red');\n\
    INSERT INTO team VALUES(2,'blue');\nCREATE INDEX by_name ON team (name);\nCOMMIT;\n";

fn imported() -> Project {
    Project::new()
        .migration("V1__a", "CREATE TABLE a (x);")
        .file("old.sql", DUMP)
        .after("import old.sql")
}

#[test]
fn a_database_that_holds_a_dump() {
    imported().run("verify old.sql").check(expect![[r#"
        $ seedbed verify old.sql
        table  in the dump  in the database
        team             2                2  ✓

        the database holds what the dump says: 1 table, compared in every value
        2> target: local local.db (default)
    "#]]);
}

#[test]
fn a_database_that_was_changed() {
    let project = imported();
    project.change(&[
        "UPDATE team SET name = 'green' WHERE id = 2",
        "DROP INDEX by_name",
    ]);
    project.run("verify old.sql").check(expect![[r#"
        $ seedbed verify old.sql
        table  in the dump  in the database
        team             2                2  ✗ differs

        team: only in the dump, line 5: (2, 'blue')
        team: only in the database: (2, 'green')
        index by_name of line 6 is missing

        the database differs from the dump: 1 table and 1 definition not equal, compared in every value
        2> target: local local.db (default)
        exit 1
    "#]]);
    project
        .run("verify old.sql --counts --format json --quiet")
        .check(expect![[r#"
            $ seedbed verify old.sql --counts --format json --quiet
            {
              "schema_version": 1,
              "command": "verify",
              "mode": "local",
              "database": "local.db",
              "outcome": "differs",
              "exit_code": 1,
              "items": [],
              "problems": [
                {
                  "code": "definition-differs",
                  "severity": "error",
                  "file": null,
                  "line": null,
                  "column": null,
                  "message": "index by_name of line 6 is missing",
                  "notes": [],
                  "help": null
                }
              ],
              "level": "counts",
              "tables": [
                {
                  "in_database": 2,
                  "in_dump": 2,
                  "name": "team",
                  "rows": [],
                  "verdict": "equal",
                  "why": null
                }
              ]
            }
            exit 1
        "#]]);
}

#[test]
fn an_import_that_compares_everything() {
    let project = Project::new().file("old.sql", DUMP);
    project
        .run("import old.sql --verify full")
        .check(expect![[r#"
            $ seedbed import old.sql --verify full
            table  rows  bytes  took  verified
            team  2  69 B  [ms]  ✓

            imported old.sql: 2 rows of 1 table (213 B) in [ms]
            the database holds what the dump says: 1 table, compared in every value
            2> target: local local.db (default)
        "#]]);
    project
        .run("import - --verify full")
        .check(expect![[r#"
            $ seedbed import - --verify full
            2> error[reads-twice]: `--verify full` reads the dump a second time, and standard input flows by only once
            2>   |
            2>   = help: name a file, or take `--verify counts`
            exit 2
        "#]]);
}

#[test]
fn a_dump_or_a_database_that_is_not_there() {
    let project = imported();
    project.run("verify none.sql").check(expect![[r#"
        $ seedbed verify none.sql
        2> target: local local.db (default)
        2> error[cannot-open]: cannot open none.sql: No such file or directory (os error 2)
        exit 2
    "#]]);
    project
        .run("verify old.sql --database none.db")
        .check(expect![[r#"
            $ seedbed verify old.sql --database none.db
            2> target: local none.db (--database)
            2> error[no-database]: there is no database none.db
            2>   |
            2>   = help: name another one with `--database FILE`
            exit 2
        "#]]);
}

#[test]
fn which_rows_of_standard_input_differ_cannot_be_shown() {
    let project = imported();
    project.change(&["UPDATE team SET name = 'green' WHERE id = 2"]);
    let mut command = project.command("verify -");
    command.stdin(std::fs::File::open(project.path("old.sql")).unwrap());
    project
        .start(command, "verify -")
        .finish()
        .check(expect![[r#"
            $ seedbed verify -
            table  in the dump  in the database
            team             2                2  ✗ differs

            the rows that differ are not shown: the dump cannot be read a second time; name a file to see them

            the database differs from the dump: 1 table not equal, compared in every value
            2> target: local local.db (default)
            exit 1
        "#]]);
}
