//! The columns, keys and CHECK constraints that a statement declares, read from its text: a rough reading, which never
//! decides whether something is right. Pure.

use super::{Token, TokenKind, altered, significant, unquote};

/// What a `CREATE TABLE` or an `ADD COLUMN` declares.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Declared {
    /// The columns with their types, as written.
    pub(crate) columns: Vec<(String, String)>,
    /// The columns of the primary key.
    pub(crate) primary_key: Vec<String>,
    pub(crate) foreign_keys: Vec<DeclaredKey>,
}

/// A foreign key, its names as written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DeclaredKey {
    pub(crate) columns: Vec<String>,
    pub(crate) parent: String,
    /// None where the primary key of the parent is meant.
    pub(crate) targets: Vec<String>,
}

/// Reads `CREATE TABLE name (…)` and `ALTER TABLE name ADD [COLUMN] …`. Any other statement declares nothing.
pub(crate) fn declared(sql: &str) -> Declared {
    let tokens: Vec<Token> = significant(sql).collect();
    let is = |at: usize, word: &str| tokens.get(at).is_some_and(|it| it.is_word(sql, word));
    let mut declared = Declared::default();
    if is(0, "CREATE") {
        let open = tokens.iter().position(|it| it.text(sql) == "(");
        let Some(open) = open else { return declared };
        for part in parts(sql, &tokens[open + 1..]) {
            declared.part(sql, part);
        }
    } else if let Some(altered) = altered(sql).filter(|it| it.is("ADD")) {
        declared.part(sql, &altered.rest);
    }
    declared
}

