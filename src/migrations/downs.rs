//! Which migration a down file belongs to: its number puts it beside one, and its words or its text may be those of
//! another. `undo` runs what is recorded, so the down file of another migration must not be recorded. Pure.

use super::identity::Identity;
use super::numbering::parsed;
use super::plan::entry;
use super::problem::file_name;
use super::set::{Migration, Migrations, Text};
use crate::diagnostic::Diagnostic;
use crate::history::{DOWN_CHECKSUM, History, Row};
use crate::script::{Entry, Key};

use super::file::FileName;

/// The code of a down file whose words are not those of its migration.
pub(super) const OTHER_WORDS: &str = "down-words";

/// The words in the name of a down file.
fn words(down: &Text) -> Option<String> {
    match parsed(&down.source.name) {
        Some(FileName::Down { words, .. }) => Some(words),
        _ => None,
    }
}

/// Whether a down file has these words.
pub(super) fn has_words(down: &Text, of_up: &str) -> bool {
    words(down).is_none_or(|words| words.eq_ignore_ascii_case(of_up))
}

/// A down file that has other words than the only migration of its number. `all` are the migrations of the set.
pub(super) fn other_words(file: &Migration, all: &[Migration]) -> Option<Diagnostic> {
    let down = file.down.as_ref()?;
    if has_words(down, &file.words) {
        return None;
    }
    let owner = all.iter().find(|other| has_words(down, &other.words));
    let owner = owner.map(|other| (other.key.clone(), other.words.clone()));
    Some(about(file, down, owner).warning())
}

fn about(file: &Migration, down: &Text, owner: Option<(Key, String)>) -> Diagnostic {
    let (up, name) = (
        file_name(&file.up.source.name),
        file_name(&down.source.name),
    );
    let own = format!("{}__{}.down.sql", file.key, file.words);
    let message = match &owner {
        Some((key, words)) => {
            format!(
                "{name} is the down file of {up} by its number, and has the words of {key}__{words}"
            )
        }
        None => format!("{name} is the down file of {up} by its number, and has other words"),
    };
    let problem = Diagnostic::problem(OTHER_WORDS, message)
        .about(&file.key)
        .in_file(&down.source.name);
    let problem = match &owner {
        Some((key, words)) if *key != file.key => problem.help(format!(
            "if it undoes {key}__{words}: rename it to {key}__{words}.down.sql, or remove it where that file is there"
        )),
        Some((key, words)) => problem.help(format!(
            "if it undoes {key}__{words}, which this database has recorded: remove it, since the recorded down text stays"
        )),
        None => problem,
    };
    problem.help(format!("if it undoes {up}: rename it to {own}"))
}

/// The checksum of the recorded down text. A correction that records none leaves the checksum of the one before.
pub(super) fn recorded_checksum(row: &Row) -> Option<&str> {
    let checksum = row.detail.get(DOWN_CHECKSUM)?.as_str();
    checksum.filter(|_| row.has_down)
}

/// That the down file beside `file` belongs to another migration: one of the files, or one that is recorded.
pub(super) fn of_another(
    file: &Migration,
    set: &Migrations,
    history: &History,
    identity: &Identity<'_>,
) -> Option<Diagnostic> {
    let down = file.down.as_ref()?;
    let own = identity.record_of(file, history);
    if own.is_some_and(|own| recorded_checksum(own) == Some(&down.checksum)) {
        return None;
    }
    let others = || {
        let versions = history.versions().into_iter().map(|(_, row)| row);
        versions.filter(|row| own.is_none_or(|own| own.key != row.key))
    };
    if !has_words(down, &file.words) {
        let other = set.versioned.iter().find(|it| has_words(down, &it.words));
        let in_files = other.map(|other| (other.key.clone(), other.words.clone()));
        let recorded = || {
            let row = others().find(|row| has_words(down, &row.name))?;
            Some((row.key.clone(), row.name.clone()))
        };
        return Some(about(file, down, Some(in_files.or_else(recorded)?)));
    }
    // The texts were exchanged, and the names stayed: that of another record, whose file has it no more.
    own?;
    let row = others().find(|row| {
        let now = identity.moved(&row.key).or_else(|| set.get(&row.key));
        let still = now.and_then(|now| now.down.as_ref());
        recorded_checksum(row) == Some(&down.checksum)
            && still.is_none_or(|still| still.checksum != down.checksum)
    })?;
    let message = format!(
        "{} holds the down text that is recorded with {}__{}",
        file_name(&down.source.name),
        row.key,
        row.name
    );
    Some(
        Diagnostic::problem("down-of-another", message)
            .about(&file.key)
            .in_file(&down.source.name)
            .help(format!(
                "put the statements that undo {} into it; until then `undo` runs the down text that is recorded with it",
                file_name(&file.up.source.name)
            )),
    )
}

/// Whether the down file differs from the recorded down text. One that is gone does not: what is recorded still undoes.
pub(super) fn differs(file: &Migration, row: &Row) -> bool {
    let down = file.down.as_ref();
    down.is_some_and(|down| recorded_checksum(row) != Some(&down.checksum))
}

/// What is recorded of a file whose record has another down text, which stays.
pub(super) fn entry_without_down(file: &Migration) -> Entry {
    let mut entry = entry(file);
    entry.down = None;
    entry.detail.remove(DOWN_CHECKSUM);
    entry
}
