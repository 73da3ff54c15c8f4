//! DD201 to DD208: columns that an empty table takes and one with rows does not.

use super::definition::{DefaultValue, Definition, Generated, definition};
use super::file::{File, finding};
use super::recipe::{block, constant, rebuild};
use super::statement::{Action, Statement};
use crate::diagnostic::Diagnostic;
use crate::schema::TableShape;
use crate::sql::{Kind, identifier};

/// A column that a statement adds.
pub(super) struct Added<'s, 'a> {
    /// The number of the statement.
    pub(super) at: usize,
    pub(super) statement: &'s Statement<'a>,
    pub(super) table: String,
    pub(super) column: Definition,
}

/// The columns that `ALTER TABLE … ADD COLUMN` adds.
pub(super) fn added<'s, 'a>(file: &'s File<'a>) -> impl Iterator<Item = Added<'s, 'a>> {
    file.numbered().filter_map(|(at, statement)| {
        let alter = statement.alter()?;
        let Action::Add(begin) = alter.action else {
            return None;
        };
        let column = definition(statement.sql, statement.tokens.get(begin..)?)?;
        Some(Added {
            at,
            statement,
            table: alter.table,
            column,
        })
    })
}

pub(super) fn check(file: &File<'_>, found: &mut Vec<Diagnostic>) {
    for added in added(file) {
        if added.column.unique || added.column.primary_key {
            found.push(never_works(&added));
            continue;
        }
        let Some(table) = file.old(&added.table) else {
            continue;
        };
        if is_emptied(file, &added.table, added.at) {
            continue;
        }
        found.extend(with_rows(file, &added, table));
    }
}

/// Whether the file deletes all rows of a table before a statement.
fn is_emptied(file: &File<'_>, table: &str, until: usize) -> bool {
    let mut before = file.statements.iter().take(until);
    before.any(|it| it.kind == Kind::Delete && it.names(table) && !it.has(&["WHERE"]))
}

fn never_works(added: &Added<'_, '_>) -> Diagnostic {
    let Definition {
        name,
        declared,
        primary_key,
        ..
    } = &added.column;
    let what = if *primary_key {
        "PRIMARY KEY"
    } else {
        "UNIQUE"
    };
    let table = &added.table;
    let message =
        format!("the engine never adds a {what} column: ADD COLUMN {name} fails on any table");
    let found = finding("DD208", message).at(added.statement.part(added.column.span.clone()));
    if *primary_key {
        return found.help(format!(
            "a primary key is declared where the table is created: create {table} again with it, or declare {name} as an \
             ordinary column"
        ));
    }
    let index = identifier(&format!("{table}_{name}_unique"));
    found.help(block(
        "add the column, then a unique index:",
        &[
            format!(
                "ALTER TABLE {} ADD COLUMN {} {declared};",
                identifier(table),
                identifier(name)
            ),
            format!(
                "CREATE UNIQUE INDEX {index} ON {} ({});",
                identifier(table),
                identifier(name)
            ),
        ],
    ))
}

fn with_rows(file: &File<'_>, added: &Added<'_, '_>, table: &TableShape) -> Option<Diagnostic> {
    let column = &added.column;
    let at = added.statement.part(column.span.clone());
    let (name, declared) = (identifier(&column.name), &column.declared);
    let add = |rest: &str| {
        let rest = format!(
            "ALTER TABLE {} ADD COLUMN {name} {declared} {rest}",
            identifier(&table.name)
        );
        format!("{};", rest.trim_end())
    };
    if column.generated == Some(Generated::Stored) {
        let message = format!(
            "{} gets a STORED column: the engine adds one only to an empty table",
            table.name
        );
        return Some(finding("DD207", message).at(at).help(
            "write VIRTUAL in the place of STORED: the value is computed when it is read, and an index can hold it",
        ));
    }
    if column.generated.is_some() {
        return None;
    }
    let value = column.default.as_ref().map(|default| default.value);
    if let Some(default) = &column.default
        && default.value == DefaultValue::Computed
    {
        let message = format!(
            "{} gets a column whose default is computed: the engine adds one only to an empty table",
            table.name
        );
        let found = finding("DD202", message)
            .at(added.statement.part(default.span.clone()))
            .note(format!("`DEFAULT {}` is not a constant", default.text));
        let not_null = match column.not_null {
            true => format!("NOT NULL DEFAULT {}", constant(declared)),
            false => String::new(),
        };
        let fill = format!(
            "UPDATE {} SET {name} = {};",
            identifier(&table.name),
            default.text
        );
        return Some(
            found
                .help(block(
                    "add the column with a constant or none, and fill it; new rows get the value from the program:",
                    &[add(&not_null), fill],
                ))
                .help(rebuild(
                    file.before,
                    table,
                    &format!("with {name} {declared} DEFAULT {}", default.text),
                )),
        );
    }
    if column.not_null && matches!(value, None | Some(DefaultValue::Null)) {
        let message = format!(
            "{} gets a NOT NULL column without a default: the engine adds one only to an empty table",
            table.name
        );
        return Some(finding("DD201", message).at(at).help(block(
            "give it a default that is right for the rows that are there:",
            &[add(&format!("NOT NULL DEFAULT {}", constant(declared)))],
        )).help(rebuild(
            file.before,
            table,
            &format!("with {name} {declared} NOT NULL, and its value for each row in the SELECT below"),
        )));
    }
    if let (Some(parent), Some(DefaultValue::Constant)) = (&column.references, value)
        && file.enforces(added.at)
    {
        let message = format!(
            "{} gets a column that refers to {parent} and has a default: with foreign keys on, the engine adds one only \
             to an empty table",
            table.name
        );
        let text = column.default.as_ref().map_or("", |default| &default.text);
        return Some(finding("DD206", message).at(at).help(block(
            "add it without a default, and fill it:",
            &[
                add(&format!("REFERENCES {}", identifier(parent))),
                format!("UPDATE {} SET {name} = {text};", identifier(&table.name)),
            ],
        )));
    }
    None
}
