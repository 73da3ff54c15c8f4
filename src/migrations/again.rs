//! Which applied repeatables a run has to make again, because it drops what they make. Pure.
//!
//! Texts tell only what may be dropped, so each of these units runs on the condition that an object is gone. They come in
//! the order of names among the repeatables that run, behind the versioned migrations. A repeatable whose object a later
//! one may drop comes once more at the end. Where each of them is tried alone, they come behind those that make what they
//! use.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::aside::{drop_of, set_aside};
use super::made::{Change, changes, made, made_by, may_lose};
use super::plan::entry;
use super::reading::{self, Reading};
use super::set::Migration;
use crate::diagnostic::Diagnostic;
use crate::history::History;
use crate::script::{Atomicity, Entry, Key, Made, OnFailure, Record, Restore, Source, Step};
use crate::sql::{Kind, TokenKind, What, kind, significant, targets, unquote};

/// A repeatable, as it is before the run.
pub(super) struct Repeatable {
    /// Its row, once it has run.
    pub(super) entry: Entry,
    /// Its text.
    pub(super) source: Arc<Source>,
    /// What it makes.
    pub(super) made: Vec<Made>,
    /// What its recorded text made, where that is another text and is known.
    pub(super) was: Vec<Made>,
    /// What it is made again from, where that is another text.
    pub(super) now: Option<Now>,
    /// Its unit, where it runs anyway; otherwise it is applied.
    pub(super) runs: Option<(Record, Reading)>,
}

impl Repeatable {
    /// That of a file; it is applied as it is, or runs.
    pub(super) fn of_file(file: &Migration, runs: Option<(Record, Reading)>) -> Repeatable {
        Repeatable {
            entry: entry(file),
            source: file.up.source.clone(),
            made: made(&file.up.source.text),
            was: Vec::new(),
            now: None,
            runs,
        }
    }

    /// What it makes in this run.
    pub(super) fn makes(&self) -> &[Made] {
        self.now.as_ref().map_or(&self.made, |now| &now.made)
    }

    /// The text that makes it in this run.
    pub(super) fn text_source(&self) -> &Arc<Source> {
        self.now.as_ref().map_or(&self.source, |now| &now.source)
    }

    /// The same, without its file.
    pub(super) fn text(&self) -> &str {
        &self.text_source().text
    }
}

/// The text of a repeatable whose file was edited since it was applied.
pub(super) struct Now {
    /// Its row, once this text has run.
    pub(super) entry: Entry,
    /// The text.
    pub(super) source: Arc<Source>,
    /// What it makes.
    pub(super) made: Vec<Made>,
}

/// The units of a run.
#[derive(Default)]
pub(super) struct Units {
    /// In order.
    pub(super) units: Vec<(Record, Reading)>,
    /// Repeatables that may lose an object, and do not run in a transaction.
    pub(super) outside: Vec<Key>,
    changes: Vec<Change>,
    /// Those of the files alone.
    written: Vec<Change>,
    /// The triggers that the repeatables make or have made, in lower case.
    triggers: HashSet<String>,
}

/// Adds to the versioned units of a run its repeatables, which are in the order of names.
pub(super) fn with_repeatables(
    mut versioned: Vec<(Record, Reading)>,
    repeatables: Vec<Repeatable>,
    history: &History,
    on_failure: OnFailure,
) -> Units {
    set_aside(&mut versioned, &repeatables, history, on_failure);
    let mut repeatables = behind_what_they_use(repeatables);
    let mut all = Units {
        triggers: triggers_of(&repeatables).collect(),
        ..Units::default()
    };
    for (record, reading) in versioned {
        all.push(record, reading);
    }
    // How many changes came before each of them was made last.
    let mut made_after = Vec::with_capacity(repeatables.len());
    for repeatable in &mut repeatables {
        match repeatable.runs.take() {
            Some((record, mut reading)) => {
                let others = all.lost_triggers(&reading, history);
                reading.steps.extend(others);
                all.push(record, reading);
            }
            None => all.restore(repeatable, 0, history, on_failure),
        }
        made_after.push(all.changes.len());
    }
    for (repeatable, after) in repeatables.iter().zip(made_after) {
        all.restore(repeatable, after, history, on_failure);
    }
    all
}

