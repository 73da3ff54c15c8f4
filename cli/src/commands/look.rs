//! The commands that only look.

use std::path::Path;
use std::time::SystemTime;
use std::{fs, io};

use clap::ValueEnum;

use crate::args::{self, Format};
use crate::exit::Exit;
use crate::session::{Ending, Opened, Session, Stopped, Upcoming};
use seedbed::config::Database;
use seedbed::db::{self, DbError, ReplicaFacts};
use seedbed::diagnostic::{Class, Diagnostic};
use seedbed::doctor::{self, Subject};
use seedbed::history::{self, History, HistoryError};
use seedbed::migrations::{self, Migrations, State};
use seedbed::report::{self, Call, Document, Report, Style};
use seedbed::schema::{self, ExplainError};
use seedbed::script::Key;
use seedbed::seeds;

/// `status`
pub(crate) async fn status(session: &Session, flags: &args::Status) -> Ending {
    let opened = session.open(flags.lock.lock_timeout).await?;
    if let Some(key) = &flags.source {
        let which = if flags.down { Which::Down } else { Which::Up };
        return recorded_text(session, &opened, key, which).await;
    }
    let (set, history) = session
        .migrations_and_history(&opened, Upcoming::Nothing)
        .await?;
    let history = match history {
        Ok(history) => migrations::observe_from(&opened.db, &set, history).await,
        failed => failed,
    };
    let (history, offline) = match history {
        Err(HistoryError::Db(error)) if error.may_pass() => {
            let (history, facts) = read_offline(session, &opened, &set, error).await?;
            (history, Some(facts))
        }
        history => {
            let failed = |error: HistoryError| session.failed(&opened, &error.into());
            (history.map_err(failed)?, None)
        }
    };
    let mut plan = migrations::plan(&set, &history, &opened.plan_options(false)).for_a_report();
    let seeds = match offline {
        // What only the primary could tell is left out.
        Some(_) => None,
        None => {
            plan.problems
                .extend(history::left_broken(&opened.db, &history).await);
            super::seeds::standing(session, &opened, &set, &history).await?
        }
    };
    let pending = plan.items.iter().any(|item| item.state == State::Pending)
        || seeds.as_ref().is_some_and(seeds::Standing::is_behind);
    let report = Report::problems(&plan.problems);
    let exit = match report.class() {
        None if pending && flags.exit_code => Exit::Pending,
        class => Exit::from(class),
    };
    let document = |call: Call<'_>| {
        let mut document = Document::status(call, &plan, &history);
        if let Some(facts) = &offline {
            document = document.offline(facts, SystemTime::now());
        }
        match &seeds {
            Some(seeds) => document.with_standing(seeds),
            None => document,
        }
    };
    let text = |style: Style<'_>| {
        let text = report::status(&plan, &history, style);
        match seeds
            .as_ref()
            .filter(|seeds| !seeds.items.is_empty() || seeds.mark.is_some())
        {
            Some(seeds) => format!("{text}\n{}", report::standing(seeds, style)),
            None => text,
        }
    };
    session.result(Some(&opened), exit, document, text);
    session.annotate(&report);
    Ok(exit)
}

/// Which recorded text of a migration.
#[derive(Clone, Copy)]
enum Which {
    Up,
    Down,
}

/// `status --source`
async fn recorded_text(session: &Session, opened: &Opened, key: &Key, which: Which) -> Ending {
    let history = history::read_with_texts(&opened.db, |_| vec![key.clone()]).await;
    let history = history.map_err(|error| session.failed(opened, &error.into()))?;
    let row = history.row(key);
    let (field, text) = match which {
        Which::Up => ("source", row.and_then(|row| row.source.as_ref())),
        Which::Down => ("down", row.and_then(|row| row.down.as_ref())),
    };
    let Some(text) = text else {
        let (message, help) = match (which, row) {
            (Which::Down, Some(_)) => (
                format!("no down text of {key} is recorded in this database"),
                "write its down file, then `repair` records it",
            ),
            _ => (
                format!("no text of {key} is recorded in this database"),
                "`status` lists the applied migrations",
            ),
        };
        let problem = Diagnostic::problem("not-recorded", message).help(help);
        return Err(session.stopped(problem).about(opened));
    };
    if session.terminal.format == Format::Json {
        let database = opened.database();
        let call = session.call(Some(&database), Exit::Done);
        session.print(&Document::done(call).with(field, text.as_str()));
    } else {
        session.terminal.verbatim(text);
    }
    Ok(Exit::Done)
}

/// `doctor`
pub(crate) async fn doctor(session: &Session, lock: &args::Lock) -> Ending {
    let (checks, exit, opened) = match session.resolved.config() {
        Ok(_) => {
            let opened = session.open(lock.lock_timeout).await?;
            let subject = Subject {
                config: &opened.config,
                rows: &session.resolved.rows(),
                db: &opened.db,
            };
            let checks = doctor::examine(subject, SystemTime::now()).await;
            let stops = |check: &doctor::Check| check.state == doctor::State::Error;
            let exit = match checks.iter().any(stops) {
                true => Exit::Stopped(Class::Failed),
                false => Exit::Done,
            };
            (checks, exit, Some(opened))
        }
        Err(error) => (
            doctor::misconfigured(&error),
            Exit::Stopped(Class::Usage),
            None,
        ),
    };
    session.result(
        opened.as_ref(),
        exit,
        |call| Document::checks(call, &checks),
        |style| match session.terminal.tells() {
            true => report::checks(&checks, style),
            false => report::failed_checks(&checks, style),
        },
    );
    Ok(exit)
}

