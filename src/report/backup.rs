//! `backup` and `restore` in words and as JSON.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::{Value, json};

use super::Report;
use super::import::many_rows;
use super::json::{Call, Document};
use super::replica::{moment, since};
use super::style::{BAD, GOOD, Style};
use super::table::{Cell, table};
use super::words::{as_typed, bytes, count, with_causes};
use crate::db::Code;
use crate::diagnostic::{Class, Diagnostic, Location as Place, dump_as_typed};
use crate::drive::ApplyError;
use crate::dump::import::{ImportOptions, LackingModule, Stands, Violations, Why};
use crate::dump::integrity::{FaultKind, ROW_HELP, repairs};
use crate::dump::lacking::{is_in_shells, lacking_name};
use crate::dump::{
    BackedUp, BackupError, Checked, Condition, Doubt, Kept, Location, Marked, RestoreError,
    Restored, TEMPORARY, Unproven,
};

/// A backup that was taken, and the old ones that went. `file` is how it is shown.
pub fn backed_up(done: &BackedUp, file: &Path, style: Style<'_>) -> String {
    let mut text = format!(
        "{}: {} of {}, {}, rebuilt and compared\n",
        file.display(),
        many_rows(done.exported.rows()),
        count(done.exported.tables.len(), "table"),
        bytes(done.bytes),
    );
    for LackingModule { table, module } in &done.lacking {
        text.push_str(&format!(
            "warning: the virtual table {table} needs the module {module}, which this engine does not have: the backup has the \
             definition of {table}, and its tables, where it has any, as they are; only an engine with {module} can read {table}\n"
        ));
    }
    for removed in &done.removed {
        let name = removed.file_name().unwrap_or_default().to_string_lossy();
        text.push_str(&format!("removed {name}, which was old\n"));
    }
    text.push_str(&unknown(&done.unknown));
    if !done.has_id && !done.unknown.is_empty() {
        text.push_str(&as_typed(
            "this database has no id, so no old backup is removed: `migrate` or `baseline V` gives it one\n",
            style.program,
        ));
    }
    text
}

/// Rows of tables, of which some could not be counted: `2 rows of users, rows of places`.
pub fn rows_of_tables(tables: &[(String, Option<u64>)]) -> String {
    let rows = tables.iter().map(|(table, rows)| match rows {
        Some(rows) => format!("{} of {table}", many_rows(*rows)),
        None => format!("rows of {table}"),
    });
    rows.collect::<Vec<_>>().join(", ")
}

/// How many files are named.
const NAMED: usize = 3;

/// The old ones that may be of another database, in one line.
fn unknown(kept: &[Kept]) -> String {
    if kept.is_empty() {
        return String::new();
    }
    let described = |kept: &Kept| match (&kept.location, &kept.database_id) {
        (Some(location), Some(id)) => format!("{} (of {location}, database id {id})", name(kept)),
        (Some(location), None) => format!("{} (of {location}, without a database id)", name(kept)),
        (None, _) => format!("{} (its database is not recorded)", name(kept)),
    };
    let mut named: Vec<String> = kept.iter().take(NAMED).map(described).collect();
    if let more @ 1.. = kept.len().saturating_sub(NAMED) {
        named.push(format!("{more} more"));
    }
    format!(
        "kept {} not known to be of this database: {}; delete by hand what is not needed\n",
        count(kept.len(), "old backup"),
        named.join(", ")
    )
}

/// The old ones that could not be removed, a line each.
pub fn not_removed(left: &[(PathBuf, std::io::Error)]) -> Vec<String> {
    let line = |(path, error): &(PathBuf, std::io::Error)| {
        format!(
            "warning: {} is old and cannot be removed: {error}",
            path.display()
        )
    };
    left.iter().map(line).collect()
}

/// The backups in a folder.
pub fn backups(all: &[Kept], folder: &Path, now: SystemTime, style: Style<'_>) -> String {
    if all.is_empty() {
        return format!("no backups in {}\n", folder.display());
    }
    // Where all are of one database, or none records its own, that tells nothing.
    let of_several = all.windows(2).any(|two| two[0].location != two[1].location);
    let mut heads = vec!["file", "taken", "size", "state"];
    if of_several {
        heads.push("database");
    }
    let rows: Vec<Vec<Cell>> = all
        .iter()
        .map(|kept| {
            let colour = match kept.state {
                Condition::Good => GOOD,
                _ => BAD,
            };
            let mut cells = vec![
                Cell::new(&name(kept)),
                Cell::new(&since(kept.taken_at, now)),
                Cell::new(&bytes(kept.bytes)).right(),
                Cell::new(kept.state.word()).in_colour(colour),
            ];
            if of_several {
                let location = kept.location.as_ref();
                let location = location.map_or("not recorded".to_owned(), Location::to_string);
                cells.push(Cell::new(&location));
            }
            cells
        })
        .collect();
    table(&heads, &rows, style)
}

