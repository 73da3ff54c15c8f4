//! Statements that SQLite can parse and a libSQL server cannot: where in the statement the server's parser objects, and
//! how to write it otherwise. Pure.
//!
//! The parser is that of <https://github.com/tursodatabase/libsql/tree/main/vendored/sqlite3-parser>, which has the syntax
//! of SQLite 3.38, and the statements that the server takes are in
//! <https://github.com/tursodatabase/libsql/blob/main/libsql-server/src/query_analysis.rs>.

#[cfg(feature = "remote")]
use super::Code;
use super::EngineError;
#[cfg(feature = "remote")]
use crate::sql::Located;
use crate::sql::{self, significant, unquote};

/// Why SQLite and a server differ.
pub(crate) const TWO_PARSERS: &str = "SQLite can parse this statement, so local databases run it; a libSQL server parses each statement with a parser of its own first, which has the syntax of SQLite 3.38";

/// Tables that a server keeps for itself.
const RESERVED: [&str; 3] = [
    "_litestream_seq",
    "_litestream_lock",
    "libsql_wasm_func_table",
];

/// What a server's parser says of a statement; nothing where it takes it, or this build has no such parser.
#[cfg(feature = "remote")]
pub(crate) fn server_objection(statement: &str) -> Option<EngineError> {
    use fallible_iterator::FallibleIterator;
    use libsql_sqlite3_parser::lexer::sql::Parser;

    // The one panic that SQLite's syntax is known to reach: its message would be printed.
    if let Some(offset) = cast_to_nothing(statement) {
        return Some(EngineError {
            offset: Some(offset),
            ..placed(statement, PANICS)
        });
    }
    // Others are caught, as a server does.
    let parsed = std::panic::catch_unwind(|| {
        let mut parser = Parser::new(statement.as_bytes());
        parser.next().map(|command| command.is_none_or(is_taken))
    });
    match parsed {
        Err(_) => Some(placed(statement, PANICS)),
        Ok(Ok(true)) => None,
        Ok(Ok(false)) => Some(placed(statement, "unsupported statement: ")),
        Ok(Err(error)) => Some(placed(statement, &error.to_string())),
    }
}

/// See the version of a build that has the parser.
#[cfg(not(feature = "remote"))]
pub(crate) fn server_objection(_statement: &str) -> Option<EngineError> {
    None
}

/// The words of a server where its parser panics.
#[cfg(feature = "remote")]
const PANICS: &str = "unexpected parser error";

/// Where a `CAST` names no type, which SQLite takes.
fn cast_to_nothing(statement: &str) -> Option<usize> {
    let mut tokens = significant(statement).peekable();
    while let Some(token) = tokens.next() {
        let is_end = |next: &sql::Token| next.text(statement) == ")";
        if token.is_word(statement, "as") && tokens.peek().is_some_and(is_end) {
            return Some(token.span.start);
        }
    }
    None
}

/// Whether a server takes a statement, as far as [`Engine::refusal`](super::Engine::refusal) does not decide.
#[cfg(feature = "remote")]
fn is_taken(command: libsql_sqlite3_parser::ast::Cmd) -> bool {
    use libsql_sqlite3_parser::ast::{Cmd, Stmt};

    let Cmd::Stmt(statement) = command else {
        return true;
    };
    let (Stmt::Insert {
        tbl_name: table, ..
    }
    | Stmt::Update {
        tbl_name: table, ..
    }
    | Stmt::Delete {
        tbl_name: table, ..
    }
    | Stmt::DropTable {
        tbl_name: table, ..
    }
    | Stmt::AlterTable(table, _)) = &statement
    else {
        return true;
    };
    let name = &table.name.0;
    !RESERVED.iter().any(|it| name.eq_ignore_ascii_case(it))
}

/// Whether an engine's words are that a text is no SQL.
#[cfg(feature = "remote")]
pub(super) fn is_syntax_error(words: &str) -> bool {
    let known = ["syntax error", "unrecognized token", "incomplete input"];
    known.iter().any(|known| words.contains(known))
}

