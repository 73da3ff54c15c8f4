//! How long migrations take: reading their files, planning, applying them to a new file on disk, and finding that
//! there is nothing to do.
//!
//! Beside every new file that Seedbed makes stands the same SQL, in one transaction, given to the `sqlite3` program,
//! where there is one: both end only when everything is on disk. The slow rows run on demand:
//! `cargo bench --bench migrations -- --ignored`.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Stdio};

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use seedbed::db::{Db, Options};
use seedbed::history::{History, Row, State};
use seedbed::migrations::{self, Migration, Migrations, PlanOptions};
use seedbed::script::{Revision, Run};
use tempfile::TempDir;

#[expect(clippy::print_stderr, reason = "to say what is not measured")]
fn main() {
    if !has_sqlite3() {
        eprintln!("there is no sqlite3 program here: its rows stay empty");
    }
    divan::main();
}

/// Name and text of the small migrations 1 to `count`.
fn files(count: usize) -> impl Iterator<Item = (String, String)> {
    (1..=count).map(|version| (format!("V{version}__table_{version}.sql"), table(version)))
}

fn table(version: usize) -> String {
    format!(
        "CREATE TABLE t{version} (\n  id INTEGER PRIMARY KEY,\n  name TEXT NOT NULL\n);\n\
         CREATE INDEX t{version}_name ON t{version} (name);\n\
         INSERT INTO t{version} (name) VALUES ('row of {version}');\n"
    )
}

fn set(count: usize) -> Migrations {
    Migrations::from_files(files(count).map(|(name, text)| (name, text.into_bytes())))
}

/// A folder on the disk that builds are on: where temporary files are, there may be no disk.
fn folder() -> TempDir {
    TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// A folder that holds them as files in `migrations`.
fn project(count: usize) -> TempDir {
    let folder = folder();
    let migrations = folder.path().join("migrations");
    std::fs::create_dir(&migrations).unwrap();
    for (name, text) in files(count) {
        std::fs::write(migrations.join(name), text).unwrap();
    }
    folder
}

/// From files to a database with the library, as an application does it.
fn migrate(runtime: &tokio::runtime::Runtime, project: &Path, database: &Path) {
    let set = Migrations::read_dir(project.join("migrations")).unwrap();
    let db = Db::local(database, Options::default()).unwrap();
    let (options, run) = (PlanOptions::default(), Run::new("bench"));
    let on_event = migrations::ignore();
    let applied = migrations::apply(&db, &set, &options, &run, &on_event);
    runtime.block_on(applied).unwrap();
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap()
}

/// `seedbed migrate`, from its start to its end.
fn process(project: &Path, database: &Path) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_seedbed"));
    program.arg("migrate").arg("--database").arg(database);
    program.current_dir(project);
    run_to_the_end(&mut program);
}

fn run_to_the_end(program: &mut Command) {
    let program = program.stdout(Stdio::null()).stderr(Stdio::null());
    assert!(program.status().unwrap().success());
}

fn has_sqlite3() -> bool {
    let mut program = Command::new("sqlite3");
    let program = program.arg("--version").stdout(Stdio::null());
    program.status().is_ok_and(|status| status.success())
}

mod read_dir {
    use super::*;

    #[divan::bench(args = [100, 1_000, 10_000])]
    fn files(bencher: Bencher<'_, '_>, count: usize) {
        let project = project(count);
        let migrations = project.path().join("migrations");
        bencher
            .counter(ItemsCount::new(count))
            .bench(|| Migrations::read_dir(black_box(&migrations)));
    }
}

mod plan {
    use super::*;

    fn measure(bencher: Bencher<'_, '_>, count: usize, history: fn(&Migrations) -> History) {
        let set = set(count);
        let history = history(&set);
        bencher.counter(ItemsCount::new(count)).bench(|| {
            migrations::plan(
                black_box(&set),
                black_box(&history),
                &PlanOptions::default(),
            )
        });
    }

    #[divan::bench(args = [100, 1_000, 10_000])]
    fn none_applied(bencher: Bencher<'_, '_>, count: usize) {
        measure(bencher, count, |_| History::default());
    }

    #[divan::bench(args = [100, 1_000, 10_000])]
    fn all_applied(bencher: Bencher<'_, '_>, count: usize) {
        measure(bencher, count, |set| History {
            revision: Revision(1),
            rows: set.iter().map(row).collect(),
            ..History::default()
        });
    }

    fn row(migration: &Migration) -> Row {
        Row {
            key: migration.key.clone(),
            name: migration.words.clone(),
            checksum: migration.up.checksum.clone(),
            state: State::Applied,
            applied_at: "2026-01-02T03:04:05.678Z".to_owned(),
            duration_ms: Some(1),
            run_id: "0198c0de-0000-7000-8000-000000000000".to_owned(),
            applied_by: "bench".to_owned(),
            effective: None,
            detail: serde_json::Map::new(),
            has_down: false,
            source: None,
            down: None,
        }
    }
}

mod new_file {
    use super::*;

    #[divan::bench(args = [100, 1_000], sample_count = 20, sample_size = 1)]
    fn library(bencher: Bencher<'_, '_>, count: usize) {
        with_library(bencher, count);
    }

    #[divan::bench(args = [100, 1_000], sample_count = 20, sample_size = 1)]
    fn process(bencher: Bencher<'_, '_>, count: usize) {
        with_process(bencher, count);
    }

    #[divan::bench(args = [100, 1_000], sample_count = 20, sample_size = 1)]
    fn sqlite3(bencher: Bencher<'_, '_>, count: usize) {
        with_sqlite3(bencher, count);
    }

