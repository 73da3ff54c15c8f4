//! What can be wrong with a set of migrations, alone and against a history. Each is found before anything runs, and
//! all are told at once.

use std::sync::Arc;

use super::markers::WrittenFor;
use crate::drive::Finding;
use crate::history::{OtherHistory, Unfinished};
use crate::schema::Difference;
use crate::script::{Key, Origin, Source};

/// Whether a problem stops the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing is applied.
    Error,
    /// It is told, and the run goes on.
    Warning,
}

/// What is larger than a database has room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Large {
    /// One text or blob in a statement.
    Value,
    /// What is recorded of a migration.
    Text,
}

/// How a file differs from what was recorded when it was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    /// Its statements or directives.
    Meaning,
    /// Only comments, spaces or the letter case of keywords.
    Wording,
    /// Only the words of its name.
    Name,
    /// Only its down file.
    Down,
}

/// Which way through a migration a rehearsal was on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Applying it.
    Up,
    /// Taking it back.
    Down,
    /// Applying it again after it was taken back, or at once if it is repeatable.
    Again,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq)]
pub enum Problem {
    /// A file that ends in `.sql` and whose name fits no rule.
    BadName {
        /// The file.
        file: String,
        /// Completes "the name …".
        why: String,
        /// A name that would do.
        suggestion: Option<String>,
        /// The tool that it holds instructions to: then another name alone is not enough.
        written_for: Option<Box<WrittenFor>>,
    },
    /// A file that holds instructions to another tool, in comments.
    WrittenFor(Box<WrittenFor>),
    /// Several files claim one version, or one repeatable name, or one down file.
    Duplicate {
        /// What they claim.
        what: String,
        /// The files.
        files: Vec<String>,
    },
    /// A `U` file beside a `V` file of the same version: probably meant as a down file.
    UndoPrefix {
        /// The `U` file.
        file: String,
        /// The `V` file.
        beside: String,
        /// The name that a down file would have.
        down: String,
    },
    /// A down file whose migration is not there.
    DownWithoutUp {
        /// The down file.
        file: String,
        /// Its version.
        version: i64,
    },
    /// A file that is no text.
    NotText {
        /// The file.
        file: String,
        /// What it is.
        what: String,
        /// What to do.
        help: String,
    },
    /// A file without a statement.
    Empty {
        /// The file.
        file: String,
    },
    /// A text that cannot be split into statements.
    Syntax {
        /// The place.
        origin: Origin,
        /// The words.
        what: String,
    },
    /// A directive that is unknown, misplaced or contradicted.
    Directive {
        /// The place.
        origin: Origin,
        /// The words.
        what: String,
        /// What to do.
        help: String,
    },
    /// `BEGIN`, `COMMIT`, `END` or `ROLLBACK` in a file.
    TransactionControl {
        /// The place.
        origin: Origin,
        /// The keyword.
        keyword: String,
    },
    /// `SAVEPOINT` and `RELEASE` that do not balance.
    Savepoint {
        /// The place.
        origin: Origin,
        /// The words.
        what: String,
    },
    /// A statement that changes Seedbed's own tables.
    Reserved {
        /// The place.
        origin: Origin,
        /// The table.
        table: String,
    },
    /// A statement that the engine of this mode does not take.
    Refused {
        /// The place.
        origin: Origin,
        /// Why.
        why: String,
    },
    /// A value that the engine of this mode has no room for, or a text that it cannot record.
    TooLarge {
        /// The place of the value, or the file.
        origin: Origin,
        /// Which of the two.
        what: Large,
        /// How large it is.
        bytes: usize,
        /// How large a row may be.
        limit: usize,
    },
    /// `PRAGMA foreign_keys = …` in a file.
    ForeignKeysPragma {
        /// The place.
        origin: Origin,
        /// Whether foreign keys are on while the file runs.
        on: bool,
    },
    /// `DROP TABLE` with `-- seedbed: foreign-keys=on`.
    DropsWithForeignKeys {
        /// The place of the first `DROP TABLE`.
        origin: Origin,
    },
    /// An applied file is not what was applied.
    Edited {
        /// Which.
        key: Key,
        /// The file as it is.
        file: Arc<Source>,
        /// How it differs.
        edit: Edit,
        /// When it was applied.
        applied_at: String,
        /// The text as it was applied, where it was read.
        recorded: Option<String>,
        /// The recorded checksum, and the file's.
        checksums: (String, String),
    },
    /// An applied version among others has no file any more.
    Missing {
        /// Which.
        key: Key,
        /// The words of its name.
        name: String,
        /// When it was applied.
        applied_at: String,
    },
    /// A file that was not applied, below the newest that was.
    OutOfOrder {
        /// Its version.
        version: i64,
        /// The file.
        file: String,
        /// The newest applied version.
        newest: i64,
    },
    /// Applied versions above the newest file: an older release is being deployed.
    Ahead {
        /// The versions.
        versions: Vec<i64>,
        /// The newest file's.
        newest: Option<i64>,
    },
    /// A `no-transaction` migration that runs now, or died.
    Started {
        /// Which.
        key: Key,
        /// When.
        since: String,
        /// Who.
        by: String,
    },
    /// The version that was asked for does not exist.
    NoSuchVersion {
        /// The version.
        version: i64,
        /// What was looked through, to complete "no migration V9 …".
        among: &'static str,
    },
    /// An undo found that others had applied more on top of what it was to take back.
    Overtaken {
        /// What it was still to take back.
        versions: Vec<i64>,
        /// What was applied on top meanwhile.
        on_top: Vec<i64>,
    },
    /// An import into this database was begun and not finished: nothing else may change it meanwhile.
    UnfinishedImport(Unfinished),
    /// No migration is recorded, and another tool has recorded its own.
    OtherHistory {
        /// What it has recorded.
        other: OtherHistory,
        /// The version that a baseline would take, where the versions of both are the same.
        baseline: Option<i64>,
        /// An error where something would run.
        severity: Severity,
    },
    /// No migration is recorded, and a statement that creates a table only where there is none would do nothing.
    AlreadyThere {
        /// The place.
        origin: Origin,
        /// The table.
        table: String,
    },
    /// Tables that a comparison of schemas left out.
    NotCompared {
        /// Their names.
        tables: Vec<String>,
    },
    /// An applied migration without a recorded down text.
    NoDown {
        /// Which.
        key: Key,
        /// The words of its name.
        name: String,
    },
    /// What `repair` was told to do does not fit the state that the version is in.
    NotRepairable {
        /// Which.
        key: Key,
        /// Why.
        why: String,
        /// What to do.
        help: String,
    },
    /// The engine refused a statement in memory.
    Fails {
        /// The place.
        origin: Origin,
        /// On which way.
        way: Way,
        /// The engine's words.
        message: String,
        /// What to do, where that is known.
        help: Option<String>,
    },
    /// A file that a database in memory cannot tell anything about.
    NotRehearsed {
        /// The place of the statement that cannot run there.
        origin: Origin,
        /// Why it cannot.
        why: String,
    },
    /// A down file leaves another schema than there was before its migration; or the migration, applied again, leaves
    /// another than it did the first time.
    DownIsNoInverse {
        /// The down file.
        file: Arc<Source>,
        /// Of which migration.
        key: Key,
        /// [`Way::Down`] or [`Way::Again`].
        way: Way,
        /// What should be there (expected) against what is (found).
        differences: Vec<Difference>,
    },
    /// A migration that was there where this branch began has changed since.
    EditedSinceBase {
        /// Which.
        key: Key,
        /// The file as it is.
        file: Arc<Source>,
        /// How it differs.
        edit: Edit,
        /// What the branch is to be merged into.
        base: String,
        /// The text as it was there.
        recorded: String,
    },
    /// A migration that was there where this branch began has no file any more.
    GoneSinceBase {
        /// Which.
        key: Key,
        /// The words of its name.
        name: String,
        /// What the branch is to be merged into.
        base: String,
        /// The file that has its statements now.
        now: Option<String>,
    },
    /// A new migration whose version is taken, or below the newest, where it is to be merged.
    BehindBase {
        /// Its version.
        version: i64,
        /// Its file.
        file: String,
        /// What it is to be merged into.
        base: String,
        /// The file that has the version there, or else the newest.
        other: String,
        /// The version of that one.
        newest: i64,
    },
}

