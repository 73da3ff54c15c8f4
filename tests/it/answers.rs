//! What is reported when a server answers less than it was asked for, or with a redirect: what the database holds, or
//! that it is not known. Always by the real program, against a server that does so on purpose.

use seedbed::db::{Db, Options, Query};
use seedbed::sql::Value;
use seedbed_test_server::{Access, Auth, Executes, Fault, Replication, Request, Server, Short};

use crate::process::Ran;
use crate::project::{Project, waiting};
use crate::server::ours;

/// The modes that talk to a server.
#[derive(Debug, Clone, Copy)]
enum Mode {
    Remote,
    Replica,
}

const SHORT: [Short; 9] = [
    Short::Empty,
    Short::Results { keep: 0 },
    Short::Results { keep: 1 },
    Short::Steps { keep: 0 },
    Short::Steps { keep: 1 },
    Short::Steps { keep: 4 },
    Short::Nulls,
    Short::Values,
    Short::Columns,
];

/// A server that asks for a token, a project that uses it, and another server to redirect to.
struct Servers {
    server: Server,
    other: Server,
    token: String,
    project: Project,
}

impl Servers {
    fn start(mode: Mode, replication: Replication) -> Servers {
        let server = ours(seedbed_test_server::Options {
            auth: Auth::Token,
            replication,
            ..seedbed_test_server::Options::default()
        });
        let token = server.token(Access::Full, None).unwrap();
        let project = Project::new()
            .env("TURSO_DATABASE_URL", &server.url())
            .env("TURSO_AUTH_TOKEN", &token);
        let project = match mode {
            Mode::Remote => project.env("USE_TURSO", "YES"),
            Mode::Replica => project.env("USE_EMBEDDED_REPLICA", "YES"),
        };
        Servers {
            server,
            other: ours(seedbed_test_server::Options::default()),
            token,
            project,
        }
    }

    fn with_a_migration(mode: Mode) -> Servers {
        let servers = Servers::start(mode, Replication::V1);
        servers.project.write(
            "migrations/V1__a.sql",
            "CREATE TABLE a (x);\nINSERT INTO a VALUES (1);\n",
        );
        servers
    }

    /// From now on these requests go wrong.
    fn wrong(&self, fault: Fault, which: impl Fn(&Request) -> bool + Send + 'static) {
        self.server
            .plan(move |request| which(request).then(|| fault.clone()));
    }

    /// The next writing request goes wrong.
    fn wrong_once(&self, fault: Fault) {
        let mut fault = Some(fault);
        self.server
            .plan(move |request| request.writes.then(|| fault.take()).flatten());
    }

    fn redirect(&self, status: u16, path: &str, executes: Executes) -> Fault {
        Fault::Redirect {
            status,
            location: format!("{}{path}", self.other.url()),
            executes,
        }
    }

    /// The rows of `a` and the recorded migrations: what is really in the database. Nothing goes wrong any more.
    fn state(&self) -> (i64, i64) {
        self.server.no_faults();
        let options = Options::default();
        let db = Db::remote(&self.server.url(), Some(&self.token), options).unwrap();
        let count = |sql: &str| {
            let answers = waiting().block_on(db.query(vec![Query::new(sql)])).unwrap();
            match answers[0].as_ref().map(|rows| rows.concat()).as_deref() {
                Ok([Value::Integer(number)]) => *number,
                _ => 0,
            }
        };
        let recorded = "SELECT count(*) FROM _migrations WHERE kind = 'migration'";
        (count("SELECT count(*) FROM a"), count(recorded))
    }

    fn writes(&self) -> usize {
        let requests = self.server.requests();
        requests.iter().filter(|request| request.writes).count()
    }

    /// Nothing reached the other server, and no one else got the token.
    fn check_secrets(&self, ran: &Ran) {
        assert_eq!(self.other.requests(), [], "{ran}");
        for text in [&ran.stdout, &ran.stderr] {
            assert!(!text.contains(&self.token), "{ran}");
        }
    }
}

fn ends(ran: &Ran, code: i32, words: &str) {
    assert_eq!(ran.code, Some(code), "{ran}");
    assert!(
        ran.stdout.contains(words) || ran.stderr.contains(words),
        "{words} is not in\n{ran}"
    );
}

