//! The command line of Seedbed: flags become plain values, one call of the library does the work, its outcome becomes
//! words and an exit code. Nothing is decided here that a program could not decide with the library.
//!
//! The program `seedbed` is [`main`], and so is the `xtask` of a project:
//!
//! ```no_run
//! fn main() -> std::process::ExitCode {
//!     seedbed_cli::main()
//! }
//! ```
//!
//! An xtask with commands of its own gives the others to [`main_from`].

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod args;
mod below;
mod commands;
mod exit;
mod help;
mod init;
mod progress;
mod running;
mod session;
mod signals;
mod terminal;
mod usage;
mod who;

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::FromArgMatches;
use clap::error::ErrorKind;

use args::{BackupCommand, Cli, Command, ReplicaCommand, SeedCommand};
use exit::Exit;
use seedbed::config::{self, Copied, Side};
use seedbed::db::Unfinished;
use seedbed::diagnostic::{Class, Diagnostic};
use seedbed::report::Needs;
use session::{Ending, Session};

/// Runs the command that this process was called with.
pub fn main() -> ExitCode {
    main_from(std::env::args_os())
}

/// The same with other arguments, the name of the program first: for an xtask that has commands of its own.
pub fn main_from(args: impl IntoIterator<Item = impl Into<OsString>>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
    let program = program(args.first().map(OsString::as_os_str));
    let typed = seedbed::diagnostic::typed(args.iter().skip(1));
    let read = |command: clap::Command| {
        let matches = command.bin_name(program).try_get_matches_from(&args)?;
        Cli::from_arg_matches(&matches)
    };
    // What is refused may be answered with the help.
    let cli = match read(args::among(&args)) {
        Err(error) if error.kind() != ErrorKind::DisplayVersion => read(args::command()),
        read => read,
    };
    let cli = match cli {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(usage::answer(error, &args, program)),
    };
    let stop = |code: &'static str, words: String, class: Class| {
        let diagnostic = Diagnostic::error(code, words).class(class);
        ExitCode::from(usage::failed(&cli, diagnostic, program))
    };
    if let Some(folder) = &cli.global.directory
        && let Err(error) = std::env::set_current_dir(folder)
    {
        let words = format!("-C {}: {error}", folder.display());
        return stop("no-directory", words, Class::Usage);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            let words = format!("cannot start threads: {error}");
            return stop("threads", words, Class::Failed);
        }
    };
    let cwd = match std::env::current_dir() {
        Ok(cwd) => cwd,
        Err(error) => {
            let words = format!("cannot read the working folder: {error}");
            return stop("working-folder", words, Class::Failed);
        }
    };
    let exit = runtime.block_on(call(&cli, program, typed, cwd));
    // A thread that still waits for a lock must not keep the process.
    runtime.shutdown_background();
    ExitCode::from(ended(exit.code()))
}

/// The exit code of a command whose result may not have been written: that is a failure where all else went well.
fn ended(code: u8) -> u8 {
    match terminal::unwritten() {
        None => code,
        Some(error) => {
            terminal::failed(&format!(
                "error: the result cannot be written to standard output: {error}"
            ));
            match code {
                0 | 3 => Class::Failed.exit_code(),
                code => code,
            }
        }
    }
}

/// What people type: an xtask is run by cargo.
fn program(first: Option<&OsStr>) -> &'static str {
    let name = first.and_then(|path| std::path::Path::new(path).file_stem());
    if name.is_some_and(|name| name == "xtask") {
        "cargo xtask"
    } else {
        "seedbed"
    }
}

