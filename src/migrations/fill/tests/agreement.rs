//! What `check` finds out on generated rows is what `migrate` comes to on others: an error fails on any rows, and what
//! passes without a warning fails on none.

mod cases;

use proptest::prelude::*;

use self::cases::{Case, Chance};
use crate::db::{Db, Options};
use crate::migrations::check::{CheckOptions, check};
use crate::migrations::fill::insert;
use crate::migrations::{Migrations, PlanOptions, apply};
use crate::script::{Atomicity, ForeignKeys, Run};

/// What `check` says of the new version, as far as rows matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Fails,
    Depends,
    Passes,
    /// It is refused for something else.
    Refused,
}

fn set(case: &Case, versions: usize) -> Migrations {
    let files = [("V1__base.sql", &case.base), ("V2__new.sql", &case.new)];
    Migrations::from_files(
        files
            .into_iter()
            .take(versions)
            .map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec())),
    )
}

async fn verdict(case: &Case) -> (Verdict, String) {
    let checked = check(&set(case, 2), &CheckOptions::default())
        .await
        .unwrap();
    let problems = &checked.problems;
    let words: Vec<String> = problems
        .iter()
        .map(|it| format!("{}: {}", it.code, it.message))
        .collect();
    let verdict = match () {
        () if problems
            .iter()
            .any(|it| it.is_error() && it.code == "fails") =>
        {
            Verdict::Fails
        }
        () if problems.iter().any(|it| it.is_error()) => Verdict::Refused,
        () if problems
            .iter()
            .any(|it| matches!(it.code, "depends-on-rows" | "not-filled")) =>
        {
            Verdict::Depends
        }
        () => Verdict::Passes,
    };
    (verdict, words.join("\n"))
}

/// What `migrate` comes to on a database with rows; none where some table took no row.
async fn migrated(case: &Case, chance: &mut Chance) -> Option<Result<(), String>> {
    let db = Db::memory(Options::default()).await.unwrap();
    let run = Run::new("test");
    apply(
        &db,
        &set(case, 1),
        &PlanOptions::default(),
        &run,
        &crate::migrations::ignore(),
    )
    .await
    .unwrap();
    for table in &case.tables {
        let mut rows = table.rows(chance);
        let condition = format!("SELECT count(*) FROM {}", table.name);
        while let Some((at, _)) = insert::run(&db, &rows, Atomicity::Bare, ForeignKeys::On)
            .await
            .unwrap()
        {
            rows.drain(..=at);
        }
        let count = db
            .ask(crate::db::Query::new(condition))
            .await
            .unwrap()
            .count()
            .unwrap();
        if count == 0 {
            return None;
        }
    }
    let applied = apply(
        &db,
        &set(case, 2),
        &PlanOptions::default(),
        &run,
        &crate::migrations::ignore(),
    )
    .await;
    Some(match applied {
        Ok(_) => Ok(()),
        Err(error) => {
            // The engine's words alone.
            let shown = format!("{error:?}");
            let words = shown.split("message: \"").nth(1).unwrap_or(&shown);
            Err(words.chars().take(80).collect())
        }
    })
}

/// How `check` and `migrate` compare on one case.
#[derive(Debug, Default)]
struct Comparison {
    agreed: usize,
    depends: usize,
    refused: usize,
    misses: Vec<String>,
    false_alarms: Vec<String>,
}

async fn compare(seed: u64, comparison: &mut Comparison) {
    const FILLS: usize = 4;
    let mut chance = Chance::new(seed);
    let case = Case::new(&mut chance);
    let (verdict, words) = verdict(&case).await;
    let mut results = Vec::new();
    for _ in 0..FILLS {
        results.extend(migrated(&case, &mut chance).await);
    }
    let shown = |what: &str| {
        format!(
            "seed {seed}: {what}\n{}\n-- new\n{}\n{words}\n{results:?}\n",
            case.base, case.new
        )
    };
    match verdict {
        Verdict::Refused => comparison.refused += 1,
        Verdict::Depends => comparison.depends += 1,
        Verdict::Fails if results.iter().any(Result::is_ok) => {
            comparison.false_alarms.push(shown("an error that is none"));
        }
        Verdict::Passes if results.iter().any(Result::is_err) => {
            comparison.misses.push(shown("missed"))
        }
        Verdict::Fails | Verdict::Passes => comparison.agreed += 1,
    }
}

fn compared(seeds: impl IntoIterator<Item = u64>) -> Comparison {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut comparison = Comparison::default();
    for seed in seeds {
        runtime.block_on(compare(seed, &mut comparison));
    }
    comparison
}

#[test]
fn check_and_migrate_agree() {
    let found = compared(0..40);
    assert!(
        found.misses.is_empty() && found.false_alarms.is_empty(),
        "{found:#?}"
    );
}

#[test]
fn rows_show_what_only_some_values_or_few_rows_can_show() {
    // A second column of a unique index, literals that are negative, looked for, or behind a length, tables that take
    // two or three rows, keys of a child that are no keys of its parent, and equal values in a table whose key has three.
    let found = compared([
        650, 657, 845, 869, 929, 1030, 1114, 1208, 1377, 2111, 2112, 2159, 2377, 5594, 6515, 7672,
    ]);
    assert!(
        found.misses.is_empty() && found.false_alarms.is_empty(),
        "{found:#?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn no_error_of_check_is_a_false_alarm(seed: u64) {
        let found = compared([seed]);
        prop_assert!(found.false_alarms.is_empty(), "{}", found.false_alarms.join("\n"));
    }
}

/// A long run by hand: `AGREEMENT=0..2000 cargo test -p seedbed --lib agreement -- --ignored --nocapture`.
#[test]
#[ignore = "takes minutes"]
#[allow(clippy::print_stdout, reason = "a long run is read by its output")]
fn a_long_run_counts_how_often_they_agree() {
    let range = std::env::var("AGREEMENT").unwrap_or("0..500".to_owned());
    let (from, to) = range.split_once("..").unwrap();
    let found = compared(from.parse().unwrap()..to.parse().unwrap());
    for case in found.misses.iter().chain(&found.false_alarms) {
        println!("{case}");
    }
    println!(
        "{} agreed, {} depend on rows, {} refused, {} misses, {} false alarms",
        found.agreed,
        found.depends,
        found.refused,
        found.misses.len(),
        found.false_alarms.len()
    );
}
