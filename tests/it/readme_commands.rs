//! The README's commands, typed as they are: each block marked `sh`, and each step of its CI job. A server on this
//! machine stands in for Turso, and it has to be reached; nothing else is.
//!
//! `PATH` holds the programs in [`Machine::new`] alone, so a block that calls another one fails.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use seedbed::db::{Db, Options, Query};
use seedbed::sql::Value;
use seedbed_test_server::{Access, Auth, Server};

use crate::project::{Project, waiting};
use crate::server::ours;

const README: &str = include_str!("../../README.md");

/// The address of a database at Turso, as the README writes it.
const PLACEHOLDER: &str = "libsql://NAME-ORG.turso.io";

/// The blocks that are no commands, by how they begin, and why.
const NOT_COMMANDS: [(&str, &str); 3] = [
    (
        "console\n",
        "sessions: `readme` runs them and compares what is printed",
    ),
    (
        "yaml\n# seeds/",
        "a seed file: `readme` writes it down for its sessions",
    ),
    ("rust\n", "parts of an application, which is not here"),
];

/// The blocks that are commands and cannot be run, and why.
const NOT_RUN: [(&str, &str); 0] = [];

/// What stands between fences, the language in the first line.
fn blocks() -> Vec<&'static str> {
    let mut parts = README.split("\n```");
    parts.next();
    let all: Vec<&str> = parts.collect();
    assert_eq!(all.len() % 2, 0, "each block ends");
    assert_eq!(all.len(), README.matches("```").count(), "none is indented");
    all.into_iter().step_by(2).collect()
}

