//! A drift in the way of a run: what is refused, what is a warning, and what is no hindrance. Each specification gets a new and
//! empty database.

use std::time::SystemTime;

use seedbed::migrations::{
    ApplyError, Back, DriftPolicy, FixKind, Migrations, OutOfOrder, PlanOptions, RedoOptions,
    UndoOptions, drift, fix, ignore, redo, undo,
};
use seedbed::script::Run;

use crate::world::{World, done, set};

const SHOP: (&str, &str) = (
    "V1__shop.sql",
    "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT);\n\
     CREATE TABLE orders (total REAL);\n\
     CREATE INDEX by_email ON users (email);\n\
     CREATE VIEW emails AS SELECT email FROM users;\n",
);

const PHONE: (&str, &str) = (
    "V2__phone.sql",
    "ALTER TABLE users ADD COLUMN phone TEXT;\n",
);

/// What stops a run, one a line.
fn refused<T: std::fmt::Debug>(result: Result<T, ApplyError>) -> String {
    match result {
        Err(ApplyError::Problems { problems, done }) => {
            assert_eq!(done, []);
            let errors = problems.iter().filter(|it| it.is_error());
            let errors = errors.map(|it| format!("{}: {}", it.code, it.message));
            errors.collect::<Vec<_>>().join("\n")
        }
        other => panic!("problems were expected, and there was {other:?}"),
    }
}

fn allowing() -> PlanOptions {
    PlanOptions::default().drift(DriftPolicy::Allow)
}

/// The row `schema`, where it is right.
async fn is_known(world: &World) -> String {
    world
        .ask(
            "SELECT count(*) FROM _migrations, pragma_schema_version AS v WHERE kind = 'meta' AND version = 'schema' \
             AND detail = CAST(v.schema_version AS TEXT)",
        )
        .await
}

pub(crate) async fn a_run_that_changes_a_drifted_object_is_refused_and_changes_nothing(
    world: World,
) {
    world.apply(&[SHOP]).await.unwrap();
    world
        .statements(&[
            "ALTER TABLE users ADD COLUMN note TEXT",
            "CREATE TABLE extra (x)",
            "DROP INDEX by_email",
            "DROP VIEW emails",
            "CREATE VIEW emails AS SELECT id FROM users",
        ])
        .await;
    let before = world
        .ask("SELECT group_concat(sql) FROM sqlite_schema")
        .await;
    for (sql, expect) in [
        (
            PHONE.1,
            "drift: table users is not as the recorded migrations make it, and V2 alters it",
        ),
        (
            "DROP TABLE \"Users\"",
            "drift: table users is not as the recorded migrations make it, and V2 drops it",
        ),
        (
            "CREATE TABLE n (id INTEGER PRIMARY KEY, email TEXT); INSERT INTO n SELECT id, email FROM users; \
             DROP VIEW emails; DROP TABLE users; ALTER TABLE n RENAME TO users; CREATE VIEW emails AS SELECT email FROM users",
            "drift: view emails is not as the recorded migrations make it, and V2 rebuilds it\n\
             drift: table users is not as the recorded migrations make it, and V2 rebuilds it",
        ),
        (
            "DROP TABLE IF EXISTS main.extra",
            "drift: table extra is not made by any recorded migration, and V2 drops it",
        ),
        (
            "DROP INDEX by_email",
            "drift: index by_email is missing, and V2 drops it",
        ),
    ] {
        let run = world.apply(&[SHOP, ("V2__next.sql", sql)]).await;
        assert_eq!(refused(run), expect, "{sql}");
    }
    let after = world
        .ask("SELECT group_concat(sql) FROM sqlite_schema")
        .await;
    assert_eq!((after, world.recorded().await.as_str()), (before, "V1"));
    let outcome = world.apply_with(&[SHOP, PHONE], allowing()).await.unwrap();
    assert_eq!(done(&outcome), "V2");
    let codes: Vec<&str> = outcome.warnings.iter().map(|it| it.code).collect();
    assert_eq!(codes, ["drift"]);
    assert_eq!(is_known(&world).await, "0");
}

pub(crate) async fn what_a_run_does_not_touch_is_no_hindrance(world: World) {
    world.apply(&[SHOP]).await.unwrap();
    world
        .statements(&[
            "CREATE TABLE extra (x)",
            "DROP INDEX by_email",
            "ALTER TABLE users ADD COLUMN note TEXT",
            "DROP VIEW emails",
        ])
        .await;
    let next = (
        "V2__next.sql",
        "ALTER TABLE orders ADD COLUMN at TEXT;\n\
         INSERT INTO users (email) VALUES ('a');\n\
         DROP VIEW IF EXISTS emails;\n\
         DROP INDEX IF EXISTS by_email;\n\
         CREATE INDEX by_email ON users (email);\n\
         DROP INDEX by_email;\n\
         CREATE TABLE more (x);\n\
         DROP TABLE more;\n",
    );
    let outcome = world.apply(&[SHOP, next]).await.unwrap();
    assert_eq!((done(&outcome).as_str(), outcome.warnings), ("V2", vec![]));
}

