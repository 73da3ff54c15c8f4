//! Which file holds a recorded migration: another branch may have given its number to another migration. Pure.
//!
//! A migration is the same where its text has the same checksum or the same meaning. A name alone proves nothing, and
//! neither does a number.

use std::collections::{BTreeMap, BTreeSet};

use super::clash::{Knowledge, keep_the_known};
use super::file::meaning;
use super::made::made;
use super::ran;
use super::set::{Migration, Migrations};
use crate::diagnostic::Diagnostic;
use crate::history::{History, Row, State};
use crate::script::Key;
use crate::sql::{Kind, has_name, kind, split};

/// The recorded migrations whose files have other numbers or names now.
#[derive(Debug, Default)]
pub(super) struct Identity<'a> {
    /// By the key of the record, the file that holds its text.
    moved: BTreeMap<&'a Key, &'a Migration>,
    /// The keys of those files.
    taken: BTreeSet<&'a Key>,
    /// The keys of the records that cannot be moved yet, and the record that is in the way.
    blocked: BTreeMap<&'a Key, &'a Key>,
}

impl<'a> Identity<'a> {
    /// Finds the recorded migrations among the files. The history should have the texts of [`edited_keys`]: without
    /// them, only equal checksums are found.
    pub(super) fn of(set: &'a Migrations, history: &'a History) -> Identity<'a> {
        let mut identity = Identity::default();
        let rows: Vec<&Row> = unsettled(set, history).collect();
        if rows.is_empty() {
            return identity;
        }
        let held = settled(set, history);
        let mut free: Vec<Candidate<'_>> = set
            .iter()
            .filter(|file| !held.contains(&file.key))
            .map(Candidate::new)
            .collect();
        for row in rows {
            let recorded = ran::text(row).map(|text| meaning(&text));
            // An equal text comes before an equal meaning, and the same words before other ones.
            let best = free
                .iter()
                .enumerate()
                .filter(|(_, candidate)| candidate.is_text_of(row, recorded.as_deref()))
                .min_by_key(|(_, Candidate { file, .. })| {
                    (file.up.checksum != row.checksum, file.words != row.name)
                });
            if let Some((number, _)) = best {
                let file = free.remove(number).file;
                identity.moved.insert(&row.key, file);
                identity.taken.insert(&file.key);
            }
        }
        identity.blocked = identity.blocked_by(history);
        identity
    }

    /// A record that stays has a key that another one is to get; a record that cannot be moved stays too.
    fn blocked_by(&self, history: &'a History) -> BTreeMap<&'a Key, &'a Key> {
        let mut blocked = BTreeMap::new();
        let mut stay: Vec<&Key> = history
            .rows
            .iter()
            .map(|row| &row.key)
            .filter(|key| !self.moved.contains_key(key))
            .collect();
        while let Some(key) = stay.pop() {
            let to_this = self.moved.iter().find(|(_, file)| file.key == *key);
            if let Some((from, _)) = to_this {
                blocked.insert(*from, key);
                stay.push(from);
            }
        }
        blocked
    }

    /// The file that holds the text of the record with this key, where that is another than the file of this key.
    pub(super) fn moved(&self, key: &Key) -> Option<&'a Migration> {
        self.moved.get(key).copied()
    }

    /// The record of a migration: the one that has its text, or else the one that has its number and its words.
    pub(super) fn record_of(&self, file: &Migration, history: &'a History) -> Option<&'a Row> {
        let from = self.moved.iter().find(|(_, now)| now.key == file.key);
        if let Some((from, _)) = from {
            return history.row(from);
        }
        let row = history.row(&file.key);
        row.filter(|row| {
            self.moved(&row.key).is_none() && (has_text_of(file, row) || file.words == row.name)
        })
    }

    /// Whether this file holds the text of a record with another key.
    pub(super) fn is_taken(&self, key: &Key) -> bool {
        self.taken.contains(key)
    }

    /// The record that has to get another key, or go, before this one can be moved.
    pub(super) fn in_the_way(&self, key: &Key) -> Option<&'a Key> {
        self.blocked.get(key).copied()
    }

    /// The records and their files, by the keys of the records.
    pub(super) fn all(&self) -> impl Iterator<Item = (&'a Key, &'a Migration)> {
        self.moved.iter().map(|(key, file)| (*key, *file))
    }
}

/// Whether a file has the text of a record, or one of the same meaning.
pub(super) fn has_text_of(file: &Migration, row: &Row) -> bool {
    let same_meaning = || {
        let recorded = ran::text(row);
        recorded.is_some_and(|recorded| meaning(&recorded) == meaning(&file.up.source.text))
    };
    file.up.checksum == row.checksum || same_meaning()
}

