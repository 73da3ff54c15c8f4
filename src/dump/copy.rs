//! Any database or dump into another database, whatever engines they are on: read as the dump that it would make while
//! it is written, and every value compared at the end. No file lies between the two.
//!
//! A copy is an import with three differences: the target must be empty, the target gets an identity of its own, and
//! what is compared is what was read, since the database that it was read from may have changed.

use super::backup_error::Doubt;
use super::import::{
    self, Header, ImportError, ImportOptions, Imported, Input, OnImport, Planned, Violations,
};
use super::restore::{RestoreError, is_free_for};
use super::verify::{Level, Verified, VerifyError, verify};
use crate::db::{Db, DbError};
use crate::script::Run;

/// A copy is in the database.
#[derive(Debug)]
#[non_exhaustive]
pub struct Copied {
    /// What was written.
    pub imported: Imported,
    /// How it compares with what was read.
    pub verified: Verified,
}

/// Why a database was not copied, or not all of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// The target has content that this copy has not written.
    #[error("the target of a copy must be empty")]
    NotEmpty {
        /// Some of its tables and views.
        tables: Vec<String>,
    },
    /// The engine here lacks a collation, a function or a tokenizer that objects of the source need.
    #[error("the target cannot have all objects of the source")]
    Lacking(Vec<Doubt>),
    /// The target cannot be looked at.
    #[error(transparent)]
    Db(DbError),
    /// It cannot be imported.
    #[error(transparent)]
    Import(Box<ImportError>),
    /// All of it is in the target, and it could not be compared.
    #[error(transparent)]
    Unverified(VerifyError),
    /// All of it is in the target, and the second reading of the source differs from what was written.
    #[error("what was read to compare the copy with is not what was copied")]
    Unlike,
}

impl From<ImportError> for CopyError {
    fn from(error: ImportError) -> CopyError {
        CopyError::Import(Box::new(error))
    }
}

/// Plans a copy. Nothing is written.
///
/// # Errors
/// Those of [`copy`] that show before anything is written.
pub async fn plan(from: &Input, to: &Db, options: &ImportOptions) -> Result<Planned, CopyError> {
    may_begin(from, to, options).await?;
    Ok(import::plan(to, from, options).await?)
}

/// Copies. `command` continues the copy if this run is stopped; it is recorded until the copy is done, and
/// must hold no secret.
///
/// # Dropping the future
/// As [`import`](import::import).
///
/// # Errors
/// [`CopyError`] says why not, and what is in the target.
pub async fn copy(
    from: &Input,
    to: &Db,
    options: &ImportOptions,
    run: &Run,
    on_event: OnImport,
    command: &str,
) -> Result<Copied, CopyError> {
    may_begin(from, to, options).await?;
    let options = &ImportOptions {
        header: Header::OfTheDump,
        ..*options
    };
    let imported = import::import_by(to, from, options, run, on_event, Some(command)).await?;
    let verified = match from {
        Input::Database(live) => {
            let witness = live.witness().ok_or(CopyError::Unlike)?;
            let compared = witness.compare(to, &imported.sha256, from).await;
            let compared = compared.map_err(CopyError::Unverified)?;
            compared.ok_or(CopyError::Unlike)?
        }
        from => verify(to, from, Level::Full)
            .await
            .map_err(CopyError::Unverified)?,
    };
    Ok(Copied { imported, verified })
}

/// Refuses what can be refused before anything is read or written.
async fn may_begin(from: &Input, to: &Db, options: &ImportOptions) -> Result<(), CopyError> {
    match is_free_for(to, Some(&from.recorded())).await {
        Ok(()) => {}
        Err(RestoreError::NotEmpty { tables }) => return Err(CopyError::NotEmpty { tables }),
        Err(RestoreError::Db(error)) => return Err(CopyError::Db(error)),
        // It says nothing else.
        Err(_) => return Err(CopyError::Unlike),
    }
    if let Input::Database(live) = from
        && options.violations == Violations::Refuse
    {
        import::refuse_orphans_of(live.db())
            .await
            .map_err(ImportError::from)?;
    }
    let lacking = lacking(from, to).await?;
    match lacking.is_empty() {
        true => Ok(()),
        false => Err(CopyError::Lacking(lacking)),
    }
}

/// The objects of the source that the engine here cannot create: they need what belongs to an application. A dump is read
/// once more for that. What a server has is not known.
async fn lacking(from: &Input, to: &Db) -> Result<Vec<Doubt>, ImportError> {
    let whole = || from.can_be_read_again().then(|| from.clone());
    let Some(schema) = from
        .schema()
        .or_else(whole)
        .filter(|_| !to.engine().is_server())
    else {
        return Ok(Vec::new());
    };
    Ok(import::lacking(&schema, to.stop()).await?)
}
