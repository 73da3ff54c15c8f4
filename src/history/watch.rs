//! The guards over the schema as a whole, from the beginning of a run to its end, and the place of a script in them.

use std::collections::HashMap;
use std::sync::Arc;

use super::checks::CheckedTable;
use super::created::created;
use super::effects::{Effects, Rename};
use super::error::Failed;
use super::guards::{ForeignKey, Scope, forget, keep_left_broken, still_lost_or_mismatched};
use super::known::{Known, Reference};
use super::left_broken::{LeftBroken, Texts};
use super::left_rows::{self, LeftRows};
use super::mark::{KnownSchema, has_version, keeps};
use super::orphans::{follow, new_references};
use super::quoted::Quoted;
use super::read::Row;
use super::trigger::{CreatedTrigger, Probes, Standing, created_triggers, standing};
use super::view::Views;
use crate::db::Engine;
use crate::schema::SchemaObject;
use crate::script::{Atomicity, ForeignKeys, Key, Script, Step, Unit};
use crate::sql::{Value, What, identifier};

/// The guards of a run over the schema as a whole. They compare the beginning of the first script with the end of each
/// script that may break something, and with the end of the last. A script may leave an object broken that a later
/// script of the run may repair.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watch {
    /// Whether a view or a trigger may stop compiling.
    pub(super) compiles: bool,
    /// The foreign keys that may lose their parent table, or the key that they refer to.
    pub(super) references: Scope,
    /// Whether the run begins with an earlier one, so that its first script is none.
    has_begun: bool,
    /// The first and the last script that have guards, from the first of the run: those in a transaction.
    guarded: Option<(usize, usize)>,
    /// How many are committed.
    committed: usize,
    /// Whether only the end of the last script is guarded.
    is_only_at_the_end: bool,
    /// Whether an earlier script of the run has recorded the foreign keys that were a mismatch before it.
    has_mismatches: bool,
    /// The triggers before the run; none where they were not read.
    standing: Vec<Standing>,
    /// The triggers that the run creates.
    created: Vec<CreatedTrigger>,
    views: Views,
    /// The views and triggers with a name in double quotes that each script meets; none where they were not read.
    quoted: Vec<Quoted>,
    /// The foreign keys before each script, as far as the texts tell; none where they were not read.
    known_references: Vec<Arc<Vec<Arc<Reference>>>>,
    /// Whether the run may make a foreign key, or give one other names: then those before it are not all there are.
    changes_references: bool,
    /// Whether a script ignores CHECK constraints.
    ignores_checks: bool,
    /// The tables with CHECK constraints before the run; none where they were not read.
    checks: Vec<Arc<CheckedTable>>,
    /// What a script left broken, for a later one to repair.
    left_broken: Vec<LeftBroken>,
    /// The foreign keys among that.
    left_rows: Vec<LeftRows>,
    /// Whether an earlier run left some of it, so that what it recorded about foreign keys counts.
    goes_on: bool,
    /// The views and triggers that did not compile before the run; none until they are known.
    broken: Option<Vec<SchemaObject>>,
    /// The views and triggers that the run drops: what then has the name is another object.
    pub(super) dropped: Vec<String>,
    /// The tables and columns that get another name, in order.
    renames: Vec<Rename>,
    /// The views and triggers before the run, and those that it creates.
    texts: Vec<(String, String)>,
    /// What the run knows of the schema; none where it does not record that.
    known_schema: Option<KnownSchema>,
    /// For each script whether a known schema is the recorded one behind it, too.
    keeps_schema: Vec<bool>,
}

/// Where a script stands in its run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    watch: &'a Watch,
    /// From the first script of the run.
    number: usize,
    is_first: bool,
    is_last: bool,
}

impl Watch {
    /// The guards that a run of these scripts needs.
    pub(crate) fn new(scripts: &[Script]) -> Watch {
        Watch::of(scripts, &in_transactions(scripts))
    }

    /// The same, with the units that are [`in_transactions`].
    pub(super) fn of(scripts: &[Script], units: &[(&Unit, Effects)]) -> Watch {
        let first = scripts.iter().position(is_guarded);
        let last = scripts.iter().rposition(is_guarded);
        let mut watch = Watch {
            guarded: first.zip(last),
            ..Watch::default()
        };
        for (unit, effects) in units {
            watch.compiles |= effects.may_break;
            watch.changes_references |= effects.may_change_references();
            watch.ignores_checks |= effects.ignores_checks;
            watch.references.extend(effects);
            watch.dropped.extend_from_slice(&effects.dropped);
            watch.renames.extend_from_slice(&effects.renames);
            if !effects.created.is_empty() {
                watch.created.extend(created_triggers(unit));
                watch.views.extend(unit);
                watch.texts.extend(texts(unit));
            }
        }
        let bare = scripts.iter().filter(|script| !is_guarded(script));
        let bare = bare.flat_map(|script| &script.units);
        for unit in bare {
            watch.changes_references |= Effects::of(unit).may_change_references();
            watch.texts.extend(texts(unit));
        }
        watch
    }

