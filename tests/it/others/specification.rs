//! What a database of another tool is taken for, whatever its mode. Each specification gets a new and empty database.

use std::sync::Arc;

use seedbed::db::Transaction;
use seedbed::history::OTHER_TOOLS;
use seedbed::migrations::PlanOptions;
use seedbed::migrations::{
    ApplyError, Back, BaselineOptions, Outcome, Target, Verify, baseline, ignore, plan,
};
use seedbed::script::{Atomicity, ForeignKeys, Run, Step};

use super::databases::MADE;
use crate::world::{World, codes, done, problem_codes, set};

/// What the other tool ran already: the second must not run again.
const FILES: [(&str, &str); 3] = [
    ("V1__price.sql", "CREATE TABLE price (cents INTEGER);"),
    ("V2__cents.sql", "UPDATE price SET cents = cents * 100;"),
    ("V3__later.sql", "CREATE TABLE later (x);"),
];

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

async fn take(world: &World, version: i64) -> Outcome {
    let options = BaselineOptions::new(version).verify(Verify::Schema);
    let run = Run::new("test");
    baseline(&world.db, &set(&FILES), &options, &run, &ignore())
        .await
        .unwrap()
}

/// The refusal of a run: the tool, what its newest migration is called, and the version that a baseline would take.
fn refusal(result: Result<Outcome, ApplyError>) -> (String, String, Option<i64>) {
    let Err(ApplyError::Problems { problems, done }) = result else {
        panic!("a refusal was expected, and there was {result:?}");
    };
    assert!(done.is_empty());
    assert_eq!(codes(&problems), "other-history");
    let told = problems[0]
        .message
        .strip_prefix("this database was migrated by ");
    let (tool, rest) = told.unwrap().split_once(" (newest: ").unwrap();
    let (newest, _) = rest.split_once(", in its table ").unwrap();
    let baseline = problems[0].help[0]
        .strip_prefix("`baseline ")
        .and_then(|rest| {
            let (version, _) = rest.split_once('`')?;
            version.parse().ok()
        });
    (tool.to_owned(), newest.to_owned(), baseline)
}

/// Whether `adopt` takes the history of this tool over, so that it is what the refusal names.
fn is_adoptable(tool: &str) -> bool {
    let word = tool.split(' ').next().unwrap().to_ascii_lowercase();
    seedbed::migrations::adoptable_tools().any(|it| it == word)
}

pub(crate) async fn a_database_that_another_tool_migrated_is_not_empty_and_a_baseline_takes_it(
    world: World,
) {
    for tool in OTHER_TOOLS {
        assert!(
            MADE.iter().any(|made| made.tool == tool.name),
            "{}",
            tool.name
        );
    }
    for made in MADE {
        let tool = made.tool;
        already(
            &world,
            &[
                "CREATE TABLE price (cents INTEGER)",
                "INSERT INTO price VALUES (500)",
            ],
        )
        .await;
        already(&world, made.statements).await;

        let only_two = PlanOptions::default().target(Target::Version(2));
        let expect = (
            tool.to_owned(),
            made.newest.to_owned(),
            (made.numbered && !is_adoptable(tool)).then_some(2),
        );
        assert_eq!(refusal(world.apply(&FILES).await), expect);
        assert_eq!(refusal(world.apply_with(&FILES, only_two).await), expect);
        assert_eq!(world.ask("SELECT cents FROM price").await, "500", "{tool}");
        assert!(!world.tables().await.contains("later"), "{tool}");

        let taken = take(&world, 2).await;
        assert_eq!(done(&taken), "V1 V2", "{tool}");
        assert_eq!(codes(&taken.warnings), "not-compared", "{tool}");
        let message = &taken.warnings[0].message;
        let mut words = message.split([' ', ',', ':']);
        assert!(words.any(|word| word == made.table), "{message}");
        assert_eq!(done(&world.apply(&FILES).await.unwrap()), "V3", "{tool}");
        assert_eq!(world.ask("SELECT cents FROM price").await, "500", "{tool}");

        let tables = world.tables().await;
        let drop: Vec<String> = tables
            .split(' ')
            .chain(["_migrations"])
            .map(|table| format!("DROP TABLE \"{table}\""))
            .collect();
        let drop: Vec<&str> = drop.iter().map(String::as_str).collect();
        already(&world, &drop).await;
    }
}

pub(crate) async fn a_tool_that_has_applied_nothing_is_no_history(world: World) {
    already(
        &world,
        &[
            "CREATE TABLE goose_db_version (id INTEGER PRIMARY KEY, version_id INTEGER, is_applied INTEGER, tstamp)",
            "INSERT INTO goose_db_version VALUES (1, 0, 1, ''), (2, 1, 1, ''), (3, 1, 0, '')",
            "CREATE TABLE refinery_schema_history (version int4 PRIMARY KEY, name, applied_on, checksum)",
            "CREATE TABLE schema_migrations (version uint64, dirty bool)",
        ],
    )
    .await;
    assert_eq!(done(&world.apply(&FILES).await.unwrap()), "V1 V2 V3");
}

