//! What a token says of itself: until when it holds, and what it allows. Its signature is not looked at: whether a
//! token is good is the server's to say.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use time::OffsetDateTime;
use time::macros::format_description;

use super::secret::Secret;
use crate::base64;

/// The claims of a token: <https://www.rfc-editor.org/rfc/rfc7519#section-4>, and
/// <https://github.com/tursodatabase/libsql/blob/main/libsql-server/src/auth/authorized.rs>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claims {
    /// When it ends; none: never.
    pub expires: Option<Moment>,
    /// What it allows.
    pub access: Access,
}

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// Reading and writing, as far as the token tells.
    Full,
    /// Reading only.
    ReadOnly,
}

/// Seconds since 1970, UTC. `Display` is as people read it: `2026-11-21 22:12:51 UTC`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub i64);

impl Moment {
    /// How long it is until then; none where it is past.
    pub fn after(self, now: SystemTime) -> Option<Duration> {
        let then = u64::try_from(self.0).ok()?;
        let then = UNIX_EPOCH.checked_add(Duration::from_secs(then))?;
        then.duration_since(now).ok().filter(|left| !left.is_zero())
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
        let text = OffsetDateTime::from_unix_timestamp(self.0)
            .ok()
            .and_then(|then| then.format(format).ok());
        match text {
            Some(text) => f.write_str(&text),
            // Beyond the year 9999.
            None => write!(f, "second {} of 1970", self.0),
        }
    }
}

/// What a token says of itself; none where it is no JWT.
pub fn claims(token: &Secret) -> Option<Claims> {
    let mut parts = token.expose().split('.');
    let (Some(_), Some(payload), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let mut payload = payload.as_bytes().to_vec();
    base64::decode_in_place(&mut payload, 0)?;
    let claims: Value = serde_json::from_slice(&payload).ok()?;
    let claims = claims.as_object()?;
    let number = |value: &Value| {
        #[allow(clippy::cast_possible_truncation)]
        let whole = |seconds: f64| seconds as i64;
        value.as_i64().or_else(|| value.as_f64().map(whole))
    };
    Some(Claims {
        expires: claims.get("exp").and_then(number).map(Moment),
        access: access(claims.get("a"), claims.get("p")),
    })
}

/// `a` is one word for the whole database, `p` lists what may be read and what may be written.
fn access(a: Option<&Value>, p: Option<&Value>) -> Access {
    let granted = |name: &str| {
        let grant = p.and_then(|p| p.get(name));
        grant.is_some_and(|grant| !grant.is_null())
    };
    let reads = granted("ro") || granted("roa");
    let writes = granted("rw") || granted("rwa");
    match a.and_then(Value::as_str) {
        Some("ro" | "roa") => Access::ReadOnly,
        None if reads && !writes => Access::ReadOnly,
        _ => Access::Full,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A token with these claims, and a signature that is not checked.
    fn token(claims: &str) -> Secret {
        let payload = base64::encode(claims.as_bytes());
        let payload = payload.replace('+', "-").replace('/', "_");
        let payload = payload.trim_end_matches('=');
        Secret::new(format!("eyJhbGciOiJFZERTQSJ9.{payload}.c2lnbmF0dXJl"))
    }

    #[test]
    fn a_token_tells_when_it_ends_and_what_it_allows() {
        let full = |expires| Claims {
            expires,
            access: Access::Full,
        };
        let read_only = Claims {
            expires: None,
            access: Access::ReadOnly,
        };
        for (text, expect) in [
            (
                r#"{"exp":1763763171,"iat":1}"#,
                full(Some(Moment(1_763_763_171))),
            ),
            (r#"{"exp":1763763171.9}"#, full(Some(Moment(1_763_763_171)))),
            (r#"{"a":"rw"}"#, full(None)),
            (r#"{"a":"ro"}"#, read_only),
            (r#"{"p":{"ro":{"ns":["x"]},"rw":null}}"#, read_only),
            (r#"{"p":{"ro":{"ns":["x"]},"rw":{"ns":["x"]}}}"#, full(None)),
            ("{}", full(None)),
        ] {
            assert_eq!(claims(&token(text)), Some(expect), "{text}");
        }
    }

    #[test]
    fn what_is_no_jwt_says_nothing() {
        for text in [
            "",
            "secret",
            "a.b",
            "a.b.c",
            "a.!!.c",
            "a.W10.c",
            "a.e30.c.d",
        ] {
            assert_eq!(claims(&Secret::new(text)), None, "{text}");
        }
    }

    #[test]
    fn moments_are_told_in_utc() {
        assert_eq!(Moment(1_763_763_171).to_string(), "2025-11-21 22:12:51 UTC");
        assert_eq!(
            Moment(i64::MAX).to_string(),
            format!("second {} of 1970", i64::MAX)
        );
        let now = UNIX_EPOCH + Duration::from_secs(100);
        assert_eq!(Moment(160).after(now), Some(Duration::from_secs(60)));
        assert_eq!(Moment(100).after(now), None);
        assert_eq!(Moment(-5).after(now), None);
    }
}
