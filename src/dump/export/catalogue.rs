//! What a dump has to know of a database: all of its objects in the order in which they were made, the engine's too.
//! It reads catalogues only, in a form that a token without the right to write may use.

use std::collections::{HashMap, HashSet};

use crate::db::{Db, DbError, Engine, Query};
use crate::dump::modules::{Modules, VirtualTable, is_ordinary};
use crate::schema::{Affinity, Strictness, affinity};
use crate::sql::{Value, free_rowid};

/// The schema as it is kept: <https://sqlite.org/schematab.html>. The text of an export is read with it again, and
/// compared.
pub(super) const OBJECTS: &str =
    "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY rowid";

/// <https://sqlite.org/pragma.html#pragma_table_list>
const TABLES: &str = "SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main'";

/// <https://sqlite.org/pragma.html#pragma_table_xinfo>
const COLUMNS: &str = "\
SELECT t.name, c.name, c.type, c.pk, c.hidden
FROM pragma_table_list t, pragma_table_xinfo(t.name) c
WHERE t.schema = 'main' AND t.type IN ('table', 'shadow')
ORDER BY t.name, c.cid";

/// The columns of primary keys that have an index: <https://sqlite.org/pragma.html#pragma_index_xinfo>.
const KEYS: &str = "\
SELECT t.name, c.name, c.\"desc\", c.coll
FROM pragma_table_list t, pragma_index_list(t.name) i, pragma_index_xinfo(i.name) c
WHERE t.schema = 'main' AND t.type IN ('table', 'shadow') AND i.origin = 'pk' AND c.key = 1
ORDER BY t.name, c.seqno";

/// The objects of a database.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Catalogue {
    /// In the order in which they were made.
    pub(super) objects: Vec<Object>,
    /// By name in lower case.
    pub(super) tables: HashMap<String, Table>,
    virtual_tables: Vec<VirtualTable>,
}

/// One row of the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) table: String,
    /// None for the index of a constraint.
    pub(super) sql: Option<String>,
}

/// A table that keeps rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Table {
    pub(super) is_shadow: bool,
    pub(super) is_virtual: bool,
    pub(super) without_rowid: bool,
    pub(super) is_strict: bool,
    pub(super) columns: Vec<Column>,
    /// The columns of the index of the primary key, where there is one.
    pub(super) key: Vec<KeyColumn>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) declared: String,
    pub(super) in_key: bool,
    pub(super) is_generated: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyColumn {
    pub(super) name: String,
    pub(super) is_descending: bool,
    pub(super) collation: String,
}

impl Catalogue {
    pub(super) async fn read(db: &Db) -> Result<Catalogue, DbError> {
        let modules = Modules::new().await.map_err(DbError::Read)?;
        let queries = [OBJECTS, TABLES, COLUMNS, KEYS].map(Query::new);
        let [objects, tables, columns, keys] = db.ask(queries).await?;
        Ok(Catalogue::of(
            &objects.rows()?,
            &tables.rows()?,
            &columns.rows()?,
            &keys.rows()?,
            &modules,
            db.engine(),
        ))
    }

    /// Of the answers of an engine to the four questions, without the tables that it keeps for itself.
    fn of(
        objects: &[[Value; 4]],
        tables: &[[Value; 4]],
        columns: &[[Value; 5]],
        keys: &[[Value; 4]],
        modules: &Modules,
        engine: Engine,
    ) -> Catalogue {
        let objects = objects.iter().filter_map(|[kind, name, table, sql]| {
            Some(Object {
                kind: kind.as_str()?.to_owned(),
                name: name.as_str()?.to_owned(),
                table: table.as_str()?.to_owned(),
                sql: sql
                    .as_str()
                    .filter(|sql| !sql.is_empty())
                    .map(str::to_owned),
            })
        });
        let objects = objects.filter(|object| !engine.keeps(&object.table));
        let objects: Vec<Object> = objects.collect();
        let mut all = HashMap::new();
        for [name, kind, without_rowid, strict] in tables {
            let (Some(name), Some(kind)) = (name.as_str(), kind.as_str()) else {
                continue;
            };
            if kind != "view" {
                let table = Table {
                    is_shadow: kind == "shadow",
                    is_virtual: kind == "virtual",
                    without_rowid: without_rowid.as_i64() == Some(1),
                    is_strict: strict.as_i64() == Some(1),
                    ..Table::default()
                };
                all.insert(name.to_ascii_lowercase(), table);
            }
        }
        for [table, name, declared, key, hidden] in columns {
            if let Some(table) = known(&mut all, table) {
                table.columns.push(Column {
                    name: name.as_str().unwrap_or_default().to_owned(),
                    declared: declared.as_str().unwrap_or_default().to_owned(),
                    in_key: key.as_i64().is_some_and(|place| place > 0),
                    is_generated: matches!(hidden.as_i64(), Some(2 | 3)),
                });
            }
        }
        for [table, name, descending, collation] in keys {
            if let (Some(table), Some(name)) = (known(&mut all, table), name.as_str()) {
                table.key.push(KeyColumn {
                    name: name.to_owned(),
                    is_descending: descending.as_i64() == Some(1),
                    collation: collation.as_str().unwrap_or("BINARY").to_owned(),
                });
            }
        }
        let virtual_tables = objects.iter().filter_map(|object| {
            let is_virtual = all.get(&object.name.to_ascii_lowercase())?.is_virtual;
            let sql = object.sql.as_ref().filter(|_| is_virtual)?;
            Some(modules.virtual_table(&object.name, sql))
        });
        let mut catalogue = Catalogue {
            virtual_tables: virtual_tables.collect(),
            objects,
            tables: all,
        };
        // The engine goes by the name.
        let shadows = catalogue.tables.iter().filter(|(_, table)| table.is_shadow);
        let shadows: Vec<String> = shadows.map(|(name, _)| name.clone()).collect();
        for name in shadows {
            let is_shadow = catalogue.owner(&name).is_some();
            if let Some(table) = catalogue.tables.get_mut(&name) {
                table.is_shadow = is_shadow;
            }
        }
        catalogue
    }

