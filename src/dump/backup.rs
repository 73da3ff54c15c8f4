//! A backup: a packed dump of one state of the database, from which a database is built before it counts.
//!
//! The file is its owner's alone from its first byte on. It counts as good once it is proven (`proof.rs`) and its
//! checksum is beside it; only then are old ones of the same database removed, so that the last good one is never among
//! them. The first line of each says which database that is ([`Location`], and the id of the database); a backup that
//! is not known to be of the same one is never removed. One that is not proven gets a name of its own, and neither
//! counts nor is removed.

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::backup_error::Doubt;
pub use super::backup_error::{BackupError, Unproven};
use super::backup_files::{
    Condition, Kept, file_name, name_of, of_database, old, sha256_of, sum_file, sum_text, unproven,
};
use super::export::{ExportError, ExportOptions, Exported, export};
use super::file::{NewFile, Readers, remove_stale};
use super::import::LackingModule;
use super::integrity::{Depth, integrity};
use super::location::Location;
use super::of_database::Senders;
use super::proof::Proof;
use crate::db::Db;
use crate::history;
use crate::setters::setters;

/// How a backup is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackupOptions {
    /// The folder, which is made where there is none.
    pub folder: PathBuf,
    /// What the name of the file begins with. Which database it is of is recorded in it.
    pub name: String,
    /// For how many days backups of this database are kept.
    pub keep_days: u32,
    /// The current time.
    pub now: SystemTime,
}

setters!(BackupOptions {
    folder: PathBuf,
    name: String,
    keep_days: u32,
    now: SystemTime,
});

impl BackupOptions {
    /// Into this folder, as a file whose name begins with `name`; older ones are kept for 30 days.
    #[must_use]
    pub fn new(
        folder: impl Into<PathBuf>,
        name: impl Into<String>,
        now: SystemTime,
    ) -> BackupOptions {
        BackupOptions {
            folder: folder.into(),
            name: name.into(),
            keep_days: 30,
            now,
        }
    }
}

/// A backup that counts.
#[derive(Debug)]
#[non_exhaustive]
pub struct BackedUp {
    /// The file.
    pub file: PathBuf,
    /// sha256 of it, lower-case hexadecimal.
    pub sha256: String,
    /// Its length, packed as it is.
    pub bytes: u64,
    /// What is in it.
    pub exported: Exported,
    /// The virtual tables whose module the engine lacks: of them it holds the definition and their tables.
    pub lacking: Vec<LackingModule>,
    /// Older ones that were removed.
    pub removed: Vec<PathBuf>,
    /// Older ones that could not be removed.
    pub left: Vec<(PathBuf, io::Error)>,
    /// Older ones of that name that were not removed, since they are not known to be of this database. Those of a
    /// database file that is on this machine are not among them: they are removed when that one is backed up.
    pub unknown: Vec<Kept>,
    /// Whether the database has an id. Without one, no backup is known to be of it.
    pub has_id: bool,
}

/// How many backups of one name may be taken in one second.
const NAMES: u32 = 99;

