//! Rows of a database as a seed file: read, written as YAML, and proved by reading the file back.
//!
//! A file that would not give the same rows again is never handed out: what cannot be written is reported instead, all
//! of it. Nothing here writes to a database or to a file.

mod label;
mod mask;
mod proof;
mod refusal;
mod render;
mod scalar;
mod trial;

use crate::db::{Db, DbError, EngineError, Query};
use crate::nearest::nearest;
use crate::schema::{ColumnKind, Shape, TableKind, TableShape, shape};
use crate::setters::setters;
use crate::sql::{Value, identifier};

pub use refusal::Refusal;
use render::Taken;

/// How many rows one file takes. People read and edit seeds; for more there are dumps.
pub const MOST_ROWS: usize = 100_000;

/// What is exported.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExportOptions {
    /// The tables.
    pub tables: Tables,
    /// Columns whose values stay where they are: the file has made-up ones.
    pub masks: Vec<Mask>,
}

setters!(ExportOptions {
    tables: Tables,
    masks: Vec<Mask>,
});

impl ExportOptions {
    /// These tables, with all values.
    #[must_use]
    pub fn new(tables: Tables) -> ExportOptions {
        ExportOptions {
            tables,
            masks: Vec::new(),
        }
    }
}

/// Which tables.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tables {
    /// All that keep rows, parents first.
    All,
    /// These, in this order.
    Named(Vec<String>),
}

/// A column whose values are not to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
}

/// A seed file, and what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exported {
    /// The text of the file.
    pub yaml: String,
    /// The tables in the order of the file, each with the number of its rows.
    pub tables: Vec<(String, usize)>,
}

/// There is no seed file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The rows cannot be a seed file, or are not the ones that were meant. All reasons.
    #[error("{}", refusal::sentence(.0))]
    Refused(Vec<Refusal>),
    /// The rows of a table could not be read.
    #[error("the rows of `{table}` cannot be read")]
    Rows {
        /// The table.
        table: String,
        /// The engine's words.
        source: EngineError,
    },
    /// Nothing could be read.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Reads the rows of tables from one state of the database and writes them as a seed file. Put into the seeds folder,
/// it changes nothing in the same database, and makes equal rows in one that has none.
///
/// # Errors
/// [`ExportError`].
pub async fn export(db: &Db, options: &ExportOptions) -> Result<Exported, ExportError> {
    let shape = shape(db).await?;
    let (chosen, mut refusals) = chosen(&shape, &options.tables);
    let masks = mask::masks(&shape, &chosen, &options.masks, &mut refusals);
    if !refusals.is_empty() {
        return Err(ExportError::Refused(refusals));
    }
    let queries = chosen.into_iter().map(|table| {
        let of = &shape.tables[table];
        (table, [rows(of), orphans(of), nuls(of)])
    });
    let mut taken = Vec::new();
    for (table, [rows, orphans, nuls]) in db.ask(queries.collect::<Vec<_>>()).await? {
        let of = &shape.tables[table];
        let unreadable = |error| match error {
            DbError::Read(source) => ExportError::Rows {
                table: of.name.clone(),
                source,
            },
            error => error.into(),
        };
        let width = plain(of).count();
        let rows = rows.rows_of(width).map_err(unreadable)?.into_iter();
        refusals.extend(orphaned(of, &orphans.rows().map_err(unreadable)?));
        refusals.extend(with_nul(of, &nuls.rows_of(width).map_err(unreadable)?));
        let rows = rows.map(|row| spread(of, row)).collect();
        taken.push(Taken { table, rows });
    }
    if taken.iter().map(|it| it.rows.len()).sum::<usize>() > MOST_ROWS {
        refusals.push(Refusal::TooMany);
        return Err(ExportError::Refused(refusals));
    }
    let rendered = render::render(&shape, &taken, &masks, &mut refusals);
    if refusals.is_empty() {
        match proof::prove(&rendered, &shape, &taken, &masks) {
            Ok(made_up) => refusals.extend(trial::refused(db, &shape, &taken, &made_up).await?),
            Err(others) => refusals.extend(others),
        }
    }
    match refusals.is_empty() {
        false => Err(ExportError::Refused(refusals)),
        true => Ok(Exported {
            yaml: rendered.yaml,
            tables: taken
                .iter()
                .map(|it| (shape.tables[it.table].name.clone(), it.rows.len()))
                .collect(),
        }),
    }
}

