//! Each fault does what it says, to the request that it names, and is in the log.

use crate::client::{Reply, execute, in_words, pipeline, run, send, value};
use expect_test::{Expect, expect};
use seedbed_test_server::{Executes, Fault, Options, Rule, Server, Short};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn server() -> Server {
    let server = Server::start(Options::default()).unwrap();
    run(server.address(), &["CREATE TABLE t(a)"]);
    server.clear_requests();
    server
}

/// A batch of three inserts and a commit, in one transaction.
fn inserts() -> Value {
    let ok = |step: u32| json!({ "type": "ok", "step": step });
    json!({ "requests": [{ "type": "batch", "batch": { "steps": [
        { "stmt": { "sql": "BEGIN IMMEDIATE" } },
        { "stmt": { "sql": "INSERT INTO t VALUES (1)" }, "condition": ok(0) },
        { "stmt": { "sql": "INSERT INTO t VALUES (2)" }, "condition": ok(1) },
        { "stmt": { "sql": "COMMIT" }, "condition": ok(2) },
    ] } }, { "type": "close" }] })
}

fn post(server: &Server, body: &Value) -> Reply {
    send(
        server.address(),
        "POST",
        "/v3/pipeline",
        None,
        &body.to_string(),
    )
    .unwrap()
}

/// What a client sees of a fault at its first request, and how many rows there are in the end.
fn check(fault: Fault, rows: &str, expect: Expect) {
    let server = server();
    server.fault(1, fault);
    let reply = match post(&server, &inserts()) {
        Reply::Closed { bytes } => format!("closed after {} bytes\n", bytes.min(1)),
        Reply::Answer { status, body, head } => {
            let retry = head.lines().find(|line| line.starts_with("retry-after"));
            format!("{}{}", in_words((status, body)), retry.unwrap_or_default())
        }
    };
    // What still runs holds the lock until it is done.
    run(server.address(), &["BEGIN IMMEDIATE", "ROLLBACK"]);
    assert_eq!(value(server.address(), "SELECT count(*) FROM t"), rows);
    expect.assert_eq(&reply);
}

