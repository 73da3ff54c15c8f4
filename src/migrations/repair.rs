//! Updates the recorded metadata to match the files. A repair never changes anything but `_migrations`.

use std::collections::HashMap;
use std::sync::Arc;

use super::baseline::Verify;
use super::down_fit::{Fits, fits};
use super::downs;
use super::identity::{Identity, applied, edited_keys, file_problems, has_text_of};
use super::mismatch::is_about_records;
use super::plan::{PlanOptions, edit, entry, plan};
use super::problem::{Edit, file_name, no_such_version};
use super::set::{Migration, Migrations};
use super::{ApplyError, Outcome, observe, shown};
use crate::db::{Db, DbError};
use crate::diagnostic::Diagnostic;
use crate::drive::{Decision, OnEvent, Reader, drive};
use crate::history::{History, HistoryError, Row, State};
use crate::layouts::down_hint;
use crate::script::{Atomicity, Entry, ForeignKeys, Key, Record, Revision, Run, Script, Unit};

/// What to repair.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Repair {
    /// Everything that changes no meaning: edited comments, renamed and renumbered files, changed down files,
    /// repeatables whose file is gone.
    Harmless,
    /// This version or repeatable: its record becomes the content of its file, or is removed if there is no file. If
    /// the file differs from what was run, the schema is compared first.
    Record(Key, Verify),
    /// An unfinished `no-transaction` migration: all of it is in the database.
    Applied(Key),
    /// An unfinished `no-transaction` migration: it is to run again.
    Retry(Key),
}

/// Repairs records.
///
/// # Errors
/// [`ApplyError`]; a problem `not-repairable` where the repair does not fit the state that the version is in, `drift` or
/// `not-shown` where the schema does not show what would be recorded, and with [`Repair::Harmless`] the problems that
/// remain.
pub async fn repair(
    db: &Db,
    set: &Migrations,
    what: &Repair,
    run: &Run,
    on_event: &OnEvent,
) -> Result<Outcome, ApplyError> {
    let repairing = Repairing {
        set,
        what,
        looked_at: None,
        seen: Vec::new(),
        down_files: HashMap::new(),
        only_down: false,
    };
    let outcome = drive(db, run, on_event, repairing).await?;
    match (what, outcome.done.is_empty()) {
        (Repair::Harmless, _) | (_, true) => nothing_remains(db, set, outcome).await,
        (_, false) => Ok(outcome),
    }
}

/// The outcome, unless records are still other than the files: a command that corrects records names what it leaves.
pub(super) async fn nothing_remains(
    db: &Db,
    set: &Migrations,
    outcome: Outcome,
) -> Result<Outcome, ApplyError> {
    let history = observe(db, set).await?;
    let mut problems = plan(set, &history, &PlanOptions::default()).problems;
    problems.retain(is_about_records);
    if problems.is_empty() {
        return Ok(outcome);
    }
    Err(ApplyError::Problems {
        problems,
        done: outcome.done,
    })
}

struct Repairing<'a> {
    set: &'a Migrations,
    what: &'a Repair,
    /// The revision at which the schema was compared, where it was.
    looked_at: Option<Revision>,
    /// What the comparison of the schema found.
    seen: Vec<Diagnostic>,
    /// Of migrations both of whose files were changed: which down text undoes what was recorded.
    down_files: HashMap<Key, Fits>,
    /// Only the down file of the migration is recorded: the database is as the migration was applied.
    only_down: bool,
}

impl Repairing<'_> {
    /// The migration whose statements the schema has to show, or would have to.
    fn to_be_shown(&self, history: &History) -> Option<(&Key, Verify)> {
        let Repair::Record(key, verify) = self.what else {
            return None;
        };
        let (row, file) = (history.row(key)?, self.set.get(key)?);
        let is_other = edit(file, row) == Some(Edit::Meaning) && row.state == State::Applied;
        is_other.then_some((key, *verify))
    }
}

