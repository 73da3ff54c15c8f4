//! Undoing the newest migrations and applying them again, as one plan: the down texts are the recorded ones, the up texts
//! those of the files. So an edited newest migration takes effect, which is what a redo is for. What it drops of a
//! repeatable is made again from the file of that one.

use std::collections::{BTreeMap, BTreeSet};

use super::adopt::TWO_HISTORIES;
use super::downs::recorded_checksum;
use super::identity::{edited_keys, file_problems, has_text_of};
use super::mismatch::{OTHER_MIGRATION, RENUMBERED};
use super::plan::{Grouping, PlanOptions, Target, entry, plan, scripts};
use super::problem::{self, EDITED, OTHER_HISTORY, argument, listed};
use super::reading::{self, Reading};
use super::set::{Migration, Migrations};
use super::undo::{
    Adopted, Back, applied_repeatables, undo_units, versions_to_undo, with_restored,
};
use super::{ApplyError, OutOfOrder, Outcome};
use crate::db::Db;
use crate::diagnostic::Diagnostic;
use crate::drive::{Decision, OnEvent, Reader, drive};
use crate::history::{self, DOWN_CHECKSUM, History, HistoryError, Row, State};
use crate::layouts::{Layout, down_hint};
use crate::script::{Atomicity, Entry, ForeignKeys, Key, Record, Run, Script};
use crate::setters::setters;
use crate::sql::{Kind, What, kind};

/// How to redo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedoOptions {
    /// How many of the highest applied versions.
    pub steps: usize,
    /// In how many transactions.
    pub grouping: Grouping,
}

setters!(RedoOptions {
    steps: usize,
    grouping: Grouping,
});

impl Default for RedoOptions {
    /// The newest one.
    fn default() -> RedoOptions {
        RedoOptions {
            steps: 1,
            grouping: Grouping::default(),
        }
    }
}

/// What a redo would run, and what is in its way.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
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
/// another run has redone meanwhile is left alone.
///
/// # Errors
/// [`ApplyError`]; where a recorded down text or a file is missing, or a changed migration has no down file, nothing runs.
/// A problem `overtaken` where another run undid one of these migrations, or changed what is applied below or above them.
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
    chosen: Option<Chosen>,
    /// The versions that this run has undone.
    undone: BTreeSet<i64>,
}

/// What the first look showed.
#[derive(Debug, Clone, Default)]
struct Chosen {
    /// The versions, and their records, with the texts.
    versions: BTreeMap<i64, Row>,
    /// The highest version below them.
    below: Option<i64>,
}

impl<'a> Redoing<'a> {
    fn new(set: &'a Migrations, options: &RedoOptions) -> Redoing<'a> {
        Redoing {
            set,
            options: *options,
            chosen: None,
            undone: BTreeSet::new(),
        }
    }

    fn choice(&self, history: &History) -> Chosen {
        if let Some(chosen) = &self.chosen {
            return chosen.clone();
        }
        let versions = versions_to_undo(history, Back::Steps(self.options.steps));
        let recorded = history.versions();
        let (chosen, below): (Vec<_>, Vec<_>) = recorded
            .into_iter()
            .partition(|(version, _)| versions.contains(version));
        let chosen = chosen.into_iter();
        Chosen {
            versions: chosen
                .map(|(version, row)| (version, row.clone()))
                .collect(),
            below: below.last().map(|(version, _)| *version),
        }
    }

    fn plan(&mut self, history: &History) -> RedoPlan {
        let chosen = self.choice(history);
        let plan = redo_plan(
            self.set,
            history,
            &chosen,
            &self.undone,
            self.options.grouping,
        );
        self.chosen = Some(chosen);
        plan
    }
}

impl Reader for Redoing<'_> {
    fn texts(&self, history: &History) -> Vec<Key> {
        let mut keys = edited_keys(self.set, history);
        keys.extend(
            self.choice(history)
                .versions
                .into_keys()
                .map(Key::Migration),
        );
        keys.extend(applied_repeatables(history));
        keys.sort();
        keys.dedup();
        keys
    }

