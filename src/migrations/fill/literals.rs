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
    /// The literals of these texts. Those of a definition do not count: they are in no row.
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
            match kind(sql) {
                Kind::Alter => continue,
                Kind::Create(object) if object.what != What::Trigger => continue,
                _ => {}
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

    /// Adds the literals that stand behind a name and an operator: `name <> 'a'`, `name IN ('a')`. What an `ALTER TABLE`
    /// adds may be computed from other columns, so there each literal belongs to each name.
    fn add_compared(&mut self, sql: &str) {
        let is_alter = kind(sql) == Kind::Alter;
        let mut names: Vec<String> = Vec::new();
        let (mut is_negative, mut is_length) = (false, false);
        for token in significant(sql) {
            let text = token.text(sql);
            let sign = std::mem::replace(&mut is_negative, text == "-");
            match (token.kind, value_of(&token, sql)) {
                (_, Some(value)) if !sign => {
                    let values = match value {
                        Value::Integer(length) if is_length => around(length),
                        value => vec![value],
                    };
                    for (name, value) in names
                        .iter()
                        .flat_map(|name| values.iter().map(move |value| (name, value)))
                    {
                        self.add_value(name, value);
                    }
                }
                (TokenKind::Word, _) if is_operator(text) => {}
                (TokenKind::Word | TokenKind::QuotedName, _) => {
                    is_length = names.last().is_some_and(|name| name == "length");
                    if !is_alter {
                        names.clear();
                    }
                    names.push(unquote(text).to_ascii_lowercase());
                }
                (TokenKind::Symbol, _) if is_alter || is_comparison(text) => {}
                (_, Some(_)) => {}
                _ => names.clear(),
            }
        }
    }

    fn add_value(&mut self, name: &str, value: &Value) {
        const MOST: usize = 8;
        let values = self.compared.entry(name.to_owned()).or_default();
        values.retain(|it| it != value);
        values.push(value.clone());
        if values.len() > MOST {
            values.remove(0);
        }
    }

    /// The literals that files compare a column of this name with.
    pub(super) fn compared(&self, column: &str) -> Option<&Vec<Value>> {
        self.compared.get(&column.to_ascii_lowercase())
    }

    /// Whether a file writes this value into a row, or looks for it.
    pub(super) fn has(&self, value: &Value) -> bool {
        match value {
            Value::Integer(number) => self.numbers.contains(number),
            Value::Text(text) => self.texts.contains(text),
            Value::Null | Value::Real(_) | Value::Blob(_) => false,
        }
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

/// Whether a symbol stands between a column and what it is compared with.
fn is_comparison(symbol: &str) -> bool {
    [
        "=", "==", "<>", "!=", "<", ">", "<=", ">=", "(", ")", ",", "-",
    ]
    .contains(&symbol)
}

/// The value of a literal.
fn value_of(token: &Token, sql: &str) -> Option<Value> {
    let text = token.text(sql);
    match token.kind {
        TokenKind::String => Some(Value::Text(unquote(text))),
        TokenKind::Blob => {
            let digits = text.get(2..text.len().checked_sub(1)?)?.as_bytes();
            let bytes = digits.chunks(2).map(|pair| {
                let pair = std::str::from_utf8(pair).ok()?;
                u8::from_str_radix(pair, 16).ok()
            });
            Some(Value::Blob(bytes.collect::<Option<_>>()?))
        }
        TokenKind::Number => {
            let integer = text.parse().map(Value::Integer).ok();
            integer.or_else(|| text.parse().map(Value::Real).ok())
        }
        _ => None,
    }
}

/// Texts of about this length.
fn around(length: i64) -> Vec<Value> {
    const MOST: usize = 4_096;
    let length = usize::try_from(length).unwrap_or(0).min(MOST);
    let lengths = [length.saturating_sub(1), length, length + 1];
    lengths
        .map(|length| Value::Text("r".repeat(length)))
        .to_vec()
}
