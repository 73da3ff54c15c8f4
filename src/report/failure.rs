//! Failures: what ran, what the engine said, what the database is like now, what to type next.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use super::engine::{code_class, code_help, code_name};
use super::script::script;
use super::words::{duration, keys};
use super::{Item, Report};
use crate::db::{self, Code, DbError, EngineError, HistoryTable, SyncFault};
use crate::diagnostic::{Class, Diagnostic};
use crate::drive::{ApplyError, Done, Verb};
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

pub(super) const LOCKED: &str =
    "run it again once the other connection has finished, or wait longer with `--lock-timeout 60`";

pub(super) const NOTHING: &str = "nothing was changed";

/// The units of a run without those that the problems are about: each of these has a note about its own state.
fn apart_from(problems: &[Diagnostic], done: &[Done]) -> Vec<Done> {
    let is_about = |key| {
        let mut errors = problems.iter().filter(|it| it.is_error());
        errors.any(|it| it.subject.as_ref() == Some(key))
    };
    let others = done.iter().filter(|done| !is_about(&done.key));
    others.cloned().collect()
}

/// What a run had committed before it stopped.
pub(super) fn before(done: &[Done]) -> Option<String> {
    let last = done.last()?;
    let which = keys(done.iter().map(|done| &done.key));
    let (be, stand) = match done.len() {
        1 => ("was", "stands"),
        _ => ("were", "stand"),
    };
    Some(match last.verb {
        Verb::Removed if last.statements == 0 => {
            format!("the records of {which} were corrected before by this run, and stay so")
        }
        Verb::Applied if last.statements == 0 => {
            format!("{which} {be} recorded as applied by this run, and {stand}")
        }
        Verb::Applied | Verb::MadeAgain => {
            format!("{which} {be} applied before by this run, and {stand}")
        }
        Verb::Removed => {
            format!("{which} {be} undone before by this run, and not applied again")
        }
        Verb::Amended | Verb::Moved => {
            format!("{which} {be} corrected before by this run, and {stand}")
        }
    })
}

pub(super) fn database(error: &DbError) -> Diagnostic {
    let words = error.to_string();
    let about = |engine: &EngineError| {
        Diagnostic::error(code_name(engine.code), format!("{error}: {engine}"))
            .helps(code_help(engine.code))
    };
    let diagnostic = match error {
        DbError::Open { path, source } if source.code == Code::CannotOpen => Diagnostic {
            help: vec![cannot_open(path)],
            ..about(source)
        },
        DbError::Read(source) if source.code == Code::Busy => Diagnostic {
            help: vec![LOCKED.to_owned()],
            ..about(source)
        },
        DbError::Open { source, .. }
        | DbError::Read(source)
        | DbError::Replace { source, .. } => about(source),
        DbError::Path { .. } => Diagnostic::error("database-path", words)
            .help("name another file with `--database FILE`"),
        // The settings name a mode that is not in this build.
        DbError::NotBuilt { feature, .. } => Diagnostic::error("not-in-this-build", words)
            .class(Class::Usage)
            .help(format!("build seedbed with its feature `{feature}`")),
        DbError::Incomplete(_) => Diagnostic::error("incomplete-answer", words)
            .help("run the command again; if the error repeats, report it"),
        DbError::Remote(error) => super::remote::diagnostic(error),
        DbError::NotAReplica { why, .. } if *why == db::DOES_NOT_EXIST => {
            Diagnostic::error("not-a-replica", words).help("`sync` makes it")
        }
        DbError::NotAReplica { why, .. } => Diagnostic::error("not-a-replica", words)
            .help(
                "name another file with `--replica-file FILE`, or move that one away: a replica is made from its \
                 primary by the first sync",
            )
            .helps((*why == db::WITHOUT_SIDE).then_some(
                "if it was a replica that lost that file, nothing tells it from a database of your own any more: \
                 remove it by hand, with its -wal and -shm",
            )),
        DbError::BrokenReplica { .. } => Diagnostic::error("broken-replica", words).help(
            "the primary has everything: `replica reset` removes what is left of it, `sync` makes it anew",
        ),
        // The settings name a file and a primary that do not belong together.
        DbError::OtherPrimary { .. } => Diagnostic::error("other-primary", words)
            .class(Class::Usage)
            .note("the replica was left as it is")
            .help("see whether TURSO_DATABASE_URL is the one that you meant")
            .help(
                "if so, name another file with `--replica-file FILE`; or `replica reset` and `sync` make this one \
                 a replica of that primary",
            ),
        DbError::SyncLocked { .. } => Diagnostic::error("lock-timeout", words).help(
            "see which program syncs it (`sync --watch`?), or wait longer with `--lock-timeout 60`",
        ),
        DbError::OtherHistory { .. } => Diagnostic::error("other-history", words)
            .note("the replica was left as it is")
            .help(
                "`sync` replaces the replica by a new copy of the primary, and asks first; `sync --yes` does so at once, \
                 and so do `replica reset` and `sync`",
            )
            .help("if the replica has rows that the primary lost, `replica copy FILE` keeps them"),
        DbError::UnfinishedReplica { .. } => Diagnostic::error("unfinished-replica", words)
            .help("`sync` brings the rest; `replica copy FILE --allow-incomplete` copies what is there"),
        DbError::NotSynced { path, fault, .. } => not_synced(words, path, *fault),
        DbError::SideFiles { path, files } => super::side_files::diagnostic(error, path, files),
        DbError::InUse { waited, .. } => Diagnostic::error("in-use", words)
            .notes((!waited.is_zero()).then(|| waited_for(*waited)))
            .help(
                "stop the programs that have it open, and run the same command again; `--lock-timeout 60` waits longer \
                 for them",
            ),
        DbError::BeingBuilt { waited, .. } => Diagnostic::error("lock-timeout", words)
            .note(waited_for(*waited))
            .help("run the same command again once the other one has ended"),
        DbError::Appeared(_) => Diagnostic::problem("file-appeared", words)
            .help("look at it first; the same command again works on that file"),
        DbError::File { path, cause: source } => Diagnostic::error("file", words).help(file(path, source)),
        DbError::Thread(source) => Diagnostic::error("internal", format!("{words}: {source}")),
    };
    match code_class(error.code()) {
        Class::Failed => diagnostic,
        class => diagnostic.class(class),
    }
}

