//! DS101 to DS105: what is gone after the file.

use super::file::{File, changes_children, finding, list};
use super::keeping;
use super::recipe::block;
use super::runner::{Runner, Target};
use super::selecting::emptied;
use super::statement::{Action, Statement};
use crate::diagnostic::Diagnostic;
use crate::schema::{Column, ColumnKind, ForeignKey, ObjectKind, TableShape};
use crate::sql::{Kind, TokenKind, What, identifier};

pub(super) fn check(file: &File<'_>, found: &mut Vec<Diagnostic>) {
    tables(file, found);
    columns(file, found);
    every_row(file, found);
    children(file, found);
    objects(file, found);
}

fn tables(file: &File<'_>, found: &mut Vec<Diagnostic>) {
    let gone = file
        .moves
        .dropped
        .iter()
        .map(|(name, at)| (name, *at, false));
    let emptied = file.moves.rebuilt.iter().filter(|it| it.copies.is_empty());
    let emptied = emptied.filter_map(|it| Some((&it.name, it.drop?, true)));
    for (name, at, is_again) in gone.chain(emptied) {
        let Some(table) = file.old(name) else {
            continue;
        };
        let lost = lost(file, table, at);
        if lost.is_empty() {
            continue;
        }
        let name = &table.name;
        let is_kept = |column: &Column| {
            column.origin == ColumnKind::Plain && !lost.contains(&column.name.as_str())
        };
        let is_part = table.columns.iter().any(is_kept);
        let values = list(lost);
        let message = match (is_part, is_again) {
            (true, _) => {
                format!("this drops the table {name}, and nothing keeps the values of {values}")
            }
            (_, false) => format!("this drops the table {name} with all of its rows"),
            (_, true) => {
                format!("this drops the table {name} and creates it again without its rows")
            }
        };
        let columns = list(table.columns.iter().map(|column| column.name.as_str()));
        let kept = identifier(&format!("{name}_before"));
        found.push(
            finding("DS101", message)
                .at(file.statements[at].origin())
                .note(format!("its columns are {columns}"))
                .notes(file.moves.reads_rows(name, at).then(|| COUNTS.to_owned()))
                .help(match is_again {
                    false => "first deploy a release that does not use the table, and drop it with a later one; then write \
                              `-- seedbed: allow DS101: REASON` at the top of that file"
                        .to_owned(),
                    true => "copy the rows into the new table before the old one is dropped".to_owned(),
                })
                .help(block(
                    "or keep the rows for some time:",
                    &[format!("CREATE TABLE {kept} AS SELECT * FROM {};", identifier(name))],
                )),
        );
    }
}

/// Why a copy that is there was not enough.
const COUNTS: &str = "a copy counts where it has every row and the column, and is still there at the end of the file: no TEMP table, no \
                      WHERE, LIMIT, GROUP BY or JOIN";

/// The columns of an old table that nothing has at the end, once its rows go with this statement.
fn lost<'t>(file: &File<'_>, table: &'t TableShape, until: usize) -> Vec<&'t str> {
    let is_referred = file
        .before
        .is_some_and(|before| !before.references(&table.name).is_empty());
    let mut lost = keeping::lost(&file.statements, &file.moves, table, is_referred, until);
    let first = file.first.and_then(|first| first.table(&table.name));
    // What the same run added has no values yet.
    if lost.len() < table.columns.len() {
        lost.retain(|name| first.is_none_or(|first| first.column(name).is_some()));
    }
    lost
}

/// Columns that `DROP COLUMN` or a rebuild takes away.
fn columns(file: &File<'_>, found: &mut Vec<Diagnostic>) {
    for (at, statement) in file.numbered() {
        let Some(alter) = statement.alter() else {
            continue;
        };
        if let (Action::Drop(column), Some(table)) = (alter.action, file.old(&alter.table))
            && is_old_column(file, table, &column)
            && !keeps_column(file, &table.name, &column, at)
        {
            found.push(dropped(file, at, table, &column, statement));
        }
    }
    for rebuilt in &file.moves.rebuilt {
        let (Some(table), Some(after)) = (
            file.old(&rebuilt.name),
            file.after.and_then(|after| after.table(&rebuilt.name)),
        ) else {
            continue;
        };
        if rebuilt.copies.is_empty() {
            continue;
        }
        for column in &table.columns {
            let is_gone = after.column(&column.name).is_none();
            if is_gone
                && is_old_column(file, table, &column.name)
                && !keeps_column(file, &table.name, &column.name, file.statements.len())
            {
                let statement = &file.statements[rebuilt.create];
                let until = file.statements.len();
                found.push(dropped(file, until, table, &column.name, statement));
            }
        }
    }
}

