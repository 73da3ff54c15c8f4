//! What a command has at hand: settings, the terminal, and how to say how it ended.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::args::{Format, Global};
use super::below;
use super::exit::Exit;
use super::running::Running;
use super::signals;
use super::terminal::{self, Terminal};
use super::who;
use seedbed::config::variables::SEEDBED_LOG;
use seedbed::config::{Config, Copied, Database, Flags, Project, Resolved, Setting, Side};
use seedbed::db::{Db, DbError, Engine, Log, OnWait, Options, Stop};
use seedbed::diagnostic::{Class, Diagnostic, typed};
use seedbed::history::{self, History, HistoryError};
use seedbed::layouts::LayoutChoice;
use seedbed::migrations::{
    ApplyError, Event, Migrations, OnEvent, OutOfOrder, Outcome, PlanOptions, ReadError,
};
use seedbed::open;
use seedbed::report::{self, Call, Document, Needs, Paint, Report, Style};
use seedbed::script::Run;

/// What a command does with what it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Upcoming {
    /// It shows it.
    Nothing,
    /// It may change the database.
    Change,
}

/// When a command asks before it changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asks {
    /// Through a replica only: the settings name a file, and the change reaches the primary.
    ThroughAReplica,
    /// On every server that is not this machine.
    OnEveryRemote,
}

/// One call of the program.
pub(super) struct Session {
    /// The command: `migrate`.
    pub(super) command: &'static str,
    /// What it needs a database for.
    needs: Needs,
    pub(super) terminal: Terminal,
    /// What people type to run this program.
    pub(super) program: &'static str,
    /// The same with the global flags that a command needs to be about the same database.
    pub(super) again: &'static str,
    /// The arguments behind it, as they can be typed.
    typed: String,
    pub(super) resolved: Resolved,
    pub(super) flags: Flags,
    pub(super) yes: bool,
    /// The working folder.
    pub(super) cwd: PathBuf,
    pub(super) env: BTreeMap<String, String>,
}

/// A database that a command has opened, and what it was opened by.
pub(super) struct Opened {
    pub(super) config: Config,
    pub(super) db: Db,
    /// A command that may change something identifies its run.
    pub(super) run: Run,
}

