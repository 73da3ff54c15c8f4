//! `drift`: the schema against the recorded migrations, and a migration file about what differs.

use std::time::SystemTime;

use crate::args;
use crate::exit::Exit;
use crate::session::{Asks, Ending, Session, Stopped};
use seedbed::diagnostic::Class;
use seedbed::migrations::{self, BaselineError, DriftError, FixError, FixKind};
use seedbed::report::{self, Call, Document, Report, Style};

/// `drift`
pub(crate) async fn drift(session: &Session, flags: &args::Drift) -> Ending {
    let opened = session.open(flags.lock.lock_timeout).await?;
    let Some(kind) = flags.fix else {
        let drift = migrations::drift(&opened.db).await;
        // What is beside a file that is missing is an error of the look.
        if !matches!(drift, Err(DriftError::History(_))) {
            super::dump::is_there(session, &opened)?;
        }
        let drift =
            drift.map_err(|error| session.stopped(Report::no_look(&error)).about(&opened))?;
        if drift.objects.is_empty() {
            let document = |call: Call<'_>| Document::drift(call, &drift);
            let text = |_: Style<'_>| report::no_drift(&drift);
            session.result(Some(&opened), Exit::Done, document, text);
            session.warn(&drift.warnings);
            return Ok(Exit::Done);
        }
        let exit = Exit::Stopped(Class::Drift);
        let report = Report::drift(&drift);
        let document = |call: Call<'_>| Document::drift(call, &drift);
        session.result(Some(&opened), exit, document, |style| report.text(style));
        session.annotate(&report);
        return Ok(exit);
    };
    let kind = match kind {
        args::Fix::Adopt => FixKind::Adopt,
        args::Fix::Revert => FixKind::Revert,
    };
    if kind == FixKind::Adopt {
        session.ask(&opened, Asks::OnEveryRemote).await?;
    }
    let folder = session.shown(&opened.config.migrations.value).to_path_buf();
    let layout = opened.config.layout.as_ref().map(|it| it.value);
    let events = session.events(&opened);
    let fixed = migrations::fix(
        &opened.db,
        kind,
        (&folder, layout),
        SystemTime::now(),
        &opened.run,
        &events,
    );
    let fixed = fixed
        .await
        .map_err(|error| not_fixed(session, &error).about(&opened))?;
    let document = |call: Call<'_>| Document::fixed(call, &fixed);
    let text = |_: Style<'_>| report::fixed(&fixed, kind);
    session.result(Some(&opened), Exit::Done, document, text);
    session.warn(&fixed.drift.warnings);
    Ok(Exit::Done)
}

fn not_fixed(session: &Session, error: &FixError) -> Stopped {
    match error {
        FixError::Record(BaselineError::Apply(error)) => session.stopped(Report::failure(error)),
        error => session.stopped(Report::no_fix(error)),
    }
}
