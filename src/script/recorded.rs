//! A text that is recorded. A large one stands elsewhere too, so it is kept as places there and never copied as a whole.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::hex;

/// A text that is recorded, in pieces.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecordedText(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(Arc<str>),
    /// Each of its lines behind a mark.
    Lines {
        mark: &'static str,
        text: Arc<str>,
    },
}

impl RecordedText {
    /// Adds a text at the end.
    pub(crate) fn push(&mut self, text: impl Into<Arc<str>>) {
        self.0.push(Piece::Text(text.into()));
    }

    /// Adds the lines of a text at the end, each behind a mark and with a line break.
    pub(crate) fn push_lines(&mut self, mark: &'static str, text: Arc<str>) {
        self.0.push(Piece::Lines { mark, text });
    }

    /// Its parts one after the other; they may be short.
    pub(crate) fn parts<'a>(&'a self, take: &mut dyn FnMut(&'a str)) {
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => take(text),
                Piece::Lines { mark, text } => {
                    for line in text.split('\n') {
                        take(mark);
                        take(line);
                        take("\n");
                    }
                }
            }
        }
    }

    /// How many bytes it has.
    pub(crate) fn bytes(&self) -> usize {
        let mut bytes = 0;
        self.parts(&mut |part| bytes += part.len());
        bytes
    }

    /// sha256, in lower-case hexadecimal.
    pub(crate) fn checksum(&self) -> String {
        let mut hash = Sha256::new();
        self.parts(&mut |part| hash.update(part));
        hex::encode(&hash.finalize())
    }
}

impl std::fmt::Display for RecordedText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut written = Ok(());
        self.parts(&mut |part| written = written.and_then(|()| f.write_str(part)));
        written
    }
}

impl From<Arc<str>> for RecordedText {
    fn from(text: Arc<str>) -> RecordedText {
        RecordedText(vec![Piece::Text(text)])
    }
}

impl From<&str> for RecordedText {
    fn from(text: &str) -> RecordedText {
        Arc::<str>::from(text).into()
    }
}

#[cfg(test)]
mod tests {
    use super::RecordedText;

    #[test]
    fn its_parts_are_its_text() {
        let mut text = RecordedText::from("a: 1\n");
        text.push("# rows x\n");
        text.push_lines("#|", "1\n\n2".into());
        let whole = "a: 1\n# rows x\n#|1\n#|\n#|2\n";
        assert_eq!(text.to_string(), whole);
        assert_eq!(text.bytes(), whole.len());
        assert_eq!(text.checksum(), crate::migrations::checksum(whole));
    }
}
