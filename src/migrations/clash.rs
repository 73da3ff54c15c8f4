//! Several files with one version: which of them keeps it, and what becomes of the others. Other databases may have applied
//! what is published; what only this database has applied can be undone. Pure.

use std::collections::BTreeSet;

use super::against::Base;
use super::baseline::is_adopted;
use super::file::{Order, meaning};
use super::identity::has_text_of;
use super::problem::{DUPLICATE, UNDO_PREFIX, duplicate, file_name, renumber};
use super::set::{Migration, Migrations};
use crate::db::Engine;
use crate::diagnostic::Diagnostic;
use crate::history::{History, Row};
use crate::script::Key;

/// The files of a set that are in the commit which others work on: other databases may have applied them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Published {
    /// What the commit is called.
    pub(super) base: String,
    /// The files.
    pub(super) files: BTreeSet<String>,
}

impl Published {
    /// Those of `set` that are in `base`.
    pub(super) fn of(set: &Migrations, base: &Base) -> Published {
        let files = set.iter().chain(set.contested.values().flatten());
        // A copy under another name beside the file that the base has is new.
        let is_copy = |file: &Migration| {
            let mut claims = set.claims(&file.key);
            !base.has_name_of(file) && claims.any(|other| base.has_name_of(other))
        };
        let files = files.filter(|file| base.has(file) && !is_copy(file));
        Published {
            base: base.name.clone(),
            files: files.map(|file| file.up.source.name.clone()).collect(),
        }
    }

    /// Whether it is among them.
    pub(super) fn has(&self, file: &Migration) -> bool {
        self.files.contains(&file.up.source.name)
    }
}

/// What is known of files besides their texts.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Knowledge<'a> {
    /// What is published, where that is known.
    pub(super) published: Option<&'a Published>,
    /// The history of the database.
    pub(super) history: Option<&'a History>,
}

impl<'a> Knowledge<'a> {
    fn base_of(&self, file: &Migration) -> Option<&'a str> {
        let published = self.published.filter(|published| published.has(file))?;
        Some(&published.base)
    }

    /// The record of this file.
    fn row_of(&self, file: &Migration) -> Option<&'a Row> {
        let row = self.history?.row(&file.key)?;
        has_text_of(file, row).then_some(row)
    }

    /// The file that keeps its version, with what completes "keep V2__a.sql, which …".
    fn kept<'f>(&self, claims: &[&'f Migration]) -> Option<(&'f Migration, String)> {
        let mut files = claims.iter();
        let published =
            files.find_map(|file| Some((*file, format!("is in {}", self.base_of(file)?))));
        let applied = || {
            let mut files = claims.iter();
            files.find_map(|file| {
                let row = self.row_of(file)?;
                Some((*file, format!("this database has applied as {}", row.key)))
            })
        };
        published.or_else(applied)
    }

    /// What becomes of another file than the one that is kept.
    fn other(&self, file: &Migration, kept: &Migration, names: &[&str]) -> Vec<String> {
        let path = &file.up.source.name;
        let name = file_name(path);
        // Under another version a copy would run again.
        if meaning(&file.up.source.text) == meaning(&kept.up.source.text) {
            return vec![format!("remove {path}, which has the same statements")];
        }
        if let Some(base) = self.base_of(file) {
            return vec![format!(
                "{name} is in {base} too: if no database has applied it, {} gives it the next free version",
                renumber_applied(file)
            )];
        }
        if let (Some(row), Some(history)) = (self.row_of(file), self.history) {
            return vec![renumber_the_applied(file, row, history, names)];
        }
        let renumber = renumber(path, names);
        match (self.published, self.history) {
            (None, Some(history)) => {
                let row = history.row(&kept.key);
                let other = row.map(|row| {
                    format!(
                        "if another database has applied {name}, it keeps the version, and {} gets another: {}",
                        file_name(&kept.up.source.name),
                        another_version(kept, row, history, names)
                    )
                });
                let own = format!(
                    "if no other database has applied {name}, give it the next free version: {renumber}"
                );
                std::iter::once(own).chain(other).collect()
            }
            _ => vec![format!("give {name} the next free version: {renumber}")],
        }
    }
}

/// Of several files with one version, one is known: it keeps the version, and the others get another.
pub(super) fn keep_the_known(
    problems: &mut [Diagnostic],
    set: &Migrations,
    knowledge: &Knowledge<'_>,
) {
    for problem in problems.iter_mut().filter(|it| is_clash(it)) {
        let Some(key) = problem.subject.clone() else {
            continue;
        };
        let claims: Vec<&Migration> = set.claims(&key).collect();
        let Some((kept, why)) = knowledge.kept(&claims) else {
            continue;
        };
        let names: Vec<&str> = claims.iter().map(|it| &*it.up.source.name).collect();
        let others = claims
            .iter()
            .filter(|file| file.up.source.name != kept.up.source.name)
            .flat_map(|file| knowledge.other(file, kept, &names));
        let keep = format!("keep {}, which {why}", kept.up.source.name);
        let help = std::iter::once(keep).chain(others);
        problem.help = match problem.code {
            // Its own help comes last: the other file may be the one that undoes it.
            UNDO_PREFIX => {
                let mut own = std::mem::take(&mut problem.help);
                own.retain(|_| kept.order == Order::Strict);
                *problem = duplicate(&key.to_string(), &names).about(&key);
                help.chain(own).collect()
            }
            _ => help.collect(),
        };
    }
}

/// Whether several files claim one version.
pub(super) fn is_clash(problem: &Diagnostic) -> bool {
    [DUPLICATE, UNDO_PREFIX].contains(&problem.code)
}

/// How a file gets another version that this database has applied.
pub(super) fn renumber_the_applied(
    file: &Migration,
    row: &Row,
    history: &History,
    names: &[&str],
) -> String {
    format!(
        "{} is applied in this database: {}",
        file_name(&file.up.source.name),
        another_version(file, row, history, names)
    )
}

/// The commands for it. A local database is undone; another one may be everybody's, and its record is moved.
fn another_version(file: &Migration, row: &Row, history: &History, names: &[&str]) -> String {
    match history.engine == Engine::Local && can_be_undone(row, history) {
        true => format!(
            "run `undo` first, then {}",
            renumber(&file.up.source.name, names)
        ),
        false => format!(
            "{}, then `repair` moves its record to the new version",
            renumber_applied(file)
        ),
    }
}

/// Whether `undo` takes this migration first, and can.
pub(super) fn can_be_undone(row: &Row, history: &History) -> bool {
    let newest = history.version();
    let is_newest = matches!(row.key, Key::Migration(version) if Some(version) == newest);
    is_newest && row.has_down && !is_adopted(row)
}

/// The command that renumbers what is applied, in quotes.
pub(super) fn renumber_applied(file: &Migration) -> String {
    format!(
        "`renumber {} --allow-applied`",
        file_name(&file.up.source.name)
    )
}
