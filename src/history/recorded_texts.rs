//! The history with all recorded texts, and the schema, in one request: what the database should be, and what it is. It
//! looks and never writes.

use std::collections::HashMap;
use std::sync::Arc;

use super::error::HistoryError;
use super::mark::{Beside, is_as_recorded};
use super::others::Found;
use super::packed;
use super::read::{History, read_beside, with_others};
use crate::db::{Db, Query, Reply, if_accepted};
use crate::schema::{self, ObjectKind, Schema};
use crate::script::Key;
use crate::sql::Value;

/// The recorded texts of migrations and repeatables.
const TEXTS: &str =
    "SELECT kind, version, source FROM _migrations WHERE kind IN ('migration', 'repeatable')";

/// How many bytes of recorded texts are read along with a history before it is known that they are needed.
const ALONG: usize = 64 << 10;

/// Reads the history, and beside it the recorded texts and the schema.
///
/// # Errors
/// As [`read`](super::read()).
pub(crate) async fn read_recorded(db: &Db) -> Result<(History, Beside), HistoryError> {
    let texts = Query::new(db.history_table().sql(TEXTS));
    let (mut history, found, (texts, schema)) =
        read_beside(db, (texts, schema::question())).await?;
    let texts = match history.has_migrations() {
        true => recorded_texts(texts.rows()?)?,
        false => HashMap::new(),
    };
    for row in &mut history.rows {
        row.source = texts.get(&row.key).cloned();
    }
    let schema = schema::inspected(schema, db.engine())?;
    let foreign = foreign(db, &schema, found.tables());
    let beside = Beside {
        texts,
        schema,
        foreign,
    };
    Ok((history, beside))
}

/// Reads the history for a run, which may have to compare the schema with the recorded migrations. From a server the texts
/// come along in the same request where the schema is not known to be the recorded one, and they are short.
///
/// # Errors
/// As [`read`](super::read()).
pub async fn read_before_change(db: &Db) -> Result<History, HistoryError> {
    let along = db.engine().is_server().then(|| {
        let is_as_recorded = is_as_recorded();
        let is_needed = format!(
            "NOT {is_as_recorded} AND (SELECT sum(length(source)) FROM _migrations \
             WHERE kind IN ('migration', 'repeatable')) <= {ALONG}"
        );
        let table = db.history_table();
        let query = |sql: String| Query::new(table.sql(&sql));
        let schema = schema::question_if(&is_needed).map(query);
        (query(format!("{TEXTS} AND {is_needed}")), schema)
    });
    let (mut history, found, along) = read_beside(db, along).await?;
    if let Some((texts, schema)) = along
        && history.has_migrations()
    {
        history.schema.beside = beside(db, &found, texts, schema)?.map(Arc::new);
    }
    with_others(db, history, found).await
}

/// What came along; none where nothing did.
fn beside(
    db: &Db,
    found: &Found,
    texts: Reply,
    schema: [Reply; 2],
) -> Result<Option<Beside>, HistoryError> {
    let Some(texts) = if_accepted(texts.rows())? else {
        return Ok(None);
    };
    if texts.is_empty() {
        return Ok(None);
    }
    let schema = schema::inspected(schema, db.engine())?;
    Ok(Some(Beside {
        foreign: foreign(db, &schema, found.tables()),
        texts: recorded_texts(texts)?,
        schema,
    }))
}

fn recorded_texts(rows: Vec<[Value; 3]>) -> Result<HashMap<Key, String>, HistoryError> {
    let mut texts = HashMap::new();
    for [kind, version, source] in rows {
        let key = match (kind.as_str(), version) {
            (Some("migration"), Value::Integer(version)) => Key::Migration(version),
            (Some("repeatable"), Value::Text(name)) => Key::Repeatable(name),
            _ => continue,
        };
        if let Some(text) = packed::recorded(&source)? {
            texts.insert(key, text);
        }
    }
    Ok(texts)
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
