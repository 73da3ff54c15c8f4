//! The files of a folder of migrations. It lists them and opens none: a pipe, a device or a folder with the name of a
//! migration is a problem.

use std::path::{Path, PathBuf};

use super::set::{ReadError, slashes, unreadable};
use crate::diagnostic::Diagnostic;
use crate::layouts::belongs_to_a_layout;

/// The folder of the data tests in a folder of migrations.
pub(super) const TESTS: &str = "tests";

/// The content of a folder.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// The files whose names end in `.sql`, and what layouts keep beside them, in no particular order.
    pub(super) files: Vec<PathBuf>,
    /// The same in its folder [`TESTS`], which holds no migrations.
    pub(super) tests: Vec<PathBuf>,
    /// Pipes, devices, folders and broken links with such a name.
    pub(super) problems: Vec<Diagnostic>,
}

/// The files that [`Migrations::read_dir`](super::Migrations::read_dir) reads, in no particular order.
pub(super) fn sql_files(directory: &Path) -> Result<Vec<PathBuf>, ReadError> {
    let mut files = listing(directory)?.files;
    files.retain(|path| is_sql(path));
    Ok(files)
}

/// The path at which the system finds a folder. The working folder, relative to itself, is an empty path, which no system
/// call takes; names of files are joined to the empty path, so that they have no `./` before them.
pub(crate) fn on_disk(folder: &Path) -> &Path {
    match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    }
}

/// Lists a folder and the folders in it.
pub(super) fn listing(directory: &Path) -> Result<Listing, ReadError> {
    if !on_disk(directory).is_dir() {
        // A directory that exists and may not be looked at is no directory either, to `is_dir`.
        if let Err(source) = std::fs::read_dir(on_disk(directory))
            && source.kind() != std::io::ErrorKind::NotFound
        {
            return Err(ReadError::Unreadable {
                path: on_disk(directory).to_path_buf(),
                source,
            });
        }
        return Err(ReadError::NoDirectory {
            path: on_disk(directory).to_path_buf(),
        });
    }
    let mut listing = Listing::default();
    listing.walk(directory, &mut Vec::new())?;
    Ok(listing)
}

/// Whether a name is that of a hidden file, as editors and systems write them beside others: `._V1__a.sql`,
/// `.#V1__a.sql`, `#V1__a.sql#`.
pub(super) fn is_hidden(name: &str) -> bool {
    name.starts_with(['.', '#'])
}

impl Listing {
    /// `above` are the folders that this one is in, without links.
    fn walk(&mut self, directory: &Path, above: &mut Vec<PathBuf>) -> Result<(), ReadError> {
        let folder = on_disk(directory);
        above.push(std::fs::canonicalize(folder).map_err(unreadable(folder))?);
        for entry in std::fs::read_dir(folder).map_err(unreadable(folder))? {
            let entry = entry.map_err(unreadable(folder))?;
            if is_hidden(&entry.file_name().to_string_lossy()) {
                continue;
            }
            let path = directory.join(entry.file_name());
            let kind = entry.file_type().map_err(unreadable(&path))?;
            // A link counts as its target, as its owner expects; only then is a second look needed.
            let kind = match kind.is_symlink() {
                false => kind,
                true => match std::fs::metadata(&path) {
                    Ok(leads_to) => leads_to.file_type(),
                    Err(error) => {
                        if is_sql(&path) {
                            let why = format!("a link that leads to no file ({error})");
                            self.is_no_file(&path, &why, "correct the link, or remove it");
                        }
                        continue;
                    }
                },
            };
            if kind.is_dir() {
                let before = (self.files.len(), self.problems.len());
                let leads_to = std::fs::canonicalize(&path).map_err(unreadable(&path))?;
                if above.contains(&leads_to) {
                    let why = "a link to a folder that contains it";
                    self.is_no_file(&path, why, "remove the link");
                } else {
                    let migrations = self.files.len();
                    self.walk(&path, above)?;
                    if above.len() == 1 && entry.file_name() == TESTS {
                        self.tests = self.files.split_off(migrations);
                        continue;
                    }
                }
                if is_sql(&path) && before == (self.files.len(), self.problems.len()) {
                    let why = "a folder without a migration, not a file";
                    self.is_no_file(&path, why, "rename the folder, or remove it");
                }
            } else if is_sql(&path) || belongs_to_a_layout(&slashes(&path)) {
                match kind.is_file() {
                    true => self.files.push(path),
                    // To open a pipe waits for another process that writes.
                    false => self.is_no_file(&path, special(kind), "remove it, or rename it"),
                }
            }
        }
        above.pop();
        Ok(())
    }

