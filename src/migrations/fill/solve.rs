//! Values that satisfy the `CHECK`s of a table. Columns that constraints connect are solved together: the engine joins
//! their candidates, and the expressions of the constraints are the condition.

use std::collections::{BTreeSet, HashMap};

use super::candidates::{
    Keys, ORDER, REPEATED, ROWS, candidates, is_null_in, number_in, takes_null,
};
use super::literals::Literals;
use super::table::{Check, Table};
use crate::db::{Query, Rows};
use crate::sql::{Value, identifier, literal};

/// Columns that constraints connect.
#[derive(Debug)]
pub(super) struct Group<'a> {
    columns: Vec<usize>,
    checks: Vec<&'a Check>,
    candidates: Vec<Vec<Value>>,
    /// Combinations of candidates that satisfy the constraints, by the numbers of the candidates.
    solutions: Vec<Vec<usize>>,
    /// For each row its solution.
    chosen: HashMap<usize, usize>,
}

/// How many combinations of candidates the engine is asked about.
const COMBINATIONS: usize = 2_000;

/// How many columns a group is solved with: the rest of a larger one is left to chance.
const COLUMNS: usize = 12;

/// The groups of a table. `given` has the values that a column is restricted to, if it is: keys of its parents.
pub(super) fn groups<'a>(
    table: &'a Table,
    literals: &Literals,
    keys: Keys,
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
                        candidates(table, *column, &of, literals, keys)
                    }
                })
                .collect();
            limit(&mut candidates);
            Group {
                columns,
                checks,
                candidates,
                solutions: Vec::new(),
                chosen: HashMap::new(),
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
    /// The question for all combinations of candidates that satisfy the constraints, as their numbers.
    pub(super) fn query(&self, table: &Table) -> Query {
        let mut sources = Vec::new();
        let mut numbers = Vec::new();
        for (at, (column, candidates)) in self.columns.iter().zip(&self.candidates).enumerate() {
            let values: Vec<String> = candidates
                .iter()
                .enumerate()
                .map(|(number, value)| format!("({number}, {})", literal(value)))
                .collect();
            sources.push(format!(
                "(SELECT column1 AS \"~{at}\", column2 AS {} FROM (VALUES {}))",
                identifier(&table.shape.columns[*column].name),
                values.join(", ")
            ));
            numbers.push(format!("\"~{at}\""));
        }
        let checks: Vec<String> = self
            .checks
            .iter()
            .map(|check| format!("({}) IS NOT FALSE", check.sql))
            .collect();
        Query::new(format!(
            "SELECT {} FROM (SELECT * FROM {}) AS {} WHERE {}",
            numbers.join(", "),
            sources.join(" CROSS JOIN "),
            identifier(&table.shape.name),
            checks.join(" AND "),
        ))
    }

    /// Keeps the answer to [`Group::query`]. Where an expression fails on some candidate there is none, and the engine
    /// is asked about whole rows alone.
    pub(super) fn solve(&mut self, table: &Table, rows: Rows) {
        let number = |value: &Value| usize::try_from(value.as_i64().unwrap_or(0)).unwrap_or(0);
        self.solutions = rows
            .iter()
            .map(|row| row.iter().map(number).collect())
            .collect();
        let keys: Vec<usize> = (0..self.columns.len())
            .filter(|at| table.keys.contains(&self.columns[*at]))
            .collect();
        let mut chosen: HashMap<usize, usize> = HashMap::new();
        for row in ORDER {
            let ranked = self.ranked(table, row);
            // Keys differ from those of the rows before, if they can.
            let is_new = |solution: &&usize| {
                let differs = |other: &usize| {
                    keys.iter().all(|at| {
                        let value = self.value(**solution, *at);
                        *value == Value::Null || value != self.value(*other, *at)
                    })
                };
                chosen.values().all(differs)
            };
            let best = ranked.iter().find(is_new).or(ranked.first());
            chosen.extend(best.map(|best| (row, *best)));
        }
        self.chosen = chosen;
    }

    /// The solutions, the best one for a row first: with the values of that row, or else with a literal of its own.
    fn ranked(&self, table: &Table, row: usize) -> Vec<usize> {
        let kind = row % ROWS;
        let distance = |solution: &usize| {
            let numbers = self.solutions[*solution].iter().zip(&self.columns);
            numbers.fold((0, 0), |(far, near), (number, column)| {
                let own = number_in(table, *column, kind);
                // A key that has few values leaves no other one for the row that repeats the first.
                let is_repeated_key = kind == REPEATED && table.keys.contains(column);
                let is_null = is_null_in(table, *column, kind)
                    || is_repeated_key && takes_null(table, *column);
                let wanted = match is_null {
                    true => ROWS,
                    false => own,
                };
                let from_literal = match *number {
                    ROWS => 99,
                    number => number.abs_diff(ROWS + 1 + own),
                };
                (far + usize::from(*number != wanted), near + from_literal)
            })
        };
        let mut ranked: Vec<usize> = (0..self.solutions.len()).collect();
        ranked.sort_by_cached_key(distance);
        ranked
    }

    fn value(&self, solution: usize, at: usize) -> &Value {
        &self.candidates[at][self.solutions[solution][at]]
    }

    /// The values of row `row`, by column: further rows go through all solutions.
    pub(super) fn values(&self, table: &Table, row: usize) -> Vec<(usize, Value)> {
        let solution = match self.chosen.get(&row) {
            Some(chosen) => Some(*chosen),
            None => {
                let ranked = self.ranked(table, row);
                ranked.get(row / ROWS % ranked.len().max(1)).copied()
            }
        };
        let columns = self.columns.iter().enumerate();
        solution.map_or(Vec::new(), |solution| {
            columns
                .map(|(at, column)| (*column, self.value(solution, at).clone()))
                .collect()
        })
    }
}
