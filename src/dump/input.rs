//! What is imported, or compared with a database: a file, which can be read more than once, or standard input, which
//! cannot. A database is read as the dump that it would make.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use super::location::Location;
use super::of_database::{dump_of, dump_of_open};
use super::verify::Witness;
use super::{Contents, DumpError, ExportOptions, Mark, Opened, Reader, ReaderOptions, Source};
use crate::db::{Access, Code, Db, DbError, EngineError, Options, Raw, Stop, open_to_read};

/// A dump that is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Input {
    /// A file.
    File(PathBuf),
    /// Standard input.
    Stdin,
    /// A copy of a database file, which stays as it is while the file changes.
    Snapshot(Arc<Snapshot>),
    /// An open database, which is read in one transaction. It may have changed when it is read again.
    Database(Arc<Live>),
}

/// A database that is read as the dump that it would make.
#[derive(Debug)]
pub struct Live {
    db: Db,
    name: String,
    recorded: String,
    what: Contents,
    /// What the last reading of all of it came to.
    witness: Mutex<Option<Witness>>,
}

impl PartialEq for Live {
    fn eq(&self, other: &Live) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Live {}

impl Live {
    /// What was read last, once the reader has come to its end. It can be had once.
    pub(super) fn witness(&self) -> Option<Witness> {
        let mut witness = self.witness.lock().unwrap_or_else(PoisonError::into_inner);
        witness.take()
    }

    pub(super) fn db(&self) -> &Db {
        &self.db
    }

    fn source(&self) -> Result<Source, DumpError> {
        let options = ExportOptions {
            what: self.what,
            ..ExportOptions::default()
        };
        if self.what == Contents::Schema {
            let ([pieces], _) = dump_of_open(&self.db, options);
            return Source::of(&self.name, pieces);
        }
        let ([pieces, also], tables) = dump_of_open(&self.db, options);
        let witness = Witness::begin(&self.db, &self.name, also, tables);
        *self.witness.lock().unwrap_or_else(PoisonError::into_inner) = Some(witness);
        Source::of(&self.name, pieces)
    }
}

/// A copy of a database file, or the text of standard input, in a folder of its own that is removed with it.
#[derive(Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The file that was copied.
    of: PathBuf,
    folder: PathBuf,
    /// Whether the engine's check has passed it. It stays as it is, so once is enough.
    is_sound: OnceLock<()>,
}

impl Snapshot {
    fn of(of: &Path, folder: PathBuf) -> Snapshot {
        Snapshot {
            of: of.to_path_buf(),
            folder,
            is_sound: OnceLock::new(),
        }
    }

    /// Copies a database in one read transaction. Its lock is waited for so long.
    async fn take(of: &Path, stop: &Stop, lock_timeout: Duration) -> Result<Snapshot, EngineError> {
        let failed = |cause: std::io::Error| EngineError {
            code: Code::Io,
            message: not_kept(&cause.to_string()),
            offset: None,
        };
        let folder = Snapshot::folder().map_err(failed)?;
        let snapshot = Snapshot::of(of, folder);
        let from = open_to_read(of).await?;
        from.busy_timeout(lock_timeout);
        let path = snapshot.file();
        let to = Raw::open(&path.to_string_lossy(), Access::Create).await?;
        let stop = stop.clone();
        let full = |error: EngineError| match error.code {
            Code::Full | Code::Io => EngineError {
                message: not_kept(&error.message),
                ..error
            },
            _ => error,
        };
        let copied = tokio::task::spawn_blocking(move || {
            from.execute("BEGIN")?;
            from.execute("SELECT 1 FROM sqlite_schema LIMIT 1")?;
            to.copy_until(&from, || stop.is_raised())
        });
        let copied = copied.await.map_err(|_| EngineError::interrupted())?;
        copied.map_err(full)?;
        Ok(snapshot)
    }

    /// A new folder.
    fn folder() -> std::io::Result<PathBuf> {
        let id = uuid::Uuid::now_v7().simple();
        let folder = std::env::temp_dir().join(format!("seedbed-{id}"));
        let mut builder = std::fs::DirBuilder::new();
        // Rows of a file that others may not read are not theirs in a copy either.
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&folder)?;
        Ok(folder)
    }

    fn file(&self) -> PathBuf {
        self.folder.join("copy.db")
    }

    /// The text of standard input, where that was kept.
    fn text(&self) -> PathBuf {
        self.folder.join("copy.sql")
    }
}

