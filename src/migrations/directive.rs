//! Directives: comments at the top of a file that say how it is to be run. Pure.
//!
//! A comment that was meant as a directive and is not written as one is an error: to take it for a comment would run
//! the file another way than its author meant.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::nearest::{edits, nearest};
use crate::rules::{self, RULES};
use crate::script::{Atomicity, ForeignKeys, Origin, Source};
use crate::sql::{CommentLine, Form, TokenKind, comment_lines, mentions, tokens};

/// What the directives of a file say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Directives {
    /// `-- seedbed: no-transaction` is [`Atomicity::Bare`].
    pub atomicity: Atomicity,
    /// `-- seedbed: foreign-keys=on|off`; `None` leaves it to the rule.
    pub foreign_keys: Option<ForeignKeys>,
    /// `-- seedbed: allow CODE: REASON`: the codes of the diagnostics that this file accepts.
    pub allowed: BTreeSet<&'static str>,
}

/// The code of a directive that is unknown, misplaced or contradicted.
pub(super) const DIRECTIVE: &str = "directive";

/// The codes that a file can accept with `-- seedbed: allow CODE: REASON`.
const ALLOWABLE: [&str; 4] = [
    DEPENDS_ON_ROWS,
    DOWN_NO_INVERSE,
    NOT_FILLED,
    UNSUPPORTED_BY_SERVER,
];

/// All codes that a file can accept: those of `check`, and those of `lint`.
fn allowable() -> Vec<&'static str> {
    let of_lint = RULES.iter().map(|rule| rule.code);
    ALLOWABLE.into_iter().chain(of_lint).collect()
}

/// Programs that do not know this migration cannot use a database that has it. It changes nothing of how the file runs.
const BREAKING: &str = "breaking";

/// The code of a statement that a libSQL server does not take.
pub(super) const UNSUPPORTED_BY_SERVER: &str = "unsupported-by-server";

/// The code of a statement that may fail, depending on the rows that a database has.
pub(super) const DEPENDS_ON_ROWS: &str = "depends-on-rows";

/// The code of a down file after which the schema is not the one before its migration.
pub(super) const DOWN_NO_INVERSE: &str = "down-no-inverse";

/// The code of indexes and triggers that a table loses when it is rebuilt: a rule of `lint`.
pub(super) const LOST_IN_REBUILD: &str = "RB306";

/// What `check` called that before. Files that say it cannot be changed any more.
const LOST_IN_REBUILD_BEFORE: &str = "lost-in-rebuild";

/// The code of a table that the rehearsal could not fill with generated rows.
pub(super) const NOT_FILLED: &str = "not-filled";

/// What the help lists.
const DIRECTIVES: &str = "the directives are: no-transaction, foreign-keys=on, foreign-keys=off, breaking, allow CODE: REASON, reverts HASH";

const KNOWN: [&str; 4] = [
    "no-transaction",
    "foreign-keys=on",
    "foreign-keys=off",
    BREAKING,
];

/// The same, as they stand in a comment without any sign between their letters.
const BARE: [&str; 4] = [
    "seedbednotransaction",
    "seedbedforeignkeyson",
    "seedbedforeignkeysoff",
    "seedbedbreaking",
];

/// A comment `-- seedbed: …`, wherever it stands.
pub(super) struct Line<'a> {
    /// The text after the colon.
    pub(super) text: &'a str,
    /// The whole comment.
    span: Range<usize>,
    /// Whether a statement stands before it.
    below_a_statement: bool,
}

/// All comments of a text that are directives by their form.
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
        Some(Line {
            text: directive(token.text(text))?,
            span: token.span.clone(),
            below_a_statement,
        })
    })
}

/// The part of a comment behind `-- seedbed:`.
fn directive(comment: &str) -> Option<&str> {
    let comment = comment.strip_prefix("--")?.trim_start();
    Some(comment.strip_prefix("seedbed:")?.trim())
}

