//! What holds for servers only: connections that are cut, values that are too large, what a server does not take.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use seedbed::db::{Db, Options};
use seedbed::dump::import::{ImportOptions, Input, import};
use seedbed::script::Run;
use seedbed_test_server::Fault;

use super::specification::{MANY, many};
use super::{Dump, dump, told};
use crate::server::ours;

fn db(server: &seedbed_test_server::Server) -> Db {
    let options = Options::default().lock_timeout(Duration::from_secs(60));
    Db::remote(&server.url(), None, options).unwrap()
}

async fn ask(db: &Db, sql: &str) -> String {
    let mut answers = db.query(vec![seedbed::db::Query::new(sql)]).await.unwrap();
    format!("{:?}", answers.remove(0).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_cannot_read_the_database_says_nothing_of_what_is_in_it() {
    let server = ours(seedbed_test_server::Options::default());
    let dump = Dump::new(dump("CREATE TABLE t (x);\n"));
    server.control().plan(|_| {
        Some(Fault::Status {
            status: 403,
            retry_after: None,
        })
    });
    let words = told(dump.import(&db(&server)).await);
    assert!(words.ends_with("; not read"), "{words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_other_answer_is_lost_and_no_row_is() {
    let server = ours(seedbed_test_server::Options::default());
    let text = many(MANY) + "CREATE INDEX i ON t (name);\n";
    let dump = Dump::new(dump(&text));
    for round in 0..4_usize {
        let db = db(&server);
        // The first request only looks.
        let count = AtomicU64::new(0);
        let lost = Arc::new(AtomicU64::new(0));
        let counted = lost.clone();
        server.control().plan(move |_| {
            let number = count.fetch_add(1, Ordering::Relaxed) as usize;
            if number.is_multiple_of(2) {
                return None;
            }
            counted.fetch_add(1, Ordering::Relaxed);
            Some(match (number / 2 + round) % 5 {
                0 => Fault::DropBefore,
                1 => Fault::DropAfter,
                2 => Fault::DropDuring { step: number % 9 },
                3 => Fault::CutBody,
                _ => Fault::Status {
                    status: 502,
                    retry_after: None,
                },
            })
        });
        let words = told(dump.import(&db).await);
        server.control().no_faults();
        assert_eq!(words, format!("t {MANY}"));
        assert!(lost.load(Ordering::Relaxed) > 5);
        assert_eq!(
            ask(&db, "SELECT count(*), sum(id) FROM t").await,
            format!("[[Integer({MANY}), Integer(8002000)]]")
        );
        let steps = [
            "DROP TABLE t",
            "DELETE FROM _migrations WHERE kind = 'import'",
        ];
        let transaction = seedbed::db::Transaction {
            foreign_keys: seedbed::script::ForeignKeys::On,
            atomicity: seedbed::script::Atomicity::Transaction,
            steps: steps
                .map(|sql| seedbed::script::Step::own(sql, vec![]))
                .into(),
        };
        db.run(vec![transaction], Arc::new(|_| {})).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_dump_is_one_request_beside_looking_and_counting() {
    let server = ours(seedbed_test_server::Options::default());
    let db = db(&server);
    let dump = Dump::new(dump("CREATE TABLE t (x);\nINSERT INTO t VALUES(1);\n"));
    let input = Input::File(dump.path());
    server.control().clear_requests();
    let options = ImportOptions::default();
    let imported = import(&db, &input, &options, &Run::new("test"), Arc::new(|_| {})).await;
    assert_eq!(told(imported), "t 1");
    assert!(
        server.control().requests().len() <= 5,
        "{:?}",
        server.control().requests()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_is_too_large_is_told_before_anything_is_sent() {
    let server = ours(seedbed_test_server::Options::default());
    let db = db(&server);
    let text = format!(
        "CREATE TABLE t (x);\nINSERT INTO t VALUES(1);\nINSERT INTO t VALUES('{}');\n",
        "x".repeat(5_000_001)
    );
    assert_eq!(
        told(Dump::new(dump(&text)).import(&db).await),
        "line 5, table t: a row of 5000001 bytes is more than the 5000000 that the server takes"
    );
    assert_eq!(
        ask(&db, "SELECT count(*) FROM sqlite_schema").await,
        "[[Integer(0)]]"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn large_values_arrive_on_a_server() {
    let server = ours(seedbed_test_server::Options::default());
    let db = db(&server);
    let text = format!(
        "CREATE TABLE t (x);\nINSERT INTO t VALUES(X'{}');\nINSERT INTO t VALUES('{}');\nINSERT INTO t VALUES(2);\n",
        "ab".repeat(4_900_000),
        "é".repeat(2_400_000)
    );
    assert_eq!(told(Dump::new(dump(&text)).import(&db).await), "t 3");
    assert_eq!(
        ask(&db, "SELECT typeof(x), length(x) FROM t").await,
        "[[Text(\"blob\"), Integer(4900000)], [Text(\"text\"), Integer(2400000)], [Text(\"integer\"), Integer(1)]]"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_does_not_take_is_left_out_with_a_word() {
    let server = ours(seedbed_test_server::Options::default());
    let db = db(&server);
    let text = "PRAGMA user_version=7;\nPRAGMA application_id=9;\nCREATE TABLE t (x);\nINSERT INTO t VALUES(1);\n\
                ANALYZE sqlite_schema;\nINSERT INTO sqlite_stat1 VALUES('t',NULL,'1');\n";
    assert_eq!(
        told(Dump::new(dump(text)).import(&db).await),
        "t 1; no application_id; no statistics"
    );
    assert_eq!(ask(&db, "PRAGMA user_version").await, "[[Integer(7)]]");
}
