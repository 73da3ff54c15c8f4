//! The history with all recorded texts, and the schema, in one request: what the database should be, and what it is.

use std::collections::HashMap;

use super::error::HistoryError;
use super::read::{History, read_beside};
use crate::db::{Db, Query};
use crate::schema::{self, ObjectKind, Schema};
use crate::script::Key;
use crate::sql::Value;

/// What a look at the drift of a database reads.
pub(crate) struct WithTexts {
    /// With the recorded texts.
    pub(crate) history: History,
    pub(crate) schema: Schema,
    /// Tables that are not the application's.
    pub(crate) foreign: Vec<String>,
}

const TEXTS: &str =
    "SELECT kind, version, source FROM _migrations WHERE kind IN ('migration', 'repeatable')";

/// Reads all of it. It never writes.
///
/// # Errors
/// As [`read`](super::read()).
pub(crate) async fn read_recorded(db: &Db) -> Result<WithTexts, HistoryError> {
    let texts = Query::new(db.history_table().sql(TEXTS));
    let (mut history, found, (texts, schema)) =
        read_beside(db, (texts, schema::question())).await?;
    let schema = schema::inspected(schema, db.engine())?;
    if history.has_migrations() {
        let texts = texts.rows()?.into_iter().filter_map(recorded_text);
        let mut texts: HashMap<Key, String> = texts.collect();
        for row in &mut history.rows {
            row.source = texts.remove(&row.key);
        }
    }
    let foreign = foreign(db, &schema, found.tables());
    Ok(WithTexts {
        history,
        schema,
        foreign,
    })
}

/// The tables of other tools, and those that the settings name.
pub(super) fn foreign(db: &Db, schema: &Schema, of_tools: &[String]) -> Vec<String> {
    let mut foreign = of_tools.to_vec();
    let kinds = [ObjectKind::Table, ObjectKind::View];
    let tables = schema.objects.iter().filter(|it| kinds.contains(&it.kind));
    let named = tables
        .map(|it| it.name.clone())
        .filter(|table| db.ignores(table));
    foreign.extend(named.filter(|table| !of_tools.contains(table)));
    foreign
}

fn recorded_text([kind, version, source]: [Value; 3]) -> Option<(Key, String)> {
    let key = match (kind.as_str()?, version) {
        ("migration", Value::Integer(version)) => Key::Migration(version),
        ("repeatable", Value::Text(name)) => Key::Repeatable(name),
        _ => return None,
    };
    match source {
        Value::Text(text) => Some((key, text)),
        _ => None,
    }
}
