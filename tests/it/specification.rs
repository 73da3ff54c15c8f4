//! What a database looks like after a run, whatever its mode. Each specification gets a new and empty database.

use std::sync::Arc;

use seedbed::db::{Query, Transaction};
use seedbed::dump::export::{ExportOptions, export};
use seedbed::history::{RunError, State};
use seedbed::migrations::{
    ApplyError, Back, BaselineOptions, Event, Grouping, OutOfOrder, PlanOptions, Repair, Target,
    Verify, apply, baseline, ignore, observe,
};
use seedbed::script::{Atomicity, ForeignKeys, Key, Revision, Run, Step};
use seedbed::sql::identifier;

use crate::world::{World, codes, done, failure, problem_codes, set};

const A: (&str, &str) = ("V1__a.sql", "CREATE TABLE a (x);");
const B: (&str, &str) = ("V2__b.sql", "CREATE TABLE b (x);");
const C: (&str, &str) = ("V3__c.sql", "CREATE TABLE c (x);");

/// Puts statements into the database that no migration brought.
async fn already(world: &World, statements: &[&str]) {
    let transaction = Transaction {
        foreign_keys: ForeignKeys::Off,
        atomicity: Atomicity::Transaction,
        steps: statements
            .iter()
            .map(|sql| Step::own(*sql, vec![]))
            .collect(),
    };
    world
        .db
        .run(vec![transaction], Arc::new(|_| {}))
        .await
        .unwrap();
}

pub(crate) async fn pending_migrations_are_applied_in_order_of_their_numbers(world: World) {
    let outcome = world
        .apply(&[
            ("V10__c.sql", "CREATE TABLE c AS SELECT * FROM b;"),
            ("V2__b.sql", "CREATE TABLE b AS SELECT * FROM a;"),
            (
                "nested/V1__a.sql",
                "CREATE TABLE a (x); INSERT INTO a VALUES (7);",
            ),
        ])
        .await
        .unwrap();
    assert_eq!(done(&outcome), "V1 V2 V10");
    assert_eq!(outcome.version, Some(10));
    assert_eq!(world.recorded().await, "V1 V2 V10");
    assert_eq!(world.ask("SELECT x FROM c").await, "7");
}

pub(crate) async fn an_up_to_date_database_is_not_written_to(world: World) {
    world.apply(&[A, B]).await.unwrap();
    let before = world.history().await;
    let outcome = world.apply(&[A, B]).await.unwrap();
    assert_eq!(done(&outcome), "");
    assert_eq!(world.history().await, before);
}

pub(crate) async fn looking_at_a_database_leaves_no_table(world: World) {
    let history = world.history().await;
    assert_eq!(history.revision, Revision::NONE);
    assert_eq!(world.ask("SELECT count(*) FROM sqlite_schema").await, "0");
    assert!(world.db.path().is_none_or(|path| !path.exists()));
}

pub(crate) async fn a_failing_statement_leaves_nothing_of_its_script(world: World) {
    world.apply(&[A]).await.unwrap();
    let result = world
        .apply(&[
            A,
            B,
            (
                "V3__c.sql",
                "CREATE TABLE c (x UNIQUE);\nINSERT INTO c VALUES (1);\nINSERT INTO c VALUES (1);",
            ),
        ])
        .await;
    assert_eq!(
        failure(result),
        "V3__c.sql:3:1: UNIQUE constraint failed: c.x"
    );
    assert_eq!(world.tables().await, "a");
    assert_eq!(world.recorded().await, "V1");
}

pub(crate) async fn the_place_of_a_syntax_error_is_told(world: World) {
    let result = world
        .apply(&[(
            "V1__a.sql",
            "-- twice the same word\nCREATE TABLE a (x, y);\n\nSELECT x, y\n  FROM a, FROM a;\n",
        )])
        .await;
    assert_eq!(
        failure(result),
        "V1__a.sql:5:11: near \"FROM\": syntax error"
    );
    let result = world
        .apply(&[("V1__a.sql", "CREATE TABLE a (x);\nUPDATE a SET y = 1;")])
        .await;
    // The Turso engine says `a.y`.
    let failure = failure(result);
    assert!(failure.starts_with("V1__a.sql:2:14: no such column: "));
    assert_eq!(world.tables().await, "");
}

pub(crate) async fn each_migration_has_its_own_transaction_where_that_is_asked_for(world: World) {
    let options = PlanOptions::default().grouping(Grouping::Each);
    let result = world
        .apply_with(&[A, B, ("V3__c.sql", "CREATE TABLE a (x);")], options)
        .await;
    let Err(ApplyError::Script(error)) = result else {
        panic!("it should have failed");
    };
    assert_eq!(error.version, Some(2));
    assert_eq!(error.done.len(), 2);
    assert!(error.rolled_back.is_empty());
    assert_eq!(world.recorded().await, "V1 V2");
    assert_eq!(world.history().await.revision, Revision(2));
}

pub(crate) async fn a_run_stops_after_the_version_that_it_was_told(world: World) {
    let to = |version| PlanOptions::default().target(Target::Version(version));
    let outcome = world.apply_with(&[A, B, C], to(2)).await.unwrap();
    assert_eq!(done(&outcome), "V1 V2");
    assert_eq!(
        problem_codes(world.apply_with(&[A, B, C], to(9)).await),
        "no-such-version"
    );
}

