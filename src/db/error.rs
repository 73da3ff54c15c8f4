//! What can go wrong between us and an engine, and what state it leaves behind.

use std::path::PathBuf;

use crate::sql::Value;

/// Kinds of engine errors that callers tell apart: <https://sqlite.org/rescode.html>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Code {
    /// Another process held the lock until the lock timeout passed.
    Busy,
    /// The database, its file or its token allows reading only.
    ReadOnly,
    /// The file is not a database.
    NotADatabase,
    /// The file or its folder cannot be opened.
    CannotOpen,
    /// The disk, or the database's own limit, is full.
    Full,
    /// A value, a row or a statement is larger than the engine takes.
    TooBig,
    /// A constraint does not hold.
    Constraint,
    /// The run was told to stop.
    Interrupted,
    /// The file is damaged.
    Corrupt,
    /// Reading or writing failed in the operating system.
    Io,
    /// The server refused a statement that SQLite can parse: it parses each statement with a parser of its own first.
    Unsupported,
    /// The server blocks reads or writes, whatever the statement, as with an unpaid invoice.
    Blocked,
    /// Everything else: syntax errors, missing tables. The number is SQLite's extended result code.
    Other(i32),
}

impl Code {
    /// What a statement needs is locked by its own transaction: <https://sqlite.org/rescode.html#locked>.
    pub(crate) const LOCKED: Code = Code::Other(6);

    /// The kind of an extended result code.
    pub fn of(extended: i32) -> Code {
        match extended & 0xff {
            5 | 6 => Code::Busy,
            8 => Code::ReadOnly,
            9 => Code::Interrupted,
            10 => Code::Io,
            11 => Code::Corrupt,
            13 => Code::Full,
            14 => Code::CannotOpen,
            18 => Code::TooBig,
            19 => Code::Constraint,
            26 => Code::NotADatabase,
            _ => Code::Other(extended),
        }
    }
}

/// The engine refused a statement, in its own words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct EngineError {
    /// The kind.
    pub code: Code,
    /// The engine's words.
    pub message: String,
    /// The byte of the statement that they are about, where the engine tells.
    pub offset: Option<usize>,
}

impl EngineError {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> EngineError {
        EngineError {
            code,
            message: message.into(),
            offset: None,
        }
    }

    /// Whether it is about the statement, as with a missing column, and not about the state of the database, as with a
    /// lock.
    pub(crate) fn is_about_the_statement(&self) -> bool {
        matches!(self.code, Code::Other(_) | Code::Unsupported)
    }

    /// The same error of a statement inside a transaction that has its lock already: what is locked, its own transaction
    /// has locked, so waiting does not help.
    pub(crate) fn of_the_statement(self) -> EngineError {
        match self.code {
            Code::Busy => EngineError {
                code: Code::LOCKED,
                ..self
            },
            _ => self,
        }
    }

    pub(crate) fn interrupted() -> EngineError {
        EngineError::new(Code::Interrupted, "interrupted")
    }
}

impl From<libsql::Error> for EngineError {
    fn from(error: libsql::Error) -> EngineError {
        match error {
            libsql::Error::SqliteFailure(code, message) => {
                EngineError::new(Code::of(code), message)
            }
            // The crate puts the result code at the end of a sentence of its own.
            libsql::Error::ConnectionFailed(message) => {
                let code = message.rsplit(' ').next().and_then(|n| n.parse().ok());
                let code = code.map_or(Code::CannotOpen, Code::of);
                EngineError::new(code, "unable to open database file")
            }
            other => EngineError::new(Code::Other(1), other.to_string()),
        }
    }
}

