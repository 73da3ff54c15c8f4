//! What a column makes of a value that is written into it: SQLite's rule as a function, so that a value can be compared
//! with the one that is read back. Asks no engine.
//! <https://sqlite.org/datatype3.html#type_affinity>

use super::Affinity;
use crate::sql::Value;

impl Affinity {
    /// The value that a column of this affinity keeps of this one. The engine keeps the result as it is.
    pub(crate) fn stored(self, value: Value) -> Value {
        match (self, value) {
            (_, Value::Real(real)) if real.is_nan() => Value::Null,
            (Affinity::Text, Value::Integer(number)) => Value::Text(number.to_string()),
            (Affinity::Text, Value::Real(real)) => Value::Text(real_text(real)),
            (Affinity::Integer | Affinity::Numeric, Value::Real(real)) => match whole(real) {
                Some(number) => Value::Integer(number),
                None => Value::Real(real),
            },
            #[allow(clippy::cast_precision_loss)]
            (Affinity::Real, Value::Integer(number)) => Value::Real(number as f64),
            // The engine keeps no negative zero there: it keeps whole reals as integers.
            (Affinity::Real, Value::Real(real)) => Value::Real(real + 0.0),
            (Affinity::Integer | Affinity::Numeric | Affinity::Real, Value::Text(text)) => {
                match number(&text) {
                    Some(number) => self.stored(number),
                    None => Value::Text(text),
                }
            }
            (_, value) => value,
        }
    }
}

/// The integer that a real equals. The engine leaves out the least and the greatest.
pub(crate) fn whole(real: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    (real.fract() == 0.0 && real.abs() < LIMIT).then_some(real as i64)
}

/// The number that a text is as a whole, blanks around it aside.
fn number(text: &str) -> Option<Value> {
    let text = text.trim_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let could = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    if digits.is_empty() || !digits.bytes().all(could) {
        return None;
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit())
        && let Ok(number) = text.parse()
    {
        return Some(Value::Integer(number));
    }
    text.parse().ok().map(Value::Real)
}

