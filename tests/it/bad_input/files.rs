//! Files that do not fit: names, texts, directives, and the folder that they are in.

use expect_test::expect;

use super::{applied, check, failing, refused, refused_set};
use crate::project::Project;

#[test]
fn a_name_that_fits_no_rule() {
    refused(
        "V2_posts",
        "CREATE TABLE posts (x);\n",
        expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[bad-name]: the name must have two underscores between its version and its words
        2>  --> migrations/V2_posts.sql
        2>   = help: rename it to V2__posts.sql
        exit 4
    "#]],
    );
}

#[test]
fn every_name_that_fits_no_rule_is_told() {
    refused_set(
        &[
            ("2__posts", b"SELECT 1;\n"),
            ("V3-posts", b"SELECT 1;\n"),
            ("V0__zero", b"SELECT 1;\n"),
            ("V4__two words", b"SELECT 1;\n"),
            ("V99999999999999999999__late", b"SELECT 1;\n"),
            ("Vx__letters", b"SELECT 1;\n"),
            ("schema", b"SELECT 1;\n"),
            ("R__view.down", b"SELECT 1;\n"),
            ("V9__lonely.down", b"SELECT 1;\n"),
        ],
        expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[bad-name]: the name must begin with V, U or R
            2>  --> migrations/2__posts.sql
            2>   = help: rename it to V2__posts.sql
            2>
            2> error[bad-name]: the name is that of a down file, and a repeatable migration has none: write what the view or trigger should be
            2>  --> migrations/R__view.down.sql
            2>   = help: names are V{n}__{words}.sql, U{n}__{words}.sql, R__{words}.sql and V{n}__{words}.down.sql
            2>
            2> error[bad-name]: the name has version 0, which means the empty database: versions begin at 1
            2>  --> migrations/V0__zero.sql
            2>   = help: names are V{n}__{words}.sql, U{n}__{words}.sql, R__{words}.sql and V{n}__{words}.down.sql
            2>
            2> error[bad-name]: the name must have two underscores between its version and its words
            2>  --> migrations/V3-posts.sql
            2>   = help: rename it to V3__posts.sql
            2>
            2> error[bad-name]: the name may hold only letters, digits and _ in its words
            2>  --> migrations/V4__two words.sql
            2>   = help: rename it to V4__two_words.sql
            2>
            2> error[bad-name]: the name has a version above 9223372036854775807
            2>  --> migrations/V99999999999999999999__late.sql
            2>   = help: names are V{n}__{words}.sql, U{n}__{words}.sql, R__{words}.sql and V{n}__{words}.down.sql
            2>
            2> error[down-without-up]: a down file for V9, and there is no V9
            2>  --> migrations/V9__lonely.down.sql
            2>   = help: add the migration V9, or remove this file
            2>
            2> error[bad-name]: the name must have a whole number for its version
            2>  --> migrations/Vx__letters.sql
            2>   = help: names are V{n}__{words}.sql, U{n}__{words}.sql, R__{words}.sql and V{n}__{words}.down.sql
            2>
            2> error[bad-name]: the name must be V{n}__{words}.sql, or R__{words}.sql for a repeatable migration
            2>  --> migrations/schema.sql
            2>   = help: names are V{n}__{words}.sql, U{n}__{words}.sql, R__{words}.sql and V{n}__{words}.down.sql
            2>
            2> 9 errors
            exit 4
        "#]],
    );
}

#[test]
fn two_files_of_one_version() {
    refused_set(
        &[
            ("V2__posts", b"CREATE TABLE posts (x);\n"),
            ("late/V2__comments", b"CREATE TABLE comments (x);\n"),
        ],
        expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[duplicate]: V2 is claimed by 2 files: migrations/V2__posts.sql, migrations/late/V2__comments.sql
            2>  --> migrations/V2__posts.sql
            2>   = help: keep the one that a database or another branch has, and give a new one the next free version: `seedbed renumber V2__posts.sql` or `seedbed renumber V2__comments.sql`
            exit 4
        "#]],
    );
}

#[test]
fn a_u_file_beside_a_v_file() {
    refused_set(
        &[
            ("V2__posts", b"CREATE TABLE posts (x);\n"),
            ("U2__posts", b"DROP TABLE posts;\n"),
        ],
        expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[undo-prefix]: a U file beside the V file of the same version, migrations/V2__posts.sql: U means that a migration may be applied out of order, not that it undoes another
            2>  --> migrations/U2__posts.sql
            2>   = help: if it undoes the other, rename it to V2__posts.down.sql
            exit 4
        "#]],
    );
}

