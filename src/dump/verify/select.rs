//! The question for the rows of a table, and its answers.

use crate::db::{Engine, Query, StreamedRow};
use crate::dump::signs::{asked, given};
use crate::sql::{ValueRef, identifier};

/// A question for some columns of all rows of a table.
#[derive(Debug, Clone)]
pub(super) struct Select {
    sql: String,
    engine: Engine,
    columns: usize,
}

/// The rows of `table` in these columns, as this engine has to be asked for them.
pub(super) fn select(engine: Engine, table: &str, columns: &[String]) -> Select {
    let names = columns.iter().map(|name| identifier(name));
    let names: Vec<String> = match engine {
        Engine::Server => names.map(|name| asked(&name)).collect(),
        Engine::Local | Engine::Memory => names.collect(),
    };
    Select {
        sql: format!("SELECT {} FROM {}", names.join(", "), identifier(table)),
        engine,
        columns: columns.len(),
    }
}

impl Select {
    pub(super) fn query(&self) -> Query {
        Query::new(self.sql.clone())
    }

    /// How many columns the answer has.
    pub(super) fn width(&self) -> usize {
        self.columns
    }

    /// The values of a row.
    pub(super) fn values<'r>(
        &self,
        row: &'r StreamedRow<'_>,
    ) -> impl Iterator<Item = ValueRef<'r>> + use<'r> {
        let engine = self.engine;
        (0..self.columns).map(move |column| match engine {
            Engine::Server => given(row.value(column)),
            Engine::Local | Engine::Memory => row.value(column),
        })
    }
}
