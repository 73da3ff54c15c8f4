//! How long a run waits for other connections. One value per run; it decides nothing else.

use std::time::{Duration, Instant};

use super::read::History;
use crate::db::{self, Db, Stop};
use crate::script::Revision;

/// The wait for other connections. Only a time without progress counts: whatever this run or another gets done
/// begins the wait again.
pub(crate) struct Patience {
    lock_timeout: Duration,
    since: Instant,
    seen: Option<(Revision, Option<u64>)>,
    pause: Duration,
    stop: Stop,
}

/// Pauses that double.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pause {
    pub(crate) first: Duration,
    pub(crate) longest: Duration,
}

impl From<Duration> for Pause {
    /// As long as this, and longer without an end.
    fn from(first: Duration) -> Pause {
        Pause {
            first,
            longest: Duration::MAX,
        }
    }
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

    /// Whether a history is further than those that were seen before: another run makes progress then. An older one is
    /// none, since of several replicas some may lag behind.
    pub(crate) fn saw(&mut self, history: &History) -> bool {
        let unfinished = history.unfinished.as_ref();
        let now = Some((history.revision, unfinished.map(|it| it.line)));
        let progress = self.seen < now;
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

    /// The next pause, a little longer or shorter than that of other runs.
    pub(super) fn next(&mut self, pause: Pause) -> Duration {
        let next = self.pause.clamp(pause.first, pause.longest);
        self.pause = next.saturating_mul(2);
        db::jittered(next)
    }

    /// Waits by doing nothing: the next pause, and no longer than what is left of the lock timeout.
    pub(crate) async fn pass(&mut self, pause: impl Into<Pause>) -> Result<(), Interrupted> {
        let next = self.next(pause.into());
        self.rest(next).await
    }

    /// Waits for this long, and no longer than what is left of the lock timeout.
    pub(crate) async fn rest(&self, time: Duration) -> Result<(), Interrupted> {
        tokio::select! {
            () = tokio::time::sleep(time.min(self.left(Duration::ZERO))) => Ok(()),
            () = self.stop.raised() => Err(Interrupted),
        }
    }
}
