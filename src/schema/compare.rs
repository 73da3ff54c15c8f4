//! How two schemas differ. Pure.

use std::collections::{BTreeMap, HashSet};

use super::inspect::{Object, ObjectKind, Schema, of_statements};
use super::respelled::one_spelling;
use super::snapshot::Snapshot;
use crate::diagnostic::{Diagnostic, Diff};
use crate::sql::significant;

/// One object in which two schemas differ.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// It should be there and is not.
    Missing {
        /// The object.
        expected: Object,
    },
    /// It is there and should not be.
    Unexpected {
        /// The object.
        found: Object,
    },
    /// It is there, and is another than it should be.
    Different {
        /// As it should be.
        expected: Object,
        /// As it is.
        found: Object,
    },
}

impl Difference {
    /// The object: as it should be, where there is such a one.
    pub fn object(&self) -> &Object {
        match self {
            Difference::Missing { expected } | Difference::Different { expected, .. } => expected,
            Difference::Unexpected { found } => found,
        }
    }
}

impl std::fmt::Display for Difference {
    /// One line: `table users is missing`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let object = self.object();
        let what = match self {
            Difference::Missing { .. } => "is missing",
            Difference::Unexpected { .. } => "should not be there",
            Difference::Different { .. } => "is different",
        };
        write!(f, "{} {} {what}", object.kind.word(), object.name)
    }
}

/// How `found` differs from `expected`, by kind and name. Spelling makes no difference: quotes, letter case of names,
/// white space, comments, what SQLite itself rewrites ([`crate::sql::normal_form`]), which of its spellings an operator has
/// (`!=`, `<>`), the order of the constraints of a column or a table, and whether a foreign key of one column is declared at
/// the column or behind all of them.
pub fn compare(expected: &Schema, found: &Schema) -> Vec<Difference> {
    type Pair<'a> = (Option<&'a Object>, Option<&'a Object>);
    let mut pairs: BTreeMap<(ObjectKind, String), Pair<'_>> = BTreeMap::new();
    let key = |object: &Object| (object.kind, object.name.to_ascii_lowercase());
    for object in &expected.objects {
        pairs.entry(key(object)).or_default().0 = Some(object);
    }
    for object in &found.objects {
        pairs.entry(key(object)).or_default().1 = Some(object);
    }
    let differences = pairs.into_values().filter_map(|pair| match pair {
        (Some(expected), None) => Some(Difference::Missing {
            expected: expected.clone(),
        }),
        (None, Some(found)) => Some(Difference::Unexpected {
            found: found.clone(),
        }),
        (Some(expected), Some(found)) if !is_same(expected, found) => Some(Difference::Different {
            expected: expected.clone(),
            found: found.clone(),
        }),
        _ => None,
    });
    differences.collect()
}

/// Whether two statements make the same object.
fn is_same(expected: &Object, found: &Object) -> bool {
    expected.normal == found.normal || one_spelling(&expected.normal) == one_spelling(&found.normal)
}

/// How one snapshot differs from another. Only statements that are not in both are read.
pub(crate) fn changes(expected: &Snapshot, found: &Snapshot) -> Vec<Difference> {
    if expected == found {
        return Vec::new();
    }
    let [of_expected, of_found] = expected
        .apart(found)
        .map(Iterator::collect::<HashSet<&str>>);
    let only = |these: &HashSet<&str>, those: &HashSet<&str>| {
        of_statements(these.difference(those).copied())
    };
    compare(
        &only(&of_expected, &of_found),
        &only(&of_found, &of_expected),
    )
}

/// How a schema differs from the one before it, where only these objects were created.
pub(crate) fn additions(created: Schema) -> Vec<Difference> {
    let created = created.objects.into_iter();
    created
        .map(|found| Difference::Unexpected { found })
        .collect()
}

/// How many objects are named.
const NAMED: usize = 10;

/// The diagnostic with the objects that differ and their texts. `expected_name` is the name of the expected texts.
pub(crate) fn described(
    diagnostic: Diagnostic,
    differences: &[Difference],
    expected_name: &str,
) -> Diagnostic {
    Diagnostic {
        notes: notes(differences),
        diff: diff(differences, expected_name),
        ..diagnostic
    }
}

