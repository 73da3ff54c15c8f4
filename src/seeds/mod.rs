//! Seeds: rows that a repository says a database has, in YAML. Files become a set, a set and a schema become rows, rows
//! and a database become a plan, and a plan is one script.
//!
//! Everything but reading the files and the verbs that take a [`Db`](crate::db::Db) is pure.

mod model;
mod parse;
mod problem;
mod yaml;

pub use model::{
    Expr, Fake, Field, Label, Mode, Part, Requires, RowDecl, SeedFile, Settings, Spanned, Style,
    Table, Template,
};
pub use parse::parse;
pub use problem::{Problem, Severity};
