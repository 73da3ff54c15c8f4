//! Runs that are killed at any moment, without a chance to clean up.

use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant, SystemTime};

use crate::process::Ran;
use crate::project::Project;

/// How many rows each migration writes: enough, all together, that the engine writes to the file long before a single
/// transaction ends, and a kill leaves a journal that has to be rolled back.
const ROWS: usize = 100;

/// How long each of these tests goes on with new rounds.
const ROUNDS: Duration = Duration::from_secs(7);

fn project(migrations: usize) -> Project {
    (1..=migrations).fold(Project::new(), |project, n| {
        project.migration(
            &format!("V{n}__t{n}"),
            format!(
                "CREATE TABLE t{n} (id INTEGER PRIMARY KEY, text TEXT);\n\
                 CREATE INDEX i{n} ON t{n} (text);\n\
                 WITH RECURSIVE up(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM up WHERE id < {ROWS})\n\
                 INSERT INTO t{n} SELECT id, printf('%0500d', id * {n}) FROM up;\n"
            ),
        )
    })
}

/// Numbers that look random: <https://prng.di.unimi.it/splitmix64.c>.
struct Random(u64);

impl Random {
    /// A number from 0 to below 1.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        f64::from(u32::try_from(z >> 32).unwrap()) / f64::from(u32::MAX)
    }
}

/// All that is in a database but times and run ids.
fn content(project: &Project, database: &str, migrations: usize) -> Vec<String> {
    let rows = (1..=migrations)
        .map(|n| format!("SELECT count(*), sum(id), min(text), max(text) FROM t{n}"));
    let mut questions = vec![
        "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name".to_owned(),
        "SELECT kind, version, name, checksum, effective, state, applied_by, source, down \
         FROM _migrations WHERE kind <> 'meta' ORDER BY rowid"
            .to_owned(),
    ];
    questions.extend(rows);
    project.ask_of(database, questions)
}

/// How many migrations a database has, where its records, its schema and its rows agree: the lowest ones, whole.
fn applied(project: &Project, database: &str) -> usize {
    let schema = project.ask_of(
        database,
        [
            "PRAGMA integrity_check",
            "SELECT count(*) FROM sqlite_schema WHERE name = '_migrations'",
            "SELECT count(*) FROM sqlite_schema WHERE name LIKE 't%' AND type = 'table'",
            "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'i%' AND type = 'index'",
        ],
    );
    assert_eq!(schema[0], "ok");
    if schema[1] == "0" {
        assert_eq!(schema[2..], ["0", "0"]);
        return 0;
    }
    let recorded = project.ask_of(
        database,
        ["SELECT version, state FROM _migrations WHERE kind = 'migration' ORDER BY rowid"],
    );
    let rows: Vec<&str> = recorded[0].split_whitespace().collect();
    let whole: Vec<String> = (1..=rows.len()).map(|n| format!("{n}|applied")).collect();
    assert_eq!(rows, whole);
    let count = rows.len().to_string();
    assert_eq!(schema[2..], [count.clone(), count]);
    let questions =
        (1..=rows.len()).map(|n| format!("SELECT count(*), sum(length(text)) FROM t{n}"));
    for answer in project.ask_of(database, questions) {
        assert_eq!(answer, format!("{ROWS}|{}", ROWS * 500));
    }
    rows.len()
}

fn well(ran: Ran) -> Ran {
    assert_eq!(ran.code, Some(0), "{ran}");
    ran
}

fn copy(project: &Project, from: &str, to: &str) {
    for ending in ["", "-journal"] {
        let from = project.path(format!("{from}{ending}"));
        if from.exists() {
            std::fs::copy(from, project.path(format!("{to}{ending}"))).unwrap();
        }
    }
}

fn killed_at_any_moment(tx: &str, migrations: usize) {
    let project = project(migrations);
    let begun = Instant::now();
    well(project.run(&format!("migrate --tx {tx} --database whole.db")));
    let whole_run = begun.elapsed();
    let whole = content(&project, "whole.db", migrations);
    assert_eq!(applied(&project, "whole.db"), migrations);

    let seed = SystemTime::UNIX_EPOCH.elapsed().unwrap().subsec_nanos();
    println!("seed {seed}, an undisturbed run takes {whole_run:?}");
    let mut random = Random(seed.into());
    let (mut rounds, mut killed, mut journals, mut partial) = (0, 0, 0, 0);
    let until = Instant::now() + ROUNDS;
    let midway = |journals, partial| if tx == "all" { journals } else { partial };
    // On a busy machine it takes more rounds until one is killed in the middle.
    while Instant::now() < until
        || (midway(journals, partial) == 0 && Instant::now() < until + ROUNDS * 3)
    {
        rounds += 1;
        let database = format!("round{rounds}.db");
        let delay = whole_run.mul_f64(random.next());
        let mut running = project.spawn(&format!("migrate --tx {tx} --database {database}"));
        std::thread::sleep(delay);
        running.kill();
        let ran = running.finish();
        if ran.status.and_then(|status| status.signal()).is_some() {
            killed += 1;
        }
        let journal = std::fs::metadata(project.path(format!("{database}-journal")));
        if journal.is_ok_and(|journal| journal.len() > 0) {
            journals += 1;
        }

        // The next run need not look first.
        copy(&project, &database, "copy.db");
        well(project.run(&format!("migrate --tx {tx} --database copy.db")));
        assert!(
            content(&project, "copy.db", migrations) == whole,
            "after {delay:?}"
        );

        // Looking first, at what may only be rolled back by writing.
        let status = well(project.run(&format!("status --format json --database {database}")));
        let document = status.json();
        let items = document["items"].as_array().unwrap();
        let known = items
            .iter()
            .filter(|item| item["state"] == "applied")
            .count();
        let found = applied(&project, &database);
        assert_eq!(found, known, "after {delay:?}");
        if tx == "all" {
            assert!(found == 0 || found == migrations, "{found} after {delay:?}");
        } else if found > 0 && found < migrations {
            partial += 1;
        }
        well(project.run(&format!("migrate --tx {tx} --database {database}")));
        assert!(
            content(&project, &database, migrations) == whole,
            "after {delay:?}"
        );
        for database in [database.as_str(), "copy.db"] {
            project.remove(database);
        }
    }
    println!(
        "{rounds} rounds, {killed} killed, {journals} with a journal, {partial} with a part of the migrations"
    );
    assert!(killed > 0, "no round was killed in time");
    let midway = midway(journals, partial);
    assert!(midway > 0, "no round was killed in the middle");
}

#[test]
fn a_run_in_one_transaction_that_was_killed_left_nothing_and_the_next_finishes() {
    killed_at_any_moment("all", 120);
}

#[test]
fn a_run_in_many_transactions_that_was_killed_left_whole_ones_and_the_next_finishes() {
    killed_at_any_moment("each", 30);
}
