//! The signal that tells a run to stop.
//!
//! It only says so. Whoever runs something looks at it between steps, and interrupts the engine inside one.

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