/// Takes a backup. The replica's own file is not asked: what is backed up is the primary. While the dump is written, a
/// database is built from it and compared with it.
///
/// # Errors
/// [`BackupError`]; no other backup is removed then. [`BackupError::Unproven`] has written a file under a name of its own,
/// the others leave no file.
pub async fn backup(db: &Db, options: &BackupOptions) -> Result<BackedUp, BackupError> {
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        move |source| BackupError::File { path, source }
    };
    make_folder(&options.folder).map_err(failed(&options.folder))?;
    let location = Location::of(db);
    let database_id = history::database_id(db).await.map_err(ExportError::from)?;
    let header = location
        .as_ref()
        .map(|it| it.header(database_id.as_deref()));
    let header = header.unwrap_or_default();
    let mut names = names(options, location.as_ref());
    let (path, file) = begin(&mut names, &options.folder)?;
    let (partial, _lock) = (file.partial().to_path_buf(), file.lock());
    let (proof, rebuilt) = Proof::begin(db, &partial).await?;
    let mut text = Text { file, rebuilt };
    text.write_all(header.as_bytes()).map_err(failed(&path))?;
    let whole = ExportOptions::default();
    let (exported, integrity) =
        tokio::join!(export(db, &whole, &mut text), integrity(db, Depth::Full));
    let Text { mut file, rebuilt } = text;
    // Ends the text that the proof reads.
    drop(rebuilt);
    let exported = match exported {
        Err(ExportError::Write(error)) => return Err(failed(&path)(error)),
        exported => exported?,
    };
    file.end().map_err(failed(&path))?;
    let lacking = proof.lacking();
    let mut doubts = proof.doubts(db, &partial, &header).await?;
    let integrity = integrity.map_err(ExportError::from)?;
    match Doubt::of(integrity) {
        // What the engine lacks to check it, it lacks to build it.
        Some(Doubt::Unchecked(_)) if !doubts.is_empty() => {}
        doubt => doubts.extend(doubt),
    }
    let read = tokio::task::spawn_blocking(move || {
        let length = std::fs::metadata(&partial)?.len();
        Ok((sha256_of(&partial)?, length))
    });
    let read: io::Result<(String, u64)> = read.await.map_err(BackupError::Thread)?;
    let (sha256, bytes) = read.map_err(failed(&path))?;
    let named = match doubts.is_empty() {
        true => Named::Proven,
        false => Named::Unproven,
    };
    let path = publish(&mut file, path, named, &mut names)?;
    sign(&path, &sha256).map_err(failed(&sum_file(&path)))?;
    if !doubts.is_empty() {
        return Err(BackupError::Unproven(Box::new(Unproven {
            file: path,
            sha256,
            bytes,
            exported,
            doubts,
        })));
    }
    let old = remove_old(options, location.as_ref(), database_id.as_deref());
    Ok(BackedUp {
        file: path,
        sha256,
        bytes,
        exported,
        lacking: lacking.tables(),
        removed: old.removed,
        left: old.left,
        unknown: old.unknown,
        has_id: database_id.is_some(),
    })
}

/// Whether a database was built from a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    Proven,
    Unproven,
}

impl Named {
    fn path(self, path: &Path) -> PathBuf {
        match self {
            Named::Proven => path.to_path_buf(),
            Named::Unproven => unproven(path),
        }
    }
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
    (1..=NAMES).map(move |number| {
        let file = file_name(&name, options.now, number);
        options.folder.join(file)
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

/// Gives a backup its name, or the next where another run has taken that meanwhile.
fn publish(
    file: &mut NewFile,
    mut path: PathBuf,
    named: Named,
    names: &mut impl Iterator<Item = PathBuf>,
) -> Result<PathBuf, BackupError> {
    loop {
        let name = named.path(&path);
        let error = match file.publish_as(&name) {
            Ok(()) => return Ok(name),
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

/// A text on its way into a file, and to the database that is built from it.
struct Text {
    file: NewFile,
    rebuilt: Senders,
}

impl Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_all(bytes)?;
        // Where building has failed, the file is written to its end all the same.
        let _ = self.rebuilt.write_all(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
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
fn remove_old(
    options: &BackupOptions,
    location: Option<&Location>,
    database_id: Option<&str>,
) -> Old {
    let mut done = Old::default();
    let all = match of_database(&options.folder, &options.name, location) {
        Ok(all) => all,
        Err(error) => {
            done.left.push((options.folder.clone(), error));
            return done;
        }
    };
    for kept in old(&all, options.keep_days, options.now) {
        if kept.state == Condition::Unproven {
            continue;
        }
        match &kept.location {
            // Without an id, another database may have been in this place.
            recorded @ Some(_)
                if recorded.as_ref() == location
                    && database_id.is_some()
                    && kept.database_id.as_deref() == database_id => {}
            Some(other) if Some(other) != location && other.is_present() => continue,
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
    let begins = format!(".{}-", name_of(&options.name, location));
    remove_stale(&options.folder, &begins);
    done
}
