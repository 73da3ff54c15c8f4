//! Dumps that bring a `_migrations`, and imports that are begun again.

use expect_test::expect;
use seedbed::dump::import::{Begin, ImportOptions, Tables};

use super::specification::{MANY, PEOPLE, by_hand, many, unfinished};
use super::triggers::{planned, refused};
use super::{Dump, dump, told};
use crate::project::Project;
use crate::world::World;

const OURS: &str = "CREATE TABLE _migrations (kind, version, name, checksum, effective, state, applied_at, duration_ms, \
                    run_id, applied_by, detail, source, down);\n";

pub(crate) async fn records_that_cannot_be_read_are_refused_before_anything_is_written(
    world: World,
) {
    let foreign = "CREATE TABLE _migrations (file TEXT PRIMARY KEY, applied INTEGER);\n\
                   INSERT INTO _migrations VALUES('1_a.js',7);\n";
    let newer = format!(
        "{OURS}INSERT INTO _migrations VALUES('meta','layout',NULL,NULL,NULL,'applied',NULL,NULL,NULL,NULL,'99',NULL,NULL);\n"
    );
    // A new file takes them as data.
    by_hand(&world, "CREATE TABLE other (x)").await;
    for rest in [many(3), many(MANY)] {
        for (records, reason) in [
            (foreign, "is not Seedbed's"),
            (OURS, "does not say which layout it has"),
            (newer.as_str(), "was written by a newer version of Seedbed"),
        ] {
            let expect = format!("the dump has a table _migrations that {reason}");
            refused(&world, &format!("{records}{rest}"), &expect).await;
            refused(&world, &format!("{rest}{records}"), &expect).await;
        }
    }
    let existing = ImportOptions::default().tables(Tables::Existing);
    let rows = "INSERT INTO other VALUES(1);\nINSERT INTO _migrations VALUES('1_a.js',7);\n";
    let done = Dump::new(dump(rows))
        .import_with(&world.db, &existing)
        .await;
    assert_eq!(told(done), "other 1; no history");
}

pub(crate) async fn records_of_another_tool_that_an_earlier_version_left_are_removed_by_a_restart(
    world: World,
) {
    let dump = unfinished(&world).await;
    by_hand(
        &world,
        "CREATE TABLE _migrations (file TEXT PRIMARY KEY, applied INTEGER); INSERT INTO _migrations VALUES ('a', 1); \
         UPDATE _seedbed_import SET detail = json_insert(detail, '$.tables[#]', \
         json('{\"name\":\"_migrations\",\"rows\":1,\"bytes\":9,\"before\":null}'))",
    )
    .await;
    let options = ImportOptions::default();
    let expect = "the table _migrations in this database is not Seedbed's; up to line ";
    let dry = planned(&dump, &world.db, &options).await;
    assert!(dry.starts_with(expect), "{dry}");
    assert_eq!(told(dump.import(&world.db).await), dry);
    let anew = options.begin(Begin::Anew);
    dump.write(self::dump(PEOPLE));
    let dry = planned(&dump, &world.db, &anew).await;
    assert_eq!(dry, "team 1, person 2: Whole");
    let done = dump.import_with(&world.db, &anew).await;
    assert_eq!(told(done), "team 1, person 2");
    assert_eq!(world.tables().await, "other person team");
}

pub(crate) async fn a_restart_that_is_refused_removes_nothing(world: World) {
    let dump = unfinished(&world).await;
    let before = world.ask("SELECT count(*), sum(id) FROM t").await;
    let anew = ImportOptions::default().begin(Begin::Anew);
    for (text, expect) in [
        (
            "CREATE TABLE other (x);\n",
            "table other exists already, without rows; up to line ",
        ),
        (
            "INSERT INTO gone VALUES(1);\n",
            "there is no table gone, and the dump does not make it before its rows; up to line ",
        ),
        ("SELECT 1;\n", "refused-statement at line 3; up to line "),
    ] {
        dump.write(self::dump(text));
        let words = told(dump.import_with(&world.db, &anew).await);
        assert!(words.starts_with(expect), "{words}");
        assert_eq!(planned(&dump, &world.db, &anew).await, words);
        assert_eq!(
            world.ask("SELECT count(*), sum(id) FROM t").await,
            before,
            "{words}"
        );
    }
}

