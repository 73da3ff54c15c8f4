//! The files of an embedded replica: what they tell without a network, and how they are taken away and copied. Nothing
//! here writes into a replica: frames stand in its log at fixed places, and a checkpoint by anybody else would lose
//! them.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::draft::Draft;
use super::replica_lock::SyncLock;
use super::replica_note::{self, Note};
use super::side_files::beside;
use super::{DbError, Options, local};

/// How a replica follows its primary. It stands in a file beside the replica's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Frames over gRPC, as the open-source server has it; beside the file is `-client_wal_index`.
    V1,
    /// Frames over plain HTTP, as Turso has it; beside the file is `-info`.
    V2,
}

impl Protocol {
    /// `v1`, `v2`.
    pub fn as_str(self) -> &'static str {
        match self {
            Protocol::V1 => "v1",
            Protocol::V2 => "v2",
        }
    }
}

const V1_SIDE: &str = "-client_wal_index";
const V2_SIDE: &str = "-info";

/// What a database is that may be a replica that lost its side file, or a database of its own.
pub(crate) const WITHOUT_SIDE: &str =
    "is a database without the -client_wal_index or -info file of a replica";

/// The note of our own.
const NOTE: &str = replica_note::ENDING;

/// Every file that the crate makes of a replica, by what follows the name of the database.
const ENDINGS: [&str; 5] = ["", "-wal", "-shm", V1_SIDE, V2_SIDE];

/// How every database file begins: <https://sqlite.org/fileformat.html>.
const MAGIC: &[u8] = b"SQLite format 3\0";

/// What the files of a replica tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReplicaFacts {
    /// By the file beside it.
    pub protocol: Protocol,
    /// Bytes of all its files together.
    pub bytes: u64,
    /// The last frame that it has, in the protocol's own count; none before the first one.
    pub frame: Option<u64>,
    /// The log that it follows, where the protocol tells.
    pub(crate) log: Option<u128>,
    /// The generation that the frame is counted in, where the protocol has them.
    pub(crate) generation: Option<u64>,
    /// When it last had all that its primary had, as far as this program synced it.
    pub synced_at: Option<SystemTime>,
    /// A sync by this program brought a part of what the primary has: it is under way, or ended early.
    pub is_unfinished: bool,
}

/// What stands at the path of a replica: none where it is free.
///
/// # Errors
/// [`DbError::NotAReplica`] for a file of another kind, [`DbError::BrokenReplica`] where some of its files are gone.
pub fn replica_facts(path: &Path) -> Result<Option<ReplicaFacts>, DbError> {
    let not = |why| DbError::NotAReplica {
        path: path.to_path_buf(),
        why,
    };
    let broken = |why| DbError::BrokenReplica {
        path: path.to_path_buf(),
        why,
    };
    if path.is_dir() {
        return Err(not("is a folder"));
    }
    let database = size(path)?;
    let (v1, v2) = (size(&beside(path, V1_SIDE))?, size(&beside(path, V2_SIDE))?);
    let protocol = match (database, v1, v2) {
        // A first sync that found no primary leaves empty files.
        (None | Some(0), None | Some(0), None) => {
            return match size(&beside(path, "-wal"))? {
                None | Some(0) => Ok(None),
                Some(_) => Err(broken("has a -wal file and no database file")),
            };
        }
        (None, _, _) => return Err(broken("has lost its database file")),
        (_, Some(_), Some(_)) => return Err(broken("has the files of both protocols beside it")),
        (_, None, None) if !begins_as_a_database(path)? => return Err(not("is not a database")),
        (_, None, None) if noted_primary(path)?.is_some() => {
            return Err(broken(
                "has lost its -client_wal_index or -info file, which tells how far it has come",
            ));
        }
        (_, None, None) => {
            return Err(not(WITHOUT_SIDE));
        }
        (_, Some(_), None) => Protocol::V1,
        (_, None, Some(_)) => Protocol::V2,
    };
    if database != Some(0) && !begins_as_a_database(path)? {
        return Err(broken("is no database any more: its first page is damaged"));
    }
    let side = beside(
        path,
        match protocol {
            Protocol::V1 => V1_SIDE,
            Protocol::V2 => V2_SIDE,
        },
    );
    let text = read(&side)?;
    let (log, generation, frame) = match protocol {
        Protocol::V1 => {
            let (log, frame) = v1_index(&text);
            (log, None, frame)
        }
        Protocol::V2 => (
            None,
            v2_number(&text, "generation"),
            v2_number(&text, "durable_frame_num"),
        ),
    };
    let log_is_empty = matches!(size(&beside(path, "-wal"))?, None | Some(0));
    if database == Some(0) && log_is_empty && frame.is_some_and(|frame| frame > 0) {
        return Err(broken(
            "has lost what was in its database file, which is empty",
        ));
    }
    if protocol == Protocol::V2 && frame.is_some_and(|frame| frame > 0) && log_is_empty {
        return Err(broken("has lost its -wal file"));
    }
    let sizes = ENDINGS.map(|ending| std::fs::metadata(beside(path, ending)));
    let bytes = sizes.iter().flatten().map(std::fs::Metadata::len).sum();
    let note = Note::read(path)?.unwrap_or_default();
    Ok(Some(ReplicaFacts {
        protocol,
        bytes,
        frame,
        log,
        generation,
        synced_at: note.synced_at,
        is_unfinished: note.is_syncing && note.frame != frame,
    }))
}

