//! Requests that a server refuses as a whole, because its own parser does not take one of the statements: which statement
//! it was, why, how to write it otherwise, and what is in the database.

use expect_test::{Expect, expect};
use seedbed_test_server::Fault;

use crate::process::Ran;
use crate::project::Project;
use crate::server::{Server, ours};

const USERS: &str = "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);\n";

fn project(server: &Server) -> Project {
    Project::new()
        .env("TURSO_DATABASE_URL", &server.url())
        .env("USE_TURSO", "YES")
        .migration("V1__users", USERS)
}

fn check(ran: &Ran, server: &Server, expect: Expect) {
    let host = server.url();
    let host = host.trim_start_matches("http://");
    expect.assert_eq(&ran.to_string().replace(host, "[server]"));
}

/// What SQLite takes and a server's parser does not, the place of the fault in it, and a part of what to write instead.
const REFUSED: [(&str, &str, &str); 9] = [
    (
        "CREATE VIEW v AS SELECT group_concat(name, ',' ORDER BY name) FROM users;",
        "1:48",
        "sort the rows in a subquery",
    ),
    (
        "CREATE VIEW v AS\n  SELECT count(*) FROM users HAVING count(*) > 1;",
        "2:30",
        "HAVING needs GROUP BY",
    ),
    (
        "INSERT INTO users VALUES (1_000, 'a');",
        "1:27",
        "without `_`: 1000",
    ),
    (
        "INSERT INTO users VALUES (0x1_F, 'a');",
        "1:27",
        "without `_`: 0x1F",
    ),
    (
        "CREATE TRIGGER r AFTER INSERT ON users BEGIN\n  SELECT RAISE(ABORT, 'no ' || new.name);\nEND;",
        "2:29",
        "one literal text",
    ),
    (
        "DROP TABLE IF EXISTS _litestream_seq;",
        "1:22",
        "keeps the table name _litestream_seq",
    ),
    (
        "DELETE FROM _litestream_lock WHERE 1;",
        "1:13",
        "keeps the table name _litestream_lock",
    ),
    (
        "CREATE VIEW v AS SELECT json_group_array(name ORDER BY id DESC) FROM users;",
        "1:47",
        "sort the rows in a subquery",
    ),
    (
        "CREATE VIEW é AS SELECT 'é', group_concat(name, ',' ORDER BY name) FROM users;",
        "1:53",
        "sort the rows in a subquery",
    ),
];

#[test]
fn a_refused_statement_is_named_by_migrate_and_by_check() {
    let server = Server::start();
    for (statement, place, instead) in REFUSED {
        let project = project(&server).migration("V2__refused", format!("{statement}\n"));
        // A table that another project made would stand in the way.
        let ran = project.run("migrate --to 1");
        assert_eq!(ran.code, Some(0), "{ran}");
        // The table of `DELETE` does not exist.
        let is_there = !statement.starts_with("DELETE");
        if is_there {
            let ran = project.run("check");
            assert_eq!(ran.code, Some(0), "{ran}");
            let place = format!("migrations/V2__refused.sql:{place}");
            assert!(
                ran.stderr.contains("warning[unsupported-by-server]"),
                "{ran}"
            );
            assert!(ran.stderr.contains(&place), "{ran}");
            assert!(ran.stderr.contains(instead), "{ran}");
        }
        let ran = project.run("migrate");
        assert_eq!(ran.code, Some(1), "{ran}");
        let place = format!("migrations/V2__refused.sql:{place}");
        assert!(
            ran.stderr
                .contains("error[unsupported-by-server]: V2 failed"),
            "{ran}"
        );
        assert!(ran.stderr.contains(&place), "{ran}");
        assert!(ran.stderr.contains(instead), "{ran}");
        assert!(
            ran.stderr
                .contains("nothing was changed; the database is at V1"),
            "{ran}"
        );
    }
}

