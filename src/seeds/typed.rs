//! What a scalar becomes in a column: the column decides, and nothing is guessed. Pure.

use std::borrow::Cow;

use crate::schema::{Affinity, Column, Strictness};
use crate::sql::Value;

use super::model::Style;

/// Why a text does not fit into a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unfit {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) help: Option<&'static str>,
}

/// The value that a scalar has in a column, in the storage class that the engine would give it
/// (<https://sqlite.org/datatype3.html>), so that it compares equal to what is read back.
pub(super) fn typed(
    text: Cow<'_, str>,
    style: Style,
    column: &Column,
    strictness: Strictness,
) -> Result<Value, Unfit> {
    read(text, style, column, strictness).map(|value| column.affinity.stored(value))
}

fn read(
    text: Cow<'_, str>,
    style: Style,
    column: &Column,
    strictness: Strictness,
) -> Result<Value, Unfit> {
    if style == Style::Plain && text.starts_with(|c: char| c.is_ascii_digit()) && is_moment(column)
    {
        check_moment(&text, column)?;
    }
    match column.affinity {
        Affinity::Text => Ok(Value::Text(text.into_owned())),
        Affinity::Blob if strictness == Strictness::Strict && !is_any(column) => Err(unfit(
            "wrong-type",
            &text,
            column,
            Some("bytes are written as `!!binary` with base64, or `!file path`"),
        )),
        // Without a type, a plain scalar is what YAML says, and a quoted one is text.
        Affinity::Blob if style == Style::Quoted => Ok(Value::Text(text.into_owned())),
        Affinity::Blob => match number(&text)? {
            Some(number) => Ok(number),
            None => Ok(boolean(&text).unwrap_or_else(|| Value::Text(text.into_owned()))),
        },
        Affinity::Integer | Affinity::Numeric | Affinity::Real => {
            numeric(&text, style, column, strictness)
        }
    }
}

fn numeric(
    text: &str,
    style: Style,
    column: &Column,
    strictness: Strictness,
) -> Result<Value, Unfit> {
    if style == Style::Plain
        && let Some(value) = boolean(text)
    {
        return Ok(value);
    }
    // The engine looks past blanks.
    let found = match number(text.trim_matches([' ', '\t', '\n', '\r', '\x0c', '\x0b'])) {
        // Infinity in quotes is a word.
        Err(unfit) if style == Style::Quoted && unfit.code == "not-finite" => None,
        found => found?,
    };
    let found = match found {
        Some(found) => found,
        // Dates and decimals as text are what NUMERIC columns often hold.
        None if column.affinity == Affinity::Numeric && strictness == Strictness::Flexible => {
            return Ok(Value::Text(text.to_owned()));
        }
        None if style == Style::Quoted && strictness == Strictness::Flexible => {
            return Ok(Value::Text(text.to_owned()));
        }
        None => {
            let help = match strictness {
                Strictness::Strict => None,
                Strictness::Flexible => Some("with quotes it is stored as text all the same"),
            };
            return Err(unfit("wrong-type", text, column, help));
        }
    };
    let found = column.affinity.stored(found);
    match takes(&found, column, strictness) {
        true => Ok(found),
        false => Err(unfit("wrong-type", text, column, None)),
    }
}

/// A number as SQLite reads one, and nothing that only looks like one to YAML. None where it is no number.
fn number(text: &str) -> Result<Option<Value>, Unfit> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return match text.parse() {
            Ok(number) => Ok(Some(Value::Integer(number))),
            Err(_) => Err(Unfit {
                code: "number-too-large",
                message: format!("{text} does not fit into 64 bits"),
                help: Some("a TEXT column keeps every digit"),
            }),
        };
    }
    let not_finite = [".inf", ".nan", "inf", "nan", "infinity"];
    if not_finite
        .iter()
        .any(|word| digits.eq_ignore_ascii_case(word))
    {
        return Err(Unfit {
            code: "not-finite",
            message: format!("{text} is no number that a database keeps"),
            help: None,
        });
    }
    let looks = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte))
        && digits.bytes().any(|byte| byte.is_ascii_digit());
    match text.parse::<f64>() {
        Ok(real) if looks && real.is_finite() => Ok(Some(Value::Real(real))),
        Ok(_) if looks => Err(Unfit {
            code: "number-too-large",
            message: format!("{text} is too large for a real"),
            help: None,
        }),
        _ => Ok(None),
    }
}

fn boolean(text: &str) -> Option<Value> {
    match text {
        "true" | "True" | "TRUE" => Some(Value::Integer(1)),
        "false" | "False" | "FALSE" => Some(Value::Integer(0)),
        _ => None,
    }
}

/// STRICT tables have a type for anything: <https://sqlite.org/stricttables.html>.
fn is_any(column: &Column) -> bool {
    column.declared.eq_ignore_ascii_case("any")
}

/// Whether a column takes a value of this class: those of STRICT tables take no other than their own.
pub(super) fn takes(value: &Value, column: &Column, strictness: Strictness) -> bool {
    if strictness == Strictness::Flexible || is_any(column) {
        return true;
    }
    match value {
        Value::Null => true,
        Value::Integer(_) => matches!(column.affinity, Affinity::Integer | Affinity::Real),
        Value::Real(_) => column.affinity == Affinity::Real,
        Value::Text(_) => column.affinity == Affinity::Text,
        Value::Blob(_) => column.affinity == Affinity::Blob,
    }
}

