//! What a comparison must know of a database before it reads rows: the columns of all tables, those behind virtual
//! tables and the engine's own too, and the definitions of all objects.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use sha2::{Digest, Sha256};

use super::affinity::Judge;
use super::columns::{Columns, Readable, values};
use super::uneven::{Numbers, Shared};
use super::{Fault, FaultyObject};
use crate::db::{
    Db, DbError, EngineError, HistoryTable, Order, Query, Scan, ScanColumn, Sink, StreamedRow,
};
use crate::dump::{self, Target};
use crate::history::{UNFINISHED, makes_ours};
use crate::schema::{Affinity, Strictness, affinity};
use crate::sql::{ROWID, Value, ValueRef, is_rowid, normal_form};

/// The columns of all tables that hold rows: <https://sqlite.org/pragma.html#pragma_table_list>.
const COLUMNS: &str = "\
SELECT t.name, t.strict, c.name, c.type, c.hidden, t.wr, c.pk, c.dflt_value
FROM pragma_table_list t, pragma_table_xinfo(t.name) c
WHERE t.schema = 'main' AND t.type IN ('table', 'shadow')
ORDER BY t.name, c.cid";

/// Virtual tables. Their columns are a matter of their modules, which the engine may lack.
const VIRTUAL: &str =
    "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'virtual'";

/// The definitions of all objects. The look that compares asks for them again.
pub(super) const OBJECTS: &str =
    "SELECT type, name, sql FROM sqlite_schema WHERE sql <> '' ORDER BY rowid";

/// What the answer to [`OBJECTS`] amounts to: equal where the schemas are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Schema {
    rows: u64,
    hash: [u8; 32],
}

impl Schema {
    /// The next row of the answer.
    pub(super) fn add<'a>(&mut self, values: impl IntoIterator<Item = ValueRef<'a>>) {
        let mut hash = Sha256::new_with_prefix(self.hash);
        for value in values {
            if let ValueRef::Text(text) = value {
                hash.update((text.len() as u64).to_le_bytes());
                hash.update(text);
            }
        }
        self.rows += 1;
        self.hash = hash.finalize().into();
    }
}

/// What a database has. Names are compared without regard to the case of ASCII letters.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    /// The name of its history; none where its table of this name is not Seedbed's.
    pub(super) history: Option<HistoryTable>,
    tables: HashMap<String, Table>,
    /// In lower case.
    virtual_tables: HashSet<String>,
    pub(super) schema: Schema,
    /// The normal form of the definition of each object.
    objects: HashMap<(&'static str, String), String>,
}

/// A table that holds rows.
#[derive(Debug, Default)]
struct Table {
    /// As it was made.
    name: String,
    /// Those whose values the writer of a row sets.
    columns: Vec<Column>,
    /// The names of the rowid that no column has, generated ones included; none of a table without a rowid.
    rowids: Vec<&'static str>,
}

/// A column whose values the writer of a row sets.
#[derive(Debug)]
struct Column {
    name: String,
    affinity: Affinity,
    /// Whether it may be the rowid by another name: an `INTEGER PRIMARY KEY`.
    is_rowid: bool,
    /// The text of its default.
    default: Option<String>,
}

/// An object that a dump makes.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) object: dump::Object,
    pub(super) name: String,
    /// The table that it belongs to, or its name again.
    pub(super) table: String,
    pub(super) sql: String,
    pub(super) line: u64,
}

/// The questions for a catalogue, and the columns of their answers.
const QUESTIONS: [(&str, usize); 3] = [(COLUMNS, 8), (OBJECTS, 3), (VIRTUAL, 1)];

/// A catalogue on its way.
struct Reading {
    catalogue: Catalogue,
    history: HistoryTable,
}

impl Sink for Reading {
    fn width(&self, question: usize) -> Option<usize> {
        QUESTIONS.get(question).map(|(_, width)| *width)
    }

    fn row(&mut self, question: usize, row: StreamedRow<'_>) -> ControlFlow<()> {
        match question {
            0 => self.catalogue.column(&row),
            1 => self.catalogue.object(&row, &self.history),
            _ => {
                let name = text(&row, 0).unwrap_or_default().to_ascii_lowercase();
                self.catalogue.virtual_tables.insert(name);
            }
        }
        ControlFlow::Continue(())
    }
}

