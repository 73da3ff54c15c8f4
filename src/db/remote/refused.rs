//! Which statement made a server refuse a request as a whole, if it was one.
//!
//! A server parses every statement of a batch with a parser of its own before it runs the first, and its error does not
//! name the statement. So the statements are sent again under a condition that never holds: the server parses them and
//! runs none.

use libsql_hrana::proto::Error;

use super::{Remote, batch};
use crate::db::unsupported::{is_syntax_error, placed};
use crate::db::{At, Code, EngineError, Failure, Left, Transaction};

/// In how many batches the statements are sent at once.
const GROUPS: usize = 64;

impl Remote {
    /// The transaction that a refusal is about, and the failure as if it were the first of the request. Where the refusal
    /// is about no statement, it is that of the request.
    pub(super) async fn refused_whole(
        &self,
        transactions: &[Transaction],
        error: &Error,
    ) -> (usize, Failure) {
        let failure = |at, error| Failure::Step {
            committed: 0,
            at,
            error,
            explanation: Vec::new(),
            left: Left::Nothing,
        };
        let of_the_request = batch::engine_error(error);
        if matches!(of_the_request.code, Code::Busy | Code::Blocked) {
            return (0, failure(At::Begin, of_the_request));
        }
        let each = transactions.iter().enumerate();
        let statements: Vec<(usize, usize, &str)> = each
            .flat_map(|(number, transaction)| {
                let steps = transaction.steps.iter().enumerate();
                steps.map(move |(at, step)| (number, at, &*step.sql))
            })
            .collect();
        match self.first_refused(&statements).await {
            Some(((number, step, statement), error)) => {
                let error = self.refusal(statement, &error).await;
                (number, failure(At::Step(step), error))
            }
            None => (0, failure(At::Begin, of_the_request)),
        }
    }

    /// The first statement that the server's parser refuses, and its error; none where there is no such statement, or the
    /// server does not answer.
    async fn first_refused<'a>(
        &self,
        mut statements: &'a [(usize, usize, &'a str)],
    ) -> Option<((usize, usize, &'a str), Error)> {
        loop {
            let size = statements.len().div_ceil(GROUPS).max(1);
            let groups: Vec<_> = statements.chunks(size).collect();
            let batches = groups
                .iter()
                .map(|group| batch::lower_unrun(group.iter().map(|(_, _, sql)| *sql)));
            let objections = self.server.objections(batches).await.ok()?;
            let mut both = groups.into_iter().zip(objections);
            let (group, error) = both.find_map(|(group, error)| Some((group, error?)))?;
            match group {
                [statement] => return Some((*statement, error)),
                group => statements = group,
            }
        }
    }

    /// The refusal of a statement: SQLite's own, where SQLite cannot parse it either.
    async fn refusal(&self, statement: &str, error: &Error) -> EngineError {
        let of_the_parser = batch::engine_error(error);
        let Ok(of_sqlite) = self.server.describe(std::iter::once(statement)).await else {
            return of_the_parser;
        };
        match of_sqlite.into_iter().next().flatten() {
            Some(error) if is_syntax_error(&error.message) => batch::engine_error(&error),
            _ => placed(statement, &of_the_parser.message),
        }
    }
}
