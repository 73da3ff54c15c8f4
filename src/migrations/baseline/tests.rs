//! What a baseline records and what it refuses, as specifications.

use super::*;
use crate::db::{Options, Query, Transaction};
use crate::migrations::{PlanOptions, apply, ignore, observe};
use crate::script::{Atomicity, ForeignKeys, Step};
use crate::sql::{Value, split};
use expect_test::{Expect, expect};

const FILES: [(&str, &str); 5] = [
    ("V1__a.sql", "CREATE TABLE a (x TEXT);"),
    ("V2__b.sql", "CREATE TABLE b (x); CREATE INDEX i ON b (x);"),
    ("V2__b.down.sql", "DROP TABLE b;"),
    ("V3__c.sql", "CREATE TABLE c (x);"),
    (
        "R__v.sql",
        "DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT x FROM a;",
    ),
];

fn set(files: &[(&str, &str)]) -> Migrations {
    Migrations::from_files(
        files
            .iter()
            .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())),
    )
}

/// A database that was made by hand.
async fn made_by(sql: &str) -> Db {
    let db = Db::memory(Options::default()).await.unwrap();
    run_sql(&db, sql).await;
    db
}

async fn run_sql(db: &Db, sql: &str) {
    let transaction = Transaction {
        foreign_keys: ForeignKeys::Off,
        atomicity: Atomicity::Transaction,
        steps: split(sql)
            .unwrap()
            .iter()
            .map(|statement| Step::own(statement.text(sql), vec![]))
            .collect(),
    };
    db.run(vec![transaction], Arc::new(|_| {})).await.unwrap();
}

async fn take(
    db: &Db,
    set: &Migrations,
    version: i64,
    verify: Verify,
) -> Result<Outcome, BaselineError> {
    let options = BaselineOptions { version, verify };
    baseline(db, set, &options, &Run::new("test"), &ignore()).await
}

/// The outcome in words, and what is recorded then.
async fn check(db: &Db, files: &[(&str, &str)], version: i64, verify: Verify, expect: Expect) {
    use std::fmt::Write;
    let mut told = String::new();
    match take(db, &set(files), version, verify).await {
        Ok(outcome) => {
            for warning in &outcome.warnings {
                writeln!(told, "warning: {}", warning.message).unwrap();
            }
            writeln!(told, "{} recorded", outcome.done.len()).unwrap();
        }
        Err(BaselineError::Apply(ApplyError::Problems { problems, .. })) => {
            for problem in &problems {
                writeln!(
                    told,
                    "{} {}",
                    problem.code,
                    problem.file().unwrap_or_default()
                )
                .unwrap();
            }
        }
        Err(error) => {
            writeln!(told, "{error}").unwrap();
            if let BaselineError::Differs { differences, .. } = &error {
                for difference in differences {
                    writeln!(told, "  {difference}").unwrap();
                }
            }
        }
    }
    for row in &history::read(db).await.unwrap().rows {
        let baseline = row.detail.contains_key(history::BASELINE);
        let how = if baseline { "taken" } else { "ran" };
        writeln!(told, "{} {how}", row.key).unwrap();
    }
    expect.assert_eq(&told);
}

