//! The lines of an answer that comes in pieces. Pure.
//!
//! A line has a bound, and the answer as a whole has none: an export may be long.

use std::ops::ControlFlow;

/// The bytes of the longest answer of a pipeline and of the longest line of a cursor. A server gives 10 MB at once, and
/// rows of 5 MB; as JSON a byte takes up to six (`\u0001`).
pub(super) const LONGEST: usize = 64 << 20;

/// The beginning of a line whose end is still to come.
#[derive(Debug, Default)]
pub(super) struct LineBuffer {
    begun: Vec<u8>,
}

/// A line is longer than [`LONGEST`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

impl LineBuffer {
    /// Takes the next piece, and gives each line that it ends to `line`, without the line feed.
    ///
    /// # Errors
    /// [`TooLong`]; the lines before it were given.
    pub(super) fn take<B>(
        &mut self,
        piece: &[u8],
        mut line: impl FnMut(&[u8]) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B>, TooLong> {
        let mut rest = piece;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            if self.begun.len() + end > LONGEST {
                return Err(TooLong);
            }
            let flow = if self.begun.is_empty() {
                line(&rest[..end])
            } else {
                self.begun.extend_from_slice(&rest[..end]);
                let flow = line(&self.begun);
                self.begun.clear();
                flow
            };
            if flow.is_break() {
                return Ok(flow);
            }
            rest = &rest[end + 1..];
        }
        if self.begun.len() + rest.len() > LONGEST {
            return Err(TooLong);
        }
        self.begun.extend_from_slice(rest);
        Ok(ControlFlow::Continue(()))
    }

    /// The last line, where it has no line feed; else it is empty.
    pub(super) fn rest(&self) -> &[u8] {
        &self.begun
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> (Vec<Vec<u8>>, Vec<u8>) {
        let mut buffer = LineBuffer::default();
        let mut found = Vec::new();
        for piece in pieces {
            let flow = buffer.take(piece, |line| {
                found.push(line.to_vec());
                ControlFlow::<()>::Continue(())
            });
            assert_eq!(flow, Ok(ControlFlow::Continue(())));
        }
        (found, buffer.rest().to_vec())
    }

    #[test]
    fn lines_are_the_same_however_the_answer_is_cut() {
        let text = b"one\n\ntwo\nthree";
        let whole = lines(&[text]);
        let expect: Vec<Vec<u8>> = vec![b"one".to_vec(), vec![], b"two".to_vec()];
        assert_eq!(whole, (expect, b"three".to_vec()));
        for cut in 0..=text.len() {
            assert_eq!(lines(&[&text[..cut], &text[cut..]]), whole, "{cut}");
        }
    }

    #[test]
    fn a_line_has_a_bound_and_the_sum_of_lines_has_none() {
        let piece = vec![b'x'; LONGEST / 4];
        let mut buffer = LineBuffer::default();
        let mut take = |piece: &[u8]| buffer.take(piece, |_| ControlFlow::<()>::Continue(()));
        for _ in 0..3 {
            for _ in 0..4 {
                assert!(take(&piece).is_ok());
            }
            assert!(take(b"\n").is_ok());
        }
        for _ in 0..4 {
            assert!(take(&piece).is_ok());
        }
        assert_eq!(take(b"x"), Err(TooLong));
        assert_eq!(take(b"x\n"), Err(TooLong));
    }
}
