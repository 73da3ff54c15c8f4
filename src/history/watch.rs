//! The guards over the schema as a whole, from the beginning of a run to its end, and the place of a script in them.

use std::sync::Arc;

use super::effects::{Effects, Rename};
use super::error::Failed;
use super::guards::{Scope, forget, still_lost, still_lost_or_mismatched};
use super::known::{Known, Reference};
use super::left_broken::LeftBroken;
use super::trigger::{CreatedTrigger, Probes, Standing, created_triggers, standing};
use super::view::Views;
use crate::schema::SchemaObject;
use crate::script::{Atomicity, Script, Step, Unit};
use crate::sql::{Value, identifier};

/// The guards of a run over the schema as a whole. They compare the beginning of the first script with the end of each
/// script that may break something, and with the end of the last. A script may leave an object broken that a later
/// script of the run may repair.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watch {
    /// Whether a view or a trigger may stop compiling.
    pub(super) compiles: bool,
    /// The foreign keys that may lose their parent table, or the key that they refer to.
    pub(super) references: Scope,
    /// Whether a script of the run is committed.
    has_begun: bool,
    /// How many scripts are left.
    left: usize,
    /// How many are committed.
    committed: usize,
    /// Whether only the end of the last script is guarded.
    is_only_at_the_end: bool,
    /// The triggers before the run; none where they were not read.
    standing: Vec<Standing>,
    /// The triggers that the run creates.
    created: Vec<CreatedTrigger>,
    views: Views,
    /// The foreign keys before the run; none where they were not read.
    known_references: Arc<[Reference]>,
    /// What a script left broken, for a later one to repair.
    left_broken: Vec<LeftBroken>,
    /// The views and triggers that did not compile before the run; none until they are known.
    broken: Option<Vec<SchemaObject>>,
    /// The views and triggers that the run drops: what then has the name is another object.
    pub(super) dropped: Vec<String>,
    /// The tables and columns that get another name, in order.
    renames: Vec<Rename>,
}

/// Where a script stands in its run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    watch: &'a Watch,
    is_first: bool,
    is_last: bool,
}

impl Watch {
    /// The guards that a run of these scripts needs.
    pub(crate) fn new(scripts: &[Script]) -> Watch {
        let mut watch = Watch {
            left: scripts.len(),
            ..Watch::default()
        };
        for unit in in_transactions(scripts) {
            let effects = Effects::of(unit);
            watch.compiles |= effects.may_break;
            watch.references.extend(&effects);
            watch.dropped.extend(effects.dropped);
            watch.renames.extend(effects.renames);
            if !effects.created.is_empty() {
                watch.created.extend(created_triggers(unit));
                watch.views.extend(unit);
            }
        }
        watch
    }

    /// All guards, for one more script of a run that left something broken. Where `is_last`, it has to be whole again
    /// behind this one.
    pub(crate) fn going_on(is_last: bool) -> Watch {
        Watch {
            compiles: true,
            references: Scope::All,
            has_begun: true,
            left: if is_last { 1 } else { 2 },
            is_only_at_the_end: true,
            ..Watch::default()
        }
    }

    /// No guards over the schema as a whole, for a script of a run that is judged by another one.
    pub(crate) fn unguarded() -> Watch {
        Watch {
            has_begun: true,
            left: 2,
            is_only_at_the_end: true,
            ..Watch::default()
        }
    }

