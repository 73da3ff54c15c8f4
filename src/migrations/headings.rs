//! Headings that divide a file into what applies a migration and what undoes it: `-- Up` and `-- Down`, in any words and
//! decoration that tools and people use. It finds headings and decides nothing else. Pure.

use super::undoing::{Heading, undoes};
use crate::sql::{CommentLine, Form, Statement, TokenKind, split, tokens};

use std::ops::Range;

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
    let mut found: Vec<Found> = Vec::new();
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.alone) {
        let of_its_own = direction(line.text);
        let Some(direction) = of_its_own.or(begins_with_down(line.text)) else {
            continue;
        };
        let with_words = of_its_own.is_none();
        if !(with_words && is_down_file) && is_between(text, &statements, line) {
            found.push(Found {
                at,
                direction,
                with_words,
            });
        }
    }
    let is_up = |it: &Found| it.direction == Direction::Up;
    if !found.iter().any(is_up) {
        found.retain(|it| !is_about_comments(text, lines, it.at));
    }
    // A word proves nothing: the statements have to show that they undo the others.
    let titles = titles(text, lines, &statements, &found);
    found.retain(|it| !titles.contains(&it.at));
    let (mut up, mut down) = (false, false);
    for statement in &statements {
        let above = found.partition_point(|it| lines[it.at].comment.end <= statement.span.start);
        match above.checked_sub(1).map(|above| found[above].direction) {
            Some(Direction::Down) => down = true,
            Some(Direction::Up) => up = true,
            None => up |= !is_down_file,
        }
    }
    if !(up && down) {
        return Vec::new();
    }
    found
        .into_iter()
        .map(|it| (&lines[it.at], it.direction))
        .collect()
}

/// A comment that may be a heading.
#[derive(Debug, Clone, Copy)]
struct Found {
    /// Its place among the comments.
    at: usize,
    direction: Direction,
    /// Whether it has more words than the direction.
    with_words: bool,
}

