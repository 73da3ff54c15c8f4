//! The commands for databases that are there to be thrown away: `test-db` and `reset`.

use std::path::PathBuf;

use expect_test::{Expect, expect};

use crate::process::Ran;
use crate::project::Project;

/// Two migrations, and seeds for two environments.
fn project() -> Project {
    super::project().file(
        "seeds/010_users.yaml",
        "users:\n  admin: {id: 1, name: Ann}\nposts:\n  first: {id: 7, author: 1}\n",
    )
}

fn path(ran: &Ran) -> PathBuf {
    assert_eq!(ran.code, Some(0), "{ran}");
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 1, "{ran}");
    PathBuf::from(lines[0])
}

#[test]
fn test_db_prints_the_path_of_a_new_database_each_time_and_nothing_else() {
    // Neither is read: the one would choose another database, the other is a value for a seed.
    let project = project()
        .file(".env", "USE_TURSO=YES\nTOWN=Paris\n")
        .file(
            "seeds/test/020_towns.yaml",
            "users:\n  town: {id: 2, name: !env {name: TOWN, default: none}}\n",
        )
        .env("TOWN", "Rome");
    let (one, two) = (project.run("test-db"), project.run("test-db"));
    assert_eq!((one.stderr.as_str(), two.stderr.as_str()), ("", ""));
    let (one, two) = (path(&one), path(&two));
    assert_ne!(one, two);
    for path in [&one, &two] {
        assert!(path.starts_with(project.path("target/seedbed/tests")));
        let answers = project.ask_of(
            path.to_str().unwrap(),
            [
                "SELECT name FROM users ORDER BY id",
                "SELECT version FROM _migrations WHERE kind = 'seed'",
            ],
        );
        assert_eq!(answers[0], "Ann none");
    }
    let dev = path(&project.run("test-db --env dev"));
    let names = "SELECT name FROM users ORDER BY id";
    assert_eq!(project.ask_of(dev.to_str().unwrap(), [names]), ["Ann"]);
    assert!(!project.path("local.db").exists());
}

#[test]
fn test_db_as_json() {
    let ran = project().run("test-db --format json");
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(document["command"], "test-db");
    assert_eq!(document["environment"], "test");
    assert!(PathBuf::from(document["path"].as_str().unwrap()).is_file());
}

#[test]
fn test_db_keeps_its_databases_where_cargo_is_told_to_build() {
    let project = project().env("CARGO_TARGET_DIR", "elsewhere");
    let path = path(&project.run("test-db"));
    assert!(path.starts_with(project.path("elsewhere/seedbed/tests")));
}

#[test]
fn test_db_says_what_is_wrong_with_the_files() {
    let project = project();
    project.write("seeds/020_more.yaml", "userz:\n  other: {id: 3, name: x}\n");
    project.run("test-db").check(expect![[""]]);
    project.run("test-db --env prod").check(expect![[""]]);
    project
        .run("test-db --migrations nowhere")
        .check(expect![[""]]);
}

#[test]
fn reset_makes_the_local_database_anew() {
    let project = project().after("migrate").after("seed");
    project.change(&[
        "INSERT INTO users VALUES (9, 'Zoe')",
        "CREATE TABLE mine (a)",
    ]);
    project.run("reset").check(expect![[""]]);
    assert_eq!(project.ask("SELECT name FROM users"), "Ann");
    assert!(project.state().ends_with("tables: posts users"));
    project.run("status --exit-code").check(expect![[""]]);
    project.run("reset --format json").check(expect![[""]]);
    let files = project.files();
    let left: Vec<&String> = files.iter().filter(|name| name.contains("local")).collect();
    assert_eq!(left, ["local.db"]);
}

#[test]
fn reset_makes_a_database_where_there_is_none() {
    let project = super::project();
    project.run("reset").check(expect![[""]]);
}

#[test]
fn reset_takes_the_side_files_with_it() {
    let project = project().after("migrate").after("seed");
    // Somebody has it open, with a log beside it.
    project.change(&["PRAGMA journal_mode = WAL", "DELETE FROM posts"]);
    let ran = project.run("reset");
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(project.ask("SELECT count(*) FROM posts"), "1");
    assert_eq!(project.ask("PRAGMA journal_mode"), "delete");
    assert!(!project.path("local.db-wal").exists());
}

#[test]
fn a_reset_that_fails_leaves_the_database_as_it_was() {
    let project = project().after("migrate").after("seed");
    let before = project.bytes("local.db");
    project.write("seeds/020_more.yaml", "users:\n  other: {id: 1, name: x}\n");
    project.run("reset").check(expect![[""]]);
    project.write("migrations/V3__broken.sql", "CREATE TABEL x (a);\n");
    project.run("reset").check(expect![[""]]);
    assert!(project.bytes("local.db") == before);
    assert!(!project.files().iter().any(|name| name.contains("-reset-")));
}

fn refused(project: &Project, line: &str, expect: Expect) {
    let before = project.bytes("local.db");
    project.run(line).check(expect);
    assert!(project.bytes("local.db") == before);
}

#[test]
fn reset_is_for_local_files_only() {
    let project = project();
    for line in [
        "reset --database :memory:",
        "reset --database http://127.0.0.1:9",
        "reset --database http://127.0.0.1:9 --mode replica",
    ] {
        let ran = project.run(line);
        assert_eq!(ran.code, Some(2), "{ran}");
        assert!(ran.stderr.contains("error[not-local]"), "{ran}");
    }
    refused(&project, "reset --database :memory:", expect![[""]]);
}

#[test]
fn reset_refuses_a_database_that_is_marked_otherwise() {
    let project = project()
        .file(
            "seeds/prod/010_admin.yaml",
            "_seed: {envs: [prod]}\nusers:\n  root: {id: 5, name: Root}\n",
        )
        .after("migrate")
        .after("seed --env test");
    refused(&project, "reset --env dev --yes", expect![[""]]);
    project.remove_database("local.db");
    let project = project.after("migrate").after("seed --env prod");
    refused(&project, "reset --yes", expect![[""]]);
    refused(&project, "reset --env prod --yes", expect![[""]]);
}

#[test]
fn reset_asks_before_it_deletes_what_may_be_somebody_elses() {
    let project = project();
    project.change(&["CREATE TABLE notes (a)", "INSERT INTO notes VALUES (1)"]);
    refused(&project, "reset", expect![[""]]);
    let elsewhere = tempfile::tempdir().unwrap();
    let other = elsewhere.path().join("other.db");
    std::fs::write(&other, "").unwrap();
    let line = format!("reset --database {}", other.display());
    let ran = project.run(&line);
    assert_eq!(ran.code, Some(2), "{ran}");
    assert!(ran.stderr.contains("outside of this project"), "{ran}");
    let ran = project.run(&format!("{line} --yes"));
    assert_eq!(ran.code, Some(0), "{ran}");
    let ran = project.run("reset --yes");
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(project.state().ends_with("tables: posts users"));
}

#[test]
fn reset_waits_for_whoever_writes() {
    let project = project().after("migrate");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let _writer = runtime.block_on(project.connection(&["BEGIN IMMEDIATE"]));
    let ran = project.run("reset --lock-timeout 0.1");
    assert_eq!(ran.code, Some(6), "{ran}");
    assert!(!project.files().iter().any(|name| name.contains("-reset-")));
}
