//! Rows of the files that claim values which only one of them can have. Pure.

use std::collections::{HashMap, HashSet};

use super::basis::Basis;
use super::found::Found;
use super::held::Held;
use super::identity::{Claim, is_binary, unique_columns};
use super::model::Mode;
use super::row::{Content, Row, Rows};
use crate::diagnostic::Diagnostic;
use crate::schema::Shape;

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
    // What a row has is not always what it declares.
    let has = |held: &Held| {
        found
            .row(rows, at)
            .is_none_or(|row| row.get(column) == Some(held.get()))
    };
    let rules = rows.rules(&rows.rows[at]);
    let stays =
        rules.mode == Mode::Insert || shape.tables[rules.table].primary_key.contains(&column);
    match &rows.rows[at].cell(column)?.content {
        Content::Known(held) if held.as_str().is_some() && !stays => Claim::of_held(held),
        Content::Known(held) if has(held) => Claim::of_held(held),
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
