//! The statements that record: a script becomes transactions. Pure.

use std::borrow::Cow;

use super::layout::{BASELINE, CREATE, FIRST_LAYOUT, FIRST_ROWS, LAYOUT, RAISE_LAYOUT, VIOLATIONS};
use super::packed::{is_packed, stored};
use crate::db::{HistoryTable, Transaction};
use crate::script::{
    Atomicity, Entry, ForeignKeys, Key, Record, Revision, Run, Script, Step, Unit,
};
use crate::sql::Value;

/// What a step of a transaction is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Makes the table.
    Table,
    /// Fails where the history has moved.
    Guard,
    /// Writes to `_migrations` for this unit.
    Record(usize),
    /// Counts the violations that are there before this unit.
    Before(usize),
    /// A statement of this unit.
    Unit(usize),
    /// Fails where there are more violations than before this unit.
    After(usize),
    /// Writes how long this unit took, and is its last.
    Done(usize),
}

/// A transaction, and for each of its steps what it is there for.
pub(super) struct Lowered {
    pub(super) transaction: Transaction,
    pub(super) purposes: Vec<Purpose>,
}

/// How much of the list of last runs is kept, in characters: ids of 36 and a blank each.
const LAST_RUNS: usize = 37 * 64;

const NOW: &str = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')";

/// Rows without their parent, counted per child table and parent table:
/// <https://sqlite.org/pragma.html#pragma_foreign_key_check>.
const COUNTED: &str = "\
SELECT \"table\" AS child, parent, count(*) AS found FROM pragma_foreign_key_check GROUP BY 1, 2";

/// The rows themselves, for the error.
const VIOLATING: &str = "SELECT \"table\", rowid, parent FROM pragma_foreign_key_check LIMIT 20";

impl Script {
    /// The revision of the history after this script.
    pub fn leaves(&self) -> Revision {
        match self.atomicity {
            Atomicity::Transaction => self.expects.next(),
            // One for `started` and one for `applied`.
            Atomicity::Bare => self.expects.next().next(),
        }
    }
}

/// Makes transactions of a script. Their records go into `table`.
pub(super) fn lower(script: &Script, run: &Run, table: &HistoryTable) -> Vec<Lowered> {
    let mut lowered = lower_unnamed(script, run);
    for Lowered {
        transaction,
        purposes,
    } in &mut lowered
    {
        for (step, purpose) in transaction.steps.iter_mut().zip(purposes) {
            if !matches!(purpose, Purpose::Unit(_))
                && let Cow::Owned(sql) = table.sql(&step.sql)
            {
                step.sql = sql.into();
            }
        }
    }
    lowered
}

/// The same with the default name of the table.
fn lower_unnamed(script: &Script, run: &Run) -> Vec<Lowered> {
    match script.atomicity {
        Atomicity::Transaction => {
            let mut steps = Steps::new(script.expects, run);
            for (number, unit) in script.units.iter().enumerate() {
                steps.unit(number, unit, script.foreign_keys, run);
            }
            vec![steps.done(script.foreign_keys, Atomicity::Transaction)]
        }
        Atomicity::Bare => bare(script, run),
    }
}

/// `started`, then the statements one by one, then `applied`.
fn bare(script: &Script, run: &Run) -> Vec<Lowered> {
    let mut first = Steps::new(script.expects, run);
    let mut between = Steps::default();
    let mut last = Steps::new(script.expects.next(), run);
    for (number, unit) in script.units.iter().enumerate() {
        let key = unit.record.key();
        match &unit.record {
            Record::Insert(entry) | Record::Replace(entry) => {
                first.raise_layout(number, &unit.record);
                first.push(Purpose::Record(number), insert(entry, "started", run));
                last.push(Purpose::Record(number), set_state(key, "applied"));
                last.push(Purpose::Done(number), duration(key));
            }
            Record::Delete(_) => {
                first.push(Purpose::Record(number), set_state(key, "started"));
                last.push(Purpose::Record(number), delete(key));
            }
            // They come without statements, so there is nothing that could be half done.
            Record::Amend(_) | Record::Settle(_) | Record::Mark(_) => {
                first.unit(number, unit, script.foreign_keys, run);
            }
        }
        for step in &unit.steps {
            between.push(Purpose::Unit(number), step.clone());
        }
    }
    vec![
        first.done(ForeignKeys::On, Atomicity::Transaction),
        between.done(script.foreign_keys, Atomicity::Bare),
        last.done(ForeignKeys::On, Atomicity::Transaction),
    ]
}

