//! Who may do what: bearer tokens signed with a key pair that is made when the server starts.
//!
//! Rules and words are sqld's (`auth/`): EdDSA only, `a` is `ro` or `rw`, `exp` is optional and has a leeway
//! of a minute.

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde::{Deserialize, Serialize};
use std::time::{SystemTime, UNIX_EPOCH};

/// What the bearer of a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// Everything.
    Full,
    /// Only what reads.
    ReadOnly,
}

/// What a request may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Rights {
    /// No token was asked for.
    #[default]
    Everything,
    /// A token that may write.
    Write,
    /// A token that may only read.
    Read,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    #[serde(skip_serializing_if = "Option::is_none")]
    a: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
}

/// The key pair of one server.
pub(crate) struct Keys {
    sign: EncodingKey,
    check: DecodingKey,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys")
    }
}

impl Keys {
    /// A new pair; an error only where the system gives no random numbers.
    pub(crate) fn generate() -> std::io::Result<Self> {
        let no_key = |error: &dyn std::fmt::Display| std::io::Error::other(error.to_string());
        let document = Ed25519KeyPair::generate_pkcs8(&ring::rand::SystemRandom::new())
            .map_err(|error| no_key(&error))?;
        let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).map_err(|error| no_key(&error))?;
        Ok(Keys {
            sign: EncodingKey::from_ed_der(document.as_ref()),
            check: DecodingKey::from_ed_der(pair.public_key().as_ref()),
        })
    }

    /// A token that is valid for this many seconds from now; less than -60 makes an expired one.
    pub(crate) fn token(&self, access: Access, expires_in: Option<i64>) -> Result<String, String> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |now| i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
        let claims = Claims {
            a: (access == Access::ReadOnly).then(|| "ro".to_owned()),
            exp: expires_in.map(|seconds| now + seconds),
        };
        jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), &claims, &self.sign)
            .map_err(|error| error.to_string())
    }

    /// What the value of an `Authorization` header permits, or why not, in sqld's words.
    pub(crate) fn rights(&self, header: Option<&str>) -> Result<Rights, &'static str> {
        let header = header.ok_or("Expected authorization header but none given")?;
        let (scheme, token) = header
            .split_once(' ')
            .ok_or("Auth string does not conform to '<scheme> <token>' form")?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(
                "The authentication scheme in the `Authorization` HTTP header is not supported",
            );
        }
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.required_spec_claims.remove("exp");
        match jsonwebtoken::decode::<Claims>(token, &self.check, &validation) {
            Ok(token) => match token.claims.a.as_deref() {
                None | Some("rw") => Ok(Rights::Write),
                Some("ro" | "roa") => Ok(Rights::Read),
                Some(_) => Err("The JWT is invalid"),
            },
            Err(error) => Err(match error.kind() {
                ErrorKind::ExpiredSignature => "The JWT has expired",
                ErrorKind::ImmatureSignature => "The JWT is immature (not valid yet)",
                ErrorKind::InvalidToken
                | ErrorKind::InvalidSignature
                | ErrorKind::InvalidAlgorithm
                | ErrorKind::Base64(_)
                | ErrorKind::Json(_)
                | ErrorKind::Utf8(_) => "The JWT is invalid",
                _ => "Authentication failed",
            }),
        }
    }
}
