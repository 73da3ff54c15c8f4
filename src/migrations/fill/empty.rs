//! Removing generated rows, and the rows that a migration made of them.

use std::collections::HashSet;

use super::insert::run;
use super::literals::{Literals, NEXT_TO_ANOTHER, SPAN, STRIDE};
use crate::db::{Db, DbError, Query, if_accepted};
use crate::schema::{ColumnKind, RowId, TableKind, TableShape, shape};
use crate::script::{Atomicity, ForeignKeys};
use crate::sql::{Value, free_rowid, identifier, text};

/// How often rows without a parent are looked for: a row that goes may be the parent of another.
const ROUNDS: usize = 8;

/// Removes them. Foreign keys are off meanwhile, so that no rule of theirs deletes or changes another row; what is then
/// without its parent is removed from the tables that were filled.
pub(super) async fn empty(
    db: &Db,
    literals: &Literals,
    filled: &HashSet<String>,
) -> Result<(), DbError> {
    let shape = shape(db).await?;
    let tables: Vec<&TableShape> = shape
        .tables
        .iter()
        .filter(|table| table.kind == TableKind::Ordinary && !db.ignores(&table.name))
        .collect();
    let mut deletes: Vec<String> = tables.iter().map(|table| delete(table, literals)).collect();
    let query = "SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'";
    if !db.rows::<1>(Query::new(query)).await?.is_empty() {
        let (from, to) = (literals.base(), literals.base() + SPAN);
        deletes.push(format!(
            "DELETE FROM sqlite_sequence WHERE seq BETWEEN {from} AND {to}"
        ));
    }
    without_triggers(db, deletes).await?;
    for _ in 0..ROUNDS {
        let query = Query::new(
            "SELECT \"table\", rowid FROM pragma_foreign_key_check WHERE rowid IS NOT NULL",
        );
        // A key that refers to nothing fails the question.
        let orphans = if_accepted(db.rows::<2>(query).await)?.unwrap_or_default();
        let deletes: Vec<String> = orphans
            .iter()
            .filter_map(|[table, rowid]| {
                let (table, rowid) = (table.as_str()?, rowid.as_i64()?);
                let is_filled = filled.contains(&table.to_ascii_lowercase());
                is_filled
                    .then(|| format!("DELETE FROM {} WHERE rowid = {rowid}", identifier(table)))
            })
            .collect();
        if deletes.is_empty() {
            break;
        }
        without_triggers(db, deletes).await?;
    }
    Ok(())
}

/// Runs the statements; where a trigger refuses one, without triggers.
async fn without_triggers(db: &Db, deletes: Vec<String>) -> Result<(), DbError> {
    let off = ForeignKeys::Unchecked;
    if run(db, &deletes, Atomicity::Transaction, off)
        .await?
        .is_none()
    {
        return Ok(());
    }
    let query = "SELECT t.name, t.sql FROM sqlite_schema t JOIN sqlite_schema o ON o.name = t.tbl_name \
                 WHERE t.type = 'trigger' AND o.type = 'table'";
    let triggers = db.rows::<2>(Query::new(query)).await?;
    let triggers: Vec<(&str, &str)> = triggers
        .iter()
        .filter_map(|[name, sql]| Some((name.as_str()?, sql.as_str()?)))
        .collect();
    let mut steps: Vec<String> = triggers
        .iter()
        .map(|(name, _)| format!("DROP TRIGGER {}", identifier(name)))
        .collect();
    steps.extend(deletes);
    steps.extend(triggers.iter().map(|(_, sql)| (*sql).to_owned()));
    match run(db, &steps, Atomicity::Transaction, off).await? {
        None => Ok(()),
        Some((_, error)) => Err(DbError::Read(error)),
    }
}

/// The statement that removes the generated rows of a table: those with a generated key, or with the marker.
fn delete(table: &TableShape, literals: &Literals) -> String {
    let base = literals.base();
    let limit = base + SPAN;
    let is_key = |name: &str| {
        format!(
            "typeof({name}) = 'integer' AND {name} BETWEEN {base} AND {limit} AND (({name} - {base}) % {STRIDE} = 0 \
             OR {name} = {base} + {NEXT_TO_ANOTHER})"
        )
    };
    let marker = literals.marker();
    let bytes = crate::sql::literal(&Value::Blob(marker.as_bytes().to_vec()));
    let marker = text(marker);
    let mut conditions: Vec<String> = table
        .columns
        .iter()
        .filter(|column| column.origin == ColumnKind::Plain)
        .map(|column| {
            let name = identifier(&column.name);
            format!(
                "{} OR typeof({name}) = 'text' AND instr({name}, {marker}) > 0 OR typeof({name}) = 'blob' AND instr({name}, {bytes}) > 0",
                is_key(&name)
            )
        })
        .collect();
    let rowid = free_rowid(|name| table.column(name).is_some());
    if let (RowId::Has, Some(rowid)) = (table.rowid, rowid) {
        conditions.push(is_key(rowid));
    }
    format!(
        "DELETE FROM {} WHERE {}",
        identifier(&table.name),
        conditions.join(" OR ")
    )
}
