//! SC802 to SC805 and SC807: how tables are made and filled.

use super::definition::{Created, created};
use super::file::{File, changes_children, columns_of, finding, list};
use super::recipe::block;
use super::statement::Statement;
use crate::diagnostic::{Diagnostic, Severity};
use crate::schema::{Affinity, Catalogue, Nullability, RowId, Strictness, TableKind, TableShape};
use crate::sql::{Kind, TokenKind, What, identifier, unquote};

pub(super) fn check(file: &File<'_>, found: &mut Vec<Diagnostic>) {
    strings(file, found);
    replaces(file, found);
    let Some(after) = file.after else {
        return;
    };
    for (at, statement) in file.numbered() {
        let Kind::Create(object) = &statement.kind else {
            continue;
        };
        if object.what != What::Table || object.is_temporary() {
            continue;
        }
        // It may end under another name.
        let name = file
            .moves
            .rebuilt
            .iter()
            .find(|it| it.create == at)
            .map(|it| it.name.clone());
        let name = name.unwrap_or_else(|| object.name.clone());
        let Some(table) = after
            .table(&name)
            .filter(|it| it.kind == TableKind::Ordinary)
        else {
            continue;
        };
        let Some(created) = created(statement.sql).filter(|it| !it.from_select) else {
            continue;
        };
        // What IF NOT EXISTS left as it was is not made here.
        if created
            .columns
            .iter()
            .any(|it| table.column(&it.name).is_none())
            || created.columns.is_empty()
        {
            continue;
        }
        let is_new = file
            .before
            .is_none_or(|before| before.table(&name).is_none());
        made(statement, table, &created, is_new, found);
        if is_new && table.strictness == Strictness::Flexible && others_are_strict(file) {
            let message = format!(
                "{name} is not STRICT, and most tables of the schema are: its columns take values of any type"
            );
            found.push(
                finding("SC804", message)
                    .at(statement.origin())
                    .help("write STRICT behind the closing parenthesis"),
            );
        }
    }
}

/// Whether most tables before the file are STRICT.
fn others_are_strict(file: &File<'_>) -> bool {
    let tables = file.before.into_iter().flat_map(Catalogue::tables);
    let tables = tables.filter(|it| it.kind == TableKind::Ordinary);
    let (strict, flexible): (Vec<_>, Vec<_>) =
        tables.partition(|it| it.strictness == Strictness::Strict);
    strict.len() > 1 && strict.len() > flexible.len()
}

fn made(
    statement: &Statement<'_>,
    table: &TableShape,
    created: &Created,
    is_new: bool,
    found: &mut Vec<Diagnostic>,
) {
    let name = &table.name;
    // A unique key identifies a row too.
    if table.primary_key.is_empty() && table.unique.is_empty() && is_new {
        let message = format!("{name} has no primary key: no column identifies a row");
        found.push(finding("SC802", message).at(statement.origin()).help(block(
            "give it one:",
            &["id INTEGER PRIMARY KEY".to_owned()],
        )));
    }
    if let &[key] = table.primary_key.as_slice()
        && let Some(column) = table.columns.get(key)
        && column.affinity == Affinity::Integer
        && table.integer_key().is_none()
        && table.rowid == RowId::Has
        && column.nullability == Nullability::Nullable
        && !column.declared.eq_ignore_ascii_case("INTEGER")
        && let Some(written) = created.column(&column.name)
    {
        let message = format!(
            "{} {} PRIMARY KEY is not the rowid: it takes NULL, and the engine gives it no number",
            column.name, column.declared
        );
        found.push(
            finding("SC803", message)
                .at(statement.part(written.span.clone()))
                .help(block(
                    "write in its place:",
                    &[format!("{} INTEGER PRIMARY KEY", identifier(&column.name))],
                )),
        );
    }
    for written in &created.columns {
        let declared = written.declared.to_ascii_uppercase();
        let (is, meant) = match () {
            () if declared.contains("STRING") && !declared.contains("INT") => {
                ("NUMERIC: the text '007' is stored as the number 7", "TEXT")
            }
            () if declared.contains("FLOATING POINT") => {
                ("INTEGER, for the INT in POINT: 1.0 is stored as 1", "REAL")
            }
            () => continue,
        };
        let message = format!(
            "the type {} of {} has the affinity {is}",
            written.declared, written.name
        );
        found.push(
            finding("SC804", message)
                .at(statement.part(written.span.clone()))
                .help(block(
                    "write:",
                    &[format!("{} {meant}", identifier(&written.name))],
                )),
        );
    }
}

