//! Rows as the text of a seed file. Pure.

use std::collections::HashMap;

use super::mask::Masked;
use super::refusal::Refusal;
use super::{label, plain, scalar};
use crate::schema::{ColumnKind, ForeignKey, Nullability, Shape, TableShape};
use crate::seeds::expand::short_name;
use crate::seeds::identity::{shown, words};
use crate::sql::Value;

/// The rows of a table.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Taken {
    /// By its place in the shape.
    pub(super) table: usize,
    /// In the order of the file; columns as in the shape.
    pub(super) rows: Vec<Vec<Value>>,
}

/// A seed file.
#[derive(Debug, Default)]
pub(super) struct Rendered {
    pub(super) yaml: String,
    /// Of each table, of each row.
    pub(super) labels: Vec<Vec<String>>,
}

/// Writes rows. What cannot be written is reported and left out.
pub(super) fn render(
    shape: &Shape,
    taken: &[Taken],
    masks: &[Masked],
    refusals: &mut Vec<Refusal>,
) -> Rendered {
    let keys: Vec<Vec<usize>> = taken
        .iter()
        .map(|it| {
            let of = &shape.tables[it.table];
            key(of, &it.rows).unwrap_or_else(|why| {
                refusals.push(Refusal::NoKey {
                    table: of.name.clone(),
                    why,
                });
                Vec::new()
            })
        })
        .collect();
    let mut labels = Vec::new();
    for (it, key) in taken.iter().zip(&keys) {
        let of = &shape.tables[it.table];
        let hidden: Vec<usize> = masked(masks, it.table).map(|mask| mask.column).collect();
        for column in hidden.iter().filter(|column| key.contains(column)) {
            refusals.push(Refusal::Mask {
                table: of.name.clone(),
                column: of.columns[*column].name.clone(),
                why: "rows are found by it",
            });
        }
        labels.push(label::labels(of, &it.rows, key, &hidden));
    }
    let mut writing = Writing {
        shape,
        taken,
        masks,
        parents: parents(shape, taken),
        labels: &labels,
        keys: &keys,
        cells: HashMap::new(),
        refusals,
        yaml: "_seed: {format: 1}\n".to_owned(),
    };
    for at in 0..taken.len() {
        writing.table(at);
    }
    let Writing { yaml, .. } = writing;
    Rendered { yaml, labels }
}

/// The masks of a table.
pub(super) fn masked(masks: &[Masked], table: usize) -> impl Iterator<Item = &Masked> {
    masks.iter().filter(move |mask| mask.table == table)
}

/// The columns by which the rows of a table are found again: the primary key if it can be, or else a unique index.
fn key(of: &TableShape, rows: &[Vec<Value>]) -> Result<Vec<usize>, &'static str> {
    let finds = |columns: &&[usize]| {
        let is_plain = |at: &usize| of.columns[*at].origin == ColumnKind::Plain;
        !columns.is_empty()
            && columns.iter().all(is_plain)
            && rows
                .iter()
                .all(|row| columns.iter().all(|at| !row[*at].is_null()))
    };
    let indexes = of.unique.iter().map(|index| index.columns.as_slice());
    let mut all = std::iter::once(of.primary_key.as_slice()).chain(indexes);
    match all.find(finds) {
        Some(key) => Ok(key.to_vec()),
        None if rows.is_empty() => Ok(Vec::new()),
        None if of.primary_key.is_empty() && of.unique.is_empty() => {
            Err("it has no primary key and no unique index")
        }
        None => Err("its primary key and its unique indexes have a NULL in some row"),
    }
}

/// By table and columns, by their values: the row. What can be referred to.
type Parents = HashMap<(usize, Vec<usize>), HashMap<String, usize>>;

/// Which exported rows have what foreign keys refer to. Tables are places in `taken`.
fn parents(shape: &Shape, taken: &[Taken]) -> Parents {
    let mut parents = Parents::new();
    for it in taken {
        for key in &shape.tables[it.table].foreign_keys {
            let Some((parent, columns)) = target(shape, taken, key) else {
                continue;
            };
            let rows = &taken[parent].rows;
            parents
                .entry((parent, columns))
                .or_insert_with_key(|(_, columns)| {
                    let word = |row: &Vec<Value>| words(columns.iter().map(|at| &row[*at]));
                    let found = rows.iter().enumerate();
                    found
                        .filter_map(|(at, row)| Some((word(row)?, at)))
                        .collect()
                });
        }
    }
    parents
}

