//! Runs that are stopped by a signal: Ctrl-C, or SIGTERM from a supervisor.

use std::time::{Duration, Instant};

use expect_test::{Expect, expect};

use crate::locks::Lock;
use crate::process::{Ran, Running};
use crate::project::Project;

/// The signals that are answered.
const SIGNALS: [&str; 2] = ["INT", "TERM"];

/// Within this time a run ends that was told to.
const PROMPTLY: Duration = Duration::from_secs(10);

/// A statement that takes far longer than any test waits. It writes 4 MB before that: more than the engine keeps in
/// memory, so the file grows while it runs.
const ENDLESS: &str = "WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 1000000000000)\n\
                       INSERT INTO a SELECT printf('%01000d', n) FROM up WHERE n <= 4000;\n";

/// Returns once the endless statement is under way.
fn until_it_runs(project: &Project) {
    let size = || std::fs::metadata(project.path("local.db")).map_or(0, |file| file.len());
    while size() < 1_000_000 {
        std::thread::yield_now();
    }
}

fn stopped(running: Running, signal: &str) -> Ran {
    let begun = Instant::now();
    running.signal(signal);
    let ran = running.finish();
    assert!(begun.elapsed() < PROMPTLY, "{:?}: {ran}", begun.elapsed());
    assert_eq!(ran.code, Some(130), "{ran}");
    ran
}

/// Both signals are answered the same.
fn by_each_signal(expect: Expect, run: impl Fn(&str) -> Ran) {
    let said = SIGNALS.map(|signal| run(signal).to_string());
    assert_eq!(said[0], said[1]);
    expect.assert_eq(&said[0]);
}

/// Stops a run of `line` whose third migration takes for ever.
fn endless(line: &str, state: &str, expect: Expect) {
    by_each_signal(expect, |signal| {
        let project = Project::new()
            .migration("V1__a", "CREATE TABLE a (x);\n")
            .migration("V2__b", "CREATE TABLE b (x);\n")
            .migration("V3__endless", ENDLESS);
        let running = project.spawn(line);
        until_it_runs(&project);
        let ran = stopped(running, signal);
        assert_eq!(project.state(), state);
        ran
    });
}

#[test]
fn a_statement_under_way_is_stopped_and_all_of_its_transaction_is_rolled_back() {
    endless(
        "migrate",
        "recorded: ; tables: ",
        expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[interrupted]: interrupted while V3 ran
        2>  --> migrations/V3__endless.sql:1:1
        2>   |
        2> 1 | WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 1000000000000)
        2>   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        2>   |
        2>   = note: rolled back: V1, V2 and V3
        2>   = help: run `seedbed migrate` again to go on
        2>
        2> nothing of this run is in the database; no version is applied
        exit 130
    "#]],
    );
}

#[test]
fn transactions_that_were_committed_before_stand() {
    endless(
        "migrate --tx each",
        "recorded: V1 V2; tables: a b",
        expect![[r#"
            $ seedbed migrate --tx each
            2> target: local local.db (default)
            2> this run takes 3 transactions; if one fails, those before it stay committed
            2> error[interrupted]: interrupted while V3 ran
            2>  --> migrations/V3__endless.sql:1:1
            2>   |
            2> 1 | WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 1000000000000)
            2>   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            2>   |
            2>   = note: rolled back: V3
            2>   = help: run `seedbed migrate` again to go on
            2>
            2> V1 and V2 were applied before by this run, and stand; the database is at V2
            exit 130
        "#]],
    );
}

fn many() -> Project {
    (1..=200).fold(Project::new(), |project, n| {
        let name = format!("V{n}__t{n}");
        project
            .migration(&name, format!("CREATE TABLE t{n} (x);\n"))
            .down(&name, format!("DROP TABLE t{n};\n"))
    })
}

/// How many of them there are: the lowest ones, whole, and it was told.
fn whole(project: &Project, ran: &Ran) -> usize {
    let answers = project.ask_of(
        "local.db",
        [
            "SELECT count(*), max(version), min(state), max(state) FROM _migrations WHERE kind = 'migration'",
            "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name LIKE 't%'",
        ],
    );
    let count: usize = answers[1].parse().unwrap();
    assert_eq!(answers[0], format!("{count}|{count}|applied|applied"));
    let told = format!("the database is at V{count}");
    assert!(ran.stderr.trim_end().ends_with(&told), "{count}: {ran}");
    count
}

#[test]
fn a_run_of_many_transactions_stops_after_a_whole_one() {
    for signal in SIGNALS {
        let project = many();
        let mut running = project.spawn("migrate --verbose --tx each");
        running.wait_for("committed, up to V5");
        let ran = stopped(running, signal);
        assert!((5..200).contains(&whole(&project, &ran)), "{ran}");
        let ran = project.run("migrate");
        assert_eq!(ran.code, Some(0), "{ran}");
    }
}

#[test]
fn an_undo_of_many_transactions_stops_after_a_whole_one() {
    for signal in SIGNALS {
        let project = many().after("migrate");
        let mut running = project.spawn("undo --to 0 --verbose --tx each");
        running.wait_for("committed, up to V195");
        let ran = stopped(running, signal);
        assert!((1..195).contains(&whole(&project, &ran)), "{ran}");
        let ran = project.run("undo --to 0");
        assert_eq!(ran.code, Some(0), "{ran}");
    }
}

#[test]
fn a_statement_outside_of_a_transaction_is_stopped_and_what_it_left_is_told() {
    let project = || {
        Project::new()
            .migration("V1__a", "CREATE TABLE a (x);\n")
            .migration(
                "V2__bare",
                format!("-- seedbed: no-transaction\nCREATE TABLE half (x);\n{ENDLESS}"),
            )
    };
    by_each_signal(
        expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> this run takes 1 transaction, and 1 outside of any; V2 runs outside of a transaction; if one fails, those before it stay committed
            2> error[interrupted]: interrupted while V2 ran
            2>  --> migrations/V2__bare.sql:3:1
            2>   |
            2> 3 | WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 1000000000000)
            2>   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            2>   |
            2>   = note: this is statement 2 of 2
            2>   = note: V2 runs outside of a transaction: statement 1 of 2 has happened, and it is recorded as started
            2>   = help: resolve it: do the rest by hand and `seedbed repair 2 --applied`; or undo what has happened and `seedbed repair 2 --retry`, and `seedbed migrate` runs all of it again
            2>
            2> V1 was applied before by this run, and stands; the database is at V1
            exit 130
        "#]],
        |signal| {
            let project = project();
            let running = project.spawn("migrate");
            until_it_runs(&project);
            let ran = stopped(running, signal);
            assert_eq!(project.state(), "recorded: V1 V2:started; tables: a half");
            ran
        },
    );
}

