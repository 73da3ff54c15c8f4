//! Servers that cannot be reached, are none, refuse the token, or have no room for what is sent. No token is ever
//! shown.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;

use expect_test::{Expect, expect};
use seedbed_test_server::{Access, Auth, Fault, Options, Server};

use super::{USERS, applied};
use crate::process::Ran;
use crate::project::Project;
use crate::server::ours;

/// A token by its looks, which no server knows. It has expired: its claims are `{"exp":1763763171}`.
const EXPIRED: &str = "eyJhbGciOiJFZERTQSJ9.eyJleHAiOjE3NjM3NjMxNzF9.c2lnbmF0dXJl";

fn project(url: &str) -> Project {
    Project::new()
        .env("USE_TURSO", "YES")
        .env("TURSO_DATABASE_URL", url)
        .migration("V1__users", USERS)
}

fn server(auth: Auth) -> Server {
    ours(Options {
        auth,
        ..Options::default()
    })
}

/// What a command says of a server, which is shown as `[server]`. It makes no file and shows no token.
fn check(project: &Project, line: &str, server: &str, token: &str, expect: Expect) {
    let before = project.files();
    let ran = project.run(line);
    assert_eq!(project.files(), before, "{ran}");
    without(&ran, token);
    let host = server.trim_start_matches("http://");
    expect.assert_eq(&ran.to_string().replace(host, "[server]"));
    if token.is_empty() {
        return;
    }
    // The same as JSON, and with everything that `-v` prints.
    for more in ["--format json", "--verbose"] {
        let again = project.run(&format!("{line} {more}"));
        assert_eq!(again.code, ran.code, "{again}");
        without(&again, token);
    }
}

fn without(ran: &Ran, token: &str) {
    let signature = token.rsplit('.').next().unwrap();
    let said = ran.to_string();
    assert!(signature.is_empty() || !said.contains(signature), "{said}");
}

#[test]
fn a_host_that_does_not_exist() {
    let project = project("libsql://nowhere.invalid").env("TURSO_AUTH_TOKEN", EXPIRED);
    let ran = project.run("migrate");
    without(&ran, EXPIRED);
    assert_eq!(ran.code, Some(1), "{ran}");
    // The resolver's own words differ from machine to machine.
    assert!(
        ran.stderr
            .contains("error[unreachable]: cannot reach nowhere.invalid: "),
        "{ran}"
    );
    assert!(
        ran.stderr.contains("`seedbed doctor` checks each step"),
        "{ran}"
    );
}