fn every_case(mut check: impl FnMut(Short, Executes)) {
    for short in SHORT {
        for executes in [Executes::Everything, Executes::Nothing] {
            check(short, executes);
        }
    }
}

fn short_answers_to_a_script(mode: Mode) {
    every_case(|short, executes| {
        let servers = Servers::with_a_migration(mode);
        servers.wrong_once(Fault::Short { short, executes });
        let ran = servers.project.run("migrate");
        ends(&ran, 0, "applied V1 a");
        assert_eq!(servers.state(), (1, 1), "{short:?} {executes:?} {ran}");
        ends(&servers.project.run("status --exit-code"), 0, "1 applied");
    });
}

#[test]
fn a_remote_that_answers_a_script_with_too_little_is_asked_again() {
    short_answers_to_a_script(Mode::Remote);
}

#[test]
fn a_primary_that_answers_a_script_with_too_little_is_asked_again() {
    short_answers_to_a_script(Mode::Replica);
}

/// Answers to every writing request lack something, for as long as it is tried.
fn short_answers_only(mode: Mode) {
    for (executes, code, state) in [
        (Executes::Everything, 0, (1, 1)),
        (Executes::Nothing, 8, (0, 0)),
    ] {
        let servers = Servers::with_a_migration(mode);
        let short = Short::Nulls;
        servers.wrong(Fault::Short { short, executes }, |it| it.writes);
        let ran = servers.project.run("migrate --lock-timeout 1");
        assert_eq!(ran.code, Some(code), "{ran}");
        assert_eq!(ran.to_string().contains("applied V1 a"), code == 0, "{ran}");
        assert_eq!(servers.state(), state, "{ran}");
    }
}

#[test]
fn what_a_remote_never_answers_is_settled_by_reading_or_unknown() {
    short_answers_only(Mode::Remote);
}

#[test]
fn what_a_primary_never_answers_is_settled_by_reading_or_unknown() {
    short_answers_only(Mode::Replica);
}

fn short_answers_to_reads(mode: Mode) {
    let servers = Servers::with_a_migration(mode);
    ends(&servers.project.run("migrate"), 0, "applied V1 a");
    for short in SHORT {
        let executes = Executes::Everything;
        servers.wrong(Fault::Short { short, executes }, |it| {
            it.path.starts_with("/v3/")
        });
        for line in ["status --exit-code", "inspect"] {
            let ran = servers.project.run(line);
            // A replica tells what it holds itself, and as of when.
            if ran.stderr.contains("this is the replica as of") {
                ends(&ran, 0, "1 applied");
                continue;
            }
            ends(&ran, 1, "is incomplete: ");
            assert!(ran.stdout.is_empty(), "{short:?} {ran}");
        }
    }
    // A stream is a cursor of its own.
    for short in SHORT {
        let executes = Executes::Everything;
        servers.wrong(Fault::Short { short, executes }, |it| {
            it.path == "/v3/cursor"
        });
        ends(&servers.project.run("export out.sql"), 1, "is incomplete: ");
        assert!(!servers.project.path("out.sql").exists(), "{short:?}");
    }
    // The other commands that look at a database.
    let nulls = Fault::Short {
        short: Short::Nulls,
        executes: Executes::Everything,
    };
    servers.wrong(nulls, |it| it.path.starts_with("/v3/"));
    for line in [
        "migrate",
        "migrate --dry-run",
        "undo",
        "repair",
        "baseline 1",
        "export out.sql",
        "backup",
        "doctor",
        "explain SELECT(1)",
        "seed export a",
    ] {
        ends(&servers.project.run(line), 1, "is incomplete: ");
    }
    assert_eq!(servers.state(), (1, 1));
    assert!(!servers.project.path("out.sql").exists());
}

#[test]
fn a_remote_that_answers_a_question_with_too_little_is_no_empty_database() {
    short_answers_to_reads(Mode::Remote);
}

#[test]
fn a_primary_that_answers_a_question_with_too_little_is_no_empty_database() {
    short_answers_to_reads(Mode::Replica);
}

