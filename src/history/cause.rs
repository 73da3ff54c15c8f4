//! The statement that is the cause of what a guard found, where the text of the unit tells which one it is. Pure. What a
//! trigger does is not seen.

use super::effects::Effects;
use super::error::Part;
use super::keeping::{Keeping, assigns, keeps};
use super::left_broken::{Missing, objects};
use super::refusal::{is_mismatch, number, text};
use super::view::searched;
use crate::script::{Origin, Step, Unit};
use crate::sql::{Kind, Object, Value, What, has_name, kind, renamed_table, significant, targets};

/// The only statement of a unit that may be the cause; none where there are several.
pub(super) fn cause(part: &Part, words: &str, rows: &[Vec<Value>], unit: &Unit) -> Option<Origin> {
    match *causes(part, words, rows, unit).as_slice() {
        [step] => step.origin(),
        _ => None,
    }
}

/// The statements of a unit that may be the cause, as far as its text tells.
pub(super) fn causes<'a>(
    part: &Part,
    words: &str,
    rows: &[Vec<Value>],
    unit: &'a Unit,
) -> Vec<&'a Step> {
    let effects = Effects::of(unit);
    let unit = Statements {
        unit,
        effects: &effects,
    };
    let writes_schema =
        |_: &str, kind: &Kind| matches!(kind, Kind::Pragma(it) if it.name == "writable_schema");
    let by_hand = unit.all(writes_schema);
    let lost = |row: &Vec<Value>| unit.that_lose_a_parent(&text(row, 1), &text(row, 4));
    let found = match part {
        Part::ForeignKeysAfter | Part::Commit => {
            let missing = rows.iter().filter(|row| number(row, 5) == 0);
            let missing = missing.map(|row| unit.that_lose_a_parent(&text(row, 0), &text(row, 2)));
            let orphans = rows.iter().map(|row| unit.that_orphan(row));
            missing.chain(orphans).find(|it| !it.is_empty())
        }
        Part::Mismatch => rows.first().map(|row| unit.that_mismatch(row)),
        Part::References => match rows.iter().find(|row| !is_mismatch(row)) {
            Some(row) => Some(lost(row)),
            None => rows.first().map(|row| unit.that_mismatch(&mismatch(row))),
        },
        Part::Compiles => {
            let steps = || unit.unit.steps.iter().map(|step| ((), step));
            let mut objects = objects(rows, words);
            let found = objects.find_map(|it| breaks(it.name, &it.words, steps()));
            let of_index = || breaks(searched(rows)?.0, words, steps());
            found.or_else(of_index).map(|((), step)| vec![step])
        }
        _ => None,
    };
    let found = found.into_iter().flatten();
    found.chain(by_hand).collect()
}

/// A row of [`Part::References`] about a mismatch, as one of [`Part::Mismatch`].
pub(super) fn mismatch(row: &[Value]) -> Vec<Value> {
    [1, 2, 4, 5, 6].map(|at| row[at].clone()).to_vec()
}

/// The statement after which a view or a trigger does not compile, with the value beside it: it takes away what the object
/// misses by these words, or creates the object, and no statement behind it changes the schema.
pub(crate) fn breaks<'a, T>(
    object: &str,
    words: &str,
    steps: impl Iterator<Item = (T, &'a Step)>,
) -> Option<(T, &'a Step)> {
    let missing = Missing::of(words);
    let (mut cause, mut is_gone) = (None, false);
    for (beside, step) in steps {
        let sql = &step.sql;
        match kind(sql) {
            Kind::Create(created) if is(&created.name, object) => {
                (cause, is_gone) = (Some((beside, step)), false);
            }
            kind if is_gone && brings(sql, &kind, &missing) => (cause, is_gone) = (None, false),
            kind if !is_gone && takes(sql, &kind, &missing) => {
                (cause, is_gone) = (Some((beside, step)), true);
            }
            _ if !is_gone && Effects::of_statement(sql).may_break => cause = None,
            _ => {}
        }
    }
    cause
}

fn takes(sql: &str, kind: &Kind, missing: &Missing) -> bool {
    match (missing, kind) {
        (Missing::Table(table), Kind::Drop(dropped)) => {
            matches!(dropped.what, What::Table | What::View) && is(&dropped.name, table)
        }
        (Missing::Table(table), Kind::Alter) => {
            renamed_table(sql).is_some_and(|(from, _)| is(&from, table))
        }
        (Missing::Column(column), Kind::Alter) => {
            renamed_table(sql).is_none() && !has_word(sql, "ADD") && has_name(sql, column)
        }
        _ => false,
    }
}

