//! New migration files. It writes into the directory of the migrations and nowhere else, and never over a file.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::file::words;
use super::listing::{on_disk, sql_files};
use super::numbering::{Numbering, next_version, version};
use super::problem::file_name;
use super::set::{Migrations, ReadError, slashes};
use crate::layouts::{Layout, LayoutChoice, NewFile, Unnamable, goes_by_name, named, new_files};
use crate::setters::setters;

/// Which files to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Files {
    /// The migration.
    #[default]
    Up,
    /// The migration and its down file.
    UpAndDown,
}

/// What to write.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewOptions {
    /// What the migration does, in words: `add users`.
    pub name: String,
    /// How the folder is read.
    pub layout: Layout,
    /// Its version.
    pub numbering: Numbering,
    /// Its files.
    pub files: Files,
}

setters!(NewOptions {
    name: String,
    layout: Layout,
    numbering: Numbering,
    files: Files,
});

impl NewOptions {
    /// A migration that does what these words say, numbered as the newest file is, without a down file.
    #[must_use]
    pub fn new(name: impl Into<String>) -> NewOptions {
        NewOptions {
            name: name.into(),
            layout: Layout::default(),
            numbering: Numbering::default(),
            files: Files::default(),
        }
    }
}

/// No file was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CreateError {
    /// The name has no letter and no digit.
    #[error("the name {name:?} holds no letter and no digit")]
    NoWords {
        /// The name.
        name: String,
    },
    /// The directory cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A file or the directory cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// There is no higher version.
    #[error("there is no version above V{newest}")]
    NoVersion {
        /// The newest.
        newest: i64,
    },
    /// The tool keeps a journal of its files, and has to write them itself.
    #[error("only {} can write a file of this folder", layout.tools())]
    OnlyItsTool {
        /// The layout.
        layout: Layout,
        /// What does it.
        command: String,
    },
    /// The files of the folder have no numbers.
    #[error(
        "the files of this folder have no numbers, and run in the order of their names: write one whose name comes behind \
         {last}"
    )]
    OrderOfNames {
        /// The last of them.
        last: String,
    },
    /// The layout has no place for what undoes a migration.
    #[error("the folders of {} have no down files", layout.tools())]
    NoDownFiles {
        /// The layout.
        layout: Layout,
    },
}

/// Writes the files of a new migration and returns their paths. The directory is made if it is missing; a file that
/// is there is never written over.
///
/// # Errors
/// [`CreateError`]; no file was written.
pub fn create(
    directory: &Path,
    options: &NewOptions,
    now: SystemTime,
) -> Result<Vec<PathBuf>, CreateError> {
    let words = words(&options.name);
    if words.is_empty() {
        return Err(CreateError::NoWords {
            name: options.name.clone(),
        });
    }
    let files = sql_files_or_none(directory)?;
    let by_name = files.iter().filter(|it| goes_by_name(options.layout, it));
    if let Some(last) = by_name.map(|it| file_name(it)).max() {
        return Err(CreateError::OrderOfNames {
            last: last.to_owned(),
        });
    }
    let of_layout: Vec<String> = files
        .iter()
        .filter_map(|it| digits(options.layout, it))
        .collect();
    let newest_digits = of_layout.iter().max_by_key(|it| it.parse::<i64>().ok());
    let width = newest_digits.map_or(0, String::len);
    let numbering = match (options.layout, of_layout.is_empty()) {
        (Layout::Seedbed, _) | (_, false) => options.numbering,
        // Their tools begin with the time.
        (_, true) => Numbering::Timestamp,
    };
    let mut newest = newest_digits
        .and_then(|it| it.parse().ok())
        .unwrap_or_default();
    std::fs::create_dir_all(on_disk(directory)).map_err(|source| CreateError::Write {
        path: directory.to_path_buf(),
        source,
    })?;
    loop {
        newest = next_version(newest, numbering, now).ok_or(CreateError::NoVersion { newest })?;
        if let Some(paths) = write_all(directory, &contents(newest, width, &words, options)?)? {
            return Ok(paths);
        }
    }
}

fn sql_files_or_none(directory: &Path) -> Result<Vec<String>, ReadError> {
    match sql_files(directory) {
        Err(ReadError::NoDirectory { .. }) => Ok(Vec::new()),
        files => Ok(files?.iter().map(|file| slashes(file)).collect()),
    }
}

/// The layout of a folder, found by its files, or the chosen one. A folder that is not there yet has the chosen one.
///
/// # Errors
/// [`ReadError`] where the folder cannot be read.
pub fn layout_of(directory: &Path, choice: Option<LayoutChoice>) -> Result<Layout, ReadError> {
    match Migrations::read_dir_as(directory, choice) {
        Ok(set) => Ok(set.layout),
        Err(ReadError::NoDirectory { .. }) => {
            Ok(choice.map_or(Layout::Seedbed, |choice| choice.first()))
        }
        Err(error) => Err(error),
    }
}

/// The number in the name of a file, as it is written.
fn digits(layout: Layout, file: &str) -> Option<String> {
    match layout {
        Layout::Seedbed => Some(version(file)?.to_string()),
        layout => Some(named(layout, file)?.digits),
    }
}

/// The names of the files and what is in them.
fn contents(
    version: i64,
    width: usize,
    words: &str,
    options: &NewOptions,
) -> Result<Vec<NewFile>, CreateError> {
    let layout = options.layout;
    let with_down = options.files == Files::UpAndDown;
    if with_down && layout == Layout::Numbered {
        return Err(CreateError::NoDownFiles { layout });
    }
    new_files(layout, version, words, width, with_down).map_err(|Unnamable(command)| {
        CreateError::OnlyItsTool {
            layout,
            command: command.to_owned(),
        }
    })
}

