//! Names in double quotes in a statement that the engine takes for text, because no column has that name where they are:
//! <https://sqlite.org/quirks.html#dblquote>. Names in backticks are never text, so a statement that compiles with double
//! quotes and not with backticks has such a text. Statements are compiled for this; only triggers are made, and dropped.

use std::ops::Range;

use super::compile::execute;
use super::firing::Trigger;
use crate::db::{Db, DbError, Query};
use crate::sql::{Kind, Token, TokenKind, What, kind, significant, targets, text, unquote};

/// A name in double quotes that is a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextInQuotes {
    /// Where it is, in bytes of what was asked about.
    pub span: Range<usize>,
    /// The table that the statement writes and that has a column of this name: the text was meant as that column.
    pub column_of: Option<String>,
}

/// Whether a statement has names in double quotes that may be text. It is cheap.
pub(crate) fn may_have_text(sql: &str) -> bool {
    sql.contains('"') && is_asked(sql) && !names(sql).is_empty()
}

/// The statements that the engine is asked about. What `CREATE TABLE` has of columns only is read by its tokens elsewhere.
fn is_asked(sql: &str) -> bool {
    match kind(sql) {
        Kind::Select | Kind::Insert | Kind::Update | Kind::Delete => true,
        Kind::Create(object) => match object.what {
            What::View | What::Trigger | What::Index => true,
            What::Table => significant(sql).any(|token| token.is_word(sql, "SELECT")),
            _ => false,
        },
        _ => false,
    }
}

/// The names in double quotes that are no part of a longer name.
fn names(sql: &str) -> Vec<Range<usize>> {
    let tokens: Vec<Token> = significant(sql).collect();
    let is_dot = |at: usize| tokens.get(at).is_some_and(|it| it.text(sql) == ".");
    let all = tokens.iter().enumerate();
    all.filter(|(at, token)| {
        token.kind == TokenKind::QuotedName
            && token.text(sql).starts_with('"')
            && !is_dot(at + 1)
            && !is_dot(at.wrapping_sub(1))
    })
    .map(|(_, token)| token.span.clone())
    .collect()
}

