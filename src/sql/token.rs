//! SQLite's tokenizer over bytes: every byte of a text belongs to one token or one error, in order.
//!
//! It follows [tokenize.c](https://sqlite.org/src/file/src/tokenize.c), with two differences, so that one
//! file reads the same for every engine: a `/*` that nothing closes is an error (SQLite takes it as a
//! comment up to the end, a libSQL server does not), and so is a vertical tab outside quotes.
//! It never looks at what a word means: keywords are words.

use std::ops::Range;

/// What a [`Token`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// Blanks, tabs, line ends, form feeds; a byte order mark.
    Space,
    /// `-- …` up to but without the line end, or `/* … */`.
    Comment,
    /// A bare word: a keyword or a name.
    Word,
    /// `"…"`, `` `…` `` or `[…]`.
    QuotedName,
    /// `'…'`.
    String,
    /// `x'…'`.
    Blob,
    /// An integer or a real, in any of SQLite's forms.
    Number,
    /// `?`, `?1`, `:a`, `@a`, `$a`.
    Parameter,
    /// `;`.
    Semicolon,
    /// An operator, a parenthesis, a comma or a dot.
    Symbol,
}

/// A piece of SQL: its kind and its bytes in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where it is, in bytes of the text that was read.
    pub span: Range<usize>,
}

impl Token {
    /// The token as written. `sql` is the text that the token was read from; from any other, it may be
    /// another piece, or empty.
    pub fn text<'a>(&self, sql: &'a str) -> &'a str {
        sql.get(self.span.clone()).unwrap_or_default()
    }

    /// Whether this is the bare word `word`, in any letter case.
    pub fn is_word(&self, sql: &str, word: &str) -> bool {
        self.kind == TokenKind::Word && self.text(sql).eq_ignore_ascii_case(word)
    }
}

/// Why a piece of text is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum LexErrorKind {
    /// A `'` without its end.
    #[error("the string is never closed: a ' is missing")]
    UnterminatedString,
    /// A `"`, `` ` `` or `[` without its end.
    #[error("the quoted name is never closed: a {close} is missing")]
    UnterminatedName {
        /// The character that would close it.
        close: char,
    },
    /// A `/*` without `*/`.
    #[error("the comment is never closed: a */ is missing")]
    UnterminatedComment,
    /// `x'…'` with an odd number of digits or something that is no hexadecimal digit.
    #[error("the blob is malformed: x'…' takes pairs of hexadecimal digits")]
    MalformedBlob,
    /// A number that runs into letters, such as `12ab`.
    #[error("the number runs into a word")]
    MalformedNumber,
    /// `:`, `@` or `$` without a name.
    #[error("the parameter has no name")]
    MalformedParameter,
    /// A NUL byte: engines take it as the end of the text.
    #[error("a NUL byte, which engines take as the end of the text")]
    Nul,
    /// A character that starts no token.
    #[error("unrecognized character {0:?}")]
    Unrecognized(char),
}

/// A piece of text that is no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct LexError {
    /// What is wrong.
    pub kind: LexErrorKind,
    /// The bytes that are no token. What is never closed reaches to the end of the text.
    pub span: Range<usize>,
    /// The byte to point at: the start of the span, or the NUL inside it.
    pub offset: usize,
}

/// The tokens of `sql`, in order and without gaps.
///
/// # Errors
/// Each item that is an error covers the bytes that are no token; reading goes on behind them.
pub fn tokens(sql: &str) -> Tokens<'_> {
    Tokens {
        bytes: sql.as_bytes(),
        at: 0,
        nul: memchr::memchr(0, sql.as_bytes()).unwrap_or(usize::MAX),
    }
}

/// Iterator of [`tokens`].
#[derive(Debug, Clone)]
pub struct Tokens<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The first NUL, found once so that no token needs to look for one.
    nul: usize,
}

impl Iterator for Tokens<'_> {
    type Item = Result<Token, LexError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let start = self.at;
        let &first = self.bytes.get(start)?;
        let (scanned, end) = self.read(start, first);
        self.at = end;
        let span = start..end;
        Some(match scanned {
            Ok(kind) => Ok(Token { kind, span }),
            Err(kind) => Err(self.error(kind, span)),
        })
    }
}

/// The tokens of `sql` without spaces and comments. What is no token is passed over: ask [`tokens`] or
/// [`split`](super::split()) for the errors.
pub fn significant(sql: &str) -> Significant<'_> {
    Significant {
        tokens: tokens(sql),
    }
}

