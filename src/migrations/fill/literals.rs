//! The literals in the files of a project, and keys that are none of them.

use std::collections::{HashMap, HashSet};

use crate::sql::{Kind, Token, TokenKind, Value, What, kind, significant, split, unquote};

/// The literals that files write into rows or look for in them, and keys that stay clear of these.
#[derive(Debug, Clone)]
pub(in crate::migrations) struct Literals {
    texts: HashMap<String, Use>,
    numbers: HashMap<i64, Use>,
    /// By the name of a column in lower case, what it is compared with.
    compared: HashMap<String, Vec<Value>>,
    /// The same of texts whose length is compared, and of what may be compared with it.
    loose: HashMap<String, Vec<Value>>,
    /// A word that no file holds.
    marker: String,
    /// No literal is between here and `SPAN` above.
    base: i64,
}

/// What files do with a literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Use {
    /// They look for it: it stands in a condition.
    Sought,
    /// They may write it into a row.
    Written,
}

/// The distance between two generated keys: the rows that the engine numbers by itself come between them.
pub(super) const STRIDE: i64 = 1_000;

/// The second key, from the first one: two rows have keys that follow each other, as in `SET id = id + 1`. The upper one is
/// that of a row that most tables take, so the engine numbers no row from the lower one.
pub(super) const NEXT_TO_ANOTHER: i64 = 6 * STRIDE - 1;

/// How many numbers a generated key can be.
pub(super) const SPAN: i64 = 1_000_000;

impl Literals {
    /// The literals of these texts. Those of a definition do not count: they are in no row.
    pub(in crate::migrations) fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Literals {
        const WORD: &str = "rehearsed";
        let mut literals = Literals {
            texts: HashMap::new(),
            numbers: HashMap::new(),
            compared: HashMap::new(),
            loose: HashMap::new(),
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
                !literals.numbers.keys().any(|number| near.contains(number))
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
            self.add_used(sql);
        }
    }

