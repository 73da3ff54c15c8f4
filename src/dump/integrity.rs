//! Whether the pages and the indexes of a local database agree with its tables, as the engine's own check sees it. An
//! export reads tables and no indexes, so an index that contradicts its table shows nowhere else.

use crate::db::{Code, Db, DbError, EngineError, Query, if_accepted};
use crate::sql::{Value, check_constraints, identifier};

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

/// What a fault of the engine's check is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// A row that is there breaks a constraint, or its column does not keep its value.
    Row,
    /// Pages, or an index that contradicts its table.
    Damage,
}

impl FaultKind {
    /// Of a line of `integrity_check`: <https://sqlite.org/pragma.html#pragma_integrity_check>.
    pub(crate) fn of(fault: &str) -> FaultKind {
        const OF_ROWS: [&str; 3] = [
            " value in ",
            "CHECK constraint failed in ",
            "non-unique entry in index ",
        ];
        match OF_ROWS.iter().any(|words| fault.contains(words)) {
            true => FaultKind::Row,
            false => FaultKind::Damage,
        }
    }

    /// The faults of rows, and the damage.
    pub(crate) fn split(faults: &[String]) -> (Vec<String>, Vec<String>) {
        let faults = faults.iter().cloned();
        faults.partition(|fault| FaultKind::of(fault) == FaultKind::Row)
    }
}

/// What helps where rows break the constraints of their table.
pub(crate) const ROW_HELP: &str = "correct those rows, or change the constraint with a migration: a database that is built from these tables refuses them";

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
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
        Ok(rows) => {
            let found = without_uncheckable(of(&rows));
            with_broken_checks(db, found).await?
        }
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

/// FTS3 and FTS4 compare their index with the texts that they keep, and fail with an error of their own where they cannot
/// read these: the table keeps none, or needs a function of an application (`uncompress=`), or its content table is gone.
/// That says nothing about the index; of a damaged one the engine says `malformed`.
fn without_uncheckable(found: Integrity) -> Integrity {
    let Integrity::Damaged(mut faults) = found else {
        return found;
    };
    faults.retain(|fault| !is_unvalidated(fault));
    match faults.is_empty() {
        true => Integrity::Sound,
        false => Integrity::Damaged(faults),
    }
}

/// The engine reads no CHECK constraints on a connection that may only read, so its check passes rows that break them.
async fn with_broken_checks(db: &Db, found: Integrity) -> Result<Integrity, DbError> {
    const TABLES: &str = "SELECT name, sql FROM sqlite_schema \
                          WHERE type = 'table' AND rootpage > 0 AND instr(lower(sql), 'check')";
    let tables = db.rows::<2>(Query::new(TABLES)).await?;
    let questions = tables.iter().filter_map(|[name, sql]| {
        let (name, checks) = (name.as_str()?, check_constraints(sql.as_str()?));
        let table = identifier(name);
        let sql = format!(
            "SELECT 1 FROM {table} WHERE NOT {} LIMIT 1",
            checks.join(" OR NOT ")
        );
        (!checks.is_empty()).then(|| (name, Query::new(sql)))
    });
    let mut broken = Vec::new();
    for (name, reply) in db.ask(questions.collect::<Vec<_>>()).await? {
        // Where the engine lacks a function of the constraint, the restore of a backup reports it.
        if if_accepted(reply.rows::<1>())?.is_some_and(|rows| !rows.is_empty()) {
            broken.push(format!("CHECK constraint failed in {name}"));
        }
    }
    let mut faults = match found {
        Integrity::Damaged(faults) => faults,
        found if broken.is_empty() => return Ok(found),
        _ => Vec::new(),
    };
    broken.retain(|fault| !faults.contains(fault));
    faults.extend(broken);
    Ok(Integrity::Damaged(faults))
}

/// Whether FTS3 or FTS4 says that it could not check an index.
fn is_unvalidated(fault: &str) -> bool {
    fault.starts_with("unable to validate the inverted index for FTS")
        && fault.ends_with(": SQL logic error")
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