    /// All guards, for one more script of a run, behind which something may be broken.
    pub(crate) fn going_on() -> Watch {
        Watch {
            compiles: true,
            references: Scope::All,
            has_begun: true,
            guarded: Some((0, 1)),
            is_only_at_the_end: true,
            ..Watch::default()
        }
    }

    /// The same for the script behind this one.
    pub(crate) fn behind(&self) -> Watch {
        let committed = self.committed + 1;
        Watch {
            committed,
            guarded: Some((0, committed + 1)),
            ..self.clone()
        }
    }

    /// The same, and all has to be whole again behind this script.
    pub(crate) fn judging(&self) -> Watch {
        Watch {
            guarded: Some((0, self.committed)),
            ..self.clone()
        }
    }

    /// An earlier script of the run has recorded the foreign keys that were a mismatch before it.
    pub(crate) fn knows_mismatches(&mut self) {
        self.has_mismatches = true;
    }

    /// No guards over the schema as a whole, for a script of a run that is judged by another one.
    pub(crate) fn unguarded() -> Watch {
        Watch {
            has_begun: true,
            guarded: Some((0, 1)),
            is_only_at_the_end: true,
            ..Watch::default()
        }
    }

    /// The place of one of the next scripts, from 0.
    pub(super) fn place(&self, next: usize) -> Place<'_> {
        let number = self.committed + next;
        Place {
            watch: self,
            number,
            is_first: !self.has_begun && self.guarded.is_some_and(|(first, _)| first == number),
            is_last: self.guarded.is_some_and(|(_, last)| last == number),
        }
    }

    /// The run records whether the schema is the recorded one behind each of its scripts.
    pub(crate) fn knows_schema(
        &mut self,
        known: KnownSchema,
        engine: Engine,
        scripts: &[Script],
        recorded: &HashMap<&Key, &Row>,
    ) {
        if has_version(engine) {
            self.known_schema = Some(known);
            let scripts = scripts.iter();
            self.keeps_schema = scripts.map(|script| keeps(script, recorded)).collect();
        }
    }

    /// So many more scripts are committed.
    pub(super) fn happened(&mut self, scripts: usize) {
        self.committed += scripts;
    }

    /// Whether the next script, which a guard refused, may be committed nevertheless, because a later script may repair
    /// what it breaks, and one that has guards judges that. The guards of the scripts before the last then leave that
    /// object out.
    pub(crate) fn allows(&mut self, failed: &Failed, script: &Script, later: &[Script]) -> bool {
        let found = LeftBroken::of(failed, script, self.committed, &self.texts);
        let judged = later.iter().rposition(is_guarded).map_or(0, |at| at + 1);
        let is_new = |it: &LeftBroken| !self.left_broken.iter().any(|known| known.is_of(it));
        let of_script = failed
            .unit
            .map_or(&[][..], |unit| &script.units[unit + 1..]);
        let of_later = later[..judged].iter().flat_map(|script| &script.units);
        let units = of_script.iter().chain(of_later);
        let is_allowed = !found.is_empty()
            && found
                .iter()
                .all(|it| is_new(it) && it.may_be_repaired_by(units.clone()));
        if is_allowed {
            let references = self.known_references.get(self.committed);
            let references = references.cloned().unwrap_or_default();
            for it in &found {
                let Some(foreign_key) = it.foreign_key() else {
                    continue;
                };
                // Of several files in one transaction nothing is lost before the last.
                let stand_in = match of_script {
                    [] => it.stand_in(units.clone()),
                    _ => None,
                };
                self.left_rows.push(LeftRows::new(
                    foreign_key,
                    (
                        self.committed,
                        script,
                        failed.unit.unwrap_or(usize::MAX - 1),
                    ),
                    later,
                    &references,
                    stand_in,
                ));
            }
            self.left_broken.extend(found);
        }
        is_allowed
    }

    /// The texts of the views and triggers that the run may meet.
    pub(crate) fn texts(&self) -> &Texts {
        &self.texts
    }

    /// What the committed scripts left broken. A script behind them may have repaired it.
    pub(crate) fn left_broken(&self) -> impl Iterator<Item = &LeftBroken> {
        let of_committed =
            |it: &&LeftBroken| it.script.is_none_or(|script| script < self.committed);
        self.left_broken.iter().filter(of_committed)
    }

    /// The foreign keys that are left broken for a later script to repair.
    fn left_foreign_keys(&self) -> impl Iterator<Item = ForeignKey<'_>> {
        self.left_broken.iter().filter_map(LeftBroken::foreign_key)
    }

    /// These views, triggers and foreign keys are there before the run of these scripts.
    pub(crate) fn knows(&mut self, known: &Known, engine: Engine, scripts: &[Script]) {
        let dropped = &self.dropped;
        self.created
            .retain(|it| !it.created.is_there_already(&known.triggers, dropped));
        self.views.knows(known, engine, dropped);
        self.quoted = Quoted::of(known, engine, scripts);
        self.standing = standing(known, &self.renames, &self.created);
        let objects = known.views.iter().chain(&known.triggers);
        let objects = objects.filter_map(|[_, name, _, sql, _]| {
            Some((name.as_str()?.to_owned(), sql.as_str()?.to_owned()))
        });
        self.texts.extend(objects);
        let references = known.references.iter().cloned().map(Arc::new);
        let mut references = Arc::new(references.collect());
        for (number, script) in scripts.iter().enumerate() {
            self.known_references.push(Arc::clone(&references));
            // Where no foreign key is known, none is followed.
            if number + 1 < scripts.len() && !references.is_empty() {
                for unit in &script.units {
                    let effects = Effects::of(unit);
                    let new = new_references(unit, &effects, &references);
                    follow(&mut references, &effects, new);
                }
            }
        }
    }

    /// An earlier run left this broken, for its later scripts to repair: behind the last of these scripts all of it has to be
    /// whole.
    pub(crate) fn goes_on(&mut self, left: &[serde_json::Value], scripts: &[Script]) {
        let units = scripts.iter().flat_map(|script| &script.units);
        let mut of_files =
            units.filter(|unit| unit.record.key().is_migration() && !unit.steps.is_empty());
        if left.is_empty() || of_files.next().is_none() {
            return;
        }
        self.goes_on = true;
        let references = self.known_references.first().cloned().unwrap_or_default();
        for recorded in left {
            let Some(it) = LeftBroken::of_an_earlier_run(recorded, &self.texts) else {
                continue;
            };
            match it.foreign_key() {
                None => self.compiles = true,
                Some(_) => {
                    self.references = Scope::All;
                    let rows = LeftRows::of_an_earlier_run(recorded, scripts, &references);
                    self.left_rows.extend(rows);
                }
            }
            self.left_broken.push(it);
        }
    }

    /// Whether the tables with CHECK constraints have to be known.
    pub(crate) fn ignores_checks(&self) -> bool {
        self.ignores_checks
    }

    /// These tables have CHECK constraints before the run.
    pub(crate) fn knows_checks(&mut self, tables: Vec<CheckedTable>) {
        self.checks = tables.into_iter().map(Arc::new).collect();
    }

    /// These views and triggers do not compile before the run begins. Where the probe fails for another reason, it tells
    /// nothing about this database and is left out.
    pub(super) fn knows_broken(&mut self, mut broken: Vec<SchemaObject>) {
        let is_left = |name: &str| self.left_broken.iter().any(|it| it.is_object(name));
        broken.retain(|[_, name, ..]| !is_left(text(name)));
        self.compiles = !broken.is_empty() && self.broken.is_none();
        self.broken = Some(broken);
    }
}

