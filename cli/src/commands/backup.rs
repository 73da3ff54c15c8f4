//! `backup`, `backup list`, `restore`, and the backup before a migration.

use std::path::Path;
use std::time::SystemTime;

use crate::args::{self, BackupKind, Format};
use crate::exit::Exit;
use crate::progress::Progress;
use crate::session::{Asks, Ending, Opened, Session, Stopped};
use seedbed::config::Database;
use seedbed::diagnostic::Diagnostic;
use seedbed::dump::Input;
use seedbed::dump::{
    BackedUp, BackupError, BackupOptions, Checked, ExportError, Level, RestoreError,
    backup as take, backups as kept, restore as back,
};
use seedbed::history::HistoryError;
use seedbed::report::{self, Call, Document, Report, Style};

/// `backup`
pub(crate) async fn backup(session: &Session, lock: &args::Lock) -> Ending {
    let opened = session.open(lock.lock_timeout).await?;
    super::dump::is_there(session, &opened)?;
    let done = taken(session, &opened).await;
    let done = done.map_err(|error| failed(session, &opened, error))?;
    let shown = shown(session, &done.file);
    if session.terminal.format == Format::Json {
        let database = opened.database();
        let call = session.call(Some(&database), Exit::Done);
        session.print(&Document::backed_up(call, &done, shown));
    } else {
        // From cron, what is printed becomes a mail.
        session
            .terminal
            .words(&report::backed_up(&done, shown, session.style()));
    }
    Ok(Exit::Done)
}

/// Takes a backup, and tells which old ones could not be removed. An unproven one has the name that is shown.
async fn taken(session: &Session, opened: &Opened) -> Result<BackedUp, BackupError> {
    let settings = &opened.config.backup;
    let options = BackupOptions::new(
        settings.dir.value.clone(),
        opened.config.backup_name(),
        SystemTime::now(),
    )
    .keep_days(settings.retention_days.value);
    let done = take(&opened.db, &options).await.map_err(|mut error| {
        if let BackupError::Unproven(unproven) = &mut error {
            unproven.file = shown(session, &unproven.file).to_path_buf();
        }
        error
    })?;
    for line in report::not_removed(&done.left) {
        session.terminal.error(&line);
    }
    Ok(done)
}

fn shown<'a>(session: &Session, file: &'a Path) -> &'a Path {
    file.strip_prefix(&session.cwd).unwrap_or(file)
}

fn failed(session: &Session, opened: &Opened, error: BackupError) -> Stopped {
    match error {
        BackupError::Export(ExportError::Db(error)) => {
            session.failed(opened, &HistoryError::from(error).into())
        }
        error => session.stopped(Report::backup(&error)).about(opened),
    }
}

/// Takes the backup of `migrate --backup`, where there is something to back up. What it gives is how the file is shown.
pub(super) async fn before_a_change(
    session: &Session,
    opened: &Opened,
    kind: BackupKind,
) -> Result<Option<String>, Stopped> {
    if let Database::Local { path } = &opened.config.database.value
        && !path.exists()
    {
        session
            .terminal
            .words("no backup: the database is not there yet");
        return Ok(None);
    }
    let done = match (taken(session, opened).await, kind) {
        (Ok(done), _) => done,
        (Err(BackupError::Unproven(unproven)), BackupKind::Unproven) => {
            let shown = unproven.file.display().to_string();
            session
                .terminal
                .words(&format!("backup {shown}, unproven:"));
            let report = Report::backup(&BackupError::Unproven(unproven));
            let warnings = report.diagnostics.into_iter().map(Diagnostic::warning);
            session.warn(&warnings.collect::<Vec<_>>());
            return Ok(Some(shown));
        }
        (Err(error), _) => {
            let is_unproven = matches!(error, BackupError::Unproven(_));
            let stopped = failed(session, opened, error);
            return Err(match is_unproven {
                true => stopped.stops_the_migration(),
                false => stopped,
            });
        }
    };
    let shown = shown(session, &done.file);
    session.terminal.words(&format!(
        "backup {}",
        report::backed_up(&done, shown, session.style())
    ));
    Ok(Some(shown.display().to_string()))
}