pub(crate) async fn what_is_extra_on_a_table_that_a_run_changes_is_a_warning(world: World) {
    world.apply(&[SHOP]).await.unwrap();
    world
        .statements(&[
            "CREATE INDEX extra ON users (id, email)",
            "CREATE TRIGGER loud AFTER INSERT ON users BEGIN SELECT 1; END",
            "CREATE INDEX of_orders ON orders (total)",
        ])
        .await;
    let outcome = world.apply(&[SHOP, PHONE]).await.unwrap();
    assert_eq!(done(&outcome), "V2");
    let warnings = outcome.warnings.iter().map(|it| it.message.as_str());
    assert_eq!(
        warnings.collect::<Vec<_>>(),
        [
            "index extra is not made by any recorded migration, and V2 alters its table users",
            "trigger loud is not made by any recorded migration, and V2 alters its table users",
        ]
    );
}

pub(crate) async fn an_undo_and_a_redo_are_refused_in_the_same_way(world: World) {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("V1__a.sql", "CREATE TABLE a (x);\nCREATE TABLE b (x);\n");
    write("V1__a.down.sql", "DROP TABLE b;\nDROP TABLE a;\n");
    write("V2__z.sql", "ALTER TABLE a ADD COLUMN z;\n");
    write("V2__z.down.sql", "ALTER TABLE a DROP COLUMN z;\n");
    let set = Migrations::read_dir(folder.path()).unwrap();
    let (run, quiet) = (Run::new("test"), ignore());
    seedbed::migrations::apply(&world.db, &set, &PlanOptions::default(), &run, &quiet)
        .await
        .unwrap();
    world.statements(&["ALTER TABLE a ADD COLUMN y"]).await;
    let expect =
        "drift: table a is not as the recorded migrations make it, and undoing V2 alters it";
    assert_eq!(refused(world.undo(Back::Steps(1)).await), expect);
    let options = RedoOptions::default();
    let redone = redo(&world.db, &set, &options, &run, &quiet).await;
    assert_eq!(refused(redone), expect);
    let options = options.drift(DriftPolicy::Allow);
    redo(&world.db, &set, &options, &run, &quiet).await.unwrap();
    assert_eq!(drift(&world.db).await.unwrap().objects.len(), 1);
    let options = UndoOptions::default().drift(DriftPolicy::Allow);
    undo(&world.db, &options, &run, &quiet).await.unwrap();
    // What the migration made goes as it is.
    world.undo(Back::Steps(1)).await.unwrap();
    assert_eq!(world.tables().await, "");
}

pub(crate) async fn a_file_that_reverts_the_drift_of_this_database_is_applied_and_another_one_is_refused(
    world: World,
) {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(SHOP.0, SHOP.1);
    world.apply(&[SHOP]).await.unwrap();
    let change = "ALTER TABLE users ADD COLUMN note TEXT";
    world.statements(&[change]).await;
    let (now, run) = (SystemTime::now(), Run::new("test"));
    let place = (folder.path(), None);
    let fixed = fix(&world.db, FixKind::Revert, place, now, &run, &ignore()).await;
    let text = fixed.unwrap().text;
    let reverting = ("V2__revert.sql", text.as_str());
    // What comes behind it is not in the way.
    let last = ("V3__phone.sql", PHONE.1);
    world.statements(&["CREATE TABLE other (x)"]).await;
    let run = world.apply(&[SHOP, reverting]).await;
    let Err(ApplyError::Problems { problems, .. }) = &run else {
        panic!("{run:?}");
    };
    let mut notes = problems.iter().flat_map(|it| &it.notes);
    assert!(
        notes.any(|it| it.starts_with("the file reverts the drift ")),
        "{problems:?}"
    );
    assert_eq!(
        refused(run),
        "drift: table users is not as the recorded migrations make it, and V2 rebuilds it"
    );
    world.statements(&["DROP TABLE other"]).await;
    let outcome = world.apply(&[SHOP, reverting, last]).await.unwrap();
    assert_eq!(
        (done(&outcome).as_str(), outcome.warnings),
        ("V2 V3", vec![])
    );
    assert_eq!(drift(&world.db).await.unwrap().objects, []);
    // A database without the drift runs it, too.
    let elsewhere = World::memory().await;
    elsewhere.apply(&[SHOP, reverting, last]).await.unwrap();
    assert_eq!(drift(&elsewhere.db).await.unwrap().objects, []);
}

