//! Backups that are killed at any moment: nothing wrong has a good name, and the next one is not in the way.

use std::time::{Duration, Instant, SystemTime};

use super::{good, packed, project, state};
use crate::import::kill::Kills;

fn killed_at_any_moment(statements: &[&str]) {
    let project = project(statements);
    let whole = project.bytes("local.db");
    let begun = Instant::now();
    good(&project, "backup");
    let mut kills = Kills::of(begun.elapsed());
    while kills.round().is_some() {
        let before = packed(&project);
        let ran = kills.kill(&project, "backup", 0.0);
        // It may have come to its name, and not to its checksum.
        for file in packed(&project).iter().filter(|it| !before.contains(it)) {
            let state = state(&project, file);
            assert!(["good", "no checksum"].contains(&state.as_str()), "{state}");
            assert!(state == "good" || ran.code != Some(0), "{ran}");
        }
        good(&project, "backup");
        assert!(
            project.bytes("local.db") == whole,
            "the database was changed"
        );
    }
    kills.end();
    // What is of no run any more goes with the next one, once it is a minute old.
    let long_ago = SystemTime::now() - Duration::from_secs(3600);
    let left = |file: &String| file.contains(".partial");
    for file in project.files().iter().filter(|file| left(file)) {
        let file = std::fs::File::options()
            .write(true)
            .open(project.path(file))
            .unwrap();
        file.set_modified(long_ago).unwrap();
    }
    let last = good(&project, "backup");
    assert!(!project.files().iter().any(left), "{:?}", project.files());
    let ran = project.run(&format!("restore {last} --database new.db"));
    assert_eq!(ran.code, Some(0), "{ran}");
}

const TABLE: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b)";
const ROWS: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) \
     INSERT INTO t SELECT i, 'row ' || i, randomblob(20) FROM n";

#[test]
fn rebuilt_in_memory() {
    killed_at_any_moment(&[TABLE, ROWS, "CREATE INDEX i ON t (a)"]);
}

#[test]
fn rebuilt_in_a_file() {
    killed_at_any_moment(&[
        TABLE,
        "INSERT INTO t VALUES (0, zeroblob(34000000), 0)",
        "DELETE FROM t",
        ROWS,
        "CREATE INDEX i ON t (a)",
    ]);
}
