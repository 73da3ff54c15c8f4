//! Rows as statements, for databases that are written to in transactions. Pure.
//!
//! A server gets rows as JSON where that is exact (`json_rows`), else as literals, many in a statement: bound values take
//! it longer than either. A local engine gets literals too, and where only few rows follow each other, bound values, so
//! that the statement need not be compiled again. What is so long that its literal would be too long is bound.

use super::error::{At, Why};
use super::json_rows;
use crate::db::Engine;
use crate::dump::{Block, Item, OnConflict, Rows, Target};
use crate::script::Step;
use crate::sql::{
    LiteralReader, Value, ValueRef, identifier, is_in_quotes, sql_text, write_literal,
};

/// How many rows a statement has.
const ROWS: usize = 500;

/// How long the text of a statement becomes before the next one begins.
const TEXT: usize = 128 * 1024;

/// Fewer rows than this are bound, where the engine is in this process.
const FEW: usize = 4;

/// SQLite takes [32,766](https://sqlite.org/limits.html#max_variable_number) bound values; few are enough.
const VALUES: usize = 500;

/// Blobs and odd texts from this length on are bound: a literal has two digits for each byte.
const BOUND: usize = 256 * 1024;

const ENGINE: LiteralReader = LiteralReader::Engine;

/// How rows become steps.
#[derive(Debug, Clone, Copy)]
pub(super) struct How {
    /// The most bytes of a row that the engine takes.
    pub(super) largest: Option<usize>,
    pub(super) engine: Engine,
    /// The step whose rows get one each, so that the engine's words are about one of them.
    pub(super) apart: Option<usize>,
}

impl How {
    /// For an engine, as fast as that goes.
    pub(super) fn of(engine: Engine) -> How {
        How {
            largest: engine.largest_row(),
            engine,
            apart: None,
        }
    }
}

/// `INSERT INTO "t" ("a", "b")`.
pub(super) fn insert_into(target: &Target) -> String {
    let verb = match target.on_conflict {
        OnConflict::Fail => "INSERT",
        OnConflict::Ignore => "INSERT OR IGNORE",
        OnConflict::Replace => "INSERT OR REPLACE",
    };
    let table = identifier(&target.table);
    if target.columns.is_empty() {
        return format!("{verb} INTO {table}");
    }
    let columns: Vec<String> = target.columns.iter().map(|name| identifier(name)).collect();
    format!("{verb} INTO {table} ({})", columns.join(", "))
}

/// Some rows of a block in one statement for `engine`: those from `first` on, and how many they are.
pub(super) fn statement(
    engine: Engine,
    head: &str,
    block: &Block,
    rows: &Rows,
    first: usize,
    most: usize,
) -> (Step, usize) {
    let other = match engine {
        _ if most == 1 => None,
        Engine::Server | Engine::Turso => json_rows::statement(head, block, rows, first),
        Engine::Local | Engine::Memory => bound(head, block, rows, first).map(|step| (step, 1)),
    };
    other.unwrap_or_else(|| literals(head, block, rows, first, most))
}

/// One of few rows, as a statement that can come again with other values.
fn bound(head: &str, block: &Block, rows: &Rows, first: usize) -> Option<Step> {
    let width = rows.target.width;
    if rows.len() >= FEW || width > VALUES {
        return None;
    }
    let values = block.row(rows, first).map(|value| match value {
        // The crate takes no other text as it is.
        ValueRef::Text(text) if !is_in_quotes(text, ENGINE) => None,
        value => Some(value.to_value()),
    });
    let values: Vec<Value> = values.collect::<Option<_>>()?;
    let marks = vec!["?"; width].join(",");
    Some(Step::own(format!("{head} VALUES ({marks})"), values))
}

fn literals(head: &str, block: &Block, rows: &Rows, first: usize, most: usize) -> (Step, usize) {
    let mut sql = Vec::with_capacity(4096);
    sql.extend_from_slice(head.as_bytes());
    sql.extend_from_slice(b" VALUES");
    let mut bound = Vec::new();
    let last = rows.len().min(first + most.min(ROWS));
    let mut row = first;
    while row < last && (row == first || sql.len() < TEXT) {
        sql.extend_from_slice(if row == first { b" (" } else { b",(" });
        for (column, value) in block.row(rows, row).enumerate() {
            if column > 0 {
                sql.push(b',');
            }
            value_into(&mut sql, &mut bound, value);
        }
        sql.push(b')');
        row += 1;
        if !bound.is_empty() {
            break;
        }
    }
    (Step::own(sql_text(sql), bound), row - first)
}

/// How large a row is, as an engine counts it: its values.
pub(super) fn size<'a>(values: impl Iterator<Item = ValueRef<'a>>) -> usize {
    values
        .map(|value| match value {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len(),
            _ => 8,
        })
        .sum()
}

fn value_into(sql: &mut Vec<u8>, bound: &mut Vec<Value>, value: ValueRef<'_>) {
    let mut bind = |bytes: &[u8]| {
        bound.push(Value::Blob(bytes.to_vec()));
        format!("?{}", bound.len())
    };
    let own = match value {
        ValueRef::Blob(bytes) if bytes.len() >= BOUND => bind(bytes),
        ValueRef::Text(bytes) if bytes.len() >= BOUND && !is_in_quotes(bytes, ENGINE) => {
            format!("CAST({} AS TEXT)", bind(bytes))
        }
        _ => return write_literal(sql, value, ENGINE),
    };
    sql.extend_from_slice(own.as_bytes());
}

/// Whether the engine takes all rows of a block: a server takes no row above its limit, and cannot give a text back that
/// is not UTF-8.
///
/// # Errors
/// The first that it does not.
pub(super) fn fit(block: &Block, how: How) -> Result<(), Why> {
    let Some(most) = how.largest else {
        return Ok(());
    };
    // No row is larger than the text that it stands in, and no text is not UTF-8 where all of that is.
    if block.text.len() <= most && std::str::from_utf8(&block.text).is_ok() {
        return Ok(());
    }
    for item in &block.items {
        let Item::Rows(of) = item else { continue };
        for row in 0..of.len() {
            let place = || {
                let (offset, line) = block.place(of, row);
                (At { line, offset }, of.target.table.clone())
            };
            let bytes = size(block.row(of, row));
            if bytes > most {
                let (at, table) = place();
                return Err(Why::TooBig {
                    at,
                    table,
                    bytes,
                    most,
                });
            }
            let is_utf8 = |value| match value {
                ValueRef::Text(text) => std::str::from_utf8(text).is_ok(),
                _ => true,
            };
            if let Some(column) = block.row(of, row).position(|value| !is_utf8(value)) {
                let (at, table) = place();
                let column = of.target.columns.get(column).cloned();
                return Err(Why::NotUtf8 { at, table, column });
            }
        }
    }
    Ok(())
}