pub(crate) async fn what_a_repeatable_makes_again_is_no_hindrance(world: World) {
    let view = |columns: &str| {
        format!("DROP VIEW IF EXISTS v;\nCREATE VIEW v AS SELECT {columns} FROM orders;\n")
    };
    let (first, second) = (view("total"), view("total AS sum"));
    let table = ("V1__orders.sql", "CREATE TABLE orders (total REAL);\n");
    world.apply(&[table]).await.unwrap();
    // A view that a baseline found, and that its repeatable takes over.
    world
        .statements(&["CREATE VIEW v AS SELECT 1 AS total FROM orders"])
        .await;
    let files = [table, ("R__v.sql", first.as_str())];
    assert_eq!(done(&world.apply(&files).await.unwrap()), "R__v");
    // What is gone comes back, and an edited file is applied.
    world.statements(&["DROP VIEW v"]).await;
    assert_eq!(done(&world.apply(&files).await.unwrap()), "R__v");
    let files = [table, ("R__v.sql", second.as_str())];
    assert_eq!(done(&world.apply(&files).await.unwrap()), "R__v");
    assert_eq!(drift(&world.db).await.unwrap().objects, []);
    world
        .statements(&[
            "DROP VIEW v",
            "CREATE VIEW v AS SELECT 2 AS sum FROM orders",
        ])
        .await;
    let files = [table, ("R__v.sql", first.as_str())];
    assert_eq!(
        refused(world.apply(&files).await),
        "drift: view v is not as the recorded migrations make it, and R__v rebuilds it"
    );
}

pub(crate) async fn late_versions_are_no_drift(world: World) {
    let a = ("V1__a.sql", "CREATE TABLE a (x);\n");
    let late = ("V2__late.sql", "ALTER TABLE a ADD COLUMN late;\n");
    let early = ("V3__early.sql", "ALTER TABLE a ADD COLUMN early;\n");
    world.apply(&[a, early]).await.unwrap();
    let options = PlanOptions::default().out_of_order(OutOfOrder::Allow);
    world.apply_with(&[a, late, early], options).await.unwrap();
    assert_eq!(drift(&world.db).await.unwrap().objects, []);
    // So that it has to be compared.
    world
        .statements(&["CREATE TABLE b (x)", "DROP TABLE b"])
        .await;
    let next = ("V4__next.sql", "ALTER TABLE a ADD COLUMN next;\n");
    let outcome = world.apply(&[a, late, early, next]).await.unwrap();
    assert_eq!((done(&outcome).as_str(), outcome.warnings), ("V4", vec![]));
}

pub(crate) async fn a_database_that_is_known_to_be_as_recorded_is_not_compared(world: World) {
    world.apply(&[SHOP]).await.unwrap();
    assert_eq!(is_known(&world).await, "1");
    // A text that cannot be replayed shows that nothing is.
    let spoil =
        "UPDATE _migrations SET source = 'CREATE TABLE' WHERE kind = 'migration' AND version = 1";
    world.statements(&[spoil]).await;
    let outcome = world.apply(&[SHOP, PHONE]).await.unwrap();
    assert_eq!((done(&outcome).as_str(), outcome.warnings), ("V2", vec![]));
    assert_eq!(is_known(&world).await, "1");
    // Another schema is compared, and what cannot be is a warning.
    world
        .statements(&["CREATE TABLE other (x)", "DROP TABLE other"])
        .await;
    assert_eq!(is_known(&world).await, "0");
    let next = ("V3__next.sql", "ALTER TABLE users ADD COLUMN next;\n");
    let outcome = world.apply(&[SHOP, PHONE, next]).await.unwrap();
    let codes: Vec<&str> = outcome.warnings.iter().map(|it| it.code).collect();
    assert_eq!(codes, ["drift-unknown"]);
    assert_eq!(is_known(&world).await, "0");
    let text = SHOP.1.replace('\'', "''");
    let mend = format!(
        "UPDATE _migrations SET source = '{text}' WHERE kind = 'migration' AND version = 1"
    );
    world.statements(&[&mend]).await;
    // A run that has compared, and found no drift, writes the row again.
    let last = ("V4__last.sql", "ALTER TABLE users ADD COLUMN last;\n");
    let outcome = world.apply(&[SHOP, PHONE, next, last]).await.unwrap();
    assert_eq!((done(&outcome).as_str(), outcome.warnings), ("V4", vec![]));
    assert_eq!(is_known(&world).await, "1");
}

pub(crate) async fn what_is_recorded_without_running_is_not_known(world: World) {
    use seedbed::migrations::{BaselineOptions, Verify, baseline};
    world.apply(&[SHOP]).await.unwrap();
    let (run, options) = (
        Run::new("test"),
        BaselineOptions::new(2).verify(Verify::Nothing),
    );
    baseline(&world.db, &set(&[SHOP, PHONE]), &options, &run, &ignore())
        .await
        .unwrap();
    assert_eq!(is_known(&world).await, "0");
    let next = ("V3__next.sql", "ALTER TABLE users ADD COLUMN next;\n");
    assert_eq!(
        refused(world.apply(&[SHOP, PHONE, next]).await),
        "drift: table users is not as the recorded migrations make it, and V3 alters it"
    );
}
