//! Harms in forms that the examples of `docs/lint.md` do not have, on the real engine.

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
            "DD203",
            "ALTER TABLE c ADD COLUMN d TEXT DEFAULT 'x'; CREATE UNIQUE INDEX u ON c (d)",
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