pub(crate) async fn tables_of_an_application_that_are_called_like_those_of_tools_are_its_own(
    world: World,
) {
    already(
        &world,
        &[
            "CREATE TABLE migrations (id INTEGER PRIMARY KEY, name, of_birds)",
            "INSERT INTO migrations VALUES (1, 'south', 1)",
            "CREATE TABLE schema_migrations (version, note)",
            "INSERT INTO schema_migrations VALUES (1, 'mine')",
            "CREATE TABLE _prisma_migrations (x)",
            "INSERT INTO _prisma_migrations VALUES (1)",
            "CREATE VIEW django_migrations AS SELECT 1 AS id, 'a' AS app, 'b' AS name, 'c' AS applied",
        ],
    )
    .await;
    assert_eq!(done(&world.apply(&FILES).await.unwrap()), "V1 V2 V3");
}

pub(crate) async fn beside_recorded_migrations_another_history_is_ignored(world: World) {
    world.apply(&FILES[..1]).await.unwrap();
    already(&world, MADE[0].statements).await;
    let outcome = world.apply(&FILES).await.unwrap();
    assert_eq!(done(&outcome), "V2 V3");
    assert!(outcome.warnings.is_empty());
}

pub(crate) async fn a_migration_that_another_tool_did_not_finish_has_to_be_finished_by_it(
    world: World,
) {
    already(&world, MADE[0].statements).await;
    already(
        &world,
        &["UPDATE _sqlx_migrations SET success = FALSE WHERE version = 2"],
    )
    .await;
    let Err(ApplyError::Problems { problems, .. }) = world.apply(&FILES).await else {
        panic!("it should be refused");
    };
    let help = &problems[0].help[0];
    assert!(
        help.starts_with("2 failed or is not finished: finish it with sqlx first"),
        "{help}"
    );
}

pub(crate) async fn a_gap_below_the_newest_version_of_another_tool_is_not_taken_for_applied(
    world: World,
) {
    already(&world, MADE[0].statements).await;
    already(
        &world,
        &["UPDATE _sqlx_migrations SET version = 3 WHERE version = 2"],
    )
    .await;
    assert_eq!(
        refusal(world.apply(&FILES).await),
        ("sqlx".to_owned(), "3".to_owned(), None)
    );
}

pub(crate) async fn only_what_flyway_has_applied_now_counts(world: World) {
    let flyway = MADE.iter().find(|made| made.tool == "Flyway").unwrap();
    already(&world, flyway.statements).await;
    let row = |rank: i64, version: &str, kind: &str, success: i64| {
        format!(
            "INSERT INTO flyway_schema_history (installed_rank, version, description, type, script, installed_by, \
             execution_time, success) VALUES ({rank}, '{version}', '', '{kind}', '', 'me', 1, {success})"
        )
    };
    let expect = |newest: &str, baseline| ("Flyway".to_owned(), newest.to_owned(), baseline);
    already(&world, &[&row(4, "2", "UNDO_SQL", 1)]).await;
    assert_eq!(refusal(world.apply(&FILES).await), expect("1", Some(1)));
    already(&world, &[&row(5, "2", "SQL", 1)]).await;
    assert_eq!(refusal(world.apply(&FILES).await), expect("2", Some(2)));
    already(&world, &[&row(6, "2", "DELETE", 1)]).await;
    assert_eq!(refusal(world.apply(&FILES).await), expect("1", Some(1)));
    already(&world, &[&row(7, "2", "SQL", 0)]).await;
    let Err(ApplyError::Problems { problems, .. }) = world.apply(&FILES).await else {
        panic!("it should be refused");
    };
    assert!(
        problems[0].help[0].starts_with("2 failed or is not finished"),
        "{problems:?}"
    );
}

pub(crate) async fn the_newest_version_is_that_of_the_highest_number(world: World) {
    for tool in ["sql-migrate", "Diesel", "Kysely", "Atlas", "Sequelize"] {
        let made = MADE.iter().find(|made| made.tool == tool).unwrap();
        already(&world, made.statements).await;
        let (table, column) = match tool {
            "sql-migrate" => (made.table, "id"),
            "Diesel" | "Atlas" => (made.table, "version"),
            _ => (made.table, "name"),
        };
        let last = format!("(SELECT max(rowid) FROM {table})");
        already(
            &world,
            &[
                &format!("DELETE FROM {table} WHERE rowid < {last}"),
                &format!("CREATE TABLE one AS SELECT * FROM {table}"),
                &format!("UPDATE {table} SET {column} = '9'"),
                &format!("UPDATE one SET {column} = '10'"),
                &format!("INSERT INTO {table} SELECT * FROM one"),
                "DROP TABLE one",
            ],
        )
        .await;
        let expect = (tool.to_owned(), "10".to_owned(), None);
        assert_eq!(refusal(world.apply(&FILES).await), expect);
        already(&world, &[&format!("DROP TABLE {table}")]).await;
        if tool == "Kysely" {
            already(&world, &["DROP TABLE kysely_migration_lock"]).await;
        }
    }
}