/// The primary that a replica was last synced with, by our own note; none where there is no such note.
///
/// # Errors
/// [`DbError::File`] where it cannot be read.
pub fn noted_primary(path: &Path) -> Result<Option<String>, DbError> {
    Ok(Note::read(path)?.map(|note| note.primary))
}

/// The folder of a file.
fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Makes the folder of a replica where it is missing.
///
/// # Errors
/// [`DbError::File`].
#[cfg(feature = "replica")]
pub(super) fn make_folder(path: &Path) -> Result<MadeFolders, DbError> {
    let folder = folder(path);
    let missing = folder.ancestors().take_while(|it| !it.exists());
    let made = MadeFolders(missing.map(Path::to_path_buf).collect());
    std::fs::create_dir_all(folder).map_err(|cause| DbError::File {
        path: folder.to_path_buf(),
        // There is a file of that name.
        cause: match cause.kind() {
            std::io::ErrorKind::AlreadyExists => std::io::ErrorKind::NotADirectory.into(),
            _ => cause,
        },
    })?;
    Ok(made)
}

/// Folders that were made for a replica, the innermost first. Removes those that are empty on drop: no replica came.
#[cfg(feature = "replica")]
#[derive(Debug)]
pub(super) struct MadeFolders(Vec<PathBuf>);

#[cfg(feature = "replica")]
impl Drop for MadeFolders {
    fn drop(&mut self) {
        for folder in &self.0 {
            // A folder that holds anything stays.
            if std::fs::remove_dir(folder).is_err() {
                break;
            }
        }
    }
}

/// Why a file is no replica that is not there.
pub const DOES_NOT_EXIST: &str = "does not exist";

/// Why the files of a replica cannot grow: it is tried with as many bytes as a batch of frames has, beside them.
#[cfg(feature = "replica")]
pub(super) fn no_room(path: &Path) -> Option<std::io::Error> {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    const BATCH: usize = 4 << 20;
    let tried = beside(path, "-room");
    let made = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&tried);
    let written = made.and_then(|mut file| {
        use std::io::Write;
        file.write_all(&vec![1; BATCH])?;
        file.sync_all()
    });
    // It holds nothing.
    let _ = std::fs::remove_file(&tried);
    let is_full =
        |error: &std::io::Error| matches!(error.kind(), FileTooLarge | QuotaExceeded | StorageFull);
    written.err().filter(is_full)
}

