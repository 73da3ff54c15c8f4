//! The URL and the token of a remote.

use expect_test::expect;

use super::{Case, TOKEN, URL, check, database, mode, with_env, with_flags};
use crate::config::{Database, Mode};

#[test]
fn a_remote_needs_a_url() {
    with_env(
        &[("USE_TURSO", "YES"), TOKEN],
        expect![[r#"
            error: TURSO_DATABASE_URL must be set: the mode is remote (USE_TURSO from the environment)
              help: set it in the environment or .env, or [turso] database_url in config.toml; `turso db show NAME --url` prints it
        "#]],
    );
    with_flags(
        mode(Mode::Replica),
        &[TOKEN],
        expect![[r#"
            error: TURSO_DATABASE_URL must be set: the mode is replica (--mode)
              help: set it in the environment or .env, or [turso] database_url in config.toml; `turso db show NAME --url` prints it
        "#]],
    );
}

#[test]
fn the_url_comes_from_the_highest_level() {
    let case = Case {
        env: &[("USE_TURSO", "YES"), URL, TOKEN],
        dotenv: "TURSO_DATABASE_URL=libsql://dot.turso.io\n",
        toml: "[turso]\ndatabase_url = \"libsql://toml.turso.io\"",
        ..Case::default()
    };
    check(
        &case,
        expect![[r#"
            target: remote libsql://db.turso.io (TURSO_DATABASE_URL from the environment)
        "#]],
    );
    let env = &[("USE_TURSO", "YES"), TOKEN];
    let case = Case { env, ..case };
    check(
        &case,
        expect![[r#"
            target: remote libsql://dot.turso.io (TURSO_DATABASE_URL from .env)
        "#]],
    );
    let case = Case { dotenv: "", ..case };
    check(
        &case,
        expect![[r#"
            target: remote libsql://toml.turso.io ([turso] database_url in config.toml)
        "#]],
    );
}

#[test]
fn a_url_that_is_none_says_what_to_write() {
    let remote = |url: &str, expect| {
        with_env(
            &[("USE_TURSO", "YES"), ("TURSO_DATABASE_URL", url), TOKEN],
            expect,
        );
    };
    remote(
        "db.turso.io",
        expect![[r#"
            target: remote libsql://db.turso.io (TURSO_DATABASE_URL from the environment)
        "#]],
    );
    remote(
        "file:local.db",
        expect![[r#"
            error: TURSO_DATABASE_URL from the environment holds the path of a file, not the URL of a remote
              help: a local database goes into DATABASE_FILE, or --database app.db
        "#]],
    );
    remote(
        "libsql://me:pw@db.turso.io",
        expect![[r#"
            error: TURSO_DATABASE_URL from the environment holds a user name or password, which a URL must not
              help: leave it out of the URL; the token goes into TURSO_AUTH_TOKEN, in the environment or .env
        "#]],
    );
    remote(
        "libsql://db.turso.io?authToken=eyJ",
        expect![[r#"
            error: TURSO_DATABASE_URL from the environment holds parameters (`?…` or `#…`), which a URL must not
              help: take them out: a token goes into TURSO_AUTH_TOKEN, and `?tls=0` is written http://
        "#]],
    );
    check(
        &Case {
            env: &[TOKEN],
            toml: "[turso]\ndatabase_url = \"mysql://db\"\n[turso.local_replica]\nenabled = true",
            ..Case::default()
        },
        expect![[r#"
            error: config.toml:2:1: [turso] database_url names no libSQL database by `mysql://`
              help: a remote is libsql://host, https://host or http://127.0.0.1:8080; a local file is its path
        "#]],
    );
}

#[test]
fn a_remote_needs_a_token_unless_it_is_this_machine() {
    let remote = |url: &str, expect| {
        with_env(&[("USE_TURSO", "YES"), ("TURSO_DATABASE_URL", url)], expect);
    };
    remote(
        "libsql://db.turso.io",
        expect![[r#"
            error: TURSO_AUTH_TOKEN must be set for libsql://db.turso.io
              help: set it in the environment or .env, or name a file that holds it in TURSO_AUTH_TOKEN_FILE; `turso db tokens create NAME` makes one
        "#]],
    );
    remote(
        "http://10.0.0.5:8080",
        expect![[r#"
            error: http://10.0.0.5:8080 is reached without encryption, which has to be allowed
              help: use https:// or libsql://; or, for a server in a private network that needs no token, leave TURSO_AUTH_TOKEN unset and pass `--allow-plain-http`, or set `allow_plain_http = true` in [turso] of config.toml
        "#]],
    );
    remote(
        "http://localhost:8080",
        expect![[r#"
            target: remote http://localhost:8080 (TURSO_DATABASE_URL from the environment)
        "#]],
    );
    remote(
        "https://[::1]:8080",
        expect![[r#"
            target: remote https://[::1]:8080 (TURSO_DATABASE_URL from the environment)
        "#]],
    );
    with_flags(
        database("libsql://db.turso.io"),
        &[],
        expect![[r#"
            error: TURSO_AUTH_TOKEN must be set for libsql://db.turso.io
              help: set it in the environment or .env, or name a file that holds it in TURSO_AUTH_TOKEN_FILE; `turso db tokens create NAME` makes one
        "#]],
    );
    with_flags(
        mode(Mode::Replica),
        &[URL],
        expect![[r#"
            error: TURSO_AUTH_TOKEN must be set for libsql://db.turso.io
              help: set it in the environment or .env, or name a file that holds it in TURSO_AUTH_TOKEN_FILE; `turso db tokens create NAME` makes one
        "#]],
    );
}

#[test]
fn a_token_is_not_sent_over_plain_http_to_another_machine() {
    with_flags(
        database("http://db.example.com"),
        &[TOKEN],
        expect![[r#"
            error: TURSO_AUTH_TOKEN from the environment is not sent to http://db.example.com over plain http, where anyone on the way could read it
              help: use https:// or libsql://; or, for a server in a private network that needs no token, leave TURSO_AUTH_TOKEN unset and pass `--allow-plain-http`, or set `allow_plain_http = true` in [turso] of config.toml
        "#]],
    );
    with_flags(
        database("ws://db.example.com"),
        &[TOKEN],
        expect![[r#"
            error: TURSO_AUTH_TOKEN from the environment is not sent to ws://db.example.com over plain http, where anyone on the way could read it
              help: use https:// or libsql://; or, for a server in a private network that needs no token, leave TURSO_AUTH_TOKEN unset and pass `--allow-plain-http`, or set `allow_plain_http = true` in [turso] of config.toml
        "#]],
    );
    with_flags(
        database("http://127.1.2.3:8080"),
        &[TOKEN],
        expect![[r#"
            target: remote http://127.1.2.3:8080 (--database)
        "#]],
    );
}

#[test]
fn the_token_comes_from_the_highest_level_as_itself_or_in_a_file() {
    let remote = |case: Case<'_>| {
        let flags = database("libsql://db.turso.io");
        let config = Case { flags, ..case }.resolve().config().unwrap();
        match config.database.value {
            Database::Remote { token, .. } => {
                let token = token.unwrap();
                format!("{} by {}", token.value.expose(), token.origin)
            }
            other => panic!("{other:?}"),
        }
    };
    let dotenv = "TURSO_AUTH_TOKEN=eyJ.dot\n";
    let env: &[(&str, &str)] = &[("TURSO_AUTH_TOKEN", " eyJ.env\n")];
    let by_env = Case {
        env,
        dotenv,
        ..Case::default()
    };
    assert_eq!(
        remote(by_env),
        "eyJ.env by TURSO_AUTH_TOKEN from the environment"
    );
    let by_file = Case {
        env: &[("TURSO_AUTH_TOKEN_FILE", "t")],
        dotenv,
        token_file: Some(Ok("eyJ.file\r\n")),
        ..Case::default()
    };
    assert_eq!(
        remote(by_file),
        "eyJ.file by TURSO_AUTH_TOKEN_FILE from the environment"
    );
    let by_dotenv = Case {
        dotenv,
        ..Case::default()
    };
    assert_eq!(remote(by_dotenv), "eyJ.dot by TURSO_AUTH_TOKEN from .env");
}

#[test]
fn a_token_set_twice_at_one_level_is_an_error() {
    check(
        &Case {
            flags: database("libsql://db.turso.io"),
            dotenv: "TURSO_AUTH_TOKEN=eyJ.t\nTURSO_AUTH_TOKEN_FILE=t\n",
            ..Case::default()
        },
        expect![[r#"
            error: .env:1: TURSO_AUTH_TOKEN and TURSO_AUTH_TOKEN_FILE are both set: choose one
              help: leave one of the two out
        "#]],
    );
}

#[test]
fn a_token_that_cannot_be_one_is_refused() {
    let token = |text: &str, expect| {
        with_flags(
            database("libsql://db.turso.io"),
            &[("TURSO_AUTH_TOKEN", text)],
            expect,
        );
    };
    token(
        "Bearer eyJ.t",
        expect![[r#"
            error: TURSO_AUTH_TOKEN from the environment holds a space, a line break or another character that no token has
              help: set the token alone, without `Bearer` before it
        "#]],
    );
    token(
        "eyJ\n.t",
        expect![[r#"
            error: TURSO_AUTH_TOKEN from the environment holds a space, a line break or another character that no token has
              help: set the token alone, without `Bearer` before it
        "#]],
    );
    token(
        "\"eyJ.t\"",
        expect![[r#"
            error: TURSO_AUTH_TOKEN from the environment holds a token with quotes around it
              help: take the quotes away
        "#]],
    );
    let file = |read, expect| {
        check(
            &Case {
                flags: database("libsql://db.turso.io"),
                env: &[("TURSO_AUTH_TOKEN_FILE", "t")],
                token_file: read,
                ..Case::default()
            },
            expect,
        );
    };
    file(
        Some(Ok("\n")),
        expect![[r#"
            error: TURSO_AUTH_TOKEN_FILE from the environment holds no token
              help: `turso db tokens create NAME` makes one
        "#]],
    );
    file(
        Some(Err("names a file that cannot be read: no such file")),
        expect![[r#"
            error: TURSO_AUTH_TOKEN_FILE from the environment names a file that cannot be read: no such file
        "#]],
    );
    file(
        None,
        expect![[r#"
            error: TURSO_AUTH_TOKEN_FILE from the environment names a file that was not read
        "#]],
    );
}

#[test]
fn a_database_url_is_the_local_file_where_it_names_one_and_warns_once_otherwise() {
    with_env(
        &[("DATABASE_URL", "sqlite://data/app.db")],
        expect![[r#"
            target: local data/app.db (DATABASE_URL from the environment)
        "#]],
    );
    for url in ["sqlite://data/app.db?mode=rwc", "data/app.db"] {
        with_env(
            &[("DATABASE_URL", url)],
            expect![[r#"
                target: local data/app.db (DATABASE_URL from the environment)
            "#]],
        );
    }
    with_env(
        &[("DATABASE_URL", "sqlite:app.db?mode=ro&vfs=other")],
        expect![[r#"
            error: DATABASE_URL from the environment is a path with parameters or `%` escapes, which would name another database than it seems to
              help: write the path itself, without `file:` or `sqlite:` and what follows `?`
        "#]],
    );
    with_env(
        &[
            ("DATABASE_URL", "sqlite:app.db"),
            ("DATABASE_FILE", "mine.db"),
        ],
        expect![[r#"
            target: local mine.db (DATABASE_FILE from the environment)
            warning: DATABASE_URL from the environment is not used: DATABASE_FILE names the file
        "#]],
    );
    with_env(
        &[("DATABASE_URL", "postgres://me:pw@host/db")],
        expect![[r#"
            target: local local.db (default)
            warning: DATABASE_URL from the environment is not used: to choose a file, set DATABASE_FILE, and for a server TURSO_DATABASE_URL
        "#]],
    );
    check(
        &Case {
            dotenv: "DATABASE_URL=libsql://db.turso.io\n",
            ..Case::default()
        },
        expect![[r#"
            target: local local.db (default)
            warning: DATABASE_URL from .env is not used: to choose a file, set DATABASE_FILE, and for a server TURSO_DATABASE_URL
        "#]],
    );
}
