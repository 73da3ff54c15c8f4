//! Other tools: their files are refused, their databases are recognised, their tables are left out of comparisons.

mod commands;
mod databases;
mod files;
mod modes;
mod specification;
