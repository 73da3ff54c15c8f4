//! Secrets on their way into a database: `!hash` makes one unreadable, and a guess at how easily one is guessed.
//!
//! Nothing here keeps, prints or compares a secret with what a database holds.

use std::ops::Range;

use argon2::Argon2;
use argon2::password_hash::PasswordHasher;
use argon2::password_hash::phc::PasswordHash;

use super::files::with_companions;
use super::model::{Expr, SeedFile};
use crate::script::RecordedText;

/// The argon2id hash of a secret as a PHC string, `$argon2id$v=19$m=19456,t=2,p=1$…`, with a random salt: no two calls
/// return the same. Memory and passes are the least that OWASP recommends:
/// <https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#argon2id>.
///
/// # Errors
/// Where the system has no random numbers, or no memory: in words, without the secret.
pub(super) fn hash(secret: &str) -> Result<String, String> {
    let hash: Result<PasswordHash, _> = Argon2::default().hash_password(secret.as_bytes());
    hash.map(|hash| hash.to_string())
        .map_err(|error| format!("argon2id: {error}"))
}

/// What is recorded of a file: its text without secrets, with the files that belong to it behind it.
pub(super) fn without(file: &SeedFile) -> RecordedText {
    // A large text is not copied.
    let text = match secrets(file).is_empty() {
        true => file.source.text.clone(),
        false => masked(file).into(),
    };
    with_companions(file, text)
}

/// The text of a file with `***` for each secret that `!hash` finds in it: every user who can read
/// the database can read what is recorded of it.
pub(super) fn masked(file: &SeedFile) -> String {
    let mut text = file.source.text.to_string();
    for span in secrets(file).into_iter().rev() {
        if text.get(span.clone()).is_some() {
            text.replace_range(span, "***");
        }
    }
    text
}

/// Where secrets stand, in the order of the text.
fn secrets(file: &SeedFile) -> Vec<Range<usize>> {
    let mut spans: Vec<Range<usize>> = Vec::new();
    for expr in file.exprs() {
        if let Expr::Hash(inner) = &expr.value
            && matches!(inner.value, Expr::Scalar { .. })
        {
            spans.push(inner.span());
        }
    }
    spans.sort_by_key(|span| span.start);
    spans.dedup();
    spans
}

/// With fewer characters a secret is weak: <https://pages.nist.gov/800-63-3/sp800-63b.html#memsecretver>.
const SHORTEST: usize = 8;

/// Why a well-known secret is weak.
pub(super) const WELL_KNOWN_WORDS: &str = "is a well-known password";

/// What people write until they have thought of something, and what every list of guesses begins with.
const WELL_KNOWN: [&str; 44] = [
    "abc",
    "abcd",
    "abcdef",
    "abcdefgh",
    "admin",
    "administrator",
    "adminadmin",
    "asdf",
    "asdfghjkl",
    "baseball",
    "change",
    "changeit",
    "changeme",
    "changethis",
    "default",
    "demo",
    "dragon",
    "example",
    "football",
    "guest",
    "hello",
    "hunter",
    "iloveyou",
    "letmein",
    "login",
    "master",
    "monkey",
    "mypassword",
    "password",
    "passwort",
    "placeholder",
    "princess",
    "qwerty",
    "qwertyuiop",
    "root",
    "secret",
    "secretsecret",
    "sunshine",
    "superuser",
    "temp",
    "test",
    "testtest",
    "user",
    "welcome",
];

/// Why a secret is too weak for an account that matters; none where nothing speaks against it. It is a fence against
/// placeholders, not a measure of strength.
pub(super) fn weakness(secret: &str) -> Option<&'static str> {
    if secret.chars().count() < SHORTEST {
        return Some("has fewer than 8 characters");
    }
    let folded = secret.to_lowercase();
    let core = folded.trim_matches(|char: char| !char.is_alphabetic());
    if core.is_empty() && secret.chars().count() < 2 * SHORTEST {
        return Some("has no letters and fewer than 16 characters");
    }
    // p@ssw0rd, change-me, let me in
    let plain: String = core
        .chars()
        .filter_map(|char| match char {
            '@' | '4' => Some('a'),
            '0' => Some('o'),
            '1' | '!' => Some('i'),
            '3' => Some('e'),
            '$' | '5' => Some('s'),
            char => char.is_alphanumeric().then_some(char),
        })
        .collect();
    if WELL_KNOWN
        .iter()
        .any(|known| *known == core || *known == plain)
    {
        return Some(WELL_KNOWN_WORDS);
    }
    let mut chars = folded.chars();
    let first = chars.next();
    chars
        .all(|char| Some(char) == first)
        .then_some("repeats one character")
}

#[cfg(test)]
mod tests {
    use argon2::password_hash::PasswordVerifier;

    use super::*;

    #[test]
    fn a_hash_is_that_of_its_secret_and_never_the_same_twice() {
        let [one, other] = [(); 2].map(|()| hash("correct horse").unwrap());
        assert_ne!(one, other);
        assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
        let parsed = PasswordHash::new(&one).unwrap();
        assert!(
            Argon2::default()
                .verify_password(b"correct horse", &parsed)
                .is_ok()
        );
        assert!(
            Argon2::default()
                .verify_password(b"correct hors", &parsed)
                .is_err()
        );
    }

    #[test]
    fn an_empty_secret_and_any_text_have_a_hash() {
        for secret in ["", "ünï ☃", "a\0b"] {
            assert!(hash(secret).unwrap().starts_with("$argon2id$"));
        }
    }

    #[test]
    fn placeholders_are_weak_and_unguessable_texts_are_not() {
        let short = Some("has fewer than 8 characters");
        let known = Some("is a well-known password");
        let digits = Some("has no letters and fewer than 16 characters");
        for (secret, expect) in [
            ("", short),
            ("admin", short),
            ("ünïcödé", short),
            ("password", known),
            ("Password123!", known),
            ("P@ssw0rd!", known),
            ("changeme", known),
            ("change-me", known),
            ("CHANGE_ME_2024", known),
            ("let me in", known),
            ("secret123", known),
            ("admin12345", known),
            ("qwerty123", known),
            ("default1!", known),
            ("test1234", known),
            ("1234test", known),
            ("123456789", digits),
            ("2024-01-01", digits),
            ("aaaaaaaaaa", Some("repeats one character")),
            ("correct horse battery", None),
            ("passwordless-future", None),
            ("admin of the tests", None),
            ("4812 9930 1175 6028", None),
            ("k3x9-q81z-77aa", None),
            ("пароль-от-кота", None),
        ] {
            assert_eq!(weakness(secret), expect, "{secret}");
        }
    }
}
