//! Values as words that are equal where the engine would call them equal, to find rows by their keys. Pure.

use std::borrow::Cow;
use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::held::Held;
use super::row::Rules;
use super::there::There;
use crate::hex;
use crate::schema::{TableShape, whole};
use crate::sql::Value;

/// Takes out of texts what the unique index of these columns does not look at:
/// <https://sqlite.org/datatype3.html#collating_sequences>.
pub(super) fn collate(values: &mut [Value], of: &TableShape, columns: &[usize]) {
    for (value, column) in values.iter_mut().zip(columns) {
        let Value::Text(text) = value else { continue };
        let Some(collation) = of.collation(columns, *column) else {
            continue;
        };
        if collation.eq_ignore_ascii_case("NOCASE") {
            text.make_ascii_lowercase();
        } else if collation.eq_ignore_ascii_case("RTRIM") {
            text.truncate(text.trim_end_matches(' ').len());
        }
    }
}

/// Whether the unique index of these columns tells every two texts apart.
pub(super) fn is_binary(of: &TableShape, columns: &[usize]) -> bool {
    columns.iter().all(|column| {
        let collation = of.collation(columns, *column);
        collation.is_none_or(|collation| collation.eq_ignore_ascii_case("BINARY"))
    })
}

/// Whether the unique index of these columns compares texts by rules that are known here.
pub(super) fn is_known(of: &TableShape, columns: &[usize]) -> bool {
    const KNOWN: [&str; 3] = ["BINARY", "NOCASE", "RTRIM"];
    columns.iter().all(|column| {
        let collation = of.collation(columns, *column);
        collation.is_none_or(|name| KNOWN.iter().any(|it| it.eq_ignore_ascii_case(name)))
    })
}

/// Every set of columns in which no two rows may have the same.
pub(super) fn unique_columns(of: &TableShape) -> impl Iterator<Item = &[usize]> {
    let primary = std::iter::once(of.primary_key.as_slice());
    let indexes = of.unique.iter().map(|index| index.columns.as_slice());
    let mut seen: Vec<&[usize]> = Vec::new();
    primary.chain(indexes).filter(move |columns| {
        let new = !columns.is_empty() && !seen.contains(columns);
        seen.push(columns);
        new
    })
}

/// A value as the unique index of its column compares it.
pub(super) fn word_of(of: &TableShape, column: usize, value: &Value) -> String {
    let mut value = [value.clone()];
    collate(&mut value, of, &[column]);
    compared(&value[0])
}

/// The words by which a foreign key compares values of a child with these columns of its parent: the parent's affinity
/// and collation decide (<https://sqlite.org/foreignkeys.html#fk_basics>).
pub(super) fn words_of_parent(
    mut values: Vec<Value>,
    of: &TableShape,
    columns: &[usize],
) -> Option<String> {
    for (value, column) in values.iter_mut().zip(columns) {
        *value = of.columns[*column].affinity.stored(std::mem::take(value));
    }
    collate(&mut values, of, columns);
    words(&values)
}

/// One value, as the engine compares it: an integer and a real of the same number are equal.
pub(super) fn compared(value: &Value) -> String {
    match value {
        Value::Real(real) => match whole(*real) {
            Some(number) => format!("i{number}"),
            None => word(value),
        },
        value => word(value),
    }
}

/// One value. No two classes share a word.
pub(super) fn word(value: &Value) -> String {
    match value {
        Value::Null => "n".to_owned(),
        Value::Integer(number) => format!("i{number}"),
        Value::Real(real) => format!("r{:x}", real.to_bits()),
        Value::Text(text) => format!("t{text}"),
        Value::Blob(bytes) => format!("b{}", hex::encode(bytes)),
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
        match value {
            Value::Text(text) => {
                push_length(&mut all, text.len() + 1);
                all.push('t');
                all.push_str(text);
            }
            value => push(&mut all, &compared(value)),
        }
    }
    Some(all)
}

/// Several values as a unique index compares them, once they are [collated](collate): equal where [`words`] are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Claim<'a> {
    /// A number alone.
    Number(i64),
    /// A text alone.
    Text(Cow<'a, str>),
    /// Anything else.
    Words(String),
}

