//! Taking over the history of another tool: what it has applied is compared with the files and with the schema, and
//! recorded with the time at which it was applied. Nothing of it runs, and the table of the tool stays.

mod matching;

use std::collections::BTreeMap;

use super::ApplyError;
use super::Outcome;
use super::baseline::{Acts, BaselineError, NOT_COMPARED, There, act_of, compared, recorded_acts};
use super::identity::{applied, file_problems};
use super::mismatch::is_about_records;
use super::plan::{Grouping, PlanOptions, entry, plan, scripts};
use super::problem::{OTHER_HISTORY, listed};
use super::reading::{self, Reading};
use super::rehearse::Act;
use super::set::{Migration, Migrations};
use crate::db::Db;
use crate::diagnostic::{Class, Diagnostic};
use crate::drive::{Decision, OnEvent, Reader, drive};
use crate::history::{
    ADOPTABLE, Adopting, Called, History, HistoryError, Named, NamedTable, OtherHistory, OtherRows,
    adopted, read_adopting,
};
use crate::script::{Key, Record, Revision, Run};

/// What to take over.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct AdoptOptions {
    /// The tool whose history it is, where there are several: `sqlx`.
    pub from: Option<String>,
    /// The table in which that tool records it, where it has another name than the tool gives it.
    pub table: Option<String>,
}

impl AdoptOptions {
    /// Takes over the history of this tool.
    #[must_use]
    pub fn from(mut self, tool: impl Into<String>) -> AdoptOptions {
        self.from = Some(tool.into());
        self
    }

    /// Reads the history of that tool from this table, which it was told to use in the place of its own.
    #[must_use]
    pub fn table(mut self, name: impl Into<String>) -> AdoptOptions {
        self.table = Some(name.into());
        self
    }

    /// The tool and the table, where a table is named.
    fn named(&self) -> Result<Option<NamedTable>, Box<Diagnostic>> {
        let Some(table) = &self.table else {
            return Ok(None);
        };
        let word = self.from.as_ref().map(|it| it.to_ascii_lowercase());
        let Some(word) = word else {
            let problem = Diagnostic::problem(
                "no-other-history",
                format!("whose history the table {table} has is not said"),
            );
            let choice = adoptable_tools().collect::<Vec<_>>().join(", ");
            let help = format!("name the tool beside it, with `--from`: {choice}");
            return Err(Box::new(problem.class(Class::Usage).help(help)));
        };
        let of = ADOPTABLE.into_iter().find(|it| it.word == word);
        let table = table.clone();
        Ok(of.map(|of| NamedTable { of, table }))
    }
}

/// A migration that would be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WouldAdopt {
    /// Its version.
    pub key: Key,
    /// The words of its name.
    pub name: String,
    /// When the tool applied it, where it says so: UTC, `YYYY-MM-DDTHH:MM:SS.sssZ`.
    pub applied_at: Option<String>,
    /// Its file.
    pub file: String,
    /// sha256 of its text.
    pub checksum: String,
}

/// What an adoption would record.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct AdoptPlan {
    /// The tool.
    pub tool: Option<&'static str>,
    /// By ascending version.
    pub items: Vec<WouldAdopt>,
    /// Warnings.
    pub warnings: Vec<Diagnostic>,
    /// The highest version that is recorded now.
    pub version: Option<i64>,
}

/// Records what another tool has applied. What is recorded already stays as it is. One request reads, one writes.
///
/// # Errors
/// [`BaselineError`]; nothing was recorded then.
pub async fn adopt(
    db: &Db,
    set: &Migrations,
    options: &AdoptOptions,
    run: &Run,
    on_event: &OnEvent,
) -> Result<Outcome, BaselineError> {
    let mut taking = Taking::new(db, set, options).await?;
    let outcome = drive(db, run, on_event, &mut taking).await;
    match taking.refused {
        Some(refused) => Err(refused),
        None => Ok(outcome?),
    }
}

