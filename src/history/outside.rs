//! What a file without a transaction breaks. The guards are statements of a transaction, so such a file is judged by looking
//! at the schema before it and behind it; what it did stays.

use super::created::created;
use super::effects::Effects;
use super::guards::broken_references;
use super::left_broken::{LeftBroken, Missing, Texts};
use super::outside_rows::{Lost, Orphans, orphans};
use super::run::not_compiling;
use crate::db::{Db, DbError, Query};
use crate::diagnostic::{Class, Diagnostic};
use crate::schema::{Quoted, quoted};
use crate::script::{Atomicity, ForeignKeys, Key, Record, Script, Step, Unit};
use crate::sql::{Kind, Value, What, kind};

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

/// What a look at the schema, and where it matters at the rows, has found.
#[derive(Debug, Clone, Default)]
struct Seen {
    faults: Vec<Fault>,
    /// Views and triggers that take a name in double quotes for text.
    quoted: Vec<Quoted>,
    orphans: Vec<Orphans>,
}

/// What is looked at around a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Schema,
    SchemaAndRows,
}

/// The faults around the files without a transaction of a run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outside {
    /// Before the next script, where it is such a file and may break something; or why that cannot be read.
    before: Option<Result<Seen, String>>,
    /// What a later script may repair.
    awaited: Vec<(LeftBroken, Diagnostic)>,
    /// Views and triggers with a text in place of a column, which a later script may repair.
    awaited_texts: Vec<(Quoted, Diagnostic)>,
    /// Rows that a later script may repair.
    awaited_rows: Vec<(Lost, Diagnostic)>,
}