/// The exported table that a foreign key refers to, and its columns.
fn target(shape: &Shape, taken: &[Taken], key: &ForeignKey) -> Option<(usize, Vec<usize>)> {
    let is_it = |it: &Taken| {
        shape.tables[it.table]
            .name
            .eq_ignore_ascii_case(&key.parent)
    };
    let parent = taken.iter().position(is_it)?;
    let of = &shape.tables[taken[parent].table];
    let columns: Option<Vec<usize>> = key
        .parent_columns
        .iter()
        .map(|name| of.column(name))
        .collect();
    let columns = columns.filter(|columns| columns.len() == key.columns.len())?;
    Some((parent, columns))
}

/// What a cell refers to: the foreign key, the table in `taken`, its row and its column.
#[derive(Clone, Copy)]
struct Refers {
    key: usize,
    table: usize,
    row: usize,
    column: usize,
}

struct Writing<'a> {
    shape: &'a Shape,
    taken: &'a [Taken],
    masks: &'a [Masked],
    parents: Parents,
    labels: &'a [Vec<String>],
    keys: &'a [Vec<usize>],
    /// The place of each report about a column, by table, column and reason: many rows are one report.
    cells: HashMap<(usize, usize, &'static str), usize>,
    refusals: &'a mut Vec<Refusal>,
    yaml: String,
}

