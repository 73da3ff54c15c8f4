//! What a database looks like: the objects of its schema, what is in them, how two schemas differ, and how the engine
//! would run a statement.
//!
//! [`inspect`], [`contents`], [`shape()`] and [`explain`] look and never write; [`compare`] is pure. Objects that are not
//! the project's own (the engine's, those that a virtual table keeps its content in, Seedbed's records) are left out,
//! so that a database compares equal to one that was built from the same migrations.

mod affinity;
mod catalogue;
mod compare;
mod compile;
mod contents;
mod double_quotes;
mod explain;
mod firing;
mod inspect;
mod quoted;
mod respelled;
mod shape;
mod shared_map;
mod snapshot;
mod unmatched;

pub(crate) use affinity::{printed, whole};
pub use catalogue::Catalogue;
pub use compare::{Difference, compare};
pub(crate) use compare::{additions, changes, described, diff};
pub(crate) use compile::{Broken, broken, content_elsewhere, is_broken};
pub use contents::{Contents, Coverage, Index, Table, Uniqueness, contents};
pub use double_quotes::TextInQuotes;
pub(crate) use double_quotes::{may_have_text, texts_in_quotes};
pub use explain::{ExplainError, Node, Uses, explain};
pub(crate) use firing::{Event, Firing, OBJECTS, SchemaObject, Trigger, plain_text};
pub use inspect::{Object, ObjectKind, Schema, inspect};
pub(crate) use inspect::{inspected, of_statements, question, question_if, shadows};
pub(crate) use quoted::{Quoted, TO_SINGLE_QUOTES, quoted, text_in_quotes};
pub use shape::{
    Affinity, Column, ColumnKind, ConditionalIndex, ForeignKey, IndexOrigin, Nullability, RowId,
    Shape, Strictness, TableKind, TableShape, UniqueIndex, shape,
};
pub(crate) use shape::{affinity, shape_of, shape_queries, shaped};
pub(crate) use snapshot::{Snapshot, snapshot};
// For the command line.
#[doc(hidden)]
pub use unmatched::unmatched;

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;

    use crate::db::{Db, Options, Transaction};
    use crate::script::{Atomicity, ForeignKeys, Step};
    use crate::sql::split;

    /// A database in memory that was made by these statements.
    pub(crate) async fn database(sql: &str) -> Db {
        let db = Db::memory(Options::default()).await.unwrap();
        run(&db, sql).await;
        db
    }

    /// Runs statements, one after another.
    pub(crate) async fn run(db: &Db, sql: &str) {
        let statements = split(sql).unwrap();
        let transaction = Transaction {
            foreign_keys: ForeignKeys::On,
            atomicity: Atomicity::Bare,
            steps: statements
                .iter()
                .map(|statement| Step::own(statement.text(sql), vec![]))
                .collect(),
        };
        db.run(vec![transaction], Arc::new(|_| {})).await.unwrap();
    }
}
