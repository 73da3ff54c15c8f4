//! Servers: how many requests there are, and that a lost answer is settled where steps have conditions.

use std::time::Duration;

use seedbed::db::{Db, Options};
use seedbed::migrations::{ApplyError, Back, Outcome};
use seedbed_test_server::{Executes, Fault, Server, Short};

use super::specification::{
    INDEX, REBUILD, REBUILD_DOWN, T, TRIGGER, VIEW, objects, pending, warned,
};
use crate::server::ours;
use crate::world::{World, done};

fn db(server: &Server) -> Db {
    let options = Options::default().lock_timeout(Duration::from_secs(60));
    Db::remote(&server.url(), None, options).unwrap()
}

const FILES: [(&str, &str); 6] = [T, REBUILD, REBUILD_DOWN, VIEW, TRIGGER, INDEX];
const ALL: &str = "V2 R__10_view R__20_trigger R__i";

#[tokio::test(flavor = "multi_thread")]
async fn making_objects_again_takes_no_request_more() {
    let server = ours(seedbed_test_server::Options::default());
    let world = World::of(db(&server));
    world.apply(&[T, VIEW, TRIGGER, INDEX]).await.unwrap();
    server.clear_requests();
    assert_eq!(done(&world.apply(&FILES).await.unwrap()), ALL);
    assert_eq!(server.requests().len(), 2);
    world.apply(&FILES).await.unwrap();
    assert_eq!(server.requests().len(), 3);
    server.clear_requests();
    assert_eq!(done(&world.undo(Back::Steps(1)).await.unwrap()), ALL);
    // The texts of the down files, and of the repeatables, are a request of their own.
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn setting_views_aside_takes_no_request_more() {
    let server = ours(seedbed_test_server::Options::default());
    let world = World::of(db(&server));
    let rebuild = (
        "V2__rebuild.sql",
        "CREATE TABLE n(x, y); INSERT INTO n(x) SELECT x FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t;",
    );
    world.apply(&[T, VIEW]).await.unwrap();
    server.clear_requests();
    let outcome = world.apply(&[T, rebuild, VIEW]).await.unwrap();
    assert_eq!(done(&outcome), "V2 R__10_view");
    assert_eq!(server.requests().len(), 2);
}

fn faults(step: usize) -> Vec<Fault> {
    vec![
        Fault::DropBefore,
        Fault::DropAfter,
        Fault::DropDuring { step },
        Fault::CutBody,
        Fault::Html,
        Fault::StealLock { step },
        Fault::Status {
            status: 502,
            retry_after: None,
        },
        Fault::Short {
            short: Short::Steps { keep: step },
            executes: Executes::Everything,
        },
        Fault::Short {
            short: Short::Nulls,
            executes: Executes::Everything,
        },
        Fault::Short {
            short: Short::Nulls,
            executes: Executes::Nothing,
        },
    ]
}

/// A fault of each kind, at the read and at the script, at steps all over the batch.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_to_a_request_nothing_is_claimed_that_is_not_there() {
    let mut rounds = tokio::task::JoinSet::new();
    for (round, fault) in (0..44).step_by(9).flat_map(faults).enumerate() {
        rounds.spawn(a_fault(1 + (round as u64) % 3, fault));
    }
    while let Some(round) = rounds.join_next().await {
        round.unwrap();
    }
}

async fn a_fault(request: u64, fault: Fault) {
    let said = format!("{fault:?} at request {request}");
    let server = ours(seedbed_test_server::Options::default());
    let world = World::of(db(&server));
    world.apply(&[T, VIEW, TRIGGER, INDEX]).await.unwrap();

    server.fault(request, fault.clone());
    let outcome = world.apply(&FILES).await;
    server.no_faults();
    agrees(&world, &said, outcome, "", "V2").await;
    world.apply(&FILES).await.unwrap();
    assert_eq!(pending(&world, &FILES).await, "", "{said}");

    server.fault(request + 1, fault);
    let outcome = world.undo(Back::Steps(1)).await;
    server.no_faults();
    agrees(&world, &said, outcome, "V2", "").await;
}

/// The outcome tells of what the database shows, `happened` or `not`, and all objects are there in either case.
async fn agrees(
    world: &World,
    said: &str,
    outcome: Result<Outcome, ApplyError>,
    happened: &str,
    not: &str,
) {
    assert_eq!(objects(world).await, "g i v", "{said}");
    let pending = pending(world, &FILES).await;
    match outcome {
        Ok(outcome) => {
            assert_eq!(pending, happened, "{said}");
            assert_eq!(done(&outcome), ALL, "{said}");
            assert_eq!(warned(&outcome), "", "{said}");
        }
        Err(ApplyError::Unknown { .. }) => {}
        Err(error) => assert_eq!(pending, not, "{said}: {error}"),
    }
}
