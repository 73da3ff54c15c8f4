//! Both replication protocols, proven by the client crate's own replica.

use crate::client::{run, value};
use crate::target::Target;
use libsql::{Builder, Database};
use seedbed_test_server::{Access, Auth, Options, Replication, Server};
use std::net::SocketAddr;
use std::path::Path;

/// What is there to begin with.
const TABLE: [&str; 2] = ["CREATE TABLE t(a)", "INSERT INTO t VALUES (1), (2)"];

fn server(replication: Replication) -> Server {
    Server::start(Options {
        replication,
        ..Options::default()
    })
    .unwrap()
}

async fn replica(address: SocketAddr, file: &Path, token: &str) -> libsql::Result<Database> {
    Builder::new_remote_replica(file, format!("http://{address}"), token.to_owned())
        .connector(hyper::client::HttpConnector::new())
        .build()
        .await
}

async fn one(database: &Database, sql: &str) -> String {
    let connection = database.connect().unwrap();
    let mut rows = connection.query(sql, ()).await.unwrap();
    let row = rows.next().await.unwrap().unwrap();
    match row.get_value(0).unwrap() {
        libsql::Value::Integer(value) => value.to_string(),
        libsql::Value::Text(value) => value,
        other => format!("{other:?}"),
    }
}

/// What a replica is for: created, synced, read, behind, synced again, written through.
async fn life_of_a_replica(address: SocketAddr) {
    run(address, &TABLE);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("replica.db");
    let database = replica(address, &file, "").await.unwrap();
    database.sync().await.unwrap();
    assert_eq!(one(&database, "SELECT sum(a) FROM t").await, "3");

    // Enough for several answers, in one transaction, and one that grows a table that is there.
    let many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
                INSERT INTO u SELECT zeroblob(3000) FROM n";
    run(
        address,
        &[
            "CREATE TABLE u(b)",
            many,
            "INSERT INTO t VALUES (4)",
            "BEGIN",
            "INSERT INTO t VALUES (99)",
            "ROLLBACK",
        ],
    );
    assert_eq!(one(&database, "SELECT sum(a) FROM t").await, "3");
    database.sync().await.unwrap();
    assert_eq!(one(&database, "SELECT sum(a) FROM t").await, "7");
    assert_eq!(one(&database, "SELECT count(*) FROM u").await, "1500");
    assert_eq!(one(&database, "PRAGMA integrity_check").await, "ok");

    // The crate delegates writes to the primary and then syncs by itself.
    let connection = database.connect().unwrap();
    connection
        .execute("INSERT INTO t VALUES (?)", [8])
        .await
        .unwrap();
    assert_eq!(value(address, "SELECT sum(a) FROM t"), "15");
    assert_eq!(one(&database, "SELECT sum(a) FROM t").await, "15");
    let error = connection.execute("INSERT INTO nope VALUES (1)", ()).await;
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("no such table: nope")
    );

    // A second opening goes on where the files are.
    drop(connection);
    drop(database);
    run(address, &["DROP TABLE u", "INSERT INTO t VALUES (16)"]);
    let database = replica(address, &file, "").await.unwrap();
    assert_eq!(one(&database, "SELECT sum(a) FROM t").await, "15");
    database.sync().await.unwrap();
    assert_eq!(one(&database, "SELECT sum(a) FROM t").await, "31");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_lives_by_protocol_v1() {
    let target = Target::start();
    life_of_a_replica(target.address()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_lives_by_protocol_v2() {
    let server = server(Replication::V2);
    life_of_a_replica(server.address()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_replication_index_of_a_write_is_the_frame_that_a_replica_reaches() {
    let server = server(Replication::V1);
    let address = server.address();
    run(address, &TABLE);
    let folder = tempfile::tempdir().unwrap();
    let database = replica(address, &folder.path().join("r.db"), "")
        .await
        .unwrap();
    let synced = database.sync().await.unwrap();
    assert_eq!(synced.frame_no(), server.replication_index());
    run(address, &["INSERT INTO t VALUES (4)"]);
    let index = server.replication_index();
    let synced = database.sync_until(index.unwrap()).await.unwrap();
    assert_eq!(synced.frame_no(), index);
    assert_eq!(one(&database, "SELECT sum(a) FROM t").await, "7");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_primary_is_an_empty_replica() {
    for replication in [Replication::V1, Replication::V2] {
        let server = server(replication);
        let folder = tempfile::tempdir().unwrap();
        let database = replica(server.address(), &folder.path().join("r.db"), "")
            .await
            .unwrap();
        database.sync().await.unwrap();
        assert_eq!(
            one(&database, "SELECT count(*) FROM sqlite_schema").await,
            "0"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_goes_on_after_its_primary_was_restarted() {
    for replication in [Replication::V1, Replication::V2] {
        let primary = tempfile::tempdir().unwrap();
        let options = Options {
            replication,
            folder: Some(primary.path().to_owned()),
            ..Options::default()
        };
        let server = Server::start(options.clone()).unwrap();
        run(
            server.address(),
            &["CREATE TABLE t(a)", "INSERT INTO t VALUES (1)"],
        );
        let folder = tempfile::tempdir().unwrap();
        let database = replica(server.address(), &folder.path().join("r.db"), "")
            .await
            .unwrap();
        database.sync().await.unwrap();

        let address = server.address();
        tokio::task::spawn_blocking(move || drop(server))
            .await
            .unwrap();
        let server = Server::start_on(address, options).unwrap();
        run(server.address(), &["INSERT INTO t VALUES (2)"]);
        database.sync().await.unwrap();
        assert_eq!(one(&database, "SELECT sum(a) FROM t").await, "3");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_needs_a_token_that_may_read() {
    for replication in [Replication::V1, Replication::V2] {
        let server = Server::start(Options {
            auth: Auth::Token,
            replication,
            ..Options::default()
        })
        .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let read_only = server.token(Access::ReadOnly, None).unwrap();
        let good = replica(server.address(), &folder.path().join("good.db"), &read_only)
            .await
            .unwrap();
        good.sync().await.unwrap();
        let connection = good.connect().unwrap();
        assert!(connection.execute("CREATE TABLE t(a)", ()).await.is_err());

        let expired = server.token(Access::Full, Some(-3600)).unwrap();
        // By protocol V1 the client tries again for three seconds and does not say why.
        let refused = match replica(server.address(), &folder.path().join("bad.db"), &expired).await
        {
            Ok(bad) => bad.sync().await.err(),
            Err(error) => Some(error),
        };
        assert!(refused.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compacted_log_is_a_snapshot_that_is_missing_at_first() {
    let server = server(Replication::V1);
    run(server.address(), &TABLE);
    run(server.address(), &["INSERT INTO t VALUES (4)"]);
    server.compact(1);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("replica.db");
    let database = replica(server.address(), &file, "").await.unwrap();
    let words = database.sync().await.unwrap_err().to_string();
    assert!(words.contains("snapshot not found"), "{words}");
    database.sync().await.unwrap();
    assert_eq!(one(&database, "SELECT sum(a) FROM t").await, "7");
    run(server.address(), &["INSERT INTO t VALUES (5)"]);
    database.sync().await.unwrap();
    assert_eq!(one(&database, "SELECT sum(a) FROM t").await, "12");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_a_server_has_its_log_and_a_crash_gives_it_another() {
    let server = server(Replication::V1);
    run(server.address(), &TABLE);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("replica.db");
    let address = server.address();
    let database = replica(address, &file, "").await.unwrap();
    database.sync().await.unwrap();
    let copied = folder.path().join("copied");
    server.copy_to(&copied).unwrap();
    let frames = server.replication_index();
    run(address, &["INSERT INTO t VALUES (4)"]);
    drop(server);
    let server = Server::start_on(
        address,
        Options {
            folder: Some(copied),
            ..Options::default()
        },
    )
    .unwrap();
    assert_eq!(server.replication_index(), frames);
    // The same log, so the client fetches nothing.
    let synced = database.sync().await.unwrap();
    assert_eq!(synced.frames_synced(), 0);
    server.renew_log().unwrap();
    let synced = database.sync().await.unwrap();
    assert!(synced.frames_synced() > 0);
    assert_eq!(one(&database, "SELECT sum(a) FROM t").await, "3");
}
