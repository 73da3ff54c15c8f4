use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use expect_test::expect_file;

use super::{STYLE, case, origin, row};
use crate::config::{DotEnv, Sources, resolve};
use crate::db::{
    At, Code, Db, DbError, Engine, EngineError, Failure, Left, MadeAgain, Options, Stop,
};
use crate::diagnostic::Diagnostic;
use crate::history::{Failed, History, HistoryError, Part, Row, State};
use crate::migrations::{
    self, ApplyError, Back, Done, Grouping, Migrations, OnEvent, Outcome, PlanOptions, ReadError,
    ScriptError, UndoOptions, Verb,
};
use crate::report::Report;
use crate::script::{Entry, Key, Record, Run, Step, Unit};
use crate::sql::Value;

const V1: (&str, &str) = (
    "V1__users.sql",
    "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT UNIQUE);\n",
);
const V2: (&str, &str) = (
    "V2__orders.sql",
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, user INTEGER REFERENCES users);\n\
     INSERT INTO users VALUES (1, 'ann@example.com'), (2, 'bob@example.com');\n\
     INSERT INTO orders VALUES (10, 1), (11, 2);\n",
);

fn set(files: &[(&str, &str)]) -> Migrations {
    Migrations::from_files(
        files
            .iter()
            .map(|(name, text)| (format!("migrations/{name}"), text.as_bytes().to_vec())),
    )
}

async fn apply(db: &Db, files: &[(&str, &str)], grouping: Grouping) -> Result<Outcome, ApplyError> {
    let options = PlanOptions {
        grouping,
        ..PlanOptions::default()
    };
    let run = Run::new("test");
    migrations::apply(db, &set(files), &options, &run, &migrations::ignore()).await
}

/// The report where V1 and V2 are applied, and `third` fails after them.
async fn third_fails(third: (&str, &str)) -> Report {
    let db = Db::memory(Options::default()).await.unwrap();
    apply(&db, &[V1, V2], Grouping::All).await.unwrap();
    fails(&db, &[V1, V2, third], Grouping::All).await
}

async fn fails(db: &Db, files: &[(&str, &str)], grouping: Grouping) -> Report {
    let error = apply(db, files, grouping).await.unwrap_err();
    Report::failure(&error)
}

/// A failure that is too much work to bring about: `part` of V3 fails with this code.
fn made_up(code: Code, message: &str, part: Part, committed: usize, left: Left) -> ScriptError {
    let unit = unit();
    let at = match part {
        Part::Begin => At::Begin,
        Part::Commit => At::Commit,
        _ => At::Step(3),
    };
    ScriptError {
        failed: Failed {
            unit: Some(0),
            part,
            failure: Failure::Step {
                committed,
                at,
                error: EngineError::new(code, message),
                explanation: Vec::new(),
                left,
            },
        },
        suspects: vec![unit.clone()],
        unit: Some(unit),
        offset: None,
        rolled_back: Vec::new(),
        redone: Vec::new(),
        left_broken: Vec::new(),
        set_back: false,
        recorded: Vec::new(),
        other_rows: Vec::new(),
        made_again: MadeAgain::Unknown,
        done: Vec::new(),
        version: Some(2),
        engine: Engine::default(),
    }
}

const TEXT: &str = "INSERT INTO users\nSELECT * FROM more;\n";

fn unit() -> Unit {
    Unit {
        record: Record::Insert(Entry {
            key: Key::Migration(3),
            name: "more".to_owned(),
            checksum: "9f86d081".to_owned(),
            effective: None,
            source: TEXT.into(),
            down: None,
            detail: serde_json::Map::new(),
        }),
        steps: vec![step()].into(),
    }
}

fn step() -> Step {
    let origin = origin("V3__more.sql", TEXT, TEXT.trim_end_matches(";\n"));
    Step::own(TEXT.trim_end(), vec![]).at(origin)
}

fn done(version: i64) -> Done {
    Done {
        key: Key::Migration(version),
        from: None,
        verb: Verb::Applied,
        name: "users".to_owned(),
        checksum: "9f86d081".to_owned(),
        statements: 1,
        duration_ms: Some(3),
        applied_at: None,
        file: None,
    }
}

fn of_script(error: ScriptError) -> Report {
    Report::failure(&ApplyError::Script(Box::new(error)))
}

/// The title of each case, and its report.
struct Cases(String);

