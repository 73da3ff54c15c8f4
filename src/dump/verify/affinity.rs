//! What a column makes of a value that is stored in it, so that a value of a dump can be compared with the one that the
//! database keeps. The easy cases are decided here, the engine decides the rest.

use std::ops::ControlFlow;

use crate::db::{Access, EngineError, Raw};
use crate::schema::Affinity;
use crate::sql::{self, Token, TokenKind, Value, ValueRef, significant};

/// Stores values in a table of its own, in memory, and reads them back.
#[derive(Debug)]
pub(super) struct Judge {
    raw: Raw,
}

impl Judge {
    pub(super) async fn new() -> Result<Judge, EngineError> {
        let raw = Raw::open(":memory:", Access::Create).await?;
        raw.execute("CREATE TABLE value (t TEXT, i INTEGER, r REAL)")?;
        Ok(Judge { raw })
    }

    /// The value that a column keeps of this one; none where it keeps it as it is.
    pub(super) fn stored(
        &self,
        value: ValueRef<'_>,
        affinity: Affinity,
    ) -> Result<Option<Value>, EngineError> {
        if stays(value, affinity) {
            return Ok(None);
        }
        let column = match affinity {
            // For what is stored these two are the same: https://sqlite.org/datatype3.html#type_affinity.
            Affinity::Integer | Affinity::Numeric => "i",
            Affinity::Real => "r",
            Affinity::Text => "t",
            Affinity::Blob => return Ok(None),
        };
        let insert = format!("INSERT INTO value ({column}) VALUES (?1)");
        self.raw.prepare(&insert)?.run([value])?;
        let mut stored = None;
        let select = format!("SELECT {column} FROM value");
        self.raw.prepare(&select)?.rows([], |row| {
            // A text becomes a number or stays as it is, also where it is no UTF-8.
            stored = match (value, row.value(0)) {
                (ValueRef::Text(_), ValueRef::Text(_)) => None,
                (_, stored) => Some(stored.to_value()),
            };
            ControlFlow::Break(())
        })?;
        self.raw.execute("DELETE FROM value")?;
        Ok(stored)
    }
}

impl Judge {
    /// What a column keeps of its default; none where that is no constant.
    pub(super) fn default(
        &self,
        text: &str,
        affinity: Affinity,
    ) -> Result<Option<Value>, EngineError> {
        let tokens: Vec<Token> = significant(text).collect();
        let number = |token: &Token| token.kind == TokenKind::Number;
        let is_sign = |token: &Token| matches!(&text[token.span.clone()], "+" | "-");
        let literal = match tokens.as_slice() {
            [sign, value] if is_sign(sign) && number(value) => text.to_owned(),
            [value] => match value.kind {
                TokenKind::Number | TokenKind::String | TokenKind::Blob => text.to_owned(),
                TokenKind::Word if is_any(value, text, &["NULL", "TRUE", "FALSE"]) => {
                    text.to_owned()
                }
                TokenKind::Word if is_any(value, text, &CLOCKS) => return Ok(None),
                // A name is a text there.
                TokenKind::Word | TokenKind::QuotedName => sql::text(&sql::unquote(text)),
                _ => return Ok(None),
            },
            _ => return Ok(None),
        };
        let mut value = Value::Null;
        let mut query = self.raw.prepare(&format!("SELECT {literal}"))?;
        query.rows([], |row| {
            value = row.value(0).to_value();
            ControlFlow::Break(())
        })?;
        drop(query);
        let stored = self.stored((&value).into(), affinity)?;
        Ok(Some(stored.unwrap_or(value)))
    }
}

/// Defaults that are no constants: <https://sqlite.org/lang_createtable.html#the_default_clause>.
const CLOCKS: [&str; 3] = ["CURRENT_TIME", "CURRENT_DATE", "CURRENT_TIMESTAMP"];

fn is_any(token: &Token, text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| token.is_word(text, word))
}

