//! What holds for embedded replicas only: changes reach the primary, the file follows, and nothing else touches it.

use expect_test::expect;
use seedbed_test_server::{Fault, Options, Replication, Rule, Server};

use crate::process::Ran;
use crate::project::Project;
use crate::server::ours;

const FILE: &str = "local_replica.db";

fn server(replication: Replication) -> Server {
    ours(Options {
        replication,
        ..Options::default()
    })
}

fn project(server: &Server) -> Project {
    Project::new()
        .env("USE_EMBEDDED_REPLICA", "YES")
        .env("TURSO_DATABASE_URL", &server.url())
        .migration(
            "V1__users",
            "CREATE TABLE users (id INTEGER PRIMARY KEY);\n",
        )
        .down("V1__users", "DROP TABLE users;\n")
}

const TABLES: &str = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";

/// The tables of a file, read as what it is: a database file.
fn tables(project: &Project, file: &str) -> String {
    project.ask_of(file, [TABLES]).remove(0)
}

/// The files of the project that belong to no folder.
fn files(project: &Project) -> Vec<String> {
    let mut files = project.files();
    files.retain(|file| !file.contains('/'));
    files
}

fn ends(ran: &Ran, code: i32, words: &str) {
    assert_eq!(ran.code, Some(code), "{ran}");
    assert!(
        ran.stderr.contains(words) || ran.stdout.contains(words),
        "{words} is not in\n{ran}"
    );
}

/// Makes every request of replication fail from now on, and none of the others.
fn no_replication(server: &Server) {
    server.plan(|request| {
        let hrana = request.path.starts_with("/v3/");
        (!hrana).then_some(Fault::Status {
            status: 502,
            retry_after: None,
        })
    });
}

#[test]
fn a_change_is_made_on_the_primary_and_the_file_has_it() {
    for replication in [Replication::V1, Replication::V2] {
        let server = server(replication);
        let project = project(&server);
        ends(&project.run("migrate"), 0, "applied V1 users");
        assert_eq!(tables(&project, FILE), "_migrations users");
        let project = project.migration("V2__posts", "CREATE TABLE posts (x);\n");
        ends(&project.run("migrate"), 0, "applied V2 posts");
        assert_eq!(tables(&project, FILE), "_migrations posts users");
        ends(&project.run("undo --to 1"), 4, "V2");
        project.write("migrations/V2__posts.down.sql", "DROP TABLE posts;\n");
        ends(&project.run("repair"), 0, "V2");
        ends(&project.run("undo"), 0, "undone V2");
        assert_eq!(tables(&project, FILE), "_migrations users");
        // The primary has the same, and a replica that is taken away comes again.
        let status = format!("status --mode remote --database {}", server.url());
        ends(&project.run(&status), 0, "1 applied, 1 pending");
        ends(&project.run("replica reset"), 0, "removed local_replica.db");
        ends(&project.run("sync"), 0, "synced local_replica.db");
        assert_eq!(tables(&project, FILE), "_migrations users");
        ends(&project.run("sync"), 0, "nothing new for local_replica.db");
    }
}

#[test]
fn a_look_makes_no_file() {
    let server = server(Replication::V1);
    let project = project(&server);
    for line in ["status", "migrate --dry-run", "replica status"] {
        ends(&project.run(line), 0, "");
        assert_eq!(files(&project), [""; 0], "{line}");
    }
}

#[test]
fn a_migrate_with_nothing_to_do_leaves_a_replica_that_has_what_its_primary_has() {
    for replication in [Replication::V1, Replication::V2] {
        let server = server(replication);
        let empty = Project::new()
            .env("USE_EMBEDDED_REPLICA", "YES")
            .env("TURSO_DATABASE_URL", &server.url())
            .file("migrations/notes.txt", "");
        let line = "--replica-file of/mine.db";
        ends(&empty.run(&format!("migrate {line}")), 0, "nothing to do");
        // An empty database, and a replica that goes on.
        assert_eq!(tables(&empty, "of/mine.db"), "");
        let project = empty.migration("V1__users", "CREATE TABLE users (id INTEGER);\n");
        ends(&project.run(&format!("migrate {line}")), 0, "applied V1");
        assert_eq!(tables(&project, "of/mine.db"), "_migrations users");
        // So is one that was not there before.
        ends(&project.run("migrate"), 0, "nothing to do");
        assert_eq!(tables(&project, FILE), "_migrations users");
    }
}