/// A command that could not do its work, and why.
pub(super) struct Stopped {
    report: Box<Report>,
    database: Option<(&'static str, String)>,
}

/// The program with the global flags that say which database and which files a command is about. A process has one.
fn again(program: &'static str, flags: &Flags) -> &'static str {
    let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
    // An address that may hold a token or a password is not repeated.
    let is_public = |database: &String| !database.contains(['@', '?']);
    let values = [
        ("--database", flags.database.clone().filter(is_public)),
        ("--mode", flags.mode.map(|mode| mode.as_str().to_owned())),
        ("--config", path(&flags.config)),
        ("--env-file", path(&flags.env_file)),
        ("--migrations", path(&flags.migrations)),
        ("--seeds", path(&flags.seeds)),
        ("--replica-file", path(&flags.replica_file)),
    ];
    let ignored = flags
        .ignore
        .iter()
        .map(|table| ("--ignore", Some(table.clone())));
    let values = values.into_iter().chain(ignored);
    let values = values.filter_map(|(flag, value)| Some([flag.to_owned(), value?]));
    let plain = flags
        .allow_plain_http
        .then(|| "--allow-plain-http".to_owned());
    let all: Vec<String> = values.flatten().chain(plain).collect();
    match all.is_empty() {
        true => program,
        false => Box::leak(format!("{program} {}", typed(all.iter())).into_boxed_str()),
    }
}

impl Stopped {
    /// See [`Report::naming`].
    pub(super) fn naming(self, argument: &str) -> Stopped {
        Stopped {
            report: Box::new(self.report.naming(argument)),
            ..self
        }
    }
}

/// What a command comes to.
pub(super) type Ending = Result<Exit, Stopped>;

impl Session {
    pub(super) fn new(
        (command, needs): (&'static str, Needs),
        flags: &seedbed::config::Flags,
        global: &Global,
        (program, typed): (&'static str, String),
        cwd: PathBuf,
        env: Vec<(std::ffi::OsString, std::ffi::OsString)>,
    ) -> Session {
        let resolved = seedbed::config::load(flags, &cwd, env.iter().cloned());
        let env = env
            .into_iter()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Session {
            command,
            needs,
            terminal: Terminal::new(global),
            program,
            again: again(program, flags),
            typed,
            resolved,
            flags: flags.clone(),
            yes: global.yes,
            cwd,
            env,
        }
    }

    /// Colours are always in the text; the terminal takes them out where they do not belong.
    pub(super) fn style(&self) -> Style<'_> {
        Style {
            paint: Paint::Colour,
            program: self.again,
            columns: terminal::columns(),
        }
    }

    /// The settings of a command that opens no database.
    pub(super) fn project(&self) -> Result<Project, Stopped> {
        let project = self.resolved.project();
        project.map_err(|error| self.stopped(Report::config(&error)))
    }

    /// The settings of the database that a copy reads.
    pub(super) fn source(&self, from: &str, to_is_remote: bool) -> Result<Config, Stopped> {
        let flags = self
            .flags
            .clone()
            .database(Some(from.to_owned()))
            .copied(Some(Copied {
                side: Side::From,
                other_is_remote: to_is_remote,
            }));
        let env = self.env.iter();
        let env = env.map(|(name, value)| (name.into(), value.into()));
        seedbed::config::load(&flags, &self.cwd, env)
            .config()
            .map_err(|error| self.stopped(Report::config(&error)))
    }

    /// Whether `--database` names one.
    pub(super) fn names_a_database(&self) -> bool {
        self.flags.database.is_some()
    }

    /// The database of the settings, named on standard error before anything is done to it.
    pub(super) async fn open(&self, lock_timeout: Option<Duration>) -> Result<Opened, Stopped> {
        let line = |config: &Config| format!("target: {}", config.target());
        self.open_as(lock_timeout, line).await
    }

    /// The same, named by another line.
    pub(super) async fn open_as(
        &self,
        lock_timeout: Option<Duration>,
        line: impl FnOnce(&Config) -> String,
    ) -> Result<Opened, Stopped> {
        let config = self
            .resolved
            .config()
            .map_err(|error| self.stopped(Report::config(&error)))?;
        self.terminal.words(&line(&config));
        for warning in &config.warnings {
            self.terminal.words(&format!("warning: {warning}"));
        }
        let terminal = self.terminal;
        let host = config.database.value.url().map(ToString::to_string);
        let stop = signals::stop(move || {
            let host = host.as_deref().unwrap_or("the server");
            terminal.error(&format!(
                "interrupted: a change was sent to {host}, which may be carrying it out; waiting for its outcome \
                 (Ctrl-C again gives up, and the outcome stays unknown)"
            ));
        });
        let stop = stop.map_err(|error| {
            let message = format!("cannot listen for signals: {error}");
            self.stopped(Diagnostic::error("signals", message))
        })?;
        let database = &config.database.value;
        let lock_timeout = lock_timeout.unwrap_or_else(|| open::lock_timeout(database));
        let run = Run::new(who::applied_by(&self.env, &config.root));
        let options = Options::default()
            .run_by(Some(run.by.clone()))
            .on_wait(self.on_wait())
            .lock_timeout(lock_timeout)
            .stop(stop)
            .ignore_tables(config.ignore_tables.value.clone())
            .history_table(config.history_table.value.clone())
            .proxy(config.proxy.as_ref().map(|proxy| proxy.value.clone()))
            .encryption_key(config.encryption_key())
            .log(self.log()?);
        let db = open::open(database, options).await;
        let db = db.map_err(|error| self.stopped(Report::history(&error.into())))?;
        Ok(Opened { config, db, run })
    }

    /// Where requests and transactions are logged: with `--verbose` on standard error, and in the file that SEEDBED_LOG
    /// names.
    fn log(&self) -> Result<Log, Stopped> {
        let terminal = self.terminal;
        let named = self.env.get(SEEDBED_LOG).map(|path| path.trim());
        let file = match named.filter(|path| !path.is_empty()) {
            None => None,
            Some(path) => {
                let mut options = std::fs::OpenOptions::new();
                let opened = options.create(true).append(true).open(self.cwd.join(path));
                let opened = opened.map_err(|error| {
                    let message =
                        format!("{SEEDBED_LOG} names a file that cannot be written: {error}");
                    let help = "name a file in a folder that exists, or unset it".to_owned();
                    self.usage("log-file", message, Some(help))
                });
                Some(std::sync::Mutex::new(opened?))
            }
        };
        if file.is_none() && !terminal.verbose {
            return Ok(Log::default());
        }
        Ok(Log::new(move |line| {
            if terminal.verbose {
                terminal.words(line);
            }
            if let Some(Ok(mut file)) = file.as_ref().map(std::sync::Mutex::lock) {
                // One write for each line, so that the lines of several runs do not mix.
                let _ = file.write_all(format!("{line}\n").as_bytes());
            }
        }))
    }

    /// The engines that a server of the settings may have. A database at `turso://` has either of the two, which only the
    /// server can tell.
    pub(super) fn named_servers(&self) -> &'static [Engine] {
        match (self.resolved.name_a_server(), self.resolved.name_turso()) {
            (false, _) => &[],
            (true, false) => &[Engine::Server],
            (true, true) => &[Engine::Server, Engine::Turso],
        }
    }

    /// Reports each run that is waited for once, and whatever `--quiet` says of progress.
    fn on_wait(&self) -> OnWait {
        let terminal = self.terminal;
        let reported = std::sync::Mutex::new(None);
        OnWait::new(move |other| {
            let is_new = reported
                .lock()
                .is_ok_and(|mut reported| reported.replace(other.pid) != Some(other.pid));
            if is_new {
                terminal.words(&report::other_run(other, SystemTime::now()));
            }
        })
    }

    /// What seeds may name: the environment, and `.env` where that is silent.
    pub(super) fn variables(&self) -> BTreeMap<String, String> {
        let mut variables = self.resolved.others().clone();
        variables.extend(self.env.clone());
        variables
    }

    /// Asks before a change that could reach what others use, unless `--yes` was given. Before that it sees whether the
    /// file of a replica could follow: one that belongs to another primary is a sign that this is the wrong one.
    pub(super) async fn ask(&self, opened: &Opened, asks: Asks) -> Result<(), Stopped> {
        opened.db.check_replica().await.map_err(|error| {
            let mut stopped = self.failed(opened, &HistoryError::Db(error).into());
            stopped.report.database = Some("nothing was changed".to_owned());
            stopped
        })?;
        let database = &opened.config.database.value;
        let asked = match database {
            Database::Local { .. } | Database::Memory => false,
            Database::Remote { .. } => asks == Asks::OnEveryRemote,
            Database::Replica { .. } => true,
        };
        if !asked || database.is_loopback() {
            return Ok(());
        }
        let url = database.url().map(ToString::to_string).unwrap_or_default();
        self.confirm(opened, &format!("{} will change {url}", self.command))
    }

    /// Asks whether to go on, unless `--yes` was given. `question` is what would happen.
    pub(super) fn confirm(&self, opened: &Opened, question: &str) -> Result<(), Stopped> {
        if !self.yes && !self.terminal.can_ask() {
            return Err(self
                .usage(
                    "needs-yes",
                    format!("{question}, and there is no terminal to ask at"),
                    Some(format!("`{} {} --yes`", self.program, self.typed)),
                )
                .about(opened));
        }
        let stop = opened.db.stop();
        if self.agrees(question, stop) {
            return Ok(());
        }
        let declined = Diagnostic::error("declined", "nothing was changed");
        let class = match stop.is_raised() {
            true => Class::Interrupted,
            false => Class::Usage,
        };
        Err(self.stopped(declined.class(class)).about(opened))
    }

    /// Whether a question can be answered: by `--yes`, or at the terminal.
    pub(super) fn can_agree(&self) -> bool {
        self.yes || self.terminal.can_ask()
    }

    /// Whether to go on: `--yes`, or a yes at the terminal.
    pub(super) fn agrees(&self, question: &str, stop: &Stop) -> bool {
        self.yes
            || (self.terminal.can_ask()
                && self
                    .terminal
                    .ask(&format!("{question}. Go on? [y/N] "), stop))
    }

    /// The migration files, by names that can be clicked on from the working folder.
    pub(super) fn migrations(
        &self,
        directory: &Path,
        layout: Option<&Setting<LayoutChoice>>,
    ) -> Result<Migrations, Stopped> {
        Migrations::read_dir_as(self.shown(directory), layout.map(|it| it.value))
            .map_err(|error| self.unread(&error))
    }

    /// Migrations that cannot be read. Where there is no folder, projects below this one are named: a first migration here
    /// would begin a second history.
    fn unread(&self, error: &ReadError) -> Stopped {
        let mut report = Report::files(error);
        let elsewhere = match error {
            ReadError::NoDirectory { .. } => below::with_migrations(&self.cwd),
            _ => Vec::new(),
        };
        if let (false, Some(diagnostic)) = (elsewhere.is_empty(), report.diagnostics.first_mut()) {
            let helps = elsewhere.iter().take(3).map(|folder| {
                // The settings of a project stand beside its database: from another folder it would be another one.
                let flag = match below::is_a_project(&self.cwd.join(folder)) {
                    true => format!("-C {}", folder.display()),
                    false => format!("--migrations {}/migrations", folder.display()),
                };
                format!(
                    "{}/migrations is there: `{} {flag} {}`",
                    folder.display(),
                    self.program,
                    self.typed
                )
            });
            diagnostic.help = helps.collect();
        }
        self.stopped(report)
    }

    /// A path as it is shown.
    pub(super) fn shown<'a>(&self, path: &'a Path) -> &'a Path {
        path.strip_prefix(&self.cwd).unwrap_or(path)
    }

