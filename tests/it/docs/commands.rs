//! The commands of the pages, typed as they are: each block marked `sh`, and each job of the CI workflow. A server on this
//! machine stands in for Turso, and it has to be reached where a block names one; nothing else is.
//!
//! `PATH` holds the programs in [`Machine::new`] alone, so a block that calls another one fails.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::{Command, Output};

use seedbed::db::{Db, Options, Query};
use seedbed::sql::Value;
use seedbed_test_server::{Access, Auth, Server};

use super::folder::with;
use super::pages;
use crate::project::{Project, waiting};
use crate::server::ours;

/// The address of a database at Turso, as the pages write it.
const PLACEHOLDER: &str = "libsql://NAME-ORG.turso.io";

/// The languages of blocks that are no commands, and why.
const NOT_COMMANDS: [(&str, &str); 7] = [
    (
        "console",
        "sessions: `sessions` runs them and compares what is printed",
    ),
    (
        "yaml",
        "seed files, which `sessions` and the examples of seeds read, and the workflow below",
    ),
    ("rust", "parts of an application, which is not here"),
    ("json", "settings of an editor"),
    ("toml", "settings that a reader may want"),
    ("sql", "contents of files"),
    (
        "text",
        "what the program prints in its help, and lines of other programs",
    ),
];

#[test]
fn every_block_of_the_pages_is_run() {
    let (mut typed, mut jobs) = (0, 0);
    for page in pages() {
        for block in page.blocks() {
            let place = format!("{}:{}", page.path, block.line);
            if block.language == "sh" {
                type_in(&place, &block.text);
                typed += 1;
            } else if block.language == "yaml" && block.text.contains("cargo xtask") {
                jobs += workflow(&block.text);
            } else {
                let known = |(language, _): &(&str, &str)| *language == block.language;
                assert!(
                    NOT_COMMANDS.iter().any(known),
                    "{place}: {}",
                    block.language
                );
            }
        }
    }
    assert!(typed >= 5, "{typed}");
    assert_eq!(jobs, 2);
}

/// Pastes a block into a shell in a copy of this repository, with a database `old.db` beside it and a token.
fn type_in(place: &str, block: &str) {
    let machine = Machine::new();
    machine.old_database();
    let token = ("TURSO_AUTH_TOKEN", &*machine.token);
    let output = machine.sh(block, machine.project.path(""), &[token]);
    machine.check(place, block, &output);
    let local = machine.project.bytes("local.db").is_some();
    assert!(!(local && on_a_server(block)), "{place}: a local file");
    let (cities, applied) = (
        "SELECT name FROM city ORDER BY id",
        "SELECT count(*) FROM _migrations WHERE kind = 'migration'",
    );
    if block.contains("copy ") && on_a_server(block) {
        assert_eq!(machine.rows(cities), ["Ulm", "Bonn"], "{place}");
        let today = "SELECT group_concat(name) FROM city";
        assert_eq!(machine.project.ask_of("today.db", [today]), ["Ulm,Bonn"]);
    } else if block.contains("import ") && on_a_server(block) {
        assert_eq!(machine.rows(cities), ["Ulm", "Bonn"], "{place}");
        let recorded = "SELECT kind || ' ' || name FROM _migrations WHERE kind = 'import'";
        assert_eq!(machine.rows(recorded), ["import old.sql"]);
    } else if block.contains(" migrate") {
        match on_a_server(block) {
            true => assert_eq!(machine.rows(applied), ["3"], "{place}"),
            false => assert_eq!(machine.project.ask(applied), "3", "{place}"),
        }
    }
}

/// Whether a block works on a database at Turso.
fn on_a_server(block: &str) -> bool {
    block.contains(PLACEHOLDER) || block.contains("turso db show")
}