#[test]
fn a_sync_that_fails_after_the_commit_says_what_stands() {
    for replication in [Replication::V1, Replication::V2] {
        let server = server(replication);
        let project = project(&server).after("sync");
        no_replication(&server);
        let ran = project.run("migrate");
        ends(&ran, 1, "applied V1 users");
        ends(
            &ran,
            1,
            "applied on the primary; the replica was not synced: ",
        );
        server.no_faults();
        assert_eq!(tables(&project, FILE), "");
        ends(&project.run("sync"), 0, "synced");
        assert_eq!(tables(&project, FILE), "_migrations users");
    }
}

#[test]
fn a_sync_that_fails_after_the_commit_is_one_document() {
    let server = server(Replication::V1);
    let project = project(&server);
    no_replication(&server);
    let ran = project.run("migrate --format json");
    assert_eq!(ran.code, Some(1), "{ran}");
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(document["items"][0]["state"], "applied", "{ran}");
    assert_eq!(
        document["problems"][0]["code"], "replica-not-synced",
        "{ran}"
    );
}

#[test]
fn reset_removes_the_files_of_the_replica_and_nothing_else() {
    let server = server(Replication::V1);
    let project = project(&server).after("migrate");
    for other in [
        "local_replica.db.bak",
        "local_replica.db-journal-notes",
        "local_replica",
    ] {
        project.write(other, "mine");
    }
    ends(
        &project.run("replica reset"),
        0,
        "removed local_replica.db-client_wal_index",
    );
    assert_eq!(
        files(&project),
        [
            "local_replica",
            "local_replica.db-journal-notes",
            "local_replica.db.bak"
        ]
    );
    ends(
        &project.run("replica reset"),
        0,
        "there is no replica at local_replica.db",
    );
}

#[test]
fn a_database_that_is_no_replica_is_left_alone() {
    let server = server(Replication::V1);
    let project = project(&server)
        .after("migrate --mode local --database local_replica.db")
        .after("status --mode local --database local_replica.db");
    let before = project.bytes(FILE);
    ends(
        &project.run("replica reset"),
        1,
        "is no replica: it has neither",
    );
    ends(
        &project.run("sync"),
        1,
        "is no replica: it is a database without",
    );
    ends(&project.run("replica copy copy.db"), 1, "is no replica");
    // The wrong file is seen before the primary is changed.
    let ran = project.run("migrate");
    ends(&ran, 1, "is no replica: it is a database without");
    ends(&ran, 1, "nothing was changed");
    assert_eq!(server.replication_index(), None);
    assert!(project.bytes(FILE) == before);
    assert_eq!(files(&project), [FILE]);
    project.write(FILE, "words");
    ends(
        &project.run("sync"),
        1,
        "is no replica: it is not a database",
    );
}

#[test]
fn a_replica_that_lost_files_is_not_synced_over() {
    for replication in [Replication::V1, Replication::V2] {
        let server = server(replication);
        let project = project(&server).after("migrate");
        project.remove(FILE);
        ends(
            &project.run("sync"),
            1,
            "is broken: it has lost its database file",
        );
        ends(&project.run("replica reset"), 0, "removed");
        ends(&project.run("sync"), 0, "synced");
        assert_eq!(tables(&project, FILE), "_migrations users");
    }
}

#[test]
fn a_copy_is_a_plain_database() {
    for replication in [Replication::V1, Replication::V2] {
        let server = server(replication);
        let project = project(&server).after("migrate");
        ends(
            &project.run("replica copy copy.db"),
            0,
            "copy.db is a local database",
        );
        assert_eq!(tables(&project, "copy.db"), "_migrations users");
        ends(&project.run("replica copy copy.db"), 1, "copy.db");
        ends(
            &project.run("undo --mode local --database copy.db"),
            0,
            "undone V1",
        );
        assert_eq!(tables(&project, "copy.db"), "_migrations");
        // The replica knows nothing of it, and goes on.
        project.write("migrations/V2__posts.sql", "CREATE TABLE posts (x);\n");
        ends(&project.run("migrate"), 0, "applied V2");
        assert_eq!(tables(&project, FILE), "_migrations posts users");
    }
}

#[test]
fn no_copy_and_no_replica_is_made_beside_side_files_of_a_deleted_database() {
    for replication in [Replication::V1, Replication::V2] {
        let server = server(replication);
        let project = project(&server).after("migrate");
        for ending in ["-wal", "-shm", "-journal"] {
            let side = format!("copy.db{ending}");
            project.write(&side, "deleted");
            let ran = project.run("replica copy copy.db");
            ends(&ran, 4, "error[side-files]");
            assert!(!project.path("copy.db").exists());
            assert_eq!(project.read(&side), "deleted");
            project.remove(&side);
        }
        project.write("other.db-journal", "deleted");
        let ran = project.run("sync --replica-file other.db");
        ends(&ran, 4, "error[side-files]");
        assert!(!project.path("other.db").exists());
    }
}

