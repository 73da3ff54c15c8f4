//! The commands that change a database.

use crate::args::{self, BackupKind, Format};
use crate::exit::Exit;
use crate::session::{Asks, Ending, Opened, Session, Stopped, Upcoming};
use seedbed::diagnostic::Diagnostic;
use seedbed::history::{History, HistoryError};
use seedbed::migrations::{
    self, AdoptOptions, Adopted, ApplyError, Back, BaselineError, BaselineOptions, DriftPolicy,
    Migrations, Outcome, PlanOptions, RedoOptions, Repair, Target, UndoOptions, Verify,
};
use seedbed::report::{self, Call, Change, Document, Report, Style};
use seedbed::seeds::{Refresh, SeedOptions, Seeds};

/// `migrate`
pub(crate) async fn migrate(session: &Session, flags: &args::Migrate) -> Ending {
    let opened = session.open(flags.lock.lock_timeout).await?;
    if let Some(within) = flags.wait {
        session.wait(&opened, within).await?;
    }
    let upcoming = match flags.dry_run {
        true => Upcoming::Nothing,
        false => Upcoming::Change,
    };
    let (set, history) = session.migrations_and_history(&opened, upcoming).await?;
    let failed = |error: HistoryError| session.failed(&opened, &error.into());
    let options = opened
        .plan_options(flags.allow_out_of_order)
        .target(flags.to.map_or(Target::Latest, Target::Version))
        .grouping(flags.tx.into())
        .drift(drift_policy(flags.allow_drift));
    // What the seeds need is asked for before anything is changed.
    let seeding = match flags.seed {
        true => Some(super::seeds::prepared(
            session,
            &opened,
            &super::seeds::How {
                tags: &flags.tag,
                refresh: Refresh::No,
                mark: None,
                allow_remote: flags.allow_remote_seed,
            },
        )?),
        false => None,
    };
    if flags.dry_run {
        let history = history.map_err(failed)?;
        return migrate_dry_run(session, &opened, &set, history, &options, seeding).await;
    }
    session.ask(&opened, Asks::ThroughAReplica).await?;
    let history = history.map_err(failed)?;
    if let Some(seeding) = &seeding {
        super::seeds::refuse_before(session, &opened, &set, &history, seeding)?;
    }
    marked_as_told(session, &opened, &history, flags.env.as_deref())?;
    let backup = match flags.backup {
        Some(kind) => backed_up(session, &opened, &set, &history, (&options, kind)).await?,
        None => None,
    };
    let outcome = migrations::apply_from(
        &opened.db,
        &set,
        history,
        &options,
        &opened.run,
        &session.events(&opened),
    )
    .await;
    let Some(seeding) = seeding else {
        let shown = show(
            session,
            &opened,
            outcome,
            Change::Migrate,
            backup.as_deref(),
        )
        .await;
        return shown.map_err(|stopped| stopped.has_backup(backup.as_deref(), session.program));
    };
    let outcome = outcome.map_err(|error| {
        let stopped = session.failed(&opened, &error);
        stopped.has_backup(backup.as_deref(), session.program)
    })?;
    if session.terminal.format == Format::Table {
        let text = report::outcome(&outcome, Change::Migrate, session.style());
        session.terminal.data(&text);
    }
    session.warn(&outcome.warnings);
    let after = Some((&outcome, backup.as_deref()));
    let seeded = super::seeds::run(session, &opened, &seeding, &set, after).await;
    seeded.map_err(|stopped| {
        let stopped = stopped.migrations_stand(&outcome);
        stopped.has_backup(backup.as_deref(), session.program)
    })
}

/// What `--allow-drift` says.
fn drift_policy(allow: bool) -> DriftPolicy {
    match allow {
        true => DriftPolicy::Allow,
        false => DriftPolicy::Refuse,
    }
}

/// The backup before the first change, where there will be one.
async fn backed_up(
    session: &Session,
    opened: &Opened,
    set: &Migrations,
    history: &History,
    (options, kind): (&PlanOptions, BackupKind),
) -> Result<Option<String>, Stopped> {
    let (_, plan) = migrations::observe_apply_from(&opened.db, set, history.clone(), options)
        .await
        .map_err(|error| session.failed(opened, &error.into()))?;
    match plan.errors().next().is_some() || plan.scripts.is_empty() {
        true => Ok(None),
        false => super::backup::before_a_change(session, opened, kind).await,
    }
}

