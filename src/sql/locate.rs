//! Where in a statement an engine's message points. Engines say little: a token, a name. This finds the
//! places that could be meant and never picks one of several; the caller may ask the engine about prefixes.

use super::quote::unquote;
use super::token::{Token, TokenKind, significant, tokens};

/// What is known of the place that a message means; offsets are bytes of the statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Located {
    /// Here. May be the end of the statement, where it stops too early.
    At(usize),
    /// At one of these, in order; at least two.
    Ambiguous(Vec<usize>),
    /// The message tells no place in this statement.
    Unknown,
}

/// Where in `statement` the engine's `message` points, by the wording of
/// [SQLite's messages](https://www.sqlite.org/src/file/src/parse.y) and of the libSQL server's parser.
/// Text around the message does not matter.
pub fn locate(statement: &str, message: &str) -> Located {
    // The client's wrapping: SQLite failure: `…`.
    let message = match message.split_once("failure: `") {
        Some((_, inner)) => inner.strip_suffix('`').unwrap_or(inner),
        None => message,
    };
    let text = Text {
        sql: statement,
        tokens: significant(statement).collect(),
    };
    // What is wrong with another object (a view, a trigger) has no place here.
    if message.contains("error in view ") || message.contains("error in trigger ") {
        return Located::Unknown;
    }
    if message.contains("incomplete input") {
        return Located::At(text.tokens.last().map_or(0, |token| token.span.end));
    }
    if let Some(place) = server_position(message) {
        return text.ending_at(place);
    }
    if let Some((_, rest)) = message.split_once("near \"")
        && let Some((token, _)) = rest.rsplit_once("\": ")
    {
        return text.which(|at| text.raw(at) == token);
    }
    if message.contains("unrecognized token: ") {
        return text.unrecognized(message);
    }
    for (before, after, sort) in MESSAGES {
        let Some((_, name)) = message.split_once(before) else {
            continue;
        };
        let name = match *after {
            "" => name.trim_end(),
            _ => match name.split_once(after) {
                Some((name, _)) => name,
                None => continue,
            },
        };
        return text.find(*sort, named(name));
    }
    Located::Unknown
}

/// What a name in a message stands for, so where it can be in a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Anything,
    /// A table or view, read or written.
    Table,
    /// Called, so before a parenthesis.
    Function,
    /// What the statement creates: the first of that name.
    Created,
    /// A column that is defined here.
    Column,
    /// A column that is defined a second time.
    Duplicate,
}

/// Message wordings: the text before the name, and the text after it (nothing: the name goes to the end), and
/// what the name is. The first that fits decides.
const MESSAGES: &[(&str, &str, Sort)] = &[
    ("no such column: ", " - should this be", Sort::Anything),
    ("no such column: ", "", Sort::Anything),
    ("no such table: ", "", Sort::Table),
    ("no such view: ", "", Sort::Table),
    ("no such index: ", "", Sort::Anything),
    ("no such trigger: ", "", Sort::Anything),
    ("no such function: ", "", Sort::Function),
    ("no such module: ", "", Sort::Anything),
    ("no such window: ", "", Sort::Anything),
    ("no such savepoint: ", "", Sort::Anything),
    ("no such collation sequence: ", "", Sort::Anything),
    ("no such database: ", "", Sort::Anything),
    ("unknown database ", "", Sort::Anything),
    (
        "unknown column \"",
        "\" in foreign key definition",
        Sort::Anything,
    ),
    ("ambiguous column name: ", "", Sort::Anything),
    (
        "wrong number of arguments to function ",
        "()",
        Sort::Function,
    ),
    ("misuse of aggregate: ", "()", Sort::Function),
    ("misuse of aggregate function ", "()", Sort::Function),
    ("misuse of window function ", "()", Sort::Function),
    ("duplicate column name: ", "", Sort::Duplicate),
    ("there is already a table named ", "", Sort::Created),
    (
        "there is already another table or index with this name: ",
        "",
        Sort::Anything,
    ),
    ("there is already an index named ", "", Sort::Created),
    ("table ", " already exists", Sort::Created),
    ("view ", " already exists", Sort::Created),
    ("index ", " already exists", Sort::Created),
    ("trigger ", " already exists", Sort::Created),
    ("object name reserved for internal use: ", "", Sort::Created),
    (" has no column named ", "", Sort::Anything),
    ("table ", " has ", Sort::Table),
    ("table ", " may not be ", Sort::Table),
    ("cannot modify ", " because it is a view", Sort::Table),
    ("cannot drop PRIMARY KEY column: \"", "\"", Sort::Anything),
    ("cannot drop UNIQUE column: \"", "\"", Sort::Anything),
    ("cannot join using column ", " - ", Sort::Anything),
    ("use DROP VIEW to delete view ", "", Sort::Table),
    ("use DROP TABLE to delete table ", "", Sort::Table),
    ("missing datatype for ", "", Sort::Column),
    ("unknown datatype for ", ": ", Sort::Column),
    ("cannot drop column \"", "\"", Sort::Anything),
    (
        "cannot INSERT into generated column \"",
        "\"",
        Sort::Anything,
    ),
    ("cannot UPDATE generated column \"", "\"", Sort::Anything),
];

