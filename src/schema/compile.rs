//! Views and triggers that do not compile. Statements are compiled for this and never run.

use std::sync::Arc;

use super::firing::{Firing, OBJECTS, SchemaObject, Trigger};
use super::inspect::{Object, ObjectKind, Schema};
use crate::db::{Db, DbError, EngineError, Failure, Query, Transaction};
use crate::script::{Atomicity, ForeignKeys, Step};
use crate::sql::{Kind, What, identifier, kind, significant, unquote};

/// A view or a trigger that does not compile, or a full-text index that lacks the table that it is about.
#[derive(Debug, Clone)]
pub(crate) struct Broken {
    pub(crate) object: Object,
    /// A statement that uses it.
    statement: String,
    /// What the engine says of that statement.
    pub(crate) error: EngineError,
}

/// The views and triggers of a database in memory that do not compile, and the full-text indexes that cannot be read.
///
/// # Errors
/// As [`Db::query`].
pub(crate) async fn broken(db: &Db, schema: &Schema) -> Result<Vec<Broken>, DbError> {
    let mut found = Vec::new();
    for view in of_kind(schema, ObjectKind::View) {
        let statement = format!("SELECT * FROM {}", identifier(&view.name));
        if let Some(error) = db.objection(&statement).await? {
            found.push(Broken {
                object: view.clone(),
                statement,
                error,
            });
        }
    }
    for table in
        of_kind(schema, ObjectKind::Table).filter(|table| content_elsewhere(&table.sql).is_some())
    {
        let statement = format!("SELECT * FROM {} LIMIT 1", identifier(&table.name));
        if let Some(error) = refusal_to_read(db, &statement).await? {
            found.push(Broken {
                object: table.clone(),
                statement,
                error,
            });
        }
    }
    let triggers: Vec<&Object> = of_kind(schema, ObjectKind::Trigger).collect();
    let listed: Vec<SchemaObject> = db.rows(Query::new(OBJECTS)).await?;
    let mut suspects = Vec::new();
    for trigger in &triggers {
        let of_broken = |it: &Broken| it.object.name.eq_ignore_ascii_case(&trigger.table);
        // What a trigger of a view does cannot be told where the view does not compile.
        if found.iter().any(of_broken) {
            continue;
        }
        let mut listed = listed.iter().filter_map(Trigger::of);
        let Some(it) = listed.find(|it| it.name == trigger.name) else {
            continue;
        };
        for firing in it.firings() {
            if db.objection(&firing.sql()).await?.is_some() {
                suspects.push((*trigger, firing));
                break;
            }
        }
    }
    if !suspects.is_empty() {
        found.extend(to_blame(db, schema, &triggers, suspects).await?);
    }
    Ok(found)
}

/// Whether this object is there, and a statement that uses it does not compile.
///
/// # Errors
/// As [`Db::query`].
pub(crate) async fn is_broken(db: &Db, broken: &Broken) -> Result<bool, DbError> {
    let Object {
        kind: sort, name, ..
    } = &broken.object;
    let there = Query {
        sql: "SELECT 1 FROM sqlite_schema WHERE type = ?1 AND name = ?2 COLLATE NOCASE".to_owned(),
        args: vec![sort.word().into(), name.as_str().into()],
    };
    if db.rows::<1>(there).await?.is_empty() {
        return Ok(false);
    }
    let error = match sort {
        ObjectKind::Table => refusal_to_read(db, &broken.statement).await?,
        _ => db.objection(&broken.statement).await?,
    };
    Ok(error.is_some())
}

/// The table or view whose rows a full-text index is about: <https://sqlite.org/fts5.html#external_content_tables>. The engine
/// looks for that one only when rows are read.
pub(crate) fn content_elsewhere(sql: &str) -> Option<String> {
    let is_virtual = matches!(kind(sql), Kind::Create(object) if object.what == What::VirtualTable);
    let mut tokens = significant(sql).map(|token| token.text(sql));
    tokens.find(|text| is_virtual && text.eq_ignore_ascii_case("content"))?;
    tokens.next().filter(|text| *text == "=")?;
    let content = unquote(tokens.next()?);
    (!content.is_empty() && content != ")").then_some(content)
}

/// Why the engine does not read a table of a database in memory.
async fn refusal_to_read(db: &Db, statement: &str) -> Result<Option<EngineError>, DbError> {
    let answers = db.query(vec![Query::new(statement)]).await?;
    Ok(answers.into_iter().find_map(Result::err))
}

fn of_kind(schema: &Schema, kind: ObjectKind) -> impl Iterator<Item = &Object> {
    let objects = schema.objects.iter();
    objects.filter(move |object| object.kind == kind)
}

