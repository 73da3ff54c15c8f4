//! Outcomes as text for people, as JSON for programs, and as annotations for pull requests.
//!
//! Everything here takes values and gives text: it prints nothing, opens nothing and decides nothing but which exit
//! class an error has. What went wrong becomes a [`Report`]; the same report is shown as text, as JSON and as
//! annotations, so that the three never disagree. States and results are tables and lines of their own:
//! [`status`], [`dry_run`], [`outcome`], [`config`], [`inspect`], [`explain`], [`exported`], [`imported`], [`checks`].

mod annotations;
mod backup;
mod checked;
mod checks;
mod committed;
mod config;
mod copy;
mod database;
mod diff;
mod drift;
mod dry_run;
mod dump;
mod engine;
mod explain;
mod export;
mod failure;
mod import;
mod inspect;
mod json;
mod lint;
mod outcome;
mod problem;
mod remote;
mod replica;
mod restore_point;
mod sarif;
mod schema;
mod script;
mod seeds;
mod side_files;
mod snippet;
mod status;
mod style;
mod table;
#[cfg(feature = "testing")]
mod testing;
#[cfg(test)]
mod tests;
mod verify;
mod words;

use crate::diagnostic::{Class, Diagnostic};

pub use annotations::{Checkout, annotations};
pub use backup::{UNPROVEN, backed_up, backups, not_removed, restored, rows_of_tables};
pub use checked::checked;
pub use checks::{checks, failed_checks};
pub use config::config;
pub use copy::{Copying, copied, copy_words, planned_copy};
pub use drift::{fixed, no_drift};
pub use dry_run::{adopt_dry_run, dry_run, redo_dry_run, several_transactions, undo_dry_run};
pub use dump::{dumped, export_words};
pub use explain::explain;
pub use export::exported;
pub use import::{
    foreign_history_warning, import_words, imported, left_out_words, module_warning,
    planned_import, restored_backup, trigger_warning,
};
pub use inspect::inspect;
pub use json::{Call, Document, Item, Problem, Related};
pub use lint::{explained, linted};
pub use outcome::{Change, event, other_run, outcome, running};
pub use replica::{Needs, ReplicaStatus, age, replica_status, synced, syncing};
pub use restore_point::restore_point;
pub use sarif::sarif;
pub use seeds::{Done as SeedsDone, forgotten, seeds, seeds_after, standing};
pub use status::status;
pub use style::{Paint, Style};
pub use verify::{verified, verified_after};
#[doc(hidden)]
pub use words::{as_typed, bytes, count};

/// What went wrong, ready to be shown.
///
/// The constructors are in the files of their inputs: [`Report::problems`], [`Report::failure`],
/// [`Report::history`], [`Report::files`], [`Report::baseline`], [`Report::config`], [`Report::explain`],
/// [`Report::export`], [`Report::dump`], [`Report::import`], [`Report::checks`]. Each error becomes a [`Diagnostic`] in
/// one of them, with its exit class; whatever else stops a command is a [`Diagnostic`] that becomes a report.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// Errors first.
    pub diagnostics: Vec<Diagnostic>,
    /// What the database is like now, where a command changed it or tried to: one sentence.
    pub database: Option<String>,
    /// What was done, rolled back or left half done.
    pub items: Vec<Item>,
    /// The highest applied version now, `Some(None)` where none is applied; `None` where it was not looked at.
    pub version: Option<Option<i64>>,
    /// The backup that was taken before, by the path of its file.
    pub backup: Option<String>,
}

impl From<Diagnostic> for Report {
    fn from(diagnostic: Diagnostic) -> Report {
        Report::of(vec![diagnostic])
    }
}

impl Report {
    /// The exit class of its errors together; `None` where it has none.
    pub fn class(&self) -> Option<Class> {
        Class::of(&self.diagnostics)
    }

    fn of(diagnostics: Vec<Diagnostic>) -> Report {
        Report {
            diagnostics,
            database: None,
            items: Vec::new(),
            version: None,
            backup: None,
        }
    }
}
