//! What a database looks like after a repair or a redo, whatever its mode.

use seedbed::migrations::{
    Adopted, ApplyError, Back, BaselineOptions, Grouping, OutOfOrder, Outcome, PlanOptions,
    RedoOptions, Repair, UndoOptions, Verify, baseline, ignore, redo, undo,
};
use seedbed::script::{Key, Run};

use crate::world::{World, codes, done, problem_codes, set};

type File<'a> = (&'a str, &'a str);

const A: File<'_> = ("V1__a.sql", "CREATE TABLE a (x);");
const ROB: &str = "CREATE TABLE rob (x);";
const JANE: &str = "CREATE TABLE jane (x);";

async fn redone(world: &World, files: &[File<'_>], steps: usize) -> Result<Outcome, ApplyError> {
    let options = RedoOptions::default().steps(steps).grouping(Grouping::All);
    redo(
        &world.db,
        &set(files),
        &options,
        &Run::new("test"),
        &ignore(),
    )
    .await
}

/// What is recorded, as `1 a, 2 rob`, and when.
async fn records(world: &World) -> (String, Vec<String>) {
    let history = world.history().await;
    let rows: Vec<String> = history
        .versions()
        .iter()
        .map(|(version, row)| format!("{version} {}", row.name))
        .collect();
    let mut times: Vec<String> = history
        .rows
        .iter()
        .map(|row| row.applied_at.clone())
        .collect();
    times.sort();
    (rows.join(", "), times)
}

pub(crate) async fn a_record_moves_to_the_file_that_holds_its_text(world: World) {
    world.apply(&[A, ("V2__rob.sql", ROB)]).await.unwrap();
    let (_, before) = records(&world).await;
    // Comments and spaces make no other text of it.
    let moved = ("V3__rob.sql", "-- renumbered\ncreate table rob (x);");
    let files = [A, ("V2__jane.sql", JANE), moved];
    assert_eq!(problem_codes(world.apply(&files).await), "renumbered");
    let outcome = world.repair(&files, Repair::Harmless).await.unwrap();
    assert_eq!(done(&outcome), "V3");
    assert_eq!(outcome.done[0].from, Some(Key::Migration(2)));
    assert_eq!(outcome.version, Some(3));
    assert_eq!(
        records(&world).await,
        ("1 a, 3 rob".to_owned(), before.clone())
    );
    assert_eq!(problem_codes(world.apply(&files).await), "out-of-order");
    let late = PlanOptions::default().out_of_order(OutOfOrder::Allow);
    let outcome = world.apply_with(&files, late).await.unwrap();
    assert_eq!(
        (done(&outcome), codes(&outcome.warnings)),
        ("V2".to_owned(), String::new())
    );
    assert_eq!(world.tables().await, "a jane rob");
}

pub(crate) async fn records_that_exchanged_their_numbers_are_moved_at_once(world: World) {
    let c = "CREATE TABLE c (x);";
    world
        .apply(&[
            ("V1__rob.sql", ROB),
            ("V2__jane.sql", JANE),
            ("V3__c.sql", c),
        ])
        .await
        .unwrap();
    let (_, before) = records(&world).await;
    for files in [
        // Two exchanged, and the names went along.
        [
            ("V1__jane.sql", JANE),
            ("V2__rob.sql", ROB),
            ("V3__c.sql", c),
        ],
        // A rotation, in which each file keeps a name that another one has.
        [
            ("V1__rob.sql", c),
            ("V2__jane.sql", JANE),
            ("V3__c.sql", ROB),
        ],
        [
            ("V20260101000000__c.sql", c),
            ("V20260102000000__rob.sql", ROB),
            ("V20260103000000__jane.sql", JANE),
        ],
    ] {
        let refused = problem_codes(world.apply(&files).await);
        assert!(
            refused.split(' ').all(|code| code == "renumbered"),
            "{refused}"
        );
        let outcome = world.repair(&files, Repair::Harmless).await.unwrap();
        assert_eq!(outcome.version, set(&files).newest());
        let outcome = world.apply(&files).await.unwrap();
        assert_eq!(
            (done(&outcome), codes(&outcome.warnings)),
            (String::new(), String::new())
        );
        assert_eq!(records(&world).await.1, before);
    }
    assert_eq!(world.tables().await, "c jane rob");
}

pub(crate) async fn a_record_is_not_moved_onto_another_one(world: World) {
    let zed = ("V3__zed.sql", "CREATE TABLE zed (x);");
    world.apply(&[A, ("V2__rob.sql", ROB), zed]).await.unwrap();
    let before = world.history().await;
    // The text of V3 is in no file, so its record stays, and the one of V2 has no room.
    let files = [A, ("V2__jane.sql", JANE), ("V3__rob.sql", ROB)];
    let refused = problem_codes(world.repair(&files, Repair::Harmless).await);
    assert_eq!(refused, "renumbered other-migration");
    assert_eq!(world.history().await, before);
}

pub(crate) async fn a_repeatable_of_another_name_keeps_its_record(world: World) {
    let view = "DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT x FROM a;";
    world.apply(&[A, ("R__one.sql", view)]).await.unwrap();
    let (_, before) = records(&world).await;
    let files = [A, ("R__two.sql", view)];
    let outcome = world.repair(&files, Repair::Harmless).await.unwrap();
    assert_eq!(done(&outcome), "R__two");
    assert_eq!(records(&world).await.1, before);
    let outcome = world.apply(&files).await.unwrap();
    assert_eq!(
        (done(&outcome), codes(&outcome.warnings)),
        (String::new(), String::new())
    );
}

pub(crate) async fn a_migration_that_did_not_run_is_not_recorded_as_if_it_had(world: World) {
    world.apply(&[A, ("V2__rob.sql", ROB)]).await.unwrap();
    let before = world.history().await;
    let key = Key::Migration(2);
    let seen = Repair::Record(key.clone(), Verify::Schema);
    for (file, why) in [
        (("V2__jane.sql", JANE), "drift"),
        (("V2__rob.sql", "CREATE TABLE rob (x, y);"), "drift"),
        (
            (
                "V2__rob.sql",
                "CREATE TABLE rob (x); CREATE INDEX i ON rob (x);",
            ),
            "drift",
        ),
        (
            (
                "V2__rob.sql",
                "CREATE TABLE rob (x); INSERT INTO rob VALUES (1);",
            ),
            "not-shown",
        ),
        (
            ("V2__rob.sql", "CREATE TABLE rob (x); CREATE TABLE a (x);"),
            "fails",
        ),
    ] {
        let refused = problem_codes(world.repair(&[A, file], seen.clone()).await);
        assert_eq!(refused, why, "{file:?}");
        assert_eq!(world.history().await, before);
    }
    // The schema shows that this is what the database is like.
    let same = ("V2__rob.sql", "CREATE TABLE IF NOT EXISTS rob (x);");
    assert_eq!(done(&world.repair(&[A, same], seen).await.unwrap()), "V2");
    // Without a look it is recorded, and the outcome says so.
    let other = [A, ("V2__jane.sql", JANE)];
    let unseen = Repair::Record(key, Verify::Nothing);
    let outcome = world.repair(&other, unseen).await.unwrap();
    assert_eq!(codes(&outcome.warnings), "not-verified");
}

pub(crate) async fn a_migration_of_a_baseline_is_undone_only_where_that_is_asked_for(world: World) {
    world.apply(&[A, ("V2__rob.sql", ROB)]).await.unwrap();
    world.ask("SELECT 1").await;
    let down = ("V1__a.down.sql", "DROP TABLE a;");
    let files = [
        A,
        down,
        ("V2__rob.sql", ROB),
        ("V2__rob.down.sql", "DROP TABLE rob;"),
    ];
    for version in [2, 1] {
        let forget = Repair::Record(Key::Migration(version), Verify::Schema);
        world.repair(&[], forget).await.unwrap();
    }
    let options = BaselineOptions::new(2).verify(Verify::Schema);
    let run = Run::new("test");
    baseline(&world.db, &set(&files), &options, &run, &ignore())
        .await
        .unwrap();
    assert_eq!(problem_codes(world.undo(Back::Steps(1)).await), "adopted");
    assert_eq!(
        problem_codes(world.undo(Back::To(0)).await),
        "adopted adopted"
    );
    assert_eq!(problem_codes(redone(&world, &files, 1).await), "adopted");
    assert_eq!(world.tables().await, "a rob");
    let options = UndoOptions::default()
        .back(Back::Steps(1))
        .grouping(Grouping::All)
        .adopted(Adopted::Undo);
    let outcome = undo(&world.db, &options, &run, &ignore()).await.unwrap();
    assert_eq!(done(&outcome), "V2");
    assert_eq!(world.tables().await, "a");
}

pub(crate) async fn a_redo_undoes_by_the_recorded_text_and_applies_the_file(world: World) {
    let down = ("V2__rob.down.sql", "DROP TABLE rob;");
    world.apply(&[A, ("V2__rob.sql", ROB), down]).await.unwrap();
    // The recorded down text runs, and not that of the file, which fits what the new text makes.
    let edited = [
        A,
        ("V2__rob.sql", "CREATE TABLE rob_two (x);"),
        ("V2__rob.down.sql", "DROP TABLE rob_two;"),
    ];
    assert_eq!(problem_codes(world.apply(&edited).await), "edited");
    let before = world.history().await.revision;
    let outcome = redone(&world, &edited, 1).await.unwrap();
    assert_eq!(done(&outcome), "V2 V2");
    assert_eq!(codes(&outcome.warnings), "");
    assert_eq!(outcome.version, Some(2));
    assert_eq!(world.tables().await, "a rob_two");
    // Down and up are one transaction.
    assert_eq!(world.history().await.revision.0, before.0 + 1);
    assert_eq!(done(&world.apply(&edited).await.unwrap()), "");
    assert_eq!(done(&redone(&world, &edited, 1).await.unwrap()), "V2 V2");
    // What is pending besides is no part of it.
    let more = [
        edited[0],
        edited[1],
        edited[2],
        ("V3__c.sql", "CREATE TABLE c (x);"),
    ];
    assert_eq!(done(&redone(&world, &more, 1).await.unwrap()), "V2 V2");
    assert_eq!(world.tables().await, "a rob_two");
}

pub(crate) async fn a_redo_that_fails_leaves_what_was_applied(world: World) {
    let down = ("V2__rob.down.sql", "DROP TABLE rob;");
    world.apply(&[A, ("V2__rob.sql", ROB), down]).await.unwrap();
    let before = world.history().await;
    let broken = [
        A,
        ("V2__rob.sql", "CREATE TABLE rob (x);\nCREATE TABLE a (x);"),
        down,
    ];
    let Err(ApplyError::Script(error)) = redone(&world, &broken, 1).await else {
        panic!("it should have failed");
    };
    assert_eq!(error.version, Some(2));
    assert_eq!(error.redone, [Key::Migration(2)]);
    assert_eq!(world.history().await, before);
    assert_eq!(world.tables().await, "a rob");
}

pub(crate) async fn a_redo_without_a_down_text_runs_nothing(world: World) {
    let b = ("V2__b.sql", "CREATE TABLE b (x);");
    let down = ("V2__b.down.sql", "DROP TABLE b;");
    world.apply(&[A, b, down]).await.unwrap();
    let before = world.history().await;
    assert_eq!(
        problem_codes(redone(&world, &[A, b, down], 2).await),
        "no-down"
    );
    assert_eq!(problem_codes(redone(&world, &[A], 1).await), "no-file");
    let edited = ("V1__a.sql", "CREATE TABLE a (y);");
    assert_eq!(
        problem_codes(redone(&world, &[edited, b, down], 1).await),
        "edited"
    );
    let broken = ("V2__b.sql", "CREATE TABLE b (x); COMMIT;");
    assert_eq!(
        problem_codes(redone(&world, &[A, broken, down], 1).await),
        "transaction-control"
    );
    assert_eq!(world.history().await, before);
}

pub(crate) async fn the_database_of_another_project_is_one_problem(world: World) {
    let theirs = [
        ("V1__users.sql", "CREATE TABLE users (x);"),
        ("V2__posts.sql", "CREATE TABLE posts (x);"),
        ("V4__tags.sql", "CREATE TABLE tags (x);"),
    ];
    world.apply(&theirs).await.unwrap();
    let ours = [
        ("V1__cats.sql", "CREATE TABLE cats (x);"),
        ("V2__dogs.sql", "CREATE TABLE dogs (x);"),
        ("V3__pigs.sql", "CREATE TABLE pigs (x);"),
    ];
    assert_eq!(problem_codes(world.apply(&ours).await), "other-project");
    let by_time = [
        ("V20260101000000__cats.sql", "CREATE TABLE cats (x);"),
        ("V20260102000000__dogs.sql", "CREATE TABLE dogs (x);"),
    ];
    assert_eq!(problem_codes(world.apply(&by_time).await), "other-project");
    // An older release of the same project is no other one.
    let outcome = world.apply(&theirs[..1]).await.unwrap();
    assert_eq!(codes(&outcome.warnings), "ahead");
    // Two branches that began at the same migration are one project.
    let branch = [theirs[0], ours[1], ours[2]];
    let refused = problem_codes(world.apply(&branch).await);
    assert!(!refused.contains("other-project"), "{refused}");
    assert_eq!(world.tables().await, "posts tags users");
}
