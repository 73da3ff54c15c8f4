//! Frees memory on another thread: a million small pieces take long, and the caller does not wait for them.

/// Drops a value on a thread of its own; at once where there is no thread to be had.
pub(crate) fn drop_aside<T: Send + 'static>(value: T) {
    // A thread that cannot be started drops what it was given.
    let _ = std::thread::Builder::new().spawn(move || drop(value));
}
