//! Headings that divide a file into what applies a migration and what undoes it: `-- Up` and `-- Down`, in any words and
//! decoration that tools and people use. It finds headings and decides nothing else. Pure.

use crate::sql::{
    CommentLine, Form, Kind, Statement, TokenKind, kind, significant, split, tokens, unquote,
};

use std::collections::HashMap;

/// What the statements below a heading do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// They apply the migration.
    Up,
    /// They undo it.
    Down,
}

const UP: &[&str] = &[
    "up", "ups", "upgrade", "apply", "do", "forward", "forwards", "migrate",
];

const DOWN: &[&str] = &[
    "down",
    "downs",
    "downgrade",
    "undo",
    "rollback",
    "revert",
    "reverse",
    "backward",
    "backwards",
    "unapply",
];

/// A file that is divided has one of these, in lower case: every word of [`DOWN`] contains one.
pub(super) const WORDS: &[&str] = &[
    "down",
    "undo",
    "rollback",
    "roll back",
    "revert",
    "reverse",
    "backward",
    "unapply",
];

/// Words that may stand beside the direction.
const BESIDE: &[&str] = &[
    "name",
    "geni",
    "migration",
    "migrations",
    "migrate",
    "schema",
    "script",
    "scripts",
    "section",
    "sql",
    "part",
    "steps",
    "direction",
    "region",
    "change",
    "changes",
    "statements",
    "begin",
    "start",
    "goose",
    "dbmate",
    "rambler",
    "shmig",
    "rockhopper",
    "mroll",
    "tern",
    "micrate",
];

/// The headings of a file that holds statements of both directions; none otherwise. A down file holds both only where
/// one of its headings says that what is below applies the migration.
pub(super) fn headings<'a, 'b>(
    text: &str,
    lines: &'b [CommentLine<'a>],
    is_down_file: bool,
) -> Vec<(&'b CommentLine<'a>, Direction)> {
    // A text that cannot be divided into statements does not run.
    let Ok(statements) = split(text) else {
        return Vec::new();
    };
    let mut found: Vec<(usize, Direction)> = Vec::new();
    let mut undoing = None;
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.alone) {
        let of_its_own = direction(line.text);
        let Some(direction) = of_its_own.or(begins_with_down(line.text)) else {
            continue;
        };
        if !is_between(text, &statements, line) {
            continue;
        }
        // With more words it could be prose: then the statements have to show it.
        if of_its_own.is_none() {
            let undoing = undoing.get_or_insert_with(|| undoing_between(text, &statements));
            if is_down_file || !undoing[number_above(&statements, line)] {
                continue;
            }
        }
        found.push((at, direction));
    }
    if !found.iter().any(|(_, it)| *it == Direction::Up) {
        found.retain(|(at, _)| !is_about_comments(text, lines, *at));
    }
    let (mut up, mut down) = (false, false);
    for statement in &statements {
        let above = found.partition_point(|(at, _)| lines[*at].comment.end <= statement.span.start);
        match above.checked_sub(1).map(|above| found[above]) {
            Some((_, Direction::Down)) => down = true,
            Some((_, Direction::Up)) => up = true,
            None => up |= !is_down_file,
        }
    }
    if !(up && down) {
        return Vec::new();
    }
    found
        .into_iter()
        .map(|(at, direction)| (&lines[at], direction))
        .collect()
}

/// The direction that a comment consists of, apart from decoration and a word of a tool: `==== UP ====`, `@Down:`,
/// `migration:downgrade`, `Rollback script`. A sentence has more words.
fn direction(text: &str) -> Option<Direction> {
    let text = text.to_ascii_lowercase().replace("roll back", "rollback");
    // The comments of goose's template, which stay where its markers were removed.
    if text.contains(" section 'up' is executed when this migration is applied") {
        return Some(Direction::Up);
    }
    if text.contains(" section 'down' is executed when this migration is roll") {
        return Some(Direction::Down);
    }
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let bare = text.trim_matches(|c: char| !is_word(c));
    // `tool:up`: the tool may have any name.
    let words = match bare.split_once(':') {
        Some((tool, rest))
            if tool.chars().all(|c| is_word(c) || c == '-') && !rest.starts_with(' ') =>
        {
            rest
        }
        _ => bare,
    };
    let mut directions = Vec::new();
    for word in words.split(|c: char| !c.is_alphanumeric()) {
        if DOWN.contains(&word) {
            directions.push(Direction::Down);
        } else if UP.contains(&word) && !(word == "migrate" && words != word) {
            directions.push(Direction::Up);
        } else if !BESIDE.contains(&word) && !word.chars().all(|c| c.is_ascii_digit()) {
            return None;
        }
    }
    match directions.as_slice() {
        [direction] => Some(*direction),
        _ => None,
    }
}