    /// The migration files of a database, and its history, read at the same time: for many migrations each takes a while.
    /// Before a change it is asked meanwhile whether the file of a replica could follow.
    pub(super) async fn migrations_and_history(
        &self,
        opened: &Opened,
        upcoming: Upcoming,
    ) -> Result<(Migrations, Result<History, HistoryError>), Stopped> {
        let directory = self.shown(&opened.config.migrations.value).to_path_buf();
        let layout = opened.config.layout.as_ref().map(|it| it.value);
        let read = move || Migrations::read_dir_as(directory, layout);
        let files = async {
            match opened.db.engine().is_server() {
                // Requests are driven by this thread.
                true => tokio::task::spawn_blocking(read).await,
                false => Ok(read()),
            }
        };
        let replica = async {
            if upcoming == Upcoming::Change {
                // What is wrong is reported by `ask`, once it is clear that anything is to be changed.
                let _ = opened.db.check_replica().await;
            }
        };
        let history = async {
            match upcoming {
                Upcoming::Change => history::read_before_change(&opened.db).await,
                Upcoming::Nothing => history::read(&opened.db).await,
            }
        };
        // The history first: a thread of its own reads the database meanwhile.
        let (history, (), files) = tokio::join!(history, replica, files);
        match files {
            Ok(Ok(mut set)) => {
                self.publish(&mut set, opened, history.as_ref().ok());
                Ok((set, history))
            }
            Ok(Err(error)) => Err(self.unread(&error).about(opened)),
            Err(error) => Err(self.failed(opened, &DbError::Thread(error.into()).into())),
        }
    }

