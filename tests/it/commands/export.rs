//! `seed export` as a process.

use expect_test::expect;

use crate::project::Project;

/// Two tables with rows, and a view.
fn project() -> Project {
    let project = Project::new()
        .migration(
            "V1__users",
            "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, phone TEXT);\n\
             CREATE TABLE posts (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users, body TEXT);\n\
             CREATE VIEW people AS SELECT email FROM users;\n\
             CREATE TABLE log (line TEXT);\n",
        )
        .after("migrate");
    project.change(&[
        "INSERT INTO users VALUES (1, 'ann@home.test', '007'), (2, 'bob@home.test', NULL)",
        "INSERT INTO posts VALUES (7, 2, 'no')",
    ]);
    project
}

#[test]
fn rows_are_printed_as_a_seed_and_change_nothing() {
    let project = project();
    project
        .run("seed --quiet export users posts")
        .check(expect![[r#"
            $ seedbed seed --quiet export users posts
            _seed: {format: 1}

            users:
              ann:
                id: 1
                email: ann@home.test
                phone: '007'
              bob:
                id: 2
                email: bob@home.test

            posts:
              posts_7:
                id: 7
                user: bob
                body: "no"
        "#]]);
    let file = "seed export posts users --file seeds/010_all.yaml";
    std::fs::create_dir(project.path("seeds")).unwrap();
    project.run(file).check(expect![[r#"
        $ seedbed seed export posts users --file seeds/010_all.yaml
        seeds/010_all.yaml: 3 rows of 2 tables
        2> target: local local.db (default)
    "#]]);
    project.run("seed").check(expect![[r#"
        $ seedbed seed
        seed 010_all (new) sha256 9c54a539…
        0 inserted, 0 updated, 0 deleted, 3 unchanged, in one transaction
        the database is marked as environment dev
        2> target: local local.db (default)
    "#]]);
    project.run(file).check(expect![[r#"
        $ seedbed seed export posts users --file seeds/010_all.yaml
        2> target: local local.db (default)
        2> error[file-exists]: seeds/010_all.yaml exists already
        2>   |
        2>   = help: name another file, or remove this one
        exit 2
    "#]]);
    // The same rows in a database that has none.
    project.remove_database("local.db");
    let project = project.after("migrate --seed");
    let rows = project.ask("SELECT * FROM users") + " " + &project.ask("SELECT * FROM posts");
    expect!["1|ann@home.test|007 2|bob@home.test|NULL 7|2|no"].assert_eq(&rows);
}

#[test]
fn masked_values_are_not_in_the_file() {
    let project = project();
    project
        .run("seed export --all --mask users.email,users.phone --format json")
        .check(expect![[r#"
            $ seedbed seed export --all --mask users.email,users.phone --format json
            {
              "schema_version": 1,
              "command": "seed export",
              "mode": "local",
              "database": "local.db",
              "outcome": "done",
              "exit_code": 0,
              "items": [],
              "problems": [],
              "file": null,
              "tables": [
                {
                  "name": "log",
                  "rows": 0
                },
                {
                  "name": "users",
                  "rows": 2
                },
                {
                  "name": "posts",
                  "rows": 1
                }
              ],
              "yaml": "_seed: {format: 1}\n\nlog: {}\n\nusers:\n  _keep: [email, phone]\n  _defaults:\n    email: ${label}@example.test\n    phone: !fake phone.e164\n  users_1:\n    id: 1\n  users_2:\n    id: 2\n    phone: ~\n\nposts:\n  posts_7:\n    id: 7\n    user: users_2\n    body: \"no\"\n"
            }
            2> target: local local.db (default)
        "#]]);
}

#[test]
fn what_cannot_be_exported_is_told() {
    let project = project();
    project.change(&["INSERT INTO log VALUES ('a' || char(0))"]);
    let lines = [
        "seed export",
        "seed export usr people --mask users.phon,users",
        "seed export usr people --mask users.phon,posts.user_id",
        "seed --dry-run export users",
        "seed export log",
        "seed exports",
    ];
    for (line, expect) in lines.into_iter().zip([
        expect![[r#"
            $ seedbed seed export
            2> error: the following required arguments were not provided:
            2>   <TABLE>...
            2>
            2> Usage: seedbed seed export <TABLE>...
            2>
            2> For more information, try '--help'.
            exit 2
        "#]],
        expect![[r#"
            $ seedbed seed export usr people --mask users.phon,users
            2> error[mask]: `users` names no column to mask
            2>   |
            2>   = help: write table.column: `--mask users.email,users.phone`
            exit 2
        "#]],
        expect![[r#"
            $ seedbed seed export usr people --mask users.phon,posts.user_id
            2> target: local local.db (default)
            2> error[unknown-table]: there is no table `usr`
            2>   |
            2>   = help: `seedbed inspect` lists the tables
            2>
            2> error[not-a-table]: `people` is a view, and rows are seeded into tables
            2>   |
            2>   = help: export the tables that its rows come from
            2>
            2> error[unknown-column]: table `users` has no column `phon` to mask
            2>   |
            2>   = help: did you mean `phone`?
            2>
            2> error[mask]: `posts.user_id` is to be masked, and `posts` is not exported
            2>   |
            2>   = help: name `posts` among the tables too
            2>
            2> 4 errors
            exit 2
        "#]],
        expect![[r#"
            $ seedbed seed --dry-run export users
            2> error[flag]: `--dry-run` is about writing rows, and `seed export` reads them
            2>   |
            2>   = help: leave it out
            exit 2
        "#]],
        expect![[r#"
            $ seedbed seed export log
            2> target: local local.db (default)
            2> error[value]: `log.line` has text with a NUL in it, in 1 of the rows
            2>   |
            2>   = help: change the value, or leave the table out
            2>
            2> error[no-key]: the rows of `log` could not be found again: it has no primary key and no unique index
            2>   |
            2>   = help: give the table a primary key, or leave it out
            2>
            2> 2 errors
            exit 1
        "#]],
        expect![[r#"
            $ seedbed seed exports
            2> error: unrecognized subcommand 'exports'
            2>
            2>   tip: a similar command is `seedbed seed export`
            2>
            2> Usage: seedbed seed [OPTIONS] [COMMAND]
            2>
            2> For more information, try '--help'.
            exit 2
        "#]],
    ]) {
        project.run(line).check(expect);
    }
}
