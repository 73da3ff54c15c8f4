//! Values and whole rows as text, by the million: what [`literal`](crate::sql::literal) writes, without a `String` for
//! each. A text that a reader of lines would change stands there by its bytes.

use std::io::Write;

use crate::sql::{Value, ValueRef, literal};

/// Puts `value` behind `out`, as SQL that yields it bit for bit.
pub(super) fn write(out: &mut Vec<u8>, value: ValueRef<'_>) {
    match value {
        ValueRef::Null => out.extend_from_slice(b"NULL"),
        ValueRef::Integer(number) => integer(out, number),
        ValueRef::Real(number) => real(out, number),
        ValueRef::Text(bytes) => text(out, bytes),
        ValueRef::Blob(bytes) => blob(out, bytes),
    }
}

fn integer(out: &mut Vec<u8>, number: i64) {
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

fn real(out: &mut Vec<u8>, number: f64) {
    let size = number.abs();
    if size == 0.0 || (1e-30..1e30).contains(&size) {
        // Writing to memory does not fail.
        let _ = write!(out, "{number:?}");
    } else {
        out.extend_from_slice(literal(&Value::Real(number)).as_bytes());
    }
}

fn text(out: &mut Vec<u8>, bytes: &[u8]) {
    let is_plain = |byte: &u8| !matches!(byte, 0 | b'\'' | b'\r' | 0x80..);
    // Without an end to stop at early, this is a few bytes at once.
    let all_plain = bytes.iter().fold(true, |all, byte| all & is_plain(byte));
    if !all_plain {
        return odd_text(out, bytes);
    }
    out.reserve(bytes.len() + 2);
    out.push(b'\'');
    out.extend_from_slice(bytes);
    out.push(b'\'');
}

fn odd_text(out: &mut Vec<u8>, bytes: &[u8]) {
    // No engine reads a NUL in a literal, and the shell of SQLite drops a carriage return before the end of a line.
    let breaks = bytes.contains(&0) || bytes.windows(2).any(|two| two == b"\r\n");
    if breaks || std::str::from_utf8(bytes).is_err() {
        out.extend_from_slice(b"CAST(");
        blob(out, bytes);
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

fn blob(out: &mut Vec<u8>, bytes: &[u8]) {
    static PAIRS: [[u8; 2]; 256] = {
        let digits = b"0123456789abcdef";
        let mut pairs = [[0; 2]; 256];
        let mut byte = 0;
        while byte < 256 {
            pairs[byte] = [digits[byte >> 4], digits[byte & 15]];
            byte += 1;
        }
        pairs
    };
    out.extend_from_slice(b"x'");
    let begin = out.len();
    out.resize(begin + bytes.len() * 2, 0);
    for (pair, byte) in out[begin..].chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&PAIRS[usize::from(*byte)]);
    }
    out.push(b'\'');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(value: ValueRef<'_>, expect: &str) {
        let mut out = Vec::new();
        write(&mut out, value);
        assert_eq!(String::from_utf8(out).unwrap(), expect);
    }

    #[test]
    fn odd_texts_stand_there_by_their_bytes() {
        check(ValueRef::Text(b""), "''");
        check(ValueRef::Text(b"it's\n;--"), "'it''s\n;--'");
        check(ValueRef::Text("ü 🌱".as_bytes()), "'ü 🌱'");
        check(ValueRef::Text(b"a\rb"), "'a\rb'");
        check(ValueRef::Text(b"a\r\nb"), "CAST(x'610d0a62' AS TEXT)");
        check(ValueRef::Text(b"a\0"), "CAST(x'6100' AS TEXT)");
        check(ValueRef::Text(b"\xff'"), "CAST(x'ff27' AS TEXT)");
        check(ValueRef::Blob(b""), "x''");
        check(ValueRef::Blob(b"\x00\xff"), "x'00ff'");
        check(ValueRef::Real(f64::INFINITY), "9e999");
        check(ValueRef::Real(f64::NEG_INFINITY), "-9e999");
        check(ValueRef::Real(1.0), "1.0");
    }

    proptest! {
        #[test]
        fn all_else_is_written_as_a_literal(
            integer in any::<i64>(),
            real in proptest::num::f64::ANY,
            text in "[^\\x00\\r]{0,40}",
            blob in any::<Vec<u8>>(),
        ) {
            for value in [
                Value::Null,
                Value::Integer(integer),
                Value::Integer(i64::MIN),
                Value::Real(if real.is_nan() { 0.0 } else { real }),
                Value::Text(text),
                Value::Blob(blob),
            ] {
                check(ValueRef::from(&value), &literal(&value));
            }
        }
    }
}
