//! What is in a database that no recorded migration put there: the history of another tool, and tables. Pure.

use super::adopt::{undone_here, went_on};
use super::problem::other_history;
use super::reading::Reading;
use super::set::Migrations;
use crate::diagnostic::Diagnostic;
use crate::history::{History, OtherHistory};
use crate::script::Step;
use crate::sql::{Kind, Object, What, kind, renamed_table};

/// The histories of other tools, where files would run again what those tools ran already.
pub(super) fn other_histories(set: &Migrations, history: &History) -> Vec<Diagnostic> {
    if set.iter().next().is_none() {
        return Vec::new();
    }
    if history.has_migrations() {
        return went_on(set, history);
    }
    // What was taken over and then undone is this history's own.
    let others = history.others.iter();
    others
        .filter(|other| !undone_here(set, history, other))
        .map(|other| other_history(other, same_version(set, other), &history.table))
        .collect()
}

/// The newest version of another tool, where the files have the same: that version is among them, and it has applied all
/// below.
fn same_version(set: &Migrations, other: &OtherHistory) -> Option<i64> {
    let newest = *other.versions.last()?;
    let below = set
        .versioned
        .iter()
        .filter_map(|migration| migration.version())
        .take_while(|version| *version <= newest);
    let last = below.clone().last()?;
    let mut below = below;
    (last == newest && below.all(|version| other.has(version))).then_some(newest)
}

/// The first statement that creates a table or a view which is there already: it fails, or with `IF NOT EXISTS` changes
/// nothing.
pub(super) fn already_there<'a>(
    history: &History,
    pending: impl IntoIterator<Item = &'a Reading>,
) -> Option<Diagnostic> {
    if history.tables.is_empty() {
        return None;
    }
    let mut there = history.tables.clone();
    let mut steps = pending.into_iter().flat_map(|reading| &reading.steps);
    steps.find_map(|step: &Step| match kind(&step.sql) {
        Kind::Drop(object) if is_table(&object) => {
            there.remove(&object.name.to_ascii_lowercase());
            None
        }
        Kind::Alter => {
            let (from, to) = renamed_table(&step.sql)?;
            if there.remove(&from.to_ascii_lowercase()) {
                there.insert(to.to_ascii_lowercase());
            }
            None
        }
        Kind::Create(object)
            // What another tool ran is reported by its history.
            if (object.if_exists || history.others.is_empty())
                && is_table(&object)
                && there.contains(&object.name.to_ascii_lowercase()) =>
        {
            let message = format!(
                "no migration is recorded, and the database has {} already: this statement {}",
                object.name,
                match object.if_exists {
                    true => "does not change it",
                    false => "fails",
                }
            );
            Some(
                Diagnostic::problem("already-there", message)
                    .warning()
                    .at(step.origin()?)
                    .help(
                        "if this database has the schema of some migrations already, `baseline V` records those up to V \
                         without running them",
                    )
                    .help(super::adopt::OTHER_TABLE),
            )
        }
        _ => None,
    })
}

fn is_table(object: &Object) -> bool {
    let kind = matches!(object.what, What::Table | What::View | What::VirtualTable);
    let of_main = object
        .schema
        .as_ref()
        .is_none_or(|schema| schema.eq_ignore_ascii_case("main"));
    kind && of_main && !object.temporary
}
