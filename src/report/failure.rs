//! Failures: what ran, what the engine said, what the database is like now, what to type next.

use std::io::ErrorKind;
use std::path::Path;

use super::engine::{code_help, code_name};
use super::script::script;
use super::style::Style;
use super::words::{as_typed, duration, keys};
use super::{Diagnostic, Item, Report, Told};
use crate::db::{self, Code, DbError, EngineError};
use crate::drive::{ApplyError, Done, Verb};
use crate::history::HistoryError;
use crate::migrations::ReadError;

impl Report {
    /// A change that did not happen, or not all of it.
    pub fn failure<P: Told>(error: &ApplyError<P>, style: Style<'_>) -> Report {
        match error {
            ApplyError::History(error) => Report::history(error, style),
            ApplyError::Problems { problems, done } => {
                let report = Report::told(problems, style);
                // The next question is whether this run changed the database of the other tool.
                let foreign = report
                    .diagnostics
                    .iter()
                    .any(|it| it.code == "other-history");
                Report {
                    database: before(done).or_else(|| foreign.then(|| NOTHING.to_owned())),
                    items: done.iter().map(Item::done).collect(),
                    ..report
                }
            }
            ApplyError::Waited {
                what,
                waited,
                done,
                started,
            } => {
                let waited = duration(i64::try_from(waited.as_millis()).unwrap_or(i64::MAX));
                let diagnostic = match started {
                    Some(problem) => Diagnostic {
                        code: "lock-timeout",
                        notes: vec![format!("waited for it for {waited}")],
                        ..problem.told(style.program)
                    },
                    None => Diagnostic {
                        help: vec![LOCKED.to_owned()],
                        ..Diagnostic::error("lock-timeout", format!("{what} for {waited}"))
                    },
                };
                Report {
                    database: Some(before(done).unwrap_or_else(|| NOTHING.to_owned())),
                    items: done.iter().map(Item::done).collect(),
                    ..Report::of(vec![diagnostic])
                }
            }
            ApplyError::Script(error) => script(error, style),
            ApplyError::Unknown { lost, units, done } => {
                super::remote::unknown(lost, units, done, style)
            }
        }
    }

    /// A database that cannot be read. A [`DbError`] becomes one with `into()`.
    pub fn history(error: &HistoryError, style: Style<'_>) -> Report {
        let (code, help): (_, &[&str]) = match error {
            HistoryError::Db(error) => {
                let unchanged = matches!(error, DbError::SideFiles { .. } | DbError::InUse { .. });
                return Report {
                    database: unchanged.then(|| NOTHING.to_owned()),
                    ..Report::of(vec![database(error, style.program)])
                };
            }
            HistoryError::NotOurs { .. } => (
                "not-ours",
                &[
                    "see whether this is the database that you meant",
                    "if no other tool needs it any more, rename it (`ALTER TABLE _migrations RENAME TO …`), then \
                     `baseline V` records what the database has already",
                ],
            ),
            HistoryError::Newer { .. } => (
                "newer-layout",
                &["upgrade seedbed to the version that the others use"],
            ),
            HistoryError::Unfinished(unfinished) => {
                let help = crate::migrations::Problem::UnfinishedImport(unfinished.clone()).help();
                return Report::of(vec![Diagnostic {
                    help: help
                        .iter()
                        .map(|help| as_typed(help, style.program))
                        .collect(),
                    ..Diagnostic::error("unfinished-import", error.to_string())
                }]);
            }
            HistoryError::Unreadable { .. } => (
                "unreadable-history",
                &[
                    "no Seedbed writes such a row: put back what was changed by hand, or restore a backup",
                ],
            ),
        };
        Report::of(vec![Diagnostic {
            help: help
                .iter()
                .map(|help| as_typed(help, style.program))
                .collect(),
            ..Diagnostic::error(code, error.to_string())
        }])
    }

    /// Migration files that cannot be read.
    pub fn files(error: &ReadError, style: Style<'_>) -> Report {
        let diagnostic = match error {
            ReadError::NoDirectory { .. } => Diagnostic {
                help: vec![as_typed(
                    "`new NAME` creates it with a first migration; `--migrations DIR` names another",
                    style.program,
                )],
                ..Diagnostic::error("no-directory", error.to_string())
            },
            ReadError::Unreadable { source, .. } => {
                Diagnostic::error("unreadable-file", format!("{error}: {source}"))
            }
        };
        Report::of(vec![diagnostic])
    }

    /// Anything else that stops a command: flags that do not fit, a file that cannot be written.
    pub fn usage(code: &'static str, message: impl Into<String>, help: Option<String>) -> Report {
        Report::of(vec![Diagnostic {
            help: help.into_iter().collect(),
            ..Diagnostic::error(code, message)
        }])
    }
}

const LOCKED: &str =
    "see which program has the database open, or wait longer with `--lock-timeout 60`";

pub(super) const NOTHING: &str = "nothing was changed";

/// What a run had committed before it stopped.
pub(super) fn before(done: &[Done]) -> Option<String> {
    let last = done.last()?;
    let which = keys(done.iter().map(|done| &done.key));
    let (be, stand) = match done.len() {
        1 => ("was", "stands"),
        _ => ("were", "stand"),
    };
    Some(match last.verb {
        Verb::Applied => format!("{which} {be} applied before by this run, and {stand}"),
        Verb::Removed => {
            format!("{which} {be} undone before by this run, and not applied again")
        }
        Verb::Amended => format!("{which} {be} corrected before by this run, and {stand}"),
    })
}

