//! `!!binary`: <https://www.rfc-editor.org/rfc/rfc4648#section-4>, and white space as YAML folds it.

/// The bytes; none where the text is no base64. Padding is optional, bits that mean nothing are zero.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let unpadded = digits
        .iter()
        .rposition(|byte| *byte != b'=')
        .map_or(0, |at| at + 1);
    let padding = digits.len() - unpadded;
    if padding > 2 || (padding > 0 && !digits.len().is_multiple_of(4)) {
        return None;
    }
    let mut decoded = Vec::with_capacity(unpadded / 4 * 3 + 2);
    for group in digits[..unpadded].chunks(4) {
        let mut bits: u32 = 0;
        for byte in group {
            bits = bits << 6 | u32::from(digit(*byte)?);
        }
        bits <<= 6 * (4 - group.len());
        let [_, bytes @ ..] = bits.to_be_bytes();
        // Two digits make one byte; one digit makes none.
        let whole = group.len().checked_sub(1).filter(|whole| *whole > 0)?;
        let (kept, dropped) = bytes.split_at(whole);
        if dropped.iter().any(|byte| *byte != 0) {
            return None;
        }
        decoded.extend_from_slice(kept);
    }
    Some(decoded)
}

fn digit(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn the_test_vectors_of_the_rfc() {
        let cases: [(&str, Option<&[u8]>); 14] = [
            ("", Some(b"")),
            ("Zg==", Some(b"f")),
            ("Zm8=", Some(b"fo")),
            ("Zm9v", Some(b"foo")),
            ("Zm9vYg==", Some(b"foob")),
            ("Zm9vYmE=", Some(b"fooba")),
            ("Zm9v YmFy\n", Some(b"foobar")),
            ("Zg", Some(b"f")),
            ("/+8=", Some(&[0xff, 0xef])),
            ("Z", None),
            ("Zh==", None),
            ("Zg=", None),
            ("Zg===", None),
            ("_-8=", None),
        ];
        for (text, bytes) in cases {
            assert_eq!(decode(text).as_deref(), bytes, "{text}");
        }
    }
}
