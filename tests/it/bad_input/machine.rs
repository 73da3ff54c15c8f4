//! What the machine does not give: permissions and disk space.

use expect_test::expect;

use super::applied;

/// What permissions forbid. Root may do everything, so the program runs as another user there.
#[cfg(unix)]
mod permissions {
    use std::os::unix::fs::PermissionsExt;

    use expect_test::{Expect, expect};

    use super::applied;

    /// Runs `line` while a path has this mode.
    fn with_mode(path: &str, mode: u32, line: &str, expect: Expect) {
        let project = applied().migration("V2__posts", "CREATE TABLE posts (x);\n");
        let Some(project) = project.powerless() else {
            println!("skipped: root cannot run the program as somebody else here");
            return;
        };
        let before = project.bytes("local.db");
        let path = project.path(path);
        let set = |mode| std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        let was = std::fs::metadata(&path).unwrap().permissions().mode();
        set(mode);
        let ran = project.run(line);
        set(was);
        ran.check(expect);
        assert!(project.bytes("local.db") == before, "{ran}");
    }

    #[test]
    fn an_unreadable_directory() {
        with_mode(
            "migrations",
            0o000,
            "migrate",
            expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[unreadable-file]: cannot read migrations: Permission denied (os error 13)
            exit 1
        "#]],
        );
    }

    #[test]
    fn an_unreadable_file() {
        with_mode(
            "migrations/V2__posts.sql",
            0o000,
            "migrate",
            expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[unreadable-file]: cannot read migrations/V2__posts.sql: Permission denied (os error 13)
            exit 1
        "#]],
        );
    }

