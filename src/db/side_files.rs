//! The files that the engine keeps beside a local database: `-wal`, `-shm` and `-journal`.
//! <https://sqlite.org/tempfiles.html>
//!
//! Nothing in a side file names its database. The engine applies it to whichever file has the name, and deletes it
//! without a word where that file is empty. So a database is never created, and no finished file gets a name, while side
//! files of that name are left over from another database. They may hold the only copy of its last rows: nothing here
//! removes them.

use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::DbError;

/// The ends of their names.
const ENDINGS: [&str; 3] = ["-journal", "-wal", "-shm"];

/// A side file that belongs to no database.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SideFile {
    /// The file.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// How long ago it was written, where the system tells.
    pub age: Option<Duration>,
}

/// The file that belongs to a local database stands beside it.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// The file that a path leads to, whether that exists or not. The engine follows links too: side files are beside their
/// target.
pub(crate) fn resolved(path: &Path) -> PathBuf {
    /// As many as Linux follows.
    const LINKS: usize = 40;
    let mut path = path.to_path_buf();
    for _ in 0..LINKS {
        let Ok(target) = std::fs::read_link(&path) else {
            break;
        };
        path = match path.parent() {
            Some(folder) => folder.join(target),
            None => target,
        };
    }
    path.canonicalize().unwrap_or(path)
}

/// Refuses a path without a database, or with an empty one, beside side files of another database.
///
/// # Errors
/// [`DbError::SideFiles`].
pub fn refuse_side_files(path: &Path) -> Result<(), DbError> {
    let path = resolved(path);
    // These first: another process may be creating the database, and its file comes before its side files.
    let found = side_files(&path);
    if found.is_empty() {
        return Ok(());
    }
    let files: Vec<SideFile> = match std::fs::metadata(&path) {
        Ok(database) if database.len() > 0 => return Ok(()),
        Ok(_) => found.into_iter().filter(is_foreign_to_empty).collect(),
        Err(error) if error.kind() == ErrorKind::NotFound => found,
        // Opening it tells what is wrong.
        Err(_) => return Ok(()),
    };
    match files.is_empty() {
        true => Ok(()),
        false => Err(DbError::SideFiles { path, files }),
    }
}

fn side_files(path: &Path) -> Vec<SideFile> {
    let side_file = |ending| {
        let path = beside(path, ending);
        let metadata = std::fs::symlink_metadata(&path).ok()?;
        let modified = metadata.modified().ok();
        Some(SideFile {
            bytes: metadata.len(),
            age: modified.and_then(|at| at.elapsed().ok()),
            path,
        })
    };
    ENDINGS.into_iter().filter_map(side_file).collect()
}

/// Whether a side file of an empty database is that of another one. A first transaction that was killed leaves an empty
/// file and a journal that says so; a log is never written before the first page of its database.
fn is_foreign_to_empty(file: &SideFile) -> bool {
    let name = file.path.as_os_str().to_string_lossy();
    if name.ends_with("-journal") {
        return pages_before(&file.path).is_some_and(|pages| pages > 0);
    }
    name.ends_with("-wal") && file.bytes > 0
}

/// How many pages the database had before the transaction of this journal; none where nothing in it can be rolled back:
/// <https://sqlite.org/fileformat.html#the_rollback_journal>.
fn pages_before(journal: &Path) -> Option<u32> {
    const MAGIC: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
    let mut header = [0; 20];
    let mut file = std::fs::File::open(journal).ok()?;
    file.read_exact(&mut header).ok()?;
    let pages = u32::from_be_bytes(header[16..].try_into().ok()?);
    header.starts_with(&MAGIC).then_some(pages)
}

/// Removes the file of a local database and its side files, and returns which there were. Where there is none, nothing
/// is done.
///
/// # Errors
/// [`DbError::File`] where one cannot be removed; those before it are gone.
pub fn remove_local(path: &Path) -> Result<Vec<PathBuf>, DbError> {
    let mut removed = Vec::new();
    // Without its file, the others mean nothing.
    for ending in std::iter::once("").chain(ENDINGS) {
        let file = beside(path, ending);
        match std::fs::remove_file(&file) {
            Ok(()) => removed.push(file),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
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

#[cfg(test)]
mod tests {
    use super::*;

    fn journal_of(pages: u32) -> Vec<u8> {
        let mut header = vec![0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
        header.extend([0; 8]);
        header.extend(pages.to_be_bytes());
        header
    }

    #[test]
    fn side_files_are_refused_where_they_cannot_belong_to_the_database() {
        let (old, new): (&[u8], &[u8]) = (&journal_of(3), &journal_of(0));
        for (files, refused) in [
            (vec![], ""),
            (vec![("", b"database".as_slice()), ("-wal", b"frames")], ""),
            (vec![("", b"database"), ("-journal", old)], ""),
            (vec![("-wal", b"frames"), ("-shm", b"")], "-wal -shm"),
            (vec![("-wal", b"")], "-wal"),
            (vec![("-journal", b"")], "-journal"),
            (vec![("-journal", new)], "-journal"),
            // What a first transaction leaves that was killed.
            (vec![("", b""), ("-journal", new)], ""),
            (vec![("", b""), ("-journal", b"")], ""),
            (vec![("", b""), ("-journal", old)], "-journal"),
            (vec![("", b""), ("-wal", b""), ("-shm", b"x")], ""),
            (vec![("", b""), ("-wal", b"frames"), ("-shm", b"x")], "-wal"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("s.db");
            for (ending, content) in &files {
                std::fs::write(beside(&path, ending), content).unwrap();
            }
            let found = match refuse_side_files(&path) {
                Ok(()) => String::new(),
                Err(DbError::SideFiles { files, .. }) => {
                    let ending = |file: &SideFile| {
                        let name = file.path.file_name().unwrap().to_str().unwrap();
                        name.trim_start_matches("s.db").to_owned()
                    };
                    files.iter().map(ending).collect::<Vec<_>>().join(" ")
                }
                Err(error) => panic!("{error}"),
            };
            assert_eq!(found, refused, "{files:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_leads_to_its_target_before_that_exists() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir(root.join("data")).unwrap();
        std::os::unix::fs::symlink("b.db", root.join("a.db")).unwrap();
        std::os::unix::fs::symlink("data/real.db", root.join("b.db")).unwrap();
        let real = root.join("data/real.db");
        assert_eq!(resolved(&root.join("a.db")), real);
        std::fs::write(beside(&real, "-wal"), "frames").unwrap();
        assert!(refuse_side_files(&root.join("a.db")).is_err());
        std::fs::write(&real, "database").unwrap();
        assert_eq!(resolved(&root.join("a.db")), real);
    }
}