impl Finding for Problem {
    fn stops(&self) -> bool {
        Problem::stops(self)
    }

    fn under_way(&self) -> Option<&Key> {
        match self {
            Problem::Started { key, .. } => Some(key),
            _ => None,
        }
    }
}

impl Problem {
    /// Whether it stops the run.
    pub fn severity(&self) -> Severity {
        match self {
            Problem::Edited { edit, .. } | Problem::EditedSinceBase { edit, .. }
                if *edit != Edit::Meaning =>
            {
                Severity::Warning
            }
            Problem::Missing {
                key: Key::Repeatable(_),
                ..
            }
            | Problem::GoneSinceBase {
                key: Key::Repeatable(_),
                ..
            }
            | Problem::NotRehearsed { .. }
            | Problem::AlreadyThere { .. }
            | Problem::NotCompared { .. }
            | Problem::Ahead { .. }
            | Problem::ForeignKeysPragma { .. }
            | Problem::DropsWithForeignKeys { .. } => Severity::Warning,
            Problem::OtherHistory { severity, .. } => *severity,
            _ => Severity::Error,
        }
    }

    /// Whether it is an error: then nothing runs.
    pub fn stops(&self) -> bool {
        self.severity() == Severity::Error
    }

    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Problem::BadName { .. } => "bad-name",
            Problem::WrittenFor(_) => "other-tool",
            Problem::OtherHistory { .. } => "other-history",
            Problem::AlreadyThere { .. } => "already-there",
            Problem::NotCompared { .. } => "not-compared",
            Problem::Duplicate { .. } => "duplicate",
            Problem::UndoPrefix { .. } => "undo-prefix",
            Problem::DownWithoutUp { .. } => "down-without-up",
            Problem::NotText { .. } => "not-text",
            Problem::Empty { .. } => "empty",
            Problem::Syntax { .. } => "syntax",
            Problem::Directive { .. } => "directive",
            Problem::TransactionControl { .. } => "transaction-control",
            Problem::Savepoint { .. } => "savepoint",
            Problem::Reserved { .. } => "reserved-table",
            Problem::Refused { .. } => "refused",
            Problem::TooLarge { .. } => "too-large",
            Problem::ForeignKeysPragma { .. } => "foreign-keys-pragma",
            Problem::DropsWithForeignKeys { .. } => "drop-with-foreign-keys",
            Problem::Edited { edit, .. } | Problem::EditedSinceBase { edit, .. } => match edit {
                Edit::Meaning => "edited",
                Edit::Wording => "comments-edited",
                Edit::Name => "renamed",
                Edit::Down => "down-edited",
            },
            Problem::Missing { .. } | Problem::GoneSinceBase { .. } => "missing",
            Problem::OutOfOrder { .. } | Problem::BehindBase { .. } => "out-of-order",
            Problem::Ahead { .. } => "ahead",
            Problem::UnfinishedImport(_) => "unfinished-import",
            Problem::Started { .. } => "started",
            Problem::NoSuchVersion { .. } => "no-such-version",
            Problem::Overtaken { .. } => "overtaken",
            Problem::NoDown { .. } => "no-down",
            Problem::NotRepairable { .. } => "not-repairable",
            Problem::Fails { .. } => "fails",
            Problem::NotRehearsed { .. } => "not-rehearsed",
            Problem::DownIsNoInverse { .. } => "down-no-inverse",
        }
    }

    /// The place to point at.
    pub fn origin(&self) -> Option<&Origin> {
        match self {
            Problem::Syntax { origin, .. }
            | Problem::Directive { origin, .. }
            | Problem::TransactionControl { origin, .. }
            | Problem::Savepoint { origin, .. }
            | Problem::Reserved { origin, .. }
            | Problem::Refused { origin, .. }
            | Problem::TooLarge { origin, .. }
            | Problem::ForeignKeysPragma { origin, .. }
            | Problem::DropsWithForeignKeys { origin }
            | Problem::AlreadyThere { origin, .. }
            | Problem::Fails { origin, .. }
            | Problem::NotRehearsed { origin, .. } => Some(origin),
            Problem::WrittenFor(written) => written.markers().next().map(|(origin, _)| origin),
            _ => None,
        }
    }

    /// The file that it is about.
    pub fn file(&self) -> Option<&str> {
        match self {
            Problem::BadName { file, .. }
            | Problem::UndoPrefix { file, .. }
            | Problem::DownWithoutUp { file, .. }
            | Problem::NotText { file, .. }
            | Problem::Empty { file }
            | Problem::OutOfOrder { file, .. }
            | Problem::BehindBase { file, .. } => Some(file),
            Problem::WrittenFor(written) => Some(written.file()),
            Problem::Duplicate { files, .. } => files.first().map(String::as_str),
            Problem::Edited { file, .. }
            | Problem::EditedSinceBase { file, .. }
            | Problem::DownIsNoInverse { file, .. } => Some(&file.name),
            _ => self.origin().map(|origin| origin.source.name.as_str()),
        }
    }

    /// What to do about it, one line for each way.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Problem::BadName {
                suggestion,
                written_for: Some(written),
                ..
            } => {
                let cure = written.cure(suggestion.as_deref().unwrap_or("V{n}__{words}.sql"));
                match suggestion {
                    Some(name) if !cure.contains(name.as_str()) => {
                        format!("rename it to {name}, {cure}")
                    }
                    _ => cure,
                }
            }
            Problem::WrittenFor(written) => {
                let file = written.file();
                match file.strip_suffix(AS_RECORDED) {
                    Some(file) => format!(
                        "correct the down file ({}); then `repair` records it",
                        written.cure(last(file))
                    ),
                    None => written.cure(last(file)),
                }
            }
            Problem::OtherHistory { other, baseline, .. } => other_history(other, *baseline),
            Problem::AlreadyThere { .. } => {
                "if this database has the schema of some migrations already, `baseline V` records those up to V \
                 without running them"
                    .to_owned()
            }
            Problem::NotCompared { .. } => return None,
            Problem::BadName { suggestion, .. } => match suggestion {
                Some(name) => format!("rename it to {name}"),
                None => "names are V{n}__{words}.sql, U{n}__{words}.sql, R__{words}.sql and \
                         V{n}__{words}.down.sql"
                    .to_owned(),
            },
            Problem::Duplicate { files, .. } => match files.last() {
                Some(last) => format!(
                    "keep one, or give the newer one the next free version: `renumber {}`",
                    last.rsplit('/').next().unwrap_or(last)
                ),
                None => return None,
            },
            Problem::UndoPrefix { down, .. } => {
                format!("if it takes the other back, rename it to {down}")
            }
            Problem::DownWithoutUp { version, .. } => {
                format!("add the migration V{version}, or remove this file")
            }
            Problem::NotText { help, .. }
            | Problem::Directive { help, .. }
            | Problem::NotRepairable { help, .. } => help.clone(),
            Problem::Empty { .. } => {
                "write at least one statement (`SELECT 1;` for a version that is to do nothing), or remove the file"
                    .to_owned()
            }
            Problem::TransactionControl { .. } => "remove it: the statements of a file run in one \
                 transaction already. What cannot run in one goes into a file of its own with \
                 `-- seedbed: no-transaction` at its top"
                .to_owned(),
            Problem::Savepoint { .. } => {
                "each SAVEPOINT needs its RELEASE in the same file".to_owned()
            }
            Problem::Reserved { .. } => "these tables are Seedbed's own: use `repair`, `undo` or `baseline`".to_owned(),
            Problem::ForeignKeysPragma { .. } => {
                "remove it; to decide yourself, write `-- seedbed: foreign-keys=off` (or `=on`) at the top of the file"
                    .to_owned()
            }
            Problem::DropsWithForeignKeys { .. } => {
                "remove `-- seedbed: foreign-keys=on`, unless the rows that refer to the table are to go with it"
                    .to_owned()
            }
            Problem::Edited { key, edit, .. } => match edit {
                Edit::Meaning => format!(
                    "put the file back as it was and write the change as a new migration; if the database is \
                     already as the file says, `repair {}` records the file",
                    argument(key)
                ),
                Edit::Wording | Edit::Name | Edit::Down => {
                    "`repair` records the file as it is".to_owned()
                }
            },
            Problem::Missing { key, .. } => match key {
                Key::Repeatable(_) => "`repair` forgets it; what it made stays in the database".to_owned(),
                _ => format!(
                    "bring the file back; or `repair {}` forgets that it was applied, and changes nothing else",
                    argument(key)
                ),
            },
            Problem::OutOfOrder { file, .. } => format!(
                "give it the next free version: `renumber {}`; or apply it late: `migrate --allow-out-of-order`",
                file.rsplit('/').next().unwrap_or(file)
            ),
            Problem::Ahead { .. } => "nothing has to be done where an older release is deployed; otherwise bring the \
                 newer files back"
                .to_owned(),
            Problem::Started { key, .. } => format!(
                "if nobody runs it any more, look at what it did and settle it: `repair {0} --applied` if all of it \
                 is in the database, `repair {0} --retry` if it is to run again",
                argument(key)
            ),
            Problem::UnfinishedImport(Unfinished { name, .. }) => format!(
                "`import {name}` goes on with it, `import {name} --restart` takes back what it has written"
            ),
            Problem::NoSuchVersion { .. } => "`status` lists them".to_owned(),
            Problem::Overtaken { .. } => {
                "`status` shows how it stands now; then say anew what is to be taken back".to_owned()
            }
            Problem::NoDown { key, name } => format!(
                "write {key}__{name}.down.sql, then `repair {}` records it",
                argument(key)
            ),
            Problem::EditedSinceBase { edit, .. } => match edit {
                Edit::Meaning => {
                    "put the file back as it was and write the change as a new migration".to_owned()
                }
                Edit::Wording | Edit::Name | Edit::Down => {
                    "databases that applied it keep their record until `repair`".to_owned()
                }
            },
            Problem::GoneSinceBase { key, now, .. } => match (key, now) {
                (Key::Repeatable(_), _) => "drop what it made in a new migration".to_owned(),
                (_, Some(_)) => "give the file its version back".to_owned(),
                (_, None) => {
                    "bring the file back; to undo what it does, write a new migration".to_owned()
                }
            },
            Problem::BehindBase { file, base, .. } => format!(
                "merge {base} in first, then give this file the next free version: `renumber {}`",
                file.rsplit('/').next().unwrap_or(file)
            ),
            Problem::DownIsNoInverse { way, .. } => match way {
                Way::Up | Way::Down => {
                    "make the down file take back all that the migration does, and no more".to_owned()
                }
                Way::Again => "make the migration do the same on what its down file leaves".to_owned(),
            },
            Problem::Fails { help, .. } => return help.clone(),
            // No database of any mode takes it, and its own words say what to do instead.
            Problem::Refused { origin, .. } if is_row_level_security(origin) => return None,
            Problem::Refused { .. } => {
                "take it out, or use a database in a file: `--database FILE`".to_owned()
            }
            Problem::TooLarge { what, .. } => match what {
                Large::Value => "divide it among several rows, or keep it outside of the database".to_owned(),
                Large::Text => "divide the file: the text of a migration and of its down file is recorded with it".to_owned(),
            },
            Problem::Syntax { .. } | Problem::NotRehearsed { .. } => return None,
        })
    }
}

