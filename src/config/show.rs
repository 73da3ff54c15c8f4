//! The configuration as rows of text: each setting, its value, where it came from.
//!
//! The token is shown as `***`, and so is text that was refused: it may hold one.

use std::path::PathBuf;

use super::database::Mode;
use super::origin::{Origin, Setting, relative};
use super::resolve::Resolved;
use crate::db::HistoryTable;

/// One line of `config`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Row {
    /// The setting: `migrations`.
    pub name: &'static str,
    /// The value; `-` for none, `***` for a secret.
    pub value: String,
    /// Where it came from: `[migrations] dir in config.toml`; empty for what nobody sets.
    pub origin: String,
}

impl Resolved {
    /// Every setting, whether the configuration holds or not, whether the mode uses it or not.
    pub fn rows(&self) -> Vec<Row> {
        let project = &self.project;
        let shown = &self.shown;
        let path = |path: &PathBuf| relative(&project.root, path).display().to_string();
        let file = |file: &Option<PathBuf>| file.as_ref().map_or("-".to_owned(), &path);
        let database = self
            .database
            .as_ref()
            .map(|database| database.clone().map(|it| it.describe(path)));
        let local = self
            .mode
            .as_ref()
            .is_some_and(|mode| mode.value == Mode::Local);
        vec![
            fact("root", project.root.display().to_string()),
            fact("config file", file(&shown.config)),
            fact("env file", file(&shown.env_file)),
            decided("mode", self.mode.as_ref(), Mode::to_string),
            decided("database", database.as_ref(), String::clone),
            row("local file", &shown.local_file, path),
            optional("remote url", shown.url.as_ref(), |url| {
                url.as_ref().map_or("***".to_owned(), ToString::to_string)
            }),
            secret("token", shown.token.as_ref()),
            secret("encryption key", shown.encryption_key.as_ref()),
            row("allow plain http", &shown.allow_plain_http, bool::to_string),
            optional("proxy", self.proxy.as_ref(), |proxy| {
                proxy
                    .as_ref()
                    .map_or("none".to_owned(), ToString::to_string)
            }),
            row("replica file", &shown.replica_file, path),
            optional("sync interval", shown.sync_interval.as_ref(), |every| {
                format!("{} s", every.as_secs())
            }),
            row("migrations", &project.migrations, path),
            row("data tests", &project.data_tests, path),
            row_or(
                "layout",
                project.layout.as_ref(),
                "found by the files",
                |choice| choice.name().to_owned(),
            ),
            row("out of order", &self.out_of_order, |on| match (on, local) {
                (true, false) => "true, on local files only".to_owned(),
                _ => on.to_string(),
            }),
            optional("downs from", project.downs_from.as_ref(), i64::to_string),
            row(
                "ignore tables",
                &self.ignore_tables,
                |tables| match tables.as_slice() {
                    [] => "those of known tools".to_owned(),
                    tables => tables.join(", "),
                },
            ),
            row(
                "history table",
                &project.history_table,
                HistoryTable::to_string,
            ),
            row_or(
                "lint runner",
                project.lint.runner.as_ref(),
                "that of the layout",
                |it| it.word().to_owned(),
            ),
            row_or(
                "lint target",
                project.lint.target.as_ref(),
                "that of the settings",
                |it| it.word().to_owned(),
            ),
            row("lint severities", &project.lint.levels, |levels| {
                let changed = levels.iter();
                let changed = changed.map(|(code, level)| format!("{code} = {}", level.word()));
                match levels.is_empty() {
                    true => "those of the rules".to_owned(),
                    false => changed.collect::<Vec<_>>().join(", "),
                }
            }),
            row("seeds", &project.seeds, path),
            self.seed_env_row(),
            row("backup", &project.backup.enabled, bool::to_string),
            row("backup dir", &project.backup.dir, path),
            row(
                "backup days",
                &project.backup.retention_days,
                u32::to_string,
            ),
            optional(
                "turso database",
                project.turso.database_name.as_ref(),
                String::clone,
            ),
            optional(
                "turso organization",
                project.turso.organization.as_ref(),
                String::clone,
            ),
            optional(
                "turso region",
                project.turso.primary_region.as_ref(),
                String::clone,
            ),
            optional(
                "turso replicas",
                project.turso.replica_regions.as_ref(),
                |regions| regions.join(", "),
            ),
        ]
    }

    fn seed_env_row(&self) -> Row {
        let here = |database: &Setting<super::Database>| database.value.is_on_this_machine();
        let default = self.database.as_ref().is_some_and(here);
        let default = default.then(|| Setting::default("dev".to_owned()));
        let named = self.project.seed_env.clone().or(default);
        optional("seed environment", named.as_ref(), String::clone)
    }
}

fn row<T>(name: &'static str, setting: &Setting<T>, text: impl Fn(&T) -> String) -> Row {
    Row {
        name,
        value: text(&setting.value),
        origin: setting.origin.to_string(),
    }
}

/// A setting, or the words for what holds without it.
fn row_or<T>(
    name: &'static str,
    setting: Option<&Setting<T>>,
    without: &str,
    text: impl Fn(&T) -> String,
) -> Row {
    match setting {
        Some(setting) => row(name, setting, text),
        None => row(name, &Setting::default(()), |()| without.to_owned()),
    }
}

fn optional<T>(
    name: &'static str,
    setting: Option<&Setting<T>>,
    text: impl Fn(&T) -> String,
) -> Row {
    match setting {
        Some(setting) => row(name, setting, text),
        None => row(name, &Setting::default(()), |()| "-".to_owned()),
    }
}

/// A setting that always has a value, unless a problem stands in the way.
fn decided<T>(
    name: &'static str,
    setting: Option<&Setting<T>>,
    text: impl Fn(&T) -> String,
) -> Row {
    match setting {
        Some(setting) => row(name, setting, text),
        None => fact(name, "-".to_owned()),
    }
}

fn secret(name: &'static str, set: Option<&Origin>) -> Row {
    Row {
        name,
        value: set.map_or("-", |_| "***").to_owned(),
        origin: set.unwrap_or(&Origin::Default).to_string(),
    }
}

fn fact(name: &'static str, value: String) -> Row {
    Row {
        name,
        value,
        origin: String::new(),
    }
}
