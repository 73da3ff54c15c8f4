//! Why a database cannot be opened, read, changed or synced, and what to do about it.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use super::engine::{code_class, code_help, code_name};
use super::words::in_words;
use crate::db::{self, Code, DbError, EngineError, SyncFault};
use crate::diagnostic::{Class, Diagnostic};

pub(super) const LOCKED: &str =
    "run it again once the other connection has finished, or wait longer with `--lock-timeout 60`";

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
            "the primary has everything: `replica reset` removes what is left of it, `sync` creates it again",
        ),
        // The settings name a file and a primary that do not belong together.
        DbError::OtherPrimary { .. } => Diagnostic::error("other-primary", words)
            .class(Class::Usage)
            .note("the replica was left as it is")
            .help("check whether TURSO_DATABASE_URL is the one that you meant")
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
            "make room for {file}, then run `sync` again: it continues after the last complete transaction"
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

fn file(path: &Path, source: &std::io::Error) -> String {
    match source.kind() {
        ErrorKind::AlreadyExists => "name a file that is not there yet".to_owned(),
        ErrorKind::NotFound | ErrorKind::PermissionDenied if path.is_dir() || !path.exists() => {
            format!(
                "other files are written beside the database: check whether the folder {} exists, and whether you may read and \
             write it",
                path.display()
            )
        }
        ErrorKind::PermissionDenied => {
            "check whether you may read and write the file and its folder".to_owned()
        }
        ErrorKind::NotADirectory => {
            "a file is in the place of a folder: name another path, or move that file".to_owned()
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "make room on the disk, then run the same command again".to_owned()
        }
        _ => "check that the disk is mounted, healthy and has free space".to_owned(),
    }
}

fn cannot_open(path: &Path) -> String {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => format!(
            "check whether the folder {} exists, and whether you may read and write it",
            folder.display()
        ),
        _ => "check whether you may read and write the file and its folder".to_owned(),
    }
}