impl Writing<'_> {
    fn line(&mut self, indent: usize, text: &str) {
        self.yaml.push_str(&" ".repeat(indent));
        self.yaml.push_str(text);
        self.yaml.push('\n');
    }

    fn table(&mut self, at: usize) {
        let it = &self.taken[at];
        let of = &self.shape.tables[it.table];
        let name = |column: &usize| scalar::name(&of.columns[*column].name);
        let list = |columns: &[usize]| {
            let names: Vec<String> = columns
                .iter()
                .map(|at| flow(&of.columns[*at].name))
                .collect();
            format!("[{}]", names.join(", "))
        };
        self.yaml.push('\n');
        let table = scalar::name(&of.name);
        if it.rows.is_empty() {
            return self.line(0, &format!("{table}: {{}}"));
        }
        self.line(0, &format!("{table}:"));
        let key = &self.keys[at];
        if *key != of.primary_key {
            self.line(2, &format!("_key: {}", list(key)));
        }
        let hidden: Vec<&Masked> = masked(self.masks, it.table).collect();
        if !hidden.is_empty() {
            let columns: Vec<usize> = hidden.iter().map(|mask| mask.column).collect();
            self.line(2, &format!("_keep: {}", list(&columns)));
            self.line(2, "_defaults:");
            for mask in hidden {
                self.line(4, &format!("{}: {}", name(&mask.column), mask.instead));
            }
        }
        for row in 0..it.rows.len() {
            let label = scalar::name(&self.labels[at][row]);
            let fields = self.fields(at, row);
            if fields.is_empty() {
                self.line(2, &format!("{label}: {{}}"));
                continue;
            }
            self.line(2, &format!("{label}:"));
            for (name, value) in fields {
                self.line(4, &format!("{name}: {value}"));
            }
        }
    }

    /// Names and values of the columns of a row that must be said.
    fn fields(&mut self, at: usize, row: usize) -> Vec<(String, String)> {
        let it = &self.taken[at];
        let of = &self.shape.tables[it.table];
        let values = &it.rows[row];
        let refers = self.references(at, row);
        let mut fields = Vec::new();
        for column in plain(of) {
            let (value, definition) = (&values[column], &of.columns[column]);
            let is_masked = masked(self.masks, it.table).any(|mask| mask.column == column);
            let is_key = of.primary_key.contains(&column) || self.keys[at].contains(&column);
            // What a row does not say has its default, and that is NULL for most.
            let says_itself = value.is_null()
                && definition.default.is_none()
                && definition.nullability == Nullability::Nullable;
            if (is_masked && !value.is_null()) || (says_itself && !is_masked && !is_key) {
                continue;
            }
            let name = scalar::name(&definition.name);
            if let Some(refers) = refers[column]
                && let Some(field) = self.reference(of, column, refers)
            {
                fields.push(field);
                continue;
            }
            match scalar::cell(value, definition, of.strictness, 4) {
                Ok(value) => fields.push((name, value)),
                Err(why) => self.refuse(at, row, column, why),
            }
        }
        fields
    }

    /// For each column of a row, which row it refers to, where that is exported too.
    fn references(&mut self, at: usize, row: usize) -> Vec<Option<Refers>> {
        let it = &self.taken[at];
        let of = &self.shape.tables[it.table];
        let values = &it.rows[row];
        let mut refers = vec![None; of.columns.len()];
        let mut keys: Vec<(usize, &ForeignKey)> = of.foreign_keys.iter().enumerate().collect();
        // One column alone says more than one of several.
        keys.sort_by_key(|(_, key)| key.columns.len());
        for (place, key) in keys {
            let Some((parent, columns)) = target(self.shape, self.taken, key) else {
                continue;
            };
            // With a NULL in it a key refers to nothing: https://sqlite.org/foreignkeys.html#fk_basics
            let Some(word) = words(key.columns.iter().map(|at| &values[*at])) else {
                continue;
            };
            let found = self.parents.get(&(parent, columns.clone()));
            let Some(found) = found.and_then(|rows| rows.get(&word)).copied() else {
                self.other_spelling(at, row, key);
                continue;
            };
            for (column, target) in key.columns.iter().zip(columns) {
                // A row is found by its key, so that must not wait for other rows of the same table.
                let is_key = self.keys[at].contains(column);
                let waits = is_key && (parent == at || key.columns.len() > 1);
                if refers[*column].is_none() && !waits {
                    refers[*column] = Some(Refers {
                        key: place,
                        table: parent,
                        row: found,
                        column: target,
                    });
                }
            }
        }
        refers
    }

    /// A field that refers: in short where there is a short name, else as `!ref`. None where neither can be written.
    fn reference(&self, of: &TableShape, column: usize, to: Refers) -> Option<(String, String)> {
        let label = &self.labels[to.table][to.row];
        let key = &of.foreign_keys[to.key];
        if let ([_], Some(short)) = (&key.columns[..], short_name(of, key)) {
            let is_it = |key: &&ForeignKey| {
                short_name(of, key).is_some_and(|it| it.eq_ignore_ascii_case(&short))
            };
            // The first of several with one short name has it.
            if of.foreign_keys.iter().find(is_it) == Some(key) {
                return Some((scalar::name(&short), scalar::name(label)));
            }
        }
        let parent = &self.shape.tables[self.taken[to.table].table];
        let names = [&parent.name, &parent.columns[to.column].name];
        if names
            .iter()
            .any(|name| name.contains('.') || name.contains("${"))
        {
            return None;
        }
        let [table, target] = names;
        let path = scalar::name(&format!("{table}.{label}.{target}"));
        Some((
            scalar::name(&of.columns[column].name),
            format!("!ref {path}"),
        ))
    }

    fn other_spelling(&mut self, at: usize, row: usize, key: &ForeignKey) {
        let table = self.taken[at].table;
        let of = &self.shape.tables[table];
        let is_told = |it: &Refusal| {
            matches!(it, Refusal::Orphans { table, parent, .. }
                if *table == of.name && parent.eq_ignore_ascii_case(&key.parent))
        };
        let first = key.columns.first().copied().unwrap_or_default();
        let told = self.cells.contains_key(&(table, first, "spelling"));
        if told || self.refusals.iter().any(is_told) {
            return;
        }
        let refusal = Refusal::Spelling {
            row: self.row_in_words(at, row),
            column: of.columns[first].name.clone(),
            parent: key.parent.clone(),
        };
        self.cells
            .insert((table, first, "spelling"), self.refusals.len());
        self.refusals.push(refusal);
    }

    fn refuse(&mut self, at: usize, row: usize, column: usize, why: &'static str) {
        let table = self.taken[at].table;
        if let Some(told) = self.cells.get(&(table, column, why)) {
            if let Some(Refusal::Cell { others, .. }) = self.refusals.get_mut(*told) {
                *others += 1;
            }
            return;
        }
        let of = &self.shape.tables[table];
        let refusal = Refusal::Cell {
            table: of.name.clone(),
            row: self.row_in_words(at, row),
            column: of.columns[column].name.clone(),
            why,
            others: 0,
        };
        self.cells.insert((table, column, why), self.refusals.len());
        self.refusals.push(refusal);
    }

    /// "the row of `users` with `id` 7"
    fn row_in_words(&self, at: usize, row: usize) -> String {
        let it = &self.taken[at];
        let of = &self.shape.tables[it.table];
        let named = |column: &usize| {
            let value: String = shown(&it.rows[row][*column]).chars().take(40).collect();
            format!("`{}` {}", of.columns[*column].name, value.escape_debug())
        };
        let key: Vec<String> = self.keys[at].iter().map(named).collect();
        match key.is_empty() {
            true => format!("row {} of `{}`", row + 1, of.name),
            false => format!("the row of `{}` with {}", of.name, key.join(", ")),
        }
    }
}

/// A name in a list between brackets.
fn flow(text: &str) -> String {
    let simple = |c: char| c.is_alphanumeric() || c == '_';
    match text.chars().all(simple) {
        true => scalar::name(text),
        false => scalar::in_quotes(text),
    }
}
