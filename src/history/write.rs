//! The statements that record: a script becomes transactions. Pure.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use super::added_columns;
use super::checks::{self, CheckedTable};
use super::effects::{Effects, lost_tables, retyping};
use super::guards::{self, Scope};
use super::known::Reference;
use super::layout::{
    ADOPTED_AT, ADOPTED_FROM, BASELINE, CREATE, DROPPED, FIRST_LAYOUT, FIRST_ROWS, IDENTIFY,
    IDENTIFY_COPY, LAYOUT, RAISE_LAYOUT, REMEMBER_UNDONE, RENAMED, UNDOING,
};
use super::mark;
use super::old_rows;
use super::orphans;
use super::packed::{is_packed, stored};
use super::purposes::{Purpose, Purposes};
use super::quoted::{Quoted, Quoting};
use super::row_guards::{self, Compared};
use super::watch::{Guard, Place};
use crate::db::{Engine, HistoryTable, Transaction};
use crate::script::{
    Atomicity, Entry, ForeignKeys, Key, Record, Revision, Run, Script, Step, StepList, Unit, When,
};
use crate::sql::{Kind, Value, drops_of_temporary, kind};

/// A transaction, and for each of its steps what it is there for.
pub(super) struct Lowered {
    pub(super) transaction: Transaction,
    pub(super) purposes: Purposes,
}

/// How much of the list of last runs is kept, in characters: ids of 36 and a blank each.
const LAST_RUNS: usize = 37 * 64;

const NOW: &str = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')";

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

/// Makes transactions of a script that has this place in its run. Their records go into `table`.
pub(super) fn lower(
    script: &Script,
    run: &Run,
    place: Place<'_>,
    table: &HistoryTable,
    engine: Engine,
) -> Vec<Lowered> {
    let mut lowered = lower_unnamed(script, run, place, Compared::on(engine));
    for Lowered {
        transaction,
        purposes,
    } in &mut lowered
    {
        for (number, step) in transaction.steps.own_mut() {
            if !matches!(purposes.get(number), Some(Purpose::Unit(_)))
                && let Cow::Owned(named) = table.sql(&step.sql)
            {
                step.sql = named.into();
            }
            for query in step.explanations_mut() {
                if let Cow::Owned(named) = table.sql(query) {
                    *query = Arc::new(named);
                }
            }
        }
    }
    lowered
}

/// The same with the default name of the table.
fn lower_unnamed(script: &Script, run: &Run, place: Place<'_>, compared: Compared) -> Vec<Lowered> {
    match script.atomicity {
        Atomicity::Transaction => {
            let mut steps = Steps::new(script.expects, run);
            let mark = place.known_schema();
            steps.push(
                Purpose::Table,
                mark.map_or_else(mark::forget, |known| mark::before(script.expects, known)),
            );
            steps.durations = Durations::of(&script.units);
            steps.clear_the_way(&script.units);
            steps.references = place.known_references();
            steps.all_references = place.all_references();
            steps.scope = place.scope();
            steps.left = place.left_foreign_keys();
            steps.compared = compared;
            steps.checks = place.checks();
            steps.has_mismatches = place.has_mismatches();
            steps.guards(place.before(), Purpose::CompilesBefore);
            let effects: Vec<Effects> = script.units.iter().map(Effects::of).collect();
            let probes = place.probes(&effects);
            if let Some(probes) = &probes {
                steps.quoted = probes.quoted.clone();
            }
            let before = probes.as_ref().map(|probes| {
                let fired = steps.fire_before(probes);
                let read = steps.read_before(probes);
                (fired, read, steps.quoted_before(probes))
            });
            for (number, (unit, effects)) in script.units.iter().zip(&effects).enumerate() {
                steps.unit(number, unit, effects, script.foreign_keys, run);
            }
            steps.forget_rows(&script.units, &effects);
            if let (Durations::AtTheEnd, Some(first)) = (steps.durations, script.units.first()) {
                steps.push(Purpose::AllDone, durations(first.record.key()));
            }
            for step in place.left_rows() {
                steps.push(Purpose::LeftRows, step);
            }
            steps.guards(place.references(&effects), Purpose::References);
            steps.guards(place.compiles(&effects), Purpose::Compiles);
            if let (Some(probes), Some((fired, read, quoted))) = (probes, before) {
                steps.read_after(&probes, read);
                steps.fire_after(&probes, fired);
                steps.quoted_after(&probes, quoted);
            }
            if let Some(step) = place.keeps_left_broken() {
                steps.push(Purpose::Around, step);
            }
            if mark.is_some() {
                steps.push(Purpose::Table, mark::after(script.leaves()));
            }
            if script.foreign_keys == ForeignKeys::On {
                steps.explain_commit();
            }
            vec![steps.done(script.foreign_keys, Atomicity::Transaction)]
        }
        Atomicity::Bare => bare(script, run, compared),
    }
}

