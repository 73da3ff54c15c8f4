//! A migrated and seeded database for each test.
//!
//! ```
//! use seedbed::sql::Value;
//!
//! #[derive(serde::Deserialize)]
//! struct User {
//!     email: String,
//!     phone: Option<String>,
//! }
//!
//! # /*
//! #[tokio::test]
//! # */
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> { admins_can_be_called().await }
//! async fn admins_can_be_called() -> Result<(), Box<dyn std::error::Error>> {
//!     let db = seedbed::testing::database("test").await?;
//!     // Give `db.path()` to the application under test.
//!     assert!(db.path().exists());
//!     // Rows by the labels of the seeds, as types.
//!     let admin: User = db.row("users", "admin").await?;
//!     assert_eq!(admin.email, "admin@xswarm.dev");
//!     assert!(admin.phone.is_some());
//!     assert_eq!(db.key("users", "admin")?, [("id".to_owned(), Value::from("admin-456"))]);
//!     Ok(())
//! }
//! ```
//!
//! The first test that asks makes a template, a file below `target/seedbed/templates`, and every test gets a copy of it
//! below `target/seedbed/tests`. A copy is removed when the test ends without a panic. When the test panics, the copy
//! is kept and its path is printed. A test that fails by returning an error has not panicked: to look at its database,
//! call [`TestDatabase::keep`].
//!
//! The name of a template is a hash of everything that its content follows from: the text of every migration and seed
//! of the environment, its tags, this crate's version, and the day (UTC). So an edited file makes a new template; and
//! no `!now` and no `CURRENT_TIMESTAMP` in a template is older than a day. The files are read once per process. Any
//! number of tests, threads and processes may ask at the same time: one makes the template, the others wait for it.
//!
//! No test can reach a database that an application uses: no `.env`, no URL and no variable of the environment is read
//! but `CARGO_MANIFEST_DIR` and `CARGO_TARGET_DIR`, which say where the project and its `target` are. Of `config.toml`,
//! the folders of migrations and seeds matter. So a seed with `!env` gets its default, and one without a default is an
//! error that says so.
//!
//! [`memory`] gives a database in memory instead. It costs more than a copy of the file (SQLite writes the template
//! into it, page by page) and can be reached through [`TestDatabase::db`] only.

mod error;
mod labels;
mod options;
mod place;
mod row;
mod seal;
mod template;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;

pub use error::TestingError;
pub use options::Options;
pub use place::{InMemory, OnDisk};

use crate::db::{Db, Query};
use crate::history;
use crate::sql::{Value, identifier};
use template::Template;

/// How often a template that others remove is made again.
const TRIES: usize = 3;

/// A database of one test. It is removed when this is dropped, unless the thread panics.
#[derive(Debug)]
pub struct TestDatabase<P = OnDisk> {
    db: Db,
    template: Arc<Template>,
    place: P,
}

/// A new database file with the migrations and the seeds of an environment, of the project that the test is in.
///
/// # Errors
/// [`TestingError`], with every problem of every file in it.
pub async fn database(environment: &str) -> Result<TestDatabase, TestingError> {
    database_with(&Options::here(environment)?).await
}

/// The same as the options say.
///
/// # Errors
/// As [`database`].
pub async fn database_with(options: &Options) -> Result<TestDatabase, TestingError> {
    // Before the first pause: later another thread might go on.
    let name = place::test_name();
    let folder = options.folder.join("tests");
    let copy = async |template: &Template| {
        let place = OnDisk::copy(&template.database, &folder, &name)?;
        history::identify_copy(place.path(), &options.history_table).await?;
        let db = Db::local(place.path(), options.of_database())?;
        Ok((db, place))
    };
    filled(options, copy).await
}

/// A new database in memory with the migrations and the seeds of an environment, of the project that the test is in.
///
/// # Errors
/// As [`database`].
pub async fn memory(environment: &str) -> Result<TestDatabase<InMemory>, TestingError> {
    memory_with(&Options::here(environment)?).await
}

