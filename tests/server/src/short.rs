//! Answers that are well-formed and give less than was asked for: what a client must not take for success.

use crate::faults::{Executes, Short};
use bytes::Bytes;
use serde_json::{Value, json};

/// The answer to a pipeline of which nothing was executed, as if it were the full one.
pub(crate) fn unexecuted(request: &[u8]) -> Bytes {
    let request: Value = serde_json::from_slice(request).unwrap_or_default();
    let requests = request["requests"].as_array().cloned().unwrap_or_default();
    let results = requests.iter().map(|request| {
        let kind = &request["type"];
        let mut response = json!({ "type": kind });
        if kind == "batch" {
            let steps = request["batch"]["steps"].as_array().map_or(0, Vec::len);
            let nulls = vec![Value::Null; steps];
            response["result"] = json!({ "step_results": nulls, "step_errors": nulls });
        }
        json!({ "type": "ok", "response": response })
    });
    let results: Vec<Value> = results.collect();
    let answer = json!({ "baton": null, "base_url": null, "results": results });
    Bytes::from(answer.to_string())
}

/// The answer to a pipeline, shortened.
pub(crate) fn pipeline(answer: &[u8], short: Short) -> Bytes {
    let Ok(mut answer) = serde_json::from_slice::<Value>(answer) else {
        return Bytes::new();
    };
    let Some(results) = answer["results"].as_array_mut() else {
        return Bytes::new();
    };
    match short {
        Short::Empty => return Bytes::new(),
        Short::Results { keep } => results.truncate(keep),
        Short::Steps { .. } | Short::Nulls | Short::Values | Short::Columns | Short::Narrow => {
            for result in results {
                let batch = &mut result["response"]["result"];
                if batch.get("step_results").is_some() {
                    steps(batch, short);
                }
            }
        }
    }
    Bytes::from(answer.to_string())
}

fn steps(batch: &mut Value, short: Short) {
    for list in ["step_results", "step_errors"] {
        let Some(list) = batch[list].as_array_mut() else {
            continue;
        };
        match short {
            Short::Steps { keep } => list.truncate(keep),
            Short::Nulls => list.fill(Value::Null),
            _ => {}
        }
        for result in list.iter_mut().filter(|result| result.is_object()) {
            columns(&mut result["cols"], short);
            for row in result["rows"].as_array_mut().into_iter().flatten() {
                values(row, short);
            }
        }
    }
}

fn columns(columns: &mut Value, short: Short) {
    match (short, columns.as_array_mut()) {
        (Short::Columns, Some(columns)) => columns.clear(),
        (Short::Narrow, Some(columns)) => drop(columns.pop()),
        _ => {}
    }
}

fn values(row: &mut Value, short: Short) {
    if let (Short::Values | Short::Narrow, Some(row)) = (short, row.as_array_mut()) {
        row.pop();
    }
}

/// The answer to a cursor, shortened: it ends at the end of a line.
pub(crate) fn cursor(answer: &[u8], short: Short, executes: Executes) -> Bytes {
    let lines = answer.split_inclusive(|byte| *byte == b'\n');
    let kept = match (short, executes) {
        (Short::Empty, _) => 0,
        (Short::Nulls, _) | (_, Executes::Nothing) => 1,
        (Short::Results { keep } | Short::Steps { keep }, _) => 1 + keep,
        (Short::Values | Short::Columns | Short::Narrow, _) => usize::MAX,
    };
    let lines = lines.take(kept).map(|line| {
        let Ok(mut entry) = serde_json::from_slice::<Value>(line) else {
            return line.to_vec();
        };
        if entry.get("cols").is_some() {
            columns(&mut entry["cols"], short);
        }
        if entry.get("row").is_some() {
            values(&mut entry["row"], short);
        }
        format!("{entry}\n").into_bytes()
    });
    Bytes::from(lines.collect::<Vec<_>>().concat())
}
