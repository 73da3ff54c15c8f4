//! What a database has already of the rows that seeds declare: the questions, and what the answers mean. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::identity::words;
use super::row::{Cell, Content, Row, Rows};
use super::there::{Besides, There, besides};
use crate::db::{DbError, Query, Reply};
use crate::schema::{Column, ColumnKind, Shape, TableShape};
use crate::sql::{Value, identifier};

/// Rows in one question. A server takes 32,766 bound values in a statement.
pub(super) const PER_QUESTION: usize = 500;

/// Added to the number of references that were followed once one stands in JSON, where no other JSON is filled in.
pub(super) const IN_JSON: usize = 1000;

/// What the database has of each declared row.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// By the place of the declared row: what it has besides what it declares.
    rows: Vec<Option<Besides>>,
    /// The key by which each row was looked for last.
    asked: Vec<Option<Box<str>>>,
    /// Rows that the database has under the key that they had before.
    moved: BTreeSet<usize>,
    /// Rows whose key is another one than when they were made.
    changed: BTreeSet<usize>,
    /// Of the moved rows those that have the key in the database that their seed wrote.
    proven: BTreeSet<usize>,
    /// Rows under whose key there is a row that was made for another label.
    released: BTreeSet<usize>,
    /// By the place of a recorded row that no file declares any more: what the database has of it, where recorded keys
    /// refer to it.
    undeclared: HashMap<usize, Vec<Value>>,
}

/// What a question for rows is about.
pub(super) struct Lookup {
    /// The declared rows that are to have the values.
    pub(super) rows: Vec<usize>,
    /// The columns that they are to have them in.
    pub(super) columns: Vec<usize>,
    /// How many values each row of the answer has.
    width: usize,
}

impl Found {
    pub(super) fn new(rows: &Rows) -> Found {
        Found {
            rows: vec![None; rows.rows.len()],
            asked: vec![None; rows.rows.len()],
            moved: BTreeSet::new(),
            changed: BTreeSet::new(),
            proven: BTreeSet::new(),
            released: BTreeSet::new(),
            undeclared: HashMap::new(),
        }
    }

    /// The row of the database that a recorded row is, which no file declares any more. Tells whether that is new.
    pub(super) fn keep_undeclared(&mut self, recorded: usize, row: &[Value]) -> bool {
        let is_new = !self.undeclared.contains_key(&recorded);
        if is_new {
            self.undeclared.insert(recorded, row.to_vec());
        }
        is_new
    }

    /// What the database has of a recorded row that no file declares any more.
    pub(super) fn undeclared(&self, recorded: usize) -> Option<&[Value]> {
        self.undeclared.get(&recorded).map(Vec::as_slice)
    }

    /// A row that is not there was made under another key.
    pub(super) fn changes_key(&mut self, row: usize) {
        self.changed.insert(row);
    }

    /// A row that was made under another key is there. `proven`: under the key that its seed wrote.
    pub(super) fn moves(&mut self, rows: &Rows, row: usize, old: Vec<Value>, proven: bool) {
        self.moved.insert(row);
        if proven {
            self.proven.insert(row);
        }
        self.released.remove(&row);
        self.changed.remove(&row);
        self.rows[row] = Some(besides(&rows.rows[row], old));
    }

    /// The row that has the key is another one's.
    pub(super) fn releases(&mut self, row: usize) {
        self.released.insert(row);
        self.rows[row] = None;
    }

    /// Whether a row that was made under another key has that one in the database.
    pub(super) fn has_proven_key(&self, row: usize) -> bool {
        self.proven.contains(&row)
    }

    /// Whether the key of a row has to be asked for with its other unique values.
    pub(super) fn wants_key(&self, row: usize) -> bool {
        self.moved.contains(&row) || self.released.contains(&row)
    }

    /// Rows that were found by what was made for them, under another key than the declared one.
    pub(super) fn moved(&self) -> &BTreeSet<usize> {
        &self.moved
    }

    /// Whether the key of a row is another one than when it was made.
    pub(super) fn has_changed_key(&self, row: usize) -> bool {
        self.changed.contains(&row)
    }

    /// What the database has of a row.
    pub(super) fn row<'a>(&'a self, rows: &'a Rows, row: usize) -> Option<There<'a>> {
        let others = self.rows[row].as_deref()?;
        Some(There::Declared(&rows.rows[row], others))
    }

    /// Whether the database has a row.
    pub(super) fn is_there(&self, row: usize) -> bool {
        self.rows[row].is_some()
    }

