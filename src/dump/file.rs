//! A new file that appears whole or not at all: written beside its place under a name of its own, put on the disk, and
//! only then given its name. It never writes over a file.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::db::{FileLock, give_name};

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Readers {
    /// Whom the system's rules let.
    Usual,
    /// Its owner alone, from its first byte on.
    Owner,
}

/// How long the files of a run that was killed are left alone where no lock tells whether it is alive.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);

/// How long they are left alone in any case: a run makes its file before its lock.
const FRESH: Duration = Duration::from_secs(60);

/// The end of the name of a file that is being written.
const PARTIAL: &str = ".partial";

/// The end of the name of its lock.
const LOCK: &str = "-lock";

/// Removes what runs have left that were killed, of the files in a folder whose names begin so.
pub(super) fn remove_stale(folder: &Path, begins: &str) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        let file_name = entry.file_name();
        let Some(file_name) = file_name.to_str().filter(|it| it.starts_with(begins)) else {
            continue;
        };
        let Some(end) = file_name.find(PARTIAL) else {
            continue;
        };
        let changed = entry.metadata().and_then(|metadata| metadata.modified());
        let age = changed.ok().and_then(|at| at.elapsed().ok());
        let Some(age) = age.filter(|age| *age > FRESH) else {
            continue;
        };
        // All files of a run go by the lock of its file.
        let partial = folder.join(&file_name[..end + PARTIAL.len()]);
        let is_dead = match FileLock::try_take(&partial, LOCK) {
            Ok(lock) => lock.is_some(),
            Err(_) => age > STALE,
        };
        if is_dead {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// A file on its way.
pub(super) struct NewFile {
    path: PathBuf,
    partial: PathBuf,
    text: Option<Text>,
}

/// How its text is kept.
enum Text {
    Plain(BufWriter<File>),
    Gzip(Box<GzEncoder<BufWriter<File>>>),
}

impl NewFile {
    /// Begins a file. Its text is packed with gzip where its name ends in `.gz`.
    ///
    /// # Errors
    /// The system's; [`ErrorKind::AlreadyExists`] where the file is there.
    pub(super) fn create(path: &Path, readers: Readers) -> io::Result<NewFile> {
        if path.symlink_metadata().is_ok() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let name = path.file_name().ok_or(ErrorKind::InvalidInput)?;
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}{PARTIAL}", uuid::Uuid::now_v7().simple()));
        let partial = path.with_file_name(hidden);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        if readers == Readers::Owner {
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        }
        #[cfg(not(unix))]
        let _ = readers;
        let file = BufWriter::with_capacity(1 << 16, options.open(&partial)?);
        let is_gzip = path
            .extension()
            .is_some_and(|it| it.eq_ignore_ascii_case("gz"));
        let text = match is_gzip {
            true => Text::Gzip(Box::new(GzEncoder::new(file, Compression::default()))),
            false => Text::Plain(file),
        };
        Ok(NewFile {
            path: path.to_path_buf(),
            partial,
            text: Some(text),
        })
    }

    /// Where it is until it has its name.
    pub(super) fn partial(&self) -> &Path {
        &self.partial
    }

    /// A lock that says that its run is alive: [`remove_stale`]. Some file systems have no locks.
    pub(super) fn lock(&self) -> Option<FileLock> {
        FileLock::try_take(&self.partial, LOCK).ok().flatten()
    }

    /// Ends the text and puts it on the disk.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn end(&mut self) -> io::Result<()> {
        let file = match self.text.take() {
            None => return Ok(()),
            Some(Text::Plain(file)) => file,
            Some(Text::Gzip(text)) => text.finish()?,
        };
        let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()
    }

    /// Gives it its name.
    ///
    /// # Errors
    /// The system's; [`ErrorKind::AlreadyExists`] where another process made that file meanwhile.
    pub(super) fn publish(mut self) -> io::Result<()> {
        let path = self.path.clone();
        self.publish_as(&path)
    }

    /// Gives it this name in the same folder instead of its own.
    ///
    /// # Errors
    /// As [`NewFile::publish`]; another name may be tried then.
    pub(super) fn publish_as(&mut self, path: &Path) -> io::Result<()> {
        self.end()?;
        give_name(&self.partial, path)
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.text {
            Some(Text::Plain(file)) => file.write(bytes),
            Some(Text::Gzip(text)) => text.write(bytes),
            None => Err(ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.text {
            Some(Text::Plain(file)) => file.flush(),
            Some(Text::Gzip(text)) => text.flush(),
            None => Ok(()),
        }
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // Half a dump is worse than none; where it has its name this takes the other one away.
        let _ = std::fs::remove_file(&self.partial);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    #[test]
    fn what_killed_runs_have_left_goes_and_what_a_run_still_writes_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("e.sql");
        let age = |file: &NewFile| {
            let opened = OpenOptions::new().write(true).open(file.partial()).unwrap();
            opened.set_modified(SystemTime::now() - 2 * FRESH).unwrap();
        };
        let (dead, alive) = (
            NewFile::create(&path, Readers::Usual).unwrap(),
            NewFile::create(&path, Readers::Usual).unwrap(),
        );
        let _lock = alive.lock().unwrap();
        let fresh = NewFile::create(&path, Readers::Usual).unwrap();
        let other = NewFile::create(&folder.path().join("other.sql"), Readers::Usual).unwrap();
        for file in [&dead, &alive, &other] {
            age(file);
        }
        remove_stale(folder.path(), ".e.sql.");
        let left = [&dead, &alive, &fresh, &other].map(|file| file.partial().exists());
        assert_eq!(left, [false, true, true, true]);
    }
}
