//! Whether a dump restores: a database is built from it, and the dump of that one has to be the same text. It is built
//! while the dump is still being written.
//!
//! The text is everything that a dump says: every value of every row, the definitions, the sequences, the numbers of the
//! header. Where two texts differ although the databases do not (an engine of another version keeps the tables of a
//! virtual table in another order), the databases are compared table by table.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use flate2::read::MultiGzDecoder;

use super::backup_error::{BackupError, Doubt};
use super::export::{ExportError, ExportOptions, export};
use super::import::{
    ImportError, ImportEvent, LackingModule, OnImport, Pace, Rebuilding, Why, rebuild,
};
use super::lacking::Creating;
use super::of_database::{Senders, pipe};
use super::verify::{Level, Values, VerifyError, compared};
use super::{DumpError, Input, Opened, Reader, ReaderOptions, Source};
use crate::db::{Db, DbError, EngineError, HistoryTable, Options, Query, remove_local};

/// The bytes up to which a database is built in memory. A larger one is built in a file beside the backup.
const IN_MEMORY: i64 = 32 << 20;

/// The ending of the name of that file.
pub(super) const ENDING: &str = "-rebuilt";

/// A database that is built from a dump, and removed with this value.
pub(super) struct Proof {
    place: Place,
    work: Rebuilding,
    lacking: Lacking,
}

/// The virtual tables whose module the engine lacks, as far as the dump was built.
#[derive(Clone, Default)]
pub(super) struct Lacking(Arc<Mutex<Vec<LackingModule>>>);

impl Lacking {
    fn note(&self) -> OnImport {
        let lacking = self.clone();
        Arc::new(move |event| {
            if let ImportEvent::NoModule(table) = event {
                let mut lacking = lacking.0.lock().unwrap_or_else(PoisonError::into_inner);
                lacking.push(table);
            }
        })
    }

    pub(super) fn tables(&self) -> Vec<LackingModule> {
        let lacking = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lacking.clone()
    }
}

enum Place {
    Memory(Box<Db>),
    File(Temporary),
}

/// A database file that is removed with this value.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = remove_local(&self.0);
    }
}

impl Place {
    /// What the engine opens it by.
    fn name(&self) -> &Path {
        match self {
            Place::Memory(db) => Path::new(db.memory_name().unwrap_or_default()),
            Place::File(file) => &file.0,
        }
    }

    /// The history table has no name that a dump could have: so it is compared as any other.
    fn db(&self, of: &Db) -> Result<Db, DbError> {
        let table = HistoryTable::of_no_database();
        match self {
            Place::Memory(db) => Ok(Db::clone(db).with_history_table(table)),
            Place::File(file) => {
                let options = Options {
                    stop: of.stop().clone(),
                    history_table: table,
                    ..Options::default()
                };
                Db::local(&file.0, options)
            }
        }
    }
}

impl Proof {
    /// Begins to build a database of `source` from what is written to the returned end. `partial` is the backup.
    pub(super) async fn begin(
        source: &Db,
        partial: &Path,
    ) -> Result<(Proof, Senders), BackupError> {
        let place = match size(source).await? {
            Some(bytes) if bytes <= IN_MEMORY => {
                let options = Options {
                    stop: source.stop().clone(),
                    ..Options::default()
                };
                let db = Db::memory(options).await.map_err(ExportError::from)?;
                Place::Memory(Box::new(db))
            }
            _ => Place::File(Temporary(beside(partial)?)),
        };
        let (send, pieces) = pipe();
        let open = || {
            let source = Source::of("the backup", pieces)?;
            Ok(Reader::new(source, ReaderOptions::default()))
        };
        let lacking = Lacking::default();
        let work = rebuild(place.name(), open, Pace::Fast, source, lacking.note()).await;
        let work = work.map_err(stopped)?;
        let proof = Proof {
            place,
            work,
            lacking,
        };
        Ok((proof, send))
    }

    /// The virtual tables of which the database is built without their module, once it is built.
    pub(super) fn lacking(&self) -> Lacking {
        self.lacking.clone()
    }

    /// What speaks against the backup in `partial`, whose text begins with `header`; empty where nothing does.
    pub(super) async fn doubts(
        self,
        source: &Db,
        partial: &Path,
        header: &str,
    ) -> Result<Vec<Doubt>, BackupError> {
        let Proof { place, work, .. } = self;
        match work.built().await {
            Err(error) if matches!(error.why, Why::Interrupted | Why::Thread) => {
                return Err(stopped(error));
            }
            Err(error) => {
                drop(place);
                return refused(source, partial, error).await;
            }
            Ok(()) => {}
        }
        let db = place.db(source).map_err(ExportError::from)?;
        if is_same(&db, partial, header).await? {
            return Ok(Vec::new());
        }
        let input = Input::File(partial.to_path_buf());
        match compared(&db, &input, Level::Full, Values::AsRead).await {
            Ok(verified) if verified.is_equal() => Ok(Vec::new()),
            Ok(verified) => Ok(vec![Doubt::Differs(Box::new(verified))]),
            Err(VerifyError::Dump(error)) => Err(BackupError::Unreadable(Box::new(error))),
            Err(VerifyError::Db(error)) => Err(ExportError::from(error).into()),
            Err(VerifyError::Changing) => Err(ExportError::Changing.into()),
            Err(VerifyError::Thread(error)) => Err(BackupError::Thread(error)),
        }
    }
}