/// Whether a comment begins as a heading does and goes on: `Down Migration (rollback)`, `down: drop a`, `To undo:`,
/// `Rollback plan:`, `SQL to revert this migration`. A sentence goes on with another word.
fn begins_with_down(text: &str) -> Option<Direction> {
    const BEFORE: [&str; 5] = ["sql", "how", "steps", "to", "migration"];
    const BEHIND: [&str; 6] = ["command", "commands", "plan", "this", "manually", "manual"];
    let text = text.to_ascii_lowercase().replace("roll back", "rollback");
    let mut rest = text.trim_start_matches(|c: char| !c.is_alphanumeric());
    let mut next = || {
        let end = rest
            .find(|c: char| !c.is_alphanumeric())
            .unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        rest = behind.trim_start();
        word
    };
    let first = std::iter::repeat_with(&mut next).find(|word| !BEFORE.contains(word))?;
    let second = next();
    let goes_on_as_one = second.is_empty() || BESIDE.contains(&second) || BEHIND.contains(&second);
    (DOWN.contains(&first) && goes_on_as_one).then_some(Direction::Down)
}

/// How many statements begin above a comment.
fn number_above(statements: &[Statement], line: &CommentLine<'_>) -> usize {
    statements.partition_point(|statement| statement.span.start < line.comment.start)
}

/// For each number of statements, whether a statement behind them removes what one of them made.
fn undoing_between(text: &str, statements: &[Statement]) -> Vec<bool> {
    let mut made: HashMap<String, usize> = HashMap::new();
    let mut changes = vec![0_i32; statements.len() + 1];
    for (at, statement) in statements.iter().enumerate() {
        match effect(statement.text(text)) {
            Some(Effect::Makes(what)) => {
                made.entry(what).or_insert(at);
            }
            Some(Effect::Removes(what)) => {
                if let Some(first) = made.get(&what) {
                    changes[first + 1] += 1;
                    changes[at + 1] -= 1;
                }
            }
            None => {}
        }
    }
    let depth = changes.iter().scan(0, |depth, change| {
        *depth += change;
        Some(*depth > 0)
    });
    depth.collect()
}

/// An object or a column that a statement makes or removes, by a name that is the same in both.
enum Effect {
    Makes(String),
    Removes(String),
}

