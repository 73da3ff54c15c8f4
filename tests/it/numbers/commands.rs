//! What is typed as the help says, one number with two texts.

use expect_test::expect;

use super::{codes, is_true, refuses, table, to_type};
use crate::project::Project;

/// The database ran V2__rob; after the merge V2 is V2__jane, and the text of V2__rob is in V3__rob.sql.
fn merged() -> Project {
    let project = Project::new()
        .migration("V1__a", table("a"))
        .migration("V2__rob", table("rob"))
        .after("migrate");
    project.remove("migrations/V2__rob.sql");
    project
        .migration("V2__jane", table("jane"))
        .migration("V3__rob", table("rob"))
}

#[test]
fn a_record_is_moved_to_its_file_and_the_other_migration_is_applied() {
    let project = merged();
    let refused = refuses(&project, "migrate", 4, &["renumbered"]);
    refused.check(expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[renumbered]: this database ran another V2, `rob`; its text is now V3__rob.sql
        2>  --> migrations/V3__rob.sql
        2>   = help: `seedbed repair` moves the record of V2 to V3; then `seedbed migrate --allow-out-of-order` applies V2__jane.sql below V3, or, if no other database applied V2__jane.sql, `seedbed renumber V2__jane.sql` gives it the next free version for `seedbed migrate`
        exit 4
    "#]]);
    let commands = to_type(&refused);
    assert_eq!(commands[..2], ["repair", "migrate --allow-out-of-order"]);
    project.run(&commands[0]).check(expect![[r#"
        $ seedbed repair
        moved V2 to V3 rob in the records
        the database is at V3
        2> target: local local.db (default)
    "#]]);
    project.run(&commands[1]).check(expect![[r#"
        $ seedbed migrate --allow-out-of-order
        applied V2 jane (1 statement, [ms])
        the database is at V3
        2> target: local local.db (default)
    "#]]);
    is_true(&project);
}

#[test]
fn or_the_other_migration_gets_the_next_number() {
    let project = merged();
    refuses(&project, "status", 4, &["renumbered"]);
    let commands = to_type(&project.run("migrate"));
    assert_eq!(commands[2..], ["renumber V2__jane.sql", "migrate"]);
    let project = project.after("repair").after(&commands[2]).after("migrate");
    is_true(&project);
}

#[test]
fn what_did_not_run_is_not_recorded() {
    let project = merged();
    refuses(&project, "repair 2", 4, &["not-repairable"]);
    refuses(&project, "repair 2 --no-verify", 4, &["not-repairable"]);
    project.remove("migrations/V3__rob.sql");
    refuses(&project, "repair 2", 5, &["drift"]).check(expect![[r#"
        $ seedbed repair 2
        2> target: local local.db (default)
        2> error[drift]: the schema of this database is not what V2__jane.sql and the other recorded migrations together make
        2>  --> migrations/V2__jane.sql
        2>   = note: table jane is missing
        2>           table rob should not be there
        2>   = help: if the database is nevertheless as the file says, `seedbed repair 2 --no-verify` records it without comparing
        exit 5
    "#]]);
    project.run("repair 2 --no-verify").check(expect![[r#"
        $ seedbed repair 2 --no-verify
        corrected V2 jane in the records
        the database is at V2
        2> target: local local.db (default)
        2> warning[not-verified]: V2 was recorded without comparing the schema with its file
    "#]]);
}

#[test]
fn an_edit_that_a_later_migration_replaces_is_recorded_with_a_note() {
    let project = Project::new()
        .migration(
            "V1__t",
            "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT DEFAULT 'x');\n",
        )
        .migration(
            "V2__t",
            "CREATE TABLE n (a INTEGER PRIMARY KEY, b TEXT DEFAULT 'z');\nINSERT INTO n SELECT a, b FROM t;\n\
             DROP TABLE t;\nALTER TABLE n RENAME TO t;\n",
        )
        .after("migrate");
    project.write(
        "migrations/V1__t.sql",
        "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT DEFAULT 'y');\n",
    );
    let ran = project.run("repair 1");
    ran.exits(0);
    let words = "all recorded migrations together make the same schema: it does not show which of the two ran";
    assert!(ran.stderr.contains(words), "{ran}");
    // Comments change nothing that the schema could show.
    project.write(
        "migrations/V1__t.sql",
        "-- The table.\nCREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT DEFAULT 'y');\n",
    );
    let ran = project.run("repair 1");
    ran.exits(0);
    assert!(!ran.stderr.contains("note["), "{ran}");
}

#[test]
fn a_text_that_is_in_no_file_is_brought_back_from_the_database() {
    let project = merged();
    project.remove("migrations/V3__rob.sql");
    let refused = refuses(&project, "migrate", 4, &["other-migration"]);
    refused.check(expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[other-migration]: this database ran another V2, `rob`, on [time] UTC, and its text is in no file
        2>  --> migrations/V2__jane.sql
        2>   = help: if no database applied V2__jane.sql: `seedbed renumber V2__jane.sql` gives it the next free version, then `seedbed status --source 2 > migrations/V2__rob.sql` brings the other file back as it was applied
        2>   = help: if its rows need not be kept: `seedbed reset` replaces this local database by a new one that these files make
        2>   = help: if V2__jane.sql is the same migration, renamed and edited: `seedbed repair 2` compares the schema and records the file
        2>
        2> --- V2__rob as applied
        2> +++ migrations/V2__jane.sql
        2> @@ -1 +1 @@
        2> -CREATE TABLE rob (x);
        2> +CREATE TABLE jane (x);
        exit 4
    "#]]);
    let commands = to_type(&refused);
    assert_eq!(commands[0], "renumber V2__jane.sql");
    let (source, file) = commands[1].split_once(" > ").unwrap();
    let project = project.after(&commands[0]);
    let source = project.run(source);
    assert_eq!(source.stdout, table("rob"));
    project.write(file, &source.stdout);
    let project = project.after("migrate");
    is_true(&project);
}

#[test]
fn or_it_is_undone_by_its_recorded_down_text() {
    let project = Project::new()
        .migration("V1__a", table("a"))
        .migration("V2__rob", table("rob"))
        .down("V2__rob", "DROP TABLE rob;\n")
        .after("migrate");
    project.remove("migrations/V2__rob.sql");
    project.remove("migrations/V2__rob.down.sql");
    let project = project.migration("V2__jane", table("jane"));
    let refused = refuses(&project, "migrate", 4, &["other-migration"]);
    let commands = to_type(&refused);
    assert!(commands.contains(&"undo".to_owned()), "{refused}");
    assert!(commands.contains(&"reset".to_owned()), "{refused}");
    is_true(&project.after("undo").after("migrate"));
}

#[test]
fn a_file_that_got_another_number_is_one_problem() {
    let project = Project::new()
        .migration("V1__a", table("a"))
        .migration("V2__rob", table("rob"))
        .migration("V3__c", table("c"))
        .after("migrate");
    // main has a new V2 and V3: both files of the branch were renumbered.
    for (old, new) in [("V2__rob", "V4__rob"), ("V3__c", "V5__c")] {
        let text = project.read(format!("migrations/{old}.sql"));
        project.remove(format!("migrations/{old}.sql"));
        project.write(format!("migrations/{new}.sql"), text);
    }
    let refused = refuses(&project, "migrate", 4, &["renumbered", "renumbered"]);
    assert_eq!(to_type(&refused), ["repair", "repair"]);
    is_true(&project.after("repair"));
}

#[test]
fn a_repair_names_what_it_leaves() {
    let project = Project::new()
        .migration("V1__a", table("a"))
        .migration("V2__b", table("b"))
        .migration("V3__c", table("c"))
        .after("migrate")
        .migration("V1__a", format!("-- commented\n{}", table("a")))
        .migration("V2__b", "CREATE TABLE b (x, y);\n");
    let ran = project.run("repair");
    ran.check(expect![[r#"
        $ seedbed repair
        2> target: local local.db (default)
        2> error[edited]: V2 was changed after it was applied on [time] UTC
        2>  --> migrations/V2__b.sql:1
        2>   = help: put the file back as it was and write the change as a new migration; if the database is already as the file says, `seedbed repair 2` compares the schema and records the file
        2>
        2> --- V2 as applied
        2> +++ migrations/V2__b.sql
        2> @@ -1 +1 @@
        2> -CREATE TABLE b (x);
        2> +CREATE TABLE b (x, y);
        2>
        2> V1 was corrected before by this run, and stands
        exit 4
    "#]]);
    let again = refuses(&project, "repair", 4, &["edited"]);
    assert!(!again.to_string().contains("nothing to do"), "{again}");
    let ran = refuses(&project, "baseline 3", 4, &["edited"]);
    assert!(!ran.to_string().contains("nothing to do"), "{ran}");
    assert_eq!(project.run("repair --format json").json()["exit_code"], 4);
    project.remove("migrations/V2__b.sql");
    refuses(&project, "repair", 4, &["missing"]);
    refuses(&project, "baseline 3", 4, &["missing"]);
    refuses(&project, "repair 1", 4, &["missing"]);
}

#[test]
fn what_stands_before_a_baseline_is_not_dropped() {
    let project = Project::new()
        .migration("V1__a", table("a"))
        .down("V1__a", "DROP TABLE a;\n")
        .migration("V2__b", table("b"))
        .down("V2__b", "DROP TABLE b;\n");
    project.change(&["CREATE TABLE a (x)", "INSERT INTO a VALUES (7)"]);
    let project = project.after("baseline 1").after("migrate");
    let refused = refuses(&project, "undo --steps 2", 4, &["adopted"]);
    refused.check(expect![[r#"
        $ seedbed undo --steps 2
        2> target: local local.db (default)
        2> error[adopted]: V1 a was recorded by `baseline` on [time] UTC, and Seedbed never ran it: its down text would drop what was there before
        2>   |
        2>   = help: `seedbed undo --to 1` undoes only what Seedbed applied after the baseline
        2>   = help: `seedbed undo --to none --adopted` runs the recorded down text anyway
        exit 4
    "#]]);
    let commands = to_type(&refused);
    assert_eq!(commands, ["undo --to 1", "undo --to none --adopted"]);
    let project = project.after(&commands[0]);
    assert_eq!(project.ask("SELECT x FROM a"), "7");
    refuses(&project, "undo", 4, &["adopted"]);
    let project = project.after("undo --adopted");
    assert_eq!(project.state(), "recorded: ; tables: ");
}

#[test]
fn the_database_of_another_project_is_named_as_such() {
    let project = Project::new()
        .migration("V1__users", table("users"))
        .migration("V2__posts", table("posts"))
        .after("migrate");
    for file in ["V1__users", "V2__posts"] {
        project.remove(format!("migrations/{file}.sql"));
    }
    let project = project
        .migration("V1__cats", table("cats"))
        .migration("V2__dogs", table("dogs"))
        .migration("V3__pigs", table("pigs"));
    let refused = refuses(&project, "migrate", 4, &["other-project"]);
    refused.check(expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[other-project]: none of the 2 migrations that this database ran is among these files: it is the database of another project or branch
        2>   |
        2>   = note: the database ran V1__users, V2__posts
        2>   = note: the files are V1__cats, V2__dogs, V3__pigs
        2>   = help: check whether this is the database that you meant, or name another one with `--database`
        2>   = help: if its rows need not be kept: `seedbed reset` replaces this local database by a new one that these files make
        exit 4
    "#]]);
    assert_eq!(to_type(&refused), ["reset"]);
    refuses(&project, "repair", 4, &["other-project"]);
    refuses(&project, "status", 4, &["other-project"]);
    // What is to be undone was not asked for.
    for line in ["undo", "undo --dry-run"] {
        let refused = refuses(&project, line, 4, &["other-project"]);
        assert!(
            to_type(&refused).contains(&"undo --steps 1".to_owned()),
            "{refused}"
        );
    }
    refuses(&project, "undo --steps 1", 4, &["no-down"]);
    is_true(&project.after("reset --yes"));
}

#[test]
fn the_source_of_what_is_not_recorded_is_an_error() {
    let project = merged();
    let ran = refuses(&project, "status --source 7", 4, &["not-recorded"]);
    assert_eq!(ran.stdout, "");
    let ran = project.run("status --source V2 --format json").json();
    assert_eq!(ran["source"], table("rob"));
    // A text is printed byte for byte, so that its checksum stays.
    let project = Project::new()
        .migration("V1__a", "CREATE TABLE a (x)")
        .after("migrate");
    assert_eq!(codes(&project.run("status --source 1")).len(), 0);
    assert_eq!(
        project.run("status --source 1").stdout,
        "CREATE TABLE a (x)"
    );
}

#[test]
fn a_file_that_is_gone_is_brought_back_from_the_database() {
    let project = Project::new()
        .migration("V1__a", table("a"))
        .migration("V2__b", table("b"))
        .migration("V3__c", table("c"))
        .after("migrate");
    project.remove("migrations/V2__b.sql");
    let refused = refuses(&project, "migrate", 4, &["missing"]);
    refused.check(expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[missing]: V2__b was applied on [time] UTC and has no file any more
        2>   |
        2>   = help: bring the file back: `seedbed status --source 2 > migrations/V2__b.sql` writes it as it was applied
        2>   = help: if it is to be forgotten: `seedbed repair 2` removes its record, and drops nothing
        exit 4
    "#]]);
    let commands = to_type(&refused);
    let (source, file) = commands[0].split_once(" > ").unwrap();
    let source = project.run(source);
    project.write(file, &source.stdout);
    is_true(&project);
}

#[test]
fn a_baseline_beside_an_edited_file_records_nothing() {
    let project = Project::new()
        .migration("V1__a", table("a"))
        .after("migrate")
        .migration("V1__a", "CREATE TABLE a (x, y);\n")
        .migration("V2__b", table("b"));
    project.change(&["CREATE TABLE b (x)"]);
    for line in ["baseline 2", "baseline 2 --no-verify"] {
        refuses(&project, line, 4, &["edited"]);
    }
    let project = project.migration("V1__a", table("a")).after("baseline 2");
    is_true(&project);
}

#[test]
fn a_started_migration_is_not_also_edited_or_missing() {
    let project = Project::new().migration("V1__a", table("a")).migration(
        "V2__b",
        "-- seedbed: no-transaction\nCREATE TABLE b (x);\nINSERT INTO nowhere VALUES (1);\n",
    );
    assert_eq!(project.run("migrate").code, Some(1));
    let project = project.migration("V2__b", "-- seedbed: no-transaction\nCREATE TABLE b (x);\n");
    let refused = refuses(&project, "status", 4, &["started"]);
    assert!(
        !refused.to_string().contains("after it was applied"),
        "{refused}"
    );
    project.remove("migrations/V2__b.sql");
    refuses(&project, "status", 4, &["started"]);
    let project = project.migration("V3__c", table("c"));
    let refused = refuses(&project, "status", 4, &["started"]);
    assert_eq!(
        to_type(&refused),
        ["repair 2 --applied", "repair 2 --retry"]
    );
}

#[test]
fn an_undo_that_died_is_settled_as_the_undo_said() {
    let project = Project::new()
        .migration("V1__a", table("a"))
        .migration("V2__b", table("b"))
        .down(
            "V2__b",
            "-- seedbed: no-transaction\nDROP TABLE b;\nDROP TABLE nowhere;\n",
        )
        .after("migrate");
    let undo = project.run("undo");
    assert_eq!(undo.code, Some(1), "{undo}");
    let refused = refuses(&project, "migrate --lock-timeout 0", 6, &["lock-timeout"]);
    refused.check(expect![[r#"
        $ seedbed migrate --lock-timeout 0
        2> target: local local.db (default)
        2> error[lock-timeout]: undoing V2 was started on [time] UTC by seedbed [version], here, outside of a transaction, and has not finished
        2>   |
        2>   = note: waited for it for [ms]
        2>   = help: if no process runs it any more, do the rest by hand and settle it: `seedbed repair 2 --retry` if V2 is gone from the database, `seedbed repair 2 --applied` if it is still there
        2>
        2> nothing was changed
        exit 6
    "#]]);
    refuses(&project, "repair 2", 4, &["not-repairable"]);
    let status = refuses(&project, "status", 4, &["started"]);
    status.check(expect![[r#"
        $ seedbed status
        state  version  name  applied at  took  checksum
        ✓ applied  V1  a  [time] UTC  [ms]  7d862b9d
        … started  V2  b  [time] UTC  [ms]  eae99a91

        1 applied, 1 started; the database is at V1

        error[started]: undoing V2 was started on [time] UTC by seedbed [version], here, outside of a transaction, and has not finished
          |
          = help: if no process runs it any more, do the rest by hand and settle it: `seedbed repair 2 --retry` if V2 is gone from the database, `seedbed repair 2 --applied` if it is still there
        2> target: local local.db (default)
        exit 4
    "#]]);
    assert_eq!(to_type(&status), ["repair 2 --retry", "repair 2 --applied"]);
    let applied = "SELECT state, coalesce(json_extract(detail, '$.undoing'), '-') FROM _migrations \
                   WHERE kind = 'migration' AND version = 2";
    let project = project.after("repair 2 --applied");
    assert_eq!(project.ask(applied), "applied|-");
}

#[test]
fn what_a_repeatable_without_a_file_made_is_looked_at() {
    let project = Project::new()
        .migration("V1__a", table("a"))
        .migration(
            "R__v",
            "DROP VIEW IF EXISTS v;\nCREATE VIEW v AS SELECT x FROM a;\n",
        )
        .after("migrate");
    project.remove("migrations/R__v.sql");
    let noted = |project: &Project, line: &str| {
        let ran = project.run(line);
        assert_eq!(codes(&ran), ["missing"], "{ran}");
        let text = ran.to_string();
        let note = text
            .lines()
            .find_map(|line| Some(line.split_once("= note: ")?.1.to_owned()));
        note.unwrap_or_default()
    };
    let there = "view v is in the database; a migration can drop what is not needed";
    assert_eq!(noted(&project, "status"), there);
    // This run may drop it.
    let project = project.migration("V2__d", "DROP VIEW v;\n");
    assert_eq!(noted(&project, "migrate"), "");
    assert_eq!(
        noted(&project, "status"),
        "what it made is no longer in the database"
    );
    assert_eq!(
        project.after("repair").run("status --exit-code").code,
        Some(0)
    );
}

#[test]
fn an_undo_without_a_transaction_that_had_no_effect_is_in_no_way_of_later_commands() {
    let project = Project::new()
        .migration("V1__a", table("a"))
        .migration("V2__b", table("b"))
        .down("V2__b", "-- seedbed: no-transaction\nDROP TABLE c;\n")
        .migration(
            "R__v",
            "DROP VIEW IF EXISTS v;\nCREATE VIEW v AS SELECT x FROM b;\n",
        )
        .after("migrate");
    project.run("undo").check(expect![[r#"
        $ seedbed undo
        2> target: local local.db (default)
        2> error[statement-failed]: undoing V2 failed: no such table: c
        2>  --> V2__b.down.sql (as recorded):2:12
        2>   |
        2> 2 | DROP TABLE c;
        2>   |            ^
        2>   |
        2>   = note: V2 runs outside of a transaction: none of its statements has had an effect, and it is applied as before
        2>   = help: fix the down file of V2 and record it with `seedbed repair 2`, then run `seedbed undo` again
        2>
        2> nothing of this run is in the database; the database is at V2
        exit 1
    "#]]);
    is_true(&project);
    let project = project.down("V2__b", "-- seedbed: no-transaction\nDROP TABLE b;\n");
    assert_eq!(project.after("repair 2").run("undo").code, Some(0));
}
