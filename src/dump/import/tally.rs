//! What went where: rows, bytes and time of each table, in the order in which the dump comes to them. Pure.

use std::time::Duration;

use crate::dump::{Block, Item};

/// One table of a dump.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Table {
    /// Its name, without quotes.
    pub name: String,
    /// Rows that were written.
    pub rows: u64,
    /// Bytes of the dump that they took.
    pub bytes: u64,
    /// How long they took.
    pub took: Duration,
    /// How the table came to be: what starting over may do with it.
    pub before: Before,
    /// Whether it holds as many rows as were written; none where that was not checked.
    pub verified: Option<bool>,
    /// Rows beyond those that were written: others have written to it while the import ran.
    pub of_others: u64,
}

/// What a table was before an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Before {
    /// The import made it.
    #[default]
    Absent,
    /// It was there, without rows.
    Empty,
    /// It was there, with so many rows.
    Rows(u64),
}

/// The tables of a dump, in the order in which it comes to them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Tally {
    pub(super) tables: Vec<Table>,
    /// The table of the last rows: they come one after the other.
    last: usize,
}

impl Tally {
    pub(super) fn of(tables: Vec<Table>) -> Tally {
        Tally { tables, last: 0 }
    }

    /// The entry of a table, which is made where there is none.
    pub(super) fn table(&mut self, name: &str) -> &mut Table {
        let at = self.position(name).unwrap_or_else(|| {
            self.tables.push(Table {
                name: name.to_owned(),
                ..Table::default()
            });
            self.tables.len() - 1
        });
        self.last = at;
        &mut self.tables[at]
    }

    /// Where a table is: rows come one after the other, and tables that take turns mostly do so in one order.
    fn position(&self, name: &str) -> Option<usize> {
        let is = |table: &Table| table.name.eq_ignore_ascii_case(name);
        let is_at = |at: &usize| self.tables.get(*at).is_some_and(is);
        let likely = [self.last, self.last + 1].into_iter().find(is_at);
        likely.or_else(|| self.tables.iter().position(is))
    }

    /// The entry of a table, where there is one.
    pub(super) fn known(&mut self, name: &str) -> Option<&mut Table> {
        let at = self.position(name)?;
        self.last = at;
        self.tables.get_mut(at)
    }

    /// Whether there is this table.
    pub(super) fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    fn find(&self, name: &str) -> Option<&Table> {
        let mut tables = self.tables.iter();
        tables.find(|table| table.name.eq_ignore_ascii_case(name))
    }

    /// Takes over what a chunk has come to, which took so long.
    pub(super) fn took(&mut self, after: &Tally, took: Duration) {
        // A table turns out to be part of a virtual table only when the dump makes that one: it counts no more, on
        // either side, so it is removed before the bytes of the chunk are summed.
        self.tables.retain(|table| after.has(&table.name));
        let more = |here: &Tally, table: &Table| {
            let before = here.find(&table.name).map_or(0, |here| here.bytes);
            table.bytes.saturating_sub(before)
        };
        let bytes: u64 = after.tables.iter().map(|table| more(self, table)).sum();
        for table in &after.tables {
            let share = more(self, table) as f64 / bytes.max(1) as f64;
            let here = self.table(&table.name);
            here.took += took.mul_f64(share);
            here.rows = table.rows;
            here.bytes = table.bytes;
            here.before = table.before;
        }
    }

    /// Rows of all tables.
    pub(super) fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.rows).sum()
    }
}

/// The bytes of a dump that an item of a block takes.
pub(super) fn bytes_of(block: &Block, item: usize) -> u64 {
    match &block.items[item] {
        Item::Rows(rows) => rows.bytes,
        Item::Statement(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(tables: &[(&str, u64)]) -> Tally {
        let table = |(name, bytes): &(&str, u64)| Table {
            name: (*name).to_owned(),
            bytes: *bytes,
            ..Table::default()
        };
        Tally::of(tables.iter().map(table).collect())
    }

    #[test]
    fn the_times_of_the_tables_sum_to_the_time_of_the_chunk() {
        let second = Duration::from_secs(1);
        let mut sent = Tally::default();
        sent.took(
            &tally(&[("a", 100), ("f_data", 900), ("g_node", 500)]),
            second,
        );
        let took = |sent: &Tally| sent.tables.iter().map(|table| table.took).sum::<Duration>();
        assert_eq!(took(&sent).as_millis(), 1000);
        // The virtual tables f and g are made: the tables behind them count no more.
        sent.took(&tally(&[("a", 100), ("later", 300)]), second);
        let of = |name: &str| sent.find(name).map(|table| table.took.as_millis());
        assert_eq!((of("later"), of("f_data")), (Some(1000), None));
        assert!(took(&sent) <= second * 2);
    }
}
