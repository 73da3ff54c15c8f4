//! What a file without a transaction breaks. The guards are statements of a transaction, so such a file is judged by looking
//! at the schema before it and behind it; what it did stays.

use super::effects::Effects;
use super::left_broken::{LeftBroken, Texts};
use super::run::not_compiling;
use crate::db::{Db, DbError, Query};
use crate::diagnostic::{Class, Diagnostic};
use crate::script::{Atomicity, Record, Script, Unit};
use crate::sql::Value;

/// Foreign keys without a parent table.
const LOST: &str = "\
SELECT s.name, f.\"from\", f.\"table\" FROM sqlite_schema AS s CROSS JOIN pragma_foreign_key_list(s.name) AS f \
WHERE s.type = 'table' AND s.rootpage > 0 AND instr(lower(s.sql), 'references') AND f.seq = 0 AND NOT EXISTS (\
SELECT 1 FROM sqlite_schema AS p WHERE p.type IN ('table', 'view') AND p.name = f.\"table\" COLLATE NOCASE)";

/// A view or trigger that does not compile, or a table with a foreign key whose parent does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) sort: String,
    pub(super) name: String,
    /// The parent that is missing.
    pub(super) parent: Option<String>,
    pub(super) words: String,
}

/// The faults around the files without a transaction of a run.
#[derive(Debug, Default)]
pub(crate) struct Outside {
    /// Before the next script, where it is such a file and may break something.
    before: Option<Vec<Fault>>,
    /// What a later script may repair.
    awaited: Vec<(LeftBroken, Diagnostic)>,
}

impl Outside {
    /// Looks at the schema where the next script runs outside of a transaction. A schema that cannot be read is not judged.
    pub(crate) async fn before(&mut self, db: &Db, next: &[Script]) {
        let may_break = |unit: &Unit| {
            let effects = Effects::of(unit);
            effects.may_break || effects.may_lose_tables
        };
        let is_due = next.first().is_some_and(|script| {
            script.atomicity == Atomicity::Bare && script.units.iter().any(may_break)
        });
        self.before = match is_due {
            true => faults(db).await.ok(),
            false => None,
        };
    }

    /// What the script has broken that no later script of the run may repair.
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
        let is_old = |fault: &Fault| {
            before.iter().any(|old| {
                let name = effects.table_afterwards(&old.name);
                old.sort == fault.sort && name.eq_ignore_ascii_case(&fault.name)
            })
        };
        let Ok(faults) = faults(db).await else {
            return Vec::new();
        };
        let mut problems = Vec::new();
        for fault in faults.iter().filter(|fault| !is_old(fault)) {
            let left = LeftBroken::found(fault, unit.record.key().clone(), texts);
            let problem = problem(fault, &left, unit);
            match left.may_be_repaired_by(later) {
                true => self.awaited.push((left, problem)),
                false => problems.push(problem),
            }
        }
        problems
    }

    /// What is still broken at the end of the run.
    pub(crate) async fn at_the_end(self, db: &Db) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        for (left, problem) in self.awaited {
            if left.is_still(db).await {
                problems.push(problem);
            }
        }
        problems
    }
}

async fn faults(db: &Db) -> Result<Vec<Fault>, DbError> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let objects = not_compiling(db).await?.into_iter();
    let mut faults: Vec<Fault> = objects
        .map(|([sort, name, ..], error)| Fault {
            sort: text(&sort),
            name: text(&name),
            parent: None,
            words: error.message,
        })
        .collect();
    let lost = db.rows::<3>(Query::new(LOST)).await?;
    faults.extend(lost.iter().map(|[child, column, parent]| Fault {
        sort: "table".to_owned(),
        name: text(child),
        parent: Some(text(parent)),
        words: format!(
            "({}) refers to {}, which does not exist",
            text(column),
            text(parent)
        ),
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
    let (code, message) = match fault.parent {
        Some(_) => (
            "lost-parent",
            format!("{by} leaves a foreign key without its parent table: {name} {words}"),
        ),
        None => (
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
