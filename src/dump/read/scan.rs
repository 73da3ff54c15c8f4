//! Where things end in the bytes of a dump: blanks, comments, quotes, statements. The text may end anywhere, because
//! more of it is still to come; that is distinguished from what is wrong.
//!
//! [`Progress`] decides which semicolon ends a statement, as in [`crate::sql::split()`]; here the bytes need not be UTF-8.

use memchr::{memchr, memmem};

use crate::sql::{Progress, is_space, is_word};

/// A piece of a dump that begins at a statement.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a> {
    pub(super) bytes: &'a [u8],
    /// Whether nothing comes behind it.
    pub(super) last: bool,
}

/// Why reading a statement stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// The text ends in the middle of this.
    More(Open),
    /// This is not part of a dump.
    Refused(Refusal),
}

/// What a text ends in the middle of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Open {
    pub(super) what: Unclosed,
    /// Where it begins.
    pub(super) at: usize,
}

/// The sorts of what can be left open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unclosed {
    Statement,
    Trigger,
    String,
    Name,
    Comment,
}

/// What is refused, and where reading can go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// What is meant.
    pub(super) at: usize,
    /// Where that ends.
    pub(super) end: usize,
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) help: Option<String>,
    pub(super) go_on: GoOn,
}

/// Where to read on behind something refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GoOn {
    /// Behind the semicolon of its statement: it can be read, and is only not wanted.
    Statement,
    /// At the next line that looks like the begin of a statement: its quotes may be wrong, too.
    Line,
    /// At the next line: it is no SQL.
    NextLine,
    /// Where it ends.
    End,
    /// Nowhere: it shows that the whole text is none for SQLite, so it is the only problem that is reported.
    Nowhere,
}

impl Stop {
    pub(super) fn more(what: Unclosed, at: usize) -> Stop {
        Stop::More(Open { what, at })
    }
}

