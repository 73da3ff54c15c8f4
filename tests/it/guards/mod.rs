//! The guards before COMMIT: what a migration would break is not committed, and the error names it.

mod commands;
mod constraints;
mod left_rows;
mod modes;
mod orphans;
mod outside;
mod server;
mod specification;
