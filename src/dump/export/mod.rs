//! A database as a dump: text from which `sqlite3` and our own import rebuild an equal one.
//!
//! Everything in it is of one state of the database, and the same content gives the same text, whatever the mode: the
//! schema in the order in which it was made, virtual tables behind other tables, rows by rowid or primary key. A row
//! that differs from another by its rowid alone keeps that. What the engine makes by itself is left out: the values of
//! generated columns, `sqlite_stat4`, what a vector index keeps.

mod catalogue;
mod error;
mod keywords;
mod plan;
mod writer;

use std::io::{ErrorKind, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use self::catalogue::Catalogue;
pub use self::error::ExportError;
use self::plan::Plan;
use self::writer::Writer;
use super::file::{NewFile, Readers, remove_stale};
use crate::db::{Db, DbError};
use crate::history;
use crate::setters::setters;

/// What of a database is written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ExportOptions {
    /// The tables and views to write, with their indexes and triggers; all where there is none.
    pub tables: Vec<String>,
    /// The schema, the rows, or both.
    pub what: Contents,
    /// Whether the records of Seedbed and of other migration tools are written.
    pub history: Records,
}

setters!(ExportOptions {
    tables: Vec<String>,
    what: Contents,
    history: Records,
});

/// Which part of the tables is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Contents {
    /// Schema and rows.
    #[default]
    Everything,
    /// The schema alone. With the records of Seedbed their rows are in it, so that a database that is made from it
    /// is at the same version; without them it is plain DDL, fit to be a migration.
    Schema,
    /// The rows alone, to go into tables that are there.
    Data,
}

/// Whether `_migrations`, the other tables in which Seedbed keeps its records, and the tables of other migration tools are
/// written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Records {
    /// They are.
    #[default]
    With,
    /// They are not, apart from a table of another tool that [`ExportOptions::tables`] names.
    Without,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Exported {
    /// Each table whose rows were written, in that order, and how many they were. A virtual table keeps its rows in
    /// others.
    pub tables: Vec<(String, u64)>,
    /// The length of the text.
    pub bytes: u64,
    /// The tables of other migration tools that were left out: see [`Records::Without`].
    pub of_other_tools: Vec<String>,
}

impl Exported {
    /// All rows together.
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|(_, rows)| rows).sum()
    }
}

/// How often the schema may change between reading it and reading the rows before that is an error.
const TRIES: usize = 50;

/// How many pieces of text wait at the most for `out`.
const AHEAD: usize = 4;

/// Writes a dump of `db` to `out`, in constant memory.
///
/// # Errors
/// [`ExportError`]. What `out` got before an error is no dump.
pub async fn export(
    db: &Db,
    options: &ExportOptions,
    out: &mut (dyn Write + Send),
) -> Result<Exported, ExportError> {
    export_noting(db, options, out, &WrittenTables::default()).await
}

/// The `CREATE TABLE` of each table that keeps the rows of an export, complete before its first byte is written.
#[derive(Debug, Clone, Default)]
pub(super) struct WrittenTables(Arc<Mutex<Vec<String>>>);

impl WrittenTables {
    pub(super) fn get(&self) -> Vec<String> {
        let tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tables.clone()
    }

    fn set(&self, catalogue: &Catalogue) {
        let is_plain = |object: &&catalogue::Object| {
            let table = catalogue.table(&object.name);
            object.kind == "table"
                && table.is_some_and(|table| !table.is_virtual)
                && !object.name.to_ascii_lowercase().starts_with("sqlite_")
        };
        let tables = catalogue.objects.iter().filter(is_plain);
        let tables = tables.filter_map(|object| object.sql.clone()).collect();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = tables;
    }
}

