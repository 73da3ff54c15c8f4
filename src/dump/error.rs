//! What can be wrong with a dump. Every problem of its text has a place and its line.

use std::fmt;
use std::io;

use crate::diagnostic::{Diagnostic, Line, Location, lines};

/// Why a dump cannot be read to its end, or is not a dump.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DumpError {
    /// It cannot be opened.
    #[error("cannot open {name}")]
    Open {
        /// The dump.
        name: String,
        /// What the system says.
        #[source]
        cause: io::Error,
    },
    /// It cannot be read any further.
    #[error("cannot read {name} behind byte {offset}")]
    Read {
        /// The dump.
        name: String,
        /// How much of its text was read.
        offset: u64,
        /// What the system says.
        #[source]
        cause: io::Error,
    },
    /// It is something else than a dump.
    #[error("{name} {what}")]
    NotADump {
        /// The file.
        name: String,
        /// What it is instead.
        what: NotADump,
    },
    /// It is packed with gzip, and the packed bytes are damaged.
    #[error("the gzip of {name} is damaged behind byte {offset} of its text")]
    Gzip {
        /// The dump.
        name: String,
        /// How much of its text could be unpacked.
        offset: u64,
        /// What is wrong.
        #[source]
        cause: io::Error,
    },
    /// It ends before it is complete: what is missing is unknown.
    #[error("{name} is cut short: {}", at_byte(problem))]
    CutShort {
        /// The dump.
        name: String,
        /// Where, and in the middle of what.
        problem: Box<Diagnostic>,
    },
    /// Its last word is `ROLLBACK`: the program that wrote it could not read all of the database.
    #[error(
        "{name} ends with ROLLBACK in line {line} (byte {offset}): its writer could not read the whole database"
    )]
    RolledBack {
        /// The dump.
        name: String,
        /// Where the `ROLLBACK` is.
        offset: u64,
        /// Its line from 1.
        line: u64,
    },
    /// Some of its statements are refused: all that were found, in their order.
    #[error("{}", lines(problems))]
    Refused {
        /// The dump.
        name: String,
        /// At least one.
        problems: Vec<Diagnostic>,
        /// Whether reading stopped at the last of these, because they were enough.
        more: bool,
    },
    /// It is a local database that cannot be read as it is: it is damaged, or a copy of its rows would differ from them.
    #[error("{}", lines(problems))]
    Database {
        /// The database.
        name: String,
        /// At least one.
        problems: Vec<Diagnostic>,
    },
    /// A statement longer than any engine takes.
    #[error("{name}: {}", at_byte(problem))]
    TooLong {
        /// The dump.
        name: String,
        /// Where it begins.
        problem: Box<Diagnostic>,
    },
    /// It is not the dump that was read up to this byte before.
    #[error("{name} has changed: its first {offset} bytes are not those that were read before")]
    Changed {
        /// The dump.
        name: String,
        /// How much of it was read before.
        offset: u64,
    },
}

/// The kind of a file that is not a dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotADump {
    /// Nothing.
    #[error("is empty: not even an empty database has such a dump")]
    Empty,
    /// Text in UTF-16, as PowerShell's `>` writes it.
    #[error(
        "is UTF-16: write it with `sqlite3 old.db \".output dump.sql\" .dump`, since the shell's > changes the encoding"
    )]
    Utf16,
    /// Bytes of some other kind.
    #[error("is no text: it has a NUL at byte {offset}")]
    Binary {
        /// The first byte that no text has.
        offset: u64,
    },
    /// An archive of another kind than gzip.
    #[error("is packed with {format}: unpack it first (gzip needs no unpacking)")]
    Packed {
        /// The program that packs so.
        format: &'static str,
    },
    /// A dump of MySQL or MariaDB.
    #[error(
        "is a dump of MySQL or MariaDB, and SQLite reads no such SQL: convert it first, for example with `mysql2sqlite`"
    )]
    Mysql,
    /// A dump of PostgreSQL, as text or in its own format.
    #[error(
        "is a dump of PostgreSQL, and SQLite reads no such SQL: convert it first, for example with `pgloader` or `db-to-sqlite`"
    )]
    Postgres,
    /// A script of SQL Server.
    #[error("is a script of SQL Server, and SQLite reads no such SQL: convert it first")]
    SqlServer,
    /// It changes what ends a statement.
    #[error(
        "has lines with DELIMITER, which only Adminer and the clients of MySQL read: write the dump with `sqlite3 old.db .dump` or `export --database old.db`"
    )]
    Delimiter,
    /// A page of HTML, or XML: what a download gives where it needs a sign-in.
    #[error("is HTML or XML and no SQL: if it was downloaded, check whether that needs a sign-in")]
    Markup,
    /// What Git has where the file itself is in its Large File Storage.
    #[error("is a pointer of Git LFS and not the file: `git lfs pull` fetches it")]
    LfsPointer,
    /// JSON.
    #[error(
        "is JSON and no SQL: `sqlite3` and `sqlite-utils` make tables of it, or write it as a seed"
    )]
    Json,
    /// Values that commas or tabs separate.
    #[error(
        "is CSV and no SQL: import it with `sqlite3 new.db \".import --csv FILE TABLE\"`, and then import that file"
    )]
    Csv,
    /// Bytes as an encrypted database has them: nothing shows what is in it.
    #[error(
        "is neither a text nor a readable database; if it is an encrypted database, decrypt it first (SQLCipher: `sqlcipher_export`)"
    )]
    Encrypted,
    /// A database, where only a text can be read.
    #[error(
        "is a SQLite database that cannot be read from here: give the path of the file, unpacked"
    )]
    Database,
}

/// A place in the text of a dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Place {
    /// Bytes of the (unpacked) text before it.
    pub offset: u64,
    /// The line, from 1.
    pub line: u64,
    /// The column in characters, from 1.
    pub column: u64,
}

impl fmt::Display for Place {
    /// `line:column`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

impl Place {
    /// The location of a fault in the dump of this name. `line` has the text around it.
    pub(super) fn location(self, name: &str, line: Line) -> Location {
        Location::Line(Box::new(Line {
            file: name.to_owned(),
            offset: self.offset,
            line: self.line,
            column: self.column,
            ..line
        }))
    }
}

/// Line, byte and message.
fn at_byte(problem: &Diagnostic) -> String {
    match &problem.location {
        Some(Location::Line(line)) => format!(
            "line {} (byte {}): {}",
            line.line, line.offset, problem.message
        ),
        _ => problem.message.clone(),
    }
}

impl DumpError {
    /// What is wrong in the text, in its order; empty where it is not the text.
    pub fn problems(&self) -> &[Diagnostic] {
        match self {
            DumpError::Refused { problems, .. } | DumpError::Database { problems, .. } => problems,
            DumpError::CutShort { problem, .. } | DumpError::TooLong { problem, .. } => {
                std::slice::from_ref(problem)
            }
            _ => &[],
        }
    }

    /// Its kind, as in JSON.
    pub fn code(&self) -> &'static str {
        match self {
            DumpError::Open { .. } => "cannot-open",
            DumpError::Read { .. } => "cannot-read",
            DumpError::NotADump { .. } => "no-dump",
            DumpError::Gzip { .. } => "damaged-gzip",
            DumpError::CutShort { .. } => "cut-short",
            DumpError::RolledBack { .. } => "rolled-back",
            DumpError::Refused { .. } => "refused",
            DumpError::Database { .. } => "source-database",
            DumpError::TooLong { .. } => "too-long",
            DumpError::Changed { .. } => "changed-dump",
        }
    }
}
