//! Where a `;` is missing in a statement that an engine refuses: only where the statements are ones with it, to the parser
//! of a libSQL server. Builds without that parser say nothing. Pure.

use super::unsupported::server_objection;
use crate::script::Origin;
use crate::sql::{significant, split};

/// How many statements in a row may lack their semicolon.
const MOST: usize = 16;

/// Where the semicolon belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    /// At this byte, between two statements.
    Between(usize),
    /// At this byte, in the body of a trigger.
    Inside(usize),
}

/// What to do about a statement that an engine refuses with these words at this byte, where it only lacks a semicolon.
pub(crate) fn missing_semicolon(
    statement: &Origin,
    words: &str,
    offset: Option<usize>,
) -> Option<String> {
    if !cfg!(feature = "remote") || !words.contains("syntax error") {
        return None;
    }
    // Where a semicolon is missing before a trigger, the statement ends in the middle of its body: the file has the rest.
    let text = statement.source.text.get(statement.span.start..)?;
    let place = |behind: usize| {
        let source = statement.source.clone();
        let at = statement.span.start + behind;
        let name = source.name.clone();
        let place = Origin {
            source,
            span: at..at,
        }
        .place();
        format!("{name}:{}:{}", place.line, place.column)
    };
    Some(match missing(text, offset?, MOST)? {
        Missing::Between(behind) => format!(
            "if a new statement begins here, end the one before it with `;` ({}): both compile then",
            place(behind)
        ),
        Missing::Inside(behind) => format!(
            "end the statement before it with `;` ({}): the trigger compiles then",
            place(behind)
        ),
    })
}

/// The missing semicolon before the token at `offset`, if all statements up to there compile with it.
fn missing(text: &str, offset: usize, most: usize) -> Option<Missing> {
    let behind = significant(text.get(..offset)?).last()?.span.end;
    let (before, rest) = text.split_at(behind);
    let mended = format!("{before};{rest}");
    let statements = split(&mended).ok()?;
    let first = statements.first()?;
    if server_objection(first.text(&mended)).is_some() {
        return None;
    }
    if first.span.end > behind + 1 {
        return Some(Missing::Inside(behind));
    }
    let next = statements.get(1)?;
    let is_fine = match server_objection(next.text(&mended)) {
        None => true,
        Some(error) => {
            let most = most.checked_sub(1)?;
            missing(&mended[next.span.start..], error.offset?, most).is_some()
        }
    };
    is_fine.then_some(Missing::Between(behind))
}

#[cfg(all(test, feature = "remote"))]
mod tests {
    use super::*;

    /// `^` stands before the token that the engine refuses.
    #[track_caller]
    fn check(marked: &str, expect: Option<Missing>) {
        let offset = marked.find('^').unwrap();
        assert_eq!(
            missing(&marked.replacen('^', "", 1), offset, MOST),
            expect,
            "{marked}"
        );
    }

    #[test]
    fn a_semicolon_is_missing_where_both_statements_compile_with_it() {
        for (marked, expect) in [
            ("CREATE TABLE a (x)\n^CREATE TABLE b (y);", 18),
            ("CREATE TABLE a (x) -- of a\n^INSERT INTO a VALUES (1);", 18),
            ("UPDATE a SET x = 1 ^DELETE FROM a", 18),
            // More are missing further down.
            (
                "CREATE TABLE a (x)\n^CREATE TABLE b (y)\nCREATE TABLE c (z);",
                18,
            ),
            // Behind it the body of a trigger begins.
            (
                "CREATE TABLE a (x)\n^CREATE TRIGGER g AFTER INSERT ON a BEGIN DELETE FROM a; END;",
                18,
            ),
        ] {
            check(marked, Some(Missing::Between(expect)));
        }
        check(
            "CREATE TRIGGER g AFTER INSERT ON a BEGIN DELETE FROM a ^END;",
            Some(Missing::Inside(54)),
        );
    }

    #[test]
    fn no_semicolon_is_missing_where_that_does_not_compile() {
        for marked in [
            "CREATE TABLE a (x) ^TABLE b (y);",
            "INSERT INTO a VALUES (1) ^(2);",
            "INSERT INTO a (x) ^VALUE (1);",
            "DELETE FROM a WHER ^x = 1;",
            "CREATE TABLE a (x) STRICT ^WITHOUT ROWID;",
            "CREATE TABLE a (x, ^CREATE TABLE b (y);",
            "SELECT 'a' FROM ^SELECT 1;",
            "^SELEC 1;",
            "CREATE TRIGGER g AFTER INSERT ON a BEGIN UPDATE a SET x = (1 ^END;",
            "CREATE TABLE a (x)\n^CREATE TABLE b (y\nCREATE TABLE c (z);",
        ] {
            check(marked, None);
        }
    }
}
