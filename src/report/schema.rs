//! Differences between two schemas: which objects, and their texts.

use super::diff::Texts;
use super::style::Style;
use super::words::as_typed;
use super::{Diagnostic, Report};
use crate::schema::{Difference, Object, ObjectKind};

/// How many objects are named.
const NAMED: usize = 10;

impl Report {
    /// A database whose schema is not what the migrations up to `version` leave.
    /// `left_out` are the tables that were not compared.
    pub fn baseline(
        version: i64,
        differences: &[Difference],
        left_out: &[String],
        style: Style<'_>,
    ) -> Report {
        let mut help = vec![format!(
            "take the version that the database is really at, or bring the two together; `baseline {version} \
             --no-verify` records it all the same"
        )];
        let too_many = |difference: &Difference| {
            let is_table = difference.object().kind == ObjectKind::Table;
            is_table && matches!(difference, Difference::Unexpected { .. })
        };
        if let Some(table) = differences.iter().find(|it| too_many(it)) {
            help.push(format!(
                "a table that is not the application's own is left out with `--ignore {}`",
                table.object().name
            ));
        }
        let mut notes = notes(differences);
        if !left_out.is_empty() {
            notes.push(format!("not compared: {}", left_out.join(", ")));
        }
        Report {
            database: Some("nothing was recorded".to_owned()),
            ..Report::of(vec![Diagnostic {
                notes,
                diff: diff(differences, "as the migrations make it"),
                help: help
                    .iter()
                    .map(|help| as_typed(help, style.program))
                    .collect(),
                ..Diagnostic::error(
                    "drift",
                    format!(
                        "the schema of this database is not what the migrations up to V{version} leave"
                    ),
                )
            }])
        }
    }
}

/// The objects that differ, one a line.
pub(super) fn notes(differences: &[Difference]) -> Vec<String> {
    let mut lines: Vec<String> = differences
        .iter()
        .take(NAMED)
        .map(Difference::to_string)
        .collect();
    let more = differences.len().saturating_sub(NAMED);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    match lines.as_slice() {
        [] => Vec::new(),
        _ => vec![lines.join("\n")],
    }
}

/// The texts of the objects that are there on both sides, and differ.
pub(super) fn diff(differences: &[Difference], expected_name: &str) -> Option<Texts> {
    let text = |object: &Object| format!("{}\n", object.sql);
    let (before, after): (String, String) = differences
        .iter()
        .filter_map(|difference| match difference {
            Difference::Different { expected, found } => Some((text(expected), text(found))),
            Difference::Missing { .. } | Difference::Unexpected { .. } => None,
        })
        .unzip();
    (!before.is_empty()).then(|| Texts {
        before_name: expected_name.to_owned(),
        before,
        after_name: "as it is".to_owned(),
        after,
    })
}