pub(crate) async fn a_version_below_the_newest_is_refused_unless_allowed(world: World) {
    world.apply(&[A, C]).await.unwrap();
    assert_eq!(problem_codes(world.apply(&[A, B, C]).await), "out-of-order");
    assert_eq!(world.recorded().await, "V1 V3");
    let allowed = PlanOptions::default().out_of_order(OutOfOrder::Allow);
    world.apply_with(&[A, B, C], allowed).await.unwrap();
    assert_eq!(world.recorded().await, "V1 V3 V2");
}

pub(crate) async fn a_u_file_may_come_late(world: World) {
    world.apply(&[A, C]).await.unwrap();
    let outcome = world
        .apply(&[A, ("U2__b.sql", "CREATE TABLE b (x);"), C])
        .await
        .unwrap();
    assert_eq!(done(&outcome), "V2");
}

pub(crate) async fn an_edited_file_is_refused_and_a_new_comment_is_not(world: World) {
    world.apply(&[A]).await.unwrap();
    let edited = ("V1__a.sql", "CREATE TABLE a (x, y);");
    assert_eq!(problem_codes(world.apply(&[edited, B]).await), "edited");
    assert_eq!(world.tables().await, "a");
    let commented = ("V1__a.sql", "-- what a is for\ncreate  table a (x);\n");
    let outcome = world.apply(&[commented, B]).await.unwrap();
    assert_eq!(codes(&outcome.warnings), "comments-edited");
    assert_eq!(done(&outcome), "V2");
    let directive = (
        "V1__a.sql",
        "-- seedbed: no-transaction\nCREATE TABLE a (x);",
    );
    assert_eq!(problem_codes(world.apply(&[directive, B]).await), "edited");
}

pub(crate) async fn line_ends_and_byte_order_marks_are_not_edits(world: World) {
    world
        .apply(&[("V1__a.sql", "CREATE TABLE a (\n  x\n);\n")])
        .await
        .unwrap();
    let outcome = world
        .apply(&[("V1__a.sql", "\u{feff}CREATE TABLE a (\r\n  x\r\n);\r\n")])
        .await
        .unwrap();
    assert_eq!(
        (done(&outcome).as_str(), codes(&outcome.warnings).as_str()),
        ("", "")
    );
}

pub(crate) async fn a_missing_file_is_refused(world: World) {
    world.apply(&[A, B]).await.unwrap();
    assert_eq!(problem_codes(world.apply(&[B, C]).await), "missing");
    assert_eq!(world.recorded().await, "V1 V2");
}

pub(crate) async fn a_database_that_is_ahead_is_left_as_it_is(world: World) {
    world.apply(&[A, B, C]).await.unwrap();
    let outcome = world.apply(&[A]).await.unwrap();
    assert_eq!(codes(&outcome.warnings), "ahead");
    assert_eq!(outcome.version, Some(3));
}

pub(crate) async fn all_problems_come_at_once(world: World) {
    world.apply(&[A, B, C]).await.unwrap();
    let result = world
        .apply(&[
            ("V1__a.sql", "CREATE TABLE a (changed);"),
            ("V3__c.sql", "CREATE TABLE c (x);"),
            ("V4__d.sql", "BEGIN; CREATE TABLE d (x);"),
            ("V5__e.sql", ""),
            ("V6__f.sql", "SELECT 'never closed;"),
            ("V6__g.sql", "SELECT 1;"),
            ("6_h.sql", "SELECT 1;"),
            ("V7__i.sql", "SAVEPOINT s;"),
            ("V8__j.sql", "-- seedbed: fast\nSELECT 1;"),
        ])
        .await;
    let mut found: Vec<String> = problem_codes(result)
        .split(' ')
        .map(str::to_owned)
        .collect();
    found.sort();
    assert_eq!(
        found.join(" "),
        "bad-name directive duplicate edited empty missing savepoint transaction-control"
    );
    assert_eq!(world.tables().await, "a b c");
}

pub(crate) async fn a_repeatable_is_applied_again_when_it_changes(world: World) {
    let view = |sql| ("R__totals.sql", sql);
    let one = view("DROP VIEW IF EXISTS totals; CREATE VIEW totals AS SELECT 1 AS n;");
    let two = view("DROP VIEW IF EXISTS totals; CREATE VIEW totals AS SELECT 2 AS n;");
    assert_eq!(done(&world.apply(&[one, A]).await.unwrap()), "V1 R__totals");
    assert_eq!(done(&world.apply(&[one, A]).await.unwrap()), "");
    assert_eq!(done(&world.apply(&[two, A]).await.unwrap()), "R__totals");
    assert_eq!(world.ask("SELECT n FROM totals").await, "2");
    assert_eq!(world.recorded().await, "V1 R__totals");
    let outcome = world.apply(&[A]).await.unwrap();
    assert_eq!(codes(&outcome.warnings), "missing");
}

pub(crate) async fn undo_runs_the_recorded_down_text(world: World) {
    let down = |name, sql| (name, sql);
    world
        .apply(&[
            A,
            B,
            C,
            down("V2__b.down.sql", "DROP TABLE b;"),
            down("V3__c.down.sql", "DROP TABLE c;"),
        ])
        .await
        .unwrap();
    let outcome = world.undo(Back::To(1)).await.unwrap();
    assert_eq!(done(&outcome), "V3 V2");
    assert_eq!(outcome.version, Some(1));
    assert_eq!(world.tables().await, "a");
    assert_eq!(world.recorded().await, "V1");
    assert_eq!(done(&world.undo(Back::To(1)).await.unwrap()), "");
}

pub(crate) async fn undo_without_a_down_text_changes_nothing(world: World) {
    world
        .apply(&[A, B, ("V2__b.down.sql", "DROP TABLE b;")])
        .await
        .unwrap();
    assert_eq!(problem_codes(world.undo(Back::To(0)).await), "no-down");
    assert_eq!(world.tables().await, "a b");
}

