//! Seeding that is killed at any moment: nothing or everything is in the database, and the record agrees.

use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant, SystemTime};

use seedbed::db::{Db, Options, Query};

use crate::project::{Project, waiting};
use crate::server::Server;

const ROWS: usize = 20_000;

/// How long each of these tests goes on with new rounds.
const ROUNDS: Duration = Duration::from_secs(8);

fn project() -> Project {
    Project::new()
        .migration(
            "V1__users",
            "CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT UNIQUE, name TEXT, boss_id TEXT REFERENCES users (id));\n",
        )
        .file(
            "seeds/a.yaml",
            format!(
                "users:\n  boss: {{email: boss@x}}\n  \
                 u_{{00001..{ROWS}}}: {{email: '${{label}}@x', name: 'a name for ${{label}}', boss: boss}}\n"
            ),
        )
}

/// Rows, records of seeds, and marks, as of one moment.
const STATE: &str = "SELECT (SELECT count(*) FROM users) || ' ' || count(*) FILTER (WHERE kind = 'seed') || ' ' \
                     || count(*) FILTER (WHERE version = 'environment') FROM _migrations";

fn whole() -> String {
    format!("{} 1 1", ROWS + 1)
}

/// Plays rounds: `begin` makes a database that was migrated and gives what the program is called with and how its
/// state is asked for.
fn killed_at_any_moment(
    project: &Project,
    mut begin: impl FnMut(usize) -> (String, Box<dyn Fn() -> String>),
) {
    let (line, state) = begin(0);
    let started = Instant::now();
    let ran = project.run(&line);
    let mut whole_run = started.elapsed();
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(state(), whole());

    let mut random = SystemTime::UNIX_EPOCH.elapsed().unwrap().subsec_nanos();
    println!("seed {random}, an undisturbed run takes {whole_run:?}");
    let until = Instant::now() + ROUNDS;
    let (mut rounds, mut killed, mut nothing) = (0, 0, 0);
    // On a busy machine it takes more rounds until one is killed in time.
    while Instant::now() < until
        || rounds < 3
        || (killed == 0 && Instant::now() < until + ROUNDS * 3)
    {
        rounds += 1;
        let (line, state) = begin(rounds);
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // Most of the run is spent before anything is written.
        let part = 0.3 + 0.7 * f64::from(random) / f64::from(u32::MAX);
        let mut running = project.spawn(&line);
        std::thread::sleep(whole_run.mul_f64(part));
        running.kill();
        let ran = running.finish();
        if ran.status.and_then(|status| status.signal()).is_some() {
            killed += 1;
        } else {
            // It was faster than the one that was measured.
            whole_run = whole_run.mul_f64(0.8);
        }
        let found = state();
        assert!(found == "0 0 0" || found == whole(), "{found}: {ran}");
        if found == "0 0 0" {
            nothing += 1;
        }
        let ran = project.run(&line);
        assert_eq!(ran.code, Some(0), "{ran}");
        assert_eq!(state(), whole());
    }
    println!("{rounds} rounds, {killed} killed, {nothing} of them left nothing");
    assert!(killed > 0, "no round was killed in time");
}

#[test]
fn a_local_file() {
    let project = project();
    let root = project.path("");
    killed_at_any_moment(&project, |round| {
        let name = format!("round{round}.db");
        let ran = project.run(&format!("migrate --database {name}"));
        assert_eq!(ran.code, Some(0), "{ran}");
        let file = root.join(&name);
        let ask = move || {
            let db = Db::local(file.clone(), Options::default()).unwrap();
            ask(&db)
        };
        (format!("seed --database {name}"), Box::new(ask))
    });
}

fn ask(db: &Db) -> String {
    let answers = waiting()
        .block_on(db.query(vec![Query::new(STATE)]))
        .unwrap();
    let rows = answers.into_iter().next().unwrap().unwrap();
    rows[0][0].as_str().unwrap().to_owned()
}

#[test]
fn a_server() {
    let project = project();
    let mut servers = Vec::new();
    killed_at_any_moment(&project, |_| {
        let server = Server::start();
        let url = server.url();
        servers.push(server);
        let ran = project.run(&format!("migrate --database {url}"));
        assert_eq!(ran.code, Some(0), "{ran}");
        let line = format!("seed --database {url}");
        let ask = move || ask(&Db::remote(&url, None, Options::default()).unwrap());
        (line, Box::new(ask))
    });
}

#[test]
fn a_replica() {
    let server = Server::start();
    let url = server.url();
    let project = project()
        .env("TURSO_DATABASE_URL", &url)
        .env("USE_EMBEDDED_REPLICA", "YES");
    let mut rounds = 0;
    killed_at_any_moment(&project, |_| {
        if rounds > 0 {
            // The same primary, with everything undone.
            let db = Db::remote(&url, None, Options::default()).unwrap();
            let steps = [
                "DELETE FROM users",
                "DELETE FROM _migrations WHERE kind = 'seed' OR version = 'environment'",
            ];
            let transaction = seedbed::db::Transaction {
                foreign_keys: seedbed::script::ForeignKeys::Off,
                atomicity: seedbed::script::Atomicity::Transaction,
                steps: steps
                    .map(|sql| seedbed::script::Step::own(sql, vec![]))
                    .into(),
            };
            let run = db.run(vec![transaction], std::sync::Arc::new(|_| {}));
            waiting().block_on(run).unwrap();
        } else {
            let ran = project.run("migrate");
            assert_eq!(ran.code, Some(0), "{ran}");
        }
        rounds += 1;
        let url = url.clone();
        let ask = move || ask(&Db::remote(&url, None, Options::default()).unwrap());
        ("seed".to_owned(), Box::new(ask))
    });
}