pub(super) fn database(error: &DbError, program: &str) -> Diagnostic {
    let about = |code: Code, engine: &EngineError| Diagnostic {
        help: code_help(code).map(str::to_owned).into_iter().collect(),
        ..Diagnostic::error(code_name(code), format!("{error}: {engine}"))
    };
    match error {
        DbError::Open { path, source } => {
            let mut diagnostic = about(source.code, source);
            if source.code == Code::CannotOpen {
                diagnostic.help = vec![cannot_open(path)];
            }
            diagnostic
        }
        DbError::Read(source) if source.code == Code::Busy => Diagnostic {
            help: vec![LOCKED.to_owned()],
            ..about(source.code, source)
        },
        DbError::Read(source) => about(source.code, source),
        DbError::Path { .. } => Diagnostic {
            help: vec!["name another file with `--database FILE`".to_owned()],
            ..Diagnostic::error("database-path", error.to_string())
        },
        DbError::NotBuilt { feature, .. } => Diagnostic {
            help: vec![format!("build seedbed with its feature `{feature}`")],
            ..Diagnostic::error("not-in-this-build", error.to_string())
        },
        DbError::Remote(error) => super::remote::diagnostic(error, program),
        DbError::NotAReplica { why, .. } => {
            let mut help = vec![
                "name another file with `--replica-file FILE`, or move that one away: a replica is made from its \
                 primary by the first sync"
                    .to_owned(),
            ];
            if *why == db::WITHOUT_SIDE {
                help.push(
                    "if it was a replica that lost that file, nothing tells it from a database of your own any more: \
                     remove it by hand, with its -wal and -shm"
                        .to_owned(),
                );
            }
            Diagnostic {
                help,
                ..Diagnostic::error("not-a-replica", error.to_string())
            }
        }
        DbError::BrokenReplica { .. } => Diagnostic {
            help: vec![as_typed(
                "the primary has everything: `replica reset` removes what is left of it, `sync` makes it anew",
                program,
            )],
            ..Diagnostic::error("broken-replica", error.to_string())
        },
        DbError::OtherPrimary { .. } => Diagnostic {
            notes: vec!["the replica was left as it is".to_owned()],
            help: vec![
                "see whether TURSO_DATABASE_URL is the one that you meant".to_owned(),
                as_typed(
                    "if so, name another file with `--replica-file FILE`; or `replica reset` and `sync` make this one \
                     a replica of that primary",
                    program,
                ),
            ],
            ..Diagnostic::error("other-primary", error.to_string())
        },
        DbError::SyncLocked { .. } => Diagnostic {
            help: vec![as_typed(
                "see which program syncs it (`sync --watch`?), or wait longer with `--lock-timeout 60`",
                program,
            )],
            ..Diagnostic::error("lock-timeout", error.to_string())
        },
        DbError::NotSynced { .. } => Diagnostic {
            help: vec![as_typed(
                "see whether the disk is full, then run `sync` again; if that fails too, `replica reset` and `sync` make the \
                 replica anew",
                program,
            )],
            ..Diagnostic::error("not-synced", error.to_string())
        },
        DbError::SideFiles { path, files } => super::side_files::diagnostic(error, path, files),
        DbError::InUse { waited, .. } => Diagnostic {
            notes: (!waited.is_zero())
                .then(|| waited_for(*waited))
                .into_iter()
                .collect(),
            help: vec![
                "stop the programs that have it open, and run the same command again; `--lock-timeout 60` waits longer \
                 for them"
                    .to_owned(),
            ],
            ..Diagnostic::error("in-use", error.to_string())
        },
        DbError::BeingBuilt { waited, .. } => Diagnostic {
            notes: vec![waited_for(*waited)],
            help: vec!["run the same command again once the other one has ended".to_owned()],
            ..Diagnostic::error("lock-timeout", error.to_string())
        },
        DbError::Appeared(_) => Diagnostic {
            help: vec!["look at it first; the same command again works on that file".to_owned()],
            ..Diagnostic::error("file-appeared", error.to_string())
        },
        DbError::Replace { source, .. } => about(source.code, source),
        DbError::File { path, source } => Diagnostic {
            help: match source.kind() {
                ErrorKind::AlreadyExists => vec!["name a file that is not there yet".to_owned()],
                ErrorKind::NotFound | ErrorKind::PermissionDenied
                    if path.is_dir() || !path.exists() =>
                {
                    vec![format!(
                        "other files are written beside the database: see whether the folder {} exists, and whether you \
                         may read and write it",
                        path.display()
                    )]
                }
                ErrorKind::PermissionDenied => {
                    vec!["see whether you may read and write the file and its folder".to_owned()]
                }
                _ => vec!["see whether the disk is there, well and not full".to_owned()],
            },
            ..Diagnostic::error("file", error.to_string())
        },
        DbError::Thread(source) => Diagnostic::error("internal", format!("{error}: {source}")),
    }
}

fn waited_for(waited: std::time::Duration) -> String {
    let waited = i64::try_from(waited.as_millis()).unwrap_or(i64::MAX);
    format!("waited for it for {}", duration(waited))
}

fn cannot_open(path: &Path) -> String {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => format!(
            "see whether the folder {} exists, and whether you may read and write it",
            folder.display()
        ),
        _ => "see whether you may read and write the file and its folder".to_owned(),
    }
}
