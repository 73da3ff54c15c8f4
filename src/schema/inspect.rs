//! Reading the schema of a database: one request.

use std::collections::HashSet;

use crate::db::{Db, DbError, Engine, Query, Reply};
use crate::history::makes_ours;
use crate::sql::{Kind, Value, What, kind, normal_form};

/// The objects of a database that are its project's own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Schema {
    /// Tables, indexes, views, triggers; within each kind by name.
    pub objects: Vec<Object>,
}

/// One object.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Object {
    /// What it is.
    pub kind: ObjectKind,
    /// Its name.
    pub name: String,
    /// The table that it belongs to: its own name for tables and views.
    pub table: String,
    /// The statement that makes it, as the database keeps it.
    pub sql: String,
    /// The same in the form that is compared: [`crate::sql::normal_form`].
    pub normal: String,
}

/// The kinds of objects: <https://sqlite.org/schematab.html>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ObjectKind {
    /// A table, virtual ones too.
    Table,
    /// An index that a statement created, and not one that keeps a constraint.
    Index,
    /// A view.
    View,
    /// A trigger.
    Trigger,
}

impl ObjectKind {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            ObjectKind::Table => "table",
            ObjectKind::Index => "index",
            ObjectKind::View => "view",
            ObjectKind::Trigger => "trigger",
        }
    }
}

impl Schema {
    /// The same without these tables and what belongs to them. Names have no letter case.
    #[must_use]
    pub fn without(mut self, tables: &[String]) -> Schema {
        self.objects.retain(|object| {
            let is_it = |table: &String| table.eq_ignore_ascii_case(&object.table);
            !tables.iter().any(is_it)
        });
        self
    }
}

/// Indexes that keep a constraint have no text of their own.
const OBJECTS: &str =
    "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND sql <> ''";

/// The tables in which virtual tables keep their content:
/// <https://sqlite.org/pragma.html#pragma_table_list>.
const SHADOWS: &str =
    "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow'";

/// The questions whose answers [`inspected`] takes.
pub(super) const QUERIES: [&str; 2] = [OBJECTS, SHADOWS];

/// The question for the schema, to be asked among others; [`inspected`] reads its answer.
pub(crate) fn question() -> [Query; 2] {
    QUERIES.map(Query::new)
}

/// The same question, whose answers are empty where `condition` does not hold.
pub(crate) fn question_if(condition: &str) -> [String; 2] {
    // The engine looks at what stands first first.
    QUERIES.map(|query| {
        query.replace(
            " FROM ",
            &format!(" FROM (SELECT 1 WHERE {condition}) CROSS JOIN "),
        )
    })
}

/// Reads the schema of a database, without what is not the project's own.
///
/// # Errors
/// As [`Db::query`].
pub async fn inspect(db: &Db) -> Result<Schema, DbError> {
    let replies = db.ask(QUERIES.map(Query::new)).await?;
    inspected(replies, db.engine())
}

/// The names of the tables in which virtual tables keep their content.
///
/// # Errors
/// As [`Db::query`].
pub(crate) async fn shadows(db: &Db) -> Result<Vec<String>, DbError> {
    let rows = db.rows::<1>(Query::new(SHADOWS)).await?;
    let names = rows.into_iter().flatten().filter_map(|name| match name {
        Value::Text(name) => Some(name),
        _ => None,
    });
    Ok(names.collect())
}

/// A schema of the answers of an engine to [`QUERIES`].
pub(crate) fn inspected([objects, shadows]: [Reply; 2], engine: Engine) -> Result<Schema, DbError> {
    let (objects, shadows) = (objects.rows()?, shadows.rows::<1>()?);
    let shadows: HashSet<&str> = shadows.iter().flatten().filter_map(Value::as_str).collect();
    let objects = objects.iter().filter_map(|[kind, name, table, sql]| {
        let name = name.as_str()?;
        if shadows.contains(name) {
            return None;
        }
        let kind = match kind.as_str()? {
            "table" => ObjectKind::Table,
            "index" => ObjectKind::Index,
            "view" => ObjectKind::View,
            "trigger" => ObjectKind::Trigger,
            _ => return None,
        };
        Some(object(kind, name, table.as_str()?, sql.as_str()?))
    });
    Ok(own(objects.collect(), engine))
}

/// A schema of `CREATE` statements of a database in memory. The tables that hold the content of virtual ones are in it too.
pub(crate) fn of_statements<'a>(statements: impl IntoIterator<Item = &'a str>) -> Schema {
    let objects = statements.into_iter().filter_map(|sql| {
        let Kind::Create(created) = kind(sql) else {
            return None;
        };
        let kind = match created.what {
            What::Table | What::VirtualTable => ObjectKind::Table,
            What::Index => ObjectKind::Index,
            What::View => ObjectKind::View,
            What::Trigger => ObjectKind::Trigger,
            What::Other => return None,
        };
        let table = created.table.as_ref().unwrap_or(&created.name);
        Some(object(kind, &created.name, table, sql))
    });
    own(objects.collect(), Engine::Memory)
}

fn object(kind: ObjectKind, name: &str, table: &str, sql: &str) -> Object {
    Object {
        kind,
        name: name.to_owned(),
        table: table.to_owned(),
        sql: sql.to_owned(),
        normal: normal_form(sql),
    }
}

