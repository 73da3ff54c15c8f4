//! An example, run: by the program, or as another runner would run it on the same engine.

use std::io::Write;
use std::process::Stdio;
use std::sync::Arc;

use seedbed::db::{Db, Options, Transaction};
use seedbed::script::{Atomicity, ForeignKeys, Step};
use seedbed::sql::{Kind, kind, split};

use super::example::{Edited, Example, Expected, Shown};
use crate::process::Ran;
use crate::project::{Project, waiting};
use crate::server::Server;

/// A finding.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) code: String,
    pub(super) severity: String,
    #[expect(dead_code, reason = "it is printed")]
    message: String,
}

/// What came of an example.
pub(super) enum Harm {
    AsWritten,
    /// The engine is not at hand.
    NotTried(&'static str),
    Other(String),
}

/// A project with the first migration, applied to `local.db`.
pub(super) fn before(example: &Example) -> Project {
    // The rows are written behind the migration, so that the rehearsal in memory does not have them.
    let statements = split(&example.before).unwrap();
    let statements = statements.iter().map(|it| it.text(&example.before));
    let is_of_rows = |sql: &&str| matches!(kind(sql), Kind::Insert | Kind::Update | Kind::Delete);
    let (rows, schema): (Vec<&str>, Vec<&str>) = statements.partition(is_of_rows);
    let text = schema.join(";\n") + ";\n";
    let project = Project::new().file(name(example, 1), text);
    if matches!(example.edited, Some(Edited::Before(_))) {
        project.git("init --quiet --initial-branch main");
        project.git("add .");
        project.git("commit --quiet --message before");
    }
    let ran = project.run("migrate");
    assert_eq!(ran.code, Some(0), "docs/lint.md:{}: {ran}", example.line);
    project.change(&rows);
    match &example.edited {
        Some(Edited::Before(text)) => project.write(name(example, 1), text),
        _ => project.write(name(example, 2), &example.file),
    }
    if let Some(down) = &example.down {
        project.write("migrations/V2__file.down.sql", down);
    }
    if let Some((path, text)) = &example.queries {
        project.write(path, text);
    }
    project
}

/// The files of other runners have names as sqlx and wrangler read them.
fn name(example: &Example, version: usize) -> String {
    let words = ["before", "file"][version - 1];
    match (&example.name, by_seedbed(example)) {
        (Some(name), _) if version == 2 && name.starts_with("seeds/") => name.clone(),
        (Some(name), _) if version == 2 => format!("migrations/{name}"),
        (_, true) => format!("migrations/V{version}__{words}.sql"),
        (_, false) => format!("migrations/{version}_{words}.sql"),
    }
}

fn by_seedbed(example: &Example) -> bool {
    example.flag("--runner").is_none_or(|it| it == "seedbed")
}

pub(super) fn lint(project: &Project, example: &Example) -> Vec<Found> {
    let how = match example.edited {
        Some(Edited::Before(_)) => "--base main",
        _ => "--database local.db",
    };
    let line = format!("lint {how} --format json {}", example.flags);
    let found = project.run(&line).json();
    let problems = found["problems"].as_array().cloned().unwrap_or_default();
    let word = |it: &serde_json::Value, key: &str| it[key].as_str().unwrap_or_default().to_owned();
    problems
        .iter()
        .map(|it| Found {
            code: word(it, "code"),
            severity: word(it, "severity"),
            message: word(it, "message"),
        })
        .collect()
}

/// Runs the file, and what comes behind it.
pub(super) fn harm(project: &Project, example: &Example) -> Harm {
    let said = match (example.flag("--target"), &example.edited) {
        (Some("libsql"), _) => match example.shows_something() {
            true => on_server(&Server::start(), example),
            false => return Harm::AsWritten,
        },
        (Some("turso"), _) => match std::env::var_os("SEEDBED_TEST_TURSO") {
            Some(_) => on_server(&Server::start(), example),
            None => return Harm::NotTried("the Turso engine is not at hand"),
        },
        (Some("sqlite"), _) => match by_shell(project, example) {
            Some(said) => said,
            None => return Harm::NotTried("the shell sqlite3 is not at hand"),
        },
        (_, Some(Edited::Hidden(text))) => {
            project.write(name(example, 2), text);
            let found = lint(project, example);
            match found.is_empty() {
                true => String::new(),
                false => return Harm::Other(format!("lint finds {found:?}")),
            }
        }
        _ if example
            .name
            .as_ref()
            .is_some_and(|it| it.starts_with("seeds/")) =>
        {
            waiting().block_on(by_another(
                project,
                &example.file,
                "PRAGMA foreign_keys = ON;",
            ))
        }
        _ if by_seedbed(example) => match &example.edited {
            Some(Edited::File(text)) => {
                let said = migrate(project);
                project.write(name(example, 2), text);
                said + &migrate(project)
            }
            _ => migrate(project),
        },
        (_, _) => {
            // sqlx, wrangler and drizzle begin a transaction; Prisma does not.
            let begin = match example.flag("--runner") {
                Some("prisma") => "PRAGMA foreign_keys = ON;",
                _ => "PRAGMA foreign_keys = ON; BEGIN;",
            };
            waiting().block_on(by_another(project, &example.file, begin))
        }
    };
    match &example.error {
        None if !said.is_empty() => return Harm::Other(format!("it is refused: {said}")),
        Some(words) if !said.contains(words.as_str()) => {
            return Harm::Other(format!("{words:?} is not in {said:?}"));
        }
        _ => {}
    }
    let mut faults = waiting().block_on(differences(project, &example.after));
    if !example.after_undo.is_empty() {
        let ran = project.run("undo --yes");
        assert_eq!(ran.code, Some(0), "{ran}");
        faults.extend(waiting().block_on(differences(project, &example.after_undo)));
    }
    match faults.is_empty() {
        true => Harm::AsWritten,
        false => Harm::Other(faults.join("\n")),
    }
}

/// What `migrate` says where it fails.
fn migrate(project: &Project) -> String {
    let Ran { code, stderr, .. } = project.run("migrate");
    match code {
        Some(0) => String::new(),
        _ => stderr,
    }
}

/// What the engine says of a file, sent in one piece behind `begin`.
async fn by_another(project: &Project, file: &str, begin: &str) -> String {
    let connection = project.connection(&[]).await;
    connection.execute_batch(begin).await.unwrap();
    let ran = connection.execute_batch(file).await.map(|_| ());
    let end = match (begin.contains("BEGIN"), ran.is_ok()) {
        (true, true) => "COMMIT",
        (true, false) => "ROLLBACK",
        (false, _) => "SELECT 1",
    };
    let ended = connection.execute_batch(end).await.map(|_| ());
    let error = ran.and(ended).err();
    error.map_or(String::new(), |it| it.to_string())
}

/// What a server says of the statements, each sent by itself.
fn on_server(server: &Server, example: &Example) -> String {
    let db = Db::remote(&server.url(), None, Options::default()).unwrap();
    let text = format!("{}\n{}", example.before, example.file);
    for statement in split(&text).unwrap() {
        let transaction = Transaction {
            foreign_keys: ForeignKeys::On,
            atomicity: Atomicity::Bare,
            steps: [Step::own(statement.text(&text), vec![])].into(),
        };
        let ran = waiting().block_on(db.run(vec![transaction], Arc::new(|_| {})));
        if let Err(failure) = ran {
            return format!("{failure:?}");
        }
    }
    String::new()
}

/// What the shell of SQLite says; none where there is none.
fn by_shell(project: &Project, example: &Example) -> Option<String> {
    let mut shell = project.other("sqlite3");
    shell.args(["-bail", ":memory:"]).stdin(Stdio::piped());
    let mut child = shell
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    let text = format!("{}\n{}", example.before, example.file);
    child.stdin.take()?.write_all(text.as_bytes()).ok()?;
    let output = child.wait_with_output().ok()?;
    Some(String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Statements that do not do what the page says, on one connection with foreign keys on.
async fn differences(project: &Project, after: &[Shown]) -> Vec<String> {
    let connection = project.connection(&["PRAGMA foreign_keys = ON"]).await;
    let mut faults = Vec::new();
    for Shown { sql, expected } in after {
        let found = rows(&connection, sql).await;
        let is_it = match (&found, expected) {
            (Ok(rows), Expected::Rows(expected)) => rows == expected,
            (Err(error), Expected::Error(words)) => error.contains(words.as_str()),
            _ => false,
        };
        if !is_it {
            faults.push(format!("{sql}\n  expected {expected:?}\n  found {found:?}"));
        }
    }
    faults
}

async fn rows(connection: &libsql::Connection, sql: &str) -> Result<Vec<String>, String> {
    let shown = |value: libsql::Value| match value {
        libsql::Value::Null => String::new(),
        libsql::Value::Integer(number) => number.to_string(),
        libsql::Value::Real(number) => number.to_string(),
        libsql::Value::Text(text) => text,
        libsql::Value::Blob(bytes) => format!("{bytes:?}"),
    };
    let error = |error: libsql::Error| error.to_string();
    let mut found = Vec::new();
    let mut rows = connection.query(sql, ()).await.map_err(error)?;
    while let Some(row) = rows.next().await.map_err(error)? {
        // Of a query plan, the last column is for people.
        let first = match sql.starts_with("EXPLAIN QUERY PLAN") {
            true => 3,
            false => 0,
        };
        let values = (first..row.column_count()).map(|at| shown(row.get_value(at).unwrap()));
        found.push(values.collect::<Vec<_>>().join("|"));
    }
    Ok(found)
}
