//! What a scalar becomes in a column: the column decides, and nothing is guessed. Pure.

mod meant;
mod moment;

use std::borrow::Cow;

use crate::schema::{Affinity, Column, Strictness};
use crate::sql::Value;

use super::instead::Instead;
use super::model::Style;
use moment::is_moment;

/// Why a text does not fit into a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unfit {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) help: Option<Instead>,
}

/// What a declared type says beyond its affinity, which is NUMERIC for all of these and so takes any text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// `BOOLEAN`, `BOOL`
    Boolean,
    /// `DECIMAL(10,2)`, `NUMERIC(10,2)`, `MONEY`
    Decimal,
    /// `DATE`, `TIME`, `DATETIME`, `TIMESTAMP WITH TIME ZONE`
    Moment,
}

/// The family of a column. `NUMERIC` alone is what columns of anything are declared as.
pub(super) fn family(column: &Column) -> Option<Family> {
    if column.affinity != Affinity::Numeric {
        return None;
    }
    let declared = column.declared.to_ascii_uppercase();
    let first = declared.split(|c: char| c == '(' || c.is_whitespace());
    match first.into_iter().next().unwrap_or_default() {
        "BOOLEAN" | "BOOL" => Some(Family::Boolean),
        "DECIMAL" | "DEC" | "NUMERIC" | "NUMBER" | "MONEY" => Some(Family::Decimal),
        "DATE" | "TIME" | "DATETIME" | "TIMESTAMP" | "TIMESTAMPTZ" | "TIMETZ" => {
            Some(Family::Moment)
        }
        _ => None,
    }
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
    match column.affinity {
        Affinity::Text => Ok(Value::Text(text.into_owned())),
        Affinity::Blob if strictness == Strictness::Strict && !is_any(column) => Err(unfit(
            "wrong-type",
            &text,
            column,
            Some(
                Instead::from("bytes are written as `!!binary` with base64, or `!file path`")
                    .in_files(
                        "write bytes in the seed itself: `!!binary` with base64, or `!file path`",
                        "write bytes in the seed itself: `!!binary` with base64, or `!file path`",
                    ),
            ),
        )),
        // Without a type, a plain scalar is what YAML says, and a quoted one is text.
        Affinity::Blob if style != Style::Plain => Ok(Value::Text(text.into_owned())),
        // Only a file of rows holds this as a text.
        Affinity::Blob if text.starts_with("!!binary ") && !column.declared.is_empty() => {
            let help = format!("write bytes in the seed itself, as `{}`", shortened(&text));
            Err(unfit("wrong-type", &text, column, Some(help.into())))
        }
        Affinity::Blob => match meant::bytes(&text).filter(|_| !column.declared.is_empty()) {
            Some(base64) => {
                let help =
                    format!("did you mean `!!binary {base64}`? with quotes it is stored as text");
                let moved = format!(
                    "write bytes in the seed itself, as `!!binary {base64}`; there, quotes make it a text"
                );
                let help = Instead::from(help).in_files(moved.clone(), moved);
                Err(unfit("wrong-type", &text, column, Some(help)))
            }
            None => match number(&text, column.affinity)? {
                Some(number) => Ok(number),
                None => Ok(boolean(&text).unwrap_or_else(|| Value::Text(text.into_owned()))),
            },
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
    let family = family(column);
    if style == Style::Plain
        && family != Some(Family::Moment)
        && let Some(value) = boolean(text)
    {
        return Ok(value);
    }
    // The engine looks past blanks.
    let trimmed = text.trim_matches([' ', '\t', '\n', '\r', '\x0c', '\x0b']);
    let found = match number(trimmed, column.affinity) {
        // Infinity in quotes is a word.
        Err(unfit) if style != Style::Plain && unfit.code == "not-finite" => None,
        found => found?,
    };
    let Some(found) = found else {
        return word(text, style, column, family, strictness);
    };
    let found = column.affinity.stored(found);
    match takes(&found, column, strictness) {
        true => Ok(found),
        false => Err(unfit(
            "wrong-type",
            text,
            column,
            Some("the column takes whole numbers only".into()),
        )),
    }
}

/// A text that is no number, in a column of numbers: it is stored where the column may mean it.
fn word(
    text: &str,
    style: Style,
    column: &Column,
    family: Option<Family>,
    strictness: Strictness,
) -> Result<Value, Unfit> {
    let kept = || Ok(Value::Text(text.to_owned()));
    let meant = meant::value(text, column, family);
    if strictness == Strictness::Strict {
        let help = match meant {
            Some(meant) => {
                let in_files = in_files(&meant);
                Instead::from(format!("did you mean `{meant}`?")).in_files(in_files.0, in_files.1)
            }
            None => "the column takes numbers only".into(),
        };
        let help = Some(help);
        return Err(unfit("wrong-type", text, column, help));
    }
    // A type without a size is what columns of anything are declared as, dates among them.
    let is_any_number = column.declared.eq_ignore_ascii_case("NUMERIC");
    let is_date = family == Some(Family::Moment) || is_any_number;
    if style == Style::Text || is_date && is_moment(text) {
        return kept();
    }
    let is_slip = family.is_some_and(|family| meant::is_slip(text, family));
    if !is_slip && style == Style::Quoted {
        return kept();
    }
    if family.is_none() && column.affinity == Affinity::Numeric {
        return kept();
    }
    let in_files = match (&meant, family) {
        (Some(meant), _) => in_files(meant),
        (None, Some(Family::Moment)) => {
            let help = "dates are written YYYY-MM-DD or YYYY-MM-DD HH:MM:SS";
            (
                help.to_owned(),
                format!("{help}; in quotes it is stored as text"),
            )
        }
        (None, Some(Family::Boolean)) => (
            "write `true` or `false`".to_owned(),
            "write `true` or `false`; in quotes it is stored as text".to_owned(),
        ),
        (None, _) => (
            "write a number; a text stands in the seed itself, in quotes".to_owned(),
            "in quotes it is stored as text".to_owned(),
        ),
    };
    let help = match (meant, family) {
        (Some(meant), _) if style == Style::Quoted || is_slip => {
            format!(
                "did you mean `{meant}`? `!!str {}` stores the text itself",
                shortened(text)
            )
        }
        (Some(meant), _) => format!("did you mean `{meant}`? with quotes it is stored as text"),
        (None, Some(Family::Moment)) => {
            "dates are written YYYY-MM-DD or YYYY-MM-DD HH:MM:SS; with quotes it is stored as text"
                .to_owned()
        }
        (None, Some(Family::Boolean)) => {
            "write `true` or `false`; with quotes it is stored as text".to_owned()
        }
        (None, _) => "with quotes it is stored as text".to_owned(),
    };
    let help = Instead::from(help).in_files(in_files.0, in_files.1);
    if family == Some(Family::Moment) {
        return Err(Unfit {
            code: "no-date",
            message: format!(
                "`{}` is no date, and column `{}` is of type {}",
                shortened(text),
                column.name,
                column.declared
            ),
            help: Some(help),
        });
    }
    Err(unfit("wrong-type", text, column, Some(help)))
}

/// What a word means, as a cell of CSV and as one of JSON.
fn in_files(meant: &str) -> (String, String) {
    if let Some(tag) = meant.strip_prefix('!') {
        let help = format!("write a value, or move the row into the seed itself, with `!{tag}`");
        return (help.clone(), help);
    }
    let is_literal = meant.parse::<f64>().is_ok() || matches!(meant, "true" | "false");
    let in_json = match is_literal {
        true => meant.to_owned(),
        false => format!("\"{meant}\""),
    };
    let meant = |word: &str| format!("did you mean `{word}`?");
    (meant(meant_in_csv(&in_json)), meant(&in_json))
}

fn meant_in_csv(in_json: &str) -> &str {
    in_json.trim_matches('"')
}

/// A number as SQLite reads one, and nothing that only looks like one to YAML. None where it is no number.
fn number(text: &str, affinity: Affinity) -> Result<Option<Value>, Unfit> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return match (text.parse(), text.parse::<f64>()) {
            (Ok(number), _) => Ok(Some(Value::Integer(number))),
            // There every number is rounded.
            (Err(_), Ok(real)) if affinity == Affinity::Real && real.is_finite() => {
                Ok(Some(Value::Real(real)))
            }
            (Err(_), _) => Err(Unfit {
                code: "number-too-large",
                message: format!("{text} does not fit into 64 bits"),
                help: Some("a TEXT column keeps every digit".into()),
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
            help: Some(
                Instead::from("leave the value out, or write `~` for NULL").in_files(
                    "leave the cell empty for NULL",
                    "leave the value out, or write `null`",
                ),
            ),
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
            help: Some("a TEXT column keeps every digit".into()),
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

fn unfit(code: &'static str, text: &str, column: &Column, help: Option<Instead>) -> Unfit {
    Unfit {
        code,
        message: format!(
            "`{}` does not fit into column `{}` of type {}",
            shortened(text),
            column.name,
            column.declared
        ),
        help,
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
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
            &[
                ("1", Plain, "Real(1.0)"),
                ("1e3", Plain, "Real(1000.0)"),
                ("12345678901234567890", Plain, "Real(1.2345678901234567e19)"),
            ],
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
                ("soon", Plain, "no-date"),
                ("soon", Quoted, "Text(\"soon\")"),
            ],
        );
    }
}
