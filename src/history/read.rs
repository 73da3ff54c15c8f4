//! Reading the history: one request, and never a write.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use serde_json::Map;

use super::error::HistoryError;
use super::guards::LEFT_BROKEN;
use super::known::{Known, SEARCH_INDEXES, references, search_indexes};
use super::layout::{DATABASE_ID, LAYOUT, UNFINISHED, makes_ours};
use super::mark::{self, SchemaMark};
use super::others::{self, OtherHistory};
use super::packed;
use super::patience::Patience;
use crate::db::{
    Code, Db, DbError, Engine, EngineError, HistoryTable, Query, Questions, Reply, exists,
    if_accepted,
};
use crate::diagnostic::{Diagnostic, dump_as_typed};
use crate::schema;
use crate::script::{Key, Made, Revision};
use crate::sql::{Value, identifier};

/// What `_migrations` says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct History {
    /// The engine of the database that it was read from, which a plan is made for.
    pub engine: Engine,
    /// The table that it is in.
    pub table: HistoryTable,
    /// The revision to plan on.
    pub revision: Revision,
    /// The mark that the first seeding set.
    pub environment: Option<String>,
    /// Everything recorded, in the order in which it happened.
    pub rows: Vec<Row>,
    /// An import that was begun and not finished: until it is, nothing else may change the database.
    pub unfinished: Option<Unfinished>,
    /// What other tools have recorded, where no migration is recorded here: the database is not empty then.
    pub others: Vec<OtherHistory>,
    /// The tables and views that there are, in lower case, where there is no `_migrations`.
    pub tables: HashSet<String>,
    /// The objects of the schema, where a repeatable is recorded and they were looked at.
    pub objects: Option<Objects>,
    /// What the guards of a run need to know of the schema.
    pub known: Known,
    /// The adopted migrations that were undone: the history that they were taken from is out of date.
    pub undone: Vec<i64>,
    /// What a run left broken for its later files, and ended before they repaired it.
    pub left_broken: Vec<serde_json::Value>,
    /// Whether the schema is known to be the one that the recorded migrations make.
    pub schema: SchemaMark,
}

/// Objects of a schema: the table or view that each is on, by type and name. All in lower case.
pub type Objects = HashMap<(String, String), String>;

/// An import that was begun and not finished, as [`UNFINISHED`](super::UNFINISHED) tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unfinished {
    /// The dump.
    pub name: String,
    /// The line of the dump that it has come to, from 1.
    pub line: u64,
    /// By the database's clock, `YYYY-MM-DDTHH:MM:SS.sssZ`.
    pub started_at: String,
    /// Whether its rows go into tables that were there before.
    pub into_existing: bool,
    /// The command that goes on with it, where that is no `import`.
    pub command: Option<String>,
    /// The file of the dump as it was given; none in the records of earlier versions.
    pub path: Option<String>,
    /// Whether a process on this machine is importing it now.
    pub is_running: bool,
    /// Of a server, which does not tell whether an import is running: how many seconds ago it wrote, where that was just now.
    pub written_s: Option<u8>,
}

/// How many seconds ago an import has written that may be running.
const JUST_NOW: u8 = 30;

/// `2026-11-21T22:12:51.123Z` as people read it: `2026-11-21 22:12:51 UTC`. Anything else stays as it is.
pub(crate) fn moment(recorded: &str) -> String {
    let shape = |text: &str| {
        text.bytes()
            .map(|byte| if byte.is_ascii_digit() { b'0' } else { byte })
            .collect::<Vec<u8>>()
    };
    match shape(recorded).as_slice() {
        b"0000-00-00T00:00:00.000Z" => {
            format!("{} {} UTC", &recorded[..10], &recorded[11..19])
        }
        _ => recorded.to_owned(),
    }
}

impl Unfinished {
    /// The command that goes on with it.
    pub(crate) fn again(&self) -> String {
        let flag = match self.into_existing {
            true => " --into-existing",
            false => "",
        };
        let dump = self.path.as_deref().unwrap_or(&self.name);
        let import = || format!("import {}{flag}", dump_as_typed(dump));
        self.command.clone().unwrap_or_else(import)
    }

