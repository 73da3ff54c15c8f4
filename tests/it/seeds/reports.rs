//! What the commands report of seeds that do not fit: each fault once, where it is, with a help that leads out.

use expect_test::expect;

use crate::bad_input::untouched;
use crate::project::Project;

const SCHEMA: &str = "\
CREATE TABLE t (id INTEGER PRIMARY KEY, n INT NOT NULL CHECK (n < 5), s TEXT NOT NULL);
";

fn project(seed: &str) -> Project {
    Project::new()
        .migration("V1__schema", SCHEMA)
        .file("seeds/a.yaml", seed)
}

#[test]
fn a_version_that_no_migration_has_is_not_reached_by_migrating() {
    let project = project("_seed: {requires: 9}\nt: {x: {n: 1, s: a}}\n");
    untouched(&project, "migrate --seed").check(expect![[r#"
        $ seedbed migrate --seed
        2> target: local local.db (default)
        2> error[requires]: this seed fits V9 or later, and the database has no migration
        2>  --> seeds/a.yaml:1:19
        2>   |
        2> 1 | _seed: {requires: 9}
        2>   |                   ^
        2>   |
        2>   = help: the newest migration is V1: correct `requires`, or add the migration
        2>
        2> nothing was changed
        exit 4
    "#]]);
    untouched(&project, "check").check(expect![[r#"
        $ seedbed check
        2> error[requires]: this seed fits V9 or later, and the database is at V1
        2>  --> seeds/a.yaml:1:19
        2>   |
        2> 1 | _seed: {requires: 9}
        2>   |                   ^
        2>   |
        2>   = help: the newest migration is V1: correct `requires`, or add the migration
        exit 4
    "#]]);
    let project = project.after("migrate");
    untouched(&project, "seed").check(expect![[r#"
        $ seedbed seed
        2> target: local local.db (default)
        2> error[requires]: this seed fits V9 or later, and the database is at V1
        2>  --> seeds/a.yaml:1:19
        2>   |
        2> 1 | _seed: {requires: 9}
        2>   |                   ^
        2>   |
        2>   = help: the newest migration is V1: correct `requires`, or add the migration
        2>
        2> no row was written
        exit 4
    "#]]);
    project.write(
        "migrations/V9__more.sql",
        "CREATE TABLE u (id INTEGER PRIMARY KEY);\n",
    );
    untouched(&project, "seed --dry-run").check(expect![[r#"
        $ seedbed seed --dry-run
        2> target: local local.db (default)
        2> error[pending]: V9 is pending, and rows are written for the schema after them
        2>   |
        2>   = help: `seedbed migrate` first, or `seedbed migrate --seed --env dev` for both
        2>
        2> error[requires]: this seed fits V9 or later, and the database is at V1
        2>  --> seeds/a.yaml:1:19
        2>   |
        2> 1 | _seed: {requires: 9}
        2>   |                   ^
        2>   |
        2>   = help: `seedbed migrate` first
        2>
        2> 2 errors
        exit 4
    "#]]);
}

#[test]
fn the_rows_of_a_pattern_are_told_apart() {
    let long = "a_pattern_whose_label_is_longer_than_what_is_shown";
    let seed = format!("t:\n  {long}_{{1..9}}: {{n: \"${{i % 5}}\", s: a}}\n");
    let project = project(&seed).after("migrate");
    untouched(&project, "seed --dry-run").check(expect![[r#"
        $ seedbed seed --dry-run
        seed a (new) sha256 3f8a18ff…
          t  + a_pattern_whose_lab…than_what_is_shown_1  + a_pattern_whose_lab…than_what_is_shown_2  + a_pattern_whose_lab…than_what_is_shown_3  + a_pattern_whose_lab…than_what_is_shown_4  + a_pattern_whose_lab…than_what_is_shown_5  + a_pattern_whose_lab…than_what_is_shown_6  + a_pattern_whose_lab…than_what_is_shown_7  + a_pattern_whose_lab…than_what_is_shown_8  and 1 more
        9 insert, 0 update, 0 delete, 0 unchanged, in one transaction
        the database will be marked as environment dev
        2> target: local local.db (default)
    "#]]);
    project.write("seeds/a.yaml", "t:\n  row_{1..9}: {n: \"${i}\", s: a}\n");
    untouched(&project, "seed --dry-run").check(expect![[r#"
        $ seedbed seed --dry-run
        2> target: local local.db (default)
        2> error[constraint]: rows `row_5`, `row_6`, `row_7`, `row_8`, `row_9` were refused: CHECK constraint failed: n < 5
        2>  --> seeds/a.yaml:2:3
        2>   |
        2> 2 |   row_{1..9}: {n: "${i}", s: a}
        2>   |   ^^^^^^^^^^
        exit 1
    "#]]);
    untouched(&project, "seed").check(expect![[r#"
        $ seedbed seed
        2> target: local local.db (default)
        2> error[constraint]: rows `row_5`, `row_6`, `row_7`, `row_8`, `row_9` were refused: CHECK constraint failed: n < 5
        2>  --> seeds/a.yaml:2:3
        2>   |
        2> 2 |   row_{1..9}: {n: "${i}", s: a}
        2>   |   ^^^^^^^^^^
        2>   |
        2>   = note: every row of this run was rolled back
        2>   = help: correct seeds/a.yaml:2, or the rows that are in the database, then run `seedbed seed` again
        2>
        2> nothing of this run is in the database; the database is at V1
        exit 1
    "#]]);
    untouched(&project, "check").check(expect![[r#"
        $ seedbed check
        2> error[row-refused]: rows `row_5`, `row_6`, `row_7`, `row_8`, `row_9` are refused: CHECK constraint failed: n < 5
        2>  --> seeds/a.yaml:2:3
        2>   |
        2> 2 |   row_{1..9}: {n: "${i}", s: a}
        2>   |   ^^^^^^^^^^
        exit 4
    "#]]);
    project.write("seeds/a.yaml", "t:\n  row_{1..300}: {n: \"${i}\", s: a}\n");
    untouched(&project, "seed").check(expect![[r#"
        $ seedbed seed
        2> target: local local.db (default)
        2> error[constraint]: rows `row_10`, `row_100`, `row_101`, `row_102`, `row_103` and at least 15 more were refused: CHECK constraint failed: n < 5
        2>  --> seeds/a.yaml:2:3
        2>   |
        2> 2 |   row_{1..300}: {n: "${i}", s: a}
        2>   |   ^^^^^^^^^^^^
        2>   |
        2>   = note: every row of this run was rolled back
        2>   = help: correct seeds/a.yaml:2, or the rows that are in the database, then run `seedbed seed` again
        2>
        2> nothing of this run is in the database; the database is at V1
        exit 1
    "#]]);
    // An update names its row too.
    project.write("seeds/a.yaml", "t:\n  row_{1..3}: {n: \"${i}\", s: a}\n");
    let project = project.after("seed");
    project.write(
        "seeds/a.yaml",
        "t:\n  row_{1..3}: {n: \"${i + 2}\", s: a}\n",
    );
    untouched(&project, "seed").check(expect![[r#"
        $ seedbed seed
        2> target: local local.db (default)
        2> error[constraint]: row `row_3` was refused: CHECK constraint failed: n < 5
        2>  --> seeds/a.yaml:2:3
        2>   |
        2> 2 |   row_{1..3}: {n: "${i + 2}", s: a}
        2>   |   ^^^^^^^^^^
        2>   |
        2>   = note: every row of this run was rolled back
        2>   = help: correct seeds/a.yaml:2, or the rows that are in the database, then run `seedbed seed` again
        2>
        2> nothing of this run is in the database; the database is at V1
        exit 1
    "#]]);
}

#[test]
fn a_value_that_cannot_be_read_is_not_missing_as_well() {
    let project = project("t:\n  x: {n: !nope 3, s: !ago 3 foos}\n");
    untouched(&project, "check").check(expect![[r#"
        $ seedbed check
        2> error[unknown-tag]: there is no tag `!nope`
        2>  --> seeds/a.yaml:2:10
        2>   |
        2> 2 |   x: {n: !nope 3, s: !ago 3 foos}
        2>   |          ^^^^^
        2>   |
        2>   = help: the tags are `!ref`, `!now`, `!ago`, `!in`, `!env`, `!file`, `!json`, `!hash`, `!fake`, `!pick`, `!each`, `!int`, `!decimal`, `!slug` and `!!binary`; `!csv` and `!json` name the file of a table, `!auto` and `!uuid` stand in `_id`; a text that begins with `!` needs quotes
        2>
        2> error[bad-tag]: `!ago` knows no unit `foos`
        2>  --> seeds/a.yaml:2:22
        2>   |
        2> 2 |   x: {n: !nope 3, s: !ago 3 foos}
        2>   |                      ^^^^^^^^^^^
        2>   |
        2>   = help: there are `second`, `minute`, `hour`, `day`, `week`, `month` and `year`
        2>
        2> 2 errors
        exit 4
    "#]]);
    project.write(
        "seeds/a.yaml",
        "t:\n  _defaults: {s: !fake nobody}\n  x: {n: 1}\n",
    );
    untouched(&project, "check").check(expect![[r#"
        $ seedbed check
        2> error[bad-tag]: `!fake` knows no kind `nobody`
        2>  --> seeds/a.yaml:2:18
        2>   |
        2> 2 |   _defaults: {s: !fake nobody}
        2>   |                  ^^^^^^^^^^^^
        2>   |
        2>   = help: there are `name`, `first_name`, `last_name`, `email`, `username`, `phone.e164`, `city`, `country`, `street`, `company`, `word`, `sentence`, `paragraph`, `boolean`, `uuid`, `url` and `ipv4`
        exit 4
    "#]]);
    project.write("seeds/a.yaml", "t:\n- {id: !int x, n: 1, s: a}\n");
    untouched(&project, "check").check(expect![[r#"
        $ seedbed check
        2> error[bad-tag]: `!int` takes two whole numbers of 64 bits, the smaller one first, and `x` is something else
        2>  --> seeds/a.yaml:2:8
        2>   |
        2> 2 | - {id: !int x, n: 1, s: a}
        2>   |        ^^^^^^
        2>   |
        2>   = help: write for example `!int 0..500`
        exit 4
    "#]]);
}

#[test]
fn a_file_of_rows_that_a_seed_names_is_no_file_that_is_not_read() {
    let project = project("t: !csv rows.csv\n").file("seeds/rows.csv", b"n,s\n1,\xff\n");
    untouched(&project, "check").check(expect![[r#"
        $ seedbed check
        2> error[not-text]: rows.csv: byte 6 is no UTF-8
        2>  --> seeds/a.yaml:1:9
        2>   |
        2> 1 | t: !csv rows.csv
        2>   |         ^^^^^^^^
        2>   |
        2>   = help: write it again as text in UTF-8
        exit 4
    "#]]);
    // Which files such a seed names is not known.
    project.write("seeds/rows.csv", "n,s\n1,a\n");
    project.write("seeds/a.yaml", "t: !csv rows.csv\nu: [\n");
    untouched(&project, "check").check(expect![[r#"
        $ seedbed check
        2> error[yaml]: this is not YAML: unclosed bracket '['
        2>  --> seeds/a.yaml:2:4
        2>   |
        2> 2 | u: [
        2>   |    ^
        2>   |
        2>   = help: close each `[` with `]` and each `{` with `}`; put a text with `${…}` in quotes between them
        exit 4
    "#]]);
}

#[test]
fn a_database_in_memory_is_seeded_with_its_migrations_only() {
    let project = project("t: {x: {n: 1, s: a}}\n");
    untouched(&project, "seed --mode memory").check(expect![[r#"
        $ seedbed seed --mode memory
        2> target: memory :memory: (--mode)
        2> error[memory]: a database in memory is empty when the command begins, and gone when it ends
        2>   |
        2>   = help: `seedbed migrate --seed --mode memory` makes the schema and the rows at once
        exit 2
    "#]]);
    untouched(&project, "seed --dry-run --mode memory").check(expect![[r#"
        $ seedbed seed --dry-run --mode memory
        2> target: memory :memory: (--mode)
        2> error[memory]: a database in memory is empty when the command begins, and gone when it ends
        2>   |
        2>   = help: `seedbed migrate --seed --dry-run --mode memory` makes the schema and the rows at once
        exit 2
    "#]]);
    untouched(&project, "seed forget a --mode memory").check(expect![[r#"
        $ seedbed seed forget a --mode memory
        2> target: memory :memory: (--mode)
        2> error[memory]: a database in memory is empty when the command begins, and gone when it ends
        2>   |
        2>   = help: name the database in which the seed was applied
        exit 2
    "#]]);
    let ran = project.run("migrate --seed --mode memory");
    assert_eq!(ran.code, Some(0), "{ran}");
}

#[test]
fn a_mask_whose_values_the_table_refuses_is_refused() {
    let schema = "\
CREATE TABLE u (id INTEGER PRIMARY KEY, email TEXT NOT NULL CHECK (email LIKE '%@corp.test'), n INT CHECK (n < 10), name TEXT);
INSERT INTO u VALUES (1, 'ann@corp.test', 3, 'Ann'), (2, 'bob@corp.test', 4, 'Bob');
";
    let project = Project::new()
        .migration("V1__schema", schema)
        .after("migrate");
    untouched(&project, "seed export u --mask u.email,u.n,u.name").check(expect![[r#"
        $ seedbed seed export u --mask u.email,u.n,u.name
        2> target: local local.db (default)
        2> error[mask]: `u.email` cannot be masked: the values that would stand in are refused: CHECK constraint failed: email LIKE '%@corp.test'
        2>   |
        2>   = help: leave the table out, or export it without this mask and replace the values by hand
        2>
        2> error[mask]: `u.n` cannot be masked: the values that would stand in are refused: CHECK constraint failed: n < 10
        2>   |
        2>   = help: leave the table out, or export it without this mask and replace the values by hand
        2>
        2> 2 errors
        exit 2
    "#]]);
    untouched(&project, "seed export u --mask u.name").check(expect![[r#"
        $ seedbed seed export u --mask u.name
        _seed: {format: 1}

        u:
          _keep: [name]
          _defaults:
            name: masked_${label}
          u_1:
            id: 1
            email: ann@corp.test
            "n": 3
          u_2:
            id: 2
            email: bob@corp.test
            "n": 4
        2> target: local local.db (default)
    "#]]);
}

#[test]
fn a_choice_that_leaves_out_what_a_seed_depends_on_is_a_warning() {
    let project = project("_seed: {tags: [demo], depends_on: [b]}\nt: {x: {n: 1, s: a}}\n").file(
        "seeds/b.yaml",
        "_seed: {tags: [other]}\nt: {y: {n: 2, s: b}}\n",
    );
    untouched(&project, "check").check(expect![[r#"
        $ seedbed check
        1 migration is fine: 1 applied in memory, 0 of them undone and applied again
        the seeds for dev, test are fine: they declare 2 rows
        2> warning[depends-on]: `seed --tag demo` would take a and leave `b` out, on which it depends
        2>  --> seeds/a.yaml:1:36
        2>   |
        2> 1 | _seed: {tags: [demo], depends_on: [b]}
        2>   |                                    ^
        2>   |
        2>   = help: `seedbed seed --tag demo --tag other` takes both; or give a the tags of `b` and no others
    "#]]);
    let project = project.after("migrate");
    untouched(&project, "seed --tag demo").check(expect![[r#"
        $ seedbed seed --tag demo
        2> target: local local.db (default)
        2> error[depends-on]: `b` has tags, and is seeded only with `--tag other`
        2>  --> seeds/a.yaml:1:36
        2>   |
        2> 1 | _seed: {tags: [demo], depends_on: [b]}
        2>   |                                    ^
        2>   |
        2>   = help: add `--tag other`, or give a the same tags
        2>
        2> no row was written
        exit 4
    "#]]);
    project.write(
        "seeds/a.yaml",
        "_seed: {depends_on: [b]}\nt: {x: {n: 1, s: a}}\n",
    );
    untouched(&project, "check").check(expect![[r#"
        $ seedbed check
        1 migration is fine: 1 applied in memory, 0 of them undone and applied again
        the seeds for dev, test are fine: they declare 2 rows
        2> warning[depends-on]: `seed` would take a and leave `b` out, on which it depends
        2>  --> seeds/a.yaml:1:22
        2>   |
        2> 1 | _seed: {depends_on: [b]}
        2>   |                      ^
        2>   |
        2>   = help: `seedbed seed --tag other` takes both; or give a the tags of `b` and no others
    "#]]);
    project.write(
        "seeds/b.yaml",
        "_seed: {tags: [demo, other]}\nt: {y: {n: 2, s: b}}\n",
    );
    project.write(
        "seeds/a.yaml",
        "_seed: {tags: [demo], depends_on: [b]}\nt: {x: {n: 1, s: a}}\n",
    );
    untouched(&project, "check").check(expect![[r#"
        $ seedbed check
        1 migration is fine: 1 applied in memory, 0 of them undone and applied again
        the seeds for dev, test are fine: they declare 2 rows
    "#]]);
    let ran = project.run("seed --tag demo --tag other");
    assert_eq!(ran.code, Some(0), "{ran}");
}

#[test]
fn a_column_that_a_trigger_writes_is_not_said_to_be_changed_by_hand_alone() {
    let schema = "\
CREATE TABLE u (id INTEGER PRIMARY KEY, name TEXT, stamp TEXT, n INT);
CREATE TRIGGER touch AFTER UPDATE ON u BEGIN UPDATE u SET stamp = 'now' WHERE id = NEW.id; END;
";
    let seed = "u:\n  x: {name: X, stamp: never, n: 1}\n";
    let project = Project::new()
        .migration("V1__schema", schema)
        .file("seeds/a.yaml", seed)
        .after("migrate --seed");
    project.change(&["UPDATE u SET name = name"]);
    untouched(&project, "seed").check(expect![[r#"
        $ seedbed seed
        seed a (applied before) sha256 de3272da…
          ! u.x: stamp changed by hand or by a trigger, left unchanged
          a trigger may write there after `seedbed seed --refresh` too: leave such columns out of the seed, or name them in `_keep`
        nothing to do: 0 rows as declared, 1 left unchanged
        2> target: local local.db (default)
    "#]]);
    project.run("seed --refresh").check(expect![[r#"
        $ seedbed seed --refresh
        seed a (applied before) sha256 de3272da…
          u  ~ x
            x.stamp: now → never
        0 inserted, 1 updated, 0 deleted, 0 unchanged, in one transaction
        2> target: local local.db (default)
        2> warning[trigger-writes]: the trigger `touch` writes `stamp` of `u`, so rows may differ from their seed again after this run
        2>  --> seeds/a.yaml:2:3
        2>   |
        2> 2 |   x: {name: X, stamp: never, n: 1}
        2>   |   ^
        2>   |
        2>   = help: leave `stamp` out of the seed, or name it in `_keep`
    "#]]);
    untouched(&project, "seed").check(expect![[r#"
        $ seedbed seed
        seed a (applied before) sha256 de3272da…
          ! u.x: stamp changed by hand or by a trigger, left unchanged
          a trigger may write there after `seedbed seed --refresh` too: leave such columns out of the seed, or name them in `_keep`
        nothing to do: 0 rows as declared, 1 left unchanged
        2> target: local local.db (default)
    "#]]);
    project.change(&["UPDATE u SET n = 2"]);
    untouched(&project, "seed").check(expect![[r#"
        $ seedbed seed
        seed a (applied before) sha256 de3272da…
          ! u.x: n changed by hand, left unchanged; stamp changed by hand or by a trigger, left unchanged
          `seedbed seed --refresh` makes it as declared again
        nothing to do: 0 rows as declared, 1 left unchanged
        2> target: local local.db (default)
    "#]]);
}

const KEYS: &str = "\
CREATE TABLE p (id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE);
CREATE TABLE c (id INTEGER PRIMARY KEY, p TEXT NOT NULL REFERENCES p (code) ON UPDATE CASCADE, n INT);
CREATE TABLE d (p TEXT NOT NULL REFERENCES p (code) ON UPDATE CASCADE, k INT, n INT, PRIMARY KEY (p, k));
";

fn keys(mode: &str, code: &str, n: u8) -> String {
    format!(
        "_seed: {{mode: {mode}}}\n\
         p:\n  _key: code\n  one: {{code: {code}}}\n\
         c:\n  x: {{p: !ref p.one.code, n: {n}}}\n\
         d:\n  _key: [p, k]\n  y: {{p: !ref p.one.code, k: 1, n: {n}}}\n"
    )
}

#[test]
fn rows_follow_a_key_that_changes_where_their_foreign_key_cascades() {
    for mode in ["upsert", "sync"] {
        let project = Project::new()
            .migration("V1__schema", KEYS)
            .file("seeds/a.yaml", keys(mode, "A", 1))
            .after("migrate --seed");
        project.write("seeds/a.yaml", keys(mode, "B", 1));
        let ran = project.run("seed");
        assert_eq!(ran.code, Some(0), "{mode}: {ran}");
        // The key and another column of one row in one run.
        project.write("seeds/a.yaml", keys(mode, "C", 2));
        let ran = project.run("seed");
        assert_eq!(ran.code, Some(0), "{mode}: {ran}");
        let again = untouched(&project, "seed").to_string();
        assert!(
            again.contains("nothing to do: 3 rows as declared"),
            "{mode}: {again}"
        );
        let rows = "SELECT code || (SELECT p || n FROM c) || (SELECT p || k || n FROM d) FROM p";
        assert_eq!(project.ask(rows), "CC2C12", "{mode}");
    }
}

#[test]
fn a_row_under_its_old_key_goes_once() {
    let schema = "\
CREATE TABLE p (id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE);
CREATE TABLE c (id INTEGER PRIMARY KEY, p TEXT NOT NULL REFERENCES p (code));
";
    let seed =
        |code: &str| format!("_seed: {{mode: sync}}\np:\n  _key: code\n  one: {{code: {code}}}\n");
    let project = Project::new()
        .migration("V1__schema", schema)
        .file("seeds/a.yaml", seed("A"))
        .after("migrate --seed");
    project.write("seeds/a.yaml", seed("B"));
    untouched(&project, "seed --dry-run").check(expect![[r#"
        $ seedbed seed --dry-run
        seed a (edited) sha256 8ecb415a…
          p  ~ one
            one.code: A → B
          p.one: the key changed
        0 insert, 1 update, 0 delete, 0 unchanged, in one transaction
        2> target: local local.db (default)
    "#]]);
    project.change(&["INSERT INTO c VALUES (1, 'A')"]);
    untouched(&project, "seed").check(expect![[r#"
        $ seedbed seed
        2> target: local local.db (default)
        2> error[has-children]: `code` of `p.one` changes, and rows of `c` refer to its old value: `c` with id 1
        2>  --> seeds/a.yaml:4:15
        2>   |
        2> 4 |   one: {code: B}
        2>   |               ^
        2>   |
        2>   = help: keep the old value and declare a row with the new one for `c` to refer to, or give the foreign key of `c` `ON UPDATE CASCADE` in a migration
        2>
        2> no row was written
        exit 4
    "#]]);
    project.change(&["DELETE FROM c"]);
    let project = project.after("seed");
    assert_eq!(project.ask("SELECT group_concat(code) FROM p"), "B");
}

#[test]
fn a_refused_seed_keeps_the_time_at_which_it_was_applied() {
    let project = project("t: {x: {n: 1, s: a}}\n").after("migrate --seed");
    project.write("seeds/a.yaml", "t: {x: {n: 7, s: a}}\n");
    for line in [
        "seed --format json",
        "seed --dry-run --format json",
        "status --format json",
    ] {
        let ran = project.run(line).to_string();
        assert!(!ran.contains("\"applied_at\": null"), "{ran}");
    }
}
