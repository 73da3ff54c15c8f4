//! Seeds that do not fit, each with all that is wrong at its own place; nothing is written.

use expect_test::{Expect, expect};

use super::untouched;
use crate::project::Project;

const SCHEMA: &str = "\
CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT, age INTEGER, born DATE, team_id INTEGER REFERENCES teams (id));
CREATE TABLE teams (id INTEGER PRIMARY KEY, name TEXT UNIQUE COLLATE NOCASE);
CREATE TABLE strict (id INTEGER PRIMARY KEY, i INT, r REAL, t TEXT, b BLOB) STRICT;
CREATE TABLE log (text TEXT, up TEXT AS (upper(text)));
CREATE TABLE yin (id TEXT PRIMARY KEY, yang_id TEXT NOT NULL REFERENCES yang (id));
CREATE TABLE yang (id TEXT PRIMARY KEY, yin_id TEXT NOT NULL REFERENCES yin (id));
CREATE VIEW people AS SELECT name FROM users;
CREATE VIRTUAL TABLE words USING fts5 (word);
INSERT INTO users (id, email) VALUES ('1', 'there@x');
";

fn project() -> Project {
    Project::new()
        .migration("V1__schema", SCHEMA)
        .after("migrate")
}

/// Seeds files by their paths below `seeds/`; every file of the project is as it was afterwards, and so is the plan.
fn refused(files: &[(&str, &str)], code: i32, expect: Expect) {
    let with =
        |project: Project, (name, text): &(&str, &str)| project.file(format!("seeds/{name}"), text);
    let project = files.iter().fold(project(), with);
    let ran = untouched(&project, "seed");
    ran.check(expect);
    assert_eq!(ran.code, Some(code), "{ran}");
    if code == 4 {
        let planned = untouched(&project, "seed --dry-run");
        assert_eq!(planned.code, Some(4), "{planned}");
        let words = |text: &str| text.replace("nothing was changed\n", "");
        assert!(words(&planned.stderr).contains("error["), "{planned}");
    }
}

