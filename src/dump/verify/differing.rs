//! Which rows differ, where some do. Only parts of a table whose sums differ are looked at, and a few rows are enough:
//! memory holds a hash for each row of those parts, and no more.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::affinity::Judge;
use super::catalogue::Catalogue;
use super::columns::values as values_of;
use super::database::{Compared, each_row, gave_way, scan};
use super::dumped::{Dumped, RowsOf};
use super::tally::{Hasher, Parts, RowHash, Tally};
use super::{Differing, Side, Unshown, Verdict, VerifyError, stopped};
use crate::db::{Db, DbError, Scan, Stop};
use crate::dump::{Input, Item, Reader};
use crate::sql::{self, ValueRef, literal};

/// How many rows of each side are shown of a table.
const SHOWN: usize = 5;

/// How many characters of a row are shown.
const LENGTH: usize = 100;

/// One table in which rows differ.
struct Suspect {
    /// Its number among the tables of the dump.
    table: usize,
    parts: Parts,
    scan: Scan,
    /// Whether the dump may have rows that the database does not have.
    gave_way: bool,
}

/// The rows of one suspect.
#[derive(Debug, Default)]
struct Rows {
    /// Rows of the database in its parts, by how many there are that the dump has not.
    left: HashMap<RowHash, u64>,
    /// All rows of the database.
    tally: Tally,
    shown: Vec<Differing>,
}

/// Adds rows to those verdicts that say that there are some, or tells why it does not.
pub(super) async fn find(
    db: &Db,
    input: &Input,
    catalogue: &Catalogue,
    dumped: Arc<Dumped>,
    counts: super::Values,
    tables: &mut [Compared],
) -> Result<Option<Unshown>, VerifyError> {
    let suspects = tables.iter().enumerate().filter_map(|(table, compared)| {
        if compared.differs_in.is_empty() {
            return None;
        }
        Some(Suspect {
            table,
            parts: compared.differs_in.clone(),
            scan: scan(catalogue, &dumped, &dumped.tables[table])?,
            gave_way: compared.gave_way,
        })
    });
    let suspects: Arc<Vec<Suspect>> = Arc::new(suspects.collect());
    if suspects.is_empty() {
        return Ok(None);
    }
    if !input.can_be_read_again() && !matches!(input, Input::Database(_)) {
        return Ok(Some(Unshown::Flows));
    }
    let reader = input.whole()?;
    let found = in_database(db, &suspects).await?;
    let is_as_compared =
        |(suspect, rows): (&Suspect, &Rows)| tables[suspect.table].tally.is_same(&rows.tally);
    if !suspects.iter().zip(&found).all(is_as_compared) {
        return Ok(Some(Unshown::DatabaseChanged));
    }
    let judge = counts.judge().await?;
    let partly: Vec<Option<String>> = dumped.tables.iter().map(|it| it.partly.clone()).collect();
    let of_dump = Arc::clone(&suspects);
    let stop = db.stop().clone();
    let work = move || in_dump(reader, &of_dump, &dumped, judge, found, &stop);
    let Some(found) = tokio::task::spawn_blocking(work).await?? else {
        return Ok(Some(Unshown::SourceChanged));
    };
    let found = only_in_database(db, &suspects, found).await?;
    for (suspect, rows) in suspects.iter().zip(found) {
        let table = &mut tables[suspect.table].table;
        table.verdict = match suspect.gave_way && rows.shown.is_empty() {
            true => {
                let lacking = table.in_dump - table.in_database.unwrap_or_default();
                let looked_at = match &partly[suspect.table] {
                    Some(note) => format!("each row that is there is one of the dump, {note}"),
                    None => "each row that is there is one of the dump".to_owned(),
                };
                Verdict::Partial(gave_way(lacking, &looked_at))
            }
            false => Verdict::Different(rows.shown),
        };
    }
    Ok(None)
}

