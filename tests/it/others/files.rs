//! Files that hold instructions to another tool, and comments that were meant as directives: refused by every command
//! that would run them, with nothing changed.

use expect_test::{Expect, expect};

use crate::bad_input::untouched;
use crate::project::Project;

const BOTH: &str = "-- +goose Up\nCREATE TABLE IF NOT EXISTS users(id INTEGER PRIMARY KEY, n);\n\n\
                    -- +goose Down\nDROP TABLE IF EXISTS users;\n";

/// A project whose database has a table with two rows, and no history.
fn project() -> Project {
    let project = Project::new();
    project.change(&[
        "CREATE TABLE users(id INTEGER PRIMARY KEY, n)",
        "INSERT INTO users (n) VALUES (1), (2)",
    ]);
    project
}

fn check(project: &Project, line: &str, expect: Expect) {
    untouched(project, line).check(expect);
}

#[test]
fn a_file_of_both_directions() {
    let project = project().migration("V1__users", BOTH);
    check(
        &project,
        "check",
        expect![[r#"
            $ seedbed check
            2> error[other-tool]: this file is written for goose: its markers are comments to Seedbed, so the statements that apply the migration and those that undo it would all run
            2>  --> migrations/V1__users.sql:1:1
            2>   |
            2> 1 | -- +goose Up
            2>   | ^^^^^^^^^^^^
            2>   |
            2>   = note: further markers at
            2>           migrations/V1__users.sql:4:1 -- +goose Down
            2>   = help: put the statements below `-- +goose Down` into V1__users.down.sql and the others into V1__users.sql, and delete the markers
            exit 4
        "#]],
    );
    check(
        &project,
        "migrate",
        expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[other-tool]: this file is written for goose: its markers are comments to Seedbed, so the statements that apply the migration and those that undo it would all run
            2>  --> migrations/V1__users.sql:1:1
            2>   |
            2> 1 | -- +goose Up
            2>   | ^^^^^^^^^^^^
            2>   |
            2>   = note: further markers at
            2>           migrations/V1__users.sql:4:1 -- +goose Down
            2>   = help: put the statements below `-- +goose Down` into V1__users.down.sql and the others into V1__users.sql, and delete the markers
            2>
            2> warning[already-there]: no migration is recorded, and the database has users already: this statement does not change it
            2>  --> migrations/V1__users.sql:2:1
            2>   |
            2> 2 | CREATE TABLE IF NOT EXISTS users(id INTEGER PRIMARY KEY, n);
            2>   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            2>   |
            2>   = help: if this database has the schema of some migrations already, `seedbed baseline V` records those up to V without running them
            2>   = help: if another tool made it, and its history table has another name than usual: `seedbed adopt --from TOOL --table NAME`
            2>
            2> 1 error, 1 warning
            exit 4
        "#]],
    );
    check(
        &project,
        "migrate --dry-run",
        expect![[r#"
            $ seedbed migrate --dry-run
            error[other-tool]: this file is written for goose: its markers are comments to Seedbed, so the statements that apply the migration and those that undo it would all run
             --> migrations/V1__users.sql:1:1
              |
            1 | -- +goose Up
              | ^^^^^^^^^^^^
              |
              = note: further markers at
                      migrations/V1__users.sql:4:1 -- +goose Down
              = help: put the statements below `-- +goose Down` into V1__users.down.sql and the others into V1__users.sql, and delete the markers

            warning[already-there]: no migration is recorded, and the database has users already: this statement does not change it
             --> migrations/V1__users.sql:2:1
              |
            2 | CREATE TABLE IF NOT EXISTS users(id INTEGER PRIMARY KEY, n);
              | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: if this database has the schema of some migrations already, `seedbed baseline V` records those up to V without running them
              = help: if another tool made it, and its history table has another name than usual: `seedbed adopt --from TOOL --table NAME`

            1 error, 1 warning

            nothing would run before the errors are settled; nothing was changed
            2> target: local local.db (default)
            exit 4
        "#]],
    );
    check(
        &project,
        "status",
        expect![[r#"
            $ seedbed status
            state  version  name  checksum
            ○ pending  V1  users  51148ad1

            1 pending; no version is applied

            error[other-tool]: this file is written for goose: its markers are comments to Seedbed, so the statements that apply the migration and those that undo it would all run
             --> migrations/V1__users.sql:1:1
              |
            1 | -- +goose Up
              | ^^^^^^^^^^^^
              |
              = note: further markers at
                      migrations/V1__users.sql:4:1 -- +goose Down
              = help: put the statements below `-- +goose Down` into V1__users.down.sql and the others into V1__users.sql, and delete the markers

            warning[already-there]: no migration is recorded, and the database has users already: this statement does not change it
             --> migrations/V1__users.sql:2:1
              |
            2 | CREATE TABLE IF NOT EXISTS users(id INTEGER PRIMARY KEY, n);
              | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: if this database has the schema of some migrations already, `seedbed baseline V` records those up to V without running them
              = help: if another tool made it, and its history table has another name than usual: `seedbed adopt --from TOOL --table NAME`

            1 error, 1 warning
            2> target: local local.db (default)
            exit 4
        "#]],
    );
    check(
        &project,
        "baseline 1",
        expect![[r#"
            $ seedbed baseline 1
            2> target: local local.db (default)
            2> error[other-tool]: this file is written for goose: its markers are comments to Seedbed, so the statements that apply the migration and those that undo it would all run
            2>  --> migrations/V1__users.sql:1:1
            2>   |
            2> 1 | -- +goose Up
            2>   | ^^^^^^^^^^^^
            2>   |
            2>   = note: further markers at
            2>           migrations/V1__users.sql:4:1 -- +goose Down
            2>   = help: put the statements below `-- +goose Down` into V1__users.down.sql and the others into V1__users.sql, and delete the markers
            exit 4
        "#]],
    );
    assert_eq!(project.ask("SELECT count(*) FROM users"), "2");
    // What the help says.
    project.write(
        "migrations/V1__users.sql",
        "CREATE TABLE IF NOT EXISTS users(id INTEGER PRIMARY KEY, n);\n",
    );
    project.write(
        "migrations/V1__users.down.sql",
        "DROP TABLE IF EXISTS users;\n",
    );
    for line in ["check", "migrate"] {
        let ran = project.run(line);
        assert_eq!(ran.code, Some(0), "{ran}");
    }
    assert_eq!(project.ask("SELECT count(*) FROM users"), "2");
}

#[test]
fn a_new_name_alone_is_not_proposed_for_a_file_of_another_tool() {
    let project = project()
        .migration("20240101_users", BOTH)
        .migration(
            "20240102_posts.down",
            "-- migrate:down\nDROP TABLE posts;\n",
        )
        .migration("20240103_vacuum.up", "-- no-transaction\nVACUUM;\n")
        .migration("20240104_plain", "SELECT 1;\n")
        .migration("users", BOTH);
    check(
        &project,
        "check",
        expect![[r#"
            $ seedbed check
            2> error[mixed-layouts]: this folder holds migrations of more than one tool
            2>   |
            2>   = note: golang-migrate, geni or sqlx (reversible): migrations/20240102_posts.down.sql, migrations/20240103_vacuum.up.sql
            2>           goose: migrations/20240101_users.sql, migrations/20240104_plain.sql
            2>   = help: keep those of one tool in this folder, and move the others out of it
            2>   = help: or say which layout is meant, and each file that does not fit is reported: `--layout golang-migrate` or `--layout goose`
            exit 4
        "#]],
    );
}

#[test]
fn every_marker_in_every_kind_of_file() {
    for marker in [
        "-- +goose Up",
        "-- +goose Down",
        "-- +goose StatementBegin",
        "-- +goose StatementEnd",
        "-- +goose NO TRANSACTION",
        "-- +goose ENVSUB ON",
        "  --+GOOSE   down",
        "/* +goose Down */",
        "-- migrate:up",
        "-- migrate:down",
        "-- migrate:up transaction:false",
        "-- +migrate Up",
        "-- +migrate Down",
        "-- +migrate Up notransaction",
        "-- +migrate StatementBegin",
        "-- no-transaction",
    ] {
        for name in ["V1__a", "U1__a", "R__a", "V1__a.down"] {
            let project = Project::new().migration(name, format!("{marker}\nSELECT 1;\n"));
            if name == "V1__a.down" {
                project.write("migrations/V1__a.sql", "SELECT 1;\n");
            }
            for line in ["check", "migrate", "migrate --dry-run", "status"] {
                let ran = untouched(&project, line);
                assert_eq!(ran.code, Some(4), "{marker}: {ran}");
                assert!(
                    ran.to_string()
                        .contains("error[other-tool]: this file is written for"),
                    "{ran}"
                );
            }
        }
    }
}

/// Every file of both directions that a tool or a person writes runs neither.
#[test]
fn files_of_both_directions_of_any_tool() {
    for (up, down) in [
        ("", "---- create above / drop below ----"),
        ("-- +up", "-- +down"),
        ("-- ====  UP  ====", "-- ==== DOWN ===="),
        ("-- === up ===\nBEGIN;\nCOMMIT;", "-- === down ==="),
        ("-- atlas:txtar\n\n-- migration.sql --", "-- down.sql --"),
        ("--- migration:up", "--- migration:down"),
        ("-- migration:upgrade", "-- migration:downgrade"),
        ("-- @UP", "-- @DOWN"),
        ("-- Up:", "-- Down:"),
        ("-- Migration Up", "-- Migration Down"),
        ("/* Up */", "/* Down */"),
        ("", "--@UNDO"),
        ("", "-- @UNDO"),
        ("", "-- UNDO"),
        ("", "-- ROLLBACK"),
    ] {
        let text = format!(
            "{up}\nCREATE TABLE IF NOT EXISTS users(id);\n{down}\nDROP TABLE IF EXISTS users;\n"
        );
        let project = project().migration("V1__users", text);
        let ran = untouched(&project, "migrate").to_string();
        assert!(
            ran.contains("error[other-tool]") && ran.contains("those that undo it would all run"),
            "{ran}"
        );
        let help = format!(
            "put the statements below `{down}` into V1__users.down.sql and the others into V1__users.sql"
        );
        assert!(ran.contains(&help), "{ran}");
        assert_eq!(project.ask("SELECT count(*) FROM users"), "2");
    }
    for marker in ["-- transactional: false", "---- tern: disable-tx ----"] {
        let project = Project::new().migration("V1__a", format!("{marker}\nVACUUM;\n"));
        let ran = untouched(&project, "migrate").to_string();
        assert!(ran.contains("write `-- seedbed: no-transaction`"), "{ran}");
    }
}

#[test]
fn comments_of_columns_and_rows_are_no_headings() {
    let project = Project::new().migration(
        "V1__a",
        "CREATE TABLE links(up INTEGER, -- up\n down INTEGER -- down\n);\n\
         CREATE TABLE dir(n, c);\nINSERT INTO dir VALUES (1,'u'), -- Up\n (2,'d'); -- Down\n\
         /* see\n +goose Down of the old file\n*/\nINSERT INTO dir VALUES (3,'x');\n",
    );
    for line in ["check", "migrate"] {
        let ran = project.run(line);
        assert_eq!(ran.code, Some(0), "{ran}");
    }
    assert_eq!(project.ask("SELECT count(*) FROM dir"), "3");
}

/// A word of direction may be the title of what it stands above.
#[test]
fn titles_above_tables_and_rows_are_no_headings() {
    let project = Project::new().migration(
        "V1__a",
        "CREATE TABLE docs(id INTEGER PRIMARY KEY);\n\n-- Undo\nCREATE TABLE undo_log(id, doc);\n\n\
         CREATE TABLE dir(n);\n-- Up\nINSERT INTO dir VALUES ('up');\n-- Down\nINSERT INTO dir VALUES ('down');\n",
    );
    for line in ["check", "migrate"] {
        let ran = project.run(line);
        assert_eq!(ran.code, Some(0), "{ran}");
    }
    assert_eq!(project.ask("SELECT count(*) FROM dir"), "2");
}

#[test]
fn strings_names_and_sentences_are_no_markers() {
    let project = Project::new().migration(
        "V1__a",
        "-- this was +goose Up once, and seedbed runs it now\n--> statement-breakpoint\n\
         CREATE TABLE \"-- +goose Down\" (x DEFAULT '\n-- migrate:down\n');\n\
         -- Seedbed: see the README\n",
    );
    for line in ["check", "migrate"] {
        let ran = project.run(line);
        assert_eq!(ran.code, Some(0), "{ran}");
        assert!(!ran.to_string().contains("warning"), "{ran}");
    }
}

#[test]
fn a_comment_that_is_meant_as_a_directive() {
    let project = Project::new()
        .migration("V1__a", "-- Seedbed: no-transaction\nSELECT 1;\n")
        .migration("V2__b", "-- seedbed foreign-keys=off\nSELECT 1;\n")
        .migration("V3__c", "/* seedbed: no-transaction */\nSELECT 1;\n")
        .migration("V4__d", "SELECT 1;\n-- seedbed: no-transaction\n")
        .migration("V5__e", "-- seedbed: foreign-keys = on\nSELECT 1;\n");
    check(
        &project,
        "migrate",
        expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[directive]: this comment is meant as a directive, and is not written as one: it has no effect
        2>  --> migrations/V1__a.sql:1:1
        2>   |
        2> 1 | -- Seedbed: no-transaction
        2>   | ^^^^^^^^^^^^^^^^^^^^^^^^^^
        2>   |
        2>   = help: write `-- seedbed: no-transaction`
        2>
        2> error[directive]: this comment is meant as a directive, and is not written as one: it has no effect
        2>  --> migrations/V2__b.sql:1:1
        2>   |
        2> 1 | -- seedbed foreign-keys=off
        2>   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^
        2>   |
        2>   = help: write `-- seedbed: foreign-keys=off`
        2>
        2> error[directive]: this comment is meant as a directive, and is not written as one: it has no effect
        2>  --> migrations/V3__c.sql:1:4
        2>   |
        2> 1 | /* seedbed: no-transaction */
        2>   |    ^^^^^^^^^^^^^^^^^^^^^^^
        2>   |
        2>   = help: write `-- seedbed: no-transaction`
        2>
        2> error[directive]: this directive stands below a statement
        2>  --> migrations/V4__d.sql:2:1
        2>   |
        2> 2 | -- seedbed: no-transaction
        2>   | ^^^^^^^^^^^^^^^^^^^^^^^^^^
        2>   |
        2>   = help: directives stand at the top of a file: move it above the first statement
        2>
        2> error[directive]: there is no directive `foreign-keys = on`
        2>  --> migrations/V5__e.sql:1:1
        2>   |
        2> 1 | -- seedbed: foreign-keys = on
        2>   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        2>   |
        2>   = help: write `-- seedbed: foreign-keys=on`
        2>
        2> 5 errors
        exit 4
    "#]],
    );
    check(
        &project,
        "check",
        expect![[r#"
        $ seedbed check
        2> error[directive]: this comment is meant as a directive, and is not written as one: it has no effect
        2>  --> migrations/V1__a.sql:1:1
        2>   |
        2> 1 | -- Seedbed: no-transaction
        2>   | ^^^^^^^^^^^^^^^^^^^^^^^^^^
        2>   |
        2>   = help: write `-- seedbed: no-transaction`
        2>
        2> error[directive]: this comment is meant as a directive, and is not written as one: it has no effect
        2>  --> migrations/V2__b.sql:1:1
        2>   |
        2> 1 | -- seedbed foreign-keys=off
        2>   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^
        2>   |
        2>   = help: write `-- seedbed: foreign-keys=off`
        2>
        2> error[directive]: this comment is meant as a directive, and is not written as one: it has no effect
        2>  --> migrations/V3__c.sql:1:4
        2>   |
        2> 1 | /* seedbed: no-transaction */
        2>   |    ^^^^^^^^^^^^^^^^^^^^^^^
        2>   |
        2>   = help: write `-- seedbed: no-transaction`
        2>
        2> error[directive]: this directive stands below a statement
        2>  --> migrations/V4__d.sql:2:1
        2>   |
        2> 2 | -- seedbed: no-transaction
        2>   | ^^^^^^^^^^^^^^^^^^^^^^^^^^
        2>   |
        2>   = help: directives stand at the top of a file: move it above the first statement
        2>
        2> error[directive]: there is no directive `foreign-keys = on`
        2>  --> migrations/V5__e.sql:1:1
        2>   |
        2> 1 | -- seedbed: foreign-keys = on
        2>   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        2>   |
        2>   = help: write `-- seedbed: foreign-keys=on`
        2>
        2> 5 errors
        exit 4
    "#]],
    );
}

#[test]
fn a_file_that_was_applied_as_it_is_stays_as_it_is() {
    let project = Project::new()
        .migration("V1__users", "CREATE TABLE users (id);\n")
        .after("migrate")
        // As if an earlier version had applied it.
        .migration("V1__users", "-- migrate:up\nCREATE TABLE users (id);\n")
        .after("repair")
        .migration("V2__posts", "CREATE TABLE posts (id);\n");
    for line in ["status", "migrate", "status"] {
        let ran = project.run(line);
        assert_eq!(ran.code, Some(0), "{ran}");
        assert!(!ran.to_string().contains("other-tool"), "{ran}");
    }
    assert_eq!(project.state(), "recorded: V1 V2; tables: posts users");
    // A new database gets none of it.
    let ran = project.run("migrate --database new.db");
    assert_eq!(ran.code, Some(4), "{ran}");
}

#[test]
fn a_recorded_down_text_of_another_tool_is_not_run() {
    let project = Project::new()
        .migration("V1__users", "CREATE TABLE users (id);\n")
        .down("V1__users", "DROP TABLE users;\n")
        .after("migrate")
        .down(
            "V1__users",
            "-- +goose Up\nCREATE TABLE users (id);\n-- +goose Down\nDROP TABLE users;\n",
        )
        .after("repair");
    check(
        &project,
        "undo",
        expect![[r#"
            $ seedbed undo
            2> target: local local.db (default)
            2> error[other-tool]: this file is written for goose: its markers are comments to Seedbed, so the statements that apply the migration and those that undo it would all run
            2>  --> V1__users.down.sql (as recorded):1:1
            2>   |
            2> 1 | -- +goose Up
            2>   | ^^^^^^^^^^^^
            2>   |
            2>   = note: further markers at
            2>           V1__users.down.sql (as recorded):3:1 -- +goose Down
            2>   = help: correct the down file (keep only the statements that undo the migration, and delete the markers); then `seedbed repair` records it
            exit 4
        "#]],
    );
    let project = project
        .down("V1__users", "DROP TABLE users;\n")
        .after("repair")
        .after("undo");
    assert_eq!(project.state(), "recorded: ; tables: ");
}

#[test]
fn a_published_file_is_not_judged_by_its_comments() {
    let git = |project: &Project, line: &str| {
        let mut git = project.other("git");
        git.args(["-c", "user.name=a", "-c", "user.email=a@example.com"]);
        let output = git.args(line.split_whitespace()).output().unwrap();
        assert!(output.status.success(), "{line}: {output:?}");
    };
    let project =
        Project::new().migration("V1__users", "-- migrate:up\nCREATE TABLE users (id);\n");
    git(&project, "init --quiet");
    git(&project, "symbolic-ref HEAD refs/heads/main");
    git(&project, "add .");
    git(&project, "commit --quiet --message first");
    git(&project, "checkout --quiet -b feature");
    let project = project.migration("V2__posts", "-- migrate:up\nCREATE TABLE posts (id);\n");
    check(
        &project,
        "check --base main",
        expect![[r#"
        $ seedbed check --base main
        2> error[other-tool]: this file is written for dbmate: its markers are comments to Seedbed
        2>  --> migrations/V2__posts.sql:1:1
        2>   |
        2> 1 | -- migrate:up
        2>   | ^^^^^^^^^^^^^
        2>   |
        2>   = help: delete the marker
        exit 4
    "#]],
    );
    project.write("migrations/V2__posts.sql", "CREATE TABLE posts (id);\n");
    check(
        &project,
        "check --base main",
        expect![[r#"
        $ seedbed check --base main
        2 migrations are fine: 2 applied in memory, 0 of them undone and applied again
        1 of them applied to a database that exists, with rows in its tables
    "#]],
    );
}
