//! Views, triggers and indexes of repeatables on which statements of a run would fail: it drops them directly before such a
//! statement, and they are made again behind the versions. On an empty database they are not there yet. Pure.
//!
//! `ALTER TABLE` compiles all views and triggers, but for `ADD COLUMN`, so it fails where one names a table that is dropped
//! at that moment, and `DROP COLUMN` fails on an index of the column: <https://sqlite.org/lang_altertable.html>. Only what
//! would fail is dropped, and only where its repeatable can make it again in this run. What a text names is read by tokens,
//! so one that has the name of a dropped table for something else may be dropped and made again without need.

use std::collections::HashSet;

use super::again::{Repeatable, names};
use super::made::made_by;
use super::reading::{self, Reading};
use crate::diagnostic::Diagnostic;
use crate::history::History;
use crate::script::{Atomicity, OnFailure, Record, Step};
use crate::sql::{
    Kind, Object, What, altered, identifier, kind, renamed_table, split, targets, unquote,
};

/// Adds statements that drop views, triggers and indexes of these repeatables before the statements that would fail on them.
pub(super) fn set_aside(
    units: &mut [(Record, Reading)],
    repeatables: &[Repeatable],
    history: &History,
    on_failure: OnFailure,
) {
    let candidates = candidates(repeatables, history, on_failure);
    if candidates.is_empty() {
        return;
    }
    let makers = repeatables.iter().flat_map(Repeatable::makes);
    let made_behind: HashSet<String> = makers.map(|it| it.name.to_ascii_lowercase()).collect();
    // Which tables are gone once all versions have run.
    let mut end = Simulation::default();
    for (_, reading) in units.iter() {
        for step in &reading.steps {
            end.step(&step.sql);
        }
        end.legacy = false;
    }
    let mut simulation = Simulation {
        candidates,
        gone: end.missing.difference(&made_behind).cloned().collect(),
        on_failure,
        ..Simulation::default()
    };
    for (_, reading) in units.iter_mut() {
        let mut at = 0;
        while let Some(step) = reading.steps.get(at) {
            let drops = simulation.step(&step.sql);
            at += drops.len() + 1;
            let before = at - drops.len() - 1;
            reading.steps.splice(before..before, drops);
        }
        simulation.legacy = false;
    }
    // A table that was renamed took what names it along.
    let left = simulation.stale_at_the_end();
    if let Some((_, last)) = units.last_mut() {
        last.steps.extend(left);
    }
}

/// The statement that drops an object, where it is there.
pub(super) fn drop_of(what: What, name: &str) -> Step {
    let what = what.word().to_ascii_uppercase();
    let sql = format!("DROP {what} IF EXISTS {}", identifier(name));
    Step::own(sql, Vec::new())
}

/// A view, a trigger or an index that is there, and that a repeatable makes again in this run. Names are in lower case.
struct Candidate {
    what: What,
    name: String,
    /// The table or view that a trigger or an index is on.
    on: Option<String>,
    /// The names in its text, as it is now; of an index that its repeatable makes otherwise now, its table.
    names: HashSet<String>,
    /// Whether it may name any column.
    names_all: bool,
    /// The names in the text that makes it again.
    again: HashSet<String>,
}