#[test]
fn the_message_shows_the_statement_and_what_to_do() {
    let server = Server::start();
    let project = project(&server).migration(
        "V2__names",
        format!("CREATE TABLE a (x);\n{}\n", REFUSED[0].0),
    );
    check(
        &project.run("migrate"),
        &server,
        expect![[r#"
        $ seedbed migrate
        2> target: remote http://[server] (TURSO_DATABASE_URL from the environment)
        2> error[unsupported-by-server]: V2 failed: the server refuses the statement: near ORDER, "None": syntax error
        2>  --> migrations/V2__names.sql:2:48
        2>   |
        2> 2 | CREATE VIEW v AS SELECT group_concat(name, ',' ORDER BY name) FROM users;
        2>   |                                                ^^^^^
        2>   |
        2>   = note: this is statement 2 of 2
        2>   = note: SQLite can parse this statement, so local databases run it; a libSQL server parses each statement with a parser of its own first, which has the syntax of SQLite 3.38
        2>   = help: sort the rows in a subquery, and aggregate its rows: `SELECT group_concat(name, ',') FROM (SELECT name FROM t ORDER BY name)`
        2>   = help: fix migrations/V2__names.sql:2, then run `seedbed migrate` again
        2>
        2> nothing was changed; no version is applied
        exit 1
    "#]],
    );
    check(
        &project.run("check"),
        &server,
        expect![[r#"
        $ seedbed check
        2 migrations are fine: 2 applied in memory, 0 of them undone and applied again
        1 of them applied to a database that exists, with rows in its tables
        2> warning[unsupported-by-server]: a libSQL server refuses the statement: near ORDER, "None": syntax error
        2>  --> migrations/V2__names.sql:2:48
        2>   |
        2> 2 | CREATE VIEW v AS SELECT group_concat(name, ',' ORDER BY name) FROM users;
        2>   |                                                ^^^^^
        2>   |
        2>   = note: SQLite can parse this statement, so local databases run it; a libSQL server parses each statement with a parser of its own first, which has the syntax of SQLite 3.38
        2>   = help: sort the rows in a subquery, and aggregate its rows: `SELECT group_concat(name, ',') FROM (SELECT name FROM t ORDER BY name)`
    "#]],
    );
}

#[test]
fn a_statement_that_no_parser_takes_has_the_words_of_sqlite() {
    let server = Server::start();
    let project = project(&server).migration("V2__typo", "CREATE TABEL a (x);\n");
    let ran = project.run("migrate");
    assert_eq!(ran.code, Some(1), "{ran}");
    assert!(
        ran.stderr.contains("error[statement-failed]: V2 failed"),
        "{ran}"
    );
    assert!(ran.stderr.contains("migrations/V2__typo.sql:1:8"), "{ran}");
    assert!(!ran.stderr.contains("SQLite can parse"), "{ran}");
}

#[test]
fn of_several_scripts_in_a_request_those_before_the_refused_one_are_committed() {
    let server = Server::start();
    let project = project(&server)
        .migration("V2__a", "CREATE TABLE a (x);\n")
        .migration(
            "V3__refused",
            "CREATE TABLE b (x);\nINSERT INTO b VALUES (1_000);\n",
        )
        .migration("V4__c", "CREATE TABLE c (x);\n");
    let ran = project.run("migrate --tx each");
    assert_eq!(ran.code, Some(1), "{ran}");
    assert!(
        ran.stderr.contains("migrations/V3__refused.sql:2:23"),
        "{ran}"
    );
    assert!(ran.stderr.contains("the database is at V2"), "{ran}");
    let ran = project.run("status");
    assert!(ran.stdout.contains("2 applied, 2 pending"), "{ran}");
    project.write(
        "migrations/V3__refused.sql",
        "CREATE TABLE b (x);\nINSERT INTO b VALUES (1000);\n",
    );
    let ran = project.run("migrate --tx each");
    assert_eq!(ran.code, Some(0), "{ran}");
    let ran = project.run("status --exit-code");
    assert_eq!(ran.code, Some(0), "{ran}");
}

#[test]
fn of_a_file_without_a_transaction_no_statement_has_happened() {
    let server = Server::start();
    let text = "-- seedbed: no-transaction\nCREATE TABLE a (x);\nCREATE TABLE b (x);\nINSERT INTO b VALUES (1_000);\n";
    let project = project(&server).migration("V2__bare", text);
    let ran = project.run("migrate");
    assert_eq!(ran.code, Some(1), "{ran}");
    assert!(ran.stderr.contains("migrations/V2__bare.sql:4:23"), "{ran}");
    assert!(
        ran.stderr.contains("none of its statements has happened"),
        "{ran}"
    );
    assert!(ran.stderr.contains("repair 2 --retry"), "{ran}");
    project.write(
        "migrations/V2__bare.sql",
        text.replace('_', " ").replace("1 000", "1000"),
    );
    for line in ["repair 2 --retry", "migrate", "status --exit-code"] {
        let ran = project.run(line);
        assert_eq!(ran.code, Some(0), "{ran}");
    }
}

#[test]
fn a_down_file_that_a_server_refuses_undoes_nothing() {
    let server = Server::start();
    let project = project(&server)
        .migration("V2__a", "CREATE TABLE a (x);\n")
        .down(
            "V2__a",
            "DELETE FROM users WHERE id = 1_000;\nDROP TABLE a;\n",
        )
        .after("migrate");
    let ran = project.run("undo");
    assert_eq!(ran.code, Some(1), "{ran}");
    assert!(ran.stderr.contains("undoing V2 failed"), "{ran}");
    assert!(
        ran.stderr.contains("V2__a.down.sql (as recorded):1:30"),
        "{ran}"
    );
    let ran = project.run("status");
    assert!(ran.stdout.contains("2 applied"), "{ran}");
}

#[test]
fn a_script_of_many_statements_names_the_refused_one() {
    let server = Server::start();
    let rows = "INSERT INTO users (name) VALUES ('a');\n";
    let text = format!(
        "{}INSERT INTO users VALUES (1_000, 'a');\n{}",
        rows.repeat(20_500),
        rows.repeat(600)
    );
    let project = project(&server).migration("V2__many", text);
    let ran = project.run("migrate");
    assert_eq!(ran.code, Some(1), "{ran}");
    assert!(
        ran.stderr.contains("migrations/V2__many.sql:20501:27"),
        "{ran}"
    );
}

#[test]
fn an_import_names_the_line_of_the_dump() {
    let server = Server::start();
    let dump = "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE d (x);\nINSERT INTO d VALUES(1);\n\
                CREATE VIEW v AS SELECT group_concat(x, ',' ORDER BY x) FROM d;\nCOMMIT;\n";
    let project = Project::new()
        .env("TURSO_DATABASE_URL", &server.url())
        .env("USE_TURSO", "YES")
        .file("d.sql", dump);
    check(
        &project.run("import d.sql"),
        &server,
        expect![[r#"
            $ seedbed import d.sql
            2> target: remote http://[server] (TURSO_DATABASE_URL from the environment)
            2> error[unsupported-by-server]: near ORDER, "None": syntax error
            2>  --> d.sql:5
            2>   = note: SQLite can parse this statement, so local databases run it; a libSQL server parses each statement with a parser of its own first, which has the syntax of SQLite 3.38
            2>   = note: it begins at byte 89
            2>   = note: it creates the view v
            2>   = help: change the statement in the dump: sort the rows in a subquery, and aggregate its rows: `SELECT group_concat(name, ',') FROM (SELECT name FROM t ORDER BY name)`
            2>
            2> nothing of the dump is in the database
            exit 1
        "#]],
    );
}

#[test]
fn a_blocked_database_is_about_no_statement() {
    let server = ours(seedbed_test_server::Options::default());
    let project = Project::new()
        .env("TURSO_DATABASE_URL", &server.url())
        .env("USE_TURSO", "YES")
        .migration("V1__users", USERS)
        .file("seeds/dev/users.yaml", "users:\n  ada:\n    name: Ada\n")
        .after("migrate")
        .migration("V2__a", "CREATE TABLE a (x);\n");
    server.plan(|request| {
        request.writes.then(|| Fault::Refused {
            code: "BLOCKED".to_owned(),
            message: "Operation was blocked: payment due".to_owned(),
        })
    });
    let host = server.url();
    let host = host.trim_start_matches("http://");
    let ran = project.run("migrate");
    expect![[r#"
        $ seedbed migrate
        2> target: remote http://[server] (TURSO_DATABASE_URL from the environment)
        2> error[blocked]: the database cannot be changed: Operation was blocked: payment due
        2>   |
        2>   = help: no statement is the cause: the server blocks the whole database. Check the plan and the invoices of the database (`turso plan show`), or ask the operator of the server
        2>   = help: then run the command again
        2>
        2> nothing was changed; the database is at V1
        exit 1
    "#]].assert_eq(&ran.to_string().replace(host, "[server]"));
    let ran = project.run("migrate --tx each");
    assert!(ran.stderr.contains("error[blocked]"), "{ran}");
    project.remove("migrations/V2__a.sql");
    let ran = project.run("seed");
    assert_eq!(ran.code, Some(1), "{ran}");
    assert!(ran.stderr.contains("error[blocked]"), "{ran}");
    assert!(!ran.stderr.contains("users.yaml:"), "{ran}");
}
