//! The write-ahead log as a file of frames: how many are committed, and their bytes.
//!
//! Layout: <https://www.sqlite.org/fileformat2.html#the_write_ahead_log>. The log is only read here.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Bytes before the first frame.
const LOG_HEADER: u64 = 32;
/// Bytes before the page of a frame.
pub(crate) const HEADER: usize = 24;
/// Bytes of a page: replication knows no other size.
pub(crate) const PAGE: usize = 4096;
/// Bytes of a frame.
pub(crate) const FRAME: usize = HEADER + PAGE;

/// The file of the log beside the database at `path`.
pub(crate) fn log_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}

/// Frames up to the last that commits, in a log that is not being written. 0 where there is none.
pub(crate) fn committed(log: &Path) -> io::Result<u64> {
    let mut file = match File::open(log) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let frames = file.metadata()?.len().saturating_sub(LOG_HEADER) / FRAME as u64;
    if frames == 0 {
        return Ok(0);
    }
    let mut header = [0; LOG_HEADER as usize];
    file.read_exact(&mut header)?;
    let mut last = 0;
    for number in 1..=frames {
        let mut frame = [0; HEADER];
        file.seek(SeekFrom::Start(offset(number - 1)))?;
        file.read_exact(&mut frame)?;
        // Another salt is left over from before the log was reset.
        if frame[8..16] != header[16..24] {
            break;
        }
        if frame[4..8] != [0; 4] {
            last = number;
        }
    }
    Ok(last)
}

/// The bytes of `count` frames, headers and pages, from the one of number `first` (from 0).
pub(crate) fn read(log: &Path, first: u64, count: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(log)?;
    file.seek(SeekFrom::Start(offset(first)))?;
    let bytes = count * FRAME as u64;
    let mut frames = Vec::new();
    file.take(bytes).read_to_end(&mut frames)?;
    if frames.len() as u64 != bytes {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(frames)
}

fn offset(frame: u64) -> u64 {
    LOG_HEADER + frame * FRAME as u64
}
