//! Which rows break a CHECK constraint where a unit ignores these: the constraints are read from the text of each table,
//! because the engine's check only counts such rows. Pure, but for reading the texts.

use std::sync::Arc;

use serde_json::json;

use super::effects::{Checked, Effects};
use super::guards::MEMORY;
use super::keeping::{Keeping, keeping, with_rowid};
use super::known::KEY;
use super::row_guards::COMPARED;
use crate::db::{Db, DbError, Query};
use crate::script::{Step, Unit};
use crate::sql::{Value, check_constraints, identifier, literal};

/// A table with CHECK constraints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CheckedTable {
    name: String,
    /// The expressions of its constraints, in their parentheses.
    expressions: Vec<String>,
    /// The columns by which its rows are known: as in [`Reference`](super::known::Reference).
    key: Vec<String>,
    without_rowid: bool,
}

/// The tables with CHECK constraints.
pub(crate) async fn checked_tables(db: &Db) -> Result<Vec<CheckedTable>, DbError> {
    let tables = format!(
        "SELECT t.name, t.sql, t.sql LIKE '%WITHOUT%ROWID%', {KEY} FROM sqlite_schema AS t \
         WHERE t.type = 'table' AND t.rootpage > 0 AND instr(lower(t.sql), 'check')"
    );
    let rows = db.rows::<4>(Query::new(tables)).await?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let tables = rows
        .iter()
        .map(|[name, sql, without_rowid, key]| CheckedTable {
            name: text(name),
            expressions: check_constraints(sql.as_str().unwrap_or_default())
                .into_iter()
                .map(str::to_owned)
                .collect(),
            key: serde_json::from_str(&text(key)).unwrap_or_default(),
            without_rowid: *without_rowid == Value::Integer(1),
        });
    Ok(tables.filter(|it| !it.expressions.is_empty()).collect())
}

/// Steps that record the rows that break a constraint before a unit, and those that record them behind it. One fails where
/// the table or a column is gone; faults are counted then.
pub(super) fn rows(
    unit: &Unit,
    effects: &Effects,
    tables: &[Arc<CheckedTable>],
) -> (Vec<Step>, Vec<Step>) {
    if !effects.ignores_checks || effects.checked() != Checked::Constraints {
        return (Vec::new(), Vec::new());
    }
    let kept = tables.iter().filter(|table| table.is_kept(unit, effects));
    kept.map(|table| {
        let now = effects.table_afterwards(&table.name);
        (table.record("rows", &table.name), table.record("now", &now))
    })
    .unzip()
}

impl CheckedTable {
    /// Whether its rows and its constraints are the same ones behind a unit.
    fn is_kept(&self, unit: &Unit, effects: &Effects) -> bool {
        let names = effects.names_of(&self.name);
        let is_it = |name: &String| names.contains(name);
        let key = match self.without_rowid {
            true => self.key.clone(),
            false => with_rowid(self.key.clone()),
        };
        let has_other_columns = effects
            .renames
            .iter()
            .any(|it| it.column.is_some() && is_it(&it.table));
        !has_other_columns
            && !effects.made.iter().any(is_it)
            && (!self.without_rowid || !self.key.is_empty())
            && keeping(unit, &names, &key) != Keeping::Replaced
    }

    /// Adds `[name before, name, [row, …]]` to a list, where there are not too many rows.
    fn record(&self, list: &str, name: &str) -> Step {
        let key = self.key.iter();
        let key: Vec<String> = key.map(|it| format!("quote({})", identifier(it))).collect();
        let row = match self.without_rowid {
            true => format!("json_array({})", key.join(", ")),
            false => "rowid".to_owned(),
        };
        let broken = self.expressions.iter().map(|it| format!("NOT {it}"));
        let text = |text: &str| literal(&text.into());
        Step::own(
            format!(
                "UPDATE _migrations SET checksum = json_insert(checksum, '$.{list}[#]', json((\
                 SELECT CASE WHEN count(*) <= {COMPARED} THEN json_array({}, {}, json(json_group_array(row))) END FROM (\
                 SELECT {row} AS row FROM {} AS {} WHERE {} LIMIT {COMPARED} + 1)))) WHERE {MEMORY}",
                text(&self.name),
                text(name),
                identifier(name),
                identifier(&self.name),
                broken.collect::<Vec<_>>().join(" OR "),
            ),
            vec![],
        )
    }
}

/// The tables of a query: `judged`, the tables whose rows were recorded before and behind a unit, and `broken_rows`, those
/// that break a constraint and did not before.
pub(super) fn new_rows() -> String {
    let list = |list: &str| {
        format!(
            "SELECT json_extract(o.value, '$[0]') AS was, json_extract(o.value, '$[1]') AS name, \
             json_extract(o.value, '$[2]') AS all_rows FROM _migrations, json_each(checksum, '$.{list}') AS o WHERE {MEMORY} \
             AND o.type = 'array'"
        )
    };
    format!(
        "rows_before AS MATERIALIZED ({}), rows_now AS MATERIALIZED ({}), \
         judged AS MATERIALIZED (SELECT n.was AS was, n.name AS name FROM rows_now AS n JOIN rows_before USING (was)), \
         old_broken AS MATERIALIZED (SELECT was, r.value AS row FROM rows_before, json_each(all_rows) AS r), \
         broken_rows AS MATERIALIZED (SELECT n.name AS name, r.value AS row FROM rows_now AS n JOIN judged USING (was), \
         json_each(n.all_rows) AS r LEFT JOIN old_broken AS o ON o.was = n.was AND o.row = r.value WHERE o.was IS NULL)",
        list("rows"),
        list("now")
    )
}

/// What a record begins with.
pub(super) fn nothing() -> String {
    json!({"rows": [], "now": []}).to_string()
}
