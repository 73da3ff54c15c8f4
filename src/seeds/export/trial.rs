//! Whether the tables take the values that stand in for masked ones: the rows are written in memory, each masked column
//! by itself beside the values that the database has. The database itself is only read.

use std::sync::Arc;

use super::mask::Masked;
use super::plain;
use super::refusal::Refusal;
use super::render::Taken;
use crate::db::{Code, Db, DbError, Failure, Options, Query, Transaction};
use crate::schema::{Shape, TableShape};
use crate::script::{Atomicity, ForeignKeys, Step, StepList};
use crate::sql::{Value, identifier};

/// A masked column, and what its rows get instead, in the order in which they were read.
pub(super) struct MadeUp {
    pub(super) mask: Masked,
    pub(super) values: Vec<Value>,
}

/// The columns whose made-up values a CHECK constraint or a unique index refuses. Nothing is tried of tables that cannot
/// be made in memory: with a function that only the application has.
///
/// # Errors
/// As [`Db::query`].
pub(super) async fn refused(
    db: &Db,
    shape: &Shape,
    taken: &[Taken],
    made_up: &[MadeUp],
) -> Result<Vec<Refusal>, DbError> {
    let mut refusals = Vec::new();
    for MadeUp { mask, values } in made_up {
        let of = &shape.tables[mask.table];
        let Some(read) = taken.iter().find(|it| it.table == mask.table) else {
            continue;
        };
        let objects: Vec<[Value; 1]> = db.rows(objects(of)).await?;
        let mut steps = StepList::default();
        for sql in objects.iter().filter_map(|[sql]| sql.as_str()) {
            steps.push(Step::own(sql, Vec::new()));
        }
        let made = transaction(steps);
        let mut steps = StepList::default();
        for (row, value) in read.rows.iter().zip(values) {
            steps.push(insert(of, row, (mask.column, value)));
        }
        let options = Options {
            stop: db.stop().clone(),
            ..Options::default()
        };
        let copy = Db::memory(options).await?;
        if copy.run(vec![made], Arc::new(|_| {})).await.is_err() {
            continue;
        }
        let tried = copy.run(vec![transaction(steps)], Arc::new(|_| {})).await;
        if let Err(Failure::Step { error, .. }) = tried
            && error.code == Code::Constraint
        {
            refusals.push(Refusal::MadeUp {
                table: of.name.clone(),
                column: of.columns[mask.column].name.clone(),
                words: error.message,
            });
        }
    }
    Ok(refusals)
}

/// Asks for what the table itself refuses: its text, and its unique indexes.
fn objects(of: &TableShape) -> Query {
    Query {
        sql: "SELECT sql FROM sqlite_schema WHERE tbl_name = ? COLLATE NOCASE AND type IN ('table', 'index') \
              AND sql <> '' ORDER BY type = 'index'"
            .to_owned(),
        args: vec![of.name.as_str().into()],
    }
}

fn transaction(steps: StepList) -> Transaction {
    Transaction {
        foreign_keys: ForeignKeys::Unchecked,
        atomicity: Atomicity::Transaction,
        steps,
    }
}

/// Writes a row with another value in one column.
fn insert(of: &TableShape, row: &[Value], (masked, value): (usize, &Value)) -> Step {
    let names: Vec<String> = plain(of)
        .map(|at| identifier(&of.columns[at].name))
        .collect();
    let values = plain(of).map(|at| match at == masked {
        true => value.clone(),
        false => row[at].clone(),
    });
    let sql = format!(
        "INSERT INTO {} ({}) VALUES ({})",
        identifier(&of.name),
        names.join(", "),
        vec!["?"; names.len()].join(", "),
    );
    Step::own(sql, values.collect())
}
