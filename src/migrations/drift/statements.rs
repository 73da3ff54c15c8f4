//! The statements that make a schema as another one: objects are dropped and created, a table is rebuilt with its rows.
//! Each may run where the schema is already as it should be. Pure, but for reading the columns of two databases in memory.

use std::collections::{HashMap, HashSet};

use super::added::added_columns;
use crate::db::{Db, DbError, Query};
use crate::migrations::rehearse::Rehearsal;
use crate::schema::{Difference, Object, ObjectKind, Schema};
use crate::sql::{Kind, Value, What, identifier, is_autoincrement, kind, significant, unquote};

/// Two schemas, and the columns of their tables.
pub(super) struct Sides {
    pub(super) expected: Schema,
    pub(super) found: Schema,
    of_expected: HashMap<String, Table>,
    of_found: HashMap<String, Table>,
    /// A database in memory with the schema that was found, or why the engine in memory cannot make it.
    pub(super) as_found: Result<Rehearsal, String>,
    /// What becomes of columns that only the expected table has.
    new_columns: NewColumns,
}

/// What becomes of columns that only the expected table has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NewColumns {
    /// The statements run where the columns are there, too: there they keep their values.
    Kept,
    /// The statements are for databases without the columns. A rebuild keeps the values where they are there none the less.
    Added,
}

/// What a rebuild has to know of a table.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    /// The columns that hold values, in order.
    pub(super) columns: Vec<Column>,
    has_rowid: bool,
    /// Whether its rows have numbers of their own, which no column shows.
    has_own_rowid: bool,
}

/// A column that holds values.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: String,
    is_not_null: bool,
    /// The expression behind `DEFAULT`.
    default: Option<String>,
    is_key: bool,
}

impl Table {
    pub(super) fn has(&self, column: &str) -> bool {
        let mut columns = self.columns.iter();
        columns.any(|it| it.name.eq_ignore_ascii_case(column))
    }

    /// The columns by which a row is found: the rowid, or the primary key.
    fn row_key(&self) -> Vec<String> {
        if self.has_rowid && !self.has("rowid") {
            return vec!["rowid".to_owned()];
        }
        let keys = self.columns.iter().filter(|it| it.is_key);
        keys.map(|it| identifier(&it.name)).collect()
    }
}

/// The tables of a database: whether rows have a rowid, and their columns without generated ones.
const COLUMNS: &str = "\
SELECT t.name, t.wr, c.name, c.type, c.pk, c.\"notnull\", c.dflt_value \
FROM pragma_table_list t, pragma_table_xinfo(t.name) c \
WHERE t.schema = 'main' AND t.type IN ('table', 'virtual') AND c.hidden = 0 ORDER BY t.name, c.cid";

impl Sides {
    /// Reads the columns of both.
    pub(super) async fn new(
        rehearsal: &Rehearsal,
        expected: Schema,
        found: Schema,
    ) -> Result<Sides, DbError> {
        let of_expected = tables(rehearsal.db()).await?;
        let as_found = as_found(rehearsal, &found).await;
        let of_found = match &as_found {
            Ok(as_found) => tables(as_found.db()).await?,
            Err(_) => HashMap::new(),
        };
        Ok(Sides {
            expected,
            found,
            of_expected,
            of_found,
            as_found,
            new_columns: NewColumns::Kept,
        })
    }

    /// The columns of a table that the recorded migrations make.
    pub(super) fn recorded(&self, table: &Object) -> Option<&Table> {
        self.of_expected.get(&table.name.to_ascii_lowercase())
    }

    /// The columns of a table that was found.
    pub(super) fn found(&self, table: &Object) -> Option<&Table> {
        self.of_found.get(&table.name.to_ascii_lowercase())
    }

    /// The same, to go the other way.
    pub(super) fn turned(self) -> Sides {
        Sides {
            expected: self.found,
            found: self.expected,
            of_expected: self.of_found,
            of_found: self.of_expected,
            as_found: self.as_found,
            new_columns: NewColumns::Added,
        }
    }
}