async fn call(cli: &Cli, program: &'static str, typed: String, cwd: PathBuf) -> Exit {
    let command = (cli.command.name(), cli.command.needs());
    let env = std::env::vars_os().collect();
    let mut flags = cli.global.settings();
    flags.env = cli.command.environment().map(str::to_owned);
    if let Command::Backup(backup) = &cli.command {
        flags.backup_dir.clone_from(&backup.dir);
        flags.keep_days = backup.keep_days;
    }
    let named = flags
        .database
        .take_if(|_| matches!(cli.command, Command::Copy(_)));
    if let Command::Copy(copy) = &cli.command {
        flags.database = Some(copy.to.clone());
        flags.copied = Some(Copied {
            side: Side::To,
            other_is_remote: config::Form::parse(&copy.from).is_ok_and(is_remote),
        });
    }
    let session = Session::new(command, &flags, &cli.global, (program, typed), cwd, env);
    if cli.global.format == args::Format::Sarif && !matches!(cli.command, Command::Lint(_)) {
        let help = "only `lint` has findings: write --format json".to_owned();
        let stopped = session.usage("format", "--format sarif is for `lint`", Some(help));
        session.say(&stopped);
        return stopped.exit();
    }
    let ending = match named {
        None => match without_effect(&cli.command, &flags) {
            None => dispatch(&session, &cli.command).await,
            Some((flag, why)) => Err(session.usage("flag", why, Some(format!("leave {flag} out")))),
        },
        Some(_) => Err(session.usage(
            "database",
            "`copy` names both databases, FROM and TO",
            Some("leave --database out".to_owned()),
        )),
    };
    match ending {
        Ok(exit) => exit,
        Err(stopped) => {
            session.say(&stopped);
            stopped.exit()
        }
    }
}

/// A flag that the command takes and would not act on, and what the command does instead: a user who gives it expects
/// something else. A database that is named for a command that opens none is no such flag: advice repeats it.
fn without_effect(command: &Command, flags: &config::Flags) -> Option<(&'static str, String)> {
    let given = match command {
        Command::TestDb(_) => vec![
            (flags.database.is_some(), "--database"),
            (flags.mode.is_some(), "--mode"),
            (flags.replica_file.is_some(), "--replica-file"),
            (flags.allow_plain_http, "--allow-plain-http"),
            (flags.env_file.is_some(), "--env-file"),
        ],
        Command::Backup(args::Backup {
            command: Some(BackupCommand::List),
            keep_days,
            ..
        }) => vec![(keep_days.is_some(), "--keep-days")],
        _ => Vec::new(),
    };
    let (_, flag) = given.into_iter().find(|(is_given, _)| *is_given)?;
    let why = match (command, flag) {
        (Command::Backup(_), _) => {
            format!("`backup list` removes no backup, so it does not use {flag}")
        }
        (_, "--env-file") => format!(
            "`test-db` reads no variable: it does not use {flag}, and a seed with `!env` gets its default"
        ),
        _ => format!(
            "`test-db` makes a new file of the migrations and seeds and prints its path: it does not use {flag}"
        ),
    };
    Some((flag, why))
}

fn is_remote(form: config::Form) -> bool {
    matches!(form, config::Form::Remote(_))
}

async fn dispatch(session: &Session, command: &Command) -> Ending {
    match command {
        Command::Migrate(flags) => commands::migrate(session, flags).await,
        Command::Status(flags) => commands::status(session, flags).await,
        Command::Undo(flags) => commands::undo(session, flags).await,
        Command::Redo(flags) => commands::redo(session, flags).await,
        Command::Seed(flags) => match &flags.command {
            None => commands::seed(session, flags).await,
            Some(SeedCommand::Export(export)) => {
                let lock = export.lock.or(&flags.lock);
                commands::export(session, export, flags.flag_of_writing(), lock).await
            }
            Some(SeedCommand::Forget(forget)) => {
                let lock = forget.lock.or(&flags.lock);
                commands::forget(session, forget, flags.flag_of_writing(), lock).await
            }
            Some(SeedCommand::Schema) => commands::schema(session, flags.flag_of_writing()).await,
        },
        Command::Import(flags) => commands::import(session, flags).await,
        Command::Copy(flags) => commands::copy(session, flags).await,
        Command::Verify(flags) => commands::verify(session, flags).await,
        Command::Check(flags) => commands::check(session, flags).await,
        Command::Lint(flags) => commands::lint(session, flags).await,
        Command::New(flags) => commands::new(session, flags),
        Command::Renumber(flags) => commands::renumber(session, flags).await,
        Command::Repair(flags) => commands::repair(session, flags).await,
        Command::Baseline(flags) => commands::baseline(session, flags).await,
        Command::Adopt(flags) => commands::adopt(session, flags).await,
        Command::Drift(flags) => commands::drift(session, flags).await,
        Command::Doctor(lock) => commands::doctor(session, lock).await,
        Command::Inspect(lock) => commands::inspect(session, lock).await,
        Command::Explain(flags) => commands::explain(session, flags).await,
        Command::Sync(flags) => commands::replica::sync(session, flags).await,
        Command::Replica(flags) => match &flags.command {
            ReplicaCommand::Status(lock) => commands::replica::status(session, lock).await,
            ReplicaCommand::Reset(lock) => commands::replica::reset(session, lock).await,
            ReplicaCommand::Copy {
                file,
                lock,
                allow_incomplete,
            } => {
                let unfinished = match allow_incomplete {
                    true => Unfinished::Copy,
                    false => Unfinished::Refuse,
                };
                commands::replica::copy(session, file, lock, unfinished).await
            }
        },
        Command::Export(flags) => commands::dump(session, flags).await,
        Command::Backup(flags) => match &flags.command {
            None => commands::backup(session, &flags.lock).await,
            Some(BackupCommand::List) => commands::backups(session).await,
        },
        Command::Restore(flags) => commands::restore(session, flags).await,
        Command::Reset(flags) => commands::reset(session, flags).await,
        Command::TestDb(flags) => commands::test_db(session, flags).await,
        Command::Config => commands::config(session),
        Command::Init(flags) => commands::init(session, flags),
        Command::Completions(flags) => commands::completions(session, flags),
    }
}

