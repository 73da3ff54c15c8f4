//! The drift that a file reverts, as comments of the file: so that `check` can make a schema that has drifted, without the
//! database. Pure.

use std::fmt::Write;

use super::fingerprint;
use crate::schema::{Difference, Object, Schema, compare, of_statements};

/// What a line about an object begins with.
const FOUND: &str = "-- Drift that was found: ";

/// What a line of the statement of an object begins with. The bar keeps it from being read as anything but a comment.
const TEXT: &str = "-- | ";

/// The comments about these differences: each with the statement of the object that was found.
pub(super) fn comments(differences: &[Difference]) -> String {
    let mut text = String::new();
    for difference in differences {
        let line = difference.to_string().replace('\n', " ");
        let _ = writeln!(text, "{FOUND}{line}.");
        let found = match difference {
            Difference::Missing { .. } => continue,
            Difference::Unexpected { found } | Difference::Different { found, .. } => found,
        };
        for line in found.sql.split('\n') {
            let _ = writeln!(text, "{TEXT}{line}");
        }
    }
    text
}

/// The schema of a database with the drift that a file notes, from the one without; none where the notes do not come to
/// the drift with this fingerprint.
pub(in crate::migrations) fn drifted(
    expected: &Schema,
    text: &str,
    reverted: &str,
) -> Option<Schema> {
    let mut found = expected.clone();
    let is = |a: &Object, b: &Object| a.kind == b.kind && a.name.eq_ignore_ascii_case(&b.name);
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(words) = line.strip_prefix(FOUND) else {
            continue;
        };
        let mut sql: Vec<&str> = Vec::new();
        while let Some(line) = lines.next_if(|it| it.starts_with(TEXT.trim_end())) {
            sql.push(line.strip_prefix(TEXT).unwrap_or_default());
        }
        if let Some(missing) = words.strip_suffix(" is missing.") {
            let (kind, name) = missing.split_once(' ')?;
            let at = found
                .objects
                .iter()
                .position(|it| it.kind.word() == kind && it.name.replace('\n', " ") == name)?;
            found.objects.remove(at);
            continue;
        }
        let sql = sql.join("\n");
        let object = of_statements([sql.as_str()]).objects.pop()?;
        found.objects.retain(|it| !is(it, &object));
        found.objects.push(object);
    }
    let differences = compare(expected, &found);
    (fingerprint(&differences) == reverted).then_some(found)
}
