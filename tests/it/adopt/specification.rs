//! What becomes of the folders and histories of other tools, whatever the mode. Each specification gets a new and empty
//! database, and empties it for the next tool.

use std::sync::Arc;

use seedbed::db::Transaction;
use seedbed::migrations::{
    AdoptOptions, Adopted, ApplyError, Back, BaselineError, Migrations, Outcome, PlanOptions,
    Repair, UndoOptions, adopt, apply, ignore, observe, plan, repair, undo,
};
use seedbed::script::{Atomicity, ForeignKeys, Run, Step};

use super::folders::{SCHEMA, TOOLS, Tool};
use crate::world::{World, codes, done};

fn set(files: &[(String, String)]) -> Migrations {
    let files = files
        .iter()
        .map(|(name, text)| (name.clone(), text.clone().into_bytes()));
    let set = Migrations::from_files(files);
    assert_eq!(set.problems, []);
    set
}

async fn execute(world: &World, statements: Vec<String>) {
    let transaction = Transaction {
        foreign_keys: ForeignKeys::Off,
        atomicity: Atomicity::Transaction,
        steps: statements
            .into_iter()
            .map(|sql| Step::own(sql, vec![]))
            .collect(),
    };
    world
        .db
        .run(vec![transaction], Arc::new(|_| {}))
        .await
        .unwrap();
}

/// The database as plain SQLite and the tool leave it after these migrations.
async fn migrated(world: &World, tool: Tool, indexes: &[usize]) {
    let count = indexes.iter().max().map_or(0, |last| last + 1);
    let mut statements: Vec<String> = Tool::schema(count).into_iter().map(str::to_owned).collect();
    statements.extend(tool.history(indexes));
    execute(world, statements).await;
}

async fn empty(world: &World) {
    let tables = world.tables().await;
    let drops = tables
        .split(' ')
        .filter(|table| !table.is_empty() && !table.starts_with("__turso_internal"));
    let drops = drops
        .chain(["_migrations"])
        .map(|table| format!("DROP TABLE IF EXISTS \"{table}\""));
    execute(world, drops.collect()).await;
}

async fn objects(world: &World) -> String {
    world
        .ask(
            "SELECT group_concat(name, ',') FROM (SELECT name FROM sqlite_schema WHERE name IN ('a', 'b', 't') \
             ORDER BY name)",
        )
        .await
}

async fn take(world: &World, set: &Migrations) -> Result<Outcome, BaselineError> {
    let (options, run) = (AdoptOptions::default(), Run::new("test"));
    adopt(&world.db, set, &options, &run, &ignore()).await
}

async fn migrate(world: &World, set: &Migrations) -> Result<Outcome, ApplyError> {
    apply(
        &world.db,
        set,
        &PlanOptions::default(),
        &Run::new("test"),
        &ignore(),
    )
    .await
}

async fn take_back(world: &World, back: Back, adopted: Adopted) -> Result<Outcome, ApplyError> {
    let options = UndoOptions::default().back(back).adopted(adopted);
    undo(&world.db, &options, &Run::new("test"), &ignore()).await
}

/// The codes of a refusal.
fn refused(result: Result<Outcome, BaselineError>) -> String {
    match result {
        Err(BaselineError::Apply(ApplyError::Problems { problems, .. })) => codes(&problems),
        Err(BaselineError::Differs { .. }) => "differs".to_owned(),
        other => panic!("a refusal was expected, and there was {other:?}"),
    }
}

fn versions(tool: Tool, indexes: &[usize]) -> String {
    let versions = indexes
        .iter()
        .map(|index| format!("V{}", tool.version(*index)));
    versions.collect::<Vec<_>>().join(" ")
}