    /// What stops every other change.
    pub(crate) fn diagnostic(&self) -> Diagnostic {
        if self.is_running {
            return Diagnostic::problem("unfinished-import", self.to_string())
                .help("wait until it has ended: `migrate` does so by itself");
        }
        let again = self.again();
        let wait = self
            .written_s
            .map(|_| "wait until it has ended; only if its process is gone:");
        Diagnostic::problem("unfinished-import", self.to_string())
            .helps(wait)
            .help(format!(
                "`{again}` continues it, `{again} --restart` removes what it has written"
            ))
    }
}

/// One recorded migration, repeatable, seed or import.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What it is about.
    pub key: Key,
    /// The words of the file name.
    pub name: String,
    /// sha256 of the text as applied.
    pub checksum: String,
    /// Of a seed: hash of what its file amounted to.
    pub effective: Option<String>,
    /// Whether it finished.
    pub state: State,
    /// By the database's clock, `YYYY-MM-DDTHH:MM:SS.sssZ`.
    pub applied_at: String,
    /// Whole milliseconds.
    pub duration_ms: Option<i64>,
    /// The run that wrote the row.
    pub run_id: String,
    /// Who ran it.
    pub applied_by: String,
    /// What else was remembered.
    pub detail: Map<String, serde_json::Value>,
    /// Whether a down text was recorded.
    pub has_down: bool,
    /// The recorded text, where it was asked for: [`read_with_texts`].
    pub source: Option<String>,
    /// The recorded down text, where it was asked for.
    pub down: Option<String>,
}

impl Row {
    /// When an undo outside of a transaction began, and who runs it, where the row tells of one.
    pub(crate) fn undoing(&self) -> Option<(&str, &str)> {
        let undoing = self.detail.get(super::UNDOING)?;
        let text = |key: &str| undoing.get(key).and_then(serde_json::Value::as_str);
        Some((
            text("at").unwrap_or_default(),
            text("by").unwrap_or_default(),
        ))
    }
}

impl std::fmt::Display for Unfinished {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Unfinished { name, line, .. } = self;
        if self.is_running {
            let what = self.command.as_ref().map_or("import", |_| "copy");
            return write!(
                f,
                "the {what} of {name} into this database is running: it has come to line {line}"
            );
        }
        if let Some(seconds) = self.written_s {
            let what = self.command.as_ref().map_or("import", |_| "copy");
            return write!(
                f,
                "the {what} of {name} into this database is running or was stopped just now: it reached line {line} {seconds} s ago"
            );
        }
        if self.command.is_some() {
            return write!(f, "the copy of {name} into this database was not finished");
        }
        write!(
            f,
            "the import of {name} was not finished: it has come to line {line}"
        )
    }
}

/// Whether what a row tells of has finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// It is in the database.
    Applied,
    /// It runs, or died while it ran, outside of any transaction.
    Started,
}

impl History {
    /// Index of rows by key, for repeated lookups.
    pub fn by_key(&self) -> HashMap<&Key, &Row> {
        self.rows.iter().map(|row| (&row.key, row)).collect()
    }

    /// Whether a migration is recorded.
    pub(crate) fn has_migrations(&self) -> bool {
        self.rows.iter().any(|row| row.key.is_migration())
    }

    /// The row with this key. It looks at one row after the other.
    pub fn row(&self, key: &Key) -> Option<&Row> {
        self.rows.iter().find(|row| row.key == *key)
    }

    /// Those of these objects that are not in the database; none where its schema was not looked at.
    pub(crate) fn gone<'a>(&self, objects: &'a [Made]) -> Vec<&'a Made> {
        let is_gone = |made: &&Made| self.objects.is_some() && self.table_of(made).is_none();
        objects.iter().filter(is_gone).collect()
    }

    /// The table or view that an object is on now, in lower case; its own name where it is one.
    pub(crate) fn table_of(&self, made: &Made) -> Option<&str> {
        let name = made.name.to_ascii_lowercase();
        let mut types = made.types().iter();
        types.find_map(|it| {
            let key = ((*it).to_owned(), name.clone());
            self.objects.as_ref()?.get(&key).map(String::as_str)
        })
    }

    /// Recorded versions of migrations with their rows, ascending.
    pub fn versions(&self) -> Vec<(i64, &Row)> {
        let mut versions: Vec<(i64, &Row)> = self
            .rows
            .iter()
            .filter_map(|row| match row.key {
                Key::Migration(version) => Some((version, row)),
                _ => None,
            })
            .collect();
        versions.sort_by_key(|(version, _)| *version);
        versions
    }

    /// The highest applied version: what the database "is at".
    pub fn version(&self) -> Option<i64> {
        self.rows
            .iter()
            .filter(|row| row.state == State::Applied)
            .filter_map(|row| match row.key {
                Key::Migration(version) => Some(version),
                _ => None,
            })
            .max()
    }
}