/// A value that is a text.
fn text<'r>(row: &'r StreamedRow<'_>, column: usize) -> Option<&'r str> {
    match row.value(column) {
        ValueRef::Text(text) => str::from_utf8(text).ok(),
        _ => None,
    }
}

impl Catalogue {
    /// Reads it row by row: there may be many thousands of columns.
    pub(super) async fn read(db: &Db) -> Result<Catalogue, DbError> {
        let reading = Reading {
            catalogue: Catalogue {
                history: Some(db.history_table().clone()),
                ..Catalogue::default()
            },
            history: db.history_table().clone(),
        };
        let questions = QUESTIONS.map(|(sql, _)| Query::new(sql));
        Ok(db.stream(questions.to_vec(), reading).await?.catalogue)
    }

    fn column(&mut self, row: &StreamedRow<'_>) {
        let is = |column, number| row.value(column) == ValueRef::Integer(number);
        let (Some(table), Some(name)) = (text(row, 0), text(row, 2)) else {
            return;
        };
        let entry = self.tables.entry(table.to_ascii_lowercase());
        let table = entry.or_insert_with(|| Table {
            name: table.to_owned(),
            columns: Vec::new(),
            rowids: match is(5, 0) {
                true => ROWID.to_vec(),
                false => Vec::new(),
            },
        });
        table
            .rowids
            .retain(|rowid| !rowid.eq_ignore_ascii_case(name));
        // 2 and 3 are generated: no row of a dump has a value for them.
        if !is(4, 0) {
            return;
        }
        let strictness = match is(1, 1) {
            true => Strictness::Strict,
            false => Strictness::Flexible,
        };
        table.columns.push(Column {
            name: name.to_owned(),
            affinity: affinity(text(row, 3).unwrap_or_default(), strictness),
            is_rowid: is(6, 1)
                && is(5, 0)
                && text(row, 3).is_some_and(|it| it.eq_ignore_ascii_case("INTEGER")),
            default: text(row, 7).map(str::to_owned),
        });
    }

    fn object(&mut self, row: &StreamedRow<'_>, history: &HistoryTable) {
        self.schema.add(values(row));
        let (Some(kind), Some(name), Some(sql)) =
            (text(row, 0).and_then(word), text(row, 1), text(row, 2))
        else {
            return;
        };
        if history.is(name) && !makes_ours(sql) {
            self.history = None;
        }
        let key = (kind, name.to_ascii_lowercase());
        self.objects.insert(key, normal_form(sql));
    }

    pub(super) fn has(&self, table: &str) -> bool {
        self.tables.contains_key(&table.to_ascii_lowercase()) || self.is_virtual(table)
    }

    pub(super) fn is_virtual(&self, table: &str) -> bool {
        self.virtual_tables.contains(&table.to_ascii_lowercase())
    }

    /// The columns that rows of a dump go into, or why they fit no row of this database.
    pub(super) fn columns(&self, target: &Target) -> Result<Columns, String> {
        let Some(table) = self.tables.get(&target.table.to_ascii_lowercase()) else {
            return Err("there is no such table".to_owned());
        };
        let all = &table.columns;
        if target.columns.is_empty() {
            if all.len() != target.width {
                return Err(format!(
                    "its rows have {} values, and the table has {} columns",
                    target.width,
                    all.len()
                ));
            }
            return Ok(Columns {
                names: all.iter().map(|column| column.name.clone()).collect(),
                affinities: all.iter().map(|column| column.affinity).collect(),
                rowid: all.iter().position(|column| column.is_rowid),
            });
        }
        let mut columns = Columns {
            names: Vec::new(),
            affinities: Vec::new(),
            rowid: None,
        };
        for name in &target.columns {
            let found = all
                .iter()
                .find(|column| column.name.eq_ignore_ascii_case(name));
            let affinity = match found {
                Some(column) => column.affinity,
                None if is_rowid(name) => Affinity::Integer,
                None => return Err(format!("the table has no column {name:?}")),
            };
            if found.is_some_and(|column| column.is_rowid) {
                columns.rowid = Some(columns.names.len());
            }
            columns.names.push(name.clone());
            columns.affinities.push(affinity);
        }
        Ok(columns)
    }

