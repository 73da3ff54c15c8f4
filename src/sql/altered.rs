//! `ALTER TABLE name VERB [COLUMN] …`, taken apart. It reads no further than the verb.

use super::{Kind, Token, kind, significant};

/// A statement that changes a table.
#[derive(Debug)]
pub(crate) struct Altered<'a> {
    sql: &'a str,
    /// The table as written, with its schema.
    pub(crate) table: &'a str,
    verb: Token,
    /// What follows the verb and the word `COLUMN`.
    pub(crate) rest: Vec<Token>,
}

impl Altered<'_> {
    /// Whether the verb is this one: `ADD`.
    pub(crate) fn is(&self, verb: &str) -> bool {
        self.verb.is_word(self.sql, verb)
    }
}

/// Takes an `ALTER TABLE` apart; none for any other statement, and for one that ends before its verb.
pub(crate) fn altered(sql: &str) -> Option<Altered<'_>> {
    if kind(sql) != Kind::Alter {
        return None;
    }
    let tokens: Vec<Token> = significant(sql).collect();
    let has_schema = tokens.get(3).is_some_and(|it| it.text(sql) == ".");
    let at = if has_schema { 5 } else { 3 };
    let mut rest = tokens.get(at + 1..)?.to_vec();
    if rest.first().is_some_and(|it| it.is_word(sql, "COLUMN")) {
        rest.remove(0);
    }
    Some(Altered {
        sql,
        table: sql.get(tokens.get(2)?.span.start..tokens.get(at - 1)?.span.end)?,
        verb: tokens.get(at)?.clone(),
        rest,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_and_what_follows_the_verb_are_read() {
        for (sql, table, verb, rest) in [
            ("ALTER TABLE t ADD COLUMN x INT", "t", "ADD", "x"),
            (
                "alter table \"m\".\"a t\" add x",
                "\"m\".\"a t\"",
                "ADD",
                "x",
            ),
            (
                "ALTER TABLE main.t ALTER COLUMN y TO y",
                "main.t",
                "ALTER",
                "y",
            ),
            ("ALTER TABLE t RENAME TO u", "t", "RENAME", "TO"),
        ] {
            let found = altered(sql).unwrap();
            assert_eq!((found.table, found.is(verb)), (table, true), "{sql}");
            assert_eq!(found.rest[0].text(sql), rest, "{sql}");
        }
        for nothing in ["ALTER TABLE t", "ALTER TABLE", "CREATE TABLE t (ADD)", ""] {
            assert!(altered(nothing).is_none(), "{nothing}");
        }
    }
}