/// A value as the `sqlite3` shell prints it in a list: nothing for NULL, the bytes of a blob as text.
pub(crate) fn printed(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => real_text(*number),
        Value::Text(text) => text.clone(),
        Value::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// A real as text: 15 digits, and always a point (`%!.15g` of <https://sqlite.org/printf.html>).
fn real_text(real: f64) -> String {
    const DIGITS: i32 = 15;
    if real.is_infinite() {
        return if real > 0.0 { "Inf" } else { "-Inf" }.to_owned();
    }
    let sign = if real < 0.0 { "-" } else { "" };
    let written = format!("{:.14e}", real.abs());
    let (mantissa, exponent) = written.split_once('e').unwrap_or((&written, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits = mantissa.replace('.', "");
    let digits = digits.trim_end_matches('0');
    let digits = if digits.is_empty() { "0" } else { digits };
    let point = |whole: &str, fraction: &str| match fraction {
        "" => format!("{sign}{whole}.0"),
        fraction => format!("{sign}{whole}.{fraction}"),
    };
    if !(-4..DIGITS).contains(&exponent) {
        let e = if exponent < 0 { '-' } else { '+' };
        let mantissa = point(&digits[..1], &digits[1..]);
        return format!("{mantissa}e{e}{:02}", exponent.abs());
    }
    match usize::try_from(exponent) {
        Ok(exponent) => {
            let padded = format!("{digits:0<width$}", width = exponent + 1);
            point(&padded[..=exponent], &padded[exponent + 1..])
        }
        Err(_) => {
            let zeros = "0".repeat(exponent.unsigned_abs() as usize - 1);
            point("0", &format!("{zeros}{digits}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use proptest::prelude::*;

    use super::*;
    use crate::db::{Access, Raw};
    use crate::sql::ValueRef;

    const ALL: [Affinity; 5] = [
        Affinity::Text,
        Affinity::Integer,
        Affinity::Real,
        Affinity::Numeric,
        Affinity::Blob,
    ];

    fn owned(value: ValueRef<'_>) -> Value {
        match value {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(number) => Value::Integer(number),
            ValueRef::Real(number) => Value::Real(number),
            ValueRef::Text(text) => Value::Text(String::from_utf8(text.to_vec()).unwrap()),
            ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
        }
    }

    /// What the engine keeps of each value in a column of each affinity.
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
                kept.push(std::array::from_fn(|column| owned(row.value(column))));
                ControlFlow::Continue(())
            })
            .unwrap();
        kept
    }

    /// Whether two values are the same. The engine rounds the last of 15 digits of a real down now and then where it
    /// should round up; both texts are kept as they are.
    fn same(one: &Value, other: &Value) -> bool {
        if let (Value::Text(one), Value::Text(other)) = (one, other)
            && let (Ok(one), Ok(other)) = (one.parse::<f64>(), other.parse::<f64>())
            && one.is_finite()
        {
            return (one - other).abs() <= one.abs() * 1e-14;
        }
        format!("{one:?}") == format!("{other:?}")
    }

    async fn check(values: Vec<Value>) {
        for (value, kept) in values.iter().zip(by_the_engine(&values).await) {
            for (affinity, kept) in ALL.into_iter().zip(kept) {
                let stored = affinity.stored(value.clone());
                assert!(
                    same(&stored, &kept),
                    "{value:?} in a column of {affinity:?}: {stored:?}, and the engine keeps {kept:?}"
                );
                // What is kept is kept as it is.
                assert_eq!(affinity.stored(stored.clone()), stored, "{affinity:?}");
            }
        }
    }

    #[tokio::test]
    async fn a_column_keeps_of_a_value_what_the_engine_keeps() {
        let texts = [
            "",
            " ",
            "1",
            " 1 ",
            "\t1\n",
            "\u{b}1",
            "1\u{b}",
            "1\0",
            "\0 1",
            "1.0",
            "1.5",
            "+1",
            "-0",
            "-0.0",
            ".5",
            "5.",
            ".",
            "e5",
            "1e",
            "1e3",
            "1E+3",
            "1e400",
            "-1e400",
            "0x10",
            "inf",
            "nan",
            "true",
            "007",
            "1_000",
            "12abc",
            "2020-01-01",
            "9007199254740993",
            "9223372036854775807",
            "9223372036854775808",
            "-9223372036854775808",
            "-9223372036854775809",
            "123456789012345678901",
            "\u{a0}1",
            "١",
        ];
        let reals = [
            0.0,
            -0.0,
            1.0,
            -1.5,
            0.1,
            1e-4,
            1.5e-5,
            123_456_789_012_345.0,
            1e15,
            1e19,
            1e100,
            9_223_372_036_854_775_808.0,
            -1e300,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NAN,
        ];
        let mut values: Vec<Value> = texts.into_iter().map(Value::from).collect();
        values.extend(reals.map(Value::from));
        values.extend([0, 1, -1, 9_007_199_254_740_993, i64::MAX, i64::MIN].map(Value::from));
        values.extend([
            Value::Null,
            Value::Blob(b"1".to_vec()),
            Value::Blob(Vec::new()),
        ]);
        check(values).await;
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn so_it_is_with_all_that_looks_like_a_number(
            texts in prop::collection::vec("[ 0-9.eE+x_-]{0,8}", 1..40),
            reals in prop::collection::vec(any::<f64>().prop_filter("no NaN", |f| !f.is_nan()), 1..20),
            short in prop::collection::vec((-99_999_i64..99_999, 0..8_i32), 1..20),
        ) {
            let mut values: Vec<Value> = texts.into_iter().map(Value::from).collect();
            values.extend(reals.into_iter().map(Value::from));
            values.extend(short.into_iter().map(|(n, e)| Value::Real(n as f64 / 10_f64.powi(e))));
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(check(values));
        }
    }
}