    /// What a declared row has in a column, once it is there. None where that is not known.
    pub(super) fn value(
        &self,
        rows: &Rows,
        shape: &Shape,
        row: usize,
        column: usize,
    ) -> Option<Value> {
        self.follow(rows, shape, row, column, 0)
    }

    fn follow(
        &self,
        rows: &Rows,
        shape: &Shape,
        at: usize,
        column: usize,
        depth: usize,
    ) -> Option<Value> {
        // References that lead in a circle lead to no value.
        if depth % IN_JSON > 64 {
            return None;
        }
        let row = &rows.rows[at];
        let rules = rows.rules(row);
        let of = &shape.tables[rules.table];
        let stays = of.primary_key.contains(&column)
            || rules.keep.contains(&column)
            || rules.mode == super::model::Mode::Insert;
        if let Some(found) = self.row(rows, at)
            && (stays || row.cell(column).is_none())
        {
            return found.value(column);
        }
        self.content(rows, shape, at, row.cell(column)?, depth)
    }

    /// What a cell of a declared row is to hold, as its own column keeps it. None where that is not known.
    pub(super) fn cell(&self, rows: &Rows, shape: &Shape, at: usize, cell: &Cell) -> Option<Value> {
        self.content(rows, shape, at, cell, 0)
    }

    fn content(
        &self,
        rows: &Rows,
        shape: &Shape,
        at: usize,
        cell: &Cell,
        depth: usize,
    ) -> Option<Value> {
        let of = &shape.tables[rows.rules(&rows.rows[at]).table];
        let follow = |row, column, depth| self.follow(rows, shape, row, column, depth);
        resolved(&cell.content, &of.columns[cell.column()], depth, follow)
    }

    /// Whether a reference leads to the value of a variable that is unknown while seeds are only checked.
    pub(super) fn is_unknown(&self, rows: &Rows, row: usize, column: usize) -> bool {
        self.unknown(rows, row, column).is_some()
    }

    /// The row and the column with that variable.
    pub(super) fn unknown(
        &self,
        rows: &Rows,
        mut row: usize,
        mut column: usize,
    ) -> Option<(usize, usize)> {
        for _ in 0..64 {
            match rows.rows[row].cell(column).map(|cell| &cell.content) {
                Some(Content::Unknown) => return Some((row, column)),
                Some(Content::Json(composed)) => {
                    let is_unknown = |cell: &Cell| cell.content == Content::Unknown;
                    return rows.ends(composed).any(is_unknown).then_some((row, column));
                }
                Some(Content::Reference {
                    row: to,
                    column: of,
                }) => (row, column) = (*to, *of),
                _ => return None,
            }
        }
        None
    }

    /// The values by which a row is found; none where one is not known, or is NULL.
    pub(super) fn key(&self, rows: &Rows, shape: &Shape, at: usize) -> Option<Vec<Value>> {
        let row = &rows.rows[at];
        let rules = rows.rules(row);
        if rules.key.is_empty() {
            return None;
        }
        // No larger than it has to be: there may be a million.
        let mut key = Vec::with_capacity(rules.key.len());
        for column in &rules.key {
            let value = self.cell(rows, shape, at, row.cell(*column)?)?;
            if value.is_null() {
                return None;
            }
            key.push(value);
        }
        Some(key)
    }

    /// The keys of rows that have not been asked for yet. `empty` are tables without a row.
    pub(super) fn wanted(&mut self, rows: &Rows, shape: &Shape, empty: &[usize]) -> Wanted {
        let mut wanted = Wanted::new();
        for (at, row) in rows.rows.iter().enumerate() {
            let rules = rows.rules(row);
            if empty.contains(&rules.table) {
                continue;
            }
            let is_known = |column: &usize| {
                let content = row.cell(*column).map(|cell| &cell.content);
                matches!(content, Some(Content::Known(_)))
            };
            // Such a key stays what it is.
            let is_fixed = rules.key.iter().all(is_known);
            if is_fixed && self.asked[at].is_some() {
                continue;
            }
            let Some(key) = self.key(rows, shape, at) else {
                continue;
            };
            let word = match is_fixed {
                true => Some(Box::default()),
                false => words(&key).map(String::into_boxed_str),
            };
            if self.asked[at] == word {
                continue;
            }
            self.asked[at] = word;
            self.rows[at] = None;
            self.moved.remove(&at);
            self.changed.remove(&at);
            self.proven.remove(&at);
            self.released.remove(&at);
            let group = wanted.entry((rules.table, rules.key.clone())).or_default();
            group.push((at, key));
        }
        wanted
    }

