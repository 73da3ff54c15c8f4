//! The commands that change a database.

use expect_test::expect;

use super::project;
use crate::project::Project;

#[test]
fn migrate_applies_what_is_pending_and_then_has_nothing_to_do() {
    let project = project();
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        applied V1 users (1 statement, [ms])
        applied V2 posts (2 statements, [ms])
        applied R__authors (2 statements, [ms])
        the database is at V2
        2> target: local local.db (default)
    "#]]);
    assert_eq!(
        project.state(),
        "recorded: V1 V2 R__authors; tables: posts users"
    );
    let after = project.bytes("local.db");
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        nothing to do: the database is at V2
        2> target: local local.db (default)
    "#]]);
    assert!(project.bytes("local.db") == after);
}

#[test]
fn migrate_as_json() {
    let project = project();
    project
        .run("migrate --to 1 --format json")
        .check(expect![[r#"
            $ seedbed migrate --to 1 --format json
            {
              "schema_version": 1,
              "command": "migrate",
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
                }
              ],
              "problems": [
                {
                  "code": "repeatables-pending",
                  "severity": "warning",
                  "file": null,
                  "line": null,
                  "column": null,
                  "message": "R__authors stays pending: repeatables are not applied with `--to`",
                  "notes": [],
                  "help": "`seedbed migrate` without `--to` applies them, after all versions"
                }
              ],
              "database_version": 1
            }
            2> target: local local.db (default)
        "#]]);
    project.run("migrate --format json").check(expect![[r#"
        $ seedbed migrate --format json
        {
          "schema_version": 1,
          "command": "migrate",
          "mode": "local",
          "database": "local.db",
          "outcome": "done",
          "exit_code": 0,
          "items": [
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
          "database_version": 2
        }
        2> target: local local.db (default)
    "#]]);
    project.run("migrate --format json").check(expect![[r#"
        $ seedbed migrate --format json
        {
          "schema_version": 1,
          "command": "migrate",
          "mode": "local",
          "database": "local.db",
          "outcome": "nothing-to-do",
          "exit_code": 0,
          "items": [],
          "problems": [],
          "database_version": 2
        }
        2> target: local local.db (default)
    "#]]);
}

#[test]
fn migrate_up_to_a_version() {
    let project = project();
    project.run("migrate --to V1").check(expect![[r#"
        $ seedbed migrate --to V1
        applied V1 users (1 statement, [ms])
        the database is at V1
        2> target: local local.db (default)
        2> warning[repeatables-pending]: R__authors stays pending: repeatables are not applied with `--to`
        2>   |
        2>   = help: `seedbed migrate` without `--to` applies them, after all versions
    "#]]);
    assert_eq!(project.state(), "recorded: V1; tables: users");
}

#[test]
fn migrate_in_transactions_of_their_own() {
    let project = project();
    project.run("migrate --tx each").check(expect![[r#"
        $ seedbed migrate --tx each
        applied V1 users (1 statement, [ms])
        applied V2 posts (2 statements, [ms])
        applied R__authors (2 statements, [ms])
        the database is at V2
        2> target: local local.db (default)
        2> this run takes 3 transactions; if one fails, those before it stay committed
    "#]]);
}

#[test]
fn migrate_late() {
    let project = project()
        .after("migrate")
        .migration("V4__tags", "CREATE TABLE tags (name TEXT);\n")
        .after("migrate")
        .migration("V3__late", "CREATE TABLE late (x);\n");
    project
        .run("migrate --allow-out-of-order")
        .check(expect![[r#"
            $ seedbed migrate --allow-out-of-order
            applied V3 late (1 statement, [ms])
            the database is at V4
            2> target: local local.db (default)
        "#]]);
    assert_eq!(
        project.state(),
        "recorded: V1 V2 R__authors V4 V3; tables: late posts tags users"
    );
}

#[test]
fn migrate_where_an_older_release_is_deployed() {
    let project = project().after("migrate");
    project.remove("migrations/V2__posts.sql");
    project.remove("migrations/V2__posts.down.sql");
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        nothing to do: the database is at V2
        2> target: local local.db (default)
        2> warning[ahead]: the database is ahead of these files: V2 is applied, and the newest file is V1
        2>   |
        2>   = help: nothing has to be done where an older release is deployed; otherwise bring the newer files back
    "#]]);
}

#[test]
fn migrate_where_only_comments_were_edited() {
    let project = project().after("migrate").migration(
        "V1__users",
        "-- who signed up\nCREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL);\n",
    );
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        nothing to do: the database is at V2
        2> target: local local.db (default)
        2> warning[comments-edited]: comments or spaces of V1 were changed after it was applied on [time] UTC
        2>  --> migrations/V1__users.sql
        2>   = help: `seedbed repair` records the file as it is
    "#]]);
    project.run("repair").check(expect![[r#"
        $ seedbed repair
        corrected V1 users in the records
        the database is at V2
        2> target: local local.db (default)
    "#]]);
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        nothing to do: the database is at V2
        2> target: local local.db (default)
    "#]]);
}

#[test]
fn migrate_in_memory() {
    let project = project();
    project
        .run("migrate --database :memory:")
        .check(expect![[r#"
            $ seedbed migrate --database :memory:
            applied V1 users (1 statement, [ms])
            applied V2 posts (2 statements, [ms])
            applied R__authors (2 statements, [ms])
            the database is at V2
            2> target: memory :memory: (--database)
        "#]]);
    assert_eq!(project.bytes("local.db"), None);
}

#[test]
fn a_dry_run_tells_each_statement_and_changes_nothing() {
    let project = project();
    project.run("migrate --dry-run").check(expect![[r#"
        $ seedbed migrate --dry-run
        3 migrations would run in 1 transaction

        transaction 1 of 1
          V1 users  migrations/V1__users.sql
            migrations/V1__users.sql:1:1  creates table users (2 columns)
          V2 posts  migrations/V2__posts.sql
            creates table posts (2 columns), index posts_by_author on posts
              migrations/V2__posts.sql:1:1  creates table posts (2 columns)
              migrations/V2__posts.sql:2:1  creates index posts_by_author on posts
          R__authors  migrations/R__authors.sql
            drops view authors, creates view authors
              migrations/R__authors.sql:1:1  drops view authors
              migrations/R__authors.sql:2:1  creates view authors

        nothing was changed; no version is applied
        2> target: local local.db (default)
    "#]]);
    assert_eq!(project.bytes("local.db"), None);
    project
        .run("migrate --dry-run --tx each --to 1 --format json")
        .check(expect![[r#"
            $ seedbed migrate --dry-run --tx each --to 1 --format json
            {
              "schema_version": 1,
              "command": "migrate",
              "mode": "local",
              "database": "local.db",
              "outcome": "planned",
              "exit_code": 0,
              "items": [
                {
                  "kind": "migration",
                  "version": 1,
                  "name": "users",
                  "state": "pending",
                  "checksum": "f202577af96fe5ff413f6456e176f80eb994ac7d349d89f8707fa32f79cef931",
                  "applied_at": null,
                  "duration_ms": null,
                  "file": "migrations/V1__users.sql"
                }
              ],
              "problems": [
                {
                  "code": "repeatables-pending",
                  "severity": "warning",
                  "file": null,
                  "line": null,
                  "column": null,
                  "message": "R__authors stays pending: repeatables are not applied with `--to`",
                  "notes": [],
                  "help": "`seedbed migrate` without `--to` applies them, after all versions"
                }
              ],
              "database_version": null,
              "scripts": 1,
              "statements": [
                {
                  "column": 1,
                  "file": "migrations/V1__users.sql",
                  "line": 1,
                  "sql": "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL)",
                  "words": "creates table users (2 columns)"
                }
              ]
            }
            2> target: local local.db (default)
        "#]]);
    assert_eq!(project.bytes("local.db"), None);
    let project = project.after("migrate");
    project.run("migrate --dry-run").check(expect![[r#"
        $ seedbed migrate --dry-run
        nothing is pending: the database is at V2
        2> target: local local.db (default)
    "#]]);
    project
        .run("migrate --dry-run --format json")
        .check(expect![[r#"
            $ seedbed migrate --dry-run --format json
            {
              "schema_version": 1,
              "command": "migrate",
              "mode": "local",
              "database": "local.db",
              "outcome": "nothing-to-do",
              "exit_code": 0,
              "items": [],
              "problems": [],
              "database_version": 2,
              "scripts": 0,
              "statements": []
            }
            2> target: local local.db (default)
        "#]]);
}

#[test]
fn a_dry_run_tells_what_runs_in_which_transaction() {
    let project = Project::new()
        .migration(
            "V1__users",
            "CREATE TABLE users (id INTEGER PRIMARY KEY);\n",
        )
        .migration(
            "V2__rebuild",
            "CREATE TABLE next (id INTEGER PRIMARY KEY, name TEXT);\n\
             INSERT INTO next (id) SELECT id FROM users;\n\
             DROP TABLE users;\n\
             ALTER TABLE next RENAME TO users;\n",
        )
        .migration("V3__vacuum", "-- seedbed: no-transaction\nVACUUM;\n")
        .migration(
            "V4__trigger",
            "CREATE TRIGGER renamed AFTER UPDATE ON users BEGIN\n  SELECT 1;\nEND;\n\
             UPDATE users SET name = 'nobody' WHERE name IS NULL;\n",
        );
    project.run("migrate --dry-run").check(expect![[r#"
        $ seedbed migrate --dry-run
        4 migrations would run in 3 transactions, and 1 outside of any
          V2 runs with foreign keys off, which DROP TABLE needs
          V3 runs outside of a transaction
          if one fails, those before it stay committed

        transaction 1 of 3
          V1 users  migrations/V1__users.sql
            migrations/V1__users.sql:1:1  creates table users (1 column)

        transaction 2 of 3, with foreign keys off
          V2 rebuild  migrations/V2__rebuild.sql
            creates table next (2 columns), inserts rows into next, drops table users, renames table next to users
              migrations/V2__rebuild.sql:1:1  creates table next (2 columns)
              migrations/V2__rebuild.sql:2:1  inserts rows into next
              migrations/V2__rebuild.sql:3:1  drops table users
              migrations/V2__rebuild.sql:4:1  renames table next to users

        outside of a transaction, statement by statement
          V3 vacuum  migrations/V3__vacuum.sql
            migrations/V3__vacuum.sql:2:1  vacuums

        transaction 3 of 3
          V4 trigger  migrations/V4__trigger.sql
            creates trigger renamed on users, updates users
              migrations/V4__trigger.sql:1:1  creates trigger renamed on users
              migrations/V4__trigger.sql:4:1  updates users

        nothing was changed; no version is applied
        2> target: local local.db (default)
    "#]]);
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        applied V1 users (1 statement, [ms])
        applied V2 rebuild (4 statements, [ms])
        applied V3 vacuum (1 statement, [ms])
        applied V4 trigger (2 statements, [ms])
        the database is at V4
        2> target: local local.db (default)
        2> this run takes 3 transactions, and 1 outside of any; V2 runs with foreign keys off, which DROP TABLE needs; V3 runs outside of a transaction; if one fails, those before it stay committed
    "#]]);
}

#[test]
fn undo_takes_back_the_newest() {
    let project = project().after("migrate");
    project.run("undo --dry-run").check(expect![[r#"
        $ seedbed undo --dry-run
        1 migration would be undone in 1 transaction
          V2 runs with foreign keys off, which DROP TABLE needs

        transaction 1 of 1, with foreign keys off
          V2 posts  V2__posts.down.sql (as recorded)
            drops view authors, table posts
              V2__posts.down.sql (as recorded):1:1  drops table posts
          R__authors made again if its view authors is gone by then  R__authors.sql (as recorded)
            drops view authors, creates view authors
              R__authors.sql (as recorded):1:1  drops view authors
              R__authors.sql (as recorded):2:1  creates view authors

        nothing was changed; the database is at V2
        2> target: local local.db (default)
    "#]]);
    project
        .run("undo --dry-run --format json")
        .check(expect![[r#"
            $ seedbed undo --dry-run --format json
            {
              "schema_version": 1,
              "command": "undo",
              "mode": "local",
              "database": "local.db",
              "outcome": "planned",
              "exit_code": 0,
              "items": [
                {
                  "kind": "migration",
                  "version": 2,
                  "name": null,
                  "state": "applied",
                  "checksum": null,
                  "applied_at": null,
                  "duration_ms": null,
                  "file": "V2__posts.down.sql (as recorded)"
                },
                {
                  "kind": "repeatable",
                  "version": "authors",
                  "name": "authors",
                  "state": "applied",
                  "checksum": "f8fe37c4d37795ac97a20d1ae661a731d36af3aab7481e5081c416441dfce57d",
                  "applied_at": null,
                  "duration_ms": null,
                  "file": "R__authors.sql (as recorded)",
                  "reason": "made again if its view authors is gone by then"
                }
              ],
              "problems": [],
              "database_version": 2,
              "scripts": 1,
              "statements": [
                {
                  "column": 1,
                  "file": "V2__posts.down.sql (as recorded)",
                  "line": 1,
                  "sql": "DROP TABLE posts",
                  "words": "drops table posts"
                },
                {
                  "column": 1,
                  "file": "R__authors.sql (as recorded)",
                  "line": 1,
                  "sql": "DROP VIEW IF EXISTS authors",
                  "words": "drops view authors"
                },
                {
                  "column": 1,
                  "file": "R__authors.sql (as recorded)",
                  "line": 2,
                  "sql": "CREATE VIEW authors AS SELECT DISTINCT author FROM posts",
                  "words": "creates view authors"
                }
              ]
            }
            2> target: local local.db (default)
        "#]]);
    assert_eq!(
        project.state(),
        "recorded: V1 V2 R__authors; tables: posts users"
    );
    project.run("undo").check(expect![[r#"
        $ seedbed undo
        undone V2 posts (1 statement)
        the database is at V1
        2> target: local local.db (default)
        2> warning[repeatable-pending]: R__authors is pending: what it makes was dropped, and it cannot be created again on this schema
        2>   |
        2>   = help: the next `seedbed migrate` makes it again, after the versions that are pending then
    "#]]);
    assert_eq!(project.state(), "recorded: V1 R__authors; tables: users");
    project.run("undo --to 0 --format json").check(expect![[r#"
            $ seedbed undo --to 0 --format json
            {
              "schema_version": 1,
              "command": "undo",
              "mode": "local",
              "database": "local.db",
              "outcome": "done",
              "exit_code": 0,
              "items": [
                {
                  "kind": "migration",
                  "version": 1,
                  "name": "users",
                  "state": "pending",
                  "checksum": null,
                  "applied_at": null,
                  "duration_ms": null,
                  "file": null
                }
              ],
              "problems": [],
              "database_version": null
            }
            2> target: local local.db (default)
        "#]]);
    project.run("undo").check(expect![[r#"
        $ seedbed undo
        nothing to do: no version is applied
        2> target: local local.db (default)
    "#]]);
}

#[test]
fn undo_runs_what_was_recorded_from_a_checkout_without_the_files() {
    let project = project().after("migrate");
    for file in ["V1__users", "V1__users.down", "V2__posts", "V2__posts.down"] {
        project.remove(format!("migrations/{file}.sql"));
    }
    project.run("undo --steps 2 --tx each").check(expect![[r#"
        $ seedbed undo --steps 2 --tx each
        undone V2 posts (1 statement)
        undone V1 users (1 statement)
        no version is applied
        2> target: local local.db (default)
        2> this run takes 3 transactions; V2 runs with foreign keys off, which DROP TABLE needs; if one fails, those before it stay committed
        2> warning[repeatable-pending]: R__authors is pending: what it makes was dropped, and it cannot be created again on this schema
        2>   |
        2>   = help: the next `seedbed migrate` makes it again, after the versions that are pending then
    "#]]);
    assert_eq!(project.state(), "recorded: R__authors; tables: ");
}

#[test]
fn repair_records_an_edited_file_and_forgets_a_missing_one() {
    let project = project().after("migrate");
    project.write("migrations/V1__users.sql", "CREATE TABLE users (name);\n");
    project.remove("migrations/R__authors.sql");
    project.run("repair").check(expect![[r#"
        $ seedbed repair
        2> target: local local.db (default)
        2> error[edited]: V1 was changed after it was applied on [time] UTC
        2>  --> migrations/V1__users.sql:1
        2>   = help: put the file back as it was and write the change as a new migration; if the database is already as the file says, `seedbed repair 1` compares the schema and records the file
        2>   = help: if no other database has applied it: `seedbed redo --steps 2` undoes the newest 2 by their recorded down texts and applies their files, V1 first
        2>
        2> --- V1 as applied
        2> +++ migrations/V1__users.sql
        2> @@ -1 +1 @@
        2> -CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
        2> +CREATE TABLE users (name);
        2>
        2> the records of R__authors were corrected before by this run, and stay so
        exit 4
    "#]]);
    project.run("repair 1 --no-verify").check(expect![[r#"
        $ seedbed repair 1 --no-verify
        corrected V1 users in the records
        the database is at V2
        2> target: local local.db (default)
        2> warning[not-verified]: V1 was recorded without comparing the schema with its file
    "#]]);
    project.run("repair V1 --format json").check(expect![[r#"
        $ seedbed repair V1 --format json
        {
          "schema_version": 1,
          "command": "repair",
          "mode": "local",
          "database": "local.db",
          "outcome": "nothing-to-do",
          "exit_code": 0,
          "items": [],
          "problems": [],
          "database_version": 2
        }
        2> target: local local.db (default)
    "#]]);
    project.remove("migrations/V1__users.sql");
    project.remove("migrations/V1__users.down.sql");
    project.run("repair 1").check(expect![[r#"
        $ seedbed repair 1
        removed V1 users from the records
        the database is at V2
        2> target: local local.db (default)
    "#]]);
    assert_eq!(project.state(), "recorded: V2; tables: posts users");
}

#[test]
fn repair_settles_a_migration_that_was_started() {
    let half = || {
        let project = Project::new().migration(
            "V1__half",
            "-- seedbed: no-transaction\nCREATE TABLE IF NOT EXISTS half (x);\nINSERT INTO half VALUES (nothing);\n",
        );
        assert_eq!(project.run("migrate").code, Some(1));
        assert_eq!(project.state(), "recorded: V1:started; tables: half");
        project
    };
    let project = half();
    project.run("repair 1").check(expect![[r#"
        $ seedbed repair 1
        2> target: local local.db (default)
        2> error[not-repairable]: V1 was started and has not finished
        2>   |
        2>   = help: say which: `--applied` if all of it is in the database, `--retry` if it is to run again
        exit 4
    "#]]);
    project.run("repair 1 --applied").check(expect![[r#"
        $ seedbed repair 1 --applied
        corrected V1 half in the records
        the database is at V1
        2> target: local local.db (default)
    "#]]);
    assert_eq!(project.state(), "recorded: V1; tables: half");
    let project = half();
    project.run("repair 1 --retry").check(expect![[r#"
        $ seedbed repair 1 --retry
        removed V1 half from the records
        no version is applied
        2> target: local local.db (default)
    "#]]);
    assert_eq!(project.state(), "recorded: ; tables: half");
    project.write(
        "migrations/V1__half.sql",
        "-- seedbed: no-transaction\nCREATE TABLE IF NOT EXISTS half (x);\n",
    );
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        applied V1 half (1 statement, [ms])
        the database is at V1
        2> target: local local.db (default)
        2> warning[already-there]: no migration is recorded, and the database has half already: this statement does not change it
        2>  --> migrations/V1__half.sql:2:1
        2>   |
        2> 2 | CREATE TABLE IF NOT EXISTS half (x);
        2>   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        2>   |
        2>   = help: if this database has the schema of some migrations already, `seedbed baseline V` records those up to V without running them
        2>   = help: if another tool made it, and its history table has another name than usual: `seedbed adopt --from TOOL --table NAME`
    "#]]);
}

#[test]
fn baseline_records_what_is_there_already() {
    let project = project();
    project.change(&[
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL)",
        "CREATE TABLE posts (id INTEGER PRIMARY KEY, author INTEGER REFERENCES users (id))",
        "CREATE INDEX posts_by_author ON posts (author)",
        "INSERT INTO users (name) VALUES ('ada')",
    ]);
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[statement-failed]: V1 failed: table users already exists
        2>  --> migrations/V1__users.sql:1:14
        2>   |
        2> 1 | CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
        2>   |              ^^^^^
        2>   |
        2>   = note: rolled back: V1
        2>   = help: fix migrations/V1__users.sql:1, then run `seedbed migrate` again
        2>   = help: if this database has the schema already, `seedbed baseline V` records the migrations up to V without running them; if another tool keeps its records in a table of another name, `seedbed adopt --from TOOL --table NAME` takes them over
        2>
        2> nothing of this run is in the database; no version is applied
        exit 1
    "#]]);
    project.run("baseline 2").check(expect![[r#"
        $ seedbed baseline 2
        recorded V1 users as applied
        recorded V2 posts as applied
        the database is at V2
        2> target: local local.db (default)
    "#]]);
    project.run("status").check(expect![[r#"
        $ seedbed status
        state  version  name  applied at  took  checksum
        ✓ applied  V1  users  [time] UTC  baseline  f202577a
        ✓ applied  V2  posts  [time] UTC  baseline  6c514698
        ○ pending  R  authors  f8fe37c4

        2 applied, 1 pending; the database is at V2
        2> target: local local.db (default)
    "#]]);
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        applied R__authors (2 statements, [ms])
        the database is at V2
        2> target: local local.db (default)
    "#]]);
    assert_eq!(project.ask("SELECT name FROM users"), "ada");
    project.run("baseline 2").check(expect![[r#"
        $ seedbed baseline 2
        nothing to do: the database is at V2
        2> target: local local.db (default)
    "#]]);
}

#[test]
fn baseline_refuses_a_schema_that_differs() {
    let project = project();
    project.change(&["CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)"]);
    let before = project.bytes("local.db");
    project.run("baseline 2").check(expect![[r#"
        $ seedbed baseline 2
        2> target: local local.db (default)
        2> error[drift]: the schema of this database differs from the schema that the migrations up to V2 make
        2>   |
        2>   = note: table posts is missing
        2>           table users is different
        2>           index posts_by_author is missing
        2>   = help: give the version that the database really has, or make the two schemas equal; `seedbed baseline 2 --no-verify` records it anyway
        2>
        2> --- as the migrations make it
        2> +++ as it is
        2> @@ -1 +1 @@
        2> -CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL)
        2> +CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)
        2>
        2> nothing was recorded
        exit 5
    "#]]);
    project.run("baseline 2 --format json").check(expect![[r#"
        $ seedbed baseline 2 --format json
        {
          "schema_version": 1,
          "command": "baseline",
          "mode": "local",
          "database": "local.db",
          "outcome": "differs",
          "exit_code": 5,
          "items": [],
          "problems": [
            {
              "code": "drift",
              "severity": "error",
              "file": null,
              "line": null,
              "column": null,
              "message": "the schema of this database differs from the schema that the migrations up to V2 make",
              "notes": [
                "table posts is missing\ntable users is different\nindex posts_by_author is missing"
              ],
              "help": "give the version that the database really has, or make the two schemas equal; `seedbed baseline 2 --no-verify` records it anyway"
            }
          ],
          "summary": "nothing was recorded"
        }
        2> target: local local.db (default)
        exit 5
    "#]]);
    assert!(project.bytes("local.db") == before);
    project.run("baseline 2 --no-verify").check(expect![[r#"
        $ seedbed baseline 2 --no-verify
        recorded V1 users as applied
        recorded V2 posts as applied
        the database is at V2
        2> target: local local.db (default)
    "#]]);
    assert_eq!(project.state(), "recorded: V1 V2; tables: users");
}