/// Takes the backup of `reset`, where the new database would not have rows that are in the old one: `lost` is their tables.
pub(super) async fn before_a_reset(
    session: &Session,
    opened: &Opened,
    lost: &[(String, Option<u64>)],
) -> Result<String, Stopped> {
    let counted = lost;
    let lost = report::rows_of_tables(counted);
    let done = taken(session, opened)
        .await
        .map_err(|error| failed(session, opened, error).stops_the_reset(&lost))?;
    let file = shown(session, &done.file);
    let come = match counted {
        [(_, Some(1))] => "comes",
        _ => "come",
    };
    session.terminal.words(&format!(
        "{lost} {come} from neither migrations nor seeds: saved in {}",
        report::backed_up(&done, file, session.style()),
    ));
    Ok(file.display().to_string())
}

/// `backup list`
pub(crate) async fn backups(session: &Session) -> Ending {
    let project = session.project()?;
    let folder = project.backup.dir.value;
    let shown = folder.strip_prefix(&session.cwd).unwrap_or(&folder);
    let now = SystemTime::now();
    let all = kept(&folder, None).map_err(|error| {
        let message = format!("cannot read {}: {error}", shown.display());
        session.stopped(Diagnostic::error("file", message))
    })?;
    let document = |call: Call<'_>| Document::backups(call, &all, now);
    let text = |style: Style<'_>| report::backups(&all, shown, now, style);
    session.result(None, Exit::Done, document, text);
    Ok(Exit::Done)
}

/// `restore`
pub(crate) async fn restore(session: &Session, flags: &args::Restore) -> Ending {
    let file = session.cwd.join(&flags.file);
    let shown = flags.file.display().to_string();
    let opened = session.open(flags.lock.lock_timeout).await?;
    let stopped = |error: &RestoreError| {
        let report = opened.with_token(Report::restore(error, &shown));
        session.stopped(report).about(&opened)
    };
    let stopped = |error: RestoreError| match error {
        RestoreError::Db(error) => session.failed(&opened, &HistoryError::from(error).into()),
        error => stopped(&error),
    };
    if let Database::Memory = &opened.config.database.value {
        let message = "a database in memory is gone when the command ends";
        return Err(session.usage("memory", message, None).about(&opened));
    }
    let checked = back::checked(&file).map_err(stopped)?;
    if checked == Checked::Unproven {
        session.terminal.words(report::UNPROVEN);
    }
    back::is_free(&opened.db, &file).await.map_err(stopped)?;
    session.ask(&opened, Asks::OnEveryRemote).await?;
    let progress = Progress::new(session.terminal, &Input::File(file.clone()), "restored");
    let restored = back::restore(
        &opened.db,
        &file,
        checked,
        flags.mark.as_deref(),
        &opened.run,
        progress.on_event(),
    )
    .await;
    drop(progress);
    let restored = restored.map_err(stopped)?;
    let input = Input::File(file);
    let verified = super::verify::compare(session, &opened, &input, Level::Full).await?;
    let exit = super::verify::exit(&verified);
    let synced = opened.db.sync().await;
    let document = |call: Call<'_>| {
        let document = Document::imported(call, &restored.imported, &shown);
        document.with_mark(&restored).with_verified(call, &verified)
    };
    let text = |style: Style<'_>| {
        let text = report::restored_backup(&restored.imported, &shown, style);
        text + &report::verified_after(&verified, style)
    };
    session.result_unless(synced.is_err(), Some(&opened), exit, document, text);
    for line in report::restored(&restored, session.style()) {
        session.terminal.words(&line);
    }
    match synced {
        Ok(_) => Ok(exit),
        Err(error) => Err(session.not_synced(&opened, error, "the backup is")),
    }
}
