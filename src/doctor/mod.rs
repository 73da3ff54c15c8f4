//! Whether the job could run: from the settings step by step to a real read, each step a [`Check`].
//!
//! What is found becomes words in pure functions; `probe` is the edge that looks at files and the network. It never
//! writes, but for the lock of a sync, which it takes and releases, and no check shows a token.

mod findings;
#[doc(hidden)]
pub mod lock_file;
#[cfg(feature = "remote")]
mod network;
mod probe;

use std::sync::Arc;
use std::time::SystemTime;

use crate::config::{Config, ConfigError, Database, Row};
use crate::db::{self, Db, DbError, Engine, Query, if_accepted};
use crate::dump::integrity::{self, Depth};
use crate::dump::{Location, backup_files};
use crate::history::{self, HistoryError};
use crate::migrations::{self, Migrations, OutOfOrder, PlanOptions};
use crate::sql::Value;

/// One step on the way, and how it went.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Check {
    /// What was looked at, a stable name: `token`.
    pub name: &'static str,
    /// How it went.
    pub state: State,
    /// What was found, in one line.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The error beneath, where a database could not be read: it has words and help of its own.
    pub cause: Option<Arc<HistoryError>>,
}

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// As it should be.
    Ok,
    /// The job could run, with a warning.
    Warning,
    /// The job could not run.
    Error,
    /// It could not be looked at, or has no meaning here.
    Skipped,
}

impl State {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            State::Ok => "ok",
            State::Warning => "warning",
            State::Error => "error",
            State::Skipped => "skipped",
        }
    }
}

impl Check {
    fn new(name: &'static str, state: State, message: impl Into<String>) -> Check {
        Check {
            name,
            state,
            message: message.into(),
            help: None,
            cause: None,
        }
    }

    fn ok(name: &'static str, message: impl Into<String>) -> Check {
        Check::new(name, State::Ok, message)
    }

    fn warning(name: &'static str, message: impl Into<String>) -> Check {
        Check::new(name, State::Warning, message)
    }

    fn error(name: &'static str, message: impl Into<String>) -> Check {
        Check::new(name, State::Error, message)
    }

    fn skipped(name: &'static str, message: impl Into<String>) -> Check {
        Check::new(name, State::Skipped, message)
    }

    fn help(mut self, help: impl Into<String>) -> Check {
        self.help = Some(help.into());
        self
    }

    fn failed(name: &'static str, cause: HistoryError) -> Check {
        Check {
            cause: Some(Arc::new(cause)),
            ..Check::error(name, "cannot be read")
        }
    }
}

/// What is examined.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The settings.
    pub config: &'a Config,
    /// The same with their origins: [`crate::config::Resolved::rows`].
    pub rows: &'a [Row],
    /// The database of these settings, opened.
    pub db: &'a Db,
}

/// The checks of settings that do not hold. Nothing further can be looked at then.
pub fn misconfigured(error: &ConfigError) -> Vec<Check> {
    let problems = error.problems().iter().map(|problem| Check {
        help: problem.help.first().cloned(),
        ..Check::error("settings", problem.to_string())
    });
    let rest = ["server", "database", "records", "migrations"];
    let rest = rest.map(|name| Check::skipped(name, "not before the settings are right"));
    problems.chain(rest).collect()
}

