//! The commands. Each turns flags into values, makes one call of the library, and shows what came of it.

mod backup;
mod changes;
mod copy;
mod drift;
mod dump;
mod export;
mod files;
mod import;
mod lint;
mod look;
pub(super) mod replica;
mod reset;
mod seeds;
mod test_db;
mod verify;

pub(super) use backup::{backup, backups, restore};
pub(super) use changes::{adopt, baseline, migrate, redo, repair, undo};
pub(super) use copy::copy;
pub(super) use drift::drift;
pub(super) use dump::dump;
pub(super) use export::export;
pub(super) use files::{check, init, new, renumber};
pub(super) use import::import;
pub(super) use lint::lint;
pub(super) use look::{completions, config, doctor, explain, inspect, status};
pub(super) use reset::reset;
pub(super) use seeds::{forget, schema, seed};
pub(super) use test_db::test_db;
pub(super) use verify::verify;
