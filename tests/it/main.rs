//! What Seedbed promises, as specifications that run against real databases, and as processes.

mod modes;
mod specification;
mod world;
