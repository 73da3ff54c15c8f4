//! A local database that is read as the dump that it would make: whether all of its rows can be read, and whether
//! another database would keep them as they are. A dump reads tables and no indexes, and reads past a damaged page
//! without an error, so nothing else shows either. It only reads.

use std::time::Duration;

use super::integrity::{Depth, FaultKind, Integrity, integrity, repairs};
use super::verify::{Unkept, unkept};
use super::{DumpError, Input};
use crate::db::{Code, DbError, Stop};
use crate::diagnostic::{Class, Diagnostic};
use crate::schema::Affinity;
use crate::sql::identifier;

/// How many faults are named behind the first.
const NAMED: usize = 4;

/// Refuses a local database that the engine's own check finds damaged; any other input passes. What cannot change is
/// checked once.
///
/// # Errors
/// [`DumpError::Database`], and [`DumpError::Open`] where it cannot be checked or `stop` is raised meanwhile.
pub(super) async fn refuse_damaged(
    input: &Input,
    stop: &Stop,
    lock_timeout: Duration,
) -> Result<(), DumpError> {
    let is_sound = input.is_sound();
    if is_sound.is_some_and(|it| it.get().is_some()) {
        return Ok(());
    }
    check(input, stop, lock_timeout).await?;
    if let Some(is_sound) = is_sound {
        let _ = is_sound.set(());
    }
    Ok(())
}

async fn check(input: &Input, stop: &Stop, lock_timeout: Duration) -> Result<(), DumpError> {
    let name = input.name();
    let checked = match input.local_database(stop, lock_timeout) {
        Ok(Some(db)) => integrity(&db, Depth::Full).await,
        Ok(None) => return Ok(()),
        Err(error) => Err(error),
    };
    let faults = match checked {
        // The engine cannot even read the schema.
        Err(error) if is_damage(&error) => vec![words(&error)],
        checked => match checked.map_err(|error| unread(&name, error))? {
            Integrity::Damaged(faults) => faults,
            Integrity::Unchecked(error)
                if matches!(error.code, Code::Corrupt | Code::NotADatabase) =>
            {
                vec![error.message]
            }
            // What the engine lacks to check it, it lacks to build it.
            Integrity::Sound | Integrity::Unchecked(_) | Integrity::NotAsked => return Ok(()),
        },
    };
    // An import of rows that break a constraint has words of its own.
    let (_, faults) = FaultKind::split(&faults);
    match faults.is_empty() {
        true => Ok(()),
        false => Err(damaged(name, &faults)),
    }
}

/// Whether pages cannot be read.
fn is_damage(error: &DbError) -> bool {
    matches!(error.code(), Some(Code::Corrupt | Code::NotADatabase))
}

/// The engine's words, where they are its.
fn words(error: &DbError) -> String {
    match error {
        DbError::Read(error) => error.message.clone(),
        error => error.to_string(),
    }
}

/// A source with these faults: at least one.
fn damaged(name: String, faults: &[String]) -> DumpError {
    let (first, more) = faults
        .split_first()
        .map_or(("", faults), |(first, more)| (first.as_str(), more));
    let rest = more.len().saturating_sub(NAMED);
    let problem = Diagnostic::error("damaged-source", format!("{name} is damaged: {first}"))
        .notes(more.iter().take(NAMED))
        .notes((rest > 0).then(|| format!("and {rest} more")))
        .note("rows that cannot be read would be missing without an error")
        .help(format!(
            "take a backup of it; else `sqlite3 {name} .recover | sqlite3 NEW.db` writes what can still be read into a new \
             database"
        ))
        .helps(repairs(faults, &name));
    DumpError::Database {
        name,
        problems: vec![problem.class(Class::Failed)],
    }
}

/// Refuses a local database with values that its own columns do not keep; any other input passes.
///
/// # Errors
/// [`DumpError::Database`], and [`DumpError::Open`] where it cannot be read or `stop` is raised meanwhile.
pub(super) async fn refuse_unkept(
    input: &Input,
    stop: &Stop,
    lock_timeout: Duration,
) -> Result<(), DumpError> {
    let name = input.name();
    let found = match input.local_database(stop, lock_timeout) {
        Ok(Some(db)) => unkept(&db).await,
        Ok(None) => return Ok(()),
        Err(error) => Err(error),
    };
    // What the engine lacks to read a table, the export names with the table.
    if matches!(&found, Err(DbError::Read(error)) if matches!(error.code, Code::Other(_))) {
        return Ok(());
    }
    let found = match found {
        Err(error) if is_damage(&error) => return Err(damaged(name, &[words(&error)])),
        found => found.map_err(|error| unread(&name, error))?,
    };
    match found.is_empty() {
        true => Ok(()),
        false => Err(DumpError::Database {
            problems: found.iter().map(|unkept| problem(&name, unkept)).collect(),
            name,
        }),
    }
}

fn problem(name: &str, unkept: &Unkept) -> Diagnostic {
    let Unkept {
        table,
        column,
        rows,
        rowid,
        first: (value, kept),
        ..
    } = unkept;
    let affinity = match unkept.affinity {
        Affinity::Text => "TEXT",
        Affinity::Integer => "INTEGER",
        Affinity::Real => "REAL",
        Affinity::Numeric => "NUMERIC",
        Affinity::Blob => "BLOB",
    };
    let (rows, have) = match rows {
        1 => ("1 row".to_owned(), "has"),
        rows => (format!("{rows} rows"), "have"),
    };
    let which = rowid.map(|rowid| format!(" (rowid {rowid})"));
    let (quoted_table, quoted_column) = (identifier(table), identifier(column));
    Diagnostic::error(
        "changed-value",
        format!(
            "{rows} of {table} in {name} {have} a value in {table}.{column} that another database would not keep: the \
             column has the affinity {affinity} now"
        ),
    )
    .class(Class::Failed)
    .note(format!(
        "the first is {value}{}, which would become {kept}",
        which.unwrap_or_default()
    ))
    .help(format!(
        "give the column back a type that keeps its values, or convert them as the column does: \
         `UPDATE {quoted_table} SET {quoted_column} = {quoted_column}`"
    ))
}

fn unread(name: &str, error: DbError) -> DumpError {
    DumpError::Open {
        name: name.to_owned(),
        cause: std::io::Error::other(error),
    }
}
