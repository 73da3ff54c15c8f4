//! How long a test waits for its database, once the template is there: for this repository's migrations and seeds, and
//! for a thousand migrations.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use divan::Bencher;
use seedbed::testing::{self, Options};
use tempfile::TempDir;

fn main() {
    divan::main();
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap()
}

/// This repository, with databases on the disk that builds are on.
fn here(folder: &TempDir) -> Options {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    Options::of_project(root, "test", Some(folder.path().into())).unwrap()
}

fn folder() -> TempDir {
    TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// A project of so many migrations, each of which changes a table that is there and makes none.
fn with_migrations(count: usize, folder: &TempDir) -> Options {
    let options = here(folder);
    let migrations = folder.path().join("migrations");
    std::fs::create_dir(&migrations).unwrap();
    for entry in std::fs::read_dir(&options.migrations).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), migrations.join(entry.file_name())).unwrap();
    }
    for version in 4..=count {
        let text = format!("UPDATE users SET persona = 'p{version}' WHERE persona IS NULL;\n");
        std::fs::write(
            migrations.join(format!("V{version}__step_{version}.sql")),
            text,
        )
        .unwrap();
    }
    options.migrations(migrations)
}

#[divan::bench(args = [3, 100, 1_000], sample_size = 1)]
fn file(bencher: Bencher<'_, '_>, migrations: usize) {
    let (folder, runtime) = (folder(), runtime());
    let options = with_migrations(migrations, &folder);
    drop(runtime.block_on(testing::database_with(&options)).unwrap());
    bencher.bench_local(|| runtime.block_on(testing::database_with(&options)).unwrap());
}

/// The same, opened, and a row read by its label.
#[divan::bench(args = [3, 100, 1_000], sample_size = 1)]
fn file_and_a_row(bencher: Bencher<'_, '_>, migrations: usize) {
    let (folder, runtime) = (folder(), runtime());
    let options = with_migrations(migrations, &folder);
    let one = async || {
        let db = testing::database_with(&options).await.unwrap();
        let admin: BTreeMap<String, serde_json::Value> = db.row("users", "admin").await.unwrap();
        (db, admin)
    };
    drop(runtime.block_on(one()));
    bencher.bench_local(|| runtime.block_on(one()));
}

#[divan::bench(args = [3, 100, 1_000], sample_size = 1)]
fn memory(bencher: Bencher<'_, '_>, migrations: usize) {
    let (folder, runtime) = (folder(), runtime());
    let options = with_migrations(migrations, &folder);
    drop(runtime.block_on(testing::memory_with(&options)).unwrap());
    bencher.bench_local(|| runtime.block_on(testing::memory_with(&options)).unwrap());
}

/// A thousand databases on four threads, from nothing: with the template, and each of them removed.
#[divan::bench(sample_size = 1, sample_count = 5)]
fn a_thousand_from_nothing(bencher: Bencher<'_, '_>) {
    bencher.with_inputs(folder).bench_local_refs(|folder| {
        let options = here(folder);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let runtime = runtime();
                    for _ in 0..250 {
                        drop(runtime.block_on(testing::database_with(&options)).unwrap());
                    }
                });
            }
        });
    });
}
