//! `import` as people see it.

use std::io::Write;
use std::process::Stdio;

use expect_test::expect;

use super::dump;
use super::specification::{MANY, many};
use crate::project::Project;

const DUMP: &str = "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n\
    CREATE TABLE team (id INTEGER PRIMARY KEY, name TEXT);\nINSERT INTO team VALUES(1,'red');\n\
    CREATE TABLE person (id INTEGER PRIMARY KEY, team INTEGER REFERENCES team (id));\n\
    INSERT INTO person VALUES(1,1);\nINSERT INTO person VALUES(2,9);\nCOMMIT;\n";

#[test]
fn an_import_tells_what_came() {
    let project = Project::new()
        .migration("V1__a", "CREATE TABLE a (x);")
        .file("old.sql", DUMP.replace("VALUES(2,9)", "VALUES(2,NULL)"));
    project.run("import old.sql --dry-run").check(expect![[r#"
        $ seedbed import old.sql --dry-run
        table   rows  bytes
        team       1   34 B
        person     2   67 B

        old.sql holds 3 rows of 2 tables (289 B); they would become a new file

        checked: the dump is complete, each of its statements is one that a dump may have, its rows have tables, and nothing in the database is in its way
        not checked: its statements were read and not run; constraints, columns, types, modules and foreign keys are checked by the import itself

        nothing was changed
        2> target: local local.db (default)
    "#]]);
    assert_eq!(project.files(), ["migrations/V1__a.sql", "old.sql"]);
    project.run("import old.sql").check(expect![[r#"
        $ seedbed import old.sql
        table  rows  bytes  took  verified
        team  1  34 B  [ms]  ✓
        person  2  67 B  [ms]  ✓

        imported old.sql: 3 rows of 2 tables (289 B) in [ms]
        2> target: local local.db (default)
        2> next: `seedbed baseline V` records which migrations this schema has already (the newest is V1)
    "#]]);
    assert_eq!(
        project.files(),
        ["local.db", "migrations/V1__a.sql", "old.sql"]
    );
    project.run("import old.sql").check(expect![[r#"
        $ seedbed import old.sql
        nothing to do: old.sql is in this database since [time] UTC
        2> target: local local.db (default)
    "#]]);
    project.run("import old.sql --dry-run").check(expect![[r#"
            $ seedbed import old.sql --dry-run
            table   rows  bytes
            team       1   34 B
            person     2   67 B

            old.sql holds 3 rows of 2 tables (289 B); they are in this database already

            nothing was changed
            2> target: local local.db (default)
        "#]]);
}

#[test]
fn the_same_as_json() {
    let project = Project::new().file("old.sql", DUMP);
    project
        .run("import old.sql --allow-fk-violations --format json")
        .check(expect![[r#"
            $ seedbed import old.sql --allow-fk-violations --format json
            {
              "schema_version": 1,
              "command": "import",
              "mode": "local",
              "database": "local.db",
              "outcome": "done",
              "exit_code": 0,
              "items": [
                {
                  "kind": "import",
                  "version": "c6343093f7bdf7f918f4d250d5a75e2cc1a717f136881acae38efcc0f42e43c0",
                  "name": "old.sql",
                  "state": "applied",
                  "checksum": "c6343093f7bdf7f918f4d250d5a75e2cc1a717f136881acae38efcc0f42e43c0",
                  "applied_at": null,
                  "duration_ms": null,
                  "file": null
                }
              ],
              "problems": [],
              "continued_from_line": null,
              "dump": {
                "bytes": 286,
                "name": "old.sql",
                "sha256": "c6343093f7bdf7f918f4d250d5a75e2cc1a717f136881acae38efcc0f42e43c0"
              },
              "is_recorded": true,
              "left_out": [],
              "tables": [
                {
                  "bytes": 34,
                  "duration_ms": [ms],
                  "name": "team",
                  "rows": 1,
                  "verified": true
                },
                {
                  "bytes": 64,
                  "duration_ms": [ms],
                  "name": "person",
                  "rows": 2,
                  "verified": true
                }
              ],
              "violations": 1
            }
            2> target: local local.db (default)
            2> warning: 1 row lacks its parent
            2>   row 2 of person has no parent in team
        "#]]);
    project
        .run("import old.sql --dry-run --format json --database :memory:")
        .check(expect![[r#"
            $ seedbed import old.sql --dry-run --format json --database :memory:
            {
              "schema_version": 1,
              "command": "import",
              "mode": "memory",
              "database": ":memory:",
              "outcome": "planned",
              "exit_code": 0,
              "items": [],
              "problems": [],
              "dump": {
                "bytes": 286,
                "name": "old.sql",
                "sha256": null
              },
              "tables": [
                {
                  "bytes": 34,
                  "duration_ms": [ms],
                  "name": "team",
                  "rows": 1,
                  "verified": null
                },
                {
                  "bytes": 64,
                  "duration_ms": [ms],
                  "name": "person",
                  "rows": 2,
                  "verified": null
                }
              ],
              "triggers": []
            }
            2> target: memory :memory: (--database)
        "#]]);
}

#[test]
fn rows_without_parents_can_be_allowed() {
    let project = Project::new().file("old.sql", DUMP);
    project
        .run("import old.sql --allow-fk-violations")
        .check(expect![[r#"
            $ seedbed import old.sql --allow-fk-violations
            table  rows  bytes  took  verified
            team  1  34 B  [ms]  ✓
            person  2  64 B  [ms]  ✓

            imported old.sql: 3 rows of 2 tables (286 B) in [ms]
            2> target: local local.db (default)
            2> warning: 1 row lacks its parent
            2>   row 2 of person has no parent in team
        "#]]);
}

#[test]
fn standard_input_is_a_dump_too() {
    let project = Project::new();
    let mut command = project.command("import -");
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut running = command.spawn().unwrap();
    let text = DUMP.replace("VALUES(2,9)", "VALUES(2,NULL)");
    running
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = running.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(project.ask("SELECT count(*) FROM person"), "2");
}

#[cfg(unix)]
#[test]
fn a_signal_stops_an_import_and_the_same_command_goes_on() {
    let text = dump(&many(4_000));
    let (first, rest) = text.split_at(text.len() / 2);
    for made in ["old.sql", "made.sql"] {
        // Into a new file, and into one that is there.
        let project = Project::new().file("made.sql", "CREATE TABLE other (x);");
        if made == "made.sql" {
            assert_eq!(project.run("import made.sql").code, Some(0));
        }
        let line = "import - --transaction-bytes 20000";
        let mut command = project.command(line);
        let (read, mut write) = std::io::pipe().unwrap();
        command.stdin(read);
        let running = project.start(command, line);
        write.write_all(first.as_bytes()).unwrap();
        let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while !has_begun(&project, made == "old.sql") {
            assert!(std::time::Instant::now() < until, "it does not begin");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        running.signal("INT");
        let ran = running.finish();
        assert_eq!(ran.code, Some(130), "{ran}");
        let is_new = made == "old.sql";
        let stands = if is_new {
            "nothing of the dump"
        } else {
            "continues from there"
        };
        assert!(ran.stderr.contains(stands), "{ran}");
        assert_eq!(project.path("local.db").exists(), !is_new);

        let mut command = project.command(line);
        let (read, mut write) = std::io::pipe().unwrap();
        command.stdin(read);
        let running = project.start(command, line);
        write.write_all(first.as_bytes()).unwrap();
        write.write_all(rest.as_bytes()).unwrap();
        drop(write);
        let ran = running.finish();
        assert_eq!(ran.code, Some(0), "{ran}");
        assert_eq!(ran.stdout.contains("went on from line"), !is_new, "{ran}");
        assert_eq!(
            project.ask("SELECT count(*), sum(id) FROM t"),
            "4000|8002000"
        );
    }
}

#[test]
fn what_a_killed_import_has_left_is_named_and_goes_with_the_next_change() {
    let left = format!("local.db-building-{}", "0123456789abcdef".repeat(2));
    let files = || {
        Project::new()
            .migration("V1__a", "CREATE TABLE a (x);")
            .file(&left, "half a database")
            .file(format!("{left}-journal"), "")
            .file("local.db-building-lock", "")
            .file("other.db-building-notes", "mine")
    };
    let is_left = |project: &Project| {
        project
            .files()
            .iter()
            .any(|file| file.contains("db-building"))
    };
    let project = files();
    let looked = project.run("status");
    assert_eq!(looked.code, Some(0), "{looked}");
    let doctor = project.run("doctor");
    let words = format!("left by a run that was killed: {left} (15 bytes)");
    assert!(doctor.stdout.contains(&words), "{doctor}");
    assert!(project.path(&left).exists());
    // Nor while another process builds: its draft is not left over.
    let lock = std::fs::File::open(project.path("local.db-building-lock")).unwrap();
    lock.lock().unwrap();
    let doctor = project.run("doctor");
    assert!(!doctor.stdout.contains("killed"), "{doctor}");
    project.run("migrate");
    assert!(project.path(&left).exists());
    drop(lock);
    // The database exists by now, and another one is made.
    for project in [project, files()] {
        project.remove("other.db-building-notes");
        project.write("migrations/V2__b.sql", "CREATE TABLE b (x);");
        let ran = project.run("migrate");
        assert_eq!(ran.code, Some(0), "{ran}");
        assert!(!is_left(&project), "{:?}", project.files());
        let doctor = project.run("doctor");
        assert!(!doctor.stdout.contains("killed"), "{doctor}");
    }
}

/// Whether something is written.
#[cfg(unix)]
fn has_begun(project: &Project, is_new: bool) -> bool {
    if is_new {
        return project
            .files()
            .iter()
            .any(|file| file.starts_with("local.db-building-"));
    }
    project.ask("SELECT count(*) FROM sqlite_schema WHERE name = '_seedbed_import'") == "1"
}

/// An import into a local file that is there, which has stopped at a row near its end.
fn unfinished() -> Project {
    // More than goes into one transaction.
    let text = many(110_000)
        + "CREATE TABLE u (x UNIQUE);\nINSERT INTO u VALUES(1);\nINSERT INTO u VALUES(1);\n";
    Project::new()
        .migration("V1__a", "CREATE TABLE a (x);")
        .after("migrate")
        .file("old.sql", dump(&text))
}

#[test]
fn an_unfinished_import_is_told_everywhere_and_gone_on_with() {
    let project = unfinished();
    project.run("import old.sql").check(expect![[r#"
        $ seedbed import old.sql
        2> target: local local.db (default)
        2> error[constraint]: UNIQUE constraint failed: u.x
        2>  --> old.sql:110006
        2>   = note: it begins at byte 5702079
        2>   = note: it is about the table u
        2>
        2> the dump is in the database up to line 96513 (96,509 rows): `seedbed import old.sql` continues from there, `seedbed import old.sql --restart` begins from the start
        exit 1
    "#]]);
    project.run("status").check(expect![[r#"
        $ seedbed status
        state  version  name  applied at  took  checksum
        ✓ applied  V1  a  [time] UTC  [ms]  5d4dfde3

        1 applied; the database is at V1

        error[unfinished-import]: the import of old.sql was not finished: it has come to line 96513
          |
          = help: `seedbed import old.sql` continues it, `seedbed import old.sql --restart` removes what it has written
        2> target: local local.db (default)
        exit 4
    "#]]);
    let project = project.migration("V2__b", "CREATE TABLE b (x);");
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[unfinished-import]: the import of old.sql was not finished: it has come to line 96513
        2>   |
        2>   = help: `seedbed import old.sql` continues it, `seedbed import old.sql --restart` removes what it has written
        exit 4
    "#]]);
    for command in ["migrate --dry-run", "undo", "repair", "baseline 1", "seed"] {
        let project = if command == "seed" {
            seeded(&project)
        } else {
            &project
        };
        let ran = project.run(command);
        assert_eq!(ran.code, Some(4), "{ran}");
        assert!(
            ran.stderr.contains("unfinished-import") || ran.stdout.contains("unfinished-import"),
            "{ran}"
        );
    }
    project.write("other.sql", DUMP);
    project.run("import other.sql").check(expect![[r#"
        $ seedbed import other.sql
        2> target: local local.db (default)
        2> error[another-import]: the import of old.sql into this database was not finished
        2>   |
        2>   = note: it began on [time] UTC and came to line 96513
        2>   = help: `seedbed import old.sql` continues that one
        2>   = help: `seedbed import other.sql --restart` removes what it has written, and imports this one
        2>
        2> old.sql is in the database up to line 96513 (96,509 rows)
        exit 4
    "#]]);
    // The row that was refused is put right.
    let text = project.read("old.sql");
    let first = "INSERT INTO u VALUES(1);\n";
    project.write("old.sql", text.replace(&first.repeat(2), first));
    let ran = project.run("import old.sql");
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(
        ran.stdout
            .contains("went on from line 96513, which a run of "),
        "{ran}"
    );
    assert!(
        ran.stdout
            .contains("imported old.sql: 110,001 rows of 2 tables "),
        "{ran}"
    );
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        applied V2 b (1 statement, [ms])
        the database is at V2
        2> target: local local.db (default)
    "#]]);
}

fn seeded(project: &Project) -> &Project {
    project.write("seeds/a.yaml", "a:\n  one: {x: 1}\n");
    project
}

#[test]
fn an_unfinished_import_is_taken_back_and_begun_anew() {
    let project = unfinished();
    assert_eq!(project.run("import old.sql").code, Some(1));
    project.write("other.sql", DUMP.replace("VALUES(2,9)", "VALUES(2,NULL)"));
    project.run("import other.sql --restart").check(expect![[r#"
            $ seedbed import other.sql --restart
            table  rows  bytes  took  verified
            team  1  34 B  [ms]  ✓
            person  2  67 B  [ms]  ✓

            imported other.sql: 3 rows of 2 tables (289 B) in [ms]
            2> target: local local.db (default)
        "#]]);
    assert_eq!(
        project.ask("SELECT group_concat(name) FROM sqlite_schema WHERE type = 'table'"),
        "_migrations,a,team,person"
    );
}

/// What is typed to go on names the dump as it was given, with the flags that it was begun with.
#[test]
fn what_goes_on_with_an_import_can_be_typed() {
    let rows = many(MANY).replacen(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, n INTEGER);\n",
        "",
        1,
    );
    let bad = format!("{rows}INSERT INTO t VALUES(1,'again',1);\n");
    let project = || {
        Project::new()
            .migration(
                "V1__t",
                "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, n INTEGER);",
            )
            .after("migrate")
            .file("dumps/my rows.sql", &bad)
            .file("other.sql", "INSERT INTO t VALUES(0,'other',0);\n")
    };
    let of_file = project();
    let mut command = of_file.command("import --into-existing --transaction-bytes 24000");
    command.arg("dumps/my rows.sql");
    let ran = of_file.start(command, "import").finish();
    assert_eq!(ran.code, Some(1), "{ran}");
    let typed = "import 'dumps/my rows.sql' --into-existing`";
    assert!(ran.stderr.contains(typed), "{ran}");
    let of_stdin = project();
    let mut command = of_stdin.command("import - --into-existing --transaction-bytes 24000");
    command.stdin(std::fs::File::open(of_stdin.path("dumps/my rows.sql")).unwrap());
    assert!(!command.status().unwrap().success());
    for (project, typed) in [
        (of_file, typed),
        (of_stdin, "import - < DUMP --into-existing`"),
    ] {
        for line in [
            "migrate",
            "export all.sql",
            "backup",
            "import other.sql --into-existing",
        ] {
            let ran = project.run(line);
            assert_eq!(ran.code, Some(4), "{ran}");
            assert!(ran.stderr.contains(typed), "{ran}");
        }
    }
}
