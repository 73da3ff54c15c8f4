//! BC701 to BC703: what older releases of the program, which run until the new one is deployed everywhere, do not expect.

use super::adding::added;
use super::definition::{Definition, created, definition};
use super::file::{File, finding, list};
use super::recipe::{block, constant};
use super::statement::Action;
use crate::diagnostic::Diagnostic;
use crate::schema::{Affinity, ColumnKind, Nullability, ObjectKind, Strictness, TableShape};
use crate::sql::identifier;

pub(super) fn check(file: &File<'_>, found: &mut Vec<Diagnostic>) {
    renamed(file, found);
    for (after, origin) in changed(file) {
        let Some(before) = file.old(&after.name) else {
            continue;
        };
        inserts(file, before, after, &origin, found);
        tightened(file, before, after, &origin, found);
    }
}

fn renamed(file: &File<'_>, found: &mut Vec<Diagnostic>) {
    for renamed in &file.moves.renamed {
        let Some(table) = file.old(&renamed.from) else {
            continue;
        };
        let replaced = file
            .last
            .is_some_and(|last| last.table(&renamed.from).is_some());
        if replaced {
            continue;
        }
        let (from, to) = (identifier(&table.name), identifier(&renamed.to));
        let columns = list(table.columns.iter().map(|it| it.name.as_str()));
        let message = format!(
            "{} is called {} from here on: programs that run until they are replaced ask for the old name",
            table.name, renamed.to
        );
        found.push(
            finding("BC701", message)
                .at(file.statements[renamed.at].origin())
                .help(block(
                    "keep the old name for reading until no release uses it:",
                    &[format!("CREATE VIEW {from} AS SELECT {columns} FROM {to};")],
                )),
        );
    }
    for statement in &file.statements {
        let Some(alter) = statement.alter() else {
            continue;
        };
        let (Action::RenameColumn(from, to), Some(table)) = (alter.action, file.old(&alter.table))
        else {
            continue;
        };
        let first = file.first.and_then(|first| first.table(&table.name));
        if from.eq_ignore_ascii_case(&to) || first.is_none_or(|first| first.column(&from).is_none())
        {
            continue;
        }
        let Some(column) = table.column(&from).map(|at| &table.columns[at]) else {
            continue;
        };
        let (name, old, new) = (identifier(&table.name), identifier(&from), identifier(&to));
        let message = format!(
            "{from} of {} is called {to} from here on: programs that run until they are replaced ask for the old name",
            table.name
        );
        let add = format!("ALTER TABLE {name} ADD COLUMN {new} {}", column.declared);
        found.push(finding("BC701", message).at(statement.origin()).help(block(
            "add the new one, let the release write both, and drop the old one with a later release:",
            &[format!("{};", add.trim_end()), format!("UPDATE {name} SET {new} = {old};")],
        )));
    }
}

/// The tables that the file rebuilds or changes by ALTER COLUMN, as they are after it, with the statement.
fn changed<'f>(file: &'f File<'_>) -> Vec<(&'f TableShape, crate::script::Origin)> {
    let mut found = Vec::new();
    for rebuilt in &file.moves.rebuilt {
        if let Some(after) = file.after.and_then(|after| after.table(&rebuilt.name)) {
            found.push((after, file.statements[rebuilt.create].origin()));
        }
    }
    for statement in &file.statements {
        let Some(alter) = statement.alter() else {
            continue;
        };
        if let (Action::AlterTo(..), Some(after)) = (
            &alter.action,
            file.after.and_then(|after| after.table(&alter.table)),
        ) {
            found.push((after, statement.origin()));
        }
    }
    found
}

/// Whether a column is part of the primary key, which every program writes.
fn old_key(table: &TableShape, column: &str) -> bool {
    table
        .column(column)
        .is_some_and(|at| table.primary_key.contains(&at))
}

