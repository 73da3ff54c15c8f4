//! SIGINT and SIGTERM: the run is told to stop, and ends by itself with the transaction under way finished or rolled
//! back.

use crate::db::Stop;

/// A signal that is raised by SIGINT (Ctrl-C) or SIGTERM.
///
/// # Errors
/// Where the system refuses the handlers.
pub(super) fn stop() -> std::io::Result<Stop> {
    let (handle, stop) = Stop::new();
    let mut signals = Signals::new()?;
    tokio::spawn(async move {
        signals.next().await;
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
}
