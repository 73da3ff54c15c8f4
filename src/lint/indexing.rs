//! SC801 and SC806: foreign keys without an index, and indexes that another one makes redundant.

use super::adding::added;
use super::definition::created;
use super::file::{File, columns_of, finding, list};
use super::recipe::block;
use crate::diagnostic::Diagnostic;
use crate::schema::{Catalogue, ForeignKey, ObjectKind, TableKind, TableShape};
use crate::sql::{Kind, TokenKind, What, identifier, significant, unquote};

pub(super) fn check(file: &File<'_>, found: &mut Vec<Diagnostic>) {
    indexes(file, found);
    if let Some(after) = file.after {
        references(file, after, found);
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
    for child in file
        .touched()
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
