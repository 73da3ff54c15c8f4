//! A database of some mode and a set of files: what every specification begins with.

use std::time::Duration;

use seedbed::db::{Db, HistoryTable, Options, Query, Rows, Transaction};
use seedbed::diagnostic::Diagnostic;
use seedbed::history::{History, read};
use seedbed::migrations::{
    Adopted, ApplyError, Back, Grouping, Migrations, Outcome, PlanOptions, Repair, UndoOptions,
    apply, ignore, repair, undo,
};
use seedbed::script::{Atomicity, ForeignKeys, Run, Step};
use seedbed::sql::Value;

use crate::server::Server;

/// A new and empty database, which goes with the value.
pub(crate) struct World {
    pub(crate) db: Db,
    _folder: Option<tempfile::TempDir>,
    _server: Option<Server>,
}

/// Short, so that a specification about waiting does not wait long.
pub(crate) const LOCK_TIMEOUT: Duration = Duration::from_millis(700);

fn options() -> Options {
    Options::default().lock_timeout(LOCK_TIMEOUT)
}

impl World {
    /// A database that goes with something else.
    pub(crate) fn of(db: Db) -> World {
        World {
            db,
            _folder: None,
            _server: None,
        }
    }

    pub(crate) async fn local() -> World {
        let folder = tempfile::tempdir().unwrap();
        World {
            db: Db::local(folder.path().join("app.db"), options()).unwrap(),
            _folder: Some(folder),
            _server: None,
        }
    }

    pub(crate) async fn memory() -> World {
        World {
            db: Db::memory(options()).await.unwrap(),
            _folder: None,
            _server: None,
        }
    }

    pub(crate) async fn remote() -> World {
        let server = Server::start();
        World {
            db: Db::remote(&server.url(), None, options()).unwrap(),
            _folder: None,
            _server: Some(server),
        }
    }

    /// What is asked is asked of the primary; the file follows by `sync`.
    pub(crate) async fn replica() -> World {
        let server = Server::start();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("replica.db");
        World {
            db: Db::replica(file, &server.url(), None, options()).unwrap(),
            _folder: Some(folder),
            _server: Some(server),
        }
    }

    /// The same database with its history in this table.
    pub(crate) fn with_history_table(mut self, name: &str) -> World {
        self.db = self.db.with_history_table(HistoryTable::new(name).unwrap());
        self
    }

    pub(crate) async fn apply(&self, files: &[(&str, &str)]) -> Result<Outcome, ApplyError> {
        self.apply_with(files, PlanOptions::default()).await
    }

    pub(crate) async fn apply_with(
        &self,
        files: &[(&str, &str)],
        options: PlanOptions,
    ) -> Result<Outcome, ApplyError> {
        apply(
            &self.db,
            &set(files),
            &options,
            &Run::new("test"),
            &ignore(),
        )
        .await
    }

    pub(crate) async fn undo(&self, back: Back) -> Result<Outcome, ApplyError> {
        let options = UndoOptions::default()
            .back(back)
            .grouping(Grouping::All)
            .adopted(Adopted::Refuse);
        undo(&self.db, &options, &Run::new("test"), &ignore()).await
    }

    pub(crate) async fn repair(
        &self,
        files: &[(&str, &str)],
        what: Repair,
    ) -> Result<Outcome, ApplyError> {
        repair(&self.db, &set(files), &what, &Run::new("test"), &ignore()).await
    }

    pub(crate) async fn history(&self) -> History {
        read(&self.db).await.unwrap()
    }

    /// The applied versions in the order in which they were recorded, as `V1 V2 R__views`.
    pub(crate) async fn recorded(&self) -> String {
        let keys: Vec<String> = self
            .history()
            .await
            .rows
            .iter()
            .map(|row| row.key.to_string())
            .collect();
        keys.join(" ")
    }

    /// The rows of a query, values joined by `|`, rows by a blank.
    pub(crate) async fn ask(&self, sql: &str) -> String {
        ask(&self.db, sql).await
    }

    /// Runs statements that no migration has.
    pub(crate) async fn statements(&self, statements: &[&str]) {
        let steps = statements.iter().map(|sql| Step::own(*sql, vec![]));
        let transaction = Transaction {
            foreign_keys: ForeignKeys::Off,
            atomicity: Atomicity::Transaction,
            steps: steps.collect(),
        };
        let sink = std::sync::Arc::new(|_| {});
        self.db.run(vec![transaction], sink).await.unwrap();
    }

    /// The names of the tables that are not Seedbed's, sorted.
    pub(crate) async fn tables(&self) -> String {
        self.ask(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
             AND name <> '_migrations' ORDER BY name",
        )
        .await
    }
}

pub(crate) fn set(files: &[(&str, &str)]) -> Migrations {
    Migrations::from_files(
        files
            .iter()
            .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())),
    )
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        Value::Blob(bytes) => format!("{bytes:?}"),
    }
}

/// The codes of the problems of a refused run, joined by a blank.
pub(crate) fn problem_codes(result: Result<Outcome, ApplyError>) -> String {
    match result {
        Err(ApplyError::Problems { problems, .. }) => codes(&problems),
        other => panic!("problems were expected, and there was {other:?}"),
    }
}

pub(crate) fn codes(problems: &[Diagnostic]) -> String {
    let codes: Vec<&str> = problems.iter().map(|problem| problem.code).collect();
    codes.join(" ")
}

/// The engine's words for a failed statement, and the place of the statement.
pub(crate) fn failure(result: Result<Outcome, ApplyError>) -> String {
    let error = match result {
        Err(ApplyError::Script(error)) => error,
        other => panic!("a failed script was expected, and there was {other:?}"),
    };
    match &error.failed.part {
        seedbed::history::Part::Step(step) => {
            let origin = step.origin().unwrap();
            let place = seedbed::sql::place(
                &origin.source.text,
                origin.span.start + error.offset.unwrap_or(0),
            );
            format!(
                "{}:{}:{}: {}",
                origin.source.name, place.line, place.column, error.failed
            )
        }
        part => format!("{part:?}: {}", error.failed),
    }
}

/// The words of the versions that an outcome tells of.
pub(crate) fn done(outcome: &Outcome) -> String {
    let keys: Vec<String> = outcome
        .done
        .iter()
        .map(|unit| unit.key.to_string())
        .collect();
    keys.join(" ")
}

/// The rows of a query, values joined by `|`, rows by a blank.
pub(crate) async fn ask(db: &Db, sql: &str) -> String {
    let mut answers = db.query(vec![Query::new(sql)]).await.unwrap();
    let rows: Rows = answers
        .remove(0)
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    let rows: Vec<String> = rows
        .iter()
        .map(|row| row.iter().map(shown).collect::<Vec<_>>().join("|"))
        .collect();
    rows.join(" ")
}
