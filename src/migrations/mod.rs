//! Versioned migrations: files become a set, a set and a history become a plan, a plan is applied.
//!
//! Everything but [`Migrations::read_dir`] and the verbs that take a [`Db`](crate::db::Db) is pure. Nothing here
//! knows how `_migrations` is laid out, nor which mode a database is.

mod against;
mod apply;
mod baseline;
mod check;
mod comment;
mod create;
mod directive;
mod file;
mod foreign;
mod git;
mod headings;
mod markers;
mod numbering;
mod plan;
mod problem;
mod reading;
mod rehearse;
mod renumber;
mod repair;
mod set;
mod undo;

pub use crate::drive::{
    ApplyError, Done, Event, OnEvent, Outcome, ScriptError, Statement, Verb, ignore,
};
pub use against::{Base, check_against};
pub use apply::{apply, apply_from, observe, observe_from};
pub use baseline::{BaselineError, BaselineOptions, Verify, baseline};
pub use check::{Checked, check};
pub use create::{CreateError, Files, NewOptions, create};
pub(crate) use file::checksum_bytes;
pub use file::{BadName, FileName, NotText, Order, canonical, checksum, parse_name, words};
pub use git::{GitError, read_base};
pub use numbering::Numbering;
pub use plan::{Grouping, Item, OutOfOrder, Plan, PlanOptions, State, Target, edited_keys, plan};
pub use reading::Reading;
pub use renumber::{Rename, RenumberError, Which, renumber};
pub use repair::{Repair, repair};
pub use set::{Migration, Migrations, ReadError, Text};
pub use undo::{Back, UndoOptions, UndoPlan, observe_undo, undo, undo_plan, versions_to_undo};