#[test]
fn without_its_primary_a_replica_is_read_and_not_changed() {
    for replication in [Replication::V1, Replication::V2] {
        let server = server(replication);
        let project = project(&server).after("migrate");
        project.write("migrations/V2__posts.sql", "CREATE TABLE posts (x);\n");
        drop(server);
        let ran = project.run("status");
        ends(&ran, 0, "1 applied, 1 pending; the database is at V1");
        ends(&ran, 0, "this is the replica as of ");
        ends(&project.run("status --exit-code"), 3, "1 pending");
        let before = project.bytes(FILE);
        for line in ["migrate", "undo"] {
            let ran = project.run(line);
            ends(&ran, 1, "cannot reach 127.0.0.1");
            ends(
                &ran,
                1,
                "a replica is changed through its primary only, and nothing was changed",
            );
        }
        ends(&project.run("sync"), 1, "error[unreachable]");
        ends(
            &project.run("replica status"),
            0,
            "behind    unknown: cannot reach",
        );
        ends(&project.run("replica copy copy.db"), 0, "copy.db");
        assert!(project.bytes(FILE) == before);
        assert_eq!(tables(&project, FILE), "_migrations users");
    }
}

#[test]
fn without_primary_and_replica_there_is_nothing_to_read() {
    let server = server(Replication::V1);
    let project = project(&server);
    drop(server);
    ends(&project.run("status"), 1, "error[unreachable]");
    ends(&project.run("sync"), 1, "error[unreachable]");
}

#[test]
fn status_tells_how_far_a_replica_is_behind() {
    let server = server(Replication::V1);
    let project = project(&server).after("sync");
    let remote = format!("migrate --mode remote --database {}", server.url());
    let project = project.after(&remote);
    let ran = project.run("replica status --format json");
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let behind = server.replication_index().unwrap() + 1;
    assert_eq!(document["behind"], behind, "{ran}");
    let project = project.after("sync");
    ends(&project.run("replica status"), 0, "behind    nothing");
}

/// The files of the replica and their bytes.
fn replica_files(project: &Project) -> Vec<(String, Vec<u8>)> {
    let of_replica = |name: &String| name.starts_with(FILE) && !name.ends_with("-shm");
    let names = files(project).into_iter().filter(of_replica);
    names
        .map(|name| (name.clone(), project.bytes(&name).unwrap()))
        .collect()
}

#[test]
fn a_replica_of_another_primary_is_refused_before_anything_is_changed() {
    for replication in [Replication::V1, Replication::V2] {
        // Whether the other one's log is shorter or longer.
        for more in ["", "CREATE TABLE more (x);\nCREATE TABLE most (x);\n"] {
            let first = server(replication);
            let project = project(&first).after("migrate");
            let second = server(replication);
            let project = project.env("TURSO_DATABASE_URL", &second.url());
            project.write(
                "migrations/V1__users.sql",
                format!("CREATE TABLE others (x);\n{more}"),
            );
            let before = replica_files(&project);
            let named = format!(
                "follows another primary than {}: {}",
                second.url(),
                first.url()
            );
            for line in ["migrate", "sync", "undo", "repair"] {
                let ran = project.run(line);
                ends(&ran, 2, "error[other-primary]");
                ends(&ran, 2, &named);
                ends(&ran, 2, "`seedbed replica reset` and `seedbed sync`");
                ends(&ran, 2, "--replica-file FILE");
                assert!(replica_files(&project) == before, "{ran}");
            }
            assert_eq!(second.replication_index(), None, "the primary was changed");
            // The other primary gets what is meant for it.
            let remote = format!("migrate --mode remote --database {}", second.url());
            let project = project.after(&remote);
            ends(&project.run("sync"), 2, &named);
            assert!(replica_files(&project) == before);
            ends(
                &project.run("replica reset"),
                0,
                "removed local_replica.db-primary",
            );
            assert_eq!(files(&project), [""; 0]);
            ends(&project.run("sync"), 0, "synced");
            assert!(tables(&project, FILE).contains("others"));
        }
    }
}

