use expect_test::expect_file;

use super::{STYLE, case, origin, row};
use crate::db::{Db, Engine, Options};
use crate::diagnostic::{Diagnostic, Location};
use crate::history::{History, OtherHistory, Recorded, Row, State, Unfinished};
use crate::migrations::{
    ApplyError, Base, BaselineOptions, CheckOptions, Migrations, PlanOptions, Repair, Target,
    UndoOptions, Verify, baseline, check, check_against, ignore, plan, repair, undo_plan,
};
use crate::report::{Paint, Report, Style, annotations};
use crate::schema::tests::database;
use crate::schema::{Difference, Object, ObjectKind};
use crate::script::{Key, Run, Source};

const USERS: &str = "\
-- Who may log in.
CREATE TABLE users (
  id INTEGER PRIMARY KEY,
  email TEXT NOT NULL UNIQUE
);
CREATE INDEX users_by_email ON users (email);
";

const AT: &str = "2026-11-21T22:12:51.123Z";

fn object(name: &str, sql: &str) -> Object {
    Object {
        kind: ObjectKind::Table,
        name: name.to_owned(),
        table: name.to_owned(),
        sql: sql.to_owned(),
        normal: sql.to_owned(),
    }
}

fn differences() -> Vec<Difference> {
    vec![
        Difference::Missing {
            expected: object("teams", "CREATE TABLE teams (id)"),
        },
        Difference::Unexpected {
            found: object("notes", "CREATE TABLE notes (id)"),
        },
        Difference::Different {
            expected: object(
                "users",
                "CREATE TABLE users (\n  id INTEGER,\n  name TEXT\n)",
            ),
            found: object(
                "users",
                "CREATE TABLE users (\n  id INTEGER,\n  name TEXT,\n  email TEXT\n)",
            ),
        },
    ]
}

fn set(files: &[(&str, &str)]) -> Migrations {
    Migrations::from_files(
        files
            .iter()
            .map(|(name, text)| (format!("migrations/{name}"), text.as_bytes().to_vec())),
    )
}

/// The problems of a plan for these files and rows.
fn planned(files: &[(&str, &str)], rows: &[Row], options: PlanOptions) -> Vec<Diagnostic> {
    let history = History {
        rows: rows.to_vec(),
        ..History::default()
    };
    plan(&set(files), &history, &options).problems
}

fn of_files(files: &[(&str, &str)]) -> Vec<Diagnostic> {
    planned(files, &[], PlanOptions::default())
}

fn of_engine(file: (&str, &str), engine: Engine) -> Vec<Diagnostic> {
    let history = History {
        engine,
        ..History::default()
    };
    plan(&set(&[file]), &history, &PlanOptions::default()).problems
}

/// The problems of these files and rows, V1 and V2 as they should be.
fn of_rows(files: &[(&str, &str)], rows: &[Row]) -> Vec<Diagnostic> {
    planned(files, rows, PlanOptions::default())
}

/// The problems of these files on a branch from `origin/main`, where `base` is.
fn since_base(
    files: &[(&str, &str)],
    base: &[(&str, &str)],
    tip: &[(&str, &str)],
) -> Vec<Diagnostic> {
    let base = Base {
        name: "origin/main".to_owned(),
        common: set(base),
        tip: set(tip),
        ..Base::default()
    };
    check_against(&set(files), &base)
}

