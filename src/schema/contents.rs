//! What is in a database: its tables with their rows, their size and their indexes.

use std::collections::HashMap;

use super::inspect::{ObjectKind, Schema, inspected};
use crate::db::{Db, DbError, Query, if_accepted};
use crate::sql::Value;

/// What a database holds. Tables that are not the project's own count for its size only.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Contents {
    /// By name.
    pub tables: Vec<Table>,
    /// The names of the views.
    pub views: Vec<String>,
    /// The names of the triggers, each with its table.
    pub triggers: Vec<(String, String)>,
    /// The size of the whole database in bytes, its free pages too, where the engine tells.
    pub bytes: Option<u64>,
}

/// One table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its rows; none where they could not be counted.
    pub rows: Option<i64>,
    /// Its size in bytes without that of its indexes, where the engine tells.
    pub bytes: Option<u64>,
    /// Its indexes by name, those that keep a constraint too.
    pub indexes: Vec<Index>,
}

/// One index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// Its name: `sqlite_autoindex_…` where it keeps a constraint.
    pub name: String,
    /// Its columns in order; an expression has no name.
    pub columns: Vec<Option<String>>,
    /// Whether no two rows may have the same.
    pub uniqueness: Uniqueness,
    /// Whether it holds all rows of its table.
    pub coverage: Coverage,
    /// Its size in bytes, where the engine tells.
    pub bytes: Option<u64>,
}

/// Whether an index lets a value stand twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Uniqueness {
    /// No two rows have the same.
    Unique,
    /// Any number of rows may.
    Any,
}

/// Which rows an index holds: <https://sqlite.org/partialindex.html>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Coverage {
    /// All of its table.
    Whole,
    /// Those of which its `WHERE` is true.
    Partial,
}

/// <https://sqlite.org/pragma.html#pragma_index_list>. A token that only reads may ask for pragmas in this form.
const INDEXES: &str = "\
SELECT t.name, i.name, i.\"unique\", i.partial, c.name
FROM sqlite_schema t, pragma_index_list(t.name) i, pragma_index_info(i.name) c
WHERE t.type = 'table' AND t.sql IS NOT NULL
ORDER BY t.name, i.name, c.seqno";

/// Bytes, entries on leaves and all entries of each b-tree: <https://sqlite.org/dbstat.html>.
const SIZES: &str = "\
SELECT name, sum(pgsize), sum(CASE pagetype WHEN 'leaf' THEN ncell ELSE 0 END), sum(ncell) FROM dbstat GROUP BY name";

/// Tables without a rowid are b-trees of indexes, which have entries on inner pages too:
/// <https://sqlite.org/withoutrowid.html>.
const WITHOUT_ROWID: &str = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND wr = 1";

const WHOLE: &str =
    "SELECT p.page_count * s.page_size FROM pragma_page_count p, pragma_page_size s";

/// Reads what is in a database: one request. A second one counts the rows of tables whose size the engine does not
/// tell.
///
/// # Errors
/// As [`Db::query`].
pub async fn contents(db: &Db) -> Result<Contents, DbError> {
    let [objects, shadows] = super::inspect::QUERIES;
    let queries = [objects, shadows, INDEXES, SIZES, WITHOUT_ROWID, WHOLE].map(Query::new);
    let [objects, shadows, indexes, sizes, without_rowid, whole] = db.ask(queries).await?;
    let schema = inspected([objects, shadows], db.engine())?;
    let sizes = self::sizes(&if_accepted(sizes.rows())?.unwrap_or_default());
    let without_rowid = if_accepted(without_rowid.rows())?.unwrap_or_default();
    let mut contents = assembled(&schema, &indexes.rows()?, &sizes, &without_rowid);
    contents.bytes =
        if_accepted(whole.row())?.and_then(|[bytes]| u64::try_from(bytes.as_i64()?).ok());
    count(db, &mut contents).await?;
    Ok(contents)
}

/// What `dbstat` says of one b-tree.
struct Size {
    bytes: u64,
    on_leaves: i64,
    entries: i64,
}

/// None where the engine has no `dbstat`, or the server refuses it.
fn sizes(rows: &[[Value; 4]]) -> HashMap<String, Size> {
    let sizes = rows.iter().filter_map(|[name, bytes, on_leaves, entries]| {
        Some((
            name.as_str()?.to_owned(),
            Size {
                bytes: u64::try_from(bytes.as_i64()?).ok()?,
                on_leaves: on_leaves.as_i64()?,
                entries: entries.as_i64()?,
            },
        ))
    });
    sizes.collect()
}

fn assembled(
    schema: &Schema,
    indexes: &[[Value; 5]],
    sizes: &HashMap<String, Size>,
    without_rowid: &[[Value; 1]],
) -> Contents {
    let is_without_rowid = |name: &str| {
        without_rowid
            .iter()
            .flatten()
            .any(|it| it.as_str() == Some(name))
    };
    let mut contents = Contents::default();
    for object in &schema.objects {
        let name = object.name.clone();
        match object.kind {
            ObjectKind::Table => {
                let size = sizes.get(&name);
                contents.tables.push(Table {
                    rows: size.map(|size| match is_without_rowid(&name) {
                        true => size.entries,
                        false => size.on_leaves,
                    }),
                    bytes: size.map(|size| size.bytes),
                    indexes: of_table(&name, indexes, sizes),
                    name,
                });
            }
            ObjectKind::View => contents.views.push(name),
            ObjectKind::Trigger => contents.triggers.push((name, object.table.clone())),
            ObjectKind::Index => {}
        }
    }
    contents
}

