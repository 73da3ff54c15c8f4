//! The signal that tells a run to stop, and pauses that differ from runner to runner.
//!
//! It only says so. Whoever runs something looks at it between steps, and interrupts the engine inside one.

use std::time::Duration;

use tokio::sync::watch;

/// Held by whoever runs; cheap to clone.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

/// Held by whoever may say stop, for instance the handler of SIGINT.
#[derive(Debug)]
pub struct StopHandle(watch::Sender<bool>);

impl Stop {
    /// A signal and the handle that raises it.
    pub fn new() -> (StopHandle, Stop) {
        let (sender, receiver) = watch::channel(false);
        (StopHandle(sender), Stop(receiver))
    }

    /// A signal that is never raised.
    pub fn never() -> Stop {
        Stop::new().1
    }

    /// Whether it was raised.
    pub fn is_raised(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns once it is raised; never, if nobody is left who could raise it.
    pub async fn raised(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|raised| *raised).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl StopHandle {
    /// Raises the signal. A second time changes nothing.
    pub fn raise(&self) {
        self.0.send_replace(true);
    }
}

/// A pause of between one half and three halves of a duration, so that runners do not move in step.
pub(crate) fn jittered(duration: Duration) -> Duration {
    use std::hash::{BuildHasher, Hasher};
    // The standard library seeds each of these at random.
    let random = std::collections::hash_map::RandomState::new()
        .build_hasher()
        .finish();
    duration / 2 + duration.mul_f64((random % 1000) as f64 / 1000.0)
}

/// Pauses that double, each a little longer or shorter than the others', so that runners do not move in step.
pub(crate) struct Pause {
    next: Duration,
}

impl Pause {
    pub(crate) fn new(first: Duration) -> Pause {
        Pause { next: first }
    }

    /// Waits, and doubles.
    pub(crate) async fn pass(&mut self) {
        tokio::time::sleep(jittered(self.next)).await;
        self.next *= 2;
    }
}
