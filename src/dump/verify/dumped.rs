//! The side of the dump: what it makes, and what the rows of each of its tables amount to.

use std::collections::HashMap;
use std::sync::Arc;

use super::affinity::Judge;
use super::catalogue::{Catalogue, Made};
use super::columns::Columns;
use super::tally::{Hasher, RowHash, Tally};
use super::uneven::{Given, Lists, Numbers, Shared};
use super::{Level, VerifyError, stopped};
use crate::db::{DbError, EngineError, HistoryTable, Stop};
use crate::dump::modules::{Modules, VirtualTable, is_ordinary};
use crate::dump::{self, Block, DumpError, Item, OnConflict, Reader, Rows, Target, What};
use crate::history::{UNFINISHED, makes_ours};
use crate::sql::{ValueRef, gives_way, is_autoincrement, significant};

/// <https://sqlite.org/autoinc.html>
pub(super) const SEQUENCE: &str = "sqlite_sequence";

/// How many tables have tallies of many parts, and with how many rows one keeps them where there are more tables.
const TABLES: usize = 256;
const MANY_ROWS: u64 = 1_000_000;

/// What a dump holds.
#[derive(Debug, Default)]
pub(super) struct Dumped {
    /// In the order in which they come.
    pub(super) tables: Vec<DumpedTable>,
    /// What it makes, but for what the engine makes by itself.
    pub(super) objects: Vec<Made>,
    /// The numbers of the header that it sets: `user_version`, `application_id`.
    pub(super) numbers: Vec<Number>,
    /// The last numbers of its tables with `AUTOINCREMENT`, in the order in which they come.
    pub(super) sequences: Vec<Sequence>,
    /// Of its text.
    pub(super) sha256: [u8; 32],
    /// The name of the history; none where the dump or the database has another table of this name, which is data.
    history: Option<HistoryTable>,
    virtual_tables: Vec<VirtualTable>,
    by_name: HashMap<String, usize>,
    /// Where rows do not give values to the columns that are compared, in their order: where these are found.
    given: HashMap<Target, Vec<Given>>,
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
    lists: Lists,
    /// What of its rows is not compared.
    pub(super) partly: Option<String>,
    /// Whether some of its rows may give way to others: `INSERT OR IGNORE`, `INSERT OR REPLACE`.
    pub(super) may_conflict: bool,
    /// Whether it is a virtual table of the database: its module makes of values what it likes.
    pub(super) is_virtual: bool,
    pub(super) tally: Tally,
}

/// A number of the header, as a dump sets it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Number {
    pub(super) pragma: &'static str,
    pub(super) value: i64,
    pub(super) line: u64,
}

/// The highest key that a table with `AUTOINCREMENT` has had, as a dump says it: <https://sqlite.org/autoinc.html>.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sequence {
    pub(super) table: String,
    pub(super) last: i64,
    pub(super) line: u64,
}

/// Reads a dump to its end. Where the rows of a table do not all give values to the same columns, it is read once more
/// with `again`, now that it is known what they have in common. Blocks the thread.
pub(super) fn read(
    reader: Reader,
    again: impl FnOnce() -> Option<Result<Reader, DumpError>>,
    catalogue: &Catalogue,
    modules: &Modules,
    judge: Option<Judge>,
    level: Level,
    stop: &Stop,
) -> Result<Dumped, VerifyError> {
    let mut rows_of = RowsOf {
        judge,
        hasher: Hasher::default(),
    };
    let even = HashMap::new();
    let mut dumped = read_once(reader, catalogue, modules, &mut rows_of, level, &even, stop)?;
    let uneven = dumped
        .tables
        .iter()
        .filter(|table| table.lists.are_uneven());
    let mut shared = HashMap::new();
    for table in uneven {
        let Lists { lists, numbers } = &table.lists;
        let columns = catalogue.shared(&table.name, lists, *numbers, rows_of.judge.as_ref());
        let columns = columns.map_err(DbError::Read)?;
        shared.insert(table.name.to_ascii_lowercase(), columns);
    }
    if shared.is_empty() {
        return Ok(dumped);
    }
    if let Some(reader) = again() {
        return read_once(
            reader?,
            catalogue,
            modules,
            &mut rows_of,
            level,
            &shared,
            stop,
        );
    }
    for table in dumped
        .tables
        .iter_mut()
        .filter(|table| table.lists.are_uneven())
    {
        table.columns = None;
        table.partly = Some(ONCE.to_owned());
    }
    Ok(dumped)
}

