//! MG902 and MG903: down files, and what does not belong in a repository.

use super::file::{File, finding};
use crate::diagnostic::{Diagnostic, Severity};
use crate::script::Key;
use crate::sql::{TokenKind, unquote};

/// Whether the folder has down files, so that one that is missing is a slip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Downs {
    Usual,
    None,
}

pub(super) fn check(file: &File<'_>, downs: Downs, found: &mut Vec<Diagnostic>) {
    secrets(file, found);
    line_ends(file, found);
    let migration = file.stage.migration;
    if matches!(migration.key, Key::Repeatable(_)) {
        return;
    }
    let name = &migration.up.source.name;
    if file.stage.down_differs == Some(true)
        && !file.stage.reading.allowed.contains("down-no-inverse")
    {
        let down = migration
            .down
            .as_ref()
            .map_or(name, |down| &down.source.name);
        let message = "undoing this does not lead back to the schema before it";
        found.push(
            finding("MG902", message)
                .in_file(down)
                .help("`check` shows the difference"),
        );
    }
    if downs == Downs::Usual && migration.down.is_none() && migration.no_down.is_none() {
        let message = "this migration has no down file, and the others of the folder have one";
        found.push(finding("MG902", message).in_file(name).help(
            "write one, or one that holds only a comment which says why it cannot be undone",
        ));
    }
}

/// Strings that look like secrets, by the marks that their issuers give them, and placeholders that were left.
fn secrets(file: &File<'_>, found: &mut Vec<Diagnostic>) {
    for statement in &file.statements {
        for (at, token) in statement.tokens.iter().enumerate() {
            if token.kind != TokenKind::String {
                continue;
            }
            let text = unquote(statement.text(at));
            let (what, help) = if is_secret(&text) {
                (
                    "this string looks like a secret, and every reader of the repository has it",
                    "revoke it, and let the program or a seed with `!env` write it",
                )
            } else if is_placeholder(&text) {
                ("this placeholder was left in the file", "write the value")
            } else {
                continue;
            };
            found.push(finding("MG903", what).at(statement.token(at)).help(help));
        }
    }
}

/// Bytes that git or an editor changes, where the runner compares them.
fn line_ends(file: &File<'_>, found: &mut Vec<Diagnostic>) {
    let up = &file.stage.migration.up;
    if !file.runner.compares_bytes() || !up.has_other_line_ends() {
        return;
    }
    let message = format!(
        "this file has a byte order mark or line ends of Windows, and {} compares its bytes: it refuses the file on a machine \
         where git writes other line ends",
        file.runner.name()
    );
    let mut diagnostic = finding("MG903", message)
        .in_file(&up.source.name)
        .help("write `*.sql text eol=lf` in .gitattributes, and the file with LF");
    diagnostic.severity = Severity::Warning;
    found.push(diagnostic);
}

fn is_secret(text: &str) -> bool {
    let rest = |prefix: &str, least: usize| {
        text.strip_prefix(prefix).is_some_and(|rest| {
            rest.len() >= least
                && rest
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
        })
    };
    (text.contains("-----BEGIN") && text.contains("PRIVATE KEY-----"))
        || rest("sk_live_", 16)
        || rest("rk_live_", 16)
        || ["ghp_", "gho_", "ghs_", "github_pat_"]
            .iter()
            .any(|prefix| rest(prefix, 30))
        || (rest("AKIA", 16) && text.len() == 20 && !text.chars().any(|c| c.is_ascii_lowercase()))
        || ["xoxb-", "xoxp-"].iter().any(|prefix| rest(prefix, 20))
        || rest("glpat-", 20)
        || is_token(text)
}

/// A signed JSON web token.
fn is_token(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    let is_part = |part: &&str| {
        part.len() >= 16
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
    };
    parts.len() == 3 && text.starts_with("eyJ") && parts.iter().all(is_part)
}

fn is_placeholder(text: &str) -> bool {
    [
        "CHANGEME",
        "CHANGE_ME",
        "REPLACE_ME",
        "REPLACEME",
        "<CHANGE_ME>",
        "<REPLACE_ME>",
    ]
    .contains(&text)
}
