//! Bytes as hexadecimal digits, and back. It allocates only for [`encode`].

/// The two digits of each byte, in lower case.
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

/// The value of each digit; 16 and more for a byte that is no digit.
static VALUES: [u8; 256] = {
    let mut values = [0xff; 256];
    let mut value = 0;
    while value < 16 {
        let digit = PAIRS[value][1];
        values[digit as usize] = value as u8;
        values[digit.to_ascii_uppercase() as usize] = value as u8;
        value += 1;
    }
    values
};

/// `bytes` as lower-case digits.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let pairs = bytes.iter().flat_map(|byte| PAIRS[usize::from(*byte)]);
    pairs.map(char::from).collect()
}

/// Appends the lower-case digits of `bytes` to `out`.
pub(crate) fn write(out: &mut Vec<u8>, bytes: &[u8]) {
    let begin = out.len();
    out.resize(begin + bytes.len() * 2, 0);
    for (pair, byte) in out[begin..].chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&PAIRS[usize::from(*byte)]);
    }
}

/// The value of one digit, in either letter case.
pub(crate) fn value(digit: u8) -> u8 {
    VALUES[usize::from(digit)]
}

/// Whether all bytes are digits, in either letter case.
pub(crate) fn is_hex(digits: &[u8]) -> bool {
    digits.iter().fold(0, |seen, &digit| seen | value(digit)) < 16
}

/// Replaces pairs of digits by their bytes, in place. Returns the number of bytes; the rest of the slice is left over.
/// The caller has checked the digits with [`is_hex`].
pub(crate) fn decode(digits: &mut [u8]) -> usize {
    let length = digits.len() / 2;
    for at in 0..length {
        digits[at] = value(digits[2 * at]) << 4 | value(digits[2 * at + 1]);
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_written_in_lower_case_and_read_in_either() {
        let bytes: Vec<u8> = (0..=255).collect();
        let digits = encode(&bytes);
        assert!(digits.starts_with("000102") && digits.ends_with("fdfeff"));
        let mut written = b"x".to_vec();
        write(&mut written, &bytes);
        assert_eq!(&written[1..], digits.as_bytes());
        for digits in [digits.to_uppercase(), digits] {
            assert!(is_hex(digits.as_bytes()));
            let mut digits = digits.into_bytes();
            let length = decode(&mut digits);
            assert_eq!(digits[..length], bytes);
        }
        for none in ["g", "0x", "/", ":", "@", "`", "\0", "é"] {
            assert!(!is_hex(none.as_bytes()), "{none}");
        }
    }
}
