//! A database that ran other migrations than the files say: one diagnostic for each, with the steps that lead out. Pure.

use super::baseline::is_adopted;
use super::file::Order;
use super::identity::{Identity, changes_something, has_text_of};
use super::plan::OutOfOrder;
use super::problem::{EDITED, argument, diff, file_name};
use super::set::{Migration, Migrations};
use crate::db::Engine;
use crate::diagnostic::Diagnostic;
use crate::history::{History, Row, State, moment};
use crate::script::Key;

/// The code of a recorded migration whose file has another number now.
pub(super) const RENUMBERED: &str = "renumbered";

/// The code of a recorded migration whose number another one has, and whose text is in no file.
pub(super) const OTHER_MIGRATION: &str = "other-migration";

/// The code of a database that ran the migrations of another project.
pub(super) const OTHER_PROJECT: &str = "other-project";

/// So many recorded migrations that no file knows, for each one that a file knows, are those of another project.
const FOREIGN_FOR_EACH_KNOWN: usize = 4;

/// Whether the database is the one of another project: hardly any of its recorded migrations is among the files.
pub(super) fn other_project(
    set: &Migrations,
    history: &History,
    identity: &Identity<'_>,
) -> Option<Diagnostic> {
    let recorded: Vec<&Row> = history
        .versions()
        .into_iter()
        .map(|(_, row)| row)
        .filter(|row| row.state == State::Applied)
        .collect();
    let is_known = |row: &&&Row| {
        let mut own = set.get(&row.key).into_iter().chain(set.claims(&row.key));
        identity.moved(&row.key).is_some()
            || own.any(|file| {
                file.words == row.name
                    || has_text_of(file, row) && changes_something(&file.up.source.text)
            })
    };
    let known = recorded.iter().filter(is_known).count();
    let foreign = recorded.len() - known;
    let is_other = foreign >= 2 && foreign >= FOREIGN_FOR_EACH_KNOWN * known;
    if set.versioned.is_empty() || !is_other {
        return None;
    }
    let some = |names: Vec<String>| match names.len() {
        0..=3 => names.join(", "),
        _ => format!("{}, …", names[..3].join(", ")),
    };
    let ran = recorded.iter().map(|row| named(row)).collect();
    let files = set.versioned.iter().map(|file| {
        let name = file_name(&file.up.source.name);
        name.strip_suffix(".sql").unwrap_or(name).to_owned()
    });
    let which = match known {
        0 => format!("none of the {foreign} migrations that this database ran is"),
        _ => format!(
            "only {known} of the {} migrations that this database ran {}",
            recorded.len(),
            if known == 1 { "is" } else { "are" }
        ),
    };
    Some(
        Diagnostic::problem(
            OTHER_PROJECT,
            format!("{which} among these files: it is the database of another project or branch"),
        )
        .note(format!("the database ran {}", some(ran)))
        .note(format!("the files are {}", some(files.collect())))
        .help("check whether this is the database that you meant, or name another one with `--database`")
        .helps(reset(history)),
    )
}

/// Why an undo that names no version is refused: what it would undo is of another project. The history must have the texts
/// of [`edited_keys`](super::edited_keys).
pub fn undo_of_another_project(set: &Migrations, history: &History) -> Option<Diagnostic> {
    let problem = other_project(set, history, &Identity::of(set, history))?;
    Some(problem.help("`undo --steps 1` undoes its newest migration nevertheless"))
}

/// A recorded migration whose text is in a file of another number or name.
pub(super) fn renumbered(
    row: &Row,
    now: &Migration,
    set: &Migrations,
    history: &History,
    identity: &Identity<'_>,
    out_of_order: OutOfOrder,
) -> Diagnostic {
    let (key, file) = (&row.key, &now.up.source.name);
    let in_its_place = set.get(key);
    let message = match in_its_place {
        Some(_) => format!(
            "this database ran another {key}, `{}`; its text is now {}",
            row.name,
            file_name(file)
        ),
        None => format!(
            "{} was renamed after it was applied on {}; its text is now {}",
            named(row),
            moment(&row.applied_at),
            file_name(file)
        ),
    };
    let problem = Diagnostic::problem(RENUMBERED, message)
        .about(key)
        .in_file(file);
    if let Some(other) = identity.in_the_way(key) {
        return problem.help(format!(
            "the record of {other} is in the way: resolve that first; then `repair` moves the record of {key} to {}",
            now.key
        ));
    }
    let mut repair = format!("`repair` moves the record of {key} to {}", now.key);
    // The file that has the number now becomes pending, unless it is the text of another record.
    if let Some(other) = in_its_place
        && !identity.is_taken(&other.key)
    {
        let name = file_name(&other.up.source.name);
        let newest = newest_after_repair(history, identity);
        let is_late = other.version() < newest && other.order == Order::Strict;
        match newest.filter(|_| is_late && out_of_order == OutOfOrder::Refuse) {
            Some(newest) => repair.push_str(&format!(
                "; then `migrate --allow-out-of-order` applies {name} below V{newest}, or, if no other database applied \
                 {name}, `renumber {name}` gives it the next free version for `migrate`"
            )),
            None => repair.push_str(&format!("; then `migrate` applies {name}")),
        }
    }
    problem.help(repair)
}