impl Repairing<'_> {
    /// A record that gets another text, and whose down text was written for the one before.
    fn down_of_the_text_before(&self, history: &History) -> Option<Diagnostic> {
        let Repair::Record(key, _) = self.what else {
            return None;
        };
        let (row, file) = (history.row(key)?, self.set.get(key)?);
        let stays = row.has_down && file.down.is_none() && !has_text_of(file, row);
        let message = format!(
            "the {} of {key} is gone, so the recorded down text stays: it was written for the text that {key} had before",
            file.down_words()
        );
        stays.then(|| {
            Diagnostic::problem("down-of-before", message)
                .warning()
                .about(key)
                .help(match down_hint(file.layout, &key.to_string(), &file.words) {
                    Some(place) => {
                        format!("write {place} for the text that {key} has now, then `repair` records it")
                    }
                    None => "write what undoes it as a new migration".to_owned(),
                })
        })
    }
}

impl Repairing<'_> {
    /// The changes to `_migrations` that the repair comes to.
    fn records(&self, history: &History) -> Result<Vec<Record>, Vec<Diagnostic>> {
        match self.what {
            Repair::Harmless => Ok(harmless(self.set, history, &self.down_files)),
            Repair::Record(key, _) => record(self.set, history, key),
            Repair::Applied(key) => settle(history, key, Record::Settle(key.clone())),
            Repair::Retry(key) => settle(history, key, Record::Delete(key.clone())),
        }
    }

    /// A migration whose file is not what the database has, and whose down file undoes what it has. Then the down file alone is
    /// recorded, and this tells so.
    async fn only_the_down_file(&self, history: &History) -> Result<Option<Diagnostic>, DbError> {
        let Repair::Record(key, Verify::Schema) = self.what else {
            return Ok(None);
        };
        let mut changed = both_changed(self.set, history);
        let changed = changed.find(|(_, row)| row.key == *key);
        let Some((file, row)) = changed.filter(|_| self.seen.iter().any(Diagnostic::is_error))
        else {
            return Ok(None);
        };
        let fits = fits(history, row, file).await?;
        if !fits.is_some_and(Fits::file_is_as_good) {
            return Ok(None);
        }
        let message = format!(
            "only the down file of {key} was recorded: the database is as {key} was applied, and not as {} says",
            file_name(&file.up.source.name)
        );
        let problem = Diagnostic::problem("only-down", message).warning();
        let help = "`status` shows how the file differs, and how to go on";
        Ok(Some(problem.about(key).help(help)))
    }
}

impl Reader for Repairing<'_> {
    fn texts(&self, history: &History) -> Vec<Key> {
        match self.what {
            Repair::Record(_, Verify::Schema) => {
                applied(history).map(|row| row.key.clone()).collect()
            }
            // A record that is corrected keeps its down text where no file has it.
            Repair::Harmless if both_changed(self.set, history).next().is_some() => {
                applied(history).map(|row| row.key.clone()).collect()
            }
            Repair::Harmless => {
                let differs = |row: &&Row| {
                    let file = self.set.get(&row.key);
                    file.is_some_and(|file| edit(file, row).is_some())
                };
                let mut keys = edited_keys(self.set, history);
                keys.extend(applied(history).filter(differs).map(|row| row.key.clone()));
                keys.sort();
                keys.dedup();
                keys
            }
            Repair::Record(key, Verify::Nothing) => {
                let mut keys = edited_keys(self.set, history);
                if !keys.contains(key) {
                    keys.push(key.clone());
                }
                keys
            }
            _ => edited_keys(self.set, history),
        }
    }

    async fn look(&mut self, db: &Db, history: &History) -> Result<(), HistoryError> {
        if self.looked_at == Some(history.revision) {
            return Ok(());
        }
        self.looked_at = Some(history.revision);
        self.down_files.clear();
        self.only_down = false;
        if *self.what == Repair::Harmless {
            let texts: Vec<_> = both_changed(self.set, history).collect();
            for (file, row) in texts {
                if let Some(fits) = fits(history, row, file).await? {
                    self.down_files.insert(row.key.clone(), fits);
                }
            }
        }
        self.seen = match self.to_be_shown(history) {
            Some((key, Verify::Schema)) if self.records(history).is_ok() => {
                shown::by_the_schema(db, self.set, history, key).await?
            }
            Some((key, Verify::Nothing)) => vec![shown::not_compared(key)],
            _ => Vec::new(),
        };
        if let Some(warning) = self.only_the_down_file(history).await? {
            self.only_down = true;
            self.seen = vec![warning];
        }
        Ok(())
    }

    fn decide(&mut self, history: &History) -> Decision {
        let records = match self.what {
            Repair::Record(key, _) if self.only_down => {
                Ok(down_record(self.set, history, key).into_iter().collect())
            }
            _ => self.records(history),
        };
        let (problems, records) = match records {
            Ok(records) => {
                let mut problems = file_problems(self.set, history);
                problems.extend_from_slice(&self.seen);
                problems.extend(self.down_of_the_text_before(history));
                (problems, records)
            }
            Err(problems) => (problems, Vec::new()),
        };
        Decision {
            problems,
            scripts: script(records, history),
            ..Decision::default()
        }
    }
}