/// What the source of a recorded text is called by, behind the name of its file.
pub(super) const AS_RECORDED: &str = " (as recorded)";

/// The last part of a path.
fn last(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file)
}

fn other_history(other: &OtherHistory, baseline: Option<i64>) -> String {
    let OtherHistory { tool, table, .. } = other;
    let first = match (&other.unfinished, baseline) {
        (Some(unfinished), _) => format!(
            "{unfinished} failed or is not finished: finish it with {tool} first; then `baseline V` records the \
             migrations up to V without running them"
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
    format!("{first}\nif {table} says nothing about this schema: `--ignore {table}`")
}

fn is_row_level_security(origin: &Origin) -> bool {
    let statement = origin.source.text.get(origin.span.clone());
    statement.and_then(crate::db::row_level_security).is_some()
}

/// A key as the commands take it.
fn argument(key: &Key) -> String {
    match key {
        Key::Migration(version) => version.to_string(),
        other => other.to_string(),
    }
}

/// `V1, V2`.
fn listed(versions: &[i64]) -> String {
    let versions: Vec<String> = versions
        .iter()
        .map(|version| format!("V{version}"))
        .collect();
    versions.join(", ")
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Problem::BadName {
                why,
                written_for: Some(written),
                ..
            } => write!(f, "the name {why}; and {}", written.why()),
            Problem::BadName { why, .. } => write!(f, "the name {why}"),
            Problem::WrittenFor(written) => f.write_str(&written.why()),
            Problem::OtherHistory { other, .. } => write!(
                f,
                "this database was migrated by {} (newest: {}, in its table {}), and no migration is recorded in \
                 _migrations: what ran already would run again",
                other.tool, other.newest, other.table
            ),
            Problem::AlreadyThere { table, .. } => write!(
                f,
                "no migration is recorded, and the database has {table} already: this statement does not change it"
            ),
            Problem::NotCompared { tables } => write!(
                f,
                "the comparison of schemas left out {}: {} not the application's own",
                tables.join(", "),
                if tables.len() == 1 { "it is" } else { "they are" }
            ),
            Problem::Duplicate { what, files } => {
                write!(f, "{what} is claimed by {} files: {}", files.len(), files.join(", "))
            }
            Problem::UndoPrefix { beside, .. } => write!(
                f,
                "a U file beside the V file of the same version, {beside}: U means that a migration may be applied \
                 out of order, not that it undoes another"
            ),
            Problem::DownWithoutUp { version, .. } => {
                write!(f, "a down file for V{version}, and there is no V{version}")
            }
            Problem::NotText { what, .. } => f.write_str(what),
            Problem::Empty { .. } => f.write_str("there is no statement in this file"),
            Problem::Syntax { what, .. }
            | Problem::Directive { what, .. }
            | Problem::Savepoint { what, .. } => f.write_str(what),
            Problem::TransactionControl { keyword, .. } => {
                write!(f, "{keyword} in a migration: Seedbed itself begins and commits the transaction")
            }
            Problem::Reserved { table, .. } => {
                write!(f, "this changes {table}, where Seedbed keeps its records")
            }
            Problem::Refused { why, .. } => f.write_str(why),
            Problem::TooLarge {
                what, bytes, limit, ..
            } => {
                let what = match what {
                    Large::Value => "this value has",
                    Large::Text => "what is recorded of this migration has",
                };
                write!(
                    f,
                    "{what} {bytes} bytes, and a libSQL server takes {limit} for a value or a row"
                )
            }
            Problem::ForeignKeysPragma { on, .. } => write!(
                f,
                "PRAGMA foreign_keys has no effect inside a transaction, so it was taken out; foreign keys are {} \
                 while this file runs",
                if *on { "on" } else { "off" }
            ),
            Problem::DropsWithForeignKeys { .. } => f.write_str(
                "DROP TABLE with foreign keys on deletes or changes the rows that refer to the table",
            ),
            Problem::Edited {
                key,
                edit,
                applied_at,
                ..
            } => match edit {
                Edit::Meaning => {
                    write!(f, "{key} was changed after it was applied on {applied_at}")
                }
                Edit::Wording => write!(
                    f,
                    "comments or spaces of {key} were changed after it was applied on {applied_at}"
                ),
                Edit::Name => write!(f, "{key} was renamed after it was applied on {applied_at}"),
                Edit::Down => write!(
                    f,
                    "the down file of {key} was changed after it was applied on {applied_at}; `undo` would run the \
                     recorded one"
                ),
            },
            Problem::Missing {
                key,
                name,
                applied_at,
            } => match key {
                Key::Repeatable(_) => write!(f, "{key} was applied on {applied_at} and has no file any more"),
                _ => write!(f, "{key}__{name} was applied on {applied_at} and has no file any more"),
            },
            Problem::OutOfOrder {
                version, newest, ..
            } => write!(
                f,
                "V{version} is not applied, but V{newest}, which comes after it, is"
            ),
            Problem::Ahead { versions, newest } => {
                let versions: Vec<String> =
                    versions.iter().map(|version| format!("V{version}")).collect();
                write!(
                    f,
                    "the database is ahead of these files: {} {} applied, and {}",
                    versions.join(", "),
                    if versions.len() == 1 { "is" } else { "are" },
                    newest.map_or("there is no file".to_owned(), |newest| {
                        format!("the newest file is V{newest}")
                    })
                )
            }
            Problem::Started { key, since, by } => write!(
                f,
                "{key} was started on {since} by {by}, outside of a transaction, and has not finished"
            ),
            Problem::UnfinishedImport(unfinished) => unfinished.fmt(f),
            Problem::NoSuchVersion { version, among } => {
                write!(f, "there is no V{version} among the {among}")
            }
            Problem::Overtaken { versions, on_top } => write!(
                f,
                "another run applied {} while this one was to take back {}",
                listed(on_top),
                listed(versions)
            ),
            Problem::NoDown { key, name } => {
                write!(f, "{key}__{name} cannot be undone: no down file was recorded with it")
            }
            Problem::NotRepairable { why, .. } => f.write_str(why),
            Problem::Fails { way, message, .. } => match way {
                Way::Up => f.write_str(message),
                Way::Down => write!(f, "{message} (taking it back, in memory)"),
                Way::Again => write!(f, "{message} (applying it a second time, in memory)"),
            },
            Problem::NotRehearsed { why, .. } => write!(f, "this file was not tried: {why}"),
            Problem::DownIsNoInverse {
                key,
                way,
                differences,
                ..
            } => {
                match way {
                    Way::Up | Way::Down => write!(
                        f,
                        "the down file of {key} does not bring back the schema that was there before"
                    ),
                    Way::Again => write!(
                        f,
                        "{key}, taken back and applied again, leaves another schema than the first time"
                    ),
                }?;
                for (number, difference) in differences.iter().enumerate() {
                    write!(f, "{} {difference}", if number == 0 { ":" } else { "," })?;
                }
                Ok(())
            }
            Problem::EditedSinceBase {
                key, edit, base, ..
            } => match edit {
                Edit::Meaning => write!(f, "{key} is in {base} and was changed since"),
                Edit::Wording => write!(f, "comments or spaces of {key}, which is in {base}, were changed"),
                Edit::Name => write!(f, "{key} is in {base} and was renamed since"),
                Edit::Down => write!(f, "the down file of {key}, which is in {base}, was changed"),
            },
            Problem::GoneSinceBase {
                key,
                name,
                base,
                now,
            } => match (key, now) {
                (Key::Repeatable(_), _) => write!(f, "{key} is in {base} and has no file any more"),
                (_, Some(now)) => write!(f, "{key}__{name} is in {base}, and {now} has its statements now"),
                (_, None) => write!(f, "{key}__{name} is in {base} and has no file any more"),
            },
            Problem::BehindBase {
                version,
                base,
                other,
                newest,
                ..
            } => {
                if version == newest {
                    write!(f, "{base} has another V{version}: {other}")
                } else {
                    write!(f, "V{version} is new, but {base} has V{newest}, which comes after it: {other}")
                }
            }
        }
    }
}
