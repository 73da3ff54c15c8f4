//! Going on from a mark: what stands before it is read again, only to know that it is what it was.

use sha2::Digest;

use super::problem::{behind, line};
use super::scan::Text;
use super::{Reader, Transaction};
use crate::diagnostic::Diagnostic;
use crate::dump::block::Mark;
use crate::dump::error::{DumpError, Place};
use crate::dump::source::{Ending, ending_of};
use crate::sql::{self, Kind};

/// How much of the begin of a dump, and of what stands before the mark, is looked at to know whether a transaction was
/// begun there and ended.
const GLANCE: usize = 64 * 1024;

impl Reader {
    /// Goes to `mark`.
    pub(super) fn skip(&mut self, mark: &Mark) -> Result<(), DumpError> {
        let mut chunk = vec![0; self.options.block_bytes.max(GLANCE)];
        let mut first = Vec::new();
        let mut last = Vec::new();
        let mut left = mark.offset;
        while left > 0 {
            let want = usize::try_from(left).unwrap_or(usize::MAX).min(chunk.len());
            let filled = self.source.fill(&mut chunk[..want]);
            let length = filled.map_err(|cause| self.unreadable(cause))?;
            let read = &chunk[..length];
            if first.is_empty() {
                first.extend_from_slice(&read[..length.min(GLANCE)]);
            }
            last.extend_from_slice(read);
            last.drain(..last.len().saturating_sub(GLANCE));
            self.hash.update(read);
            self.place = behind(self.place, read);
            left -= length as u64;
            if length == 0 {
                break;
            }
        }
        let now = self.mark();
        if now != *mark {
            return Err(DumpError::Changed {
                name: self.source.name().to_owned(),
                offset: mark.offset,
            });
        }
        if let Some(problem) = begin(self.source.name(), &first) {
            self.transaction = match ending_of(&last, 0) {
                Ending::Commit => Transaction::Glanced,
                _ => Transaction::Open(Box::new(problem)),
            };
        }
        Ok(())
    }
}

/// The `BEGIN` among the first statements of a dump, as a problem that it is where nothing ends it.
fn begin(name: &str, first: &[u8]) -> Option<Diagnostic> {
    let text = Text {
        bytes: first,
        last: false,
    };
    let mut at = if first.starts_with(b"\xef\xbb\xbf") {
        3
    } else {
        0
    };
    loop {
        at = text.between(at).ok()?;
        let end = text.statement(at).ok()?;
        match sql::kind(std::str::from_utf8(&first[at..end]).ok()?) {
            Kind::Begin | Kind::Savepoint(_) => {
                let start = Place {
                    offset: 0,
                    line: 1,
                    column: 1,
                };
                let place = behind(start, &first[..at]);
                return Some(super::problem::open_transaction(
                    name,
                    place,
                    line(first, at, at + 5),
                ));
            }
            Kind::Pragma(_) => at = end + 1,
            _ => return None,
        }
    }
}
