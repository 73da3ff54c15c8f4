//! Configuration: flags > environment > `.env` > `config.toml` > default, each value with its origin.
//!
//! [`load`] gathers the levels, and is the only part that touches files or is given the environment
//! ([`Config::load`] gives it that of this process); [`resolve`] decides and is pure. Neither opens a
//! database or writes anything, and the process environment is never changed. The token is a [`Secret`] from the moment it is accepted; no
//! message, row or `Debug` shows it.
//!
//! # Commands with and without a database
//! All problems are found at once, but not every command is stopped by every one of them:
//! [`Resolved::config`] is for commands that open a database and fails with all problems;
//! [`Resolved::project`] is for those that open none (`check`, `new`, `renumber`, `init`) and works
//! while the database settings are missing or contradict each other; [`Resolved::rows`] shows what
//! there is in any case, beside [`Resolved::problems`].
//!
//! # Which database
//! 1. `--database` fixes the mode by its [`Form`]; a `--mode` that differs is an error.
//! 2. Else `--mode`.
//! 3. Else the switches `USE_TURSO` and `USE_EMBEDDED_REPLICA`, read together at the highest level
//!    that sets either; `[turso.local_replica] enabled` is that of `config.toml`. Both on is an error,
//!    all off is the local file.
//! 4. Else the local file.
//!
//! A `TURSO_DATABASE_URL` at a higher level than the switches that choose the local file (3), or in the
//! environment or `.env` without any switch (4), is an error: a URL that was set for a command must not
//! end in a local file without a message.
//!
//! Only what the mode uses is judged: with `--database app.db` a broken `TURSO_DATABASE_URL` does not
//! matter. Space around the value of a variable is not part of it, and an empty one is unset.

mod choose;
mod database;
mod dotenv;
mod layers;
mod lint;
mod load;
mod origin;
mod problem;
mod proxy;
mod resolve;
mod secret;
mod server;
mod show;
mod switches;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
mod token;
mod toml;
mod url;
pub mod variables;

use std::path::PathBuf;

pub use database::{Database, Mode, UnknownMode};
pub use dotenv::DotEnv;
pub use layers::{Copied, Flags, Side, Sources, TomlText, token_file};
pub use lint::Lint;
pub use load::{load, project_root};
pub use origin::{Origin, Place, Setting, relative};
pub use problem::ConfigError;
pub use resolve::{Resolved, resolve};
pub use secret::Secret;
pub use show::Row;
pub use token::{Access, Claims, Moment, claims};
pub use url::{Form, RemoteUrl, UrlError};

use crate::db::{EncryptionKey, HistoryTable};
use crate::layouts::LayoutChoice;
use crate::proxy::Proxy;

/// The settings of a command that opens a database. Paths are ready to use: joined to the working
/// folder for flags, to the root for everything else, `~/` expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The project root.
    pub root: PathBuf,
    /// The database, and what named it: the path of a local file, the URL of a remote or replica.
    pub database: Setting<Database>,
    /// The proxy that requests to the server go through.
    pub proxy: Option<Setting<Proxy>>,
    /// The key of a remote that its owner encrypts.
    pub encryption_key: Option<Setting<Secret>>,
    /// The folder of the migrations.
    pub migrations: Setting<PathBuf>,
    /// How the folder of the migrations is read; without a choice, its files tell.
    pub layout: Option<Setting<LayoutChoice>>,
    /// The folder of the seeds.
    pub seeds: Setting<PathBuf>,
    /// The seed environment. Named nowhere, it is `dev` on this machine (a file, memory, a loopback
    /// server) and none elsewhere.
    pub seed_env: Option<Setting<String>>,
    /// `[migrations] out_of_order`: false for all but local files, whatever the file says.
    pub out_of_order: Setting<bool>,
    /// Tables that are not the application's, beside those of known tools.
    pub ignore_tables: Setting<Vec<String>>,
    /// The table that holds the history of migrations.
    pub history_table: Setting<HistoryTable>,
    /// Backups.
    pub backup: Backup,
    /// The Turso database, as `config.toml` describes it.
    pub turso: Turso,
    /// Warnings, one line each.
    pub warnings: Vec<String>,
}

