//! `--lock-timeout`: what the help of a wait proposes can be typed behind every command that waits.

use crate::locks::Lock;
use crate::project::Project;

#[test]
fn every_command_that_can_wait_takes_a_lock_timeout() {
    let project = Project::new()
        .migration("V1__t", "CREATE TABLE t (a INTEGER PRIMARY KEY);\n")
        .after("migrate")
        .after("backup");
    let all = project.run("export");
    project.write("all.sql", &all.stdout);
    for line in [
        "migrate",
        "migrate --dry-run",
        "status",
        "status --source V1",
        "seed",
        "seed export t",
        "import all.sql --dry-run",
        "verify all.sql",
        "undo --dry-run",
        "redo --dry-run",
        "renumber 1",
        "repair",
        "baseline 1",
        "doctor",
        "inspect",
        "explain SELECT",
        "export dump.sql",
        "backup",
        "restore none.sql.gz",
        "sync",
        "replica status",
        "replica reset",
        "replica copy file.db",
        "reset",
    ] {
        let ran = project.run(&format!("{line} --lock-timeout 60"));
        assert!(!ran.stderr.contains("unexpected argument"), "{ran}");
        let json = project.run(&format!("{line} --lock-timeout x"));
        assert_eq!(json.code, Some(2), "{json}");
        assert!(json.stderr.contains("write a number of seconds"), "{json}");
    }
}

#[test]
fn commands_that_look_wait_as_long_as_they_are_told_to() {
    let project = Project::new()
        .migration("V1__t", "CREATE TABLE t (a INTEGER PRIMARY KEY);\n")
        .after("migrate");
    let all = project.run("export");
    project.write("all.sql", &all.stdout);
    let lock = Lock::take(&project, Lock::ALONE);
    for line in [
        "status",
        "inspect",
        "verify all.sql",
        "export new.sql",
        "backup",
        "seed export t",
    ] {
        let ran = project.run(&format!("{line} --lock-timeout 0.2"));
        assert_eq!(ran.code, Some(6), "{ran}");
        assert!(ran.stderr.contains("--lock-timeout 60"), "{ran}");
    }
    lock.release();
}
