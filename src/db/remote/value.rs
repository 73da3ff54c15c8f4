//! Values as Hrana carries them.

use libsql_hrana::proto;

use crate::sql::{Value, ValueRef};

pub(super) fn to_hrana<'a>(value: impl Into<ValueRef<'a>>) -> proto::Value {
    match value.into() {
        ValueRef::Null => proto::Value::Null,
        ValueRef::Integer(value) => proto::Value::Integer { value },
        ValueRef::Real(value) => proto::Value::Float { value },
        ValueRef::Text(value) => proto::Value::Text {
            value: String::from_utf8_lossy(value).into(),
        },
        ValueRef::Blob(value) => proto::Value::Blob {
            value: value.to_vec().into(),
        },
    }
}

pub(super) fn from_hrana(value: proto::Value) -> Value {
    match value {
        proto::Value::None | proto::Value::Null => Value::Null,
        proto::Value::Integer { value } => Value::Integer(value),
        proto::Value::Float { value } => Value::Real(value),
        proto::Value::Text { value } => Value::Text(value.to_string()),
        proto::Value::Blob { value } => Value::Blob(value.to_vec()),
    }
}
