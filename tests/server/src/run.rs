//! Runs programs where blocking is allowed, for a caller that may go away.

use crate::call::Call;
use crate::engine::{Connection, Program, Sink, Stop};
use std::sync::Arc;

/// Runs `program` to its end and gives back what it was told. A caller that goes away cancels it.
pub(crate) async fn run<S: Sink + Send + 'static>(
    connection: &Connection,
    program: Program,
    mut sink: S,
    call: &Arc<Call>,
) -> Result<S, Stop> {
    let mut cancel = CancelOnDrop::arm(connection);
    let connection = connection.clone();
    let call = Arc::clone(call);
    let ran = tokio::task::spawn_blocking(move || {
        connection.run(&program, &mut sink, &call)?;
        Ok(sink)
    })
    .await;
    cancel.disarm();
    ran.map_err(|error| Stop::Internal(error.to_string()))?
}

/// Cancels what a connection is running, unless it is disarmed first.
pub(crate) struct CancelOnDrop(Option<Connection>);

impl CancelOnDrop {
    /// To be called before the work is handed to another thread: a client that is gone by the time it begins there has
    /// cancelled it all the same.
    pub(crate) fn arm(connection: &Connection) -> CancelOnDrop {
        connection.uncancel();
        CancelOnDrop(Some(connection.clone()))
    }

    pub(crate) fn disarm(&mut self) {
        self.0 = None;
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        if let Some(connection) = &self.0 {
            connection.cancel();
        }
    }
}