impl Config {
    /// The text of the `target:` line: `remote libsql://… (TURSO_DATABASE_URL from .env)`.
    pub fn target(&self) -> String {
        let Setting { value, origin } = &self.database;
        format!("{} {} ({origin})", value.mode(), self.database_name())
    }

    /// The name of the database in Turso's own commands: `[turso] database_name`, else the first label of the URL's host
    /// without the organization. `NAME` where neither tells.
    pub fn turso_name(&self) -> String {
        if let Some(name) = &self.turso.database_name {
            return name.value.clone();
        }
        let Some(url) = self.database.value.url() else {
            return "NAME".to_owned();
        };
        let label = url.label();
        let organization = self.turso.organization.as_ref();
        organization
            .and_then(|it| label?.strip_suffix(&format!("-{}", it.value)))
            .or(label)
            .unwrap_or("NAME")
            .to_owned()
    }

    /// The name of backups: that of the local file without its ending, the name of the database at Turso, or that of
    /// its server where only an address is known.
    pub fn backup_name(&self) -> String {
        match &self.database.value {
            Database::Local { path } => path.file_stem().map_or_else(
                || "database".to_owned(),
                |stem| stem.to_string_lossy().into_owned(),
            ),
            Database::Memory => "memory".to_owned(),
            Database::Remote { url, .. } | Database::Replica { url, .. } => {
                let is_named = url.label().is_some() && !url.is_loopback();
                match is_named || self.turso.database_name.is_some() {
                    true => self.turso_name(),
                    false => format!("{}-{}", url.host().trim_matches(['[', ']']), url.port()),
                }
            }
        }
    }

    /// The key of the database as a request carries it.
    pub fn encryption_key(&self) -> Option<EncryptionKey> {
        let key = self.encryption_key.as_ref()?;
        Some(EncryptionKey::new(key.value.expose()))
    }

    /// The token that the server is shown, where there is one.
    pub fn token(&self) -> Option<&Setting<Secret>> {
        match &self.database.value {
            Database::Local { .. } | Database::Memory => None,
            Database::Remote { token, .. } | Database::Replica { token, .. } => token.as_ref(),
        }
    }

    /// Where the database is, a path inside the root relative to it.
    pub fn database_name(&self) -> String {
        let database = &self.database.value;
        database.describe(|path| relative(&self.root, path).display().to_string())
    }
}

/// The settings of a command that opens no database. The paths are as in [`Config`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Project {
    /// The project root.
    pub root: PathBuf,
    /// The folder of the migrations.
    pub migrations: Setting<PathBuf>,
    /// The folder of the data tests: `tests` in that of the migrations, or `[migrations] tests`.
    pub data_tests: Setting<PathBuf>,
    /// `[migrations] downs_from`: `check` without a base does not try the down files of versions below this one.
    pub downs_from: Option<Setting<i64>>,
    /// How the folder of the migrations is read; without a choice, its files tell.
    pub layout: Option<Setting<LayoutChoice>>,
    /// The folder of the seeds.
    pub seeds: Setting<PathBuf>,
    /// The seed environment, if it is named.
    pub seed_env: Option<Setting<String>>,
    /// Backups.
    pub backup: Backup,
    /// The Turso database, as `config.toml` describes it.
    pub turso: Turso,
    /// The table that holds the history of migrations.
    pub history_table: Setting<HistoryTable>,
    /// `[lint]`.
    pub lint: Lint,
    /// Warnings, one line each.
    pub warnings: Vec<String>,
}

/// `[turso.backup]`, `--dir` and `--keep-days`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Backup {
    /// Whether the project wants backups; false by default.
    pub enabled: Setting<bool>,
    /// Days that a backup is kept, at least 1.
    pub retention_days: Setting<u32>,
    /// The folder of the backups.
    pub dir: Setting<PathBuf>,
}

/// The entries of `[turso]` about the database besides its URL. No connection uses them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Turso {
    /// The name of the database.
    pub database_name: Option<Setting<String>>,
    /// The organization that owns it.
    pub organization: Option<Setting<String>>,
    /// The region of the primary.
    pub primary_region: Option<Setting<String>>,
    /// The regions of its replicas.
    pub replica_regions: Option<Setting<Vec<String>>>,
}
