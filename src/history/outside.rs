//! What a file without a transaction breaks. The guards are statements of a transaction, so such a file is judged by looking
//! at the schema before it and behind it; what it did stays.

use super::effects::Effects;
use super::guards::broken_references;
use super::left_broken::{LeftBroken, Missing, Texts};
use super::run::not_compiling;
use crate::db::{Db, DbError, Query};
use crate::diagnostic::{Class, Diagnostic};
use crate::script::{Atomicity, Key, Record, Script, Unit};
use crate::sql::Value;

/// A view or trigger that does not compile, or a table with a foreign key whose parent does not exist or has no such key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) sort: String,
    pub(super) name: String,
    /// The columns of the foreign key, `a, b`; none of a view or a trigger.
    pub(super) columns: String,
    pub(super) missing: Missing,
    pub(super) words: String,
}

/// The faults around the files without a transaction of a run.
#[derive(Debug, Default)]
pub(crate) struct Outside {
    /// Before the next script, where it is such a file and may break something.
    before: Option<Result<Vec<Fault>, DbError>>,
    /// What a later script may repair.
    awaited: Vec<(LeftBroken, Diagnostic)>,
}

impl Outside {
    /// Looks at the schema where the next script runs outside of a transaction.
    pub(crate) async fn before(&mut self, db: &Db, next: &[Script]) {
        let may_break = |unit: &Unit| {
            let effects = Effects::of(unit);
            effects.may_break || effects.may_lose_tables
        };
        let is_due = next.first().is_some_and(|script| {
            script.atomicity == Atomicity::Bare && script.units.iter().any(may_break)
        });
        self.before = match is_due {
            true => Some(faults(db).await),
            false => None,
        };
    }

    /// What the script has broken that no later script of the run may repair; a warning where the schema cannot be read.
    pub(crate) async fn behind(
        &mut self,
        db: &Db,
        script: &Script,
        later: &[Script],
        texts: &Texts,
    ) -> Vec<Diagnostic> {
        let (Some(before), Some(unit)) = (self.before.take(), script.units.first()) else {
            return Vec::new();
        };
        let effects = Effects::of(unit);
        let (before, faults) = match (before, faults(db).await) {
            (Ok(before), Ok(faults)) => (before, faults),
            (Err(error), _) | (_, Err(error)) => return vec![unseen(unit.record.key(), &error)],
        };
        let is_old = |fault: &Fault| {
            before.iter().any(|old| {
                let name = effects.table_afterwards(&old.name);
                let columns = old.columns.split(", ");
                let columns: Vec<String> = columns
                    .map(|column| effects.column_afterwards(&name, column))
                    .collect();
                old.sort == fault.sort
                    && name.eq_ignore_ascii_case(&fault.name)
                    && columns.join(", ").eq_ignore_ascii_case(&fault.columns)
            })
        };
        let mut problems = Vec::new();
        for fault in faults.iter().filter(|fault| !is_old(fault)) {
            let left = LeftBroken::found(fault, unit.record.key(), texts);
            let problem = problem(fault, &left, unit);
            match left.may_be_repaired_by(later.iter().flat_map(|script| &script.units)) {
                true => self.awaited.push((left, problem)),
                false => problems.push(problem),
            }
        }
        problems
    }

    /// What is still broken at the end of the run; a warning where that cannot be read.
    pub(crate) async fn at_the_end(self, db: &Db) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        for (left, problem) in self.awaited {
            match (left.still(db).await, problem.subject.clone()) {
                (Ok(true), _) => problems.push(problem),
                (Ok(false), _) => {}
                (Err(error), Some(key)) => problems.push(unseen(&key, &error)),
                (Err(_), None) => {}
            }
        }
        problems
    }
}

async fn faults(db: &Db) -> Result<Vec<Fault>, DbError> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    // A trigger on a table whose foreign key refers to no key is not the fault.
    let objects = not_compiling(db).await?.into_iter();
    let objects = objects.filter(|(_, error)| !error.message.contains("foreign key mismatch"));
    let mut faults: Vec<Fault> = objects
        .map(|([sort, name, ..], error)| Fault {
            sort: text(&sort),
            name: text(&name),
            columns: String::new(),
            missing: Missing::of(&error.message),
            words: error.message,
        })
        .collect();
    let references = db.rows::<4>(Query::new(broken_references())).await?;
    faults.extend(references.iter().map(|[child, columns, parent, key]| {
        let (missing, words) = Missing::parent(&text(parent), key.as_str());
        Fault {
            sort: "table".to_owned(),
            name: text(child),
            words: format!("({}) refers to {words}", text(columns)),
            columns: text(columns),
            missing,
        }
    }));
    Ok(faults)
}

fn problem(fault: &Fault, left: &LeftBroken, unit: &Unit) -> Diagnostic {
    let key = unit.record.key();
    let by = match &unit.record {
        Record::Delete(key) => format!("undoing {key}"),
        record => record.key().to_string(),
    };
    let Fault {
        sort, name, words, ..
    } = fault;
    let (code, message) = match (sort.as_str(), left.misses_key()) {
        ("table", false) => (
            "lost-parent",
            format!("{by} leaves a foreign key without its parent table: {name} {words}"),
        ),
        ("table", true) => (
            "foreign-key-mismatch",
            format!("{by} leaves a foreign key that refers to no key: {name} {words}"),
        ),
        _ => (
            "does-not-compile",
            format!("{by}: {sort} {name} does not compile afterwards: {words}"),
        ),
    };
    let done = match &unit.record {
        Record::Delete(_) => "it is undone",
        _ => "it is applied",
    };
    let problem = Diagnostic::problem(code, message)
        .class(Class::Failed)
        .about(key)
        .note(format!(
            "{key} runs outside of a transaction: {done}, and nothing of it was rolled back"
        ))
        .help(format!("{}, in a new migration", left.repair()));
    let mut origins = unit.steps.iter().filter_map(|step| step.origin.as_ref());
    match origins.next() {
        Some(origin) => problem.in_file(&origin.source.name),
        None => problem,
    }
}

/// The schema could not be looked at.
fn unseen(key: &Key, error: &DbError) -> Diagnostic {
    let message = format!(
        "{key} ran outside of a transaction, and what it broke is not known: the schema could not be read: {error}"
    );
    Diagnostic::problem("not-looked-at", message)
        .warning()
        .about(key)
        .help("`seedbed doctor` shows the views, triggers and foreign keys that do not work")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::db::Options;
    use crate::script::{ForeignKeys, Revision, Step};

    #[tokio::test]
    async fn a_schema_that_cannot_be_read_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("app.db");
        let script = Script {
            expects: Revision::NONE,
            foreign_keys: ForeignKeys::On,
            atomicity: Atomicity::Bare,
            units: vec![Unit {
                record: Record::Delete(Key::Migration(2)),
                steps: Arc::new(vec![Step::own("DROP TABLE t", vec![])]),
            }],
        };
        let scripts = std::slice::from_ref(&script);
        let db = || Db::local(&file, Options::default()).unwrap();
        // Before it, and behind it.
        for (before, behind) in [("no database", ""), ("", "no database")] {
            let mut outside = Outside::default();
            std::fs::write(&file, before.repeat(100)).unwrap();
            outside.before(&db(), scripts).await;
            std::fs::write(&file, behind.repeat(100)).unwrap();
            let found = outside.behind(&db(), &script, &[], &[]).await;
            let [problem] = found.as_slice() else {
                panic!("{found:?}");
            };
            assert!(!problem.is_error(), "{problem:?}");
            assert!(problem.message.contains("what it broke is not known"));
        }
    }
}
