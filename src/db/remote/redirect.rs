//! Where a redirect points to, in a form that can be printed. Pure.
//!
//! The protocol has no redirects, so none is followed: the token and the SQL would go to a host that no setting has
//! configured.

/// How much of a location is shown.
const SHOWN: usize = 200;

/// A `Location` header without secrets and control characters.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::db) struct Location {
    /// To be printed.
    pub(in crate::db) shown: String,
    /// The URL of the database at that place, where it can be configured as it is.
    pub(in crate::db) database: Option<String>,
}

/// Reads the header of the answer to a request to `base` and `path`. `token` is the one of that request.
pub(in crate::db) fn location(
    header: &[u8],
    base: &str,
    path: &str,
    token: Option<&str>,
) -> Location {
    let text = String::from_utf8_lossy(header);
    let text = text.trim();
    let address = text.split(['?', '#']).next().unwrap_or_default();
    let (masked, secrets) = masked(address, token);
    let mut shown = escaped(&masked);
    if address.len() < text.len() {
        shown.push_str("?…");
    }
    let is_url = ["https://", "http://"]
        .iter()
        .any(|scheme| address.to_ascii_lowercase().starts_with(scheme));
    let database = address
        .strip_suffix(path)
        .unwrap_or(address)
        .trim_end_matches('/');
    // A place that is not that of the protocol is a page: a login, or what a gateway shows instead.
    let of_host = address.split_once("://").map_or(address, |(_, rest)| rest);
    let is_database = address.ends_with(path) || !of_host.trim_end_matches('/').contains('/');
    let is_plain = !secrets && address.len() <= SHOWN && address.chars().all(is_printed);
    Location {
        shown,
        database: (is_url && is_plain && is_database && database != base)
            .then(|| database.to_owned()),
    }
}

/// Without a user, a password or a token in it, and whether there was any.
fn masked(address: &str, token: Option<&str>) -> (String, bool) {
    let (scheme, rest) = match address.split_once("//") {
        Some((scheme, rest)) => (format!("{scheme}//"), rest),
        None => (String::new(), address),
    };
    let mut secrets = false;
    let mut mask = |part: &str| -> String {
        let ours = token.is_some_and(|token| !token.is_empty() && part.contains(token));
        // The base64 of `{"`, which every token begins with.
        match ours || part.contains("eyJ") {
            true => {
                secrets = true;
                "…".to_owned()
            }
            false => part.to_owned(),
        }
    };
    let parts: Vec<String> = rest.split('/').map(&mut mask).collect();
    let mut rest = parts.join("/");
    // A user may hold any character, so the last `@` of the address counts.
    if let Some((_, host)) = rest.rsplit_once('@') {
        rest = format!("…@{host}");
        secrets = true;
    }
    (scheme + &rest, secrets)
}

fn is_printed(char: char) -> bool {
    char.is_ascii_graphic()
}

/// Everything but printable ASCII as an escape, so that a server cannot write to a terminal.
fn escaped(text: &str) -> String {
    let mut shown = String::new();
    for (number, char) in text.chars().enumerate() {
        match char {
            _ if number == SHOWN => {
                shown.push('…');
                break;
            }
            ' ' | '…' => shown.push(char),
            char if is_printed(char) => shown.push(char),
            char => shown.extend(char.escape_default()),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "secret.token";

    fn check(header: &str, shown: &str, database: Option<&str>) {
        let base = "https://a.turso.io";
        let found = location(header.as_bytes(), base, "/v3/pipeline", Some(TOKEN));
        assert_eq!(found.shown, shown, "{header:?}");
        assert_eq!(found.database.as_deref(), database, "{header:?}");
        assert!(!found.shown.contains(TOKEN));
    }

    #[test]
    fn the_database_is_the_location_without_the_path_of_the_request() {
        check(
            "https://b.turso.io/v3/pipeline",
            "https://b.turso.io/v3/pipeline",
            Some("https://b.turso.io"),
        );
        check(
            "https://b.turso.io/db/v3/pipeline",
            "https://b.turso.io/db/v3/pipeline",
            Some("https://b.turso.io/db"),
        );
        check(
            "http://127.0.0.1:8080/",
            "http://127.0.0.1:8080/",
            Some("http://127.0.0.1:8080"),
        );
        // The same place again, a path alone, and nothing at all.
        check(
            "https://a.turso.io/v3/pipeline",
            "https://a.turso.io/v3/pipeline",
            None,
        );
        check("/login", "/login", None);
        // A page, and no database.
        check(
            "https://sso.example.com/auth?to=x",
            "https://sso.example.com/auth?…",
            None,
        );
        check("//b.turso.io/x", "//b.turso.io/x", None);
        check("", "", None);
    }

    #[test]
    fn secrets_in_a_location_are_masked() {
        check(
            "https://me:pw@b.turso.io/v3/pipeline",
            "https://…@b.turso.io/v3/pipeline",
            None,
        );
        check(
            "https://me:p/w@b.turso.io/x",
            "https://…@b.turso.io/x",
            None,
        );
        check("//me@b/x", "//…@b/x", None);
        check(
            "https://b.turso.io/v3/pipeline?authToken=secret.token&x",
            "https://b.turso.io/v3/pipeline?…",
            Some("https://b.turso.io"),
        );
        check("https://b/#secret.token", "https://b/?…", Some("https://b"));
        check("https://b/t/secret.token/x", "https://b/t/…/x", None);
        check("https://b/eyJhbGciOi.x.y", "https://b/…", None);
        check("https://secret.token/", "https://…/", None);
    }

    #[test]
    fn a_location_cannot_write_to_a_terminal() {
        check(
            "https://b/\u{1b}[2J\u{202e}\u{7f}é",
            "https://b/\\u{1b}[2J\\u{202e}\\u{7f}\\u{e9}",
            None,
        );
        let long = format!("https://b/{}", "x".repeat(500));
        let found = location(long.as_bytes(), "", "/", None);
        assert_eq!(found.shown.chars().count(), SHOWN + 1);
        assert_eq!(found.database, None);
        let odd = location(b"https://b/\xff", "", "/", None);
        assert_eq!(odd.shown, "https://b/\\u{fffd}");
    }
}
