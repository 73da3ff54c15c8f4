//! Values on the wire and in the engine, and how large sqld counts them in an answer.

use super::Reject;
use bytes::Bytes;
use libsql_hrana::proto;
use rusqlite::types::{Value, ValueRef};

pub(super) fn from_wire(value: &proto::Value) -> Result<Value, Reject> {
    Ok(match value {
        proto::Value::None => {
            return Err(Reject::Protocol("Value type not recognized".to_owned()));
        }
        proto::Value::Null => Value::Null,
        proto::Value::Integer { value } => Value::Integer(*value),
        proto::Value::Float { value } => Value::Real(*value),
        proto::Value::Text { value } => Value::Text(value.to_string()),
        proto::Value::Blob { value } => Value::Blob(value.to_vec()),
    })
}

pub(super) fn to_wire(value: Value) -> proto::Value {
    match value {
        Value::Null => proto::Value::Null,
        Value::Integer(value) => proto::Value::Integer { value },
        Value::Real(value) => proto::Value::Float { value },
        Value::Text(value) => proto::Value::Text {
            value: value.into(),
        },
        Value::Blob(value) => proto::Value::Blob {
            value: Bytes::from(value),
        },
    }
}

/// An owned copy; an error where a text is not UTF-8, which the wire cannot carry.
pub(super) fn owned(value: ValueRef<'_>) -> Result<Value, String> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => Value::Integer(value),
        ValueRef::Real(value) => Value::Real(value),
        ValueRef::Text(text) => {
            let text = std::str::from_utf8(text).map_err(|error| error.to_string())?;
            Value::Text(text.to_owned())
        }
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    })
}

/// Bytes of `value` in an answer by sqld's estimate (`value_json_size`).
pub(super) fn size(value: ValueRef<'_>) -> u64 {
    let bytes = match value {
        ValueRef::Null => r#"{"type":"null"}"#.len(),
        ValueRef::Integer(value) => {
            r#"{"type":"integer","value":""}"#.len() + value.to_string().len()
        }
        ValueRef::Real(value) => r#"{"type":"float","value":"}"#.len() + value.to_string().len(),
        ValueRef::Text(text) => r#"{"type":"text","value":""}"#.len() + text.len(),
        ValueRef::Blob(bytes) => bytes.len(),
    };
    bytes as u64
}

/// Bytes of a column's description by the same estimate.
pub(super) fn column_size((name, declared): (&str, Option<&str>)) -> u64 {
    let declared = declared.unwrap_or("null").len();
    (r#"{"name":"","decltype":""}"#.len() + name.len() + declared) as u64
}
