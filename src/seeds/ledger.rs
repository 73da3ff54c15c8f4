//! Which rows a seed in mode `sync` has made: kept in a table of its own, so that it deletes those and no others. A part
//! of a key that comes from `!env` is kept as a salted hash only. Pure.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};

use super::found::{Found, Lookup, Wanted, questions, wanting};
use super::identity::words_of_parent;
use super::model::{Mode, SeedFile};
use super::plan::Basis;
use super::row::{Content, Nature, Row, Rows, Rules};
use crate::db::{DbError, IfThere, Query, Reply};
use crate::diagnostic::Diagnostic;
use crate::schema::{ForeignKey, Nullability, Shape, TableShape};
use crate::script::Step;
use crate::sql::{Value, identifier};

/// Makes the table. `key` is a JSON array of the values that `_key` had; `{"salt", "hash"}` for the value of a variable.
const CREATE: &str = "\
CREATE TABLE IF NOT EXISTS _seedbed_rows (
  seed TEXT NOT NULL,
  tbl TEXT NOT NULL,
  columns TEXT NOT NULL,
  key TEXT NOT NULL,
  label TEXT NOT NULL,
  PRIMARY KEY (seed, tbl, columns, key)
)";

/// A row that a seed has made.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Orphan {
    pub(super) seed: String,
    pub(super) table: String,
    pub(super) label: String,
    columns: Vec<String>,
    /// As its columns keep it today. NULL for a part of which only the hash is known yet.
    key: Vec<Value>,
    /// Salt and hash of each part that is not recorded itself.
    hashes: Vec<Option<(String, String)>>,
    /// The text of the key in the ledger.
    recorded: String,
    /// What the database has of it; none where it was not asked for.
    row: Option<Option<Vec<Value>>>,
}

