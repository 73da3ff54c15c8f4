//! What a source has that the target cannot have, what the target has of its own, and sources that are locked.

use std::time::{Duration, Instant};

use super::{local, migrated};
use crate::export::bare;
use crate::locks::Lock;
use crate::process::Ran;
use crate::project::{Project, waiting};

fn says(ran: &Ran, words: &str) {
    assert!(ran.to_string().contains(words), "{words}: {ran}");
}

/// A table with a row, and this change of the schema that the engine here does not take.
fn beyond(change: &str) -> Project {
    let project = Project::bare();
    project.change(&[
        "CREATE TABLE t (a)",
        "INSERT INTO t VALUES (1)",
        "CREATE INDEX i ON t (a)",
        "PRAGMA writable_schema = ON",
        change,
        "PRAGMA writable_schema = RESET",
    ]);
    project
}

#[test]
fn a_lock_on_the_source_is_waited_for_no_longer_than_told() {
    let project = migrated();
    project.run("copy local.db other.db");
    let lock = Lock::take(&project, Lock::ALONE);
    for line in [
        "copy local.db new.db",
        "copy local.db new.db --dry-run",
        "import local.db --database new.db",
        "import local.db --database new.db --dry-run",
        "import local.db --database new.db --verify full",
        "verify local.db --database other.db",
    ] {
        let begun = Instant::now();
        let ran = project.run(&format!("{line} --lock-timeout 0.2"));
        assert_eq!(ran.code, Some(6), "{ran}");
        says(&ran, "error[lock-timeout]");
        says(&ran, "--lock-timeout 60");
        // Ten seconds are the default.
        assert!(begun.elapsed() < Duration::from_secs(8), "{ran}");
    }
    lock.release();
    assert!(!project.path("new.db").exists());
    assert_eq!(project.run("copy local.db new.db").code, Some(0));
}

#[test]
fn a_module_that_is_not_here_is_named_by_a_dry_run_and_by_the_copy() {
    let project = beyond(
        "INSERT INTO sqlite_schema VALUES ('table', 'vt', 'vt', 0, 'CREATE VIRTUAL TABLE vt USING vec0(e float[3])')",
    );
    project.run("export dump.sql");
    let warning =
        "warning: the virtual table vt needs the module vec0, which this engine does not have";
    for line in [
        "copy local.db new.db --dry-run",
        "copy local.db new.db",
        "import local.db --database two.db --dry-run",
        "import local.db --database two.db",
        "import dump.sql --database three.db --dry-run",
        "import dump.sql --database three.db",
    ] {
        let ran = project.run(line);
        assert_eq!(ran.code, Some(0), "{ran}");
        assert_eq!(ran.stderr.matches(warning).count(), 1, "{ran}");
    }
    let ran = project.run("backup");
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(ran.stderr.matches(warning).count(), 1, "{ran}");
    let ran = project.run("backup --format json");
    says(&ran, "\"lacking_modules\": [\n    \"vec0\"\n  ]");
}

#[test]
fn what_a_dump_needs_of_an_application_is_named_with_its_object_and_before_the_first_row() {
    let row = "INSERT INTO t VALUES('a row of some length');\n";
    let text = format!(
        "BEGIN;\nCREATE TABLE t(a);\n{}CREATE INDEX i ON t (a COLLATE nat);\nCREATE INDEX j ON t (odd(a));\nCOMMIT;\n",
        row.repeat(400)
    );
    let project = Project::bare().file("old.sql", &text);
    project.change(&["CREATE TABLE other (x)"]);
    for (line, both) in [
        ("import old.sql --database new.db --dry-run", true),
        ("import old.sql --dry-run", true),
        ("import old.sql --transaction-bytes 2000", true),
        ("import old.sql", true),
        ("copy old.sql new.db", true),
        ("copy old.sql new.db --dry-run", true),
        // A new file is not kept, so it needs no second reading.
        ("import old.sql --database new.db", false),
    ] {
        let ran = project.run(line);
        assert_eq!(ran.code, Some(1), "{ran}");
        says(&ran, "error[lacking]: the index i ");
        says(&ran, "cannot be created: no such collation sequence: nat");
        says(&ran, "the collation nat belongs to an application");
        let names_both = ran.to_string().contains("error[lacking]: the index j ");
        assert_eq!(names_both, both, "{ran}");
        assert!(!project.path("new.db").exists());
    }
}

