//! Files and records that do not fit together, and records that are not ours.

use expect_test::expect;

use super::{USERS, applied, check};
use crate::project::Project;

#[test]
fn an_edited_file() {
    let project = Project::new()
        .migration("V1__users", USERS)
        .migration("V2__posts", "CREATE TABLE posts (x);\n")
        .after("migrate")
        .migration("V1__users", USERS.replace("TEXT", "TEXT NOT NULL"))
        .migration("V3__more", "CREATE TABLE more (x);\n");
    check(
        &project,
        "migrate",
        expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[edited]: V1 was changed after it was applied on [time] UTC
        2>  --> migrations/V1__users.sql:1
        2>   = help: put the file back as it was and write the change as a new migration; if the database is already as the file says, `seedbed repair 1` compares the schema and records the file
        2>
        2> --- V1 as applied
        2> +++ migrations/V1__users.sql
        2> @@ -1 +1 @@
        2> -CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
        2> +CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
        exit 4
    "#]],
    );
    check(
        &project,
        "status",
        expect![[r#"
        $ seedbed status
        state  version  name  applied at  took  checksum
        ✗ edited  V1  users  [time] UTC  [ms]  50830624
        ✓ applied  V2  posts  [time] UTC  [ms]  a6cd6540
        ○ pending  V3  more  88f36cab

        1 applied, 1 pending, 1 edited; the database is at V2

        error[edited]: V1 was changed after it was applied on [time] UTC
         --> migrations/V1__users.sql:1
          = help: put the file back as it was and write the change as a new migration; if the database is already as the file says, `seedbed repair 1` compares the schema and records the file

        --- V1 as applied
        +++ migrations/V1__users.sql
        @@ -1 +1 @@
        -CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
        +CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
        2> target: local local.db (default)
        exit 4
    "#]],
    );
    check(
        &project,
        "migrate --dry-run",
        expect![[r#"
        $ seedbed migrate --dry-run
        error[edited]: V1 was changed after it was applied on [time] UTC
         --> migrations/V1__users.sql:1
          = help: put the file back as it was and write the change as a new migration; if the database is already as the file says, `seedbed repair 1` compares the schema and records the file

        --- V1 as applied
        +++ migrations/V1__users.sql
        @@ -1 +1 @@
        -CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
        +CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);

        nothing would run before the errors are settled; nothing was changed
        2> target: local local.db (default)
        exit 4
    "#]],
    );
}

#[test]
fn a_missing_file() {
    let project = Project::new()
        .migration("V1__users", USERS)
        .migration("V2__posts", "CREATE TABLE posts (x);\n")
        .after("migrate")
        .migration("V3__more", "CREATE TABLE more (x);\n");
    project.remove("migrations/V1__users.sql");
    check(
        &project,
        "migrate",
        expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[missing]: V1__users was applied on [time] UTC and has no file any more
            2>   |
            2>   = help: bring the file back: `seedbed status --source 1 > migrations/V1__users.sql` writes it as it was applied
            2>   = help: if it is to be forgotten: `seedbed repair 1` removes its record, and drops nothing
            exit 4
        "#]],
    );
    check(
        &project,
        "status",
        expect![[r#"
            $ seedbed status
            state  version  name  applied at  took  checksum
            ✗ missing  V1  users  [time] UTC  [ms]  50830624
            ✓ applied  V2  posts  [time] UTC  [ms]  a6cd6540
            ○ pending  V3  more  88f36cab

            1 applied, 1 pending, 1 missing; the database is at V2

            error[missing]: V1__users was applied on [time] UTC and has no file any more
              |
              = help: bring the file back: `seedbed status --source 1 > migrations/V1__users.sql` writes it as it was applied
              = help: if it is to be forgotten: `seedbed repair 1` removes its record, and drops nothing
            2> target: local local.db (default)
            exit 4
        "#]],
    );
}

#[test]
fn a_file_below_the_newest() {
    let project = Project::new()
        .migration("V1__users", USERS)
        .migration("V3__posts", "CREATE TABLE posts (x);\n")
        .after("migrate")
        .migration("V2__late", "CREATE TABLE late (x);\n");
    check(
        &project,
        "migrate",
        expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[out-of-order]: V2 is not applied, but V3, which comes after it, is
        2>  --> migrations/V2__late.sql
        2>   = help: if no other database has applied it, give it the next free version: `seedbed renumber V2__late.sql`; or apply it late: `seedbed migrate --allow-out-of-order`
        exit 4
    "#]],
    );
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let project = applied()
        .migration("V1__users", "CREATE TABLE users (mail);\n")
        .migration("V2__posts", "COMMIT;\n")
        .migration("V2__more", "SELECT 1;\n")
        .migration("v4-last", "SELECT 1;\n")
        .migration("V5__open", "SELECT 'open;\n");
    check(
        &project,
        "migrate",
        expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[duplicate]: V2 is claimed by 2 files: migrations/V2__more.sql, migrations/V2__posts.sql
            2>  --> migrations/V2__more.sql
            2>   = help: keep the one that a database or another branch has, and give a new one the next free version: `seedbed renumber V2__more.sql` or `seedbed renumber V2__posts.sql`
            2>
            2> error[bad-name]: the name must have two underscores between its version and its words
            2>  --> migrations/v4-last.sql
            2>   = help: rename it to V4__last.sql
            2>
            2> error[edited]: V1 was changed after it was applied on [time] UTC
            2>  --> migrations/V1__users.sql:1
            2>   = help: put the file back as it was and write the change as a new migration; if the database is already as the file says, `seedbed repair 1` compares the schema and records the file
            2>
            2> --- V1 as applied
            2> +++ migrations/V1__users.sql
            2> @@ -1 +1 @@
            2> -CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
            2> +CREATE TABLE users (mail);
            2>
            2> error[syntax]: the string is never closed: a ' is missing
            2>  --> migrations/V5__open.sql:1:8
            2>   |
            2> 1 | SELECT 'open;
            2>   |        ^
            2>
            2> 4 errors
            exit 4
        "#]],
    );
    check(
        &project,
        "migrate --format json",
        expect![[r#"
            $ seedbed migrate --format json
            {
              "schema_version": 1,
              "command": "migrate",
              "mode": "local",
              "database": "local.db",
              "outcome": "problems",
              "exit_code": 4,
              "items": [],
              "problems": [
                {
                  "code": "duplicate",
                  "severity": "error",
                  "file": "migrations/V2__more.sql",
                  "line": null,
                  "column": null,
                  "message": "V2 is claimed by 2 files: migrations/V2__more.sql, migrations/V2__posts.sql",
                  "notes": [],
                  "help": "keep the one that a database or another branch has, and give a new one the next free version: `seedbed renumber V2__more.sql` or `seedbed renumber V2__posts.sql`"
                },
                {
                  "code": "bad-name",
                  "severity": "error",
                  "file": "migrations/v4-last.sql",
                  "line": null,
                  "column": null,
                  "message": "the name must have two underscores between its version and its words",
                  "notes": [],
                  "help": "rename it to V4__last.sql"
                },
                {
                  "code": "edited",
                  "severity": "error",
                  "file": "migrations/V1__users.sql",
                  "line": 1,
                  "column": null,
                  "message": "V1 was changed after it was applied on [time] UTC",
                  "notes": [],
                  "help": "put the file back as it was and write the change as a new migration; if the database is already as the file says, `seedbed repair 1` compares the schema and records the file"
                },
                {
                  "code": "syntax",
                  "severity": "error",
                  "file": "migrations/V5__open.sql",
                  "line": 1,
                  "column": 8,
                  "message": "the string is never closed: a ' is missing",
                  "notes": [],
                  "help": null
                }
              ]
            }
            2> target: local local.db (default)
            exit 4
        "#]],
    );
}

#[test]
fn a_version_that_does_not_exist() {
    let project = applied();
    check(
        &project,
        "migrate --to 7",
        expect![[r#"
        $ seedbed migrate --to 7
        2> target: local local.db (default)
        2> error[no-such-version]: there is no V7 among the files
        2>   |
        2>   = help: `seedbed status` lists them
        exit 4
    "#]],
    );
    check(
        &project,
        "undo --to 7",
        expect![[r#"
            $ seedbed undo --to 7
            2> target: local local.db (default)
            2> error[no-such-version]: there is no V7 among the applied migrations and the files
            2>   |
            2>   = help: `seedbed status` lists them
            exit 4
        "#]],
    );
    check(
        &project,
        "repair 7",
        expect![[r#"
        $ seedbed repair 7
        2> target: local local.db (default)
        2> error[no-such-version]: there is no V7 among the files and the applied migrations
        2>   |
        2>   = help: `seedbed status` lists them
        exit 4
    "#]],
    );
    check(
        &project,
        "repair R__views",
        expect![[r#"
        $ seedbed repair R__views
        2> target: local local.db (default)
        2> error[not-repairable]: R__views is not applied, so there is no record to repair
        2>   |
        2>   = help: `seedbed migrate` applies it; `seedbed baseline` records it as applied without running it
        exit 4
    "#]],
    );
    check(
        &project,
        "repair 7 --applied",
        expect![[r#"
        $ seedbed repair 7 --applied
        2> target: local local.db (default)
        2> error[not-repairable]: V7 was never started
        2>   |
        2>   = help: `seedbed status` shows how each migration stands
        exit 4
    "#]],
    );
    check(
        &project,
        "repair 1 --retry",
        expect![[r#"
        $ seedbed repair 1 --retry
        2> target: local local.db (default)
        2> error[not-repairable]: V1 has finished, so there is nothing to settle
        2>   |
        2>   = help: `seedbed status` shows how each migration stands
        exit 4
    "#]],
    );
    check(
        &project,
        "baseline 7",
        expect![[r#"
            $ seedbed baseline 7
            2> target: local local.db (default)
            2> error[no-such-version]: there is no V7 among the files
            2>   |
            2>   = help: `seedbed status` lists them
            exit 4
        "#]],
    );
    check(
        &project,
        "renumber 7",
        expect![[r#"
            $ seedbed renumber 7
            2> target: local local.db (default)
            2> error[no-such-version]: there is no V7 among the files
            2>   |
            2>   = help: `seedbed status` lists them
            exit 4
        "#]],
    );
}

#[test]
fn undo_without_a_down_file() {
    check(
        &applied(),
        "undo",
        expect![[r#"
            $ seedbed undo
            2> target: local local.db (default)
            2> error[no-down]: V1__users cannot be undone: no down file was recorded with it
            2>   |
            2>   = help: write migrations/V1__users.down.sql, then `seedbed repair` records it
            exit 4
        "#]],
    );
    check(
        &applied(),
        "undo --dry-run",
        expect![[r#"
            $ seedbed undo --dry-run
            error[no-down]: V1__users cannot be undone: no down file was recorded with it
              |
              = help: write migrations/V1__users.down.sql, then `seedbed repair` records it

            nothing would be undone before the errors are settled; nothing was changed
            2> target: local local.db (default)
            exit 4
        "#]],
    );
}

#[test]
fn a_table_of_that_name_that_is_not_ours() {
    let project = Project::new().migration("V1__users", USERS);
    project.change(&["CREATE TABLE _migrations (id INTEGER PRIMARY KEY, name TEXT)"]);
    for (line, expect) in [
        (
            "migrate",
            expect![[r#"
                $ seedbed migrate
                2> target: local local.db (default)
                2> error[not-ours]: the table _migrations in this database is not Seedbed's
                2>   |
                2>   = help: check that this is the database that you meant
                2>   = help: if the table belongs to another program, give the history another name: `table = "NAME"` in [migrations] of config.toml, for example "_seed_migrations"
                2>   = help: if no program needs the table, rename it (`ALTER TABLE "_migrations" RENAME TO "_migrations_old"`); then `seedbed baseline V` records the migrations that the database has already
                exit 4
            "#]],
        ),
        (
            "status",
            expect![[r#"
                $ seedbed status
                2> target: local local.db (default)
                2> error[not-ours]: the table _migrations in this database is not Seedbed's
                2>   |
                2>   = help: check that this is the database that you meant
                2>   = help: if the table belongs to another program, give the history another name: `table = "NAME"` in [migrations] of config.toml, for example "_seed_migrations"
                2>   = help: if no program needs the table, rename it (`ALTER TABLE "_migrations" RENAME TO "_migrations_old"`); then `seedbed baseline V` records the migrations that the database has already
                exit 4
            "#]],
        ),
        (
            "undo --format json",
            expect![[r#"
                $ seedbed undo --format json
                {
                  "schema_version": 1,
                  "command": "undo",
                  "mode": "local",
                  "database": "local.db",
                  "outcome": "problems",
                  "exit_code": 4,
                  "items": [],
                  "problems": [
                    {
                      "code": "not-ours",
                      "severity": "error",
                      "file": null,
                      "line": null,
                      "column": null,
                      "message": "the table _migrations in this database is not Seedbed's",
                      "notes": [],
                      "help": "check that this is the database that you meant\nif the table belongs to another program, give the history another name: `table = \"NAME\"` in [migrations] of config.toml, for example \"_seed_migrations\"\nif no program needs the table, rename it (`ALTER TABLE \"_migrations\" RENAME TO \"_migrations_old\"`); then `seedbed baseline V` records the migrations that the database has already"
                    }
                  ]
                }
                2> target: local local.db (default)
                exit 4
            "#]],
        ),
        (
            "baseline 1",
            expect![[r#"
                $ seedbed baseline 1
                2> target: local local.db (default)
                2> error[not-ours]: the table _migrations in this database is not Seedbed's
                2>   |
                2>   = help: check that this is the database that you meant
                2>   = help: if the table belongs to another program, give the history another name: `table = "NAME"` in [migrations] of config.toml, for example "_seed_migrations"
                2>   = help: if no program needs the table, rename it (`ALTER TABLE "_migrations" RENAME TO "_migrations_old"`); then `seedbed baseline V` records the migrations that the database has already
                exit 4
            "#]],
        ),
    ] {
        check(&project, line, expect);
    }
}

#[test]
fn a_view_or_an_index_of_that_name_is_in_the_way_and_the_help_removes_it() {
    for (statement, expect) in [
        (
            "CREATE VIEW _migrations AS SELECT 1 AS x",
            expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[not-ours]: the view _migrations in this database is not Seedbed's
            2>   |
            2>   = help: check that this is the database that you meant
            2>   = help: if the view belongs to another program, give the history another name: `table = "NAME"` in [migrations] of config.toml, for example "_seed_migrations"
            2>   = help: if no program needs the view, drop it (`DROP VIEW "_migrations"`); then `seedbed baseline V` records the migrations that the database has already
            exit 4
        "#]],
        ),
        (
            "CREATE INDEX _Migrations ON t (x)",
            expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[not-ours]: the index _migrations in this database is not Seedbed's
            2>   |
            2>   = help: check that this is the database that you meant
            2>   = help: if the index belongs to another program, give the history another name: `table = "NAME"` in [migrations] of config.toml, for example "_seed_migrations"
            2>   = help: if no program needs the index, drop it (`DROP INDEX "_migrations"`); then `seedbed baseline V` records the migrations that the database has already
            exit 4
        "#]],
        ),
    ] {
        let project = Project::new().migration("V1__users", USERS);
        project.change(&["CREATE TABLE t (x)", statement]);
        let ran = project.run("migrate");
        let shown = ran.to_string();
        ran.check(expect);
        let typed = shown.split('`').find(|it| it.starts_with("DROP "));
        project.change(&[typed.unwrap()]);
        project.after("migrate");
    }
    let project = Project::new().migration("V1__users", USERS);
    project.change(&["CREATE TABLE _migrations (id INTEGER PRIMARY KEY)"]);
    let shown = project.run("migrate").to_string();
    let typed = shown.split('`').find(|it| it.starts_with("ALTER TABLE "));
    project.change(&[typed.unwrap()]);
    project.after("migrate");
}

#[test]
fn records_of_a_newer_version() {
    let project = applied().migration("V2__posts", "CREATE TABLE posts (x);\n");
    project.change(&["UPDATE _migrations SET detail = '99' WHERE version = 'layout'"]);
    check(
        &project,
        "migrate",
        expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[newer-layout]: _migrations has layout 99, written by a newer Seedbed; this one knows layouts up to 2
        2>   |
        2>   = help: upgrade seedbed to the version that the others use
        exit 4
    "#]],
    );
    check(
        &project,
        "status",
        expect![[r#"
        $ seedbed status
        2> target: local local.db (default)
        2> error[newer-layout]: _migrations has layout 99, written by a newer Seedbed; this one knows layouts up to 2
        2>   |
        2>   = help: upgrade seedbed to the version that the others use
        exit 4
    "#]],
    );
    check(
        &project,
        "repair",
        expect![[r#"
        $ seedbed repair
        2> target: local local.db (default)
        2> error[newer-layout]: _migrations has layout 99, written by a newer Seedbed; this one knows layouts up to 2
        2>   |
        2>   = help: upgrade seedbed to the version that the others use
        exit 4
    "#]],
    );
}

#[test]
fn records_that_were_meddled_with() {
    let project = applied().migration("V2__posts", "CREATE TABLE posts (x);\n");
    project.change(&["UPDATE _migrations SET state = 'maybe' WHERE version = 1"]);
    check(
        &project,
        "migrate",
        expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[unreadable-history]: the history holds a row that cannot be read: V1 is in state Text("maybe")
        2>   |
        2>   = help: no Seedbed writes such a row: put back what was changed by hand, or restore a backup
        exit 4
    "#]],
    );
    let project = applied().migration("V2__posts", "CREATE TABLE posts (x);\n");
    project.change(&["DELETE FROM _migrations WHERE version = 'revision'"]);
    check(
        &project,
        "migrate",
        expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[unreadable-history]: the history holds a row that cannot be read: the revision is missing
        2>   |
        2>   = help: no Seedbed writes such a row: put back what was changed by hand, or restore a backup
        exit 4
    "#]],
    );
}

#[test]
fn a_migration_that_was_started_and_never_finished() {
    let project = applied()
        .migration(
            "V2__bare",
            "-- seedbed: no-transaction\nCREATE TABLE half (x);\nCREATE TABLE half (x);\n",
        )
        .migration("V3__posts", "CREATE TABLE posts (x);\n");
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> this run takes 1 transaction, and 1 outside of any; V2 runs outside of a transaction; if one fails, those before it stay committed
        2> error[statement-failed]: V2 failed: table half already exists
        2>  --> migrations/V2__bare.sql:3:14
        2>   |
        2> 3 | CREATE TABLE half (x);
        2>   |              ^^^^
        2>   |
        2>   = note: this is statement 2 of 2
        2>   = note: V2 runs outside of a transaction: statement 1 of 2 has happened, and it is recorded as started
        2>   = help: fix migrations/V2__bare.sql:3
        2>   = help: then resolve it: do the rest by hand and `seedbed repair 2 --applied`; or undo what has happened and `seedbed repair 2 --retry`, and `seedbed migrate` runs all of it again
        2>
        2> the database is at V1
        exit 1
    "#]]);
    assert_eq!(
        project.state(),
        "recorded: V1 V2:started; tables: half users"
    );
    check(
        &project,
        "migrate --lock-timeout 0",
        expect![[r#"
            $ seedbed migrate --lock-timeout 0
            2> target: local local.db (default)
            2> error[lock-timeout]: V2 was started on [time] UTC by seedbed [version], here, outside of a transaction, and has not finished
            2>   |
            2>   = note: waited for it for [ms]
            2>   = help: if no process runs it any more, look at what it did and resolve it: `seedbed repair 2 --applied` if all of it is in the database, `seedbed repair 2 --retry` if it is to run again
            2>
            2> nothing was changed
            exit 6
        "#]],
    );
    check(
        &project,
        "status",
        expect![[r#"
        $ seedbed status
        state  version  name  applied at  took  checksum
        ✓ applied  V1  users  [time] UTC  [ms]  50830624
        … started  V2  bare  [time] UTC  9dcaf10c
        ○ pending  V3  posts  a6cd6540

        1 applied, 1 pending, 1 started; the database is at V1

        error[started]: V2 was started on [time] UTC by seedbed [version], here, outside of a transaction, and has not finished
          |
          = help: if no process runs it any more, look at what it did and resolve it: `seedbed repair 2 --applied` if all of it is in the database, `seedbed repair 2 --retry` if it is to run again
        2> target: local local.db (default)
        exit 4
    "#]],
    );
    check(
        &project,
        "undo --lock-timeout 0.3",
        expect![[r#"
            $ seedbed undo --lock-timeout 0.3
            2> target: local local.db (default)
            2> error[started]: V2 was started on [time] UTC by seedbed [version], here, outside of a transaction, and has not finished
            2>   |
            2>   = help: if no process runs it any more, look at what it did and resolve it: `seedbed repair 2 --applied` if all of it is in the database, `seedbed repair 2 --retry` if it is to run again
            2>
            2> error[no-down]: V2__bare cannot be undone: no down file was recorded with it
            2>   |
            2>   = help: write migrations/V2__bare.down.sql, then `seedbed repair` records it
            2>
            2> 2 errors
            exit 4
        "#]],
    );
}
