//! Outcomes as JSON: one document per command, the same shape for all.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Report;
use super::dry_run::statement_lines;
use super::snippet::{help, notes};
use super::style::Style;
use super::words::as_typed;
use crate::config::{ConfigError, Row};
use crate::diagnostic::{self, Diagnostic, Location};
use crate::history::History;
use crate::migrations::{
    self, AdoptPlan, Done, MigrationPlan, Outcome, RedoPlan, State, UndoPlan, Verb, WouldAdopt,
};
use crate::script::{Entry, Key, Record, Script};

/// What was called, and on which database.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The command: `migrate`.
    pub command: &'a str,
    /// The mode, where it is known: `local`.
    pub mode: Option<&'a str>,
    /// The database, where it is known, as the `target:` line names it.
    pub database: Option<&'a str>,
    /// The exit code that the process ends with.
    pub exit_code: u8,
    /// For the commands in help texts.
    pub style: Style<'a>,
}

/// The one document that a command prints with `--format json`. Its [`Display`](std::fmt::Display) is the JSON text,
/// indented, without a line end behind it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Document {
    /// The version of this shape: 1. Fields may be added to it; they are not renamed or taken away.
    pub schema_version: u32,
    /// The command.
    pub command: String,
    /// The mode of the database.
    pub mode: Option<String>,
    /// The database.
    pub database: Option<String>,
    /// `done`, `nothing-to-do`; `up-to-date` or `pending` (`status`); `planned` (`--dry-run`); `failed`, `usage`,
    /// `problems`, `differs`, `timeout`, `lint`, `unknown` or `interrupted`.
    pub outcome: &'static str,
    /// The exit code.
    pub exit_code: u8,
    /// The migrations that are concerned, in order.
    pub items: Vec<Item>,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// Fields of the command's own.
    #[serde(flatten)]
    pub own: Map<String, Value>,
}

/// One migration, as it stands after the command.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Item {
    /// `migration`, `repeatable`.
    pub kind: &'static str,
    /// A number for migrations, text for others.
    pub version: Value,
    /// The words of its name.
    pub name: Option<String>,
    /// `applied`, `pending`, `ahead`, `edited`, `missing`, `started`, `drifted` or `blocked`.
    pub state: &'static str,
    /// sha256, lower-case hexadecimal.
    pub checksum: Option<String>,
    /// UTC, `YYYY-MM-DDTHH:MM:SS.sssZ`.
    pub applied_at: Option<String>,
    /// Whole milliseconds.
    pub duration_ms: Option<i64>,
    /// Its file.
    pub file: Option<String>,
    /// Why a repeatable with the recorded text is pending, was made again, or would be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Problem {
    /// A stable name.
    pub code: &'static str,
    /// `error`, `warning` or `note`.
    pub severity: &'static str,
    /// The file.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: Option<u32>,
    /// The column in characters, from 1.
    pub column: Option<u32>,
    /// What and why.
    pub message: String,
    /// Other locations that belong to it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<Related>,
    /// More about it.
    pub notes: Vec<String>,
    /// What to do, one line each.
    pub help: Option<String>,
}

/// Another location that belongs to a problem.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Related {
    /// How it belongs to it.
    pub message: String,
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: Option<u32>,
    /// The column in characters, from 1.
    pub column: Option<u32>,
}

impl Document {
    /// `status`.
    pub fn status(call: Call<'_>, plan: &MigrationPlan, history: &History) -> Document {
        let pending = plan.items.iter().any(|item| item.state == State::Pending);
        let outcome = if plan.errors().next().is_some() {
            "problems"
        } else if pending {
            "pending"
        } else {
            "up-to-date"
        };
        Document {
            outcome,
            items: plan.items.iter().map(Item::of).collect(),
            ..Document::new(call, &Report::problems(&plan.problems))
        }
        .with("database_version", history.version())
    }

    /// `migrate --dry-run`: the items are those that would run.
    pub fn dry_run(call: Call<'_>, plan: &MigrationPlan, history: &History) -> Document {
        planned(call, &plan.scripts, &plan.problems, "pending", history)
    }

    /// `undo --dry-run`: the items are those that would be undone.
    pub fn undo_dry_run(call: Call<'_>, plan: &UndoPlan, history: &History) -> Document {
        planned(call, &plan.scripts, &plan.problems, "applied", history)
    }

