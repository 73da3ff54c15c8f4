//! Ending a seed: what is recorded of it goes, and its rows stay, or go with it where it is in mode `sync`.

use std::sync::Arc;

use super::apply::{SeedOptions, Seeding};
use super::changes::{FilePlan, FileState, SeedPlan};
use super::followed::Renames;
use super::lineage::read;
use super::model::{Mode, SeedFile};
use super::orphans::deletions;
use super::renames::renamed_from;
use super::set::Seeds;
use crate::db::{Db, exists};
use crate::diagnostic::Diagnostic;
use crate::drive::{ApplyError, Decision, OnEvent, Outcome, Reader, drive};
use crate::history::{self, History, HistoryError};
use crate::migrations::Migrations;
use crate::nearest::nearest;
use crate::schema::{shape_queries, shaped};
use crate::script::{Atomicity, ForeignKeys, Key, Record, Run, Script, Step, Unit};

/// What becomes of the rows of a seed that is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Rows {
    /// They stay.
    #[default]
    Stay,
    /// Those that the seed made are deleted, unless another seed declares them. Only in mode `sync`.
    Go,
}

/// Ends a seed, in one transaction. Its file may be there or not.
///
/// # Errors
/// [`ApplyError`]; nothing has been changed then.
pub async fn forget(
    db: &Db,
    seeds: &Seeds,
    set: &Migrations,
    options: &SeedOptions,
    what: (&str, Rows),
    run: &Run,
    on_event: &OnEvent,
) -> Result<(Outcome, SeedPlan), ApplyError> {
    let mut plan = SeedPlan::default();
    let forgetting = Forgetting::new(seeds, set, options, what, &mut plan);
    let outcome = drive(db, run, on_event, forgetting).await?;
    Ok((outcome, plan))
}

/// Plans the same, and changes nothing.
///
/// # Errors
/// As [`history::read`].
pub async fn observe_forget(
    db: &Db,
    seeds: &Seeds,
    set: &Migrations,
    options: &SeedOptions,
    what: (&str, Rows),
) -> Result<SeedPlan, HistoryError> {
    let mut plan = SeedPlan::default();
    let mut forgetting = Forgetting::new(seeds, set, options, what, &mut plan);
    let history = history::read(db).await?;
    let history = history::add_texts(db, history, |history| forgetting.texts(history)).await?;
    forgetting.look(db, &history).await?;
    forgetting.decide(&history);
    Ok(plan)
}

struct Forgetting<'a> {
    seeds: &'a Seeds,
    set: &'a Migrations,
    options: &'a SeedOptions,
    name: &'a str,
    rows: Rows,
    problems: Vec<Diagnostic>,
    steps: Vec<Step>,
    plan: &'a mut SeedPlan,
}

impl<'a> Forgetting<'a> {
    fn new(
        seeds: &'a Seeds,
        set: &'a Migrations,
        options: &'a SeedOptions,
        (name, rows): (&'a str, Rows),
        plan: &'a mut SeedPlan,
    ) -> Forgetting<'a> {
        Forgetting {
            seeds,
            set,
            options,
            name,
            rows,
            problems: Vec::new(),
            steps: Vec::new(),
            plan,
        }
    }

    fn key(&self) -> Key {
        Key::Seed(self.name.to_owned())
    }

