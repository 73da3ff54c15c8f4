//! The seal of a template: what its file was when it was finished. A template is handed out again and again under a name
//! that says what it was made of, and nothing but this tells whether it is that still.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::dump::backup_files::sha256_of;
use crate::migrations::checksum;

/// The file in which the seal of a template stands.
pub(super) fn seal_of(database: &Path) -> PathBuf {
    database.with_extension("seal")
}

/// The seal of a finished file, and of the text of its labels.
///
/// # Errors
/// Where the file cannot be read.
pub(super) fn sealed(database: &Path, labels: &str) -> std::io::Result<String> {
    let (length, changed) = size(database)?;
    let hash = sha256_of(database)?;
    Ok(format!("{length} {changed} {hash} {}", checksum(labels)))
}

/// Whether a file is as it was when it was sealed. A file of the same length and the same time of its last change is not
/// read: that would cost each process of a test suite as much as the template is large.
pub(super) fn is_whole(database: &Path, labels: &str, seal: &str) -> bool {
    let parts: Vec<&str> = seal.split(' ').collect();
    let [length, changed, hash, of_labels] = parts[..] else {
        return false;
    };
    let Ok((length_now, changed_now)) = size(database) else {
        return false;
    };
    if length_now.to_string() != length || checksum(labels) != of_labels {
        return false;
    }
    changed_now.to_string() == changed || sha256_of(database).is_ok_and(|it| it == hash)
}

/// Bytes, and nanoseconds since 1970.
fn size(path: &Path) -> std::io::Result<(u64, u128)> {
    let metadata = std::fs::metadata(path)?;
    let changed = metadata.modified()?.duration_since(UNIX_EPOCH);
    Ok((metadata.len(), changed.unwrap_or_default().as_nanos()))
}
