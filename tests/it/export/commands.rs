//! `export` as a process.

use std::io::Read;

use expect_test::expect;

use crate::project::Project;

/// Two tables with rows, and a view.
fn project() -> Project {
    let project = Project::new()
        .migration(
            "V1__users",
            "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL);\n\
             CREATE TABLE log (line TEXT);\n\
             CREATE VIEW people AS SELECT email FROM users;\n\
             CREATE INDEX by_email ON users (email);\n",
        )
        .after("migrate");
    project.change(&[
        "INSERT INTO users VALUES (1, 'ann@home.test'), (2, 'bob@home.test')",
        "INSERT INTO log VALUES ('it''s')",
    ]);
    project
}

#[test]
fn a_dump_goes_to_standard_output_and_changes_nothing() {
    crate::bad_input::untouched(&project(), "export --no-history").check(expect![[r#"
        $ seedbed export --no-history
        PRAGMA foreign_keys=OFF;
        BEGIN TRANSACTION;
        CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL);
        INSERT INTO users VALUES(1,'ann@home.test');
        INSERT INTO users VALUES(2,'bob@home.test');
        CREATE TABLE log (line TEXT);
        INSERT INTO log(rowid,line) VALUES(1,'it''s');
        CREATE VIEW people AS SELECT email FROM users;
        CREATE INDEX by_email ON users (email);
        COMMIT;
        2> target: local local.db (default)
    "#]]);
}

#[test]
fn a_schema_alone_can_be_the_first_migration() {
    let project = project();
    let schema = project.run("export --schema-only --no-history --quiet");
    schema.check(expect![[r#"
        $ seedbed export --schema-only --no-history --quiet
        CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL);
        CREATE TABLE log (line TEXT);
        CREATE VIEW people AS SELECT email FROM users;
        CREATE INDEX by_email ON users (email);
    "#]]);
    let other = Project::new().migration("V1__schema", &schema.stdout);
    other.run("migrate").check(expect![[r#"
        $ seedbed migrate
        applied V1 schema (4 statements, [ms])
        the database is at V1
        2> target: local local.db (default)
    "#]]);
}

#[test]
fn the_history_of_another_tool_is_left_out_with_our_own() {
    let project = project();
    project.change(&[
        "CREATE TABLE goose_db_version (id INTEGER PRIMARY KEY AUTOINCREMENT, version_id INTEGER NOT NULL, \
         is_applied INTEGER NOT NULL, tstamp TIMESTAMP DEFAULT (datetime('now')))",
        "CREATE TABLE knex_migrations (id, name, batch, migration_time)",
        "CREATE TABLE knex_migrations_lock (\"index\", is_locked)",
        "CREATE INDEX of_goose ON goose_db_version (version_id)",
        // One of that name that no tool has made.
        "CREATE TABLE schema_migrations (bird, flock)",
    ]);
    let schema = project.run("export --schema-only --no-history");
    schema.check(expect![[r#"
        $ seedbed export --schema-only --no-history
        CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL);
        CREATE TABLE log (line TEXT);
        CREATE TABLE schema_migrations (bird, flock);
        CREATE VIEW people AS SELECT email FROM users;
        CREATE INDEX by_email ON users (email);
        2> target: local local.db (default)
        2> note: goose_db_version, knex_migrations, knex_migrations_lock were left out (--no-history): other migration tools keep their records there
    "#]]);
    let json = project.run("export --no-history out.sql --format json");
    assert!(json.stdout.contains("knex_migrations_lock"), "{json}");
    assert!(!project.read("out.sql").contains("goose"));
    // With the records all of them are there, and a table that is named is wanted.
    let whole = project.run("export");
    assert!(whole.stdout.contains("CREATE TABLE goose"), "{whole}");
    let named = project.run("export --no-history --tables goose_db_version --quiet");
    assert!(
        named.stdout.contains("CREATE TABLE goose_db_version"),
        "{named}"
    );
}

#[test]
fn some_tables_or_their_rows_alone_can_be_chosen() {
    let project = project();
    project
        .run("export --tables LOG,people --quiet")
        .check(expect![[r#"
            $ seedbed export --tables LOG,people --quiet
            PRAGMA foreign_keys=OFF;
            BEGIN TRANSACTION;
            CREATE TABLE log (line TEXT);
            INSERT INTO log(rowid,line) VALUES(1,'it''s');
            CREATE VIEW people AS SELECT email FROM users;
            COMMIT;
        "#]]);
    project
        .run("export --tables log --data-only --quiet")
        .check(expect![[r#"
            $ seedbed export --tables log --data-only --quiet
            PRAGMA foreign_keys=OFF;
            BEGIN TRANSACTION;
            INSERT INTO log(rowid,line) VALUES(1,'it''s');
            COMMIT;
        "#]]);
}

#[test]
fn a_file_is_new_and_packed_by_its_name() {
    let project = project();
    project.run("export dump.sql").check(expect![[r#"
        $ seedbed export dump.sql
        dump.sql: 8 rows of 3 tables, 2.1 KB
        2> target: local local.db (default)
    "#]]);
    let bytes = project.read("dump.sql").len();
    let mut packed = project.run("export dump.sql.gz --quiet --format json");
    // A duration of more digits makes it longer.
    packed.stdout = packed.stdout.replace(&bytes.to_string(), "LENGTH");
    packed.check(expect![[r#"
        $ seedbed export dump.sql.gz --quiet --format json
        {
          "schema_version": 1,
          "command": "export",
          "mode": "local",
          "database": "local.db",
          "outcome": "done",
          "exit_code": 0,
          "items": [],
          "problems": [],
          "bytes": LENGTH,
          "file": "dump.sql.gz",
          "left_out": [],
          "tables": [
            {
              "name": "_migrations",
              "rows": 5
            },
            {
              "name": "users",
              "rows": 2
            },
            {
              "name": "log",
              "rows": 1
            }
          ]
        }
    "#]]);
    let mut text = String::new();
    let packed = project.bytes("dump.sql.gz").unwrap();
    flate2::read::GzDecoder::new(packed.as_slice())
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(text, project.read("dump.sql"));
    assert_eq!(project.run("export --quiet").stdout, text);
    // Nothing is left of how they were made.
    let files = project.files();
    assert!(
        !files.iter().any(|file| file.contains("partial")),
        "{files:?}"
    );
}

#[test]
fn what_cannot_be_done_is_told() {
    let project = project();
    project.write("there.sql", "mine");
    for (line, expect) in [
        (
            "export there.sql",
            expect![[r#"
                $ seedbed export there.sql
                2> target: local local.db (default)
                2> error[file-exists]: there.sql exists already
                2>   |
                2>   = help: name another file, or remove this one
                exit 2
            "#]],
        ),
        (
            "export no/where.sql",
            expect![[r#"
                $ seedbed export no/where.sql
                2> target: local local.db (default)
                2> error[file]: cannot write no/where.sql: No such file or directory (os error 2)
                2>   |
                2>   = help: check whether the folder exists, whether you may write there, and whether the disk is full
                exit 1
            "#]],
        ),
        (
            "export --tables user,logs,people",
            expect![[r#"
            $ seedbed export --tables user,logs,people
            2> target: local local.db (default)
            2> error[unknown-table]: no table or view is called `user` (did you mean `users`?), `logs` (did you mean `log`?)
            2>   |
            2>   = help: see what there is with `seedbed inspect`; a table that keeps the content of a virtual table is exported with its virtual table
            exit 2
        "#]],
        ),
        (
            "export --format json",
            expect![[r#"
                $ seedbed export --format json
                {
                  "schema_version": 1,
                  "command": "export",
                  "mode": null,
                  "database": null,
                  "outcome": "usage",
                  "exit_code": 2,
                  "items": [],
                  "problems": [
                    {
                      "code": "needs-a-file",
                      "severity": "error",
                      "file": null,
                      "line": null,
                      "column": null,
                      "message": "a dump and a JSON document cannot both go to standard output",
                      "notes": [],
                      "help": "name a file: `seedbed export dump.sql --format json`"
                    }
                  ]
                }
                exit 2
            "#]],
        ),
        (
            "export --schema-only --data-only",
            expect![[r#"
            $ seedbed export --schema-only --data-only
            2> error: the argument '--schema-only' cannot be used with '--data-only'
            2>
            2> Usage: seedbed export --schema-only [FILE]
            2>
            2> For more information, try '--help'.
            exit 2
        "#]],
        ),
        (
            "export --database none.db",
            expect![[r#"
            $ seedbed export --database none.db
            2> target: local none.db (--database)
            2> error[no-database]: there is no database none.db
            2>   |
            2>   = help: name another one with `--database FILE`
            exit 2
        "#]],
        ),
        (
            "export --database there.sql",
            expect![[r#"
            $ seedbed export --database there.sql
            2> target: local there.sql (--database)
            2> error[not-a-database]: cannot read the database: file is not a database
            2>   |
            2>   = help: the file is something else, or encrypted: check whether it is the one that you meant, or name another with `--database FILE`
            exit 1
        "#]],
        ),
    ] {
        crate::bad_input::untouched(&project, line).check(expect);
    }
}

#[test]
fn the_dump_of_a_project_is_imported_as_it_was() {
    let project = project().after("export dump.sql.gz");
    project.run("import dump.sql.gz --database new.db");
    let both = ["local.db", "new.db"].map(|database| {
        project
            .run(&format!(
                "export --quiet --no-history --database {database}"
            ))
            .stdout
    });
    assert_eq!(both[0], both[1]);
    let [old] = project
        .ask_of(
            "local.db",
            ["SELECT count(*) FROM _migrations WHERE version IS NOT 'schema'"],
        )
        .try_into()
        .unwrap();
    let [new] = project
        .ask_of(
            "new.db",
            ["SELECT count(*) FROM _migrations WHERE kind <> 'import'"],
        )
        .try_into()
        .unwrap();
    assert_eq!(old, new);
}

#[cfg(unix)]
#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let project = project();
    project.change(&[
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000) INSERT INTO log SELECT hex(i) FROM n",
    ]);
    let mut command = project.other("sh");
    let program = crate::PROGRAM;
    command.args(["-c", &format!("{program} export; echo $? >&2")]);
    command.stdout(std::process::Stdio::piped());
    command.stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut first = [0; 20];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let said = child.wait_with_output().unwrap().stderr;
    assert_eq!(
        String::from_utf8(said).unwrap(),
        "target: local local.db (default)\n0\n"
    );
}
