//! Tables and columns that were renamed by hand, found by two schemas. A rename is only found where `ALTER TABLE … RENAME`
//! makes the table as it is, in a copy of the database in memory. It never changes the database that has drifted.

use super::statements::{Sides, Table};
use crate::db::DbError;
use crate::migrations::rehearse::Rehearsal;
use crate::schema::{Difference, Object, ObjectKind, Schema, compare};
use crate::sql::identifier;

/// Renames that were found.
pub(super) struct Renames {
    /// The recorded database with the renames.
    pub(super) after: Rehearsal,
    /// The statements, in an order in which they run.
    pub(super) statements: Vec<String>,
    /// Each as a sentence.
    pub(super) words: Vec<String>,
}

/// One table whose name, or the names of whose columns, differ.
struct Candidate<'a> {
    /// The table as it should come to be.
    found: &'a Object,
    /// What the recorded table is called.
    recorded: &'a str,
    statements: Vec<String>,
    words: Vec<String>,
}

/// Looks for the renames that lead from the recorded database, in memory, to the schema that was found.
///
/// # Errors
/// [`DbError`] where the engine in memory cannot be used.
pub(super) async fn renames(
    recorded: &Rehearsal,
    sides: &Sides,
    differences: &[Difference],
) -> Result<Renames, DbError> {
    let mut renames = Renames {
        after: recorded.fork().await?,
        statements: Vec::new(),
        words: Vec::new(),
    };
    let mut candidates = tables(sides, differences);
    candidates.extend(columns(sides, differences));
    // A table names the columns of another one in its foreign keys, so a rename may have to come before another.
    loop {
        let mut proven = Vec::new();
        for candidate in &candidates {
            if let Some(after) = tried(&renames.after, candidate).await? {
                proven.push((candidate, after));
            }
        }
        let is_the_only_one = |one: &Candidate<'_>| {
            let others = proven.iter().filter(|(other, _)| {
                one.recorded.eq_ignore_ascii_case(other.recorded)
                    || one.found.name.eq_ignore_ascii_case(&other.found.name)
            });
            others.count() == 1
        };
        let Some(at) = proven.iter().position(|(it, _)| is_the_only_one(it)) else {
            return Ok(renames);
        };
        let (candidate, after) = proven.swap_remove(at);
        renames.after = after;
        renames.statements.extend_from_slice(&candidate.statements);
        renames.words.extend_from_slice(&candidate.words);
        let done = candidate.recorded;
        candidates.retain(|it| it.recorded != done);
    }
}

/// A copy of the database in which the candidate was renamed, if its table is then as it was found.
async fn tried(
    database: &Rehearsal,
    candidate: &Candidate<'_>,
) -> Result<Option<Rehearsal>, DbError> {
    let copy = database.fork().await?;
    if copy.execute(candidate.statements.clone()).await.is_err() {
        return Ok(None);
    }
    let only_it = |mut schema: Schema| {
        let name = &candidate.found.name;
        schema
            .objects
            .retain(|it| it.kind == ObjectKind::Table && it.name.eq_ignore_ascii_case(name));
        schema
    };
    let found = Schema {
        objects: vec![candidate.found.clone()],
    };
    let made = only_it(copy.schema().await?);
    Ok(compare(&found, &made).is_empty().then_some(copy))
}

/// Pairs of a table that is gone and one that is new, which have the same columns.
fn tables<'a>(sides: &'a Sides, differences: &'a [Difference]) -> Vec<Candidate<'a>> {
    let mut candidates = Vec::new();
    for gone in differences {
        let Difference::Missing { expected } = gone else {
            continue;
        };
        for new in differences {
            let Difference::Unexpected { found } = new else {
                continue;
            };
            let both = (sides.recorded(expected), sides.found(found));
            let (Some(before), Some(after)) = both else {
                continue;
            };
            let is_same = before.columns.len() == after.columns.len()
                && before.columns.iter().all(|it| after.has(&it.name));
            if expected.kind == ObjectKind::Table && found.kind == ObjectKind::Table && is_same {
                let (from, to) = (&expected.name, &found.name);
                candidates.push(Candidate {
                    found,
                    recorded: from,
                    statements: vec![format!(
                        "ALTER TABLE {} RENAME TO {}",
                        identifier(from),
                        identifier(to)
                    )],
                    words: vec![format!("table {from} is now {to}")],
                });
            }
        }
    }
    candidates
}

/// Tables in which columns are gone, and new ones are at their places.
fn columns<'a>(sides: &'a Sides, differences: &'a [Difference]) -> Vec<Candidate<'a>> {
    let candidates = differences.iter().filter_map(|difference| {
        let Difference::Different { expected, found } = difference else {
            return None;
        };
        let renamed = renamed_columns(sides.recorded(expected)?, sides.found(found)?)?;
        let table = identifier(&found.name);
        let of = &found.name;
        Some(Candidate {
            found,
            recorded: &expected.name,
            statements: renamed
                .iter()
                .map(|(from, to)| {
                    let (from, to) = (identifier(from), identifier(to));
                    format!("ALTER TABLE {table} RENAME COLUMN {from} TO {to}")
                })
                .collect(),
            words: renamed
                .iter()
                .map(|(from, to)| format!("column {from} of table {of} is now {to}"))
                .collect(),
        })
    });
    candidates.collect()
}

/// The columns that are gone, each with the new one at its place.
fn renamed_columns<'a>(before: &'a Table, after: &'a Table) -> Option<Vec<(&'a str, &'a str)>> {
    if before.columns.len() != after.columns.len() {
        return None;
    }
    let mut renamed = Vec::new();
    for (was, is) in before.columns.iter().zip(&after.columns) {
        match (after.has(&was.name), before.has(&is.name)) {
            (true, true) if was.name.eq_ignore_ascii_case(&is.name) => {}
            (false, false) => renamed.push((was.name.as_str(), is.name.as_str())),
            _ => return None,
        }
    }
    (!renamed.is_empty()).then_some(renamed)
}
