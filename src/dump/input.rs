//! What is imported, or compared with a database: a file, which can be read more than once, or standard input, which
//! cannot. A database file is read as the dump that it would make.

use std::path::{Path, PathBuf};

use super::of_database::dump_of;
use super::{DumpError, Mark, Opened, Reader, ReaderOptions, Source};

/// A dump that is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A file.
    File(PathBuf),
    /// Standard input.
    Stdin,
}

impl Input {
    /// How it is spoken of.
    pub fn name(&self) -> String {
        match self {
            Input::File(path) => path.display().to_string(),
            Input::Stdin => "<stdin>".to_owned(),
        }
    }

    /// How it is recorded: by the name of the file.
    pub(super) fn recorded(&self) -> String {
        let name = match self {
            Input::File(path) => path.file_name(),
            Input::Stdin => None,
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
            Input::Stdin => None,
        }
    }

    /// Whether it gives the same once more.
    pub(super) fn can_be_read_again(&self) -> bool {
        self.length().is_some()
    }

    /// Whether it is this very file.
    pub(super) fn is(&self, path: &Path) -> bool {
        match (self, path.canonicalize()) {
            (Input::File(file), Ok(path)) => file.canonicalize().is_ok_and(|file| file == path),
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