fn is_old_column(file: &File<'_>, table: &TableShape, column: &str) -> bool {
    let first = file.first.and_then(|first| first.table(&table.name));
    let is_plain = |it: usize| table.columns[it].origin == ColumnKind::Plain;
    first.is_some_and(|first| first.column(column).is_some())
        && table.column(column).is_some_and(is_plain)
}

fn keeps_column(file: &File<'_>, table: &str, column: &str, until: usize) -> bool {
    keeping::keeps_column(&file.statements, &file.moves, table, column, until)
}

fn dropped(
    file: &File<'_>,
    until: usize,
    table: &TableShape,
    column: &str,
    statement: &Statement<'_>,
) -> Diagnostic {
    let is_copied = file.moves.copies.iter().any(|copy| {
        let is_kept_apart = file.moves.rebuild(&table.name).is_none();
        copy.at < until && is_kept_apart && file.statements[copy.at].names(column)
    });
    let name = &table.name;
    let kept = identifier(&format!("{name}_{column}_before"));
    let kept_columns = match table.primary_key.is_empty() {
        true => format!("rowid, {}", identifier(column)),
        false => {
            let keys = super::file::columns_of(table, &table.primary_key).into_iter();
            let others = keys.filter(|key| !key.eq_ignore_ascii_case(column));
            list(others.chain([column]))
        }
    };
    finding("DS102", format!("the column {column} of {name} is dropped with its values"))
        .at(statement.origin())
        .notes(is_copied.then(|| COUNTS.to_owned()))
        .help(
            "first deploy a release that does not use the column, and drop it with a later one; then write \
             `-- seedbed: allow DS102: REASON` at the top of that file",
        )
        .help(block(
            "or keep the values for some time:",
            &[format!(
                "CREATE TABLE {kept} AS SELECT {kept_columns} FROM {};",
                identifier(name)
            )],
        ))
}

fn every_row(file: &File<'_>, found: &mut Vec<Diagnostic>) {
    for (at, statement) in file.numbered() {
        let begin = match statement.kind {
            Kind::Delete => match emptied(statement) {
                Some((begin, _)) => begin,
                None => continue,
            },
            Kind::Update if statement.is(0, "UPDATE") && statement.is(1, "OR") => 3,
            Kind::Update if statement.is(0, "UPDATE") => 1,
            _ => continue,
        };
        let Some((name, behind)) = statement.name(begin) else {
            continue;
        };
        let is_delete = statement.kind == Kind::Delete;
        let chooses = ["WHERE", "LIMIT", "FROM"];
        if !is_delete && chooses.iter().any(|word| statement.has(&[word])) {
            continue;
        }
        let Some(table) = file.old(&name) else {
            continue;
        };
        let goes = file
            .moves
            .drops
            .iter()
            .any(|(it, _)| it.eq_ignore_ascii_case(&name));
        if goes {
            continue;
        }
        // A TEMP table may hide the one of this name.
        if is_delete && !file.moves.ends_at(&name, at) {
            continue;
        }
        if is_delete && lost(file, table, at).is_empty() {
            refilled(file, at, table, found);
            continue;
        }
        if is_delete {
            let following = following(file, table, at);
            let kept = identifier(&format!("{name}_before"));
            found.push(
                finding("DS103", format!("this deletes every row of {}", table.name))
                    .at(statement.origin())
                    .notes(following.iter().map(|it| refers(table, it)))
                    .help("say which rows with WHERE")
                    .help(block(
                        "or keep them for some time:",
                        &[format!(
                            "CREATE TABLE {kept} AS SELECT * FROM {};",
                            identifier(&name)
                        )],
                    )),
            );
            continue;
        }
        let Some(set) = statement.find(behind, &["SET"]) else {
            continue;
        };
        let Some(column) = overwritten(file, statement, table, set + 1) else {
            continue;
        };
        if keeps_column(file, &table.name, &column, at) {
            continue;
        }
        let (name, column) = (identifier(&table.name), identifier(&column));
        found.push(
            finding(
                "DS103",
                format!("this overwrites {column} in every row of {}", table.name),
            )
            .at(statement.origin())
            .help(block(
                "say which rows with WHERE, for example only those without a value:",
                &[format!(
                    "UPDATE {name} SET {column} = … WHERE {column} IS NULL;"
                )],
            )),
        );
    }
}

