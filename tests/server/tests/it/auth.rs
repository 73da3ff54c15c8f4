//! Tokens: what they open, and the words in which the server says no.

use crate::client::{execute, in_words, send};
use expect_test::{Expect, expect};
use seedbed_test_server::{Access, Auth, Options, Server};
use serde_json::json;

fn server() -> Server {
    Server::start(Options {
        auth: Auth::Token,
        ..Options::default()
    })
    .unwrap()
}

fn ask(server: &Server, token: Option<&str>, sql: &str) -> String {
    let body = json!({ "requests": [execute(sql), { "type": "close" }] }).to_string();
    let reply = send(server.address(), "POST", "/v3/pipeline", token, &body);
    in_words(reply.unwrap().answer())
}

fn check(answer: &str, expect: Expect) {
    expect.assert_eq(answer.trim_end().trim_end_matches("close").trim_end());
}

#[test]
fn a_full_token_may_do_everything() {
    let server = server();
    let token = server.token(Access::Full, Some(600)).unwrap();
    for sql in ["CREATE TABLE t(a)", "INSERT INTO t VALUES (1)", "SELECT 1"] {
        assert!(ask(&server, Some(&token), sql).starts_with("ok"));
    }
    let attach = ask(&server, Some(&token), "ATTACH other AS x");
    check(
        &attach,
        expect![[
            r#"403 {"error":"Authorization forbidden: Current session doesn't not have AttachRead permission to namespace other"}"#
        ]],
    );
}

#[test]
fn a_read_only_token_may_read() {
    let server = server();
    let full = server.token(Access::Full, None).unwrap();
    ask(&server, Some(&full), "CREATE TABLE t(a)");
    let token = server.token(Access::ReadOnly, None).unwrap();
    for sql in [
        "SELECT * FROM t",
        "BEGIN IMMEDIATE",
        "PRAGMA table_info(t)",
        "SELECT * FROM pragma_foreign_key_check",
    ] {
        let answer = ask(&server, Some(&token), sql);
        assert!(answer.starts_with("ok"), "{sql}: {answer}");
    }
    let refused: Vec<String> = [
        "INSERT INTO t VALUES (1)",
        "CREATE TABLE u(a)",
        "PRAGMA foreign_key_check",
        "PRAGMA foreign_keys",
    ]
    .iter()
    .map(|sql| ask(&server, Some(&token), sql))
    .collect();
    check(
        &refused.concat(),
        expect![[r#"
        403 {"error":"Authorization forbidden: Current session doesn't not have Write permission to namespace default"}
        403 {"error":"Authorization forbidden: Current session doesn't not have Write permission to namespace default"}
        403 {"error":"Authorization forbidden: Current session doesn't not have Write permission to namespace default"}
        403 {"error":"Authorization forbidden: Current session doesn't not have Write permission to namespace default"}"#]],
    );
}

#[test]
fn a_token_that_is_not_good_is_refused() {
    let server = server();
    let other = self::server().token(Access::Full, None).unwrap();
    let expired = server.token(Access::Full, Some(-3600)).unwrap();
    check(
        &ask(&server, None, "SELECT 1"),
        expect![[
            r#"401 {"error":"Unauthorized: `Expected authorization header but none given`"}"#
        ]],
    );
    check(
        &ask(&server, Some(&expired), "SELECT 1"),
        expect![[r#"401 {"error":"Unauthorized: `The JWT has expired`"}"#]],
    );
    check(
        &ask(&server, Some(&other), "SELECT 1"),
        expect![[r#"401 {"error":"Unauthorized: `The JWT is invalid`"}"#]],
    );
    check(
        &ask(&server, Some("nonsense"), "SELECT 1"),
        expect![[r#"401 {"error":"Unauthorized: `The JWT is invalid`"}"#]],
    );
}

#[test]
fn what_needs_no_token() {
    let server = server();
    for path in ["/v3", "/health", "/version"] {
        assert_eq!(
            send(server.address(), "GET", path, None, "")
                .unwrap()
                .answer()
                .0,
            200
        );
    }
    assert!(
        Server::start(Options::default())
            .unwrap()
            .token(Access::Full, None)
            .is_err()
    );
}
