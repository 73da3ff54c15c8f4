//! The commands on folders of other tools: what they print, and what they send.

use expect_test::expect;
use seedbed::db::{Db, Options as DbOptions};
use seedbed_test_server::Options;

use super::folders::Tool;
use crate::project::{Project, waiting};
use crate::server::ours;
use crate::world::World;

const GOOSE: [(&str, &str); 2] = [
    (
        "00001_users",
        "-- +goose Up\nCREATE TABLE users (id INTEGER PRIMARY KEY);\n-- +goose Down\nDROP TABLE users;\n",
    ),
    (
        "00002_names",
        "-- +goose Up\nALTER TABLE users ADD COLUMN name TEXT;\n-- +goose Down\nALTER TABLE users DROP COLUMN name;\n",
    ),
];

fn goose() -> Project {
    let project = Project::new();
    GOOSE
        .into_iter()
        .fold(project, |project, (name, sql)| project.migration(name, sql))
}

fn of(tool: Tool, count: usize) -> Project {
    let files = tool.folder(count).into_iter();
    files.fold(Project::new(), |project, (name, text)| {
        project.file(name.replacen("m/", "migrations/", 1), text)
    })
}

fn migrated(project: &Project, tool: Tool, indexes: &[usize]) {
    let count = indexes.iter().max().map_or(0, |last| last + 1);
    let history = tool.history(indexes);
    let statements = Tool::schema(count).into_iter();
    let statements: Vec<&str> = statements
        .chain(history.iter().map(String::as_str))
        .collect();
    project.change(&statements);
}

