//! The commands on the file of an embedded replica. None of them changes its primary.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::args::{self, Format, Lock};
use crate::exit::Exit;
use crate::session::{Ending, Opened, Session, Stopped};
use seedbed::config::Database;
use seedbed::db::{self, Code, DbError, Options, OtherHistory, Protocol, Synced, Unfinished};
use seedbed::diagnostic::{Class, Diagnostic};
use seedbed::history::{self, HistoryError};
use seedbed::report::{self, Call, Document, ReplicaStatus, Report, Style};

/// `sync`
pub(crate) async fn sync(session: &Session, flags: &args::Sync) -> Ending {
    let (opened, file) = open(session, flags.lock.lock_timeout).await?;
    let shown = shown(session, &file);
    if flags.watch {
        return watch(session, &opened, &shown).await;
    }
    // What is wrong with the files, the sync itself tells.
    if let Ok(facts) = db::replica_facts(&file) {
        session.terminal.words(&report::syncing(&shown, facts));
    }
    let synced = synced(session, &opened, &shown, Asks::Always).await;
    let synced = synced.map_err(|error| failed(session, &opened, error))?;
    let document = |call: Call<'_>| Document::synced(call, &shown, &synced);
    let text = |_: Style<'_>| report::synced(&shown, &synced);
    session.result(Some(&opened), Exit::Done, document, text);
    Ok(Exit::Done)
}

/// Whether a new log is a reason to ask.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asks {
    Always,
    /// Not where the log is new, as after each crash of the server.
    UnlessTheLogIsNew,
}

/// One sync, which may replace the replica.
async fn synced(
    session: &Session,
    opened: &Opened,
    shown: &str,
    asks: Asks,
) -> Result<Synced, DbError> {
    match opened.db.sync().await {
        Err(error @ DbError::OtherHistory { .. }) => {
            replaced(session, opened, shown, error, asks).await
        }
        synced => synced,
    }
}

/// Replaces a replica whose primary has another history, where that is agreed to; else that error comes back.
async fn replaced(
    session: &Session,
    opened: &Opened,
    shown: &str,
    error: DbError,
    asks: Asks,
) -> Result<Synced, DbError> {
    let is_new_log = matches!(
        error,
        DbError::OtherHistory {
            how: OtherHistory::NewLog,
            ..
        }
    );
    let question = format!("sync will replace {shown} by a new copy of the primary");
    let is_agreed = is_new_log && asks == Asks::UnlessTheLogIsNew;
    if is_agreed || session.can_agree() {
        session.terminal.words(&format!("warning: {error}"));
    }
    if !is_agreed && !session.agrees(&question, opened.db.stop()) {
        return Err(error);
    }
    let replaced = opened.db.replace_replica().await?;
    session
        .terminal
        .words(&format!("replaced {shown} by a new copy of the primary"));
    Ok(replaced)
}

/// Syncs at the configured interval until it is interrupted. A primary that is away comes back.
async fn watch(session: &Session, opened: &Opened, shown: &str) -> Ending {
    let every = match &opened.config.database.value {
        Database::Replica { sync_interval, .. } => *sync_interval,
        _ => None,
    };
    let Some(every) = every else {
        return Err(session
            .usage(
                "no-interval",
                "sync --watch needs an interval",
                Some(
                    "set `sync_interval_seconds = 60` under [turso.local_replica] in config.toml"
                        .to_owned(),
                ),
            )
            .about(opened));
    };
    let mut syncs = 0_u64;
    let mut last = None;
    loop {
        match synced(session, opened, shown, Asks::UnlessTheLogIsNew).await {
            Ok(synced) => {
                syncs += 1;
                last = Some(synced);
                let text = report::synced(shown, &synced);
                session.terminal.words(text.trim_end());
            }
            Err(error) if error.code() == Some(Code::Interrupted) => break,
            Err(error) if error.may_pass() => {
                session.terminal.words(&format!("warning: {error}"));
            }
            Err(error) => return Err(failed(session, opened, error)),
        }
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = opened.db.stop().raised() => break,
        }
    }
    if session.terminal.format == Format::Json {
        let database = opened.database();
        let call = session.call(Some(&database), Exit::Stopped(Class::Interrupted));
        let document = Document::synced(call, shown, &last.unwrap_or_default());
        session.print(&document.with("syncs", syncs));
    }
    Ok(Exit::Stopped(Class::Interrupted))
}

