//! `copy`.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use crate::args::{self, Format};
use crate::exit::Exit;
use crate::progress::Progress;
use crate::session::{Asks, Ending, Opened, Session, Stopped};
use seedbed::config::{Config, Database, Form};
use seedbed::db::{self, DbError, Options};
use seedbed::diagnostic::typed;
use seedbed::dump::copy as library;
use seedbed::dump::import::{
    Begin, ImportError, ImportEvent, ImportOptions, LeftOut, OnImport, Violations, Why,
};
use seedbed::dump::{Copied, CopyError, Input, Opened as Found, Source};
use seedbed::history::HistoryError;
use seedbed::open;
use seedbed::report::{self, Copying, Document, Report};

/// What is copied.
enum From {
    Database(Box<Config>),
    Dump(Input),
}

/// `copy`
pub(crate) async fn copy(session: &Session, flags: &args::Copy) -> Ending {
    if flags.to == "-" {
        let message = "TO is `-`, and a database cannot be written to standard output";
        let help = "write a dump with `export - --database FROM`, or name a file or a server as TO";
        return Err(session.usage("not-a-database", message, Some(help.to_owned())));
    }
    let to_is_remote = matches!(Form::parse(&flags.to), Ok(Form::Remote(_)));
    let from = from(session, &flags.from, to_is_remote)?;
    let line = |to: &Config| match &from {
        From::Database(from) => format!("copy: {} to {}", from.target(), to.target()),
        From::Dump(_) => format!("copy: dump {} (FROM) to {}", flags.from, to.target()),
    };
    let opened = session.open_as(flags.lock.lock_timeout, line).await;
    let opened = opened.map_err(|stopped| stopped.naming("TO"))?;
    refuse_target(session, &opened, &from)?;
    let input = input(session, &opened, &from, flags.lock.lock_timeout).await?;
    let to = opened.config.database_name();
    let command = format!("copy {}", typed([&flags.from, &flags.to].into_iter()));
    let copying = Copying {
        from: &flags.from,
        is_database: matches!(from, From::Database(_)),
        to: &to,
        command: &command,
    };
    let options = options(flags);
    let failed = |error: &CopyError| {
        let report = opened.with_token(Report::copy(error, copying, &options));
        session.stopped(report).about(&opened)
    };
    if flags.dry_run {
        let planned = library::plan(&input, &opened.db, &options).await;
        let planned = planned.map_err(|error| failed(&error))?;
        for line in report::left_out_words(&planned.left_out) {
            session.terminal.words(&line);
        }
        for lacking in &planned.lacking {
            session.terminal.words(&report::module_warning(lacking));
        }
        session.result(
            Some(&opened),
            Exit::Done,
            |call| Document::planned_import(call, &planned, &flags.from),
            |style| report::planned_copy(&planned, copying, style),
        );
        return Ok(Exit::Done);
    }
    session.ask(&opened, Asks::OnEveryRemote).await?;
    if opened.config.database.value.may_be_restored() {
        let name = opened.config.turso_name();
        let words = report::restore_point(&name, SystemTime::now());
        session.terminal.words(&words);
    }
    let input = read_twice(input).await.map_err(|error| failed(&error))?;
    let progress = Progress::new(session.terminal, &input, "copied");
    let (on_event, told) = telling(&progress);
    let copied = library::copy(
        &input,
        &opened.db,
        &options,
        &opened.run,
        on_event,
        &command,
    )
    .await;
    drop(progress);
    let copied = copied.map_err(|error| failed(&error))?;
    let told = told.lock().map(|told| told.clone()).unwrap_or_default();
    Ok(show(session, &opened, &copied, copying, &from, &told).await)
}

fn options(flags: &args::Copy) -> ImportOptions {
    let default = ImportOptions::default();
    default
        .transaction_bytes(flags.transaction_bytes.unwrap_or(default.transaction_bytes))
        .begin(match flags.restart {
            true => Begin::Anew,
            false => Begin::Continue,
        })
        .violations(match flags.allow_fk_violations {
            true => Violations::Allow,
            false => Violations::Refuse,
        })
}

/// Finds out what FROM is.
fn from(session: &Session, text: &str, to_is_remote: bool) -> Result<From, Stopped> {
    if text == "-" {
        return Ok(From::Dump(Input::Stdin));
    }
    let config = session.source(text, to_is_remote)?;
    let path = match &config.database.value {
        Database::Local { path } => path.clone(),
        Database::Memory => {
            let message = "FROM is a database in memory, which is empty";
            return Err(session.usage("memory", message, None));
        }
        Database::Remote { .. } | Database::Replica { .. } => {
            return Ok(From::Database(Box::new(config)));
        }
    };
    if !path.exists() {
        let message = format!("there is no database or dump {text}");
        let help = "FROM is a database file, a dump, or the URL of a database".to_owned();
        return Err(session.usage("no-database", message, Some(help)));
    }
    if path.is_dir() {
        let message = format!("FROM is a folder: {text}");
        let help = "FROM is a database file, a dump, or the URL of a database".to_owned();
        return Err(session.usage("no-database", message, Some(help)));
    }
    // What is in a pipe can be read only once.
    let is_file = path.metadata().is_ok_and(|metadata| metadata.is_file());
    match is_file.then(|| Source::open(&path)) {
        Some(Ok(Found::Database(_))) => Ok(From::Database(Box::new(config))),
        // What else is wrong with a file, its reader reports.
        _ => Ok(From::Dump(Input::File(path))),
    }
}

