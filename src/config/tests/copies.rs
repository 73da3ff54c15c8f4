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
