//! How well a down text undoes a migration as it was recorded, tried in memory. Where both files of an applied migration
//! were changed, the down file may have been written for the new statements, and `undo` has to undo the recorded ones.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::baseline::{Acts, recorded_acts, replay};
use super::problem::recorded_name;
use super::rehearse::{Act, Rehearsal, Stopped, Way};
use super::set::Migration;
use crate::db::{DbError, HistoryTable, Query, if_accepted};
use crate::history::{History, Row};
use crate::schema::{Schema, compare};
use crate::script::{Record, Source};
use crate::sql::{Value, identifier};

/// How well a down text undoes a migration; the best is the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// There is no text.
    None,
    /// It fails.
    Fails,
    /// It leaves another schema than the one before the migration.
    OtherSchema,
    /// It leaves that schema and other rows.
    OtherRows,
    /// It leaves that schema and the same rows, but for a table that the engine cannot read: its rows are not known.
    UnknownRows,
    /// It leaves what was there before.
    Exact,
}

/// How well two down texts undo one recorded migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fits {
    recorded: Fit,
    file: Fit,
}

impl Fits {
    /// Whether the down file undoes the migration, and the recorded text does not, or not as well.
    pub(super) fn file_is_better(self) -> bool {
        match (self.file, self.recorded) {
            (Fit::UnknownRows, recorded) => recorded < Fit::OtherRows,
            (file, recorded) => file >= Fit::OtherRows && file > recorded,
        }
    }

    /// Whether the down file undoes the migration at least as well as the recorded text.
    pub(super) fn file_is_as_good(self) -> bool {
        let is_known = matches!(self.file, Fit::OtherRows | Fit::Exact);
        self.file_is_better() || is_known && self.file == self.recorded
    }
}

/// Tries the recorded down text of `row` and the down file of `file` on what the recorded migrations leave in memory. None
/// where these cannot be replayed. The history must have the texts of all applied rows.
///
/// # Errors
/// [`DbError`] where the engine cannot be used.
pub(super) async fn fits(
    history: &History,
    row: &Row,
    file: &Migration,
) -> Result<Option<Fits>, DbError> {
    let mut before: Acts = recorded_acts(history);
    let mut from_here = before.split_off(&row.key);
    let Some((entry, act)) = from_here.remove(&row.key) else {
        return Ok(None);
    };
    let Some((mut rehearsal, _)) = ran(replay(before, &history.table).await)? else {
        return Ok(None);
    };
    let before = State::of(&rehearsal).await?;
    let applied = rehearsal.act(Record::Insert(entry), &act, Way::Up).await;
    if act.obstacle().is_some() || ran(applied)?.is_none() {
        return Ok(None);
    }
    let recorded = row.down.as_deref().map(|text| {
        Arc::new(Source {
            name: recorded_name(row, true),
            text: text.into(),
        })
    });
    let of_file = file.down.as_ref().map(|down| down.source.clone());
    let fit = async |text| fit(&rehearsal, row, text, &before, &history.table).await;
    Ok(Some(Fits {
        recorded: fit(recorded).await?,
        file: fit(of_file).await?,
    }))
}

async fn fit(
    rehearsal: &Rehearsal,
    row: &Row,
    down: Option<Arc<Source>>,
    before: &State,
    table: &HistoryTable,
) -> Result<Fit, DbError> {
    let Some(down) = down else {
        return Ok(Fit::None);
    };
    let act = Act::of(&down, table);
    if !act.is_sound() || act.obstacle().is_some() {
        return Ok(Fit::Fails);
    }
    let mut copy = rehearsal.fork().await?;
    let undone = copy.act(Record::Delete(row.key.clone()), &act, Way::Down);
    if ran(undone.await)?.is_none() {
        return Ok(Fit::Fails);
    }
    let after = State::of(&copy).await?;
    Ok(match compare(&before.schema, &after.schema).is_empty() {
        false => Fit::OtherSchema,
        true if before.rows != after.rows => Fit::OtherRows,
        true if before.rows.values().any(Option::is_none) => Fit::UnknownRows,
        true => Fit::Exact,
    })
}

/// The schema, and the rows of each table in an order of their own; none of a table that the engine cannot read.
struct State {
    schema: Schema,
    rows: BTreeMap<String, Option<Vec<String>>>,
}

impl State {
    async fn of(rehearsal: &Rehearsal) -> Result<State, DbError> {
        let db = rehearsal.db();
        let tables = db
            .rows(Query::new(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
            ))
            .await?;
        let mut rows = BTreeMap::new();
        for [table] in tables {
            let Value::Text(table) = table else { continue };
            if db.history_table().is(&table) {
                continue;
            }
            let all = Query::new(format!("SELECT * FROM {}", identifier(&table)));
            let all = if_accepted(db.ask(all).await?.of_any_width())?.map(|all| {
                let mut all: Vec<String> = all.iter().map(|row| format!("{row:?}")).collect();
                all.sort_unstable();
                all
            });
            rows.insert(table.to_ascii_lowercase(), all);
        }
        Ok(State {
            schema: rehearsal.schema().await?,
            rows,
        })
    }
}

/// None where the engine refused it.
fn ran<T>(result: Result<T, Stopped>) -> Result<Option<T>, DbError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Stopped::Problem(_)) => Ok(None),
        Err(Stopped::Db(error)) => Err(error),
    }
}