/// Names in double quotes that the engine reads as a string: it tells most of them, and the tokens of a definition the others.
fn strings(file: &File<'_>, found: &mut Vec<Diagnostic>) {
    let texts = file.stage.texts.as_deref();
    for statement in &file.statements {
        let of_engine: Vec<(usize, Option<&str>)> = match texts {
            Some(texts) => {
                let place = |at: usize| statement.token(at).span;
                let text_at = |at: usize| texts.iter().find(|it| it.span == place(at));
                let tokens = 0..statement.tokens.len();
                let quoted = tokens.filter(|at| statement.text(*at).starts_with('"'));
                let found = quoted.filter_map(|at| Some((at, text_at(at)?.column_of.as_deref())));
                found.collect()
            }
            None => Vec::new(),
        };
        let mut places: Vec<usize> = of_engine.iter().map(|(at, _)| *at).collect();
        places.extend(by_tokens(statement, texts.is_some()));
        places.sort_unstable();
        places.dedup();
        let meant = of_engine.iter().find_map(|(at, of)| Some((*at, (*of)?)));
        let Some(first) = meant.map(|(at, _)| at).or(places.first().copied()) else {
            continue;
        };
        let (written, text) = (statement.text(first), unquote(statement.text(first)));
        let single = format!("'{}'", text.replace('\'', "''"));
        let mut diagnostic = match meant {
            Some((_, table)) => {
                let message = format!(
                    "{written} is the text {single} here and no column: nothing that this statement reads has a column \
                     {text}, which {table} has"
                );
                let mut diagnostic = finding("SC805", message).help(format!(
                    "leave the column out, or read it from a table that has it; write {single} where the text is meant"
                ));
                diagnostic.severity = Severity::Error;
                diagnostic
            }
            None => {
                let message = format!(
                    "{written} is in double quotes: it is read as a string only because no column has that name, and not by \
                     every engine"
                );
                finding("SC805", message).help(format!("write {single}"))
            }
        };
        diagnostic = diagnostic.at(statement.token(first)).note(
            "the Turso engine and builds of SQLite with SQLITE_DQS=0 refuse it: no such column",
        );
        if places.len() > 1 {
            diagnostic = diagnostic.note(format!("the statement has {} of them", places.len()));
        }
        found.push(diagnostic);
    }
}

/// `"text"` where only a string can stand. `is_asked` says whether the engine was asked about what is no definition.
fn by_tokens(statement: &Statement<'_>, is_asked: bool) -> Vec<usize> {
    let mut places = Vec::new();
    let is_quoted = |at: usize| {
        let token = statement.tokens.get(at);
        let is_name = token.is_some_and(|it| it.kind == TokenKind::QuotedName);
        // The table in front of a column is a name.
        let is_part = statement.text(at + 1) == "." || statement.text(at.wrapping_sub(1)) == ".";
        is_name && !is_part && statement.text(at).starts_with('"')
    };
    match &statement.kind {
        Kind::Create(object) if object.what == What::Table => {
            let columns = created(statement.sql)
                .map(|it| it.columns)
                .unwrap_or_default();
            let is_column = |at: usize| {
                columns
                    .iter()
                    .any(|it| it.name.eq_ignore_ascii_case(&unquote(statement.text(at))))
            };
            for at in 0..statement.tokens.len() {
                if statement.is(at, "DEFAULT") && is_quoted(at + 1) {
                    places.push(at + 1);
                } else if statement.is(at, "CHECK") && statement.text(at + 1) == "(" {
                    let inside = at + 1..statement.behind(at + 1);
                    places.extend(inside.filter(|at| is_quoted(*at) && !is_column(*at)));
                }
            }
        }
        Kind::Alter => {
            let begin = statement.find(0, &["DEFAULT"]);
            places.extend(begin.map(|at| at + 1).filter(|at| is_quoted(*at)));
        }
        Kind::Insert if !is_asked => {
            let Some(values) = statement.find(0, &["VALUES"]) else {
                return places;
            };
            let end = statement
                .find(values, &["ON", "CONFLICT"])
                .or_else(|| statement.find(values, &["RETURNING"]));
            let inside = values + 1..end.unwrap_or(statement.tokens.len());
            let has_select = inside.clone().any(|at| statement.is(at, "SELECT"));
            places.extend(inside.filter(|at| is_quoted(*at) && !has_select));
        }
        _ => {}
    }
    places
}

/// `INSERT OR REPLACE` into a table that others refer to.
fn replaces(file: &File<'_>, found: &mut Vec<Diagnostic>) {
    for (at, statement) in file.numbered() {
        let begin = match statement.kind {
            Kind::Insert if statement.are(0, &["INSERT", "OR", "REPLACE", "INTO"]) => 4,
            Kind::Insert if statement.are(0, &["REPLACE", "INTO"]) => 2,
            _ => continue,
        };
        let Some((name, _)) = statement.name(begin) else {
            continue;
        };
        let Some(table) = file.old(&name).filter(|_| file.enforces(at)) else {
            continue;
        };
        let followers = file.followers(&name);
        let Some((child, key)) = followers.iter().find(|(_, key)| changes_children(key)) else {
            continue;
        };
        let columns: Vec<&str> = table.columns.iter().map(|it| it.name.as_str()).collect();
        let keys = columns_of(table, &table.primary_key);
        let set: Vec<String> = columns
            .iter()
            .filter(|it| !keys.contains(it))
            .map(|it| format!("{0} = excluded.{0}", identifier(it)))
            .collect();
        let message = format!(
            "where the row is there, it is deleted first, and the rows of {} that refer to it follow (ON DELETE {})",
            child.name, key.on_delete
        );
        found.push(finding("SC807", message).at(statement.token(0)).help(block(
            "update the row instead:",
            &[format!(
                "INSERT INTO {} (…) VALUES (…) ON CONFLICT ({}) DO UPDATE SET {};",
                identifier(&table.name),
                list(keys),
                set.join(", ")
            )],
        )));
    }
}
