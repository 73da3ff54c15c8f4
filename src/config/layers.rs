//! The levels that values come from, and how a level is asked: by name, highest level first.
//!
//! Reads nothing: every level is a plain value.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::database::Mode;
use super::dotenv::DotEnv;
use super::origin::{Origin, Setting};
use super::problem::problem_with;
use super::secret::Secret;
use super::toml::Toml;
use super::variables::{HOME, SEEDBED_FROM_TOKEN, SEEDBED_TO_TOKEN};
use crate::diagnostic::Diagnostic;
use crate::layouts::LayoutChoice;
use crate::setters::setters;

/// The global flags as they were given, and those of `seed` and `backup` that files can set too.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Flags {
    /// `--database`: a path or a URL, see [`Form`](super::Form).
    pub database: Option<String>,
    /// Which database of a copy that one is; none where it is `--database`.
    pub copied: Option<Copied>,
    /// `--mode`.
    pub mode: Option<Mode>,
    /// `--config`: the file to read in place of the root's `config.toml`.
    pub config: Option<PathBuf>,
    /// `--env-file`: the file to read in place of the root's `.env`.
    pub env_file: Option<PathBuf>,
    /// `--migrations`.
    pub migrations: Option<PathBuf>,
    /// `--layout`: how the folder of the migrations is read.
    pub layout: Option<LayoutChoice>,
    /// `--seeds`.
    pub seeds: Option<PathBuf>,
    /// `--replica-file`.
    pub replica_file: Option<PathBuf>,
    /// `--allow-plain-http`: a server in a private network may be reached without encryption and without a token.
    pub allow_plain_http: bool,
    /// `--ignore`: tables that are not the application's.
    pub ignore: Vec<String>,
    /// `--env`: the seed environment.
    pub env: Option<String>,
    /// `--dir` of `backup`.
    pub backup_dir: Option<PathBuf>,
    /// `--keep-days` of `backup`.
    pub keep_days: Option<u32>,
}

setters!(Flags {
    database: Option<String>,
    copied: Option<Copied>,
    mode: Option<Mode>,
    config: Option<PathBuf>,
    env_file: Option<PathBuf>,
    migrations: Option<PathBuf>,
    layout: Option<LayoutChoice>,
    seeds: Option<PathBuf>,
    replica_file: Option<PathBuf>,
    allow_plain_http: bool,
    ignore: Vec<String>,
    env: Option<String>,
    backup_dir: Option<PathBuf>,
    keep_days: Option<u32>,
});

/// One of the two databases of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// Which one.
    pub side: Side,
    /// Whether the other one is on a server too. Then a token that names no server is for neither.
    pub other_is_remote: bool,
}

/// A side of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Side {
    /// The database that is read.
    From,
    /// The database that is written.
    To,
}

impl Side {
    /// The argument that names the database.
    pub fn argument(self) -> &'static str {
        match self {
            Side::From => "FROM",
            Side::To => "TO",
        }
    }

    /// The variable that holds a token for this database alone.
    pub(super) fn token(self) -> &'static str {
        match self {
            Side::From => SEEDBED_FROM_TOKEN,
            Side::To => SEEDBED_TO_TOKEN,
        }
    }
}

impl Flags {
    /// What names the database, where a flag or argument does.
    pub(super) fn database_flag(&self) -> &'static str {
        self.copied
            .map_or("--database", |copied| copied.side.argument())
    }
}

/// All that [`resolve`](super::resolve) decides from. Has no `Debug`: it holds secrets.
#[derive(Default)]
#[non_exhaustive]
pub struct Sources {
    /// The command line.
    pub flags: Flags,
    /// The environment; only the names in [`variables`](super::variables) are looked at.
    pub env: BTreeMap<String, String>,
    /// The `.env` file, if there is one.
    pub dotenv: Option<DotEnv>,
    /// `config.toml`, if there is one.
    pub toml: Option<TomlText>,
    /// What the file that `TURSO_AUTH_TOKEN_FILE` names holds, or the rest of a sentence that starts
    /// with the variable and says why it could not be read; see [`token_file`].
    pub token_file: Option<Result<Secret, String>>,
    /// The project root: what relative paths start from, unless they come from a flag.
    pub root: PathBuf,
    /// The working folder: what relative paths of flags start from.
    pub cwd: PathBuf,
    /// What went wrong in getting all this; reported with the rest.
    pub problems: Vec<Diagnostic>,
}

setters!(Sources {
    flags: Flags,
    env: BTreeMap<String, String>,
    dotenv: Option<DotEnv>,
    toml: Option<TomlText>,
    token_file: Option<Result<Secret, String>>,
    root: PathBuf,
    cwd: PathBuf,
    problems: Vec<Diagnostic>,
});

