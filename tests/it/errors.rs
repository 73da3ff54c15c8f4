//! What the errors of the library say by themselves, without the reports of the command line.

use std::error::Error;
use std::sync::Arc;

use seedbed::config::{DotEnv, Sources, resolve};
use seedbed::db::{Db, Options};
use seedbed::dump::{Input, import};
use seedbed::migrations::{
    Adopted, ApplyError, Back, BaselineOptions, Grouping, PlanOptions, UndoOptions, Verify, apply,
    baseline, ignore, undo,
};
use seedbed::script::Run;

use crate::world::set;

async fn memory() -> Db {
    Db::memory(Options::default()).await.unwrap()
}

async fn applied(db: &Db, files: &[(&str, &str)]) -> Result<(), ApplyError> {
    let (options, run) = (PlanOptions::default(), Run::new("test"));
    apply(db, &set(files), &options, &run, &ignore()).await?;
    Ok(())
}

/// The text of an error, after a look at its sources: none of them repeats what was said before.
fn said(error: &dyn Error) -> String {
    let mut all = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        assert!(!all.contains(&cause.to_string()), "{all} <- {cause}");
        all = format!("{all}\n{cause}");
        source = cause.source();
    }
    all
}

#[tokio::test]
async fn a_failed_migration_is_named_with_its_place_and_the_words_of_the_engine() {
    let db = memory().await;
    let files = [
        ("V1__a.sql", "CREATE TABLE a (x);"),
        ("V2__b.sql", "SELECT 1;\nUPDATE a SET y = 1;"),
    ];
    let error = applied(&db, &files).await.unwrap_err();
    assert_eq!(said(&error), "V2__b.sql:2:14: V2 failed: no such column: y");
}

#[tokio::test]
async fn a_failed_undo_says_that_it_was_one() {
    let db = memory().await;
    let files = [
        ("V1__a.sql", "CREATE TABLE a (x);"),
        ("V1__a.down.sql", "DROP TABLE b;"),
    ];
    applied(&db, &files).await.unwrap();
    let options = UndoOptions::default()
        .back(Back::Steps(1))
        .grouping(Grouping::All)
        .adopted(Adopted::Refuse);
    let error = undo(&db, &options, &Run::new("test"), &ignore()).await;
    assert_eq!(
        said(&error.unwrap_err()),
        "V1__a.down.sql (as recorded):1:12: undoing V1 failed: no such table: b"
    );
}

#[tokio::test]
async fn all_problems_are_listed_each_with_its_place() {
    let files = [
        ("V1__a.sql", "SELECT 1;\nCOMMIT;"),
        ("V2__b.sql", ""),
        ("V3__c.sql", "PRAGMA foreign_keys = OFF;\nSELECT 'it;"),
        ("notes.sql", "SELECT 1;"),
    ];
    let error = applied(&memory().await, &files).await.unwrap_err();
    assert_eq!(
        said(&error),
        "notes.sql: the name must be V{n}__{words}.sql, or R__{words}.sql for a repeatable migration\n\
         V1__a.sql:2:1: COMMIT in a migration: Seedbed itself begins and commits the transaction\n\
         V2__b.sql: this file holds neither a statement nor a comment\n\
         V3__c.sql:2:8: the string is never closed: a ' is missing"
    );
}

#[tokio::test]
async fn a_baseline_tells_what_cannot_be_replayed() {
    let options = BaselineOptions::new(1).verify(Verify::Schema);
    let files = set(&[("V1__a.sql", "DROP TABLE a;")]);
    let run = Run::new("test");
    let error = baseline(&memory().await, &files, &options, &run, &ignore()).await;
    assert_eq!(
        said(&error.unwrap_err()),
        "V1__a.sql:1:12: no such table: a"
    );
}

#[tokio::test]
async fn an_import_names_the_line_of_the_dump() {
    let folder = tempfile::tempdir().unwrap();
    let dump = folder.path().join("old.sql");
    let text = "BEGIN TRANSACTION;\nCREATE TABLE t (a CHECK (a < 9));\nINSERT INTO t VALUES(1);\nINSERT INTO t \
                VALUES(9);\nCOMMIT;\n";
    std::fs::write(&dump, text).unwrap();
    let db = memory().await;
    let error = import::import(
        &db,
        &Input::File(dump.clone()),
        &import::ImportOptions::default(),
        &Run::new("test"),
        Arc::new(|_| {}),
    )
    .await
    .unwrap_err();
    assert_eq!(
        said(&error),
        "line 4 of the dump: CHECK constraint failed: a < 9"
    );
    std::fs::write(&dump, "BEGIN TRANSACTION;\nATTACH 'x' AS y;\nCOMMIT;\n").unwrap();
    let input = Input::File(dump);
    let options = import::ImportOptions::default();
    let error = import::import(&db, &input, &options, &Run::new("test"), Arc::new(|_| {})).await;
    let text = said(&error.unwrap_err());
    assert!(text.contains("old.sql:2:1: "), "{text}");
}

#[test]
fn settings_are_told_one_a_line_also_where_main_returns_them() {
    let sources = Sources::default().dotenv(Some(DotEnv::parse(".env", "\nUSE_TURSO=perhaps\n")));
    let error = resolve(&sources).config().unwrap_err();
    let text = said(&error);
    assert!(text.starts_with(".env:2: USE_TURSO "), "{text}");
    assert_eq!(format!("{error:?}"), text);
}