/// The names in double quotes in this statement that are text on the schema of a database in memory. One that does not
/// compile has none.
///
/// # Errors
/// As [`Db::query`].
pub(crate) async fn texts_in_quotes(db: &Db, sql: &str) -> Result<Vec<TextInQuotes>, DbError> {
    if !may_have_text(sql) {
        return Ok(Vec::new());
    }
    let names = names(sql);
    let compiled = Compiled::of(sql);
    if compiled.refusal(db, sql, &[]).await? != Refusal::None
        || compiled.refusal(db, sql, &names).await? == Refusal::None
    {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for span in names {
        let name = unquote(&sql[span.clone()]);
        let one = std::slice::from_ref(&span);
        if compiled.refusal(db, sql, one).await? == Refusal::NoColumn(name.to_ascii_lowercase()) {
            let column_of = written_with_column(db, sql, &name).await?;
            found.push(TextInQuotes { span, column_of });
        }
    }
    Ok(found)
}

/// How a statement is compiled.
enum Compiled {
    Itself,
    /// The query of a view, from here on.
    From(usize),
    /// What fires the trigger of this name.
    Fired(String),
}

/// What the engine says of a statement.
#[derive(Debug, PartialEq, Eq)]
enum Refusal {
    None,
    /// There is no column of this name, in lower case.
    NoColumn(String),
    Other,
}

impl Compiled {
    fn of(sql: &str) -> Compiled {
        let Kind::Create(object) = kind(sql) else {
            return Compiled::Itself;
        };
        match object.what {
            What::View => {
                let mut tokens = significant(sql);
                let begin = tokens.find(|token| token.is_word(sql, "AS"));
                Compiled::From(begin.map_or(0, |token| token.span.end))
            }
            What::Trigger => Compiled::Fired(object.name),
            _ => Compiled::Itself,
        }
    }

    /// What the engine says where these names have backticks.
    async fn refusal(
        &self,
        db: &Db,
        sql: &str,
        names: &[Range<usize>],
    ) -> Result<Refusal, DbError> {
        let from = match self {
            Compiled::From(at) => *at,
            _ => 0,
        };
        let statement = in_backticks(sql, from, names);
        let name = match self {
            Compiled::Fired(name) => name,
            _ => return Ok(Refusal::of(db.objection(&statement).await?)),
        };
        let there = Query::new(format!(
            "SELECT 1 FROM sqlite_schema WHERE type = 'trigger' AND lower(name) = lower({})",
            text(name)
        ));
        if !db.rows::<1>(there).await?.is_empty() {
            return Ok(Refusal::Other);
        }
        match execute(db, vec![statement.clone()]).await {
            Ok(()) => {}
            Err(DbError::Read(error)) => return Ok(Refusal::of(Some(error))),
            Err(error) => return Err(error),
        }
        let table = match kind(sql) {
            Kind::Create(object) => object.table.unwrap_or_default(),
            _ => String::new(),
        };
        let trigger = Trigger {
            name,
            table: &table,
            sql: &statement,
            key: None,
        };
        let mut refusal = Refusal::None;
        for firing in trigger.firings() {
            refusal = Refusal::of(db.objection(&firing.sql()).await?);
            if refusal != Refusal::None {
                break;
            }
        }
        let drop = format!("DROP TRIGGER IF EXISTS {}", crate::sql::identifier(name));
        execute(db, vec![drop]).await?;
        Ok(refusal)
    }
}

impl Refusal {
    fn of(error: Option<crate::db::EngineError>) -> Refusal {
        let Some(error) = error else {
            return Refusal::None;
        };
        match error.message.split_once("no such column: ") {
            Some((_, name)) => Refusal::NoColumn(name.to_ascii_lowercase()),
            None => Refusal::Other,
        }
    }
}

/// The statement from a place on, with these names in backticks.
fn in_backticks(sql: &str, from: usize, names: &[Range<usize>]) -> String {
    let (mut written, mut end) = (String::with_capacity(sql.len()), from);
    for span in names.iter().filter(|span| span.start >= from) {
        let name = unquote(&sql[span.clone()]);
        written.push_str(&sql[end..span.start]);
        written.push('`');
        written.push_str(&name.replace('`', "``"));
        written.push('`');
        end = span.end;
    }
    written.push_str(&sql[end..]);
    written
}

/// The table that a statement writes, where it has this column.
async fn written_with_column(db: &Db, sql: &str, name: &str) -> Result<Option<String>, DbError> {
    for table in targets(sql) {
        let has = Query::new(format!(
            "SELECT 1 FROM pragma_table_xinfo({}) WHERE lower(name) = lower({})",
            text(&table.name),
            text(name)
        ));
        // It fails on a view that does not compile.
        let answers = db.query(vec![has]).await?;
        if answers
            .iter()
            .any(|it| it.as_ref().is_ok_and(|rows| !rows.is_empty()))
        {
            return Ok(Some(table.name));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::tests::database;

    const TABLES: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT); \
                          CREATE TABLE n (id INTEGER PRIMARY KEY, a TEXT, z TEXT); \
                          CREATE VIEW w AS SELECT id, a AS x FROM t";

    async fn found(sql: &str) -> Vec<(String, Option<String>)> {
        let db = database(TABLES).await;
        let found = texts_in_quotes(&db, sql).await.unwrap().into_iter();
        found
            .map(|it| (unquote(&sql[it.span]), it.column_of))
            .collect()
    }

    #[tokio::test]
    async fn a_name_that_no_column_has_is_a_text_wherever_it_stands() {
        for sql in [
            "INSERT INTO t (a) VALUES (\"foo\")",
            "INSERT INTO n (id, a) SELECT \"id\", \"foo\" FROM \"t\"",
            "UPDATE t SET \"a\" = \"foo\"",
            "UPDATE t SET a = 1 WHERE a IN (\"foo\", \"a\")",
            "DELETE FROM t WHERE a LIKE \"foo\"",
            "CREATE VIEW v (y) AS SELECT \"foo\" FROM t",
            "CREATE TABLE c AS SELECT \"a\", \"foo\" AS \"b\" FROM t",
            "CREATE INDEX i ON t (\"a\", \"foo\")",
            "CREATE INDEX i ON t (a) WHERE \"a\" <> \"foo\"",
            "CREATE TRIGGER g AFTER INSERT ON t BEGIN UPDATE n SET \"a\" = \"foo\" WHERE \"id\" = new.\"id\"; END",
            "SELECT count(*) FILTER (WHERE \"a\" = \"foo\") FROM t",
        ] {
            assert_eq!(found(sql).await, [("foo".to_owned(), None)], "{sql}");
        }
    }

    #[tokio::test]
    async fn a_name_of_a_column_that_is_written_was_meant_as_that_column() {
        for sql in [
            "INSERT INTO \"n\" (\"id\", \"a\", \"z\") SELECT \"id\", \"a\", \"z\" FROM \"t\"",
            "INSERT INTO n (id) SELECT id FROM t WHERE \"Z\" = 1",
            "CREATE TRIGGER g AFTER UPDATE ON n WHEN \"z\" = 1 BEGIN SELECT 1; END",
        ] {
            let found = found(sql).await;
            let of: Vec<_> = found.iter().map(|(_, of)| of.as_deref()).collect();
            assert_eq!(of, [Some("n")], "{sql}");
        }
    }

    #[tokio::test]
    async fn a_name_that_resolves_is_no_text() {
        for sql in [
            "INSERT INTO \"n\" (\"id\", \"a\") SELECT \"rowid\", \"t\".\"a\" FROM \"t\" ORDER BY \"id\"",
            "WITH \"c\" (\"y\") AS (SELECT \"a\" FROM t) INSERT INTO n (a) SELECT \"y\" FROM \"c\" AS \"k\"",
            "SELECT \"a\" AS \"b c\" FROM t ORDER BY \"b c\"",
            "SELECT (SELECT max(\"z\") FROM t) FROM n",
            "INSERT INTO t (id, a) VALUES (1, 'x') ON CONFLICT (\"id\") DO UPDATE SET \"a\" = excluded.\"a\" WHERE \"a\" <> ''",
            "UPDATE \"t\" SET \"a\" = \"n\".\"z\" FROM \"n\" WHERE \"z\" = 1",
            "CREATE TRIGGER g AFTER UPDATE OF \"a\" ON \"t\" WHEN \"new\".\"a\" = 1 BEGIN INSERT INTO \"n\" (\"z\") VALUES (\"old\".\"a\"); END",
            "CREATE VIEW \"v\" (\"y\") AS SELECT \"x\" FROM \"w\"",
            "CREATE UNIQUE INDEX \"i\" ON \"t\" (\"a\" COLLATE \"NOCASE\")",
            "DELETE FROM t WHERE \"a\" = 'z' RETURNING \"id\"",
            // It does not compile at all.
            "INSERT INTO gone SELECT \"foo\"",
        ] {
            assert_eq!(found(sql).await, [], "{sql}");
        }
    }
}
