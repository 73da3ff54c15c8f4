//! `reset`: the local database rebuilt. The new one is finished before it replaces the old one, so a migration or a seed
//! that fails costs nothing, and nothing is replaced while another process uses it. Rows that the new one would not have
//! are in a backup before.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use crate::args;
use crate::exit::Exit;
use crate::session::{Ending, Opened, Session, Stopped};
use seedbed::config::Database;
use seedbed::db::{self, Db, DbError, Draft, Options, Query, Replaces, replica_facts};
use seedbed::diagnostic::Diagnostic;
use seedbed::history::{self, History, HistoryError};
use seedbed::migrations::{self, Event, Migrations, OnEvent, Outcome};
use seedbed::report::{self, Call, Change, Document, Report, SeedsDone, Style};
use seedbed::schema;
use seedbed::seeds::{self, Choice, PROD, Refresh, SeedOptions, SeedPlan, Seeds, Variables};
use seedbed::sql::Value;

/// The environment of a database on this machine, if no option names another.
const DEV: &str = "dev";

/// `reset`
pub(crate) async fn reset(session: &Session, flags: &args::Reset) -> Ending {
    let opened = session.open(flags.lock.lock_timeout).await?;
    let path = local(session, &opened)?;
    let set = session.migrations_for(&opened)?;
    let seeds = super::seeds::read(session, &opened.config.seeds.value)
        .map_err(|stopped| stopped.about(&opened))?;
    let history = history::read(&opened.db)
        .await
        .map_err(|error| session.failed(&opened, &error.into()))?;
    refuse_marked(session, &opened, &history, flags.env.as_deref())?;
    if let Some(unfinished) = history.unfinished.clone() {
        return Err(session.failed(&opened, &HistoryError::Unfinished(unfinished).into()));
    }
    let configured = opened.config.seed_env.as_ref().map(|env| env.value.clone());
    // If no option names another, it stays what it is.
    let environment = match (&flags.env, &history.environment) {
        (None, Some(mark)) => mark.clone(),
        _ => configured.unwrap_or_else(|| DEV.to_owned()),
    };
    ask(session, &opened, &path).await?;
    let settings = Options::default()
        .lock_timeout(opened.db.lock_timeout())
        .stop(opened.db.stop().clone())
        .history_table(opened.db.history_table().clone());
    let failed = |error: DbError| {
        let mut report = Report::history(&error.into());
        report.database = Some(as_it_was(&opened));
        session.stopped(report).about(&opened)
    };
    let draft = begin(&opened, &path, &settings).await.map_err(failed)?;
    let options = SeedOptions::new(
        Choice::new(environment).tags(flags.tag.clone()),
        SystemTime::now(),
    )
    .refresh(Refresh::No)
    .mark(None)
    .variables(Variables::Known(session.variables()));
    let new = Db::local(draft.path(), settings.clone()).map_err(failed)?;
    let (outcome, plan) = build(session, (&opened, &history), &new, &set, &seeds, &options).await?;
    let replaced = path.exists();
    let mut backup = None;
    if replaced && !flags.no_backup {
        // Here no table is ignored: what it holds is lost too.
        let old = Db::local(&path, settings.clone()).map_err(failed)?;
        let lost = schema::unmatched(&old, &new, draft.path())
            .await
            .map_err(failed)?;
        if !lost.is_empty() {
            backup = Some(super::backup::before_a_reset(session, &opened, &lost).await?);
        }
    }
    let done = draft.replace(Replaces::Everything, &settings).await;
    done.map_err(failed)?;
    let done = Done {
        replaced,
        backup,
        outcome: &outcome,
        plan: plan.as_ref(),
        environment: &options.choice.environment,
    };
    show(session, &opened, &done);
    Ok(Exit::Done)
}

/// The file, where it is one that may be deleted.
fn local(session: &Session, opened: &Opened) -> Result<PathBuf, Stopped> {
    let database = &opened.config.database.value;
    let Database::Local { path } = database else {
        let message = format!(
            "reset replaces local files, and this database is in mode {}",
            database.mode()
        );
        let help = "`--database FILE` names a file".to_owned();
        return Err(session
            .usage("not-local", message, Some(help))
            .about(opened));
    };
    // A link stays, and its target is replaced.
    let path = path.canonicalize().unwrap_or_else(|_| path.clone());
    db::refuse_side_files(&path)
        .map_err(|error| session.failed(opened, &HistoryError::from(error).into()))?;
    if matches!(
        replica_facts(&path),
        Ok(Some(_)) | Err(DbError::BrokenReplica { .. })
    ) {
        let message = format!("{} is the file of a replica", opened.config.database_name());
        let help = format!(
            "`{} replica reset` removes it with what belongs to it",
            session.program
        );
        return Err(session.usage("replica", message, Some(help)).about(opened));
    }
    Ok(path)
}

