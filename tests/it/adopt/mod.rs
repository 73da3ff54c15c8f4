//! Folders of other tools and their histories: read as they are, and taken over, whatever the mode.

mod commands;
mod folders;
mod modes;
mod specification;
