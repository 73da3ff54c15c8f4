//! Statements that run in memory and that a server does not take, of the files that are not published. Pure.

use std::collections::HashSet;

use super::super::directive::UNSUPPORTED_BY_SERVER;
use super::super::reading::{REFUSED, read_text};
use super::super::set::Migrations;
use crate::db::{Engine, TWO_PARSERS, instead, server_objection};
use crate::diagnostic::Diagnostic;

/// A warning for each such statement; none where `known` has an error of that statement.
pub(super) fn refused(
    set: &Migrations,
    engine: Engine,
    published: &HashSet<&str>,
    known: &[Diagnostic],
) -> Vec<Diagnostic> {
    let texts = set
        .iter()
        .flat_map(|it| std::iter::once(&it.up).chain(&it.down));
    let new = texts.filter(|text| !published.contains(text.checksum.as_str()));
    let of_all = new.flat_map(|text| {
        let reading = read_text(text, engine, &set.history_table);
        let problems = reading.problems.into_iter();
        let of_the_engine = problems
            .filter(|it| it.code == REFUSED)
            .map(|it| Diagnostic {
                code: UNSUPPORTED_BY_SERVER,
                help: Vec::new(),
                ..it.warning()
            });
        let written = reading.steps.into_iter().filter_map(|step| {
            let origin = step.origin()?;
            let statement = origin.text();
            // Those have a problem already; and the parser is that of libSQL's server.
            if engine != Engine::Server || engine.refusal(statement).is_some() {
                return None;
            }
            let error = server_objection(statement)?;
            let help = instead(statement, &error.message, error.offset);
            let message = format!("a libSQL server refuses the statement: {}", error.message);
            Some(
                Diagnostic::problem(UNSUPPORTED_BY_SERVER, message)
                    .warning()
                    .at(origin.token_at(error.offset))
                    .note(TWO_PARSERS)
                    .help(help),
            )
        });
        of_the_engine.chain(written).collect::<Vec<_>>()
    });
    of_all
        .filter(|it| {
            let is_it = |known: &Diagnostic| {
                known.location == it.location && (known.is_error() || known.message == it.message)
            };
            !known.iter().any(is_it)
        })
        .collect()
}