/// Columns without which a row cannot be inserted any more.
fn inserts(
    file: &File<'_>,
    before: &TableShape,
    after: &TableShape,
    origin: &crate::script::Origin,
    found: &mut Vec<Diagnostic>,
) {
    let needs = |table: &TableShape, at: usize| {
        let column = &table.columns[at];
        column.nullability == Nullability::NotNull
            && column.default.is_none()
            && column.origin == ColumnKind::Plain
            && table.integer_key() != Some(at)
    };
    let added_here = |name: &str| added(file).any(|it| it.column.name.eq_ignore_ascii_case(name));
    for (at, column) in after.columns.iter().enumerate() {
        let is_key = old_key(before, &column.name);
        if !needs(after, at) || added_here(&column.name) || is_key {
            continue;
        }
        let old = before.column(&column.name);
        // One that got another name is a rename.
        if old.is_some_and(|old| needs(before, old))
            || (old.is_none() && after.columns.len() <= before.columns.len())
        {
            continue;
        }
        let what = match old {
            None => "is new, NOT NULL and has no default",
            Some(_) => "is NOT NULL from here on and has no default",
        };
        let message = format!(
            "{} of {} {what}: programs that do not write it cannot insert rows any more",
            column.name, after.name
        );
        found.push(finding("BC702", message).at(origin.clone()).help(block(
            "give it a default until every release writes it:",
            &[format!(
                "{} {} NOT NULL DEFAULT {}",
                identifier(&column.name),
                column.declared,
                constant(&column.declared)
            )],
        )));
    }
}

fn tightened(
    file: &File<'_>,
    before: &TableShape,
    after: &TableShape,
    origin: &crate::script::Origin,
    found: &mut Vec<Diagnostic>,
) {
    let mut what = Vec::new();
    if before.strictness == Strictness::Flexible && after.strictness == Strictness::Strict {
        what.push("the table is STRICT".to_owned());
    }
    for column in &before.columns {
        let Some(now) = after.column(&column.name).map(|at| &after.columns[at]) else {
            continue;
        };
        let takes_text = matches!(column.affinity, Affinity::Text | Affinity::Blob);
        let makes_numbers = !matches!(now.affinity, Affinity::Text | Affinity::Blob);
        if takes_text && makes_numbers {
            let word = |declared: &str| {
                if declared.is_empty() {
                    "no type".to_owned()
                } else {
                    declared.to_owned()
                }
            };
            what.push(format!(
                "{} is {}, and was {}",
                column.name,
                word(&now.declared),
                word(&column.declared)
            ));
        }
    }
    let checks = |catalogue: Option<&crate::schema::Catalogue>| {
        let object = catalogue.and_then(|it| it.object(ObjectKind::Table, &after.name));
        object.and_then(|object| created(&object.sql))
    };
    if let (Some(was), Some(is)) = (checks(file.before), checks(file.after)) {
        let known = was.all_checks();
        // Those of new columns hold for what older programs write: the default.
        let is_new = |column: &&Definition| before.column(&column.name).is_none();
        let columns = || is.columns.iter().filter(is_new);
        let names_new =
            |check: &&String| columns().any(|it| super::rebuilding::has_word(check, &it.name));
        let of_new: Vec<String> = columns()
            .flat_map(|it| &it.checks)
            .chain(is.checks.iter().filter(names_new))
            .map(|it| super::definition::normal(it))
            .collect();
        let new = is
            .all_checks()
            .into_iter()
            .filter(|it| !known.contains(it) && !of_new.contains(it));
        // One that was changed may take more values.
        if is.all_checks().len() > known.len() {
            what.extend(new.map(|check| format!("there is CHECK {check}")));
        }
    }
    if what.is_empty() {
        return;
    }
    let message = format!(
        "{} takes fewer values from here on, and programs that run until they are replaced may still write them",
        after.name
    );
    found.push(finding("BC703", message).at(origin.clone()).note(what.join("; ")).help(
        "first deploy a release that writes only what the new definition takes, and change the table with a later one",
    ));
}

/// The definition behind `ALTER COLUMN … TO`.
pub(super) fn altered<'f>(
    file: &'f File<'_>,
) -> impl Iterator<Item = (usize, String, String, Definition)> + 'f {
    file.numbered().filter_map(|(at, statement)| {
        let alter = statement.alter()?;
        let Action::AlterTo(column, begin) = alter.action else {
            return None;
        };
        let new = definition(statement.sql, statement.tokens.get(begin..)?)?;
        Some((at, alter.table, column, new))
    })
}
