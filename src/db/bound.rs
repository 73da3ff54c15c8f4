//! Bound values as the `libsql` crate takes them. It wants copies of its own, and where there are many a second thread
//! makes them while the engine writes those before. A large value is moved instead: the engine makes two copies of it.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, sync_channel};

use crate::script::{Args, Step, StepList};
use crate::sql::{Value, ValueRef};

/// Fewer values than this are not worth a thread.
const MANY: usize = 10_000;

/// A statement with fewer values is copied where it runs: to hand its copies over takes longer.
const LARGE: usize = 500;

/// How many statements the second thread may be ahead: their copies take memory.
const AHEAD: usize = 2;

/// A larger blob is moved, and not kept with a statement that may come again.
const LARGE_BLOB: usize = 1 << 20;

/// The bound values of the steps of one transaction, to be taken in their order.
pub(super) struct Bound {
    ready: Option<Receiver<Vec<libsql::Value>>>,
    /// The values that were moved, by the number of their step.
    moved: HashMap<usize, Vec<libsql::Value>>,
}

impl Bound {
    /// Moves large values out of the steps.
    pub(super) fn of(steps: &mut StepList) -> Bound {
        let own = steps.own_mut();
        let moved = own.filter_map(|(number, step)| Some((number, moved(step)?)));
        let moved = moved.collect();
        let large = steps.iter().filter(|step| step.args().len() >= LARGE);
        let all: Vec<Args> = large.filter_map(Step::shared_args).collect();
        if all.iter().map(|args| args.iter().len()).sum::<usize>() < MANY {
            return Bound { ready: None, moved };
        }
        let (sender, receiver) = sync_channel(AHEAD);
        let copy = move || {
            // The receiver may have stopped.
            let _ = all
                .iter()
                .try_for_each(|args| sender.send(copies(args.iter())));
        };
        let started = std::thread::Builder::new().spawn(copy);
        Bound {
            ready: started.is_ok().then_some(receiver),
            moved,
        }
    }

    /// The values of the next step, which is this one with this number.
    pub(super) fn next(&mut self, number: usize, step: &Step) -> Vec<libsql::Value> {
        if let Some(moved) = self.moved.remove(&number) {
            return moved;
        }
        let ready = self.ready.as_ref().filter(|_| step.args().len() >= LARGE);
        let ready = ready.and_then(|ready| ready.recv().ok());
        ready.unwrap_or_else(|| copies(step.args()))
    }
}

pub(super) fn copies<'a>(
    values: impl IntoIterator<Item: Into<ValueRef<'a>>>,
) -> Vec<libsql::Value> {
    let values = values.into_iter().map(Into::into);
    values.map(|it| of_libsql(it.to_value())).collect()
}

/// Whether one of these values is a large blob.
pub(super) fn are_large(values: &[libsql::Value]) -> bool {
    let is_large = |value: &libsql::Value| matches!(value, libsql::Value::Blob(blob) if blob.len() > LARGE_BLOB);
    values.iter().any(is_large)
}

/// The values of a step that holds a large blob, where no other step shares them.
fn moved(step: &mut Step) -> Option<Vec<libsql::Value>> {
    let values = step.args_mut()?;
    let is_large = |value: &Value| matches!(value, Value::Blob(blob) if blob.len() > LARGE_BLOB);
    if !values.iter().any(is_large) {
        return None;
    }
    let values = values.iter_mut();
    let moved = values.map(|value| of_libsql(std::mem::replace(value, Value::Null)));
    let moved = moved.collect();
    step.bind(Vec::new());
    Some(moved)
}

fn of_libsql(value: Value) -> libsql::Value {
    match value {
        Value::Null => libsql::Value::Null,
        Value::Integer(value) => libsql::Value::Integer(value),
        Value::Real(value) => libsql::Value::Real(value),
        Value::Text(value) => libsql::Value::Text(value),
        Value::Blob(value) => libsql::Value::Blob(value),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn each_step_gets_its_own_values_however_many_there_are() {
        for count in [0, 3, 5 * AHEAD + 1, 100] {
            let values = |step: usize| vec![Value::Integer(step as i64); step % 17 * 100];
            let steps = (0..count).map(|step| Step::own("SELECT 1", values(step)));
            let mut steps = StepList::from(steps.collect::<Vec<_>>());
            let mut bound = Bound::of(&mut steps);
            for (number, step) in steps.iter().enumerate() {
                assert_eq!(bound.next(number, step), copies(step.args()));
            }
        }
    }

    #[test]
    fn a_large_blob_is_moved_and_shared_values_are_copied() {
        let large = || vec![Value::Integer(7), Value::Blob(vec![1; LARGE_BLOB + 1])];
        let small = || vec![Value::Blob(vec![1; 10])];
        let step = |values| Step::own("SELECT 1", values);
        let shared = Arc::new(vec![step(large())]);
        let mut steps = StepList::from([step(small()), step(large())]);
        steps.share(&shared);
        let mut bound = Bound::of(&mut steps);
        for (number, expected) in [small(), large(), large()].iter().enumerate() {
            let step = steps.get(number).unwrap();
            assert_eq!(step.args().len() == 0, number == 1);
            let values = bound.next(number, step);
            assert_eq!(are_large(&values), number > 0);
            assert_eq!(values, copies(expected));
        }
    }
}
