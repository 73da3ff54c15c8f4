//! Diagnostics that several parts of the migrations report.

use super::ran;
use crate::db::HistoryTable;
use crate::diagnostic::{Diagnostic, Diff, Location};
use crate::history::{OtherHistory, Row, moment};
use crate::layouts::Layout;
use crate::script::{Key, Source};

/// The code of a file whose statements were changed after it was applied.
pub(super) const EDITED: &str = "edited";

/// How a file differs from what was recorded when it was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edit {
    /// Its statements or directives.
    Meaning,
    /// Only comments, spaces or the letter case of keywords.
    Wording,
    /// Only the words of its name.
    Name,
    /// Only its down file.
    Down,
}

impl Edit {
    /// The file differs: an error where its meaning does.
    pub(super) fn diagnostic(
        self,
        key: &Key,
        file: &Source,
        message: String,
        diff: Option<Diff>,
    ) -> Diagnostic {
        let code = match self {
            Edit::Meaning => EDITED,
            Edit::Wording => "comments-edited",
            Edit::Name => "renamed",
            Edit::Down => "down-edited",
        };
        let diff = diff.filter(|_| self == Edit::Meaning);
        let diagnostic = Diagnostic {
            diff: diff.clone(),
            ..Diagnostic::problem(code, message)
        };
        let diagnostic = diagnostic.about(key).at(Location::File {
            file: file.name.clone(),
            line: diff.as_ref().map(Diff::first_difference),
            column: None,
        });
        match self {
            Edit::Meaning => diagnostic,
            Edit::Wording | Edit::Name | Edit::Down => diagnostic.warning(),
        }
    }
}

/// The file as it was before, and as it is.
pub(super) fn diff(before_name: String, before: &str, file: &Source) -> Diff {
    Diff {
        before_name,
        before: before.to_owned(),
        after_name: file.name.clone(),
        after: file.text.to_string(),
    }
}

/// A `no-transaction` migration that runs now, or died.
pub(super) fn started(row: &Row) -> Diagnostic {
    let Row {
        key, applied_by, ..
    } = row;
    let argument = argument(key);
    if let Some((at, by)) = row.undoing() {
        let since = moment(at);
        let message = format!(
            "undoing {key} was started on {since} by {by}, outside of a transaction, and has not finished"
        );
        return Diagnostic::problem("started", message).about(key).help(format!(
            "if no process runs it any more, do the rest by hand and settle it: `repair {argument} --retry` if {key} is \
             gone from the database, `repair {argument} --applied` if it is still there"
        ));
    }
    let since = moment(&row.applied_at);
    Diagnostic::problem(
        "started",
        format!(
            "{key} was started on {since} by {applied_by}, outside of a transaction, and has not finished"
        ),
    )
    .about(key)
    .help(format!(
        "if no process runs it any more, look at what it did and resolve it: `repair {argument} --applied` if all of it \
         is in the database, `repair {argument} --retry` if it is to run again"
    ))
}

/// The requested version does not exist. `among` completes "no migration V9 …".
pub(super) fn no_such_version(version: i64, among: &str) -> Diagnostic {
    Diagnostic::problem(
        "no-such-version",
        format!("there is no V{version} among the {among}"),
    )
    .help("`status` lists them")
}

/// The code of a history of another tool.
pub(super) const OTHER_HISTORY: &str = "other-history";

/// No migration is recorded, and another tool has recorded its own. `baseline` is the version that a baseline would
/// take, where the versions of both are the same.
pub(super) fn other_history(
    other: &OtherHistory,
    baseline: Option<i64>,
    history: &HistoryTable,
) -> Diagnostic {
    let OtherHistory {
        tool,
        table,
        newest,
        ..
    } = other;
    let message = format!(
        "this database was migrated by {tool} (newest: {newest}, in its table {table}), and no migration is recorded in \
         {history}: what ran already would run again"
    );
    let next = match (&other.unfinished, baseline) {
        (Some(unfinished), _) => {
            let then = match other.is_adoptable() {
                true => "`adopt` takes its history over",
                false => "`baseline V` records the migrations up to V without running them",
            };
            format!("{unfinished} failed or is not finished: finish it with {tool} first; then {then}")
        }
        _ if other.is_adoptable() => format!(
            "`adopt` compares what {tool} has applied with the files and the schema, and records it without running it; \
             then `migrate` applies the rest"
        ),
        (None, Some(version)) => format!(
            "`baseline {version}` compares the schema with what the migrations up to V{version} leave, and records \
             them without running them; then `migrate` applies the later ones"
        ),
        (None, None) => "find the last migration whose changes this database has already, V: `baseline V` compares \
             the schema with what the migrations up to V leave, and records them without running them; then `migrate` \
             applies the later ones"
            .to_owned(),
    };
    Diagnostic::problem(OTHER_HISTORY, message)
        .help(next)
        .help(format!(
            "if {table} says nothing about this schema: `--ignore {table}`"
        ))
}

