//! The question for the rows of a table, and its answers with the signs of infinities.
//!
//! A server's JSON has no word for an infinity, so it comes without its sign, and one column more tells it.

use crate::db::{Engine, Query, StreamedRow};
use crate::sql::{ValueRef, identifier};

/// A question for some columns of all rows of a table.
#[derive(Debug, Clone)]
pub(super) struct Select {
    sql: String,
    width: usize,
}

/// The rows of `table` in these columns, as this engine has to be asked for them.
pub(super) fn select(engine: Engine, table: &str, columns: &[String]) -> Select {
    let names: Vec<String> = columns.iter().map(|name| identifier(name)).collect();
    let mut asked = names.join(", ");
    if engine == Engine::Server {
        let signs: Vec<String> = names
            .iter()
            .map(|name| format!("(typeof({name}) = 'real' AND {name} = -9e999)"))
            .collect();
        asked.push_str(&format!(", {}", signs.join(" || ")));
    }
    Select {
        sql: format!("SELECT {asked} FROM {}", identifier(table)),
        width: columns.len(),
    }
}

impl Select {
    pub(super) fn query(&self) -> Query {
        Query::new(self.sql.clone())
    }

    /// The values of a row.
    pub(super) fn values<'r>(
        &self,
        row: &'r StreamedRow<'_>,
    ) -> impl Iterator<Item = ValueRef<'r>> + use<'r> {
        let width = self.width;
        (0..width).map(move |column| match row.value(column) {
            ValueRef::Real(number)
                if number == f64::INFINITY && is_negative(row, width, column) =>
            {
                ValueRef::Real(f64::NEG_INFINITY)
            }
            value => value,
        })
    }
}

/// By the digit of this column in the column behind the others: one for each, or a number where there is only one.
fn is_negative(row: &StreamedRow<'_>, width: usize, column: usize) -> bool {
    match row.value(width) {
        ValueRef::Text(signs) => signs.get(column) == Some(&b'1'),
        ValueRef::Integer(sign) => sign == 1,
        _ => false,
    }
}
