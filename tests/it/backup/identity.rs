//! The id of a database: who has one, who gets another one, and what it is for.

use super::{aged, good, packed, text_of};
use crate::project::Project;
use crate::server::Server;

const ID: &str = "SELECT detail FROM _migrations WHERE kind = 'meta' AND version = 'database_id'";

fn project() -> Project {
    Project::new()
        .migration("V1__t", "CREATE TABLE t (a);\n")
        .after("migrate")
}

fn is_id(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[test]
fn the_first_write_gives_a_database_its_id_for_good() {
    let project = project();
    let id = project.ask(ID);
    assert!(is_id(&id), "{id}");
    project.write("migrations/V2__u.sql", "CREATE TABLE u (a);\n");
    project.run("migrate");
    assert_eq!(project.ask(ID), id);
    let other = self::project();
    assert_ne!(other.ask(ID), id);
    // A database of an earlier version has none until something is written.
    project.change(&["DELETE FROM _migrations WHERE version = 'database_id'"]);
    assert_eq!(project.run("status").code, Some(0));
    assert_eq!(project.ask(ID), "");
    good(&project, "backup");
    assert_eq!(project.ask(ID), "", "a backup writes nothing");
    project.write("migrations/V3__w.sql", "CREATE TABLE w (a);\n");
    assert_eq!(project.run("migrate").code, Some(0));
    let new = project.ask(ID);
    assert!(is_id(&new) && new != id, "{new}");
}

#[test]
fn a_backup_records_the_id() {
    let project = project();
    let file = good(&project, "backup");
    let text = text_of(&project, &file);
    let id = format!("\"database_id\":\"{}\"", project.ask(ID));
    assert!(text.lines().next().unwrap().contains(&id), "{text}");
}

#[test]
fn a_copy_has_an_id_of_its_own() {
    let project = project();
    let id = project.ask(ID);
    let file = good(&project, "backup");
    let mut ids = vec![id.clone()];
    for (line, database) in [
        (format!("restore {file} --database a.db"), "a.db"),
        (
            format!("restore {file} --mark test --database b.db"),
            "b.db",
        ),
        ("import local.db --database c.db".to_owned(), "c.db"),
        (format!("import {file} --database d.db"), "d.db"),
    ] {
        let ran = project.run(&line);
        assert_eq!(ran.code, Some(0), "{ran}");
        ids.push(project.ask_of(database, [ID]).remove(0));
    }
    // The same again changes nothing.
    let ran = project.run(&format!("restore {file} --database a.db"));
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(project.ask_of("a.db", [ID]), [ids[1].clone()]);
    for _ in 0..2 {
        let ran = project.run("test-db --quiet");
        assert_eq!(ran.code, Some(0), "{ran}");
        ids.push(project.ask_of(ran.stdout.trim(), [ID]).remove(0));
    }
    let server = Server::start();
    let ran = project.run(&format!("restore {file} --database {}", server.url()));
    assert_eq!(ran.code, Some(0), "{ran}");
    let project = project.env("TURSO_DATABASE_URL", &server.url());
    assert_eq!(project.run("sync --mode replica").code, Some(0));
    ids.push(project.ask_of("local_replica.db", [ID]).remove(0));
    let ran = project.run("replica copy e.db --mode replica");
    assert_eq!(ran.code, Some(0), "{ran}");
    ids.push(project.ask_of("e.db", [ID]).remove(0));
    assert!(ids.iter().all(|id| is_id(id)), "{ids:?}");
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all, "{ids:?}");
}

#[test]
fn rows_that_are_added_to_a_database_leave_its_id() {
    let project = project();
    let id = project.ask(ID);
    project.write("rows.sql", "BEGIN;\nINSERT INTO t VALUES (1);\nCOMMIT;\n");
    let ran = project.run("import rows.sql --into-existing");
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(project.ask(ID), id);
}

#[test]
fn old_backups_of_another_database_in_the_same_place_are_kept_and_named() {
    let project = project();
    let old = aged(&project, &good(&project, "backup"));
    let id = project.ask(ID);
    project.remove_database("local.db");
    project.run("migrate");
    let ran = project.run("backup");
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(
        ran.stderr
            .contains("kept 1 old backup not known to be of this database"),
        "{ran}"
    );
    assert!(ran.stderr.contains(&format!("database id {id}")), "{ran}");
    assert!(packed(&project).contains(&old));
}

#[test]
fn without_an_id_no_old_backup_is_known_to_be_of_this_database() {
    let project = Project::bare();
    project.change(&["CREATE TABLE t (a)", "INSERT INTO t VALUES ('only here')"]);
    let old = aged(&project, &good(&project, "backup"));
    // Another database takes its place.
    project.remove_database("local.db");
    project.change(&["CREATE TABLE other (a)"]);
    let ran = project.run("backup");
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(packed(&project).contains(&old), "{ran}");
    let words = "kept 1 old backup not known to be of this database";
    assert!(ran.stderr.contains(words), "{ran}");
    let words = "this database has no id, so no old backup is removed: `seedbed migrate` or `seedbed baseline V` gives it one";
    assert_eq!(ran.stderr.matches(words).count(), 1, "{ran}");
    // What it says to type works for the backups from then on.
    project.write("migrations/V1__other.sql", "CREATE TABLE other (a);\n");
    let ran = project.run("baseline 1");
    assert_eq!(ran.code, Some(0), "{ran}");
    for beside in ["", ".sha256"] {
        project.remove(format!("{old}{beside}"));
    }
    let second = aged(&project, &good(&project, "backup"));
    let ran = project.run("backup");
    assert!(!packed(&project).contains(&second), "{ran}");
}