    fn decide(&mut self, history: &History) -> Decision {
        let RedoPlan {
            mut problems,
            scripts,
        } = self.plan(history);
        // A run says so before its first change.
        problems.retain(|it| it.code != SEVERAL_TRANSACTIONS);
        let started = history.rows.iter().find(|row| row.state == State::Started);
        Decision {
            problems,
            scripts,
            under_way: started.map(|row| row.key.clone()),
            look_again: false,
        }
    }

    fn committed(&mut self, script: &Script) {
        self.undone
            .extend(script.units.iter().filter_map(|unit| match &unit.record {
                Record::Delete(Key::Migration(version)) => Some(*version),
                _ => None,
            }));
    }
}

/// What other runs did to the versions of a redo, or around them: then what is applied again could come above a gap, or
/// below a later version.
fn overtaken(history: &History, chosen: &Chosen, undone: &BTreeSet<i64>) -> Option<Diagnostic> {
    let recorded = history.by_key();
    let is_there = |version: &i64| recorded.contains_key(&Key::Migration(*version));
    let is_chosen = |version: &i64| chosen.versions.contains_key(version);
    let lowest = chosen.versions.keys().next()?;
    let gone = chosen.versions.keys().filter(|it| !undone.contains(it));
    let gone: Vec<i64> = gone
        .chain(&chosen.below)
        .copied()
        .filter(|it| !is_there(it))
        .collect();
    let between = chosen.below.unwrap_or(i64::MIN);
    let new = history.versions().into_iter().map(|(version, _)| version);
    let new: Vec<i64> = new.filter(|it| *it > between && !is_chosen(it)).collect();
    let did = match (gone.as_slice(), new.as_slice()) {
        ([], []) => return None,
        // What is still to be undone reports what is on top of it.
        ([], _) if is_there(lowest) => return None,
        ([], new) => format!("applied {}", listed(new)),
        (gone, _) => format!("undid {}", listed(gone)),
    };
    let versions: Vec<i64> = chosen.versions.keys().copied().collect();
    let message = format!(
        "another run {did} while this one was to redo {}",
        listed(&versions)
    );
    let left: Vec<i64> = undone.iter().copied().filter(|it| !is_there(it)).collect();
    let left = (!left.is_empty()).then(|| {
        format!(
            "this run has undone {}, and has not applied it again",
            listed(&left)
        )
    });
    Some(
        Diagnostic::problem("overtaken", message)
            .notes(left)
            .help("`status` shows what is applied now; then run `redo` or `migrate`"),
    )
}

