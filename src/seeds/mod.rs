//! Seeds: rows that a repository says a database has, in YAML. Files become a set, a set and a schema become rows, rows
//! and a database become a plan, and a plan is one script.
//!
//! Everything but reading the files and the verbs that take a [`Db`](crate::db::Db) is pure. Foreign keys are never
//! switched off, and no primary key is ever changed.

mod apply;
mod arithmetic;
mod basis;
mod bound;
mod cell;
mod changes;
mod check;
mod clashes;
mod companion;
mod conditional;
mod conflicts;
mod draw;
mod editor;
mod effective;
mod entry;
mod expand;
mod export;
mod exprs;
mod files;
mod fired;
mod followed;
mod forget;
mod found;
mod generate;
mod given;
mod guard;
mod hand_over;
mod held;
mod identity;
mod inputs;
mod instead;
mod kept;
#[cfg(feature = "testing")]
mod labelled;
mod labels;
mod ledger;
mod lineage;
mod link;
mod memory;
mod missing;
mod model;
mod numbered;
mod once;
mod order;
mod orphans;
mod overrides;
mod parallel;
mod parse;
mod pass;
mod past;
mod plan;
mod recognise;
mod recorded;
mod referred;
mod refused;
mod rehearsal;
mod remembered;
mod renames;
mod row;
mod secret;
mod seen;
mod set;
mod slug;
mod standing;
mod steps;
mod there;
mod trace;
mod triggers;
mod typed;
mod yaml;

pub use crate::drive::{ApplyError, Outcome};
pub use apply::{SeedOptions, apply, observe};
pub use changes::{Cause, Change, Difference, FilePlan, FileState, Refresh, SeedPlan, What};
pub use check::{Checked, check};
pub use companion::{Companion, Kind};
pub use editor::json_schema;
pub use export::{ExportError, ExportOptions, Exported, MOST_ROWS, Mask, Refusal, Tables, export};
pub use forget::{Rows as ForgetRows, forget, observe_forget};
pub use guard::before_migrating;
pub use inputs::{Clock, Variables};
#[cfg(feature = "testing")]
pub use labelled::{Labelled, labelled};
pub use model::{
    Among, Away, Choose, Decimal, Each, Env, Expr, Fake, Field, Format, Json, Label, Mode, Numbers,
    PROD, Part, Ref, RefTarget, Requires, RowDecl, RowsFile, SeedFile, Settings, SoftRef, Spanned,
    Style, Table, Template, Through,
};
pub use parse::parse;
#[cfg(feature = "report")]
pub(crate) use refused::{EXCHANGE_HELP, RefusedRows, by_place as refused_by_place, is_exchange};
pub use set::{Choice, Seeds};
pub use standing::{Item, Standing, State, recorded_tags, standing};