pub(crate) async fn a_folder_of_each_tool_makes_a_new_database_and_undoes_it(world: World) {
    for tool in TOOLS {
        let set = set(&tool.folder(3));
        let outcome = migrate(&world, &set).await.unwrap();
        assert_eq!(done(&outcome), versions(tool, &[0, 1, 2]), "{tool:?}");
        assert_eq!(objects(&world).await, SCHEMA[2], "{tool:?}");
        assert!(
            migrate(&world, &set).await.unwrap().done.is_empty(),
            "{tool:?}"
        );
        let undone = take_back(&world, Back::All, Adopted::Refuse).await;
        if tool.has_downs() {
            assert_eq!(
                done(&undone.unwrap()),
                versions(tool, &[2, 1, 0]),
                "{tool:?}"
            );
            assert_eq!(objects(&world).await, "NULL", "{tool:?}");
        } else {
            let Err(ApplyError::Problems { problems, .. }) = undone else {
                panic!("{tool:?} has no down files");
            };
            assert_eq!(codes(&problems), "no-down no-down no-down", "{tool:?}");
        }
        empty(&world).await;
    }
}

pub(crate) async fn a_history_that_is_behind_is_taken_over_and_the_rest_is_applied(world: World) {
    for tool in TOOLS {
        migrated(&world, tool, &[0, 1]).await;
        let set = set(&tool.folder(3));
        let Err(ApplyError::Problems { problems, .. }) = migrate(&world, &set).await else {
            panic!("{tool:?}: what ran already would run again");
        };
        assert_eq!(codes(&problems), "other-history", "{tool:?}");
        let taken = take(&world, &set).await.unwrap();
        assert_eq!(done(&taken), versions(tool, &[0, 1]), "{tool:?}");
        assert!(taken.warnings.is_empty(), "{tool:?}: {:?}", taken.warnings);
        let recorded = "SELECT group_concat(detail ->> '$.adopted_from') FROM _migrations WHERE kind = 'migration'";
        assert_eq!(world.ask(recorded).await, format!("{0},{0}", tool.word()));
        if tool.says_when() {
            let at = "SELECT min(applied_at) FROM _migrations WHERE kind = 'migration'";
            let at = world.ask(at).await;
            assert!(at.starts_with("2024-02-03T04:05:06"), "{tool:?}: {at}");
        }
        let rest = migrate(&world, &set).await.unwrap();
        assert_eq!(done(&rest), versions(tool, &[2]), "{tool:?}");
        assert!(rest.warnings.is_empty(), "{tool:?}: {:?}", rest.warnings);
        empty(&world).await;
    }
}

pub(crate) async fn a_history_that_is_up_to_date_leaves_nothing_to_do(world: World) {
    for tool in TOOLS {
        migrated(&world, tool, &[0, 1, 2]).await;
        let set = set(&tool.folder(3));
        assert_eq!(
            done(&take(&world, &set).await.unwrap()),
            versions(tool, &[0, 1, 2])
        );
        assert!(
            take(&world, &set).await.unwrap().done.is_empty(),
            "{tool:?}"
        );
        assert!(
            migrate(&world, &set).await.unwrap().done.is_empty(),
            "{tool:?}"
        );
        let undone = take_back(&world, Back::Steps(1), Adopted::Refuse).await;
        let Err(ApplyError::Problems { problems, .. }) = undone else {
            panic!("{tool:?}: Seedbed did not run it");
        };
        assert_eq!(codes(&problems), "adopted", "{tool:?}");
        if tool.has_downs() {
            let undone = take_back(&world, Back::Steps(1), Adopted::Undo)
                .await
                .unwrap();
            assert_eq!(done(&undone), versions(tool, &[2]), "{tool:?}");
            // What was taken over and then undone is Seedbed's: the table of the tool is out of date.
            let again = migrate(&world, &set).await.unwrap();
            assert_eq!(done(&again), versions(tool, &[2]), "{tool:?}");
            take_back(&world, Back::All, Adopted::Undo).await.unwrap();
            let again = migrate(&world, &set).await.unwrap();
            assert_eq!(done(&again), versions(tool, &[0, 1, 2]), "{tool:?}");
            assert_eq!(objects(&world).await, SCHEMA[2], "{tool:?}");
        }
        empty(&world).await;
    }
}

pub(crate) async fn a_file_that_was_changed_after_its_tool_ran_it_is_refused(world: World) {
    for tool in TOOLS.into_iter().filter(|tool| tool.has_checksums()) {
        migrated(&world, tool, &[0, 1]).await;
        let mut files = tool.folder(2);
        files[1].1.push_str("-- a later thought\n");
        assert_eq!(
            refused(take(&world, &set(&files)).await),
            "edited",
            "{tool:?}"
        );
        assert_eq!(world.recorded().await, "", "{tool:?}");
        empty(&world).await;
    }
}