#[test]
fn waiting_for_a_lock_to_write_is_stopped() {
    locked(
        Lock::TO_WRITE,
        |running| running.wait_for("waiting: another connection holds the lock"),
        expect![[r#"
            $ seedbed migrate --lock-timeout 50
            2> target: local local.db (default)
            2> waiting: another connection holds the lock of this database
            2> error[interrupted]: interrupted
            2>   |
            2>   = help: run the command again to go on
            2>
            2> nothing was changed; the database is at V1
            exit 130
        "#]],
    );
}

/// Nothing is printed while the program waits to read, so the test waits for the open file.
#[cfg(target_os = "linux")]
#[test]
fn waiting_for_a_lock_to_read_is_stopped() {
    locked(
        Lock::ALONE,
        |running| {
            running.wait_for("target:");
            let descriptors = format!("/proc/{}/fd", running.id());
            let is_open = || {
                let Ok(open) = std::fs::read_dir(&descriptors) else {
                    panic!("it ended");
                };
                open.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
                    .any(|path| path.ends_with("local.db"))
            };
            while !is_open() {
                std::thread::yield_now();
            }
        },
        expect![[r#"
            $ seedbed migrate --lock-timeout 50
            2> target: local local.db (default)
            2> error[interrupted]: cannot read the database: interrupted
            exit 130
        "#]],
    );
}

/// Stops a run that waits for a lock which this process holds.
fn locked(lock: &[&str], until_it_waits: impl Fn(&mut Running), expect: Expect) {
    by_each_signal(expect, |signal| {
        let project = Project::new()
            .migration("V1__a", "CREATE TABLE a (x);\n")
            .after("migrate")
            .migration("V2__b", "CREATE TABLE b (x);\n");
        let lock = Lock::take(&project, lock);
        let mut running = project.spawn("migrate --lock-timeout 50");
        until_it_waits(&mut running);
        let ran = stopped(running, signal);
        lock.release();
        assert_eq!(project.state(), "recorded: V1; tables: a");
        ran
    });
}

#[test]
fn waiting_for_somebody_elses_migration_without_a_transaction_is_stopped() {
    by_each_signal(
        expect![[r#"
        $ seedbed migrate --lock-timeout 50
        2> target: local local.db (default)
        2> V2 is recorded as started: waiting up to [ms] for its run to finish
        2> error[interrupted]: interrupted
        2>   |
        2>   = help: run the command again to go on
        2>
        2> nothing was changed; the database is at V1
        exit 130
    "#]],
        |signal| {
            let project = Project::new()
                .migration("V1__a", "CREATE TABLE a (x);\n")
                // It takes no lock, so that others see that it was started.
                .migration(
                    "V2__bare",
                    "-- seedbed: no-transaction\n\
                     WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up)\n\
                     SELECT count(*) FROM up;\n",
                )
                .migration("V3__c", "CREATE TABLE c (x);\n");
            let mut other = project.spawn("migrate --verbose");
            other.wait_for("committed, up to V1");
            while !project.state().contains("V2:started") {
                std::thread::yield_now();
            }
            let mut running = project.spawn("migrate --lock-timeout 50");
            running.wait_for("V2 is recorded as started");
            let ran = stopped(running, signal);
            // The other one was not disturbed.
            assert_eq!(project.state(), "recorded: V1 V2:started; tables: a");
            stopped(other, signal);
            ran
        },
    );
}
