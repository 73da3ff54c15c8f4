//! What was changed in a text: a unified diff, not longer than a screen.

use std::time::Duration;

use similar::{Algorithm, ChangeTag, TextDiff};

use super::style::{BAD, FAINT, GOOD, Paint};
use super::words::{count, printable};
use crate::diagnostic::Diff;

/// How many lines are shown.
const LINES: usize = 40;
/// How many characters of a line are shown.
const CHARACTERS: usize = 160;
/// Two files that share nothing are not worth more time; what is found until then is a diff too, only a longer one.
const PATIENCE: Duration = Duration::from_secs(1);

impl Diff {
    /// The unified diff, each line ended by a line end.
    pub(super) fn unified(&self, paint: Paint) -> String {
        let diff = TextDiff::configure()
            .algorithm(Algorithm::Myers)
            .timeout(PATIENCE)
            .diff_lines(&self.before, &self.after);
        let mut lines = vec![
            paint.paint(BAD, &printable(&format!("--- {}", self.before_name))),
            paint.paint(GOOD, &printable(&format!("+++ {}", self.after_name))),
        ];
        for hunk in diff.unified_diff().context_radius(2).iter_hunks() {
            lines.push(paint.paint(FAINT, &hunk.header().to_string()));
            for change in hunk.iter_changes() {
                let line = cut(change.value());
                lines.push(match change.tag() {
                    ChangeTag::Delete => paint.paint(BAD, &format!("-{line}")),
                    ChangeTag::Insert => paint.paint(GOOD, &format!("+{line}")),
                    ChangeTag::Equal => format!(" {line}").trim_end().to_owned(),
                });
            }
        }
        let more = lines.len().saturating_sub(LINES);
        if more > 0 {
            lines.truncate(LINES);
            lines.push(paint.paint(FAINT, &format!("… {}", count(more, "more line"))));
        }
        lines.join("\n") + "\n"
    }
}

fn cut(line: &str) -> String {
    let line = line.trim_end_matches(['\n', '\r']);
    match line.char_indices().nth(CHARACTERS) {
        Some((at, _)) => printable(&line[..at]) + " …",
        None => printable(line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(before: &str, after: &str, first: u32, expect: &Expect) {
        let texts = Diff {
            before_name: "V2 as applied".to_owned(),
            before: before.to_owned(),
            after_name: "migrations/V2__users.sql".to_owned(),
            after: after.to_owned(),
        };
        assert_eq!(texts.first_difference(), first);
        expect.assert_eq(&texts.unified(Paint::Plain));
    }

    #[test]
    fn a_diff_goes_from_what_was_recorded_to_what_the_file_says() {
        check(
            "CREATE TABLE users (\n  id INTEGER PRIMARY KEY,\n  name TEXT\n);\n",
            "CREATE TABLE users (\n  id INTEGER PRIMARY KEY,\n  name TEXT NOT NULL,\n\temail TEXT\n);\n",
            3,
            &expect![[r#"
                --- V2 as applied
                +++ migrations/V2__users.sql
                @@ -1,4 +1,5 @@
                 CREATE TABLE users (
                   id INTEGER PRIMARY KEY,
                -  name TEXT
                +  name TEXT NOT NULL,
                +    email TEXT
                 );
            "#]],
        );
    }

    #[test]
    fn lines_that_are_gone_at_the_end_are_pointed_at_by_the_last_one_that_is_left() {
        check(
            "SELECT 1;\nSELECT 2;",
            "SELECT 1;\n",
            1,
            &expect![[r#"
                --- V2 as applied
                +++ migrations/V2__users.sql
                @@ -1,2 +1 @@
                 SELECT 1;
                -SELECT 2;
            "#]],
        );
    }

    #[test]
    fn a_long_diff_is_counted_after_forty_lines_and_a_long_line_is_cut() {
        let before: String = (0..100).map(|n| format!("SELECT {n};\n")).collect();
        let texts = Diff {
            before_name: "a".to_owned(),
            before,
            after_name: "b".to_owned(),
            after: "x".repeat(10_000),
        };
        let text = texts.unified(Paint::Plain);
        assert_eq!(text.lines().count(), 41);
        assert!(text.ends_with("\n… 64 more lines\n"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() < 170));
    }
}
