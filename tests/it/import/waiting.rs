//! Imports that others are in the way of: a lock, another run, a server that is busy, whose answers are lost, or whose
//! reads lag behind its writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use expect_test::expect;
use seedbed::db::{Db, Options};
use seedbed::dump::import::{ImportEvent, ImportOptions, Input, Stands, Why, import};
use seedbed::dump::{Checked, Marked, restore};
use seedbed::script::Run;
use seedbed_test_server::{Fault, Server};

use super::specification::{MANY, many};
use super::{Dump, dump, told, words};
use crate::locks::Lock;
use crate::project::Project;
use crate::server::ours;
use crate::world::World;

const SMALL: &str = "CREATE TABLE t (x);\nINSERT INTO t VALUES(1);\n";

fn project() -> Project {
    Project::new()
        .migration("V1__a", "CREATE TABLE a (x);\n")
        .file("small.sql", dump(SMALL))
        .file("large.sql", dump(&many(MANY)))
        .after("migrate")
}

#[test]
fn a_lock_that_stays_is_waited_for_no_longer_than_told() {
    let project = project();
    let lock = Lock::take(&project, Lock::TO_WRITE);
    project
        .run("import small.sql --lock-timeout 0.3")
        .check(expect![[r#"
            $ seedbed import small.sql --lock-timeout 0.3
            2> target: local local.db (default)
            2> error[lock-timeout]: another connection held the lock of this database for [ms]
            2>   |
            2>   = help: run it again once the other connection has finished, or wait longer with `--lock-timeout 60`
            2>
            2> nothing of the dump is in the database
            exit 6
        "#]]);
    project
        .run("import large.sql --transaction-bytes 24000 --lock-timeout 0.3")
        .check(expect![[r#"
            $ seedbed import large.sql --transaction-bytes 24000 --lock-timeout 0.3
            2> target: local local.db (default)
            2> error[lock-timeout]: another connection held the lock of this database for [ms]
            2>   |
            2>   = help: run it again once the other connection has finished, or wait longer with `--lock-timeout 60`
            2>
            2> nothing of the dump is in the database
            exit 6
        "#]]);
    lock.release();
    assert_eq!(project.state(), "recorded: V1; tables: a");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_is_taken_between_two_chunks_leaves_what_was_written() {
    let world = World::local().await;
    world
        .apply(&[("V1__a.sql", "CREATE TABLE a (x);")])
        .await
        .unwrap();
    let dump = Dump::new(dump(&many(MANY)));
    let input = Input::File(dump.path());
    let options = ImportOptions::default().transaction_bytes(24 * 1024);
    // The import goes on behind its first chunk once the lock is taken.
    let (written, mut first) = tokio::sync::mpsc::unbounded_channel();
    let (locked, go_on) = std::sync::mpsc::channel::<()>();
    let go_on = std::sync::Mutex::new(Some(go_on));
    let on_event = Arc::new(move |event| {
        if let ImportEvent::Written { .. } = event
            && let Some(go_on) = go_on.lock().unwrap().take()
        {
            written.send(()).unwrap();
            go_on.recv().unwrap();
        }
    });
    let db = world.db.clone();
    let importing =
        tokio::spawn(
            async move { import(&db, &input, &options, &Run::new("test"), on_event).await },
        );
    first.recv().await.unwrap();
    let other = connection(&world).await;
    other.execute("BEGIN IMMEDIATE", ()).await.unwrap();
    locked.send(()).unwrap();
    let error = importing.await.unwrap().unwrap_err();
    assert!(matches!(error.why, Why::Waited { .. }), "{}", words(&error));
    let Stands::UpTo { line, rows, .. } = error.stands else {
        panic!("{}", words(&error));
    };
    other.execute("ROLLBACK", ()).await.unwrap();
    assert_eq!(world.ask("SELECT count(*) FROM t").await, rows.to_string());
    assert_eq!(
        told(dump.import(&world.db).await),
        format!("t {MANY}; on from line {line}")
    );
}

/// Another connection to a local file.
async fn connection(world: &World) -> libsql::Connection {
    let path = world.db.path().unwrap();
    let database = libsql::Builder::new_local(path).build().await.unwrap();
    database.connect().unwrap()
}

/// Imports into a local file while another connection, which had the lock before, changes it.
async fn overtaken(world: &World, text: &str, changes: &[&str]) -> String {
    let other = connection(world).await;
    other.execute("BEGIN IMMEDIATE", ()).await.unwrap();
    let dump = Dump::new(text);
    let input = Input::File(dump.path());
    let (sender, mut waits) = tokio::sync::mpsc::unbounded_channel();
    let on_event = Arc::new(move |event| {
        if event == ImportEvent::Waiting {
            let _ = sender.send(());
        }
    });
    let db = world.db.clone().with_lock_timeout(Duration::from_secs(60));
    let importing = tokio::spawn(async move {
        let options = ImportOptions::default();
        import(&db, &input, &options, &Run::new("test"), on_event).await
    });
    waits.recv().await.unwrap();
    for change in changes {
        other.execute(change, ()).await.unwrap();
    }
    other.execute("COMMIT", ()).await.unwrap();
    told(importing.await.unwrap())
}

/// As a migration changes the history.
const MOVE: &str =
    "UPDATE _migrations SET detail = detail + 1 WHERE kind = 'meta' AND version = 'revision'";

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_a_migration_overtakes_decides_again() {
    let world = World::local().await;
    world
        .apply(&[("V1__a.sql", "CREATE TABLE a (x);")])
        .await
        .unwrap();
    let other_table = ["CREATE TABLE b (x)", MOVE];
    assert_eq!(overtaken(&world, &dump(SMALL), &other_table).await, "t 1");
    // The dump is in the way of what the migration has made.
    let text = dump("CREATE TABLE u (x);\nINSERT INTO u VALUES(1);\n");
    let same_table = ["CREATE TABLE u (x)", "INSERT INTO u VALUES (7)", MOVE];
    assert_eq!(
        overtaken(&world, &text, &same_table).await,
        "table u exists already and has 1 row"
    );
    assert_eq!(world.ask("SELECT x FROM u").await, "7");
}

fn db(server: &Server, lock_timeout: Duration) -> Db {
    let options = Options::default().lock_timeout(lock_timeout);
    Db::remote(&server.url(), None, options).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_ends_each_transaction_is_left_alone_between_two_tries() {
    for text in [dump(SMALL), dump(&many(MANY))] {
        let server = ours(seedbed_test_server::Options::default());
        server.plan(|request| request.writes.then_some(Fault::StealLock { step: 3 }));
        let since = Instant::now();
        let db = db(&server, Duration::from_millis(700));
        let error = Dump::new(text).import(&db).await.unwrap_err();
        assert!(matches!(error.why, Why::Waited { .. }), "{}", words(&error));
        assert!(since.elapsed() < Duration::from_secs(20));
        let writes = server.requests();
        let writes = writes.iter().filter(|request| request.writes).count();
        assert!((1..=3).contains(&writes), "{writes}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_answer_of_an_import_is_lost_no_row_is() {
    let faults = [
        Fault::DropBefore,
        Fault::DropAfter,
        Fault::CutBody,
        Fault::Status {
            status: 502,
            retry_after: None,
        },
    ];
    let dump = Dump::new(dump(&many(1_200)));
    let all = AtomicUsize::new(1);
    let mut number = 1;
    while number <= all.load(Ordering::Relaxed) {
        for fault in &faults {
            let server = ours(seedbed_test_server::Options::default());
            server.fault(number as u64, fault.clone());
            let db = db(&server, Duration::from_secs(60));
            let said = format!("{fault:?} at request {number}");
            assert_eq!(told(dump.import(&db).await), "t 1200", "{said}");
            all.store(server.requests().len() - 1, Ordering::Relaxed);
            let answers = db.query(vec![seedbed::db::Query::new("SELECT sum(id) FROM t")]);
            let sum = answers.await.unwrap().remove(0).unwrap();
            assert_eq!(format!("{sum:?}"), "[[Integer(720600)]]", "{said}");
        }
        number += 1;
    }
    assert!(number > 6, "an import makes {number} requests");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_restored_and_marked_whichever_answers_are_lost() {
    let server = ours(seedbed_test_server::Options::default());
    let dump = Dump::new(dump(SMALL));
    let count = AtomicU64::new(0);
    // Every answer to a change is lost the first time.
    server.plan(move |request| {
        let odd = request.writes && count.fetch_add(1, Ordering::Relaxed).is_multiple_of(2);
        odd.then_some(Fault::DropAfter)
    });
    let db = db(&server, Duration::from_secs(60));
    let run = Run::new("test");
    let file = dump.path();
    let on_event = Arc::new(|_| {});
    let restored = restore::restore(&db, &file, Checked::Unsigned, Some("test"), &run, on_event);
    assert_eq!(restored.await.unwrap().mark, Marked::As("test".to_owned()));
    server.no_faults();
    let history = seedbed::history::read(&db).await.unwrap();
    assert_eq!(history.environment.as_deref(), Some("test"));
}

#[test]
fn reads_that_lag_behind_are_waited_for_no_longer_than_told() {
    let server = ours(seedbed_test_server::Options::default());
    let project = Project::new()
        .env("TURSO_DATABASE_URL", &server.url())
        .env("USE_TURSO", "YES")
        .migration(
            "V1__a",
            "CREATE TABLE a (id INTEGER PRIMARY KEY, x TEXT);\n",
        )
        .file("seeds/dev/a.yaml", "a:\n  one: {id: 1, x: one}\n")
        .file("small.sql", dump(SMALL))
        .file("large.sql", dump(&many(MANY).replace(" t ", " u ")))
        .after("migrate");
    for line in [
        "seed --env dev",
        "import small.sql",
        "import large.sql --transaction-bytes 24000",
    ] {
        // The answers to the first requests show the database as it is before the command.
        let mut moved = false;
        server.plan(move |request| {
            moved |= request.writes;
            (!moved).then_some(Fault::Remember)
        });
        let ran = project.run(line);
        assert_eq!(ran.code, Some(0), "{ran}");
        server.plan(|request| (!request.writes).then_some(Fault::Replay));
        server.clear_requests();
        let since = Instant::now();
        let ran = project.run(&format!("{line} --lock-timeout 1"));
        server.no_faults();
        assert_eq!(ran.code, Some(6), "{ran}");
        assert!(since.elapsed() < Duration::from_secs(20), "{ran}");
        let requests = server.requests().len();
        assert!(requests < 60, "{requests} requests: {ran}");
        println!("{requests} requests: {ran}");
        let ran = project.run(line);
        assert!(ran.stdout.contains("nothing to do"), "{ran}");
    }
}

/// Between its transactions an import holds no lock.
#[cfg(unix)]
#[test]
fn a_run_waits_for_an_import_that_is_alive() {
    let project = Project::new()
        .migration("V1__a", "CREATE TABLE a (x);\n")
        .after("migrate")
        .migration("V2__b", "CREATE TABLE b (x);\n");
    let pipe = project.path("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    if !made.is_ok_and(|status| status.success()) {
        eprintln!("skipped: there is no mkfifo on this machine");
        return;
    }
    let text = dump(&many(MANY));
    let (first, rest) = text.split_at(text.len() / 2);
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let path = &pipe;
        scope.spawn(move || {
            use std::io::Write;
            let mut pipe = std::fs::OpenOptions::new().write(true).open(path).unwrap();
            pipe.write_all(first.as_bytes()).unwrap();
            pipe.flush().unwrap();
            wait.recv().unwrap();
            pipe.write_all(rest.as_bytes()).unwrap();
        });
        let importing = project.spawn("import pipe --transaction-bytes 24000");
        let begun = "SELECT count(*) FROM sqlite_schema WHERE name = '_seedbed_import'";
        while project.ask(begun) != "1" {
            std::thread::sleep(Duration::from_millis(20));
        }
        let ran = project.run("status");
        assert!(
            ran.stdout
                .contains("the import of pipe into this database is running"),
            "{ran}"
        );
        assert!(!ran.stdout.contains("--restart"), "{ran}");
        let ran = project.run("export all.sql");
        assert!(ran.stderr.contains("wait until it has ended"), "{ran}");
        let mut migrating = project.spawn("migrate --lock-timeout 0.1");
        migrating.wait_for("waiting for another run that changes this database");
        go_on.send(()).unwrap();
        let ran = importing.finish();
        assert_eq!(ran.code, Some(0), "{ran}");
        let ran = migrating.finish();
        assert_eq!(ran.code, Some(0), "{ran}");
    });
    assert_eq!(project.ask("SELECT count(*) FROM t"), MANY.to_string());
    assert_eq!(project.ask("SELECT count(*) FROM b"), "0");
}
