//! A text into its statements. It finds where statements end, triggers included, and judges nothing else:
//! whether a statement is right is the engine's to say. Which semicolon ends a statement is decided
//! in `end.rs`.

use super::end::Progress;
use super::token::{LexError, LexErrorKind, Token, TokenKind, tokens};
use std::ops::Range;

/// One statement of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// From the first to the last token that is no space, comment or closing semicolon; in bytes of the
    /// text that was split.
    pub span: Range<usize>,
}

impl Statement {
    /// The statement as written; `source` is the text that was split.
    pub fn text<'a>(&self, source: &'a str) -> &'a str {
        source.get(self.span.clone()).unwrap_or_default()
    }
}

/// Why a text cannot be split.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SplitError {
    /// Something in it is no token.
    #[error(transparent)]
    Lex(#[from] LexError),
    /// A trigger whose body has no `; END`.
    #[error("the trigger is never closed: `; END` is missing after the last statement of its body")]
    UnterminatedTrigger {
        /// From its `CREATE` to the end of the text.
        span: Range<usize>,
    },
}

impl SplitError {
    /// The byte to point at.
    pub fn offset(&self) -> usize {
        match self {
            SplitError::Lex(error) => error.offset,
            SplitError::UnterminatedTrigger { span } => span.start,
        }
    }
}

/// The statements of `sql`, without the semicolons, spaces and comments around them; what is empty then is
/// left out. The last one needs no semicolon.
///
/// # Errors
/// All that is no token, and a trigger that is never closed.
pub fn split(sql: &str) -> Result<Vec<Statement>, Vec<SplitError>> {
    split_tokens(sql, tokens(sql))
}

