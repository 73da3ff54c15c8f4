//! `seed export`.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use crate::args;
use crate::exit::Exit;
use crate::session::{Ending, Opened, Session, Stopped};
use seedbed::diagnostic::Diagnostic;
use seedbed::history::HistoryError;
use seedbed::report::{self, Call, Document, Report, Style};
use seedbed::seeds::{self, ExportError, ExportOptions, Mask, Tables};

/// `seed export`
pub(crate) async fn export(
    session: &Session,
    flags: &args::SeedExport,
    of_writing: Option<&str>,
    lock_timeout: Option<Duration>,
) -> Ending {
    if let Some(flag) = of_writing {
        let message = format!("`{flag}` is about writing rows, and `seed export` reads them");
        return Err(session.usage("flag", message, Some("leave it out".to_owned())));
    }
    let masks = masks(session, &flags.mask)?;
    let opened = session.open(lock_timeout).await?;
    let tables = match flags.all {
        true => Tables::All,
        false => Tables::Named(flags.tables.clone()),
    };
    let exported = seeds::export(&opened.db, &ExportOptions::new(tables).masks(masks))
        .await
        .map_err(|error| failed(session, &opened, error))?;
    let file = flags.file.as_deref();
    if let Some(file) = file {
        write(&session.cwd.join(file), &exported.yaml)
            .map_err(|error| unwritten(session, file, &error).about(&opened))?;
    }
    let document = |call: Call<'_>| Document::exported(call, &exported, file);
    let text = |_: Style<'_>| match file {
        Some(file) => report::exported(&exported, file),
        None => exported.yaml.clone(),
    };
    session.result(Some(&opened), Exit::Done, document, text);
    Ok(Exit::Done)
}

/// `users.email`
fn masks(session: &Session, words: &[String]) -> Result<Vec<Mask>, Stopped> {
    let mask = |word: &String| match word.split_once('.') {
        Some((table, column)) if !table.is_empty() && !column.is_empty() => Ok(Mask {
            table: table.to_owned(),
            column: column.to_owned(),
        }),
        _ => Err(session.usage(
            "mask",
            format!("`{word}` names no column to mask"),
            Some("write table.column: `--mask users.email,users.phone`".to_owned()),
        )),
    };
    words.iter().map(mask).collect()
}

/// Writes a file that was not there.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all());
    if written.is_err() {
        // Half a seed is worse than none.
        let _ = std::fs::remove_file(path);
    }
    written
}

fn unwritten(session: &Session, file: &Path, error: &std::io::Error) -> Stopped {
    let shown = file.display();
    if error.kind() == std::io::ErrorKind::AlreadyExists {
        let help = "name another file, or remove this one".to_owned();
        return session.usage("file-exists", format!("{shown} exists already"), Some(help));
    }
    let message = format!("cannot write {shown}: {error}");
    session.stopped(Diagnostic::error("file", message))
}

fn failed(session: &Session, opened: &Opened, error: ExportError) -> Stopped {
    let refusals = match error {
        ExportError::Refused(refusals) => refusals,
        ExportError::Db(error) => {
            return session.failed(opened, &HistoryError::from(error).into());
        }
        ExportError::Rows { table, source } => {
            let message = format!("the rows of `{table}` cannot be read: {source}");
            return session
                .stopped(Diagnostic::error("unreadable", message))
                .about(opened);
        }
        error => {
            return session
                .stopped(Diagnostic::error("export", error.to_string()))
                .about(opened);
        }
    };
    session.stopped(Report::export(&refusals)).about(opened)
}
