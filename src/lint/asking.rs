//! Rules that only rows can decide: the questions that a file asks of a database, and the findings of the answers. Pure: asking is
//! [`asked`](super::asked)'s.

use super::adding::added;
use super::definition::{DefaultValue, Definition};
use super::file::{File, columns_of, finding, list};
use super::leaving_out::ignores;
use super::question::Question;
use super::readers::altered;
use super::recipe::block;
use super::statement::Statement;
use crate::db::Query;
use crate::schema::{Affinity, Column, Nullability, Strictness, TableShape, affinity};
use crate::sql::{Kind, What, identifier};

use super::runner::Target;

/// From this many rows on, a rebuild holds the lock of a server for seconds.
const MANY_ROWS: u64 = 500_000;

/// The questions of a file. Tables and columns that were not there before the run are not asked about.
pub(super) fn questions(file: &File<'_>) -> Vec<Question> {
    let mut found = Vec::new();
    unique(file, &mut found);
    not_null(file, &mut found);
    types(file, &mut found);
    checks(file, &mut found);
    values(file, &mut found);
    long(file, &mut found);
    found
}

/// A table that the database has, with the column as it was before the run.
fn has(file: &File<'_>, table: &str, column: &str) -> bool {
    let first = file.first.and_then(|first| first.table(table));
    file.old(table).is_some() && first.is_some_and(|first| first.column(column).is_some())
}

fn unique(file: &File<'_>, found: &mut Vec<Question>) {
    for (at, statement) in file.numbered() {
        let Kind::Create(object) = &statement.kind else {
            continue;
        };
        if object.what != What::Index || !object.unique {
            continue;
        }
        let (Some(table), Some(columns)) =
            (&object.table, super::indexing::index_columns(statement.sql))
        else {
            continue;
        };
        let commas = statement
            .tokens
            .iter()
            .filter(|it| it.text(statement.sql) == ",")
            .count();
        if columns.is_empty()
            || commas + 1 != columns.len()
            || !columns.iter().all(|it| has(file, table, it))
        {
            continue;
        }
        // It may correct the rows itself.
        let corrects =
            |it: &Statement<'_>| matches!(it.kind, Kind::Update | Kind::Delete) && it.names(table);
        if file.statements.iter().take(at).any(corrects) {
            continue;
        }
        let condition = statement
            .find(0, &["WHERE"])
            .map(|at| &statement.sql[statement.tokens[at].span.end..]);
        let mut conditions: Vec<String> = columns
            .iter()
            .map(|it| format!("{} IS NOT NULL", identifier(it)))
            .collect();
        conditions.extend(condition.map(|it| format!("({it})")));
        let (quoted, names) = (identifier(table), list(columns.iter().map(String::as_str)));
        // The collation of the index decides what is equal.
        let grouped = columns
            .iter()
            .map(|it| match statement.find(0, &["COLLATE"]) {
                Some(at) => format!("{} COLLATE {}", identifier(it), statement.text(at + 1)),
                None => identifier(it),
            });
        let grouped: Vec<String> = grouped.collect();
        let groups = format!(
            "SELECT {names}, count(*) FROM {quoted} WHERE {} GROUP BY {} HAVING count(*) > 1",
            conditions.join(" AND "),
            grouped.join(", ")
        );
        let message = format!(
            "{table} has rows with equal values in {names}: the unique index cannot be created"
        );
        found.push(Question {
            query: Query::new(format!("SELECT count(*) FROM ({groups})")),
            above: 0,
            finding: finding("DD203", message).at(statement.origin()).help(block(
                "see them, and correct all but one of each:",
                &[format!("{groups};")],
            )),
            counts: "such values",
        });
    }
}

/// The tables that a file rebuilds, as they were and as they are.
fn rebuilt<'f>(
    file: &'f File<'_>,
) -> impl Iterator<Item = (&'f TableShape, &'f TableShape, usize)> {
    file.moves.rebuilt.iter().filter_map(|it| {
        let after = file.after?.table(&it.name)?;
        let copy = it.copies.first().map(|copy| file.moves.copies[*copy].at);
        Some((file.old(&it.name)?, after, copy?))
    })
}

