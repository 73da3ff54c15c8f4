//! Bound values as the `libsql` crate takes them. It wants copies of its own, and where there are many a second thread
//! makes them while the engine writes those before.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use crate::script::{Step, StepList};
use crate::sql::Value;

/// Fewer values than this are not worth a thread.
const MANY: usize = 10_000;

/// A statement with fewer values is copied where it runs: to hand its copies over takes longer.
const LARGE: usize = 500;

/// How many statements the second thread may be ahead: their copies take memory.
const AHEAD: usize = 2;

/// The bound values of the steps of one transaction, to be taken in their order.
pub(super) struct Bound {
    ready: Option<Receiver<Vec<libsql::Value>>>,
}

impl Bound {
    pub(super) fn of(steps: &StepList) -> Bound {
        let large = steps.iter().filter(|step| step.args.len() >= LARGE);
        let all: Vec<Arc<[Value]>> = large.map(|step| step.args.clone()).collect();
        if all.iter().map(|args| args.len()).sum::<usize>() < MANY {
            return Bound { ready: None };
        }
        let (sender, receiver) = sync_channel(AHEAD);
        let copy = move || {
            // Whoever takes them may have stopped.
            let _ = all.iter().try_for_each(|args| sender.send(copies(args)));
        };
        let started = std::thread::Builder::new().spawn(copy);
        Bound {
            ready: started.is_ok().then_some(receiver),
        }
    }

    /// The values of the next step, which is this one.
    pub(super) fn next(&mut self, step: &Step) -> Vec<libsql::Value> {
        let ready = self.ready.as_ref().filter(|_| step.args.len() >= LARGE);
        let ready = ready.and_then(|ready| ready.recv().ok());
        ready.unwrap_or_else(|| copies(&step.args))
    }
}

pub(super) fn copies(values: &[Value]) -> Vec<libsql::Value> {
    values.iter().map(copy).collect()
}

fn copy(value: &Value) -> libsql::Value {
    match value {
        Value::Null => libsql::Value::Null,
        Value::Integer(value) => libsql::Value::Integer(*value),
        Value::Real(value) => libsql::Value::Real(*value),
        Value::Text(value) => libsql::Value::Text(value.clone()),
        Value::Blob(value) => libsql::Value::Blob(value.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_gets_its_own_values_however_many_there_are() {
        for count in [0, 3, 5 * AHEAD + 1, 100] {
            let values = |step: usize| vec![Value::Integer(step as i64); step % 17 * 100];
            let steps = (0..count).map(|step| Step::own("SELECT 1", values(step)));
            let steps = StepList::from(steps.collect::<Vec<_>>());
            let mut bound = Bound::of(&steps);
            for step in steps.iter() {
                assert_eq!(bound.next(step), copies(&step.args));
            }
        }
    }
}