/// Reads the directives of a file, and reports what is wrong with them.
pub(super) fn directives(source: &Arc<Source>, problems: &mut Vec<Diagnostic>) -> Directives {
    let mut found = Directives::default();
    let problem = |span: &Range<usize>, what: String, help: String| {
        let origin = Origin {
            source: source.clone(),
            span: span.clone(),
        };
        Diagnostic::problem(DIRECTIVE, what).at(origin).help(help)
    };
    for line in lines(&source.text) {
        let mut complain =
            |what: String, help: String| problems.push(problem(&line.span, what, help));
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
            BREAKING => continue,
            other if reverts(other) => continue,
            "foreign-keys=on" => ForeignKeys::On,
            "foreign-keys=off" => ForeignKeys::Off,
            other => {
                match allowed(other) {
                    Some(Ok(code)) => {
                        found.allowed.insert(code);
                    }
                    Some(Err((what, help))) => complain(what, help),
                    None => complain(
                        format!("there is no directive `{other}`"),
                        match meant(other) {
                            Some(meant) => format!("write `-- seedbed: {meant}`"),
                            None => DIRECTIVES.to_owned(),
                        },
                    ),
                }
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
    // A slip in the name of the tool leaves the name of the directive, and the other way round.
    if mentions(&source.text, &["seedbed", "transaction", "foreign"]) {
        for line in comment_lines(&source.text) {
            let Some(meant) = near_miss(&source.text, &line) else {
                continue;
            };
            let mut help = match meant {
                Meant::Known(name) => format!("write `-- seedbed: {name}`"),
                Meant::Allow(text) => format!("write `-- seedbed: {text}`"),
                Meant::Unknown => DIRECTIVES.to_owned(),
            };
            if line.below_a_statement {
                help.push_str(", above the first statement");
            }
            problems.push(problem(
                &line.span,
                "this comment is meant as a directive, and is not written as one: it has no effect"
                    .to_owned(),
                help,
            ));
        }
    }
    found
}

/// The place of the directive that allows a code.
pub(crate) fn unused_allow(source: &Arc<Source>, code: &str) -> Option<Origin> {
    let line = lines(&source.text)
        .find(|line| matches!(allowed(line.text), Some(Ok(it)) if it == code))?;
    Some(Origin {
        source: source.clone(),
        span: line.span,
    })
}

/// Whether a text says of itself that programs that do not know it cannot use a database that has it.
pub(super) fn is_breaking(text: &str) -> bool {
    lines(text).any(|line| line.text == BREAKING && !line.below_a_statement)
}

/// Whether a directive changes nothing that the file does.
pub(super) fn has_no_effect(words: &str) -> bool {
    is_allow(words) || words == BREAKING || reverts(words)
}

/// Whether these words are `reverts HASH`: the file reverts the drift with this fingerprint.
fn reverts(words: &str) -> bool {
    reverted(words).is_some()
}

/// The fingerprint in `reverts HASH`: the file takes back the drift that has it.
fn reverted(words: &str) -> Option<&str> {
    let hash = words.strip_prefix("reverts ").map(str::trim_start)?;
    let is_hash = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then_some(hash)
}

/// The fingerprints of the drifts that a file takes back, and where it says so.
pub(super) fn reverted_drifts(source: &Arc<Source>) -> Vec<(String, Origin)> {
    let lines = lines(&source.text).filter(|line| !line.below_a_statement);
    let reverted = lines.filter_map(|line| {
        let hash = reverted(line.text)?.to_ascii_lowercase();
        let origin = Origin {
            source: source.clone(),
            span: line.span,
        };
        Some((hash, origin))
    });
    reverted.collect()
}

/// Whether these words begin with `allow`.
fn is_allow(words: &str) -> bool {
    words
        .split(|c: char| !c.is_ascii_alphanumeric())
        .next()
        .is_some_and(|first| first.eq_ignore_ascii_case("allow"))
}

/// The code in `allow CODE: REASON`, or what is wrong with it and what to write; `None` where this is another directive.
fn allowed(words: &str) -> Option<Result<&'static str, (String, String)>> {
    let rest = words.strip_prefix("allow").filter(|_| is_allow(words))?;
    let (code, reason) = match rest.split_once(':') {
        Some((code, reason)) => (code.trim(), reason.trim()),
        None => (rest.trim(), ""),
    };
    let code = match code {
        LOST_IN_REBUILD_BEFORE => LOST_IN_REBUILD,
        code => code,
    };
    let of_check = ALLOWABLE.into_iter().find(|known| *known == code);
    Some(match of_check.or_else(|| rules::known(code)) {
        Some(code) if !reason.is_empty() => Ok(code),
        Some(code) => Err((
            "this directive has no reason".to_owned(),
            format!("write `-- seedbed: allow {code}: REASON`"),
        )),
        None => Err((
            format!("`{code}` is no code that a file can allow"),
            match nearest(code, &allowable()) {
                Some(near) => format!("did you mean `-- seedbed: allow {near}: REASON`?"),
                None => format!(
                    "the codes are: {}, and those of `lint`",
                    ALLOWABLE.join(", ")
                ),
            },
        )),
    })
}

/// What a comment is meant as that is not written as a directive.
enum Meant<'a> {
    /// This directive.
    Known(&'static str),
    /// `allow …`.
    Allow(&'a str),
    /// A directive that does not exist.
    Unknown,
}

/// The directive that a comment is meant as, where it is not written as one: `-- Seedbed: no-transaction`,
/// `/* seedbed: foreign-keys=off */`, `-- seedbed no_transaction`, `-- seebed: foreign-keys=on`. A sentence that begins
/// with the word is a comment.
fn near_miss<'a>(text: &str, line: &CommentLine<'a>) -> Option<Meant<'a>> {
    if line.form == Form::Line && directive(&text[line.span.clone()]).is_some() {
        return None;
    }
    let words = line.text.trim_start_matches(|c: char| !c.is_alphanumeric());
    let letters = letters(words);
    if let Some((_, meant)) = BARE
        .iter()
        .zip(KNOWN)
        .find(|(bare, _)| edits(&letters, bare) <= 1)
    {
        return Some(Meant::Known(meant));
    }
    let (name, rest) = words.split_at_checked("seedbed".len())?;
    if !name.eq_ignore_ascii_case("seedbed") {
        return None;
    }
    let rest = rest.trim_start();
    let colon = rest.strip_prefix([':', '=']);
    let rest = colon.unwrap_or(rest).trim();
    let first = rest.split([' ', '\t', ',', ';', '.']).next()?;
    let known = KNOWN
        .into_iter()
        .find(|known| first.eq_ignore_ascii_case(known));
    if is_allow(rest) && (colon.is_some() || allowable().iter().any(|code| rest.contains(code))) {
        return Some(Meant::Allow(rest));
    }
    match (known, colon.and_then(|_| meant(rest))) {
        (Some(meant), _) | (None, Some(meant)) => Some(Meant::Known(meant)),
        // One word behind a colon is the name of a directive, and a sentence has more.
        _ if colon.is_some() && first == rest => Some(Meant::Unknown),
        _ => None,
    }
}

