//! Directives: comments at the top of a file that say how it is to be run. Pure.

use std::ops::Range;
use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::script::{Atomicity, ForeignKeys, Origin, Source};
use crate::sql::{TokenKind, tokens};

/// What the directives of a file say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Directives {
    /// `-- seedbed: no-transaction` is [`Atomicity::Bare`].
    pub atomicity: Atomicity,
    /// `-- seedbed: foreign-keys=on|off`; `None` leaves it to the rule.
    pub foreign_keys: Option<ForeignKeys>,
}

const KNOWN: &str = "no-transaction, foreign-keys=on, foreign-keys=off";

/// A comment `-- seedbed: …`, wherever it stands.
pub(super) struct Line<'a> {
    /// What stands behind the colon.
    pub(super) text: &'a str,
    /// The whole comment.
    span: Range<usize>,
    /// Whether a statement stands before it.
    below_a_statement: bool,
}

/// All comments of a text that are meant as directives.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut below_a_statement = false;
    // Most files have none, and reading tokens costs more than a search.
    let has_any = text.contains("seedbed:");
    let tokens = has_any.then(|| tokens(text)).into_iter().flatten();
    tokens.flatten().filter_map(move |token| {
        match token.kind {
            TokenKind::Comment => {}
            TokenKind::Space | TokenKind::Semicolon => return None,
            _ => {
                below_a_statement = true;
                return None;
            }
        }
        let comment = token.text(text).strip_prefix("--")?.trim_start();
        Some(Line {
            text: comment.strip_prefix("seedbed:")?.trim(),
            span: token.span.clone(),
            below_a_statement,
        })
    })
}

/// Reads the directives of a file, and says what is wrong with them.
pub(super) fn directives(source: &Arc<Source>, problems: &mut Vec<Diagnostic>) -> Directives {
    let mut found = Directives::default();
    for line in lines(&source.text) {
        let mut complain = |what: String, help: String| {
            let origin = Origin {
                source: source.clone(),
                span: line.span.clone(),
            };
            problems.push(Diagnostic::problem("directive", what).at(origin).help(help));
        };
        if line.below_a_statement {
            complain(
                "this directive stands below a statement".to_owned(),
                "directives stand at the top of a file: move it above the first statement"
                    .to_owned(),
            );
            continue;
        }
        let foreign_keys = match line.text {
            "no-transaction" => {
                found.atomicity = Atomicity::Bare;
                continue;
            }
            "foreign-keys=on" => ForeignKeys::On,
            "foreign-keys=off" => ForeignKeys::Off,
            unknown => {
                complain(
                    format!("there is no directive `{unknown}`"),
                    format!("the directives are: {KNOWN}"),
                );
                continue;
            }
        };
        if found
            .foreign_keys
            .is_some_and(|before| before != foreign_keys)
        {
            complain(
                "this directive contradicts the one above".to_owned(),
                "keep one of the two".to_owned(),
            );
        }
        found.foreign_keys = Some(foreign_keys);
    }
    found
}
