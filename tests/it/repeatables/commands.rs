//! What the commands print about repeatables whose objects are gone.

use expect_test::expect;
use serde_json::{Value, json};

use crate::project::Project;

fn project() -> Project {
    Project::new()
        .migration("V1__t", "CREATE TABLE t(x);\n")
        .down("V1__t", "DROP TABLE t;\n")
        .migration("R__i", "DROP INDEX IF EXISTS i;\nCREATE INDEX i ON t(x);\n")
}

fn rebuilds(project: Project) -> Project {
    project
        .migration(
            "V2__rebuild",
            "CREATE TABLE t2(x, y);\nINSERT INTO t2(x) SELECT x FROM t;\nDROP TABLE t;\nALTER TABLE t2 RENAME TO t;\n",
        )
        .down("V2__rebuild", "DROP INDEX i;\nALTER TABLE t DROP COLUMN y;\n")
}

/// Standard output of a command that ends with this code, without times.
fn printed(project: &Project, line: &str, code: i32) -> String {
    let ran = project.run(line);
    assert_eq!(ran.code, Some(code), "{ran}");
    let lines = ran.stdout.lines().map(|line| match line.rsplit_once(", ") {
        Some((before, took)) if took.ends_with("ms)") => format!("{before}, … ms)\n"),
        _ => format!("{line}\n"),
    });
    lines.collect()
}

