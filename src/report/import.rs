//! `import` in words and as JSON: what was imported, what was not, what is in the database, and what to type next.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::database::{LOCKED, database};
use super::engine::{code_class, code_help, code_name};
use super::failure::history;
use super::json::{Call, Document};
use super::style::{GOOD, Style};
use super::table::{Cell, table};
use super::words::{bytes, count, duration, grouped, in_words};
use super::{Item, Report};
use crate::db::{Code, DbError, EngineError, TWO_PARSERS, instead};
use crate::diagnostic::{Class, Diagnostic, Location, dump_as_typed};
use crate::dump::import::{
    Clash, Fired, ForeignHistory, ImportError, ImportOptions, Imported, LackingModule, LeftOut,
    Orphan, Outcome, Planned, Stands, Table, Tables, Triggers, Violations, Way, Why,
};
use crate::dump::lacking::{is_in_shells, lacking_name};
use crate::dump::{Doubt, DumpError, ExportError};
use crate::history::moment;
use crate::script::Key;
use crate::sql;

/// How many rows without their parents, or tables in the way, are named.
const SHOWN: usize = 10;

/// What an import came to: a table of the tables, and a line that sums it up.
pub fn imported(imported: &Imported, dump: &str, style: Style<'_>) -> String {
    loaded("imported", imported, dump, style)
}

/// The same of a backup that was restored.
pub fn restored_backup(imported: &Imported, file: &str, style: Style<'_>) -> String {
    loaded("restored", imported, file, style)
}

fn loaded(verb: &str, imported: &Imported, dump: &str, style: Style<'_>) -> String {
    if let Outcome::Already { applied_at } = &imported.outcome {
        return format!(
            "nothing to do: {dump} is in this database since {}\n",
            moment(applied_at)
        );
    }
    let mut text = tables(&imported.tables, style);
    if let Outcome::Continued { line, started_at } = &imported.outcome {
        text.push_str(&format!(
            "went on from line {line}, which a run of {} had come to\n",
            moment(started_at)
        ));
    }
    text.push_str(&format!(
        "{verb} {dump}: {} of {} ({}) in {}\n",
        many_rows(imported.rows()),
        count(imported.tables.len(), "table"),
        bytes(imported.bytes),
        time(imported.took),
    ));
    text
}

/// What an import would do.
pub fn planned_import(planned: &Planned, dump: &str, style: Style<'_>) -> String {
    let mut text = tables(&planned.tables, style);
    let rows: u64 = planned.tables.iter().map(|table| table.rows).sum();
    text.push_str(&format!(
        "{dump} holds {} of {} ({}); {}\n\n{}nothing was changed\n",
        many_rows(rows),
        count(planned.tables.len(), "table"),
        bytes(planned.bytes),
        match planned.way {
            Way::NewFile => "they would become a new file".to_owned(),
            Way::Whole => "they would be imported in one transaction".to_owned(),
            Way::Chunks => "they would be imported in chunks".to_owned(),
            Way::Rest { line } => format!(
                "they are in this database up to line {line}, and the rest would be imported in chunks"
            ),
            Way::Already => "they are in this database already".to_owned(),
        },
        match planned.way {
            Way::Already => "",
            _ => CHECKED,
        },
    ));
    text
}

/// What a dry run has looked at. Only the engine knows whether it takes a statement or a row.
const CHECKED: &str = "\
checked: the dump is complete, each of its statements is one that a dump may have, its rows have tables, and \
nothing in the database is in its way\n\
not checked: its statements were read and not run; constraints, columns, types, modules and foreign keys are checked by \
the import itself\n\n";

/// What a trigger of the database does to an import.
pub fn trigger_warning(fired: &Fired) -> String {
    let Fired { trigger, table } = fired;
    format!(
        "warning: the trigger {trigger} of {table} runs for each row that the import writes to {table}; if the dump also \
         holds what the trigger writes, it is written twice"
    )
}