    /// The place of one of the next scripts, from 0.
    pub(super) fn place(&self, next: usize) -> Place<'_> {
        Place {
            watch: self,
            is_first: !self.has_begun && next == 0,
            is_last: next + 1 == self.left,
        }
    }

    /// So many more scripts are committed.
    pub(super) fn happened(&mut self, scripts: usize) {
        self.has_begun |= scripts > 0;
        self.left -= scripts;
        self.committed += scripts;
    }

    /// Whether the next script, which a guard refused, may be committed nevertheless, because a later script may repair
    /// what it breaks. The guards of the scripts before the last then leave that object out.
    pub(crate) fn allows(&mut self, failed: &Failed, script: &Script, later: &[Script]) -> bool {
        let found = LeftBroken::of(failed, script, self.committed);
        let is_new = |it: &LeftBroken| !self.left_broken.iter().any(|known| known.is_of(it));
        let is_allowed = !found.is_empty()
            && found
                .iter()
                .all(|it| is_new(it) && it.may_be_repaired_by(later));
        if is_allowed {
            self.left_broken.extend(found);
        }
        is_allowed
    }

    /// What the committed scripts left broken. A script behind them may have repaired it.
    pub(crate) fn left_broken(&self) -> impl Iterator<Item = &LeftBroken> {
        let of_committed = |it: &&LeftBroken| it.script < self.committed;
        self.left_broken.iter().filter(of_committed)
    }

    /// These views, triggers and foreign keys are there before the run.
    pub(crate) fn knows(&mut self, known: &Known) {
        let dropped = &self.dropped;
        self.created
            .retain(|it| !it.created.is_there_already(&known.triggers, dropped));
        self.views.knows(known, dropped);
        self.standing = standing(known, &self.renames, &self.created);
        self.known_references = known.references.clone().into();
    }

    /// These views and triggers do not compile before the run begins. Where the probe fails for another reason, it tells
    /// nothing about this database and is left out.
    pub(super) fn knows_broken(&mut self, broken: Vec<SchemaObject>) {
        self.compiles = !broken.is_empty() && self.broken.is_none();
        self.broken = Some(broken);
    }
}

pub(super) fn in_transactions(scripts: &[Script]) -> impl Iterator<Item = &Unit> {
    let scripts = scripts
        .iter()
        .filter(|script| script.atomicity == Atomicity::Transaction);
    scripts.flat_map(|script| &script.units)
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
    /// Before the units of a script.
    pub(super) fn before(&self) -> Vec<Guard> {
        let mut guards = Vec::new();
        if self.is_first && !self.watch.references.is_empty() {
            guards.push(Guard::Record(forget()));
        }
        if self.is_first && self.watch.compiles {
            guards.extend(self.probe(&[]));
        }
        guards
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
        guards.extend(self.probe(&self.watch.dropped));
        guards
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
            left_broken: &watch.left_broken,
            is_last: self.is_last,
            foreign_keys: foreign_keys.then(|| still_lost_or_mismatched(&watch.references)),
        })
    }

    /// The foreign keys before the run.
    pub(super) fn known_references(&self) -> Arc<[Reference]> {
        self.watch.known_references.clone()
    }

    /// The foreign keys that the run may break.
    pub(super) fn scope(&self) -> Scope {
        self.watch.references.clone()
    }

    /// Behind the units of a script: no foreign key has lost its parent table.
    pub(super) fn references(&self, units: &[Effects]) -> Vec<Guard> {
        let scope = &self.watch.references;
        if scope.is_empty() || !self.is_guarded(units, Effects::may_break_references) {
            return Vec::new();
        }
        if self.is_last {
            return vec![
                Guard::Refuse(still_lost_or_mismatched(scope)),
                Guard::Record(forget()),
            ];
        }
        let children = self.watch.left_broken.iter();
        let children: Vec<&str> = children.filter_map(LeftBroken::table).collect();
        vec![Guard::Refuse(still_lost(scope, &children))]
    }

    /// Whether there are guards behind the units of a script: where one of them may break something, and behind the last.
    fn is_guarded(&self, units: &[Effects], may_break: impl Fn(&Effects) -> bool) -> bool {
        self.is_last || !self.watch.is_only_at_the_end && units.iter().any(may_break)
    }

    /// Renaming any table compiles every view and every trigger: <https://sqlite.org/lang_altertable.html>. Meanwhile those
    /// that did not compile before are not there, but for those of these names.
    fn probe(&self, dropped: &[String]) -> Vec<Guard> {
        let own = |sql: &str| Step::own(sql, vec![]);
        let [create, rename, drop_table] = PROBE;
        let create = own(create);
        let rename = Step {
            explain: Some(Arc::new(BROKEN_VIEWS.to_owned())),
            ..own(rename)
        };
        // At the beginning nothing was left, and at the end everything has to be repaired.
        let left_broken: &[LeftBroken] = match self.is_last {
            true => &[],
            false => &self.watch.left_broken,
        };
        let mut drops: Vec<Guard> = left_broken
            .iter()
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
