//! The rows of a database that another one does not have, by their keys: what is lost where the other one takes its place.
//! It counts, and never writes.

use std::path::Path;

use super::{RowId, Shape, TableKind, TableShape, shape};
use crate::db::{Db, DbError, Query};
use crate::sql;

/// The tables of `db`, a file, with rows that `other`, the database in the file `at`, has not, and how many: none where they cannot
/// be counted. A row is known by its primary key, by its rowid and its values where it has none, since a
/// rowid is given again; those of a table that `other` does not
/// have in that form are all counted.
///
/// # Errors
/// [`DbError`] of either database.
pub async fn unmatched(
    db: &Db,
    other: &Db,
    at: &Path,
) -> Result<Vec<(String, Option<u64>)>, DbError> {
    let (ours, theirs) = (shape(db).await?, shape(other).await?);
    let tables = ours.tables.into_iter();
    let tables = tables.filter(|table| table.kind != TableKind::View);
    let counts: Vec<(String, Query)> = tables
        .map(|table| {
            let count = Query::new(count(&table, &theirs));
            (table.name, count)
        })
        .collect();
    let attach = format!("ATTACH {} AS {OTHER}", sql::text(&at.to_string_lossy()));
    let (attached, counts) = db.ask((Query::new(attach), counts)).await?;
    attached.of_any_width()?;
    let counts = counts
        .into_iter()
        .map(|(name, rows)| (name, rows.count().ok()));
    Ok(counts.filter(|(_, rows)| *rows != Some(0)).collect())
}

/// The name of the other database beside `main`.
const OTHER: &str = "seedbed_other";

fn count(table: &TableShape, theirs: &Shape) -> String {
    let name = sql::identifier(&table.name);
    let all = format!("SELECT count(*) FROM main.{name} AS o");
    let same = theirs
        .tables
        .iter()
        .find(|it| it.name.eq_ignore_ascii_case(&table.name));
    let Some(key) = same.and_then(|other| key(table, other)) else {
        return all;
    };
    let equal: Vec<String> = key
        .iter()
        .map(|column| format!("t.{column} IS o.{column}"))
        .collect();
    let equal = equal.join(" AND ");
    format!("{all} WHERE NOT EXISTS (SELECT 1 FROM {OTHER}.{name} AS t WHERE {equal})")
}

/// The columns that tell a row of both tables from all others.
fn key(table: &TableShape, other: &TableShape) -> Option<Vec<String>> {
    let names = |table: &TableShape| -> Vec<String> {
        let key = table
            .primary_key
            .iter()
            .filter_map(|at| table.columns.get(*at));
        key.map(|column| column.name.to_lowercase()).collect()
    };
    let (key, theirs) = (names(table), names(other));
    if key != theirs || table.rowid != other.rowid {
        return None;
    }
    if !key.is_empty() {
        return Some(key.iter().map(|name| sql::identifier(name)).collect());
    }
    let is_column = |name: &str| {
        let mut columns = table.columns.iter().chain(&other.columns);
        columns.any(|column| column.name.eq_ignore_ascii_case(name))
    };
    let rowid = sql::free_rowid(is_column)?;
    let values = table.columns.iter().map(|it| sql::identifier(&it.name));
    let same_columns = table.columns.iter().all(|it| {
        let mut theirs = other.columns.iter();
        theirs.any(|other| other.name.eq_ignore_ascii_case(&it.name))
    });
    let is_known = table.rowid == RowId::Has && same_columns;
    is_known.then(|| std::iter::once(rowid.to_owned()).chain(values).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Options;
    use crate::schema::tests::run;

    #[tokio::test]
    async fn rows_are_counted_whose_keys_the_other_database_does_not_have() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("other one's.db");
        let other = Db::local(&at, Options::default()).unwrap();
        let sql = "CREATE TABLE kept (id INTEGER PRIMARY KEY, at); INSERT INTO kept VALUES (1, 'then'), (2, 'then');
                   CREATE TABLE bare (x); INSERT INTO bare VALUES (1);
                   CREATE TABLE pair (a, b, v, PRIMARY KEY (a, b)) WITHOUT ROWID; INSERT INTO pair VALUES (1, NULL IS 1, 3);
                   CREATE TABLE changed (id INTEGER PRIMARY KEY); INSERT INTO changed VALUES (1);";
        run(&other, sql).await;
        // The engine attaches no file to a database in memory.
        let db = Db::local(folder.path().join("old.db"), Options::default()).unwrap();
        run(
            &db,
            "CREATE TABLE kept (id INTEGER PRIMARY KEY, at); INSERT INTO kept VALUES (1, 'now'), (2, 'now'), (3, 'now');
             CREATE TABLE bare (x); INSERT INTO bare VALUES (5), (6);
             CREATE TABLE PAIR (a, b, v, PRIMARY KEY (a, b)) WITHOUT ROWID; INSERT INTO PAIR VALUES (1, 0, 4), (2, 0, 4);
             CREATE TABLE changed (id TEXT PRIMARY KEY); INSERT INTO changed VALUES (1), (2);
             CREATE TABLE own (x); INSERT INTO own VALUES (1);
             CREATE TABLE empty (x);
             CREATE VIEW v AS SELECT * FROM own;",
        )
        .await;
        let found = unmatched(&db, &other, &at).await.unwrap();
        let found: Vec<String> = found
            .iter()
            .map(|(name, rows)| format!("{name} {rows:?}"))
            .collect();
        let counted = [
            "bare Some(1)",
            "changed Some(1)",
            "kept Some(1)",
            "own Some(1)",
            "PAIR Some(1)",
        ];
        assert_eq!(found, counted);
    }
}
