//! Drift: the schema of a database against the one that its recorded migrations make, whatever the mode.

mod commands;
mod generated;
mod in_the_way;
mod modes;
mod specification;