#[test]
fn every_block_of_the_readme_is_run() {
    let of = |blocks: &[&'static str], kind: &str| -> Vec<&'static str> {
        let of_kind = |block: &&&str| block.starts_with(kind);
        blocks.iter().filter(of_kind).copied().collect()
    };
    let all = blocks();
    let mut rest = of(&all, "");
    let known = NOT_COMMANDS.iter().chain(&NOT_RUN);
    rest.retain(|block| !known.clone().any(|(kind, _)| block.starts_with(kind)));
    for (kind, why) in known {
        assert!(!of(&all, kind).is_empty(), "{kind:?} ({why}) is gone");
    }
    let (sh, ci) = (of(&rest, "sh\n"), of(&rest, "yaml\n"));
    assert_eq!(sh.len() + ci.len(), rest.len(), "{rest:#?}");
    let text = |block: &&'static str| block.split_once('\n').unwrap().1;
    assert!(sh.iter().any(|block| block.contains(PLACEHOLDER)));
    sh.iter().map(text).for_each(type_in);
    assert_eq!(ci.len(), 1, "{ci:#?}");
    ci.iter().map(text).for_each(job);
}

/// Pastes a block into a shell in a copy of this repository, with a database `old.db` beside it and a token.
fn type_in(block: &str) {
    let machine = Machine::new();
    machine.old_database();
    let output = machine.sh(
        block,
        machine.project.path(""),
        &[("TURSO_AUTH_TOKEN", &machine.token)],
    );
    machine.check(block, &output);
    assert_eq!(
        machine.project.bytes("local.db").is_some(),
        !block.contains(PLACEHOLDER),
        "{block}"
    );
    if block.contains("copy") {
        assert_eq!(
            machine.rows("SELECT name FROM city ORDER BY id"),
            ["Ulm", "Bonn"]
        );
        let today = "SELECT group_concat(name) FROM city";
        assert_eq!(machine.project.ask_of("today.db", [today]), ["Ulm,Bonn"]);
    } else if block.contains("import") {
        assert_eq!(
            machine.rows("SELECT name FROM city ORDER BY id"),
            ["Ulm", "Bonn"]
        );
        let recorded = "SELECT kind || ' ' || name FROM _migrations WHERE kind = 'import'";
        assert_eq!(machine.rows(recorded), ["import old.sql"]);
    } else {
        let applied = "SELECT count(*) FROM _migrations WHERE kind = 'migration'";
        assert_eq!(machine.project.ask(applied), "3");
    }
}

/// Runs the steps of a job on a branch that adds a migration, as CI does: what a checkout brings, and nothing more.
fn job(steps: &str) {
    let machine = Machine::new();
    let origin = &machine.project;
    origin.git("init --quiet --initial-branch main");
    origin.git("add migrations seeds");
    origin.git("commit --quiet --message base");
    origin.git("checkout --quiet -b topic");
    origin.write("migrations/V4__more.sql", "CREATE TABLE more (x);\n");
    origin.write("migrations/V4__more.down.sql", "DROP TABLE more;\n");
    origin.git("add migrations");
    origin.git("commit --quiet --message more");

    let steps: Vec<serde_yaml::Value> = serde_yaml::from_str(steps).unwrap();
    let mut programs = Vec::new();
    for step in &steps {
        let text = |key: &str| step.get(key).and_then(|value| value.as_str());
        match (text("uses"), text("run")) {
            (Some(action), None) => {
                assert_eq!(action.split('@').next(), Some("actions/checkout"));
                let depth = step.get("with").and_then(|with| with.get("fetch-depth"));
                // Without a depth it fetches one commit of one branch.
                let depth = match depth.and_then(|depth| depth.as_u64()) {
                    Some(0) => "",
                    _ => "--depth 1 ",
                };
                let from = format!("file://{}", origin.path("").display());
                origin.git(&format!(
                    "clone --quiet {depth}--branch topic {from} checkout"
                ));
            }
            (None, Some(run)) => {
                let env = step.get("env").and_then(|env| env.as_mapping());
                let env: Vec<(&str, &str)> = env
                    .into_iter()
                    .flatten()
                    .map(|(name, value)| match value.as_str().unwrap() {
                        "${{ secrets.TURSO_AUTH_TOKEN }}" => {
                            (name.as_str().unwrap(), machine.token.as_str())
                        }
                        value => (name.as_str().unwrap(), value),
                    })
                    .collect();
                let output = machine.sh(run, origin.path("checkout"), &env);
                machine.check(run, &output);
                programs.push(run);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(programs.len(), 2, "{programs:?}");
    let applied = "SELECT version FROM _migrations WHERE kind = 'migration' ORDER BY version";
    assert_eq!(machine.rows(applied), ["1", "2", "3", "4"]);
    assert!(!origin.path("checkout/local.db").exists());
}

/// A copy of this repository's files, a server that wants a token, and the programs that there are.
struct Machine {
    project: Project,
    programs: tempfile::TempDir,
    server: Server,
    token: String,
}

impl Machine {
    fn new() -> Machine {
        let server = ours(seedbed_test_server::Options {
            auth: Auth::Token,
            ..seedbed_test_server::Options::default()
        });
        let token = server.token(Access::Full, None).unwrap();
        let machine = Machine {
            project: Project::new(),
            programs: tempfile::tempdir().unwrap(),
            server,
            token,
        };
        for folder in ["migrations", "seeds"] {
            let from = Path::new(crate::ROOT).join(folder);
            for entry in std::fs::read_dir(from).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_file() {
                    let name = path.file_name().unwrap().to_str().unwrap();
                    let bytes = std::fs::read(&path).unwrap();
                    machine.project.write(format!("{folder}/{name}"), bytes);
                }
            }
        }
        let seedbed = crate::PROGRAM;
        // The alias is the only use of cargo.
        machine.stub(
            "cargo",
            "xtask*",
            &format!("shift; exec '{seedbed}' \"$@\""),
        );
        machine.link("git");
        if !machine.link("sqlite3") {
            let dump = format!("exec '{seedbed}' export --database old.db --no-history --quiet");
            machine.stub("sqlite3", "'old.db .dump'", &dump);
        }
        machine
    }

    /// The program of this machine, if there is one.
    fn link(&self, name: &str) -> bool {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut found = std::env::split_paths(&path).map(|folder| folder.join(name));
        let found = found.find(|program| program.is_file());
        found.is_some_and(|program| symlink(program, self.programs.path().join(name)).is_ok())
    }

    /// A stand-in that does `what` for these arguments, a pattern of the shell, and fails for all others.
    fn stub(&self, name: &str, arguments: &str, what: &str) {
        let path = self.programs.path().join(name);
        let script = format!(
            "#!/bin/sh\ncase \"$*\" in {arguments}) {what};; esac\n\
             echo \"unexpected: {name} $*\" >&2\nexit 97\n"
        );
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    }

    fn old_database(&self) {
        self.project.change(&[
            "CREATE TABLE city (id INTEGER PRIMARY KEY, name TEXT)",
            "INSERT INTO city VALUES (1, 'Ulm'), (2, 'Bonn')",
        ]);
        std::fs::rename(self.project.path("local.db"), self.project.path("old.db")).unwrap();
    }

    /// Runs commands in a shell until one fails.
    fn sh(&self, commands: &str, folder: PathBuf, env: &[(&str, &str)]) -> Output {
        Command::new("/bin/sh")
            .args([
                "-e",
                "-c",
                &commands.replace(PLACEHOLDER, &self.server.url()),
            ])
            .current_dir(folder)
            .env_clear()
            .env("PATH", self.programs.path())
            .env("HOME", self.project.path(""))
            .envs(env.iter().copied())
            .output()
            .unwrap()
    }

    /// Each command succeeded on the database that it names, and none was refused by the server.
    fn check(&self, commands: &str, output: &Output) {
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{commands}\n{said}");
        let targets = said.lines().filter_map(|line| {
            line.strip_prefix("target: ")
                .or_else(|| line.strip_prefix("copy: "))
        });
        let expected = commands
            .lines()
            .filter(|line| line.starts_with("cargo xtask"))
            // It opens no database.
            .filter(|line| line.split_whitespace().nth(2) != Some("check"))
            .map(|line| match line.contains(PLACEHOLDER) {
                true if line.contains("copy old.db") => {
                    format!("local old.db (FROM) to remote {} (TO)", self.server.url())
                }
                true if line.contains("copy") => {
                    format!("remote {} (FROM) to local today.db (TO)", self.server.url())
                }
                true => format!("remote {} (--database)", self.server.url()),
                false => "local local.db (default)".to_owned(),
            });
        assert_eq!(
            targets.collect::<Vec<_>>(),
            expected.collect::<Vec<_>>(),
            "{commands}"
        );
        let answers: Vec<_> = self.server.requests().iter().map(|it| it.status).collect();
        assert_eq!(
            !answers.is_empty(),
            commands.contains(PLACEHOLDER),
            "{said}"
        );
        assert!(answers.iter().all(|it| *it == Some(200)), "{answers:?}");
    }

    /// The first column of what the server answers.
    fn rows(&self, sql: &str) -> Vec<String> {
        let db = Db::remote(
            &self.server.url(),
            Some(self.token.as_str()),
            Options::default(),
        );
        let mut answers = waiting()
            .block_on(db.unwrap().query(vec![Query::new(sql)]))
            .unwrap();
        let rows = answers.remove(0).unwrap();
        rows.iter()
            .map(|row| match &row[0] {
                Value::Text(text) => text.clone(),
                Value::Integer(number) => number.to_string(),
                other => panic!("{other:?}"),
            })
            .collect()
    }
}
