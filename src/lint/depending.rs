//! DP401 to DP404: what depends on what the file takes away.

use super::file::{File, columns_of, finding, list};
use super::rebuilding::has_word;
use super::recipe::block;
use super::statement::Action;
use crate::diagnostic::{Diagnostic, Severity};
use crate::migrations::LeftBroken;
use crate::schema::{Catalogue, ForeignKey, ObjectKind, TableKind, TableShape};
use crate::sql::{Kind, identifier};

pub(super) fn check(file: &File<'_>, found: &mut Vec<Diagnostic>) {
    keys(file, found);
    views(file, found);
}

/// A view or trigger that does not compile at the end of the run; it belongs to the last file that took a name away that
/// it uses.
pub(super) fn broken(files: &[File<'_>], left: &[LeftBroken]) -> Vec<(usize, Diagnostic)> {
    let mut found = Vec::new();
    for it in left {
        let culprit = files.iter().enumerate().rev().find_map(|(number, file)| {
            let at = taken(file, it)?;
            Some((number, file.statements[at].origin()))
        });
        let Some((number, origin)) = culprit else {
            continue;
        };
        let word = it.kind.word();
        let what = match it.kind {
            ObjectKind::View => "VIEW",
            _ => "TRIGGER",
        };
        let message = format!(
            "after this the {word} {} does not compile: {}",
            it.name, it.message
        );
        let diagnostic = finding("DP401", message)
            .at(origin)
            .note("until it is gone, the engine refuses every RENAME and DROP COLUMN, also of other tables")
            .help(block(
                "drop it before, and create it again as it is to be:",
                &[format!("DROP {what} {};", identifier(&it.name)), format!("{};", it.sql)],
            ));
        found.push((number, diagnostic));
    }
    found
}

/// The statement of a file that takes away a table, view or column that this object names, or that creates the object.
fn taken(file: &File<'_>, it: &LeftBroken) -> Option<usize> {
    let statements = file.numbered();
    let found = statements.filter(|(_, statement)| match &statement.kind {
        Kind::Drop(object) => has_word(&it.sql, &object.name),
        Kind::Create(object) => object.name.eq_ignore_ascii_case(&it.name),
        Kind::Alter => statement.alter().is_some_and(|alter| match &alter.action {
            Action::Rename(_) => has_word(&it.sql, &alter.table),
            Action::RenameColumn(from, _) => has_word(&it.sql, from),
            Action::Drop(column) => has_word(&it.sql, column),
            _ => false,
        }),
        _ => false,
    });
    found.map(|(at, _)| at).last()
}

/// Whether the columns that a foreign key refers to are a key of their table; `None` where that table is not there.
fn is_key(catalogue: &Catalogue, key: &ForeignKey) -> Option<bool> {
    let parent = catalogue.table(&key.parent)?;
    if parent.kind != TableKind::Ordinary {
        return Some(false);
    }
    let columns: Vec<usize> = key
        .parent_columns
        .iter()
        .filter_map(|name| parent.column(name))
        .collect();
    Some(!columns.is_empty() && columns.len() == key.columns.len() && parent.is_unique(&columns))
}

fn keys(file: &File<'_>, found: &mut Vec<Diagnostic>) {
    let (Some(before), Some(after), Some(last)) = (file.before, file.after, file.last) else {
        return;
    };
    for child in file.touched().filter(|it| it.kind == TableKind::Ordinary) {
        for key in &child.foreign_keys {
            let parent = after.table(&key.parent);
            if file.is_untouched(child)
                && parent.is_none_or(|it| file.is_untouched(it))
                && before.table(&key.parent).is_some() == parent.is_some()
            {
                continue;
            }
            if is_key(after, key) == Some(true) {
                continue;
            }
            // A later file of the run may make the key.
            let at_end = last.table(&child.name).and_then(|it| same(it, child, key));
            if at_end.is_none_or(|key| is_key(last, key) == Some(true)) {
                continue;
            }
            let known = before
                .table(&child.name)
                .and_then(|it| same(it, child, key));
            let columns = list(columns_of(child, &key.columns));
            let parents = list(key.parent_columns.iter().map(String::as_str));
            let refers = format!(
                "{} ({columns}) refers to {} ({parents})",
                child.name, key.parent
            );
            match known.map(|known| is_key(before, known)) {
                // As it was.
                Some(Some(false) | None) => {}
                Some(Some(true)) => {
                    let Some(at) = cause(file, &key.parent, key) else {
                        continue;
                    };
                    let message = match last.table(&key.parent) {
                        Some(_) => format!(
                            "after this, {refers}, which is no key any more: the engine refuses every change of {}",
                            child.name
                        ),
                        None => format!(
                            "after this, {refers}, which is not there any more: the engine refuses rows in {}",
                            child.name
                        ),
                    };
                    found.push(
                        finding("DP402", message)
                            .at(file.statements[at].origin())
                            .help(by_index(key)),
                    );
                }
                None => {
                    let Some(at) = made(file, child) else {
                        continue;
                    };
                    let message = match last.table(&key.parent) {
                        Some(_) => format!(
                            "{refers}, which is no key: the engine refuses every change of {} with a foreign key mismatch",
                            child.name
                        ),
                        None => format!(
                            "{refers}, which is not there: the engine refuses rows in {}",
                            child.name
                        ),
                    };
                    let diagnostic = finding("DP404", message).at(file.statements[at].origin());
                    found.push(match last.table(&key.parent) {
                        Some(_) => diagnostic.help(by_index(key)),
                        None => diagnostic.help(format!(
                            "create {} in this run, or correct the name",
                            key.parent
                        )),
                    });
                }
            }
        }
    }
}

fn by_index(key: &ForeignKey) -> String {
    let index = identifier(&format!(
        "{}_{}_key",
        key.parent,
        key.parent_columns.join("_")
    ));
    let parents = list(key.parent_columns.iter().map(String::as_str));
    block(
        "keep a unique index on the columns that are referred to:",
        &[format!(
            "CREATE UNIQUE INDEX {index} ON {} ({parents});",
            identifier(&key.parent)
        )],
    )
}

/// The same foreign key in another state of its table.
fn same<'t>(table: &'t TableShape, child: &TableShape, key: &ForeignKey) -> Option<&'t ForeignKey> {
    let names = |table: &TableShape, key: &ForeignKey| -> Vec<String> {
        columns_of(table, &key.columns)
            .into_iter()
            .map(str::to_ascii_lowercase)
            .collect()
    };
    let mut keys = table.foreign_keys.iter();
    keys.find(|it| {
        it.parent.eq_ignore_ascii_case(&key.parent) && names(table, it) == names(child, key)
    })
}

