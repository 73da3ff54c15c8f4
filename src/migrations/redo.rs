//! Undoing the newest migrations and applying them again, as one plan: the down texts are the recorded ones, the up texts
//! those of the files. So an edited newest migration takes effect, which is what a redo is for.

use std::collections::BTreeMap;

use super::identity::{edited_keys, file_problems};
use super::plan::{Grouping, PlanOptions, Target, entry, plan, scripts};
use super::problem;
use super::reading::{self, Reading};
use super::set::Migrations;
use super::undo::{
    Adopted, Back, applied_repeatables, undo_units, versions_to_undo, with_restored,
};
use super::{ApplyError, OutOfOrder, Outcome};
use crate::db::Db;
use crate::diagnostic::Diagnostic;
use crate::drive::{Decision, OnEvent, Reader, drive};
use crate::history::{self, History, HistoryError, State};
use crate::script::{Atomicity, ForeignKeys, Key, Record, Run, Script};
use crate::sql::{Kind, What, kind};

/// How to redo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RedoOptions {
    /// How many of the highest applied versions.
    pub steps: usize,
    /// In how many transactions.
    pub grouping: Grouping,
}

/// What a redo would run, and what is in its way.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RedoPlan {
    /// What is wrong, and what should be known; while there is an error among it, there are no scripts.
    pub problems: Vec<Diagnostic>,
    /// What is to be run, in this order: undone from the highest, then applied from the lowest.
    pub scripts: Vec<Script>,
}

/// Reads the history with the texts that a redo needs, and plans it.
///
/// # Errors
/// As [`history::read`].
pub async fn observe_redo(
    db: &Db,
    set: &Migrations,
    options: &RedoOptions,
) -> Result<(History, RedoPlan), HistoryError> {
    let mut redoing = Redoing::new(set, options);
    let history = history::read_with_texts(db, |history| redoing.texts(history)).await?;
    let plan = redoing.plan(&history);
    Ok((history, plan))
}

/// Undoes the newest migrations and applies them again. Which they are is decided once, on the first look; one that
/// another run undid meanwhile is only applied, and one that another run has redone is left alone.
///
/// # Errors
/// [`ApplyError`]; where a down text or a file is missing, nothing runs.
pub async fn redo(
    db: &Db,
    set: &Migrations,
    options: &RedoOptions,
    run: &Run,
    on_event: &OnEvent,
) -> Result<Outcome, ApplyError> {
    drive(db, run, on_event, Redoing::new(set, options)).await
}

struct Redoing<'a> {
    set: &'a Migrations,
    options: RedoOptions,
    /// The versions, and the runs that had applied them at the first look.
    chosen: Option<BTreeMap<i64, String>>,
}

impl<'a> Redoing<'a> {
    fn new(set: &'a Migrations, options: &RedoOptions) -> Redoing<'a> {
        Redoing {
            set,
            options: *options,
            chosen: None,
        }
    }

    fn choice(&self, history: &History) -> BTreeMap<i64, String> {
        if let Some(chosen) = &self.chosen {
            return chosen.clone();
        }
        let versions = versions_to_undo(history, Back::Steps(self.options.steps));
        let recorded = history.versions().into_iter();
        recorded
            .filter(|(version, _)| versions.contains(version))
            .map(|(version, row)| (version, row.run_id.clone()))
            .collect()
    }

    fn plan(&mut self, history: &History) -> RedoPlan {
        let chosen = self.choice(history);
        let plan = redo_plan(self.set, history, &chosen, self.options.grouping);
        self.chosen = Some(chosen);
        plan
    }
}

impl Reader for Redoing<'_> {
    fn texts(&self, history: &History) -> Vec<Key> {
        let mut keys = edited_keys(self.set, history);
        keys.extend(self.choice(history).into_keys().map(Key::Migration));
        keys.extend(applied_repeatables(history));
        keys.sort();
        keys.dedup();
        keys
    }

    fn decide(&mut self, history: &History) -> Decision {
        let RedoPlan { problems, scripts } = self.plan(history);
        let started = history.rows.iter().find(|row| row.state == State::Started);
        Decision {
            problems,
            scripts,
            under_way: started.map(|row| row.key.clone()),
            look_again: false,
        }
    }
}

