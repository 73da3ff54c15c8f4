//! The text of a data test into cases and their blocks. Pure: versions are numbers here, whether or not there is such a
//! migration.

use std::ops::Range;
use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::nearest::nearest;
use crate::script::{Origin, Source};
use crate::sql::{SplitError, TokenKind, split, tokens};

/// What is wrong with the text of a data test.
pub(super) const DATA_TEST: &str = "data-test";

/// The directives, as they are written.
const FORMS: &str =
    "`-- at V`, `-- given`, `-- migrate [V]`, `-- undo`, `-- expect` and `-- expect error`";

const WORDS: [&str; 5] = ["at", "given", "migrate", "undo", "expect"];

/// One database: from a version on, blocks in order.
#[derive(Debug, Clone)]
pub(super) struct Case {
    /// The version that it begins at; `None` before the first one.
    pub(super) at: Option<i64>,
    /// Its `-- at`.
    pub(super) origin: Origin,
    pub(super) blocks: Vec<Block>,
}

/// One part of a case.
#[derive(Debug, Clone)]
pub(super) enum Block {
    /// Statements that bring rows.
    Given(Vec<Origin>),
    /// Versions are applied, up to this one; all, and the repeatable migrations, without one.
    Migrate { to: Option<i64>, origin: Origin },
    /// The newest version is undone.
    Undo { origin: Origin },
    /// A query, and the lines that the shell would print of it.
    Expect { query: Origin, rows: Vec<Line> },
    /// A statement that the engine has to refuse, and parts of its words.
    Refuse { statement: Origin, words: Vec<Line> },
}

/// A line of a comment behind a statement.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// What follows `-- `.
    pub(super) text: String,
    pub(super) origin: Origin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Directive {
    At(Option<i64>),
    Given,
    Migrate(Option<i64>),
    Undo,
    Expect,
    ExpectError,
}

/// What a comment line is.
enum Comment {
    Directive(Directive),
    Prose,
    Wrong { message: String, help: String },
}

/// A directive and what follows it, up to the next one.
struct Section {
    directive: Option<Directive>,
    /// The comment.
    origin: Range<usize>,
    body: Range<usize>,
    /// The comment lines behind the first statement, with what is after `--`.
    lines: Vec<(Range<usize>, String)>,
}

/// Reads a file.
pub(super) fn parse(source: &Arc<Source>) -> (Vec<Case>, Vec<Diagnostic>) {
    let mut parser = Parser {
        source,
        problems: Vec::new(),
        cases: Vec::new(),
        has_at: false,
    };
    for section in parser.sections() {
        parser.section(section);
    }
    if parser.problems.is_empty() {
        parser.judge_cases();
    }
    (parser.cases, parser.problems)
}

struct Parser<'a> {
    source: &'a Arc<Source>,
    problems: Vec<Diagnostic>,
    cases: Vec<Case>,
    /// Whether a `-- at` was read, even a wrong one.
    has_at: bool,
}

