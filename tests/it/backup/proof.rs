//! What is proven of a backup before it counts, and what becomes of one that is not.

use expect_test::expect;

use super::{aged, good, packed, project, state, unproven};
use crate::bad_input::untouched;
use crate::project::Project;

/// What only an application can create: the definitions are those that its engine has written.
const APPLICATIONS: &[&str] = &[
    "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)",
    "INSERT INTO t VALUES (1, 'x'), (2, 'y')",
    "CREATE INDEX by_name ON t (a)",
    "CREATE INDEX by_sound ON t (a)",
    "CREATE TABLE u (a, b)",
    "INSERT INTO u (a) VALUES (7)",
    "CREATE INDEX of_u ON u (a)",
    "PRAGMA writable_schema = ON",
    "UPDATE sqlite_schema SET sql = 'CREATE INDEX by_name ON t (a COLLATE LOCALIZED)' WHERE name = 'by_name'",
    "UPDATE sqlite_schema SET sql = 'CREATE INDEX by_sound ON t (metaphone(a))' WHERE name = 'by_sound'",
    "UPDATE sqlite_schema SET sql = 'CREATE TABLE u (a, b AS (metaphone(a)))' WHERE name = 'u'",
];

#[test]
fn a_backup_is_good_where_an_equal_database_was_built_from_it() {
    for statements in [
        &["CREATE TABLE t (a)"][..],
        &[
            "PRAGMA user_version = 7",
            "PRAGMA application_id = 252006673",
        ],
        &[
            "PRAGMA encoding = 'UTF-16le'",
            "PRAGMA page_size = 8192",
            "CREATE TABLE t (a TEXT)",
            "INSERT INTO t VALUES ('é'), (char(0) || 'x'), (x'00ff')",
        ],
        // The layout of a file without any table.
        &[
            "PRAGMA encoding = 'UTF-16be'",
            "PRAGMA page_size = 1024",
            "CREATE TABLE t (a TEXT)",
            "DROP TABLE t",
        ],
        &[
            "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a)",
            "INSERT INTO t (a) VALUES (1.0), (-0.0), (9e999), (-9e999), ('1'), (x'')",
            "DELETE FROM t WHERE id = 6",
            "CREATE TABLE gone (id INTEGER PRIMARY KEY AUTOINCREMENT)",
            "DROP TABLE gone",
        ],
        &[
            "CREATE VIRTUAL TABLE f USING fts5 (a)",
            "INSERT INTO f VALUES ('some words')",
            "CREATE VIRTUAL TABLE r USING rtree (id, x0, x1)",
            "INSERT INTO r VALUES (1, 0.5, 1.5)",
            "VACUUM",
        ],
        &[
            "CREATE TABLE mail_content (id INTEGER PRIMARY KEY, body)",
            "INSERT INTO mail_content VALUES (1, 'hello')",
            "CREATE VIRTUAL TABLE mail USING fts5 (body, content='mail_content', content_rowid='id')",
            "INSERT INTO mail (mail) VALUES ('rebuild')",
        ],
        &[
            "CREATE TABLE p (a TEXT COLLATE NOCASE, b, PRIMARY KEY (a DESC, b)) WITHOUT ROWID",
            "INSERT INTO p VALUES ('b', 1), ('A', 2)",
            "CREATE TABLE g (a, b AS (a * 2) STORED, CHECK (a > 0))",
            "INSERT INTO g VALUES (2)",
            "CREATE UNIQUE INDEX i ON g (a, b DESC) WHERE a > 1",
            "CREATE VIEW v AS SELECT * FROM g",
            "CREATE TRIGGER w AFTER INSERT ON g BEGIN DELETE FROM p; END",
            "ANALYZE",
        ],
        // A module that only an application has: sqlite3 restores its dump, too.
        &[
            "CREATE TABLE 'v_data' (k, v)",
            "INSERT INTO v_data VALUES (1, 2)",
            "PRAGMA writable_schema = ON",
            "INSERT INTO sqlite_schema (type, name, tbl_name, rootpage, sql) VALUES ('table', 'v', 'v', 0, 'CREATE VIRTUAL TABLE v USING appmodule (''a'')')",
        ],
        // Rows without their parents are the database's own, and so is a history of another tool.
        &[
            "PRAGMA foreign_keys = OFF",
            "CREATE TABLE _migrations (id, name)",
            "INSERT INTO _migrations VALUES (1, 'first')",
            "CREATE TABLE parent (id INTEGER PRIMARY KEY)",
            "CREATE TABLE child (id REFERENCES parent (id))",
            "INSERT INTO child VALUES (7)",
        ],
        // Larger than what is built in memory, though it has few rows.
        &[
            "CREATE TABLE t (a)",
            "INSERT INTO t VALUES (zeroblob(34000000))",
            "UPDATE t SET a = 'small'",
        ],
    ] {
        let project = project(statements);
        let before = project.bytes("local.db");
        let file = good(&project, "backup");
        assert!(
            project.bytes("local.db") == before,
            "the database was changed"
        );
        let left: Vec<String> = project.files();
        assert_eq!(left.len(), 3, "{left:?}");
        let ran = project.run(&format!("restore {file} --database new.db"));
        assert_eq!(ran.code, Some(0), "{ran}");
    }
}