/// A parent with a child that would be deleted, one that would be set to NULL, and a row in each.
const FAMILY: (&str, &str) = (
    "V1__family.sql",
    "CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT);
     CREATE TABLE cascading (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parent ON DELETE CASCADE);
     CREATE TABLE nulling (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parent ON DELETE SET NULL);
     INSERT INTO parent VALUES (1, 'one'), (2, 'two');
     INSERT INTO cascading VALUES (10, 1), (11, 2);
     INSERT INTO nulling VALUES (20, 1), (21, 2);",
);

const REBUILD: &str = "CREATE TABLE parent_new (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
     INSERT INTO parent_new (id, name) SELECT id, name FROM parent;
     DROP TABLE parent;
     ALTER TABLE parent_new RENAME TO parent;";

async fn the_family_is_whole(world: &World) {
    assert_eq!(
        world.ask("SELECT id, parent FROM cascading").await,
        "10|1 11|2"
    );
    assert_eq!(
        world.ask("SELECT id, parent FROM nulling").await,
        "20|1 21|2"
    );
    assert_eq!(world.ask("SELECT count(*) FROM parent").await, "2");
    assert_eq!(
        world
            .ask("SELECT count(*) FROM pragma_foreign_key_check")
            .await,
        "0"
    );
}

pub(crate) async fn the_rebuild_of_a_parent_keeps_its_children(world: World) {
    world.apply(&[FAMILY]).await.unwrap();
    world
        .apply(&[FAMILY, ("V2__rebuild.sql", REBUILD)])
        .await
        .unwrap();
    the_family_is_whole(&world).await;
    assert_eq!(
        world
            .ask("SELECT \"notnull\" FROM pragma_table_info('parent') WHERE name = 'name'")
            .await,
        "1"
    );
}

pub(crate) async fn the_rebuild_of_a_parent_keeps_its_children_whatever_the_pragmas(world: World) {
    let texts = [
        format!("PRAGMA foreign_keys = OFF; {REBUILD} PRAGMA foreign_keys = ON;"),
        format!("PRAGMA foreign_keys=on; {REBUILD}"),
        format!("PRAGMA defer_foreign_keys = ON; {REBUILD}"),
        format!("pragma main.FOREIGN_KEYS(1); {REBUILD}"),
    ];
    let names: Vec<String> = (2..)
        .take(texts.len())
        .map(|n| format!("V{n}__r.sql"))
        .collect();
    let mut files = vec![FAMILY];
    for (name, text) in names.iter().zip(&texts) {
        files.push((name, text));
        world.apply(&files).await.unwrap();
        the_family_is_whole(&world).await;
    }
}

pub(crate) async fn the_rebuild_of_a_table_that_refers_to_itself_keeps_its_rows(world: World) {
    world
        .apply(&[
            (
                "V1__tree.sql",
                "CREATE TABLE tree (id INTEGER PRIMARY KEY, up INTEGER REFERENCES tree ON DELETE CASCADE);
                 INSERT INTO tree VALUES (1, NULL), (2, 1), (3, 2);",
            ),
            (
                "V2__rebuild.sql",
                "CREATE TABLE tree_new (id INTEGER PRIMARY KEY, up INTEGER REFERENCES tree ON DELETE CASCADE, label TEXT);
                 INSERT INTO tree_new (id, up) SELECT id, up FROM tree;
                 DROP TABLE tree;
                 ALTER TABLE tree_new RENAME TO tree;",
            ),
        ])
        .await
        .unwrap();
    assert_eq!(world.ask("SELECT id, up FROM tree").await, "1|NULL 2|1 3|2");
}

pub(crate) async fn a_rebuild_that_loses_a_parent_is_rolled_back(world: World) {
    world.apply(&[FAMILY]).await.unwrap();
    let careless = REBUILD.replace("FROM parent;", "FROM parent WHERE id = 1;");
    let result = world.apply(&[FAMILY, ("V2__rebuild.sql", &careless)]).await;
    assert!(failure(result).starts_with("ForeignKeysAfter: "));
    the_family_is_whole(&world).await;
    assert_eq!(world.recorded().await, "V1");
}

pub(crate) async fn violations_that_were_there_before_are_no_obstacle(world: World) {
    world.apply(&[FAMILY]).await.unwrap();
    already(&world, &["INSERT INTO cascading VALUES (12, 99)"]).await;
    world
        .apply(&[FAMILY, ("V2__rebuild.sql", REBUILD)])
        .await
        .unwrap();
    let row = &world.history().await.rows[1];
    assert_eq!(
        row.detail["violations_before"].to_string(),
        r#"[{"child":"cascading","count":1,"parent":"parent"}]"#
    );
}

pub(crate) async fn undo_of_a_parent_is_safe_for_foreign_keys_too(world: World) {
    let down = ("V1__family.down.sql", "DROP TABLE parent;");
    world.apply(&[FAMILY, down]).await.unwrap();
    let result = world.undo(Back::Steps(1)).await;
    assert!(failure(result).starts_with("ForeignKeysAfter"));
    the_family_is_whole(&world).await;
    assert_eq!(world.recorded().await, "V1");
}

pub(crate) async fn a_bare_migration_is_recorded_before_and_after(world: World) {
    world
        .apply(&[A, ("V2__v.sql", "-- seedbed: no-transaction\nREINDEX;"), C])
        .await
        .unwrap();
    assert_eq!(world.recorded().await, "V1 V2 V3");
    let history = world.history().await;
    assert!(history.rows.iter().all(|row| row.state == State::Applied));
    // One for V1, two for V2, one for V3.
    assert_eq!(history.revision, Revision(4));
}

