//! Making records say what is so. A repair never touches anything but `_migrations`.

use super::plan::{edit, edited_keys, entry};
use super::problem::{Edit, no_such_version};
use super::set::Migrations;
use super::{ApplyError, Outcome};
use crate::db::Db;
use crate::diagnostic::Diagnostic;
use crate::drive::{Decision, OnEvent, Reader, drive};
use crate::history::{History, State};
use crate::script::{Atomicity, ForeignKeys, Key, Record, Run, Script, Unit};

/// What to repair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repair {
    /// What changes no meaning: edited comments, renamed files, changed down files, repeatables whose file is gone.
    Harmless,
    /// This version or repeatable: its record becomes what its file says, or goes where there is no file.
    Record(Key),
    /// An unfinished `no-transaction` migration: all of it is in the database.
    Applied(Key),
    /// An unfinished `no-transaction` migration: it is to run again.
    Retry(Key),
}

/// Repairs records.
///
/// # Errors
/// [`ApplyError`]; a problem `not-repairable` where the repair does not fit the state that the version is in.
pub async fn repair(
    db: &Db,
    set: &Migrations,
    what: &Repair,
    run: &Run,
    on_event: &OnEvent,
) -> Result<Outcome, ApplyError> {
    drive(db, run, on_event, Repairing { set, what }).await
}

struct Repairing<'a> {
    set: &'a Migrations,
    what: &'a Repair,
}

impl Reader for Repairing<'_> {
    fn texts(&self, history: &History) -> Vec<Key> {
        edited_keys(self.set, history)
    }

    fn decide(&mut self, history: &History) -> Decision {
        match repair_records(self.set, history, self.what) {
            Ok(records) => Decision {
                problems: self.set.problems.clone(),
                scripts: script(records, history),
                ..Decision::default()
            },
            Err(problems) => Decision {
                problems,
                ..Decision::default()
            },
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
                steps: Vec::new(),
            })
            .collect(),
    }]
}

/// The changes to `_migrations` that a repair comes to. Pure.
fn repair_records(
    set: &Migrations,
    history: &History,
    what: &Repair,
) -> Result<Vec<Record>, Vec<Diagnostic>> {
    match what {
        Repair::Harmless => Ok(harmless(set, history)),
        Repair::Record(key) => record(set, history, key),
        Repair::Applied(key) => settle(history, key, Record::Settle(key.clone())),
        Repair::Retry(key) => settle(history, key, Record::Delete(key.clone())),
    }
}

fn harmless(set: &Migrations, history: &History) -> Vec<Record> {
    let recorded = history.by_key();
    let edited = set.versioned.iter().filter(|migration| {
        let row = recorded.get(&migration.key);
        let edit = row.and_then(|row| edit(migration, row));
        edit.is_some_and(|edit| edit != Edit::Meaning)
    });
    let gone = history
        .rows
        .iter()
        .filter(|row| matches!(row.key, Key::Repeatable(_)) && set.get(&row.key).is_none());
    edited
        .map(|migration| Record::Amend(entry(migration)))
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
            format!("{key} was started and has not finished"),
            "say which: `--applied` if all of it is in the database, `--retry` if it is to run again",
        ));
    }
    Ok(match set.get(key) {
        None => vec![Record::Delete(key.clone())],
        Some(migration) => {
            let wanted = entry(migration);
            let down_recorded = row
                .detail
                .get(crate::history::DOWN_CHECKSUM)
                .and_then(serde_json::Value::as_str);
            let down_same = match &migration.down {
                Some(down) => down_recorded == Some(down.checksum.as_str()),
                None => down_recorded.is_none(),
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
