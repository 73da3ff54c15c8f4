//! Reading the shape of a database: one request, and a pure function that puts the answers together.

use std::collections::HashMap;

use super::{
    Affinity, Column, ColumnKind, ConditionalIndex, ForeignKey, IndexOrigin, Nullability, RowId,
    Shape, Strictness, TableKind, TableShape, UniqueIndex,
};
use crate::db::{Db, DbError, Engine, Query, Reply, if_accepted};
use crate::schema::inspect::{Object, ObjectKind, inspected};
use crate::sql::{Value, tokens};

/// Tables and views, and the indexes that tell which tables belong to vectors; of the texts, only theirs are of use.
const OBJECTS: &str = "\
SELECT type, name, tbl_name, CASE type WHEN 'index' THEN sql ELSE type END
FROM sqlite_schema
WHERE sql <> '' AND (type IN ('table', 'view') OR type = 'index' AND sql LIKE '%libsql_vector_idx%')";

const TABLES: &str =
    "SELECT t.name, t.type, t.wr, t.strict FROM pragma_table_list t WHERE t.schema = 'main'";

/// The kinds of tables whose columns are asked for, each on its own: one view of a table that is gone fails the
/// question for all.
const KINDS: [&str; 3] = ["table", "virtual", "view"];

/// <https://sqlite.org/pragma.html#pragma_table_xinfo>
fn columns_of(kind: &str) -> String {
    format!(
        "\
SELECT t.name, c.name, c.type, c.\"notnull\", c.dflt_value, c.pk, c.hidden
FROM pragma_table_list t, pragma_table_xinfo(t.name) c
WHERE t.schema = 'main' AND t.type = '{kind}'
ORDER BY t.name, c.cid"
    )
}

/// <https://sqlite.org/pragma.html#pragma_index_xinfo>
const UNIQUE: &str = "\
SELECT t.name, i.name, i.origin, c.cid, c.coll, i.partial,
  CASE WHEN i.partial = 1 OR c.cid = -2 THEN (SELECT s.sql FROM sqlite_schema s WHERE s.type = 'index' AND s.name = i.name) END
FROM pragma_table_list t, pragma_index_list(t.name) i, pragma_index_xinfo(i.name) c
WHERE t.schema = 'main' AND t.type = 'table' AND i.\"unique\" = 1 AND c.key = 1
ORDER BY t.name, i.name, c.seqno";

/// The last that was declared has the lowest id: <https://sqlite.org/pragma.html#pragma_foreign_key_list>.
const FOREIGN_KEYS: &str = "\
SELECT t.name, f.id, f.\"from\", f.\"table\", nullif(f.\"to\", ''), f.on_delete, f.on_update
FROM pragma_table_list t, pragma_foreign_key_list(t.name) f
WHERE t.schema = 'main' AND t.type = 'table'
ORDER BY t.name, f.id DESC, f.seq";

/// Reads the shape of a database: one request.
///
/// # Errors
/// As [`Db::query`].
pub async fn shape(db: &Db) -> Result<Shape, DbError> {
    shaped(db.ask(shape_queries()).await?, db.engine())
}

/// The same for some tables and views, and the tables that they refer to: it costs by these, not by all that there are.
///
/// # Errors
/// As [`Db::query`].
pub(crate) async fn shape_of(db: &Db, tables: &[String]) -> Result<Shape, DbError> {
    /// From here on the engine walks over all its tables anyway.
    const MANY: usize = 50;
    if tables.len() > MANY {
        return shape(db).await;
    }
    let chosen = Value::Text(serde_json::json!(tables).to_string());
    let queries = shape_queries().map(|query| Query {
        sql: of_the_chosen(&query.sql),
        args: vec![chosen.clone()],
    });
    shaped(db.ask(queries).await?, db.engine())
}

