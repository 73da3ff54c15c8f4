//! Which units of a script are recorded by one statement. The engine compiles a statement again behind every change of the
//! schema, so a record for each unit would be most of what recording a long history costs. Units that are recorded
//! together have one time, so only those are that take a fraction of a millisecond whatever the database holds: they create,
//! or write what their text holds into tables that the script has created. Pure.

use std::collections::HashSet;

use super::packed::is_packed;
use crate::script::{Entry, Key, Record, Unit};
use crate::sql::{Kind, What, kind, renamed_table, significant, targets};

/// How much units that are recorded together may do. That is about a millisecond.
const MOST: usize = 24;

/// How long the text of such a unit may be.
const LENGTH: usize = 2_048;

/// How much longer than a `CREATE` an `ALTER TABLE` takes: it reads the schema again.
const ALTER: usize = 6;

/// For each unit how many are recorded with it, from this one on; none where an earlier one's record holds its own.
pub(super) fn together(units: &[Unit]) -> Vec<usize> {
    let mut quick = Quick::default();
    let costs: Vec<Option<usize>> = units.iter().map(|unit| quick.cost(unit)).collect();
    let mut counts = vec![0; units.len()];
    let mut first = 0;
    while first < units.len() {
        let mut sum = 0;
        let fits = costs[first..].iter().take_while(|cost| {
            sum += cost.unwrap_or(MOST + 1);
            sum <= MOST
        });
        let count = fits.count().max(1);
        counts[first] = count;
        first += count;
    }
    counts
}

/// The row of a unit that a record of several may hold.
pub(super) fn entry(unit: &Unit) -> Option<&Entry> {
    match &unit.record {
        Record::Insert(entry) if matches!(entry.key, Key::Migration(_)) => Some(entry),
        _ => None,
    }
}

/// The tables that the script has created so far, and that hold no more rows than texts have, in lower case.
#[derive(Default)]
struct Quick {
    tables: HashSet<String>,
}

impl Quick {
    /// What a unit costs; none where that may depend on the database.
    fn cost(&mut self, unit: &Unit) -> Option<usize> {
        let mut cost = Some(0);
        let mut length = 0;
        for step in unit.steps.iter() {
            length += step.sql.len();
            // Each statement is looked at, for what it does to the tables.
            cost = self
                .cost_of(&step.sql)
                .zip(cost)
                .map(|(one, sum)| one + sum);
        }
        let entry = entry(unit)?;
        let is_short = length > 0
            && length <= LENGTH
            && !is_packed(&entry.source)
            && !entry.down.as_deref().is_some_and(is_packed);
        cost.filter(|_| is_short)
    }

    fn cost_of(&mut self, sql: &str) -> Option<usize> {
        let has = |word: &str| significant(sql).any(|token| token.is_word(sql, word));
        match kind(sql) {
            Kind::Create(object) if object.is_temporary() => None,
            Kind::Create(object) => {
                let name = object.name.to_ascii_lowercase();
                let table = object
                    .table
                    .as_ref()
                    .map(|table| table.to_ascii_lowercase());
                match object.what {
                    // `CREATE TABLE … AS SELECT` reads.
                    What::Table if !object.if_exists && !has("SELECT") => {
                        self.tables.insert(name);
                        Some(1)
                    }
                    What::View => Some(1),
                    What::Index => table.filter(|it| self.tables.contains(it)).map(|_| 1),
                    // It runs where rows are written.
                    What::Trigger => {
                        self.tables.remove(&table?);
                        Some(1)
                    }
                    What::Table | What::VirtualTable | What::Other => None,
                }
            }
            Kind::Insert | Kind::Update | Kind::Delete => {
                let table = targets(sql).into_iter().next()?.name.to_ascii_lowercase();
                let is_known = self.tables.contains(&table);
                if is_known && (has("SELECT") || has("WITH")) {
                    self.tables.remove(&table);
                    return None;
                }
                is_known.then_some(1)
            }
            Kind::Alter => {
                if let Some((from, to)) = renamed_table(sql) {
                    let is_known = self.tables.remove(&from.to_ascii_lowercase());
                    return is_known.then(|| {
                        self.tables.insert(to.to_ascii_lowercase());
                        ALTER
                    });
                }
                let table = targets(sql).into_iter().next()?.name.to_ascii_lowercase();
                self.tables.contains(&table).then_some(ALTER)
            }
            Kind::Drop(object) => {
                let name = object.name.to_ascii_lowercase();
                (object.what == What::Table && self.tables.remove(&name)).then_some(1)
            }
            // It may do anything to the connection.
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::script::Step;

    #[track_caller]
    fn check(units: &[&str], expect: &[usize]) {
        let units: Vec<Unit> = units
            .iter()
            .enumerate()
            .map(|(at, sql)| Unit {
                record: Record::Insert(Entry {
                    key: Key::Migration(at as i64),
                    name: String::new(),
                    checksum: String::new(),
                    effective: None,
                    source: (*sql).into(),
                    down: None,
                    detail: serde_json::Map::new(),
                }),
                steps: Arc::new(sql.split("; ").map(|sql| Step::own(sql, vec![])).collect()),
            })
            .collect();
        assert_eq!(together(&units), expect);
    }

    #[test]
    fn only_what_takes_no_time_is_recorded_together() {
        check(
            &[
                "CREATE TABLE a (x)",
                "CREATE INDEX i ON a (x)",
                "INSERT INTO a VALUES (1), (2)",
                "CREATE VIEW v AS SELECT x FROM a",
            ],
            &[4, 0, 0, 0],
        );
        check(
            &[
                "CREATE TABLE a (x)",
                "INSERT INTO b VALUES (1)",
                "CREATE TABLE c (x)",
            ],
            &[1, 1, 1],
        );
        check(
            &[
                "CREATE TABLE a (x)",
                "INSERT INTO a SELECT x FROM b",
                "CREATE INDEX i ON a (x)",
                "CREATE TABLE c AS SELECT 1",
            ],
            &[1, 1, 1, 1],
        );
        check(
            &[
                "CREATE TABLE a (x); CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END",
                "INSERT INTO a VALUES (1)",
            ],
            &[1, 1],
        );
        check(
            &[
                "CREATE TABLE a (x)",
                "ALTER TABLE a RENAME TO b",
                "INSERT INTO b VALUES (1)",
            ],
            &[3, 0, 0],
        );
        check(&["PRAGMA user_version = 1", "CREATE TABLE a (x)"], &[1, 1]);
        check(
            &["CREATE TABLE a (x)"; 50],
            &[vec![24], vec![0; 23], vec![24], vec![0; 23], vec![2, 0]].concat(),
        );
    }
}