fn name(kept: &Kept) -> String {
    let name = kept.file.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// What a backup is that `restore` tries all the same.
pub const UNPROVEN: &str =
    "warning: the backup is unproven: when it was taken, it was not known to restore";

/// What became of the mark, and whether there was a checksum: a line each.
pub fn restored(restored: &Restored, style: Style<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    match restored.checked {
        Checked::Same => {}
        // Said before it was tried.
        Checked::Unproven => {}
        Checked::Unsigned => lines
            .push("warning: there was no checksum beside the file to compare it with".to_owned()),
    }
    match &restored.mark {
        Marked::Never => {}
        Marked::As(mark) => lines.push(format!("the database is marked as environment {mark}")),
        Marked::Cleared(was) => lines.push(as_typed(
            &format!(
                "the backup is of a database marked `{was}`; this database has no mark. `seed --env ENV --mark ENV` sets one, and \
                 writes the seeds of ENV"
            ),
            style.program,
        )),
    }
    lines
}

impl Document {
    /// `backup`: the new file in `file`, with `sha256`, `bytes` and the rows of its `tables`; old ones in `removed`,
    /// `not_removed` where that failed, and `kept` where they may be of another database.
    pub fn backed_up(call: Call<'_>, done: &BackedUp, file: &Path) -> Document {
        let tables: Vec<Value> = done
            .exported
            .tables
            .iter()
            .map(|(name, rows)| json!({"name": name, "rows": rows}))
            .collect();
        let paths = |paths: &mut dyn Iterator<Item = &PathBuf>| -> Vec<String> {
            paths.map(|path| path.display().to_string()).collect()
        };
        Document::done(call)
            .with("file", file.display().to_string())
            .with("sha256", done.sha256.as_str())
            .with("bytes", done.bytes)
            .with("tables", tables)
            .with(
                "lacking_modules",
                done.lacking
                    .iter()
                    .map(|it| it.module.as_str())
                    .collect::<Vec<_>>(),
            )
            .with("removed", paths(&mut done.removed.iter()))
            .with(
                "not_removed",
                paths(&mut done.left.iter().map(|(path, _)| path)),
            )
            .with(
                "kept",
                paths(&mut done.unknown.iter().map(|kept| &kept.file)),
            )
    }

    /// `backup list`: `backups`, each with `file`, `database` (as its file is called), `location` (which it is, where
    /// that is recorded), `taken_at`, `age_s`, `bytes` and `state`.
    pub fn backups(call: Call<'_>, all: &[Kept], now: SystemTime) -> Document {
        let backups: Vec<Value> = all
            .iter()
            .map(|kept| {
                let age = now.duration_since(kept.taken_at).unwrap_or_default();
                json!({
                    "file": kept.file.display().to_string(),
                    "database": kept.name,
                    "location": kept.location.as_ref().map(Location::to_string),
                    "database_id": kept.database_id,
                    "taken_at": moment(kept.taken_at),
                    "age_s": age.as_secs(),
                    "bytes": kept.bytes,
                    "state": kept.state.word(),
                })
            })
            .collect();
        Document::done(call).with("backups", backups)
    }

    /// What `restore` has beside what `import` tells: the `mark` that the database has now.
    #[must_use]
    pub fn with_mark(self, restored: &Restored) -> Document {
        let mark = match &restored.mark {
            Marked::As(mark) => Some(mark.as_str()),
            Marked::Never | Marked::Cleared(_) => None,
        };
        self.with("mark", mark)
            .with("checksum", restored.checked != Checked::Unsigned)
            .with("proven", restored.checked == Checked::Same)
    }
}

impl Report {
    /// Why there is no backup.
    pub fn backup(error: &BackupError) -> Report {
        let (code, help) = match error {
            BackupError::Export(error) => return Report::dump(error),
            BackupError::File { .. } => (
                "file",
                "check whether the folder exists, whether you may write there, and whether the disk is full",
            ),
            BackupError::Unproven(unproven) => return Report::unproven(unproven),
            BackupError::Unreadable(_) => (
                "unreadable-backup",
                "check that the disk of the backups is healthy",
            ),
            BackupError::NotProven(_) => (
                "no-proof",
                "check that the folder of the backups is writable and has room for a copy of the database",
            ),
            BackupError::Thread(_) => ("internal", "run `backup` again"),
        };
        Report {
            database: Some("there is no new backup, and the old ones are as they were".to_owned()),
            ..Report::of(vec![Diagnostic::error(code, with_causes(error)).help(help)])
        }
    }

    /// Why a backup is not known to restore.
    fn unproven(unproven: &Unproven) -> Report {
        let file = unproven.file.display().to_string();
        let doubts = unproven.doubts.iter();
        let mut problems: Vec<Diagnostic> =
            doubts.flat_map(|doubt| of_doubt(doubt, &file)).collect();
        let is_object = |doubt: &Doubt| matches!(doubt, Doubt::Object { .. });
        if unproven.doubts.iter().any(is_object)
            && let Some(last) = problems.last_mut()
        {
            last.help.push(format!(
                "`gunzip -c {file} | sqlite3 NEW.db` restores what does not need them"
            ));
        }
        Report {
            database: Some(format!(
                "the backup is {file} ({} of {}); it does not count as a good one, and the old ones are as they were",
                many_rows(unproven.exported.rows()),
                count(unproven.exported.tables.len(), "table"),
            )),
            ..Report::of(problems)
        }
    }

    /// Why nothing was restored, or not all of it. `file` is how the backup is shown.
    pub fn restore(error: &RestoreError, file: &str) -> Report {
        let (class, code, help) = match error {
            RestoreError::Db(error) => {
                return Report::of(vec![super::database::database(error)]);
            }
            RestoreError::Import(error) => {
                let options = ImportOptions {
                    violations: Violations::Allow,
                    ..ImportOptions::default()
                };
                let report = Report::import(error, file, &options);
                return Report {
                    database: report.database.map(|it| of_backup(&error.stands, &it, file)),
                    ..report
                };
            }
            RestoreError::Damaged(_) => (
                Class::Integrity,
                "damaged",
                "take another one: `backup list` shows which are good".to_owned(),
            ),
            RestoreError::Unreadable(_) => (
                Class::Usage,
                "unreadable",
                "check whether the file exists, and whether you may read it".to_owned(),
            ),
            RestoreError::Flows(_) => (
                Class::Usage,
                "no-file",
                "write it into a file first; `import - < DUMP` reads a dump that flows, without the checks of a restore"
                    .to_owned(),
            ),
            RestoreError::NotEmpty { .. } => (
                Class::Integrity,
                "not-empty",
                "a backup goes into a new or empty database only: name one with `--database FILE`, or a new one on the server"
                    .to_owned(),
            ),
            RestoreError::Mark(error) => (
                Report::failure(error).class().unwrap_or(Class::Failed),
                "mark",
                format!("run `restore {file}` again"),
            ),
        };
        let database = match error {
            RestoreError::Mark(error) => match **error {
                ApplyError::Unknown { .. } => {
                    "the rows are in the database; whether the mark was set is unknown"
                }
                _ => "the rows are there; the mark is that of the database that was backed up",
            },
            _ => super::committed::NOTHING,
        };
        Report {
            database: Some(database.to_owned()),
            ..Report::of(vec![
                Diagnostic::error(code, with_causes(error))
                    .class(class)
                    .help(help),
            ])
        }
    }
}

/// What is in the database after a restore that failed. `import` would go on with it too, and leave the mark of the
/// database that was backed up.
fn of_backup(stands: &Stands, words: &str, file: &str) -> String {
    let words = words.replace("the dump", "the backup");
    let again = || format!("`restore {}`", dump_as_typed(file));
    match stands {
        Stands::UpTo { .. } => match words.split_once(": ") {
            Some((so_far, next)) if next.contains("continues from there") => {
                format!("{so_far}: {} continues from there", again())
            }
            _ => words,
        },
        Stands::Unknown => format!(
            "the outcome of the last part is unknown: run {} again to check and continue",
            again()
        ),
        _ => words,
    }
}

/// The code of what speaks against a backup.
const CODE: &str = "unproven-backup";

/// The folder of the engine's temporary files: <https://sqlite.org/tempfiles.html#temporary_file_storage_locations>.
fn temporary_folder() -> PathBuf {
    if cfg!(windows) {
        return std::env::temp_dir();
    }
    let named = ["SQLITE_TMPDIR", TEMPORARY].map(std::env::var_os);
    let usual = ["/var/tmp", "/usr/tmp", "/tmp"].map(PathBuf::from);
    let mut folders = named.into_iter().flatten().map(PathBuf::from).chain(usual);
    folders
        .find(|folder| folder.is_dir())
        .unwrap_or_else(std::env::temp_dir)
}

fn of_doubt(doubt: &Doubt, file: &str) -> Vec<Diagnostic> {
    match doubt {
        Doubt::Object {
            kind,
            name,
            line,
            error,
        } => {
            let message = format!("the backup cannot be restored: {kind} {name}: {error}");
            vec![Diagnostic {
                location: Some(Place::File {
                    file: file.to_owned(),
                    line: line.and_then(|line| u32::try_from(line).ok()),
                    column: None,
                }),
                help: vec![object_help(kind, name, &error.message)],
                ..Diagnostic::error(CODE, message)
            }]
        }
        Doubt::NotRebuilt(error) => {
            let options = ImportOptions {
                violations: Violations::Allow,
                ..ImportOptions::default()
            };
            let report = Report::import(error, file, &options);
            let is_full = matches!(&error.why, Why::Refused { error, .. } | Why::Engine { error } if error.code == Code::Full);
            let help = match is_full {
                true => format!(
                    "free space in the folder of the backups and in {}, where the engine sorts, or name another folder for \
                     that with the variable {}; then run `backup` again",
                    temporary_folder().display(),
                    TEMPORARY
                ),
                false => "correct it in the database, and run `backup` again".to_owned(),
            };
            report
                .diagnostics
                .into_iter()
                .map(|problem| Diagnostic {
                    code: CODE,
                    message: format!("the backup cannot be restored: {}", problem.message),
                    help: vec![help.clone()],
                    class: Class::Failed,
                    ..problem
                })
                .collect()
        }
        Doubt::Differs(verified) => {
            let mut report = Report::verified(verified);
            for problem in &mut report.diagnostics {
                problem.code = CODE;
                problem.message = format!(
                    "the database that was built from the backup differs: {}",
                    problem.message
                );
            }
            report.diagnostics
        }
        Doubt::Damaged(faults) => {
            let (rows, damage) = FaultKind::split(faults);
            let damaged = "the database is damaged: its indexes or pages contradict its tables";
            let damage = (!damage.is_empty()).then(|| {
                Diagnostic::error(CODE, damaged)
                    .notes(&damage)
                    .note("the backup holds what the tables hold")
                    .helps(repairs(&damage, "FILE"))
                    .help("then run `backup` again")
            });
            let rows = (!rows.is_empty()).then(|| {
                Diagnostic::error(CODE, "rows of the database break its own constraints")
                    .notes(&rows)
                    .note("a database that is built from the backup does not take such rows")
                    .help(ROW_HELP)
                    .help("then run `backup` again")
            });
            damage.into_iter().chain(rows).collect()
        }
        Doubt::Unchecked(error) => vec![Diagnostic::error(
            CODE,
            format!("integrity_check cannot be run on the database: {error}"),
        )],
    }
}

/// What helps where the engine refuses to create an object.
pub(super) fn object_help(kind: &str, name: &str, words: &str) -> String {
    let lacking = lacking_name(words);
    let Some(lacking) = lacking else {
        return format!("correct the {kind} {name} in the database, and run `backup` again");
    };
    if is_in_shells(&lacking) {
        return format!(
            "this engine lacks {lacking}, and the shell of SQLite has it: `sqlite3 FILE \".backup COPY\"` copies the database \
             file, and `gunzip -c BACKUP | sqlite3 NEW.db` builds {name} from a backup; or change {name} so that it does not \
             need {lacking}"
        );
    }
    format!(
        "{lacking} belongs to an application: without it no SQLite can create {name}; copy the database file itself as well \
         (`sqlite3 FILE \".backup COPY\"`), or change {name} so that it does not need {lacking}"
    )
}
