//! Repeatables whose objects something else drops: what is gone is seen, and made again.

mod commands;
mod modes;
mod server;
mod specification;
