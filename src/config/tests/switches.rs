//! A URL of a remote beside a switch that is off: the higher level wins, and where that is the URL, it is an error.

use expect_test::expect;

use super::{Case, TOKEN, URL, check, database, mode, rows};
use crate::config::{Flags, Mode};

#[test]
fn a_url_above_a_switch_that_is_off_is_an_error_that_names_both_and_every_way_out() {
    let case = Case {
        env: &[URL, TOKEN],
        dotenv: "DATABASE_FILE=app.db\nUSE_TURSO=NO\n",
        ..Case::default()
    };
    check(
        &case,
        expect![[r#"
            error: .env:2: TURSO_DATABASE_URL from the environment is set, but USE_TURSO from .env selects the local file
              help: for the remote, pass `--mode remote` or set USE_TURSO=YES; for a local replica of it, pass `--mode replica` or set USE_EMBEDDED_REPLICA=YES; for the local file, pass `--mode local`, set USE_TURSO=NO in the environment, or unset TURSO_DATABASE_URL there; `--database` overrides all of these
        "#]],
    );
    expect![[r#"
        mode: - ()
        database: - ()
        local file: app.db (DATABASE_FILE from .env)
        remote url: libsql://db.turso.io (TURSO_DATABASE_URL from the environment)
    "#]]
    .assert_eq(&rows(
        &case.resolve(),
        &["mode", "database", "local file", "remote url"],
    ));
    check(
        &Case {
            env: &[URL],
            dotenv: "USE_EMBEDDED_REPLICA=0\n",
            ..Case::default()
        },
        expect![[r#"
            error: .env:1: TURSO_DATABASE_URL from the environment is set, but USE_EMBEDDED_REPLICA from .env selects the local file
              help: for the remote, pass `--mode remote` or set USE_TURSO=YES; for a local replica of it, pass `--mode replica` or set USE_EMBEDDED_REPLICA=YES; for the local file, pass `--mode local`, set USE_TURSO=NO in the environment, or unset TURSO_DATABASE_URL there; `--database` overrides all of these. The remote needs TURSO_AUTH_TOKEN, which is not set
        "#]],
    );
    check(
        &Case {
            env: &[URL, TOKEN],
            dotenv: "USE_TURSO=false\nUSE_EMBEDDED_REPLICA=no\n",
            ..Case::default()
        },
        expect![[r#"
            error: .env:1: TURSO_DATABASE_URL from the environment is set, but USE_EMBEDDED_REPLICA and USE_TURSO from .env select the local file
              help: for the remote, pass `--mode remote` or set USE_TURSO=YES; for a local replica of it, pass `--mode replica` or set USE_EMBEDDED_REPLICA=YES; for the local file, pass `--mode local`, set USE_TURSO=NO in the environment, or unset TURSO_DATABASE_URL there; `--database` overrides all of these
        "#]],
    );
}

#[test]
fn enabled_in_config_toml_is_a_switch_too() {
    let toml = "[turso.local_replica]\nenabled = false\n";
    check(
        &Case {
            dotenv: "TURSO_DATABASE_URL=http://localhost:8080\n",
            toml,
            ..Case::default()
        },
        expect![[r#"
            error: config.toml:2:1: TURSO_DATABASE_URL from .env is set, but [turso.local_replica] enabled in config.toml selects the local file
              help: for the remote, pass `--mode remote` or set USE_TURSO=YES; for a local replica of it, pass `--mode replica` or set USE_EMBEDDED_REPLICA=YES; for the local file, pass `--mode local`, set USE_TURSO=NO in .env, or unset TURSO_DATABASE_URL there; `--database` overrides all of these
        "#]],
    );
    check(
        &Case {
            env: &[URL, TOKEN],
            dotenv: "TURSO_DATABASE_URL=libsql://other.turso.io\n",
            toml,
            ..Case::default()
        },
        expect![[r#"
            error: config.toml:2:1: TURSO_DATABASE_URL from the environment is set, but [turso.local_replica] enabled in config.toml selects the local file
              help: for the remote, pass `--mode remote` or set USE_TURSO=YES; for a local replica of it, pass `--mode replica` or set USE_EMBEDDED_REPLICA=YES; for the local file, pass `--mode local`, set USE_TURSO=NO in the environment, or unset TURSO_DATABASE_URL there and in .env; `--database` overrides all of these
        "#]],
    );
}

#[test]
fn a_url_that_cannot_be_one_is_reported_with_the_contradiction() {
    check(
        &Case {
            env: &[("TURSO_DATABASE_URL", "mysql://me:pw@host")],
            dotenv: "USE_TURSO=NO\n",
            ..Case::default()
        },
        expect![[r#"
            error: .env:1: TURSO_DATABASE_URL from the environment is set, but USE_TURSO from .env selects the local file
              help: for the remote, pass `--mode remote` or set USE_TURSO=YES; for a local replica of it, pass `--mode replica` or set USE_EMBEDDED_REPLICA=YES; for the local file, pass `--mode local`, set USE_TURSO=NO in the environment, or unset TURSO_DATABASE_URL there; `--database` overrides all of these
            error: TURSO_DATABASE_URL from the environment names no libSQL database by `mysql://`
              help: a remote is libsql://host, https://host or http://127.0.0.1:8080; a local file is its path
        "#]],
    );
}

#[test]
fn nothing_is_concluded_while_a_line_that_may_hold_a_switch_cannot_be_read() {
    check(
        &Case {
            env: &[URL, TOKEN],
            dotenv: "USE_TURSO=NO\nUSE_EMBEDDED_REPLICA YES\n",
            ..Case::default()
        },
        expect![[r#"
            error: .env:2: this line is not NAME=value
              help: put # before it if it is a comment
        "#]],
    );
}

#[test]
fn a_url_at_the_level_of_the_switch_or_below_it_is_not_used() {
    let local = |env, dotenv, toml| {
        check(
            &Case {
                env,
                dotenv,
                toml,
                ..Case::default()
            },
            expect![[r#"
                target: local local.db (default)
            "#]],
        );
    };
    let toml = "[turso]\ndatabase_url = \"libsql://db.turso.io\"\n";
    local(&[("USE_TURSO", "NO"), URL], "", "");
    local(
        &[("USE_TURSO", "NO")],
        "TURSO_DATABASE_URL=libsql://db.turso.io\n",
        "",
    );
    local(
        &[("USE_EMBEDDED_REPLICA", "NO"), URL],
        "USE_TURSO=YES\n",
        toml,
    );
    local(
        &[],
        "USE_TURSO=NO\nTURSO_DATABASE_URL=libsql://db.turso.io\n",
        toml,
    );
    local(&[], "USE_TURSO=NO\n", toml);
    let off = format!("{toml}[turso.local_replica]\nenabled = false\n");
    local(&[], "", &off);
}

#[test]
fn an_empty_value_sets_neither_a_url_nor_a_switch() {
    check(
        &Case {
            env: &[("TURSO_DATABASE_URL", " ")],
            dotenv: "USE_TURSO=NO\nTURSO_DATABASE_URL=libsql://db.turso.io\n",
            ..Case::default()
        },
        expect![[r#"
            target: local local.db (default)
        "#]],
    );
    check(
        &Case {
            env: &[URL, TOKEN, ("USE_TURSO", "")],
            dotenv: "USE_TURSO=\nUSE_EMBEDDED_REPLICA=YES\n",
            ..Case::default()
        },
        expect![[r#"
            target: replica local_replica.db of libsql://db.turso.io (TURSO_DATABASE_URL from the environment)
        "#]],
    );
}

#[test]
fn a_url_above_a_switch_that_is_on_is_the_url_of_that_mode() {
    check(
        &Case {
            env: &[URL, TOKEN],
            dotenv: "USE_TURSO=YES\nTURSO_DATABASE_URL=libsql://other.turso.io\n",
            toml: "[turso.local_replica]\nenabled = false\n",
            ..Case::default()
        },
        expect![[r#"
            target: remote libsql://db.turso.io (TURSO_DATABASE_URL from the environment)
        "#]],
    );
}

#[test]
fn the_path_of_a_file_chooses_no_mode_at_any_level() {
    let files = [
        ("DATABASE_FILE", "app.db"),
        ("EMBEDDED_REPLICA_FILE", "replica.db"),
    ];
    check(
        &Case {
            env: &files,
            dotenv: "USE_TURSO=YES\nTURSO_DATABASE_URL=libsql://db.turso.io\nTURSO_AUTH_TOKEN=eyJ.t\n",
            ..Case::default()
        },
        expect![[r#"
            target: remote libsql://db.turso.io (TURSO_DATABASE_URL from .env)
        "#]],
    );
    check(
        &Case {
            env: &files,
            dotenv: "USE_EMBEDDED_REPLICA=NO\n",
            ..Case::default()
        },
        expect![[r#"
            target: local app.db (DATABASE_FILE from the environment)
        "#]],
    );
}

/// Every combination of the URL and the switches at every level, and every way out that the message names.
#[test]
fn every_way_out_of_an_undecided_url_leads_to_the_mode_that_it_promises() {
    let urls = ["", "libsql://a.turso.io"];
    let switches = [
        ("", ""),
        ("NO", ""),
        ("", "NO"),
        ("NO", "NO"),
        ("YES", "NO"),
    ];
    let tomls = ["", "false", "true"];
    let mut undecided = 0;
    for env_url in urls {
        for env in switches {
            for dot_url in urls {
                for dot in switches {
                    for toml in tomls {
                        let situation = Situation {
                            env: (env_url, env),
                            dot: (dot_url, dot),
                            toml,
                        };
                        undecided += usize::from(situation.check());
                    }
                }
            }
        }
    }
    assert!(undecided > 20, "{undecided}");
}

type At = (&'static str, (&'static str, &'static str));

/// What the environment, `.env` and `config.toml` set.
#[derive(Debug, Clone, Copy)]
struct Situation {
    env: At,
    dot: At,
    toml: &'static str,
}

impl Situation {
    /// Whether it is undecided.
    fn check(self) -> bool {
        let Err(problem) = self.mode(&Flags::default()) else {
            return false;
        };
        assert!(
            problem.starts_with("TURSO_DATABASE_URL"),
            "{self:?}: {problem}"
        );
        let is = |situation: Situation, flags: Flags, mode: Mode| {
            assert_eq!(situation.mode(&flags), Ok(mode), "{self:?} {situation:?}");
        };
        for chosen in [Mode::Remote, Mode::Replica, Mode::Local] {
            is(self, mode(chosen), chosen);
        }
        let none = Flags::default;
        is(self, database("app.db"), Mode::Local);
        is(self, database("libsql://b.turso.io"), Mode::Remote);
        let ((env_url, env), (dot_url, dot)) = (self.env, self.dot);
        let in_env = |switches| Situation {
            env: (env_url, switches),
            ..self
        };
        let in_dot = |switches| Situation {
            dot: (dot_url, switches),
            ..self
        };
        is(in_env(("YES", env.1)), none(), Mode::Remote);
        is(in_dot(("YES", dot.1)), none(), Mode::Remote);
        is(in_env((env.0, "YES")), none(), Mode::Replica);
        is(in_dot((dot.0, "YES")), none(), Mode::Replica);
        // In the place of the highest URL.
        let off = match env_url {
            "" => in_dot(("NO", dot.1)),
            _ => in_env(("NO", env.1)),
        };
        is(off, none(), Mode::Local);
        // Everywhere that the message names.
        let dot_too = problem.contains("there and in .env") || env_url.is_empty();
        let unset = Situation {
            env: ("", env),
            dot: (if dot_too { "" } else { dot_url }, dot),
            ..self
        };
        is(unset, none(), Mode::Local);
        true
    }

    /// The mode, or the only problem with its help.
    fn mode(&self, flags: &Flags) -> Result<Mode, String> {
        let lines = |(url, (turso, replica)): At| {
            [
                ("TURSO_DATABASE_URL", url),
                ("USE_TURSO", turso),
                ("USE_EMBEDDED_REPLICA", replica),
            ]
        };
        let mut env = lines(self.env).to_vec();
        env.push(TOKEN);
        let dotenv: String = lines(self.dot)
            .iter()
            .map(|(name, value)| format!("{name}={value}\n"))
            .collect();
        // Lower than everything, so that each mode has a URL.
        let mut toml = "[turso]\ndatabase_url = \"libsql://toml.turso.io\"\n".to_owned();
        if !self.toml.is_empty() {
            toml += &format!("[turso.local_replica]\nenabled = {}\n", self.toml);
        }
        let case = Case {
            flags: flags.clone(),
            env: &env,
            dotenv: &dotenv,
            toml: &toml,
            ..Case::default()
        };
        match case.resolve().config() {
            Ok(config) => Ok(config.database.value.mode()),
            Err(error) => match error.problems() {
                [problem] => Err(format!("{} {:?}", problem.message, problem.help.first())),
                problems => panic!("{self:?}: {problems:?}"),
            },
        }
    }
}