/// The first pause before a history is read again that two requests have shown in different states.
const BETWEEN_READS: Duration = Duration::from_millis(200);

/// A view or an index of this name is in the way of the table.
const WHAT_IT_IS: &str = "\
SELECT type FROM sqlite_schema WHERE lower(name) = '_migrations' AND type IN ('table', 'view', 'index')";

/// Without `_migrations`, the tables that others made.
const TABLES: &str = "\
SELECT lower(name) FROM sqlite_schema WHERE type IN ('table', 'view') \
AND NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE lower(name) = '_migrations')";

/// The same where `_migrations` has no migration: a seed and an import make that table too. Without it the query fails.
const TABLES_BESIDE: &str = "\
SELECT lower(name) FROM sqlite_schema WHERE type IN ('table', 'view') AND lower(name) <> '_migrations' \
AND NOT EXISTS (SELECT 1 FROM _migrations WHERE kind IN ('migration', 'repeatable'))";

/// The objects of the schema, where a repeatable is recorded. Without `_migrations` the query fails, as the next two.
const OBJECTS: &str = "\
SELECT type, lower(name), lower(tbl_name) FROM sqlite_schema \
WHERE EXISTS (SELECT 1 FROM _migrations WHERE kind = 'repeatable')";

/// Tables that may be a history under another name. One row for each, with its statement.
const ELSEWHERE: &str = "\
SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND lower(name) <> '_migrations' \
AND sql LIKE '%checksum%run_id%applied_by%source%'";

const META: &str = "SELECT version, detail FROM _migrations WHERE kind = 'meta'";

/// The same, and what a run has left broken.
fn meta() -> String {
    format!("{META} UNION ALL {LEFT_BROKEN}")
}

/// The id of the database, which its history keeps; none where it has none. A database that was copied by `restore` or
/// `import` has another one.
///
/// # Errors
/// The database cannot be read.
pub async fn database_id(db: &Db) -> Result<Option<String>, DbError> {
    let table = db.history_table();
    let id = Query::new(table.sql(DATABASE_ID)).if_there(table.name());
    // Where the table is another tool's, it lacks the columns.
    let rows = if_accepted(db.rows::<1>(id).await)?.unwrap_or_default();
    Ok(rows.iter().flatten().find_map(text).map(str::to_owned))
}

/// Gives a database file that was copied from another one an id of its own. One without an id stays as it is.
///
/// # Errors
/// [`DbError::Read`] where the file cannot be written.
#[cfg(feature = "testing")]
pub async fn identify_copy(path: &std::path::Path, table: &HistoryTable) -> Result<(), DbError> {
    use super::layout::IDENTIFY_COPY;
    use crate::db::{Access, Raw};
    let raw = Raw::open(&path.to_string_lossy(), Access::Write).await;
    let raw = raw.map_err(|source| DbError::Open {
        path: path.to_path_buf(),
        source,
    })?;
    match raw.execute(&table.sql(IDENTIFY_COPY)) {
        Err(error) if !error.is_about_the_statement() => Err(DbError::Read(error)),
        _ => Ok(()),
    }
}

const ROWS: &str = "\
SELECT kind, version, name, checksum, state, applied_at, duration_ms, run_id, applied_by, detail, down IS NOT NULL, effective
FROM _migrations WHERE kind <> 'meta' ORDER BY rowid";

/// An import into existing tables makes none.
const IMPORT: &str = "\
SELECT name, line, started_at, \
(SELECT count(*) FROM json_each(detail, '$.tables') WHERE value ->> 'before' IS NOT NULL), \
detail ->> '$.command', detail ->> '$.path', \
CAST(strftime('%s', 'now') - strftime('%s', written_at) AS INTEGER) FROM _seedbed_import";

/// The unfinished import of a database that has its table.
pub(crate) async fn unfinished_import(db: &Db) -> Result<Option<Unfinished>, DbError> {
    let rows = db.rows(Query::new(IMPORT)).await?;
    Ok(rows.first().and_then(|row| unfinished(row, db)))
}

/// Reads the history, without the recorded texts. A database without `_migrations` has an empty one.
///
/// # Errors
/// [`HistoryError::NotOurs`] and [`HistoryError::Newer`] where the table is not one that this version may touch.
pub async fn read(db: &Db) -> Result<History, HistoryError> {
    let (history, found, _) = read_beside(db, None::<Query>).await?;
    with_others(db, history, found).await
}