/// What a new file has of a virtual table whose module the engine lacks.
pub fn module_warning(lacking: &LackingModule) -> String {
    let LackingModule { table, module } = lacking;
    format!(
        "warning: the virtual table {table} needs the module {module}, which this engine does not have: the new file has the \
         definition of {table}, and its tables, where it has any, as they are; only an engine with {module} can read {table}"
    )
}

pub(super) fn tables(tables: &[Table], style: Style<'_>) -> String {
    if tables.is_empty() {
        return String::new();
    }
    let took = |table: &Table| match table.took.is_zero() {
        true => String::new(),
        false => time(table.took),
    };
    let rows: Vec<Vec<Cell>> = tables
        .iter()
        .map(|table| {
            vec![
                Cell::new(&table.name),
                Cell::new(&grouped(table.rows)).right(),
                Cell::new(&bytes(table.bytes)).right(),
                Cell::new(&took(table)).right(),
                Cell::new(if table.verified == Some(true) {
                    "✓"
                } else {
                    ""
                })
                .in_colour(GOOD),
            ]
        })
        .collect();
    let mut text = table(
        &["table", "rows", "bytes", "took", "verified"],
        &rows,
        style,
    );
    text.push('\n');
    text
}

pub(super) fn many_rows(rows: u64) -> String {
    count(usize::try_from(rows).unwrap_or(usize::MAX), "row")
}

pub(super) fn time(took: Duration) -> String {
    duration(i64::try_from(took.as_millis()).unwrap_or(i64::MAX))
}

impl LeftOut {
    fn words(self) -> String {
        let words = match self {
            LeftOut::Statistics => {
                "ANALYZE and sqlite_stat1 were left out: a server keeps its own statistics"
            }
            LeftOut::ApplicationId => {
                "PRAGMA application_id was left out: a server does not take it"
            }
            LeftOut::Number(pragma) => {
                return format!(
                    "PRAGMA {pragma} was left out: this database has tables already, and keeps its own {pragma}"
                );
            }
            LeftOut::Checkpoint => {
                "_seedbed_import was left out: the dump was written in the middle of an import into the database that \
                 was dumped, so it may lack rows"
            }
            LeftOut::History => "the history of the dump was left out: this database has its own",
            LeftOut::Setting(words) => {
                return format!("{words} was left out: it changes no content of a database");
            }
            LeftOut::Layout(pragma) => {
                return format!(
                    "PRAGMA {pragma} was left out: only a new local file takes it, before any other statement that writes"
                );
            }
            LeftOut::Conflicts => {
                "some rows gave way to others: the dump writes them with INSERT OR IGNORE or INSERT OR REPLACE, or their table \
                 has a constraint with ON CONFLICT"
            }
        };
        words.to_owned()
    }

    fn code(self) -> &'static str {
        match self {
            LeftOut::Statistics => "statistics",
            LeftOut::ApplicationId => "application-id",
            LeftOut::Number(pragma) => pragma,
            LeftOut::Checkpoint => "checkpoint",
            LeftOut::History => "history",
            LeftOut::Setting(_) => "setting",
            LeftOut::Layout(_) => "layout",
            LeftOut::Conflicts => "conflicts",
        }
    }

    /// Whether it is reported as a warning, or only as a note.
    fn is_harmless(self) -> bool {
        matches!(
            self,
            LeftOut::Setting(_) | LeftOut::Layout(_) | LeftOut::Number(_)
        )
    }
}

/// What an import that went well has to say besides, a line each.
pub fn import_words(imported: &Imported) -> Vec<String> {
    let mut lines = left_out_words(&imported.left_out);
    lines.extend(imported.tables.iter().filter_map(of_others));
    let foreign = imported.foreign_history.as_ref();
    lines.extend(foreign.map(foreign_history_warning));
    let (number, some) = &imported.orphans;
    if *number > 0 {
        let lack = match number {
            1 => "lacks its parent",
            _ => "lack their parents",
        };
        lines.push(format!("warning: {} {lack}", many_rows(*number)));
        lines.extend(orphans(some).into_iter().map(|line| format!("  {line}")));
    }
    lines
}

