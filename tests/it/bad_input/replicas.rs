//! Replicas that are none, that lost something, or that cannot be written: the report, and that the file, its
//! neighbours and the primary are as they were.

use expect_test::{Expect, expect};
use seedbed_test_server::{Access, Auth, Options, Replication, Server};

use super::{USERS, untouched};
use crate::process::Ran;
use crate::project::Project;
use crate::server::ours;

const FILE: &str = "local_replica.db";
const BOTH: [Replication; 2] = [Replication::V1, Replication::V2];

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
        .migration("V1__users", USERS)
}

/// What was printed, with the primary's address taken out.
fn said(ran: &Ran, server: &Server) -> String {
    let address = server.address().to_string();
    ran.to_string().replace(&address, "[primary]")
}

/// Runs `line` by both protocols: it says the same, and neither a file nor the primary is changed.
fn refused(line: &str, make: impl Fn(&Server) -> Project, expect: Expect) {
    refused_within(line, make, |_, run| run(), expect);
}

/// The same, with something else about the machine while it runs.
fn refused_within(
    line: &str,
    make: impl Fn(&Server) -> Project,
    within: impl Fn(&Project, &dyn Fn() -> Ran) -> Ran,
    expect: Expect,
) {
    let both = BOTH.map(|replication| {
        let server = server(replication);
        let project = make(&server);
        let before = server.replication_index();
        let ran = within(&project, &|| untouched(&project, line));
        assert_eq!(
            server.replication_index(),
            before,
            "the primary was changed"
        );
        said(&ran, &server)
    });
    assert_eq!(both[0], both[1]);
    expect.assert_eq(&both[0]);
}

