//! Finding many rows of one table: one pass over the table costs less than a question about each key. The keys are compared
//! here, as the unique index of their columns compares them.

use std::collections::HashMap;
use std::ops::ControlFlow;

use super::found::Wanted;
use super::identity::{Claim, is_binary, is_known, values_in};
use super::row::Rows;
use super::there::{Besides, besides};
use crate::db::{Db, DbError, Order, Scan, ScanColumn, Sink, StreamedRow};
use crate::schema::{Affinity, Column, ColumnKind, RowId, Shape, TableShape};
use crate::sql::Value;

/// Fewer rows than this are asked for by their keys.
const MANY: usize = 2000;

/// A table with more rows than this for each wanted one is left at that, and they are asked for by their keys.
const ROWS_FOR_ONE: usize = 2;

/// Finds those rows that are many in one table, and takes them out of `wanted`. Each comes with its declared row, as what it
/// has [`besides`] that. `key` is that of a declared row: while a table is read, its keys are in memory once. The declared
/// rows are gone where this fails.
///
/// # Errors
/// As [`Db::stream`].
pub(super) async fn find_many(
    db: &Db,
    shape: &Shape,
    rows: &mut Rows,
    wanted: &mut Wanted,
    key: &(dyn Fn(&Rows, usize) -> Option<Vec<Value>> + Sync),
) -> Result<Vec<(usize, Besides)>, DbError> {
    let mut all = Vec::new();
    let groups: Vec<(usize, Vec<usize>)> = wanted.keys().cloned().collect();
    for group in groups {
        let of = &shape.tables[group.0];
        let pass = wanted
            .get(&group)
            .and_then(|keys| Pass::of(of, &group.1, keys));
        let Some(mut pass) = pass else {
            continue;
        };
        wanted.remove(&group);
        // The rows are compared where the table is read, on another thread.
        pass.rows = std::mem::take(rows);
        let mut pass = db.stream(vec![scan(&pass.of)], pass).await?;
        *rows = std::mem::take(&mut pass.rows);
        if pass.is_too_long {
            let mut places: Vec<usize> = pass.wanted.into_values().collect();
            places.sort_unstable();
            let keys = places.into_iter();
            let keys = keys.filter_map(|at| Some((at, key(rows, at)?)));
            wanted.insert(group, keys.collect());
        } else {
            // The keys go first: there may be a million.
            let Pass { found, wanted, .. } = pass;
            drop(wanted);
            match all.is_empty() {
                true => all = found,
                false => all.extend(found),
            }
        }
    }
    Ok(all)
}

/// A pass over a table.
struct Pass {
    of: TableShape,
    key: Vec<usize>,
    /// Whether the index of the key tells every two texts apart.
    is_binary: bool,
    /// The declared row of each wanted key.
    wanted: HashMap<Claim<'static>, usize>,
    rows: Rows,
    found: Vec<(usize, Besides)>,
    /// How many rows it may see still.
    left: usize,
    is_too_long: bool,
}

impl Pass {
    /// None where the keys have to be asked for.
    fn of(of: &TableShape, key: &[usize], keys: &[(usize, Vec<Value>)]) -> Option<Pass> {
        if keys.len() < MANY || of.condition_of(key).is_some() || !is_known(of, key) {
            return None;
        }
        let is_binary = is_binary(of, key);
        let mut wanted = HashMap::with_capacity(keys.len());
        for (at, values) in keys {
            let claim = Claim::in_index(values, of, key, is_binary)?.into_owned();
            // Both of two rows with one key are to be found.
            if wanted.insert(claim, *at).is_some() {
                return None;
            }
        }
        Some(Pass {
            of: of.clone(),
            key: key.to_vec(),
            is_binary,
            rows: Rows::default(),
            found: Vec::with_capacity(keys.len()),
            left: keys.len().saturating_mul(ROWS_FOR_ONE),
            wanted,
            is_too_long: false,
        })
    }

    /// The declared row with this key.
    fn declared(&self, key: &[Value]) -> Option<usize> {
        let claim = Claim::in_index(key, &self.of, &self.key, self.is_binary)?;
        self.wanted.get(&claim).copied()
    }
}

/// The columns that are read: those that seeds can write.
pub(super) fn plain(of: &TableShape) -> impl Iterator<Item = &Column> {
    let columns = of.columns.iter();
    columns.filter(|it| it.origin == ColumnKind::Plain)
}

/// Reads a whole table.
pub(super) fn scan(of: &TableShape) -> Scan {
    let column = |column: &Column| ScanColumn {
        name: column.name.clone(),
        is_real: column.affinity == Affinity::Real,
    };
    // A server sends many rows at once where it can name them by their rowids.
    let order = match of.integer_key() {
        Some(key) => Order::Rowid(of.columns[key].name.clone()),
        None if of.rowid == RowId::Has && of.column("rowid").is_none() => {
            Order::Rowid("rowid".to_owned())
        }
        None => Order::Terms(Vec::new()),
    };
    Scan {
        table: of.name.clone(),
        columns: plain(of).map(column).collect(),
        order,
    }
}

/// A row of such an answer, with a place for every column.
pub(super) fn values(of: &TableShape, row: &StreamedRow<'_>) -> Vec<Value> {
    let mut next = 0;
    let value = |column: &Column| match column.origin {
        ColumnKind::Plain => {
            next += 1;
            row.value(next - 1).to_value()
        }
        // Seeds do not write it, so it is not compared.
        ColumnKind::Generated | ColumnKind::Hidden => Value::Null,
    };
    of.columns.iter().map(value).collect()
}

impl Sink for Pass {
    fn width(&self, _: usize) -> Option<usize> {
        Some(plain(&self.of).count())
    }

    fn row(&mut self, _: usize, row: StreamedRow<'_>) -> ControlFlow<()> {
        if self.left == 0 {
            self.is_too_long = true;
            return ControlFlow::Break(());
        }
        self.left -= 1;
        let row = values(&self.of, &row);
        let at = match self.key[..] {
            [key] => self.declared(&row[key..=key]),
            _ => self.declared(&values_in(&row, &self.key)),
        };
        if let Some(at) = at {
            let others = besides(&self.rows.rows[at], row);
            self.found.push((at, others));
        }
        ControlFlow::Continue(())
    }
}
