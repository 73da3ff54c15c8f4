//! Work that blocks, on a thread of its own that has ended once its outcome is there.
//!
//! The allocator of most systems gives each thread a place of its own to allocate in, and the next thread gets the place
//! of one that has ended. So work that comes one after the other uses the same memory again. The threads of a pool do
//! not end, and which of them gets the next work is chance: each of them would keep what it has freed for itself.

use std::any::Any;
use std::io;
use std::thread::Builder;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::DbError;

/// Runs blocking work. It goes on to its end, even if that is no longer awaited.
///
/// # Errors
/// [`DbError::Thread`] where no thread can be started, and where the work panics.
pub(super) async fn on_own_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, DbError> {
    let (done, outcome) = oneshot::channel();
    let runtime = Handle::current();
    let thread = Builder::new().spawn(move || {
        let _entered = runtime.enter();
        // The outcome may not be awaited any more.
        let _ = done.send(work());
    });
    let thread = thread.map_err(DbError::Thread)?;
    let outcome = outcome.await;
    // All that it has left to do is to end.
    let ended = thread.join();
    outcome.map_err(|_| {
        let panic = ended.err();
        let words = panic.as_deref().and_then(words).unwrap_or("it panicked");
        DbError::Thread(io::Error::other(words.to_owned()))
    })
}

/// What a panic says.
fn words(panic: &(dyn Any + Send)) -> Option<&str> {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
}

#[cfg(test)]
mod tests {
    use super::on_own_thread;

    #[tokio::test]
    async fn each_work_has_a_thread_and_a_panic_is_an_error() {
        let here = std::thread::current().id();
        let there = on_own_thread(|| std::thread::current().id()).await.unwrap();
        assert_ne!(here, there);
        let number = 7;
        let error = on_own_thread(move || assert_eq!(number, 8, "no eight")).await;
        let error = error.unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains("no eight"), "{source}");
    }
}
