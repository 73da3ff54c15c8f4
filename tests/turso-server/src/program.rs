//! A batch of conditional steps on one connection of the engine.

use serde_json::{Value, json};
use turso::Connection;

use crate::Error;
use crate::value::{from_wire, to_wire};

/// What each step came to: a result, an error, or nothing where its condition did not hold.
pub(crate) struct Outcome(Vec<Option<Result<Value, Value>>>);

/// Runs a batch. The outer error is about the request.
pub(crate) async fn run(connection: &Connection, batch: &Value) -> Result<Outcome, Error> {
    let mut steps: Vec<Option<Result<Value, Value>>> = Vec::new();
    for step in batch["steps"].as_array().into_iter().flatten() {
        let is_due = match &step["condition"] {
            Value::Null => true,
            condition => holds(condition, &steps, connection.is_autocommit()?)?,
        };
        steps.push(match is_due {
            true => Some(execute(connection, &step["stmt"]).await),
            false => None,
        });
    }
    Ok(Outcome(steps))
}

fn holds(
    condition: &Value,
    steps: &[Option<Result<Value, Value>>],
    is_autocommit: bool,
) -> Result<bool, Error> {
    let step = || {
        let number = condition["step"]
            .as_u64()
            .and_then(|it| usize::try_from(it).ok());
        number
            .and_then(|it| steps.get(it))
            .ok_or("a condition on no step")
    };
    let mut list = condition["conds"].as_array().into_iter().flatten();
    let each = |it: &Value| holds(it, steps, is_autocommit);
    Ok(match condition["type"].as_str().unwrap_or_default() {
        "ok" => matches!(step()?, Some(Ok(_))),
        "error" => matches!(step()?, Some(Err(_))),
        "not" => !each(&condition["cond"])?,
        "and" => list.try_fold(true, |all, it| each(it).map(|it| all && it))?,
        "or" => list.try_fold(false, |any, it| each(it).map(|it| any || it))?,
        "is_autocommit" => is_autocommit,
        other => return Err(format!("a condition of type {other:?}").into()),
    })
}

/// Runs a statement to its end.
pub(crate) async fn execute(connection: &Connection, stmt: &Value) -> Result<Value, Value> {
    let args: Option<Vec<_>> = stmt["args"]
        .as_array()
        .into_iter()
        .flatten()
        .map(from_wire)
        .collect();
    let args = args
        .ok_or_else(|| json!({ "message": "an argument is no value", "code": "ARGS_INVALID" }))?;
    let wants_rows = stmt["want_rows"].as_bool() != Some(false);
    let sql = stmt["sql"].as_str().unwrap_or_default();
    let mut statement = connection.prepare(sql).await.map_err(error)?;
    let columns = columns(&statement);
    let mut found = statement.query(args).await.map_err(error)?;
    let mut rows = Vec::new();
    while let Some(row) = found.next().await.map_err(error)? {
        if wants_rows {
            let values = (0..row.column_count()).map(|at| row.get_value(at).map(to_wire));
            rows.push(values.collect::<Result<Value, _>>().map_err(error)?);
        }
    }
    drop(found);
    Ok(json!({
        "cols": columns,
        "rows": rows,
        "affected_row_count": statement.n_change(),
        "last_insert_rowid": connection.last_insert_rowid().to_string(),
        "replication_index": null,
        "rows_read": 0,
        "rows_written": 0,
        "query_duration_ms": 0.0,
    }))
}

/// What a statement yields, without running it.
pub(crate) async fn describe(connection: &Connection, sql: &Value) -> Result<Value, Value> {
    let sql = sql.as_str().unwrap_or_default();
    let statement = connection.prepare(sql).await.map_err(error)?;
    Ok(json!({
        "params": [],
        "cols": columns(&statement),
        "is_explain": false,
        "is_readonly": false,
    }))
}

fn columns(statement: &turso::Statement) -> Value {
    let columns = statement.columns();
    let columns = columns
        .iter()
        .map(|it| json!({ "name": it.name(), "decltype": it.decl_type() }));
    columns.collect()
}

/// The engine's words, and the code of SQLite's that is nearest.
fn error(error: turso::Error) -> Value {
    use turso::Error as E;
    let code = match &error {
        E::Busy(_) | E::BusySnapshot(_) => "SQLITE_BUSY",
        E::Interrupt(_) => "SQLITE_INTERRUPT",
        E::Constraint(_) => "SQLITE_CONSTRAINT",
        E::Readonly(_) => "SQLITE_READONLY",
        E::DatabaseFull(_) => "SQLITE_FULL",
        E::NotAdb(_) => "SQLITE_NOTADB",
        E::Corrupt(_) => "SQLITE_CORRUPT",
        E::IoError(..) => "SQLITE_IOERR",
        _ => "SQLITE_ERROR",
    };
    json!({ "message": error.to_string(), "code": code })
}

impl Outcome {
    /// As the result of a batch.
    pub(crate) fn result(self) -> Value {
        let (results, errors): (Vec<Value>, Vec<Value>) = self
            .0
            .into_iter()
            .map(|step| match step {
                Some(Ok(result)) => (result, Value::Null),
                Some(Err(error)) => (Value::Null, error),
                None => (Value::Null, Value::Null),
            })
            .unzip();
        json!({ "step_results": results, "step_errors": errors, "replication_index": null })
    }

    /// As the entries of a cursor.
    pub(crate) fn entries(self) -> Vec<Value> {
        let mut entries = Vec::new();
        for (number, step) in self.0.into_iter().enumerate() {
            match step {
                None => {}
                Some(Err(error)) => {
                    entries.push(json!({ "type": "step_error", "step": number, "error": error }));
                }
                Some(Ok(mut result)) => {
                    entries.push(json!({ "type": "step_begin", "step": number, "cols": result["cols"].take() }));
                    if let Value::Array(rows) = result["rows"].take() {
                        let rows = rows
                            .into_iter()
                            .map(|row| json!({ "type": "row", "row": row }));
                        entries.extend(rows);
                    }
                    entries.push(json!({
                        "type": "step_end",
                        "affected_row_count": result["affected_row_count"],
                        // A number here, as sqld has it.
                        "last_insert_rowid": integer(&result["last_insert_rowid"]),
                    }));
                }
            }
        }
        entries
    }
}

fn integer(text: &Value) -> Option<i64> {
    text.as_str()?.parse().ok()
}
