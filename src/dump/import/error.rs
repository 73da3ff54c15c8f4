//! Why an import did not happen, or not all of it, and what is in the database.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::Triggers;
use super::clash::{Clash, Wanted};
use super::translate::Tables;
use crate::db::{Code, Db, DbError, EngineError, Failure, RemoteError};
use crate::drive::LOCK_HELD;
use crate::dump::backup_error::Doubt;
use crate::dump::{DumpError, What};
use crate::history::{HistoryError, Unsettled};

/// An import that did not happen, or not all of it.
#[derive(Debug)]
#[non_exhaustive]
pub struct ImportError {
    /// What went wrong.
    pub why: Why,
    /// What is in the database.
    pub stands: Stands,
    /// The unfinished import that was found in the database; none where this run began it.
    pub begun: Option<Begun>,
}

/// How an unfinished import was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Begun {
    /// The dump.
    pub name: String,
    /// The command that goes on with it, where that is no `import`.
    pub command: Option<String>,
    /// What its rows go into.
    pub tables: Tables,
    /// Whether triggers run.
    pub triggers: Triggers,
    /// The file of the dump as it was given; none in the records of earlier versions.
    pub path: Option<String>,
}

/// What an import left in the database.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Stands {
    /// Nothing of it.
    #[default]
    Nothing,
    /// This run wrote nothing; what an earlier one wrote is as it was, and was not looked at.
    Unread,
    /// Everything of the dump before this line; the same command goes on from there.
    UpTo {
        /// The line, from 1.
        line: u64,
        /// Bytes of the dump.
        offset: u64,
        /// Rows.
        rows: u64,
    },
    /// All of it; what failed came after it.
    Everything,
    /// It is unknown: see [`Why::Unknown`].
    Unknown,
}

/// The place of a statement of a dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct At {
    /// The line, from 1.
    pub line: u64,
    /// The byte, from 0.
    pub offset: u64,
}

