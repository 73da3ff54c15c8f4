//! Whether the pages and the indexes of a local database agree with its tables, as the engine's own check sees it. An
//! export reads tables and no indexes, so an index that contradicts its table shows nowhere else.

use super::modules::is_contentless;
use crate::db::{Code, Db, DbError, EngineError, Query};
use crate::sql::{Value, identifier};

/// The page cache of a check.
const CACHE_KB: u32 = 8_000;

/// How many faults are read.
const MOST: usize = 20;

/// What is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Pages, and the constraints of rows: <https://sqlite.org/pragma.html#pragma_quick_check>.
    Quick,
    /// Each row in each index too: <https://sqlite.org/pragma.html#pragma_integrity_check>.
    Full,
}

impl Depth {
    /// The name of the pragma.
    pub(crate) fn pragma(self) -> &'static str {
        match self {
            Depth::Quick => "quick_check",
            Depth::Full => "integrity_check",
        }
    }
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Integrity {
    /// Nothing.
    Sound,
    /// These faults, in the engine's words.
    Damaged(Vec<String>),
    /// The engine cannot check: it lacks a function or a collation of the schema, for example.
    Unchecked(EngineError),
    /// It was not asked: a server keeps its pages to itself, and where only rows are counted nothing is checked.
    NotAsked,
}

/// What the check says of libSQL's own table of vector indexes after a `VACUUM`, which leaves it in another order.
const VECTORS: &str = "row not in PRIMARY KEY order for libsql_vector_meta_shadow";

/// Checks a database.
///
/// # Errors
/// The database cannot be opened, or the run is to stop.
pub(crate) async fn integrity(db: &Db, depth: Depth) -> Result<Integrity, DbError> {
    if db.engine().is_server() {
        return Ok(Integrity::NotAsked);
    }
    let pragma = depth.pragma();
    let query = Query::new(format!("SELECT {pragma} FROM pragma_{pragma} LIMIT {MOST}"));
    // The connection is one for this call. Rows are looked up in indexes in no order: with the usual 2 MB most of the time
    // goes into reading pages again.
    let cache = Query::new(format!("PRAGMA cache_size = -{CACHE_KB}"));
    let [_, found] = db.ask([cache, query]).await?;
    Ok(match found.rows::<1>() {
        Ok(rows) => without_contentless(db, of(&rows)).await?,
        Err(DbError::Read(error))
            if matches!(
                error.code,
                Code::Other(_) | Code::Corrupt | Code::NotADatabase
            ) =>
        {
            Integrity::Unchecked(error)
        }
        Err(error) => return Err(error),
    })
}

/// What mends faults of indexes in the database `file`: statements that make them again from their tables.
pub(crate) fn repairs(faults: &[String], file: &str) -> Vec<String> {
    let full_text: Vec<&str> = faults.iter().filter_map(|fault| full_text(fault)).collect();
    let mut repairs = Vec::new();
    if full_text.len() < faults.len() {
        repairs.push(format!(
            "where only indexes are named, `sqlite3 {file} REINDEX` makes them again from their tables"
        ));
    }
    repairs.extend(full_text.iter().map(|table| {
        let name = identifier(table);
        format!(
            "`INSERT INTO {name} ({name}) VALUES ('rebuild')` makes the full-text index of {table} again from its rows"
        )
    }));
    repairs
}

/// The table of a full-text index that contradicts it. `REINDEX` does not know such indexes.
fn full_text(fault: &str) -> Option<&str> {
    let rest = fault.strip_prefix("malformed inverted index for FTS")?;
    rest.split_once(" table main.").map(|(_, table)| table)
}

/// FTS4 compares its index with the texts that it keeps, and fails with an error of its own where it keeps none: that
/// says nothing about the index.
async fn without_contentless(db: &Db, found: Integrity) -> Result<Integrity, DbError> {
    const SQL: &str = "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?1";
    let Integrity::Damaged(mut faults) = found else {
        return Ok(found);
    };
    let uncheckable: Vec<String> = faults
        .iter()
        .filter_map(|fault| unvalidated(fault).map(str::to_owned))
        .collect();
    for table in uncheckable {
        let query = Query {
            args: vec![table.as_str().into()],
            ..Query::new(SQL)
        };
        let rows = db.rows::<1>(query).await?;
        let sql = rows.first().and_then(|[sql]| sql.as_str());
        if sql.is_some_and(is_contentless) {
            faults.retain(|fault| unvalidated(fault) != Some(&table));
        }
    }
    Ok(match faults.is_empty() {
        true => Integrity::Sound,
        false => Integrity::Damaged(faults),
    })
}

/// The table of which FTS3 or FTS4 says that it could not be checked. Of a damaged one it says `malformed`.
fn unvalidated(fault: &str) -> Option<&str> {
    let rest = fault.strip_prefix("unable to validate the inverted index for FTS")?;
    let (_, table) = rest.split_once(" table main.")?;
    table.strip_suffix(": SQL logic error")
}

fn of(rows: &[[Value; 1]]) -> Integrity {
    let lines = rows.iter().flatten().filter_map(Value::as_str);
    let lines = lines.flat_map(str::lines);
    // A heading, which says in which database it is.
    let lines = lines.filter(|line| !line.starts_with("***") && *line != VECTORS);
    let faults: Vec<String> = lines.map(str::to_owned).collect();
    match faults.as_slice() {
        [] if !rows.is_empty() => Integrity::Sound,
        [fault] if fault == "ok" => Integrity::Sound,
        _ => Integrity::Damaged(faults),
    }
}
