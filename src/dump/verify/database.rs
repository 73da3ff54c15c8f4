//! The side of the database: how many rows its tables have, and what they amount to.

use std::ops::ControlFlow;

use super::catalogue::{Catalogue, Columns};
use super::dumped::{Dumped, DumpedTable, Number};
use super::tally::{Hasher, RowHash, Tally};
use super::{Fault, FaultyObject, Level, Verdict, VerifiedTable};
use crate::db::{Db, DbError, Query, Scan, Sink, StreamedRow};
use crate::sql::ValueRef;

/// A table that was compared, and its rows where they were read.
pub(super) struct Compared {
    pub(super) table: VerifiedTable,
    /// The parts of the tallies in which rows differ.
    pub(super) differs_in: Vec<usize>,
}

/// Compares all tables of a dump with those of a database, each on one state of it.
pub(super) async fn compared(
    db: &Db,
    catalogue: &Catalogue,
    dumped: &Dumped,
    level: Level,
) -> Result<Vec<Compared>, DbError> {
    let tallies = match level {
        Level::Full => tallies(db, catalogue, dumped).await?,
        Level::Counts => dumped.tables.iter().map(|_| None).collect(),
    };
    let mut compared = Vec::with_capacity(dumped.tables.len());
    for (of_dump, tally) in dumped.tables.iter().zip(tallies) {
        let (in_database, differs_in) = match &tally {
            Some(tally) => (Some(tally.rows()), of_dump.tally.differs_in(tally)),
            None => (None, Vec::new()),
        };
        compared.push(Compared {
            table: VerifiedTable {
                name: of_dump.name.clone(),
                in_dump: of_dump.rows,
                in_database,
                verdict: match differs_in.as_slice() {
                    [] => Verdict::Equal,
                    _ => Verdict::Different(Vec::new()),
                },
            },
            differs_in,
        });
    }
    count(db, catalogue, &mut compared).await?;
    for (of_dump, compared) in dumped.tables.iter().zip(&mut compared) {
        judge(of_dump, &mut compared.table, dumped.left_out(&of_dump.name));
    }
    Ok(compared)
}

/// What is said of a table beside what its rows amount to.
fn judge(of_dump: &DumpedTable, table: &mut VerifiedTable, left_out: Option<&'static str>) {
    table.verdict = match (left_out, table.in_database, &of_dump.unfit) {
        (Some(why), _, _) => Verdict::Skipped(why),
        (None, None, _) => Verdict::Missing,
        (None, Some(rows), _) if of_dump.may_conflict && rows < table.in_dump => {
            Verdict::Unknown(
                "some of its rows gave way to others, since the dump says INSERT OR IGNORE or OR REPLACE"
                    .to_owned(),
            )
        }
        (None, Some(rows), _) if rows != table.in_dump => Verdict::Different(Vec::new()),
        (None, Some(_), None) if of_dump.is_virtual => {
            Verdict::Skipped("a virtual table: only the number of its rows is compared")
        }
        (None, Some(_), Some(why)) => Verdict::Unknown(why.clone()),
        (None, Some(_), None) => return,
    };
}

/// Counts the rows of the tables that are there and were not read.
async fn count(db: &Db, catalogue: &Catalogue, compared: &mut [Compared]) -> Result<(), DbError> {
    let unread: Vec<(&mut VerifiedTable, Query)> = compared
        .iter_mut()
        .map(|compared| &mut compared.table)
        .filter(|table| table.in_database.is_none() && catalogue.has(&table.name))
        .map(|table| {
            let count = Query::count(&table.name);
            (table, count)
        })
        .collect();
    for (table, reply) in db.ask(unread).await? {
        table.in_database = Some(reply.count()?);
    }
    Ok(())
}

/// What the rows of each table amount to, in the columns that the dump names; none for those that cannot be compared.
async fn tallies(
    db: &Db,
    catalogue: &Catalogue,
    dumped: &Dumped,
) -> Result<Vec<Option<Tally>>, DbError> {
    let scans: Vec<Option<Scan>> = dumped
        .tables
        .iter()
        .map(|table| scan(catalogue, dumped, table))
        .collect();
    let asked: Vec<Scan> = scans.iter().flatten().cloned().collect();
    let tallies = asked.iter().map(|_| Tally::new()).collect();
    let add = |tallies: &mut Vec<Tally>, row: FoundRow<'_, '_>| {
        tallies[row.number].add(row.hash);
        ControlFlow::Continue(())
    };
    let mut found = each_row(db, asked, tallies, add).await?.into_iter();
    Ok(scans
        .iter()
        .map(|scan| scan.as_ref().and_then(|_| found.next()))
        .collect())
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

/// The numbers of the header that are not what the dump says. A server keeps no `application_id`.
pub(super) async fn numbers(db: &Db, numbers: &[Number]) -> Result<Vec<FaultyObject>, DbError> {
    let compared = numbers
        .iter()
        .filter(|number| !db.engine().is_server() || number.pragma != "application_id");
    let questions = compared.map(|number| {
        let pragma = number.pragma;
        (
            number,
            Query::new(format!("SELECT {pragma} FROM pragma_{pragma}")),
        )
    });
    let mut faults = Vec::new();
    for (number, reply) in db.ask(questions.collect::<Vec<_>>()).await? {
        let rows = reply.rows::<1>()?;
        let found = rows.first().and_then(|[value]| value.as_i64()).unwrap_or(0);
        // The engine keeps 32 bits.
        #[allow(clippy::cast_possible_truncation)]
        let kept = i64::from(number.value as i32);
        if found != kept {
            faults.push(FaultyObject {
                kind: "PRAGMA",
                name: number.pragma.to_owned(),
                line: number.line,
                fault: Fault::Number {
                    in_dump: number.value,
                    in_database: found,
                },
            });
        }
    }
    Ok(faults)
}

/// The values of a row.
pub(super) fn values<'r>(row: &'r StreamedRow<'_>) -> impl Iterator<Item = ValueRef<'r>> + use<'r> {
    (0..row.width()).map(|column| row.value(column))
}

/// The question for the rows of a table; none where they cannot be compared.
pub(super) fn scan(catalogue: &Catalogue, dumped: &Dumped, table: &DumpedTable) -> Option<Scan> {
    let columns: &Columns = table.columns.as_ref()?;
    if table.unfit.is_some() || dumped.left_out(&table.name).is_some() {
        return None;
    }
    Some(catalogue.scan(&table.name, columns))
}