#[derive(Default)]
struct Steps {
    steps: Vec<Step>,
    purposes: Vec<Purpose>,
}

impl Steps {
    /// Begins with the guard: it takes the revision, or fails where somebody else took it.
    fn new(expects: Revision, run: &Run) -> Steps {
        let mut steps = Steps::default();
        if expects == Revision::NONE {
            steps.push(Purpose::Table, Step::own(CREATE, vec![]));
            steps.push(
                Purpose::Table,
                Step::own(FIRST_ROWS, vec![FIRST_LAYOUT.into()]),
            );
        }
        steps.push(
            Purpose::Guard,
            Step::own(
                format!(
                    "UPDATE _migrations SET detail = ?1, applied_at = {NOW}, run_id = ?2, applied_by = ?3, \
                     name = substr(?2 || ' ' || coalesce(name, ''), 1, {LAST_RUNS}) \
                     WHERE kind = 'meta' AND version = 'revision' AND detail = CAST(?4 AS TEXT)"
                ),
                vec![
                    expects.next().0.into(),
                    run.id.as_str().into(),
                    run.by.as_str().into(),
                    expects.0.into(),
                ],
            ),
        );
        steps.push(Purpose::Guard, Step::guard("changes()", vec![]));
        steps
    }

    fn push(&mut self, purpose: Purpose, step: Step) {
        self.purposes.push(purpose);
        self.steps.push(step);
    }

    /// Where a record has a packed text, which a program that knows the first layout alone would take for none.
    fn raise_layout(&mut self, number: usize, record: &Record) {
        let (Record::Insert(entry) | Record::Replace(entry) | Record::Amend(entry)) = record else {
            return;
        };
        if is_packed(&entry.source) || entry.down.as_deref().is_some_and(is_packed) {
            self.push(
                Purpose::Record(number),
                Step::own(RAISE_LAYOUT, vec![LAYOUT.into()]),
            );
        }
    }

    fn unit(&mut self, number: usize, unit: &Unit, foreign_keys: ForeignKeys, run: &Run) {
        let key = unit.record.key();
        self.raise_layout(number, &unit.record);
        match &unit.record {
            Record::Insert(entry) | Record::Replace(entry) => {
                self.push(Purpose::Record(number), insert(entry, "applied", run));
            }
            Record::Amend(entry) => self.push(Purpose::Record(number), amend(entry)),
            Record::Settle(key) => self.push(Purpose::Record(number), set_state(key, "applied")),
            Record::Mark(environment) => {
                self.push(Purpose::Record(number), mark(environment, run));
            }
            Record::Delete(_) => {}
        }
        let counts = foreign_keys == ForeignKeys::Off && !unit.steps.is_empty();
        if counts {
            self.push(Purpose::Before(number), count_before(key));
        }
        for step in &unit.steps {
            self.push(Purpose::Unit(number), step.clone());
        }
        if counts {
            self.push(Purpose::After(number), no_more_than_before(key));
        }
        match &unit.record {
            Record::Insert(_) | Record::Replace(_) if !unit.steps.is_empty() => {
                self.push(Purpose::Done(number), duration(key));
            }
            Record::Delete(key) => self.push(Purpose::Record(number), delete(key)),
            _ => {}
        }
    }

    fn done(self, foreign_keys: ForeignKeys, atomicity: Atomicity) -> Lowered {
        Lowered {
            transaction: Transaction {
                foreign_keys,
                atomicity,
                steps: self.steps,
            },
            purposes: self.purposes,
        }
    }
}

/// Fails where the history is not at this revision, which stays as it is.
pub(crate) fn at_revision(expects: Revision, table: &HistoryTable) -> Step {
    match expects {
        // There is no table yet.
        Revision::NONE => Step::guard(
            &table.sql("NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE lower(name) = '_migrations')"),
            Vec::new(),
        ),
        Revision(number) => Step::guard(
            &table.sql(
                "(SELECT detail FROM _migrations WHERE kind = 'meta' AND version = 'revision') = CAST(?1 AS TEXT)",
            ),
            vec![number.into()],
        ),
    }
}

fn key_args(key: &Key) -> Vec<Value> {
    vec![key.kind().into(), key.version()]
}