impl Parser<'_> {
    fn origin(&self, span: Range<usize>) -> Origin {
        Origin {
            source: self.source.clone(),
            span,
        }
    }

    fn wrong(&mut self, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        let problem = Diagnostic::problem(DATA_TEST, message);
        let problem = problem.at(self.origin(span)).help(help);
        self.problems.push(problem);
    }

    fn sections(&mut self) -> Vec<Section> {
        let source = self.source.clone();
        let text: &str = &source.text;
        let mut sections = vec![Section {
            directive: None,
            origin: 0..0,
            body: 0..0,
            lines: Vec::new(),
        }];
        // Whether a statement of this section has begun: what follows it are rows.
        let mut has_statement = false;
        for token in tokens(text) {
            let token = match token {
                Ok(token) => token,
                Err(error) => {
                    self.wrong(error.offset..error.offset, error.to_string(), "correct it");
                    break;
                }
            };
            let Some(section) = sections.last_mut() else {
                break;
            };
            let is_line = token.kind == TokenKind::Comment && token.text(text).starts_with("--");
            let before = text[..token.span.start].trim_end_matches([' ', '\t']);
            if !is_line || !(before.is_empty() || before.ends_with('\n')) {
                has_statement |= !matches!(
                    token.kind,
                    TokenKind::Space | TokenKind::Comment | TokenKind::Semicolon
                );
                section.body.end = token.span.end;
                continue;
            }
            let comment = &token.text(text)[2..];
            let are_rows = has_statement
                && matches!(
                    section.directive,
                    Some(Directive::Expect | Directive::ExpectError)
                );
            match read(comment.trim()) {
                Comment::Directive(directive) => {
                    has_statement = false;
                    sections.push(Section {
                        directive: Some(directive),
                        origin: token.span.clone(),
                        body: token.span.end..token.span.end,
                        lines: Vec::new(),
                    });
                }
                _ if are_rows => {
                    section.lines.push((token.span.clone(), comment.to_owned()));
                    section.body.end = token.span.end;
                }
                Comment::Prose => section.body.end = token.span.end,
                Comment::Wrong { message, help } => {
                    section.body.end = token.span.end;
                    self.wrong(token.span.clone(), message, help);
                    self.has_at |= comment.trim_start().starts_with("at ");
                }
            }
        }
        sections
    }

    fn section(&mut self, section: Section) {
        let statements = self.statements(section.body.clone());
        let Some(directive) = section.directive else {
            self.belongs_to_none(statements.first(), "before the first directive");
            return;
        };
        let origin = self.origin(section.origin.clone());
        if let Directive::At(at) = directive {
            self.has_at = true;
            self.belongs_to_none(statements.first(), "behind `-- at`");
            self.cases.push(Case {
                at,
                origin,
                blocks: Vec::new(),
            });
            return;
        }
        if !self.has_at {
            self.has_at = true;
            let message = "a data test begins with the version that its database is at";
            self.wrong(
                section.origin.clone(),
                message,
                "write `-- at V` before this line; `-- at none` is a database without any migration",
            );
        }
        let block = match directive {
            Directive::At(_) => return,
            Directive::Given if statements.is_empty() => {
                let message = "nothing is given here: no statement follows";
                self.wrong(
                    section.origin,
                    message,
                    "write the statements that bring the rows, or remove this line",
                );
                return;
            }
            Directive::Given => {
                let statements = statements.into_iter();
                Block::Given(statements.map(|it| self.origin(it)).collect())
            }
            Directive::Migrate(to) => {
                self.belongs_to_none(statements.first(), "behind `-- migrate`");
                Block::Migrate { to, origin }
            }
            Directive::Undo => {
                self.belongs_to_none(statements.first(), "behind `-- undo`");
                Block::Undo { origin }
            }
            Directive::Expect | Directive::ExpectError => {
                let Some(statement) = self.the_one(&section, directive, statements) else {
                    return;
                };
                let mut lines = Vec::new();
                for (span, text) in section.lines {
                    // The last blank goes where editors cut off what ends a line.
                    match text.strip_prefix(' ') {
                        Some(text) => lines.push((span, text.to_owned())),
                        None if text.is_empty() => lines.push((span, text)),
                        None => {
                            let message = "a row that is expected begins with `-- `";
                            let help = "write a blank behind `--`";
                            self.wrong(span, message, help);
                        }
                    }
                }
                let lines = lines.into_iter().map(|(span, text)| Line {
                    text,
                    origin: self.origin(span),
                });
                let lines = lines.collect();
                match directive {
                    Directive::ExpectError => Block::Refuse {
                        statement,
                        words: lines,
                    },
                    _ => Block::Expect {
                        query: statement,
                        rows: lines,
                    },
                }
            }
        };
        if let Some(case) = self.cases.last_mut() {
            case.blocks.push(block);
        }
    }

    /// The only statement of an expectation.
    fn the_one(
        &mut self,
        section: &Section,
        directive: Directive,
        statements: Vec<Range<usize>>,
    ) -> Option<Origin> {
        let what = match directive {
            Directive::ExpectError => "statement",
            _ => "query",
        };
        let mut statements = statements.into_iter();
        let Some(first) = statements.next() else {
            self.wrong(
                section.origin.clone(),
                format!("an expectation without a {what}"),
                format!("write the {what} below this line"),
            );
            return None;
        };
        if let Some(second) = statements.next() {
            self.wrong(
                second,
                format!("an expectation has one {what}, and this is the second"),
                "write another `-- expect` before it",
            );
            return None;
        }
        Some(self.origin(first))
    }

    fn belongs_to_none(&mut self, statement: Option<&Range<usize>>, place: &str) {
        if let Some(statement) = statement {
            self.wrong(
                statement.clone(),
                format!("this statement stands {place}, and belongs to no block"),
                "write `-- given` before it if it brings rows, `-- expect` if it is a query",
            );
        }
    }

    fn statements(&mut self, body: Range<usize>) -> Vec<Range<usize>> {
        let source = self.source.clone();
        let Some(text) = source.text.get(body.clone()) else {
            return Vec::new();
        };
        match split(text) {
            Ok(statements) => statements
                .into_iter()
                .map(|it| body.start + it.span.start..body.start + it.span.end)
                .collect(),
            Err(errors) => {
                for error in errors {
                    // What is no token was found before.
                    if let SplitError::UnterminatedTrigger { .. } = error {
                        let at = body.start + error.offset();
                        self.wrong(at..at, error.to_string(), "correct it");
                    }
                }
                Vec::new()
            }
        }
    }

    /// A file that expects nothing proves nothing.
    fn judge_cases(&mut self) {
        if self.cases.is_empty() {
            let message = "this data test has no directive";
            self.wrong(0..0, message, format!("its directives are {FORMS}"));
        }
        let expects = |block: &Block| matches!(block, Block::Expect { .. } | Block::Refuse { .. });
        let empty = self.cases.iter();
        let empty = empty.filter(|case| !case.blocks.iter().any(expects));
        let spans: Vec<Range<usize>> = empty.map(|case| case.origin.span.clone()).collect();
        for span in spans {
            let message = "nothing is expected of this database, so the test proves nothing";
            self.wrong(
                span,
                message,
                "write `-- expect` and a query, or `-- expect error` and a statement",
            );
        }
    }
}

