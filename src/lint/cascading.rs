//! RB301 to RB304: foreign keys around a table that is created again.

use super::file::{File, changes_children, finding, list};
use super::moves::Rebuilt;
use super::recipe::block;
use super::removing::without_keys;
use crate::diagnostic::Diagnostic;
use crate::schema::{ColumnKind, TableShape};
use crate::sql::{Kind, identifier};

pub(super) fn check(file: &File<'_>, found: &mut Vec<Diagnostic>) {
    pragmas(file, found);
    away(file, found);
    for rebuilt in &file.moves.rebuilt {
        if let Some(before) = file.old(&rebuilt.name) {
            of_itself(file, rebuilt, before, found);
        }
    }
}

/// Pragmas that do nothing where they stand.
fn pragmas(file: &File<'_>, found: &mut Vec<Diagnostic>) {
    for (at, statement) in file.numbered() {
        let Kind::Pragma(pragma) = &statement.kind else {
            continue;
        };
        let value = pragma
            .value
            .as_deref()
            .unwrap_or_default()
            .to_ascii_lowercase();
        let on = ["on", "1", "true", "yes"].contains(&value.as_str());
        let (code, message) = match pragma.name.as_str() {
            "foreign_keys" if !on && !value.is_empty() => (
                "RB301",
                format!(
                    "{} runs this file with foreign keys on, and this pragma does not change that",
                    file.runner.name()
                ),
            ),
            "defer_foreign_keys" if on => (
                "RB303",
                "this pragma puts off the check until COMMIT, and does not keep rows from being deleted or changed"
                    .to_owned(),
            ),
            _ => continue,
        };
        // The next DROP TABLE with rows that refer to the table is what it was written for.
        let mut drops = file
            .moves
            .drops
            .iter()
            .filter(|(_, drop)| *drop > at && file.enforces(*drop));
        let hurt = drops.find_map(|(name, drop)| {
            let table = file.old(name)?;
            let children = file.unkept_followers(name, *drop);
            let own = table
                .foreign_keys
                .iter()
                .any(|key| key.parent.eq_ignore_ascii_case(name) && changes_children(key));
            let child = children
                .iter()
                .find(|(_, key)| code == "RB301" || changes_children(key));
            match child {
                Some((child, _)) => Some((&table.name, child.name.clone(), *drop)),
                None if own => Some((&table.name, table.name.clone(), *drop)),
                None => None,
            }
        });
        let Some((table, child, drop)) = hurt else {
            continue;
        };
        found.push(
            finding(code, message)
                .at(statement.origin())
                .related(
                    format!("{child} refers to {table}, which is dropped here"),
                    file.statements[drop].origin(),
                )
                .help(without_keys(file)),
        );
    }
}

/// The old table is renamed away, and the foreign keys of other tables follow it.
fn away(file: &File<'_>, found: &mut Vec<Diagnostic>) {
    if file
        .statements
        .iter()
        .any(|it| matches!(&it.kind, Kind::Pragma(pragma) if pragma.name == "legacy_alter_table"))
    {
        return;
    }
    for rebuilt in &file.moves.rebuilt {
        let (Some((at, to)), Some(table)) = (&rebuilt.away, file.old(&rebuilt.name)) else {
            continue;
        };
        let is_again = |child: &TableShape| {
            let other = file.moves.rebuild(&child.name);
            other.is_some_and(|other| other.create > rebuilt.create)
        };
        let children = file.followers(&rebuilt.name);
        let mut children = children.iter().filter(|(child, _)| {
            let drops = file.moves.drops.iter();
            let is_gone = drops
                .clone()
                .any(|(it, _)| it.eq_ignore_ascii_case(&child.name));
            // Where the file ran, the schema after it decides: a second rename may have led them back.
            let followed = file.after.is_none_or(|after| {
                let keys = after.table(&child.name).map(|it| it.foreign_keys.iter());
                keys.into_iter()
                    .flatten()
                    .any(|key| key.parent.eq_ignore_ascii_case(to))
            });
            !is_again(child) && !is_gone && followed
        });
        let Some((child, _)) = children.next() else {
            continue;
        };
        let name = &table.name;
        let (new, quoted) = (identifier(&format!("_new_{name}")), identifier(name));
        let columns = table
            .columns
            .iter()
            .filter(|it| it.origin == ColumnKind::Plain);
        let columns = list(columns.map(|column| column.name.as_str()));
        let message = format!(
            "renaming {name} changes the foreign keys of {}: they refer to {to} from here on",
            child.name
        );
        found.push(
            finding("RB302", message).at(file.statements[*at].origin()).help(block(
                "create the new table under another name, drop the old one, and rename the new one last:",
                &[
                    format!("CREATE TABLE {new} (…);"),
                    format!("INSERT INTO {new} ({columns}) SELECT {columns} FROM {quoted};"),
                    format!("DROP TABLE {quoted};"),
                    format!("ALTER TABLE {new} RENAME TO {quoted};"),
                ],
            )),
        );
    }
}

/// The rows of the copy refer to the old table, and go with its rows.
fn of_itself(file: &File<'_>, rebuilt: &Rebuilt, before: &TableShape, found: &mut Vec<Diagnostic>) {
    let Some(drop) = rebuilt
        .drop
        .filter(|drop| file.enforces(*drop) && rebuilt.create < *drop)
    else {
        return;
    };
    if rebuilt.away.is_some() {
        return;
    }
    let keys = before.foreign_keys.iter();
    let mut own =
        keys.filter(|key| key.parent.eq_ignore_ascii_case(&before.name) && changes_children(key));
    let new = &file.statements[rebuilt.create];
    let (Some(key), true) = (own.next(), new.names(&before.name)) else {
        return;
    };
    let what = match key.on_delete.eq_ignore_ascii_case("CASCADE") {
        true => "are deleted",
        false => "lose their values",
    };
    let columns = list(super::file::columns_of(before, &key.columns));
    found.push(
        finding("RB304", format!("foreign keys are on here, and the rows in the copy of {} refer to the old table: dropping it, they {what}", before.name))
            .at(file.statements[drop].origin())
            .note(format!("{} ({columns}) refers to {} itself ON DELETE {}", before.name, before.name, key.on_delete))
            .help(without_keys(file)),
    );
}