fn brings(sql: &str, kind: &Kind, missing: &Missing) -> bool {
    match (missing, kind) {
        (Missing::Table(table), Kind::Create(created)) => is(&created.name, table),
        (Missing::Table(table), Kind::Alter) => {
            renamed_table(sql).is_some_and(|(_, to)| is(&to, table))
        }
        (Missing::Column(column), Kind::Alter) => has_word(sql, "ADD") && has_name(sql, column),
        _ => false,
    }
}

/// The statements of a unit, and what they do.
struct Statements<'a, 'e> {
    unit: &'a Unit,
    effects: &'e Effects,
}

impl<'a> Statements<'a, '_> {
    fn all(&self, is: impl Fn(&str, &Kind) -> bool) -> Vec<&'a Step> {
        let steps = self.unit.steps.iter();
        let steps = steps.filter(|step| is(&step.sql, &kind(&step.sql)));
        steps.collect()
    }

    /// Those that declare a foreign key of a table with one of these names.
    fn that_declare(&self, children: &[String]) -> Vec<&'a Step> {
        self.all(|sql, kind| {
            matches!(kind, Kind::Create(_) | Kind::Alter)
                && Effects::of_statement(sql)
                    .refers
                    .iter()
                    .any(|it| children.contains(it))
        })
    }

    /// Those that take the parent table of a foreign key away. A table that is renamed takes foreign keys along.
    fn that_lose_a_parent(&self, child: &str, parent: &str) -> Vec<&'a Step> {
        let renames_to =
            |sql: &str, _: &Kind| renamed_table(sql).is_some_and(|(_, to)| is(&to, parent));
        let takes = |sql: &str, kind: &Kind| {
            is_dropped(kind, &[parent.to_ascii_lowercase()])
                || renamed_table(sql).is_some_and(|(from, _)| is(&from, parent))
        };
        let renames = self.all(renames_to);
        if !renames.is_empty() {
            return renames;
        }
        let takes = self.all(takes);
        match takes.is_empty() {
            true => self.that_declare(&self.effects.names_of(child)),
            false => takes,
        }
    }

    /// Those that write rows of a foreign key, or take rows of its parent away: a row is `child, rowid, parent, columns, …`.
    fn that_orphan(&self, row: &[Value]) -> Vec<&'a Step> {
        let (children, columns) = self.columns_of(row, 0, 3);
        let parents = self.effects.names_of(&text(row, 2));
        let target = |sql: &str| {
            let first = targets(sql).into_iter().next();
            first.map(|it| it.name.to_ascii_lowercase())
        };
        let fills = |sql: &str, kind: &Kind| {
            *kind == Kind::Insert && target(sql).is_some_and(|it| parents.contains(&it))
        };
        // Where the parent is made again, its rows are those that were inserted.
        let is_made_again = !self.all(|_, kind| is_dropped(kind, &parents)).is_empty();
        let is_filled_once = is_made_again && self.all(fills).len() == 1;
        self.all(|sql, kind| {
            let target = match kind {
                Kind::Insert | Kind::Update | Kind::Delete | Kind::Alter => target(sql),
                Kind::Drop(_) => return is_dropped(kind, &parents) && !is_filled_once,
                _ => return false,
            };
            let of_child = target.as_ref().is_some_and(|it| children.contains(it));
            let of_parent = target.as_ref().is_some_and(|it| parents.contains(it));
            match kind {
                Kind::Insert => {
                    of_child
                        || of_parent && (is_filled_once || keeps(sql, &[]) == Keeping::Replaced)
                }
                Kind::Update => of_parent || of_child && assigns(sql, &columns),
                Kind::Delete => of_parent,
                _ => of_child && has_word(sql, "REFERENCES"),
            }
        })
    }

    /// Those after which the parent of a foreign key may lack its key: a row is `child, columns, parent, …`.
    fn that_mismatch(&self, row: &[Value]) -> Vec<&'a Step> {
        let (children, columns) = self.columns_of(row, 0, 1);
        let parents = self.effects.names_of(&text(row, 2));
        let mut declaring = self.that_declare(&children);
        declaring.retain(|step| columns.iter().any(|column| has_name(&step.sql, column)));
        let is_old =
            declaring.is_empty() || !self.all(|_, it| is_dropped(it, &children)).is_empty();
        if !is_old {
            return declaring;
        }
        let makes = |object: &Object| {
            matches!(object.what, What::Table | What::View | What::VirtualTable)
                && parents.contains(&object.name.to_ascii_lowercase())
        };
        let made = self.all(|_, kind| matches!(kind, Kind::Create(object) if makes(object)));
        let changes = |sql: &str, kind: &Kind| {
            matches!(kind, Kind::Drop(object) if object.what == What::Index)
                || renamed_table(sql).is_some_and(|(_, to)| is(&to, &text(row, 2)))
        };
        declaring.extend(match made.is_empty() {
            true => self.all(changes),
            false => made,
        });
        declaring
    }

    /// All names in the unit of a table and of its columns, `a, b`, which a row has at these places.
    fn columns_of(
        &self,
        row: &[Value],
        table: usize,
        columns: usize,
    ) -> (Vec<String>, Vec<String>) {
        let names = self.effects.names_of(&text(row, table));
        let columns: Vec<String> = text(row, columns).split(", ").map(str::to_owned).collect();
        let columns = self.effects.columns_of(&names, &columns);
        (names, columns)
    }
}

