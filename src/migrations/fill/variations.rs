//! Further rows of the tables that new versions name: each is the first row with other keys and one column of another kind.
//! They are what a narrower constraint meets in a real table: a part of a key that repeats, a NULL in one column alone, a
//! parent with NULLs, letters of another case, a value of another type. The engine decides which of them a table takes.

use std::collections::HashSet;

use super::candidates::{LARGE, is_json_column, takes_null, typical};
use super::plan::{Plan, is_self};
use super::table::Table;
use crate::schema::{Affinity, RowId, Strictness};
use crate::sql::{TokenKind, Value, significant, unquote};

/// What new versions are about.
#[derive(Debug, Clone, Default)]
pub(in crate::migrations) struct Focus {
    /// The names in their texts, in lower case.
    names: HashSet<String>,
    /// Whether they make a table `STRICT`.
    strict: bool,
    /// Whether they ask whether a text is JSON.
    json: bool,
}

impl Focus {
    /// Of these texts.
    pub(in crate::migrations) fn of<'a>(texts: impl Iterator<Item = &'a str>) -> Focus {
        let mut focus = Focus::default();
        for text in texts {
            for token in significant(text) {
                if matches!(token.kind, TokenKind::Symbol | TokenKind::Number) {
                    continue;
                }
                focus.strict |= token.is_word(text, "STRICT");
                focus.json |= token.is_word(text, "json_valid");
                focus
                    .names
                    .insert(unquote(token.text(text)).to_ascii_lowercase());
            }
        }
        focus
    }

    /// Whether a version names the table or one that it refers to.
    pub(super) fn is_on(&self, table: &Table) -> bool {
        let has = |name: &str| self.names.contains(&name.to_ascii_lowercase());
        has(&table.shape.name) || table.shape.foreign_keys.iter().any(|key| has(&key.parent))
    }
}

/// The number of the first of these rows. No other row has a number as high, and as texts too they come behind the others.
const FIRST: usize = 900;

/// How many rows a table gets at most: generated keys end at a thousand.
const MOST: usize = 90;

/// The rows, with their numbers.
pub(super) fn variations(plan: &Plan<'_>, focus: &Focus) -> Vec<(usize, Vec<Option<Value>>)> {
    let table = plan.table;
    let first = plan.row(0);
    let mut rows: Vec<(usize, Vec<Option<Value>>)> = Vec::new();
    let mut add = |change: &[(usize, Value)]| {
        let number = FIRST + rows.len();
        let mut row = plan.row(number);
        for column in table.written().filter(|it| !table.keys.contains(it)) {
            row[column].clone_from(&first[column]);
        }
        for (column, value) in change {
            row[*column] = Some(value.clone());
        }
        rows.push((number, row));
    };
    for (column, value) in parts_of_keys(table, &first) {
        add(&[(column, value)]);
    }
    for (number, key) in table.shape.foreign_keys.iter().enumerate() {
        let is_key = key.columns.iter().any(|it| table.keys.contains(it));
        let Some(parents) = plan
            .parents_of(number)
            .filter(|_| !is_key && !is_self(table, key))
        else {
            continue;
        };
        for parent in parents.iter().skip(1) {
            let columns = key.columns.iter().copied();
            add(&columns.zip(parent.iter().cloned()).collect::<Vec<_>>());
        }
    }
    for (column, value) in other_values(plan, focus, &first) {
        add(&[(column, value)]);
    }
    rows.truncate(MOST);
    rows
}

/// The first value of each column of a key of several, and what a single one may hold beside it: letters of another case,
/// and NULL, which the key of a table with rowid takes.
fn parts_of_keys(table: &Table, first: &[Option<Value>]) -> Vec<(usize, Value)> {
    let mut found = Vec::new();
    let sets = table.shape.unique.iter().map(|index| &index.columns);
    for set in sets.chain([&table.shape.primary_key]) {
        let own = set.iter().filter(|column| table.keys.contains(column));
        for column in own {
            let Some(value) = first[*column].clone() else {
                continue;
            };
            let is_primary = table.shape.primary_key.contains(column);
            let has_rowid = table.shape.rowid == RowId::Has;
            match &value {
                _ if set.len() > 1 => found.push((*column, value)),
                Value::Text(text) if has_rowid || !is_primary => {
                    found.push((*column, Value::Text(text.to_ascii_uppercase())));
                    if is_primary {
                        found.push((*column, Value::Null));
                    }
                }
                _ => {}
            }
        }
    }
    found
}

/// For each column that is no key, in two rows: NULL, a large value, and a value that a narrower type does not take.
fn other_values(plan: &Plan<'_>, focus: &Focus, first: &[Option<Value>]) -> Vec<(usize, Value)> {
    let table = plan.table;
    let refers = |column: &usize| {
        let mut keys = table.shape.foreign_keys.iter();
        keys.any(|key| key.columns.contains(column))
    };
    let mut found = Vec::new();
    let free = table.written().filter(|it| !table.keys.contains(it));
    for column in free {
        let mut values = Vec::new();
        if takes_null(table, column) {
            values.push(Value::Null);
        }
        if !refers(&column) {
            values.push(typical(table, column, LARGE, plan.literals));
            values.extend(misfit(table, column, focus, plan.literals.marker()));
        }
        values.retain(|value| first[column].as_ref() != Some(value));
        found.extend(
            values
                .into_iter()
                .flat_map(|value| [(column, value.clone()), (column, value)]),
        );
    }
    found
}

/// A value that the column takes and the constraint of a new version may not.
fn misfit(table: &Table, column: usize, focus: &Focus, marker: &str) -> Option<Value> {
    if focus.json && is_json_column(table, column) {
        return Some(Value::Text(marker.to_owned()));
    }
    let is_flexible = table.shape.strictness == Strictness::Flexible;
    (focus.strict && is_flexible).then(|| match table.shape.columns[column].affinity {
        Affinity::Text => Value::Blob(marker.as_bytes().to_vec()),
        Affinity::Integer | Affinity::Numeric => Value::Real(0.5),
        Affinity::Real | Affinity::Blob => Value::Text(marker.to_owned()),
    })
}
