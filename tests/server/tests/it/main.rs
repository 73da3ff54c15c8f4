//! What the test server does, told through a raw HTTP client and through the client crate's replicas.
#![allow(clippy::unwrap_used)]

mod auth;
mod client;
mod faults;
mod hrana;
mod program;
mod replicas;
mod streams;
mod target;
