//! Who may write: one connection at a time, in the order of asking, and none longer than the write window
//! while another waits.
//!
//! SQLite asks here at the moment a transaction takes the write lock, as in sqld
//! (`connection_manager.rs`). A waiter whose holder is past the window rolls the holder back.

use libsql_sys::wal::wrapper::WrapWal;
use libsql_sys::wal::{PageHeaders, Sqlite3Db, Sqlite3Wal, Wal, WalManager};
use std::collections::{HashMap, VecDeque};
use std::ffi::c_int;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Ends the transaction of one connection.
pub(crate) type Abort = Arc<dyn Fn() + Send + Sync>;

/// The write queue of one database, and how many frames its log holds.
pub(crate) struct WriteQueue {
    state: Mutex<State>,
    changed: Condvar,
    window: Duration,
    next_id: AtomicU64,
    /// Committed frames in the log.
    frames: AtomicU64,
}

#[derive(Default)]
struct State {
    holder: Option<Holder>,
    waiting: VecDeque<u64>,
    aborts: HashMap<u64, Abort>,
    closed: bool,
}

#[derive(Clone, Copy)]
struct Holder {
    id: u64,
    since: Instant,
    has: Has,
}

/// What the holder has of its turn.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Has {
    /// It is its turn, and SQLite is about to take the lock.
    Turn,
    /// SQLite takes the lock on a second try: while it waited, its view of the database grew old.
    Retry,
    /// The lock.
    Lock,
}

/// How long a second try may be coming.
const RETRY: Duration = Duration::from_millis(15);

/// A lock whose owner panicked is taken all the same: each critical section here leaves a sound state.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl WriteQueue {
    pub(crate) fn new(window: Duration, frames: u64) -> Arc<Self> {
        Arc::new(WriteQueue {
            state: Mutex::default(),
            changed: Condvar::new(),
            window,
            next_id: AtomicU64::new(1),
            frames: AtomicU64::new(frames),
        })
    }

    /// A new member, to be put around the log of one connection.
    pub(crate) fn member(self: &Arc<Self>) -> Member {
        Member {
            id: self.next_id.fetch_add(1, Ordering::Relaxed),
            queue: Arc::clone(self),
        }
    }

    pub(crate) fn register(&self, id: u64, abort: Abort) {
        locked(&self.state).aborts.insert(id, abort);
    }

    /// Number of the last committed frame, counting from 0; none in an empty log.
    pub(crate) fn last_frame(&self) -> Option<u64> {
        self.frames.load(Ordering::Acquire).checked_sub(1)
    }

    /// Connections that wait for the lock.
    pub(crate) fn waiting(&self) -> usize {
        locked(&self.state).waiting.len()
    }

    /// Lets every waiter go with `SQLITE_BUSY`, now and from now on.
    pub(crate) fn close(&self) {
        locked(&self.state).closed = true;
        self.changed.notify_all();
    }

    /// Waits for the turn of `id`.
    fn acquire(&self, id: u64) -> libsql_sys::wal::Result<()> {
        let mut state = locked(&self.state);
        if state.holder.is_none_or(|holder| holder.id != id) {
            state.waiting.push_back(id);
        }
        loop {
            if state.closed {
                state.waiting.retain(|waiter| *waiter != id);
                return Err(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY));
            }
            let Some(holder) = state.holder else {
                state.next();
                self.changed.notify_all();
                continue;
            };
            let age = holder.since.elapsed();
            let wait = match holder.has {
                Has::Turn | Has::Retry if holder.id == id => {
                    state.holder = Some(Holder {
                        has: Has::Turn,
                        ..holder
                    });
                    return Ok(());
                }
                Has::Retry if age >= RETRY => {
                    state.next();
                    self.changed.notify_all();
                    continue;
                }
                Has::Retry => RETRY - age,
                Has::Lock if age >= self.window => {
                    let abort = state.aborts.get(&holder.id).cloned();
                    // Rolling back gives the lock back, which comes here for the state.
                    drop(state);
                    if let Some(abort) = abort {
                        abort();
                    }
                    state = locked(&self.state);
                    // Where it is still held, the holder is just ending by itself.
                    Duration::from_millis(5)
                }
                Has::Lock | Has::Turn => self.window.saturating_sub(age).max(RETRY),
            };
            if state.holder.is_some_and(|now| now.id == holder.id) {
                state = self
                    .changed
                    .wait_timeout(state, wait)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0;
            }
        }
    }

    /// SQLite tried to take the lock.
    fn tried(&self, id: u64, taken: &libsql_sys::wal::Result<()>) {
        let mut state = locked(&self.state);
        let Some(holder) = state.holder.filter(|holder| holder.id == id) else {
            return;
        };
        let has = match taken {
            Ok(()) => Has::Lock,
            Err(error) if error.code == rusqlite::ErrorCode::DatabaseBusy => Has::Retry,
            Err(_) => {
                state.next();
                self.changed.notify_all();
                return;
            }
        };
        state.holder = Some(Holder { has, ..holder });
        self.changed.notify_all();
    }

    /// Gives the lock of `id` on, if it has it.
    fn release(&self, id: u64) {
        let mut state = locked(&self.state);
        let held = |holder: Holder| holder.id == id && holder.has == Has::Lock;
        if state.holder.is_some_and(held) {
            state.next();
            self.changed.notify_all();
        }
    }

    /// Forgets `id`, whatever it has.
    fn leave(&self, id: u64) {
        let mut state = locked(&self.state);
        state.aborts.remove(&id);
        if state.holder.is_some_and(|holder| holder.id == id) {
            state.next();
            self.changed.notify_all();
        }
    }
}

