//! Seeds: rows that files say a database has, whatever its mode.

mod causes;
mod check;
mod columns;
mod commands;
mod corpus;
mod examples;
mod final_states;
mod followers;
mod generations;
mod ids;
mod keys;
#[cfg(unix)]
mod kill;
mod lives;
mod modes;
mod names;
mod once;
mod order;
mod parents;
mod references;
mod refused;
mod rehearsed;
mod removals;
mod renames;
mod reports;
mod settled;
mod shapes;
mod shuffle;
mod specification;
mod surroundings;
mod traces;
mod typos;
mod values;

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use seedbed::db::{Query, Transaction};
use seedbed::migrations::Migrations;
use seedbed::script::{Atomicity, ForeignKeys, Run, Step};
use seedbed::seeds::{
    ApplyError, Choice, FileState, ForgetRows, Refresh, SeedOptions, SeedPlan, Seeds, Variables,
    What, apply, forget, observe,
};

use crate::world::{World, set};

/// A database with a schema, and how it is seeded.
pub(crate) struct Bed {
    pub(crate) world: World,
    set: Migrations,
    pub(crate) options: SeedOptions,
}

/// 2026-01-31 12:00:00.
const NOON: u64 = 1_769_860_800;

impl Bed {
    /// With this schema.
    pub(crate) async fn new(world: World, schema: &str) -> Bed {
        world.apply(&[("V1__schema.sql", schema)]).await.unwrap();
        Bed {
            world,
            set: set(&[("V1__schema.sql", schema)]),
            options: SeedOptions::new(
                Choice::new("dev".to_owned()).tags(Vec::new()),
                SystemTime::UNIX_EPOCH + Duration::from_secs(NOON),
            )
            .refresh(Refresh::No)
            .mark(None)
            .variables(Variables::Known(BTreeMap::new())),
        }
    }

    /// In memory.
    pub(crate) async fn memory(schema: &str) -> Bed {
        Bed::new(World::memory().await, schema).await
    }

    /// A variable is set.
    pub(crate) fn var(&mut self, name: &str, value: &str) {
        if let Variables::Known(known) = &mut self.options.variables {
            known.insert(name.to_owned(), value.to_owned());
        }
    }

    /// Time goes by.
    pub(crate) fn days_later(&mut self, days: u64) {
        self.options.now += Duration::from_secs(days * 24 * 60 * 60);
    }

    pub(crate) async fn try_seed(&self, seeds: &Seeds) -> Result<SeedPlan, ApplyError> {
        apply(
            &self.world.db,
            seeds,
            &self.set,
            &self.options,
            &Run::new("test"),
            &seedbed::migrations::ignore(),
        )
        .await
        .map(|(_, plan)| plan)
    }

    /// Seeds these files, and tells what was done.
    pub(crate) async fn seed(&self, files: &[(&str, &str)]) -> String {
        let seeds = Seeds::of_texts(files.iter().copied());
        match self.try_seed(&seeds).await {
            Ok(plan) => told(&plan),
            Err(error) => words(&error),
        }
    }

    /// Seeds one file.
    pub(crate) async fn one(&self, text: &str) -> String {
        self.seed(&[("a", text)]).await
    }

    /// Seeds one file twice: the second time does nothing at all.
    pub(crate) async fn settles(&self, text: &str) -> String {
        let first = self.one(text).await;
        assert!(!first.contains(": ") || first.contains('~'), "{first}");
        let before = self.revision().await;
        assert_eq!(self.one(text).await, "", "the second run of {text}");
        assert_eq!(self.revision().await, before, "the second run of {text}");
        first
    }

    /// The plan of seeding these files.
    pub(crate) async fn observed(&self, seeds: &Seeds) -> SeedPlan {
        let observed = observe(&self.world.db, seeds, &self.set, &self.options).await;
        observed.unwrap().1
    }

    /// What seeding these files would do.
    pub(crate) async fn planned(&self, files: &[(&str, &str)]) -> String {
        let seeds = Seeds::of_texts(files.iter().copied());
        told(&self.observed(&seeds).await)
    }

    pub(crate) async fn revision(&self) -> u64 {
        u64::try_from(self.world.history().await.revision.0).unwrap()
    }

    pub(crate) async fn ask(&self, sql: &str) -> String {
        self.world.ask(sql).await
    }

    /// Another program changes the database.
    pub(crate) async fn by_hand(&self, sql: &str) {
        let transaction = Transaction {
            foreign_keys: ForeignKeys::On,
            atomicity: Atomicity::Transaction,
            steps: [Step::own(sql, vec![])].into(),
        };
        self.world
            .db
            .run(vec![transaction], std::sync::Arc::new(|_| {}))
            .await
            .unwrap();
    }

    /// Applies these migrations instead of those so far.
    pub(crate) async fn migrate(&mut self, files: &[(&str, &str)]) {
        self.world.apply(files).await.unwrap();
        self.set = set(files);
    }

    /// Makes of the records what version 0.1.0 wrote: no memory, and in `_seedbed_rows` these rows of seed `a` in mode
    /// `sync` (table, columns, key, label).
    pub(crate) async fn is_of_layout_1(&self, rows: &[(&str, &str, &str, &str)]) {
        self.by_hand(
            "UPDATE _migrations SET detail = json_remove(detail, '$.memory', '$.written.by') WHERE kind = 'seed'",
        )
        .await;
        self.by_hand("UPDATE _migrations SET detail = 1 WHERE version = 'layout'")
            .await;
        self.by_hand(
            "CREATE TABLE IF NOT EXISTS _seedbed_rows (seed TEXT NOT NULL, tbl TEXT NOT NULL, \
             columns TEXT NOT NULL, key TEXT NOT NULL, label TEXT NOT NULL, PRIMARY KEY (seed, tbl, columns, key))",
        )
        .await;
        for (table, columns, key, label) in rows {
            self.by_hand(&format!(
                "INSERT INTO _seedbed_rows VALUES ('a', '{table}', '{columns}', '{key}', '{label}')"
            ))
            .await;
        }
    }