/// A database with this schema, and without rows.
pub(in crate::migrations) async fn as_found(
    like: &Rehearsal,
    found: &Schema,
) -> Result<Rehearsal, String> {
    let rehearsal = Rehearsal::new(like.db().history_table()).await;
    let rehearsal = rehearsal.map_err(|error| error.to_string())?;
    // Tables come first, and views before triggers, which may be on them.
    let mut objects: Vec<&Object> = found.objects.iter().collect();
    objects.sort_by_key(|object| order(object.kind));
    for object in objects {
        let made = rehearsal.execute([object.sql.clone()]).await;
        made.map_err(|error| {
            let (kind, name) = (object.kind.word(), &object.name);
            format!("{kind} {name} cannot be made in memory: {error}")
        })?;
    }
    Ok(rehearsal)
}

fn order(kind: ObjectKind) -> u8 {
    match kind {
        ObjectKind::Table => 0,
        ObjectKind::Index => 1,
        ObjectKind::View => 2,
        ObjectKind::Trigger => 3,
    }
}

async fn tables(db: &Db) -> Result<HashMap<String, Table>, DbError> {
    let rows: Vec<[Value; 7]> = db.rows(Query::new(COLUMNS)).await?;
    let mut tables: HashMap<String, (Table, Vec<String>)> = HashMap::new();
    for [
        table,
        without_rowid,
        column,
        declared,
        key,
        not_null,
        default,
    ] in rows
    {
        let (Some(table), Some(column)) = (table.as_str(), column.as_str()) else {
            continue;
        };
        let (of, keys) = tables.entry(table.to_ascii_lowercase()).or_default();
        of.has_rowid = without_rowid.as_i64() == Some(0);
        let is_key = key.as_i64().is_some_and(|key| key > 0);
        if is_key {
            keys.push(declared.as_str().unwrap_or_default().to_owned());
        }
        of.columns.push(Column {
            name: column.to_owned(),
            is_not_null: not_null.as_i64() == Some(1),
            default: default.as_str().map(str::to_owned),
            is_key,
        });
    }
    let tables = tables.into_iter().map(|(name, (mut table, keys))| {
        let is_alias = matches!(keys.as_slice(), [one] if one.eq_ignore_ascii_case("INTEGER"));
        table.has_own_rowid = table.has_rowid && !is_alias && !table.has("rowid");
        (name, table)
    });
    Ok(tables.collect())
}

/// Statements that take differences away.
#[derive(Debug, Default)]
pub(super) struct PutRight {
    /// In an order in which they run.
    pub(super) statements: Vec<String>,
    /// The tables and columns whose values are gone, as sentences.
    pub(super) lost: Vec<String>,
}

