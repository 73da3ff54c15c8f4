//! The definition of a column, and the parts of a `CREATE TABLE`, from their tokens. Pure.

use std::ops::Range;

use crate::sql::{Token, TokenKind, parenthesized, parts, significant, unquote};

/// A column as it is declared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Definition {
    pub(super) name: String,
    /// Its type, as written.
    pub(super) declared: String,
    pub(super) not_null: bool,
    pub(super) primary_key: bool,
    pub(super) unique: bool,
    pub(super) default: Option<DefaultClause>,
    /// The table behind `REFERENCES`.
    pub(super) references: Option<String>,
    /// The expressions of its `CHECK`s, in parentheses.
    pub(super) checks: Vec<String>,
    pub(super) collate: Option<String>,
    pub(super) generated: Option<Generated>,
    pub(super) deferrable: bool,
    /// Bytes of the statement, from its name on.
    pub(super) span: Range<usize>,
}

/// The text after `DEFAULT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DefaultClause {
    pub(super) text: String,
    pub(super) value: DefaultValue,
    pub(super) span: Range<usize>,
}

/// What a default is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DefaultValue {
    Null,
    Constant,
    /// The engine computes it for each row.
    Computed,
    /// It may be a constant to the engine.
    Unsure,
}

/// How a generated column keeps its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Generated {
    Virtual,
    Stored,
}

/// Reads the definition that these tokens begin with, up to the end of them.
pub(super) fn definition(sql: &str, tokens: &[Token]) -> Option<Definition> {
    let first = tokens.first()?;
    let mut found = Definition {
        name: unquote(first.text(sql)),
        span: first.span.start..tokens.last()?.span.end,
        ..Definition::default()
    };
    let is = |at: usize, word: &str| tokens.get(at).is_some_and(|it| it.is_word(sql, word));
    let text = |at: usize| tokens.get(at).map_or("", |it| it.text(sql));
    let mut at = 1;
    let mut in_type = true;
    let mut declared: Vec<&str> = Vec::new();
    while at < tokens.len() {
        let is_constraint = CONSTRAINTS.iter().any(|word| is(at, word));
        if in_type && !is_constraint {
            declared.push(text(at));
            at += 1;
            continue;
        }
        in_type = false;
        if is(at, "NOT") && is(at + 1, "NULL") {
            found.not_null = true;
            at += 2;
        } else if is(at, "PRIMARY") {
            found.primary_key = true;
            at += 2;
        } else if is(at, "UNIQUE") {
            found.unique = true;
            at += 1;
        } else if is(at, "DEFAULT") {
            let (default, end) = default(sql, tokens, at + 1);
            found.default = default;
            at = end;
        } else if is(at, "CHECK") {
            let check = parenthesized(sql, &tokens[at + 1..]);
            found.checks.extend(check.map(str::to_owned));
            at = skip(sql, tokens, at + 1);
        } else if is(at, "COLLATE") {
            found.collate = Some(unquote(text(at + 1)).to_ascii_uppercase());
            at += 2;
        } else if is(at, "REFERENCES") {
            found.references = Some(unquote(text(at + 1)));
            at += 2;
        } else if is(at, "AS") && text(at + 1) == "(" {
            let end = skip(sql, tokens, at + 1);
            found.generated = Some(match is(end, "STORED") {
                true => Generated::Stored,
                false => Generated::Virtual,
            });
            at = end;
        } else if is(at, "DEFERRABLE") && !is(at.wrapping_sub(1), "NOT") {
            found.deferrable = true;
            at += 1;
        } else if text(at) == "(" {
            at = skip(sql, tokens, at);
        } else {
            at += 1;
        }
    }
    found.declared = spaced(&declared);
    Some(found)
}

/// The words that end a type.
const CONSTRAINTS: [&str; 11] = [
    "CONSTRAINT",
    "PRIMARY",
    "NOT",
    "NULL",
    "UNIQUE",
    "CHECK",
    "DEFAULT",
    "COLLATE",
    "REFERENCES",
    "GENERATED",
    "AS",
];

fn spaced(words: &[&str]) -> String {
    let mut text = String::new();
    for word in words {
        let joins = text.is_empty() || text.ends_with('(') || ["(", ")", ","].contains(word);
        if !joins {
            text.push(' ');
        }
        text.push_str(word);
    }
    text
}

/// The place behind the parenthesis that closes the one at `at`.
fn skip(sql: &str, tokens: &[Token], at: usize) -> usize {
    let mut depth = 0;
    for (number, token) in tokens.iter().enumerate().skip(at) {
        match token.text(sql) {
            "(" => depth += 1,
            ")" => depth -= 1,
            _ => {}
        }
        if depth <= 0 {
            return number + 1;
        }
    }
    tokens.len()
}