/// Rows that were written beside the import.
fn of_others(table: &Table) -> Option<String> {
    (table.of_others > 0).then(|| {
        format!(
            "warning: {} has {} more than this import has written: another process or a trigger has written to it meanwhile",
            table.name,
            many_rows(table.of_others)
        )
    })
}

/// What is not copied, a line each.
pub fn left_out_words(left_out: &[LeftOut]) -> Vec<String> {
    let words = left_out
        .iter()
        .map(|left_out| match left_out.is_harmless() {
            true => format!("note: {}", left_out.words()),
            false => format!("warning: {}", left_out.words()),
        });
    words.collect()
}

/// What follows of a table with the name of the history that is not Seedbed's.
pub fn foreign_history_warning(foreign: &ForeignHistory) -> String {
    let ForeignHistory { table, reason } = foreign;
    format!(
        "warning: the table {table} of the dump {reason}: it comes into the database as data, and the import is not \
         recorded; before `migrate` works there, give the history another name with `table = \"…\"` under [migrations] \
         in config.toml"
    )
}

fn orphans(some: &[Orphan]) -> Vec<String> {
    let line = |orphan: &Orphan| {
        let row = match orphan.rowid {
            Some(rowid) => format!("row {rowid}"),
            None => "a row".to_owned(),
        };
        format!(
            "{row} of {} has no parent in {}",
            orphan.table, orphan.parent
        )
    };
    some.iter().take(SHOWN).map(line).collect()
}

impl Document {
    /// `import`: the dump in `dump`, what came to which table in `tables`, what did not in `left_out`.
    pub fn imported(call: Call<'_>, imported: &Imported, dump: &str) -> Document {
        let item = Item {
            name: Some(dump.to_owned()),
            checksum: Some(imported.sha256.clone()),
            ..Item::bare(&Key::Import(imported.sha256.clone()), "applied")
        };
        let left_out: Vec<&str> = imported.left_out.iter().map(|it| it.code()).collect();
        Document {
            outcome: match imported.outcome {
                Outcome::Already { .. } => "nothing-to-do",
                Outcome::Whole | Outcome::Continued { .. } => "done",
            },
            items: vec![item],
            ..Document::done(call)
        }
        .with(
            "dump",
            described(dump, imported.bytes, Some(&imported.sha256)),
        )
        .with("tables", listed(&imported.tables))
        .with("left_out", left_out)
        .with("violations", imported.orphans.0)
        .with("is_recorded", imported.foreign_history.is_none())
        .with(
            "continued_from_line",
            match &imported.outcome {
                Outcome::Continued { line, .. } => Some(*line),
                _ => None,
            },
        )
    }

    /// `import --dry-run`.
    pub fn planned_import(call: Call<'_>, planned: &Planned, dump: &str) -> Document {
        let triggers = planned.triggers.iter();
        let triggers: Vec<&str> = triggers.map(|fired| fired.trigger.as_str()).collect();
        Document {
            outcome: match planned.way {
                Way::Already => "nothing-to-do",
                _ => "planned",
            },
            ..Document::done(call)
        }
        .with("dump", described(dump, planned.bytes, None))
        .with("tables", listed(&planned.tables))
        .with("triggers", triggers)
    }
}

fn described(dump: &str, bytes: u64, sha256: Option<&str>) -> Value {
    json!({ "name": dump, "bytes": bytes, "sha256": sha256 })
}

fn listed(tables: &[Table]) -> Vec<Value> {
    tables
        .iter()
        .map(|table| {
            json!({
                "name": table.name,
                "rows": table.rows,
                "bytes": table.bytes,
                "duration_ms": u64::try_from(table.took.as_millis()).unwrap_or(u64::MAX),
                "verified": table.verified,
            })
        })
        .collect()
}

impl Report {
    /// An import that did not happen, or not all of it.
    pub fn import(error: &ImportError, dump: &str, options: &ImportOptions) -> Report {
        let commands = Commands::of(error, dump, options);
        Report {
            database: stands(error, dump, &commands),
            ..Report::of(diagnostics(error, dump, &commands))
        }
    }
}

