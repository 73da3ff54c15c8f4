//! Seedbed takes a libSQL database from whatever state it is in to the schema that a repository says.

pub mod config;
pub mod db;
pub mod history;
pub mod migrations;
pub mod report;
pub mod schema;
pub mod script;
pub mod sql;
