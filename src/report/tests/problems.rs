use expect_test::expect_file;

use super::{STYLE, case, origin, source};
use crate::history::{OtherHistory, Recorded};
use crate::migrations::{Edit, Large, Migrations, PlanOptions, Problem, Severity, Way, plan};
use crate::report::{Diagnostic, Paint, Report, Style, annotations};
use crate::schema::{Difference, Object, ObjectKind};
use crate::script::{Key, Source};

const USERS: &str = "\
-- Who may log in.
CREATE TABLE users (
  id INTEGER PRIMARY KEY,
  email TEXT NOT NULL UNIQUE
);
CREATE INDEX users_by_email ON users (email);
";

const AT: &str = "2026-11-21T22:12:51.123Z";

fn edited(key: Key, edit: Edit, now: &str, recorded: Option<&str>) -> Problem {
    Problem::Edited {
        key,
        file: source("V2__users.sql", now),
        edit,
        applied_at: AT.to_owned(),
        recorded: recorded.map(str::to_owned),
        checksums: ("1b4f0e98".to_owned(), "9f86d081".to_owned()),
    }
}

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

/// One of each, and more where one variant has several texts.
fn all_problems() -> Vec<Problem> {
    let v2 = Key::Migration(2);
    let views = Key::Repeatable("views".to_owned());
    let file = |name: &str| format!("migrations/{name}");
    vec![
        Problem::BadName {
            file: file("v2_users.sql"),
            why: "must have two underscores between its version and its words".to_owned(),
            suggestion: Some("V2__users.sql".to_owned()),
            written_for: None,
        },
        Problem::BadName {
            file: file("notes.sql"),
            why: "must begin with V, U or R".to_owned(),
            suggestion: None,
            written_for: None,
        },
        Problem::Duplicate {
            what: "V2".to_owned(),
            files: vec![file("V2__teams.sql"), file("V2__users.sql")],
        },
        Problem::UndoPrefix {
            file: file("U2__users.sql"),
            beside: file("V2__users.sql"),
            down: "V2__users.down.sql".to_owned(),
        },
        Problem::DownWithoutUp {
            file: file("V9__users.down.sql"),
            version: 9,
        },
        Problem::NotText {
            file: file("V2__users.sql"),
            what: "this file is UTF-16".to_owned(),
            help: "save it as UTF-8".to_owned(),
        },
        Problem::Empty {
            file: file("V2__users.sql"),
        },
        Problem::Syntax {
            origin: origin("V2__users.sql", "SELECT 'it;\n", "'it;"),
            what: "a string that begins here has no end".to_owned(),
        },
        Problem::Directive {
            origin: origin(
                "V2__users.sql",
                "-- seedbed: no-transactions\nVACUUM;\n",
                "-- seedbed: no-transactions",
            ),
            what: "there is no directive `no-transactions`".to_owned(),
            help: "the directives are: no-transaction, foreign-keys=on, foreign-keys=off".to_owned(),
        },
        Problem::TransactionControl {
            origin: origin("V2__users.sql", "BEGIN;\nSELECT 1;\nCOMMIT;\n", "COMMIT"),
            keyword: "COMMIT".to_owned(),
        },
        Problem::Savepoint {
            origin: origin("V2__users.sql", "SELECT 1;\nRELEASE a;\n", "RELEASE a"),
            what: "there is no open savepoint a here".to_owned(),
        },
        Problem::Reserved {
            origin: origin("V2__users.sql", "DROP TABLE _migrations;\n", "DROP TABLE _migrations"),
            table: "_migrations".to_owned(),
        },
        Problem::Refused {
            origin: origin("V2__users.sql", "ATTACH 'a.db' AS a;\n", "ATTACH 'a.db' AS a"),
            why: "ATTACH and DETACH outlive the script: a database in memory keeps its one connection"
                .to_owned(),
        },
        Problem::ForeignKeysPragma {
            origin: origin(
                "V2__users.sql",
                "PRAGMA foreign_keys = OFF;\n",
                "PRAGMA foreign_keys = OFF",
            ),
            on: false,
        },
        Problem::DropsWithForeignKeys {
            origin: origin(
                "V2__users.sql",
                "-- seedbed: foreign-keys=on\nDROP TABLE users;\n",
                "DROP TABLE users",
            ),
        },
        edited(
            v2.clone(),
            Edit::Meaning,
            &USERS.replace("NOT NULL UNIQUE", "NOT NULL"),
            Some(USERS),
        ),
        edited(v2.clone(), Edit::Meaning, USERS, None),
        edited(v2.clone(), Edit::Wording, USERS, Some(USERS)),
        edited(v2.clone(), Edit::Name, USERS, None),
        edited(v2.clone(), Edit::Down, USERS, None),
        Problem::Missing {
            key: v2.clone(),
            name: "users".to_owned(),
            applied_at: AT.to_owned(),
        },
        Problem::Missing {
            key: views.clone(),
            name: "views".to_owned(),
            applied_at: AT.to_owned(),
        },
        Problem::OutOfOrder {
            version: 2,
            file: file("V2__users.sql"),
            newest: 3,
        },
        Problem::Ahead {
            versions: vec![4, 5],
            newest: Some(3),
        },
        Problem::Ahead {
            versions: vec![1],
            newest: None,
        },
        Problem::Started {
            key: v2.clone(),
            since: AT.to_owned(),
            by: "seedbed 0.1.0, ann@laptop".to_owned(),
        },
        Problem::NoSuchVersion {
            version: 9,
            among: "files",
        },
        Problem::NoDown {
            key: v2.clone(),
            name: "users".to_owned(),
        },
        Problem::NotRepairable {
            key: v2.clone(),
            why: "V2 was never started".to_owned(),
            help: "`status` shows how each migration stands".to_owned(),
        },
        Problem::Fails {
            origin: origin("V2__users.sql", "SELECT 1;\nDROP TABLE user;\n", "user"),
            way: Way::Again,
            message: "no such table: user".to_owned(),
            help: Some("make the down file take back all of it".to_owned()),
        },
        Problem::NotRehearsed {
            origin: origin("V2__users.sql", "ATTACH 'a.db' AS a;\n", "ATTACH 'a.db' AS a"),
            why: "ATTACH and DETACH outlive the script".to_owned(),
        },
        Problem::DownIsNoInverse {
            file: source("V2__users.down.sql", "DROP TABLE users;\n"),
            key: v2.clone(),
            way: Way::Down,
            differences: differences(),
        },
        Problem::EditedSinceBase {
            key: v2.clone(),
            file: source("V2__users.sql", USERS),
            edit: Edit::Meaning,
            base: "origin/main".to_owned(),
            recorded: USERS.replace("UNIQUE", ""),
        },
        Problem::EditedSinceBase {
            key: v2.clone(),
            file: source("V2__users.sql", USERS),
            edit: Edit::Wording,
            base: "origin/main".to_owned(),
            recorded: USERS.to_owned(),
        },
        Problem::GoneSinceBase {
            key: v2.clone(),
            name: "users".to_owned(),
            base: "origin/main".to_owned(),
            now: None,
        },
        Problem::GoneSinceBase {
            key: v2,
            name: "users".to_owned(),
            base: "origin/main".to_owned(),
            now: Some(file("V3__users.sql")),
        },
        Problem::GoneSinceBase {
            key: views,
            name: "views".to_owned(),
            base: "origin/main".to_owned(),
            now: None,
        },
        Problem::BehindBase {
            version: 2,
            file: file("V2__users.sql"),
            base: "origin/main".to_owned(),
            other: file("V2__teams.sql"),
            newest: 2,
        },
        Problem::BehindBase {
            version: 2,
            file: file("V2__users.sql"),
            base: "origin/main".to_owned(),
            other: file("V3__teams.sql"),
            newest: 3,
        },
        Problem::Overtaken {
            versions: vec![3, 2],
            on_top: vec![4],
        },
        Problem::TooLarge {
            origin: origin("V2__users.sql", "INSERT INTO users VALUES ('…');\n", "'…'"),
            what: Large::Value,
            bytes: 5_100_000,
            limit: 5_000_000,
        },
        Problem::TooLarge {
            origin: origin("V2__users.sql", "SELECT 1;\n", ""),
            what: Large::Text,
            bytes: 5_100_000,
            limit: 5_000_000,
        },
        Problem::UnfinishedImport(crate::history::Unfinished {
            name: "old.sql".to_owned(),
            line: 1200,
            started_at: "2026-11-21T22:12:51.123Z".to_owned(),
        }),
        of_file(
            "V2__users.sql",
            "-- +goose Up\nCREATE TABLE users (id);\n\n  -- +goose Down\nDROP TABLE users;\n",
        ),
        of_file("U2__users.sql", "-- migrate:up transaction:false\nVACUUM;\n"),
        of_file("R__views.sql", "/* +migrate Down */\nDROP VIEW v;\n"),
        of_file("V2__users.sql", "-- +goose ENVSUB ON\nSELECT '${NAME}';\n"),
        other_history("refinery", "refinery_schema_history", "2", None, Some(2)),
        other_history("Django", "django_migrations", "users.0002_email", None, None),
        other_history("sqlx", "_sqlx_migrations", "3", Some("3"), None),
        Problem::AlreadyThere {
            origin: origin(
                "V2__users.sql",
                "CREATE TABLE IF NOT EXISTS users (id);\n",
                "CREATE TABLE IF NOT EXISTS users (id)",
            ),
            table: "users".to_owned(),
        },
        Problem::NotCompared {
            tables: vec!["_cf_KV".to_owned(), "d1_migrations".to_owned()],
        },
    ]
}