pub(crate) async fn a_file_with_other_line_ends_is_the_same(world: World) {
    for tool in TOOLS.into_iter().filter(|tool| tool.has_checksums()) {
        migrated(&world, tool, &[0, 1]).await;
        let mut files = tool.folder(2);
        for (name, text) in files.iter_mut().filter(|(name, _)| name.ends_with(".sql")) {
            *text = text.replace('\n', "\r\n");
            assert!(name.ends_with(".sql"));
        }
        assert_eq!(
            done(&take(&world, &set(&files)).await.unwrap()),
            versions(tool, &[0, 1])
        );
        empty(&world).await;
    }
}

pub(crate) async fn what_a_tool_did_not_finish_is_refused(world: World) {
    for tool in TOOLS {
        let Some(unfinished) = tool.unfinished(1) else {
            continue;
        };
        migrated(&world, tool, &[0, 1]).await;
        execute(&world, vec![unfinished]).await;
        assert_eq!(
            refused(take(&world, &set(&tool.folder(2))).await),
            "unfinished",
            "{tool:?}"
        );
        empty(&world).await;
    }
}

pub(crate) async fn a_schema_that_drifted_is_refused(world: World) {
    for tool in TOOLS {
        migrated(&world, tool, &[0, 1]).await;
        execute(&world, vec!["CREATE INDEX by_hand ON a(x)".to_owned()]).await;
        assert_eq!(
            refused(take(&world, &set(&tool.folder(2))).await),
            "differs",
            "{tool:?}"
        );
        empty(&world).await;
    }
}

pub(crate) async fn a_file_that_is_new_after_adopting_is_applied_and_undone_alone(world: World) {
    for tool in TOOLS.into_iter().filter(|tool| tool.has_downs()) {
        migrated(&world, tool, &[0, 1]).await;
        take(&world, &set(&tool.folder(2))).await.unwrap();
        assert_eq!(
            done(&migrate(&world, &set(&tool.folder(3))).await.unwrap()),
            versions(tool, &[2])
        );
        let undone = take_back(&world, Back::To(tool.version(1)), Adopted::Refuse)
            .await
            .unwrap();
        assert_eq!(done(&undone), versions(tool, &[2]), "{tool:?}");
        assert_eq!(objects(&world).await, SCHEMA[1], "{tool:?}");
        empty(&world).await;
    }
}

pub(crate) async fn a_file_that_its_tool_left_out_stays_pending_and_is_named(world: World) {
    for tool in TOOLS {
        if tool == Tool::GolangMigrate {
            continue;
        }
        // A branch that was merged late: the second ran, the first did not.
        let mut statements: Vec<String> = Tool::schema(2).into_iter().map(str::to_owned).collect();
        statements.drain(..2);
        statements.extend(tool.history(&[1]));
        execute(&world, statements).await;
        let set = set(&tool.folder(2));
        let taken = take(&world, &set).await.unwrap();
        assert_eq!(done(&taken), versions(tool, &[1]), "{tool:?}");
        assert_eq!(codes(&taken.warnings), "gap", "{tool:?}");
        let Err(ApplyError::Problems { problems, .. }) = migrate(&world, &set).await else {
            panic!("{tool:?}: the first would come late");
        };
        assert_eq!(codes(&problems), "out-of-order", "{tool:?}");
        empty(&world).await;
    }
}

fn set_of(tool: Tool, count: usize) -> Migrations {
    set(&tool.folder(count))
}

