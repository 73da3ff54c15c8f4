//! Replicas over time: a primary that crashed, was put back or compacts its log, syncs that end half-way, and how many
//! requests a command costs.

use std::path::Path;

use seedbed_test_server::{Fault, Options, Replication, Rule, Server};

use crate::process::Ran;
use crate::project::Project;
use crate::server::{Sqld, ours};

const FILE: &str = "local_replica.db";
const BOTH: [Replication; 2] = [Replication::V1, Replication::V2];

fn server(replication: Replication) -> Server {
    ours(Options {
        replication,
        ..Options::default()
    })
}

fn project(server: &Server) -> Project {
    project_of(&server.url())
}

fn project_of(url: &str) -> Project {
    Project::new()
        .env("USE_EMBEDDED_REPLICA", "YES")
        .env("TURSO_DATABASE_URL", url)
        .migration(
            "V1__users",
            "CREATE TABLE users (id INTEGER PRIMARY KEY);\n",
        )
}

fn ends(ran: &Ran, code: i32, words: &str) {
    assert_eq!(ran.code, Some(code), "{ran}");
    assert!(
        ran.stderr.contains(words) || ran.stdout.contains(words),
        "{words} is not in\n{ran}"
    );
}

/// Whether a table of this name is in the file.
fn has(project: &Project, table: &str) -> bool {
    let sql = format!("SELECT count(*) FROM sqlite_schema WHERE name = '{table}'");
    project.ask_of(FILE, [sql]) == ["1"]
}

/// The files of the replica and their bytes, but for what readers touch.
fn replica_files(project: &Project) -> Vec<(String, Option<Vec<u8>>)> {
    let mut files = project.files();
    files.retain(|name| name.starts_with(FILE) && !name.ends_with("-shm"));
    let bytes = |name: String| (name.clone(), project.bytes(&name));
    files.into_iter().map(bytes).collect()
}

/// Applies `sql` on the primary as a migration, past the replica.
fn change(project: Project, server: &Server, name: &str, sql: &str) -> Project {
    let remote = format!("migrate --mode remote --database {}", server.url());
    project.migration(name, sql).after(&remote)
}

/// The paths of the requests of one command.
fn requests(project: &Project, server: &Server, line: &str) -> Vec<String> {
    server.clear_requests();
    ends(&project.run(line), 0, "");
    let last = |path: String| path.rsplit('/').next().unwrap_or_default().to_owned();
    server
        .requests()
        .into_iter()
        .map(|it| last(it.path))
        .collect()
}

#[test]
fn one_greeting_serves_a_command() {
    let server = server(Replication::V1);
    let project = project(&server).after("migrate");
    // The history is read at the same time as the greeting and the last frames, which come one behind the other: two round
    // trips with nothing to do, and four with something.
    let mut nothing = requests(&project, &server, "migrate");
    nothing.sort_unstable();
    assert_eq!(nothing, ["BatchLogEntries", "Hello", "pipeline"]);
    let project = project.migration("V2__posts", "CREATE TABLE posts (x);\n");
    let mut writes = requests(&project, &server, "migrate");
    // The last frames are compared before anything is changed.
    writes[..3].sort_unstable();
    let compared = [
        "BatchLogEntries",
        "Hello",
        "pipeline",
        "pipeline",
        "BatchLogEntries",
    ];
    assert_eq!(writes, compared);
    assert!(has(&project, "posts"));
    // The last frames are compared.
    let same = ["Hello", "BatchLogEntries"];
    assert_eq!(requests(&project, &server, "sync"), same);
    let project = change(project, &server, "V3__more", "CREATE TABLE more (x);\n");
    let behind = requests(&project, &server, "sync");
    assert_eq!(behind, ["Hello", "BatchLogEntries"]);
    assert!(has(&project, "more"));
    assert_eq!(project.ask_of(FILE, ["PRAGMA integrity_check"]), ["ok"]);
}

