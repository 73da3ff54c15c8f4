//! `PRAGMA ignore_check_constraints` in a migration: the rows that it lets in are looked at before they are committed.
//! Each specification gets a new and empty database.

use seedbed::history::Part;
use seedbed::migrations::Back;

use super::specification::{already, contains, refused};
use crate::world::World;

const AGES: (&str, &str) = (
    "V1__ages.sql",
    "CREATE TABLE t (id INTEGER PRIMARY KEY, age INT CHECK (age > 0)); INSERT INTO t VALUES (1, 10);
     CREATE TABLE log (id INTEGER PRIMARY KEY, age INT, CONSTRAINT adult CHECK (age >= 18)); CREATE TABLE gone (x);",
);

const IGNORE: &str = "PRAGMA ignore_check_constraints = ON;";

pub(crate) async fn rows_that_break_a_constraint_that_a_file_ignores_are_refused(world: World) {
    world.apply(&[AGES]).await.unwrap();
    for (text, words) in [
        (
            "INSERT INTO t VALUES (2, -1);",
            "CHECK constraint failed in t",
        ),
        ("UPDATE t SET age = -age;", "CHECK constraint failed in t"),
        // Off again before the end of the file.
        (
            "INSERT INTO t VALUES (2, -1), (3, -2); PRAGMA ignore_check_constraints = OFF;",
            "CHECK constraint failed in t, row 2\nCHECK constraint failed in t, row 3",
        ),
        // By a trigger, and under another name.
        (
            "CREATE TRIGGER tg AFTER UPDATE ON t BEGIN INSERT INTO log (age) VALUES (1); END;
             UPDATE t SET age = 11; ALTER TABLE log RENAME TO logs;",
            "CHECK constraint failed in logs",
        ),
        // In a table that is new, and with foreign keys off.
        (
            "CREATE TABLE n (x CHECK (x < 3)); INSERT INTO n VALUES (3); DROP TABLE gone;",
            "CHECK constraint failed in n",
        ),
    ] {
        let text = format!("{IGNORE} {text}");
        let (part, report) = refused(world.apply(&[AGES, ("V2__rows.sql", &text)]).await);
        assert_eq!(part, Part::OldRows, "{text}");
        contains(
            &report,
            &[
                "V2 writes rows that break a CHECK constraint",
                words,
                "V2__rows.sql",
                "without the PRAGMA",
            ],
        );
        assert_eq!(world.recorded().await, "V1");
    }
    assert_eq!(world.ask("SELECT age FROM t").await, "10");
}

pub(crate) async fn rows_that_break_a_constraint_are_refused_from_empty(world: World) {
    let text = format!("{IGNORE} INSERT INTO t VALUES (2, -1);");
    let (part, _) = refused(world.apply(&[AGES, ("V2__rows.sql", &text)]).await);
    assert_eq!(part, Part::OldRows);
    assert_eq!(world.recorded().await, "");
}

pub(crate) async fn rows_that_broke_a_constraint_before_are_no_obstacle(world: World) {
    world.apply(&[AGES]).await.unwrap();
    already(
        &world,
        &[
            IGNORE,
            "INSERT INTO t WITH RECURSIVE n (i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 150) SELECT i, -1 FROM n",
            "PRAGMA ignore_check_constraints = OFF",
        ],
    )
    .await;
    let second =
        "INSERT INTO t VALUES (2, 3); UPDATE t SET id = id + 1000; ALTER TABLE t RENAME TO person;
        CREATE TABLE t (x CHECK (x > 0)); INSERT INTO t VALUES (1);";
    let second = format!("{IGNORE} {second}");
    let second = ("V2__more.sql", second.as_str());
    world.apply(&[AGES, second]).await.unwrap();
    // One more than before.
    let third = format!("{IGNORE} INSERT INTO person VALUES (5000, -1);");
    let (part, report) = refused(world.apply(&[AGES, second, ("V3__rows.sql", &third)]).await);
    assert_eq!(part, Part::OldRows);
    contains(&report, &["CHECK constraint failed in person, row 5000"]);
    assert!(!report.contains("times"), "{report}");
}

