//! Where a value came from, kept beside the value so that every message can say it.
//!
//! Never holds the value's text: an origin can be printed anywhere.

use std::fmt;
use std::path::{Path, PathBuf};

/// Where a value came from, highest precedence first.
///
/// Paths are relative to the project root when they lie inside it, absolute otherwise:
/// `root.join(path)` opens the file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// A flag of the command line, with its dashes: `--database`.
    Flag(&'static str),
    /// A variable of the process environment.
    Environment(&'static str),
    /// A variable of the `.env` file.
    DotEnv {
        /// The file.
        path: PathBuf,
        /// The line that the variable starts on, from 1.
        line: u32,
        /// The variable.
        name: &'static str,
    },
    /// A key of `config.toml`.
    Toml {
        /// The file.
        path: PathBuf,
        /// The line of the key, from 1.
        line: u32,
        /// The column of the key in characters, from 1.
        column: u32,
        /// Table and key as people write them: `[local] path`.
        key: &'static str,
    },
    /// Nothing set it.
    Default,
}

impl Origin {
    /// The name that was set, without the file that set it: `--database`, `TURSO_DATABASE_URL`,
    /// `[local] path`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Flag(name) | Self::Environment(name) | Self::DotEnv { name, .. } => name,
            Self::Toml { key, .. } => key,
            Self::Default => "default",
        }
    }

    /// Whether it was typed for this one command.
    pub fn is_flag(&self) -> bool {
        matches!(self, Self::Flag(_))
    }

    /// The place in a file, for an origin that is one.
    pub fn place(&self) -> Option<Place> {
        match self {
            Self::DotEnv { path, line, .. } => Some(Place {
                file: path.clone(),
                line: Some(*line),
                column: None,
            }),
            Self::Toml {
                path, line, column, ..
            } => Some(Place {
                file: path.clone(),
                line: Some(*line),
                column: Some(*column),
            }),
            Self::Flag(_) | Self::Environment(_) | Self::Default => None,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => f.write_str(name),
            Self::Environment(name) => write!(f, "{name} from the environment"),
            Self::DotEnv { path, name, .. } => write!(f, "{name} from {}", path.display()),
            Self::Toml { path, key, .. } => write!(f, "{key} in {}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A place in a configuration file. `root.join(file)` opens it, as for [`Origin`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; none where the whole file is meant.
    pub line: Option<u32>,
    /// The column in characters, from 1; none where the whole line is meant.
    pub column: Option<u32>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(column) = self.column {
            write!(f, ":{column}")?;
        }
        Ok(())
    }
}

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Where it came from.
    pub origin: Origin,
}

impl<T> Setting<T> {
    /// A value that nothing set.
    pub fn default(value: T) -> Self {
        Self {
            value,
            origin: Origin::Default,
        }
    }

    /// A value that a flag set.
    pub fn flag(name: &'static str, value: T) -> Self {
        Self {
            value,
            origin: Origin::Flag(name),
        }
    }

    /// The same origin with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Setting<U> {
        Setting {
            value: change(self.value),
            origin: self.origin,
        }
    }

    /// The same origin with a value made from this one, or the reason that it cannot be.
    pub(super) fn try_map<U, E>(
        self,
        change: impl FnOnce(&T) -> Result<U, E>,
    ) -> Result<Setting<U>, (Origin, E)> {
        match change(&self.value) {
            Ok(value) => Ok(Setting {
                value,
                origin: self.origin,
            }),
            Err(error) => Err((self.origin, error)),
        }
    }
}

/// `path` as people read it: relative to `root` when it lies inside, whole otherwise.
pub fn relative<'a>(root: &Path, path: &'a Path) -> &'a Path {
    match path.strip_prefix(root) {
        Ok(inside) if !inside.as_os_str().is_empty() => inside,
        _ => path,
    }
}
