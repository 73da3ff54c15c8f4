//! `seed`, and the second half of `migrate --seed`.

use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::args::{self, Format};
use crate::exit::Exit;
use crate::session::{Asks, Ending, Opened, Session, Stopped};
use seedbed::config::Database;
use seedbed::db::{Db, Options};
use seedbed::diagnostic::Diagnostic;
use seedbed::history::{self, History, HistoryError};
use seedbed::migrations::{self, Migrations, Outcome, PlanOptions};
use seedbed::report::{self, Call, Document, Report, SeedsDone, Style};
use seedbed::script::Run;
use seedbed::seeds::{
    self, Choice, ForgetRows, PROD, Refresh, SeedOptions, SeedPlan, Seeds, Variables,
};

/// `seed`
pub(crate) async fn seed(session: &Session, flags: &args::Seed) -> Ending {
    let opened = session.open(flags.lock.lock_timeout).await?;
    let both = match flags.dry_run {
        true => "`migrate --seed --dry-run`",
        false => "`migrate --seed`",
    };
    not_in_memory(
        session,
        &opened,
        &format!("{both} makes the schema and the rows at once"),
    )?;
    let set = session.migrations_for(&opened)?;
    let refresh = match flags.refresh {
        true => Refresh::Yes,
        false => Refresh::No,
    };
    let how = How {
        tags: &flags.tag,
        refresh,
        mark: flags.mark.as_deref(),
        allow_remote: flags.allow_remote_seed,
    };
    let seeding = prepared(session, &opened, &how)?;
    if flags.dry_run {
        return dry_run(session, &opened, &seeding.0, &set, &seeding.1).await;
    }
    session.ask(&opened, Asks::ThroughAReplica).await?;
    run(session, &opened, &seeding, &set, None).await
}

/// `seed forget`
pub(crate) async fn forget(
    session: &Session,
    flags: &args::SeedForget,
    of_writing: Option<&str>,
    lock_timeout: Option<Duration>,
) -> Ending {
    if let Some(flag) = of_writing {
        let message = format!("`{flag}` is about writing rows, and `seed forget` ends a seed");
        let help = "leave it out; `seed forget --help` lists the flags of that command".to_owned();
        return Err(session.usage("flag", message, Some(help)));
    }
    let opened = session.open(lock_timeout).await?;
    not_in_memory(
        session,
        &opened,
        "name the database in which the seed was applied",
    )?;
    let set = session.migrations_for(&opened)?;
    if !flags.dry_run {
        session.ask(&opened, Asks::OnEveryRemote).await?;
    }
    let folder = &opened.config.seeds.value;
    let seeds = read(session, folder).map_err(|stopped| stopped.about(&opened))?;
    let history = seedbed::history::read(&opened.db)
        .await
        .map_err(|error| session.failed(&opened, &error.into()))?;
    let options = as_recorded(session, &opened, &seeds, &history);
    let rows = match flags.with_rows {
        true => ForgetRows::Go,
        false => ForgetRows::Stay,
    };
    let what = (flags.name.as_str(), rows);
    let (plan, done) = match flags.dry_run {
        true => {
            let plan = seeds::observe_forget(&opened.db, &seeds, &set, &options, what)
                .await
                .map_err(|error| session.failed(&opened, &error.into()))?;
            (plan, SeedsDone::Planned)
        }
        false => {
            let events = session.events(&opened);
            let done = seeds::forget(
                &opened.db,
                &seeds,
                &set,
                &options,
                what,
                &opened.run,
                &events,
            )
            .await;
            let (_, plan) = done.map_err(|error| session.failed(&opened, &error))?;
            (plan, SeedsDone::Done)
        }
    };
    let synced = match flags.dry_run {
        true => Ok(()),
        false => opened.db.sync().await.map(|_| ()),
    };
    let report = Report::problems(&plan.problems);
    let exit = Exit::from(report.class());
    let document = |call: Call<'_>| Document::forgotten(call, &plan, done);
    let text = |style: Style<'_>| {
        let is_there = seeds.files.iter().any(|file| file.name == flags.name);
        match plan.is_sound() {
            true => report::forgotten(&plan, done, is_there, style),
            false => String::new(),
        }
    };
    session.result_unless(synced.is_err(), Some(&opened), exit, document, text);
    session.problems(&report);
    session.annotate(&report);
    if let Err(error) = synced {
        return Err(session.not_synced(&opened, error, "the seed is forgotten"));
    }
    Ok(exit)
}