/// What is not compared of a dump that cannot be read a second time.
const ONCE: &str = "only its rows are counted: they do not all give values to the same columns, and the dump can be read \
                    only once; name a file to compare them";

fn read_once(
    mut reader: Reader,
    catalogue: &Catalogue,
    modules: &Modules,
    rows_of: &mut RowsOf,
    level: Level,
    shared: &HashMap<String, Shared>,
    stop: &Stop,
) -> Result<Dumped, VerifyError> {
    let mut dumped = Dumped {
        history: catalogue.history.clone(),
        ..Dumped::default()
    };
    let mut filled: Option<(Arc<Target>, usize)> = None;
    while let Some(block) = reader.next()? {
        if stop.is_raised() {
            return Err(stopped());
        }
        dumped.sha256 = block.end.sha256;
        for item in &block.items {
            match item {
                Item::Statement(statement) => {
                    dumped.statement(&statement.what, statement.line, modules);
                    filled = None;
                }
                Item::Rows(rows) => {
                    dumped.sequences(&block, rows);
                    let at = match &filled {
                        Some((target, at)) if Arc::ptr_eq(target, &rows.target) => *at,
                        _ => dumped.target(&rows.target, catalogue, shared),
                    };
                    filled = Some((Arc::clone(&rows.target), at));
                    let table = &mut dumped.tables[at];
                    table.rows += rows.len() as u64;
                    if let (Level::Full, None, Some(columns)) =
                        (level, &table.unfit, &table.columns)
                    {
                        let given = dumped.given.get(&*rows.target);
                        for row in 0..rows.len() {
                            let values = values_of(&block, rows, row, given);
                            let is_numbered = columns
                                .rowid
                                .is_some_and(|at| values.get(at) == Some(&ValueRef::Null));
                            if is_numbered {
                                table.lists.numbers = Numbers::OfTheEngine;
                            }
                            let hash = rows_of.hash(&values, columns);
                            table.tally.add(hash.map_err(DbError::Read)?);
                        }
                    }
                }
            }
        }
    }
    dumped.leave_out_shadows();
    dumped.leave_out_virtual_tables();
    dumped.leave_out_sequences();
    Ok(dumped)
}

/// The values of a row, in the order of the columns that are compared.
fn values_of<'b>(
    block: &'b Block,
    rows: &'b Rows,
    row: usize,
    given: Option<&'b Vec<Given>>,
) -> Vec<ValueRef<'b>> {
    let values: Vec<ValueRef<'b>> = block.row(rows, row).collect();
    match given {
        None => values,
        Some(given) => given.iter().map(|given| given.of(&values)).collect(),
    }
}

/// The place of each column of `table` among the columns of a row; none where these are not the same columns.
fn order_of(row: &Columns, table: &Columns) -> Option<Vec<Given>> {
    let place = |name: &String| row.place(name).map(Given::At);
    let order: Option<Vec<Given>> = table.names.iter().map(place).collect();
    order.filter(|_| row.names.len() == table.names.len())
}

/// Whether a `CREATE` does nothing where there is an object of its name.
fn is_conditional(sql: &str) -> bool {
    let begin: Vec<_> = significant(sql).take(6).collect();
    begin
        .windows(2)
        .any(|two| two[0].is_word(sql, "IF") && two[1].is_word(sql, "NOT"))
}