impl<'a> Claim<'a> {
    /// None where a value is NULL.
    pub(super) fn of(values: &'a [Value]) -> Option<Claim<'a>> {
        match values {
            [value] => Claim::of_one(value),
            values => words(values).map(Claim::Words),
        }
    }

    /// The same of one value.
    pub(super) fn of_one(value: &'a Value) -> Option<Claim<'a>> {
        match value {
            Value::Integer(number) => Some(Claim::Number(*number)),
            Value::Text(text) => Some(Claim::Text(text.into())),
            Value::Real(real) => Some(match whole(*real) {
                Some(number) => Claim::Number(number),
                None => Claim::Words(word(value)),
            }),
            value => words([value]).map(Claim::Words),
        }
    }

    /// The same of what a cell holds.
    pub(super) fn of_held(held: &'a Held) -> Option<Claim<'a>> {
        match held.as_str() {
            Some(text) => Some(Claim::Text(text.into())),
            None => Claim::of_one(&held.value()).map(Claim::into_owned),
        }
    }

    /// The same of values that a unique index of these columns compares; `is_binary` is what [`is_binary`] says of it.
    pub(super) fn in_index(
        values: &'a [Value],
        of: &TableShape,
        columns: &[usize],
        is_binary: bool,
    ) -> Option<Claim<'a>> {
        if is_binary {
            return Claim::of(values);
        }
        let mut values = values.to_vec();
        collate(&mut values, of, columns);
        Claim::of(&values).map(Claim::into_owned)
    }

    /// The same with a text of its own.
    pub(super) fn into_owned(self) -> Claim<'static> {
        match self {
            Claim::Number(number) => Claim::Number(number),
            Claim::Text(text) => Claim::Text(text.into_owned().into()),
            Claim::Words(words) => Claim::Words(words),
        }
    }
}

/// A whole row of a table, with its NULLs: no two rows that differ share it.
pub(super) fn whole_row<'a>(row: impl Into<There<'a>>) -> String {
    let mut all = String::new();
    for value in row.into().values() {
        push(&mut all, &word(&value.to_value()));
    }
    all
}

fn push(all: &mut String, word: &str) {
    push_length(all, word.len());
    all.push_str(word);
}

fn push_length(all: &mut String, length: usize) {
    // Writing into a text does not fail.
    let _ = write!(all, "{length}:");
}

/// What a row of the database has in these columns.
pub(super) fn values_in<'a>(row: impl Into<There<'a>>, columns: &[usize]) -> Vec<Value> {
    let row = row.into();
    let value = |column: &usize| row.value(*column).unwrap_or_default();
    columns.iter().map(value).collect()
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

/// So many bytes, 32 at most, of a hash of these texts, in hexadecimal.
pub(super) fn keyed(parts: &[&str], bytes: usize) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hex::encode(&hash.finalize()[..bytes])
}

impl Rules {
    /// The columns and values by which a row of the database is known for as long as it is there.
    pub(super) fn actual(&self, of: &TableShape, row: There<'_>) -> (Vec<usize>, Vec<Value>) {
        let key = values_in(row, &of.primary_key);
        match key.is_empty() || key.iter().any(Value::is_null) {
            true => self.key_in(row),
            false => (of.primary_key.clone(), key),
        }
    }

    /// The columns of the key, and what a row of the database has in them.
    pub(super) fn key_in(&self, row: There<'_>) -> (Vec<usize>, Vec<Value>) {
        (self.key.clone(), values_in(row, &self.key))
    }
}

#[cfg(test)]
mod tests {
    use super::{Claim, words};
    use crate::sql::Value;

    #[test]
    fn claims_are_equal_where_words_are() {
        let values = [
            Value::Null,
            Value::Integer(5),
            Value::Real(5.0),
            Value::Real(5.5),
            Value::Real(-0.0),
            Value::Integer(0),
            Value::Integer(9_007_199_254_740_993),
            Value::Real(9_007_199_254_740_992.0),
            Value::from("5"),
            Value::from("i5"),
            Value::from(""),
            Value::from("\0i5"),
            Value::Blob(b"5".to_vec()),
            Value::Blob(Vec::new()),
        ];
        for one in &values {
            for other in &values {
                let pairs = [[one], [other]].map(|it| it.map(Clone::clone));
                let claims = [Claim::of(&pairs[0]), Claim::of(&pairs[1])];
                let as_words = [words(&pairs[0]), words(&pairs[1])];
                assert_eq!(claims[0].is_none(), as_words[0].is_none(), "{one:?}");
                let are_equal = as_words[0] == as_words[1];
                assert_eq!(claims[0] == claims[1], are_equal, "{one:?} {other:?}");
            }
        }
    }
}