/// Adds the histories of other tools, where a further request has to read them.
pub(super) async fn with_others(
    db: &Db,
    mut history: History,
    found: others::Found,
) -> Result<History, HistoryError> {
    history.others = others::others(db, &history, found).await?;
    Ok(history)
}

/// Reads it, and asks something else in the same request. The histories of other tools are not read: only which there are.
///
/// # Errors
/// As [`read`].
pub(super) async fn read_beside<Q: Questions>(
    db: &Db,
    beside: Q,
) -> Result<(History, others::Found, Q::Answers), HistoryError> {
    let import = Query::new(IMPORT).if_there(UNFINISHED);
    let table = db.history_table();
    let meta = meta();
    let queries = [
        WHAT_IT_IS,
        &meta,
        ROWS,
        OBJECTS,
        TABLES,
        TABLES_BESIDE,
        ELSEWHERE,
    ]
    .map(|sql| Query::new(table.sql(sql)));
    let known = [schema::OBJECTS.to_owned(), references()].map(Query::new);
    let indexes = Query::new(SEARCH_INDEXES);
    let mark = Query::new(table.sql(&mark::question()));
    let questions = (
        queries,
        (
            (Query::new(others::question()), import),
            (known, (indexes, (mark, beside))),
        ),
    );
    let (
        [what, meta, rows, objects, tables, tables_beside, elsewhere],
        ((of_others, import), ([triggers, references], (indexes, (mark, of_beside)))),
    ) = db.ask(questions).await?;
    let mut history = History {
        engine: db.engine(),
        table: table.clone(),
        unfinished: import.rows()?.first().and_then(|row| unfinished(row, db)),
        tables: names(&tables.rows()?).collect(),
        known: Known {
            // An engine without full-text search may have no virtual tables.
            indexes: search_indexes(&if_accepted(indexes.rows())?.unwrap_or_default()),
            ..Known::new(triggers.rows()?, &references.rows()?)
        },
        // Without the table, and on an engine without such a number, it fails.
        schema: SchemaMark::of(&if_accepted(mark.rows())?.unwrap_or_default()),
        ..history(what.rows()?, meta, rows, table)?
    };
    let mut keys = history.rows.iter().map(|row| &row.key);
    if keys.any(|key| matches!(key, Key::Repeatable(_))) {
        history.objects = Some(self::objects(objects)?);
    }
    if history.revision == Revision::NONE {
        can_be_made(history.engine, table)?;
    }
    if !history.has_migrations() {
        if history.tables.is_empty() && history.revision != Revision::NONE {
            history.tables.extend(names(&tables_beside.rows()?));
        }
        not_elsewhere(db, &elsewhere.rows()?)?;
    }
    Ok((history, others::found(&of_others.rows()?), of_beside))
}

fn names(rows: &[[Value; 1]]) -> impl Iterator<Item = String> {
    rows.iter().flatten().filter_map(text).map(str::to_owned)
}

fn objects(reply: Reply) -> Result<Objects, HistoryError> {
    let owned = |value: &Value| text(value).unwrap_or_default().to_owned();
    let rows = reply.rows()?;
    let objects = rows
        .iter()
        .map(|[what, name, table]| ((owned(what), owned(name)), owned(table)));
    Ok(objects.collect())
}

/// Fails where the engine would refuse the table that the first change makes: commands that look say so, too.
fn can_be_made(engine: Engine, table: &HistoryTable) -> Result<(), HistoryError> {
    let makes = format!("CREATE TABLE {} (x)", identifier(table.name()));
    match engine.refusal(&makes) {
        None => Ok(()),
        Some(why) => Err(HistoryError::Refused {
            table: table.clone(),
            why,
        }),
    }
}

/// Fails where this database has its history in a table of another name: all of its migrations would run again.
fn not_elsewhere(db: &Db, tables: &[[Value; 2]]) -> Result<(), HistoryError> {
    for [name, sql] in tables {
        if let (Some(name), Some(sql)) = (text(name), text(sql))
            && makes_ours(sql)
            && !db.ignores(name)
        {
            return Err(HistoryError::Elsewhere {
                table: db.history_table().clone(),
                found: name.to_owned(),
            });
        }
    }
    Ok(())
}