/// Leaves out what is not the project's own, and puts the rest in order.
fn own(mut objects: Vec<Object>, engine: Engine) -> Schema {
    // The index of libSQL's vector search keeps its content in a table, and that table has an index.
    let of_vectors: HashSet<String> = objects
        .iter()
        .filter(|object| {
            object.kind == ObjectKind::Index && object.normal.contains("libsql_vector_idx")
        })
        .map(|object| format!("{}_shadow", object.name.to_ascii_lowercase()))
        .collect();
    // Whatever name the settings give it, and also where they name another one.
    let histories: HashSet<String> = objects
        .iter()
        .filter(|object| object.kind == ObjectKind::Table && makes_ours(&object.sql))
        .map(|object| object.name.to_ascii_lowercase())
        .collect();
    objects.retain(|object| {
        let name = object.name.to_ascii_lowercase();
        let table = object.table.to_ascii_lowercase();
        !is_foreign(&name)
            && !is_foreign(&table)
            && !engine.keeps(&table)
            && !of_vectors.contains(&table)
            && !histories.contains(&table)
    });
    objects.sort_by_cached_key(|object| (object.kind, object.name.to_ascii_lowercase()));
    Schema { objects }
}

/// Whether an object with this name, in lower case, is the engine's in every mode, ours, or that of a tool that replicates.
fn is_foreign(name: &str) -> bool {
    const PREFIXES: [&str; 3] = ["sqlite_", "_seedbed_", "_litestream_"];
    const NAMES: [&str; 4] = [
        crate::history::TABLE,
        "libsql_vector_meta_shadow",
        "libsql_wasm_func_table",
        "sqlite3_libsql_tasks",
    ];
    PREFIXES.iter().any(|prefix| name.starts_with(prefix)) || NAMES.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Options;
    use crate::schema::snapshot::{Snapshot, snapshot};
    use crate::schema::tests::database;

    async fn check(sql: &str, expect: &[&str]) {
        let db = database(sql).await;
        let schema = inspect(&db).await.unwrap();
        let names: Vec<String> = schema
            .objects
            .iter()
            .map(|object| format!("{} {} of {}", object.kind.word(), object.name, object.table))
            .collect();
        assert_eq!(names, expect, "{sql}");
    }

    #[tokio::test]
    async fn objects_stand_by_kind_and_then_by_name() {
        check(
            "CREATE TABLE b (x); CREATE INDEX z ON b (x); CREATE TABLE A (x);
             CREATE TRIGGER t AFTER INSERT ON b BEGIN SELECT 1; END; CREATE VIEW v AS SELECT x FROM b",
            &[
                "table A of A",
                "table b of b",
                "index z of b",
                "view v of v",
                "trigger t of b",
            ],
        )
        .await;
    }

    #[tokio::test]
    async fn what_is_not_the_projects_own_is_left_out() {
        check(
            "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, email UNIQUE); ANALYZE;
             CREATE TABLE _migrations (kind); CREATE INDEX of_ours ON _migrations (kind);
             CREATE TABLE _seedbed_rows (x); CREATE TABLE _litestream_seq (x)",
            &["table t of t"],
        )
        .await;
        check(
            "CREATE TABLE xlitestream_t (x)",
            &["table xlitestream_t of xlitestream_t"],
        )
        .await;
    }

    #[tokio::test]
    async fn the_turso_engines_own_tables_are_left_out_on_that_engine_alone() {
        const NAMES: [&str; 4] = [
            "turso_cdc",
            "Turso_Cdc_Version",
            "turso_cdc_notes",
            "__turso_internal_t",
        ];
        let tables = NAMES
            .map(|name| format!("CREATE TABLE {name} (x); CREATE INDEX i_{name} ON {name} (x);"));
        let db = database(&tables.concat()).await;
        let left = async |engine| {
            let replies = db.ask(QUERIES.map(Query::new)).await.unwrap();
            let objects = inspected(replies, engine).unwrap().objects;
            let names = objects.into_iter().map(|object| object.name);
            names.collect::<Vec<_>>().join(" ")
        };
        for engine in [Engine::Local, Engine::Memory, Engine::Server] {
            let left = left(engine).await;
            assert_eq!(
                left.split(' ').count(),
                2 * NAMES.len(),
                "{engine:?}: {left}"
            );
        }
        assert_eq!(
            left(Engine::Turso).await,
            "turso_cdc_notes i_turso_cdc_notes"
        );
    }

    #[tokio::test]
    async fn the_tables_behind_a_virtual_table_are_left_out() {
        check(
            "CREATE VIRTUAL TABLE docs USING fts5 (body); CREATE TABLE docs_extra (x)",
            &["table docs of docs", "table docs_extra of docs_extra"],
        )
        .await;
    }

    #[tokio::test]
    async fn the_tables_behind_a_vector_index_are_left_out() {
        check(
            "CREATE TABLE films (e F32_BLOB(3), title); CREATE INDEX films_e ON films (libsql_vector_idx(e));
             CREATE TABLE title_shadow (x); CREATE INDEX title ON films (title)",
            &[
                "table films of films",
                "table title_shadow of title_shadow",
                "index films_e of films",
                "index title of films",
            ],
        )
        .await;
    }

    #[tokio::test]
    async fn a_database_that_is_not_there_has_an_empty_schema_and_is_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("none.db");
        let db = Db::local(&file, Options::default()).unwrap();
        assert_eq!(inspect(&db).await.unwrap(), Schema::default());
        assert_eq!(snapshot(&db).await.unwrap(), Snapshot::default());
        assert!(!file.exists());
    }
}