/// `a.b` as its parts. A name that a message quotes is unquoted.
fn named(name: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut part = String::new();
    for token in tokens(name) {
        let span = match token {
            Ok(token) => token.span,
            Err(error) => error.span,
        };
        match &name[span] {
            "." => parts.push(std::mem::take(&mut part)),
            // Messages do not quote odd names: `a b` is one name.
            text => part.push_str(&unquote(text)),
        }
    }
    parts.push(part);
    parts
}

/// The `(line, column)` at the end of a message of the libSQL server's parser: from 1, the column counts
/// bytes, and it is the place behind the token that was wrong.
fn server_position(message: &str) -> Option<(usize, usize)> {
    let (_, place) = message.split_once("syntax error at (")?;
    let (line, rest) = place.split_once(", ")?;
    let (column, _) = rest.split_once(')')?;
    Some((line.parse().ok()?, column.parse().ok()?))
}

/// A statement and its significant tokens.
struct Text<'a> {
    sql: &'a str,
    tokens: Vec<Token>,
}

impl Text<'_> {
    /// The token at this index, as written; empty where there is none.
    fn raw(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.text(self.sql))
    }

    fn before(&self, at: usize) -> &str {
        at.checked_sub(1).map_or("", |at| self.raw(at))
    }

    /// Whether the token at this index is this name, as SQLite compares names.
    fn is_name(&self, at: usize, name: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| {
            matches!(
                token.kind,
                TokenKind::Word | TokenKind::QuotedName | TokenKind::String
            ) && unquote(token.text(self.sql)).eq_ignore_ascii_case(name)
        })
    }

    /// The tokens for which `fits` holds, by their index.
    fn which(&self, fits: impl Fn(usize) -> bool) -> Located {
        self.located((0..self.tokens.len()).filter(|&at| fits(at)).collect())
    }

    fn located(&self, indices: Vec<usize>) -> Located {
        let offsets: Vec<_> = indices
            .iter()
            .filter_map(|&at| Some(self.tokens.get(at)?.span.start))
            .collect();
        match offsets[..] {
            [] => Located::Unknown,
            [offset] => Located::At(offset),
            _ => Located::Ambiguous(offsets),
        }
    }

    fn find(&self, sort: Sort, parts: Vec<String>) -> Located {
        // With all its parts, or, since messages add a schema or table that the text need not have, the last.
        for skipped in 0..parts.len() {
            let found = self.runs(&parts[skipped..]);
            let found = match sort {
                Sort::Anything => found,
                Sort::Table => self.preferring(found, |at| self.names_table(at)),
                Sort::Function => found
                    .into_iter()
                    .filter(|&at| self.raw(at + 1) == "(")
                    .collect(),
                Sort::Created => found.into_iter().take(1).collect(),
                Sort::Column => self.preferring(found, |at| self.defines_column(at)),
                Sort::Duplicate => {
                    let defined = self.preferring(found, |at| self.defines_column(at));
                    defined
                        .get(1)
                        .or(defined.first())
                        .copied()
                        .into_iter()
                        .collect()
                }
            };
            if !found.is_empty() {
                return self.located(found);
            }
        }
        Located::Unknown
    }

    /// Where `parts` stand, joined by dots; the index of the first token of each place.
    fn runs(&self, parts: &[String]) -> Vec<usize> {
        let fits = |at: usize| {
            parts.iter().enumerate().all(|(n, part)| {
                self.is_name(at + 2 * n, part) && (n == 0 || self.raw(at + 2 * n - 1) == ".")
            })
        };
        (0..self.tokens.len()).filter(|&at| fits(at)).collect()
    }

    /// Those for which `better` holds, or all if there is none.
    fn preferring(&self, found: Vec<usize>, better: impl Fn(usize) -> bool) -> Vec<usize> {
        let preferred: Vec<_> = found.iter().copied().filter(|&at| better(at)).collect();
        if preferred.is_empty() {
            found
        } else {
            preferred
        }
    }

    /// Whether the name at this index stands where a table is named.
    fn names_table(&self, at: usize) -> bool {
        let start = if self.before(at) == "." {
            at.saturating_sub(2)
        } else {
            at
        };
        let before = self.before(start);
        [
            "FROM",
            "JOIN",
            "INTO",
            "UPDATE",
            "TABLE",
            "VIEW",
            "ON",
            "REFERENCES",
            "EXISTS",
        ]
        .iter()
        .any(|word| before.eq_ignore_ascii_case(word))
    }

    /// Whether the name at this index stands where a column is defined.
    fn defines_column(&self, at: usize) -> bool {
        let before = self.before(at);
        let depth =
            self.tokens[..at]
                .iter()
                .fold(0_usize, |depth, token| match token.text(self.sql) {
                    "(" => depth + 1,
                    ")" => depth.saturating_sub(1),
                    _ => depth,
                });
        depth == 1 && matches!(before, "(" | ",")
            || ["ADD", "COLUMN", "TO"]
                .iter()
                .any(|word| before.eq_ignore_ascii_case(word))
    }

    /// What is no token; of an engine that reads less than ours, the token that it names.
    fn unrecognized(&self, message: &str) -> Located {
        let errors: Vec<_> = tokens(self.sql)
            .filter_map(|item| Some(item.err()?.offset))
            .collect();
        if let [first, ..] = errors[..] {
            return Located::At(first);
        }
        let Some((_, rest)) = message.split_once("unrecognized token: \"") else {
            return Located::Unknown;
        };
        let Some((token, _)) = rest.rsplit_once('"') else {
            return Located::Unknown;
        };
        self.which(|at| {
            self.raw(at) == token || !token.is_empty() && self.raw(at).starts_with(token)
        })
    }

    /// The token that ends at this line and byte column, or the last one before.
    fn ending_at(&self, (line, column): (usize, usize)) -> Located {
        let line_start = match line.checked_sub(2) {
            None => 0,
            Some(nth) => match self.sql.match_indices('\n').nth(nth) {
                Some((newline, _)) => newline + 1,
                None => return Located::Unknown,
            },
        };
        let end = line_start + column.saturating_sub(1);
        match self
            .tokens
            .iter()
            .rfind(|token| token.span.start < end.max(1))
        {
            Some(token) => Located::At(token.span.start),
            None => Located::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The places, as `^` under the statement; `$` behind its end.
    #[track_caller]
    fn check(message: &str, statement: &str, marks: &str) {
        let offsets = match locate(statement, message) {
            Located::At(offset) => vec![offset],
            Located::Ambiguous(offsets) => {
                assert!(offsets.len() > 1);
                offsets
            }
            Located::Unknown => Vec::new(),
        };
        let mut found = " ".repeat(statement.len() + 1);
        for offset in offsets {
            found.replace_range(offset..=offset, "^");
        }
        assert_eq!(found.trim_end(), marks, "\n{message}\n{statement}");
    }

    #[test]
    fn a_syntax_error_is_at_each_token_of_that_text() {
        check(
            "near \"FORM\": syntax error",
            "SELECT a FORM t",
            "         ^",
        );
        check("near \",\": syntax error", "SELECT a, , b", "        ^ ^");
        check(
            "near \"'a\": b'\": syntax error",
            "SELECT 1 'a\": b'",
            "         ^",
        );
        check(
            "SQLite failure: `near \"from\": syntax error`",
            "SELECT from FROM t",
            "       ^",
        );
        check("near \"x\": syntax error", "SELECT 1", "");
    }

    #[test]
    fn what_the_client_wraps_around_a_message_does_not_matter() {
        let wrapped = "SQLite failure: `no such column: b`";
        check(wrapped, "SELECT a, b", "          ^");
    }

    #[test]
    fn a_column_with_a_wrong_type_is_at_its_definition() {
        let strict = "CREATE TABLE a (a INT, b, CHECK (b)) STRICT";
        check(
            "missing datatype for a.b",
            strict,
            "                       ^",
        );
        check(
            "unknown datatype for a.a: \"X\"",
            "CREATE TABLE a (a X) STRICT",
            "                ^",
        );
    }

    #[test]
    fn incomplete_input_is_at_the_end() {
        check("incomplete input", "SELECT (1 ", "         ^");
        check("incomplete input", "", "^");
    }

    #[test]
    fn a_missing_column_is_at_its_name_qualified_or_not() {
        check("no such column: b", "SELECT a, B FROM t", "          ^");
        check("no such column: t.b", "SELECT t.b, b FROM t", "       ^");
        check("no such column: t.b", "SELECT b FROM t", "       ^");
        check(
            "no such column: \"b\" - should this be a string literal in single-quotes?",
            "SELECT \"b\"",
            "       ^",
        );
        check(
            "no such column: b",
            "SELECT b FROM t WHERE b",
            "       ^              ^",
        );
        check("no such column: a b", "SELECT \"a b\"", "       ^");
        check(
            "table t has no column named b",
            "INSERT INTO t (a, b) VALUES (1, 2)",
            "                  ^",
        );
        check(
            "ambiguous column name: id",
            "SELECT id FROM a JOIN b",
            "       ^",
        );
    }

    #[test]
    fn a_missing_table_is_where_a_table_is_named() {
        check(
            "no such table: main.t",
            "SELECT t.a FROM t",
            "                ^",
        );
        check(
            "no such table: t",
            "INSERT INTO t SELECT t FROM u",
            "            ^",
        );
        check("no such table: x.t", "SELECT * FROM x.t", "              ^");
        check(
            "no such table: main.t",
            "CREATE INDEX t ON t (t)",
            "                  ^",
        );
        check(
            "no such table: t",
            "SELECT 1 FROM u, t",
            "                 ^",
        );
        check(
            "no such view: v",
            "DROP VIEW IF EXISTS v",
            "                    ^",
        );
        check(
            "table t has 2 columns but 1 values were supplied",
            "INSERT INTO t VALUES (1)",
            "            ^",
        );
    }

    #[test]
    fn what_exists_already_is_at_the_created_name() {
        check(
            "table t already exists",
            "CREATE TABLE \"T\" (t)",
            "             ^",
        );
        check(
            "index i already exists",
            "CREATE INDEX i ON t (i)",
            "             ^",
        );
        check(
            "there is already an index named i",
            "CREATE TABLE i (a)",
            "             ^",
        );
        check(
            "table \"t\" already exists",
            "CREATE TABLE t (a)",
            "             ^",
        );
        check(
            "trigger r already exists",
            "CREATE TRIGGER r DELETE ON t BEGIN SELECT 1; END",
            "               ^",
        );
        check(
            "view v already exists",
            "CREATE VIEW v AS SELECT 1",
            "            ^",
        );
    }

    #[test]
    fn a_column_defined_twice_is_at_its_second_definition() {
        check(
            "duplicate column name: a",
            "CREATE TABLE a (a, b CHECK (a), A)",
            "                                ^",
        );
        check(
            "duplicate column name: a",
            "ALTER TABLE a ADD COLUMN a",
            "                         ^",
        );
        check(
            "duplicate column name: a",
            "ALTER TABLE a RENAME b TO a",
            "                          ^",
        );
    }

    #[test]
    fn a_function_is_where_it_is_called() {
        check("no such function: f", "SELECT f, f(1)", "          ^");
        check(
            "wrong number of arguments to function F()",
            "SELECT f(1), f()",
            "       ^     ^",
        );
        check(
            "misuse of aggregate: count()",
            "SELECT 1 WHERE COUNT(1)",
            "               ^",
        );
    }

    #[test]
    fn other_missing_objects_are_at_their_names() {
        check("no such index: i", "DROP INDEX i", "           ^");
        check(
            "no such trigger: main.r",
            "DROP TRIGGER main.r",
            "             ^",
        );
        check(
            "no such module: fts9",
            "CREATE VIRTUAL TABLE f USING fts9(a)",
            "                             ^",
        );
        check("no such savepoint: s", "RELEASE s", "        ^");
    }

    #[test]
    fn what_is_no_token_is_where_reading_stopped() {
        check("unrecognized token: \"'a\"", "SELECT 'a", "       ^");
        check("unrecognized token: \"#\"", "SELECT #", "       ^");
        check("unrecognized token: \"1_000\"", "SELECT 1_000", "       ^");
    }

    #[test]
    fn the_servers_parser_tells_the_place_behind_the_token() {
        let near = |place: &str| {
            format!(
                "SQL string could not be parsed: near UNIQUE, \"None\": syntax error at {place}"
            )
        };
        check(&near("(1, 14)"), "SELECT UNIQUE a", "       ^");
        check(&near("(2, 7)"), "SELECT\nUNIQUE a", "       ^");
        check(&near("(9, 7)"), "SELECT UNIQUE a", "");
    }

    #[test]
    fn a_message_about_data_or_another_object_has_no_place() {
        check(
            "UNIQUE constraint failed: t.a",
            "INSERT INTO t (a) VALUES (1)",
            "",
        );
        check(
            "error in view v: no such column: a",
            "ALTER TABLE t DROP COLUMN a",
            "",
        );
        check(
            "error in trigger r after rename: no such column: a",
            "ALTER TABLE t RENAME a TO b",
            "",
        );
        check("disk I/O error", "SELECT 1", "");
        check("", "", "");
    }
}
