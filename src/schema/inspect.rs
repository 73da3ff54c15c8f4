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

/// All statements in one value: a row for each object costs several times as much.
const TEXTS: &str = "SELECT group_concat(sql, char(30, 31)) FROM sqlite_schema";

/// A separator that no written text contains.
const BETWEEN: &str = "\u{1e}\u{1f}";

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

/// The statements of a schema, all in one text and in no particular order. It is there to be kept, and to be
/// compared with another one by [`changes`](super::compare::changes).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Snapshot(String);

/// Takes a snapshot: cheaper by far than [`inspect`].
///
/// # Errors
/// As [`Db::query`].
pub(crate) async fn snapshot(db: &Db) -> Result<Snapshot, DbError> {
    let [text] = db.ask(Query::new(TEXTS)).await?.row()?;
    Ok(Snapshot(match text {
        Value::Text(text) => text,
        _ => String::new(),
    }))
}

impl Snapshot {
    /// The statements.
    #[cfg(test)]
    pub(super) fn statements(&self) -> impl Iterator<Item = &str> {
        statements(&self.0)
    }

    /// The statements of both, without those at the beginning and at the end that are the same: most of them are, and
    /// comparing bytes is cheap.
    pub(super) fn apart<'s>(
        &'s self,
        other: &'s Snapshot,
    ) -> [impl Iterator<Item = &'s str> + use<'s>; 2] {
        let (one, other) = (self.0.as_str(), other.0.as_str());
        let (a, b) = (one.as_bytes(), other.as_bytes());
        let between = BETWEEN.as_bytes();
        let same = longest(a.len().min(b.len()), |count| a[..count] == b[..count]);
        let begin = a[..same]
            .windows(between.len())
            .rposition(|it| it == between)
            .map_or(0, |at| at + between.len());
        let (a, b) = (&a[begin..], &b[begin..]);
        let same = longest(a.len().min(b.len()), |count| {
            a[a.len() - count..] == b[b.len() - count..]
        });
        let end = a[a.len() - same..]
            .windows(between.len())
            .position(|it| it == between)
            .map_or(0, |at| same - at);
        [one, other].map(|text| statements(&text[begin..text.len() - end]))
    }
}

fn statements(text: &str) -> impl Iterator<Item = &str> {
    text.split(BETWEEN).filter(|text| !text.is_empty())
}

/// The largest count up to `most` for which this holds; it holds for all smaller ones too.
fn longest(most: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut yes, mut no) = (0, most + 1);
    while no - yes > 1 {
        let middle = yes + (no - yes) / 2;
        match holds(middle) {
            true => yes = middle,
            false => no = middle,
        }
    }
    yes
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

    #[test]
    fn two_snapshots_are_compared_by_the_statements_that_differ() {
        let snapshot = |statements: &[&str]| Snapshot(statements.join(BETWEEN));
        for (one, other, expect) in [
            (&["ab", "cd", "ef"][..], &["ab", "ef"][..], ["cd", ""]),
            (&["ab", "cd"], &["ab", "cd", "ef"], ["", "ef"]),
            (&["ab", "cd"], &["ab", "xd"], ["cd", "xd"]),
            (&["é", "cd"], &["è", "cd"], ["é", "è"]),
            (&[], &["a", "b"], ["", "a b"]),
            (&["a"], &["a"], ["", ""]),
        ] {
            let (one, other) = (snapshot(one), snapshot(other));
            let [of_one, of_other] = one.apart(&other).map(Iterator::collect::<Vec<_>>);
            let only = |these: &[&str], those: &[&str]| {
                let only = these.iter().filter(|it| !those.contains(it));
                only.copied().collect::<Vec<_>>().join(" ")
            };
            let found = [only(&of_one, &of_other), only(&of_other, &of_one)];
            assert_eq!(found, expect, "{one:?} {other:?}");
            // What both begin with is not looked at.
            assert!(!of_one.contains(&"ab"), "{one:?} {other:?}");
        }
    }

    #[tokio::test]
    async fn a_snapshot_holds_what_an_inspection_finds() {
        let db = database(
            "CREATE TABLE b (x TEXT DEFAULT 'a;\n b'); CREATE INDEX z ON b (x);
             CREATE TRIGGER t AFTER INSERT ON b BEGIN SELECT 1\n;\nSELECT 2; END;
             CREATE VIEW v AS SELECT x FROM b -- all of it\n",
        )
        .await;
        let snapshot = snapshot(&db).await.unwrap();
        assert_eq!(
            of_statements(snapshot.statements()),
            inspect(&db).await.unwrap()
        );
    }
}
