//! JSON: a list of objects, or an object with a row for each label. Text in quotes is text, as in the seed itself; a list or
//! an object in a cell is JSON.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::{LABEL, Reader, scalar};
use crate::script::Source;
use crate::seeds::model::{Expr, Field, RowDecl, Spanned, Style};
use crate::seeds::once::Once;

/// The members of an object in their order, none lost where two have one name.
struct Members<'t>(Vec<(String, &'t RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visit)
    }
}

/// The rows of a file.
pub(super) fn rows(reader: &mut Reader<'_>) -> Vec<RowDecl> {
    let source = reader.companion.source.clone();
    let text = &*source.text;
    let is_list = text.trim_start().starts_with('[');
    let read: Result<Vec<(Option<String>, &RawValue)>, _> = match is_list {
        true => serde_json::from_str::<Vec<&RawValue>>(text)
            .map(|items| items.into_iter().map(|item| (None, item)).collect()),
        false => serde_json::from_str::<Members<'_>>(text).map(|members| {
            let members = members.0.into_iter();
            members.map(|(label, row)| (Some(label), row)).collect()
        }),
    };
    let items = match read {
        Ok(items) => items,
        Err(error) => {
            let message = match error.classify() {
                Category::Syntax | Category::Eof => format!("this is not JSON: {error}"),
                _ => "this is neither a list of objects nor an object of them".to_owned(),
            };
            let at = offset(text, &error);
            let help =
                "write `[{\"name\": \"Ann\"}]`, or `{\"ann\": {\"name\": \"Ann\"}}` with labels";
            reader.error("bad-json", at..at, message, help);
            return Vec::new();
        }
    };
    let mut names = Once::default();
    let mut rows = Vec::with_capacity(items.len());
    for (label, item) in items {
        let span = place(text, item);
        let start = span.start..span.start + 1;
        let Ok(Members(members)) = serde_json::from_str::<Members<'_>>(item.get()) else {
            let help = "each row is an object: `{\"name\": \"Ann\"}`";
            reader.error(
                "bad-json",
                start,
                "a row is an object, and this is none".into(),
                help,
            );
            continue;
        };
        let mut label = label.map(|label| (label, start.clone()));
        let mut fields: Vec<Field> = Vec::with_capacity(members.len());
        let mut are_right = true;
        for (name, value) in members {
            let span = place(text, value);
            if name == LABEL && label.is_none() {
                match serde_json::from_str(value.get()) {
                    Ok(text) => label = Some((text, span)),
                    Err(_) => {
                        let message = "`_label` is a text, and this is none".to_owned();
                        reader.error("bad-label", span, message, "write it in quotes");
                        are_right = false;
                    }
                }
                continue;
            }
            if !reader.is_column(&name, span.clone()) {
                are_right = false;
                continue;
            }
            if fields.iter().any(|it| *it.name.value == *name) {
                let message = format!("`{name}` stands twice in this object");
                reader.error("duplicate-key", span, message, "keep one of the two");
                are_right = false;
                continue;
            }
            let value = match cell(value, &source, &span) {
                Ok(value) => value,
                Err(error) => {
                    let at = span.start + offset(value.get(), &error);
                    let message = format!("this value cannot be read: {}", without_place(&error));
                    let help = "text is Unicode, numbers in a list or an object have 64 bits, and 128 levels are the most";
                    reader.error("bad-json", at..at, message, help);
                    are_right = false;
                    continue;
                }
            };
            let span = reader.place(span);
            fields.push(Field {
                name: Spanned::new(names.of(&name), span.clone()),
                value: Spanned::new(value, span),
            });
        }
        if are_right {
            rows.extend(reader.row(start, label, fields));
        }
    }
    rows
}

/// What a cell holds. Not everything in the form of JSON has a value: half of a character, for one.
fn cell(value: &RawValue, source: &Arc<Source>, span: &Range<usize>) -> serde_json::Result<Expr> {
    let written = value.get();
    Ok(match written.as_bytes().first() {
        Some(b'n') => Expr::Null,
        Some(b'"') => {
            let text: String = serde_json::from_str(written)?;
            scalar(&text, Style::Quoted, source, span)
        }
        Some(b'[' | b'{') => Expr::Json(Box::new(serde_json::from_str(written)?)),
        _ => scalar(written, Style::Plain, source, span),
    })
}

/// What is wrong, without the line and column, which count from the start of the value.
fn without_place(error: &serde_json::Error) -> String {
    let place = format!(" at line {} column {}", error.line(), error.column());
    let message = error.to_string();
    message.strip_suffix(&place).unwrap_or(&message).to_owned()
}

/// Where a value stands in the text of which it is a part.
fn place(text: &str, value: &RawValue) -> Range<usize> {
    let part = value.get();
    let start = (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    start..start + part.len()
}

/// The byte of a line and a column, both from 1.
fn offset(text: &str, error: &serde_json::Error) -> usize {
    let line = text
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1));
    let start: usize = line.map(str::len).sum();
    text.floor_char_boundary((start + error.column().saturating_sub(1)).min(text.len()))
}