fn candidates(
    repeatables: &[Repeatable],
    history: &History,
    on_failure: OnFailure,
) -> Vec<Candidate> {
    let ours: HashSet<String> = repeatables
        .iter()
        .flat_map(Repeatable::makes)
        .map(|it| it.name.to_ascii_lowercase())
        .collect();
    // Where the view may not be made again, its other triggers would be lost.
    let has_other_triggers = |view: &str| {
        let mut triggers = history.known.triggers_on(view);
        triggers.any(|(name, _)| !ours.contains(&name.to_ascii_lowercase()))
    };
    let mut candidates = Vec::new();
    for repeatable in repeatables {
        let objects = repeatable.makes().iter();
        let objects =
            objects.filter(|it| matches!(it.what, What::View | What::Trigger | What::Index));
        let texts = statements_of(repeatable.text());
        let mut can_run = None;
        for made in objects {
            let text_of = |texts: &[String]| {
                let is_it = |text: &&String| {
                    let mut made_by = made_by(std::iter::once(text.as_str())).into_iter();
                    made_by.any(|it| (it.what, &it.name) == (made.what, &made.name))
                };
                texts.iter().rfind(is_it).cloned()
            };
            let Some(again) = text_of(&texts) else {
                continue;
            };
            let there = match made.what {
                What::Index => None,
                what => history.known.text_of(what, &made.name),
            };
            let is_there =
                history.objects.is_some() && history.gone(std::slice::from_ref(made)).is_empty();
            let mut table = None;
            let now = match (there, &repeatable.runs) {
                (Some(text), _) => text.to_owned(),
                // Its text is not known.
                (None, Some(_)) if made.what == What::Index && is_there => {
                    table = history.table_of(made).map(str::to_owned);
                    String::new()
                }
                (None, Some(_)) => continue,
                // It is applied, so its objects are there.
                (None, None) => {
                    text_of(&statements_of(&repeatable.source.text)).unwrap_or_default()
                }
            };
            if on_failure == OnFailure::Continue
                && made.what == What::View
                && has_other_triggers(&made.name)
            {
                continue;
            }
            if !*can_run.get_or_insert_with(|| runs_in_a_transaction(repeatable, history)) {
                break;
            }
            let name = made.name.to_ascii_lowercase();
            let names_in =
                |text: &str| -> HashSet<String> { names(text).filter(|it| *it != name).collect() };
            candidates.push(Candidate {
                what: made.what,
                on: made.table.as_ref().map(|it| it.to_ascii_lowercase()),
                names_all: table.is_some(),
                names: names_in(&now).into_iter().chain(table).collect(),
                again: names_in(&again),
                name,
            });
        }
    }
    candidates
}

fn statements_of(text: &str) -> Vec<String> {
    let statements = split(text).unwrap_or_default();
    let statements = statements.iter().map(|it| it.text(text).to_owned());
    statements.collect()
}

/// Whether a repeatable can be made again in the transaction of the run.
fn runs_in_a_transaction(repeatable: &Repeatable, history: &History) -> bool {
    let is_fit = |reading: &Reading| {
        reading.atomicity == Atomicity::Transaction
            && !reading.problems.iter().any(Diagnostic::is_error)
    };
    match &repeatable.runs {
        Some((_, reading)) => is_fit(reading),
        None => is_fit(&reading::read(
            repeatable.text_source(),
            history.engine,
            &history.table,
        )),
    }
}

/// The objects of the schema as far as the statements tell, one after the other.
struct Simulation {
    candidates: Vec<Candidate>,
    /// Tables and views that the statements have dropped or renamed so far.
    missing: HashSet<String>,
    /// Those that are still missing once the run has made everything.
    gone: HashSet<String>,
    /// Whether `PRAGMA legacy_alter_table` is on.
    legacy: bool,
    on_failure: OnFailure,
}

impl Default for Simulation {
    fn default() -> Simulation {
        Simulation {
            candidates: Vec::new(),
            missing: HashSet::new(),
            gone: HashSet::new(),
            legacy: false,
            on_failure: OnFailure::Stop,
        }
    }
}

impl Simulation {
    /// Follows a statement, and returns the drops that have to come before it.
    fn step(&mut self, sql: &str) -> Vec<Step> {
        match kind(sql) {
            Kind::Create(object) if is_of_the_schema(&object) => self.creates(&object),
            Kind::Drop(object) if is_of_the_schema(&object) => self.drops(&object),
            Kind::Alter => return self.alters(sql),
            Kind::Pragma(pragma) if pragma.name == "legacy_alter_table" => {
                let value = pragma.value.unwrap_or_default().to_ascii_lowercase();
                self.legacy = ["1", "on", "yes", "true"].contains(&value.as_str());
            }
            _ => {}
        }
        Vec::new()
    }

    fn creates(&mut self, object: &Object) {
        let name = object.name.to_ascii_lowercase();
        if !matches!(object.what, What::Table | What::VirtualTable) {
            self.forget(object.what, &name);
        }
        if !matches!(object.what, What::Index | What::Trigger) {
            self.missing.remove(&name);
        }
    }

    fn drops(&mut self, object: &Object) {
        let name = object.name.to_ascii_lowercase();
        match object.what {
            What::Index | What::Trigger => return self.forget(object.what, &name),
            What::View => self.forget(What::View, &name),
            What::Table | What::VirtualTable | What::Other => {}
        }
        self.candidates.retain(|it| it.on.as_ref() != Some(&name));
        self.missing.insert(name);
    }

