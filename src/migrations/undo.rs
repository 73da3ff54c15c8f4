//! Undoing migrations by the down texts that were recorded when they were applied: the checkout need not have
//! the files any more.

use std::collections::HashSet;
use std::sync::Arc;

use super::again::{Now, Repeatable, with_repeatables_undone};
use super::baseline::is_adopted;
use super::drift::{DriftPolicy, in_the_way, judge};
use super::made::{self, made};
use super::plan::{Grouping, entry, scripts};
use super::problem::{AS_RECORDED, listed, no_such_version, other_history, recorded_name, started};
use super::ran;
use super::reading::{self, Reading};
use super::set::{Migration, Migrations};
use super::{ApplyError, Outcome};
use crate::db::Db;
use crate::diagnostic::Diagnostic;
use crate::drive::{Decision, OnEvent, Reader, drive};
use crate::history::{self, ADOPTED_FROM, History, HistoryError, Row, State, moment};
use crate::script::{Entry, Key, Record, Run, Script, Source};
use crate::setters::setters;

/// What to undo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Back {
    /// So many of the highest applied versions.
    Steps(usize),
    /// Every version above this one.
    To(i64),
    /// Every version.
    All,
}

/// What to do about a migration that was recorded and never run by Seedbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Adopted {
    /// It is a problem: what its down text drops was there before.
    #[default]
    Refuse,
    /// Run its down text nevertheless.
    Undo,
}

/// How to undo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct UndoOptions<'a> {
    /// What.
    pub back: Back,
    /// In how many transactions.
    pub grouping: Grouping,
    /// What to do about migrations of a baseline.
    pub adopted: Adopted,
    /// The folder of the migrations, as a help names it: `migrations/`. Empty where it is not known; an undo needs no files.
    pub folder: &'a str,
    /// Objects that are not as the recorded migrations make them, where the undo changes them.
    pub drift: DriftPolicy,
}

setters!(UndoOptions<'a> {
    back: Back,
    grouping: Grouping,
    adopted: Adopted,
    folder: &'a str,
    drift: DriftPolicy,
});

impl Default for UndoOptions<'_> {
    /// The newest one.
    fn default() -> Self {
        UndoOptions {
            back: Back::Steps(1),
            grouping: Grouping::default(),
            adopted: Adopted::default(),
            folder: "",
            drift: DriftPolicy::default(),
        }
    }
}

/// What an undo would run, and what prevents it.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct UndoPlan {
    /// Errors and warnings. While there is an error, there are no scripts.
    pub problems: Vec<Diagnostic>,
    /// The scripts to run, in this order.
    pub scripts: Vec<Script>,
}

/// The versions to undo, highest first.
pub fn versions_to_undo(history: &History, back: Back) -> Vec<i64> {
    let applied = history
        .versions()
        .into_iter()
        .rev()
        .map(|(version, _)| version);
    match back {
        Back::Steps(steps) => applied.take(steps).collect(),
        Back::To(last) => applied.take_while(|version| *version > last).collect(),
        Back::All => applied.collect(),
    }
}

/// The problem where [`Back::To`] names a version that is neither recorded nor in the files. 0 means all.
pub fn undo_to_unknown_version(
    version: i64,
    set: Option<&Migrations>,
    history: &History,
) -> Option<Diagnostic> {
    let key = Key::Migration(version);
    let is_known = history.row(&key).is_some() || set.is_some_and(|set| set.get(&key).is_some());
    (version != 0 && !is_known)
        .then(|| no_such_version(version, "applied migrations and the files"))
}

/// Plans undoing `versions`, in this order. The history must have their texts, and those of the repeatables.
pub fn undo_plan(history: &History, versions: &[i64], options: &UndoOptions<'_>) -> UndoPlan {
    let (problems, units) = undo_units(history, versions, options.adopted, options.folder, None);
    let mut plan = UndoPlan {
        problems,
        ..UndoPlan::default()
    };
    if !plan.problems.iter().any(Diagnostic::is_error) {
        let units = with_restored(units, history, None, &mut plan.problems);
        plan.scripts = scripts(units, history.revision, options.grouping);
    }
    plan
}