/// A database could not be opened or read. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DbError {
    /// The file of a local database.
    #[error("cannot open the database {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The engine's words.
        source: EngineError,
    },
    /// A path that the engine cannot take.
    #[error("the path of the database, {}, {why}", path.display())]
    Path {
        /// The path.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A mode that this build has not.
    #[error("mode {mode} is not in this build")]
    NotBuilt {
        /// The mode: `remote`.
        mode: &'static str,
        /// The feature of this crate that has it.
        feature: &'static str,
    },
    /// It opened and could not be read.
    #[error("cannot read the database")]
    Read(#[source] EngineError),
    /// It answered without an error, and gave other results or rows than it was asked for.
    #[error("the answer is incomplete: {0}")]
    Incomplete(String),
    /// The server did not answer, or refused.
    #[error(transparent)]
    Remote(#[from] super::RemoteError),
    /// The file of a replica is something else.
    #[error("{} is no replica: it {why}", path.display())]
    NotAReplica {
        /// The file.
        path: PathBuf,
        /// What it is.
        why: &'static str,
    },
    /// Some files of a replica are missing, or too many.
    #[error("the replica {} is broken: it {why}", path.display())]
    BrokenReplica {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: &'static str,
    },
    /// A replica holds what its primary never had.
    #[error("the replica {} follows another primary than {primary}{}", path.display(), which(followed.as_deref(), primary))]
    OtherPrimary {
        /// The file.
        path: PathBuf,
        /// The primary of the settings.
        primary: String,
        /// The one that it was last synced with, where that is known.
        followed: Option<String>,
    },
    /// The primary at the URL of a replica has another history than the replica.
    #[error("the primary {primary} has another history than the replica {}: {how}", path.display())]
    OtherHistory {
        /// The file.
        path: PathBuf,
        /// The primary.
        primary: String,
        /// What shows it.
        how: OtherHistory,
    },
    /// The last sync of a replica brought a part of what its primary had.
    #[error("the last sync of the replica {} did not end: {}", path.display(), how_far(*frame, *primary))]
    UnfinishedReplica {
        /// The file.
        path: PathBuf,
        /// The last frame that it has.
        frame: Option<u64>,
        /// The last frame of its primary, where that is known.
        primary: Option<u64>,
    },
    /// Another process syncs the same replica.
    #[error("another process syncs the replica {}, and was not done within {} s", path.display(), waited.as_secs_f64())]
    SyncLocked {
        /// The file.
        path: PathBuf,
        /// How long it was waited for.
        waited: std::time::Duration,
    },
    /// The primary answers, and yet the replica could not follow.
    #[error("cannot sync the replica {}: {why}", path.display())]
    NotSynced {
        /// The file.
        path: PathBuf,
        /// The kind of reason.
        fault: super::SyncFault,
        /// The engine's words.
        why: String,
    },
    /// There is no database, or an empty one, and side files of its name are left over from another database.
    #[error("{} {}, and side files of another database of that name are beside it", path.display(), state(path))]
    SideFiles {
        /// Where the database would be.
        path: PathBuf,
        /// The side files.
        files: Vec<super::SideFile>,
    },
    /// Another process has the file open that was to be replaced.
    #[error("{} is in use by another process", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
        /// How long it was waited for.
        waited: std::time::Duration,
    },
    /// Another process builds a database for the same place.
    #[error("another process is building {}", path.display())]
    BeingBuilt {
        /// The file.
        path: PathBuf,
        /// How long it was waited for.
        waited: std::time::Duration,
    },
    /// Another process created the file while the database for it was built.
    #[error("{} was created by another process meanwhile", .0.display())]
    Appeared(PathBuf),
    /// The content of a file could not be replaced; it is as it was.
    #[error("cannot replace the content of {}", path.display())]
    Replace {
        /// The file.
        path: PathBuf,
        /// The engine's words.
        source: EngineError,
    },
    /// A file could not be read, removed or created.
    #[error("{}: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's words.
        cause: std::io::Error,
    },
    /// The thread that held the connection could not be started, or panicked.
    #[error("the thread of the database ended early")]
    Thread(#[source] std::io::Error),
}

fn state(path: &std::path::Path) -> &'static str {
    match path.exists() {
        true => "is empty",
        false => "does not exist",
    }
}

/// Which primary it was instead.
fn which(followed: Option<&str>, primary: &str) -> String {
    match followed {
        Some(url) if url != primary => format!(": {url}"),
        _ => String::new(),
    }
}

/// What shows that a primary has another history than a replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OtherHistory {
    /// The log of the primary has another id.
    #[error(
        "its log is a new one, as after a crash of the server, or of a database that was created again"
    )]
    NewLog,
    /// The log of the primary ends before the last frame of the replica.
    #[error("it was put back to an older copy of itself: the replica is at frame {ours}, and {}", ends(*theirs))]
    PutBack {
        /// The last frame of the replica.
        ours: u64,
        /// That of the primary, where it tells.
        theirs: Option<u64>,
    },
    /// The log of the primary is as long, and has other frames.
    #[error(
        "it was put back to an older copy of itself and changed since: its frames up to {frame} are other ones"
    )]
    OtherFrames {
        /// The last frame of the replica.
        frame: u64,
    },
}

