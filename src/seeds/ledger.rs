//! The table `_seedbed_rows`: rows that a seed made or met and that do not follow from its recorded text, and rows that
//! were removed. A part of a key that comes from `!env` is kept as a salted hash only. Pure.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Value as Json, json};

use super::basis::Basis;
use super::bound::expression;
use super::entry::{Entry, State, entry, hash_of, to_json};
use super::found::finds;
use super::model::{Mode, SeedFile};
use super::past::identity;
use super::recognise::follows;
use super::remembered::Remembered;
use super::trace::{Writing, WrittenRows};
use crate::db::{IfThere, Query};
use crate::diagnostic::Diagnostic;
use crate::history::History;
use crate::script::{Key, Step};
use crate::sql::{Value, identifier};

/// Makes the table. `columns` are those of `key`, as a JSON array; `{"met": [...]}` for a row that was there before its
/// seed, `{"removed": [...]}` for one that was removed by hand. `key` is a JSON array of values, with `{"salt", "hash"}` for
/// the value of a variable; without columns it is the label of a row that has no key, and that was made once.
const CREATE: &str = "\
CREATE TABLE IF NOT EXISTS _seedbed_rows (
  seed TEXT NOT NULL,
  tbl TEXT NOT NULL,
  columns TEXT NOT NULL,
  key TEXT NOT NULL,
  label TEXT NOT NULL,
  PRIMARY KEY (seed, tbl, columns, key)
)";

/// Bound values in one statement.
const PER_STATEMENT: usize = 5000;

/// Asks for all that is remembered of these files, and of files that are gone.
pub(super) fn query(files: &[&SeedFile], history: &History) -> Option<IfThere> {
    let chosen = files.iter().map(|file| file.name.as_str());
    let recorded = history.rows.iter().filter_map(|row| match &row.key {
        Key::Seed(name) => Some(name.as_str()),
        _ => None,
    });
    let recorded: Vec<&str> = recorded.collect();
    // What was never recorded has no rows.
    let names: Vec<Value> = match recorded.is_empty() {
        true => Vec::new(),
        false => recorded
            .into_iter()
            .chain(chosen)
            .map(Value::from)
            .collect(),
    };
    let marks = vec!["?"; names.len()].join(", ");
    let sql =
        format!("SELECT seed, tbl, columns, key, label FROM _seedbed_rows WHERE seed IN ({marks})");
    (!names.is_empty()).then(|| Query { sql, args: names }.if_there("_seedbed_rows"))
}

/// The ids of the rows that are remembered, by table in lower case and label.
pub(super) fn ids(recorded: &[[Value; 5]]) -> HashMap<(String, String), Value> {
    let id = |row: &[Value; 5]| {
        let entry = Entry::read(row.clone())?;
        let (key, _) = entry.key()?;
        let [id] = key.as_slice() else { return None };
        let is_known = !id.is_null() && entry.columns()?.0.len() == 1;
        is_known.then(|| ((entry.table.to_ascii_lowercase(), entry.label), id.clone()))
    };
    recorded.iter().filter_map(id).collect()
}

