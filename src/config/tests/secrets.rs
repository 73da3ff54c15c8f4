//! The token is in no output, whatever is wrong.

use super::{Case, said};
use crate::config::{Flags, Mode, RemoteUrl, Secret, UrlError, load};

const TOKEN: &str = "eyJhbGciOiJFZERTQSJ9.c2VjcmV0";

/// All that can be printed of a situation.
fn printed(case: &Case<'_>) -> String {
    let resolved = case.resolve();
    let mut all = said(&resolved);
    all += &format!("{resolved:?} {:#?}", resolved);
    all += &format!("{:?} {:?}", resolved.config(), resolved.project());
    if let Ok(config) = resolved.config() {
        all += &format!(
            "{} {:?}",
            config.database.value,
            config.database.value.mode()
        );
    }
    if let Err(error) = resolved.config() {
        all += &error.to_string();
    }
    for row in resolved.rows() {
        all += &format!("{row:?}");
    }
    all
}

#[test]
fn a_secret_prints_as_stars() {
    let secret = Secret::new(TOKEN);
    assert_eq!(format!("{secret} {secret:?} {secret:#?}"), "*** *** ***");
    assert_eq!(secret.expose(), TOKEN);
}

#[test]
fn no_output_holds_the_token() {
    let with = |text: &str| text.replace("TOKEN", TOKEN);
    let dotenvs = [
        "TURSO_AUTH_TOKEN=TOKEN",
        "TURSO_AUTH_TOKEN=TOKEN x",
        "TURSO_AUTH_TOKEN='TOKEN",
        "TURSO_AUTH_TOKEN TOKEN",
        "TOKEN",
        "TURSO_AUTH_TOKEN='a TOKEN'",
        "TURSO_AUTH_TOKEN='\"TOKEN\"'",
        "TURSO_AUTH_TOKEN=TOKEN\nTURSO_AUTH_TOKEN=TOKEN",
        "TURSO_AUTH_TOKEN=TOKEN\nTURSO_AUTH_TOKEN_FILE=TOKEN",
        "USE_TURSO=TOKEN",
        "DATABASE_URL=libsql://me:TOKEN@db.turso.io",
        "TURSO_DATABASE_URL=libsql://db.turso.io?authToken=TOKEN",
        "TURSO_DATABASE_URL=libsql://TOKEN@db.turso.io",
        "TURSO_DATABASE_URL=me:TOKEN@db.turso.io",
        "TURSO_DATABASE_URL=libsql://me:TOKEN/x@db.turso.io",
        "DATABASE_FILE=libsql://db.turso.io?authToken=TOKEN",
        "EMBEDDED_REPLICA_FILE=libsql://db.turso.io?authToken=TOKEN",
        "TURSO_AUTH_TOKEN_FILE=libsql://TOKEN",
        "TURSO_DATABASE_URL=TOKEN",
        "TURSO_DATABASE_URL=https://TOKEN",
    ];
    let tomls = [
        "",
        "[turso]\nauth_token = \"TOKEN\"",
        "[turso]\nauth_token = TOKEN",
        "[turso]\nauth_token = \"TOKEN",
        "[turso]\ndatabase_url = \"libsql://me:TOKEN@db.turso.io\"",
        "[turso]\ndatabase_url = [\"TOKEN\"]",
        "[local]\npath = \"https://TOKEN@db.turso.io\"",
    ];
    let databases = [
        None,
        Some("libsql://db.turso.io"),
        Some("http://db.turso.io"),
        Some("libsql://db.turso.io?authToken=TOKEN"),
        Some("libsql://me:TOKEN@db.turso.io"),
        Some("postgres://me:TOKEN@db.turso.io"),
        Some("file:app.db?token=TOKEN"),
    ];
    let modes = [
        None,
        Some(Mode::Local),
        Some(Mode::Remote),
        Some(Mode::Replica),
    ];
    for dotenv in dotenvs.map(with) {
        for toml in tomls.map(with) {
            for database in databases {
                for mode in modes {
                    for token_file in [None, Some(Ok(TOKEN)), Some(Ok("a eyJhbGciOiJFZERTQSJ9"))] {
                        let flags = Flags {
                            database: database.map(with),
                            mode,
                            ..Flags::default()
                        };
                        let case = Case {
                            flags,
                            dotenv: &dotenv,
                            toml: &toml,
                            token_file,
                            ..Case::default()
                        };
                        let printed = printed(&case).to_lowercase();
                        let at = printed
                            .find("eyJ")
                            .map(|at| &printed[at.saturating_sub(80)..]);
                        assert_eq!(at, None, "{dotenv} {toml} {database:?} {mode:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_token_in_place_of_its_file_is_not_told() {
    let temp = tempfile::tempdir().unwrap();
    let env = [
        ("TURSO_AUTH_TOKEN_FILE", TOKEN),
        ("TURSO_DATABASE_URL", "libsql://db.turso.io"),
        ("USE_TURSO", "YES"),
    ];
    let env = env.map(|(name, value)| (name.into(), value.into()));
    let resolved = load(&Flags::default(), temp.path(), env);
    let printed = format!("{}{resolved:?}{:?}", said(&resolved), resolved.rows());
    assert!(printed.contains("names a file that cannot be read"));
    assert!(!printed.contains("eyJ"));
}

#[test]
fn a_url_error_never_quotes_the_url() {
    let urls = [
        "eyJ:eyJ@h",
        "libsql://eyJ@h",
        "eyJ://h",
        "libsql://h:eyJ",
        "libsql://[eyJ]",
        "libsql://h\\eyJ@x",
        "libsql://h/ eyJ",
        "libsql://eyJ eyJ",
        "eyJ eyJ://x",
    ];
    for url in urls {
        let error: UrlError = RemoteUrl::parse(url).unwrap_err();
        // A scheme is named, as it is the one thing to correct; nothing secret stands there.
        if !matches!(error, UrlError::Scheme(_)) {
            assert!(!format!("{error} {error:?}").contains("eyJ"), "{url}");
        }
    }
}
