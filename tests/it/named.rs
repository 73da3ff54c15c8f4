//! A database on a server that a variable names: `SEEDBED_TEST_URL`, with the token `SEEDBED_TEST_TOKEN` where it needs
//! one. What runs there has tables of its own and takes them away again; a database with a `_migrations` is left alone.

use std::ffi::OsString;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use seedbed::config::{Config, Database, Flags, load};
use seedbed::db::{Db, Options, Query, Transaction};
use seedbed::migrations::{
    Adopted, Back, Grouping, Migrations, Outcome, PlanOptions, State, UndoOptions, apply, ignore,
    observe, plan, undo,
};
use seedbed::open::{lock_timeout, open};
use seedbed::script::{Atomicity, ForeignKeys, Run, Step};
use seedbed::sql::Value;
use seedbed_test_server::{Access, Auth};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::process::{Ran, Running};
use crate::project::Project;
use crate::server::{Server, ours};
use crate::world::{done, set};

const URL: &str = "SEEDBED_TEST_URL";
const TOKEN: &str = "SEEDBED_TEST_TOKEN";

#[tokio::test(flavor = "multi_thread")]
async fn migrate_status_undo_and_a_lost_answer_on_a_named_server() {
    let Ok(url) = std::env::var(URL) else {
        println!("skipped: {URL} names no server");
        return;
    };
    let config = settings(&url, std::env::var_os(TOKEN));
    let db = opened(&config).await;
    let before = names(&db).await;
    assert!(
        !before.contains(&"_migrations".to_owned()),
        "the database of {URL} has a table _migrations, so somebody uses it: name an empty one"
    );
    let suffix = uuid::Uuid::now_v7().simple().to_string();
    // On a task of its own, so that it is cleaned up after whatever fails.
    let (task_config, task_suffix) = (config.clone(), suffix.clone());
    let all = tokio::spawn(async move { everything(&task_config, &task_suffix).await }).await;
    clean_up(&db, &suffix).await;
    all.unwrap();
    assert_eq!(names(&db).await, before, "something was left behind");
    println!("ran on {url}");
}

fn settings(url: &str, token: Option<OsString>) -> Config {
    let flags = Flags::default().database(Some(url.to_owned()));
    let token = token.map(|token| (OsString::from("TURSO_AUTH_TOKEN"), token));
    let folder = tempfile::tempdir().unwrap();
    load(&flags, folder.path(), token).config().unwrap()
}

async fn opened(config: &Config) -> Db {
    let database = &config.database.value;
    let options = Options::default().lock_timeout(lock_timeout(database));
    open(database, options).await.unwrap()
}

/// Two tables and a rebuild of the first, which the second refers to.
fn files(suffix: &str) -> Migrations {
    let (one, two) = (format!("one_{suffix}"), format!("two_{suffix}"));
    set(&[
        (
            &format!("V1__{one}.sql"),
            &format!("CREATE TABLE {one} (id INTEGER PRIMARY KEY); INSERT INTO {one} VALUES (7);"),
        ),
        (
            &format!("V1__{one}.down.sql"),
            &format!("DROP TABLE {one};"),
        ),
        (
            &format!("V2__{two}.sql"),
            &format!(
                "CREATE TABLE {two} (one REFERENCES {one} ON DELETE CASCADE); INSERT INTO {two} VALUES (7);"
            ),
        ),
        (
            &format!("V2__{two}.down.sql"),
            &format!("DROP TABLE {two};"),
        ),
        (
            &format!("V3__rebuild_{one}.sql"),
            &format!(
                "CREATE TABLE new_{one} (id INTEGER PRIMARY KEY, name TEXT);\n\
                 INSERT INTO new_{one} (id) SELECT id FROM {one};\n\
                 DROP TABLE {one};\n\
                 ALTER TABLE new_{one} RENAME TO {one};\n"
            ),
        ),
        (
            &format!("V3__rebuild_{one}.down.sql"),
            &format!("ALTER TABLE {one} DROP COLUMN name;"),
        ),
    ])
}

