//! The server of the settings: its URL, and the token and the key that it is shown. Pure.
//!
//! A token has an owner: it is never sent to another server than the one it is configured for, and never over a
//! connection that others could read.

use std::path::PathBuf;

use super::database::Mode;
use super::layers::{Copied, Layers, Level, Side};
use super::origin::{Origin, Setting};
use super::problem::{problem, problem_with};
use super::secret::Secret;
use super::url::{RemoteUrl, UrlError};
use super::variables::{
    SEEDBED_FROM_TOKEN, SEEDBED_TO_TOKEN, TURSO_AUTH_TOKEN, TURSO_AUTH_TOKEN_FILE,
    TURSO_DATABASE_URL, TURSO_DB_REMOTE_ENCRYPTION_KEY,
};
use crate::diagnostic::Diagnostic;

/// The URL of the remote as it was set, unread.
pub(super) fn url_text(layers: &Layers<'_>) -> Option<Setting<String>> {
    let variable = layers.sources.variable(TURSO_DATABASE_URL);
    variable.or_else(|| layers.toml.database_url.clone())
}

/// The server that the mode needs; what is wrong with its URL is a problem.
pub(super) fn url(
    layers: &Layers<'_>,
    mode: &Setting<Mode>,
    whole: bool,
    problems: &mut Vec<Diagnostic>,
) -> Option<Setting<RemoteUrl>> {
    let Some(text) = url_text(layers) else {
        if whole {
            let (mode, origin) = (mode.value, &mode.origin);
            let must = format!("{TURSO_DATABASE_URL} must be set: the mode is {mode} ({origin})");
            let mut help = "set it in the environment or .env, or [turso] database_url in config.toml; `turso db show NAME --url` prints it".to_owned();
            if token_origin(layers).is_none() {
                help += &format!(". {TURSO_AUTH_TOKEN} is not set either");
            }
            problems.push(problem(must).help(help));
        }
        return None;
    };
    match text.try_map(|text| RemoteUrl::parse(text)) {
        Ok(url) => Some(url),
        Err((origin, error)) => {
            problems.push(refused_url(&origin, &error));
            None
        }
    }
}

/// The problem of a URL that cannot be read.
pub(super) fn refused_url(origin: &Origin, error: &UrlError) -> Diagnostic {
    problem_with(origin, error).help(error.help())
}

/// The token for this server: `None` is a problem, `Some(None)` that it needs none.
pub(super) fn token(
    layers: &Layers<'_>,
    url: &RemoteUrl,
    whole: bool,
    problems: &mut Vec<Diagnostic>,
) -> Option<Option<Setting<Secret>>> {
    let found = match layers.sources.flags.copied {
        None => token_text(layers),
        Some(copied) => token_of_side(layers, copied, url),
    };
    let Some(token) = found else {
        let is_plain = !url.is_encrypted() && url.may_be_private();
        if url.is_loopback() || (is_plain && allow_plain_http(layers).value) {
            return Some(None);
        }
        if let Some(Copied { side, .. }) = layers.sources.flags.copied {
            if whole {
                problems.push(no_token_of_side(layers, side, url));
            }
            return None;
        }
        if whole {
            problems.push(match url.is_encrypted() {
                true => problem(format!("{TURSO_AUTH_TOKEN} must be set for {url}")).help(format!(
                    "set it in the environment or .env, or name a file that holds it in {TURSO_AUTH_TOKEN_FILE}; `turso db tokens create NAME` makes one"
                )),
                false => {
                    let why = match is_plain {
                        true => "which has to be allowed",
                        false => "and it is in no private network",
                    };
                    problem(format!("{url} is reached without encryption, {why}"))
                        .help(without_tls(url))
                }
            });
        }
        return None;
    };
    match token.and_then(|token| usable(token, url)) {
        Ok(token) => Some(Some(token)),
        Err(problem) => {
            problems.push(*problem);
            None
        }
    }
}

/// What to write for a server that is reached without encryption.
fn without_tls(url: &RemoteUrl) -> String {
    let encrypted = "use https:// or libsql://";
    match url.may_be_private() {
        true => format!(
            "{encrypted}; or, for a server in a private network that needs no token, leave {TURSO_AUTH_TOKEN} unset and \
             pass `--allow-plain-http`, or set `allow_plain_http = true` in [turso] of config.toml"
        ),
        false => encrypted.to_owned(),
    }
}

/// Whether a server in a private network may be reached without encryption and without a token.
pub(super) fn allow_plain_http(layers: &Layers<'_>) -> Setting<bool> {
    if layers.sources.flags.allow_plain_http {
        return Setting::flag("--allow-plain-http", true);
    }
    let toml = layers.toml.allow_plain_http.clone();
    toml.unwrap_or(Setting::default(false))
}

/// The token for a database of a copy: its own, or the configured one where that belongs to this server. Without a
/// configured URL it belongs to the only server that the command names.
fn token_of_side(
    layers: &Layers<'_>,
    copied: Copied,
    url: &RemoteUrl,
) -> Option<Result<Setting<String>, Box<Diagnostic>>> {
    if let Some(token) = layers.sources.variable(copied.side.token()) {
        return Some(Ok(token));
    }
    token_text(layers).filter(|_| is_its_own(layers, copied, url))
}

/// Whether what is configured for a server is for this one of the two databases of a copy.
fn is_its_own(layers: &Layers<'_>, copied: Copied, url: &RemoteUrl) -> bool {
    match url_text(layers) {
        Some(text) => RemoteUrl::parse(&text.value).is_ok_and(|owner| owner.is_same_server(url)),
        None => !copied.other_is_remote,
    }
}

