//! What a database looks like: the objects of its schema, and how two schemas differ.
//!
//! [`inspect`] looks and never writes; [`compare`] is pure. Objects that are not the project's own (the engine's,
//! those that a virtual table keeps its content in, Seedbed's records) are left out, so that a database compares
//! equal to one that was built from the same migrations.

mod compare;
mod inspect;

pub use compare::{Difference, compare};
pub use inspect::{Object, ObjectKind, Schema, inspect};
