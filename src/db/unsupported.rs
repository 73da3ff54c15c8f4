//! Statements that SQLite can parse and a libSQL server cannot: where in the statement the server's parser objects, and
//! how to write it otherwise. Pure.
//!
//! The parser is that of <https://github.com/tursodatabase/libsql/tree/main/vendored/sqlite3-parser>, which has the syntax
//! of SQLite 3.38, and the statements that the server takes are in
//! <https://github.com/tursodatabase/libsql/blob/main/libsql-server/src/query_analysis.rs>.

use super::{Code, EngineError};
use crate::sql::{self, Located, significant};

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

    // It has unwraps that odd texts reach, and a server catches them too.
    let parsed = std::panic::catch_unwind(|| {
        let mut parser = Parser::new(statement.as_bytes());
        parser.next().map(|command| command.is_none_or(is_taken))
    });
    match parsed {
        Err(_) => Some(placed(statement, "unexpected parser error")),
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

/// Whether a server takes a statement, as far as [`Engine::refusal`](super::Engine::refusal) does not decide.
#[cfg(feature = "remote")]
fn is_taken(command: libsql_sqlite3_parser::ast::Cmd) -> bool {
    use libsql_sqlite3_parser::ast::{Cmd, Stmt};

    let Cmd::Stmt(statement) = command else {
        return true;
    };
    let (Stmt::Insert { tbl_name: table, .. }
    | Stmt::Update { tbl_name: table, .. }
    | Stmt::Delete { tbl_name: table, .. }
    | Stmt::DropTable { tbl_name: table, .. }
    | Stmt::AlterTable(table, _)) = &statement
    else {
        return true;
    };
    let is_it = |reserved: &&str| table.name.0.eq_ignore_ascii_case(reserved);
    !RESERVED.iter().any(|reserved| is_it(&reserved))
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
        return of(&format!("{words}unsupported statement"), reserved(statement));
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
    let before: usize = lines.by_ref().take(line.checked_sub(1)?).map(str::len).sum();
    let offset = before + column.checked_sub(1)?;
    statement.is_char_boundary(offset).then_some(offset)
}

/// Where a reserved table is named.
#[cfg(feature = "remote")]
fn reserved(statement: &str) -> Option<usize> {
    let named = |name: &str| significant(statement).find(|token| token.is_word(statement, name));
    let token = RESERVED.iter().find_map(|name| named(name))?;
    Some(token.span.start)
}

/// How to write a statement that a server refuses with these words at this byte.
pub(crate) fn instead(statement: &str, words: &str, offset: Option<usize>) -> String {
    if let Some(name) = RESERVED
        .iter()
        .find(|name| significant(statement).any(|it| it.is_word(statement, name)))
        && words.contains("unsupported statement")
    {
        return format!(
            "the server keeps the table name {name} for itself, and changes no such table: give the table another name"
        );
    }
    if words.contains("unsupported statement") {
        return "the server does not take such a statement: take it out, or run it where the database is a file"
            .to_owned();
    }
    let at = offset.unwrap_or_default();
    let here = significant(statement).find(|token| token.span.end > at);
    let is = |word: &str| here.as_ref().is_some_and(|it| it.is_word(statement, word));
    let number = here.as_ref().map_or("", |token| token.text(statement));
    let has = |word: &str| significant(statement).any(|it| it.is_word(statement, word));
    if is("order") {
        return "sort the rows in a subquery, and aggregate its rows: `SELECT group_concat(name, ',') FROM (SELECT name \
                FROM t ORDER BY name)`"
            .to_owned();
    }
    if is("having") {
        return "HAVING needs GROUP BY there: add one, or put the condition into a query around this one: `SELECT n FROM \
                (SELECT count(*) AS n FROM t) WHERE n > 1`"
            .to_owned();
    }
    if words.contains("bad number") || words.contains("malformed hex") {
        if number.contains('_') {
            return format!(
                "write the number without `_`: {}",
                number.replace('_', "")
            );
        }
    }
    if words.contains("block comment") {
        return "end the comment with `*/`".to_owned();
    }
    if has("raise") && statement[..at].to_ascii_lowercase().contains("raise") {
        return "the message of RAISE must be one literal text there: `RAISE(ABORT, 'the stock is too low')`".to_owned();
    }
    if has("within") {
        return "WITHIN GROUP does not exist there: sort the rows in a subquery, and pick the one of the wanted rank"
            .to_owned();
    }
    "write the marked part with syntax that SQLite 3.38 (2022) has".to_owned()
}