/// `started`, then the statements one by one, then `applied`.
fn bare(script: &Script, run: &Run, compared: Compared) -> Vec<Lowered> {
    let mut first = Steps::new(script.expects, run);
    first.push(Purpose::Table, mark::forget());
    let mut between = Steps {
        compared,
        ..Steps::default()
    };
    let mut last = Steps::new(script.expects.next(), run);
    let effects: Vec<Effects> = script.units.iter().map(Effects::of).collect();
    for (number, (unit, effects)) in script.units.iter().zip(&effects).enumerate() {
        let key = unit.record.key();
        match &unit.record {
            Record::Insert(entry) | Record::Replace(entry) => {
                first.raise_layout(number, &unit.record);
                first.push(Purpose::Record(number), insert(entry, "started", run));
                last.push(Purpose::Record(number), set_state(key, "applied"));
                last.push(Purpose::Done(number), duration(key));
            }
            Record::Delete(_) => {
                first.push(Purpose::Record(number), begin_undo(key, run));
                if matches!(key, Key::Migration(_)) {
                    last.push(Purpose::Record(number), remember_undone(key));
                }
                last.push(Purpose::Record(number), delete(key));
            }
            // They come without statements, so there is nothing that could be half done.
            Record::Amend(_)
            | Record::Move { .. }
            | Record::Settle(_)
            | Record::Mark(_)
            | Record::Copy
            | Record::Restore(_) => {
                first.unit(number, unit, effects, script.foreign_keys, run);
            }
        }
        let old_rows = old_rows::old_rows(effects);
        let old_rows = old_rows.map(|(before, after)| {
            first.push(Purpose::Before(number), before);
            last.push(Purpose::Compared(number), row_guards::forget_rows());
            after
        });
        between.share(number, unit, script.foreign_keys);
        between.schema(number, effects);
        if let Some(step) = old_rows {
            between.old_rows(number, effects, step);
        }
    }
    last.forget_rows(&script.units, &effects);
    vec![
        first.done(ForeignKeys::On, Atomicity::Transaction),
        between.done(script.foreign_keys, Atomicity::Bare),
        last.done(ForeignKeys::On, Atomicity::Transaction),
    ]
}

/// When the durations of a script's units are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Durations {
    /// Behind each unit.
    #[default]
    Each,
    /// Behind the last one, in one statement: each unit ends where the record of the next one is inserted. After a change
    /// of the schema the engine compiles a statement again, so a statement for each unit would be most of what recording
    /// costs.
    AtTheEnd,
}

impl Durations {
    fn of(units: &[Unit]) -> Durations {
        let is_inserted = |unit: &Unit| {
            matches!(unit.record, Record::Insert(_) | Record::Replace(_)) && !unit.steps.is_empty()
        };
        match units.len() > 1 && units.iter().all(is_inserted) {
            true => Durations::AtTheEnd,
            false => Durations::Each,
        }
    }
}