/// Whether a script records the foreign keys that are a mismatch before it, where no earlier one of its run has.
pub(crate) fn records_mismatches(script: &Script) -> bool {
    script.foreign_keys == ForeignKeys::On
        && is_guarded(script)
        && script
            .units
            .iter()
            .any(|unit| Effects::of(unit).may_break_references())
}

/// Whether a script has guards.
fn is_guarded(script: &Script) -> bool {
    script.atomicity == Atomicity::Transaction
}

/// The views and triggers that a unit creates.
fn texts(unit: &Unit) -> impl Iterator<Item = (String, String)> {
    let objects = [What::View, What::Trigger].into_iter();
    objects
        .flat_map(|what| created(unit, what))
        .map(|(created, _, sql)| (created.name, sql.to_owned()))
}

/// The units of scripts in a transaction, and what each can do.
pub(super) fn in_transactions(scripts: &[Script]) -> Vec<(&Unit, Effects)> {
    let scripts = scripts.iter().filter(|script| is_guarded(script));
    let units = scripts.flat_map(|script| &script.units);
    units.map(|unit| (unit, Effects::of(unit))).collect()
}

/// Renaming a table compiles every view and every trigger: <https://sqlite.org/lang_altertable.html#alter_table_rename>.
pub(super) const PROBE: [&str; 3] = [
    "CREATE TABLE _seedbed_probe (x)",
    "ALTER TABLE _seedbed_probe RENAME TO _seedbed_probed",
    "DROP TABLE _seedbed_probed",
];

