//! What Seedbed promises, as specifications that run against real databases, and as processes.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that cannot go on fails, and one that is skipped says so"
)]

#[macro_use]
mod every_mode;

mod adopt;
mod answers;
mod application;
mod backup;
mod bad_input;
mod commands;
mod copy;
mod data_tests;
mod dice;
mod docs;
mod doctor;
mod doctor_process;
mod drift;
mod errors;
mod export;
mod grouping;
mod guards;
mod guides;
mod import;
#[cfg(unix)]
mod kill;
mod locks;
mod log;
#[cfg(target_os = "linux")]
mod memory;
mod modes;
mod named;
mod numbers;
mod others;
mod plain_http;
mod process;
mod project;
mod proxy;
mod race;
mod refused;
mod remote;
mod repeatables;
#[cfg(unix)]
mod replaced;
mod replica;
mod replica_damage;
mod replica_history;
mod seeds;
mod server;
#[cfg(unix)]
mod side_files;
#[cfg(unix)]
mod signals;
mod specification;
mod verify;
mod world;

/// The program `seedbed`, compiled in this package, so that cargo tells where it is.
const PROGRAM: &str = env!("CARGO_BIN_EXE_seedbed-under-test");

/// The folder of the whole project.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