    /// `redo --dry-run`: the items are those that would be undone, then those that would be applied.
    pub fn redo_dry_run(call: Call<'_>, plan: &RedoPlan, history: &History) -> Document {
        planned(call, &plan.scripts, &plan.problems, "pending", history)
    }

    /// `adopt --dry-run`: the items are those that would be recorded.
    pub fn adopt_dry_run(call: Call<'_>, plan: &AdoptPlan) -> Document {
        let item = |it: &WouldAdopt| Item {
            name: Some(it.name.clone()),
            checksum: Some(it.checksum.clone()),
            applied_at: it.applied_at.clone(),
            file: Some(it.file.clone()),
            ..Item::bare(&it.key, "pending")
        };
        Document {
            outcome: match plan.items.as_slice() {
                [] => "nothing-to-do",
                _ => "planned",
            },
            items: plan.items.iter().map(item).collect(),
            ..Document::new(call, &Report::problems(&plan.warnings))
        }
        .with("database_version", plan.version)
        .with("adopted_from", plan.tool)
    }

    /// What a command did.
    pub fn outcome(call: Call<'_>, outcome: &Outcome) -> Document {
        let report = Report::problems(&outcome.warnings);
        Document {
            outcome: match outcome.done.as_slice() {
                [] => "nothing-to-do",
                _ => "done",
            },
            items: outcome.done.iter().map(Item::done).collect(),
            ..Document::new(call, &report)
        }
        .with("database_version", outcome.version)
    }

    /// What went wrong. The sentence on what the database is like now is the field `summary`.
    pub fn failure(call: Call<'_>, report: &Report) -> Document {
        let document = Document {
            items: report.items.clone(),
            ..Document::new(call, report)
        };
        let summary = report.database.as_ref();
        let summary = summary.map(|database| as_typed(database, call.style.program));
        let own = [
            ("summary", summary.map(Value::from)),
            ("database_version", report.version.map(Value::from)),
            ("backup", report.backup.clone().map(Value::from)),
        ];
        let own = own
            .into_iter()
            .filter_map(|(field, value)| Some((field, value?)));
        own.fold(document, |document, (field, value)| {
            document.with(field, value)
        })
    }

    /// `config`: settings, and what is wrong with them.
    pub fn config(call: Call<'_>, rows: &[Row], error: Option<&ConfigError>) -> Document {
        let settings: Vec<Value> = rows
            .iter()
            .map(|row| json!({"name": row.name, "value": row.value, "origin": row.origin}))
            .collect();
        let report = error.map_or_else(|| Report::of(Vec::new()), Report::config);
        Document::new(call, &report).with("settings", settings)
    }

    /// A command that did what it was told and has nothing to list (`new`, `renumber`, `init`).
    pub fn done(call: Call<'_>) -> Document {
        Document::done_with(call, &[])
    }

    /// The same with warnings.
    pub fn done_with(call: Call<'_>, warnings: &[Diagnostic]) -> Document {
        Document::new(call, &Report::problems(warnings))
    }

    /// The document with a field of the command's own.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Document {
        self.own.insert(field.to_owned(), value.into());
        self
    }

    /// What every document has, and nothing of a command's own.
    pub(super) fn new(call: Call<'_>, report: &Report) -> Document {
        Document {
            schema_version: 1,
            command: call.command.to_owned(),
            mode: call.mode.map(str::to_owned),
            database: call.database.map(str::to_owned),
            outcome: by_exit_code(call.exit_code),
            exit_code: call.exit_code,
            items: Vec::new(),
            problems: report
                .diagnostics
                .iter()
                .map(|diagnostic| Problem::of(diagnostic, call.style))
                .collect(),
            own: Map::new(),
        }
    }
}

impl std::fmt::Display for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&serde_json::to_string_pretty(self).map_err(|_| std::fmt::Error)?)
    }
}

fn by_exit_code(exit_code: u8) -> &'static str {
    match exit_code {
        0 => "done",
        2 => "usage",
        3 => "pending",
        4 => "problems",
        5 => "differs",
        6 => "timeout",
        7 => "lint",
        8 => "unknown",
        130 => "interrupted",
        _ => "failed",
    }
}