/// The path of a file beside the backup, as the engine takes it.
fn beside(partial: &Path) -> Result<PathBuf, BackupError> {
    let mut path = std::path::absolute(partial)
        .map_err(|source| BackupError::File {
            path: partial.to_path_buf(),
            source,
        })?
        .into_os_string();
    path.push(ENDING);
    Ok(path.into())
}

/// How many bytes a database has; none where the engine does not say.
async fn size(db: &Db) -> Result<Option<i64>, BackupError> {
    const SIZE: &str =
        "SELECT p.page_count * s.page_size FROM pragma_page_count p, pragma_page_size s";
    let reply = db.ask(Query::new(SIZE)).await.map_err(ExportError::from)?;
    let size = crate::db::if_accepted(reply.row::<1>()).map_err(ExportError::from)?;
    Ok(size.and_then(|[size]| size.as_i64()))
}

/// What a run that is to stop comes to; the other faults of a build speak against the dump.
fn stopped(error: ImportError) -> BackupError {
    match error.why {
        Why::Interrupted => ExportError::from(DbError::Read(EngineError::interrupted())).into(),
        _ => BackupError::NotProven(Box::new(error)),
    }
}

/// Whether the dump of the database that was built is the text of the backup.
async fn is_same(db: &Db, partial: &Path, header: &str) -> Result<bool, BackupError> {
    let read = |source| BackupError::File {
        path: partial.to_path_buf(),
        source,
    };
    let file = File::open(partial).map_err(read)?;
    let mut text = Compared {
        text: MultiGzDecoder::new(BufReader::with_capacity(1 << 16, file)),
        space: Vec::new(),
    };
    let is_same = text.write_all(header.as_bytes()).is_ok();
    match export(db, &ExportOptions::default(), &mut text).await {
        Ok(_) => Ok(is_same && text.is_at_its_end()),
        Err(ExportError::Write(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Takes a text, and fails where it is not the one that `text` gives.
struct Compared<R> {
    text: R,
    space: Vec<u8>,
}

impl<R: Read> Compared<R> {
    fn is_at_its_end(&mut self) -> bool {
        matches!(self.text.read(&mut [0]), Ok(0))
    }
}

impl<R: Read> Write for Compared<R> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.space.resize(bytes.len(), 0);
        self.text.read_exact(&mut self.space)?;
        match self.space == bytes {
            true => Ok(bytes.len()),
            false => Err(ErrorKind::InvalidData.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Why no database could be built: all objects that the engine refuses, else the row.
async fn refused(
    source: &Db,
    partial: &Path,
    error: ImportError,
) -> Result<Vec<Doubt>, BackupError> {
    let file = partial.to_path_buf();
    let creating = Creating::begin().await;
    let creating = creating.map_err(|error| ExportError::from(DbError::Read(error)))?;
    let objects = tokio::task::spawn_blocking(move || objects(creating, reader(&file)?));
    let objects = objects.await.map_err(BackupError::Thread)?;
    let objects = objects.map_err(|error| BackupError::Unreadable(Box::new(error)))?;
    if !objects.is_empty() {
        return Ok(objects);
    }
    let Why::Refused { among: 2.., .. } = error.why else {
        return Ok(vec![Doubt::NotRebuilt(Box::new(error))]);
    };
    // Which of those rows it is shows when they go one by one.
    let place = Temporary(beside(partial)?);
    let file = partial.to_path_buf();
    let work = rebuild(
        &place.0,
        move || reader(&file),
        Pace::RowByRow,
        source,
        Arc::new(|_| {}),
    )
    .await;
    let exact = work.map_err(stopped)?.built().await.err();
    match exact {
        Some(error) if matches!(error.why, Why::Interrupted) => Err(stopped(error)),
        exact => Ok(vec![Doubt::NotRebuilt(Box::new(exact.unwrap_or(error)))]),
    }
}

fn reader(file: &Path) -> Result<Reader, DumpError> {
    let Opened::Text(source) = Source::open(file)? else {
        return Err(DumpError::NotADump {
            name: file.display().to_string(),
            what: super::NotADump::Database,
        });
    };
    Ok(Reader::new(source, ReaderOptions::default()))
}

/// The objects of a dump that the engine refuses to create, without those on a table that it refuses.
fn objects(mut creating: Creating, mut reader: Reader) -> Result<Vec<Doubt>, DumpError> {
    while let Some(block) = reader.next()? {
        creating.block(&block);
    }
    Ok(creating.refused())
}