/// The first old column that an UPDATE sets to a value that has nothing to do with the row.
fn overwritten(
    file: &File<'_>,
    statement: &Statement<'_>,
    table: &TableShape,
    begin: usize,
) -> Option<String> {
    let mut at = begin;
    loop {
        let (column, equals) = statement.name(at)?;
        if statement.text(equals) != "=" {
            return None;
        }
        let mut end = equals + 1;
        while end < statement.tokens.len() && statement.text(end) != "," {
            end = match statement.text(end) {
                "(" => statement.behind(end),
                _ => end + 1,
            };
        }
        let reads = (equals + 1..end).any(|at| {
            const VALUES: [&str; 6] = [
                "NULL",
                "TRUE",
                "FALSE",
                "CURRENT_TIMESTAMP",
                "CURRENT_DATE",
                "CURRENT_TIME",
            ];
            let token = statement.tokens.get(at);
            let is_name =
                token.is_some_and(|it| matches!(it.kind, TokenKind::Word | TokenKind::QuotedName));
            let is_value = VALUES.iter().any(|word| statement.is(at, word));
            is_name && !is_value && statement.text(at + 1) != "("
        });
        let is_old = is_old_column(file, table, &column) && table.column(&column).is_some();
        if is_old && !reads {
            return Some(column);
        }
        if statement.text(end) != "," {
            return None;
        }
        at = end + 1;
    }
}

/// `DROP TABLE` deletes the rows first, and the rows that refer to them follow.
fn children(file: &File<'_>, found: &mut Vec<Diagnostic>) {
    for (name, at) in &file.moves.drops {
        let Some(table) = file.old(name).filter(|_| file.enforces(*at)) else {
            continue;
        };
        let changed = following(file, table, *at);
        let Some((child, key)) = changed.first() else {
            continue;
        };
        let what = match key.on_delete.eq_ignore_ascii_case("CASCADE") {
            true => "deletes every row of",
            false => "changes every row of",
        };
        let message = format!(
            "foreign keys are on here, so dropping {} {what} {} that refers to it",
            table.name, child.name
        );
        let mut diagnostic = finding("DS104", message).at(file.statements[*at].origin());
        diagnostic = diagnostic.notes(changed.iter().map(|it| refers(table, it)));
        found.push(diagnostic.help(without_keys(file)));
    }
}

/// Rows that are deleted and inserted again: those that refer to them do not come back.
fn refilled(file: &File<'_>, at: usize, table: &TableShape, found: &mut Vec<Diagnostic>) {
    let changed = following(file, table, at);
    let Some((child, key)) = changed.first() else {
        return;
    };
    let what = match key.on_delete.eq_ignore_ascii_case("CASCADE") {
        true => "deletes the rows",
        false => "changes the rows",
    };
    let message = format!(
        "foreign keys are on here, so deleting the rows of {} {what} of {} that refer to them, and inserting the rows again does \
         not bring those back",
        table.name, child.name
    );
    found.push(
        finding("DS104", message)
            .at(file.statements[at].origin())
            .notes(changed.iter().map(|it| refers(table, it)))
            .help(format!(
                "change the rows with UPDATE, or copy the rows of {} first and insert them again at the end",
                child.name
            )),
    );
}

/// The foreign keys whose rows change with the rows of a table, where the statement `at` removes these.
fn following<'a>(
    file: &File<'a>,
    table: &TableShape,
    at: usize,
) -> Vec<(&'a TableShape, &'a ForeignKey)> {
    if !file.enforces(at) {
        return Vec::new();
    }
    let mut found = file.unkept_followers(&table.name, at);
    found.retain(|(child, key)| {
        let is_empty = (0..at).any(|before| file.moves.ends_at(&child.name, before));
        changes_children(key) && !is_empty
    });
    found
}

