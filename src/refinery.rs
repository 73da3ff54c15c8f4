//! refinery on libSQL: [`Driver`] lets refinery's own `Runner` work on every mode of [`Db`], with refinery's own table.
//!
//! For projects that have refinery already and want its history kept. It is the only file that names `refinery_core`;
//! nothing else here knows of it, and `_migrations` is not touched.
//!
//! ```
//! use refinery_core::{Migration, Runner};
//! use seedbed::db::{Db, Options};
//! use seedbed::refinery::Driver;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let migrations = [Migration::unapplied("V1__users", "CREATE TABLE users (id TEXT);")?];
//! let mut driver = Driver(Db::memory(Options::default()).await?);
//! let report = Runner::new(&migrations).run_async(&mut driver).await?;
//! assert_eq!(report.applied_migrations().len(), 1);
//! # Ok(())
//! # }
//! ```

use std::sync::Arc;

use refinery_core::traits::r#async::{AsyncMigrate, AsyncQuery, AsyncTransaction};
use refinery_core::{Migration, SchemaVersion};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::db::{Db, DbError, EngineError, Failure, Query, Transaction};
use crate::migrations::Migrations;
use crate::script::{Atomicity, ForeignKeys, Origin, Source, Step};
use crate::sql::{Kind, Value, What, kind, split};

/// A database that refinery's `Runner` can run on.
#[derive(Debug, Clone)]
pub struct Driver(pub Db);

/// The error that refinery gets.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DriverError {
    /// The text of a migration cannot be split into statements; the first reason.
    #[error("a migration cannot be split into statements: {0}")]
    Split(String),
    /// A transaction failed, and was rolled back.
    #[error(transparent)]
    Run(#[from] Failure),
    /// The database cannot be read.
    #[error(transparent)]
    Db(#[from] DbError),
    /// refinery's table cannot be read.
    #[error("cannot read refinery's table")]
    Read(#[source] EngineError),
    /// A row of refinery's table is none that refinery writes.
    #[error("a row of refinery's table cannot be read: {0}")]
    Row(String),
}

impl AsyncTransaction for Driver {
    type Error = DriverError;

    /// Runs all texts in one transaction. As for Seedbed's own migrations, foreign keys are off where a table is
    /// dropped: otherwise that would delete the rows that refer to it.
    async fn execute<'a, T: Iterator<Item = &'a str> + Send + 'a>(
        &'a mut self,
        queries: T,
    ) -> Result<usize, DriverError> {
        let mut steps = Vec::new();
        let mut foreign_keys = ForeignKeys::On;
        let mut count = 0;
        for query in queries {
            count += 1;
            let source = Arc::new(Source {
                name: "refinery".to_owned(),
                text: query.into(),
            });
            let statements = split(query).map_err(|errors| {
                let first = errors.first().map(ToString::to_string);
                DriverError::Split(first.unwrap_or_default())
            })?;
            for statement in statements {
                let text = statement.text(query);
                if matches!(kind(text), Kind::Drop(object) if object.what == What::Table) {
                    foreign_keys = ForeignKeys::Off;
                }
                steps.push(Step::written(Origin {
                    source: source.clone(),
                    span: statement.span,
                }));
            }
        }
        let transaction = Transaction {
            foreign_keys,
            atomicity: Atomicity::Transaction,
            steps: steps.into(),
        };
        self.0.run(vec![transaction], Arc::new(|_| {})).await?;
        Ok(count)
    }
}

impl AsyncQuery<Vec<Migration>> for Driver {
    async fn query<'a>(&'a mut self, query: &'a str) -> Result<Vec<Migration>, DriverError> {
        let rows = self
            .0
            .rows(Query::new(query))
            .await
            .map_err(|error| match error {
                DbError::Read(error) => DriverError::Read(error),
                error => error.into(),
            })?;
        rows.iter().map(applied).collect()
    }
}

impl AsyncMigrate for Driver {}

impl FromIterator<Migration> for Migrations {
    /// Takes a set that refinery's `embed_migrations!` made: the same versions, words and texts, to be run by Seedbed.
    /// A migration without a text (one that was applied) has nothing to run and is a problem of the set.
    fn from_iter<T: IntoIterator<Item = Migration>>(migrations: T) -> Migrations {
        Migrations::from_files(migrations.into_iter().map(|migration| {
            let text = migration.sql().unwrap_or_default().as_bytes().to_vec();
            (format!("{migration}.sql"), text)
        }))
    }
}

/// A row of refinery's table: version, name, RFC 3339, checksum.
fn applied(row: &[Value; 4]) -> Result<Migration, DriverError> {
    let unreadable = || DriverError::Row(format!("{row:?}"));
    let [version, name, applied_on, checksum] = row;
    let text = |value: &Value| match value {
        Value::Text(text) => Ok(text.clone()),
        Value::Integer(number) => Ok(number.to_string()),
        _ => Err(unreadable()),
    };
    let version: SchemaVersion = text(version)?.parse().map_err(|_| unreadable())?;
    let applied_on =
        OffsetDateTime::parse(&text(applied_on)?, &Rfc3339).map_err(|_| unreadable())?;
    let checksum = text(checksum)?.parse().map_err(|_| unreadable())?;
    Ok(Migration::applied(
        version,
        text(name)?,
        applied_on,
        checksum,
    ))
}