/// What to type next, with the flags that it takes.
pub(super) struct Commands {
    /// This import.
    pub(super) this: String,
    /// The dump of the import that was begun.
    pub(super) begun_dump: String,
    /// The import that was begun; the same as this one where this run began it.
    pub(super) begun: String,
}

impl Commands {
    fn of(error: &ImportError, dump: &str, options: &ImportOptions) -> Commands {
        let is_without_parents =
            matches!(error.why, Why::ForeignKeys { .. } | Why::Mismatch { .. });
        let triggers = match &error.begun {
            Some(begun) if begun.triggers == Triggers::Run => Triggers::Run,
            _ => options.triggers,
        };
        let import = |dump: &str, tables: Tables| {
            let mut line = format!("import {}", dump_as_typed(dump));
            if tables == Tables::Existing {
                line.push_str(" --into-existing");
                if triggers == Triggers::Run {
                    line.push_str(" --run-triggers");
                }
            }
            if is_without_parents || options.violations == Violations::Allow {
                line.push_str(" --allow-fk-violations");
            }
            line
        };
        let (begun_dump, tables) = match &error.begun {
            None => (dump, options.tables),
            Some(begun) => {
                let file = Path::new(dump).file_name();
                let is_this = file.is_some_and(|file| file.to_string_lossy() == begun.name)
                    || (dump, begun.name.as_str()) == ("-", "<stdin>");
                let name = match is_this {
                    true => dump,
                    false => begun.path.as_deref().unwrap_or(&begun.name),
                };
                (name, begun.tables)
            }
        };
        let is_this = begun_dump == dump;
        let begun = error.begun.as_ref();
        let begun = begun.and_then(|begun| begun.command.clone());
        Commands {
            this: import(dump, if is_this { tables } else { options.tables }),
            begun: begun.unwrap_or_else(|| import(begun_dump, tables)),
            begun_dump: begun_dump.to_owned(),
        }
    }
}

/// What is in the database.
fn stands(error: &ImportError, dump: &str, commands: &Commands) -> Option<String> {
    let Commands {
        this,
        begun,
        begun_dump,
    } = commands;
    Some(match &error.stands {
        Stands::Unread => {
            "this run wrote nothing; what an earlier one wrote is as it was".to_owned()
        }
        Stands::Nothing => match error.why {
            Why::Itself(_) | Why::Dump(DumpError::Open { .. }) => return None,
            _ => "nothing of the dump is in the database".to_owned(),
        },
        Stands::UpTo { line, rows, .. } => {
            let subject = match begun_dump == dump {
                true => "the dump",
                false => begun_dump,
            };
            let so_far = format!(
                "{subject} is in the database up to line {line} ({})",
                many_rows(*rows)
            );
            match error.why {
                Why::Another { .. }
                | Why::Changed { .. }
                | Why::NotAlone { .. }
                | Why::RowsOfOthers(_) => so_far,
                // It makes the records unreadable, so nothing goes on before it is gone.
                Why::History(_) => format!(
                    "{so_far}: `{this} --restart` removes it, with a dump that has no such table"
                ),
                _ => format!(
                    "{so_far}: `{begun}` continues from there, `{begun} --restart` begins from the start"
                ),
            }
        }
        Stands::Everything => "all of the dump is in the database, and recorded".to_owned(),
        Stands::Unknown => {
            format!(
                "the outcome of the last part is unknown: run `{begun}` again to check and continue"
            )
        }
    })
}