#[test]
fn a_change_of_many_frames_comes_in_several_answers() {
    let server = server(Replication::V1);
    let project = project(&server).after("migrate");
    let mut sql = String::from("-- seedbed: no-transaction\n");
    for table in ["one", "two", "three"] {
        sql.push_str(&format!(
            "CREATE TABLE {table} (text TEXT);\n\
             WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 3000)\n\
             INSERT INTO {table} SELECT printf('%01000d', n) FROM up;\n"
        ));
    }
    let project = change(project, &server, "V2__large", &sql);
    let asked = requests(&project, &server, "sync");
    assert!(asked.len() > 2, "{asked:?}");
    assert!(
        asked.iter().skip(1).all(|path| path == "BatchLogEntries"),
        "{asked:?}"
    );
    let checks = ["SELECT count(*) FROM three", "PRAGMA integrity_check"];
    assert_eq!(project.ask_of(FILE, checks), ["3000", "ok"]);
}

#[test]
fn a_log_with_a_new_id_at_the_same_url_is_no_other_primary_and_is_synced_again_on_request() {
    let server = server(Replication::V1);
    let project = project(&server).after("migrate");
    server.renew_log().unwrap();
    let project = project.migration("V2__posts", "CREATE TABLE posts (x);\n");
    let before = replica_files(&project);
    let index = server.replication_index();
    for line in ["sync", "migrate --yes"] {
        let ran = project.run(line);
        ends(&ran, 1, "error[other-history]");
        ends(
            &ran,
            1,
            "its log is a new one, as after a crash of the server",
        );
        ends(&ran, 1, "`seedbed sync --yes` does so at once");
        assert!(!ran.stderr.contains("another primary"), "{ran}");
        assert!(replica_files(&project) == before, "{ran}");
    }
    assert_eq!(server.replication_index(), index, "the primary was changed");
    let doctor = project.run("doctor");
    assert!(doctor.stdout.contains("its log is a new one"), "{doctor}");
    ends(&project.run("replica status"), 0, "its log is a new one");
    let ran = project.run("sync --yes");
    ends(
        &ran,
        0,
        "replaced local_replica.db by a new copy of the primary",
    );
    ends(&ran, 0, "synced local_replica.db: at frame");
    ends(&project.run("sync"), 0, "nothing new");
    ends(&project.run("migrate"), 0, "applied V2");
    assert!(has(&project, "posts"));
    let left = project
        .files()
        .into_iter()
        .filter(|name| name.contains("successor"));
    assert_eq!(left.count(), 0);
}

#[test]
fn watch_replaces_the_replica_of_a_new_log() {
    let server = server(Replication::V1);
    let project = project(&server).after("migrate").file(
        "config.toml",
        "[turso.local_replica]\nsync_interval_seconds = 1\n",
    );
    let mut watching = project.spawn("sync --watch");
    watching.wait_for("nothing new for local_replica.db");
    server.renew_log().unwrap();
    let project = change(project, &server, "V2__posts", "CREATE TABLE posts (x);\n");
    watching.wait_for("its log is a new one");
    watching.wait_for("replaced local_replica.db by a new copy of the primary");
    watching.wait_for("synced local_replica.db: at frame");
    assert!(has(&project, "posts"));
}

#[test]
fn a_new_copy_that_does_not_come_leaves_the_old_one() {
    let server = server(Replication::V1);
    let project = project(&server).after("migrate");
    server.renew_log().unwrap();
    let before = replica_files(&project);
    server.faults(vec![Rule {
        request: None,
        path: Some("/wal_log.ReplicationLog/BatchLogEntries".to_owned()),
        fault: Fault::Status {
            status: 502,
            retry_after: None,
        },
    }]);
    ends(&project.run("sync --yes"), 1, "error[");
    assert!(replica_files(&project) == before);
    assert!(has(&project, "users"));
    server.no_faults();
    ends(&project.run("sync --yes"), 0, "replaced");
}