#[test]
fn an_answer_with_narrower_rows_than_the_question_is_refused() {
    let servers = Servers::with_a_migration(Mode::Remote);
    ends(&servers.project.run("migrate"), 0, "applied V1 a");
    let narrow = Fault::Short {
        short: Short::Narrow,
        executes: Executes::Everything,
    };
    servers.wrong(narrow, |it| it.path == "/v3/pipeline");
    for line in [
        "status --exit-code",
        "inspect",
        "migrate",
        "explain SELECT(1)",
        "export out.sql",
        "seed export a",
    ] {
        let ran = servers.project.run(line);
        ends(&ran, 1, "is incomplete: ");
        assert!(ran.stdout.is_empty(), "{ran}");
    }
    assert_eq!(servers.state(), (1, 1));
}

#[test]
fn a_stream_with_fewer_columns_than_the_query_is_refused() {
    let servers = Servers::with_a_migration(Mode::Remote);
    ends(&servers.project.run("migrate"), 0, "applied V1 a");
    ends(&servers.project.run("export a.sql"), 0, "");
    let narrow = Fault::Short {
        short: Short::Narrow,
        executes: Executes::Everything,
    };
    servers.wrong(narrow, |it| it.path == "/v3/cursor");
    let ran = servers.project.run("export b.sql");
    ends(&ran, 1, "has 3 columns where 4 were asked for");
    let ran = servers.project.run("verify a.sql");
    ends(&ran, 1, "has 7 columns where 8 were asked for");
    assert!(!servers.project.path("b.sql").exists());
}

#[test]
fn a_script_of_many_statements_needs_all_of_a_cursors_answer() {
    for (mode, short, executes) in [
        (
            Mode::Remote,
            Short::Steps { keep: 40_000 },
            Executes::Everything,
        ),
        (Mode::Remote, Short::Empty, Executes::Everything),
        (Mode::Remote, Short::Nulls, Executes::Nothing),
        (
            Mode::Replica,
            Short::Steps { keep: 40_001 },
            Executes::Everything,
        ),
    ] {
        let servers = Servers::start(mode, Replication::V1);
        let rows = "INSERT INTO a VALUES (1);\n".repeat(20_500);
        let sql = format!("CREATE TABLE a (x);\n{rows}");
        servers.project.write("migrations/V1__a.sql", sql);
        servers.wrong_once(Fault::Short { short, executes });
        let ran = servers.project.run("migrate");
        ends(&ran, 0, "applied V1 a");
        let path = |it: &Request| it.writes && it.path == "/v3/cursor";
        assert_eq!(
            servers
                .server
                .requests()
                .iter()
                .filter(|it| path(it))
                .count(),
            match executes {
                Executes::Everything => 1,
                Executes::Nothing => 2,
            }
        );
        assert_eq!(servers.state(), (20_500, 1), "{short:?} {executes:?} {ran}");
    }
}

#[test]
fn a_script_without_a_transaction_is_never_sent_again() {
    for executes in [Executes::Everything, Executes::Nothing] {
        let servers = Servers::start(Mode::Remote, Replication::V1);
        servers.project.write(
            "migrations/V1__a.sql",
            "-- seedbed: no-transaction\nCREATE TABLE a (x);\nINSERT INTO a VALUES (1);\n",
        );
        // The first request records that it has started.
        let mut write = 0;
        let short = Short::Steps { keep: 3 };
        servers.server.plan(move |request| {
            write += usize::from(request.writes);
            (request.writes && write == 2).then_some(Fault::Short { short, executes })
        });
        let ran = servers.project.run("migrate");
        assert_eq!(ran.code, Some(8), "{ran}");
        assert_eq!(servers.writes(), 2, "{ran}");
        let rows = i64::from(executes == Executes::Everything);
        assert_eq!(servers.state(), (rows, 1), "{ran}");
    }
}