pub(super) fn diagnostics(error: &ImportError, dump: &str, commands: &Commands) -> Vec<Diagnostic> {
    let (why, stands) = (&error.why, &error.stands);
    let Commands { this, begun, .. } = commands;
    let words = why.to_string();
    let at = |line| at_line(dump, line);
    let engine = |error: &EngineError| {
        Diagnostic::error(code_name(error.code), words.clone())
            .class(code_class(Some(error.code)))
            .helps(code_help(error.code))
            .notes((error.code == Code::Unsupported).then(|| TWO_PARSERS.to_owned()))
            .helps((error.code == Code::Unsupported).then(|| {
                let how = instead("", &error.message, error.offset);
                format!("change the statement in the dump: {how}")
            }))
    };
    vec![match why {
        Why::Dump(error) => return unread(error),
        Why::Clashes(clashes) => {
            return clashes.iter().map(|clash| of_clash(clash, dump)).collect();
        }
        Why::History(error) => history(error),
        Why::Db(error) => database(error),
        Why::Another {
            line,
            started_at,
            ..
        } => Diagnostic::problem("another-import", words)
            .note(format!(
                "it began on {} and came to line {line}",
                moment(started_at)
            ))
            .help(format!("`{begun}` continues that one"))
            .help(format!(
                "`{this} --restart` removes what it has written, and imports this one"
            )),
        Why::Changed { offset } => Diagnostic::problem("changed-dump", words)
            .at(at(1))
            .note(format!(
                "its first {offset} bytes are others than those that were imported"
            ))
            .help("put the dump back as it was, and run the same command to continue")
            .help(format!(
                "`{begun} --restart` removes what was written, and begins from the start"
            )),
        Why::NotAlone { table, .. } => Diagnostic::problem("not-alone", words).help(format!(
            "`{begun}` continues that import; or delete its rows from {table} by hand"
        )),
        Why::RowsOfOthers(tables) => {
            let names: Vec<&str> = tables.iter().map(|(name, _)| name.as_str()).collect();
            Diagnostic::problem("not-alone", words)
                .note("another process has written them since the import began; nothing was removed")
                .help(format!("`{begun}` continues that import, and keeps them"))
                .help(format!(
                    "to begin from the start, first move those rows out of {} by hand",
                    names.join(", ")
                ))
        }
        Why::Overtaken => Diagnostic::error("overtaken", words)
            .class(Class::Locked)
            .help(format!("`{this}` again, once the other run is done")),
        Why::Refused {
            at: place,
            among,
            table,
            object,
            error,
        } => {
            let mut diagnostic = engine(error)
                .at(at(place.line))
                .note(format!("it begins at byte {}", place.offset));
            if let Some((kind, name)) = object.as_deref() {
                if lacking_name(&error.message).is_some() {
                    return vec![lacking(kind, name, error).at(at(place.line))];
                }
                diagnostic = diagnostic.note(format!("it creates the {kind} {name}"));
            }
            let is_it = object
                .as_deref()
                .is_some_and(|(_, name)| table.as_ref() == Some(name));
            if let Some(table) = table.as_ref().filter(|_| !is_it) {
                diagnostic = diagnostic.note(format!("it is about the table {table}"));
            }
            if *among > 1 {
                diagnostic = diagnostic.note(format!("it is one of {among} rows from there on"));
            }
            diagnostic
        }
        Why::Lacking(objects) => {
            let objects = objects.iter().filter_map(|object| match object {
                Doubt::Object { kind, name, line, error } => Some(Diagnostic {
                    location: line.map(at),
                    ..lacking(kind, name, error)
                }),
                _ => None,
            });
            return objects.collect();
        }
        Why::TooBig {
            at: place, table, ..
        } => Diagnostic::problem("too-big", words)
            .at(at(place.line))
            .note(format!("it begins at byte {}", place.offset))
            .note(format!("it is for the table {table}"))
            .help(
                "take it out of the database that is dumped, or keep what is so large outside of a database",
            ),
        Why::NotUtf8 {
            at: place, table, ..
        } => Diagnostic::problem("not-utf8", words)
            .at(at(place.line))
            .note(format!("it begins at byte {}", place.offset))
            .note(format!("it is for the table {table}"))
            .note("a server gives rows as JSON, which has no such text, so nothing could read that row any more")
            .help(
                "in the database that is dumped, write it as UTF-8, or keep its bytes as a blob: `UPDATE t SET c = CAST(c AS BLOB) WHERE …`",
            ),
        Why::ForeignKeys { some, .. } => Diagnostic {
            notes: orphans(some),
            ..Diagnostic::problem("foreign-keys", words)
        }
        .help("the database that was dumped lacked them too: delete those rows there, or add their parents")
        .help(format!("`{this}` keeps them")),
        Why::Mismatch { line, parent, .. } => Diagnostic {
            location: line.map(at),
            ..Diagnostic::problem("foreign-key-mismatch", words)
        }
        .note("the engine can check no row against such a key")
        .help(format!(
            "in the database that is dumped, make a unique index on those columns of {parent}, and dump it again"
        ))
        .help(format!("`{this}` imports it as it is")),
        Why::Count { .. } if *stands == Stands::Nothing => {
            Diagnostic::error("counts-differ", words)
                .note("the new file was not kept")
                .help("check what the dump writes to this table, and its definition there")
        }
        Why::Count { .. } => Diagnostic::error("counts-differ", words).help(
            "another process or a trigger may have deleted rows meanwhile; `inspect` shows what it holds",
        )
        .help(format!("`{begun} --verify none` finishes it without counting")),
        Why::Engine { error } => engine(error),
        Why::File { .. } => Diagnostic::error("file", words).help(
            "check whether the folder is there, whether you may write to it, and whether the disk is full",
        ),
        Why::Itself(_) => Diagnostic::error("same-file", words)
            .class(Class::Usage)
            .help("name another database with `--database FILE`"),
        Why::Appeared(_) => Diagnostic::problem("file-appeared", words).help(format!(
            "see what it is; `{this}` again imports into it"
        )),
        Why::Waited { what, waited } => {
            let message = format!("{what} for {}", in_words(*waited));
            Diagnostic::error("lock-timeout", message)
                .class(Class::Locked)
                .help(LOCKED)
        }
        Why::Unknown(_) => Diagnostic::error("outcome-unknown", words).class(Class::Unknown),
        Why::Interrupted => Diagnostic::error("interrupted", words).class(Class::Interrupted),
        Why::Thread => Diagnostic::error("internal", words),
    }]
}

