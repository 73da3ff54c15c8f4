//! What `doctor` found: a line for each check, what to do below it, and what it comes to.

use serde_json::{Value, json};

use super::Report;
use super::json::{Call, Document};
use super::style::{BAD, FAINT, GOOD, Style, WAITS};
use super::words::{as_typed, count, printable};
use crate::diagnostic::{Diagnostic, Severity};
use crate::doctor::{Check, State};

/// The checks in order.
pub fn checks(checks: &[Check], style: Style<'_>) -> String {
    let width = checks.iter().map(|check| check.name.len()).max();
    let width = width.unwrap_or_default();
    let mut text = String::new();
    for check in checks {
        let (mark, colour) = match check.state {
            State::Ok => ("✓", GOOD),
            State::Warning => ("!", WAITS),
            State::Error => ("✗", BAD),
            State::Skipped => ("-", FAINT),
        };
        let mark = style.paint.paint(colour, mark);
        let name = check.name;
        let (message, help) = words(check);
        text.push_str(&format!("{mark} {name:<width$}  {}\n", printable(&message)));
        for help in help {
            let help = style.paint.paint(
                FAINT,
                &format!("help: {}", printable(&as_typed(&help, style.program))),
            );
            text.push_str(&format!("  {:<width$}  {help}\n", ""));
        }
    }
    text.push('\n');
    text.push_str(&summary(checks));
    text.push('\n');
    text
}

/// The checks that are not good, for `--quiet`: without one, nothing.
pub fn failed_checks(all: &[Check], style: Style<'_>) -> String {
    let is_bad = |check: &&Check| matches!(check.state, State::Warning | State::Error);
    let bad: Vec<Check> = all.iter().filter(is_bad).cloned().collect();
    match bad.is_empty() {
        true => String::new(),
        false => checks(&bad, style),
    }
}

fn summary(checks: &[Check]) -> String {
    let number = |state| checks.iter().filter(|check| check.state == state).count();
    let warnings = match number(State::Warning) {
        0 => String::new(),
        n => format!(", with {}", count(n, "warning")),
    };
    match number(State::Error) {
        0 => format!("all checks passed{warnings}"),
        n => format!("some checks failed: {}{warnings}", count(n, "error")),
    }
}

/// Message and help, those of the error beneath where there is one.
fn words(check: &Check) -> (String, Vec<String>) {
    let help = check.help.iter().cloned();
    match check.cause.as_deref().map(Report::history) {
        Some(Report { diagnostics, .. }) => {
            let diagnostic = diagnostics.into_iter().next();
            let (message, more) = diagnostic.map_or_else(
                || (check.message.clone(), Vec::new()),
                |diagnostic| (diagnostic.message, diagnostic.help),
            );
            (message, help.chain(more).collect())
        }
        None => (check.message.clone(), help.collect()),
    }
}

impl Document {
    /// `doctor`: the checks, and as problems those that are not well.
    pub fn checks(call: Call<'_>, checks: &[Check]) -> Document {
        let list: Vec<Value> = checks
            .iter()
            .map(|check| {
                let (message, help) = words(check);
                json!({
                    "name": check.name,
                    "state": check.state.word(),
                    "message": message,
                    "help": match help.as_slice() {
                        [] => None,
                        help => Some(as_typed(&help.join("\n"), call.style.program)),
                    },
                })
            })
            .collect();
        Document::failure(call, &Report::checks(checks)).with("checks", list)
    }
}

impl Report {
    /// The checks that are not well.
    pub fn checks(checks: &[Check]) -> Report {
        let diagnostics = checks.iter().filter_map(|check| {
            let severity = match check.state {
                State::Error => Severity::Error,
                State::Warning => Severity::Warning,
                State::Ok | State::Skipped => return None,
            };
            let (message, help) = words(check);
            Some(Diagnostic {
                severity,
                help,
                ..Diagnostic::error(check.name, message)
            })
        });
        Report::of(diagnostics.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::HistoryError;
    use crate::report::Paint;
    use expect_test::expect;

    const STYLE: Style<'_> = Style {
        paint: Paint::Plain,
        program: "cargo xtask",
        columns: None,
    };

    fn check(name: &'static str, state: State, message: &str, help: Option<&str>) -> Check {
        Check {
            name,
            state,
            message: message.to_owned(),
            help: help.map(str::to_owned),
            cause: None,
        }
    }

    fn found() -> Vec<Check> {
        vec![
            check("mode", State::Ok, "remote (USE_TURSO from .env)", None),
            check(
                "token",
                State::Warning,
                "it expires in 2 days",
                Some("`turso db tokens create my-app`"),
            ),
            check("tls", State::Skipped, "the URL asks for none", None),
            Check {
                cause: Some(std::sync::Arc::new(HistoryError::Newer {
                    table: Default::default(),
                    found: 9,
                    known: 1,
                })),
                ..check("records", State::Error, "cannot be read", None)
            },
            check(
                "migrations",
                State::Error,
                "2 problems stand in the way",
                Some("`status` lists what is wrong"),
            ),
        ]
    }

    #[test]
    fn each_check_is_a_line_with_what_to_do_below() {
        expect![[r#"
            ✓ mode        remote (USE_TURSO from .env)
            ! token       it expires in 2 days
                          help: `turso db tokens create my-app`
            - tls         the URL asks for none
            ✗ records     _migrations has layout 9, written by a newer Seedbed; this one knows layouts up to 1
                          help: upgrade seedbed to the version that the others use
            ✗ migrations  2 problems stand in the way
                          help: `cargo xtask status` lists what is wrong

            some checks failed: 2 errors, with 1 warning
        "#]].assert_eq(&checks(&found(), STYLE));
        expect![[r#"
            ✓ mode   remote (USE_TURSO from .env)
            ! token  it expires in 2 days
                     help: `turso db tokens create my-app`

            all checks passed, with 1 warning
        "#]]
        .assert_eq(&checks(&found()[..2], STYLE));
        expect![[r#"
            ✓ mode  remote (USE_TURSO from .env)

            all checks passed
        "#]]
        .assert_eq(&checks(&found()[..1], STYLE));
    }

    #[test]
    fn quiet_prints_only_the_checks_that_are_not_good() {
        assert_eq!(failed_checks(&found()[..1], STYLE), "");
        expect![[r#"
            ! token  it expires in 2 days
                     help: `turso db tokens create my-app`

            all checks passed, with 1 warning
        "#]]
        .assert_eq(&failed_checks(&found()[..3], STYLE));
    }

    #[test]
    fn json_lists_the_checks_and_what_is_wrong() {
        let call = Call {
            command: "doctor",
            mode: Some("remote"),
            database: None,
            exit_code: 1,
            style: STYLE,
        };
        let document = Document::checks(call, &found());
        assert_eq!(document.own["checks"][2]["state"], "skipped");
        assert_eq!(
            document.own["checks"][3]["help"],
            "upgrade seedbed to the version that the others use"
        );
        let problems: Vec<_> = document
            .problems
            .iter()
            .map(|it| (it.code, it.severity))
            .collect();
        assert_eq!(
            problems,
            [
                ("token", "warning"),
                ("records", "error"),
                ("migrations", "error")
            ]
        );
    }
}
