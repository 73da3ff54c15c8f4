//! DS101 to DS105: what is gone after the file.

use super::file::{File, changes_children, finding, list};
use super::recipe::block;
use super::runner::{Runner, Target};
use super::statement::{Action, Statement};
use crate::diagnostic::Diagnostic;
use crate::schema::{ColumnKind, ObjectKind, TableShape};
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
        if file.moves.keeps_rows(name, at) {
            continue;
        }
        let name = &table.name;
        let message = match is_again {
            false => format!("this drops the table {name} with all of its rows"),
            true => format!("this drops the table {name} and creates it again without its rows"),
        };
        let columns = list(table.columns.iter().map(|column| column.name.as_str()));
        let kept = identifier(&format!("{name}_before"));
        found.push(
            finding("DS101", message)
                .at(file.statements[at].origin())
                .note(format!("its columns are {columns}"))
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

/// Columns that `DROP COLUMN` or a rebuild takes away.
fn columns(file: &File<'_>, found: &mut Vec<Diagnostic>) {
    for (at, statement) in file.numbered() {
        let Some(alter) = statement.alter() else {
            continue;
        };
        if let (Action::Drop(column), Some(table)) = (alter.action, file.old(&alter.table))
            && is_old_column(file, table, &column)
            && !is_read_before(file, at, &column)
        {
            found.push(dropped(table, &column, statement));
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
                && !is_read_before(file, file.statements.len(), &column.name)
            {
                let statement = &file.statements[rebuilt.create];
                found.push(dropped(table, &column.name, statement));
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

/// Whether a statement reads a column before `until`, so that its values may be somewhere else.
fn is_read_before(file: &File<'_>, until: usize, column: &str) -> bool {
    let mut before = file.statements.iter().take(until);
    before.any(|it| match &it.kind {
        Kind::Insert | Kind::Update => it.names(column),
        Kind::Create(object) => {
            object.what == What::Table && it.has(&["AS", "SELECT"]) && it.names(column)
        }
        _ => false,
    })
}

fn dropped(table: &TableShape, column: &str, statement: &Statement<'_>) -> Diagnostic {
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
            Kind::Delete if statement.are(0, &["DELETE", "FROM"]) => 2,
            Kind::Update if statement.is(0, "UPDATE") && statement.is(1, "OR") => 3,
            Kind::Update if statement.is(0, "UPDATE") => 1,
            _ => continue,
        };
        let Some((name, behind)) = statement.name(begin) else {
            continue;
        };
        if statement.has(&["WHERE"])
            || statement.has(&["LIMIT"])
            || statement.has(&["FROM"]) != (begin == 2)
        {
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
        if goes || file.moves.keeps_rows(&name, at) {
            continue;
        }
        if begin == 2 {
            let kept = identifier(&format!("{name}_before"));
            found.push(
                finding("DS103", format!("this deletes every row of {}", table.name))
                    .at(statement.origin())
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
        let followers = file.unkept_followers(name, *at);
        let changed: Vec<_> = followers
            .iter()
            .filter(|(_, key)| changes_children(key))
            .collect();
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
        for (child, key) in changed {
            let columns = list(super::file::columns_of(child, &key.columns));
            diagnostic = diagnostic.note(format!(
                "{} ({columns}) refers to {} ON DELETE {}",
                child.name, table.name, key.on_delete
            ));
        }
        found.push(diagnostic.help(without_keys(file)));
    }
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