/// Plans a redo of these versions, of which this run has undone some. Pure.
fn redo_plan(
    set: &Migrations,
    history: &History,
    chosen: &Chosen,
    by_this_run: &BTreeSet<i64>,
    grouping: Grouping,
) -> RedoPlan {
    let recorded = history.by_key();
    let (mut down, mut up) = (Vec::new(), Vec::new());
    for (version, old) in &chosen.versions {
        match recorded.get(&Key::Migration(*version)) {
            Some(row) if row.run_id == old.run_id => {
                down.insert(0, *version);
                up.push(*version);
            }
            // Another run has redone it.
            Some(_) => {}
            None => up.push(*version),
        }
    }
    let (mut problems, mut steps) =
        undo_units(history, &down, Adopted::Refuse, set.folder(), Some(set));
    if let Some(overtaken) = overtaken(history, chosen, by_this_run) {
        problems.retain(|problem| problem.code != overtaken.code);
        problems.push(overtaken);
        return RedoPlan {
            problems,
            scripts: Vec::new(),
        };
    }
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
    // Other versions may be pending, which are no matter of a redo.
    let newest = up.last().copied().unwrap_or_default();
    let is_pending = |key: &Key| {
        matches!(key, Key::Migration(version) if !up.contains(version))
            && !recorded.contains_key(key)
    };
    let applies_only = match set.iter().any(|migration| is_pending(&migration.key)) {
        true => format!("`migrate --to {newest}`"),
        false => "`migrate`".to_owned(),
    };
    let mut units = Vec::new();
    let mut without_down = Vec::new();
    for version in &up {
        let key = Key::Migration(*version);
        match set.get(&key) {
            Some(file) => {
                let reading = reading::read_text(&file.up, history.engine, &history.table);
                let old = chosen.versions.get(version);
                let again = match old {
                    Some(old) => entry_again(file, old),
                    None => Some(entry(file)),
                };
                match again {
                    Some(entry) => units.push((Record::Insert(entry), reading)),
                    None => without_down.push(no_down_file(file, set, &applies_only)),
                }
            }
            None if set.claims(&key).next().is_some() => {}
            None => problems.push(no_file(&key)),
        }
    }
    if units.len() + without_down.len() == up.len() && !up.is_empty() {
        let mut planned = plan(set, &undone, &options).problems;
        // What is undone for the moment is no news.
        planned.retain(|problem| ![TWO_HISTORIES, OTHER_HISTORY].contains(&problem.code));
        // Which files hold recorded migrations, the rows that are undone tell too; and so they count in the steps that a
        // help names.
        let whole = plan(set, history, &options).problems;
        let is_of_whole = |it: &Diagnostic| [EDITED, OTHER_MIGRATION].contains(&it.code);
        let is_redone = |it: &Diagnostic| matches!(it.subject, Some(Key::Migration(version)) if down.contains(&version));
        let renumbers = whole.iter().any(|it| it.code == RENUMBERED);
        planned.retain(|it| !is_of_whole(it) && !(renumbers && it.code == RENUMBERED));
        planned.extend(
            whole
                .into_iter()
                .filter(|it| it.code == RENUMBERED || is_of_whole(it) && !is_redone(it)),
        );
        let planned = planned.into_iter();
        let said = subjects(&problems);
        // It has a version as its target, and is no `migrate --to`.
        let planned = planned.filter(|planned| planned.code != problem::REPEATABLES_PENDING);
        problems.extend(planned.filter(|planned| !said.contains(&subject(planned))));
    } else {
        problems.extend(file_problems(set, history));
    }
    problems.append(&mut without_down);
    steps.extend(units);
    if grouping == Grouping::All {
        share_the_mode(&mut steps);
    }
    let steps = with_restored(steps, history, Some(set), &mut problems);
    let mut redo = RedoPlan {
        problems,
        scripts: scripts(steps, history.revision, grouping),
    };
    if redo.problems.iter().any(Diagnostic::is_error) {
        redo.scripts.clear();
    } else if !down.is_empty() && redo.scripts.len() > 1 && grouping == Grouping::All {
        redo.problems.push(apart(redo.scripts.len(), &applies_only));
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

/// What is recorded when a migration is applied again. Without a down file the recorded down text stays, while the text
/// that it undoes is the same; none where it is another.
fn entry_again(file: &Migration, old: &Row) -> Option<Entry> {
    let mut again = entry(file);
    let Some(down) = old.down.as_deref().filter(|_| file.down.is_none()) else {
        return Some(again);
    };
    if !has_text_of(file, old) {
        return None;
    }
    again.down = Some(down.into());
    if let Some(checksum) = recorded_checksum(old) {
        let checksum = checksum.into();
        again.detail.insert(DOWN_CHECKSUM.to_owned(), checksum);
    }
    Some(again)
}

/// The recorded down text undoes the recorded text, and not that of the file.
fn no_down_file(file: &Migration, set: &Migrations, migrate: &str) -> Diagnostic {
    let (key, words) = (&file.key, &file.words);
    let message = format!(
        "{key} was changed and has no down file, so after a `redo` it could not be undone: the recorded down text is \
         that of the earlier statements"
    );
    let (argument, folder) = (argument(key), set.folder());
    let help = match file.layout {
        Layout::Seedbed => format!(
            "write {key}__{words}.down.sql for the statements as they are now: `status --source {argument} --down > \
             {folder}{key}__{words}.down.sql` begins it with the recorded down text"
        ),
        layout => match down_hint(layout, &key.to_string(), words) {
            Some(place) => format!(
                "write {place} for the statements as they are now; `status --source {argument} --down` shows the \
                 recorded down text"
            ),
            None => format!("the folders of {} have no down files", layout.tools()),
        },
    };
    Diagnostic::problem("no-down-file", message)
        .about(key)
        .in_file(&file.up.source.name)
        .help(help)
        .help(format!(
            "if it is not to be undone any more: `undo`, then {migrate}"
        ))
}

fn no_file(key: &Key) -> Diagnostic {
    let message = format!("{key} has no file, so `redo` could not apply it again");
    Diagnostic::problem("no-file", message)
        .about(key)
        .help("bring the file back, or undo it without applying it again: `undo`")
}

/// The code of a redo in more than one transaction.
const SEVERAL_TRANSACTIONS: &str = "several-transactions";

fn apart(transactions: usize, migrate: &str) -> Diagnostic {
    let message = format!(
        "this redo takes {transactions} transactions, because its statements differ in how they have to run (foreign keys \
         on or off, no-transaction): if a later one fails, the earlier ones stay committed"
    );
    Diagnostic::problem(SEVERAL_TRANSACTIONS, message)
        .warning()
        .help(format!("{migrate} applies what is left then"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Options;
    use crate::drive::ignore;
    use crate::migrations::{UndoOptions, apply, undo};

    fn files(last: i64) -> Migrations {
        Migrations::from_files((1..=last).flat_map(|number| {
            let name = format!("V{number}__t{number}");
            [
                (
                    format!("{name}.sql"),
                    format!("CREATE TABLE t{number} (x);"),
                ),
                (format!("{name}.down.sql"), format!("DROP TABLE t{number};")),
            ]
            .map(|(name, text)| (name, text.into_bytes()))
        }))
    }

    /// What a redo of the newest `steps` of three plans before and after another run.
    async fn around(steps: usize, own: &[i64], back: usize, last: i64) -> (RedoPlan, RedoPlan) {
        let db = Db::memory(Options::default()).await.unwrap();
        let run = |id: &str| Run {
            id: id.to_owned(),
            by: "other".to_owned(),
        };
        let migrate = PlanOptions::default();
        let set = files(3);
        apply(&db, &set, &migrate, &run("first"), &ignore())
            .await
            .unwrap();
        let options = RedoOptions {
            steps,
            grouping: Grouping::All,
        };
        let mut redoing = Redoing::new(&set, &options);
        let history = history::read_with_texts(&db, |history| redoing.texts(history));
        let before = redoing.plan(&history.await.unwrap());
        redoing.undone.extend(own);
        let options = UndoOptions::default()
            .back(Back::Steps(back))
            .grouping(Grouping::All);
        undo(&db, &options, &run("second"), &ignore())
            .await
            .unwrap();
        if last > 0 {
            apply(&db, &files(last), &migrate, &run("third"), &ignore())
                .await
                .unwrap();
        }
        let history = history::read_with_texts(&db, |history| redoing.texts(history));
        (before, redoing.plan(&history.await.unwrap()))
    }

    #[track_caller]
    fn is_overtaken((before, after): (RedoPlan, RedoPlan), message: &str) {
        assert_eq!(before.problems, []);
        let found: Vec<_> = after
            .problems
            .iter()
            .map(|it| (it.code, &*it.message))
            .collect();
        assert_eq!(found, [("overtaken", message)]);
        assert_eq!(after.scripts, []);
    }

    #[tokio::test]
    async fn what_another_run_undid_is_not_applied() {
        is_overtaken(
            around(1, &[], 1, 0).await,
            "another run undid V3 while this one was to redo V3",
        );
        is_overtaken(
            around(1, &[], 2, 0).await,
            "another run undid V3, V2 while this one was to redo V3",
        );
        is_overtaken(
            around(2, &[], 1, 0).await,
            "another run undid V3 while this one was to redo V2, V3",
        );
        // Above a gap, or below a later version.
        is_overtaken(
            around(1, &[3], 2, 0).await,
            "another run undid V2 while this one was to redo V3",
        );
    }

    #[tokio::test]
    async fn what_this_run_undid_is_applied() {
        let (_, after) = around(1, &[3], 1, 0).await;
        assert_eq!(after.problems, []);
        assert_eq!(after.scripts.len(), 1);
    }

    #[tokio::test]
    async fn what_another_run_has_redone_is_left() {
        let (_, after) = around(2, &[], 2, 3).await;
        assert_eq!((after.problems, after.scripts), (vec![], vec![]));
    }
}