pub(crate) async fn rows_that_others_wrote_beside_an_import_are_kept(world: World) {
    let dump = unfinished(&world).await;
    by_hand(&world, "INSERT INTO t (id, name) VALUES (1000000, 'order')").await;
    let before = world.ask("SELECT count(*), sum(id) FROM t").await;
    let anew = ImportOptions::default().begin(Begin::Anew);
    let expect = "t has 1 row that this import has not written, so it cannot begin from the start; up to line ";
    let refused = planned(&dump, &world.db, &anew).await;
    assert!(refused.starts_with(expect), "{refused}");
    assert_eq!(told(dump.import_with(&world.db, &anew).await), refused);
    let kept = world.ask("SELECT count(*), sum(id) FROM t").await;
    assert_eq!(kept, before);
    // It goes on once the row that was refused is another.
    dump.write(super::specification::refused().replacen("u VALUES(1)", "u VALUES(2)", 1));
    let imported = dump.import(&world.db).await.unwrap();
    assert_eq!(imported.tables[0].of_others, 1);
    assert_eq!(imported.tables[0].verified, None);
    let rows = world.ask("SELECT count(*) FROM t").await;
    assert_eq!(rows, (MANY + 1).to_string());
}

#[test]
fn a_database_with_tables_keeps_its_own_numbers() {
    let text = dump(
        "PRAGMA user_version=9;\nPRAGMA application_id=7;\nCREATE TABLE t (a);\nINSERT INTO t VALUES(1);\n",
    );
    let project = Project::bare().file("old.sql", text);
    project.change(&["CREATE TABLE mine (x)", "PRAGMA user_version = 5"]);
    for _ in 0..2 {
        let ran = project.run("import old.sql --verify full");
        assert_eq!(ran.code, Some(0), "{ran}");
        if !ran.to_string().contains("nothing to do") {
            for number in ["user_version", "application_id"] {
                let note = format!(
                    "note: PRAGMA {number} was left out: this database has tables already, and keeps its own {number}"
                );
                assert!(ran.to_string().contains(&note), "{ran}");
            }
        }
    }
    let ran = project.run("verify old.sql");
    let own = "PRAGMA user_version is 5, and line 3 of the dump sets it to 9";
    assert!(ran.to_string().contains(own), "{ran}");
    // One without tables takes them.
    project.run("import old.sql --database new.db");
    assert_eq!(
        project.run("verify old.sql --database new.db").code,
        Some(0)
    );
}

/// Rows alone, of which the last is refused, and their tables.
fn rows_alone() -> Project {
    let rows = many(MANY);
    let rows = rows.split_once('\n').unwrap().1;
    let more = "INSERT INTO u VALUES(1);\nINSERT INTO u VALUES(1);\n";
    Project::new()
        .migration(
            "V1__t",
            "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, n INTEGER);\nCREATE TABLE u (x UNIQUE);\n\
             CREATE TABLE log (id);\n\
             CREATE TRIGGER added AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.id); END;\n\
             CREATE TRIGGER changed AFTER UPDATE ON t BEGIN INSERT INTO log VALUES (new.id); END;\n",
        )
        .after("migrate")
        .file("old.sql", dump(&format!("{rows}{more}")))
}

