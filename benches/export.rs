//! How long a dump takes: a database of a million rows (an integer key, three short columns, a blob), beside the
//! `.dump` of the `sqlite3` program on the same file.
//!
//! The slow rows run on demand: `cargo bench --bench export -- --ignored`.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use divan::Bencher;
use divan::counter::ItemsCount;
use seedbed::db::{Db, Options};
use seedbed::dump::{ExportOptions, export, export_file};

#[expect(clippy::print_stderr, reason = "to say what is not measured")]
fn main() {
    if !has_sqlite3() {
        eprintln!("there is no sqlite3 program here: its rows stay empty");
    }
    divan::main();
}

const MANY: usize = 1_000_000;
const SOME: usize = 50_000;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap()
}

/// A database of so many rows, made once.
fn database(rows: usize) -> &'static Path {
    static MADE: [OnceLock<(tempfile::TempDir, PathBuf)>; 2] = [const { OnceLock::new() }; 2];
    let (_, file) = MADE[usize::from(rows == MANY)].get_or_init(|| {
        let folder = tempfile::TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let file = folder.path().join("app.db");
        runtime().block_on(async {
            let builder = libsql::Builder::new_local(&file);
            let connection = builder.build().await.unwrap().connect().unwrap();
            let fill = format!(
                "CREATE TABLE events (id INTEGER PRIMARY KEY, kind TEXT, place TEXT, size REAL, data BLOB);
                 WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
                 INSERT INTO events SELECT i, 'kind ' || i % 7, 'place ' || i % 1000, i / 8.0, randomblob(32) FROM n;"
            );
            connection.execute_batch(&fill).await.unwrap();
        });
        (folder, file)
    });
    file
}

fn to_nowhere(bencher: Bencher, rows: usize) {
    let db = Db::local(database(rows), Options::default()).unwrap();
    let runtime = runtime();
    bencher.counter(ItemsCount::new(rows)).bench(|| {
        let (options, mut sink) = (ExportOptions::default(), std::io::sink());
        let work = export(&db, &options, &mut sink);
        assert_eq!(runtime.block_on(work).unwrap().rows(), rows as u64);
    });
}

/// To a file, durable at the end.
fn to_file(bencher: Bencher, rows: usize, name: &str) {
    let db = Db::local(database(rows), Options::default()).unwrap();
    let runtime = runtime();
    let folder = tempfile::TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let file = folder.path().join(name);
    bencher.counter(ItemsCount::new(rows)).bench(|| {
        let _ = std::fs::remove_file(&file);
        let options = ExportOptions::default();
        let work = export_file(&db, &options, &file);
        assert_eq!(runtime.block_on(work).unwrap().rows(), rows as u64);
    });
}

fn has_sqlite3() -> bool {
    let program = Command::new("sqlite3").arg("--version").output();
    program.is_ok_and(|output| output.status.success())
}

fn by_sqlite3(bencher: Bencher, rows: usize, out: impl Fn() -> Stdio + Sync) {
    if !has_sqlite3() {
        return;
    }
    let file = database(rows);
    bencher.counter(ItemsCount::new(rows)).bench(|| {
        let dump = Command::new("sqlite3")
            .arg(file)
            .arg(".dump")
            .stdout(out())
            .status();
        assert!(dump.unwrap().success());
    });
}

#[divan::bench(args = [SOME], sample_count = 5)]
fn some_rows(bencher: Bencher, rows: usize) {
    to_nowhere(bencher, rows);
}

#[divan::bench(args = [SOME], sample_count = 5)]
fn some_rows_by_sqlite3(bencher: Bencher, rows: usize) {
    by_sqlite3(bencher, rows, Stdio::null);
}

#[divan::bench(args = [MANY], sample_count = 5, ignore)]
fn many_rows(bencher: Bencher, rows: usize) {
    to_nowhere(bencher, rows);
}

#[divan::bench(args = [MANY], sample_count = 5, ignore)]
fn many_rows_by_sqlite3(bencher: Bencher, rows: usize) {
    by_sqlite3(bencher, rows, Stdio::null);
}

#[divan::bench(args = [MANY], sample_count = 5, ignore)]
fn many_rows_to_a_file(bencher: Bencher, rows: usize) {
    to_file(bencher, rows, "dump.sql");
}

#[divan::bench(args = [MANY], sample_count = 5, ignore)]
fn many_rows_to_a_file_by_sqlite3(bencher: Bencher, rows: usize) {
    let file = tempfile::NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    by_sqlite3(bencher, rows, || {
        Stdio::from(std::fs::File::create(file.path()).unwrap())
    });
}

#[divan::bench(args = [MANY], sample_count = 5, ignore)]
fn many_rows_to_a_packed_file(bencher: Bencher, rows: usize) {
    to_file(bencher, rows, "dump.sql.gz");
}