    /// Adds the literals of a statement that is no definition.
    fn add_used(&mut self, sql: &str) {
        let mut now = Use::Written;
        // Outside of the parentheses that are open.
        let mut outside = Vec::new();
        for token in significant(sql) {
            let text = token.text(sql);
            match token.kind {
                TokenKind::String => {
                    let of = self.texts.entry(unquote(text)).or_insert(now);
                    *of = now.max(*of);
                }
                TokenKind::Number => {
                    let number = text.parse::<i64>().into_iter();
                    for number in number.flat_map(|number| [number, -number]) {
                        let of = self.numbers.entry(number).or_insert(now);
                        *of = now.max(*of);
                    }
                }
                TokenKind::Symbol if text == "(" => outside.push(now),
                TokenKind::Symbol if text == ")" => now = outside.pop().unwrap_or(now),
                TokenKind::Word => now = begins(text).unwrap_or(now),
                _ => {}
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
                (_, Some(value)) => {
                    let (values, is_loose) = match value {
                        Value::Integer(length) if is_length => (around(length), true),
                        Value::Integer(number) if sign => (vec![Value::Integer(-number)], false),
                        Value::Real(number) if sign => (vec![Value::Real(-number)], false),
                        value => (vec![value], false),
                    };
                    // A generated column is what it is computed from.
                    let is_generated = names.iter().any(|name| name == "as");
                    for (at, name) in names.iter().enumerate() {
                        let is_direct = at + 1 == names.len() || is_generated;
                        let all = match is_loose || !is_direct {
                            true => &mut self.loose,
                            false => &mut self.compared,
                        };
                        values.iter().for_each(|value| add_value(all, name, value));
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
                _ => names.clear(),
            }
        }
    }

    /// What files compare a column of this name with, the most important last.
    pub(super) fn compared(&self, column: &str) -> impl Iterator<Item = &Value> {
        let column = column.to_ascii_lowercase();
        [&self.loose, &self.compared]
            .into_iter()
            .filter_map(move |all| all.get(&column))
            .flatten()
    }

    /// Whether a file writes this value into a row, or looks for it.
    pub(super) fn has(&self, value: &Value) -> bool {
        self.used(value).is_some()
    }

    /// Whether a file may write this value into a row.
    pub(super) fn writes(&self, value: &Value) -> bool {
        self.used(value) == Some(Use::Written)
    }

    fn used(&self, value: &Value) -> Option<Use> {
        match value {
            Value::Integer(number) => self.numbers.get(number).copied(),
            Value::Text(text) => self.texts.get(text).copied(),
            Value::Null | Value::Real(_) | Value::Blob(_) => None,
        }
    }

    /// The word in every generated text.
    pub(super) fn marker(&self) -> &str {
        &self.marker
    }

    /// The key of row `row`.
    pub(super) fn key(&self, row: usize) -> i64 {
        match i64::try_from(row).unwrap_or(0) % (SPAN / STRIDE) {
            1 => self.base + NEXT_TO_ANOTHER,
            row => self.base + row * STRIDE,
        }
    }

    /// The first number that a generated key can be.
    pub(super) fn base(&self) -> i64 {
        self.base
    }
}

fn add_value(all: &mut HashMap<String, Vec<Value>>, name: &str, value: &Value) {
    const MOST: usize = 8;
    let values = all.entry(name.to_owned()).or_default();
    values.retain(|it| it != value);
    values.push(value.clone());
    if values.len() > MOST {
        values.remove(0);
    }
}

/// What the literals behind a keyword are for.
fn begins(word: &str) -> Option<Use> {
    let is = |words: &[&str]| words.iter().any(|it| it.eq_ignore_ascii_case(word));
    match () {
        () if is(&["WHERE", "HAVING", "WHEN"]) => Some(Use::Sought),
        () if is(&["SELECT", "VALUES", "SET", "THEN", "ELSE", "BEGIN"]) => Some(Use::Written),
        () => None,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::literal;

    fn compared(sql: &str, column: &str) -> String {
        let literals = Literals::of([sql]);
        let values: Vec<String> = literals.compared(column).map(literal).collect();
        values.join(" ")
    }

    #[test]
    fn what_a_column_is_compared_with_comes_last() {
        for (sql, column, expect) in [
            (
                "CREATE TABLE t (a CHECK (a <> 'x' AND length(a) < 2))",
                "a",
                "'r' 'rr' 'rrr' 'x'",
            ),
            (
                "SELECT 1 FROM t WHERE a IN (-1, 2) OR b > -1.5",
                "a",
                "-1 2",
            ),
            (
                "SELECT 1 FROM t WHERE a IN (-1, 2) OR b > -1.5",
                "b",
                "-1.5",
            ),
            (
                "ALTER TABLE t ADD COLUMN x DEFAULT 5 CHECK (a <> -1.5 OR x = 1)",
                "a",
                "1 -1.5",
            ),
            (
                "ALTER TABLE t ADD COLUMN x AS (a) CHECK (x <> 15)",
                "a",
                "15",
            ),
        ] {
            assert_eq!(compared(sql, column), expect, "{sql}");
        }
    }

    #[test]
    fn a_literal_of_a_condition_is_written_into_no_row() {
        let sql = "UPDATE t SET a = 'w' WHERE b = 's' AND c IN (SELECT 'w2' FROM u WHERE d = 7);
            INSERT INTO t VALUES ((SELECT id FROM u WHERE n = 's2'), 'w3', CASE WHEN 8 THEN 9 END);
            CREATE TRIGGER r AFTER INSERT ON t WHEN NEW.a = 's3' BEGIN INSERT INTO u VALUES ('w4'); END;
            DELETE FROM t WHERE a = 'both'; INSERT INTO t VALUES ('both');
            CREATE TABLE v (a CHECK (a IN ('definition')))";
        let literals = Literals::of([sql]);
        let is = |value: &Value| (literals.has(value), literals.writes(value));
        for written in ["w", "w2", "w3", "w4", "both"] {
            assert_eq!(is(&Value::from(written)), (true, true), "{written}");
        }
        for sought in ["s", "s2", "s3"] {
            assert_eq!(is(&Value::from(sought)), (true, false), "{sought}");
        }
        for (number, expect) in [(7, (true, false)), (8, (true, false)), (9, (true, true))] {
            assert_eq!(is(&Value::Integer(number)), expect, "{number}");
        }
        assert_eq!(is(&Value::from("definition")), (false, false));
    }
}
