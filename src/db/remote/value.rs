//! Values as Hrana carries them.

use std::sync::Arc;

use libsql_hrana::proto;

use crate::sql::Value;

pub(super) fn to_hrana(value: &Value) -> proto::Value {
    match value {
        Value::Null => proto::Value::Null,
        Value::Integer(value) => proto::Value::Integer { value: *value },
        Value::Real(value) => proto::Value::Float { value: *value },
        Value::Text(value) => proto::Value::Text {
            value: Arc::from(value.as_str()),
        },
        Value::Blob(value) => proto::Value::Blob {
            value: value.clone().into(),
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