fn refers(table: &TableShape, (child, key): &(&TableShape, &ForeignKey)) -> String {
    let columns = list(super::file::columns_of(child, &key.columns));
    format!(
        "{} ({columns}) refers to {} ON DELETE {}",
        child.name, table.name, key.on_delete
    )
}

/// How foreign keys can be off while a file of this runner runs.
pub(super) fn without_keys(file: &File<'_>) -> String {
    match (file.runner, file.target) {
        (Runner::Seedbed, _) => {
            "remove `-- seedbed: foreign-keys=on`: without it, Seedbed turns foreign keys off around a file that drops a \
             table, and compares the rows before it commits"
                .to_owned()
        }
        (Runner::Sqlx, _) => block(
            "run the file with Seedbed, which turns foreign keys off around it; or take it out of its transaction:",
            &[
                "-- no-transaction".to_owned(),
                "PRAGMA foreign_keys = OFF;".to_owned(),
                "BEGIN IMMEDIATE; … COMMIT;".to_owned(),
                "PRAGMA foreign_keys = ON;".to_owned(),
            ],
        ),
        (Runner::Prisma, _) => block(
            "turn foreign keys off around the statements:",
            &[
                "PRAGMA foreign_keys = OFF;".to_owned(),
                "…".to_owned(),
                "PRAGMA foreign_keys = ON;".to_owned(),
            ],
        ),
        (Runner::Wrangler, _) | (Runner::Drizzle, Target::D1) => {
            "D1 does not turn foreign keys off: copy the child rows into another table first, and back afterwards, or \
             change the table with ALTER TABLE instead of rebuilding it"
                .to_owned()
        }
        (Runner::Drizzle, _) => {
            "drizzle runs its files in a transaction, in which the pragma has no effect: run the file with Seedbed, which \
             turns foreign keys off around it, or use drizzle with @libsql/client, which does so too"
                .to_owned()
        }
    }
}

/// Views, triggers and unique indexes that a statement drops.
fn objects(file: &File<'_>, found: &mut Vec<Diagnostic>) {
    let (Some(first), Some(before), Some(last)) = (file.first, file.before, file.last) else {
        return;
    };
    let mut reported: Vec<&str> = Vec::new();
    for statement in &file.statements {
        let Kind::Drop(dropped) = &statement.kind else {
            continue;
        };
        let kind = match dropped.what {
            What::View => ObjectKind::View,
            What::Trigger => ObjectKind::Trigger,
            What::Index => ObjectKind::Index,
            _ => continue,
        };
        let (Some(object), Some(_)) = (
            before.object(kind, &dropped.name),
            first.object(kind, &dropped.name),
        ) else {
            continue;
        };
        let is_unique = matches!(crate::sql::kind(&object.sql), Kind::Create(it) if it.unique);
        let table_is_gone = kind != ObjectKind::View && last.table(&object.table).is_none();
        if last.object(kind, &dropped.name).is_some()
            || table_is_gone
            || (kind == ObjectKind::Index && !is_unique)
        {
            continue;
        }
        // Another one in its place, or the table holds the constraint itself now.
        let replaced = match kind {
            ObjectKind::View => last.table(&dropped.name).is_some(),
            _ => last
                .of_table(kind, &object.table)
                .any(|it| first.object(kind, &it.name).is_none()),
        };
        let held = kind == ObjectKind::Index
            && last.table(&object.table).is_some_and(|table| {
                before
                    .table(&object.table)
                    .is_some_and(|old| table.unique.len() >= old.unique.len())
            });
        if replaced || held || reported.contains(&object.name.as_str()) {
            continue;
        }
        reported.push(&object.name);
        let consequence = match kind {
            ObjectKind::View => "programs that read it fail",
            ObjectKind::Trigger => "what it did for each row is not done any more",
            _ => "rows with equal values can be written from now on",
        };
        let message = format!(
            "the {}{} {} is dropped and not created again: {consequence}",
            if is_unique { "unique " } else { "" },
            kind.word(),
            object.name
        );
        found.push(finding("DS105", message).at(statement.origin()).help(block(
            "if it is to stay, create it again:",
            &[format!("{};", object.sql)],
        )));
    }
}
