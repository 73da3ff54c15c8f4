//! The one file of this module that reads: finds the project root, reads `config.toml`, `.env` and the
//! token's file, and hands it all to [`resolve`].
//!
//! Writes nothing and never changes the process environment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::Config;
use super::dotenv::DotEnv;
use super::layers::{Flags, Sources, TomlText, token_file};
use super::origin::{Place, relative};
use super::problem::{ConfigError, problem};
use super::resolve::{Resolved, resolve};
use super::secret::Secret;
use super::variables::{self, HOME};
use crate::diagnostic::Diagnostic;
use crate::regular;

/// The configuration for these flags in the working folder `cwd`, an absolute path, with the
/// variables of `env` ([`std::env::vars_os`]).
///
/// Never fails: a file that cannot be read is a problem in the answer.
pub fn load(
    flags: &Flags,
    cwd: &Path,
    env: impl IntoIterator<Item = (OsString, OsString)>,
) -> Resolved {
    let mut sources = Sources {
        flags: flags.clone(),
        root: match &flags.config {
            Some(config) => folder_of(&cwd.join(config)),
            None => project_root(cwd),
        },
        cwd: cwd.to_owned(),
        ..Sources::default()
    };
    let mut problems = Vec::new();
    sources.env = ours(env, &mut problems);
    let config = file("--config", flags.config.as_ref(), "config.toml", &sources);
    let read: Reading = match config.named {
        true => regular::text_or_flow,
        // A file of the repository.
        false => regular::text,
    };
    sources.toml = config.read(read, &mut problems).map(|text| TomlText {
        path: config.shown.clone(),
        text,
    });
    let dotenv = file("--env-file", flags.env_file.as_ref(), ".env", &sources);
    // Managers of secrets put a pipe in its place.
    sources.dotenv = dotenv
        .read(regular::text_or_flow, &mut problems)
        .map(|text| DotEnv::parse(&dotenv.shown, &text));
    sources.token_file = token_file(&sources).map(|path| {
        let text = regular::text_or_flow(&path).map(Secret::new);
        // Without the path: a token put there by mistake would be told.
        text.map_err(|error| format!("names a file that cannot be read: {}", reason(&error)))
    });
    sources.problems = problems;
    resolve(&sources)
}

impl Config {
    /// The configuration of this process, for an application: its environment, and the `.env` and `config.toml` of the
    /// project that its working folder is in. There are no flags; for those, and for another folder, there is [`load`].
    ///
    /// # Errors
    /// As [`Resolved::config`], and where there is no working folder.
    pub fn load() -> Result<Config, ConfigError> {
        let cwd = std::env::current_dir().map_err(|error| {
            let why = reason(&error);
            ConfigError::one(problem(format!("the working folder cannot be used: {why}")))
        })?;
        load(&Flags::default(), &cwd, std::env::vars_os()).config()
    }
}

/// The nearest folder from `cwd` upwards that holds `config.toml`, `migrations/` or `.git`, else `cwd` itself.
///
/// A `migrations/` that has other files and no SQL is often a module of source code, as in `src/migrations/`: it counts only
/// where no folder further up is a root. An empty one waits for the first migration of a new project, which may be below
/// another one.
pub fn project_root(cwd: &Path) -> PathBuf {
    // A file in a worktree or submodule.
    let is_repository = |folder: &Path| folder.join(".git").exists();
    let mut repository = None;
    for folder in cwd.ancestors() {
        let migrations = folder.join("migrations");
        let is_root = folder.join("config.toml").is_file();
        if is_root || is_empty(&migrations) || holds_sql(&migrations) {
            return folder.to_owned();
        }
        // What is above a repository is of another project.
        if is_repository(folder) {
            repository = Some(folder);
            break;
        }
    }
    let any = || cwd.ancestors().find(|it| it.join("migrations").is_dir());
    repository.or_else(any).unwrap_or(cwd).to_owned()
}

