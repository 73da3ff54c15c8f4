//! What was written into cells whose values are not recorded (`!env`, `!hash`, `!now`, `!ago`): a keyed hash of each, in
//! `detail` of the seed's record ([`WRITTEN`]). By it a later run tells a row that was changed by hand from a variable
//! that was changed. No value, no name of a row and no hash without a salt is ever recorded. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::basis::Basis;
use super::given::name_for_ids;
use super::identity::{collate, compared, keyed, words};
use super::past::Was;
use super::row::{Cell, Content, Nature, Row};
use crate::history::WRITTEN;
use crate::sql::Value;

/// Times and hashes of one file that are traced; a file with more traces none of them, so that records stay small.
const MOST_VOLATILE: usize = 1000;

/// What the record of a seed says about the value that the database has in a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trace {
    /// The seed wrote it.
    Written,
    /// The seed wrote another one.
    Changed,
    /// The seed wrote the cell, and nothing is known of the value: the record is older than traces.
    Unrecorded,
    /// The seed has not written a value of this kind into the cell.
    New,
}

/// What is recorded for each file, in the order of the files.
pub(super) struct Traces(Vec<OfFile>);

struct OfFile {
    recorded: Recorded,
    /// Whether times and hashes are traced.
    volatile: bool,
}

enum Recorded {
    /// The seed was never applied.
    Nothing,
    /// Its record has no traces.
    Untraced,
    Cells {
        salt: String,
        cells: HashMap<String, String>,
        /// What names rows whose keys may change, and that were there. None in records that are older than these.
        keys: Option<HashSet<String>>,
        /// Whether cells are named by the labels of their rows; by their keys in older records.
        by_label: bool,
    },
}

/// For each row that is written the columns, and none where all of them are.
pub(super) type WrittenRows<'a> = HashMap<usize, Option<&'a [usize]>>;

/// Which cells a plan writes.
pub(super) struct Writing<'a> {
    pub(super) traces: &'a Traces,
    pub(super) rows: WrittenRows<'a>,
    /// What `!hash` comes to, by row and column.
    pub(super) secrets: &'a HashMap<(usize, usize), String>,
}

impl Traces {
    /// Whether the row of this key was there when the record was written; none where that is not recorded.
    pub(super) fn knows(&self, basis: &Basis<'_>, at: usize) -> Option<bool> {
        let of_file = &self.0[basis.rows.rules(&basis.rows.rows[at]).file];
        let Recorded::Cells { salt, keys, .. } = &of_file.recorded else {
            return None;
        };
        let keys = keys.as_ref()?;
        let rules = basis.rows.rules(&basis.rows.rows[at]);
        let of = &basis.shape.tables[rules.table];
        // Older records have the name that the table had when they were written.
        let names = [
            name_for_ids(&basis.past.texts.made_as[rules.file], of),
            &of.name,
        ];
        let mut ids = names
            .map(|name| id_of_row(basis, at, salt, name))
            .into_iter();
        ids.try_fold(false, |known, id| Some(known || keys.contains(&id?)))
    }

    pub(super) fn of(basis: &Basis<'_>) -> Traces {
        let mut counts = vec![0_usize; basis.files.len()];
        for row in &basis.rows.rows {
            let volatile = |cell: &&Cell| basis.rows.nature(cell) == Nature::Volatile;
            counts[basis.rows.rules(row).file] += row.cells.iter().filter(volatile).count();
        }
        let of_file = |(file, count): (usize, usize)| OfFile {
            recorded: match basis.past.texts.lineage.record(basis.history, file) {
                None => Recorded::Nothing,
                Some(row) => read(row.detail.get(WRITTEN)),
            },
            volatile: count <= MOST_VOLATILE,
        };
        Traces(counts.into_iter().enumerate().map(of_file).collect())
    }

