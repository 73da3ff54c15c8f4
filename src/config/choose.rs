//! Which database is meant: the mode, then the file, or the server with its token, that the mode needs.
//!
//! Only what the chosen mode uses is judged: a broken remote does not stop a local file. Nothing is
//! guessed; what does not add up is a problem.

use std::path::PathBuf;

use super::database::{Database, Mode};
use super::layers::{Layers, Level, Sources};
use super::origin::{Origin, Setting};
use super::problem::{problem, problem_with};
use super::server::{refused_url, token, url};
use super::switches::switched;
use super::url::Form;
use super::variables::{DATABASE_FILE, DATABASE_URL, EMBEDDED_REPLICA_FILE};
use crate::diagnostic::Diagnostic;

/// What was decided, as far as it could be.
#[derive(Default)]
pub(super) struct Choice {
    pub(super) mode: Option<Setting<Mode>>,
    pub(super) database: Option<Setting<Database>>,
    pub(super) problems: Vec<Diagnostic>,
}

/// Decides. `whole` is false when a file could not be read whole: then nothing is concluded from
/// what is missing.
pub(super) fn choose(layers: &Layers<'_>, whole: bool) -> Choice {
    let mut choice = Choice::default();
    let flags = &layers.sources.flags;
    let form = match &flags.database {
        None => None,
        Some(text) => match Form::parse(text) {
            Ok(form) => Some(form),
            Err(error) => {
                choice
                    .problems
                    .push(refused_url(&Origin::Flag(flags.database_flag()), &error));
                return choice;
            }
        },
    };
    let mode = match (&form, flags.mode) {
        (Some(form), Some(mode)) if mode_of(form) != mode => {
            let problem = contradiction(flags.database_flag(), mode_of(form), mode);
            choice.problems.push(problem);
            return choice;
        }
        (Some(form), _) => Some(Setting::flag(flags.database_flag(), mode_of(form))),
        (None, Some(mode)) => Some(Setting::flag("--mode", mode)),
        (None, None) => switched(layers, whole, &mut choice.problems),
    };
    let Some(mode) = mode else { return choice };
    choice.mode = Some(mode.clone());
    choice.database = match form {
        Some(form) => given(layers, form, whole, &mut choice.problems),
        None => configured(layers, &mode, whole, &mut choice.problems),
    };
    choice
}

fn mode_of(form: &Form) -> Mode {
    match form {
        Form::File(_) => Mode::Local,
        Form::Memory => Mode::Memory,
        Form::Remote(_) => Mode::Remote,
    }
}

fn contradiction(flag: &str, form: Mode, mode: Mode) -> Diagnostic {
    let help = match mode {
        _ if flag != "--database" => "leave --mode out",
        Mode::Replica => {
            "a replica takes its primary from TURSO_DATABASE_URL and its file from --replica-file: leave --database out"
        }
        Mode::Local | Mode::Memory | Mode::Remote => "leave one of the two out",
    };
    problem(format!(
        "{flag} names a {form} database, --mode says {mode}"
    ))
    .help(help)
}

/// The database that `--database` names.
fn given(
    layers: &Layers<'_>,
    form: Form,
    whole: bool,
    problems: &mut Vec<Diagnostic>,
) -> Option<Setting<Database>> {
    let flag = layers.sources.flags.database_flag();
    let database = match form {
        Form::Memory => Database::Memory,
        Form::File(path) => {
            let before = problems.len();
            let path = Setting::flag(flag, PathBuf::from(path));
            let path = layers.joined(path, problems).value;
            if problems.len() > before {
                return None;
            }
            Database::Local { path }
        }
        Form::Remote(url) => {
            let token = token(layers, &url, whole, problems)?;
            Database::Remote { url, token }
        }
    };
    Some(Setting::flag(flag, database))
}

