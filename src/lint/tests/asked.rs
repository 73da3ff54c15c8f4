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
    // Texts that read as numbers stay texts, and Seedbed refuses the file.
    let to_number = "ALTER TABLE t ALTER COLUMN b TO b INTEGER;";
    for text in ["7", "007", "7.0", "-1e3", " 7 "] {
        let rows = format!("INSERT INTO t (b) VALUES ('{text}');");
        let (with, without) = with_and_without(&rows, to_number).await;
        assert!(with.contains(&"DD209"), "{text}: {with:?}");
        assert!(!without.contains(&"DD209"), "{without:?}");
    }
    let rows = "INSERT INTO t (b) VALUES ('seven'), (NULL), ('');";
    let (with, _) = with_and_without(rows, to_number).await;
    assert!(!with.contains(&"DD209"), "{with:?}");
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

/// What is found in files behind the base, of one run or each of its own.
async fn in_files(files: &[&str], runs: Runs) -> Vec<&'static str> {
    let base = "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT);";
    let all = std::iter::once(&base).chain(files).enumerate();
    let all =
        all.map(|(number, text)| (format!("V{}__x.sql", number + 1), text.as_bytes().to_vec()));
    let options = Options {
        runner: Some(Runner::Seedbed),
        target: Target::Local,
        levels: &Levels::new(),
        runs,
        placement: Placement::BehindOthers,
        queries: &[],
        seeds: &[],
    };
    let set = Migrations::from_files(all);
    let is_new = |it: &Migration| it.key != Key::Migration(1);
    let linted = lint(&set, &is_new, &options, None).await.unwrap();
    codes(&linted.findings)
        .into_iter()
        .filter(|it| *it == "DD203")
        .collect()
}

#[tokio::test]
async fn a_unique_index_on_a_column_that_has_one_value_in_all_rows_is_found_without_a_database() {
    const INDEX: &str = "CREATE UNIQUE INDEX u ON t (c);";
    for (found, file) in [
        (1, "ALTER TABLE t ADD COLUMN c TEXT DEFAULT 'x';"),
        (
            1,
            "ALTER TABLE t ADD COLUMN c INTEGER NOT NULL DEFAULT 0; UPDATE t SET b = a;",
        ),
        (
            1,
            "ALTER TABLE t ADD COLUMN c TEXT; UPDATE t SET b = 'y', c = 'x';",
        ),
        (
            1,
            "ALTER TABLE t ADD COLUMN c TEXT DEFAULT 'x'; INSERT INTO t (c) VALUES ('y');",
        ),
        (0, "ALTER TABLE t ADD COLUMN c TEXT;"),
        (0, "ALTER TABLE t ADD COLUMN c TEXT DEFAULT NULL;"),
        (
            0,
            "ALTER TABLE t ADD COLUMN c TEXT DEFAULT 'x'; UPDATE t SET c = id;",
        ),
        (
            0,
            "ALTER TABLE t ADD COLUMN c TEXT DEFAULT 'x'; UPDATE t SET c = NULL;",
        ),
        (
            0,
            "ALTER TABLE t ADD COLUMN c TEXT DEFAULT 'x'; UPDATE t SET c = 'y' || id;",
        ),
        (
            0,
            "ALTER TABLE t ADD COLUMN c TEXT DEFAULT 'x'; UPDATE t SET c = id WHERE id > 1;",
        ),
        (
            0,
            "ALTER TABLE t ADD COLUMN c TEXT; UPDATE t SET c = 'x' WHERE id = 1;",
        ),
        (
            0,
            "DELETE FROM t; ALTER TABLE t ADD COLUMN c TEXT DEFAULT 'x';",
        ),
        (
            0,
            "ALTER TABLE t ADD COLUMN c TEXT DEFAULT 'x'; DELETE FROM t WHERE id > 1;",
        ),
        (
            0,
            "CREATE TABLE n (c TEXT); DROP TABLE t; ALTER TABLE n RENAME TO t;",
        ),
        (
            0,
            "ALTER TABLE t ADD COLUMN c TEXT DEFAULT 'x'; \
             CREATE TRIGGER g AFTER UPDATE OF b ON t BEGIN UPDATE t SET c = new.id WHERE id = new.id; END; \
             UPDATE t SET b = a;",
        ),
    ] {
        let file = format!("{file} {INDEX}");
        let codes = in_files(&[&file], Runs::Together).await;
        assert_eq!(codes.len(), found, "{file}");
    }
    let add = "ALTER TABLE t ADD COLUMN c TEXT DEFAULT 'x';";
    for (found, index) in [
        (1, "CREATE UNIQUE INDEX u ON t (c COLLATE NOCASE DESC);"),
        (0, "CREATE UNIQUE INDEX u ON t (c, id);"),
        (0, "CREATE UNIQUE INDEX u ON t (c) WHERE a IS NOT NULL;"),
        (0, "CREATE INDEX u ON t (c);"),
        (0, "CREATE UNIQUE INDEX u ON t (lower(c));"),
    ] {
        let codes = in_files(&[&format!("{add} {index}")], Runs::Together).await;
        assert_eq!(codes.len(), found, "{index}");
    }
    // In another file of the run, and in another run, whose rows may be others by then.
    assert_eq!(in_files(&[add, INDEX], Runs::Together).await.len(), 1);
    assert_eq!(in_files(&[add, INDEX], Runs::EachFile).await.len(), 0);
    let update = "UPDATE t SET a = 'x';";
    let index = "CREATE UNIQUE INDEX u ON t (a);";
    assert_eq!(in_files(&[update, index], Runs::Together).await.len(), 1);
    assert_eq!(in_files(&[update, index], Runs::EachFile).await.len(), 0);
    assert_eq!(
        in_files(&[add, "UPDATE t SET c = id;", INDEX], Runs::Together)
            .await
            .len(),
        0
    );
}

#[tokio::test]
async fn a_database_tells_whether_a_table_has_two_rows() {
    let file = "ALTER TABLE t ADD COLUMN c TEXT DEFAULT 'x'; CREATE UNIQUE INDEX u ON t (c);";
    let (with, without) = with_and_without("INSERT INTO t (a) VALUES ('p');", file).await;
    assert!(
        !with.contains(&"DD203") && without.contains(&"DD203"),
        "{with:?} {without:?}"
    );
    let (with, _) = with_and_without("INSERT INTO t (a) VALUES ('p'), ('q');", file).await;
    assert!(with.contains(&"DD203"), "{with:?}");
}
