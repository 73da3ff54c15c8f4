//! Folders of other tools and their histories: read as they are, and taken over, whatever the mode.

mod commands;
pub(crate) mod folders;
mod modes;
mod specification;