impl Cases {
    fn add(&mut self, title: &str, report: &Report) {
        let code = report.diagnostics.first().map_or("", |it| it.code);
        let text = report.text(STYLE);
        self.0
            .push_str(&case(&format!("{code}: {title}"), text.trim_end()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_failure_says_what_happened_and_what_the_database_is_like_now() {
    let mut cases = Cases(String::new());
    statements(&mut cases).await;
    foreign_keys(&mut cases).await;
    outside_of_a_transaction(&mut cases).await;
    undoing(&mut cases).await;
    engine(&mut cases);
    waiting(&mut cases);
    databases(&mut cases).await;
    files_and_settings(&mut cases);
    expect_file!["failures.txt"].assert_eq(&cases.0);
}

async fn statements(cases: &mut Cases) {
    let third = (
        "V3__more.sql",
        "-- More of it.\nCREATE TABLE more (id);\n\nINSERT INTO moar\n  VALUES (1);\nDROP TABLE more;\n",
    );
    cases.add("a missing table", &third_fails(third).await);

    let third = (
        "V3__more.sql",
        "CREATE TABLE more (\n  id INTEGER,\n  PRIMARY id\n);\n",
    );
    cases.add("a syntax error on a later line", &third_fails(third).await);

    let third = ("V3__more.sql", "CREATE TABLE more (id\n");
    cases.add("a statement that ends too early", &third_fails(third).await);

    let third = (
        "V3__more.sql",
        "INSERT INTO users (email) VALUES ('ann@example.com');\n",
    );
    cases.add("a constraint", &third_fails(third).await);

    let third = ("V3__more.sql", "\tINSERT INTO 日本 VALUES ('ü');\n");
    cases.add("tabs and wide characters", &third_fails(third).await);

    let long = format!("INSERT INTO moar VALUES ({}1);\n", "1, ".repeat(3_000));
    cases.add("a long line", &third_fails(("V3__more.sql", &long)).await);

    let longer = format!("INSERT INTO moar VALUES ({}1);\n", "1, ".repeat(30_000));
    cases.add(
        "a very long line",
        &third_fails(("V3__more.sql", &longer)).await,
    );

    let bad = ("V3__more.sql", "INSERT INTO moar VALUES (1);\n");
    let db = Db::memory(Options::default()).await.unwrap();
    let report = fails(&db, &[V1, V2, bad], Grouping::All).await;
    cases.add("two others in its transaction", &report);
    let db = Db::memory(Options::default()).await.unwrap();
    let report = fails(&db, &[V1, V2, bad], Grouping::Each).await;
    cases.add(
        "two others before it, in transactions of their own",
        &report,
    );
}

async fn foreign_keys(cases: &mut Cases) {
    let third = ("V3__more.sql", "DELETE FROM users;\n");
    cases.add("foreign keys on, children left", &third_fails(third).await);

    let third = (
        "V3__more.sql",
        "DROP TABLE users;\nCREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);\n",
    );
    cases.add("foreign keys off, children left", &third_fails(third).await);

    let many: String = (0..30)
        .map(|n| format!("INSERT INTO orders VALUES ({}, 9);\n", 100 + n))
        .collect();
    let third = format!("-- seedbed: foreign-keys=off\n{many}");
    cases.add(
        "foreign keys off, many children left",
        &third_fails(("V3__more.sql", &third)).await,
    );

    let third = (
        "V3__more.sql",
        "CREATE TABLE more (user TEXT REFERENCES users (nick));\nDROP TABLE orders;\n",
    );
    cases.add(
        "a foreign key that refers to no key",
        &third_fails(third).await,
    );

    let third = (
        "V3__more.sql",
        "CREATE TABLE more (user INTEGER REFERENCES users DEFERRABLE INITIALLY DEFERRED);\n\
         INSERT INTO more VALUES (9);\n",
    );
    cases.add("a deferred foreign key", &third_fails(third).await);
}

async fn outside_of_a_transaction(cases: &mut Cases) {
    let bare = |statements: &str| format!("-- seedbed: no-transaction\n{statements}\n");
    let third = bare("CREATE TABLE more (id);\nVACUUM;\nINSERT INTO moar VALUES (1);\nVACUUM;");
    cases.add(
        "the third of four",
        &third_fails(("V3__more.sql", &third)).await,
    );
    let third = bare("INSERT INTO moar VALUES (1);\nVACUUM;");
    cases.add(
        "the first of two",
        &third_fails(("V3__more.sql", &third)).await,
    );
    let error = made_up(
        Code::Full,
        "database or disk is full",
        Part::Record,
        2,
        Left::Nothing,
    );
    cases.add(
        "all of it ran, and could not be recorded",
        &of_script(error),
    );
}

async fn undoing(cases: &mut Cases) {
    let options = UndoOptions::default()
        .back(Back::Steps(2))
        .grouping(Grouping::Each);
    let (run, ignore) = (Run::new("test"), migrations::ignore());
    for (title, directive) in [
        ("a down file", ""),
        (
            "a down file outside of a transaction",
            "-- seedbed: no-transaction\n",
        ),
    ] {
        let down = format!("{directive}DELETE FROM orders;\nDROP TABLE order;\n");
        let files = [
            V1,
            V2,
            ("V2__orders.down.sql", down.as_str()),
            ("V3__more.sql", "CREATE TABLE more (id);\n"),
            ("V3__more.down.sql", "DROP TABLE more;\n"),
        ];
        let db = Db::memory(Options::default()).await.unwrap();
        apply(&db, &files, Grouping::All).await.unwrap();
        let error = migrations::undo(&db, &options, &run, &ignore)
            .await
            .unwrap_err();
        cases.add(title, &Report::failure(&error));
    }
}

fn engine(cases: &mut Cases) {
    let ran = |code, message: &str| {
        of_script(made_up(code, message, Part::Step(step()), 0, Left::Nothing))
    };
    cases.add(
        "in a statement",
        &ran(Code::Full, "database or disk is full"),
    );
    cases.add("in a statement", &ran(Code::Interrupted, "interrupted"));
    cases.add("in a statement", &ran(Code::Io, "disk I/O error"));
    cases.add(
        "in a statement",
        &ran(Code::Corrupt, "database disk image is malformed"),
    );
    cases.add(
        "in a statement",
        &ran(Code::TooBig, "string or blob too big"),
    );
    let cannot = |code, message: &str, part| {
        of_script(ScriptError {
            unit: None,
            ..made_up(code, message, part, 0, Left::Nothing)
        })
    };
    let words = "attempt to write a readonly database";
    cases.add("at the start", &cannot(Code::ReadOnly, words, Part::Record));
    cases.add(
        "at the start",
        &cannot(Code::Interrupted, "interrupted", Part::Begin),
    );
    let between = ScriptError {
        done: vec![done(1), done(2)],
        unit: None,
        ..made_up(
            Code::Interrupted,
            "interrupted",
            Part::Begin,
            0,
            Left::Nothing,
        )
    };
    cases.add("between two scripts", &of_script(between));
    let commit =
        |code, message: &str| of_script(made_up(code, message, Part::Commit, 0, Left::Nothing));
    cases.add("at the end", &commit(Code::Io, "disk I/O error"));
    let on_turso = |code, words: &str, sql: &str| {
        let step = Step::own(sql, Vec::new());
        let failed = made_up(code, words, Part::Step(step), 0, Left::Nothing);
        of_script(ScriptError {
            engine: Engine::Turso,
            ..failed
        })
    };
    cases.add(
        "a row before its parent, on the Turso engine",
        &on_turso(
            Code::Constraint,
            "FOREIGN KEY constraint failed",
            "INSERT INTO n VALUES (2, 1), (1, NULL)",
        ),
    );
    cases.add(
        "a column with a foreign key, on the Turso engine",
        &on_turso(
            Code::Other(1),
            "Parse error: error in table c after drop column: unknown column \"p\" in foreign key definition",
            "ALTER TABLE c DROP COLUMN p",
        ),
    );
    let ending = Unit {
        record: Record::Delete(Key::Seed("a".to_owned())),
        steps: vec![step()].into(),
    };
    cases.add(
        "a seed that is to be forgotten",
        &of_script(ScriptError {
            suspects: vec![ending.clone()],
            unit: Some(ending),
            ..made_up(
                Code::Constraint,
                "FOREIGN KEY constraint failed",
                Part::Step(step()),
                0,
                Left::Nothing,
            )
        }),
    );
    let half = made_up(
        Code::Interrupted,
        "interrupted",
        Part::Step(step()),
        1,
        Left::EarlierSteps,
    );
    cases.add("outside of a transaction", &of_script(half));
    for (found, title) in [
        (
            "REFERENCES",
            "a default that refers to a parent, outside of a transaction",
        ),
        (
            "CHECK",
            "rows that break a new constraint, outside of a transaction",
        ),
    ] {
        cases.add(title, &of_script(guarded(found)));
    }
}

/// A guard of the second of three statements refuses the column that it adds.
fn guarded(found: &str) -> ScriptError {
    let text = "CREATE TABLE m (a);\nALTER TABLE c ADD COLUMN z DEFAULT 9 REFERENCES p CHECK (y);\nDROP TABLE m;\n";
    let steps = text.trim_end().split('\n').map(|line| {
        let origin = origin("V3__more.sql", text, line.trim_end_matches(';'));
        Step::own(line, vec![]).at(origin)
    });
    let unit = Unit {
        steps: Arc::new(steps.collect()),
        ..unit()
    };
    let row = vec![found.into(), 1.into(), "c".into(), "z".into(), 1.into()];
    let failure = Failure::Step {
        committed: 1,
        at: At::Step(3),
        error: EngineError::new(Code::Constraint, "UNIQUE constraint failed"),
        explanation: vec![row],
        left: Left::EarlierSteps,
    };
    ScriptError {
        failed: Failed {
            unit: Some(0),
            part: Part::OldRows,
            failure,
        },
        suspects: vec![unit.clone()],
        unit: Some(unit),
        engine: Engine::Turso,
        ..made_up(Code::Constraint, "", Part::OldRows, 1, Left::EarlierSteps)
    }
}

fn waiting(cases: &mut Cases) {
    let waited = |done: Vec<Done>, started| {
        let error = ApplyError::Waited {
            what: "another connection held the lock of this database".to_owned(),
            waited: Duration::from_secs(10),
            done,
            started,
        };
        Report::failure(&error)
    };
    cases.add("a lock", &waited(vec![], None));
    cases.add(
        "a lock, after a part of the run",
        &waited(vec![done(1)], None),
    );
    let files = [("V4__vacuum.sql", "-- seedbed: no-transaction\nVACUUM;\n")];
    let history = History {
        rows: vec![Row {
            state: State::Started,
            ..row(Key::Migration(4), "vacuum", files[0].1)
        }],
        ..History::default()
    };
    let plan = migrations::plan(&set(&files), &history, &PlanOptions::default());
    let started = plan.problems[0].clone();
    let error = ApplyError::Waited {
        what: started.message.clone(),
        waited: Duration::from_secs(10),
        done: Vec::new(),
        started: Some(Box::new(started)),
    };
    cases.add("a migration that was started", &Report::failure(&error));
    let error = ApplyError::Problems {
        problems: migrations::plan(
            &set(&[("V3__more.sql", "")]),
            &History::default(),
            &PlanOptions::default(),
        )
        .problems,
        done: vec![done(1), done(2)],
    };
    cases.add("problems after a part of the run", &Report::failure(&error));
}

async fn databases(cases: &mut Cases) {
    let folder = tempfile::tempdir().unwrap();
    let shown = |report: Report| hide(report, folder.path());
    let look = |path: PathBuf| async move {
        let db = Db::local(path, Options::default()).unwrap();
        crate::history::read(&db).await
    };

    let text = folder.path().join("notes.txt");
    std::fs::write(
        &text,
        "no database at all, but a text that is long enough\n".repeat(100),
    )
    .unwrap();
    let error = look(text).await.unwrap_err();
    cases.add("a text", &shown(Report::history(&error)));

    let missing = folder.path().join("missing").join("app.db");
    let db = Db::local(&missing, Options::default()).unwrap();
    let report = fails(&db, &[V1], Grouping::All).await;
    cases.add("a folder that is missing", &shown(report));

    let db = Db::memory(Options::default()).await.unwrap();
    let other = ("V1__x.sql", "CREATE TABLE x (id);\n");
    apply(&db, &[other], Grouping::All).await.unwrap();
    db.run(
        vec![crate::db::Transaction {
            foreign_keys: crate::script::ForeignKeys::On,
            atomicity: crate::script::Atomicity::Transaction,
            steps: vec![
                Step::own("DROP TABLE _migrations", vec![]),
                Step::own("CREATE TABLE _migrations (version, applied)", vec![]),
            ]
            .into(),
        }],
        std::sync::Arc::new(|_| {}),
    )
    .await
    .unwrap();
    let error = crate::history::read(&db).await.unwrap_err();
    cases.add("the table of another tool", &Report::history(&error));

    let (stop, signal) = Stop::new();
    let options = Options {
        stop: signal,
        ..Options::default()
    };
    let db = Db::memory(options).await.unwrap();
    // The history is read by then: a signal before that may interrupt the reading.
    let on_event: OnEvent = Arc::new(move |_| stop.raise());
    let (set, options, run) = (set(&[V1]), PlanOptions::default(), Run::new("test"));
    let error = migrations::apply(&db, &set, &options, &run, &on_event).await;
    let report = Report::failure(&error.unwrap_err());
    cases.add("a signal before anything ran", &report);

    for (title, error) in [
        (
            "a later layout",
            HistoryError::Newer {
                table: Default::default(),
                found: 2,
                known: 1,
            },
        ),
        (
            "a row of nobody",
            HistoryError::Unreadable {
                what: "V3 is in state \"done\"".to_owned(),
            },
        ),
        (
            "a lock while reading",
            HistoryError::Db(DbError::Read(EngineError::new(
                Code::Busy,
                "database is locked",
            ))),
        ),
        (
            "a damaged file",
            HistoryError::Db(DbError::Read(EngineError::new(
                Code::Corrupt,
                "database disk image is malformed",
            ))),
        ),
        (
            "an answer that is not the one to the question",
            HistoryError::Db(DbError::Incomplete(
                "a row has 2 values where 3 columns were asked for".to_owned(),
            )),
        ),
        (
            "a path that is none",
            HistoryError::Db(DbError::Path {
                path: PathBuf::from(":memory:"),
                why: "means something else than a file to the engine",
            }),
        ),
    ] {
        cases.add(title, &Report::history(&error));
    }
}

/// Without the folder, which is another in each run.
fn hide(mut report: Report, folder: &Path) -> Report {
    let hide = |text: &mut String| {
        *text = text
            .replace(&folder.display().to_string(), "/app")
            .replace('\\', "/");
    };
    for diagnostic in &mut report.diagnostics {
        hide(&mut diagnostic.message);
        diagnostic.help.iter_mut().for_each(hide);
    }
    report
}

fn files_and_settings(cases: &mut Cases) {
    let path = || PathBuf::from("migrations");
    let error = ReadError::NoDirectory { path: path() };
    cases.add("no folder", &Report::files(&error));
    let error = ReadError::Unreadable {
        path: path(),
        source: std::io::Error::other("permission denied"),
    };
    cases.add("a folder that cannot be read", &Report::files(&error));

    let sources = Sources {
        dotenv: Some(DotEnv::parse(".env", "\nUSE_TURSO=perhaps\n")),
        ..Sources::default()
    };
    let error = resolve(&sources).config().unwrap_err();
    cases.add("a setting", &Report::config(&error));

    let diagnostic =
        Diagnostic::error("not-found", "there is no migration V9").help("`status` lists them");
    cases.add("anything else", &Report::from(diagnostic));
}

#[test]
fn a_failure_lists_what_was_done_rolled_back_and_left_half_done() {
    let states = |error: ScriptError| {
        let report = of_script(error);
        let items = report.items.iter();
        items
            .map(|item| format!("{} {}", item.version, item.state))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let error = |committed, left| ScriptError {
        done: vec![done(1)],
        rolled_back: vec![Unit {
            record: Record::Delete(Key::Migration(2)),
            ..unit()
        }],
        redone: Vec::new(),
        left_broken: Vec::new(),
        ..made_up(Code::Other(1), "no", Part::Step(step()), committed, left)
    };
    assert_eq!(
        states(error(0, Left::Nothing)),
        "1 applied, 2 pending, 3 pending"
    );
    assert_eq!(
        states(error(1, Left::EarlierSteps)),
        "1 applied, 2 pending, 3 started"
    );
}

#[test]
fn rows_of_any_shape_are_listed() {
    let mut error = made_up(
        Code::Other(1),
        "malformed JSON",
        Part::ForeignKeysAfter,
        0,
        Left::Nothing,
    );
    if let Failure::Step { explanation, .. } = &mut error.failed.failure {
        *explanation = vec![
            vec![],
            vec![Value::Null, Value::Real(0.5)],
            vec!["a".into(), Value::Null],
        ];
    }
    let report = of_script(error);
    assert_eq!(report.diagnostics[0].code, "foreign-keys");
}
