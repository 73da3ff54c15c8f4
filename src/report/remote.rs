//! What a server said, or did not say: in words, and what to do about it.

use std::time::SystemTime;

use super::words::keys;
use super::{Item, Report};
use crate::config::{self, Secret, Setting};
use crate::db::{RemoteError, Sent};
use crate::diagnostic::{Class, Diagnostic};
use crate::migrations::Done;
use crate::proxy::THROUGH;
use crate::script::Key;

const UNAUTHORIZED: &str = "unauthorized";

/// Why there is no answer from a server.
pub(super) fn diagnostic(error: &RemoteError) -> Diagnostic {
    let (code, help): (_, &str) = match error {
        RemoteError::Redirected { database, .. } => {
            return Diagnostic::error("redirected", error.to_string())
                .help(redirected(database.as_deref()));
        }
        RemoteError::Incomplete { .. } => (
            "incomplete-answer",
            "run the command again; if this stays so, see which proxy or gateway stands before the server, and what its log says",
        ),
        RemoteError::NoCertificates { named, .. } if !named.is_empty() => (
            "no-ca-certificates",
            "check whether that file or folder is there and holds certificates, or unset the variable: the system's are used then",
        ),
        RemoteError::NoCertificates { .. } => (
            "no-ca-certificates",
            "install them (Debian and Ubuntu: `apt-get install ca-certificates`; Alpine: `apk add ca-certificates`; Fedora: `dnf install ca-certificates`), or name a file of them in SSL_CERT_FILE",
        ),
        RemoteError::Unreachable { host, .. } if host.contains(THROUGH) => (
            "unreachable",
            "check whether the proxy is right and lets you reach that host; NO_PROXY names hosts that are reached without one; `doctor` checks each step",
        ),
        RemoteError::Unreachable { .. } => (
            "unreachable",
            "check whether the host and port are right and the network lets you reach them; `doctor` checks each step",
        ),
        RemoteError::NotEncrypted { .. } => (
            "tls",
            "check whether host and port are right, whether a server speaks TLS there (http:// is for this machine and, with `--allow-plain-http`, for private networks), and whether the clock of this machine is right",
        ),
        RemoteError::Lost { .. } => (
            "connection-lost",
            "check whether the server still runs, then run the command again",
        ),
        RemoteError::GivenUp { .. } => (
            "given-up",
            "the server may still run it: check what is there, then run the command again",
        ),
        RemoteError::Unauthorized {
            sent: Sent::NoToken,
            ..
        } => (
            UNAUTHORIZED,
            "put a token into TURSO_AUTH_TOKEN: for Turso, `turso db tokens create NAME` makes one; a server of your own takes what was signed with its key",
        ),
        RemoteError::Unauthorized { .. } => (
            UNAUTHORIZED,
            "put a new token into TURSO_AUTH_TOKEN: for Turso, `turso db tokens create NAME` makes one; a server of your own takes what was signed with its key",
        ),
        RemoteError::Forbidden { .. } => (
            "forbidden",
            "a change needs a token that may write: for Turso, `turso db tokens create NAME` makes one; where nothing is changed, see which firewall or proxy stands before the server",
        ),
        RemoteError::NotFound { .. } => (
            "no-such-database",
            "compare the URL with what `turso db show NAME --url` says; a server of your own with namespaces takes the first part of the host as the name of one, which its admin API creates (on this machine: http://NAME.localhost:PORT)",
        ),
        RemoteError::TooMany { .. } => ("too-many-requests", "wait a little and run it again"),
        RemoteError::Status { status: 413, .. } => (
            "request-too-large",
            "send less at once: `migrate --tx each` sends each migration by itself",
        ),
        RemoteError::Status {
            status: 300..=499, ..
        } => (
            "server-error",
            "check whether the URL is that of the database, and what the server's own log says; `doctor` checks each step",
        ),
        RemoteError::Status { .. } => ("server-error", "it may pass: run the command again"),
        RemoteError::NotHrana { .. } => (
            "not-a-libsql-server",
            "check whether the URL is that of the database, and not of a web page or a proxy",
        ),
        RemoteError::TooLarge { .. } => (
            "response-too-large",
            "do less at once: `migrate --tx each` sends each migration by itself",
        ),
        RemoteError::Oversized { .. } => (
            "response-too-large",
            "no libSQL server answers with so much: see what answers at that URL, and which proxy or gateway stands before the server",
        ),
        RemoteError::Ended { .. } => (
            "server-error",
            "see what the server's own log says, then run the command again",
        ),
    };
    Diagnostic::error(code, error.to_string()).help(help)
}

/// What to do about a redirect.
pub(super) fn redirected(database: Option<&str>) -> String {
    let url = database.and_then(|url| config::RemoteUrl::parse(url).ok());
    match url.filter(|url| url.is_encrypted() || url.is_loopback()) {
        Some(url) => format!(
            "if that is the right server, set TURSO_DATABASE_URL to {}; if not, see what answers at the URL that is set",
            url.base()
        ),
        None => "see what answers at the URL that is set, and set TURSO_DATABASE_URL to the URL of the database"
            .to_owned(),
    }
}

