//! Values and names as SQL text that reads back as exactly the same value or name in every engine, and the name or text
//! that a token stands for. It never guesses whether quotes are needed: names are always quoted.

use std::io::Write;

use super::ValueRef;
use crate::hex;

/// What reads a literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LiteralReader {
    /// An engine.
    Engine,
    /// The shell of SQLite, which drops a carriage return before the end of a line.
    Shell,
}

/// `name` as a quoted identifier: `"a""b"`.
pub fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The name or text that one token stands for: without its quotes, doubled quotes single; a bare word, or
/// whatever else it is, as it stands.
pub fn unquote(token: &str) -> String {
    let inner = || &token[1..token.len() - 1];
    match token.as_bytes() {
        [b'[', .., b']'] => inner().to_owned(),
        [b'"', .., b'"'] => inner().replace("\"\"", "\""),
        [b'\'', .., b'\''] => inner().replace("''", "'"),
        [b'`', .., b'`'] => inner().replace("``", "`"),
        _ => token.to_owned(),
    }
}

/// `text` as a string literal: `'it''s'`. With a NUL inside, which no engine reads in a literal, as
/// `CAST(x'…' AS TEXT)`; the cast takes the bytes for the encoding of the database, so it holds for UTF-8.
pub fn text(text: &str) -> String {
    literal(ValueRef::Text(text.as_bytes()))
}

/// `value` as SQL that yields it, bit for bit. Reals stay reals (`1.0`); those outside 1e-30 … 1e30 are
/// products in parentheses, because engines read such numbers off by a bit or two. Infinities are `9e999` and `-9e999`,
/// NaN is `NULL` as it is to [SQLite](https://www.sqlite.org/floatingpoint.html). A text that is no UTF-8 or holds a
/// NUL is a cast of its bytes.
pub fn literal<'a>(value: impl Into<ValueRef<'a>>) -> String {
    let mut out = Vec::new();
    write_literal(&mut out, value.into(), LiteralReader::Engine);
    sql_text(out)
}

/// SQL whose values [`write_literal`] wrote, as text: it is UTF-8 whatever the values are.
pub(crate) fn sql_text(sql: Vec<u8>) -> String {
    String::from_utf8(sql)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Appends what [`literal`] returns to `out`. For the shell, a text with CR LF in it is a cast of its bytes, too.
pub(crate) fn write_literal(out: &mut Vec<u8>, value: ValueRef<'_>, reader: LiteralReader) {
    match value {
        ValueRef::Null => out.extend_from_slice(b"NULL"),
        ValueRef::Integer(number) => write_integer(out, number),
        ValueRef::Real(number) => write_real(out, number),
        ValueRef::Text(bytes) => write_text(out, bytes, reader),
        ValueRef::Blob(bytes) => write_blob(out, bytes),
    }
}

/// Whether a text can stand between quotes for `reader`; otherwise it is a cast of its bytes.
pub(crate) fn is_in_quotes(text: &[u8], reader: LiteralReader) -> bool {
    let breaks = reader == LiteralReader::Shell && text.windows(2).any(|two| two == b"\r\n");
    !breaks && !text.contains(&0) && std::str::from_utf8(text).is_ok()
}

fn write_integer(out: &mut Vec<u8>, number: i64) {
    let mut digits = [0; 20];
    let mut begin = digits.len();
    let mut left = number.unsigned_abs();
    loop {
        begin -= 1;
        digits[begin] = b'0' + u8::try_from(left % 10).unwrap_or(0);
        left /= 10;
        if left == 0 {
            break;
        }
    }
    if number < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[begin..]);
}

