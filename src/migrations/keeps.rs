//! Which files keep their versions: those that a database has applied, or that are in the base. With another version they
//! would be pending there, and run again. Pure.

use super::against::Base;
use super::baseline::is_adopted;
use super::identity::has_text_of;
use super::problem::{file_name, renumber};
use super::set::{Migration, Migrations};
use crate::diagnostic::Diagnostic;
use crate::history::{History, Row};
use crate::script::Key;

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
            match (self.is_in_base(other), self.row_of(other)) {
                (true, _) => {}
                (false, None) => {
                    instead.push(format!("renumber the other file: {}", renumber(name, &claims)));
                }
                // Only this database has applied it.
                (false, Some(row)) if self.can_be_undone(row) => instead.push(format!(
                    "{} is applied in this database: `undo` it first, then renumber it: {}",
                    file_name(name),
                    renumber(name, &claims)
                )),
                (false, Some(_)) => instead.push(format!(
                    "{} is applied in this database: {}, then `repair` moves its record to the new version",
                    file_name(name),
                    renumber_applied(other)
                )),
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

    /// Whether `undo` takes this migration first, and can.
    fn can_be_undone(&self, row: &Row) -> bool {
        let newest = self.history.as_ref().and_then(History::version);
        let is_newest = matches!(row.key, Key::Migration(version) if Some(version) == newest);
        is_newest && row.has_down && !is_adopted(row)
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
        let can_go = self.can_be_undone(row);
        let or = if instead.is_empty() && !can_go {
            ""
        } else {
            "or "
        };
        let undo = match claims.is_empty() {
            true => "`undo` it first, then renumber it".to_owned(),
            false => format!(
                "`undo` it first, then renumber it: {}",
                renumber(file, claims)
            ),
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

/// The command, in quotes.
fn renumber_applied(migration: &Migration) -> String {
    format!(
        "`renumber {} --allow-applied`",
        file_name(&migration.up.source.name)
    )
}
