//! The question for the rows of a table, and its answers.

use crate::db::{Engine, Query, StreamedRow};
use crate::dump::signs::{negative, signed};
use crate::sql::{ValueRef, identifier};

/// A question for some columns of all rows of a table.
#[derive(Debug, Clone)]
pub(super) struct Select {
    sql: String,
    /// The columns that are compared.
    columns: usize,
    /// The columns of the answer.
    width: usize,
}

/// The rows of `table` in these columns, as this engine has to be asked for them.
pub(super) fn select(engine: Engine, table: &str, columns: &[String]) -> Select {
    let names: Vec<String> = columns.iter().map(|name| identifier(name)).collect();
    let mut asked = names.join(", ");
    let mut width = columns.len();
    if engine == Engine::Server {
        width += 1;
        asked.push_str(&format!(", {}", negative(names.iter().map(String::as_str))));
    }
    Select {
        sql: format!("SELECT {asked} FROM {}", identifier(table)),
        columns: columns.len(),
        width,
    }
}

impl Select {
    pub(super) fn query(&self) -> Query {
        Query::new(self.sql.clone())
    }

    /// How many columns the answer has.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// The values of a row.
    pub(super) fn values<'r>(
        &self,
        row: &'r StreamedRow<'_>,
    ) -> impl Iterator<Item = ValueRef<'r>> + use<'r> {
        let signs = self.columns;
        (0..signs).map(move |column| signed(row.value(column), row.value(signs), column))
    }
}
