//! One row that a seed made or met, and by what it is known again. Pure.

use std::sync::Arc;

use super::entry::{self, Entry, Hashed, State};
use super::followed::Renames;
use super::identity::{values_in, words_of_parent};
use super::model::SeedFile;
use super::there::There;
use crate::schema::{Shape, TableShape};
use crate::sql::Value;

/// A row that a seed made or met.
#[derive(Debug, Clone)]
pub(super) struct Remembered {
    /// The chosen file that continues the seed.
    pub(super) file: usize,
    /// By its place in the shape.
    pub(super) table: usize,
    pub(super) label: Arc<str>,
    pub(super) columns: Vec<usize>,
    /// As its columns keep it. NULL for a part of which only the hash is known yet.
    pub(super) key: Vec<Value>,
    /// Salt and hash of each part that is not recorded itself.
    pub(super) hashes: Vec<Hashed>,
    /// What says so; none where it follows from the recorded text.
    pub(super) entry: Option<Entry>,
    pub(super) state: State,
    /// The declared row of its label.
    pub(super) of: Option<usize>,
    /// What the database has of it; none where it was not asked for.
    pub(super) row: Option<Option<Vec<Value>>>,
    /// Whether a declared row is this one.
    pub(super) is_declared: bool,
    /// Whether another one, known by another key, is the same row of the database, and is to go for both.
    pub(super) is_double: bool,
}

pub(super) fn derived(
    file: usize,
    table: usize,
    label: &Arc<str>,
    (columns, key): (Vec<usize>, Vec<Value>),
    state: State,
    of: Option<usize>,
) -> Remembered {
    Remembered {
        file,
        table,
        label: label.clone(),
        hashes: vec![None; key.len()],
        columns,
        key,
        entry: None,
        state,
        of,
        row: None,
        is_declared: false,
        is_double: false,
    }
}

/// None where its columns are gone.
pub(super) fn remembered(
    entry: Entry,
    file: usize,
    table: usize,
    declared: Option<usize>,
    (shape, renames): (&Shape, Option<&Renames>),
) -> Option<Remembered> {
    let of = &shape.tables[table];
    let (names, state) = entry.columns()?;
    let (mut key, mut hashes) = entry.key()?;
    let column = |name: &String| match renames.and_then(|it| it.column(&entry.table, name)) {
        Some(now) => of.column(&now),
        None => of.column(name),
    };
    let columns: Option<Vec<usize>> = names.iter().map(column).collect();
    // The column of the primary key may have another name by now.
    let columns = columns
        .or_else(|| (names.len() == of.primary_key.len()).then(|| of.primary_key.clone()))?;
    if columns.is_empty() {
        // What stands there is the label.
        key.clear();
        hashes.clear();
    }
    if columns.len() != key.len() {
        return None;
    }
    for (value, column) in key.iter_mut().zip(&columns) {
        *value = of.columns[*column].affinity.stored(std::mem::take(value));
    }
    let label = entry.label.as_str().into();
    Some(Remembered {
        hashes,
        entry: Some(entry),
        ..derived(file, table, &label, (columns, key), state, declared)
    })
}

impl Remembered {
    /// Whether its key is known, and not only hashes of it.
    pub(super) fn is_known(&self) -> bool {
        let mut parts = self.key.iter().zip(&self.hashes);
        parts.all(|(value, hash)| hash.is_none() || !value.is_null())
    }

    /// Whether this is its key.
    pub(super) fn has(&self, of: &TableShape, key: &[Value]) -> bool {
        let words =
            |value: &Value, column: usize| words_of_parent(vec![value.clone()], of, &[column]);
        let name = self.entry.as_ref().map_or(&of.name, |entry| &entry.table);
        let parts = self.columns.iter().zip(key);
        let mut parts = parts.zip(self.key.iter().zip(&self.hashes));
        key.len() == self.key.len()
            && parts.all(|((column, value), (own, hash))| match hash {
                Some((salt, hash)) => {
                    entry::hash_of(name, of, *column, salt, value).as_ref() == Some(hash)
                }
                None => words(value, *column) == words(own, *column),
            })
    }

    /// Whether it is this row of the database.
    pub(super) fn is<'a>(&self, of: &TableShape, row: impl Into<There<'a>>) -> bool {
        self.has(of, &values_in(row, &self.columns))
    }

    /// Whether this is a row under another key than the recorded one, which its seed made too: where a key cannot be
    /// changed, a row is made under the new one.
    pub(super) fn is_beside(&self, of: &TableShape, recorded: &(Vec<usize>, Vec<Value>)) -> bool {
        let (columns, key) = recorded;
        self.entry.is_some()
            && self.state != State::Met
            && self.is_known()
            && self.columns == *columns
            && !self.has(of, key)
    }

    /// What the table is to say of it.
    pub(super) fn as_entry(&self, file: &SeedFile, of: &TableShape) -> Entry {
        let key = self.columns.iter().zip(self.key.iter().zip(&self.hashes));
        let name = self.entry.as_ref().map_or(&of.name, |entry| &entry.table);
        let part = |(column, (value, hash)): (&usize, (&Value, &Hashed))| match hash {
            Some((salt, hash)) => {
                // The hash is of the name of the table too.
                let hash = match value.is_null() {
                    true => Some(hash.clone()),
                    false => entry::hash_of(&of.name, of, *column, salt, value),
                };
                serde_json::json!({ "salt": salt, "hash": hash })
            }
            None => entry::to_json(value),
        };
        let key = match self.columns.is_empty() {
            // No two entries of a table have one key.
            true => vec![serde_json::Value::from(&*self.label)],
            false => key.map(part).collect(),
        };
        let entry = entry::entry(file, of, &self.columns, key, &self.label, self.state);
        match self.is_known() {
            true => entry,
            false => Entry {
                table: name.clone(),
                ..entry
            },
        }
    }
}
