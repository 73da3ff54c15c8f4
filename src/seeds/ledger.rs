//! Which rows a seed in mode `sync` has made: kept in a table of its own, so that it deletes those and no others. Pure.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};

use super::found::{Found, wanting};
use super::identity::words_of_parent;
use super::model::{Mode, SeedFile};
use super::plan::Basis;
use super::row::Rows;
use crate::db::{IfThere, Query};
use crate::diagnostic::Diagnostic;
use crate::schema::{ForeignKey, Nullability, Shape, TableShape};
use crate::script::Step;
use crate::sql::{Value, identifier};

/// Makes the table. `key` is a JSON array of the values that `_key` had.
const CREATE: &str = "\
CREATE TABLE IF NOT EXISTS _seedbed_rows (
  seed TEXT NOT NULL,
  tbl TEXT NOT NULL,
  columns TEXT NOT NULL,
  key TEXT NOT NULL,
  label TEXT NOT NULL,
  PRIMARY KEY (seed, tbl, columns, key)
)";

/// A row that a seed has made and declares no longer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Orphan {
    pub(super) seed: String,
    pub(super) table: String,
    pub(super) label: String,
    columns: Vec<String>,
    /// As its columns keep it today.
    key: Vec<Value>,
    /// The text of the key in the ledger.
    recorded: String,
}

/// Asks for the rows that these files have made.
pub(super) fn query(files: &[&SeedFile]) -> Option<IfThere> {
    let names: Vec<Value> = files
        .iter()
        .filter(|file| file.settings.mode == Mode::Sync)
        .map(|file| file.name.as_str().into())
        .collect();
    let marks = vec!["?"; names.len()].join(", ");
    let sql =
        format!("SELECT seed, tbl, label, columns, key FROM _seedbed_rows WHERE seed IN ({marks})");
    (!names.is_empty()).then(|| Query { sql, args: names }.if_there("_seedbed_rows"))
}

/// Those that no file declares any more.
pub(super) fn orphans(
    recorded: &[[Value; 5]],
    rows: &Rows,
    found: &Found,
    shape: &Shape,
) -> Vec<Orphan> {
    let mut orphans: Vec<Orphan> = recorded.iter().filter_map(read).collect();
    // A row is known by the columns that were its key when it was made, which may be others by now.
    let mut declared: HashMap<(String, Vec<String>), HashSet<String>> = HashMap::new();
    orphans.retain_mut(|orphan| {
        let Some((of, columns)) = orphan.place(shape) else {
            return false;
        };
        for (value, column) in orphan.key.iter_mut().zip(&columns) {
            *value = of.columns[*column].affinity.stored(std::mem::take(value));
        }
        let key = (orphan.table.clone(), orphan.columns.clone());
        let declared = declared
            .entry(key)
            .or_insert_with(|| words_of(of, &columns, rows, found, shape));
        let word = words_of_parent(orphan.key.clone(), of, &columns).unwrap_or_default();
        !declared.contains(&word)
    });
    orphans
}

/// What all declared rows of a table have in the columns of a key.
fn words_of(
    of: &TableShape,
    columns: &[usize],
    rows: &Rows,
    found: &Found,
    shape: &Shape,
) -> HashSet<String> {
    let mut all = HashSet::new();
    for (at, row) in rows.rows.iter().enumerate() {
        if shape.tables[rows.rules(row).table].name == of.name {
            let value = |column: &usize| found.value(rows, shape, at, *column);
            let values: Option<Vec<Value>> = columns.iter().map(value).collect();
            all.extend(values.and_then(|values| words_of_parent(values, of, columns)));
            // The key by which it is there may be about to change.
            if let Some(row) = found.row(at) {
                let values = columns
                    .iter()
                    .filter_map(|column| row.get(*column).cloned());
                all.extend(words_of_parent(values.collect(), of, columns));
            }
        }
    }
    all
}

fn read([seed, table, label, columns, key]: &[Value; 5]) -> Option<Orphan> {
    let recorded = key.as_str()?.to_owned();
    let key: Vec<serde_json::Value> = serde_json::from_str(&recorded).ok()?;
    Some(Orphan {
        seed: seed.as_str()?.to_owned(),
        table: table.as_str()?.to_owned(),
        label: label.as_str()?.to_owned(),
        columns: serde_json::from_str(columns.as_str()?).ok()?,
        key: key.into_iter().map(from_json).collect(),
        recorded,
    })
}

/// What a question is about that asks for rows that refer to rows that are to go, and are none of those.
pub(super) struct Children<'a> {
    child: &'a str,
    /// Whether they would go or change too; otherwise they keep the others from going.
    acts: bool,
    parents: Vec<&'a Orphan>,
}

