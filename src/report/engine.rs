//! The kinds of engine errors: their names for programs, and what to do about them.

use crate::db::Code;
use crate::diagnostic::Class;

/// A stable name for programs.
pub(super) fn code_name(code: Code) -> &'static str {
    match code {
        Code::Busy => "lock-timeout",
        Code::ReadOnly => "read-only",
        Code::NotADatabase => "not-a-database",
        Code::CannotOpen => "cannot-open",
        Code::Full => "disk-full",
        Code::TooBig => "too-big",
        Code::Constraint => "constraint",
        Code::Interrupted => "interrupted",
        Code::Corrupt => "corrupt",
        Code::Io => "io",
        Code::Unsupported => "unsupported-by-server",
        Code::Blocked => "blocked",
        Code::Other(_) => "statement-failed",
    }
}

/// The exit class of an error of this kind.
pub(super) fn code_class(code: Option<Code>) -> Class {
    match code {
        Some(Code::Busy) => Class::Locked,
        Some(Code::Interrupted) => Class::Interrupted,
        _ => Class::Failed,
    }
}

/// What to do, where it is not the statement that has to be changed.
pub(super) fn code_help(code: Code) -> Option<&'static str> {
    Some(match code {
        Code::Busy => "wait until the other program is done with the database",
        Code::ReadOnly => {
            "check whether you may write the database file and its folder: the engine makes files beside it"
        }
        Code::NotADatabase => {
            "the file is something else, or encrypted: check whether it is the one that you meant, or name another with \
             `--database FILE`"
        }
        Code::CannotOpen => {
            "check whether the folder of the database exists, and whether you may read and write it"
        }
        Code::Full => {
            "make room: until it commits, a transaction needs space beside the database too"
        }
        Code::TooBig => {
            "a libSQL server takes 5 MB for a value or a row, a file 1 GB, and the text of a migration is recorded in a \
             row: divide it, or keep what is so large outside of the database"
        }
        Code::Corrupt => {
            "copy the file before anything else, then see what `PRAGMA integrity_check` says of it, or restore a backup"
        }
        Code::Io => {
            "the operating system failed to read or write: check that the disk is mounted and healthy"
        }
        Code::Blocked => {
            "no statement is the cause: the server blocks the whole database. Check the plan and the invoices of the \
             database (`turso plan show`), or ask the operator of the server"
        }
        Code::Constraint | Code::Interrupted | Code::Unsupported | Code::Other(_) => return None,
    })
}