impl Command {
    /// The environment that the command was told.
    fn environment(&self) -> Option<&str> {
        match self {
            Command::Migrate(flags) => flags.env.as_deref(),
            Command::Seed(flags) => flags.env.as_deref(),
            Command::Reset(flags) => flags.env.as_deref(),
            _ => None,
        }
    }

    /// What it needs a database for.
    fn needs(&self) -> Needs {
        match self {
            Command::Backup(_)
            | Command::Drift(args::Drift { fix: None, .. })
            | Command::Explain(_)
            | Command::Export(_)
            | Command::Inspect(_)
            | Command::Lint(_)
            | Command::Status(_)
            | Command::Verify(_)
            | Command::Seed(args::Seed {
                command: Some(SeedCommand::Export(_)),
                ..
            }) => Needs::ToRead,
            _ => Needs::ToChange,
        }
    }

    /// The verb, as JSON tells it.
    fn name(&self) -> &'static str {
        match self {
            Command::Migrate(_) => "migrate",
            Command::Status(_) => "status",
            Command::Undo(_) => "undo",
            Command::Redo(_) => "redo",
            Command::Seed(flags) => match &flags.command {
                None => "seed",
                Some(SeedCommand::Export(_)) => "seed export",
                Some(SeedCommand::Forget(_)) => "seed forget",
                Some(SeedCommand::Schema) => "seed schema",
            },
            Command::Import(_) => "import",
            Command::Copy(_) => "copy",
            Command::Verify(_) => "verify",
            Command::Check(_) => "check",
            Command::Lint(_) => "lint",
            Command::New(_) => "new",
            Command::Renumber(_) => "renumber",
            Command::Repair(_) => "repair",
            Command::Baseline(_) => "baseline",
            Command::Adopt(_) => "adopt",
            Command::Drift(_) => "drift",
            Command::Doctor(_) => "doctor",
            Command::Inspect(_) => "inspect",
            Command::Explain(_) => "explain",
            Command::Sync(_) => "sync",
            Command::Replica(flags) => match &flags.command {
                ReplicaCommand::Status(_) => "replica status",
                ReplicaCommand::Reset(_) => "replica reset",
                ReplicaCommand::Copy { .. } => "replica copy",
            },
            Command::Export(_) => "export",
            Command::Backup(flags) => match &flags.command {
                None => "backup",
                Some(BackupCommand::List) => "backup list",
            },
            Command::Restore(_) => "restore",
            Command::Reset(_) => "reset",
            Command::TestDb(_) => "test-db",
            Command::Config => "config",
            Command::Init(_) => "init",
            Command::Completions(_) => "completions",
        }
    }
}
