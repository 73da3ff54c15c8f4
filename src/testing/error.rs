//! Why a test has no database. It contains every problem of the files, as the commands report it.

use std::path::PathBuf;

use crate::config::ConfigError;
use crate::db::{DbError, Failure};
use crate::history::HistoryError;
use crate::migrations::{self, ReadError};
use crate::seeds;

/// A test has no database, or not the row that it wanted. Its `Debug`, which `unwrap` and tests that return an error
/// show, is the whole report for people.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum TestingError {
    /// The project cannot be found.
    #[error("cannot find the folder of the project")]
    NoProject(#[source] std::io::Error),
    /// `config.toml` is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The files of migrations or seeds cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The template could not be migrated.
    #[error("the template could not be migrated")]
    Migrations(#[source] Box<migrations::ApplyError>),
    /// The template could not be seeded.
    #[error("the template could not be seeded")]
    Seeds(#[source] Box<seeds::ApplyError>),
    /// The template could not be looked at.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The template could not be closed.
    #[error(transparent)]
    Run(#[from] Failure),
    /// A database could not be opened or read.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A file could not be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The labels beside a template are not as they were written.
    #[error("cannot understand {}", path.display())]
    Labels {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// No seed of the environment has rows in such a table.
    #[error("no seed for this environment has rows in a table `{table}`{}", did_you_mean(nearest.as_ref()))]
    UnknownTable {
        /// The name that the test used.
        table: String,
        /// A table with a similar name.
        nearest: Option<String>,
    },
    /// No seed of the environment has such a label.
    #[error("table `{table}` has no label `{label}`{}", did_you_mean(nearest.as_ref()))]
    UnknownLabel {
        /// The table.
        table: String,
        /// The name that the test used.
        label: String,
        /// A label with a similar name.
        nearest: Option<String>,
    },
    /// The row existed when the test began, and does not any more.
    #[error("{row} is not in the database any more")]
    Gone {
        /// `users.admin`
        row: String,
    },
    /// The row does not fit the type.
    #[error("{row} does not fit the type: {why}")]
    Unfit {
        /// `users.admin`
        row: String,
        /// The column, and what is wrong.
        why: String,
    },
}

fn did_you_mean(nearest: Option<&String>) -> String {
    nearest.map_or_else(String::new, |it| format!(": did you mean `{it}`?"))
}