/// A production database is never deleted, and one of another environment is not the one that was meant.
fn refuse_marked(
    session: &Session,
    opened: &Opened,
    history: &History,
    told: Option<&str>,
) -> Result<(), Stopped> {
    let Some(mark) = &history.environment else {
        return Ok(());
    };
    let message = match told {
        _ if mark == PROD => format!("this database is marked `{PROD}`, and is not deleted"),
        Some(told) if told != mark => format!("this database is marked `{mark}`, and not `{told}`"),
        _ => return Ok(()),
    };
    let help = "check whether this is the database that you meant; a file that is not needed can be deleted by hand";
    let diagnostic = Diagnostic::problem("other-environment", message).help(help);
    Err(session.stopped(diagnostic).about(opened))
}

/// Asks before a database is replaced that holds tables, or that is outside of the project.
async fn ask(session: &Session, opened: &Opened, path: &Path) -> Result<(), Stopped> {
    if !path.exists() {
        return Ok(());
    }
    let root = &opened.config.root;
    let root = root.canonicalize().unwrap_or_else(|_| root.clone());
    let name = opened.config.database_name();
    if !path.starts_with(&root) {
        let question = format!("reset will replace {name}, which is outside of this project");
        return session.confirm(opened, &question);
    }
    let tables =
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let answers = opened.db.query(vec![Query::new(tables)]).await;
    let tables = answers
        .and_then(|answers| {
            answers
                .into_iter()
                .next()
                .transpose()
                .map_err(DbError::Read)
        })
        .map_err(|error| session.failed(opened, &HistoryError::from(error).into()))?;
    let empty = tables.is_some_and(|rows| rows == [[Value::Integer(0)]]);
    match empty {
        true => Ok(()),
        false => session.confirm(
            opened,
            &format!("reset will replace {name} and everything in it"),
        ),
    }
}

/// A draft of the new database, set up as the old one is, once no process uses that.
async fn begin(opened: &Opened, path: &Path, options: &Options) -> Result<Draft, DbError> {
    let draft = Draft::begin(path, options).await?;
    if path.exists() {
        db::wait_until_unused(path, options).await?;
        db::inherit(&opened.db, draft.path()).await?;
    }
    Ok(draft)
}

/// Migrates and seeds the new database.
async fn build(
    session: &Session,
    (opened, history): (&Opened, &History),
    db: &Db,
    set: &Migrations,
    seeds: &Seeds,
    options: &SeedOptions,
) -> Result<(Outcome, Option<SeedPlan>), Stopped> {
    let failed = |report: Report| {
        let mut report = report.within("reset");
        report.database = Some(as_it_was(opened));
        report.items = Vec::new();
        // That of the database which is still there.
        report.version = Some(history.version());
        session.stopped(report).about(opened)
    };
    let events = events_of_a_draft(session, opened);
    let outcome = migrations::apply(db, set, &opened.plan_options(false), &opened.run, &events)
        .await
        .map_err(|error| failed(Report::failure(&error)))?;
    if seeds.files.is_empty() && !seeds.problems.iter().any(Diagnostic::is_error) {
        return Ok((outcome, None));
    }
    let (_, plan) = seeds::apply(db, seeds, set, options, &opened.run, &events)
        .await
        .map_err(|error| failed(Report::failure(&error)))?;
    Ok((outcome, Some(plan)))
}

/// What is printed about the run on the new database. Nothing of it stays where it fails, so how many transactions it takes
/// says nothing about the database that is there.
fn events_of_a_draft(session: &Session, opened: &Opened) -> OnEvent {
    let events = session.events(opened);
    Arc::new(move |mut event| {
        if let Event::Planned { outlines, .. } = &mut event {
            outlines.clear();
        }
        events(event);
    })
}

fn as_it_was(opened: &Opened) -> String {
    let name = opened.config.database_name();
    format!("nothing was changed: {name} is as it was")
}

/// What was done.
struct Done<'a> {
    /// Whether there was a database.
    replaced: bool,
    /// The file of the backup, where rows are lost.
    backup: Option<String>,
    outcome: &'a Outcome,
    /// None where there are no seeds.
    plan: Option<&'a SeedPlan>,
    environment: &'a str,
}

fn show(session: &Session, opened: &Opened, done: &Done<'_>) {
    let name = opened.config.database_name();
    let inserted = done.plan.map(|plan| plan.counts().0);
    let environment = done.plan.map(|_| done.environment);
    let document = |call: Call<'_>| {
        Document::outcome(call, done.outcome)
            .with("removed", done.replaced.then_some(name.as_str()).as_slice())
            .with("backup", done.backup.as_deref())
            .with("environment", environment)
            .with("rows", inserted)
    };
    let text = |style: Style<'_>| {
        let did = match done.replaced {
            true => "replaced",
            false => "created",
        };
        let migrated = report::outcome(done.outcome, Change::Migrate, style);
        let seeded = match done.plan {
            Some(plan) => report::seeds(plan, SeedsDone::Done, style),
            None => "there are no seeds\n".to_owned(),
        };
        format!("{did} {name}\n{migrated}{seeded}")
    };
    session.result(Some(opened), Exit::Done, document, text);
    session.warn(&done.outcome.warnings);
}
