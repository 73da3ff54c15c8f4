//! Questions and their answers: [`Db::ask`] answers in the shape of the question.
//!
//! A query has one reply, an array of N queries has N replies, and a thing with a query comes back with its reply. Each
//! reply gives rows of the width that the caller expects. An answer of another count or width is a [`DbError`]: no
//! reply is replaced by an empty one, and no row is skipped.

use std::vec::IntoIter;

use super::{Code, Db, DbError, EngineError, Query, Rows};
use crate::sql::{Value, identifier};

impl Db {
    /// Answers questions from one state of the database, as [`Db::query`]. Without a query nothing is sent.
    pub(crate) async fn ask<Q: Questions>(&self, mut questions: Q) -> Result<Q::Answers, DbError> {
        let mut queries = Vec::new();
        questions.queries(&mut queries);
        let answers = match queries.is_empty() {
            true => Vec::new(),
            false => self.query(queries).await?,
        };
        Ok(questions.answers(&mut answers.into_iter()))
    }

    /// The rows of one query, which must not fail.
    pub(crate) async fn rows<const W: usize>(
        &self,
        question: impl Questions<Answers = Reply>,
    ) -> Result<Vec<[Value; W]>, DbError> {
        self.ask(question).await?.rows()
    }
}

/// Refuses an answer with more or fewer results than there were queries.
pub(super) fn complete(
    sent: usize,
    answers: Vec<Result<Rows, EngineError>>,
) -> Result<Vec<Result<Rows, EngineError>>, DbError> {
    match answers.len() == sent {
        true => Ok(answers),
        false => Err(DbError::Incomplete(format!(
            "it has {} results, and {sent} queries were sent",
            answers.len()
        ))),
    }
}

/// The reply to one query: its rows, or its error.
#[derive(Debug)]
pub(crate) struct Reply(Result<Rows, DbError>);

impl Reply {
    /// Its rows.
    pub(crate) fn rows<const W: usize>(self) -> Result<Vec<[Value; W]>, DbError> {
        let rows = self.0?.into_iter();
        rows.map(|row| row.try_into().map_err(|row: Vec<_>| wrong_width(&row, W)))
            .collect()
    }

    /// Its rows, of a width that is known at run time only.
    pub(crate) fn rows_of(self, width: usize) -> Result<Rows, DbError> {
        let rows = self.0?;
        match rows.iter().find(|row| row.len() != width) {
            None => Ok(rows),
            Some(row) => Err(wrong_width(row, width)),
        }
    }

    /// Its only row.
    pub(crate) fn row<const W: usize>(self) -> Result<[Value; W], DbError> {
        let rows: [[Value; W]; 1] = self.rows()?.try_into().map_err(|rows: Vec<_>| {
            DbError::Incomplete(format!("it has {} rows where one is due", rows.len()))
        })?;
        let [row] = rows;
        Ok(row)
    }

    /// The count that is its only value.
    pub(crate) fn count(self) -> Result<u64, DbError> {
        let [value] = self.row()?;
        let count = value.as_i64().and_then(|count| u64::try_from(count).ok());
        count.ok_or_else(|| DbError::Incomplete("a count is not a number".to_owned()))
    }

    /// Its rows, of any width.
    pub(crate) fn of_any_width(self) -> Result<Rows, DbError> {
        self.0
    }
}

/// What was read; none where the engine refuses the query itself: it lacks a function or a module that the query names,
/// or the server does not allow it. Any other error is an error.
pub(crate) fn if_accepted<T>(read: Result<T, DbError>) -> Result<Option<T>, DbError> {
    match read {
        Err(DbError::Read(error)) if matches!(error.code, Code::Other(_) | Code::ReadOnly) => {
            Ok(None)
        }
        read => read.map(Some),
    }
}

fn wrong_width(row: &[Value], width: usize) -> DbError {
    let found = row.len();
    DbError::Incomplete(format!(
        "a row has {found} values where {width} columns were asked for"
    ))
}