/// The statement that took the key away.
fn cause(file: &File<'_>, parent: &str, key: &ForeignKey) -> Option<usize> {
    let is_cause = |statement: &super::statement::Statement<'_>| match &statement.kind {
        Kind::Drop(object) => {
            let index = file
                .before
                .and_then(|before| before.object(ObjectKind::Index, &object.name));
            object.name.eq_ignore_ascii_case(parent)
                || index.is_some_and(|it| it.table.eq_ignore_ascii_case(parent))
        }
        Kind::Alter => statement.alter().is_some_and(|alter| {
            alter.table.eq_ignore_ascii_case(parent)
                && match &alter.action {
                    Action::Drop(column) => key
                        .parent_columns
                        .iter()
                        .any(|it| it.eq_ignore_ascii_case(column)),
                    Action::Rename(_) | Action::RenameColumn(..) => true,
                    _ => false,
                }
        }),
        _ => false,
    };
    file.numbered()
        .filter(|(_, it)| is_cause(it))
        .map(|(at, _)| at)
        .last()
}

/// The statement that made a foreign key.
fn made(file: &File<'_>, child: &TableShape) -> Option<usize> {
    if let Some(rebuilt) = file.moves.rebuild(&child.name) {
        return Some(rebuilt.create);
    }
    let found = file.numbered().filter(|(_, it)| match &it.kind {
        Kind::Create(object) => object.name.eq_ignore_ascii_case(&child.name),
        Kind::Alter => it.has(&["REFERENCES"]) && it.names(&child.name),
        _ => false,
    });
    found.map(|(at, _)| at).last()
}

/// Views that give other columns, although their text is the same.
fn views(file: &File<'_>, found: &mut Vec<Diagnostic>) {
    let (Some(first), Some(before), Some(after)) = (file.first, file.before, file.after) else {
        return;
    };
    let views = file.touched().filter(|it| it.kind == TableKind::View);
    for object in views.filter_map(|it| before.object(ObjectKind::View, &it.name)) {
        let same = after
            .object(ObjectKind::View, &object.name)
            .is_some_and(|it| it.sql == object.sql);
        if !same
            || first.object(ObjectKind::View, &object.name).is_none()
            || !has_word(&object.sql, "*")
        {
            continue;
        }
        let (Some(was), Some(is)) = (before.table(&object.name), after.table(&object.name)) else {
            continue;
        };
        let names = |table: &TableShape| -> Vec<String> {
            table.columns.iter().map(|it| it.name.clone()).collect()
        };
        let (was, is) = (names(was), names(is));
        if was == is || was.is_empty() || is.is_empty() {
            continue;
        }
        let changed = file.numbered().filter(|(_, it)| match it.alter() {
            Some(alter) => has_word(&object.sql, &alter.table),
            None => matches!(&it.kind, Kind::Drop(drop) if has_word(&object.sql, &drop.name)),
        });
        let Some((at, _)) = changed.last() else {
            continue;
        };
        let only_added = is.len() > was.len() && is[..was.len()] == was[..];
        let message = format!(
            "the view {} selects `*`: it gives {} in the place of {}",
            object.name,
            list(is.iter().map(String::as_str)),
            list(was.iter().map(String::as_str))
        );
        let mut diagnostic = finding("DP403", message)
            .at(file.statements[at].origin())
            .help(block(
                "name the columns in the view:",
                &[
                    format!("DROP VIEW {};", identifier(&object.name)),
                    format!(
                        "CREATE VIEW {} AS SELECT {} FROM …;",
                        identifier(&object.name),
                        list(was.iter().map(String::as_str))
                    ),
                ],
            ));
        if only_added {
            diagnostic.severity = Severity::Note;
        }
        found.push(diagnostic);
    }
}
