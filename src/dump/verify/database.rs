//! The side of the database: how many rows its tables have, and what they amount to. All of it is one look: one read
//! transaction, which begins by seeing whether the schema still is the one that was read before.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::catalogue::{Catalogue, OBJECTS, Schema};
use super::columns::{Columns, values};
use super::dumped::{Dumped, DumpedTable, Number, SEQUENCE, Sequence};
use super::tally::{Hasher, Parts, RowHash, Tally};
use super::{Fault, FaultyObject, Level, Verdict, VerifiedTable};
use crate::db::{Db, DbError, Engine, Query, Question, Scan, Sink, StreamedRow};
use crate::sql::ValueRef;

/// A table that was compared.
pub(super) struct Compared {
    pub(super) table: VerifiedTable,
    /// The parts of the tallies in which rows differ.
    pub(super) differs_in: Parts,
    /// The rows of the database, where they differ.
    pub(super) tally: Tally,
    /// Whether rows of the dump may have given way to others, so that only those of the database have to be in the dump.
    pub(super) gave_way: bool,
}

/// What one look at a database came to.
pub(super) struct Looked {
    pub(super) tables: Vec<Compared>,
    /// The numbers of the header that are not what the dump says.
    pub(super) numbers: Vec<FaultyObject>,
    /// The tables with `AUTOINCREMENT` whose last number is lower than the dump says.
    pub(super) sequences: Vec<FaultyObject>,
}

/// Compares all tables of a dump, and the numbers that it sets, with a database in one state of it; none where its schema
/// is another one than that of the catalogue.
pub(super) async fn compared(
    db: &Db,
    catalogue: &Catalogue,
    dumped: &Arc<Dumped>,
    level: Level,
) -> Result<Option<Looked>, DbError> {
    let mut asked = vec![Asked::Schema];
    let mut questions: Vec<Question> = vec![Query::new(OBJECTS).into()];
    let is_kept =
        |number: &Number| number.pragma != "application_id" || db.engine().takes_application_id();
    for (at, number) in dumped.numbers.iter().enumerate() {
        if is_kept(number) {
            let pragma = number.pragma;
            asked.push(Asked::Number(at));
            questions.push(Query::new(format!("SELECT {pragma} FROM pragma_{pragma}")).into());
        }
    }
    if !dumped.sequences.is_empty() && catalogue.has(SEQUENCE) {
        asked.push(Asked::Sequences);
        questions.push(Query::new("SELECT seq, name FROM sqlite_sequence").into());
    }
    for (at, table) in dumped.tables.iter().enumerate() {
        match scan(catalogue, dumped, table).filter(|_| level == Level::Full) {
            Some(scan) => {
                asked.push(Asked::Rows(at, scan.columns.len()));
                questions.push(scan.into());
            }
            None if catalogue.has(&table.name) => {
                asked.push(Asked::Count(at));
                questions.push(Query::count(&table.name).into());
            }
            None => {}
        }
    }
    let look = Look {
        asked,
        dumped: Arc::clone(dumped),
        expected: catalogue.schema,
        schema: Schema::default(),
        is_changed: false,
        hasher: Hasher::default(),
        question: 0,
        tally: Tally::new(),
        found: dumped.tables.iter().map(|_| Found::default()).collect(),
        numbers: Vec::new(),
        sequences: None,
    };
    let mut look = db.stream(questions, look).await?;
    look.go_to(usize::MAX);
    if look.is_changed {
        return Ok(None);
    }
    let tables = dumped.tables.iter().zip(look.found);
    let tables = tables.map(|(of_dump, found)| {
        let mut table = VerifiedTable {
            name: of_dump.name.clone(),
            in_dump: of_dump.rows,
            in_database: found.rows,
            verdict: match found.differs_in.is_empty() {
                true => Verdict::Equal,
                false => Verdict::Different(Vec::new()),
            },
        };
        let gave_way = judge(of_dump, &mut table, dumped.left_out(&of_dump.name), level);
        Compared {
            table,
            differs_in: match gave_way {
                true => Parts::all(&found.tally),
                false => found.differs_in,
            },
            tally: found.tally,
            gave_way,
        }
    });
    Ok(Some(Looked {
        tables: tables.collect(),
        numbers: faults(&dumped.numbers, &look.numbers),
        sequences: look.sequences.map_or_else(Vec::new, |found| {
            lower_sequences(&dumped.sequences, &found, db.engine())
        }),
    }))
}

