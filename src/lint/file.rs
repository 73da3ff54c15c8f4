//! One file as the rules see it: its statements, the schema around it, and its runner. Pure.

use super::definition::{Created, created};
use super::moves::{Moves, moves};
use super::runner::{Keys, Runner, Target};
use super::statement::{Statement, statements};
use crate::diagnostic::{Class, Diagnostic};
use crate::migrations::{Stage, Stages};
use crate::rules::rule;
use crate::schema::{Catalogue, ForeignKey, ObjectKind, TableKind, TableShape};
use crate::sql::{Kind, identifier};

/// One file.
pub(super) struct File<'a> {
    pub(super) stage: &'a Stage<'a>,
    pub(super) statements: Vec<Statement<'a>>,
    pub(super) runner: Runner,
    pub(super) target: Target,
    /// The schema before the run, before and after the file, and after the run, as far as they are known.
    pub(super) first: Option<&'a Catalogue>,
    pub(super) before: Option<&'a Catalogue>,
    pub(super) after: Option<&'a Catalogue>,
    pub(super) last: Option<&'a Catalogue>,
    pub(super) moves: Moves,
    keys: Vec<Keys>,
}

impl<'a> File<'a> {
    pub(super) fn new(
        stage: &'a Stage<'a>,
        of: &'a Stages<'a>,
        runner: Runner,
        target: Target,
    ) -> File<'a> {
        let statements = statements(&stage.migration.up.source);
        let before = stage.before.as_deref();
        let is_table = |name: &str| {
            let table = before.and_then(|before| before.table(name));
            table.is_some_and(|table| table.kind != TableKind::View)
        };
        let moves = moves(&statements, &is_table);
        let (mut now, follows) = runner.keys(stage, target);
        let mut keys = Vec::with_capacity(statements.len());
        for statement in &statements {
            keys.push(now);
            if let Kind::Pragma(pragma) = &statement.kind
                && follows
                && pragma.name == "foreign_keys"
                && let Some(value) = &pragma.value
            {
                let on = ["on", "1", "true", "yes"].contains(&value.to_ascii_lowercase().as_str());
                now = if on { Keys::On } else { Keys::Off };
            }
        }
        File {
            stage,
            statements,
            runner,
            target,
            first: stage.first.as_deref(),
            before,
            after: stage.after.as_deref(),
            last: of.last.as_deref(),
            moves,
            keys,
        }
    }

    /// Whether foreign keys are enforced while this statement runs.
    pub(super) fn enforces(&self, statement: usize) -> bool {
        self.keys.get(statement) == Some(&Keys::On)
    }

    /// The table as it is before the file, where it keeps rows and was there before the run.
    pub(super) fn old(&self, name: &str) -> Option<&'a TableShape> {
        self.first?.table(name)?;
        let table = self.before?.table(name)?;
        (table.kind == TableKind::Ordinary).then_some(table)
    }

    /// Whether the file leaves a table as it was: then both schemas share it.
    pub(super) fn is_untouched(&self, table: &TableShape) -> bool {
        let before = self.before.and_then(|before| before.table(&table.name));
        before.is_some_and(|before| std::ptr::eq(before, table))
    }

    /// The tables and views that may be others behind the file than before it. A long history has many that are not.
    pub(super) fn touched(&self) -> impl Iterator<Item = &'a TableShape> {
        let is_same = match (self.before, self.after) {
            (Some(before), Some(after)) => std::ptr::eq(before, after),
            _ => false,
        };
        let after = self.after.filter(|_| !is_same);
        after.into_iter().flat_map(Catalogue::touched)
    }

    /// The `CREATE TABLE` of a table in a schema, in parts.
    pub(super) fn declared(catalogue: Option<&Catalogue>, table: &str) -> Option<Created> {
        created(&catalogue?.object(ObjectKind::Table, table)?.sql)
    }

    /// The foreign keys of other tables that refer to an old one and whose rows change when its rows go.
    pub(super) fn followers(&self, table: &str) -> Vec<(&'a TableShape, &'a ForeignKey)> {
        let Some(before) = self.before else {
            return Vec::new();
        };
        let mut found = before.references(table);
        found.retain(|(child, _)| {
            !child.name.eq_ignore_ascii_case(table) && self.old(&child.name).is_some()
        });
        found
    }

    /// Those of them whose rows the file does not keep from the statement `drop`, which drops the table.
    pub(super) fn unkept_followers(
        &self,
        table: &str,
        drop: usize,
    ) -> Vec<(&'a TableShape, &'a ForeignKey)> {
        let mut found = self.followers(table);
        found.retain(|(child, _)| {
            let name = &child.name;
            let mut drops = self.moves.drops.iter();
            let dropped = drops.find(|(it, _)| it.eq_ignore_ascii_case(name));
            let is_copied = self.moves.reads_rows(name, drop);
            let is_kept = match dropped {
                Some((_, at)) if *at < drop => true,
                // Its rows are in a copy already, or it goes with them.
                Some(_) => is_copied || !self.moves.reads_rows(name, self.statements.len()),
                None => is_copied && self.fills_again(name, drop),
            };
            !is_kept
        });
        found
    }

    /// Whether rows are selected into a table behind a statement.
    fn fills_again(&self, table: &str, from: usize) -> bool {
        let mut behind = self.statements.iter().skip(from + 1);
        behind.any(|it| {
            let into = it.find(0, &["INTO"]).and_then(|at| it.name(at + 1));
            let is_it = into.is_some_and(|(name, _)| name.eq_ignore_ascii_case(table));
            is_it && it.kind == Kind::Insert && it.has(&["SELECT"])
        })
    }

    /// The statements that name no table that the file creates only for itself, with their numbers.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (usize, &Statement<'a>)> {
        self.statements.iter().enumerate()
    }
}

/// Whether rows that refer to a row change when that one goes.
pub(super) fn changes_children(key: &ForeignKey) -> bool {
    ["CASCADE", "SET NULL", "SET DEFAULT"].contains(&key.on_delete.to_ascii_uppercase().as_str())
}

/// A finding of a rule, with the severity of its table.
pub(super) fn finding(code: &'static str, message: impl Into<String>) -> Diagnostic {
    let mut found = Diagnostic::error(code, message).class(Class::Lint);
    if let Some(rule) = rule(code) {
        found.severity = rule.severity;
    }
    found
}

/// Names as they stand in SQL: `"a", "b"`.
pub(super) fn list<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(identifier).collect();
    quoted.join(", ")
}

/// The names of columns by their places.
pub(super) fn columns_of<'t>(table: &'t TableShape, places: &'t [usize]) -> Vec<&'t str> {
    let columns = places.iter().filter_map(|at| table.columns.get(*at));
    columns.map(|column| column.name.as_str()).collect()
}
