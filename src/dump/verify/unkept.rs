//! Values of a database that its own columns do not keep: a text `'007'` in a column that is INTEGER now. The engine
//! stores such a value only where the type of the column was changed after the row was written, and converts it as soon
//! as the row is written again, in this or in another database. It only reads.

use std::ops::ControlFlow;

use super::affinity::Judge;
use super::catalogue::Catalogue;
use super::columns::Readable;
use crate::db::{Db, DbError, EngineError, Scan, Sink, StreamedRow};
use crate::schema::Affinity;
use crate::sql::{Value, ValueRef, literal};

/// A column that does not keep some of its own values.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::dump) struct Unkept {
    pub(in crate::dump) table: String,
    pub(in crate::dump) column: String,
    pub(in crate::dump) affinity: Affinity,
    /// How many rows have such a value.
    pub(in crate::dump) rows: u64,
    /// The rowid of the first of them, where the table has one.
    pub(in crate::dump) rowid: Option<i64>,
    /// Its value as SQL, and what the column makes of it.
    pub(in crate::dump) first: (String, String),
}

/// How many characters of a value are shown.
const LENGTH: usize = 60;

/// Reads every value of all tables but Seedbed's own.
///
/// # Errors
/// The database cannot be read.
pub(in crate::dump) async fn unkept(db: &Db) -> Result<Vec<Unkept>, DbError> {
    let catalogue = Catalogue::read(db).await?;
    let (tables, scans): (Vec<Readable>, Vec<Scan>) = catalogue.readable().into_iter().unzip();
    let judge = Judge::new().await.map_err(DbError::Read)?;
    let found = db
        .stream(
            scans,
            Found {
                tables,
                judge,
                columns: Vec::new(),
                failed: None,
            },
        )
        .await?;
    match found.failed {
        Some(error) => Err(DbError::Read(error)),
        None => Ok(found.columns.into_iter().map(|(_, it)| it).collect()),
    }
}

struct Found {
    tables: Vec<Readable>,
    judge: Judge,
    /// With the number of the table and of the column.
    columns: Vec<((usize, usize), Unkept)>,
    failed: Option<EngineError>,
}

impl Sink for Found {
    fn width(&self, query: usize) -> Option<usize> {
        self.tables.get(query).map(|table| table.columns.len())
    }

    fn row(&mut self, query: usize, row: StreamedRow<'_>) -> ControlFlow<()> {
        let table = &self.tables[query];
        for (at, (column, affinity)) in table.columns.iter().enumerate() {
            let value = row.value(at);
            let kept = match self.judge.stored(value, *affinity) {
                Ok(None) => continue,
                Ok(Some(kept)) => kept,
                Err(error) => {
                    self.failed = Some(error);
                    return ControlFlow::Break(());
                }
            };
            // The engine stores what is compared without a difference in another form: -0.0 as 0.0.
            if same(value, &kept) {
                continue;
            }
            let known = self.columns.iter_mut().find(|(of, _)| *of == (query, at));
            match known {
                Some((_, unkept)) => unkept.rows += 1,
                None => self.columns.push((
                    (query, at),
                    Unkept {
                        table: table.table.clone(),
                        column: column.clone(),
                        affinity: *affinity,
                        rows: 1,
                        rowid: match row.value(0) {
                            ValueRef::Integer(rowid) if table.has_rowid => Some(rowid),
                            _ => None,
                        },
                        first: (shown(value), shown((&kept).into())),
                    },
                )),
            }
        }
        ControlFlow::Continue(())
    }
}

fn same(value: ValueRef<'_>, kept: &Value) -> bool {
    match (value, kept) {
        (ValueRef::Real(one), Value::Real(other)) => one == *other,
        (ValueRef::Integer(one), Value::Integer(other)) => one == *other,
        _ => false,
    }
}

fn shown(value: ValueRef<'_>) -> String {
    let text = literal(value);
    match text.char_indices().nth(LENGTH) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
