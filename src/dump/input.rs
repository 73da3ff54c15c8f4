//! What is imported, or compared with a database: a file, which can be read more than once, or standard input, which
//! cannot. A database file is read as the dump that it would make.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::of_database::dump_of;
use super::{DumpError, Mark, Opened, Reader, ReaderOptions, Source};
use crate::db::{Access, Code, EngineError, Raw, open_to_read};

/// A dump that is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A file.
    File(PathBuf),
    /// Standard input.
    Stdin,
    /// A copy of a database file, which stays as it is while the file changes.
    Snapshot(Arc<Snapshot>),
}

/// A copy of a database file, in a folder of its own that is removed with it.
#[derive(Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The file that was copied.
    of: PathBuf,
    folder: PathBuf,
}

impl Snapshot {
    /// How long another process may keep the file locked.
    const PATIENCE: Duration = Duration::from_secs(10);

    /// Copies a database in one read transaction.
    async fn take(of: &Path) -> Result<Snapshot, EngineError> {
        let failed = |cause: std::io::Error| EngineError {
            code: Code::Io,
            message: format!(
                "cannot copy it into {}: {cause}",
                std::env::temp_dir().display()
            ),
            offset: None,
        };
        let id = uuid::Uuid::now_v7().simple();
        let folder = std::env::temp_dir().join(format!("seedbed-{id}"));
        let mut builder = std::fs::DirBuilder::new();
        // Rows of a file that others may not read are not theirs in a copy either.
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&folder).map_err(failed)?;
        let snapshot = Snapshot {
            of: of.to_path_buf(),
            folder,
        };
        let from = open_to_read(of).await?;
        from.busy_timeout(Snapshot::PATIENCE);
        let path = snapshot.file();
        let to = Raw::open(&path.to_string_lossy(), Access::Create).await?;
        let copied = tokio::task::spawn_blocking(move || to.copy_from(&from));
        copied.await.map_err(|_| EngineError::interrupted())??;
        Ok(snapshot)
    }

    fn file(&self) -> PathBuf {
        self.folder.join("copy.db")
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Input {
    /// How it is spoken of.
    pub fn name(&self) -> String {
        match self {
            Input::File(path) => path.display().to_string(),
            Input::Stdin => "<stdin>".to_owned(),
            Input::Snapshot(snapshot) => snapshot.of.display().to_string(),
        }
    }

    /// How it is recorded: by the name of the file.
    pub(super) fn recorded(&self) -> String {
        let name = match self {
            Input::File(path) => path.file_name(),
            Input::Snapshot(snapshot) => snapshot.of.file_name(),
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
            Input::Snapshot(snapshot) => Some(std::fs::metadata(snapshot.file()).ok()?.len()),
            Input::Stdin => None,
        }
    }

    /// The same, so that it gives the same however often it is read and whatever other processes write meanwhile: a
    /// database file is copied.
    ///
    /// # Errors
    /// [`DumpError::Open`] where it cannot be copied.
    pub async fn unchanging(&self) -> Result<Input, DumpError> {
        let Input::File(path) = self else {
            return Ok(self.clone());
        };
        // What is looked at in a pipe is gone, and what cannot be opened is told by whoever reads it.
        if !self.can_be_read_again() || !matches!(Source::open(path), Ok(Opened::Database(_))) {
            return Ok(self.clone());
        }
        match Snapshot::take(path).await {
            Ok(snapshot) => Ok(Input::Snapshot(Arc::new(snapshot))),
            Err(error) => Err(DumpError::Open {
                name: self.name(),
                cause: std::io::Error::other(error),
            }),
        }
    }

    /// Whether it gives the same once more.
    pub(super) fn can_be_read_again(&self) -> bool {
        self.length().is_some()
    }

    /// Whether it is this very file.
    pub(super) fn is(&self, path: &Path) -> bool {
        let file = match self {
            Input::File(file) => Some(file),
            Input::Snapshot(snapshot) => Some(&snapshot.of),
            Input::Stdin => None,
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
            Input::Snapshot(snapshot) => Source::of(self.name(), dump_of(&snapshot.file())),
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