/// `seed schema`
pub(crate) async fn schema(session: &Session, of_writing: Option<&str>) -> Ending {
    if let Some(flag) = of_writing {
        let message = format!("`{flag}` is about writing rows, and `seed schema` writes none");
        return Err(session.usage("flag", message, Some("leave it out".to_owned())));
    }
    let project = session.project()?;
    let mut set = session.migrations(&project.migrations.value, project.layout.as_ref())?;
    set.history_table = project.history_table.value.clone();
    let options = Options::default().history_table(project.history_table.value);
    let failed = |error: HistoryError| session.stopped(Report::history(&error));
    let db = Db::memory(options)
        .await
        .map_err(|error| failed(error.into()))?;
    let (plan, ignore) = (PlanOptions::default(), migrations::ignore());
    let run = Run::new(concat!("seedbed ", env!("CARGO_PKG_VERSION")));
    migrations::apply(&db, &set, &plan, &run, &ignore)
        .await
        .map_err(|error| session.stopped(Report::failure(&error)))?;
    let shape = seedbed::schema::shape(&db).await;
    let shape = shape.map_err(|error| failed(error.into()))?;
    let seeds = read(session, &project.seeds.value)?;
    let schema = seeds::json_schema(&shape, &seeds);
    session.terminal.data(&format!("{schema:#}"));
    Ok(Exit::Done)
}

/// A database in memory has no schema when a command begins, and no seed.
fn not_in_memory(session: &Session, opened: &Opened, help: &str) -> Result<(), Stopped> {
    if !matches!(opened.config.database.value, Database::Memory) {
        return Ok(());
    }
    let message = "a database in memory is empty when the command begins, and gone when it ends";
    Err(session
        .usage("memory", message, Some(help.to_owned()))
        .about(opened))
}

/// What flags say about seeding.
pub(super) struct How<'a> {
    pub(super) tags: &'a [String],
    pub(super) refresh: Refresh,
    pub(super) mark: Option<&'a str>,
    pub(super) allow_remote: bool,
}

/// The seeds, and how they are to be applied; or why they must not be.
pub(super) fn prepared(
    session: &Session,
    opened: &Opened,
    how: &How<'_>,
) -> Result<(Seeds, SeedOptions), Stopped> {
    let environment = environment(session, opened)?;
    if !opened.config.database.value.is_on_this_machine()
        && environment != PROD
        && !how.allow_remote
    {
        let message = format!(
            "{} is not this machine, and seeds for `{environment}` are made up",
            opened.config.database_name()
        );
        let help = "`--allow-remote-seed`, if that database is there for such rows";
        return Err(session
            .usage("remote-seed", message, Some(help.to_owned()))
            .about(opened));
    }
    let folder = &opened.config.seeds.value;
    if !folder.exists() {
        let message = format!("there is no folder {}", folder.display());
        let help = "write a first seed there, or name another folder with `--seeds DIR`".to_owned();
        return Err(session
            .usage("no-directory", message, Some(help))
            .about(opened));
    }
    let seeds = read(session, folder).map_err(|stopped| stopped.about(opened))?;
    let options = SeedOptions::new(
        Choice::new(environment).tags(how.tags.to_vec()),
        SystemTime::now(),
    )
    .refresh(how.refresh)
    .mark(how.mark.map(str::to_owned))
    .variables(Variables::Known(session.variables()));
    Ok((seeds, options))
}

