//! A database was deleted, and its `-wal` or `-journal` stayed: nothing is given its name.

use std::time::{Duration, SystemTime};

use expect_test::expect;

use crate::project::{Project, waiting};

/// Every command that would create `s.db`, or would say what is in it.
const COMMANDS: &[&str] = &[
    "import new.sql",
    "import new.sql --dry-run",
    "restore new.sql",
    "reset",
    "reset --yes",
    "migrate",
    "migrate --dry-run",
    "seed",
    "baseline 1",
    "status",
    "inspect",
];

/// The side files of a database of one table with the row `deleted`, which is not there any more.
fn left_over(ending: &str) -> Project {
    let project = Project::new()
        .migration("V1__a", "CREATE TABLE a (x PRIMARY KEY);\n")
        .file("seeds/010_a.yaml", "a:\n  one: {x: 1}\n")
        .file(
            "new.sql",
            "BEGIN TRANSACTION;\nCREATE TABLE city (name);\nINSERT INTO city VALUES('new');\nCOMMIT;\n",
        );
    let statements: &[&str] = match ending {
        "-wal" => &[
            "PRAGMA journal_mode = WAL",
            "CREATE TABLE city (name)",
            "INSERT INTO city VALUES ('deleted')",
        ],
        // More than the cache holds: the journal is on the disk before the transaction ends, and hot without it.
        _ => &[
            "PRAGMA cache_size = 5",
            "CREATE TABLE city (name)",
            "INSERT INTO city VALUES ('deleted')",
            "WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 900) \
             INSERT INTO city SELECT printf('%0500d', n) FROM up",
            "BEGIN IMMEDIATE",
            "UPDATE city SET name = name || '.'",
        ],
    };
    let connection = waiting().block_on(project.connection(statements));
    for ending in ["-wal", "-shm", "-journal"] {
        let side = project.bytes(format!("local.db{ending}"));
        if let Some(bytes) = side {
            // The shared memory of a log is rebuilt from it.
            project.write(
                format!("s.db{ending}"),
                if ending == "-shm" { vec![] } else { bytes },
            );
            let file = std::fs::File::options()
                .write(true)
                .open(project.path(format!("s.db{ending}")))
                .unwrap();
            let days = Duration::from_secs(3 * 24 * 60 * 60 + 60);
            file.set_modified(SystemTime::now() - days).unwrap();
        }
    }
    drop(connection);
    project.remove_database("local.db");
    assert!(!project.bytes(format!("s.db{ending}")).unwrap().is_empty());
    project
}

fn contents(project: &Project) -> Vec<(String, Option<Vec<u8>>)> {
    let files = project.files().into_iter();
    files
        .map(|file| (file.clone(), project.bytes(file)))
        .collect()
}

fn refused_everywhere(project: &Project) {
    let before = contents(project);
    for command in COMMANDS {
        let ran = project.run(&format!("{command} --database s.db"));
        assert_eq!(ran.code, Some(4), "{ran}");
        assert!(ran.stderr.contains("error[side-files]"), "{ran}");
        assert!(contents(project) == before, "{ran}");
    }
}

