//! Rows of the files among each other: values that only one of them can have, and values that name another one. Pure.

use std::collections::{HashMap, HashSet};

use super::found::Found;
use super::identity::{Claim, is_binary, unique_columns, words_of_parent};
use super::plan::Basis;
use super::row::{Content, Row, Rows};
use crate::diagnostic::Diagnostic;
use crate::schema::Shape;
use crate::sql::Value;

/// Rows of the files that claim what only one row can have, both places told.
pub(super) fn clashes(basis: &Basis<'_>) -> Vec<Diagnostic> {
    let Basis {
        rows, shape, found, ..
    } = basis;
    let mut by_table: Vec<Vec<usize>> = vec![Vec::new(); shape.tables.len()];
    for (at, row) in rows.rows.iter().enumerate() {
        by_table[rows.rules(row).table].push(at);
    }
    let mut problems = Vec::new();
    let mut told: HashSet<(usize, usize)> = HashSet::new();
    for (table, members) in by_table.iter().enumerate() {
        if members.is_empty() {
            continue;
        }
        // An id that is made for a label follows from the key, so the primary key comes last.
        let mut unique: Vec<&[usize]> = unique_columns(&shape.tables[table]).collect();
        unique.sort_by_key(|columns| *columns == shape.tables[table].primary_key);
        for columns in unique {
            let is_binary = is_binary(&shape.tables[table], columns);
            let claim = |at: &usize| {
                let claim = match (columns, is_binary) {
                    ([column], true) => claim_of_one(found, rows, shape, *at, *column),
                    _ => claim(found, rows, shape, *at, columns),
                };
                Some((claim?, *at))
            };
            let claims = || members.iter().filter_map(claim);
            // What only grows is never the same, and rows of a pattern are mostly like that.
            if claims().is_sorted_by(|(one, _), (next, _)| one < next) {
                continue;
            }
            let mut seen: HashMap<Claim<'_>, usize> = HashMap::with_capacity(members.len());
            for (word, at) in claims() {
                if let Some(other) = seen.insert(word, at)
                    && told.insert((other, at))
                {
                    problems.push(clash(basis, columns, other, at));
                }
            }
        }
    }
    problems
}

/// What a row is to have in some columns; none where no other row can have the same.
fn claim(
    found: &Found,
    rows: &Rows,
    shape: &Shape,
    at: usize,
    columns: &[usize],
) -> Option<Claim<'static>> {
    let of = &shape.tables[rows.rules(&rows.rows[at]).table];
    let mut values = super::found::tuple(found, rows, shape, at, columns)?;
    super::identity::collate(&mut values, of, columns);
    Some(Claim::of(&values)?.into_owned())
}

/// The same of one column whose index tells every two texts apart.
fn claim_of_one<'a>(
    found: &Found,
    rows: &'a Rows,
    shape: &Shape,
    at: usize,
    column: usize,
) -> Option<Claim<'a>> {
    // A number that is there already may stay.
    let has = |value| {
        found
            .row(at)
            .is_none_or(|row| row.get(column) == Some(value))
    };
    match &rows.rows[at].cell(column)?.content {
        Content::Known(value @ Value::Text(_)) => Claim::of_one(value),
        Content::Known(value) if has(value) => Claim::of_one(value),
        _ => claim(found, rows, shape, at, &[column]),
    }
}

fn clash(basis: &Basis<'_>, columns: &[usize], other: usize, at: usize) -> Diagnostic {
    let Basis { rows, shape, .. } = basis;
    let (there, row) = (&rows.rows[other], &rows.rows[at]);
    let of = &shape.tables[rows.rules(row).table];
    let names: Vec<&str> = columns
        .iter()
        .map(|column| of.columns[*column].name.as_str())
        .collect();
    let span = |row: &Row| {
        let cell = columns.last().and_then(|column| row.cell(*column));
        cell.map_or(row.span.clone(), |cell| cell.span().clone())
    };
    Diagnostic::problem(
        "same-value",
        format!(
            "`{}` and `{}` have the same `{}`, of which there can be only one",
            rows.name(there, shape),
            rows.name(row, shape),
            names.join("`, `")
        ),
    )
    .at(rows.origin(row, &span(row), basis.files))
    .related(
        "the other is here",
        rows.origin(there, &span(there), basis.files),
    )
    .help("give one of the two another value, or remove it")
}

/// Literal values of foreign keys that name a declared row become references, so that rows are ordered by them. A value
/// that its own column writes otherwise than the parent's stays as it is, and only its order is noted.
pub(super) fn link(rows: &mut Rows, shape: &Shape) {
    let word = |value: &Value, parent: usize, column: usize| {
        let of = &shape.tables[parent];
        words_of_parent(vec![value.clone()], of, &[column])
    };
    let mut wanted: HashSet<(usize, usize)> = HashSet::new();
    let mut literals = Vec::new();
    for (at, row) in rows.rows.iter().enumerate() {
        let of = &shape.tables[rows.rules(row).table];
        for key in &of.foreign_keys {
            let ([column], [parent_column]) = (&key.columns[..], &key.parent_columns[..]) else {
                continue;
            };
            let Some(cell) = row.cell(*column) else {
                continue;
            };
            let Content::Known(value) = &cell.content else {
                continue;
            };
            let Some(parent) = shape.position(&key.parent) else {
                continue;
            };
            let Some(target) = shape.tables[parent].column(parent_column) else {
                continue;
            };
            if let Some(word) = word(value, parent, target) {
                wanted.insert((parent, target));
                literals.push((at, *column, parent, target, word));
            }
        }
    }
    if literals.is_empty() {
        return;
    }
    let mut by_value: HashMap<(usize, usize, String), usize> = HashMap::new();
    for (at, row) in rows.rows.iter().enumerate() {
        let table = rows.rules(row).table;
        for cell in &row.cells {
            if let (true, Content::Known(value)) =
                (wanted.contains(&(table, cell.column())), &cell.content)
                && let Some(word) = word(value, table, cell.column())
            {
                by_value.insert((table, cell.column(), word), at);
            }
        }
    }
    for (at, column, parent, target, word) in literals {
        let Some(found) = by_value.get(&(parent, target, word)) else {
            continue;
        };
        // A cell that names itself is its own value.
        if (*found, target) == (at, column) {
            continue;
        }
        let value = |row: &Row, column: usize| match &row.cell(column)?.content {
            Content::Known(value) => Some(value.clone()),
            _ => None,
        };
        let affinity = shape.tables[rows.rules(&rows.rows[at]).table].columns[column].affinity;
        let of_parent = value(&rows.rows[*found], target).map(|value| affinity.stored(value));
        if of_parent != value(&rows.rows[at], column) {
            rows.named.insert((at, column), *found);
            continue;
        }
        let cells = &mut rows.rows[at].cells;
        if let Some(cell) = cells.iter_mut().find(|cell| cell.column() == column) {
            cell.content = Content::Reference {
                row: *found,
                column: target,
            };
        }
    }
}