    /// SQLite reads its whole schema at each `CREATE`, so time grows with the square of their number.
    mod many {
        use super::*;

        #[divan::bench(args = [10_000], sample_count = 1, sample_size = 1, ignore)]
        fn library(bencher: Bencher<'_, '_>, count: usize) {
            with_library(bencher, count);
        }

        #[divan::bench(args = [10_000], sample_count = 1, sample_size = 1, ignore)]
        fn process(bencher: Bencher<'_, '_>, count: usize) {
            with_process(bencher, count);
        }

        #[divan::bench(args = [10_000], sample_count = 1, sample_size = 1, ignore)]
        fn sqlite3(bencher: Bencher<'_, '_>, count: usize) {
            with_sqlite3(bencher, count);
        }
    }

    fn measure(bencher: Bencher<'_, '_>, count: usize, make: impl Fn(&Path) + Sync) {
        bencher
            .counter(ItemsCount::new(count))
            .with_inputs(folder)
            .bench_local_refs(|folder| make(&folder.path().join("new.db")));
    }

    fn with_library(bencher: Bencher<'_, '_>, count: usize) {
        let (project, runtime) = (project(count), runtime());
        measure(bencher, count, |database| {
            migrate(&runtime, project.path(), database);
        });
    }

    fn with_process(bencher: Bencher<'_, '_>, count: usize) {
        let project = project(count);
        measure(bencher, count, |database| {
            super::process(project.path(), database);
        });
    }

    fn with_sqlite3(bencher: Bencher<'_, '_>, count: usize) {
        if !has_sqlite3() {
            return;
        }
        let folder = folder();
        let sql = folder.path().join("all.sql");
        let statements: String = files(count).map(|(_, text)| text).collect();
        std::fs::write(&sql, format!("BEGIN;\n{statements}COMMIT;\n")).unwrap();
        measure(bencher, count, |database| {
            let input = std::fs::File::open(&sql).unwrap();
            run_to_the_end(
                Command::new("sqlite3")
                    .arg("-bail")
                    .arg(database)
                    .stdin(input),
            );
        });
    }
}

mod nothing_to_do {
    use super::*;

    fn measure(bencher: Bencher<'_, '_>, count: usize, again: impl Fn(&Path, &Path) + Sync) {
        let project = project(count);
        let database = project.path().join("up_to_date.db");
        migrate(&runtime(), project.path(), &database);
        bencher
            .counter(ItemsCount::new(count))
            .bench_local(|| again(project.path(), &database));
    }

    #[divan::bench(args = [100, 1_000], sample_size = 1)]
    fn library(bencher: Bencher<'_, '_>, count: usize) {
        let runtime = runtime();
        measure(bencher, count, |project, database| {
            migrate(&runtime, project, database);
        });
    }

    #[divan::bench(args = [100, 1_000], sample_size = 1)]
    fn process(bencher: Bencher<'_, '_>, count: usize) {
        measure(bencher, count, super::process);
    }
}

/// Checking in memory. SQLite reads its whole schema at each `CREATE` and `DROP` here too.
mod check {
    use super::*;

    /// The migrations 1 to `count`, each with its down file where there is a text for it.
    fn measure(bencher: Bencher<'_, '_>, count: usize, files: fn(usize) -> [Option<String>; 2]) {
        let texts = (1..=count).flat_map(|version| {
            let [up, down] = files(version);
            let name = move |ending| format!("V{version}__table_{version}{ending}");
            let up = up.map(|text| (name(".sql"), text.into_bytes()));
            let down = down.map(|text| (name(".down.sql"), text.into_bytes()));
            up.into_iter().chain(down)
        });
        let set = Migrations::from_files(texts);
        let runtime = runtime();
        bencher.counter(ItemsCount::new(count)).bench_local(|| {
            let options = migrations::CheckOptions::default();
            let checked = runtime.block_on(migrations::check(&set, &options)).unwrap();
            assert_eq!((checked.applied, checked.problems.len()), (count, 0));
        });
    }

    fn child(version: usize) -> String {
        match version {
            1 => "CREATE TABLE p (id INTEGER PRIMARY KEY, code TEXT UNIQUE);\n".to_owned(),
            _ => format!(
                "CREATE TABLE t{version} (id INTEGER PRIMARY KEY, p TEXT REFERENCES p (code));\n"
            ),
        }
    }

    #[divan::bench(args = [500, 1_000, 2_000, 4_000], sample_count = 3, sample_size = 1)]
    fn plain(bencher: Bencher<'_, '_>, count: usize) {
        measure(bencher, count, |version| [Some(table(version)), None]);
    }

    #[divan::bench(args = [500, 1_000, 2_000, 4_000], sample_count = 1, sample_size = 1)]
    fn with_down_files(bencher: Bencher<'_, '_>, count: usize) {
        measure(bencher, count, |version| {
            [
                Some(table(version)),
                Some(format!("DROP TABLE t{version};\n")),
            ]
        });
    }

    #[divan::bench(args = [500, 1_000, 2_000, 4_000], sample_count = 1, sample_size = 1)]
    fn with_foreign_keys(bencher: Bencher<'_, '_>, count: usize) {
        measure(bencher, count, |version| [Some(child(version)), None]);
    }

    #[divan::bench(args = [500, 1_000, 2_000, 4_000], sample_count = 1, sample_size = 1)]
    fn with_foreign_keys_and_down_files(bencher: Bencher<'_, '_>, count: usize) {
        measure(bencher, count, |version| {
            let down = (version > 1).then(|| format!("DROP TABLE t{version};\n"));
            [Some(child(version)), down]
        });
    }
}