fn is(name: &str, other: &str) -> bool {
    name.eq_ignore_ascii_case(other)
}

/// Whether a statement drops a table with one of these names.
fn is_dropped(kind: &Kind, names: &[String]) -> bool {
    matches!(kind, Kind::Drop(object)
        if object.what == What::Table && names.contains(&object.name.to_ascii_lowercase()))
}

fn has_word(sql: &str, word: &str) -> bool {
    significant(sql).any(|token| token.is_word(sql, word))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::script::{Key, Record};

    fn unit(statements: &[&str]) -> Unit {
        let steps = statements.iter().map(|sql| Step::own(*sql, vec![]));
        Unit {
            record: Record::Delete(Key::Migration(1)),
            steps: Arc::new(steps.collect()),
        }
    }

    /// The numbers of the statements that may be the cause.
    fn found(part: &Part, words: &str, row: &[Value], statements: &[&str]) -> Vec<usize> {
        let unit = unit(statements);
        let found = causes(part, words, &[row.to_vec()], &unit);
        let number = |cause: &Step| {
            let mut steps = unit.steps.iter();
            steps.position(|step| std::ptr::eq(step, cause)).unwrap()
        };
        found.into_iter().map(number).collect()
    }

    #[test]
    fn rows_lose_their_parents_by_what_takes_these_away_or_writes_the_rows() {
        let new = "CREATE TABLE p_new (id INTEGER PRIMARY KEY)";
        let (copy, more) = (
            "INSERT INTO p_new SELECT * FROM p WHERE id > 1",
            "INSERT INTO p_new VALUES (9)",
        );
        let (drop, rename) = ("DROP TABLE p", "ALTER TABLE p_new RENAME TO p");
        for (statements, expected) in [
            (
                &["DROP TABLE gone", "DELETE FROM P WHERE id = 1"] as &[_],
                [1].as_slice(),
            ),
            (&["UPDATE c SET n = 1", "UPDATE c SET pid = 2"], &[1]),
            (
                &["ALTER TABLE c RENAME COLUMN k TO pid", "UPDATE c SET k = 2"],
                &[1],
            ),
            (&["DELETE FROM c", "INSERT INTO c VALUES (1, 9)"], &[1]),
            (
                &["INSERT INTO p VALUES (1)", "REPLACE INTO p VALUES (1)"],
                &[1],
            ),
            (
                &["ALTER TABLE c ADD COLUMN pid REFERENCES p DEFAULT 9"],
                &[0],
            ),
            // A copy that lacks rows, and no copy.
            (&[new, copy, drop, rename], &[1]),
            (&[new, drop, rename], &[1]),
            (&[new, copy, more, drop, rename], &[3]),
            // Which of these it was, only the rows could tell.
            (&["UPDATE p SET id = 2", "DELETE FROM p"], &[0, 1]),
            (&["DELETE FROM other", "UPDATE other SET pid = 1"], &[]),
        ] {
            let mut row = ["c", "", "p", "pid", "", ""].map(Value::from);
            row[5] = Value::Integer(1);
            let found = found(&Part::ForeignKeysAfter, "", &row, statements);
            assert_eq!(found, expected, "{statements:?}");
        }
    }

    #[test]
    fn a_parent_table_is_lost_by_the_statement_that_drops_or_renames_it() {
        for (parent, statements, expected) in [
            (
                "p",
                &["DROP TABLE other", "DROP TABLE p"] as &[_],
                [1].as_slice(),
            ),
            (
                "p_old",
                &[
                    "ALTER TABLE p RENAME COLUMN a TO b",
                    "ALTER TABLE p RENAME TO p_old",
                    "CREATE TABLE p (id INTEGER PRIMARY KEY)",
                    "DROP TABLE p_old",
                ],
                &[1],
            ),
            (
                "p",
                &[
                    "PRAGMA legacy_alter_table = ON",
                    "ALTER TABLE p RENAME TO q",
                ],
                &[1],
            ),
            (
                "p",
                &["CREATE TABLE c (pid REFERENCES p)", "DROP TABLE x"],
                &[0],
            ),
        ] {
            let row = ["V1", "c", "pid", "p", parent].map(Value::from);
            let found_in = |part, row: &[Value]| found(part, "", row, statements);
            assert_eq!(
                found_in(&Part::References, &row),
                expected,
                "{statements:?}"
            );
            let mut row = ["c", "", parent, "pid", "", ""].map(Value::from);
            row[5] = Value::Integer(0);
            assert_eq!(
                found_in(&Part::ForeignKeysAfter, &row),
                expected,
                "{statements:?}"
            );
        }
    }

    #[test]
    fn a_foreign_key_refers_to_no_key_by_its_own_statement_or_by_that_of_its_parent() {
        let (new, drop, rename) = (
            "CREATE TABLE q (k)",
            "DROP TABLE p",
            "ALTER TABLE q RENAME TO p",
        );
        let child = "CREATE TABLE c (a REFERENCES p (k))";
        for (statements, expected) in [
            (&["CREATE TABLE p (k)", child] as &[_], [1].as_slice()),
            (
                &[
                    "DROP INDEX i",
                    "ALTER TABLE c ADD COLUMN a REFERENCES p (k)",
                ],
                &[1],
            ),
            (&["DROP TABLE x", "DROP INDEX p_k"], &[1]),
            (&[new, drop, rename], &[0]),
            (&["SELECT 1", drop, rename], &[2]),
            (&["DROP INDEX p_k", "DROP INDEX other"], &[0, 1]),
            (
                &[
                    "CREATE TABLE n (a REFERENCES p (k))",
                    "DROP TABLE c",
                    "ALTER TABLE n RENAME TO c",
                    "DROP INDEX p_k",
                ],
                &[0, 3],
            ),
            (
                &["ALTER TABLE c ADD COLUMN b REFERENCES x", "DROP INDEX p_k"],
                &[1],
            ),
        ] {
            let row = ["c", "a", "p", "k", "table"].map(Value::from);
            let found_in = |part, row: &[Value]| found(part, "", row, statements);
            assert_eq!(found_in(&Part::Mismatch, &row), expected, "{statements:?}");
            let row = ["", "c", "a", "", "p", "k", "table"].map(Value::from);
            assert_eq!(
                found_in(&Part::References, &row),
                expected,
                "{statements:?}"
            );
        }
    }

    #[test]
    fn an_object_does_not_compile_since_the_statement_that_takes_away_what_it_misses() {
        let table = "error in view v: no such table: main.c";
        let column = "error in trigger v after rename: no such column: new.b";
        let view = "CREATE VIEW v AS SELECT * FROM c";
        for (words, statements, expected) in [
            (
                table,
                &["DROP TABLE d", "DROP TABLE IF EXISTS c"] as &[_],
                [1].as_slice(),
            ),
            (table, &[view, "DROP TABLE c"], &[1]),
            (table, &["DROP TABLE c", view], &[1]),
            (table, &[view, "DROP VIEW c_view", "SELECT 1"], &[]),
            (table, &["DROP TABLE c", "DROP TABLE IF EXISTS c"], &[0]),
            (
                table,
                &["DROP TABLE c", "CREATE TABLE c (x)", "DROP TABLE c"],
                &[2],
            ),
            (table, &["DROP TABLE c", "CREATE TABLE c (x)"], &[]),
            (
                column,
                &["ALTER TABLE c DROP COLUMN a", "ALTER TABLE c DROP COLUMN b"],
                &[1],
            ),
            (column, &["ALTER TABLE c ADD COLUMN b", "DROP TABLE b"], &[]),
            (
                "error in view v: ambiguous column name: x",
                &[view, "ALTER TABLE c ADD x"],
                &[],
            ),
        ] {
            let found = found(&Part::Compiles, words, &[], statements);
            assert_eq!(found, expected, "{words}: {statements:?}");
        }
    }
}