/// The file that has the text of a record, among those that claim its key. Several may, and then it is none of the set.
pub(super) fn own_file<'a>(set: &'a Migrations, row: &Row) -> Option<&'a Migration> {
    let claims = set.get(&row.key).into_iter().chain(set.claims(&row.key));
    let mut claims = claims.filter(|file| has_text_of(file, row));
    claims.next()
}

/// What is wrong with the files of a set, for this database: of several files with one version, the one that is published
/// keeps it, or else the one that it has applied.
pub(super) fn file_problems(set: &Migrations, history: &History) -> Vec<Diagnostic> {
    let mut problems = set.problems.clone();
    let knowledge = Knowledge {
        published: set.published.as_ref(),
        history: Some(history),
    };
    keep_the_known(&mut problems, set, &knowledge);
    problems
}

/// The recorded migrations that no file of their key has the checksum of: their recorded texts show how they differ, and
/// which file holds them now. They are to be read before planning.
pub fn edited_keys(set: &Migrations, history: &History) -> Vec<Key> {
    let recorded = history.by_key();
    let has_checksum_of = |file: &Migration, row: &Row| file.up.checksum == row.checksum;
    // Without a file that is new or edited, no file can hold the text of a record that has no file.
    let may_be_moved = set.iter().any(|file| {
        let row = recorded.get(&file.key);
        row.is_none_or(|row| !has_checksum_of(file, row))
    });
    let keys = history.rows.iter().filter(|row| match &row.key {
        Key::Migration(_) => match set.get(&row.key) {
            Some(file) => !has_checksum_of(file, row),
            None => may_be_moved || set.claims(&row.key).next().is_some(),
        },
        // What it makes follows from its text, and only its recorded text tells whether it has made a trigger that no file
        // makes any more.
        Key::Repeatable(_) => match set.get(&row.key) {
            Some(file) => !has_checksum_of(file, row) && has_other_triggers(file, history),
            None => true,
        },
        _ => false,
    });
    keys.map(|row| row.key.clone()).collect()
}

/// Whether what a file makes has triggers that its text does not name.
fn has_other_triggers(file: &Migration, history: &History) -> bool {
    let text = &file.up.source.text;
    made(text).iter().any(|object| {
        let mut triggers = history.known.triggers_on(&object.name);
        triggers.any(|(name, _)| !has_name(text, name))
    })
}

/// The applied rows that no file of the same key has the text of. A repeatable belongs to them only where it has no file:
/// its text may change.
pub(super) fn unsettled<'a>(
    set: &'a Migrations,
    history: &'a History,
) -> impl Iterator<Item = &'a Row> {
    applied(history).filter(|row| match &row.key {
        Key::Repeatable(_) => set.get(&row.key).is_none(),
        _ => own_file(set, row).is_none(),
    })
}

/// The keys whose files need no other record.
fn settled<'a>(set: &'a Migrations, history: &'a History) -> BTreeSet<&'a Key> {
    let settled = history.rows.iter().filter(|row| match &row.key {
        Key::Repeatable(_) => true,
        _ => row.state == State::Started || own_file(set, row).is_some(),
    });
    settled.map(|row| &row.key).collect()
}

/// The rows of migrations and repeatables that are in the database.
pub(super) fn applied(history: &History) -> impl Iterator<Item = &Row> {
    let rows = history.rows.iter();
    rows.filter(|row| row.state == State::Applied && row.key.is_migration())
}

/// A file that may hold the text of a record with another key.
struct Candidate<'a> {
    file: &'a Migration,
    meaning: String,
    changes_something: bool,
}

impl<'a> Candidate<'a> {
    fn new(file: &'a Migration) -> Candidate<'a> {
        let text = &file.up.source.text;
        Candidate {
            file,
            meaning: meaning(text),
            changes_something: changes_something(text),
        }
    }

    /// A text that changes nothing, such as `SELECT 1;`, may be in many files, so it has to have the same words too.
    fn is_text_of(&self, row: &Row, recorded: Option<&str>) -> bool {
        let Candidate { file, .. } = self;
        std::mem::discriminant(&file.key) == std::mem::discriminant(&row.key)
            && (file.up.checksum == row.checksum || recorded == Some(&self.meaning))
            && (self.changes_something || file.words == row.name)
    }
}

/// Whether a text does more than look, and more than may be done any number of times.
pub(super) fn changes_something(text: &str) -> bool {
    let statements = split(text).unwrap_or_default();
    statements.iter().any(|statement| {
        !matches!(
            kind(statement.text(text)),
            Kind::Select
                | Kind::Explain
                | Kind::Analyze
                | Kind::Reindex
                | Kind::Vacuum
                | Kind::Pragma(_)
        )
    })
}