fn ends(theirs: Option<u64>) -> String {
    match theirs {
        Some(frame) => format!("the log of the primary ends at frame {frame}"),
        None => "the log of the primary ends before that".to_owned(),
    }
}

fn how_far(frame: Option<u64>, primary: Option<u64>) -> String {
    let ours = frame.map_or("no frame".to_owned(), |frame| format!("frame {frame}"));
    let theirs = primary.map(|frame| format!(", and its primary at frame {frame}"));
    format!("it is at {ours}{}", theirs.unwrap_or_default())
}

impl DbError {
    /// Whether the same may succeed a little later: the server could not be reached, or had too much to do, or another
    /// process was syncing.
    pub fn may_pass(&self) -> bool {
        match self {
            DbError::Remote(error) => error.may_pass(),
            DbError::SyncLocked { .. } => true,
            DbError::NotSynced { fault, .. } => fault.may_pass(),
            _ => false,
        }
    }

    /// The kind of the engine's error beneath, if there is one.
    pub fn code(&self) -> Option<Code> {
        match self {
            DbError::Open { source, .. }
            | DbError::Read(source)
            | DbError::Replace { source, .. } => Some(source.code),
            DbError::SyncLocked { .. }
            | DbError::InUse { .. }
            | DbError::BeingBuilt { .. }
            | DbError::NotSynced {
                fault: super::SyncFault::Locked,
                ..
            } => Some(Code::Busy),
            DbError::Path { .. } | DbError::NotBuilt { .. } | DbError::Thread(_) => None,
            DbError::Remote(_)
            | DbError::Incomplete(_)
            | DbError::NotAReplica { .. }
            | DbError::BrokenReplica { .. }
            | DbError::OtherPrimary { .. }
            | DbError::OtherHistory { .. }
            | DbError::UnfinishedReplica { .. }
            | DbError::NotSynced { .. }
            | DbError::SideFiles { .. }
            | DbError::Appeared(_)
            | DbError::File { .. } => None,
        }
    }
}

/// The point of a transaction at which it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum At {
    /// Before its first statement: the pragma or `BEGIN IMMEDIATE`.
    Begin,
    /// The step of this number, from 0.
    Step(usize),
    /// `COMMIT`.
    Commit,
}

/// What a failed transaction left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Left {
    /// Nothing: it was rolled back, or never began.
    Nothing,
    /// It had no transaction: the steps before the failed one stand.
    EarlierSteps,
}

/// A run of transactions stopped at one of them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The database could not be opened; nothing ran.
    #[error(transparent)]
    Open(#[from] DbError),
    /// The answer never came: the server may have run all of it, may run it yet, or never will.
    #[error(transparent)]
    Lost(super::RemoteError),
    /// A statement failed.
    #[error("{error}")]
    Step {
        /// How many transactions were committed before this one.
        committed: usize,
        /// Where in the transaction after those.
        at: At,
        /// The engine's words.
        error: EngineError,
        /// The rows of the failed step's `explain` query.
        explanation: Vec<Vec<Value>>,
        /// What this transaction left behind.
        left: Left,
    },
}

impl Failure {
    /// The same failure of a run of which `before` transactions had been committed already.
    #[cfg(feature = "remote")]
    pub(crate) fn after(mut self, before: usize) -> Failure {
        if let Failure::Step { committed, .. } = &mut self {
            *committed += before;
        }
        self
    }

    /// The kind of the engine's error beneath, if there is one.
    pub fn code(&self) -> Option<Code> {
        match self {
            Failure::Open(error) => error.code(),
            Failure::Step { error, .. } => Some(error.code),
            Failure::Lost(_) => None,
        }
    }

    /// Whether the lock of another connection was in the way of all of it. Once something is committed, or has run
    /// outside of a transaction, what that left behind matters more than the lock.
    pub(crate) fn is_locked_out(&self) -> bool {
        let begun = matches!(self, Failure::Step { committed, .. } if *committed > 0);
        self.code() == Some(Code::Busy) && !begun
    }

    /// The run was told to stop before it began.
    pub(crate) fn interrupted() -> Failure {
        Failure::Step {
            committed: 0,
            at: At::Begin,
            error: EngineError::interrupted(),
            explanation: Vec::new(),
            left: Left::Nothing,
        }
    }
}
