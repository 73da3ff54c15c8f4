//! A backup: a packed dump of one state of the database, which is read back before it counts.
//!
//! The file is its owner's alone from its first byte on. It counts once its checksum stands beside it; only then are
//! old ones of the same database removed, so that the last good one is never among them. Which database that is stands
//! in the first line of each ([`Location`]); a backup that is not known to be of the same one is never removed.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use super::backup_files::{
    Kept, file_name, name_of, of_database, old, plain, sha256_of, sum_file, sum_text,
};
use super::export::{ExportError, ExportOptions, Exported, export};
use super::file::{NewFile, Readers};
use super::location::Location;
use super::{DumpError, Item, Opened, Reader, ReaderOptions, Source};
use crate::db::Db;
use crate::hex;

/// How a backup is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupOptions {
    /// The folder, which is made where there is none.
    pub folder: PathBuf,
    /// What the name of the file begins with. Which database it is of is recorded in it.
    pub name: String,
    /// For how many days backups of this database are kept.
    pub keep_days: u32,
    /// When it is.
    pub now: SystemTime,
}

/// A backup that counts.
#[derive(Debug)]
pub struct BackedUp {
    /// The file.
    pub file: PathBuf,
    /// sha256 of it, lower-case hexadecimal.
    pub sha256: String,
    /// Its length, packed as it is.
    pub bytes: u64,
    /// What is in it.
    pub exported: Exported,
    /// Older ones that were removed.
    pub removed: Vec<PathBuf>,
    /// Older ones that could not be removed.
    pub left: Vec<(PathBuf, io::Error)>,
    /// Older ones of that name that were not removed, since they are not known to be of this database. Those of a
    /// database file that is on this machine are not among them: they are removed when that one is backed up.
    pub unknown: Vec<Kept>,
}

/// Why there is no new backup. Old ones are as they were.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database cannot be written as a dump.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// A file or folder of the backups cannot be made.
    #[error("cannot write {}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// What was written cannot be read back.
    #[error("the backup cannot be read back, and was removed")]
    Unreadable(#[source] Box<DumpError>),
    /// What was read back is not what was written.
    #[error("the backup is not what was written, and was removed: {what}")]
    Differs {
        /// What is different.
        what: String,
    },
    /// The thread that read it back is gone.
    #[error("the thread that read the backup back ended early")]
    Thread(#[source] tokio::task::JoinError),
}

/// How long the file of a backup that was killed is left alone: another one may be writing it.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);

/// How many names are tried, each of the next second.
const NAMES: u64 = 100;

/// Takes a backup. The replica's own file is not asked: what is backed up is the primary.
///
/// # Errors
/// [`BackupError`]; nothing is left of it then, and no other backup is removed.
pub async fn backup(db: &Db, options: &BackupOptions) -> Result<BackedUp, BackupError> {
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        move |source| BackupError::File { path, source }
    };
    make_folder(&options.folder).map_err(failed(&options.folder))?;
    let location = Location::of(db);
    let mut names = names(options, location.as_ref());
    let (path, file) = begin(&mut names, &options.folder)?;
    let mut text = Hashed {
        file,
        hash: Sha256::new(),
    };
    if let Some(location) = &location {
        let header = location.header();
        text.write_all(header.as_bytes()).map_err(failed(&path))?;
    }
    let exported = match export(db, &ExportOptions::default(), &mut text).await {
        Err(ExportError::Write(error)) => return Err(failed(&path)(error)),
        exported => exported?,
    };
    let Hashed { mut file, hash } = text;
    file.end().map_err(failed(&path))?;
    let partial = file.partial().to_path_buf();
    let (expected, written) = (exported.clone(), hex::encode(&hash.finalize()));
    let read = tokio::task::spawn_blocking(move || {
        read_back(&partial, &expected, &written)?;
        let length = std::fs::metadata(&partial)?.len();
        Ok((sha256_of(&partial)?, length))
    });
    let (sha256, bytes) = match read.await.map_err(BackupError::Thread)? {
        Ok(read) => read,
        Err(Unequal::File(error)) => return Err(failed(&path)(error)),
        Err(Unequal::Backup(error)) => return Err(error),
    };
    let path = publish(&mut file, path, &mut names)?;
    sign(&path, &sha256).map_err(failed(&sum_file(&path)))?;
    let old = remove_old(options, location.as_ref());
    Ok(BackedUp {
        file: path,
        sha256,
        bytes,
        exported,
        removed: old.removed,
        left: old.left,
        unknown: old.unknown,
    })
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// The names that a backup may have: two may be taken in one second, of one database or of two.
fn names(options: &BackupOptions, location: Option<&Location>) -> impl Iterator<Item = PathBuf> {
    let name = name_of(&options.name, location);
    (0..=NAMES).map(move |later| {
        let time = options.now + Duration::from_secs(later);
        options.folder.join(file_name(&name, time))
    })
}

/// A file with the first of these names that is free.
fn begin(
    names: &mut impl Iterator<Item = PathBuf>,
    folder: &Path,
) -> Result<(PathBuf, NewFile), BackupError> {
    let mut last = (folder.to_path_buf(), ErrorKind::AlreadyExists.into());
    for path in names {
        match NewFile::create(&path, Readers::Owner) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => last = (path, error),
            Err(source) => return Err(BackupError::File { path, source }),
        }
    }
    let (path, source) = last;
    Err(BackupError::File { path, source })
}