/// A database that is marked as another environment than the one that was told is not the one that was meant.
fn marked_as_told(
    session: &Session,
    opened: &Opened,
    history: &History,
    told: Option<&str>,
) -> Result<(), Stopped> {
    match (&history.environment, told) {
        (Some(mark), Some(told)) if mark != told => {
            let message = format!("this database is marked `{mark}`, and not `{told}`");
            let diagnostic = Diagnostic::problem("other-environment", message)
                .help("check whether this is the database that you meant");
            Err(session.stopped(diagnostic).about(opened))
        }
        _ => Ok(()),
    }
}

async fn migrate_dry_run(
    session: &Session,
    opened: &Opened,
    set: &Migrations,
    history: History,
    options: &PlanOptions,
    seeding: Option<(Seeds, SeedOptions)>,
) -> Ending {
    let (history, plan) = migrations::observe_apply_from(&opened.db, set, history, options)
        .await
        .map_err(|error| session.failed(opened, &error.into()))?;
    let mut report = Report::problems(&plan.problems);
    let seeds = match seeding {
        Some(seeding) if report.class().is_none() => {
            let before = seedbed::seeds::before_migrating(&seeding.0, set, &history, &seeding.1);
            let pending = !plan.scripts.is_empty();
            Some(match before.is_empty() {
                true => {
                    super::seeds::rehearse(session, opened, set, (pending, options), &seeding)
                        .await?
                }
                false => super::seeds::Rehearsed::refused(before),
            })
        }
        _ => None,
    };
    let of_seeds = seeds
        .as_ref()
        .map(|seeds| Report::problems(&seeds.plan.problems));
    report
        .diagnostics
        .extend(of_seeds.iter().flat_map(|it| it.diagnostics.clone()));
    let exit = Exit::from(report.class());
    let document = |call: Call<'_>| {
        let document = Document::dry_run(call, &plan, &history);
        match &seeds {
            Some(seeds) => document.with_seeds(&seeds.plan, seeds.sees_rows, session.style()),
            None => document,
        }
    };
    let text = |style: Style<'_>| {
        let text = report::dry_run(&plan, &history, style);
        let sound = seeds.as_ref().filter(|seeds| seeds.plan.is_sound());
        let seeds = sound.map(|seeds| report::seeds_after(&seeds.plan, seeds.sees_rows, style));
        text + &seeds.unwrap_or_default()
    };
    session.result(Some(opened), exit, document, text);
    if let Some(of_seeds) = of_seeds {
        session.problems(&of_seeds);
    }
    session.annotate(&report);
    Ok(exit)
}

/// `undo`
pub(crate) async fn undo(session: &Session, flags: &args::Undo) -> Ending {
    let opened = session.open(flags.lock.lock_timeout).await?;
    let back = match (flags.to, flags.steps) {
        (Some(back), _) => back,
        (None, steps) => Back::Steps(steps.unwrap_or(1)),
    };
    let folder = session.shown(&opened.config.migrations.value);
    let folder = format!("{}/", folder.display());
    let options = UndoOptions::default()
        .back(back)
        .folder(&folder)
        .grouping(flags.tx.into())
        .drift(drift_policy(flags.allow_drift))
        .adopted(match flags.adopted {
            true => Adopted::Undo,
            false => Adopted::Refuse,
        });
    // A number of steps is never refused for what the history holds, so nothing is read before the question.
    if flags.steps.is_some() && !flags.dry_run {
        session.ask(&opened, Asks::OnEveryRemote).await?;
    }
    let history = match (flags.to, flags.steps) {
        (None, None) => of_this_project(session, &opened).await?,
        (Some(Back::To(version)), _) => of_known_version(session, &opened, Some(version)).await?,
        _ => of_known_version(session, &opened, None).await?,
    };
    if flags.dry_run {
        return undo_dry_run(session, &opened, history, &options).await;
    }
    if flags.steps.is_none() {
        session.ask(&opened, Asks::OnEveryRemote).await?;
    }
    let (run, events) = (&opened.run, session.events(&opened));
    let outcome = migrations::undo_from(&opened.db, history, &options, run, &events).await;
    show(session, &opened, outcome, Change::Undo, None).await
}

