//! One migration file: the grammar of its name, its canonical text, its checksum. Pure.
//!
//! The names are refinery's, with 64-bit versions, repeatables and down files added.

use sha2::{Digest, Sha256};

/// What a file name says.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// `V{n}__{words}.down.sql`: takes back the migration of that version.
    Down {
        /// The number.
        version: i64,
        /// The words.
        words: String,
    },
}

/// Whether a migration may be applied below the newest applied version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// `V`: only where the run allows it.
    Strict,
    /// `U`: always.
    Any,
}

/// Why a file name is none of ours, and what it perhaps should be.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    let bad = |why: &str| BadName {
        why: why.to_owned(),
        suggestion: suggest(file_name),
    };
    let stem = file_name
        .strip_suffix(".sql")
        .ok_or_else(|| bad("must end in .sql, in lower case"))?;
    let (stem, down) = match stem.strip_suffix(".down") {
        Some(stem) => (stem, true),
        None => (stem, false),
    };
    let (prefix, words) = stem
        .split_once("__")
        .ok_or_else(|| bad("must have two underscores between its version and its words"))?;
    if words.is_empty() || !words.chars().all(|c| c.is_alphanumeric() || c == '_') {
        return Err(bad("may hold only letters, digits and _ in its words"));
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

/// The name that was probably meant: `v2_add-column.SQL` → `V2__add_column.sql`.
fn suggest(file_name: &str) -> Option<String> {
    let lower = file_name.to_ascii_lowercase();
    let (stem, ending) = match lower.strip_suffix(".sql")? {
        stem if stem.ends_with(".down") => (&file_name[..stem.len() - 5], ".down.sql"),
        stem if stem.ends_with(".up") => (&file_name[..stem.len() - 3], ".sql"),
        stem => (&file_name[..stem.len()], ".sql"),
    };
    let letter = match stem.chars().next()? {
        'u' | 'U' => 'U',
        'r' | 'R' if stem[1..].starts_with('_') => 'R',
        c if c == 'v' || c == 'V' || c.is_ascii_digit() => 'V',
        _ => return None,
    };
    let rest = stem
        .trim_start_matches(|c: char| c.is_ascii_alphabetic() && c.eq_ignore_ascii_case(&letter));
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let words: String = words(&rest[digits.len()..]);
    let named = match letter {
        'R' => format!("R__{words}{ending}"),
        _ => format!("{letter}{digits}__{words}{ending}"),
    };
    // A suggestion that would be refused again helps nobody.
    (named != file_name && parse_name(&named).is_ok()).then_some(named)
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
pub fn canonical(bytes: &[u8]) -> Result<String, NotText> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(NotText::Utf16);
    }
    let text = std::str::from_utf8(bytes).map_err(|error| NotText::NotUtf8(error.valid_up_to()))?;
    if let Some(at) = text.find('\0') {
        return Err(NotText::Nul(at));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    Ok(text.replace("\r\n", "\n"))
}

/// sha256 of a canonical text, in lower-case hexadecimal: what `sha256sum` says of a file with LF line ends.
pub fn checksum(text: &str) -> String {
    hexadecimal(&Sha256::digest(text.as_bytes()))
}

/// Hash of what a text means: its tokens and directives, without comments, spaces and the case of bare words.
pub(super) fn meaning(text: &str) -> String {
    let mut hash = Sha256::new();
    let mut add = |part: &str| {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    };
    for directive in super::directive::lines(text) {
        add(directive.text);
    }
    add("");
    add(&crate::sql::fingerprint(text));
    hexadecimal(&hash.finalize())
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}