/// [`export()`], with the tables that it writes noted in `tables`.
pub(super) async fn export_noting(
    db: &Db,
    options: &ExportOptions,
    out: &mut (dyn Write + Send),
    tables: &WrittenTables,
) -> Result<Exported, ExportError> {
    for _ in 0..TRIES {
        let catalogue = Catalogue::read(db).await?;
        let is_whole = options.tables.is_empty() && options.what != Contents::Schema;
        if is_whole && let Some(table) = catalogue.table(history::UNFINISHED) {
            let has = |name: &str| table.columns.iter().any(|column| column.name == name);
            if !has("name") || !has("detail") {
                return Err(ExportError::Reserved {
                    table: history::UNFINISHED,
                });
            }
            if let Some(unfinished) = history::unfinished_import(db).await? {
                return Err(ExportError::Unfinished(Box::new(unfinished)));
            }
            continue;
        }
        tables.set(&catalogue);
        let plan = plan::plan(&catalogue, options, db.engine())?;
        let exported = streamed(db, plan, out).await;
        if let Some(exported) = exported.map_err(|error| lacking(error, &catalogue))? {
            return Ok(exported);
        }
    }
    Err(ExportError::Changing)
}

/// Names the table where the engine lacks the collation of its key: it names the collation alone.
fn lacking(error: ExportError, catalogue: &Catalogue) -> ExportError {
    let ExportError::Db(DbError::Read(engine)) = &error else {
        return error;
    };
    let words = "no such collation sequence: ";
    let Some((_, collation)) = engine.message.split_once(words) else {
        return error;
    };
    let by_it = |object: &&catalogue::Object| {
        let table = catalogue.table(&object.name);
        table.is_some_and(|table| {
            let mut key = table.key.iter();
            table.without_rowid && key.any(|it| it.collation.eq_ignore_ascii_case(collation))
        })
    };
    match catalogue.objects.iter().find(by_it) {
        Some(object) => ExportError::Collation {
            table: object.name.clone(),
            collation: collation.to_owned(),
        },
        None => error,
    }
}

/// Writes a dump of `db` to a new file, which appears whole or not at all. It is packed with gzip where its name ends in
/// `.gz`.
///
/// # Errors
/// As [`export()`]; [`ExportError::Exists`] where the file is there already.
pub async fn export_file(
    db: &Db,
    options: &ExportOptions,
    path: &Path,
) -> Result<Exported, ExportError> {
    let told = |source: std::io::Error| match source.kind() {
        ErrorKind::AlreadyExists => ExportError::Exists {
            path: path.to_path_buf(),
        },
        _ => ExportError::File {
            path: path.to_path_buf(),
            source,
        },
    };
    let mut file = NewFile::create(path, Readers::Usual).map_err(told)?;
    let _lock = file.lock();
    if let (Some(folder), Some(name)) = (file.partial().parent(), path.file_name()) {
        let folder = match folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => folder,
        };
        remove_stale(folder, &format!(".{}.", name.to_string_lossy()));
    }
    let exported = match export(db, options, &mut file).await {
        Err(ExportError::Write(error)) => return Err(told(error)),
        exported => exported?,
    };
    file.publish().map_err(told)?;
    Ok(exported)
}

/// `None`, and nothing written, where the schema is another one than the plan was made for.
async fn streamed(
    db: &Db,
    plan: Plan,
    out: &mut (dyn Write + Send),
) -> Result<Option<Exported>, ExportError> {
    let questions = plan.questions();
    let (send, receive) = tokio::sync::mpsc::channel::<Vec<u8>>(AHEAD);
    let writer = Writer::new(plan, send);
    let rows = async {
        // The writer's end of the channel goes with it, also where this fails.
        Ok(db.stream(questions, writer).await?.finish())
    };
    let written = async {
        let mut receive = receive;
        while let Some(piece) = receive.recv().await {
            out.write_all(&piece)?;
        }
        Ok(())
    };
    let (rows, written): (Result<_, crate::db::DbError>, std::io::Result<()>) =
        tokio::join!(rows, written);
    // Where nothing could be written, the rows were broken off.
    written.map_err(ExportError::Write)?;
    let Some((rest, exported)) = rows? else {
        return Ok(None);
    };
    out.write_all(&rest).map_err(ExportError::Write)?;
    out.flush().map_err(ExportError::Write)?;
    Ok(Some(exported))
}

#[cfg(test)]
mod tests;
