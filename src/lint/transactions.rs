//! TX501 to TX504: transactions, and statements that are not what they seem.

use super::definition::normal;
use super::file::{File, finding};
use super::recipe::block;
use super::runner::Runner;
use crate::diagnostic::Diagnostic;
use crate::schema::{Object, ObjectKind};
use crate::script::Atomicity;
use crate::sql::{Kind, What, normal_form};

pub(super) fn check(file: &File<'_>, found: &mut Vec<Diagnostic>) {
    balance(file, found);
    outside(file, found);
    several(file, found);
    hidden(file, found);
}

fn balance(file: &File<'_>, found: &mut Vec<Diagnostic>) {
    if file.runner == Runner::Seedbed {
        // Its own reading of the file, under the code of the rule.
        let problems = file.stage.reading.problems.iter();
        let of_transactions = problems.filter(|it| {
            it.is_error()
                && [crate::migrations::TRANSACTION_CONTROL, "savepoint"].contains(&it.code)
        });
        found.extend(of_transactions.map(|it| Diagnostic {
            code: "TX501",
            class: crate::diagnostic::Class::Lint,
            ..it.clone()
        }));
        return;
    }
    let wraps = file.runner.wraps(file.stage);
    let mut open: Option<usize> = wraps.then_some(usize::MAX);
    let mut savepoints: Vec<(String, usize)> = Vec::new();
    for (at, statement) in file.numbered() {
        let wrong = match &statement.kind {
            Kind::Begin | Kind::Commit | Kind::Rollback | Kind::Savepoint(_) | Kind::Release(_)
                if file.runner == Runner::Wrangler =>
            {
                Some("D1 takes no statement that begins or ends a transaction".to_owned())
            }
            Kind::Begin if open == Some(usize::MAX) => Some(format!(
                "{} runs this file in a transaction already: BEGIN fails",
                file.runner.name()
            )),
            Kind::Begin if open.is_some() => Some("a transaction is open already".to_owned()),
            Kind::Begin => {
                open = Some(at);
                None
            }
            Kind::Commit | Kind::Rollback if open.is_none() => {
                Some("no transaction is open here".to_owned())
            }
            Kind::Commit | Kind::Rollback => {
                open = None;
                None
            }
            Kind::Savepoint(name) => {
                savepoints.push((name.clone(), at));
                None
            }
            Kind::Release(name) => match savepoints
                .iter()
                .rposition(|(it, _)| it.eq_ignore_ascii_case(name))
            {
                Some(place) => {
                    savepoints.truncate(place);
                    None
                }
                None => Some(format!("there is no open savepoint {name} here")),
            },
            _ => None,
        };
        if let Some(message) = wrong {
            let help = "remove it: the runner begins the transaction and commits it";
            found.push(finding("TX501", message).at(statement.origin()).help(help));
        }
    }
    let left = match (open, wraps) {
        (None, true) => {
            let last = file
                .statements
                .iter()
                .rposition(|it| matches!(it.kind, Kind::Commit | Kind::Rollback));
            let message = "this ends the transaction of the runner: what comes behind it is not undone where it fails";
            last.map(|at| (at, message.to_owned()))
        }
        (Some(at), false) => Some((at, "this transaction is never committed".to_owned())),
        _ => None,
    };
    for (name, at) in savepoints {
        let message = format!("the savepoint {name} is never released");
        found.push(
            finding("TX501", message)
                .at(file.statements[at].origin())
                .help(format!("write `RELEASE {name};` behind its statements")),
        );
    }
    if let Some((at, message)) = left {
        let help = "let BEGIN and COMMIT stand around the whole, or leave both out";
        found.push(
            finding("TX501", message)
                .at(file.statements[at].origin())
                .help(help),
        );
    }
}