/// As [`adopt`], without writing: the schema is compared, and the plan is returned.
///
/// # Errors
/// As [`adopt`].
pub async fn observe_adopt(
    db: &Db,
    set: &Migrations,
    options: &AdoptOptions,
) -> Result<AdoptPlan, BaselineError> {
    let mut taking = Taking::new(db, set, options).await?;
    let history = taking.history.take().unwrap_or_default();
    taking.compare(&history).await;
    if let Some(refused) = taking.refused {
        return Err(refused);
    }
    let taken = match taking.taken {
        Ok(taken) => taken,
        Err(problems) => {
            return Err(BaselineError::Apply(ApplyError::Problems {
                problems,
                done: Vec::new(),
            }));
        }
    };
    let items = taken.new.iter().map(|(migration, applied_at)| WouldAdopt {
        key: migration.key.clone(),
        name: migration.words.clone(),
        applied_at: applied_at.clone(),
        file: migration.up.source.name.clone(),
        checksum: migration.up.checksum.clone(),
    });
    Ok(AdoptPlan {
        tool: Some(taken.tool),
        items: items.collect(),
        warnings: taken.warnings.into_iter().chain(taking.warnings).collect(),
        version: history.version(),
    })
}

/// The words that `--from` takes.
pub fn adoptable_tools() -> impl Iterator<Item = &'static str> {
    ADOPTABLE.iter().map(|it| it.word)
}

/// What is to be recorded.
struct Taken<'a> {
    tool: &'static str,
    word: &'static str,
    /// With the time at which the tool applied it.
    new: Vec<(&'a Migration, Option<String>)>,
    warnings: Vec<Diagnostic>,
}

struct Taking<'a> {
    set: &'a Migrations,
    options: &'a AdoptOptions,
    named: Option<NamedTable>,
    /// Whether the settings leave the named table out.
    is_ignored: bool,
    taken: Result<Taken<'a>, Vec<Diagnostic>>,
    /// The schema that was read with it, until it is compared.
    there: Option<There>,
    /// What was read already, until it is used.
    history: Option<History>,
    /// The revision that all of it belongs to.
    read_at: Revision,
    warnings: Vec<Diagnostic>,
    /// Why nothing is recorded.
    refused: Option<BaselineError>,
}

impl<'a> Taking<'a> {
    async fn new(
        db: &Db,
        set: &'a Migrations,
        options: &'a AdoptOptions,
    ) -> Result<Taking<'a>, BaselineError> {
        let named = options.named().map_err(|problem| {
            BaselineError::Apply(ApplyError::Problems {
                problems: vec![*problem],
                done: Vec::new(),
            })
        })?;
        let read = read_adopting(db, named.as_ref());
        let read = read.await.map_err(ApplyError::from)?;
        let mut taking = Taking {
            set,
            options,
            is_ignored: options.table.as_ref().is_some_and(|it| db.ignores(it)),
            named,
            taken: Err(Vec::new()),
            there: None,
            history: None,
            read_at: Revision::NONE,
            warnings: Vec::new(),
            refused: None,
        };
        let history = taking.take(read);
        taking.history = Some(history);
        Ok(taking)
    }

    /// Decides what is to be recorded, and keeps what belongs to it.
    fn take(&mut self, read: Adopting) -> History {
        let Adopting {
            history,
            tools,
            others,
            named,
            schema,
            foreign,
        } = read;
        let other = match named {
            Some(named) => self.of_named(named),
            None => the_tool(tools, &others, &history, &foreign, self.options),
        };
        self.taken = other
            .map_err(|problem| vec![*problem])
            .and_then(|other| taken(self.set, &history, other));
        self.there = Some(There {
            found: schema,
            foreign,
        });
        self.read_at = history.revision;
        history
    }

    /// That a table of another name than the tool's is taken for the application's later, unless the settings say.
    fn not_ignored(&self) -> Option<Diagnostic> {
        let named = self.named.as_ref().filter(|_| !self.is_ignored)?;
        let (table, tool) = (&named.table, named.of.tool);
        let message = format!(
            "{table} is the table of {tool} under another name: later commands take it for one of the application"
        );
        let help = format!(
            "add it to `ignore_tables` under [migrations] in config.toml: `ignore_tables = [\"{table}\"]`; otherwise `drift` \
             reports it"
        );
        let problem = Diagnostic::problem("not-ignored", message).warning();
        Some(problem.help(help))
    }

    /// The history in the table that was named.
    fn of_named(&self, named: Named) -> Result<OtherRows, Box<Diagnostic>> {
        let tool = self.named.as_ref().map_or("the tool", |it| it.of.tool);
        let wanted = self.options.table.as_deref().unwrap_or_default();
        let refused = |message: String, help: &str| {
            let problem = Diagnostic::problem("no-other-history", message);
            Err(Box::new(problem.help(help)))
        };
        match named {
            Named::Read(other) if !other.rows.is_empty() => Ok(other),
            Named::Read(other) => refused(
                format!("{tool} has recorded no migration in {}", other.table),
                "`migrate` applies the migrations to this database; if the tool has migrated another one, name it with \
                 `--database`",
            ),
            Named::OfOtherColumns(table) => refused(
                format!(
                    "the table {table} is not one in which {tool} records migrations: its columns are others"
                ),
                "name the table that the configuration of the tool names; `inspect` shows the tables",
            ),
            Named::Missing => refused(
                format!("this database has no table {wanted}"),
                "name the table that the configuration of the tool names; `inspect` shows the tables",
            ),
        }
    }

    /// Compares the schema, where something is to be recorded.
    async fn compare(&mut self, history: &History) {
        let (Ok(taken), Some(there)) = (&self.taken, self.there.take()) else {
            return;
        };
        let Some((newest, _)) = taken.new.last() else {
            return;
        };
        let newest = newest.version().unwrap_or_default();
        let newest = history
            .version()
            .map_or(newest, |version| version.max(newest));
        let mut acts: Acts = BTreeMap::new();
        acts.extend(taken.new.iter().map(|(it, _)| act_of(it, &history.table)));
        acts.append(&mut recorded_acts(history));
        match compared(self.set, history, acts, there, newest).await {
            Ok(mut warnings) => {
                // That tables of tools are left out goes without saying here.
                warnings.retain(|it| it.code != NOT_COMPARED);
                warnings.extend(self.not_ignored());
                self.warnings = warnings;
            }
            Err(refused) => self.refused = Some(refused),
        }
    }
}

