//! The record of a finished import, as a decision for the loop that changes databases.

use std::sync::Arc;

use super::Why;
use super::checkpoint;
use super::tally::Tally;
use crate::db::{EngineError, Failure, Rows};
use crate::drive::{ApplyError, Decision, Reader};
use crate::dump::Mark;
use crate::hex;
use crate::history::{History, HistoryError, Part};
use crate::script::{Atomicity, Entry, ForeignKeys, Key, Record, Revision, Script, Step, Unit};

/// Whose the records are that tell what a database is: `meta` rows that do not follow from its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Identity {
    /// They stay as the dump has them.
    OfTheDump,
    /// The database is another one than that of the dump: it gets its own.
    Own,
}

/// The units that give a copy an identity of its own. This is the one place that decides what of the records of one
/// database is not true of another.
fn own_identity(history: &History) -> Vec<Unit> {
    let environment = history.environment.as_ref().map(|_| Unit {
        record: Record::Delete(Key::Environment),
        steps: Arc::default(),
    });
    environment.into_iter().collect()
}

/// Records an import whose rows are in the database.
pub(super) struct Recording<'a> {
    pub(super) name: &'a str,
    pub(super) end: Mark,
    pub(super) tally: &'a Tally,
    /// Whether there is a checkpoint to take away.
    pub(super) has_checkpoint: bool,
    /// Whether the checkpoint was no longer where this import left it. Nothing was recorded then.
    pub(super) is_overtaken: bool,
    pub(super) identity: Identity,
    /// The environment that the dump was marked as, where that mark was removed.
    pub(super) unmarked: Option<String>,
}

impl Reader for &mut Recording<'_> {
    fn texts(&self, _: &History) -> Vec<Key> {
        Vec::new()
    }

    fn finishes_import(&self) -> bool {
        self.has_checkpoint
    }

    fn decide(&mut self, history: &History) -> Decision {
        let line = history.unfinished.as_ref().map(|it| it.line);
        self.is_overtaken = self.has_checkpoint && line != Some(self.end.line);
        if self.is_overtaken {
            return Decision::default();
        }
        let steps = match self.has_checkpoint {
            true => checkpoint::finish(self.end.offset),
            false => Vec::new(),
        };
        let mut script = script(
            history.revision,
            self.name,
            &self.end,
            self.tally,
            ForeignKeys::On,
            steps,
        );
        if self.identity == Identity::Own {
            script.units.extend(own_identity(history));
            self.unmarked.clone_from(&history.environment);
        }
        Decision {
            scripts: vec![script],
            ..Decision::default()
        }
    }
}

/// A script that records a finished import, after these steps.
pub(super) fn script(
    expects: Revision,
    name: &str,
    end: &Mark,
    tally: &Tally,
    foreign_keys: ForeignKeys,
    steps: Vec<Step>,
) -> Script {
    let checksum = hex::encode(&end.sha256);
    let detail = [
        ("bytes", end.offset),
        ("rows", tally.rows()),
        ("tables", tally.tables.len() as u64),
    ];
    let detail = detail.map(|(key, value)| (key.to_owned(), value.into()));
    Script {
        expects,
        foreign_keys,
        atomicity: Atomicity::Transaction,
        units: vec![Unit {
            record: Record::Insert(Entry {
                key: Key::Import(checksum.clone()),
                name: name.to_owned(),
                checksum,
                effective: None,
                source: "".into(),
                down: None,
                detail: detail.into_iter().collect(),
            }),
            steps: Arc::new(steps),
        }],
    }
}

impl Why {
    /// Why the loop did not change the database; `failed` makes the reason of a statement that failed.
    pub(super) fn applying(
        error: ApplyError,
        failed: impl FnOnce(&Part, EngineError, Rows) -> Why,
    ) -> Why {
        match error {
            // Another import has begun, or has changed what was decided on.
            ApplyError::History(HistoryError::Unfinished(_)) | ApplyError::Problems { .. } => {
                Why::Overtaken
            }
            ApplyError::History(error) => Why::History(error),
            ApplyError::Waited { what, waited, .. } => Why::Waited { what, waited },
            ApplyError::Unknown { lost, .. } => Why::Unknown(lost),
            ApplyError::Script(error) => match error.failed.failure {
                Failure::Open(error) => Why::Db(error),
                Failure::Lost(lost) => Why::Unknown(lost),
                Failure::Step {
                    error: refusal,
                    explanation,
                    ..
                } => failed(&error.failed.part, refusal, explanation),
            },
        }
    }
}
