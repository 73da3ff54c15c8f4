//! Recorded texts: a long one is stored packed, since a file of 100 MB would take as much in the database again.
//!
//! A packed text is a BLOB in the format of `gzip`, a plain one is TEXT: `typeof(source)` tells which, and
//! `sqlite3 app.db "SELECT writefile('V1.sql.gz', source) FROM _migrations WHERE version = 1"` writes the first.

use std::io::{BufWriter, Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use super::error::HistoryError;
use crate::script::RecordedText;
use crate::sql::Value;

/// The fastest level whose codes are made for the text. The one below has fixed codes, and leaves digits of blobs at four
/// fifths of their size instead of a half.
const LEVEL: Compression = Compression::new(2);

/// A longer text is packed.
const BOUND: usize = 1 << 20;

/// Whether this text is stored packed.
pub(super) fn is_packed(text: &RecordedText) -> bool {
    text.bytes() > BOUND
}

/// A text as it is stored.
pub(super) fn stored(text: &RecordedText) -> Value {
    match is_packed(text).then(|| pack(text)) {
        Some(Ok(packed)) => Value::Blob(packed),
        // Writing into memory does not fail.
        Some(Err(_)) | None => text.to_string().into(),
    }
}

fn pack(text: &RecordedText) -> std::io::Result<Vec<u8>> {
    // Its parts may be short.
    let encoder = GzEncoder::new(Vec::new(), LEVEL);
    let mut encoder = BufWriter::with_capacity(1 << 16, encoder);
    let mut written = Ok(());
    text.parts(&mut |part| {
        if written.is_ok() {
            written = encoder.write_all(part.as_bytes());
        }
    });
    written?;
    let mut packed = encoder.into_inner()?.finish()?;
    packed.shrink_to_fit();
    Ok(packed)
}

/// A text from what is stored; none where nothing is.
///
/// # Errors
/// [`HistoryError::Unreadable`] where it is neither a text nor one that was packed.
pub(super) fn recorded(value: &Value) -> Result<Option<String>, HistoryError> {
    let packed = match value {
        Value::Text(text) => return Ok(Some(text.clone())),
        Value::Null => return Ok(None),
        Value::Blob(packed) => packed.as_slice(),
        Value::Integer(_) | Value::Real(_) => &[],
    };
    let mut text = String::new();
    let read = GzDecoder::new(packed).read_to_string(&mut text);
    read.map_err(|error| HistoryError::Unreadable {
        what: format!("a recorded text cannot be unpacked: {error}"),
    })?;
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_as_it_was_stored_and_a_long_one_is_small() {
        for text in [
            "",
            "SELECT 1;",
            &"INSERT INTO t VALUES ('é');\n".repeat(50_000),
        ] {
            let stored = stored(&text.into());
            assert_eq!(recorded(&stored).unwrap().as_deref(), Some(text));
            assert_eq!(matches!(&stored, Value::Blob(_)), text.len() > BOUND);
            if let Value::Blob(packed) = stored {
                assert!(packed.len() < text.len() / 10);
            }
        }
        assert_eq!(recorded(&Value::Null).unwrap(), None);
        assert!(recorded(&Value::Blob(vec![1, 2, 3])).is_err());
        assert!(recorded(&Value::Integer(1)).is_err());
    }
}