#[test]
fn what_is_proposed_has_the_flags_that_the_import_was_begun_with() {
    let project = rows_alone();
    project
        .run("import old.sql --into-existing")
        .check(expect![[r#"
            $ seedbed import old.sql --into-existing
            2> target: local local.db (default)
            2> error[sets-off-trigger]: the trigger added of t would run for each row of the dump
            2>   |
            2>   = help: if the dump holds what the trigger writes too, drop the trigger first and make it again afterwards; if it does not, `seedbed import old.sql --into-existing --run-triggers` lets it run
            2>
            2> nothing of the dump is in the database
            exit 4
        "#]]);
    assert_eq!(project.ask("SELECT count(*) FROM t"), "0");
    project
        .run("import old.sql --into-existing --run-triggers --dry-run")
        .check(expect![[r#"
            $ seedbed import old.sql --into-existing --run-triggers --dry-run
            table  rows  bytes
            t      4000  187.6 KB
            u         2      50 B

            old.sql holds 4002 rows of 2 tables (187.7 KB); they would be imported in one transaction

            checked: the dump is complete, each of its statements is one that a dump may have, its rows have tables, and nothing in the database is in its way
            not checked: its statements were read and not run; constraints, columns, types, modules and foreign keys are checked by the import itself

            nothing was changed
            2> target: local local.db (default)
            2> warning: the trigger added of t runs for each row that the import writes to t; if the dump also holds what the trigger writes, it is written twice
        "#]]);
    project
        .run("import old.sql --into-existing --run-triggers --transaction-bytes 20000")
        .check(expect![[r#"
            $ seedbed import old.sql --into-existing --run-triggers --transaction-bytes 20000
            2> target: local local.db (default)
            2> warning: the trigger added of t runs for each row that the import writes to t; if the dump also holds what the trigger writes, it is written twice
            2> error[constraint]: UNIQUE constraint failed: u.x
            2>  --> old.sql:4004
            2>   = note: it begins at byte 192270
            2>   = note: it is about the table u
            2>
            2> the dump is in the database up to line 3590 (3587 rows): `seedbed import old.sql --into-existing --run-triggers` continues from there, `seedbed import old.sql --into-existing --run-triggers --restart` begins from the start
            exit 1
        "#]]);
    let rows = project.ask("SELECT count(*) FROM t");
    project.run("import old.sql").check(expect![[r#"
        $ seedbed import old.sql
        2> target: local local.db (default)
        2> error[exists]: table t exists already and has 3587 rows
        2>   |
        2>   = help: `seedbed import old.sql --into-existing` adds the rows to it; or name a new database with `--database FILE`
        2>
        2> error[exists]: table u exists already, without rows
        2>   |
        2>   = help: `seedbed import old.sql --into-existing` adds the rows to it; or name a new database with `--database FILE`
        2>
        2> the dump is in the database up to line 3590 (3587 rows): `seedbed import old.sql --into-existing --run-triggers` continues from there, `seedbed import old.sql --into-existing --run-triggers --restart` begins from the start
        2>
        2> 2 errors
        exit 4
    "#]]);
    project.run("import old.sql --restart").check(expect![[r#"
        $ seedbed import old.sql --restart
        2> target: local local.db (default)
        2> error[exists]: table t exists already and has 3587 rows
        2>   |
        2>   = help: `seedbed import old.sql --into-existing` adds the rows to it; or name a new database with `--database FILE`
        2>
        2> error[exists]: table u exists already, without rows
        2>   |
        2>   = help: `seedbed import old.sql --into-existing` adds the rows to it; or name a new database with `--database FILE`
        2>
        2> the dump is in the database up to line 3590 (3587 rows): `seedbed import old.sql --into-existing --run-triggers` continues from there, `seedbed import old.sql --into-existing --run-triggers --restart` begins from the start
        2>
        2> 2 errors
        exit 4
    "#]]);
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[unfinished-import]: the import of old.sql was not finished: it has come to line 3590
        2>   |
        2>   = help: `seedbed import old.sql --into-existing` continues it, `seedbed import old.sql --into-existing --restart` removes what it has written
        exit 4
    "#]]);
    assert_eq!(project.ask("SELECT count(*) FROM t"), rows);
    let text = project.read("old.sql");
    let last = "INSERT INTO u VALUES(1);\n";
    project.write("old.sql", text.replace(&last.repeat(2), last));
    let ran = project.run("import old.sql --into-existing --restart");
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(project.ask("SELECT count(*) FROM t"), MANY.to_string());
}

#[test]
fn rows_without_parents_behind_many_others_are_kept_by_the_command_that_is_proposed() {
    let orphan = "CREATE TABLE child (of REFERENCES t (id));\nINSERT INTO child VALUES(0);\n";
    let project = Project::new()
        .migration("V1__a", "CREATE TABLE a (x);")
        .after("migrate")
        .file("old.sql", dump(&format!("{}{orphan}", many(MANY))));
    project
        .run("import old.sql --transaction-bytes 20000")
        .check(expect![[r#"
            $ seedbed import old.sql --transaction-bytes 20000
            2> target: local local.db (default)
            2> error[foreign-keys]: 1 row lacks its parent
            2>   |
            2>   = note: row 1 of child has no parent in t
            2>   = help: the database that was dumped lacked them too: delete those rows there, or add their parents
            2>   = help: `seedbed import old.sql --allow-fk-violations` keeps them
            2>
            2> the dump is in the database up to line 4007 (4001 rows): `seedbed import old.sql --allow-fk-violations` continues from there, `seedbed import old.sql --allow-fk-violations --restart` begins from the start
            exit 4
        "#]]);
    let ran = project.run("import old.sql --allow-fk-violations");
    assert_eq!(ran.code, Some(0), "{ran}");
}

#[test]
fn records_of_another_tool_are_data_of_a_new_file() {
    let project = Project::new().file(
        "old.sql",
        dump("CREATE TABLE _migrations (file TEXT PRIMARY KEY, applied INTEGER);\nCREATE TABLE t (x);\n"),
    );
    project.run("import old.sql --dry-run").check(expect![[r#"
        $ seedbed import old.sql --dry-run
        table        rows  bytes
        _migrations     0    0 B
        t               0    0 B

        old.sql holds 0 rows of 2 tables (139 B); they would become a new file

        checked: the dump is complete, each of its statements is one that a dump may have, its rows have tables, and nothing in the database is in its way
        not checked: its statements were read and not run; constraints, columns, types, modules and foreign keys are checked by the import itself

        nothing was changed
        2> target: local local.db (default)
        2> warning: the table _migrations of the dump is not Seedbed's: it comes into the database as data, and the import is not recorded; before `migrate` works there, give the history another name with `table = "…"` under [migrations] in config.toml
    "#]]);
    project.run("import old.sql").check(expect![[r#"
        $ seedbed import old.sql
        table  rows  bytes  verified
        _migrations  0  0 B  ✓
        t  0  0 B  ✓

        imported old.sql: 0 rows of 2 tables (139 B) in [ms]
        2> target: local local.db (default)
        2> warning: the table _migrations of the dump is not Seedbed's: it comes into the database as data, and the import is not recorded; before `migrate` works there, give the history another name with `table = "…"` under [migrations] in config.toml
    "#]]);
    assert_eq!(project.ask("SELECT count(*) FROM _migrations"), "0");
    let ran = project.run("verify old.sql");
    assert_eq!(ran.code, Some(0), "{ran}");
    // What is there already has the table's name.
    project
        .run("import old.sql --database new.db --into-existing")
        .check(expect![[r#"
            $ seedbed import old.sql --database new.db --into-existing
            2> target: local new.db (--database)
            2> error[makes-tables]: the dump makes the table t, and was to go into existing ones
            2>   |
            2>   = help: write the dump without its schema (`seedbed export --data-only --database old.db`, or `sqlite3 old.db ".dump --data-only"`), or import it without `--into-existing`
            2>
            2> nothing of the dump is in the database
            exit 4
        "#]]);
}
