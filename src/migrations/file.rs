//! One migration file: the grammar of its name, its canonical text, its checksum. Pure.
//!
//! The names are refinery's, with 64-bit versions, repeatables and down files added.

use std::borrow::Cow;

use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

use super::directive::has_no_effect;
use super::meant::suggest;
use crate::hex;
use crate::sql::for_each_part;

/// What a file name says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileName {
    /// `V{n}__{words}.sql`, or `U{n}__{words}.sql`, which may also be applied out of order.
    Versioned {
        /// The number.
        version: i64,
        /// The words.
        words: String,
        /// What its prefix allows.
        order: Order,
    },
    /// `R__{words}.sql`: applied again whenever its text changes.
    Repeatable {
        /// The words, which are its identity.
        words: String,
    },
    /// `V{n}__{words}.down.sql`: undoes the migration of that version.
    Down {
        /// The number.
        version: i64,
        /// The words.
        words: String,
    },
}

impl FileName {
    /// The number, where it has one.
    pub fn version(&self) -> Option<i64> {
        match self {
            FileName::Versioned { version, .. } | FileName::Down { version, .. } => Some(*version),
            FileName::Repeatable { .. } => None,
        }
    }
}

/// Whether a migration may be applied below the newest applied version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Order {
    /// `V`: only where the run allows it.
    Strict,
    /// `U`: always.
    Any,
}

/// Why a file name is not a migration's, and what it probably should be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BadName {
    /// A fragment that completes "the name …".
    pub why: String,
    /// A name that would do.
    pub suggestion: Option<String>,
}

/// Reads the last part of a path that ends in `.sql`.
///
/// # Errors
/// [`BadName`] says what does not fit.
pub fn parse_name(file_name: &str) -> Result<FileName, BadName> {
    let composed = || file_name.nfc().collect::<String>();
    let bad = |why: &str| {
        let composed = composed();
        BadName {
            why: why.to_owned(),
            suggestion: suggest(&composed).or_else(|| {
                let is_right = composed != file_name && parse_name(&composed).is_ok();
                is_right.then_some(composed)
            }),
        }
    };
    let stem = file_name
        .strip_suffix(".sql")
        .ok_or_else(|| bad("must end in .sql, in lower case"))?;
    let (stem, down) = match stem.strip_suffix(".down") {
        Some(stem) => (stem, true),
        None => (stem, false),
    };
    let (prefix, words) = stem.split_once("__").ok_or_else(|| {
        bad(match stem.contains(|c: char| c.is_ascii_digit()) {
            true => "must have two underscores between its version and its words",
            false => "must be V{n}__{words}.sql, or R__{words}.sql for a repeatable migration",
        })
    })?;
    if words.is_empty() || !words.chars().all(|c| c.is_alphanumeric() || c == '_') {
        return Err(bad(match composed() == file_name {
            true => "may hold only letters, digits and _ in its words",
            false => "has letters whose accents are characters of their own (Unicode NFD)",
        }));
    }
    let words = words.to_owned();
    if prefix == "R" {
        return if down {
            Err(bad(
                "is that of a down file, and a repeatable migration has none: write what the view or trigger should be",
            ))
        } else {
            Ok(FileName::Repeatable { words })
        };
    }
    let (order, digits) = match (prefix.strip_prefix('V'), prefix.strip_prefix('U')) {
        (Some(digits), _) => (Order::Strict, digits),
        (_, Some(digits)) => (Order::Any, digits),
        _ => return Err(bad("must begin with V, U or R")),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(bad("must have a whole number for its version"));
    }
    let version: i64 = digits
        .parse()
        .map_err(|_| bad("has a version above 9223372036854775807"))?;
    if version == 0 {
        return Err(bad(
            "has version 0, which means the empty database: versions begin at 1",
        ));
    }
    Ok(match (order, down) {
        (_, true) => FileName::Down { version, words },
        (order, false) => FileName::Versioned {
            version,
            words,
            order,
        },
    })
}

/// Words as a file name has them: letters and digits, joined by single underscores.
pub fn words(text: &str) -> String {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join("_")
}

/// Why a file has no canonical text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotText {
    /// From this byte on it is not UTF-8.
    NotUtf8(usize),
    /// It begins with the byte order mark of UTF-16.
    Utf16,
    /// A NUL byte stands here, where the engine would stop reading.
    Nul(usize),
}