/// Steps of one guard, and which of them fails where it does not hold.
pub(super) enum Guard {
    /// Records what a later step compares with.
    Record(Step),
    /// Fails where it does not hold.
    Refuse(Step),
}

impl Place<'_> {
    /// What is known of the schema before the script, where the script keeps that.
    pub(super) fn known_schema(self) -> Option<KnownSchema> {
        let known = self.watch.known_schema?;
        let keeps = self.watch.keeps_schema.get(self.number);
        keeps.filter(|keeps| **keeps)?;
        // The scripts behind it go by what it writes.
        Some(match self.number {
            0 => known,
            _ => KnownSchema::ByTheRow,
        })
    }

    /// Whether the foreign keys that were a mismatch before the run are recorded.
    pub(super) fn has_mismatches(self) -> bool {
        self.watch.has_mismatches
    }

    /// Before the units of a script.
    pub(super) fn before(&self) -> Vec<Guard> {
        let mut guards = Vec::new();
        if self.is_first && !self.watch.references.is_empty() && !self.watch.goes_on {
            guards.push(Guard::Record(forget()));
        }
        if self.is_first && self.watch.compiles {
            let left = self.watch.left_broken.iter();
            guards.extend(self.probe(&[], left.filter(|it| it.script.is_none())));
        }
        let record = left_rows::record(&self.watch.left_rows, self.number);
        guards.extend(record.map(Guard::Record));
        guards
    }

    /// Behind the units of a script: the rows of the foreign keys that were left broken have their parents, where the
    /// parent table is there again.
    pub(super) fn left_rows(&self) -> Vec<Step> {
        left_rows::refuses(&self.watch.left_rows, self.number)
    }

    /// The foreign keys that may be broken behind the units of a script.
    pub(super) fn left_foreign_keys(&self) -> Vec<(String, String)> {
        let left = self.watch.left_foreign_keys();
        left.map(|(child, columns)| (child.to_owned(), columns.to_owned()))
            .collect()
    }

    /// Behind the units of a script: every view and every trigger compiles.
    pub(super) fn compiles(&self, units: &[Effects]) -> Vec<Guard> {
        if !self.watch.compiles || !self.is_guarded(units, |effects| effects.may_break) {
            return Vec::new();
        }
        let mut guards = Vec::new();
        if units.iter().any(|effects| effects.is_legacy) {
            guards.push(Guard::Record(Step::own(
                "PRAGMA legacy_alter_table = OFF",
                vec![],
            )));
        }
        // At the end everything has to be repaired.
        let left = self.watch.left_broken.iter().filter(|_| !self.is_last);
        guards.extend(self.probe(&self.watch.dropped, left));
        guards
    }

    /// Behind the guards of a script: what is left broken is kept in the history, since the run may end before a later
    /// script has repaired it. Behind the last one it is forgotten.
    pub(super) fn keeps_left_broken(&self) -> Option<Step> {
        let is_behind = |it: &&LeftBroken| it.script.is_none_or(|script| script <= self.number);
        let mut left = self.watch.left_broken.iter().filter(is_behind).peekable();
        left.peek()?;
        if self.is_last {
            return Some(forget());
        }
        let left = left.map(|it| {
            let mut recorded = it.recorded();
            LeftRows::record(&self.watch.left_rows, self.number, &mut recorded);
            recorded
        });
        Some(keep_left_broken(&left.collect()))
    }

    /// The views and triggers with a name in double quotes that the script meets.
    fn quoted(&self) -> &Quoted {
        const NONE: &Quoted = &Quoted::NONE;
        self.watch.quoted.get(self.number).unwrap_or(NONE)
    }

    /// The triggers and views that are compiled before the units of a script and behind them.
    pub(super) fn probes(&self, units: &[Effects]) -> Option<Probes<'_>> {
        let watch = self.watch;
        let is_due = watch.compiles && self.is_guarded(units, |effects| effects.may_break);
        // At the end of the last script the guard of the foreign keys has passed.
        let foreign_keys = !watch.references.is_empty() && !self.is_last;
        is_due.then(|| Probes {
            standing: &watch.standing,
            created: &watch.created,
            views: &watch.views,
            quoted: self.quoted(),
            left_broken: &watch.left_broken,
            is_last: self.is_last,
            is_only: self.is_last && self.is_first && !watch.goes_on,
            foreign_keys: foreign_keys.then(|| still_lost_or_mismatched(&watch.references, &[])),
        })
    }

    /// The foreign keys before the script.
    pub(super) fn known_references(&self) -> Arc<Vec<Arc<Reference>>> {
        let references = self.watch.known_references.get(self.number);
        references.cloned().unwrap_or_default()
    }

    /// All foreign keys that there can be in the run; none where that is not known.
    pub(super) fn all_references(&self) -> Option<Arc<Vec<Arc<Reference>>>> {
        let known = self.watch.known_references.first();
        known.filter(|_| !self.watch.changes_references).cloned()
    }

    /// The tables with CHECK constraints before the run.
    pub(super) fn checks(&self) -> Vec<Arc<CheckedTable>> {
        self.watch.checks.clone()
    }

    /// The foreign keys that the run may break.
    pub(super) fn scope(&self) -> Scope {
        self.watch.references.clone()
    }

    /// Behind the units of a script: no foreign key has lost its parent table, or the key that it refers to.
    pub(super) fn references(&self, units: &[Effects]) -> Vec<Guard> {
        let scope = &self.watch.references;
        if scope.is_empty() || !self.is_guarded(units, Effects::may_break_references) {
            return Vec::new();
        }
        // At the end everything has to be repaired.
        let left: Vec<ForeignKey<'_>> = match self.is_last {
            true => Vec::new(),
            false => self.watch.left_foreign_keys().collect(),
        };
        let mut guards = vec![Guard::Refuse(still_lost_or_mismatched(scope, &left))];
        if self.is_last {
            guards.push(Guard::Record(forget()));
        }
        guards
    }

    /// Whether there are guards behind the units of a script: where one of them may break something, and behind the last.
    fn is_guarded(&self, units: &[Effects], may_break: impl Fn(&Effects) -> bool) -> bool {
        self.is_last || !self.watch.is_only_at_the_end && units.iter().any(may_break)
    }

    /// Renaming any table compiles every view and every trigger: <https://sqlite.org/lang_altertable.html>. Meanwhile those
    /// that did not compile before are not there, but for those of these names, and those that are left broken.
    fn probe<'a>(
        &self,
        dropped: &[String],
        left_broken: impl Iterator<Item = &'a LeftBroken>,
    ) -> Vec<Guard> {
        let own = |sql: &str| Step::own(sql, vec![]);
        let [create, rename, drop_table] = PROBE;
        let create = own(create);
        let rename = own(rename).explained(BROKEN_VIEWS.to_owned());
        let mut drops: Vec<Guard> = left_broken
            .filter_map(|it| Some(Guard::Record(own(&it.drop()?))))
            .collect();
        if let Some(broken) = &self.watch.broken {
            let broken = broken
                .iter()
                .filter(|[_, name, ..]| !dropped.contains(&text(name).to_ascii_lowercase()));
            drops.extend(broken.map(|it| Guard::Record(own(&drop(it)))));
        }
        match (&self.watch.broken, drops.is_empty()) {
            (None, true) => vec![
                Guard::Record(create),
                Guard::Refuse(rename),
                Guard::Record(own(drop_table)),
            ],
            _ => {
                let mut guards = vec![Guard::Record(own("SAVEPOINT _seedbed_probe"))];
                guards.extend(drops);
                guards.push(Guard::Record(create));
                guards.push(Guard::Refuse(rename));
                guards.push(Guard::Record(own("ROLLBACK TO _seedbed_probe")));
                guards.push(Guard::Record(own("RELEASE _seedbed_probe")));
                guards
            }
        }
    }
}

/// The views that do not compile. For each view that has no columns yet, the pragma tries to compile it:
/// <https://sqlite.org/pragma.html#pragma_table_list>.
const BROKEN_VIEWS: &str = "\
SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'view' AND ncol = 0 ORDER BY name LIMIT 20";

pub(super) fn text(value: &Value) -> &str {
    match value {
        Value::Text(text) => text,
        _ => "",
    }
}

/// The statement that drops an object.
fn drop([sort, name, ..]: &SchemaObject) -> String {
    format!("DROP {} IF EXISTS {}", text(sort), identifier(text(name)))
}