pub(crate) async fn a_row_that_keeps_its_constraint_makes_no_room_for_another(world: World) {
    let more = (
        "V2__more.sql",
        "CREATE TABLE w (a INT, b TEXT, age INT CHECK (age > 0), PRIMARY KEY (a, b)) WITHOUT ROWID;
         CREATE TABLE plain (age INT CHECK (age > 0)); INSERT INTO plain VALUES (1);
         INSERT INTO w VALUES (1, 'x', 1);",
    );
    world.apply(&[AGES, more]).await.unwrap();
    already(
        &world,
        &[
            IGNORE,
            "INSERT INTO t VALUES (5, -1)",
            "INSERT INTO w VALUES (2, 'y', -1)",
            "INSERT INTO plain VALUES (-1)",
            "PRAGMA ignore_check_constraints = OFF",
        ],
    )
    .await;
    // A row that broke it before may have another value.
    let same = format!("{IGNORE} UPDATE t SET age = 4 - id; UPDATE w SET age = age * a;");
    let same = ("V3__same.sql", same.as_str());
    world.apply(&[AGES, more, same]).await.unwrap();
    for (text, words) in [
        (
            "UPDATE t SET age = 4 - 5 * (id = 1);",
            "CHECK constraint failed in t, row 1",
        ),
        (
            "DELETE FROM t WHERE id = 5; INSERT INTO t VALUES (7, -1);",
            "CHECK constraint failed in t, row 7",
        ),
        ("UPDATE w SET age = -age;", "CHECK constraint failed in w"),
        ("UPDATE plain SET age = -age;", "CHECK constraint failed in plain, row 1"),
        // A table that is made again is counted, and what was there is not.
        (
            "CREATE TABLE n (age INT CHECK (age > 0)); INSERT INTO n SELECT age FROM t; INSERT INTO n VALUES (-2), (-3);
             DROP TABLE t; ALTER TABLE n RENAME TO t;",
            "CHECK constraint failed in t (2 times)",
        ),
    ] {
        let text = format!("{IGNORE} {text}");
        let files = [AGES, more, same, ("V4__rows.sql", &text)];
        let (part, report) = refused(world.apply(&files).await);
        assert_eq!(part, Part::OldRows, "{text}");
        contains(&report, &[words]);
        assert_eq!(report.matches("failed in").count(), 1, "{report}");
    }
}

pub(crate) async fn a_file_that_ignores_constraints_and_breaks_none_is_applied(world: World) {
    let second =
        format!("{IGNORE} INSERT INTO t VALUES (2, -1); UPDATE t SET age = 1 WHERE id = 2;");
    let down = format!("{IGNORE} UPDATE t SET age = -1 WHERE id = 2;");
    let files = [
        AGES,
        ("V2__rows.sql", second.as_str()),
        ("V2__rows.down.sql", down.as_str()),
    ];
    world.apply(&files).await.unwrap();
    // The next file heeds them, and so does what undoes one.
    let third = ("V3__rows.sql", "INSERT INTO t VALUES (3, -1);");
    let (part, _) = refused(world.apply(&[files[0], files[1], files[2], third]).await);
    assert!(matches!(part, Part::Step(_)), "{part:?}");
    let (part, report) = refused(world.undo(Back::Steps(1)).await);
    assert_eq!(part, Part::OldRows);
    contains(
        &report,
        &["undoing V2 writes rows that break a CHECK constraint"],
    );
}

pub(crate) async fn a_file_without_a_transaction_that_breaks_a_constraint_is_reported(
    world: World,
) {
    world.apply(&[AGES]).await.unwrap();
    let second = format!("-- seedbed: no-transaction\n{IGNORE} INSERT INTO t VALUES (2, -1);");
    let (part, report) = refused(world.apply(&[AGES, ("V2__rows.sql", &second)]).await);
    assert_eq!(part, Part::OldRows);
    contains(
        &report,
        &[
            "V2 writes rows that break a CHECK constraint",
            "CHECK constraint failed in t",
            "statements have happened",
            "correct these rows in the database",
            "`repair 2 --applied`",
        ],
    );
}