/// Asks for children of rows that are to go, which no seed in mode `sync` made.
pub(super) fn children<'a>(orphans: &'a [Orphan], shape: &'a Shape) -> Vec<(Children<'a>, Query)> {
    let mut groups: BTreeMap<(&str, &[String]), Vec<&Orphan>> = BTreeMap::new();
    for orphan in orphans {
        let key = (orphan.table.as_str(), orphan.columns.as_slice());
        groups.entry(key).or_default().push(orphan);
    }
    let mut all = Vec::new();
    for ((table, _), parents) in &groups {
        let Some((of, columns)) = parents.first().and_then(|parent| parent.place(shape)) else {
            continue;
        };
        for child in &shape.tables {
            for key in &child.foreign_keys {
                if !key.parent.eq_ignore_ascii_case(table) || key.parent_columns.is_empty() {
                    continue;
                }
                let on: Vec<String> = key
                    .columns
                    .iter()
                    .zip(&key.parent_columns)
                    .map(|(column, parent)| {
                        let column = identifier(&child.columns[*column].name);
                        // The parent's collation decides.
                        format!("t.{} = c.{column}", identifier(parent))
                    })
                    .collect();
                for chunk in parents.chunks(PER_STATEMENT / columns.len().max(1)) {
                    let keys = chunk.iter().map(|parent| parent.key.as_slice());
                    let (want, is_parent, mut args) = wanting(of, &columns, keys);
                    let mut own = String::new();
                    for ((table, columns), of_table) in &groups {
                        if table.eq_ignore_ascii_case(&child.name) {
                            let (these, bound) = these("c.", columns, of_table);
                            own.push_str(&format!(" AND NOT ({these})"));
                            args.extend(bound);
                        }
                    }
                    let sql = format!(
                        "WITH {want} SELECT want.n, count(*) FROM want CROSS JOIN {} AS t ON {is_parent} \
                         CROSS JOIN {} AS c ON {}{own} GROUP BY want.n",
                        identifier(table),
                        identifier(&child.name),
                        on.join(" AND "),
                    );
                    let about = Children {
                        child: &child.name,
                        acts: !matches!(key.on_delete.as_str(), "NO ACTION" | "RESTRICT"),
                        parents: chunk.to_vec(),
                    };
                    all.push((about, Query { sql, args }));
                }
            }
        }
    }
    all
}

/// The problems in an answer.
pub(super) fn children_problems(
    children: &Children<'_>,
    answer: &[[Value; 2]],
    files: &[&SeedFile],
) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for [number, count] in answer {
        let count = count.as_i64().unwrap_or(0);
        let number = number.as_i64().and_then(|at| usize::try_from(at).ok());
        let orphan = number.and_then(|number| children.parents.get(number));
        let file = orphan.and_then(|it| files.iter().find(|file| file.name == it.seed));
        if let (Some(orphan), Some(file)) = (orphan, file) {
            problems.push(orphan.has_children(children, count, file));
        }
    }
    problems
}

impl Orphan {
    /// Its table and the columns of its key; none where the schema has them no longer.
    fn place<'s>(&self, shape: &'s Shape) -> Option<(&'s TableShape, Vec<usize>)> {
        let of = shape.table(&self.table)?;
        let columns = self.columns.iter().map(|name| of.column(name));
        Some((of, columns.collect::<Option<_>>()?))
    }

    /// Whether it is this row of the database.
    pub(super) fn is(&self, of: &TableShape, row: &[Value]) -> bool {
        let columns = self.columns.iter().map(|name| of.column(name));
        let Some(columns) = columns.collect::<Option<Vec<usize>>>() else {
            return false;
        };
        let has = columns
            .iter()
            .filter_map(|column| row.get(*column).cloned());
        self.table.eq_ignore_ascii_case(&of.name)
            && words_of_parent(has.collect(), of, &columns)
                == words_of_parent(self.key.clone(), of, &columns)
    }

    /// A problem: the row has children that nobody here made.
    fn has_children(&self, children: &Children<'_>, count: i64, file: &SeedFile) -> Diagnostic {
        let Orphan { table, label, .. } = self;
        let child = children.child;
        let what = match children.acts {
            true => format!(
                "to delete it would take {count} of `{child}` along that this seed did not make"
            ),
            false => format!(
                "{count} of `{child}` that this seed did not make would refer to nothing without it"
            ),
        };
        Diagnostic::problem(
            "has-children",
            format!("`{table}.{label}` is no longer declared, and {what}"),
        )
        .at(file.origin(&(0..0)))
        .help("delete those first, or declare the row again")
    }
}

/// Rows in one statement that deletes.
const PER_STATEMENT: usize = 5000;