pub(crate) async fn a_bare_migration_that_failed_is_settled_by_repair(world: World) {
    let bare = (
        "V1__bare.sql",
        "-- seedbed: no-transaction\nCREATE TABLE half (x);\nCREATE TABLE half (x);",
    );
    let result = world.apply(&[bare]).await;
    assert_eq!(
        failure(result),
        "V1__bare.sql:3:14: table half already exists"
    );
    assert_eq!(world.history().await.rows[0].state, State::Started);
    assert_eq!(world.tables().await, "half");
    let key = Key::Migration(1);
    world
        .repair(&[bare], Repair::Applied(key.clone()))
        .await
        .unwrap();
    assert_eq!(world.history().await.rows[0].state, State::Applied);
    assert_eq!(
        problem_codes(world.repair(&[bare], Repair::Retry(key)).await),
        "not-repairable"
    );
}

pub(crate) async fn an_unfinished_migration_of_somebody_else_is_waited_for(world: World) {
    let bare = (
        "V1__bare.sql",
        "-- seedbed: no-transaction\nCREATE TABLE half (x);\nCREATE TABLE half (x);",
    );
    world.apply(&[bare]).await.unwrap_err();
    let Err(ApplyError::Waited { started, .. }) = world.apply(&[bare, B]).await else {
        panic!("it should have been waited for");
    };
    assert_eq!(codes(&[*started.unwrap()]), "started");
    world
        .repair(&[bare], Repair::Applied(Key::Migration(1)))
        .await
        .unwrap();
    assert_eq!(done(&world.apply(&[bare, B]).await.unwrap()), "V2");
}

pub(crate) async fn repair_records_what_changes_no_meaning(world: World) {
    let down = ("V2__b.down.sql", "DROP TABLE b;");
    world
        .apply(&[A, B, C, down, ("R__r.sql", "SELECT 1;")])
        .await
        .unwrap();
    let files = [
        ("V1__a.sql", "CREATE TABLE a (x); -- now with words"),
        B,
        ("V2__b.down.sql", "DROP TABLE IF EXISTS b;"),
        ("V3__renamed.sql", C.1),
    ];
    let outcome = world.apply(&files).await.unwrap();
    assert_eq!(
        codes(&outcome.warnings),
        "comments-edited down-edited renamed missing"
    );
    let before = world.history().await.rows[0].applied_at.clone();
    let outcome = world.repair(&files, Repair::Harmless).await.unwrap();
    assert_eq!(done(&outcome), "V1 V2 V3 R__r");
    assert_eq!(codes(&world.apply(&files).await.unwrap().warnings), "");
    let history = world.history().await;
    assert_eq!(history.rows[0].applied_at, before);
    assert_eq!(history.rows[2].name, "renamed");
    world.undo(Back::To(2)).await.unwrap_err();
}

pub(crate) async fn repair_of_one_version_records_its_file(world: World) {
    world.apply(&[A, B]).await.unwrap();
    let edited = ("V1__a.sql", "CREATE TABLE a (x, y);");
    let harmless = world.repair(&[edited, B], Repair::Harmless).await;
    assert_eq!(problem_codes(harmless), "edited");
    assert_eq!(problem_codes(world.apply(&[edited, B]).await), "edited");
    let key = Key::Migration(1);
    world
        .repair(&[edited, B], Repair::Record(key.clone(), Verify::Nothing))
        .await
        .unwrap();
    assert_eq!(done(&world.apply(&[edited, B]).await.unwrap()), "");
    world
        .repair(&[B], Repair::Record(key, Verify::Schema))
        .await
        .unwrap();
    assert_eq!(world.recorded().await, "V2");
    assert_eq!(world.tables().await, "a b");
}

pub(crate) async fn repair_of_one_version_keeps_a_down_text_without_a_file(world: World) {
    let down = ("V1__a.down.sql", "DROP TABLE a;");
    world.apply(&[A, down]).await.unwrap();
    let edited = ("V1__a.sql", "CREATE TABLE a (x, y);");
    let what = Repair::Record(Key::Migration(1), Verify::Nothing);
    let outcome = world.repair(&[edited], what.clone()).await.unwrap();
    assert_eq!(done(&outcome), "V1");
    assert_eq!(codes(&outcome.warnings), "not-verified down-of-before");
    // It is recorded now, and said once.
    let outcome = world.repair(&[edited], what).await.unwrap();
    assert_eq!(
        (done(&outcome), codes(&outcome.warnings)),
        (String::new(), String::new())
    );
    assert_eq!(done(&world.undo(Back::Steps(1)).await.unwrap()), "V1");
    assert_eq!(world.tables().await, "");
}

pub(crate) async fn a_plan_made_on_an_old_history_is_refused(world: World) {
    let old = world.history().await;
    let options = PlanOptions::default();
    let plan = seedbed::migrations::plan(&set(&[A]), &old, &options);
    world.apply(&[B]).await.unwrap();
    let quiet: seedbed::history::OnUnit = Arc::new(|_| {});
    let result = seedbed::history::run(&world.db, &plan.scripts[0], &Run::new("late"), quiet).await;
    assert!(matches!(result, Err(RunError::Moved)));
    assert_eq!(world.tables().await, "b");
}

pub(crate) async fn a_foreign_table_of_that_name_is_left_alone(world: World) {
    already(
        &world,
        &["CREATE TABLE _migrations (id INTEGER, name TEXT)"],
    )
    .await;
    let error = world.apply(&[A]).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the table _migrations in this database is not Seedbed's"
    );
    assert_eq!(world.tables().await, "");
    assert_eq!(world.ask("SELECT count(*) FROM _migrations").await, "0");
}