/// The places of the tables, each once.
fn chosen(shape: &Shape, tables: &Tables) -> (Vec<usize>, Vec<Refusal>) {
    let mut chosen: Vec<usize> = Vec::new();
    let mut refusals = Vec::new();
    let Tables::Named(names) = tables else {
        let keeps = |at: &usize| shape.tables[*at].kind == TableKind::Ordinary;
        chosen.extend((0..shape.tables.len()).filter(keeps));
        let ranks = super::order::ranks(shape);
        chosen.sort_by_key(|at| ranks[*at]);
        refusals.extend(chosen.iter().filter_map(|at| reserved(&shape.tables[*at])));
        if chosen.is_empty() {
            refusals.push(Refusal::NoTables);
        }
        return (chosen, refusals);
    };
    for name in names {
        let Some(at) = shape.position(name) else {
            let known: Vec<&str> = shape.tables.iter().map(|it| it.name.as_str()).collect();
            refusals.push(Refusal::UnknownTable {
                table: name.clone(),
                nearest: nearest(name, &known).map(str::to_owned),
            });
            continue;
        };
        let of = &shape.tables[at];
        let what = match of.kind {
            TableKind::Ordinary => None,
            TableKind::View => Some("a view"),
            TableKind::Virtual => Some("a virtual table"),
        };
        refusals.extend(what.map(|what| Refusal::NotATable {
            table: of.name.clone(),
            what,
        }));
        refusals.extend(reserved(of));
        if !chosen.contains(&at) {
            chosen.push(at);
        }
    }
    (chosen, refusals)
}

fn reserved(of: &TableShape) -> Option<Refusal> {
    super::parse::is_reserved(&of.name).then(|| Refusal::Reserved {
        table: of.name.clone(),
    })
}

/// The columns that a statement can write.
fn plain(of: &TableShape) -> impl Iterator<Item = usize> {
    let is_plain = |at: &usize| of.columns[*at].origin == ColumnKind::Plain;
    (0..of.columns.len()).filter(is_plain)
}

/// All rows of a table, by its key; one more than may be, so that too many can be told.
fn rows(of: &TableShape) -> Query {
    let names = |columns: &mut dyn Iterator<Item = usize>| {
        let names: Vec<String> = columns
            .map(|at| identifier(&of.columns[at].name).to_string())
            .collect();
        names.join(", ")
    };
    let order = match of.primary_key.is_empty() {
        true => names(&mut plain(of)),
        false => names(&mut of.primary_key.iter().copied()),
    };
    Query::new(format!(
        "SELECT {} FROM {} ORDER BY {order} LIMIT {}",
        names(&mut plain(of)),
        identifier(&of.name),
        MOST_ROWS + 1
    ))
}

/// Rows whose parent is not there, counted by the table that it should be in: seeding would refuse them.
fn orphans(of: &TableShape) -> Query {
    Query {
        sql: "SELECT parent, count(*) FROM pragma_foreign_key_check(?) GROUP BY 1 ORDER BY 1"
            .to_owned(),
        args: vec![of.name.as_str().into()],
    }
}

fn orphaned(of: &TableShape, counts: &[[Value; 2]]) -> impl Iterator<Item = Refusal> {
    counts.iter().filter_map(|[parent, rows]| {
        Some(Refusal::Orphans {
            table: of.name.clone(),
            parent: parent.as_str()?.to_owned(),
            rows: rows.as_i64()?,
        })
    })
}

/// For each column, the texts with a NUL in them: some readers end a text there, so they are counted by the engine.
fn nuls(of: &TableShape) -> Query {
    let counts: Vec<String> = plain(of)
        .map(|at| {
            let column = identifier(&of.columns[at].name);
            format!("total(typeof({column}) = 'text' AND instr({column}, char(0)) > 0)")
        })
        .collect();
    Query::new(format!(
        "SELECT {} FROM {}",
        counts.join(", "),
        identifier(&of.name)
    ))
}

fn with_nul(of: &TableShape, answer: &[Vec<Value>]) -> impl Iterator<Item = Refusal> {
    let counts = answer.first().into_iter().flatten().zip(plain(of));
    counts.filter_map(|(count, at)| {
        let rows = count.as_f64().filter(|rows| *rows > 0.0)?;
        Some(Refusal::Nul {
            table: of.name.clone(),
            column: of.columns[at].name.clone(),
            rows: rows as u64,
        })
    })
}

/// A row with NULL for the columns that no statement can write.
fn spread(of: &TableShape, row: Vec<Value>) -> Vec<Value> {
    let mut whole = vec![Value::Null; of.columns.len()];
    for (at, value) in plain(of).zip(row) {
        whole[at] = value;
    }
    whole
}

#[cfg(test)]
mod tests;