    /// What is known of the value that the database has in a cell.
    pub(super) fn trace(&self, basis: &Basis<'_>, at: usize, cell: &Cell, value: &Value) -> Trace {
        // The record of the file that had the row.
        let of_file = &self.0[basis.past.file(basis.rows, at)];
        match &of_file.recorded {
            Recorded::Nothing => Trace::New,
            Recorded::Untraced => Trace::Unrecorded,
            Recorded::Cells { .. } if !of_file.volatile && is_volatile(basis, cell) => {
                Trace::Unrecorded
            }
            Recorded::Cells {
                salt,
                cells,
                by_label,
                ..
            } => {
                let Some(id) = id_before(basis, at, cell, salt, *by_label) else {
                    return Trace::Unrecorded;
                };
                match cells.get(&id).map(String::as_str) {
                    None => Trace::New,
                    Some("") => Trace::Unrecorded,
                    Some(hash) if hash == hash_of(salt, &id, value) => Trace::Written,
                    Some(_) => Trace::Changed,
                }
            }
        }
    }
}

impl Writing<'_> {
    /// What the record of a file is to say.
    pub(super) fn record(&self, basis: &Basis<'_>, file: usize) -> Json {
        let of_file = &self.traces.0[file];
        let nothing = HashMap::new();
        let (salt, recorded, by_label) = match &of_file.recorded {
            Recorded::Cells {
                salt,
                cells,
                by_label,
                ..
            } if !salt.is_empty() => (salt.clone(), cells, *by_label),
            _ => (new_salt(basis, file), &nothing, true),
        };
        let mut written = BTreeMap::new();
        let mut keys = BTreeSet::new();
        for (at, row) in basis.rows.rows.iter().enumerate() {
            let rules = basis.rows.rules(row);
            if rules.file != file {
                continue;
            }
            let is_there = basis.found.is_there(at)
                || self.rows.contains_key(&at)
                || self.traces.knows(basis, at) == Some(true);
            if is_there && basis.rows.has_changing_key(at) {
                let of = &basis.shape.tables[rules.table];
                let name = name_for_ids(&basis.past.texts.made_as[rules.file], of);
                keys.extend(id_of_row(basis, at, &salt, name));
            }
            for cell in row.cells.iter().filter(|cell| is_traced(basis, row, cell)) {
                let volatile = is_volatile(basis, cell);
                if volatile && !of_file.volatile {
                    continue;
                }
                let id = id_of_label(basis, at, cell, &salt, &row.label);
                let hash = match self.value(basis, at, cell, volatile) {
                    Some(value) => Some(hash_of(&salt, &id, &value)),
                    // The hash is of the name of its cell too, so it holds under the same name only.
                    None => id_before(basis, at, cell, &salt, by_label)
                        .filter(|before| *before == id)
                        .and_then(|before| recorded.get(&before).cloned()),
                };
                written.insert(id, hash.unwrap_or_default());
            }
        }
        let mut record = serde_json::Map::new();
        if !written.is_empty() || !keys.is_empty() {
            record.insert("salt".to_owned(), salt.into());
            record.insert("by".to_owned(), "label".into());
            // Where a record is amended, cells under other names than now are taken out.
            let mut cells = json!(written);
            for before in recorded.keys().filter(|id| !written.contains_key(*id)) {
                cells[before] = Json::Null;
            }
            record.insert("cells".to_owned(), cells);
        }
        if !keys.is_empty() {
            record.insert("keys".to_owned(), json!(keys));
        }
        Json::Object(record)
    }

    /// What the database has in a cell because of a seed, as far as this run knows it.
    fn value(&self, basis: &Basis<'_>, at: usize, cell: &Cell, volatile: bool) -> Option<Value> {
        let declared = || match &cell.content {
            Content::Secret(_) => {
                let hash = self.secrets.get(&(at, cell.column()))?;
                Some(Value::Text(hash.clone()))
            }
            _ => basis.found.cell(basis.rows, basis.shape, at, cell),
        };
        if let Some(columns) = self.rows.get(&at)
            && columns.is_none_or(|columns| columns.contains(&cell.column()))
        {
            return declared();
        }
        let found = basis.there(at)?.value(cell.column())?;
        match volatile {
            // What it has is where a later change begins.
            true if self.traces.trace(basis, at, cell, &found) != Trace::Changed => Some(found),
            false if declared().as_ref() == Some(&found) => Some(found),
            _ => None,
        }
    }
}

fn is_volatile(basis: &Basis<'_>, cell: &Cell) -> bool {
    basis.rows.nature(cell) == Nature::Volatile
}

