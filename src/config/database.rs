//! Which database a command is about, as plain data. Opening it is not done here.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::origin::Setting;
use super::secret::Secret;
use super::url::RemoteUrl;

/// How a database is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// A file.
    Local,
    /// The memory of this process.
    Memory,
    /// A libSQL server over HTTP.
    Remote,
    /// A local file that follows a libSQL server; writes go to the server.
    Replica,
}

impl Mode {
    /// Every mode, in the order of the manual.
    pub const ALL: [Self; 4] = [Self::Local, Self::Memory, Self::Remote, Self::Replica];

    /// The word for it on the command line and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Memory => "memory",
            Self::Remote => "remote",
            Self::Replica => "replica",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Mode {
    type Err = UnknownMode;

    fn from_str(text: &str) -> Result<Self, UnknownMode> {
        Self::ALL
            .into_iter()
            .find(|mode| mode.as_str() == text)
            .ok_or(UnknownMode)
    }
}

/// The word is no mode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected local, memory, remote or replica")]
pub struct UnknownMode;

/// The database of a command, with all that opening it needs.
///
/// `Display` is where it is, without the mode: the "database" of JSON output. `Debug` and `Display`
/// never show the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// A file.
    Local {
        /// Absolute, unless the working folder was not.
        path: PathBuf,
    },
    /// The memory of this process.
    Memory,
    /// A libSQL server.
    Remote {
        /// The server.
        url: RemoteUrl,
        /// None only where the server is this machine.
        token: Option<Setting<Secret>>,
    },
    /// A local file that follows a libSQL server.
    Replica {
        /// The local file.
        file: PathBuf,
        /// The primary, which every write reaches.
        url: RemoteUrl,
        /// None only where the primary is this machine.
        token: Option<Setting<Secret>>,
        /// How often the file follows on its own; none: only when told.
        sync_interval: Option<Duration>,
    },
}

impl Database {
    /// How it is reached.
    pub fn mode(&self) -> Mode {
        match self {
            Self::Local { .. } => Mode::Local,
            Self::Memory => Mode::Memory,
            Self::Remote { .. } => Mode::Remote,
            Self::Replica { .. } => Mode::Replica,
        }
    }

    /// The server that writes reach, where there is one.
    pub fn url(&self) -> Option<&RemoteUrl> {
        match self {
            Self::Local { .. } | Self::Memory => None,
            Self::Remote { url, .. } | Self::Replica { url, .. } => Some(url),
        }
    }

    /// Whether the server that writes reach is this machine. False without a server; see
    /// [`Database::is_on_this_machine`].
    pub fn is_loopback(&self) -> bool {
        self.url().is_some_and(RemoteUrl::is_loopback)
    }

    /// Whether writes stay on this machine: a file, memory, or a loopback server.
    pub fn is_on_this_machine(&self) -> bool {
        self.url().is_none_or(RemoteUrl::is_loopback)
    }

    /// Whether the database may be one of Turso's, which can be restored to a moment: a server elsewhere that is reached
    /// encrypted, as all of Turso's are.
    pub fn may_be_restored(&self) -> bool {
        !self.is_on_this_machine() && self.url().is_some_and(RemoteUrl::is_encrypted)
    }

    /// The same with the local file shown as `shorten` has it.
    pub(super) fn describe(&self, shorten: impl Fn(&PathBuf) -> String) -> String {
        match self {
            Self::Local { path } => shorten(path),
            Self::Memory => ":memory:".to_owned(),
            Self::Remote { url, .. } => url.to_string(),
            Self::Replica { file, url, .. } => format!("{} of {url}", shorten(file)),
        }
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe(|path| path.display().to_string()))
    }
}
