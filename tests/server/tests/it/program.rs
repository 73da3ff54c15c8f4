//! The server as a program of its own.

use crate::client::{execute, run, send};
use expect_test::expect;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

fn start(arguments: &[&str]) -> (Child, Value) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_seedbed-test-server"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    (child, serde_json::from_str(&line).unwrap_or_default())
}

fn address(line: &Value) -> SocketAddr {
    let url = line["url"].as_str().unwrap();
    url.strip_prefix("http://").unwrap().parse().unwrap()
}

#[test]
fn it_says_where_it_listens_and_ends_with_its_input() {
    let (mut child, line) = start(&[]);
    let address = address(&line);
    run(address, &["CREATE TABLE t(a)"]);

    let rules = json!([{ "request": 2, "fault": "drop_after" }, { "path": "/health", "fault": { "delay": { "ms": 1 } } }]);
    let set = send(address, "POST", "/test/faults", None, &rules.to_string()).unwrap();
    assert_eq!(set.answer().0, 200);
    let insert = json!({ "requests": [execute("INSERT INTO t VALUES (1)")] }).to_string();
    let post = || send(address, "POST", "/v3/pipeline", None, &insert).unwrap();
    assert!(!post().is_closed());
    assert!(post().is_closed());
    assert_eq!(
        send(address, "DELETE", "/test/faults", None, "")
            .unwrap()
            .answer()
            .0,
        200
    );
    assert!(!post().is_closed());

    let (_, log) = send(address, "GET", "/test/requests", None, "")
        .unwrap()
        .answer();
    let log: Value = serde_json::from_str(&log).unwrap();
    assert_eq!(log.as_array().unwrap().len(), 4);
    assert_eq!(
        send(address, "DELETE", "/test/requests", None, "")
            .unwrap()
            .answer()
            .0,
        200
    );
    let (_, log) = send(address, "GET", "/test/requests", None, "")
        .unwrap()
        .answer();
    assert_eq!(log, "[]");

    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    assert!(send(address, "GET", "/health", None, "").is_err());
}

#[cfg(unix)]
#[test]
fn it_ends_when_it_is_told_to() {
    let (mut child, line) = start(&["--auth", "--v2", "--write-window-ms", "200"]);
    for token in ["token", "read_only_token", "expired_token"] {
        assert!(line[token].as_str().unwrap().starts_with("ey"));
    }
    Command::new("kill")
        .arg(child.id().to_string())
        .status()
        .unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn what_it_does_not_understand_or_must_not_do_is_an_error() {
    let errors = |arguments: &[&str]| {
        let (mut child, line) = start(arguments);
        assert_eq!(line, Value::Null);
        let mut error = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut error)
            .unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(2));
        error.lines().next().unwrap().to_owned()
    };
    expect!["seedbed-test-server: --dance"].assert_eq(&errors(&["--dance"]));
    expect!["seedbed-test-server: --max-streams many"]
        .assert_eq(&errors(&["--max-streams", "many"]));
    expect![
        "seedbed-test-server: 0.0.0.0:0 is reachable from other machines; only loopback is served"
    ]
    .assert_eq(&errors(&["--listen", "0.0.0.0:0"]));
}
