//! SC801 to SC807: how tables, keys and indexes are made.

use super::adding::added;
use super::definition::{Created, created};
use super::file::{File, changes_children, columns_of, finding, list};
use super::recipe::block;
use crate::diagnostic::Diagnostic;
use crate::schema::{
    Affinity, Catalogue, ForeignKey, Nullability, ObjectKind, RowId, TableKind, TableShape,
};
use crate::sql::{Kind, TokenKind, What, identifier, significant, unquote};

pub(super) fn check(file: &File<'_>, found: &mut Vec<Diagnostic>) {
    strings(file, found);
    replaces(file, found);
    indexes(file, found);
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
    }
    references(file, after, found);
}

fn made(
    statement: &super::statement::Statement<'_>,
    table: &TableShape,
    created: &Created,
    is_new: bool,
    found: &mut Vec<Diagnostic>,
) {
    let name = &table.name;
    if table.primary_key.is_empty() && is_new {
        let message = format!("{name} has no primary key: no column names a row");
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
            "{} {} PRIMARY KEY is not the rowid: it takes NULL, and gets no number by itself",
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

/// Foreign keys that the file declares, without an index that begins with their columns at the end of the run.
fn references(file: &File<'_>, after: &Catalogue, found: &mut Vec<Diagnostic>) {
    let last = file.last.unwrap_or(after);
    let known = |child: &TableShape, key: &ForeignKey| {
        let table = file.before.and_then(|before| before.table(&child.name));
        let columns = columns_of(child, &key.columns);
        table.is_some_and(|table| {
            table
                .foreign_keys
                .iter()
                .any(|it| columns_of(table, &it.columns) == columns)
        })
    };
    for child in after
        .tables()
        .filter(|it| it.kind == TableKind::Ordinary && !file.is_untouched(it))
    {
        let keys: Vec<&ForeignKey> = child
            .foreign_keys
            .iter()
            .filter(|key| !known(child, key))
            .collect();
        if keys.is_empty() {
            continue;
        }
        let Some(at_end) = last.table(&child.name) else {
            continue;
        };
        let origin = file
            .statements
            .iter()
            .find_map(|statement| match &statement.kind {
                Kind::Create(object)
                    if object.what == What::Table
                        && object.name.eq_ignore_ascii_case(&child.name) =>
                {
                    Some(statement.origin())
                }
                _ => None,
            });
        for key in keys {
            let columns = columns_of(child, &key.columns);
            if is_covered(last, at_end, &columns) {
                continue;
            }
            let of_column = added(file).find(|it| {
                columns.len() == 1
                    && it.column.name.eq_ignore_ascii_case(columns[0])
                    && it.table.eq_ignore_ascii_case(&child.name)
            });
            let origin = of_column
                .map(|it| it.statement.part(it.column.span))
                .or_else(|| place(file, child, &columns))
                .or_else(|| origin.clone());
            let Some(origin) = origin else {
                continue;
            };
            let index = identifier(&format!("{}_{}", child.name, columns.join("_")));
            let message = format!(
                "{} ({}) refers to {} and has no index: each change of a row there reads all of {}",
                child.name,
                columns.join(", "),
                key.parent,
                child.name
            );
            found.push(finding("SC801", message).at(origin).help(block(
                "create one:",
                &[format!(
                    "CREATE INDEX {index} ON {} ({});",
                    identifier(&child.name),
                    list(columns.iter().copied())
                )],
            )));
        }
    }
}

/// The definition of the first column of a foreign key in the CREATE TABLE of its table.
fn place(file: &File<'_>, child: &TableShape, columns: &[&str]) -> Option<crate::script::Origin> {
    file.statements.iter().find_map(|statement| {
        let Kind::Create(object) = &statement.kind else {
            return None;
        };
        let is_it = object.what == What::Table && object.name.eq_ignore_ascii_case(&child.name);
        let created = created(statement.sql).filter(|_| is_it)?;
        let column = created.column(columns.first()?)?;
        Some(statement.part(column.span.clone()))
    })
}

/// Whether an index or a key begins with these columns, in any order.
fn is_covered(catalogue: &Catalogue, table: &TableShape, columns: &[&str]) -> bool {
    let begins = |index: &[String]| {
        index.len() >= columns.len()
            && index[..columns.len()]
                .iter()
                .all(|it| columns.iter().any(|column| column.eq_ignore_ascii_case(it)))
    };
    let names = |places: &[usize]| -> Vec<String> {
        columns_of(table, places)
            .into_iter()
            .map(str::to_owned)
            .collect()
    };
    let unique = table.unique.iter().map(|index| names(&index.columns));
    let made = catalogue
        .of_table(ObjectKind::Index, &table.name)
        .filter_map(|it| {
            // A partial index holds for its rows only, but one of all rows that are not NULL is as good.
            index_columns(&it.sql)
        });
    begins(&names(&table.primary_key)) || unique.chain(made).any(|index| begins(&index))
}

/// The columns of an index, up to the first expression; none where it is no index.
pub(super) fn index_columns(sql: &str) -> Option<Vec<String>> {
    let tokens: Vec<_> = significant(sql).collect();
    let on = tokens.iter().position(|it| it.is_word(sql, "ON"))?;
    let open = tokens.iter().skip(on).position(|it| it.text(sql) == "(")? + on;
    let mut names = Vec::new();
    for part in crate::sql::parts(sql, &tokens[open + 1..]) {
        let is_name =
            |it: &crate::sql::Token| matches!(it.kind, TokenKind::Word | TokenKind::QuotedName);
        match part {
            [first, rest @ ..]
                if is_name(first) && rest.first().is_none_or(|it| it.kind == TokenKind::Word) =>
            {
                names.push(unquote(first.text(sql)));
            }
            _ => break,
        }
    }
    Some(names)
}

/// `"text"` where only a string can stand.
fn strings(file: &File<'_>, found: &mut Vec<Diagnostic>) {
    for statement in &file.statements {
        let mut places = Vec::new();
        let is_quoted = |at: usize| {
            let token = statement.tokens.get(at);
            let is_name = token.is_some_and(|it| it.kind == TokenKind::QuotedName);
            // The table in front of a column is a name.
            let is_part =
                statement.text(at + 1) == "." || statement.text(at.wrapping_sub(1)) == ".";
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
            Kind::Insert => {
                let Some(values) = statement.find(0, &["VALUES"]) else {
                    continue;
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
        let Some(first) = places.first() else {
            continue;
        };
        let text = unquote(statement.text(*first));
        let message = format!(
            "{} is in double quotes: it is read as a string only because no column has that name, and not by every engine",
            statement.text(*first)
        );
        let mut diagnostic = finding("SC805", message)
            .at(statement.token(*first))
            .help(format!("write '{}'", text.replace('\'', "''")));
        if places.len() > 1 {
            diagnostic = diagnostic.note(format!("the statement has {} of them", places.len()));
        }
        found.push(diagnostic);
    }
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

/// Indexes of the file that another one of the table makes redundant.
fn indexes(file: &File<'_>, found: &mut Vec<Diagnostic>) {
    let Some(last) = file.last else {
        return;
    };
    for statement in &file.statements {
        let Kind::Create(object) = &statement.kind else {
            continue;
        };
        if object.what != What::Index
            || object.unique
            || statement.has(&["WHERE"])
            || statement.has(&["COLLATE"])
        {
            continue;
        }
        let (Some(there), Some(columns)) = (
            last.object(ObjectKind::Index, &object.name),
            index_columns(statement.sql),
        ) else {
            continue;
        };
        let tokens = statement
            .tokens
            .iter()
            .filter(|it| it.text(statement.sql) == ",")
            .count();
        let Some(table) = last
            .table(&there.table)
            .filter(|_| tokens + 1 == columns.len())
        else {
            continue;
        };
        let begins = |index: &[String]| {
            index.len() >= columns.len()
                && index
                    .iter()
                    .zip(&columns)
                    .all(|(one, other)| one.eq_ignore_ascii_case(other))
        };
        let keys = table.unique.iter().map(|index| {
            let names = columns_of(table, &index.columns)
                .into_iter()
                .map(str::to_owned)
                .collect::<Vec<_>>();
            (
                index.name.clone(),
                names,
                index.collations.iter().all(|it| it == "BINARY"),
            )
        });
        let made = last
            .of_table(ObjectKind::Index, &table.name)
            .filter_map(|it| {
                let plain = !["WHERE", "COLLATE", "DESC"]
                    .iter()
                    .any(|word| super::rebuilding::has_word(&it.sql, word));
                Some((it.name.clone(), index_columns(&it.sql)?, plain))
            });
        let mut others = keys.chain(made).filter(|(name, index, plain)| {
            let is_other = !name.eq_ignore_ascii_case(&object.name);
            // Of two equal ones, the second is redundant.
            let is_later = index.len() == columns.len()
                && file.statements.iter().any(|it| std::ptr::eq(it, statement))
                && is_behind(file, statement, name);
            *plain && is_other && begins(index) && !is_later
        });
        let Some((other, ..)) = others.next() else {
            continue;
        };
        let of = if other.starts_with("sqlite_autoindex_") {
            "the index of a key of the table".to_owned()
        } else {
            other
        };
        let message = format!(
            "{} begins with the same columns as {}, which does its work: writing costs more for it",
            of, object.name
        );
        found.push(finding("SC806", message).at(statement.origin()).help(block(
            "leave it out; where it is applied already:",
            &[format!("DROP INDEX {};", identifier(&object.name))],
        )));
    }
}

/// Whether an index is created behind this statement.
fn is_behind(file: &File<'_>, statement: &super::statement::Statement<'_>, index: &str) -> bool {
    let behind = file
        .statements
        .iter()
        .skip_while(|it| !std::ptr::eq(*it, statement))
        .skip(1);
    let mut behind = behind;
    behind.any(
        |it| matches!(&it.kind, Kind::Create(object) if object.name.eq_ignore_ascii_case(index)),
    )
}
