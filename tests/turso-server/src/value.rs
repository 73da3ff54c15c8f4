//! Values on the wire: <https://github.com/tursodatabase/libsql/blob/main/docs/HRANA_3_SPEC.md#values>.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde_json::json;
use turso::Value;

pub(crate) fn from_wire(value: &serde_json::Value) -> Option<Value> {
    let field = |name: &str| value[name].as_str();
    Some(match field("type")? {
        "null" => Value::Null,
        "integer" => Value::Integer(field("value")?.parse().ok()?),
        "float" => Value::Real(value["value"].as_f64()?),
        "text" => Value::Text(field("value")?.to_owned()),
        "blob" => {
            let text = field("base64")?.trim_end_matches('=');
            Value::Blob(STANDARD_NO_PAD.decode(text).ok()?)
        }
        _ => return None,
    })
}

pub(crate) fn to_wire(value: Value) -> serde_json::Value {
    match value {
        Value::Null => json!({ "type": "null" }),
        Value::Integer(number) => json!({ "type": "integer", "value": number.to_string() }),
        Value::Real(number) => json!({ "type": "float", "value": number }),
        Value::Text(text) => json!({ "type": "text", "value": text }),
        Value::Blob(bytes) => json!({ "type": "blob", "base64": STANDARD.encode(bytes) }),
    }
}