/// Whether a folder is there and holds nothing, but for hidden files: git keeps no empty folder, so it often has a
/// `.gitkeep`.
fn is_empty(folder: &Path) -> bool {
    let is_hidden = |entry: fs::DirEntry| entry.file_name().as_encoded_bytes().starts_with(b".");
    fs::read_dir(folder).is_ok_and(|entries| entries.flatten().all(is_hidden))
}

/// The folder of a file, without `.` and `..` in its path.
fn folder_of(file: &Path) -> PathBuf {
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    file.parent().unwrap_or(&file).components().collect()
}

/// Whether a `.sql` file is in this folder or below it.
fn holds_sql(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else {
        return false;
    };
    let is_folder = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    let (folders, files): (Vec<_>, Vec<_>) = entries.flatten().partition(is_folder);
    let is_sql = |entry: &fs::DirEntry| {
        let path = entry.path();
        path.extension()
            .is_some_and(|ending| ending.eq_ignore_ascii_case("sql"))
    };
    files.iter().any(is_sql) || folders.iter().any(|entry| holds_sql(&entry.path()))
}

/// The variables that are ours.
fn ours(
    env: impl IntoIterator<Item = (OsString, OsString)>,
    problems: &mut Vec<Diagnostic>,
) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (name, value) in env {
        let is_it = |ours: &&&str| {
            name.to_str().is_some_and(|name| {
                name == **ours || (cfg!(windows) && name.eq_ignore_ascii_case(ours))
            })
        };
        let ours = variables::IN_DOTENV
            .iter()
            .chain([&HOME])
            .chain(&variables::HTTPS_PROXY)
            .chain(&variables::HTTP_PROXY)
            .chain(&variables::ALL_PROXY)
            .chain(&variables::NO_PROXY);
        let Some(ours) = { ours }.find(is_it) else {
            continue;
        };
        match value.into_string() {
            Ok(value) => {
                found.insert((*ours).to_owned(), value);
            }
            Err(_) => problems.push(problem(format!(
                "{ours} from the environment is not UTF-8 text"
            ))),
        }
    }
    found
}

/// A file that a flag names, or that lies in the root under its usual name.
struct File {
    flag: &'static str,
    path: PathBuf,
    shown: PathBuf,
    named: bool,
}

fn file(flag: &'static str, given: Option<&PathBuf>, usual: &str, sources: &Sources) -> File {
    let path = match given {
        Some(given) => sources.cwd.join(given).components().collect(),
        None => sources.root.join(usual),
    };
    File {
        flag,
        shown: relative(&sources.root, &path).to_owned(),
        path,
        named: given.is_some(),
    }
}

/// How a text is read.
type Reading = fn(&Path) -> io::Result<String>;

impl File {
    /// The text; a file that no flag names may be missing.
    fn read(&self, read: Reading, problems: &mut Vec<Diagnostic>) -> Option<String> {
        match read(&self.path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == ErrorKind::NotFound && !self.named => None,
            Err(error) => {
                problems.push(self.unreadable(&error));
                None
            }
        }
    }

    fn unreadable(&self, error: &io::Error) -> Diagnostic {
        let named = match self.named {
            true => format!("{} names a file that ", self.flag),
            false => String::new(),
        };
        let problem = problem(format!("{named}cannot be read: {}", reason(error))).at(Place {
            file: self.shown.clone(),
            line: None,
            column: None,
        });
        match error.kind() {
            ErrorKind::NotFound => {
                problem.help(format!("check the path, or leave {} out", self.flag))
            }
            ErrorKind::InvalidData => problem.help("save the file as UTF-8"),
            ErrorKind::InvalidInput | ErrorKind::TimedOut | ErrorKind::FileTooLarge => {
                problem.help("put a file in its place, or a link to one")
            }
            _ => problem,
        }
    }
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "no such file".to_owned(),
        ErrorKind::InvalidData => "it is not UTF-8 text".to_owned(),
        _ => error.to_string(),
    }
}
