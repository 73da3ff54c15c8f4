//! Servers without TLS: which are reached, what is never sent to them, and databases that are chosen by the host.

use expect_test::expect;
use seedbed_test_server::Options;

use crate::project::Project;
use crate::proxy::Forward;
use crate::server::ours;

const TOKEN: &str = "eyJhbGciOiJFZERTQSJ9.e30.c2lnbmF0dXJl";

fn project(url: &str) -> Project {
    Project::new()
        .env("USE_TURSO", "YES")
        .env("TURSO_DATABASE_URL", url)
        .migration("V1__a", "CREATE TABLE a (x);\n")
}

#[test]
fn a_private_network_is_reached_without_a_token_where_that_is_allowed() {
    let server = ours(Options::default());
    // The name is the proxy's to look up.
    let forward = Forward::to(Some(server.address()));
    let proxied =
        |url: &str| project(url).env("http_proxy", &format!("http://{}", forward.address));
    for url in [
        "http://sqld:8080",
        "http://192.168.1.10:8080",
        "http://db.corp.example",
    ] {
        let project = proxied(url);
        let ran = project.run("migrate");
        assert_eq!(ran.code, Some(2), "{ran}");
        assert!(ran.stderr.contains("--allow-plain-http"), "{ran}");
        let ran = project.run("migrate --allow-plain-http");
        assert_eq!(ran.code, Some(0), "{ran}");
        project.write("config.toml", "[turso]\nallow_plain_http = true\n");
        let ran = project.run("status --exit-code");
        assert_eq!(ran.code, Some(0), "{ran}");
    }
    let asked = forward.asked();
    assert!(
        asked
            .iter()
            .any(|line| line.starts_with("POST http://sqld:8080/")),
        "{asked:?}"
    );
}

#[test]
fn a_token_never_goes_over_plain_http() {
    let server = ours(Options::default());
    let forward = Forward::to(Some(server.address()));
    let project = project("http://sqld:8080")
        .env("http_proxy", &format!("http://{}", forward.address))
        .env("TURSO_AUTH_TOKEN", TOKEN);
    for line in ["migrate --allow-plain-http", "doctor --allow-plain-http"] {
        let ran = project.run(line);
        assert_ne!(ran.code, Some(0), "{ran}");
        assert!(!ran.to_string().contains(TOKEN), "{ran}");
    }
    assert_eq!(server.requests().len(), 0);
    expect![[r#"
        $ seedbed migrate --allow-plain-http
        2> error[config]: TURSO_AUTH_TOKEN from the environment is not sent to http://sqld:8080 over plain http, where anyone on the way could read it
        2>   |
        2>   = help: use https:// or libsql://; or, for a server in a private network that needs no token, leave TURSO_AUTH_TOKEN unset and pass `--allow-plain-http`, or set `allow_plain_http = true` in [turso] of config.toml
        exit 2
    "#]].assert_eq(&project.run("migrate --allow-plain-http").to_string());
}

#[test]
fn a_public_server_needs_tls_whatever_is_allowed() {
    for url in [
        "http://8.8.8.8",
        "http://app-org.turso.io",
        "http://[2001:4860::1]:8080",
    ] {
        let ran = project(url).run("migrate --allow-plain-http");
        assert_eq!(ran.code, Some(2), "{ran}");
        assert!(!ran.stderr.contains("pass `--allow-plain-http`"), "{ran}");
        assert!(ran.stderr.contains("use https:// or libsql://"), "{ran}");
    }
}

#[test]
fn names_below_localhost_are_databases_of_this_machine() {
    let server = ours(Options {
        namespaces: vec!["alpha".to_owned(), "beta".to_owned()],
        ..Options::default()
    });
    let port = server.address().port();
    let url = |name: &str| format!("http://{name}.localhost:{port}");
    let alpha = project(&url("alpha")).after("migrate");
    // No token, no question, and the environment of this machine.
    let ran = alpha.run("undo --to 0 --dry-run");
    assert!(!ran.stderr.contains("needs-yes"), "{ran}");
    let ran = alpha.run(&format!("status --database {}", url("beta")));
    assert!(
        ran.stdout.contains("0 applied, 1 pending") || ran.stdout.contains("1 pending"),
        "{ran}"
    );
    let ran = alpha.run(&format!("status --database {}", url("gamma")));
    assert_eq!(ran.code, Some(1), "{ran}");
    assert!(ran.stderr.contains("error[no-such-database]"), "{ran}");
    let ran = alpha.run("doctor");
    assert!(
        ran.stdout.contains("alpha.localhost is this machine"),
        "{ran}"
    );
    // A replica greets with the name of the database too.
    let replica = project(&url("alpha"))
        .env("USE_TURSO", "NO")
        .env("USE_EMBEDDED_REPLICA", "YES")
        .after("sync");
    let ran = replica.run("status --exit-code");
    assert_eq!(ran.code, Some(0), "{ran}");
    let requests = server.namespace("beta").unwrap().requests();
    assert!(
        requests.iter().all(|request| !request.writes),
        "{requests:?}"
    );
}

#[test]
fn a_token_in_the_path_of_a_url_is_not_shown() {
    for url in [
        format!("libsql://db.example.com/{TOKEN}"),
        format!("https://db.example.com/v1/{TOKEN}/x"),
        TOKEN.to_owned(),
    ] {
        for line in [
            "migrate".to_owned(),
            "config".to_owned(),
            "doctor".to_owned(),
            format!("status --database {url}"),
        ] {
            let ran = project(&url).env("TURSO_AUTH_TOKEN", "eyJ.a.b").run(&line);
            let said = format!("{}{}", ran.stdout, ran.stderr);
            assert!(!said.contains("c2lnbmF0dXJl"), "{ran}");
        }
    }
}