/// Tries what a sync needs: the lock beside the replica, which is released again, and its files to be written. Where its
/// folder is missing, the nearest one that is there has to take another. Nothing is left behind.
///
/// False where another process syncs the replica at the moment.
///
/// # Errors
/// [`DbError::File`].
pub fn try_replica_files(path: &Path) -> Result<bool, DbError> {
    let folder = folder(path);
    let there = folder
        .ancestors()
        .find(|it| it.as_os_str().is_empty() || it.exists());
    let there = there
        .filter(|it| !it.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default();
    let lock = match folder.exists() {
        true => SyncLock::try_take(path)?,
        false => SyncLock::try_take(&there.join(name))?,
    };
    for ending in ENDINGS.into_iter().chain([NOTE]) {
        let file = beside(path, ending);
        if !file.is_file() {
            continue;
        }
        let opened = std::fs::OpenOptions::new().write(true).open(&file);
        opened.map_err(|cause| DbError::File { path: file, cause })?;
    }
    Ok(lock.is_some())
}

/// Removes a replica, all of its files and nothing else, once no process syncs it. The files are found by name.
///
/// # Errors
/// [`DbError::NotAReplica`] where no file of a replica stands beside it, so that no other database is lost, and
/// [`DbError::SyncLocked`]; nothing is removed then.
pub async fn remove_replica(path: &Path, options: &Options) -> Result<Vec<PathBuf>, DbError> {
    let there = |ending: &str| std::fs::symlink_metadata(beside(path, ending)).is_ok();
    let noted = noted_primary(path)?.is_some();
    if path.is_dir() || !(there(V1_SIDE) || there(V2_SIDE) || noted) {
        return Err(DbError::NotAReplica {
            path: path.to_path_buf(),
            why: if there("") {
                "has neither a -client_wal_index nor an -info file beside it"
            } else {
                DOES_NOT_EXIST
            },
        });
    }
    let _lock = SyncLock::take(path, options).await?;
    remove_files(path)
}

/// Removes the files of a replica that there are.
///
/// # Errors
/// [`DbError::File`].
pub(super) fn remove_files(path: &Path) -> Result<Vec<PathBuf>, DbError> {
    let mut removed = Vec::new();
    // What marks it as a replica goes last, so that a removal that failed half-way can be repeated.
    let note = noted_primary(path)?.map(|_| NOTE);
    for ending in ENDINGS.into_iter().chain(note) {
        let file = beside(path, ending);
        match std::fs::remove_file(&file) {
            Ok(()) => removed.push(file),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => {
                return Err(DbError::File {
                    path: file,
                    cause: source,
                });
            }
        }
    }
    Ok(removed)
}

/// Puts a replica at the place of another one, or of what is left of it.
///
/// The side file goes first and comes last: a replica without it is broken, and is not taken for a whole one where this
/// ends half-way.
///
/// # Errors
/// [`DbError::File`].
#[cfg(feature = "replica")]
pub(super) fn move_replica(from: &Path, to: &Path) -> Result<(), DbError> {
    for ending in [V1_SIDE, V2_SIDE, "-wal", "-shm"] {
        let file = beside(to, ending);
        match std::fs::remove_file(&file) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
                return Err(DbError::File { path: file, cause });
            }
            _ => {}
        }
    }
    for ending in ["", "-wal", NOTE, V1_SIDE, V2_SIDE] {
        let (file, target) = (beside(from, ending), beside(to, ending));
        match std::fs::rename(&file, &target) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
                return Err(DbError::File {
                    path: target,
                    cause,
                });
            }
            _ => {}
        }
    }
    remove_files(from).map(drop)
}

/// Whether a replica is copied whose last sync did not bring everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfinished {
    /// It is not.
    Refuse,
    /// It is, as far as it has come.
    Copy,
}

/// Writes what a replica holds into a new file, a plain database of its own.
///
/// # Errors
/// [`DbError::UnfinishedReplica`]; [`DbError::NotAReplica`] and its like for the replica, [`DbError::File`] where the
/// new file is there already.
pub async fn copy_replica(path: &Path, to: &Path, unfinished: Unfinished) -> Result<(), DbError> {
    let Some(facts) = replica_facts(path)? else {
        return Err(DbError::NotAReplica {
            path: path.to_path_buf(),
            why: DOES_NOT_EXIST,
        });
    };
    if facts.is_unfinished && unfinished == Unfinished::Refuse {
        return Err(DbError::UnfinishedReplica {
            path: path.to_path_buf(),
            frame: facts.frame,
            primary: None,
        });
    }
    if std::fs::symlink_metadata(to).is_ok() {
        return Err(DbError::File {
            path: to.to_path_buf(),
            cause: std::io::ErrorKind::AlreadyExists.into(),
        });
    }
    let draft = Draft::begin(to, &Options::default()).await?;
    let name = local::File::new(draft.path())?.name().to_owned();
    local::File::new(path)?.vacuum_into(&name).await?;
    draft.publish().await
}