/// What went wrong with an import.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Why {
    /// The dump cannot be read, or is none.
    #[error(transparent)]
    Dump(#[from] DumpError),
    /// The history cannot be read.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// What the dump brings exists already, or what it is to go into does not.
    #[error("{}", clashes(.0))]
    Clashes(Vec<Clash>),
    /// Another import was not finished.
    #[error("the {} of {name} into this database was not finished", command.as_ref().map_or("import", |_| "copy"))]
    Another {
        /// The command that goes on with it, where that is no `import`.
        command: Option<Arc<str>>,
        /// The dump of that one.
        name: String,
        /// The line that it has come to.
        line: u64,
        /// When it began, by the database's clock.
        started_at: String,
    },
    /// Another process continued the same import, or changed the records, at the same time.
    #[error("another run has changed this database meanwhile")]
    Overtaken,
    /// The dump is not the one that the import began with.
    #[error("the dump has changed since this import began")]
    Changed {
        /// The byte up to which it was compared.
        offset: u64,
    },
    /// Starting over would delete rows that were there before.
    #[error("{table} had {} before this import began, so it cannot be cleared", many(*.rows))]
    NotAlone {
        /// The table.
        table: String,
        /// How many.
        rows: u64,
    },
    /// Starting over would delete rows that the import has not written.
    #[error("{}, so it cannot begin from the start", of_others(.0))]
    RowsOfOthers(
        /// Tables, and how many such rows each has.
        Vec<(String, u64)>,
    ),
    /// A row or statement that the engine does not take.
    #[error("{error}")]
    Refused {
        /// Where it stands in the dump.
        at: At,
        /// It is one of so many rows from there on.
        among: usize,
        /// The table that it is about.
        table: Option<String>,
        /// Its kind and name, where it is a statement that creates an object.
        object: Option<Box<(&'static str, String)>>,
        /// The engine's words.
        error: EngineError,
    },
    /// Objects that the engine cannot create, since they need what belongs to an application.
    #[error("the engine cannot create all objects of the dump")]
    Lacking(Vec<Doubt>),
    /// A value or row that is too large for the server.
    #[error("a row of {bytes} bytes is more than the {most} that the server takes")]
    TooBig {
        /// Where it stands in the dump.
        at: At,
        /// Its table.
        table: String,
        /// Its size.
        bytes: usize,
        /// The largest that there may be.
        most: usize,
    },
    /// A text that is not UTF-8, which a server cannot give back.
    #[error("a text{} is not UTF-8", of_column(column.as_deref()))]
    NotUtf8 {
        /// Where its row stands in the dump.
        at: At,
        /// Its table.
        table: String,
        /// Its column, where the dump names it.
        column: Option<String>,
    },
    /// Rows whose parents are missing.
    #[error("{}", orphans(*.count))]
    ForeignKeys {
        /// How many.
        count: u64,
        /// Some of them.
        some: Vec<Orphan>,
    },
    /// A foreign key refers to columns that no primary key and no unique index has.
    #[error("the foreign key of {child} refers to columns of {parent} that are no key of it")]
    Mismatch {
        /// The table of the foreign key.
        child: String,
        /// The table that it refers to.
        parent: String,
        /// The line of the dump that makes the child, where it does.
        line: Option<u64>,
    },
    /// A table does not hold as many rows as were written to it.
    #[error("{} in {table}, and {} were written", many(*.found), .written)]
    Count {
        /// The table.
        table: String,
        /// Rows of the dump.
        written: u64,
        /// Rows that are there.
        found: u64,
    },
    /// Something outside of the rows: the checkpoint, the records, beginning a transaction.
    #[error("{error}")]
    Engine {
        /// The engine's words.
        error: EngineError,
    },
    /// The database cannot be opened or read.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A file that could not be made, written or renamed.
    #[error("{}: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's words.
        cause: std::io::Error,
    },
    /// The dump is the database that it was to go into.
    #[error("{} is the database itself", .0.display())]
    Itself(PathBuf),
    /// The file of the database appeared while it was built.
    #[error("another process created {} meanwhile", .0.display())]
    Appeared(PathBuf),
    /// Another import into the same database, or another connection, was in the way.
    #[error("{what} for {} s", waited.as_secs())]
    Waited {
        /// What was in the way, to complete "… for 10 s".
        what: String,
        /// How long.
        waited: Duration,
    },
    /// The network failed, and whether the last chunk happened could not be learnt in time.
    #[error(transparent)]
    Unknown(RemoteError),
    /// The run was told to stop.
    #[error("interrupted")]
    Interrupted,
    /// A thread is gone.
    #[error("a thread of the import ended early")]
    Thread,
}

/// A row without its parent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Orphan {
    /// The table of the row.
    pub table: String,
    /// The row, where its table has row ids.
    pub rowid: Option<i64>,
    /// The table in which its parent is missing.
    pub parent: String,
}

impl Why {
    /// With what is committed, as far as that is known.
    pub(super) fn leaving(self, stands: Stands) -> ImportError {
        let stands = match self {
            Why::Unknown(_) => Stands::Unknown,
            _ => stands,
        };
        ImportError {
            why: self,
            stands,
            begun: None,
        }
    }

    /// Why a database could not be built beside its place, or not be put there.
    pub(super) fn building(error: DbError) -> Why {
        match error {
            DbError::File {
                path,
                cause: source,
            } => Why::File {
                path,
                cause: source,
            },
            DbError::Appeared(path) => Why::Appeared(path),
            DbError::BeingBuilt { waited, .. } => Why::Waited {
                what: "another process imported into this file".to_owned(),
                waited,
            },
            error if error.code() == Some(Code::Interrupted) => Why::Interrupted,
            error => Why::Db(error),
        }
    }

    /// Why a transaction of an import did not happen, where that was not about a row.
    pub(super) fn unsettled(unsettled: Unsettled, db: &Db) -> Why {
        match unsettled {
            Unsettled::Moved => Why::Overtaken,
            Unsettled::Unknown(lost) | Unsettled::Failed(Failure::Lost(lost)) => Why::Unknown(lost),
            Unsettled::Failed(failure) if failure.is_locked_out() => Why::Waited {
                what: LOCK_HELD.to_owned(),
                waited: db.lock_timeout(),
            },
            Unsettled::Failed(Failure::Open(error)) => Why::Db(error),
            Unsettled::Failed(Failure::Step { error, .. }) => Why::engine(error),
        }
    }