fn effect(statement: &str) -> Option<Effect> {
    match kind(statement) {
        Kind::Create(object) if !object.is_temporary() => {
            Some(Effect::Makes(object.name.to_ascii_lowercase()))
        }
        Kind::Drop(object) => Some(Effect::Removes(object.name.to_ascii_lowercase())),
        Kind::Alter => {
            // ALTER TABLE name ADD|DROP [COLUMN] column
            let words: Vec<_> = significant(statement).take(6).collect();
            let is =
                |at: usize, word: &str| words.get(at).is_some_and(|it| it.is_word(statement, word));
            let name =
                |at: usize| Some(unquote(words.get(at)?.text(statement)).to_ascii_lowercase());
            let column = name(if is(4, "COLUMN") { 5 } else { 4 })?;
            let column = format!("{}.{column}", name(2)?);
            match (is(3, "ADD"), is(3, "DROP")) {
                (true, _) => Some(Effect::Makes(column)),
                (_, true) => Some(Effect::Removes(column)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Whether a comment stands between statements. Behind the last token of a line it is about that line.
fn is_between(text: &str, statements: &[Statement], line: &CommentLine<'_>) -> bool {
    let comment = &line.comment;
    let Some(before) = number_above(statements, line).checked_sub(1) else {
        return true;
    };
    let before = &statements[before];
    let Some(gap) = text.get(before.span.end..comment.start) else {
        return false;
    };
    let ended = tokens(gap)
        .flatten()
        .any(|token| token.kind == TokenKind::Semicolon);
    let rest = text[comment.end..].trim_start_matches(|c: char| c.is_whitespace() && c != '\n');
    let ends_line = line.form == Form::Line || rest.is_empty() || rest.starts_with('\n');
    ended && (gap.contains('\n') || !ends_line)
}

/// Whether what a heading is about are statements in comments directly below it, and an empty line follows them: how
/// one statement would be undone, in words for people.
fn is_about_comments(text: &str, lines: &[CommentLine<'_>], heading: usize) -> bool {
    let mut end = lines[heading].comment.end;
    let mut is_statement = false;
    for line in &lines[heading + 1..] {
        // Further lines of a block comment begin before its end.
        let gap = text.get(end..line.comment.start).unwrap_or_default();
        if gap.trim() != "" || gap.matches('\n').count() > 1 {
            break;
        }
        end = line.comment.end;
        is_statement |= line.text.ends_with(';');
    }
    is_statement && {
        let mut below = text[end..].split('\n').skip(1);
        below.next().is_none_or(|line| line.trim().is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::comment_lines;

    fn found(text: &str, is_down_file: bool) -> usize {
        headings(text, &comment_lines(text), is_down_file).len()
    }

    #[test]
    fn headings_of_both_directions_divide_a_file() {
        for (up, down) in [
            ("-- Up", "-- Down"),
            ("-- Up Migration", "-- Down Migration"),
            ("-- Migration Up", "-- Migration Down"),
            ("-- +up", "-- +down"),
            ("-- ====  UP  ====", "-- ==== DOWN ===="),
            ("-- === up ===", "-- === down ==="),
            ("--- migration:up", "--- migration:down"),
            ("-- migration:upgrade", "-- migration:downgrade"),
            ("-- @UP", "-- @DOWN"),
            ("-- Up:", "-- Down:"),
            ("/* Up */", "/* Down */"),
            ("/*****\n * UP\n *****/", "/* ======\n   DOWN\n   ====== */"),
            (
                "-- ======\n-- UP\n-- ======",
                "-- ======\n-- DOWN\n-- ======",
            ),
            ("-- some_tool:up", "-- some_tool:down"),
            ("-- 1. Apply", "-- 2. Roll back"),
            ("-- >>> forwards", "-- <<< backwards"),
            ("--UP", "--ROLLBACK"),
            ("-- Apply", "-- Unapply"),
            (
                "-- SQL in section 'Up' is executed when this migration is applied",
                "-- SQL section 'Down' is executed when this migration is rolled back",
            ),
        ] {
            for text in [
                format!("{up}\nCREATE TABLE a (x);\n\n{down}\nDROP TABLE a;\n"),
                format!(
                    "{up}\nBEGIN;\nCREATE TABLE a (x);\nCOMMIT;\n{down}\nBEGIN;\nDROP TABLE a;\nCOMMIT;\n"
                ),
                format!("{down}\nDROP TABLE a;\n{up}\nCREATE TABLE a (x);"),
            ] {
                for is_down_file in [false, true] {
                    assert_eq!(found(&text, is_down_file), 2, "{text}");
                }
            }
        }
        assert_eq!(
            found(
                "/* Up */ CREATE TABLE a (x); /* Down */ DROP TABLE a;",
                false
            ),
            2
        );
    }

    #[test]
    fn a_down_heading_below_statements_and_above_others_divides_a_file() {
        for down in [
            "-- UNDO",
            "-- ROLLBACK",
            "-- Revert:",
            "-- down",
            "/* Undo */",
        ] {
            let text = format!("CREATE TABLE a (x);\n{down}\n-- drop the table;\nDROP TABLE a;\n");
            assert_eq!(found(&text, false), 1, "{text}");
            // There, all of it undoes the migration.
            assert_eq!(found(&text, true), 0, "{text}");
        }
    }

    #[test]
    fn a_heading_with_more_words_divides_where_what_is_below_undoes_what_is_above() {
        for down in [
            "-- Down Migration (rollback)",
            "-- DOWN (run manually)",
            "-- Down (revert)",
            "-- DOWN migration - reverse the changes",
            "-- Down - drop a",
            "-- down: drop a",
            "-- To rollback:",
            "-- To roll back:",
            "-- To undo:",
            "-- To revert this migration:",
            "-- Rollback (if needed)",
            "-- Rollback commands:",
            "-- Rollback plan:",
            "-- SQL to undo",
            "-- name: down",
            "-- geni down",
            "-- direction: down",
            "-- region Down",
            "-- Migration Down: drop users",
            "-- MIGRATION DOWN - x",
            "/* Down: remove it again */",
        ] {
            for (up, undo) in [
                ("CREATE TABLE a (i);", "DROP TABLE a;"),
                ("CREATE INDEX \"A\" ON t (x);", "DROP INDEX IF EXISTS a;"),
                ("ALTER TABLE t ADD COLUMN x;", "ALTER TABLE t DROP x;"),
            ] {
                let text =
                    format!("{up}\nINSERT INTO t VALUES (1);\n\n{down}\n-- all of it\n{undo}\n");
                assert_eq!(found(&text, false), 1, "{text}");
            }
        }
        for comment in [
            "-- down the road",
            "-- undo the work table",
            "-- Reverse the order",
            "-- rollback is not possible",
            "-- users.down: no",
            "-- downstream: a",
        ] {
            let text = format!("CREATE TABLE a (i);\n{comment}\nDROP TABLE a;");
            assert_eq!(found(&text, false), 0, "{text}");
        }
        for text in [
            "CREATE TABLE a (i);\n-- Down: count from 9 to 1\nINSERT INTO a VALUES (9);",
            "CREATE TEMP TABLE a (i);\n-- Rollback: not needed\nDROP TABLE a;",
            "CREATE TABLE a (i);\n-- Rollback:\n-- DROP TABLE a;\n\nCREATE TABLE b (i);",
            "CREATE TABLE a (i,\n-- down: less\n down);\nDROP TABLE a;",
            "CREATE TABLE w (i);\nDROP TABLE w;\n-- Down: the other direction\nCREATE TABLE b (i);",
        ] {
            assert_eq!(found(text, false), 0, "{text}");
        }
    }

    #[test]
    fn a_heading_without_statements_or_without_others_divides_nothing() {
        for text in [
            "-- Down\nSELECT 1;",
            "-- Up\nSELECT 1;",
            "-- Down\n-- Up\nSELECT 1;",
            "-- Up\nSELECT 1;\n-- Down\n",
            "-- Up\n-- Down\nSELECT 1;\nSELECT 2;",
        ] {
            assert_eq!(found(text, false), 0, "{text}");
        }
    }

    #[test]
    fn a_comment_within_or_behind_a_statement_is_no_heading() {
        for text in [
            "CREATE TABLE links(up INTEGER, -- up\n down INTEGER -- down\n);\nSELECT 1;",
            "CREATE TABLE links(\n -- up\n up INTEGER,\n -- down\n down INTEGER\n);\nSELECT 1;",
            "INSERT INTO dir VALUES (1,'u'), -- Up\n (2,'d'); -- Down\nSELECT 1;",
            "INSERT INTO dir VALUES (1); -- Up\nINSERT INTO dir VALUES (2); -- Down\nSELECT 1;",
            "SELECT 1; /* Up */\nSELECT 2; /* Down */\nSELECT 3;",
            "SELECT 1\n-- Down\n;\nSELECT 2;",
            "CREATE TRIGGER t AFTER INSERT ON a BEGIN\n-- up\nSELECT 1;\n-- down\nSELECT 2;\nEND;\nSELECT 3;",
        ] {
            assert_eq!(found(text, false), 0, "{text}");
        }
    }

    #[test]
    fn a_sentence_and_what_is_about_comments_are_no_headings() {
        for comment in [
            "-- down the road",
            "-- scroll down",
            "-- step down",
            "-- SQL in section 'Up' is executed when this migration is applied",
            "-- up/down",
            "-- users.down",
            "-- status: down",
            "-- undo log",
            "-- rollback is not possible",
            "--rollback DROP TABLE a;",
            "/* Rollback:\n DROP TABLE a;\n */",
            "-- Rollback:\n--   DROP TABLE a;\n",
            "-- Rollback\n-- ALTER TABLE a\n--   DROP COLUMN x;\n",
        ] {
            let text = format!("CREATE TABLE a (x);\n{comment}\nCREATE TABLE b (x);\n");
            assert_eq!(found(&text, false), 0, "{text}");
        }
    }
}
