//! The harm that rules are about, on the real engine.

use crate::db::{Query, Transaction};
use crate::schema::tests::{database, run};
use crate::script::{Atomicity, ForeignKeys, Step};
use crate::sql::split;
use std::sync::Arc;

const BASE: &str = "CREATE TABLE p (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, code TEXT);
CREATE TABLE c (id INTEGER PRIMARY KEY, p_id INTEGER REFERENCES p (id) ON DELETE CASCADE);
INSERT INTO p (id, name, code) VALUES (1, 'x', '007'), (2, 'x', NULL);
INSERT INTO c (id, p_id) VALUES (1, 1), (2, 2);";

/// What the engine says of statements, with foreign keys on, in one transaction.
async fn refused(sql: &str) -> String {
    let db = database(BASE).await;
    let statements = split(sql).unwrap();
    let steps: Vec<Step> = statements
        .iter()
        .map(|it| Step::own(it.text(sql), vec![]))
        .collect();
    let transaction = Transaction {
        foreign_keys: ForeignKeys::On,
        atomicity: Atomicity::Transaction,
        steps: steps.into(),
    };
    match db.run(vec![transaction], Arc::new(|_| {})).await {
        Ok(_) => String::new(),
        Err(error) => format!("{error:?}"),
    }
}

/// A count after statements, with foreign keys on.
async fn count(sql: &str, counted: &str) -> Option<i64> {
    let db = database(BASE).await;
    run(&db, sql).await;
    let rows = db.rows::<1>(Query::new(counted)).await.unwrap();
    rows[0][0].as_i64()
}

#[tokio::test]
async fn what_an_empty_table_takes_is_refused_where_there_are_rows() {
    for (code, sql, words) in [
        (
            "DD201",
            "ALTER TABLE c ADD COLUMN d TEXT NOT NULL",
            "NOT NULL column with default value NULL",
        ),
        (
            "DD202",
            "ALTER TABLE c ADD COLUMN d TEXT DEFAULT CURRENT_TIMESTAMP",
            "non-constant default",
        ),
        (
            "DD202",
            "ALTER TABLE c ADD COLUMN d TEXT DEFAULT (datetime('now'))",
            "non-constant default",
        ),
        (
            "DD203",
            "CREATE UNIQUE INDEX u ON p (name)",
            "UNIQUE constraint failed",
        ),
        (
            "DD204",
            "CREATE TABLE n (id INTEGER PRIMARY KEY, code TEXT NOT NULL); INSERT INTO n SELECT id, code FROM p",
            "NOT NULL constraint failed",
        ),
        (
            "DD205",
            "ALTER TABLE c ADD COLUMN d TEXT DEFAULT '' CHECK (d <> '')",
            "CHECK constraint failed",
        ),
        (
            "DD206",
            "ALTER TABLE p ADD COLUMN d INTEGER DEFAULT 1 REFERENCES p (id)",
            "REFERENCES column with non-NULL default",
        ),
        (
            "DD207",
            "ALTER TABLE c ADD COLUMN d TEXT AS (id) STORED",
            "STORED column",
        ),
        (
            "DD208",
            "ALTER TABLE c ADD COLUMN d TEXT UNIQUE",
            "UNIQUE column",
        ),
        (
            "DD208",
            "ALTER TABLE c ADD COLUMN d INTEGER PRIMARY KEY",
            "PRIMARY KEY column",
        ),
        ("TX502", "VACUUM", "VACUUM"),
        (
            "DP404",
            "CREATE TABLE d (code TEXT REFERENCES p (code)); INSERT INTO d VALUES ('007')",
            "foreign key mismatch",
        ),
    ] {
        let said = refused(sql).await;
        assert!(said.contains(words), "{code}: {said}");
    }
    // What a constant is to the engine.
    for sql in [
        "ALTER TABLE c ADD COLUMN d INTEGER DEFAULT (-1)",
        "ALTER TABLE c ADD COLUMN d INTEGER DEFAULT TRUE",
        "ALTER TABLE c ADD COLUMN d TEXT DEFAULT ('x')",
    ] {
        assert_eq!(refused(sql).await, "");
    }
}

