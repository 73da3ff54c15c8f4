//! Down files that belong to another migration than the one of their number: `undo` never drops what another made.

use expect_test::expect;

use super::{codes, refuses, table};
use crate::project::Project;

/// `V{i}__t{i}` for each of these, with rows in its table once it is applied.
fn tables(numbers: &[i64]) -> Project {
    let mut project = Project::new();
    for number in numbers {
        let name = format!("V{number}__t{number}");
        project = project
            .migration(&name, table(&format!("t{number}")))
            .down(&name, format!("DROP TABLE t{number};\n"));
    }
    let project = project.after("migrate");
    for number in numbers {
        project.change(&[&format!("INSERT INTO t{number} VALUES ({number})")]);
    }
    project
}

fn rename(project: &Project, from: &str, to: &str) {
    let at = |name: &str| project.path(format!("migrations/{name}.sql"));
    std::fs::rename(at(from), at(to)).unwrap();
}

/// The tables of the migrations.
fn there(project: &Project) -> String {
    project.ask("SELECT name FROM sqlite_schema WHERE name GLOB 't[0-9]' ORDER BY name")
}

/// The names and the recorded down texts, in the order of versions.
fn recorded(project: &Project) -> String {
    project.ask(
        "SELECT version || ' ' || name || ': ' || trim(coalesce(down, 'none'), char(10)) FROM _migrations \
         WHERE kind = 'migration' ORDER BY version",
    )
}

#[test]
fn a_record_that_moves_keeps_its_down_text_where_the_down_file_stayed() {
    let project = tables(&[1, 2, 3]);
    rename(&project, "V2__t2", "x");
    rename(&project, "V3__t3", "V2__t3");
    rename(&project, "x", "V3__t2");
    let project = project.after("repair");
    assert_eq!(
        recorded(&project),
        "1 t1: DROP TABLE t1; 2 t3: DROP TABLE t3; 3 t2: DROP TABLE t2;"
    );
    let status = project.run("status");
    assert_eq!(codes(&status), ["down-words", "down-words"], "{status}");
    // A second repair has nothing to take over either.
    let project = project.after("repair").after("undo");
    assert_eq!(there(&project), "t1 t3");
    // It would be recorded with the down file of another.
    refuses(&project, "migrate", 4, &["down-words", "down-words"]);
    rename(&project, "V2__t2.down", "x");
    rename(&project, "V3__t3.down", "V2__t3.down");
    rename(&project, "x", "V3__t2.down");
    let project = project.after("migrate").after("undo");
    assert_eq!(there(&project), "t1 t3");
}

#[test]
fn a_record_that_moves_takes_the_down_file_of_its_words() {
    let project = tables(&[1, 2]);
    rename(&project, "V2__t2", "V3__t2");
    rename(&project, "V2__t2.down", "V3__t2.down");
    project.write("migrations/V3__t2.down.sql", "DROP TABLE IF EXISTS t2;\n");
    let project = project.after("repair");
    assert_eq!(
        recorded(&project),
        "1 t1: DROP TABLE t1; 3 t2: DROP TABLE IF EXISTS t2;"
    );
}

#[test]
fn texts_that_were_exchanged_under_their_names_keep_their_down_texts() {
    let project = tables(&[1, 2, 3]);
    project.write("migrations/V2__t2.sql", table("t3"));
    project.write("migrations/V3__t3.sql", table("t2"));
    let project = project.after("repair").after("repair");
    assert_eq!(
        recorded(&project),
        "1 t1: DROP TABLE t1; 2 t2: DROP TABLE t3; 3 t3: DROP TABLE t2;"
    );
    assert_eq!(
        codes(&project.run("status")),
        ["down-of-another", "down-of-another"]
    );
    let project = project.after("undo");
    assert_eq!(there(&project), "t1 t3");
}

