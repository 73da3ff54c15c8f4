//! The tool that runs the files, and the engine that they are for: what decides whether foreign keys are on while a file runs, and
//! whether it is in a transaction. Pure.

use crate::layouts::Layout;
use crate::migrations::Stage;
use crate::script::{Atomicity, ForeignKeys};

/// The program that runs the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runner {
    /// Seedbed: foreign keys are off around a file that drops a table.
    Seedbed,
    /// drizzle-orm's `migrate`: all in one transaction. On libSQL its client turns foreign keys off before it.
    Drizzle,
    /// Prisma Migrate: no transaction, so that pragmas in the file work.
    Prisma,
    /// `wrangler d1 migrations apply`: foreign keys are on, and no pragma changes that.
    Wrangler,
    /// sqlx: each file in a transaction, with foreign keys on.
    Sqlx,
}

/// The engine that the files are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// libSQL in a local file or in memory.
    Local,
    /// A libSQL server.
    Libsql,
    /// The Turso engine.
    Turso,
    /// Cloudflare D1.
    D1,
    /// SQLite.
    Sqlite,
}

/// Whether foreign keys are enforced when a statement runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keys {
    On,
    Off,
}

impl Runner {
    /// The words of `--runner`.
    pub const WORDS: [&'static str; 5] = ["seedbed", "drizzle", "prisma", "wrangler", "sqlx"];

    /// The runner of a word.
    pub fn of_word(word: &str) -> Option<Runner> {
        Some(match word {
            "seedbed" => Runner::Seedbed,
            "drizzle" => Runner::Drizzle,
            "prisma" => Runner::Prisma,
            "wrangler" => Runner::Wrangler,
            "sqlx" => Runner::Sqlx,
            _ => return None,
        })
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Runner::Seedbed => "seedbed",
            Runner::Drizzle => "drizzle",
            Runner::Prisma => "prisma",
            Runner::Wrangler => "wrangler",
            Runner::Sqlx => "sqlx",
        }
    }

    /// The name of the program.
    pub(super) fn name(self) -> &'static str {
        match self {
            Runner::Seedbed => "Seedbed",
            Runner::Drizzle => "drizzle",
            Runner::Prisma => "Prisma",
            Runner::Wrangler => "wrangler",
            Runner::Sqlx => "sqlx",
        }
    }

    /// The runner of the files of a layout, where none is named: the tool that the layout is of, where its behaviour is
    /// known, else Seedbed.
    pub fn of_layout(layout: Layout, target: Target) -> Runner {
        match (layout, target) {
            (Layout::Numbered, Target::D1) => Runner::Wrangler,
            (Layout::Numbered, _) => Runner::Sqlx,
            (Layout::Drizzle, _) => Runner::Drizzle,
            (Layout::Prisma, _) => Runner::Prisma,
            _ => Runner::Seedbed,
        }
    }

    /// Whether a file runs inside a transaction of the runner.
    pub(super) fn wraps(self, stage: &Stage<'_>) -> bool {
        match self {
            Runner::Prisma => false,
            Runner::Drizzle | Runner::Wrangler => true,
            Runner::Seedbed | Runner::Sqlx => stage.reading.atomicity == Atomicity::Transaction,
        }
    }

    /// Whether it compares the bytes of a file with those that it applied.
    pub(super) fn compares_bytes(self) -> bool {
        match self {
            Runner::Sqlx | Runner::Prisma => true,
            // drizzle compares times, wrangler names, Seedbed the text with line ends of one kind.
            Runner::Seedbed | Runner::Drizzle | Runner::Wrangler => false,
        }
    }

    /// Whether `PRAGMA foreign_keys` in a file changes anything, and what holds at its beginning.
    pub(super) fn keys(self, stage: &Stage<'_>, target: Target) -> (Keys, bool) {
        match self {
            Runner::Seedbed => match stage.reading.foreign_keys {
                ForeignKeys::On => (Keys::On, false),
                _ => (Keys::Off, false),
            },
            Runner::Drizzle => match target {
                Target::D1 | Target::Sqlite => (Keys::On, false),
                Target::Turso => (Keys::Off, true),
                Target::Local | Target::Libsql => (Keys::Off, false),
            },
            Runner::Prisma => (Keys::On, true),
            Runner::Wrangler => (Keys::On, false),
            Runner::Sqlx => (Keys::On, !self.wraps(stage) || target == Target::Turso),
        }
    }
}

impl Target {
    /// The words of `--target`.
    pub const WORDS: [&'static str; 4] = ["libsql", "turso", "d1", "sqlite"];

    /// The target of a word.
    pub fn of_word(word: &str) -> Option<Target> {
        Some(match word {
            "libsql" => Target::Libsql,
            "turso" => Target::Turso,
            "d1" => Target::D1,
            "sqlite" => Target::Sqlite,
            _ => return None,
        })
    }

    /// The word for it; for a local file, which `--target` does not name, the engine.
    pub fn word(self) -> &'static str {
        match self {
            Target::Local => "local",
            Target::Libsql => "libsql",
            Target::Turso => "turso",
            Target::D1 => "d1",
            Target::Sqlite => "sqlite",
        }
    }

    /// Its name in a sentence.
    pub(super) fn name(self) -> &'static str {
        match self {
            Target::Local => "libSQL",
            Target::Libsql => "a libSQL server",
            Target::Turso => "the Turso engine",
            Target::D1 => "Cloudflare D1",
            Target::Sqlite => "SQLite",
        }
    }
}
