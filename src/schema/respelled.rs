//! One form for the spellings of a schema that mean the same to every engine. SQLite keeps a statement as it was written;
//! the Turso engine prints its own reading of it, and at an `ALTER TABLE` it orders the constraints of each column, drops
//! most of their names, and writes foreign keys behind the columns. Pure.

use crate::sql::{Token, parts, significant};

/// A statement in its normal form ([`crate::sql::normal_form`]) with one word for each operator and, where it is a `CREATE
/// TABLE`, its constraints in alphabetical order: those of a column behind its type, those of the table behind the columns,
/// and all foreign keys last.
pub(super) fn one_spelling(normal: &str) -> String {
    let words: Vec<&str> = significant(normal)
        .map(|token| token.text(normal))
        .collect();
    with_ordered_constraints(&limits(&operators(&words)).join(" "))
}

/// One of several spellings of an operator.
fn operators<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let mut written = Vec::with_capacity(words.len());
    let mut rest = words;
    while let [word, ..] = rest {
        let length = match rest {
            ["!=", ..] => {
                written.push("<>");
                1
            }
            ["==", ..] => {
                written.push("=");
                1
            }
            ["notnull", ..] => {
                written.extend(["not", "null"]);
                1
            }
            ["is", "not", "distinct", "from", ..] => {
                written.push("is");
                4
            }
            ["is", "distinct", "from", ..] => {
                written.extend(["is", "not"]);
                3
            }
            ["cross", "inner", "join", ..] => {
                written.extend(["cross", "join"]);
                3
            }
            ["left" | "right" | "full", "outer", "join", ..] => {
                written.extend([*word, "join"]);
                3
            }
            ["insert", "or", "replace", ..] => {
                written.push("replace");
                3
            }
            _ => {
                written.push(word);
                1
            }
        };
        rest = &rest[length..];
    }
    written
}

/// `LIMIT a, b` as `LIMIT b OFFSET a`.
fn limits<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let mut written = Vec::with_capacity(words.len());
    let mut rest = words;
    while let [word, behind @ ..] = rest {
        written.push(*word);
        rest = behind;
        if *word != "limit" {
            continue;
        }
        let offset = expression(rest);
        if rest.get(offset) != Some(&",") {
            continue;
        }
        let count = expression(&rest[offset + 1..]);
        written.extend(&rest[offset + 1..offset + 1 + count]);
        written.push("offset");
        written.extend(&rest[..offset]);
        rest = &rest[offset + 1 + count..];
    }
    written
}

/// How many words come before the comma, the end of the statement or that of the parentheses around it.
fn expression(words: &[&str]) -> usize {
    let mut depth = 0;
    let end = words.iter().position(|word| {
        depth += match *word {
            "(" => 1,
            ")" => -1,
            _ => 0,
        };
        depth < 0 || depth == 0 && [",", ";"].contains(word)
    });
    end.unwrap_or(words.len())
}

fn with_ordered_constraints(sql: &str) -> String {
    let tokens: Vec<Token> = significant(sql).collect();
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text(sql));
    if [text(0), text(1), text(3)] != ["create", "table", "("] {
        return sql.to_owned();
    }
    let parts = parts(sql, tokens.get(4..).unwrap_or_default());
    // Behind the parts and the commas between them.
    let end = 4 + parts
        .iter()
        .map(|part| part.len() + 1)
        .sum::<usize>()
        .saturating_sub(1);
    if text(end) != ")" {
        return sql.to_owned();
    }
    let (mut columns, mut others, mut keys) = (Vec::new(), Vec::new(), Vec::new());
    for part in parts {
        let words: Vec<&str> = part.iter().map(|it| it.text(sql)).collect();
        let unnamed = match words.as_slice() {
            ["constraint", _, rest @ ..] => rest,
            words => words,
        };
        match unnamed {
            ["foreign", "key", ..] => keys.push(unnamed.join(" ")),
            ["unique" | "primary", ..] => others.push(unnamed.join(" ")),
            // Its name is in the engine's words where a row breaks it.
            ["check", ..] => others.push(words.join(" ")),
            _ => columns.push(column(&words, &mut keys)),
        }
    }
    others.sort_unstable();
    keys.sort_unstable();
    columns.extend(others);
    columns.extend(keys);
    let rest: Vec<&str> = tokens[end..].iter().map(|it| it.text(sql)).collect();
    format!(
        "create table {} ( {} {}",
        text(2),
        columns.join(" , "),
        rest.join(" ")
    )
}

