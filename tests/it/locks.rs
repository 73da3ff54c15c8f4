//! Runs that meet locks of other connections.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use expect_test::expect;
use seedbed::db::{Db, OnWait, Options, Progress, Query, Transaction};
use seedbed::script::{Atomicity, ForeignKeys, Step};

use crate::project::{Project, waiting};

/// A connection of this process that holds a lock of `local.db`.
pub(crate) struct Lock {
    runtime: tokio::runtime::Runtime,
    connection: libsql::Connection,
}

impl Lock {
    /// What a writer has while others may still read.
    pub(crate) const TO_WRITE: &[&str] = &["BEGIN IMMEDIATE"];
    /// The lock that keeps every other connection out.
    pub(crate) const ALONE: &[&str] = &["BEGIN EXCLUSIVE"];
    /// What a reader has: writers can begin, and not end.
    pub(crate) const TO_READ: &[&str] = &["BEGIN", "SELECT count(*) FROM sqlite_schema"];

    pub(crate) fn take(project: &Project, statements: &[&str]) -> Lock {
        let runtime = waiting();
        let connection = runtime.block_on(project.connection(statements));
        Lock {
            runtime,
            connection,
        }
    }

    pub(crate) fn release(self) {
        let rollback = self.connection.execute("ROLLBACK", ());
        self.runtime.block_on(rollback).unwrap();
    }
}

fn project() -> Project {
    Project::new()
        .migration("V1__a", "CREATE TABLE a (x);\n")
        .after("migrate")
}