#[test]
fn renumber_leaves_the_down_file_of_another_migration() {
    let project = tables(&[1, 2]);
    rename(&project, "V2__t2", "V3__t2");
    project.write("migrations/V2__n.sql", table("t4"));
    let ran = project.run("renumber V2__n.sql");
    ran.check(expect![[r#"
        $ seedbed renumber V2__n.sql
        migrations/V2__n.sql -> migrations/V4__n.sql
        2> target: local local.db (default)
        2> warning[down-left]: migrations/V2__t2.down.sql keeps its name: its words are not those of the file that was renamed
        2>  --> migrations/V2__t2.down.sql
        2>   = help: if it undoes the migration that was renamed, rename it to migrations/V4__n.down.sql
    "#]]);
    let status = project.run("status");
    status.check(expect![[r#"
        $ seedbed status
        state  version  name  applied at  took  checksum
        ✓ applied  V1  t1  [time] UTC  [ms]  dccc5e7e
        ✗ missing  V2  t2  [time] UTC  [ms]  25a3a3c9
        ○ pending  V3  t2  25a3a3c9
        ○ pending  V4  n  2eea9d9f

        1 applied, 2 pending, 1 missing; the database is at V2

        error[down-without-up]: a down file for V2, and there is no V2
         --> migrations/V2__t2.down.sql
          = help: if it undoes V3__t2.sql: rename it to V3__t2.down.sql
          = help: add the migration V2, or remove this file

        error[renumbered]: V2__t2 was renamed after it was applied on [time] UTC; its text is now V3__t2.sql
         --> migrations/V3__t2.sql
          = help: `seedbed repair` moves the record of V2 to V3

        2 errors
        2> target: local local.db (default)
        exit 4
    "#]]);
    rename(&project, "V2__t2.down", "V3__t2.down");
    let project = project.after("repair").after("migrate");
    refuses(&project, "undo", 4, &["no-down"]);
    assert_eq!(there(&project), "t1 t2 t4");
}

#[test]
fn a_late_migration_is_not_recorded_with_the_down_file_of_another() {
    let project = tables(&[1, 2]);
    rename(&project, "V2__t2", "V3__t2");
    project.write("migrations/V2__n.sql", table("t4"));
    let project = project.after("repair");
    let ran = refuses(&project, "migrate --allow-out-of-order", 4, &["down-words"]);
    ran.check(expect![[r#"
        $ seedbed migrate --allow-out-of-order
        2> target: local local.db (default)
        2> error[down-words]: V2__t2.down.sql is the down file of V2__n.sql by its number, and has the words of V3__t2
        2>  --> migrations/V2__t2.down.sql
        2>   = help: if it undoes V3__t2: rename it to V3__t2.down.sql, or remove it where that file is there
        2>   = help: if it undoes V2__n.sql: rename it to V2__n.down.sql
        exit 4
    "#]]);
    rename(&project, "V2__t2.down", "V3__t2.down");
    let project = project.after("migrate --allow-out-of-order");
    let project = project.after("undo --steps 1");
    assert_eq!(there(&project), "t1 t4");
}

#[test]
fn a_recorded_down_text_stays_where_its_file_is_gone() {
    let project = tables(&[1]);
    project.remove("migrations/V1__t1.down.sql");
    project.write(
        "migrations/V1__t1.sql",
        format!("-- the first\n{}", table("t1")),
    );
    let project = project.after("repair");
    assert_eq!(recorded(&project), "1 t1: DROP TABLE t1;");
    let project = project.after("undo");
    assert_eq!(there(&project), "");
}

#[test]
fn slightly_other_words_are_a_warning() {
    let project = Project::new()
        .migration("V1__a", table("t1"))
        .down("V1__undo_a", "DROP TABLE t1;\n");
    let ran = project.run("migrate");
    assert_eq!(
        (ran.code, codes(&ran)),
        (Some(0), vec!["down-words".to_owned()]),
        "{ran}"
    );
    let project = project.after("undo");
    assert_eq!(there(&project), "");
}