fn planned(
    call: Call<'_>,
    scripts: &[Script],
    problems: &[Diagnostic],
    state: &'static str,
    history: &History,
) -> Document {
    let report = Report::problems(problems);
    let units = || scripts.iter().flat_map(|script| &script.units);
    let statements: Vec<Value> = units()
        .flat_map(|unit| statement_lines(&unit.steps))
        .map(|line| {
            json!({
                "file": line.file,
                "line": line.place.line,
                "column": line.place.column,
                "words": line.words,
                "sql": line.sql,
            })
        })
        .collect();
    Document {
        outcome: if report.class().is_some() {
            "problems"
        } else if scripts.is_empty() {
            "nothing-to-do"
        } else {
            "planned"
        },
        items: units()
            .map(|unit| Item {
                file: unit.file().map(str::to_owned),
                ..Item::of_record(&unit.record, state)
            })
            .collect(),
        ..Document::new(call, &report)
    }
    .with("database_version", history.version())
    .with("scripts", scripts.len())
    .with("statements", statements)
}

impl Item {
    fn of(item: &migrations::Item) -> Item {
        Item {
            name: Some(item.name.clone()),
            checksum: some(&item.checksum),
            applied_at: item.applied_at.clone(),
            duration_ms: item.duration_ms,
            file: item.file.clone(),
            reason: item.reason.clone(),
            ..Item::bare(&item.key, item.state.word())
        }
    }

    /// A unit that ran. What was undone, or forgotten, is pending: it is not in the records.
    pub(super) fn done(done: &Done) -> Item {
        let state = match done.verb {
            Verb::Applied | Verb::MadeAgain | Verb::Amended | Verb::Moved => "applied",
            Verb::Removed => "pending",
        };
        Item {
            name: some(&done.name),
            checksum: some(&done.checksum),
            duration_ms: done.duration_ms,
            applied_at: done.applied_at.clone(),
            // Of what is undone, it is the recorded down text that ran.
            file: done.file.clone().filter(|_| done.verb != Verb::Removed),
            reason: (done.verb == Verb::MadeAgain).then(|| "made again".to_owned()),
            ..Item::bare(&done.key, state)
        }
    }

    /// A unit that has not run.
    pub(super) fn of_record(record: &Record, state: &'static str) -> Item {
        match record {
            Record::Insert(entry)
            | Record::Replace(entry)
            | Record::Amend(entry)
            | Record::Move { entry, .. } => {
                let Entry { name, checksum, .. } = entry;
                Item {
                    name: some(name),
                    checksum: some(checksum),
                    ..Item::bare(&entry.key, state)
                }
            }
            Record::Delete(key) | Record::Settle(key) => Item::bare(key, state),
            Record::Mark(_) | Record::Copy => Item::bare(record.key(), state),
            Record::Restore(restore) => Item {
                name: some(&restore.entry.name),
                checksum: some(&restore.entry.checksum),
                reason: Some(super::dry_run::condition(restore)),
                ..Item::bare(&restore.entry.key, "applied")
            },
        }
    }

    /// Whether it is about this record.
    pub(super) fn is_of(&self, key: &Key) -> bool {
        let other = Item::bare(key, self.state);
        (self.kind, &self.version) == (other.kind, &other.version)
    }

    pub(super) fn bare(key: &Key, state: &'static str) -> Item {
        Item {
            kind: key.kind(),
            version: match key {
                Key::Migration(version) => (*version).into(),
                Key::Repeatable(name) | Key::Seed(name) | Key::Import(name) => name.as_str().into(),
                Key::Environment => "environment".into(),
                Key::DatabaseId => "database_id".into(),
            },
            name: None,
            state,
            checksum: None,
            applied_at: None,
            duration_ms: None,
            file: None,
            reason: None,
        }
    }
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

impl Related {
    fn of(related: &diagnostic::Related) -> Related {
        let (file, line, column) = related.location.place();
        Related {
            message: related.words.clone(),
            file: file.to_owned(),
            line,
            column,
        }
    }
}

impl Problem {
    pub(super) fn of(diagnostic: &Diagnostic, style: Style<'_>) -> Problem {
        let place = diagnostic.location.as_ref().map(Location::place);
        let (file, line, column) = place.map_or((None, None, None), |(file, line, column)| {
            (Some(file.to_owned()), line, column)
        });
        Problem {
            code: diagnostic.code,
            severity: diagnostic.severity.word(),
            file,
            line,
            column,
            message: diagnostic.message.clone(),
            related: diagnostic.related.iter().map(Related::of).collect(),
            notes: notes(diagnostic),
            help: some(&help(diagnostic, style.program).join("\n")),
        }
    }
}
