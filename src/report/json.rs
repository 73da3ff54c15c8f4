//! Outcomes as JSON: one document per command, the same shape for all.

use serde::Serialize;

use super::{Report, Style};
use crate::config::{ConfigError, Row};
use crate::history::History;
use crate::migrations::{Outcome, Plan, UndoPlan};

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

/// The one document that a command prints with `--format json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Document {
    schema_version: u32,
}

/// One migration, as it stands after the command.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Item {
    kind: &'static str,
}

impl Document {
    /// `status`.
    pub fn status(call: Call<'_>, plan: &Plan, history: &History) -> Document {
        let _ = (call, plan, history);
        Document { schema_version: 1 }
    }

    /// `migrate --dry-run`.
    pub fn dry_run(call: Call<'_>, plan: &Plan, history: &History) -> Document {
        let _ = (call, plan, history);
        Document { schema_version: 1 }
    }

    /// `undo --dry-run`.
    pub fn undo_dry_run(call: Call<'_>, plan: &UndoPlan, history: &History) -> Document {
        let _ = (call, plan, history);
        Document { schema_version: 1 }
    }

    /// What a command did.
    pub fn outcome(call: Call<'_>, outcome: &Outcome) -> Document {
        let _ = (call, outcome);
        Document { schema_version: 1 }
    }

    /// What went wrong.
    pub fn failure(call: Call<'_>, report: &Report) -> Document {
        let _ = (call, report);
        Document { schema_version: 1 }
    }

    /// `config`: settings, and what is wrong with them.
    pub fn config(call: Call<'_>, rows: &[Row], error: Option<&ConfigError>) -> Document {
        let _ = (call, rows, error);
        Document { schema_version: 1 }
    }

    /// A command that did what it was told and has nothing to list (`new`, `renumber`, `init`).
    pub fn done(call: Call<'_>) -> Document {
        let _ = call;
        Document { schema_version: 1 }
    }

    /// The document with a field of the command's own.
    pub fn with(self, field: &str, value: impl Into<serde_json::Value>) -> Document {
        let _ = (field, value.into());
        self
    }
}

impl std::fmt::Display for Document {
    /// The document, indented, without a line end behind it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&serde_json::to_string_pretty(self).map_err(|_| std::fmt::Error)?)
    }
}