/// What a question is about.
#[derive(Debug, Clone, Copy)]
enum Asked {
    Schema,
    /// A number of the header, by its place in the dump.
    Number(usize),
    /// The last numbers of the tables with `AUTOINCREMENT`.
    Sequences,
    /// How many rows a table has, by its place in the dump.
    Count(usize),
    /// The rows of a table, in so many columns.
    Rows(usize, usize),
}

/// What was found of a table of the dump.
#[derive(Default)]
struct Found {
    rows: Option<u64>,
    differs_in: Parts,
    tally: Tally,
}

/// One look on its way. Of the tables that were read, only what differs is kept.
struct Look {
    asked: Vec<Asked>,
    dumped: Arc<Dumped>,
    expected: Schema,
    schema: Schema,
    is_changed: bool,
    hasher: Hasher,
    /// The question whose answer is coming.
    question: usize,
    /// The rows of the table that is coming.
    tally: Tally,
    found: Vec<Found>,
    numbers: Vec<(usize, i64)>,
    /// Tables and their last numbers; none where they were not asked for.
    sequences: Option<Vec<(String, i64)>>,
}

impl Look {
    /// Ends the answers to all questions before this one.
    fn go_to(&mut self, question: usize) {
        for ended in self.question..question.min(self.asked.len()) {
            match self.asked[ended] {
                Asked::Schema => self.is_changed = self.schema != self.expected,
                Asked::Rows(at, _) => {
                    let tally = std::mem::take(&mut self.tally);
                    let differs_in = self.dumped.tables[at].tally.differs_in(&tally);
                    self.found[at] = Found {
                        rows: Some(tally.rows()),
                        tally: match differs_in.is_empty() {
                            true => Tally::default(),
                            false => tally,
                        },
                        differs_in,
                    };
                }
                Asked::Sequences => {
                    self.sequences.get_or_insert_default();
                }
                Asked::Number(_) | Asked::Count(_) => {}
            }
        }
        self.question = question;
    }
}

impl Sink for Look {
    fn width(&self, question: usize) -> Option<usize> {
        Some(match self.asked.get(question)? {
            Asked::Schema => 3,
            Asked::Sequences => 2,
            Asked::Number(_) | Asked::Count(_) => 1,
            Asked::Rows(_, width) => *width,
        })
    }

    fn row(&mut self, question: usize, row: StreamedRow<'_>) -> ControlFlow<()> {
        if question != self.question {
            self.go_to(question);
        }
        if self.is_changed {
            return ControlFlow::Break(());
        }
        let number = match row.value(0) {
            ValueRef::Integer(number) => number,
            _ => 0,
        };
        match self.asked[question] {
            Asked::Schema => self.schema.add(values(&row)),
            Asked::Number(at) => self.numbers.push((at, number)),
            Asked::Sequences => {
                if let ValueRef::Text(table) = row.value(1) {
                    let table = String::from_utf8_lossy(table).into_owned();
                    self.sequences.get_or_insert_default().push((table, number));
                }
            }
            Asked::Count(at) => self.found[at].rows = u64::try_from(number).ok(),
            Asked::Rows(..) => self.tally.add(self.hasher.row(values(&row))),
        }
        ControlFlow::Continue(())
    }
}

/// What is reported of a table besides the sum of its rows, and whether each of its rows has to be looked for in the
/// dump.
fn judge(
    of_dump: &DumpedTable,
    table: &mut VerifiedTable,
    left_out: Option<&'static str>,
    level: Level,
) -> bool {
    let mut is_looked_for = false;
    table.verdict = match (left_out, table.in_database, &of_dump.unfit) {
        (Some(why), _, _) => Verdict::Skipped(why),
        (None, None, _) => Verdict::Missing,
        (None, Some(_), Some(why)) => Verdict::Unknown(why.clone()),
        (None, Some(rows @ 1..), None) if of_dump.may_conflict && rows < table.in_dump => {
            is_looked_for = level == Level::Full && of_dump.columns.is_some();
            match is_looked_for {
                true => Verdict::Unknown(gave_way(table.in_dump - rows, "they are not compared")),
                false => Verdict::Partial(gave_way(table.in_dump - rows, "its rows are counted")),
            }
        }
        (None, Some(rows), None) if rows != table.in_dump => Verdict::Different(Vec::new()),
        (None, Some(_), None) if of_dump.is_virtual => {
            Verdict::Skipped("a virtual table: only the number of its rows is compared")
        }
        (None, Some(_), None) => match (&of_dump.partly, &table.verdict) {
            (Some(note), Verdict::Equal) => Verdict::Partial(note.clone()),
            _ => return false,
        },
    };
    is_looked_for
}

