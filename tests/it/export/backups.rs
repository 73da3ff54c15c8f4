//! `backup`, `backup list`, `restore` and `migrate --backup` as processes.

use std::path::PathBuf;

use expect_test::expect;

use crate::bad_input::untouched;
use crate::project::Project;

fn project() -> Project {
    let project = Project::new()
        .migration(
            "V1__users",
            "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);\n",
        )
        .after("migrate");
    project.change(&[
        "INSERT INTO users VALUES (1, 'ann'), (2, 'bob')",
        "INSERT INTO _migrations (kind, version, state, applied_at, run_id, applied_by, detail) \
         VALUES ('meta', 'environment', 'applied', '', '', '', 'prod')",
    ]);
    project
}

/// The packed dumps in a folder, sorted.
fn packed(project: &Project, folder: &str) -> Vec<String> {
    let files = project.files().into_iter();
    files
        .filter(|file| file.starts_with(folder) && file.ends_with(".gz"))
        .collect()
}

#[test]
fn a_backup_is_signed_and_its_owners_alone() {
    let project = project();
    let ran = project.run("backup");
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(ran.stdout.is_empty(), "{ran}");
    assert!(
        ran.stderr.contains("3 rows") || ran.stderr.contains("rows of 2 tables"),
        "{ran}"
    );
    let files = packed(&project, "backups/local-");
    let [file] = files.as_slice() else {
        panic!("{files:?}");
    };
    #[cfg(unix)]
    for path in ["backups".to_owned(), file.clone(), format!("{file}.sha256")] {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(project.path(&path))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0, "{path}");
    }
    // As other programs check it.
    let mut command = project.other("sha256sum");
    command
        .arg("-c")
        .arg(project.path(format!("{file}.sha256")));
    command.current_dir(project.path("backups"));
    if let Ok(output) = command.output() {
        assert!(output.status.success());
    }
    // Two in one second, and nothing to say for cron.
    for _ in 0..2 {
        let ran = project.run("backup --quiet");
        assert_eq!(
            (ran.code, ran.stdout.as_str(), ran.stderr.as_str()),
            (Some(0), "", "")
        );
    }
    assert_eq!(packed(&project, "backups/local-").len(), 3);
}

#[test]
fn old_backups_of_the_same_database_go_once_there_is_a_new_one() {
    let project = project();
    let ran = project.run("backup --dir kept");
    assert_eq!(ran.code, Some(0), "{ran}");
    let taken = packed(&project, "kept/").remove(0);
    let old = [
        "local-20200101T000000Z.sql.gz",
        "local-20200101T000000Z.sql.gz.sha256",
        "local-20210101T000000Z.sql.gz",
        "other-20200101T000000Z.sql.gz",
        "local.sql.gz",
    ];
    let text = project.bytes(&taken).unwrap();
    for name in old {
        project.write(format!("kept/{name}"), &text);
    }
    project.remove(format!("{taken}.sha256"));
    project.remove(taken);
    // One that fails takes none away.
    project.write(
        "broken.db",
        "this is no database, and long enough to be looked at for one\n".repeat(20),
    );
    let failed = project.run("backup --dir kept --database broken.db");
    assert_eq!(failed.code, Some(1), "{failed}");
    let unread = project.files();
    assert_eq!(
        unread.iter().filter(|it| it.starts_with("kept/")).count(),
        old.len(),
        "{unread:?}"
    );
    let ran = project.run("backup --dir kept --keep-days 7");
    assert!(
        ran.stderr.contains("removed local-20200101T000000Z.sql.gz"),
        "{ran}"
    );
    let left: Vec<String> = project
        .files()
        .into_iter()
        .filter(|file| file.starts_with("kept/") && !file.starts_with("kept/local-20"))
        .collect();
    assert_eq!(
        left,
        ["kept/local.sql.gz", "kept/other-20200101T000000Z.sql.gz"]
    );
    assert_eq!(packed(&project, "kept/local-").len(), 1);
}