/// The problems of undoing `versions`, and the recorded down texts, read. `folder` is that of the files, where it
/// is known. `set` are the files that are to be applied after it, where there are some.
pub(super) fn undo_units(
    history: &History,
    versions: &[i64],
    adopted: Adopted,
    folder: &str,
    set: Option<&Migrations>,
) -> (Vec<Diagnostic>, Vec<(Record, Reading)>) {
    let (mut problems, mut units) = (Vec::new(), Vec::new());
    for row in &history.rows {
        if row.state == State::Started {
            problems.push(started(row));
        }
    }
    // One that was taken over is known.
    let is_known = history.has_migrations() || !history.undone.is_empty();
    let others = history.others.iter().filter(|_| !is_known);
    problems.extend(others.map(|other| other_history(other, None, &history.table).warning()));
    problems.extend(overtaken(history, versions));
    let recorded = history.by_key();
    for version in versions {
        // Another run may have undone it meanwhile.
        let Some(row) = recorded.get(&Key::Migration(*version)) else {
            continue;
        };
        if adopted == Adopted::Refuse && is_adopted(row) {
            problems.push(not_run(row, history, versions));
            continue;
        }
        let file = set.and_then(|set| set.get(&row.key));
        if has_nothing_to_undo(row, file) {
            units.push((Record::Delete(row.key.clone()), Reading::default()));
            continue;
        }
        let Some(source) = down_text(row) else {
            problems.push(no_down(row, folder, file));
            continue;
        };
        let mut reading = reading::read(&source, history.engine, &history.table);
        problems.append(&mut reading.problems);
        units.push((Record::Delete(row.key.clone()), reading));
    }
    (problems, units)
}

/// Adds the applied repeatables of which these units may drop an object. They are made again from the files of the set,
/// where there is one; otherwise from their recorded texts.
pub(super) fn with_restored(
    units: Vec<(Record, Reading)>,
    history: &History,
    set: Option<&Migrations>,
    problems: &mut Vec<Diagnostic>,
) -> Vec<(Record, Reading)> {
    let all = with_repeatables_undone(units, repeatables(history, set), history);
    problems.extend(all.outside.iter().map(not_made_again));
    all.units
}

/// The repeatables that are applied whole, in the order of names.
fn repeatables(history: &History, set: Option<&Migrations>) -> Vec<Repeatable> {
    let mut rows: Vec<&Row> = history.rows.iter().filter(|row| is_applied(row)).collect();
    rows.sort_by(|a, b| a.key.cmp(&b.key));
    let repeatables = rows.into_iter().filter_map(|row| {
        let text = row.source.as_ref()?;
        let made = made(text);
        let file = set.and_then(|set| set.get(&row.key));
        let edited = file.filter(|file| file.up.checksum != row.checksum);
        history.gone(&made).is_empty().then(|| Repeatable {
            entry: Entry {
                key: row.key.clone(),
                name: row.name.clone(),
                checksum: row.checksum.clone(),
                effective: None,
                source: text.as_str().into(),
                down: None,
                detail: row.detail.clone(),
            },
            source: Arc::new(Source {
                name: format!("{}.sql{AS_RECORDED}", row.key),
                text: text.as_str().into(),
            }),
            made,
            was: Vec::new(),
            now: edited.map(now),
            runs: None,
        })
    });
    repeatables.collect()
}

fn now(file: &Migration) -> Now {
    Now {
        entry: entry(file),
        source: file.up.source.clone(),
        made: made::made(&file.up.source.text),
    }
}

/// The repeatables whose texts [`with_restored`] needs.
pub(super) fn applied_repeatables(history: &History) -> impl Iterator<Item = Key> {
    let rows = history.rows.iter().filter(|row| is_applied(row));
    rows.map(|row| row.key.clone())
}

/// Whether it is a repeatable that is applied.
fn is_applied(row: &Row) -> bool {
    row.state == State::Applied && matches!(row.key, Key::Repeatable(_))
}