#[test]
fn what_only_an_application_can_create_is_named_and_not_good() {
    let project = project(APPLICATIONS);
    let (file, ran) = unproven(&project);
    let printed = ran.stderr.replace(&file, "[file]");
    expect![[r#"
        target: local local.db (default)
        error[unproven-backup]: the backup cannot be restored: table u: no such function: metaphone
         --> [file]:7
          = help: the function metaphone belongs to an application: without it no SQLite can create u; copy the database file itself as well (`sqlite3 FILE ".backup COPY"`), or change u so that it does not need the function metaphone

        error[unproven-backup]: the backup cannot be restored: index by_name: no such collation sequence: LOCALIZED
         --> [file]:9
          = help: the collation LOCALIZED belongs to an application: without it no SQLite can create by_name; copy the database file itself as well (`sqlite3 FILE ".backup COPY"`), or change by_name so that it does not need the collation LOCALIZED

        error[unproven-backup]: the backup cannot be restored: index by_sound: no such function: metaphone
         --> [file]:10
          = help: the function metaphone belongs to an application: without it no SQLite can create by_sound; copy the database file itself as well (`sqlite3 FILE ".backup COPY"`), or change by_sound so that it does not need the function metaphone
          = help: `gunzip -c [file] | sqlite3 NEW.db` restores what does not need them

        the backup is [file] (3 rows of 2 tables); it does not count as a good one, and the old ones are as they were

        3 errors
    "#]]
    .assert_eq(&printed);
    // A restore says what it is, and tries.
    let ran = untouched(&project, &format!("restore {file} --database new.db"));
    assert_eq!(ran.code, Some(1), "{ran}");
    assert!(
        ran.stderr.contains("warning: the backup is unproven"),
        "{ran}"
    );
    assert!(
        ran.stderr
            .contains("nothing of the backup is in the database"),
        "{ran}"
    );
}

#[test]
fn a_row_that_breaks_a_constraint_is_named_and_the_backup_not_good() {
    let project = project(&[
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a)",
        "INSERT INTO t VALUES (1, 'x'), (2, 'y'), (3, NULL), (4, 'z')",
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_schema SET sql = 'CREATE TABLE t (id INTEGER PRIMARY KEY, a NOT NULL)' WHERE name = 't'",
    ]);
    let (file, ran) = unproven(&project);
    let said = "the backup cannot be restored: NOT NULL constraint failed: t.a";
    assert!(ran.stderr.contains(said), "{ran}");
    // The line of this very row, behind the first line of the backup and those of the envelope.
    assert!(ran.stderr.contains(&format!("{file}:7")), "{ran}");
}

#[test]
fn an_unproven_backup_neither_counts_nor_goes() {
    let project = Project::new()
        .migration("V1__t", "CREATE TABLE t (a);\n")
        .after("migrate");
    project.write("config.toml", "[turso.backup]\nenabled = true\n");
    let before = project.run("doctor");
    assert_eq!(before.code, Some(1), "no backup is there: {before}");
    assert!(before.stdout.contains("✗ backup"), "{before}");
    let quiet = project.run("doctor --quiet");
    assert_eq!(quiet.stdout.matches('✗').count(), 1, "{quiet}");
    assert!(!quiet.stdout.contains('✓'), "{quiet}");
    let old_good = aged(&project, &good(&project, "backup"));
    let old = project.run("doctor");
    assert_eq!(old.code, Some(1), "the newest is too old: {old}");
    project.change(&[
        "CREATE INDEX i ON t (a)",
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_schema SET sql = 'CREATE INDEX i ON t (a COLLATE LOCALIZED)' WHERE name = 'i'",
    ]);
    let (newest, _) = unproven(&project);
    assert_eq!(
        state(&project, &old_good),
        "good",
        "the last good one stays"
    );
    let doctor = project.run("doctor");
    assert!(
        doctor
            .stdout
            .contains("is unproven: it is not known to restore"),
        "{doctor}"
    );
    // Under a name without the word it is still unproven.
    let renamed = "backups/local-20200102T000000Z.sql.gz";
    for beside in ["", ".sha256"] {
        let from = project.path(format!("{newest}{beside}"));
        std::fs::rename(from, project.path(format!("{renamed}{beside}"))).unwrap();
    }
    assert_eq!(state(&project, renamed), "unproven");
    project.change(&["DROP INDEX i"]);
    let new = good(&project, "backup");
    assert_eq!(packed(&project), [renamed.to_owned(), new]);
}

#[test]
fn a_migration_goes_on_with_an_unproven_backup_only_where_it_is_told_to() {
    let project = Project::new()
        .migration("V1__t", "CREATE TABLE t (a);\nCREATE INDEX i ON t (a);\n")
        .after("migrate")
        .migration("V2__u", "CREATE TABLE u (a);\n");
    project.change(&[
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_schema SET sql = 'CREATE INDEX i ON t (a COLLATE LOCALIZED)' WHERE name = 'i'",
    ]);
    let before = project.bytes("local.db");
    let ran = project.run("migrate --backup");
    assert_eq!(ran.code, Some(1), "{ran}");
    assert!(project.bytes("local.db") == before, "{ran}");
    assert!(
        ran.stderr
            .contains("nothing was migrated; the backup is backups/local-"),
        "{ran}"
    );
    let command = "migrate --backup=unproven";
    assert!(
        ran.stderr.contains(&format!("`seedbed {command}`")),
        "{ran}"
    );
    let ran = project.run(command);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(
        ran.stderr
            .contains("warning[unproven-backup]: the backup cannot be restored: index i"),
        "{ran}"
    );
    assert_eq!(packed(&project).len(), 2);
}

#[test]
fn what_runs_left_that_were_killed_goes_and_that_of_living_ones_stays() {
    let project = project(&["CREATE TABLE t (a)"]);
    good(&project, "backup");
    let id = "0".repeat(32);
    let names = ["", "-rebuilt", "-rebuilt-journal", "-lock"];
    let dead =
        names.map(|ending| format!("backups/.local-20260101T000000Z.sql.gz.{id}.partial{ending}"));
    let young = format!("backups/.local-20260102T000000Z.sql.gz.{id}.partial");
    let other = format!("backups/.other-20260101T000000Z.sql.gz.{id}.partial");
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    for name in dead.iter().chain([&young, &other]) {
        project.write(name, "");
        if *name != young {
            let file = std::fs::File::options()
                .write(true)
                .open(project.path(name))
                .unwrap();
            file.set_modified(long_ago).unwrap();
        }
    }
    good(&project, "backup");
    let mut left: Vec<String> = project.files();
    left.retain(|file| file.starts_with("backups/."));
    assert_eq!(left, [young, other]);
}

/// A line of the program with a small file system of its own in the folder `full`, which holds temporary files. None where
/// no such can be made.
#[cfg(target_os = "linux")]
fn with_little_room(project: &Project, line: &str) -> Option<crate::process::Ran> {
    let script = "mount -t tmpfs -o size=256k tmpfs full && TMPDIR=\"$PWD/full\" exec \"$@\"";
    let unshared = |words: &[&str]| {
        let mut command = project.other("unshare");
        command.args(["--map-root-user", "--mount", "sh", "-c", script, "sh"]);
        command.args(words);
        command
    };
    std::fs::create_dir_all(project.path("full")).unwrap();
    let can = unshared(&["true"]).output();
    if !can.is_ok_and(|output| output.status.success()) {
        return None;
    }
    let words: Vec<&str> = std::iter::once(crate::PROGRAM)
        .chain(line.split(' '))
        .collect();
    Some(project.start(unshared(&words), line).finish())
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_folder_of_temporary_files_is_named_and_no_backup_is_good() {
    let project = project(&[
        // So many pages that the proof is a file, and an index that is sorted outside of the memory.
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a)",
        "INSERT INTO t VALUES (0, zeroblob(34000000))",
        "UPDATE t SET a = 'small'",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) \
         INSERT INTO t SELECT i, printf('%0100d', i * 7919 % 100003) FROM n",
        "CREATE INDEX by_a ON t (a)",
    ]);
    let Some(ran) = with_little_room(&project, "backup") else {
        return;
    };
    assert_eq!(ran.code, Some(1), "{ran}");
    let folder = project.path("full").display().to_string();
    for words in ["disk is full", folder.as_str(), "TMPDIR"] {
        assert!(ran.stderr.contains(words), "{words}: {ran}");
    }
    let [file] = <[String; 1]>::try_from(packed(&project)).unwrap();
    assert_eq!(state(&project, &file), "unproven");
    let files = project.files();
    let left: Vec<_> = files.iter().filter(|it| it.contains("partial")).collect();
    assert!(left.is_empty(), "{left:?}");
    // A database file is copied before it is compared with another one.
    let ran = with_little_room(&project, "import local.db --database new.db --verify full");
    let ran = ran.unwrap();
    assert_eq!(ran.code, Some(1), "{ran}");
    for words in ["disk is full", folder.as_str(), "TMPDIR"] {
        assert!(ran.stderr.contains(words), "{words}: {ran}");
    }
    assert!(!project.path("new.db").exists());
    // With room for them it is good.
    good(&project, "backup");
}