/// SQLite's reading of decimals is [not exact](https://www.sqlite.org/floatingpoint.html) when the exponent is large,
/// its arithmetic is: so a large or tiny number is an integer times or through powers of two, of which each step is
/// exact.
fn write_real(out: &mut Vec<u8>, number: f64) {
    let size = number.abs();
    if size == 0.0 || (1e-30..1e30).contains(&size) {
        // The shortest text that reads back as the same number; always with a point or an exponent. Writing to memory
        // does not fail.
        let _ = write!(out, "{number:?}");
        return;
    }
    if !number.is_finite() {
        out.extend_from_slice(match number {
            f64::INFINITY => b"9e999",
            f64::NEG_INFINITY => b"-9e999",
            _ => b"NULL",
        });
        return;
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
    let _ = write!(out, "({sign}{}.0", mantissa >> zeros);
    let exponent = exponent + zeros.cast_signed();
    let operator = if exponent < 0 { '/' } else { '*' };
    let mut left = exponent.unsigned_abs();
    while left > 0 {
        // The largest power whose decimal digits every engine reads exactly.
        let step = left.min(52);
        let _ = write!(out, "{operator}{}.0", 1_u64 << step);
        left -= step;
    }
    out.push(b')');
}

fn write_text(out: &mut Vec<u8>, bytes: &[u8], reader: LiteralReader) {
    let is_plain = |byte: &u8| !matches!(byte, 0 | b'\'' | b'\r' | 0x80..);
    // Without an end to stop at early, this is a few bytes at once.
    let all_plain = bytes.iter().fold(true, |all, byte| all & is_plain(byte));
    if !all_plain {
        return write_odd_text(out, bytes, reader);
    }
    out.reserve(bytes.len() + 2);
    out.push(b'\'');
    out.extend_from_slice(bytes);
    out.push(b'\'');
}

fn write_odd_text(out: &mut Vec<u8>, bytes: &[u8], reader: LiteralReader) {
    if !is_in_quotes(bytes, reader) {
        out.extend_from_slice(b"CAST(");
        write_blob(out, bytes);
        out.extend_from_slice(b" AS TEXT)");
        return;
    }
    out.push(b'\'');
    for (number, part) in bytes.split(|byte| *byte == b'\'').enumerate() {
        if number > 0 {
            out.extend_from_slice(b"''");
        }
        out.extend_from_slice(part);
    }
    out.push(b'\'');
}

fn write_blob(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(b"x'");
    hex::write(out, bytes);
    out.push(b'\'');
}

#[cfg(test)]
mod tests {
    use super::super::{TokenKind, Value, significant};
    use super::*;
    use proptest::prelude::*;

    fn check(value: impl Into<Value>, expect: &str) {
        assert_eq!(literal(&value.into()), expect);
    }

    #[test]
    fn unquoting_takes_one_pair_of_quotes() {
        for (token, expect) in [
            ("a", "a"),
            ("\"a\"\"b\"", "a\"b"),
            ("`a``b`", "a`b"),
            ("[a\"b]", "a\"b"),
            ("'it''s'", "it's"),
            ("\"\"", ""),
            ("\"", "\""),
            ("", ""),
        ] {
            assert_eq!(unquote(token), expect, "{token:?}");
        }
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
        check("a\rb\r\n", "'a\rb\r\n'");
        check("ü '🌱'", "'ü ''🌱'''");
        check(vec![0_u8, 255], "x'00ff'");
        check(Vec::<u8>::new(), "x''");
    }

    #[test]
    fn a_text_that_does_not_survive_its_reader_is_a_cast_of_its_bytes() {
        use LiteralReader::{Engine, Shell};
        let cases: [(&[u8], &str, &str); 4] = [
            (b"a\rb", "'a\rb'", "'a\rb'"),
            (b"'\r\n", "'''\r\n'", "CAST(x'270d0a' AS TEXT)"),
            (b"a\0", "CAST(x'6100' AS TEXT)", "CAST(x'6100' AS TEXT)"),
            (b"\xff'", "CAST(x'ff27' AS TEXT)", "CAST(x'ff27' AS TEXT)"),
        ];
        for (text, engine, shell) in cases {
            for (reader, expect) in [(Engine, engine), (Shell, shell)] {
                let mut out = Vec::new();
                write_literal(&mut out, ValueRef::Text(text), reader);
                assert_eq!(sql_text(out), expect, "{reader:?}");
            }
        }
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
