//! Imports that are killed at any moment: the same command continues, and in the end the database is as if nothing had
//! happened.

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant, SystemTime};

use seedbed::db::{Db, Options, Query};

use crate::process::Ran;
use crate::project::{Project, waiting};
use crate::server::Server;

/// How many runs are killed; more where this variable says so.
const ROUNDS: usize = 6;
/// How many are tried at the most until one is killed in time.
const MOST_ROUNDS: usize = 60;
const VARIABLE: &str = "SEEDBED_TEST_KILLS";

const ROWS: usize = 12_000;

/// Kills runs of the program at random moments.
pub(crate) struct Kills {
    /// How long a run takes that is not killed.
    pub(crate) whole_run: Duration,
    random: u32,
    rounds: usize,
    killed: usize,
}

impl Kills {
    pub(crate) fn of(whole_run: Duration) -> Kills {
        let random = SystemTime::UNIX_EPOCH.elapsed().unwrap().subsec_nanos();
        println!("seed {random}, an undisturbed run takes {whole_run:?}");
        Kills {
            whole_run,
            random,
            rounds: 0,
            killed: 0,
        }
    }

    /// The number of the next round, from 1; none after the last. On a busy machine it takes more rounds until a run is
    /// killed in time.
    pub(crate) fn round(&mut self) -> Option<usize> {
        let wanted = std::env::var(VARIABLE).ok();
        let wanted = wanted.and_then(|text| text.parse().ok()).unwrap_or(ROUNDS);
        let goes_on = self.rounds < wanted || (self.killed == 0 && self.rounds < MOST_ROUNDS);
        self.rounds += usize::from(goes_on);
        goes_on.then_some(self.rounds)
    }

    /// Kills one after at least this part of the time that it takes.
    pub(crate) fn kill(&mut self, project: &Project, line: &str, least: f64) -> Ran {
        self.random = self
            .random
            .wrapping_mul(1_664_525)
            .wrapping_add(1_013_904_223);
        let part = least + (1.0 - least) * f64::from(self.random) / f64::from(u32::MAX);
        let mut running = project.spawn(line);
        std::thread::sleep(self.whole_run.mul_f64(part).max(Duration::from_millis(5)));
        running.kill();
        let ran = running.finish();
        if ran.status.and_then(|status| status.signal()).is_some() {
            self.killed += 1;
        } else {
            // It was faster than the one that was measured.
            self.whole_run = self.whole_run.mul_f64(0.8);
        }
        ran
    }

    pub(crate) fn end(self) {
        println!("{} were killed in {} rounds", self.killed, self.rounds);
        assert!(self.killed > 0, "no run was killed in time");
    }
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
     || ' ' || (SELECT * FROM pragma_integrity_check)";

fn ask(db: &Db) -> String {
    let answers = waiting()
        .block_on(db.query(vec![Query::new(WHOLE)]))
        .unwrap();
    let rows = answers.into_iter().next().unwrap();
    rows.unwrap()[0][0].as_str().unwrap().to_owned()
}

fn killed_at_any_moment(
    project: &Project,
    mut begin: impl FnMut(usize) -> (String, Box<dyn Fn() -> Db>),
) {
    let (line, db) = begin(0);
    let begun = Instant::now();
    let ran = project.run(&line);
    let mut kills = Kills::of(begun.elapsed());
    assert_eq!(ran.code, Some(0), "{ran}");
    let whole = ask(&db());
    let mut continued = 0;
    while let Some(round) = kills.round() {
        let (line, db) = begin(round);
        // The run that continues may be killed too.
        for _ in 0..2 {
            kills.kill(project, &line, 0.3);
        }
        let begun = Instant::now();
        let ran = project.run(&line);
        assert_eq!(ran.code, Some(0), "{ran}");
        // Other tests make the first run slow.
        if !ran.stdout.contains("nothing to do") {
            let took = begun.elapsed().max(Duration::from_millis(100));
            kills.whole_run = kills.whole_run.min(took);
        }
        continued += usize::from(ran.stdout.contains("went on from"));
        assert_eq!(ask(&db()), whole, "{ran}");
    }
    println!("{continued} of the last runs went on");
    kills.end();
}

/// Kills what `line` gives for the name of a file of its own.
pub(crate) fn into_files(project: &Project, line: impl Fn(&str) -> String) {
    let root = project.path("");
    killed_at_any_moment(project, |round| {
        let name = format!("round{round}.db");
        let file = root.join(&name);
        let open = move || Db::local(file.clone(), Options::default()).unwrap();
        (line(&name), Box::new(open))
    });
    // Nothing is left of what was built beside.
    let left: Vec<String> = project.files();
    let left: Vec<&String> = left
        .iter()
        .filter(|name| name.contains("-building-"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Kills what `line` gives for the URL of an empty server.
pub(crate) fn into_servers(project: &Project, line: impl Fn(&str) -> String) {
    let mut servers = Vec::new();
    killed_at_any_moment(project, |_| {
        let server = Server::start();
        let url = server.url();
        servers.push(server);
        let line = line(&url);
        let open = move || Db::remote(&url, None, Options::default()).unwrap();
        (line, Box::new(open))
    });
}

const IMPORT: &str = "import old.sql --transaction-bytes 40000 --database";

#[test]
fn a_new_local_file() {
    into_files(&project(), |name| format!("{IMPORT} {name}"));
}

#[test]
fn a_local_file_that_is_there() {
    let project = project();
    into_files(&project, |name| {
        project.write(format!("{name}.sql"), "CREATE TABLE other (x);");
        let made = project.run(&format!("import {name}.sql --database {name}"));
        assert_eq!(made.code, Some(0), "{made}");
        format!("{IMPORT} {name}")
    });
}

#[test]
fn a_server() {
    into_servers(&project(), |url| format!("{IMPORT} {url}"));
}