#[test]
fn the_connection_is_closed_before_executing() {
    check(
        Fault::DropBefore,
        "0",
        expect![[r#"
        closed after 0 bytes
    "#]],
    );
}

#[test]
fn the_connection_is_closed_after_executing() {
    check(
        Fault::DropAfter,
        "2",
        expect![[r#"
        closed after 0 bytes
    "#]],
    );
}

#[test]
fn the_connection_is_closed_while_executing_goes_on() {
    check(
        Fault::DropDuring { step: 2 },
        "2",
        expect![[r#"
        closed after 0 bytes
    "#]],
    );
}

#[test]
fn a_step_that_never_comes_cuts_nothing() {
    check(
        Fault::DropDuring { step: 99 },
        "2",
        expect![[r#"
        ok
        ok changed 1 rowid "1"
        ok changed 1 rowid "2"
        ok
        close
    "#]],
    );
}

#[test]
fn half_of_the_answer_arrives() {
    check(
        Fault::CutBody,
        "2",
        expect![[r#"
        closed after 1 bytes
    "#]],
    );
}

/// The body of an answer that lacks something, and how many rows there are in the end.
fn shortened(path: &str, short: Short, executes: Executes) -> (String, Value) {
    let server = server();
    server.fault(1, Fault::Short { short, executes });
    let body = match path {
        "/v3/cursor" => json!({ "batch": inserts()["requests"][0]["batch"] }),
        _ => inserts(),
    };
    let reply = send(server.address(), "POST", path, None, &body.to_string()).unwrap();
    let Reply::Answer { status, body, head } = reply else {
        panic!("the connection was closed");
    };
    assert_eq!(status, 200);
    assert_eq!(
        head.starts_with("http/1.0") && !head.contains("content-length"),
        path == "/v3/cursor"
    );
    assert!(server.requests()[0].writes);
    let rows = value(server.address(), "SELECT count(*) FROM t");
    (body, rows)
}

#[test]
fn a_pipeline_gives_less_than_was_asked_for() {
    let check = |short, results: usize, steps: usize| {
        for (executes, rows) in [(Executes::Everything, "2"), (Executes::Nothing, "0")] {
            let (body, found) = shortened("/v3/pipeline", short, executes);
            assert_eq!(found, rows, "{short:?}");
            let body: Value = serde_json::from_str(&body).unwrap_or_default();
            let all = body["results"].as_array().map_or(0, Vec::len);
            let of_batch = &body["results"][0]["response"]["result"];
            let of_batch = of_batch["step_results"].as_array().map_or(0, Vec::len);
            assert_eq!((all, of_batch), (results, steps), "{short:?}");
        }
    };
    check(Short::Empty, 0, 0);
    check(Short::Results { keep: 0 }, 0, 0);
    check(Short::Results { keep: 1 }, 1, 4);
    check(Short::Steps { keep: 0 }, 2, 0);
    check(Short::Steps { keep: 1 }, 2, 1);
    check(Short::Nulls, 2, 4);
}

#[test]
fn a_cursor_ends_at_the_end_of_a_line() {
    let check = |short, executes, lines: usize, rows: &str| {
        let (body, found) = shortened("/v3/cursor", short, executes);
        assert_eq!(found, rows, "{body}");
        assert_eq!(body.lines().count(), lines, "{body}");
        assert!(body.is_empty() || body.ends_with('\n'), "{body}");
    };
    check(Short::Empty, Executes::Everything, 0, "2");
    check(Short::Nulls, Executes::Everything, 1, "2");
    check(Short::Steps { keep: 3 }, Executes::Everything, 4, "2");
    check(Short::Steps { keep: 3 }, Executes::Nothing, 1, "0");
}

#[test]
fn the_answer_is_a_redirect() {
    for (executes, rows) in [(Executes::Everything, "2"), (Executes::Nothing, "0")] {
        let server = server();
        server.fault(
            1,
            Fault::Redirect {
                status: 307,
                location: "http://127.0.0.1:1/".to_owned(),
                executes,
            },
        );
        let Reply::Answer { status, head, .. } = post(&server, &inserts()) else {
            panic!("the connection was closed");
        };
        assert_eq!(status, 307);
        assert!(head.contains("location: http://127.0.0.1:1/"), "{head}");
        assert_eq!(value(server.address(), "SELECT count(*) FROM t"), rows);
    }
}

#[test]
fn the_answer_is_a_page() {
    let status = |status, retry_after| Fault::Status {
        status,
        retry_after,
    };
    check(
        Fault::Html,
        "0",
        expect![[r#"
        200 <!DOCTYPE html>
        <html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1><p>The server is not available.</p></body></html>

    "#]],
    );
    check(
        status(502, None),
        "0",
        expect![[r#"
        502 <!DOCTYPE html>
        <html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1><p>The server is not available.</p></body></html>

    "#]],
    );
    check(
        status(503, Some(2)),
        "0",
        expect![[r#"
        503 <!DOCTYPE html>
        <html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1><p>The server is not available.</p></body></html>

        retry-after: 2"#]],
    );
    check(
        status(429, Some(1)),
        "0",
        expect![[r#"
        429 {"error":"Timed out while opening database connection"}
        retry-after: 1"#]],
    );
}

#[test]
fn the_write_lock_is_stolen() {
    check(
        Fault::StealLock { step: 2 },
        "0",
        expect![[r#"
        ok
        ok changed 1 rowid "1"
        TRANSACTION_TIMEOUT: Transaction timed out
        TRANSACTION_TIMEOUT: Transaction timed out
        close
    "#]],
    );
}

#[test]
fn the_answer_comes_late() {
    let start = Instant::now();
    check(
        Fault::Delay { ms: 120 },
        "2",
        expect![[r#"
        ok
        ok changed 1 rowid "1"
        ok changed 1 rowid "2"
        ok
        close
    "#]],
    );
    assert!(start.elapsed() >= Duration::from_millis(120));
}

#[test]
fn a_stream_expires_before_the_request_that_names_it() {
    let server = server();
    server.fault(2, Fault::ExpireStream);
    let (_, body) = post(
        &server,
        &json!({ "requests": [execute("BEGIN IMMEDIATE")] }),
    )
    .answer();
    let body: Value = serde_json::from_str(&body).unwrap();
    let next = json!({ "baton": body["baton"], "requests": [execute("COMMIT")] });
    let expired = "400 STREAM_EXPIRED: The stream has expired due to inactivity";
    assert_eq!(in_words(post(&server, &next).answer()).trim(), expired);

    server.fault(1, Fault::ExpireStream);
    let (_, body) = post(
        &server,
        &json!({ "requests": [execute("BEGIN IMMEDIATE")] }),
    )
    .answer();
    let body: Value = serde_json::from_str(&body).unwrap();
    let next = json!({ "baton": body["baton"], "requests": [execute("COMMIT")] });
    assert_eq!(in_words(post(&server, &next).answer()).trim(), expired);
}

#[test]
fn a_cursor_meets_faults_too() {
    let server = server();
    let body = json!({ "batch": { "steps": [{ "stmt": { "sql": "SELECT 1" } }] } }).to_string();
    let cursor = || send(server.address(), "POST", "/v3/cursor", None, &body).unwrap();
    for fault in [
        Fault::DropBefore,
        Fault::DropAfter,
        Fault::CutBody,
        Fault::DropDuring { step: 0 },
    ] {
        server.fault(1, fault);
        assert!(cursor().is_closed());
    }
    assert!(!cursor().is_closed());
}

#[test]
fn rules_count_their_own_requests() {
    let server = server();
    server.faults(vec![
        Rule {
            request: Some(2),
            path: None,
            fault: Fault::DropBefore,
        },
        Rule {
            request: Some(1),
            path: Some("/health".to_owned()),
            fault: Fault::Html,
        },
    ]);
    let insert = json!({ "requests": [execute("INSERT INTO t VALUES (1)")] });
    assert!(!post(&server, &insert).is_closed());
    assert!(post(&server, &insert).is_closed());
    let (status, body) = send(server.address(), "GET", "/health", None, "")
        .unwrap()
        .answer();
    assert!(status == 200 && body.contains("<html>"));
    assert!(!post(&server, &insert).is_closed());

    server.plan(|request| (request.steps == 1).then_some(Fault::DropAfter));
    assert!(post(&server, &insert).is_closed());
    assert!(!post(&server, &inserts()).is_closed());
    server.no_faults();
    assert!(!post(&server, &insert).is_closed());
    assert_eq!(value(server.address(), "SELECT count(*) FROM t"), "6");
}

#[test]
fn every_request_is_logged() {
    let server = server();
    server.fault(2, Fault::DropBefore);
    post(&server, &inserts());
    post(&server, &inserts());
    send(server.address(), "GET", "/health", None, "").unwrap();
    pipeline(server.address(), &json!({ "requests": [] }));
    let log: Vec<String> = server
        .requests()
        .iter()
        .map(|request| {
            format!(
                "{} {} {} steps {} status {:?}",
                request.number, request.method, request.path, request.steps, request.status
            )
        })
        .collect();
    expect![[r#"
        1 POST /v3/pipeline steps 4 status Some(200)
        2 POST /v3/pipeline steps 4 status None
        3 GET /health steps 0 status Some(200)
        4 POST /v3/pipeline steps 0 status Some(200)"#]]
    .assert_eq(&log.join("\n"));
    assert_eq!(server.requests()[0].bytes, inserts().to_string().len());
}

#[test]
fn a_client_that_goes_away_stops_what_it_asked_for() {
    use std::io::Write;
    let server = Server::start(Options {
        // Nothing else ends it.
        write_window: Duration::from_secs(600),
        ..Options::default()
    })
    .unwrap();
    run(server.address(), &["CREATE TABLE t(a)"]);
    // Minutes of work.
    let slow = "INSERT INTO t WITH RECURSIVE n(i) AS
                (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000000) SELECT max(i) FROM n";
    let body = json!({ "requests": [execute("BEGIN IMMEDIATE"), execute(slow)] }).to_string();
    let mut stream = std::net::TcpStream::connect(server.address()).unwrap();
    let length = body.len();
    write!(
        stream,
        "POST /v3/pipeline HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    while server.requests().len() < 2 {
        std::thread::yield_now();
    }
    drop(stream);
    run(server.address(), &["INSERT INTO t VALUES (1)"]);
    assert_eq!(
        value(server.address(), "SELECT group_concat(a) FROM t"),
        "1"
    );
}
