//! How long seeds take: generated rows from YAML to a commit on disk, beside the `sqlite3` program that is given the
//! same rows as INSERT statements in one transaction; and finding that there is nothing to do.
//!
//! The slow rows run on demand: `cargo bench --bench seeds -- --ignored`.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Stdio};

use divan::Bencher;
use divan::counter::ItemsCount;
use tempfile::TempDir;

#[expect(clippy::print_stderr, reason = "to say what is not measured")]
fn main() {
    if !has_sqlite3() {
        eprintln!("there is no sqlite3 program here: its rows stay empty");
    }
    divan::main();
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

/// The same rows as INSERT statements, read by the `sqlite3` program.
#[divan::bench(args = [1_000, 10_000, 100_000], sample_count = 5, sample_size = 1)]
fn sqlite3(bencher: Bencher<'_, '_>, rows: usize) {
    if !has_sqlite3() {
        return;
    }
    let project = project(rows);
    migrated(project.path());
    seedbed(project.path(), "seed");
    let dump = |sql: &str| {
        let out = Command::new("sqlite3")
            .arg("local.db")
            .arg(sql)
            .current_dir(project.path())
            .output()
            .unwrap();
        String::from_utf8(out.stdout).unwrap()
    };
    let script = format!(
        "BEGIN;\n{}COMMIT;\n",
        dump(".dump --data-only users")
            .replace("PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n", "")
            .replace("COMMIT;\n", "")
    );
    let file = project.path().join("rows.sql");
    std::fs::write(&file, script).unwrap();
    bencher
        .counter(ItemsCount::new(rows))
        .with_inputs(|| migrated(project.path()))
        .bench_local_values(|()| {
            let input = std::fs::File::open(&file).unwrap();
            let status = Command::new("sqlite3")
                .arg("local.db")
                .current_dir(project.path())
                .stdin(input)
                .status();
            assert!(status.unwrap().success());
        });
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
