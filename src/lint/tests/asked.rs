//! Rules that a database decides.

use super::*;
use crate::schema::tests::{database, run};

const BASE: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT, up INTEGER);";

/// The codes with rows in the database, and without a database.
async fn with_and_without(rows: &str, file: &str) -> (Vec<&'static str>, Vec<&'static str>) {
    let db = database(&format!("{BASE} {rows}")).await;
    let levels = Levels::new();
    let with = findings_with(BASE, file, SEEDBED, &levels, Some(&db)).await;
    let without = findings_with(BASE, file, SEEDBED, &levels, None).await;
    (codes(&with), codes(&without))
}

#[tokio::test]
async fn rules_about_rows_are_asked_of_a_database_and_silent_without_one() {
    const REBUILD: &str = "INSERT INTO n (id, a, b, up) SELECT id, a, b, up FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t;";
    let rebuild =
        |columns: &str| format!("CREATE TABLE n (id INTEGER PRIMARY KEY, {columns}); {REBUILD}");
    let bad = "INSERT INTO t (a, b) VALUES ('x', '007'), ('x', NULL);";
    let good = "INSERT INTO t (a, b) VALUES ('x', '7'), ('y', '8');";
    for (code, file) in [
        ("DD203", "CREATE UNIQUE INDEX t_a ON t (a);".to_owned()),
        ("DD204", rebuild("a TEXT, b TEXT NOT NULL, up INTEGER")),
        ("RB305", rebuild("a TEXT, b INTEGER, up INTEGER")),
        (
            "DD209",
            "ALTER TABLE t ALTER COLUMN b TO b TEXT NOT NULL;".to_owned(),
        ),
    ] {
        let (with, without) = with_and_without(bad, &file).await;
        assert!(with.contains(&code), "{code}: {with:?}");
        assert!(!without.contains(&code), "{code}: {without:?}");
        let (with, _) = with_and_without(good, &file).await;
        assert!(!with.contains(&code), "{code}: {with:?}");
    }
    // A copy that leaves out such rows does not fail.
    let ignores = rebuild("a TEXT, b TEXT NOT NULL, up INTEGER");
    let ignores = ignores.replace("INSERT INTO", "INSERT OR IGNORE INTO");
    let (with, _) = with_and_without(bad, &ignores).await;
    assert!(with.contains(&"RB314"), "{with:?}");
    assert!(!with.contains(&"DD204"), "{with:?}");
    // A file that corrects the rows itself is fine.
    let corrected = "UPDATE t SET a = id; CREATE UNIQUE INDEX t_a ON t (a);";
    assert!(with_and_without(bad, corrected).await.0.is_empty());
    let check = "ALTER TABLE t ADD COLUMN d TEXT DEFAULT '' CHECK (d <> '');";
    assert!(with_and_without(good, check).await.0.contains(&"DD205"));
    assert!(!with_and_without("", check).await.0.contains(&"DD205"));
}

#[tokio::test]
async fn work_on_very_many_rows_is_found_where_the_target_is_a_server() {
    const ROWS: &str = "INSERT INTO t (a) WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 500001) SELECT 'x' FROM n;";
    let db = database(&format!("{BASE} {ROWS}")).await;
    let of = async |file: &str, target| {
        let found = findings_with(BASE, file, on(target), &Levels::new(), Some(&db)).await;
        codes(&found).contains(&"TX505")
    };
    let update = "UPDATE t SET b = 'y';";
    assert!(of(update, Target::Libsql).await);
    assert!(of("CREATE INDEX t_a ON t (a);", Target::Libsql).await);
    assert!(!of(update, Target::Local).await);
    assert!(!of("UPDATE t SET b = 'y' WHERE id < 1000;", Target::Libsql).await);
    run(&db, "DELETE FROM t WHERE id = 1").await;
    assert!(!of(update, Target::Libsql).await);
}
