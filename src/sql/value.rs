//! The five storage classes of SQLite as one type: what is bound to a statement and what a row holds.
//! It converts nothing behind the reader's back: an integer never becomes a real, a text never a number.

/// A value of SQLite, by its [storage class](https://www.sqlite.org/datatype3.html).
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// `NULL`.
    #[default]
    Null,
    /// A signed 64-bit integer.
    Integer(i64),
    /// A 64-bit float. SQLite stores NaN as `NULL`.
    Real(f64),
    /// Text; it may hold NUL characters.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

impl Value {
    /// The integer, if this is one. A real or a text that looks like an integer is none.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Value::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// The real, if this is one.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Real(number) => Some(*number),
            _ => None,
        }
    }

    /// The text, if this is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The bytes of a blob, if this is one.
    pub fn as_blob(&self) -> Option<&[u8]> {
        match self {
            Value::Blob(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// Whether this is `NULL`.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }
}

/// A value where it lies: in a dump, in a statement's row. A text is bytes, since SQLite keeps any
/// ([its rule](https://sqlite.org/datatype3.html) is only that a text is what was stored as one).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ValueRef<'a> {
    /// `NULL`.
    Null,
    /// A signed 64-bit integer.
    Integer(i64),
    /// A 64-bit float.
    Real(f64),
    /// Text; most is UTF-8, and it may hold NUL characters.
    Text(&'a [u8]),
    /// Bytes.
    Blob(&'a [u8]),
}

impl ValueRef<'_> {
    /// A copy of the value. What is no UTF-8 in a text becomes U+FFFD.
    pub(crate) fn to_value(self) -> Value {
        match self {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(number) => Value::Integer(number),
            ValueRef::Real(number) => Value::Real(number),
            ValueRef::Text(text) => Value::Text(match std::str::from_utf8(text) {
                Ok(text) => text.to_owned(),
                Err(_) => String::from_utf8_lossy(text).into_owned(),
            }),
            ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
        }
    }
}

impl<'a> From<&'a Value> for ValueRef<'a> {
    fn from(value: &'a Value) -> ValueRef<'a> {
        match value {
            Value::Null => ValueRef::Null,
            Value::Integer(number) => ValueRef::Integer(*number),
            Value::Real(number) => ValueRef::Real(*number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Blob(bytes) => ValueRef::Blob(bytes),
        }
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Value::Integer(number)
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Value::Integer(number.into())
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Value::Integer(number.into())
    }
}

/// `1` or `0`, as SQLite has no booleans.
impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Value::Integer(flag.into())
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Value::Real(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::Text(text)
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Value::Blob(bytes)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rust_value_becomes_its_own_storage_class() {
        assert_eq!(Value::from(7_i64), Value::Integer(7));
        assert_eq!(Value::from(true), Value::Integer(1));
        assert_eq!(Value::from(7.0), Value::Real(7.0));
        assert_eq!(Value::from("7"), Value::Text("7".into()));
        assert_eq!(Value::from(String::from("7")), Value::Text("7".into()));
        assert_eq!(Value::from(vec![7_u8]), Value::Blob(vec![7]));
        assert_eq!(Value::from(Some("7")), Value::Text("7".into()));
        assert_eq!(Value::from(None::<i64>), Value::Null);
    }

    #[test]
    fn an_accessor_answers_for_its_own_class_only() {
        assert_eq!(Value::Integer(7).as_i64(), Some(7));
        assert_eq!(Value::Real(7.0).as_i64(), None);
        assert_eq!(Value::Text("7".into()).as_i64(), None);
        assert_eq!(Value::Text("7".into()).as_str(), Some("7"));
        assert_eq!(Value::Null.as_str(), None);
        assert!(Value::Null.is_null());
    }
}