fn items(project: &Project, line: &str) -> Value {
    let document = project.run(line).json();
    let item = |item: &Value| json!([item["kind"], item["version"], item["state"], item["reason"]]);
    document["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(item)
        .collect()
}

#[test]
fn undo_says_what_is_pending_now_and_status_why() {
    let project = project();
    printed(&project, "migrate", 0);
    let ran = project.run("undo");
    assert_eq!(ran.code, Some(0), "{ran}");
    expect![[r#"
        target: local local.db (default)
        warning[repeatable-pending]: R__i is pending: its table t is gone
          |
          = help: the next `seedbed migrate` makes it again, after the versions that are pending then
    "#]].assert_eq(&ran.stderr);
    let status = printed(&project, "status --exit-code", 3);
    let (_, words) = status.split_once("\n\n").unwrap();
    expect![[r#"
        R__i is pending: its index i is gone; `seedbed migrate` makes it again
        2 pending; no version is applied
    "#]]
    .assert_eq(words);
    expect![[
        r#"[["migration",1,"pending",null],["repeatable","i","pending","its index i is gone"]]"#
    ]]
    .assert_eq(&items(&project, "status --format json").to_string());
    expect![[r#"
        applied V1 t (1 statement, … ms)
        made again R__i (2 statements, … ms)
        the database is at V1
    "#]]
    .assert_eq(&printed(&project, "migrate", 0));
    expect![[r#"
        2 applied; the database is at V1
    "#]]
    .assert_eq(
        printed(&project, "status --exit-code", 0)
            .split_once("\n\n")
            .unwrap()
            .1,
    );
}

#[test]
fn migrate_tells_what_it_made_again() {
    let project = rebuilds(project());
    printed(&project, "migrate --to 1", 0);
    printed(&project, "migrate", 0);
    printed(&project, "undo", 0);
    expect![[r#"
        1 migration would run in 1 transaction
          V2 runs with foreign keys off, which DROP TABLE needs

        transaction 1 of 1, with foreign keys off
          V2 rebuild  migrations/V2__rebuild.sql
            creates table t2 (2 columns), inserts rows into t2, drops table t, renames table t2 to t
              migrations/V2__rebuild.sql:1:1  creates table t2 (2 columns)
              migrations/V2__rebuild.sql:2:1  inserts rows into t2
              migrations/V2__rebuild.sql:3:1  drops table t
              migrations/V2__rebuild.sql:4:1  renames table t2 to t
          R__i made again if its index i is gone by then  migrations/R__i.sql
            drops index i, creates index i on t
              migrations/R__i.sql:1:1  drops index i
              migrations/R__i.sql:2:1  creates index i on t

        nothing was changed; the database is at V1
    "#]]
    .assert_eq(&printed(&project, "migrate --dry-run", 0));
    expect![[r#"[["migration",2,"pending",null],["repeatable","i","applied","made again if its index i is gone by then"]]"#]].assert_eq(&items(&project, "migrate --dry-run --format json").to_string());
    expect![[r#"
        applied V2 rebuild (4 statements, … ms)
        made again R__i (2 statements, … ms)
        the database is at V2
    "#]]
    .assert_eq(&printed(&project, "migrate", 0));
    expect![[r#"
        1 migration would be undone in 1 transaction

        transaction 1 of 1
          V2 rebuild  V2__rebuild.down.sql (as recorded)
            drops index i, column y from t
              V2__rebuild.down.sql (as recorded):1:1  drops index i
              V2__rebuild.down.sql (as recorded):2:1  drops column y from t
          R__i made again if its index i is gone by then  R__i.sql (as recorded)
            drops index i, creates index i on t
              R__i.sql (as recorded):1:1  drops index i
              R__i.sql (as recorded):2:1  creates index i on t

        nothing was changed; the database is at V2
    "#]]
    .assert_eq(&printed(&project, "undo --dry-run", 0));
    expect![[r#"
        undone V2 rebuild (2 statements)
        made again R__i (2 statements, … ms)
        the database is at V1
    "#]]
    .assert_eq(&printed(&project, "undo", 0));
    expect![[r#"[["migration",2,"applied",null],["repeatable","i","applied","made again"]]"#]]
        .assert_eq(&items(&project, "migrate --format json").to_string());
}

#[test]
fn a_repeatable_that_cannot_be_made_again_is_reported_with_the_reason() {
    let project = project();
    printed(&project, "migrate", 0);
    let project = project.migration("V2__gone", "DROP TABLE t;\n");
    let ran = project.run("migrate");
    assert_eq!(ran.code, Some(1), "{ran}");
    expect![[r#"
        target: local local.db (default)
        error[statement-failed]: R__i failed: no such table: main.t
         --> migrations/R__i.sql:2:19
          |
        2 | CREATE INDEX i ON t(x);
          |                   ^
          |
          = note: this is statement 2 of 2
          = note: it ran again because this run drops what it makes
          = note: rolled back: V2 and R__i
          = help: fix migrations/R__i.sql:2, then run `seedbed migrate` again
          = help: if what it makes is not wanted any more, delete the file of R__i

        nothing of this run is in the database; the database is at V1
    "#]]
    .assert_eq(&ran.stderr);
    // What the help says works.
    project.remove("migrations/R__i.sql");
    expect![[r#"
        applied V2 gone (1 statement, … ms)
        the database is at V2
    "#]]
    .assert_eq(&printed(&project, "migrate", 0));
}

#[test]
fn a_version_as_target_leaves_repeatables_pending_and_says_so() {
    let project = project();
    let ran = project.run("migrate --to 1");
    expect![[r#"
        target: local local.db (default)
        warning[repeatables-pending]: R__i stays pending: repeatables are not applied with `--to`
          |
          = help: `seedbed migrate` without `--to` applies them, after all versions
    "#]]
    .assert_eq(&ran.stderr);
    // Where nothing else is left to do, too.
    let ran = project.run("migrate --to 1");
    expect![[r#"
        target: local local.db (default)
        warning[repeatables-pending]: R__i stays pending: repeatables are not applied with `--to`
          |
          = help: `seedbed migrate` without `--to` applies them, after all versions
    "#]]
    .assert_eq(&ran.stderr);
}

#[test]
fn doctor_counts_what_is_gone_as_pending() {
    let project = project();
    printed(&project, "migrate", 0);
    printed(&project, "undo", 0);
    let document = project.run("doctor --format json").json();
    let checks = document["checks"].as_array().unwrap();
    let migrations = checks.iter().find(|check| check["name"] == "migrations");
    expect!["2 pending"].assert_eq(migrations.unwrap()["message"].as_str().unwrap());
}

/// All of a rebuild and of what it costs a repeatable is one transaction.
#[cfg(unix)]
#[test]
fn a_run_that_is_killed_leaves_the_index_there() {
    const ROUNDS: u32 = 8;
    let rows = "WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 60000)\n\
                INSERT INTO t SELECT printf('%0300d', n) FROM up;\n";
    let project = project().migration("V1__t", format!("CREATE TABLE t(x);\n{rows}"));
    printed(&project, "migrate", 0);
    let project = rebuilds(project);
    let copy = |name: &str| {
        std::fs::copy(project.path("local.db"), project.path(name)).unwrap();
    };
    copy("whole.db");
    let begun = std::time::Instant::now();
    printed(&project, "migrate --database whole.db", 0);
    let whole = begun.elapsed();
    for round in 0..ROUNDS {
        let name = format!("round{round}.db");
        copy(&name);
        let mut running = project.spawn(&format!("migrate --database {name}"));
        std::thread::sleep(whole * round / ROUNDS);
        running.kill();
        running.finish();
        let status = format!("status --format json --database {name}");
        let items = items(&project, &status);
        let repeatable = items.as_array().unwrap().last().unwrap();
        assert_eq!(*repeatable, json!(["repeatable", "i", "applied", null]));
        let index = "SELECT count(*) FROM sqlite_schema WHERE name = 'i'";
        assert_eq!(project.ask_of(&name, [index]), ["1"]);
        project.remove(&name);
    }
}

#[test]
fn an_undo_that_would_leave_a_text_in_place_of_a_column_says_what_to_run() {
    let view = "DROP VIEW IF EXISTS v;\nCREATE VIEW v AS SELECT x, \"c\" FROM t;\n";
    let project = Project::new()
        .migration("V1__t", "CREATE TABLE t (x);\n")
        .migration("V2__c", "ALTER TABLE t ADD COLUMN c;\n")
        .down("V2__c", "ALTER TABLE t DROP COLUMN c;\n")
        .migration("R__v", view);
    printed(&project, "migrate", 0);
    let ran = project.run("undo");
    assert_eq!(ran.code, Some(1), "{ran}");
    assert!(
        ran.stderr.contains(
            "in R__v.sql; a text that is meant has single quotes, then run `seedbed migrate`, then run `seedbed undo` again"
        ),
        "{ran}"
    );
    // What the help says works.
    let project = project.migration("R__v", view.replace(", \"c\"", ""));
    printed(&project, "migrate", 0);
    printed(&project, "undo", 0);
}

const TABLE: &str = "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT);\n";
const VIEW: &str = "DROP VIEW IF EXISTS v;\nCREATE VIEW v AS SELECT a FROM t;\n";

/// The view `v` as a repeatable, and a version that rebuilds its table and drops the view first.
fn rebuilt_under_a_view() -> Project {
    let rebuild = |declared: &str, value: &str| {
        format!(
            "CREATE TABLE n(id INTEGER PRIMARY KEY, a TEXT{declared});\nINSERT INTO n SELECT id, {value} FROM t;\n\
             DROP TABLE t;\nALTER TABLE n RENAME TO t;\n"
        )
    };
    let up = rebuild(" NOT NULL DEFAULT ''", "coalesce(a, '')");
    Project::new()
        .migration("V1__t", TABLE)
        .migration("R__v", VIEW)
        .after("migrate")
        .migration("V2__rebuild", format!("DROP VIEW IF EXISTS v;\n{up}"))
        .down("V2__rebuild", rebuild("", "a"))
}

#[test]
fn redo_undoes_a_rebuild_under_a_view_that_its_file_drops() {
    let project = rebuilt_under_a_view();
    for line in [
        "check", "migrate", "redo", "undo", "migrate", "redo", "drift",
    ] {
        project.run(line).exits(0);
    }
    project.change(&["INSERT INTO t(a) SELECT 'x' FROM (SELECT count(*) FROM v)"]);
}

#[test]
fn a_trigger_that_is_taken_out_of_a_repeatable_goes_with_its_view() {
    let trigger =
        "CREATE TRIGGER mine INSTEAD OF INSERT ON v BEGIN INSERT INTO t(a) VALUES (new.a); END;\n";
    let project = Project::new()
        .migration("V1__t", TABLE)
        .migration("R__v", format!("{VIEW}{trigger}"))
        .after("migrate");
    project.write("migrations/R__v.sql", VIEW);
    project.run("migrate").exits(0);
    // The one that no migration has made stays, and is all of the drift.
    project.run("drift").exits(0);
    // Its name is free.
    project.change(&[trigger]);
}