    /// The columns in which all rows of a table can be compared that give values to these lists of columns.
    pub(super) fn shared(
        &self,
        table: &str,
        lists: &[Columns],
        numbers: Numbers,
        judge: Option<&Judge>,
    ) -> Result<Shared, EngineError> {
        let mut shared = Shared::default();
        let Some(table) = self.tables.get(&table.to_ascii_lowercase()) else {
            return Ok(shared);
        };
        let in_lists = |name: &str| {
            lists
                .iter()
                .filter(|list| list.place(name).is_some())
                .count()
        };
        // All rows have a rowid, and only those that are given one are known to have it.
        for name in ROWID {
            let is_column = table
                .columns
                .iter()
                .any(|it| it.name.eq_ignore_ascii_case(name));
            if !is_column && in_lists(name) == lists.len() {
                shared.column(name, Affinity::Integer, None);
            }
        }
        for column in &table.columns {
            let given = in_lists(&column.name);
            if given == 0 {
                continue;
            }
            let is_always_given = given == lists.len();
            if column.is_rowid && (!is_always_given || numbers == Numbers::OfTheEngine) {
                shared.numbered = Some(column.name.clone());
                continue;
            }
            let default = match (is_always_given, &column.default, judge) {
                (true, _, _) => None,
                (false, None, _) => Some(Value::Null),
                (false, Some(text), Some(judge)) => judge.default(text, column.affinity)?,
                (false, Some(_), None) => None,
            };
            match is_always_given || default.is_some() {
                true => shared.column(&column.name, column.affinity, default),
                false => shared.computed.push(column.name.clone()),
            }
        }
        Ok(shared)
    }

    /// The question for all rows of a table in these columns.
    pub(super) fn scan(&self, table: &str, columns: &Columns) -> Scan {
        let known = self.tables.get(&table.to_ascii_lowercase());
        let rowid = known.and_then(|table| table.rowids.first());
        let affinities = columns.names.iter().zip(&columns.affinities);
        Scan {
            table: table.to_owned(),
            columns: affinities
                .map(|(name, affinity)| ScanColumn {
                    name: name.clone(),
                    is_real: *affinity == Affinity::Real,
                })
                .collect(),
            order: match rowid {
                Some(name) => Order::Rowid((*name).to_owned()),
                None => Order::Terms(Vec::new()),
            },
        }
    }

    /// The tables in which a column may not keep a value, in the order of their names, and the questions for their rows.
    pub(super) fn readable(&self) -> Vec<(Readable, Scan)> {
        let is_own = |name: &str| {
            let lower = name.to_ascii_lowercase();
            lower == UNFINISHED
                || lower.starts_with("sqlite_")
                || self.history.as_ref().is_some_and(|it| it.is(name))
        };
        let converts = |column: &&Column| column.affinity != Affinity::Blob;
        let tables = self.tables.values();
        let mut readable: Vec<(Readable, Scan)> = tables
            .filter(|table| !is_own(&table.name) && table.columns.iter().any(|it| converts(&it)))
            .map(|table| {
                let rowid = table
                    .rowids
                    .first()
                    .map(|name| ((*name).to_owned(), Affinity::Integer));
                let columns = table.columns.iter().filter(converts);
                let columns = columns.map(|column| (column.name.clone(), column.affinity));
                let readable = Readable {
                    table: table.name.clone(),
                    has_rowid: rowid.is_some(),
                    columns: rowid.into_iter().chain(columns).collect(),
                };
                let (names, affinities) = readable.columns.iter().cloned().unzip();
                let columns = Columns {
                    names,
                    affinities,
                    rowid: None,
                };
                let scan = self.scan(&table.name, &columns);
                (readable, scan)
            })
            .collect();
        readable.sort_by(|(one, _), (other, _)| one.table.cmp(&other.table));
        readable
    }

    /// The objects of a dump that are not here as the dump has them.
    pub(super) fn faults(&self, made: &[Made]) -> Vec<FaultyObject> {
        let faults = made.iter().filter_map(|made| {
            let kind = match made.object {
                dump::Object::VirtualTable => "table",
                object => object.word(),
            };
            let key = (kind, made.name.to_ascii_lowercase());
            let fault = match self.objects.get(&key) {
                None => Fault::Missing,
                Some(normal) if *normal != normal_form(&made.sql) => Fault::Different,
                Some(_) => return None,
            };
            Some(FaultyObject {
                kind,
                name: made.name.clone(),
                line: made.line,
                fault,
            })
        });
        faults.collect()
    }
}

fn word(kind: &str) -> Option<&'static str> {
    ["table", "index", "trigger", "view"]
        .into_iter()
        .find(|word| *word == kind)
}
