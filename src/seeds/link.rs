//! Values of the files that name another row of theirs. Pure.

use std::collections::{HashMap, HashSet};

use super::identity::words_of_parent;
use super::row::{Content, Row, Rows};
use crate::schema::Shape;
use crate::sql::Value;

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
            if let Some(word) = word(&value.value(), parent, target) {
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
                && let Some(word) = word(&value.value(), table, cell.column())
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
            Content::Known(held) => Some(held.value()),
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