/// Files that hold comments and no statement: they are recorded, and do nothing.
pub(super) fn comments_only(files: &[&str]) -> Option<Diagnostic> {
    let first = files.first()?;
    let message = match files {
        [_] => "this file holds comments only: it is recorded, and does nothing".to_owned(),
        _ => format!(
            "{} files hold comments only, and are recorded and do nothing: {}",
            files.len(),
            files
                .iter()
                .map(|file| shortest(file))
                .collect::<Vec<_>>()
                .join(", ")
        ),
    };
    let problem = Diagnostic::problem(COMMENTS_ONLY, message).warning();
    Some(problem.in_file(*first))
}

/// The code of a file into which nothing was written since `new` made it.
pub(super) const UNWRITTEN: &str = "unwritten";

/// The code of a file that holds no statement.
pub(super) const COMMENTS_ONLY: &str = "comments-only";

/// Several files claim one version, one repeatable name or one down file.
pub(super) fn duplicate(what: &str, files: &[&str]) -> Diagnostic {
    let message = format!(
        "{what} is claimed by {} files: {}",
        files.len(),
        files.join(", ")
    );
    let first = files.first().copied().unwrap_or_default();
    Diagnostic::problem(DUPLICATE, message).in_file(first)
}

/// The code of repeatables that a run up to a version leaves pending.
pub(super) const REPEATABLES_PENDING: &str = "repeatables-pending";

/// The code of a file that begins with `U` beside one of the same version that begins with `V`.
pub(super) const UNDO_PREFIX: &str = "undo-prefix";

/// The code of files that claim the same.
pub(super) const DUPLICATE: &str = "duplicate";

/// What the source of a recorded text is called by, behind the name of its file.
pub(super) const AS_RECORDED: &str = " (as recorded)";

/// What the source of a recorded text is called: by the name of its file, where that is one of Seedbed's own. A record
/// of another tool's file does not have the name of that.
pub(super) fn recorded_name(row: &Row, down: bool) -> String {
    let (key, name) = (&row.key, &row.name);
    let is_own = ran::layout(row) == Layout::Seedbed;
    match (down, is_own, key) {
        (false, _, Key::Repeatable(_)) => format!("{key}.sql{AS_RECORDED}"),
        (false, true, _) => format!("{key}__{name}.sql{AS_RECORDED}"),
        (true, true, _) => format!("{key}__{name}.down.sql{AS_RECORDED}"),
        (false, false, _) => format!("{key} {name}{AS_RECORDED}"),
        (true, false, _) => format!("down text of {key} {name}{AS_RECORDED}"),
    }
}

/// The command that renumbers a file: by its name, or by its path where others of these files have that name.
pub(super) fn renumber(file: &str, files: &[&str]) -> String {
    let same = files.iter().filter(|it| file_name(it) == file_name(file));
    match same.count() {
        // The folder has the number.
        _ if ["up.sql", "migration.sql"].contains(&file_name(file)) => {
            format!("`renumber {file}`")
        }
        0 | 1 => format!("`renumber {}`", file_name(file)),
        _ => format!("`renumber {file}`"),
    }
}

/// What tells a file from others of its folder: its name, and where its folder has the number, that folder too.
fn shortest(file: &str) -> &str {
    let name = file_name(file);
    let folder = file
        .strip_suffix(name)
        .unwrap_or_default()
        .trim_end_matches('/');
    match name {
        "up.sql" | "migration.sql" if !folder.is_empty() => {
            &file[folder.len() - file_name(folder).len()..]
        }
        _ => name,
    }
}

/// The last part of a path.
pub(super) fn file_name(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file)
}

/// A key as the commands take it.
pub(super) fn argument(key: &Key) -> String {
    match key {
        Key::Migration(version) => version.to_string(),
        other => other.to_string(),
    }
}

/// `V1, V2`.
pub(super) fn listed(versions: &[i64]) -> String {
    let versions: Vec<String> = versions
        .iter()
        .map(|version| format!("V{version}"))
        .collect();
    versions.join(", ")
}
