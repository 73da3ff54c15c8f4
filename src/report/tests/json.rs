use expect_test::{Expect, expect};
use serde_json::Value;

use super::STYLE;
use crate::diagnostic::Diagnostic;
use crate::history::History;
use crate::migrations::{Done, Migrations, Outcome, PlanOptions, Verb, plan};
use crate::report::{Call, Document, Report};
use crate::script::Key;

fn call(command: &'static str, exit_code: u8) -> Call<'static> {
    Call {
        command,
        mode: Some("local"),
        database: Some("app.db"),
        exit_code,
        style: STYLE,
    }
}

/// The document reads back as JSON, has the fields of every document in their order, and looks like this.
fn check(document: &Document, expect: &Expect) {
    let text = document.to_string();
    let read: Value = serde_json::from_str(&text).unwrap();
    let of = |value: &Value| -> Vec<String> {
        let object = value.as_object().unwrap();
        object.keys().cloned().collect()
    };
    for field in [
        "schema_version",
        "command",
        "mode",
        "database",
        "outcome",
        "exit_code",
        "items",
        "problems",
    ] {
        assert!(of(&read).iter().any(|key| key == field), "{field}");
    }
    for item in read["items"].as_array().unwrap() {
        assert_eq!(
            of(item),
            [
                "applied_at",
                "checksum",
                "duration_ms",
                "file",
                "kind",
                "name",
                "state",
                "version"
            ]
        );
    }
    for problem in read["problems"].as_array().unwrap() {
        assert_eq!(
            of(problem),
            [
                "code", "column", "file", "help", "line", "message", "notes", "severity"
            ]
        );
    }
    expect.assert_eq(&(text + "\n"));
}

fn set() -> Migrations {
    Migrations::from_files([
        (
            "migrations/V1__users.sql".to_owned(),
            b"CREATE TABLE users (id INTEGER PRIMARY KEY);\n  FROBNICATE;\n".to_vec(),
        ),
        (
            "migrations/R__views.sql".to_owned(),
            b"SELECT 1;\n".to_vec(),
        ),
    ])
}

#[test]
fn status_lists_every_migration() {
    let history = History::default();
    let plan = plan(&set(), &history, &PlanOptions::default());
    check(
        &Document::status(call("status", 3), &plan, &history),
        &expect![[r#"
            {
              "schema_version": 1,
              "command": "status",
              "mode": "local",
              "database": "app.db",
              "outcome": "pending",
              "exit_code": 3,
              "items": [
                {
                  "kind": "migration",
                  "version": 1,
                  "name": "users",
                  "state": "pending",
                  "checksum": "3addbb697d00a3944e381e140cebca5b1ac6a5417ceac02331aa14fa157cc60c",
                  "applied_at": null,
                  "duration_ms": null,
                  "file": "migrations/V1__users.sql"
                },
                {
                  "kind": "repeatable",
                  "version": "views",
                  "name": "views",
                  "state": "pending",
                  "checksum": "b4e0497804e46e0a0b0b8c31975b062152d551bac49c3c2e80932567b4085dcd",
                  "applied_at": null,
                  "duration_ms": null,
                  "file": "migrations/R__views.sql"
                }
              ],
              "problems": [],
              "database_version": null
            }
        "#]],
    );
}

#[test]
fn a_dry_run_lists_statements_and_their_places() {
    let history = History::default();
    let plan = plan(&set(), &history, &PlanOptions::default());
    check(
        &Document::dry_run(call("migrate", 0), &plan, &history),
        &expect![[r#"
            {
              "schema_version": 1,
              "command": "migrate",
              "mode": "local",
              "database": "app.db",
              "outcome": "planned",
              "exit_code": 0,
              "items": [
                {
                  "kind": "migration",
                  "version": 1,
                  "name": "users",
                  "state": "pending",
                  "checksum": "3addbb697d00a3944e381e140cebca5b1ac6a5417ceac02331aa14fa157cc60c",
                  "applied_at": null,
                  "duration_ms": null,
                  "file": "migrations/V1__users.sql"
                },
                {
                  "kind": "repeatable",
                  "version": "views",
                  "name": "views",
                  "state": "pending",
                  "checksum": "b4e0497804e46e0a0b0b8c31975b062152d551bac49c3c2e80932567b4085dcd",
                  "applied_at": null,
                  "duration_ms": null,
                  "file": "migrations/R__views.sql"
                }
              ],
              "problems": [],
              "database_version": null,
              "scripts": 1,
              "statements": [
                {
                  "column": 1,
                  "file": "migrations/V1__users.sql",
                  "line": 1,
                  "sql": "CREATE TABLE users (id INTEGER PRIMARY KEY)",
                  "words": "creates table users (1 column)"
                },
                {
                  "column": 3,
                  "file": "migrations/V1__users.sql",
                  "line": 2,
                  "sql": "FROBNICATE",
                  "words": null
                },
                {
                  "column": 1,
                  "file": "migrations/R__views.sql",
                  "line": 1,
                  "sql": "SELECT 1",
                  "words": "reads rows"
                }
              ]
            }
        "#]],
    );
}

#[test]
fn an_outcome_lists_what_was_done() {
    let done = |key, verb| Done {
        key,
        from: None,
        verb,
        name: "users".to_owned(),
        checksum: "9f86d081".to_owned(),
        statements: 1,
        duration_ms: Some(3),
        applied_at: (verb == Verb::Applied).then(|| "2026-11-21T22:12:51.123Z".to_owned()),
        file: Some("migrations/V1__users.sql".to_owned()),
    };
    let outcome = Outcome {
        done: vec![
            done(Key::Migration(1), Verb::Applied),
            done(Key::Repeatable("views".to_owned()), Verb::Removed),
        ],
        warnings: vec![
            Diagnostic::problem(
                "ahead",
                "the database is ahead of these files: V4 is applied, and the newest file is V3",
            )
            .warning()
            .help("nothing has to be done where an older release is deployed; otherwise bring the newer files back"),
        ],
        version: Some(4),
    };
    check(
        &Document::outcome(call("migrate", 0), &outcome),
        &expect![[r#"
            {
              "schema_version": 1,
              "command": "migrate",
              "mode": "local",
              "database": "app.db",
              "outcome": "done",
              "exit_code": 0,
              "items": [
                {
                  "kind": "migration",
                  "version": 1,
                  "name": "users",
                  "state": "applied",
                  "checksum": "9f86d081",
                  "applied_at": "2026-11-21T22:12:51.123Z",
                  "duration_ms": 3,
                  "file": "migrations/V1__users.sql"
                },
                {
                  "kind": "repeatable",
                  "version": "views",
                  "name": "users",
                  "state": "pending",
                  "checksum": "9f86d081",
                  "applied_at": null,
                  "duration_ms": 3,
                  "file": null
                }
              ],
              "problems": [
                {
                  "code": "ahead",
                  "severity": "warning",
                  "file": null,
                  "line": null,
                  "column": null,
                  "message": "the database is ahead of these files: V4 is applied, and the newest file is V3",
                  "notes": [],
                  "help": "nothing has to be done where an older release is deployed; otherwise bring the newer files back"
                }
              ],
              "database_version": 4
            }
        "#]],
    );
}

#[test]
fn a_failure_has_its_places() {
    let text = "SELECT 1;\nSELECT 'é'; COMMIT;\n";
    let set =
        Migrations::from_files([("migrations/V2__x.sql".to_owned(), text.as_bytes().to_vec())]);
    let plan = plan(&set, &History::default(), &PlanOptions::default());
    let report = Report::problems(&plan.problems);
    check(
        &Document::failure(call("migrate", 4), &report),
        &expect![[r#"
            {
              "schema_version": 1,
              "command": "migrate",
              "mode": "local",
              "database": "app.db",
              "outcome": "problems",
              "exit_code": 4,
              "items": [],
              "problems": [
                {
                  "code": "transaction-control",
                  "severity": "error",
                  "file": "migrations/V2__x.sql",
                  "line": 2,
                  "column": 13,
                  "message": "COMMIT in a migration: Seedbed itself begins and commits the transaction",
                  "notes": [
                    "no BEGIN comes before this COMMIT"
                  ],
                  "help": "remove every BEGIN and COMMIT: the statements of a file run in one transaction already. What cannot run in one goes into a file of its own with `-- seedbed: no-transaction` at its top"
                }
              ]
            }
        "#]],
    );
}

#[test]
fn a_command_without_a_database_says_what_it_did_in_fields_of_its_own() {
    let call = Call {
        mode: None,
        database: None,
        ..call("new", 0)
    };
    let document = Document::done(call).with("files", vec!["migrations/V1__users.sql"]);
    check(
        &document,
        &expect![[r#"
        {
          "schema_version": 1,
          "command": "new",
          "mode": null,
          "database": null,
          "outcome": "done",
          "exit_code": 0,
          "items": [],
          "problems": [],
          "files": [
            "migrations/V1__users.sql"
          ]
        }
    "#]],
    );
}

#[test]
fn settings_are_a_field_of_their_own() {
    let rows = [crate::config::Row {
        name: "token",
        value: "***".to_owned(),
        origin: "TURSO_AUTH_TOKEN from .env".to_owned(),
    }];
    check(
        &Document::config(call("config", 0), &rows, None),
        &expect![[r#"
            {
              "schema_version": 1,
              "command": "config",
              "mode": "local",
              "database": "app.db",
              "outcome": "done",
              "exit_code": 0,
              "items": [],
              "problems": [],
              "settings": [
                {
                  "name": "token",
                  "origin": "TURSO_AUTH_TOKEN from .env",
                  "value": "***"
                }
              ]
            }
        "#]],
    );
}

#[test]
fn each_exit_code_has_a_word() {
    let words: Vec<&str> = [0, 1, 2, 3, 4, 5, 6, 7, 8, 130]
        .map(|code| Document::done(call("migrate", code)).outcome)
        .to_vec();
    assert_eq!(
        words,
        [
            "done",
            "failed",
            "usage",
            "pending",
            "problems",
            "differs",
            "timeout",
            "lint",
            "unknown",
            "interrupted"
        ]
    );
}