#[tokio::test]
async fn dropping_a_table_takes_the_rows_that_refer_to_it_whatever_is_deferred() {
    let rebuild = "CREATE TABLE n (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO n SELECT id, name FROM p; DROP TABLE p; ALTER TABLE n RENAME TO p";
    for pragma in [
        "",
        "PRAGMA foreign_keys = OFF;",
        "PRAGMA defer_foreign_keys = ON;",
    ] {
        let sql = format!("BEGIN; {pragma} {rebuild}; COMMIT");
        assert_eq!(
            count(&sql, "SELECT count(*) FROM c").await,
            Some(0),
            "{pragma}"
        );
    }
}

#[tokio::test]
async fn a_table_that_refers_to_itself_loses_rows_of_its_copy() {
    let make = "CREATE TABLE t (id INTEGER PRIMARY KEY, up INTEGER REFERENCES t (id) ON DELETE CASCADE); INSERT INTO t VALUES (1, NULL), (2, 1);";
    let rebuild = "CREATE TABLE n (id INTEGER PRIMARY KEY, up INTEGER REFERENCES t (id) ON DELETE CASCADE); INSERT INTO n SELECT * FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t";
    assert_eq!(
        count(&format!("{make}{rebuild}"), "SELECT count(*) FROM t").await,
        Some(1)
    );
}

#[tokio::test]
async fn ids_are_given_out_again_and_values_change_type() {
    let rebuild = "DELETE FROM p WHERE id = 2; CREATE TABLE n (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, code INTEGER); INSERT INTO n SELECT id, name, code FROM p; DROP TABLE p; ALTER TABLE n RENAME TO p; INSERT INTO p (name) VALUES ('new')";
    assert_eq!(count(rebuild, "SELECT max(id) FROM p").await, Some(2));
    assert_eq!(
        count(rebuild, "SELECT code FROM p WHERE id = 1").await,
        Some(7)
    );
}

#[tokio::test]
async fn foreign_keys_follow_a_table_that_is_renamed_away() {
    let sql = "ALTER TABLE p RENAME TO o; CREATE TABLE p (id INTEGER PRIMARY KEY)";
    let parent = "SELECT \"table\" = 'o' FROM pragma_foreign_key_list('c')";
    assert_eq!(count(sql, parent).await, Some(1));
}

#[tokio::test]
async fn an_int_primary_key_takes_null_twice_and_a_string_column_makes_numbers() {
    let sql = "CREATE TABLE i (id INT PRIMARY KEY, s STRING); INSERT INTO i VALUES (NULL, '007'), (NULL, 'x')";
    assert_eq!(
        count(sql, "SELECT count(*) FROM i WHERE id IS NULL").await,
        Some(2)
    );
    assert_eq!(
        count(sql, "SELECT s FROM i WHERE typeof(s) = 'integer'").await,
        Some(7)
    );
}

#[tokio::test]
async fn a_replaced_row_takes_its_children_along_and_a_search_index_finds_another_row() {
    let replace = "INSERT OR REPLACE INTO p (id, name) VALUES (1, 'new')";
    assert_eq!(count(replace, "SELECT count(*) FROM c").await, Some(1));
    let make = "CREATE TABLE t (k TEXT PRIMARY KEY, a TEXT); INSERT INTO t VALUES ('a', 'alpha'), ('b', 'beta'), ('c', 'gamma'); DELETE FROM t WHERE k = 'a'; CREATE VIRTUAL TABLE f USING fts5(a, content='t'); INSERT INTO f (f) VALUES ('rebuild');";
    let rebuild = "CREATE TABLE n (k TEXT PRIMARY KEY, a TEXT); INSERT INTO n (k, a) SELECT k, a FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t";
    let found = "SELECT a = 'gamma' FROM f WHERE f MATCH 'beta'";
    assert_eq!(count(&format!("{make}{rebuild}"), found).await, Some(1));
}

#[tokio::test]
async fn a_view_that_is_left_broken_keeps_other_tables_from_being_renamed() {
    let db = database(
        "CREATE TABLE t (a); CREATE VIEW v AS SELECT a FROM t; CREATE TABLE u (a); DROP TABLE t;",
    )
    .await;
    let rename = Transaction {
        foreign_keys: ForeignKeys::On,
        atomicity: Atomicity::Transaction,
        steps: vec![Step::own("ALTER TABLE u RENAME TO w", vec![])].into(),
    };
    let said = format!("{:?}", db.run(vec![rename], Arc::new(|_| {})).await);
    assert!(said.contains("error in view v"), "{said}");
}
