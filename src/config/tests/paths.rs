//! Where paths start from, and what is read from where.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use expect_test::{Expect, expect};

use super::{Case, check, rows, said, with_slashes};
use crate::config::variables::HOME;
use crate::config::{Flags, Resolved, load, project_root};

#[test]
fn flags_start_from_the_working_folder_and_everything_else_from_the_root() {
    let case = Case {
        flags: Flags {
            migrations: Some("m".into()),
            replica_file: Some("../r.db".into()),
            ..Flags::default()
        },
        env: &[("DATABASE_FILE", "./data/app.db"), ("USE_TURSO", "NO")],
        toml: "[seeds]\ndir = \"/srv/seeds\"\n[turso.backup]\ndir = \"~/backups\"",
        ..Case::default()
    };
    let names = [
        "root",
        "local file",
        "replica file",
        "migrations",
        "seeds",
        "backup dir",
    ];
    expect![[r#"
        root: /app ()
        local file: data/app.db (DATABASE_FILE from the environment)
        replica file: web/../r.db (--replica-file)
        migrations: web/m (--migrations)
        seeds: /srv/seeds ([seeds] dir in config.toml)
        backup dir: /home/me/backups ([turso.backup] dir in config.toml)
    "#]]
    .assert_eq(&rows(&case.resolve(), &names));
}

#[test]
fn a_path_that_cannot_be_one_is_an_error() {
    check(
        &Case {
            flags: Flags {
                migrations: Some("".into()),
                ..Flags::default()
            },
            env: &[(HOME, ""), ("DATABASE_FILE", "~/app.db")],
            toml: "[seeds]\ndir = \"~other/seeds\"\n[turso.backup]\ndir = \"s3://bucket\"",
            ..Case::default()
        },
        expect![[r#"
            error: --migrations is empty
              help: leave it out to have the default
            error: config.toml:2:1: [seeds] dir starts with the home folder of a named user, which is not looked up
              help: write the whole path, or ~/ for your own
            error: config.toml:4:1: [turso.backup] dir holds a URL where a path is expected
              help: the URL of a remote goes into TURSO_DATABASE_URL, with USE_TURSO=YES or USE_EMBEDDED_REPLICA=YES
            error: DATABASE_FILE from the environment starts with ~, but the environment names no home folder
              help: write the whole path
        "#]],
    );
}

#[test]
fn the_root_is_the_nearest_folder_that_looks_like_one() {
    let temp = tempfile::tempdir().unwrap();
    let deep = temp.path().join("repo/service/src");
    fs::create_dir_all(&deep).unwrap();
    fs::create_dir(temp.path().join("repo/.git")).unwrap();
    let root = |expect: &str| {
        let found = project_root(&deep);
        assert_eq!(found.strip_prefix(temp.path()).unwrap(), Path::new(expect));
    };
    root("repo");
    fs::create_dir(temp.path().join("repo/service/migrations")).unwrap();
    root("repo/service");
    fs::write(deep.join("config.toml"), "").unwrap();
    root("repo/service/src");
}

#[test]
fn a_folder_of_migrations_without_sql_is_no_root_below_a_project() {
    let check = |files: &[&str], cwd: &str, expect: &str| {
        let temp = tempfile::tempdir().unwrap();
        for file in files {
            let path = temp.path().join(file);
            if file.ends_with('/') {
                fs::create_dir_all(path).unwrap();
                continue;
            }
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let cwd = temp.path().join(cwd);
        fs::create_dir_all(&cwd).unwrap();
        let found = project_root(&cwd);
        assert_eq!(
            found.strip_prefix(temp.path()).unwrap(),
            Path::new(expect),
            "{files:?}"
        );
    };
    let module = "app/src/migrations/mod.rs";
    check(&["app/config.toml", module], "app/src", "app");
    check(&["app/.git/HEAD", module], "app/src/deep", "app");
    check(&["app/migrations/V1__a.sql", module], "app/src", "app");
    check(
        &["app/migrations/2026/up.sql", module],
        "app/src/migrations",
        "app",
    );
    check(
        &["app/config.toml", "app/src/migrations/nested/V1__a.SQL"],
        "app/src",
        "app/src",
    );
    // Where nothing else is there, it is still the only sign of a project.
    check(&[module], "app/src/deep", "app/src");
    // A service without migrations yet, in a repository of several.
    check(&[".git/HEAD", "app/migrations/"], "app/src", "app");
    check(&["config.toml", "app/.git/HEAD", module], "app/src", "app");
}

#[test]
fn an_empty_folder_of_migrations_begins_a_project_below_another_one() {
    let check = |files: &[&str]| {
        let temp = tempfile::tempdir().unwrap();
        let below = temp.path().join("app/tool");
        fs::create_dir_all(below.join("migrations")).unwrap();
        for file in files {
            let path = temp.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let found = project_root(&below);
        assert_eq!(found, below, "{files:?}");
    };
    check(&["app/migrations/V1__a.sql"]);
    check(&["app/config.toml"]);
    check(&["app/config.toml", "app/tool/migrations/.gitkeep"]);
    check(&["app/.git/HEAD", "app/migrations/V1__a.sql"]);
}

/// What `load` says in a folder with these files; its own path is shown as `TEMP`.
fn check_load(
    files: &[(&str, &[u8])],
    flags: &Flags,
    env: &[(&str, &str)],
    expect: Expect,
) -> Resolved {
    let temp = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = temp.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let cwd = temp.path().join("app/web");
    fs::create_dir_all(&cwd).unwrap();
    let env = env
        .iter()
        .map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let resolved = load(flags, &cwd, env);
    let said = said(&resolved).replace(&with_slashes(&temp.path().display().to_string()), "TEMP");
    expect.assert_eq(&said);
    resolved
}

#[test]
fn the_files_of_the_root_are_read() {
    let resolved = check_load(
        &[
            (
                "app/config.toml",
                b"[turso]\ndatabase_url = \"libsql://db.turso.io\"",
            ),
            (
                "app/.env",
                b"USE_TURSO=YES\nTURSO_AUTH_TOKEN_FILE=secret/token\n",
            ),
            ("app/secret/token", b"eyJ.t\n"),
        ],
        &Flags::default(),
        &[("UNRELATED", "x")],
        expect![[r#"
            target: remote libsql://db.turso.io ([turso] database_url in config.toml)
        "#]],
    );
    expect![[r#"
        config file: config.toml ()
        env file: .env ()
        token: *** (TURSO_AUTH_TOKEN_FILE from .env)
    "#]]
    .assert_eq(&rows(&resolved, &["config file", "env file", "token"]));
}

#[test]
fn files_that_nobody_named_may_be_missing_and_named_ones_may_not() {
    check_load(
        &[],
        &Flags::default(),
        &[],
        expect![[r#"
            target: local local.db (default)
        "#]],
    );
    let flags = Flags {
        config: Some("none.toml".into()),
        env_file: Some("../.env.ci".into()),
        ..Flags::default()
    };
    check_load(
        &[("app/config.toml", b"")],
        &flags,
        &[],
        expect![[r#"
            error: none.toml: --config names a file that cannot be read: no such file
              help: check the path, or leave --config out
            error: ../.env.ci: --env-file names a file that cannot be read: no such file
              help: check the path, or leave --env-file out
        "#]],
    );
}

#[test]
fn named_files_take_the_place_of_the_usual_ones() {
    let flags = Flags {
        config: Some("other.toml".into()),
        env_file: Some("ci.env".into()),
        ..Flags::default()
    };
    check_load(
        &[
            ("app/config.toml", b"[local]\npath = \"usual.db\""),
            ("app/.env", b"USE_TURSO=maybe"),
            ("app/web/other.toml", b"[local]\npath = \"other.db\""),
            ("app/web/ci.env", b"USE_TURSO=NO"),
        ],
        &flags,
        &[],
        expect![[r#"
            target: local other.db ([local] path in other.toml)
        "#]],
    );
}

#[test]
fn files_that_are_no_text_are_errors() {
    check_load(
        &[
            ("app/config.toml", b"\xff\xfe[\0l\0"),
            ("app/.env", b"\xff\xfeU\0"),
        ],
        &Flags::default(),
        &[],
        expect![[r#"
            error: config.toml: cannot be read: it is not UTF-8 text
              help: save the file as UTF-8
            error: .env: cannot be read: it is not UTF-8 text
              help: save the file as UTF-8
        "#]],
    );
}

#[test]
fn a_token_file_that_is_missing_matters_only_to_a_remote() {
    let env = [("TURSO_AUTH_TOKEN_FILE", "none")];
    check_load(
        &[("app/config.toml", b"")],
        &Flags::default(),
        &env,
        expect![[r#"
            target: local local.db (default)
        "#]],
    );
    let flags = Flags {
        database: Some("libsql://db.turso.io".to_owned()),
        ..Flags::default()
    };
    check_load(
        &[("app/config.toml", b"")],
        &flags,
        &env,
        expect![[r#"
            error: TURSO_AUTH_TOKEN_FILE from the environment names a file that cannot be read: no such file
        "#]],
    );
}

#[cfg(unix)]
#[test]
fn a_variable_of_ours_that_is_no_text_is_an_error_and_others_are_not_looked_at() {
    use std::os::unix::ffi::OsStringExt;
    let temp = tempfile::tempdir().unwrap();
    let bad = || OsString::from_vec(vec![0xff]);
    let env = [(OsString::from("DATABASE_FILE"), bad()), (bad(), bad())];
    expect![[r#"
        error: DATABASE_FILE from the environment is not UTF-8 text
    "#]]
    .assert_eq(&said(&load(&Flags::default(), temp.path(), env)));
}
