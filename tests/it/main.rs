//! What Seedbed promises, as specifications that run against real databases, and as processes.

mod commands;
mod modes;
mod project;
mod readme;
mod specification;
mod world;
