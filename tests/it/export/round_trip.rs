//! A dump makes an equal database: read by the `sqlite3` of this machine, where there is one.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use proptest::test_runner::{Config, TestRunner};
use seedbed::db::{Db, Options};
use seedbed::dump::import::{ImportOptions, import};
use seedbed::dump::{ExportOptions, Input, Records, export};
use seedbed::script::Run;

use super::generate::{VACUUM, database};
use super::{change, dumped};
use crate::project::waiting;
use crate::world::World;

/// What `sqlite3` prints for these words, given `input`; none where there is no such program.
pub(crate) fn sqlite3(file: &Path, words: &[&str], input: &[u8]) -> Option<Vec<u8>> {
    let child = Command::new("sqlite3")
        .arg("-bail")
        .arg(file)
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        eprintln!("skipped: there is no sqlite3 on this machine");
        return None;
    };
    let mut stdin = child.stdin.take().unwrap();
    let written = std::thread::scope(|scope| {
        let writing = scope.spawn(move || stdin.write_all(input));
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            output.status.success() && said.is_empty(),
            "sqlite3 {words:?}: {said}"
        );
        let _ = writing.join();
        output.stdout
    });
    Some(written)
}

/// Runs statements in one transaction, and the last alone where it is to.
pub(crate) async fn made(db: &Db, statements: &[String]) {
    let (vacuum, statements): (Vec<&String>, _) = statements.iter().partition(|sql| *sql == VACUUM);
    change(db, statements.into_iter().cloned()).await;
    if !vacuum.is_empty() {
        super::rebuilt::bare(db, &[VACUUM]).await;
    }
}

/// Makes a database of these statements, dumps it, and makes another of the dump.
fn check(statements: &[String]) {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (folder.path().join("old.db"), folder.path().join("new.db"));
    let runtime = waiting();
    let dump_of = |file: &Path| {
        let db = Db::local(file, Options::default()).unwrap();
        runtime.block_on(dumped(&db))
    };
    let db = Db::local(&old, Options::default()).unwrap();
    runtime.block_on(made(&db, statements));
    let dump = dump_of(&old);
    if sqlite3(&new, &[], &dump).is_none() {
        return;
    }
    let again = dump_of(&new);
    assert!(
        again == dump,
        "{}\n---\n{}",
        String::from_utf8_lossy(&dump),
        String::from_utf8_lossy(&again)
    );
    // What another program says of both, and of the new one alone. It does not know what only libSQL keeps.
    for words in [
        ".dump --preserve-rowids",
        "PRAGMA integrity_check",
        "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT IN ('sqlite_stat4', 'sqlite_sequence') ORDER BY 2, 1",
    ] {
        let [old, new] = [&old, &new].map(|file| sqlite3(file, &[words], b"").unwrap());
        let [old, new] = [old, new].map(|text| without_stat4(&text));
        assert!(old == new, "{words}:\n{old}\n---\n{new}");
    }
}

/// The lines of a text that have nothing to do with `sqlite_stat4`, sorted: both databases have the same objects, in
/// another order. A comment at the end of a statement has got a line end, which is kept with it.
pub(crate) fn without_stat4(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let mut lines: Vec<&str> = text
        .lines()
        .filter(|line| {
            // The engine keeps the table when the last table that it counts for is dropped, and no dump makes it then.
            let is_alone = [
                "ANALYZE sqlite_schema;",
                "DELETE FROM sqlite_sequence;",
                "",
                ";",
            ];
            !line.contains("sqlite_stat4") && !is_alone.contains(line)
        })
        .collect();
    lines.sort_unstable();
    lines.join("\n")
}

#[test]
fn sqlite3_makes_an_equal_database_of_every_dump() {
    let config = Config {
        cases: 32,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&database(), |statements| {
            check(&statements);
            Ok(())
        })
        .unwrap();
}

#[test]
fn values_of_five_megabytes_make_the_trip() {
    check(&[
        "CREATE TABLE t (a, b)".to_owned(),
        "INSERT INTO t VALUES (randomblob(5000000), hex(randomblob(2500000)))".to_owned(),
        "INSERT INTO t VALUES (zeroblob(5000000), replace(hex(zeroblob(1000000)), '00', 'it''s' || char(10)))".to_owned(),
    ]);
}

#[test]
fn comments_at_the_end_of_a_statement_swallow_nothing() {
    check(&[
        "CREATE TABLE t (a, b -- the last\n)".to_owned(),
        "CREATE VIEW v AS SELECT a FROM t -- all of it".to_owned(),
        "CREATE VIEW w AS SELECT a FROM t /* all of it */".to_owned(),
        "CREATE INDEX i ON t (a) -- by name".to_owned(),
        "CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END -- of it".to_owned(),
    ]);
}

#[test]
fn every_mode_gives_the_same_dump_of_every_database() {
    // What a server does not take, or cannot give.
    let is_for_all = |sql: &String| {
        let refused = [
            "ANALYZE",
            "VACUUM",
            "PRAGMA application_id",
            "PRAGMA encoding",
            "CAST(x'",
        ];
        !refused.iter().any(|words| sql.contains(words))
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let config = Config {
        cases: 12,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&database(), |statements| {
            let statements: Vec<String> = statements.into_iter().filter(is_for_all).collect();
            runtime.block_on(async {
                let mut dumps = Vec::new();
                for world in [
                    World::local().await,
                    World::memory().await,
                    World::remote().await,
                ] {
                    change(&world.db, statements.iter().cloned()).await;
                    dumps.push(String::from_utf8(dumped(&world.db).await).unwrap());
                }
                assert_eq!(dumps[0], dumps[1]);
                assert_eq!(dumps[0], dumps[2]);
            });
            Ok(())
        })
        .unwrap();
}

#[test]
fn our_own_import_makes_an_equal_database_of_every_dump() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let config = Config {
        cases: 24,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&database(), |statements| {
            let folder = tempfile::tempdir().unwrap();
            let path = |name: &str| folder.path().join(name);
            let old = Db::local(path("old.db"), Options::default()).unwrap();
            let new = Db::local(path("new.db"), Options::default()).unwrap();
            runtime.block_on(async {
                made(&old, &statements).await;
                let dump = dumped(&old).await;
                std::fs::write(path("dump.sql"), &dump).unwrap();
                let input = Input::File(path("dump.sql"));
                let options = ImportOptions::default();
                let run = Run::new("test");
                let done = import(&new, &input, &options, &run, Arc::new(|_| {})).await;
                if let Err(error) = done {
                    panic!("{error}\n{}", String::from_utf8_lossy(&dump));
                }
                let without = ExportOptions::default().history(Records::Without);
                let mut again = Vec::new();
                export(&new, &without, &mut again).await.unwrap();
                let [dump, again] = [&dump, &again].map(|text| String::from_utf8_lossy(text));
                assert_eq!(dump, again);
            });
            Ok(())
        })
        .unwrap();
}
