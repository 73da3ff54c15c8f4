//! Giving memory back takes long where it is a million small pieces, and nobody has to wait for it.

/// Drops a value on a thread of its own; at once where there is no thread to be had.
pub(crate) fn drop_aside<T: Send + 'static>(value: T) {
    // A thread that cannot be started drops what it was given.
    let _ = std::thread::Builder::new().spawn(move || drop(value));
}