#[test]
fn a_lock_that_goes_in_time_is_waited_for() {
    let project = project().migration("V2__b", "CREATE TABLE b (x);\n");
    let lock = Lock::take(&project, Lock::TO_WRITE);
    let mut running = project.spawn("migrate");
    running.wait_for("waiting: another connection holds the lock");
    lock.release();
    running.finish().check(expect![[r#"
        $ seedbed migrate
        applied V2 b (1 statement, [ms])
        the database is at V2
        2> target: local local.db (default)
        2> waiting: another connection holds the lock of this database
    "#]]);
    assert_eq!(project.state(), "recorded: V1 V2; tables: a b");
}

#[test]
fn a_reader_is_waited_for_at_the_end_of_a_run_that_took_longer_than_the_lock_timeout() {
    let long = "WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 4000000)\n\
                INSERT INTO a SELECT n FROM up WHERE n < 0;\n";
    let project = project().migration("V2__long", long);
    let lock = Lock::take(&project, Lock::TO_READ);
    let mut running = project.spawn("migrate --verbose --lock-timeout 0.3");
    running.wait_for("ran V2");
    running.wait_for("waiting: another connection holds the lock");
    lock.release();
    let ran = running.finish();
    assert_eq!(ran.code, Some(0), "{ran}");
    // It was longer.
    let took = project.ask("SELECT duration_ms FROM _migrations WHERE version = 2");
    assert!(took.parse::<u64>().unwrap() > 300, "{took} ms");
}

#[test]
fn a_statement_outside_of_a_transaction_waits_for_its_lock() {
    let project = project().migration(
        "V2__bare",
        "-- seedbed: no-transaction\n\
         WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 6000000)\n\
         SELECT count(*) FROM up;\n\
         INSERT INTO a VALUES (1);\nVACUUM;\n",
    );
    let mut running = project.spawn("migrate --verbose");
    while !project.state().contains("V2:started") {
        std::thread::yield_now();
    }
    let lock = Lock::take(&project, Lock::TO_READ);
    running.wait_for("waiting: another connection holds the lock");
    // Longer than the engine itself waits.
    std::thread::sleep(Duration::from_millis(300));
    lock.release();
    let ran = running.finish();
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(project.state(), "recorded: V1 V2; tables: a");
    assert_eq!(project.ask("SELECT x FROM a"), "1");
}

#[test]
fn a_statement_outside_of_a_transaction_that_waited_in_vain_says_what_stands() {
    let project = project().migration(
        "V2__bare",
        "-- seedbed: no-transaction\nCREATE TABLE half (x);\n\
         WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 6000000)\n\
         SELECT count(*) FROM up;\n\
         INSERT INTO a VALUES (1);\n",
    );
    let running = project.spawn("migrate --lock-timeout 0.3");
    while !project.state().ends_with("tables: a half") {
        std::thread::yield_now();
    }
    let lock = Lock::take(&project, Lock::TO_READ);
    running.finish().check(expect![[r#"
        $ seedbed migrate --lock-timeout 0.3
        2> target: local local.db (default)
        2> waiting: another connection holds the lock of this database
        2> error[lock-timeout]: V2 failed: database is locked
        2>  --> migrations/V2__bare.sql:5:1
        2>   |
        2> 5 | INSERT INTO a VALUES (1);
        2>   | ^^^^^^^^^^^^^^^^^^^^^^^^
        2>   |
        2>   = note: this is statement 3 of 3
        2>   = note: V2 runs outside of a transaction: statements 1 and 2 of 3 have happened, and it is recorded as started
        2>   = help: wait until the other program is done with the database
        2>   = help: then resolve it: do the rest by hand and `seedbed repair 2 --applied`; or undo what has happened and `seedbed repair 2 --retry`, and `seedbed migrate` runs all of it again
        2>
        2> the database is at V1
        exit 6
    "#]]);
    lock.release();
    assert_eq!(project.state(), "recorded: V1 V2:started; tables: a half");
}

#[test]
fn a_lock_that_stays_is_waited_for_no_longer_than_told() {
    let project = project().migration("V2__b", "CREATE TABLE b (x);\n");
    let before = project.bytes("local.db");
    let writes = Lock::take(&project, Lock::TO_WRITE);
    project
        .run("migrate --lock-timeout 0.3")
        .check(expect![[r#"
            $ seedbed migrate --lock-timeout 0.3
            2> target: local local.db (default)
            2> waiting: another connection holds the lock of this database
            2> error[lock-timeout]: another connection held the lock of this database for [ms]
            2>   |
            2>   = help: run it again once the other connection has finished, or wait longer with `--lock-timeout 60`
            2>
            2> nothing was changed
            exit 6
        "#]]);
    project
        .run("migrate --lock-timeout 0 --format json")
        .check(expect![[r#"
            $ seedbed migrate --lock-timeout 0 --format json
            {
              "schema_version": 1,
              "command": "migrate",
              "mode": "local",
              "database": "local.db",
              "outcome": "timeout",
              "exit_code": 6,
              "items": [],
              "problems": [
                {
                  "code": "lock-timeout",
                  "severity": "error",
                  "file": null,
                  "line": null,
                  "column": null,
                  "message": "another connection held the lock of this database for [ms]",
                  "notes": [],
                  "help": "run it again once the other connection has finished, or wait longer with `--lock-timeout 60`"
                }
              ],
              "summary": "nothing was changed"
            }
            2> target: local local.db (default)
            exit 6
        "#]]);
    writes.release();
    let reads = Lock::take(&project, Lock::TO_READ);
    project
        .run("migrate --lock-timeout 0.3")
        .check(expect![[r#"
            $ seedbed migrate --lock-timeout 0.3
            2> target: local local.db (default)
            2> waiting: another connection holds the lock of this database
            2> error[lock-timeout]: another connection held the lock of this database for [ms]
            2>   |
            2>   = help: run it again once the other connection has finished, or wait longer with `--lock-timeout 60`
            2>
            2> nothing was changed
            exit 6
        "#]]);
    reads.release();
    let all = Lock::take(&project, Lock::ALONE);
    project
        .run("migrate --lock-timeout 0.3")
        .check(expect![[r#"
            $ seedbed migrate --lock-timeout 0.3
            2> target: local local.db (default)
            2> error[lock-timeout]: cannot read the database: database is locked
            2>   |
            2>   = help: run it again once the other connection has finished, or wait longer with `--lock-timeout 60`
            exit 6
        "#]]);
    project
        .run("migrate --dry-run --lock-timeout 0.3")
        .check(expect![[r#"
            $ seedbed migrate --dry-run --lock-timeout 0.3
            2> target: local local.db (default)
            2> error[lock-timeout]: cannot read the database: database is locked
            2>   |
            2>   = help: run it again once the other connection has finished, or wait longer with `--lock-timeout 60`
            exit 6
        "#]]);
    project.run("undo --lock-timeout 0.3").check(expect![[r#"
        $ seedbed undo --lock-timeout 0.3
        2> target: local local.db (default)
        2> error[lock-timeout]: cannot read the database: database is locked
        2>   |
        2>   = help: run it again once the other connection has finished, or wait longer with `--lock-timeout 60`
        exit 6
    "#]]);
    all.release();
    assert_eq!(project.bytes("local.db"), before);
}

#[test]
fn a_look_needs_no_lock_of_a_writer() {
    let project = project();
    let lock = Lock::take(&project, Lock::TO_WRITE);
    let ran = project.run("status");
    assert_eq!(ran.code, Some(0), "{ran}");
    lock.release();
}

/// Another run that is alive is waited for whatever the lock timeout is, also by a look that it keeps out.
#[tokio::test(flavor = "multi_thread")]
async fn another_run_is_waited_for_longer_than_the_lock_timeout() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let transaction = |sql: &[&str]| Transaction {
        foreign_keys: ForeignKeys::On,
        atomicity: Atomicity::Transaction,
        steps: sql.iter().map(|sql| Step::own(*sql, vec![])).collect(),
    };
    // More than the engine keeps in memory: it writes into the file, where readers would see it.
    let fill = "INSERT INTO a VALUES (zeroblob(20000000))";
    let first = transaction(&["CREATE TABLE a (x)", fill]);
    let options = Options::default().run_by(Some("rob@here".to_owned()));
    let db = Db::local(&path, options).unwrap();
    let (filled, is_filled) = std::sync::mpsc::channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = Mutex::new(released);
    let on_progress = move |progress| {
        if matches!(progress, Progress::Step { step: 1, .. }) {
            filled.send(()).unwrap();
            let _ = released.lock().unwrap().recv();
        }
    };
    let running = tokio::spawn(async move { db.run(vec![first], Arc::new(on_progress)).await });
    tokio::task::spawn_blocking(move || is_filled.recv().unwrap())
        .await
        .unwrap();
    let lock_timeout = Duration::from_millis(250);
    let waits = Arc::new(Mutex::new(Vec::new()));
    let reported = waits.clone();
    let waiting = Options::default()
        .lock_timeout(lock_timeout)
        .on_wait(OnWait::new(move |other| {
            reported.lock().unwrap().push(other.clone());
            // Both wait: the one that writes and the one that reads.
            if reported.lock().unwrap().len() == 2 {
                let release = release.clone();
                std::thread::spawn(move || {
                    std::thread::sleep(lock_timeout * 10);
                    release.send(()).unwrap();
                });
            }
        }));
    let db = Db::local(&path, waiting).unwrap();
    let insert = transaction(&["INSERT INTO a VALUES (2)"]);
    let (written, read) = tokio::join!(
        db.run(vec![insert], Arc::new(|_| {})),
        db.query(vec![Query::new("SELECT count(*) FROM a")])
    );
    running.await.unwrap().unwrap();
    written.unwrap();
    read.unwrap().remove(0).unwrap();
    let waits = waits.lock().unwrap();
    assert_eq!(waits.len(), 2);
    assert!(waits.iter().all(|other| other.pid == std::process::id()));
}

#[test]
fn a_file_that_attaches_its_own_database_waits_for_no_other_connection() {
    let project = crate::project::Project::new()
        .migration("V1__t", "CREATE TABLE t (a TEXT);\n")
        .after("migrate")
        .migration(
            "V2__me",
            "UPDATE t SET a = 'q';\nATTACH 'local.db' AS me;\nCREATE TABLE n AS SELECT * FROM me.t;\n",
        );
    project.run("migrate").check(expect_test::expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[statement-failed]: V2 failed: the same file is attached twice, so the transaction waits for itself at COMMIT: the file of this database is `main`, and needs no ATTACH
        2>  --> migrations/V2__me.sql:2:1
        2>   |
        2> 2 | ATTACH 'local.db' AS me;
        2>   | ^^^^^^^^^^^^^^^^^^^^^^^
        2>   |
        2>   = note: this is statement 2 of 3
        2>   = note: rolled back: V2
        2>   = help: fix migrations/V2__me.sql:2, then run `seedbed migrate` again
        2>
        2> nothing of this run is in the database; the database is at V1
        exit 1
    "#]]);
    assert_eq!(project.state(), "recorded: V1; tables: t");
}

#[test]
fn a_database_that_is_in_use_is_detached_by_the_end_of_its_file() {
    let project = crate::project::Project::new().migration(
        "V1__o",
        "ATTACH 'other.db' AS o;\nCREATE TABLE o.x (a);\nDETACH o;\n",
    );
    project.run("migrate").check(expect_test::expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[statement-failed]: V1 failed: database o is locked
        2>  --> migrations/V1__o.sql:3:1
        2>   |
        2> 3 | DETACH o;
        2>   | ^^^^^^^^
        2>   |
        2>   = note: this is statement 3 of 3
        2>   = note: rolled back: V1
        2>   = help: fix migrations/V1__o.sql:3, then run `seedbed migrate` again
        2>   = help: an attached database is detached at the end of its file: leave DETACH out
        2>
        2> nothing of this run is in the database; no version is applied
        exit 1
    "#]]);
}
