//! A statement of a file, with its tokens and its place. A rough reading: where it is not sure it finds nothing.

use std::ops::Range;
use std::sync::Arc;

use crate::script::{Origin, Source};
use crate::sql::{Kind, Token, TokenKind, kind, significant, split, unquote};

/// One statement.
#[derive(Debug)]
pub(super) struct Statement<'a> {
    pub(super) sql: &'a str,
    pub(super) kind: Kind,
    pub(super) tokens: Vec<Token>,
    source: &'a Arc<Source>,
    start: usize,
}

/// The statements of a text; none where it cannot be split.
pub(super) fn statements(source: &Arc<Source>) -> Vec<Statement<'_>> {
    let found = split(&source.text).unwrap_or_default();
    let statement = |span: Range<usize>| {
        let sql = &source.text[span.clone()];
        Statement {
            sql,
            kind: kind(sql),
            tokens: significant(sql).collect(),
            source,
            start: span.start,
        }
    };
    found.into_iter().map(|it| statement(it.span)).collect()
}

impl<'a> Statement<'a> {
    /// Where it is.
    pub(super) fn origin(&self) -> Origin {
        self.part(0..self.sql.len())
    }

    /// Where a part of it is.
    pub(super) fn part(&self, span: Range<usize>) -> Origin {
        Origin {
            source: self.source.clone(),
            span: self.start + span.start..self.start + span.end,
        }
    }

    /// Where one of its tokens is.
    pub(super) fn token(&self, at: usize) -> Origin {
        let span = self.tokens.get(at).map(|token| token.span.clone());
        self.part(span.unwrap_or(0..self.sql.len()))
    }

    /// Whether the token at `at` is this bare word.
    pub(super) fn is(&self, at: usize, word: &str) -> bool {
        let token = self.tokens.get(at);
        token.is_some_and(|token| token.is_word(self.sql, word))
    }

    /// Whether these bare words stand at `at`.
    pub(super) fn are(&self, at: usize, words: &[&str]) -> bool {
        let mut all = words.iter().enumerate();
        all.all(|(behind, word)| self.is(at + behind, word))
    }

    /// The token at `at`, as written.
    pub(super) fn text(&self, at: usize) -> &'a str {
        let token = self.tokens.get(at);
        token.map_or("", |token| token.text(self.sql))
    }

    /// The first place from `from` on where these bare words stand.
    pub(super) fn find(&self, from: usize, words: &[&str]) -> Option<usize> {
        (from..self.tokens.len()).find(|at| self.are(*at, words))
    }

    /// Whether these bare words stand anywhere.
    pub(super) fn has(&self, words: &[&str]) -> bool {
        self.find(0, words).is_some()
    }

    /// Whether it names this, in quotes or not.
    pub(super) fn names(&self, name: &str) -> bool {
        let mut names = self.tokens.iter().filter(|it| is_name(it));
        names.any(|it| unquote(it.text(self.sql)).eq_ignore_ascii_case(name))
    }

    /// The name at `at`, behind its schema, and the place behind it.
    pub(super) fn name(&self, at: usize) -> Option<(String, usize)> {
        let is_name = |at: usize| {
            let token = self.tokens.get(at);
            token.is_some_and(|it| is_name(it) || it.kind == TokenKind::String)
        };
        if !is_name(at) {
            return None;
        }
        let at = match self.text(at + 1) == "." && is_name(at + 2) {
            true => at + 2,
            false => at,
        };
        Some((unquote(self.text(at)), at + 1))
    }

    /// The names between the parentheses that begin at `at`, and the place behind them.
    pub(super) fn names_in(&self, at: usize) -> Option<(Vec<String>, usize)> {
        if self.text(at) != "(" {
            return None;
        }
        let mut names = Vec::new();
        let mut at = at + 1;
        loop {
            names.push(self.name(at)?.0);
            match self.text(at + 1) {
                "," => at += 2,
                ")" => return Some((names, at + 2)),
                _ => return None,
            }
        }
    }

    /// The place behind the parenthesis that closes the one at `at`.
    pub(super) fn behind(&self, at: usize) -> usize {
        let mut depth = 0;
        for (number, token) in self.tokens.iter().enumerate().skip(at) {
            match token.text(self.sql) {
                "(" => depth += 1,
                ")" => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return number + 1;
            }
        }
        self.tokens.len()
    }

    /// What it does to a table by `ALTER TABLE`.
    pub(super) fn alter(&self) -> Option<Alter> {
        if self.kind != Kind::Alter || !self.is(1, "TABLE") {
            return None;
        }
        let (table, at) = self.name(2)?;
        let behind = |word: &str| at + 1 + usize::from(self.is(at + 1, word));
        let action = if self.are(at, &["RENAME", "TO"]) {
            Action::Rename(self.name(at + 2)?.0)
        } else if self.is(at, "RENAME") {
            let (from, to) = self.name(behind("COLUMN"))?;
            Action::RenameColumn(from, self.name(to + 1)?.0)
        } else if self.is(at, "ADD") && !self.is(at + 1, "CONSTRAINT") && !self.is(at + 1, "CHECK")
        {
            Action::Add(behind("COLUMN"))
        } else if self.is(at, "DROP") && !self.is(at + 1, "CONSTRAINT") {
            Action::Drop(self.name(behind("COLUMN"))?.0)
        } else if self.is(at, "ALTER") {
            let column = behind("COLUMN");
            let (name, to) = self.name(column)?;
            match self.is(to, "TO") {
                true => Action::AlterTo(name, to + 1),
                false => Action::Other,
            }
        } else {
            Action::Other
        };
        Some(Alter { table, action })
    }
}

fn is_name(token: &Token) -> bool {
    matches!(token.kind, TokenKind::Word | TokenKind::QuotedName)
}

/// An `ALTER TABLE`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Alter {
    pub(super) table: String,
    pub(super) action: Action,
}

/// What an `ALTER TABLE` does.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// To this name.
    Rename(String),
    /// From one name to another.
    RenameColumn(String, String),
    /// The definition begins at this token.
    Add(usize),
    /// This column.
    Drop(String),
    /// This column; the new definition begins at this token.
    AlterTo(String, usize),
    /// Anything else.
    Other,
}
