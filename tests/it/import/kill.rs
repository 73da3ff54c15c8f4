//! Imports that are killed at any moment: the same command goes on, and in the end the database is as if nobody had
//! killed it.

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant, SystemTime};

use seedbed::db::{Db, Options, Query};

use crate::project::{Project, waiting};
use crate::server::Server;

/// How many runs are killed; more where this variable says so.
const ROUNDS: usize = 6;
/// How many are tried at the most until one is killed in time.
const MOST_ROUNDS: usize = 60;
const VARIABLE: &str = "SEEDBED_TEST_KILLS";

const ROWS: usize = 12_000;

fn rounds() -> usize {
    let wanted = std::env::var(VARIABLE).ok();
    wanted.and_then(|text| text.parse().ok()).unwrap_or(ROUNDS)
}

/// More than goes into one transaction.
pub(crate) fn project() -> Project {
    let mut text = b"PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n\
        CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, data BLOB);\n"
        .to_vec();
    for row in 1..=ROWS {
        let name = row * 7919 % ROWS;
        writeln!(
            text,
            "INSERT INTO t VALUES({row},'name of {name}',X'{row:032x}');"
        )
        .unwrap();
    }
    text.extend(b"CREATE TABLE u (x);\nINSERT INTO u VALUES('last');\nCREATE INDEX t_name ON t (name);\nCOMMIT;\n");
    Project::new().file("old.sql", text)
}

const WHOLE: &str = "SELECT (SELECT count(*) || ' ' || sum(id) || ' ' || sum(length(name)) || ' ' || sum(length(data)) FROM t) \
     || ' ' || (SELECT group_concat(x) FROM u) || ' ' \
     || (SELECT group_concat(name) FROM (SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite%' ORDER BY name)) \
     || ' ' || (SELECT count(*) FROM _migrations WHERE kind = 'import') \
     || ' ' || (SELECT integrity_check FROM pragma_integrity_check)";

fn ask(db: &Db) -> String {
    let answers = waiting()
        .block_on(db.query(vec![Query::new(WHOLE)]))
        .unwrap();
    let rows = answers.into_iter().next().unwrap();
    rows.unwrap()[0][0].as_str().unwrap().to_owned()
}

pub(crate) fn killed_at_any_moment(
    project: &Project,
    mut begin: impl FnMut(usize) -> (String, Box<dyn Fn() -> Db>),
) {
    let (line, db) = begin(0);
    let begun = Instant::now();
    let ran = project.run(&line);
    let mut whole_run = begun.elapsed();
    assert_eq!(ran.code, Some(0), "{ran}");
    let whole = ask(&db());
    let mut random = SystemTime::UNIX_EPOCH.elapsed().unwrap().subsec_nanos();
    println!("seed {random}, an undisturbed run takes {whole_run:?}");
    let (mut killed, mut continued) = (0_usize, 0);
    let mut round = 0;
    // On a busy machine it takes more rounds until one is killed in time.
    while round < rounds() || (killed == 0 && round < MOST_ROUNDS) {
        round += 1;
        let (line, db) = begin(round);
        // Whoever goes on may be killed too.
        for _ in 0..2 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let part = 0.3 + 0.7 * f64::from(random) / f64::from(u32::MAX);
            let mut running = project.spawn(&line);
            std::thread::sleep(whole_run.mul_f64(part).max(Duration::from_millis(5)));
            running.kill();
            let ran = running.finish();
            if ran.status.and_then(|status| status.signal()).is_some() {
                killed += 1;
            } else {
                // It was faster than the one that was measured.
                whole_run = whole_run.mul_f64(0.8);
            }
        }
        let begun = Instant::now();
        let ran = project.run(&line);
        assert_eq!(ran.code, Some(0), "{ran}");
        // Other tests make the first run slow.
        if !ran.stdout.contains("nothing to do") {
            whole_run = whole_run.min(begun.elapsed().max(Duration::from_millis(100)));
        }
        continued += usize::from(ran.stdout.contains("went on from"));
        assert_eq!(ask(&db()), whole, "{ran}");
    }
    println!("{killed} were killed, {continued} of the last ones went on");
    assert!(killed > 0, "no run was killed in time");
}

#[test]
fn a_new_local_file() {
    let project = project();
    let root = project.path("");
    killed_at_any_moment(&project, |round| {
        let name = format!("round{round}.db");
        let file = root.join(&name);
        let open = move || Db::local(file.clone(), Options::default()).unwrap();
        (
            format!("import old.sql --transaction-bytes 40000 --database {name}"),
            Box::new(open),
        )
    });
    // Nothing is left of what was built beside.
    let left: Vec<String> = project.files();
    let left: Vec<&String> = left
        .iter()
        .filter(|name| name.contains("-building-"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_local_file_that_is_there() {
    let project = project();
    let root = project.path("");
    killed_at_any_moment(&project, |round| {
        let name = format!("round{round}.db");
        let file = root.join(&name);
        project.write(format!("{name}.sql"), "CREATE TABLE other (x);");
        let made = project.run(&format!("import {name}.sql --database {name}"));
        assert_eq!(made.code, Some(0), "{made}");
        let open = move || Db::local(file.clone(), Options::default()).unwrap();
        (
            format!("import old.sql --transaction-bytes 40000 --database {name}"),
            Box::new(open),
        )
    });
}

#[test]
fn a_server() {
    let project = project();
    let mut servers = Vec::new();
    killed_at_any_moment(&project, |_| {
        let server = Server::start();
        let url = server.url();
        servers.push(server);
        let line = format!("import old.sql --transaction-bytes 40000 --database {url}");
        let open = move || Db::remote(&url, None, Options::default()).unwrap();
        (line, Box::new(open))
    });
}
