//! Drift: the schema of a database against the one that its recorded migrations make, in memory. It looks and never
//! writes to the database; what it proposes is text.

mod fix;
mod statements;

use std::collections::HashSet;

use super::baseline::{recorded_acts, replay};
use super::file::checksum;
use super::identity::applied;
use super::rehearse::{Rehearsal, Stopped};
use crate::db::{Db, DbError};
use crate::diagnostic::Diagnostic;
use crate::history::{History, HistoryError, State, WithTexts, read_recorded};
use crate::schema::{Difference, Schema, compare};

pub use self::fix::{FixError, FixKind, Fixed, fix};
use self::statements::{Sides, put_right};

/// One object that is not as the recorded migrations make it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drifted {
    /// How it differs.
    pub difference: Difference,
    /// The statements that make it as the migrations do.
    pub statements: Vec<String>,
    /// Why there are none.
    pub obstacle: Option<String>,
}

/// The result of a comparison.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Drift {
    /// By kind and name.
    pub objects: Vec<Drifted>,
    /// The highest version that is recorded.
    pub version: Option<i64>,
    /// How many migrations were replayed.
    pub replayed: usize,
    /// Tables that were left out, as they are not the application's.
    pub left_out: Vec<String>,
    /// Warnings.
    pub warnings: Vec<Diagnostic>,
    /// A hash of the difference, which a file that reverts it names; empty without one.
    pub fingerprint: String,
}

/// The drift of a database is not known.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DriftError {
    /// The database, or its history, cannot be read.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The recorded migrations do not make a schema to compare with.
    #[error("the recorded migrations cannot be replayed")]
    Problems(Vec<Diagnostic>),
    /// The engine in memory could not be used.
    #[error("cannot replay the migrations in memory")]
    Memory(#[source] DbError),
}

/// Compares the schema of the database with the one that its recorded migrations make. One request; nothing is written.
///
/// # Errors
/// [`DriftError`].
pub async fn drift(db: &Db) -> Result<Drift, DriftError> {
    Ok(look(db).await?.drift)
}

/// A look, and both sides of it in memory.
struct Look {
    drift: Drift,
    history: History,
    /// The database that the migrations make.
    expected: Rehearsal,
    /// The schema there, and the one that was found.
    sides: Sides,
}

async fn look(db: &Db) -> Result<Look, DriftError> {
    let WithTexts {
        history,
        schema,
        foreign,
    } = read_recorded(db).await?;
    let mut problems: Vec<Diagnostic> = Vec::new();
    if let Some(unfinished) = &history.unfinished {
        problems.push(unfinished.diagnostic());
    }
    for row in &history.rows {
        if row.key.is_migration() && row.state == State::Started {
            let message = format!(
                "{} was started and has not finished, so what this database should be is not known",
                row.key
            );
            problems.push(
                Diagnostic::problem("started", message)
                    .about(&row.key)
                    .help("`status` shows it; once its process is gone, `repair` records what is true"),
            );
        }
    }
    let acts = recorded_acts(&history);
    for row in applied(&history).filter(|row| !acts.contains_key(&row.key)) {
        let message = format!(
            "no text is recorded of {}, so it cannot be replayed",
            row.key
        );
        let problem = Diagnostic::problem("not-recorded", message).about(&row.key);
        problems.push(problem.help("`repair` records the text of its file"));
    }
    if !problems.is_empty() {
        return Err(DriftError::Problems(problems));
    }
    let replayed = acts.len();
    let (rehearsal, warnings) = replay(acts, &history.table)
        .await
        .map_err(|stopped| match stopped {
            Stopped::Db(error) => DriftError::Memory(error),
            Stopped::Problem(problem) => DriftError::Problems(vec![Diagnostic {
                help: vec![
                    "it was replayed in memory, as it is recorded, on what the migrations before it make".to_owned(),
                ],
                ..problem.diagnostic
            }]),
        })?;
    let expected = rehearsal.schema().await.map_err(DriftError::Memory)?;
    let sides = Sides::new(
        &rehearsal,
        expected.without(&foreign),
        schema.without(&foreign),
    )
    .await
    .map_err(DriftError::Memory)?;
    let differences = compare(&sides.expected, &sides.found);
    let fingerprint = match differences.as_slice() {
        [] => String::new(),
        differences => fingerprint(differences),
    };
    let objects = differences.into_iter().map(|difference| {
        let (statements, obstacle) = match put_right(&sides, std::slice::from_ref(&difference)) {
            Ok(statements) => (statements, None),
            Err(obstacle) => (Vec::new(), Some(obstacle)),
        };
        Drifted {
            difference,
            statements,
            obstacle,
        }
    });
    let drift = Drift {
        objects: objects.collect(),
        version: history.version(),
        replayed,
        left_out: left_out(foreign, &schema_names(&sides.found)),
        warnings,
        fingerprint,
    };
    Ok(Look {
        drift,
        history,
        expected: rehearsal,
        sides,
    })
}

fn schema_names(schema: &Schema) -> HashSet<String> {
    let names = schema.objects.iter();
    names.map(|it| it.name.to_ascii_lowercase()).collect()
}

/// The tables that were left out, once each.
fn left_out(mut foreign: Vec<String>, compared: &HashSet<String>) -> Vec<String> {
    foreign.retain(|table| !compared.contains(&table.to_ascii_lowercase()));
    foreign.sort();
    foreign.dedup();
    foreign
}

/// A hash of what differs and how. Spelling that makes no difference does not change it.
fn fingerprint(differences: &[Difference]) -> String {
    let mut text = String::new();
    for difference in differences {
        let object = difference.object();
        let (expected, found) = match difference {
            Difference::Missing { expected } => (expected.normal.as_str(), ""),
            Difference::Unexpected { found } => ("", found.normal.as_str()),
            Difference::Different { expected, found } => {
                (expected.normal.as_str(), found.normal.as_str())
            }
        };
        let name = object.name.to_ascii_lowercase();
        let kind = object.kind.word();
        text.push_str(&format!("{kind}\0{name}\0{expected}\0{found}\0"));
    }
    checksum(&text)
}

#[cfg(test)]
mod tests;