impl State {
    /// It is the turn of who has waited longest.
    fn next(&mut self) {
        self.holder = self.waiting.pop_front().map(|id| Holder {
            id,
            since: Instant::now(),
            has: Has::Turn,
        });
    }
}

/// One connection's place in the queue, wrapped around its write-ahead log.
#[derive(Clone)]
pub(crate) struct Member {
    id: u64,
    queue: Arc<WriteQueue>,
}

impl Member {
    pub(crate) fn id(&self) -> u64 {
        self.id
    }
}

impl WrapWal<Sqlite3Wal> for Member {
    fn begin_write_txn(&mut self, wal: &mut Sqlite3Wal) -> libsql_sys::wal::Result<()> {
        self.queue.acquire(self.id)?;
        let taken = wal.begin_write_txn();
        self.queue.tried(self.id, &taken);
        taken
    }

    fn end_write_txn(&mut self, wal: &mut Sqlite3Wal) -> libsql_sys::wal::Result<()> {
        wal.end_write_txn()?;
        self.queue.release(self.id);
        Ok(())
    }

    fn end_read_txn(&mut self, wal: &mut Sqlite3Wal) {
        wal.end_read_txn();
        // Ending the read also ends the write where there was one (wal.c).
        self.queue.release(self.id);
    }

    fn insert_frames(
        &mut self,
        wal: &mut Sqlite3Wal,
        page_size: c_int,
        page_headers: &mut PageHeaders,
        size_after: u32,
        is_commit: bool,
        sync_flags: c_int,
    ) -> libsql_sys::wal::Result<usize> {
        let inserted =
            wal.insert_frames(page_size, page_headers, size_after, is_commit, sync_flags)?;
        if is_commit {
            let frames = u64::from(wal.frames_in_wal());
            self.queue.frames.store(frames, Ordering::Release);
        }
        Ok(inserted)
    }

    fn close<M: WalManager<Wal = Sqlite3Wal>>(
        &mut self,
        manager: &M,
        wal: &mut Sqlite3Wal,
        db: &mut Sqlite3Db,
        sync_flags: c_int,
        _scratch: Option<&mut [u8]>,
    ) -> libsql_sys::wal::Result<()> {
        // Without the scratch buffer closing does not checkpoint, so the log keeps all its frames.
        let closed = manager.close(wal, db, sync_flags, None);
        self.queue.leave(self.id);
        closed
    }
}
