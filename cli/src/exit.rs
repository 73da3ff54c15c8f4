//! Exit codes. They are a contract: other programs branch on them.

use seedbed::diagnostic::Class;

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// Done, or nothing to do.
    Done,
    /// Pending work exists.
    Pending,
    /// Stopped by errors of this class.
    Stopped(Class),
}

impl Exit {
    /// The number.
    pub(super) fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Pending => 3,
            Exit::Stopped(class) => class.exit_code(),
        }
    }
}

impl From<Option<Class>> for Exit {
    /// Without an error, all is done.
    fn from(class: Option<Class>) -> Exit {
        class.map_or(Exit::Done, Exit::Stopped)
    }
}