fn unfit(code: &'static str, text: &str, column: &Column, help: Option<&'static str>) -> Unfit {
    let text: String = text.chars().take(40).collect();
    Unfit {
        code,
        message: format!(
            "`{text}` does not fit into column `{}` of type {}",
            column.name, column.declared
        ),
        help,
    }
}

/// Whether a column says that it holds dates or times.
pub(super) fn is_moment(column: &Column) -> bool {
    ["DATE", "DATETIME", "TIMESTAMP"]
        .iter()
        .any(|name| column.declared.eq_ignore_ascii_case(name))
}

/// A date, or a date and a time: <https://sqlite.org/lang_datefunc.html#time_values>. A bare number is a time too.
fn check_moment(text: &str, column: &Column) -> Result<(), Unfit> {
    if text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.')
        || is_date_time(text)
    {
        return Ok(());
    }
    Err(Unfit {
        code: "no-date",
        message: format!(
            "`{text}` is no date, and column `{}` is of type {}",
            column.name, column.declared
        ),
        help: Some(
            "dates are written YYYY-MM-DD or YYYY-MM-DD HH:MM:SS; with quotes anything is taken",
        ),
    })
}

fn is_date_time(text: &str) -> bool {
    let (date, time) = match text.split_once(['T', ' ']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    is_date(date) && time.is_none_or(is_time)
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else {
        return false;
    };
    let number = |text: &str, digits: usize| -> Option<u32> {
        (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| text.parse().ok())
            .flatten()
    };
    let (Some(year), Some(month), Some(day)) = (number(year, 4), number(month, 2), number(day, 2))
    else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(leap),
        _ => return false,
    };
    (1..=days).contains(&day)
}

fn is_time(text: &str) -> bool {
    let text = text.trim_end_matches('Z').trim_end();
    let text = match text.rfind(['+', '-']) {
        Some(zone) => {
            let Some((hours, minutes)) = text[zone + 1..].split_once(':') else {
                return false;
            };
            if !two_digits(hours, 15) || !two_digits(minutes, 60) {
                return false;
            }
            text[..zone].trim_end()
        }
        None => text,
    };
    let parts: Vec<&str> = text.split(':').collect();
    match parts.as_slice() {
        [hours, minutes] => two_digits(hours, 24) && two_digits(minutes, 60),
        [hours, minutes, seconds] => {
            let (seconds, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
            two_digits(hours, 24)
                && two_digits(minutes, 60)
                && two_digits(seconds, 60)
                && !fraction.is_empty()
                && fraction.bytes().all(|byte| byte.is_ascii_digit())
        }
        _ => false,
    }
}

fn two_digits(text: &str, below: u32) -> bool {
    text.len() == 2
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && text.parse::<u32>().is_ok_and(|number| number < below)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{ColumnKind, Nullability};

    fn check(declared: &str, affinity: Affinity, cases: &[(&str, Style, &str)]) {
        let column = Column {
            name: "c".to_owned(),
            declared: declared.to_owned(),
            affinity,
            nullability: Nullability::Nullable,
            default: None,
            origin: ColumnKind::Plain,
        };
        for (text, style, expect) in cases {
            let found = match typed((*text).into(), *style, &column, Strictness::Flexible) {
                Ok(value) => format!("{value:?}"),
                Err(unfit) => unfit.code.to_owned(),
            };
            assert_eq!(found, *expect, "{text} in {declared}");
        }
    }

    #[test]
    fn text_columns_keep_every_character() {
        let kept = ["+15555550100", "007", "1.10", "no", "1e400", "2026-02-30"];
        for text in kept {
            let expect = format!("Text({text:?})");
            check("TEXT", Affinity::Text, &[(text, Style::Plain, &expect)]);
        }
    }

    #[test]
    fn number_columns_take_numbers() {
        use Style::{Plain, Quoted};
        check(
            "INTEGER",
            Affinity::Integer,
            &[
                ("42", Plain, "Integer(42)"),
                ("+7", Plain, "Integer(7)"),
                ("-0", Plain, "Integer(0)"),
                ("007", Plain, "Integer(7)"),
                ("1.0", Plain, "Integer(1)"),
                ("1.5", Plain, "Real(1.5)"),
                ("true", Plain, "Integer(1)"),
                ("true", Quoted, "Text(\"true\")"),
                ("42", Quoted, "Integer(42)"),
                ("many", Plain, "wrong-type"),
                ("many", Quoted, "Text(\"many\")"),
                ("9223372036854775807", Plain, "Integer(9223372036854775807)"),
                ("9223372036854775808", Plain, "number-too-large"),
                (".inf", Plain, "not-finite"),
                (".nan", Plain, "not-finite"),
                ("1e999", Plain, "number-too-large"),
            ],
        );
        check(
            "REAL",
            Affinity::Real,
            &[("1", Plain, "Real(1.0)"), ("1e3", Plain, "Real(1000.0)")],
        );
    }

    #[test]
    fn columns_of_dates_take_dates_that_there_are() {
        use Style::{Plain, Quoted};
        check(
            "TIMESTAMP",
            Affinity::Numeric,
            &[
                (
                    "2020-01-01T00:00:00Z",
                    Plain,
                    "Text(\"2020-01-01T00:00:00Z\")",
                ),
                ("2024-02-29", Plain, "Text(\"2024-02-29\")"),
                ("2026-02-30", Plain, "no-date"),
                ("2026-02-30", Quoted, "Text(\"2026-02-30\")"),
                ("2026-01-01 25:00", Plain, "no-date"),
                ("1700000000", Plain, "Integer(1700000000)"),
                ("soon", Plain, "Text(\"soon\")"),
            ],
        );
    }
}
