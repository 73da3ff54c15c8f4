//! Checking seeds without a database: every set against the schema that the migrations make in memory.

use std::time::SystemTime;

use super::apply::{SeedOptions, in_order, observe};
use super::inputs::Variables;
use super::plan::Refresh;
use super::set::{Choice, Seeds};
use crate::db::{Db, Options};
use crate::diagnostic::Diagnostic;
use crate::history::HistoryError;
use crate::migrations::{self, Migrations, PlanOptions};
use crate::script::Run;

/// What a check has found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Checked {
    /// What is wrong.
    pub problems: Vec<Diagnostic>,
    /// Rows that all sets together declare.
    pub rows: usize,
    /// The environments whose sets were checked.
    pub environments: Vec<String>,
}

/// Checks the sets of every environment, with all tags. No variable needs to be set. Migrations that cannot be applied
/// in memory are another check's business; then only the files themselves are looked at.
///
/// # Errors
/// As [`crate::history::read`].
pub async fn check(
    seeds: &Seeds,
    set: &Migrations,
    now: SystemTime,
) -> Result<Checked, HistoryError> {
    let mut checked = Checked {
        problems: seeds.problems.clone(),
        environments: seeds.environments(),
        rows: 0,
    };
    let options = Options {
        history_table: set.history_table.clone(),
        ..Options::default()
    };
    let db = Db::memory(options).await?;
    let run = Run::new("seedbed check");
    let (options, on_event) = (PlanOptions::default(), migrations::ignore());
    let applied = migrations::apply(&db, set, &options, &run, &on_event).await;
    if applied.is_err() {
        return Ok(checked);
    }
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
        let (_, plan) = observe(&db, seeds, set, &options).await?;
        let (inserted, ..) = plan.counts();
        checked.rows += inserted;
        for problem in plan.problems {
            if !checked.problems.contains(&problem) {
                checked.problems.push(problem);
            }
        }
    }
    in_order(&mut checked.problems);
    Ok(checked)
}
