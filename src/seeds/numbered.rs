//! Rows whose ids the database makes (`_id: !auto`). While such a row is not there, what refers to it is written as a
//! subquery that finds it by its key. Pure.

use super::found::Found;
use super::model::{Expr, SeedFile};
use super::row::{Cell, Content, Rows};
use crate::db::Query;
use crate::schema::Shape;
use crate::sql::{Value, is_autoincrement};

/// Whether the database numbers rows of a table of these files.
pub(super) fn numbers(files: &[&SeedFile], shared: Option<&SeedFile>) -> bool {
    let mut tables = files
        .iter()
        .copied()
        .chain(shared)
        .flat_map(|it| &it.tables);
    tables.any(|table| {
        let id = table.id.as_ref();
        id.is_some_and(|id| id.value == Expr::Auto)
    })
}

/// Asks for tables that may give no number twice.
pub(super) fn counted() -> Query {
    Query::new(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%AUTOINCREMENT%'",
    )
}

/// Those that do, by their places: <https://sqlite.org/autoinc.html>.
pub(super) fn take_counted(answer: &[[Value; 2]], shape: &Shape) -> Vec<usize> {
    let tables = answer
        .iter()
        .filter(|[_, sql]| sql.as_str().is_some_and(is_autoincrement));
    tables
        .filter_map(|[name, _]| shape.position(name.as_str()?))
        .collect()
}

/// The row, not there yet, whose new id a cell gets, and the column of the id.
pub(super) fn new_id<'a>(
    rows: &'a Rows,
    found: &Found,
    mut cell: &'a Cell,
) -> Option<(usize, usize)> {
    for _ in 0..64 {
        let Content::Reference { row, column } = cell.content else {
            return None;
        };
        if rows.numbers(row, column) {
            return (!found.is_there(row)).then_some((row, column));
        }
        cell = rows.rows[row].cell(column)?;
    }
    None
}

/// The same for the first such part of JSON, which cannot hold it.
pub(super) fn new_id_in_json(rows: &Rows, found: &Found, cell: &Cell) -> Option<usize> {
    let Content::Json(composed) = &cell.content else {
        return None;
    };
    let references = composed.json.references().into_iter();
    let mut ids = references.filter_map(|(row, column)| match rows.numbers(row, column) {
        true => (!found.is_there(row)).then_some(row),
        false => new_id(rows, found, rows.rows[row].cell(column)?).map(|(row, _)| row),
    });
    ids.next()
}