fn default(sql: &str, tokens: &[Token], at: usize) -> (Option<DefaultClause>, usize) {
    let text = |at: usize| tokens.get(at).map_or("", |it| it.text(sql));
    let end = match text(at) {
        "(" => skip(sql, tokens, at),
        "+" | "-" => at + 2,
        _ => at + 1,
    };
    let Some(part) = tokens.get(at..end).filter(|part| !part.is_empty()) else {
        return (None, tokens.len());
    };
    let span = part[0].span.start..part[part.len() - 1].span.end;
    let mut inner = part;
    while inner.len() > 2 && inner[0].text(sql) == "(" && skip(sql, inner, 0) == inner.len() {
        inner = &inner[1..inner.len() - 1];
    }
    let value = match inner {
        [one] => match one.kind {
            TokenKind::Word => match one.text(sql).to_ascii_uppercase().as_str() {
                "NULL" => DefaultValue::Null,
                "CURRENT_TIMESTAMP" | "CURRENT_TIME" | "CURRENT_DATE" => DefaultValue::Computed,
                // TRUE and FALSE; any other bare word is a string to the engine.
                _ => DefaultValue::Constant,
            },
            _ => DefaultValue::Constant,
        },
        [sign, one] if ["+", "-"].contains(&sign.text(sql)) && one.kind == TokenKind::Number => {
            DefaultValue::Constant
        }
        // A function is not constant to ADD COLUMN, whatever it yields.
        [name, open, ..] if name.kind == TokenKind::Word && open.text(sql) == "(" => {
            match name.is_word(sql, "CAST") {
                true => DefaultValue::Unsure,
                false => DefaultValue::Computed,
            }
        }
        _ => DefaultValue::Unsure,
    };
    let default = DefaultClause {
        text: sql.get(span.clone()).unwrap_or_default().to_owned(),
        value,
        span,
    };
    (Some(default), end)
}

/// A `CREATE TABLE` in parts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Created {
    pub(super) columns: Vec<Definition>,
    /// The expressions of the `CHECK`s of the table.
    pub(super) checks: Vec<String>,
    /// Whether a foreign key of the table is DEFERRABLE.
    pub(super) deferrable: usize,
    /// `CREATE TABLE … AS SELECT`.
    pub(super) from_select: bool,
    /// The text after the closing parenthesis, in upper case.
    pub(super) options: String,
}

/// Reads a `CREATE TABLE`; none where it is none.
pub(super) fn created(sql: &str) -> Option<Created> {
    let tokens: Vec<Token> = significant(sql).collect();
    if !tokens.first()?.is_word(sql, "CREATE") {
        return None;
    }
    let mut found = Created::default();
    let open = tokens.iter().position(|it| it.text(sql) == "(");
    let select = tokens.iter().position(|it| it.is_word(sql, "AS"));
    let Some(open) = open.filter(|open| select.is_none_or(|select| *open < select)) else {
        found.from_select = select.is_some();
        return Some(found);
    };
    for part in parts(sql, &tokens[open + 1..]) {
        let is = |at: usize, word: &str| part.get(at).is_some_and(|it| it.is_word(sql, word));
        let begin = if is(0, "CONSTRAINT") { 2 } else { 0 };
        if is(begin, "FOREIGN") {
            let mut all = part.windows(2).enumerate();
            let defers = all.any(|(at, two)| {
                two[1].is_word(sql, "DEFERRABLE") && !part[at].is_word(sql, "NOT")
            });
            found.deferrable += usize::from(defers);
        } else if is(begin, "CHECK") {
            let check = parenthesized(sql, &part[begin + 1..]);
            found.checks.extend(check.map(str::to_owned));
        } else if !is(begin, "PRIMARY") && !is(begin, "UNIQUE") {
            found.columns.extend(definition(sql, part));
        }
    }
    let close = skip(sql, &tokens, open);
    let options = tokens.get(close..).unwrap_or_default();
    let options: Vec<&str> = options.iter().map(|it| it.text(sql)).collect();
    found.options = options.join(" ").to_ascii_uppercase();
    Some(found)
}

impl Created {
    /// All `CHECK`s, each in a form that is compared.
    pub(super) fn all_checks(&self) -> Vec<String> {
        let of_columns = self.columns.iter().flat_map(|column| &column.checks);
        let all = self.checks.iter().chain(of_columns);
        all.map(|check| normal(check)).collect()
    }

    /// The column of this name.
    pub(super) fn column(&self, name: &str) -> Option<&Definition> {
        let mut columns = self.columns.iter();
        columns.find(|column| column.name.eq_ignore_ascii_case(name))
    }
}

/// An expression without spaces and quotes around names, in lower case but for strings.
pub(super) fn normal(expression: &str) -> String {
    let tokens = significant(expression);
    let words = tokens.map(|token| match token.kind {
        TokenKind::String => token.text(expression).to_owned(),
        _ => unquote(token.text(expression)).to_ascii_lowercase(),
    });
    words.collect::<Vec<_>>().join(" ")
}