/// The variable that names the folder of temporary files.
pub(crate) const TEMPORARY: &str = if cfg!(windows) { "TMP" } else { "TMPDIR" };

/// Why there is no copy.
fn not_kept(cause: &str) -> String {
    let folder = std::env::temp_dir();
    format!(
        "cannot copy it into {}: {cause} (the variable {TEMPORARY} names another folder)",
        folder.display()
    )
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Input {
    /// An open database. `name` is how messages call it.
    pub fn database(db: Db, name: &str) -> Input {
        let path = db.path();
        let file = path.as_deref().and_then(Path::file_name);
        Input::Database(Arc::new(Live {
            recorded: file.map_or_else(
                || name.to_owned(),
                |file| file.to_string_lossy().into_owned(),
            ),
            name: name.to_owned(),
            what: Contents::Everything,
            witness: Mutex::default(),
            db,
        }))
    }

    /// Standard input or a pipe, kept in a file so that it can be read more than once; everything else is as it was.
    ///
    /// # Errors
    /// [`DumpError::Open`] where it cannot be kept.
    pub fn kept(self) -> Result<Input, DumpError> {
        let flows = match &self {
            Input::Stdin => true,
            Input::File(path) => path.exists() && !self.can_be_read_again(),
            Input::Snapshot(_) | Input::Database(_) => false,
        };
        if !flows {
            return Ok(self);
        }
        let name = self.name();
        let failed = |cause: std::io::Error| DumpError::Open {
            name: name.clone(),
            cause: std::io::Error::new(cause.kind(), not_kept(&cause.to_string())),
        };
        let folder = Snapshot::folder().map_err(failed)?;
        let snapshot = Snapshot::of(Path::new(&name), folder);
        let mut file = std::fs::File::create(snapshot.text()).map_err(failed)?;
        let copied = match &self {
            Input::File(path) => {
                std::fs::File::open(path).and_then(|mut pipe| std::io::copy(&mut pipe, &mut file))
            }
            _ => std::io::copy(&mut std::io::stdin().lock(), &mut file),
        };
        copied.map_err(failed)?;
        Ok(Input::Snapshot(Arc::new(snapshot)))
    }

    /// The schema alone, of what is so far away that all of it is read only once.
    pub(super) fn schema(&self) -> Option<Input> {
        let Input::Database(live) = self else {
            return None;
        };
        Some(Input::Database(Arc::new(Live {
            db: live.db.clone(),
            name: live.name.clone(),
            recorded: live.recorded.clone(),
            what: Contents::Schema,
            witness: Mutex::default(),
        })))
    }

    /// How it is spoken of.
    pub fn name(&self) -> String {
        match self {
            Input::File(path) => path.display().to_string(),
            Input::Stdin => "<stdin>".to_owned(),
            Input::Snapshot(snapshot) => snapshot.of.display().to_string(),
            Input::Database(live) => live.name.clone(),
        }
    }

    /// How it is recorded: by the name of the file.
    pub(super) fn recorded(&self) -> String {
        let name = match self {
            Input::File(path) => path.file_name(),
            Input::Snapshot(snapshot) => snapshot.of.file_name(),
            Input::Stdin => None,
            Input::Database(live) => return live.recorded.clone(),
        };
        name.map_or_else(|| self.name(), |name| name.to_string_lossy().into_owned())
    }

    /// How many bytes it has, packed as it is; none where that shows only at its end.
    pub fn length(&self) -> Option<u64> {
        match self {
            Input::File(path) => {
                let metadata = std::fs::metadata(path).ok()?;
                metadata.is_file().then_some(metadata.len())
            }
            Input::Snapshot(snapshot) => {
                let kept = std::fs::metadata(snapshot.text());
                Some(
                    kept.or_else(|_| std::fs::metadata(snapshot.file()))
                        .ok()?
                        .len(),
                )
            }
            Input::Stdin | Input::Database(_) => None,
        }
    }

    /// The same, so that it gives the same however often it is read and whatever other processes write meanwhile: a
    /// database file is copied. The lock of another process on it is waited for so long.
    ///
    /// # Errors
    /// [`DumpError::Open`] where it cannot be copied, and where `stop` is raised meanwhile.
    pub async fn unchanging(
        &self,
        stop: &Stop,
        lock_timeout: Duration,
    ) -> Result<Input, DumpError> {
        let Some(path) = self.database_file() else {
            return Ok(self.clone());
        };
        match Snapshot::take(path, stop, lock_timeout).await {
            Ok(snapshot) => Ok(Input::Snapshot(Arc::new(snapshot))),
            Err(error) => Err(DumpError::Open {
                name: self.name(),
                cause: std::io::Error::new(
                    match error.code {
                        Code::Full => std::io::ErrorKind::StorageFull,
                        _ => std::io::ErrorKind::Other,
                    },
                    error,
                ),
            }),
        }
    }

    /// The database file that it is. What is read from a pipe to find that out is gone, so no pipe is looked at; what
    /// cannot be opened is reported when it is read.
    fn database_file(&self) -> Option<&Path> {
        match self {
            Input::File(path)
                if self.can_be_read_again()
                    && matches!(Source::open(path), Ok(Opened::Database(_))) =>
            {
                Some(path)
            }
            _ => None,
        }
    }

    /// Whether its values are those of a database, as this program has read them: a database, or a backup.
    pub(super) fn is_of_this_program(&self) -> bool {
        match self {
            Input::File(path) => self.can_be_read_again() && Location::recorded(path).is_some(),
            Input::Snapshot(snapshot) => {
                let text = snapshot.text();
                !text.exists() || Location::recorded(&text).is_some()
            }
            Input::Database(_) => true,
            Input::Stdin => false,
        }
    }

    /// The local database that is read as its dump, opened; none of any other input. What it is asked ends with `stop`,
    /// or where its lock is held for longer than `lock_timeout`.
    ///
    /// # Errors
    /// Its path is none that can be opened.
    pub(super) fn local_database(
        &self,
        stop: &Stop,
        lock_timeout: Duration,
    ) -> Result<Option<Db>, DbError> {
        let path = match self {
            Input::Database(live) => return Ok(live.db.path().map(|_| live.db.clone())),
            Input::Snapshot(snapshot) if !snapshot.text().exists() => snapshot.file(),
            Input::Snapshot(_) => return Ok(None),
            Input::File(_) | Input::Stdin => match self.database_file() {
                Some(path) => path.to_path_buf(),
                None => return Ok(None),
            },
        };
        let options = Options {
            stop: stop.clone(),
            lock_timeout,
            ..Options::default()
        };
        Db::local(&path, options).map(Some)
    }

    /// Where it is remembered that the engine's check has passed it; none where it may change.
    pub(super) fn is_sound(&self) -> Option<&OnceLock<()>> {
        match self {
            Input::Snapshot(snapshot) => Some(&snapshot.is_sound),
            Input::File(_) | Input::Stdin | Input::Database(_) => None,
        }
    }

    /// Whether it can be read once more, to look at all of it before anything is written. A database on a server is far
    /// away; and what another process has changed in a database since, the checksum of a resumed import tells.
    pub(super) fn can_be_read_again(&self) -> bool {
        match self {
            Input::Database(live) => live.db.path().is_some(),
            _ => self.length().is_some(),
        }
    }

    /// Whether it is this very file.
    pub(super) fn is(&self, path: &Path) -> bool {
        let file = match self {
            Input::File(file) => Some(file),
            Input::Snapshot(snapshot) => Some(&snapshot.of),
            Input::Stdin | Input::Database(_) => None,
        };
        match (file, path.canonicalize()) {
            (Some(file), Ok(path)) => file.canonicalize().is_ok_and(|file| file == path),
            _ => false,
        }
    }

    /// Begins to read it, as fast as that goes.
    pub(super) fn whole(&self) -> Result<Reader, DumpError> {
        Ok(Reader::new(self.source()?, ReaderOptions::default()))
    }

    fn source(&self) -> Result<Source, DumpError> {
        match self {
            Input::Stdin => Source::stdin(),
            Input::Database(live) => live.source(),
            Input::Snapshot(snapshot) => match std::fs::File::open(snapshot.text()) {
                Ok(text) => Source::of(self.name(), text),
                Err(_) => Source::of(self.name(), dump_of(&snapshot.file())),
            },
            Input::File(path) => match Source::open(path)? {
                Opened::Text(source) => Ok(source),
                Opened::Database(path) => Source::of(self.name(), dump_of(&path)),
            },
        }
    }

    /// Begins to read it, behind this point.
    pub(super) fn reader(
        &self,
        block_bytes: usize,
        from: Option<&Mark>,
    ) -> Result<Reader, DumpError> {
        let source = self.source()?;
        let options = ReaderOptions {
            block_bytes,
            ..ReaderOptions::default()
        };
        match from {
            None => Ok(Reader::new(source, options)),
            Some(mark) => Reader::resume(source, options, mark),
        }
    }
}