/// The problem of a file that holds instructions to another tool.
fn of_file(name: &str, text: &str) -> Problem {
    let files = [(format!("migrations/{name}"), text.as_bytes().to_vec())];
    let history = crate::history::History::default();
    let set = Migrations::from_files(files);
    plan(&set, &history, &PlanOptions::default())
        .problems
        .remove(0)
}

fn other_history(
    tool: &'static str,
    table: &str,
    newest: &str,
    unfinished: Option<&str>,
    baseline: Option<i64>,
) -> Problem {
    Problem::OtherHistory {
        other: OtherHistory {
            tool,
            table: table.to_owned(),
            newest: newest.to_owned(),
            unfinished: unfinished.map(str::to_owned),
            versions: Vec::new(),
            recorded: Recorded::Each,
        },
        baseline,
        severity: Severity::Error,
    }
}

/// The number of the variant. Whoever adds one is told here to add it to `all_problems`.
fn variant(problem: &Problem) -> usize {
    match problem {
        Problem::BadName { .. } => 0,
        Problem::Duplicate { .. } => 1,
        Problem::UndoPrefix { .. } => 2,
        Problem::DownWithoutUp { .. } => 3,
        Problem::NotText { .. } => 4,
        Problem::Empty { .. } => 5,
        Problem::Syntax { .. } => 6,
        Problem::Directive { .. } => 7,
        Problem::TransactionControl { .. } => 8,
        Problem::Savepoint { .. } => 9,
        Problem::Reserved { .. } => 10,
        Problem::Refused { .. } => 11,
        Problem::ForeignKeysPragma { .. } => 12,
        Problem::DropsWithForeignKeys { .. } => 13,
        Problem::Edited { .. } => 14,
        Problem::Missing { .. } => 15,
        Problem::OutOfOrder { .. } => 16,
        Problem::Ahead { .. } => 17,
        Problem::Started { .. } => 18,
        Problem::NoSuchVersion { .. } => 19,
        Problem::NoDown { .. } => 20,
        Problem::NotRepairable { .. } => 21,
        Problem::Fails { .. } => 22,
        Problem::NotRehearsed { .. } => 23,
        Problem::DownIsNoInverse { .. } => 24,
        Problem::EditedSinceBase { .. } => 25,
        Problem::GoneSinceBase { .. } => 26,
        Problem::BehindBase { .. } => 27,
        Problem::Overtaken { .. } => 28,
        Problem::TooLarge { .. } => 29,
        Problem::UnfinishedImport(_) => 30,
        Problem::WrittenFor(_) => 31,
        Problem::OtherHistory { .. } => 32,
        Problem::AlreadyThere { .. } => 33,
        Problem::NotCompared { .. } => 34,
    }
}