fn not_synced(words: String, path: &Path, fault: SyncFault) -> Diagnostic {
    let file = path.display();
    match fault {
        SyncFault::Busy => Diagnostic::error("primary-busy", words).help(
            "the primary is compacting its log or starting: run `sync` again in a minute, or wait longer with \
             `--lock-timeout 600`",
        ),
        SyncFault::Locked => Diagnostic::error("lock-timeout", words).help(format!(
            "another program holds a lock on {file}: close it, or wait longer with `--lock-timeout 60`"
        )),
        SyncFault::Full => Diagnostic::error("disk-full", words).help(format!(
            "make room for {file}, then run `sync` again: it goes on from the last transaction that came whole"
        )),
        SyncFault::ReadOnly => Diagnostic::error("not-synced", words).help(format!(
            "check that you may write {file}, the files beside it and their folder"
        )),
        SyncFault::Io => Diagnostic::error("not-synced", words)
            .help("check that the disk is mounted, healthy and has free space, then run `sync` again"),
        SyncFault::Other => Diagnostic::error("not-synced", words).help(
            "run `sync` again; if that fails too, `replica reset` and `sync` create the replica again from its primary",
        ),
    }
}

fn waited_for(waited: Duration) -> String {
    format!("waited for it for {}", in_words(waited))
}

pub(super) fn in_words(waited: Duration) -> String {
    duration(i64::try_from(waited.as_millis()).unwrap_or(i64::MAX))
}

fn file(path: &Path, source: &std::io::Error) -> String {
    match source.kind() {
        ErrorKind::AlreadyExists => "name a file that is not there yet".to_owned(),
        ErrorKind::NotFound | ErrorKind::PermissionDenied if path.is_dir() || !path.exists() => {
            format!(
                "other files are written beside the database: see whether the folder {} exists, and whether you may read and \
             write it",
                path.display()
            )
        }
        ErrorKind::PermissionDenied => {
            "see whether you may read and write the file and its folder".to_owned()
        }
        ErrorKind::NotADirectory => {
            "a file is in the place of a folder: name another path, or move that file".to_owned()
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "make room on the disk, then run the same command again".to_owned()
        }
        _ => "see whether the disk is there, well and not full".to_owned(),
    }
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
