//! Reading a statement word by word, for what its first tokens tell. It never parses expressions.

use super::quote::unquote;
use super::token::{Significant, Token, TokenKind, significant};
use std::iter::Peekable;

/// The significant tokens of a statement, with one token of look-ahead.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    pub(super) sql: &'a str,
    tokens: Peekable<Significant<'a>>,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(sql: &'a str) -> Self {
        Cursor {
            sql,
            tokens: significant(sql).peekable(),
        }
    }

    pub(super) fn next(&mut self) -> Option<Token> {
        self.tokens.next()
    }

    /// Whether the next token is the bare word `word`.
    pub(super) fn at(&mut self, word: &str) -> bool {
        let sql = self.sql;
        self.tokens
            .peek()
            .is_some_and(|token| token.is_word(sql, word))
    }

    /// Takes the bare word `word`, if it is next.
    pub(super) fn word(&mut self, word: &str) -> bool {
        let there = self.at(word);
        if there {
            self.tokens.next();
        }
        there
    }

    /// Takes these bare words, if all of them are next in this order; otherwise takes none.
    pub(super) fn words(&mut self, words: &[&str]) -> bool {
        let mut ahead = self.clone();
        let there = words.iter().all(|word| ahead.word(word));
        if there {
            *self = ahead;
        }
        there
    }

    /// Takes the symbol, if it is next.
    pub(super) fn symbol(&mut self, symbol: &str) -> bool {
        let sql = self.sql;
        self.tokens
            .next_if(|token| token.kind == TokenKind::Symbol && token.text(sql) == symbol)
            .is_some()
    }

    /// Takes a name, unquoted. SQLite takes a string for a name too.
    pub(super) fn name(&mut self) -> Option<String> {
        let name = |token: &Token| {
            matches!(
                token.kind,
                TokenKind::Word | TokenKind::QuotedName | TokenKind::String
            )
        };
        self.tokens
            .next_if(name)
            .map(|token| unquote(token.text(self.sql)))
    }

    /// Takes `name` or `schema.name`.
    pub(super) fn qualified_name(&mut self) -> Option<(Option<String>, String)> {
        let first = self.name()?;
        if !self.symbol(".") {
            return Some((None, first));
        }
        Some((Some(first), self.name()?))
    }

    /// Takes a `(…)` with all in it, if it is next.
    pub(super) fn parenthesized(&mut self) -> bool {
        if !self.symbol("(") {
            return false;
        }
        let mut depth = 1;
        while depth > 0 {
            let Some(token) = self.next() else { break };
            match token.text(self.sql) {
                "(" => depth += 1,
                ")" => depth -= 1,
                _ => {}
            }
        }
        true
    }

    /// Behind `WITH`: takes the tables that it defines, so that the main verb is next. False if this is
    /// not what follows.
    pub(super) fn tables_of_with(&mut self) -> bool {
        self.word("RECURSIVE");
        loop {
            if self.name().is_none() {
                return false;
            }
            self.parenthesized();
            if !self.word("AS") {
                return false;
            }
            self.word("NOT");
            self.word("MATERIALIZED");
            if !self.parenthesized() {
                return false;
            }
            if !self.symbol(",") {
                return true;
            }
        }
    }

    /// Whether one of these bare words follows outside parentheses.
    pub(super) fn has_ahead(&self, words: &[&str]) -> bool {
        let mut ahead = self.clone();
        loop {
            if ahead.parenthesized() {
                continue;
            }
            let Some(token) = ahead.next() else {
                return false;
            };
            if words.iter().any(|word| token.is_word(self.sql, word)) {
                return true;
            }
        }
    }
}
