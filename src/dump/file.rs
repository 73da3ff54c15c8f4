//! A new file that appears whole or not at all: written beside its place under a name of its own, put on the disk, and
//! only then given its name. It never writes over a file.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::db::give_name;

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Readers {
    /// Whom the system's rules let.
    Usual,
    /// Its owner alone, from its first byte on.
    Owner,
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
        hidden.push(format!(".{}.partial", uuid::Uuid::now_v7().simple()));
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
    /// The system's; [`ErrorKind::AlreadyExists`] where somebody else made that file meanwhile.
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
