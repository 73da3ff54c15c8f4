//! What the filling of a table needs to know: its shape, its constraints, and which columns hold keys.

use std::collections::{HashMap, HashSet};

use super::form::Words;
use super::literals::Literals;
use crate::db::{Db, DbError, Query};
use crate::schema::{ColumnKind, TableShape};
use crate::sql::{
    Kind, Token, TokenKind, Value, check_constraints, kind, parenthesized, significant, unquote,
};

/// A table that is to be filled.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) shape: TableShape,
    pub(super) checks: Vec<Check>,
    /// Columns in which rows differ, as a key or an index demands it.
    pub(super) keys: HashSet<usize>,
    /// Columns that a function of JSON reads.
    pub(super) json: HashSet<usize>,
    /// Values that files compare a column with.
    pub(super) compared: HashMap<usize, Vec<Value>>,
}

/// A `CHECK`.
#[derive(Debug, Clone)]
pub(super) struct Check {
    /// The expression, with its parentheses.
    pub(super) sql: String,
    /// The columns that it names.
    pub(super) columns: Vec<usize>,
    /// Whether it calls a function of JSON.
    pub(super) reads_json: bool,
}

const STATEMENTS: &str = "\
SELECT lower(tbl_name), sql FROM sqlite_schema
WHERE type IN ('table', 'index') AND sql <> '' AND lower(tbl_name) IN (SELECT value FROM json_each(?1))
ORDER BY rowid";

/// Reads what [`Table`] adds to the shapes of these tables.
pub(super) async fn read(
    db: &Db,
    literals: &Literals,
    shapes: Vec<TableShape>,
) -> Result<Vec<Table>, DbError> {
    if shapes.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<String> = shapes
        .iter()
        .map(|shape| shape.name.to_ascii_lowercase())
        .collect();
    let query = Query {
        sql: STATEMENTS.to_owned(),
        args: vec![Value::Text(serde_json::json!(names).to_string())],
    };
    let mut statements: HashMap<String, Vec<String>> = HashMap::new();
    for [table, sql] in db.rows(query).await? {
        if let (Value::Text(table), Value::Text(sql)) = (table, sql) {
            statements.entry(table).or_default().push(sql);
        }
    }
    let tables = shapes.into_iter().zip(names).map(|(shape, name)| {
        let statements = statements.remove(&name).unwrap_or_default();
        Table::new(shape, &statements, literals)
    });
    Ok(tables.collect())
}

impl Table {
    fn new(shape: TableShape, statements: &[String], literals: &Literals) -> Table {
        let mut keys: HashSet<usize> = HashSet::new();
        let mut sets: Vec<&Vec<usize>> = shape.unique.iter().map(|index| &index.columns).collect();
        sets.push(&shape.primary_key);
        sets.sort_by_key(|columns| columns.len());
        for columns in sets {
            // Where one column differs in all rows, the others of the set need not.
            if columns.is_empty() || !columns.iter().any(|column| keys.contains(column)) {
                keys.extend(columns);
            }
        }
        let mut json = HashSet::new();
        let mut checks = Vec::new();
        for sql in statements {
            json.extend(read_as_json(&shape, sql));
            match kind(sql) {
                Kind::Create(object) if object.table.is_none() => {
                    checks = self::checks(&shape, sql);
                }
                // An index of expressions or of some rows is none of those in the shape.
                Kind::Create(object) if object.unique && !is_in(&shape, &object.name) => {
                    let of = indexed(&shape, sql);
                    if !of.iter().any(|column| keys.contains(column)) {
                        keys.extend(named(&shape, sql));
                    }
                }
                _ => {}
            }
        }
        let columns = shape.columns.iter().enumerate();
        let compared = columns
            .filter(|(at, _)| !shape.primary_key.contains(at))
            .filter_map(|(at, column)| {
                let is_free = |value: &&Value| !keys.contains(&at) || !literals.writes(value);
                let values = literals.compared(&column.name).filter(is_free);
                let stored = values.map(|value| column.affinity.stored(value.clone()));
                let values: Vec<Value> = stored.collect();
                (!values.is_empty()).then_some((at, values))
            })
            .collect();
        Table {
            shape,
            checks,
            keys,
            json,
            compared,
        }
    }

    /// Whether a foreign key refers to another table.
    pub(super) fn refers_to_others(&self) -> bool {
        let name = &self.shape.name;
        let mut keys = self.shape.foreign_keys.iter();
        keys.any(|key| !key.parent.eq_ignore_ascii_case(name))
    }

    /// The columns that a row has values for.
    pub(super) fn written(&self) -> impl Iterator<Item = usize> {
        let columns = self.shape.columns.iter().enumerate();
        columns
            .filter(|(_, column)| column.origin == ColumnKind::Plain)
            .map(|(at, _)| at)
    }
}

fn is_in(shape: &TableShape, index: &str) -> bool {
    let mut indexes = shape.unique.iter();
    indexes.any(|it| it.name.eq_ignore_ascii_case(index))
}

/// The columns that an index holds as they are.
fn indexed(shape: &TableShape, sql: &str) -> Vec<usize> {
    let tokens: Vec<Token> = significant(sql).collect();
    let open = tokens.iter().position(|token| token.text(sql) == "(");
    let list = open.and_then(|open| parenthesized(sql, &tokens[open..]));
    let list = list.and_then(|list| list.strip_prefix('(')?.strip_suffix(')'));
    let words = Words {
        sql: list.unwrap_or_default(),
        tokens: &significant(list.unwrap_or_default()).collect::<Vec<Token>>(),
    };
    let items = words.listed(0, words.tokens.len()).unwrap_or_default();
    let column = |item: &&str| shape.column(&unquote(item.trim()));
    items.iter().filter_map(column).collect()
}

/// Every `CHECK` of a `CREATE TABLE`.
pub(super) fn checks(shape: &TableShape, sql: &str) -> Vec<Check> {
    let checks = check_constraints(sql).into_iter().map(|expression| Check {
        sql: expression.to_owned(),
        columns: named(shape, expression),
        reads_json: significant(expression).any(|token| is_of_json(token.text(expression))),
    });
    checks.collect()
}

/// The columns whose names are in an expression, in the order of the table.
pub(super) fn named(shape: &TableShape, sql: &str) -> Vec<usize> {
    let mut columns: Vec<usize> = significant(sql)
        .filter(|token| matches!(token.kind, TokenKind::Word | TokenKind::QuotedName))
        .filter_map(|token| shape.column(&unquote(token.text(sql))))
        .collect();
    columns.sort_unstable();
    columns.dedup();
    columns
}

fn is_of_json(word: &str) -> bool {
    let begins = word
        .get(..4)
        .is_some_and(|it| it.eq_ignore_ascii_case("json"));
    begins || word == "->" || word == "->>"
}

/// The columns that stand in the parentheses of a function of JSON, or before `->`.
fn read_as_json(shape: &TableShape, sql: &str) -> Vec<usize> {
    let tokens: Vec<Token> = significant(sql).collect();
    let column = |token: &Token| shape.column(&unquote(token.text(sql)));
    let mut columns = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let text = token.text(sql);
        if text.starts_with("->") {
            columns.extend(at.checked_sub(1).and_then(|before| column(&tokens[before])));
        } else if token.kind == TokenKind::Word && is_of_json(text) {
            let inside = parenthesized(sql, &tokens[at + 1..]);
            columns.extend(inside.into_iter().flat_map(|inside| named(shape, inside)));
        }
    }
    columns
}