/// The error of a server's parser, its place as the byte of the statement.
#[cfg(feature = "remote")]
pub(super) fn placed(statement: &str, message: &str) -> EngineError {
    let of = |message: &str, offset| EngineError {
        code: Code::Unsupported,
        message: message.to_owned(),
        offset,
    };
    // The whole statement follows.
    if let Some((words, _)) = message.split_once("unsupported statement: ") {
        let place = reserved(statement).map(|(_, at)| at);
        return of(&format!("{words}unsupported statement"), place);
    }
    let Some((words, position)) = message.rsplit_once(" at (") else {
        return of(message, None);
    };
    let offset = match sql::locate(statement, message) {
        Located::At(offset) => Some(offset),
        Located::Ambiguous(_) | Located::Unknown => byte(statement, position),
    };
    of(words, offset)
}

/// The byte of `LINE, COLUMN)`.
#[cfg(feature = "remote")]
fn byte(statement: &str, position: &str) -> Option<usize> {
    let (line, column) = position.strip_suffix(')')?.split_once(", ")?;
    let (line, column): (usize, usize) = (line.parse().ok()?, column.parse().ok()?);
    let mut lines = statement.split_inclusive('\n');
    let before: usize = lines
        .by_ref()
        .take(line.checked_sub(1)?)
        .map(str::len)
        .sum();
    let offset = before + column.checked_sub(1)?;
    statement.is_char_boundary(offset).then_some(offset)
}

/// The reserved table that is named, and where.
fn reserved(statement: &str) -> Option<(&'static str, usize)> {
    significant(statement).find_map(|token| {
        let name = unquote(token.text(statement));
        let known = RESERVED.iter().find(|it| it.eq_ignore_ascii_case(&name))?;
        Some((*known, token.span.start))
    })
}

/// How to write a statement that a server refuses with these words at this byte.
pub(crate) fn instead(statement: &str, words: &str, offset: Option<usize>) -> String {
    if words.contains("unsupported statement") {
        return match reserved(statement) {
            Some((name, _)) => format!(
                "the server keeps the table name {name} for itself, and changes no such table: give the table another name"
            ),
            None => "the server does not take such a statement: take it out, or run it where the database is a file"
                .to_owned(),
        };
    }
    let at = offset.unwrap_or_default();
    let here = significant(statement).find(|token| token.span.end > at);
    let is = |word: &str| here.as_ref().is_some_and(|it| it.is_word(statement, word));
    let number = here.as_ref().map_or("", |token| token.text(statement));
    let has = |word: &str| significant(statement).any(|it| it.is_word(statement, word));
    // Of a dump only the words are at hand.
    if is("order") || words.starts_with("near ORDER,") {
        return "sort the rows in a subquery, and aggregate its rows: `SELECT group_concat(name, ',') FROM (SELECT name \
                FROM t ORDER BY name)`"
            .to_owned();
    }
    if is("having") || words.starts_with("near HAVING,") {
        return "HAVING needs GROUP BY there: add one, or put the condition into a query around this one: `SELECT n FROM \
                (SELECT count(*) AS n FROM t) WHERE n > 1`"
            .to_owned();
    }
    let is_number = words.contains("bad number") || words.contains("malformed hex");
    if is_number && number.contains('_') {
        let plain = number.replace('_', "");
        return format!("write the number without `_`: {plain}");
    }
    if cast_to_nothing(statement).is_some() {
        return "name the type: `CAST(x AS NUMERIC)`".to_owned();
    }
    if words.contains("block comment") {
        return "end the comment with `*/`".to_owned();
    }
    let before = statement.get(..at).unwrap_or_default();
    if has("raise") && before.to_ascii_lowercase().contains("raise") {
        return "the message of RAISE must be one literal text there: `RAISE(ABORT, 'the stock is too low')`".to_owned();
    }
    if has("within") {
        return "WITHIN GROUP does not exist there: sort the rows in a subquery, and pick the one of the wanted rank"
            .to_owned();
    }
    "write it with syntax that SQLite 3.38 (2022) has".to_owned()
}