/// Runs the jobs of a workflow as CI does, with what a checkout brings and nothing more: on the pull request of a
/// branch that adds a migration, and after the branch was merged. Returns how many jobs there are.
fn workflow(text: &str) -> usize {
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

    let workflow: serde_yaml::Value = serde_yaml::from_str(text).unwrap();
    let events = &workflow["on"];
    assert!(events.get("pull_request").is_some(), "{events:?}");
    assert_eq!(events["push"]["branches"][0], "main");
    let applied = "SELECT version FROM _migrations WHERE kind = 'migration' ORDER BY version";
    let jobs: Vec<_> = workflow["jobs"].as_mapping().unwrap().values().collect();
    for (number, job) in jobs.iter().enumerate() {
        let branch = match job["if"].as_str().unwrap() {
            "github.event_name == 'pull_request'" => "topic",
            "github.event_name == 'push'" => {
                origin.git("checkout --quiet main");
                origin.git("merge --quiet topic");
                "main"
            }
            other => panic!("{other}"),
        };
        let checkout = format!("checkout{number}");
        run_steps(&machine, job, branch, &checkout);
        match branch {
            "main" => assert_eq!(machine.rows(applied), ["1", "2", "3", "4"]),
            _ => assert!(
                machine.server.requests().is_empty(),
                "a database is reached"
            ),
        }
        assert!(!origin.path(format!("{checkout}/local.db")).exists());
    }
    jobs.len()
}

fn run_steps(machine: &Machine, job: &serde_yaml::Value, branch: &str, checkout: &str) {
    let origin = &machine.project;
    for step in job["steps"].as_sequence().unwrap() {
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
                    "clone --quiet {depth}--branch {branch} {from} {checkout}"
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
                let output = machine.sh(run, origin.path(checkout), &env);
                machine.check("the job", run, &output);
            }
            other => panic!("{other:?}"),
        }
    }
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
            project: with(with(Project::new(), "migrations"), "seeds"),
            programs: tempfile::tempdir().unwrap(),
            server,
            token,
        };
        let seedbed = crate::PROGRAM;
        // The alias is the program. The other two need the network or hours: `.ci/run` runs the tests.
        let xtask = format!("shift; exec '{seedbed}' \"$@\"");
        machine.stub(
            "cargo",
            &[
                ("'xtask '*", &*xtask),
                ("'test --workspace'", "exit 0"),
                ("'install seedbed-cli'", "exit 0"),
            ],
        );
        symlink(seedbed, machine.programs.path().join("seedbed")).unwrap();
        machine.link("git");
        if !machine.link("sqlite3") {
            let dump = format!("exec '{seedbed}' export --database old.db --no-history --quiet");
            machine.stub("sqlite3", &[("'old.db .dump'", &dump)]);
        }
        let url = format!("echo '{}'; exit 0", machine.server.url());
        let token = format!("echo '{}'; exit 0", machine.token);
        machine.stub(
            "turso",
            &[
                ("'db create app'", "exit 0"),
                ("'db show app --url'", &*url),
                ("'db tokens create app'", &*token),
            ],
        );
        machine
    }

    /// The program of this machine, if there is one.
    fn link(&self, name: &str) -> bool {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut found = std::env::split_paths(&path).map(|folder| folder.join(name));
        let found = found.find(|program| program.is_file());
        found.is_some_and(|program| symlink(program, self.programs.path().join(name)).is_ok())
    }

    /// A stand-in: for arguments that fit a pattern of the shell it does what is written beside it, for all others it
    /// fails.
    fn stub(&self, name: &str, does: &[(&str, &str)]) {
        let path = self.programs.path().join(name);
        let cases = does
            .iter()
            .map(|(arguments, what)| format!("{arguments}) {what};; "));
        let script = format!(
            "#!/bin/sh\ncase \"$*\" in {}esac\n\
             echo \"unexpected: {name} $*\" >&2\nexit 97\n",
            cases.collect::<String>()
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

    /// Each command succeeded, all of them on the server or none, and none was refused by it.
    fn check(&self, place: &str, commands: &str, output: &Output) {
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{place}\n{commands}\n{said}");
        let targets = said.lines().filter_map(|line| {
            line.strip_prefix("target: ")
                .or_else(|| line.strip_prefix("copy: "))
        });
        for target in targets {
            let named = target.contains(&self.server.url());
            assert_eq!(named, on_a_server(commands), "{place}: {target}");
        }
        let answers: Vec<_> = self.server.requests().iter().map(|it| it.status).collect();
        // `check` reaches no database.
        let reached = on_a_server(commands);
        assert_eq!(!answers.is_empty(), reached, "{place}\n{said}");
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