/// The database of the mode, by all that is not `--database`.
fn configured(
    layers: &Layers<'_>,
    mode: &Setting<Mode>,
    whole: bool,
    problems: &mut Vec<Diagnostic>,
) -> Option<Setting<Database>> {
    let before = problems.len();
    let database = match mode.value {
        Mode::Memory => mode.clone().map(|_| Database::Memory),
        Mode::Local => local_file(layers, problems).map(|path| Database::Local { path }),
        Mode::Remote => {
            let url = url(layers, mode, whole, problems)?;
            let token = token(layers, &url.value, whole, problems)?;
            url.map(|url| Database::Remote { url, token })
        }
        Mode::Replica => {
            let file = replica_file(layers, problems).value;
            let url = url(layers, mode, whole, problems)?;
            let token = token(layers, &url.value, whole, problems)?;
            let sync_interval = layers.toml.sync_interval.as_ref().map(|every| every.value);
            url.map(|url| Database::Replica {
                file,
                url,
                token,
                sync_interval,
            })
        }
    };
    (problems.len() == before).then_some(database)
}

/// The local file of `DATABASE_FILE`, `[local] path` or the default.
pub(super) fn local_file(layers: &Layers<'_>, problems: &mut Vec<Diagnostic>) -> Setting<PathBuf> {
    let text = named_file(layers.sources)
        .or_else(|| layers.toml.local_path.clone())
        .unwrap_or_else(|| Setting::default("local.db".to_owned()));
    match Form::parse(&text.value) {
        Ok(Form::File(path)) => {
            let path = text.map(|_| PathBuf::from(path));
            return layers.joined(path, problems);
        }
        Ok(Form::Memory) => problems.push(
            problem_with(&text.origin, "is the path of a file, and memory is none")
                .help("pass --mode memory"),
        ),
        // A URL, good or bad, is refused where every path is.
        Ok(Form::Remote(_)) => return layers.joined(text.map(PathBuf::from), problems),
        Err(_) if text.value.contains("://") && !text.value.starts_with("file:") => {
            return layers.joined(text.map(PathBuf::from), problems);
        }
        Err(error) => problems.push(refused_url(&text.origin, &error)),
    }
    text.map(|_| PathBuf::from("***"))
}

/// The local file that the variables name: `DATABASE_FILE`, or the `DATABASE_URL` of other tools where it is that of a
/// SQLite file: a URL, or, as Diesel and Kysely have it, a path. One that cannot be read is none the less the file that was
/// meant, and refused where the path is: another file in its place would be a database that no one named.
pub(super) fn named_file(sources: &Sources) -> Option<Setting<String>> {
    Level::ALL.into_iter().find_map(|level| {
        let url = || {
            sources
                .at(level, DATABASE_URL)
                .filter(|url| names_a_file(&url.value))
        };
        sources.at(level, DATABASE_FILE).or_else(url)
    })
}

/// Whether a `DATABASE_URL` is meant to be the file of a SQLite database.
pub(super) fn names_a_file(url: &str) -> bool {
    let lower = url.trim().to_ascii_lowercase();
    let is_url = ["sqlite:", "sqlite3:", "file:"]
        .iter()
        .any(|scheme| lower.starts_with(scheme));
    let is_path = || {
        [".db", ".db3", ".sqlite", ".sqlite3"]
            .iter()
            .any(|end| lower.ends_with(end))
    };
    match Form::parse(url) {
        Ok(Form::File(_)) => is_url || is_path(),
        Ok(_) => false,
        Err(_) => is_url,
    }
}

/// The replica's local file.
pub(super) fn replica_file(
    layers: &Layers<'_>,
    problems: &mut Vec<Diagnostic>,
) -> Setting<PathBuf> {
    layers.path(
        ("--replica-file", layers.sources.flags.replica_file.as_ref()),
        Some(EMBEDDED_REPLICA_FILE),
        layers.toml.replica_file.as_ref(),
        "local_replica.db",
        problems,
    )
}
