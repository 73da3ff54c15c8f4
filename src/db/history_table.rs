//! The name of the table that holds the history. `db` only carries it; `history` and what compares databases use it.

use std::borrow::Cow;
use std::sync::Arc;

use crate::sql::{TokenKind, identifier, text, tokens, unquote};

/// The name of the table that holds the history: `_migrations` by default. Names of tables have no letter case.
#[derive(Debug, Clone)]
pub struct HistoryTable(Arc<str>);

/// Prefixes that an engine, a server or Seedbed keeps for its own tables.
const RESERVED: [&str; 4] = ["sqlite_", "libsql_", "_litestream_", "_seedbed"];

impl HistoryTable {
    /// The name without a setting, which the statements of `history` are written with.
    pub const DEFAULT: &'static str = "_migrations";

    /// A table of this name.
    ///
    /// # Errors
    /// What is wrong with the name, in words that go on after it: "is empty".
    pub fn new(name: &str) -> Result<HistoryTable, String> {
        let lower = name.to_ascii_lowercase();
        let reserved = RESERVED.iter().find(|prefix| lower.starts_with(**prefix));
        match reserved {
            _ if name.trim().is_empty() => Err("is empty".to_owned()),
            _ if name.contains(char::is_control) => Err("holds a control character".to_owned()),
            _ if name.contains('.') => {
                Err("holds a dot: it is the name of a table alone, without a schema".to_owned())
            }
            Some(prefix) => Err(format!(
                "begins with `{prefix}`: such names are kept for other tables"
            )),
            None => Ok(HistoryTable(name.into())),
        }
    }

    /// A name that no table has: where the history counts as any other table.
    pub(crate) fn of_no_database() -> HistoryTable {
        HistoryTable("_seedbed_none".into())
    }

    /// The name, unquoted.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// Whether this is the name of it.
    pub fn is(&self, table: &str) -> bool {
        self.0.eq_ignore_ascii_case(table)
    }

    /// A statement of `history`, which is written with the default name, with this one: quoted where the statement names
    /// the table, and in lower case where it compares a text with it.
    pub(crate) fn sql<'a>(&self, statement: &'a str) -> Cow<'a, str> {
        if &*self.0 == Self::DEFAULT || !statement.contains(Self::DEFAULT) {
            return statement.into();
        }
        let mut named = String::with_capacity(statement.len() + self.0.len());
        let mut copied = 0;
        for token in tokens(statement).map_while(Result::ok) {
            let name = match token.kind {
                TokenKind::Word if token.text(statement) == Self::DEFAULT => identifier(&self.0),
                TokenKind::String if unquote(token.text(statement)) == Self::DEFAULT => {
                    text(&self.0.to_ascii_lowercase())
                }
                _ => continue,
            };
            named.push_str(&statement[copied..token.span.start]);
            named.push_str(&name);
            copied = token.span.end;
        }
        named.push_str(&statement[copied..]);
        named.into()
    }
}

impl Default for HistoryTable {
    fn default() -> HistoryTable {
        HistoryTable(Self::DEFAULT.into())
    }
}

impl PartialEq for HistoryTable {
    fn eq(&self, other: &HistoryTable) -> bool {
        self.is(&other.0)
    }
}

impl Eq for HistoryTable {}

impl std::hash::Hash for HistoryTable {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.to_ascii_lowercase().hash(state);
    }
}

impl std::fmt::Display for HistoryTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str, sql: &str, expected: &str) {
        assert_eq!(HistoryTable::new(name).unwrap().sql(sql), expected);
    }

    #[test]
    fn a_statement_gets_the_name_quoted_and_its_comparisons_the_lower_case() {
        let sql = "SELECT '_migrations' FROM _migrations, of_migrations WHERE x = ' _migrations'";
        named("_migrations", sql, sql);
        named(
            "My \"Log\"",
            sql,
            "SELECT 'my \"log\"' FROM \"My \"\"Log\"\"\", of_migrations WHERE x = ' _migrations'",
        );
        named("it's", "'_migrations'", "'it''s'");
    }

    #[test]
    fn names_that_the_engine_or_this_program_keeps_are_refused() {
        for name in [
            "",
            "  ",
            "sqlite_x",
            "SQLite_x",
            "libsql_x",
            "_litestream_seq",
            "_seedbed_rows",
            "_Seedbed",
            "a\0b",
            "main.x",
        ] {
            assert!(HistoryTable::new(name).is_err(), "{name:?}");
        }
        for name in [
            "_migrations",
            "schema_history",
            "Äpfel",
            "a \"b\" 'c'",
            "select",
        ] {
            assert!(HistoryTable::new(name).is_ok(), "{name:?}");
        }
    }
}