/// The objects that differ, one a line.
fn notes(differences: &[Difference]) -> Vec<String> {
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

/// The texts of the objects that are there on both sides, and differ. A statement with a long line has each of its parts on
/// a line of its own, so that the difference is seen.
pub(crate) fn diff(differences: &[Difference], expected_name: &str) -> Option<Diff> {
    let is_long = |object: &Object| object.sql.lines().any(|line| line.chars().count() > LONG);
    let (before, after): (String, String) = differences
        .iter()
        .filter_map(|difference| match difference {
            Difference::Different { expected, found } if is_long(expected) || is_long(found) => {
                Some((in_parts(&expected.sql), in_parts(&found.sql)))
            }
            Difference::Different { expected, found } => {
                Some((format!("{}\n", expected.sql), format!("{}\n", found.sql)))
            }
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

/// Characters of a line that can be read at once.
const LONG: usize = 100;

/// A statement with a line for each column, constraint, clause or inner statement.
fn in_parts(sql: &str) -> String {
    const CLAUSES: [&str; 9] = [
        "BEGIN", "END", "SELECT", "FROM", "WHERE", "GROUP", "ORDER", "UNION", "VALUES",
    ];
    let (mut text, mut depth, mut end, mut begins) = (String::new(), 0_usize, 0, false);
    for token in significant(sql) {
        let word = token.text(sql);
        let between = &sql[end..token.span.start];
        begins |= depth <= 1 && CLAUSES.iter().any(|clause| token.is_word(sql, clause));
        if begins && !text.is_empty() {
            text.push_str(between.trim_end());
            text.push_str("\n  ");
        } else {
            text.push_str(between);
        }
        text.push_str(word);
        end = token.span.end;
        match word {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        begins = word == ";" || (word == "," && depth <= 1);
    }
    text + &sql[end..] + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::inspect;
    use crate::schema::snapshot;
    use crate::schema::tests::database;

    async fn check(expected: &str, found: &str, expect: &[&str]) {
        let (expected_db, found_db) = (database(expected).await, database(found).await);
        let differences = compare(
            &inspect(&expected_db).await.unwrap(),
            &inspect(&found_db).await.unwrap(),
        );
        let words: Vec<String> = differences.iter().map(Difference::to_string).collect();
        assert_eq!(words, expect, "{expected} against {found}");
        let of_snapshots = changes(
            &snapshot(&expected_db).await.unwrap(),
            &snapshot(&found_db).await.unwrap(),
        );
        assert_eq!(
            of_snapshots, differences,
            "snapshots: {expected} against {found}"
        );
    }

    #[tokio::test]
    async fn an_object_is_missing_unexpected_or_different() {
        check(
            "CREATE TABLE a (x); CREATE TABLE b (x); CREATE INDEX i ON a (x)",
            "CREATE TABLE b (x TEXT); CREATE VIEW a AS SELECT x FROM b; CREATE INDEX i ON b (x)",
            &[
                "table a is missing",
                "table b is different",
                "index i is different",
                "view a should not be there",
            ],
        )
        .await;
    }

    #[tokio::test]
    async fn another_type_default_check_collation_or_option_is_a_difference() {
        for other in [
            "CREATE TABLE t (a INTEGER)",
            "CREATE TABLE t (a TEXT NOT NULL)",
            "CREATE TABLE t (a TEXT DEFAULT '')",
            "CREATE TABLE t (a TEXT CHECK (a <> ''))",
            "CREATE TABLE t (a TEXT COLLATE NOCASE)",
            "CREATE TABLE t (a TEXT) STRICT",
            "CREATE TABLE t (b TEXT)",
        ] {
            check("CREATE TABLE t (a TEXT)", other, &["table t is different"]).await;
        }
        check(
            "CREATE TABLE t (a DEFAULT 'x')",
            "CREATE TABLE t (a DEFAULT 'X')",
            &["table t is different"],
        )
        .await;
    }

    #[tokio::test]
    async fn spelling_and_order_make_no_difference() {
        check(
            "CREATE TABLE t (a TEXT DEFAULT 'x', \"order\" INTEGER); CREATE VIEW v AS SELECT a FROM t",
            "CREATE VIEW V AS select A from [T];
             create table if not exists main.T -- the only one
               ( a text default ('x'), [ORDER] integer )",
            &[],
        )
        .await;
    }

    #[tokio::test]
    async fn a_table_that_was_renamed_is_like_one_that_was_always_called_so() {
        check(
            "CREATE TABLE users (id, name TEXT); CREATE INDEX i ON users (name)",
            "CREATE TABLE people (id, title TEXT); CREATE INDEX i ON people (title);
             ALTER TABLE people RENAME TO users; ALTER TABLE users RENAME COLUMN title TO name",
            &[],
        )
        .await;
    }
}