impl Outside {
    /// Looks at the schema where the next script runs outside of a transaction.
    pub(crate) async fn before(&mut self, db: &Db, next: &[Script]) {
        let look = next.first().and_then(look);
        self.before = match look {
            Some(look) => Some(see(db, look).await.map_err(|error| error.to_string())),
            None => None,
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
        let look = look(script).unwrap_or(Look::Schema);
        let after = see(db, look).await.map_err(|error| error.to_string());
        let (mut before, after) = match (before, after) {
            (Ok(before), Ok(after)) => (before, after),
            (Err(error), _) | (_, Err(error)) => return vec![unseen(unit.record.key(), &error)],
        };
        let is = |(name, columns): (&str, &str), now: (&str, &str)| {
            let name = effects.table_afterwards(name);
            let columns = columns.split(", ");
            let columns: Vec<String> = columns
                .map(|column| effects.column_afterwards(&name, column))
                .collect();
            name.eq_ignore_ascii_case(now.0) && columns.join(", ").eq_ignore_ascii_case(now.1)
        };
        let is_old = |fault: &Fault| {
            before.faults.iter().any(|old| {
                // A parent table that was missing is there now, without the key.
                let is_new_parent = matches!(
                    (&old.missing, &fault.missing),
                    (Missing::Table(_), Missing::Key(..))
                );
                old.sort == fault.sort
                    && !(fault.sort == "table" && is_new_parent)
                    && is((&old.name, &old.columns), (&fault.name, &fault.columns))
            })
        };
        // A table may refer to one that comes later: only a table that this file drops or renames is lost.
        let is_lost = |fault: &Fault| match (&fault.missing, fault.sort.as_str()) {
            (Missing::Table(parent), "table") => {
                let parent = parent.to_ascii_lowercase();
                effects.has_hidden_names || effects.changed.contains(&parent)
            }
            _ => true,
        };
        let mut problems = Vec::new();
        for now in after.orphans {
            let is_it = |old: &Orphans| is((&old.child, &old.columns), (&now.child, &now.columns));
            let old = before.orphans.iter().position(is_it);
            let old = old.map(|at| before.orphans.swap_remove(at));
            let Some(lost) = Lost::since(old, now, unit, &effects) else {
                continue;
            };
            let problem = orphaned(&lost, unit);
            let mut steps = later
                .iter()
                .flat_map(|it| &it.units)
                .flat_map(|it| it.steps.iter());
            match steps.any(|it| lost.is_named_in(&it.sql)) {
                true => self.awaited_rows.push((lost, problem)),
                false => problems.push(problem),
            }
        }
        let is_new = |fault: &&Fault| !is_old(fault) && is_lost(fault);
        for fault in after.faults.iter().filter(is_new) {
            let left = LeftBroken::found(fault, unit.record.key(), texts);
            let problem = problem(fault, &left, unit);
            match left.may_be_repaired_by(later.iter().flat_map(|script| &script.units)) {
                true => self.awaited.push((left, problem)),
                false => problems.push(problem),
            }
        }
        for now in &after.quoted {
            let created = [What::View, What::Trigger].map(|what| created(unit, what));
            let mut created = created.into_iter().flatten();
            // What it creates may have a text by intent.
            if before.quoted.iter().any(|old| old.is_of(now))
                || created.any(|(it, ..)| it.has_name(&now.name))
            {
                continue;
            }
            let problem = became_text(now, unit);
            let fault = Fault {
                sort: now.sort.clone(),
                name: now.name.clone(),
                columns: String::new(),
                missing: Missing::Column(now.text.clone()),
                words: format!("no such column: {}", now.text),
            };
            let left = LeftBroken::found(&fault, unit.record.key(), texts);
            match left.may_be_repaired_by(later.iter().flat_map(|script| &script.units)) {
                true => self.awaited_texts.push((now.clone(), problem)),
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
                (Err(error), Some(key)) => problems.push(unseen(&key, &error.to_string())),
                (Err(_), None) => {}
            }
        }
        if !self.awaited_texts.is_empty() {
            let now = quoted(db).await;
            for (text, problem) in self.awaited_texts {
                match (&now, problem.subject.clone()) {
                    (Ok(now), _) => {
                        problems.extend(now.iter().any(|it| it.is_of(&text)).then_some(problem));
                    }
                    (Err(error), Some(key)) => problems.push(unseen(&key, &error.to_string())),
                    (Err(_), None) => {}
                }
            }
        }
        if self.awaited_rows.is_empty() {
            return problems;
        }
        let now = orphans(db).await;
        for (lost, problem) in self.awaited_rows {
            match (&now, problem.subject.clone()) {
                (Ok(now), _) => problems.extend(lost.is_still_in(now).then_some(problem)),
                (Err(error), Some(key)) => problems.push(unseen(&key, &error.to_string())),
                (Err(_), None) => {}
            }
        }
        problems
    }
}

/// What is to be looked at around a script: nothing where it runs in a transaction, or breaks nothing.
fn look(script: &Script) -> Option<Look> {
    if script.atomicity == Atomicity::Transaction {
        return None;
    }
    let effects: Vec<Effects> = script.units.iter().map(Effects::of).collect();
    let may_break = |it: &Effects| it.may_break || it.may_break_references();
    let writes = |unit: &Unit| {
        let mut steps = unit.steps.iter();
        steps.any(|it| matches!(kind(&it.sql), Kind::Insert | Kind::Update | Kind::Delete))
    };
    let has_rows = script.units.iter().any(writes) || effects.iter().any(|it| it.may_lose_tables);
    match script.foreign_keys {
        ForeignKeys::Off if has_rows => Some(Look::SchemaAndRows),
        _ => effects.iter().any(may_break).then_some(Look::Schema),
    }
}

async fn see(db: &Db, look: Look) -> Result<Seen, DbError> {
    Ok(Seen {
        faults: faults(db).await?,
        quoted: quoted(db).await?,
        orphans: match look {
            Look::Schema => Vec::new(),
            Look::SchemaAndRows => orphans(db).await?,
        },
    })
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

/// Rows have lost their parent.
fn orphaned(lost: &Lost, unit: &Unit) -> Diagnostic {
    let message = format!("{} leaves rows whose parent is gone: {lost}", doing(unit));
    let help = "delete or change these rows, or insert their parents, in a new migration";
    of_unit(Diagnostic::problem("foreign-keys", message), unit)
        .notes(lost.note())
        .help(help)
}

/// `V2`, `undoing V2`.
fn doing(unit: &Unit) -> String {
    match &unit.record {
        Record::Delete(key) => format!("undoing {key}"),
        record => record.key().to_string(),
    }
}

fn problem(fault: &Fault, left: &LeftBroken, unit: &Unit) -> Diagnostic {
    let by = doing(unit);
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
    of_unit(Diagnostic::problem(code, message), unit)
        .help(format!("{}, in a new migration", left.repair()))
}

/// A view or a trigger reads a text in place of a column.
fn became_text(it: &Quoted, unit: &Unit) -> Diagnostic {
    let (by, Quoted { sort, name, text }) = (doing(unit), it);
    let message = format!(
        "{by}: {sort} {name} reads \"{text}\" as text afterwards: no column has that name any more"
    );
    of_unit(Diagnostic::problem("column-became-text", message), unit)
        .note(format!(
            "SQLite takes a name in double quotes for text where there is no such column, so the {sort} gives '{text}' in \
             place of values"
        ))
        .help(format!(
            "drop the {sort} and create it again without \"{text}\", in a new migration; a text that is meant has single \
             quotes"
        ))
}

/// A problem with a file that has run.
fn of_unit(problem: Diagnostic, unit: &Unit) -> Diagnostic {
    let key = unit.record.key();
    let done = match &unit.record {
        Record::Delete(_) => "it is undone",
        _ => "it is applied",
    };
    let problem = problem.class(Class::Failed).about(key).note(format!(
        "{key} runs outside of a transaction: {done}, and nothing of it was rolled back"
    ));
    let mut sources = unit.steps.iter().filter_map(Step::source);
    match sources.next() {
        Some(source) => problem.in_file(&source.name),
        None => problem,
    }
}

/// The schema could not be looked at.
fn unseen(key: &Key, error: &str) -> Diagnostic {
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
    use crate::script::Revision;

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
