//! What a file does never depends on how files are grouped: all in one transaction, one transaction for each, or one run
//! for each.

use seedbed::migrations::{CheckOptions, Grouping, PlanOptions, check};

use crate::world::{World, ask, set};

type Files = &'static [(&'static str, &'static str)];

/// A folder whose first file leaves something on its connection that the second would notice, and a query for the rows.
struct Folder {
    files: Files,
    rows: &'static str,
    /// What the second file has to leave.
    expect: &'static str,
}

const OF_A_FILE: &[Folder] = &[
    Folder {
        files: &[
            (
                "V1__a.sql",
                "CREATE TABLE a (x); CREATE VIEW v AS SELECT x FROM a; PRAGMA legacy_alter_table = ON;",
            ),
            ("V2__b.sql", "ALTER TABLE a RENAME TO b;"),
        ],
        rows: "SELECT sql FROM sqlite_schema WHERE name = 'v'",
        expect: "CREATE VIEW v AS SELECT x FROM \"b\"",
    },
    Folder {
        files: &[
            (
                "V1__a.sql",
                "CREATE TABLE a (x CHECK (x > 0)); PRAGMA ignore_check_constraints(1);",
            ),
            ("V2__b.sql", "INSERT OR IGNORE INTO a VALUES (-1), (1);"),
        ],
        rows: "SELECT x FROM a",
        expect: "1",
    },
    Folder {
        files: &[
            (
                "V1__a.sql",
                "CREATE TABLE a (x); PRAGMA recursive_triggers = yes; CREATE TRIGGER r AFTER INSERT ON a WHEN new.x < 4 \
                 BEGIN INSERT INTO a VALUES (new.x + 1); END;",
            ),
            ("V2__b.sql", "INSERT INTO a VALUES (1);"),
        ],
        rows: "SELECT count(*) FROM a",
        expect: "2",
    },
    Folder {
        files: &[
            (
                "V1__a.sql",
                "CREATE TABLE a (x); PRAGMA case_sensitive_like = ON;",
            ),
            ("V2__b.sql", "INSERT INTO a SELECT 'A' LIKE 'a';"),
        ],
        rows: "SELECT x FROM a",
        expect: "1",
    },
    Folder {
        files: &[
            (
                "V1__a.sql",
                "CREATE TABLE a (x); INSERT INTO a VALUES (1), (2); PRAGMA reverse_unordered_selects = ON;",
            ),
            ("V2__b.sql", "CREATE TABLE b AS SELECT x FROM a;"),
        ],
        rows: "SELECT group_concat(x) FROM (SELECT x FROM b ORDER BY rowid)",
        expect: "1,2",
    },
    Folder {
        files: &[
            (
                "V1__a.sql",
                "CREATE TABLE a (x); PRAGMA full_column_names = ON; PRAGMA short_column_names = OFF;",
            ),
            ("V2__b.sql", "CREATE TABLE b AS SELECT a.x FROM a;"),
        ],
        rows: "SELECT name FROM pragma_table_info('b')",
        expect: "x",
    },
    Folder {
        files: &[
            (
                "V1__a.sql",
                "CREATE TABLE a (x); CREATE TEMP TABLE t (x); INSERT INTO t VALUES (1);",
            ),
            (
                "V2__b.sql",
                "PRAGMA temp_store = MEMORY; INSERT INTO a VALUES (1);",
            ),
        ],
        rows: "SELECT x FROM a",
        expect: "1",
    },
    Folder {
        files: &[
            ("V1__a.sql", "CREATE TABLE a (x); PRAGMA query_only = ON;"),
            ("V2__b.sql", "INSERT INTO a VALUES (1);"),
        ],
        rows: "SELECT x FROM a",
        expect: "1",
    },
    Folder {
        files: &[
            ("V1__a.sql", "CREATE TABLE a (x); CREATE TEMP TABLE a (x);"),
            ("V2__b.sql", "INSERT INTO a VALUES (1);"),
        ],
        rows: "SELECT x FROM a",
        expect: "1",
    },
    Folder {
        files: &[
            (
                "V1__a.sql",
                "CREATE TABLE a (x); CREATE TABLE temp.a (x); PRAGMA legacy_alter_table = ON;",
            ),
            ("V2__b.sql", "ALTER TABLE a ADD y;"),
        ],
        rows: "SELECT count(*) FROM pragma_table_info('a')",
        expect: "2",
    },
];

/// The state of the database file is not the connection's.
const OF_THE_DATABASE: &[Folder] = &[Folder {
    files: &[
        ("V1__a.sql", "CREATE TABLE a (x); PRAGMA user_version = 7;"),
        (
            "V2__b.sql",
            "INSERT INTO a SELECT user_version FROM pragma_user_version;",
        ),
    ],
    rows: "SELECT x FROM a",
    expect: "7",
}];

async fn together(world: &World, files: Files, grouping: Grouping) -> Result<(), String> {
    let options = PlanOptions::default().grouping(grouping);
    let outcome = world.apply_with(files, options).await;
    outcome.map(|_| ()).map_err(|error| error.to_string())
}

async fn one_by_one(world: &World, files: Files) -> Result<(), String> {
    for last in 1..=files.len() {
        let outcome = world.apply(&files[..last]).await;
        outcome.map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Schema and rows.
async fn state(world: &World, rows: &str) -> String {
    let schema = "SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema WHERE name <> '_migrations' \
                  AND tbl_name <> '_migrations' ORDER BY type, name";
    format!("{}\n{}", world.ask(schema).await, world.ask(rows).await)
}

async fn is_the_same_however_grouped(folder: &Folder, world: impl AsyncFn() -> World) {
    let name = folder.files[0].1;
    let mut states = Vec::new();
    for way in 0..3 {
        let world = world().await;
        let outcome = match way {
            0 => together(&world, folder.files, Grouping::All).await,
            1 => together(&world, folder.files, Grouping::Each).await,
            _ => one_by_one(&world, folder.files).await,
        };
        assert_eq!(outcome, Ok(()), "{name}");
        assert_eq!(world.ask(folder.rows).await, folder.expect, "{name}");
        states.push(state(&world, folder.rows).await);
    }
    assert_eq!(states[0], states[1], "{name}");
    assert_eq!(states[0], states[2], "{name}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_connection_remembers_ends_with_the_file() {
    for folder in OF_A_FILE.iter().chain(OF_THE_DATABASE) {
        is_the_same_however_grouped(folder, World::local).await;
        is_the_same_however_grouped(folder, World::memory).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_database_keeps_is_there_for_the_next_file() {
    for folder in OF_THE_DATABASE {
        is_the_same_however_grouped(folder, World::remote).await;
        is_the_same_however_grouped(folder, World::replica).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_forgets_what_a_migrate_forgets() {
    for folder in OF_A_FILE.iter().chain(OF_THE_DATABASE) {
        let checked = check(&set(folder.files), &CheckOptions::default())
            .await
            .unwrap();
        let errors = checked.problems.iter().filter(|it| it.is_error());
        assert_eq!(errors.count(), 0, "{}", folder.files[0].1);
        let db = checked.database.unwrap();
        assert_eq!(ask(&db, folder.rows).await, folder.expect);
    }
}