#[test]
fn two_down_files_of_one_version() {
    refused_set(
        &[
            ("V2__posts", b"CREATE TABLE posts (x);\n"),
            ("V2__posts.down", b"DROP TABLE posts;\n"),
            ("old/V2__posts.down", b"DROP TABLE posts;\n"),
        ],
        expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[duplicate]: the down file of V2 is claimed by 2 files: migrations/V2__posts.down.sql, migrations/old/V2__posts.down.sql
            2>  --> migrations/V2__posts.down.sql
            2>   = help: keep one of them
            exit 4
        "#]],
    );
}

#[test]
fn two_files_that_differ_only_in_name() {
    // One number: which of the two?
    refused_set(
        &[
            ("V2__posts", b"CREATE TABLE posts (x);\n"),
            ("V02__posts", b"CREATE TABLE posts (x);\n"),
        ],
        expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[duplicate]: V2 is claimed by 2 files: migrations/V02__posts.sql, migrations/V2__posts.sql
            2>  --> migrations/V02__posts.sql
            2>   = help: keep the one that a database or another branch has, and give a new one the next free version: `seedbed renumber V02__posts.sql` or `seedbed renumber V2__posts.sql`
            exit 4
        "#]],
    );
    // One name, to some file systems.
    if !cfg!(any(windows, target_os = "macos")) {
        refused_set(
            &[("R__views", b"SELECT 1;\n"), ("R__Views", b"SELECT 1;\n")],
            expect![[r#"
                $ seedbed migrate
                2> target: local local.db (default)
                2> error[duplicate]: R__Views is claimed by 2 files: migrations/R__Views.sql, migrations/R__views.sql
                2>  --> migrations/R__Views.sql
                2>   = help: give one of them another name, or remove it
                exit 4
            "#]],
        );
    }
    // Two numbers: a migration that was copied instead of renamed.
    failing(
        &[
            ("V2__posts", b"CREATE TABLE posts (x);\n"),
            ("V3__posts", b"CREATE TABLE posts (x);\n"),
        ],
        expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[statement-failed]: V3 failed: table posts already exists
            2>  --> migrations/V3__posts.sql:1:14
            2>   |
            2> 1 | CREATE TABLE posts (x);
            2>   |              ^^^^^
            2>   |
            2>   = note: rolled back: V2 and V3
            2>   = help: fix migrations/V3__posts.sql:1, then run `seedbed migrate` again
            2>
            2> nothing of this run is in the database; the database is at V1
            exit 1
        "#]],
    );
}

#[test]
fn an_empty_file() {
    refused(
        "V2__empty",
        "",
        expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[empty]: this file holds neither a statement nor a comment
            2>  --> migrations/V2__empty.sql
            2>   = help: write its statements, or a comment if it is to do nothing; or remove the file
            exit 4
        "#]],
    );
    refused(
        "V2__spaces",
        " \n\t\r\n",
        expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[empty]: this file holds neither a statement nor a comment
            2>  --> migrations/V2__spaces.sql
            2>   = help: write its statements, or a comment if it is to do nothing; or remove the file
            exit 4
        "#]],
    );
    refused(
        "V2__nothing",
        ";;\n",
        expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[empty]: this file holds neither a statement nor a comment
            2>  --> migrations/V2__nothing.sql
            2>   = help: write its statements, or a comment if it is to do nothing; or remove the file
            exit 4
        "#]],
    );
}

#[test]
fn a_file_of_comments_only() {
    let project = applied().migration("V2__comments", "-- later\n/* or\n never */\n");
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        applied V2 comments
        the database is at V2
        2> target: local local.db (default)
        2> warning[comments-only]: this file holds comments only: it is recorded, and does nothing
        2>  --> migrations/V2__comments.sql
    "#]]);
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        nothing to do: the database is at V2
        2> target: local local.db (default)
    "#]]);
}

#[test]
fn a_file_that_is_not_utf_8() {
    refused(
        "V2__latin1",
        b"-- first\nINSERT INTO users (name) VALUES ('Andr\xe9');\n",
        expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[not-text]: this file is not UTF-8 from byte 47 on, in line 2
            2>  --> migrations/V2__latin1.sql
            2>   = help: save it as UTF-8
            exit 4
        "#]],
    );
    refused(
        "V2__utf16",
        b"\xff\xfeS\0E\0",
        expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[not-text]: this file is UTF-16
        2>  --> migrations/V2__utf16.sql
        2>   = help: save it as UTF-8
        exit 4
    "#]],
    );
}

#[test]
fn a_nul_byte() {
    refused(
        "V2__nul",
        b"SELECT 1;\nSELECT 'a\0b';\n",
        expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[not-text]: there is a NUL byte at byte 19, in line 2
        2>  --> migrations/V2__nul.sql
        2>   = help: remove it: the engine would read no further, without a word
        exit 4
    "#]],
    );
}

#[test]
fn an_unknown_directive() {
    refused(
        "V2__directive",
        "-- seedbed: no-transactions\nCREATE TABLE posts (x);\n-- seedbed: no-transaction\n",
        expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[directive]: there is no directive `no-transactions`
            2>  --> migrations/V2__directive.sql:1:1
            2>   |
            2> 1 | -- seedbed: no-transactions
            2>   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^
            2>   |
            2>   = help: write `-- seedbed: no-transaction`
            2>
            2> error[directive]: this directive stands below a statement
            2>  --> migrations/V2__directive.sql:3:1
            2>   |
            2> 3 | -- seedbed: no-transaction
            2>   | ^^^^^^^^^^^^^^^^^^^^^^^^^^
            2>   |
            2>   = help: directives stand at the top of a file: move it above the first statement
            2>
            2> 2 errors
            exit 4
        "#]],
    );
    refused(
        "V2__contradiction",
        "-- seedbed: foreign-keys=on\n-- seedbed: foreign-keys=off\nCREATE TABLE posts (x);\n",
        expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[directive]: this directive contradicts the one above
            2>  --> migrations/V2__contradiction.sql:2:1
            2>   |
            2> 2 | -- seedbed: foreign-keys=off
            2>   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            2>   |
            2>   = help: keep one of the two
            exit 4
        "#]],
    );
}

#[test]
fn no_directory_of_migrations() {
    let project = Project::bare();
    check(
        &project,
        "migrate",
        expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[no-directory]: there is no folder migrations
        2>   |
        2>   = help: `seedbed new NAME` creates it with a first migration; `--migrations DIR` names another
        exit 2
    "#]],
    );
    check(
        &project,
        "status --migrations nowhere",
        expect![[r#"
        $ seedbed status --migrations nowhere
        2> target: local local.db (default)
        2> error[no-directory]: there is no folder nowhere
        2>   |
        2>   = help: `seedbed new NAME --migrations nowhere` creates it with a first migration; `--migrations DIR` names another
        exit 2
    "#]],
    );
    check(
        &project,
        "check",
        expect![[r#"
        $ seedbed check
        2> error[no-directory]: there is no folder migrations
        2>   |
        2>   = help: `seedbed new NAME` creates it with a first migration; `--migrations DIR` names another
        exit 2
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
          "outcome": "usage",
          "exit_code": 2,
          "items": [],
          "problems": [
            {
              "code": "no-directory",
              "severity": "error",
              "file": null,
              "line": null,
              "column": null,
              "message": "there is no folder migrations",
              "notes": [],
              "help": "`seedbed new NAME` creates it with a first migration; `--migrations DIR` names another"
            }
          ]
        }
        2> target: local local.db (default)
        exit 2
    "#]],
    );
}

#[test]
fn migrations_below_this_folder_are_named_with_the_flag_that_keeps_the_database() {
    // A part of this project: its database is the one that the settings here choose.
    let part = Project::bare()
        .file(".env", "DATABASE_URL=sqlite:app.db\n")
        .file("db/migrations/V1__a.sql", "CREATE TABLE a (x);\n");
    check(
        &part,
        "migrate",
        expect![[r#"
            $ seedbed migrate
            2> target: local app.db (DATABASE_URL from .env)
            2> error[no-directory]: there is no folder migrations
            2>   |
            2>   = help: db/migrations is there: `seedbed --migrations db/migrations migrate`
            exit 2
        "#]],
    );
    part.run("--migrations db/migrations migrate").exits(0);
    assert!(part.files().contains(&"app.db".to_owned()));
    // A project of its own.
    let own = Project::bare()
        .file("web/package.json", "{}\n")
        .file("web/migrations/V1__a.sql", "CREATE TABLE a (x);\n");
    check(
        &own,
        "status",
        expect![[r#"
            $ seedbed status
            2> target: local local.db (default)
            2> error[no-directory]: there is no folder migrations
            2>   |
            2>   = help: web/migrations is there: `seedbed -C web status`
            exit 2
        "#]],
    );
}

#[test]
fn a_file_in_place_of_the_directory() {
    let project = Project::bare().file("migrations", "");
    check(
        &project,
        "migrate",
        expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[unreadable-file]: cannot read migrations: Not a directory (os error 20)
        exit 1
    "#]],
    );
}

#[test]
fn an_entry_that_leads_nowhere() {
    #[cfg(unix)]
    {
        let project = applied();
        std::os::unix::fs::symlink("nowhere", project.path("migrations/V2__link.sql")).unwrap();
        check(
            &project,
            "migrate",
            expect![[r#"
                $ seedbed migrate
                2> target: local local.db (default)
                2> error[not-a-file]: this is a link that leads to no file (No such file or directory (os error 2))
                2>  --> migrations/V2__link.sql
                2>   = help: correct the link, or remove it
                exit 4
            "#]],
        );
    }
}

#[test]
fn a_directory_that_ends_in_sql() {
    let project = applied().file(
        "migrations/V2__posts.sql/V2__posts.sql",
        "CREATE TABLE posts (x);\n",
    );
    let ran = project.run("migrate");
    assert_eq!(ran.code, Some(0), "{ran}");
}

#[test]
fn names_of_other_tools_and_of_macos_get_the_right_name() {
    let project = applied()
        .file(
            "migrations/2024-01-01-000000_posts/up.sql",
            "CREATE TABLE posts (x);\n",
        )
        .file(
            "migrations/2024-01-01-000000_posts/down.sql",
            "DROP TABLE posts;\n",
        )
        .file(
            "migrations/20240102000000_init/migration.sql",
            "CREATE TABLE more (x);\n",
        )
        .file("migrations/V3__cafe\u{301}.sql", "CREATE TABLE cafe (x);\n");
    check(
        &project,
        "migrate",
        expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[mixed-layouts]: this folder holds migrations of more than one tool
            2>   |
            2>   = note: Seedbed: migrations/V1__users.sql, migrations/V3__café.sql
            2>           Diesel: migrations/2024-01-01-000000_posts/down.sql, migrations/2024-01-01-000000_posts/up.sql
            2>           Prisma: migrations/20240102000000_init/migration.sql
            2>   = help: keep those of one tool in this folder, and move the others out of it
            2>   = help: or say which layout is meant, and each file that does not fit is reported: `--layout seedbed` or `--layout diesel` or `--layout prisma`
            exit 4
        "#]],
    );
}

#[test]
fn hidden_files_and_those_of_editors_are_no_migrations() {
    let project = applied()
        .file("migrations/._V1__users.sql", "\0\0")
        .file("migrations/V1__users.sql~", "CREATE")
        .file("migrations/.history/V1__users_1.sql", "CREATE");
    #[cfg(unix)]
    std::os::unix::fs::symlink("me@here.1", project.path("migrations/.#V1__users.sql")).unwrap();
    let ran = project.run("migrate");
    assert_eq!(ran.code, Some(0), "{ran}");
}

#[cfg(unix)]
#[test]
fn a_pipe_among_the_seeds_does_not_hang() {
    let project = applied().file("seeds/dev/users.yaml", "users: {}\n");
    let pipe = project.path("seeds/dev/pipe.yaml");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    for line in ["seed", "check"] {
        let ran = project.run(line);
        assert_ne!(ran.code, Some(0), "{ran}");
        assert!(ran.stderr.contains("this is a named pipe"), "{ran}");
        assert!(ran.stderr.contains("seeds/dev/pipe.yaml"), "{ran}");
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_does_not_hang() {
    let project = applied();
    let pipe = project.path("migrations/V2__pipe.sql");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[not-a-file]: this is a named pipe (FIFO), not a file
        2>  --> migrations/V2__pipe.sql
        2>   = help: remove it, or rename it
        exit 4
    "#]]);
}
