//! What the commands say of a database that another tool migrated, and that what they say to type goes on from there.

use expect_test::{Expect, expect};

use crate::bad_input::untouched;
use crate::project::Project;

/// A database of refinery, at version 2, and one migration more.
fn project() -> Project {
    let project = Project::new()
        .migration("V1__price", "CREATE TABLE price (cents INTEGER);\n")
        .migration("V2__cents", "UPDATE price SET cents = cents * 100;\n")
        .migration("V3__later", "CREATE TABLE later (x);\n");
    project.change(&[
        "CREATE TABLE price (cents INTEGER)",
        "INSERT INTO price VALUES (500)",
        "CREATE TABLE refinery_schema_history(
             version int4 PRIMARY KEY,
             name VARCHAR(255),
             applied_on VARCHAR(255),
             checksum VARCHAR(255))",
        "INSERT INTO refinery_schema_history VALUES (1, 'price', '', '17'), (2, 'cents', '', '18')",
    ]);
    project
}

fn check(project: &Project, line: &str, expect: Expect) {
    untouched(project, line).check(expect);
}

#[test]
fn what_is_typed_next_takes_the_database_over() {
    let project = project();
    check(
        &project,
        "status",
        expect![[r#"
            $ seedbed status
            state  version  name  checksum
            ○ pending  V1  price  2f22f53d
            ○ pending  V2  cents  f108b076
            ○ pending  V3  later  481a4ac2

            3 pending; no version is applied

            warning[other-history]: this database was migrated by refinery (newest: 2, in its table refinery_schema_history), and no migration is recorded in _migrations: what ran already would run again
              |
              = help: `seedbed adopt` compares what refinery has applied with the files and the schema, and records it without running it; then `seedbed migrate` applies the rest
              = help: if refinery_schema_history says nothing about this schema: `--ignore refinery_schema_history`
            2> target: local local.db (default)
        "#]],
    );
    check(
        &project,
        "migrate --dry-run",
        expect![[r#"
            $ seedbed migrate --dry-run
            error[other-history]: this database was migrated by refinery (newest: 2, in its table refinery_schema_history), and no migration is recorded in _migrations: what ran already would run again
              |
              = help: `seedbed adopt` compares what refinery has applied with the files and the schema, and records it without running it; then `seedbed migrate` applies the rest
              = help: if refinery_schema_history says nothing about this schema: `--ignore refinery_schema_history`

            nothing would run before the errors are settled; nothing was changed
            2> target: local local.db (default)
            exit 4
        "#]],
    );
    check(
        &project,
        "migrate",
        expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[other-history]: this database was migrated by refinery (newest: 2, in its table refinery_schema_history), and no migration is recorded in _migrations: what ran already would run again
            2>   |
            2>   = help: `seedbed adopt` compares what refinery has applied with the files and the schema, and records it without running it; then `seedbed migrate` applies the rest
            2>   = help: if refinery_schema_history says nothing about this schema: `--ignore refinery_schema_history`
            2>
            2> nothing was changed
            exit 4
        "#]],
    );
    check(
        &project,
        "migrate --to 3 --format json",
        expect![[r#"
            $ seedbed migrate --to 3 --format json
            {
              "schema_version": 1,
              "command": "migrate",
              "mode": "local",
              "database": "local.db",
              "outcome": "problems",
              "exit_code": 4,
              "items": [],
              "problems": [
                {
                  "code": "other-history",
                  "severity": "error",
                  "file": null,
                  "line": null,
                  "column": null,
                  "message": "this database was migrated by refinery (newest: 2, in its table refinery_schema_history), and no migration is recorded in _migrations: what ran already would run again",
                  "notes": [],
                  "help": "`seedbed adopt` compares what refinery has applied with the files and the schema, and records it without running it; then `seedbed migrate` applies the rest\nif refinery_schema_history says nothing about this schema: `--ignore refinery_schema_history`"
                }
              ],
              "summary": "nothing was changed"
            }
            2> target: local local.db (default)
            exit 4
        "#]],
    );
    check(
        &project,
        "undo",
        expect![[r#"
            $ seedbed undo
            nothing to do: no version is applied
            2> target: local local.db (default)
            2> warning[other-history]: this database was migrated by refinery (newest: 2, in its table refinery_schema_history), and no migration is recorded in _migrations: what ran already would run again
            2>   |
            2>   = help: `seedbed adopt` compares what refinery has applied with the files and the schema, and records it without running it; then `seedbed migrate` applies the rest
            2>   = help: if refinery_schema_history says nothing about this schema: `--ignore refinery_schema_history`
        "#]],
    );
    check(
        &project,
        "baseline 3",
        expect![[r#"
        $ seedbed baseline 3
        2> target: local local.db (default)
        2> error[drift]: the schema of this database differs from the schema that the migrations up to V3 make
        2>   |
        2>   = note: table later is missing
        2>   = note: not compared: refinery_schema_history
        2>   = help: give the version that the database really has, or make the two schemas equal; `seedbed baseline 3 --no-verify` records it anyway
        2>
        2> nothing was recorded
        exit 5
    "#]],
    );
    project.run("baseline 2").check(expect![[r#"
        $ seedbed baseline 2
        recorded V1 price as applied
        recorded V2 cents as applied
        the database is at V2
        2> target: local local.db (default)
        2> warning[not-compared]: the comparison of schemas left out refinery_schema_history: it is not the application's own
    "#]]);
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        applied V3 later (1 statement, [ms])
        the database is at V3
        2> target: local local.db (default)
    "#]]);
    check(
        &project,
        "status",
        expect![[r#"
        $ seedbed status
        state  version  name  applied at  took  checksum
        ✓ applied  V1  price  [time] UTC  baseline  2f22f53d
        ✓ applied  V2  cents  [time] UTC  baseline  f108b076
        ✓ applied  V3  later  [time] UTC  [ms]  481a4ac2

        3 applied; the database is at V3
        2> target: local local.db (default)
    "#]],
    );
    assert_eq!(project.ask("SELECT cents FROM price"), "500");
}

#[test]
fn doctor_tells_of_the_other_tool() {
    let ran = untouched(&project(), "doctor");
    assert_eq!(ran.code, Some(1), "{ran}");
    let records: Vec<&str> = ran
        .stdout
        .lines()
        .filter(|line| line.contains("records") || line.contains("adopt"))
        .collect();
    expect![[r#"
        ! records       no migration is recorded, and refinery has migrated this database (newest: 2, in its table refinery_schema_history)
                        help: `seedbed adopt` takes its history over; `seedbed adopt --dry-run` shows what it would record"#]].assert_eq(&records.join("\n"));
}

#[test]
fn a_name_in_another_tools_table_moves_no_cursor() {
    let project = project();
    project.change(&[
        "UPDATE refinery_schema_history SET version = '2' || char(27) || '[2J' || char(10) || 'error: x' WHERE version = 2",
    ]);
    for line in ["status", "migrate", "doctor", "migrate --format json"] {
        let ran = untouched(&project, line).to_string();
        assert!(
            !ran.contains('\u{1b}') && !ran.contains("\nerror: x"),
            "{ran}"
        );
        assert!(
            ran.contains("2\\u{1b}[2J\\nerror: x") || line.contains("json"),
            "{ran}"
        );
    }
}

#[test]
fn a_table_that_says_nothing_is_ignored_where_that_is_asked_for() {
    for (line, toml) in [
        ("migrate --ignore refinery_schema_history --dry-run", ""),
        (
            "migrate --ignore a --ignore REFINERY_schema_history --dry-run",
            "",
        ),
        (
            "migrate --dry-run",
            "[migrations]\nignore_tables = [\"refinery_schema_history\"]\n",
        ),
        // The flag adds to the file.
        (
            "migrate --ignore a --dry-run",
            "[migrations]\nignore_tables = [\"refinery_schema_history\"]\n",
        ),
    ] {
        let project = project().file("config.toml", toml);
        let ran = untouched(&project, line);
        assert_eq!(ran.code, Some(0), "{ran}");
        // A command that is proposed repeats the flag.
        let words = ran.stdout.replace("--ignore refinery_schema_history", "");
        assert!(!words.contains("refinery"), "{ran}");
    }
    let project = project().file("config.toml", "[migrations]\nignore_tables = [\"other\"]\n");
    assert_eq!(untouched(&project, "migrate --dry-run").code, Some(4));
}

#[test]
fn a_comparison_leaves_out_the_tables_that_are_named() {
    let project = project();
    project.change(&[
        "CREATE TABLE of_another_program (x)",
        "CREATE INDEX i ON of_another_program (x)",
        "ANALYZE",
        "CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER)",
    ]);
    check(
        &project,
        "baseline 2",
        expect![[r#"
        $ seedbed baseline 2
        2> target: local local.db (default)
        2> error[drift]: the schema of this database differs from the schema that the migrations up to V2 make
        2>   |
        2>   = note: table of_another_program should not be there
        2>           index i should not be there
        2>   = note: not compared: _litestream_seq, refinery_schema_history
        2>   = help: give the version that the database really has, or make the two schemas equal; `seedbed baseline 2 --no-verify` records it anyway
        2>   = help: a table that is not the application's own is left out with `--ignore of_another_program`
        2>
        2> nothing was recorded
        exit 5
    "#]],
    );
    project
        .run("baseline 2 --ignore of_another_program")
        .check(expect![[r#"
            $ seedbed baseline 2 --ignore of_another_program
            recorded V1 price as applied
            recorded V2 cents as applied
            the database is at V2
            2> target: local local.db (default)
            2> warning[not-compared]: the comparison of schemas left out _litestream_seq, refinery_schema_history, of_another_program: they are not the application's own
        "#]]);
}

#[test]
fn rows_without_migrations_are_seeded_whoever_made_the_tables() {
    let project = Project::new().file("seeds/price.yaml", "price:\n  - {cents: 7}\n");
    project.change(&[
        "CREATE TABLE price (cents INTEGER PRIMARY KEY)",
        "CREATE TABLE __drizzle_migrations (id, hash, created_at)",
        "INSERT INTO __drizzle_migrations VALUES (NULL, 'a', 1)",
    ]);
    let ran = project.run("seed");
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(project.ask("SELECT cents FROM price"), "7");
}

/// An import is recorded, and no migration is.
#[test]
fn a_dump_of_another_tools_database_is_not_migrated_from_the_beginning() {
    let project = Project::new()
        .migration("V1__price", "CREATE TABLE IF NOT EXISTS price (cents INTEGER);\nUPDATE price SET cents = cents * 100;\n")
        .file(
            "old.sql",
            "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE price (cents INTEGER);\nINSERT INTO price VALUES(500);\n\
             CREATE TABLE d1_migrations(id INTEGER PRIMARY KEY, name TEXT UNIQUE, applied_at TEXT);\n\
             INSERT INTO d1_migrations VALUES(1,'0001_price.sql','');\nCOMMIT;\n",
        )
        .after("import old.sql");
    let ran = project.run("migrate");
    assert_eq!(ran.code, Some(4), "{ran}");
    let project = project.after("baseline 1").after("migrate");
    assert_eq!(project.ask("SELECT cents FROM price"), "500");
}

#[test]
fn a_comparison_leaves_out_a_view_that_is_named() {
    let project = project();
    project.change(&["CREATE VIEW of_a_report AS SELECT 1 AS x"]);
    let ran = project.run("baseline 2");
    assert_eq!(ran.code, Some(5), "{ran}");
    let help = "a view that is not the application's own is left out with `--ignore of_a_report`";
    assert!(ran.to_string().contains(help), "{ran}");
    let ran = project.run("baseline 2 --ignore of_a_report");
    assert_eq!(ran.code, Some(0), "{ran}");
    let said = "left out refinery_schema_history, of_a_report: they are not";
    assert!(ran.to_string().contains(said), "{ran}");
}