/// Whether a value is not recorded itself, and is compared: that of a primary key never is.
fn is_traced(basis: &Basis<'_>, row: &Row, cell: &Cell) -> bool {
    let of = &basis.shape.tables[basis.rows.rules(row).table];
    basis.rows.nature(cell) != Nature::Fixed && !of.primary_key.contains(&cell.column())
}

/// `recorded` has neither salt nor cells where there was nothing to trace.
fn read(recorded: Option<&Json>) -> Recorded {
    let Some(recorded) = recorded.and_then(Json::as_object) else {
        return Recorded::Untraced;
    };
    let salt = recorded.get("salt").and_then(Json::as_str);
    let cells = recorded.get("cells").and_then(Json::as_object);
    let cell = |(id, hash): (&String, &Json)| Some((id.clone(), hash.as_str()?.to_owned()));
    let keys = recorded.get("keys").and_then(Json::as_array);
    let keys = keys.map(|keys| {
        keys.iter()
            .filter_map(|it| Some(it.as_str()?.to_owned()))
            .collect()
    });
    Recorded::Cells {
        keys,
        by_label: recorded.get("by").and_then(Json::as_str) == Some("label"),
        salt: salt.unwrap_or_default().to_owned(),
        cells: cells.into_iter().flatten().filter_map(cell).collect(),
    }
}

/// A salt that no other database and no other seed has. The id of the last run is random, so a plan of one state of a
/// database is always the same.
pub(super) fn new_salt(basis: &Basis<'_>, file: usize) -> String {
    let last = basis.history.rows.last();
    let run = last.map_or_else(|| Uuid::now_v7().to_string(), |row| row.run_id.clone());
    keyed(&[&run, &basis.files[file].name], 16)
}

/// What names a cell in a record: the table and the column by the names that they had first, and the label.
fn id_of_label(basis: &Basis<'_>, at: usize, cell: &Cell, salt: &str, label: &str) -> String {
    let rules = basis.rows.rules(&basis.rows.rows[at]);
    let of = &basis.shape.tables[rules.table];
    let table = name_for_ids(&basis.past.texts.made_as[rules.file], of).to_ascii_lowercase();
    let column = basis.past.texts.first_name(rules.file, of, cell.column());
    keyed(&[salt, &table, label, &column], 8)
}

/// What names a cell in the record that there is; none where the key of its row is not known.
fn id_before(
    basis: &Basis<'_>,
    at: usize,
    cell: &Cell,
    salt: &str,
    by_label: bool,
) -> Option<String> {
    let row = &basis.rows.rows[at];
    if by_label {
        let label = match basis.past.of[at] {
            Was::Row(old) => &basis.past.rows.rows[old].label,
            _ => &row.label,
        };
        return Some(id_of_label(basis, at, cell, salt, label));
    }
    let rules = basis.rows.rules(row);
    let of = &basis.shape.tables[rules.table];
    // By the key that the row had when it was recorded.
    let (columns, mut key) = match (basis.past.of[at], basis.there(at)) {
        (Was::Row(old), _) => basis.past.key(basis.now(), basis.shape, old)?,
        (_, Some(old)) if basis.found.has_proven_key(at) => rules.key_in(old),
        _ => {
            let key = basis.found.key(basis.rows, basis.shape, at)?;
            (rules.key.clone(), key)
        }
    };
    collate(&mut key, of, &columns);
    let key = words(&key)?;
    let table = of.name.to_ascii_lowercase();
    let column = basis.past.texts.first_name(rules.file, of, cell.column());
    Some(keyed(&[salt, &table, &key, &column], 8))
}

/// What names a row in a record.
fn id_of_row(basis: &Basis<'_>, at: usize, salt: &str, table: &str) -> Option<String> {
    let rules = basis.rows.rules(&basis.rows.rows[at]);
    let of = &basis.shape.tables[rules.table];
    let mut key = basis.found.key(basis.rows, basis.shape, at)?;
    collate(&mut key, of, &rules.key);
    Some(keyed(
        &[salt, &table.to_ascii_lowercase(), &words(&key)?],
        8,
    ))
}

fn hash_of(salt: &str, id: &str, value: &Value) -> String {
    keyed(&[salt, id, &compared(value)], 16)
}