/// The statements that make the entries of a file what they are to be.
pub(super) fn entries(
    basis: &Basis<'_>,
    number: usize,
    writing: &Writing<'_>,
) -> Result<Vec<Step>, Box<Diagnostic>> {
    let written = &writing.rows;
    let recorded = basis
        .memory
        .entries
        .iter()
        .filter(|(file, _)| *file == number);
    let recorded: HashSet<&Entry> = recorded.map(|(_, entry)| entry).collect();
    let wanted = wanted(basis, number, written);
    let mut steps = Vec::new();
    let mut gone: Vec<&&Entry> = recorded
        .iter()
        .filter(|it| !wanted.contains(**it))
        .collect();
    gone.sort();
    for chunk in gone.chunks(PER_STATEMENT / 4) {
        let rows = vec!["(?,?,?,?)"; chunk.len()].join(",");
        let sql =
            format!("DELETE FROM _seedbed_rows WHERE (seed, tbl, columns, key) IN (VALUES {rows})");
        let args = chunk.iter().flat_map(|entry| entry.values());
        steps.push(Step::own(sql, args.collect()));
    }
    let mut new: Vec<&Entry> = wanted.iter().filter(|it| !recorded.contains(it)).collect();
    new.sort();
    if !new.is_empty() {
        steps.push(Step::own(CREATE, vec![]));
    }
    for chunk in new.chunks(PER_STATEMENT / 5) {
        let rows = vec!["(?,?,?,?,?)"; chunk.len()].join(",");
        let sql = format!(
            "INSERT OR REPLACE INTO _seedbed_rows (seed, tbl, columns, key, label) VALUES {rows}"
        );
        let args = chunk.iter().flat_map(|entry| {
            entry
                .values()
                .into_iter()
                .chain([entry.label.as_str().into()])
        });
        steps.push(Step::own(sql, args.collect()));
    }
    let numbered = numbered(basis, number, writing)?;
    if new.is_empty() && !numbered.is_empty() {
        steps.push(Step::own(CREATE, vec![]));
    }
    steps.extend(numbered);
    Ok(steps)
}

/// The entries of new rows that the database numbers: it knows the numbers once the rows are there.
fn numbered(
    basis: &Basis<'_>,
    number: usize,
    writing: &Writing<'_>,
) -> Result<Vec<Step>, Box<Diagnostic>> {
    /// The engine takes 500 parts in one statement: <https://sqlite.org/limits.html>.
    const TOGETHER: usize = 100;
    let mut selects: Vec<(String, Vec<Value>)> = Vec::new();
    for (at, row) in basis.rows.rows.iter().enumerate() {
        let rules = basis.rows.rules(row);
        let is_new = rules.file == number
            && basis.rows.counted.contains(&rules.table)
            && !basis.found.is_there(at)
            && writing.rows.contains_key(&at);
        let Some(column) = rules
            .numbered
            .filter(|_| is_new && basis.rows.is_numbered(at))
        else {
            continue;
        };
        let of = &basis.shape.tables[rules.table];
        let entry = entry(
            basis.files[number],
            of,
            &[column],
            Vec::new(),
            &row.label,
            State::Made,
        );
        let mut args: Vec<Value> = [&entry.seed, &entry.table, &entry.columns, &entry.label]
            .map(|it| it.as_str().into())
            .into();
        let mut parts = Vec::new();
        for part in &rules.key {
            let Some(cell) = row.cell(*part) else {
                continue;
            };
            let (sql, bound) = expression(basis, at, cell, writing.secrets)?;
            parts.push((*part, sql));
            args.extend(bound);
        }
        if parts.is_empty() {
            continue;
        }
        let select = format!(
            "SELECT ?, ?, ?, json_array({}), ? FROM {} WHERE {}",
            identifier(&of.columns[column].name),
            identifier(&of.name),
            finds(of, &rules.key, &parts)
        );
        selects.push((select, args));
    }
    let chunks = selects.chunks(TOGETHER);
    let step = |chunk: &[(String, Vec<Value>)]| {
        let parts: Vec<&str> = chunk.iter().map(|(sql, _)| sql.as_str()).collect();
        let args = chunk.iter().flat_map(|(_, args)| args.iter().cloned());
        let sql = format!(
            "INSERT OR REPLACE INTO _seedbed_rows (seed, tbl, columns, key, label) {}",
            parts.join(" UNION ALL ")
        );
        Step::own(sql, args.collect())
    };
    Ok(chunks.map(step).collect())
}

