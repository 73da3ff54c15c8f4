//! A value as a cell holds it. There may be millions of them, and most are texts as they stand in a file: such a text is a
//! place in it. Pure.

use super::model::{Expr, Template};
use crate::sql::{Value, ValueRef};

/// A value in few bytes.
#[derive(Debug, Clone)]
pub(super) enum Held {
    Null,
    Integer(i64),
    Real(f64),
    Text(Box<str>),
    /// A text as it stands in a file.
    Written(Template),
    Blob(Box<[u8]>),
}

impl Held {
    /// A value that came of what is written in a cell.
    pub(super) fn of_cell(value: Value, expr: &Expr) -> Held {
        match (&value, expr) {
            (Value::Text(value), Expr::Scalar { text, .. })
                if text.is_place() && text.as_text() == Some(value) =>
            {
                Held::Written(text.clone())
            }
            _ => value.into(),
        }
    }

    /// The value where it lies.
    pub(super) fn get(&self) -> ValueRef<'_> {
        match self {
            Held::Null => ValueRef::Null,
            Held::Integer(number) => ValueRef::Integer(*number),
            Held::Real(number) => ValueRef::Real(*number),
            Held::Text(_) | Held::Written(_) => {
                ValueRef::Text(self.as_str().unwrap_or_default().as_bytes())
            }
            Held::Blob(bytes) => ValueRef::Blob(bytes),
        }
    }

    /// A copy of the value.
    pub(super) fn value(&self) -> Value {
        match self {
            Held::Null => Value::Null,
            Held::Integer(number) => Value::Integer(*number),
            Held::Real(number) => Value::Real(*number),
            Held::Text(_) | Held::Written(_) => {
                Value::Text(self.as_str().unwrap_or_default().to_owned())
            }
            Held::Blob(bytes) => Value::Blob(bytes.to_vec()),
        }
    }

    /// The text, if this is one.
    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Held::Text(text) => Some(text),
            Held::Written(text) => text.as_text(),
            _ => None,
        }
    }
}

impl From<Value> for Held {
    fn from(value: Value) -> Held {
        match value {
            Value::Null => Held::Null,
            Value::Integer(number) => Held::Integer(number),
            Value::Real(number) => Held::Real(number),
            Value::Text(text) => Held::Text(text.into()),
            Value::Blob(bytes) => Held::Blob(bytes.into()),
        }
    }
}

impl From<Held> for Value {
    fn from(held: Held) -> Value {
        match held {
            Held::Text(text) => Value::Text(text.into()),
            Held::Blob(bytes) => Value::Blob(bytes.into()),
            held => held.value(),
        }
    }
}

impl PartialEq for Held {
    fn eq(&self, other: &Held) -> bool {
        self.get() == other.get()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Held;
    use crate::script::Source;
    use crate::seeds::model::{Expr, Style, Template};
    use crate::sql::{Value, ValueRef};

    #[test]
    fn a_value_is_the_same_however_it_is_held() {
        for value in [
            Value::Null,
            Value::Integer(-7),
            Value::Real(0.5),
            Value::from("a\0b"),
            Value::Blob(vec![0, 255]),
        ] {
            let held = Held::from(value.clone());
            assert_eq!(held.get(), ValueRef::from(&value));
            assert_eq!(held.value(), value);
            assert_eq!(Value::from(held), value);
        }
    }

    #[test]
    fn a_text_is_a_place_only_where_it_stands_there_as_it_is() {
        let source = Arc::new(Source {
            name: "a.yaml".to_owned(),
            text: "x: \"Rome\"".into(),
        });
        let text = Template::read("Rome", &source, &(3..9));
        let expr = Expr::Scalar {
            text,
            style: Style::Quoted,
        };
        let as_it_is = Held::of_cell("Rome".into(), &expr);
        assert!(matches!(as_it_is, Held::Written(_)));
        assert_eq!(as_it_is, Held::from(Value::from("Rome")));
        assert_eq!(as_it_is.value(), Value::from("Rome"));
        let other = Held::of_cell("ROME".into(), &expr);
        assert!(matches!(other, Held::Text(_)));
    }
}
