//! Layouts: the folders of other tools, read as they are. From paths and texts to the same migrations as Seedbed's own
//! files give: version, words, the texts that apply and undo, whether they run in a transaction, and the place of each
//! statement in its file. Pure: it opens no file and knows no database.
//!
//! A layout is a grammar, not a tool: tools whose files mean the same share one. What tools record of their files is not
//! known here.

mod choice;
mod detect;
mod diesel;
mod drizzle;
mod folders;
mod marker;
mod name;
mod naming;
mod numbered;
mod pairs;
mod prisma;
mod sections;
mod text;

use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::script::{Atomicity, Source};

pub use choice::{LayoutChoice, UnknownLayout};
pub(crate) use detect::{detect, is_ours};
pub(crate) use marker::{Instruction, LIQUIBASE, file_of_an_archive, marker, within_liquibase};
pub(crate) use naming::{
    NewFile, Unnamable, down_hint, file_of, is_unwritten, named, new_files, renamed,
};
use text::as_recorded;
pub(crate) use text::as_run;

/// How a folder of migrations is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[non_exhaustive]
pub enum Layout {
    /// `V{n}__{words}.sql`, as refinery has it, with `U`, `R` and `.down.sql`.
    #[default]
    Seedbed,
    /// `{n}_{words}.sql`: sqlx, wrangler.
    Numbered,
    /// `{n}_{words}.up.sql` and `.down.sql`: golang-migrate, geni, sqlx with reversible migrations.
    Pairs,
    /// `{n}_{words}/up.sql` and `down.sql`.
    Diesel,
    /// `{n}_{words}.sql` with sections `-- +goose Up` and `-- +goose Down`.
    Goose,
    /// `{n}_{words}.sql` with sections `-- migrate:up` and `-- migrate:down`.
    Dbmate,
    /// `{n}_{words}.sql` with sections `-- +migrate Up` and `-- +migrate Down`; where no file has a number, `{words}.sql`,
    /// numbered in the order of their names.
    SqlMigrate,
    /// `{tag}.sql` as `meta/_journal.json` lists them, or `{n}_{words}/migration.sql`, with `--> statement-breakpoint`.
    Drizzle,
    /// `{n}_{words}/migration.sql`.
    Prisma,
}

impl Layout {
    /// All of them.
    pub(crate) const ALL: [Layout; 9] = [
        Layout::Seedbed,
        Layout::Numbered,
        Layout::Pairs,
        Layout::Diesel,
        Layout::Goose,
        Layout::Dbmate,
        Layout::SqlMigrate,
        Layout::Drizzle,
        Layout::Prisma,
    ];

    /// The word that is recorded for it, and that `--layout` takes.
    pub fn word(self) -> &'static str {
        match self {
            Layout::Seedbed => "seedbed",
            Layout::Numbered => "sqlx",
            Layout::Pairs => "golang-migrate",
            Layout::Diesel => "diesel",
            Layout::Goose => "goose",
            Layout::Dbmate => "dbmate",
            Layout::SqlMigrate => "sql-migrate",
            Layout::Drizzle => "drizzle",
            Layout::Prisma => "prisma",
        }
    }

    /// The layout of a recorded word.
    pub(crate) fn of_word(word: &str) -> Option<Layout> {
        Layout::ALL.into_iter().find(|layout| layout.word() == word)
    }

    /// The tools that have it, in words.
    pub fn tools(self) -> &'static str {
        match self {
            Layout::Seedbed => "Seedbed",
            Layout::Numbered => "sqlx or wrangler",
            Layout::Pairs => "golang-migrate, geni or sqlx (reversible)",
            Layout::Diesel => "Diesel",
            Layout::Goose => "goose",
            Layout::Dbmate => "dbmate",
            Layout::SqlMigrate => "sql-migrate",
            Layout::Drizzle => "drizzle",
            Layout::Prisma => "Prisma",
        }
    }

    /// The names of its files, as a pattern.
    pub(crate) fn pattern(self) -> &'static str {
        match self {
            Layout::Seedbed => {
                "V{n}__{words}.sql, U{n}__{words}.sql, R__{words}.sql and V{n}__{words}.down.sql"
            }
            Layout::Numbered | Layout::Goose | Layout::Dbmate => "{n}_{words}.sql",
            Layout::SqlMigrate => "{n}_{words}.sql, or {words}.sql in the order of names",
            Layout::Pairs => "{n}_{words}.up.sql and {n}_{words}.down.sql",
            Layout::Diesel => "{n}_{words}/up.sql and {n}_{words}/down.sql",
            Layout::Drizzle => "those that meta/_journal.json lists",
            Layout::Prisma => "{n}_{words}/migration.sql",
        }
    }
}

