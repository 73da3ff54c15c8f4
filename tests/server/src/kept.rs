//! Answers that are kept, to be given again. With its first request a client of two engines asks which one answers: a
//! request is the same with this question and without it.

use bytes::Bytes;
use serde_json::{Value, json};
use std::collections::HashMap;

/// The question.
const PROBE: &str = "SELECT turso_version()";

/// Answers by their requests.
#[derive(Default)]
pub(crate) struct Kept(HashMap<String, Value>);

impl Kept {
    pub(crate) fn insert(&mut self, request: &[u8], answer: &[u8]) {
        let (Some((key, probe)), Ok(mut answer)) = (read(request), serde_json::from_slice(answer))
        else {
            return;
        };
        for (entries, _) in entries(&mut answer) {
            if let Some(at) = probe.filter(|at| *at < entries.len()) {
                entries.remove(at);
            }
        }
        self.0.insert(key, answer);
    }

    pub(crate) fn get(&self, request: &[u8]) -> Option<Bytes> {
        let (key, probe) = read(request)?;
        let mut answer = self.0.get(&key)?.clone();
        for (entries, of_probe) in entries(&mut answer) {
            if let Some(at) = probe.filter(|at| *at <= entries.len()) {
                entries.insert(at, of_probe);
            }
        }
        Some(answer.to_string().into())
    }
}

/// A request without the question, and which step that was.
fn read(request: &[u8]) -> Option<(String, Option<usize>)> {
    let mut request: Value = serde_json::from_slice(request).ok()?;
    let steps = request.pointer_mut("/requests/0/batch/steps");
    let probe = steps.and_then(Value::as_array_mut).and_then(|steps| {
        let at = steps.iter().position(|step| step["stmt"]["sql"] == PROBE)?;
        steps.remove(at);
        Some(at)
    });
    Some((request.to_string(), probe))
}

/// The results and the errors of an answer, each with what the question has there.
fn entries(answer: &mut Value) -> impl Iterator<Item = (&mut Vec<Value>, Value)> {
    let result = answer.pointer_mut("/results/0/response/result");
    let fields = result.and_then(Value::as_object_mut).into_iter().flatten();
    fields.filter_map(|(name, value)| {
        let of_probe = match name.as_str() {
            "step_results" => Value::Null,
            "step_errors" => {
                json!({"message": "no such function: turso_version", "code": "SQLITE_ERROR"})
            }
            _ => return None,
        };
        Some((value.as_array_mut()?, of_probe))
    })
}
