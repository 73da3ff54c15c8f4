//! `export`.

use std::io::ErrorKind;

use crate::args::{self, Format};
use crate::exit::Exit;
use crate::session::{Ending, Opened, Session, Stopped};
use seedbed::dump::{self, Contents, ExportError, ExportOptions, Exported, Records};
use seedbed::history::HistoryError;
use seedbed::report::{self, Call, Document, Report, Style};

/// `export`
pub(crate) async fn dump(session: &Session, flags: &args::Export) -> Ending {
    let options = ExportOptions::default()
        .tables(flags.tables.clone())
        .what(match (flags.schema_only, flags.data_only) {
            (true, _) => Contents::Schema,
            (_, true) => Contents::Data,
            _ => Contents::Everything,
        })
        .history(match flags.no_history {
            true => Records::Without,
            false => Records::With,
        });
    let file = flags.file.as_deref();
    let file = file.filter(|file| file.as_os_str() != "-");
    if session.terminal.format == Format::Json && file.is_none() {
        return Err(session.usage(
            "needs-a-file",
            "a dump and a JSON document cannot both go to standard output",
            Some("name a file: `export dump.sql --format json`".to_owned()),
        ));
    }
    let opened = session.open(flags.lock.lock_timeout).await?;
    is_there(session, &opened)?;
    let Some(file) = file else {
        let exported = dump::export(&opened.db, &options, &mut std::io::stdout()).await;
        return match exported {
            Ok(exported) => {
                left_out(session, &exported);
                Ok(Exit::Done)
            }
            // The reader has seen enough.
            Err(ExportError::Write(error)) if error.kind() == ErrorKind::BrokenPipe => {
                Ok(Exit::Done)
            }
            Err(error) => Err(failed(session, &opened, error)),
        };
    };
    let exported = dump::export_file(&opened.db, &options, file).await;
    let exported = exported.map_err(|error| failed(session, &opened, error))?;
    let document = |call: Call<'_>| Document::dumped(call, &exported, file);
    let text = |_: Style<'_>| report::dumped(&exported, file);
    session.result(Some(&opened), Exit::Done, document, text);
    left_out(session, &exported);
    Ok(Exit::Done)
}

/// Says which tables are not in the dump.
fn left_out(session: &Session, exported: &Exported) {
    if let Some(words) = report::export_words(exported) {
        session.terminal.words(&words);
    }
}

/// Whether there is a database at all: a file that is missing is a slip more often than an empty database.
pub(super) fn is_there(session: &Session, opened: &Opened) -> Result<(), Stopped> {
    match opened.db.path() {
        Some(path) if !path.exists() => {
            let message = format!("there is no database {}", opened.config.database_name());
            let help = "name another one with `--database FILE`".to_owned();
            let stopped = session.usage("no-database", message, Some(help));
            Err(stopped.about(opened))
        }
        _ => Ok(()),
    }
}

fn failed(session: &Session, opened: &Opened, error: ExportError) -> Stopped {
    match error {
        ExportError::Db(error) => session.failed(opened, &HistoryError::from(error).into()),
        error => session.stopped(Report::dump(&error)).about(opened),
    }
}