#[test]
fn a_replica_whose_database_file_was_emptied_is_broken() {
    let server = server(Replication::V1);
    let project = project(&server).after("migrate");
    project.write(FILE, "");
    let wal = format!("{FILE}-wal");
    if project.path(&wal).exists() {
        project.remove(&wal);
    }
    for line in ["sync", "replica copy new.db", "migrate"] {
        let ran = project.run(line);
        ends(&ran, 1, "error[broken-replica]");
        ends(
            &ran,
            1,
            "has lost what was in its database file, which is empty",
        );
    }
    let project = project.after("replica reset").after("sync");
    assert!(has(&project, "users"));
}

/// Puts a primary back to what it was when `folder` was copied.
fn put_back(server: Server, folder: &Path, replication: Replication) -> Server {
    let address = server.address();
    drop(server);
    let options = Options {
        replication,
        folder: Some(folder.to_owned()),
        ..Options::default()
    };
    Server::start_on(address, options).unwrap()
}

#[test]
fn a_primary_that_was_put_back_is_another_history_whether_it_has_passed_the_replica_or_not() {
    for replication in BOTH {
        // As many frames as before, and more.
        let same = "CREATE TABLE a (x);\n";
        let more = "CREATE TABLE a (x);\nCREATE TABLE b (x);\nCREATE TABLE c (x);\n";
        for changed in [None, Some(same), Some(more)] {
            let server = server(replication);
            let folder = tempfile::tempdir().unwrap();
            let project = project(&server).after("migrate");
            server.copy_to(folder.path()).unwrap();
            let project = project
                .migration("V2__posts", "CREATE TABLE posts (x);\n")
                .after("migrate");
            let server = put_back(server, folder.path(), replication);
            let project = match changed {
                None => project,
                Some(sql) => {
                    project.remove("migrations/V2__posts.sql");
                    change(project, &server, "V2__other", sql)
                }
            };
            let before = replica_files(&project);
            let ran = project.run("sync");
            ends(&ran, 1, "error[other-history]");
            ends(&ran, 1, "it was put back to an older copy of itself");
            ends(&ran, 1, "`seedbed replica copy FILE` keeps them");
            assert!(replica_files(&project) == before, "{ran}");
            let words = "put back to an older copy of itself";
            ends(&project.run("replica status"), 0, words);
            let doctor = project.run("doctor");
            assert!(doctor.stdout.contains(words), "{doctor}");
            ends(&project.run("migrate"), 1, "nothing was changed");
            ends(&project.run("sync --yes"), 0, "synced local_replica.db");
            assert_eq!(has(&project, "a"), changed.is_some());
            assert!(!has(&project, "posts"));
            assert_eq!(project.ask_of(FILE, ["PRAGMA integrity_check"]), ["ok"]);
        }
    }
}

#[test]
fn watch_does_not_replace_the_replica_of_a_primary_that_was_put_back() {
    let server = server(Replication::V1);
    let folder = tempfile::tempdir().unwrap();
    server.copy_to(folder.path()).unwrap();
    let project = project(&server).after("migrate").file(
        "config.toml",
        "[turso.local_replica]\nsync_interval_seconds = 1\n",
    );
    let _empty = put_back(server, folder.path(), Replication::V1);
    let ran = project.run("sync --watch");
    ends(&ran, 1, "another history");
    assert!(has(&project, "users"));
}

#[test]
fn a_log_that_is_being_compacted_is_waited_for() {
    for first in [true, false] {
        let server = server(Replication::V1);
        let project = match first {
            true => project(&server),
            false => project(&server).after("migrate"),
        };
        let project = change(project, &server, "V2__posts", "CREATE TABLE posts (x);\n");
        server.compact(3);
        let ran = project.run("sync");
        ends(&ran, 0, "synced local_replica.db");
        assert!(has(&project, "posts"));
        // What follows comes from the log again.
        let project = change(project, &server, "V3__more", "CREATE TABLE more (x);\n");
        ends(&project.run("sync"), 0, "synced");
        assert!(has(&project, "more"));
        assert_eq!(project.ask_of(FILE, ["PRAGMA integrity_check"]), ["ok"]);
    }
}

