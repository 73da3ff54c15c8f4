//! A backup back into a new or empty database: its checksum first, then an import, then the mark of the environment,
//! which belonged to the database that was backed up.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::backup_files::{Condition, condition};
use super::import::{
    self, Header, ImportError, ImportOptions, Imported, Input, OnImport, Violations,
};
use crate::db::{Db, DbError, Query};
use crate::drive::{ApplyError, Decision, Reader, drive, ignore};
use crate::history::{self, History};
use crate::script::{Atomicity, ForeignKeys, Key, Record, Run, Script, Unit};
use crate::sql::Value;

/// A backup is in the database.
#[derive(Debug)]
#[non_exhaustive]
pub struct Restored {
    /// What was imported.
    pub imported: Imported,
    /// Whether there was a checksum, which was right.
    pub checked: Checked,
    /// What happened to the mark.
    pub mark: Marked,
}

/// Whether a file is known to be unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Checked {
    /// It has the checksum that is beside it.
    Same,
    /// It has that checksum, and was not known to restore when it was taken.
    Unproven,
    /// There is none beside it.
    Unsigned,
}

/// What happened to the mark of the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Marked {
    /// There was none, and none was asked for.
    Never,
    /// The database is marked as this one.
    As(String),
    /// The backup was of a database marked as this one; the new one has no mark.
    Cleared(String),
}

/// Why a backup was not restored, or not all of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// The file was changed or damaged.
    #[error("{} is not the file that its checksum was made of", .0.display())]
    Damaged(PathBuf),
    /// The file, or its checksum, cannot be read.
    #[error("{} or its checksum cannot be read", .0.display())]
    Unreadable(PathBuf),
    /// The file flows by only once.
    #[error("{} is not a regular file: a backup is read twice, and a pipe or a device flows by only once", .0.display())]
    Flows(PathBuf),
    /// The database is not empty.
    #[error("the database is not empty: it has {}", some(tables))]
    NotEmpty {
        /// Some of its tables and views.
        tables: Vec<String>,
    },
    /// The database cannot be looked at.
    #[error(transparent)]
    Db(#[from] DbError),
    /// It cannot be imported.
    #[error(transparent)]
    Import(Box<ImportError>),
    /// Everything is restored except the mark.
    #[error("the backup is restored, and the mark of its environment was not set")]
    Mark(#[source] Box<ApplyError>),
}

/// How many tables are named.
const NAMED: usize = 5;

/// Some names, and how many more there are.
pub(crate) fn some(tables: &[String]) -> String {
    let named: Vec<String> = tables
        .iter()
        .take(NAMED)
        .map(|name| format!("`{name}`"))
        .collect();
    match tables.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

/// Whether a file has its checksum; it reads the whole file.
///
/// # Errors
/// [`RestoreError::Damaged`], [`RestoreError::Unreadable`] and [`RestoreError::Flows`].
pub fn checked(file: &Path) -> Result<Checked, RestoreError> {
    if let Err(_) | Ok(false) = file.try_exists() {
        return Err(RestoreError::Unreadable(file.to_path_buf()));
    }
    if file
        .metadata()
        .is_ok_and(|it| !it.is_file() && !it.is_dir())
    {
        return Err(RestoreError::Flows(file.to_path_buf()));
    }
    match condition(file) {
        Condition::Good => Ok(Checked::Same),
        Condition::Unproven => Ok(Checked::Unproven),
        Condition::Unsigned => Ok(Checked::Unsigned),
        Condition::Damaged => Err(RestoreError::Damaged(file.to_path_buf())),
        Condition::Unreadable => Err(RestoreError::Unreadable(file.to_path_buf())),
    }
}

/// Whether a backup may go into this database: there is nothing in it, or what this restore has begun.
///
/// # Errors
/// [`RestoreError::NotEmpty`], and where it cannot be looked at.
pub async fn is_free(db: &Db, file: &Path) -> Result<(), RestoreError> {
    let name = file.file_name().map(|name| name.to_string_lossy());
    is_free_for(db, name.as_deref()).await
}

/// The same for an import that is recorded under this name.
pub(super) async fn is_free_for(db: &Db, name: Option<&str>) -> Result<(), RestoreError> {
    const OBJECTS: &str = "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    let rows = db.rows::<1>(Query::new(OBJECTS)).await?;
    let tables: Vec<String> = rows
        .iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    if tables.is_empty() || tables.iter().any(|table| table == history::UNFINISHED) {
        return Ok(());
    }
    // Where all came and the mark did not, the same command goes on with that.
    let rows = match history::read(db).await {
        Ok(history) => history.rows,
        Err(_) => Vec::new(),
    };
    let begun = rows
        .iter()
        .any(|row| matches!(row.key, Key::Import(_)) && name == Some(row.name.as_str()));
    match begun {
        true => Ok(()),
        false => Err(RestoreError::NotEmpty { tables }),
    }
}

/// Imports a backup whose checksum was looked at, and marks the database as `mark`, or as nothing.
///
/// # Errors
/// [`RestoreError`].
pub async fn restore(
    db: &Db,
    file: &Path,
    checked: Checked,
    mark: Option<&str>,
    run: &Run,
    on_event: OnImport,
) -> Result<Restored, RestoreError> {
    is_free(db, file).await?;
    let options = ImportOptions {
        // The database that was backed up had them.
        violations: Violations::Allow,
        header: Header::OfTheDump,
        ..ImportOptions::default()
    };
    let input = Input::File(file.to_path_buf());
    let imported = import::import(db, &input, &options, run, on_event)
        .await
        .map_err(|error| RestoreError::Import(Box::new(error)))?;
    // A table of that name that is not Seedbed's holds no mark.
    let mark = match (&imported.foreign_history, mark) {
        (Some(_), None) => Marked::Never,
        (_, mark) => marked(db, mark, run).await?,
    };
    Ok(Restored {
        imported,
        checked,
        mark,
    })
}

async fn marked(db: &Db, mark: Option<&str>, run: &Run) -> Result<Marked, RestoreError> {
    let mut marking = Marking {
        mark,
        marked: Marked::Never,
    };
    drive(db, run, &ignore(), &mut marking)
        .await
        .map_err(|error| RestoreError::Mark(Box::new(error)))?;
    Ok(marking.marked)
}

/// Makes the mark what it is to be.
struct Marking<'a> {
    mark: Option<&'a str>,
    marked: Marked,
}

impl Reader for &mut Marking<'_> {
    fn texts(&self, _: &History) -> Vec<Key> {
        Vec::new()
    }

    fn decide(&mut self, history: &History) -> Decision {
        let record;
        (record, self.marked) = match (&history.environment, self.mark) {
            // It was cleared by a copy of this decision, or there was none.
            (None, None) => return Decision::default(),
            (was, Some(mark)) => {
                let is_other = was.as_deref() != Some(mark);
                let record = is_other.then(|| Record::Mark(mark.to_owned()));
                (record, Marked::As(mark.to_owned()))
            }
            (Some(was), None) => {
                let record = Some(Record::Delete(Key::Environment));
                (record, Marked::Cleared(was.clone()))
            }
        };
        let script = record.map(|record| Script {
            expects: history.revision,
            foreign_keys: ForeignKeys::On,
            atomicity: Atomicity::Transaction,
            units: vec![Unit {
                record,
                steps: Arc::default(),
            }],
        });
        Decision {
            scripts: script.into_iter().collect(),
            ..Decision::default()
        }
    }
}
