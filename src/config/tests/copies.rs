//! The two databases of a copy: which token is sent to which server.

use expect_test::expect;

use super::{Case, check, database, said};
use crate::config::{Copied, Flags, Side, Sources, resolve};

const SHOP: &str = "libsql://shop.turso.io";
const OTHER: &str = "libsql://other.turso.io";

fn flags(side: Side, text: &str, other_is_remote: bool) -> Flags {
    Flags {
        copied: Some(Copied {
            side,
            other_is_remote,
        }),
        ..database(text)
    }
}

/// The token that is sent to each of the two, or why none is.
fn tokens(from: &str, to: &str, env: &[(&str, &str)]) -> String {
    let is_remote = |text: &str| text.contains("://");
    let sides = [(Side::From, from, to), (Side::To, to, from)];
    let told = sides.map(|(side, text, other)| {
        let sources = Sources {
            flags: flags(side, text, is_remote(other)),
            env: env
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            ..Sources::default()
        };
        let name = side.argument();
        match resolve(&sources).config() {
            Ok(config) => match config.token() {
                Some(token) => format!("{name} gets {}", token.value.expose()),
                None => format!("{name} gets none"),
            },
            Err(error) => format!("{name}: {}", error.problems()[0].message),
        }
    });
    told.join("; ")
}

#[test]
fn a_token_is_sent_to_its_own_server_only() {
    let url = |url| ("TURSO_DATABASE_URL", url);
    let token = ("TURSO_AUTH_TOKEN", "main");
    let (from, to) = (("SEEDBED_FROM_TOKEN", "f"), ("SEEDBED_TO_TOKEN", "t"));
    for (source, target, env, expect) in [
        ("app.db", SHOP, vec![token], "FROM gets none; TO gets main"),
        (SHOP, "app.db", vec![token], "FROM gets main; TO gets none"),
        (
            "app.db",
            SHOP,
            vec![token, url(SHOP)],
            "FROM gets none; TO gets main",
        ),
        (
            "app.db",
            SHOP,
            vec![token, url("https://SHOP.turso.io:443/")],
            "FROM gets none; TO gets main",
        ),
        (
            "app.db",
            SHOP,
            vec![token, url(OTHER)],
            "FROM gets none; TO: SEEDBED_TO_TOKEN must be set for libsql://shop.turso.io",
        ),
        (
            SHOP,
            OTHER,
            vec![token],
            "FROM: SEEDBED_FROM_TOKEN must be set for libsql://shop.turso.io; \
             TO: SEEDBED_TO_TOKEN must be set for libsql://other.turso.io",
        ),
        (
            SHOP,
            OTHER,
            vec![token, url(OTHER), from],
            "FROM gets f; TO gets main",
        ),
        (
            SHOP,
            OTHER,
            vec![token, url(SHOP), to],
            "FROM gets main; TO gets t",
        ),
        (SHOP, OTHER, vec![from, to], "FROM gets f; TO gets t"),
        // The other server is one too, though it is this machine.
        (
            "http://127.0.0.1:80",
            SHOP,
            vec![token],
            "FROM gets none; TO: SEEDBED_TO_TOKEN must be set for libsql://shop.turso.io",
        ),
        (
            "http://127.0.0.1:80",
            "x.db",
            vec![token, url(SHOP)],
            "FROM gets none; TO gets none",
        ),
        (
            "x.db",
            "http://db.example.com",
            vec![to],
            "FROM gets none; TO: SEEDBED_TO_TOKEN from the environment is not sent to \
             http://db.example.com over plain http, where anyone on the way could read it",
        ),
    ] {
        assert_eq!(tokens(source, target, &env), expect, "{source} {target}");
    }
}

#[test]
fn a_missing_token_names_the_variable_and_never_the_other_token() {
    check(
        &Case {
            flags: flags(Side::To, OTHER, true),
            env: &[("TURSO_AUTH_TOKEN", "hidden"), ("TURSO_DATABASE_URL", SHOP)],
            ..Case::default()
        },
        expect![[r#"
            error: SEEDBED_TO_TOKEN must be set for libsql://other.turso.io
              help: set it in the environment or .env; `turso db tokens create NAME` makes one. TURSO_AUTH_TOKEN is for the server of TURSO_DATABASE_URL, and is sent to no other
        "#]],
    );
    let refused = said(
        &Case {
            flags: flags(Side::From, "libsql://me:pw@other.turso.io", false),
            ..Case::default()
        }
        .resolve(),
    );
    assert!(refused.starts_with("error: FROM holds"), "{refused}");
}

/// The encryption key that is sent to each of the two databases of a copy.
fn keys(from: &str, to: &str, url: Option<&str>) -> Vec<Option<String>> {
    let sides = [(Side::From, from, to), (Side::To, to, from)];
    let env = [
        ("TURSO_DB_REMOTE_ENCRYPTION_KEY", "a2V5"),
        ("SEEDBED_FROM_TOKEN", "f"),
        ("SEEDBED_TO_TOKEN", "t"),
    ];
    let env = env
        .into_iter()
        .chain(url.map(|url| ("TURSO_DATABASE_URL", url)));
    let env: Vec<(String, String)> = env.map(|(a, b)| (a.to_owned(), b.to_owned())).collect();
    let told = sides.map(|(side, text, other)| {
        let sources = Sources {
            flags: flags(side, text, other.contains("://")),
            env: env.iter().cloned().collect(),
            ..Sources::default()
        };
        let config = resolve(&sources).config().unwrap();
        config
            .encryption_key
            .map(|key| key.value.expose().to_owned())
    });
    told.into()
}

#[test]
fn an_encryption_key_is_sent_to_its_own_server_only() {
    let key = || Some("a2V5".to_owned());
    assert_eq!(keys("app.db", SHOP, None), [None, key()]);
    assert_eq!(keys(SHOP, "app.db", None), [key(), None]);
    assert_eq!(keys(SHOP, OTHER, None), [None, None]);
    assert_eq!(keys(SHOP, OTHER, Some(SHOP)), [key(), None]);
    assert_eq!(keys(OTHER, SHOP, Some(SHOP)), [None, key()]);
    assert_eq!(keys("app.db", OTHER, Some(SHOP)), [None, None]);
}

#[test]
fn an_encryption_key_is_a_secret_that_plain_http_does_not_carry() {
    let resolved = |url: &str, key: &str| {
        let env = [
            ("TURSO_DB_REMOTE_ENCRYPTION_KEY", key),
            ("TURSO_DATABASE_URL", url),
            ("TURSO_AUTH_TOKEN", "t"),
            ("USE_TURSO", "YES"),
        ];
        let env = env.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
        resolve(&Sources {
            env: env.collect(),
            ..Sources::default()
        })
    };
    let good = resolved(SHOP, "a2V5");
    let row = good
        .rows()
        .into_iter()
        .find(|row| row.name == "encryption key")
        .unwrap();
    assert_eq!(row.value, "***");
    assert_eq!(
        row.origin,
        "TURSO_DB_REMOTE_ENCRYPTION_KEY from the environment"
    );
    assert!(!format!("{:?}", good.config()).contains("a2V5"));
    for (url, key) in [
        (SHOP, "'a2V5'"),
        (SHOP, "a2\nV5"),
        ("http://10.0.0.1:8080", "a2V5"),
    ] {
        let error = resolved(url, key).config().unwrap_err().to_string();
        assert!(!error.contains("V5"), "{error}");
    }
}
