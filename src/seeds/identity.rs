//! Values as words that are equal where the engine would call them equal, to find rows by their keys. Pure.

use crate::sql::Value;

/// One value. No two classes share a word.
pub(super) fn word(value: &Value) -> String {
    match value {
        Value::Null => "n".to_owned(),
        Value::Integer(number) => format!("i{number}"),
        Value::Real(real) => format!("r{:x}", real.to_bits()),
        Value::Text(text) => format!("t{text}"),
        Value::Blob(bytes) => {
            let mut word = String::with_capacity(1 + bytes.len() * 2);
            word.push('b');
            for byte in bytes {
                use std::fmt::Write;
                let _ = write!(word, "{byte:02x}");
            }
            word
        }
    }
}

/// Several values. None where one is NULL: then no other row is equal
/// (<https://sqlite.org/lang_createtable.html#uniqueconst>).
pub(super) fn words<'a>(values: impl IntoIterator<Item = &'a Value>) -> Option<String> {
    let mut all = String::new();
    for value in values {
        if value.is_null() {
            return None;
        }
        let word = word(value);
        all.push_str(&word.len().to_string());
        all.push(':');
        all.push_str(&word);
    }
    Some(all)
}

/// A value as people read it, in a plan.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Real(real) => real.to_string(),
        Value::Text(text) => text.clone(),
        Value::Blob(bytes) => format!("{} bytes", bytes.len()),
    }
}
