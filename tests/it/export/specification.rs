//! What an export and a stream promise.

use std::ops::ControlFlow;

use expect_test::expect_file;
use seedbed::db::{DbError, Query, StreamedRow};
use seedbed::sql::ValueRef;

use super::{change, dumped};
use crate::world::World;

const SHOP: &[&str] = &[
    "CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, \"order\" REAL, n NUMERIC, b)",
    "CREATE INDEX by_name ON users (lower(name)) WHERE name IS NOT NULL",
    "INSERT INTO users VALUES (1, 'it''s' || char(10) || '🌱', 1.0, 1.5, x'00ff')",
    "INSERT INTO users VALUES (2, CAST(x'610062' AS TEXT), -9e999, 9e999, -9e999)",
    "INSERT INTO users VALUES (9223372036854775806, 'a' || char(13, 10), NULL, -9e999, x'')",
    "INSERT INTO users VALUES (-5, '', 5e-324, -9223372036854775808, 1e300)",
    "CREATE TABLE tags (a, b TEXT COLLATE NOCASE, c AS (a || b), PRIMARY KEY (b DESC)) WITHOUT ROWID",
    "INSERT INTO tags (a, b) VALUES (1.0, 'a'), (0.1, 'B'), (-1e16, 'c')",
    "CREATE TABLE \"odd \"\"name\" (rowid, \"select\", \"x'y\" TEXT)",
    "INSERT INTO \"odd \"\"name\" VALUES (7, 8, '9'), (1, 2, '3')",
    "DELETE FROM \"odd \"\"name\" WHERE \"select\" = 8",
    "CREATE TABLE hard (i INTEGER, a ANY) STRICT",
    "INSERT INTO hard VALUES (1, 1.0), (2, '007'), (3, 9e999)",
    "CREATE VIEW v AS SELECT name FROM users",
    "CREATE TRIGGER t INSTEAD OF INSERT ON v BEGIN INSERT INTO users (name) VALUES (new.name); END",
    "CREATE VIRTUAL TABLE docs USING fts5 (body)",
    "PRAGMA user_version = 7",
];

pub(crate) async fn the_same_content_gives_the_same_text(world: World) {
    change(&world.db, SHOP.iter().copied()).await;
    let dump = String::from_utf8(dumped(&world.db).await).unwrap();
    expect_file!["shop.sql"].assert_eq(&dump);
}

pub(crate) async fn a_database_without_tables_is_an_empty_dump(world: World) {
    let dump = dumped(&world.db).await;
    assert_eq!(
        String::from_utf8(dump).unwrap(),
        "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCOMMIT;\n"
    );
}

pub(crate) async fn large_values_and_many_rows_come_whole(world: World) {
    change(
        &world.db,
        [
            "CREATE TABLE t (id INTEGER PRIMARY KEY, v)",
            "INSERT INTO t VALUES (1, randomblob(4900000))",
            "INSERT INTO t VALUES (2, hex(randomblob(2400000)))",
            "WITH RECURSIVE n (i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
             INSERT INTO t SELECT i, hex(i) FROM n",
        ],
    )
    .await;
    let lengths = world
        .ask("SELECT sum(CASE typeof(v) WHEN 'blob' THEN 3 + 2 * length(v) ELSE 2 + length(v) END + length(id)) FROM t")
        .await;
    let rest = 5000 * "INSERT INTO t VALUES(,);\n".len()
        + "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE t (id INTEGER PRIMARY KEY, v);\nCOMMIT;\n"
            .len();
    let dump = dumped(&world.db).await;
    assert_eq!(dump.len(), lengths.parse::<usize>().unwrap() + rest);
    let line = |row: &str| format!("\nINSERT INTO t VALUES({row});\n");
    let text = String::from_utf8(dump).unwrap();
    assert!(text.ends_with(&(line("5000,'35303030'") + "COMMIT;\n")));
}