    /// Takes rows that were found, each as what it has [`besides`].
    pub(super) fn take_rows(&mut self, rows: Vec<(usize, Besides)>) {
        for (at, others) in rows {
            self.rows[at] = Some(others);
        }
    }

    /// Takes the answers to questions.
    pub(super) fn take(
        &mut self,
        rows: &Rows,
        replies: Vec<(Lookup, Reply)>,
    ) -> Result<(), DbError> {
        for (lookup, reply) in replies {
            for (at, row) in lookup.found(reply)? {
                self.rows[at] = Some(besides(&rows.rows[at], row));
            }
        }
        Ok(())
    }
}

/// What a cell holds, as its column keeps it. None where that is not known. `follow` gives what another row has in a column,
/// after so many references.
pub(super) fn resolved(
    content: &Content,
    column: &Column,
    depth: usize,
    follow: impl Fn(usize, usize, usize) -> Option<Value>,
) -> Option<Value> {
    match content {
        Content::Known(held) => Some(held.value()),
        // The other column may be of another type.
        Content::Reference { row, column: of } => {
            let value = follow(*row, *of, depth + 1)?;
            Some(column.affinity.stored(value))
        }
        Content::Json(composed) if depth < IN_JSON => {
            let value = |row, column| follow(row, column, IN_JSON);
            let text = composed.json.filled(&value)?.to_string();
            Some(column.affinity.stored(Value::Text(text)))
        }
        Content::Json(_) | Content::Secret(_) | Content::Unknown => None,
    }
}

/// Values that are looked for, by table and columns: with each, the declared row that is to have them.
pub(super) type Wanted = BTreeMap<(usize, Vec<usize>), Vec<(usize, Vec<Value>)>>;

/// Asks for all of them.
pub(super) fn questions(shape: &Shape, wanted: Wanted) -> Vec<(Lookup, Query)> {
    let mut all = Vec::new();
    for ((table, columns), wanted) in wanted {
        let of = &shape.tables[table];
        for chunk in wanted.chunks(PER_QUESTION) {
            let about = Lookup {
                rows: chunk.iter().map(|(at, _)| *at).collect(),
                columns: columns.clone(),
                width: of.columns.len() + 2,
            };
            all.push((about, lookup(of, &columns, chunk)));
        }
    }
    all
}

impl Lookup {
    /// The rows that were found, each with the declared row that is to have its values.
    pub(super) fn found(
        &self,
        reply: Reply,
    ) -> Result<impl Iterator<Item = (usize, Vec<Value>)>, DbError> {
        let rows = reply.rows_of(self.width)?.into_iter();
        Ok(rows.filter_map(|row| {
            let (number, row) = answered(row)?;
            Some((*self.rows.get(number)?, row))
        }))
    }
}

/// The number of a wanted row in its question, and the columns of the row that was found.
fn answered(mut row: Vec<Value>) -> Option<(usize, Vec<Value>)> {
    let whole = row.pop()?;
    let number = usize::try_from(row.first()?.as_i64()?).ok()?;
    row.remove(0);
    if let Some(whole) = whole.as_str() {
        for (value, hex) in row.iter_mut().zip(whole.split(',')) {
            if let Some(text) = text_of(hex) {
                *value = Value::Text(text);
            }
        }
    }
    Some((number, row))
}

fn text_of(hex: &str) -> Option<String> {
    let digits = hex.strip_prefix('x')?.as_bytes().as_chunks::<2>().0;
    let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    String::from_utf8(digits.iter().map(byte).collect::<Option<_>>()?).ok()
}

/// The texts of a row whole, where one of them holds a NUL: the `libsql` crate reads a text up to there. NULL for all
/// other rows, and for tables with so many columns that the expression would be too deep for the engine.
fn whole_texts(of: &TableShape) -> String {
    const MOST: usize = 300;
    let could = |column: &&Column| column.origin == ColumnKind::Plain;
    if of.columns.len() > MOST || !of.columns.iter().any(|column| could(&column)) {
        return "NULL".to_owned();
    }
    let name = |column: &Column| format!("t.{}", identifier(&column.name));
    let holds: Vec<String> = of
        .columns
        .iter()
        .filter(could)
        .map(|column| format!("instr({}, char(0))", name(column)))
        .collect();
    let whole: Vec<String> = of
        .columns
        .iter()
        .map(|column| match could(&column) {
            true => format!(
                "CASE typeof({0}) WHEN 'text' THEN 'x' || hex({0}) ELSE '' END",
                name(column)
            ),
            false => "''".to_owned(),
        })
        .collect();
    format!(
        "CASE WHEN {} THEN {} END",
        holds.join(" OR "),
        whole.join(" || ',' || ")
    )
}

