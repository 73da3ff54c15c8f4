//! `copy` in words and as JSON.

use serde_json::json;

use super::Report;
use super::backup::object_help;
use super::import::{self, Commands, many_rows, tables, time};
use super::json::{Call, Document};
use super::style::Style;
use super::verify::{self, Sides};
use super::words::{as_typed, bytes, count, printable};
use crate::diagnostic::{Class, Diagnostic, dump_as_typed};
use crate::dump::import::{
    Clash, ImportError, ImportOptions, LeftOut, Outcome, Planned, Stands, Violations, Way, Why,
};
use crate::dump::{Copied, CopyError, Doubt, DumpError, ExportError};
use crate::history::moment;

/// What a copy is between, as messages call it, and the command that was typed.
#[derive(Debug, Clone, Copy)]
pub struct Copying<'a> {
    /// The source.
    pub from: &'a str,
    /// Whether the source is a database, and no dump.
    pub is_database: bool,
    /// The target.
    pub to: &'a str,
    /// `copy FROM TO`.
    pub command: &'a str,
}

/// A table of the tables, and what the copy came to.
pub fn copied(copied: &Copied, copying: Copying<'_>, style: Style<'_>) -> String {
    let Copied { imported, verified } = copied;
    let Copying { from, to, .. } = copying;
    let mut text = match &imported.outcome {
        Outcome::Already { applied_at } => {
            let when = moment(applied_at);
            match verified.is_equal() {
                true => format!("nothing to do: {from} was copied to {to} on {when}\n"),
                false => format!("{to} has a copy of {from} of {when}, compared again\n"),
            }
        }
        outcome => {
            let mut text = tables(&imported.tables, style);
            if let Outcome::Continued { started_at, .. } = outcome {
                text.push_str(&format!(
                    "went on from where a run of {} had stopped\n",
                    moment(started_at)
                ));
            }
            text.push_str(&format!(
                "copied {from} to {to}: {} of {} ({}) in {}\n",
                many_rows(imported.rows()),
                count(imported.tables.len(), "table"),
                bytes(imported.bytes),
                time(imported.took),
            ));
            text
        }
    };
    let records = match imported.has_history && imported.foreign_history.is_none() {
        true => ", and as many records of migrations",
        false => "",
    };
    match verified.is_equal() {
        true => text.push_str(&format!(
            "verified: {} equal in every value{records}\n{}",
            verify::equal_tables(verified),
            verify::partly(verified),
        )),
        false => {
            let differing = match copying.is_database {
                true => verify::compared(verified, Sides::of_databases(from, to), style),
                false => verify::verified(verified, style),
            };
            text.push_str(&format!("\n{differing}"));
        }
    }
    text
}

/// What a copy would do.
pub fn planned_copy(planned: &Planned, copying: Copying<'_>, style: Style<'_>) -> String {
    let Copying { from, to, .. } = copying;
    let rows: u64 = planned.tables.iter().map(|table| table.rows).sum();
    let mut text = tables(&planned.tables, style);
    text.push_str(&format!(
        "{from} holds {} of {} ({}); {}\n\nnothing was changed\n",
        many_rows(rows),
        count(planned.tables.len(), "table"),
        bytes(planned.bytes),
        match planned.way {
            Way::NewFile => format!("{to} would be a new file"),
            Way::Whole => format!("they would be copied to {to} in one transaction"),
            Way::Chunks => format!("they would be copied to {to} in chunks"),
            Way::Rest { .. } => format!("the copy to {to} would go on where it stopped"),
            Way::Already => format!("they were copied to {to} before"),
        },
    ));
    text
}

/// Further messages, a line each. What was reported before the first row is not repeated.
pub fn copy_words(copied: &Copied, told: &[LeftOut], from: &str, style: Style<'_>) -> Vec<String> {
    let mut imported = copied.imported.clone();
    imported
        .left_out
        .retain(|left_out| !told.contains(left_out));
    let mut lines = import::import_words(&imported);
    if let Some(environment) = &imported.unmarked {
        lines.push(as_typed(
            &format!(
                "note: {from} is marked as environment {environment}; the copy is another database and has no mark: \
                 `seed --mark ENV` sets one"
            ),
            style.program,
        ));
    }
    lines
}

impl Document {
    /// `copy`: as `import`, and the source in `from`.
    pub fn copied(
        call: Call<'_>,
        copied: &Copied,
        copying: Copying<'_>,
        from: (&str, &str),
    ) -> Document {
        let (mode, database) = from;
        Document::imported(call, &copied.imported, copying.from)
            .with("from", json!({"mode": mode, "database": database}))
            .with(
                "environment_not_copied",
                copied.imported.unmarked.as_deref(),
            )
            .with_verified(call, &copied.verified)
    }
}

impl Report {
    /// A copy that did not happen, or not all of it.
    pub fn copy(error: &CopyError, copying: Copying<'_>, options: &ImportOptions) -> Report {
        let Copying {
            from, to, command, ..
        } = copying;
        match error {
            CopyError::NotEmpty { tables } => Report {
                database: Some("nothing was copied".to_owned()),
                ..Report::of(vec![
                    Diagnostic::problem(
                        "not-empty",
                        format!(
                            "{to} is not empty: it has {}",
                            crate::dump::restore::some(tables)
                        ),
                    )
                    .help("a copy goes into a new or empty database only: name another one as TO"),
                ])
            },
            CopyError::Lacking(objects) => Report {
                database: Some(format!("{to} is as it was: nothing was copied")),
                ..Report::of(objects.iter().filter_map(|it| lacking(it, from)).collect())
            },
            CopyError::Db(error) => Report::of(vec![super::database::database(error)]).naming("TO"),
            CopyError::Import(error) => stopped(error, copying, options),
            CopyError::Unverified(error) => Report {
                database: Some(format!("all of {from} is in {to}, and was not compared")),
                ..Report::unverified(error)
            },
            CopyError::Unlike => Report {
                database: Some(format!("all of {from} is in {to}, and was not compared")),
                ..Report::of(vec![
                    Diagnostic::error("not-compared", error.to_string())
                        .help(format!("`{command}` again compares it")),
                ])
            },
        }
    }
}

