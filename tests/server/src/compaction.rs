//! A log of which the first frames are only in a snapshot, as sqld leaves it: the last state of each page, newest first.

use crate::frames::{self, FRAME};
use std::collections::HashSet;
use std::path::Path;

/// How much of the log is compacted.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Compaction {
    /// The first frame that the log still has.
    pub(crate) until: u64,
    /// How many requests for the snapshot find none yet.
    pub(crate) missing: u32,
}

/// The frames of the snapshot from `first` on, with their numbers. The last one commits.
pub(crate) fn snapshot(log: &Path, first: u64, until: u64) -> std::io::Result<Vec<(u64, Vec<u8>)>> {
    let raw = frames::read(log, first, until.saturating_sub(first))?;
    let mut pages = HashSet::new();
    let mut snapshot = Vec::new();
    let mut size_after = [0; 4];
    for (frame, number) in raw.chunks_exact(FRAME).rev().zip((first..until).rev()) {
        if size_after == [0; 4] {
            size_after.copy_from_slice(&frame[4..8]);
        }
        if pages.insert(frame[..4].to_vec()) {
            let mut frame = frame.to_vec();
            frame[4..8].fill(0);
            snapshot.push((number, frame));
        }
    }
    if let Some((_, last)) = snapshot.last_mut() {
        last[4..8].copy_from_slice(&size_after);
    }
    Ok(snapshot)
}