/// The history. An undo needs no files; where there are some, and the database ran those of another project, it is not the
/// one that was meant.
async fn of_this_project(session: &Session, opened: &Opened) -> Result<History, Stopped> {
    let Ok(set) = session.migrations_for(opened) else {
        return of_known_version(session, opened, None).await;
    };
    let history = match seedbed::history::read_before_change(&opened.db).await {
        Ok(history) => migrations::observe_from(&opened.db, &set, history).await,
        Err(error) => Err(error),
    };
    let history = history.map_err(|error| session.failed(opened, &error.into()))?;
    let problem = migrations::undo_of_another_project(&set, &history);
    refuse(session, opened, problem)?;
    Ok(history)
}

/// The history. A version that neither the database nor the files have is a slip of the pen, and would undo more or less
/// than was meant.
async fn of_known_version(
    session: &Session,
    opened: &Opened,
    version: Option<i64>,
) -> Result<History, Stopped> {
    let history = seedbed::history::read_before_change(&opened.db).await;
    let history = history.map_err(|error| session.failed(opened, &error.into()))?;
    if let Some(version) = version.filter(|version| *version != 0) {
        let set = session.migrations_for(opened).ok();
        let problem = migrations::undo_to_unknown_version(version, set.as_ref(), &history);
        refuse(session, opened, problem)?;
    }
    Ok(history)
}

fn refuse(session: &Session, opened: &Opened, problem: Option<Diagnostic>) -> Result<(), Stopped> {
    match problem {
        Some(problem) => Err(session.failed(
            opened,
            &ApplyError::Problems {
                problems: vec![problem],
                done: Vec::new(),
            },
        )),
        None => Ok(()),
    }
}

async fn undo_dry_run(
    session: &Session,
    opened: &Opened,
    history: History,
    options: &UndoOptions<'_>,
) -> Ending {
    let (history, plan) = migrations::observe_undo_from(&opened.db, history, options)
        .await
        .map_err(|error| session.failed(opened, &error.into()))?;
    let exit = Exit::from(Report::problems(&plan.problems).class());
    session.result(
        Some(opened),
        exit,
        |call| Document::undo_dry_run(call, &plan, &history),
        |style| report::undo_dry_run(&plan, &history, style),
    );
    Ok(exit)
}

/// `redo`
pub(crate) async fn redo(session: &Session, flags: &args::Redo) -> Ending {
    let opened = session.open(flags.lock.lock_timeout).await?;
    let set = session.migrations_for(&opened)?;
    let options = RedoOptions::default()
        .steps(flags.steps)
        .grouping(flags.tx.into())
        .drift(drift_policy(flags.allow_drift));
    if flags.dry_run {
        let (history, plan) = migrations::observe_redo(&opened.db, &set, &options)
            .await
            .map_err(|error| session.failed(&opened, &error.into()))?;
        let exit = Exit::from(Report::problems(&plan.problems).class());
        session.result(
            Some(&opened),
            exit,
            |call| Document::redo_dry_run(call, &plan, &history),
            |style| report::redo_dry_run(&plan, &history, style),
        );
        return Ok(exit);
    }
    session.ask(&opened, Asks::OnEveryRemote).await?;
    let events = session.events(&opened);
    let outcome = migrations::redo(&opened.db, &set, &options, &opened.run, &events).await;
    show(session, &opened, outcome, Change::Redo, None).await
}

/// `repair`
pub(crate) async fn repair(session: &Session, flags: &args::Repair) -> Ending {
    let opened = session.open(flags.lock.lock_timeout).await?;
    let set = session.migrations_for(&opened)?;
    let what = match (flags.key.clone(), flags.applied, flags.retry) {
        (None, _, _) => Repair::Harmless,
        (Some(key), true, _) => Repair::Applied(key),
        (Some(key), _, true) => Repair::Retry(key),
        (Some(key), false, false) => Repair::Record(key, verify(flags.no_verify)),
    };
    session.ask(&opened, Asks::OnEveryRemote).await?;
    let outcome = migrations::repair(
        &opened.db,
        &set,
        &what,
        &opened.run,
        &session.events(&opened),
    )
    .await;
    show(session, &opened, outcome, Change::Repair, None).await
}

