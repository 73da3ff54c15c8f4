//! The commands that only look.

use clap::CommandFactory;

use crate::cli::args::{self, Cli, Format};
use crate::cli::exit::Exit;
use crate::cli::session::{Ending, Session};
use crate::migrations::{self, State};
use crate::report::{self, Document, Report};

/// `status`
pub(crate) async fn status(session: &Session, flags: &args::Status) -> Ending {
    let opened = session.open(None).await?;
    let set = session.migrations_for(&opened)?;
    let history = migrations::observe(&opened.db, &set)
        .await
        .map_err(|error| session.failed(&opened, &error.into()))?;
    let plan = migrations::plan(&set, &history, &opened.plan_options(false));
    let pending = plan.items.iter().any(|item| item.state == State::Pending);
    let exit = if plan.errors().next().is_some() {
        Exit::Integrity
    } else if pending && flags.exit_code {
        Exit::Pending
    } else {
        Exit::Done
    };
    if session.terminal.format == Format::Json {
        let database = opened.database();
        let call = session.call(Some(&database), exit);
        session.print(&Document::status(call, &plan, &history));
    } else {
        let text = report::status(&plan, &history, session.style());
        session.terminal.data(&text);
    }
    session.annotate(&Report::problems(&plan.problems, session.style()));
    Ok(exit)
}

/// `config`
pub(crate) fn config(session: &Session) -> Ending {
    let rows = session.resolved.rows();
    let error = session.resolved.config().err();
    let exit = if error.is_some() {
        Exit::Usage
    } else {
        Exit::Done
    };
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
    match error {
        Some(error) => Err(session.stopped(Report::config(&error, session.style()), exit)),
        None => Ok(exit),
    }
}

/// `completions`
pub(crate) fn completions(session: &Session, flags: &args::Completions) -> Ending {
    let mut script = Vec::new();
    // A shell completes the name of a program, and `cargo xtask` is none.
    clap_complete::generate(flags.shell, &mut Cli::command(), "seedbed", &mut script);
    session.terminal.data(&String::from_utf8_lossy(&script));
    Ok(Exit::Done)
}
