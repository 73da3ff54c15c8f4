//! Which of several files keeps its number, what `renumber` refuses, and the same text in two files.

use expect_test::expect;

use super::{codes, is_true, refuses, table, to_type};
use crate::project::Project;

/// The database ran V2__zeta, and V2__alpha came with a branch.
fn two() -> Project {
    Project::new()
        .migration("V1__a", table("a"))
        .migration("V2__zeta", table("zeta"))
        .after("migrate")
        .migration("V2__alpha", table("alpha"))
}

#[test]
fn the_file_that_the_history_knows_keeps_its_number() {
    let project = two();
    let refused = refuses(&project, "migrate", 4, &["duplicate"]);
    refused.check(expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[duplicate]: V2 is claimed by 2 files: migrations/V2__alpha.sql, migrations/V2__zeta.sql
        2>  --> migrations/V2__alpha.sql
        2>   = help: keep migrations/V2__zeta.sql, which this database has applied as V2
        2>   = help: if no other database has applied V2__alpha.sql, give it the next free version: `seedbed renumber V2__alpha.sql`
        2>   = help: if another database has applied V2__alpha.sql, it keeps the version, and V2__zeta.sql gets another: `seedbed renumber V2__zeta.sql --allow-applied`, then `seedbed repair` moves its record to the new version
        exit 4
    "#]]);
    let status = refuses(&project, "status", 4, &["duplicate"]);
    assert!(status.stdout.contains("applied  V2       zeta"), "{status}");
    let commands = to_type(&refused);
    assert_eq!(commands[0], "renumber V2__alpha.sql");
    assert_eq!(to_type(&status), commands);
    is_true(&project.after(&commands[0]).after("migrate"));
    // Where another database has applied the other file.
    let project = commands[1..]
        .iter()
        .fold(two(), |project, line| project.after(line));
    is_true(&project.after("migrate --allow-out-of-order"));
}

#[test]
fn a_copy_under_the_same_number_is_removed_and_not_renumbered() {
    let project = Project::new()
        .migration("V1__a", table("a"))
        .migration("V2__cents", "UPDATE a SET x = x * 100;\n")
        .after("migrate")
        .migration("V2__copy", "update a set x = x * 100;\n");
    let refused = refuses(&project, "migrate", 4, &["duplicate"]);
    assert!(to_type(&refused).is_empty(), "{refused}");
    assert!(
        refused
            .stderr
            .contains("remove migrations/V2__copy.sql, which has the same statements"),
        "{refused}"
    );
    project.remove("migrations/V2__copy.sql");
    is_true(&project);
}

#[test]
fn renumber_refuses_what_this_database_has_applied() {
    let project = two();
    let refused = refuses(&project, "renumber V2__zeta.sql", 4, &["applied"]);
    refused.check(expect![[r#"
        $ seedbed renumber V2__zeta.sql
        2> target: local local.db (default)
        2> error[applied]: V2__zeta.sql is applied in this database as V2: under a new version it would be pending, and run again
        2>  --> migrations/V2__zeta.sql
        2>   = help: renumber the other file: `seedbed renumber V2__alpha.sql`
        2>   = help: or `seedbed renumber V2__zeta.sql --allow-applied`, then `seedbed repair` moves the record of this database to the new version; every other database that has applied it needs the same `seedbed repair`
        exit 4
    "#]]);
    assert_eq!(to_type(&refused)[0], "renumber V2__alpha.sql");
    // Of two files, the one that is not known is meant.
    let refused = refuses(&project, "renumber 2", 2, &["several"]);
    assert_eq!(to_type(&refused), ["renumber migrations/V2__alpha.sql"]);
    project.remove("migrations/V2__alpha.sql");
    let refused = refuses(&project, "renumber 2", 4, &["applied"]);
    assert_eq!(
        to_type(&refused),
        ["renumber V2__zeta.sql --allow-applied", "repair", "repair"]
    );
    let project = project
        .after("renumber V2__zeta.sql --allow-applied")
        .after("repair");
    assert!(
        project
            .files()
            .contains(&"migrations/V3__zeta.sql".to_owned())
    );
    is_true(&project);
}

#[test]
fn renumber_undoes_first_where_that_is_possible() {
    let project = Project::new()
        .migration("V1__a", table("a"))
        .down("V1__a", "DROP TABLE a;\n")
        .after("migrate");
    let refused = refuses(&project, "renumber 1", 4, &["applied"]);
    assert_eq!(to_type(&refused)[0], "undo");
    is_true(&project.after("undo").after("renumber 1").after("migrate"));
}

#[test]
fn renumber_works_where_the_database_cannot_be_read() {
    let project = Project::new().migration("V1__a", table("a")).file(
        "local.db",
        "this is no database, and it is long enough to be none",
    );
    let ran = project.run("renumber 1");
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(ran.stderr.contains("warning: "), "{ran}");
    assert!(project.files().contains(&"migrations/V2__a.sql".to_owned()));
}

#[test]
fn the_same_text_under_two_numbers_is_a_warning() {
    let update = "UPDATE a SET x = x * 100;\n";
    let project = Project::new()
        .migration("V1__a", table("a"))
        .migration("V2__cents", update)
        .migration("V3__cents_again", format!("-- copied\n{update}"));
    let check = project.run("check");
    assert_eq!(codes(&check), ["same-text"], "{check}");
    let plan = project.run("migrate --dry-run");
    assert_eq!(codes(&plan), ["same-text"], "{plan}");
    let project = project.after("migrate --to 2");
    let ran = project.run("migrate");
    ran.check(expect![[r#"
        $ seedbed migrate
        applied V3 cents_again (1 statement, [ms])
        the database is at V3
        2> target: local local.db (default)
        2> warning[same-text-applied]: V3__cents_again.sql has the same statements as V2__cents.sql, which this database has already run: they run a second time
        2>  --> migrations/V3__cents_again.sql
        2>   = note: the same statements: migrations/V2__cents.sql
        2>   = help: if V3__cents_again.sql is a copy of it, remove V3__cents_again.sql
    "#]]);
    // Both are applied now, and nothing can be done about it.
    for line in ["migrate", "status"] {
        let ran = project.run(line);
        assert_eq!((ran.code, codes(&ran)), (Some(0), vec![]), "{ran}");
    }
}

#[test]
fn texts_that_do_nothing_or_may_be_repeated_are_no_copies() {
    for text in [
        "SELECT 1;\n",
        "ANALYZE;\n",
        "-- seedbed: no-transaction\nVACUUM;\n",
    ] {
        let project = Project::new()
            .migration("V1__a", text)
            .migration("V2__b", text);
        for line in ["check", "migrate"] {
            let ran = project.run(line);
            assert_eq!((ran.code, codes(&ran)), (Some(0), vec![]), "{ran}");
        }
    }
}

#[test]
fn a_file_with_u_beside_an_applied_one_gets_another_number() {
    let project = Project::new()
        .migration("V1__a", table("a"))
        .migration("V2__b", table("b"))
        .after("migrate")
        .migration("U2__z", table("z"));
    let refused = refuses(&project, "migrate", 4, &["duplicate"]);
    refused.check(expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[duplicate]: V2 is claimed by 2 files: migrations/U2__z.sql, migrations/V2__b.sql
        2>  --> migrations/U2__z.sql
        2>   = help: keep migrations/V2__b.sql, which this database has applied as V2
        2>   = help: if no other database has applied U2__z.sql, give it the next free version: `seedbed renumber U2__z.sql`
        2>   = help: if another database has applied U2__z.sql, it keeps the version, and V2__b.sql gets another: `seedbed renumber V2__b.sql --allow-applied`, then `seedbed repair` moves its record to the new version
        2>   = help: if it undoes the other, rename it to V2__b.down.sql
        exit 4
    "#]]);
    assert_eq!(to_type(&refused)[0], "renumber U2__z.sql");
    is_true(&project.after("renumber U2__z.sql").after("migrate"));
}

#[test]
fn without_a_database_two_files_of_one_number_are_not_no_migrations() {
    let project = Project::new()
        .migration("V1__n", table("n"))
        .migration("V01__n2", table("n2"));
    let ran = refuses(&project, "status", 4, &["duplicate"]);
    assert!(ran.stdout.contains("no migration is applied"), "{ran}");
    assert!(!ran.stdout.contains("there are no migrations"), "{ran}");
}

#[test]
fn the_first_way_out_does_not_begin_with_or() {
    let project = Project::new()
        .migration("V1__a", table("a"))
        .migration("V2__b", table("b"))
        .after("migrate");
    let refused = refuses(&project, "renumber 2", 4, &["applied"]);
    assert!(
        refused
            .stderr
            .contains("= help: `seedbed renumber V2__b.sql --allow"),
        "{refused}"
    );
}
