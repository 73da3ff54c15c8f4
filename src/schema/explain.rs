//! How the engine would run a statement: its query plan as a tree. Nothing is run.

use crate::db::{Db, DbError, EngineError, Query};
use crate::sql::{Kind, TokenKind, Value, kind, significant, split};

/// One step of a query plan, and the steps that it is made of: <https://sqlite.org/eqp.html>.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Node {
    /// The engine's words: `SEARCH users USING INDEX idx_users_email (email=?)`.
    pub detail: String,
    /// How it finds its rows, where it reads a table.
    pub uses: Option<Uses>,
    /// In order.
    pub children: Vec<Node>,
}

/// How a step of a plan finds its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Uses {
    /// By this index.
    Index(String),
    /// By the key that the table is ordered by.
    PrimaryKey,
    /// By an index that the engine makes for this statement, and forgets: one that is missing.
    Automatic,
    /// It reads every row.
    EveryRow,
}

/// There is no plan.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExplainError {
    /// Not one statement.
    #[error("this is not one statement: {0}")]
    NotOne(String),
    /// A statement that the engine does not plan, or that could act while it is compiled.
    #[error("{0}")]
    Refused(String),
    /// The engine does not take it.
    #[error(transparent)]
    Engine(EngineError),
    /// The database cannot be read.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Asks the engine how it would run a statement. `EXPLAIN` or `EXPLAIN QUERY PLAN` may stand before it. Parameters
/// (`?1`, `:id`) need no values.
///
/// # Errors
/// [`ExplainError`]: the text is no single statement, or one without a plan.
pub async fn explain(db: &Db, text: &str) -> Result<Vec<Node>, ExplainError> {
    let statement = explainable(text)?;
    let query = Query::new(format!("EXPLAIN QUERY PLAN {statement}"));
    match db.rows(query).await {
        Ok(rows) => Ok(tree(&rows)),
        Err(DbError::Read(error)) if error.is_about_the_statement() => {
            Err(ExplainError::Engine(error))
        }
        Err(error) => Err(error.into()),
    }
}

/// The one statement of a text that has a plan.
fn explainable(text: &str) -> Result<&str, ExplainError> {
    let statements = split(text).map_err(|errors| {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        ExplainError::NotOne(errors.join("; "))
    })?;
    let statement = match statements.as_slice() {
        [] => return Err(ExplainError::NotOne("there is none".to_owned())),
        [one] => one.text(text),
        several => {
            let count = several.len();
            return Err(ExplainError::NotOne(format!("there are {count}")));
        }
    };
    let statement = without_explain(statement);
    if let Some(why) = crate::db::row_level_security(statement) {
        return Err(ExplainError::Refused(why.to_owned()));
    }
    match kind(statement) {
        // What no engine knows is the engine's to refuse, in its own words and with the place.
        Kind::Select | Kind::Insert | Kind::Update | Kind::Delete | Kind::Other => Ok(statement),
        // Some pragmas act while they are compiled: https://sqlite.org/pragma.html
        _ => Err(ExplainError::Refused(
            "only SELECT, INSERT, UPDATE and DELETE have a query plan".to_owned(),
        )),
    }
}

fn without_explain(statement: &str) -> &str {
    let mut words = significant(statement).take(4);
    let Some(first) = words.next().filter(|it| it.is_word(statement, "explain")) else {
        return statement;
    };
    let mut end = first.span.end;
    if let (Some(query), Some(plan)) = (words.next(), words.next())
        && query.is_word(statement, "query")
        && plan.is_word(statement, "plan")
    {
        end = plan.span.end;
    }
    statement.get(end..).unwrap_or_default().trim_start()
}

/// Rows of `id, parent, unused, detail` into a tree. A parent stands before its children.
fn tree(rows: &[[Value; 4]]) -> Vec<Node> {
    fn below(parent: i64, rows: &[(i64, i64, &str)]) -> Vec<Node> {
        let mut nodes = Vec::new();
        for (at, (id, of, detail)) in rows.iter().enumerate() {
            if *of == parent {
                nodes.push(Node {
                    detail: (*detail).to_owned(),
                    uses: uses(detail),
                    // Only nodes below it, so that no answer can go in circles.
                    children: below(*id, &rows[at + 1..]),
                });
            }
        }
        nodes
    }
    let rows: Vec<(i64, i64, &str)> = rows
        .iter()
        .filter_map(|row| match row {
            [Value::Integer(id), Value::Integer(parent), _, detail] => {
                Some((*id, *parent, detail.as_str()?))
            }
            _ => None,
        })
        .collect();
    below(0, &rows)
}

