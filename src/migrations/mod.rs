//! Versioned migrations: files become a set, a set and a history become a plan, a plan is applied.
//!
//! Everything but [`Migrations::read_dir`] and the verbs that take a [`Db`](crate::db::Db) is pure. Nothing here
//! knows how `_migrations` is laid out, nor which mode a database is.

mod adopt;
mod again;
mod against;
mod apply;
mod aside;
mod baseline;
mod check;
mod clash;
mod compatible;
mod create;
mod data_tests;
mod directive;
mod down_fit;
mod downs;
mod drift;
mod file;
mod fill;
mod foreign;
mod found;
mod git;
mod headings;
mod identity;
mod keeps;
mod laid_out;
mod listing;
mod made;
mod markers;
mod meant;
mod misfit;
mod mismatch;
mod numbering;
mod plan;
mod problem;
mod ran;
mod reading;
mod redo;
mod rehearse;
mod renumber;
mod repair;
mod same_object;
mod same_text;
mod set;
mod shown;
mod stages;
mod undo;
mod undoing;

pub use crate::drive::{
    ApplyError, Done, Event, OnEvent, Outcome, ScriptError, Statement, Verb, ignore,
};
pub use adopt::{AdoptOptions, AdoptPlan, WouldAdopt, adopt, adoptable_tools, observe_adopt};
pub use against::{Base, check_against};
pub use apply::{apply, apply_from, observe, observe_apply_from, observe_from, up};
pub use baseline::{BaselineError, BaselineOptions, Verify, baseline};
pub use check::{CheckOptions, Checked, check};
pub use compatible::{Compatibility, compatible};
pub use create::{CreateError, Files, NewOptions, create, layout_of};
pub use data_tests::DataTests;
pub(crate) use directive::unused_allow;
pub use drift::{
    Drift, DriftError, DriftPolicy, Drifted, FixError, FixKind, Fixed, drift, fix, in_the_way,
};
pub(crate) use file::checksum_bytes;
pub use file::{BadName, FileName, NotText, Order, canonical, checksum, parse_name, words};
pub use git::{
    Fetchable, GitError, changed_since, read_base, read_before_newest, read_default_base,
};
pub use identity::edited_keys;
pub use keeps::Known;
pub(crate) use listing::on_disk;
pub use mismatch::undo_of_another_project;
pub use numbering::Numbering;
pub use plan::{Grouping, Item, MigrationPlan, OutOfOrder, PlanOptions, State, Target, plan};
pub(crate) use reading::TRANSACTION_CONTROL;
pub use reading::{Leaves, Reading, Until};
pub use redo::{RedoOptions, RedoPlan, observe_redo, redo};
pub use renumber::{Rename, RenumberError, Renumbered, Which, file_to_renumber, renumber};
pub use repair::{Repair, repair};
pub use same_text::same_texts;
pub use set::{Migration, Migrations, ReadError, Text};
pub use stages::{LeftBroken, Placement, Stage, Stages, stages};
pub use undo::{
    Adopted, Back, UndoOptions, UndoPlan, observe_undo, observe_undo_from, undo, undo_from,
    undo_plan, undo_to_unknown_version, versions_to_undo,
};