fn not_null(file: &File<'_>, found: &mut Vec<Question>) {
    let mut ask = |code: &'static str, table: &str, column: &str, at: usize, what: &str| {
        let (quoted, name) = (identifier(table), identifier(column));
        let message = format!("{column} of {table} holds NULL, and is NOT NULL after this: {what}");
        found.push(Question {
            query: Query::new(format!(
                "SELECT count(*) FROM {quoted} WHERE {name} IS NULL"
            )),
            above: 0,
            finding: finding(code, message)
                .at(file.statements[at].origin())
                .help(block(
                    "give these rows a value before it:",
                    &[format!(
                        "UPDATE {quoted} SET {name} = … WHERE {name} IS NULL;"
                    )],
                )),
            counts: "such rows",
        });
    };
    for (before, after, at) in rebuilt(file) {
        for column in &before.columns {
            let Some(now) = after.column(&column.name).map(|at| &after.columns[at]) else {
                continue;
            };
            if column.nullability == Nullability::NotNull
                || now.nullability == Nullability::Nullable
                || !has(file, &before.name, &column.name)
            {
                continue;
            }
            // The copy, or an UPDATE before it, may replace NULL.
            let statement = &file.statements[at];
            let replaces = ["COALESCE", "IFNULL", "CASE", "IIF", "WHERE"]
                .iter()
                .any(|word| statement.has(&[word]));
            let updated = file
                .statements
                .iter()
                .take(at)
                .any(|it| it.kind == Kind::Update && it.names(&column.name));
            if !replaces && !updated && !ignores(statement) {
                ask("DD204", &before.name, &column.name, at, "the copy fails");
            }
        }
    }
    for it in retyped(file) {
        if it.is.not_null && it.was.nullability == Nullability::Nullable {
            ask(
                "DD209",
                &it.table,
                &it.column,
                it.at,
                "libSQL does not look at the rows that are there",
            );
        }
    }
}

/// A column that libSQL's `ALTER COLUMN … TO` changes.
struct Retyped<'f> {
    /// The number of the statement.
    at: usize,
    table: String,
    column: String,
    was: &'f Column,
    is: Definition,
}

/// Those whose rows are as they were: no UPDATE before it names the column.
fn retyped<'f>(file: &'f File<'_>) -> impl Iterator<Item = Retyped<'f>> + 'f {
    altered(file).filter_map(|(at, table, column, is)| {
        let old = file.old(&table)?;
        let was = old.column(&column).map(|at| &old.columns[at])?;
        let mut before = file.statements.iter().take(at);
        let updated = before.any(|it| it.kind == Kind::Update && it.names(&column));
        let has_old_rows = !updated && has(file, &table, &column);
        has_old_rows.then_some(Retyped {
            at,
            table,
            column,
            was,
            is,
        })
    })
}

/// Texts that read as numbers, in columns that libSQL's `ALTER COLUMN` gives a type of numbers.
fn types(file: &File<'_>, found: &mut Vec<Question>) {
    for Retyped {
        at,
        table,
        column,
        was,
        is,
    } in retyped(file)
    {
        let is_numeric = [Affinity::Integer, Affinity::Real, Affinity::Numeric]
            .contains(&affinity(&is.declared, Strictness::Flexible));
        if is_numeric && [Affinity::Text, Affinity::Blob].contains(&was.affinity) {
            let (quoted, name) = (identifier(&table), identifier(&column));
            // The comparison takes a text that is a number for that number.
            let condition = format!("typeof({name}) = 'text' AND {name} = CAST({name} AS NUMERIC)");
            let message = format!(
                "rows of {table} have texts in {column} that read as numbers: libSQL leaves them texts in a column of type \
                 {}, where no query for a number finds them",
                is.declared
            );
            found.push(Question {
                query: Query::new(format!("SELECT count(*) FROM {quoted} WHERE {condition}")),
                above: 0,
                finding: finding("DD209", message)
                    .at(file.statements[at].origin())
                    .help(
                        "rebuild the table, which stores them as numbers: create a new one, copy the rows, drop the old one, \
                         rename the new one",
                    ),
                counts: "such rows",
            });
        }
    }
}

fn checks(file: &File<'_>, found: &mut Vec<Question>) {
    for added in added(file) {
        let (Some(table), false) = (file.old(&added.table), added.column.checks.is_empty()) else {
            continue;
        };
        let default = added.column.default.as_ref();
        if default.is_some_and(|it| it.value == DefaultValue::Computed) {
            continue;
        }
        let value = default.map_or("NULL", |it| &it.text);
        let (quoted, name) = (identifier(&table.name), identifier(&added.column.name));
        let check = added.column.checks.join(" AND ");
        let message = format!(
            "rows of {} violate CHECK {check} with the value that {} gets: adding the column fails",
            table.name, added.column.name
        );
        found.push(Question {
            query: Query::new(format!("SELECT count(*) FROM (SELECT *, {value} AS {name} FROM {quoted}) WHERE NOT ({check})")),
            above: 0,
            finding: finding("DD205", message).at(added.statement.part(added.column.span.clone())).help(format!(
                "give {} a default for which the CHECK holds",
                added.column.name
            )),
            counts: "such rows",
        });
    }
    for (at, table, column, new) in altered(file) {
        if new.checks.is_empty() || !has(file, &table, &column) {
            continue;
        }
        let known = File::declared(file.before, &table);
        let known = known.as_ref().and_then(|it| it.column(&column));
        if known.is_some_and(|known| known.checks == new.checks) {
            continue;
        }
        let check = new.checks.join(" AND ");
        let message = format!(
            "rows of {table} violate CHECK {check}, and libSQL does not look at the rows that are there"
        );
        found.push(Question {
            query: Query::new(format!(
                "SELECT count(*) FROM {} WHERE NOT ({check})",
                identifier(&table)
            )),
            above: 0,
            finding: finding("DD209", message)
                .at(file.statements[at].origin())
                .help(block(
                    "see them, and correct them first:",
                    &[format!(
                        "SELECT * FROM {} WHERE NOT ({check});",
                        identifier(&table)
                    )],
                )),
            counts: "such rows",
        });
    }
}

