//! Which files keep their versions: those that a database has applied, or that are in the base. With another version they
//! would be pending there, and run again. Pure.

use super::against::Base;
use super::clash::{
    Knowledge, Published, can_be_undone, is_clash, keep_the_known, renumber_applied,
    renumber_the_applied,
};
use super::identity::has_text_of;
use super::problem::{file_name, renumber};
use super::set::{Migration, Migrations};
use crate::diagnostic::Diagnostic;
use crate::history::{History, Row};

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
        let others: Vec<&Migration> = set
            .claims(&migration.key)
            .filter(|other| other.up.source.name != file)
            .collect();
        let claims = set.claims(&migration.key);
        let claims: Vec<&str> = claims.map(|it| it.up.source.name.as_str()).collect();
        let mut instead = Vec::new();
        for other in &others {
            let name = other.up.source.name.as_str();
            match (self.is_in_base(other), self.row_of(other), &self.history) {
                (true, ..) => {}
                (false, Some(row), Some(history)) => {
                    instead.push(renumber_the_applied(other, row, history, &claims));
                }
                (false, ..) => {
                    instead.push(format!(
                        "renumber the other file: {}",
                        renumber(name, &claims)
                    ));
                }
            }
        }
        let problems = [
            self.applied(migration, &instead, &claims),
            self.in_base(migration, &instead),
        ];
        problems.into_iter().flatten().collect()
    }

    /// The record of a migration in this database.
    fn row_of(&self, migration: &Migration) -> Option<&Row> {
        let row = self.history.as_ref()?.row(&migration.key)?;
        (has_text_of(migration, row) || migration.words == row.name).then_some(row)
    }

    fn is_in_base(&self, migration: &Migration) -> bool {
        let base = self.base.as_ref();
        base.is_some_and(|base| base.has(migration))
    }

    /// What to do about these files of one version, none of which can simply be renumbered.
    pub fn instead_of(&self, set: &Migrations, files: &[String]) -> Vec<String> {
        let published = self.base.as_ref().map(|base| Published::of(set, base));
        let knowledge = Knowledge {
            published: published.as_ref(),
            history: self.history.as_ref(),
        };
        let mut clashes = set.problems.clone();
        clashes.retain(|it| {
            let mut claims = it.subject.iter().flat_map(|key| set.claims(key));
            is_clash(it) && claims.any(|claim| files.contains(&claim.up.source.name))
        });
        keep_the_known(&mut clashes, set, &knowledge);
        clashes.into_iter().flat_map(|it| it.help).collect()
    }

    fn applied(
        &self,
        migration: &Migration,
        instead: &[String],
        claims: &[&str],
    ) -> Option<Diagnostic> {
        let row = self.row_of(migration)?;
        let key = &migration.key;
        let file = &migration.up.source.name;
        let name = file_name(file);
        let message = format!(
            "{name} is applied in this database as {key}: under a new version it would be pending, and run again"
        );
        let history = self.history.as_ref();
        let can_go = history.is_some_and(|history| can_be_undone(row, history));
        let or = if instead.is_empty() && !can_go {
            ""
        } else {
            "or "
        };
        let undo = match claims.is_empty() {
            true => format!("run `undo` first, then {}", renumber(file, &[])),
            false => format!("run `undo` first, then {}", renumber(file, claims)),
        };
        Some(
            Diagnostic::problem("applied", message)
                .about(key)
                .in_file(file)
                .helps(instead.iter().cloned())
                .helps(can_go.then_some(undo))
                .help(format!(
                    "{or}{}, then `repair` moves the record of this database to the new version; every other database \
                     that has applied it needs the same `repair`",
                    renumber_applied(migration)
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
        self.is_in_base(migration).then(|| {
            Diagnostic::problem("in-base", message)
                .about(&migration.key)
                .in_file(&migration.up.source.name)
                .helps(instead.iter().cloned())
                .help(format!(
                    "if no database has applied it: {}",
                    renumber_applied(migration)
                ))
        })
    }
}
