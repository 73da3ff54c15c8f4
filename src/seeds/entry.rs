//! An entry of the table `_seedbed_rows`, in words and as it is compared. Pure.

use serde_json::{Value as Json, json};

use super::identity::{keyed, words_of_parent};
use super::model::SeedFile;
use crate::schema::TableShape;
use crate::sql::Value;

/// A row of the table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Entry {
    pub(super) seed: String,
    pub(super) table: String,
    pub(super) columns: String,
    pub(super) key: String,
    pub(super) label: String,
}

/// How a row came to be remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// The seed made it.
    Made,
    /// It was there before: the seed found it by its key.
    Met,
    /// The seed made it, and it was removed by hand.
    Removed,
}

/// Salt and hash of a part that is not recorded itself.
pub(super) type Hashed = Option<(String, String)>;

impl Entry {
    pub(super) fn read(row: [Value; 5]) -> Option<Entry> {
        let [seed, table, columns, key, label] = row.map(|value| match value {
            Value::Text(text) => Some(text),
            _ => None,
        });
        Some(Entry {
            seed: seed?,
            table: table?,
            columns: columns?,
            key: key?,
            label: label?,
        })
    }

    /// The names of the columns, and how the row came to be remembered.
    pub(super) fn columns(&self) -> Option<(Vec<String>, State)> {
        let (columns, state) = match serde_json::from_str(&self.columns).ok()? {
            Json::Object(mut object) => match object.remove("met") {
                Some(met) => (met, State::Met),
                None => (object.remove("removed")?, State::Removed),
            },
            columns => (columns, State::Made),
        };
        Some((serde_json::from_value(columns).ok()?, state))
    }

    /// The values of the key, NULL for those of which only the salted hash is known.
    pub(super) fn key(&self) -> Option<(Vec<Value>, Vec<Hashed>)> {
        let key: Vec<Json> = serde_json::from_str(&self.key).ok()?;
        let hashes = key.iter().map(hash_from_json).collect();
        Some((key.into_iter().map(from_json).collect(), hashes))
    }

    /// All but the label, as they are bound.
    pub(super) fn values(&self) -> [Value; 4] {
        [&self.seed, &self.table, &self.columns, &self.key].map(|it| it.as_str().into())
    }
}

impl Entry {
    /// Whether it says this, with a hash for each part that is a secret.
    pub(super) fn is(
        &self,
        of: &TableShape,
        columns: &[usize],
        key: &[Value],
        state: State,
        is_secret: impl Fn(&usize) -> bool,
    ) -> bool {
        let Some(((names, own), (values, hashes))) = self.columns().zip(self.key()) else {
            return false;
        };
        let same = names
            .iter()
            .map(|name| of.column(name))
            .eq(columns.iter().copied().map(Some));
        let mut parts = columns.iter().zip(key).zip(values.iter().zip(&hashes));
        own == state
            && same
            && parts.all(|((column, value), (own, hash))| match hash {
                Some((salt, hash)) => {
                    hash_of(&of.name, of, *column, salt, value).as_ref() == Some(hash)
                }
                None => !is_secret(column) && own == value,
            })
    }
}

/// An entry of the table.
pub(super) fn entry(
    file: &SeedFile,
    of: &TableShape,
    columns: &[usize],
    key: Vec<Json>,
    label: &str,
    state: State,
) -> Entry {
    let names: Vec<&str> = columns
        .iter()
        .map(|it| of.columns[*it].name.as_str())
        .collect();
    let columns = match state {
        State::Made => json!(names),
        State::Met => json!({ "met": names }),
        State::Removed => json!({ "removed": names }),
    };
    Entry {
        seed: file.name.clone(),
        table: of.name.clone(),
        columns: columns.to_string(),
        key: Json::Array(key).to_string(),
        label: label.to_owned(),
    }
}

/// The hash of a part of a key of this table; none for NULL.
pub(super) fn hash_of(
    table: &str,
    of: &TableShape,
    column: usize,
    salt: &str,
    value: &Value,
) -> Option<String> {
    let word = words_of_parent(vec![value.clone()], of, &[column])?;
    let table = table.to_ascii_lowercase();
    let name = of.columns[column].name.to_ascii_lowercase();
    Some(keyed(&[salt, &table, &name, &word], 16))
}

fn hash_from_json(value: &Json) -> Hashed {
    let text = |name: &str| value.get(name)?.as_str().map(str::to_owned);
    Some((text("salt")?, text("hash")?))
}

/// Reals become `{"real": bits}` and blobs `{"blob": bytes}`; the rest is what JSON has.
pub(super) fn to_json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Integer(number) => (*number).into(),
        Value::Real(real) => json!({ "real": real.to_bits() }),
        Value::Text(text) => text.as_str().into(),
        Value::Blob(bytes) => json!({ "blob": bytes }),
    }
}

fn from_json(value: Json) -> Value {
    match value {
        Json::Number(number) => number.as_i64().map_or(Value::Null, Value::Integer),
        Json::String(text) => Value::Text(text),
        Json::Object(object) => {
            if let Some(bits) = object.get("real").and_then(Json::as_u64) {
                return Value::Real(f64::from_bits(bits));
            }
            let bytes = object.get("blob").and_then(Json::as_array);
            let byte = |value: &Json| u8::try_from(value.as_u64()?).ok();
            bytes
                .and_then(|bytes| bytes.iter().map(byte).collect())
                .map_or(Value::Null, Value::Blob)
        }
        _ => Value::Null,
    }
}