fn size(path: &Path) -> Result<Option<u64>, DbError> {
    match std::fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(DbError::File {
            path: path.to_path_buf(),
            cause: source,
        }),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, DbError> {
    std::fs::read(path).map_err(|source| DbError::File {
        path: path.to_path_buf(),
        cause: source,
    })
}

fn begins_as_a_database(path: &Path) -> Result<bool, DbError> {
    use std::io::Read;
    let mut head = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAGIC.len() as u64).read_to_end(&mut head))
        .map_err(|source| DbError::File {
            path: path.to_path_buf(),
            cause: source,
        })?;
    Ok(head == MAGIC)
}

/// The id of the log and the last frame, little endian: `WalIndexMetaData` in
/// <https://github.com/tursodatabase/libsql/blob/main/libsql-replication/src/meta.rs>.
fn v1_index(bytes: &[u8]) -> (Option<u128>, Option<u64>) {
    let log = bytes
        .get(..16)
        .and_then(|bytes| Some(u128::from_le_bytes(bytes.try_into().ok()?)));
    let frame = bytes
        .get(16..24)
        .and_then(|bytes| Some(u64::from_le_bytes(bytes.try_into().ok()?)))
        .filter(|frame| *frame != u64::MAX);
    (log, frame)
}

/// `MetadataJson` in <https://github.com/tursodatabase/libsql/blob/main/libsql/src/sync.rs>, whose numbers have 32 bits.
fn v2_number(bytes: &[u8], name: &str) -> Option<u64> {
    let json: serde_json::Value = serde_json::from_slice(bytes).ok()?;
    let number = u32::try_from(json.get(name)?.as_u64()?).ok()?;
    Some(number.into())
}

/// Bytes before the first frame of a log, before the page of a frame, and of a page:
/// <https://sqlite.org/fileformat.html#the_write_ahead_log>.
#[cfg(feature = "replica")]
const LOG_HEADER: u64 = 32;
#[cfg(feature = "replica")]
const FRAME_HEADER: usize = 24;
#[cfg(feature = "replica")]
const PAGE: usize = 4096;