/// Values that another affinity changes, or that a STRICT table refuses.
fn values(file: &File<'_>, found: &mut Vec<Question>) {
    for (before, after, at) in rebuilt(file) {
        for column in &before.columns {
            let Some(now) = after.column(&column.name).map(|at| &after.columns[at]) else {
                continue;
            };
            let is_numeric = |affinity| {
                matches!(
                    affinity,
                    Affinity::Integer | Affinity::Real | Affinity::Numeric
                )
            };
            let cast = file.statements[at].has(&["CAST"]);
            if cast || !has(file, &before.name, &column.name) {
                continue;
            }
            let name = identifier(&column.name);
            let is_strict =
                before.strictness == Strictness::Flexible && after.strictness == Strictness::Strict;
            let (condition, message) = if is_strict && now.affinity == Affinity::Integer {
                // Text that reads as a whole number is taken.
                (
                    format!(
                        "typeof({name}) NOT IN ('integer', 'null') AND (typeof({name}) = 'blob' OR CAST({name} AS INTEGER) <> {name} OR CAST(CAST({name} AS INTEGER) AS TEXT) <> CAST({name} AS TEXT) AND typeof({name}) = 'text')"
                    ),
                    format!(
                        "{} of {} holds values that are no integers: the STRICT table refuses them, and the copy fails",
                        column.name, before.name
                    ),
                )
            } else if is_strict && now.affinity == Affinity::Text {
                (
                    format!("typeof({name}) = 'blob'"),
                    format!(
                        "{} of {} holds blobs: the STRICT table refuses them, and the copy fails",
                        column.name, before.name
                    ),
                )
            } else if !is_numeric(column.affinity) && is_numeric(now.affinity) {
                (
                    format!(
                        "typeof({name}) = 'text' AND {name} GLOB '*[0-9]*' AND NOT {name} GLOB '*[^0-9.eE+-]*' AND CAST(CAST({name} AS NUMERIC) AS TEXT) <> {name}"
                    ),
                    format!(
                        "{} of {} is copied into {}: texts such as '007' become numbers",
                        column.name, before.name, now.declared
                    ),
                )
            } else {
                continue;
            };
            let quoted = identifier(&before.name);
            found.push(Question {
                query: Query::new(format!("SELECT count(*) FROM {quoted} WHERE {condition}")),
                above: 0,
                finding: finding("RB305", message).at(file.statements[at].origin()).help(block(
                    "see them, and keep the type, or write in the copy what they are to become:",
                    &[format!("SELECT {name} FROM {quoted} WHERE {condition};")],
                )),
                counts: "such values",
            });
        }
    }
}

/// Work of many rows in one transaction, on a server.
fn long(file: &File<'_>, found: &mut Vec<Question>) {
    if file.target != Target::Libsql {
        return;
    }
    let mut asked: Vec<&str> = Vec::new();
    for (at, statement) in file.numbered() {
        let table = match &statement.kind {
            Kind::Insert if file.moves.copies.iter().any(|copy| copy.at == at) => {
                let rebuilt = file.moves.rebuilt.iter();
                let mut of = rebuilt.filter(|it| {
                    it.copies
                        .iter()
                        .any(|copy| file.moves.copies[*copy].at == at)
                });
                of.next().map(|it| it.name.clone())
            }
            Kind::Create(object) if object.what == What::Index => object.table.clone(),
            Kind::Update if !statement.has(&["WHERE"]) => statement.name(1).map(|(name, _)| name),
            _ => None,
        };
        let Some(table) = table.and_then(|name| file.old(&name)) else {
            continue;
        };
        if asked.contains(&table.name.as_str()) {
            continue;
        }
        asked.push(&table.name);
        let quoted = identifier(&table.name);
        let message = format!(
            "this works on all rows of {}: a libSQL server may end a transaction of more than 5 s where another one waits",
            table.name
        );
        let keys = list(columns_of(table, &table.primary_key));
        let keys = if keys.is_empty() {
            "rowid".to_owned()
        } else {
            keys
        };
        found.push(Question {
            query: Query::new(format!("SELECT count(*) FROM (SELECT 1 FROM {quoted} LIMIT {})", MANY_ROWS + 1)),
            above: MANY_ROWS,
            finding: finding("TX505", message).at(statement.origin()).help(block(
                "fill new columns in parts, outside of the migration, and migrate when the load is low:",
                &[format!("UPDATE {quoted} SET … WHERE {keys} IN (SELECT {keys} FROM {quoted} WHERE … LIMIT 10000);")],
            )),
            counts: "rows or more",
        });
    }
}