/// The statements that take these differences away, or why there are none.
pub(super) fn put_right(sides: &Sides, differences: &[Difference]) -> Result<PutRight, String> {
    let of = |kinds: &[ObjectKind]| {
        let kinds = kinds.to_vec();
        let differences = differences.iter();
        differences.filter(move |it| kinds.contains(&it.object().kind))
    };
    let mut statements = Vec::new();
    let mut lost = Vec::new();
    let mut rebuilt: Vec<(&Object, &Object)> = Vec::new();
    let mut widened: Vec<(&Object, Vec<String>)> = Vec::new();
    let mut gone: HashSet<String> = HashSet::new();
    for difference in of(&[ObjectKind::Table]) {
        match difference {
            Difference::Different { expected, found } => match sides.new_columns {
                // What is behind the columns of a virtual table is no column.
                NewColumns::Added if is_virtual(expected) => rebuilt.push((expected, found)),
                NewColumns::Added => match added_columns(&found.sql, &expected.sql) {
                    Some(columns) => widened.push((expected, columns)),
                    None => rebuilt.push((expected, found)),
                },
                NewColumns::Kept => rebuilt.push((expected, found)),
            },
            Difference::Unexpected { found } => {
                gone.insert(found.name.to_ascii_lowercase());
                if sides.new_columns == NewColumns::Added {
                    lost.push(format!("table {} is dropped with all rows", found.name));
                }
            }
            Difference::Missing { .. } => {}
        }
    }
    // What does not compile while the table is away is dropped before, and made again behind it.
    let touched = rebuilt.iter().map(|(it, _)| it.name.to_ascii_lowercase());
    let touched: HashSet<String> = touched.chain(gone.iter().cloned()).collect();
    let dependents = dependents(sides, &touched);
    let is_dependent = |object: &Object| dependents.contains(&key(object));
    let differing: HashSet<(ObjectKind, String)> =
        differences.iter().map(|it| key(it.object())).collect();

    for kind in [ObjectKind::Trigger, ObjectKind::View, ObjectKind::Index] {
        let mut dropped = HashSet::new();
        let found = sides.found.objects.iter().filter(|it| it.kind == kind);
        // Of the side that has them already too, so that the statements run on both.
        let expected = sides.expected.objects.iter().filter(|it| it.kind == kind);
        for object in found.chain(expected) {
            let of_it = differing.contains(&key(object)) && !is_missing(differences, object);
            if (of_it || is_dependent(object)) && dropped.insert(key(object)) {
                statements.push(drop(object));
            }
        }
    }
    for difference in of(&[ObjectKind::Table]) {
        match difference {
            Difference::Unexpected { found } => statements.push(drop(found)),
            Difference::Missing { expected } => statements.push(if_not_exists(&expected.sql)),
            Difference::Different { .. } => {}
        }
    }
    for (table, columns) in &widened {
        let table = identifier(&table.name);
        let columns = columns.iter();
        statements.extend(columns.map(|it| format!("ALTER TABLE {table} ADD COLUMN {it}")));
    }
    for (expected, found) in &rebuilt {
        let mut rebuilt = rebuild(sides, expected, found)?;
        statements.append(&mut rebuilt.statements);
        lost.append(&mut rebuilt.lost);
    }
    let is_rebuilt = |table: &str| {
        rebuilt
            .iter()
            .any(|(it, _)| it.name.eq_ignore_ascii_case(table))
    };
    let expected_keys: HashSet<_> = sides.expected.objects.iter().map(key).collect();
    // What is there beside, and is no part of these differences, stays.
    let beside = sides.found.objects.iter();
    // But for what cannot be without a table that goes.
    let stays = |it: &Object| gone.is_empty() || !names_any(it, &gone);
    let beside: Vec<&Object> = beside
        .filter(|it| !expected_keys.contains(&key(it)) && !differing.contains(&key(it)))
        .filter(|it| stays(it))
        .collect();
    for kind in [ObjectKind::Index, ObjectKind::View, ObjectKind::Trigger] {
        let objects = sides.expected.objects.iter().chain(beside.iter().copied());
        for object in objects.filter(|it| it.kind == kind) {
            let of_table = kind != ObjectKind::View && is_rebuilt(&object.table);
            if differing.contains(&key(object)) || is_dependent(object) || of_table {
                statements.push(if_not_exists(&object.sql));
            }
        }
    }
    Ok(PutRight { statements, lost })
}

fn is_missing(differences: &[Difference], object: &Object) -> bool {
    differences
        .iter()
        .any(|it| matches!(it, Difference::Missing { .. }) && key(it.object()) == key(object))
}

fn key(object: &Object) -> (ObjectKind, String) {
    (object.kind, object.name.to_ascii_lowercase())
}

