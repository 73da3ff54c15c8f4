//! Units that run only where an object is gone: their steps, and what became of them. One chain of statements decides,
//! because a server is sent the whole transaction at once.
//!
//! A probe fails where an object is gone. The statements depend on that failure, and the chain goes on behind them in
//! either case. Where the failure of the statements must not fail the script, they stand in a savepoint.

use super::guards::unless;
use super::purposes::Purpose;
use super::read;
use super::run::{Receipt, UnitOutcome};
use super::watch::PROBE;
use super::write::Steps;
use crate::db::{Db, Rows};
use crate::schema::Trigger;
use crate::script::{Made, OnFailure, Record, Restore, Run, Script, Step, Unit, When};
use crate::sql::{Kind, Value, What, identifier, kind, text};

const SAVEPOINT: &str = "seedbed_restore";

impl Steps {
    /// Adds a unit that runs only where an object is gone. `inner` are the steps of the unit as it would run otherwise.
    pub(super) fn restore(&mut self, unit: usize, restore: &Restore, inner: Steps) {
        let own = |sql: &str| Step::own(sql, Vec::new());
        let condition = Purpose::Condition(unit);
        self.push(condition, probe(&restore.gone));
        // The chain is whole and the probe failed; and not because the engine has rolled the transaction back.
        let gone = When::All(vec![
            When::Succeeded(2),
            When::Failed(1),
            When::InTransaction,
        ]);
        let purposes = inner.purposes.each();
        let mut steps: Vec<_> = purposes.zip(inner.steps.iter().cloned()).collect();
        let passed = match restore.on_failure {
            OnFailure::Stop => {
                let length = steps.len();
                let mut gone = Some(gone);
                for (purpose, step) in steps {
                    self.push(
                        purpose,
                        match gone.take() {
                            Some(gone) => step.when(gone),
                            None => step,
                        },
                    );
                }
                vec![When::Succeeded(1), When::Succeeded(length + 1)]
            }
            OnFailure::Continue => {
                let checks = checks(&restore.objects).into_iter();
                let checks = checks.chain(named_columns(steps.iter().map(|(_, step)| step)));
                steps.extend(checks.map(|sql| (condition, own(&sql))));
                let length = steps.len();
                let savepoint = own(&format!("SAVEPOINT {SAVEPOINT}"));
                self.push(condition, savepoint.when(gone));
                for (purpose, step) in steps {
                    self.push(purpose, step.continuing());
                }
                let release = format!("RELEASE {SAVEPOINT}");
                self.push(condition, own(&release));
                let failed = vec![When::Succeeded(length + 2), When::NotSucceeded(1)];
                let rollback = own(&format!("ROLLBACK TO {SAVEPOINT}"));
                self.push(condition, rollback.when(When::All(failed)));
                self.push(condition, own(&release));
                self.push(Purpose::Pending(unit), missing_tables(&restore.objects));
                vec![
                    When::Succeeded(1),
                    When::Succeeded(4),
                    When::Succeeded(length + 6),
                ]
            }
        };
        let last = own("SELECT 1");
        self.push(Purpose::Passed(unit), last.when(When::Any(passed)));
    }
}

/// Fails where one of these objects is gone.
fn probe(objects: &[Made]) -> Step {
    let each: Vec<String> = objects.iter().map(is_it).collect();
    let sql = unless(&format!(
        "(SELECT count(*) FROM sqlite_schema WHERE {}) = {}",
        each.join(" OR "),
        objects.len()
    ));
    Step::own(sql, Vec::new()).continuing()
}

/// Statements that fail where these objects were made and do not compile: the engine creates views and triggers on
/// tables that do not exist. A view is read; triggers are compiled, with everything else, when a table is renamed:
/// <https://sqlite.org/lang_altertable.html#alter_table_rename>.
fn checks(objects: &[Made]) -> Vec<String> {
    let views = objects.iter().filter(|made| made.what == What::View);
    let read = |view: &Made| format!("SELECT 1 FROM {} LIMIT 0", identifier(&view.name));
    let mut checks: Vec<String> = views.map(read).collect();
    if objects.iter().any(|made| made.what == What::Trigger) {
        checks.extend(PROBE.map(str::to_owned));
    }
    checks
}