/// What the engine's words say of how rows are found. They are no contract of SQLite's, so what is not understood is
/// no use of anything.
fn uses(detail: &str) -> Option<Uses> {
    let words: Vec<&str> = significant(detail)
        .filter(|token| token.kind != TokenKind::Symbol)
        .map(|token| token.text(detail))
        .collect();
    let starts = |with: &[&str]| words.starts_with(with);
    if !starts(&["SCAN"]) && !starts(&["SEARCH"]) {
        return None;
    }
    let using = words.iter().position(|word| *word == "USING");
    let Some(using) = using else {
        let is_table = starts(&["SCAN"])
            && !detail.contains("CONSTANT ROW")
            && !detail.contains("VIRTUAL TABLE")
            && !detail.contains("SUBQUERY");
        return is_table.then_some(Uses::EveryRow);
    };
    let rest: Vec<&str> = words[using + 1..]
        .iter()
        .copied()
        .filter(|word| !["COVERING", "PARTIAL"].contains(word))
        .collect();
    match rest.as_slice() {
        ["AUTOMATIC", ..] => Some(Uses::Automatic),
        ["INTEGER", "PRIMARY", "KEY", ..] | ["PRIMARY", "KEY", ..] => Some(Uses::PrimaryKey),
        ["INDEX", name, ..] => Some(Uses::Index((*name).to_owned())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::tests::database;
    use expect_test::{Expect, expect};

    fn drawn(nodes: &[Node], depth: usize) -> String {
        nodes
            .iter()
            .map(|node| {
                let indent = "  ".repeat(depth);
                let below = drawn(&node.children, depth + 1);
                format!("{indent}{} => {:?}\n{below}", node.detail, node.uses)
            })
            .collect()
    }

    async fn check(text: &str, expect: Expect) {
        let db = database(
            "CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT, tier TEXT);
             CREATE INDEX idx_users_email ON users (email);
             CREATE TABLE usage (id INTEGER PRIMARY KEY, user_id TEXT, minutes);
             CREATE TABLE flags (name TEXT PRIMARY KEY, v) WITHOUT ROWID;",
        )
        .await;
        let shown = match explain(&db, text).await {
            Ok(nodes) => drawn(&nodes, 0),
            Err(error) => format!("{error}\n"),
        };
        expect.assert_eq(&shown);
    }

    #[tokio::test]
    async fn the_index_that_is_used_is_told() {
        check(
            "EXPLAIN QUERY PLAN SELECT * FROM users WHERE email = :email;",
            expect![[r#"
                SEARCH users USING INDEX idx_users_email (email=?) => Some(Index("idx_users_email"))
            "#]],
        )
        .await;
        check(
            "SELECT email FROM users ORDER BY email",
            expect![[r#"
            SCAN users USING COVERING INDEX idx_users_email => Some(Index("idx_users_email"))
        "#]],
        )
        .await;
        check(
            "explain SELECT * FROM usage WHERE id = ?1",
            expect![[r#"
            SEARCH usage USING INTEGER PRIMARY KEY (rowid=?) => Some(PrimaryKey)
        "#]],
        )
        .await;
        check(
            "SELECT * FROM flags WHERE name = 'a'",
            expect![[r#"
            SEARCH flags USING PRIMARY KEY (name=?) => Some(PrimaryKey)
        "#]],
        )
        .await;
        check("DELETE FROM users WHERE id = 'a'", expect![[r#"
            SEARCH users USING INDEX sqlite_autoindex_users_1 (id=?) => Some(Index("sqlite_autoindex_users_1"))
        "#]]).await;
    }

    #[tokio::test]
    async fn a_table_that_is_read_whole_is_told() {
        check(
            "SELECT * FROM users WHERE tier = 'pro' ORDER BY tier",
            expect![[r#"
                SCAN users => Some(EveryRow)
            "#]],
        )
        .await;
        check(
            "SELECT * FROM usage a JOIN usage b ON a.user_id = b.user_id",
            expect![[r#"
                SCAN a => Some(EveryRow)
                SEARCH b USING AUTOMATIC COVERING INDEX (user_id=?) => Some(Automatic)
            "#]],
        )
        .await;
    }

    #[tokio::test]
    async fn plans_are_trees() {
        check(
            "SELECT id FROM users UNION SELECT user_id FROM usage",
            expect![[r#"
                COMPOUND QUERY => None
                  LEFT-MOST SUBQUERY => None
                    SCAN users USING COVERING INDEX sqlite_autoindex_users_1 => Some(Index("sqlite_autoindex_users_1"))
                  UNION USING TEMP B-TREE => None
                    SCAN usage => Some(EveryRow)
            "#]],
        )
        .await;
    }

    #[tokio::test]
    async fn what_is_no_single_statement_with_a_plan_is_refused() {
        for (text, expect) in [
            (
                "",
                expect![[r#"
                this is not one statement: there is none
            "#]],
            ),
            (
                "SELECT 1; DELETE FROM users",
                expect![[r#"
                this is not one statement: there are 2
            "#]],
            ),
            (
                "SELECT 'a",
                expect![[r#"
                this is not one statement: the string is never closed: a ' is missing
            "#]],
            ),
            (
                "PRAGMA foreign_keys = OFF",
                expect![[r#"
                only SELECT, INSERT, UPDATE and DELETE have a query plan
            "#]],
            ),
            (
                "CREATE TABLE x (y)",
                expect![[r#"
                only SELECT, INSERT, UPDATE and DELETE have a query plan
            "#]],
            ),
            (
                "EXPLAIN COMMIT",
                expect![[r#"
                only SELECT, INSERT, UPDATE and DELETE have a query plan
            "#]],
            ),
            (
                "SELEC 1",
                expect![[r#"
                near "SELEC": syntax error
            "#]],
            ),
            (
                "SELECT * FROM nowhere",
                expect![[r#"
                no such table: nowhere
            "#]],
            ),
            (
                "CREATE POLICY p ON users USING (auth.user_id() = id)",
                expect![[r#"
                    libSQL has no row-level security: enforce policies in the application, or give each tenant a database of its own
                "#]],
            ),
        ] {
            check(text, expect).await;
        }
    }

    #[tokio::test]
    async fn nothing_is_run() {
        let db = database("CREATE TABLE t (x); INSERT INTO t VALUES (1)").await;
        explain(&db, "DELETE FROM t").await.unwrap();
        let rows = db.query(vec![Query::new("SELECT count(*) FROM t")]).await;
        assert_eq!(rows.unwrap(), [Ok(vec![vec![Value::Integer(1)]])]);
    }
}
