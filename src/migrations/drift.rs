//! Drift: the schema of a database against the one that its recorded migrations make, in memory. It looks and never
//! writes to the database; what it proposes is text.

mod added;
mod fix;
mod in_the_way;
mod noted;
mod renamed;
mod statements;

use std::collections::HashSet;

use super::baseline::{Acts, recorded_acts, replay_in_order};
use super::file::checksum;
use super::identity::applied;
use super::made::made_by;
use super::rehearse::{Act, Rehearsal, Stopped};
use crate::db::{Db, DbError};
use crate::diagnostic::Diagnostic;
use crate::history::{Beside, History, HistoryError, State, read_recorded};
use crate::schema::{Difference, Schema, compare};
use crate::script::{Entry, Key, Made};

pub use self::fix::{FixError, FixKind, Fixed, fix};
pub(super) use self::in_the_way::judge;
pub use self::in_the_way::{DriftPolicy, in_the_way};
pub(super) use self::noted::drifted;
pub(super) use self::statements::as_found;
use self::statements::{PutRight, Sides, put_right};

/// One object that is not as the recorded migrations make it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drifted {
    /// How it differs.
    pub difference: Difference,
    /// The statements that make it as the migrations do.
    pub statements: Vec<String>,
    /// The columns whose values are gone, each as a sentence: the statements give them their defaults.
    pub lost: Vec<String>,
    /// Why there are none.
    pub obstacle: Option<String>,
    /// Whether a file of `--fix` could still be about it.
    pub is_fixable: bool,
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
    /// Recorded repeatables that a new database has not.
    dropped: Vec<Key>,
    /// The schema there, and the one that was found.
    sides: Sides,
}

async fn look(db: &Db) -> Result<Look, DriftError> {
    let (history, beside) = read_recorded(db).await?;
    if let Some(problem) = nothing_recorded(&history, &beside) {
        return Err(DriftError::Problems(vec![problem]));
    }
    let Compared {
        rehearsal,
        expected,
        found,
        differences,
        dropped,
        replayed,
        warnings,
    } = compared(&history, &beside).await?;
    let sides = Sides::new(&rehearsal, expected, found)
        .await
        .map_err(DriftError::Memory)?;
    let fingerprint = fingerprint(&differences);
    let objects = differences.into_iter().map(|difference| {
        let (right, obstacle) = match put_right(&sides, std::slice::from_ref(&difference)) {
            Ok(right) => (right, None),
            Err(obstacle) => (PutRight::default(), Some(obstacle)),
        };
        let is_virtual = match &difference {
            Difference::Different { expected, found } => {
                statements::is_virtual(expected) || statements::is_virtual(found)
            }
            _ => false,
        };
        Drifted {
            difference,
            statements: right.statements,
            lost: right.lost,
            is_fixable: obstacle.is_none() || !is_virtual,
            obstacle,
        }
    });
    let drift = Drift {
        objects: objects.collect(),
        version: history.version(),
        replayed,
        left_out: left_out(beside.foreign, &schema_names(&sides.found)),
        warnings,
        fingerprint,
    };
    Ok(Look {
        drift,
        history,
        expected: rehearsal,
        dropped,
        sides,
    })
}

/// The schema of a database against the one that the recorded migrations make.
struct Compared {
    /// The database that they make.
    rehearsal: Rehearsal,
    expected: Schema,
    found: Schema,
    differences: Vec<Difference>,
    /// The repeatables of which nothing is left, because later versions have dropped what they made.
    dropped: Vec<Key>,
    /// How many were replayed.
    replayed: usize,
    /// About files that could not be replayed.
    warnings: Vec<Diagnostic>,
}

/// Replays what is recorded, and compares. The history must have the texts.
async fn compared(history: &History, beside: &Beside) -> Result<Compared, DriftError> {
    let problems = not_replayable(history);
    if !problems.is_empty() {
        return Err(DriftError::Problems(problems));
    }
    let acts = recorded_acts(history);
    let in_order: Vec<(Entry, Act)> = acts.values().cloned().collect();
    let as_applied = in_order_of_rows(history, acts);
    let in_order_of_records = by_records(history, &in_order);
    let is_in_order = {
        let keys = |acts: &[(Entry, Act)]| -> Vec<Key> {
            acts.iter().map(|(entry, _)| entry.key.clone()).collect()
        };
        keys(&in_order) == keys(&as_applied)
    };
    let mut closest = against(as_applied, history, beside).await;
    // Records need not be in the order in which their migrations were applied, as where a baseline was taken late. And what a
    // repeatable made that has not run since, a later version may have dropped.
    let others = [in_order_of_records, (!is_in_order).then_some(in_order)];
    for other in others.into_iter().flatten() {
        if matches!(&closest, Ok(compared) if compared.differences.is_empty()) {
            break;
        }
        let other = against(other, history, beside).await;
        let is_closer = match (&closest, &other) {
            (Ok(one), Ok(other)) => other.differences.len() < one.differences.len(),
            (Err(_), Ok(_)) => true,
            (_, Err(_)) => false,
        };
        if is_closer {
            closest = other;
        }
    }
    closest
}