#[test]
fn a_log_that_stays_compacted_is_waited_for_until_the_lock_timeout_and_told_without_headers() {
    let server = server(Replication::V1);
    let project = project(&server).after("migrate");
    let project = change(project, &server, "V2__posts", "CREATE TABLE posts (x);\n");
    server.compact(u32::MAX);
    let ran = project.run("sync --lock-timeout 1");
    ends(&ran, 1, "error[primary-busy]");
    ends(
        &ran,
        1,
        "the primary answered Unavailable: snapshot not found",
    );
    ends(&ran, 1, "`--lock-timeout 600`");
    assert!(!ran.stderr.contains("metadata"), "{ran}");
    assert!(has(&project, "users"));
    assert!(!has(&project, "posts"));
}

#[test]
fn a_replica_that_another_program_has_locked_is_waited_for_and_the_error_names_the_lock() {
    let server = server(Replication::V1);
    let project = project(&server).after("migrate");
    let project = change(project, &server, "V2__posts", "CREATE TABLE posts (x);\n");
    let path = project.path(FILE);
    let runtime = crate::project::waiting();
    let locked = runtime.block_on(async {
        let database = libsql::Builder::new_local(path).build().await.unwrap();
        let connection = database.connect().unwrap();
        connection.execute("BEGIN IMMEDIATE", ()).await.unwrap();
        (database, connection)
    });
    let ran = project.run("sync --lock-timeout 0.5");
    ends(&ran, 6, "error[lock-timeout]");
    ends(&ran, 6, "another program holds a lock on");
    drop(locked);
    ends(&project.run("sync"), 0, "synced");
    assert!(has(&project, "posts"));
}

/// A replica whose first sync was cut off behind its first batch of frames.
fn half_synced(server: &Server) -> Project {
    let project = project(server).after(&format!(
        "migrate --mode remote --database {}",
        server.url()
    ));
    let sql = "CREATE TABLE large (text TEXT);\n\
               WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 5000)\n\
               INSERT INTO large SELECT printf('%01000d', n) FROM up;\n";
    let project = change(project, server, "V2__large", sql);
    let project = change(project, server, "V3__last", "CREATE TABLE last (x);\n");
    server.faults(vec![Rule {
        request: Some(2),
        path: Some("/wal_log.ReplicationLog/BatchLogEntries".to_owned()),
        fault: Fault::Status {
            status: 502,
            retry_after: None,
        },
    }]);
    let ran = project.run("sync");
    assert_eq!(ran.code, Some(1), "{ran}");
    server.no_faults();
    project
}

#[test]
fn a_half_synced_replica_is_not_copied_without_being_asked_for() {
    let server = server(Replication::V1);
    let project = half_synced(&server);
    assert!(has(&project, "large") && !has(&project, "last"));
    let last = server.replication_index().unwrap();
    let ran = project.run("replica copy copy.db");
    ends(&ran, 1, "error[unfinished-replica]");
    ends(&ran, 1, "did not end: it is at frame ");
    ends(&ran, 1, &format!(", and its primary at frame {last}"));
    ends(&ran, 1, "`seedbed sync` brings the rest");
    assert!(!project.path("copy.db").exists());
    ends(
        &project.run("replica status"),
        0,
        "never: its first sync did not end",
    );
    let doctor = project.run("doctor");
    assert!(
        doctor.stdout.contains("a later sync did not end"),
        "{doctor}"
    );
    let ran = project.run("replica copy part.db --allow-incomplete");
    ends(&ran, 0, "part.db is a local database");
    ends(&ran, 0, "warning: the last sync of the replica");
    ends(&project.run("sync"), 0, "synced");
    ends(
        &project.run("replica copy copy.db"),
        0,
        "copy.db is a local database",
    );
    assert_eq!(
        project.ask_of("copy.db", ["SELECT count(*) FROM large"]),
        ["5000"]
    );
}