/// The indexes of one table; each column of each is a row.
fn of_table(table: &str, rows: &[[Value; 5]], sizes: &HashMap<String, Size>) -> Vec<Index> {
    let mut indexes: Vec<Index> = Vec::new();
    for [of, name, unique, partial, column] in rows {
        let (Some(of), Some(name)) = (of.as_str(), name.as_str()) else {
            continue;
        };
        if of != table {
            continue;
        }
        let column = column.as_str().map(str::to_owned);
        match indexes.last_mut() {
            Some(last) if last.name == name => last.columns.push(column),
            _ => indexes.push(Index {
                name: name.to_owned(),
                columns: vec![column],
                uniqueness: match unique.as_i64() {
                    Some(1) => Uniqueness::Unique,
                    _ => Uniqueness::Any,
                },
                coverage: match partial.as_i64() {
                    Some(1) => Coverage::Partial,
                    _ => Coverage::Whole,
                },
                bytes: sizes.get(name).map(|size| size.bytes),
            }),
        }
    }
    indexes
}

/// Counts the rows of the tables of which nothing is known: virtual ones, and all of an engine without `dbstat`.
async fn count(db: &Db, contents: &mut Contents) -> Result<(), DbError> {
    let unknown = contents.tables.iter_mut().filter(|it| it.rows.is_none());
    let unknown: Vec<(&mut Table, Query)> = unknown
        .map(|table| {
            let count = Query::count(&table.name);
            (table, count)
        })
        .collect();
    for (table, reply) in db.ask(unknown).await? {
        // A virtual table of a module that this engine lacks cannot be counted.
        table.rows = if_accepted(reply.row())?.and_then(|[count]| count.as_i64());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::tests::database;

    #[tokio::test]
    async fn tables_come_with_their_rows_and_their_indexes() {
        let db = database(
            "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT UNIQUE, tier TEXT);
             CREATE INDEX by_tier ON users (tier, lower(email)) WHERE tier <> 'free';
             INSERT INTO users (email) VALUES ('a'), ('b');
             CREATE TABLE \"odd \"\"name\" (x);
             CREATE TABLE _migrations (kind);
             CREATE VIEW v AS SELECT 1;
             CREATE TRIGGER t AFTER INSERT ON users BEGIN SELECT 1; END;",
        )
        .await;
        let contents = contents(&db).await.unwrap();
        let tables: Vec<(&str, Option<i64>)> = contents
            .tables
            .iter()
            .map(|table| (table.name.as_str(), table.rows))
            .collect();
        assert_eq!(tables, [("odd \"name", Some(0)), ("users", Some(2))]);
        let indexes = &contents.tables[1].indexes;
        assert_eq!(indexes.len(), 2);
        assert_eq!(indexes[0].name, "by_tier");
        assert_eq!(indexes[0].columns, [Some("tier".to_owned()), None]);
        assert_eq!(indexes[0].uniqueness, Uniqueness::Any);
        assert_eq!(indexes[0].coverage, Coverage::Partial);
        assert_eq!(indexes[1].name, "sqlite_autoindex_users_1");
        assert_eq!(indexes[1].uniqueness, Uniqueness::Unique);
        assert_eq!(contents.views, ["v"]);
        assert_eq!(contents.triggers, [("t".to_owned(), "users".to_owned())]);
        assert!(contents.bytes > Some(0));
        assert!(contents.tables[1].bytes > Some(0));
    }

    /// The rows that the sizes tell of are those that counting finds, on few pages and on many.
    #[tokio::test]
    async fn rows_are_right_for_every_kind_of_table() {
        for rows in [0, 1, 5000] {
            let db = database(&format!(
                "CREATE TABLE plain (x, y);
                 CREATE TABLE keyed (k TEXT PRIMARY KEY, v) WITHOUT ROWID;
                 CREATE VIRTUAL TABLE words USING fts5 (body);
                 CREATE TABLE numbers (value);
                 WITH RECURSIVE n (v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n)
                 INSERT INTO numbers SELECT v FROM n LIMIT {rows};
                 INSERT INTO plain SELECT value, hex(randomblob(100)) FROM numbers;
                 INSERT INTO keyed SELECT 'k' || value, hex(randomblob(100)) FROM numbers;
                 INSERT INTO words SELECT 'word' || value FROM numbers;"
            ))
            .await;
            let found: Vec<(String, Option<i64>)> = contents(&db)
                .await
                .unwrap()
                .tables
                .into_iter()
                .map(|table| (table.name, table.rows))
                .collect();
            let expect =
                ["keyed", "numbers", "plain", "words"].map(|name| (name.to_owned(), Some(rows)));
            assert_eq!(found, expect);
        }
    }
}