/// Of rows of a dump that the database does not have, and need not have.
pub(super) fn gave_way(rows: u64, looked_at: &str) -> String {
    let rows = match rows {
        1 => "1 row of the dump is not there".to_owned(),
        _ => format!("{rows} rows of the dump are not there"),
    };
    format!(
        "{rows}, and its rows may give way to others (OR IGNORE, OR REPLACE, ON CONFLICT): {looked_at}"
    )
}

/// A row of the database on its way.
pub(super) struct FoundRow<'a, 'r> {
    /// Which of the questions it answers, from 0.
    pub(super) number: usize,
    pub(super) hash: RowHash,
    pub(super) row: &'a StreamedRow<'r>,
}

/// Shows every row of all questions, and gives back what was made of them.
pub(super) async fn each_row<T: Send + 'static>(
    db: &Db,
    scans: Vec<Scan>,
    made: T,
    on_row: impl FnMut(&mut T, FoundRow<'_, '_>) -> ControlFlow<()> + Send + 'static,
) -> Result<T, DbError> {
    let each = Each {
        widths: scans.iter().map(|scan| scan.columns.len()).collect(),
        hasher: Hasher::default(),
        made,
        on_row,
    };
    Ok(db.stream(scans, each).await?.made)
}

/// Hashes rows on their way.
struct Each<T, F> {
    widths: Vec<usize>,
    hasher: Hasher,
    made: T,
    on_row: F,
}

impl<T, F> Sink for Each<T, F>
where
    T: Send + 'static,
    F: FnMut(&mut T, FoundRow<'_, '_>) -> ControlFlow<()> + Send + 'static,
{
    fn width(&self, number: usize) -> Option<usize> {
        self.widths.get(number).copied()
    }

    fn row(&mut self, number: usize, row: StreamedRow<'_>) -> ControlFlow<()> {
        let found = FoundRow {
            number,
            hash: self.hasher.row(values(&row)),
            row: &row,
        };
        (self.on_row)(&mut self.made, found)
    }
}

/// The numbers of the header that were found to be others than the dump says.
fn faults(numbers: &[Number], found: &[(usize, i64)]) -> Vec<FaultyObject> {
    let faults = found.iter().filter_map(|&(at, found)| {
        let number = &numbers[at];
        // The engine keeps 32 bits.
        #[allow(clippy::cast_possible_truncation)]
        let kept = i64::from(number.value as i32);
        (found != kept).then(|| FaultyObject {
            kind: "PRAGMA",
            name: number.pragma.to_owned(),
            line: number.line,
            fault: Fault::Number {
                in_dump: number.value,
                in_database: found,
            },
        })
    });
    faults.collect()
}

/// The tables whose last number is lower than the dump says, so that keys of deleted rows would be given again.
fn lower_sequences(
    expected: &[Sequence],
    found: &[(String, i64)],
    engine: Engine,
) -> Vec<FaultyObject> {
    let faults = expected.iter().filter_map(|sequence| {
        let name = engine.counts_as(&sequence.table);
        let of_table = found.iter().filter(|(table, _)| *table == name);
        let last = of_table.map(|(_, last)| *last).max().unwrap_or(0);
        (last < sequence.last).then(|| FaultyObject {
            kind: "AUTOINCREMENT",
            name: sequence.table.clone(),
            line: sequence.line,
            fault: Fault::Sequence {
                in_dump: sequence.last,
                in_database: last,
            },
        })
    });
    faults.collect()
}

/// The question for the rows of a table; none where they cannot be compared.
pub(super) fn scan(catalogue: &Catalogue, dumped: &Dumped, table: &DumpedTable) -> Option<Scan> {
    let columns: &Columns = table.columns.as_ref()?;
    if table.unfit.is_some() || dumped.left_out(&table.name).is_some() {
        return None;
    }
    Some(catalogue.scan(&table.name, columns))
}