/// Gives a backup its name, or one of the next where another run has taken that meanwhile.
fn publish(
    file: &mut NewFile,
    mut path: PathBuf,
    names: &mut impl Iterator<Item = PathBuf>,
) -> Result<PathBuf, BackupError> {
    loop {
        let error = match file.publish_as(&path) {
            Ok(()) => return Ok(path),
            Err(error) => error,
        };
        match (error.kind(), names.next()) {
            (ErrorKind::AlreadyExists, Some(next)) => path = next,
            (_, _) => {
                return Err(BackupError::File {
                    path,
                    source: error,
                });
            }
        }
    }
}

/// Puts the checksum beside a backup.
fn sign(path: &Path, sha256: &str) -> io::Result<()> {
    let sum = sum_file(path);
    let _ = std::fs::remove_file(&sum);
    let mut file = NewFile::create(&sum, Readers::Owner)?;
    file.write_all(sum_text(sha256, path).as_bytes())?;
    file.publish()
}

/// A text on its way, and its checksum.
struct Hashed {
    file: NewFile,
    hash: Sha256,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

enum Unequal {
    File(io::Error),
    Backup(BackupError),
}

impl From<io::Error> for Unequal {
    fn from(error: io::Error) -> Unequal {
        Unequal::File(error)
    }
}

impl From<DumpError> for Unequal {
    fn from(error: DumpError) -> Unequal {
        Unequal::Backup(BackupError::Unreadable(Box::new(error)))
    }
}

/// Reads a backup as an import would, and compares it with what was written.
fn read_back(file: &Path, exported: &Exported, sha256: &str) -> Result<(), Unequal> {
    let differs = |what: String| Unequal::Backup(BackupError::Differs { what });
    let Opened::Text(source) = Source::open(file)? else {
        return Err(differs("it is a database".to_owned()));
    };
    let mut reader = Reader::new(source, ReaderOptions::default());
    let mut found: HashMap<String, u64> = HashMap::new();
    while let Some(block) = reader.next()? {
        for item in &block.items {
            if let Item::Rows(rows) = item {
                let count = found.entry(rows.target.table.clone()).or_default();
                *count += rows.len() as u64;
            }
        }
    }
    for (table, rows) in &exported.tables {
        let found = found.get(table).copied().unwrap_or_default();
        if found != *rows {
            return Err(differs(format!(
                "`{table}` has {found} rows instead of {rows}"
            )));
        }
    }
    let ended = reader.ended().map(|ended| hex::encode(&ended.mark.sha256));
    if ended.as_deref() != Some(sha256) {
        return Err(differs("its text has another checksum".to_owned()));
    }
    Ok(())
}

/// What became of old backups.
#[derive(Default)]
struct Old {
    removed: Vec<PathBuf>,
    left: Vec<(PathBuf, io::Error)>,
    unknown: Vec<Kept>,
}

/// Removes the backups of this database that are too old, and what killed ones have left. What cannot be removed is
/// reported and does not matter to the new one.
fn remove_old(options: &BackupOptions, location: Option<&Location>) -> Old {
    let mut done = Old::default();
    let all = match of_database(&options.folder, &options.name, location) {
        Ok(all) => all,
        Err(error) => {
            done.left.push((options.folder.clone(), error));
            return done;
        }
    };
    for kept in old(&all, options.keep_days, options.now) {
        match &kept.location {
            recorded @ Some(_) if recorded.as_ref() == location => {}
            Some(other) if other.is_present() => continue,
            _ => {
                done.unknown.push(kept.clone());
                continue;
            }
        }
        // The checksum goes first: what is left without it does not count.
        match std::fs::remove_file(sum_file(&kept.file)) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                done.left.push((kept.file.clone(), error));
                continue;
            }
            _ => {}
        }
        match std::fs::remove_file(&kept.file) {
            Ok(()) => done.removed.push(kept.file.clone()),
            Err(error) => done.left.push((kept.file.clone(), error)),
        }
    }
    remove_stale(options);
    done
}

fn remove_stale(options: &BackupOptions) {
    let begins = format!(".{}-", plain(&options.name));
    let entries = std::fs::read_dir(&options.folder).into_iter().flatten();
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_stale = || {
            let changed = entry.metadata().and_then(|metadata| metadata.modified());
            let age = changed
                .ok()
                .and_then(|at| options.now.duration_since(at).ok());
            age.is_some_and(|age| age > STALE)
        };
        if name.starts_with(&begins) && name.ends_with(".partial") && is_stale() {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}