    #[test]
    fn a_database_that_may_only_be_read() {
        with_mode(
            "local.db",
            0o444,
            "migrate",
            expect![[r#"
                $ seedbed migrate
                2> target: local local.db (default)
                2> error[read-only]: the database cannot be changed: attempt to write a readonly database
                2>   |
                2>   = note: the transaction was rolled back
                2>   = help: check whether you may write the database file and its folder: the engine makes files beside it
                2>   = help: then run the command again
                2>
                2> nothing of this run is in the database; the database is at V1
                exit 1
            "#]],
        );
        with_mode(
            "local.db",
            0o444,
            "status",
            expect![[r#"
            $ seedbed status
            state  version  name  applied at  took  checksum
            ✓ applied  V1  users  [time] UTC  [ms]  50830624
            ○ pending  V2  posts  a6cd6540

            1 applied, 1 pending; the database is at V1
            2> target: local local.db (default)
        "#]],
        );
    }

    #[test]
    fn a_database_that_may_not_be_read() {
        with_mode(
            "local.db",
            0o000,
            "migrate",
            expect![[r#"
            $ seedbed migrate
            2> target: local local.db (default)
            2> error[cannot-open]: cannot open the database [root]/local.db: unable to open database file
            2>   |
            2>   = help: check whether the folder [root] exists, and whether you may read and write it
            exit 1
        "#]],
        );
        with_mode(
            "local.db",
            0o000,
            "status --format json",
            expect![[r#"
            $ seedbed status --format json
            {
              "schema_version": 1,
              "command": "status",
              "mode": "local",
              "database": "local.db",
              "outcome": "failed",
              "exit_code": 1,
              "items": [],
              "problems": [
                {
                  "code": "cannot-open",
                  "severity": "error",
                  "file": null,
                  "line": null,
                  "column": null,
                  "message": "cannot open the database [root]/local.db: unable to open database file",
                  "notes": [],
                  "help": "check whether the folder [root] exists, and whether you may read and write it"
                }
              ]
            }
            2> target: local local.db (default)
            exit 1
        "#]],
        );
    }

    #[test]
    fn a_folder_that_may_not_be_written_to() {
        with_mode(
            "",
            0o555,
            "migrate",
            expect![[r#"
                $ seedbed migrate
                2> target: local local.db (default)
                2> error[read-only]: the database cannot be changed: attempt to write a readonly database
                2>   |
                2>   = note: the transaction was rolled back
                2>   = help: check whether you may write the database file and its folder: the engine makes files beside it
                2>   = help: then run the command again
                2>
                2> nothing of this run is in the database; the database is at V1
                exit 1
            "#]],
        );
        with_mode(
            "",
            0o555,
            "migrate --database new.db",
            expect![[r#"
                $ seedbed migrate --database new.db
                2> target: local new.db (--database)
                2> error[cannot-open]: cannot open the database [root]/new.db: unable to open database file
                2>   |
                2>   = help: check whether the folder [root] exists, and whether you may read and write it
                2>
                2> nothing was changed; no version is applied
                exit 1
            "#]],
        );
        with_mode(
            "migrations",
            0o555,
            "new posts",
            expect![[r#"
            $ seedbed new posts
            2> error[write]: cannot write migrations/V3__posts.sql: Permission denied (os error 13)
            exit 1
        "#]],
        );
    }
}

/// A table of 3 MB, after one that fits.
const LARGE: &str = "CREATE TABLE small (x);\nCREATE TABLE large (text TEXT);\n\
                     WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 3000)\n\
                     INSERT INTO large SELECT printf('%01000d', n) FROM up;\n";

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk() {
    let project = applied().migration("V2__large", LARGE);
    std::fs::create_dir(project.path("disk")).unwrap();
    // A file system of its own, that no other process sees and that ends with the process.
    let inside = |script: &str| {
        let mut command = project.other("unshare");
        let mount = "mount -t tmpfs -o size=300k none disk";
        command.args([
            "--map-root-user",
            "--mount",
            "sh",
            "-c",
            &format!("{mount} || exit 99; {script}"),
        ]);
        command
    };
    match inside("exit 0").output() {
        Ok(output) if output.status.success() => {}
        output => {
            println!("skipped: no file system may be mounted here: {output:?}");
            return;
        }
    }
    let line = "migrate --database disk/local.db";
    let program = crate::PROGRAM;
    let script =
        format!("cp local.db disk/; {program} {line}; code=$?; cp -r disk after; exit $code");
    let ran = project.start(inside(&script), line).finish();
    ran.check(expect![[r#"
        $ seedbed migrate --database disk/local.db
        2> target: local disk/local.db (--database)
        2> error[disk-full]: V2 failed: database or disk is full
        2>  --> migrations/V2__large.sql:3:1
        2>   |
        2> 3 | WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 3000)
        2>   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        2>   |
        2>   = note: this is statement 3 of 3
        2>   = note: rolled back: V2
        2>   = help: make room: until it commits, a transaction needs space beside the database too
        2>   = help: then run `seedbed migrate --database disk/local.db` again
        2>
        2> nothing of this run is in the database; the database is at V1
        exit 1
    "#]]);
    assert!(
        project.bytes("after/local.db") == project.bytes("local.db"),
        "{ran}"
    );
    assert_eq!(std::fs::read_dir(project.path("after")).unwrap().count(), 1);
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_grow() {
    let project = applied().migration("V2__large", LARGE);
    let before = project.bytes("local.db");
    let mut command = project.other("sh");
    let script = "trap '' XFSZ; ulimit -f 600; exec \"$@\"";
    command.args(["-c", script, "sh", crate::PROGRAM, "migrate"]);
    let ran = project.start(command, "migrate").finish();
    ran.check(expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[io]: V2 failed: disk I/O error
        2>  --> migrations/V2__large.sql:3:1
        2>   |
        2> 3 | WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 3000)
        2>   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        2>   |
        2>   = note: this is statement 3 of 3
        2>   = note: rolled back: V2
        2>   = help: the operating system failed to read or write: check that the disk is mounted and healthy
        2>   = help: then run `seedbed migrate` again
        2>
        2> nothing of this run is in the database; the database is at V1
        exit 1
    "#]]);
    assert!(project.bytes("local.db") == before, "{ran}");
    // With room, the same files do.
    assert_eq!(project.run("migrate").code, Some(0));
}