/// The seed files, by names that can be clicked on from the working folder. A folder that is not there has none.
pub(super) fn read(session: &Session, folder: &Path) -> Result<Seeds, Stopped> {
    let folder = folder.strip_prefix(&session.cwd).unwrap_or(folder);
    Seeds::read_dir(folder).map_err(|error| session.stopped(Report::files(&error)))
}

/// On a server that others use, the environment is not guessed.
fn environment(session: &Session, opened: &Opened) -> Result<String, Stopped> {
    match &opened.config.seed_env {
        Some(environment) => Ok(environment.value.clone()),
        None => Err(session
            .usage(
                "no-environment",
                format!(
                    "{} is not this machine, so the environment of the seeds must be given",
                    opened.config.database_name()
                ),
                Some("`--env prod`, or SEEDBED_ENV".to_owned()),
            )
            .about(opened)),
    }
}

/// Refuses seeds that could not be applied after any migration.
pub(super) fn refuse_before(
    session: &Session,
    opened: &Opened,
    set: &Migrations,
    history: &History,
    (seeds, options): &(Seeds, SeedOptions),
) -> Result<(), Stopped> {
    let problems = seeds::before_migrating(seeds, set, history, options);
    match problems.is_empty() {
        true => Ok(()),
        false => {
            let mut report = Report::problems(&problems);
            report.database = Some("nothing was changed".to_owned());
            Err(session.stopped(report).about(opened))
        }
    }
}

/// What seeds would do after migrations that are pending.
pub(super) struct Rehearsed {
    pub(super) plan: SeedPlan,
    /// Whether the rows of the database are known.
    pub(super) sees_rows: bool,
}

impl Rehearsed {
    /// Seeds that could not be applied after any migration.
    pub(super) fn refused(problems: Vec<Diagnostic>) -> Rehearsed {
        let mut plan = SeedPlan::default();
        plan.problems = problems;
        Rehearsed {
            plan,
            sees_rows: true,
        }
    }
}

/// A larger file is not copied into memory.
const LARGEST_COPY: u64 = 256 << 20;

/// Plans what seeds would do: on the database, or on a copy in memory to which the pending migrations are applied. Of a
/// server and of a large file only the schema is rehearsed.
pub(super) async fn rehearse(
    session: &Session,
    opened: &Opened,
    set: &Migrations,
    (pending, how): (bool, &PlanOptions),
    (seeds, options): &(Seeds, SeedOptions),
) -> Result<Rehearsed, Stopped> {
    let failed = |error: HistoryError| session.failed(opened, &error.into());
    if !pending {
        let observed = seeds::observe(&opened.db, seeds, set, options).await;
        let (_, plan) = observed.map_err(failed)?;
        return Ok(Rehearsed {
            plan,
            sees_rows: true,
        });
    }
    let config = &opened.config;
    let in_memory = Options::default()
        .ignore_tables(config.ignore_tables.value.clone())
        .history_table(config.history_table.value.clone());
    let copied = match &opened.config.database.value {
        Database::Local { path } => match std::fs::metadata(path) {
            Ok(file) if file.len() > LARGEST_COPY => None,
            Ok(_) => Some(Db::memory_of(path, in_memory.clone()).await),
            // The first migration makes it.
            Err(_) => Some(Db::memory(in_memory.clone()).await),
        },
        Database::Memory => Some(Db::memory(in_memory.clone()).await),
        Database::Remote { .. } | Database::Replica { .. } => None,
    };
    let sees_rows = copied.is_some();
    let copy = match copied {
        Some(copy) => copy,
        None => Db::memory(in_memory).await,
    };
    let copy = copy.map_err(|error| failed(error.into()))?;
    let nothing = migrations::ignore();
    let run = Run::new("seedbed migrate --seed --dry-run");
    // What is wrong with them is reported by the plan of the migrations.
    if let Err(error) = migrations::apply(&copy, set, how, &run, &nothing).await {
        return Err(session.failed(opened, &error));
    }
    let (_, plan) = seeds::observe(&copy, seeds, set, options)
        .await
        .map_err(failed)?;
    Ok(Rehearsed { plan, sees_rows })
}