/// A column with its constraints in alphabetical order, and without its foreign keys, which go to `keys`.
fn column(words: &[&str], keys: &mut Vec<String>) -> String {
    let name = words.first().copied().unwrap_or_default();
    let (mut left, mut constraints) = (vec![name], Vec::new());
    let mut rest = words.get(1..).unwrap_or_default();
    let mut called = None;
    while let [word, ..] = rest {
        if let ["constraint", name, behind @ ..] = rest {
            called = Some(*name);
            rest = behind;
            continue;
        }
        let length = constraint(rest);
        let clause = rest[..length].join(" ");
        match (*word, called.take()) {
            _ if length == 0 => left.push(*word),
            ("references", _) => keys.push(format!("foreign key ( {name} ) {clause}")),
            ("check", Some(called)) => constraints.push(format!("constraint {called} {clause}")),
            // It says that there is no constraint.
            ("null", _) => {}
            _ => constraints.push(clause),
        }
        rest = &rest[length.max(1)..];
    }
    constraints.sort_unstable();
    let constraints: Vec<&str> = constraints.iter().map(String::as_str).collect();
    left.extend(constraints);
    left.join(" ")
}

/// How many words the constraint of a column has that begins here; 0 where none does:
/// <https://sqlite.org/syntax/column-constraint.html>.
fn constraint(words: &[&str]) -> usize {
    let parentheses = |at: usize| {
        let inside = words.get(at + 1..).unwrap_or_default();
        let mut depth = 1;
        let end = inside.iter().position(|word| {
            depth += match *word {
                "(" => 1,
                ")" => -1,
                _ => 0,
            };
            depth == 0
        });
        (end.map_or(words.len(), |end| at + 1 + end + 1)).min(words.len())
    };
    let conflict = |at: usize| match words.get(at..).unwrap_or_default() {
        ["on", "conflict", _, ..] => at + 3,
        _ => at,
    };
    let kept = |at: usize| match words.get(at..).unwrap_or_default() {
        ["stored" | "virtual", ..] => at + 1,
        _ => at,
    };
    match words {
        ["not", "null", ..] => conflict(2),
        ["null" | "unique", ..] => conflict(1),
        ["primary", "key", rest @ ..] => {
            let ordered = usize::from(matches!(rest, ["asc" | "desc", ..]));
            let at = conflict(2 + ordered);
            at + usize::from(words.get(at) == Some(&"autoincrement"))
        }
        ["check", "(", ..] => conflict(parentheses(1)),
        ["default", "(", ..] => parentheses(1),
        ["default", "+" | "-", _, ..] => 3,
        ["default" | "collate", _, ..] => 2,
        ["generated", "always", "as", "(", ..] => kept(parentheses(3)),
        ["as", "(", ..] => kept(parentheses(1)),
        ["references", ..] => references(words),
        _ => 0,
    }
}

