//! `copy` as people see it.

use std::io::Write;
use std::process::Stdio;

use expect_test::{Expect, expect};
use seedbed::db::Query;
use seedbed_test_server::{Access, Auth};

use super::{local, migrated, remote};
use crate::export::change;
use crate::process::Ran;
use crate::project::{Project, waiting};
use crate::server::{Server, ours};

/// Compares, with the server under another name.
fn check(ran: &Ran, server: &Server, expect: Expect) {
    expect.assert_eq(&ran.to_string().replace(&server.url(), "http://[server]"));
}

#[test]
fn a_file_goes_to_a_server_and_comes_back() {
    let project = Project::new().migration("V1__city", "CREATE TABLE city (id);");
    project.change(&[
        "CREATE TABLE city (id INTEGER PRIMARY KEY, name TEXT)",
        "INSERT INTO city (name) VALUES ('Ulm'), ('Bonn'), (x'00ff'), (1.5)",
        "CREATE INDEX city_name ON city (name)",
    ]);
    let server = Server::start();
    let url = server.url();
    check(
        &project.run(&format!("copy local.db {url} --dry-run")),
        &server,
        expect![[r#"
            $ seedbed copy local.db http://[server] --dry-run
            table  rows  bytes
            city      4  139 B

            local.db holds 4 rows of 1 table (285 B); they would be copied to http://[server] in one transaction

            nothing was changed
            2> copy: local local.db (FROM) to remote http://[server] (TO)
        "#]],
    );
    check(
        &project.run(&format!("copy local.db {url}")),
        &server,
        expect![[r#"
            $ seedbed copy local.db http://[server]
            table  rows  bytes  took  verified
            city  4  139 B  [ms]  ✓

            copied local.db to http://[server]: 4 rows of 1 table (285 B) in [ms]
            verified: 1 table equal in every value
            2> copy: local local.db (FROM) to remote http://[server] (TO)
            2> next: `seedbed baseline V --database http://[server]` records which migrations this schema has already (the newest is V1)
        "#]],
    );
    check(
        &project.run(&format!("copy local.db {url}")),
        &server,
        expect![[r#"
            $ seedbed copy local.db http://[server]
            nothing to do: local.db was copied to http://[server] on [time] UTC
            verified: 1 table equal in every value
            2> copy: local local.db (FROM) to remote http://[server] (TO)
        "#]],
    );
    let back = project.run(&format!("copy {url} back.db"));
    assert_eq!(back.code, Some(0), "{back}");
    let city = "SELECT group_concat(id || typeof(name) || hex(name)) FROM city";
    assert_eq!(
        project.ask_of("local.db", [city]),
        project.ask_of("back.db", [city])
    );
}

#[test]
fn the_history_goes_along() {
    let project = migrated();
    let server = Server::start();
    let url = server.url();
    for line in [
        format!("copy local.db {url}"),
        format!("copy {url} back.db"),
    ] {
        let ran = project.run(&line);
        assert_eq!(ran.code, Some(0), "{ran}");
        let words = "verified: 1 table equal in every value, and as many records of migrations";
        assert!(ran.stdout.contains(words), "{ran}");
    }
    for database in [url.as_str(), "back.db"] {
        let status = project.run(&format!("status --exit-code --database {database}"));
        assert_eq!(status.code, Some(0), "{status}");
        assert!(!status.stdout.contains("has not been seeded"), "{status}");
    }
    // Both have it, with the text that was applied.
    let sources =
        "SELECT group_concat(version || source) FROM _migrations WHERE kind = 'migration'";
    assert_eq!(
        project.ask_of("local.db", [sources]),
        project.ask_of("back.db", [sources])
    );
}

#[test]
fn a_copy_is_another_database_and_has_no_mark() {
    let project = migrated();
    let mark = "SELECT count(*) FROM _migrations WHERE kind = 'meta' AND version = 'environment'";
    assert_eq!(project.ask(mark), "1");
    for from in ["local.db", "dump.sql"] {
        project.run("export dump.sql");
        let to = format!("of-{from}.db");
        let ran = project.run(&format!("copy {from} {to}"));
        assert_eq!(ran.code, Some(0), "{ran}");
        assert_eq!(project.ask_of(&to, [mark]), ["0"]);
        let words =
            format!("note: {from} is marked as environment dev; the copy is another database");
        assert!(ran.stderr.contains(&words), "{ran}");
    }
    assert_eq!(project.ask(mark), "1");
    // An import brings the records as they are.
    project.run("import dump.sql --database imported.db");
    assert_eq!(project.ask_of("imported.db", [mark]), ["1"]);
}

#[test]
fn the_same_as_json() {
    let project = migrated();
    let json = project.run("copy local.db new.db --format json").json();
    assert_eq!(json["command"], "copy");
    assert_eq!(json["outcome"], "done");
    assert_eq!(json["database"], "new.db");
    assert_eq!(json["from"]["mode"], "local");
    assert_eq!(json["from"]["database"], "local.db");
    assert_eq!(json["verification"]["equal"], true);
    assert_eq!(json["verification"]["level"], "full");
    assert_eq!(json["environment_not_copied"], "dev");
    let refused = project.run("copy local.db new.db --database x.db --format json");
    assert_eq!(refused.json()["problems"][0]["code"], "database");
    let planned = project.run("copy local.db other.db --dry-run --format json");
    assert_eq!(planned.json()["outcome"], "planned");
    assert!(!project.path("other.db").exists());
}

#[test]
fn a_dump_is_read_from_a_file_a_gzip_and_standard_input() {
    let project = migrated();
    let server = Server::start();
    project.run("export dump.sql");
    project.run("export dump.sql.gz");
    for (number, from) in ["dump.sql", "dump.sql.gz"].into_iter().enumerate() {
        let ran = project.run(&format!("copy {from} new{number}.db"));
        assert_eq!(ran.code, Some(0), "{ran}");
        assert!(ran.stdout.contains("verified: 1 table equal"), "{ran}");
    }
    for to in ["piped.db", &server.url()] {
        let line = format!("copy - {to}");
        let mut command = project.command(&line);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin
            .write_all(project.read("dump.sql").as_bytes())
            .unwrap();
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(
            told.contains("verified: 1 table equal in every value"),
            "{told}"
        );
    }
}

#[test]
fn from_a_server_to_a_server() {
    let project = migrated();
    let (one, two) = (Server::start(), Server::start());
    let (first, second) = (one.url(), two.url());
    assert_eq!(project.run(&format!("copy local.db {first}")).code, Some(0));
    let ran = project.run(&format!("copy {first} {second}"));
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(ran.stdout.contains("verified: 1 table equal"), "{ran}");
    // It is done, and all of it is compared again.
    let again = project.run(&format!("copy {first} {second}"));
    assert!(again.stdout.starts_with("nothing to do"), "{again}");
    let back = project.run(&format!("copy {second} back.db"));
    assert_eq!(back.code, Some(0), "{back}");
    let same = project.run(&format!("copy {second} {second}"));
    assert_eq!(same.code, Some(2), "{same}");
}

#[test]
fn each_server_gets_its_own_token() {
    let options = || seedbed_test_server::Options {
        auth: Auth::Token,
        ..seedbed_test_server::Options::default()
    };
    let (one, two) = (ours(options()), ours(options()));
    let (first, second) = (one.url(), two.url());
    let [a, b] = [&one, &two].map(|server| server.token(Access::Full, None).unwrap());
    let with = |variables: &[(&str, &str)]| {
        let project = migrated();
        let set = |project: Project, (name, value): &(&str, &str)| project.env(name, value);
        variables.iter().fold(project, set)
    };
    let ran = with(&[("SEEDBED_TO_TOKEN", &a)]).run(&format!("copy local.db {first}"));
    assert_eq!(ran.code, Some(0), "{ran}");
    let line = format!("copy {first} {second}");
    let swapped = with(&[("SEEDBED_FROM_TOKEN", &b), ("SEEDBED_TO_TOKEN", &a)]).run(&line);
    assert_eq!(swapped.code, Some(1), "{swapped}");
    assert!(swapped.stderr.contains("unauthorized"), "{swapped}");
    let mixed = with(&[
        ("TURSO_AUTH_TOKEN", &b),
        ("TURSO_DATABASE_URL", &second),
        ("USE_TURSO", "YES"),
        ("SEEDBED_FROM_TOKEN", &a),
    ]);
    let ran = mixed.run(&line);
    assert_eq!(ran.code, Some(0), "{ran}");
    for secret in [&a, &b] {
        assert!(!swapped.to_string().contains(secret.as_str()), "{swapped}");
        assert!(!ran.to_string().contains(secret.as_str()), "{ran}");
    }
    let recorded = waiting().block_on(remote_rows(&second, &b));
    assert!(
        !recorded.contains(&a) && !recorded.contains(&b),
        "{recorded}"
    );
}

async fn remote_rows(url: &str, token: &str) -> String {
    let options = seedbed::db::Options::default();
    let db = seedbed::db::Db::remote(url, Some(token), options).unwrap();
    let rows = db
        .query(vec![Query::new("SELECT * FROM _migrations")])
        .await;
    format!("{rows:?}")
}

#[test]
fn a_target_that_is_not_empty_is_refused() {
    let project = migrated().file("other.sql", "CREATE TABLE other (x);");
    project.run("import other.sql --database full.db");
    project.run("copy local.db full.db").check(expect![[r#"
            $ seedbed copy local.db full.db
            2> copy: local local.db (FROM) to local full.db (TO)
            2> error[not-empty]: full.db is not empty: it has `other`, `_migrations`
            2>   |
            2>   = help: a copy goes into a new or empty database only: name another one as TO
            2>
            2> nothing was copied
            exit 4
        "#]]);
    // Also where the names are others, and where it is only looked at.
    let ran = project.run("copy local.db full.db --dry-run");
    assert_eq!(ran.code, Some(4), "{ran}");
}

#[test]
fn what_is_no_source_or_no_target_is_refused() {
    let project = migrated();
    for (line, words) in [
        ("copy local.db local.db", "FROM and TO are the same file"),
        ("copy local.db ./local.db", "FROM and TO are the same file"),
        ("copy local.db :memory:", "gone when the command ends"),
        ("copy :memory: new.db", "FROM is a database in memory"),
        (
            "copy missing.db new.db",
            "there is no database or dump missing.db",
        ),
        ("copy local.db out.sql", "export FILE --database FROM"),
        (
            "copy local.db new.db --database x.db",
            "leave --database out",
        ),
        ("copy local.db new.db --mode remote", "leave --mode out"),
        (
            "copy local.db libsql://me:pw@a.turso.io",
            "TO holds a user name or password",
        ),
        (
            "copy local.db https://db.example.com",
            "SEEDBED_TO_TOKEN must be set",
        ),
        ("copy migrations new.db", "FROM is a folder"),
    ] {
        let ran = project.run(line);
        assert_eq!(ran.code, Some(2), "{ran}");
        assert!(ran.to_string().contains(words), "{words}: {ran}");
        assert!(!ran.stderr.contains("pw@"), "{ran}");
    }
    let ran = project.run("copy local.db migrations");
    assert!(ran.stderr.contains("name another file as TO"), "{ran}");
    assert!(!project.path("new.db").exists());
    assert!(!project.path("out.sql").exists());
}

#[test]
fn a_server_elsewhere_is_asked_for_first() {
    let project = migrated().env("SEEDBED_TO_TOKEN", "t");
    project
        .run("copy local.db https://db.example.com")
        .check(expect![[r#"
            $ seedbed copy local.db https://db.example.com
            2> copy: local local.db (FROM) to remote https://db.example.com (TO)
            2> error[needs-yes]: copy will change https://db.example.com, and there is no terminal to ask at
            2>   |
            2>   = help: `seedbed copy local.db https://db.example.com --yes`
            exit 2
        "#]]);
}

#[test]
fn the_file_of_a_replica_is_no_target() {
    let project = migrated();
    project.write("replica.db", "");
    project.write("replica.db-client_wal_index", "{\"hash\":1}");
    let ran = project.run("copy local.db replica.db");
    assert_eq!(ran.code, Some(2), "{ran}");
    assert!(ran.stderr.contains("embedded replica"), "{ran}");
}

/// With the Turso engine alone: `.ci/run` has it.
#[test]
fn what_the_turso_engine_does_not_take_is_named_before_the_first_row() {
    let server = Server::start();
    if !matches!(server, Server::Turso(_)) {
        return;
    }
    let project = Project::new();
    project.change(&[
        "CREATE TABLE t (x)",
        "INSERT INTO t VALUES (1)",
        "CREATE TABLE w (k PRIMARY KEY) WITHOUT ROWID",
        "CREATE TABLE g (a, b AS (a + 1))",
    ]);
    let url = server.url();
    project.run("export dump.sql");
    for line in [
        format!("copy local.db {url} --dry-run"),
        format!("copy local.db {url}"),
        format!("import dump.sql --database {url} --dry-run"),
        format!("import dump.sql --database {url}"),
    ] {
        let ran = project.run(&line);
        assert_eq!(ran.code, Some(4), "{ran}");
        for words in [
            "table w: the Turso engine does not take WITHOUT ROWID tables",
            "table g: the Turso engine does not take generated columns",
        ] {
            assert_eq!(ran.stderr.matches(words).count(), 1, "{ran}");
        }
    }
    // Nothing is there: the target of a copy must be empty.
    project.write(
        "one.sql",
        "BEGIN TRANSACTION;\nCREATE TABLE t (x);\nCOMMIT;\n",
    );
    let ran = project.run(&format!("copy one.sql {url}"));
    assert_eq!(ran.code, Some(0), "{ran}");
}

#[test]
fn what_does_not_go_along_is_said_before_the_first_row() {
    let project = Project::new();
    let server = Server::start();
    let db = local(project.path("wide.db"));
    waiting().block_on(change(
        &db,
        [
            "PRAGMA encoding = 'UTF-16le'",
            "PRAGMA application_id = 7",
            "CREATE TABLE t (a)",
            "INSERT INTO t VALUES ('ü')",
            "ANALYZE",
        ],
    ));
    let line = format!("copy wide.db {}", server.url());
    check(
        &project.run(&line),
        &server,
        expect![[r#"
        $ seedbed copy wide.db http://[server]
        table  rows  bytes  took  verified
        t  1  39 B  [ms]  ✓

        copied wide.db to http://[server]: 1 row of 1 table (234 B) in [ms]
        verified: 1 table equal in every value
        2> copy: local wide.db (FROM) to remote http://[server] (TO)
        2> note: PRAGMA encoding was left out: only a new local file takes it, before any other statement that writes
        2> warning: PRAGMA application_id was left out: a server does not take it
        2> warning: ANALYZE and sqlite_stat1 were left out: a server keeps its own statistics
    "#]],
    );
}

#[test]
fn a_module_that_the_server_lacks_is_named_before_the_first_row() {
    let project = Project::new().file(
        "odd.sql",
        "CREATE TABLE t (a);\nINSERT INTO t VALUES (1);\nCREATE VIRTUAL TABLE v USING \"Zip Code\"(a);\n",
    );
    let server = Server::start();
    for line in [
        format!("copy odd.sql {} --dry-run", server.url()),
        format!("copy odd.sql {}", server.url()),
    ] {
        let ran = project.run(&line);
        assert_eq!(ran.code, Some(4), "{ran}");
        let words =
            "the virtual table v needs the module Zip Code, which the database does not have";
        assert!(ran.stderr.contains(words), "{ran}");
    }
    let tables = Query::new("SELECT name FROM sqlite_schema");
    let left = waiting().block_on(remote(&server).query(vec![tables]));
    assert_eq!(left.unwrap(), [Ok(vec![])]);
}

#[test]
fn rows_without_parents_are_refused_before_the_first_row() {
    let project = Project::new();
    project.change(&[
        "PRAGMA foreign_keys = OFF",
        "CREATE TABLE p (id INTEGER PRIMARY KEY)",
        "CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p)",
        "INSERT INTO c VALUES (1, 9), (2, NULL)",
    ]);
    project.run("copy local.db new.db").check(expect![[r#"
        $ seedbed copy local.db new.db
        2> copy: local local.db (FROM) to local new.db (TO)
        2> error[foreign-keys]: 1 row lacks its parent
        2>   |
        2>   = note: row 1 of c has no parent in p
        2>   = help: the database that was dumped lacked them too: delete those rows there, or add their parents
        2>   = help: `seedbed copy local.db new.db --allow-fk-violations` keeps them
        2>
        2> new.db is as it was: nothing was copied
        exit 4
    "#]]);
    assert!(!project.path("new.db").exists());
    let ran = project.run("copy local.db new.db --allow-fk-violations");
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(
        project.ask_of("new.db", ["SELECT group_concat(id) FROM c"]),
        ["1,2"]
    );
}

#[test]
fn a_copy_of_what_is_only_half_there_is_refused() {
    let project = Project::new().file(
        "orphans.sql",
        "CREATE TABLE p (id INTEGER PRIMARY KEY);\nCREATE TABLE c (p REFERENCES p);\nINSERT INTO c VALUES (1);\n",
    );
    let server = Server::start();
    let url = server.url();
    let line = format!("copy orphans.sql {url} --transaction-bytes 40");
    assert_eq!(project.run(&line).code, Some(4));
    let ran = project.run(&format!("copy {url} new.db"));
    assert_eq!(ran.code, Some(4), "{ran}");
    assert!(
        ran.stderr
            .contains(&format!("`seedbed copy orphans.sql {url}` continues")),
        "{ran}"
    );
}

#[test]
fn what_changed_behind_a_copy_is_named_by_its_side() {
    let project = migrated();
    project.run("copy local.db new.db");
    let new = super::local(project.path("new.db"));
    let update = "UPDATE city SET name = 'Koln' WHERE name = 'Bonn'";
    waiting().block_on(crate::export::change(&new, [update]));
    let ran = project.run("copy local.db new.db");
    assert_eq!(ran.code, Some(1), "{ran}");
    for words in [
        "in FROM",
        "city: only in local.db: (",
        "city: only in new.db: (",
        "new.db differs from local.db: 1 table not equal",
    ] {
        assert!(ran.stdout.contains(words), "{words}: {ran}");
    }
    assert!(!ran.stdout.contains("the dump"), "{ran}");
    project.change(&["INSERT INTO city (name) VALUES ('Trier')"]);
    let ran = project.run("copy local.db new.db");
    assert_eq!(ran.code, Some(4), "{ran}");
    for words in [
        "error[not-empty]: new.db has an earlier copy of local.db, and local.db has changed since",
        "name another one as TO",
    ] {
        assert!(ran.stderr.contains(words), "{words}: {ran}");
    }
    assert!(!ran.stderr.contains("--database"), "{ran}");
}