/// A repeatable without a transaction, which the down files may cost an object.
fn not_made_again(key: &Key) -> Diagnostic {
    let message = format!(
        "{key} runs outside of a transaction: if this drops what it makes, it is not made again here"
    );
    Diagnostic::problem("not-made-again", message)
        .warning()
        .about(key)
        .help("`status` shows whether it is pending, and `migrate` makes it again")
}

/// What others applied above the versions to undo, and that are still there: to take those out from
/// below is not what was asked for.
fn overtaken(history: &History, versions: &[i64]) -> Option<Diagnostic> {
    let recorded = history.by_key();
    let undone: HashSet<&i64> = versions.iter().collect();
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
        .filter(|version| version > lowest && !undone.contains(version))
        .collect();
    let message = format!(
        "another run applied {} while this one was about to undo {}",
        listed(&on_top),
        listed(&still_there)
    );
    (!on_top.is_empty()).then(|| {
        Diagnostic::problem("overtaken", message)
            .help("run `status` to see the state now, then give the versions to undo again")
    })
}

/// Whether a recorded text held no statement. The history must have it.
pub(super) fn did_nothing(row: &Row) -> bool {
    ran::text(row).is_some_and(|text| reading::is_comments_only(&text))
}

/// Whether undoing a migration is to run nothing: it did nothing. What a down text says nevertheless is run, unless the
/// statements that it is for were written into the file since.
fn has_nothing_to_undo(row: &Row, file: Option<&Migration>) -> bool {
    let is_written = |file: &Migration| !file.is_comments_only();
    did_nothing(row) && (down_text(row).is_none() || file.is_some_and(is_written))
}

/// An applied migration without a recorded down text. `file` is its file, where the files are known.
fn no_down(row: &Row, folder: &str, file: Option<&Migration>) -> Diagnostic {
    let (key, name) = (&row.key, &row.name);
    let message = format!("{key}__{name} cannot be undone: no down file was recorded with it");
    let down = file.and_then(|file| file.down.as_ref());
    Diagnostic::problem("no-down", message)
        .about(key)
        .help(match down {
            Some(down) => format!("`repair` records {}", down.source.name),
            None => ran::write_down(row, folder),
        })
}

/// A migration of a baseline, among `undone` that are to be undone: what it makes was there before Seedbed.
fn not_run(row: &Row, history: &History, undone: &[i64]) -> Diagnostic {
    let (key, name) = (&row.key, &row.name);
    let at = moment(&row.applied_at);
    let message = match row.detail.get(ADOPTED_FROM).and_then(|tool| tool.as_str()) {
        Some(tool) => format!(
            "{key} {name} was applied by {tool}, and Seedbed never ran it: its down text has never been tried here"
        ),
        None => format!(
            "{key} {name} was recorded by `baseline` on {at}, and Seedbed never ran it: its down text would drop what \
             was there before"
        ),
    };
    let versions = history.versions();
    let newest = versions.iter().rev().find(|(_, row)| is_adopted(row));
    let above = newest.filter(|(newest, _)| {
        let last = versions.last();
        last.is_some_and(|(last, _)| last > newest)
    });
    let undo = match undone {
        [] | [_] => "undo".to_owned(),
        _ => {
            let mut recorded = versions.iter().rev().map(|(version, _)| *version);
            let kept = recorded.find(|version| !undone.contains(version));
            match kept {
                Some(kept) => format!("undo --to {kept}"),
                None => "undo --to none".to_owned(),
            }
        }
    };
    Diagnostic::problem("adopted", message)
        .about(key)
        .helps(above.map(|(newest, row)| {
            let by = match row.detail.contains_key(ADOPTED_FROM) {
                true => "`adopt`",
                false => "the baseline",
            };
            format!("`undo --to {newest}` undoes only what Seedbed applied after {by}")
        }))
        .help(format!(
            "`{undo} --adopted` runs the recorded down text anyway"
        ))
}

