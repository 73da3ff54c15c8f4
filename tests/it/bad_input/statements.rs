//! Statements that cannot be, or that fail.

use expect_test::expect;

use super::{applied, check, failing, refused};
use crate::project::Project;

#[test]
fn an_unterminated_string() {
    refused(
        "V2__string",
        "CREATE TABLE posts (x);\nINSERT INTO posts VALUES ('it''s);\nINSERT INTO posts VALUES (1);\n",
        expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[syntax]: the string is never closed: a ' is missing
            2>  --> migrations/V2__string.sql:2:27
            2>   |
            2> 2 | INSERT INTO posts VALUES ('it''s);
            2>   |                           ^
            exit 4
        "#]],
    );
    refused(
        "V2__name",
        "CREATE TABLE \"posts (x);\n",
        expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[syntax]: the quoted name is never closed: a " is missing
        2>  --> migrations/V2__name.sql:1:14
        2>   |
        2> 1 | CREATE TABLE "posts (x);
        2>   |              ^
        exit 4
    "#]],
    );
    refused(
        "V2__bracket",
        "CREATE TABLE [posts (x);\n",
        expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[syntax]: the quoted name is never closed: a ] is missing
        2>  --> migrations/V2__bracket.sql:1:14
        2>   |
        2> 1 | CREATE TABLE [posts (x);
        2>   |              ^
        exit 4
    "#]],
    );
}

#[test]
fn an_unterminated_comment() {
    refused(
        "V2__comment",
        "CREATE TABLE posts (x);\n/* and then\nCREATE TABLE more (x);\n",
        expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[syntax]: the comment is never closed: a */ is missing
            2>  --> migrations/V2__comment.sql:2:1
            2>   |
            2> 2 | /* and then
            2>   | ^
            exit 4
        "#]],
    );
}

#[test]
fn an_unterminated_trigger() {
    refused(
        "V2__trigger",
        "CREATE TRIGGER renamed AFTER UPDATE ON users BEGIN\n  SELECT 1;\n  SELECT 2;\n",
        expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[syntax]: the trigger is never closed: `; END` is missing after the last statement of its body
            2>  --> migrations/V2__trigger.sql:1:1
            2>   |
            2> 1 | CREATE TRIGGER renamed AFTER UPDATE ON users BEGIN
            2>   | ^
            exit 4
        "#]],
    );
}

#[test]
fn statements_that_begin_or_end_transactions() {
    refused(
        "V2__transaction",
        "BEGIN;\nCREATE TABLE posts (x);\nCOMMIT;\nCREATE TABLE more (x);\nBEGIN;\nCOMMIT;\n",
        expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[transaction-control]: BEGIN in a migration: Seedbed itself begins and commits the transaction (and 3 more in this file)
            2>  --> migrations/V2__transaction.sql:1:1
            2>   |
            2> 1 | BEGIN;
            2>   | ^^^^^
            2>   |
            2>   = note: this statement is outside of BEGIN and COMMIT: migrations/V2__transaction.sql:4:1
            2>   = help: remove every BEGIN and COMMIT: the statements of a file run in one transaction already. What cannot run in one goes into a file of its own with `-- seedbed: no-transaction` at its top
            exit 4
        "#]],
    );
    refused(
        "V2__rollback",
        "CREATE TABLE posts (x);\nROLLBACK;\n",
        expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[transaction-control]: ROLLBACK in a migration: Seedbed itself begins and commits the transaction
            2>  --> migrations/V2__rollback.sql:2:1
            2>   |
            2> 2 | ROLLBACK;
            2>   | ^^^^^^^^
            2>   |
            2>   = note: ROLLBACK would undo what the file did before
            2>   = help: remove what is rolled back, with its BEGIN and ROLLBACK
            exit 4
        "#]],
    );
    refused(
        "V2__others",
        "BEGIN IMMEDIATE TRANSACTION;\nEND TRANSACTION;\n/* so */ end;\n",
        expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[transaction-control]: BEGIN in a migration: Seedbed itself begins and commits the transaction (and 2 more in this file)
            2>  --> migrations/V2__others.sql:1:1
            2>   |
            2> 1 | BEGIN IMMEDIATE TRANSACTION;
            2>   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^
            2>   |
            2>   = note: no BEGIN comes before this END: migrations/V2__others.sql:3:10
            2>   = help: remove every BEGIN and COMMIT: the statements of a file run in one transaction already. What cannot run in one goes into a file of its own with `-- seedbed: no-transaction` at its top
            exit 4
        "#]],
    );
    refused(
        "V2__savepoint",
        "SAVEPOINT one;\nCREATE TABLE posts (x);\nRELEASE two;\n",
        expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[savepoint]: there is no open savepoint two here
            2>  --> migrations/V2__savepoint.sql:3:1
            2>   |
            2> 3 | RELEASE two;
            2>   | ^^^^^^^^^^^
            2>   |
            2>   = help: each SAVEPOINT needs its RELEASE in the same file
            2>
            2> error[savepoint]: the savepoint one is never released
            2>  --> migrations/V2__savepoint.sql:1:1
            2>   |
            2> 1 | SAVEPOINT one;
            2>   | ^^^^^^^^^^^^^
            2>   |
            2>   = help: each SAVEPOINT needs its RELEASE in the same file
            2>
            2> 2 errors
            exit 4
        "#]],
    );
    refused(
        "V2__bare",
        "-- seedbed: no-transaction\nBEGIN;\nCREATE TABLE posts (x);\n",
        expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[transaction-control]: BEGIN in a migration: each BEGIN needs its COMMIT
            2>  --> migrations/V2__bare.sql:2:1
            2>   |
            2> 2 | BEGIN;
            2>   | ^^^^^
            2>   |
            2>   = note: no COMMIT ends the transaction of this BEGIN
            2>   = help: each BEGIN needs its COMMIT in the same file
            exit 4
        "#]],
    );
}

#[test]
fn a_statement_that_changes_the_records() {
    refused(
        "V2__records",
        "DELETE FROM _migrations;\nDROP TABLE main._migrations;\n",
        expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[reserved-table]: this changes _migrations, where Seedbed keeps its records (and 1 more in this file)
            2>  --> migrations/V2__records.sql:1:13
            2>   |
            2> 1 | DELETE FROM _migrations;
            2>   |             ^^^^^^^^^^^
            2>   |
            2>   = help: these tables are Seedbed's own: use `seedbed repair`, `seedbed undo` or `seedbed baseline`
            exit 4
        "#]],
    );
}

#[test]
fn a_pragma_of_foreign_keys_warns_only_where_it_says_otherwise() {
    let project = applied()
        .migration(
            "V2__posts",
            "PRAGMA foreign_keys = OFF;\nCREATE TABLE posts (x);\nPRAGMA foreign_keys = ON;\n",
        )
        .migration("V3__more", "PRAGMA foreign_keys = ON;\nDROP TABLE posts;\n");
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        applied V2 posts (1 statement, [ms])
        applied V3 more (1 statement, [ms])
        the database is at V3
        2> target: local local.db (default)
        2> warning[foreign-keys-pragma]: PRAGMA foreign_keys has no effect inside a transaction, so it was taken out; foreign keys are off while this file runs
        2>  --> migrations/V3__more.sql:1:1
        2>   |
        2> 1 | PRAGMA foreign_keys = ON;
        2>   | ^^^^^^^^^^^^^^^^^^^^^^^^
        2>   |
        2>   = help: remove it; to decide yourself, write `-- seedbed: foreign-keys=off` (or `=on`) at the top of the file
    "#]]);
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        nothing to do: the database is at V3
        2> target: local local.db (default)
    "#]]);
    assert_eq!(project.state(), "recorded: V1 V2 V3; tables: users");
}

#[test]
fn a_function_of_an_application_is_not_there() {
    let project = applied().migration("V2__ids", "UPDATE users\n  SET name = gen_random_uuid();\n");
    project.run("check").check(expect![[r#"
        $ seedbed check
        2> error[fails]: no such function: gen_random_uuid
        2>  --> migrations/V2__ids.sql:2:14
        2>   |
        2> 2 |   SET name = gen_random_uuid();
        2>   |              ^^^^^^^^^^^^^^^
        2>   |
        2>   = help: the engine has no function gen_random_uuid: functions that an application registers on its connections, and extensions that it loads, are not there in a migration. Write the expression with built-in functions, or change these rows in the application
        exit 4
    "#]]);
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[statement-failed]: V2 failed: no such function: gen_random_uuid
        2>  --> migrations/V2__ids.sql:2:14
        2>   |
        2> 2 |   SET name = gen_random_uuid();
        2>   |              ^^^^^^^^^^^^^^^
        2>   |
        2>   = note: rolled back: V2
        2>   = help: fix migrations/V2__ids.sql:2, then run `seedbed migrate` again
        2>   = help: the engine has no function gen_random_uuid: functions that an application registers on its connections, and extensions that it loads, are not there in a migration. Write the expression with built-in functions, or change these rows in the application
        2>
        2> nothing of this run is in the database; the database is at V1
        exit 1
    "#]]);
}

#[test]
fn pragmas_that_do_nothing_are_named_until_they_are_applied() {
    let project = applied().migration(
        "V2__wal",
        "PRAGMA journal_mode = WAL;\nPRAGMA journal_mode = WAL;\nPRAGMA foreign_key = ON;\nCREATE TABLE posts (x);\n",
    );
    project.run("check").check(expect![[r#"
        $ seedbed check
        2 migrations are fine: 2 applied in memory, 0 of them undone and applied again
        1 of them applied to a database that exists, with rows in its tables
        2> warning[pragma-without-effect]: PRAGMA journal_mode has no effect inside a transaction, so it was taken out (and 1 more in this file)
        2>  --> migrations/V2__wal.sql:1:1
        2>   |
        2> 1 | PRAGMA journal_mode = WAL;
        2>   | ^^^^^^^^^^^^^^^^^^^^^^^^^
        2>   |
        2>   = help: put it into a file of its own, with `-- seedbed: no-transaction` at the top
        2>
        2> warning[unknown-pragma]: there is no PRAGMA foreign_key: SQLite ignores it silently
        2>  --> migrations/V2__wal.sql:3:1
        2>   |
        2> 3 | PRAGMA foreign_key = ON;
        2>   | ^^^^^^^^^^^^^^^^^^^^^^^
        2>   |
        2>   = help: did you mean `PRAGMA foreign_keys`?
        2>
        2> 2 warnings
    "#]]);
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        applied V2 wal (2 statements, [ms])
        the database is at V2
        2> target: local local.db (default)
        2> warning[pragma-without-effect]: PRAGMA journal_mode has no effect inside a transaction, so it was taken out (and 1 more in this file)
        2>  --> migrations/V2__wal.sql:1:1
        2>   |
        2> 1 | PRAGMA journal_mode = WAL;
        2>   | ^^^^^^^^^^^^^^^^^^^^^^^^^
        2>   |
        2>   = help: put it into a file of its own, with `-- seedbed: no-transaction` at the top
        2>
        2> warning[unknown-pragma]: there is no PRAGMA foreign_key: SQLite ignores it silently
        2>  --> migrations/V2__wal.sql:3:1
        2>   |
        2> 3 | PRAGMA foreign_key = ON;
        2>   | ^^^^^^^^^^^^^^^^^^^^^^^
        2>   |
        2>   = help: did you mean `PRAGMA foreign_keys`?
        2>
        2> 2 warnings
    "#]]);
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        nothing to do: the database is at V2
        2> target: local local.db (default)
    "#]]);
}

#[test]
fn the_transactions_of_a_file_outside_of_them_are_its_own() {
    let project = applied().migration(
        "V2__two",
        "-- seedbed: no-transaction\nBEGIN;\nCREATE TABLE posts (x);\nCOMMIT;\nVACUUM;\n",
    );
    project.run("check").check(expect![[r#"
        $ seedbed check
        2 migrations are fine: 2 applied in memory, 0 of them undone and applied again
        1 of them applied to a database that exists, with rows in its tables
    "#]]);
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        applied V2 two (4 statements, [ms])
        the database is at V2
        2> target: local local.db (default)
    "#]]);
    assert_eq!(project.state(), "recorded: V1 V2; tables: posts users");
}

#[test]
fn a_transaction_of_a_file_that_fails_is_rolled_back() {
    let project = applied().migration(
        "V2__two",
        "-- seedbed: no-transaction\nCREATE TABLE posts (x);\nBEGIN;\nDELETE FROM users;\nDELETE FROM nowhere;\nCOMMIT;\n",
    );
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[statement-failed]: V2 failed: no such table: nowhere
        2>  --> migrations/V2__two.sql:5:13
        2>   |
        2> 5 | DELETE FROM nowhere;
        2>   |             ^^^^^^^
        2>   |
        2>   = note: this is statement 4 of 5
        2>   = note: V2 runs outside of a transaction: statement 1 of 5 has happened, and it is recorded as started
        2>   = help: fix migrations/V2__two.sql:5
        2>   = help: then resolve it: do the rest by hand and `seedbed repair 2 --applied`; or undo what has happened and `seedbed repair 2 --retry`, and `seedbed migrate` runs all of it again
        2>
        2> the database is at V1
        exit 1
    "#]]);
    assert_eq!(
        project.state(),
        "recorded: V1 V2:started; tables: posts users"
    );
}

#[test]
fn a_semicolon_that_is_missing_between_two_statements() {
    let two = "CREATE TABLE posts (x)  -- of authors\nCREATE TABLE tags (y);\n";
    failing(
        &[("V2__posts", two.as_bytes())],
        expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[statement-failed]: V2 failed: near "CREATE": syntax error
            2>  --> migrations/V2__posts.sql:2:1
            2>   |
            2> 2 | CREATE TABLE tags (y);
            2>   | ^^^^^^
            2>   |
            2>   = note: rolled back: V2
            2>   = help: fix migrations/V2__posts.sql:2, then run `seedbed migrate` again
            2>   = help: if a new statement begins here, end the one before it with `;` (migrations/V2__posts.sql:1:23): both compile then
            2>
            2> nothing of this run is in the database; the database is at V1
            exit 1
        "#]],
    );
    let project = applied().migration("V2__posts", two);
    for command in ["check", "lint"] {
        let ran = project.run(command);
        assert!(
            ran.stderr
                .contains("(migrations/V2__posts.sql:1:23): both compile then")
                || ran
                    .stdout
                    .contains("(migrations/V2__posts.sql:1:23): both compile then"),
            "{ran}"
        );
    }
    project.write("migrations/V2__posts.sql", two.replace("(x)", "(x);"));
    let ran = project.run("migrate");
    assert_eq!(ran.code, Some(0), "{ran}");
}

#[test]
fn a_semicolon_that_is_missing_in_a_trigger() {
    let trigger = "CREATE TABLE log (x);\n\
                   CREATE TRIGGER made AFTER INSERT ON log BEGIN\n  DELETE FROM log\n  \
                   UPDATE log SET x = 1;\nEND;\n";
    let project = applied().migration("V2__log", trigger);
    let ran = project.run("migrate");
    assert!(
        ran.stderr.contains(
            "end the statement before it with `;` (migrations/V2__log.sql:3:18): the trigger compiles then"
        ),
        "{ran}"
    );
    project.write(
        "migrations/V2__log.sql",
        trigger.replace("FROM log\n", "FROM log;\n"),
    );
    let ran = project.run("migrate");
    assert_eq!(ran.code, Some(0), "{ran}");
}

#[test]
fn a_syntax_error_in_the_middle() {
    failing(
        &[
            ("V2__posts", b"CREATE TABLE posts (x);\n"),
            (
                "V3__more",
                b"-- three statements\nCREATE TABLE more (x);\nINSERT INTO more\n  VALUSE (1);\nCREATE TABLE most (x);\n",
            ),
        ],
        expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[statement-failed]: V3 failed: near "VALUSE": syntax error
            2>  --> migrations/V3__more.sql:4:3
            2>   |
            2> 4 |   VALUSE (1);
            2>   |   ^^^^^^
            2>   |
            2>   = note: this is statement 2 of 3
            2>   = note: rolled back: V2 and V3
            2>   = help: fix migrations/V3__more.sql:4, then run `seedbed migrate` again
            2>
            2> nothing of this run is in the database; the database is at V1
            exit 1
        "#]],
    );
}

#[test]
fn a_statement_about_what_is_not_there() {
    failing(
        &[
            ("V2__posts", b"CREATE TABLE posts (x);\n"),
            ("V3__typo", b"ALTER TABLE post ADD COLUMN y;\n"),
        ],
        expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[statement-failed]: V3 failed: no such table: post
            2>  --> migrations/V3__typo.sql:1:13
            2>   |
            2> 1 | ALTER TABLE post ADD COLUMN y;
            2>   |             ^^^^
            2>   |
            2>   = note: rolled back: V2 and V3
            2>   = help: fix migrations/V3__typo.sql:1, then run `seedbed migrate` again
            2>
            2> nothing of this run is in the database; the database is at V1
            exit 1
        "#]],
    );
    failing(
        &[("V2__column", b"CREATE INDEX by_mail ON users (mail);\n")],
        expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[statement-failed]: V2 failed: no such column: mail
            2>  --> migrations/V2__column.sql:1:32
            2>   |
            2> 1 | CREATE INDEX by_mail ON users (mail);
            2>   |                                ^^^^
            2>   |
            2>   = note: rolled back: V2
            2>   = help: fix migrations/V2__column.sql:1, then run `seedbed migrate` again
            2>
            2> nothing of this run is in the database; the database is at V1
            exit 1
        "#]],
    );
}

#[test]
fn a_failing_data_statement() {
    failing(
        &[(
            "V2__rows",
            b"INSERT INTO users (name) VALUES ('ada');\nINSERT INTO users (name)\nVALUES ('grace'), ('ada');\n",
        )],
        expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[constraint]: V2 failed: UNIQUE constraint failed: users.name
            2>  --> migrations/V2__rows.sql:2:1
            2>   |
            2> 2 | INSERT INTO users (name)
            2>   | ^^^^^^^^^^^^^^^^^^^^^^^^
            2>   |
            2>   = note: this is statement 2 of 2
            2>   = note: rolled back: V2
            2>   = help: correct migrations/V2__rows.sql:2, or the rows that are in the database, then run `seedbed migrate` again
            2>
            2> nothing of this run is in the database; the database is at V1
            exit 1
        "#]],
    );
    failing(
        &[(
            "V2__posts",
            b"CREATE TABLE posts (author INTEGER NOT NULL REFERENCES users (id));\nINSERT INTO posts VALUES (7);\n",
        )],
        expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[constraint]: V2 failed: FOREIGN KEY constraint failed
            2>  --> migrations/V2__posts.sql:2:1
            2>   |
            2> 2 | INSERT INTO posts VALUES (7);
            2>   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            2>   |
            2>   = note: this is statement 2 of 2
            2>   = note: rolled back: V2
            2>   = help: correct migrations/V2__posts.sql:2, or the rows that are in the database, then run `seedbed migrate` again
            2>
            2> nothing of this run is in the database; the database is at V1
            exit 1
        "#]],
    );
    failing(
        &[(
            "V2__raise",
            b"CREATE TRIGGER no BEFORE INSERT ON users BEGIN SELECT RAISE(ABORT, 'not today'); END;\n\
             INSERT INTO users (name) VALUES ('ada');\n",
        )],
        expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[constraint]: V2 failed: not today
            2>  --> migrations/V2__raise.sql:2:1
            2>   |
            2> 2 | INSERT INTO users (name) VALUES ('ada');
            2>   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            2>   |
            2>   = note: this is statement 2 of 2
            2>   = note: rolled back: V2
            2>   = help: correct migrations/V2__raise.sql:2, or the rows that are in the database, then run `seedbed migrate` again
            2>
            2> nothing of this run is in the database; the database is at V1
            exit 1
        "#]],
    );
    // RAISE(ROLLBACK) ends the transaction by itself.
    failing(
        &[(
            "V2__rollback",
            b"CREATE TRIGGER no BEFORE INSERT ON users BEGIN SELECT RAISE(ROLLBACK, 'not today'); END;\n\
             INSERT INTO users (name) VALUES ('ada');\n",
        )],
        expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[constraint]: V2 failed: not today
            2>  --> migrations/V2__rollback.sql:2:1
            2>   |
            2> 2 | INSERT INTO users (name) VALUES ('ada');
            2>   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            2>   |
            2>   = note: this is statement 2 of 2
            2>   = note: rolled back: V2
            2>   = help: correct migrations/V2__rollback.sql:2, or the rows that are in the database, then run `seedbed migrate` again
            2>
            2> nothing of this run is in the database; the database is at V1
            exit 1
        "#]],
    );
    failing(
        &[(
            "V2__conflict",
            b"INSERT OR ROLLBACK INTO users (id, name) VALUES (1, 'ada'), (1, 'ada');\n",
        )],
        expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[constraint]: V2 failed: UNIQUE constraint failed: users.id
            2>  --> migrations/V2__conflict.sql:1:1
            2>   |
            2> 1 | INSERT OR ROLLBACK INTO users (id, name) VALUES (1, 'ada'), (1, 'ada');
            2>   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            2>   |
            2>   = note: rolled back: V2
            2>   = help: correct migrations/V2__conflict.sql:1, or the rows that are in the database, then run `seedbed migrate` again
            2>
            2> nothing of this run is in the database; the database is at V1
            exit 1
        "#]],
    );
}

#[test]
fn a_rebuild_that_loses_rows_that_others_refer_to() {
    let project = applied()
        .migration(
            "V2__posts",
            "CREATE TABLE posts (author REFERENCES users (id));\n\
             INSERT INTO users (name) VALUES ('ada');\nINSERT INTO posts VALUES (1);\n",
        )
        .after("migrate")
        .migration(
            "V3__drop",
            "DROP TABLE users;\nCREATE TABLE users (id INTEGER PRIMARY KEY);\n",
        );
    check(
        &project,
        "migrate",
        expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[foreign-keys]: V3 leaves rows whose parent is gone
            2>  --> migrations/V3__drop.sql:1:1
            2>   |
            2> 1 | DROP TABLE users;
            2>   | ^^^^^^^^^^^^^^^^
            2>   |
            2>   = note: posts, row 1: author = 1 has no parent in users
            2>   = note: rolled back: V3
            2>   = help: let migrations/V3__drop.sql delete these rows, keep their parents, or change what they refer to, then run `seedbed migrate` again
            2>
            2> nothing of this run is in the database; the database is at V2
            exit 1
        "#]],
    );
}

#[test]
fn a_statement_that_is_not_for_a_transaction() {
    failing(
        &[("V2__vacuum", b"CREATE TABLE posts (x);\nVACUUM;\n")],
        expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[statement-failed]: V2 failed: cannot VACUUM from within a transaction
            2>  --> migrations/V2__vacuum.sql:2:1
            2>   |
            2> 2 | VACUUM;
            2>   | ^^^^^^
            2>   |
            2>   = note: this is statement 2 of 2
            2>   = note: rolled back: V2
            2>   = help: fix migrations/V2__vacuum.sql:2, then run `seedbed migrate` again
            2>   = help: such a statement runs in a file of its own, with `-- seedbed: no-transaction` at the top
            2>
            2> nothing of this run is in the database; the database is at V1
            exit 1
        "#]],
    );
}

#[test]
fn a_view_in_the_way_of_a_rebuild_is_named_with_the_statement_that_removes_it() {
    let rebuild = "CREATE TABLE n (id INTEGER PRIMARY KEY, x);\nINSERT INTO n SELECT id, 1 FROM t;\n\
                   DROP TABLE t;\nALTER TABLE n RENAME TO t;\n";
    let view = "CREATE VIEW \"the view\" AS SELECT id FROM t;\n";
    let project = Project::new()
        .migration(
            "V1__t",
            format!("CREATE TABLE t (id INTEGER PRIMARY KEY);\n{view}"),
        )
        .after("migrate")
        .migration("V2__t", rebuild);
    let ran = project.run("migrate");
    let shown = ran.to_string();
    ran.check(expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[statement-failed]: V2 failed: error in view the view: no such table: main.t
        2>  --> migrations/V2__t.sql:4:1
        2>   |
        2> 4 | ALTER TABLE n RENAME TO t;
        2>   | ^^^^^^^^^^^^^^^^^^^^^^^^^
        2>   |
        2>   = note: this is statement 4 of 4
        2>   = note: rolled back: V2
        2>   = help: fix migrations/V2__t.sql:4, then run `seedbed migrate` again
        2>   = help: ALTER TABLE compiles every view and trigger: write `DROP VIEW IF EXISTS "the view";` at the beginning of the file, and create the view again at its end
        2>
        2> nothing of this run is in the database; the database is at V1
        exit 1
    "#]]);
    let typed = shown.split('`').find(|it| it.starts_with("DROP VIEW"));
    let typed = typed.unwrap();
    let again = project.run("check").to_string();
    assert!(again.contains(typed), "{again}");
    project
        .migration("V2__t", format!("{typed}\n{rebuild}{view}"))
        .after("check")
        .after("migrate");
}
