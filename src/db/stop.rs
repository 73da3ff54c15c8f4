//! The signal that tells a run to stop, and pauses that differ from runner to runner.
//!
//! It is only a flag. A run looks at it between steps, and interrupts the engine inside one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::watch;

/// The side of the run; cheap to clone.
#[derive(Debug, Clone)]
pub struct Stop {
    /// How often it was said.
    said: watch::Receiver<usize>,
    /// How often it has to be said.
    needed: usize,
    /// Requests that were sent and may have changed something.
    waiting: Arc<AtomicUsize>,
}

/// The side that stops the run, for instance the handler of SIGINT.
#[derive(Debug)]
pub struct StopHandle {
    said: watch::Sender<usize>,
    waiting: Arc<AtomicUsize>,
}

/// An answer is waited for until this is dropped.
#[derive(Debug)]
pub(crate) struct Waits(Arc<AtomicUsize>);

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Stop {
    /// A signal and the handle that raises it.
    pub fn new() -> (StopHandle, Stop) {
        let (sender, said) = watch::channel(0);
        let waiting = Arc::<AtomicUsize>::default();
        let handle = StopHandle {
            said: sender,
            waiting: waiting.clone(),
        };
        let stop = Stop {
            said,
            needed: 1,
            waiting,
        };
        (handle, stop)
    }

    /// A signal that is never raised.
    pub fn never() -> Stop {
        Stop::new().1
    }

    /// The same signal, which counts as raised the second time: nothing is waited for any longer.
    pub(crate) fn second(&self) -> Stop {
        Stop {
            needed: 2,
            ..self.clone()
        }
    }

    /// Whether it was raised.
    pub fn is_raised(&self) -> bool {
        *self.said.borrow() >= self.needed
    }

    /// Returns once it is raised; never, if nothing is left that could raise it.
    pub async fn raised(&self) {
        let mut said = self.said.clone();
        if said.wait_for(|said| *said >= self.needed).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// To be held while the answer to a run is awaited.
    pub(crate) fn waits_for_an_answer(&self) -> Waits {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Waits(self.waiting.clone())
    }
}

impl StopHandle {
    /// Raises the signal. The second time a run on a server is given up whose outcome is not known yet.
    pub fn raise(&self) {
        self.said.send_modify(|said| *said += 1);
    }

    /// Whether a run was sent to a server, and its outcome is awaited.
    pub fn waits_for_an_answer(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
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
