//! `doctor`, `inspect` and `explain` as processes: what they print in each mode, and how they end. They write nothing.

use expect_test::{Expect, expect};
use seedbed_test_server::{Access, Auth, Fault, Options, Replication, Server};

use crate::process::Ran;
use crate::project::Project;
use crate::server::ours;

const SCHEMA: &str = "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT UNIQUE);\n\
                      CREATE TABLE posts (id INTEGER PRIMARY KEY, author INTEGER REFERENCES users, title TEXT);\n\
                      CREATE INDEX posts_by_author ON posts (author, title);\n\
                      INSERT INTO users (name) VALUES ('Ada'), ('Grace');\n\
                      CREATE VIEW authors AS SELECT DISTINCT author FROM posts;\n";

fn project() -> Project {
    Project::new().migration("V1__schema", SCHEMA)
}

fn remote(server: &Server) -> Project {
    project()
        .env("USE_TURSO", "YES")
        .env("TURSO_DATABASE_URL", &server.url())
}

fn replica(server: &Server) -> Project {
    project()
        .env("USE_EMBEDDED_REPLICA", "YES")
        .env("TURSO_DATABASE_URL", &server.url())
}

/// Runs a command that only looks: every file is as before.
fn look(project: &Project, line: &str) -> Ran {
    let contents = || {
        let names = project.files();
        let bytes: Vec<_> = names
            .iter()
            // A process that reads a replica touches this file.
            .filter(|name| !name.ends_with("-shm"))
            .map(|name| project.bytes(name))
            .collect();
        (names, bytes)
    };
    let before = contents();
    let ran = project.run(line);
    assert!(contents() == before, "a file was changed: {ran}");
    ran
}

/// What a command prints, without what differs from machine to machine: the port, sizes, times, the engine's version.
fn check(ran: &Ran, server: Option<&Server>, expect: Expect) {
    let mut text = ran.to_string();
    if let Some(server) = server {
        text = text.replace(&server.address().to_string(), "[server]");
        text = text.replace(&server.address().port().to_string(), "[port]");
    }
    let lines = text.lines().map(|line| {
        let line = without(
            line,
            "SQLite ",
            |c| c.is_ascii_digit() || c == '.',
            "[version]",
        );
        // Tenths of milliseconds; the rest is taken out already.
        number_before(&line, ".[ms] for a round trip")
    });
    expect.assert_eq(&lines.map(|line| line + "\n").collect::<String>());
}

/// The digits before some words.
fn number_before(line: &str, words: &str) -> String {
    let Some(at) = line.find(words) else {
        return line.to_owned();
    };
    let start = line[..at].trim_end_matches(|c: char| c.is_ascii_digit());
    format!("{start}[n]{}", &line[at..])
}

/// What follows some words and is made of these characters.
fn without(line: &str, words: &str, of: impl Fn(char) -> bool, by: &str) -> String {
    let Some(at) = line.find(words).map(|at| at + words.len()) else {
        return line.to_owned();
    };
    let rest = line[at..].trim_start_matches(of);
    match rest.len() == line[at..].len() {
        true => line.to_owned(),
        false => format!("{}{by}{rest}", &line[..at]),
    }
}

