//! `config.toml`, `.env` and the examples of both.

use std::path::Path;

use expect_test::expect;
use proptest::prelude::*;

use super::{Case, check, rows};
use crate::config::{Flags, Mode};

/// The file of the project that this one was made for.
const USERS_TOML: &str = r#"
[turso]
database_name = "xswarm-users"
organization = "your-org"  # From database URL
database_url = "libsql://xswarm-users-your-org.turso.io"
primary_region = "sjc"
replica_regions = ["iad", "fra", "nrt"]

[turso.local_replica]
enabled = true
sync_interval_seconds = 60
local_db_path = "~/.local/share/xswarm/users.db"

[turso.backup]
enabled = true
retention_days = 30
"#;

#[test]
fn every_value_of_config_toml_is_read_with_its_origin() {
    let case = Case {
        dotenv: "TURSO_AUTH_TOKEN=eyJ.t\n",
        toml: USERS_TOML,
        ..Case::default()
    };
    check(
        &case,
        expect![[r#"
            target: replica /home/me/.local/share/xswarm/users.db of libsql://xswarm-users-your-org.turso.io ([turso] database_url in config.toml)
        "#]],
    );
    expect![[r#"
        root: /app ()
        config file: config.toml ()
        env file: .env ()
        mode: replica ([turso.local_replica] enabled in config.toml)
        database: /home/me/.local/share/xswarm/users.db of libsql://xswarm-users-your-org.turso.io ([turso] database_url in config.toml)
        local file: local.db (default)
        remote url: libsql://xswarm-users-your-org.turso.io ([turso] database_url in config.toml)
        token: *** (TURSO_AUTH_TOKEN from .env)
        encryption key: - (default)
        allow plain http: false (default)
        proxy: - (default)
        replica file: /home/me/.local/share/xswarm/users.db ([turso.local_replica] local_db_path in config.toml)
        sync interval: 60 s ([turso.local_replica] sync_interval_seconds in config.toml)
        migrations: migrations (default)
        data tests: migrations/tests (default)
        layout: found by the files (default)
        out of order: false (default)
        downs from: - (default)
        ignore tables: those of known tools (default)
        history table: _migrations (default)
        lint runner: that of the layout (default)
        lint target: that of the settings (default)
        lint severities: those of the rules (default)
        seeds: seeds (default)
        seed environment: - (default)
        backup: true ([turso.backup] enabled in config.toml)
        backup dir: backups (default)
        backup days: 30 ([turso.backup] retention_days in config.toml)
        turso database: xswarm-users ([turso] database_name in config.toml)
        turso organization: your-org ([turso] organization in config.toml)
        turso region: sjc ([turso] primary_region in config.toml)
        turso replicas: iad, fra, nrt ([turso] replica_regions in config.toml)
    "#]]
    .assert_eq(&rows(&case.resolve(), &[]));
}

#[test]
fn tables_of_the_application_are_passed_over() {
    check(
        &Case {
            toml: "name = \"app\"\nauth_token = \"eyJ\"\n[server]\nport = 80\n[[local_things]]\na = 1\n",
            ..Case::default()
        },
        expect![[r#"
            target: local local.db (default)
        "#]],
    );
}

#[test]
fn a_table_that_is_nearly_ours_warns_when_it_holds_keys_of_ours() {
    check(
        &Case {
            toml: "[migration]\ndir = \"db\"\n[seed]\nrandom = 1\n[Local]\npath = \"a.db\"\n",
            ..Case::default()
        },
        expect![[r#"
            target: local local.db (default)
            warning: config.toml:1:2: [migration] is not read; did you mean [migrations]?
            warning: config.toml:5:2: [Local] is not read; did you mean [local]?
        "#]],
    );
}

#[test]
fn unknown_keys_in_our_tables_are_warnings_and_near_misses_are_errors_with_their_place() {
    check(
        &Case {
            toml: "[local]\n  pth = \"a.db\"\n[turso]\ndatabse_url = \"x\"\nfoo = 1\n[turso.local-replica]\nenabled = true\n\
                   [turso.backup]\nretention = 3\n[migrations]\ndirectory = \"m\"\n[seeds]\nenvs = \"dev\"\n",
            ..Case::default()
        },
        expect![[r#"
            error: config.toml:2:3: unknown key `pth` in [local]
              help: did you mean `path`?
            error: config.toml:4:1: unknown key `databse_url` in [turso]
              help: did you mean `database_url`?
            error: config.toml:6:8: unknown key `local-replica` in [turso]
              help: did you mean `local_replica`?
            error: config.toml:9:1: unknown key `retention` in [turso.backup]
              help: did you mean `retention_days`?
            error: config.toml:11:1: unknown key `directory` in [migrations]
              help: did you mean `dir`?
            error: config.toml:13:1: unknown key `envs` in [seeds]
              help: did you mean `env`?
            warning: config.toml:5:1: `foo` in [turso] is not read; known: database_name, organization, database_url, primary_region, replica_regions, allow_plain_http, local_replica, backup
        "#]],
    );
}

#[test]
fn values_of_another_type_are_errors_with_their_place() {
    check(
        &Case {
            toml: "migrations = \"db\"\n[local]\npath = 3\n[turso]\nreplica_regions = [\"iad\", 2]\norganization = \"\"\n\
                   [turso.local_replica]\nenabled = \"yes\"\nsync_interval_seconds = 0\n[turso.backup]\nretention_days = -1\n\
                   enabled = 1\n[seeds]\nenv = [\"dev\"]\n",
            ..Case::default()
        },
        expect![[r#"
            error: config.toml:1:1: [migrations] must be a table, not a string
            error: config.toml:3:1: [local] path must be a string, not an integer
            error: config.toml:5:1: [turso] replica_regions holds something that is no string
            error: config.toml:6:1: [turso] organization is empty
              help: leave the key out to have the default
            error: config.toml:8:1: [turso.local_replica] enabled must be true or false, not a string
            error: config.toml:9:1: [turso.local_replica] sync_interval_seconds is not a whole number from 1 to 4294967295
              help: leave the key out to have the default
            error: config.toml:11:1: [turso.backup] retention_days is not a whole number from 1 to 4294967295
              help: leave the key out to have the default
            error: config.toml:12:1: [turso.backup] enabled must be true or false, not an integer
            error: config.toml:14:1: [seeds] env must be a string, not an array
        "#]],
    );
}

#[test]
fn a_token_in_config_toml_is_refused_with_the_reason() {
    check(
        &Case {
            toml: "[turso]\nauth_token = \"eyJ.t\"\n",
            ..Case::default()
        },
        expect![[r#"
            error: config.toml:2:1: `auth_token` in [turso] is refused: config.toml is committed, and a token would be in every copy of the repository
              help: put the token into TURSO_AUTH_TOKEN, in the environment or .env, and name a file that holds it in TURSO_AUTH_TOKEN_FILE otherwise; if this one was ever committed, revoke it
        "#]],
    );
}

#[test]
fn a_file_that_is_no_toml_tells_every_place_and_nothing_is_concluded_from_the_rest() {
    check(
        &Case {
            env: &[("USE_TURSO", "YES")],
            toml: "[turso]\ndatabase_url = libsql://db\nsecond line\n",
            ..Case::default()
        },
        expect![[r#"
            error: config.toml:2:16: string values must be quoted, expected literal string
            error: config.toml:3:8: key with no value, expected `=`
        "#]],
    );
}

#[test]
fn a_line_of_dotenv_that_cannot_be_read_is_an_error_with_its_line() {
    check(
        &Case {
            env: &[("USE_TURSO", "YES")],
            dotenv: "\n# c\nTURSO_AUTH_TOKEN=eyJ .t\nTURSO_DATABASE_URL=libsql://db.turso.io\n",
            ..Case::default()
        },
        expect![[r#"
            error: .env:3: this line cannot be read: a bad name, or a value that needs quotes
              help: put the value in single quotes if it has spaces, quotes, backslashes or $ in it
        "#]],
    );
}

#[test]
fn a_windows_config_toml_reads_the_same() {
    check(
        &Case {
            toml: "\u{feff}[local]\r\npath = \"crlf.db\"\r\n[seeds]\r\nx = 1\r\n",
            ..Case::default()
        },
        expect![[r#"
            target: local crlf.db ([local] path in config.toml)
            warning: config.toml:4:1: `x` in [seeds] is not read; known: dir, env
        "#]],
    );
    check(
        &Case {
            toml: "\u{feff}[local]\r\npath = \"crlf.db\"\r\n",
            ..Case::default()
        },
        expect![[r#"
            target: local crlf.db ([local] path in config.toml)
        "#]],
    );
}

#[test]
fn the_examples_are_clean_and_mean_the_local_file() {
    let case = Case {
        dotenv: include_str!("../../../.env.example"),
        toml: include_str!("../../../config.example.toml"),
        ..Case::default()
    };
    check(
        &case,
        expect![[r#"
            target: local local.db ([local] path in config.toml)
        "#]],
    );
    let case = Case { dotenv: "", ..case };
    check(
        &case,
        expect![[r#"
            target: local local.db ([local] path in config.toml)
        "#]],
    );
}

#[test]
fn the_seed_environment_is_dev_on_this_machine_only_unless_it_is_named() {
    let env_of = |flags: Flags, env: &[(&str, &str)], toml: &str| {
        let case = Case {
            flags,
            env,
            toml,
            ..Case::default()
        };
        let config = case.resolve().config().unwrap();
        config
            .seed_env
            .map(|env| format!("{} by {}", env.value, env.origin))
    };
    let database = |text: &str| Flags {
        database: Some(text.to_owned()),
        ..Flags::default()
    };
    let token = ("TURSO_AUTH_TOKEN", "eyJ.t");
    let dev = Some("dev by default".to_owned());
    assert_eq!(env_of(Flags::default(), &[], ""), dev);
    assert_eq!(env_of(database(":memory:"), &[], ""), dev);
    assert_eq!(env_of(database("http://[::1]:8080"), &[], ""), dev);
    assert_eq!(env_of(database("libsql://db.turso.io"), &[token], ""), None);
    let toml = "[seeds]\nenv = \"test\"";
    let named = Some("test by [seeds] env in config.toml".to_owned());
    assert_eq!(
        env_of(database("libsql://db.turso.io"), &[token], toml),
        named
    );
    let named = Some("ci by SEEDBED_ENV from the environment".to_owned());
    assert_eq!(
        env_of(Flags::default(), &[("SEEDBED_ENV", "ci")], toml),
        named
    );
    let flags = Flags {
        env: Some("prod".to_owned()),
        ..Flags::default()
    };
    let named = Some("prod by --env".to_owned());
    assert_eq!(env_of(flags, &[("SEEDBED_ENV", "ci")], toml), named);
}

#[test]
fn out_of_order_holds_for_local_files_only() {
    let holds = |mode| {
        let case = Case {
            flags: Flags {
                mode: Some(mode),
                ..Flags::default()
            },
            env: &[("TURSO_DATABASE_URL", "http://localhost:1")],
            toml: "[migrations]\nout_of_order = true",
            ..Case::default()
        };
        case.resolve().config().unwrap().out_of_order.value
    };
    assert_eq!(Mode::ALL.map(holds), [true, false, false, false]);
}

#[test]
fn backups_are_set_by_flags_or_config_toml() {
    let names = ["backup", "backup dir", "backup days"];
    let shown = |flags: Flags, toml: &str| {
        let case = Case {
            flags,
            toml,
            ..Case::default()
        };
        rows(&case.resolve(), &names)
    };
    let toml = "[turso.backup]\nenabled = true\nretention_days = 7\ndir = \"../safe\"";
    expect![[r#"
        backup: false (default)
        backup dir: backups (default)
        backup days: 30 (default)
    "#]]
    .assert_eq(&shown(Flags::default(), ""));
    expect![[r#"
        backup: true ([turso.backup] enabled in config.toml)
        backup dir: ../safe ([turso.backup] dir in config.toml)
        backup days: 7 ([turso.backup] retention_days in config.toml)
    "#]]
    .assert_eq(&shown(Flags::default(), toml));
    let flags = Flags {
        backup_dir: Some("here".into()),
        keep_days: Some(1),
        ..Flags::default()
    };
    expect![[r#"
        backup: true ([turso.backup] enabled in config.toml)
        backup dir: web/here (--dir)
        backup days: 1 (--keep-days)
    "#]]
    .assert_eq(&shown(flags, toml));
    let flags = Flags {
        keep_days: Some(0),
        ..Flags::default()
    };
    check(
        &Case {
            flags,
            ..Case::default()
        },
        expect![[r#"
            error: --keep-days is not a whole number from 1
              help: the newest good backup is kept whatever its age
        "#]],
    );
}

#[test]
fn a_command_without_a_database_is_not_stopped_by_database_settings() {
    let case = Case {
        env: &[("USE_TURSO", "YES"), ("USE_EMBEDDED_REPLICA", "YES")],
        toml: "[migrations]\ndir = \"db/migrations\"",
        ..Case::default()
    };
    let resolved = case.resolve();
    let project = resolved.project().unwrap();
    assert_eq!(project.migrations.value, Path::new("/app/db/migrations"));
    assert!(resolved.config().is_err());
    expect![[r#"
        mode: - ()
        database: - ()
        local file: local.db (default)
        migrations: db/migrations ([migrations] dir in config.toml)
    "#]]
    .assert_eq(&rows(
        &resolved,
        &["mode", "database", "local file", "migrations"],
    ));
}

#[test]
fn a_command_without_a_database_is_stopped_by_a_file_that_does_not_fit() {
    let case = Case {
        toml: "[seeds]\ndirs = \"x\"",
        ..Case::default()
    };
    assert!(case.resolve().project().is_err());
}

proptest! {
    #[test]
    fn no_text_of_either_file_panics(
        dotenv in "(USE_TURSO|TURSO_DATABASE_URL|A|export| |\t|=|'|\"|\\\\|#|\\$|\\{|\\}|\n|\r|\u{feff}|:|/|é|\0){0,30}",
        toml in "(\\[turso\\]|\\[local\\]|path|database_url|backup| |=|'|\"|\\\\|#|\\[|\\]|\\{|\\}|\\.|\n|\r|\u{feff}|é|\0|1){0,30}",
        database in "(file:|libsql|://|:|/|@|\\[|\\]|::1|127\\.1|localhost|\\?|#|%|é| |~|\\.){0,8}",
    ) {
        let flags = Flags {
            database: Some(database),
            ..Flags::default()
        };
        let case = Case {
            flags,
            dotenv: &dotenv,
            toml: &toml,
            ..Case::default()
        };
        let resolved = case.resolve();
        prop_assert_eq!(resolved.config().is_ok(), resolved.problems().is_empty());
        prop_assert!(!resolved.rows().is_empty());
    }
}