/// As [`with_repeatables`], for units that undo versions. What the repeatables make was made behind these versions, so the
/// run drops it first where it is in the way.
pub(super) fn with_repeatables_undone(
    mut versioned: Vec<(Record, Reading)>,
    repeatables: Vec<Repeatable>,
    history: &History,
) -> Units {
    let repeatables = behind_what_they_use(repeatables);
    let (views, triggers) = in_the_way(&versioned, &repeatables, history);
    if let Some((_, first)) = versioned.first_mut() {
        first.steps.splice(0..0, views);
    }
    if let Some((_, last)) = versioned.last_mut() {
        last.steps.extend(triggers);
    }
    with_repeatables(versioned, repeatables, history, OnFailure::Continue)
}

/// The triggers that these repeatables make or have made, in lower case. What the recorded text of a repeatable made and its
/// file does not make any more is not to be made again.
fn triggers_of(repeatables: &[Repeatable]) -> impl Iterator<Item = String> {
    let made = repeatables.iter().flat_map(|it| {
        let now = it.now.iter().flat_map(|now| &now.made);
        it.made.iter().chain(&it.was).chain(now)
    });
    let triggers = made.filter(|made| made.what == What::Trigger);
    triggers.map(|made| made.name.to_ascii_lowercase())
}

/// The repeatables in this order, but each that is applied behind the applied ones that make an object which its text names.
/// Those that run anyway keep their order among each other.
fn behind_what_they_use(repeatables: Vec<Repeatable>) -> Vec<Repeatable> {
    let objects = repeatables.iter().enumerate().flat_map(|(at, it)| {
        let is_applied = it.runs.is_none();
        let now = it.now.iter().flat_map(|now| &now.made);
        let objects = it.made.iter().chain(now).filter(move |_| is_applied);
        objects.map(move |made| (made.name.to_ascii_lowercase(), at))
    });
    let makers: HashMap<String, usize> = objects.collect();
    let uses = |it: &Repeatable| -> Vec<usize> {
        match it.runs {
            Some(_) => Vec::new(),
            None => names(it.text())
                .filter_map(|name| makers.get(&name).copied())
                .collect(),
        }
    };
    let uses: Vec<Vec<usize>> = repeatables.iter().map(uses).collect();
    let mut repeatables: Vec<Option<Repeatable>> = repeatables.into_iter().map(Some).collect();
    let (mut ordered, mut met) = (Vec::new(), HashSet::new());
    for first in 0..repeatables.len() {
        let mut open = vec![first];
        while let Some(&at) = open.last() {
            met.insert(at);
            match uses[at].iter().find(|it| !met.contains(it)) {
                Some(next) => open.push(*next),
                None => {
                    ordered.extend(repeatables[at].take());
                    open.pop();
                }
            }
        }
    }
    ordered
}

/// Statements that drop the views and the triggers of applied repeatables that name a table which these units drop or
/// change: they may not compile afterwards, and an `ALTER TABLE` fails on them. What still compiles is made again. A view
/// that the units use themselves stays; triggers go last, since the units may set them off. A view with a trigger that no
/// repeatable makes stays too: where the view cannot be made again, that trigger would be lost.
fn in_the_way(
    units: &[(Record, Reading)],
    repeatables: &[Repeatable],
    history: &History,
) -> (Vec<Step>, Vec<Step>) {
    let made_again: HashSet<String> = triggers_of(repeatables).collect();
    let has_other_triggers = |view: &str| {
        let mut triggers = history.known.triggers_on(view);
        triggers.any(|(name, _)| !made_again.contains(&name.to_ascii_lowercase()))
    };
    let statements = || units.iter().flat_map(|(_, reading)| &reading.steps);
    let mut changed: HashSet<String> = statements()
        .filter(|step| matches!(kind(&step.sql), Kind::Drop(_) | Kind::Alter))
        .flat_map(|step| targets(&step.sql))
        .map(|target| target.name.to_ascii_lowercase())
        .collect();
    // A view that a statement drops where it is there is not needed.
    let needs = statements().filter(|step| match kind(&step.sql) {
        Kind::Drop(object) => !(object.what == What::View && object.if_exists),
        _ => true,
    });
    let used: HashSet<String> = needs.flat_map(|step| names(&step.sql)).collect();
    let (mut views, mut triggers) = (Vec::new(), Vec::new());
    // Views come before what is on them.
    let applied = repeatables.iter().filter(|it| it.runs.is_none());
    for repeatable in applied {
        if !names(&repeatable.source.text).any(|name| changed.contains(&name)) {
            continue;
        }
        for made in &repeatable.made {
            let name = made.name.to_ascii_lowercase();
            match made.what {
                What::View if !used.contains(&name) && !has_other_triggers(&name) => {
                    views.push(drop_of(What::View, &made.name));
                    changed.insert(name);
                }
                What::Trigger => triggers.push(drop_of(What::Trigger, &made.name)),
                _ => {}
            }
        }
    }
    (views, triggers)
}

