//! Which old backups are removed: those of the same database, and never those of another one of the same name.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, SystemTime};

use expect_test::expect;
use seedbed::db::{Db, Options};
use seedbed::dump::{self, BackupOptions, Condition};

use crate::backup::{aged_to as aged, text_of};
use crate::project::Project;

/// A project with databases in these files, which share one folder of backups.
fn project(databases: &[&str]) -> Project {
    let project = Project::new().migration("V1__t", "CREATE TABLE t (x);\n");
    for database in databases {
        std::fs::create_dir_all(project.path(database).parent().unwrap()).unwrap();
        let ran = project.run(&format!("migrate --database {database}"));
        assert_eq!(ran.code, Some(0), "{ran}");
    }
    project
}

/// Takes a backup, and gives what it prints behind its first line, and the file.
fn backup(project: &Project, line: &str) -> (String, String) {
    let before = packed(project);
    let ran = project.run(&format!("backup --dir kept {line}"));
    assert_eq!(ran.code, Some(0), "{ran}");
    let new = packed(project).into_iter().find(|it| !before.contains(it));
    let words = ran
        .stderr
        .lines()
        .filter(|line| !line.starts_with("target: "));
    let words: Vec<&str> = words.skip(1).collect();
    let root = project.path("").display().to_string();
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let words = words
        .join("\n")
        .replace(root.trim_end_matches('/'), "[root]");
    let words = match host.trim() {
        "" => words,
        host => words.replace(&format!(" on {host}"), " on [host]"),
    };
    let words = match words.split_once(", database id ") {
        Some((before, after)) => format!("{before}, database id [id]{}", &after[32..]),
        None => words,
    };
    (words, new.unwrap())
}

fn packed(project: &Project) -> Vec<String> {
    let files = project.files().into_iter();
    files.filter(|file| file.ends_with(".gz")).collect()
}

/// The same as a version before wrote it: without a record of its database.
fn without_record(project: &Project, file: &str) {
    let text = text_of(project, file);
    let (_, rest) = text.split_once('\n').unwrap();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(rest.as_bytes()).unwrap();
    project.write(file, packed.finish().unwrap());
    project.remove(format!("{file}.sha256"));
}

const LONG_AGO: &str = "20200101T000000Z";

#[test]
fn a_backup_of_one_database_removes_none_of_another() {
    let project = project(&["a/app.db", "b/app.db"]);
    let (_, of_a) = backup(&project, "--database a/app.db");
    let of_a = aged(&project, &of_a, LONG_AGO);
    // The other database is there and has its own retention: nothing to be said.
    let (words, of_b) = backup(&project, "--database b/app.db");
    assert_eq!(words, "");
    assert_eq!(packed(&project), [of_a.clone(), of_b.clone()]);
    let (words, of_a_again) = backup(&project, "--database a/app.db");
    assert_eq!(
        words,
        format!("removed {}, which was old", &of_a["kept/".len()..])
    );
    let mut left = [of_b, of_a_again];
    left.sort();
    assert_eq!(packed(&project), left);
}

#[test]
fn a_list_says_which_database_each_backup_is_of_where_there_are_several() {
    let project = project(&["a/app.db", "b/app.db"]);
    let list = |project: &Project| {
        let ran = project.run("backup list --dir kept");
        let lines = ran.stdout.lines().map(|line| {
            let cells = line.split("  ").filter(|cell| !cell.is_empty());
            let cells: Vec<&str> = cells.map(str::trim).collect();
            (cells.len(), cells[cells.len() - 1].to_owned())
        });
        lines.collect::<Vec<_>>()
    };
    backup(&project, "--database a/app.db");
    assert_eq!(
        list(&project),
        [(4, "state".to_owned()), (4, "good".to_owned())]
    );
    let (_, of_b) = backup(&project, "--database b/app.db");
    without_record(&project, &backup(&project, "--database b/app.db").1);
    let mut found: Vec<String> = list(&project).into_iter().map(|(_, last)| last).collect();
    found.sort();
    let place = |name: &str| project.path(name).display().to_string() + " on ";
    assert_eq!(found.len(), 4);
    assert!(found[0].starts_with(&place("a/app.db")), "{found:?}");
    assert!(found[1].starts_with(&place("b/app.db")), "{found:?}");
    assert_eq!(found[2..], ["database", "not recorded"]);
    let json = project.run("backup list --dir kept --format json").stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let backups = json["backups"].as_array().unwrap();
    let is_of_b = |it: &&serde_json::Value| it["file"].as_str().unwrap().ends_with(&of_b);
    let of_b = backups.iter().find(is_of_b).unwrap();
    assert_eq!(of_b["database"], "app");
    assert!(
        of_b["location"]
            .as_str()
            .unwrap()
            .starts_with(&place("b/app.db"))
    );
}

