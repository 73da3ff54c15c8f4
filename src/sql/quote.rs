//! Values and names as SQL text that reads back as exactly the same value or name in every engine.
//! It never guesses whether quotes are needed: names are always quoted.

use super::Value;

/// `name` as a quoted identifier: `"a""b"`.
pub fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `text` as a string literal: `'it''s'`. With a NUL inside, which no engine reads in a literal, as
/// `CAST(x'…' AS TEXT)`; the cast takes the bytes for the encoding of the database, so it holds for UTF-8.
pub fn text(text: &str) -> String {
    if text.contains('\0') {
        format!("CAST({} AS TEXT)", blob(text.as_bytes()))
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

/// `value` as SQL that yields it, bit for bit. Reals stay reals (`1.0`); those outside 1e-30 … 1e30 are
/// products in parentheses, because engines read such numbers off by a bit or two. Infinities are `9e999` and `-9e999`, NaN is `NULL` as
/// it is to [SQLite](https://www.sqlite.org/floatingpoint.html).
pub fn literal(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Real(number) if number.is_nan() => "NULL".to_owned(),
        Value::Real(number) if number.is_infinite() => {
            if *number > 0.0 { "9e999" } else { "-9e999" }.to_owned()
        }
        Value::Real(number) => real(*number),
        Value::Text(value) => text(value),
        Value::Blob(bytes) => blob(bytes),
    }
}

/// A finite real. SQLite's reading of decimals is
/// [not exact](https://www.sqlite.org/floatingpoint.html) when the exponent is large, its arithmetic is: so a
/// large or tiny number is an integer times or through powers of two, of which each step is exact.
fn real(number: f64) -> String {
    let size = number.abs();
    if size == 0.0 || (1e-30..1e30).contains(&size) {
        // The shortest text that reads back as the same number; always with a point or an exponent.
        return format!("{number:?}");
    }
    let bits = size.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    // number = mantissa * 2^exponent
    let (mantissa, exponent) = match bits >> 52 {
        0 => (fraction, -1074),
        biased => (
            fraction | 1 << 52,
            i32::try_from(biased).unwrap_or(0) - 1075,
        ),
    };
    let zeros = mantissa.trailing_zeros();
    let sign = if number < 0.0 { "-" } else { "" };
    let mut out = format!("({sign}{}.0", mantissa >> zeros);
    let exponent = exponent + zeros.cast_signed();
    let operator = if exponent < 0 { '/' } else { '*' };
    let mut left = exponent.unsigned_abs();
    while left > 0 {
        // The largest power whose decimal digits every engine reads exactly.
        let step = left.min(52);
        out.push_str(&format!("{operator}{}.0", 1_u64 << step));
        left -= step;
    }
    out.push(')');
    out
}

fn blob(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(bytes.len() * 2 + 3);
    out.push_str("x'");
    for byte in bytes {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    out.push('\'');
    out
}

#[cfg(test)]
mod tests {
    use super::super::{TokenKind, significant, unquote};
    use super::*;
    use proptest::prelude::*;

    fn check(value: impl Into<Value>, expect: &str) {
        assert_eq!(literal(&value.into()), expect);
    }

    #[test]
    fn a_literal_reads_back_as_the_same_value() {
        check(None::<i64>, "NULL");
        check(-7_i64, "-7");
        check(i64::MIN, "-9223372036854775808");
        check(1.0, "1.0");
        check(-0.0, "-0.0");
        check(0.1, "0.1");
        check(1e16, "1e16");
        check(-1.5e-7, "-1.5e-7");
        check(
            -3.0 * 2_f64.powi(120),
            "(-3.0*4503599627370496.0*4503599627370496.0*65536.0)",
        );
        check(
            2_f64.powi(-101),
            "(1.0/4503599627370496.0/562949953421312.0)",
        );
        check(f64::INFINITY, "9e999");
        check(f64::NEG_INFINITY, "-9e999");
        check(f64::NAN, "NULL");
        check("it's\n;--", "'it''s\n;--'");
        check("a\0b", "CAST(x'610062' AS TEXT)");
        check(vec![0_u8, 255], "x'00ff'");
        check(Vec::<u8>::new(), "x''");
    }

    #[test]
    fn a_name_is_always_quoted() {
        assert_eq!(identifier("order"), "\"order\"");
        assert_eq!(identifier("a\"b"), "\"a\"\"b\"");
        assert_eq!(identifier(""), "\"\"");
    }

    proptest! {
        #[test]
        fn a_quoted_name_or_text_is_one_token_and_unquotes_to_itself(name in "[^\\x00]{0,20}") {
            for (quoted, kind) in [(identifier(&name), TokenKind::QuotedName), (text(&name), TokenKind::String)] {
                let tokens: Vec<_> = significant(&quoted).collect();
                prop_assert_eq!(tokens.len(), 1);
                prop_assert_eq!(tokens[0].kind, kind);
                prop_assert_eq!(&tokens[0].span, &(0..quoted.len()));
                prop_assert_eq!(unquote(&quoted), name.clone());
            }
        }

        #[test]
        fn a_real_reads_back_bit_for_bit_and_never_as_an_integer(
            number in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL,
        ) {
            let text = literal(&Value::Real(number));
            let numbers = text.trim_matches(['(', ')']).split(['*', '/']);
            let numbers: Vec<f64> = numbers.map(|number| number.parse().unwrap()).collect();
            let divides = text.contains('/');
            let value = numbers.iter().copied().reduce(|a, b| if divides { a / b } else { a * b });
            prop_assert_eq!(value.map(f64::to_bits), Some(number.to_bits()), "{}", text);
            for number in text.trim_matches(['(', ')']).split(['*', '/']) {
                prop_assert!(number.contains(['.', 'e']), "{}", text);
            }
        }
    }
}