#[test]
fn a_replica_without_our_note_is_told_by_what_the_protocol_says() {
    for replication in [Replication::V1, Replication::V2] {
        let first = server(replication);
        let project = project(&first).after("migrate");
        project.remove("local_replica.db-primary");
        // Whichever program made it, it continues with its own primary, and a note is written.
        let project = project.after("sync");
        let noted = project.read("local_replica.db-primary");
        assert_eq!(noted.lines().next(), Some(&*first.url()));
        project.remove("local_replica.db-primary");
        let second = server(replication);
        let project = project.env("TURSO_DATABASE_URL", &second.url());
        let remote = format!("migrate --mode remote --database {}", second.url());
        let project = project.after(&remote);
        // The same migration, so that only its moment and the id of its run tell the two apart.
        let before = replica_files(&project);
        ends(&project.run("sync"), 2, "follows another primary than");
        assert!(replica_files(&project) == before);
    }
}

#[test]
fn where_the_protocol_tells_nothing_the_note_does() {
    let first = server(Replication::V2);
    // An empty database has no frame that could be compared.
    let project = project(&first).after("sync");
    let second = server(Replication::V2);
    let project = project.env("TURSO_DATABASE_URL", &second.url());
    ends(&project.run("migrate"), 2, "follows another primary than");
    project.remove("local_replica.db-primary");
    ends(&project.run("migrate"), 0, "applied V1");
}

#[test]
fn a_database_that_was_created_again_at_the_same_url_is_another_history() {
    let first = server(Replication::V1);
    let project = project(&first).after("migrate");
    let address = first.address();
    drop(first);
    let second = Server::start_on(address, Options::default()).unwrap();
    assert_eq!(second.address(), address);
    ends(&project.run("sync"), 1, "its log is a new one");
}

#[test]
fn a_primary_that_speaks_the_other_protocol_does_not_change_the_file() {
    for (ours, theirs) in [
        (Replication::V1, Replication::V2),
        (Replication::V2, Replication::V1),
    ] {
        let first = server(ours);
        let project = project(&first).after("migrate");
        let second = server(theirs);
        let project = project.env("TURSO_DATABASE_URL", &second.url());
        let before = replica_files(&project);
        let ran = project.run("sync");
        assert!(matches!(ran.code, Some(1 | 2)), "{ran}");
        ends(&ran, ran.code.unwrap(), "replica reset");
        assert!(replica_files(&project) == before, "{ran}");
    }
}

