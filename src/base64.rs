//! Base64 of whole values in memory: <https://www.rfc-editor.org/rfc/rfc4648>.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

const NONE: u8 = 0xff;

/// The value of each digit, of the standard alphabet and of the one for URLs.
static VALUES: [u8; 256] = {
    let mut values = [NONE; 256];
    let mut value = 0;
    while value < 64 {
        values[ALPHABET[value] as usize] = value as u8;
        value += 1;
    }
    values[b'-' as usize] = 62;
    values[b'_' as usize] = 63;
    values
};

/// `bytes` in the standard alphabet, with padding.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let digit = ALPHABET[(bits >> (18 - 6 * at)) as usize & 63];
            let is_padding = at > group.len();
            text.push(char::from(if is_padding { b'=' } else { digit }));
        }
    }
    text
}

/// The bytes of what [`encode`] writes, with its padding or without any; `None` for every other text.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.as_bytes().to_vec();
    decode_in_place(&mut bytes, 0)?;
    let written = encode(&bytes);
    (text == written || text == written.trim_end_matches('=')).then_some(bytes)
}

/// Decodes the end of `bytes`, from `begin` on, in place. Takes what other programs write: either alphabet, any padding,
/// and any value in the bits that belong to no byte. `None` where it is no base64.
pub(crate) fn decode_in_place(bytes: &mut Vec<u8>, begin: usize) -> Option<()> {
    let mut end = bytes.len();
    while end > begin && bytes[end - 1] == b'=' {
        end -= 1;
    }
    let (mut at, mut to) = (begin, begin);
    while at < end {
        let few = (end - at).min(4);
        let mut bits = 0_u32;
        for offset in 0..4 {
            let value = match offset < few {
                true => VALUES[usize::from(bytes[at + offset])],
                false => 0,
            };
            if value == NONE {
                return None;
            }
            bits = bits << 6 | u32::from(value);
        }
        // One digit makes no byte.
        if few == 1 {
            return None;
        }
        let [_, decoded @ ..] = bits.to_be_bytes();
        for byte in &decoded[..few - 1] {
            bytes[to] = *byte;
            to += 1;
        }
        at += few;
    }
    bytes.truncate(to);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_vectors_of_the_rfc() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encode(bytes.as_bytes()), text);
            for text in [text, text.trim_end_matches('=')] {
                assert_eq!(decode(text).as_deref(), Some(bytes.as_bytes()), "{text}");
            }
        }
        assert_eq!(decode("/+8="), Some(vec![0xff, 0xef]));
    }

    #[test]
    fn only_what_other_programs_wrote_may_be_written_otherwise() {
        // Each with its bytes where it is read leniently.
        let cases: [(&str, Option<&[u8]>); 10] = [
            ("Zh==", Some(b"f")),
            ("Zg=", Some(b"f")),
            ("Zg===", Some(b"f")),
            ("Zm9v====", Some(b"foo")),
            ("_-8=", Some(&[0xff, 0xef])),
            ("Z", None),
            ("Zm9vZ", None),
            ("Zg==Zg==", None),
            ("Zm 9v", None),
            ("Zm9v*", None),
        ];
        for (text, lenient) in cases {
            assert_eq!(decode(text), None, "{text}");
            let mut bytes = format!("kept{text}").into_bytes();
            let read = decode_in_place(&mut bytes, 4).map(|()| &bytes[..]);
            let expect = lenient.map(|bytes| [b"kept", bytes].concat());
            assert_eq!(read, expect.as_deref(), "{text}");
        }
    }
}