pub(crate) async fn a_long_text_is_recorded_packed_and_read_back(world: World) {
    let layout = "SELECT detail FROM _migrations WHERE version = 'layout'";
    let long = |sql: &str| format!("{sql}\n{}", "-- a long text\n".repeat(80_000));
    let (up, down) = (long("CREATE TABLE b (x);"), long("DROP TABLE b;"));
    world.apply(&[A]).await.unwrap();
    assert_eq!(world.ask(layout).await, "1");
    let files = [A, ("V2__b.sql", &up), ("V2__b.down.sql", &down)];
    assert_eq!(done(&world.apply(&files).await.unwrap()), "V2");
    // A program that knows plain texts alone must not take it for none.
    assert_eq!(world.ask(layout).await, "2");
    let sizes = "SELECT typeof(source), typeof(down), length(source) < 100000 FROM _migrations WHERE version = 2";
    assert_eq!(world.ask(sizes).await, "blob|blob|1");
    assert_eq!(done(&world.apply(&files).await.unwrap()), "");
    let edited = up.replace("(x)", "(x, y)");
    let other = [A, ("V2__b.sql", &edited), files[2]];
    assert_eq!(problem_codes(world.apply(&other).await), "edited");
    assert_eq!(done(&world.undo(Back::Steps(1)).await.unwrap()), "V2");
    assert_eq!(world.tables().await, "a");
}

/// As PocketBase makes it.
const POCKETBASE: [&str; 2] = [
    "CREATE TABLE `_migrations` (file VARCHAR(255) PRIMARY KEY NOT NULL, applied INTEGER NOT NULL)",
    "INSERT INTO _migrations VALUES ('1640988000_init.go', 1700000000000000)",
];

pub(crate) async fn the_history_can_have_another_name_beside_a_foreign_table(world: World) {
    let world = world.with_history_table("schema_history");
    already(&world, &POCKETBASE).await;
    let files = [
        ("V1__a.sql", "CREATE TABLE a (x);"),
        ("V2__b.sql", "CREATE TABLE b (x);"),
        ("V2__b.down.sql", "DROP TABLE b;"),
        (
            "V3__c.sql",
            "-- seedbed: no-transaction\nCREATE TABLE c (x);",
        ),
        (
            "R__v.sql",
            "DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT x FROM a;",
        ),
    ];
    let outcome = world.apply_with(&files[..3], PlanOptions::default()).await;
    assert_eq!(done(&outcome.unwrap()), "V1 V2");
    assert_eq!(done(&world.undo(Back::Steps(1)).await.unwrap()), "V2");
    assert_eq!(done(&world.apply(&files).await.unwrap()), "V2 V3 R__v");
    assert_eq!(done(&world.apply(&files).await.unwrap()), "");
    assert_eq!(world.recorded().await, "V1 V2 V3 R__v");
    assert_eq!(world.history().await.table.name(), "schema_history");
    assert_eq!(
        world
            .ask("SELECT count(*) FROM schema_history WHERE kind = 'migration'")
            .await,
        "3"
    );
    assert_eq!(
        world.ask("SELECT file FROM _migrations").await,
        "1640988000_init.go"
    );
    let edited = [
        ("V1__a.sql", "CREATE TABLE a (x); -- a note"),
        files[1],
        files[3],
        files[4],
    ];
    let repaired = world.repair(&edited, Repair::Harmless).await;
    assert_eq!(done(&repaired.unwrap()), "V1");
    // It is no part of the schema, whatever its name.
    let schema = seedbed::schema::inspect(&world.db).await.unwrap();
    let names: Vec<_> = schema.objects.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c", "v"]);
}

pub(crate) async fn a_name_with_a_quote_and_upper_case_is_quoted(world: World) {
    let world = world.with_history_table("The \"Log\" of 'x' Table");
    already(&world, &POCKETBASE).await;
    let rebuild = "CREATE TABLE n (x); DROP TABLE a; ALTER TABLE n RENAME TO a;";
    let files = [
        A,
        ("V2__b.sql", rebuild),
        ("V2__b.down.sql", "DROP TABLE a; CREATE TABLE a (x);"),
    ];
    assert_eq!(done(&world.apply(&files).await.unwrap()), "V1 V2");
    assert_eq!(done(&world.undo(Back::Steps(1)).await.unwrap()), "V2");
    assert_eq!(done(&world.apply(&files).await.unwrap()), "V2");
    assert_eq!(
        world
            .ask("SELECT count(*) FROM \"the \"\"log\"\" of 'x' TABLE\"")
            .await,
        "6"
    );
}

pub(crate) async fn looking_tells_that_the_engine_refuses_the_name_of_the_history(world: World) {
    let mut world = world;
    for name in ["a \"b\"", "turso_cdc", "__turso_internal_x"] {
        world = world.with_history_table(name);
        let looked = observe(&world.db, &set(&[A])).await;
        let makes = format!("CREATE TABLE {} (x)", identifier(name));
        let Some(why) = world.db.engine().refusal(&makes) else {
            assert!(looked.is_ok(), "{name}");
            continue;
        };
        let told = format!("the table of the history cannot be made: {why}");
        assert_eq!(looked.unwrap_err().to_string(), told);
        assert_eq!(world.apply(&[A]).await.unwrap_err().to_string(), told);
    }
    assert_eq!(world.tables().await, "");
}