/// Those of these triggers that are to blame for it that their statement does not compile: it compiles in a copy of the
/// database without any trigger, and does not with this one alone; or it sets a column that does not exist, which then only
/// the trigger names.
async fn to_blame(
    db: &Db,
    schema: &Schema,
    triggers: &[&Object],
    suspects: Vec<(&Object, Firing)>,
) -> Result<Vec<Broken>, DbError> {
    let Some(copy) = db.fork().await? else {
        return Ok(Vec::new());
    };
    let drop = |trigger: &Object| format!("DROP TRIGGER {}", identifier(&trigger.name));
    execute(
        &copy,
        triggers.iter().map(|trigger| drop(trigger)).collect(),
    )
    .await?;
    let mut found = Vec::new();
    for (trigger, firing) in suspects {
        let statement = firing.sql();
        // A view without a trigger cannot be written.
        let is_view = of_kind(schema, ObjectKind::View)
            .any(|view| view.name.eq_ignore_ascii_case(&trigger.table));
        if !is_view && let Some(error) = copy.objection(&statement).await? {
            if firing.misses_its_column(&error.message) {
                found.push(Broken {
                    object: trigger.clone(),
                    statement,
                    error,
                });
            }
            continue;
        }
        execute(&copy, vec![trigger.sql.clone()]).await?;
        if let Some(error) = copy.objection(&statement).await? {
            found.push(Broken {
                object: trigger.clone(),
                statement,
                error,
            });
        }
        execute(&copy, vec![drop(trigger)]).await?;
    }
    Ok(found)
}

pub(super) async fn execute(db: &Db, statements: Vec<String>) -> Result<(), DbError> {
    let transaction = Transaction {
        foreign_keys: ForeignKeys::Off,
        atomicity: Atomicity::Transaction,
        steps: statements
            .into_iter()
            .map(|sql| Step::own(sql, vec![]))
            .collect(),
    };
    match db.run(vec![transaction], Arc::new(|_| {})).await {
        Ok(_) => Ok(()),
        Err(Failure::Open(error)) => Err(error),
        Err(Failure::Lost(error)) => Err(error.into()),
        Err(Failure::Step { error, .. }) => Err(DbError::Read(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{inspect, tests::database};

    async fn check(sql: &str, expect: &[&str]) {
        let db = database(sql).await;
        let schema = inspect(&db).await.unwrap();
        let found = broken(&db, &schema).await.unwrap();
        let found: Vec<String> = found
            .iter()
            .map(|it| format!("{} {}: {}", it.object.kind.word(), it.object.name, it.error))
            .collect();
        assert_eq!(found, expect, "{sql}");
        assert_eq!(inspect(&db).await.unwrap(), schema, "{sql}");
    }

    #[tokio::test]
    async fn a_view_that_names_what_is_not_there_is_broken() {
        check(
            "CREATE TABLE t (x); CREATE VIEW fine AS SELECT x FROM t;
             CREATE VIEW \"of y\" AS SELECT y FROM t; CREATE VIEW of_u AS SELECT * FROM u",
            &[
                "view of y: no such column: y",
                "view of_u: no such table: main.u",
            ],
        )
        .await;
    }

    #[tokio::test]
    async fn only_the_trigger_that_is_to_blame_is_broken() {
        check(
            "CREATE TABLE t (x); CREATE TABLE log (y); CREATE VIEW v AS SELECT x FROM t;
             CREATE TRIGGER a AFTER INSERT ON t BEGIN INSERT INTO log VALUES (1); END;
             CREATE TRIGGER b AFTER INSERT ON t BEGIN INSERT INTO gone VALUES (1); END;
             CREATE TRIGGER c AFTER UPDATE OF x ON t BEGIN SELECT z FROM log; END;
             CREATE TRIGGER d AFTER DELETE ON t WHEN old.x > 1 BEGIN DELETE FROM log; END;
             CREATE TRIGGER e AFTER INSERT ON log BEGIN UPDATE t SET z = 1; END;
             CREATE TRIGGER \"update\" INSTEAD OF INSERT ON v BEGIN INSERT INTO t VALUES (new.y); END;
             CREATE TRIGGER f AFTER UPDATE ON t BEGIN INSERT INTO log (x) VALUES (1); END",
            &[
                "trigger b: no such table: main.gone",
                "trigger c: no such column: z",
                "trigger e: no such column: z",
                "trigger f: table log has no column named x",
                "trigger update: no such column: new.y",
            ],
        )
        .await;
    }

    #[tokio::test]
    async fn a_table_that_cannot_be_written_blames_no_trigger() {
        check(
            "CREATE TABLE p (x); CREATE TABLE c (x REFERENCES p (x));
             CREATE TRIGGER a AFTER DELETE ON p BEGIN SELECT 1; END",
            &[],
        )
        .await;
    }
}