    fn forget(&mut self, what: What, name: &str) {
        self.candidates
            .retain(|it| (it.what, it.name.as_str()) != (what, name));
    }

    fn alters(&mut self, sql: &str) -> Vec<Step> {
        let Some(altered) = altered(sql) else {
            return Vec::new();
        };
        let renamed = renamed_table(sql);
        let column = || Some(unquote(altered.rest.first()?.text(sql)).to_ascii_lowercase());
        let compiles = match &renamed {
            Some(_) => !self.legacy,
            None => altered.is("DROP") || altered.is("RENAME"),
        };
        let mut drops = Vec::new();
        if compiles {
            let stale = self.stale();
            drops.extend(self.take(&stale));
        }
        if let Some((from, to)) = renamed {
            self.renames(&from.to_ascii_lowercase(), &to.to_ascii_lowercase());
        } else if altered.is("DROP")
            && let Some(column) = column()
        {
            let table = targets(sql)
                .into_iter()
                .map(|it| it.name.to_ascii_lowercase());
            let reading = self.naming(table.collect());
            let can_stay =
                |it: &Candidate| self.on_failure == OnFailure::Stop && it.again.contains(&column);
            let fails: Vec<usize> = reading
                .into_iter()
                .filter(|at| {
                    let it = &self.candidates[*at];
                    (it.names_all || it.names.contains(&column)) && !can_stay(it)
                })
                .collect();
            drops.extend(self.take(&fails));
        }
        drops
    }

    /// A rename changes the texts that name the table, unless it is a legacy one.
    fn renames(&mut self, from: &str, to: &str) {
        if !self.legacy {
            for candidate in &mut self.candidates {
                if candidate.names.remove(from) {
                    candidate.names.insert(to.to_owned());
                }
            }
        }
        for candidate in &mut self.candidates {
            if candidate.on.as_deref() == Some(from) {
                candidate.on = Some(to.to_owned());
            }
        }
        self.missing.remove(to);
        self.missing.insert(from.to_owned());
    }

    /// Those that do not compile now. An index goes with its table.
    fn stale(&self) -> Vec<usize> {
        let mut stale = self.naming(self.missing.clone());
        stale.retain(|at| self.candidates[*at].what != What::Index);
        stale
    }

    /// Those that name one of these, or a view that does.
    fn naming(&self, mut names: HashSet<String>) -> Vec<usize> {
        let mut found: Vec<usize> = Vec::new();
        loop {
            let candidates = self.candidates.iter().enumerate();
            let mut more = candidates
                .filter(|(at, it)| !found.contains(at) && !it.names.is_disjoint(&names))
                .map(|(at, _)| at)
                .peekable();
            if more.peek().is_none() {
                return found;
            }
            let more: Vec<usize> = more.collect();
            let views = more.iter().map(|at| &self.candidates[*at]);
            let views = views.filter(|it| it.what == What::View);
            names.extend(views.map(|it| it.name.clone()));
            found.extend(more);
        }
    }

    /// Drops those of these that can be made again; where the failure of that stops the run, it fails here as before.
    fn take(&mut self, which: &[usize]) -> Vec<Step> {
        let is_taken = |at: usize, it: &Candidate| {
            which.contains(&at)
                && (self.on_failure == OnFailure::Continue || it.again.is_disjoint(&self.gone))
        };
        let (mut drops, mut left) = (Vec::new(), Vec::new());
        for (at, candidate) in std::mem::take(&mut self.candidates).into_iter().enumerate() {
            if is_taken(at, &candidate) {
                drops.push(drop_of(candidate.what, &candidate.name));
            } else {
                left.push(candidate);
            }
        }
        self.candidates = left;
        drops
    }

    fn stale_at_the_end(&mut self) -> Vec<Step> {
        self.on_failure = OnFailure::Stop;
        let stale = self.stale();
        self.take(&stale)
    }
}

