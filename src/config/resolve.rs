//! The levels to one configuration, and every problem on the way at once.
//!
//! Pure: no file, no environment, no clock. [`load`](super::load) gathers what this decides from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::choose::{self, Choice, choose};
use super::database::{Database, Mode};
use super::layers::{Flags, Layers, Sources};
use super::origin::{Origin, Setting, relative};
use super::problem::{ConfigError, problem, problem_with};
use super::proxy::proxy;
use super::secret::Secret;
use super::server;
use super::toml::{self, Toml};
use super::url::RemoteUrl;
use super::variables::{DATABASE_URL, SEEDBED_ENV};
use super::{Backup, Config, Project, Turso};
use crate::db::HistoryTable;
use crate::diagnostic::Diagnostic;
use crate::proxy::Proxy;

/// What the levels say, good or bad: ask it for what the command needs.
///
/// - [`config`](Self::config) for a command that opens a database,
/// - [`project`](Self::project) for one that opens none and must work whatever the database
///   settings are,
/// - [`rows`](Self::rows) and [`problems`](Self::problems) to show all of it.
#[derive(Debug, Clone)]
pub struct Resolved {
    pub(super) project: Project,
    pub(super) mode: Option<Setting<Mode>>,
    pub(super) database: Option<Setting<Database>>,
    /// The inner `None`: a variable says that there is none.
    pub(super) proxy: Option<Setting<Option<Proxy>>>,
    pub(super) encryption_key: Option<Setting<Secret>>,
    pub(super) out_of_order: Setting<bool>,
    pub(super) ignore_tables: Setting<Vec<String>>,
    /// What `.env` sets beside our settings.
    others: Others,
    /// What the modes would use, for showing only.
    pub(super) shown: Shown,
    /// Of files and of all that needs no database.
    problems: Vec<Diagnostic>,
    database_problems: Vec<Diagnostic>,
}

/// Values that may belong to modes that were not chosen.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    pub(super) config: Option<PathBuf>,
    pub(super) env_file: Option<PathBuf>,
    pub(super) local_file: Setting<PathBuf>,
    /// The inner `None`: what was set is no URL.
    pub(super) url: Option<Setting<Option<RemoteUrl>>>,
    pub(super) token: Option<Origin>,
    pub(super) encryption_key: Option<Origin>,
    pub(super) replica_file: Setting<PathBuf>,
    pub(super) sync_interval: Option<Setting<Duration>>,
    pub(super) allow_plain_http: Setting<bool>,
}

/// Variables of the project's own, which may be secrets.
#[derive(Clone, Default)]
struct Others(BTreeMap<String, String>);

impl std::fmt::Debug for Others {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Resolved {
    /// What `.env` sets beside our settings, for seeds that name a variable. They may be secrets.
    pub fn others(&self) -> &BTreeMap<String, String> {
        &self.others.0
    }

    /// The configuration of a command that opens a database.
    ///
    /// # Errors
    /// Every problem: of files, of settings, of the database.
    pub fn config(&self) -> Result<Config, ConfigError> {
        let all = self.problems().into_iter().cloned().collect();
        ConfigError::unless_empty(all)?;
        let Some(database) = self.database.clone() else {
            // There is no database only where there is a problem.
            let problem = problem("the settings name no database");
            return Err(ConfigError::one(problem));
        };
        let Project {
            root,
            migrations,
            layout,
            // No command that opens a database asks for these.
            data_tests: _,
            downs_from: _,
            seeds,
            seed_env,
            backup,
            turso,
            history_table,
            lint: _,
            warnings,
        } = self.project.clone();
        let here = database.value.is_on_this_machine();
        let dev = || here.then(|| Setting::default("dev".to_owned()));
        let out_of_order = match database.value.mode() {
            Mode::Local => self.out_of_order.clone(),
            Mode::Memory | Mode::Remote | Mode::Replica => Setting::default(false),
        };
        let proxy = self.proxy.clone().and_then(|Setting { value, origin }| {
            let value = value?;
            Some(Setting { value, origin })
        });
        Ok(Config {
            root,
            database,
            proxy,
            encryption_key: self.encryption_key.clone(),
            migrations,
            layout,
            seeds,
            seed_env: seed_env.or_else(dev),
            out_of_order,
            ignore_tables: self.ignore_tables.clone(),
            history_table,
            backup,
            turso,
            warnings,
        })
    }

    /// The configuration of a command that opens no database: the database settings may be missing
    /// or contradict each other.
    ///
    /// # Errors
    /// The problems of files and of the settings in [`Project`].
    pub fn project(&self) -> Result<Project, ConfigError> {
        ConfigError::unless_empty(self.problems.clone())?;
        Ok(self.project.clone())
    }

    /// The file of the local database, whatever the mode is.
    pub fn local_file(&self) -> &Path {
        &self.shown.local_file.value
    }