/// The same with the [`tokens`] of `sql`, for a caller that looks at them as they are read.
pub(crate) fn split_tokens(
    sql: &str,
    tokens: impl Iterator<Item = Result<Token, LexError>>,
) -> Result<Vec<Statement>, Vec<SplitError>> {
    let mut statements = Vec::new();
    let mut errors = Vec::new();
    let mut state = Progress::Start;
    let mut span = 0..0;
    for item in tokens {
        let token = match item {
            Ok(token) => token,
            Err(error) => {
                errors.push(error);
                continue;
            }
        };
        match token.kind {
            TokenKind::Space | TokenKind::Comment => continue,
            TokenKind::Semicolon if state == Progress::Start => continue,
            TokenKind::Semicolon if !state.is_in_body() => {
                statements.push(Statement { span: span.clone() });
                state = Progress::Start;
                continue;
            }
            _ => {}
        }
        if state == Progress::Start {
            span.start = token.span.start;
        }
        span.end = token.span.end;
        if state != Progress::Plain {
            state = state.after(token.text(sql).as_bytes());
        }
    }
    // What is never closed took the rest of the text with it; the trigger around it may well be right.
    let swallowed = errors.last().is_some_and(|error: &LexError| {
        use LexErrorKind::{UnterminatedComment, UnterminatedName, UnterminatedString};
        matches!(
            error.kind,
            UnterminatedString | UnterminatedName { .. } | UnterminatedComment
        )
    });
    let mut errors: Vec<_> = errors.into_iter().map(SplitError::Lex).collect();
    match state {
        Progress::Start => {}
        _ if state.is_in_body() && swallowed => {}
        _ if state.is_in_body() => {
            errors.push(SplitError::UnterminatedTrigger {
                span: span.start..sql.len(),
            });
        }
        _ => statements.push(Statement { span }),
    }
    if errors.is_empty() {
        Ok(statements)
    } else {
        Err(errors)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{fingerprint, tokens};
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(sql: &str, expect: &[&str]) {
        let statements = split(sql).unwrap();
        let texts: Vec<_> = statements
            .iter()
            .map(|statement| statement.text(sql))
            .collect();
        assert_eq!(texts, expect, "{sql:?}");
    }

    #[track_caller]
    fn is_error(sql: &str, expect: &[(usize, &str)]) {
        let errors = split(sql).unwrap_err();
        let errors: Vec<_> = errors
            .iter()
            .map(|error| (error.offset(), error.to_string()))
            .collect();
        let errors: Vec<_> = errors
            .iter()
            .map(|(offset, text)| (*offset, text.as_str()))
            .collect();
        assert_eq!(errors, expect, "{sql:?}");
    }

    #[test]
    fn a_statement_has_no_semicolon_and_nothing_around_it() {
        check("SELECT 1; SELECT 2", &["SELECT 1", "SELECT 2"]);
        check(" -- a\n SELECT 1 /* b */ ; -- c\n", &["SELECT 1"]);
        check("SELECT /* in */ 1;", &["SELECT /* in */ 1"]);
        check("\u{feff}SELECT 1;\r\n", &["SELECT 1"]);
    }

    #[test]
    fn what_is_empty_is_left_out() {
        check("", &[]);
        check(" ;; -- a\n ; /* b */", &[]);
        check(";;SELECT 1;;;SELECT 2;;", &["SELECT 1", "SELECT 2"]);
    }

    #[test]
    fn a_semicolon_in_quotes_or_comments_ends_nothing() {
        check(
            "SELECT ';', \";\", [;], `;` -- ;\n, 1 /* ; */",
            &["SELECT ';', \";\", [;], `;` -- ;\n, 1"],
        );
        check(
            "SELECT 'it''s;'; SELECT 2",
            &["SELECT 'it''s;'", "SELECT 2"],
        );
    }

    #[test]
    fn a_trigger_ends_with_its_end() {
        let triggers = [
            "CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END",
            "create temp trigger r delete on t begin select 1; select 2 ; end",
            "CREATE TEMPORARY TRIGGER IF NOT EXISTS r DELETE ON t BEGIN SELECT 1; END",
            "EXPLAIN CREATE TRIGGER r DELETE ON t BEGIN SELECT 1; END",
            "EXPLAIN QUERY PLAN CREATE TRIGGER r DELETE ON t BEGIN SELECT 1; END",
            "CREATE/**/TRIGGER r DELETE ON t BEGIN SELECT ';END;'; /* ;END; */ SELECT 2; -- ;END;\n END",
            "CREATE TRIGGER r DELETE ON t BEGIN UPDATE t SET a = CASE WHEN 1 THEN 2 ELSE 3 END; SELECT CASE 1 WHEN 1 THEN CASE 2 WHEN 2 THEN 3 END END; END",
            "CREATE TRIGGER r UPDATE OF a, b ON t WHEN CASE NEW.a WHEN 1 THEN 1 END BEGIN SELECT 1; END",
            // Bare begin and end are names too, wherever a name can be.
            "CREATE TRIGGER begin AFTER UPDATE OF begin, end ON end WHEN NEW.end BEGIN SELECT end, begin FROM end; SELECT NEW.end; END",
            "CREATE TRIGGER r DELETE ON t BEGIN SELECT \"end\"; SELECT [end]; END",
            "CREATE TRIGGER r DELETE ON t BEGIN SELECT 1;; END",
            "CREATE TRIGGER r DELETE ON t BEGIN END",
        ];
        for trigger in triggers {
            check(
                &format!("SELECT 0; {trigger}; SELECT 9;"),
                &["SELECT 0", trigger, "SELECT 9"],
            );
            check(trigger, &[trigger]);
        }
    }

    #[test]
    fn begin_and_end_elsewhere_are_statements_or_names() {
        check(
            "BEGIN; SELECT 1; END; SELECT 2",
            &["BEGIN", "SELECT 1", "END", "SELECT 2"],
        );
        check(
            "CREATE TABLE t (end, begin, trigger); SELECT 1",
            &["CREATE TABLE t (end, begin, trigger)", "SELECT 1"],
        );
        check(
            "CREATE TABLE trigger (a); SELECT 1",
            &["CREATE TABLE trigger (a)", "SELECT 1"],
        );
        check(
            "CREATE \"TRIGGER\" x; SELECT 1",
            &["CREATE \"TRIGGER\" x", "SELECT 1"],
        );
        check(
            "SELECT CASE WHEN 1 THEN 2 END; SELECT 1",
            &["SELECT CASE WHEN 1 THEN 2 END", "SELECT 1"],
        );
    }

    #[test]
    fn a_wrong_trigger_does_not_swallow_what_follows() {
        check(
            "CREATE TRIGGER r DELETE ON t; SELECT 1;",
            &["CREATE TRIGGER r DELETE ON t", "SELECT 1"],
        );
        check(
            "CREATE TRIGGER r DELETE ON t BEGIN SELECT 1; END SELECT 2; SELECT 3;",
            &[
                "CREATE TRIGGER r DELETE ON t BEGIN SELECT 1; END SELECT 2",
                "SELECT 3",
            ],
        );
    }

    #[test]
    fn a_trigger_that_is_never_closed_is_an_error_at_its_create() {
        let message =
            "the trigger is never closed: `; END` is missing after the last statement of its body";
        is_error(
            "SELECT 1; CREATE TRIGGER r DELETE ON t BEGIN SELECT 1; SELECT 2;",
            &[(10, message)],
        );
        is_error(
            "CREATE TRIGGER r DELETE ON t BEGIN SELECT 1 END;",
            &[(0, message)],
        );
        is_error(
            "CREATE TRIGGER r DELETE ON t BEGIN SELECT 1; \"END\";",
            &[(0, message)],
        );
    }

    #[test]
    fn all_that_is_no_token_is_reported_at_once() {
        is_error(
            "SELECT 1x; SELECT x'0'; SELECT 'a",
            &[
                (7, "the number runs into a word"),
                (
                    18,
                    "the blob is malformed: x'…' takes pairs of hexadecimal digits",
                ),
                (31, "the string is never closed: a ' is missing"),
            ],
        );
        is_error(
            "SELECT 'a\0b'; SELECT 1",
            &[(9, "a NUL byte, which engines take as the end of the text")],
        );
        is_error(
            "SELECT 1; /* a",
            &[(10, "the comment is never closed: a */ is missing")],
        );
        is_error(
            "SELECT \"a;",
            &[(7, "the quoted name is never closed: a \" is missing")],
        );
    }

    #[test]
    fn what_is_never_closed_in_a_trigger_is_one_error_not_two() {
        is_error(
            "CREATE TRIGGER r DELETE ON t BEGIN SELECT 'a; END;",
            &[(42, "the string is never closed: a ' is missing")],
        );
    }

    #[test]
    fn a_hundred_thousand_statements_split_in_linear_time() {
        let sql = "INSERT INTO t (a, b) VALUES (1, 'it''s; so');\n".repeat(100_000);
        assert_eq!(split(&sql).unwrap().len(), 100_000);
    }

    /// Texts made of pieces that matter here.
    fn texts() -> impl Strategy<Value = String> {
        let pieces = prop::sample::select(vec![
            "SELECT", "1", ";", ";", "'a;'", "\"end\"", "END", "BEGIN", "CREATE", "TRIGGER",
            "TEMP", "CASE", "EXPLAIN", "(", ")", ",", "é", "-- c ;\n", "/* ; */", "\n",
        ]);
        prop::collection::vec(pieces, 0..30).prop_map(|pieces| pieces.join(" "))
    }

    fn prints(sql: &str) -> Option<Vec<String>> {
        let statements = split(sql).ok()?;
        Some(
            statements
                .iter()
                .map(|statement| fingerprint(statement.text(sql)))
                .collect(),
        )
    }

    proptest! {
        #[test]
        fn splitting_is_the_same_with_other_comments_and_line_ends(sql in texts()) {
            let mut noisy = String::new();
            for token in tokens(&sql).flatten() {
                noisy.push_str(token.text(&sql));
                noisy.push_str("/* ; END ; */ -- ; '\n");
            }
            prop_assert_eq!(prints(&noisy), prints(&sql));
            prop_assert_eq!(prints(&sql.replace('\n', "\r\n")), prints(&sql));
        }

        #[test]
        fn splitting_its_own_output_changes_nothing(sql in texts()) {
            let Ok(statements) = split(&sql) else { return Ok(()) };
            let texts: Vec<_> = statements.iter().map(|statement| statement.text(&sql)).collect();
            for text in &texts {
                let again = split(text).unwrap();
                prop_assert_eq!(again, [Statement { span: 0..text.len() }]);
            }
            let joined = texts.join(";\n");
            let again = split(&joined).unwrap();
            let again: Vec<_> = again.iter().map(|statement| statement.text(&joined)).collect();
            prop_assert_eq!(again, texts);
        }
    }
}
