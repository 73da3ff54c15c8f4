//! The TEMP objects that statements leave behind. Knows no database.

use super::kind::{Kind, What, kind, may_have_name, renamed_table};
use super::quote::identifier;

/// Statements that drop them. Dropping a table takes its indexes and triggers along.
pub(crate) fn drops_of_temporary<'a>(statements: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut left: Vec<(What, String)> = Vec::new();
    for sql in statements {
        if left.is_empty() && !may_have_name(sql, "temp") {
            continue;
        }
        let created = match kind(sql) {
            Kind::Create(object) if object.is_temporary() => match object.what {
                What::Table | What::VirtualTable => (What::Table, object.name),
                What::View | What::Trigger => (object.what, object.name),
                What::Index | What::Other => continue,
            },
            Kind::Alter => match renamed_table(sql) {
                Some((from, to)) if left.iter().any(|it| is_in_the_way(it, What::Table, &from)) => {
                    (What::Table, to)
                }
                _ => continue,
            },
            _ => continue,
        };
        // The one of that name is gone: a DROP of another sort would fail.
        left.retain(|it| !is_in_the_way(it, created.0, &created.1));
        left.push(created);
    }
    let drop = |(what, name): &(What, String)| {
        let what = what.word().to_ascii_uppercase();
        format!("DROP {what} IF EXISTS temp.{}", identifier(name))
    };
    left.iter().map(drop).collect()
}

/// Whether an object keeps another of this sort from having this name. Triggers have names of their own.
fn is_in_the_way((of, known): &(What, String), what: What, name: &str) -> bool {
    known.eq_ignore_ascii_case(name) && (*of == What::Trigger) == (what == What::Trigger)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_object_that_may_be_left_is_dropped_as_what_it_was_last() {
        for (statements, expect) in [
            (
                &[
                    "CREATE TEMP TABLE a (x)",
                    "CREATE TABLE b (x)",
                    "CREATE INDEX temp.i ON a (x)",
                ][..],
                &["DROP TABLE IF EXISTS temp.\"a\""][..],
            ),
            (
                &[
                    "CREATE TABLE temp.a (x)",
                    "ALTER TABLE A RENAME TO b",
                    "ALTER TABLE c RENAME TO d",
                ],
                &[
                    "DROP TABLE IF EXISTS temp.\"a\"",
                    "DROP TABLE IF EXISTS temp.\"b\"",
                ],
            ),
            (
                &[
                    "CREATE TEMP TABLE a (x)",
                    "DROP TABLE a",
                    "CREATE TEMP VIEW A AS SELECT 1",
                ],
                &["DROP VIEW IF EXISTS temp.\"A\""],
            ),
            (
                &[
                    "CREATE TEMP TABLE a (x)",
                    "CREATE TEMP TRIGGER a AFTER INSERT ON t BEGIN SELECT 1; END",
                ],
                &[
                    "DROP TABLE IF EXISTS temp.\"a\"",
                    "DROP TRIGGER IF EXISTS temp.\"a\"",
                ],
            ),
        ] {
            assert_eq!(drops_of_temporary(statements.iter().copied()), expect);
        }
    }
}
