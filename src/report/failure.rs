//! Failures: what ran, what the engine said, what the database is like now, what to type next.

use super::committed::{NOTHING, before};
use super::database::{LOCKED, database};
use super::script::script;
use super::words::in_words;
use super::{Item, Report};
use crate::db::{DbError, HistoryTable};
use crate::diagnostic::{Class, Diagnostic};
use crate::drive::{ApplyError, Done};
use crate::history::HistoryError;
use crate::migrations::ReadError;
use crate::sql::identifier;

impl Report {
    /// A change that did not happen, or not all of it.
    pub fn failure(error: &ApplyError) -> Report {
        match error {
            ApplyError::History(error) => Report::history(error),
            ApplyError::Problems { problems, done } => {
                // The next question is whether this run changed the database of the other tool.
                let foreign = problems.iter().any(|it| it.code == "other-history");
                Report {
                    database: before(&apart_from(problems, done))
                        .or_else(|| foreign.then(|| NOTHING.to_owned())),
                    items: done.iter().map(Item::done).collect(),
                    ..Report::problems(problems)
                }
            }
            ApplyError::Waited {
                what,
                waited,
                done,
                started,
            } => {
                let waited = in_words(*waited);
                let diagnostic = match started {
                    Some(problem) => Diagnostic {
                        code: "lock-timeout",
                        notes: vec![format!("waited for it for {waited}")],
                        ..Diagnostic::clone(problem)
                    },
                    None => Diagnostic::error("lock-timeout", format!("{what} for {waited}"))
                        .help(LOCKED),
                };
                Report {
                    database: Some(before(done).unwrap_or_else(|| NOTHING.to_owned())),
                    items: done.iter().map(Item::done).collect(),
                    ..Report::from(diagnostic.class(Class::Locked))
                }
            }
            ApplyError::Script(error) => script(error),
            ApplyError::Unknown {
                lost,
                units,
                scripts,
                done,
            } => super::remote::unknown(lost, units, *scripts, done),
        }
    }

    /// The same for a command that migrates and seeds on its way, as `reset` does: that command is what to run again.
    #[must_use]
    pub fn within(self, command: &str) -> Report {
        self.next(&format!("run `{command}` again"))
    }

    /// The same with other words for what to do next.
    #[must_use]
    pub(super) fn next(mut self, words: &str) -> Report {
        for help in self.diagnostics.iter_mut().flat_map(|it| &mut it.help) {
            for part in ["run `migrate` again", "run `seed` again"] {
                *help = help.replace(part, words);
            }
        }
        self
    }

    /// A database that cannot be read. A [`DbError`] becomes one with `into()`.
    pub fn history(error: &HistoryError) -> Report {
        let unchanged = matches!(
            error,
            HistoryError::Db(DbError::SideFiles { .. } | DbError::InUse { .. })
        );
        Report {
            database: unchanged.then(|| NOTHING.to_owned()),
            ..Report::from(history(error))
        }
    }

    /// Migration files that cannot be read.
    pub fn files(error: &ReadError) -> Report {
        Report::from(match error {
            ReadError::NoDirectory { .. } => Diagnostic::error("no-directory", error.to_string())
                .class(Class::Usage)
                .help("`new NAME` creates it with a first migration; `--migrations DIR` names another"),
            ReadError::Unreadable { source, .. } => {
                Diagnostic::error("unreadable-file", format!("{error}: {source}"))
            }
        })
    }
}

/// A name for the history that this table does not have.
fn other_name(table: &HistoryTable) -> &'static str {
    ["_seed_migrations", "_schema_history"]
        .into_iter()
        .find(|name| !table.is(name))
        .unwrap_or(HistoryTable::DEFAULT)
}

/// Why the history cannot be read.
pub(super) fn history(error: &HistoryError) -> Diagnostic {
    let (code, help): (_, &[&str]) = match error {
        HistoryError::NotOurs { table, what } => {
            let name = identifier(table.name());
            let (remove, statement) = match what.as_str() {
                "table" => {
                    let old = identifier(&format!("{}_old", table.name()));
                    ("rename", format!("ALTER TABLE {name} RENAME TO {old}"))
                }
                _ => ("drop", format!("DROP {} {name}", what.to_ascii_uppercase())),
            };
            return Diagnostic::problem("not-ours", error.to_string())
                .help("check that this is the database that you meant")
                .help(format!(
                    "if the {what} belongs to another program, give the history another name: `table = \"NAME\"` in \
                     [migrations] of config.toml, for example \"{}\"",
                    other_name(table)
                ))
                .help(format!(
                    "if no program needs the {what}, {remove} it (`{statement}`); then `baseline V` records the migrations \
                     that the database has already"
                ));
        }
        HistoryError::Elsewhere { table, found } => {
            return Diagnostic::problem("history-elsewhere", error.to_string())
                .help(format!(
                    "if the history is to stay in {found}, set `table = {found:?}` in [migrations] of config.toml"
                ))
                .help(format!(
                    "if it is to be in {table}, rename the table: `ALTER TABLE {} RENAME TO {}` (first drop {table}, if it \
                     exists and holds no migration)",
                    identifier(found),
                    identifier(table.name())
                ))
                .help(format!(
                    "if {found} is the history of another application in this database, add it to `ignore_tables` in \
                     [migrations]"
                ));
        }
        HistoryError::Refused { .. } => (
            "history-table",
            &["give the history another name in config.toml: `[migrations] table`"],
        ),
        HistoryError::Db(error) => return database(error),
        HistoryError::Newer { .. } => (
            "newer-layout",
            &["upgrade seedbed to the version that the others use"],
        ),
        HistoryError::Unfinished(unfinished) => return unfinished.diagnostic(),
        HistoryError::Unreadable { .. } => (
            "unreadable-history",
            &[
                "no Seedbed writes such a row: put back what was changed by hand, or restore a backup",
            ],
        ),
    };
    Diagnostic::problem(code, error.to_string()).helps(help.iter().copied())
}

/// The units of a run without those that the problems are about: each of these has a note about its own state.
fn apart_from(problems: &[Diagnostic], done: &[Done]) -> Vec<Done> {
    let is_about = |key| {
        let mut errors = problems.iter().filter(|it| it.is_error());
        errors.any(|it| it.subject.as_ref() == Some(key))
    };
    let others = done.iter().filter(|done| !is_about(&done.key));
    others.cloned().collect()
}