/// The text of `config.toml`.
pub struct TomlText {
    /// How messages name the file; relative to the root when it lies inside.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

/// A level that holds variables.
#[derive(Clone, Copy)]
pub(super) enum Level {
    Environment,
    DotEnv,
}

impl Level {
    pub(super) const ALL: [Self; 2] = [Self::Environment, Self::DotEnv];
}

impl Sources {
    /// The variable at this level. Space around the value is not part of it, and an empty one is
    /// unset.
    pub(super) fn at(&self, level: Level, name: &'static str) -> Option<Setting<String>> {
        match level {
            Level::Environment => {
                let value = self.env.get(name)?.trim();
                (!value.is_empty()).then(|| Setting {
                    value: value.to_owned(),
                    origin: Origin::Environment(name),
                })
            }
            Level::DotEnv => {
                let file = self.dotenv.as_ref()?;
                let variable = file.variables.get(name)?;
                Some(Setting {
                    value: variable.value.clone(),
                    origin: Origin::DotEnv {
                        path: file.path.clone(),
                        line: variable.line,
                        name,
                    },
                })
            }
        }
    }

    /// The variable at the highest level that sets it.
    pub(super) fn variable(&self, name: &'static str) -> Option<Setting<String>> {
        Level::ALL
            .into_iter()
            .find_map(|level| self.at(level, name))
    }
}

/// What decides: the sources, `config.toml` read.
pub(super) struct Layers<'a> {
    pub(super) sources: &'a Sources,
    pub(super) toml: Toml,
}

impl Layers<'_> {
    /// A path of the first of these that is set: flag, variable, key, default.
    pub(super) fn path(
        &self,
        flag: (&'static str, Option<&PathBuf>),
        variable: Option<&'static str>,
        key: Option<&Setting<String>>,
        default: &str,
        problems: &mut Vec<Diagnostic>,
    ) -> Setting<PathBuf> {
        let given = flag
            .1
            .map(|path| Setting::flag(flag.0, path.clone()))
            .or_else(|| Some(self.sources.variable(variable?)?.map(PathBuf::from)))
            .or_else(|| Some(key?.clone().map(PathBuf::from)))
            .unwrap_or_else(|| Setting::default(PathBuf::from(default)));
        self.joined(given, problems)
    }

    /// The path ready to use. What is refused is reported, and comes back in a form that can be
    /// shown.
    pub(super) fn joined(
        &self,
        given: Setting<PathBuf>,
        problems: &mut Vec<Diagnostic>,
    ) -> Setting<PathBuf> {
        let sources = self.sources;
        let base = if given.origin.is_flag() {
            &sources.cwd
        } else {
            &sources.root
        };
        match join(base, sources.env.get(HOME), &given.value) {
            Ok(value) => Setting { value, ..given },
            Err(refused) => {
                let problem = problem_with(&given.origin, refused.why).help(refused.help);
                problems.push(problem);
                given.map(|_| PathBuf::from("***"))
            }
        }
    }
}

struct Refused {
    why: &'static str,
    help: &'static str,
}

fn join(base: &Path, home: Option<&String>, path: &Path) -> Result<PathBuf, Refused> {
    if path.as_os_str().is_empty() {
        return Err(Refused {
            why: "is empty",
            help: "leave it out to have the default",
        });
    }
    let text = path.to_string_lossy();
    if text.contains("://") {
        return Err(Refused {
            why: "holds a URL where a path is expected",
            help: "the URL of a remote goes into TURSO_DATABASE_URL, with USE_TURSO=YES or USE_EMBEDDED_REPLICA=YES",
        });
    }
    let joined = match (path.strip_prefix("~"), home) {
        (Ok(inside), Some(home)) if !home.is_empty() => Path::new(home).join(inside),
        (Ok(_), _) => {
            return Err(Refused {
                why: "starts with ~, but the environment names no home folder",
                help: "write the whole path",
            });
        }
        // To a shell, `~name/file` is in the home folder of a user.
        (Err(_), _) if text.starts_with('~') && path.components().count() > 1 => {
            return Err(Refused {
                why: "starts with the home folder of a named user, which is not looked up",
                help: "write the whole path, or ~/ for your own",
            });
        }
        (Err(_), _) => base.join(path),
    };
    // Without the `.` of `./app.db`; `..` stays, as it may lead out of a symbolic link.
    Ok(joined.components().collect())
}

/// The file that holds the token, if it is to be read: the caller of [`resolve`](super::resolve)
/// reads it into [`Sources::token_file`].
pub fn token_file(sources: &Sources) -> Option<PathBuf> {
    use super::variables::{TURSO_AUTH_TOKEN, TURSO_AUTH_TOKEN_FILE};
    for level in Level::ALL {
        let direct = sources.at(level, TURSO_AUTH_TOKEN);
        let file = sources.at(level, TURSO_AUTH_TOKEN_FILE);
        match (direct, file) {
            (None, None) => {}
            (None, Some(file)) => {
                let home = sources.env.get(HOME);
                return join(&sources.root, home, Path::new(&file.value)).ok();
            }
            (Some(_), _) => return None,
        }
    }
    None
}
