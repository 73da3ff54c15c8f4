//! Which rows of the database the declared rows are, where their keys do not find them. Pure.

use std::collections::{HashMap, HashSet};

use super::found::Found;
use super::identity::whole_row;
use super::memory::{Memory, Scene};
use super::model::Mode;
use super::past::{Was, identity};
use super::row::{Content, Row, Rows};
use super::there::There;
use crate::schema::Shape;
use crate::sql::Value;

impl Memory {
    /// Says of declared rows which rows they are. Tells whether a row is found now that was not found before.
    pub(super) fn recognise(&self, scene: Scene<'_>, found: &mut Found) -> bool {
        let Scene { shape, rows, .. } = scene;
        let mut moved: HashMap<usize, HashSet<String>> = HashMap::new();
        for item in &self.items {
            let (Some(at), Some(Some(row))) = (item.of, &item.row) else {
                continue;
            };
            let rules = rows.rules(&rows.rows[at]);
            let is_done =
                found.moved().contains(&at) || found.row(rows, at).is_some_and(|it| it.is(row));
            let is_taken = || {
                let rows = moved.get(&rules.table);
                rows.is_some_and(|rows| rows.contains(&whole_row(row)))
            };
            if is_done || is_taken() {
                continue;
            }
            let key = found.key(rows, shape, at);
            let moves = |key: &Vec<Value>| {
                is_as_recorded(scene, found, at, key)
                    || may_move(scene, found, (at, key), row.into())
            };
            if key.as_ref().is_none_or(moves) {
                found.moves(scene.rows, at, row.clone(), item.columns == rules.key);
                let rows = moved.entry(rules.table).or_default();
                rows.insert(whole_row(row));
            } else {
                found.changes_key(at);
            }
        }
        // A row that was made for one label is no other's, even if it has the key of the other still.
        if !moved.is_empty() {
            for (at, row) in rows.rows.iter().enumerate() {
                let taken = moved.get(&rows.rules(row).table);
                if !found.moved().contains(&at)
                    && let (Some(taken), Some(row)) = (taken, found.row(rows, at))
                    && taken.contains(&whole_row(row))
                {
                    found.releases(at);
                }
            }
        }
        !moved.is_empty()
    }
}

/// Where a declared row is to be looked for besides under its key, by what is recorded of it.
pub(super) fn wanted(scene: Scene<'_>, found: &Found, at: usize) -> Vec<(Vec<usize>, Vec<Value>)> {
    let Scene {
        shape, rows, past, ..
    } = scene;
    let row: &Row = &rows.rows[at];
    let rules = rows.rules(row);
    let of = &shape.tables[rules.table];
    // Most rows are found by their keys, and have the primary key that they declare.
    if past.of[at] == Was::Same && !of.primary_key.is_empty() {
        let there = found.row(rows, at);
        let is_so = |column: &usize| {
            let content = row.cell(*column).map(|cell| &cell.content);
            matches!((content, there), (Some(Content::Known(value)), Some(there)) if there.get(*column) == Some(value.get()))
        };
        let cannot_move = past.before(at).is_none() && of.primary_key == rules.key;
        if of.primary_key.iter().all(is_so) || there.is_none() && cannot_move {
            return Vec::new();
        }
    }
    let cell = |column| found.cell(rows, shape, at, row.cell(column)?);
    let (own, key) = match (past.of[at], past.before(at)) {
        (Was::Never, _) => return Vec::new(),
        (_, None) => (identity(rows, row, of, cell), None),
        (_, Some(old)) => (
            past.identity((found, rows), shape, old),
            past.key((found, rows), shape, old),
        ),
    };
    let is_there = |(columns, values): &(Vec<usize>, Vec<Value>)| {
        found.row(rows, at).is_some_and(|row| {
            let mut parts = columns.iter().zip(values);
            parts.all(|(column, value)| row.has(*column, value))
        })
    };
    if own.as_ref().is_some_and(is_there) {
        return Vec::new();
    }
    // Under its key it was looked for already.
    let current = found.key(rows, shape, at);
    let mut all: Vec<_> = own.into_iter().chain(key).collect();
    all.retain(|(columns, values)| *columns != rules.key || current.as_ref() != Some(values));
    all.dedup();
    all
}

/// Whether a row has the key with which it was recorded: then it was changed by hand, and is not written.
fn is_as_recorded(scene: Scene<'_>, found: &Found, at: usize, key: &[Value]) -> bool {
    let row = &scene.rows.rows[at];
    let columns = &scene.rows.rules(row).key;
    match scene.past.of[at] {
        Was::Never => false,
        Was::Same => !scene.rows.has_changing_key(at),
        Was::Row(old) => scene
            .past
            .key((found, scene.rows), scene.shape, old)
            .is_some_and(|(old, values)| old == *columns && values == key),
    }
}

/// Whether a row can get this key: no part of its primary key changes. Nothing of a row that is only inserted changes.
fn may_move(scene: Scene<'_>, found: &Found, (at, key): (usize, &[Value]), row: There<'_>) -> bool {
    let declared = &scene.rows.rows[at];
    let rules = scene.rows.rules(declared);
    let of = &scene.shape.tables[rules.table];
    // An id that is made for a label is not written to a row that has another one.
    let is_made = |column: usize| {
        let cell = declared.cell(column);
        of.primary_key == [column] && cell.is_some_and(|cell| cell.span() == declared.span)
    };
    let parts = rules.key.iter().zip(key);
    let changed: Vec<usize> = parts
        .filter(|(column, value)| !row.has(**column, value) && !is_made(**column))
        .filter(|(column, _)| {
            follows(scene.shape, scene.rows, found, (at, **column), row).is_none()
        })
        .map(|(column, _)| *column)
        .collect();
    let is_free = !changed.iter().any(|column| of.primary_key.contains(column));
    match rules.mode {
        Mode::Insert => true,
        Mode::Upsert | Mode::Sync => is_free,
    }
}

/// The row and the column along with which the engine changes a column of another row, to which that one refers
/// (`ON UPDATE CASCADE`): a row that was found under its old key, and whose value the other one has still.
pub(super) fn follows(
    shape: &Shape,
    rows: &Rows,
    found: &Found,
    (at, column): (usize, usize),
    row: There<'_>,
) -> Option<(usize, usize)> {
    let declared = &rows.rows[at];
    let Content::Reference {
        row: parent,
        column: target,
    } = declared.cell(column)?.content
    else {
        return None;
    };
    let of = &shape.tables[rows.rules(declared).table];
    let parents = &shape.tables[rows.rules(&rows.rows[parent]).table];
    let cascades = of.foreign_keys.iter().any(|key| {
        let mut pairs = key.columns.iter().zip(&key.parent_columns);
        key.on_update == "CASCADE"
            && key.parent.eq_ignore_ascii_case(&parents.name)
            && pairs.any(|(own, name)| *own == column && parents.column(name) == Some(target))
    });
    let old = found.row(rows, parent)?.value(target)?;
    let has_old = row.has(column, &of.columns[column].affinity.stored(old));
    (cascades && has_old && found.moved().contains(&parent)).then_some((parent, target))
}
