//! Whether the schema shows that a migration ran as its file says now. A record is evidence for everyone who plans later,
//! so it is not written for a migration that may never have run.

use std::collections::HashSet;

use super::baseline::{act_of, recorded_acts, replay};
use super::file::meaning;
use super::problem::{argument, file_name};
use super::ran;
use super::rehearse::Stopped;
use super::set::Migrations;
use crate::db::{Db, DbError, HistoryTable};
use crate::diagnostic::{Class, Diagnostic, Severity};
use crate::history::{self, History, HistoryError};
use crate::schema::{Difference, ObjectKind, Schema, compare, described, inspect};
use crate::script::Key;
use crate::sql::{Kind, fingerprint, kind, split};

/// The code of a change of rows, which no schema shows.
const NOT_SHOWN: &str = "not-shown";

/// Replays the recorded migrations in memory, once as they were recorded and once with the file of `key`, and compares
/// the objects in which the two differ with those of the database. The history must have the texts of all applied rows.
///
/// # Errors
/// As [`history::read`].
pub(super) async fn by_the_schema(
    db: &Db,
    set: &Migrations,
    history: &History,
    key: &Key,
) -> Result<Vec<Diagnostic>, HistoryError> {
    let (Some(file), Some(row)) = (set.get(key), history.row(key)) else {
        return Ok(Vec::new());
    };
    let name = file_name(&file.up.source.name);
    let recorded = recorded_acts(history);
    let mut with_file = recorded.clone();
    with_file.extend([act_of(file, &history.table)]);
    let (before, _) = match replayed(recorded, &history.table).await? {
        Ok((schema, warnings)) => (Some(schema), warnings),
        // What cannot be replayed as it was recorded cannot tell which objects this migration is about.
        Err(_) => (None, Vec::new()),
    };
    let (after, mut findings) = match replayed(with_file, &history.table).await? {
        Ok(replayed) => replayed,
        Err(problem) => {
            return Ok(vec![
                problem
                    .help("it was replayed in memory, on what the recorded migrations leave")
                    .help(unseen(key)),
            ]);
        }
    };
    let recorded = ran::text(row).unwrap_or_default();
    let foreign = history::not_the_applications(db).await?;
    let found = inspect(db).await?.without(&foreign);
    let mut differences = compare(&after.clone().without(&foreign), &found);
    let mut leaves_no_trace = false;
    if let Some(before) = &before {
        let concerned: HashSet<(ObjectKind, String)> =
            compare(before, &after).iter().map(object).collect();
        differences.retain(|difference| concerned.contains(&object(difference)));
        leaves_no_trace =
            concerned.is_empty() && meaning(&recorded) != meaning(&file.up.source.text);
    }
    if !differences.is_empty() {
        let message = format!(
            "the schema of this database is not what {name} and the other recorded migrations together make"
        );
        let problem = Diagnostic::problem("drift", message)
            .class(Class::Drift)
            .about(key)
            .in_file(&file.up.source.name)
            .help(unseen(key));
        let expected = format!("as {name} makes it");
        findings.push(described(problem, &differences, &expected));
        return Ok(findings);
    }
    if writes(&recorded) != writes(&file.up.source.text) {
        let message = format!(
            "{name} changes other rows than the recorded text of {key}, and the schema does not show whether that was done"
        );
        findings.push(
            Diagnostic::problem(NOT_SHOWN, message)
                .class(Class::Drift)
                .about(key)
                .in_file(&file.up.source.name)
                .help(unseen(key)),
        );
    } else if leaves_no_trace {
        findings.push(same_either_way(key, &file.up.source.name));
    }
    Ok(findings)
}

/// An edit that leaves no trace in the schema, because a later migration replaces what it changes.
fn same_either_way(key: &Key, file: &str) -> Diagnostic {
    let message = format!(
        "with {} and with the recorded text of {key}, all recorded migrations together make the same schema: it does not \
         show which of the two ran",
        file_name(file)
    );
    Diagnostic {
        severity: Severity::Note,
        ..Diagnostic::problem(NOT_SHOWN, message)
    }
    .about(key)
    .in_file(file)
}

/// A record that was written without a look at the schema.
pub(super) fn not_compared(key: &Key) -> Diagnostic {
    let message = format!("{key} was recorded without comparing the schema with its file");
    Diagnostic::problem("not-verified", message)
        .warning()
        .about(key)
}

fn unseen(key: &Key) -> String {
    format!(
        "if the database is nevertheless as the file says, `repair {} --no-verify` records it without comparing",
        argument(key)
    )
}

/// The schema that these leave in memory, with warnings; or the statement that fails.
async fn replayed(
    acts: super::baseline::Acts,
    table: &HistoryTable,
) -> Result<Result<(Schema, Vec<Diagnostic>), Diagnostic>, DbError> {
    match replay(acts, table).await {
        Ok((rehearsal, warnings)) => Ok(Ok((rehearsal.schema().await?, warnings))),
        Err(Stopped::Problem(problem)) => Ok(Err(problem.diagnostic)),
        Err(Stopped::Db(error)) => Err(error),
    }
}

fn object(difference: &Difference) -> (ObjectKind, String) {
    let object = difference.object();
    (object.kind, object.name.to_ascii_lowercase())
}

/// The statements of a text that change rows, in order.
fn writes(text: &str) -> Vec<String> {
    let statements = split(text).unwrap_or_default();
    let writes = statements.iter().map(|it| it.text(text)).filter(|sql| {
        matches!(
            kind(sql),
            Kind::Insert | Kind::Update | Kind::Delete | Kind::Other
        )
    });
    writes.map(fingerprint).collect()
}
