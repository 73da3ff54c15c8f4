//! RB309, RB311 and RB313: how rows get into a table that is created again, or from a SELECT.

use super::definition::created;
use super::file::{File, finding, list};
use super::rebuilding::{One, rebuilds};
use super::recipe::block;
use crate::diagnostic::Diagnostic;
use crate::schema::{ColumnKind, ObjectKind, TableShape};
use crate::sql::{Kind, What, identifier};

pub(super) fn check(file: &File<'_>, found: &mut Vec<Diagnostic>) {
    from_select(file, found);
    for one in rebuilds(file) {
        positions(&one, found);
        left_behind(&one, found);
    }
}

fn from_select(file: &File<'_>, found: &mut Vec<Diagnostic>) {
    const KEPT: [&str; 10] = [
        "backup", "bak", "old", "before", "tmp", "temp", "archive", "copy", "snapshot", "save",
    ];
    for statement in &file.statements {
        let Kind::Create(object) = &statement.kind else {
            continue;
        };
        if object.what != What::Table || object.is_temporary() || !statement.has(&["AS"]) {
            continue;
        }
        if !created(statement.sql).is_some_and(|it| it.from_select) {
            continue;
        }
        let end = match file.after {
            None => continue,
            Some(after) => after,
        };
        // Renamed or not, the table that it makes is there at the end.
        let sql = end.object(ObjectKind::Table, &object.name);
        let renamed = file.statements.iter().any(|it| {
            it.alter().is_some_and(|alter| {
                alter.table.eq_ignore_ascii_case(&object.name)
                    && matches!(alter.action, super::statement::Action::Rename(_))
            })
        });
        let name = object.name.to_ascii_lowercase();
        let is_kept = KEPT.iter().any(|word| name.contains(word));
        if !renamed && (sql.is_none() || is_kept) {
            continue;
        }
        let message = format!(
            "{} is made from a SELECT: it has no primary key, no NOT NULL, no default and no index",
            object.name
        );
        let shape = end.table(&object.name);
        let columns = shape.map(|shape| list(shape.columns.iter().map(|it| it.name.as_str())));
        let columns = columns.unwrap_or_else(|| "…".to_owned());
        let quoted = identifier(&object.name);
        found.push(finding("RB313", message).at(statement.origin()).help(block(
            "declare the table, then fill it:",
            &[
                format!("CREATE TABLE {quoted} (…);"),
                format!("INSERT INTO {quoted} ({columns}) SELECT …;"),
            ],
        )));
    }
}

fn positions(one: &One<'_, '_>, found: &mut Vec<Diagnostic>) {
    for copy in one
        .rebuilt
        .copies
        .iter()
        .map(|at| &one.file.moves.copies[*at])
    {
        let is_star = copy
            .selected
            .as_ref()
            .is_some_and(|it| it.iter().any(|it| it.trim() == "*"));
        if !is_star || copy.columns.is_some() {
            continue;
        }
        let names = |table: &TableShape| -> Vec<String> {
            let plain = table
                .columns
                .iter()
                .filter(|it| it.origin == ColumnKind::Plain);
            plain
                .map(|column| column.name.to_ascii_lowercase())
                .collect()
        };
        // In the same order, the values get to where they were.
        if names(one.before) == names(one.after) {
            continue;
        }
        let after = names(one.after);
        let both: Vec<&str> = one
            .before
            .columns
            .iter()
            .map(|it| it.name.as_str())
            .filter(|it| after.contains(&it.to_ascii_lowercase()))
            .collect();
        let columns = list(both);
        let statement = &one.file.statements[copy.at];
        let into = statement
            .find(0, &["INTO"])
            .and_then(|at| statement.name(at + 1));
        let into = into.map_or(String::new(), |(name, _)| identifier(&name));
        found.push(
            finding("RB309", format!("the columns of {} are copied by position, and the new table has others or another order", one.before.name))
                .at(statement.origin())
                .help(block("name them:", &[format!("INSERT INTO {into} ({columns}) SELECT {columns} FROM {};", identifier(&one.before.name))])),
        );
    }
}

/// Columns that both tables have and no copy fills.
fn left_behind(one: &One<'_, '_>, found: &mut Vec<Diagnostic>) {
    let copies: Vec<_> = one
        .rebuilt
        .copies
        .iter()
        .map(|at| &one.file.moves.copies[*at])
        .collect();
    if copies.iter().any(|copy| copy.columns.is_none()) {
        return;
    }
    let is_copied = |name: &str| {
        let mut columns = copies.iter().flat_map(|copy| copy.columns.iter().flatten());
        columns.any(|it| it.eq_ignore_ascii_case(name))
    };
    let is_updated = |name: &str| {
        let mut updates = one.file.statements.iter().skip(one.rebuilt.create);
        updates.any(|it| it.kind == Kind::Update && it.names(name))
    };
    let left: Vec<&str> = one
        .before
        .columns
        .iter()
        .filter(|it| it.origin == ColumnKind::Plain)
        .filter(|it| {
            one.after
                .column(&it.name)
                .is_some_and(|at| one.after.columns[at].origin == ColumnKind::Plain)
        })
        .map(|it| it.name.as_str())
        .filter(|name| !is_copied(name) && !is_updated(name))
        .collect();
    let Some(copy) = copies.first().filter(|_| !left.is_empty()) else {
        return;
    };
    let key = one.after.integer_key();
    let is_key = left.len() == 1 && key.is_some_and(|at| one.after.columns[at].name == left[0]);
    let instead = match is_key {
        true => "gives its rows other ones",
        false => "has its default there",
    };
    let message = format!(
        "the values of {} are not copied: the new {} {instead}",
        list(left.iter().copied()),
        one.before.name
    );
    found.push(
        finding("RB311", message)
            .at(one.file.statements[copy.at].origin())
            .help(format!(
                "add {} to both lists of columns",
                list(left.iter().copied())
            )),
    );
}
