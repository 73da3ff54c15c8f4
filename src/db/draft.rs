//! A database file under construction, and the one place where a finished file gets its name.
//!
//! A draft is built beside its place under a name of its own and put on the disk. Only then it gets its name, or the
//! engine copies it into the file that has the name already. It never writes over a file by itself, and no draft of a run
//! that was killed stays longer than until the next one for the same place.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::replace::{self, Replaces};
use super::side_files::{beside, refuse_side_files, remove_local, resolved};
use super::{DbError, EngineError, FileLock, Options};

/// Between the name of the place and the id of a draft.
const BUILDING: &str = "-building-";

/// The end of the name of the lock: one draft at a time for each place.
const LOCK: &str = "-building-lock";

/// Digits of the id of a draft.
const ID: usize = 32;

/// How often a process that waits for the lock tries again.
const TRY_AGAIN: Duration = Duration::from_millis(50);

/// A database file under construction. It is removed with the value; by then it may have its name.
#[derive(Debug)]
pub struct Draft {
    path: PathBuf,
    place: PathBuf,
    _lock: FileLock,
}

impl Draft {
    /// Begins a draft, once no other process builds one for this place. A link is followed.
    ///
    /// # Errors
    /// [`DbError::SideFiles`] before anything is done; [`DbError::BeingBuilt`] where another process builds one for longer
    /// than the lock timeout; [`DbError::File`] where nothing can be written beside the place.
    pub async fn begin(place: &Path, options: &Options) -> Result<Draft, DbError> {
        let begun = Instant::now();
        refuse_side_files(place)?;
        loop {
            if let Some(draft) = Draft::try_begin(place)? {
                return Ok(draft);
            }
            if begun.elapsed() >= options.lock_timeout {
                return Err(DbError::BeingBuilt {
                    path: resolved(place),
                    waited: options.lock_timeout,
                });
            }
            tokio::select! {
                () = tokio::time::sleep(TRY_AGAIN) => {}
                () = options.stop.raised() => return Err(DbError::Read(EngineError::interrupted())),
            }
        }
    }

    /// None where another process builds one for the same place.
    fn try_begin(place: &Path) -> Result<Option<Draft>, DbError> {
        let place = resolved(place);
        let place = std::path::absolute(&place).map_err(about(&place))?;
        let Some(lock) = FileLock::try_take(&place, LOCK)? else {
            return Ok(None);
        };
        // The lock is held, so the runs that left these are dead.
        for left in left_over(&place) {
            std::fs::remove_file(&left).map_err(about(&left))?;
        }
        let id = uuid::Uuid::now_v7().simple();
        let draft = Draft {
            path: beside(&place, &format!("{BUILDING}{id}")),
            place,
            _lock: lock,
        };
        if draft.place.exists() {
            // Rows of a file that others may not read are not theirs while they are written either.
            create_private(&draft.path).map_err(about(&draft.path))?;
        }
        Ok(Some(draft))
    }

    /// Removes what runs left that were killed, unless another one is under way.
    ///
    /// # Errors
    /// [`DbError::File`].
    pub(crate) fn tidy(place: &Path) -> Result<(), DbError> {
        let place = resolved(place);
        if beside(&place, LOCK).exists() || !left_over(&place).is_empty() {
            Draft::try_begin(&place)?;
        }
        Ok(())
    }

    /// What runs have left that were killed: nothing while one is under way. It only looks.
    pub(crate) fn abandoned(place: &Path) -> Vec<PathBuf> {
        let place = resolved(place);
        match File::open(beside(&place, LOCK)).map(|lock| lock.try_lock_shared()) {
            // The lock of a run that was killed may have gone before its draft.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Ok(Ok(())) => {}
            _ => return Vec::new(),
        }
        left_over(&place)
    }

    /// Where it is built.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts it on the disk and gives it its name.
    ///
    /// # Errors
    /// [`DbError::SideFiles`] and [`DbError::Appeared`] where the name is not free any more.
    pub async fn publish(self) -> Result<(), DbError> {
        // What is in a log goes into the file: the log does not get the new name.
        replace::close(&self.path).await?;
        publish(&self.path, &self.place)
    }

    /// Replaces what the file of that name holds, in one transaction of the engine; gives the draft its name where there
    /// is no such file.
    ///
    /// # Errors
    /// Those of [`Draft::publish`]; [`DbError::InUse`] where another process has the file open for longer than the lock
    /// timeout, and [`DbError::Replace`]: then the file is as it was.
    pub async fn replace(self, replaces: Replaces, options: &Options) -> Result<(), DbError> {
        if !self.place.exists() {
            return self.publish().await;
        }
        refuse_side_files(&self.place)?;
        replace::replace(&self.place, &self.path, replaces, options).await
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let _ = remove_local(&self.path);
    }
}

fn create_private(path: &Path) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// What drafts for this place have left, with their side files.
fn left_over(place: &Path) -> Vec<PathBuf> {
    let (Some(folder), Some(name)) = (place.parent(), place.file_name()) else {
        return Vec::new();
    };
    let prefix = format!("{}{BUILDING}", name.to_string_lossy());
    let is_draft = |name: &str| {
        let id = name.strip_prefix(&prefix).and_then(|id| id.get(..ID));
        id.is_some_and(|id| id.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| is_draft(&entry.file_name().to_string_lossy()))
        .map(|entry| entry.path())
        .collect()
}

/// Puts a finished database file on the disk and gives it its name. It may keep the old name beside the new one.
///
/// # Errors
/// [`DbError::SideFiles`] and [`DbError::Appeared`] where the name is not free; [`DbError::File`].
pub(crate) fn publish(file: &Path, name: &Path) -> Result<(), DbError> {
    // Windows flushes only what is open for writing.
    let open = std::fs::OpenOptions::new().write(true).open(file);
    open.and_then(|file| file.sync_all()).map_err(about(file))?;
    refuse_side_files(name)?;
    give_name(file, name).map_err(|source| match source.kind() {
        ErrorKind::AlreadyExists => DbError::Appeared(name.to_path_buf()),
        _ => about(name)(source),
    })
}

/// Gives a file that is on the disk its name, and puts that on the disk too. It may keep the old name beside the new one.
///
/// # Errors
/// The system's; [`ErrorKind::AlreadyExists`] where there is a file of that name.
pub(crate) fn give_name(file: &Path, name: &Path) -> io::Result<()> {
    // A link fails where the name is taken; a rename would replace what is there.
    match std::fs::hard_link(file, name) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(error),
        // Some file systems have no links.
        Err(_) if name.exists() => return Err(ErrorKind::AlreadyExists.into()),
        Err(_) => std::fs::rename(file, name)?,
    }
    #[cfg(unix)]
    if let Some(folder) = name.parent() {
        let folder = match folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => folder,
        };
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn about(path: &Path) -> impl FnOnce(io::Error) -> DbError {
    let path = path.to_path_buf();
    move |source| DbError::File {
        path,
        cause: source,
    }
}