#[test]
fn an_old_backup_that_may_be_of_another_database_is_kept_and_named() {
    let project = project(&["a/app.db", "b/app.db"]);
    let (_, of_a) = backup(&project, "--database a/app.db");
    aged(&project, &of_a, LONG_AGO);
    // A database that was moved is not known to be the same.
    std::fs::rename(project.path("a"), project.path("c")).unwrap();
    let (words, _) = backup(&project, "--database c/app.db");
    expect!["kept 1 old backup not known to be of this database: app-20200101T000000Z.sql.gz (of [root]/a/app.db on [host], database id [id]); delete by hand what is not needed"].assert_eq(&words);
    // One of an earlier version, and one that is no backup at all.
    let (_, of_b) = backup(&project, "--database b/app.db");
    let of_b = aged(&project, &of_b, "20200102T000000Z");
    without_record(&project, &of_b);
    project.write("kept/app-20200103T000000Z.sql.gz", "x");
    project.write("kept/app-20200104T000000Z.sql.gz", "x");
    project.write("kept/other-20200104T000000Z.sql.gz", "x");
    let (words, _) = backup(&project, "--database b/app.db");
    expect!["kept 4 old backups not known to be of this database: app-20200104T000000Z.sql.gz (its database is not recorded), app-20200103T000000Z.sql.gz (its database is not recorded), app-20200102T000000Z.sql.gz (its database is not recorded), 1 more; delete by hand what is not needed"].assert_eq(&words);
    let ran = project.run("backup --dir kept --database b/app.db --quiet");
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
    let ran = project.run("backup --dir kept --database b/app.db --format json");
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(json["kept"].as_array().unwrap().len(), 4);
    assert_eq!(json["removed"].as_array().unwrap().len(), 0);
    // It can be restored as before.
    let ran = project.run(&format!("restore {of_b} --database new.db"));
    assert_eq!(ran.code, Some(0), "{ran}");
    // As before a migration.
    project.write("migrations/V2__u.sql", "CREATE TABLE u (x);\n");
    project.write("config.toml", "[turso.backup]\ndir = \"kept\"\n");
    let ran = project.run("migrate --backup --database b/app.db");
    assert!(ran.stderr.contains("kept 4 old backups not known"), "{ran}");
}

#[cfg(unix)]
#[test]
fn a_link_leads_to_the_same_database() {
    let project = project(&["a/app.db"]);
    std::os::unix::fs::symlink(project.path("a"), project.path("current")).unwrap();
    let (_, file) = backup(&project, "--database a/app.db");
    let file = aged(&project, &file, LONG_AGO);
    let (words, _) = backup(&project, "--database current/../current/app.db");
    assert_eq!(
        words,
        format!("removed {}, which was old", &file["kept/".len()..])
    );
}

#[test]
fn a_replica_is_backed_up_as_its_primary() {
    let server = crate::server::Server::start();
    let project = Project::new()
        .migration("V1__t", "CREATE TABLE t (x);\n")
        .env("TURSO_DATABASE_URL", &server.url());
    assert_eq!(project.run("migrate --mode replica").code, Some(0));
    let (_, file) = backup(&project, "--mode remote");
    let first = text_of(&project, &file);
    let first = first.lines().next().unwrap();
    assert!(first.starts_with("-- seedbed backup of {"), "{first}");
    assert!(first.contains(&server.url()), "{first}");
    let file = aged(&project, &file, LONG_AGO);
    let (words, _) = backup(&project, "--mode replica");
    assert_eq!(
        words,
        format!("removed {}, which was old", &file["kept/".len()..])
    );
    // Another server on this machine has another port, and so another name.
    let (_, file) = backup(&project, "--mode remote");
    let address = server.url().replace("http://", "").replace(':', "-");
    assert!(file.starts_with(&format!("kept/{address}-")), "{file}");
    aged(&project, &file, LONG_AGO);
    let other = crate::server::Server::start();
    let (words, _) = backup(&project, &format!("--database {}", other.url()));
    assert_eq!(words, "");
}