/// A file of a folder.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct File {
    /// Path as it is shown and recorded, with `/`.
    pub(crate) path: String,
    /// Canonical text; empty where only the name matters.
    pub(crate) text: Arc<str>,
    /// Its bytes, where they are others: CRLF, a byte order mark.
    pub(crate) raw: Option<Arc<[u8]>>,
}

/// What runs of a file, in one direction.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Part {
    /// The file, with the text that runs: as long as the file's, so that each place in it is one in the file, and blank
    /// where something else stands.
    pub(crate) source: Arc<Source>,
    /// The text that is checksummed and recorded.
    pub(crate) recorded: Arc<str>,
    /// The bytes of the file, where they are others.
    pub(crate) raw: Option<Arc<[u8]>>,
    /// Whether it runs in a transaction.
    pub(crate) atomicity: Atomicity,
}

/// One migration.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Claim {
    /// The tool's own number.
    pub(crate) version: i64,
    /// The words of its name.
    pub(crate) words: String,
    /// What applies it.
    pub(crate) up: Part,
    /// What undoes it, where that does something.
    pub(crate) down: Option<Part>,
    /// When its tool generated it, in milliseconds since 1970, where the tool records that.
    pub(crate) generated_at: Option<i64>,
}

/// The migrations of a folder, in no particular order, and what is wrong with its files.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct LaidOut {
    /// Several of them may have the same version.
    pub(crate) claims: Vec<Claim>,
    /// Files that do not fit.
    pub(crate) problems: Vec<Diagnostic>,
}

/// Reads the files of a folder in a layout other than Seedbed's.
pub(crate) fn lay_out(layout: Layout, files: Vec<File>) -> LaidOut {
    let mut out = LaidOut::default();
    let files = folders::only_migrations(layout, files, &mut out.problems);
    match layout {
        Layout::Seedbed => {}
        Layout::Numbered | Layout::Goose | Layout::Dbmate | Layout::SqlMigrate => {
            numbered::read(layout, files, &mut out);
        }
        Layout::Pairs => pairs::read(files, &mut out),
        Layout::Diesel => diesel::read(files, &mut out),
        Layout::Drizzle => drizzle::read(files, &mut out),
        Layout::Prisma => prisma::read(files, &mut out),
    }
    out
}

/// Whether a file has the name of a migration: of this layout, or of Seedbed's own.
pub(crate) fn is_named_as_a_migration(layout: Layout, path: &str) -> bool {
    let fits = match layout {
        Layout::Seedbed => false,
        Layout::Drizzle => name::stem(name::last(path))
            .and_then(name::numbered)
            .is_some(),
        _ => folders::fits(layout, path),
    };
    fits || is_ours(path)
}

/// Whether the name of a file tells no number, so that its number is its place among the others.
pub(crate) fn goes_by_name(layout: Layout, path: &str) -> bool {
    numbered::goes_by_name(layout, path)
}

/// Whether a layout can have files of this path, by its name: what is read of a folder beside its `.sql` files.
pub(crate) fn belongs_to_a_layout(path: &str) -> bool {
    has_contents(path) || path.ends_with("/snapshot.json") || folders::is_program(path)
}

/// Whether the contents of such a file matter, not its name alone.
pub(crate) fn has_contents(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    match name {
        "_journal.json" => folder == "meta" || folder.ends_with("/meta"),
        "metadata.toml" | "migration_lock.toml" => true,
        _ => false,
    }
}