fn unfinished(row: &[Value; 7], db: &Db) -> Option<Unfinished> {
    let [name, line, started_at, existing, command, path, written] = row;
    Some(Unfinished {
        name: text(name)?.to_owned(),
        line: u64::try_from(number(line)?).ok()?,
        started_at: text(started_at)?.to_owned(),
        into_existing: number(existing).is_some_and(|tables| tables > 0),
        command: text(command).map(str::to_owned),
        path: text(path).map(str::to_owned),
        is_running: db.running_import().is_some(),
        written_s: number(written)
            .and_then(|seconds| u8::try_from(seconds).ok())
            .filter(|seconds| db.engine() == Engine::Server && *seconds <= JUST_NOW),
    })
}

/// Makes a history of three answers.
fn history(
    what: Vec<[Value; 1]>,
    meta: Reply,
    rows: Reply,
    table: &HistoryTable,
) -> Result<History, HistoryError> {
    let [[what], ..] = &what[..] else {
        return Ok(History::default());
    };
    let not_ours = || HistoryError::NotOurs {
        what: text(what).unwrap_or("table").to_owned(),
        table: table.clone(),
    };
    // A table of another tool lacks the columns, or the rows.
    let meta = meta.rows().map_err(|error| match error {
        DbError::Read(error) if error.is_about_the_statement() => not_ours(),
        error => error.into(),
    })?;
    let layout = of(&meta, "layout").and_then(number).ok_or_else(not_ours)?;
    if layout > LAYOUT {
        return Err(HistoryError::Newer {
            found: layout,
            known: LAYOUT,
            table: table.clone(),
        });
    }
    let revision = of(&meta, "revision")
        .and_then(number)
        .ok_or_else(|| unreadable("the revision is missing"))?;
    Ok(History {
        revision: Revision(revision),
        environment: of(&meta, "environment").and_then(text).map(str::to_owned),
        undone: of(&meta, "undone")
            .and_then(text)
            .and_then(|json| serde_json::from_str(json).ok())
            .unwrap_or_default(),
        left_broken: of(&meta, "left_broken")
            .and_then(text)
            .and_then(|json| serde_json::from_str(json).ok())
            .unwrap_or_default(),
        rows: rows
            .rows()?
            .iter()
            .map(recorded)
            .collect::<Result<_, _>>()?,
        ..History::default()
    })
}

fn recorded(row: &[Value; 12]) -> Result<Row, HistoryError> {
    let [
        kind,
        version,
        name,
        checksum,
        state,
        applied_at,
        duration,
        run_id,
        by,
        detail,
        has_down,
        effective,
    ] = row;
    let owned = |value| text(value).unwrap_or_default().to_owned();
    let kind = owned(kind);
    let key = match (kind.as_str(), version) {
        ("migration", Value::Integer(version)) => Key::Migration(*version),
        ("repeatable", Value::Text(name)) => Key::Repeatable(name.clone()),
        ("seed", Value::Text(name)) => Key::Seed(name.clone()),
        ("import", Value::Text(name)) => Key::Import(name.clone()),
        _ => return Err(unreadable(&format!("kind {kind:?}, version {version:?}"))),
    };
    let state = match text(state) {
        Some("applied") => State::Applied,
        Some("started") => State::Started,
        _ => return Err(unreadable(&format!("{key} is in state {state:?}"))),
    };
    Ok(Row {
        state,
        name: owned(name),
        checksum: owned(checksum),
        applied_at: owned(applied_at),
        duration_ms: number(duration),
        run_id: owned(run_id),
        applied_by: owned(by),
        detail: text(detail)
            .and_then(|json| serde_json::from_str(json).ok())
            .unwrap_or_default(),
        has_down: number(has_down) == Some(1),
        effective: text(effective).map(str::to_owned),
        source: None,
        down: None,
        key,
    })
}

/// Reads the history, and the recorded texts of those rows of it that `wanted` names: a second request, only where it
/// names any. Both are of one revision: where another run changed the history between the two, it is read again.
///
/// # Errors
/// As [`read`], and [`Code::Busy`] where the two requests show different states for longer than the lock timeout.
pub async fn read_with_texts(
    db: &Db,
    wanted: impl Fn(&History) -> Vec<Key>,
) -> Result<History, HistoryError> {
    add_texts(db, read(db).await?, wanted).await
}

