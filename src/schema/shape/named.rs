//! The shapes of some tables and views whose statements are known: it costs by these alone.

use std::collections::HashMap;

use super::read::{add_columns, by_first, conditional_indexes, references, unique_indexes};
use super::{ForeignKey, RowId, Strictness, TableKind, TableShape};
use crate::db::{Db, DbError, Query, if_accepted};
use crate::schema::inspect::Object;
use crate::sql::{Kind, Value, What, kind, significant};

/// The shapes of tables and views whose statements are known. `known` has those of all other tables. It asks about these
/// alone: what lists tables walks over all of them.
///
/// # Errors
/// As [`Db::query`].
pub(in crate::schema) async fn shapes_of<'k>(
    db: &Db,
    objects: &[&Object],
    known: &dyn Fn(&str) -> Option<&'k TableShape>,
) -> Result<Vec<TableShape>, DbError> {
    let mut tables: Vec<TableShape> = objects.iter().map(|object| declared(object)).collect();
    let of_kind = |wanted: TableKind| {
        let tables = tables.iter().filter(|it| it.kind == wanted);
        let names: Vec<&str> = tables.map(|it| it.name.as_str()).collect();
        (!names.is_empty()).then(|| Value::Text(serde_json::json!(names).to_string()))
    };
    let question = |select: &str, names: &Value| Query {
        sql: select.to_owned(),
        args: vec![names.clone()],
    };
    let mut questions = Vec::new();
    for kind in [TableKind::Ordinary, TableKind::Virtual, TableKind::View] {
        let names = of_kind(kind);
        questions.extend(names.map(|names| (kind, question(COLUMNS_OF_NAMED, &names))));
    }
    let refers = |object: &&Object| object.normal.to_ascii_lowercase().contains("references");
    let mut of_tables = Vec::new();
    if let Some(names) = of_kind(TableKind::Ordinary) {
        of_tables.push(((), question(UNIQUE_OF_NAMED, &names)));
        // Asking takes longer than looking for the word.
        if objects.iter().any(refers) {
            of_tables.push(((), question(FOREIGN_KEYS_OF_NAMED, &names)));
        }
    }
    let places: HashMap<String, usize> = tables
        .iter()
        .enumerate()
        .map(|(place, table)| (table.name.clone(), place))
        .collect();
    let (columns, of_tables) = db.ask((questions, of_tables)).await?;
    for (kind, reply) in columns {
        let rows = match kind {
            TableKind::Ordinary => reply.rows()?,
            // The engine cannot read those whose module, or whose tables, are not there.
            TableKind::Virtual | TableKind::View => if_accepted(reply.rows())?.unwrap_or_default(),
        };
        for (table, rows) in by_first(&rows) {
            if let Some(place) = table.as_str().and_then(|name| places.get(name)) {
                add_columns(&mut tables[*place], rows);
            }
        }
    }
    let mut of_tables = of_tables.into_iter();
    if let Some((_, unique)) = of_tables.next() {
        for (table, rows) in by_first(&unique.rows()?) {
            if let Some(place) = table.as_str().and_then(|name| places.get(name)) {
                tables[*place].unique = unique_indexes(rows);
                tables[*place].conditional = conditional_indexes(&tables[*place], rows);
            }
        }
    }
    if let Some((_, foreign_keys)) = of_tables.next() {
        let read = |name: &str| tables.iter().find(|it| it.name.eq_ignore_ascii_case(name));
        let rows = foreign_keys.rows()?;
        let of_tables = by_first(&rows).filter_map(|(table, rows)| {
            let place = *places.get(table.as_str()?)?;
            let keys = references(&tables[place], rows, |name| {
                read(name).or_else(|| known(name))
            });
            Some((place, keys))
        });
        let of_tables: Vec<(usize, Vec<ForeignKey>)> = of_tables.collect();
        for (place, keys) in of_tables {
            tables[place].foreign_keys = keys;
        }
    }
    Ok(tables)
}

const COLUMNS_OF_NAMED: &str = "\
SELECT n.value, c.name, c.type, c.\"notnull\", c.dflt_value, c.pk, c.hidden
FROM json_each(?1) n CROSS JOIN pragma_table_xinfo(n.value) c
ORDER BY n.key, c.cid";

const UNIQUE_OF_NAMED: &str = "\
SELECT n.value, i.name, i.origin, c.cid, c.coll, i.partial,
  CASE WHEN i.partial = 1 OR c.cid = -2 THEN (SELECT s.sql FROM sqlite_schema s WHERE s.type = 'index' AND s.name = i.name) END
FROM json_each(?1) n CROSS JOIN pragma_index_list(n.value) i CROSS JOIN pragma_index_xinfo(i.name) c
WHERE i.\"unique\" = 1 AND c.key = 1
ORDER BY n.key, i.name, c.seqno";

const FOREIGN_KEYS_OF_NAMED: &str = "\
SELECT n.value, f.id, f.\"from\", f.\"table\", nullif(f.\"to\", ''), f.on_delete, f.on_update
FROM json_each(?1) n CROSS JOIN pragma_foreign_key_list(n.value) f
ORDER BY n.key, f.id DESC, f.seq";

/// What the statement of a table or view alone tells of it.
fn declared(object: &Object) -> TableShape {
    let created = match kind(&object.sql) {
        Kind::Create(created) => created.what,
        _ => What::Other,
    };
    let options = match created {
        What::Table => options(&object.sql),
        _ => "",
    };
    let has = |word: &str| {
        let mut tokens = significant(options);
        tokens.any(|token| token.is_word(options, word))
    };
    TableShape {
        name: object.name.clone(),
        kind: match created {
            What::View => TableKind::View,
            What::VirtualTable => TableKind::Virtual,
            _ => TableKind::Ordinary,
        },
        strictness: match has("STRICT") {
            true => Strictness::Strict,
            false => Strictness::Flexible,
        },
        rowid: match has("WITHOUT") {
            true => RowId::Without,
            false => RowId::Has,
        },
        columns: vec![],
        primary_key: vec![],
        unique: vec![],
        conditional: vec![],
        foreign_keys: vec![],
    }
}

/// What follows the columns and constraints of a `CREATE TABLE`.
fn options(sql: &str) -> &str {
    let closing = significant(sql)
        .filter(|token| token.text(sql) == ")")
        .last();
    closing.map_or("", |token| &sql[token.span.end..])
}