    /// Ends a seed, and tells what was done.
    pub(crate) async fn forget(
        &self,
        name: &str,
        rows: ForgetRows,
        files: &[(&str, &str)],
    ) -> String {
        let seeds = Seeds::of_texts(files.iter().copied());
        let run = Run::new("test");
        let ignore = seedbed::migrations::ignore();
        let db = &self.world.db;
        match forget(
            db,
            &seeds,
            &self.set,
            &self.options,
            (name, rows),
            &run,
            &ignore,
        )
        .await
        {
            Ok((_, plan)) => told(&plan),
            Err(error) => words(&error),
        }
    }

    /// Everything that is in the tables that are not Seedbed's own, row by row as they lie there.
    pub(crate) async fn dump(&self) -> Vec<String> {
        let tables = self
            .ask(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
                 AND name NOT LIKE '\\_%' ESCAPE '\\' ORDER BY name",
            )
            .await;
        let mut all = Vec::new();
        for table in tables.split_whitespace() {
            let queries = vec![Query::new(format!("SELECT rowid, * FROM \"{table}\""))];
            let answer = self.world.db.query(queries).await.unwrap().remove(0);
            let answer = match answer {
                Ok(rows) => rows,
                // It has no rowid.
                Err(_) => {
                    let queries = vec![Query::new(format!("SELECT * FROM \"{table}\""))];
                    let answer = self.world.db.query(queries).await.unwrap().remove(0);
                    answer.unwrap()
                }
            };
            all.extend(answer.iter().map(|row| format!("{table} {row:?}")));
        }
        all
    }
}

/// A plan in a line for each file that has anything to tell: `a new +users.admin ~users.b(name: x → y) -users.c
/// !users.d(name)`. Problems come in lines of their own.
pub(crate) fn told(plan: &SeedPlan) -> String {
    let mut lines: Vec<String> = plan.problems.iter().map(problem).collect();
    for file in &plan.files {
        let mut words = Vec::new();
        match file.state {
            FileState::New => words.push("new".to_owned()),
            FileState::Edited => words.push("edited".to_owned()),
            FileState::Respelled => words.push("respelled".to_owned()),
            FileState::Applied => {}
            other => words.push(format!("{other:?}")),
        }
        for change in &file.changes {
            let name = format!("{}.{}", change.table, change.label);
            words.push(match &change.what {
                What::Insert => format!("+{name}"),
                What::Delete => format!("-{name}"),
                What::Update(differences) => {
                    let hidden = || "***".to_owned();
                    let columns: Vec<String> = differences
                        .iter()
                        .map(|it| {
                            let old = it.old.clone().unwrap_or_else(hidden);
                            let new = it.new.clone().unwrap_or_else(hidden);
                            format!("{}: {old} → {new}", it.column)
                        })
                        .collect();
                    format!("~{name}({})", columns.join(", "))
                }
                other => format!("{name}: {other:?}"),
            });
        }
        for change in &file.drifted {
            let what = match &change.what {
                What::Update(differences) => {
                    let columns = differences.iter().map(|it| it.column.as_str());
                    columns.collect::<Vec<_>>().join(", ")
                }
                _ => change.note.clone().unwrap_or_else(|| "gone".to_owned()),
            };
            words.push(format!("!{}.{}({what})", change.table, change.label));
        }
        if !words.is_empty() {
            lines.push(format!("{} {}", file.name, words.join(" ")));
        }
    }
    lines.join("\n")
}

/// `a:3:4 unknown-column: table …`
pub(crate) fn problem(problem: &seedbed::diagnostic::Diagnostic) -> String {
    let place = match problem.origin() {
        Some(origin) => {
            let place = origin.place();
            let name = origin.source.name.trim_start_matches("seeds/");
            let name = name.trim_end_matches(".yaml");
            format!("{name}:{}:{} ", place.line, place.column)
        }
        None => String::new(),
    };
    let help = problem.help.first().map_or("", String::as_str);
    let meant = match help.strip_prefix("did you mean ") {
        Some(meant) => format!(" ({meant})"),
        None => String::new(),
    };
    format!("{place}{}: {}{meant}", problem.code, problem.message)
}

pub(crate) fn words(error: &ApplyError) -> String {
    match error {
        ApplyError::Problems { problems, .. } => {
            let lines: Vec<String> = problems.iter().map(problem).collect();
            lines.join("\n")
        }
        ApplyError::Script(error) => {
            let place = match &error.failed.part {
                seedbed::history::Part::Step(step) => step.origin().map(|origin| {
                    let place = origin.place();
                    format!("{}:{} ", place.line, place.column)
                }),
                _ => None,
            };
            let mut lines = vec![format!(
                "failed at {}{}",
                place.unwrap_or_default(),
                error.failed
            )];
            lines.extend(error.other_rows().map(|(origin, words)| {
                let place = origin.place();
                format!("{}:{} {words}", place.line, place.column)
            }));
            lines.join("\n")
        }
        other => format!("{other:?}"),
    }
}