fn redirected_reads(mode: Mode) {
    let servers = Servers::with_a_migration(mode);
    ends(&servers.project.run("migrate"), 0, "applied V1 a");
    servers.server.clear_requests();
    let help = format!("set TURSO_DATABASE_URL to {}", servers.other.url());
    for status in [301, 302, 303, 307, 308] {
        let location = format!("/v3/pipeline?authToken={}", servers.token);
        let fault = servers.redirect(status, &location, Executes::Nothing);
        servers.wrong(fault, |_| true);
        for line in ["status --exit-code", "inspect", "migrate", "undo"] {
            let ran = servers.project.run(line);
            ends(&ran, 1, &format!("redirects to {}", servers.other.url()));
            assert!(ran.stderr.contains(&help), "{ran}");
            servers.check_secrets(&ran);
        }
    }
    for line in ["export out.sql", "seed export a", "backup", "doctor"] {
        let ran = servers.project.run(line);
        ends(&ran, 1, "redirects to ");
        servers.check_secrets(&ran);
    }
    assert_eq!(servers.writes(), 0);
    assert_eq!(servers.state(), (1, 1));
}

#[test]
fn a_redirect_of_a_question_to_a_remote_is_told_and_not_followed() {
    redirected_reads(Mode::Remote);
}

#[test]
fn a_redirect_of_a_question_to_a_primary_is_told_and_not_followed() {
    redirected_reads(Mode::Replica);
}

fn redirected_writes(mode: Mode) {
    for status in [301, 302, 307, 308] {
        for (executes, code, state) in [
            (Executes::Everything, 0, (1, 1)),
            (Executes::Nothing, 8, (0, 0)),
        ] {
            let servers = Servers::with_a_migration(mode);
            let fault = servers.redirect(status, "/v3/pipeline", executes);
            servers.wrong(fault, |it| it.writes);
            let ran = servers.project.run("migrate");
            assert_eq!(ran.code, Some(code), "{ran}");
            servers.check_secrets(&ran);
            assert_eq!(servers.writes(), 1, "{ran}");
            assert_eq!(servers.state(), state, "{ran}");
            ends(&servers.project.run("migrate"), 0, "");
            assert_eq!(servers.state(), (1, 1), "{ran}");
        }
    }
}

#[test]
fn a_redirected_script_is_sent_to_a_remote_once_and_settled_by_reading() {
    redirected_writes(Mode::Remote);
}

#[test]
fn a_redirected_script_is_sent_to_a_primary_once_and_settled_by_reading() {
    redirected_writes(Mode::Replica);
}

#[test]
fn a_redirected_chunk_of_an_import_is_sent_once_and_settled_by_reading() {
    let rows = "INSERT INTO a VALUES (1);\n".repeat(1000);
    let dump = format!("BEGIN TRANSACTION;\nCREATE TABLE a (x);\n{rows}COMMIT;\n");
    for (executes, code) in [(Executes::Everything, 0), (Executes::Nothing, 8)] {
        let servers = Servers::start(Mode::Remote, Replication::V1);
        servers.project.write("a.sql", &dump);
        servers.wrong_once(servers.redirect(307, "/v3/pipeline", executes));
        let ran = servers.project.run("import a.sql --yes");
        assert_eq!(ran.code, Some(code), "{ran}");
        servers.check_secrets(&ran);
        let rows = if executes == Executes::Everything {
            1000
        } else {
            0
        };
        assert_eq!(servers.state().0, rows, "{ran}");
    }
}

#[test]
fn a_redirected_sync_goes_nowhere() {
    for (replication, paths) in [
        (Replication::V1, vec!["/wal_log.ReplicationLog/"]),
        (Replication::V2, vec!["/info", "/export", "/sync/"]),
    ] {
        for path in paths {
            for synced_before in [false, true] {
                let servers = Servers::start(Mode::Replica, replication);
                servers
                    .project
                    .write("migrations/V1__a.sql", "CREATE TABLE a (x);\n");
                if synced_before {
                    ends(&servers.project.run("sync"), 0, "");
                }
                let fault = servers.redirect(307, "/there", Executes::Nothing);
                servers.wrong(fault, move |it| it.path.starts_with(path));
                let ran = servers.project.run("migrate");
                assert!(ran.stdout.contains("applied V1 a"), "{ran}");
                // Once it has the file it asks for no other part of it than the newest.
                if ran.code != Some(0) {
                    ends(&ran, 1, &format!("redirects to {}", servers.other.url()));
                    ends(
                        &ran,
                        1,
                        "applied on the primary; the replica was not synced",
                    );
                }
                servers.check_secrets(&ran);
                assert_eq!(servers.state(), (0, 1), "{ran}");
            }
        }
    }
}

