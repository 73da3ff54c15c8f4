//! Which database is meant.

use expect_test::expect;

use super::{Case, TOKEN, URL, check, database, mode, with_env, with_flags};
use crate::config::{Flags, Mode};

#[test]
fn nothing_set_is_the_local_file() {
    with_env(
        &[],
        expect![[r#"
            target: local local.db (default)
        "#]],
    );
}

#[test]
fn database_fixes_the_mode_by_its_form() {
    with_flags(
        database("app.db"),
        &[],
        expect![[r#"
            target: local web/app.db (--database)
        "#]],
    );
    with_flags(
        database("file:app.db"),
        &[],
        expect![[r#"
            target: local web/app.db (--database)
        "#]],
    );
    with_flags(
        database(":memory:"),
        &[],
        expect![[r#"
            target: memory :memory: (--database)
        "#]],
    );
    with_flags(
        database("libsql://db.turso.io"),
        &[TOKEN],
        expect![[r#"
            target: remote libsql://db.turso.io (--database)
        "#]],
    );
    with_flags(
        database("https://db.turso.io/"),
        &[TOKEN],
        expect![[r#"
            target: remote https://db.turso.io (--database)
        "#]],
    );
    with_flags(
        database("http://127.0.0.1:8080"),
        &[],
        expect![[r#"
            target: remote http://127.0.0.1:8080 (--database)
        "#]],
    );
}

#[test]
fn database_outranks_every_switch_and_only_a_contradicting_mode_is_an_error() {
    let env = [("USE_TURSO", "YES"), ("USE_EMBEDDED_REPLICA", "YES"), URL];
    with_flags(
        database("app.db"),
        &env,
        expect![[r#"
            target: local web/app.db (--database)
        "#]],
    );
    let both = |text: &str, mode| Flags {
        mode: Some(mode),
        ..database(text)
    };
    with_flags(
        both("app.db", Mode::Local),
        &[],
        expect![[r#"
            target: local web/app.db (--database)
        "#]],
    );
    with_flags(
        both("app.db", Mode::Remote),
        &[],
        expect![[r#"
            error: --database names a local database, --mode says remote
              help: leave one of the two out
        "#]],
    );
    with_flags(
        both(":memory:", Mode::Local),
        &[],
        expect![[r#"
            error: --database names a memory database, --mode says local
              help: leave one of the two out
        "#]],
    );
    with_flags(
        both("libsql://db.turso.io", Mode::Replica),
        &[TOKEN],
        expect![[r#"
            error: --database names a remote database, --mode says replica
              help: a replica takes its primary from TURSO_DATABASE_URL and its file from --replica-file: leave --database out
        "#]],
    );
}

#[test]
fn what_names_no_database_is_refused() {
    for text in [
        "postgres://u:pw@h/db",
        "file:a.db?mode=ro",
        "db.turso.io",
        " ",
    ] {
        let resolved = Case {
            flags: database(text),
            ..Case::default()
        }
        .resolve();
        assert!(resolved.config().is_err(), "{text}");
    }
    with_flags(
        database("postgres://u:pw@h/db"),
        &[],
        expect![[r#"
            error: --database names no libSQL database by `postgres://`
              help: a remote is libsql://host, https://host or http://127.0.0.1:8080; a local file is its path
        "#]],
    );
}

#[test]
fn mode_alone_chooses() {
    with_flags(
        mode(Mode::Memory),
        &[URL],
        expect![[r#"
            target: memory :memory: (--mode)
        "#]],
    );
    with_flags(
        mode(Mode::Local),
        &[URL, ("USE_TURSO", "YES")],
        expect![[r#"
            target: local local.db (default)
        "#]],
    );
    with_flags(
        mode(Mode::Remote),
        &[URL, TOKEN],
        expect![[r#"
            target: remote libsql://db.turso.io (TURSO_DATABASE_URL from the environment)
        "#]],
    );
    check(
        &Case {
            flags: mode(Mode::Remote),
            env: &[TOKEN],
            toml: "[turso]\ndatabase_url = \"libsql://toml.turso.io\"",
            ..Case::default()
        },
        expect![[r#"
            target: remote libsql://toml.turso.io ([turso] database_url in config.toml)
        "#]],
    );
    with_flags(
        mode(Mode::Replica),
        &[URL, TOKEN],
        expect![[r#"
            target: replica local_replica.db of libsql://db.turso.io (TURSO_DATABASE_URL from the environment)
        "#]],
    );
}

#[test]
fn the_switches_choose() {
    with_env(
        &[
            ("USE_TURSO", "YES"),
            ("USE_EMBEDDED_REPLICA", "NO"),
            URL,
            TOKEN,
        ],
        expect![[r#"
            target: remote libsql://db.turso.io (TURSO_DATABASE_URL from the environment)
        "#]],
    );
    with_env(
        &[
            ("USE_TURSO", "no"),
            ("USE_EMBEDDED_REPLICA", "True"),
            URL,
            TOKEN,
        ],
        expect![[r#"
            target: replica local_replica.db of libsql://db.turso.io (TURSO_DATABASE_URL from the environment)
        "#]],
    );
    with_env(
        &[("USE_TURSO", "1"), URL, TOKEN],
        expect![[r#"
            target: remote libsql://db.turso.io (TURSO_DATABASE_URL from the environment)
        "#]],
    );
    with_env(
        &[("USE_TURSO", "NO"), ("USE_EMBEDDED_REPLICA", "NO"), URL],
        expect![[r#"
            target: local local.db (default)
        "#]],
    );
    with_env(
        &[("USE_TURSO", "0"), URL],
        expect![[r#"
            target: local local.db (default)
        "#]],
    );
    with_env(
        &[("USE_EMBEDDED_REPLICA", "false"), URL],
        expect![[r#"
            target: local local.db (default)
        "#]],
    );
}

#[test]
fn both_switches_on_at_one_level_says_to_choose_one() {
    with_env(
        &[
            ("USE_TURSO", "YES"),
            ("USE_EMBEDDED_REPLICA", "YES"),
            URL,
            TOKEN,
        ],
        expect![[r#"
            error: USE_TURSO from the environment and USE_EMBEDDED_REPLICA are both on: choose one
              help: USE_TURSO=YES works on the remote itself, USE_EMBEDDED_REPLICA=YES on a local replica of it
        "#]],
    );
    check(
        &Case {
            dotenv: "USE_TURSO=YES\nUSE_EMBEDDED_REPLICA=1\n",
            ..Case::default()
        },
        expect![[r#"
            error: .env:1: USE_TURSO and USE_EMBEDDED_REPLICA are both on: choose one
              help: USE_TURSO=YES works on the remote itself, USE_EMBEDDED_REPLICA=YES on a local replica of it
        "#]],
    );
}

#[test]
fn the_highest_level_that_sets_either_switch_decides_alone() {
    check(
        &Case {
            env: &[("USE_TURSO", "NO")],
            dotenv: "USE_EMBEDDED_REPLICA=YES\n",
            toml: "[turso.local_replica]\nenabled = true",
            ..Case::default()
        },
        expect![[r#"
            target: local local.db (default)
        "#]],
    );
    check(
        &Case {
            env: &[URL, TOKEN],
            dotenv: "USE_TURSO=YES\n",
            toml: "[turso.local_replica]\nenabled = true",
            ..Case::default()
        },
        expect![[r#"
            target: remote libsql://db.turso.io (TURSO_DATABASE_URL from the environment)
        "#]],
    );
    check(
        &Case {
            env: &[URL, TOKEN],
            toml: "[turso.local_replica]\nenabled = true",
            ..Case::default()
        },
        expect![[r#"
            target: replica local_replica.db of libsql://db.turso.io (TURSO_DATABASE_URL from the environment)
        "#]],
    );
}

#[test]
fn a_bad_switch_names_the_accepted_words() {
    with_env(
        &[("USE_TURSO", "maybe"), ("USE_EMBEDDED_REPLICA", "on")],
        expect![[r#"
            error: USE_TURSO from the environment is neither yes nor no
              help: accepted: YES or NO, true or false, 1 or 0
            error: USE_EMBEDDED_REPLICA from the environment is neither yes nor no
              help: accepted: YES or NO, true or false, 1 or 0
        "#]],
    );
    check(
        &Case {
            dotenv: "\nUSE_TURSO=ja\n",
            ..Case::default()
        },
        expect![[r#"
            error: .env:2: USE_TURSO is neither yes nor no
              help: accepted: YES or NO, true or false, 1 or 0
        "#]],
    );
}

#[test]
fn empty_variables_are_unset() {
    with_env(
        &[
            ("USE_TURSO", ""),
            ("TURSO_DATABASE_URL", " "),
            ("DATABASE_FILE", ""),
        ],
        expect![[r#"
            target: local local.db (default)
        "#]],
    );
    check(
        &Case {
            env: &[("DATABASE_FILE", "")],
            dotenv: "DATABASE_FILE=dot.db\n",
            ..Case::default()
        },
        expect![[r#"
            target: local dot.db (DATABASE_FILE from .env)
        "#]],
    );
}

#[test]
fn a_remote_url_that_nothing_chooses_is_an_error_and_no_silent_local_file() {
    with_env(
        &[URL],
        expect![[r#"
            error: TURSO_DATABASE_URL from the environment is set, but nothing says whether to use it
              help: for the remote, pass `--mode remote` or set USE_TURSO=YES; for a local replica of it, pass `--mode replica` or set USE_EMBEDDED_REPLICA=YES; for the local file, pass `--mode local`, set USE_TURSO=NO in the environment, or unset TURSO_DATABASE_URL there; `--database` overrides all of these. The remote needs TURSO_AUTH_TOKEN, which is not set
        "#]],
    );
    check(
        &Case {
            env: &[("DATABASE_FILE", "app.db")],
            dotenv: "TURSO_DATABASE_URL=libsql://db.turso.io\n",
            ..Case::default()
        },
        expect![[r#"
            error: .env:1: TURSO_DATABASE_URL is set, but nothing says whether to use it
              help: for the remote, pass `--mode remote` or set USE_TURSO=YES; for a local replica of it, pass `--mode replica` or set USE_EMBEDDED_REPLICA=YES; for the local file, pass `--mode local`, set USE_TURSO=NO in .env, or unset TURSO_DATABASE_URL there; `--database` overrides all of these. The remote needs TURSO_AUTH_TOKEN, which is not set
        "#]],
    );
}

#[test]
fn a_remote_url_in_config_toml_chooses_nothing() {
    check(
        &Case {
            toml: "[turso]\ndatabase_url = \"libsql://db.turso.io\"",
            ..Case::default()
        },
        expect![[r#"
            target: local local.db (default)
        "#]],
    );
}

#[test]
fn the_local_file_comes_from_the_highest_level() {
    let case = Case {
        env: &[("DATABASE_FILE", "env.db")],
        dotenv: "DATABASE_FILE=dot.db\n",
        toml: "[local]\npath = \"toml.db\"",
        ..Case::default()
    };
    check(
        &case,
        expect![[r#"
            target: local env.db (DATABASE_FILE from the environment)
        "#]],
    );
    let case = Case { env: &[], ..case };
    check(
        &case,
        expect![[r#"
            target: local dot.db (DATABASE_FILE from .env)
        "#]],
    );
    let case = Case { dotenv: "", ..case };
    check(
        &case,
        expect![[r#"
            target: local toml.db ([local] path in config.toml)
        "#]],
    );
}

#[test]
fn a_local_path_that_is_none_says_which_variable_to_use() {
    with_env(
        &[("DATABASE_FILE", "libsql://db.turso.io")],
        expect![[r#"
            error: DATABASE_FILE from the environment holds a URL where a path is expected
              help: the URL of a remote goes into TURSO_DATABASE_URL, with USE_TURSO=YES or USE_EMBEDDED_REPLICA=YES
        "#]],
    );
    with_env(
        &[("DATABASE_FILE", ":memory:")],
        expect![[r#"
            error: DATABASE_FILE from the environment is the path of a file, and memory is none
              help: pass --mode memory
        "#]],
    );
    with_env(
        &[("DATABASE_FILE", "file:a%20b.db")],
        expect![[r#"
            error: DATABASE_FILE from the environment is a path with parameters or `%` escapes, which would name another database than it seems to
              help: write the path itself, without `file:` or `sqlite:` and what follows `?`
        "#]],
    );
    check(
        &Case {
            toml: "[local]\npath = \"sqlite://app.db\"",
            ..Case::default()
        },
        expect![[r#"
            target: local app.db ([local] path in config.toml)
        "#]],
    );
}

#[test]
fn settings_of_a_mode_that_was_not_chosen_do_not_matter() {
    with_flags(
        database("app.db"),
        &[
            ("USE_TURSO", "maybe"),
            ("TURSO_DATABASE_URL", "nonsense://"),
            TOKEN,
            ("TURSO_AUTH_TOKEN_FILE", "t"),
            ("DATABASE_FILE", "libsql://x"),
        ],
        expect![[r#"
            target: local web/app.db (--database)
        "#]],
    );
}

#[test]
fn all_problems_of_a_database_are_told_at_once() {
    with_env(
        &[
            ("USE_EMBEDDED_REPLICA", "YES"),
            ("EMBEDDED_REPLICA_FILE", "https://db.turso.io"),
            ("TURSO_DATABASE_URL", "libsql://db.turso.io:99999"),
            ("SEEDBED_ENV", "../prod"),
        ],
        expect![[r#"
            error: SEEDBED_ENV from the environment is no name of a seed environment
              help: letters, digits, `-`, `_` and `.`, as in dev, test or prod
            error: EMBEDDED_REPLICA_FILE from the environment holds a URL where a path is expected
              help: the URL of a remote goes into TURSO_DATABASE_URL, with USE_TURSO=YES or USE_EMBEDDED_REPLICA=YES
            error: TURSO_DATABASE_URL from the environment has a port that is not a number from 1 to 65535
              help: a remote is libsql://host, https://host or http://127.0.0.1:8080; a local file is its path
        "#]],
    );
}

#[test]
fn a_replica_file_that_is_not_used_warns() {
    let flags = Flags {
        replica_file: Some("r.db".into()),
        ..Flags::default()
    };
    with_flags(
        flags,
        &[],
        expect![[r#"
            target: local local.db (default)
            warning: --replica-file is not used: the mode is local (default)
        "#]],
    );
}