/// Asks for rows by their keys. The engine says what is equal, by the column's own affinity and by the collation of
/// the index that keeps the key unique.
fn lookup(of: &TableShape, key: &[usize], wanted: &[(usize, Vec<Value>)]) -> Query {
    let columns: Vec<String> = of
        .columns
        .iter()
        .map(|column| match column.origin {
            ColumnKind::Plain => format!("t.{}", identifier(&column.name)),
            // It is not written, so it is not compared.
            ColumnKind::Generated | ColumnKind::Hidden => "NULL".to_owned(),
        })
        .collect();
    let (want, on, args) = wanting(of, key, wanted.iter().map(|(_, key)| key.as_slice()));
    Query {
        sql: format!(
            "WITH {want} SELECT want.n, {}, {} FROM want CROSS JOIN {} AS t ON {on}",
            columns.join(", "),
            whole_texts(of),
            match of.condition_of(key) {
                Some(condition) => {
                    format!("(SELECT * FROM {} WHERE {condition})", identifier(&of.name))
                }
                None => identifier(&of.name),
            },
        ),
        args,
    }
}

/// The condition that finds a row by its key: each of these columns equals an expression, as the unique index of `columns`
/// compares it.
pub(super) fn finds(of: &TableShape, columns: &[usize], parts: &[(usize, String)]) -> String {
    let part = |(column, sql): &(usize, String)| {
        format!(
            "{} = {sql}{}",
            identifier(&of.columns[*column].name),
            collate_clause(of, columns, *column)
        )
    };
    let mut all: Vec<String> = parts.iter().map(part).collect();
    let condition = of.condition_of(columns);
    all.extend(condition.map(|condition| format!("({condition})")));
    all.join(" AND ")
}

/// Compares a column as the unique index of these columns does, whatever the column itself says.
fn collate_clause(of: &TableShape, columns: &[usize], column: usize) -> String {
    match of.collation(columns, column) {
        Some(collation) => format!(" COLLATE {}", identifier(collation)),
        None => String::new(),
    }
}

/// A numbered table of wanted values, and how it is joined with `t`.
pub(super) fn wanting<'a>(
    of: &TableShape,
    columns: &[usize],
    wanted: impl Iterator<Item = &'a [Value]>,
) -> (String, String, Vec<Value>) {
    let names: Vec<String> = (0..columns.len()).map(|at| format!("k{at}")).collect();
    let mut args = Vec::new();
    let mut values = String::new();
    for (number, key) in wanted.enumerate() {
        if number > 0 {
            values.push(',');
        }
        values.push_str(&format!("({number}{})", ",?".repeat(key.len())));
        args.extend(key.iter().cloned());
    }
    let on: Vec<String> = columns
        .iter()
        .zip(&names)
        .map(|(column, name)| {
            let collate = collate_clause(of, columns, *column);
            let column = identifier(&of.columns[*column].name);
            format!("t.{column} = want.{name}{collate}")
        })
        .collect();
    (
        format!("want(n, {}) AS (VALUES {values})", names.join(", ")),
        on.join(" AND "),
        args,
    )
}

/// What a row is to have in each of these columns: what the file says, else what the database has, else a default that
/// is a literal. None where one is not known or is NULL.
pub(super) fn tuple(
    found: &Found,
    rows: &Rows,
    shape: &Shape,
    at: usize,
    columns: &[usize],
) -> Option<Vec<Value>> {
    let row: &Row = &rows.rows[at];
    columns
        .iter()
        .map(|column| {
            let value = match (row.cell(*column), found.is_there(at)) {
                (None, false) => default_of(&shape.tables[rows.rules(row).table].columns[*column]),
                _ => found.value(rows, shape, at, *column),
            };
            value.filter(|value| !value.is_null())
        })
        .collect()
}

/// The default of a column, where that is a number or a text.
pub(super) fn default_of(column: &Column) -> Option<Value> {
    let default = column.default.as_deref()?.trim();
    let text = default
        .strip_prefix('\'')
        .and_then(|text| text.strip_suffix('\''))
        .filter(|text| !text.replace("''", "").contains('\''));
    let value = match text {
        Some(text) => Value::Text(text.replace("''", "'")),
        None => Value::Integer(default.parse().ok()?),
    };
    Some(column.affinity.stored(value))
}