pub(crate) async fn a_history_under_another_name_is_never_run_a_second_time(world: World) {
    let file = [(
        "V1__a.sql",
        "CREATE TABLE IF NOT EXISTS a (x); INSERT INTO a VALUES (1);",
    )];
    world.apply(&file).await.unwrap();
    let world = world.with_history_table("schema_history");
    let error = world.apply(&file).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the history of this database is in the table _migrations, and not in schema_history"
    );
    assert_eq!(world.ask("SELECT count(*) FROM a").await, "1");
    // What the error proposes.
    already(
        &world,
        &["ALTER TABLE _migrations RENAME TO schema_history"],
    )
    .await;
    assert_eq!(done(&world.apply(&file).await.unwrap()), "");
    let world = world.with_history_table("_migrations");
    let error = world.apply(&file).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the history of this database is in the table schema_history, and not in _migrations"
    );
    assert_eq!(world.ask("SELECT count(*) FROM a").await, "1");
}

pub(crate) async fn a_file_may_not_change_the_history_under_its_name(world: World) {
    let world = world.with_history_table("Schema_History");
    already(&world, &POCKETBASE).await;
    let own = [A, ("V2__b.sql", "DELETE FROM schema_history;")];
    assert_eq!(problem_codes(world.apply(&own).await), "reserved-table");
    let foreign = [A, ("V2__b.sql", "DELETE FROM _migrations;")];
    assert_eq!(done(&world.apply(&foreign).await.unwrap()), "V1 V2");
    assert_eq!(world.ask("SELECT count(*) FROM _migrations").await, "0");
}

pub(crate) async fn a_newer_layout_is_left_alone(world: World) {
    world.apply(&[A]).await.unwrap();
    already(
        &world,
        &["UPDATE _migrations SET detail = 99 WHERE kind = 'meta' AND version = 'layout'"],
    )
    .await;
    let error = world.apply(&[A, B]).await.unwrap_err();
    assert!(error.to_string().contains("layout 99"), "{error}");
    assert_eq!(world.tables().await, "a");
}

pub(crate) async fn two_runs_at_once_apply_each_migration_once(world: World) {
    let files: Vec<(String, String)> = (1..=20)
        .map(|n| (format!("V{n}__t.sql"), format!("CREATE TABLE t{n} (x);")))
        .collect();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let each = PlanOptions::default().grouping(Grouping::Each);
    let (one, two) = (Run::new("one"), Run::new("two"));
    let set = set(&files);
    let quiet = ignore();
    // On a busy machine the other's transactions take long.
    let db = world
        .db
        .clone()
        .with_lock_timeout(std::time::Duration::from_secs(30));
    let (first, second) = tokio::join!(
        apply(&db, &set, &each, &one, &quiet),
        apply(&db, &set, &each, &two, &quiet),
    );
    let total = first.unwrap().done.len() + second.unwrap().done.len();
    assert_eq!(total, 20);
    assert_eq!(world.history().await.rows.len(), 20);
}

pub(crate) async fn a_statement_that_returns_rows_is_run_to_its_end(world: World) {
    let events = Arc::new(std::sync::Mutex::new(Vec::new()));
    let sink = events.clone();
    let files = set(&[(
        "V1__a.sql",
        "CREATE TABLE a (x); INSERT INTO a VALUES (1), (2), (3) RETURNING x; SELECT * FROM a; UPDATE a SET x = x + 1 RETURNING x;",
    )]);
    apply(
        &world.db,
        &files,
        &PlanOptions::default(),
        &Run::new("test"),
        &(Arc::new(move |event| {
            if !matches!(event, Event::Begins(_)) {
                sink.lock().unwrap().push(event);
            }
        }) as seedbed::migrations::OnEvent),
    )
    .await
    .unwrap();
    assert_eq!(world.ask("SELECT x FROM a").await, "2 3 4");
    assert_eq!(
        *events.lock().unwrap(),
        [
            Event::Planned {
                units: 1,
                scripts: 1,
                outlines: Vec::new(),
            },
            Event::Ran(Key::Migration(1)),
            Event::Committed(Key::Migration(1)),
        ]
    );
    let answers = world.db.query(vec![Query::new("SELECT 1")]).await.unwrap();
    assert_eq!(answers.len(), 1);
}

pub(crate) async fn triggers_and_strings_with_semicolons_are_one_statement(world: World) {
    let outcome = world
        .apply(&[(
            "V1__a.sql",
            "CREATE TABLE a (x); CREATE TABLE log (x);
             CREATE TRIGGER t AFTER INSERT ON a BEGIN
               INSERT INTO log VALUES (CASE WHEN new.x > 1 THEN 'a;b' ELSE 'END;' END);
               DELETE FROM log WHERE x = ';';
             END;
             INSERT INTO a VALUES (1), (2);",
        )])
        .await
        .unwrap();
    assert_eq!(outcome.done[0].statements, 4);
    assert_eq!(world.ask("SELECT x FROM log").await, "END; a;b");
}

pub(crate) async fn refinerys_own_runner_works(world: World) {
    use refinery_core::{Migration, Runner};
    let migrations = [
        Migration::unapplied("V1__family", FAMILY.1).unwrap(),
        Migration::unapplied("V2__rebuild", REBUILD).unwrap(),
    ];
    let mut driver = seedbed::refinery::Driver(world.db.clone());
    let runner = Runner::new(&migrations);
    let report = runner.run_async(&mut driver).await.unwrap();
    assert_eq!(report.applied_migrations().len(), 2);
    the_family_is_whole(&world).await;
    let again = runner.run_async(&mut driver).await.unwrap();
    assert!(again.applied_migrations().is_empty());
    let applied = runner
        .get_applied_migrations_async(&mut driver)
        .await
        .unwrap();
    assert_eq!(applied[1].to_string(), "V2__rebuild");
    let failing = [
        migrations[0].clone(),
        migrations[1].clone(),
        Migration::unapplied(
            "V3__half",
            "CREATE TABLE half (x); INSERT INTO nowhere VALUES (1);",
        )
        .unwrap(),
    ];
    Runner::new(&failing)
        .run_async(&mut driver)
        .await
        .unwrap_err();
    assert!(!world.tables().await.contains("half"));
    let ours: seedbed::migrations::Migrations = migrations.into_iter().collect();
    assert_eq!(ours.newest(), Some(2));
}

