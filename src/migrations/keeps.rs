//! Which files keep their versions: those that a database has applied, or that are in the base. With another version they
//! would be pending there, and run again. Pure.

use super::against::Base;
use super::baseline::is_adopted;
use super::identity::has_text_of;
use super::problem::{file_name, renumber};
use super::set::{Migration, Migrations};
use crate::diagnostic::Diagnostic;
use crate::history::History;

/// What is known of versions besides the files.
#[derive(Debug, Default)]
pub struct Known {
    /// The history of a database, with the recorded texts.
    pub history: Option<History>,
    /// The migrations that a branch is to be merged into.
    pub base: Option<Base>,
}

impl Known {
    /// Why the migration in this file keeps its version, if it does.
    pub fn keeps(&self, set: &Migrations, file: &str) -> Vec<Diagnostic> {
        let of = |migration: &&Migration| migration.up.source.name == file;
        let mut all = set.iter().chain(set.contested.values().flatten());
        let Some(migration) = all.find(of) else {
            return Vec::new();
        };
        let others: Vec<&str> = set
            .claims(&migration.key)
            .map(|other| other.up.source.name.as_str())
            .collect();
        let instead = others
            .iter()
            .filter(|other| **other != file)
            .map(|other| format!("renumber the other file: {}", renumber(other, &others)))
            .collect::<Vec<String>>();
        let problems = [
            self.applied(migration, &instead),
            self.in_base(migration, &instead),
        ];
        problems.into_iter().flatten().collect()
    }

    fn applied(&self, migration: &Migration, instead: &[String]) -> Option<Diagnostic> {
        let history = self.history.as_ref()?;
        let key = &migration.key;
        let row = history.row(key)?;
        if !has_text_of(migration, row) && migration.words != row.name {
            return None;
        }
        let name = file_name(&migration.up.source.name);
        let message = format!(
            "{name} is applied in this database as {key}: under a new version it would be pending, and run again"
        );
        let is_newest = history.version() == migration.version();
        let can_go = is_newest && row.has_down && !is_adopted(row);
        let or = if instead.is_empty() && !can_go {
            ""
        } else {
            "or "
        };
        Some(
            Diagnostic::problem("applied", message)
                .about(key)
                .in_file(&migration.up.source.name)
                .helps(instead.iter().cloned())
                .helps(can_go.then_some("`undo` it first, then renumber it"))
                .help(format!(
                    "{or}`renumber {name} --allow-applied`, then `repair` moves the record of this database to the new \
                     version; every other database that has applied it needs the same `repair`"
                )),
        )
    }

    fn in_base(&self, migration: &Migration, instead: &[String]) -> Option<Diagnostic> {
        let base = self.base.as_ref()?;
        let name = file_name(&migration.up.source.name);
        let message = format!(
            "{name} is in {}, so other databases may have applied it: under a new version it would run again",
            base.name
        );
        base.has(migration).then(|| {
            Diagnostic::problem("in-base", message)
                .about(&migration.key)
                .in_file(&migration.up.source.name)
                .helps(instead.iter().cloned())
                .help(format!(
                    "if no database has applied it: `renumber {name} --allow-applied`"
                ))
        })
    }
}