/// The names in a text, and its keywords, in lower case.
pub(super) fn names(text: &str) -> impl Iterator<Item = String> {
    significant(text)
        .filter(|token| {
            matches!(
                token.kind,
                TokenKind::Word | TokenKind::QuotedName | TokenKind::String
            )
        })
        .map(|token| unquote(token.text(text)).to_ascii_lowercase())
}

impl Units {
    fn push(&mut self, record: Record, reading: Reading) {
        let statements = reading.steps.iter().map(|step| &*step.sql);
        self.changes.extend(changes(statements));
        let written = reading.steps.iter().filter(|it| it.origin().is_some());
        self.written.extend(changes(written.map(|step| &*step.sql)));
        self.units.push((record, reading));
    }

    /// Adds a repeatable that the changes behind the first `after` may have cost an object.
    fn restore(
        &mut self,
        repeatable: &Repeatable,
        after: usize,
        history: &History,
        on_failure: OnFailure,
    ) {
        let changes = &self.changes[after..];
        let mut made = repeatable.made.iter();
        if !made.any(|object| may_lose(object, changes, history)) {
            return;
        }
        let key = &repeatable.entry.key;
        let (entry, source, objects) = match &repeatable.now {
            Some(now) => (&now.entry, &now.source, &now.made),
            None => (&repeatable.entry, &repeatable.source, &repeatable.made),
        };
        let mut reading = reading::read(source, history.engine, &history.table);
        if reading.atomicity == Atomicity::Bare {
            if !self.outside.contains(key) {
                self.outside.push(key.clone());
            }
            return;
        }
        // It cannot run here. The next look finds what is gone, and a plan reports its problems.
        if reading.problems.iter().any(Diagnostic::is_error) {
            return;
        }
        reading.problems.clear();
        let others = self.other_triggers(&repeatable.made, history);
        reading.steps.extend(others);
        let restore = Restore {
            entry: entry.clone(),
            gone: repeatable.made.clone(),
            objects: objects.clone(),
            on_failure,
        };
        self.push(Record::Restore(Box::new(restore)), reading);
    }

    /// Statements that create the triggers that a repeatable loses although its text does not name them: it drops their view
    /// or table and makes it again.
    fn lost_triggers(&self, reading: &Reading, history: &History) -> Vec<Step> {
        let steps = || reading.steps.iter().map(|step| &*step.sql);
        let (mut dropped, mut named) = (HashSet::new(), HashSet::new());
        for statement in steps() {
            let (object, names) = match kind(statement) {
                Kind::Drop(object) if object.what == What::Trigger => (object, &mut named),
                Kind::Drop(object) => (object, &mut dropped),
                Kind::Create(object) if object.what == What::Trigger => (object, &mut named),
                _ => continue,
            };
            names.insert(object.name.to_ascii_lowercase());
        }
        if dropped.is_empty() || reading.atomicity == Atomicity::Bare {
            return Vec::new();
        }
        let lower = |made: &Made| made.name.to_ascii_lowercase();
        let mut made = made_by(steps());
        made.retain(|made| dropped.contains(&lower(made)));
        let mut others = self.other_triggers(&made, history);
        others.retain(|step| match kind(&step.sql) {
            Kind::Create(object) => !named.contains(&object.name.to_ascii_lowercase()),
            _ => true,
        });
        others
    }