    /// What an engine said that was not about a row.
    pub(super) fn engine(error: EngineError) -> Why {
        match error.code {
            Code::Interrupted => Why::Interrupted,
            _ => Why::Engine { error },
        }
    }

    /// What an engine said when it looked for rows without their parents.
    pub(super) fn checking(error: EngineError, wanted: &Wanted) -> Why {
        match mismatch(&error) {
            Some((child, parent)) => Why::Mismatch {
                line: wanted.made_in(&child),
                child,
                parent,
            },
            None => Why::engine(error),
        }
    }

    /// Whether it is that a foreign key refers to no key.
    pub(super) fn is_mismatch(&self) -> bool {
        match self {
            Why::Mismatch { .. } => true,
            Why::Engine { error } | Why::Db(DbError::Read(error)) => mismatch(error).is_some(),
            _ => false,
        }
    }

    /// Refuses a dump with objects that the engine lacks something for.
    pub(super) fn refuse_lacking(lacking: Vec<Doubt>) -> Result<(), Why> {
        match lacking.is_empty() {
            true => Ok(()),
            false => Err(Why::Lacking(lacking)),
        }
    }

    /// What an engine said of this place of the dump.
    pub(super) fn refused(error: EngineError, at: At, among: usize, table: Option<String>) -> Why {
        match error.code {
            Code::Interrupted => Why::Interrupted,
            _ => Why::Refused {
                at,
                among,
                table,
                object: None,
                error,
            },
        }
    }

    /// The same of a statement that creates an object.
    pub(super) fn creating(mut self, statement: &What) -> Why {
        if let (
            Why::Refused { object, .. },
            What::Create {
                object: kind, name, ..
            },
        ) = (&mut self, statement)
        {
            *object = Some(Box::new((kind.word(), name.clone())));
        }
        self
    }
}

impl fmt::Display for ImportError {
    /// The line of the dump where there is one, and what went wrong.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Why::Refused { at, .. } | Why::TooBig { at, .. } | Why::NotUtf8 { at, .. } =
            &self.why
        {
            write!(f, "line {} of the dump: ", at.line)?;
        }
        self.why.fmt(f)
    }
}

impl std::error::Error for ImportError {
    // The words of `why` are the message.
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.why.source()
    }
}

impl From<Why> for ImportError {
    /// Nothing stands.
    fn from(why: Why) -> ImportError {
        why.leaving(Stands::Nothing)
    }
}

/// The tables of the engine's words `foreign key mismatch - "child" referencing "parent"`, which have no code of their own.
fn mismatch(error: &EngineError) -> Option<(String, String)> {
    let (_, tables) = error.message.split_once("foreign key mismatch - \"")?;
    let (child, parent) = tables.split_once("\" referencing \"")?;
    let (parent, _) = parent.rsplit_once('"')?;
    Some((child.to_owned(), parent.to_owned()))
}

fn of_column(column: Option<&str>) -> String {
    column.map_or_else(String::new, |name| format!(" in column {name}"))
}

/// `1 row has no parent`, `2 rows have no parents`
fn orphans(count: u64) -> String {
    match count {
        1 => "1 row lacks its parent".to_owned(),
        _ => format!("{count} rows lack their parents"),
    }
}

fn many(count: u64) -> String {
    match count {
        1 => "1 row".to_owned(),
        _ => format!("{count} rows"),
    }
}

fn of_others(tables: &[(String, u64)]) -> String {
    let table = |(table, rows): &(String, u64)| {
        format!(
            "{table} has {} that this import has not written",
            many(*rows)
        )
    };
    let tables: Vec<String> = tables.iter().map(table).collect();
    tables.join(", ")
}

fn clashes(clashes: &[Clash]) -> String {
    match clashes {
        [clash] => clash.to_string(),
        _ => format!("{} tables are in the way", clashes.len()),
    }
}