#[test]
fn names_that_nothing_has() {
    refused(
        &[(
            "a.yaml",
            "usrs:\n  ann: {email: a@x}\nusers:\n  _key: emial\n  _keep: [nmae]\n  _defaults: {agee: 1}\n  \
             bob: {email: b@x, nam: Bob, team: rde, team_id: !ref teams.red.nme}\n  \
             cid: {email: c@x, name: !refs teams.red, age: !fake nmae}\n  \
             dan: {email: d@x, team: blue}\nteams:\n  red: {name: Red}\n  for_{user.*}: {name: x}\nlog: {}\n",
        )],
        4,
        expect![[r#"
            $ seedbed seed
            2> target: local local.db (default)
            2> error[unknown-table]: there is no table `usrs`
            2>  --> seeds/a.yaml:1:1
            2>   |
            2> 1 | usrs:
            2>   | ^^^^
            2>   |
            2>   = help: did you mean `users`?
            2>
            2> error[unknown-column]: table `users` has no column `emial`
            2>  --> seeds/a.yaml:4:9
            2>   |
            2> 4 |   _key: emial
            2>   |         ^^^^^
            2>   |
            2>   = help: did you mean `email`?
            2>
            2> error[unknown-column]: table `users` has no column `nmae`
            2>  --> seeds/a.yaml:5:11
            2>   |
            2> 5 |   _keep: [nmae]
            2>   |           ^^^^
            2>   |
            2>   = help: did you mean `name`?
            2>
            2> error[unknown-column]: table `users` has no column `agee`
            2>  --> seeds/a.yaml:6:15
            2>   |
            2> 6 |   _defaults: {agee: 1}
            2>   |               ^^^^
            2>   |
            2>   = help: did you mean `age`?
            2>
            2> error[unknown-column]: table `users` has no column `nam`
            2>  --> seeds/a.yaml:7:21
            2>   |
            2> 7 |   bob: {email: b@x, nam: Bob, team: rde, team_id: !ref teams.red.nme}
            2>   |                     ^^^
            2>   |
            2>   = help: did you mean `name`?
            2>
            2> error[unknown-label]: `teams` has no label `rde`
            2>  --> seeds/a.yaml:7:37
            2>   |
            2> 7 |   bob: {email: b@x, nam: Bob, team: rde, team_id: !ref teams.red.nme}
            2>   |                                     ^^^
            2>   |
            2>   = help: did you mean `red`?
            2>
            2> error[column-twice]: column `team_id` has two values in one row
            2>  --> seeds/a.yaml:7:42
            2>   |
            2> 7 |   bob: {email: b@x, nam: Bob, team: rde, team_id: !ref teams.red.nme}
            2>   |                                          ^^^^^^^
            2>   |
            2>   = help: remove one of them: a short name such as `user` stands for `user_id`
            2>
            2> error[unknown-column]: table `teams` has no column `nme`
            2>  --> seeds/a.yaml:7:66
            2>   |
            2> 7 |   bob: {email: b@x, nam: Bob, team: rde, team_id: !ref teams.red.nme}
            2>   |                                                                  ^^^
            2>   |
            2>   = help: did you mean `name`?
            2>
            2> error[unknown-tag]: there is no tag `!refs`
            2>  --> seeds/a.yaml:8:27
            2>   |
            2> 8 |   cid: {email: c@x, name: !refs teams.red, age: !fake nmae}
            2>   |                           ^^^^^
            2>   |
            2>   = help: did you mean `!ref users.admin`?
            2>
            2> error[bad-tag]: `!fake` knows no kind `nmae`
            2>  --> seeds/a.yaml:8:49
            2>   |
            2> 8 |   cid: {email: c@x, name: !refs teams.red, age: !fake nmae}
            2>   |                                                 ^^^^^^^^^^
            2>   |
            2>   = help: did you mean `name`?
            2>
            2> error[unknown-label]: `teams` has no label `blue`
            2>  --> seeds/a.yaml:9:27
            2>   |
            2> 9 |   dan: {email: d@x, team: blue}
            2>   |                           ^^^^
            2>   |
            2>   = help: declare a row `blue` below `teams`, or name another one
            2>
            2> error[unknown-table]: there is no table `user`
            2>   --> seeds/a.yaml:12:8
            2>    |
            2> 12 |   for_{user.*}: {name: x}
            2>    |        ^^^^
            2>    |
            2>    = help: did you mean `users`?
            2>
            2> no row was written
            2>
            2> 12 errors
            exit 4
        "#]],
    );
}

#[test]
fn values_that_do_not_fit() {
    refused(
        &[
            (
                "a.yaml",
                "users:\n  \
             a: {email: a@x, age: many, born: 2026-02-30}\n  \
             b: {email: b@x, age: 9223372036854775808, born: !now [soon]}\n  \
             c: {email: c@x, age: .nan}\n  \
             d: {email: d@x, age: .inf}\n  \
             e: {email: e@x, age: 1e999}\n  \
             f: {email: ~}\n  \
             g: {name: no email}\n  \
             h: {email: h@x, age: {a: map}}\n  \
             i: {email: i@x, team: [red]}\n\
             strict:\n  \
             a: {i: 1.5, r: x, t: !!binary aGk=, b: text}\n  \
             b: {i: \"x\", b: !now }\n  \
             c: {i: !file data.bin, b: !int 1..2, t: {a: 1}}\n",
            ),
            ("data.bin", "x"),
        ],
        4,
        expect![[r#"
            $ seedbed seed
            2> target: local local.db (default)
            2> error[wrong-type]: `many` does not fit into column `age` of type INTEGER
            2>  --> seeds/a.yaml:2:24
            2>   |
            2> 2 |   a: {email: a@x, age: many, born: 2026-02-30}
            2>   |                        ^^^^
            2>   |
            2>   = help: with quotes it is stored as text
            2>
            2> error[no-date]: `2026-02-30` is no date, and column `born` is of type DATE
            2>  --> seeds/a.yaml:2:36
            2>   |
            2> 2 |   a: {email: a@x, age: many, born: 2026-02-30}
            2>   |                                    ^^^^^^^^^^
            2>   |
            2>   = help: dates are written YYYY-MM-DD or YYYY-MM-DD HH:MM:SS; with quotes it is stored as text
            2>
            2> error[number-too-large]: 9223372036854775808 does not fit into 64 bits
            2>  --> seeds/a.yaml:3:24
            2>   |
            2> 3 |   b: {email: b@x, age: 9223372036854775808, born: !now [soon]}
            2>   |                        ^^^^^^^^^^^^^^^^^^^
            2>   |
            2>   = help: a TEXT column keeps every digit
            2>
            2> error[bad-tag]: `!now` takes modifiers of SQLite's date functions, and `soon` is none
            2>  --> seeds/a.yaml:3:57
            2>   |
            2> 3 |   b: {email: b@x, age: 9223372036854775808, born: !now [soon]}
            2>   |                                                         ^^^^
            2>   |
            2>   = help: write for example `!now [start of month, +1 month]`
            2>
            2> error[not-finite]: .nan is no number that a database keeps
            2>  --> seeds/a.yaml:4:24
            2>   |
            2> 4 |   c: {email: c@x, age: .nan}
            2>   |                        ^^^^
            2>   |
            2>   = help: leave the value out, or write `~` for NULL
            2>
            2> error[not-finite]: .inf is no number that a database keeps
            2>  --> seeds/a.yaml:5:24
            2>   |
            2> 5 |   d: {email: d@x, age: .inf}
            2>   |                        ^^^^
            2>   |
            2>   = help: leave the value out, or write `~` for NULL
            2>
            2> error[number-too-large]: 1e999 is too large for a real
            2>  --> seeds/a.yaml:6:24
            2>   |
            2> 6 |   e: {email: e@x, age: 1e999}
            2>   |                        ^^^^^
            2>   |
            2>   = help: a TEXT column keeps every digit
            2>
            2> error[null]: column `email` takes no NULL
            2>  --> seeds/a.yaml:7:14
            2>   |
            2> 7 |   f: {email: ~}
            2>   |              ^
            2>   |
            2>   = help: give it a value
            2>
            2> error[missing-value]: `g` has no value for `email`, which takes no NULL
            2>  --> seeds/a.yaml:8:3
            2>   |
            2> 8 |   g: {name: no email}
            2>   |   ^
            2>   |
            2>   = help: give `email` a value there, or one for all rows under `_defaults`
            2>
            2> error[wrong-type]: a map or a list does not fit into column `age` of type INTEGER
            2>  --> seeds/a.yaml:9:24
            2>   |
            2> 9 |   h: {email: h@x, age: {a: map}}
            2>   |                        ^^^^^^^^
            2>   |
            2>   = help: write a value of that type, or give the column another type in a migration
            2>
            2> error[not-a-label]: a label of `teams` is expected here
            2>   --> seeds/a.yaml:10:25
            2>    |
            2> 10 |   i: {email: i@x, team: [red]}
            2>    |                         ^^^^^
            2>    |
            2>    = help: write the label of a row of `teams`; `team_id` takes any other value
            2>
            2> error[wrong-type]: `1.5` does not fit into column `i` of type INT
            2>   --> seeds/a.yaml:12:10
            2>    |
            2> 12 |   a: {i: 1.5, r: x, t: !!binary aGk=, b: text}
            2>    |          ^^^
            2>    |
            2>    = help: the column takes whole numbers only
            2>
            2> error[wrong-type]: `x` does not fit into column `r` of type REAL
            2>   --> seeds/a.yaml:12:18
            2>    |
            2> 12 |   a: {i: 1.5, r: x, t: !!binary aGk=, b: text}
            2>    |                  ^
            2>    |
            2>    = help: the column takes numbers only
            2>
            2> error[wrong-type]: a blob does not fit into column `t` of type TEXT
            2>   --> seeds/a.yaml:12:24
            2>    |
            2> 12 |   a: {i: 1.5, r: x, t: !!binary aGk=, b: text}
            2>    |                        ^^^^^^^^^^^^^
            2>    |
            2>    = help: write a value of that type, or give the column another type in a migration
            2>
            2> error[wrong-type]: `text` does not fit into column `b` of type BLOB
            2>   --> seeds/a.yaml:12:42
            2>    |
            2> 12 |   a: {i: 1.5, r: x, t: !!binary aGk=, b: text}
            2>    |                                          ^^^^
            2>    |
            2>    = help: bytes are written as `!!binary` with base64, or `!file path`
            2>
            2> error[wrong-type]: `x` does not fit into column `i` of type INT
            2>   --> seeds/a.yaml:13:10
            2>    |
            2> 13 |   b: {i: "x", b: !now }
            2>    |          ^^^
            2>    |
            2>    = help: the column takes numbers only
            2>
            2> error[wrong-type]: text does not fit into column `b` of type BLOB
            2>   --> seeds/a.yaml:13:18
            2>    |
            2> 13 |   b: {i: "x", b: !now }
            2>    |                  ^^^^
            2>    |
            2>    = help: write a value of that type, or give the column another type in a migration
            2>
            2> error[wrong-type]: a file does not fit into column `i` of type INT
            2>   --> seeds/a.yaml:14:10
            2>    |
            2> 14 |   c: {i: !file data.bin, b: !int 1..2, t: {a: 1}}
            2>    |          ^^^^^^^^^^^^^^
            2>    |
            2>    = help: write a value of that type, or give the column another type in a migration
            2>
            2> error[wrong-type]: the generated value does not fit into column `b` of type BLOB
            2>   --> seeds/a.yaml:14:29
            2>    |
            2> 14 |   c: {i: !file data.bin, b: !int 1..2, t: {a: 1}}
            2>    |                             ^^^^^^^^^
            2>    |
            2>    = help: generate another kind of value, or write the values out: `!pick [1, 2]`
            2>
            2> no row was written
            2>
            2> 19 errors
            exit 4
        "#]],
    );
}

#[test]
fn rows_that_are_there_twice() {
    refused(
        &[
            (
                "a.yaml",
                "users:\n  ann: {email: same@x}\n  bob: {email: same@x}\n  cid: {email: there@x}\n\
                 teams:\n  red: {id: 1, name: Red}\n  red2: {id: 2, name: RED}\n",
            ),
            (
                "b.yaml",
                "users:\n  ann: {email: other@x}\nteams:\n  blue: {id: 1, name: Blue}\n",
            ),
        ],
        4,
        expect![[r#"
            $ seedbed seed
            2> target: local local.db (default)
            2> error[same-value]: `users.ann` and `users.bob` have the same `email`, of which there can be only one
            2>  --> seeds/a.yaml:3:16
            2>   |
            2> 3 |   bob: {email: same@x}
            2>   |                ^^^^^^
            2>   |
            2>   = note: the other is here: seeds/a.yaml:2:16
            2>   = help: give one of the two another value, or remove it
            2>
            2> error[same-value]: `teams.red` and `teams.red2` have the same `name`, of which there can be only one
            2>  --> seeds/a.yaml:7:23
            2>   |
            2> 7 |   red2: {id: 2, name: RED}
            2>   |                       ^^^
            2>   |
            2>   = note: the other is here: seeds/a.yaml:6:22
            2>   = help: give one of the two another value, or remove it
            2>
            2> error[label-twice]: `users` has label `ann` twice
            2>  --> seeds/b.yaml:2:3
            2>   |
            2> 2 |   ann: {email: other@x}
            2>   |   ^^^
            2>   |
            2>   = note: it is here first: seeds/a.yaml:2:3
            2>   = help: rename one of the two; `_override: true` in a row changes that of another file
            2>
            2> error[same-value]: `teams.red` and `teams.blue` have the same `id`, of which there can be only one
            2>  --> seeds/b.yaml:4:14
            2>   |
            2> 4 |   blue: {id: 1, name: Blue}
            2>   |              ^
            2>   |
            2>   = note: the other is here: seeds/a.yaml:6:13
            2>   = help: give one of the two another value, or remove it
            2>
            2> no row was written
            2>
            2> 4 errors
            exit 4
        "#]],
    );
}

#[test]
fn a_value_that_another_row_of_the_database_has() {
    refused(
        &[(
            "a.yaml",
            "users:\n  ann: {email: a@x}\n  cid: {email: there@x}\n",
        )],
        4,
        expect![[r#"
            $ seedbed seed
            2> target: local local.db (default)
            2> error[taken]: another row of `users` in the database has this `email` already
            2>  --> seeds/a.yaml:3:16
            2>   |
            2> 3 |   cid: {email: there@x}
            2>   |                ^^^^^^^
            2>   |
            2>   = help: rows are found again by `id`: with `_key: email` this one would be that one
            2>
            2> no row was written
            exit 4
        "#]],
    );
}

#[test]
fn a_parent_that_is_nowhere() {
    refused(
        &[(
            "a.yaml",
            "users:\n  ann: {email: a@x, team_id: 5}\n  bob: {email: b@x, team_id: 6}\n",
        )],
        4,
        expect![[r#"
            $ seedbed seed
            2> target: local local.db (default)
            2> error[no-parent]: no row of `teams` has this value, in the seeds or in the database
            2>  --> seeds/a.yaml:2:30
            2>   |
            2> 2 |   ann: {email: a@x, team_id: 5}
            2>   |                              ^
            2>   |
            2>   = help: a row of the seeds is referred to by its label: `!ref teams.label`
            2>
            2> error[no-parent]: no row of `teams` has this value, in the seeds or in the database
            2>  --> seeds/a.yaml:3:30
            2>   |
            2> 3 |   bob: {email: b@x, team_id: 6}
            2>   |                              ^
            2>   |
            2>   = help: a row of the seeds is referred to by its label: `!ref teams.label`
            2>
            2> no row was written
            2>
            2> 2 errors
            exit 4
        "#]],
    );
}

#[test]
fn a_loop_that_nothing_breaks() {
    refused(
        &[(
            "a.yaml",
            "yin:\n  one: {yang: one}\nyang:\n  one: {yin: one}\n",
        )],
        4,
        expect![[r#"
            $ seedbed seed
            2> target: local local.db (default)
            2> error[reference-loop]: these rows refer to each other in a circle: yang.one → yin.one → yang.one
            2>  --> seeds/a.yaml:4:3
            2>   |
            2> 4 |   one: {yin: one}
            2>   |   ^^^
            2>   |
            2>   = help: one of the columns must allow NULL, so that it can be filled in once all rows are there
            2>
            2> no row was written
            exit 4
        "#]],
    );
}

#[test]
fn keys_that_find_nothing() {
    refused(
        &[(
            "a.yaml",
            "users:\n  _key: name\n  ann: {email: a@x, name: Ann}\nteams:\n  _key: name\n  red: {}\n  blue: {name: ~}\n  \
             grey: {name: !now }\nlog:\n  one: {text: x}\n",
        )],
        4,
        expect![[r#"
            $ seedbed seed
            2> target: local local.db (default)
            2> error[key-not-unique]: `_key` of `users` names columns that no primary key and no unique index has
            2>  --> seeds/a.yaml:2:9
            2>   |
            2> 2 |   _key: name
            2>   |         ^^^^
            2>   |
            2>   = help: write `_key: [id]` or `_key: [email]`, or make a unique index of these columns in a migration
            2>
            2> error[no-key]: the row has no value for `name`, and is found again by it
            2>  --> seeds/a.yaml:6:3
            2>   |
            2> 6 |   red: {}
            2>   |   ^^^
            2>   |
            2>   = help: say in `_key` by which columns its rows are found again
            2>
            2> error[no-key]: `name` is in the key, by which the row is found again, and is NULL
            2>  --> seeds/a.yaml:7:16
            2>   |
            2> 7 |   blue: {name: ~}
            2>   |                ^
            2>   |
            2>   = help: say in `_key` by which columns its rows are found again
            2>
            2> error[no-key]: `name` is in the key, by which the row is found again, and changes with time
            2>  --> seeds/a.yaml:8:16
            2>   |
            2> 8 |   grey: {name: !now }
            2>   |                ^^^^
            2>   |
            2>   = help: say in `_key` by which columns its rows are found again
            2>
            2> error[no-key]: table `log` has no primary key, by which its rows could be found again
            2>  --> seeds/a.yaml:9:1
            2>   |
            2> 9 | log:
            2>   | ^^^
            2>   |
            2>   = help: make a unique index in a migration, and name its columns in `_key`; in `mode: insert` rows need no key
            2>
            2> no row was written
            2>
            2> 5 errors
            exit 4
        "#]],
    );
}

#[test]
fn targets_that_take_no_rows() {
    refused(
        &[(
            "a.yaml",
            "people:\n  ann: {name: Ann}\nwords:\n  one: {word: x}\n_migrations:\n  x: {kind: seed}\nusers:\n  \
             ann: {email: a@x, team: red.x}\n",
        )],
        4,
        expect![[r#"
            $ seedbed seed
            2> target: local local.db (default)
            2> error[not-a-table]: `people` is a view, and rows are seeded into tables
            2>  --> seeds/a.yaml:1:1
            2>   |
            2> 1 | people:
            2>   | ^^^^^^
            2>   |
            2>   = help: seed the tables that it reads
            2>
            2> error[not-a-table]: `words` is a virtual table, and rows are seeded into tables
            2>  --> seeds/a.yaml:3:1
            2>   |
            2> 3 | words:
            2>   | ^^^^^
            2>   |
            2>   = help: remove it from the file, and fill it by a migration or by the application
            2>
            2> error[reserved-name]: `_migrations` is no table that can be seeded
            2>  --> seeds/a.yaml:5:1
            2>   |
            2> 5 | _migrations:
            2>   | ^^^^^^^^^^^
            2>   |
            2>   = help: the table is Seedbed's own: remove it from the file
            2>
            2> error[unknown-label]: `teams` has no label `red.x`
            2>  --> seeds/a.yaml:8:27
            2>   |
            2> 8 |   ann: {email: a@x, team: red.x}
            2>   |                           ^^^^^
            2>   |
            2>   = help: declare a row `red.x` below `teams`, or name another one
            2>
            2> no row was written
            2>
            2> 4 errors
            exit 4
        "#]],
    );
}

#[test]
fn variables_and_files_that_are_not_there() {
    refused(
        &[(
            "a.yaml",
            "users:\n  a: {email: !env NOT_SET, name: !env {name: ALSO_NOT}}\n  b: {email: b@x, name: !file none.md}\n  \
             c: {email: c@x, name: !file ../migrations/V1__schema.sql}\n  d: {email: d@x, name: !hash {value: !env NO_SECRET}}\n  \
             e: {email: e@x, name: !file /etc/passwd}\n",
        )],
        4,
        expect![[r#"
            $ seedbed seed
            2> target: local local.db (default)
            2> error[unset-variable]: NOT_SET must be set
            2>  --> seeds/a.yaml:2:14
            2>   |
            2> 2 |   a: {email: !env NOT_SET, name: !env {name: ALSO_NOT}}
            2>   |              ^^^^^^^^^^^^
            2>   |
            2>   = help: set it in the environment or in .env; it is never recorded or shown
            2>
            2> error[unset-variable]: ALSO_NOT must be set
            2>  --> seeds/a.yaml:2:34
            2>   |
            2> 2 |   a: {email: !env NOT_SET, name: !env {name: ALSO_NOT}}
            2>   |                                  ^^^^^^^^^^^^^^^^^^^^^
            2>   |
            2>   = help: set it in the environment or in .env; it is never recorded or shown
            2>
            2> error[no-such-file]: none.md: No such file or directory (os error 2)
            2>  --> seeds/a.yaml:3:25
            2>   |
            2> 3 |   b: {email: b@x, name: !file none.md}
            2>   |                         ^^^^^^^^^^^^^
            2>   |
            2>   = help: `!file` takes a path below the folder of the seeds
            2>
            2> error[bad-tag]: `!file` takes a path below the seeds folder with `/` between its parts, and `../migrations/V1__schema.sql` is none
            2>  --> seeds/a.yaml:4:25
            2>   |
            2> 4 |   c: {email: c@x, name: !file ../migrations/V1__schema.sql}
            2>   |                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            2>   |
            2>   = help: write for example `!file images/admin.png`
            2>
            2> error[unset-variable]: NO_SECRET must be set
            2>  --> seeds/a.yaml:5:25
            2>   |
            2> 5 |   d: {email: d@x, name: !hash {value: !env NO_SECRET}}
            2>   |                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            2>   |
            2>   = help: set it in the environment or in .env; it is never recorded or shown
            2>
            2> error[bad-tag]: `!file` takes a path below the seeds folder with `/` between its parts, and `/etc/passwd` is none
            2>  --> seeds/a.yaml:6:25
            2>   |
            2> 6 |   e: {email: e@x, name: !file /etc/passwd}
            2>   |                         ^^^^^^^^^^^^^^^^^
            2>   |
            2>   = help: write for example `!file images/admin.png`
            2>
            2> no row was written
            2>
            2> 6 errors
            exit 4
        "#]],
    );
}

#[test]
fn texts_that_are_no_yaml() {
    refused(
        &[
            (
                "a.yaml",
                "users:\n  ann: {email: a@x\n  bob: {email: b@x}\n",
            ),
            ("b.yaml", "users:\n\tann: {email: a@x}\n"),
            ("c.yaml", "users:\n  ann: {email: a@x, email: b@x}\n"),
            ("d.yaml", ""),
            ("e.yml", "users: {}\n"),
            ("f.yaml", "- a\n- b\n"),
        ],
        4,
        expect![[r#"
            $ seedbed seed
            2> target: local local.db (default)
            2> error[yaml]: this is not YAML: while parsing a flow mapping, did not find expected ',' or '}'
            2>  --> seeds/a.yaml:3:6
            2>   |
            2> 3 |   bob: {email: b@x}
            2>   |      ^
            2>   |
            2>   = help: look at the indentation and for a missing `: `; a text with special characters needs quotes
            2>
            2> error[yaml-tab]: a tab stands where only spaces can indent
            2>  --> seeds/b.yaml:2:1
            2>   |
            2> 2 |     ann: {email: a@x}
            2>   | ^^^^
            2>   |
            2>   = help: indent with spaces
            2>
            2> error[duplicate-key]: `email` stands twice in this map
            2>  --> seeds/c.yaml:2:21
            2>   |
            2> 2 |   ann: {email: a@x, email: b@x}
            2>   |                     ^^^^^
            2>   |
            2>   = note: first here: seeds/c.yaml:2:9
            2>   = help: keep one of the two
            2>
            2> error[empty-seed]: the file holds nothing
            2>  --> seeds/d.yaml:1:1
            2>   |
            2> 1 |
            2>   | ^
            2>   |
            2>   = help: write the rows of a table, or remove the file
            2>
            2> error[bad-name]: seed files end with .yaml
            2>  --> seeds/e.yml:1:1
            2>   |
            2> 1 |
            2>   | ^
            2>   |
            2>   = help: rename it: a file with another ending is not read
            2>
            2> error[bad-shape]: a seed file is a map, and this is a list
            2>  --> seeds/f.yaml:1:1
            2>   |
            2> 1 | - a
            2>   | ^^^
            2>   |
            2>   = help: write `users:` and its rows below it, not `- `
            2>
            2> no row was written
            2>
            2> 6 errors
            exit 4
        "#]],
    );
}

#[test]
fn an_alias_that_explodes() {
    let mut text = "users:\n  a: &a0 {name: [x, x, x, x, x, x, x, x, x, x]}\n".to_owned();
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        text.push_str(&format!("  b{level}: {{name: &a{level} [{aliases}]}}\n"));
    }
    refused(
        &[("a.yaml", &text)],
        4,
        expect![[r#"
            $ seedbed seed
            2> target: local local.db (default)
            2> error[yaml-too-much]: with this anchor or alias, copies make more than 1,000,000 values or 64 MB
            2>  --> seeds/a.yaml:7:44
            2>   |
            2> 7 |   b5: {name: &a5 [*a4, *a4, *a4, *a4, *a4, *a4, *a4, *a4, *a4, *a4]}
            2>   |                                            ^^^
            2>   |
            2>   = help: use `_defaults` for what rows have in common, and `name_{1..500}` for many rows
            2>
            2> no row was written
            exit 4
        "#]],
    );
}

#[test]
fn a_file_of_a_hundred_megabytes() {
    let project = project();
    project.write("seeds/a.yaml", vec![b'#'; 100 << 20]);
    let ran = project.run("seed");
    assert_eq!(ran.code, Some(4), "{ran}");
    ran.check(expect![[r#"
        $ seedbed seed
        2> target: local local.db (default)
        2> error[not-text]: it is larger than 64 MB
        2>  --> seeds/a.yaml:1:1
        2>   |
        2> 1 |
        2>   | ^
        2>
        2> no row was written
        exit 4
    "#]]);
    assert_eq!(
        project.ask("SELECT count(*) FROM _migrations WHERE kind = 'seed'"),
        "0"
    );
}

#[test]
fn settings_that_mean_nothing() {
    refused(
        &[
            (
                "a.yaml",
                "_seed: {mode: upsrt, depends_on: [b_users], requires: 9, tag: [x]}\nusers:\n  ann: {email: a@x}\n",
            ),
            (
                "b.yaml",
                "_seed: {requires: 1..1, depends_on: [c]}\nusers:\n  bob: {email: b@x}\n",
            ),
            (
                "dev/c.yaml",
                "_seed: {envs: [test]}\nusers:\n  cid: {email: c@x}\n",
            ),
            ("prod/d.yaml", "users:\n  dan: {email: d@x}\n"),
        ],
        4,
        expect![[r#"
            $ seedbed seed
            2> target: local local.db (default)
            2> error[bad-value]: there is no mode `upsrt`
            2>  --> seeds/a.yaml:1:15
            2>   |
            2> 1 | _seed: {mode: upsrt, depends_on: [b_users], requires: 9, tag: [x]}
            2>   |               ^^^^^
            2>   |
            2>   = help: did you mean `upsert`?
            2>
            2> error[depends-on]: there is no seed `b_users`
            2>  --> seeds/a.yaml:1:35
            2>   |
            2> 1 | _seed: {mode: upsrt, depends_on: [b_users], requires: 9, tag: [x]}
            2>   |                                   ^^^^^^^
            2>
            2> error[requires]: this seed fits V9 or later, and the database is at V1
            2>  --> seeds/a.yaml:1:55
            2>   |
            2> 1 | _seed: {mode: upsrt, depends_on: [b_users], requires: 9, tag: [x]}
            2>   |                                                       ^
            2>   |
            2>   = help: the newest migration is V1: correct `requires`, or add the migration
            2>
            2> error[unknown-setting]: `_seed` has no setting `tag`
            2>  --> seeds/a.yaml:1:58
            2>   |
            2> 1 | _seed: {mode: upsrt, depends_on: [b_users], requires: 9, tag: [x]}
            2>   |                                                          ^^^
            2>   |
            2>   = help: did you mean `tags`?
            2>
            2> error[depends-on]: there is no seed `c`
            2>  --> seeds/b.yaml:1:38
            2>   |
            2> 1 | _seed: {requires: 1..1, depends_on: [c]}
            2>   |                                      ^
            2>   |
            2>   = help: did you mean `a`?
            2>
            2> error[other-environment]: a file in dev/ is for environment dev, and not for test
            2>  --> seeds/dev/c.yaml:1:16
            2>   |
            2> 1 | _seed: {envs: [test]}
            2>   |                ^^^^
            2>   |
            2>   = help: move it into the seeds folder itself to share it
            2>
            2> error[prod-unsaid]: a seed reaches prod only if it says so
            2>  --> seeds/prod/d.yaml:1:1
            2>   |
            2> 1 | users:
            2>   | ^
            2>   |
            2>   = help: write `_seed: {envs: [prod]}` at the top, if that is meant
            2>
            2> no row was written
            2>
            2> 7 errors
            exit 4
        "#]],
    );
}

#[test]
fn a_seed_for_an_older_schema() {
    let project = project()
        .migration("V2__more", "CREATE TABLE more (x);\n")
        .after("migrate")
        .file(
            "seeds/a.yaml",
            "_seed: {requires: 1..1}\nusers:\n  ann: {email: a@x}\n",
        )
        .file(
            "seeds/b.yaml",
            "_seed: {requires: 3}\nusers:\n  bob: {email: b@x}\n",
        );
    untouched(&project, "seed").check(expect![[r#"
        $ seedbed seed
        2> target: local local.db (default)
        2> error[requires]: this seed fits V1 to V1, and the database is at V2
        2>  --> seeds/a.yaml:1:19
        2>   |
        2> 1 | _seed: {requires: 1..1}
        2>   |                   ^^^^
        2>   |
        2>   = help: bring the seed up to the schema, then say so in `requires`
        2>
        2> error[requires]: this seed fits V3 or later, and the database is at V2
        2>  --> seeds/b.yaml:1:19
        2>   |
        2> 1 | _seed: {requires: 3}
        2>   |                   ^
        2>   |
        2>   = help: the newest migration is V2: correct `requires`, or add the migration
        2>
        2> no row was written
        2>
        2> 2 errors
        exit 4
    "#]]);
}

#[test]
fn the_advice_for_pending_migrations_has_the_choice_of_the_run() {
    let project = project()
        .migration(
            "V2__more",
            "CREATE TABLE more (id INTEGER PRIMARY KEY, x);\n",
        )
        .file(
            "seeds/staging/a.yaml",
            "_seed: {tags: [demo]}\nmore:\n  ann: {x: 1}\n",
        );
    for (typed, advice) in [
        (
            "seed",
            "help: `seedbed migrate` first, or `seedbed migrate --seed --env dev` for both",
        ),
        (
            "seed --env staging --tag demo",
            "help: `seedbed migrate` first, or `seedbed migrate --seed --env staging --tag demo` for both",
        ),
        (
            "seed --env staging --mark staging",
            "help: `seedbed migrate` first, then run this again",
        ),
        (
            "seed --env staging --refresh",
            "help: `seedbed migrate` first, then run this again",
        ),
    ] {
        let ran = project.run(typed);
        assert!(ran.stderr.contains(advice), "{ran}");
    }
    let ran = project.run("migrate --seed --env staging --tag demo");
    assert_eq!(ran.code, Some(0), "{ran}");
    // What the other environment has is shown with the mark, also where the folder of the seeds is gone.
    let status = project.run("status");
    assert!(
        status.stdout.contains("marked as environment staging"),
        "{status}"
    );
    let elsewhere = project.run("status --seeds none");
    assert!(
        elsewhere.stdout.contains("marked as environment staging"),
        "{elsewhere}"
    );
}

#[test]
fn pending_migrations() {
    let project = project()
        .migration("V2__more", "CREATE TABLE more (x);\n")
        .migration("V3__more", "CREATE TABLE most (x);\n")
        .file("seeds/a.yaml", "most:\n  ann: {x: 1}\n");
    untouched(&project, "seed").check(expect![[r#"
        $ seedbed seed
        2> target: local local.db (default)
        2> error[pending]: V2 and V3 are pending, and rows are written for the schema after them
        2>   |
        2>   = help: `seedbed migrate` first, or `seedbed migrate --seed --env dev` for both
        2>
        2> no row was written
        exit 4
    "#]]);
    // Neither is there a database for it where none was.
    let fresh = Project::new()
        .migration("V1__schema", SCHEMA)
        .file("seeds/a.yaml", "users:\n  ann: {email: a@x}\n");
    let ran = untouched(&fresh, "seed");
    assert_eq!(ran.code, Some(4), "{ran}");
}

#[test]
fn what_only_the_engine_refuses() {
    let project = Project::new()
        .migration(
            "V1__t",
            "CREATE TABLE t (id INTEGER PRIMARY KEY, n INT CHECK (n < 10));\n\
             CREATE TRIGGER no BEFORE INSERT ON t WHEN new.n = 5 BEGIN SELECT RAISE (ABORT, 'five is right out'); END;\n",
        )
        .after("migrate")
        .file("seeds/a.yaml", "t:\n  one: {id: 1, n: 1}\n  two:\n    id: 2\n    n: 11\n");
    let ran = untouched(&project, "seed");
    ran.check(expect![[r#"
        $ seedbed seed
        2> target: local local.db (default)
        2> error[constraint]: a row was refused: CHECK constraint failed: n < 10
        2>  --> seeds/a.yaml:3:3
        2>   |
        2> 3 |   two:
        2>   |   ^^^
        2>   |
        2>   = note: every row of this run was rolled back
        2>   = help: correct seeds/a.yaml:3, or the rows that are in the database, then run `seedbed seed` again
        2>
        2> nothing of this run is in the database; the database is at V1
        exit 1
    "#]]);
    assert_eq!(ran.code, Some(1));
    project.write(
        "seeds/a.yaml",
        "t:\n  one: {id: 1, n: 1}\n  two: {id: 2, n: 5}\n",
    );
    let ran = untouched(&project, "seed");
    ran.check(expect![[r#"
        $ seedbed seed
        2> target: local local.db (default)
        2> error[constraint]: a row was refused: five is right out
        2>  --> seeds/a.yaml:3:3
        2>   |
        2> 3 |   two: {id: 2, n: 5}
        2>   |   ^^^
        2>   |
        2>   = note: every row of this run was rolled back
        2>   = help: correct seeds/a.yaml:3, or the rows that are in the database, then run `seedbed seed` again
        2>
        2> nothing of this run is in the database; the database is at V1
        exit 1
    "#]]);
    assert_eq!(ran.code, Some(1));
}

#[test]
fn secrets_that_everybody_knows_in_a_set_for_prod() {
    let project = Project::new()
        .migration("V1__t", "CREATE TABLE t (id INTEGER PRIMARY KEY, password TEXT, api_token TEXT, more TEXT);\n")
        .after("migrate")
        .env("GOOD", "aRather-0dd-phrase")
        .env("BAD", "changeme")
        .file(
            "seeds/prod/a.yaml",
            "_seed: {envs: [prod]}\nt:\n  a: {id: 1, password: !hash {value: !env BAD}}\n  b: {id: 2, password: !hash admin}\n  \
             c: {id: 3, api_token: !env BAD}\n  d: {id: 4, password: Password123!}\n  e: {id: 5, password: !hash {value: !env GOOD}, more: admin}\n  \
             f: {id: 6, api_token: !env {name: NONE, default: secret}}\n",
        );
    let ran = untouched(&project, "seed --env prod");
    ran.check(expect![[r#"
        $ seedbed seed --env prod
        2> target: local local.db (default)
        2> error[weak-secret]: BAD is too weak for prod: it is a well-known password
        2>  --> seeds/prod/a.yaml:3:24
        2>   |
        2> 3 |   a: {id: 1, password: !hash {value: !env BAD}}
        2>   |                        ^^^^^^^^^^^^^^^^^^^^^^^
        2>   |
        2>   = help: make one with `openssl rand -base64 24`
        2>
        2> error[weak-secret]: this secret is too weak for prod: it has fewer than 8 characters
        2>  --> seeds/prod/a.yaml:4:24
        2>   |
        2> 4 |   b: {id: 2, password: !hash admin}
        2>   |                        ^^^^^^^^^^^
        2>   |
        2>   = help: make one with `openssl rand -base64 24`
        2>
        2> error[weak-secret]: BAD is too weak for prod: it is a well-known password
        2>  --> seeds/prod/a.yaml:5:25
        2>   |
        2> 5 |   c: {id: 3, api_token: !env BAD}
        2>   |                         ^^^^^^^^
        2>   |
        2>   = help: make one with `openssl rand -base64 24`
        2>
        2> error[weak-secret]: this is too weak for prod: it is a well-known password
        2>  --> seeds/prod/a.yaml:6:24
        2>   |
        2> 6 |   d: {id: 4, password: Password123!}
        2>   |                        ^^^^^^^^^^^^
        2>   |
        2>   = help: make one with `openssl rand -base64 24`
        2>
        2> error[weak-secret]: NONE is too weak for prod: it has fewer than 8 characters
        2>  --> seeds/prod/a.yaml:8:25
        2>   |
        2> 8 |   f: {id: 6, api_token: !env {name: NONE, default: secret}}
        2>   |                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        2>   |
        2>   = help: make one with `openssl rand -base64 24`
        2>
        2> no row was written
        2>
        2> 5 errors
        exit 4
    "#]]);
    assert!(!ran.stderr.contains("changeme"), "{ran}");
}

#[test]
fn tags_and_names_that_mean_nothing_where_they_stand() {
    refused(
        &[
            (
                "a.yaml",
                "users:\n  \
             _defaults: {name: \"n${i}\", email: \"${label}@${each}\"}\n  \
             a: {email: a@x, team_id: !pick [!ref teams.red, !ref teams.blue]}\n  \
             b: {email: b@x, age: !pick [!int 1..5, 7], name: !pick {!fake name: 2, x: 1}}\n  \
             c: {email: c@x, born: !pick [!ago 1..9 days], name: !pick [!pick [a, b]]}\n  \
             r_{1..2}: {team: red}\n\
             teams:\n  red: {name: Red}\n  blue: {name: Blue}\n",
            ),
            (
                "b.yaml",
                "users:\n  \
             _id: u_${i}\n  \
             _defaults: {team_id: !ref \"teams.t_${i}\"}\n  \
             d: {email: d@x, name: {a: !ref teams.red}}\n  \
             e: {email: e@x, name: !json [!env HOME]}\n  \
             !env X : {email: f@x}\n  \
             g: {email: g@x, !now name: x}\n  \
             h: {email: h@x, name: !hash {value: !now }}\n  \
             i: {email: i@x, name: !env {name: !ref teams.red}, born: !now [!int 1..5]}\n",
            ),
        ],
        4,
        expect![[r#"
            $ seedbed seed
            2> target: local local.db (default)
            2> error[unknown-name]: `${i}` has no value in row `a`
            2>  --> seeds/a.yaml:2:21
            2>   |
            2> 2 |   _defaults: {name: "n${i}", email: "${label}@${each}"}
            2>   |                     ^^^^^^^
            2>   |
            2>   = help: `${i}` is the number of a row in a range like `load_{001..500}` or `post_{users.*}_{1..3}`; give the other rows a value of their own
            2>
            2> error[unknown-name]: `${each}` has no value in row `r_1`
            2>  --> seeds/a.yaml:2:37
            2>   |
            2> 2 |   _defaults: {name: "n${i}", email: "${label}@${each}"}
            2>   |                                     ^^^^^^^^^^^^^^^^^^
            2>   |
            2>   = help: `${each}` is the label that a row like `now_{users.load_*}` was made for; give the other rows a value of their own
            2>
            2> error[yaml-key]: `!fake` stands at a name, which takes no tag
            2>  --> seeds/a.yaml:4:59
            2>   |
            2> 4 |   b: {email: b@x, age: !pick [!int 1..5, 7], name: !pick {!fake name: 2, x: 1}}
            2>   |                                                           ^^^^^
            2>   |
            2>   = help: remove the tag
            2>
            2> error[unknown-name]: `${i}` has no value in row `d`
            2>  --> seeds/b.yaml:2:8
            2>   |
            2> 2 |   _id: u_${i}
            2>   |        ^^^^^^
            2>   |
            2>   = help: `${i}` is the number of a row in a range like `load_{001..500}` or `post_{users.*}_{1..3}`; give the other rows a value of their own
            2>
            2> error[unknown-name]: `${i}` has no value in row `d`
            2>  --> seeds/b.yaml:3:24
            2>   |
            2> 3 |   _defaults: {team_id: !ref "teams.t_${i}"}
            2>   |                        ^^^^^^^^^^^^^^^^^^^
            2>   |
            2>   = help: `${i}` is the number of a row in a range like `load_{001..500}` or `post_{users.*}_{1..3}`; give the other rows a value of their own
            2>
            2> error[yaml-key]: `!env` stands at a name, which takes no tag
            2>  --> seeds/b.yaml:6:3
            2>   |
            2> 6 |   !env X : {email: f@x}
            2>   |   ^^^^
            2>   |
            2>   = help: remove the tag
            2>
            2> error[yaml-key]: `!now` stands at a name, which takes no tag
            2>  --> seeds/b.yaml:7:19
            2>   |
            2> 7 |   g: {email: g@x, !now name: x}
            2>   |                   ^^^^
            2>   |
            2>   = help: remove the tag
            2>
            2> error[bad-tag]: `!hash` takes a text or an `!env` as its `value`
            2>  --> seeds/b.yaml:8:39
            2>   |
            2> 8 |   h: {email: h@x, name: !hash {value: !now }}
            2>   |                                       ^^^^
            2>   |
            2>   = help: write for example `!hash {scheme: argon2id, value: !env ADMIN_PASSWORD}`
            2>
            2> error[bad-tag]: `!env` takes the name of a variable, and `teams.red` is none
            2>  --> seeds/b.yaml:9:25
            2>   |
            2> 9 |   i: {email: i@x, name: !env {name: !ref teams.red}, born: !now [!int 1..5]}
            2>   |                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^
            2>   |
            2>   = help: write for example `!env {name: SEED_KEY, default: none}`
            2>
            2> error[bad-tag]: the name of a variable takes no tag, and this has `!ref`
            2>  --> seeds/b.yaml:9:37
            2>   |
            2> 9 |   i: {email: i@x, name: !env {name: !ref teams.red}, born: !now [!int 1..5]}
            2>   |                                     ^^^^
            2>   |
            2>   = help: remove the tag
            2>
            2> error[bad-tag]: `!now` takes modifiers, each a text
            2>  --> seeds/b.yaml:9:66
            2>   |
            2> 9 |   i: {email: i@x, name: !env {name: !ref teams.red}, born: !now [!int 1..5]}
            2>   |                                                                  ^^^^^^^^^
            2>   |
            2>   = help: write for example `!now [start of month, +1 month]`
            2>
            2> no row was written
            2>
            2> 11 errors
            exit 4
        "#]],
    );
    refused(
        &[(
            "c.yaml",
            "users:\n  _id: u_${i}\n  _defaults: {name: \"n${i}\", team_id: !ref \"teams.t_${i}\", email: \"${each}\"}\n  \
             plain: {}\n  other: {}\nteams:\n  t_{1..2}: {name: \"${label}\"}\n",
        )],
        4,
        expect![[r#"
            $ seedbed seed
            2> target: local local.db (default)
            2> error[unknown-name]: `${i}` has no value in row `plain`
            2>  --> seeds/c.yaml:2:8
            2>   |
            2> 2 |   _id: u_${i}
            2>   |        ^^^^^^
            2>   |
            2>   = help: `${i}` is the number of a row in a range like `load_{001..500}` or `post_{users.*}_{1..3}`; give the other rows a value of their own
            2>
            2> error[unknown-name]: `${i}` has no value in row `plain`
            2>  --> seeds/c.yaml:3:21
            2>   |
            2> 3 |   _defaults: {name: "n${i}", team_id: !ref "teams.t_${i}", email: "${each}"}
            2>   |                     ^^^^^^^
            2>   |
            2>   = help: `${i}` is the number of a row in a range like `load_{001..500}` or `post_{users.*}_{1..3}`; give the other rows a value of their own
            2>
            2> error[unknown-name]: `${i}` has no value in row `plain`
            2>  --> seeds/c.yaml:3:39
            2>   |
            2> 3 |   _defaults: {name: "n${i}", team_id: !ref "teams.t_${i}", email: "${each}"}
            2>   |                                       ^^^^^^^^^^^^^^^^^^^
            2>   |
            2>   = help: `${i}` is the number of a row in a range like `load_{001..500}` or `post_{users.*}_{1..3}`; give the other rows a value of their own
            2>
            2> error[unknown-name]: `${each}` has no value in row `plain`
            2>  --> seeds/c.yaml:3:67
            2>   |
            2> 3 |   _defaults: {name: "n${i}", team_id: !ref "teams.t_${i}", email: "${each}"}
            2>   |                                                                   ^^^^^^^^^
            2>   |
            2>   = help: `${each}` is the label that a row like `now_{users.load_*}` was made for; give the other rows a value of their own
            2>
            2> no row was written
            2>
            2> 4 errors
            exit 4
        "#]],
    );
}
