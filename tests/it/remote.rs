//! What holds for servers only: how many requests there are, and that a lost answer is settled.

use std::time::Duration;

use seedbed::db::{Db, Options, Query};
use seedbed::migrations::{
    ApplyError, Grouping, Migrations, PlanOptions, apply, ignore, observe, plan,
};
use seedbed::script::Run;
use seedbed::sql::Value;
use seedbed_test_server::{Executes, Fault, Server, Short};
use tokio::task::JoinSet;

use crate::project::Project;
use crate::server::ours;
use crate::world::set;

fn db(server: &Server) -> Db {
    let options = Options::default().lock_timeout(Duration::from_secs(60));
    Db::remote(&server.url(), None, options).unwrap()
}

/// `count` migrations, each with a table and a row.
fn tables(count: usize) -> Migrations {
    let files: Vec<(String, String)> = (1..=count)
        .map(|n| {
            let sql = format!("CREATE TABLE t{n} (x); INSERT INTO t{n} VALUES ({n});");
            (format!("V{n}__t.sql"), sql)
        })
        .collect();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, sql)| (name.as_str(), sql.as_str()))
        .collect();
    set(&files)
}

async fn number(db: &Db, sql: &str) -> i64 {
    let mut answers = db.query(vec![Query::new(sql)]).await.unwrap();
    match answers.remove(0).map(|rows| rows.concat()).as_deref() {
        Ok([Value::Integer(number)]) => *number,
        _ => 0,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_is_one_request_and_twenty_migrations_are_two() {
    let server = ours(seedbed_test_server::Options::default());
    let db = db(&server);
    let set = tables(20);
    let run = Run::new("test");
    let options = PlanOptions::default();
    let history = observe(&db, &set).await.unwrap();
    assert_eq!(plan(&set, &history, &options).scripts.len(), 1);
    assert_eq!(server.requests().len(), 1);
    apply(&db, &set, &options, &run, &ignore()).await.unwrap();
    assert_eq!(server.requests().len(), 3);
    apply(&db, &set, &options, &run, &ignore()).await.unwrap();
    assert_eq!(server.requests().len(), 4);
}

/// Everything that can happen to a request, and at which of them.
fn faults(round: usize) -> (u64, Fault) {
    let faults = [
        Fault::DropBefore,
        Fault::DropAfter,
        Fault::DropDuring { step: round % 17 },
        Fault::CutBody,
        Fault::Status {
            status: 502,
            retry_after: None,
        },
        Fault::Status {
            status: 429,
            retry_after: None,
        },
        Fault::Html,
        Fault::StealLock { step: round % 17 },
        Fault::Status {
            status: 408,
            retry_after: None,
        },
        Fault::Short {
            short: Short::Steps { keep: round % 17 },
            executes: Executes::Everything,
        },
        Fault::Short {
            short: Short::Nulls,
            executes: Executes::Nothing,
        },
        Fault::Redirect {
            status: 307,
            location: "http://127.0.0.1:1/".to_owned(),
            executes: Executes::Everything,
        },
    ];
    // The history, the script, and what is sent to settle the one before.
    (
        1 + (round as u64) % 3,
        faults[(round / 3) % faults.len()].clone(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_to_a_request_the_outcome_agrees_with_the_database() {
    const ROUNDS: usize = 200;
    // Most of a round is a wait before a request is sent again.
    const AT_ONCE: usize = 16;
    let mut settled = 0;
    let mut rounds = JoinSet::new();
    for round in 0..ROUNDS {
        if rounds.len() == AT_ONCE {
            settled += usize::from(rounds.join_next().await.unwrap().unwrap());
        }
        rounds.spawn(a_faulty_round(round));
    }
    while let Some(was_settled) = rounds.join_next().await {
        settled += usize::from(was_settled.unwrap());
    }
    // Hardly any of them needs a second run.
    assert!(settled > ROUNDS / 2, "{settled} of {ROUNDS} were settled");
}

/// Whether the run that met the fault applied everything.
async fn a_faulty_round(round: usize) -> bool {
    let server = ours(seedbed_test_server::Options::default());
    let db = db(&server);
    let set = tables(3);
    let (request, fault) = faults(round);
    let said = format!("round {round}: {fault:?} at request {request}");
    server.fault(request, fault);
    let options = PlanOptions::default();
    let first = apply(&db, &set, &options, &Run::new("first"), &ignore()).await;
    server.no_faults();
    let recorded = "SELECT count(*) FROM _migrations WHERE kind = 'migration'";
    let there = "SELECT count(*) FROM sqlite_schema WHERE name GLOB 't[0-9]*'";
    let (recorded, there) = (number(&db, recorded).await, number(&db, there).await);
    assert_eq!(recorded, there, "{said}: {first:?}");
    match &first {
        Ok(outcome) => {
            assert_eq!(recorded, 3, "{said}");
            assert_eq!(outcome.done.len(), 3, "{said}");
        }
        Err(ApplyError::Unknown { .. }) => {}
        Err(error) => assert_eq!(recorded, 0, "{said}: {error}"),
    }
    apply(&db, &set, &options, &Run::new("second"), &ignore())
        .await
        .unwrap();
    for n in 1..=3 {
        let rows = number(&db, &format!("SELECT count(*) FROM t{n}")).await;
        assert_eq!(rows, 1, "{said}");
    }
    first.is_ok()
}

#[test]
fn twelve_runners_at_once_apply_each_migration_once() {
    let server = ours(seedbed_test_server::Options::default());
    let mut project = Project::new();
    for n in 1..=8 {
        project = project.migration(&format!("V{n}__t"), format!("CREATE TABLE t{n} (x);\n"));
    }
    let line = format!("migrate --tx each --database {}", server.url());
    let children: Vec<_> = (0..12).map(|_| project.spawn(&line)).collect();
    for child in children {
        let ran = child.finish();
        assert_eq!(ran.code, Some(0), "{ran}");
    }
    let ran = project.run(&format!("status --exit-code --database {}", server.url()));
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(ran.stdout.contains("8 applied"), "{ran}");
}

#[test]
fn twelve_runners_get_a_script_done_that_takes_longer_than_the_server_lets_it() {
    let options = seedbed_test_server::Options {
        write_window: Duration::from_millis(150),
        ..seedbed_test_server::Options::default()
    };
    let server = ours(options);
    let project = Project::new().migration(
        "V1__long",
        "CREATE TABLE long (x);\n\
         INSERT INTO long WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 400000) SELECT max(x) FROM n;\n",
    );
    let line = format!("migrate --database {}", server.url());
    let children: Vec<_> = (0..12).map(|_| project.spawn(&line)).collect();
    for child in children {
        let ran = child.finish();
        assert_eq!(ran.code, Some(0), "{ran}");
    }
    let ran = project.run(&format!("status --exit-code --database {}", server.url()));
    assert_eq!(ran.code, Some(0), "{ran}");
}

/// A project with `count` migrations, and the server that it is for.
fn project(count: usize) -> (Server, Project) {
    let server = ours(seedbed_test_server::Options::default());
    let mut project = Project::new()
        .env("TURSO_DATABASE_URL", &server.url())
        .env("USE_TURSO", "YES");
    for n in 1..=count {
        let sql = format!("CREATE TABLE t{n} (x);\n");
        let name = format!("V{n}__t");
        project = project
            .migration(&name, sql)
            .down(&name, format!("DROP TABLE t{n};\n"));
    }
    (server, project)
}

#[test]
fn commands_make_as_few_requests_as_they_have_questions() {
    let (server, project) = project(20);
    let counted = |line: &str| {
        server.clear_requests();
        let ran = project.run(line);
        assert_eq!(ran.code, Some(0), "{ran}");
        server.requests().len()
    };
    assert_eq!(counted("status"), 1);
    assert_eq!(counted("migrate --dry-run"), 1);
    assert_eq!(counted("migrate"), 2);
    assert_eq!(counted("migrate"), 1);
    assert_eq!(counted("status"), 1);
    // The texts of the down files are asked for once it is known which.
    assert_eq!(counted("undo --to 0"), 3);
    assert_eq!(counted("migrate --tx each"), 2);
    assert_eq!(counted("migrate --tx each"), 1);
}

#[test]
fn a_replica_that_has_everything_costs_two_requests_more_than_a_remote() {
    let (server, project) = project(3);
    let project = project
        .env("USE_TURSO", "NO")
        .env("USE_EMBEDDED_REPLICA", "YES");
    let counted = |line: &str| {
        server.clear_requests();
        let ran = project.run(line);
        assert_eq!(ran.code, Some(0), "{ran}");
        server.requests().len()
    };
    counted("migrate");
    // The history, the greeting, and whether the last frames of the log are still the same.
    assert_eq!(counted("migrate"), 3);
    assert_eq!(counted("sync"), 2);
    assert_eq!(counted("status"), 1);
}

#[test]
fn of_transactions_that_share_a_request_those_before_the_failed_one_stand() {
    let (server, project) = project(20);
    project.write(
        "migrations/V7__t.sql",
        "CREATE TABLE t7 (x);\nCREATE TABLE t6 (x);\n",
    );
    let ran = project.run("migrate --tx each");
    assert_eq!(ran.code, Some(1), "{ran}");
    assert!(ran.stderr.contains("migrations/V7__t.sql:2:"), "{ran}");
    let words = "V1, V2, V3, V4, V5 and V6 were applied before by this run, and stand; the database is at V6";
    assert!(ran.stderr.contains(words), "{ran}");
    let shown = project.run("status");
    assert!(shown.stdout.contains("6 applied, 14 pending"), "{shown}");
    assert!(server.requests().len() <= 4, "{:?}", server.requests());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_of_transactions_that_share_a_request_is_settled_one_by_one() {
    for step in 0..90 {
        let server = ours(seedbed_test_server::Options::default());
        let db = db(&server);
        let set = tables(5);
        let options = PlanOptions::default().grouping(Grouping::Each);
        // The connection breaks, and a transaction is ended by another writer: some are committed, some are not.
        let mut faults = vec![Fault::StealLock { step }, Fault::CutBody];
        let mut both = false;
        server.plan(move |request| {
            if !request.writes || both {
                return None;
            }
            both = step % 2 == 0;
            faults.pop()
        });
        let outcome = apply(&db, &set, &options, &Run::new("first"), &ignore()).await;
        let outcome = outcome.unwrap_or_else(|error| panic!("step {step}: {error}"));
        assert_eq!(outcome.done.len(), 5, "step {step}");
        for n in 1..=5 {
            let rows = number(&db, &format!("SELECT count(*) FROM t{n}")).await;
            assert_eq!(rows, 1, "step {step}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_token_suffices_to_look_and_not_to_change() {
    use seedbed_test_server::{Access, Auth};
    let options = seedbed_test_server::Options {
        auth: Auth::Token,
        ..seedbed_test_server::Options::default()
    };
    let server = ours(options);
    let with = |token: Option<&str>| Db::remote(&server.url(), token, Options::default()).unwrap();
    let full = server.token(Access::Full, None).unwrap();
    let read_only = server.token(Access::ReadOnly, None).unwrap();
    let expired = server.token(Access::Full, Some(-3600)).unwrap();
    let (one, two) = (tables(1), tables(2));
    let plain = PlanOptions::default();
    let run = Run::new("test");
    apply(&with(Some(&full)), &one, &plain, &run, &ignore())
        .await
        .unwrap();
    let reader = with(Some(&read_only));
    assert_eq!(observe(&reader, &two).await.unwrap().rows.len(), 1);
    let outcome = apply(&reader, &one, &plain, &run, &ignore()).await.unwrap();
    assert!(outcome.done.is_empty());
    for (token, words) in [
        (Some(read_only.as_str()), "does not allow this"),
        (Some(expired.as_str()), "refused the token"),
        (Some("eyJ.nonsense.x"), "refused the token"),
        (None, "wants a token, and none is set"),
    ] {
        let error = apply(&with(token), &two, &plain, &run, &ignore())
            .await
            .unwrap_err();
        let said = format!("{error:?} {error}");
        assert!(error.to_string().contains(words), "{said}");
        assert!(token.is_none_or(|token| !said.contains(token)), "{said}");
    }
    assert_eq!(observe(&reader, &two).await.unwrap().rows.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_does_not_take_is_a_problem_before_anything_is_sent() {
    let server = ours(seedbed_test_server::Options::default());
    let db = db(&server);
    let files = set(&[
        (
            "V1__a.sql",
            "CREATE TABLE a (x);\nVACUUM;\nANALYZE;\nCREATE TEMP TABLE t (x);",
        ),
        (
            "V2__b.sql",
            "ATTACH 'b.db' AS b;\nPRAGMA journal_mode = WAL;\nPRAGMA user_version = 2;",
        ),
    ]);
    let error = apply(
        &db,
        &files,
        &PlanOptions::default(),
        &Run::new("test"),
        &ignore(),
    )
    .await
    .unwrap_err();
    let ApplyError::Problems { problems, .. } = error else {
        panic!("{error}");
    };
    let places: Vec<String> = problems.iter().map(|problem| problem.to_string()).collect();
    assert_eq!(
        places,
        [
            "V1__a.sql:2:1: a libSQL server does not take VACUUM",
            "V1__a.sql:3:1: a libSQL server does not take ANALYZE",
            "V1__a.sql:4:1: a libSQL server does not take TEMP objects",
            "V2__b.sql:1:1: a libSQL server does not take ATTACH",
            "V2__b.sql:2:1: a libSQL server does not take PRAGMA journal_mode with a value",
        ]
    );
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_of_many_statements_goes_through_the_cursor() {
    let server = ours(seedbed_test_server::Options::default());
    let db = db(&server);
    let rows = "INSERT INTO a VALUES (1);".repeat(25_000);
    let sql = format!("CREATE TABLE a (x);{rows}");
    let set = set(&[("V1__a.sql", &sql)]);
    let plain = PlanOptions::default();
    apply(&db, &set, &plain, &Run::new("test"), &ignore())
        .await
        .unwrap();
    assert_eq!(number(&db, "SELECT count(*) FROM a").await, 25_000);
    assert!(
        server
            .requests()
            .iter()
            .any(|request| request.path == "/v3/cursor")
    );
}