/// Whether a replica has the pages of these frames of protocol V1, the last ones that it counts; each in this version, or in
/// a later one of `all`, which begin with them: a sync that was cut short may have brought those. Nothing is compared where
/// a log stands beside the file, as an application has it that holds the replica open.
///
/// # Errors
/// [`DbError::File`] where the file cannot be read.
#[cfg(feature = "replica")]
pub(super) fn has_pages(path: &Path, known: &[Vec<u8>], all: &[Vec<u8>]) -> Result<bool, DbError> {
    use std::collections::BTreeMap;
    use std::io::{Read, Seek, SeekFrom};
    if size(&beside(path, "-wal"))?.is_some_and(|size| size > 0) {
        return Ok(true);
    }
    let unreadable = |cause| DbError::File {
        path: path.to_path_buf(),
        cause,
    };
    // A frame is its number, a checksum, the number of its page and how many pages there are behind it, and the page.
    let page = |frame: &[u8]| {
        let (head, page) = frame.split_at_checked(FRAME_HEADER)?;
        let number = |at: usize| Some(u32::from_le_bytes(*head.get(at..)?.first_chunk()?));
        Some((number(16)?, number(20)?, page.to_vec()))
    };
    let mut versions: BTreeMap<u32, Vec<Vec<u8>>> = BTreeMap::new();
    let mut pages = u32::MAX;
    for (at, frame) in all.iter().enumerate() {
        let Some((number, size, page)) = page(frame) else {
            continue;
        };
        let is_known = at < known.len();
        if size > 0 && is_known {
            pages = size;
        }
        match versions.get_mut(&number) {
            Some(versions) if is_known => *versions = vec![page],
            Some(versions) => versions.push(page),
            None if is_known => drop(versions.insert(number, vec![page])),
            None => {}
        }
    }
    let mut file = std::fs::File::open(path).map_err(unreadable)?;
    // The engine writes to the first page by itself.
    for (number, versions) in versions.range(2..=pages.max(2)) {
        let mut ours = vec![0; PAGE];
        let at = u64::from(number - 1) * PAGE as u64;
        file.seek(SeekFrom::Start(at)).map_err(unreadable)?;
        match file.read_exact(&mut ours) {
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(false),
            read => read.map_err(unreadable)?,
        }
        if !versions.contains(&ours) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether the frames that a primary gave are those from number `first` on, counted from 1, in the log of a replica by
/// protocol V2, which keeps each frame at its place. Salts and checksums are of the copy; pages and their numbers are
/// compared.
///
/// # Errors
/// [`DbError::BrokenReplica`] where the log is shorter.
#[cfg(feature = "replica")]
pub(super) fn has_frames(path: &Path, first: u64, theirs: &[u8]) -> Result<bool, DbError> {
    use std::io::{Read, Seek, SeekFrom};
    const FRAME: usize = FRAME_HEADER + PAGE;
    let log = beside(path, "-wal");
    let mut ours = vec![0; theirs.len()];
    let read = std::fs::File::open(&log).and_then(|mut file| {
        let at = LOG_HEADER + first.saturating_sub(1) * FRAME as u64;
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut ours)
    });
    match read {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            return Err(DbError::BrokenReplica {
                path: path.to_path_buf(),
                why: "has lost a part of its -wal file",
            });
        }
        Err(source) => {
            return Err(DbError::File {
                path: log,
                cause: source,
            });
        }
    }
    let compared = |frame: &[u8]| (frame[..4].to_vec(), frame[FRAME_HEADER..].to_vec());
    Ok(ours
        .chunks_exact(FRAME)
        .map(compared)
        .eq(theirs.chunks_exact(FRAME).map(compared)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_no_log_can_have_is_none() {
        let info = |number: &str| format!(r#"{{"durable_frame_num":{number}}}"#);
        for (number, expect) in [
            ("4294967295", Some(4_294_967_295)),
            ("4294967296", None),
            ("18446744073709551615", None),
            ("-1", None),
        ] {
            let found = v2_number(info(number).as_bytes(), "durable_frame_num");
            assert_eq!(found, expect, "{number}");
        }
    }

    #[test]
    fn files_that_are_no_replica_or_only_parts_of_one_are_told_apart() {
        let database = [MAGIC, &[0; 84]].concat();
        let index = [0; 32].as_slice();
        let info: &[u8] = br#"{"hash":1,"version":0,"durable_frame_num":3,"generation":1}"#;
        for (files, expect) in [
            (vec![], "nothing"),
            (vec![("", b"".as_slice()), (V1_SIDE, b"")], "nothing"),
            (vec![("", &database), (V1_SIDE, index)], "v1 at 0"),
            (
                vec![("", &database), (V2_SIDE, info), ("-wal", b"frames")],
                "v2 at 3",
            ),
            (
                vec![("", &database)],
                "r.db is no replica: it is a database without the -client_wal_index or -info file of a replica",
            ),
            (
                vec![("", &database), (NOTE, b"http://127.0.0.1:8080\n")],
                "the replica r.db is broken: it has lost its -client_wal_index or -info file, which tells how far it has come",
            ),
            // A file of that name from another program is no note.
            (
                vec![("", &database), (NOTE, b"mine")],
                "r.db is no replica: it is a database without the -client_wal_index or -info file of a replica",
            ),
            (
                vec![("", b"words")],
                "r.db is no replica: it is not a database",
            ),
            (
                vec![("", b"words"), (V1_SIDE, index)],
                "the replica r.db is broken: it is no database any more: its first page is damaged",
            ),
            (
                vec![(V1_SIDE, index)],
                "the replica r.db is broken: it has lost its database file",
            ),
            (
                vec![("-wal", b"frames")],
                "the replica r.db is broken: it has a -wal file and no database file",
            ),
            (
                vec![("", &database), (V2_SIDE, info)],
                "the replica r.db is broken: it has lost its -wal file",
            ),
            (
                vec![("", &database), (V1_SIDE, index), (V2_SIDE, info)],
                "the replica r.db is broken: it has the files of both protocols beside it",
            ),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("r.db");
            for (ending, content) in files {
                std::fs::write(beside(&path, ending), content).unwrap();
            }
            let found = match replica_facts(&path) {
                Ok(None) => "nothing".to_owned(),
                Ok(Some(facts)) => format!(
                    "{} at {}",
                    facts.protocol.as_str(),
                    facts.frame.unwrap_or_default()
                ),
                Err(error) => error
                    .to_string()
                    .replace(&path.display().to_string(), "r.db"),
            };
            assert_eq!(found, expect);
        }
    }
}