    fn is_no_file(&mut self, path: &Path, what: &str, help: &str) {
        let problem = Diagnostic::problem("not-a-file", format!("this is {what}"));
        self.problems
            .push(problem.in_file(slashes(path)).help(help));
    }
}

pub(super) fn is_sql(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("sql"))
}

/// What a file that is neither a file nor a folder is.
#[cfg(unix)]
fn special(kind: std::fs::FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    match kind {
        _ if kind.is_fifo() => "a named pipe (FIFO), not a file",
        _ if kind.is_socket() => "a socket, not a file",
        _ => "a device, not a file",
    }
}

#[cfg(not(unix))]
fn special(_kind: std::fs::FileType) -> &'static str {
    "a device, not a file"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(folder: &Path) -> (Vec<String>, Vec<String>) {
        let listing = listing(folder).unwrap();
        let below = |path: &str| {
            let shown = slashes(folder);
            path.strip_prefix(&shown)
                .unwrap()
                .trim_start_matches('/')
                .to_owned()
        };
        let mut files: Vec<String> = listing.files.iter().map(|it| below(&slashes(it))).collect();
        let problem = |it: &Diagnostic| format!("{}: {}", below(it.file().unwrap()), it.message);
        let mut problems: Vec<String> = listing.problems.iter().map(problem).collect();
        files.sort();
        problems.sort();
        (files, problems)
    }

    #[test]
    fn hidden_files_and_those_of_editors_are_ignored() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "V1__a.sql",
            "sub/V2__b.SQL",
            "._V1__a.sql",
            ".#V1__a.sql",
            "V1__a.sql~",
            "#V1__a.sql#",
            ".DS_Store",
            ".hidden.sql",
            ".history/V1__a_20240101.sql",
        ] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "SELECT 1;").unwrap();
        }
        let (files, problems) = listed(folder.path());
        assert_eq!(files, ["V1__a.sql", "sub/V2__b.SQL"]);
        assert_eq!(problems, [""; 0]);
    }

    #[test]
    fn a_folder_with_the_name_of_a_file_is_a_problem_unless_it_holds_one() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("V1__a.sql")).unwrap();
        std::fs::create_dir(folder.path().join("of.sql")).unwrap();
        std::fs::write(folder.path().join("of.sql/V2__b.sql"), "SELECT 1;").unwrap();
        let (files, problems) = listed(folder.path());
        assert_eq!(files, ["of.sql/V2__b.sql"]);
        assert_eq!(
            problems,
            ["V1__a.sql: this is a folder without a migration, not a file"]
        );
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_named_and_never_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let made = std::process::Command::new("mkfifo")
            .arg(path("V1__pipe.sql"))
            .status();
        assert!(made.unwrap().success());
        let _socket = std::os::unix::net::UnixListener::bind(path("V2__socket.sql")).unwrap();
        let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, path(name)).unwrap();
        link("nowhere", "V3__broken.sql");
        link("V4__itself.sql", "V4__itself.sql");
        link("/dev/null", "V5__device.sql");
        link(".", "loop");
        link("nowhere", "notes.txt");
        link("somebody@host.1", ".#V6__edited.sql");
        let (files, problems) = listed(folder.path());
        assert_eq!(files, [""; 0]);
        let kinds: Vec<&str> = problems
            .iter()
            .map(|it| it.split(" (os").next().unwrap())
            .collect();
        assert_eq!(
            kinds,
            [
                "V1__pipe.sql: this is a named pipe (FIFO), not a file",
                "V2__socket.sql: this is a socket, not a file",
                "V3__broken.sql: this is a link that leads to no file (No such file or directory",
                "V4__itself.sql: this is a link that leads to no file (Too many levels of symbolic links",
                "V5__device.sql: this is a device, not a file",
                "loop: this is a link to a folder that contains it",
            ]
        );
    }
}
