//! Problems with their places and lines, and going on behind them.

use std::io;

use super::scan::{GoOn, Open, Refusal, Unclosed};
use super::{ENOUGH, Packing, Reader, Transaction};
use crate::diagnostic::{Diagnostic, Line};
use crate::dump::block::{Statement, What};
use crate::dump::error::{DumpError, Place};

/// How many characters of a line are shown, and how many of them before what is meant.
const SHOWN: usize = 120;
const BEFORE: usize = 60;

const AGAIN: &str = "write the dump again, and look at the exit code of what writes it";

/// The place behind `passed`, which begins at `place`.
pub(super) fn behind(place: Place, passed: &[u8]) -> Place {
    let (lines, rest) = match memchr::memrchr(b'\n', passed) {
        Some(last) => (
            memchr::memchr_iter(b'\n', passed).count() as u64,
            &passed[last + 1..],
        ),
        None => (0, passed),
    };
    // Bytes that begin a character.
    let characters = rest.iter().filter(|&&byte| byte & 0xc0 != 0x80).count() as u64;
    Place {
        offset: place.offset + passed.len() as u64,
        line: place.line + lines,
        column: if lines > 0 { 1 } else { place.column } + characters,
    }
}

/// The line around `at..end` of `bytes`, as much of it as is there and can be shown.
pub(super) fn line(bytes: &[u8], at: usize, end: usize) -> Line {
    let at = at.min(bytes.len());
    let from = memchr::memrchr(b'\n', &bytes[..at]).map_or(0, |newline| newline + 1);
    let to = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |newline| at + newline);
    let end = end.clamp(at, to);
    // Enough bytes for the characters that are shown.
    let window = |from: usize, to: usize| String::from_utf8_lossy(&bytes[from..to]);
    let left = at.saturating_sub(4 * BEFORE).max(from);
    let before = window(left, at);
    let behind = window(at, to.min(at + 4 * SHOWN));
    let count = before.chars().count();
    let mut text = String::new();
    if left > from || count > BEFORE {
        text.push('…');
    }
    text.extend(before.chars().skip(count.saturating_sub(BEFORE)));
    let start = text.len();
    let left = SHOWN - text.chars().count();
    let meant = window(at, end.min(at + 4 * SHOWN)).chars().count();
    let mut stop = start;
    for (index, character) in behind.trim_end().chars().enumerate() {
        if index == left {
            text.push('…');
            break;
        }
        text.push(character);
        if index < meant {
            stop = text.len();
        }
    }
    Line {
        text,
        span: start..stop,
        ..Line::default()
    }
}

/// What is wrong with a transaction that is never ended.
pub(super) fn open_transaction(name: &str, place: Place, line: Line) -> Diagnostic {
    let message = "no COMMIT ends the transaction that begins here";
    Diagnostic::problem("cut-short", message)
        .at(place.location(name, line))
        .help(AGAIN)
}

impl Reader {
    /// The place of a byte of the unread part of the buffer.
    pub(super) fn place_of(&self, at: usize) -> Place {
        behind(self.place, &self.buffer[self.start..self.start + at])
    }

    fn problem(
        &self,
        code: &'static str,
        at: usize,
        end: usize,
        message: impl Into<String>,
        help: Option<String>,
    ) -> Diagnostic {
        let at = at.min(self.buffer.len() - self.start);
        let line = line(&self.buffer, self.start + at, self.start + end);
        let location = self.place_of(at).location(self.source.name(), line);
        Diagnostic::problem(code, message).at(location).helps(help)
    }

    /// Takes down what is refused, and goes to where reading can go on. `statement` is where the statement begins.
    pub(super) fn refuse(&mut self, refusal: &Refusal, statement: usize) -> Result<(), DumpError> {
        let Refusal {
            at,
            end,
            code,
            message,
            help,
            go_on,
        } = refusal;
        let problem = self.problem(code, *at, *end, message, help.clone());
        if *go_on == GoOn::Nowhere {
            self.problems = vec![problem];
            return Err(self.refused(false));
        }
        self.note(problem)?;
        let length = self.buffer.len() - self.start;
        self.advance(match go_on {
            GoOn::Statement => statement,
            GoOn::Line | GoOn::NextLine => *at,
            GoOn::End | GoOn::Nowhere => (*end).max(statement).min(length),
        });
        self.going_on = Some(*go_on);
        Ok(())
    }

    fn note(&mut self, problem: Diagnostic) -> Result<(), DumpError> {
        self.problems.push(problem);
        if self.problems.len() < ENOUGH {
            return Ok(());
        }
        Err(self.refused(true))
    }

    /// All that was refused.
    pub(super) fn refused(&mut self, more: bool) -> DumpError {
        DumpError::Refused {
            name: self.source.name().to_owned(),
            problems: std::mem::take(&mut self.problems),
            more,
        }
    }