/// The parts between the commas, up to the parenthesis that closes the list.
pub(crate) fn parts<'a>(sql: &str, tokens: &'a [Token]) -> Vec<&'a [Token]> {
    let (mut parts, mut depth, mut begin) = (Vec::new(), 0, 0);
    for (at, token) in tokens.iter().enumerate() {
        match token.text(sql) {
            "(" => depth += 1,
            ")" if depth == 0 => {
                parts.push(&tokens[begin..at]);
                break;
            }
            ")" => depth -= 1,
            "," if depth == 0 => {
                parts.push(&tokens[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    parts
}

impl Declared {
    /// A column or a constraint of the table.
    fn part(&mut self, sql: &str, part: &[Token]) {
        let is = |at: usize, word: &str| part.get(at).is_some_and(|it| it.is_word(sql, word));
        let begin = if is(0, "CONSTRAINT") { 2 } else { 0 };
        let text = |token: &Token| unquote(token.text(sql));
        if is(begin, "FOREIGN") {
            let columns = list(sql, part.get(begin + 2..).unwrap_or_default());
            self.refers(sql, part, &columns);
        } else if is(begin, "PRIMARY") {
            self.primary_key = list(sql, part.get(begin + 2..).unwrap_or_default());
        } else if !is(begin, "CHECK") && !is(begin, "UNIQUE") {
            let Some(name) = part.first().map(text) else {
                return;
            };
            let mut outside = outside(sql, part).skip(1).peekable();
            let mut declared_type = Vec::new();
            while let Some(token) = outside.next_if(|it| is_of_type(sql, it)) {
                declared_type.push(text(token));
            }
            let is_key = outside.any(|token| token.is_word(sql, "PRIMARY"));
            if is_key {
                self.primary_key = vec![name.clone()];
            }
            self.refers(sql, part, std::slice::from_ref(&name));
            self.columns.push((name, declared_type.join(" ")));
        }
    }

    /// Adds each `REFERENCES parent [(targets)]` of a part.
    fn refers(&mut self, sql: &str, part: &[Token], columns: &[String]) {
        let mut depth = 0;
        for (at, token) in part.iter().enumerate() {
            match token.text(sql) {
                "(" => depth += 1,
                ")" => depth -= 1,
                _ if depth == 0 && token.is_word(sql, "REFERENCES") => {
                    let Some(parent) = part.get(at + 1) else {
                        return;
                    };
                    self.foreign_keys.push(DeclaredKey {
                        columns: columns.to_vec(),
                        parent: unquote(parent.text(sql)),
                        targets: list(sql, &part[at + 2..]),
                    });
                }
                _ => {}
            }
        }
    }
}

/// The tokens that are in no parentheses.
fn outside<'a>(sql: &'a str, tokens: &'a [Token]) -> impl Iterator<Item = &'a Token> {
    let mut depth = 0;
    tokens.iter().filter(move |token| match token.text(sql) {
        "(" => {
            depth += 1;
            false
        }
        ")" => {
            depth -= 1;
            false
        }
        _ => depth == 0,
    })
}

/// Whether a token may be part of the type of a column.
fn is_of_type(sql: &str, token: &Token) -> bool {
    const BEHIND: [&str; 11] = [
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
    token.kind != TokenKind::Symbol && !BEHIND.iter().any(|word| token.is_word(sql, word))
}

/// The names in `(a, "b")`, where the tokens begin with such a list: the first token of each part.
fn list(sql: &str, tokens: &[Token]) -> Vec<String> {
    match tokens.first() {
        Some(open) if open.text(sql) == "(" => {
            let parts = parts(sql, &tokens[1..]).into_iter();
            let first = parts.filter_map(|part| part.first());
            first.map(|token| unquote(token.text(sql))).collect()
        }
        _ => Vec::new(),
    }
}

/// The expression of every `CHECK` of a `CREATE TABLE`, in its parentheses. The word is reserved, so nothing else is spelled
/// like it without quotes.
pub(crate) fn check_constraints(sql: &str) -> Vec<&str> {
    let tokens: Vec<Token> = significant(sql).collect();
    let all = tokens.iter().enumerate();
    let checks = all.filter(|(_, token)| token.is_word(sql, "CHECK"));
    checks
        .filter_map(|(at, _)| parenthesized(sql, &tokens[at + 1..]))
        .collect()
}

/// The text of the `(…)` that these tokens begin with.
pub(crate) fn parenthesized<'a>(sql: &'a str, tokens: &[Token]) -> Option<&'a str> {
    tokens.first().filter(|token| token.text(sql) == "(")?;
    let mut depth = 0;
    for token in tokens {
        match token.text(sql) {
            "(" => depth += 1,
            ")" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return sql.get(tokens.first()?.span.start..token.span.end);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(sql: &str) -> Vec<String> {
        let keys = declared(sql).foreign_keys.into_iter();
        keys.map(|it| {
            format!(
                "{} -> {} ({})",
                it.columns.join(", "),
                it.parent,
                it.targets.join(", ")
            )
        })
        .collect()
    }

    #[test]
    fn foreign_keys_of_columns_and_of_the_table_are_read() {
        assert_eq!(
            keys(
                "CREATE TABLE main.c (id INTEGER PRIMARY KEY, \"p id\" NUMERIC(5, 2) DEFAULT (1) REFERENCES p ON DELETE SET NULL,
                 b CHECK (b IN ('REFERENCES x', 1)) CONSTRAINT q REFERENCES [my q] (k), a,
                 CONSTRAINT f FOREIGN KEY (a, b) REFERENCES r (x, y) DEFERRABLE, CHECK (a > 0)) STRICT;"
            ),
            ["p id -> p ()", "b -> my q (k)", "a, b -> r (x, y)"]
        );
        assert_eq!(
            keys("ALTER TABLE main.c ADD COLUMN x INT REFERENCES p (id)"),
            ["x -> p (id)"]
        );
        assert_eq!(keys("ALTER TABLE c ADD x REFERENCES p"), ["x -> p ()"]);
        for nothing in [
            "CREATE TABLE c AS SELECT (1) AS x",
            "ALTER TABLE c RENAME TO d",
            "CREATE VIEW v AS SELECT 1",
            "ALTER TABLE c ADD",
            "CREATE TABLE c (",
        ] {
            assert_eq!(keys(nothing), [""; 0], "{nothing}");
        }
    }

    #[test]
    fn the_primary_key_and_the_types_are_read() {
        let of_columns =
            declared("CREATE TABLE t (id BIG INT NOT NULL PRIMARY KEY, n VARCHAR(10), x)");
        let columns: Vec<String> = of_columns
            .columns
            .iter()
            .map(|(name, of)| format!("{name}:{of}"))
            .collect();
        assert_eq!(columns, ["id:BIG INT", "n:VARCHAR", "x:"]);
        assert_eq!(of_columns.primary_key, ["id"]);
        let of_table = declared("CREATE TABLE t (a, b, PRIMARY KEY (b DESC, \"a\"))");
        assert_eq!(of_table.primary_key, ["b", "a"]);
    }

    #[test]
    fn the_constraints_of_columns_and_of_the_table_are_read() {
        let sql = "CREATE TABLE t (a INT CHECK (a > (0)), \"check\" TEXT DEFAULT ('CHECK (x)') CONSTRAINT c CHECK(length(\"check\") < 3), \
                   /* CHECK (no) */ g AS (iif(a, 1, 2)), CHECK (a IN (1, 2)))";
        let found = check_constraints(sql);
        assert_eq!(
            found,
            ["(a > (0))", "(length(\"check\") < 3)", "(a IN (1, 2))"]
        );
    }
}