#[test]
fn the_age_of_a_replica_is_that_of_the_last_sync_that_this_program_ended() {
    for replication in BOTH {
        let server = server(replication);
        let project = project(&server).after("migrate");
        let note = "local_replica.db-primary";
        let text = project.read(note);
        let seconds = text.lines().find_map(|line| line.strip_prefix("synced "));
        let seconds = seconds.unwrap().to_owned();
        // An hour earlier; the times of the files do not count.
        let earlier = seconds.parse::<u64>().unwrap() - 3600;
        project.write(note, text.replace(&seconds, &earlier.to_string()));
        ends(&project.run("replica status"), 0, "(1 h");
        ends(&project.run("doctor"), 0, "synced 60 minutes ago");
        // A sync that finds nothing new confirms it.
        ends(&project.run("sync"), 0, "nothing new");
        ends(&project.run("replica status"), 0, "(just now)");
        let text = project.read(note);
        let now = text.lines().find_map(|line| line.strip_prefix("synced "));
        project.write(note, text.replace(now.unwrap(), &earlier.to_string()));
        drop(server);
        ends(&project.run("status"), 0, "this is the replica as of ");
        let ran = project.run("status --format json").json();
        assert!(ran["age_seconds"].as_u64().unwrap() >= 3600);
    }
}

#[test]
fn the_folder_of_a_replica_is_made_by_its_first_sync_and_not_by_a_look() {
    for replication in BOTH {
        let server = server(replication);
        let project = project(&server).env("EMBEDDED_REPLICA_FILE", "share/xswarm/users.db");
        for line in ["doctor", "status", "replica status", "migrate --dry-run"] {
            assert_eq!(project.run(line).code, Some(0), "{line}");
            assert!(!project.path("share").exists(), "{line}");
        }
        ends(&project.run("migrate"), 0, "applied V1");
        assert!(project.path("share/xswarm/users.db").exists());
    }
}

#[cfg(unix)]
#[test]
fn doctor_tries_the_folder_of_a_replica_as_the_job_does() {
    use std::os::unix::fs::PermissionsExt;
    let server = server(Replication::V1);
    let project = project(&server)
        .file("data/notes", "")
        .env("EMBEDDED_REPLICA_FILE", "data/new/r.db");
    let Some(project) = project.powerless() else {
        println!("skipped: root cannot run the program as another user here");
        return;
    };
    let set = |mode| {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(project.path("data"), mode).unwrap();
    };
    set(0o555);
    let ran = project.run("doctor");
    set(0o755);
    assert_eq!(ran.code, Some(1), "{ran}");
    assert!(ran.stdout.contains("data: Permission denied"), "{ran}");
    ends(&project.run("doctor"), 0, "there is no file yet");
    ends(&project.run("sync"), 0, "");
}

/// Rows of three megabytes.
fn large(name: &str) -> String {
    format!(
        "CREATE TABLE {name} (text TEXT);\n\
         WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 3000)\n\
         INSERT INTO {name} SELECT printf('%01000d', n) FROM up;\n"
    )
}

#[test]
fn a_real_server_may_crash_and_compact_its_log() {
    let Some(mut sqld) = Sqld::of_the_environment() else {
        println!("skipped: SEEDBED_TEST_SQLD names no server");
        return;
    };
    let mut project = project_of(&sqld.url()).after("migrate");
    sqld.crash();
    ends(&project.run("sync"), 1, "its log is a new one");
    ends(&project.run("sync --yes"), 0, "replaced local_replica.db");
    for version in 2..8 {
        let name = format!("t{version}");
        project = project.migration(&format!("V{version}__{name}"), large(&name));
        project = project.after("migrate");
        assert!(has(&project, &name));
        ends(&project.run("sync"), 0, "nothing new");
    }
    let checks = ["SELECT count(*) FROM t7", "PRAGMA integrity_check"];
    assert_eq!(project.ask_of(FILE, checks), ["3000", "ok"]);
    // Another replica is made of the snapshots.
    ends(
        &project.run("sync --replica-file other.db"),
        0,
        "synced other.db",
    );
    assert_eq!(project.ask_of("other.db", checks), ["3000", "ok"]);
}
