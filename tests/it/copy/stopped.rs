//! Copies that were stopped half-way: what is in the way meanwhile, and what goes on with them.

use std::sync::Arc;

use seedbed::db::{Db, Options, Query, Stop};
use seedbed::dump::import::{ImportEvent, ImportOptions};
use seedbed::dump::{CopyError, Input, copy::copy};
use seedbed::script::Run;

use super::{large, local, remote};
use crate::project::{Project, waiting};
use crate::server::Server;

const BYTES: u64 = 24_000;

/// Copies until the first rows are written.
fn stopped(from: Input, url: &str, command: &str) {
    let (handle, stop) = Stop::new();
    let options = Options::default().stop(stop);
    let to = Db::remote(url, None, options).unwrap();
    let on_event = Arc::new(move |event: ImportEvent| {
        if matches!(event, ImportEvent::Written { .. }) {
            handle.raise();
        }
    });
    let options = ImportOptions::default().transaction_bytes(BYTES);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let done = runtime.block_on(copy(
        &from,
        &to,
        &options,
        &Run::new("test"),
        on_event,
        command,
    ));
    assert!(matches!(done, Err(CopyError::Import(_))), "{done:?}");
}

struct Begun {
    project: Project,
    server: Server,
    line: String,
}

/// `local.db` on its way to a server.
fn begun() -> Begun {
    let project = large();
    let server = Server::start();
    let command = format!("copy local.db {}", server.url());
    let from = Input::database(local(project.path("local.db")), "local.db");
    stopped(from, &server.url(), &command);
    let line = format!("{command} --transaction-bytes {BYTES}");
    Begun {
        project,
        server,
        line,
    }
}

fn rows(server: &Server) -> String {
    let sql = "SELECT (SELECT count(*) || ' ' || sum(length(name)) FROM t) || ' ' || (SELECT count(*) FROM u)";
    let answers = waiting().block_on(remote(server).query(vec![Query::new(sql)]));
    let rows = answers.unwrap().remove(0).unwrap();
    rows[0][0].as_str().unwrap().to_owned()
}

#[test]
fn the_same_command_goes_on() {
    let Begun {
        project,
        server,
        line,
    } = begun();
    let ran = project.run(&line);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(ran.stdout.contains("went on from where a run of"), "{ran}");
    assert!(
        ran.stdout
            .contains("verified: 2 tables equal in every value"),
        "{ran}"
    );
    assert_eq!(rows(&server), project.ask("SELECT (SELECT count(*) || ' ' || sum(length(name)) FROM t) || ' ' || (SELECT count(*) FROM u)"));
}

#[test]
fn an_unfinished_copy_is_in_the_way_and_named() {
    let Begun {
        project,
        server,
        line: _,
    } = begun();
    let url = server.url();
    let again = format!("`seedbed copy local.db {url}`");
    let project = project
        .migration("V1__a", "CREATE TABLE a (x);")
        .file("other.sql", "CREATE TABLE other (x);")
        .file("seeds/a.yaml", "t:\n  a: {id: 1, name: x}\n");
    for line in ["migrate", "seed", "import other.sql", "status"] {
        let ran = project.run(&format!("{line} --database {url}"));
        assert_eq!(ran.code, Some(4), "{ran}");
        assert!(ran.to_string().contains(&again), "{ran}");
    }
    let other = project.run(&format!("copy other.sql {url}"));
    assert_eq!(other.code, Some(4), "{other}");
    assert!(
        other
            .stderr
            .contains("the copy of local.db into this database was not finished"),
        "{other}"
    );
    assert!(other.stderr.contains(&again), "{other}");
}

#[test]
fn a_source_that_changed_is_refused_and_copied_from_the_start() {
    let Begun {
        project,
        server,
        line,
    } = begun();
    project.change(&[
        "PRAGMA busy_timeout = 9000",
        "UPDATE t SET name = 'another' WHERE id = 1",
    ]);
    let ran = project.run(&line);
    assert_eq!(ran.code, Some(4), "{ran}");
    assert!(
        ran.stderr
            .contains("local.db has changed since this copy began"),
        "{ran}"
    );
    let again = format!("copy local.db {} --restart", server.url());
    assert!(ran.stderr.contains(&format!("`seedbed {again}`")), "{ran}");
    let ran = project.run(&again);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(
        ran.stdout
            .contains("verified: 2 tables equal in every value"),
        "{ran}"
    );
}

#[test]
fn what_changed_behind_the_part_that_was_copied_comes_as_it_is_now() {
    let Begun {
        project,
        server,
        line,
    } = begun();
    project.change(&[
        "PRAGMA busy_timeout = 9000",
        "DELETE FROM u WHERE id = 4000",
    ]);
    let ran = project.run(&line);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(
        ran.stdout
            .contains("verified: 2 tables equal in every value"),
        "{ran}"
    );
    assert!(rows(&server).ends_with(" 3999"), "{}", rows(&server));
}

#[test]
fn from_a_server_too() {
    let project = large();
    let (one, two) = (Server::start(), Server::start());
    let (first, second) = (one.url(), two.url());
    let ran = project.run(&format!("copy local.db {first}"));
    assert_eq!(ran.code, Some(0), "{ran}");
    let command = format!("copy {first} {second}");
    stopped(Input::database(remote(&one), &first), &second, &command);
    let ran = project.run(&format!("{command} --transaction-bytes {BYTES}"));
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(ran.stdout.contains("went on from where"), "{ran}");
    assert_eq!(rows(&one), rows(&two));
    // And once more from the start, into another.
    let three = Server::start();
    let third = three.url();
    let command = format!("copy {first} {third}");
    stopped(Input::database(remote(&one), &first), &third, &command);
    let ran = project.run(&format!("{command} --restart"));
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(rows(&one), rows(&three));
}