#[cfg(all(test, feature = "remote"))]
mod tests {
    use super::*;

    /// Statements that sqld 0.24 takes.
    const TAKEN: &[&str] = &[
        "SELECT * FROM t LIMIT 2, 1",
        "SELECT group_concat(a, ';') FILTER (WHERE a > 1) FROM t",
        "SELECT sum(a) OVER (ORDER BY b GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM t",
        "WITH a AS NOT MATERIALIZED (SELECT 1) SELECT * FROM a",
        "SELECT a -> '$.x', a ->> 'x', a IS NOT DISTINCT FROM b FROM t FULL OUTER JOIN u ON 1",
        "CREATE TABLE k (a ANY, b AS (a) STORED) STRICT, WITHOUT ROWID",
        "CREATE VIRTUAL TABLE f USING fts5(a, b, content='t', tokenize = 'porter unicode61')",
        "CREATE INDEX i ON t (libsql_vector_idx(e, 'metric=cosine'))",
        "CREATE TRIGGER g BEFORE UPDATE OF a ON t WHEN new.a <> old.a BEGIN SELECT RAISE(ABORT, 'x'); END",
        "INSERT INTO t (a) VALUES (1) ON CONFLICT (a) WHERE b DO UPDATE SET a = 1 WHERE 1 RETURNING *",
        "UPDATE t SET (a, b) = (SELECT 1, 2) FROM u ORDER BY a LIMIT 2",
        "ALTER TABLE t ALTER COLUMN a TO a TEXT NOT NULL",
        "CREATE TABLE _litestream_seq (id)",
        "SELECT * FROM _litestream_seq",
        "DELETE FROM \"_litestream_seq\"",
        "SELECT 'a_1', a_1, \"1_000\" FROM t",
        "SELECT CAST(1 AS INT) AS x",
        "-- é\nSELECT 1 /* ORDER BY */",
    ];

    #[test]
    fn what_a_server_takes_raises_no_alarm() {
        for statement in TAKEN {
            assert_eq!(server_objection(statement), None, "{statement}");
        }
    }

    #[test]
    fn an_objection_has_a_place_and_another_way() {
        for (statement, words, at, how) in [
            (
                "SELECT 'é',\n json_group_array(a ORDER BY b) FROM t",
                "near ORDER, \"None\": syntax error",
                "ORDER",
                "in a subquery",
            ),
            (
                "SELECT count(*) FROM t HAVING 1",
                "near HAVING, \"None\": syntax error",
                "HAVING",
                "GROUP BY",
            ),
            (
                "SELECT 'é', 1_000",
                "bad number",
                "1_000",
                "without `_`: 1000",
            ),
            (
                "SELECT 0x1_F",
                "malformed hex integer",
                "0x1_F",
                "without `_`: 0x1F",
            ),
            (
                "CREATE TRIGGER g AFTER DELETE ON t BEGIN SELECT RAISE(FAIL, old.a); END",
                "near DOT, \"None\": syntax error",
                ".a",
                "one literal text",
            ),
            (
                "ALTER TABLE _litestream_lock RENAME TO x",
                "unsupported statement",
                "_lite",
                "another name",
            ),
            (
                "SELECT CAST(1 AS)",
                "unexpected parser error",
                "AS)",
                "CAST(x AS NUMERIC)",
            ),
            (
                "SELECT p(0.5) WITHIN GROUP (ORDER BY a) FROM t",
                "near LP, \"None\": syntax error",
                "(ORDER",
                "WITHIN GROUP",
            ),
        ] {
            let error = server_objection(statement).unwrap();
            assert_eq!(error.code, Code::Unsupported, "{statement}");
            assert_eq!(error.message, words, "{statement}");
            assert_eq!(error.offset, statement.find(at), "{statement}");
            let help = instead(statement, &error.message, error.offset);
            assert!(help.contains(how), "{statement}: {help}");
        }
    }
}