/// Plans a redo of these versions, which those runs have applied. Pure.
fn redo_plan(
    set: &Migrations,
    history: &History,
    chosen: &BTreeMap<i64, String>,
    grouping: Grouping,
) -> RedoPlan {
    let recorded = history.by_key();
    let (mut down, mut up) = (Vec::new(), Vec::new());
    for (version, run_id) in chosen {
        match recorded.get(&Key::Migration(*version)) {
            Some(row) if row.run_id == *run_id => {
                down.insert(0, *version);
                up.push(*version);
            }
            // Another run has redone it.
            Some(_) => {}
            None => up.push(*version),
        }
    }
    let (mut problems, mut steps) = undo_units(history, &down, Adopted::Refuse);
    // What an apply on the undone database would say, but for other versions that are pending.
    let undone = History {
        rows: history
            .rows
            .iter()
            .filter(|row| !matches!(row.key, Key::Migration(version) if down.contains(&version)))
            .cloned()
            .collect(),
        ..history.clone()
    };
    let options = PlanOptions {
        target: Target::Version(up.last().copied().unwrap_or_default()),
        out_of_order: OutOfOrder::Allow,
        ..PlanOptions::default()
    };
    let mut units = Vec::new();
    for version in &up {
        let key = Key::Migration(*version);
        match set.get(&key) {
            Some(file) => {
                let reading = reading::read(&file.up.source, history.engine, &history.table);
                units.push((Record::Insert(entry(file)), reading));
            }
            None if set.claims(&key).next().is_some() => {}
            None => problems.push(no_file(&key)),
        }
    }
    if units.len() == up.len() && !up.is_empty() {
        let planned = plan(set, &undone, &options).problems.into_iter();
        let said = subjects(&problems);
        // It has a version as its target, and is no `migrate --to`.
        let planned = planned.filter(|planned| planned.code != problem::REPEATABLES_PENDING);
        problems.extend(planned.filter(|planned| !said.contains(&subject(planned))));
    } else {
        problems.extend(file_problems(set, history));
    }
    steps.extend(units);
    if grouping == Grouping::All {
        share_the_mode(&mut steps);
    }
    let steps = with_restored(steps, history, &mut problems);
    let mut redo = RedoPlan {
        problems,
        scripts: scripts(steps, history.revision, grouping),
    };
    if redo.problems.iter().any(Diagnostic::is_error) {
        redo.scripts.clear();
    } else if !down.is_empty() && redo.scripts.len() > 1 && grouping == Grouping::All {
        redo.problems.push(apart(redo.scripts.len()));
    }
    redo
}

/// What is reported, and about which migration: an apply need not repeat what an undo reports.
fn subjects(problems: &[Diagnostic]) -> Vec<(&'static str, Option<Key>)> {
    problems.iter().map(subject).collect()
}

fn subject(problem: &Diagnostic) -> (&'static str, Option<Key>) {
    (problem.code, problem.subject.clone())
}

/// `CREATE` means the same with foreign keys on and off. Where nothing else is in a text that would run with them on, it
/// joins the transaction of its neighbour, so that one transaction is enough.
fn share_the_mode(units: &mut [(Record, Reading)]) {
    let is_off = |reading: &Reading| reading.foreign_keys == ForeignKeys::Off;
    if !units.iter().any(|(_, reading)| is_off(reading)) {
        return;
    }
    for (_, reading) in units {
        let only_creates = reading.steps.iter().all(|step| creates_only(&step.sql));
        if reading.foreign_keys == ForeignKeys::On
            && reading.atomicity == Atomicity::Transaction
            && only_creates
        {
            reading.foreign_keys = ForeignKeys::Off;
        }
    }
}

/// `CREATE TABLE … AS SELECT` writes rows into a new table, to which nothing refers.
fn creates_only(sql: &str) -> bool {
    matches!(
        kind(sql),
        Kind::Create(object) if matches!(
            object.what,
            What::Table | What::Index | What::View | What::Trigger
        )
    )
}

fn no_file(key: &Key) -> Diagnostic {
    let message = format!("{key} has no file, so `redo` could not apply it again");
    Diagnostic::problem("no-file", message)
        .about(key)
        .help("bring the file back, or undo it without applying it again: `undo`")
}

fn apart(transactions: usize) -> Diagnostic {
    let message = format!(
        "this redo takes {transactions} transactions, because its statements differ in how they have to run (foreign keys \
         on or off, no-transaction): if a later one fails, the earlier ones stay committed"
    );
    Diagnostic::problem("several-transactions", message)
        .warning()
        .help("`migrate` applies what is left then")
}
