//! The mode by the switches `USE_TURSO`, `USE_EMBEDDED_REPLICA` and `[turso.local_replica] enabled`.
//!
//! Never the local file while a URL of a remote is set at a higher level than the switch: that is a problem.

use super::database::Mode;
use super::layers::{Layers, Level};
use super::origin::{Origin, Setting};
use super::problem::{problem, problem_with};
use super::server::{refused_url, token_origin};
use super::url::RemoteUrl;
use super::variables::{TURSO_AUTH_TOKEN, TURSO_DATABASE_URL, USE_EMBEDDED_REPLICA, USE_TURSO};
use crate::diagnostic::{Diagnostic, Location};

/// The mode by the switches of the highest level that sets either.
pub(super) fn switched(
    layers: &Layers<'_>,
    whole: bool,
    problems: &mut Vec<Diagnostic>,
) -> Option<Setting<Mode>> {
    // The URLs of the levels above the one that decides.
    let mut urls = Vec::new();
    for level in Level::ALL {
        let turso = layers.sources.at(level, USE_TURSO);
        let replica = layers.sources.at(level, USE_EMBEDDED_REPLICA);
        if turso.is_none() && replica.is_none() {
            urls.extend(layers.sources.at(level, TURSO_DATABASE_URL));
            continue;
        }
        let before = problems.len();
        let turso = turso.and_then(|text| truth(text, problems));
        let replica = replica.and_then(|text| truth(text, problems));
        if problems.len() > before {
            return None;
        }
        let on = |switch: &Option<Setting<bool>>| switch.as_ref().is_some_and(|on| on.value);
        if let (true, true, Some(turso)) = (on(&turso), on(&replica), &turso) {
            let both = format!("and {USE_EMBEDDED_REPLICA} are both on: choose one");
            problems.push(problem_with(&turso.origin, both).help(format!(
                "{USE_TURSO}=YES works on the remote itself, {USE_EMBEDDED_REPLICA}=YES on a local replica of it"
            )));
            return None;
        }
        return match (on(&turso), on(&replica)) {
            (true, _) => turso.map(|on| on.map(|_| Mode::Remote)),
            (_, true) => replica.map(|on| on.map(|_| Mode::Replica)),
            _ => {
                let off = turso.into_iter().chain(replica).map(|off| off.origin);
                local(layers, &off.collect::<Vec<_>>(), &urls, whole, problems)
            }
        };
    }
    match &layers.toml.replica_enabled {
        Some(on) if on.value => Some(on.clone().map(|_| Mode::Replica)),
        Some(off) => {
            let off = std::slice::from_ref(&off.origin);
            local(layers, off, &urls, whole, problems)
        }
        None => local(layers, &[], &urls, whole, problems),
    }
}

/// The local file, because these switches are off or none is set. `urls` are those of the levels above the switches: a
/// level decides whole, so they contradict the choice.
fn local(
    layers: &Layers<'_>,
    off: &[Origin],
    urls: &[Setting<String>],
    whole: bool,
    problems: &mut Vec<Diagnostic>,
) -> Option<Setting<Mode>> {
    let Some(url) = urls.first() else {
        return match off.first() {
            Some(origin) => Some(Setting {
                value: Mode::Local,
                origin: origin.clone(),
            }),
            None => whole.then(|| Setting::default(Mode::Local)),
        };
    };
    // A switch in a line that could not be read may decide otherwise.
    if !whole {
        return None;
    }
    let problem = match off {
        [] => problem_with(&url.origin, "is set, but nothing says whether to use it"),
        [first, rest @ ..] => {
            let switches = match rest {
                [] => format!("{first} selects"),
                [second, ..] => format!("{} and {first} select", second.name()),
            };
            let message = format!("{} is set, but {switches} the local file", url.origin);
            Diagnostic {
                location: first.place().map(Location::from),
                ..problem(message)
            }
        }
    };
    problems.push(problem.help(choices(layers, urls)));
    if let Err((origin, error)) = url.clone().try_map(|text| RemoteUrl::parse(text)) {
        problems.push(refused_url(&origin, &error));
    }
    None
}

/// How to choose a mode while these URLs are set, the one at the highest level first.
fn choices(layers: &Layers<'_>, urls: &[Setting<String>]) -> String {
    let place = |url: &Setting<String>| match &url.origin {
        Origin::DotEnv { path, .. } => format!("in {}", path.display()),
        _ => "in the environment".to_owned(),
    };
    let highest = urls.first().map(place).unwrap_or_default();
    let lower: String = urls
        .iter()
        .skip(1)
        .map(|url| format!(" and {}", place(url)))
        .collect();
    let mut choices = format!(
        "for the remote, pass `--mode remote` or set {USE_TURSO}=YES; for a local replica of it, pass `--mode replica` or set {USE_EMBEDDED_REPLICA}=YES; for the local file, pass `--mode local`, set {USE_TURSO}=NO {highest}, or unset {TURSO_DATABASE_URL} there{lower}; `--database` overrides all of these"
    );
    let needs_token =
        |url: &Setting<String>| RemoteUrl::parse(&url.value).is_ok_and(|url| !url.is_loopback());
    if token_origin(layers).is_none() && urls.first().is_some_and(needs_token) {
        choices += &format!(". The remote needs {TURSO_AUTH_TOKEN}, which is not set");
    }
    choices
}

fn truth(text: Setting<String>, problems: &mut Vec<Diagnostic>) -> Option<Setting<bool>> {
    let word = text.value.to_ascii_lowercase();
    let value = match word.as_str() {
        "yes" | "true" | "1" => true,
        "no" | "false" | "0" => false,
        _ => {
            let what = "is neither yes nor no";
            let problem =
                problem_with(&text.origin, what).help("accepted: YES or NO, true or false, 1 or 0");
            problems.push(problem);
            return None;
        }
    };
    Some(text.map(|_| value))
}