#[test]
fn a_dry_run_compares_and_writes_nothing() {
    let project = of(Tool::Sqlx, 3);
    migrated(&project, Tool::Sqlx, &[0, 1]);
    let before = project.state();
    project.run("adopt --dry-run").check(expect![[r#"
        $ seedbed adopt --dry-run
        V20240101000000 users (applied by sqlx on [time] UTC)
        V20240101000001 posts (applied by sqlx on [time] UTC)
        2 migrations would be recorded as applied; no version is applied
        2> target: local local.db (default)
    "#]]);
    let json = project.run("adopt --dry-run --format json").json();
    assert_eq!(json["outcome"], "planned");
    assert_eq!(json["adopted_from"], "sqlx");
    assert_eq!(json["items"][0]["applied_at"], "2024-02-03T04:05:06.000Z");
    assert_eq!(project.state(), before);
    let doctor = project.run("doctor").stdout;
    assert!(
        doctor.contains("sqlx has migrated this database"),
        "{doctor}"
    );
    project.run("adopt").check(expect![[r#"
        $ seedbed adopt
        recorded V20240101000000 users as applied
        recorded V20240101000001 posts as applied
        the database is at V20240101000001
        2> target: local local.db (default)
    "#]]);
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        applied V20240101000002 notes (1 statement, [ms])
        the database is at V20240101000002
        2> target: local local.db (default)
    "#]]);
    // What was taken over is no news.
    let doctor = project.run("doctor").stdout;
    assert!(!doctor.contains("sqlx has migrated"), "{doctor}");
}

#[test]
fn a_history_in_a_table_of_another_name_is_taken_over_by_that_name() {
    for (tool, table) in [
        (Tool::Goose, "goose_db_version"),
        (Tool::SqlMigrate, "gorp_migrations"),
        (Tool::GolangMigrate, "schema_migrations"),
    ] {
        let project = of(tool, 3);
        let history = tool.history(&[0, 1]).into_iter();
        let history: Vec<String> = history
            .map(|it| it.replace(table, "\"app-versions\""))
            .collect();
        let statements = Tool::schema(2).into_iter();
        let statements: Vec<&str> = statements
            .chain(history.iter().map(String::as_str))
            .collect();
        project.change(&statements);
        let before = project.state();
        project.run("adopt").exits(4);
        let word = tool.word();
        // A table of the application, one that is not there, and a tool that is not named.
        let ran = project.run(&format!("adopt --from {word} --table a"));
        ran.exits(4);
        assert!(ran.stderr.contains("its columns are others"), "{ran}");
        let ran = project.run(&format!("adopt --from {word} --table none"));
        ran.exits(4);
        assert!(
            ran.stderr.contains("this database has no table none"),
            "{ran}"
        );
        project.run("adopt --table a").exits(2);
        let ran = project.run(&format!(
            "adopt --from {word} --table App-Versions --dry-run"
        ));
        ran.exits(0);
        assert!(
            ran.stdout.contains("2 migrations would be recorded"),
            "{ran}"
        );
        assert_eq!(project.state(), before);
        let ran = project.run(&format!("adopt --from {word} --table App-Versions"));
        ran.exits(0);
        assert!(
            ran.stderr.contains("ignore_tables = [\"App-Versions\"]"),
            "{ran}"
        );
        // What is printed is what to do.
        project.run("drift").exits(5);
        project.write(
            "config.toml",
            "[migrations]\nignore_tables = [\"App-Versions\"]\n",
        );
        project.run("drift").exits(0);
        project.run("migrate").exits(0);
        project.run("status --exit-code").exits(0);
    }
}

#[test]
fn an_empty_table_of_a_tool_has_no_history() {
    let project = of(Tool::Goose, 1);
    let table = Tool::Goose.history(&[]);
    let table: Vec<String> = table
        .iter()
        .map(|it| it.replace("goose_db_version", "v"))
        .collect();
    project.change(&table.iter().map(String::as_str).collect::<Vec<_>>());
    let ran = project.run("adopt --from goose --table v");
    ran.exits(4);
    assert!(
        ran.stderr.contains("goose has recorded no migration in v"),
        "{ran}"
    );
}

#[test]
fn files_of_sql_migrate_without_numbers_run_in_the_order_of_their_names() {
    let up = |sql: &str, down: &str| format!("-- +migrate Up\n{sql}\n-- +migrate Down\n{down}\n");
    let files = |project: Project| {
        project
            .file(
                "migrations/posts.sql",
                up(
                    "ALTER TABLE a ADD COLUMN post TEXT;",
                    "ALTER TABLE a DROP COLUMN post;",
                ),
            )
            .file(
                "migrations/authors.sql",
                up("CREATE TABLE a (id INTEGER PRIMARY KEY);", "DROP TABLE a;"),
            )
    };
    let project = files(Project::new());
    project.run("check").exits(0);
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        applied V1 authors (1 statement, [ms])
        applied V2 posts (1 statement, [ms])
        the database is at V2
        2> target: local local.db (default)
    "#]]);
    for line in ["new tags", "renumber posts.sql", "renumber 1"] {
        let ran = project.run(line);
        ran.exits(2);
        let words = "name comes behind posts.sql";
        assert!(ran.stderr.contains(words), "{ran}");
    }
    project.write(
        "migrations/tags.sql",
        up("CREATE TABLE tags (x);", "DROP TABLE tags;"),
    );
    project.run("migrate").exits(0);
    project.run("status --exit-code").exits(0);
    project.run("undo").exits(0);
    // One with a number would run before all of them.
    project.write("migrations/1_first.sql", up("SELECT 1;", "SELECT 1;"));
    let ran = project.run("migrate");
    ran.exits(4);
    assert!(
        ran.stderr
            .contains("sql-migrate runs it behind all of those"),
        "{ran}"
    );
    // Its history is found by the names.
    let project = files(Project::new());
    project.change(&[
        "CREATE TABLE a (id INTEGER PRIMARY KEY)",
        "CREATE TABLE gorp_migrations (id varchar(255) NOT NULL PRIMARY KEY, applied_at datetime)",
        "INSERT INTO gorp_migrations VALUES ('authors.sql', '2024-02-03 04:05:06')",
    ]);
    project.run("adopt").exits(0);
    let ran = project.run("migrate");
    assert!(ran.stdout.contains("applied V2 posts"), "{ran}");
}

#[test]
fn a_history_on_a_server_is_taken_over_with_one_request_that_reads_and_one_that_writes() {
    let server = ours(Options::default());
    let project = of(Tool::Prisma, 3)
        .env("TURSO_DATABASE_URL", &server.url())
        .env("USE_TURSO", "YES");
    let history = Tool::Prisma.history(&[0, 1]);
    let statements: Vec<&str> = Tool::schema(2)
        .into_iter()
        .chain(history.iter().map(String::as_str))
        .collect();
    let db = Db::remote(&server.url(), None, DbOptions::default()).unwrap();
    waiting().block_on(World::of(db).statements(&statements));
    server.clear_requests();
    let ran = project.run("adopt");
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(server.requests().len(), 2, "{:?}", server.requests());
}

#[test]
fn an_error_names_the_line_of_the_file_and_not_that_of_its_section() {
    let project = goose().migration(
        "00003_wrong",
        "-- +goose Up\nCREATE TABLE b (x);\n\n-- +goose StatementBegin\nINSERT INTO nowhere VALUES (1);\n-- +goose StatementEnd\n",
    );
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[statement-failed]: V3 failed: no such table: nowhere
        2>  --> migrations/00003_wrong.sql:5:13
        2>   |
        2> 5 | INSERT INTO nowhere VALUES (1);
        2>   |             ^^^^^^^
        2>   |
        2>   = note: this is statement 2 of 2
        2>   = note: rolled back: V1, V2 and V3
        2>   = help: fix migrations/00003_wrong.sql:5, then run `seedbed migrate` again
        2>
        2> nothing of this run is in the database; no version is applied
        exit 1
    "#]]);
    project.run("check").check(expect![[r#"
        $ seedbed check
        2> error[fails]: no such table: nowhere
        2>  --> migrations/00003_wrong.sql:5:13
        2>   |
        2> 5 | INSERT INTO nowhere VALUES (1);
        2>   |             ^^^^^^^
        exit 4
    "#]]);
}

#[test]
fn new_and_renumber_write_as_the_tool_does() {
    let project = goose();
    project.run("new add posts").check(expect![[r#"
        $ seedbed new add posts
        migrations/00003_add_posts.sql
    "#]]);
    assert_eq!(
        project
            .read("migrations/00003_add_posts.sql")
            .lines()
            .next(),
        Some("-- +goose Up")
    );
    project.run("renumber 2").check(expect![[r#"
        $ seedbed renumber 2
        migrations/00002_names.sql -> migrations/00004_names.sql
        2> target: local local.db (default)
    "#]]);
    let prisma = of(Tool::Prisma, 1);
    let ran = prisma.run("renumber 20240101000000");
    assert_eq!(ran.code, Some(0), "{ran}");
    let files = prisma.files();
    let moved = files
        .iter()
        .filter(|file| file.ends_with("_users/migration.sql"));
    assert_eq!(moved.count(), 1, "{files:?}");
    assert!(
        !files
            .iter()
            .any(|file| file.contains("20240101000000_users")),
        "{files:?}"
    );
    let drizzle = of(Tool::Drizzle, 1);
    drizzle.run("new add posts").check(expect![[r#"
        $ seedbed new add posts
        2> error[only-its-tool]: only drizzle can write a file of this folder
        2>   |
        2>   = help: `drizzle-kit generate --custom` writes an empty one and its entry in the journal
        exit 2
    "#]]);
    drizzle.run("renumber 0").check(expect![[r#"
        $ seedbed renumber 0
        2> target: local local.db (default)
        2> error[only-its-tool]: only drizzle can number a file of this folder
        2>   |
        2>   = help: `drizzle-kit drop` takes it out of the journal, and `drizzle-kit generate` writes it again with the next number
        exit 2
    "#]]);
}

#[test]
fn a_folder_of_two_tools_lists_what_belongs_to_which() {
    let project = goose().migration("00003_posts", "-- migrate:up\nSELECT 1;\n");
    project.run("check").check(expect![[r#"
        $ seedbed check
        2> error[mixed-layouts]: this folder holds migrations of more than one tool
        2>   |
        2>   = note: goose: migrations/00001_users.sql, migrations/00002_names.sql
        2>           dbmate: migrations/00003_posts.sql
        2>   = help: keep those of one tool in this folder, and move the others out of it
        2>   = help: or say which layout is meant, and each file that does not fit is reported: `--layout goose` or `--layout dbmate`
        exit 4
    "#]]);
    project.run("check --layout goose").check(expect![[r#"
        $ seedbed check --layout goose
        2> error[bad-section]: this file has no section `-- +goose Up`, so goose would not apply it
        2>  --> migrations/00003_posts.sql:1:1
        2>   |
        2> 1 | -- migrate:up
        2>   | ^
        2>   |
        2>   = help: write `-- +goose Up` above the statements that apply the migration
        exit 4
    "#]]);
    project.run("check --layout gose").check(expect![[r#"
        $ seedbed check --layout gose
        2> error: invalid value 'gose' for '--layout <TOOL>': did you mean `goose`?
        2>
        2> For more information, try '--help'.
        exit 2
    "#]]);
}

#[test]
fn what_cannot_be_done_says_why() {
    let project = goose()
        .file("migrations/00003_fill.go", "package migrations\n")
        .file(
            "migrations/old/00001_users.sql",
            "-- +goose Up\nSELECT 1;\n",
        )
        .file("migrations/seed.sql", "SELECT 1;\n")
        .migration(
            "00004_env",
            "-- +goose Up\n-- +goose ENVSUB ON\nSELECT '${HOME}';\n",
        )
        .migration("99999999999999999999_far", "-- +goose Up\nSELECT 1;\n")
        .migration("00002_twice", "-- +goose Up\nSELECT 1;\n");
    project.run("check").check(expect![[r#"
        $ seedbed check
        2> error[duplicate]: V2 is claimed by 2 files: migrations/00002_names.sql, migrations/00002_twice.sql
        2>  --> migrations/00002_names.sql
        2>   = help: keep the one that a database or another branch has, and give a new one the next free version: `seedbed renumber 00002_names.sql` or `seedbed renumber 00002_twice.sql`
        2>
        2> error[not-sql]: this migration is written in Go, and Seedbed runs SQL alone
        2>  --> migrations/00003_fill.go
        2>   = help: write what it does as SQL under the same number, in place of this file; where databases have it already, `seedbed adopt` records that text and compares the schema
        2>
        2> error[bad-section]: goose replaces variables of the environment here, and Seedbed does not
        2>  --> migrations/00004_env.sql:2:1
        2>   |
        2> 2 | -- +goose ENVSUB ON
        2>   | ^^^^^^^^^^^^^^^^^^^
        2>   |
        2>   = help: write the values into the file, or apply this migration with goose before `seedbed adopt`
        2>
        2> error[bad-name]: the number 99999999999999999999 is above 9223372036854775807, the highest version
        2>  --> migrations/99999999999999999999_far.sql
        2>   = help: give the file a lower number, above those of the others
        2>
        2> error[bad-name]: this is not the name of a migration of goose: those are called {n}_{words}.sql
        2>  --> migrations/seed.sql
        2>   = help: rename it; or, if it is no migration, move it out of this folder
        2>
        2> warning[not-read]: goose does not read folders in the folder of the migrations, so this file is no migration
        2>  --> migrations/old/00001_users.sql
        2>   = help: if it is one, move it up; if not, move it out of the folder of the migrations
        2>
        2> 5 errors, 1 warning
        exit 4
    "#]]);
}

#[test]
fn a_base_is_read_in_the_layout_too() {
    let project = goose();
    project.git("init -q -b main");
    project.git("add .");
    project.git("-c user.name=a -c user.email=a@example.org commit -q -m a");
    project.write(
        "migrations/00002_names.sql",
        GOOSE[1].1.replace("name TEXT", "name INT"),
    );
    project.run("check --base main").check(expect![[r#"
        $ seedbed check --base main
        2> error[edited]: V2 is in main and was changed since
        2>  --> migrations/00002_names.sql:2
        2>   = help: put the file back as it was and write the change as a new migration
        2>
        2> --- V2 in main
        2> +++ migrations/00002_names.sql
        2> @@ -1,4 +1,4 @@
        2>  -- +goose Up
        2> -ALTER TABLE users ADD COLUMN name TEXT;
        2> +ALTER TABLE users ADD COLUMN name INT;
        2>  -- +goose Down
        2>  ALTER TABLE users DROP COLUMN name;
        exit 4
    "#]]);
}

#[test]
fn version_0_is_kept_by_undo_to_0_and_not_by_undo_to_none() {
    let project = Project::new()
        .file("migrations/0000_a.up.sql", "CREATE TABLE a (x);\n")
        .file("migrations/0000_a.down.sql", "DROP TABLE a;\n")
        .file("migrations/0001_b.up.sql", "CREATE TABLE b (x);\n")
        .file("migrations/0001_b.down.sql", "DROP TABLE b;\n");
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        applied V0 a (1 statement, [ms])
        applied V1 b (1 statement, [ms])
        the database is at V1
        2> target: local local.db (default)
    "#]]);
    project.run("undo --to 0").check(expect![[r#"
        $ seedbed undo --to 0
        undone V1 b (1 statement)
        the database is at V0
        2> target: local local.db (default)
    "#]]);
    project.run("undo --to none").check(expect![[r#"
        $ seedbed undo --to none
        undone V0 a (1 statement)
        no version is applied
        2> target: local local.db (default)
    "#]]);
}

#[test]
fn a_history_that_comes_with_a_copy_or_a_dump_is_named_as_the_next_step() {
    let project = of(Tool::Goose, 3);
    migrated(&project, Tool::Goose, &[0, 1]);
    assert_eq!(project.run("export dump.sql").code, Some(0));
    for (line, to) in [
        ("copy local.db copy.db", "copy.db"),
        ("copy dump.sql copy2.db", "copy2.db"),
        ("import dump.sql --database import.db", "import.db"),
    ] {
        let ran = project.run(line);
        assert_eq!(ran.code, Some(0), "{ran}");
        let next = format!(
            "next: `seedbed adopt --database {to}` records what goose has applied (newest: 2, in its table \
             goose_db_version)"
        );
        assert!(ran.stderr.contains(&next), "{ran}");
        let adopted = project.run(&format!("adopt --database {to}"));
        assert_eq!(adopted.code, Some(0), "{adopted}");
    }
}

#[test]
fn a_history_with_an_unfinished_migration_is_finished_by_its_tool_first() {
    let project = of(Tool::Sqlx, 3);
    migrated(&project, Tool::Sqlx, &[0, 1]);
    let unfinished = Tool::Sqlx.unfinished(1).unwrap();
    project.change(&[unfinished.as_str()]);
    let ran = project.run("copy local.db copy.db");
    assert_eq!(ran.code, Some(0), "{ran}");
    let words = "failed or is not finished: finish it with sqlx; then `seedbed adopt --database copy.db` records what \
                 sqlx has applied";
    assert!(ran.stderr.contains(words), "{ran}");
}

#[test]
fn a_baseline_that_is_advised_for_an_edited_file_records_all_that_was_applied() {
    let project = of(Tool::Sqlx, 3);
    migrated(&project, Tool::Sqlx, &[0, 1]);
    let first = project
        .files()
        .into_iter()
        .find(|it| it.contains("20240101000000"))
        .unwrap();
    let text = project.read(&first);
    project.write(&first, format!("{text}-- a comment\n"));
    let ran = project.run("adopt");
    assert_eq!(ran.code, Some(4), "{ran}");
    assert!(
        ran.stderr
            .contains("`seedbed baseline 20240101000001` compares them"),
        "{ran}"
    );
    project.run("baseline 20240101000001").exits(0);
    project.run("drift").exits(0);
}