impl<'a> Text<'a> {
    /// The byte at `at`, if it has come.
    #[inline]
    pub(super) fn get(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    /// The byte at `at`.
    #[inline]
    pub(super) fn byte(&self, at: usize) -> Result<u8, Stop> {
        self.get(at).ok_or(Stop::more(Unclosed::Statement, at))
    }

    /// The first place from `at` on that is no blank and no comment; the end of the text if there is none.
    #[inline]
    pub(super) fn blanks(&self, mut at: usize) -> Result<usize, Stop> {
        while let Some(byte) = self.get(at) {
            match byte {
                _ if is_space(byte) => at += 1,
                b'-' | b'/' => match self.comment(at)? {
                    Some(end) => at = end,
                    None => return Ok(at),
                },
                _ => return Ok(at),
            }
        }
        Ok(at)
    }

    /// The end of the comment at `at`, if there is one: a `-` or `/` stands there.
    #[cold]
    pub(super) fn comment(&self, at: usize) -> Result<Option<usize>, Stop> {
        let Some(second) = self.get(at + 1) else {
            return if self.last {
                Ok(None)
            } else {
                Err(Stop::more(Unclosed::Statement, at))
            };
        };
        let rest = &self.bytes[at + 2..];
        match (self.bytes[at], second) {
            (b'-', b'-') => match memchr(b'\n', rest) {
                Some(end) => Ok(Some(at + 2 + end)),
                None if self.last => Ok(Some(self.bytes.len())),
                None => Err(Stop::more(Unclosed::Comment, at)),
            },
            (b'/', b'*') => match memmem::find(rest, b"*/") {
                Some(end) => Ok(Some(at + 2 + end + 2)),
                None => Err(Stop::more(Unclosed::Comment, at)),
            },
            _ => Ok(None),
        }
    }

    /// Behind the closing quote of what begins with the quote at `at`, and whether a doubled one is inside.
    #[inline]
    pub(super) fn quoted(&self, at: usize) -> Result<(usize, bool), Stop> {
        let quote = self.bytes[at];
        let mut doubled = false;
        let mut from = at + 1;
        loop {
            let Some(found) = self.bytes.get(from..).and_then(|rest| memchr(quote, rest)) else {
                return Err(self.open(at));
            };
            let end = from + found + 1;
            match self.get(end) {
                Some(next) if next == quote => {
                    doubled = true;
                    from = end + 1;
                }
                // Its second half may be still to come.
                None if !self.last => return Err(self.open(at)),
                _ => return Ok((end, doubled)),
            }
        }
    }

    /// Behind the `]` of the name that begins with the `[` at `at`.
    pub(super) fn bracketed(&self, at: usize) -> Result<usize, Stop> {
        match memchr(b']', &self.bytes[at..]) {
            Some(end) => Ok(at + end + 1),
            None => Err(self.open(at)),
        }
    }

    fn open(&self, at: usize) -> Stop {
        let what = match self.bytes[at] {
            b'\'' => Unclosed::String,
            _ => Unclosed::Name,
        };
        Stop::more(what, at)
    }

    /// Behind the word at `at`; `at` itself where none is. A word that the text ends with may go on.
    #[inline]
    pub(super) fn word(&self, at: usize) -> Result<usize, Stop> {
        let rest = self.bytes.get(at..).unwrap_or_default();
        match rest.iter().position(|&byte| !is_word(byte)) {
            Some(length) => Ok(at + length),
            None if self.last => Ok(self.bytes.len()),
            None => Err(Stop::more(Unclosed::Statement, at)),
        }
    }

    /// Whether the bare word at `at` is `word`, and where it ends.
    #[inline]
    pub(super) fn is(&self, at: usize, word: &str) -> Result<Option<usize>, Stop> {
        let end = self.word(at)?;
        Ok(self.bytes[at..end]
            .eq_ignore_ascii_case(word.as_bytes())
            .then_some(end))
    }

    /// Where the statement at `at` ends: its semicolon.
    pub(super) fn statement(&self, at: usize) -> Result<usize, Stop> {
        let begin = at;
        let mut at = at;
        let mut state = Progress::Start;
        while let Some(byte) = self.get(at) {
            let start = at;
            at = match byte {
                _ if is_space(byte) => {
                    at += 1;
                    continue;
                }
                b'-' | b'/' => match self.comment(at)? {
                    Some(end) => {
                        at = end;
                        continue;
                    }
                    None => at + 1,
                },
                b'\'' | b'"' | b'`' => self.quoted(at)?.0,
                b'[' => self.bracketed(at)?,
                b';' if !state.is_in_body() => return Ok(at),
                _ if is_word(byte) => self.word(at)?,
                _ => at + 1,
            };
            state = match state {
                // Nothing decides any more what its semicolon means: only quotes and comments can hide it.
                Progress::Plain => {
                    at = self.plain(at);
                    state
                }
                _ => state.after(&self.bytes[start..at]),
            };
        }
        let what = match state.is_in_body() {
            true => Unclosed::Trigger,
            false => Unclosed::Statement,
        };
        Err(Stop::more(what, begin))
    }

    /// The next place from `at` on where a quote, a comment or a semicolon may be.
    fn plain(&self, at: usize) -> usize {
        let rest = &self.bytes[at..];
        let ends = |byte: u8| matches!(byte, b'\'' | b'"' | b'`' | b'[' | b'-' | b'/' | b';');
        rest.iter()
            .position(|&byte| ends(byte))
            .map_or(self.bytes.len(), |next| at + next)
    }

    /// The next line from `from` on that looks like the begin of a statement of a dump.
    pub(super) fn next_begin(&self, from: usize) -> Option<usize> {
        const BEGINS: [&str; 12] = [
            "INSERT INTO ",
            "INSERT OR ",
            "REPLACE INTO ",
            "DROP ",
            "CREATE ",
            "COMMIT;",
            "END;",
            "ROLLBACK;",
            "PRAGMA ",
            "BEGIN",
            "DELETE FROM ",
            "ANALYZE ",
        ];
        let mut at = from;
        while let Some(newline) = self.bytes.get(at..).and_then(|rest| memchr(b'\n', rest)) {
            at += newline + 1;
            let line = &self.bytes[at..];
            let begins = |word: &&str| {
                line.get(..word.len())
                    .is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
            };
            if BEGINS.iter().any(begins) {
                return Some(at);
            }
        }
        None
    }

    /// The first NUL in `start..end`.
    pub(super) fn nul(&self, start: usize, end: usize) -> Option<usize> {
        memchr(0, &self.bytes[start..end]).map(|nul| start + nul)
    }

    /// Behind the line that `at` is in.
    pub(super) fn line_end(&self, at: usize) -> Option<usize> {
        memchr(b'\n', &self.bytes[at..]).map(|end| at + end + 1)
    }
}
