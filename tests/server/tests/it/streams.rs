//! Batons, expiry, how many connections there may be, and who may write when.

use crate::client::{execute, in_words, pipeline, run, value};
use crate::target::Target;
use expect_test::expect;
use seedbed_test_server::{Options, Server};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;

/// One request on the stream of `baton`, which it replaces; the answer in words.
fn on(address: SocketAddr, baton: &mut Option<String>, sql: &str) -> String {
    let body = json!({ "baton": baton, "requests": [execute(sql)] });
    let (status, answer) = pipeline(address, &body);
    let parsed: Value = serde_json::from_str(&answer).unwrap_or_default();
    if let Some(next) = parsed["baton"].as_str() {
        *baton = Some(next.to_owned());
    }
    in_words((status, answer)).trim().to_owned()
}

#[test]
fn a_baton_is_good_for_one_request() {
    let target = Target::start();
    let address = target.address();
    let mut baton = None;
    assert_eq!(on(address, &mut baton, "BEGIN"), "ok");
    let first = baton.clone();
    assert_eq!(on(address, &mut baton, "CREATE TABLE t(a)"), "ok");
    expect!["400 Received a baton that has already been used"].assert_eq(&on(
        address,
        &mut first.clone(),
        "SELECT 1",
    ));
    expect!["400 Received an invalid baton"].assert_eq(&on(
        address,
        &mut Some("nonsense".to_owned()),
        "SELECT 1",
    ));
    // Neither has disturbed the stream.
    assert_eq!(on(address, &mut baton, "COMMIT"), "ok");
    assert_eq!(value(address, "SELECT count(*) FROM t"), "0");
}

