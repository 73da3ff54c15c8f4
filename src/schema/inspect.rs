//! Reading the schema of a database: one request.

use crate::db::{Db, DbError};

/// The objects of a database that are its project's own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Schema {
    /// Tables, indexes, views, triggers; within each kind by name.
    pub objects: Vec<Object>,
}

/// One object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// What it is.
    pub kind: ObjectKind,
    /// Its name.
    pub name: String,
    /// The table that it belongs to: its own name for tables and views.
    pub table: String,
    /// The statement that makes it, as the database keeps it.
    pub sql: String,
    /// The same in the form that is compared: [`crate::sql::normal_form`].
    pub normal: String,
}

/// The kinds of objects: <https://sqlite.org/schematab.html>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// A table, virtual ones too.
    Table,
    /// An index that somebody made; not those that keep a constraint.
    Index,
    /// A view.
    View,
    /// A trigger.
    Trigger,
}

impl ObjectKind {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            ObjectKind::Table => "table",
            ObjectKind::Index => "index",
            ObjectKind::View => "view",
            ObjectKind::Trigger => "trigger",
        }
    }
}

/// Reads the schema of a database, without what is not the project's own.
///
/// # Errors
/// As [`Db::query`].
pub async fn inspect(db: &Db) -> Result<Schema, DbError> {
    let _ = db;
    todo!()
}
