//! Indexes and triggers that a table loses when a migration rebuilds it. Pure.

use std::collections::HashSet;

use super::{Object, Part};
use crate::diagnostic::Diagnostic;
use crate::migrations::directive::LOST_IN_REBUILD;
use crate::schema::{ObjectKind, Schema};
use crate::sql::{Kind, What, kind};

/// What one migration has lost.
pub(super) struct Lost<'a> {
    part: &'a Part<'a>,
    objects: Vec<Object>,
}

/// Whether a migration drops a table.
pub(super) fn drops_a_table(part: &Part<'_>) -> bool {
    part.up
        .steps()
        .iter()
        .any(|step| matches!(kind(&step.sql), Kind::Drop(object) if object.what == What::Table))
}

/// The indexes and triggers of tables that are there before and after a migration, which are not there after it, and
/// which it does not drop by their names.
pub(super) fn lost<'a>(part: &'a Part<'a>, before: &Schema, after: &Schema) -> Option<Lost<'a>> {
    let names = |schema: &Schema| -> HashSet<(ObjectKind, String)> {
        let objects = schema.objects.iter();
        objects
            .map(|object| (object.kind, object.name.to_ascii_lowercase()))
            .collect()
    };
    let after = names(after);
    let dropped: HashSet<String> = part
        .up
        .steps()
        .iter()
        .filter_map(|step| match kind(&step.sql) {
            Kind::Drop(object) if matches!(object.what, What::Index | What::Trigger) => {
                Some(object.name.to_ascii_lowercase())
            }
            _ => None,
        })
        .collect();
    let is_lost = |object: &&Object| {
        let name = object.name.to_ascii_lowercase();
        matches!(object.kind, ObjectKind::Index | ObjectKind::Trigger)
            && after.contains(&(ObjectKind::Table, object.table.to_ascii_lowercase()))
            && !dropped.contains(&name)
            && !after.contains(&(object.kind, name))
    };
    let objects: Vec<Object> = before.objects.iter().filter(is_lost).cloned().collect();
    (!objects.is_empty()).then_some(Lost { part, objects })
}

impl Lost<'_> {
    /// What is not there in the end either.
    pub(super) fn diagnostic(&self, end: &Schema) -> Option<Diagnostic> {
        let is_there = |lost: &Object| {
            end.objects.iter().any(|object| {
                object.kind == lost.kind && object.name.eq_ignore_ascii_case(&lost.name)
            })
        };
        let gone: Vec<&Object> = self.objects.iter().filter(|lost| !is_there(lost)).collect();
        let first = gone.first()?;
        let names: Vec<String> = gone
            .iter()
            .map(|object| format!("{} {}", object.kind.word(), object.name))
            .collect();
        let statements: Vec<String> = gone
            .iter()
            .map(|object| format!("{};", object.sql))
            .collect();
        let message = format!(
            "{} drops and recreates {}, and these are gone with the old table: {}",
            self.part.key(),
            first.table,
            names.join(", ")
        );
        let mut problem = Diagnostic::problem(LOST_IN_REBUILD, message)
            .warning()
            .about(self.part.key())
            .in_file(self.part.up.file())
            .help(format!(
                "recreate them at the end of the file:\n{}",
                statements.join("\n")
            ))
            .help(format!(
                "if they are to go: drop them by name, or write `-- seedbed: allow {LOST_IN_REBUILD}: REASON` at the \
                 top of the file"
            ));
        let drop = self.part.up.steps().iter().find(
            |step| matches!(kind(&step.sql), Kind::Drop(object) if object.what == What::Table),
        );
        if let Some(origin) = drop.and_then(|step| step.origin.clone()) {
            problem = problem.at(origin);
        }
        Some(problem)
    }
}
