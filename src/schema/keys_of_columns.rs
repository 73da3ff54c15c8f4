//! One form for both ways to declare a foreign key: `p REFERENCES parent` and `FOREIGN KEY (p) REFERENCES parent`. The
//! Turso engine writes the second for the first when a table is altered, without the name of the constraint. Pure.

use crate::sql::{Token, parts, significant};

/// A `CREATE TABLE` in its normal form with its foreign keys behind everything else, in alphabetical order and without
/// names. Any other text stays as it is.
pub(super) fn with_keys_of_the_table(normal: &str) -> String {
    let tokens: Vec<Token> = significant(normal).collect();
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text(normal));
    if [text(0), text(1), text(3)] != ["create", "table", "("] {
        return normal.to_owned();
    }
    let parts = parts(normal, tokens.get(4..).unwrap_or_default());
    // Behind the parts and the commas between them.
    let end = 4 + parts
        .iter()
        .map(|part| part.len() + 1)
        .sum::<usize>()
        .saturating_sub(1);
    if text(end) != ")" {
        return normal.to_owned();
    }
    let (mut others, mut keys) = (Vec::new(), Vec::new());
    for part in parts {
        let words: Vec<&str> = part.iter().map(|it| it.text(normal)).collect();
        let unnamed = match words.as_slice() {
            ["constraint", _, rest @ ..] => rest,
            words => words,
        };
        match unnamed {
            ["foreign", "key", ..] => keys.push(unnamed.join(" ")),
            ["check" | "unique" | "primary", ..] => others.push(words.join(" ")),
            _ => others.push(column(&words, &mut keys)),
        }
    }
    keys.sort_unstable();
    others.extend(keys);
    let rest: Vec<&str> = tokens[end..].iter().map(|it| it.text(normal)).collect();
    format!(
        "create table {} ( {} {}",
        text(2),
        others.join(" , "),
        rest.join(" ")
    )
}

/// A column without its foreign keys, which go to `keys`.
fn column(words: &[&str], keys: &mut Vec<String>) -> String {
    let name = words.first().copied().unwrap_or_default();
    let (mut left, mut depth, mut at) = (Vec::new(), 0, 0);
    while let Some(word) = words.get(at) {
        let length = match depth {
            0 if at > 0 && *word == "references" => references(&words[at..]),
            _ => 0,
        };
        if length == 0 {
            depth += match *word {
                "(" => 1,
                ")" => -1,
                _ => 0,
            };
            left.push(*word);
            at += 1;
            continue;
        }
        if let [.., "constraint", _] = left.as_slice() {
            left.truncate(left.len() - 2);
        }
        let clause = words[at..at + length].join(" ");
        keys.push(format!("foreign key ( {name} ) {clause}"));
        at += length;
    }
    left.join(" ")
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
        with_keys_of_the_table(&normal_form(sql))
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
            assert_eq!(form(same), normal_form(same));
        }
    }
}