async fn dry_run(
    session: &Session,
    opened: &Opened,
    seeds: &Seeds,
    set: &Migrations,
    options: &SeedOptions,
) -> Ending {
    let (history, plan) = seeds::observe(&opened.db, seeds, set, options)
        .await
        .map_err(|error| session.failed(opened, &error.into()))?;
    let report = Report::problems(&plan.problems);
    let exit = Exit::from(report.class());
    let document = |call: Call<'_>| Document::seeds(call, &plan, SeedsDone::Planned, &history);
    let text = |style: Style<'_>| match plan.is_sound() {
        true => report::seeds(&plan, SeedsDone::Planned, style),
        false => String::new(),
    };
    session.result(Some(opened), exit, document, text);
    session.problems(&report);
    session.annotate(&report);
    Ok(exit)
}

/// Seeds, and shows what came of it. `after`: what was migrated before in the same command, and the backup before that.
pub(super) async fn run(
    session: &Session,
    opened: &Opened,
    (seeds, options): &(Seeds, SeedOptions),
    set: &Migrations,
    after: Option<(&Outcome, Option<&str>)>,
) -> Ending {
    let done = seeds::apply(
        &opened.db,
        seeds,
        set,
        options,
        &opened.run,
        &session.events(opened),
    )
    .await;
    let (outcome, plan) =
        done.map_err(|error| session.failed(opened, &error).no_row_was_written())?;
    let synced = opened.db.sync().await;
    // The rows are written, whether or not their records can be read, which only a JSON document shows.
    let history = match session.terminal.format {
        Format::Json => history::read(&opened.db).await.unwrap_or_default(),
        Format::Table | Format::Sarif => History::default(),
    };
    let document = |call: Call<'_>| {
        let document = Document::seeds(call, &plan, SeedsDone::Done, &history);
        let Some((migrated, backup)) = after else {
            return document;
        };
        let document = document.after_migrations(migrated, call);
        match backup {
            Some(file) => document.with("backup", file),
            None => document,
        }
    };
    let text = |style: Style<'_>| match session.terminal.tells() {
        true => report::seeds(&plan, SeedsDone::Done, style),
        false => String::new(),
    };
    session.result_unless(synced.is_err(), Some(opened), Exit::Done, document, text);
    session.warn(&outcome.warnings);
    if let Err(error) = synced {
        return Err(session.not_synced(opened, error, "the rows are"));
    }
    Ok(Exit::Done)
}

/// What `status` shows of the seeds: for the environment that the database is marked as, or the one of the settings.
pub(super) async fn standing(
    session: &Session,
    opened: &Opened,
    set: &Migrations,
    history: &seedbed::history::History,
) -> Result<Option<seeds::Standing>, Stopped> {
    let folder = &opened.config.seeds.value;
    let seeds = read(session, folder).map_err(|stopped| stopped.about(opened))?;
    let options = as_recorded(session, opened, &seeds, history);
    if matches!(opened.config.database.value, Database::Memory) && seeds.files.is_empty() {
        return Ok(None);
    }
    seeds::standing(&opened.db, &seeds, set, history, &options)
        .await
        .map(Some)
        .map_err(|error| session.failed(opened, &error.into()))
}

/// The seeds as they were applied: for the environment that the database is marked as, or the one of the settings.
fn as_recorded(
    session: &Session,
    opened: &Opened,
    seeds: &Seeds,
    history: &seedbed::history::History,
) -> SeedOptions {
    let environment = history
        .environment
        .clone()
        .or_else(|| opened.config.seed_env.as_ref().map(|env| env.value.clone()));
    SeedOptions::new(
        Choice::new(environment.unwrap_or_default()).tags(seeds::recorded_tags(seeds, history)),
        SystemTime::now(),
    )
    .refresh(Refresh::No)
    .mark(None)
    .variables(Variables::Known(session.variables()))
}
