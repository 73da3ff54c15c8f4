//! Exit codes. They are a contract: other programs branch on them.

use crate::db::{Code, DbError};
use crate::drive::{ApplyError, Finding};
use crate::dump::import::{ImportError, Why};
use crate::dump::{DumpError, VerifyError};
use crate::history::HistoryError;
use crate::migrations::ReadError;

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// Done, or nothing to do.
    Done,
    /// The operation failed.
    Failed,
    /// Usage or configuration.
    Usage,
    /// Pending work exists.
    Pending,
    /// Checksums, missing files, order, names, a table that is not ours.
    Integrity,
    /// The schema is not what was expected.
    Drift,
    /// A lock was not had in time.
    Locked,
    /// The network failed, and it could not be learnt what became of the last change.
    Unknown,
    /// SIGINT or SIGTERM.
    Interrupted,
}

impl Exit {
    /// The number.
    pub(super) fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Pending => 3,
            Exit::Integrity => 4,
            Exit::Drift => 5,
            Exit::Locked => 6,
            Exit::Unknown => 8,
            Exit::Interrupted => 130,
        }
    }
}

impl<P: Finding> From<&ApplyError<P>> for Exit {
    fn from(error: &ApplyError<P>) -> Exit {
        match error {
            ApplyError::Problems { .. } => Exit::Integrity,
            ApplyError::Waited { .. } => Exit::Locked,
            ApplyError::History(error) => error.into(),
            ApplyError::Script(_) => by_code(error.code()),
            ApplyError::Unknown { .. } => Exit::Unknown,
        }
    }
}

impl From<&HistoryError> for Exit {
    fn from(error: &HistoryError) -> Exit {
        match error {
            HistoryError::NotOurs { .. }
            | HistoryError::Newer { .. }
            | HistoryError::Unfinished(_)
            | HistoryError::Unreadable { .. } => Exit::Integrity,
            HistoryError::Db(error) => error.into(),
        }
    }
}

impl From<&DbError> for Exit {
    fn from(error: &DbError) -> Exit {
        match error {
            // The settings name a file and a primary that do not belong together, or a mode that is not in this build.
            DbError::OtherPrimary { .. } | DbError::NotBuilt { .. } => Exit::Usage,
            DbError::SideFiles { .. } | DbError::Appeared(_) => Exit::Integrity,
            error => by_code(error.code()),
        }
    }
}

impl From<&ImportError> for Exit {
    fn from(error: &ImportError) -> Exit {
        match &error.why {
            Why::Dump(DumpError::Open { .. }) | Why::Itself(_) => Exit::Usage,
            Why::Dump(DumpError::Read { .. }) => Exit::Failed,
            Why::Dump(_)
            | Why::Clashes(_)
            | Why::Another { .. }
            | Why::Changed { .. }
            | Why::NotAlone { .. }
            | Why::TooBig { .. }
            | Why::ForeignKeys { .. }
            | Why::Appeared(_) => Exit::Integrity,
            Why::History(error) => error.into(),
            Why::Db(error) => error.into(),
            Why::Unknown(_) => Exit::Unknown,
            Why::Overtaken => Exit::Locked,
            Why::Refused { .. } | Why::Engine { .. } | Why::Waited { .. } | Why::Interrupted => {
                by_code(error.why.code())
            }
            Why::Count { .. } | Why::File { .. } | Why::Thread => Exit::Failed,
        }
    }
}

impl From<&VerifyError> for Exit {
    fn from(error: &VerifyError) -> Exit {
        match error {
            VerifyError::Dump(DumpError::Open { .. }) => Exit::Usage,
            VerifyError::Dump(DumpError::Read { .. }) | VerifyError::Thread(_) => Exit::Failed,
            VerifyError::Dump(_) => Exit::Integrity,
            VerifyError::Db(error) => error.into(),
        }
    }
}

impl From<&ReadError> for Exit {
    fn from(error: &ReadError) -> Exit {
        match error {
            ReadError::NoDirectory { .. } => Exit::Usage,
            ReadError::Unreadable { .. } => Exit::Failed,
        }
    }
}

fn by_code(code: Option<Code>) -> Exit {
    match code {
        Some(Code::Busy) => Exit::Locked,
        Some(Code::Interrupted) => Exit::Interrupted,
        _ => Exit::Failed,
    }
}
