//! Differences between two schemas: which objects, and their texts.

use super::Report;
use crate::diagnostic::{Class, Diagnostic, Diff};
use crate::schema::{Difference, Object};

/// How many objects are named.
const NAMED: usize = 10;

impl Report {
    /// A database whose schema is not what the migrations up to `version` leave.
    pub fn baseline(version: i64, differences: &[Difference]) -> Report {
        let help = format!(
            "take the version that the database is really at, or bring the two together; `baseline {version} \
             --no-verify` records it all the same"
        );
        Report {
            database: Some("nothing was recorded".to_owned()),
            ..Report::of(vec![Diagnostic {
                notes: notes(differences),
                diff: diff(differences, "as the migrations make it"),
                help: vec![help],
                class: Class::Drift,
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
pub(super) fn diff(differences: &[Difference], expected_name: &str) -> Option<Diff> {
    let text = |object: &Object| format!("{}\n", object.sql);
    let (before, after): (String, String) = differences
        .iter()
        .filter_map(|difference| match difference {
            Difference::Different { expected, found } => Some((text(expected), text(found))),
            Difference::Missing { .. } | Difference::Unexpected { .. } => None,
        })
        .unzip();
    (!before.is_empty()).then(|| Diff {
        before_name: expected_name.to_owned(),
        before,
        after_name: "as it is".to_owned(),
        after,
    })
}
