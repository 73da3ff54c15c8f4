//! `[migrations] table`: the history has another name, beside a table `_migrations` of another program.

use expect_test::expect;

use crate::project::Project;

/// As PocketBase makes it.
const POCKETBASE: [&str; 2] = [
    "CREATE TABLE `_migrations` (file VARCHAR(255) PRIMARY KEY NOT NULL, applied INTEGER NOT NULL)",
    "INSERT INTO _migrations VALUES ('1640988000_init.go', 1700000000000000)",
];

const NAMED: &str = "[migrations]\ntable = \"Schema \\\"History\\\"\"\n";

/// With a foreign `_migrations` in `local.db`.
fn project() -> Project {
    let project = Project::new()
        .migration(
            "V1__users",
            "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);",
        )
        .migration("V2__notes", "CREATE TABLE notes (x);")
        .down("V2__notes", "DROP TABLE notes;")
        .file(
            "seeds/users.yaml",
            "_seed:\n  mode: sync\nusers:\n  rob: {name: Rob}\n",
        );
    project.change(&POCKETBASE);
    project
}

#[test]
fn a_foreign_table_is_refused_with_the_setting_that_goes_around_it() {
    let project = project();
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[not-ours]: the table _migrations in this database is not Seedbed's
        2>   |
        2>   = help: check that this is the database that you meant
        2>   = help: if the table belongs to another program, give the history another name: `table = "NAME"` in [migrations] of config.toml, for example "_seed_migrations"
        2>   = help: if no program needs the table, rename it (`ALTER TABLE "_migrations" RENAME TO "_migrations_old"`); then `seedbed baseline V` records the migrations that the database has already
        exit 4
    "#]]);
    project.run("status").check(expect![[r#"
        $ seedbed status
        2> target: local local.db (default)
        2> error[not-ours]: the table _migrations in this database is not Seedbed's
        2>   |
        2>   = help: check that this is the database that you meant
        2>   = help: if the table belongs to another program, give the history another name: `table = "NAME"` in [migrations] of config.toml, for example "_seed_migrations"
        2>   = help: if no program needs the table, rename it (`ALTER TABLE "_migrations" RENAME TO "_migrations_old"`); then `seedbed baseline V` records the migrations that the database has already
        exit 4
    "#]]);
}

#[test]
fn every_command_works_under_another_name() {
    let project = project()
        .file("config.toml", NAMED)
        .after("check")
        .after("migrate --seed --env dev")
        .after("undo")
        .after("migrate")
        .after("seed --env dev")
        .after("status --exit-code")
        .after("doctor")
        .after("export dump.sql")
        .after("verify dump.sql")
        .after("export --no-history plain.sql")
        .after("backup")
        .after("import dump.sql --database new.db")
        .after("import dump.sql --database new.db")
        .after("status --exit-code --database new.db")
        .after("import plain.sql --database plain.db")
        .after("baseline 2 --database plain.db")
        .after("status --exit-code --database plain.db");
    let backup = project.files().into_iter();
    let mut backup = backup.filter(|it| it.ends_with(".sql.gz"));
    let backup = backup.next().unwrap();
    let ran = project.run(&format!("restore {backup} --database back.db --mark dev"));
    assert_eq!(ran.code, Some(0), "{ran}");
    for database in ["local.db", "new.db", "plain.db", "back.db"] {
        let answers = project.ask_of(
            database,
            [
                "SELECT count(*) FROM \"schema \"\"history\"\"\" WHERE kind = 'migration'",
                "SELECT file FROM _migrations",
            ],
        );
        assert_eq!(answers, ["2", "1640988000_init.go"], "{database}");
    }
    let ran = project.run("reset --yes");
    assert_eq!(ran.code, Some(0), "{ran}");
    let recorded =
        project.ask("SELECT count(*) FROM \"schema \"\"history\"\"\" WHERE kind = 'seed'");
    assert_eq!(recorded, "1");
}

#[test]
fn files_may_read_the_history_under_either_name() {
    for (config, table) in [("", "_migrations"), (NAMED, "\"Schema \"\"History\"\"\"")] {
        let project = Project::new()
            .file("config.toml", config)
            .migration(
                "V1__applied",
                format!("CREATE VIEW applied AS SELECT version FROM {table}; CREATE TABLE counted (n);"),
            )
            .down("V1__applied", "DROP VIEW applied; DROP TABLE counted;")
            .migration(
                "V2__count",
                format!("INSERT INTO counted SELECT count(*) FROM {table} WHERE kind = 'migration';"),
            )
            .migration(
                "R__last",
                format!("DROP VIEW IF EXISTS last; CREATE VIEW last AS SELECT max(version) AS v FROM {table};"),
            )
            .after("check")
            .after("migrate --to 1")
            .after("migrate")
            .after("check");
        assert_eq!(project.ask("SELECT n FROM counted"), "2", "{table}");
        project.change(&["DROP VIEW last"]);
        let project = project
            .after("export --no-history plain.sql")
            .after("import plain.sql --database plain.db")
            .after("migrate")
            .after("baseline 2 --database other.db --no-verify");
        drop(project);
    }
}

#[test]
fn a_changed_setting_stops_every_command_that_would_begin_anew() {
    let project = Project::new()
        .migration(
            "V1__users",
            "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);",
        )
        .after("migrate")
        .after("export dump.sql")
        .file("config.toml", NAMED);
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[history-elsewhere]: the history of this database is in the table _migrations, and not in Schema "History"
        2>   |
        2>   = help: if the history is to stay in _migrations, set `table = "_migrations"` in [migrations] of config.toml
        2>   = help: if it is to be in Schema "History", rename the table: `ALTER TABLE "_migrations" RENAME TO "Schema ""History"""` (first drop Schema "History", if it exists and holds no migration)
        2>   = help: if _migrations is the history of another application in this database, add it to `ignore_tables` in [migrations]
        exit 4
    "#]]);
    for command in ["status", "undo", "baseline 1", "repair"] {
        let ran = project.run(command);
        assert_eq!(ran.code, Some(4), "{ran}");
    }
    project
        .run("import dump.sql --database new.db")
        .check(expect![[r#"
            $ seedbed import dump.sql --database new.db
            2> target: local new.db (--database)
            2> error[foreign-history]: the dump has a table _migrations that is a history of Seedbed, and the settings name the table Schema "History"
            2>  --> dump.sql:3
            2>   = help: if _migrations is the history of the migrations of that database, set `table = "_migrations"` in [migrations] of config.toml; otherwise dump the database without it (`seedbed export --no-history --database old.db`)
            2>
            2> nothing of the dump is in the database
            exit 4
        "#]]);
    // It may be the history of another application.
    let both = "[migrations]\ntable = \"other\"\nignore_tables = [\"_migrations\"]\n";
    project.write("config.toml", both);
    project.write("migrations/V1__users.sql", "CREATE TABLE more (x);");
    let project = project
        .after("migrate")
        .after("export both.sql")
        .after("import both.sql --database both.db")
        .after("status --exit-code --database both.db");
    drop(project);
}

#[test]
fn another_table_of_this_name_is_data_of_a_new_file() {
    let foreign = "CREATE TABLE \"schema \"\"history\"\"\" (file);\n\
                   INSERT INTO \"schema \"\"history\"\"\" VALUES('1_a.js');\n";
    let ours = Project::new()
        .migration("V1__t", "CREATE TABLE t (x);")
        .after("migrate")
        .after("export dump.sql");
    let ours = std::fs::read_to_string(ours.path("dump.sql")).unwrap();
    let both = ours.replace("COMMIT;", &format!("{foreign}COMMIT;"));
    let project = Project::new()
        .file("config.toml", NAMED)
        .file("both.sql", both)
        .file(
            "old.sql",
            format!("PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n{foreign}COMMIT;\n"),
        );
    project.run("import old.sql --verify full").check(expect![[r#"
        $ seedbed import old.sql --verify full
        table  rows  bytes  took  verified
        schema "history"  1  51 B  [ms]  ✓

        imported old.sql: 1 row of 1 table (145 B) in [ms]
        the database holds what the dump says: 1 table, compared in every value
        2> target: local local.db (default)
        2> warning: the table schema "history" of the dump is not Seedbed's: it comes into the database as data, and the import is not recorded; before `migrate` works there, give the history another name with `table = "…"` under [migrations] in config.toml
    "#]]);
    project.run("verify old.sql").check(expect![[r#"
        $ seedbed verify old.sql
        table             in the dump  in the database
        schema "history"            1                1  ✓

        the database holds what the dump says: 1 table, compared in every value
        2> target: local local.db (default)
    "#]]);
    // It is compared as any other.
    let old = std::fs::read_to_string(project.path("old.sql")).unwrap();
    project.write("other.sql", old.replace("1_a.js", "1_b.js"));
    let ran = project.run("verify other.sql");
    assert_eq!(ran.code, Some(1), "{ran}");
    let ran = project.run("migrate");
    assert_eq!(ran.code, Some(4), "{ran}");
    project
        .run("import both.sql --database new.db")
        .check(expect![[r#"
            $ seedbed import both.sql --database new.db
            2> target: local new.db (--database)
            2> error[foreign-history]: the dump has a table _migrations that is a history of Seedbed, and the settings name the table Schema "History"
            2>  --> both.sql:3
            2>   = help: if _migrations is the history of the migrations of that database, set `table = "_migrations"` in [migrations] of config.toml; otherwise dump the database without it (`seedbed export --no-history --database old.db`)
            2>
            2> nothing of the dump is in the database
            exit 4
        "#]]);
    let plain = "BEGIN TRANSACTION;\nCREATE TABLE t (x);\nCOMMIT;\n";
    project.write("plain.sql", plain);
    let project = project.after("import plain.sql --database used.db");
    project
        .run("import old.sql --database used.db")
        .check(expect![[r#"
            $ seedbed import old.sql --database used.db
            2> target: local used.db (--database)
            2> error[foreign-history]: the dump has a table schema "history" that is not Seedbed's
            2>  --> old.sql:3
            2>   = help: Seedbed keeps its history in a table of this name: give the history another name with `table = "…"` under [migrations] in config.toml, or import into a new local file, which takes schema "history" as data
            2>
            2> nothing of the dump is in the database
            exit 4
        "#]]);
}

#[test]
fn a_bad_name_is_an_error_of_the_settings_with_its_place() {
    let project = Project::new().file("config.toml", "[migrations]\ntable = \"sqlite_history\"\n");
    project.run("status").check(expect![[r#"
        $ seedbed status
        2> error[config]: [migrations] table begins with `sqlite_`: such names are kept for other tables
        2>  --> config.toml:2:1
        2>   = help: leave the key out to have the default, _migrations
        exit 2
    "#]]);
}