pub(crate) async fn what_the_tool_applies_later_is_told(world: World) {
    for tool in TOOLS {
        migrated(&world, tool, &[0, 1]).await;
        let set = set(&tool.folder(3));
        take(&world, &set).await.unwrap();
        migrate(&world, &set).await.unwrap();
        // The tool has run the third too, as its table says: that is recorded here, so there is nothing to tell.
        let rows = tool.history(&[2]);
        let rows: Vec<String> = match tool {
            Tool::GolangMigrate => {
                vec![format!(
                    "UPDATE schema_migrations SET version = {}",
                    tool.version(2)
                )]
            }
            _ => rows[1..].to_vec(),
        };
        execute(&world, rows).await;
        assert!(
            migrate(&world, &set).await.unwrap().warnings.is_empty(),
            "{tool:?}"
        );
        // Here it is not recorded any more.
        let forget = format!(
            "DELETE FROM _migrations WHERE kind = 'migration' AND version = {}",
            tool.version(2)
        );
        execute(&world, vec![forget]).await;
        let history = observe(&world.db, &set).await.unwrap();
        let problems = plan(&set, &history, &PlanOptions::default()).problems;
        assert_eq!(codes(&problems), "other-history", "{tool:?}");
        // Where the file is gone, nothing can run again.
        let behind = set_of(tool, 2);
        let history = observe(&world.db, &behind).await.unwrap();
        let problems = plan(&behind, &history, &PlanOptions::default()).problems;
        assert_eq!(codes(&problems), "two-histories", "{tool:?}");
        empty(&world).await;
    }
}

pub(crate) async fn two_histories_need_a_choice(world: World) {
    migrated(&world, Tool::Sqlx, &[0, 1]).await;
    execute(&world, Tool::Goose.history(&[0])).await;
    let set = set(&Tool::Sqlx.folder(2));
    assert_eq!(refused(take(&world, &set).await), "several-histories");
    let (options, run) = (AdoptOptions::default().from("sqlx"), Run::new("test"));
    let taken = adopt(&world.db, &set, &options, &run, &ignore())
        .await
        .unwrap();
    assert_eq!(done(&taken), versions(Tool::Sqlx, &[0, 1]));
    let (options, run) = (AdoptOptions::default().from("dbmate"), Run::new("test"));
    let none = adopt(&world.db, &set, &options, &run, &ignore()).await;
    assert_eq!(refused(none), "no-other-history");
}

pub(crate) async fn a_database_without_a_history_is_told_the_way(world: World) {
    let set = set(&Tool::Drizzle.folder(2));
    let help = |result: Result<Outcome, BaselineError>| match result {
        Err(BaselineError::Apply(ApplyError::Problems { problems, .. })) => {
            problems[0].help.concat()
        }
        other => panic!("a refusal was expected, and there was {other:?}"),
    };
    assert!(help(take(&world, &set).await).starts_with("`migrate`"));
    // As `drizzle-kit push` leaves it.
    let pushed = Tool::schema(2).into_iter().map(str::to_owned).collect();
    execute(&world, pushed).await;
    assert!(help(take(&world, &set).await).contains("`baseline V`"));
    assert!(!world.tables().await.contains("_migrations"));
}

pub(crate) async fn a_changed_down_section_is_no_edit_and_repair_records_it(world: World) {
    for tool in [Tool::Goose, Tool::Dbmate, Tool::SqlMigrate] {
        let mut files = tool.folder(2);
        migrate(&world, &set(&files)).await.unwrap();
        files[1].1 = files[1].1.replace("DROP TABLE b", "DROP TABLE IF EXISTS b");
        let edited = set(&files);
        let outcome = migrate(&world, &edited).await.unwrap();
        assert_eq!(codes(&outcome.warnings), "down-edited", "{tool:?}");
        let run = Run::new("test");
        repair(&world.db, &edited, &Repair::Harmless, &run, &ignore())
            .await
            .unwrap();
        let down = format!(
            "SELECT down FROM _migrations WHERE version = {}",
            tool.version(1)
        );
        assert_eq!(
            world.ask(&down).await,
            "DROP TABLE IF EXISTS b;\n",
            "{tool:?}"
        );
        assert!(
            migrate(&world, &edited).await.unwrap().warnings.is_empty(),
            "{tool:?}"
        );
        files[1].1 = files[1].1.replace("a_id INTEGER", "a_id INT");
        let Err(ApplyError::Problems { problems, .. }) = migrate(&world, &set(&files)).await else {
            panic!("{tool:?}: the statements were changed");
        };
        assert_eq!(codes(&problems), "edited", "{tool:?}");
        empty(&world).await;
    }
}