/// Whether a `CREATE TABLE` has a column with `AUTOINCREMENT`: <https://sqlite.org/autoinc.html>. The word is reserved,
/// so no name is spelled like it without quotes.
pub(crate) fn is_autoincrement(sql: &str) -> bool {
    significant(sql).any(|token| token.is_word(sql, "AUTOINCREMENT"))
}

/// Whether a `CREATE TABLE` has a constraint that lets one of two rows give way: `ON CONFLICT IGNORE`, `REPLACE`
/// (<https://sqlite.org/lang_conflict.html>).
pub(crate) fn gives_way(sql: &str) -> bool {
    let mut before = false;
    significant(sql).any(|token| {
        let is_way = ["IGNORE", "REPLACE"]
            .iter()
            .any(|word| token.is_word(sql, word));
        let found = before && is_way;
        before = token.is_word(sql, "CONFLICT");
        found
    })
}

/// Iterator of [`significant`].
#[derive(Debug, Clone)]
pub struct Significant<'a> {
    tokens: Tokens<'a>,
}

impl Iterator for Significant<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        self.tokens
            .by_ref()
            .flatten()
            .find(|token| !matches!(token.kind, TokenKind::Space | TokenKind::Comment))
    }
}

/// What a byte can be, as bits.
const SPACE: u8 = 1;
const DIGIT: u8 = 2;
const HEX: u8 = 4;
/// May stand inside a word.
const WORD: u8 = 8;
/// May start a word.
const LETTER: u8 = 16;
/// Starts no token.
const ILLEGAL: u8 = 32;

static CLASS: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        table[byte] = match b {
            b' ' | b'\t' | b'\n' | b'\r' | 0x0c => SPACE,
            b'0'..=b'9' => DIGIT | HEX | WORD,
            b'a'..=b'f' | b'A'..=b'F' => HEX | WORD | LETTER,
            b'g'..=b'z' | b'G'..=b'Z' | b'_' | 0x80..=0xff => WORD | LETTER,
            b'$' => WORD,
            0x01..=0x1f | 0x7f | b'#' | b'\\' | b'^' | b'{' | b'}' | b']' => ILLEGAL,
            _ => 0,
        };
        byte += 1;
    }
    table
}

#[inline]
fn is(byte: u8, class: u8) -> bool {
    CLASS[byte as usize] & class != 0
}

/// Whether `byte` is white space to the engine.
#[inline]
pub(crate) fn is_space(byte: u8) -> bool {
    is(byte, SPACE)
}

/// Whether `byte` may stand inside a bare word or a number.
#[inline]
pub(crate) fn is_word(byte: u8) -> bool {
    is(byte, WORD)
}

/// The kind, or why there is none, and the offset behind it.
type Scanned = (Result<TokenKind, LexErrorKind>, usize);