fn is_of_the_schema(object: &Object) -> bool {
    let is_main = |schema: &String| schema.eq_ignore_ascii_case("main");
    !object.temporary && object.schema.as_ref().is_none_or(is_main)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::made::made;
    use super::*;
    use crate::script::{Entry, Key, Source};
    use expect_test::{Expect, expect};

    fn repeatable(text: &str) -> Repeatable {
        Repeatable {
            entry: Entry {
                key: Key::Repeatable("r".to_owned()),
                name: "r".to_owned(),
                checksum: String::new(),
                effective: None,
                source: text.into(),
                down: None,
                detail: serde_json::Map::new(),
            },
            source: Arc::new(Source {
                name: "R__r.sql".to_owned(),
                text: text.into(),
            }),
            made: made(text),
            was: Vec::new(),
            now: None,
            runs: None,
        }
    }

    #[track_caller]
    fn check(repeatables: &[&str], run: &str, expect: Expect) {
        expect.assert_eq(&with_drops(repeatables, run));
    }

    /// The statements of a run, with the drops that are added to them.
    fn with_drops(repeatables: &[&str], run: &str) -> String {
        let source = Arc::new(Source {
            name: "V1__a.sql".to_owned(),
            text: run.into(),
        });
        let history = History::default();
        let reading = reading::read(&source, history.engine, &history.table);
        let mut units = vec![(Record::Delete(Key::Migration(1)), reading)];
        let repeatables: Vec<Repeatable> = repeatables.iter().map(|it| repeatable(it)).collect();
        set_aside(&mut units, &repeatables, &history, OnFailure::Stop);
        let steps = units[0].1.steps.iter().map(|step| &*step.sql);
        let steps: Vec<&str> = steps.collect();
        steps.join("; ")
    }

    const V: &str = "DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT x FROM t";
    const W: &str = "DROP VIEW IF EXISTS w; CREATE VIEW w AS SELECT x FROM v";
    const I: &str = "DROP INDEX IF EXISTS i; CREATE INDEX i ON t(x)";
    const G: &str = "DROP TRIGGER IF EXISTS g; CREATE TRIGGER g AFTER INSERT ON o BEGIN INSERT INTO t VALUES (1); END";

    #[test]
    fn what_a_rename_would_fail_on_is_dropped_before_it() {
        check(
            &[V, W, G],
            "DROP TABLE t; ALTER TABLE t2 RENAME TO t",
            expect![[
                r#"DROP TABLE t; DROP VIEW IF EXISTS "v"; DROP VIEW IF EXISTS "w"; DROP TRIGGER IF EXISTS "g"; ALTER TABLE t2 RENAME TO t"#
            ]],
        );
        check(
            &[V],
            "ALTER TABLE t RENAME TO t_old; CREATE TABLE t(x); DROP TABLE t_old",
            expect![[
                r#"ALTER TABLE t RENAME TO t_old; CREATE TABLE t(x); DROP TABLE t_old; DROP VIEW IF EXISTS "v""#
            ]],
        );
        // A view that a file drops is missing for the view on it.
        check(
            &[V, W],
            "DROP VIEW IF EXISTS v; DROP TABLE t; ALTER TABLE t2 RENAME TO t",
            expect![[
                r#"DROP VIEW IF EXISTS v; DROP TABLE t; DROP VIEW IF EXISTS "w"; ALTER TABLE t2 RENAME TO t"#
            ]],
        );
    }

    #[test]
    fn what_compiles_and_what_could_not_be_made_again_stays() {
        for run in [
            "ALTER TABLE t ADD COLUMN y",
            "ALTER TABLE t RENAME TO u; ALTER TABLE u RENAME TO t",
            "ALTER TABLE t RENAME COLUMN x TO y",
            "ALTER TABLE t DROP COLUMN y",
            "DROP TABLE t; CREATE TABLE t(x); ALTER TABLE o RENAME TO p",
            "DROP TABLE t; ALTER TABLE o ADD COLUMN y",
            "PRAGMA legacy_alter_table = ON; DROP TABLE t; ALTER TABLE t2 RENAME TO t",
            // The table, or the column, is missing in the end.
            "DROP TABLE t; ALTER TABLE o RENAME TO p",
            "ALTER TABLE t DROP COLUMN x",
            "ALTER TABLE t RENAME TO u; DROP TABLE u",
        ] {
            assert_eq!(with_drops(&[V, I], run), run);
        }
        let alone =
            "-- seedbed: no-transaction\nDROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT x FROM t";
        check(
            &[alone],
            "DROP TABLE t; ALTER TABLE t2 RENAME TO t",
            expect!["DROP TABLE t; ALTER TABLE t2 RENAME TO t"],
        );
    }
}
