//! The guards around `ALTER TABLE … ADD COLUMN` on an engine that does not look at the rows that are there: it takes a
//! column whose default refers to a parent, and a CHECK constraint that old rows break. Pure.
//!
//! SQLite refuses both: <https://sqlite.org/lang_altertable.html#altertabaddcol>.

use super::effects::default;
use super::guards::{LISTED, refuse};
use crate::script::Step;
use crate::sql::{altered, check_constraints, literal};

/// `ALTER TABLE table ADD COLUMN column …`, its names as written.
struct Added<'a> {
    table: &'a str,
    column: &'a str,
    /// What the rows that are there read, as SQL.
    default: String,
    refers: bool,
    /// The expressions of its CHECK constraints, in their parentheses.
    checks: Vec<&'a str>,
}

/// The steps before a statement and behind it that fail where the rows that are there do not fit the column that it adds.
/// `refers` is whether foreign keys are enforced; else the rows are compared behind the unit.
pub(super) fn guards(sql: &str, refers: bool) -> (Option<Step>, Option<Step>) {
    let Some(added) = added(sql) else {
        return (None, None);
    };
    let before = (refers && added.refers && added.default != "NULL").then(|| added.no_rows());
    let behind = (!added.checks.is_empty()).then(|| added.keeps_checks());
    (before, behind)
}

fn added(sql: &str) -> Option<Added<'_>> {
    let altered = altered(sql).filter(|it| it.is("ADD"))?;
    let definition = &altered.rest;
    Some(Added {
        table: altered.table,
        column: definition.first()?.text(sql),
        default: default(sql, definition),
        refers: definition.iter().any(|it| it.is_word(sql, "REFERENCES")),
        checks: check_constraints(sql),
    })
}

impl Added<'_> {
    /// Fails where the table has rows, which would all refer to the same parent without a look at it.
    fn no_rows(&self) -> Step {
        let Added { table, default, .. } = self;
        let rows = format!("FROM {table} WHERE ({default}) IS NOT NULL");
        refuse(
            &format!("SELECT 1 {rows}"),
            &format!(
                "SELECT 'REFERENCES', count(*), {}, {} {rows}",
                literal(&(*table).into()),
                literal(&self.column.into())
            ),
        )
    }

    /// Fails where a row breaks a CHECK constraint of the new column: one is broken where it is false.
    fn keeps_checks(&self) -> Step {
        let broken = self.checks.iter().map(|it| format!("NOT {it}"));
        let rows = format!(
            "FROM {} WHERE {}",
            self.table,
            broken.collect::<Vec<_>>().join(" OR ")
        );
        refuse(
            &format!("SELECT 1 {rows}"),
            &format!(
                "SELECT 'CHECK', rowid, {}, {}, (SELECT count(*) {rows}) {rows} LIMIT {LISTED}",
                literal(&self.table.into()),
                literal(&self.column.into())
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(sql: &str, refers: bool) -> [Option<String>; 2] {
        let (before, behind) = guards(sql, refers);
        [before, behind].map(|step| Some(step?.explain()?.to_string()))
    }

    #[test]
    fn rows_that_a_new_column_would_let_refer_to_a_parent_are_looked_for_before_it() {
        let [before, behind] = shown(
            "ALTER TABLE \"my c\" ADD z INT NOT NULL DEFAULT 9 REFERENCES p (id)",
            true,
        );
        assert_eq!(
            before.unwrap(),
            "SELECT 'REFERENCES', count(*), '\"my c\"', 'z' FROM \"my c\" WHERE (9) IS NOT NULL"
        );
        assert_eq!(behind, None);
        for (nothing, refers) in [
            ("ALTER TABLE c ADD COLUMN z INT REFERENCES p", true),
            (
                "ALTER TABLE c ADD COLUMN z INT DEFAULT NULL REFERENCES p",
                true,
            ),
            (
                "ALTER TABLE c ADD COLUMN z INT DEFAULT 9 REFERENCES p",
                false,
            ),
            ("ALTER TABLE c ADD COLUMN z DEFAULT 'REFERENCES'", true),
            ("ALTER TABLE c RENAME COLUMN z TO y", true),
            ("ALTER TABLE c DROP COLUMN z", true),
            (
                "CREATE TABLE c (z DEFAULT 9 REFERENCES p CHECK (z > 0))",
                true,
            ),
        ] {
            assert_eq!(shown(nothing, refers), [None, None], "{nothing}");
        }
    }

    #[test]
    fn rows_that_break_the_constraint_of_a_new_column_are_looked_for_behind_it() {
        let [before, behind] = shown(
            "ALTER TABLE main.c ADD z INT CONSTRAINT k CHECK (y <> 'x') CHECK (z IN (1, 2)) DEFAULT 1",
            true,
        );
        let rows = "FROM main.c WHERE NOT (y <> 'x') OR NOT (z IN (1, 2))";
        assert_eq!(
            behind.unwrap(),
            format!(
                "SELECT 'CHECK', rowid, 'main.c', 'z', (SELECT count(*) {rows}) {rows} LIMIT {LISTED}"
            )
        );
        assert_eq!(before, None);
    }
}
