//! The literals in the files of a project, and keys that are none of them.

use std::collections::HashSet;

use crate::sql::{Kind, TokenKind, What, kind, significant, split, unquote};

/// The literals that files write into rows or look for in them, and keys that stay clear of these.
#[derive(Debug, Clone)]
pub(in crate::migrations) struct Literals {
    texts: HashSet<String>,
    numbers: HashSet<i64>,
    /// A word that no file holds.
    marker: String,
    /// No literal is between here and `SPAN` above.
    base: i64,
}

/// The distance between two generated keys: the rows that the engine numbers by itself come between them.
pub(super) const STRIDE: i64 = 1_000;

/// How many numbers a generated key can be.
pub(super) const SPAN: i64 = 1_000_000;

impl Literals {
    /// The literals of these texts. Those of a `CREATE TABLE` do not count: they are in no row.
    pub(in crate::migrations) fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Literals {
        const WORD: &str = "rehearsed";
        let mut literals = Literals {
            texts: HashSet::new(),
            numbers: HashSet::new(),
            marker: WORD.to_owned(),
            base: 0,
        };
        // What the word is followed by, wherever a file holds it.
        let mut behind: HashSet<String> = HashSet::new();
        for text in texts {
            literals.add(text);
            let text = text.to_ascii_lowercase();
            behind.extend(text.match_indices(WORD).map(|(at, _)| {
                let rest = &text[at + WORD.len()..];
                rest.chars().take_while(char::is_ascii_lowercase).collect()
            }));
        }
        // No marker is the beginning of what a file holds.
        while behind
            .iter()
            .any(|rest| rest.starts_with(&literals.marker[WORD.len()..]))
        {
            literals.marker.push('q');
        }
        literals.base = (900..)
            .map(|millions| millions * SPAN)
            .find(|base| {
                let near = *base..*base + SPAN;
                !literals.numbers.iter().any(|number| near.contains(number))
            })
            .unwrap_or(SPAN);
        literals
    }

    fn add(&mut self, text: &str) {
        let Ok(statements) = split(text) else { return };
        for statement in statements {
            let sql = statement.text(text);
            if matches!(kind(sql), Kind::Create(object) if object.what != What::Trigger) {
                continue;
            }
            for token in significant(sql) {
                let text = token.text(sql);
                match token.kind {
                    TokenKind::String => {
                        self.texts.insert(unquote(text));
                    }
                    TokenKind::Number => {
                        self.numbers.extend(text.parse::<i64>());
                    }
                    _ => {}
                }
            }
        }
    }

    /// Whether a file writes this text into a row, or looks for it.
    pub(super) fn has_text(&self, text: &str) -> bool {
        self.texts.contains(text)
    }

    /// Whether a file writes this number into a row, or looks for it.
    pub(super) fn has_number(&self, number: i64) -> bool {
        self.numbers.contains(&number)
    }

    /// The word in every generated text.
    pub(super) fn marker(&self) -> &str {
        &self.marker
    }

    /// The key of row `row`.
    pub(super) fn key(&self, row: usize) -> i64 {
        let row = i64::try_from(row).unwrap_or(0) % (SPAN / STRIDE);
        self.base + row * STRIDE
    }

    /// The first number that a generated key can be.
    pub(super) fn base(&self) -> i64 {
        self.base
    }
}