/// The results that no reply has taken yet.
type Results = IntoIter<Result<Rows, EngineError>>;

/// Queries that are sent together, and the shape of their answer.
pub(crate) trait Questions {
    /// The same shape, with a reply for each query.
    type Answers;

    /// Moves its queries to the end of `all`.
    fn queries(&mut self, all: &mut Vec<Query>);

    /// Takes as many results.
    fn answers(self, results: &mut Results) -> Self::Answers;
}

impl Questions for Query {
    type Answers = Reply;

    fn queries(&mut self, all: &mut Vec<Query>) {
        all.push(std::mem::replace(self, Query::new("")));
    }

    fn answers(self, results: &mut Results) -> Reply {
        let lacks = || DbError::Incomplete("a query has no result".to_owned());
        let result = results.next().ok_or_else(lacks);
        Reply(result.and_then(|result| result.map_err(DbError::Read)))
    }
}

impl<Q: Questions, const N: usize> Questions for [Q; N] {
    type Answers = [Q::Answers; N];

    fn queries(&mut self, all: &mut Vec<Query>) {
        self.iter_mut().for_each(|it| it.queries(all));
    }

    fn answers(self, results: &mut Results) -> Self::Answers {
        self.map(|it| it.answers(results))
    }
}

/// Each thing keeps its question.
impl<T, Q: Questions> Questions for Vec<(T, Q)> {
    type Answers = Vec<(T, Q::Answers)>;

    fn queries(&mut self, all: &mut Vec<Query>) {
        self.iter_mut().for_each(|(_, it)| it.queries(all));
    }

    fn answers(self, results: &mut Results) -> Self::Answers {
        let things = self.into_iter();
        things
            .map(|(thing, it)| (thing, it.answers(results)))
            .collect()
    }
}

impl<Q: Questions> Questions for Option<Q> {
    type Answers = Option<Q::Answers>;

    fn queries(&mut self, all: &mut Vec<Query>) {
        self.iter_mut().for_each(|it| it.queries(all));
    }

    fn answers(self, results: &mut Results) -> Self::Answers {
        self.map(|it| it.answers(results))
    }
}

impl<A: Questions, B: Questions> Questions for (A, B) {
    type Answers = (A::Answers, B::Answers);

    fn queries(&mut self, all: &mut Vec<Query>) {
        self.0.queries(all);
        self.1.queries(all);
    }

    fn answers(self, results: &mut Results) -> Self::Answers {
        (self.0.answers(results), self.1.answers(results))
    }
}

/// A query of a table that may be missing: without the table it has no rows. The schema tells whether the table exists,
/// so every error of the query is an error.
#[derive(Debug)]
pub(crate) struct IfThere([Query; 2]);

impl Query {
    /// Counts the rows of a table.
    pub(crate) fn count(table: &str) -> Query {
        Query::new(format!("SELECT count(*) FROM {}", identifier(table)))
    }

    /// The same, of a table that may be missing.
    pub(crate) fn if_there(self, table: &str) -> IfThere {
        IfThere([exists(table), self])
    }
}

/// Asks whether there is a table or a view of this name: one row if so.
pub(crate) fn exists(table: &str) -> Query {
    Query {
        sql: "SELECT 1 FROM sqlite_schema WHERE type IN ('table', 'view') AND lower(name) = lower(?1)"
            .to_owned(),
        args: vec![table.into()],
    }
}

impl Questions for IfThere {
    type Answers = Reply;

    fn queries(&mut self, all: &mut Vec<Query>) {
        self.0.queries(all);
    }