/// The text that is checksummed, recorded and executed: UTF-8 without byte order mark, lines ended by LF.
///
/// # Errors
/// [`NotText`] with the byte.
pub fn canonical(bytes: &[u8]) -> Result<Cow<'_, str>, NotText> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(NotText::Utf16);
    }
    let text = std::str::from_utf8(bytes).map_err(|error| NotText::NotUtf8(error.valid_up_to()))?;
    if let Some(at) = memchr::memchr(0, bytes) {
        return Err(NotText::Nul(at));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    Ok(match text.contains("\r\n") {
        true => text.replace("\r\n", "\n").into(),
        false => text.into(),
    })
}

/// sha256 of a canonical text, in lower-case hexadecimal: what `sha256sum` prints for a file with LF line ends.
pub fn checksum(text: &str) -> String {
    checksum_bytes(text.as_bytes())
}

/// The same of bytes that need be no text.
pub(crate) fn checksum_bytes(bytes: &[u8]) -> String {
    hex::encode(&Sha256::digest(bytes))
}

/// A text may be large, and a hash takes short pieces slowly. In bytes.
const HASHED_AT_ONCE: usize = 1 << 16;

/// Hash of what a text means: its tokens and directives, without comments, spaces and the case of bare words.
pub(super) fn meaning(text: &str) -> String {
    let mut hash = Sha256::new();
    for directive in super::directive::lines(text).filter(|line| !has_no_effect(line.text)) {
        hash.update((directive.text.len() as u64).to_le_bytes());
        hash.update(directive.text);
    }
    // No directive is empty.
    hash.update(0_u64.to_le_bytes());
    let mut parts = String::new();
    for_each_part(text, |part| {
        parts.push_str(part);
        if parts.len() > HASHED_AT_ONCE {
            hash.update(&parts);
            parts.clear();
        }
    });
    hash.update(&parts);
    hex::encode(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(name: &str, expected: Expect) {
        expected.assert_eq(&match parse_name(name) {
            Ok(FileName::Versioned {
                version,
                words,
                order,
            }) => format!("{version} {words} {order:?}"),
            Ok(FileName::Repeatable { words }) => format!("repeatable {words}"),
            Ok(FileName::Down { version, words }) => format!("{version} {words} down"),
            Err(BadName { why, suggestion }) => format!(
                "the name {why}; {}",
                suggestion.as_deref().unwrap_or("no suggestion")
            ),
        });
    }

    #[test]
    fn names_tell_version_words_and_kind() {
        check("V1__users.sql", expect!["1 users Strict"]);
        check("V007__add_users.sql", expect!["7 add_users Strict"]);
        check(
            "V20240504090241__größe.sql",
            expect!["20240504090241 größe Strict"],
        );
        check("U12__late.sql", expect!["12 late Any"]);
        check("R__totals.sql", expect!["repeatable totals"]);
        check("V1__users.down.sql", expect!["1 users down"]);
    }

    #[test]
    fn names_that_fit_no_rule_say_why_and_what_was_probably_meant() {
        check(
            "V2__add-column.sql",
            expect![
                "the name may hold only letters, digits and _ in its words; V2__add_column.sql"
            ],
        );
        check(
            "v3__x.sql",
            expect!["the name must begin with V, U or R; V3__x.sql"],
        );
        check(
            "4_x.sql",
            expect![
                "the name must have two underscores between its version and its words; V4__x.sql"
            ],
        );
        check(
            "V5__x.SQL",
            expect!["the name must end in .sql, in lower case; V5__x.sql"],
        );
        check(
            "20240504_users.up.sql",
            expect![
                "the name must have two underscores between its version and its words; V20240504__users.sql"
            ],
        );
        for (name, expect) in [
            ("V1__a.undo.sql", "V1__a.down.sql"),
            ("V1__a.rollback.sql", "V1__a.down.sql"),
            ("V1__a-undo.sql", "V1__a.down.sql"),
            ("001_a_down.sql", "V001__a.down.sql"),
            ("1_a.rollback.sql", "V1__a.down.sql"),
            ("U1__a.undo.sql", "V1__a.down.sql"),
            ("V1__a.up.sql", "V1__a.sql"),
            ("V1__a.DOWN.SQL", "V1__a.down.sql"),
        ] {
            let bad = parse_name(name).unwrap_err();
            assert_eq!(bad.suggestion.as_deref(), Some(expect), "{name}");
        }
        check(
            "V1.5__x.sql",
            expect!["the name must have a whole number for its version; no suggestion"],
        );
        check(
            "V0__x.sql",
            expect![
                "the name has version 0, which means the empty database: versions begin at 1; no suggestion"
            ],
        );
        check(
            "V99999999999999999999__x.sql",
            expect!["the name has a version above 9223372036854775807; no suggestion"],
        );
        check(
            "R__v.down.sql",
            expect![
                "the name is that of a down file, and a repeatable migration has none: write what the view or trigger should be; no suggestion"
            ],
        );
        check(
            "schema.sql",
            expect![
                "the name must be V{n}__{words}.sql, or R__{words}.sql for a repeatable migration; no suggestion"
            ],
        );
        check(
            "|1__x.sql",
            expect!["the name must begin with V, U or R; no suggestion"],
        );
        check(
            "é1__x.sql",
            expect!["the name must begin with V, U or R; no suggestion"],
        );
    }

    #[test]
    fn decomposed_letters_are_named_and_composed() {
        for (name, expect) in [
            ("V1__cafe\u{301}s.sql", "V1__caf\u{e9}s.sql"),
            ("V1__gro\u{308}\u{df}e.sql", "V1__gr\u{f6}\u{df}e.sql"),
            ("V1__u\u{308}.down.sql", "V1__\u{fc}.down.sql"),
            ("R__\u{304b}\u{3099}.sql", "R__\u{304c}.sql"),
            ("V2__a-e\u{301}.sql", "V2__a_\u{e9}.sql"),
        ] {
            let bad = parse_name(name).unwrap_err();
            assert!(bad.why.contains("NFD"), "{name}: {}", bad.why);
            assert_eq!(bad.suggestion.as_deref(), Some(expect), "{name}");
        }
    }

    #[test]
    fn every_name_that_refinery_takes_is_read_as_refinery_reads_it() {
        for stem in [
            "V1__users",
            "U2__late_one",
            "V003__a1",
            "V2147483647__é",
            "U10____x",
        ] {
            let (_, version, words) = refinery_core::parse_migration_name(stem).unwrap();
            let ours = parse_name(&format!("{stem}.sql")).unwrap();
            let FileName::Versioned {
                version: our_version,
                words: our_words,
                ..
            } = ours
            else {
                panic!("{stem} is versioned");
            };
            assert_eq!((our_version, our_words), (i64::from(version), words));
        }
        // It cannot hold this one: its versions have 32 bits.
        assert!(refinery_core::parse_migration_name("V20240504090241__x").is_err());
        assert!(parse_name("V20240504090241__x.sql").is_ok());
    }

    #[test]
    fn copies_with_other_line_ends_or_a_byte_order_mark_have_one_checksum() {
        let lf = "CREATE TABLE a (\n  x\n);\n";
        let copies = [
            lf.to_owned(),
            lf.replace('\n', "\r\n"),
            format!("\u{feff}{lf}"),
        ];
        for copy in copies {
            assert_eq!(canonical(copy.as_bytes()).as_deref(), Ok(lf));
        }
        // printf 'CREATE TABLE a (\n  x\n);\n' | sha256sum
        assert_eq!(
            checksum(lf),
            "161c64db1035587f0c818242b3b2f9cbae985d7909c06e488f6e0aa3e03deef8"
        );
    }

    #[test]
    fn what_is_no_text_says_where() {
        assert_eq!(canonical(b"ab\xff"), Err(NotText::NotUtf8(2)));
        assert_eq!(canonical(b"ab\0"), Err(NotText::Nul(2)));
        assert_eq!(canonical(b"\xff\xfeS\0"), Err(NotText::Utf16));
    }

    #[test]
    fn comments_spaces_and_letter_case_are_no_change_of_meaning() {
        let text = "-- seedbed: no-transaction\nCREATE TABLE a (x DEFAULT 'A');";
        let same = [
            "-- seedbed:   no-transaction\n\n-- more\ncreate   table A(x default 'A')\n;",
            "/* first */\n-- seedbed: no-transaction\nCREATE TABLE a (x DEFAULT 'A'); -- last",
        ];
        for other in same {
            assert_eq!(meaning(text), meaning(other), "{other}");
        }
        let allows = "-- seedbed: no-transaction\n-- seedbed: allow lost-in-rebuild: so\nCREATE TABLE a (x DEFAULT 'A');";
        assert_eq!(meaning(text), meaning(allows));
        let different = [
            "CREATE TABLE a (x DEFAULT 'A');",
            "-- seedbed: no-transaction\nCREATE TABLE a (x DEFAULT 'a');",
            "-- seedbed: no-transaction\nCREATE TABLE \"a\" (x DEFAULT 'A');",
            "-- seedbed: foreign-keys=off\nCREATE TABLE a (x DEFAULT 'A');",
        ];
        for other in different {
            assert_ne!(meaning(text), meaning(other), "{other}");
        }
    }

    #[test]
    fn words_are_joined_by_underscores() {
        assert_eq!(words(" Add  users, & more! "), "Add_users_more");
        assert_eq!(words("--"), "");
    }
}
