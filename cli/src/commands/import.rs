//! `import`.

use std::time::SystemTime;

use crate::args::{self, Verify};
use crate::exit::Exit;
use crate::progress::Progress;
use crate::session::{Asks, Ending, Opened, Session, Stopped};
use seedbed::config::Database;
use seedbed::dump::Level;
use seedbed::dump::import::{
    self, Begin, ImportError, ImportOptions, Imported, Input, LeftOut, Outcome, Tables, Triggers,
    Violations,
};
use seedbed::migrations::Migrations;
use seedbed::report::{self, Call, Document, Report, Style};
use seedbed::script::Key;

/// `import`
pub(crate) async fn import(session: &Session, flags: &args::Import) -> Ending {
    let input = super::verify::input(&flags.dump);
    let shown = flags.dump.display().to_string();
    if flags.verify == Verify::Full && input == Input::Stdin {
        return Err(session.usage(
            "reads-twice",
            "`--verify full` reads the dump a second time, and standard input flows by only once",
            Some("name a file, or take `--verify counts`".to_owned()),
        ));
    }
    let options = options(flags);
    let opened = session.open(flags.lock.lock_timeout).await?;
    if let Database::Replica { file, .. } = &opened.config.database.value
        && let Input::File(dump) = &input
        && dump
            .canonicalize()
            .is_ok_and(|dump| Some(dump) == file.canonicalize().ok())
    {
        let message = format!("{shown} is the file of the replica itself");
        return Err(session.usage("same-file", message, None).about(&opened));
    }
    if flags.dry_run {
        return dry_run(session, &opened, &input, &options, &shown).await;
    }
    session.ask(&opened, Asks::OnEveryRemote).await?;
    if opened.config.database.value.may_be_restored() {
        let name = opened.config.turso_name();
        session
            .terminal
            .words(&report::restore_point(&name, SystemTime::now()));
    }
    // What is imported and what is compared are one state of a database that others write to.
    let input = match flags.verify {
        Verify::Full => {
            let copied = import::unchanging(&opened.db, &input).await;
            copied.map_err(|why| failed(session, &opened, &why.into(), &shown, &options))?
        }
        Verify::Counts | Verify::None => input,
    };
    let progress = Progress::new(session.terminal, &input, "imported");
    let outcome = import::import(
        &opened.db,
        &input,
        &options,
        &opened.run,
        progress.on_event(),
    )
    .await;
    drop(progress);
    let imported = match outcome {
        Ok(imported) => imported,
        Err(error) => return Err(failed(session, &opened, &error, &shown, &options)),
    };
    let synced = opened.db.sync().await;
    let verified = match flags.verify {
        Verify::Full => {
            let mut verified =
                super::verify::compare(session, &opened, &input, Level::Full).await?;
            // What an earlier run has left out is not known any more.
            let is_already = matches!(imported.outcome, Outcome::Already { .. });
            let mut left_out = imported.left_out.iter();
            if is_already || left_out.any(|it| matches!(it, LeftOut::Number(_))) {
                verified.ignore_numbers();
            }
            Some(verified)
        }
        Verify::Counts | Verify::None => None,
    };
    let exit = verified.as_ref().map_or(Exit::Done, super::verify::exit);
    for line in report::import_words(&imported) {
        session.terminal.words(&line);
    }
    let document = |call: Call<'_>| {
        let document = Document::imported(call, &imported, &shown);
        match &verified {
            Some(verified) => document.with_verified(call, verified),
            None => document,
        }
    };
    let text = |style: Style<'_>| {
        let text = report::imported(&imported, &shown, style);
        let verified = verified
            .as_ref()
            .map(|it| report::verified_after(it, style));
        text + &verified.unwrap_or_default()
    };
    session.result_unless(synced.is_err(), Some(&opened), exit, document, text);
    match synced {
        Ok(_) => {
            if exit == Exit::Done
                && let Some(next) = next(session, &opened, &imported).await
            {
                session.terminal.words(&next);
            }
            Ok(exit)
        }
        Err(error) => Err(session.not_synced(&opened, error, "the dump is")),
    }
}

fn options(flags: &args::Import) -> ImportOptions {
    let default = ImportOptions::default();
    ImportOptions::default()
        .transaction_bytes(flags.transaction_bytes.unwrap_or(default.transaction_bytes))
        .tables(match flags.into_existing {
            true => Tables::Existing,
            false => Tables::New,
        })
        .begin(match flags.restart {
            true => Begin::Anew,
            false => Begin::Continue,
        })
        .triggers(match flags.run_triggers {
            true => Triggers::Run,
            false => Triggers::Refuse,
        })
        .violations(match flags.allow_fk_violations {
            true => Violations::Allow,
            false => Violations::Refuse,
        })
        .header(import::Header::Keep)
        .verify(match flags.verify {
            Verify::Counts | Verify::Full => import::Verify::Counts,
            Verify::None => import::Verify::Nothing,
        })
}

async fn dry_run(
    session: &Session,
    opened: &Opened,
    input: &Input,
    options: &ImportOptions,
    shown: &str,
) -> Ending {
    let planned = import::plan(&opened.db, input, options)
        .await
        .map_err(|error| failed(session, opened, &error, shown, options))?;
    for fired in &planned.triggers {
        session.terminal.words(&report::trigger_warning(fired));
    }
    for lacking in &planned.lacking {
        session.terminal.words(&report::module_warning(lacking));
    }
    if let Some(foreign) = &planned.foreign_history {
        session
            .terminal
            .words(&report::foreign_history_warning(foreign));
    }
    session.result(
        Some(opened),
        Exit::Done,
        |call| Document::planned_import(call, &planned, shown),
        |style| report::planned_import(&planned, shown, style),
    );
    Ok(Exit::Done)
}

/// The next step after rows of another database came: recording the migrations that made their schema. Where the history
/// of another tool came with them, `adopt` reads it; otherwise `baseline` has to be given the version.
pub(super) async fn next(
    session: &Session,
    opened: &Opened,
    imported: &Imported,
) -> Option<String> {
    if imported.has_history || matches!(imported.outcome, Outcome::Already { .. }) {
        return None;
    }
    let newest = newest(&opened.config)?;
    let history = seedbed::history::read(&opened.db).await.ok()?;
    if history.version().is_some() {
        return None;
    }
    let adoptable = history.others.iter().find(|it| it.is_adoptable());
    let words = match adoptable.map(|other| (other, &other.unfinished)) {
        Some((other, Some(unfinished))) => format!(
            "next: {unfinished} failed or is not finished: finish it with {tool}; then `adopt` records what {tool} has \
             applied",
            tool = other.tool
        ),
        Some((other, None)) => format!(
            "next: `adopt` records what {} has applied (newest: {}, in its table {})",
            other.tool, other.newest, other.table
        ),
        None => format!(
            "next: `baseline V` records which migrations this schema has already (the newest is V{newest})"
        ),
    };
    Some(report::as_typed(&words, session.again))
}

fn newest(config: &seedbed::config::Config) -> Option<i64> {
    let layout = config.layout.as_ref().map(|it| it.value);
    let set = Migrations::read_dir_as(&config.migrations.value, layout).ok()?;
    let version = |key: &Key| match key {
        Key::Migration(version) => Some(*version),
        _ => None,
    };
    set.iter()
        .filter_map(|migration| version(&migration.key))
        .max()
}

fn failed(
    session: &Session,
    opened: &Opened,
    error: &ImportError,
    shown: &str,
    options: &ImportOptions,
) -> Stopped {
    let report = opened.with_token(Report::import(error, shown, options));
    session.stopped(report).about(opened)
}