fn no_token_of_side(layers: &Layers<'_>, side: Side, url: &RemoteUrl) -> Diagnostic {
    let name = side.token();
    let set = "set it in the environment or .env; `turso db tokens create NAME` makes one";
    let diagnostic = problem(format!("{name} must be set for {url}"));
    match (token_origin(layers), url_text(layers)) {
        (None, _) => diagnostic.help(set),
        (Some(token), Some(owner)) => diagnostic.help(format!(
            "{set}. {} is for the server of {}, and is sent to no other",
            token.name(),
            owner.origin.name()
        )),
        (Some(token), None) => diagnostic.help(format!(
            "{set}. {} does not say which of the two servers it is for: set {TURSO_DATABASE_URL} to the URL of that server, \
             or {SEEDBED_FROM_TOKEN} and {SEEDBED_TO_TOKEN} instead",
            token.name()
        )),
    }
}

/// The token of the highest level that sets it or its file.
fn token_text(layers: &Layers<'_>) -> Option<Result<Setting<String>, Box<Diagnostic>>> {
    let sources = layers.sources;
    Level::ALL.into_iter().find_map(|level| {
        let direct = sources.at(level, TURSO_AUTH_TOKEN);
        let file = sources.at(level, TURSO_AUTH_TOKEN_FILE);
        match (direct, file) {
            (None, None) => None,
            (Some(direct), None) => Some(Ok(direct)),
            (Some(direct), Some(_)) => {
                let both = format!("and {TURSO_AUTH_TOKEN_FILE} are both set: choose one");
                let problem = problem_with(&direct.origin, both);
                Some(Err(Box::new(problem.help("leave one of the two out"))))
            }
            (None, Some(file)) => Some(match &sources.token_file {
                Some(Ok(token)) => Ok(file.map(|_| token.expose().to_owned())),
                Some(Err(why)) => Err(Box::new(problem_with(&file.origin, why))),
                None => {
                    // The path itself is why it was not read, if anything is.
                    let mut why = Vec::new();
                    layers.joined(file.clone().map(PathBuf::from), &mut why);
                    let unread = || problem_with(&file.origin, "names a file that was not read");
                    Err(Box::new(why.pop().unwrap_or_else(unread)))
                }
            }),
        }
    })
}

/// Where a token is set, for showing that it is.
pub(super) fn token_origin(layers: &Layers<'_>) -> Option<Origin> {
    Level::ALL.into_iter().find_map(|level| {
        let direct = layers.sources.at(level, TURSO_AUTH_TOKEN);
        let file = || layers.sources.at(level, TURSO_AUTH_TOKEN_FILE);
        Some(direct.or_else(file)?.origin)
    })
}

/// A token that can stand in an HTTP header and may be sent to this server.
fn usable(token: Setting<String>, url: &RemoteUrl) -> Result<Setting<Secret>, Box<Diagnostic>> {
    let origin = &token.origin;
    let text = token.value.trim();
    let refuse = |what: &str, help: &str| Err(Box::new(problem_with(origin, what).help(help)));
    if text.is_empty() {
        return refuse("holds no token", "`turso db tokens create NAME` makes one");
    }
    if text.starts_with(['"', '\'']) {
        return refuse(
            "holds a token with quotes around it",
            "take the quotes away",
        );
    }
    if !text.chars().all(|c| c.is_ascii_graphic()) {
        return refuse(
            "holds a space, a line break or another character that no token has",
            "set the token alone, without `Bearer` before it",
        );
    }
    if !url.is_encrypted() && !url.is_loopback() {
        return refuse(
            &format!("is not sent to {url} over plain http, where anyone on the way could read it"),
            &without_tls(url),
        );
    }
    let secret = Secret::new(text);
    Ok(token.map(|_| secret))
}

/// The key of a remote that its owner encrypts. For a copy it goes to the server that the configuration names, or to the
/// only one that the command names.
pub(super) fn encryption_key(
    layers: &Layers<'_>,
    url: &RemoteUrl,
) -> Result<Option<Setting<Secret>>, Box<Diagnostic>> {
    let Some(key) = encryption_key_text(layers) else {
        return Ok(None);
    };
    if let Some(copied) = layers.sources.flags.copied
        && !is_its_own(layers, copied, url)
    {
        return Ok(None);
    }
    let refuse = |what: &str, help: &str| Err(Box::new(problem_with(&key.origin, what).help(help)));
    let text = key.value.trim();
    if !text.chars().all(|c| c.is_ascii_graphic()) || text.starts_with(['"', '\'']) {
        return refuse(
            "holds a character that no key in base64 has",
            "set the key alone, without quotes and line breaks",
        );
    }
    if !url.is_encrypted() && !url.is_loopback() {
        return refuse(
            &format!("is not sent to {url} over plain http, where anyone on the way could read it"),
            "use https:// or libsql://",
        );
    }
    let secret = Secret::new(text);
    Ok(Some(key.map(|_| secret)))
}

fn encryption_key_text(layers: &Layers<'_>) -> Option<Setting<String>> {
    let key = layers.sources.variable(TURSO_DB_REMOTE_ENCRYPTION_KEY);
    key.filter(|key| !key.value.trim().is_empty())
}

/// Where the key is set, for showing that it is.
pub(super) fn encryption_key_origin(layers: &Layers<'_>) -> Option<Origin> {
    Some(encryption_key_text(layers)?.origin)
}
