//! Taking migrations back, by the down texts that were recorded when they were applied: the checkout need not have
//! the files any more.

use std::sync::Arc;

use super::plan::{Grouping, scripts};
use super::problem::{AS_RECORDED, argument, listed, other_history, started};
use super::reading;
use super::{ApplyError, Outcome};
use crate::db::Db;
use crate::diagnostic::Diagnostic;
use crate::drive::{Decision, OnEvent, Reader, drive};
use crate::history::{self, History, HistoryError, Row, State};
use crate::script::{Key, Record, Run, Script, Source};

/// What to take back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Back {
    /// So many of the highest applied versions.
    Steps(usize),
    /// Every version above this one; 0 takes back all.
    To(i64),
}

/// How to undo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UndoOptions {
    /// What.
    pub back: Back,
    /// In how many transactions.
    pub grouping: Grouping,
}

/// What an undo would run, and what is in its way.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct UndoPlan {
    /// What is wrong, and what should be known; while there is an error among it, there are no scripts.
    pub problems: Vec<Diagnostic>,
    /// What is to be run, in this order.
    pub scripts: Vec<Script>,
}

/// The versions that are to be taken back, highest first.
pub fn versions_to_undo(history: &History, back: Back) -> Vec<i64> {
    let applied = history
        .versions()
        .into_iter()
        .rev()
        .map(|(version, _)| version);
    match back {
        Back::Steps(steps) => applied.take(steps).collect(),
        Back::To(last) => applied.take_while(|version| *version > last).collect(),
    }
}

/// Plans taking back `versions`, in this order. The history must have their texts.
pub fn undo_plan(history: &History, versions: &[i64], grouping: Grouping) -> UndoPlan {
    let mut plan = UndoPlan::default();
    let mut units = Vec::new();
    for row in &history.rows {
        if row.state == State::Started {
            plan.problems.push(started(row));
        }
    }
    let others = history.others.iter();
    plan.problems
        .extend(others.map(|other| other_history(other, None, &history.table).warning()));
    plan.problems.extend(overtaken(history, versions));
    let recorded = history.by_key();
    for version in versions {
        // Somebody else may have taken it back meanwhile.
        let Some(row) = recorded.get(&Key::Migration(*version)) else {
            continue;
        };
        let Some(source) = down_text(row) else {
            plan.problems.push(no_down(row));
            continue;
        };
        let mut reading = reading::read(&source, history.engine, &history.table);
        plan.problems.append(&mut reading.problems);
        units.push((Record::Delete(row.key.clone()), reading));
    }
    if !plan.problems.iter().any(Diagnostic::is_error) {
        plan.scripts = scripts(units, history.revision, grouping);
    }
    plan
}

/// What others applied above the versions that are to be taken back, and that are still there: to take those out from
/// below is not what was asked for.
fn overtaken(history: &History, versions: &[i64]) -> Option<Diagnostic> {
    let recorded = history.by_key();
    let still_there: Vec<i64> = versions
        .iter()
        .copied()
        .filter(|version| recorded.contains_key(&Key::Migration(*version)))
        .collect();
    let lowest = still_there.iter().min()?;
    let on_top: Vec<i64> = history
        .versions()
        .into_iter()
        .map(|(version, _)| version)
        .filter(|version| version > lowest && !versions.contains(version))
        .collect();
    let message = format!(
        "another run applied {} while this one was to take back {}",
        listed(&on_top),
        listed(&still_there)
    );
    (!on_top.is_empty()).then(|| {
        Diagnostic::problem("overtaken", message)
            .help("`status` shows how it stands now; then say anew what is to be taken back")
    })
}

/// An applied migration without a recorded down text.
fn no_down(row: &Row) -> Diagnostic {
    let (key, name) = (&row.key, &row.name);
    let message = format!("{key}__{name} cannot be undone: no down file was recorded with it");
    Diagnostic::problem("no-down", message)
        .about(key)
        .help(format!(
            "write {key}__{name}.down.sql, then `repair {}` records it",
            argument(key)
        ))
}

fn down_text(row: &Row) -> Option<Arc<Source>> {
    let text = row.down.as_ref()?;
    Some(Arc::new(Source {
        name: format!("{}__{}.down.sql{AS_RECORDED}", row.key, row.name),
        text: text.clone(),
    }))
}

/// Reads the history with the recorded texts of what is to be taken back, and plans it.
///
/// # Errors
/// As [`history::read`].
pub async fn observe_undo(
    db: &Db,
    options: &UndoOptions,
) -> Result<(History, UndoPlan), HistoryError> {
    let undoing = Undoing::new(options);
    let history = history::read_with_texts(db, |history| undoing.texts(history)).await?;
    let versions = versions_to_undo(&history, options.back);
    let plan = undo_plan(&history, &versions, options.grouping);
    Ok((history, plan))
}

/// Takes migrations back. What is to be taken back is decided once, on the first look: if another run undoes the
/// same meanwhile, this one does not go on to undo more; if it applies more on top, this one stops.
///
/// Dropping the future stops nothing that has begun, as with [`apply`](super::apply()).
///
/// # Errors
/// [`ApplyError`]; a problem `no-down` for each version that has no recorded down text, and then nothing runs.
pub async fn undo(
    db: &Db,
    options: &UndoOptions,
    run: &Run,
    on_event: &OnEvent,
) -> Result<Outcome, ApplyError> {
    drive(db, run, on_event, Undoing::new(options)).await
}

struct Undoing {
    options: UndoOptions,
    versions: Option<Vec<i64>>,
}

impl Undoing {
    fn new(options: &UndoOptions) -> Undoing {
        Undoing {
            options: *options,
            versions: None,
        }
    }
}

impl Reader for Undoing {
    fn texts(&self, history: &History) -> Vec<Key> {
        let versions = match &self.versions {
            Some(versions) => versions.clone(),
            None => versions_to_undo(history, self.options.back),
        };
        versions.into_iter().map(Key::Migration).collect()
    }

    fn decide(&mut self, history: &History) -> Decision {
        let versions = self
            .versions
            .get_or_insert_with(|| versions_to_undo(history, self.options.back));
        let UndoPlan { problems, scripts } = undo_plan(history, versions, self.options.grouping);
        let started = history.rows.iter().find(|row| row.state == State::Started);
        Decision {
            problems,
            scripts,
            under_way: started.map(|row| row.key.clone()),
        }
    }
}
