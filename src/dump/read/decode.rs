//! What the bytes of a literal stand for, put where the literal was: it is never longer. Whatever is decoded was
//! checked before; nothing here can fail.

use std::ops::Range;

use memchr::memchr;

use crate::dump::block::Cell;
use crate::hex;

/// A cell whose bytes are to be decoded.
#[derive(Debug)]
pub(super) struct Fix {
    /// The index of the cell.
    pub(super) cell: u32,
    pub(super) how: How,
}

/// How bytes are decoded.
#[derive(Debug)]
pub(super) enum How {
    /// `''` is `'`.
    Undouble,
    /// Pairs of hexadecimal digits.
    Hex,
    /// `\u000a` and its like.
    Unistr {
        /// Whether there are `''`, too.
        doubled: bool,
    },
    /// A text is a byte, and then perhaps another one another.
    Replace {
        /// Whether there are `''`, too.
        doubled: bool,
        /// What is done first.
        first: Step,
        /// What is done to that.
        second: Option<Step>,
    },
}

/// A text that stands for a byte.
#[derive(Debug, Clone)]
pub(super) struct Step {
    /// Where the text stands, behind the literal.
    pub(super) text: Range<u32>,
    pub(super) byte: u8,
}

/// Decodes the cells that need it, in `text`.
pub(super) fn decode(text: &mut [u8], cells: &mut [Cell], fixes: &[Fix]) {
    for fix in fixes {
        let Some(Cell::Text(range) | Cell::Blob(range)) = cells.get_mut(fix.cell as usize) else {
            continue;
        };
        let (literal, behind) = text.split_at_mut(range.end as usize);
        let bytes = &mut literal[range.start as usize..];
        let undoubled = |bytes: &mut [u8], doubled: bool| match doubled {
            true => undouble(bytes),
            false => bytes.len(),
        };
        let length = match &fix.how {
            How::Undouble => undouble(bytes),
            How::Hex => hex::decode(bytes),
            How::Unistr { doubled } => {
                let length = undoubled(bytes, *doubled);
                unistr(&mut bytes[..length])
            }
            How::Replace {
                doubled,
                first,
                second,
            } => {
                let mut length = undoubled(bytes, *doubled);
                for step in [Some(first), second.as_ref()].into_iter().flatten() {
                    let from = (step.text.start - range.end) as usize;
                    let to = (step.text.end - range.end) as usize;
                    length = replace(&mut bytes[..length], &behind[from..to], step.byte);
                }
                length
            }
        };
        range.end = range.start + length as u32;
    }
}

/// Halves each `''`; gives the new length.
pub(super) fn undouble(bytes: &mut [u8]) -> usize {
    let mut read = 0;
    let mut write = 0;
    while let Some(quote) = memchr(b'\'', &bytes[read..]) {
        let end = read + quote + 1;
        bytes.copy_within(read..end, write);
        write += end - read;
        // Behind the second of the two.
        read = (end + 1).min(bytes.len());
    }
    bytes.copy_within(read.., write);
    write + bytes.len() - read
}

/// The escape behind a `\`: how many hexadecimal digits it has, and how many bytes stand before them.
fn escape(rest: &[u8]) -> Option<(usize, usize)> {
    match rest.first()? {
        b'u' => Some((4, 1)),
        b'U' => Some((8, 1)),
        b'+' => Some((6, 1)),
        byte if byte.is_ascii_hexdigit() => Some((4, 0)),
        _ => None,
    }
}

/// The character of an escape behind its `\`, and the escape's length. As in SQLite, what is no character of Unicode
/// is refused, but for half a surrogate pair, which takes three bytes like any other.
fn character(rest: &[u8]) -> Option<(u32, usize)> {
    if rest.first() == Some(&b'\\') {
        return Some((u32::from(b'\\'), 1));
    }
    let (digits, before) = escape(rest)?;
    let number = rest.get(before..before + digits)?;
    if !hex::is_hex(number) {
        return None;
    }
    let value = number.iter().fold(0_u32, |value, &digit| {
        value << 4 | u32::from(hex::value(digit))
    });
    (value <= 0x10_ffff).then_some((value, before + digits))
}

/// Whether every `\` of the inside of a string begins an escape.
///
/// # Errors
/// The first that does not.
pub(super) fn check_unistr(bytes: &[u8]) -> Result<(), usize> {
    let mut at = 0;
    while let Some(found) = memchr(b'\\', &bytes[at..]) {
        at += found + 1;
        match character(&bytes[at..]) {
            Some((_, length)) => at += length,
            None => return Err(at - 1),
        }
    }
    Ok(())
}

fn unistr(bytes: &mut [u8]) -> usize {
    let mut read = 0;
    let mut write = 0;
    while let Some(found) = memchr(b'\\', &bytes[read..]) {
        bytes.copy_within(read..read + found, write);
        write += found;
        read += found + 1;
        let Some((value, length)) = character(&bytes[read..]) else {
            // It was checked: there is none.
            break;
        };
        read += length;
        write += encode(value, &mut bytes[write..]);
    }
    bytes.copy_within(read.., write);
    write + bytes.len() - read
}

/// Writes a character as UTF-8; no escape is shorter than that.
fn encode(value: u32, to: &mut [u8]) -> usize {
    let tail = |shift: u32| 0x80 | (value >> shift & 0x3f) as u8;
    let (bytes, length) = match value {
        0..0x80 => ([value as u8, 0, 0, 0], 1),
        0x80..0x800 => ([0xc0 | (value >> 6) as u8, tail(0), 0, 0], 2),
        0x800..0x1_0000 => ([0xe0 | (value >> 12) as u8, tail(6), tail(0), 0], 3),
        _ => ([0xf0 | (value >> 18) as u8, tail(12), tail(6), tail(0)], 4),
    };
    to[..length].copy_from_slice(&bytes[..length]);
    length
}

/// Puts `byte` where `text` stands. An empty text stands nowhere, as in SQLite.
fn replace(bytes: &mut [u8], text: &[u8], byte: u8) -> usize {
    let Some(&first) = text.first() else {
        return bytes.len();
    };
    let mut read = 0;
    let mut write = 0;
    while let Some(found) = memchr(first, &bytes[read..]) {
        bytes.copy_within(read..read + found, write);
        write += found;
        read += found;
        let stands = bytes[read..].starts_with(text);
        bytes[write] = if stands { byte } else { first };
        write += 1;
        read += if stands { text.len() } else { 1 };
    }
    bytes.copy_within(read.., write);
    write + bytes.len() - read
}
