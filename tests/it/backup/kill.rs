//! Backups that are killed at any moment: nothing wrong has a good name, and the next one is not in the way.

use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant, SystemTime};

use super::{good, packed, project, state};

/// How many runs are killed; more where this variable says so.
const ROUNDS: usize = 6;
/// How many are tried at the most until one is killed in time.
const MOST_ROUNDS: usize = 60;
const VARIABLE: &str = "SEEDBED_TEST_KILLS";

fn killed_at_any_moment(statements: &[&str]) {
    let wanted = std::env::var(VARIABLE).ok();
    let rounds = wanted.and_then(|text| text.parse().ok()).unwrap_or(ROUNDS);
    let project = project(statements);
    let whole = project.bytes("local.db");
    let begun = Instant::now();
    good(&project, "backup");
    let mut whole_run = begun.elapsed();
    let mut random = SystemTime::UNIX_EPOCH.elapsed().unwrap().subsec_nanos();
    println!("seed {random}, an undisturbed run takes {whole_run:?}");
    let (mut killed, mut round) = (0_usize, 0);
    while round < rounds || (killed == 0 && round < MOST_ROUNDS) {
        round += 1;
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let part = f64::from(random) / f64::from(u32::MAX);
        let before = packed(&project);
        let mut running = project.spawn("backup");
        std::thread::sleep(whole_run.mul_f64(part).max(Duration::from_millis(5)));
        running.kill();
        let ran = running.finish();
        match ran.status.and_then(|status| status.signal()) {
            Some(_) => killed += 1,
            None => whole_run = whole_run.mul_f64(0.8),
        }
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
    println!("{killed} of {round} were killed");
    assert!(killed > 0, "no run was killed in time");
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
