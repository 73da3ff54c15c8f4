//! Replicas whose files are not what their last sync left: damaged pages, and an older file beside newer ones. Nothing may
//! say that such a file has all that its primary has.

use seedbed_test_server::{Options, Replication, Server};

use crate::project::Project;
use crate::server::ours;

const FILE: &str = "local_replica.db";

/// A page of the format that every replica has.
const PAGE: usize = 4096;

fn server(replication: Replication) -> Server {
    ours(Options {
        replication,
        ..Options::default()
    })
}

fn project(server: &Server) -> Project {
    let sql = "CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT);\n\
               WITH RECURSIVE up (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 2000) \
               INSERT INTO t SELECT n, printf('%050d', n) FROM up;\n";
    Project::new()
        .env("USE_EMBEDDED_REPLICA", "YES")
        .env("TURSO_DATABASE_URL", &server.url())
        .migration("V1__t", sql)
        .after("migrate")
}

/// Every command that reads the file says that it is broken and what to type, and that helps.
fn is_found_and_mended(project: &Project) {
    for line in ["replica status", "sync", "migrate", "replica copy new.db"] {
        let ran = project.run(line);
        assert_eq!(ran.code, Some(1), "{ran}");
        assert!(ran.stderr.contains("error[broken-replica]"), "{ran}");
        assert!(ran.stderr.contains("`seedbed replica reset`"), "{ran}");
    }
    assert_eq!(project.bytes("new.db"), None);
    let project = project_after(project, &["replica reset", "sync", "replica status"]);
    assert_eq!(
        project.ask_of(FILE, ["SELECT count(*) FROM t", "PRAGMA integrity_check"]),
        ["2000", "ok"]
    );
}

fn project_after<'p>(project: &'p Project, lines: &[&str]) -> &'p Project {
    for line in lines {
        let ran = project.run(line);
        assert_eq!(ran.code, Some(0), "{ran}");
    }
    project
}

/// Overwrites a page of a file of the replica.
fn damage(project: &Project, page: usize) {
    let mut bytes = project.bytes(FILE).unwrap();
    let bounds = (page - 1) * PAGE..page * PAGE;
    bytes[bounds].iter_mut().for_each(|byte| *byte ^= 0x5a);
    project.write(FILE, bytes);
}

#[test]
fn a_page_that_was_overwritten_is_found() {
    let server = server(Replication::V1);
    for page in [1, 2, 9] {
        let project = project(&server);
        damage(&project, page);
        let ran = project.run("doctor");
        assert_eq!(ran.code, Some(1), "{ran}");
        assert!(ran.stdout.contains("✗ replica"), "{ran}");
        is_found_and_mended(&project);
        // The next project has a database of its own.
        let ran = project.run("status");
        assert_eq!(ran.code, Some(0), "{ran}");
    }
}

#[test]
fn an_older_file_beside_newer_ones_is_found() {
    let server = server(Replication::V1);
    let project = project(&server);
    let older = project.bytes(FILE).unwrap();
    let project = project
        .migration(
            "V2__more",
            "CREATE TABLE more (x);\nINSERT INTO more VALUES (1);\n",
        )
        .after("migrate");
    project.write(FILE, older);
    is_found_and_mended(&project);
}

#[test]
fn a_file_that_an_application_wrote_with_the_same_content_is_fine() {
    let server = server(Replication::V1);
    let project = project(&server);
    let bytes = project.bytes(FILE).unwrap();
    // Another time, and nothing else.
    project.write(FILE, bytes);
    project_after(
        &project,
        &["sync", "migrate", "replica status", "replica copy new.db"],
    );
}

#[test]
fn a_folder_is_made_for_a_replica_only() {
    let server = server(Replication::V1);
    let project = Project::new()
        .env("USE_EMBEDDED_REPLICA", "YES")
        .env("TURSO_DATABASE_URL", &server.url());
    for line in ["status", "doctor", "replica status", "migrate --dry-run"] {
        project.run(&format!("{line} --replica-file one/two/r.db"));
        assert!(!project.path("one").exists(), "{line}");
    }
    let away = Project::new()
        .env("USE_EMBEDDED_REPLICA", "YES")
        .env("TURSO_DATABASE_URL", "http://127.0.0.1:1");
    for line in ["sync", "migrate"] {
        let ran = away.run(&format!(
            "{line} --replica-file one/two/r.db --lock-timeout 0"
        ));
        assert_eq!(ran.code, Some(1), "{ran}");
        assert!(!away.path("one").exists(), "{ran}");
    }
    project_after(&project, &["sync --replica-file one/two/r.db"]);
    assert!(project.path("one/two/r.db").exists());
}
