//! A connection that breaks off, a schema that changes, a journal that was left: never half a dump.

use std::io::Write;

use seedbed::db::{Db, DbError, Options};
use seedbed::dump::{ExportError, ExportOptions, export, export_file};
use seedbed_test_server::{Fault, Rule, Server};

use super::{change, dumped};
use crate::project::Project;
use crate::server::ours;

async fn served() -> (Server, Db) {
    let server = ours(seedbed_test_server::Options::default());
    let db = Db::remote(&server.url(), None, Options::default()).unwrap();
    change(
        &db,
        [
            "CREATE TABLE t (id INTEGER PRIMARY KEY, v)",
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
             INSERT INTO t SELECT i, hex(i) FROM n",
        ],
    )
    .await;
    (server, db)
}

/// The next stream of rows goes wrong. By its path: the request that closes the one before may be under way.
fn at_the_rows(server: &Server, fault: Fault) {
    server.faults(vec![Rule {
        request: Some(1),
        path: Some("/v3/cursor".to_owned()),
        fault,
    }]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_breaks_off_is_an_error() {
    let (server, db) = served().await;
    let whole = dumped(&db).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.sql");
    // The schema is asked for first, and then the rows.
    at_the_rows(&server, Fault::CutBody);
    let mut out = Vec::new();
    let error = export(&db, &ExportOptions::default(), &mut out).await;
    let Err(ExportError::Db(DbError::Remote(error))) = error else {
        panic!("{error:?}");
    };
    assert!(!out.is_empty() && out.len() < whole.len(), "{error}");
    at_the_rows(&server, Fault::CutBody);
    let error = export_file(&db, &ExportOptions::default(), &file).await;
    assert!(error.is_err());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    // Whatever step the connection ends at: all or an error.
    for step in 0..5 {
        at_the_rows(&server, Fault::DropDuring { step });
        let mut out = Vec::new();
        match export(&db, &ExportOptions::default(), &mut out).await {
            Ok(_) => assert_eq!(out, whole),
            Err(error) => assert!(matches!(error, ExportError::Db(_)), "{error}"),
        }
    }
    server.no_faults();
    assert_eq!(dumped(&db).await, whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_was_lost_before_its_answer_began_is_sent_again() {
    let (server, db) = served().await;
    let whole = dumped(&db).await;
    for fault in [
        Fault::DropBefore,
        Fault::Status {
            status: 502,
            retry_after: None,
        },
        Fault::Status {
            status: 429,
            retry_after: None,
        },
    ] {
        at_the_rows(&server, fault);
        assert_eq!(dumped(&db).await, whole);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_no_answer_is_an_error() {
    let (server, db) = served().await;
    at_the_rows(&server, Fault::Html);
    let error = export(&db, &ExportOptions::default(), &mut Vec::new()).await;
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("does not answer as a libSQL server does"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_changes_in_between_is_read_again() {
    let (server, db) = served().await;
    let database = server.database().to_path_buf();
    let mut times = 0;
    server.plan(move |request| {
        if request.path == "/v3/cursor" && times < 3 {
            times += 1;
            let builder = libsql::Builder::new_local(&database);
            let sql = format!("CREATE TABLE new{times} (x)");
            std::thread::spawn(move || {
                let work = async {
                    let connection = builder.build().await.unwrap().connect().unwrap();
                    connection.execute(&sql, ()).await.unwrap();
                };
                crate::project::waiting().block_on(work);
            })
            .join()
            .unwrap();
        }
        None
    });
    let dump = String::from_utf8(dumped(&db).await).unwrap();
    assert!(
        dump.contains("CREATE TABLE new3 (x);\n"),
        "{}",
        &dump[..300]
    );
    assert_eq!(dump.matches("BEGIN TRANSACTION").count(), 1);
}

/// A disk that is full after so many bytes.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 = self
            .0
            .checked_sub(bytes.len())
            .ok_or(std::io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_written_is_told_and_ends_the_reading() {
    let (_server, remote) = served().await;
    let memory = Db::memory(Options::default()).await.unwrap();
    change(
        &memory,
        [
            "CREATE TABLE t (x)",
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)
             INSERT INTO t SELECT hex(i) FROM n",
        ],
    )
    .await;
    for db in [&remote, &memory] {
        for bytes in [0, 100_000] {
            let error = export(db, &ExportOptions::default(), &mut Full(bytes)).await;
            assert!(matches!(error, Err(ExportError::Write(_))), "{error:?}");
        }
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn the_journal_of_a_run_that_was_killed_is_rolled_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app.db");
    let db = Db::local(&file, Options::default()).unwrap();
    change(
        &db,
        ["CREATE TABLE t (x)", "INSERT INTO t VALUES ('before')"],
    )
    .await;
    let whole = dumped(&db).await;
    // A copy of the files in the middle of a transaction is what a killed run leaves.
    let builder = libsql::Builder::new_local(&file);
    let connection = builder.build().await.unwrap().connect().unwrap();
    for sql in [
        "PRAGMA cache_size = 1",
        "BEGIN IMMEDIATE",
        "UPDATE t SET x = 'after'",
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO t SELECT hex(i) FROM n",
    ] {
        let mut rows = connection.query(sql, ()).await.unwrap();
        while rows.next().await.unwrap().is_some() {}
    }
    let killed = folder.path().join("killed.db");
    std::fs::copy(&file, &killed).unwrap();
    let journal = folder.path().join("app.db-journal");
    std::fs::copy(&journal, folder.path().join("killed.db-journal")).unwrap();
    let db = Db::local(&killed, Options::default()).unwrap();
    assert_eq!(dumped(&db).await, whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_there_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("none.db");
    let db = Db::local(&file, Options::default()).unwrap();
    assert_eq!(dumped(&db).await.len(), 52);
    assert!(!file.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_is_not_utf_8_comes_from_a_server_as_it_is_or_not_at_all() {
    let world = crate::world::World::remote().await;
    change(
        &world.db,
        [
            "CREATE TABLE t (x)",
            "INSERT INTO t VALUES ('a'), (CAST(x'ff' AS TEXT)), ('c')",
        ],
    )
    .await;
    let text = String::from_utf8(dumped(&world.db).await).unwrap();
    assert!(text.contains("VALUES(2,CAST(x'ff' AS TEXT));"), "{text}");
    // Without a rowid each row comes by itself, and its texts as JSON.
    change(
        &world.db,
        [
            "CREATE TABLE w (x PRIMARY KEY) WITHOUT ROWID",
            "INSERT INTO w VALUES (CAST(x'ff' AS TEXT))",
        ],
    )
    .await;
    let error = export(&world.db, &ExportOptions::default(), &mut Vec::new()).await;
    println!("{error:?}");
    assert!(error.is_err());
}

#[test]
fn a_table_of_another_program_under_a_name_of_ours_is_named() {
    let project = Project::bare();
    project.change(&["CREATE TABLE _seedbed_import (a)"]);
    for line in ["export -", "backup"] {
        let ran = project.run(line);
        assert_eq!(ran.code, Some(4), "{ran}");
        let words = "the table _seedbed_import is not Seedbed's";
        assert!(ran.stderr.contains(words), "{ran}");
    }
    project.change(&["ALTER TABLE _seedbed_import RENAME TO imports"]);
    assert_eq!(project.run("backup").code, Some(0));
}

#[test]
fn a_table_whose_order_only_an_application_knows_is_named() {
    let project = Project::bare();
    project.change(&[
        "CREATE TABLE t (a TEXT PRIMARY KEY, b) WITHOUT ROWID",
        "INSERT INTO t VALUES ('x', 1)",
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_schema SET sql = 'CREATE TABLE t (a TEXT COLLATE unicode PRIMARY KEY, b) WITHOUT ROWID'",
    ]);
    let unread = "the rows of t cannot be read: its primary key has the collation unicode";
    for (line, words) in [
        ("export -", unread),
        ("backup", unread),
        (
            "copy local.db new.db",
            "the table t of local.db cannot be created: no such collation sequence: unicode",
        ),
    ] {
        let ran = project.run(line);
        assert_eq!(ran.code, Some(1), "{ran}");
        assert!(ran.stderr.contains(words), "{ran}");
        assert!(ran.stderr.contains("sqlite3 FILE"), "{ran}");
    }
}