/// An applied version is never there before: the guard has taken the revision that says so. A repeatable is.
fn insert(entry: &Entry, state: &str, run: &Run) -> Step {
    let mut args = key_args(&entry.key);
    args.extend([
        entry.name.as_str().into(),
        entry.checksum.as_str().into(),
        state.into(),
        run.id.as_str().into(),
        run.by.as_str().into(),
        detail(entry),
        stored(&entry.source),
        entry.down.as_deref().map_or(Value::Null, stored),
        entry.effective.as_deref().into(),
    ]);
    // A baseline's migrations never ran here, so they have no time of their own.
    let verb = match entry.key {
        Key::Migration(_) => "INSERT",
        Key::Repeatable(_) | Key::Seed(_) | Key::Import(_) | Key::Environment => {
            "INSERT OR REPLACE"
        }
    };
    Step::own(
        format!(
            "{verb} INTO _migrations \
             (kind, version, name, checksum, state, applied_at, run_id, applied_by, detail, source, down, \
             effective) VALUES (?1, ?2, ?3, ?4, ?5, {NOW}, ?6, ?7, ?8, ?9, ?10, ?11)"
        ),
        args,
    )
}

fn amend(entry: &Entry) -> Step {
    let mut args = key_args(&entry.key);
    args.extend([
        entry.name.as_str().into(),
        entry.checksum.as_str().into(),
        detail(entry),
        stored(&entry.source),
        entry.down.as_deref().map_or(Value::Null, stored),
        entry.effective.as_deref().into(),
    ]);
    Step::own(
        "UPDATE _migrations SET name = ?3, checksum = ?4, \
         detail = json_patch(coalesce(detail, '{}'), coalesce(?5, '{}')), source = ?6, down = ?7, effective = ?8 \
         WHERE kind = ?1 AND version = ?2",
        args,
    )
}

fn detail(entry: &Entry) -> Value {
    if entry.detail.is_empty() {
        return Value::Null;
    }
    Value::Text(serde_json::Value::Object(entry.detail.clone()).to_string())
}

fn mark(environment: &str, run: &Run) -> Step {
    Step::own(
        format!(
            "INSERT OR REPLACE INTO _migrations (kind, version, state, applied_at, run_id, applied_by, detail) \
             VALUES ('meta', 'environment', 'applied', {NOW}, ?1, ?2, ?3)"
        ),
        vec![
            run.id.as_str().into(),
            run.by.as_str().into(),
            environment.into(),
        ],
    )
}

fn set_state(key: &Key, state: &str) -> Step {
    let mut args = key_args(key);
    args.push(state.into());
    Step::own(
        "UPDATE _migrations SET state = ?3 WHERE kind = ?1 AND version = ?2",
        args,
    )
}

fn delete(key: &Key) -> Step {
    Step::own(
        "DELETE FROM _migrations WHERE kind = ?1 AND version = ?2",
        key_args(key),
    )
}

fn duration(key: &Key) -> Step {
    Step::own(
        "UPDATE _migrations SET duration_ms = \
         CAST(round((julianday('now') - julianday(applied_at)) * 86400000) AS INTEGER) \
         WHERE kind = ?1 AND version = ?2 RETURNING duration_ms",
        key_args(key),
    )
}

fn count_before(key: &Key) -> Step {
    Step::own(
        format!(
            "UPDATE _migrations SET detail = json_set(coalesce(detail, '{{}}'), '$.{VIOLATIONS}', \
             json((SELECT json_group_array(json_object('child', child, 'parent', parent, 'count', found)) \
             FROM ({COUNTED})))) WHERE kind = ?1 AND version = ?2"
        ),
        key_args(key),
    )
}

fn no_more_than_before(key: &Key) -> Step {
    Step {
        explain: Some(VIOLATING),
        ..Step::own(
            format!(
                "SELECT CASE WHEN EXISTS (SELECT 1 FROM ({COUNTED}) AS now WHERE found > coalesce(\
                 (SELECT json_extract(before.value, '$.count') \
                 FROM _migrations, json_each(detail, '$.{VIOLATIONS}') AS before \
                 WHERE kind = ?1 AND version = ?2 \
                 AND json_extract(before.value, '$.child') = now.child \
                 AND json_extract(before.value, '$.parent') = now.parent), 0)) \
                 THEN json('rows without their parent') ELSE 1 END"
            ),
            key_args(key),
        )
    }
}

/// A migration that `baseline` took as applied: recorded, and never run.
pub(crate) fn baselined(mut entry: Entry) -> Entry {
    entry
        .detail
        .insert(BASELINE.to_owned(), serde_json::Value::Bool(true));
    entry
}