impl Report {
    /// The report with what the token itself tells, where the server refused it: where it came from, and since when it
    /// does not hold any more. `name` is what Turso calls the database.
    #[must_use]
    pub fn with_token(mut self, token: &Setting<Secret>, name: &str, now: SystemTime) -> Report {
        let origin = &token.origin;
        for diagnostic in &mut self.diagnostics {
            if diagnostic.code != UNAUTHORIZED {
                continue;
            }
            let expires = config::claims(&token.value).and_then(|claims| claims.expires);
            diagnostic.notes.push(match expires {
                Some(expires) if expires.after(now).is_none() => {
                    format!("the token expired on {expires}; it is {origin}")
                }
                _ => format!("the token is {origin}"),
            });
            diagnostic.help = vec![format!(
                "put a new one where the old one is: for Turso, `turso db tokens create {name}` makes it"
            )];
        }
        self
    }
}

/// Scripts whose outcome is unknown.
pub(super) fn unknown(lost: &RemoteError, units: &[Key], scripts: usize, done: &[Done]) -> Report {
    let mut diagnostic = diagnostic(lost).class(Class::Unknown);
    diagnostic.code = "outcome-unknown";
    let which = match scripts {
        1 => "all of it or none of it",
        _ => "each is a transaction of its own, in this order",
    };
    let units = keys(units);
    diagnostic
        .notes
        .push(format!("{units} may be in the database, or not: {which}"));
    let next = match lost {
        RemoteError::GivenUp { .. } => {
            diagnostic.help.clear();
            "the server may still be running it: `status` shows what is applied, and `migrate` continues"
        }
        RemoteError::Redirected { .. } => {
            "then `status` shows what is applied, and `migrate` continues"
        }
        _ => {
            diagnostic.help.clear();
            "once the server can be reached: `status` shows what is applied, and `migrate` continues"
        }
    };
    diagnostic.help.push(next.to_owned());
    Report {
        database: super::committed::before(done),
        items: done.iter().map(Item::done).collect(),
        ..Report::of(vec![diagnostic])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    use crate::config::Origin;
    use crate::db::DbError;
    use crate::report::{Paint, Style};
    use expect_test::{Expect, expect};

    /// `{"exp":1763763171}`, 2025-11-21.
    const TOKEN: &str = "eyJhbGciOiJFZERTQSJ9.eyJleHAiOjE3NjM3NjMxNzF9.c2lnbmF0dXJl";

    fn check(error: RemoteError, now: u64, expect: Expect) {
        let style = Style {
            paint: Paint::Plain,
            program: "cargo xtask",
            columns: None,
        };
        let token = Setting {
            value: Secret::new(TOKEN),
            origin: Origin::Environment("TURSO_AUTH_TOKEN"),
        };
        let now = UNIX_EPOCH + Duration::from_secs(now);
        let report = Report::history(&DbError::Remote(error).into());
        let text = report.with_token(&token, "my-app", now).text(style);
        assert!(!text.contains(TOKEN));
        expect.assert_eq(&text);
    }

    fn unauthorized() -> RemoteError {
        RemoteError::Unauthorized {
            host: "my-app-org.turso.io".to_owned(),
            sent: Sent::Token,
            words: "The JWT has expired".to_owned(),
        }
    }

    #[test]
    fn a_refused_token_tells_since_when_and_from_where() {
        check(
            unauthorized(),
            1_763_763_172,
            expect![[r#"
                error[unauthorized]: my-app-org.turso.io refused the token: The JWT has expired
                  |
                  = note: the token expired on 2025-11-21 22:12:51 UTC; it is TURSO_AUTH_TOKEN from the environment
                  = help: put a new one where the old one is: for Turso, `turso db tokens create my-app` makes it
            "#]],
        );
        check(
            unauthorized(),
            1_763_763_170,
            expect![[r#"
                error[unauthorized]: my-app-org.turso.io refused the token: The JWT has expired
                  |
                  = note: the token is TURSO_AUTH_TOKEN from the environment
                  = help: put a new one where the old one is: for Turso, `turso db tokens create my-app` makes it
            "#]],
        );
    }

    #[test]
    fn other_errors_say_nothing_of_the_token() {
        let error = RemoteError::NotFound {
            host: "my-app-org.turso.io".to_owned(),
            words: "no such namespace".to_owned(),
        };
        check(
            error,
            1_763_763_172,
            expect![[r#"
                error[no-such-database]: my-app-org.turso.io has no database there: no such namespace
                  |
                  = help: compare the URL with what `turso db show NAME --url` says; a server of your own with namespaces takes the first part of the host as the name of one, which its admin API creates (on this machine: http://NAME.localhost:PORT)
            "#]],
        );
    }
}
