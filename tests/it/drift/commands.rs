//! `drift`: what it prints, what it sends, and how it ends.

use expect_test::expect;
use seedbed::db::{Db, Options as DbOptions};
use seedbed_test_server::{Access, Auth, Options};

use crate::project::{Project, waiting};
use crate::server::ours;
use crate::world::World;

fn project() -> Project {
    Project::new()
        .migration(
            "V1__users",
            "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT);\nCREATE INDEX by_email ON users (email);\n",
        )
        .after("migrate")
}

#[test]
fn without_drift_it_says_what_was_compared() {
    project().run("drift").check(expect![[r#"
        $ seedbed drift
        no drift: the schema is the one that 1 recorded migration makes
        2> target: local local.db (default)
    "#]]);
}

#[test]
fn a_database_that_no_migration_has_made_has_nothing_to_differ_from() {
    let project = Project::new();
    project.change(&["CREATE TABLE t (a)", "INSERT INTO t VALUES (1)"]);
    let files = project.files();
    let before = project.bytes("local.db");
    project.run("drift").check(expect![[r#"
        $ seedbed drift
        2> target: local local.db (default)
        2> error[no-history]: no migration is recorded in this database, so its 1 object has nothing to differ from
        2>   |
        2>   = help: `seedbed export --schema-only --no-history FILE` writes the schema as a first migration, and `seedbed baseline V` records the migrations up to V as applied
        exit 4
    "#]]);
    project.run("drift --fix revert").exits(4);
    assert_eq!(project.files(), files);
    assert_eq!(project.bytes("local.db"), before);
}

#[test]
fn where_there_is_no_database_there_is_no_answer() {
    let project = Project::new();
    project.write("empty.db", "");
    project.change(&["CREATE TABLE t (a)", "DROP TABLE t"]);
    for (command, code, words) in [
        (
            "drift --database none.db",
            2,
            "error[no-database]: there is no database none.db",
        ),
        (
            "inspect --database none.db",
            2,
            "error[no-database]: there is no database none.db",
        ),
        (
            "drift --database empty.db",
            4,
            "error[no-history]: no migration is recorded in this database, so there is no schema to compare it with",
        ),
        (
            "drift",
            4,
            "error[no-history]: no migration is recorded in this database, so there is no schema to compare it with",
        ),
    ] {
        let ran = project.run(command);
        assert_eq!(ran.code, Some(code), "{ran}");
        assert!(ran.stderr.contains(words), "{ran}");
        assert_eq!(ran.stdout, "", "{ran}");
    }
}

#[test]
fn a_table_that_goes_and_a_difference_far_along_a_line_are_shown() {
    let columns: Vec<String> = (0..20)
        .map(|n| format!("column_{n} TEXT NOT NULL"))
        .collect();
    let columns = columns.join(", ");
    let project = Project::new()
        .migration(
            "V1__wide",
            format!("CREATE TABLE wide (id INTEGER PRIMARY KEY, {columns});\n"),
        )
        .after("migrate");
    project.change(&[
        "ALTER TABLE wide ADD COLUMN \tnote TEXT",
        "CREATE TABLE notes (\tx)",
        "CREATE TRIGGER n AFTER DELETE ON notes BEGIN SELECT 1; END",
    ]);
    let ran = project.run("drift");
    let text = ran.to_string();
    for words in [
        "\n+  note TEXT",
        "column note of table wide is dropped with its values",
        "DROP TABLE IF EXISTS \"notes\";\n",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    for words in ["\u{fffd}", "CREATE TRIGGER IF NOT EXISTS"] {
        assert!(!text.contains(words), "{words}: {text}");
    }
    let ran = project.run("drift --fix revert");
    assert!(
        ran.stdout.contains("it drops with all rows: notes"),
        "{ran}"
    );
    project.run("check").exits(0);
    project.run("migrate").exits(0);
    project.run("drift").exits(0);
}

#[test]
fn each_object_comes_with_its_texts_and_the_statements_that_put_it_right() {
    let project = project();
    project.change(&[
        "DROP INDEX by_email",
        "ALTER TABLE users ADD COLUMN phone TEXT",
    ]);
    let files = project.files();
    let before = project.bytes("local.db");
    project.run("drift").check(expect![[r#"
        $ seedbed drift
        error[drift]: table users is not as the recorded migrations make it
          |
          = note: to put it right:
                  CREATE TABLE "_new_users" (id INTEGER PRIMARY KEY, email TEXT);
                  INSERT INTO "_new_users" ("id", "email") SELECT "id", "email" FROM "users";
                  DROP TABLE "users";
                  ALTER TABLE "_new_users" RENAME TO "users";
                  CREATE INDEX IF NOT EXISTS by_email ON users (email);
          = note: column phone of table users is dropped with its values

        --- as the migrations make it
        +++ as it is
        @@ -1 +1 @@
        -CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT)
        +CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT, phone TEXT)

        error[drift]: index by_email is missing: the recorded migrations make it
          |
          = note: to put it right:
                  CREATE INDEX IF NOT EXISTS by_email ON users (email);
          = help: `seedbed drift --fix revert` writes a migration that restores the recorded schema, `seedbed drift --fix adopt` one that records the schema as it is here

        the database is unchanged

        2 errors
        2> target: local local.db (default)
        exit 5
    "#]]);
    let ran = project.run("drift --format json");
    assert_eq!(ran.code, Some(5), "{ran}");
    let json = ran.json();
    assert_eq!(
        (&json["outcome"], &json["exit_code"]),
        (&"differs".into(), &5.into())
    );
    let of = |at: usize, field: &str| json["differences"][at][field].clone();
    assert_eq!(of(0, "kind"), "table");
    assert_eq!(of(0, "what"), "different");
    assert_eq!(of(1, "name"), "by_email");
    assert_eq!(
        of(1, "statements")[0],
        "CREATE INDEX IF NOT EXISTS by_email ON users (email)"
    );
    assert_eq!(json["problems"][0]["code"], "drift");
    assert_eq!(project.files(), files);
    assert!(project.bytes("local.db") == before);
}

#[test]
fn ignored_tables_are_left_out() {
    let project = project();
    project.change(&[
        "CREATE TABLE litter (x)",
        "CREATE INDEX of_litter ON litter (x)",
    ]);
    assert_eq!(project.run("drift").code, Some(5));
    let ran = project.run("drift --ignore litter");
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(ran.stdout.contains("not compared: litter"), "{ran}");
}

#[test]
fn a_file_that_reverts_or_adopts_is_written_and_the_schema_stays() {
    let project = project();
    project.change(&["CREATE TABLE extra (x)"]);
    let schema = "SELECT group_concat(name) FROM (SELECT name FROM sqlite_schema WHERE name <> '_migrations' AND tbl_name \
                  <> '_migrations' ORDER BY name)";
    let before = project.ask(schema);
    project.run("drift --fix revert").check(expect![[r#"
        $ seedbed drift --fix revert
        wrote migrations/V2__revert_drift.sql: it restores 1 object to the recorded schema; the schema is unchanged until the next migrate
        it drops with all rows: extra
        2> target: local local.db (default)
    "#]]);
    assert_eq!(project.ask(schema), before);
    let text = project.read("migrations/V2__revert_drift.sql");
    assert!(
        text.ends_with("\nDROP TABLE IF EXISTS \"extra\";\n"),
        "{text}"
    );
    let ran = project.run("check");
    assert_eq!(ran.code, Some(0), "{ran}");
    project.remove("migrations/V2__revert_drift.sql");
    project.run("drift --fix adopt").check(expect![[r#"
        $ seedbed drift --fix adopt
        wrote migrations/V2__adopt_drift.sql: it makes 1 object as in this database, and is recorded as applied here
        2> target: local local.db (default)
    "#]]);
    assert_eq!(project.ask(schema), before);
    assert_eq!(project.run("drift").code, Some(0));
    assert_eq!(project.run("status --exit-code").code, Some(0));
}

/// A database with a column that no migration makes, and a pending version that alters its table.
fn with_a_pending_version() -> Project {
    let project = Project::new()
        .migration("V1__p", "CREATE TABLE p (a INTEGER PRIMARY KEY);\n")
        .after("migrate")
        .migration("V2__grams", "ALTER TABLE p ADD COLUMN grams INTEGER;\n");
    project.change(&["ALTER TABLE p ADD COLUMN hot INTEGER"]);
    project
}

const COLUMNS: &str =
    "SELECT group_concat(name) FROM (SELECT name FROM pragma_table_info('p') ORDER BY name)";

#[test]
fn no_file_about_a_drift_is_written_while_a_version_is_pending() {
    let project = with_a_pending_version();
    let files = project.files();
    let before = project.state();
    for fix in ["adopt", "revert"] {
        let ran = project.run(&format!("drift --fix {fix}"));
        assert_eq!(ran.code, Some(4), "{ran}");
        assert_eq!(project.files(), files);
        assert_eq!(project.state(), before);
    }
    project.run("drift --fix revert").check(expect![[r#"
        $ seedbed drift --fix revert
        2> target: local local.db (default)
        2> error[pending]: V2 is pending, and the new file would run after it, on another schema than the recorded one
        2>  --> migrations/V2__grams.sql
        2>   = help: `seedbed migrate` applies it; where the drift is in its way, `seedbed migrate --allow-drift` does. Then run this again
        2>   = help: to repair the drift first, move the file out of the folder, run this again, and put the file back with a version above the new one
        2>
        2> no file was written, and the database is unchanged
        exit 4
    "#]]);
}

/// What the refusals name, typed: each way ends without drift, and a new database has the same columns.
#[test]
fn each_way_out_that_a_refused_migrate_names_works() {
    for (fix, columns) in [("adopt", "a,grams,hot"), ("revert", "a,grams")] {
        let project = with_a_pending_version();
        let ran = project.run("migrate");
        assert_eq!(ran.code, Some(5), "{ran}");
        for words in [
            "`seedbed migrate --allow-drift` runs it on what is there",
            &format!("`seedbed drift --fix {fix}`"),
        ] {
            assert!(ran.stderr.contains(words), "{words}: {ran}");
        }
        project.run("migrate --allow-drift").exits(0);
        ends_well(&project, fix, columns);

        let project = with_a_pending_version();
        let file = "migrations/V2__grams.sql";
        let text = project.read(file);
        project.remove(file);
        project.run(&format!("drift --fix {fix}")).exits(0);
        project.write("migrations/V3__grams.sql", text);
        project.run("migrate").exits(0);
        ends_well(&project, fix, columns);
    }
}

fn ends_well(project: &Project, fix: &str, columns: &str) {
    project.run(&format!("drift --fix {fix}")).exits(0);
    project.run("check").exits(0);
    project.run("migrate").exits(0);
    project.run("drift").exits(0);
    project.run("status --exit-code").exits(0);
    project.run("migrate --database new.db").exits(0);
    assert_eq!(project.ask(COLUMNS), columns);
    assert_eq!(project.ask_of("new.db", [COLUMNS]), [columns]);
}

#[test]
fn a_look_at_a_server_is_one_request_and_a_token_that_reads_is_enough() {
    let server = ours(Options {
        auth: Auth::Token,
        ..Options::default()
    });
    let token = |access: Access| server.token(access, None).unwrap();
    let project = |token: &str| {
        Project::new()
            .migration(
                "V1__users",
                "CREATE TABLE users (id INTEGER PRIMARY KEY);\n",
            )
            .env("TURSO_DATABASE_URL", &server.url())
            .env("TURSO_AUTH_TOKEN", token)
            .env("USE_TURSO", "YES")
    };
    let full = token(Access::Full);
    let ran = project(&full).run("migrate");
    assert_eq!(ran.code, Some(0), "{ran}");
    let db = Db::remote(&server.url(), Some(&full), DbOptions::default()).unwrap();
    waiting().block_on(World::of(db).statements(&["CREATE TABLE extra (x)"]));
    server.clear_requests();
    let ran = project(&token(Access::ReadOnly)).run("drift");
    assert_eq!(ran.code, Some(5), "{ran}");
    assert_eq!(server.requests().len(), 1, "{:?}", server.requests());
}

#[test]
fn a_migrate_that_would_change_what_has_drifted_is_refused() {
    let project = project().migration(
        "V2__phone",
        "-- The number.\nALTER TABLE users ADD COLUMN phone TEXT;\n",
    );
    project.change(&["ALTER TABLE users ADD COLUMN note TEXT"]);
    let before = project.state();
    let ran = project.run("migrate");
    assert_eq!(ran.code, Some(5), "{ran}");
    for words in [
        "error[drift]: table users is not as the recorded migrations make it, and V2 alters it",
        " --> migrations/V2__phone.sql:2:1",
        "+CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT, note TEXT)",
        "`seedbed migrate --allow-drift`",
    ] {
        assert!(ran.to_string().contains(words), "{words}: {ran}");
    }
    let dry = project.run("migrate --dry-run --format json");
    assert_eq!(dry.code, Some(5), "{dry}");
    assert_eq!(dry.json()["problems"][0]["code"], "drift");
    assert_eq!(dry.json()["problems"][0]["line"], 2);
    assert_eq!(project.state(), before);
    let ran = project.run("migrate --allow-drift");
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(
        ran.to_string().contains("warning[drift]: table users"),
        "{ran}"
    );
}

#[test]
fn a_server_is_asked_no_more_than_without_drift() {
    let server = ours(Options::default());
    let project = Project::new()
        .migration(
            "V1__users",
            "CREATE TABLE users (id INTEGER PRIMARY KEY);\n",
        )
        .env("TURSO_DATABASE_URL", &server.url())
        .env("USE_TURSO", "YES");
    let migrate = |requests: usize, code: i32| {
        server.clear_requests();
        let ran = project.run("migrate");
        assert_eq!(ran.code, Some(code), "{ran}");
        assert_eq!(server.requests().len(), requests, "{ran}");
    };
    let change = |statements: &[&str]| {
        let db = Db::remote(&server.url(), None, DbOptions::default()).unwrap();
        waiting().block_on(World::of(db).statements(statements));
    };
    migrate(2, 0);
    migrate(1, 0);
    let next = |version: i32| {
        project.write(
            format!("migrations/V{version}__next.sql"),
            format!("ALTER TABLE users ADD COLUMN c{version};\n"),
        );
    };
    next(2);
    migrate(2, 0);
    // Another schema_version, and no drift.
    change(&["CREATE TABLE extra (x)", "DROP TABLE extra"]);
    migrate(1, 0);
    next(3);
    migrate(2, 0);
    change(&["ALTER TABLE users ADD COLUMN note"]);
    next(4);
    migrate(1, 5);
}

/// What a repeatable made whose file is gone, a later version drops.
#[test]
fn what_a_later_version_dropped_is_gone_on_purpose() {
    for (sort, text) in [
        ("VIEW", "CREATE VIEW v AS SELECT id, a FROM t;"),
        (
            "TRIGGER",
            "CREATE TRIGGER v AFTER UPDATE ON t BEGIN SELECT 1; END;",
        ),
    ] {
        let project = Project::new()
            .migration(
                "V1__t",
                "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT);\nCREATE TABLE kept (id INTEGER PRIMARY KEY);\n",
            )
            .migration("R__v", format!("DROP {sort} IF EXISTS v;\n{text}\n"))
            .after("migrate")
            .migration(
                "V2__drop",
                format!("DROP {sort} IF EXISTS v;\nDROP TABLE t;\n"),
            );
        project.remove("migrations/R__v.sql");
        project.run("migrate").exits(0);
        project.run("drift").exits(0);
        // A real drift shows, and a file that takes it out can be written.
        project.change(&["CREATE TABLE byhand (id INTEGER PRIMARY KEY)"]);
        let ran = project.run("drift");
        assert_eq!(ran.code, Some(5), "{ran}");
        assert!(
            ran.stdout.contains("byhand") && !ran.stdout.contains("view v"),
            "{ran}"
        );
        project.change(&["DROP TABLE kept"]);
        project.run("drift --fix revert").exits(0);
        let ran = project.run("migrate");
        assert_eq!(ran.code, Some(0), "{ran}");
        assert!(!ran.stderr.contains("drift-unknown"), "{ran}");
        project.run("drift").exits(0);
        project.run("repair").exits(0);
        project.run("drift").exits(0);
    }
}

#[test]
fn what_the_help_says_for_a_folder_of_drizzle_works() {
    let journal = |tags: &[&str]| {
        let entries = tags.iter().enumerate().map(|(idx, tag)| {
            format!("{{\"idx\":{idx},\"version\":\"6\",\"when\":{},\"tag\":\"{tag}\",\"breakpoints\":true}}", 1_700_000_000_000_i64 + 1000 * i64::try_from(idx).unwrap())
        });
        let entries = entries.collect::<Vec<_>>().join(",");
        format!("{{\"version\":\"7\",\"dialect\":\"sqlite\",\"entries\":[{entries}]}}")
    };
    let project = || {
        let project = Project::new()
            .migration(
                "0000_users",
                "CREATE TABLE `users` (`id` integer PRIMARY KEY, `email` text);\n",
            )
            .file("migrations/meta/_journal.json", journal(&["0000_users"]))
            .after("migrate");
        project.change(&[
            "ALTER TABLE users ADD COLUMN phone TEXT",
            "CREATE INDEX e ON users (email)",
        ]);
        project
    };
    // drizzle-kit generate --custom: an empty file, and an entry in the journal. What is printed is written into it.
    let printed = |project: &Project, kind: &str, help: &str| {
        let files = project.files();
        let ran = project.run(&format!("drift --fix {kind}"));
        ran.exits(4);
        assert!(ran.stderr.contains(help), "{ran}");
        assert_eq!(project.files(), files);
        let lines = ran.stderr.lines();
        let lines = lines.skip_while(|it| !it.ends_with("note: what it would hold:"));
        let lines = lines.skip(1).take_while(|it| !it.contains("= help:"));
        let text: String = lines.map(|it| format!("{}\n", it.trim_start())).collect();
        assert!(text.contains("\n--> statement-breakpoint\n"), "{text}");
        project.write("migrations/0001_custom.sql", text);
        project.write(
            "migrations/meta/_journal.json",
            journal(&["0000_users", "0001_custom"]),
        );
    };

    let reverted = project();
    let help = "`drizzle-kit generate --custom` makes, then `seedbed migrate`";
    printed(&reverted, "revert", help);
    reverted.run("migrate").exits(0);
    reverted.run("drift").exits(0);
    reverted.run("check").exits(0);

    let adopted = project();
    let help = "then `seedbed baseline V` with its number records it here";
    printed(&adopted, "adopt", help);
    adopted.run("baseline 1").exits(0);
    adopted.run("drift").exits(0);
    adopted.run("status --exit-code").exits(0);
    adopted.run("check").exits(0);
}
