//! Why rows are no seed file, in words.

use super::MOST_ROWS;

/// One reason. Its words are a lower-case fragment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// There is no such table.
    #[error("there is no table `{table}`")]
    UnknownTable {
        /// What was asked for.
        table: String,
        /// The table that was probably meant.
        nearest: Option<String>,
    },
    /// Its rows are not its own.
    #[error("`{table}` is {what}, and rows are seeded into tables")]
    NotATable {
        /// The name.
        table: String,
        /// "a view"
        what: &'static str,
    },
    /// A name that a seed file keeps for itself.
    #[error("`{table}` is a name of Seedbed's own in a seed file, and no table there")]
    Reserved {
        /// The table.
        table: String,
    },
    /// All tables were asked for, and there is none.
    #[error("the database has no table")]
    NoTables,
    /// A mask of no column.
    #[error("table `{table}` has no column `{column}` to mask")]
    UnknownColumn {
        /// The table.
        table: String,
        /// What was asked for.
        column: String,
        /// The column that was probably meant.
        nearest: Option<String>,
    },
    /// A mask of a table that is not exported.
    #[error("`{table}.{column}` is to be masked, and `{table}` is not exported")]
    MaskElsewhere {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// A column that cannot be masked.
    #[error("`{table}.{column}` cannot be masked: {why}")]
    Mask {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The reason.
        why: &'static str,
    },
    /// A column that does not take the values that stand in for its own.
    #[error(
        "`{table}.{column}` cannot be masked: the values that would stand in are refused: {words}"
    )]
    MadeUp {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The engine's words.
        words: String,
    },
    /// More rows than a seed file takes.
    #[error("there are more than {MOST_ROWS} rows, and one seed file takes no more")]
    TooMany,
    /// Rows that could not be found again.
    #[error("the rows of `{table}` could not be found again: {why}")]
    NoKey {
        /// The table.
        table: String,
        /// The reason.
        why: &'static str,
    },
    /// Rows without a parent.
    #[error("{rows} of the rows of `{table}` refer to a row of `{parent}` that is not there")]
    Orphans {
        /// The table.
        table: String,
        /// The table of the parents.
        parent: String,
        /// How many.
        rows: i64,
    },
    /// A reference that only the engine's comparison follows.
    #[error(
        "`{column}` of {row} refers to a row of `{parent}` by a value that is spelled otherwise there"
    )]
    Spelling {
        /// The row, in words.
        row: String,
        /// The column.
        column: String,
        /// The table of the parent.
        parent: String,
    },
    /// A value that no seed file can say.
    #[error("`{column}` of {row} {why}{}", more(*.others))]
    Cell {
        /// The table.
        table: String,
        /// The first such row, in words.
        row: String,
        /// The column.
        column: String,
        /// The reason: "is text with a NUL in it".
        why: &'static str,
        /// How many more rows have such a value there.
        others: usize,
    },
    /// Text that no file can hold.
    #[error("`{table}.{column}` has text with a NUL in it, in {rows} of the rows")]
    Nul {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// How many rows.
        rows: u64,
    },
    /// Rows that can only be written together.
    #[error("these rows refer to each other in a circle that no NULL can open: {}", .0.join(" → "))]
    Loop(Vec<String>),
    /// The file does not say what was read.
    #[error("the rows cannot be written as one seed file: {0}")]
    Unproven(String),
}

impl Refusal {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::UnknownTable { .. } => "unknown-table",
            Refusal::NotATable { .. } => "not-a-table",
            Refusal::Reserved { .. } => "reserved-name",
            Refusal::NoTables => "no-tables",
            Refusal::UnknownColumn { .. } => "unknown-column",
            Refusal::MaskElsewhere { .. } | Refusal::Mask { .. } | Refusal::MadeUp { .. } => "mask",
            Refusal::TooMany => "too-many-rows",
            Refusal::NoKey { .. } => "no-key",
            Refusal::Orphans { .. } => "no-parent",
            Refusal::Spelling { .. } => "other-spelling",
            Refusal::Cell { .. } | Refusal::Nul { .. } => "value",
            Refusal::Loop(_) => "reference-loop",
            Refusal::Unproven(_) => "not-a-seed",
        }
    }

    /// Whether something else should have been asked for; otherwise it is the rows.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Refusal::UnknownTable { .. }
                | Refusal::NotATable { .. }
                | Refusal::UnknownColumn { .. }
                | Refusal::MaskElsewhere { .. }
                | Refusal::Mask { .. }
                | Refusal::MadeUp { .. }
        )
    }

    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        let nearest =
            |nearest: &Option<String>| nearest.as_ref().map(|it| format!("did you mean `{it}`?"));
        let help = match self {
            Refusal::UnknownTable { nearest: it, .. } => {
                return nearest(it).or_else(|| Some("`inspect` lists the tables".to_owned()));
            }
            Refusal::UnknownColumn { nearest: it, .. } => return nearest(it),
            Refusal::MaskElsewhere { table, .. } => {
                return Some(format!("name `{table}` among the tables too"));
            }
            Refusal::NotATable { .. } => "export the tables that its rows come from",
            Refusal::NoTables => "`status` shows which migrations have been applied",
            Refusal::TooMany => "name fewer tables; a dump is made for many rows",
            Refusal::NoKey { .. } => "give the table a primary key, or leave it out",
            Refusal::Orphans { .. } => "seeding would refuse them: correct or delete them first",
            Refusal::Spelling { .. } => "spell it as it is there, or leave one of the tables out",
            Refusal::Cell { .. } | Refusal::Nul { .. } => {
                "change the value, or leave the table out"
            }
            Refusal::Loop(_) => "leave one of the tables out",
            Refusal::MadeUp { .. } => {
                "leave the table out, or export it without this mask and replace the values by hand"
            }
            Refusal::Reserved { .. } | Refusal::Mask { .. } | Refusal::Unproven(_) => return None,
        };
        Some(help.to_owned())
    }
}

/// All reasons in one line.
pub(super) fn sentence(refusals: &[Refusal]) -> String {
    let all: Vec<String> = refusals.iter().map(ToString::to_string).collect();
    all.join("; ")
}

fn more(others: usize) -> String {
    match others {
        0 => String::new(),
        1 => ", and so does another row".to_owned(),
        more => format!(", and so do {more} more rows"),
    }
}