#[test]
fn what_a_closed_stream_had_open_is_rolled_back() {
    let target = Target::start();
    let address = target.address();
    run(
        address,
        &["CREATE TABLE t(a)", "BEGIN", "INSERT INTO t VALUES (1)"],
    );
    assert_eq!(value(address, "SELECT count(*) FROM t"), "0");
    let after = json!({ "requests": [{ "type": "close" }, execute("SELECT 1")] });
    expect![[r#"
        400 Stream for this baton was closed
    "#]]
    .assert_eq(&in_words(pipeline(address, &after)));
}

#[test]
fn an_idle_stream_expires_and_its_transaction_with_it() {
    let server = Server::start(Options {
        stream_expiry: Duration::from_millis(50),
        ..Options::default()
    })
    .unwrap();
    let address = server.address();
    run(address, &["CREATE TABLE t(a)"]);
    let mut baton = None;
    on(address, &mut baton, "BEGIN IMMEDIATE");
    // It waits for the lock, which comes with the expiry.
    run(address, &["INSERT INTO t VALUES (1)"]);
    let expired = "400 STREAM_EXPIRED: The stream has expired due to inactivity";
    assert_eq!(on(address, &mut baton, "COMMIT"), expired);
    assert_eq!(on(address, &mut baton, "SELECT 1"), expired);

    let mut baton = None;
    let server = Server::start(Options::default()).unwrap();
    on(server.address(), &mut baton, "SELECT 1");
    server.expire_streams();
    assert_eq!(on(server.address(), &mut baton, "SELECT 1"), expired);
}

#[test]
fn one_connection_too_many_is_refused_after_a_second() {
    let server = Server::start(Options {
        max_streams: 2,
        ..Options::default()
    })
    .unwrap();
    let (mut one, mut two, mut three) = (None, None, None);
    on(server.address(), &mut one, "SELECT 1");
    on(server.address(), &mut two, "SELECT 1");
    expect![[r#"429 {"error":"Timed out while opening database connection"}"#]].assert_eq(&on(
        server.address(),
        &mut three,
        "SELECT 1",
    ));
    server.expire_streams();
    assert!(on(server.address(), &mut three, "SELECT 1").starts_with("ok"));
}

#[test]
fn writers_wait_for_each_other_in_the_order_of_asking() {
    let server = Server::start(Options::default()).unwrap();
    let address = server.address();
    run(address, &["CREATE TABLE t(a)"]);
    let mut holder = None;
    on(address, &mut holder, "BEGIN IMMEDIATE");
    on(address, &mut holder, "INSERT INTO t VALUES (0)");
    let waiters: Vec<_> = (1..=4)
        .map(|number| {
            let waiter = std::thread::spawn(move || {
                run(address, &[&format!("INSERT INTO t VALUES ({number})")]);
            });
            while server.waiting_writers() < number {
                std::thread::yield_now();
            }
            waiter
        })
        .collect();
    // Readers do not wait, and see nothing yet.
    assert_eq!(value(address, "SELECT count(*) FROM t"), "0");
    on(address, &mut holder, "COMMIT");
    waiters
        .into_iter()
        .for_each(|waiter| waiter.join().unwrap());
    assert_eq!(value(address, "SELECT group_concat(a) FROM t"), "0,1,2,3,4");
}

#[test]
fn twelve_writers_at_once_lose_nothing() {
    let target = Target::start();
    let address = target.address();
    run(address, &["CREATE TABLE t(a)"]);
    let writers: Vec<_> = (0..12)
        .map(|number| {
            std::thread::spawn(move || {
                for _ in 0..5 {
                    let insert = format!("INSERT INTO t VALUES ({number})");
                    run(address, &["BEGIN IMMEDIATE", &insert, "COMMIT"]);
                }
            })
        })
        .collect();
    writers
        .into_iter()
        .for_each(|writer| writer.join().unwrap());
    assert_eq!(value(address, "SELECT count(*) FROM t"), "60");
}

#[test]
fn a_transaction_past_the_window_ends_when_another_writer_waits() {
    let window = Duration::from_millis(200);
    let server = Server::start(Options {
        write_window: window,
        ..Options::default()
    })
    .unwrap();
    let address = server.address();
    run(address, &["CREATE TABLE t(a)"]);
    let mut victim = None;
    on(address, &mut victim, "BEGIN IMMEDIATE");
    on(address, &mut victim, "INSERT INTO t VALUES ('victim')");
    // No other connection waits, so it lives on past the window.
    std::thread::sleep(window + window / 2);
    let insert = "INSERT INTO t VALUES ('victim')";
    assert!(on(address, &mut victim, insert).starts_with("ok"));
    run(address, &["INSERT INTO t VALUES ('thief')"]);

    let steps = json!([
        { "stmt": { "sql": "INSERT INTO t VALUES ('lost')" } },
        { "stmt": { "sql": "COMMIT" }, "condition": { "type": "ok", "step": 0 } },
        { "stmt": { "sql": "ROLLBACK" }, "condition": { "type": "not", "cond": { "type": "is_autocommit" } } },
    ]);
    let requests = json!([
        { "type": "batch", "batch": { "steps": steps } },
        { "type": "get_autocommit" },
        // What follows runs by itself: how a client that goes on loses its atomicity.
        execute("INSERT INTO t VALUES ('stray')"),
    ]);
    let body = json!({ "baton": victim, "requests": requests });
    expect![[r#"
        TRANSACTION_TIMEOUT: Transaction timed out
        TRANSACTION_TIMEOUT: Transaction timed out
        TRANSACTION_TIMEOUT: Transaction timed out
        {"is_autocommit":true}
        ok changed 1 rowid "2"
    "#]]
    .assert_eq(&in_words(pipeline(address, &body)));
    assert_eq!(
        value(address, "SELECT group_concat(a) FROM t"),
        "thief,stray"
    );
}

#[test]
fn a_program_that_is_running_past_the_window_ends_too() {
    let server = Server::start(Options {
        write_window: Duration::from_millis(100),
        ..Options::default()
    })
    .unwrap();
    let address = server.address();
    run(address, &["CREATE TABLE t(a)"]);
    let mut baton = None;
    on(address, &mut baton, "BEGIN IMMEDIATE");
    let slow = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
                INSERT INTO t SELECT max(i) FROM n";
    let mut steps = vec![json!({ "stmt": { "sql": slow } })];
    steps.extend((0..100).map(
        |step| json!({ "stmt": { "sql": slow }, "condition": { "type": "ok", "step": step } }),
    ));
    let batch = json!({ "type": "batch", "batch": { "steps": steps } });
    let body = json!({ "baton": baton, "requests": [batch] });
    let victim = std::thread::spawn(move || in_words(pipeline(address, &body)));
    run(address, &["INSERT INTO t VALUES ('thief')"]);
    let words = victim.join().unwrap();
    assert!(
        words.ends_with("TRANSACTION_TIMEOUT: Transaction timed out\n"),
        "{words}"
    );
    assert_eq!(value(address, "SELECT group_concat(a) FROM t"), "thief");
}

#[test]
fn the_replication_index_is_the_number_of_the_last_committed_frame() {
    let server = Server::start(Options::default()).unwrap();
    let index = |sql: &[&str]| {
        let answer: Value = serde_json::from_str(&run(server.address(), sql)).unwrap();
        let last = &answer["results"][sql.len() - 1]["response"]["result"];
        last["replication_index"].clone()
    };
    assert_eq!(index(&["SELECT 1"]), Value::Null);
    assert_eq!(server.replication_index(), None);
    assert_eq!(index(&["CREATE TABLE t(a)"]), "1");
    assert_eq!(index(&["BEGIN", "INSERT INTO t VALUES (1)"]), "1");
    assert_eq!(index(&["INSERT INTO t VALUES (1)"]), "2");
    assert_eq!(server.replication_index(), Some(2));
}

#[test]
fn a_database_in_a_folder_outlives_its_server() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        folder: Some(folder.path().to_owned()),
        ..Options::default()
    };
    let server = Server::start(options.clone()).unwrap();
    run(
        server.address(),
        &["CREATE TABLE t(a)", "INSERT INTO t VALUES (1)"],
    );
    let (address, index) = (server.address(), server.replication_index());
    assert!(index.is_some());
    drop(server);
    let server = Server::start_on(address, options).unwrap();
    assert_eq!(server.replication_index(), index);
    assert_eq!(value(server.address(), "SELECT count(*) FROM t"), "1");
}

#[test]
fn only_this_machine_is_served() {
    let everywhere = "0.0.0.0:0".parse().unwrap();
    let error = Server::start_on(everywhere, Options::default())
        .err()
        .unwrap();
    expect!["0.0.0.0:0 is reachable from other machines; only loopback is served"]
        .assert_eq(&error.to_string());
}
