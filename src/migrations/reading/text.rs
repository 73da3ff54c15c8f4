//! What is wrong with a text before its statements are looked at: conflicts of a merge, templates, characters that
//! are not visible, parameters. Pure.

use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::script::{Origin, Source};
use crate::sql::{LexError, LexErrorKind, Token, TokenKind};

/// What is wrong with a text.
#[derive(Default)]
pub(super) struct Faults {
    pub(super) problems: Vec<Diagnostic>,
    /// Whether the text is no SQL at all, so that its statements tell nothing more.
    pub(super) is_no_sql: bool,
}

/// Looks at the tokens of a text, in their order.
pub(super) struct Looking<'a> {
    source: &'a Arc<Source>,
    problems: Vec<Diagnostic>,
    conflict: bool,
    /// The syntax of the templates that were found.
    template: Option<&'static str>,
}

impl<'a> Looking<'a> {
    pub(super) fn new(source: &'a Arc<Source>) -> Looking<'a> {
        Looking {
            source,
            problems: Vec::new(),
            conflict: false,
            template: None,
        }
    }

    pub(super) fn at(&mut self, item: &Result<Token, LexError>) {
        match item {
            Ok(token) => self.token(token.kind, token.span.start, token.span.end),
            Err(error) => {
                self.no_token(error.kind, error.span.start);
                if error.kind == LexErrorKind::MalformedNumber {
                    self.invisible(&self.source.text[error.span.clone()], error.span.start);
                }
            }
        }
    }

    pub(super) fn faults(self) -> Faults {
        Faults {
            is_no_sql: self.conflict || self.template.is_some(),
            problems: self.problems,
        }
    }

    fn token(&mut self, kind: TokenKind, start: usize, end: usize) {
        let text = &self.source.text[start..end];
        match kind {
            TokenKind::Comment => self.comment(text, start),
            TokenKind::Word | TokenKind::Space => self.invisible(text, start),
            TokenKind::Parameter if self.template.is_none() => self.parameter(start, end),
            TokenKind::Symbol => {
                self.marker(start);
                let rest = &self.source.text[start..];
                if rest.starts_with("<%") {
                    self.template("<% … %>", start);
                }
            }
            _ => {}
        }
    }

    fn no_token(&mut self, kind: LexErrorKind, start: usize) {
        let rest = &self.source.text[start..];
        self.marker(start);
        let syntax = match kind {
            LexErrorKind::MalformedParameter if rest.starts_with("${") => "${…}",
            LexErrorKind::Unrecognized('#') if rest.starts_with("#{") => "#{…}",
            LexErrorKind::Unrecognized('{') if rest.starts_with("{{") => "{{…}}",
            LexErrorKind::Unrecognized('{') if rest.starts_with("{%") => "{% … %}",
            LexErrorKind::Unrecognized('{') => "{…}",
            _ => return,
        };
        self.template(syntax, start);
    }

    /// A marker that a merge left at the beginning of a line:
    /// <https://git-scm.com/docs/git-merge#_how_conflicts_are_presented>.
    fn marker(&mut self, at: usize) {
        let (before, rest) = self.source.text.split_at(at);
        if before.is_empty() || before.ends_with('\n') {
            let line = rest.lines().next().unwrap_or_default();
            self.line(line, at, &["<<<<<<<", "|||||||", "=======", ">>>>>>>"]);
        }
    }

    fn line(&mut self, line: &str, at: usize, markers: &[&str]) {
        let is_marker = |marker: &&str| {
            let behind = line.strip_prefix(*marker);
            behind.is_some_and(|behind| behind.is_empty() || behind.starts_with(' '))
        };
        if markers.iter().any(is_marker) && !self.conflict {
            self.conflict = true;
            let message = "this is a conflict of a merge that was not resolved";
            let help = "keep one side or combine both, and remove the lines with <<<<<<<, ======= and >>>>>>>";
            self.push(
                "merge-conflict",
                message.to_owned(),
                at,
                at + line.len(),
                help,
            );
        }
    }

    fn template(&mut self, syntax: &'static str, at: usize) {
        if *self.template.get_or_insert(syntax) != syntax {
            return;
        }
        let message =
            format!("this is the syntax of a template, {syntax}, and Seedbed runs a file as it is");
        let help = "write the SQL that the template gives: a migration is the same text for every database. Or let a build \
             step write the files, and name its folder with `--migrations DIR`";
        self.push("template", message, at, at + 2, help);
    }

    /// A `--` comment ends at LF: behind a CR alone, the rest of an old line end's text belongs to it.
    fn comment(&mut self, text: &str, start: usize) {
        if !text.starts_with("--") {
            let mut at = start;
            for line in text.split('\n') {
                self.line(line, at, &["<<<<<<<", ">>>>>>>"]);
                at += line.len() + 1;
            }
            return;
        }
        let swallows = |(at, _): &(usize, &str)| !text[*at..].trim().is_empty();
        if let Some((at, _)) = text.match_indices('\r').find(swallows) {
            let message = "a line ends with CR alone here, and a comment with LF: what follows is part of the comment";
            self.push(
                "line-end",
                message.to_owned(),
                start + at,
                start + at + 1,
                "save the file with LF or CR LF for its line ends",
            );
        }
    }

    fn invisible(&mut self, text: &str, start: usize) {
        if text.is_ascii() {
            return;
        }
        for (at, character) in text.char_indices().filter(|(_, it)| is_invisible(*it)) {
            let number = u32::from(character);
            let name = match character {
                '\u{a0}' => " (no-break space)",
                '\u{ad}' => " (soft hyphen)",
                '\u{200b}' => " (zero-width space)",
                '\u{202f}' => " (narrow no-break space)",
                '\u{feff}' => " (byte order mark)",
                _ => "",
            };
            let message = format!("there is an invisible character here: U+{number:04X}{name}");
            let at = start + at;
            let end = at + character.len_utf8();
            let help = "remove it, or write a space: to the engine it is a letter, and becomes part of a name";
            self.push("invisible-character", message, at, end, help);
        }
    }

    fn parameter(&mut self, start: usize, end: usize) {
        let message =
            "this is a parameter, and a migration has no values for parameters: it would be NULL";
        let help = "write the value; text stands in single quotes";
        self.push("parameter", message.to_owned(), start, end, help);
    }

    fn push(&mut self, code: &'static str, message: String, start: usize, end: usize, help: &str) {
        let origin = Origin {
            source: self.source.clone(),
            span: start..end,
        };
        let problem = Diagnostic::problem(code, message);
        self.problems.push(problem.at(origin).help(help));
    }
}

/// Whether a character leaves no mark: spaces other than ASCII's, format characters (general category Cf), fillers and
/// variation selectors, and control characters.
fn is_invisible(character: char) -> bool {
    !character.is_ascii()
        && (character.is_whitespace()
            || character.is_control()
            || matches!(
                character,
                '\u{ad}'
                    | '\u{34f}'
                    | '\u{600}'..='\u{605}'
                    | '\u{61c}'
                    | '\u{6dd}'
                    | '\u{70f}'
                    | '\u{115f}'..='\u{1160}'
                    | '\u{17b4}'..='\u{17b5}'
                    | '\u{180b}'..='\u{180f}'
                    | '\u{200b}'..='\u{200f}'
                    | '\u{202a}'..='\u{202e}'
                    | '\u{2060}'..='\u{206f}'
                    | '\u{2800}'
                    | '\u{3164}'
                    | '\u{fe00}'..='\u{fe0f}'
                    | '\u{feff}'
                    | '\u{ffa0}'
                    | '\u{fff9}'..='\u{fffb}'
                    | '\u{e0000}'..='\u{e0fff}'
            ))
}
