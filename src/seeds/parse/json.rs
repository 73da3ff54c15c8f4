//! Maps and lists in a cell: JSON, typed by YAML's core schema.
//!
//! What YAML would change on the way (`007`, `+1555`) is a problem and not a number, since no column is there to say
//! what was meant. Maps are sorted by their keys: one meaning has one text.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::{Number, Value};

use super::Reader;
use super::template::Scope;
use crate::seeds::model::{Expr, Json, Style};
use crate::seeds::yaml::{Kind, Node, is_null};

impl Reader<'_> {
    /// JSON of a node, whose own tag is not looked at.
    pub(super) fn json(&mut self, node: &Node, scope: Scope) -> Option<Expr> {
        Some(match self.composed(node, scope)? {
            Json::Constant(value) => Expr::Json(Box::new(value)),
            composed => Expr::Composed(Box::new(composed)),
        })
    }

    fn composed(&mut self, node: &Node, scope: Scope) -> Option<Json> {
        match &node.kind {
            Kind::Scalar(text, style) if text.contains("${") => {
                let template = self.template(text, &node.span, scope);
                Some(match template.as_text() {
                    Some(text) => Json::Constant(Value::String(text.to_owned())),
                    None => Json::Text {
                        text: template,
                        style: *style,
                    },
                })
            }
            Kind::Scalar(text, Style::Plain) => match core(text) {
                Ok(Some(value)) => Some(Json::Constant(value)),
                Ok(None) => Some(Json::Constant(Value::String(text.to_string()))),
                Err(why) => {
                    self.not_json(
                        &node.span,
                        format!("`{text}` {why}"),
                        "write it in quotes to make it a text",
                    );
                    None
                }
            },
            Kind::Scalar(text, _) => Some(Json::Constant(Value::String(text.to_string()))),
            Kind::Sequence(items) => {
                let items: Vec<Option<Json>> =
                    items.iter().map(|item| self.part(item, scope)).collect();
                let items: Vec<Json> = items.into_iter().collect::<Option<_>>()?;
                Some(match items.iter().map(constant).collect() {
                    Some(items) => Json::Constant(Value::Array(items)),
                    None => Json::List(items),
                })
            }
            Kind::Mapping(entries) => {
                let mut sorted = BTreeMap::new();
                let mut whole = true;
                for (key, value) in entries {
                    let Kind::Scalar(text, _) = &key.kind else {
                        continue;
                    };
                    let name = self.literal(text, &key.span);
                    match self.part(value, scope) {
                        Some(value) => {
                            sorted.insert(name, value);
                        }
                        None => whole = false,
                    }
                }
                let entry =
                    |(name, value): (&String, &Json)| Some((name.clone(), constant(value)?));
                whole.then(|| match sorted.iter().map(entry).collect() {
                    Some(entries) => Json::Constant(Value::Object(entries)),
                    None => Json::Map(sorted.into_iter().collect()),
                })
            }
        }
    }

    /// A part of JSON, which may have a tag.
    fn part(&mut self, node: &Node, scope: Scope) -> Option<Json> {
        let Some(tag) = &node.tag else {
            return self.composed(node, scope);
        };
        let expr = self.expr(node, scope)?;
        if !self.may_be_json(&expr.value) {
            self.not_json(
                &node.whole(),
                format!("JSON has no value for the tag `{}`", tag.value),
                "give it a column of its own, or write a text in quotes",
            );
            return None;
        }
        Some(match expr.value {
            Expr::Null => Json::Constant(Value::Null),
            Expr::Json(value) => Json::Constant(*value),
            Expr::Composed(json) => *json,
            _ => Json::Tag(Box::new(expr)),
        })
    }

    fn may_be_json(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Hash(_) | Expr::Binary(_) => false,
            Expr::Pick(items) => items.iter().all(|(item, _)| self.may_be_json(&item.value)),
            _ => true,
        }
    }

    fn not_json(&mut self, span: &Range<usize>, message: String, help: &str) {
        self.error("bad-json", span, message, help);
    }
}

fn constant(json: &Json) -> Option<Value> {
    match json {
        Json::Constant(value) => Some(value.clone()),
        _ => None,
    }
}

/// What a plain scalar is by the core schema; none for a text. <https://yaml.org/spec/1.2.2/#1032-tag-resolution>
pub(in crate::seeds) fn core(text: &str) -> Result<Option<Value>, &'static str> {
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