/// The views that read these tables, directly or through others, and the triggers that are on them or name them.
fn dependents(sides: &Sides, tables: &HashSet<String>) -> HashSet<(ObjectKind, String)> {
    let mut found = HashSet::new();
    if tables.is_empty() {
        return found;
    }
    let mut named = tables.clone();
    let objects: Vec<&Object> = sides
        .expected
        .objects
        .iter()
        .chain(&sides.found.objects)
        .filter(|it| matches!(it.kind, ObjectKind::View | ObjectKind::Trigger))
        .collect();
    loop {
        let before = found.len();
        for object in &objects {
            if !found.contains(&key(object)) && names_any(object, &named) {
                found.insert(key(object));
                if object.kind == ObjectKind::View {
                    named.insert(object.name.to_ascii_lowercase());
                }
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

fn names_any(object: &Object, names: &HashSet<String>) -> bool {
    let sql = &object.sql;
    significant(sql).any(|token| names.contains(&unquote(token.text(sql)).to_ascii_lowercase()))
}

fn drop(object: &Object) -> String {
    let kind = object.kind.word().to_ascii_uppercase();
    format!("DROP {kind} IF EXISTS {}", identifier(&object.name))
}

/// A `CREATE` that does nothing where the object is there. The engine keeps such statements without `IF NOT EXISTS`.
fn if_not_exists(create: &str) -> String {
    let is_kind = |word: &str| ["TABLE", "INDEX", "VIEW", "TRIGGER"].contains(&word);
    let mut words = significant(create);
    let kind = words.find(|token| is_kind(&token.text(create).to_ascii_uppercase()));
    match (kind, words.next()) {
        (Some(kind), Some(next)) if !next.is_word(create, "IF") => {
            let at = kind.span.end;
            format!("{} IF NOT EXISTS{}", &create[..at], &create[at..])
        }
        _ => create.to_owned(),
    }
}

pub(super) fn is_virtual(object: &Object) -> bool {
    matches!(kind(&object.sql), Kind::Create(it) if it.what == What::VirtualTable)
}

/// A table is made as it should be, beside the one that is there, and takes its rows and its name.
fn rebuild(sides: &Sides, expected: &Object, found: &Object) -> Result<PutRight, String> {
    let name = &expected.name;
    if is_virtual(expected) || is_virtual(found) {
        return Err(format!(
            "table {name} is virtual: no statement alters it. `DROP TABLE {}`, the `CREATE VIRTUAL TABLE` as it should be and \
             an `INSERT` of its rows, in a file of `new`, make it again",
            identifier(name)
        ));
    }
    let lower = name.to_ascii_lowercase();
    let tables = (sides.of_expected.get(&lower), sides.of_found.get(&lower));
    let (Some(should), Some(is)) = tables else {
        let why = sides.as_found.as_ref().err();
        let why = why.map_or("its columns are not known", String::as_str);
        return Err(format!("table {name} cannot be rebuilt: {why}"));
    };
    let scratch = identifier(&format!("_new_{name}"));
    let table = identifier(name);
    let (kept, gone): (Vec<&Column>, Vec<&Column>) =
        should.columns.iter().partition(|it| is.has(&it.name));
    let mut columns: Vec<String> = kept.iter().map(|it| identifier(&it.name)).collect();
    if should.has_own_rowid && is.has_own_rowid {
        columns.insert(0, "rowid".to_owned());
    }
    let create = renamed(&expected.sql, &scratch)
        .ok_or_else(|| format!("the statement of table {name} cannot be read"))?;
    let extra: Vec<&Column> = is
        .columns
        .iter()
        .filter(|it| !should.has(&it.name))
        .collect();
    if sides.new_columns == NewColumns::Added {
        must_not_go(name, &extra)?;
        values_can_be_made(name, sides.new_columns, &gone)?;
    }
    let mut lost: Vec<String> = extra
        .iter()
        .map(|it| {
            format!(
                "column {} of table {name} is dropped with its values",
                it.name
            )
        })
        .collect();
    let plain = || {
        let columns = columns.join(", ");
        format!("INSERT INTO {scratch} ({columns}) SELECT {columns} FROM {table}")
    };
    let copy = match (gone.as_slice(), sides.new_columns) {
        ([], _) => plain(),
        // Another database may have the columns by hand, too: it keeps their values.
        (gone, NewColumns::Added) => {
            copy_where_columns_may_be_gone(name, (should, is), &columns, gone)
                .unwrap_or_else(|_| plain())
        }
        (gone, NewColumns::Kept) => {
            lost.extend(gone.iter().map(|column| {
                let value = match column.default {
                    Some(_) => "it gets its default",
                    None => "it is NULL",
                };
                format!(
                    "the values of column {} of table {name} are gone: {value}",
                    column.name
                )
            }));
            copy_where_columns_may_be_gone(name, (should, is), &columns, gone)?
        }
    };
    let mut statements = vec![create, copy];
    if is_autoincrement(&expected.sql) && is_autoincrement(&found.sql) {
        let scratch_text = crate::sql::text(&format!("_new_{name}"));
        let table_text = crate::sql::text(name);
        statements.push(format!(
            "DELETE FROM sqlite_sequence WHERE name = {scratch_text}"
        ));
        statements.push(format!(
            "INSERT INTO sqlite_sequence (name, seq) SELECT {scratch_text}, seq FROM sqlite_sequence WHERE name = {table_text}"
        ));
    }
    statements.push(format!("DROP TABLE {table}"));
    statements.push(format!("ALTER TABLE {scratch} RENAME TO {table}"));
    Ok(PutRight { statements, lost })
}

/// Refuses to drop columns that rows cannot do without, where the database has dropped them by hand.
fn must_not_go(table: &str, columns: &[&Column]) -> Result<(), String> {
    for column in columns {
        let why = match (column.is_key, column.is_not_null) {
            (true, _) => "it is part of the primary key",
            (_, true) => "it is NOT NULL",
            (false, false) => continue,
        };
        return Err(format!(
            "column {} of table {table} is gone here, and {why}: other databases would lose its values",
            column.name
        ));
    }
    Ok(())
}

/// Refuses columns that need a value which no statement knows.
fn values_can_be_made(table: &str, which: NewColumns, columns: &[&Column]) -> Result<(), String> {
    for column in columns {
        let why = match (
            column.is_key,
            column.is_not_null && column.default.is_none(),
        ) {
            (true, _) => "it is part of the primary key",
            (_, true) => "it is NOT NULL and has no default",
            (false, false) => continue,
        };
        let (is, consequence) = match which {
            NewColumns::Kept => (
                "missing",
                "its values are gone, and no statement can make them",
            ),
            NewColumns::Added => (
                "new here",
                "no statement can make its values in other databases",
            ),
        };
        return Err(format!(
            "column {} of table {table} is {is}, and {why}: {consequence}",
            column.name
        ));
    }
    Ok(())
}

/// Copies rows into the new table, with the values of columns that may be there or not. A name is looked up in the innermost
/// query first: where the table has the column, its value is found there, and otherwise what `_gone` has for it.
fn copy_where_columns_may_be_gone(
    name: &str,
    (should, is): (&Table, &Table),
    kept: &[String],
    gone: &[&Column],
) -> Result<String, String> {
    values_can_be_made(name, NewColumns::Kept, gone)?;
    let keys = should.row_key();
    if keys.is_empty() || keys != is.row_key() {
        return Err(format!(
            "table {name} lacks a column, and its rows cannot be told apart by a key that both tables have"
        ));
    }
    let table = identifier(name);
    let scratch = identifier(&format!("_new_{name}"));
    let list = |columns: &mut dyn Iterator<Item = String>| columns.collect::<Vec<_>>().join(", ");
    let gone_names: Vec<String> = gone.iter().map(|it| identifier(&it.name)).collect();
    let into = list(&mut kept.iter().chain(&gone_names).cloned());
    let key_name = |number: usize| format!("_key{number}");
    let same_row = keys.iter().enumerate();
    let same_row = same_row.map(|(number, key)| format!("_is.{key} IS _row.{}", key_name(number)));
    let same_row = same_row.collect::<Vec<_>>().join(" AND ");
    let own_name = |number: usize| format!("_value{number}");
    let values = (0..kept.len()).map(|number| format!("_row.{}", own_name(number)));
    let looked_up = gone_names
        .iter()
        .map(|column| format!("(SELECT {column} FROM {table} AS _is WHERE {same_row})"));
    let values = list(&mut values.chain(looked_up));
    let of_row = keys.iter().enumerate();
    let of_row = of_row.map(|(number, key)| format!("{key} AS {}", key_name(number)));
    let kept = kept.iter().enumerate();
    let kept = kept.map(|(number, column)| format!("{column} AS {}", own_name(number)));
    let of_row = list(&mut of_row.chain(kept));
    let instead = gone.iter().zip(&gone_names).map(|(column, name)| {
        let value = column.default.as_deref().unwrap_or("NULL");
        format!("({value}) AS {name}")
    });
    let instead = list(&mut instead.into_iter());
    Ok(format!(
        "INSERT INTO {scratch} ({into}) SELECT {values} FROM (SELECT {of_row} FROM {table}) AS _row \
         CROSS JOIN (SELECT {instead}) AS _gone"
    ))
}

/// The `CREATE TABLE` of another name.
fn renamed(create: &str, name: &str) -> Option<String> {
    let mut tokens = significant(create);
    tokens.find(|token| token.is_word(create, "TABLE"))?;
    let old = tokens.next()?;
    Some(format!(
        "{}{name}{}",
        &create[..old.span.start],
        &create[old.span.end..]
    ))
}
