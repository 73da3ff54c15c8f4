//! How long seeds take: generated rows from YAML to a commit on disk, beside the `sqlite3` program that is given the
//! same rows as INSERT statements in one transaction; and finding that there is nothing to do.
//!
//! First comes the comparison: both programs by turns, so that whatever else the machine does slows both.

#![allow(clippy::unwrap_used)]

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use divan::Bencher;
use divan::counter::ItemsCount;
use tempfile::TempDir;

#[expect(clippy::print_stderr, reason = "to say what is not measured")]
fn main() {
    if !has_sqlite3() {
        eprintln!("there is no sqlite3 program here: its rows stay empty");
    }
    // `cargo test` runs this too, and wants to know only that it works.
    if has_sqlite3() && std::env::args().any(|arg| arg == "--bench") {
        let mut before: Option<(f64, f64)> = None;
        for rows in [1_000, 10_000, 100_000] {
            let now = compare(rows);
            if let Some(before) = before {
                grown(before, now);
            }
            before = Some(now);
        }
    }
    divan::main();
}

/// How often each program runs in the comparison.
const PAIRS: usize = 9;

/// Prints how much longer both take for ten times as many rows.
#[expect(clippy::print_stdout, reason = "this is what it is for")]
fn grown((ours, theirs): (f64, f64), now: (f64, f64)) {
    println!(
        "  10 times the rows: {:.1} times as long, sqlite3 {:.1} times",
        now.0 / ours,
        now.1 / theirs
    );
}

/// Prints how long both take for the same rows, and returns the medians in seconds.
#[expect(clippy::print_stdout, reason = "this is what it is for")]
fn compare(rows: usize) -> (f64, f64) {
    let project = project(rows);
    let file = inserts(project.path());
    let timed = |run: &dyn Fn()| {
        migrated(project.path());
        let begun = Instant::now();
        run();
        begun.elapsed().as_secs_f64()
    };
    let pairs: Vec<(f64, f64)> = (0..PAIRS)
        .map(|_| {
            let ours = timed(&|| seedbed(project.path(), "seed"));
            (ours, timed(&|| load(project.path(), &file)))
        })
        .collect();
    let median = |of: &dyn Fn(&(f64, f64)) -> f64| {
        let mut all: Vec<f64> = pairs.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    let medians = (median(&|pair| pair.0), median(&|pair| pair.1));
    println!(
        "{rows} rows: seedbed {:.3} s, sqlite3 {:.3} s: {:.2} times as fast (medians of {PAIRS} pairs)",
        medians.0,
        medians.1,
        median(&|(ours, theirs)| theirs / ours),
    );
    medians
}

const TABLE: &str = "CREATE TABLE users (
  id TEXT PRIMARY KEY,
  email TEXT NOT NULL UNIQUE,
  phone TEXT,
  tier TEXT DEFAULT 'free',
  minutes INTEGER,
  created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);
";

/// A project with a table, and a seed of so many generated rows.
fn project(rows: usize) -> TempDir {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("migrations/V1__users.sql", TABLE);
    write(
        "seeds/load.yaml",
        &format!(
            "_seed: {{random: 42}}
users:
  _id: user_${{label}}
  load_{{000001..{rows:06}}}:
    email: ${{label}}@load.example.test
    phone: !fake phone.e164
    tier: !pick {{free: 70, pro: 25, enterprise: 5}}
    minutes: !int 0..500
    created_at: !ago 0..365 days
"
        ),
    );
    folder
}

fn seedbed(project: &Path, command: &str) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_seedbed"));
    program.arg(command).current_dir(project).env_clear();
    program.stdout(Stdio::null()).stderr(Stdio::null());
    assert!(program.status().unwrap().success());
}

fn has_sqlite3() -> bool {
    let mut program = Command::new("sqlite3");
    program.arg("--version").stdout(Stdio::null());
    program.stderr(Stdio::null()).status().is_ok()
}

fn remove(project: &Path) {
    let _ = std::fs::remove_file(project.join("local.db"));
}

/// A database with the table and without a row.
fn migrated(project: &Path) {
    remove(project);
    seedbed(project, "migrate");
}

/// `seedbed seed` of generated rows into an empty table.
#[divan::bench(args = [1_000, 10_000, 100_000], sample_count = 5, sample_size = 1)]
fn seed(bencher: Bencher<'_, '_>, rows: usize) {
    let project = project(rows);
    bencher
        .counter(ItemsCount::new(rows))
        .with_inputs(|| migrated(project.path()))
        .bench_local_values(|()| seedbed(project.path(), "seed"));
}

/// The rows of a project as INSERT statements in one transaction, in a file.
fn inserts(project: &Path) -> PathBuf {
    migrated(project);
    seedbed(project, "seed");
    let dumped = Command::new("sqlite3")
        .args(["local.db", ".dump --data-only users"])
        .current_dir(project)
        .output()
        .unwrap();
    let dumped = String::from_utf8(dumped.stdout).unwrap();
    let rows = dumped.lines().filter(|line| line.starts_with("INSERT"));
    let file = project.join("rows.sql");
    let script = ["BEGIN;"].into_iter().chain(rows).chain(["COMMIT;\n"]);
    std::fs::write(&file, script.collect::<Vec<_>>().join("\n")).unwrap();
    file
}

/// Has the `sqlite3` program read a file of statements.
fn load(project: &Path, file: &Path) {
    let mut program = Command::new("sqlite3");
    program.arg("local.db").current_dir(project);
    program.stdin(File::open(file).unwrap());
    assert!(program.status().unwrap().success());
}

/// The same rows as INSERT statements, read by the `sqlite3` program.
#[divan::bench(args = [1_000, 10_000, 100_000], sample_count = 5, sample_size = 1)]
fn sqlite3(bencher: Bencher<'_, '_>, rows: usize) {
    if !has_sqlite3() {
        return;
    }
    let project = project(rows);
    let file = inserts(project.path());
    bencher
        .counter(ItemsCount::new(rows))
        .with_inputs(|| migrated(project.path()))
        .bench_local_values(|()| load(project.path(), &file));
}

/// `seedbed seed` where every row is there.
#[divan::bench(args = [1_000, 10_000, 100_000], sample_count = 5, sample_size = 1)]
fn nothing_to_do(bencher: Bencher<'_, '_>, rows: usize) {
    let project = project(rows);
    migrated(project.path());
    seedbed(project.path(), "seed");
    bencher
        .counter(ItemsCount::new(rows))
        .bench_local(|| seedbed(project.path(), "seed"));
}