#[test]
fn commands_for_replicas_refuse_another_mode() {
    Project::new().run("sync").check(expect![[r#"
        $ seedbed sync
        2> target: local local.db (default)
        2> error[no-replica]: sync is for replicas, and the mode is local
        2>   |
        2>   = help: set USE_EMBEDDED_REPLICA=YES, or give `--mode replica`
        exit 2
    "#]]);
}

/// A project whose replica is synced every second by `sync --watch`.
fn watched(server: &Server) -> Project {
    project(server).file(
        "config.toml",
        "[turso.local_replica]\nsync_interval_seconds = 1\n",
    )
}

/// Returns once `done`, which the replica is to come to by itself.
fn until(what: &str, done: impl Fn() -> bool) {
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !done() {
        assert!(std::time::Instant::now() < until, "{what}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// Lets the first request for what a new replica is made of take this long.
fn delay_first_frames(server: &Server, replication: Replication, ms: u64) {
    let path = match replication {
        Replication::V1 => "/wal_log.ReplicationLog/BatchLogEntries",
        _ => "/export/1",
    };
    server.clear_requests();
    server.faults(vec![Rule {
        request: Some(1),
        path: Some(path.to_owned()),
        fault: Fault::Delay { ms },
    }]);
}

#[test]
fn watch_follows_while_others_change_and_sync() {
    ends(&Project::new().run("sync --watch"), 2, "the mode is local");
    for replication in [Replication::V1, Replication::V2] {
        let server = server(replication);
        let mut project = watched(&server);
        let watching = project.spawn("sync --watch");
        let remote = format!("migrate --mode remote --database {}", server.url());
        project = project.after(&remote);
        until("the replica did not follow", || {
            project.bytes(FILE).is_some_and(|bytes| !bytes.is_empty())
                && tables(&project, FILE) == "_migrations users"
        });
        for round in 2..6 {
            let table = format!("CREATE TABLE t{round} (x);\n");
            project = project.migration(&format!("V{round}__t"), table);
            project = project.after("migrate");
            assert!(tables(&project, FILE).contains(&format!("t{round}")));
        }
        assert_eq!(project.ask_of(FILE, ["PRAGMA integrity_check"]), ["ok"]);
        drop(watching);
    }
}

#[cfg(unix)]
#[test]
fn watch_that_is_stopped_finishes_the_sync_under_way() {
    for replication in [Replication::V1, Replication::V2] {
        for signal in ["INT", "TERM"] {
            let server = server(replication);
            let remote = format!("migrate --mode remote --database {}", server.url());
            let project = watched(&server).after(&remote);
            delay_first_frames(&server, replication, 1500);
            let watching = project.spawn("sync --watch");
            let asked = |path: &str| server.requests().iter().any(|it| it.path.contains(path));
            until("no frames were asked for", || {
                asked("BatchLogEntries") || asked("export")
            });
            watching.signal(signal);
            let ran = watching.finish();
            ends(&ran, 130, "synced local_replica.db: at frame");
            assert_eq!(tables(&project, FILE), "_migrations users");
            assert!(files(&project).iter().all(|name| !name.contains("lock")));
        }
    }
}

#[cfg(unix)]
#[test]
fn watch_that_is_stopped_between_two_syncs_ends_at_once() {
    let server = server(Replication::V1);
    let project = project(&server).after("migrate").file(
        "config.toml",
        "[turso.local_replica]\nsync_interval_seconds = 3600\n",
    );
    let mut watching = project.spawn("sync --watch --format json");
    watching.wait_for("nothing new for local_replica.db");
    watching.signal("TERM");
    let ran = watching.finish();
    assert_eq!(ran.code, Some(130), "{ran}");
    let document = ran.json();
    assert_eq!(document["outcome"], "interrupted", "{ran}");
    assert_eq!(document["syncs"], 1, "{ran}");
}

#[test]
fn a_sync_of_somebody_else_is_waited_for_until_the_lock_timeout() {
    for replication in [Replication::V1, Replication::V2] {
        let server = server(replication);
        let remote = format!("migrate --mode remote --database {}", server.url());
        let project = project(&server).after(&remote);
        delay_first_frames(&server, replication, 5000);
        let first = project.spawn("sync");
        until("nobody holds the lock", || {
            project.path("local_replica.db-sync-lock").exists()
        });
        let ran = project.run("sync --lock-timeout 0.2");
        ends(
            &ran,
            6,
            "error[lock-timeout]: another process syncs the replica",
        );
        ends(&ran, 6, "wait longer with `--lock-timeout 60`");
        if replication == Replication::V1 {
            // By then the crate has made a file that shows what this is to be.
            until("no side file", || {
                project.path("local_replica.db-client_wal_index").exists()
            });
            let ran = project.run("replica reset --lock-timeout 0.2");
            ends(&ran, 6, "another process syncs the replica");
        }
        let project = project.migration("V2__posts", "CREATE TABLE posts (x);\n");
        let ran = project.run("migrate --lock-timeout 0.2");
        ends(&ran, 6, "applied V2 posts");
        ends(
            &ran,
            6,
            "applied on the primary; the replica was not synced: another process",
        );
        // A process that waits long enough gets it, and the first one was not disturbed.
        ends(
            &project.run("sync --lock-timeout 30"),
            0,
            "local_replica.db",
        );
        ends(&first.finish(), 0, "synced");
        assert_eq!(tables(&project, FILE), "_migrations posts users");
    }
}

#[cfg(unix)]
#[test]
fn whoever_is_killed_while_syncing_leaves_no_lock() {
    for replication in [Replication::V1, Replication::V2] {
        let server = server(replication);
        let remote = format!("migrate --mode remote --database {}", server.url());
        let project = project(&server).after(&remote);
        delay_first_frames(&server, replication, 1000);
        let mut killed = project.spawn("sync");
        let lock = project.path("local_replica.db-sync-lock");
        until("nobody holds the lock", || lock.exists());
        killed.kill();
        drop(killed);
        server.no_faults();
        ends(&project.run("sync --lock-timeout 0.2"), 0, "synced");
        assert!(!lock.exists());
        assert_eq!(tables(&project, FILE), "_migrations users");
    }
}

#[test]
fn a_sync_tells_what_it_fetched() {
    for replication in [Replication::V1, Replication::V2] {
        let server = server(replication);
        let remote = format!("migrate --mode remote --database {}", server.url());
        let project = project(&server).after(&remote);
        let ran = project.run("sync");
        ends(&ran, 0, "syncing local_replica.db, which is not there yet");
        ends(&ran, 0, "fetched");
        let last = |project: &Project| {
            let ran = project.run("sync --format json");
            assert_eq!(ran.json()["frames"], 0, "{ran}");
            ran.json()["frame"].as_u64().unwrap()
        };
        let before = last(&project);
        let project = project
            .migration("V2__posts", "CREATE TABLE posts (x);\n")
            .after(&remote);
        let ran = project.run("sync --format json");
        let document = ran.json();
        let frame = document["frame"].as_u64().unwrap();
        assert_eq!(document["from_frame"], before, "{ran}");
        assert_eq!(document["frames"], frame - before, "{ran}");
        assert_eq!(document["bytes"], (frame - before) * 4120, "{ran}");
        assert_eq!(last(&project), frame);
    }
}

#[test]
fn what_a_failed_migration_without_a_transaction_did_is_synced() {
    for replication in [Replication::V1, Replication::V2] {
        let server = server(replication);
        let project = project(&server).after("migrate").migration(
            "V2__half",
            "-- seedbed: no-transaction\nCREATE TABLE half (x);\nCREATE TABLE half (x);\n",
        );
        ends(&project.run("migrate"), 1, "V2 failed");
        assert_eq!(tables(&project, FILE), "_migrations half users");
        let started = "SELECT state FROM _migrations WHERE version = 2";
        assert_eq!(project.ask_of(FILE, [started]), ["started"]);
        ends(&project.run("sync"), 0, "nothing new");
        // One that was rolled back has nothing to sync.
        let other = self::project(&server).migration("V2__half", "CREATE TABLE half (x);\n");
        let before = server.requests().len();
        ends(&other.run("migrate --lock-timeout 1"), 6, "V2 was started");
        let replication = |it: &&seedbed_test_server::Request| !it.path.starts_with("/v3/");
        assert_eq!(
            server.requests()[before..]
                .iter()
                .filter(replication)
                .count(),
            0
        );
    }
}

#[test]
fn an_offline_status_tells_its_age_as_json() {
    let server = server(Replication::V1);
    let project = project(&server).after("migrate");
    drop(server);
    let ran = project.run("status --format json");
    let document = ran.json();
    assert_eq!(document["offline"], true, "{ran}");
    assert!(document["age_seconds"].as_u64().unwrap() < 60, "{ran}");
    let at = document["synced_at"].as_str().unwrap();
    assert!(at.len() == 20 && at.ends_with('Z'), "{ran}");
    let document = project.run("replica status --format json").json();
    assert_eq!(document["synced_at"], at);
    // Which of two primaries it belongs to cannot be asked, and is reported.
    assert!(!ran.stderr.contains("another URL"), "{ran}");
    let project = project.env("TURSO_DATABASE_URL", "http://127.0.0.1:1");
    let words = "warning: it was last synced with another URL, http://127.0.0.1:";
    ends(&project.run("status"), 0, words);
}

#[test]
fn a_primary_that_refuses_frames_is_named() {
    let server = server(Replication::V1);
    let project = project(&server).after("sync");
    server.faults(vec![Rule {
        request: None,
        path: Some("/wal_log.ReplicationLog/Hello".to_owned()),
        fault: Fault::Status {
            status: 502,
            retry_after: None,
        },
    }]);
    ends(&project.run("sync"), 1, "cannot sync the replica");
}

/// A table of `rows` rows of 1 KB.
fn large(rows: u32) -> String {
    format!(
        "CREATE TABLE large_{rows} (text TEXT);\n\
         WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < {rows})\n\
         INSERT INTO large_{rows} SELECT printf('%01000d', n) FROM up;\n"
    )
}

#[test]
fn many_processes_sync_one_replica() {
    for replication in [Replication::V1, Replication::V2] {
        let server = server(replication);
        let mut project = project(&server);
        let remote = format!("migrate --mode remote --database {}", server.url());
        for round in 2..4 {
            let name = format!("V{round}__large");
            project = project.migration(&name, large(1000 + round)).after(&remote);
            let running: Vec<_> = (0..4).map(|_| project.spawn("sync")).collect();
            for running in running {
                ends(&running.finish(), 0, "local_replica.db");
            }
            assert_eq!(project.ask_of(FILE, ["PRAGMA integrity_check"]), ["ok"]);
            let rows = format!("SELECT count(*) FROM large_{}", 1000 + round);
            assert_eq!(project.ask_of(FILE, [rows]), [(1000 + round).to_string()]);
        }
        assert!(files(&project).iter().all(|name| !name.contains("lock")));
    }
}