/// Writes all of these files, or none; `None` if one exists already, because another process was faster.
fn write_all(directory: &Path, contents: &[NewFile]) -> Result<Option<Vec<PathBuf>>, CreateError> {
    let mut written = Vec::new();
    for file in contents {
        let path = directory.join(&file.path);
        let Err(source) = write(&path, &file.text, &mut written) else {
            continue;
        };
        for path in &written {
            // What cannot be removed either is empty or a comment, and `check` names it.
            let _ = std::fs::remove_file(path);
        }
        return match source.kind() {
            ErrorKind::AlreadyExists => Ok(None),
            _ => Err(CreateError::Write { path, source }),
        };
    }
    Ok(Some(written))
}

fn write(path: &Path, text: &str, written: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(on_disk(folder))?;
    }
    let mut file: File = OpenOptions::new().write(true).create_new(true).open(path)?;
    written.push(path.to_path_buf());
    file.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn options(name: &str, files: Files) -> NewOptions {
        NewOptions {
            name: name.to_owned(),
            layout: Layout::Seedbed,
            numbering: Numbering::AsNewest,
            files,
        }
    }

    /// The names of the new files in a directory that holds `before`.
    #[track_caller]
    fn check(before: &[&str], options: &NewOptions, expect: &[&str]) {
        let folder = tempfile::tempdir().unwrap();
        for file in before {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "SELECT 1;").unwrap();
        }
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_772_600_767);
        let paths = create(folder.path(), options, now).unwrap();
        let expect: Vec<PathBuf> = expect.iter().map(|name| folder.path().join(name)).collect();
        assert_eq!(paths, expect);
        assert!(paths.iter().all(|path| path.is_file()));
    }

    #[test]
    fn a_new_migration_has_the_next_version_and_its_name_in_words() {
        check(
            &[],
            &options("add users!", Files::Up),
            &["V1__add_users.sql"],
        );
        check(
            &["V1__a.sql", "sub/V7__b.sql", "R__v.sql", "notes.txt"],
            &options("Add  users' e-mail", Files::UpAndDown),
            &["V8__Add_users_e_mail.sql", "V8__Add_users_e_mail.down.sql"],
        );
    }

    #[test]
    fn versions_of_files_that_do_not_fit_are_taken_too() {
        check(
            &["V2__a.sql", "V2__b.sql", "V3__gone.down.sql"],
            &options("c", Files::Up),
            &["V4__c.sql"],
        );
    }

    #[test]
    fn times_are_taken_when_asked_for_or_when_the_newest_has_one() {
        let timestamp = NewOptions {
            numbering: Numbering::Timestamp,
            ..options("c", Files::Up)
        };
        check(&["V2__a.sql"], &timestamp, &["V20260304050607__c.sql"]);
        check(
            &["V20250101000000__a.sql"],
            &options("c", Files::Up),
            &["V20260304050607__c.sql"],
        );
    }

    #[test]
    fn a_missing_directory_is_made_and_what_is_written_is_no_statement() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("db/migrations");
        let paths = create(
            &directory,
            &options("a", Files::UpAndDown),
            SystemTime::UNIX_EPOCH,
        )
        .unwrap();
        assert_eq!(paths.len(), 2);
        let set = Migrations::read_dir(&directory).unwrap();
        assert_eq!(set.problems, []);
        for path in paths {
            let text = std::fs::read_to_string(path).unwrap();
            assert_eq!(crate::sql::split(&text).unwrap(), []);
        }
    }

    #[test]
    fn whoever_is_late_for_a_name_takes_the_next_and_writes_over_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let theirs = folder.path().join("V1__a.down.sql");
        std::fs::write(&theirs, "DROP TABLE a;").unwrap();
        let ours = contents(1, 0, "a", &options("a", Files::UpAndDown)).unwrap();
        assert_eq!(write_all(folder.path(), &ours).unwrap(), None);
        assert_eq!(std::fs::read_to_string(theirs).unwrap(), "DROP TABLE a;");
        assert!(!folder.path().join("V1__a.sql").exists());

        let many: Vec<_> = std::thread::scope(|scope| {
            let path = folder.path();
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(move || {
                        create(path, &options("b", Files::Up), SystemTime::UNIX_EPOCH)
                    })
                })
                .collect();
            threads
                .into_iter()
                .flat_map(|thread| thread.join().unwrap().unwrap())
                .collect()
        });
        let unique: std::collections::HashSet<_> = many.iter().collect();
        assert_eq!(unique.len(), 8);
    }

    #[test]
    fn a_name_without_a_word_or_versions_at_their_end_are_errors_and_write_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("migrations");
        let error = create(
            &directory,
            &options("--", Files::Up),
            SystemTime::UNIX_EPOCH,
        )
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            "the name \"--\" holds no letter and no digit"
        );
        assert!(!directory.exists());
        std::fs::write(folder.path().join(format!("V{}__a.sql", i64::MAX)), "").unwrap();
        let error = create(
            folder.path(),
            &options("b", Files::Up),
            SystemTime::UNIX_EPOCH,
        )
        .unwrap_err();
        assert!(
            matches!(error, CreateError::NoVersion { newest: i64::MAX }),
            "{error}"
        );
    }
}