/// `inspect`
pub(crate) async fn inspect(session: &Session, lock: &args::Lock) -> Ending {
    let opened = session.open(lock.lock_timeout).await?;
    let contents = schema::contents(&opened.db)
        .await
        .map_err(|error| session.failed(&opened, &HistoryError::from(error).into()))?;
    // What is beside a file that is missing was an error of the look.
    super::dump::is_there(session, &opened)?;
    session.result(
        Some(&opened),
        Exit::Done,
        |call| Document::inspect(call, &contents),
        |style| report::inspect(&contents, style),
    );
    Ok(Exit::Done)
}

/// `explain`
pub(crate) async fn explain(session: &Session, flags: &args::Explain) -> Ending {
    let opened = session.open(flags.lock.lock_timeout).await?;
    let plan = match schema::explain(&opened.db, &flags.sql).await {
        Ok(plan) => plan,
        Err(ExplainError::Db(error)) => {
            return Err(session.failed(&opened, &HistoryError::from(error).into()));
        }
        Err(error) => {
            let report = Report::explain(&error);
            return Err(session.stopped(report).about(&opened));
        }
    };
    session.result(
        Some(&opened),
        Exit::Done,
        |call| Document::explain(call, &plan),
        |style| report::explain(&plan, style),
    );
    Ok(Exit::Done)
}

/// The history that the file of a replica holds, and words on its age; without a replica, the error of the primary.
async fn read_offline(
    session: &Session,
    opened: &Opened,
    set: &Migrations,
    away: DbError,
) -> Result<(History, ReplicaFacts), Stopped> {
    let facts = match &opened.config.database.value {
        Database::Replica { file, .. } => db::replica_facts(file)
            .map_err(|error| session.failed(opened, &HistoryError::Db(error).into()))?,
        _ => None,
    };
    let (Some(facts), Some(file)) = (facts, opened.db.offline()) else {
        let report = Report::history(&HistoryError::Db(away));
        return Err(session.stopped(report).about(opened));
    };
    let age = report::age(&facts, SystemTime::now());
    session
        .terminal
        .words(&format!("warning: {away}; this is the replica as of {age}"));
    if let Database::Replica { file, url, .. } = &opened.config.database.value
        && let Ok(Some(followed)) = db::noted_primary(file)
        && followed != url.base()
    {
        // Both may be names of the same one, which only the primary could tell.
        session.terminal.words(&format!(
            "warning: it was last synced with another URL, {followed}"
        ));
    }
    let history = migrations::observe(&file, set).await;
    let history = history.map_err(|error| session.failed(opened, &error.into()))?;
    Ok((history, facts))
}

/// `config`
pub(crate) fn config(session: &Session) -> Ending {
    let rows = session.resolved.rows();
    let error = session.resolved.config().err();
    let report = error.as_ref().map(Report::config);
    let exit = Exit::from(report.as_ref().and_then(Report::class));
    if session.terminal.format == Format::Json {
        let call = session.call(None, exit);
        session.print(&Document::config(call, &rows, error.as_ref()));
        return Ok(exit);
    }
    session
        .terminal
        .data(&report::config(&rows, session.style()));
    for warning in session.resolved.warnings() {
        session.terminal.words(&format!("warning: {warning}"));
    }
    match report {
        Some(report) => Err(session.stopped(report)),
        None => Ok(exit),
    }
}

/// `completions`
pub(crate) fn completions(session: &Session, flags: &args::Completions) -> Ending {
    // A shell completes the name of a program, and `cargo xtask` is none.
    let mut program = args::command();
    let Some(shell) = flags.shell else {
        let folder = flags.all.as_deref().unwrap_or(Path::new("."));
        return match generated(program, folder) {
            Ok(files) => {
                let document =
                    |call: Call<'_>| Document::done(call).with("files", files.as_slice());
                session.result(None, Exit::Done, document, |_| files.join("\n"));
                Ok(Exit::Done)
            }
            Err(error) => {
                let message = format!("cannot write into {}: {error}", folder.display());
                Err(session.stopped(Diagnostic::error("write", message)))
            }
        };
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut program, "seedbed", &mut script);
    let script = String::from_utf8_lossy(&script);
    let document = |call: Call<'_>| {
        Document::done(call)
            .with("shell", shell.to_string())
            .with("script", &*script)
    };
    session.result(None, Exit::Done, document, |_| script.to_string());
    Ok(Exit::Done)
}

/// The completion scripts of all shells and a manual page for each command, as files in a folder: for packages.
fn generated(mut program: clap::Command, folder: &Path) -> io::Result<Vec<String>> {
    fs::create_dir_all(folder)?;
    let mut files = Vec::new();
    for shell in clap_complete::Shell::value_variants() {
        files.push(clap_complete::generate_to(
            *shell,
            &mut program,
            "seedbed",
            folder,
        )?);
    }
    program.build();
    files.push(clap_mangen::Man::new(program.clone()).generate_to(folder)?);
    let mut open: Vec<&clap::Command> = program.get_subcommands().collect();
    while let Some(command) = open.pop() {
        if command.get_name() != "help" {
            files.push(clap_mangen::Man::new(command.clone()).generate_to(folder)?);
            open.extend(command.get_subcommands());
        }
    }
    files.sort();
    Ok(files
        .iter()
        .map(|file| file.display().to_string())
        .collect())
}
