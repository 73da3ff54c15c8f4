//! Going on from a mark: the text before it is read again, to know that it is unchanged, and what it has begun.

use super::Reader;
use crate::dump::block::Mark;
use crate::dump::error::DumpError;

impl Reader {
    /// Goes to `mark`, where a block ended or began: reading up to there ends with a whole statement.
    pub(super) fn skip(&mut self, mark: &Mark) -> Result<(), DumpError> {
        self.limit = mark.offset;
        while self.place.offset < mark.offset {
            match self.read() {
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(
                    error @ (DumpError::Open { .. }
                    | DumpError::Read { .. }
                    | DumpError::Gzip { .. }),
                ) => {
                    return Err(error);
                }
                Err(_) => return Err(self.changed()),
            }
        }
        if self.mark() != *mark {
            return Err(self.changed());
        }
        self.limit = u64::MAX;
        (self.rows, self.statements) = (0, 0);
        Ok(())
    }
}
