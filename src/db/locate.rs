//! The byte of a statement that an engine's words point at.
//!
//! The crate does not pass on `sqlite3_error_offset`, and a server has none. So the words are matched against the
//! tokens of the statement, and where several tokens fit, the engine is asked again: it reads from left to right, so
//! the token it objects to is the first one at which a text that ends there is refused for that token, and not for
//! ending too early.

use super::{Db, EngineError};
use crate::sql::{Located, locate as match_words};

/// How many candidates are tried before the first is taken.
const MOST: usize = 64;

/// The byte of `statement` at which an engine's error points, if it points anywhere.
pub async fn locate(db: &Db, statement: &str, error: &EngineError) -> Option<usize> {
    if error
        .offset
        .is_some_and(|offset| statement.is_char_boundary(offset))
    {
        return error.offset;
    }
    let message = &error.message;
    let candidates = match match_words(statement, message) {
        Located::At(offset) => return Some(offset),
        Located::Unknown => return None,
        Located::Ambiguous(candidates) => candidates,
    };
    for offset in candidates.iter().copied().take(MOST) {
        let end = end_of_token(statement, offset);
        if let Ok(Some(objection)) = db.objection(&statement[..end]).await
            && objection.message == *message
        {
            return Some(offset);
        }
    }
    candidates.first().copied()
}

fn end_of_token(statement: &str, offset: usize) -> usize {
    crate::sql::tokens(&statement[offset..])
        .flatten()
        .next()
        .map_or(statement.len(), |token| offset + token.span.end)
}