fn script(records: Vec<Record>, history: &History) -> Vec<Script> {
    if records.is_empty() {
        return Vec::new();
    }
    vec![Script {
        expects: history.revision,
        foreign_keys: ForeignKeys::On,
        atomicity: Atomicity::Transaction,
        units: records
            .into_iter()
            .map(|record| Unit {
                record,
                steps: Arc::default(),
            })
            .collect(),
    }]
}

/// The applied migrations whose statements and whose down file were changed.
fn both_changed<'a>(
    set: &'a Migrations,
    history: &'a History,
) -> impl Iterator<Item = (&'a Migration, &'a Row)> {
    applied(history).filter_map(|row| {
        let file = set.get(&row.key)?;
        let both = edit(file, row) == Some(Edit::Meaning) && downs::differs(file, row);
        (both && file.words == row.name && matches!(row.key, Key::Migration(_)))
            .then_some((file, row))
    })
}

/// The record of a migration with its down file, and with the statements that were recorded.
fn down_record(set: &Migrations, history: &History, key: &Key) -> Option<Record> {
    let (file, row) = (set.get(key)?, history.row(key)?);
    Some(Record::Amend(Entry {
        checksum: row.checksum.clone(),
        source: row.source.as_deref()?.into(),
        ..entry(file)
    }))
}

fn harmless(set: &Migrations, history: &History, down_files: &HashMap<Key, Fits>) -> Vec<Record> {
    let recorded = history.by_key();
    let identity = Identity::of(set, history);
    let is_down_of_another =
        |file: &Migration| downs::of_another(file, set, history, &identity).is_some();
    let fits = |key: &Key| {
        let fits = down_files.get(key);
        fits.is_some_and(|fits| fits.file_is_better())
    };
    let edited = set.versioned.iter().filter_map(|migration| {
        let row = recorded.get(&migration.key);
        let row = row.filter(|row| identity.moved(&row.key).is_none())?;
        let edit = edit(migration, row)?;
        let takes_down = downs::differs(migration, row) && !is_down_of_another(migration);
        let amended = match edit {
            // Its statements stay as they were recorded, and its down file may be for those that it has now.
            Edit::Meaning if takes_down && fits(&migration.key) => {
                return down_record(set, history, &migration.key);
            }
            Edit::Meaning => None,
            Edit::Down if !takes_down => None,
            Edit::Wording | Edit::Name | Edit::Down if takes_down => Some(entry(migration)),
            Edit::Wording | Edit::Name | Edit::Down => Some(Entry {
                down: row.down.clone().map(Into::into),
                ..downs::entry_without_down(migration)
            }),
        };
        amended.map(Record::Amend)
    });
    let moved = identity
        .all()
        .filter(|(from, _)| identity.in_the_way(from).is_none());
    let gone = history.rows.iter().filter(|row| {
        let is_repeatable = matches!(row.key, Key::Repeatable(_));
        is_repeatable && set.get(&row.key).is_none() && identity.moved(&row.key).is_none()
    });
    moved
        .map(|(from, file)| {
            // Another down file may be beside the file now: its name shows whether it went along.
            let goes_along = file.down.as_ref().is_some_and(|down| {
                downs::has_words(down, &file.words) && !is_down_of_another(file)
            });
            Record::Move {
                from: from.clone(),
                entry: match goes_along {
                    true => entry(file),
                    false => downs::entry_without_down(file),
                },
            }
        })
        .chain(edited)
        .chain(gone.map(|row| Record::Delete(row.key.clone())))
        .collect()
}