/// One statement that takes a second or two.
const SLOW: &str = "CREATE TABLE a (x);\n\
    INSERT INTO a WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 1500000) SELECT 1 FROM n WHERE x = 1500000;\n";

#[test]
fn a_status_and_the_words_agree_with_the_database_whether_the_server_ran_it_or_not() {
    let statuses = [
        202, 204, 206, 304, 400, 401, 402, 403, 404, 406, 408, 409, 413, 418, 422, 425, 429, 451,
        499, 500, 502, 503, 504, 524,
    ];
    for status in statuses {
        for executes in [Executes::Everything, Executes::Nothing] {
            let servers = Servers::with_a_migration(Mode::Remote);
            servers.wrong_once(Fault::StatusAfter { status, executes });
            let ran = servers.project.run("migrate");
            let state = servers.state();
            let said = format!("{status} {executes:?} {state:?} {ran}");
            match ran.code {
                Some(0) => {
                    assert!(ran.stdout.contains("applied V1 a"), "{said}");
                    assert_eq!(state, (1, 1), "{said}");
                }
                Some(1) => {
                    assert!(ran.stderr.contains("nothing was changed"), "{said}");
                    assert_eq!(state, (0, 0), "{said}");
                }
                Some(8) => assert!(ran.stderr.contains("outcome-unknown"), "{said}"),
                _ => panic!("{said}"),
            }
            // What may have run and did is found.
            if executes == Executes::Everything {
                assert_eq!(ran.code, Some(0), "{said}");
            }
            ends(&servers.project.run("migrate"), 0, "");
            assert_eq!(servers.state(), (1, 1), "{said}");
        }
    }
}

#[test]
fn an_answer_without_end_is_read_to_a_bound() {
    let head = r#"{"baton":null,"base_url":null}"#;
    for (status, lines) in [(200, false), (200, true), (500, false), (404, true)] {
        let servers = Servers::with_a_migration(Mode::Remote);
        ends(&servers.project.run("migrate"), 0, "applied V1 a");
        for line in ["status", "export out.sql"] {
            let head = match line {
                "status" => "",
                _ => &format!("{head}\n"),
            };
            let fault = Fault::Endless {
                status,
                head: head.to_owned(),
                lines: lines && line == "status",
                executes: Executes::Nothing,
            };
            servers.wrong(fault, |it| it.path.starts_with("/v3/"));
            let ran = servers.project.run(line);
            assert_eq!(ran.code, Some(1), "{ran}");
            if status == 200 {
                assert!(ran.stderr.contains("is larger than 64 MB"), "{ran}");
            }
        }
    }
}

#[test]
fn a_script_whose_answer_has_no_end_is_settled_by_reading() {
    for (executes, code, state) in [
        (Executes::Everything, 0, (1, 1)),
        (Executes::Nothing, 8, (0, 0)),
    ] {
        let servers = Servers::with_a_migration(Mode::Remote);
        servers.wrong_once(Fault::Endless {
            status: 200,
            head: "{".to_owned(),
            lines: true,
            executes,
        });
        let ran = servers.project.run("migrate");
        assert_eq!(ran.code, Some(code), "{ran}");
        assert_eq!(servers.writes(), 1, "{ran}");
        assert_eq!(servers.state(), state, "{ran}");
    }
}

#[test]
fn a_statement_that_outlasts_a_gateway_is_sent_once() {
    for mode in [Mode::Remote, Mode::Replica] {
        let servers = Servers::start(mode, Replication::V1);
        servers.project.write("migrations/V1__a.sql", SLOW);
        servers.wrong(Fault::Patience { ms: 300 }, |it| it.writes);
        let ran = servers.project.run("migrate");
        ends(&ran, 0, "applied V1 a");
        assert_eq!(servers.writes(), 1, "{ran}");
        assert_eq!(servers.state(), (1, 1), "{ran}");
    }
}

