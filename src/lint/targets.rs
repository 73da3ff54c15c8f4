//! RM601 to RM605: what the target does not take.

use super::file::{File, finding};
use super::runner::Target;
use super::statement::Statement;
use crate::db::{Engine, TWO_PARSERS, instead, server_objection};
use crate::diagnostic::Diagnostic;
use crate::sql::{Kind, What};

pub(super) fn check(file: &File<'_>, found: &mut Vec<Diagnostic>) {
    for statement in &file.statements {
        if newer(file, statement, found) {
            continue;
        }
        match file.target {
            Target::Libsql => server(statement, found),
            Target::Turso => {
                let refused = Engine::Turso.refusal(statement.sql).map(|why| {
                    let message = format!("the Turso engine refuses the statement: {why}");
                    finding("RM604", message).at(statement.origin())
                });
                found.extend(turso(statement).or(refused));
                found.extend(of_libsql(file.target, statement));
            }
            Target::D1 | Target::Sqlite => found.extend(of_libsql(file.target, statement)),
            Target::Local => {}
        }
    }
}

fn server(statement: &Statement<'_>, found: &mut Vec<Diagnostic>) {
    // What begins and ends transactions is the runner's.
    if matches!(statement.kind, Kind::Begin | Kind::Commit | Kind::Rollback) {
        return;
    }
    if let Some(why) = Engine::Server.refusal(statement.sql) {
        let message = format!("a libSQL server refuses the statement: {why}");
        let help = "write what the server takes, or run the statement on the server's own machine";
        found.push(finding("RM601", message).at(statement.origin()).help(help));
        return;
    }
    if let Kind::Pragma(pragma) = &statement.kind {
        // Seedbed takes it out of the file and sends it by itself.
        if pragma.name == "foreign_keys" || pragma.name == "defer_foreign_keys" {
            return;
        }
    }
    let Some(error) = server_objection(statement.sql) else {
        return;
    };
    let help = instead(statement.sql, &error.message, error.offset);
    let message = format!(
        "a libSQL server cannot parse the statement: {}",
        error.message
    );
    let origin = statement.origin().token_at(error.offset);
    found.push(
        finding("RM602", message)
            .at(origin)
            .note(TWO_PARSERS)
            .help(help),
    );
}

/// `ALTER TABLE` as SQLite has it since 3.53.
fn newer(file: &File<'_>, statement: &Statement<'_>, found: &mut Vec<Diagnostic>) -> bool {
    if statement.kind != Kind::Alter || file.target == Target::Sqlite {
        return false;
    }
    let Some((_, at)) = statement.name(2) else {
        return false;
    };
    let behind_alter = at + 1 + usize::from(statement.is(at + 1, "COLUMN"));
    let words = if statement.are(at, &["ADD", "CONSTRAINT"]) || statement.are(at, &["ADD", "CHECK"])
    {
        "ADD CONSTRAINT"
    } else if statement.are(at, &["DROP", "CONSTRAINT"]) {
        "DROP CONSTRAINT"
    } else if statement.is(at, "ALTER")
        && (statement.is(behind_alter + 1, "SET") || statement.is(behind_alter + 1, "DROP"))
    {
        "ALTER COLUMN SET NOT NULL"
    } else {
        return false;
    };
    let message = format!(
        "{words} came with SQLite 3.53, and {} is built on an older one",
        file.target.name()
    );
    let table = statement.name(2).map(|(name, _)| name).unwrap_or_default();
    let shape = file.before.and_then(|before| before.table(&table));
    let diagnostic = finding("RM603", message).at(statement.token(at));
    found.push(match shape {
        Some(shape) => diagnostic.help(super::recipe::rebuild(
            file.before,
            shape,
            "with the constraint as it is to be",
        )),
        None => diagnostic.help("declare the constraint where the table is created"),
    });
    true
}

/// What the Turso engine has behind a flag, or not at all.
fn turso(statement: &Statement<'_>) -> Option<Diagnostic> {
    let (what, at, help) = match &statement.kind {
        Kind::Create(object) => match object.what {
            What::Trigger => {
                let at = statement.find(0, &["INSTEAD", "OF"])?;
                ("INSTEAD OF triggers", at, "write to the tables themselves")
            }
            What::Table => {
                if let Some(at) = statement.find(0, &["WITHOUT", "ROWID"]) {
                    (
                        "WITHOUT ROWID without an experimental flag",
                        at,
                        "leave it out: the primary key stays the same",
                    )
                } else {
                    let at = statement.find(0, &["GENERATED", "ALWAYS"])?;
                    (
                        "generated columns without an experimental flag",
                        at,
                        "compute the value in a view or in the program",
                    )
                }
            }
            What::VirtualTable => {
                let at = ["fts5", "fts4", "fts3", "rtree"]
                    .iter()
                    .find_map(|it| statement.find(0, &[it]))?;
                (
                    "this module",
                    at,
                    "keep the search index in a libSQL or SQLite database",
                )
            }
            _ => return None,
        },
        Kind::Vacuum => ("VACUUM without an experimental flag", 0, "leave it out"),
        Kind::Attach => ("ATTACH without an experimental flag", 0, "leave it out"),
        Kind::Pragma(pragma) => {
            const NOTHING: [&str; 3] = [
                "defer_foreign_keys",
                "legacy_alter_table",
                "writable_schema",
            ];
            if !NOTHING.contains(&pragma.name.as_str()) {
                return None;
            }
            (
                "this pragma: it accepts it and does nothing",
                1,
                "do not rely on it",
            )
        }
        _ => return None,
    };
    let message = format!("the Turso engine does not have {what}");
    Some(finding("RM604", message).at(statement.token(at)).help(help))
}

/// What libSQL added to SQLite.
fn of_libsql(target: Target, statement: &Statement<'_>) -> Option<Diagnostic> {
    let (what, at) = match &statement.kind {
        Kind::Alter => {
            let (_, at) = statement.name(2)?;
            let column = at + 1 + usize::from(statement.is(at + 1, "COLUMN"));
            if !statement.is(at, "ALTER") || !statement.is(column + 1, "TO") {
                return None;
            }
            ("ALTER COLUMN … TO", at)
        }
        Kind::Create(object) if object.what == What::Table => {
            let at = statement.find(0, &["RANDOM", "ROWID"])?;
            ("RANDOM ROWID", at)
        }
        _ => {
            let functions = ["libsql_vector_idx", "vector_top_k"];
            let at = functions.iter().find_map(|name| {
                statement
                    .find(0, &[name])
                    .filter(|at| statement.text(at + 1) == "(")
            })?;
            ("its vector index", at)
        }
    };
    let message = format!(
        "{what} is libSQL's own, and {} does not take it",
        target.name()
    );
    let diagnostic = finding("RM605", message).at(statement.token(at));
    Some(diagnostic.help(match what {
        "ALTER COLUMN … TO" => "rebuild the table with the column as it is to be",
        "RANDOM ROWID" => "leave it out",
        _ => "keep vectors in a libSQL database",
    }))
}