fn record(set: &Migrations, history: &History, key: &Key) -> Result<Vec<Record>, Vec<Diagnostic>> {
    let row = match (history.row(key), key) {
        (Some(row), _) => row,
        (None, Key::Migration(version)) if set.get(key).is_none() => {
            let among = "files and the applied migrations";
            return Err(vec![no_such_version(*version, among)]);
        }
        (None, _) => {
            return Err(not_repairable(
                key,
                format!("{key} is not applied, so there is no record to repair"),
                "`migrate` applies it; `baseline` records it as applied without running it",
            ));
        }
    };
    if row.state == State::Started {
        return Err(not_repairable(
            key,
            match row.undoing() {
                None => format!("{key} was started and has not finished"),
                Some(_) => format!("undoing {key} was started and has not finished"),
            },
            match row.undoing() {
                None => {
                    "say which: `--applied` if all of it is in the database, `--retry` if it is to run again"
                }
                Some(_) => {
                    "say which: `--retry` if it is gone from the database, `--applied` if it is still there"
                }
            },
        ));
    }
    if let Some(now) = Identity::of(set, history).moved(key) {
        let file = file_name(&now.up.source.name);
        return Err(not_repairable(
            key,
            format!(
                "this database ran {key} as `{}`, and its text is now {file}",
                row.name
            ),
            &format!("`repair` moves the record of {key} to {}", now.key),
        ));
    }
    Ok(match set.get(key) {
        None => vec![Record::Delete(key.clone())],
        Some(migration) => {
            let identity = Identity::of(set, history);
            if let Some(problem) = downs::of_another(migration, set, history, &identity) {
                return Err(vec![problem]);
            }
            // Without a down file the recorded down text stays: dropping it would leave nothing that undoes the migration.
            let stays = migration.down.is_none();
            let wanted = match stays {
                true => Entry {
                    down: row.down.clone().map(Into::into),
                    ..entry(migration)
                },
                false => entry(migration),
            };
            let down_recorded = downs::recorded_checksum(row);
            let down_same = match &migration.down {
                Some(down) => down_recorded == Some(down.checksum.as_str()),
                None => true,
            };
            let same = wanted.checksum == row.checksum && wanted.name == row.name && down_same;
            if same {
                Vec::new()
            } else {
                vec![Record::Amend(wanted)]
            }
        }
    })
}

fn settle(history: &History, key: &Key, record: Record) -> Result<Vec<Record>, Vec<Diagnostic>> {
    match history.row(key) {
        Some(row) if row.state == State::Started => Ok(vec![record]),
        found => Err(not_repairable(
            key,
            match found {
                Some(_) => format!("{key} has finished, so there is nothing to settle"),
                None => format!("{key} was never started"),
            },
            "`status` shows how each migration stands",
        )),
    }
}

fn not_repairable(key: &Key, why: String, help: &str) -> Vec<Diagnostic> {
    vec![
        Diagnostic::problem("not-repairable", why)
            .about(key)
            .help(help),
    ]
}