impl Reader for &mut Taking<'_> {
    fn take_history(&mut self) -> Option<History> {
        self.history.take()
    }

    fn texts(&self, history: &History) -> Vec<Key> {
        match &self.taken {
            Ok(taken) if !taken.new.is_empty() => {
                applied(history).map(|row| row.key.clone()).collect()
            }
            _ => Vec::new(),
        }
    }

    async fn look(&mut self, db: &Db, history: &History) -> Result<(), HistoryError> {
        // Another run was faster: what is to be recorded is another thing now.
        if history.revision != self.read_at {
            let read = read_adopting(db, self.named.as_ref()).await?;
            self.take(read);
        }
        self.compare(history).await;
        Ok(())
    }

    fn decide(&mut self, history: &History) -> Decision {
        if self.refused.is_some() {
            return Decision::default();
        }
        let taken = match &self.taken {
            Ok(taken) => taken,
            Err(problems) => {
                return Decision {
                    problems: problems.clone(),
                    ..Decision::default()
                };
            }
        };
        let recorded = history.by_key();
        let new = taken
            .new
            .iter()
            .filter(|(it, _)| !recorded.contains_key(&it.key));
        let units = new.map(|(migration, applied_at)| {
            let entry = adopted(entry(migration), taken.word, applied_at.clone());
            (Record::Insert(entry), Reading::default())
        });
        let scripts = scripts(units, history.revision, Grouping::All);
        let mut problems = taken.warnings.clone();
        problems.extend_from_slice(&self.warnings);
        Decision {
            problems,
            scripts,
            ..Decision::default()
        }
    }
}

/// What of the history of a tool is to be recorded. Pure.
fn taken<'a>(
    set: &'a Migrations,
    history: &History,
    other: OtherRows,
) -> Result<Taken<'a>, Vec<Diagnostic>> {
    let mut problems = file_problems(set, history);
    let records = plan(set, history, &PlanOptions::default()).problems;
    problems.extend(records.into_iter().filter(is_about_records));
    let matched = matching::matched(set, &other);
    problems.extend(matched.problems);
    let recorded = history.by_key();
    let is_new = |(it, _): &(&Migration, Option<String>)| !recorded.contains_key(&it.key);
    let new: Vec<_> = matched.applied.into_iter().filter(is_new).collect();
    for (migration, _) in &new {
        problems.extend_from_slice(Act::new(&migration.up, &history.table).problems());
        problems.extend(reading::of_down(
            migration.down.as_ref(),
            history.engine,
            &history.table,
        ));
    }
    if problems.iter().any(Diagnostic::is_error) {
        problems.retain(Diagnostic::is_error);
        return Err(problems);
    }
    let mut warnings = problems;
    warnings.extend(gaps(set, &new, history, other.of.tool));
    Ok(Taken {
        tool: other.of.tool,
        word: other.of.word,
        new,
        warnings,
    })
}

