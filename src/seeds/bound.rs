//! What is bound for the cells of rows: a value, the hash of a secret, or a subquery for a number that the database gives.
//! Pure.

use std::collections::HashMap;

use super::basis::Basis;
use super::found::finds;
use super::numbered::{new_id, new_id_in_json};
use super::row::{Cell, Content};
use super::secret::hash;
use crate::diagnostic::Diagnostic;
use crate::schema::{Affinity, TableShape};
use crate::sql::{Value, identifier};

/// What `!hash` comes to, by row and column.
pub(super) type Secrets = HashMap<(usize, usize), String>;

/// Hashes the secrets of all cells that are written, once: no two hashes of a secret are the same.
pub(super) fn secrets(
    basis: &Basis<'_>,
    inserted: &[usize],
    updated: &[(usize, Vec<usize>)],
) -> Result<Secrets, Box<Diagnostic>> {
    let mut secrets = Secrets::new();
    for (at, cell) in written(basis, inserted, updated) {
        let Content::Secret(secret) = &cell.content else {
            continue;
        };
        let hash = hash(secret).map_err(|error| {
            let origin = basis
                .rows
                .origin(&basis.rows.rows[at], &cell.span(), basis.files);
            Box::new(Diagnostic::problem("not-hashed", error).at(origin))
        })?;
        secrets.insert((at, cell.column()), hash);
    }
    Ok(secrets)
}

/// The cells that are written, each with its row.
pub(super) fn written<'a>(
    basis: &'a Basis<'_>,
    inserted: &'a [usize],
    updated: &'a [(usize, Vec<usize>)],
) -> impl Iterator<Item = (usize, &'a Cell)> {
    let rows = &basis.rows.rows;
    let of_inserts = inserted
        .iter()
        .flat_map(|at| rows[*at].cells.iter().map(|cell| (*at, cell)));
    let of_updates = updated.iter().flat_map(|(at, columns)| {
        let cells = columns.iter().filter_map(|column| rows[*at].cell(*column));
        cells.map(|cell| (*at, cell))
    });
    of_inserts.chain(of_updates)
}

/// What is bound for a cell.
pub(super) fn value(
    basis: &Basis<'_>,
    at: usize,
    cell: &Cell,
    secrets: &Secrets,
) -> Result<Value, Box<Diagnostic>> {
    match &cell.content {
        Content::Known(held) => Ok(held.value()),
        Content::Reference {
            row: parent,
            column,
        } => {
            let found = basis.found.cell(basis.rows, basis.shape, at, cell);
            if found.is_none()
                && let Some((row, of)) = basis.found.unknown(basis.rows, *parent, *column)
            {
                let own = table_of(basis, at).columns[cell.column()].affinity;
                return Ok(own.stored(stand_in(basis, row, of)));
            }
            found.ok_or_else(|| unresolved(basis, at, cell, *parent, *column))
        }
        Content::Json(_) => {
            let found = basis.found.cell(basis.rows, basis.shape, at, cell);
            if found.is_none()
                && let Some((row, of)) = basis.found.unknown(basis.rows, at, cell.column())
            {
                return Ok(stand_in(basis, row, of));
            }
            let incomplete = || {
                let origin = basis
                    .rows
                    .origin(&basis.rows.rows[at], &cell.span(), basis.files);
                if let Some(row) = new_id_in_json(basis.rows, basis.found, cell) {
                    let name = basis.rows.name(&basis.rows.rows[row], basis.shape);
                    let message = format!(
                        "this JSON refers to `{name}`, which the database numbers once it is written"
                    );
                    let help = "write the row in a run before this one, or give its table ids that are made of labels: without `_id: !auto`";
                    return Box::new(
                        Diagnostic::problem("no-value", message)
                            .at(origin)
                            .help(help),
                    );
                }
                let message = "this JSON refers to what is not known, or to what JSON cannot hold";
                Box::new(Diagnostic::problem("no-value", message).at(origin).help(
                    "refer to columns that have a value, and neither bytes nor JSON that refers to other rows",
                ))
            };
            found.ok_or_else(incomplete)
        }
        Content::Secret(_) => {
            let hash = secrets.get(&(at, cell.column())).cloned();
            Ok(hash.map_or(Value::Null, Value::Text))
        }
        Content::Unknown => Ok(stand_in(basis, at, cell.column())),
    }
}

/// The table of a row.
pub(super) fn table_of<'a>(basis: &Basis<'a>, row: usize) -> &'a TableShape {
    &basis.shape.tables[basis.rows.rules(&basis.rows.rows[row]).table]
}

/// The stand-in for a variable that is unknown while seeds are only checked: another value for each row and column, of
/// the type of the column.
pub(super) fn stand_in(basis: &Basis<'_>, row: usize, column: usize) -> Value {
    let of = &table_of(basis, row).columns[column];
    let number = i64::try_from(row).unwrap_or_default();
    match of.affinity {
        Affinity::Integer | Affinity::Numeric => Value::Integer(1_000_000_000 + number),
        Affinity::Real => Affinity::Real.stored(Value::Integer(1_000_000_000 + number)),
        Affinity::Blob if !of.declared.is_empty() => {
            Value::Blob(format!("stand-in {number}").into_bytes())
        }
        Affinity::Text | Affinity::Blob => Value::Text(format!("stand-in-{number}")),
    }
}

/// A reference to a column that the row it names says nothing about.
pub(super) fn unresolved(
    basis: &Basis<'_>,
    at: usize,
    cell: &Cell,
    parent: usize,
    column: usize,
) -> Box<Diagnostic> {
    let rows = basis.rows;
    let of = &basis.shape.tables[rows.rules(&rows.rows[parent]).table];
    let name = rows.name(&rows.rows[parent], basis.shape);
    let column = &of.columns[column].name;
    let origin = rows.origin(&rows.rows[at], &cell.span(), basis.files);
    Box::new(
        Diagnostic::problem(
            "no-value",
            format!("`{name}` says nothing about `{column}`, so there is nothing to refer to"),
        )
        .at(origin)
        .help("give it a value there"),
    )
}

/// What a statement writes into a cell: an expression, and the values that are bound in it.
pub(super) fn expression(
    basis: &Basis<'_>,
    at: usize,
    cell: &Cell,
    secrets: &Secrets,
) -> Result<(String, Vec<Value>), Box<Diagnostic>> {
    let Some((row, column)) = new_id(basis.rows, basis.found, cell) else {
        return Ok(("?".to_owned(), vec![value(basis, at, cell, secrets)?]));
    };
    let declared = &basis.rows.rows[row];
    let rules = basis.rows.rules(declared);
    let of = &basis.shape.tables[rules.table];
    let (mut parts, mut args) = (Vec::new(), Vec::new());
    for part in &rules.key {
        let Some(cell) = declared.cell(*part) else {
            continue;
        };
        let (sql, bound) = expression(basis, row, cell, secrets)?;
        parts.push((*part, sql));
        args.extend(bound);
    }
    let sql = format!(
        "(SELECT {} FROM {} WHERE {})",
        identifier(&of.columns[column].name),
        identifier(&of.name),
        finds(of, &rules.key, &parts)
    );
    Ok((sql, args))
}
