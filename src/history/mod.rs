//! The `_migrations` table: what was done to a database, by which user, and when.
//!
//! [`read`] looks and never writes; a database without the table has an empty history. [`run`] carries out a
//! [`Script`](crate::script::Script): it adds to the script's own statements those that record them and the guard
//! that refuses a script planned on another revision, and hands the whole to [`crate::db`]. Deciding what to do is
//! not its business.

mod added_columns;
mod adoptable;
mod at_risk;
mod cause;
mod checks;
mod created;
mod effects;
mod error;
mod guards;
mod keeping;
mod known;
mod layout;
mod left_broken;
mod left_rows;
mod mark;
mod not_begun;
mod old_rows;
mod orphans;
mod other_tools;
mod others;
mod outside;
mod outside_rows;
mod packed;
mod patience;
mod purposes;
mod quoted;
mod read;
mod recorded_texts;
mod refusal;
mod restore;
mod row_guards;
mod run;
mod settle;
mod trigger;
mod view;
mod watch;
mod write;

pub(crate) use cause::breaks;
pub(crate) use checks::checked_tables;
pub use error::{Failed, HistoryError, Part, RunError};
pub use known::Known;
pub use layout::{
    ADOPTED_AT, ADOPTED_FROM, BASELINE, DOWN_CHECKSUM, DROPPED, FILE_LAYOUT, LAYOUT, MEMORY,
    RENAMED, ROWS, SEED_ENVIRONMENT, TABLE, UNDOING, UNFINISHED, VIOLATIONS, WRITTEN,
};
pub(crate) use layout::{layout_of, makes_ours};
// For the command line.
pub(crate) use adoptable::{
    ADOPTABLE, Adopting, Called, Checksums, Named, NamedTable, OtherRow, OtherRows, read_adopting,
};
pub(crate) use left_broken::LeftBroken;
#[doc(hidden)]
pub use left_broken::left_broken;
pub use mark::SchemaMark;
pub(crate) use mark::{Beside, KnownSchema};
pub(crate) use not_begun::set_back;
pub use other_tools::{Columns, OTHER_TOOLS, OtherTool, Recorded};
pub use others::OtherHistory;
pub(crate) use others::{may_be_another_tools, not_the_applications, of_other_tools};
pub(crate) use outside::Outside;
pub(crate) use patience::{Interrupted, Patience};
pub(crate) use quoted::Quoting;
#[cfg(feature = "testing")]
// For the command line.
#[doc(hidden)]
pub use read::identify_copy;
pub(crate) use read::moment;
pub(crate) use read::unfinished_import;
pub use read::{
    History, Objects, Row, State, Unfinished, add_texts, database_id, read, read_with_texts,
};
pub use recorded_texts::read_before_change;
pub(crate) use recorded_texts::read_recorded;
pub(crate) use refusal::{Refusal, not_repaired, refusal, suspects};
pub use run::{OnUnit, Receipt, UnitEvent, UnitOutcome, run};
pub(crate) use run::{chained, not_compiling, run_chain, run_watched};
pub(crate) use settle::{Found, Guarded, Unsettled, Wait, settle};
pub(crate) use watch::{Watch, records_mismatches};
pub(crate) use write::{adopted, at_revision, baselined};