#[test]
fn a_port_that_nobody_listens_on() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    check(
        &project(&url),
        "migrate",
        &url,
        "",
        expect![[r#"
        $ seedbed migrate
        2> target: remote http://[server] (TURSO_DATABASE_URL from the environment)
        2> error[unreachable]: cannot reach [server]: Connection refused (os error 111)
        2>   |
        2>   = help: check whether the host and port are right and the network lets you reach them; `seedbed doctor` checks each step
        exit 1
    "#]],
    );
}

#[test]
fn a_server_that_does_not_speak_tls() {
    let server = server(Auth::Off);
    let url = server.url().replace("http://", "https://");
    let host = url.trim_start_matches("https://");
    check(
        &project(&url),
        "migrate",
        host,
        "",
        expect![[r#"
            $ seedbed migrate
            2> target: remote https://[server] (TURSO_DATABASE_URL from the environment)
            2> error[tls]: no encrypted connection to [server]: what answers does not speak TLS
            2>   |
            2>   = help: check whether host and port are right, whether a server speaks TLS there (http:// is for this machine and, with `--allow-plain-http`, for private networks), and whether the clock of this machine is right
            exit 1
        "#]],
    );
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn a_web_page_in_place_of_a_server() {
    let server = server(Auth::Off);
    server.plan(|_| Some(Fault::Html));
    check(
        &project(&server.url()),
        "status",
        &server.url(),
        "",
        expect![[r#"
            $ seedbed status
            2> target: remote http://[server] (TURSO_DATABASE_URL from the environment)
            2> error[not-a-libsql-server]: [server] does not answer as a libSQL server does: a web page, "Bad gateway"
            2>   |
            2>   = help: check whether the URL is that of the database, and not of a web page or a proxy
            exit 1
        "#]],
    );
}

#[test]
fn a_gateway_whose_server_is_away() {
    let server = server(Auth::Off);
    server.plan(|_| {
        Some(Fault::Status {
            status: 502,
            retry_after: None,
        })
    });
    check(
        &project(&server.url()),
        "status",
        &server.url(),
        "",
        expect![[r#"
            $ seedbed status
            2> target: remote http://[server] (TURSO_DATABASE_URL from the environment)
            2> error[server-error]: [server] answered with status 502: a web page, "Bad gateway"
            2>   |
            2>   = help: it may pass: run the command again
            exit 1
        "#]],
    );
}

#[test]
fn a_server_that_has_too_much_to_do() {
    let server = server(Auth::Off);
    server.plan(|_| {
        Some(Fault::Status {
            status: 429,
            retry_after: None,
        })
    });
    check(
        &project(&server.url()),
        "status",
        &server.url(),
        "",
        expect![[r#"
            $ seedbed status
            2> target: remote http://[server] (TURSO_DATABASE_URL from the environment)
            2> error[too-many-requests]: [server] has too many requests at the moment: Timed out while opening database connection
            2>   |
            2>   = help: wait a little and run it again
            exit 1
        "#]],
    );
}

#[test]
fn a_server_without_that_database() {
    let server = server(Auth::Off);
    server.plan(|_| {
        Some(Fault::Status {
            status: 404,
            retry_after: None,
        })
    });
    check(
        &project(&server.url()),
        "migrate",
        &server.url(),
        "",
        expect![[r#"
            $ seedbed migrate
            2> target: remote http://[server] (TURSO_DATABASE_URL from the environment)
            2> error[no-such-database]: [server] has no database there: a web page, "Bad gateway"
            2>   |
            2>   = help: compare the URL with what `turso db show NAME --url` says; a server of your own with namespaces takes the first part of the host as the name of one, which its admin API creates (on this machine: http://NAME.localhost:PORT)
            exit 1
        "#]],
    );
}

#[test]
fn a_server_that_wants_no_request_of_that_size() {
    let server = server(Auth::Off);
    let project = project(&server.url()).after("migrate");
    let project = project.migration("V2__posts", "CREATE TABLE posts (x);\n");
    server.fault(
        2,
        Fault::Status {
            status: 413,
            retry_after: None,
        },
    );
    let ran = project.run("migrate");
    expect![[r#"
        $ seedbed migrate
        2> target: remote http://[server] (TURSO_DATABASE_URL from the environment)
        2> error[request-too-large]: [server] answered with status 413: a web page, "Bad gateway"
        2>   |
        2>   = help: send less at once: `seedbed migrate --tx each` sends each migration by itself
        2>
        2> nothing was changed; the database is at V1
        exit 1
    "#]]
    .assert_eq(
        &ran.to_string()
            .replace(&server.address().to_string(), "[server]"),
    );
}

#[test]
fn no_token_where_one_is_wanted() {
    let server = server(Auth::Token);
    check(
        &project(&server.url()),
        "migrate",
        &server.url(),
        "",
        expect![[r#"
            $ seedbed migrate
            2> target: remote http://[server] (TURSO_DATABASE_URL from the environment)
            2> error[unauthorized]: [server] wants a token, and none is set: Unauthorized: `Expected authorization header but none given`
            2>   |
            2>   = help: put a token into TURSO_AUTH_TOKEN: for Turso, `turso db tokens create NAME` makes one; a server of your own takes what was signed with its key
            exit 1
        "#]],
    );
}

#[test]
fn an_empty_token_is_none() {
    let server = server(Auth::Token);
    let project = project(&server.url()).env("TURSO_AUTH_TOKEN", "");
    let ran = project.run("migrate");
    assert_eq!(ran.code, Some(1), "{ran}");
    assert!(ran.stderr.contains("error[unauthorized]"), "{ran}");
    let elsewhere = self::project("libsql://db.example.com").env("TURSO_AUTH_TOKEN", "");
    check(
        &elsewhere,
        "migrate",
        "-",
        "",
        expect![[r#"
        $ seedbed migrate
        2> error[config]: TURSO_AUTH_TOKEN must be set for libsql://db.example.com
        2>   |
        2>   = help: set it in the environment or .env, or name a file that holds it in TURSO_AUTH_TOKEN_FILE; `turso db tokens create NAME` makes one
        exit 2
    "#]],
    );
}

#[test]
fn a_token_that_has_expired() {
    let server = server(Auth::Token);
    let token = server.token(Access::Full, Some(-3600)).unwrap();
    let project = project(&server.url()).env("TURSO_AUTH_TOKEN", &token);
    check(
        &project,
        "migrate",
        &server.url(),
        &token,
        expect![[r#"
            $ seedbed migrate
            2> target: remote http://[server] (TURSO_DATABASE_URL from the environment)
            2> error[unauthorized]: [server] refused the token: Unauthorized: `The JWT has expired`
            2>   |
            2>   = note: the token expired on [time] UTC; it is TURSO_AUTH_TOKEN from the environment
            2>   = help: put a new one where the old one is: for Turso, `turso db tokens create NAME` makes it
            exit 1
        "#]],
    );
}

#[test]
fn a_token_of_another_server() {
    let server = server(Auth::Token);
    let token = self::server(Auth::Token).token(Access::Full, None).unwrap();
    let project = project(&server.url()).env("TURSO_AUTH_TOKEN", &token);
    check(
        &project,
        "migrate",
        &server.url(),
        &token,
        expect![[r#"
            $ seedbed migrate
            2> target: remote http://[server] (TURSO_DATABASE_URL from the environment)
            2> error[unauthorized]: [server] refused the token: Unauthorized: `The JWT is invalid`
            2>   |
            2>   = note: the token is TURSO_AUTH_TOKEN from the environment
            2>   = help: put a new one where the old one is: for Turso, `turso db tokens create NAME` makes it
            exit 1
        "#]],
    );
}

#[test]
fn a_token_that_may_only_read() {
    let server = server(Auth::Token);
    let token = server.token(Access::ReadOnly, None).unwrap();
    let project = project(&server.url()).env("TURSO_AUTH_TOKEN", &token);
    check(
        &project,
        "migrate",
        &server.url(),
        &token,
        expect![[r#"
            $ seedbed migrate
            2> target: remote http://[server] (TURSO_DATABASE_URL from the environment)
            2> error[forbidden]: [server] does not allow this: Authorization forbidden: Current session doesn't not have Write permission to namespace default
            2>   |
            2>   = help: a change needs a token that may write: for Turso, `turso db tokens create NAME` makes one; where nothing is changed, see which firewall or proxy stands before the server
            2>
            2> nothing was changed; no version is applied
            exit 1
        "#]],
    );
}

#[test]
fn a_token_is_not_sent_over_plain_http() {
    let project = project("http://db.example.com").env("TURSO_AUTH_TOKEN", EXPIRED);
    check(
        &project,
        "migrate",
        "[none]",
        EXPIRED,
        expect![[r#"
            $ seedbed migrate
            2> error[config]: TURSO_AUTH_TOKEN from the environment is not sent to http://db.example.com over plain http, where anyone on the way could read it
            2>   |
            2>   = help: use https:// or libsql://; or, for a server in a private network that needs no token, leave TURSO_AUTH_TOKEN unset and pass `--allow-plain-http`, or set `allow_plain_http = true` in [turso] of config.toml
            exit 2
        "#]],
    );
}

/// Migrates with one more file, on a server and in a local file.
fn large(text: &str, expect: Expect) {
    let server = server(Auth::Off);
    let project = project(&server.url())
        .after("migrate")
        .migration("V2__large", text);
    let line = "migrate --quiet";
    let ran = project.run(line);
    expect.assert_eq(&ran.to_string());
    let status = project.run("status --format json");
    assert_eq!(status.json()["items"][1]["state"], "pending", "{status}");
    let here = applied().migration("V2__large", text);
    let ran = here.run(line);
    assert_eq!(ran.code, Some(0), "{ran}");
}

#[test]
fn a_value_that_a_server_has_no_room_for() {
    let text = "x".repeat(5_100_000);
    large(
        &format!("CREATE TABLE a (x);\nINSERT INTO a\n  VALUES ('{text}');\n"),
        expect![[r#"
            $ seedbed migrate --quiet
            2> error[too-large]: this value has 5100000 bytes, and a libSQL server takes 5000000 for a value or a row
            2>  --> migrations/V2__large.sql:3:11
            2>   = help: divide it among several rows, or keep it outside of the database
            exit 4
        "#]],
    );
}

#[test]
fn a_migration_that_a_server_cannot_record() {
    let rows = "INSERT INTO a VALUES (1);\n".repeat(200_000);
    large(
        &format!("CREATE TABLE a (x);\n{rows}"),
        expect![[r#"
        $ seedbed migrate --quiet
        2> error[too-large]: what is recorded of this migration has 5200020 bytes, and a libSQL server takes 5000000 for a value or a row
        2>  --> migrations/V2__large.sql:1:1
        2>   |
        2> 1 | CREATE TABLE a (x);
        2>   | ^
        2>   |
        2>   = help: divide the file: the text of a migration and of its down file is recorded with it
        exit 4
    "#]],
    );
}

#[test]
fn a_value_that_becomes_too_large() {
    large(
        "CREATE TABLE a (x);\nINSERT INTO a\n  VALUES (zeroblob(6000000));\n",
        expect![[r#"
            $ seedbed migrate --quiet
            2> error[too-big]: V2 failed: string or blob too big
            2>  --> migrations/V2__large.sql:2:1
            2>   |
            2> 2 | INSERT INTO a
            2>   | ^^^^^^^^^^^^^
            2>   |
            2>   = note: this is statement 2 of 2
            2>   = note: rolled back: V2
            2>   = help: a libSQL server takes 5 MB for a value or a row, a file 1 GB, and the text of a migration is recorded in a row: divide it, or keep what is so large outside of the database
            2>   = help: then run `seedbed migrate` again
            2>
            2> nothing of this run is in the database; the database is at V1
            exit 1
        "#]],
    );
}

/// Answers each request with what its `authorization` header says, and ends with the test.
fn repeats_the_token(status: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            let (mut said, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap_or(0) == 0 || line.trim().is_empty() {
                    break;
                }
                let (name, value) = line.trim().split_once(':').unwrap_or_default();
                match name.to_ascii_lowercase().as_str() {
                    "authorization" => said = value.trim().to_owned(),
                    "content-length" => length = value.trim().parse().unwrap(),
                    _ => {}
                }
            }
            let _ = reader.read_exact(&mut vec![0; length]);
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{said}",
                said.len()
            );
            let _ = reader.get_mut().write_all(answer.as_bytes());
        }
    });
    url
}

#[test]
fn a_token_that_a_server_repeats_is_not_shown() {
    for status in [
        "200 OK",
        "400 Bad Request",
        "401 Unauthorized",
        "404 Not Found",
    ] {
        let url = repeats_the_token(status);
        let project = project(&url).env("TURSO_AUTH_TOKEN", EXPIRED);
        for command in ["status", "migrate", "doctor"] {
            let ran = project.run(command);
            assert_ne!(ran.code, Some(0), "{ran}");
            without(&ran, EXPIRED);
        }
        assert!(
            project.run("status").stderr.contains("Bearer ***"),
            "{status}"
        );
    }
}