#[test]
fn doctor_on_a_file_that_is_well() {
    let project = project();
    let ran = look(&project, "doctor");
    check(
        &ran,
        None,
        expect![[r#"
            $ seedbed doctor
            ✓ mode          local (default)
            ✓ database      local.db (default)
            ✓ file          it does not exist yet; the first run makes it
            ✓ read          SQLite [version]; takes every statement; has dbstat, fts5, rtree, vector_top_k
            ✓ latency       [n].[ms] for a round trip, the median of 3
            ✓ records       there is no _migrations yet; the first run makes it
            ✓ environment   the database has no mark; seeds of dev (default)
            ✓ migrations    1 pending
            ✓ foreign keys  no row lacks the row that it refers to
            ✓ integrity     integrity_check finds no damage in pages or indexes

            all checks passed
            2> target: local local.db (default)
        "#]],
    );
    let ran = look(&project.after("migrate"), "doctor --format json");
    let json = ran.json();
    assert_eq!(json["exit_code"], 0, "{ran}");
    assert_eq!(json["problems"].as_array().unwrap().len(), 0, "{ran}");
    let checks = json["checks"].as_array().unwrap();
    assert!(checks.iter().all(|check| check["state"] == "ok"), "{ran}");
}

#[test]
fn doctor_counts_rows_without_their_parent() {
    let project = project().after("migrate");
    project.change(&[
        "PRAGMA foreign_keys = OFF",
        "INSERT INTO posts (author) VALUES (7)",
    ]);
    let ran = look(&project, "doctor --quiet");
    check(
        &ran,
        None,
        expect![[r#"
            $ seedbed doctor --quiet
            ! foreign keys  a row refers to a row that is not there
                            help: `SELECT * FROM pragma_foreign_key_check` lists them; migrations keep them from becoming more

            all checks passed, with 1 warning
        "#]],
    );
}

#[test]
fn doctor_on_settings_that_do_not_hold() {
    let project = project().env("USE_TURSO", "YES");
    let ran = look(&project, "doctor");
    check(
        &ran,
        None,
        expect![[r#"
        $ seedbed doctor
        ✗ settings    TURSO_DATABASE_URL must be set: the mode is remote (USE_TURSO from the environment)
                      help: set it in the environment or .env, or [turso] database_url in config.toml; `turso db show NAME --url` prints it. TURSO_AUTH_TOKEN is not set either
        - server      not before the settings are right
        - database    not before the settings are right
        - records     not before the settings are right
        - migrations  not before the settings are right

        some checks failed: 1 error
        exit 2
    "#]],
    );
    let json = look(&project, "doctor --format json").json();
    assert_eq!(json["exit_code"], 2);
    assert_eq!(json["outcome"], "usage");
    assert_eq!(json["problems"][0]["code"], "settings");
}

#[test]
fn doctor_on_a_file_that_is_no_database() {
    let project = project().file("local.db", "my notes");
    let ran = look(&project, "doctor");
    check(
        &ran,
        None,
        expect![[r#"
        $ seedbed doctor
        ✓ mode          local (default)
        ✓ database      local.db (default)
        ✗ file          [root]/local.db is not a SQLite database, or encrypted
                        help: check whether it is the file that you meant, or name another with `--database FILE`
        - read          the database cannot be reached
        - records       the database cannot be reached
        - migrations    the database cannot be reached
        - foreign keys  the database cannot be reached

        some checks failed: 1 error
        2> target: local local.db (default)
        exit 1
    "#]],
    );
    let json = look(&project, "doctor --format json").json();
    assert_eq!(json["exit_code"], 1);
    assert_eq!(json["problems"][0]["code"], "file");
}

#[test]
fn doctor_on_a_server() {
    let server = ours(Options {
        auth: Auth::Token,
        ..Options::default()
    });
    let token = server.token(Access::Full, None).unwrap();
    let project = remote(&server).env("TURSO_AUTH_TOKEN", &token);
    let ran = look(&project, "doctor");
    assert!(!ran.to_string().contains(&token), "{ran}");
    check(
        &ran,
        Some(&server),
        expect![[r#"
            $ seedbed doctor
            ✓ mode          remote (USE_TURSO from the environment)
            ✓ database      http://[server] (TURSO_DATABASE_URL from the environment)
            ✓ url           http://[server]: host 127.0.0.1, port [port], not encrypted, on this machine
            ✓ token         TURSO_AUTH_TOKEN from the environment; it does not expire
            - dns           127.0.0.1 is an address
            ✓ tcp           connected to [server]
            - tls           the URL asks for none
            ✓ server        seedbed-test-server 0.1.0 (as sqld 0.24)
            ✓ read          SQLite [version]; takes no VACUUM, ANALYZE, ATTACH, TEMP objects and few pragmas with a value; has dbstat, fts5, rtree, vector_top_k
            ✓ latency       [n].[ms] for a round trip, the median of 3
            ✓ records       there is no _migrations yet; the first run makes it
            ✓ environment   the database has no mark; seeds of dev (default)
            ✓ migrations    1 pending
            ✓ foreign keys  no row lacks the row that it refers to

            all checks passed
            2> target: remote http://[server] (TURSO_DATABASE_URL from the environment)
        "#]],
    );
    let project = remote(&server).env("TURSO_AUTH_TOKEN", "no.secret.token");
    let ran = look(&project, "doctor");
    assert!(!ran.to_string().contains("secret"), "{ran}");
    check(
        &ran,
        Some(&server),
        expect![[r#"
            $ seedbed doctor
            ✓ mode          remote (USE_TURSO from the environment)
            ✓ database      http://[server] (TURSO_DATABASE_URL from the environment)
            ✓ url           http://[server]: host 127.0.0.1, port [port], not encrypted, on this machine
            ! token         TURSO_AUTH_TOKEN from the environment; it is no JWT, as Turso's are, so it does not tell until when it holds
            - dns           127.0.0.1 is an address
            ✓ tcp           connected to [server]
            - tls           the URL asks for none
            ✓ server        seedbed-test-server 0.1.0 (as sqld 0.24)
            ✗ read          [server] refused the token: Unauthorized: `The JWT is invalid`
                            help: put a new token into TURSO_AUTH_TOKEN: for Turso, `turso db tokens create NAME` makes one; a server of your own takes what was signed with its key
            - records       the database cannot be read
            - migrations    the database cannot be read
            - foreign keys  the database cannot be read

            some checks failed: 1 error, with 1 warning
            2> target: remote http://[server] (TURSO_DATABASE_URL from the environment)
            exit 1
        "#]],
    );
    let ran = look(&project, "doctor --format json");
    assert!(!ran.to_string().contains("secret"), "{ran}");
    assert_eq!(ran.json()["exit_code"], 1, "{ran}");
}

#[test]
fn doctor_on_a_port_that_does_not_speak_tls() {
    let server = ours(Options::default());
    let url = server.url().replace("http://", "https://");
    let project = project()
        .env("USE_TURSO", "YES")
        .env("TURSO_DATABASE_URL", &url);
    let ran = look(&project, "doctor");
    check(
        &ran,
        Some(&server),
        expect![[r#"
        $ seedbed doctor
        ✓ mode          remote (USE_TURSO from the environment)
        ✓ database      https://[server] (TURSO_DATABASE_URL from the environment)
        ✓ url           https://[server]: host 127.0.0.1, port [port], encrypted
        ✓ token         none is set; a server on this machine or in a private network may need none
        - dns           127.0.0.1 is an address
        ✓ tcp           connected to [server]
        ✗ tls           no encrypted connection: what answers does not speak TLS
                        help: check whether the host is right, whether the server speaks TLS on this port, and whether the clock of this machine is
        - read          the database cannot be reached
        - records       the database cannot be reached
        - migrations    the database cannot be reached
        - foreign keys  the database cannot be reached

        some checks failed: 1 error
        2> target: remote https://[server] (TURSO_DATABASE_URL from the environment)
        exit 1
    "#]],
    );
}

#[test]
fn doctor_on_a_replica_tells_of_its_files() {
    for (replication, expect) in [
        (
            Replication::V1,
            expect![[r#"
                ✓ replica       there is no file yet; the first `sync` makes it
                ✓ replica       [n] bytes in all its files, protocol v1, frame [n], synced [n] s ago
                ✓ replica       [n] bytes in all its files, protocol v1, frame [n], synced [n] s ago
                ✗ primary       the replica [root]/local_replica.db follows another primary than [other]: [server]
                ✗ replica       the replica [root]/local_replica.db is broken: it has lost its -client_wal_index or -info file, which tells how far it has come
                                help: the primary has everything: `seedbed replica reset` removes what is left of it, `seedbed sync` creates it again
            "#]],
        ),
        (
            Replication::V2,
            expect![[r#"
                ✓ replica       there is no file yet; the first `sync` makes it
                ✓ replica       [n] bytes in all its files, protocol v2, frame [n], synced [n] s ago
                ✓ replica       [n] bytes in all its files, protocol v2, frame [n], synced [n] s ago
                ✗ primary       the replica [root]/local_replica.db follows another primary than [other]: [server]
                ✗ replica       the replica [root]/local_replica.db is broken: it has lost its -client_wal_index or -info file, which tells how far it has come
                                help: the primary has everything: `seedbed replica reset` removes what is left of it, `seedbed sync` creates it again
            "#]],
        ),
    ] {
        let server = ours(Options {
            replication,
            ..Options::default()
        });
        let project = replica(&server);
        let of_replica = |ran: &Ran| {
            let lines = ran.stdout.lines().filter(|line| {
                ["replica  ", "primary  ", "help: the primary"]
                    .iter()
                    .any(|words| line.contains(words))
            });
            lines.map(|line| line.to_owned() + "\n").collect::<String>()
        };
        let missing = look(&project, "doctor");
        assert_eq!(missing.code, Some(0), "{missing}");
        let project = project.after("migrate");
        let there = look(&project, "doctor");
        assert_eq!(there.code, Some(0), "{there}");
        // The same file, and another primary that is new.
        let other = ours(Options {
            replication,
            ..Options::default()
        });
        let line = format!("migrate --mode remote --database {}", other.url());
        let tiny = Project::new().migration("V1__x", "CREATE TABLE x (y);\n");
        let tiny = tiny.after(&line);
        let elsewhere = tiny
            .env("USE_EMBEDDED_REPLICA", "YES")
            .env("TURSO_DATABASE_URL", &other.url());
        for name in project.files() {
            if let (true, Some(bytes)) = (name.starts_with("local_replica"), project.bytes(&name)) {
                elsewhere.write(&name, bytes);
            }
        }
        let strange = look(&elsewhere, "doctor");
        assert_eq!(strange.code, Some(1), "{strange}");
        // A side file is lost.
        for side in ["local_replica.db-client_wal_index", "local_replica.db-info"] {
            if project.bytes(side).is_some() {
                project.remove(side);
            }
        }
        let broken = look(&project, "doctor");
        assert_eq!(broken.code, Some(1), "{broken}");
        let all = [&missing, &there, &strange, &broken]
            .map(of_replica)
            .concat();
        let lines = all.lines().map(|line| {
            let line = number_before(line, " bytes in all its files");
            let line = without(&line, "frame ", |c| c.is_ascii_digit(), "[n]");
            without(&line, "synced ", |c| c.is_ascii_digit(), "[n]") + "\n"
        });
        let root = project.path("").display().to_string();
        let shown: String = lines
            .collect::<String>()
            .replace(root.trim_end_matches('/'), "[root]");
        let root = elsewhere.path("").display().to_string();
        let shown = shown
            .replace(root.trim_end_matches('/'), "[root]")
            .replace(&other.url(), "[other]")
            .replace(&server.url(), "[server]");
        expect.assert_eq(&shown);
    }
}

#[test]
fn inspect_lists_what_is_there_in_every_mode() {
    let server = ours(Options::default());
    let local = project();
    check(
        &look(&local, "inspect"),
        None,
        expect![[r#"
            $ seedbed inspect
            2> target: local local.db (default)
            2> error[no-database]: there is no database local.db
            2>   |
            2>   = help: name another one with `--database FILE`
            exit 2
        "#]],
    );
    let local = local.after("migrate");
    let ran = look(&local, "inspect --quiet");
    check(
        &ran,
        None,
        expect![[r#"
            $ seedbed inspect --quiet
            table                       rows  size    index on
            posts                          0  4.0 KB
              posts_by_author                 4.0 KB  author, title
            users                          2  4.0 KB
              sqlite_autoindex_users_1        4.0 KB  name, unique

            2 tables, 1 view; the database has 32.0 KB
        "#]],
    );
    let away = remote(&server).after("migrate");
    let there = look(&away, "inspect --quiet");
    let tables = |ran: &Ran| {
        let json = ran.json();
        let tables = json["tables"].as_array().unwrap().clone();
        let names = tables
            .iter()
            .map(|it| format!("{} {}", it["name"], it["rows"]));
        names.collect::<Vec<_>>()
    };
    assert_eq!(there.code, Some(0), "{there}");
    let line = "inspect --format json";
    let following = replica(&server).after("sync");
    let here = tables(&look(&local, line));
    assert_eq!(tables(&look(&away, line)), here);
    assert_eq!(tables(&look(&following, line)), here);
}

#[test]
fn explain_shows_a_plan_and_runs_nothing() {
    let project = project().after("migrate");
    // The words of a line are split at blanks, and a statement is one argument.
    let explain = |sql: &str, format: &str| {
        let mut command = project.command("explain --quiet");
        command.arg(sql).args(format.split_whitespace());
        project
            .start(command, &format!("explain --quiet '{sql}' {format}"))
            .finish()
    };
    let by_index = "SELECT title FROM posts WHERE author = 1";
    check(
        &explain(by_index, ""),
        None,
        expect![[r#"
        $ seedbed explain --quiet 'SELECT title FROM posts WHERE author = 1'
        └─ SEARCH posts USING COVERING INDEX posts_by_author (author=?)
    "#]],
    );
    check(
        &explain("DELETE FROM posts WHERE title = 'x'", ""),
        None,
        expect![[r#"
            $ seedbed explain --quiet 'DELETE FROM posts WHERE title = 'x''
            └─ SCAN posts  no index: every row is read
        "#]],
    );
    let json = explain(by_index, "--format json");
    assert_eq!(json.json()["exit_code"], 0, "{json}");
    check(
        &explain("SELECT * FROM nowhere", ""),
        None,
        expect![[r#"
            $ seedbed explain --quiet 'SELECT * FROM nowhere'
            2> error[statement-failed]: no such table: nowhere
            exit 1
        "#]],
    );
    check(
        &explain("SELECT 1; SELECT 2", ""),
        None,
        expect![[r#"
        $ seedbed explain --quiet 'SELECT 1; SELECT 2'
        2> error[not-one-statement]: this is not one statement: there are 2
        2>   |
        2>   = help: pass one statement as one argument: `seedbed explain "SELECT …"`
        exit 2
    "#]],
    );
    assert_eq!(project.ask("SELECT count(*) FROM users"), "2");
}

#[test]
fn a_server_that_is_away_fails_each_of_them() {
    let server = ours(Options::default());
    server.plan(|_| Some(Fault::Html));
    for line in ["doctor", "inspect", "explain VALUES(1)"] {
        let ran = look(&remote(&server), line);
        assert_eq!(ran.code, Some(1), "{ran}");
        assert!(
            ran.to_string()
                .contains("does not answer as a libSQL server does"),
            "{ran}"
        );
        let ran = look(&remote(&server), &format!("{line} --format json"));
        assert_eq!(ran.json()["exit_code"], 1, "{ran}");
    }
}

#[cfg(unix)]
#[test]
fn doctor_warns_of_a_token_that_others_may_read_or_change() {
    use std::os::unix::fs::PermissionsExt;
    let server = ours(seedbed_test_server::Options::default());
    let project = project()
        .env("USE_TURSO", "YES")
        .env("TURSO_DATABASE_URL", &server.url())
        .file(".env", "TURSO_AUTH_TOKEN=eyJ.a.b\n");
    for (mode, words) in [
        (
            0o666,
            Some(".env has mode 0666: other users of this machine may change it"),
        ),
        (
            0o644,
            Some(".env has mode 0644: other users of this machine may read the token in it"),
        ),
        (0o600, None),
    ] {
        std::fs::set_permissions(project.path(".env"), PermissionsExt::from_mode(mode)).unwrap();
        let ran = project.run("doctor");
        assert_eq!(ran.code, Some(0), "{ran}");
        assert_eq!(
            ran.stdout.contains("chmod 600 .env"),
            words.is_some(),
            "{ran}"
        );
        assert!(
            words.is_none_or(|words| ran.stdout.contains(words)),
            "{ran}"
        );
    }
}