impl Dumped {
    /// Why a table is not compared; none where it is.
    pub(super) fn left_out(&self, table: &str) -> Option<&'static str> {
        let lower = table.to_ascii_lowercase();
        match lower.as_str() {
            UNFINISHED => Some("the records of this program"),
            SEQUENCE => Some("grows by itself: its numbers may be higher"),
            _ if lower.starts_with("sqlite_stat") => Some("the statistics of ANALYZE"),
            _ => {
                let history = self.history.as_ref().filter(|history| history.is(table));
                history.map(|_| "the records of this program")
            }
        }
    }

    /// The numbers that the dump of a database does not set are 0 in it.
    pub(super) fn with_all_numbers(&mut self) {
        for pragma in ["user_version", "application_id"] {
            if !self.numbers.iter().any(|number| number.pragma == pragma) {
                self.numbers.push(Number {
                    pragma,
                    value: 0,
                    line: 0,
                });
            }
        }
    }

    /// Takes in rows of `sqlite_sequence`.
    fn sequences(&mut self, block: &Block, rows: &Rows) {
        if !rows.target.table.eq_ignore_ascii_case(SEQUENCE) {
            return;
        }
        for row in 0..rows.len() {
            let values: Vec<ValueRef<'_>> = block.row(rows, row).collect();
            if let [ValueRef::Text(table), ValueRef::Integer(last)] = values[..] {
                self.sequences.push(Sequence {
                    table: String::from_utf8_lossy(table).into_owned(),
                    last,
                    line: block.place(rows, row).1,
                });
            }
        }
    }

    /// Only a table that the dump makes with `AUTOINCREMENT` counts for certain; an engine goes by its exact name. Of two
    /// rows of one table it is not known which one counts.
    fn leave_out_sequences(&mut self) {
        let objects = &self.objects;
        let names: Vec<String> = self.sequences.iter().map(|it| it.table.clone()).collect();
        self.sequences.retain(|sequence| {
            let counts = |made: &Made| {
                made.object == dump::Object::Table
                    && made.name == sequence.table
                    && is_autoincrement(&made.sql)
            };
            let rows = names.iter().filter(|name| **name == sequence.table);
            rows.count() == 1 && objects.iter().any(counts)
        });
    }

    /// How an engine defines the tables of its virtual tables is its own matter, and changes with its versions.
    fn leave_out_shadows(&mut self) {
        let virtual_tables = &self.virtual_tables;
        self.objects.retain(|made| {
            let is_certain = || made.object != dump::Object::Table || is_ordinary(&made.sql);
            let mut owners = virtual_tables.iter();
            !owners.any(|owner| owner.owns(&made.table, is_certain))
        });
    }

    /// Rows that a dump writes to a virtual table and to the tables of its content are the same rows twice.
    fn leave_out_virtual_tables(&mut self) {
        let written = &self.tables;
        let twice: Vec<String> = self
            .virtual_tables
            .iter()
            .filter(|owner| {
                written
                    .iter()
                    .any(|table| owner.owns(&table.name, || false))
            })
            .map(|owner| owner.name.clone())
            .collect();
        self.tables.retain(|table| {
            !twice
                .iter()
                .any(|name| name.eq_ignore_ascii_case(&table.name))
        });
    }

    fn statement(&mut self, what: &What, line: u64, modules: &Modules) {
        if let What::Number { pragma, value } = what {
            self.numbers.retain(|number| number.pragma != *pragma);
            self.numbers.push(Number {
                pragma,
                value: *value,
                line,
            });
        }
        if let What::Clear { table } = what
            && let Some(at) = self.by_name.get(&table.to_ascii_lowercase())
        {
            let table = &mut self.tables[*at];
            table.rows = 0;
            table.tally.clear();
            table.columns = None;
            table.lists = Lists::default();
        }
        let What::Create {
            object,
            name,
            table,
            sql,
        } = what
        else {
            return;
        };
        let is_it = |made: &Made| made.object == *object && made.name.eq_ignore_ascii_case(name);
        if is_conditional(sql) && self.objects.iter().any(is_it) {
            return;
        }
        match object {
            dump::Object::Table => {
                let at = self.table(name);
                self.tables[at].may_conflict |= gives_way(sql);
            }
            dump::Object::VirtualTable => {
                self.virtual_tables.push(modules.virtual_table(name, sql));
            }
            _ => {}
        }
        if !makes_ours(sql) {
            self.history.take_if(|history| history.is(name));
        }
        if self.left_out(name).is_none() {
            self.objects.push(Made {
                object: *object,
                name: name.clone(),
                table: table.clone(),
                sql: sql.clone(),
                line,
            });
        }
    }

    fn table(&mut self, name: &str) -> usize {
        let lower = name.to_ascii_lowercase();
        if let Some(at) = self.by_name.get(&lower) {
            return *at;
        }
        let at = self.tables.len();
        self.by_name.insert(lower, at);
        self.tables.push(DumpedTable {
            name: name.to_owned(),
            rows: 0,
            columns: None,
            unfit: None,
            lists: Lists::default(),
            partly: None,
            may_conflict: false,
            is_virtual: false,
            tally: Tally::new(),
        });
        let folded = match at {
            ..TABLES => at..at,
            TABLES => 0..at + 1,
            _ => at..at + 1,
        };
        for table in &mut self.tables[folded] {
            if table.rows < MANY_ROWS {
                table.tally.fold();
            }
        }
        at
    }

    /// The table of some rows, which says once what their columns are.
    fn target(
        &mut self,
        target: &Target,
        catalogue: &Catalogue,
        shared: &HashMap<String, Shared>,
    ) -> usize {
        let at = self.table(&target.table);
        let is_left_out = self.left_out(&target.table).is_some();
        let table = &mut self.tables[at];
        table.may_conflict |= target.on_conflict != OnConflict::Fail;
        if table.unfit.is_some() || is_left_out {
            return at;
        }
        if catalogue.is_virtual(&target.table) {
            table.is_virtual = true;
            return at;
        }
        let columns = match catalogue.columns(target) {
            Ok(columns) => columns,
            Err(why) => {
                table.unfit = Some(why);
                return at;
            }
        };
        if let Some(shared) = shared.get(&target.table.to_ascii_lowercase()) {
            let is_any = !shared.columns.names.is_empty();
            table.columns = is_any.then(|| shared.columns.clone());
            table.partly = shared.note();
            self.given.insert(target.clone(), shared.given(&columns));
            return at;
        }
        self.given.remove(target);
        match &table.columns {
            None => {
                table.lists.add(&columns);
                table.columns = Some(columns);
            }
            Some(before) if columns == *before => {}
            Some(before) => match order_of(&columns, before) {
                Some(order) => {
                    self.given.insert(target.clone(), order);
                }
                None => table.lists.add(&columns),
            },
        }
        at
    }

    /// The values of a row of the dump, in the order of the columns that are compared.
    pub(super) fn row<'b>(
        &'b self,
        block: &'b Block,
        rows: &'b Rows,
        row: usize,
    ) -> Vec<ValueRef<'b>> {
        values_of(block, rows, row, self.given.get(&*rows.target))
    }
}

/// Hashes rows of a dump as the database would keep them, or as they are where there is no judge.
pub(super) struct RowsOf {
    pub(super) judge: Option<Judge>,
    pub(super) hasher: Hasher,
}

impl RowsOf {
    pub(super) fn hash(
        &mut self,
        row: &[ValueRef<'_>],
        columns: &Columns,
    ) -> Result<RowHash, EngineError> {
        let Some(judge) = &self.judge else {
            return Ok(self.hasher.row(row.iter().copied()));
        };
        let mut changed = Vec::new();
        for (at, (value, affinity)) in row.iter().zip(&columns.affinities).enumerate() {
            if let Some(stored) = judge.stored(*value, *affinity)? {
                changed.push((at, stored));
            }
        }
        if changed.is_empty() {
            return Ok(self.hasher.row(row.iter().copied()));
        }
        let mut values: Vec<ValueRef<'_>> = row.to_vec();
        for (at, stored) in &changed {
            values[*at] = stored.into();
        }
        Ok(self.hasher.row(values))
    }
}
