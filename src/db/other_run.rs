//! Runs of Seedbed that write to the same local file tell each other that they are alive, so that a run waits for another
//! one for as long as that takes, and not for the lock timeout.
//!
//! A run that holds the lock of a database keeps a file in the folder for temporary files, under a name that is made of
//! the path of the database, and holds the system's lock on it. The lock ends with its process. The file is only a sign:
//! nothing depends on it but how long others wait, and where it cannot be made they wait for the lock timeout.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::hex;
use sha2::{Digest, Sha256};

/// Another run that writes to the same database.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OtherRun {
    /// The number of its process.
    pub pid: u32,
    /// Who runs it, as `applied_by` in the history.
    pub by: Option<String>,
    /// When it got the lock.
    pub since: Option<SystemTime>,
}

type Report = Arc<dyn Fn(&OtherRun) + Send + Sync>;

/// Where the wait for another run is reported: once for each of them that one wait meets.
#[derive(Clone, Default)]
pub struct OnWait(Option<Report>);

impl OnWait {
    /// Calls this function, on the thread that waits.
    pub fn new(report: impl Fn(&OtherRun) + Send + Sync + 'static) -> OnWait {
        OnWait(Some(Arc::new(report)))
    }

    pub(super) fn report(&self, other: &OtherRun) {
        if let Some(report) = &self.0 {
            report(other);
        }
    }
}

impl std::fmt::Debug for OnWait {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OnWait")
    }
}

/// How long a run announces itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// While a transaction holds the lock of the database.
    Transaction,
    /// While an import writes one transaction after the other.
    Import,
}

/// The sign of a run, which is removed on drop.
#[derive(Debug)]
pub(crate) struct Announced {
    path: PathBuf,
    file: Option<File>,
}

/// Announces that this process writes to `database`; none where that is not possible.
pub(super) fn announce(sign: Sign, database: &Path, by: Option<&str>) -> Option<Announced> {
    let name = format!(
        "{}{}-{}.run",
        prefix(sign, database)?,
        std::process::id(),
        uuid::Uuid::now_v7().simple()
    );
    let path = std::env::temp_dir().join(name);
    // Others can write to this folder too: a file or a link that is there already is left alone.
    let file = OpenOptions::new().write(true).create_new(true).open(&path);
    let mut announced = Announced {
        path,
        file: Some(file.ok()?),
    };
    let file = announced.file.as_mut()?;
    file.try_lock().ok()?;
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
    // What is written shows that the lock was taken, so that a file without its lock is a leftover.
    write!(file, "{since} {}", by.unwrap_or_default()).ok()?;
    Some(announced)
}

impl Drop for Announced {
    fn drop(&mut self) {
        let removed = std::fs::remove_file(&self.path);
        self.file = None;
        // Windows removes no file that is open.
        if removed.is_err() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// A run that writes to `database` and is alive. What dead ones left is removed.
pub(super) fn find(sign: Sign, database: &Path) -> Option<OtherRun> {
    let prefix = prefix(sign, database)?;
    let entries = std::fs::read_dir(std::env::temp_dir()).ok()?;
    entries.flatten().find_map(|entry| {
        let name = entry.file_name();
        let rest = name.to_str()?.strip_prefix(&prefix)?.strip_suffix(".run")?;
        let pid = rest.split_once('-')?.0.parse().ok()?;
        entry.file_type().ok()?.is_file().then_some(())?;
        alive(&entry.path(), pid)
    })
}

fn alive(path: &Path, pid: u32) -> Option<OtherRun> {
    /// More than any sign has.
    const LONGEST: u64 = 1000;
    let mut file = File::open(path).ok()?;
    let is_locked = matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
    let mut text = String::new();
    // On Windows a locked file cannot be read.
    let _ = (&mut file).take(LONGEST).read_to_string(&mut text);
    if !is_locked {
        if !text.is_empty() {
            let _ = std::fs::remove_file(path);
        }
        return None;
    }
    let (since, by) = text.split_once(' ').unwrap_or_default();
    let since = since.parse().ok().map(Duration::from_secs);
    // Another program can have written it, and it is shown on a terminal.
    let by: String = by.chars().filter(|c| !c.is_control()).collect();
    Some(OtherRun {
        pid,
        by: Some(by).filter(|by| !by.is_empty()),
        since: since.and_then(|since| UNIX_EPOCH.checked_add(since)),
    })
}

/// How the signs of a database begin.
fn prefix(sign: Sign, database: &Path) -> Option<String> {
    let sign = match sign {
        Sign::Transaction => "",
        Sign::Import => "import-",
    };
    let path = database.canonicalize().ok()?;
    let hash = Sha256::digest(path.as_os_str().as_encoded_bytes());
    Some(format!("seedbed-{sign}{}-", hex::encode(&hash[..8])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_found_for_as_long_as_it_is_alive() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("app.db");
        assert!(announce(Sign::Transaction, &database, None).is_none());
        std::fs::write(&database, "").unwrap();
        assert_eq!(find(Sign::Transaction, &database), None);
        let announced = announce(Sign::Transaction, &database, Some("rob@here\u{1b}[2J")).unwrap();
        let found = find(Sign::Transaction, &database).unwrap();
        assert_eq!(found.pid, std::process::id());
        assert!(found.since.unwrap() <= SystemTime::now());
        if cfg!(unix) {
            assert_eq!(found.by.as_deref(), Some("rob@here[2J"));
        }
        assert_eq!(find(Sign::Import, &database), None);
        assert_eq!(
            find(Sign::Transaction, &folder.path().join("other.db")),
            None
        );
        let path = announced.path.clone();
        drop(announced);
        assert_eq!(find(Sign::Transaction, &database), None);
        assert!(!path.exists());
    }

    #[test]
    fn what_a_killed_run_left_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("app.db");
        std::fs::write(&database, "").unwrap();
        let mut announced = announce(Sign::Transaction, &database, Some("rob@here")).unwrap();
        // As the system releases it with the process.
        announced.file = None;
        let path = announced.path.clone();
        std::mem::forget(announced);
        assert!(path.exists());
        assert_eq!(find(Sign::Transaction, &database), None);
        assert!(!path.exists());
    }
}