/// Whether a value surely stays as it is. Nearly all do: a dump holds what a column has kept before.
fn stays(value: ValueRef<'_>, affinity: Affinity) -> bool {
    match (value, affinity) {
        (ValueRef::Null | ValueRef::Blob(_), _) | (_, Affinity::Blob) => true,
        (ValueRef::Text(_), Affinity::Text) => true,
        (ValueRef::Text(text), _) => !reads_as_a_number(text),
        (ValueRef::Integer(_), Affinity::Integer | Affinity::Numeric) => true,
        (ValueRef::Real(_), Affinity::Real) => true,
        // A whole number is stored as an integer.
        (ValueRef::Real(number), Affinity::Integer | Affinity::Numeric) => number.fract() != 0.0,
        (ValueRef::Integer(_) | ValueRef::Real(_), _) => false,
    }
}

/// Whether the engine could take a text for a number: it may say no to some of these, and to all others it does.
fn reads_as_a_number(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    let could = |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
    // The engine stops at a NUL or a vertical tab in ways of its own.
    let odd = |byte: &u8| matches!(byte, 0 | 0x0b);
    !text.is_empty()
        && (text.iter().any(odd)
            || text.iter().all(could)
                && str::from_utf8(text).is_ok_and(|text| text.parse::<f64>().is_ok()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [Affinity; 5] = [
        Affinity::Text,
        Affinity::Integer,
        Affinity::Real,
        Affinity::Numeric,
        Affinity::Blob,
    ];

    /// What the engine keeps of a value in a column of each affinity, without any case decided before.
    async fn by_the_engine(values: &[Value]) -> Vec<[Value; 5]> {
        let raw = Raw::open(":memory:", Access::Create).await.unwrap();
        raw.execute("CREATE TABLE v (t TEXT, i INTEGER, r REAL, n NUMERIC, b BLOB)")
            .unwrap();
        let mut insert = raw
            .prepare("INSERT INTO v VALUES (?1, ?1, ?1, ?1, ?1)")
            .unwrap();
        for value in values {
            insert.run([value.into()]).unwrap();
        }
        drop(insert);
        let mut kept = Vec::new();
        let mut select = raw.prepare("SELECT * FROM v ORDER BY rowid").unwrap();
        select
            .rows([], |row| {
                kept.push(std::array::from_fn(|column| row.value(column).to_value()));
                ControlFlow::Continue(())
            })
            .unwrap();
        kept
    }

    async fn check(values: Vec<Value>) {
        let judge = Judge::new().await.unwrap();
        for (value, kept) in values.iter().zip(by_the_engine(&values).await) {
            for (affinity, kept) in ALL.into_iter().zip(kept) {
                let found = judge.stored(value.into(), affinity).unwrap();
                let found = found.unwrap_or_else(|| value.clone());
                assert_eq!(found, kept, "{value:?} in a column of {affinity:?}");
            }
        }
    }

    #[tokio::test]
    async fn values_are_judged_as_the_engine_stores_them() {
        let texts = [
            "",
            " ",
            "1",
            " 1 ",
            "1.0",
            "1.5",
            "+1",
            "-0",
            ".5",
            "5.",
            ".",
            "e5",
            "1e",
            "1e5",
            "1E400",
            "0x10",
            "inf",
            "nan",
            "2020-01-01",
            "2020-01-01 10:00:00",
            "1_000",
            "9223372036854775808",
            "9007199254740993",
            "12abc",
            "\u{b}1",
            "1\u{b}",
            "1\0",
            "\0 1",
            "\t1\n",
            "\u{a0}1",
            "١",
        ];
        let numbers = [
            0.0,
            1.0,
            1.5,
            1e15,
            1e19,
            9_223_372_036_854_775_808.0,
            -1e300,
            5e-324,
            f64::INFINITY,
        ];
        let mut values: Vec<Value> = texts.into_iter().map(Value::from).collect();
        values.extend(numbers.map(Value::from));
        values.extend([0, 1, -1, i64::MAX, i64::MIN].map(Value::from));
        values.extend([Value::Null, Value::Blob(b"1".to_vec())]);
        check(values).await;
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_text_that_is_like_a_number_is_judged_as_the_engine_stores_it(
            texts in prop::collection::vec("[ 0-9.eE+x_-]{0,8}", 1..40),
            reals in prop::collection::vec(any::<f64>().prop_filter("no NaN", |f| !f.is_nan()), 1..20),
        ) {
            let mut values: Vec<Value> = texts.into_iter().map(Value::from).collect();
            values.extend(reals.into_iter().map(Value::from));
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(check(values));
        }
    }
}
