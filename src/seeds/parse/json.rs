//! Maps and lists in a cell: JSON, typed by YAML's core schema.
//!
//! What YAML would change on the way (`007`, `+1555`) is a problem and not a number, since no column is there to say
//! what was meant. Maps are sorted by their keys: one meaning has one text.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::{Number, Value};

use super::Reader;
use crate::seeds::model::Style;
use crate::seeds::yaml::{Kind, Node, is_null};

impl Reader<'_> {
    /// JSON of a node, whose own tag is not looked at.
    pub(super) fn json(&mut self, node: &Node) -> Option<Value> {
        match &node.kind {
            Kind::Scalar(text, Style::Quoted) => {
                Some(Value::String(self.literal(text, &node.span)))
            }
            Kind::Scalar(text, Style::Plain) => match core(text) {
                Ok(Some(value)) => Some(value),
                Ok(None) => Some(Value::String(self.literal(text, &node.span))),
                Err(why) => {
                    self.not_json(
                        &node.span,
                        format!("`{text}` {why}"),
                        "write it in quotes to make it a text",
                    );
                    None
                }
            },
            Kind::Sequence(items) => {
                let items: Vec<Option<Value>> = items.iter().map(|item| self.part(item)).collect();
                items.into_iter().collect::<Option<_>>().map(Value::Array)
            }
            Kind::Mapping(entries) => {
                let mut sorted = BTreeMap::new();
                let mut whole = true;
                for (key, value) in entries {
                    let Kind::Scalar(text, _) = &key.kind else {
                        continue;
                    };
                    let name = self.literal(text, &key.span);
                    match self.part(value) {
                        Some(value) => {
                            sorted.insert(name, value);
                        }
                        None => whole = false,
                    }
                }
                whole.then(|| Value::Object(sorted.into_iter().collect()))
            }
        }
    }

    fn part(&mut self, node: &Node) -> Option<Value> {
        if let Some(tag) = &node.tag {
            self.not_json(
                &tag.span,
                format!(
                    "the tag `{}` stands inside of JSON, where nothing is replaced",
                    tag.value
                ),
                "write the value itself; a text that begins with `!` needs quotes",
            );
            return None;
        }
        self.json(node)
    }

    fn not_json(&mut self, span: &Range<usize>, message: String, help: &str) {
        self.error("bad-json", span, message, help);
    }
}

/// What a plain scalar is by the core schema; none for a text. <https://yaml.org/spec/1.2.2/#1032-tag-resolution>
pub(super) fn core(text: &str) -> Result<Option<Value>, &'static str> {
    if is_null(text, Style::Plain) {
        return Ok(Some(Value::Null));
    }
    match text {
        "true" | "True" | "TRUE" => return Ok(Some(Value::Bool(true))),
        "false" | "False" | "FALSE" => return Ok(Some(Value::Bool(false))),
        _ => {}
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Err("is no number that JSON has");
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) = text.strip_prefix(prefix)
            && !digits.is_empty()
            && digits.chars().all(|c| c.is_digit(radix))
        {
            let number = u64::from_str_radix(digits, radix);
            let number = number.map_err(|_| "is a larger number than 64 bits hold")?;
            return Ok(Some(Value::Number(number.into())));
        }
    }
    let Some(shape) = shape(unsigned) else {
        return Ok(None);
    };
    if text.starts_with('+') {
        return Err("would lose its `+` as a number");
    }
    let whole = unsigned.split(['.', 'e', 'E']).next().unwrap_or_default();
    if whole.len() > 1 && whole.starts_with('0') {
        return Err("would lose its zeros as a number");
    }
    let number = match shape {
        Shape::Integer => match (text.parse::<i64>(), text.parse::<u64>()) {
            (Ok(number), _) => Some(Number::from(number)),
            (_, Ok(number)) => Some(Number::from(number)),
            _ => return Err("is a larger number than 64 bits hold"),
        },
        Shape::Float => text.parse().ok().and_then(Number::from_f64),
    };
    let number = number.ok_or("is a larger number than 64 bits hold")?;
    Ok(Some(Value::Number(number)))
}

enum Shape {
    Integer,
    Float,
}

/// `[0-9]+`, or `( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`
fn shape(unsigned: &str) -> Option<Shape> {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => {
            let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            (mantissa, Some(exponent))
        }
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let some = !whole.is_empty() || fraction.is_some_and(|fraction| !fraction.is_empty());
    let numeric = some
        && digits(whole)
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|exponent| !exponent.is_empty() && digits(exponent));
    numeric.then_some(match (fraction, exponent) {
        (None, None) => Shape::Integer,
        _ => Shape::Float,
    })
}