#[tokio::test]
async fn a_database_that_is_as_the_files_leave_it_is_recorded_and_goes_on_from_there() {
    let db = made_by(
        "create table A ( \"x\" text ); CREATE TABLE b (x); CREATE INDEX i ON b (x); INSERT INTO a VALUES ('kept')",
    )
    .await;
    check(
        &db,
        &FILES,
        2,
        Verify::Schema,
        expect![[r#"
        2 recorded
        V1 taken
        V2 taken
    "#]],
    )
    .await;
    let history = observe(&db, &set(&FILES)).await.unwrap();
    let plan = crate::migrations::plan(&set(&FILES), &history, &PlanOptions::default());
    assert_eq!(plan.problems, []);
    apply(
        &db,
        &set(&FILES),
        &PlanOptions::default(),
        &Run::new("test"),
        &ignore(),
    )
    .await
    .unwrap();
    check(
        &db,
        &FILES,
        2,
        Verify::Schema,
        expect![[r#"
        0 recorded
        V1 taken
        V2 taken
        V3 ran
        R__v ran
    "#]],
    )
    .await;
    let rows = db.query(vec![Query::new("SELECT x FROM v")]).await.unwrap();
    assert_eq!(rows, [Ok(vec![vec![Value::Text("kept".into())]])]);
}

#[tokio::test]
async fn each_object_that_differs_is_named_and_nothing_is_recorded() {
    let db = made_by("CREATE TABLE a (x INTEGER); CREATE TABLE b (x); CREATE TABLE z (x)").await;
    check(
        &db,
        &FILES,
        2,
        Verify::Schema,
        expect![[r#"
        the schema of this database differs from the schema that the migrations up to V2 make
          table a is different
          table z should not be there
          index i is missing
    "#]],
    )
    .await;
    check(
        &db,
        &FILES,
        2,
        Verify::Nothing,
        expect![[r#"
        2 recorded
        V1 taken
        V2 taken
    "#]],
    )
    .await;
}

#[tokio::test]
async fn what_is_recorded_already_stays_and_versions_above_are_fine() {
    let db = Db::memory(Options::default()).await.unwrap();
    let newer: Vec<(&str, &str)> = FILES
        .iter()
        .copied()
        .filter(|(name, _)| *name != "V1__a.sql")
        .collect();
    let without_view = &newer[..newer.len() - 1];
    apply(
        &db,
        &set(without_view),
        &PlanOptions::default(),
        &Run::new("test"),
        &ignore(),
    )
    .await
    .unwrap();
    check(
        &db,
        &FILES,
        2,
        Verify::Schema,
        expect![[r#"
        the schema of this database differs from the schema that the migrations up to V2 make
          table a is missing
        V2 ran
        V3 ran
    "#]],
    )
    .await;
    run_sql(&db, "CREATE TABLE a (x TEXT)").await;
    check(
        &db,
        &FILES,
        2,
        Verify::Schema,
        expect![[r#"
        1 recorded
        V2 ran
        V3 ran
        V1 taken
    "#]],
    )
    .await;
}

#[tokio::test]
async fn views_that_migrate_would_make_anew_may_be_there_or_not() {
    let db = made_by(
        "CREATE TABLE a (x TEXT); CREATE VIEW v AS SELECT x, 1 FROM a; CREATE VIEW w AS SELECT 1",
    )
    .await;
    check(
        &db,
        &FILES,
        1,
        Verify::Schema,
        expect![[r#"
        the schema of this database differs from the schema that the migrations up to V1 make
          view w should not be there
    "#]],
    )
    .await;
    run_sql(&db, "DROP VIEW w").await;
    check(
        &db,
        &FILES,
        1,
        Verify::Schema,
        expect![[r#"
        1 recorded
        V1 taken
    "#]],
    )
    .await;
}

#[tokio::test]
async fn problems_of_the_files_and_unknown_versions_stop_it() {
    let db = made_by("CREATE TABLE a (x TEXT)").await;
    check(
        &db,
        &FILES,
        9,
        Verify::Schema,
        expect![[r#"
            no-such-version 
        "#]],
    )
    .await;
    check(
        &db,
        &[("V1__a.sql", "BEGIN;"), ("V1__b.sql", ""), ("oops.sql", "")],
        1,
        Verify::Schema,
        expect![[r#"
            duplicate V1__a.sql
            bad-name oops.sql
        "#]],
    )
    .await;
    check(
        &db,
        &[
            ("V1__a.sql", "CREATE TABLE a (x TEXT); COMMIT;"),
            ("V2__b.sql", "COMMIT;"),
        ],
        1,
        Verify::Nothing,
        expect![[r#"
            transaction-control V1__a.sql
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_file_that_cannot_be_replayed_is_told() {
    let db = made_by("CREATE TABLE a (x TEXT)").await;
    check(
        &db,
        &[(
            "V1__a.sql",
            "CREATE TABLE a (x TEXT); INSERT INTO b VALUES (1);",
        )],
        1,
        Verify::Schema,
        expect![[r#"
            fails V1__a.sql
        "#]],
    )
    .await;
    check(
        &db,
        &[
            ("V1__a.sql", "CREATE TABLE a (x TEXT);"),
            ("V2__b.sql", "-- seedbed: no-transaction\nATTACH 'x.db' AS x; INSERT INTO a SELECT * FROM x.a; DETACH x;"),
        ],
        2,
        Verify::Schema,
        expect![[r#"
            warning: this file was not tried: it attaches another database
            2 recorded
            V1 taken
            V2 taken
        "#]],
    )
    .await;
}

#[tokio::test]
async fn of_many_at_once_each_ends_well_and_all_is_recorded_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.db");
    let open = || Db::local(&file, Options::default()).unwrap();
    run_sql(
        &open(),
        "CREATE TABLE a (x TEXT); CREATE TABLE b (x); CREATE INDEX i ON b (x)",
    )
    .await;
    let files = set(&FILES);
    let takes = (0..4).map(|_| {
        let (db, files) = (open(), files.clone());
        tokio::spawn(async move {
            take(&db, &files, 2, Verify::Schema)
                .await
                .unwrap()
                .done
                .len()
        })
    });
    let mut recorded = 0;
    for taken in takes.collect::<Vec<_>>() {
        recorded += taken.await.unwrap();
    }
    assert_eq!(recorded, 2);
    assert_eq!(history::read(&open()).await.unwrap().rows.len(), 2);
}

#[tokio::test]
async fn a_schema_is_compared_again_where_the_history_moved_since() {
    let db = made_by("CREATE TABLE a (x TEXT); CREATE TABLE b (x); CREATE INDEX i ON b (x);").await;
    let files = set(&FILES);
    let options = BaselineOptions {
        version: 2,
        verify: Verify::Schema,
    };
    let mut taking = Taking {
        set: &files,
        options: &options,
        looked_at: None,
        warnings: Vec::new(),
        refused: None,
    };
    let mut history = History::default();
    (&mut taking).look(&db, &history).await.unwrap();
    run_sql(&db, "DROP TABLE b").await;
    // One comparison for each state of the history.
    (&mut taking).look(&db, &history).await.unwrap();
    assert_eq!((&mut taking).decide(&history).scripts[0].units.len(), 2);
    history.revision = Revision(4);
    (&mut taking).look(&db, &history).await.unwrap();
    assert!((&mut taking).decide(&history).scripts.is_empty());
    assert!(matches!(
        taking.refused,
        Some(BaselineError::Differs { .. })
    ));
}