async fn everything(config: &Config, suffix: &str) {
    let db = opened(config).await;
    let set = files(suffix);
    assert_eq!(states(&db, &set).await, "pending pending pending");
    assert_eq!(applied(&db, &set).await, "V1 V2 V3");
    assert_eq!(states(&db, &set).await, "applied applied applied");
    let kept = rows(&db, &format!("SELECT count(*) FROM two_{suffix}")).await;
    assert_eq!(kept, [[Value::Integer(1)]]);
    assert_eq!(applied(&db, &set).await, "");
    assert_eq!(undone(&db, Back::Steps(1)).await, "V3");
    assert_eq!(states(&db, &set).await, "applied applied pending");
    assert_eq!(undone(&db, Back::To(0)).await, "V2 V1");
    assert_eq!(states(&db, &set).await, "pending pending pending");

    // The first request reads the history, and the second is the script: it is carried out, and its answer gets lost.
    let forgetful = Forgetful::start(config, 2).await;
    let with_losses = Db::remote(&forgetful.url, token(config), Options::default()).unwrap();
    assert_eq!(applied(&with_losses, &set).await, "V1 V2 V3");
    assert!(forgetful.requests() > 2, "nothing was lost");
    assert_eq!(states(&db, &set).await, "applied applied applied");
    let once = rows(&db, &format!("SELECT count(*) FROM one_{suffix}")).await;
    assert_eq!(once, [[Value::Integer(1)]]);
    assert_eq!(undone(&db, Back::To(0)).await, "V3 V2 V1");
}

/// On a server of its own. The Turso engine gets a script in several requests.
#[tokio::test(flavor = "multi_thread")]
async fn the_answer_to_any_request_of_a_run_may_get_lost() {
    let server = Server::start();
    let config = settings(&server.url(), None);
    let (db, set) = (opened(&config).await, files("x"));
    // The first one reads the history.
    for lost in 2.. {
        let forgetful = Forgetful::start(&config, lost).await;
        let options = Options::default().lock_timeout(lock_timeout(&config.database.value));
        let with_losses = Db::remote(&forgetful.url, None, options).unwrap();
        assert_eq!(applied(&with_losses, &set).await, "V1 V2 V3", "{lost}");
        assert_eq!(states(&db, &set).await, "applied applied applied");
        let once = "SELECT (SELECT count(*) FROM one_x), (SELECT count(*) FROM two_x)";
        let one = Value::Integer(1);
        assert_eq!(rows(&db, once).await, [[one.clone(), one]], "{lost}");
        assert_eq!(undone(&db, Back::To(0)).await, "V3 V2 V1");
        if forgetful.requests() < lost {
            assert!(lost > 2, "nothing was lost");
            break;
        }
    }
}

async fn applied(db: &Db, set: &Migrations) -> String {
    let options = PlanOptions::default();
    shown(
        &apply(db, set, &options, &Run::new("named"), &ignore())
            .await
            .unwrap(),
    )
}

async fn undone(db: &Db, back: Back) -> String {
    let options = UndoOptions::default()
        .back(back)
        .grouping(Grouping::All)
        .adopted(Adopted::Refuse);
    shown(
        &undo(db, &options, &Run::new("named"), &ignore())
            .await
            .unwrap(),
    )
}

fn shown(outcome: &Outcome) -> String {
    done(outcome)
}

async fn states(db: &Db, set: &Migrations) -> String {
    let history = observe(db, set).await.unwrap();
    let plan = plan(set, &history, &PlanOptions::default());
    let states = plan.items.iter().map(|item| match item.state {
        State::Applied => "applied",
        State::Pending => "pending",
        _ => "odd",
    });
    states.collect::<Vec<_>>().join(" ")
}

async fn rows(db: &Db, sql: &str) -> Vec<Vec<Value>> {
    let mut answers = db.query(vec![Query::new(sql)]).await.unwrap();
    answers.remove(0).unwrap()
}

/// Everything that is in the schema.
async fn names(db: &Db) -> Vec<String> {
    let rows = rows(db, "SELECT name FROM sqlite_schema ORDER BY name").await;
    let names = rows.concat().into_iter();
    names
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect()
}

/// Drops what this run has made, and the records if there are no others among them.
async fn clean_up(db: &Db, suffix: &str) {
    let names = names(db).await;
    let mut drops: Vec<String> = names
        .iter()
        .filter(|name| name.ends_with(suffix))
        .map(|name| format!("DROP TABLE \"{name}\""))
        .collect();
    // The referring table first.
    drops.sort_by_key(|sql| !sql.contains("two_"));
    if names.contains(&"_migrations".to_owned()) {
        let others = format!(
            "SELECT count(*) FROM _migrations WHERE kind <> 'meta' AND name NOT LIKE '%{}'",
            suffix
        );
        match rows(db, &others).await.as_slice() {
            [row] if *row == [Value::Integer(0)] => drops.push("DROP TABLE _migrations".to_owned()),
            _ => println!("_migrations stays: somebody else has records in it by now"),
        }
    }
    let transaction = Transaction {
        foreign_keys: ForeignKeys::Off,
        atomicity: Atomicity::Transaction,
        steps: drops
            .into_iter()
            .map(|sql| Step::own(sql, vec![]))
            .collect(),
    };
    db.run(vec![transaction], Arc::new(|_| {})).await.unwrap();
}