    /// A seed of this name, by what is recorded of the others.
    fn unknown(&self, history: &History) -> Diagnostic {
        let names = history.rows.iter().filter_map(|row| match &row.key {
            Key::Seed(name) => Some(name.as_str()),
            _ => None,
        });
        let names: Vec<&str> = names.collect();
        let message = format!("no seed `{}` is recorded in this database", self.name);
        let help = match nearest(self.name, &names) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if names.is_empty() => "the database has not been seeded".to_owned(),
            None => format!("recorded are {}", names.join(", ")),
        };
        Diagnostic::problem("unknown-seed", message).help(help)
    }

    /// The recorded seed without its rows: what it made is no longer declared then.
    async fn without_rows(
        &self,
        db: &Db,
        mut ended: SeedFile,
        renames: &Renames,
    ) -> Result<SeedFile, HistoryError> {
        let shape = shaped(db.ask(shape_queries()).await?, db.engine())?;
        let current = self.seeds.files.iter().find(|file| file.name == self.name);
        for table in &mut ended.tables {
            table.rows.clear();
            table.defaults.clear();
            table.keep.clear();
            table.refs.clear();
            table.through.clear();
            (table.key, table.id) = (None, None);
            if shape.table(&table.name.value).is_none() {
                let renamed = current.and_then(|file| renamed_from(file, &table.name.value));
                if let Some(now) = renamed {
                    (table.name, table.was) = (now.name.clone(), now.was.clone());
                } else if let Some(now) = renames.table_in(&shape, &table.name.value) {
                    table.was = Some(table.name.clone());
                    table.name.value = now;
                }
            }
        }
        ended
            .tables
            .retain(|table| shape.table(&table.name.value).is_some());
        Ok(ended)
    }

    async fn delete_rows(
        &mut self,
        db: &Db,
        history: &History,
        recorded: SeedFile,
    ) -> Result<FilePlan, HistoryError> {
        let renames = history.row(&self.key()).map(Renames::since);
        let renames = renames.unwrap_or_default();
        let ended = self.without_rows(db, recorded, &renames).await?;
        let mut seeds = self.seeds.clone();
        seeds.files.retain(|file| file.name != self.name);
        seeds.files.push(ended.clone());
        let mut files = seeds.select(&self.options.choice);
        // What was never applied declares nothing yet.
        files.retain(|file| {
            file.name != self.name && history.row(&Key::Seed(file.name.clone())).is_some()
        });
        files.insert(0, &ended);
        let mut seeding = Seeding::ending(&seeds, self.set, self.options, files);
        let texts =
            history::add_texts(db, history.clone(), |history| seeding.texts(history)).await?;
        seeding.look(db, &texts).await?;
        let problems = seeding.problems().iter();
        self.problems
            .extend(problems.map(|it| still_referred(it, self.name)));
        let basis = seeding.basis(&texts);
        let (planned, _) = super::plan::plan(&basis, Vec::new());
        self.problems.extend(basis.memory.lost(&basis));
        (self.steps, _) = deletions(&basis);
        Ok(planned
            .files
            .into_iter()
            .next()
            .unwrap_or_else(|| self.nothing()))
    }

    fn nothing(&self) -> FilePlan {
        FilePlan {
            name: self.name.to_owned(),
            file: String::new(),
            checksum: String::new(),
            state: FileState::Applied,
            mode: Mode::Sync,
            was: Vec::new(),
            changes: Vec::new(),
            drifted: Vec::new(),
            unchanged: 0,
            other_keys: 0,
        }
    }
}

/// A label that another seed uses is unknown because its row would go.
fn still_referred(problem: &Diagnostic, name: &str) -> Diagnostic {
    if !matches!(problem.code, "unknown-label" | "no-match") {
        return problem.clone();
    }
    let message = format!("this refers to a row of seed {name}, which would be deleted with it");
    let help = format!(
        "remove what refers to it and run `seed`, or leave out `--with-rows`: then the rows of {name} stay"
    );
    let referred = Diagnostic::problem("has-children", message).help(help);
    match problem.origin() {
        Some(origin) => referred.at(origin.clone()),
        None => referred,
    }
}

impl Reader for Forgetting<'_> {
    fn texts(&self, history: &History) -> Vec<Key> {
        let is_recorded = history.row(&self.key()).is_some();
        let wanted = is_recorded && self.rows == Rows::Go;
        wanted.then(|| self.key()).into_iter().collect()
    }

    async fn look(&mut self, db: &Db, history: &History) -> Result<(), HistoryError> {
        self.problems = Vec::new();
        self.steps = Vec::new();
        self.plan.files = vec![self.nothing()];
        let Some(row) = history.row(&self.key()) else {
            self.problems.push(self.unknown(history));
            return Ok(());
        };
        self.plan.files[0].checksum.clone_from(&row.checksum);
        if self.rows == Rows::Go {
            let text = row.source.as_deref().unwrap_or_default();
            let recorded = read(self.name, text);
            if recorded.settings.mode != Mode::Sync {
                let message = format!(
                    "seed {} is not in mode sync, so its rows are the application's by now",
                    self.name
                );
                let help = format!(
                    "`seed forget {}` ends it, and its rows stay; delete those that are to go by hand",
                    self.name
                );
                self.problems
                    .push(Diagnostic::problem("not-sync", message).help(help));
                return Ok(());
            }
            self.plan.files[0] = self.delete_rows(db, history, recorded).await?;
        }
        if !db.rows::<1>(exists("_seedbed_rows")).await?.is_empty() {
            self.steps.push(Step::own(
                "DELETE FROM _seedbed_rows WHERE seed = ?",
                vec![self.name.into()],
            ));
        }
        Ok(())
    }

    fn decide(&mut self, history: &History) -> Decision {
        self.plan.problems.clone_from(&self.problems);
        let script = Script {
            expects: history.revision,
            foreign_keys: ForeignKeys::On,
            atomicity: Atomicity::Transaction,
            units: vec![Unit {
                record: Record::Delete(self.key()),
                steps: Arc::new(std::mem::take(&mut self.steps)),
            }],
        };
        let is_sound = !self.problems.iter().any(Diagnostic::is_error);
        Decision {
            problems: std::mem::take(&mut self.problems),
            scripts: is_sound.then_some(script).into_iter().collect(),
            under_way: super::guard::under_way(history).cloned(),
            ..Decision::default()
        }
    }
}
