//! A database that `reset` replaces, or `import` and `restore` where it is an empty file: never under another process
//! that uses it, whole or not at all, and the file stays what it was.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant, SystemTime};

use expect_test::expect;
use seedbed::db::libsql::Connection;

use crate::locks::Lock;
use crate::project::{Project, waiting};

const DUMP: &str =
    "BEGIN TRANSACTION;\nCREATE TABLE city (name);\nINSERT INTO city VALUES('new');\nCOMMIT;\n";

/// A migrated and seeded `local.db`, with a row that is in no seed.
fn project() -> Project {
    let project = Project::new()
        .migration("V1__a", "CREATE TABLE a (x PRIMARY KEY);\n")
        .file("seeds/010_a.yaml", "a:\n  one: {x: 1}\n")
        .file("new.sql", DUMP)
        .after("migrate")
        .after("seed");
    project.change(&["INSERT INTO a VALUES ('mine')"]);
    project
}

fn connection(project: &Project, statements: &[&str]) -> Connection {
    waiting().block_on(project.connection(statements))
}

fn left_over(project: &Project) -> Vec<String> {
    let files = project.files().into_iter();
    files.filter(|file| file.starts_with("local.db")).collect()
}

#[test]
fn a_database_in_wal_mode_that_another_process_has_open_is_not_replaced() {
    let project = project();
    let held = connection(
        &project,
        &[
            "PRAGMA journal_mode = WAL",
            "INSERT INTO a VALUES ('logged')",
        ],
    );
    project.run("reset --yes --lock-timeout 0.3").check(expect![[r#"
        $ seedbed reset --yes --lock-timeout 0.3
        2> target: local local.db (default)
        2> error[in-use]: [root]/local.db is in use by another process
        2>   |
        2>   = note: waited for it for [ms]
        2>   = help: stop the programs that have it open, and run the same command again; `--lock-timeout 60` waits longer for them
        2>
        2> nothing was changed: local.db is as it was
        exit 6
    "#]]);
    project
        .run("reset --yes --lock-timeout 0 --format json")
        .check(expect![[r#"
            $ seedbed reset --yes --lock-timeout 0 --format json
            {
              "schema_version": 1,
              "command": "reset",
              "mode": "local",
              "database": "local.db",
              "outcome": "timeout",
              "exit_code": 6,
              "items": [],
              "problems": [
                {
                  "code": "in-use",
                  "severity": "error",
                  "file": null,
                  "line": null,
                  "column": null,
                  "message": "[root]/local.db is in use by another process",
                  "notes": [],
                  "help": "stop the programs that have it open, and run the same command again; `--lock-timeout 60` waits longer for them"
                }
              ],
              "summary": "nothing was changed: local.db is as it was"
            }
            2> target: local local.db (default)
            exit 6
        "#]]);
    // What it commits is in the database.
    waiting()
        .block_on(held.execute("INSERT INTO a VALUES ('later')", ()))
        .unwrap();
    assert_eq!(project.ask("SELECT x FROM a"), "1 mine logged later");
    drop(held);
    let project = project.after("reset --yes");
    assert_eq!(left_over(&project), ["local.db"]);
    assert_eq!(project.ask("SELECT x FROM a"), "1");
    assert_eq!(project.ask("PRAGMA journal_mode"), "wal");
}

#[test]
fn the_log_of_a_process_that_died_is_not_left_beside_the_new_database() {
    let project = project();
    let held = connection(
        &project,
        &[
            "PRAGMA journal_mode = WAL",
            "INSERT INTO a VALUES ('logged')",
        ],
    );
    let files =
        ["local.db", "local.db-wal", "local.db-shm"].map(|file| (file, project.bytes(file)));
    drop(held);
    for (file, bytes) in files {
        project.write(file, bytes.unwrap());
    }
    assert_eq!(project.ask("SELECT count(*) FROM a"), "3");
    let project = project.after("reset --yes");
    assert_eq!(left_over(&project), ["local.db"]);
    assert_eq!(project.ask("SELECT x FROM a"), "1");
}

#[test]
fn a_reader_and_a_writer_keep_a_database_with_a_journal_from_being_replaced() {
    for statements in [Lock::TO_READ, Lock::TO_WRITE, Lock::ALONE] {
        let project = project();
        let lock = Lock::take(&project, statements);
        let ran = project.run("reset --yes --lock-timeout 0.2");
        assert_eq!(ran.code, Some(6), "{ran}");
        lock.release();
        assert_eq!(project.ask("SELECT x FROM a"), "1 mine");
        assert_eq!(left_over(&project), ["local.db"]);
    }
}

#[test]
fn an_idle_connection_to_a_database_with_a_journal_goes_on_with_the_new_one() {
    let project = project();
    let idle = connection(&project, &["SELECT x FROM a"]);
    let project = project.after("reset --yes");
    // Nothing that it commits is lost.
    waiting()
        .block_on(idle.execute("INSERT INTO a VALUES ('later')", ()))
        .unwrap();
    assert_eq!(project.ask("SELECT x FROM a"), "1 later");
}

#[test]
fn an_idle_connection_to_an_empty_file_goes_on_with_what_was_imported() {
    for command in ["import new.sql", "restore new.sql"] {
        let project = Project::new().file("new.sql", DUMP).file("local.db", "");
        let idle = connection(&project, &["SELECT count(*) FROM sqlite_schema"]);
        let project = project.after(command);
        waiting()
            .block_on(idle.execute("INSERT INTO city VALUES ('later')", ()))
            .unwrap();
        assert_eq!(project.ask("SELECT name FROM city"), "new later");
    }
}

#[test]
fn an_empty_file_that_another_process_writes_to_is_not_replaced() {
    let project = Project::new().file("new.sql", DUMP).file("local.db", "");
    let lock = Lock::take(&project, Lock::TO_WRITE);
    project
        .run("import new.sql --lock-timeout 0.2")
        .check(expect![[r#"
            $ seedbed import new.sql --lock-timeout 0.2
            2> target: local local.db (default)
            2> error[in-use]: [root]/local.db is in use by another process
            2>   |
            2>   = note: waited for it for [ms]
            2>   = help: stop the programs that have it open, and run the same command again; `--lock-timeout 60` waits longer for them
            2>
            2> nothing of the dump is in the database
            exit 6
        "#]]);
    lock.release();
    assert_eq!(project.bytes("local.db"), Some(vec![]));
    assert_eq!(left_over(&project), ["local.db"]);
}

#[test]
fn a_file_keeps_its_mode_its_owner_and_its_links() {
    for (command, text) in [
        ("reset --yes", None),
        ("import new.sql", Some("")),
        ("restore new.sql", Some("")),
    ] {
        let project = project();
        if let Some(text) = text {
            project.write("local.db", text);
        }
        let file = project.path("local.db");
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
        // Only root may give a file away.
        let given = std::os::unix::fs::chown(&file, Some(12345), Some(54321)).is_ok();
        std::fs::hard_link(&file, project.path("linked.db")).unwrap();
        let before = file.metadata().unwrap();
        let project = project.after(command);
        let after = file.metadata().unwrap();
        assert_eq!(after.mode() & 0o777, 0o600, "{command}");
        assert_eq!((after.uid(), after.gid()), (before.uid(), before.gid()));
        assert_eq!(given, after.uid() == 12345);
        assert!(project.bytes("linked.db") == project.bytes("local.db"));
        assert_eq!(left_over(&project), ["local.db"]);
    }
}

#[test]
fn what_is_built_for_a_file_that_others_may_not_read_is_not_theirs_to_read() {
    let project = project();
    // It waits for itself until it is looked at.
    let sql = "WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 5000000)\n\
               INSERT INTO a SELECT n FROM up WHERE n < 0;\n";
    let project = project.migration("V2__long", sql);
    let running = project.spawn("reset --yes");
    let building = loop {
        let files = project.files();
        let is_draft =
            |file: &&String| file.starts_with("local.db-building-") && !file.ends_with("lock");
        if let Some(file) = files.iter().find(is_draft)
            && let Ok(file) = project.path(file).metadata()
        {
            break file;
        }
        std::thread::yield_now();
    };
    assert_eq!(building.mode() & 0o777, 0o600);
    assert_eq!(running.finish().code, Some(0));
}

#[test]
fn reset_keeps_what_belongs_to_the_file_and_not_to_a_table() {
    let project = Project::new().migration("V1__a", "CREATE TABLE a (x);\n");
    project.change(&[
        "PRAGMA page_size = 1024",
        "PRAGMA encoding = 'UTF-16le'",
        "PRAGMA auto_vacuum = INCREMENTAL",
        "PRAGMA application_id = 1196444487",
        "PRAGMA user_version = 42",
        "CREATE TABLE old (x)",
        "PRAGMA journal_mode = WAL",
    ]);
    let project = project.after("reset --yes");
    let settings = [
        "PRAGMA page_size",
        "PRAGMA encoding",
        "PRAGMA auto_vacuum",
        "PRAGMA application_id",
        "PRAGMA user_version",
        "PRAGMA journal_mode",
        "PRAGMA integrity_check",
    ];
    assert_eq!(
        project.ask_of("local.db", settings),
        ["1024", "UTF-16le", "2", "1196444487", "42", "wal", "ok"]
    );
    // What a migration says counts.
    let project = project
        .migration(
            "V2__mine",
            "PRAGMA user_version = 7;\nPRAGMA application_id = 3;\n",
        )
        .migration(
            "V3__pages",
            "-- seedbed: no-transaction\nPRAGMA page_size = 8192;\nVACUUM;\n",
        )
        .after("reset --yes");
    assert_eq!(left_over(&project), ["local.db"]);
    assert_eq!(
        project.ask_of("local.db", settings),
        ["8192", "UTF-16le", "2", "3", "7", "wal", "ok"]
    );
}

#[test]
fn a_new_database_in_wal_mode_has_all_its_rows_in_its_file() {
    let wal = "-- seedbed: no-transaction\nPRAGMA journal_mode = WAL;\n";
    let project = project().migration("V2__wal", wal);
    project.remove_database("local.db");
    for _ in 0..2 {
        // The first one makes the file, the second one replaces what is in it.
        let ran = project.run("reset --yes");
        assert_eq!(ran.code, Some(0), "{ran}");
        assert_eq!(left_over(&project), ["local.db"]);
        assert_eq!(project.ask("SELECT x FROM a"), "1");
        assert_eq!(project.ask("PRAGMA journal_mode"), "wal");
        project.change(&["INSERT INTO a VALUES ('mine')"]);
    }
}

#[test]
fn a_link_stays_and_its_target_is_written() {
    let project = project();
    std::os::unix::fs::symlink("local.db", project.path("link.db")).unwrap();
    let project = project.after("reset --yes --database link.db");
    assert_eq!(project.ask("SELECT x FROM a"), "1");
    // A link to nothing yet.
    std::os::unix::fs::symlink("data/real.db", project.path("other.db")).unwrap();
    std::fs::create_dir(project.path("data")).unwrap();
    let project = project
        .after("import new.sql --database other.db")
        .after("reset --yes --database other.db");
    assert_eq!(project.ask_of("data/real.db", ["SELECT x FROM a"]), ["1"]);
    for link in ["link.db", "other.db"] {
        assert!(project.path(link).is_symlink());
    }
    assert_eq!(left_over(&project), ["local.db"]);
}

#[test]
fn a_file_that_a_user_named_like_one_of_ours_is_left_alone() {
    let project = Project::new()
        .file("new.sql", DUMP)
        .file("u.db-import", "mine")
        .file("u.db-import-journal", "mine")
        .file("u.db-building-notes", "mine")
        .after("import new.sql --database u.db");
    for file in ["u.db-import", "u.db-import-journal", "u.db-building-notes"] {
        assert_eq!(project.read(file), "mine");
    }
    project.write("v.db-building-lock", "mine");
    let ran = project.run("import new.sql --database v.db");
    assert_eq!(ran.code, Some(1), "{ran}");
    assert_eq!(project.read("v.db-building-lock"), "mine");
}

#[test]
fn a_reset_that_was_killed_left_the_old_database_or_the_new_one() {
    const ROWS: usize = 3000;
    let rows = format!(
        "WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < {ROWS})"
    );
    for mode in ["DELETE", "WAL"] {
        let project = Project::new().migration(
            "V1__a",
            format!("CREATE TABLE a (x, y);\n{rows}\nINSERT INTO a SELECT n, printf('%0500d', n) FROM up;\n"),
        );
        let old = [
            "CREATE TABLE a (x, y)".to_owned(),
            format!("{rows} INSERT INTO a SELECT -n, printf('%0600d', n) FROM up"),
            format!("PRAGMA journal_mode = {mode}"),
        ];
        let old: Vec<&str> = old.iter().map(String::as_str).collect();
        project.change(&old);
        let begun = Instant::now();
        let project = project.after("reset --yes --database copy.db");
        let mut whole_run = begun.elapsed() * 2;
        let mut random = SystemTime::UNIX_EPOCH.elapsed().unwrap().subsec_nanos();
        println!("seed {random}, a run takes {whole_run:?}");
        let (mut killed, mut kept, mut replaced) = (0, 0, 0);
        let until = Instant::now() + Duration::from_secs(5);
        while Instant::now() < until
            || (killed == 0 && Instant::now() < until + Duration::from_secs(20))
        {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let part = f64::from(random) / f64::from(u32::MAX);
            let mut running = project.spawn("reset --yes");
            std::thread::sleep(whole_run.mul_f64(part));
            running.kill();
            match running.finish().status.and_then(|status| status.signal()) {
                Some(_) => killed += 1,
                None => whole_run = whole_run.mul_f64(0.9),
            }
            let found = project.ask_of(
                "local.db",
                [
                    "SELECT sign(min(x)), count(*), sum(length(y)) FROM a",
                    "PRAGMA integrity_check",
                ],
            );
            let [is_old, is_new] = [(-1, 600), (1, 500)].map(|(sign, length)| {
                found == [format!("{sign}|{ROWS}|{}", ROWS * length), "ok".to_owned()]
            });
            assert!(is_old || is_new, "{found:?}");
            kept += usize::from(is_old);
            replaced += usize::from(is_new);
            if is_new {
                project.remove_database("local.db");
                project.change(&old);
            }
        }
        println!(
            "{killed} were killed, {kept} times the old one stayed, {replaced} times the new one was there"
        );
        assert!(killed > 0, "no run was killed in time");
        let project = project.after("reset --yes");
        assert_eq!(left_over(&project), ["local.db"]);
    }
}