/// All in the order of their records, where a version was recorded after a repeatable: it ran after that one.
fn by_records(history: &History, acts: &[(Entry, Act)]) -> Option<Vec<(Entry, Act)>> {
    let rows: Vec<&Key> = history.rows.iter().map(|row| &row.key).collect();
    let first = rows
        .iter()
        .position(|key| matches!(key, Key::Repeatable(_)))?;
    let is_version = |key: &&&Key| matches!(key, Key::Migration(_));
    rows[first..].iter().find(is_version)?;
    let place = |(entry, _): &(Entry, Act)| rows.iter().position(|key| **key == entry.key);
    let mut acts = acts.to_vec();
    acts.sort_by_key(place);
    Some(acts)
}

/// Versions in the order of their records, then repeatables.
fn in_order_of_rows(history: &History, mut acts: Acts) -> Vec<(Entry, Act)> {
    let versions = history.rows.iter().filter(|row| row.key.is_migration());
    let mut in_order: Vec<(Entry, Act)> = versions
        .filter(|row| matches!(row.key, Key::Migration(_)))
        .filter_map(|row| acts.remove(&row.key))
        .collect();
    in_order.extend(acts.into_values());
    in_order
}

async fn against(
    acts: Vec<(Entry, Act)>,
    history: &History,
    beside: &Beside,
) -> Result<Compared, DriftError> {
    let replayed = acts.len();
    let last_version = acts
        .iter()
        .rposition(|(entry, _)| matches!(entry.key, Key::Migration(_)));
    let before: Vec<(Key, Vec<Made>)> = acts[..last_version.unwrap_or(0)]
        .iter()
        .filter(|(entry, _)| matches!(entry.key, Key::Repeatable(_)))
        .map(|(entry, act)| {
            let statements = act.steps().iter().map(|step| &*step.sql);
            (entry.key.clone(), made_by(statements))
        })
        .collect();
    let (rehearsal, warnings) = replay_in_order(acts, &history.table)
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
    let is_gone = |made: &Made| {
        let mut objects = expected.objects.iter();
        !objects.any(|it| it.name.eq_ignore_ascii_case(&made.name))
    };
    let dropped = before.into_iter();
    let dropped = dropped.filter(|(_, made)| !made.is_empty() && made.iter().all(is_gone));
    let dropped = dropped.map(|(key, _)| key).collect();
    let expected = expected.without(&beside.foreign);
    let found = beside.schema.clone().without(&beside.foreign);
    Ok(Compared {
        differences: compare(&expected, &found),
        dropped,
        rehearsal,
        expected,
        found,
        replayed,
        warnings,
    })
}

/// A database that no migration has made has nothing to differ from: to put it right would be to drop all of it.
fn nothing_recorded(history: &History, beside: &Beside) -> Option<Diagnostic> {
    let found = beside.schema.clone().without(&beside.foreign);
    if applied(history).next().is_some() {
        return None;
    }
    if found.objects.is_empty() && history.others.is_empty() {
        let message =
            "no migration is recorded in this database, so there is no schema to compare it with";
        let help = "`migrate` applies the migrations; `config` shows which database it is";
        return Some(Diagnostic::problem("no-history", message).help(help));
    }
    let message = format!(
        "no migration is recorded in this database, so its {} {} nothing to differ from",
        found.objects.len(),
        match found.objects.len() {
            1 => "object has",
            _ => "objects have",
        }
    );
    let next = match history.others.first() {
        Some(other) if other.is_adoptable() => format!(
            "`adopt` records what {} has applied, with its table {}",
            other.tool, other.table
        ),
        _ => "`export --schema-only --no-history FILE` writes the schema as a first migration, and `baseline V` records \
              the migrations up to V as applied"
            .to_owned(),
    };
    Some(Diagnostic::problem("no-history", message).help(next))
}

/// Why what is recorded cannot be replayed.
fn not_replayable(history: &History) -> Vec<Diagnostic> {
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
    for row in applied(history).filter(|row| row.source.is_none()) {
        let message = format!(
            "no text is recorded of {}, so it cannot be replayed",
            row.key
        );
        let problem = Diagnostic::problem("not-recorded", message).about(&row.key);
        problems.push(problem.help("`repair` records the text of its file"));
    }
    problems
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

/// A hash of what differs and how; empty where nothing does. Spelling that makes no difference does not change it.
fn fingerprint(differences: &[Difference]) -> String {
    if differences.is_empty() {
        return String::new();
    }
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