    fn answers(self, results: &mut Results) -> Reply {
        let [exists, reply] = self.0.answers(results);
        match exists.rows::<1>() {
            Ok(rows) if !rows.is_empty() => reply,
            none => Reply(none.map(|_| Rows::new())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::tests::database;

    #[test]
    fn an_answer_of_another_count_is_refused() {
        let answers = || vec![Ok(Rows::new()), Ok(Rows::new())];
        assert_eq!(complete(2, answers()).unwrap(), answers());
        for sent in [1, 3] {
            let error = complete(sent, answers()).unwrap_err().to_string();
            assert_eq!(
                error,
                format!("the answer is incomplete: it has 2 results, and {sent} queries were sent")
            );
        }
    }

    #[tokio::test]
    async fn rows_of_another_width_or_count_are_refused() {
        let db = database("CREATE TABLE t (x); INSERT INTO t VALUES (1), (2)").await;
        let asked = async |sql: &str| db.ask(Query::new(sql)).await.unwrap();
        let narrow = "the answer is incomplete: a row has 1 values where 2 columns were asked for";
        let errors = [
            asked("SELECT x FROM t").await.rows::<2>().map(drop),
            asked("SELECT x FROM t").await.rows_of(2).map(drop),
            asked("SELECT x FROM t").await.row::<2>().map(drop),
            if_accepted(asked("SELECT x FROM t").await.rows::<2>()).map(drop),
        ];
        for error in errors {
            assert_eq!(error.unwrap_err().to_string(), narrow);
        }
        for (filter, count) in [("0", 0), ("1", 2)] {
            let sql = format!("SELECT x FROM t WHERE {filter}");
            let error = asked(sql.as_str()).await.row::<1>().unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("the answer is incomplete: it has {count} rows where one is due")
            );
        }
        let error = asked("SELECT x'00'").await.count().unwrap_err();
        assert_eq!(
            error.to_string(),
            "the answer is incomplete: a count is not a number"
        );
        assert_eq!(db.ask(Query::count("t")).await.unwrap().count().unwrap(), 2);
        let rows = asked("SELECT x FROM t").await.rows().unwrap();
        assert_eq!(rows, [[1.into()], [2.into()]]);
    }

    #[tokio::test]
    async fn the_answer_has_the_shape_of_the_question() {
        let db = database("CREATE TABLE t (x); INSERT INTO t VALUES (7)").await;
        let number = |reply: Reply| reply.row().map(|[value]| value.as_i64()).unwrap();
        let select = |number: i64| Query::new(format!("SELECT {number}"));
        let each = vec![("a", select(3)), ("b", select(4))];
        let (([one, two], each), none) = db
            .ask((([select(1), select(2)], each), None::<Query>))
            .await
            .unwrap();
        assert_eq!([number(one), number(two)], [Some(1), Some(2)]);
        let each: Vec<_> = each
            .into_iter()
            .map(|(it, reply)| (it, number(reply)))
            .collect();
        assert_eq!(each, [("a", Some(3)), ("b", Some(4))]);
        assert!(none.is_none());
        // A query that fails leaves the other answers whole.
        let queries = ["SELECT x FROM nowhere", "SELECT x FROM t"].map(Query::new);
        let [nowhere, x] = db.ask(queries).await.unwrap();
        assert!(matches!(nowhere.rows::<1>(), Err(DbError::Read(_))));
        assert_eq!(number(x), Some(7));
    }

    #[tokio::test]
    async fn a_missing_table_has_no_rows_and_any_other_error_is_one() {
        let db = database("CREATE TABLE T (x); INSERT INTO t VALUES (7)").await;
        let rows = async |sql, table| db.rows::<1>(Query::new(sql).if_there(table)).await;
        assert_eq!(rows("SELECT x FROM t", "t").await.unwrap(), [[7.into()]]);
        assert!(rows("SELECT x FROM u", "u").await.unwrap().is_empty());
        let error = rows("SELECT y FROM t", "t").await.unwrap_err();
        assert!(matches!(error, DbError::Read(error) if error.message == "no such column: y"));
        let accepted = async |sql| if_accepted(db.rows::<1>(Query::new(sql)).await).unwrap();
        assert_eq!(accepted("SELECT x FROM nowhere").await, None);
        assert_eq!(accepted("SELECT x FROM t").await, Some(vec![[7.into()]]));
    }
}