impl Tokens<'_> {
    /// The byte at `at`, 0 behind the end.
    #[inline]
    fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(0)
    }

    /// The first offset from `at` on whose byte is not of `class`.
    #[inline]
    fn skip(&self, at: usize, class: u8) -> usize {
        let rest = self.bytes.get(at..).unwrap_or_default();
        rest.iter()
            .position(|&byte| !is(byte, class))
            .map_or(self.bytes.len(), |n| at + n)
    }

    /// The first offset from `at` on that holds `wanted`.
    #[inline]
    fn find(&self, at: usize, wanted: u8) -> Option<usize> {
        let rest = self.bytes.get(at..)?;
        rest.iter().position(|&byte| byte == wanted).map(|n| at + n)
    }

    #[inline]
    fn read(&self, at: usize, first: u8) -> Scanned {
        let symbol = |length: usize| (Ok(TokenKind::Symbol), at + length);
        let next = self.byte(at + 1);
        match first {
            0xef if next == 0xbb && self.byte(at + 2) == 0xbf => (Ok(TokenKind::Space), at + 3),
            b'x' | b'X' if next == b'\'' => self.blob(at),
            _ if is(first, LETTER) => (Ok(TokenKind::Word), self.skip(at + 1, WORD)),
            _ if is(first, SPACE) => (Ok(TokenKind::Space), self.skip(at + 1, SPACE)),
            b'(' | b')' | b',' | b'+' | b'*' | b'%' | b'&' | b'~' => symbol(1),
            b';' => (Ok(TokenKind::Semicolon), at + 1),
            b'\'' | b'"' | b'`' => self.quoted(at, first),
            b'[' => match self.find(at + 1, b']') {
                Some(close) => self.without_nul(at, close + 1, TokenKind::QuotedName),
                None => self.open(LexErrorKind::UnterminatedName { close: ']' }),
            },
            _ if is(first, DIGIT) => self.number(at),
            b'.' if is(next, DIGIT) => self.number(at),
            b'.' => symbol(1),
            b'-' if next == b'-' => {
                let end = self.find(at + 2, b'\n').unwrap_or(self.bytes.len());
                self.without_nul(at, end, TokenKind::Comment)
            }
            b'-' if next == b'>' => symbol(if self.byte(at + 2) == b'>' { 3 } else { 2 }),
            b'/' if next == b'*' => self.block_comment(at),
            b'-' | b'/' => symbol(1),
            b'=' => symbol(if next == b'=' { 2 } else { 1 }),
            b'<' => symbol(if matches!(next, b'=' | b'>' | b'<') {
                2
            } else {
                1
            }),
            b'>' => symbol(if matches!(next, b'=' | b'>') { 2 } else { 1 }),
            b'!' if next == b'=' => symbol(2),
            b'|' => symbol(if next == b'|' { 2 } else { 1 }),
            b'?' => (Ok(TokenKind::Parameter), self.skip(at + 1, DIGIT)),
            b':' | b'@' | b'$' => self.parameter(at),
            0 => {
                let rest = &self.bytes[at..];
                let run = rest
                    .iter()
                    .position(|&byte| byte != 0)
                    .unwrap_or(rest.len());
                (Err(LexErrorKind::Nul), at + run)
            }
            // `!` alone, and what CLASS calls illegal; a run of them is one error.
            _ => (
                Err(LexErrorKind::Unrecognized(first as char)),
                self.skip(at + 1, ILLEGAL),
            ),
        }
    }

    /// `'…'`, `"…"` or `` `…` ``; a doubled quote stands for itself.
    #[inline]
    fn quoted(&self, at: usize, quote: u8) -> Scanned {
        let kind = if quote == b'\'' {
            TokenKind::String
        } else {
            TokenKind::QuotedName
        };
        let mut from = at + 1;
        while let Some(close) = self.find(from, quote) {
            if self.byte(close + 1) != quote {
                return self.without_nul(at, close + 1, kind);
            }
            from = close + 2;
        }
        self.open(match quote {
            b'\'' => LexErrorKind::UnterminatedString,
            _ => LexErrorKind::UnterminatedName {
                close: quote as char,
            },
        })
    }

    fn block_comment(&self, at: usize) -> Scanned {
        let mut from = at + 2;
        while let Some(star) = self.find(from, b'*') {
            if self.byte(star + 1) == b'/' {
                return self.without_nul(at, star + 2, TokenKind::Comment);
            }
            from = star + 1;
        }
        self.open(LexErrorKind::UnterminatedComment)
    }

    fn blob(&self, at: usize) -> Scanned {
        let end = self.skip(at + 2, HEX);
        if self.byte(end) == b'\'' && (end - at).is_multiple_of(2) {
            return (Ok(TokenKind::Blob), end + 1);
        }
        match self.find(end, b'\'') {
            Some(close) => (Err(LexErrorKind::MalformedBlob), close + 1),
            None => self.open(LexErrorKind::UnterminatedString),
        }
    }

    fn number(&self, at: usize) -> Scanned {
        let digits = |mut from: usize| {
            while is(self.byte(from), DIGIT) || self.byte(from) == b'_' {
                from += 1;
            }
            from
        };
        let mut end;
        if self.byte(at) == b'0' && self.byte(at + 1) | 0x20 == b'x' && is(self.byte(at + 2), HEX) {
            end = at + 3;
            while is(self.byte(end), HEX) || self.byte(end) == b'_' {
                end += 1;
            }
        } else {
            end = digits(at);
            if self.byte(end) == b'.' {
                end = digits(end + 1);
            }
            let sign = usize::from(matches!(self.byte(end + 1), b'+' | b'-'));
            if self.byte(end) | 0x20 == b'e' && is(self.byte(end + 1 + sign), DIGIT) {
                end = digits(end + 2 + sign);
            }
        }
        match self.skip(end, WORD) {
            behind if behind == end => (Ok(TokenKind::Number), end),
            behind => (Err(LexErrorKind::MalformedNumber), behind),
        }
    }

    /// `:a`, `@a`, `$a`, and Tcl's `$a::b(c)`.
    fn parameter(&self, at: usize) -> Scanned {
        let mut end = at + 1;
        let mut named = false;
        loop {
            match self.byte(end) {
                byte if is(byte, WORD) => {
                    named = true;
                    end += 1;
                }
                b'(' if named => {
                    let rest = &self.bytes[end + 1..];
                    let stop = rest
                        .iter()
                        .position(|&byte| byte == b')' || byte == 0 || is(byte, SPACE));
                    let stop = stop.map_or(self.bytes.len(), |n| end + 1 + n);
                    return if self.byte(stop) == b')' {
                        (Ok(TokenKind::Parameter), stop + 1)
                    } else {
                        (Err(LexErrorKind::MalformedParameter), stop)
                    };
                }
                b':' if self.byte(end + 1) == b':' => end += 2,
                _ => break,
            }
        }
        (
            if named {
                Ok(TokenKind::Parameter)
            } else {
                Err(LexErrorKind::MalformedParameter)
            },
            end,
        )
    }

    /// `kind`, unless a NUL stands inside: an engine would stop reading there.
    #[inline]
    fn without_nul(&self, at: usize, end: usize, kind: TokenKind) -> Scanned {
        if end <= self.nul || !self.bytes[at..end].contains(&0) {
            (Ok(kind), end)
        } else {
            (Err(LexErrorKind::Nul), end)
        }
    }

    /// Something that nothing closes: it reaches to the end of the text.
    fn open(&self, why: LexErrorKind) -> Scanned {
        (Err(why), self.bytes.len())
    }

    #[cold]
    fn error(&self, kind: LexErrorKind, span: Range<usize>) -> LexError {
        let inside = match kind {
            LexErrorKind::Nul => self.bytes[span.clone()].iter().position(|&byte| byte == 0),
            _ => None,
        };
        LexError {
            kind,
            offset: span.start + inside.unwrap_or(0),
            span,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// One line per token or error: its kind and its text.
    fn listed(sql: &str) -> String {
        tokens(sql)
            .map(|item| match item {
                Ok(token) => format!("{:?} {}\n", token.kind, token.text(sql).escape_debug()),
                Err(error) => format!(
                    "! {error} @{} {}\n",
                    error.offset,
                    sql[error.span.clone()].escape_debug()
                ),
            })
            .collect()
    }

    fn check(sql: &str, expect: expect_test::Expect) {
        expect.assert_eq(&listed(sql));
    }

    /// Each text is one token of this kind.
    fn is_one(kind: TokenKind, texts: &[&str]) {
        for sql in texts {
            let items: Vec<_> = tokens(sql).collect();
            assert_eq!(
                items,
                [Ok(Token {
                    kind,
                    span: 0..sql.len()
                })],
                "{sql:?}"
            );
        }
    }

    /// The whole text is one error, pointing at `offset`.
    fn is_error(sql: &str, kind: LexErrorKind, offset: usize) {
        let items: Vec<_> = tokens(sql).collect();
        assert_eq!(
            items,
            [Err(LexError {
                kind,
                span: 0..sql.len(),
                offset
            })],
            "{sql:?}"
        );
    }

    #[test]
    fn every_form_of_a_token_is_one_token() {
        is_one(TokenKind::Space, &[" ", " \t\r\n\x0c", "\u{feff}"]);
        is_one(
            TokenKind::Comment,
            &[
                "--",
                "-- a ; ' \" /*",
                "/**/",
                "/*a*b/;'*/",
                "/***/",
                "/*--\n*/",
            ],
        );
        is_one(
            TokenKind::Word,
            &["a", "_", "SELECT", "a$1", "naïve", "日本", "xyz", "x1"],
        );
        is_one(
            TokenKind::QuotedName,
            &["\"\"", "\"a\"\"b\"", "`a``b`", "[a\"'b]", "\"a;b--c\""],
        );
        is_one(
            TokenKind::String,
            &["''", "''''", "'it''s'", "'a\nb;--c/*'", "'é'"],
        );
        is_one(TokenKind::Blob, &["x''", "X'0aF1'"]);
        is_one(
            TokenKind::Number,
            &["0", "1", "1.", ".5", "1.5", "1e5", "1E+5", "1.5e-5"],
        );
        is_one(TokenKind::Number, &["0x1F", "0XaB", "1_000", "0xa_b"]);
        is_one(
            TokenKind::Parameter,
            &["?", "?12", ":a", "@a1", "$a", "$a::b", "$a::b(c)", ":日本"],
        );
        is_one(TokenKind::Semicolon, &[";"]);
        is_one(
            TokenKind::Symbol,
            &[
                "(", ")", ",", ".", "+", "-", "*", "/", "%", "&", "|", "||", "~",
            ],
        );
        is_one(
            TokenKind::Symbol,
            &[
                "->", "->>", "=", "==", "<", "<=", "<>", "<<", ">", ">=", ">>", "!=",
            ],
        );
    }

    #[test]
    fn tokens_that_touch_are_told_apart() {
        check(
            "a.b>=.5||'x'--c\n->>1e",
            expect_test::expect![[r#"
                Word a
                Symbol .
                Word b
                Symbol >=
                Number .5
                Symbol ||
                String \'x\'
                Comment --c
                Space \n
                Symbol ->>
                ! the number runs into a word @19 1e
            "#]],
        );
    }

    #[test]
    fn whatever_is_never_closed_is_an_error_at_its_start() {
        is_error("'a;''", LexErrorKind::UnterminatedString, 0);
        is_error("x'00", LexErrorKind::UnterminatedString, 0);
        is_error("\"a\"\"", LexErrorKind::UnterminatedName { close: '"' }, 0);
        is_error("`a", LexErrorKind::UnterminatedName { close: '`' }, 0);
        is_error("[a", LexErrorKind::UnterminatedName { close: ']' }, 0);
        is_error("/*", LexErrorKind::UnterminatedComment, 0);
        is_error("/*/", LexErrorKind::UnterminatedComment, 0);
        is_error("/* a * / ", LexErrorKind::UnterminatedComment, 0);
        is_error("$a(b", LexErrorKind::MalformedParameter, 0);
    }

    #[test]
    fn what_starts_no_token_is_an_error_and_reading_goes_on() {
        is_error("x'0'", LexErrorKind::MalformedBlob, 0);
        is_error("x'0g'", LexErrorKind::MalformedBlob, 0);
        is_error("12ab", LexErrorKind::MalformedNumber, 0);
        is_error("0x", LexErrorKind::MalformedNumber, 0);
        is_error("1é", LexErrorKind::MalformedNumber, 0);
        is_error(":", LexErrorKind::MalformedParameter, 0);
        is_error("\0\0", LexErrorKind::Nul, 0);
        is_error("'a\0b'", LexErrorKind::Nul, 2);
        is_error("-- a\0b", LexErrorKind::Nul, 4);
        is_error("\\\\", LexErrorKind::Unrecognized('\\'), 0);
        is_error("\x0b", LexErrorKind::Unrecognized('\x0b'), 0);
        check(
            "a # 1x !b",
            expect_test::expect![[r#"
            Word a
            Space  
            ! unrecognized character '#' @2 #
            Space  
            ! the number runs into a word @4 1x
            Space  
            ! unrecognized character '!' @7 !
            Word b
        "#]],
        );
    }

    #[test]
    fn a_vertical_tab_after_a_blank_is_refused_as_it_is_alone() {
        assert_eq!(tokens(" \x0b").filter(Result::is_err).count(), 1);
    }

    #[test]
    fn significant_tokens_leave_out_spaces_and_comments() {
        let sql = "a /* b */ -- c\n 'd'";
        let texts: Vec<_> = significant(sql)
            .map(|token| token.text(sql).to_owned())
            .collect();
        assert_eq!(texts, ["a", "'d'"]);
    }

    proptest! {
        #[test]
        fn spans_cover_any_text_in_order_and_without_gaps(
            sql in "[ -~é\\x00\n\\x0b'\"`\\[\\]x/*;$:-]{0,60}",
        ) {
            let mut at = 0;
            for item in tokens(&sql) {
                let span = match item {
                    Ok(token) => token.span,
                    Err(error) => {
                        prop_assert!(error.span.contains(&error.offset));
                        error.span
                    }
                };
                prop_assert_eq!(span.start, at);
                prop_assert!(span.end > at && sql.is_char_boundary(span.end));
                at = span.end;
            }
            prop_assert_eq!(at, sql.len());
        }
    }
}
