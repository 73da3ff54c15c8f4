//! A row as a type of the test's own. Values become what the type asks for only where nothing is guessed: a `bool` from
//! 0 or 1, a list or a map from JSON text.

use std::fmt::Display;

use serde::de::value::{Error, StrDeserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess,
    Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;

use crate::sql::Value;

/// Makes a type of a row: a struct with fields named as columns, a map, or a tuple of the columns in their order.
pub(super) fn typed<T: DeserializeOwned>(columns: &[String], values: &[Value]) -> Result<T, Error> {
    T::deserialize(Row { columns, values })
}

struct Row<'a> {
    columns: &'a [String],
    values: &'a [Value],
}

impl<'de> Deserializer<'de> for Row<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(Columns { row: self, next: 0 })
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let cells = self.values.iter().map(Cell);
        visitor.visit_seq(serde::de::value::SeqDeserializer::new(cells))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        tuple_struct map struct enum identifier ignored_any
    }
}

struct Columns<'a> {
    row: Row<'a>,
    next: usize,
}

impl<'de> MapAccess<'de> for Columns<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        let Some(column) = self.row.columns.get(self.next) else {
            return Ok(None);
        };
        let name: StrDeserializer<'_, Error> = column.as_str().into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let at = self.next;
        self.next += 1;
        let value = self.row.values.get(at).unwrap_or(&Value::Null);
        seed.deserialize(Cell(value)).map_err(|error| {
            let column = self.row.columns.get(at).map_or("", String::as_str);
            Error::custom(format!("column `{column}`: {error}"))
        })
    }
}

#[derive(Clone, Copy)]
struct Cell<'a>(&'a Value);

impl<'de> IntoDeserializer<'de, Error> for Cell<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl Cell<'_> {
    /// The JSON value that a text holds; none where this is no text, and the type is asked for it as it is.
    fn json(self) -> Result<Option<serde_json::Value>, Error> {
        let not = |error: &dyn Display| Error::custom(format!("the text is no JSON: {error}"));
        let text = self.0.as_str();
        text.map(|text| serde_json::from_str(text).map_err(|error| not(&error)))
            .transpose()
    }
}

/// Errors of JSON become those of rows.
fn of_json<T>(result: Result<T, serde_json::Error>) -> Result<T, Error> {
    result.map_err(Error::custom)
}

impl<'de> Deserializer<'de> for Cell<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Integer(number) => visitor.visit_i64(*number),
            Value::Real(number) => visitor.visit_f64(*number),
            Value::Text(text) => visitor.visit_str(text),
            Value::Blob(bytes) => visitor.visit_bytes(bytes),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Integer(0) => visitor.visit_bool(false),
            Value::Integer(1) => visitor.visit_bool(true),
            Value::Integer(number) => Err(Error::invalid_value(
                Unexpected::Signed(*number),
                &"0 or 1 for a bool",
            )),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if let Value::Blob(bytes) = self.0 {
            let bytes = bytes.iter().copied();
            return visitor.visit_seq(serde::de::value::SeqDeserializer::new(bytes));
        }
        match self.json()? {
            Some(json) => of_json(json.deserialize_seq(visitor)),
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.json()? {
            Some(json) => of_json(json.deserialize_map(visitor)),
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.json()? {
            Some(json) => of_json(json.deserialize_struct(name, fields, visitor)),
            None => self.deserialize_any(visitor),
        }
    }

    /// A variant without content by its name.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0.as_str() {
            Some(text) => {
                let variant: StrDeserializer<'_, Error> = text.into_deserializer();
                visitor.visit_enum(variant)
            }
            None => self.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct identifier
        ignored_any
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fmt::Debug;

    use expect_test::{Expect, expect};
    use serde::Deserialize;

    use super::*;

    fn check<T: DeserializeOwned + Debug>(value: impl Into<Value>, expect: Expect) {
        #[derive(Debug, Deserialize)]
        struct Only<T> {
            it: T,
        }
        let found = typed::<Only<T>>(
            &["it".to_owned(), "more".to_owned()],
            &[value.into(), Value::Null],
        );
        let found = match found {
            Ok(Only { it }) => format!("{it:?}"),
            Err(error) => error.to_string(),
        };
        expect.assert_eq(&found);
    }

    #[derive(Debug, Deserialize)]
    struct Id(#[allow(dead_code)] String);

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Tier {
        Free,
        Premium,
    }

    #[test]
    fn values_become_what_the_type_asks_for() {
        check::<bool>(1, expect!["true"]);
        check::<bool>(0, expect!["false"]);
        check::<Option<bool>>(1, expect!["Some(true)"]);
        check::<u8>(200, expect!["200"]);
        check::<f64>(2, expect!["2.0"]);
        check::<Option<i64>>(Value::Null, expect!["None"]);
        check::<Id>("admin-456", expect![[r#"Id("admin-456")"#]]);
        check::<Tier>("premium", expect!["Premium"]);
        check::<Tier>("free", expect!["Free"]);
        check::<Vec<u8>>(vec![1, 255], expect!["[1, 255]"]);
        check::<[u8; 2]>(vec![1, 255], expect!["[1, 255]"]);
        check::<Vec<u8>>("[1,2]", expect!["[1, 2]"]);
        check::<BTreeMap<String, i32>>(r#"{"a":1}"#, expect![[r#"{"a": 1}"#]]);
        check::<Option<Vec<String>>>(r#"["a"]"#, expect![[r#"Some(["a"])"#]]);
        check::<serde_json::Value>(r#"["a"]"#, expect![[r#"String("[\"a\"]")"#]]);
    }

    #[test]
    fn what_does_not_fit_is_told_with_its_column() {
        check::<bool>(
            2,
            expect!["column `it`: invalid value: integer `2`, expected 0 or 1 for a bool"],
        );
        check::<u8>(
            300,
            expect!["column `it`: invalid value: integer `300`, expected u8"],
        );
        check::<i64>(
            "7",
            expect![[r#"column `it`: invalid type: string "7", expected i64"#]],
        );
        check::<String>(
            Value::Null,
            expect!["column `it`: invalid type: unit value, expected a string"],
        );
        check::<Vec<u8>>(
            "x",
            expect!["column `it`: the text is no JSON: expected value at line 1 column 1"],
        );
        check::<Tier>(
            "gold",
            expect!["column `it`: unknown variant `gold`, expected `free` or `premium`"],
        );
    }

    #[test]
    fn a_row_may_be_a_tuple_or_a_map() {
        let columns = ["a".to_owned(), "b".to_owned()];
        let values = [Value::Integer(1), Value::Text("x".to_owned())];
        let tuple: (i64, String) = typed(&columns, &values).unwrap();
        assert_eq!(tuple, (1, "x".to_owned()));
        let map: BTreeMap<String, serde_json::Value> = typed(&columns, &values).unwrap();
        assert_eq!(map["b"], "x");
    }
}
