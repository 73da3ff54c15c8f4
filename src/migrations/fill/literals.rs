//! The literals in the files of a project, and keys that are none of them.

use std::collections::{HashMap, HashSet};

use crate::sql::{Kind, Token, TokenKind, Value, What, kind, significant, split, unquote};

/// The literals that files write into rows or look for in them, and keys that stay clear of these.
#[derive(Debug, Clone)]
pub(in crate::migrations) struct Literals {
    texts: HashSet<String>,
    numbers: HashSet<i64>,
    /// By the name of a column in lower case, what it is compared with.
    compared: HashMap<String, Vec<Value>>,
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
            compared: HashMap::new(),
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
            self.add_compared(sql);
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

    /// Adds the literals that stand behind a name and an operator: `name <> 'a'`, `name IN ('a')`.
    fn add_compared(&mut self, sql: &str) {
        const MOST: usize = 8;
        let mut name: Option<String> = None;
        let mut before: Option<Token> = None;
        for token in significant(sql) {
            let text = token.text(sql);
            match token.kind {
                TokenKind::Word if is_operator(text) => {}
                TokenKind::Word | TokenKind::QuotedName => name = Some(unquote(text)),
                TokenKind::Symbol
                    if matches!(
                        text,
                        "=" | "==" | "<>" | "!=" | "<" | ">" | "<=" | ">=" | "(" | "," | "-"
                    ) => {}
                TokenKind::String | TokenKind::Number => {
                    let value = match (token.kind, text.parse::<i64>(), text.parse::<f64>()) {
                        (TokenKind::String, ..) => Value::Text(unquote(text)),
                        (_, Ok(number), _) => Value::Integer(number),
                        (_, _, Ok(number)) => Value::Real(number),
                        _ => continue,
                    };
                    let is_negative = before.is_some_and(|token| token.text(sql) == "-");
                    if let (Some(name), false) = (&name, is_negative) {
                        let values = self.compared.entry(name.to_ascii_lowercase()).or_default();
                        if values.len() < MOST && !values.contains(&value) {
                            values.push(value);
                        }
                    }
                }
                _ => name = None,
            }
            before = Some(token);
        }
    }

    /// The literals that files compare a column of this name with.
    pub(super) fn compared(&self, column: &str) -> Option<&Vec<Value>> {
        self.compared.get(&column.to_ascii_lowercase())
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

/// Whether a word stands between a column and what it is compared with.
fn is_operator(word: &str) -> bool {
    ["IS", "NOT", "IN", "BETWEEN", "AND"]
        .iter()
        .any(|it| it.eq_ignore_ascii_case(word))
}