#[cfg(unix)]
#[test]
fn a_backup_through_a_link_of_another_name_is_one_of_the_same_database() {
    let project = project(&["a/app.db"]);
    std::os::unix::fs::symlink(project.path("a/app.db"), project.path("link.db")).unwrap();
    for (one, other) in [("link.db", "a/app.db"), ("a/app.db", "link.db")] {
        let (_, file) = backup(&project, &format!("--database {one}"));
        let file = aged(&project, &file, LONG_AGO);
        let (words, new) = backup(&project, &format!("--database {other}"));
        assert_eq!(
            words,
            format!("removed {}, which was old", &file["kept/".len()..])
        );
        project.remove(&new);
    }
}

#[test]
fn backups_of_one_moment_do_not_take_each_others_names() {
    let project = project(&["a/app.db", "b/app.db"]);
    let running: Vec<_> = (0..8)
        .map(|number| {
            let folder = if number % 2 == 0 { "a" } else { "b" };
            project.spawn(&format!(
                "backup --dir kept --quiet --database {folder}/app.db"
            ))
        })
        .collect();
    for running in running {
        let ran = running.finish();
        assert_eq!(ran.code, Some(0), "{ran}");
    }
    assert_eq!(packed(&project).len(), 8);
    let ran = project.run("backup list --dir kept");
    assert_eq!(ran.stdout.matches("  good  ").count(), 8, "{ran}");
    assert_eq!(ran.stdout.matches("/b/app.db").count(), 4, "{ran}");
}

#[tokio::test(flavor = "multi_thread")]
async fn backups_of_one_second_have_numbers_and_are_listed_the_newest_first() {
    let project = project(&["app.db"]);
    let db = Db::local(project.path("app.db"), Options::default()).unwrap();
    let now = SystemTime::now();
    let options = BackupOptions::new(project.path("kept"), "app".to_owned(), now).keep_days(30);
    let mut taken = Vec::new();
    for _ in 0..12 {
        taken.push(dump::backup(&db, &options).await.unwrap().file);
    }
    let first = taken[0].to_str().unwrap().strip_suffix(".sql.gz").unwrap();
    assert_eq!(taken[1], Path::new(&format!("{first}_02.sql.gz")));
    assert_eq!(taken[11], Path::new(&format!("{first}_12.sql.gz")));
    assert!(taken.is_sorted());
    let listed = dump::backups(&project.path("kept"), None).unwrap();
    let newest_first = taken.iter().rev();
    assert!(listed.iter().map(|kept| &kept.file).eq(newest_first));
    // None of them is from the future.
    assert!(listed.iter().all(|kept| kept.taken_at <= now));
    assert!(listed.iter().all(|kept| kept.state == Condition::Good));
    let later = options.now(now + Duration::from_secs(31 * 24 * 60 * 60));
    let backed_up = dump::backup(&db, &later).await.unwrap();
    assert_eq!(backed_up.removed.len(), 12, "{backed_up:?}");
}

#[test]
fn doctor_counts_the_backups_of_this_database_only() {
    let project = project(&["local.db", "b/local.db"]);
    project.write(
        "config.toml",
        "[turso.backup]\nenabled = true\ndir = \"kept\"\n",
    );
    let check = |project: &Project| {
        let ran = project.run("doctor");
        let line = ran.stdout.lines().find(|line| line.contains(" backup "));
        line.unwrap()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    let (_, of_b) = backup(&project, "--database b/local.db");
    assert_eq!(
        check(&project),
        "✗ backup kept has no backup of this database"
    );
    without_record(&project, &of_b);
    assert_eq!(
        check(&project),
        "✗ backup kept has no backup of this database; of 1 backup there the database is not recorded"
    );
    backup(&project, "");
    assert!(check(&project).starts_with("✓ backup the newest, local-"));
}