fn verify(no_verify: bool) -> Verify {
    match no_verify {
        true => Verify::Nothing,
        false => Verify::Schema,
    }
}

/// Shows what a change came to, after the replica was synced where there is one.
pub(super) async fn show(
    session: &Session,
    opened: &Opened,
    outcome: Result<Outcome, ApplyError>,
    change: Change,
    backup: Option<&str>,
) -> Ending {
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(error) => {
            // What was committed before stands on the primary; so does what a script without a transaction got done.
            if error.left_something()
                && let Err(error) = opened.db.sync().await
            {
                let words = format!("warning: the replica was not synced: {error}");
                session.terminal.words(&words);
            }
            return Err(session.failed(opened, &error));
        }
    };
    let synced = opened.db.sync().await;
    let not_synced = synced.err().map(|error| {
        let report = Report::not_synced(&outcome, change, &error);
        let report = opened.with_token(report);
        session.stopped(report).about(opened)
    });
    let document = |call: Call<'_>| {
        let document = Document::outcome(call, &outcome);
        match backup {
            Some(file) => document.with("backup", file),
            None => document,
        }
    };
    let text = |style: Style<'_>| report::outcome(&outcome, change, style);
    session.result_unless(
        not_synced.is_some(),
        Some(opened),
        Exit::Done,
        document,
        text,
    );
    session.warn(&outcome.warnings);
    not_synced.map_or(Ok(Exit::Done), Err)
}

/// `baseline`
pub(crate) async fn baseline(session: &Session, flags: &args::Baseline) -> Ending {
    let opened = session.open(flags.lock.lock_timeout).await?;
    let set = session.migrations_for(&opened)?;
    let options = BaselineOptions::new(flags.version).verify(verify(flags.no_verify));
    session.ask(&opened, Asks::OnEveryRemote).await?;
    let outcome = migrations::baseline(
        &opened.db,
        &set,
        &options,
        &opened.run,
        &session.events(&opened),
    )
    .await;
    match outcome {
        Ok(outcome) => show(session, &opened, Ok(outcome), Change::Baseline, None).await,
        Err(error) => Err(not_recorded(session, &opened, "baseline", error)),
    }
}

/// Why nothing was recorded.
fn not_recorded(
    session: &Session,
    opened: &Opened,
    code: &'static str,
    error: BaselineError,
) -> Stopped {
    match error {
        BaselineError::Apply(error) => session.failed(opened, &error),
        BaselineError::Differs {
            version,
            differences,
            left_out,
        } => {
            let report = Report::baseline(version, &differences, &left_out);
            session.stopped(report).about(opened)
        }
        BaselineError::Memory(error) => session.failed(opened, &error.into()),
        error => session
            .stopped(Diagnostic::error(code, error.to_string()))
            .about(opened),
    }
}

/// `adopt`
pub(crate) async fn adopt(session: &Session, flags: &args::Adopt) -> Ending {
    let opened = session.open(flags.lock.lock_timeout).await?;
    let set = session.migrations_for(&opened)?;
    let mut options = AdoptOptions::default();
    options.from.clone_from(&flags.from);
    options.table.clone_from(&flags.table);
    if flags.dry_run {
        let plan = migrations::observe_adopt(&opened.db, &set, &options)
            .await
            .map_err(|error| not_recorded(session, &opened, "adopt", error))?;
        if session.terminal.format == Format::Json {
            let database = opened.database();
            let call = session.call(Some(&database), Exit::Done);
            session.print(&Document::adopt_dry_run(call, &plan));
        } else {
            session.terminal.data(&report::adopt_dry_run(&plan));
        }
        session.warn(&plan.warnings);
        return Ok(Exit::Done);
    }
    session.ask(&opened, Asks::OnEveryRemote).await?;
    let events = session.events(&opened);
    let outcome = migrations::adopt(&opened.db, &set, &options, &opened.run, &events).await;
    match outcome {
        Ok(outcome) => show(session, &opened, Ok(outcome), Change::Baseline, None).await,
        Err(error) => Err(not_recorded(session, &opened, "adopt", error)),
    }
}