    /// The file of the replica, whatever the mode is.
    pub fn replica_file(&self) -> &Path {
        &self.shown.replica_file.value
    }

    /// Whether the settings name a server, whatever the mode is.
    pub fn name_a_server(&self) -> bool {
        let mode = self.mode.as_ref().map(|mode| mode.value);
        self.shown.url.is_some() || matches!(mode, Some(Mode::Remote | Mode::Replica))
    }

    /// Whether the URL of the server begins with `turso://`, the scheme of both engines.
    pub fn name_turso(&self) -> bool {
        let url = self.shown.url.as_ref().and_then(|url| url.value.as_ref());
        url.is_some_and(RemoteUrl::is_turso)
    }

    /// Every problem: those of files and plain settings, then those of the database.
    pub fn problems(&self) -> Vec<&Diagnostic> {
        self.problems
            .iter()
            .chain(&self.database_problems)
            .collect()
    }

    /// What is odd and holds nevertheless.
    pub fn warnings(&self) -> &[String] {
        &self.project.warnings
    }
}

/// Decides every setting. Never fails: what is wrong waits in the answer for the command that
/// needs it.
pub fn resolve(sources: &Sources) -> Resolved {
    let mut problems = sources.problems.clone();
    let mut warnings = Vec::new();
    if let Some(file) = &sources.dotenv {
        problems.extend(file.problems.iter().cloned());
    }
    let toml = match &sources.toml {
        None => Toml::default(),
        Some(file) => {
            let read = toml::read(&file.path, &file.text);
            problems.extend(read.problems);
            warnings.extend(read.warnings);
            read.toml
        }
    };
    let whole = problems.is_empty();
    let layers = Layers { sources, toml };

    let flags = &sources.flags;
    let (migrations, seeds) = directories(&layers, flags, &mut problems);
    let data_tests = data_tests(&layers, &migrations.value, &mut problems);
    let seed_env = seed_env(&layers, flags, &mut problems);
    let backup = backup(&layers, flags, &mut problems);
    let mut choice = choose(&layers, whole);
    warnings.extend(unused(sources, &choice));
    let url = choice.database.as_ref().and_then(|it| it.value.url());
    let proxy = match url.map_or(Ok(None), |url| proxy(sources, url)) {
        Ok(proxy) => proxy,
        Err(problem) => {
            choice.problems.push(*problem);
            None
        }
    };
    warnings.extend(around(&choice, proxy.as_ref()));
    let encryption_key = match url.map_or(Ok(None), |url| server::encryption_key(&layers, url)) {
        Ok(key) => key,
        Err(problem) => {
            choice.problems.push(*problem);
            None
        }
    };

    let shown = shown(&layers);
    // The flag adds to the file, so that each help that names a table works.
    let configured = layers.toml.ignore_tables.clone();
    let ignored = match flags.ignore.as_slice() {
        [] => configured,
        names => {
            let mut all = configured.map(|it| it.value).unwrap_or_default();
            all.extend_from_slice(names);
            Some(Setting::flag("--ignore", all))
        }
    };
    let layout = match flags.layout {
        Some(choice) => Some(Setting::flag("--layout", choice)),
        None => layers.toml.layout.clone(),
    };
    let Toml {
        out_of_order,
        downs_from,
        history_table,
        database_name,
        organization,
        primary_region,
        replica_regions,
        lint,
        ..
    } = layers.toml;
    Resolved {
        project: Project {
            root: sources.root.clone(),
            migrations,
            data_tests,
            layout,
            downs_from,
            seeds,
            seed_env,
            backup,
            turso: Turso {
                database_name,
                organization,
                primary_region,
                replica_regions,
            },
            history_table: history_table.unwrap_or(Setting::default(HistoryTable::default())),
            lint,
            warnings,
        },
        mode: choice.mode,
        database: choice.database,
        proxy,
        encryption_key,
        out_of_order: out_of_order.unwrap_or(Setting::default(false)),
        ignore_tables: ignored.unwrap_or(Setting::default(Vec::new())),
        others: Others(match &sources.dotenv {
            Some(file) => file.others.clone(),
            None => BTreeMap::new(),
        }),
        shown,
        problems,
        database_problems: choice.problems,
    }
}

fn directories(
    layers: &Layers<'_>,
    flags: &Flags,
    problems: &mut Vec<Diagnostic>,
) -> (Setting<PathBuf>, Setting<PathBuf>) {
    let migrations = layers.path(
        ("--migrations", flags.migrations.as_ref()),
        None,
        layers.toml.migrations_dir.as_ref(),
        "migrations",
        problems,
    );
    let seeds = layers.path(
        ("--seeds", flags.seeds.as_ref()),
        None,
        layers.toml.seeds_dir.as_ref(),
        "seeds",
        problems,
    );
    (migrations, seeds)
}

/// The folder of the data tests. The folder of the migrations has one for them, so that no command takes a test for a
/// migration: elsewhere in it they cannot be.
fn data_tests(
    layers: &Layers<'_>,
    migrations: &Path,
    problems: &mut Vec<Diagnostic>,
) -> Setting<PathBuf> {
    let default = migrations.join("tests");
    let Some(named) = layers.toml.tests_dir.clone() else {
        return Setting::default(default);
    };
    let folder = layers.joined(named.map(PathBuf::from), problems);
    if folder.value != default
        && (folder.value.starts_with(migrations) || migrations.starts_with(&folder.value))
    {
        problems.push(
            problem_with(
                &folder.origin,
                "puts the data tests and the migrations into one folder",
            )
            .help("name a folder beside that of the migrations, or leave it out: the default is the folder `tests` in it"),
        );
    }
    folder
}

/// The seed environment, if a setting names one; it is also the name of a folder.
fn seed_env(
    layers: &Layers<'_>,
    flags: &Flags,
    problems: &mut Vec<Diagnostic>,
) -> Option<Setting<String>> {
    let flag = flags.env.clone().map(|name| Setting::flag("--env", name));
    let named = flag
        .or_else(|| layers.sources.variable(SEEDBED_ENV))
        .or_else(|| layers.toml.seeds_env.clone())?;
    let is_name = named.value.starts_with(|c: char| c.is_ascii_alphanumeric())
        && named
            .value
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if !is_name {
        problems.push(
            problem_with(&named.origin, "is no name of a seed environment")
                .help("letters, digits, `-`, `_` and `.`, as in dev, test or prod"),
        );
    }
    Some(named)
}

fn backup(layers: &Layers<'_>, flags: &Flags, problems: &mut Vec<Diagnostic>) -> Backup {
    let days = match flags.keep_days {
        Some(0) => {
            let problem = problem("--keep-days is not a whole number from 1")
                .help("the newest good backup is kept whatever its age");
            problems.push(problem);
            None
        }
        Some(days) => Some(Setting::flag("--keep-days", days)),
        None => None,
    };
    let toml = &layers.toml;
    Backup {
        enabled: toml
            .backup_enabled
            .clone()
            .unwrap_or(Setting::default(false)),
        retention_days: days
            .or_else(|| toml.backup_days.clone())
            .unwrap_or(Setting::default(30)),
        dir: layers.path(
            ("--dir", flags.backup_dir.as_ref()),
            None,
            toml.backup_dir.as_ref(),
            "backups",
            problems,
        ),
    }
}

/// Warnings of what was given and has no effect.
fn unused(sources: &Sources, choice: &Choice) -> Vec<String> {
    let mut warnings = Vec::new();
    let is_used = |url: &Setting<String>| {
        choose::named_file(sources).is_some_and(|file| file.origin == url.origin)
    };
    if let Some(url) = sources.variable(DATABASE_URL)
        && !is_used(&url)
    {
        let why = match choose::names_a_file(&url.value) {
            true => "DATABASE_FILE names the file",
            false => "to choose a file, set DATABASE_FILE, and for a server TURSO_DATABASE_URL",
        };
        warnings.push(format!("{} is not used: {why}", url.origin));
    }
    if let (Some(_), Some(mode)) = (&sources.flags.replica_file, &choice.mode)
        && mode.value != Mode::Replica
    {
        let Setting { value, origin } = mode;
        warnings.push(format!(
            "--replica-file is not used: the mode is {value} ({origin})"
        ));
    }
    warnings
}

/// The warning of a proxy that a sync cannot use.
fn around(choice: &Choice, proxy: Option<&Setting<Option<Proxy>>>) -> Option<String> {
    let Setting {
        value: Some(proxy),
        origin,
    } = proxy?
    else {
        return None;
    };
    let is_replica = choice.mode.as_ref()?.value == Mode::Replica;
    (is_replica && !proxy.is_plain_http()).then(|| {
        format!(
            "a sync of the replica goes around the proxy {proxy} ({origin}): it can use http:// proxies only"
        )
    })
}

fn shown(layers: &Layers<'_>) -> Shown {
    // Problems of modes that were not chosen do not matter.
    let mut unheard = Vec::new();
    let sources = layers.sources;
    let short = |path: &PathBuf| relative(&sources.root, path).to_owned();
    Shown {
        config: sources.toml.as_ref().map(|file| short(&file.path)),
        env_file: sources.dotenv.as_ref().map(|file| short(&file.path)),
        local_file: choose::local_file(layers, &mut unheard),
        url: server::url_text(layers).map(|text| text.map(|text| RemoteUrl::parse(&text).ok())),
        token: server::token_origin(layers),
        encryption_key: server::encryption_key_origin(layers),
        replica_file: choose::replica_file(layers, &mut unheard),
        sync_interval: layers.toml.sync_interval.clone(),
        allow_plain_http: server::allow_plain_http(layers),
    }
}