/// How many words a `REFERENCES` clause has: <https://sqlite.org/syntax/foreign-key-clause.html>.
fn references(words: &[&str]) -> usize {
    let mut length = 2;
    if words.get(length) == Some(&"(") {
        let close = words.iter().position(|word| *word == ")");
        length = close.map_or(words.len(), |at| at + 1);
    }
    loop {
        length += match words.get(length..).unwrap_or_default() {
            ["on", "delete" | "update", "set" | "no", ..] => 4,
            ["on", "delete" | "update", ..] => 3,
            ["match", ..] => 2,
            ["not", "deferrable", "initially", ..] => 4,
            ["not", "deferrable", ..] => 2,
            ["deferrable", "initially", ..] => 3,
            ["deferrable", ..] => 1,
            _ => return length.min(words.len()),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::normal_form;

    fn form(sql: &str) -> String {
        one_spelling(&normal_form(sql))
    }

    #[test]
    fn a_foreign_key_of_a_column_is_one_of_the_table() {
        assert_eq!(
            form(
                "CREATE TABLE c (p INT CONSTRAINT fk REFERENCES p(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED NOT NULL,
                 r INT REFERENCES p, q INT CHECK (q > 0) REFERENCES p (id) ON UPDATE SET NULL, CHECK (r > 0)) STRICT"
            ),
            form(
                "CREATE TABLE c (p INT NOT NULL, r INT, q INT CHECK (q > 0), CHECK (r > 0), FOREIGN KEY (r) REFERENCES p,
                 CONSTRAINT x FOREIGN KEY (q) REFERENCES p(id) ON UPDATE SET NULL,
                 FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED) STRICT"
            )
        );
    }

    #[test]
    fn other_foreign_keys_and_columns_stay_apart() {
        let one = "CREATE TABLE c (p INT REFERENCES p (id) ON DELETE CASCADE, q INT)";
        for other in [
            "CREATE TABLE c (p INT REFERENCES p (id), q INT)",
            "CREATE TABLE c (p INT, q INT REFERENCES p (id) ON DELETE CASCADE)",
            "CREATE TABLE c (p INT REFERENCES o (id) ON DELETE CASCADE, q INT)",
            "CREATE TABLE c (p INT NOT NULL REFERENCES p (id) ON DELETE CASCADE, q INT)",
            "CREATE TABLE c (p INT, q INT)",
            "CREATE TABLE c (q INT, p INT REFERENCES p (id) ON DELETE CASCADE)",
        ] {
            assert_ne!(form(one), form(other), "{other}");
        }
        for same in [
            "CREATE TABLE c AS SELECT 1",
            "CREATE VIEW v AS SELECT 1",
            "CREATE TABLE c (a DEFAULT 'references p', b CHECK (b <> 'x, y'))",
        ] {
            assert_eq!(form(same), normal_form(same), "{same}");
        }
    }

    /// What each engine keeps of one statement.
    #[test]
    fn what_the_turso_engine_prints_is_what_was_written() {
        for (written, printed) in [
            (
                "CREATE TABLE r (a INTEGER PRIMARY KEY AUTOINCREMENT, \"b c\" VARCHAR(10,2) DEFAULT (1+2) COLLATE rtrim CONSTRAINT nn
                 NOT NULL CHECK (\"b c\" > 0) UNIQUE, c DEFAULT -1 REFERENCES p(id) ON DELETE SET NULL CHECK (c<>3) CHECK (c==4),
                 e BLOB NULL NOT NULL DEFAULT x'00' CONSTRAINT foo CHECK (e IS NOT NULL), CONSTRAINT u UNIQUE (\"b c\", e), CHECK (a>0),
                 FOREIGN KEY (e) REFERENCES p ON UPDATE CASCADE)",
                "CREATE TABLE r (a INTEGER PRIMARY KEY AUTOINCREMENT, \"b c\" VARCHAR (10, 2) NOT NULL UNIQUE DEFAULT (1 + 2) COLLATE
                 RTRIM CHECK (\"b c\" > 0), c DEFAULT - 1 CHECK (c != 3) CHECK (c = 4), e BLOB NOT NULL DEFAULT x'00'CONSTRAINT foo
                 CHECK (e IS NOT NULL), FOREIGN KEY (e) REFERENCES p ON UPDATE CASCADE, FOREIGN KEY (c) REFERENCES p (id) ON DELETE
                 SET NULL, CHECK (a > 0), UNIQUE (\"b c\", e))",
            ),
            (
                "CREATE TABLE k (a INT, b TEXT COLLATE NOCASE, CONSTRAINT pk PRIMARY KEY (a, b DESC))",
                "CREATE TABLE k (a INT, b TEXT COLLATE NOCASE, PRIMARY KEY (a, b DESC))",
            ),
            (
                "CREATE UNIQUE INDEX i ON t (a COLLATE nocase DESC, lower(h)) WHERE b <> 1 AND a NOT NULL",
                "CREATE UNIQUE INDEX i ON t (a COLLATE nocase DESC, lower (h)) WHERE b != 1 AND a NOTNULL",
            ),
            (
                "CREATE VIEW v AS SELECT a IS NOT DISTINCT FROM b, a IS DISTINCT FROM b FROM t CROSS JOIN u LIMIT (1, 2), 3",
                "CREATE VIEW v AS SELECT a IS b, a IS NOT b FROM t CROSS INNER JOIN u LIMIT 3 OFFSET (1, 2)",
            ),
            (
                "CREATE VIEW v AS SELECT 1 FROM t NATURAL LEFT JOIN u RIGHT JOIN v FULL OUTER JOIN w",
                "CREATE VIEW v AS SELECT 1 FROM t NATURAL LEFT OUTER JOIN u RIGHT OUTER JOIN v FULL JOIN w",
            ),
            (
                "CREATE VIEW v AS SELECT * FROM (SELECT a FROM t LIMIT 1, 2)",
                "CREATE VIEW v AS SELECT * FROM (SELECT a FROM t LIMIT 2 OFFSET 1)",
            ),
            (
                "CREATE TRIGGER g INSERT ON t BEGIN INSERT OR REPLACE INTO u VALUES (1); END",
                "CREATE TRIGGER g INSERT ON t BEGIN REPLACE INTO u VALUES (1); END",
            ),
        ] {
            assert_eq!(form(written), form(printed), "{written}");
        }
    }

    #[test]
    fn other_constraints_and_operators_stay_apart() {
        for (one, other) in [
            ("CREATE TABLE t (a NOT NULL)", "CREATE TABLE t (a)"),
            (
                "CREATE TABLE t (a NOT NULL, b)",
                "CREATE TABLE t (a, b NOT NULL)",
            ),
            (
                "CREATE TABLE t (a DEFAULT 'X')",
                "CREATE TABLE t (a DEFAULT 'x')",
            ),
            (
                "CREATE TABLE t (a UNIQUE)",
                "CREATE TABLE t (a UNIQUE ON CONFLICT IGNORE)",
            ),
            (
                "CREATE TABLE t (a CHECK (a > 0))",
                "CREATE TABLE t (a CHECK (a > 1))",
            ),
            (
                "CREATE TABLE t (a CONSTRAINT one CHECK (a > 0))",
                "CREATE TABLE t (a CONSTRAINT two CHECK (a > 0))",
            ),
            ("CREATE TABLE t (a INT, b)", "CREATE TABLE t (b, a INT)"),
            (
                "CREATE TABLE t (a, b, UNIQUE (a, b))",
                "CREATE TABLE t (a, b, UNIQUE (b, a))",
            ),
            (
                "CREATE TABLE t (a GENERATED ALWAYS AS (b) STORED, b)",
                "CREATE TABLE t (a GENERATED ALWAYS AS (b), b)",
            ),
            (
                "CREATE VIEW v AS SELECT '!='",
                "CREATE VIEW v AS SELECT '<>'",
            ),
            (
                "CREATE VIEW v AS SELECT a FROM t LIMIT 1, 2",
                "CREATE VIEW v AS SELECT a FROM t LIMIT 1 OFFSET 2",
            ),
            (
                "CREATE VIEW v AS SELECT a IS NOT b FROM t",
                "CREATE VIEW v AS SELECT a IS b FROM t",
            ),
            (
                "CREATE VIEW v AS SELECT 1 FROM t LEFT JOIN u",
                "CREATE VIEW v AS SELECT 1 FROM t JOIN u",
            ),
        ] {
            assert_ne!(form(one), form(other), "{one}");
        }
    }
}