impl Commands {
    fn of_copy(error: &ImportError, copying: Copying<'_>, options: &ImportOptions) -> Commands {
        let is_without_parents =
            matches!(error.why, Why::ForeignKeys { .. } | Why::Mismatch { .. });
        let flag = match is_without_parents || options.violations == Violations::Allow {
            true => " --allow-fk-violations",
            false => "",
        };
        let this = format!("{}{flag}", copying.command);
        let (begun_dump, begun) = match &error.begun {
            None => (copying.from.to_owned(), this.clone()),
            Some(begun) => {
                let name = begun.path.as_deref().unwrap_or(&begun.name);
                let import = || format!("import {}", dump_as_typed(name));
                let command = begun.command.clone().unwrap_or_else(import);
                (begun.name.clone(), format!("{command}{flag}"))
            }
        };
        Commands {
            this,
            begun_dump,
            begun,
        }
    }
}

fn stopped(error: &ImportError, copying: Copying<'_>, options: &ImportOptions) -> Report {
    let Copying { from, to, .. } = copying;
    let commands = Commands::of_copy(error, copying, options);
    let mut diagnostics = match &error.why {
        Why::Dump(DumpError::Open { cause, .. } | DumpError::Read { cause, .. }) => {
            let inner = cause.get_ref();
            match inner.and_then(|inner| inner.downcast_ref::<ExportError>()) {
                Some(error) => Report::dump(error).diagnostics,
                None => import::diagnostics(error, from, &commands),
            }
        }
        Why::Changed { .. } => vec![
            Diagnostic::problem(
                "changed-source",
                format!("{from} has changed since this copy began"),
            )
            .note("the rows that were copied are not those that it has now")
            .help(format!(
                "`{} --restart` removes what was written, and copies it as it is now",
                commands.begun
            )),
        ],
        Why::Itself(_) => vec![same(from)],
        // Only a copy of FROM was let through, and it is not of what FROM holds now.
        Why::Clashes(clashes) if error.begun.is_some() && clashes.iter().any(is_there) => {
            let there = clashes.iter().filter(|clash| is_there(clash));
            let begun = &commands.begun;
            there
                .map(|clash| {
                    Diagnostic::problem(
                        "exists",
                        format!("{clash} in {to}, and is not of this copy"),
                    )
                    .help(format!(
                        "rename or drop it there; then run `{begun}` to continue"
                    ))
                })
                .collect()
        }
        Why::Clashes(clashes) if clashes.iter().any(is_there) => vec![
            Diagnostic::problem(
                "not-empty",
                format!("{to} has an earlier copy of {from}, and {from} has changed since"),
            )
            .help("a copy goes into a new or empty database only: name another one as TO"),
        ],
        _ => import::diagnostics(error, from, &commands),
    };
    if copying.is_database {
        // There is no text that these places are in.
        for diagnostic in &mut diagnostics {
            diagnostic.location = None;
            let notes = &mut diagnostic.notes;
            notes.retain(|note| !note.starts_with("it begins at byte"));
        }
    }
    let begun = &commands.begun;
    let database = match (&error.stands, &error.why) {
        (Stands::Nothing | Stands::Unread, _) => format!("{to} is as it was: nothing was copied"),
        (Stands::UpTo { rows, .. }, Why::Another { .. } | Why::Changed { .. }) => {
            format!("{to} has {} of the copy that was begun", many_rows(*rows))
        }
        (Stands::UpTo { rows, .. }, _) => format!(
            "{to} has {} of it: `{begun}` continues from there, `{begun} --restart` begins from the start",
            many_rows(*rows)
        ),
        (Stands::Everything, _) => format!("all of {from} is in {to}, and recorded"),
        (Stands::Unknown, _) => {
            format!(
                "the outcome of the last part is unknown: run `{begun}` again to check and continue"
            )
        }
    };
    Report {
        database: Some(database),
        ..Report::of(diagnostics)
    }
    .naming("TO")
}

/// An object that no engine but the application's can create.
fn lacking(object: &Doubt, from: &str) -> Option<Diagnostic> {
    let Doubt::Object {
        kind, name, error, ..
    } = object
    else {
        return None;
    };
    let message = format!("the {kind} {name} of {from} cannot be created: {error}");
    let help = object_help(kind, name, &error.message);
    Some(Diagnostic::error("lacking", message).help(help))
}

fn is_there(clash: &Clash) -> bool {
    matches!(clash, Clash::Exists { .. })
}

impl Report {
    /// The same for a command that names its databases by its arguments and not by `--database`.
    pub fn naming(mut self, argument: &str) -> Report {
        for diagnostic in &mut self.diagnostics {
            for help in &mut diagnostic.help {
                *help = help.replace("with `--database FILE`", &format!("as {argument}"));
            }
        }
        self
    }
}

/// FROM and TO are one database.
fn same(from: &str) -> Diagnostic {
    Diagnostic::error(
        "same-database",
        format!("FROM and TO are the same database: {}", printable(from)),
    )
    .class(Class::Usage)
    .help("name another database as TO")
}
