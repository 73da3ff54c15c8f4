//! Databases that are none, or that others hold.

use expect_test::expect;

use super::{USERS, applied, check};
use crate::locks::Lock;
use crate::project::Project;

#[test]
fn a_file_that_is_not_a_database() {
    let project = Project::new().migration("V1__users", USERS).file(
        "local.db",
        "This is a text, and a long one: it does not begin as a database does.\n".repeat(20),
    );
    check(
        &project,
        "migrate",
        expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[not-a-database]: cannot read the database: file is not a database
        2>   |
        2>   = help: the file is something else, or encrypted: check whether it is the one that you meant, or name another with `--database FILE`
        exit 1
    "#]],
    );
    check(
        &project,
        "status --format json",
        expect![[r#"
        $ seedbed status --format json
        {
          "schema_version": 1,
          "command": "status",
          "mode": "local",
          "database": "local.db",
          "outcome": "failed",
          "exit_code": 1,
          "items": [],
          "problems": [
            {
              "code": "not-a-database",
              "severity": "error",
              "file": null,
              "line": null,
              "column": null,
              "message": "cannot read the database: file is not a database",
              "notes": [],
              "help": "the file is something else, or encrypted: check whether it is the one that you meant, or name another with `--database FILE`"
            }
          ]
        }
        2> target: local local.db (default)
        exit 1
    "#]],
    );
}

#[test]
fn a_database_that_is_cut_off() {
    let project = applied().migration("V2__posts", "CREATE TABLE posts (x);\n");
    let whole = project.bytes("local.db").unwrap();
    project.write("local.db", &whole[..whole.len() / 2]);
    check(
        &project,
        "migrate",
        expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[corrupt]: cannot read the database: database disk image is malformed
        2>   |
        2>   = help: copy the file before anything else, then see what `PRAGMA integrity_check` says of it, or restore a backup
        exit 1
    "#]],
    );
}

#[test]
fn a_directory_in_place_of_the_database() {
    let project = Project::new()
        .migration("V1__users", USERS)
        .file("local.db/file", "");
    check(
        &project,
        "migrate",
        expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[database-path]: the path of the database, [root]/local.db, is a folder
            2>   |
            2>   = help: name another file with `--database FILE`
            exit 1
        "#]],
    );
    check(
        &project,
        "status",
        expect![[r#"
            $ seedbed status
            2> target: local local.db (default)
            2> error[database-path]: the path of the database, [root]/local.db, is a folder
            2>   |
            2>   = help: name another file with `--database FILE`
            exit 1
        "#]],
    );
}

#[test]
fn a_database_in_a_folder_that_is_missing() {
    let project = Project::new().migration("V1__users", USERS);
    check(
        &project,
        "migrate --database data/app.db",
        expect![[r#"
            $ seedbed migrate --database data/app.db
            2> target: local data/app.db (--database)
            2> error[cannot-open]: cannot open the database [root]/data/app.db: unable to open database file
            2>   |
            2>   = help: check whether the folder [root]/data exists, and whether you may read and write it
            2>
            2> nothing was changed; no version is applied
            exit 1
        "#]],
    );
    check(
        &project,
        "status --database data/app.db",
        expect![[r#"
            $ seedbed status --database data/app.db
            state  version  name  checksum
            ○ pending  V1  users  50830624

            1 pending; no version is applied
            2> target: local data/app.db (--database)
        "#]],
    );
}

#[test]
fn a_locked_database() {
    let project = applied().migration("V2__posts", "CREATE TABLE posts (x);\n");
    let before = project.bytes("local.db");
    let lock = Lock::take(&project, Lock::ALONE);
    let ran = project.run("migrate --lock-timeout 0.3");
    lock.release();
    ran.check(expect![[r#"
        $ seedbed migrate --lock-timeout 0.3
        2> target: local local.db (default)
        2> error[lock-timeout]: cannot read the database: database is locked
        2>   |
        2>   = help: run it again once the other connection has finished, or wait longer with `--lock-timeout 60`
        exit 6
    "#]]);
    assert!(project.bytes("local.db") == before);
}
