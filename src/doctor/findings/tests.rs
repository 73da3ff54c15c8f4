use super::*;
use crate::config::{Moment, Origin};
use crate::db::{Code, EngineError};
use expect_test::{Expect, expect};
use std::time::UNIX_EPOCH;

fn shown(check: &Check) -> String {
    let Check {
        name,
        state,
        message,
        help,
        ..
    } = check;
    let help = help.as_ref().map(|help| format!("help: {help}\n"));
    format!(
        "{} {name}: {message}\n{}",
        state.word(),
        help.unwrap_or_default()
    )
}

const DAY: u64 = 24 * 60 * 60;

#[test]
fn a_token_tells_how_long_it_holds() {
    let now = UNIX_EPOCH + Duration::from_secs(1000 * DAY);
    let check = |expires: Option<u64>, access, expect: Expect| {
        let expires = expires.map(|days| Moment(i64::try_from(days * DAY).unwrap()));
        let claims = Claims { expires, access };
        expect.assert_eq(&shown(&claimed(
            claims,
            "TURSO_AUTH_TOKEN from .env",
            "my-app",
            now,
        )));
    };
    check(
        None,
        Access::Full,
        expect![[r#"
        ok token: TURSO_AUTH_TOKEN from .env; it does not expire
    "#]],
    );
    check(
        Some(1008),
        Access::Full,
        expect![[r#"
        ok token: TURSO_AUTH_TOKEN from .env; it holds until 1972-10-05 00:00:00 UTC
    "#]],
    );
    check(
        Some(1007),
        Access::Full,
        expect![[r#"
        warning token: TURSO_AUTH_TOKEN from .env; it expires in 7 days, on 1972-10-04 00:00:00 UTC
        help: make a new one with `turso db tokens create my-app`, and put it where the old one is: TURSO_AUTH_TOKEN from .env
    "#]],
    );
    check(
        Some(1001),
        Access::Full,
        expect![[r#"
        warning token: TURSO_AUTH_TOKEN from .env; it expires in 1 day, on 1972-09-28 00:00:00 UTC
        help: make a new one with `turso db tokens create my-app`, and put it where the old one is: TURSO_AUTH_TOKEN from .env
    "#]],
    );
    check(
        Some(1000),
        Access::Full,
        expect![[r#"
        error token: TURSO_AUTH_TOKEN from .env; it expired on 1972-09-27 00:00:00 UTC
        help: make a new one with `turso db tokens create my-app`, and put it where the old one is: TURSO_AUTH_TOKEN from .env
    "#]],
    );
    check(
        Some(1008),
        Access::ReadOnly,
        expect![[r#"
        warning token: TURSO_AUTH_TOKEN from .env; it holds until 1972-10-05 00:00:00 UTC, and allows reading only
        help: that is enough for `status`, `migrate --dry-run`, `inspect` and `doctor`; whatever writes needs another
    "#]],
    );
}

#[test]
fn the_url_is_compared_with_what_the_file_says() {
    let check = |text: &str, name: Option<&str>, organization: Option<&str>, expect: Expect| {
        let named = |key, value: &str| Setting {
            value: value.to_owned(),
            origin: Origin::Toml {
                path: "config.toml".into(),
                line: 1,
                column: 1,
                key,
            },
        };
        let settings = Turso {
            database_name: name.map(|it| named("[turso] database_name", it)),
            organization: organization.map(|it| named("[turso] organization", it)),
            ..Turso::default()
        };
        let found = turso(&RemoteUrl::parse(text).unwrap(), &settings);
        expect.assert_eq(&found.as_ref().map(shown).unwrap_or_default());
    };
    let users = "libsql://xswarm-users-your-org.turso.io";
    check(users, None, None, expect![""]);
    check(
        users,
        Some("xswarm"),
        Some("your-org"),
        expect![[r#"
        warning turso: the URL names xswarm-users-your-org, but [turso] database_name in config.toml says xswarm
        help: compare with `turso db show NAME --url`; nothing connects by [turso] database_name and organization
    "#]],
    );
    check(
        users,
        Some("xswarm-users"),
        Some("your-org"),
        expect![[r#"
        ok turso: the URL names the database of [turso]
    "#]],
    );
    check(
        users,
        Some("users"),
        Some("Your-Org"),
        expect![[r#"
        warning turso: the URL names xswarm-users-your-org, but [turso] database_name in config.toml says users
        help: compare with `turso db show NAME --url`; nothing connects by [turso] database_name and organization
    "#]],
    );
    check(
        users,
        Some("other"),
        Some("nobody"),
        expect![[r#"
        warning turso: the URL names xswarm-users-your-org, but [turso] database_name in config.toml says other and [turso] organization in config.toml says nobody
        help: compare with `turso db show NAME --url`; nothing connects by [turso] database_name and organization
    "#]],
    );
    check(
        "libsql://xswarm-users-your-org.aws-us-east-1.turso.io",
        Some("xswarm-users"),
        Some("your-org"),
        expect![[r#"
            ok turso: the URL names the database of [turso]
        "#]],
    );
    check(
        "http://127.0.0.1:8080",
        Some("a"),
        None,
        expect![[r#"
        skipped turso: the host is none of Turso's, so [turso] database_name and organization are not compared
    "#]],
    );
}

#[test]
fn a_file_is_told_as_it_is() {
    for (contents, beside, expect) in [
        (
            Contents::NoFolder,
            vec![],
            expect![[r#"
            error file: the folder of data/app.db does not exist
            help: create it, or name another file with `--database FILE`
        "#]],
        ),
        (
            Contents::Missing,
            vec![],
            expect![[r#"
            ok file: it does not exist yet; the first run makes it
        "#]],
        ),
        (
            Contents::Folder,
            vec![],
            expect![[r#"
            error file: data/app.db is a folder
            help: name another file with `--database FILE`
        "#]],
        ),
        (
            Contents::NoFile,
            vec![],
            expect![[r#"
            error file: data/app.db is not a regular file
            help: name another file with `--database FILE`
        "#]],
        ),
        (
            Contents::Foreign,
            vec![],
            expect![[r#"
            error file: data/app.db is not a SQLite database, or encrypted
            help: check whether it is the file that you meant, or name another with `--database FILE`
        "#]],
        ),
        (
            Contents::ReadOnly,
            vec![],
            expect![[r#"
            error file: data/app.db may not be written: only commands that read work
            help: give yourself the right to write the file and its folder
        "#]],
        ),
        (
            Contents::Database {
                bytes: 4096,
                journal: "wal",
            },
            vec!["-wal", "-shm"],
            expect![[r#"
                ok file: 4096 bytes, journal mode wal
            "#]],
        ),
        (
            Contents::Database {
                bytes: 4096,
                journal: "delete",
            },
            vec!["-journal"],
            expect![[r#"
                warning file: 4096 bytes, journal mode delete; a journal is beside it: a run is under way, or was killed
                help: the next write rolls it back; keep the two files together
            "#]],
        ),
    ] {
        let found = file(&File {
            path: "data/app.db".into(),
            contents,
            beside,
            abandoned: Vec::new(),
        });
        expect.assert_eq(&shown(&found));
    }
}

#[test]
fn rows_without_their_parent_are_counted() {
    let counted = |count| Ok([Value::Integer(count), Value::Integer(4096)]);
    expect![[r#"
        ok foreign keys: no row lacks the row that it refers to
    "#]]
    .assert_eq(&shown(&foreign_keys(counted(0), Engine::Local, &[])));
    expect![[r#"
        warning foreign keys: 3 rows refer to rows that are not there
        help: `SELECT * FROM pragma_foreign_key_check` lists them; migrations keep them from becoming more
    "#]].assert_eq(&shown(&foreign_keys(counted(3), Engine::Local, &[])));
    expect![[r#"
        warning foreign keys: 1000 rows or more refer to rows that are not there
        help: `SELECT * FROM pragma_foreign_key_check` lists them; migrations keep them from becoming more
    "#]].assert_eq(&shown(&foreign_keys(counted(1000), Engine::Local, &[])));
    let key = |table: &str, number: i64, column: &str, to: Option<&str>| {
        let to = to.map_or(Value::Null, Value::from);
        [
            table.into(),
            number.into(),
            "my p".into(),
            column.into(),
            to,
        ]
    };
    let queries = listing(&[
        key("c", 0, "p", Some("id")),
        key("c", 1, "a", Some("x")),
        key("c", 1, "b", Some("y")),
        key("d", 0, "p", None),
    ]);
    expect![[r#"
        warning foreign keys: 3 rows refer to rows that are not there
        help: `SELECT * FROM "c" AS c WHERE c."p" IS NOT NULL AND NOT EXISTS (SELECT 1 FROM "my p" AS p WHERE p."id" = c."p")` and `SELECT * FROM "c" AS c WHERE c."a" IS NOT NULL AND c."b" IS NOT NULL AND NOT EXISTS (SELECT 1 FROM "my p" AS p WHERE p."x" = c."a" AND p."y" = c."b")` and `SELECT * FROM "d" AS c WHERE c."p" IS NOT NULL` list them; migrations keep them from becoming more
    "#]]
    .assert_eq(&shown(&foreign_keys(counted(3), Engine::Turso, &queries)));
    let large = Ok([Value::Null, Value::Integer(300_000_000)]);
    expect![[r#"
        skipped foreign keys: the database has 300000000 bytes, and to check them reads every row
        help: `SELECT * FROM pragma_foreign_key_check` checks them, and can take long
    "#]]
    .assert_eq(&shown(&foreign_keys(large, Engine::Local, &[])));
    let mismatch = EngineError::new(Code::Other(1), "foreign key mismatch");
    expect![[r#"
        warning foreign keys: they cannot be checked: foreign key mismatch
    "#]]
    .assert_eq(&shown(&foreign_keys(
        Err(DbError::Read(mismatch)),
        Engine::Local,
        &[],
    )));
}

#[test]
fn a_pending_migration_and_a_token_that_only_reads_do_not_go_together() {
    use crate::migrations::{Migrations, PlanOptions, plan};
    let set = Migrations::embedded(&[("V1__a.sql", b"CREATE TABLE a (x);")]);
    let pending = plan(&set, &History::default(), &PlanOptions::default());
    expect![[r#"
        ok migrations: 1 pending
    "#]]
    .assert_eq(&shown(&migrations(&pending, Access::Full)));
    expect![[r#"
        error migrations: 1 pending, and the token allows reading only
        help: make a token that may write: `turso db tokens create NAME`
    "#]]
    .assert_eq(&shown(&migrations(&pending, Access::ReadOnly)));
    expect![[r#"
        ok migrations: nothing is pending
    "#]]
    .assert_eq(&shown(&migrations(
        &MigrationPlan::default(),
        Access::ReadOnly,
    )));
}

#[test]
fn the_warnings_of_a_plan_are_shown() {
    use crate::migrations::{Migrations, PlanOptions, plan};
    let set = Migrations::embedded(&[("V1__a.sql", b"CREATE TABLE a (x);")]);
    let history = History {
        tables: ["a".to_owned()].into(),
        ..History::default()
    };
    let planned = plan(&set, &history, &PlanOptions::default());
    expect![[r#"
        warning migrations: 1 pending; no migration is recorded, and the database has a already: this statement fails
        help: `status` shows where, and what to do
    "#]].assert_eq(&shown(&migrations(&planned, Access::Full)));
}

#[test]
fn what_a_killed_run_has_left_is_named_with_its_size() {
    let found = |abandoned: Vec<(PathBuf, u64)>| {
        super::abandoned(&File {
            path: "data/app.db".into(),
            contents: Contents::Missing,
            beside: Vec::new(),
            abandoned,
        })
    };
    assert!(found(Vec::new()).is_none());
    expect![[r#"
        warning left over: left by a run that was killed: app.db-building-1 (4096 bytes)
        help: the next command that changes the database removes it
    "#]]
    .assert_eq(&shown(
        &found(vec![("data/app.db-building-1".into(), 4096)]).unwrap(),
    ));
}