#[test]
fn each_problem_says_what_where_and_what_to_do() {
    let mut variants: Vec<usize> = all_problems().iter().map(variant).collect();
    variants.dedup();
    assert_eq!(variants, (0..=34).collect::<Vec<_>>());

    let mut all = String::new();
    for problem in all_problems() {
        let text = Report::problems(std::slice::from_ref(&problem), STYLE).text(STYLE);
        all.push_str(&case(problem.code(), text.trim_end()));
    }
    let baseline = Report::baseline(2, &differences(), &["_cf_KV".to_owned()], STYLE).text(STYLE);
    all.push_str(&case("a baseline that does not match", baseline.trim_end()));
    expect_file!["problems.txt"].assert_eq(&all);
}

#[test]
fn what_stops_the_run_has_help_unless_the_message_says_it_all() {
    for problem in all_problems() {
        let syntax = matches!(problem, Problem::Syntax { .. });
        let is_error = problem.severity() == Severity::Error;
        assert!(
            !is_error || syntax || problem.help().is_some(),
            "{problem:?}"
        );
    }
}

#[test]
fn errors_come_before_warnings_and_are_counted() {
    let problems = [
        edited(Key::Migration(2), Edit::Wording, USERS, None),
        Problem::NoSuchVersion {
            version: 9,
            among: "files",
        },
        Problem::Empty {
            file: "migrations/V3__x.sql".to_owned(),
        },
    ];
    let report = Report::problems(&problems, STYLE);
    let codes: Vec<&str> = report.diagnostics.iter().map(|it| it.code).collect();
    assert_eq!(codes, ["no-such-version", "empty", "comments-edited"]);
    let text = report.text(STYLE);
    assert!(text.ends_with("\n\n2 errors, 1 warning\n"), "{text}");
    assert_eq!(Report::problems(&[], STYLE).text(STYLE), "");
}

#[test]
fn each_problem_is_an_annotation_of_one_line() {
    for problem in all_problems() {
        let report = Report::problems(&[problem], STYLE);
        let line = annotations(&report);
        assert_eq!(line.lines().count(), 1, "{line}");
        assert!(line.starts_with("::error ") || line.starts_with("::warning "));
    }
    let text = annotations(&Report::problems(&all_problems(), STYLE));
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
        at: Some(crate::report::At::Source(origin)),
        ..Diagnostic::error("syntax", "no")
    }]);
    assert_eq!(annotations(&report), "::error title=syntax::no\n");
}

#[cfg(feature = "cli")]
#[test]
fn colour_is_only_colour() {
    let colour = Style {
        paint: Paint::Colour,
        ..STYLE
    };
    let report = Report::problems(&all_problems(), STYLE);
    let painted = report.text(colour);
    assert!(painted.contains("\u{1b}["));
    let stripped = anstream::adapter::strip_str(&painted).to_string();
    assert_eq!(stripped, report.text(STYLE));
}
