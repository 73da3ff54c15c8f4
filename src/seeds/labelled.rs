//! Which row of a seeded database each label names. It only looks.

use super::SeedOptions;
use super::apply::see;
use super::seen::Seen;
use super::set::Seeds;
use crate::db::Db;
use crate::history::HistoryError;
use crate::migrations::Migrations;
use crate::sql::Value;

/// A label, and the row that it names.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Labelled {
    /// The table, as it was made.
    pub table: String,
    /// `admin`; in a list of rows, the key.
    pub label: String,
    /// Columns and values by which the row is found: those of the primary key, or of `_key` where a table has none.
    pub key: Vec<(String, Value)>,
}

/// Every row that these seeds declare and that the database has, in no particular order.
///
/// # Errors
/// As [`history::read`](crate::history::read).
pub async fn labelled(
    db: &Db,
    seeds: &Seeds,
    set: &Migrations,
    options: &SeedOptions,
) -> Result<Vec<Labelled>, HistoryError> {
    let Seen {
        shape, rows, found, ..
    } = see(db, seeds, set, options).await?;
    let named = rows.rows.iter().enumerate().filter_map(|(at, row)| {
        let rules = rows.rules(row);
        let of = &shape.tables[rules.table];
        let values = found.row(&rows, at)?;
        let columns = match of.primary_key.as_slice() {
            [] => &rules.key,
            key => key,
        };
        let key = columns
            .iter()
            .map(|column| Some((of.columns[*column].name.clone(), values.value(*column)?)))
            .collect::<Option<Vec<_>>>()?;
        Some(Labelled {
            table: of.name.clone(),
            label: row.label.to_string(),
            key,
        })
    });
    Ok(named.collect())
}
