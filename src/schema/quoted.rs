//! Names in double quotes that the engine takes for text, because no column has that name any more:
//! <https://sqlite.org/quirks.html#dblquote>. Such a view compiles, and gives the name in place of values. `DROP COLUMN`
//! writes all of them in single quotes, so a copy of the database tells which there are.

use super::compile::{Broken, broken, execute};
use super::inspect::inspect;
use crate::db::{Db, DbError, Engine, Options, Query};
use crate::sql::{TokenKind, Value, identifier, significant, unquote};

/// The views and triggers with a text in double quotes. No pragma is asked, and none compiles.
const QUOTED: &str = "SELECT type, name, sql FROM sqlite_schema WHERE type IN ('view', 'trigger') AND instr(sql, '\"')";

/// Statements after which every text in double quotes has single ones.
pub(crate) const TO_SINGLE_QUOTES: [&str; 2] = [
    "CREATE TABLE _seedbed_quoted AS SELECT type AS sort, name AS object, sql AS text, 0 AS x FROM sqlite_schema \
     WHERE type IN ('view', 'trigger') AND instr(sql, '\"')",
    "ALTER TABLE _seedbed_quoted DROP COLUMN x",
];

/// A view or a trigger that takes names in double quotes for text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Quoted {
    /// `view` or `trigger`.
    pub(crate) sort: String,
    pub(crate) name: String,
    /// The first of those names.
    pub(crate) text: String,
}

impl Quoted {
    pub(crate) fn is_of(&self, other: &Quoted) -> bool {
        self.sort == other.sort && self.name.eq_ignore_ascii_case(&other.name)
    }
}

/// The first name in double quotes that has single ones in the other text.
pub(crate) fn text_in_quotes(sql: &str, in_single_quotes: &str) -> Option<String> {
    let (tokens, others) = (significant(sql), significant(in_single_quotes));
    let mut pairs = tokens.zip(others);
    let (token, _) = pairs.find(|(token, other)| {
        token.kind == TokenKind::QuotedName && other.kind == TokenKind::String
    })?;
    Some(unquote(token.text(sql)))
}

/// Everything that a view or a trigger can read.
const SCHEMA: &str = "\
SELECT sql FROM sqlite_schema WHERE type IN ('table', 'view', 'trigger') AND sql IS NOT NULL \
AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid";

/// The views and triggers of a database that take names in double quotes for text. They are looked at in a copy of its
/// schema in memory, without those that do not compile, because of which the engine would tell nothing. The Turso engine
/// takes no such name for text.
///
/// # Errors
/// As [`Db::query`].
pub(crate) async fn quoted(db: &Db) -> Result<Vec<Quoted>, DbError> {
    if db.engine() == Engine::Turso {
        return Ok(Vec::new());
    }
    let before: Vec<[Value; 3]> = db.rows(Query::new(QUOTED)).await?;
    if before.is_empty() {
        return Ok(Vec::new());
    }
    let copy = match db.fork().await? {
        Some(copy) => copy,
        None => copy_of_schema(db).await?,
    };
    let statements = TO_SINGLE_QUOTES.map(str::to_owned).to_vec();
    if execute(&copy, statements.clone()).await.is_err() {
        let broken = broken(&copy, &inspect(&copy).await?).await?.into_iter();
        let drops = broken.map(|Broken { object, .. }| {
            let (what, name) = (object.kind.word(), identifier(&object.name));
            format!("DROP {what} IF EXISTS {name}")
        });
        let again = drops.chain(statements).collect();
        if execute(&copy, again).await.is_err() {
            return Ok(Vec::new());
        }
    }
    let query = "SELECT sort, object, text, sql FROM _seedbed_quoted JOIN sqlite_schema ON type = sort AND name = object \
                 WHERE sql <> text ORDER BY 1 DESC, 2";
    let rows: Vec<[Value; 4]> = copy.rows(Query::new(query)).await?;
    let found = rows.iter().filter_map(|[sort, name, before, after]| {
        Some(Quoted {
            sort: sort.as_str()?.to_owned(),
            name: name.as_str()?.to_owned(),
            text: text_in_quotes(before.as_str()?, after.as_str()?)?,
        })
    });
    Ok(found.collect())
}

/// A database in memory with the same schema, as far as this engine can make it.
async fn copy_of_schema(db: &Db) -> Result<Db, DbError> {
    let copy = Db::memory(Options::default()).await?;
    let statements = db.rows::<1>(Query::new(SCHEMA)).await?;
    for [sql] in statements {
        let Some(sql) = sql.as_str() else {
            continue;
        };
        match execute(&copy, vec![sql.to_owned()]).await {
            // A module of another engine, or a table that a module has made already.
            Ok(()) | Err(DbError::Read(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(copy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::tests::database;

    #[tokio::test]
    async fn what_does_not_compile_hides_no_text() {
        let db = database(
            "CREATE TABLE t (a); CREATE VIEW gone AS SELECT \"x\" FROM nosuch;
             CREATE VIEW lost AS SELECT \"z\" FROM t;
             CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO nosuch VALUES (\"z\"); END",
        )
        .await;
        let found = quoted(&db).await.unwrap();
        let found: Vec<_> = found.iter().map(|it| &*it.name).collect();
        assert_eq!(found, ["lost"]);
    }

    #[tokio::test]
    async fn names_that_no_column_has_are_texts() {
        let db = database(
            "CREATE TABLE t (a, \"b c\"); CREATE VIEW fine AS SELECT \"a\", \"b c\", '\"' FROM \"t\";
             CREATE VIEW lost AS SELECT \"a\" AS \"x\", \"z\"\"y\" FROM t;
             CREATE TRIGGER g AFTER INSERT ON t BEGIN UPDATE t SET a = \"gone\" WHERE \"a\" = 1; END;
             CREATE TRIGGER h AFTER INSERT ON t WHEN NEW.\"a\" = 1 BEGIN SELECT \"a\" FROM t; END",
        )
        .await;
        let found = quoted(&db).await.unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|it| (&*it.sort, &*it.name, &*it.text))
            .collect();
        assert_eq!(found, [("view", "lost", "z\"y"), ("trigger", "g", "gone")]);
    }
}
