//! Values as YAML. How a text must be quoted is serde_yaml's to say; what a column would make of it comes before that.
//! Pure.

use crate::base64;
use crate::schema::{Affinity, Column, Strictness};
use crate::seeds::identity::word;
use crate::seeds::model::Style;
use crate::seeds::typed::typed;
use crate::sql::Value;

/// A value as it stands in a cell of its column, behind the `: `. `indent` is that of the cell, in spaces.
///
/// # Errors
/// Why no seed can say it, as the end of a sentence that begins with the place.
pub(super) fn cell(
    value: &Value,
    column: &Column,
    strictness: Strictness,
    indent: usize,
) -> Result<String, &'static str> {
    let becomes = |text: &str, style| {
        typed(text.into(), style, column, strictness).is_ok_and(|it| word(&it) == word(value))
    };
    match value {
        Value::Null => Ok("~".to_owned()),
        Value::Integer(_) | Value::Real(_) => {
            let written = match value {
                Value::Real(real) if !real.is_finite() => {
                    return Err("is infinite, and a seed has finite numbers only");
                }
                // The shortest digits that are this number and no other, always with a point or an exponent.
                Value::Real(real) => format!("{real:?}"),
                Value::Integer(number) => number.to_string(),
                _ => return Err("is no number"),
            };
            if becomes(&written, Style::Plain) {
                Ok(written)
            } else if becomes(&written, Style::Quoted) {
                Ok(quoted(&written))
            } else {
                Err("is a number that its column would make another value of")
            }
        }
        Value::Text(text) => {
            let escaped = text.replace("${", "$${");
            let (written, style) = scalar(&escaped, indent);
            if becomes(text, style) {
                Ok(written)
            } else if becomes(text, Style::Quoted) {
                Ok(quoted(&escaped))
            } else if becomes(text, Style::Text) {
                Ok(format!("!!str {}", quoted(&escaped)))
            } else {
                Err("is text that its column would make another value of")
            }
        }
        Value::Blob(_) if matches!(column.affinity, Affinity::Integer | Affinity::Real) => {
            Err("is bytes in a column of numbers")
        }
        Value::Blob(bytes) if bytes.is_empty() => Ok("!!binary \"\"".to_owned()),
        Value::Blob(bytes) => Ok(format!("!!binary {}", base64::encode(bytes))),
    }
}

/// A text that is a name: of a table, a column, a row. Always in one line.
pub(super) fn name(text: &str) -> String {
    one_line(text).0
}

fn scalar(text: &str, indent: usize) -> (String, Style) {
    match block(text, indent) {
        Some(block) => (block, Style::Quoted),
        None => one_line(text),
    }
}

/// A name between double quotes, which can stand anywhere.
pub(super) fn in_quotes(text: &str) -> String {
    quoted(text)
}

/// A text of several lines as it is, where YAML keeps every character of it.
fn block(text: &str, indent: usize) -> Option<String> {
    let (lines, mark) = match text.strip_suffix('\n') {
        Some(lines) => (lines, "|"),
        None => (text, "|-"),
    };
    let odd = |c: char| c != '\n' && must_be_escaped(c);
    let blank = |line: &str| line.starts_with(' ') || line.is_empty();
    let ends = lines.split('\n').next_back().is_none_or(str::is_empty);
    if !lines.contains('\n')
        || ends
        || blank(lines)
        || lines.starts_with('\n')
        || text.contains(odd)
    {
        return None;
    }
    let mut written = mark.to_owned();
    for line in lines.split('\n') {
        written.push('\n');
        if !line.is_empty() {
            written.push_str(&" ".repeat(indent + 2));
            written.push_str(line);
        }
    }
    Some(written)
}

fn one_line(text: &str) -> (String, Style) {
    if text.contains(must_be_escaped) || misleads(text) {
        return (quoted(text), Style::Quoted);
    }
    let written = serde_yaml::to_string(text).unwrap_or_default();
    let written = written.strip_suffix('\n').unwrap_or(&written);
    let style = match written.chars().next() {
        None | Some('\'' | '"') => Style::Quoted,
        Some(_) => Style::Plain,
    };
    match written.is_empty() || written.contains('\n') {
        true => (quoted(text), Style::Quoted),
        false => (written.to_owned(), style),
    }
}

/// Whether some reader of YAML takes it for something else than text: <https://yaml.org/type/bool.html>.
fn misleads(text: &str) -> bool {
    const WORDS: [&str; 13] = [
        "y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", "=", "<<", "nan",
    ];
    let lower = text.to_ascii_lowercase();
    WORDS.contains(&lower.as_str())
}

/// Between double quotes: <https://yaml.org/spec/1.2.2/#57-escaped-characters>.
fn quoted(text: &str) -> String {
    let mut written = String::with_capacity(text.len() + 2);
    written.push('"');
    for c in text.chars() {
        match c {
            '"' => written.push_str("\\\""),
            '\\' => written.push_str("\\\\"),
            '\n' => written.push_str("\\n"),
            '\t' => written.push_str("\\t"),
            '\r' => written.push_str("\\r"),
            c if must_be_escaped(c) => written.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => written.push(c),
        }
    }
    written.push('"');
    written
}

/// Characters that a file cannot hold, that end lines to some readers, or that are invisible.
fn must_be_escaped(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