/// As [`read_with_texts`], of a history that was read already.
///
/// # Errors
/// As [`read`].
pub async fn add_texts(
    db: &Db,
    mut history: History,
    wanted: impl Fn(&History) -> Vec<Key>,
) -> Result<History, HistoryError> {
    let mut patience = Patience::new(db);
    loop {
        let keys = wanted(&history);
        if keys.is_empty() || texts_of(db, &mut history, &keys).await? == history.revision {
            return Ok(history);
        }
        let pause = match patience.saw(&history) {
            true => Ok(()),
            false => patience.pass(BETWEEN_READS).await,
        };
        if pause.is_err() {
            return Err(DbError::Read(EngineError::interrupted()).into());
        }
        if patience.is_over() {
            let message = "each read shows another state of its history";
            return Err(DbError::Read(EngineError::new(Code::Busy, message)).into());
        }
        history = read(db).await?;
    }
}

const TEXTS: &str = "SELECT source, down FROM _migrations WHERE kind = ?1 AND version = ?2";

/// Adds the recorded texts of these rows, and tells the revision that they are of.
async fn texts_of(db: &Db, history: &mut History, keys: &[Key]) -> Result<Revision, HistoryError> {
    let table = db.history_table();
    let of_key = |key| Query {
        sql: table.sql(TEXTS).into_owned(),
        args: vec![Key::kind(key).into(), key.version()],
    };
    let texts: Vec<_> = keys.iter().map(|key| (key, of_key(key))).collect();
    let queries = [exists(table.name()), Query::new(table.sql(META))];
    let ([there, meta], texts) = db.ask((queries, texts)).await?;
    // Without the table there is no revision, and no text.
    if there.rows::<1>()?.is_empty() {
        return Ok(Revision::default());
    }
    let mut rows = HashMap::new();
    for (key, reply) in texts {
        rows.insert(key, reply.rows()?);
    }
    for row in &mut history.rows {
        if let Some([[source, down], ..]) = rows.get(&row.key).map(Vec::as_slice) {
            row.source = packed::recorded(source)?;
            row.down = packed::recorded(down)?;
        }
    }
    let meta = meta.rows()?;
    let revision = of(&meta, "revision").and_then(number);
    Ok(Revision(revision.unwrap_or_default()))
}

/// The value of a `meta` row.
fn of<'a>(meta: &'a [[Value; 2]], name: &str) -> Option<&'a Value> {
    meta.iter()
        .find(|[row, _]| text(row) == Some(name))
        .map(|[_, value]| value)
}

/// Who took the last revisions.
pub(super) struct LastRuns {
    revision: Revision,
    /// One id for each revision, newest first.
    ids: Vec<String>,
}

impl LastRuns {
    /// Whether the history has left this revision behind. Reads may lag behind writes: an older one tells nothing.
    pub(super) fn is_past(&self, revision: Revision) -> bool {
        self.revision.0 > revision.0
    }

    /// Whether a script of this run that expected this revision happened.
    pub(super) fn took(&self, expects: Revision, run_id: &str) -> bool {
        usize::try_from(self.revision.0 - expects.next().0)
            .ok()
            .and_then(|back| self.ids.get(back))
            .is_some_and(|id| id == run_id)
    }
}

/// Reads who took the last revisions.
pub(super) async fn last_runs(db: &Db) -> Result<LastRuns, HistoryError> {
    let sql = "SELECT detail, name FROM _migrations WHERE kind = 'meta' AND version = 'revision'";
    // Without the table nothing happened.
    let table = db.history_table();
    let query = Query::new(table.sql(sql)).if_there(table.name());
    let rows = db.rows(query).await?;
    Ok(match &rows[..] {
        [[revision, ids], ..] => LastRuns {
            revision: Revision(number(revision).unwrap_or_default()),
            ids: text(ids)
                .unwrap_or_default()
                .split(' ')
                .map(str::to_owned)
                .collect(),
        },
        _ => LastRuns {
            revision: Revision::NONE,
            ids: Vec::new(),
        },
    })
}

fn unreadable(what: &str) -> HistoryError {
    HistoryError::Unreadable {
        what: what.to_owned(),
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// `detail` has the affinity of text, so numbers come back as text.
fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(number) => Some(*number),
        Value::Text(text) => text.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_lose_their_milliseconds_and_odd_ones_stay() {
        assert_eq!(
            moment("2026-11-21T22:12:51.123Z"),
            "2026-11-21 22:12:51 UTC"
        );
        assert_eq!(moment("yesterday ü"), "yesterday ü");
        assert_eq!(moment(""), "");
    }
}