/// The headings below which nothing undoes the other statements: titles of what they stand above.
fn titles(
    text: &str,
    lines: &[CommentLine<'_>],
    statements: &[Statement],
    found: &[Found],
) -> Vec<usize> {
    let first_below = |it: &Found| number_above(statements, &lines[it.at]);
    let behind = found.iter().skip(1).map(first_below);
    let ends = behind.chain([statements.len()]);
    let sections: Vec<(&Found, Range<usize>)> = found
        .iter()
        .zip(ends)
        .map(|(it, end)| (it, first_below(it)..end))
        .collect();
    let is_of_two = sections
        .iter()
        .any(|(it, section)| it.direction == Direction::Up && !section.is_empty());
    let is_down = |(it, _): &&(&Found, Range<usize>)| it.direction == Direction::Down;
    let in_down = |number: &usize| {
        let mut downs = sections.iter().filter(is_down);
        downs.any(|(_, section)| section.contains(number))
    };
    let sql = |number: usize| statements[number].text(text);
    let mut titles = Vec::new();
    for (it, section) in sections.iter().filter(is_down) {
        let (applied, heading) = if is_of_two {
            let others = (0..statements.len()).filter(|number| !in_down(number));
            (others.map(sql).collect(), Heading::OfTwo)
        } else {
            let above: Vec<&str> = (0..section.start).map(sql).collect();
            let heading = match it.with_words {
                true => Heading::WithWords,
                false => Heading::Alone,
            };
            (above, heading)
        };
        let mut parts: Vec<Vec<&str>> = Vec::new();
        for number in section.clone() {
            match parts.last_mut() {
                Some(part) if !is_new_part(text, statements, number, lines) => {
                    part.push(sql(number));
                }
                _ => parts.push(vec![sql(number)]),
            }
        }
        if !undoes(&applied, &parts, heading) {
            titles.push(it.at);
        }
    }
    titles
}

/// Whether an empty line and a comment stand between a statement and the one before it.
fn is_new_part(
    text: &str,
    statements: &[Statement],
    number: usize,
    lines: &[CommentLine<'_>],
) -> bool {
    let (before, this) = (&statements[number - 1], &statements[number]);
    let first = lines.partition_point(|line| line.comment.start < before.span.end);
    let Some(line) = lines[first..]
        .iter()
        .take_while(|line| line.comment.end <= this.span.start)
        .find(|line| line.starts_line)
    else {
        return false;
    };
    let gap = text.get(before.span.end..line.comment.start);
    // The first and the last line are those of the statement and of the comment.
    let lines = gap.unwrap_or_default().split('\n').skip(1);
    let lines: Vec<&str> = lines.collect();
    let between = lines.split_last().map_or(&[][..], |(_, between)| between);
    between.iter().any(|line| line.trim().is_empty())
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
    fn a_title_above_statements_that_undo_nothing_divides_nothing() {
        for title in [
            "-- Undo",
            "-- Rollback",
            "-- Reverse:",
            "/* Down */",
            "-- 2. Revert",
        ] {
            for text in [
                "CREATE TABLE a (x);\n{}\nCREATE TABLE undo_log (x);",
                "CREATE TABLE a (x);\n\n{}\nCREATE TABLE b (x);\nCREATE INDEX b_x ON b (x);\nINSERT INTO b VALUES (1);",
                "INSERT INTO a VALUES (1);\n{}\nINSERT INTO a VALUES (2);",
                "INSERT INTO a VALUES (1);\n{}\nINSERT INTO b SELECT 1;",
                "CREATE TABLE a (x);\n{}\nALTER TABLE a ADD COLUMN undone;",
                "CREATE TABLE a (x);\n{}\nCREATE VIEW v AS SELECT x FROM a;",
                "CREATE TABLE a (x);\n{}\nCREATE TRIGGER t AFTER DELETE ON a BEGIN DELETE FROM a; END;",
                "CREATE TABLE a (x);\n{}\nUPDATE a SET x = 1;",
                "UPDATE a SET x = 1 WHERE x = 0;\n{}\nUPDATE a SET x = 3 WHERE x = 2;",
                "CREATE TABLE a (x);\n{}\nPRAGMA user_version = 2;\nSELECT 1;",
                "CREATE TABLE a (x);\n{}\nDROP TABLE IF EXISTS undo_log;\nCREATE TABLE undo_log (x);",
                "CREATE TABLE a (x);\n{}\nDROP VIEW IF EXISTS v;\nCREATE VIEW v AS SELECT 1;",
                "CREATE TABLE a (x);\n{}\nCREATE TABLE s (x);\nINSERT INTO b SELECT x FROM s;\nDROP TABLE s;",
                "CREATE TABLE a (x);\n{}\nCREATE TABLE undo_log (x);\n\n-- Scratch\nDROP TABLE a;",
                "CREATE TABLE w (x);\nDROP TABLE w;\n{}\nCREATE TABLE b (x);",
                "CREATE TABLE a (x);\n{}\nDELETE FROM log WHERE x < 3;",
            ] {
                let text = text.replace("{}", title);
                assert_eq!(found(&text, false), 0, "{text}");
            }
        }
        for text in [
            "-- Up\nINSERT INTO d VALUES ('up');\n-- Down\nINSERT INTO d VALUES ('down');",
            "-- Up\nCREATE TABLE up_votes (x);\n-- Down\nCREATE TABLE down_votes (x);\nCREATE INDEX d ON down_votes (x);",
            "-- Down\nCREATE TABLE down_jobs (x);\n-- Up\nCREATE TABLE up_jobs (x);",
            "-- Forward\nALTER TABLE l ADD COLUMN f;\n-- Backward\nALTER TABLE l ADD COLUMN b;",
            "-- Apply\nSELECT 1;\n-- Revert\nSELECT 2;",
            "/* Up */\nCREATE TRIGGER u AFTER INSERT ON a BEGIN SELECT 1; END;\n/* Down */\nCREATE TRIGGER d AFTER DELETE ON a BEGIN SELECT 1; END;",
        ] {
            for is_down_file in [false, true] {
                assert_eq!(found(text, is_down_file), 0, "{text}");
            }
        }
    }

    #[test]
    fn what_takes_back_the_statements_above_is_a_section() {
        for (up, down) in [
            ("CREATE TABLE a (x);", "DROP TABLE IF EXISTS a;"),
            ("CREATE TABLE \"A\" (x);", "DROP TABLE main.a;"),
            ("DROP TABLE a;", "CREATE TABLE a (x);"),
            (
                "DROP VIEW v;\nCREATE VIEW v AS SELECT 1;",
                "DROP VIEW v;\nCREATE VIEW v AS SELECT 2;",
            ),
            ("ALTER TABLE a RENAME TO b;", "ALTER TABLE b RENAME TO a;"),
            (
                "ALTER TABLE a RENAME x TO y;",
                "ALTER TABLE a RENAME COLUMN y TO x;",
            ),
            ("ALTER TABLE a ADD x;", "ALTER TABLE a DROP COLUMN x;"),
            ("ALTER TABLE main.a ADD x;", "ALTER TABLE a DROP x;"),
            ("ALTER TABLE a DROP x;", "ALTER TABLE a ADD COLUMN x;"),
            ("INSERT INTO a VALUES (1);", "DELETE FROM a WHERE x = 1;"),
            ("DELETE FROM a WHERE x = 1;", "INSERT INTO a VALUES (1);"),
            (
                "UPDATE p SET cents = cents * 100;",
                "UPDATE p SET cents = cents / 100;",
            ),
            (
                "UPDATE p SET s = 'b' WHERE s = 'a';",
                "UPDATE p SET s = 'a' WHERE s = 'b';",
            ),
            (
                "ALTER TABLE a ADD COLUMN x;",
                "CREATE TABLE o (y);\nINSERT INTO o SELECT y FROM a;\nDROP TABLE a;\nALTER TABLE o RENAME TO a;\nCREATE INDEX i ON a (y);",
            ),
            (
                "ALTER TABLE a ADD COLUMN x;",
                "-- make it\nCREATE TABLE o (y);\n\n-- copy it\nINSERT INTO o SELECT y FROM a;\n\n-- and replace\nDROP TABLE a;\nALTER TABLE o RENAME TO a;",
            ),
            (
                "CREATE TABLE a (x);",
                "CREATE TABLE kept AS SELECT * FROM a;\nDROP TABLE a;",
            ),
            (
                "CREATE INDEX i ON a (x);",
                "PRAGMA foreign_keys = OFF;\nBEGIN;\nDROP INDEX i;\nCOMMIT;",
            ),
            // What was there before the file is removed.
            ("CREATE TABLE a (x);", "DROP TABLE b;"),
        ] {
            for heading in ["-- Undo", "-- DOWN", "/* Rollback */"] {
                let text = format!("{up}\n{heading}\n{down}\n");
                assert_eq!(found(&text, false), 1, "{text}");
                let text = format!("-- Up\n{up}\n\n{heading}\n{down}\n");
                for is_down_file in [false, true] {
                    assert_eq!(found(&text, is_down_file), 2, "{text}");
                }
            }
        }
        for text in [
            "-- Up\nUPDATE p SET n = 'u' WHERE k = 1;\n-- Down\nUPDATE p SET n = 'd' WHERE k = 2;",
            "-- Up\nCREATE TABLE a (x);\n-- Down\nCREATE TABLE kept AS SELECT * FROM a;\n\n-- then\nDROP TABLE a;",
            "-- Up\nUPDATE p SET n = 1;\n-- Down\nINSERT OR REPLACE INTO p SELECT * FROM o;",
            "-- Up\nCREATE TABLE a (x);\n-- Down\nDELETE FROM settings WHERE k = 'a';",
        ] {
            assert_eq!(found(text, false), 2, "{text}");
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
