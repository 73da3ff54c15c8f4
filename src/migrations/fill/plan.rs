//! The rows of one table: its values, the keys of its parents, and the statement that inserts them. Asks no engine.

use std::collections::HashMap;

use super::candidates::{Keys, ROWS, is_null_in, number_in, takes_null, typical};
use super::literals::{Literals, STRIDE};
use super::solve::{Group, groups};
use super::table::Table;
use crate::db::Rows;
use crate::schema::{Affinity, ForeignKey, RowId};
use crate::sql::{Value, free_rowid, identifier, literal};

/// The row that refers to the first one where a table refers to itself.
const REFERS: usize = 3;

/// Keys of the rows of a parent, by table and foreign key.
pub(super) type Parents = HashMap<(usize, usize), Rows>;

/// Whether a table refers to itself.
pub(super) fn is_self(table: &Table, key: &ForeignKey) -> bool {
    key.parent.eq_ignore_ascii_case(&table.shape.name)
}

/// How one table is filled.
pub(super) struct Plan<'a> {
    pub(super) table: &'a Table,
    pub(super) literals: &'a Literals,
    /// For each foreign key the keys of its parent's rows.
    parents: Vec<Option<&'a Rows>>,
    pub(super) groups: Vec<Group<'a>>,
}

impl<'a> Plan<'a> {
    pub(super) fn new(
        table: &'a Table,
        at: usize,
        parents: &'a Parents,
        literals: &'a Literals,
        values: Keys,
    ) -> Plan<'a> {
        let keys = &table.shape.foreign_keys;
        let parents: Vec<Option<&Rows>> = (0..keys.len())
            .map(|number| parents.get(&(at, number)).filter(|rows| !rows.is_empty()))
            .collect();
        let given = |column: usize| {
            let (number, _) = keys
                .iter()
                .enumerate()
                .find(|(number, key)| key.columns == [column] && parents[*number].is_some())?;
            let rows = parents[number]?;
            Some(rows.iter().filter_map(|row| row.first().cloned()).collect())
        };
        Plan {
            table,
            literals,
            groups: groups(table, literals, values, given),
            parents,
        }
    }

    /// The keys of the rows of the parent of a foreign key.
    pub(super) fn parents_of(&self, foreign_key: usize) -> Option<&'a Rows> {
        self.parents[foreign_key]
    }

    /// Whether no row has to refer to one that is not there.
    pub(super) fn may_refer_to_none(&self) -> bool {
        let mut keys = self.table.shape.foreign_keys.iter().enumerate();
        let takes_null = |column: &usize| takes_null(self.table, *column);
        keys.all(|(number, key)| {
            self.parents[number].is_some() || key.columns.iter().any(takes_null)
        })
    }

    /// The values of row `row`, by column. Rows beyond those of the table are combinations that are tried after these.
    pub(super) fn row(&self, row: usize) -> Vec<Option<Value>> {
        let table = self.table;
        let kind = row % ROWS;
        let mut values: Vec<Option<Value>> = vec![None; table.shape.columns.len()];
        for group in &self.groups {
            for (column, value) in group.values(table, row) {
                values[column] = Some(value);
            }
        }
        let mut keys: Vec<usize> = (0..table.shape.foreign_keys.len()).collect();
        keys.sort_by_key(|number| {
            std::cmp::Reverse(table.shape.foreign_keys[*number].columns.len())
        });
        // Further rows go through the combinations of parents.
        let mut rest = row / ROWS;
        for number in keys {
            rest = self.refer(number, row, rest, &mut values);
        }
        for column in table.written() {
            if values[column].is_none() {
                values[column] = Some(match is_null_in(table, column, kind) {
                    true => Value::Null,
                    false => typical(table, column, self.number(column, row), self.literals),
                });
            }
        }
        values
    }

    fn number(&self, column: usize, row: usize) -> usize {
        match row < ROWS || !self.table.keys.contains(&column) {
            true => number_in(self.table, column, row % ROWS),
            false => row,
        }
    }

    /// Sets the columns of a foreign key in row `row`; returns what is left of `rest` for the next one.
    fn refer(&self, number: usize, row: usize, rest: usize, values: &mut [Option<Value>]) -> usize {
        let table = self.table;
        let key = &table.shape.foreign_keys[number];
        let kind = row % ROWS;
        let is_free = |column: &usize| values[*column].is_none();
        let nullable = key
            .columns
            .iter()
            .copied()
            .find(|column| is_free(column) && takes_null(table, *column));
        if !key.columns.iter().any(is_free) {
            return rest;
        }
        let nothing = |values: &mut [Option<Value>]| {
            if let Some(column) = nullable {
                values[column] = Some(Value::Null);
            }
        };
        let number_in_row = key
            .columns
            .iter()
            .map(|column| self.number(*column, row))
            .max()
            .unwrap_or(row);
        if key
            .columns
            .iter()
            .any(|column| is_null_in(table, *column, kind))
            && nullable.is_some()
        {
            nothing(values);
            return rest;
        }
        let Some(rows) = self.parents[number] else {
            match nullable {
                Some(_) if is_self(table, key) && kind == REFERS => self.predict(key, 0, values),
                Some(_) => nothing(values),
                // The rows of the parent come later, or with this one.
                None => self.predict(key, number_in_row, values),
            }
            return rest;
        };
        let agrees = |parent: &&Vec<Value>| {
            key.columns
                .iter()
                .zip(parent.iter())
                .all(|(column, value)| values[*column].as_ref().is_none_or(|it| it == value))
        };
        let fitting: Vec<&Vec<Value>> = rows.iter().filter(agrees).collect();
        if fitting.is_empty() {
            nothing(values);
            return rest;
        }
        let parent = fitting[(number_in_row + rest) % fitting.len()];
        for (column, value) in key.columns.iter().zip(parent) {
            values[*column] = Some(value.clone());
        }
        rest / fitting.len()
    }

    /// The key that a row of this number will have in the parent.
    fn predict(&self, key: &ForeignKey, number: usize, values: &mut [Option<Value>]) {
        for (at, column) in key.columns.iter().enumerate() {
            if values[*column].is_some() {
                continue;
            }
            let own = key
                .parent_columns
                .get(at)
                .filter(|_| is_self(self.table, key));
            let own = own.and_then(|name| self.table.shape.column(name));
            values[*column] = Some(match own {
                Some(own) => typical(self.table, own, number, self.literals),
                // Most keys are integers, and those are the same in each table.
                _ => match self.table.shape.columns[*column].affinity {
                    Affinity::Text => typical(self.table, *column, number, self.literals),
                    _ => Value::Integer(self.literals.key(number)),
                },
            });
        }
    }

    /// The statement that inserts these rows.
    pub(super) fn statement(
        &self,
        verb: &str,
        rows: impl Iterator<Item = Vec<Option<Value>>>,
        condition: &str,
    ) -> String {
        self.numbered(verb, rows.enumerate(), condition)
    }

    /// The same of rows with these numbers.
    pub(super) fn numbered(
        &self,
        verb: &str,
        rows: impl Iterator<Item = (usize, Vec<Option<Value>>)>,
        condition: &str,
    ) -> String {
        let shape = &self.table.shape;
        let mut names: Vec<String> = self
            .table
            .written()
            .map(|column| identifier(&shape.columns[column].name))
            .collect();
        // The rowid tells generated rows from others.
        let rowid = match shape.rowid == RowId::Has && shape.integer_key().is_none() {
            true => free_rowid(|name| shape.column(name).is_some()),
            false => None,
        };
        names.extend(rowid.map(str::to_owned));
        let mut selects = Vec::new();
        for (number, row) in rows {
            let mut values: Vec<String> = self
                .table
                .written()
                .map(|column| row[column].as_ref().map_or("NULL".to_owned(), literal))
                .collect();
            if rowid.is_some() {
                values.push(match condition {
                    "" => self.literals.key(number).to_string(),
                    // The next one, as earlier tries may have been accepted.
                    _ => format!(
                        "{} + {} * (SELECT count(*) FROM {})",
                        self.literals.base(),
                        STRIDE,
                        identifier(&shape.name)
                    ),
                });
            }
            selects.push(format!("SELECT {}{condition}", values.join(", ")));
        }
        format!(
            "{verb} INTO {} ({}) {}",
            identifier(&shape.name),
            names.join(", "),
            selects.join(" UNION ALL ")
        )
    }
}