/// Refuses targets that cannot be one, whatever is copied.
fn refuse_target(session: &Session, opened: &Opened, from: &From) -> Result<(), Stopped> {
    let usage = |code, message: String, help: &str| {
        let help = Some(help.to_owned());
        Err(session.usage(code, message, help).about(opened))
    };
    let to = &opened.config.database.value;
    let name = opened.config.database_name();
    let path = match to {
        Database::Local { path } => path,
        Database::Memory => {
            let message = "TO is a database in memory, which is gone when the command ends";
            return usage("memory", message.to_owned(), "name a file or a server");
        }
        Database::Remote { url, .. } | Database::Replica { url, .. } => {
            let other = match from {
                From::Database(config) => config.database.value.url(),
                From::Dump(_) => None,
            };
            return match other.is_some_and(|other| other.is_same_server(url)) {
                true => usage(
                    "same-database",
                    format!("FROM and TO are the same database: {url}"),
                    "name another database as TO",
                ),
                false => Ok(()),
            };
        }
    };
    let other = match from {
        From::Database(config) => match &config.database.value {
            Database::Local { path } => Some(path),
            _ => None,
        },
        From::Dump(Input::File(path)) => Some(path),
        From::Dump(_) => None,
    };
    let real = |path: &Path| path.canonicalize().ok();
    if other.is_some_and(|other| real(other).is_some() && real(other) == real(path)) {
        return usage(
            "same-database",
            format!("FROM and TO are the same file: {name}"),
            "name another database as TO",
        );
    }
    let is_replica = path.exists()
        && matches!(
            db::replica_facts(path),
            Ok(Some(_)) | Err(DbError::BrokenReplica { .. })
        );
    if is_replica {
        return usage(
            "replica",
            format!("{name} is the file of an embedded replica, which follows its primary"),
            "name the URL of the primary as TO, and then `sync`",
        );
    }
    let ending = path.extension().and_then(|ending| ending.to_str());
    if !path.exists() && matches!(ending, Some("sql" | "gz")) {
        return usage(
            "not-a-database",
            format!("{name} has the name of a dump, and TO is a database"),
            "write a dump with `export FILE --database FROM`",
        );
    }
    Ok(())
}

/// The source, opened.
async fn input(
    session: &Session,
    opened: &Opened,
    from: &From,
    lock_timeout: Option<Duration>,
) -> Result<Input, Stopped> {
    let config = match from {
        From::Dump(input) => return Ok(input.clone()),
        From::Database(config) => config,
    };
    let options = Options::default()
        .lock_timeout(lock_timeout.unwrap_or_else(|| open::lock_timeout(&config.database.value)))
        .stop(opened.db.stop().clone())
        .ignore_tables(config.ignore_tables.value.clone())
        .history_table(config.history_table.value.clone())
        .proxy(config.proxy.as_ref().map(|proxy| proxy.value.clone()));
    let failed = |error: DbError| {
        let mut report = Report::history(&HistoryError::Db(error));
        if let Some(token) = config.token() {
            report = report.with_token(token, &config.turso_name(), SystemTime::now());
        }
        session.stopped(report.naming("FROM")).about(opened)
    };
    let db = open::open(&config.database.value, options)
        .await
        .map_err(failed)?;
    // A source that cannot be read is reported before any question.
    let readable = db.query(vec![db::Query::new("SELECT 1")]).await;
    readable.map_err(failed)?;
    Ok(Input::database(db, &config.database_name()))
}

/// A dump is read to check it, to write it and to compare it: standard input is kept for that.
async fn read_twice(input: Input) -> Result<Input, CopyError> {
    let kept = tokio::task::spawn_blocking(|| input.kept()).await;
    let kept = kept.map_err(|_| ImportError::from(Why::Thread))?;
    Ok(kept.map_err(|error| ImportError::from(Why::from(error)))?)
}

/// Reports what is not copied as soon as that is known, and remembers it.
fn telling(progress: &Progress) -> (OnImport, Arc<Mutex<Vec<LeftOut>>>) {
    let told: Arc<Mutex<Vec<LeftOut>>> = Arc::default();
    let (say, then, remember) = (progress.say(), progress.on_event(), told.clone());
    let on_event = move |event: ImportEvent| {
        if let ImportEvent::LeftOut(left_out) = &event {
            for line in report::left_out_words(left_out) {
                say(&line);
            }
            if let Ok(mut told) = remember.lock() {
                told.clone_from(left_out);
            }
        }
        then(event);
    };
    (Arc::new(on_event), told)
}

async fn show(
    session: &Session,
    opened: &Opened,
    copied: &Copied,
    copying: Copying<'_>,
    from: &From,
    told: &[LeftOut],
) -> Exit {
    let exit = super::verify::exit(&copied.verified);
    for line in report::copy_words(copied, told, copying.from, session.style()) {
        session.terminal.words(&line);
    }
    if session.terminal.format == Format::Json {
        let database = opened.database();
        let call = session.call(Some(&database), exit);
        let name;
        let from = match from {
            From::Database(config) => {
                name = config.database_name();
                (config.database.value.mode().as_str(), name.as_str())
            }
            From::Dump(_) => ("dump", copying.from),
        };
        session.print(&Document::copied(call, copied, copying, from));
    } else {
        let text = report::copied(copied, copying, session.style());
        session.terminal.data(&text);
    }
    session.annotate(&Report::verified(&copied.verified));
    if exit == Exit::Done
        && let Some(next) = super::import::next(session, opened, &copied.imported).await
    {
        session.terminal.words(&next);
    }
    exit
}