pub(crate) async fn undo_tells_of_another_history(world: World) {
    already(&world, MADE[0].statements).await;
    let outcome = world.undo(Back::To(0)).await.unwrap();
    assert_eq!(done(&outcome), "");
    assert_eq!(codes(&outcome.warnings), "other-history");
}

pub(crate) async fn a_table_that_is_there_already_is_told_once(world: World) {
    already(&world, &["CREATE TABLE Users (x)", "CREATE TABLE old (x)"]).await;
    let files = [
        (
            "V1__old.sql",
            "DROP TABLE old; CREATE TABLE IF NOT EXISTS old (y);",
        ),
        (
            "V2__new.sql",
            "CREATE TABLE IF NOT EXISTS new (x); CREATE TABLE IF NOT EXISTS new (x);",
        ),
        ("V3__users.sql", "CREATE TABLE IF NOT EXISTS users (id);"),
        ("V4__users.sql", "CREATE TABLE IF NOT EXISTS users (id);"),
    ];
    let outcome = world.apply(&files).await.unwrap();
    assert_eq!(codes(&outcome.warnings), "already-there");
    let place = outcome.warnings[0].origin().unwrap();
    assert_eq!(place.source.name, "V3__users.sql");
}

pub(crate) async fn a_table_that_is_there_already_is_a_warning_before_its_creation_fails(
    world: World,
) {
    already(&world, &["CREATE TABLE a (x)", "CREATE TABLE b (x)"]).await;
    let warnings = async |files: &[(&str, &str)]| {
        let plan = plan(&set(files), &world.history().await, &PlanOptions::default());
        codes(&plan.problems)
    };
    let create = ("V2__a.sql", "CREATE TABLE A (x);");
    assert_eq!(warnings(&[create]).await, "already-there");
    for first in [
        "DROP TABLE a;",
        "DROP TABLE IF EXISTS main.A;",
        "ALTER TABLE a RENAME TO c;",
    ] {
        assert_eq!(warnings(&[("V1__first.sql", first), create]).await, "");
    }
    let renamed = ("V1__first.sql", "ALTER TABLE b RENAME TO c;");
    let view = ("V2__c.sql", "CREATE VIEW c AS SELECT 1;");
    assert_eq!(warnings(&[renamed, view]).await, "already-there");
}

pub(crate) async fn a_table_beside_an_empty_history_is_there_already_too(world: World) {
    let first = ("V1__first.sql", "CREATE TABLE first (x);");
    let down = ("V1__first.down.sql", "DROP TABLE first;");
    world.apply(&[first, down]).await.unwrap();
    already(&world, &["CREATE TABLE Users (x)"]).await;
    let users = ("V2__users.sql", "CREATE TABLE users (id);");
    let warnings = async || {
        let files = set(&[first, users]);
        let plan = plan(&files, &world.history().await, &PlanOptions::default());
        codes(&plan.problems)
    };
    // A recorded migration may be the one that made it.
    assert_eq!(warnings().await, "");
    world.undo(Back::To(0)).await.unwrap();
    assert_eq!(world.tables().await, "Users");
    assert_eq!(warnings().await, "already-there");
}

pub(crate) async fn a_file_for_another_tool_runs_no_statement(world: World) {
    already(
        &world,
        &[
            "CREATE TABLE users (id)",
            "INSERT INTO users VALUES (1), (2)",
        ],
    )
    .await;
    let both = "-- +goose Up\nCREATE TABLE IF NOT EXISTS users (id);\n-- +goose Down\nDROP TABLE IF EXISTS users;\n";
    for files in [
        [("V1__users.sql", both)],
        [("U1__users.sql", both)],
        [("R__users.sql", both)],
    ] {
        assert_eq!(
            problem_codes(world.apply(&files).await),
            "other-tool already-there"
        );
        assert_eq!(world.ask("SELECT count(*) FROM users").await, "2");
    }
    let files = [
        ("V1__a.sql", "CREATE TABLE a (x);"),
        (
            "V1__a.down.sql",
            "-- migrate:up\nCREATE TABLE a (x);\n-- migrate:down\nDROP TABLE a;",
        ),
    ];
    assert_eq!(problem_codes(world.apply(&files).await), "other-tool");
    assert_eq!(world.tables().await, "users");
}
