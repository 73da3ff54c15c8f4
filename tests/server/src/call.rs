//! One request on its way through the server: who asks, and what a fault wants of its steps.

use crate::auth::Rights;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Notify;

/// One request while it is handled.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) rights: Rights,
    /// Before this step, counted from 0, another writer ends the transaction.
    pub(crate) steal_before: Option<usize>,
    /// Before this step, counted from 0, the client is cut off.
    pub(crate) cut_before: Option<usize>,
    /// Told when the client has to be cut off.
    pub(crate) cut: Notify,
    steps: AtomicUsize,
}

impl Call {
    pub(crate) fn new(rights: Rights) -> Self {
        Call {
            rights,
            steal_before: None,
            cut_before: None,
            cut: Notify::new(),
            steps: AtomicUsize::new(0),
        }
    }

    /// Counts a step that is about to run; true where its transaction is to be ended first.
    pub(crate) fn before_step(&self) -> bool {
        let step = Some(self.steps.fetch_add(1, Ordering::Relaxed));
        if step == self.cut_before {
            self.cut.notify_one();
        }
        step == self.steal_before
    }
}