/// Statements that an open transaction refuses or ignores.
fn outside(file: &File<'_>, found: &mut Vec<Diagnostic>) {
    if !file.runner.wraps(file.stage) {
        return;
    }
    let mut is_open = true;
    for statement in &file.statements {
        let message = match &statement.kind {
            Kind::Commit | Kind::Rollback => {
                is_open = false;
                continue;
            }
            Kind::Begin => {
                is_open = true;
                continue;
            }
            Kind::Vacuum => "VACUUM fails inside a transaction",
            // Seedbed takes these pragmas out of the file, and warns itself.
            Kind::Pragma(_) if file.runner == Runner::Seedbed => continue,
            Kind::Pragma(pragma) if pragma.value.is_some() => match pragma.name.as_str() {
                "journal_mode" => "inside a transaction, PRAGMA journal_mode changes nothing",
                "synchronous" => "inside a transaction, PRAGMA synchronous fails",
                _ => continue,
            },
            _ => continue,
        };
        if !is_open {
            continue;
        }
        let help = match file.runner {
            Runner::Seedbed => {
                "move it into a file of its own that begins with `-- seedbed: no-transaction`"
            }
            Runner::Sqlx => "move it into a file of its own that begins with `-- no-transaction`",
            _ => "run it by hand, outside of the migrations",
        };
        found.push(finding("TX502", message).at(statement.origin()).help(help));
    }
}

/// Without a transaction, what ran before a failure stays.
fn several(file: &File<'_>, found: &mut Vec<Diagnostic>) {
    if file.stage.reading.atomicity != Atomicity::Bare {
        return;
    }
    let mut is_open = false;
    let mut writes = Vec::new();
    for statement in &file.statements {
        match &statement.kind {
            Kind::Begin => {
                is_open = true;
                writes.push(statement);
            }
            Kind::Commit | Kind::Rollback => is_open = false,
            Kind::Create(_)
            | Kind::Drop(_)
            | Kind::Alter
            | Kind::Insert
            | Kind::Update
            | Kind::Delete
                if !is_open =>
            {
                writes.push(statement);
            }
            _ => {}
        }
    }
    let [_, second, ..] = writes.as_slice() else {
        return;
    };
    let message = format!(
        "this file runs without a transaction and writes {} times: where one fails, those before it stay",
        writes.len()
    );
    found.push(finding("TX503", message).at(second.origin()).help(
        "keep here only the statement that cannot run in a transaction, and move the others into a file of their own",
    ));
}

/// `IF NOT EXISTS` where there is another object of that name.
fn hidden(file: &File<'_>, found: &mut Vec<Diagnostic>) {
    let Some(before) = file.before else {
        return;
    };
    for (at, statement) in file.numbered() {
        let Kind::Create(created) = &statement.kind else {
            continue;
        };
        let kind = match created.what {
            What::Table => ObjectKind::Table,
            What::Index => ObjectKind::Index,
            What::View => ObjectKind::View,
            What::Trigger => ObjectKind::Trigger,
            _ => continue,
        };
        let is_touched = file.statements.iter().take(at).any(|it| match &it.kind {
            Kind::Drop(drop) => drop.name.eq_ignore_ascii_case(&created.name),
            Kind::Alter => it.names(&created.name),
            _ => false,
        });
        if !created.if_exists || created.is_temporary() || is_touched {
            continue;
        }
        let Some(known) = before.object(kind, &created.name) else {
            continue;
        };
        if is_same(known, statement.sql) {
            continue;
        }
        // A table that later files changed by ALTER holds all that is written here.
        if kind == ObjectKind::Table && holds(file, &created.name, statement.sql) {
            continue;
        }
        let message = format!(
            "there is a {} {} already, and it is another: this statement leaves it as it is",
            kind.word(),
            known.name
        );
        found.push(finding("TX504", message).at(statement.origin()).help(block(
            "write what is to change; what is there is",
            &[format!("{};", known.sql)],
        )));
    }
}

fn is_same(known: &Object, sql: &str) -> bool {
    let strip = |sql: &str| {
        normal(&normal_form(sql))
            .replace(" if not exists", "")
            .replace(" main .", "")
    };
    strip(&known.sql) == strip(sql)
}

/// Whether a table that is there has the columns that a statement declares.
fn holds(file: &File<'_>, table: &str, sql: &str) -> bool {
    let (Some(known), Some(created)) = (
        file.before.and_then(|before| before.table(table)),
        super::definition::created(sql),
    ) else {
        return true;
    };
    created.columns.iter().all(|column| {
        let known = known.column(&column.name).map(|at| &known.columns[at]);
        known.is_some_and(|known| normal(&known.declared) == normal(&column.declared))
    })
}
