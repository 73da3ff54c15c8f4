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
fn test_db_refuses_a_flag_that_it_would_not_act_on() {
    let project = project();
    for flags in [
        "--database local.db",
        "--mode memory",
        "--replica-file r.db",
        "--allow-plain-http",
    ] {
        let ran = project.run(&format!("test-db {flags}"));
        assert_eq!(ran.code, Some(2), "{ran}");
        let flag = flags.split(' ').next().unwrap();
        let words = format!(
            "error[flag]: `test-db` makes a new file of the migrations and seeds and prints its path: it does not use {flag}\n"
        );
        assert!(ran.stderr.starts_with(&words), "{ran}");
        assert!(ran.stderr.contains(&format!("leave {flag} out")), "{ran}");
    }
    project.write("other.env", "TOWN=Rome\n");
    let ran = project.run("test-db --env-file other.env");
    assert_eq!(ran.code, Some(2), "{ran}");
    assert!(!project.path("target").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn test_db_on_a_full_disk_says_how_to_move_its_databases() {
    let project = project().migration(
        "V3__large",
        "CREATE TABLE large (text TEXT);\n\
         WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 3000)\n\
         INSERT INTO large SELECT printf('%01000d', n) FROM up;\n",
    );
    std::fs::create_dir(project.path("target")).unwrap();
    // A file system of its own, that no other process sees and that ends with the process.
    let inside = |script: &str| {
        let mut command = project.other("unshare");
        let mount = "mount -t tmpfs -o size=300k none target || exit 99";
        let script = format!("{mount}; {script}");
        command.args(["--map-root-user", "--mount", "sh", "-c", &script]);
        command
    };
    if !inside("exit 0")
        .output()
        .is_ok_and(|output| output.status.success())
    {
        return;
    }
    let program = crate::PROGRAM;
    let ran = project.start(inside(&format!("{program} test-db")), "test-db");
    let ran = ran.finish();
    assert_eq!(ran.code, Some(1), "{ran}");
    assert!(ran.stderr.starts_with("error[disk-full]"), "{ran}");
    assert!(ran.stderr.contains("CARGO_TARGET_DIR"), "{ran}");
    assert!(!ran.stderr.contains("`seedbed migrate"), "{ran}");
    // What the variable names is used.
    let moved = format!("CARGO_TARGET_DIR=moved {program} test-db");
    let ran = project.start(inside(&moved), "test-db").finish();
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(ran.stdout.contains("/moved/seedbed/"), "{ran}");
}

#[test]
fn test_db_hands_out_no_template_that_was_changed() {
    let project = project();
    path(&project.run("test-db"));
    let folder = project.path("target/seedbed/templates");
    let template = || {
        let mut files = std::fs::read_dir(&folder)
            .unwrap()
            .map(|it| it.unwrap().path());
        files
            .find(|path| path.extension().is_some_and(|it| it == "db"))
            .unwrap()
    };
    let names = "SELECT name FROM users ORDER BY id";
    let damages: [&dyn Fn(&std::path::Path); 4] = [
        // A row was changed in place.
        &|path| {
            let mut text = std::fs::read(path).unwrap();
            let at = text.windows(3).rposition(|it| it == b"Ann").unwrap();
            text[at..at + 3].copy_from_slice(b"Bob");
            std::fs::write(path, text).unwrap();
        },
        &|path| std::fs::write(path, "").unwrap(),
        &|path| std::fs::remove_file(path.with_extension("seal")).unwrap(),
        &|path| std::fs::write(path.with_extension("labels.json"), "[]").unwrap(),
    ];
    for damage in damages {
        damage(&template());
        let path = path(&project.run("test-db"));
        assert_eq!(project.ask_of(path.to_str().unwrap(), [names]), ["Ann"]);
    }
    // A copied folder of templates has other times, and is as good.
    let template = template();
    let text = std::fs::read(&template).unwrap();
    std::fs::write(&template, text).unwrap();
    let seal = std::fs::read(template.with_extension("seal")).unwrap();
    path(&project.run("test-db"));
    assert_eq!(
        std::fs::read(template.with_extension("seal")).unwrap(),
        seal
    );
}

#[test]
fn test_db_says_that_it_waits_for_another_process() {
    let project = project();
    let folder = project.path("target/seedbed/templates");
    std::fs::create_dir_all(&folder).unwrap();
    let lock = std::fs::File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    let mut running = project.spawn("test-db");
    running.wait_for("by another process that has locked");
    lock.unlock().unwrap();
    path(&running.finish());
}

#[test]
fn test_db_as_json() {
    let project = project();
    let ran = project.run("test-db --format json");
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
    project.run("test-db").check(expect![[r#"
        $ seedbed test-db
        2> error[unknown-table]: there is no table `userz`
        2>  --> seeds/020_more.yaml:1:1
        2>   |
        2> 1 | userz:
        2>   | ^^^^^
        2>   |
        2>   = help: did you mean `users`?
        exit 4
    "#]]);
    project.run("test-db --env prod").check(expect![[r#"
        $ seedbed test-db --env prod
        2> error[no-seeds]: no seed is for environment `prod`
        2>   |
        2>   = help: there are seeds for dev, test
        exit 4
    "#]]);
    project
        .run("test-db --migrations nowhere")
        .check(expect![[r#"
            $ seedbed test-db --migrations nowhere
            2> error[no-directory]: there is no folder nowhere
            2>   |
            2>   = help: `seedbed new NAME --migrations nowhere` creates it with a first migration; `--migrations DIR` names another
            exit 2
        "#]]);
}

#[test]
fn reset_makes_the_local_database_anew() {
    let project = project().after("migrate").after("seed");
    project.change(&[
        "DELETE FROM posts",
        "DELETE FROM users",
        "CREATE TABLE mine (a)",
    ]);
    project.run("reset --yes").check(expect![[r#"
        $ seedbed reset --yes
        replaced local.db
        applied V1 users (1 statement, [ms])
        applied V2 posts (2 statements, [ms])
        applied R__authors (2 statements, [ms])
        the database is at V2
        seed 010_users (new) sha256 31c0f261…
          posts  + first
          users  + admin
        2 inserted, 0 updated, 0 deleted, 0 unchanged, in one transaction
        the database is marked as environment dev
        2> target: local local.db (default)
    "#]]);
    assert_eq!(project.ask("SELECT name FROM users"), "Ann");
    assert!(project.state().ends_with("tables: posts users"));
    project.run("status --exit-code").check(expect![[r#"
        $ seedbed status --exit-code
        state  version  name  applied at  took  checksum
        ✓ applied  V1  users  [time] UTC  [ms]  f202577a
        ✓ applied  V2  posts  [time] UTC  [ms]  6c514698
        ✓ applied  R  authors  [time] UTC  [ms]  f8fe37c4

        3 applied; the database is at V2

        state  seed  applied at  took  checksum
        ✓ applied  010_users  [time] UTC  [ms]  31c0f261

        the database is marked as environment dev
        2> target: local local.db (default)
    "#]]);
    project.run("reset --yes --format json").check(expect![[r#"
        $ seedbed reset --yes --format json
        {
          "schema_version": 1,
          "command": "reset",
          "mode": "local",
          "database": "local.db",
          "outcome": "done",
          "exit_code": 0,
          "items": [
            {
              "kind": "migration",
              "version": 1,
              "name": "users",
              "state": "applied",
              "checksum": "f202577af96fe5ff413f6456e176f80eb994ac7d349d89f8707fa32f79cef931",
              "applied_at": "[time]",
              "duration_ms": [ms],
              "file": "migrations/V1__users.sql"
            },
            {
              "kind": "migration",
              "version": 2,
              "name": "posts",
              "state": "applied",
              "checksum": "6c514698e42a18960b875a12336b78cc93bfc297ae987f58dfe8db62d8a81320",
              "applied_at": "[time]",
              "duration_ms": [ms],
              "file": "migrations/V2__posts.sql"
            },
            {
              "kind": "repeatable",
              "version": "authors",
              "name": "authors",
              "state": "applied",
              "checksum": "f8fe37c4d37795ac97a20d1ae661a731d36af3aab7481e5081c416441dfce57d",
              "applied_at": "[time]",
              "duration_ms": [ms],
              "file": "migrations/R__authors.sql"
            }
          ],
          "problems": [],
          "backup": null,
          "database_version": 2,
          "environment": "dev",
          "removed": [
            "local.db"
          ],
          "rows": 2
        }
        2> target: local local.db (default)
    "#]]);
    let files = project.files();
    let left: Vec<&String> = files
        .iter()
        .filter(|name| name.starts_with("local"))
        .collect();
    assert_eq!(left, ["local.db"]);
}

#[test]
fn reset_makes_a_database_where_there_is_none() {
    let project = super::project();
    project.run("reset").check(expect![[r#"
        $ seedbed reset
        created local.db
        applied V1 users (1 statement, [ms])
        applied V2 posts (2 statements, [ms])
        applied R__authors (2 statements, [ms])
        the database is at V2
        there are no seeds
        2> target: local local.db (default)
    "#]]);
}

#[test]
fn a_reset_that_fails_leaves_the_database_as_it_was() {
    let project = project().after("migrate").after("seed");
    let before = project.bytes("local.db");
    project.write("seeds/020_more.yaml", "users:\n  other: {id: 1, name: x}\n");
    project.run("reset --yes").check(expect![[r#"
        $ seedbed reset --yes
        2> target: local local.db (default)
        2> error[same-value]: `users.admin` and `users.other` have the same `id`, of which there can be only one
        2>  --> seeds/020_more.yaml:2:15
        2>   |
        2> 2 |   other: {id: 1, name: x}
        2>   |               ^
        2>   |
        2>   = note: the other is here: seeds/010_users.yaml:2:15
        2>   = help: give one of the two another value, or remove it
        2>
        2> nothing was changed: local.db is as it was
        exit 4
    "#]]);
    project.write("migrations/V3__broken.sql", "CREATE TABEL x (a);\n");
    project.run("reset --yes").check(expect![[r#"
        $ seedbed reset --yes
        2> target: local local.db (default)
        2> error[statement-failed]: V3 failed: near "TABEL": syntax error
        2>  --> migrations/V3__broken.sql:1:8
        2>   |
        2> 1 | CREATE TABEL x (a);
        2>   |        ^^^^^
        2>   |
        2>   = note: rolled back: V1, V2 and V3
        2>   = help: fix migrations/V3__broken.sql:1, then run `seedbed reset` again
        2>
        2> nothing was changed: local.db is as it was
        exit 1
    "#]]);
    let document = project.run("reset --yes --format json").json();
    assert_eq!(document["database_version"], 2, "{document}");
    assert_eq!(document["items"], serde_json::json!([]), "{document}");
    assert!(project.bytes("local.db") == before);
    assert!(
        !project
            .files()
            .iter()
            .any(|name| name.contains("-building-"))
    );
}

fn refused(project: &Project, line: &str, expect: Expect) {
    let before = project.bytes("local.db");
    project.run(line).check(expect);
    assert!(project.bytes("local.db") == before);
}

#[test]
fn reset_is_for_local_files_only() {
    let project = project().env("TURSO_DATABASE_URL", "http://127.0.0.1:9");
    for line in [
        "reset --database :memory:",
        "reset --database http://127.0.0.1:9",
        "reset --mode replica",
    ] {
        let ran = project.run(line);
        assert_eq!(ran.code, Some(2), "{ran}");
        assert!(ran.stderr.contains("error[not-local]"), "{ran}");
    }
    refused(
        &project,
        "reset --database :memory:",
        expect![[r#"
        $ seedbed reset --database :memory:
        2> target: memory :memory: (--database)
        2> error[not-local]: reset replaces local files, and this database is in mode memory
        2>   |
        2>   = help: `--database FILE` names a file
        exit 2
    "#]],
    );
    // A replica's file is one too, and has more beside it.
    project.change(&["CREATE TABLE t (a)"]);
    project.write("local.db-info", "{}");
    refused(
        &project,
        "reset --database local.db --yes",
        expect![[r#"
        $ seedbed reset --database local.db --yes
        2> target: local local.db (--database)
        2> error[replica]: local.db is the file of a replica
        2>   |
        2>   = help: `seedbed replica reset` removes it with what belongs to it
        exit 2
    "#]],
    );
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
    refused(
        &project,
        "reset --env dev --yes",
        expect![[r#"
        $ seedbed reset --env dev --yes
        2> target: local local.db (default)
        2> error[other-environment]: this database is marked `test`, and not `dev`
        2>   |
        2>   = help: check whether this is the database that you meant; a file that is not needed can be deleted by hand
        exit 4
    "#]],
    );
    // Unless another is named, it stays what it is.
    let project = project.after("reset --yes");
    let mark = "SELECT detail FROM _migrations WHERE version = 'environment'";
    assert_eq!(project.ask(mark), "test");
    project.remove_database("local.db");
    let project = project.after("migrate").after("seed --env prod");
    refused(
        &project,
        "reset --yes",
        expect![[r#"
        $ seedbed reset --yes
        2> target: local local.db (default)
        2> error[other-environment]: this database is marked `prod`, and is not deleted
        2>   |
        2>   = help: check whether this is the database that you meant; a file that is not needed can be deleted by hand
        exit 4
    "#]],
    );
    refused(
        &project,
        "reset --env prod --yes",
        expect![[r#"
        $ seedbed reset --env prod --yes
        2> target: local local.db (default)
        2> error[other-environment]: this database is marked `prod`, and is not deleted
        2>   |
        2>   = help: check whether this is the database that you meant; a file that is not needed can be deleted by hand
        exit 4
    "#]],
    );
}

#[test]
fn reset_takes_a_backup_of_rows_that_neither_migrations_nor_seeds_have_made() {
    let project = project().after("migrate").after("seed");
    let project = project.after("reset --yes");
    assert!(!project.path("backups").exists());
    project.change(&[
        "INSERT INTO users VALUES (9, 'Zoe'), (10, 'Ed')",
        "CREATE TABLE mine (a)",
        "INSERT INTO mine VALUES (1)",
    ]);
    let ran = project.run("reset --yes");
    assert_eq!(ran.code, Some(0), "{ran}");
    let words = "1 row of mine, 2 rows of users come from neither migrations nor seeds: saved in ";
    assert!(ran.stderr.contains(words), "{ran}");
    let backup = std::fs::read_dir(project.path("backups")).unwrap();
    let backup = backup
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .find(|name| name.ends_with(".sql.gz"))
        .unwrap();
    let project = project.after(&format!("restore backups/{backup} --database old.db"));
    let rows = [
        "SELECT count(*) FROM users WHERE id IN (9, 10)",
        "SELECT a FROM mine",
    ];
    assert_eq!(project.ask_of("old.db", rows), ["2", "1"]);
    assert!(project.state().ends_with("tables: posts users"));
    // Without a backup, if the flag says so.
    project.change(&["INSERT INTO users VALUES (9, 'Zoe')"]);
    let count = || std::fs::read_dir(project.path("backups")).unwrap().count();
    let before = count();
    let ran = project.run("reset --yes --no-backup");
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(count(), before);
}

#[test]
fn reset_replaces_no_database_whose_rows_no_backup_can_hold() {
    let project = project().after("migrate");
    project.change(&[
        "CREATE TABLE n (a TEXT)",
        "INSERT INTO n VALUES ('x')",
        "PRAGMA writable_schema = ON",
        "INSERT INTO sqlite_schema VALUES ('index', 'i', 'n', 0, 'CREATE INDEX i ON n (a COLLATE nat)')",
    ]);
    let before = project.bytes("local.db");
    let ran = project.run("reset --yes");
    assert_ne!(ran.code, Some(0), "{ran}");
    assert_eq!(project.bytes("local.db"), before, "{ran}");
}

#[test]
fn reset_asks_before_it_replaces_a_database_with_tables() {
    let project = project();
    project.change(&["CREATE TABLE notes (a)", "INSERT INTO notes VALUES (1)"]);
    refused(
        &project,
        "reset",
        expect![[r#"
            $ seedbed reset
            2> target: local local.db (default)
            2> error[needs-yes]: reset will replace local.db and everything in it, and there is no terminal to ask at
            2>   |
            2>   = help: `seedbed reset --yes`
            exit 2
        "#]],
    );
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
    let ran = project.run("reset --yes --lock-timeout 0.1");
    assert_eq!(ran.code, Some(6), "{ran}");
    assert!(
        !project
            .files()
            .iter()
            .any(|name| name.contains("-building-"))
    );
}

#[test]
fn reset_takes_a_backup_of_tables_whose_names_are_those_of_the_turso_engine() {
    for table in ["turso_cdc", "turso_cdc_notes", "__turso_internal_notes"] {
        let project = project().after("migrate");
        project.change(&[
            &format!("CREATE TABLE {table} (a)"),
            &format!("INSERT INTO {table} VALUES ('precious')"),
        ]);
        let ran = project.run("reset --yes").to_string();
        assert!(ran.contains("backups/"), "{table}: {ran}");
    }
}