/// What the ledger says about the rows that are declared now.
#[derive(Debug, Default)]
pub(super) struct Judged {
    /// Rows that no file declares any more, and that are there.
    pub(super) orphans: Vec<Orphan>,
    /// Those that are not there.
    pub(super) lost: Vec<Orphan>,
    /// Declared rows whose entries are out of date.
    pub(super) stale: Vec<usize>,
    /// File, table and label of every entry.
    labels: HashSet<(String, String, String)>,
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

/// All entries, of the rows that [`query`] asks for.
pub(super) fn recorded(rows: &[[Value; 5]], shape: &Shape) -> Vec<Orphan> {
    let mut entries: Vec<Orphan> = rows.iter().filter_map(read).collect();
    entries.retain_mut(|entry| {
        let Some((of, columns)) = entry.place(shape) else {
            return false;
        };
        for (value, column) in entry.key.iter_mut().zip(&columns) {
            *value = of.columns[*column].affinity.stored(std::mem::take(value));
        }
        true
    });
    entries
}

/// The keys that declared rows have, or have in the database, by table and columns.
type Declared = HashMap<(String, Vec<String>), HashMap<String, Vec<Value>>>;

/// The entries of rows that no file declares, by their places. Hashed keys of declared rows become known.
fn undeclared(entries: &mut [Orphan], rows: &Rows, found: &Found, shape: &Shape) -> Vec<usize> {
    // A row is known by the columns that were its key when it was made, which may be others by now.
    let mut declared = Declared::new();
    let mut all = Vec::new();
    for (number, entry) in entries.iter_mut().enumerate() {
        let Some((of, columns)) = entry.place(shape) else {
            continue;
        };
        let declared = declared
            .entry((entry.table.clone(), entry.columns.clone()))
            .or_insert_with(|| words_of(of, &columns, rows, found, shape));
        if !entry.is_known()
            && let Some(key) = declared.values().find(|key| entry.has(of, &columns, key))
        {
            entry.key = key.clone();
        }
        let word = words_of_parent(entry.key.clone(), of, &columns).unwrap_or_default();
        if !declared.contains_key(&word) {
            all.push(number);
        }
    }
    all
}

/// Asks for the keys of tables in which rows are to be recognised by hashes of their keys: which entries each is about.
pub(super) fn scans(
    entries: &mut [Orphan],
    rows: &Rows,
    found: &Found,
    shape: &Shape,
) -> Vec<(Vec<usize>, Query)> {
    let mut groups: BTreeMap<(String, Vec<String>), Vec<usize>> = BTreeMap::new();
    for at in undeclared(entries, rows, found, shape) {
        let entry = &entries[at];
        if entry.row.is_none() && !entry.is_known() {
            let key = (entry.table.clone(), entry.columns.clone());
            groups.entry(key).or_default().push(at);
        }
    }
    let query = |((table, columns), entries): ((String, Vec<String>), Vec<usize>)| {
        let columns: Vec<String> = columns.iter().map(|name| identifier(name)).collect();
        let table = identifier(&table);
        let sql = format!("SELECT {} FROM {table}", columns.join(", "));
        (entries, Query::new(sql))
    };
    groups.into_iter().map(query).collect()
}

/// Recognises rows among the keys of a table. What is not among them is not there.
pub(super) fn scanned(
    entries: &mut [Orphan],
    about: &[usize],
    reply: Reply,
    shape: &Shape,
) -> Result<(), DbError> {
    let width = about.first().map_or(0, |at| entries[*at].columns.len());
    let answer = reply.rows_of(width)?;
    for at in about {
        let entry = &mut entries[*at];
        let Some((of, columns)) = entry.place(shape) else {
            continue;
        };
        match answer.iter().find(|key| entry.has(of, &columns, key)) {
            Some(key) => entry.key = key.clone(),
            None => entry.row = Some(None),
        }
    }
    Ok(())
}

/// Asks for the rows of entries that no file declares, where that was not done yet.
pub(super) fn lookups(
    entries: &mut [Orphan],
    rows: &Rows,
    found: &Found,
    shape: &Shape,
) -> Vec<(Lookup, Query)> {
    let mut wanted = Wanted::new();
    for at in undeclared(entries, rows, found, shape) {
        let entry = &mut entries[at];
        if entry.row.is_none()
            && entry.is_known()
            && let Some((_, columns)) = entry.place(shape)
            && let Some(table) = shape.position(&entry.table)
        {
            entry.row = Some(None);
            let group = wanted.entry((table, columns)).or_default();
            group.push((at, entry.key.clone()));
        }
    }
    questions(shape, wanted)
}

/// Takes the replies to [`lookups`].
pub(super) fn take(entries: &mut [Orphan], replies: Vec<(Lookup, Reply)>) -> Result<(), DbError> {
    for (lookup, reply) in replies {
        for (at, row) in lookup.found(reply)? {
            entries[at].row = Some(Some(row));
        }
    }
    Ok(())
}

/// Compares declared rows with the entries of their labels. A row whose key changed is the row of its old key: it is
/// updated, and so it keeps its primary key and all that refers to it, unless its key is what others refer to. Says
/// whether a row is found now that was not found before.
pub(super) fn recognise(
    entries: &mut [Orphan],
    rows: &Rows,
    found: &mut Found,
    shape: &Shape,
    files: &[&SeedFile],
) -> bool {
    let undeclared: HashSet<usize> = undeclared(entries, rows, found, shape)
        .into_iter()
        .collect();
    let by_label = by_label(entries);
    let mut moves = false;
    // Each row of the database is that of one declared row.
    let mut taken = HashSet::new();
    for (at, row) in rows.rows.iter().enumerate() {
        let rules = rows.rules(row);
        let of = &shape.tables[rules.table];
        let label = label_of(rules, of, row, files);
        if rules.mode != Mode::Sync || found.row(at).is_some() {
            continue;
        }
        let Some(key) = found.key(rows, shape, at) else {
            continue;
        };
        for number in by_label.get(&label).into_iter().flatten() {
            let entry = &entries[*number];
            let same = |(_, columns): (_, Vec<usize>)| columns == rules.key;
            if !entry.place(shape).is_some_and(same) || entry.has(of, &rules.key, &key) {
                continue;
            }
            if !undeclared.contains(number) {
                found.changes_key(at);
            } else if let Some(Some(old)) = &entry.row {
                found.changes_key(at);
                let word = words_of_parent(entry.key.clone(), of, &rules.key);
                if may_move(of, &rules.key, shape) && taken.insert((rules.table, word)) {
                    found.moves(at, old.clone());
                    moves = true;
                    break;
                }
            }
        }
    }
    moves
}

/// Whether a key can be updated: it is no part of the primary key, and no foreign key refers to it.
fn may_move(of: &TableShape, key: &[usize], shape: &Shape) -> bool {
    let is_part = |name: &String| of.column(name).is_some_and(|column| key.contains(&column));
    let mut keys = shape.tables.iter().flat_map(|table| &table.foreign_keys);
    !key.iter().any(|column| of.primary_key.contains(column))
        && !keys.any(|key| {
            key.parent.eq_ignore_ascii_case(&of.name) && key.parent_columns.iter().any(is_part)
        })
}

/// Seed, table and label of a declared row, as its entry has them.
fn label_of<'a>(
    rules: &Rules,
    of: &'a TableShape,
    row: &'a Row,
    files: &[&'a SeedFile],
) -> (&'a str, &'a str, &'a str) {
    (&files[rules.file].name, &of.name, &row.label)
}

fn by_label(entries: &[Orphan]) -> HashMap<(&str, &str, &str), Vec<usize>> {
    let mut all: HashMap<(&str, &str, &str), Vec<usize>> = HashMap::new();
    for (number, entry) in entries.iter().enumerate() {
        let label = (
            entry.seed.as_str(),
            entry.table.as_str(),
            entry.label.as_str(),
        );
        all.entry(label).or_default().push(number);
    }
    all
}

/// What is to be deleted, and which entries are out of date.
pub(super) fn judge(
    mut entries: Vec<Orphan>,
    rows: &Rows,
    found: &Found,
    shape: &Shape,
    files: &[&SeedFile],
) -> Judged {
    let mut judged = Judged::default();
    let undeclared: HashSet<usize> = undeclared(&mut entries, rows, found, shape)
        .into_iter()
        .collect();
    for entry in &entries {
        let label = (entry.seed.clone(), entry.table.clone(), entry.label.clone());
        judged.labels.insert(label);
    }
    // Rows that are there under the label of another row: after a new label, or when keys change places.
    let mut by_key: HashMap<(&str, &str, String), usize> = HashMap::new();
    for (number, entry) in entries.iter().enumerate() {
        if let Some((of, columns)) = entry.place(shape)
            && let Some(word) = words_of_parent(entry.key.clone(), of, &columns)
        {
            let word = format!("{} {word}", entry.columns.join(" "));
            by_key.insert((&entry.seed, &entry.table, word), number);
        }
    }
    let mut replaced = HashSet::new();
    let by_label = by_label(&entries);
    for (at, row) in rows.rows.iter().enumerate() {
        let rules = rows.rules(row);
        let of = &shape.tables[rules.table];
        let label = label_of(rules, of, row, files);
        let Some(key) = found
            .key(rows, shape, at)
            .filter(|_| rules.mode == Mode::Sync)
        else {
            continue;
        };
        let own = by_label.get(&label).map_or(&[][..], Vec::as_slice);
        let is_there = found.row(at).is_some() && !found.moved().contains(&at);
        if is_there && let Some(word) = words_of_parent(key.clone(), of, &rules.key) {
            let names = rules
                .key
                .iter()
                .map(|column| of.columns[*column].name.as_str());
            let names: Vec<&str> = names.collect();
            let word = format!("{} {word}", names.join(" "));
            if let Some(number) = by_key.get(&(label.0, label.1, word))
                && !own
                    .iter()
                    .any(|own| entries[*own].has(of, &rules.key, &key))
            {
                replaced.insert(*number);
                judged.stale.push(at);
                continue;
            }
        }
        let is_secret = |column: &usize| {
            let cell = row.cell(*column);
            cell.is_some_and(|cell| rows.nature(cell) == Nature::Environment)
        };
        let is_stale = |number: &usize| {
            let entry = &entries[*number];
            let same = |(_, columns): (_, Vec<usize>)| columns == rules.key;
            if !entry.place(shape).is_some_and(same) || found.moved().contains(&at) {
                return false;
            }
            if entry.has(of, &rules.key, &key) {
                let mut parts = rules.key.iter().zip(&entry.hashes);
                return parts.any(|(column, hash)| hash.is_none() && is_secret(column));
            }
            // The application changed what the key refers to, and the row went along.
            let refers = |(column, (value, old)): (&usize, (&Value, &Value))| {
                let cell = row.cell(*column);
                value == old
                    || cell.is_some_and(|cell| matches!(cell.content, Content::Reference { .. }))
                        && !is_secret(column)
            };
            undeclared.contains(number)
                && entry.row == Some(None)
                && found.row(at).is_some()
                && rules.key.iter().zip(key.iter().zip(&entry.key)).all(refers)
        };
        if own.iter().any(is_stale) {
            judged.stale.push(at);
        }
    }
    for (number, entry) in entries.into_iter().enumerate() {
        match &entry.row {
            _ if replaced.contains(&number) => judged.lost.push(entry),
            _ if !undeclared.contains(&number) => {}
            Some(Some(_)) => judged.orphans.push(entry),
            _ => judged.lost.push(entry),
        }
    }
    judged
}

/// What all declared rows of a table have in the columns of a key.
fn words_of(
    of: &TableShape,
    columns: &[usize],
    rows: &Rows,
    found: &Found,
    shape: &Shape,
) -> HashMap<String, Vec<Value>> {
    let mut all = HashMap::new();
    let word = |values: Vec<Value>| Some((words_of_parent(values.clone(), of, columns)?, values));
    for (at, row) in rows.rows.iter().enumerate() {
        if shape.tables[rows.rules(row).table].name == of.name {
            let value = |column: &usize| found.value(rows, shape, at, *column);
            let values: Option<Vec<Value>> = columns.iter().map(value).collect();
            all.extend(values.and_then(word));
            // The key by which it is there may be about to change.
            if let Some(row) = found.row(at) {
                let values = columns
                    .iter()
                    .filter_map(|column| row.get(*column).cloned());
                all.extend(word(values.collect()));
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
        hashes: key.iter().map(hash_from_json).collect(),
        key: key.into_iter().map(from_json).collect(),
        recorded,
        row: None,
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
    is_declared: impl Fn(&Orphan) -> bool,
) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for [number, count] in answer {
        let count = count.as_i64().unwrap_or(0);
        let number = number.as_i64().and_then(|at| usize::try_from(at).ok());
        let orphan = number.and_then(|number| children.parents.get(number));
        let file = orphan.and_then(|it| files.iter().find(|file| file.name == it.seed));
        if let (Some(orphan), Some(file)) = (orphan, file) {
            problems.push(orphan.has_children(children, count, file, is_declared(orphan)));
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

    fn is_known(&self) -> bool {
        let mut parts = self.key.iter().zip(&self.hashes);
        parts.all(|(value, hash)| hash.is_none() || !value.is_null())
    }

    /// Whether this is its key.
    fn has(&self, of: &TableShape, columns: &[usize], key: &[Value]) -> bool {
        let words =
            |value: &Value, column: usize| words_of_parent(vec![value.clone()], of, &[column]);
        let mut parts = columns
            .iter()
            .zip(key)
            .zip(self.key.iter().zip(&self.hashes));
        parts.all(|((column, value), (own, hash))| match hash {
            Some((salt, hash)) => hash_of(of, *column, salt, value).as_ref() == Some(hash),
            None => words(value, *column) == words(own, *column),
        })
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
    fn has_children(
        &self,
        children: &Children<'_>,
        count: i64,
        file: &SeedFile,
        declared: bool,
    ) -> Diagnostic {
        let Orphan { table, label, .. } = self;
        if declared {
            let child = children.child;
            let message = format!(
                "the key of `{table}.{label}` changed, and {count} of `{child}` refer to the row of the old key"
            );
            return Diagnostic::problem("has-children", message)
                .at(file.origin(&(0..0)))
                .help(format!(
                    "give the key its old value again, or let the rows of `{child}` refer to another row first"
                ));
        }
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
    for orphan in &basis.ledger.orphans {
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
        deleted.extend(orphans.into_iter().map(forget));
    }
    // What was not there is deleted from the ledger alone.
    deleted.extend(basis.ledger.lost.iter().map(forget));
    released.extend(deleted);
    released
}

fn forget(orphan: &Orphan) -> Step {
    Step::own(
        "DELETE FROM _seedbed_rows WHERE seed = ? AND tbl = ? AND columns = ? AND key = ?",
        vec![
            orphan.seed.as_str().into(),
            orphan.table.as_str().into(),
            serde_json::json!(orphan.columns).to_string().into(),
            orphan.recorded.as_str().into(),
        ],
    )
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

/// Enters the rows that a file in mode `sync` makes, and those whose entries are out of date. `written` says whether
/// any column of a row is.
pub(super) fn entries(
    basis: &Basis<'_>,
    file: &SeedFile,
    written: impl Fn(usize) -> bool,
) -> Vec<Step> {
    if file.settings.mode != Mode::Sync {
        return Vec::new();
    }
    let mut steps = vec![Step::own(CREATE, vec![])];
    let stale: HashSet<usize> = basis.ledger.stale.iter().copied().collect();
    let number = basis.files.iter().position(|it| it.name == file.name);
    let salt = super::trace::new_salt(basis, number.unwrap_or_default());
    for (at, row) in basis.rows.rows.iter().enumerate() {
        let rules = basis.rows.rules(row);
        let moves = basis.found.moved().contains(&at) && written(at);
        let is_new = basis.found.row(at).is_none() && written(at);
        if basis.files[rules.file].name != file.name || !(is_new || moves || stale.contains(&at)) {
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
        let label = (file.name.clone(), of.name.clone(), row.label.to_string());
        if basis.ledger.labels.contains(&label) {
            steps.push(Step::own(
                "DELETE FROM _seedbed_rows WHERE seed = ? AND tbl = ? AND label = ?",
                vec![label.0.into(), label.1.into(), label.2.into()],
            ));
        }
        let part = |(column, value): (&usize, &Value)| match row.cell(*column) {
            Some(cell) if basis.rows.nature(cell) == Nature::Environment => {
                let hash = hash_of(of, *column, &salt, value);
                serde_json::json!({ "salt": salt, "hash": hash })
            }
            _ => to_json(value),
        };
        let key: Vec<serde_json::Value> = rules.key.iter().zip(&key).map(part).collect();
        steps.push(Step::own(
            "INSERT OR REPLACE INTO _seedbed_rows (seed, tbl, columns, key, label) VALUES (?, ?, ?, ?, ?)",
            vec![
                file.name.as_str().into(),
                of.name.as_str().into(),
                serde_json::json!(names).to_string().into(),
                serde_json::Value::Array(key).to_string().into(),
                (&*row.label).into(),
            ],
        ));
    }
    steps
}

/// The hash of a part of a key; none for NULL.
fn hash_of(of: &TableShape, column: usize, salt: &str, value: &Value) -> Option<String> {
    let word = words_of_parent(vec![value.clone()], of, &[column])?;
    let table = of.name.to_ascii_lowercase();
    let name = of.columns[column].name.to_ascii_lowercase();
    Some(super::trace::keyed(&[salt, &table, &name, &word], 16))
}

fn hash_from_json(value: &serde_json::Value) -> Option<(String, String)> {
    let text = |name: &str| value.get(name)?.as_str().map(str::to_owned);
    Some((text("salt")?, text("hash")?))
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