/// Looks at everything, in order. `now` decides whether a token has expired.
pub async fn examine(subject: Subject<'_>, now: SystemTime) -> Vec<Check> {
    let Subject { config, rows, db } = subject;
    let mut checks = findings::settings(config, rows);
    let env_file = rows.iter().find(|row| row.name == "env file");
    if let Some(row) = env_file.filter(|row| row.value != "-")
        && let Some(others) = probe::others(&config.root.join(&row.value))
    {
        checks.extend(findings::env_file(&row.value, others, config));
    }
    if let Some(lock_file) = probe::lock_file(&config.root) {
        checks.extend(findings::engines(&lock_file));
    }
    let mut may_only_read = false;
    match &config.database.value {
        Database::Local { path } => {
            let file = probe::file(path);
            may_only_read = file.contents == probe::Contents::ReadOnly;
            checks.push(findings::file(&file));
            checks.extend(findings::abandoned(&file));
        }
        Database::Memory => {}
        Database::Remote { url, .. } | Database::Replica { url, .. } => {
            if let Database::Replica { file, .. } = &config.database.value {
                let tried = db::replica_facts(file)
                    .and_then(|facts| db::try_replica_files(file).map(|_| facts));
                let tried = match tried {
                    Ok(facts) => db.check_replica_file().await.map(|()| facts),
                    tried => tried,
                };
                checks.push(match tried {
                    Ok(facts) => findings::replica(facts.as_ref(), now),
                    Err(error) => Check::failed("replica", error.into()),
                });
            }
            checks.push(findings::url(url));
            checks.extend(findings::turso(url, &config.turso));
            checks.push(findings::token(config, now));
            checks.extend(probe::network(url, config.proxy.as_ref(), db).await);
        }
    }
    // A file that may only be read can be looked into.
    let stops = |check: &Check| {
        check.state == State::Error
            && findings::STOPS.contains(&check.name)
            && !(may_only_read && check.name == "file")
    };
    if checks.iter().any(stops) {
        let rest = ["read", "records", "migrations", "foreign keys"];
        checks.extend(rest.map(|name| Check::skipped(name, "the database cannot be reached")));
        return checks;
    }
    checks.extend(inside(subject).await);
    let location = Location::of(db);
    let folder = &config.backup.dir.value;
    let backups = backup_files::of_database(folder, &config.backup_name(), location.as_ref());
    let database_id = history::database_id(db).await.unwrap_or_default();
    let identity = location.as_ref().map(|it| (it, database_id.as_deref()));
    checks.extend(findings::backup(config, backups, identity, now));
    if let Err(error @ (DbError::OtherPrimary { .. } | DbError::OtherHistory { .. })) =
        db.follows_its_primary().await
    {
        checks.push(Check::failed("primary", error.into()));
    }
    checks
}

const ENGINE: &str = "SELECT sqlite_version()";

const MODULES: &str = "\
SELECT group_concat(name, ', ') FROM (SELECT name FROM pragma_module_list
WHERE name IN ('dbstat', 'fts5', 'geopoly', 'rtree', 'vector_top_k') ORDER BY name)";

/// The bytes up to which foreign keys and indexes are checked: that reads every row, and looks for it in others.
const CHECKED: i64 = 256 * 1024 * 1024;

/// Rows without their parent, and the size of the database. It stops counting where the number says no more, and does
/// not begin where the database is larger than `most` bytes.
fn orphans(most: i64) -> String {
    format!(
        "SELECT CASE WHEN size > {most} THEN NULL ELSE (SELECT count(*) FROM \
         (SELECT 1 FROM pragma_foreign_key_check LIMIT 1000)) END, size FROM \
         (SELECT p.page_count * s.page_size AS size FROM pragma_page_count p, pragma_page_size s)"
    )
}

/// The columns of the foreign keys that rows break. The Turso engine has no such table to be asked by hand.
const BROKEN: &str = "\
SELECT k.\"table\", k.fkid, f.\"table\", f.\"from\", \
(SELECT x.name FROM pragma_table_xinfo(f.\"table\") AS x \
WHERE x.name = f.\"to\" COLLATE NOCASE OR coalesce(f.\"to\", '') = '' AND x.pk = f.seq + 1) \
FROM (SELECT DISTINCT \"table\", fkid FROM pragma_foreign_key_check) AS k, pragma_foreign_key_list(k.\"table\") AS f \
WHERE f.id = k.fkid ORDER BY k.\"table\", k.fkid, f.seq LIMIT 20";