    /// Goes behind what was refused; false where the dump ends first.
    pub(super) fn go_on(&mut self) -> Result<bool, DumpError> {
        while let Some(how) = self.going_on {
            let text = self.text();
            let found = match how {
                GoOn::Statement => text.statement(0).ok().map(|end| end + 1),
                GoOn::Line => text.next_begin(0),
                GoOn::NextLine => text.line_end(0),
                GoOn::End | GoOn::Nowhere => Some(0),
            };
            let length = text.bytes.len();
            match found {
                Some(end) => {
                    self.advance(end);
                    self.going_on = None;
                }
                None if self.last => {
                    self.advance(length);
                    return Ok(false);
                }
                None => {
                    if how != GoOn::Statement {
                        // A line may begin at the end of what has come.
                        self.advance(length.saturating_sub(32));
                    }
                    self.fill()?;
                }
            }
        }
        Ok(true)
    }

    /// Follows `BEGIN` and `COMMIT`.
    pub(super) fn follow(&mut self, statements: &[Statement]) -> Result<(), DumpError> {
        for statement in statements {
            let at = usize::try_from(statement.offset - self.place.offset).unwrap_or(usize::MAX);
            match (&statement.what, &self.transaction) {
                (What::Begin, Transaction::Open(begin)) => {
                    let begin = begin.location.as_ref().and_then(|it| it.place().1);
                    let message = format!(
                        "a transaction begins within that of line {}",
                        begin.unwrap_or_default()
                    );
                    let problem = self.problem("malformed-statement", at, at + 5, message, None);
                    self.note(problem)?;
                }
                (What::Begin, _) => {
                    let line = line(&self.buffer, self.start + at, self.start + at + 5);
                    let problem = open_transaction(self.source.name(), self.place_of(at), line);
                    self.transaction = Transaction::Open(Box::new(problem));
                }
                (What::Commit, Transaction::Open(_)) => {
                    self.transaction = Transaction::Ended;
                }
                (What::Commit, _) => {
                    let problem = self.problem(
                        "malformed-statement",
                        at,
                        at + 6,
                        "COMMIT without BEGIN: the begin of the dump is missing",
                        Some(AGAIN.to_owned()),
                    );
                    self.note(problem)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The dump ends in the middle of this.
    pub(super) fn cut_short(&self, open: Open) -> Diagnostic {
        let what = match open.what {
            Unclosed::Statement => "the dump ends inside of the statement that begins here",
            Unclosed::Trigger => {
                "the dump ends inside of the trigger that begins here: there is no END"
            }
            Unclosed::String => "the dump ends inside of the text that begins here",
            Unclosed::Name => "the dump ends inside of the quoted name that begins here",
            Unclosed::Comment => "the dump ends inside of the comment that begins here",
        };
        self.problem(
            "cut-short",
            open.at,
            open.at + 1,
            what,
            Some(AGAIN.to_owned()),
        )
    }

    /// What ends the reading, behind what was refused before.
    pub(super) fn broken(&mut self, problem: Diagnostic) -> DumpError {
        if self.problems.is_empty() {
            return DumpError::CutShort {
                name: self.source.name().to_owned(),
                problem: Box::new(problem),
            };
        }
        self.problems.push(problem);
        self.refused(false)
    }

    pub(super) fn too_long(&mut self) -> DumpError {
        let message = format!(
            "the statement that begins here is longer than {} bytes, which no engine takes",
            self.options.statement_bytes
        );
        let help = "if it is none, a ' or \" is missing at its begin";
        let problem = self.problem("too-long", 0, 1, message, Some(help.to_owned()));
        if !self.problems.is_empty() {
            return self.broken(problem);
        }
        DumpError::TooLong {
            name: self.source.name().to_owned(),
            problem: Box::new(problem),
        }
    }

    pub(super) fn rolled_back(&self, place: Place) -> DumpError {
        DumpError::RolledBack {
            name: self.source.name().to_owned(),
            offset: place.offset,
            line: place.line,
        }
    }

    /// The text before the mark has changed.
    pub(super) fn changed(&self) -> DumpError {
        DumpError::Changed {
            name: self.source.name().to_owned(),
            offset: self.limit,
        }
    }

    /// Nothing more comes, and that is not the end.
    pub(super) fn unreadable(&mut self, cause: io::Error) -> DumpError {
        let length = self.buffer.len() - self.start;
        let offset = self.place.offset + length as u64;
        let name = self.source.name().to_owned();
        match (self.source.packing(), cause.kind()) {
            (Packing::Gzip, io::ErrorKind::UnexpectedEof) => {
                let problem = self.problem(
                    "cut-short",
                    length,
                    length,
                    "the gzip ends here, and it is not complete",
                    Some(AGAIN.to_owned()),
                );
                self.broken(problem)
            }
            _ if !self.problems.is_empty() => self.refused(true),
            (Packing::Gzip, io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) => {
                DumpError::Gzip {
                    name,
                    offset,
                    cause,
                }
            }
            _ => DumpError::Read {
                name,
                offset,
                cause,
            },
        }
    }
}
