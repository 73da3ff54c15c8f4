//! The rules of configuration, one test a rule.

mod copies;
mod files;
mod modes;
mod paths;
mod remotes;
mod secrets;
mod switches;
mod urls;

use std::collections::BTreeMap;
use std::path::PathBuf;

use expect_test::Expect;

use super::{DotEnv, Flags, Mode, Resolved, Secret, Sources, TomlText, resolve, variables};

/// One situation: project in `/app`, working folder `/app/web`, home `/home/me`.
#[derive(Default)]
struct Case<'a> {
    flags: Flags,
    env: &'a [(&'a str, &'a str)],
    dotenv: &'a str,
    toml: &'a str,
    token_file: Option<Result<&'a str, &'a str>>,
}

impl Case<'_> {
    fn resolve(&self) -> Resolved {
        let mut env = BTreeMap::from([(variables::HOME.to_owned(), "/home/me".to_owned())]);
        for (name, value) in self.env {
            env.insert((*name).to_owned(), (*value).to_owned());
        }
        resolve(&Sources {
            flags: self.flags.clone(),
            env,
            dotenv: Some(DotEnv::parse(".env", self.dotenv)),
            toml: Some(TomlText {
                path: PathBuf::from("config.toml"),
                text: self.toml.to_owned(),
            }),
            token_file: self.token_file.map(|read| match read {
                Ok(text) => Ok(Secret::new(text)),
                Err(why) => Err(why.to_owned()),
            }),
            root: PathBuf::from("/app"),
            cwd: PathBuf::from("/app/web"),
            problems: Vec::new(),
        })
    }
}

/// What a command that opens a database says of the situation: its target, or every problem.
fn check(case: &Case<'_>, expect: Expect) {
    expect.assert_eq(&said(&case.resolve()));
}

fn said(resolved: &Resolved) -> String {
    let mut said = String::new();
    match resolved.config() {
        Ok(config) => said += &format!("target: {}\n", config.target()),
        Err(error) => {
            for problem in error.problems() {
                said += &format!("error: {problem}\n");
                for help in &problem.help {
                    said += &format!("  help: {help}\n");
                }
            }
        }
    }
    for warning in resolved.warnings() {
        said += &format!("warning: {warning}\n");
    }
    with_slashes(&said)
}

/// The rows of these names.
fn rows(resolved: &Resolved, names: &[&str]) -> String {
    let mut text = String::new();
    for row in resolved.rows() {
        if names.is_empty() || names.contains(&row.name) {
            text += &format!("{}: {} ({})\n", row.name, row.value, row.origin);
        }
    }
    with_slashes(&text)
}

/// Windows paths as the snapshots have them.
fn with_slashes(text: &str) -> String {
    text.replace('\\', "/")
}

const URL: (&str, &str) = ("TURSO_DATABASE_URL", "libsql://db.turso.io");
const TOKEN: (&str, &str) = ("TURSO_AUTH_TOKEN", "eyJ.t");

/// `--database TEXT`.
fn database(text: &str) -> Flags {
    Flags {
        database: Some(text.to_owned()),
        ..Flags::default()
    }
}

/// `--mode MODE`.
fn mode(mode: Mode) -> Flags {
    Flags {
        mode: Some(mode),
        ..Flags::default()
    }
}

fn with_flags(flags: Flags, env: &[(&str, &str)], expect: Expect) {
    check(
        &Case {
            flags,
            env,
            ..Case::default()
        },
        expect,
    );
}

fn with_env(env: &[(&str, &str)], expect: Expect) {
    with_flags(Flags::default(), env, expect);
}