/// What the table is to have of a file.
fn wanted(basis: &Basis<'_>, number: usize, written: &WrittenRows<'_>) -> HashSet<Entry> {
    let file = basis.files[number];
    let salt = super::trace::new_salt(basis, number);
    let mut all = HashSet::new();
    let mut remembered: BTreeMap<usize, Vec<&Remembered>> = BTreeMap::new();
    for item in basis.memory.items.iter().filter(|it| it.file == number) {
        if let (Some(at), Some(_)) = (item.of, &item.entry) {
            remembered.entry(at).or_default().push(item);
        }
        // The row of a key that cannot be changed stays beside the one of the new key.
        if item.of.is_none_or(|at| basis.found.has_changed_key(at))
            && !basis.memory.is_orphan(item)
            && !item.is_declared
        {
            let of = &basis.shape.tables[item.table];
            all.insert(item.as_entry(file, of));
        }
    }
    for (at, row) in basis.rows.rows.iter().enumerate() {
        let rules = basis.rows.rules(row);
        if rules.file != number {
            continue;
        }
        let of = &basis.shape.tables[rules.table];
        let state = basis.memory.state(basis, at);
        let is_secret = |column: &usize| {
            let cell = row.cell(*column);
            cell.is_some_and(|cell| basis.rows.hides(cell))
        };
        let (columns, key) = match basis.there(at) {
            Some(found) => {
                let (columns, mut key) = match basis.rows.may_lose_number(at) {
                    // A database gives the number of a deleted row to another one.
                    true => rules.key_in(found),
                    false => rules.actual(of, found),
                };
                // What it has after the run.
                for (column, value) in columns.iter().zip(&mut key) {
                    let writes = |(row, column): (usize, usize)| {
                        let columns = written.get(&row);
                        columns.is_some_and(|it| it.is_none_or(|it| it.contains(&column)))
                    };
                    let follows =
                        follows(basis.shape, basis.rows, basis.found, (at, *column), found);
                    if (writes((at, *column)) || follows.is_some_and(writes))
                        && let Some(cell) = row.cell(*column)
                        && let Some(new) = basis.found.cell(basis.rows, basis.shape, at, cell)
                    {
                        *value = new;
                    }
                }
                let cell = |column| {
                    let cell = row.cell(column)?;
                    basis.found.cell(basis.rows, basis.shape, at, cell)
                };
                let follows = identity(basis.rows, row, of, cell);
                if state == State::Made && follows == Some((columns.clone(), key.clone())) {
                    continue;
                }
                (columns, key)
            }
            None if written.contains_key(&at) => match basis.found.key(basis.rows, basis.shape, at)
            {
                Some(key) if rules.key.iter().any(is_secret) => (rules.key.clone(), key),
                _ => continue,
            },
            None => {
                let items = remembered.remove(&at).unwrap_or_default().into_iter();
                // What is declared is recorded by its label.
                let of_keys = items.filter(|item| !item.columns.is_empty());
                all.extend(of_keys.map(|item| Entry {
                    label: row.label.to_string(),
                    ..item.as_entry(file, of)
                }));
                continue;
            }
        };
        let secret = columns.iter().any(is_secret);
        // Without mode `sync` nothing is deleted, and a trace tells whether such a row was there.
        if secret && state == State::Made && rules.mode != Mode::Sync {
            continue;
        }
        // The primary key of a new row follows from its label.
        if secret && !basis.found.is_there(at) && !of.primary_key.iter().any(is_secret) {
            let has_key = !of.primary_key.is_empty();
            if has_key && of.primary_key.iter().all(|it| row.cell(*it).is_some()) {
                continue;
            }
        }
        // A hash that is right stays, with its salt.
        let items = remembered.get(&at).map(Vec::as_slice).unwrap_or_default();
        let mut entries = items.iter().filter_map(|item| item.entry.as_ref());
        let same = entries.find(|entry| secret && entry.is(of, &columns, &key, state, is_secret));
        if let Some(entry) = same {
            all.insert(Entry {
                seed: file.name.clone(),
                table: of.name.clone(),
                label: row.label.to_string(),
                ..entry.clone()
            });
            continue;
        }
        let part = |(column, value): (&usize, &Value)| match is_secret(column) {
            true => {
                let hash = hash_of(&of.name, of, *column, &salt, value);
                json!({ "salt": salt, "hash": hash })
            }
            false => to_json(value),
        };
        let key: Vec<Json> = columns.iter().zip(&key).map(part).collect();
        all.insert(entry(file, of, &columns, key, &row.label, state));
    }
    all
}
