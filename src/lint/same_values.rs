//! DD203 where the files alone tell it: a unique index on columns that have one value in every row that is there, because the
//! same run has given it to all of them. Pure; where anything else may have happened to the rows, it is silent.

use std::collections::BTreeMap;

use super::Runs;
use super::adding::added;
use super::definition::DefaultValue;
use super::file::{File, finding, list};
use super::indexing::index_columns;
use super::question::Question;
use super::recipe::block;
use super::statement::{Action, Statement};
use crate::db::Query;
use crate::diagnostic::Diagnostic;
use crate::schema::ObjectKind;
use crate::sql::{Kind, TokenKind, What, identifier};

/// The columns with one value in all rows, as written: by table and column in lower case.
type Same = BTreeMap<(String, String), String>;

/// The unique indexes that a table with two rows refuses, each with the question whether it has two, by the number of their
/// file.
pub(super) fn check(files: &[File<'_>], runs: Runs) -> Vec<(usize, Question)> {
    let mut found = Vec::new();
    let mut same = Same::new();
    let mut is_known = true;
    let mut run = None;
    for (number, file) in files.iter().enumerate() {
        let first = file.first.map(std::ptr::from_ref);
        if runs == Runs::EachFile || run != first {
            // Programs write between two runs.
            run = first;
            is_known = true;
            same.clear();
        }
        if file.after.is_none() {
            break;
        }
        for (at, statement) in file.numbered() {
            is_known &= !may_do_more(file, statement);
            if !is_known {
                same.clear();
            } else if let Some(question) = refused(file, statement, &same) {
                found.push((number, question));
            } else {
                follow(file, (at, statement), &mut same);
            }
        }
    }
    found
}

/// Whether rows may go, or triggers may change them: then nothing is known from here on.
fn may_do_more(file: &File<'_>, statement: &Statement<'_>) -> bool {
    let has_triggers = || {
        let there = [file.before, file.after].into_iter().flatten();
        let mut triggers = there.flat_map(|it| it.objects(ObjectKind::Trigger));
        triggers.next().is_some()
    };
    match &statement.kind {
        Kind::Delete => true,
        Kind::Drop(object) => object.what == What::Table,
        Kind::Insert => {
            let replaces = ["REPLACE", "CONFLICT"];
            replaces.iter().any(|word| statement.has(&[word])) || has_triggers()
        }
        Kind::Update => statement.is(1, "OR") || has_triggers(),
        _ => false,
    }
}

/// What a statement makes of the values.
fn follow(file: &File<'_>, (at, statement): (usize, &Statement<'_>), same: &mut Same) {
    match &statement.kind {
        Kind::Alter => altered(file, (at, statement), same),
        Kind::Update => updated(statement, same),
        Kind::Insert | Kind::Select | Kind::Explain | Kind::Create(_) => {}
        _ => same.retain(|(table, _), _| !statement.names(table)),
    }
}

fn altered(file: &File<'_>, (at, statement): (usize, &Statement<'_>), same: &mut Same) {
    let Some(alter) = statement.alter() else {
        return same.clear();
    };
    let key = |column: &str| {
        (
            alter.table.to_ascii_lowercase(),
            column.to_ascii_lowercase(),
        )
    };
    match &alter.action {
        Action::Add(_) => {
            let Some(added) = added(file).find(|it| it.at == at) else {
                return;
            };
            let default = added.column.default.as_ref();
            let constant = default.filter(|it| it.value == DefaultValue::Constant);
            if let (Some(default), None) = (constant, added.column.generated) {
                same.insert(key(&added.column.name), default.text.clone());
            }
        }
        Action::Drop(column) => {
            same.remove(&key(column));
        }
        Action::Rename(to) => {
            let to = to.to_ascii_lowercase();
            same.retain(|(table, _), _| !table.eq_ignore_ascii_case(&alter.table) && *table != to);
        }
        Action::RenameColumn(..) | Action::AlterTo(..) | Action::Other => {
            same.retain(|(table, _), _| !table.eq_ignore_ascii_case(&alter.table));
        }
    }
}

fn updated(statement: &Statement<'_>, same: &mut Same) {
    let Some((table, at)) = statement.name(1) else {
        return same.clear();
    };
    let table = table.to_ascii_lowercase();
    // What is named may have any value now.
    same.retain(|(it, column), _| *it != table || !statement.names(column));
    if !statement.is(at, "SET") || statement.has(&["WHERE"]) {
        return;
    }
    let mut at = at + 1;
    let mut given = Vec::new();
    while let Some((column, behind)) = statement.name(at) {
        let Some((value, end)) = assigned(statement, behind) else {
            return;
        };
        given.push((column.to_ascii_lowercase(), value));
        at = end + 1;
        match statement.text(end) {
            "," => {}
            "" => {
                let given = given.into_iter();
                same.extend(given.map(|(column, value)| ((table.clone(), column), value)));
                return;
            }
            _ => return,
        }
    }
}

/// The constant that is assigned at a token, and the place behind it.
fn assigned(statement: &Statement<'_>, at: usize) -> Option<(String, usize)> {
    let is_constant = |at: usize| {
        let token = statement.tokens.get(at);
        token.is_some_and(|token| {
            matches!(
                token.kind,
                TokenKind::String | TokenKind::Number | TokenKind::Blob
            )
        })
    };
    let begin = at + 1;
    let signed = ["-", "+"].contains(&statement.text(begin));
    let last = begin + usize::from(signed);
    (statement.text(at) == "=" && is_constant(last)).then(|| {
        let span = statement.tokens[begin].span.start..statement.tokens[last].span.end;
        (statement.sql[span].to_owned(), last + 1)
    })
}

/// The question of a unique index that a table with two rows refuses.
fn refused(file: &File<'_>, statement: &Statement<'_>, same: &Same) -> Option<Question> {
    let Kind::Create(object) = &statement.kind else {
        return None;
    };
    if object.what != What::Index || !object.unique || statement.has(&["WHERE"]) {
        return None;
    }
    let table = file.old(object.table.as_ref()?)?;
    let is_there = file
        .before?
        .object(ObjectKind::Index, &object.name)
        .is_some();
    let columns = index_columns(statement.sql)?;
    let commas = statement.tokens.iter();
    let commas = commas.filter(|it| it.text(statement.sql) == ",").count();
    if columns.is_empty() || commas + 1 != columns.len() || is_there {
        return None;
    }
    let value = |column: &String| {
        let key = (table.name.to_ascii_lowercase(), column.to_ascii_lowercase());
        same.get(&key)
    };
    let values: Option<Vec<&String>> = columns.iter().map(value).collect();
    let values: Vec<&str> = values?.into_iter().map(String::as_str).collect();
    let (quoted, names) = (
        identifier(&table.name),
        list(columns.iter().map(String::as_str)),
    );
    let message = format!(
        "every row of {} has {} in {names} here: the unique index cannot be created where there are two rows",
        table.name,
        values.join(", ")
    );
    let found = finding("DD203", message).at(statement.origin());
    Some(Question {
        query: Query::new(format!(
            "SELECT count(*) FROM (SELECT 1 FROM {quoted} LIMIT 2)"
        )),
        above: 1,
        finding: with_help(found, &quoted, &columns),
        counts: "rows or more",
    })
}

fn with_help(found: Diagnostic, table: &str, columns: &[String]) -> Diagnostic {
    let column = columns.first().map(String::as_str).unwrap_or_default();
    found.help(block(
        "give each row a value of its own before the index:",
        &[format!("UPDATE {table} SET {} = …;", identifier(column))],
    ))
}