/// All rows of some queries, in words.
async fn rows(world: &World, queries: &[&str], most: usize) -> Result<Vec<String>, DbError> {
    let queries = queries.iter().map(|sql| Query::new(*sql)).collect();
    let (send, receive) = std::sync::mpsc::channel();
    let mut left = most;
    let sink = move |query: usize, row: StreamedRow<'_>| {
        let values = (0..row.width()).map(|at| match row.value(at) {
            ValueRef::Text(text) => format!("{:?}", String::from_utf8_lossy(text)),
            other => format!("{other:?}"),
        });
        let _ = send.send(format!("{query}: {}", values.collect::<Vec<_>>().join(" ")));
        left -= 1;
        match left {
            0 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    };
    world.db.stream(queries, sink).await.map(drop)?;
    Ok(receive.try_iter().collect())
}

pub(crate) async fn rows_of_several_queries_come_in_order(world: World) {
    let found = rows(
        &world,
        &[
            "SELECT 1, 'a' || char(0) || 'b', NULL UNION ALL SELECT 2, x'00', 0.1",
            "SELECT 1 WHERE 0",
            "SELECT count(*) FROM sqlite_schema",
        ],
        100,
    );
    assert_eq!(
        found.await.unwrap(),
        [
            "0: Integer(1) \"a\\0b\" Null",
            "0: Integer(2) Blob([0]) Real(0.1)",
            "2: Integer(0)"
        ]
    );
    assert!(rows(&world, &[], 1).await.unwrap().is_empty());
}

/// More rows than anybody waits for.
const ENDLESS: &str =
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";

pub(crate) async fn a_stream_ends_where_it_is_broken_off(world: World) {
    let found = rows(&world, &[ENDLESS, "SELECT 2"], 3).await.unwrap();
    assert_eq!(found, ["0: Integer(1)", "0: Integer(2)", "0: Integer(3)"]);
    // The database can be used as before.
    change(&world.db, ["CREATE TABLE t (x)"]).await;
}

pub(crate) async fn a_query_that_fails_fails_the_stream(world: World) {
    let error = rows(
        &world,
        &["SELECT 1", "SELECT * FROM nowhere", "SELECT 3"],
        9,
    )
    .await;
    let error = error.unwrap_err();
    let DbError::Read(error) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(error.message, "no such table: nowhere");
}

pub(crate) async fn a_stream_is_of_one_state(world: World) {
    change(
        &world.db,
        ["CREATE TABLE t (x)", "INSERT INTO t VALUES (1)"],
    )
    .await;
    // In memory there is one connection, and what changes it waits.
    let (db, mut told) = (world.db.clone(), false);
    let (send, receive) = std::sync::mpsc::channel();
    let runtime = tokio::runtime::Handle::current();
    let sink = move |query: usize, row: StreamedRow<'_>| {
        if !std::mem::replace(&mut told, true) {
            let db = db.clone();
            runtime.spawn(async move {
                let sql = vec![seedbed::script::Step::own(
                    "INSERT INTO t VALUES (2)",
                    vec![],
                )];
                let transaction = seedbed::db::Transaction {
                    foreign_keys: seedbed::script::ForeignKeys::On,
                    atomicity: seedbed::script::Atomicity::Transaction,
                    steps: sql.into(),
                };
                let _ = db.run(vec![transaction], std::sync::Arc::new(|_| {})).await;
            });
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        let _ = send.send((query, format!("{:?}", row.value(0))));
        ControlFlow::Continue(())
    };
    let count = || Query::new("SELECT count(*) FROM t");
    let sink = world.db.stream(vec![count(), count()], sink).await.unwrap();
    drop(sink);
    let found: Vec<_> = receive.try_iter().collect();
    let one = "Integer(1)".to_owned();
    assert_eq!(found, [(0, one.clone()), (1, one)]);
}

pub(crate) async fn reading_ends_when_it_is_told_to(world: World) {
    // Counted for ever, and no row to break off at.
    let endless = format!("SELECT count(*) FROM ({ENDLESS})");
    let late = std::time::Duration::from_millis(200);
    let queries = vec![Query::new(endless)];
    let sink = |_: usize, _: StreamedRow<'_>| ControlFlow::Continue(());
    let stopped = tokio::time::timeout(late, world.db.stream(queries, sink)).await;
    assert!(stopped.is_err());
    // The thread whose result is no longer awaited has ended, and in memory releases the connection.
    change(&world.db, ["CREATE TABLE t (x)"]).await;
}