#[test]
fn an_object_that_needs_an_application_is_named_before_the_first_row() {
    let project = beyond(
        "UPDATE sqlite_schema SET sql = 'CREATE INDEX i ON t (a COLLATE nat)' WHERE name = 'i'",
    );
    waiting().block_on(bare(
        &local(project.path("empty.db")),
        &["CREATE TABLE t (a)", "DROP TABLE t"],
    ));
    for line in [
        "copy local.db new.db --dry-run",
        "copy local.db new.db",
        "copy local.db empty.db",
    ] {
        let ran = project.run(line);
        assert_eq!(ran.code, Some(1), "{ran}");
        says(
            &ran,
            "error[lacking]: the index i of local.db cannot be created: no such collation sequence: nat",
        );
        says(&ran, "belongs to an application");
        says(&ran, "nothing was copied");
    }
    assert!(!project.path("new.db").exists());
}

#[test]
fn a_copy_and_a_restored_backup_have_the_numbers_of_their_source() {
    let project = migrated();
    project.run("backup");
    let backup = project
        .files()
        .into_iter()
        .find(|it| it.ends_with(".sql.gz"))
        .unwrap();
    for (name, line) in [
        ("one.db", "copy local.db one.db".to_owned()),
        ("two.db", format!("restore {backup} --database two.db")),
    ] {
        waiting().block_on(bare(
            &local(project.path(name)),
            &["PRAGMA user_version = 3", "PRAGMA application_id = 5"],
        ));
        let ran = project.run(&line);
        assert_eq!(ran.code, Some(0), "{ran}");
        let numbers = ["PRAGMA user_version", "PRAGMA application_id"];
        assert_eq!(project.ask_of(name, numbers), ["0", "0"], "{ran}");
    }
    let one = local(project.path("one.db"));
    waiting().block_on(bare(&one, &["PRAGMA user_version = 7"]));
    let ran = project.run("copy local.db one.db");
    assert_eq!(ran.code, Some(1), "{ran}");
    says(
        &ran,
        "PRAGMA user_version is 7 in one.db, and 0 in local.db",
    );
}

#[test]
fn a_mathematical_function_belongs_to_no_application() {
    let project = Project::bare().file(
        "old.sql",
        "CREATE TABLE shop(lat REAL, cell INTEGER AS (floor(lat * 10)));\nINSERT INTO shop VALUES(48.4);\n",
    );
    for line in ["import old.sql", "copy old.sql new.db"] {
        let ran = project.run(line);
        assert_eq!(ran.code, Some(1), "{ran}");
        says(
            &ran,
            "this engine lacks the function floor, and the shell of SQLite has it",
        );
        assert!(
            !ran.to_string().contains("belongs to an application"),
            "{ran}"
        );
    }
}

#[test]
fn a_full_text_index_that_cannot_be_checked_is_no_damage() {
    for (made, gone) in [
        (
            "CREATE VIRTUAL TABLE f USING fts4(a, compress=zip, uncompress=unzip)",
            "CREATE TABLE other (x)",
        ),
        (
            "CREATE VIRTUAL TABLE f USING fts4(a, content='p')",
            "DROP TABLE p",
        ),
    ] {
        let project = Project::bare();
        project.change(&["CREATE TABLE p (a)", made, gone]);
        for line in ["backup", "copy local.db new.db", "doctor"] {
            let ran = project.run(line);
            assert!(!ran.to_string().contains("database is damaged"), "{ran}");
            assert!(!ran.to_string().contains("local.db is damaged"), "{ran}");
        }
        assert_eq!(project.run("verify new.db").code, Some(0));
    }
}

#[test]
fn an_empty_file_with_the_name_of_a_database_is_an_empty_database() {
    let project = Project::bare().file("zero.db", "").file("zero.sql", "");
    for line in [
        "copy zero.db one.db",
        "import zero.db --database two.db",
        "verify zero.db --database one.db",
        "backup --database zero.db",
        "export zero.dump --database zero.db",
    ] {
        let ran = project.run(line);
        assert_eq!(ran.code, Some(0), "{ran}");
    }
    // A dump is never empty.
    let ran = project.run("copy zero.sql three.db");
    says(&ran, "zero.sql is empty");
}

#[test]
fn a_database_that_cannot_be_read_is_damaged_and_no_fault_of_the_flags() {
    let project = Project::bare();
    project.change(&["CREATE TABLE t (a)", "INSERT INTO t VALUES (1)"]);
    let path = project.path("local.db");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[100..200].fill(0xff);
    std::fs::write(&path, bytes).unwrap();
    for line in ["copy local.db new.db", "import local.db --database new.db"] {
        let ran = project.run(line);
        assert_eq!(ran.code, Some(1), "{ran}");
        says(&ran, "malformed");
        says(&ran, "= help: ");
    }
}