#[test]
fn an_answer_that_is_too_large_for_the_server_is_no_refusal() {
    let server = ours(seedbed_test_server::Options {
        max_response_bytes: 3000,
        ..seedbed_test_server::Options::default()
    });
    let project = Project::new()
        .migration("V1__a", "CREATE TABLE a (x);\n")
        .migration(
            "V2__b",
            "CREATE TABLE b (x);\n".to_owned() + &"SELECT 1;\n".repeat(500),
        );
    let line = |words: &str| format!("{words} --database {}", server.url());
    let ran = project.run(&line("migrate --tx each"));
    assert_eq!(ran.code, Some(1), "{ran}");
    let shown = project.run(&line("status"));
    assert!(
        shown.stdout.contains("1 applied, 1 pending"),
        "{ran}{shown}"
    );
    assert!(
        ran.stderr
            .contains("V1 was applied before by this run, and stands"),
        "{ran}"
    );
}

#[test]
fn a_server_whose_reads_lag_behind_its_writes_is_waited_for_until_the_lock_timeout() {
    let servers = Servers::with_a_migration(Mode::Remote);
    ends(&servers.project.run("migrate"), 0, "applied V1 a");
    let second = "CREATE TABLE b (x);\n";
    servers.project.write("migrations/V2__b.sql", second);
    servers.wrong(Fault::Remember, |it| !it.writes);
    ends(&servers.project.run("migrate"), 0, "applied V2 b");
    servers.server.clear_requests();
    // From now on reading shows the history as it was before.
    servers.wrong(Fault::Replay, |it| !it.writes);
    let ran = servers.project.run("migrate --lock-timeout 2");
    ends(&ran, 6, "reading it showed no move");
    let requests = servers.server.requests().len();
    assert!((3..30).contains(&requests), "{requests} requests: {ran}");
    // It catches up while it is waited for.
    let mut reads = 0;
    servers.server.plan(move |request| {
        reads += usize::from(!request.writes);
        (!request.writes && reads < 4).then_some(Fault::Replay)
    });
    ends(&servers.project.run("migrate"), 0, "nothing to do");
}

/// Runs a migration, and returns once the server is at it. Its answer never comes.
#[cfg(unix)]
fn under_way(servers: &Servers) -> crate::process::Running {
    servers.wrong(Fault::Delay { ms: 600_000 }, |it| it.writes);
    let running = servers.project.spawn("migrate");
    while servers.writes() == 0 {
        std::thread::yield_now();
    }
    running
}

#[cfg(unix)]
#[test]
fn the_first_interrupt_tells_what_is_awaited_and_the_second_gives_up() {
    for mode in [Mode::Remote, Mode::Replica] {
        let servers = Servers::with_a_migration(mode);
        let mut running = under_way(&servers);
        running.signal("INT");
        running.wait_for("interrupted: a change was sent to http://127.0.0.1:");
        running.signal("INT");
        let ran = running.finish();
        ends(&ran, 8, "the outcome stays unknown");
        ends(
            &ran,
            8,
            "V1 may be in the database, or not: all of it or none of it",
        );
        ends(
            &ran,
            8,
            "`seedbed status` shows what is applied, and `seedbed migrate` continues",
        );
    }
}

#[cfg(unix)]
#[test]
fn after_one_interrupt_the_outcome_of_a_script_is_awaited() {
    for signal in ["INT", "TERM"] {
        let servers = Servers::start(Mode::Remote, Replication::V1);
        servers.project.write("migrations/V1__a.sql", SLOW);
        // It has to be settled by reading, too.
        servers.wrong(Fault::Patience { ms: 200 }, |it| it.writes);
        let mut running = servers.project.spawn("migrate");
        while servers.writes() == 0 {
            std::thread::yield_now();
        }
        running.signal(signal);
        running.wait_for("interrupted: a change was sent to http://127.0.0.1:");
        // A second one of these gives nothing up.
        running.signal("TERM");
        let ran = running.finish();
        ends(&ran, 0, "applied V1 a");
        assert_eq!(servers.state(), (1, 1), "{ran}");
    }
}