#[test]
fn backups_are_listed_with_their_state() {
    let project = project();
    untouched(&project, "backup list").check(expect![[r#"
        $ seedbed backup list
        no backups in backups
    "#]]);
    for (name, text) in [
        ("local-20200101T000000Z.sql.gz", "a"),
        ("local-20210101T000000Z.sql.gz", "b"),
        (
            "local-20210101T000000Z.sql.gz.sha256",
            "0000  local-20210101T000000Z.sql.gz\n",
        ),
        ("local-20220101T000000Z.sql.gz", "c"),
        (
            "local-20220101T000000Z.sql.gz.sha256",
            "2e7d2c03a9507ae265ecf5b5356885a53393a2029d241394997265a1a25aefc6  local-20220101T000000Z.sql.gz\n",
        ),
    ] {
        project.write(format!("backups/{name}"), text);
    }
    let ran = untouched(&project, "backup list");
    let lines: Vec<Vec<&str>> = ran
        .stdout
        .lines()
        .map(|line| line.split("  ").filter(|it| !it.is_empty()).collect())
        .collect();
    let states: Vec<(&str, &str)> = lines
        .iter()
        .map(|line| (line[0].trim(), line[line.len() - 1].trim()))
        .collect();
    assert_eq!(
        states,
        [
            ("file", "state"),
            ("local-20220101T000000Z.sql.gz", "good"),
            ("local-20210101T000000Z.sql.gz", "damaged"),
            ("local-20200101T000000Z.sql.gz", "no checksum"),
        ]
    );
    let json = project.run("backup list --format json");
    assert!(
        json.stdout.contains("\"state\": \"good\"") || json.stdout.contains("\"state\":\"good\""),
        "{json}"
    );
}

#[test]
fn a_backup_is_restored_into_a_new_database_only() {
    let project = project();
    project.run("backup");
    let file = packed(&project, "backups/").remove(0);
    let ran = untouched(&project, &format!("restore {file}"));
    assert_eq!(ran.code, Some(4), "{ran}");
    assert!(ran.stderr.contains("not-empty"), "{ran}");
    let ran = project.run(&format!("restore {file} --database new.db"));
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(
        ran.stderr
            .contains("the backup is of a database marked `prod`; this database has no mark"),
        "{ran}"
    );
    assert!(ran.stdout.contains(&format!("restored {file}: ")), "{ran}");
    assert!(!ran.stdout.contains("imported"), "{ran}");
    let answers = |database: &str| {
        project.ask_of(
            database,
            [
                "SELECT * FROM users",
                "SELECT kind, version, checksum FROM _migrations WHERE kind = 'migration'",
            ],
        )
    };
    assert_eq!(answers("new.db"), answers("local.db"));
    let mark = "SELECT detail FROM _migrations WHERE version = 'environment'";
    assert_eq!(project.ask_of("new.db", [mark]), [""]);
    let ran = project.run(&format!(
        "restore {file} --mark staging --database marked.db"
    ));
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(project.ask_of("marked.db", [mark]), ["staging"]);
    let ran = project.run("status --database marked.db");
    assert_eq!(ran.code, Some(0), "{ran}");
}

#[test]
fn a_damaged_backup_is_not_restored() {
    let project = project();
    project.run("backup");
    let file = packed(&project, "backups/").remove(0);
    let mut bytes = project.bytes(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    project.write(&file, &bytes);
    let ran = untouched(&project, &format!("restore {file} --database new.db"));
    assert_eq!(ran.code, Some(4), "{ran}");
    assert!(ran.stderr.contains("error[damaged]"), "{ran}");
    // Without a checksum its gzip tells.
    project.remove(format!("{file}.sha256"));
    let ran = untouched(&project, &format!("restore {file} --database new.db"));
    assert_ne!(ran.code, Some(0), "{ran}");
    let ran = untouched(&project, "restore none.sql.gz --database new.db");
    assert_eq!(ran.code, Some(2), "{ran}");
}

#[test]
fn a_migration_takes_a_backup_before_its_first_change() {
    let project = project();
    // Nothing to do: none is taken.
    project.run("migrate --backup");
    assert!(packed(&project, "backups/").is_empty());
    project.write(
        "migrations/V2__more.sql",
        "ALTER TABLE users ADD COLUMN x;\n",
    );
    let ran = project.run("migrate --backup");
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(packed(&project, "backups/").len(), 1);
    project.write(
        "migrations/V3__bad.sql",
        "INSERT INTO nowhere VALUES (1);\n",
    );
    let ran = project.run("migrate --backup");
    assert_eq!(ran.code, Some(1), "{ran}");
    let files = packed(&project, "backups/");
    assert_eq!(files.len(), 2);
    assert!(
        ran.stderr.contains(&format!("restore {}", files[1])),
        "{ran}"
    );
    // Where there is no database, there is nothing to back up.
    let ran = project.run("migrate --backup --database none.db --to 2");
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(
        ran.stderr
            .contains("no backup: the database is not there yet"),
        "{ran}"
    );
}

#[test]
fn a_project_that_wants_backups_is_told_of_their_age() {
    let project = project();
    let check = |project: &Project| {
        let ran = project.run("doctor");
        let mut lines = ran.stdout.lines();
        let line = lines.find(|line| line.contains(" backup "));
        line.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    assert_eq!(check(&project), None);
    project.write("config.toml", "[turso.backup]\nenabled = true\n");
    assert_eq!(
        check(&project).unwrap(),
        "✗ backup backups has no backup of this database"
    );
    project.run("backup");
    let told = check(&project).unwrap();
    assert!(
        told.starts_with("✓ backup the newest, local-") && told.ends_with("less than an hour old"),
        "{told}"
    );
    let file: PathBuf = packed(&project, "backups/").remove(0).into();
    for ending in ["", ".sha256"] {
        let from = project.path(format!("{}{ending}", file.display()));
        let to = format!("backups/local-20200101T000000Z.sql.gz{ending}");
        std::fs::rename(from, project.path(to)).unwrap();
    }
    let told = check(&project).unwrap();
    assert!(
        told.starts_with("✗ backup") && told.ends_with("days old"),
        "{told}"
    );
}

#[test]
fn what_cannot_be_backed_up_is_told() {
    let project = project();
    project.write("file", "in the way");
    for (line, expect) in [
        (
            "backup --database none.db",
            expect![[r#"
            $ seedbed backup --database none.db
            2> target: local none.db (--database)
            2> error[no-database]: there is no database none.db
            2>   |
            2>   = help: name another one with `--database FILE`
            exit 2
        "#]],
        ),
        (
            "backup --keep-days 0",
            expect![[r#"
            $ seedbed backup --keep-days 0
            2> error[config]: --keep-days is not a whole number from 1
            2>   |
            2>   = help: the newest good backup is kept whatever its age
            exit 2
        "#]],
        ),
        (
            "backup --dir file",
            expect![[r#"
            $ seedbed backup --dir file
            2> target: local local.db (default)
            2> error[file]: cannot write [root]/file: File exists (os error 17)
            2>   |
            2>   = help: check whether the folder exists, whether you may write there, and whether the disk is full
            2>
            2> there is no new backup, and the old ones are as they were
            exit 1
        "#]],
        ),
    ] {
        untouched(&project, line).check(expect);
    }
}

#[test]
fn a_server_is_backed_up_and_restored_in_every_mode() {
    let server = crate::server::ours(seedbed_test_server::Options::default());
    let project = Project::new()
        .migration("V1__users", "CREATE TABLE users (id INTEGER PRIMARY KEY, r REAL);\nINSERT INTO users VALUES (1, 9e999), (2, -9e999);\n")
        .env("TURSO_DATABASE_URL", &server.url());
    assert_eq!(project.run("migrate --mode replica").code, Some(0));
    for mode in ["remote", "replica"] {
        let ran = project.run(&format!("backup --dir {mode} --mode {mode}"));
        assert_eq!(ran.code, Some(0), "{ran}");
        let file = packed(&project, mode).remove(0);
        let ran = project.run(&format!("restore {file} --database {mode}.db"));
        assert_eq!(ran.code, Some(0), "{ran}");
        let rows = "SELECT group_concat(r) FROM users";
        assert_eq!(project.ask_of(&format!("{mode}.db"), [rows]), ["Inf,-Inf"]);
        let other = crate::server::ours(seedbed_test_server::Options::default());
        let line = format!("restore {file} --mark staging --database {}", other.url());
        let ran = project.run(&line);
        assert_eq!(ran.code, Some(0), "{ran}");
        let ran = project.run(&line);
        assert_eq!(ran.code, Some(0), "the same command again: {ran}");
        let [new, old] = [other.url(), server.url()].map(|url| {
            let line = format!("export --quiet --no-history --database {url}");
            project.run(&line).stdout
        });
        assert_eq!(new, old);
        assert!(new.contains("-9e999"), "{new}");
    }
    // Where the answer breaks off there is no new backup, and nothing is left of it.
    server.faults(vec![seedbed_test_server::Rule {
        request: None,
        path: Some("/v3/cursor".to_owned()),
        fault: seedbed_test_server::Fault::CutBody,
    }]);
    let before = project.files();
    let ran = project.run("backup --dir remote --mode remote");
    assert_eq!(ran.code, Some(1), "{ran}");
    assert_eq!(project.files(), before);
}

#[cfg(unix)]
#[test]
fn a_backup_that_is_told_to_stop_leaves_nothing() {
    let project = project();
    project.change(&[
        "CREATE TABLE big (x)",
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO big SELECT randomblob(2000) FROM n",
    ]);
    let running = project.spawn("backup");
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !project
        .files()
        .iter()
        .any(|file| file.ends_with(".partial"))
    {
        assert!(std::time::Instant::now() < until);
    }
    running.signal("TERM");
    let ran = running.finish();
    assert_eq!(ran.code, Some(130), "{ran}");
    let files = project.files();
    assert!(
        !files.iter().any(|file| file.starts_with("backups/")),
        "{files:?}"
    );
}