/// Files below the newest that the tool has not applied.
fn gaps(
    set: &Migrations,
    new: &[(&Migration, Option<String>)],
    history: &History,
    tool: &str,
) -> Option<Diagnostic> {
    let newest = new.last()?.0.version()?;
    let is_taken =
        |key: &Key| new.iter().any(|(it, _)| it.key == *key) || history.row(key).is_some();
    let below = set.versioned.iter().filter(|it| !is_taken(&it.key));
    let below: Vec<i64> = below
        .filter_map(Migration::version)
        .filter(|version| *version < newest)
        .collect();
    let first = set.get(&Key::Migration(*below.first()?))?;
    let (is, stays) = match below.len() {
        1 => ("is", "it stays pending"),
        _ => ("are", "they stay pending"),
    };
    let message = format!(
        "{tool} has not applied {}, which {is} below its newest, V{newest}: {stays}",
        listed(&below)
    );
    Some(
        Diagnostic::problem("gap", message)
            .warning()
            .about(&first.key)
            .in_file(&first.up.source.name)
            .help("`migrate --allow-out-of-order` applies what is below the newest"),
    )
}

/// The tool whose history is meant.
fn the_tool(
    mut tools: Vec<OtherRows>,
    others: &[(&'static str, String)],
    history: &History,
    foreign: &[String],
    options: &AdoptOptions,
) -> Result<OtherRows, Box<Diagnostic>> {
    let is_foreign = |table: &String| foreign.iter().any(|it| it.eq_ignore_ascii_case(table));
    let refused = |problem: Diagnostic| Err(Box::new(problem));
    let no_history = |message: String| Diagnostic::problem("no-other-history", message);
    if let Some(from) = &options.from {
        let wanted = from.to_ascii_lowercase();
        let at = tools.iter().position(|it| it.of.word == wanted);
        return match at {
            Some(at) => Ok(tools.swap_remove(at)),
            None => {
                let known = ADOPTABLE.iter().any(|it| it.word == wanted);
                let words: Vec<&str> = match known {
                    true => tools.iter().map(|it| it.of.word).collect(),
                    false => adoptable_tools().collect(),
                };
                let message = match known {
                    true => format!("this database has no history of {from}"),
                    false => format!("the history of {from:?} cannot be taken over"),
                };
                let class = match known {
                    true => Class::Integrity,
                    false => Class::Usage,
                };
                refused(
                    no_history(message)
                        .class(class)
                        .helps(match words.as_slice() {
                            [] => None,
                            words => Some(format!("there is: {}", words.join(", "))),
                        }),
                )
            }
        };
    }
    match (<[OtherRows; 1]>::try_from(tools), others) {
        (Ok([tool]), _) => Ok(tool),
        (Err(tools), _) if !tools.is_empty() => {
            let named = tools.iter().map(|it| format!("{} in {}", it.of.tool, it.table));
            let named: Vec<String> = named.collect();
            let choice = tools.iter().map(|it| format!("`adopt --from {}`", it.of.word));
            let choice: Vec<String> = choice.collect();
            refused(Diagnostic::problem(
                "several-histories",
                format!(
                    "this database has the histories of several tools: {}",
                    named.join(", ")
                ),
            )
            .help(format!("say which one is of these files: {}", choice.join(" or "))))
        }
        (_, [(tool, table), ..]) => refused(no_history(format!(
            "this database has the history of {tool}, in {table}, whose migrations are no files that Seedbed reads"
        ))
        .help(
            "`baseline V` compares the schema with what the migrations up to V leave, and records them without running \
             them",
        )),
        _ if history.has_migrations() => refused(no_history(
            "this database has no history of another tool, and its migrations are recorded already".to_owned(),
        )
        .help("`status` lists them")),
        _ if history.tables.iter().all(is_foreign) => refused(no_history(match foreign.is_empty() {
            true => "this database has no history of another tool, and no table".to_owned(),
            false => "no tool has applied a migration in this database, and it has no table of an application".to_owned(),
        })
        .help("`migrate` applies the migrations to this database; if the tool has migrated another one, name it with `--database`")),
        _ => refused(no_history(
            "this database has tables, and no known table of another tool's history".to_owned(),
        )
        .help(OTHER_TABLE)
        .help(
            "find the last migration whose changes it has already, V: `baseline V` compares the schema with what the \
             migrations up to V leave, and records them without running them",
        )),
    }
}

/// How a history under another name is taken over.
pub(super) const OTHER_TABLE: &str = "if another tool made it, and its history table has another name than usual: `adopt --from TOOL --table NAME`";

/// The code of a tool that went on after its history was taken over.
pub(super) const TWO_HISTORIES: &str = "two-histories";

/// That the tool of an adopted history has gone on, so that two tools migrate this database. What it has applied and is
/// pending here would run again: that is an error.
pub(super) fn went_on(set: &Migrations, history: &History) -> Vec<Diagnostic> {
    let others = history.others.iter();
    others
        .filter_map(|other| later(set, history, other))
        .collect()
}

/// Whether all that a tool has recorded was taken over and then undone here.
pub(super) fn undone_here(set: &Migrations, history: &History, other: &OtherHistory) -> bool {
    let of = ADOPTABLE.iter().find(|it| it.tool == other.tool);
    let is_undone = |called: &i64| {
        let version = match of {
            Some(of) => version_of(*called, of.called, set),
            None => Some(*called),
        };
        version.is_some_and(|version| history.undone.contains(&version))
    };
    !history.undone.is_empty()
        && other.unfinished.is_none()
        && (of.is_none() || other.versions.iter().all(is_undone))
}

/// The version of what a tool calls a migration.
fn version_of(called: i64, how: Called, set: &Migrations) -> Option<i64> {
    match how {
        Called::Time => {
            let mut files = set.versioned.iter();
            files
                .find(|it| it.generated_at == Some(called))
                .and_then(Migration::version)
        }
        _ => Some(called),
    }
}

fn later(set: &Migrations, history: &History, other: &OtherHistory) -> Option<Diagnostic> {
    let of = ADOPTABLE.iter().find(|it| it.tool == other.tool)?;
    let (tool, table) = (other.tool, &other.table);
    let ignore =
        format!("if {table} says nothing about this database any more: `--ignore {table}`");
    if let Some(unfinished) = &other.unfinished {
        let message = format!(
            "{tool} began {unfinished} and did not finish it, or it failed, after its history was taken over"
        );
        let settle = format!(
            "finish it with {tool}, or settle it there; then `adopt --from {}`",
            of.word
        );
        return Some(
            Diagnostic::problem(OTHER_HISTORY, message)
                .help(settle)
                .help(ignore),
        );
    }
    let version = |called: i64| version_of(called, of.called, set);
    let is_recorded = |called: i64| {
        version(called).is_some_and(|it| {
            history.undone.contains(&it) || history.row(&Key::Migration(it)).is_some()
        })
    };
    let is_file =
        |called: i64| version(called).is_some_and(|it| set.get(&Key::Migration(it)).is_some());
    let newest = *other.versions.last()?;
    let mut later: Vec<i64> = match of.newest_only {
        // It stands for all before it.
        true => {
            let files = set.versioned.iter().filter_map(Migration::version);
            files.filter(|it| *it < newest).chain([newest]).collect()
        }
        false => other.versions.clone(),
    };
    later.retain(|called| !is_recorded(*called));
    let (which, it) = match later.as_slice() {
        [] => return None,
        [one] => (format!("{one}, which is"), "it"),
        more => (format!("{} migrations that are", more.len()), "them"),
    };
    let message = format!(
        "{table}, the table of {tool}, lists {which} not recorded in {}: {tool} ran {it} after its history was taken \
         over, or {it} was undone here",
        history.table
    )
    .replace("or them was", "or they were");
    let problem = match later.into_iter().any(is_file) {
        true => Diagnostic::problem(
            OTHER_HISTORY,
            format!("{message}. What is pending here would run again"),
        ),
        false => Diagnostic::problem(TWO_HISTORIES, message).warning(),
    };
    Some(
        problem
            .help(format!(
                "if {tool} ran {it}: `adopt --from {}` records {it}; from then on let one tool migrate this database",
                of.word
            ))
            .help(ignore),
    )
}