/// Every problem of migrations, brought about as people bring it about.
async fn all_problems() -> Vec<Diagnostic> {
    let (v1, v2) = (("V1__a.sql", "SELECT 1;\n"), ("V2__users.sql", USERS));
    let edited = (
        "V2__users.sql",
        &*USERS.replace("NOT NULL UNIQUE", "NOT NULL"),
    );
    let commented = ("V2__users.sql", &*format!("-- Note.\n{USERS}"));
    let down = ("V2__users.down.sql", "DROP TABLE users;\n");
    let row1 = row(Key::Migration(1), "a", v1.1);
    let row2 = row(Key::Migration(2), "users", USERS);
    let row3 = row(Key::Migration(3), "more", "SELECT 3;\n");
    let row4 = row(Key::Migration(4), "more", "SELECT 4;\n");
    let views = row(Key::Repeatable("views".to_owned()), "views", "SELECT 1;\n");
    let started = Row {
        state: State::Started,
        ..row2.clone()
    };
    let silent = Row {
        source: None,
        ..row2.clone()
    };
    let renamed = Row {
        name: "people".to_owned(),
        ..row2.clone()
    };
    let long = "x".repeat(5_100_000);
    let utf16 = Migrations::from_files([(
        "migrations/V2__users.sql".to_owned(),
        b"\xff\xfeS\0".to_vec(),
    )]);
    let target = PlanOptions {
        target: Target::Version(9),
        ..PlanOptions::default()
    };
    let undone = |rows: &[Row], versions: &[i64]| {
        let history = History {
            rows: rows.to_vec(),
            ..History::default()
        };
        undo_plan(
            &history,
            versions,
            &UndoOptions::default().folder("migrations/"),
        )
        .problems
    };
    let with_down = |row: &Row| Row {
        down: Some("SELECT 1;\n".to_owned()),
        ..row.clone()
    };
    let adopted = |row: &Row| Row {
        detail: serde_json::from_str(r#"{"baseline": true}"#).unwrap(),
        ..row.clone()
    };
    let unfinished = History {
        unfinished: Some(Unfinished {
            path: None,
            is_running: false,
            written_s: None,
            name: "old.sql".to_owned(),
            line: 1200,
            started_at: AT.to_owned(),
            into_existing: false,
            command: None,
        }),
        ..History::default()
    };
    let found = [
        of_files(&[("v2_users.sql", USERS)]),
        of_files(&[("notes.sql", USERS)]),
        of_files(&[v2, ("V2__teams.sql", "SELECT 1;\n")]),
        of_files(&[v2, ("U2__users.sql", "SELECT 1;\n")]),
        of_files(&[("V9__users.down.sql", "SELECT 1;\n")]),
        utf16.problems,
        of_files(&[("V2__users.sql", "\n")]),
        of_files(&[("V2__users.sql", "-- later\n")]),
        of_files(&[("V2__users.sql", "-- later\n"), ("V3__teams.sql", "/* later */")]),
        of_files(&[v2, ("V2__users.down.sql", "-- cannot be undone\n")]),
        of_files(&[("V2__users.sql", "SELECT 'it;\n")]),
        of_files(&[("V2__users.sql", "-- seedbed: no-transactions\nVACUUM;\n")]),
        of_files(&[("V2__users.sql", "SELECT 1;\nCOMMIT;\n")]),
        of_files(&[("V2__users.sql", "BEGIN;\nSELECT 1;\nCOMMIT;\nSELECT 2;\n")]),
        of_files(&[("V2__users.sql", "PRAGMA foreign_keys = OFF;\nBEGIN;\nSELECT 1;\nCOMMIT;\n")]),
        of_files(&[("V2__users.sql", "CREATE TABLE {{ users }} (id);\nDROP TABLE {{ users }};\n")]),
        of_files(&[("V2__users.sql", "<<<<<<< HEAD\nSELECT 1;\n=======\nSELECT 2;\n>>>>>>> other\n")]),
        of_files(&[("V2__users.sql", "INSERT INTO users VALUES (:id);\n")]),
        of_files(&[("V2__users.sql", "-- users\rCREATE TABLE users (id);\n")]),
        of_files(&[("V2__users.sql", "CREATE TABLE\u{a0}users (id);\n")]),
        of_files(&[("V2__users.sql", "PRAGMA journal_mode = WAL;\nSELECT 1;\n")]),
        of_files(&[("V2__users.sql", "PRAGMA foreign_key = ON;\nSELECT 1;\n")]),
        of_files(&[("V2__users.sql", "SELECT 1;\nRELEASE a;\n")]),
        of_files(&[("V2__users.sql", "DELETE FROM _migrations;\n")]),
        of_engine(("V2__users.sql", "ATTACH 'a.db' AS a;\n"), Engine::Memory),
        of_files(&[("V2__users.sql", "PRAGMA foreign_keys = ON;\nDROP TABLE users;\n")]),
        of_files(&[("V2__users.sql", "-- seedbed: foreign-keys=on\nDROP TABLE users;\n")]),
        of_rows(&[edited], std::slice::from_ref(&row2)),
        of_rows(&[edited], &[silent]),
        of_rows(&[commented], std::slice::from_ref(&row2)),
        of_rows(&[v2], &[renamed]),
        of_rows(&[v2, down], std::slice::from_ref(&row2)),
        of_rows(&[("V3__more.sql", "SELECT 3;\n")], &[row2.clone(), row3.clone()]),
        of_rows(&[], std::slice::from_ref(&views)),
        of_rows(&[v2, ("V3__more.sql", "SELECT 3;\n")], std::slice::from_ref(&row3)),
        of_rows(&[("V3__more.sql", "SELECT 3;\n")], &[row3.clone(), row4.clone(), Row { key: Key::Migration(5), ..row4.clone() }]),
        of_rows(&[], std::slice::from_ref(&row1)),
        of_rows(&[v2], &[started]),
        planned(&[], &[], target),
        undone(std::slice::from_ref(&row2), &[2]),
        never_started().await,
        checked(&[("V1__a.sql", "CREATE TABLE user (id);\n"), ("R__users.sql", "SELECT 1;\nDROP TABLE user;\n")]).await,
        checked(&[("V2__users.sql", "ATTACH 'a.db' AS a;\n")]).await,
        checked(&[
            ("V1__a.sql", "CREATE TABLE teams (id);\nCREATE TABLE users (id INTEGER, name TEXT);\n"),
            ("V2__users.sql", "CREATE TABLE orders (id);\n"),
            ("V2__users.down.sql", "DROP TABLE orders;\nDROP TABLE teams;\nCREATE TABLE notes (id);\nALTER TABLE users ADD email TEXT;\n"),
        ])
        .await,
        since_base(&[edited], &[v2], &[v2]),
        since_base(&[commented], &[v2], &[v2]),
        since_base(&[], &[v2], &[v2]),
        since_base(&[("V3__users.sql", USERS)], &[v2], &[v2]),
        since_base(&[], &[("R__views.sql", "SELECT 1;\n")], &[("R__views.sql", "SELECT 1;\n")]),
        since_base(&[v2], &[], &[("V2__teams.sql", "SELECT 1;\n")]),
        since_base(&[v2], &[], &[("V3__teams.sql", "SELECT 1;\n")]),
        undone(&[with_down(&row2), with_down(&row3), row4], &[3, 2]),
        of_engine(("V2__users.sql", &format!("INSERT INTO users VALUES ('\n{long}');\n")), Engine::Server),
        of_engine(("V2__users.sql", &format!("SELECT 1;\n-- {long}\n")), Engine::Server),
        plan(&set(&[]), &unfinished, &PlanOptions::default()).problems,
        of_files(&[(
            "V2__users.sql",
            "-- +goose Up\nCREATE TABLE users (id);\n\n  -- +goose Down\nDROP TABLE users;\n",
        )]),
        of_files(&[("U2__users.sql", "-- migrate:up transaction:false\nVACUUM;\n")]),
        of_files(&[("R__views.sql", "/* +migrate Down */\nDROP VIEW v;\n")]),
        of_files(&[("V2__users.sql", "-- +goose ENVSUB ON\nSELECT '${NAME}';\n")]),
        of_other("refinery", "refinery_schema_history", "2", None),
        of_other("Django", "django_migrations", "users.0002_email", None),
        of_other("sqlx", "_sqlx_migrations", "3", Some("3")),
        of_tables(&[("V2__users.sql", "CREATE TABLE IF NOT EXISTS users (id);\n")]),
        not_compared().await,
        of_rows(&[("V2__teams.sql", "CREATE TABLE teams (id);\n"), ("V3__users.sql", USERS)], std::slice::from_ref(&row2)),
        of_rows(&[("V3__users.sql", USERS)], std::slice::from_ref(&row2)),
        of_rows(
            &[v1, ("V2__teams.sql", "CREATE TABLE teams (id);\n")],
            &[row1.clone(), Row { has_down: true, ..row2.clone() }],
        ),
        of_rows(&[("V1__b.sql", "SELECT 1;\n"), ("V2__teams.sql", "SELECT 2;\n")], &[row1.clone(), row2.clone()]),
        of_rows(&[v2, ("V2__teams.sql", "SELECT 1;\n")], std::slice::from_ref(&row2)),
        of_rows(&[edited], &[Row { has_down: true, ..row2.clone() }]),
        of_rows(&[v2, ("V3__users.sql", USERS)], std::slice::from_ref(&row2)),
        of_rows(&[v2, ("V3__users.sql", USERS)], &[]),
        undone(&[adopted(&with_down(&row2))], &[2]),
        since_base(&[v1, ("V2__teams.sql", "SELECT 2;\n")], &[v1, v2], &[v1, v2]),
        since_base(&[v1, v2], &[v1, v2, down], &[v1, v2, down]),
        since_base(&[v1], &[], &[]),
    ];
    for problems in &found {
        assert_eq!(problems.len(), 1, "{problems:?}");
    }
    found.concat()
}

/// The problems of a database that another tool has migrated, whose versions are V1 and V2 where `newest` is one of them.
fn of_other(
    tool: &'static str,
    table: &str,
    newest: &str,
    unfinished: Option<&str>,
) -> Vec<Diagnostic> {
    let history = History {
        others: vec![OtherHistory {
            tool,
            table: table.to_owned(),
            newest: newest.to_owned(),
            unfinished: unfinished.map(str::to_owned),
            versions: newest
                .parse()
                .map_or(Vec::new(), |newest| (1..=newest).collect()),
            recorded: Recorded::Each,
        }],
        ..History::default()
    };
    let files = [("V1__a.sql", "SELECT 1;\n"), ("V2__users.sql", USERS)];
    plan(&set(&files), &history, &PlanOptions::default()).problems
}

/// The problems of a database that has a table `users` and no history.
fn of_tables(files: &[(&str, &str)]) -> Vec<Diagnostic> {
    let history = History {
        tables: ["users".to_owned()].into(),
        ..History::default()
    };
    plan(&set(files), &history, &PlanOptions::default()).problems
}

async fn not_compared() -> Vec<Diagnostic> {
    let sql = "CREATE TABLE a (x); CREATE TABLE _cf_KV (key TEXT); CREATE TABLE d1_migrations (id INTEGER PRIMARY KEY, \
               name TEXT, applied_at TIMESTAMP)";
    let db = database(sql).await;
    let options = BaselineOptions {
        version: 1,
        verify: Verify::Schema,
    };
    let files = set(&[("V1__a.sql", "CREATE TABLE a (x);\n")]);
    let outcome = baseline(&db, &files, &options, &Run::new("test"), &ignore()).await;
    outcome.unwrap().warnings
}

async fn checked(files: &[(&str, &str)]) -> Vec<Diagnostic> {
    check(&set(files), &CheckOptions::default())
        .await
        .unwrap()
        .problems
}

async fn never_started() -> Vec<Diagnostic> {
    let db = Db::memory(Options::default()).await.unwrap();
    let what = Repair::Applied(Key::Migration(2));
    match repair(&db, &set(&[]), &what, &Run::new("test"), &ignore()).await {
        Err(ApplyError::Problems { problems, .. }) => problems,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_problem_says_what_where_and_what_to_do() {
    let mut all = String::new();
    for problem in all_problems().await {
        let text = Report::problems(std::slice::from_ref(&problem)).text(STYLE);
        all.push_str(&case(problem.code, text.trim_end()));
    }
    let baseline = Report::baseline(2, &differences(), &["_cf_KV".to_owned()]).text(STYLE);
    all.push_str(&case("a baseline that does not match", baseline.trim_end()));
    expect_file!["problems.txt"].assert_eq(&all);
}

#[tokio::test]
async fn what_stops_the_run_has_help_unless_the_message_says_it_all() {
    for problem in all_problems().await {
        let says_all = problem.code == "syntax" || !problem.is_error();
        assert!(says_all || !problem.help.is_empty(), "{problem:?}");
    }
}

#[test]
fn errors_come_before_warnings_and_are_counted() {
    let problems = [
        Diagnostic::problem("comments-edited", "comments").warning(),
        Diagnostic::problem("no-such-version", "there is no V9"),
        Diagnostic::problem("empty", "there is no statement in this file"),
    ];
    let report = Report::problems(&problems);
    let codes: Vec<&str> = report.diagnostics.iter().map(|it| it.code).collect();
    assert_eq!(codes, ["no-such-version", "empty", "comments-edited"]);
    let text = report.text(STYLE);
    assert!(text.ends_with("\n\n2 errors, 1 warning\n"), "{text}");
    assert_eq!(Report::problems(&[]).text(STYLE), "");
}

#[tokio::test]
async fn each_problem_is_an_annotation_of_one_line() {
    let all = all_problems().await;
    for problem in all.clone() {
        let report = Report::problems(&[problem]);
        let line = annotations(&report, STYLE, None);
        assert_eq!(line.lines().count(), 1, "{line}");
        assert!(line.starts_with("::error ") || line.starts_with("::warning "));
    }
    let text = annotations(&Report::problems(&all), STYLE, None);
    assert_eq!(text.lines().count(), 10);
}

#[test]
fn what_was_recorded_is_no_file_that_github_could_mark() {
    let mut origin = origin("V2__x.down.sql", "DROP TABLE user;", "user");
    origin.source = std::sync::Arc::new(Source {
        name: "V2__x.down.sql (as recorded)".to_owned(),
        text: origin.source.text.clone(),
    });
    let report = Report::of(vec![Diagnostic {
        location: Some(Location::Source(origin)),
        ..Diagnostic::error("syntax", "no")
    }]);
    assert_eq!(
        annotations(&report, STYLE, None),
        "::error title=syntax::no\n"
    );
}

#[tokio::test]
async fn colour_is_only_colour() {
    let all = all_problems().await;
    let colour = Style {
        paint: Paint::Colour,
        ..STYLE
    };
    let report = Report::problems(&all);
    let painted = report.text(colour);
    assert!(painted.contains("\u{1b}["));
    let stripped = anstream::adapter::strip_str(&painted).to_string();
    assert_eq!(stripped, report.text(STYLE));
}