#[test]
fn a_text_file() {
    let text = "Notes that somebody wrote.\n".repeat(200);
    let make = |server: &Server| project(server).file(FILE, &text);
    refused(
        "sync",
        make,
        expect![[r#"
        $ seedbed sync
        2> target: replica local_replica.db of http://[primary] (TURSO_DATABASE_URL from the environment)
        2> error[not-a-replica]: [root]/local_replica.db is no replica: it is not a database
        2>   |
        2>   = help: name another file with `--replica-file FILE`, or move that one away: a replica is made from its primary by the first sync
        exit 1
    "#]],
    );
    refused(
        "migrate",
        make,
        expect![[r#"
        $ seedbed migrate
        2> target: replica local_replica.db of http://[primary] (TURSO_DATABASE_URL from the environment)
        2> error[not-a-replica]: [root]/local_replica.db is no replica: it is not a database
        2>   |
        2>   = help: name another file with `--replica-file FILE`, or move that one away: a replica is made from its primary by the first sync
        2>
        2> nothing was changed
        exit 1
    "#]],
    );
    refused(
        "replica reset",
        make,
        expect![[r#"
        $ seedbed replica reset
        2> target: replica local_replica.db of http://[primary] (TURSO_DATABASE_URL from the environment)
        2> error[not-a-replica]: [root]/local_replica.db is no replica: it has neither a -client_wal_index nor an -info file beside it
        2>   |
        2>   = help: name another file with `--replica-file FILE`, or move that one away: a replica is made from its primary by the first sync
        exit 1
    "#]],
    );
}

#[test]
fn a_database_of_somebodys_own() {
    let make =
        |server: &Server| project(server).after("migrate --mode local --database local_replica.db");
    refused(
        "sync",
        make,
        expect![[r#"
            $ seedbed sync
            2> target: replica local_replica.db of http://[primary] (TURSO_DATABASE_URL from the environment)
            2> error[not-a-replica]: [root]/local_replica.db is no replica: it is a database without the -client_wal_index or -info file of a replica
            2>   |
            2>   = help: name another file with `--replica-file FILE`, or move that one away: a replica is made from its primary by the first sync
            2>   = help: if it was a replica that lost that file, nothing tells it from a database of your own any more: remove it by hand, with its -wal and -shm
            exit 1
        "#]],
    );
    refused(
        "migrate",
        make,
        expect![[r#"
            $ seedbed migrate
            2> target: replica local_replica.db of http://[primary] (TURSO_DATABASE_URL from the environment)
            2> error[not-a-replica]: [root]/local_replica.db is no replica: it is a database without the -client_wal_index or -info file of a replica
            2>   |
            2>   = help: name another file with `--replica-file FILE`, or move that one away: a replica is made from its primary by the first sync
            2>   = help: if it was a replica that lost that file, nothing tells it from a database of your own any more: remove it by hand, with its -wal and -shm
            2>
            2> nothing was changed
            exit 1
        "#]],
    );
    refused(
        "replica reset",
        make,
        expect![[r#"
        $ seedbed replica reset
        2> target: replica local_replica.db of http://[primary] (TURSO_DATABASE_URL from the environment)
        2> error[not-a-replica]: [root]/local_replica.db is no replica: it has neither a -client_wal_index nor an -info file beside it
        2>   |
        2>   = help: name another file with `--replica-file FILE`, or move that one away: a replica is made from its primary by the first sync
        exit 1
    "#]],
    );
}

/// A replica without the file that tells how far it has come; there is more to apply.
fn without_side_file(server: &Server) -> Project {
    let project = project(server).after("migrate");
    let side = ["local_replica.db-client_wal_index", "local_replica.db-info"];
    let side = side.iter().find(|side| project.path(side).exists());
    project.remove(side.unwrap());
    project.migration("V2__posts", "CREATE TABLE posts (x);\n")
}

#[test]
fn a_replica_that_lost_its_side_file() {
    refused(
        "sync",
        without_side_file,
        expect![[r#"
        $ seedbed sync
        2> target: replica local_replica.db of http://[primary] (TURSO_DATABASE_URL from the environment)
        2> error[broken-replica]: the replica [root]/local_replica.db is broken: it has lost its -client_wal_index or -info file, which tells how far it has come
        2>   |
        2>   = help: the primary has everything: `seedbed replica reset` removes what is left of it, `seedbed sync` creates it again
        exit 1
    "#]],
    );
    refused(
        "migrate",
        without_side_file,
        expect![[r#"
        $ seedbed migrate
        2> target: replica local_replica.db of http://[primary] (TURSO_DATABASE_URL from the environment)
        2> error[broken-replica]: the replica [root]/local_replica.db is broken: it has lost its -client_wal_index or -info file, which tells how far it has come
        2>   |
        2>   = help: the primary has everything: `seedbed replica reset` removes what is left of it, `seedbed sync` creates it again
        2>
        2> nothing was changed
        exit 1
    "#]],
    );
    // What the words say helps.
    for replication in BOTH {
        let server = server(replication);
        let project = without_side_file(&server);
        let project = project
            .after("replica reset")
            .after("sync")
            .after("migrate");
        let tables = "SELECT count(*) FROM sqlite_schema WHERE name IN ('users', 'posts')";
        assert_eq!(project.ask_of(FILE, [tables]), ["2"]);
    }
}

#[test]
fn an_expired_token() {
    for replication in BOTH {
        let server = ours(Options {
            replication,
            auth: Auth::Token,
            ..Options::default()
        });
        let token = |expires| server.token(Access::Full, expires).unwrap();
        let project = project(&server)
            .file("token", token(None))
            .env("TURSO_AUTH_TOKEN_FILE", "token")
            .after("migrate");
        let expired = token(Some(-3600));
        project.write("token", &expired);
        project.write("migrations/V2__posts.sql", "CREATE TABLE posts (x);\n");
        for line in ["sync", "migrate", "status", "sync --format json"] {
            let ran = untouched(&project, line);
            assert_eq!(ran.code, Some(1), "{ran}");
            let said = format!("{}{}", ran.stdout, ran.stderr);
            assert!(said.contains("The JWT has expired"), "{ran}");
            assert!(said.contains("the token expired on "), "{ran}");
            assert!(said.contains("turso db tokens create"), "{ran}");
            for part in expired.split('.') {
                assert!(!said.contains(part), "{ran}");
            }
        }
        project.write("token", token(None));
        assert_eq!(project.run("migrate").code, Some(0));
    }
}

#[cfg(unix)]
#[test]
fn a_replica_in_a_folder_that_is_a_file() {
    let make = |server: &Server| project(server).file("data", "mine");
    refused(
        "sync --replica-file data/r.db",
        make,
        expect![[r#"
            $ seedbed sync --replica-file data/r.db
            2> target: replica data/r.db of http://[primary] (TURSO_DATABASE_URL from the environment)
            2> error[file]: [root]/data: not a directory
            2>   |
            2>   = help: a file is in the place of a folder: name another path, or move that file
            exit 1
        "#]],
    );
    refused(
        "migrate --replica-file data/r.db",
        make,
        expect![[r#"
            $ seedbed migrate --replica-file data/r.db
            2> target: replica data/r.db of http://[primary] (TURSO_DATABASE_URL from the environment)
            2> error[file]: [root]/data: Not a directory (os error 20)
            2>   |
            2>   = help: a file is in the place of a folder: name another path, or move that file
            2>
            2> nothing was changed
            exit 1
        "#]],
    );
    refused(
        "migrate --replica-file data/new/r.db",
        make,
        expect![[r#"
            $ seedbed migrate --replica-file data/new/r.db
            2> target: replica data/new/r.db of http://[primary] (TURSO_DATABASE_URL from the environment)
            2> error[file]: [root]/data: Not a directory (os error 20)
            2>   |
            2>   = help: a file is in the place of a folder: name another path, or move that file
            2>
            2> nothing was changed
            exit 1
        "#]],
    );
}

#[cfg(unix)]
#[test]
fn a_replica_in_a_folder_that_may_not_be_written_to() {
    use std::os::unix::fs::PermissionsExt;
    let powerless = |server: &Server| project(server).file("data/notes", "").powerless();
    if powerless(&server(Replication::V1)).is_none() {
        println!("skipped: root cannot run the program as somebody else here");
        return;
    }
    let locked = |project: &Project, run: &dyn Fn() -> Ran| {
        let set = |mode| {
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(project.path("data"), mode).unwrap();
        };
        set(0o555);
        let ran = run();
        set(0o755);
        ran
    };
    let new = |server: &Server| powerless(server).unwrap();
    refused_within(
        "sync --replica-file data/r.db",
        new,
        locked,
        expect![[r#"
            $ seedbed sync --replica-file data/r.db
            2> target: replica data/r.db of http://[primary] (TURSO_DATABASE_URL from the environment)
            2> syncing data/r.db, which is not there yet
            2> error[file]: [root]/data: Permission denied (os error 13)
            2>   |
            2>   = help: other files are written beside the database: check whether the folder [root]/data exists, and whether you may read and write it
            exit 1
        "#]],
    );
    refused_within(
        "migrate --replica-file data/r.db",
        new,
        locked,
        expect![[r#"
            $ seedbed migrate --replica-file data/r.db
            2> target: replica data/r.db of http://[primary] (TURSO_DATABASE_URL from the environment)
            2> error[file]: [root]/data: Permission denied (os error 13)
            2>   |
            2>   = help: other files are written beside the database: check whether the folder [root]/data exists, and whether you may read and write it
            2>
            2> nothing was changed
            exit 1
        "#]],
    );
    let made = |server: &Server| {
        let project = new(server).after("migrate --replica-file data/r.db");
        project.migration("V2__posts", "CREATE TABLE posts (x);\n")
    };
    refused_within(
        "migrate --replica-file data/r.db",
        made,
        locked,
        expect![[r#"
            $ seedbed migrate --replica-file data/r.db
            2> target: replica data/r.db of http://[primary] (TURSO_DATABASE_URL from the environment)
            2> error[file]: [root]/data: Permission denied (os error 13)
            2>   |
            2>   = help: other files are written beside the database: check whether the folder [root]/data exists, and whether you may read and write it
            2>
            2> nothing was changed
            exit 1
        "#]],
    );
}

/// A table of 3 MB.
#[cfg(unix)]
const LARGE: &str = "CREATE TABLE large (text TEXT);\n\
                     WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 3000)\n\
                     INSERT INTO large SELECT printf('%01000d', n) FROM up;\n";

/// With files that may not grow beyond 300 KB; then without that bound.
#[cfg(unix)]
#[test]
fn no_room_for_a_replica() {
    for replication in BOTH {
        for first in ["replica status", "sync"] {
            let server = server(replication);
            let remote = format!("migrate --mode remote --database {}", server.url());
            let project = project(&server)
                .after(&remote)
                .after(first)
                .migration("V2__large", LARGE);
            let within = |line: &str| {
                let mut command = project.other("sh");
                let script = "trap '' XFSZ; ulimit -f 600; exec \"$@\"";
                command.args(["-c", script, "sh", crate::PROGRAM]);
                command.args(line.split_whitespace());
                project.start(command, line).finish()
            };
            let ran = within("migrate");
            assert_eq!(ran.code, Some(1), "{ran}");
            assert!(ran.stdout.contains("applied V2"), "{ran}");
            let words = "applied on the primary; the replica was not synced: ";
            assert!(ran.stderr.contains(words), "{ran}");
            let again = within("sync");
            assert_eq!(again.code, Some(1), "{again}");
            assert!(
                again.stderr.contains("error[disk-full]") && again.stderr.contains("make room for"),
                "{again}"
            );
            // What it had before, it has whole.
            let answers = project.ask_of(
                FILE,
                ["SELECT count(*) FROM users", "PRAGMA integrity_check"],
            );
            assert_eq!(answers, ["0", "ok"]);
            // With room, the same files do; nothing of them was lost.
            let ran = project.run("sync");
            assert_eq!(ran.code, Some(0), "{ran}");
            let answers = project.ask_of(
                FILE,
                ["SELECT count(*) FROM large", "PRAGMA integrity_check"],
            );
            assert_eq!(answers, ["3000", "ok"]);
        }
    }
}
