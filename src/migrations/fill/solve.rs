//! Values that satisfy the `CHECK`s of a table. Columns that constraints connect are solved together: the engine joins
//! their candidates, and the expressions of the constraints are the condition.

use std::collections::BTreeSet;

use super::candidates::{ROWS, candidates, is_null_in, number_in, takes_null};
use super::literals::Literals;
use super::table::{Check, Table};
use crate::db::Query;
use crate::sql::{Value, identifier, literal};

/// Columns that constraints connect.
#[derive(Debug)]
pub(super) struct Group<'a> {
    pub(super) columns: Vec<usize>,
    checks: Vec<&'a Check>,
    candidates: Vec<Vec<Value>>,
}

/// How many combinations of candidates the engine is asked about.
const COMBINATIONS: usize = 5_000;

/// How many columns a group is solved with: the rest of a larger one is left to chance.
const COLUMNS: usize = 12;

/// The groups of a table. `given` has the values that a column is restricted to, if it is: keys of its parents.
pub(super) fn groups<'a>(
    table: &'a Table,
    literals: &Literals,
    given: impl Fn(usize) -> Option<Vec<Value>>,
) -> Vec<Group<'a>> {
    let mut parts: Vec<(BTreeSet<usize>, Vec<&Check>)> = Vec::new();
    for check in table
        .checks
        .iter()
        .filter(|check| !check.columns.is_empty())
    {
        let mut columns: BTreeSet<usize> = check.columns.iter().copied().collect();
        let mut checks = vec![check];
        let (connected, rest): (Vec<_>, Vec<_>) = parts
            .into_iter()
            .partition(|(of, _)| !of.is_disjoint(&columns));
        for (of, others) in connected {
            columns.extend(of);
            checks.extend(others);
        }
        parts = rest;
        parts.push((columns, checks));
    }
    let written: BTreeSet<usize> = table.written().collect();
    parts
        .into_iter()
        .map(|(columns, checks)| {
            let columns: Vec<usize> = columns
                .intersection(&written)
                .copied()
                .take(COLUMNS)
                .collect();
            let mut candidates: Vec<Vec<Value>> = columns
                .iter()
                .map(|column| match given(*column) {
                    Some(values) => padded(values, takes_null(table, *column)),
                    None => {
                        let of: Vec<&Check> = checks
                            .iter()
                            .filter(|check| check.columns.contains(column))
                            .copied()
                            .collect();
                        candidates(table, *column, &of, literals)
                    }
                })
                .collect();
            limit(&mut candidates);
            Group {
                columns,
                checks,
                candidates,
            }
        })
        .filter(|group| !group.columns.is_empty())
        .collect()
}

/// Values in the order of [`candidates`]: one for each row, and NULL.
fn padded(values: Vec<Value>, takes_null: bool) -> Vec<Value> {
    let Some(first) = values.first() else {
        return vec![Value::Null];
    };
    let mut all: Vec<Value> = values.iter().cycle().take(ROWS).cloned().collect();
    all.push(match takes_null {
        true => Value::Null,
        false => first.clone(),
    });
    all.extend(values);
    all
}

/// Takes the last candidates off the longest lists until there are few enough combinations.
fn limit(candidates: &mut [Vec<Value>]) {
    let combinations = |candidates: &[Vec<Value>]| {
        candidates
            .iter()
            .fold(1_usize, |all, of| all.saturating_mul(of.len().max(1)))
    };
    while combinations(candidates) > COMBINATIONS {
        let Some(longest) = candidates.iter_mut().max_by_key(|of| of.len()) else {
            return;
        };
        // The second to go are the typical values of the last rows.
        match longest.len() {
            0 | 1 => return,
            length if length > ROWS + 1 => longest.truncate(length - 1),
            _ => drop(longest.remove(1)),
        }
    }
}

impl Group<'_> {
    /// The question for the values of row `row`, the best ones first: typical ones if they satisfy the constraints.
    pub(super) fn query(&self, table: &Table, row: usize, limit: usize) -> Query {
        let names: Vec<String> = self
            .columns
            .iter()
            .map(|column| identifier(&table.shape.columns[*column].name))
            .collect();
        let mut sources = Vec::new();
        let kind = row % ROWS;
        let mut far = Vec::new();
        let mut near = Vec::new();
        for (at, (name, candidates)) in names.iter().zip(&self.candidates).enumerate() {
            let column = self.columns[at];
            let values: Vec<String> = candidates
                .iter()
                .enumerate()
                .map(|(number, value)| format!("({number}, {})", literal(value)))
                .collect();
            sources.push(format!(
                "(SELECT column1 AS \"~{at}\", column2 AS {name} FROM (VALUES {}))",
                values.join(", ")
            ));
            let number = number_in(table, column, kind);
            let wanted = match is_null_in(table, column, kind) {
                true => ROWS,
                false => number,
            };
            far.push(format!("(\"~{at}\" <> {wanted})"));
            // Literals differ from row to row, too.
            near.push(format!(
                "CASE \"~{at}\" WHEN {ROWS} THEN 99 ELSE abs(\"~{at}\" - {}) END",
                ROWS + 1 + number
            ));
        }
        let checks: Vec<String> = self
            .checks
            .iter()
            .map(|check| format!("({}) IS NOT FALSE", check.sql))
            .collect();
        Query::new(format!(
            "SELECT {} FROM (SELECT * FROM {}) AS {} WHERE {} ORDER BY {}, {} LIMIT {limit}",
            names.join(", "),
            sources.join(" CROSS JOIN "),
            identifier(&table.shape.name),
            checks.join(" AND "),
            far.join(" + "),
            near.join(" + "),
        ))
    }
}
