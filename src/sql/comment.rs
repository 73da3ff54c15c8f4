//! The comments of a text, line by line: directives are written in them, Seedbed's own and those of other tools. Pure.

use std::ops::Range;

use super::{TokenKind, tokens};

/// How a comment is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `-- …`
    Line,
    /// `/* … */`
    Block,
}

/// One line of a comment.
#[derive(Debug, Clone)]
pub(crate) struct CommentLine<'a> {
    /// Its text, without the signs of the comment and the space around it.
    pub(crate) text: &'a str,
    /// How the comment is written.
    pub(crate) form: Form,
    /// Its bytes in the text: of a line comment also the `--`.
    pub(crate) span: Range<usize>,
    /// The bytes of the whole comment.
    pub(crate) comment: Range<usize>,
    /// Whether it is the only line of its comment that has letters or digits.
    pub(crate) alone: bool,
    /// Whether only spaces precede the comment in its line.
    pub(crate) starts_line: bool,
    /// Whether a statement begins before it.
    pub(crate) below_a_statement: bool,
}

/// All lines of all comments that are not empty, in order. A string is no comment, whatever it holds.
pub(crate) fn comment_lines(text: &str) -> Vec<CommentLine<'_>> {
    let mut lines = Vec::new();
    let mut below_a_statement = false;
    for token in tokens(text).flatten() {
        match token.kind {
            TokenKind::Comment => {}
            TokenKind::Space | TokenKind::Semicolon => continue,
            _ => {
                below_a_statement = true;
                continue;
            }
        }
        let comment = token.text(text);
        let (form, inside) = match comment.strip_prefix("--") {
            Some(inside) => (Form::Line, inside),
            None => (
                Form::Block,
                comment.trim_start_matches("/*").trim_end_matches("*/"),
            ),
        };
        let has_words = |line: &&str| line.contains(char::is_alphanumeric);
        let alone = inside.split('\n').filter(has_words).count() == 1;
        let before = &text[..token.span.start];
        let before = before.trim_end_matches(|c: char| c.is_whitespace() && c != '\n');
        let starts_line = before.is_empty() || before.ends_with('\n');
        for line in inside.split('\n') {
            let words = line.trim_matches(|c: char| c.is_whitespace() || c == '-' || c == '*');
            if words.is_empty() {
                continue;
            }
            let span = match form {
                Form::Line => token.span.clone(),
                Form::Block => {
                    let start = words.as_ptr().addr() - text.as_ptr().addr();
                    start..start + words.len()
                }
            };
            lines.push(CommentLine {
                text: words,
                form,
                span,
                comment: token.span.clone(),
                alone,
                starts_line,
                below_a_statement,
            });
        }
    }
    lines
}

/// Whether a text has comments, and any of these words, in lower case, occurs in it. A search costs less than reading its
/// tokens.
pub(crate) fn mentions(text: &str, words: &[&str]) -> bool {
    if !text.contains("--") && !text.contains("/*") {
        return false;
    }
    let text = text.to_ascii_lowercase();
    words.iter().any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_of_a_comment_has_its_words_and_its_place() {
        let text =
            "--  one  \n/* two\n * three\n */ SELECT '-- no', \"/* no */\"; --- four -- five";
        let lines: Vec<_> = comment_lines(text)
            .iter()
            .map(|line| (line.text, &text[line.span.clone()], line.below_a_statement))
            .collect();
        assert_eq!(
            lines,
            [
                ("one", "--  one  ", false),
                ("two", "two", false),
                ("three", "three", false),
                ("four -- five", "--- four -- five", true),
            ]
        );
    }
}