    /// The same for a database: where they cannot be read, the JSON still tells which one it was about.
    pub(super) fn migrations_for(&self, opened: &Opened) -> Result<Migrations, Stopped> {
        let config = &opened.config;
        let mut set = self
            .migrations(&config.migrations.value, config.layout.as_ref())
            .map_err(|stopped| stopped.about(opened))?;
        self.publish(&mut set, opened, None);
        Ok(set)
    }

    /// Asks git which files are published, where that decides what to type.
    fn publish(&self, set: &mut Migrations, opened: &Opened, history: Option<&History>) {
        if !set.asks_for_base(history) {
            return;
        }
        let directory = self.shown(&opened.config.migrations.value);
        let layout = opened.config.layout.as_ref().map(|it| it.value);
        if let Some(base) = seedbed::migrations::read_default_base(directory, layout) {
            set.published_in(&base);
        }
    }

    /// The exit code is that of the errors in the report.
    pub(super) fn stopped(&self, report: impl Into<Report>) -> Stopped {
        Stopped {
            report: Box::new(report.into()),
            database: None,
        }
    }

    /// A usage error.
    pub(super) fn usage(
        &self,
        code: &'static str,
        message: impl std::fmt::Display,
        help: Option<String>,
    ) -> Stopped {
        let diagnostic = Diagnostic::error(code, message.to_string()).class(Class::Usage);
        self.stopped(diagnostic.helps(help))
    }

    /// A change that did not happen.
    pub(super) fn failed(&self, opened: &Opened, error: &ApplyError) -> Stopped {
        let mut report = opened.with_token(Report::failure(error));
        let away =
            matches!(error, ApplyError::History(HistoryError::Db(error)) if error.may_pass());
        if away && matches!(opened.config.database.value, Database::Replica { .. }) {
            report = report.needs_the_primary(self.needs);
        }
        self.stopped(report).about(opened)
    }