/// The same as the options say.
///
/// # Errors
/// As [`database`].
pub async fn memory_with(options: &Options) -> Result<TestDatabase<InMemory>, TestingError> {
    let copy = async |template: &Template| {
        let db = Db::memory_of(&template.database, options.of_database()).await?;
        Ok((db, InMemory))
    };
    filled(options, copy).await
}

/// Fills a database from the template, which is made where it is missing.
async fn filled<P>(
    options: &Options,
    copy: impl AsyncFn(&Template) -> Result<(Db, P), TestingError>,
) -> Result<TestDatabase<P>, TestingError> {
    let mut tries = 0;
    loop {
        let template = template::known(options).await?;
        tries += 1;
        match copy(&template).await {
            Ok((db, place)) => {
                return Ok(TestDatabase {
                    db,
                    template,
                    place,
                });
            }
            // It was removed: by `cargo clean`, or by a process that made many newer ones.
            Err(_) if tries < TRIES && !template.database.exists() => {
                template::forget(options, &template);
            }
            Err(error) => return Err(error),
        }
    }
}

impl<P> TestDatabase<P> {
    /// The database, for [`Db::query`] and [`Db::run`].
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// A connection of the `libsql` crate. In memory all of them are one.
    ///
    /// # Errors
    /// [`TestingError::Db`] where the database cannot be opened.
    pub async fn connect(&self) -> Result<crate::db::libsql::Connection, TestingError> {
        Ok(self.db.clone().for_application(None).connect().await?)
    }

    /// The columns and values by which the row is found that a label names: its primary key, or `_key` where the table
    /// has none.
    ///
    /// # Errors
    /// [`TestingError::UnknownTable`] and [`TestingError::UnknownLabel`].
    pub fn key(&self, table: &str, label: &str) -> Result<&[(String, Value)], TestingError> {
        let (_, key) = self.template.labels()?.find(table, label)?;
        Ok(key)
    }

    /// The row that a label of the seeds names, as it is now. A `bool` may be stored as 0 or 1, and a list, a map or a
    /// struct as JSON text; bytes are a list of numbers. Columns that `T` does not have are passed over, unless it
    /// denies them.
    ///
    /// # Errors
    /// As [`TestDatabase::key`]; [`TestingError::Gone`] where the row was deleted or got another key;
    /// [`TestingError::Unfit`] where it is no `T`.
    pub async fn row<T: DeserializeOwned>(
        &self,
        table: &str,
        label: &str,
    ) -> Result<T, TestingError> {
        let (table, key) = self.template.labels()?.find(table, label)?;
        let wanted: Vec<String> = key
            .iter()
            .enumerate()
            .map(|(at, (column, _))| format!("{} = ?{}", identifier(column), at + 1))
            .collect();
        // The columns of `SELECT *`: <https://sqlite.org/pragma.html#pragma_table_xinfo>.
        let columns = Query {
            sql: "SELECT name FROM pragma_table_xinfo(?1) WHERE hidden <> 1 ORDER BY cid"
                .to_owned(),
            args: vec![table.into()],
        };
        let row = Query {
            sql: format!(
                "SELECT * FROM {} WHERE {}",
                identifier(table),
                wanted.join(" AND ")
            ),
            args: key.iter().map(|(_, value)| value.clone()).collect(),
        };
        let [columns, row] = self.db.ask([columns, row]).await?;
        let columns: Vec<String> = columns
            .rows()?
            .iter()
            .filter_map(|[name]| name.as_str().map(str::to_owned))
            .collect();
        let name = || format!("{table}.{label}");
        let rows = row.rows_of(columns.len())?;
        let Some(values) = rows.first() else {
            return Err(TestingError::Gone { row: name() });
        };
        row::typed(&columns, values).map_err(|error| TestingError::Unfit {
            row: name(),
            why: error.to_string(),
        })
    }
}

impl TestDatabase {
    /// The file.
    pub fn path(&self) -> &Path {
        self.place.path()
    }

    /// Leaves the file where it is. It is removed once it is older than a day and a new template is made.
    pub fn keep(self) -> PathBuf {
        self.place.keep()
    }
}
