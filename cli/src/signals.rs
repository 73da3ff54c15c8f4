//! SIGINT and SIGTERM: the run is asked to stop, and ends by itself with the transaction under way finished or rolled
//! back. A run that was sent to a server cannot be stopped: its outcome is awaited, until a second SIGINT.

use seedbed::db::Stop;

/// A signal that is raised by SIGINT (Ctrl-C) or SIGTERM. `tell` is called where the outcome of a run on a server is
/// awaited then.
///
/// # Errors
/// Where the system refuses the handlers.
pub(super) fn stop(tell: impl Fn() + Send + 'static) -> std::io::Result<Stop> {
    let (handle, stop) = Stop::new();
    let mut signals = Signals::new()?;
    tokio::spawn(async move {
        signals.next().await;
        handle.raise();
        if handle.waits_for_an_answer() {
            tell();
        }
        signals.next_interrupt().await;
        handle.raise();
        // The handle stays, so that `Stop` does not take its end for silence.
        std::future::pending::<()>().await;
    });
    Ok(stop)
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Signals> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// What ends processes may send its signal more than once, and does not mean that nothing is to be awaited.
    async fn next_interrupt(&mut self) {
        self.interrupt.recv().await;
    }
}

#[cfg(windows)]
struct Signals {
    interrupt: tokio::signal::windows::CtrlC,
    terminate: tokio::signal::windows::CtrlBreak,
}

#[cfg(windows)]
impl Signals {
    fn new() -> std::io::Result<Signals> {
        Ok(Signals {
            interrupt: tokio::signal::windows::ctrl_c()?,
            terminate: tokio::signal::windows::ctrl_break()?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// What ends processes may send its signal more than once, and does not mean that nothing is to be awaited.
    async fn next_interrupt(&mut self) {
        self.interrupt.recv().await;
    }
}