/// The directive that these words are a slip of.
fn meant(words: &str) -> Option<&'static str> {
    let words = letters(words);
    let known = KNOWN.map(|name| (letters(name), name));
    if let Some((_, name)) = known.iter().find(|(letters, _)| *letters == words) {
        return Some(name);
    }
    let bare: Vec<&str> = known.iter().map(|(letters, _)| letters.as_str()).collect();
    let near = nearest(&words, &bare)?;
    known
        .iter()
        .find(|(letters, _)| letters == near)
        .map(|(_, name)| *name)
}

/// Letters and digits in lower case, without the signs between them.
fn letters(words: &str) -> String {
    words
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> (Directives, Vec<String>) {
        let source = Arc::new(Source {
            name: "V1__a.sql".to_owned(),
            text: text.into(),
        });
        let mut problems = Vec::new();
        let directives = directives(&source, &mut problems);
        let words = problems.iter().map(|problem| {
            let place = problem.origin().unwrap().place();
            let help = problem.help.concat();
            format!("{}:{} {help}", place.line, place.column)
        });
        (directives, words.collect())
    }

    #[test]
    fn a_near_miss_of_a_directive_is_an_error_with_the_right_spelling() {
        for (text, expect) in [
            ("-- Seedbed: no-transaction", "no-transaction"),
            ("-- SEEDBED: NO-TRANSACTION", "no-transaction"),
            ("-- seedbed no-transaction", "no-transaction"),
            ("-- seedbed no transaction", "no-transaction"),
            ("-- seedbed : no-transaction", "no-transaction"),
            ("-- seedbed foreign-keys=off", "foreign-keys=off"),
            ("-- seedbed: foreign-keys = off", "foreign-keys=off"),
            ("-- seedbed: foreign_keys=OFF", "foreign-keys=off"),
            ("-- seedbed=foreign-keys=on", "foreign-keys=on"),
            ("-- @seedbed: foreign-keys=on", "foreign-keys=on"),
            ("--- seedbed: no-transaction", "no-transaction"),
            ("-- seedbed: no-transactions", "no-transaction"),
            ("-- seedbed: notransaction", "no-transaction"),
            ("-- seebed: no-transaction", "no-transaction"),
            ("-- seed-bed: no-transaction", "no-transaction"),
            ("-- Seedbed: no-transaction, for VACUUM", "no-transaction"),
            ("-- Seedbed: no-transaction for VACUUM", "no-transaction"),
            ("/* seedbed: no-transaction */", "no-transaction"),
            ("/*seedbed:foreign-keys=off*/", "foreign-keys=off"),
            ("/*\n * seedbed: foreign-keys=off\n */", "foreign-keys=off"),
        ] {
            let (directives, problems) = found(&format!("{text}\nSELECT 1;"));
            assert_eq!(directives, Directives::default(), "{text}");
            assert_eq!(problems.len(), 1, "{text}: {problems:?}");
            assert!(
                problems[0].ends_with(&format!("write `-- seedbed: {expect}`")),
                "{text}: {problems:?}"
            );
        }
    }

    #[test]
    fn a_near_miss_of_no_directive_lists_those_there_are() {
        assert_eq!(
            found("-- Seedbed: vacuum\nVACUUM;").1,
            [
                "1:1 the directives are: no-transaction, foreign-keys=on, foreign-keys=off, breaking, allow CODE: REASON, reverts HASH"
            ]
        );
    }

    #[test]
    fn a_file_allows_diagnostics_by_their_code_and_with_a_reason() {
        let (directives, problems) = found(
            "-- seedbed: allow depends-on-rows: names are unique since 2023\n\
             --seedbed:allow down-no-inverse : the old one stays\nSELECT 1;",
        );
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!(
            directives.allowed.into_iter().collect::<Vec<_>>(),
            ["depends-on-rows", "down-no-inverse"]
        );
        for (text, expect) in [
            (
                "-- seedbed: allow depends-on-rows",
                "write `-- seedbed: allow depends-on-rows: REASON`",
            ),
            (
                "-- seedbed: allow depends-on-rows:  ",
                "write `-- seedbed: allow depends-on-rows: REASON`",
            ),
            (
                "-- seedbed: allow depend-on-rows: so",
                "did you mean `-- seedbed: allow depends-on-rows: REASON`?",
            ),
            (
                "-- seedbed: allow everything: so",
                "the codes are: depends-on-rows, down-no-inverse, not-filled, unsupported-by-server, and those of `lint`",
            ),
            (
                "-- seedbed allow RB306: so",
                "write `-- seedbed: allow RB306: so`",
            ),
            (
                "-- Seedbed: allow RB306: so",
                "write `-- seedbed: allow RB306: so`",
            ),
        ] {
            let (directives, problems) = found(&format!("{text}\nSELECT 1;"));
            assert!(directives.allowed.is_empty(), "{text}");
            assert_eq!(problems, [format!("1:1 {expect}")], "{text}");
        }
    }

    #[test]
    fn a_near_miss_below_a_statement_is_to_move_too() {
        assert_eq!(
            found("SELECT 1; -- Seedbed: no-transaction").1,
            ["1:11 write `-- seedbed: no-transaction`, above the first statement"]
        );
        assert_eq!(
            found("SELECT 1;\n-- seedbed: no-transaction").1,
            ["2:1 directives stand at the top of a file: move it above the first statement"]
        );
    }

    #[test]
    fn the_space_around_the_colon_of_a_directive_is_free() {
        for text in [
            "-- seedbed: no-transaction",
            "--seedbed:no-transaction",
            "  --   seedbed:   no-transaction  ",
        ] {
            let (directives, problems) = found(&format!("{text}\nSELECT 1;"));
            assert_eq!(directives.atomicity, Atomicity::Bare, "{text}");
            assert!(problems.is_empty(), "{text}: {problems:?}");
        }
    }

    #[test]
    fn a_comment_that_mentions_the_tool_is_a_comment() {
        for text in [
            "-- used by seedbed in CI",
            "-- seedbed",
            "-- Seedbed runs this file in a transaction.",
            "-- Seedbed: do not edit this file by hand.",
            "-- Seedbed foreign keys are off here, see the README",
            "/* This table belongs to\n   Seedbed: see docs/schema.md for it. */",
            "-- https://example.org/seedbed: a link",
            "-- no transaction is open here",
            "-- foreign keys are on",
            "-- in a transaction",
            "SELECT '-- Seedbed: no-transaction', '/* seedbed: no-transaction */';",
            "SELECT 1 AS \"-- Seedbed: no-transaction\";",
        ] {
            assert_eq!(found(text), (Directives::default(), vec![]), "{text}");
        }
    }
}