/// An object that only the engine of an application can create.
fn lacking(kind: &str, name: &str, error: &EngineError) -> Diagnostic {
    let lacking = lacking_name(&error.message).unwrap_or_default();
    let message = format!("the {kind} {name} cannot be created: {error}");
    if is_in_shells(&lacking) {
        return Diagnostic::error("lacking", message).help(format!(
            "this engine lacks {lacking}, and the shell of SQLite has it: `sqlite3 NEW.db` reads a dump with {name} (`.read DUMP`), \
             and `sqlite3 FILE \".backup COPY\"` copies a database file"
        ));
    }
    Diagnostic::error("lacking", message).help(format!(
        "{lacking} belongs to an application: without it no SQLite can create {name}; copy the database file that was dumped \
         (`sqlite3 FILE \".backup COPY\"`), or change {name} there so that it does not need {lacking}, and dump it again"
    ))
}

fn at_line(dump: &str, line: u64) -> Location {
    Location::File {
        file: dump.to_owned(),
        line: u32::try_from(line).ok(),
        column: None,
    }
}

fn of_clash(clash: &Clash, dump: &str) -> Diagnostic {
    let (code, help) = match clash {
        Clash::SetsOff(_) => (
            "sets-off-trigger",
            format!(
                "if the dump holds what the trigger writes too, drop the trigger first and make it again afterwards; if it does \
                 not, `import {dump} --into-existing --run-triggers` lets it run"
            ),
        ),
        Clash::Drops { made_in: Some(_), .. } => (
            "drops",
            "the file seems to hold two dumps, one behind the other: import one of them, or take the statement and the rows \
             that it would delete out of the dump"
                .to_owned(),
        ),
        Clash::Drops { .. } => (
            "drops",
            "an import deletes nothing: name a new database with `--database FILE`, or take the statement out of the dump"
                .to_owned(),
        ),
        Clash::Exists { what, is_made: true, .. } if what == "table" => (
            "exists",
            "name a new database with `--database FILE`; or, to add the rows to the table that is there, write a dump of \
             rows alone (`export --data-only rows.sql --database old.db`, or `sqlite3 old.db \".dump --data-only\"`) and \
             `import rows.sql --into-existing`"
                .to_owned(),
        ),
        Clash::Exists { what, .. } if what == "table" => (
            "exists",
            format!("`import {dump} --into-existing` adds the rows to it; or name a new database with `--database FILE`"),
        ),
        Clash::Exists { .. } => (
            "exists",
            "name a new database with `--database FILE`".to_owned(),
        ),
        Clash::Missing { .. } => (
            "no-such-table",
            format!(
                "make it first with `migrate`, and then `import {dump} --into-existing`; or import a dump that has its schema"
            ),
        ),
        Clash::Clears { .. } => (
            "clears-table",
            "no shell writes that: see what else is in the dump, and take the statement out"
                .to_owned(),
        ),
        Clash::Fires { .. } => (
            "trigger-before-rows",
            "no shell writes that: move the trigger behind the rows of its table".to_owned(),
        ),
        Clash::History { name, .. } => (
            "foreign-history",
            format!(
                "Seedbed keeps its history in a table of this name: give the history another name with `table = \"…\"` \
                 under [migrations] in config.toml, or import into a new local file, which takes {name} as data"
            ),
        ),
        Clash::OtherHistory { name, .. } => (
            "foreign-history",
            format!(
                "if {name} is the history of the migrations of that database, set `table = {name:?}` in [migrations] of \
                 config.toml; otherwise dump the database without it (`export --no-history --database old.db`)"
            ),
        ),
        Clash::NoModule { .. } => (
            "no-module",
            "an engine with this module can take it: name a database of that engine; or drop the virtual table in the database \
             that is dumped"
                .to_owned(),
        ),
        Clash::Refused { what, .. } => (
            "refused",
            format!(
                "name a database of another engine with `--database FILE`, or change the {what} in the database that is dumped"
            ),
        ),
        Clash::InUse { name, .. } => (
            "virtual-table-in-use",
            format!(
                "tables of a virtual table are written only where the virtual table is empty: name another database with \
                 `--database FILE`, or take the statements about the tables of {name} out of the dump and add its rows with \
                 `INSERT INTO {}`",
                sql::identifier(name)
            ),
        ),
        Clash::Makes { .. } => (
            "makes-tables",
            "write the dump without its schema (`export --data-only --database old.db`, or `sqlite3 old.db \".dump --data-only\"`), or import it \
             without `--into-existing`"
                .to_owned(),
        ),
    };
    Diagnostic {
        location: clash.line().map(|line| at_line(dump, line)),
        ..Diagnostic::problem(code, clash.to_string()).help(help)
    }
}