pub(crate) async fn rows_are_exported_as_a_seed(world: World) {
    use seedbed::seeds::{ExportOptions, Tables, export};

    world
        .apply(&[(
            "V1__a.sql",
            "CREATE TABLE a (id INTEGER PRIMARY KEY, email TEXT UNIQUE, n, up INTEGER AS (id + 1));
             CREATE TABLE b (a_id INTEGER PRIMARY KEY REFERENCES a, r REAL, bytes BLOB) STRICT;
             CREATE TABLE c (x TEXT PRIMARY KEY);
             INSERT INTO a (id, email, n) VALUES (-9223372036854775808, 'ann@x.test', 1.0), (7, 'bob@x.test', '1');
             INSERT INTO b VALUES (7, 0.1, x'00ff'); INSERT INTO c VALUES ('a' || char(0) || 'b');",
        )])
        .await
        .unwrap();
    let options = |tables: &[&str]| {
        ExportOptions::new(Tables::Named(
            tables.iter().map(|it| (*it).to_owned()).collect(),
        ))
    };
    let exported = export(&world.db, &options(&["a", "b"])).await.unwrap();
    let expect = expect_test::expect![[r#"
        _seed: {format: 1}

        a:
          ann:
            id: -9223372036854775808
            email: ann@x.test
            "n": 1.0
          bob:
            id: 7
            email: bob@x.test
            "n": '1'

        b:
          b_7:
            a: bob
            r: 0.1
            bytes: !!binary AP8=
    "#]];
    expect.assert_eq(&exported.yaml);
    let refused = export(&world.db, &options(&["c", "d"])).await.unwrap_err();
    assert_eq!(refused.to_string(), "there is no table `d`");
    let refused = export(&world.db, &options(&["c"])).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "`c.x` has text with a NUL in it, in 1 of the rows"
    );
}

pub(crate) async fn tables_are_listed_with_rows_and_indexes(world: World) {
    use seedbed::schema::{Uniqueness, contents};

    assert!(contents(&world.db).await.unwrap().tables.is_empty());
    assert!(world.db.path().is_none_or(|path| !path.exists()));
    world
        .apply(&[(
            "V1__a.sql",
            "CREATE TABLE a (x UNIQUE, y); CREATE INDEX by_y ON a (y, x); INSERT INTO a VALUES (1, 2), (2, 2);
             CREATE TABLE b (k TEXT PRIMARY KEY) WITHOUT ROWID; CREATE VIEW v AS SELECT x FROM a;",
        )])
        .await
        .unwrap();
    let contents = contents(&world.db).await.unwrap();
    let rows: Vec<_> = contents
        .tables
        .iter()
        .map(|table| (table.name.as_str(), table.rows))
        .collect();
    assert_eq!(rows, [("a", Some(2)), ("b", Some(0))]);
    let indexes: Vec<_> = contents.tables[0]
        .indexes
        .iter()
        .map(|index| (index.name.as_str(), index.columns.len(), index.uniqueness))
        .collect();
    assert_eq!(
        indexes,
        [
            ("by_y", 2, Uniqueness::Any),
            ("sqlite_autoindex_a_1", 1, Uniqueness::Unique)
        ]
    );
    assert_eq!(contents.views, ["v"]);
    assert!(contents.bytes.is_some());
}

pub(crate) async fn a_query_plan_tells_its_index_and_runs_nothing(world: World) {
    use seedbed::schema::{ExplainError, Uses, explain};

    world
        .apply(&[(
            "V1__a.sql",
            "CREATE TABLE a (x, y); CREATE INDEX by_y ON a (y); INSERT INTO a VALUES (1, 2);",
        )])
        .await
        .unwrap();
    let plan = explain(&world.db, "DELETE FROM a WHERE y = ?1").await;
    assert_eq!(plan.unwrap()[0].uses, Some(Uses::Index("by_y".to_owned())));
    let plan = explain(&world.db, "EXPLAIN QUERY PLAN DELETE FROM a;").await;
    assert!(plan.is_ok());
    let plan = explain(&world.db, "SELECT * FROM a WHERE x = 1").await;
    assert_eq!(plan.unwrap()[0].uses, Some(Uses::EveryRow));
    for wrong in ["SELEC 1", "SELECT * FROM nowhere"] {
        let error = explain(&world.db, wrong).await.unwrap_err();
        assert!(matches!(error, ExplainError::Engine(_)), "{error:?}");
    }
    assert_eq!(world.ask("SELECT count(*) FROM a").await, "1");
}

pub(crate) async fn row_level_security_is_refused(world: World) {
    let policy = "CREATE POLICY user_isolation ON a USING (auth.user_id() = id);";
    assert_eq!(
        problem_codes(world.apply(&[A, ("V2__policy.sql", policy)]).await),
        "refused"
    );
    assert_eq!(world.tables().await, "");
}

/// The second file fails where it defers nothing: however they are grouped, the first one is applied.
pub(crate) async fn deferred_foreign_keys_end_with_the_file(world: World) {
    let files = [
        (
            "V1__a.sql",
            "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p REFERENCES p (id)); \
             PRAGMA defer_foreign_keys = ON; INSERT INTO c VALUES (1); INSERT INTO p VALUES (1);",
        ),
        (
            "V2__b.sql",
            "INSERT INTO c VALUES (2); INSERT INTO p VALUES (2);",
        ),
    ];
    let failed = world.apply(&files).await;
    assert!(failed.is_err());
    assert_eq!(world.recorded().await, "V1");
    assert_eq!(world.ask("SELECT p FROM c").await, "1");
    let each = PlanOptions::default().grouping(Grouping::Each);
    assert!(world.apply_with(&files, each).await.is_err());
    assert_eq!(world.recorded().await, "V1");
}

pub(crate) async fn a_file_of_comments_is_applied_and_does_nothing(world: World) {
    let empty = ("V2__b.sql", "-- done by hand, see the ticket\n");
    let repeatable = ("R__r.sql", "/* later */");
    let outcome = world.apply(&[A, empty, C, repeatable]).await.unwrap();
    assert_eq!(done(&outcome), "V1 V2 V3 R__r");
    assert_eq!(codes(&outcome.warnings), "comments-only");
    assert_eq!(world.tables().await, "a c");
    let outcome = world.apply(&[A, empty, C, repeatable]).await.unwrap();
    assert_eq!(
        (done(&outcome), codes(&outcome.warnings)),
        Default::default()
    );
}

pub(crate) async fn a_down_file_of_comments_is_none(world: World) {
    let files = [A, ("V1__a.down.sql", "-- cannot be undone\n")];
    let outcome = world.apply(&files).await.unwrap();
    assert_eq!(codes(&outcome.warnings), "comments-only");
    let outcome = world.apply(&files).await.unwrap();
    assert_eq!(codes(&outcome.warnings), "");
    assert_eq!(problem_codes(world.undo(Back::Steps(1)).await), "no-down");
    assert_eq!(world.tables().await, "a");
}

pub(crate) async fn transactions_around_whole_files_are_taken_out(world: World) {
    world.apply(&[FAMILY]).await.unwrap();
    let wrapped = format!(
        "COMMIT;\nPRAGMA foreign_keys = OFF;\nBEGIN;\n{REBUILD}\nCOMMIT;\nPRAGMA foreign_keys = ON;\nBEGIN;\n"
    );
    let down = (
        "V2__rebuild.down.sql",
        "BEGIN;\nSELECT 1;\nEND TRANSACTION;\n",
    );
    let outcome = world
        .apply(&[FAMILY, ("V2__rebuild.sql", &wrapped), down])
        .await
        .unwrap();
    assert_eq!(codes(&outcome.warnings), "transaction-control");
    the_family_is_whole(&world).await;
    let outcome = world.undo(Back::Steps(1)).await.unwrap();
    assert_eq!(done(&outcome), "V2");
}

pub(crate) async fn a_bare_migration_manages_its_own_transactions(world: World) {
    let bare = (
        "V2__b.sql",
        "-- seedbed: no-transaction\nBEGIN;\nCREATE TABLE b (x);\nINSERT INTO b VALUES (1);\nCOMMIT;\n",
    );
    let outcome = world.apply(&[A, bare, C]).await.unwrap();
    assert_eq!(done(&outcome), "V1 V2 V3");
    assert_eq!(codes(&outcome.warnings), "");
    assert_eq!(world.ask("SELECT x FROM b").await, "1");
}

pub(crate) async fn a_baseline_takes_foreign_keys_that_the_engine_has_rewritten(world: World) {
    let files = [
        (
            "V1__a.sql",
            "CREATE TABLE p (id INTEGER PRIMARY KEY AUTOINCREMENT);
             CREATE TABLE c (p INT REFERENCES p (id) ON DELETE CASCADE);",
        ),
        (
            "V2__b.sql",
            "ALTER TABLE p RENAME COLUMN id TO pid; ALTER TABLE c ADD COLUMN q INT REFERENCES p (pid);
             ALTER TABLE p RENAME TO pp;",
        ),
    ];
    world.apply(&files).await.unwrap();
    already(&world, &["DROP TABLE _migrations"]).await;
    let options = BaselineOptions::new(2).verify(Verify::Schema);
    let taken = baseline(
        &world.db,
        &set(&files),
        &options,
        &Run::new("test"),
        &ignore(),
    )
    .await;
    let taken = taken.unwrap();
    assert_eq!(codes(&taken.warnings), "");
    assert_eq!(world.recorded().await, "V1 V2");
}

pub(crate) async fn a_table_whose_name_begins_like_one_of_the_turso_engine_is_the_applications(
    world: World,
) {
    let text = "CREATE TABLE turso_cdc_notes (a); INSERT INTO turso_cdc_notes VALUES (7); CREATE TABLE turso_sync_log (a);
                CREATE TABLE z (id INTEGER PRIMARY KEY AUTOINCREMENT);";
    world.apply(&[("V1__a.sql", text)]).await.unwrap();
    let schema = seedbed::schema::inspect(&world.db).await.unwrap();
    let names: Vec<&str> = schema.objects.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["turso_cdc_notes", "turso_sync_log", "z"]);
    let mut dump = Vec::new();
    export(&world.db, &ExportOptions::default(), &mut dump)
        .await
        .unwrap();
    let dump = String::from_utf8(dump).unwrap();
    assert!(dump.contains("INSERT INTO turso_cdc_notes"), "{dump}");
    assert!(!dump.contains("__turso_internal_"), "{dump}");
}
