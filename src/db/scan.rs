//! The question for all rows of a table. How it is asked is the engine's matter: a local one gets a `SELECT`, a server
//! one that packs many rows into a value.

use super::Query;
use crate::sql::identifier;

/// All rows of a table in some of its columns, in the order of its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// The table, without quotes.
    pub table: String,
    /// The columns, in the order of the answer.
    pub columns: Vec<ScanColumn>,
    /// The order of the rows.
    pub order: Order,
}

/// A column of a [`Scan`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanColumn {
    /// Its name, without quotes.
    pub name: String,
    /// Whether its affinity is REAL: such a column keeps no negative zero.
    pub is_real: bool,
}

/// The order of the rows of a [`Scan`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Order {
    /// That of the rowid, which has this name: no other column has it.
    Rowid(String),
    /// These terms of `ORDER BY`; any order without a term. For tables without a rowid, or without a name for it.
    Terms(Vec<String>),
}

/// What [`Db::stream`](super::Db::stream) is asked.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Question {
    /// A query.
    Query(Query),
    /// The rows of a table.
    Scan(Scan),
}

impl From<Query> for Question {
    fn from(query: Query) -> Question {
        Question::Query(query)
    }
}

impl From<Scan> for Question {
    fn from(scan: Scan) -> Question {
        Question::Scan(scan)
    }
}

impl Question {
    /// As a local engine is asked.
    pub(super) fn local(self) -> Query {
        match self {
            Question::Query(query) => query,
            Question::Scan(scan) => scan.plain(str::to_owned),
        }
    }
}

impl Scan {
    /// One row for each row, with this expression for each column.
    pub(super) fn plain(&self, expression: impl Fn(&str) -> String) -> Query {
        let columns = self.columns.iter();
        let columns: Vec<String> = columns
            .map(|column| expression(&identifier(&column.name)))
            .collect();
        let order = match &self.order {
            Order::Rowid(name) => format!(" ORDER BY {}", identifier(name)),
            Order::Terms(terms) if terms.is_empty() => String::new(),
            Order::Terms(terms) => format!(" ORDER BY {}", terms.join(", ")),
        };
        // An index that has all columns would do as well, in an order of its own.
        Query::new(format!(
            "SELECT {} FROM {} NOT INDEXED{order}",
            columns.join(","),
            identifier(&self.table)
        ))
    }
}