fn down_text(row: &Row) -> Option<Arc<Source>> {
    let text = row.down.as_ref()?;
    // It would undo nothing.
    if reading::is_comments_only(text) {
        return None;
    }
    Some(Arc::new(Source {
        name: recorded_name(row, true),
        text: text.as_str().into(),
    }))
}

/// Reads the history with the recorded texts of the migrations to undo, and plans that.
///
/// # Errors
/// As [`history::read`].
pub async fn observe_undo(
    db: &Db,
    options: &UndoOptions<'_>,
) -> Result<(History, UndoPlan), HistoryError> {
    observe_undo_from(db, history::read_before_change(db).await?, options).await
}

/// As [`observe_undo`], from a history that was read already.
///
/// # Errors
/// As [`history::read`].
pub async fn observe_undo_from(
    db: &Db,
    history: History,
    options: &UndoOptions<'_>,
) -> Result<(History, UndoPlan), HistoryError> {
    let undoing = Undoing::new(options, None);
    let history = history::add_texts(db, history, |history| undoing.texts(history)).await?;
    let versions = versions_to_undo(&history, options.back);
    let mut plan = undo_plan(&history, &versions, options);
    let drift = in_the_way(db, &history, &plan.scripts, options.drift, "undo").await?;
    plan.problems.extend(drift);
    if plan.problems.iter().any(Diagnostic::is_error) {
        plan.scripts.clear();
    }
    Ok((history, plan))
}

/// Undoes migrations. Which ones is decided once, on the first look. If another run undoes the same ones meanwhile, this
/// run does not undo more. If another run applies more on top, this run stops.
///
/// Dropping the future stops nothing that has begun, as with [`apply`](super::apply()).
///
/// # Errors
/// [`ApplyError`]; a problem `no-down` for each version that has no recorded down text, and then nothing runs.
pub async fn undo(
    db: &Db,
    options: &UndoOptions<'_>,
    run: &Run,
    on_event: &OnEvent,
) -> Result<Outcome, ApplyError> {
    drive(db, run, on_event, Undoing::new(options, None)).await
}

/// As [`undo`], from a history that was read already.
///
/// # Errors
/// As [`undo`].
pub async fn undo_from(
    db: &Db,
    history: History,
    options: &UndoOptions<'_>,
    run: &Run,
    on_event: &OnEvent,
) -> Result<Outcome, ApplyError> {
    drive(db, run, on_event, Undoing::new(options, Some(history))).await
}

struct Undoing<'a> {
    options: UndoOptions<'a>,
    versions: Option<Vec<i64>>,
    /// What was read already, until it is used.
    history: Option<History>,
}

impl<'a> Undoing<'a> {
    fn new(options: &UndoOptions<'a>, history: Option<History>) -> Undoing<'a> {
        Undoing {
            options: *options,
            versions: None,
            history,
        }
    }
}

impl Reader for Undoing<'_> {
    fn take_history(&mut self) -> Option<History> {
        self.history.take()
    }

    fn texts(&self, history: &History) -> Vec<Key> {
        let versions = match &self.versions {
            Some(versions) => versions.clone(),
            None => versions_to_undo(history, self.options.back),
        };
        if versions.is_empty() {
            return Vec::new();
        }
        let versions = versions.into_iter().map(Key::Migration);
        versions.chain(applied_repeatables(history)).collect()
    }

    fn decide(&mut self, history: &History) -> Decision {
        let versions = self
            .versions
            .get_or_insert_with(|| versions_to_undo(history, self.options.back));
        let UndoPlan { problems, scripts } = undo_plan(history, versions, &self.options);
        let started = history.rows.iter().find(|row| row.state == State::Started);
        Decision {
            problems,
            scripts,
            under_way: started.map(|row| row.key.clone()),
            ..Decision::default()
        }
    }

    async fn judge(
        &mut self,
        db: &Db,
        history: &History,
        decision: &mut Decision,
    ) -> Result<(), HistoryError> {
        judge(db, history, decision, self.options.drift, "undo").await
    }
}