/// What the text of a comment line is.
fn read(text: &str) -> Comment {
    let words: Vec<&str> = text.split_whitespace().collect();
    let number = words.get(1).copied().and_then(version);
    let directive = match words[..] {
        ["given"] => Directive::Given,
        ["undo"] => Directive::Undo,
        ["expect"] => Directive::Expect,
        ["expect", "error"] => Directive::ExpectError,
        ["migrate"] => Directive::Migrate(None),
        ["at", "none"] => Directive::At(None),
        ["at", _] if number.is_some() => Directive::At(number),
        ["migrate", _] if number.is_some() => Directive::Migrate(number),
        _ => return other(text, &words),
    };
    Comment::Directive(directive)
}

/// A comment line that is no directive: prose, unless it looks like one.
fn other(text: &str, words: &[&str]) -> Comment {
    let Some(first) = words.first() else {
        return Comment::Prose;
    };
    if WORDS.contains(first) {
        return Comment::Wrong {
            message: format!("`-- {text}` is no directive"),
            help: format!("the directives are {FORMS}; a comment begins with another word"),
        };
    }
    let is_word = |word: &str| {
        word.chars()
            .all(|c| c.is_ascii_alphabetic() || "-_".contains(c))
    };
    let looks_like_one = match words {
        [first] => is_word(first),
        [first, rest] => is_word(first) && (version(rest).is_some() || *rest == "error"),
        _ => false,
    };
    // A heading of one word is prose: `-- Users`.
    let near = nearest(first, &WORDS);
    let is_lower = first.chars().all(|c| !c.is_ascii_uppercase());
    if !looks_like_one || (near.is_none() && !is_lower) {
        return Comment::Prose;
    }
    Comment::Wrong {
        message: format!("unknown directive `{text}`"),
        help: match near {
            Some(near) => format!("did you mean `{near}`? The directives are {FORMS}"),
            None => format!("the directives are {FORMS}; a comment has more than one word"),
        },
    }
}

/// `6` or `V6`.
fn version(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['V', 'v']).unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten()
}
