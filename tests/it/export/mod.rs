//! Dumps of a database, whatever its mode: what is in them, and that an equal database comes of them.

mod backups;
mod commands;
mod faults;
pub(crate) mod generate;
mod modes;
mod rebuilt;
mod retention;
pub(crate) mod round_trip;
mod specification;

pub(crate) use rebuilt::bare;

use std::sync::Arc;

use seedbed::db::{Db, Transaction};
use seedbed::dump::{ExportOptions, export};
use seedbed::script::{Atomicity, ForeignKeys, Step};

/// Runs statements, one after the other.
pub(crate) async fn change(db: &Db, statements: impl IntoIterator<Item = impl Into<String>>) {
    let steps = statements
        .into_iter()
        .map(|sql| Step::own(sql.into(), vec![]));
    let transaction = Transaction {
        foreign_keys: ForeignKeys::On,
        atomicity: Atomicity::Transaction,
        steps: steps.collect(),
    };
    db.run(vec![transaction], Arc::new(|_| {})).await.unwrap();
}

/// The whole database as a dump.
pub(crate) async fn dumped(db: &Db) -> Vec<u8> {
    let mut out = Vec::new();
    export(db, &ExportOptions::default(), &mut out)
        .await
        .unwrap();
    out
}