fn token(config: &Config) -> Option<&str> {
    config.token().map(|token| token.value.expose())
}

/// Hands requests on to the server of some settings, and loses the answer to one of them.
struct Forgetful {
    url: String,
    requests: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Forgetful {
    async fn start(config: &Config, lost: usize) -> Forgetful {
        let Database::Remote { url, .. } = &config.database.value else {
            panic!("{URL} names no server");
        };
        let base = url.base();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&requests);
        // The client wants a provider of the process; the library has one of its own.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let Some((head, body)) = request(&mut stream).await else {
                    continue;
                };
                let number = count.fetch_add(1, Ordering::SeqCst) + 1;
                let path = head.split(' ').nth(1).unwrap();
                let mut forward = client
                    .post(format!("{base}{path}"))
                    .header("content-type", "application/json")
                    .body(body);
                if let Some(token) = header(&head, "authorization") {
                    forward = forward.header("authorization", token);
                }
                let answer = forward.send().await.unwrap();
                let status = answer.status().as_u16();
                let body = answer.bytes().await.unwrap();
                if number == lost {
                    continue;
                }
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 {status} .\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
                );
                let _ = stream.write_all(head.as_bytes()).await;
                let _ = stream.write_all(&body).await;
            }
        });
        Forgetful {
            url: format!("http://{address}"),
            requests,
            task,
        }
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

impl Drop for Forgetful {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Head and body of a request.
async fn request(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|it| it == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut body = bytes.split_off(end + 4);
    let length: usize = header(&head, "content-length")?.parse().ok()?;
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some((head, body))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

/// Runs the specification above in a process of its own.
fn named(env: &[(&str, &str)]) -> Ran {
    let project = Project::bare();
    let program = std::env::current_exe().unwrap();
    let mut command = project.other(program.to_str().unwrap());
    command
        .args([
            "--exact",
            "named::migrate_status_undo_and_a_lost_answer_on_a_named_server",
            "--nocapture",
        ])
        .envs(env.iter().copied());
    Running::start(command, "(the named specification)", &project.path("")).finish()
}

#[test]
fn without_a_name_it_is_skipped_with_a_word() {
    let ran = named(&[]);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(ran.stdout.contains("skipped: SEEDBED_TEST_URL"), "{ran}");
}

#[test]
fn it_runs_on_the_server_that_is_named_and_leaves_nothing() {
    let server = ours(seedbed_test_server::Options {
        auth: Auth::Token,
        ..seedbed_test_server::Options::default()
    });
    let token = server.token(Access::Full, None).unwrap();
    let (url, token) = (server.url(), token.as_str());
    for _ in 0..2 {
        let ran = named(&[(URL, &url), (TOKEN, token)]);
        assert_eq!(ran.code, Some(0), "{ran}");
        assert!(ran.stdout.contains("ran on http://127.0.0.1"), "{ran}");
        assert!(!ran.to_string().contains(token), "{ran}");
    }
}

#[test]
fn it_leaves_nothing_where_it_fails_half_way() {
    let server = ours(seedbed_test_server::Options::default());
    // The first look after the scripts that have made tables.
    let (mut made, mut failed) = (false, false);
    server.plan(move |request| {
        made |= request.steps > 10;
        let fails = made && request.steps <= 10 && !failed;
        failed |= fails;
        fails.then_some(seedbed_test_server::Fault::Status {
            status: 404,
            retry_after: None,
        })
    });
    let ran = named(&[(URL, &server.url())]);
    assert_eq!(ran.code, Some(101), "{ran}");
    let line = format!("inspect --format json --database {}", server.url());
    let left = Project::new().run(&line).json();
    assert_eq!(left["tables"].as_array().unwrap().len(), 0, "{left}");
}

#[test]
fn a_database_that_somebody_uses_is_refused() {
    let server = ours(seedbed_test_server::Options::default());
    let project = Project::new().migration("V1__mine", "CREATE TABLE mine (x);\n");
    let project = project.after(&format!("migrate --database {}", server.url()));
    let ran = named(&[(URL, &server.url())]);
    assert_ne!(ran.code, Some(0), "{ran}");
    let words = "has a table _migrations, so somebody uses it";
    assert!(
        ran.stderr.contains(words) || ran.stdout.contains(words),
        "{ran}"
    );
    let ran = project.run(&format!("status --exit-code --database {}", server.url()));
    assert_eq!(ran.code, Some(0), "{ran}");
}
