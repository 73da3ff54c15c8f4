//! What was probably meant by a word that a column cannot mean. Pure.

use super::Family;
use super::moment::is_moment;
use crate::base64;
use crate::schema::{Affinity, Column};

/// What to write instead of a word; none where that is not clear.
pub(super) fn value(text: &str, column: &Column, family: Option<Family>) -> Option<String> {
    match (family, column.affinity) {
        (Some(Family::Boolean), _) => boolean(text).map(str::to_owned),
        (Some(Family::Decimal), _) | (None, Affinity::Real) => number(text),
        (Some(Family::Moment), _) => moment(text),
        (None, Affinity::Integer) => boolean(text)
            .map(str::to_owned)
            .or_else(|| number(text))
            .or_else(|| now(text)),
        _ => None,
    }
}

/// Whether a word is a value of this family, written as elsewhere: then quotes do not make it a text.
pub(super) fn is_slip(text: &str, family: Family) -> bool {
    match family {
        Family::Boolean => boolean(text).is_some(),
        Family::Decimal => number(text).is_some(),
        Family::Moment => now(text).is_some(),
    }
}

fn boolean(text: &str) -> Option<&'static str> {
    match text.trim().to_ascii_lowercase().as_str() {
        "yes" | "y" | "on" | "t" => Some("true"),
        "no" | "n" | "off" | "f" => Some("false"),
        _ => None,
    }
}

/// A number with a decimal comma, with separators between thousands, or with a sign of a currency.
fn number(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.trim_matches(|c: char| "$€£¥".contains(c)).trim();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|it| it.is_ascii_digit());
    let is_grouped = |whole: &str, separator: char| {
        let mut groups = whole.split(separator);
        let first = groups.next().unwrap_or_default();
        is_digits(first) && first.len() <= 3 && groups.all(|it| it.len() == 3 && is_digits(it))
    };
    let decimal = digits.rfind(['.', ',']);
    let (whole, fraction) = match decimal {
        // `1,000` has no fraction.
        Some(at) if digits[at..].starts_with(',') && is_grouped(digits, ',') => (digits, None),
        Some(at) => (&digits[..at], Some(&digits[at + 1..])),
        None => (digits, None),
    };
    let whole_is_one = is_digits(whole)
        || [',', '.', ' ', '_', '\'', '\u{a0}', '\u{202f}']
            .into_iter()
            .any(|separator| is_grouped(whole, separator));
    if !whole_is_one || fraction.is_some_and(|fraction| !is_digits(fraction)) {
        return None;
    }
    let whole: String = whole.chars().filter(char::is_ascii_digit).collect();
    Some(match fraction {
        Some(fraction) => format!("{sign}{whole}.{fraction}"),
        None => format!("{sign}{whole}"),
    })
}

fn moment(text: &str) -> Option<String> {
    now(text).or_else(|| {
        let text = text.trim();
        let text = ["UTC", "GMT"]
            .iter()
            .find_map(|zone| text.strip_suffix(zone))
            .map_or(text, str::trim_end);
        let (date, time) = match text.split_once(['T', ' ']) {
            Some((date, time)) => (date, &text[date.len()..date.len() + 1 + time.len()]),
            None => (text, ""),
        };
        let parts: Vec<&str> = date.split(['-', '/', '.']).collect();
        let [one, month, other] = parts.as_slice() else {
            return None;
        };
        let (year, day) = match date.contains('.') && other.len() == 4 {
            true => (other, one),
            false => (one, other),
        };
        // `+0200`
        let time = match time.rfind(['+', '-']).map(|at| at + 3) {
            Some(at) if time.is_char_boundary(at.min(time.len())) && at + 2 == time.len() => {
                format!("{}:{}", &time[..at], &time[at..])
            }
            _ => time.to_owned(),
        };
        let meant = format!("{year}-{month:0>2}-{day:0>2}{time}");
        is_moment(&meant).then_some(meant)
    })
}

/// The words for the time of a run.
fn now(text: &str) -> Option<String> {
    let folded = text.trim().to_ascii_lowercase();
    let word = folded.strip_suffix("()").unwrap_or(&folded);
    Some(
        match word {
            "now" | "current_timestamp" | "current_date" | "current_time" | "getdate"
            | "sysdate" | "datetime('now')" | "date('now')" | "today" => "!now",
            "yesterday" => "!now [-1 day]",
            "tomorrow" => "!now [+1 day]",
            _ => return None,
        }
        .to_owned(),
    )
}

/// Bytes as SQL and other tools write them, `0x68656c6c6f` and `x'68656c6c6f'`: in base64.
pub(super) fn bytes(text: &str) -> Option<String> {
    let digits = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => digits,
        None => {
            let quoted = text.strip_prefix(['x', 'X'])?.strip_prefix('\'')?;
            quoted.strip_suffix('\'')?
        }
    };
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let byte = |pair: &[u8; 2]| {
        let pair = std::str::from_utf8(pair).ok()?;
        let is_hex = pair.bytes().all(|digit| digit.is_ascii_hexdigit());
        is_hex.then(|| u8::from_str_radix(pair, 16).ok()).flatten()
    };
    let bytes: Vec<u8> = pairs.iter().map(byte).collect::<Option<_>>()?;
    (rest.is_empty() && !bytes.is_empty()).then(|| base64::encode(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_as_people_write_it_elsewhere() {
        for (text, meant) in [
            ("12,50", Some("12.50")),
            ("-0,5", Some("-0.5")),
            ("1.234,50", Some("1234.50")),
            ("1,234.50", Some("1234.50")),
            ("1,000", Some("1000")),
            ("1 000 000", Some("1000000")),
            ("1_000", Some("1000")),
            ("€ 12,50", Some("12.50")),
            ("12.50 $", Some("12.50")),
            ("free", None),
            ("12,,5", None),
            ("1,2,3", None),
            ("", None),
            ("2026-01-31", None),
        ] {
            assert_eq!(number(text).as_deref(), meant, "{text}");
        }
    }

    #[test]
    fn a_time_as_people_write_it_elsewhere() {
        for (text, meant) in [
            ("now", Some("!now")),
            ("NOW()", Some("!now")),
            ("tomorrow", Some("!now [+1 day]")),
            ("31.01.2026", Some("2026-01-31")),
            ("2026/1/31 12:00", Some("2026-01-31 12:00")),
            ("2026-01-31 12:00:00 UTC", Some("2026-01-31 12:00:00")),
            (
                "2026-01-31T12:00:00+0200",
                Some("2026-01-31T12:00:00+02:00"),
            ),
            ("31/01/2026", None),
            ("soon", None),
            ("ü.ü.üü", None),
        ] {
            assert_eq!(moment(text).as_deref(), meant, "{text}");
        }
    }

    #[test]
    fn bytes_as_sql_writes_them() {
        assert_eq!(bytes("0x68656c6c6f").as_deref(), Some("aGVsbG8="));
        assert_eq!(bytes("x'6869'").as_deref(), Some("aGk="));
        for text in ["0x", "0x6", "0xzz", "x'6869", "0x+1", "hello"] {
            assert_eq!(bytes(text), None, "{text}");
        }
    }
}
