//! What `doctor` finds on the way to a database.

use std::ffi::OsString;
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use seedbed::config::{Database, Flags, load};
use seedbed::db::{Db, Options};
use seedbed::doctor::{Check, State, Subject, examine, misconfigured};

use crate::server::Server;

/// Its claims are `{"exp":1763763171}`, in November 2025.
const TOKEN: &str = "eyJhbGciOiJFZERTQSJ9.eyJleHAiOjE3NjM3NjMxNzF9.c2lnbmF0dXJl";
const EXPIRES: u64 = 1_763_763_171;

/// The checks of a project with one migration, as `name:state` where the state is not `ok`.
async fn examined(folder: &Path, database: &str, env: &[(&str, &str)], now: u64) -> String {
    std::fs::create_dir_all(folder.join("migrations")).unwrap();
    std::fs::write(folder.join("migrations/V1__a.sql"), "CREATE TABLE a (x);").unwrap();
    let flags = Flags::default().database(Some(database.to_owned()));
    let env = env
        .iter()
        .map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let resolved = load(&flags, folder, env);
    let config = match resolved.config() {
        Ok(config) => config,
        Err(error) => return shown(&misconfigured(&error)),
    };
    let db = match &config.database.value {
        Database::Local { path } => Db::local(path, Options::default()).unwrap(),
        Database::Remote { url, token } => {
            let token = token.as_ref().map(|token| token.value.expose());
            Db::remote(&url.base(), token, Options::default()).unwrap()
        }
        other => panic!("{other:?}"),
    };
    let subject = Subject {
        config: &config,
        rows: &resolved.rows(),
        db: &db,
    };
    let now: SystemTime = UNIX_EPOCH + Duration::from_secs(now);
    shown(&examine(subject, now).await)
}

fn shown(checks: &[Check]) -> String {
    for check in checks {
        let all = format!("{check:?}");
        assert!(!all.contains("c2lnbmF0dXJl"), "{all}");
    }
    let odd = checks.iter().filter(|check| check.state != State::Ok);
    let odd: Vec<String> = odd
        .map(|check| format!("{}:{}", check.name, check.state.word()))
        .collect();
    odd.join(" ")
}

#[tokio::test]
async fn a_local_file_that_is_well() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(examined(folder.path(), "app.db", &[], EXPIRES).await, "");
    assert!(!folder.path().join("app.db").exists());
}

#[tokio::test]
async fn a_file_that_is_none_ends_the_way() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("app.db"), "this is only a text").unwrap();
    assert_eq!(
        examined(folder.path(), "app.db", &[], EXPIRES).await,
        "file:error read:skipped records:skipped migrations:skipped foreign keys:skipped"
    );
}

#[tokio::test]
async fn settings_that_do_not_hold_end_the_way() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(
        examined(folder.path(), "libsql://a.turso.io", &[], EXPIRES).await,
        "settings:error server:skipped database:skipped records:skipped migrations:skipped"
    );
}

#[tokio::test]
async fn a_port_that_nobody_listens_on_ends_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    assert_eq!(
        examined(folder.path(), &url, &[], EXPIRES).await,
        "dns:skipped tcp:error read:skipped records:skipped migrations:skipped foreign keys:skipped"
    );
}

#[tokio::test]
async fn a_server_that_is_well() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let well = "dns:skipped tls:skipped";
    assert_eq!(examined(folder.path(), &server.url(), &[], 0).await, well);
    let env = [("TURSO_AUTH_TOKEN", TOKEN)];
    for (days_left, expect) in [
        (8, well.to_owned()),
        (7, format!("token:warning {well}")),
        (0, format!("token:error {well}")),
    ] {
        let now = EXPIRES - days_left * 24 * 60 * 60;
        let found = examined(folder.path(), &server.url(), &env, now).await;
        assert_eq!(found, expect);
    }
}