/// Deletes what is no longer declared, children first. Rows of one table go together, since they may refer to each
/// other; tables that refer to each other in a circle let go first.
pub(super) fn deletions(basis: &Basis<'_>) -> Vec<Step> {
    let ranks = super::order::ranks(basis.shape);
    let mut groups: BTreeMap<_, Vec<&Orphan>> = BTreeMap::new();
    for orphan in basis.orphans {
        let Some(at) = basis.shape.position(&orphan.table) else {
            continue;
        };
        let key = (Reverse(ranks[at]), at, &orphan.columns, &orphan.seed);
        groups.entry(key).or_default().push(orphan);
    }
    let mut released = Vec::new();
    let mut deleted = Vec::new();
    for ((Reverse(rank), at, columns, seed), orphans) in groups {
        let of = &basis.shape.tables[at];
        let file = basis.files.iter().find(|file| file.name == *seed);
        let step = |sql: String, args: Vec<Value>| Step {
            origin: file.map(|file| file.origin(&(0..0))),
            ..Step::own(sql, args)
        };
        let in_circle = |key: &&ForeignKey| {
            let parent = basis.shape.position(&key.parent);
            parent.is_some_and(|it| it != at && ranks[it] > rank)
                || (parent == Some(at) && orphans.len() > PER_STATEMENT)
        };
        let mut free: Vec<usize> = of
            .foreign_keys
            .iter()
            .filter(in_circle)
            .flat_map(|key| key.columns.iter().copied())
            .filter(|it| of.columns[*it].nullability == Nullability::Nullable)
            .filter(|it| !of.primary_key.contains(it) && !columns.contains(&of.columns[*it].name))
            .collect();
        free.sort_unstable();
        free.dedup();
        for chunk in orphans.chunks(PER_STATEMENT / columns.len().max(1)) {
            let (these, args) = these("", columns, chunk);
            let table = identifier(&of.name);
            if !free.is_empty() {
                let set =
                    |column: &usize| format!("{} = NULL", identifier(&of.columns[*column].name));
                let sets: Vec<String> = free.iter().map(set).collect();
                let sql = format!("UPDATE {table} SET {} WHERE {these}", sets.join(", "));
                released.push(step(sql, args.clone()));
            }
            deleted.push(step(format!("DELETE FROM {table} WHERE {these}"), args));
        }
        for orphan in orphans {
            deleted.push(Step::own(
                "DELETE FROM _seedbed_rows WHERE seed = ? AND tbl = ? AND columns = ? AND key = ?",
                vec![
                    orphan.seed.as_str().into(),
                    orphan.table.as_str().into(),
                    serde_json::json!(orphan.columns).to_string().into(),
                    orphan.recorded.as_str().into(),
                ],
            ));
        }
    }
    released.extend(deleted);
    released
}

/// The condition that holds for these rows of one table, and what is bound in it.
fn these(alias: &str, columns: &[String], orphans: &[&Orphan]) -> (String, Vec<Value>) {
    let name = |name: &String| format!("{alias}{}", identifier(name));
    let names: Vec<String> = columns.iter().map(name).collect();
    let row = format!("({})", vec!["?"; names.len()].join(","));
    let rows = vec![row.as_str(); orphans.len()].join(",");
    let args = orphans.iter().flat_map(|orphan| orphan.key.iter().cloned());
    let sql = format!("({}) IN (VALUES {rows})", names.join(", "));
    (sql, args.collect())
}

/// Enters the rows that a file in mode `sync` makes.
pub(super) fn entries(basis: &Basis<'_>, file: &SeedFile) -> Vec<Step> {
    if file.settings.mode != Mode::Sync {
        return Vec::new();
    }
    let mut steps = vec![Step::own(CREATE, vec![])];
    for (at, row) in basis.rows.rows.iter().enumerate() {
        let rules = basis.rows.rules(row);
        if basis.files[rules.file].name != file.name || basis.found.row(at).is_some() {
            continue;
        }
        let of = &basis.shape.tables[rules.table];
        let Some(key) = basis.found.key(basis.rows, basis.shape, at) else {
            continue;
        };
        let names: Vec<&str> = rules
            .key
            .iter()
            .map(|column| of.columns[*column].name.as_str())
            .collect();
        steps.push(Step::own(
            "INSERT OR REPLACE INTO _seedbed_rows (seed, tbl, columns, key, label) VALUES (?, ?, ?, ?, ?)",
            vec![
                file.name.as_str().into(),
                of.name.as_str().into(),
                serde_json::json!(names).to_string().into(),
                key_text(&key).into(),
                (&*row.label).into(),
            ],
        ));
    }
    steps
}

fn key_text(key: &[Value]) -> String {
    let values: Vec<serde_json::Value> = key.iter().map(to_json).collect();
    serde_json::Value::Array(values).to_string()
}

/// Blobs become `{"blob": hex}`; the rest is what JSON has.
fn to_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Integer(number) => (*number).into(),
        Value::Real(real) => serde_json::json!({ "real": real.to_bits() }),
        Value::Text(text) => text.as_str().into(),
        Value::Blob(bytes) => serde_json::json!({ "blob": bytes }),
    }
}

fn from_json(value: serde_json::Value) -> Value {
    match value {
        serde_json::Value::Number(number) => number.as_i64().map_or(Value::Null, Value::Integer),
        serde_json::Value::String(text) => Value::Text(text),
        serde_json::Value::Object(object) => {
            if let Some(bits) = object.get("real").and_then(serde_json::Value::as_u64) {
                return Value::Real(f64::from_bits(bits));
            }
            let bytes = object.get("blob").and_then(serde_json::Value::as_array);
            let byte = |value: &serde_json::Value| u8::try_from(value.as_u64()?).ok();
            bytes
                .and_then(|bytes| bytes.iter().map(byte).collect())
                .map_or(Value::Null, Value::Blob)
        }
        _ => Value::Null,
    }
}
