//! Checking seeds without a database of the project: every set is written into a copy of the database that the
//! migrations make in memory.

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::apply::{SeedOptions, StandIns, in_order, observe_unknown};
use super::changes::{Refresh, What};
use super::guard::left_out;
use super::inputs::Variables;
use super::refused::{MOST, RefusedRows, by_place, origin, refused};
use super::set::{Choice, Seeds};
use crate::db::{Db, DbError, EngineError, Failure};
use crate::diagnostic::Diagnostic;
use crate::history::HistoryError;
use crate::migrations::Migrations;
use crate::script::{Origin, Run, Script};

/// What a check has found.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Checked {
    /// What is wrong.
    pub problems: Vec<Diagnostic>,
    /// Rows that all sets together declare.
    pub rows: usize,
    /// The environments whose sets were checked.
    pub environments: Vec<String>,
}

/// Checks the sets of every environment, with all tags. No variable needs to be set. `database` is the one in memory that
/// the migrations of the set have made ([`migrations::check`](crate::migrations::check())); it stays as it is. Without
/// it only the files themselves are looked at.
///
/// # Errors
/// As [`crate::history::read`].
pub async fn check(
    seeds: &Seeds,
    set: &Migrations,
    database: Option<&Db>,
    now: SystemTime,
) -> Result<Checked, HistoryError> {
    let mut checked = Checked {
        problems: seeds.problems.clone(),
        environments: seeds.environments(),
        rows: 0,
    };
    let Some(database) = database else {
        return Ok(checked);
    };
    let mut rows: BTreeMap<String, usize> = BTreeMap::new();
    for environment in &checked.environments {
        let files = seeds.files.iter().filter(|file| file.is_for(environment));
        let mut tags: Vec<String> = files
            .flat_map(|file| file.settings.tags.iter().map(|tag| tag.value.clone()))
            .collect();
        tags.sort();
        tags.dedup();
        let options = SeedOptions {
            choice: Choice {
                environment: environment.clone(),
                tags,
            },
            refresh: Refresh::No,
            mark: None,
            variables: Variables::Unknown,
            now,
        };
        // Each set is alone in its database.
        let Some(db) = database.fork().await? else {
            return Ok(checked);
        };
        let (plan, stand_ins) = observe_unknown(&db, seeds, set, &options).await?;
        for file in &plan.files {
            let inserts = file.changes.iter().filter(|it| it.what == What::Insert);
            // A file is for several environments, and has its rows once.
            rows.insert(file.name.clone(), inserts.count());
        }
        let mut problems = plan.problems;
        problems.extend(left_out(seeds, environment));
        if let Some(script) = plan.script {
            problems.extend(refused_rows(&db, script, &stand_ins).await?);
        }
        for problem in problems {
            if !checked.problems.contains(&problem) {
                checked.problems.push(problem);
            }
        }
    }
    checked.rows = rows.values().sum();
    in_order(&mut checked.problems);
    Ok(checked)
}

/// The rows that the engine refuses.
async fn refused_rows(
    db: &Db,
    script: Script,
    stand_ins: &[StandIns],
) -> Result<Vec<Diagnostic>, DbError> {
    let mut problems: Vec<Diagnostic> = Vec::new();
    let failed = refused(db, script, &Run::new("seedbed check"), MOST).await?;
    for rows in by_place(&failed) {
        let Failure::Step { error, .. } = &rows.first.failure else {
            continue;
        };
        match origin(rows.first) {
            Some(origin) => problems.push(diagnostic(&rows, error, &origin, stand_ins)),
            // A deferred constraint belongs to no row, and may fail for one that was refused before.
            None if problems.is_empty() => {
                let message = format!("the rows together are refused: {error}");
                problems.push(Diagnostic::problem("row-refused", message));
            }
            None => {}
        }
    }
    Ok(problems)
}

fn diagnostic(
    rows: &RefusedRows<'_>,
    error: &EngineError,
    origin: &Origin,
    stand_ins: &[StandIns],
) -> Diagnostic {
    let words = &error.message;
    let message = match rows.subject() {
        None => format!("this row is refused: {words}"),
        Some((rows, false)) => format!("row {rows} is refused: {words}"),
        Some((rows, true)) => format!("rows {rows} are refused: {words}"),
    };
    let problem = Diagnostic::problem("row-refused", message).at(origin.clone());
    let stands = stand_ins
        .iter()
        .find(|row| row.origin == *origin)
        .filter(|row| may_be_about(words, &row.columns));
    match stands {
        None => problem,
        Some(row) => problem
            .warning()
            .note(format!(
                "in this check a value stands in for the variable in {}; the real value may be accepted",
                row.columns.join(", ")
            )),
    }
}

/// Whether the words of the engine may be about one of these columns. Some constraints are named by their columns alone:
/// `UNIQUE constraint failed: users.email`.
fn may_be_about(words: &str, columns: &[String]) -> bool {
    let named = ["UNIQUE constraint failed: ", "NOT NULL constraint failed: "];
    let Some(list) = named.iter().find_map(|start| words.strip_prefix(start)) else {
        return true;
    };
    // `index 'i'` is one of expressions.
    list.starts_with("index ")
        || list.split(", ").any(|name| {
            let is_it = |column: &String| name.ends_with(&format!(".{column}"));
            columns.iter().any(is_it)
        })
}