/// The highest version once the records are moved.
fn newest_after_repair(history: &History, identity: &Identity<'_>) -> Option<i64> {
    let versions = history.versions().into_iter();
    let after = versions.map(|(version, row)| match identity.moved(&row.key) {
        Some(file) => file.version().unwrap_or(version),
        None => version,
    });
    after.max()
}

/// A recorded migration whose number belongs to a file of another name and text, and whose own text is in no file.
pub(super) fn other_migration(row: &Row, file: &Migration, history: &History) -> Diagnostic {
    let key = &row.key;
    let path = &file.up.source.name;
    let name = file_name(path);
    let folder = path.strip_suffix(name).unwrap_or_default();
    let old = format!("{}.sql", named(row));
    let message = format!(
        "this database ran another {key}, `{}`, on {}, and its text is in no file",
        row.name,
        moment(&row.applied_at)
    );
    let recorded = row.source.as_deref();
    Diagnostic {
        diff: recorded.map(|recorded| {
            diff(
                format!("{} as applied", named(row)),
                recorded,
                &file.up.whole(),
            )
        }),
        ..Diagnostic::problem(OTHER_MIGRATION, message)
    }
    .about(key)
    .in_file(path)
    .help(format!(
        "if no database applied {name}: `renumber {name}` gives it the next free version, then `status --source {} > \
         {folder}{old}` brings the other file back as it was applied",
        argument(key)
    ))
    .helps(undo(row, history, name))
    .helps(reset(history))
    .help(format!(
        "if {name} is the same migration, renamed and edited: `repair {}` compares the schema and records the file",
        argument(key)
    ))
}

/// How to undo a recorded migration, where it and all above it have a down text.
fn undo(row: &Row, history: &History, name: &str) -> Option<String> {
    let Key::Migration(version) = row.key else {
        return None;
    };
    let versions = history.versions();
    let (below, from): (Vec<_>, Vec<_>) = versions
        .into_iter()
        .partition(|(recorded, _)| *recorded < version);
    let can_go = |row: &Row| row.has_down && row.state == State::Applied && !is_adopted(row);
    if !from.iter().all(|(_, row)| can_go(row)) {
        return None;
    }
    let (command, what) = match (from.len(), below.last()) {
        (1, _) => ("undo".to_owned(), named(row)),
        (_, Some((last, _))) => (
            format!("undo --to {last}"),
            format!("{} and all above it", named(row)),
        ),
        (_, None) => ("undo --to 0".to_owned(), "all of them".to_owned()),
    };
    Some(format!(
        "`{command}` undoes {what} by the recorded down text; then `migrate` applies {name}"
    ))
}

/// How a local database becomes one of these files.
fn reset(history: &History) -> Option<&'static str> {
    (history.engine == Engine::Local).then_some(
        "if its rows need not be kept: `reset` replaces this local database by a new one that these files make",
    )
}

/// `V2__rob`.
fn named(row: &Row) -> String {
    match &row.key {
        Key::Repeatable(_) => row.key.to_string(),
        key => format!("{key}__{}", row.name),
    }
}

/// The codes of problems that are about records, and stay until the records or the files change.
pub(super) fn is_about_records(problem: &Diagnostic) -> bool {
    let codes = [
        EDITED,
        "missing",
        "started",
        RENUMBERED,
        OTHER_MIGRATION,
        OTHER_PROJECT,
    ];
    problem.is_error() && codes.contains(&problem.code)
}