#[derive(Default)]
pub(super) struct Steps {
    pub(super) steps: StepList,
    pub(super) purposes: Purposes,
    durations: Durations,
    /// The foreign keys before the next unit.
    references: Arc<Vec<Arc<Reference>>>,
    /// All foreign keys that there can be; none where that is not known.
    all_references: Option<Arc<Vec<Arc<Reference>>>>,
    /// The tables that units before the next one have dropped, in lower case.
    gone: HashSet<String>,
    /// The foreign keys that the run may break.
    scope: Scope,
    /// The foreign keys that a later script may repair.
    left: Vec<(String, String)>,
    /// The tables with CHECK constraints before the run, where a unit ignores these.
    checks: Vec<Arc<CheckedTable>>,
    /// Whether the foreign keys that are a mismatch before the run are recorded.
    has_mismatches: bool,
    /// How rows without their parent are compared with those before a unit.
    compared: Compared,
    /// The views and triggers with a name in double quotes.
    pub(super) quoted: Quoted,
    /// Those that were looked at behind the statement that creates them, and the step that tells it.
    pub(super) looked: Vec<(Quoting, usize)>,
}

impl Steps {
    /// Begins with the guard: it takes the revision, or fails where another run took it.
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
        steps.push(Purpose::Table, Step::own(IDENTIFY, vec![]));
        steps
    }

    pub(super) fn push(&mut self, purpose: Purpose, step: Step) {
        self.purposes.add(purpose, 1);
        self.steps.push(step);
    }

    /// Adds steps that may fail: the chain goes on behind them. Returns the number of the first.
    pub(super) fn attempts(&mut self, purpose: Purpose, steps: Vec<Step>) -> usize {
        let (first, count) = (self.steps.len(), steps.len());
        for (number, step) in steps.into_iter().enumerate() {
            self.push(purpose, step.when(When::Succeeded(number + 1)).continuing());
        }
        if count > 0 {
            // After some errors a server has rolled the transaction back.
            let open = When::All(vec![When::Succeeded(count + 1), When::InTransaction]);
            self.push(purpose, Step::own("SELECT 1", vec![]).when(open));
        }
        first
    }

    /// Adds the statements of a unit, and around each `ADD COLUMN` what the engine does not look at.
    fn share(&mut self, number: usize, unit: &Unit, foreign_keys: ForeignKeys) {
        let looks = self.compared.looks_at_old_rows();
        if !looks && unit.steps.iter().any(|step| kind(&step.sql) == Kind::Alter) {
            for step in unit.steps.iter() {
                let refers = foreign_keys == ForeignKeys::On;
                let (before, behind) = added_columns::guards(&step.sql, refers);
                let guarded = |step| (Purpose::OldRows(number), step);
                let own = (Purpose::Unit(number), step.clone());
                let steps = before.map(guarded).into_iter().chain([own]);
                for (purpose, step) in steps.chain(behind.map(guarded)) {
                    self.push(purpose, step);
                }
            }
            return;
        }
        if self.quoted.looks_in(number) {
            for (at, step) in unit.steps.iter().enumerate() {
                self.push(Purpose::Unit(number), step.clone());
                self.quoted_behind(number, at);
            }
            return;
        }
        self.purposes.add(Purpose::Unit(number), unit.steps.len());
        self.steps.share(&unit.steps);
    }

    /// The statements of a unit, and around each `ALTER COLUMN` what keeps the values of old rows.
    fn retyped(&mut self, number: usize, unit: &Unit) {
        for (at, step) in unit.steps.iter().enumerate() {
            let kept = retyping(&step.sql).map(|retyping| old_rows::kept_values(&retyping));
            let (before, after) = kept.unzip();
            // It fails where the statement does: there is no such table.
            if let Some(step) = before {
                self.push(Purpose::OldRows(number), step);
            }
            self.push(Purpose::Unit(number), step.clone());
            if let Some(step) = after {
                self.push(Purpose::OldRows(number), step);
            }
            self.quoted_behind(number, at);
        }
    }

    /// Rows that change their keys leave the old ones first: two may exchange them.
    fn clear_the_way(&mut self, units: &[Unit]) {
        for (number, unit) in units.iter().enumerate() {
            if let Record::Move { from, .. } = &unit.record {
                self.push(Purpose::Record(number), set_aside(from));
            }
        }
    }

    /// Where a record has a packed text, which a program that knows the first layout alone would take for none, or is of
    /// a seed, of whose rows such a program would know nothing.
    fn raise_layout(&mut self, number: usize, record: &Record) {
        let (Record::Insert(entry)
        | Record::Replace(entry)
        | Record::Amend(entry)
        | Record::Move { entry, .. }) = record
        else {
            return;
        };
        let is_down_packed = |down: &Arc<str>| is_packed(&down.clone().into());
        let is_packed = is_packed(&entry.source) || entry.down.as_ref().is_some_and(is_down_packed);
        if is_packed || matches!(entry.key, Key::Seed(_)) {
            self.push(
                Purpose::Record(number),
                Step::own(RAISE_LAYOUT, vec![LAYOUT.into()]),
            );
        }
    }

    /// What seeds made in tables that the script drops is forgotten, so that it is made again with the table. What they made
    /// in tables and columns that it renames is found under their new names.
    fn forget_rows(&mut self, units: &[Unit], effects: &[Effects]) {
        if !effects.iter().any(|effects| effects.may_lose_tables) {
            return;
        }
        for table in lost_tables(units) {
            self.push(Purpose::Record(units.len() - 1), forget_rows_of(table));
        }
        for renamed in effects.iter().filter_map(Effects::renames_for_seeds) {
            self.push(Purpose::Record(units.len() - 1), remember_names(&renamed));
        }
    }

    fn unit(
        &mut self,
        number: usize,
        unit: &Unit,
        effects: &Effects,
        foreign_keys: ForeignKeys,
        run: &Run,
    ) {
        if let Record::Restore(restore) = &unit.record {
            let mut inner = Steps {
                references: self.references.clone(),
                scope: self.scope.clone(),
                left: self.left.clone(),
                all_references: self.all_references.clone(),
                gone: self.gone.clone(),
                checks: self.checks.clone(),
                compared: self.compared,
                ..Steps::default()
            };
            let replaced = Unit {
                record: Record::Replace(restore.entry.clone()),
                steps: unit.steps.clone(),
            };
            inner.unit(number, &replaced, effects, foreign_keys, run);
            return self.restore(number, restore, inner);
        }
        let key = unit.record.key();
        self.raise_layout(number, &unit.record);
        match &unit.record {
            Record::Insert(entry) | Record::Replace(entry) => {
                let mut step = insert(entry, "applied", run);
                // What runs statements reads its record behind them.
                if unit.steps.is_empty() {
                    step.sql = format!("{} RETURNING NULL, applied_at", &*step.sql).into();
                }
                self.push(Purpose::Record(number), step);
            }
            Record::Amend(entry) => self.push(Purpose::Record(number), amend(entry)),
            Record::Move { from, entry } => {
                self.push(Purpose::Record(number), move_to(from, entry));
            }
            Record::Settle(key) => self.push(Purpose::Record(number), settle(key)),
            Record::Mark(environment) => {
                self.push(Purpose::Record(number), mark(environment, run));
            }
            Record::Copy => {
                self.push(Purpose::Record(number), Step::own(IDENTIFY_COPY, vec![]));
            }
            Record::Delete(_) | Record::Restore(_) => {}
        }
        if !unit.steps.is_empty() {
            self.statements(number, unit, effects, foreign_keys);
        }
        match &unit.record {
            Record::Insert(_) | Record::Replace(_)
                if !unit.steps.is_empty() && self.durations == Durations::Each =>
            {
                self.push(Purpose::Done(number), duration(key));
            }
            Record::Delete(key) => {
                // Without statements, only the record goes: what it tells of is still there.
                if !unit.steps.is_empty() && matches!(key, Key::Migration(_)) {
                    self.push(Purpose::Record(number), remember_undone(key));
                }
                self.push(Purpose::Record(number), delete(key));
            }
            _ => {}
        }
    }

    /// The statements of a unit, between what they are compared with and the guards that compare.
    fn statements(
        &mut self,
        number: usize,
        unit: &Unit,
        effects: &Effects,
        foreign_keys: ForeignKeys,
    ) {
        let touches = self.touches_references(effects);
        let rows = touches && row_guards::compares_rows(foreign_keys, effects);
        let new = orphans::new_references(unit, effects, &self.references);
        let values = rows.then(|| match self.compared {
            Compared::Rows => orphans::values(unit, effects, &self.references, &new),
            Compared::Rowids => (Vec::new(), Vec::new()),
        });
        let values = values.map(|(before, after)| {
            for step in row_guards::rows_before(unit, effects) {
                self.push(Purpose::Before(number), step);
            }
            self.attempts(Purpose::Before(number), before);
            after
        });
        let old_rows = old_rows::old_rows(effects);
        let old_rows = old_rows.map(|(before, after)| {
            self.push(Purpose::Before(number), before);
            let (before, behind) = checks::rows(unit, effects, &self.checks);
            self.attempts(Purpose::Before(number), before);
            (behind, after)
        });
        // With foreign keys off, each unit is judged by itself, but for what a later script may repair.
        let is_judged = foreign_keys != ForeignKeys::On && self.left.is_empty();
        let has_mismatches = is_judged || self.has_mismatches;
        if touches && !has_mismatches && effects.may_break_references() && !self.scope.is_empty() {
            self.has_mismatches = true;
            let step = guards::mismatches_before(&self.scope);
            self.push(Purpose::Before(number), step);
        }
        if touches && let Some(step) = guards::references_before(effects, &self.scope) {
            self.push(Purpose::Before(number), step);
        }
        match &old_rows {
            None => self.share(number, unit, foreign_keys),
            Some(_) => self.retyped(number, unit),
        }
        for step in temporary(unit) {
            self.push(Purpose::Temporary(number), step);
        }
        self.schema(number, effects);
        if let Some((behind, step)) = old_rows {
            self.attempts(Purpose::Compared(number), behind);
            self.old_rows(number, effects, step);
        }
        if let Some(values) = values {
            self.compared(number, unit, effects, values);
        }
        if touches && let Some(step) = guards::references_after(unit, effects, &self.scope) {
            self.push(Purpose::Compared(number), step);
        }
        orphans::follow(&mut self.references, effects, new);
    }

    /// Whether the unit may do something to a foreign key or to its rows. Each comparison reads the whole schema, so in a run
    /// of many units they would take quadratic time.
    fn touches_references(&mut self, effects: &Effects) -> bool {
        let Some(all) = &self.all_references else {
            return true;
        };
        let lost = effects.lost.iter().filter(|it| !effects.new.contains(it));
        self.gone.extend(lost.cloned());
        let is_there = |it: &&Arc<Reference>| !self.gone.contains(&it.child.to_ascii_lowercase());
        let mut there = all.iter().filter(is_there);
        there.any(|it| effects.touches(&it.child, &it.parent))
    }

    /// The guards that compare the rows of a unit with those before it, by the steps that record `values`. To compare
    /// takes long, and nearly always there is nothing: a first look decides whether they run.
    fn compared(&mut self, number: usize, unit: &Unit, effects: &Effects, values: Vec<Step>) {
        let compared = Purpose::Compared(number);
        let looked = self.steps.len();
        self.push(compared, row_guards::nothing_is_broken(effects));
        let found = When::All(vec![When::Succeeded(2), When::NotSucceeded(1)]);
        let left = self.left.iter();
        let left: Vec<_> = left
            .map(|(child, columns)| (&**child, &**columns))
            .collect();
        let mismatch = row_guards::no_new_mismatch(effects, &left).when(found);
        let violation = match self.compared {
            Compared::Rows => row_guards::no_new_violation(effects, &left),
            Compared::Rowids => {
                let replaced = orphans::replaced(unit, effects, &self.references);
                row_guards::no_new_violation_by_rowid(effects, &replaced, &left)
            }
        };
        let violation = violation.when(When::Succeeded(1));
        self.push(Purpose::Mismatch(number), mismatch);
        self.attempts(compared, values);
        self.push(Purpose::After(number), violation);
        let passed = vec![
            When::Succeeded(self.steps.len() - looked),
            When::Succeeded(1),
        ];
        let last = Step::own("SELECT 1", vec![]).when(When::Any(passed));
        self.push(compared, last);
        self.push(compared, row_guards::forget_rows());
    }

    fn old_rows(&mut self, number: usize, effects: &Effects, step: Step) {
        if let Some(step) = old_rows::heeds_checks(effects) {
            self.push(Purpose::Temporary(number), step);
        }
        self.push(Purpose::OldRows(number), step);
    }

    fn schema(&mut self, number: usize, effects: &Effects) {
        for step in old_rows::reads_schema(effects) {
            self.push(Purpose::Schema(number), step);
        }
    }

    fn guards(&mut self, guards: Vec<Guard>, refuses: Purpose) {
        for guard in guards {
            match guard {
                Guard::Record(step) => self.push(Purpose::Around, step),
                Guard::Refuse(step) => self.push(refuses, step),
            }
        }
    }

    fn explain_commit(&mut self) {
        if let Some(last) = self.steps.last_mut() {
            last.explain_commit_by(row_guards::violations());
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

/// Drops the TEMP objects that a unit creates. They end with its file; and an object of the schema that has the name of
/// one of them is hidden from the guards, which cannot name a schema on every engine.
fn temporary(unit: &Unit) -> impl Iterator<Item = Step> {
    let statements = unit.steps.iter().map(|step| &*step.sql);
    let drops = drops_of_temporary(statements).into_iter();
    drops.map(|drop| Step::own(drop, vec![]))
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

pub(super) fn key_args(key: &Key) -> Vec<Value> {
    vec![key.kind().into(), key.version()]
}

/// An applied version is never there before: the guard has taken the revision that says so. A repeatable is.
fn insert(entry: &Entry, state: &str, run: &Run) -> Step {
    let kind = entry.key.kind();
    let mut args = vec![
        entry.key.version(),
        entry.name.as_str().into(),
        entry.checksum.as_str().into(),
        run.id.as_str().into(),
        run.by.as_str().into(),
        stored(&entry.source),
    ];
    // The engine compiles the statement again behind each change of the schema, and each column costs it time: few records
    // have these.
    let rare = [
        ("detail", detail(entry)),
        ("down", down(entry)),
        ("effective", entry.effective.as_deref().into()),
    ];
    let (mut columns, mut values) = (String::new(), String::new());
    for (column, value) in rare.into_iter().filter(|(_, value)| *value != Value::Null) {
        args.push(value);
        columns += &format!(", {column}");
        values += &format!(", ?{}", args.len());
    }
    let applied_at = match entry.detail.contains_key(ADOPTED_AT) {
        // The first of the rare ones.
        true => format!("?7 ->> '$.{ADOPTED_AT}'"),
        false => NOW.to_owned(),
    };
    // A baseline's migrations never ran here, so they have no time of their own.
    let verb = match entry.key {
        Key::Migration(_) => "INSERT",
        Key::Repeatable(_) | Key::Seed(_) | Key::Import(_) | Key::Environment | Key::DatabaseId => {
            "INSERT OR REPLACE"
        }
    };
    Step::own(
        format!(
            "{verb} INTO _migrations (kind, version, name, checksum, state, applied_at, run_id, applied_by, source{columns}) \
             VALUES ('{kind}', ?1, ?2, ?3, '{state}', {applied_at}, ?4, ?5, ?6{values})"
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
        down(entry),
        entry.effective.as_deref().into(),
    ]);
    Step::own(
        "UPDATE _migrations SET name = ?3, checksum = ?4, \
         detail = json_patch(coalesce(detail, '{}'), coalesce(?5, '{}')), source = ?6, down = ?7, effective = ?8 \
         WHERE kind = ?1 AND version = ?2",
        args,
    )
}

/// Between its old key and its new one a row has a blob, which is no key of any row.
fn set_aside(from: &Key) -> Step {
    Step::own(
        "UPDATE _migrations SET version = CAST(version AS BLOB) WHERE kind = ?1 AND version = ?2",
        key_args(from),
    )
}

fn move_to(from: &Key, entry: &Entry) -> Step {
    let mut args = key_args(from);
    args.extend([
        entry.key.version(),
        entry.name.as_str().into(),
        entry.checksum.as_str().into(),
        detail(entry),
        stored(&entry.source),
        down(entry),
    ]);
    Step::own(
        "UPDATE _migrations SET version = ?3, name = ?4, checksum = ?5, \
         detail = json_patch(coalesce(detail, '{}'), coalesce(?6, '{}')), source = ?7, down = coalesce(?8, down) \
         WHERE kind = ?1 AND version = CAST(?2 AS BLOB)",
        args,
    )
}

fn down(entry: &Entry) -> Value {
    let down = entry.down.as_ref();
    down.map_or(Value::Null, |down| stored(&down.clone().into()))
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

/// A row that says how it is undone: what is to be settled differs from a migration that was being applied.
fn begin_undo(key: &Key, run: &Run) -> Step {
    let mut args = key_args(key);
    args.push(run.by.as_str().into());
    Step::own(
        format!(
            "UPDATE _migrations SET state = 'started', detail = json_set(coalesce(detail, '{{}}'), '$.{UNDOING}', \
             json_object('at', {NOW}, 'by', ?3)) WHERE kind = ?1 AND version = ?2"
        ),
        args,
    )
}

fn settle(key: &Key) -> Step {
    Step::own(
        format!(
            "UPDATE _migrations SET state = 'applied', detail = json_remove(detail, '$.{UNDOING}') \
             WHERE kind = ?1 AND version = ?2"
        ),
        key_args(key),
    )
}

fn forget_rows_of(table: String) -> Step {
    Step::own(
        format!(
            "UPDATE _migrations SET detail = json_set(detail, '$.{DROPPED}', \
             json_insert(coalesce(json_extract(detail, '$.{DROPPED}'), '[]'), '$[#]', ?1)) WHERE kind = 'seed'"
        ),
        vec![table.into()],
    )
}

fn remember_names(renamed: &serde_json::Value) -> Step {
    Step::own(
        format!(
            "UPDATE _migrations SET detail = json_set(detail, '$.{RENAMED}', \
             json_insert(coalesce(json_extract(detail, '$.{RENAMED}'), '[]'), '$[#]', json(?1))) WHERE kind = 'seed'"
        ),
        vec![renamed.to_string().into()],
    )
}

fn delete(key: &Key) -> Step {
    Step::own(
        "DELETE FROM _migrations WHERE kind = ?1 AND version = ?2",
        key_args(key),
    )
}

fn remember_undone(key: &Key) -> Step {
    Step::own(REMEMBER_UNDONE, key_args(key))
}

fn duration(key: &Key) -> Step {
    Step::own(
        format!(
            "UPDATE _migrations SET duration_ms = CASE WHEN detail ->> '$.{ADOPTED_FROM}' IS NULL THEN \
             CAST(round((julianday('now') - julianday(applied_at)) * 86400000) AS INTEGER) END \
             WHERE kind = ?1 AND version = ?2 RETURNING duration_ms, applied_at"
        ),
        key_args(key),
    )
}

/// The same for all rows from this one on. Their rowids follow each other: a row that is inserted, or replaces another one,
/// gets the highest (<https://sqlite.org/autoinc.html>), and nothing else inserts into the table meanwhile.
fn durations(first: &Key) -> Step {
    Step::own(
        format!(
            "UPDATE _migrations SET duration_ms = CASE WHEN detail ->> '$.{ADOPTED_FROM}' IS NULL THEN \
             CAST(round((julianday(coalesce(\
             (SELECT next.applied_at FROM _migrations AS next WHERE next.rowid = _migrations.rowid + 1), 'now')) \
             - julianday(applied_at)) * 86400000) AS INTEGER) END \
             WHERE rowid >= (SELECT rowid FROM _migrations WHERE kind = ?1 AND version = ?2) \
             RETURNING kind, version, duration_ms, applied_at"
        ),
        key_args(first),
    )
}

/// A migration that another tool has run: a baseline, applied when that tool says so.
pub(crate) fn adopted(entry: Entry, tool: &str, applied_at: Option<String>) -> Entry {
    let mut entry = baselined(entry);
    entry.detail.insert(ADOPTED_FROM.to_owned(), tool.into());
    if let Some(applied_at) = applied_at {
        entry
            .detail
            .insert(ADOPTED_AT.to_owned(), applied_at.into());
    }
    entry
}

/// A migration that `baseline` took as applied: recorded, and never run.
pub(crate) fn baselined(mut entry: Entry) -> Entry {
    entry
        .detail
        .insert(BASELINE.to_owned(), serde_json::Value::Bool(true));
    entry
}

#[cfg(test)]
mod tests {
    use super::super::known::{Known, ReferenceColumn};
    use super::super::watch::Watch;
    use super::*;
    use crate::schema::Affinity;

    fn reference((child, parent): (&str, &str)) -> Reference {
        let column = ReferenceColumn {
            name: "p".to_owned(),
            target: "id".to_owned(),
            affinity: Affinity::Integer,
        };
        Reference {
            child: child.to_owned(),
            parent: parent.to_owned(),
            columns: vec![column],
            child_without_rowid: false,
            child_key: vec!["id".to_owned()],
            may_lack_parent: false,
        }
    }

    /// The units whose foreign keys are compared, on a database with these foreign keys.
    fn compared(known: &[(&str, &str)], units: &[&str]) -> Vec<usize> {
        let units = units.iter().map(|sql| Unit {
            record: Record::Delete(Key::Migration(1)),
            steps: Arc::new(sql.split("; ").map(|sql| Step::own(sql, vec![])).collect()),
        });
        let script = Script {
            expects: Revision(1),
            foreign_keys: ForeignKeys::Off,
            atomicity: Atomicity::Transaction,
            units: units.collect(),
        };
        let scripts = std::slice::from_ref(&script);
        let mut watch = Watch::new(scripts);
        let known = Known {
            references: known.iter().copied().map(reference).collect(),
            ..Known::default()
        };
        watch.knows(&known, Engine::Local, scripts);
        let table = HistoryTable::default();
        let run = Run::new("test");
        let lowered = lower(&script, &run, watch.place(0), &table, Engine::Local);
        let purposes = lowered.iter().flat_map(|it| it.purposes.each());
        let after = purposes.filter_map(|purpose| match purpose {
            Purpose::After(unit) => Some(unit),
            _ => None,
        });
        after.collect()
    }

    #[test]
    fn foreign_keys_are_compared_behind_the_units_that_may_do_something_to_one() {
        let family = [("c", "p"), ("C2", "c")];
        for (known, units, expect) in [
            (
                &[][..],
                &["DROP TABLE p", "DROP TABLE a; DELETE FROM b"][..],
                &[][..],
            ),
            (
                &family,
                &["DROP TABLE a", "DROP INDEX i; DROP TABLE a"],
                &[1],
            ),
            (&family, &["DROP TABLE p", "DROP TABLE c"], &[0, 1]),
            // A table that is dropped takes its foreign keys along.
            (
                &family,
                &["DROP TABLE c2", "DROP TABLE C", "DROP TABLE p"],
                &[],
            ),
            (
                &family,
                &["DROP TABLE c2", "DROP TABLE c; CREATE TABLE c (id)"],
                &[1],
            ),
            (&family, &["DROP TABLE a; DELETE FROM b"], &[0]),
            (&family, &["DROP TABLE a; CREATE VIEW p AS SELECT 1"], &[0]),
            (&family, &["ALTER TABLE P DROP COLUMN a"], &[0]),
            // What the run makes or renames is not known.
            (
                &[],
                &["DROP TABLE a", "CREATE TABLE d (p REFERENCES p)"],
                &[0, 1],
            ),
            (&[], &["DROP TABLE a; ALTER TABLE d RENAME TO e"], &[0]),
            (
                &[],
                &["DROP TABLE a; ALTER TABLE d ALTER COLUMN p TO p REFERENCES p"],
                &[0],
            ),
        ] {
            assert_eq!(compared(known, units), expect, "{known:?} {units:?}");
        }
    }
}
