//! `redo` as a process.

use expect_test::expect;

use super::{codes, is_true, refuses, table, to_type};
use crate::project::Project;

fn applied() -> Project {
    Project::new()
        .migration("V1__a", table("a"))
        .down("V1__a", "DROP TABLE a;\n")
        .migration("V2__b", table("b"))
        .down("V2__b", "DROP TABLE b;\n")
        .after("migrate")
}

#[test]
fn the_newest_is_undone_and_applied_as_its_file_is_now() {
    let project = applied().migration("V2__b", "CREATE TABLE b (x, y);\n");
    project.run("redo --dry-run").check(expect![[r#"
        $ seedbed redo --dry-run
        2 migrations would be undone or applied in 1 transaction
          V2 runs with foreign keys off, which DROP TABLE needs

        transaction 1 of 1, with foreign keys off
          V2 b  V2__b.down.sql (as recorded)
            V2__b.down.sql (as recorded):1:1  drops table b
          V2 b  migrations/V2__b.sql
            migrations/V2__b.sql:1:1  creates table b (2 columns)

        nothing was changed; the database is at V2
        2> target: local local.db (default)
    "#]]);
    assert_eq!(
        project.ask("SELECT count(*) FROM pragma_table_info('b')"),
        "1"
    );
    project.run("redo").check(expect![[r#"
        $ seedbed redo
        undone V2 b (1 statement)
        applied V2 b (1 statement, [ms])
        the database is at V2
        2> target: local local.db (default)
    "#]]);
    assert_eq!(
        project.ask("SELECT count(*) FROM pragma_table_info('b')"),
        "2"
    );
    is_true(&project);
    let ran = project.run("redo --steps 2 --format json").json();
    let items: Vec<String> = ran["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| format!("{} {}", item["version"], item["state"].as_str().unwrap()))
        .collect();
    assert_eq!(items, ["2 pending", "1 pending", "1 applied", "2 applied"]);
    is_true(&project);
}

#[test]
fn a_text_that_fails_leaves_the_database_as_it_was() {
    let project = applied().migration("V2__b", "CREATE TABLE b (x);\nCREATE TABLE a (x);\n");
    project.run("redo").check(expect![[r#"
        $ seedbed redo
        2> target: local local.db (default)
        2> error[statement-failed]: V2 failed: table a already exists
        2>  --> migrations/V2__b.sql:2:14
        2>   |
        2> 2 | CREATE TABLE a (x);
        2>   |              ^
        2>   |
        2>   = note: this is statement 2 of 2
        2>   = note: rolled back: V2
        2>   = help: fix migrations/V2__b.sql:2, then run `seedbed redo` again
        2>
        2> nothing of this run is in the database; the database is at V2
        exit 1
    "#]]);
    assert_eq!(project.state(), "recorded: V1 V2; tables: a b");
    let ran = project.run("redo --steps 2 --format json").json();
    assert_eq!(ran["exit_code"], 1);
    let states: Vec<&str> = ran["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["applied", "applied"]);
}

#[test]
fn what_takes_several_transactions_says_so() {
    let project = applied().migration(
        "V2__b",
        "CREATE TABLE b (x);\nINSERT INTO b VALUES (1);\nUPDATE b SET x = 2;\n",
    );
    project.run("redo").check(expect![[r#"
        $ seedbed redo
        undone V2 b (1 statement)
        applied V2 b (3 statements, [ms])
        the database is at V2
        2> target: local local.db (default)
        2> this run takes 2 transactions; V2 runs with foreign keys off, which DROP TABLE needs; V2 runs with foreign keys on again; if one fails, those before it stay committed
    "#]]);
    is_true(&project);
}

#[test]
fn without_a_down_text_or_a_file_nothing_runs() {
    let project = applied();
    project.remove("migrations/V2__b.sql");
    project.remove("migrations/V2__b.down.sql");
    refuses(&project, "redo", 4, &["no-file"]).check(expect![[r#"
        $ seedbed redo
        2> target: local local.db (default)
        2> error[no-file]: V2 has no file, so `redo` could not apply it again
        2>   |
        2>   = help: bring the file back, or undo it without applying it again: `seedbed undo`
        exit 4
    "#]]);
    let project = Project::new()
        .migration("V1__a", table("a"))
        .after("migrate");
    refuses(&project, "redo", 4, &["no-down"]);
    refuses(&project, "redo --steps 0", 2, &[]);
    let empty = Project::new().migration("V1__a", table("a"));
    let ran = empty.run("redo");
    assert_eq!(ran.code, Some(0), "{ran}");
}

#[test]
fn a_down_file_that_was_missing_is_recorded_as_the_help_says() {
    let project = Project::new()
        .migration("V1__a", table("a"))
        .after("migrate")
        .migration("V1__a", "CREATE TABLE a (x, y);\n");
    let refused = refuses(&project, "redo", 4, &["no-down"]);
    assert_eq!(to_type(&refused), ["repair"]);
    let project = project.down("V1__a", "DROP TABLE a;\n");
    // It records the down file, and reports the edit.
    let repair = project.run("repair");
    assert_eq!(
        (repair.code, codes(&repair)),
        (Some(4), vec!["edited".to_owned()]),
        "{repair}"
    );
    assert_eq!(project.run("status --source 1").stdout, table("a"));
    is_true(&project.after("redo"));
}

#[test]
fn files_that_exchanged_their_numbers_are_repaired_before_a_redo() {
    let project = applied();
    let at = |name: &str| project.path(format!("migrations/{name}.sql"));
    std::fs::rename(at("V1__a"), at("x")).unwrap();
    std::fs::rename(at("V2__b"), at("V1__b")).unwrap();
    std::fs::rename(at("x"), at("V2__a")).unwrap();
    let refused = project.run("redo");
    assert_eq!(refused.code, Some(4), "{refused}");
    assert!(
        codes(&refused).contains(&"renumbered".to_owned()),
        "{refused}"
    );
    assert!(
        !refused.to_string().contains("then `seedbed migrate`"),
        "{refused}"
    );
}

#[test]
fn a_recorded_down_text_stays_while_the_migration_is_the_same() {
    let project = applied();
    project.remove("migrations/V2__b.down.sql");
    let project = project
        .after("redo")
        .after("repair 2")
        .after("repair 2 --no-verify");
    let down = project.run("status --source 2 --down");
    assert_eq!(
        (down.code, &*down.stdout),
        (Some(0), "DROP TABLE b;\n"),
        "{down}"
    );
    let project = project
        .migration("V2__b", format!("-- a comment\n{}", table("b")))
        .after("redo");
    is_true(&project);
    project.run("undo").check(expect![[r#"
        $ seedbed undo
        undone V2 b (1 statement)
        the database is at V1
        2> target: local local.db (default)
    "#]]);
}

#[test]
fn a_changed_migration_without_a_down_file_is_not_redone() {
    let project = applied().migration("V2__b", "CREATE TABLE b (x, y);\n");
    project.remove("migrations/V2__b.down.sql");
    let refused = refuses(&project, "redo", 4, &["no-down-file"]);
    refused.check(expect![[r#"
        $ seedbed redo
        2> target: local local.db (default)
        2> error[no-down-file]: V2 was changed and has no down file, so after a `redo` it could not be undone: the recorded down text is that of the earlier statements
        2>  --> migrations/V2__b.sql
        2>   = help: write V2__b.down.sql for the statements as they are now: `seedbed status --source 2 --down > migrations/V2__b.down.sql` begins it with the recorded down text
        2>   = help: if it is not to be undone any more: `seedbed undo`, then `seedbed migrate`
        exit 4
    "#]]);
    let project = project.down("V2__b", "DROP TABLE b;\n").after("redo");
    is_true(&project.after("undo").after("migrate"));
}

#[test]
fn a_down_text_that_is_not_recorded_is_not_printed() {
    let project = Project::new()
        .migration("V1__a", table("a"))
        .after("migrate");
    project.run("status --source 1 --down").check(expect![[r#"
        $ seedbed status --source 1 --down
        2> target: local local.db (default)
        2> error[not-recorded]: no down text of V1 is recorded in this database
        2>   |
        2>   = help: write its down file, then `seedbed repair` records it
        exit 4
    "#]]);
}

#[test]
fn a_down_file_is_recorded_again_after_a_repair_without_one() {
    let project = applied().migration("V2__b", "CREATE TABLE b (x, y);\n");
    project.remove("migrations/V2__b.down.sql");
    let project = project
        .after("repair 2 --no-verify")
        .down("V2__b", "DROP TABLE b;\n")
        .after("repair")
        .after("undo");
    assert_eq!(project.state(), "recorded: V1; tables: a");
}

/// V2 adds a column, and its recorded down text is this one.
fn with_column(down: &str) -> Project {
    Project::new()
        .migration("V1__a", table("a"))
        .migration("V2__b", "ALTER TABLE a ADD COLUMN mine;\n")
        .down("V2__b", format!("ALTER TABLE a DROP COLUMN {down};\n"))
        .after("migrate")
}

#[test]
fn a_wrong_down_file_is_corrected_with_the_commands_that_the_failure_names() {
    for up in ["mine", "theirs"] {
        let project =
            with_column("nope").migration("V2__b", format!("ALTER TABLE a ADD COLUMN {up};\n"));
        let failed = project.run("redo");
        assert_eq!(
            (failed.code, codes(&failed)),
            (Some(1), vec!["statement-failed".to_owned()]),
            "{failed}"
        );
        assert_eq!(to_type(&failed), ["repair 2", "redo"], "{failed}");
        let mut project = project.down("V2__b", "ALTER TABLE a DROP COLUMN mine;\n");
        for line in to_type(&failed) {
            project = project.after(&line);
        }
        is_true(&project);
    }
}

#[test]
fn only_the_down_file_of_a_changed_migration_is_recorded() {
    let project = with_column("nope")
        .migration("V2__b", "ALTER TABLE a ADD COLUMN theirs;\n")
        .down("V2__b", "ALTER TABLE a DROP COLUMN mine;\n");
    project.run("repair 2").check(expect![[r#"
        $ seedbed repair 2
        corrected V2 b in the records
        the database is at V2
        2> target: local local.db (default)
        2> warning[only-down]: only the down file of V2 was recorded: the database is as V2 was applied, and not as V2__b.sql says
        2>   |
        2>   = help: `seedbed status` shows how the file differs, and how to go on
    "#]]);
    let source = project.run("status --source 2");
    assert_eq!(source.stdout, "ALTER TABLE a ADD COLUMN mine;\n");
    // What is recorded now is not the file.
    assert_eq!(codes(&project.run("repair 2")), ["drift"]);
}

#[test]
fn a_recorded_down_text_that_fits_is_not_replaced() {
    let rows = Project::new()
        .migration("V1__a", table("a"))
        .migration("V2__b", "INSERT INTO a VALUES ('tick');\n")
        .down("V2__b", "DELETE FROM a WHERE x = 'tick';\n")
        .after("migrate")
        .migration("V2__b", "INSERT INTO a VALUES ('tock');\n")
        .down("V2__b", "DELETE FROM a WHERE x = 'tock';\n");
    let columns = with_column("mine")
        .migration("V2__b", "ALTER TABLE a ADD COLUMN theirs;\n")
        .down("V2__b", "ALTER TABLE a DROP COLUMN theirs;\n");
    // A column that is computed from the rows cannot be read, so neither can they.
    let unreadable = Project::new()
        .migration(
            "V1__a",
            "CREATE TABLE a (x);\nINSERT INTO a VALUES ('plain');\n\
             ALTER TABLE a ADD COLUMN k AS (json_extract(x, '$.k'));\n",
        )
        .migration("V2__b", "INSERT INTO a (x) VALUES (1);\n")
        .down("V2__b", "DELETE FROM a WHERE x = 1;\n")
        .after("migrate")
        .migration("V2__b", "INSERT INTO a (x) VALUES (2);\n")
        .down("V2__b", "DELETE FROM a;\n");
    for project in [rows, columns, unreadable] {
        let down = project.run("status --source 2 --down").stdout;
        refuses(&project, "repair", 4, &["edited"]);
        assert_eq!(project.run("repair 2").code, Some(5));
        assert_eq!(project.run("status --source 2 --down").stdout, down);
        is_true(&project.after("redo"));
    }
}