/// `replica status`
pub(crate) async fn status(session: &Session, lock: &Lock) -> Ending {
    let (opened, file) = open(session, lock.lock_timeout).await?;
    let broken = |error| failed(session, &opened, error);
    let facts = db::replica_facts(&file).map_err(broken)?;
    opened.db.check_replica_file().await.map_err(broken)?;
    let follows = match opened.db.follows_its_primary().await {
        Err(error @ DbError::BrokenReplica { .. }) => return Err(broken(error)),
        follows => follows,
    };
    let primary = match &follows {
        Ok(()) => opened
            .db
            .primary_frame()
            .await
            .map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    let shown = shown(session, &file);
    let status = ReplicaStatus {
        file: &shown,
        facts,
        primary,
        now: SystemTime::now(),
    };
    session.result(
        Some(&opened),
        Exit::Done,
        |call| Document::replica_status(call, &status),
        |style| report::replica_status(&status, style),
    );
    if let Err(error @ (DbError::OtherPrimary { .. } | DbError::OtherHistory { .. })) = follows {
        let report = Report::history(&HistoryError::Db(error));
        let warnings = report.diagnostics.into_iter().map(Diagnostic::warning);
        session.warn(&warnings.collect::<Vec<_>>());
    }
    Ok(Exit::Done)
}

/// `replica reset`
pub(crate) async fn reset(session: &Session, lock: &args::Lock) -> Ending {
    let (opened, file) = open(session, lock.lock_timeout).await?;
    let options = Options::default()
        .lock_timeout(opened.db.lock_timeout())
        .stop(opened.db.stop().clone());
    let removed = match db::remove_replica(&file, &options).await {
        Err(DbError::NotAReplica {
            why: db::DOES_NOT_EXIST,
            ..
        }) => Vec::new(),
        removed => removed.map_err(|error| failed(session, &opened, error))?,
    };
    let removed: Vec<String> = removed.iter().map(|file| shown(session, file)).collect();
    let document = |call: Call<'_>| Document::done(call).with("removed", removed.as_slice());
    let text = |_: Style<'_>| match removed.is_empty() {
        true => format!("there is no replica at {}", shown(session, &file)),
        false => {
            let lines = removed.iter().map(|file| format!("removed {file}"));
            lines.collect::<Vec<_>>().join("\n")
        }
    };
    session.result(Some(&opened), Exit::Done, document, text);
    Ok(Exit::Done)
}

/// `replica copy FILE`
pub(crate) async fn copy(
    session: &Session,
    to: &Path,
    lock: &Lock,
    unfinished: Unfinished,
) -> Ending {
    let (opened, file) = open(session, lock.lock_timeout).await?;
    let broken = |error| failed(session, &opened, error);
    opened.db.check_replica_file().await.map_err(broken)?;
    // A primary that is away, or another one, is no reason to copy nothing.
    if opened.db.replica_was_touched().map_err(broken)?
        && let Err(error @ DbError::BrokenReplica { .. }) = opened.db.follows_its_primary().await
    {
        return Err(broken(error));
    }
    let to = session.cwd.join(to);
    let mut unfinished = unfinished;
    if let Some(error) = how_far(&opened, &file).await {
        match (&error, unfinished) {
            // An application may have brought the rest.
            (DbError::UnfinishedReplica { frame, primary, .. }, _)
                if primary.is_some() && frame == primary =>
            {
                unfinished = Unfinished::Copy;
            }
            (_, Unfinished::Refuse) => return Err(failed(session, &opened, error)),
            (_, Unfinished::Copy) => session.terminal.words(&format!("warning: {error}")),
        }
    }
    let copied = async {
        db::copy_replica(&file, &to, unfinished).await?;
        history::identify_copy(&to, opened.db.history_table()).await
    };
    let copied = copied.await;
    copied.map_err(|error| failed(session, &opened, error))?;
    let shown = shown(session, &to);
    let document = |call: Call<'_>| Document::done(call).with("file", shown.as_str());
    let text = |_: Style<'_>| {
        format!("{shown} is a local database of its own now: `--database {shown}` works on it")
    };
    session.result(Some(&opened), Exit::Done, document, text);
    Ok(Exit::Done)
}

/// How far a replica has come whose last sync did not end.
async fn how_far(opened: &Opened, file: &Path) -> Option<DbError> {
    let facts = db::replica_facts(file).ok()??;
    if !facts.is_unfinished {
        return None;
    }
    // Frames of the other protocol are counted otherwise.
    let primary = match facts.protocol {
        Protocol::V1 => opened.db.primary_frame().await.ok().flatten(),
        Protocol::V2 => None,
    };
    Some(DbError::UnfinishedReplica {
        path: file.to_path_buf(),
        frame: facts.frame,
        primary,
    })
}

/// The database of the settings, which has to be a replica, and its file.
async fn open(
    session: &Session,
    lock_timeout: Option<Duration>,
) -> Result<(Opened, PathBuf), Stopped> {
    let opened = session.open(lock_timeout).await?;
    match &opened.config.database.value {
        Database::Replica { file, .. } => {
            let file = file.clone();
            Ok((opened, file))
        }
        database => Err(session
            .usage(
                "no-replica",
                format!(
                    "{} is for replicas, and the mode is {}",
                    session.command,
                    database.mode()
                ),
                Some("set USE_EMBEDDED_REPLICA=YES, or give `--mode replica`".to_owned()),
            )
            .about(&opened)),
    }
}

/// A file by the name that can be clicked on from the working folder.
fn shown(session: &Session, file: &Path) -> String {
    let file = file.strip_prefix(&session.cwd).unwrap_or(file);
    file.display().to_string()
}

fn failed(session: &Session, opened: &Opened, error: DbError) -> Stopped {
    let error = HistoryError::Db(error);
    let report = opened.with_token(Report::history(&error));
    session.stopped(report).about(opened)
}