#[test]
fn a_log_that_stayed_is_not_read_into_another_database() {
    let project = left_over("-wal");
    refused_everywhere(&project);
    project
        .run("import new.sql --database s.db")
        .check(expect![[r#"
            $ seedbed import new.sql --database s.db
            2> target: local s.db (--database)
            2> error[side-files]: [root]/s.db does not exist, and side files of another database of that name are beside it
            2>   |
            2>   = note: s.db-wal: 12.1 KB, written 3 d 0 h ago
            2>   = note: s.db-shm: 0 B, written 3 d 0 h ago
            2>   = note: SQLite applies a -wal or -journal to any database of that name: rows of the old database would replace rows of the new one; beside an empty file, SQLite deletes them
            2>   = help: they can hold the last rows of the old database: if its file was moved, put it back beside them; stop every program that still has it open
            2>   = help: to keep them: `mkdir [root]/s.db-old && mv [root]/s.db-wal [root]/s.db-shm [root]/s.db-old`
            2>   = help: to remove them: `rm [root]/s.db-wal [root]/s.db-shm`
            2>
            2> nothing of the dump is in the database
            exit 4
        "#]]);
    project.run("reset --database s.db").check(expect![[r#"
        $ seedbed reset --database s.db
        2> target: local s.db (--database)
        2> error[side-files]: [root]/s.db does not exist, and side files of another database of that name are beside it
        2>   |
        2>   = note: s.db-wal: 12.1 KB, written 3 d 0 h ago
        2>   = note: s.db-shm: 0 B, written 3 d 0 h ago
        2>   = note: SQLite applies a -wal or -journal to any database of that name: rows of the old database would replace rows of the new one; beside an empty file, SQLite deletes them
        2>   = help: they can hold the last rows of the old database: if its file was moved, put it back beside them; stop every program that still has it open
        2>   = help: to keep them: `mkdir [root]/s.db-old && mv [root]/s.db-wal [root]/s.db-shm [root]/s.db-old`
        2>   = help: to remove them: `rm [root]/s.db-wal [root]/s.db-shm`
        2>
        2> nothing was changed
        exit 4
    "#]]);
}

#[test]
fn a_journal_that_stayed_is_not_rolled_back_into_another_database() {
    let project = left_over("-journal");
    refused_everywhere(&project);
    project
        .run("migrate --database s.db --format json")
        .check(expect![[r#"
            $ seedbed migrate --database s.db --format json
            {
              "schema_version": 1,
              "command": "migrate",
              "mode": "local",
              "database": "s.db",
              "outcome": "problems",
              "exit_code": 4,
              "items": [],
              "problems": [
                {
                  "code": "side-files",
                  "severity": "error",
                  "file": null,
                  "line": null,
                  "column": null,
                  "message": "[root]/s.db does not exist, and side files of another database of that name are beside it",
                  "notes": [
                    "s.db-journal: 508.5 KB, written 3 d 0 h ago",
                    "SQLite applies a -wal or -journal to any database of that name: rows of the old database would replace rows of the new one; beside an empty file, SQLite deletes them"
                  ],
                  "help": "they can hold the last rows of the old database: if its file was moved, put it back beside them; stop every program that still has it open\nto keep them: `mkdir [root]/s.db-old && mv [root]/s.db-journal [root]/s.db-old`\nto remove them: `rm [root]/s.db-journal`"
                }
              ],
              "summary": "nothing was changed"
            }
            2> target: local s.db (--database)
            exit 4
        "#]]);
}

#[test]
fn an_empty_file_does_not_make_them_its_own() {
    for ending in ["-wal", "-journal"] {
        let project = left_over(ending).file("s.db", "");
        refused_everywhere(&project);
    }
}

#[test]
fn without_a_byte_they_may_be_those_of_a_process_that_has_the_deleted_file_open() {
    for ending in ["-wal", "-shm", "-journal"] {
        let project = left_over("-wal");
        for side in ["-wal", "-shm"] {
            project.remove(format!("s.db{side}"));
        }
        project.write(format!("s.db{ending}"), "");
        refused_everywhere(&project);
    }
}

#[test]
fn beside_the_target_of_a_link_they_are_seen_as_well() {
    let project = left_over("-wal");
    std::os::unix::fs::symlink("s.db", project.path("link.db")).unwrap();
    let ran = project.run("import new.sql --database link.db");
    assert_eq!(ran.code, Some(4), "{ran}");
    assert!(!project.path("s.db").exists());
}

#[test]
fn the_commands_that_are_proposed_work() {
    for (which, kept) in [("to keep them: `", true), ("to remove them: `", false)] {
        let project = left_over("-wal");
        let before = project.bytes("s.db-wal");
        let ran = project.run("import new.sql --database s.db");
        let at = ran.stderr.find(which).unwrap() + which.len();
        let command = ran.stderr[at..].split('`').next().unwrap();
        let mut shell = project.other("sh");
        shell.args(["-c", command]);
        let did = project.start(shell, command).finish();
        assert_eq!(did.code, Some(0), "{did}");
        assert_eq!(project.bytes("s.db-old/s.db-wal") == before, kept);
        let project = project.after("import new.sql --database s.db");
        assert_eq!(project.ask_of("s.db", ["SELECT * FROM city"]), ["new"]);
    }
}

#[test]
fn a_template_for_tests_gets_no_name_beside_them() {
    let project = left_over("-wal").after("test-db");
    let files = project.files();
    let template = files
        .iter()
        .find(|file| file.contains("templates/") && file.ends_with(".db"))
        .unwrap();
    project.remove(template);
    project.write(format!("{template}-wal"), "frames");
    let ran = project.run("test-db");
    assert_eq!(ran.code, Some(4), "{ran}");
    assert!(ran.stderr.contains("error[side-files]"), "{ran}");
    assert!(!project.path(template).exists());
}

#[test]
fn those_of_a_database_are_its_own() {
    let project = Project::new()
        .migration("V1__a", "CREATE TABLE a (x PRIMARY KEY);\n")
        .after("migrate");
    let connection = waiting()
        .block_on(project.connection(&["PRAGMA journal_mode = WAL", "INSERT INTO a VALUES (1)"]));
    assert!(project.path("local.db-wal").exists());
    for command in ["status", "migrate", "inspect"] {
        let ran = project.run(command);
        assert_eq!(ran.code, Some(0), "{ran}");
    }
    drop(connection);
}