    /// Statements that create the triggers on these objects that no repeatable makes. The text of a repeatable drops an
    /// object with its triggers; those that the run has dropped before stay dropped.
    fn other_triggers(&self, made: &[Made], history: &History) -> Vec<Step> {
        let tables = made
            .iter()
            .filter(|made| !matches!(made.what, What::Index | What::Trigger));
        let triggers = tables.flat_map(|made| {
            let triggers = history.known.triggers_on(&made.name);
            triggers.map(move |(name, sql)| (&made.name, name, sql))
        });
        let others = triggers.filter_map(|(table, name, sql)| {
            let trigger = Made {
                what: What::Trigger,
                name: name.to_owned(),
                table: Some(table.clone()),
                if_not_exists: false,
            };
            let is_lost_here = !self.triggers.contains(&name.to_ascii_lowercase())
                && !may_lose(&trigger, &self.written, history);
            // The engine keeps the statement from the name on, behind these words.
            let rest = sql.strip_prefix("CREATE TRIGGER ")?;
            let again = format!("CREATE TRIGGER IF NOT EXISTS {rest}");
            is_lost_here.then(|| Step::own(again, Vec::new()))
        });
        others.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrations::{Migrations, PlanOptions, plan};
    use expect_test::{Expect, expect};

    /// The units of a first run, or of one on a database where the files before `|` are applied.
    #[track_caller]
    fn check(applied: &[(&str, &str)], files: &[(&str, &str)], expect: Expect) {
        let set = |files: &[(&str, &str)]| {
            let files = files.iter();
            Migrations::from_files(
                files.map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())),
            )
        };
        let (applied, files) = (set(applied), set(files));
        let rows = applied.iter().map(|migration| crate::history::Row {
            key: migration.key.clone(),
            name: migration.words.clone(),
            checksum: migration.up.checksum.clone(),
            effective: None,
            state: crate::history::State::Applied,
            applied_at: String::new(),
            duration_ms: None,
            run_id: String::new(),
            applied_by: String::new(),
            detail: serde_json::Map::new(),
            has_down: false,
            source: None,
            down: None,
        });
        let history = History {
            rows: rows.collect(),
            ..History::default()
        };
        let plan = plan(&files, &history, &PlanOptions::default());
        let units = plan.scripts.iter().flat_map(|script| &script.units);
        let units: Vec<String> = units
            .map(|unit| match &unit.record {
                Record::Restore(_) => format!("{}?", unit.record.key()),
                record => record.key().to_string(),
            })
            .collect();
        expect.assert_eq(&units.join(" "));
    }

    const T: (&str, &str) = ("V1__t.sql", "CREATE TABLE t(x);");
    const REBUILD: (&str, &str) = (
        "V2__rebuild.sql",
        "CREATE TABLE t2(x, y); INSERT INTO t2(x) SELECT x FROM t; DROP TABLE t; ALTER TABLE t2 RENAME TO t;",
    );
    const INDEX: (&str, &str) = (
        "R__30_index.sql",
        "DROP INDEX IF EXISTS i; CREATE INDEX i ON t(x);",
    );
    const VIEW: (&str, &str) = (
        "R__10_view.sql",
        "DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT x FROM t;",
    );
    const EDITED: (&str, &str) = (
        "R__10_view.sql",
        "DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT x, 1 AS n FROM t;",
    );
    const TRIGGER: (&str, &str) = (
        "R__20_trigger.sql",
        "DROP TRIGGER IF EXISTS g; CREATE TRIGGER g INSTEAD OF INSERT ON v BEGIN SELECT 1; END;",
    );

    #[test]
    fn an_ordinary_run_has_no_conditional_unit() {
        let more = ("V2__more.sql", "ALTER TABLE t ADD COLUMN y;");
        check(
            &[T],
            &[T, VIEW, TRIGGER, INDEX],
            expect!["R__10_view R__20_trigger R__30_index"],
        );
        check(
            &[T, VIEW, TRIGGER, INDEX],
            &[T, more, VIEW, TRIGGER, INDEX],
            expect!["V2"],
        );
        check(
            &[T, VIEW, TRIGGER, INDEX],
            &[T, VIEW, TRIGGER, INDEX],
            expect![""],
        );
    }

    #[test]
    fn what_a_run_may_drop_is_made_again_behind_it() {
        check(
            &[T, VIEW, TRIGGER, INDEX],
            &[T, REBUILD, VIEW, TRIGGER, INDEX],
            expect!["V2 R__10_view? R__20_trigger? R__30_index?"],
        );
        check(
            &[T, VIEW, TRIGGER, INDEX],
            &[T, EDITED, TRIGGER, INDEX],
            expect!["R__10_view R__20_trigger?"],
        );
    }

    #[test]
    fn what_a_later_repeatable_may_drop_comes_once_more_at_the_end() {
        let early = ("R__05_trigger.sql", TRIGGER.1);
        check(
            &[T, VIEW, early],
            &[T, EDITED, early],
            expect!["R__10_view R__05_trigger?"],
        );
    }
}