/// Counts the rows of the database.
async fn in_database(db: &Db, suspects: &Arc<Vec<Suspect>>) -> Result<Vec<Rows>, DbError> {
    let scans = suspects.iter().map(|suspect| suspect.scan.clone());
    let rows: Vec<Rows> = suspects.iter().map(|_| Rows::default()).collect();
    let parts = Arc::clone(suspects);
    each_row(db, scans.collect(), rows, move |rows, found| {
        let suspect = &mut rows[found.number];
        suspect.tally.add(found.hash);
        if parts[found.number].parts.has(found.hash) {
            *suspect.left.entry(found.hash).or_default() += 1;
        }
        ControlFlow::Continue(())
    })
    .await
}

/// Takes away the rows of the dump; shows those that the database has not. None where it is not the dump that was read
/// before. Blocks the thread.
fn in_dump(
    mut reader: Reader,
    suspects: &[Suspect],
    dumped: &Dumped,
    judge: Option<Judge>,
    mut found: Vec<Rows>,
    stop: &Stop,
) -> Result<Option<Vec<Rows>>, VerifyError> {
    let mut rows_of = RowsOf {
        judge,
        hasher: Hasher::default(),
    };
    let mut sha256 = [0; 32];
    while let Some(block) = reader.next()? {
        if stop.is_raised() {
            return Err(stopped());
        }
        sha256 = block.end.sha256;
        for item in &block.items {
            let Item::Rows(rows) = item else {
                continue;
            };
            let suspect = suspects.iter().position(|suspect| {
                let name = &dumped.tables[suspect.table].name;
                name.eq_ignore_ascii_case(&rows.target.table)
            });
            let Some(suspect) = suspect else {
                continue;
            };
            let Some(columns) = &dumped.tables[suspects[suspect].table].columns else {
                continue;
            };
            for row in 0..rows.len() {
                let values = dumped.row(&block, rows, row);
                let hash = rows_of.hash(&values, columns);
                let hash = hash.map_err(DbError::Read)?;
                if !suspects[suspect].parts.has(hash) {
                    continue;
                }
                let found = &mut found[suspect];
                match found.left.get_mut(&hash) {
                    Some(left) if *left > 0 => *left -= 1,
                    _ if found.shown.len() < SHOWN && !suspects[suspect].gave_way => {
                        let (_, line) = block.place(rows, row);
                        found.shown.push(Differing {
                            side: Side::Dump { line },
                            row: shown(values.into_iter()),
                        });
                    }
                    _ => {}
                }
            }
        }
    }
    Ok((sha256 == dumped.sha256).then_some(found))
}

/// Shows the rows of the database that the dump did not take away.
async fn only_in_database(
    db: &Db,
    suspects: &[Suspect],
    mut found: Vec<Rows>,
) -> Result<Vec<Rows>, DbError> {
    for rows in &mut found {
        rows.left.retain(|_, left| *left > 0);
    }
    // Tables of which no row is left need not be asked again.
    let asked: Vec<usize> = (0..found.len())
        .filter(|at| !found[*at].left.is_empty())
        .collect();
    if asked.is_empty() {
        return Ok(found);
    }
    let scans = asked.iter().map(|at| suspects[*at].scan.clone()).collect();
    each_row(db, scans, found, move |found, row| {
        let rows = &mut found[asked[row.number]];
        if let Some(left) = rows.left.get_mut(&row.hash)
            && *left > 0
            && rows
                .shown
                .iter()
                .filter(|row| row.side == Side::Database)
                .count()
                < SHOWN
        {
            *left -= 1;
            rows.shown.push(Differing {
                side: Side::Database,
                row: shown(values_of(row.row)),
            });
        }
        ControlFlow::Continue(())
    })
    .await
}

/// `(1, 'a', NULL)`, cut where it is long.
fn shown<'a>(values: impl Iterator<Item = ValueRef<'a>>) -> String {
    let values: Vec<String> = values
        .map(|value| match value {
            ValueRef::Text(text) => {
                let text = &text[..text.len().min(4 * LENGTH)];
                sql::text(&String::from_utf8_lossy(text))
            }
            ValueRef::Blob(bytes) => literal(ValueRef::Blob(&bytes[..bytes.len().min(LENGTH)])),
            value => literal(value),
        })
        .collect();
    let row = format!("({})", values.join(", "));
    match row.char_indices().nth(LENGTH) {
        Some((cut, _)) => format!("{} …", &row[..cut]),
        None => row,
    }
}
