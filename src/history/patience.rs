//! How long a run waits for other connections. One value per run; it decides nothing else.

use std::time::{Duration, Instant};

use super::read::History;
use crate::db::{self, Db, Stop};
use crate::script::Revision;

/// The wait for other connections. Only standing still is waited for in vain: whatever another run gets done begins
/// the wait again.
pub(crate) struct Patience {
    lock_timeout: Duration,
    since: Instant,
    seen: Option<(Revision, Option<u64>)>,
    pause: Duration,
    stop: Stop,
}

/// The run was told to stop while it waited.
#[derive(Debug)]
pub(crate) struct Interrupted;

impl Patience {
    pub(crate) fn new(db: &Db) -> Patience {
        Patience {
            lock_timeout: db.lock_timeout(),
            since: Instant::now(),
            seen: None,
            pause: Duration::ZERO,
            stop: db.stop().clone(),
        }
    }

    /// Compares the history with the one that was seen before; a difference is progress.
    pub(crate) fn saw(&mut self, history: &History) -> bool {
        let unfinished = history
            .unfinished
            .as_ref()
            .map(|unfinished| unfinished.line);
        let now = Some((history.revision, unfinished));
        let progress = self.seen != now;
        if progress {
            self.seen = now;
            self.restart();
        }
        progress
    }

    /// Something was done: the wait begins again.
    pub(crate) fn restart(&mut self) {
        self.since = Instant::now();
        self.pause = Duration::ZERO;
    }

    pub(crate) fn is_over(&self) -> bool {
        self.left(Duration::ZERO).is_zero()
    }

    /// What is left of the lock timeout, or of `at_least` where that is longer.
    pub(super) fn left(&self, at_least: Duration) -> Duration {
        let whole = self.lock_timeout.max(at_least);
        whole.saturating_sub(self.since.elapsed())
    }

    /// Waits by doing nothing: `first` the first time, and each time twice as long as the time before.
    pub(crate) async fn pass(&mut self, first: Duration) -> Result<(), Interrupted> {
        self.pass_within(first, Duration::ZERO).await
    }

    pub(super) async fn pass_within(
        &mut self,
        first: Duration,
        at_least: Duration,
    ) -> Result<(), Interrupted> {
        let pause = self.pause.max(first);
        self.pause = pause * 2;
        let left = self.left(at_least);
        self.rest(db::jittered(pause).min(left)).await
    }

    /// Waits for this long.
    pub(crate) async fn rest(&self, time: Duration) -> Result<(), Interrupted> {
        tokio::select! {
            () = tokio::time::sleep(time) => Ok(()),
            () = self.stop.raised() => Err(Interrupted),
        }
    }
}
