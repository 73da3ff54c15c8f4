//! The files of a project that is being set up. What they will hold is decided first; then all of it is written, or
//! nothing: where one file cannot be written, those before it become what they were.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::InitError;

/// The files below a folder, with what is to be written.
pub(super) struct Files<'a> {
    root: &'a Path,
    planned: Vec<Planned>,
}

/// A file that will be written.
struct Planned {
    name: String,
    /// The text that it has; none where it is not there.
    before: Option<String>,
    after: String,
}

/// What writing has changed, to change back.
enum Changed {
    Folder(PathBuf),
    File(PathBuf),
    Text(PathBuf, String),
}

impl<'a> Files<'a> {
    pub(super) fn of(root: &'a Path) -> Files<'a> {
        Files {
            root,
            planned: Vec::new(),
        }
    }

    /// The text of a file, as it will be; none where there will be no such file.
    pub(super) fn read(&self, name: &str) -> Result<Option<String>, InitError> {
        if let Some(planned) = self.planned.iter().find(|it| it.name == name) {
            return Ok(Some(planned.after.clone()));
        }
        let path = self.root.join(name);
        match seedbed::regular::text(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => Err(InitError::Read { path, source }),
        }
    }

    /// Whether there is, or will be, something of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.planned.iter().any(|it| it.name == name)
            || self.root.join(name).symlink_metadata().is_ok()
    }

    /// Plans the text of a file.
    pub(super) fn put(&mut self, name: &str, text: String) -> Result<(), InitError> {
        if let Some(planned) = self.planned.iter_mut().find(|it| it.name == name) {
            planned.after = text;
            return Ok(());
        }
        let before = self.read(name)?;
        self.planned.push(Planned {
            name: name.to_owned(),
            before,
            after: text,
        });
        Ok(())
    }

    /// Writes all that is planned.
    ///
    /// # Errors
    /// [`InitError::Write`] for the first file that cannot be written; then nothing is, but for what it names.
    pub(super) fn write(self) -> Result<(), InitError> {
        let mut changed = Vec::new();
        for planned in &self.planned {
            let path = self.root.join(&planned.name);
            if let Err(source) = write(&path, planned, &mut changed) {
                let left = changed.into_iter().rev().filter_map(changed_back).collect();
                return Err(InitError::Write { path, source, left });
            }
        }
        Ok(())
    }
}

fn write(path: &Path, planned: &Planned, changed: &mut Vec<Changed>) -> io::Result<()> {
    if let Some(before) = &planned.before {
        let mut file = OpenOptions::new().write(true).open(path)?;
        changed.push(Changed::Text(path.to_owned(), before.clone()));
        file.set_len(0)?;
        return file.write_all(planned.after.as_bytes());
    }
    let folders = path.ancestors().skip(1);
    let missing: Vec<&Path> = folders.take_while(|folder| !folder.exists()).collect();
    for folder in missing.into_iter().rev() {
        fs::create_dir(folder)?;
        changed.push(Changed::Folder(folder.to_owned()));
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    changed.push(Changed::File(path.to_owned()));
    file.write_all(planned.after.as_bytes())
}

/// Makes one change undone; its path where that fails.
fn changed_back(changed: Changed) -> Option<PathBuf> {
    let (done, path) = match changed {
        Changed::Folder(path) => (fs::remove_dir(&path), path),
        Changed::File(path) => (fs::remove_file(&path), path),
        Changed::Text(path, before) => (fs::write(&path, before), path),
    };
    done.is_err().then_some(path)
}