/// Whether a database that is read as a dump is locked by another connection.
fn is_locked(cause: &std::io::Error) -> bool {
    let inner = cause.get_ref();
    let code = inner.and_then(|inner| {
        let engine = inner.downcast_ref::<EngineError>().map(|it| it.code);
        let of_db = |error: &DbError| error.code();
        engine
            .or_else(|| inner.downcast_ref::<DbError>().and_then(of_db))
            .or_else(|| match inner.downcast_ref::<ExportError>() {
                Some(ExportError::Db(error)) => of_db(error),
                _ => None,
            })
    });
    code == Some(Code::Busy)
}

/// What is wrong with a dump.
pub(super) fn unread(error: &DumpError) -> Vec<Diagnostic> {
    if let DumpError::Open { name, cause } | DumpError::Read { name, cause, .. } = error
        && is_locked(cause)
    {
        let message = format!("another connection holds the lock of the database {name}");
        return vec![
            Diagnostic::error("lock-timeout", message)
                .class(Class::Locked)
                .help(LOCKED),
        ];
    }
    let class = match error {
        DumpError::Open { cause, .. } => match cause.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Class::Failed,
            _ => Class::Usage,
        },
        DumpError::Read { .. } => Class::Failed,
        _ => Class::Integrity,
    };
    let problems = error.problems();
    if problems.is_empty() {
        let mut message = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            message.push_str(&format!(": {cause}"));
            source = cause.source();
        }
        return vec![Diagnostic::error(error.code(), message).class(class)];
    }
    problems.to_vec()
}
