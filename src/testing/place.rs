//! Where the database of a test is, and what happens to it when the test ends.

use std::path::{Path, PathBuf};

use super::TestingError;
use crate::db::remove_local;

/// Characters of the name of a test that stand in the name of its file. Names of files have at most 255 bytes.
const LONGEST_NAME: usize = 100;

/// In memory: it ends with its handle.
#[derive(Debug)]
pub struct InMemory;

/// A file.
#[derive(Debug)]
pub struct OnDisk {
    path: PathBuf,
    afterwards: Afterwards,
}

/// What becomes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Afterwards {
    Removed,
    Kept,
}

impl OnDisk {
    /// A copy of a template under a unique name.
    pub(super) fn copy(template: &Path, folder: &Path, test: &str) -> Result<OnDisk, TestingError> {
        let path = folder.join(format!("{test}-{}.db", uuid::Uuid::now_v7().simple()));
        // From here on whatever is there is removed.
        let place = OnDisk {
            path,
            afterwards: Afterwards::Removed,
        };
        if std::fs::copy(template, &place.path).is_err() {
            // The first test makes the folder.
            std::fs::create_dir_all(folder)
                .and_then(|()| std::fs::copy(template, &place.path))
                .map_err(|source| TestingError::Write {
                    path: place.path.clone(),
                    source,
                })?;
        }
        Ok(place)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn keep(mut self) -> PathBuf {
        self.afterwards = Afterwards::Kept;
        self.path.clone()
    }
}

impl Drop for OnDisk {
    fn drop(&mut self) {
        if self.afterwards == Afterwards::Kept {
            return;
        }
        if std::thread::panicking() {
            #[expect(
                clippy::print_stderr,
                reason = "shown with the failed test, and nowhere else"
            )]
            {
                eprintln!("the database of this test is kept: {}", self.path.display());
            }
            return;
        }
        // Where a connection is still open, Windows refuses; the next template finds the rest.
        let _ = remove_local(&self.path);
    }
}

/// The name of the test that runs in this thread, as a part of the name of a file.
pub(super) fn test_name() -> String {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("test").replace("::", ".");
    let plain = |c: char| match c {
        c if c.is_ascii_alphanumeric() => c,
        '.' | '_' => c,
        _ => '-',
    };
    name.chars().map(plain).take(LONGEST_NAME).collect()
}