    /// The primary has a change, and the replica could not be synced after it. `done` says what is there.
    pub(super) fn not_synced(&self, opened: &Opened, error: DbError, done: &str) -> Stopped {
        let mut report = Report::history(&HistoryError::Db(error));
        report.database = Some(format!("{done} in the primary; the replica was not synced"));
        self.stopped(report).about(opened)
    }

    /// Waits for a database that can be reached, and says once what for.
    pub(super) async fn wait(&self, opened: &Opened, within: Duration) -> Result<(), Stopped> {
        let tell = |error: &DbError| {
            let seconds = within.as_secs_f64();
            let line = format!("waiting for the database for up to {seconds} s: {error}");
            self.terminal.words(&line);
        };
        let reached = opened.db.reached(within, tell).await;
        reached.map_err(|error| self.failed(opened, &HistoryError::from(error).into()))
    }

    /// What a JSON document says of this call.
    pub(super) fn call<'a>(
        &'a self,
        database: Option<&'a (&'static str, String)>,
        exit: Exit,
    ) -> Call<'a> {
        Call {
            command: self.command,
            mode: database.map(|(mode, _)| *mode),
            database: database.map(|(_, name)| name.as_str()),
            exit_code: exit.code(),
            style: self.style(),
        }
    }

    /// The result of a command, as JSON or as text: the one place that chooses. Both are made of one value.
    pub(super) fn result(
        &self,
        about: Option<&Opened>,
        exit: Exit,
        document: impl FnOnce(Call<'_>) -> Document,
        text: impl FnOnce(Style<'_>) -> String,
    ) {
        match self.terminal.format {
            Format::Json => {
                let database = about.map(Opened::database);
                self.print(&document(self.call(database.as_ref(), exit)));
            }
            Format::Table | Format::Sarif => self.terminal.data(&text(self.style())),
        }
    }

    /// The same where the replica was not synced after the change (`not_synced`): there is one JSON document, and the one of
    /// that failure names what was done, too.
    pub(super) fn result_unless(
        &self,
        not_synced: bool,
        about: Option<&Opened>,
        exit: Exit,
        document: impl FnOnce(Call<'_>) -> Document,
        text: impl FnOnce(Style<'_>) -> String,
    ) {
        if !(not_synced && self.terminal.format == Format::Json) {
            self.result(about, exit, document, text);
        }
    }

    /// What is wrong with a plan whose JSON document has its problems already.
    pub(super) fn problems(&self, report: &Report) {
        if self.terminal.format == Format::Table && !report.diagnostics.is_empty() {
            self.terminal.error(&report.text(self.style()));
        }
    }

    /// Says why a command stopped, as text or as JSON, and as annotations on GitHub.
    pub(super) fn say(&self, stopped: &Stopped) {
        if self.terminal.format == Format::Json {
            let call = self.call(stopped.database.as_ref(), stopped.exit());
            self.print(&Document::failure(call, &stopped.report));
        } else {
            self.terminal.error(&stopped.report.text(self.style()));
        }
        self.annotate(&stopped.report);
    }

    /// Marks the places of a report in the pull request, where GitHub Actions runs us.
    pub(super) fn annotate(&self, report: &Report) {
        if self
            .env
            .get("GITHUB_ACTIONS")
            .is_some_and(|on| on == "true")
        {
            let workspace = self.env.get("GITHUB_WORKSPACE").map(PathBuf::from);
            // A runner's folder may be a link.
            let real = |path: PathBuf| path.canonicalize().unwrap_or(path);
            let (workspace, folder) = (workspace.map(real), real(self.cwd.clone()));
            let checkout = workspace.as_ref().map(|workspace| report::Checkout {
                workspace,
                folder: &folder,
            });
            self.terminal
                .error(&report::annotations(report, self.style(), checkout));
        }
    }

    /// A JSON document.
    pub(super) fn print(&self, document: &Document) {
        self.terminal.data(&document.to_string());
    }

    /// Warnings of a command that went well.
    pub(super) fn warn(&self, problems: &[Diagnostic]) {
        if problems.is_empty() {
            return;
        }
        let report = Report::problems(problems);
        if self.terminal.format == Format::Table {
            self.terminal.words(&report.text(self.style()));
        }
        self.annotate(&report);
    }

    /// Tells what a run is waiting for, and with `--verbose` what it does. Before the first change to a server that is
    /// not this machine it tells the moment that could be restored.
    pub(super) fn events(&self, opened: &Opened) -> OnEvent {
        let terminal = self.terminal;
        let program = self.again;
        let restorable = opened.config.database.value.may_be_restored();
        let restorable = restorable.then(|| opened.config.turso_name());
        let restorable = std::sync::Mutex::new(restorable);
        let running = terminal.tells().then(|| Running::new(terminal));
        std::sync::Arc::new(move |event: Event| {
            if let Some(running) = &running {
                running.event(&event);
            }
            if matches!(event, Event::Planned { .. })
                && let Some(name) = restorable.lock().ok().and_then(|mut name| name.take())
            {
                terminal.words(&report::restore_point(&name, SystemTime::now()));
            }
            if let Event::Planned { outlines, .. } = &event
                && let Some(line) = report::several_transactions(outlines)
            {
                terminal.words(&line);
            }
            let waits = matches!(
                event,
                Event::WaitingForLock
                    | Event::WaitingFor(..)
                    | Event::WaitingForUndo(..)
                    | Event::Moved
            );
            if !waits && !terminal.verbose {
                return;
            }
            let style = Style {
                paint: Paint::Colour,
                program,
                columns: None,
            };
            if let Some(line) = report::event(&event, style) {
                terminal.words(&line);
            }
        })
    }
}

impl Opened {
    /// Mode and name of the database, as JSON tells them.
    pub(super) fn database(&self) -> (&'static str, String) {
        let mode = self.config.database.value.mode().as_str();
        (mode, self.config.database_name())
    }

    /// A report with what the token itself tells, where the server refused it.
    pub(super) fn with_token(&self, report: Report) -> Report {
        match self.config.token() {
            Some(token) => {
                let name = self.config.turso_name();
                report.with_token(token, &name, SystemTime::now())
            }
            None => report,
        }
    }

    /// How to plan for this database.
    pub(super) fn plan_options(&self, out_of_order: bool) -> PlanOptions {
        PlanOptions::default().out_of_order(if out_of_order || self.config.out_of_order.value {
            OutOfOrder::Allow
        } else {
            OutOfOrder::Refuse
        })
    }
}

impl Stopped {
    /// It concerns this database.
    pub(super) fn about(mut self, opened: &Opened) -> Stopped {
        self.database = Some(opened.database());
        self
    }

    /// Seeding is one transaction, so nothing of it is there.
    pub(super) fn no_row_was_written(mut self) -> Stopped {
        if self.report.class() != Some(Class::Unknown) && self.report.database.is_none() {
            self.report.database = Some("no row was written".to_owned());
        }
        self
    }

    /// What was migrated before is there all the same.
    pub(super) fn migrations_stand(mut self, outcome: &Outcome) -> Stopped {
        self.report = Box::new(self.report.after_migrations(outcome));
        if let Some(version) = outcome.version {
            let words = format!(
                "no row was written; the migrations stand, and the database is at V{version}"
            );
            self.report.database = Some(words);
        }
        self
    }

    /// A backup was taken before; an error names it, because it may be needed for the repair.
    pub(super) fn has_backup(mut self, backup: Option<&str>, program: &str) -> Stopped {
        if let (Some(file), Some(diagnostic)) = (backup, self.report.diagnostics.first_mut()) {
            diagnostic.help.push(format!(
                "the database as it was before is in {file}: `{program} restore {file}` brings it into a new or empty one"
            ));
            self.report.backup = Some(file.to_owned());
        }
        self
    }

    /// The backup before a migration is unproven, so nothing was migrated.
    pub(super) fn stops_the_migration(mut self) -> Stopped {
        if let Some(diagnostic) = self.report.diagnostics.last_mut() {
            let help = "`migrate --backup=unproven` migrates anyway";
            diagnostic.help.push(help.to_owned());
        }
        let backup = self.report.database.take().unwrap_or_default();
        self.report.database = Some(format!("nothing was migrated; {backup}"));
        self
    }

    /// The backup before a reset could not be taken, so nothing was replaced. `lost` is what is not in a backup.
    pub(super) fn stops_the_reset(mut self, lost: &str) -> Stopped {
        if let Some(diagnostic) = self.report.diagnostics.last_mut() {
            diagnostic.help.push(format!(
                "`reset --no-backup` replaces the database without one: {lost} are lost then"
            ));
        }
        self.report.database = Some("nothing was changed".to_owned());
        self
    }

    pub(super) fn exit(&self) -> Exit {
        Exit::Stopped(self.report.class().unwrap_or(Class::Failed))
    }
}