/// Statements that fail where a trigger that these steps create names a column behind `UPDATE OF` that its table or view does
/// not have. A name of the rowid is none of its columns.
fn named_columns<'a>(steps: impl Iterator<Item = &'a Step>) -> Vec<String> {
    let mut checks = Vec::new();
    for step in steps {
        let Kind::Create(object) = kind(&step.sql) else {
            continue;
        };
        let (What::Trigger, Some(table)) = (object.what, &object.table) else {
            continue;
        };
        let trigger = Trigger {
            name: &object.name,
            table,
            sql: &step.sql,
            key: None,
        };
        let columns = trigger.firings().into_iter().filter_map(|it| it.column);
        checks.extend(columns.map(|column| {
            unless(&format!(
                "lower({0}) IN ('rowid', 'oid', '_rowid_') OR EXISTS (SELECT 1 FROM pragma_table_xinfo({1}) \
                 WHERE name = {0} COLLATE NOCASE)",
                text(&column),
                text(table)
            ))
        }));
    }
    checks
}

fn is_it(made: &Made) -> String {
    let types: Vec<String> = made.types().iter().map(|it| text(it)).collect();
    format!(
        "(type IN ({}) AND lower(name) = {})",
        types.join(", "),
        text(&made.name.to_ascii_lowercase())
    )
}

/// A row for each table or view that an object is on and that does not exist, behind a first row without one.
fn missing_tables(objects: &[Made]) -> Step {
    let mut sql = "SELECT NULL".to_owned();
    for table in tables(objects) {
        sql.push_str(&format!(
            " UNION ALL SELECT {} WHERE NOT EXISTS (SELECT 1 FROM sqlite_schema \
             WHERE type IN ('table', 'view') AND lower(name) = {})",
            text(table),
            text(&table.to_ascii_lowercase())
        ));
    }
    Step::own(sql, Vec::new())
}

/// The tables that objects are on, each once.
fn tables(objects: &[Made]) -> Vec<&str> {
    let mut tables: Vec<&str> = Vec::new();
    for table in objects.iter().filter_map(|made| made.table.as_deref()) {
        if !tables.iter().any(|it| it.eq_ignore_ascii_case(table)) {
            tables.push(table);
        }
    }
    tables
}

/// What the answer of [`missing_tables`] tells.
pub(super) fn pending(rows: &Rows) -> UnitOutcome {
    let tables = rows.iter().filter_map(|row| match row.as_slice() {
        [Value::Text(table)] => Some(table.clone()),
        _ => None,
    });
    UnitOutcome::Pending(tables.collect())
}

/// What is known of a unit of a script that happened, before its answers are read.
pub(super) fn without_answer(unit: &Unit) -> UnitOutcome {
    match unit.record {
        Record::Restore(_) => UnitOutcome::Unknown,
        _ => UnitOutcome::Ran,
    }
}

/// Reads the history for units whose answers were lost: their records tell which run wrote them.
pub(super) async fn look_for_lost_answers(
    db: &Db,
    scripts: &[Script],
    run: &Run,
    receipts: &mut [Receipt],
) {
    let is_unknown = |receipt: &Receipt| receipt.outcomes.contains(&UnitOutcome::Unknown);
    if !receipts.iter().any(is_unknown) {
        return;
    }
    // Where it cannot be read, they stay unknown.
    let Ok(history) = read::read(db).await else {
        return;
    };
    for (script, receipt) in scripts.iter().zip(receipts) {
        for (unit, outcome) in script.units.iter().zip(&mut receipt.outcomes) {
            let (Record::Restore(restore), UnitOutcome::Unknown) = (&unit.record, &*outcome) else {
                continue;
            };
            let is_missing = |table: &&str| {
                let there = |it: &str| {
                    let key = (it.to_owned(), table.to_ascii_lowercase());
                    let objects = history.objects.as_ref();
                    objects.is_some_and(|objects| objects.contains_key(&key))
                };
                !there("table") && !there("view")
            };
            let wrote = |row: &read::Row| row.run_id == run.id;
            *outcome = if !history.gone(&restore.objects).is_empty() {
                let tables = tables(&restore.objects).into_iter().filter(is_missing);
                UnitOutcome::Pending(tables.map(str::to_owned).collect())
            } else if history.row(&restore.entry.key).is_some_and(wrote) {
                UnitOutcome::Ran
            } else {
                UnitOutcome::NotNeeded
            };
        }
    }
}