/// The queries that list the rows without their parent, where the engine has no table of them.
async fn listing(db: &Db, orphans: &Result<[Value; 2], DbError>) -> Vec<String> {
    let are_there = matches!(orphans, Ok([Value::Integer(1..), _]));
    if !are_there || db.engine() != Engine::Turso {
        return Vec::new();
    }
    // Without them, the number of the rows is still right.
    let columns = db.rows(Query::new(BROKEN)).await.unwrap_or_default();
    findings::listing(&columns)
}

/// The checks that read from the database.
async fn inside(subject: Subject<'_>) -> Vec<Check> {
    let Subject { config, db, .. } = subject;
    let mut checks = Vec::new();
    let queries = [ENGINE, MODULES, &orphans(CHECKED)].map(Query::new);
    let [version, modules, orphans] = match db.ask(queries).await {
        Ok(replies) => replies,
        Err(error) => {
            checks.push(Check::failed("read", error.into()));
            let rest = ["records", "migrations", "foreign keys"];
            checks.extend(rest.map(|name| Check::skipped(name, "the database cannot be read")));
            return checks;
        }
    };
    // Some engines do not list their modules.
    let modules = if_accepted(modules.row()).map(Option::unwrap_or_default);
    checks.push(match version.row().and_then(|it| Ok([it, modules?])) {
        Ok([[version], [modules]]) => {
            findings::read(version.as_str(), modules.as_str(), db.engine())
        }
        Err(error) => Check::failed("read", error.into()),
    });
    checks.push(match probe::latency(db).await {
        Ok(median) => findings::latency(median),
        Err(error) => Check::failed("latency", error.into()),
    });
    match history::read(db).await {
        Ok(history) => {
            checks.push(findings::records(&history));
            checks.push(findings::environment(&history, config));
            checks.push(migrations(subject, &history).await);
        }
        Err(error) => {
            checks.push(Check::failed("records", error));
            checks.push(Check::skipped("migrations", "the records cannot be read"));
        }
    }
    let orphans = orphans.row();
    let size = orphans.as_ref().ok().and_then(|[_, bytes]| bytes.as_i64());
    let depth = match size {
        Some(bytes) if bytes <= CHECKED => Depth::Full,
        _ => Depth::Quick,
    };
    let queries = listing(db, &orphans).await;
    checks.push(findings::foreign_keys(orphans, db.engine(), &queries));
    if db.engine() == Engine::Turso {
        checks.push(findings::foreign_keys_are_off());
    }
    let found = integrity::integrity(db, depth).await;
    checks.extend(findings::integrity(found, depth, size));
    if let Ok(broken) = history::not_compiling(db).await {
        checks.extend(findings::not_compiling(&broken));
    }
    checks
}

/// What `migrate` would find.
async fn migrations(subject: Subject<'_>, history: &history::History) -> Check {
    let Subject { config, db, .. } = subject;
    let set = match Migrations::read_dir_as(
        &config.migrations.value,
        config.layout.as_ref().map(|it| it.value),
    ) {
        Ok(set) => set,
        Err(error) => return findings::no_files(&error),
    };
    let history = match migrations::observe(db, &set).await {
        Ok(observed) => observed,
        Err(_) => history.clone(),
    };
    let options = PlanOptions {
        out_of_order: match config.out_of_order.value {
            true => OutOfOrder::Allow,
            false => OutOfOrder::Refuse,
        },
        ..PlanOptions::default()
    };
    let plan = migrations::plan(&set, &history, &options);
    findings::migrations(&plan, findings::access(config))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Options;
    use crate::sql::Value;

    #[tokio::test]
    async fn foreign_keys_of_a_large_database_are_not_checked() {
        let db = Db::memory(Options::default()).await.unwrap();
        for (most, expect) in [(-1, Value::Null), (CHECKED, Value::Integer(0))] {
            let reply = db.ask(Query::new(orphans(most))).await.unwrap();
            let [count, _] = reply.row().unwrap();
            assert_eq!(count, expect);
        }
    }
}
