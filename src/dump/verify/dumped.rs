//! The side of the dump: what it makes, and what the rows of each of its tables amount to.

use std::collections::HashMap;
use std::sync::Arc;

use super::affinity::Judge;
use super::catalogue::{Catalogue, Columns};
use super::tally::{Hasher, RowHash, Tally};
use super::{Level, VerifyError};
use crate::db::{DbError, EngineError, HistoryTable};
use crate::dump::{self, Block, Item, Reader, Rows, Target, What};
use crate::sql::ValueRef;

/// What a dump holds.
#[derive(Debug, Default)]
pub(super) struct Dumped {
    /// In the order in which they come.
    pub(super) tables: Vec<DumpedTable>,
    /// What it makes.
    pub(super) objects: Vec<Made>,
    by_name: HashMap<String, usize>,
}

/// A table that a dump makes or fills.
#[derive(Debug)]
pub(super) struct DumpedTable {
    pub(super) name: String,
    pub(super) rows: u64,
    /// Where they go; none as long as there is none.
    pub(super) columns: Option<Columns>,
    /// Why its rows cannot be compared with those of the database.
    pub(super) unfit: Option<String>,
    pub(super) tally: Tally,
}

/// An object that a dump makes.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) object: dump::Object,
    pub(super) name: String,
    pub(super) sql: String,
    pub(super) line: u64,
}

/// Why a table is not compared; none where it is.
pub(super) fn left_out(table: &str, history: &HistoryTable) -> Option<&'static str> {
    let table = table.to_ascii_lowercase();
    match table.as_str() {
        "_seedbed_import" => Some("the records of this program"),
        _ if history.is(&table) => Some("the records of this program"),
        "sqlite_sequence" => Some("grows by itself"),
        _ if table.starts_with("sqlite_stat") => Some("the statistics of ANALYZE"),
        _ => None,
    }
}

/// Reads a dump to its end. Blocks the thread.
pub(super) fn read(
    mut reader: Reader,
    catalogue: &Catalogue,
    judge: Judge,
    level: Level,
) -> Result<Dumped, VerifyError> {
    let mut dumped = Dumped::default();
    let mut rows_of = RowsOf {
        judge,
        hasher: Hasher::default(),
    };
    let mut filled: Option<(Arc<Target>, usize)> = None;
    while let Some(block) = reader.next()? {
        for item in &block.items {
            match item {
                Item::Statement(statement) => {
                    dumped.statement(&statement.what, statement.line, catalogue);
                }
                Item::Rows(rows) => {
                    let at = match &filled {
                        Some((target, at)) if Arc::ptr_eq(target, &rows.target) => *at,
                        _ => dumped.target(&rows.target, catalogue),
                    };
                    filled = Some((Arc::clone(&rows.target), at));
                    let table = &mut dumped.tables[at];
                    table.rows += rows.len() as u64;
                    if let (Level::Full, None, Some(columns)) =
                        (level, &table.unfit, &table.columns)
                    {
                        for row in 0..rows.len() {
                            let hash = rows_of.hash(&block, rows, row, columns);
                            table.tally.add(hash.map_err(DbError::Read)?);
                        }
                    }
                }
            }
        }
    }
    Ok(dumped)
}

impl Dumped {
    fn statement(&mut self, what: &What, line: u64, catalogue: &Catalogue) {
        if let What::Clear { table } = what
            && let Some(at) = self.by_name.get(&table.to_ascii_lowercase())
        {
            let table = &mut self.tables[*at];
            table.rows = 0;
            table.tally = Tally::new();
        }
        let What::Create {
            object, name, sql, ..
        } = what
        else {
            return;
        };
        if *object == dump::Object::Table {
            self.table(name);
        }
        if left_out(name, &catalogue.history).is_none() {
            self.objects.push(Made {
                object: *object,
                name: name.clone(),
                sql: sql.clone(),
                line,
            });
        }
    }

    fn table(&mut self, name: &str) -> usize {
        let tables = &mut self.tables;
        *self
            .by_name
            .entry(name.to_ascii_lowercase())
            .or_insert_with(|| {
                tables.push(DumpedTable {
                    name: name.to_owned(),
                    rows: 0,
                    columns: None,
                    unfit: None,
                    tally: Tally::new(),
                });
                tables.len() - 1
            })
    }

    /// The table of some rows, which says once what their columns are.
    fn target(&mut self, target: &Target, catalogue: &Catalogue) -> usize {
        let at = self.table(&target.table);
        let table = &mut self.tables[at];
        if table.unfit.is_some() || left_out(&target.table, &catalogue.history).is_some() {
            return at;
        }
        match (catalogue.columns(target), &table.columns) {
            (Ok(columns), None) => table.columns = Some(columns),
            (Ok(columns), Some(before)) if columns == *before => {}
            // What a row has in a column that it does not name, only the engine knows.
            (Ok(_), Some(_)) => {
                table.unfit = Some("its rows do not all name the same columns".to_owned());
            }
            (Err(why), _) => table.unfit = Some(why),
        }
        at
    }
}

/// Hashes rows of a dump as the database would keep them.
pub(super) struct RowsOf {
    pub(super) judge: Judge,
    pub(super) hasher: Hasher,
}

impl RowsOf {
    pub(super) fn hash(
        &mut self,
        block: &Block,
        rows: &Rows,
        row: usize,
        columns: &Columns,
    ) -> Result<RowHash, EngineError> {
        let mut changed = Vec::new();
        for (at, (value, affinity)) in block.row(rows, row).zip(&columns.affinities).enumerate() {
            if let Some(stored) = self.judge.stored(value, *affinity)? {
                changed.push((at, stored));
            }
        }
        if changed.is_empty() {
            return Ok(self.hasher.row(block.row(rows, row)));
        }
        let mut values: Vec<ValueRef<'_>> = block.row(rows, row).collect();
        for (at, stored) in &changed {
            values[*at] = stored.into();
        }
        Ok(self.hasher.row(values))
    }
}
