//! Data tests: what `check` does with them, and what it says.

use expect_test::expect;

use crate::project::Project;

const TEST: &str = "-- Names are split at the first blank.\n\
    -- at 1\n\
    -- given\n\
    INSERT INTO users (id, name) VALUES (1, 'Ada Lovelace'), (2, NULL);\n\
    -- migrate 2\n\
    -- expect\n\
    SELECT id, first FROM users ORDER BY id;\n\
    -- 1|Ada\n\
    -- 2|\n\
    -- undo\n\
    -- expect error\n\
    SELECT first FROM users;\n";

fn project(test: &str) -> Project {
    Project::new()
        .migration(
            "V1__users",
            "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);\n",
        )
        .migration(
            "V2__split",
            "ALTER TABLE users ADD COLUMN first TEXT;\nUPDATE users SET first = substr(name, 1, instr(name, ' ') - 1);\n",
        )
        .down("V2__split", "ALTER TABLE users DROP COLUMN first;\n")
        .file("migrations/tests/split.sql", test)
}

#[test]
fn tests_that_hold_are_counted_and_no_command_takes_them_for_migrations() {
    let project = project(TEST);
    project.run("check").check(expect![[r#"
        $ seedbed check
        2 migrations are fine: 2 applied in memory, 1 of them undone and applied again
        1 of them applied to a database that exists, with rows in its tables
        1 data test passes: 2 expectations hold
    "#]]);
    let json = project.run("check --format json").json();
    assert_eq!(json["data_tests"], 1);
    assert_eq!(json["expectations"], 2);
    let ran = project.run("migrate");
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(project.state(), "recorded: V1 V2; tables: users");
    assert_eq!(project.run("status --exit-code").code, Some(0));
    assert!(project.run("new more").stdout.contains("V3__more.sql"));
}

#[test]
fn a_row_that_differs_is_shown_with_its_line() {
    let project = project(&TEST.replace("1|Ada\n", "1|Ada Lovelace\n"));
    project.run("check").check(expect![[r#"
        $ seedbed check
        2> error[data-test-differs]: row 1 of this query is not the expected one
        2>  --> migrations/tests/split.sql:8:1
        2>   |
        2> 8 | -- 1|Ada Lovelace
        2>   | ^^^^^^^^^^^^^^^^^
        2>   |
        2>   = note: expected: 1|Ada Lovelace
        2>   = note: found:    1|Ada
        2>   = note: the database is at V2
        exit 4
    "#]]);
}

#[test]
fn a_migration_among_the_tests_is_an_error_of_every_command() {
    let project = project(TEST).file("migrations/tests/V3__lost.sql", "CREATE TABLE lost (x);\n");
    for command in ["check", "migrate", "status"] {
        let ran = project.run(command);
        assert_eq!(ran.code, Some(4), "{ran}");
        let both = format!("{}{}", ran.stdout, ran.stderr);
        assert!(both.contains("migration-among-tests"), "{ran}");
    }
    assert_eq!(project.bytes("local.db"), None);
}

#[test]
fn the_folder_of_the_tests_is_a_setting() {
    let project = project(TEST).file("config.toml", "[migrations]\ntests = \"data-tests\"\n");
    assert_eq!(project.run("check").code, Some(2));
    project.write("data-tests/a.sql", TEST);
    project.remove("migrations/tests/split.sql");
    let json = project.run("check --format json").json();
    assert_eq!(json["data_tests"], 1);
    project.write("config.toml", "[migrations]\ntests = \"migrations/data\"\n");
    let ran = project.run("check");
    assert_eq!(ran.code, Some(2), "{ran}");
}

#[test]
fn folders_of_other_layouts_have_data_tests_too() {
    let test = "-- at 1\n-- given\nINSERT INTO a VALUES (1);\n-- migrate 2\n-- expect\nSELECT * FROM a;\n-- 1|\n";
    for (first, second) in [
        ("0001_a.sql", "0002_b.sql"),
        ("0001_a.up.sql", "0002_b.up.sql"),
        ("00000000000001_a/up.sql", "00000000000002_b/up.sql"),
        (
            "00000000000001_a/migration.sql",
            "00000000000002_b/migration.sql",
        ),
    ] {
        let project = Project::new()
            .file(format!("migrations/{first}"), "CREATE TABLE a (x);\n")
            .file(
                format!("migrations/{second}"),
                "ALTER TABLE a ADD COLUMN y;\n",
            )
            .file("migrations/tests/columns.sql", test);
        let ran = project.run("check --format json");
        assert_eq!(ran.code, Some(0), "{first}: {ran}");
        assert_eq!(ran.json()["data_tests"], 1, "{first}");
    }
}