    pub(super) fn table(&self, name: &str) -> Option<&Table> {
        self.tables.get(&name.to_ascii_lowercase())
    }

    /// The virtual table that keeps its content in this table.
    pub(super) fn owner(&self, shadow: &str) -> Option<&str> {
        let is_certain = || {
            let mut objects = self.objects.iter();
            let object = objects.find(|object| object.name.eq_ignore_ascii_case(shadow));
            object.is_some_and(|object| object.sql.as_deref().is_some_and(is_ordinary))
        };
        let owners = self.virtual_tables.iter();
        let owners = owners.filter(|table| table.owns(shadow, is_certain));
        // Of those that the engine could not make, the one with the longest name.
        let owner = owners.max_by_key(|table| table.name.len())?;
        Some(&owner.name)
    }

    /// Whether this is a virtual table whose module the engine here lacks.
    pub(super) fn lacks_module(&self, name: &str) -> bool {
        let mut tables = self.virtual_tables.iter();
        tables.any(|table| table.lacks_module && table.name.eq_ignore_ascii_case(name))
    }

    /// The tables, in lower case, that the indexes of libSQL's vector search keep their content in: `CREATE INDEX` makes
    /// and fills them.
    pub(super) fn of_vectors(&self) -> HashSet<String> {
        let indexes = self.objects.iter().filter(|object| {
            let sql = object.sql.as_deref().unwrap_or_default();
            object.kind == "index" && sql.to_ascii_lowercase().contains("libsql_vector_idx")
        });
        let mut names: HashSet<String> = indexes
            .map(|object| format!("{}_shadow", object.name.to_ascii_lowercase()))
            .collect();
        names.insert("libsql_vector_meta_shadow".to_owned());
        names
    }
}

fn known<'a>(tables: &'a mut HashMap<String, Table>, name: &Value) -> Option<&'a mut Table> {
    tables.get_mut(&name.as_str()?.to_ascii_lowercase())
}

impl Table {
    /// The column that is another name of the rowid: <https://sqlite.org/lang_createtable.html#rowid>. One that looks
    /// like it, but has an index to keep it, is not.
    pub(super) fn integer_key(&self) -> Option<&Column> {
        let mut keys = self.columns.iter().filter(|column| column.in_key);
        let key = keys.next()?;
        let alone = keys.next().is_none();
        let is_integer = key.declared.eq_ignore_ascii_case("INTEGER");
        (alone && is_integer && self.key.is_empty() && !self.without_rowid).then_some(key)
    }

    /// A name of the rowid that no column has.
    pub(super) fn rowid(&self) -> Option<&'static str> {
        let taken = |name: &str| {
            let mut columns = self.columns.iter();
            columns.any(|column| column.name.eq_ignore_ascii_case(name))
        };
        match self.without_rowid {
            true => None,
            false => free_rowid(taken),
        }
    }

    /// Whether a row of an `INSERT` may have one value more than the columns that are written:
    /// <https://sqlite.org/limits.html#max_column>.
    pub(super) fn has_room_for_rowid(&self) -> bool {
        const MOST: usize = 2000;
        let written = self.columns.iter().filter(|it| !it.is_generated);
        written.count() < MOST
    }

    /// Whether the affinity of this column is REAL.
    pub(super) fn is_real(&self, column: &Column) -> bool {
        let strictness = match self.is_strict {
            true => Strictness::Strict,
            false => Strictness::Flexible,
        };
        affinity(&column.declared, strictness) == Affinity::Real
    }
}