/// A question of [`shape_queries`] for the tables whose names are the argument, a JSON array.
fn of_the_chosen(sql: &str) -> String {
    const CHOSEN: &str = "\
WITH named(name) AS (SELECT value FROM json_each(?1)),
chosen(name) AS MATERIALIZED (SELECT lower(name) FROM named UNION SELECT lower(f.\"table\") FROM named n, pragma_foreign_key_list(n.name) f)
";
    let some = sql
        .replace(
            "FROM pragma_table_list t",
            "FROM (SELECT l.* FROM chosen c CROSS JOIN pragma_table_list(c.name) l) t",
        )
        .replace(
            "FROM pragma_table_list WHERE",
            "FROM (SELECT l.* FROM chosen c CROSS JOIN pragma_table_list(c.name) l) WHERE",
        )
        .replace(
            "FROM sqlite_schema\nWHERE",
            "FROM sqlite_schema\nWHERE lower(tbl_name) IN (SELECT name FROM chosen) AND",
        );
    format!("{CHOSEN}{some}")
}

/// The questions whose replies [`shaped`] takes.
pub(crate) fn shape_queries() -> [Query; 8] {
    let [_, shadows] = crate::schema::inspect::QUERIES;
    let [tables, virtuals, views] = KINDS.map(columns_of);
    [
        Query::new(OBJECTS),
        Query::new(shadows),
        Query::new(TABLES),
        Query::new(tables),
        Query::new(virtuals),
        Query::new(views),
        Query::new(UNIQUE),
        Query::new(FOREIGN_KEYS),
    ]
}

/// A shape of the replies of an engine to [`shape_queries`].
///
/// # Errors
/// [`DbError::Read`] where a question failed, but for the columns of views and of virtual tables that the engine cannot
/// read.
pub(crate) fn shaped(replies: [Reply; 8], engine: Engine) -> Result<Shape, DbError> {
    let [
        objects,
        shadows,
        listed,
        tables,
        virtuals,
        views,
        unique,
        foreign_keys,
    ] = replies;
    let schema = inspected([objects, shadows], engine)?;
    let columns = [
        tables.rows()?,
        if_accepted(virtuals.rows())?.unwrap_or_default(),
        if_accepted(views.rows())?.unwrap_or_default(),
    ];
    let unique = unique.rows()?;
    let foreign_keys = foreign_keys.rows()?;

    let mut tables = self::tables(&schema.objects, &listed.rows()?);
    let places: HashMap<String, usize> = tables
        .iter()
        .enumerate()
        .map(|(place, table)| (table.name.to_ascii_lowercase(), place))
        .collect();
    let place = |name: &Value| places.get(&name.as_str()?.to_ascii_lowercase()).copied();

    for (table, rows) in columns.iter().flat_map(|rows| by_first(rows)) {
        if let Some(place) = place(table) {
            add_columns(&mut tables[place], rows);
        }
    }
    for (table, rows) in by_first(&unique) {
        if let Some(place) = place(table) {
            tables[place].unique = unique_indexes(rows);
            tables[place].conditional = conditional_indexes(&tables[place], rows);
        }
    }
    for (table, rows) in by_first(&foreign_keys) {
        if let Some(place) = place(table) {
            let keys = references(&tables[place], rows, |name| {
                Some(&tables[place_of(&places, name)?])
            });
            tables[place].foreign_keys = keys;
        }
    }
    Ok(Shape::of(tables))
}

fn place_of(places: &HashMap<String, usize>, name: &str) -> Option<usize> {
    places.get(&name.to_ascii_lowercase()).copied()
}

/// Runs of rows that begin with the same value.
pub(super) fn by_first<const W: usize>(
    rows: &[[Value; W]],
) -> impl Iterator<Item = (&Value, &[[Value; W]])> {
    rows.chunk_by(|one, other| one.first() == other.first())
        .filter_map(|rows| Some((rows.first()?.first()?, rows)))
}

/// The tables of the project, still without columns.
fn tables(objects: &[Object], listed: &[[Value; 4]]) -> Vec<TableShape> {
    let listed: HashMap<&str, &[Value; 4]> = listed
        .iter()
        .filter_map(|row| Some((row[0].as_str()?, row)))
        .collect();
    let tables = objects.iter().filter_map(|object| {
        if !matches!(object.kind, ObjectKind::Table | ObjectKind::View) {
            return None;
        }
        let [_, kind, without_rowid, strict] = *listed.get(object.name.as_str())?;
        Some(TableShape {
            name: object.name.clone(),
            kind: match kind.as_str()? {
                "table" => TableKind::Ordinary,
                "view" => TableKind::View,
                _ => TableKind::Virtual,
            },
            strictness: match strict.as_i64() {
                Some(1) => Strictness::Strict,
                _ => Strictness::Flexible,
            },
            rowid: match without_rowid.as_i64() {
                Some(1) => RowId::Without,
                _ => RowId::Has,
            },
            columns: vec![],
            primary_key: vec![],
            unique: vec![],
            conditional: vec![],
            foreign_keys: vec![],
        })
    });
    tables.collect()
}

pub(super) fn add_columns(table: &mut TableShape, rows: &[[Value; 7]]) {
    let mut key: Vec<(i64, usize)> = Vec::new();
    for [_, name, declared, not_null, default, in_key, hidden] in rows {
        let declared = declared.as_str().unwrap_or_default();
        if let Some(rank @ 1..) = in_key.as_i64() {
            key.push((rank, table.columns.len()));
        }
        table.columns.push(Column {
            name: name.as_str().unwrap_or_default().to_owned(),
            declared: declared.to_owned(),
            affinity: affinity(declared, table.strictness),
            nullability: match not_null.as_i64() {
                Some(0) | None => Nullability::Nullable,
                Some(_) => Nullability::NotNull,
            },
            default: default.as_str().map(str::to_owned),
            origin: match hidden.as_i64() {
                Some(1) => ColumnKind::Hidden,
                Some(2 | 3) => ColumnKind::Generated,
                _ => ColumnKind::Plain,
            },
        });
    }
    key.sort_unstable();
    table.primary_key = key.into_iter().map(|(_, column)| column).collect();
}

/// The unique indexes of one table; each column of each is a row.
pub(super) fn unique_indexes(rows: &[[Value; 7]]) -> Vec<UniqueIndex> {
    let indexes = rows
        .chunk_by(|one, other| one[1] == other[1])
        .filter(|rows| !is_partial(rows))
        .filter_map(|rows| {
            let [_, name, origin, ..] = rows.first()?;
            Some(UniqueIndex {
                name: name.as_str()?.to_owned(),
                // An expression has a number below zero, and the index is none of columns then.
                columns: rows
                    .iter()
                    .map(|[_, _, _, column, ..]| usize::try_from(column.as_i64()?).ok())
                    .collect::<Option<_>>()?,
                collations: rows
                    .iter()
                    .map(|[_, _, _, _, collation, ..]| Some(collation.as_str()?.to_owned()))
                    .collect::<Option<_>>()?,
                origin: match origin.as_str()? {
                    "pk" => IndexOrigin::PrimaryKey,
                    "u" => IndexOrigin::Constraint,
                    _ => IndexOrigin::Made,
                },
            })
        });
    indexes.collect()
}

fn is_partial(rows: &[[Value; 7]]) -> bool {
    rows.iter()
        .any(|[.., partial, _]| partial.as_i64() == Some(1))
}

/// The unique indexes of one table that have expressions, or a condition; each column of each is a row.
pub(super) fn conditional_indexes(
    table: &TableShape,
    rows: &[[Value; 7]],
) -> Vec<ConditionalIndex> {
    let indexes = rows
        .chunk_by(|one, other| one[1] == other[1])
        .filter_map(|rows| {
            let sql = rows.iter().find_map(|[.., sql]| sql.as_str())?;
            let (indexed, condition) = index_parts(sql)?;
            let words: Vec<&str> = tokens(indexed)
                .filter_map(|token| indexed.get(token.ok()?.span))
                .collect();
            let is_named = |column: &Column| {
                words.iter().any(|word| {
                    let bare = word.trim_matches(['"', '`', '[', ']']);
                    bare.replace("\"\"", "\"")
                        .eq_ignore_ascii_case(&column.name)
                })
            };
            let columns = (0..table.columns.len()).filter(|at| is_named(&table.columns[*at]));
            Some(ConditionalIndex {
                columns: columns.collect(),
                condition: condition.map(str::to_owned),
            })
        });
    indexes.collect()
}

/// The text between the parentheses of a `CREATE INDEX`, and after its `WHERE`.
fn index_parts(sql: &str) -> Option<(&str, Option<&str>)> {
    let mut depth = 0_usize;
    let (mut start, mut end) = (None, None);
    for token in tokens(sql) {
        let token = token.ok()?;
        match (sql.get(token.span.clone())?, depth) {
            ("(", _) => {
                start.get_or_insert(token.span.end);
                depth += 1;
            }
            (")", 1) => {
                end = Some(token.span.clone());
                break;
            }
            (")", _) => depth = depth.checked_sub(1)?,
            _ => {}
        }
    }
    let end = end?;
    let behind = tokens(&sql[end.end..]).filter_map(Result::ok);
    let word = |span: std::ops::Range<usize>| sql.get(end.end + span.start..end.end + span.end);
    let mut wheres = behind
        .filter(|it| word(it.span.clone()).is_some_and(|it| it.eq_ignore_ascii_case("where")));
    let condition = wheres.next().map(|it| sql[end.end + it.span.end..].trim());
    Some((&sql[start?..end.start], condition))
}

/// The foreign keys of one table; each column of each is a row.
pub(super) fn references<'a>(
    table: &TableShape,
    rows: &[[Value; 7]],
    parent: impl Fn(&str) -> Option<&'a TableShape>,
) -> Vec<ForeignKey> {
    let keys = rows
        .chunk_by(|one, other| one[1] == other[1])
        .filter_map(|rows| {
            let [_, _, _, named, _, on_delete, on_update] = rows.first()?;
            let named = named.as_str()?;
            let parent = parent(named);
            let columns: Vec<usize> = rows
                .iter()
                .map(|row| table.column(row[2].as_str()?))
                .collect::<Option<_>>()?;
            let written: Option<Vec<&str>> = rows.iter().map(|row| row[4].as_str()).collect();
            let parent_columns = match (written, parent) {
                (Some(names), Some(parent)) => {
                    names.iter().map(|name| spelled(parent, name)).collect()
                }
                (Some(names), None) => names.into_iter().map(str::to_owned).collect(),
                (None, Some(parent)) if parent.primary_key.len() == columns.len() => {
                    names(parent, &parent.primary_key)
                }
                (None, _) => vec![],
            };
            Some(ForeignKey {
                columns,
                parent: parent.map_or(named, |parent| &parent.name).to_owned(),
                parent_columns,
                on_delete: on_delete.as_str()?.to_owned(),
                on_update: on_update.as_str()?.to_owned(),
            })
        });
    keys.collect()
}

/// A column as its table has it; as it is written where there is none.
fn spelled(table: &TableShape, name: &str) -> String {
    match table.column(name) {
        Some(place) => table.columns[place].name.clone(),
        None => name.to_owned(),
    }
}

fn names(table: &TableShape, columns: &[usize]) -> Vec<String> {
    columns
        .iter()
        .filter_map(|&place| Some(table.columns.get(place)?.name.clone()))
        .collect()
}

/// What a column of this declared type makes of a value, by
/// <https://sqlite.org/datatype3.html#determination_of_column_affinity>; `ANY` is a type of strict tables only.
pub(crate) fn affinity(declared: &str, strictness: Strictness) -> Affinity {
    let declared = declared.to_ascii_uppercase();
    let has = |words: &[&str]| words.iter().any(|word| declared.contains(word));
    match () {
        () if strictness == Strictness::Strict && declared == "ANY" => Affinity::Blob,
        () if has(&["INT"]) => Affinity::Integer,
        () if has(&["CHAR", "CLOB", "TEXT"]) => Affinity::Text,
        () if declared.is_empty() || has(&["BLOB"]) => Affinity::Blob,
        () if has(&["REAL", "FLOA", "DOUB"]) => Affinity::Real,
        () => Affinity::Numeric,
    }
}

#[cfg(test)]
mod tests;
