//! Reading one text for an engine: its statements, how they are to be run, and what is wrong with them. Pure.

use std::sync::Arc;

use super::directive::{Directives, directives};
use super::problem::Problem;
use crate::db::Engine;
use crate::script::{Atomicity, ForeignKeys, Origin, Source, Step};
use crate::sql::{Kind, What, kind, split};

/// What a text amounts to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reading {
    /// Its statements.
    pub steps: Vec<Step>,
    /// Whether they run in a transaction.
    pub atomicity: Atomicity,
    /// Whether foreign keys are enforced meanwhile.
    pub foreign_keys: ForeignKeys,
    /// What is wrong with it, and what should be known.
    pub problems: Vec<Problem>,
}

/// Reads a text.
pub(super) fn read(source: &Arc<Source>, engine: Engine) -> Reading {
    let mut problems = Vec::new();
    let directives = directives(source, &mut problems);
    let statements = split(&source.text).unwrap_or_else(|errors| {
        problems.extend(errors.iter().map(|error| {
            let at = error.offset();
            Problem::Syntax {
                origin: Origin {
                    source: source.clone(),
                    span: at..at,
                },
                what: error.to_string(),
            }
        }));
        Vec::new()
    });
    if statements.is_empty() && problems.is_empty() {
        problems.push(Problem::Empty {
            file: source.name.clone(),
        });
    }
    let mut reader = Reader {
        engine,
        problems,
        ..Reader::default()
    };
    for statement in statements {
        let origin = Origin {
            source: source.clone(),
            span: statement.span.clone(),
        };
        reader.statement(statement.text(&source.text), origin);
    }
    reader.done(&directives)
}

#[derive(Default)]
struct Reader {
    engine: Engine,
    problems: Vec<Problem>,
    steps: Vec<Step>,
    savepoints: Vec<(String, Origin)>,
    pragmas: Vec<(Origin, bool)>,
    first_drop: Option<Origin>,
}

impl Reader {
    fn statement(&mut self, text: &str, origin: Origin) {
        let kind = kind(text);
        if let Some(table) = reserved(&kind) {
            self.problems.push(Problem::Reserved {
                origin: origin.clone(),
                table: table.to_owned(),
            });
        }
        match &kind {
            Kind::Begin | Kind::Commit | Kind::Rollback => {
                let keyword = text.split(|c: char| !c.is_ascii_alphabetic()).next();
                self.problems.push(Problem::TransactionControl {
                    origin,
                    keyword: keyword.unwrap_or_default().to_ascii_uppercase(),
                });
                return;
            }
            Kind::Savepoint(name) => self.savepoints.push((name.clone(), origin.clone())),
            Kind::Release(name) => self.release(name, &origin),
            Kind::RollbackTo(name) if self.savepoint(name).is_none() => {
                self.no_savepoint(name, &origin);
            }
            // It would be a no-op in the transaction, so it becomes part of how the transaction begins.
            Kind::Pragma(pragma) if pragma.name == "foreign_keys" => {
                if let Some(value) = &pragma.value {
                    self.pragmas.push((origin, means_on(value)));
                    return;
                }
            }
            Kind::Drop(object) if object.what == What::Table => {
                self.first_drop.get_or_insert_with(|| origin.clone());
            }
            _ => {}
        }
        if let Some(why) = self.engine.refusal(text) {
            self.problems.push(Problem::Refused {
                origin: origin.clone(),
                why,
            });
        }
        self.steps.push(Step {
            sql: text.to_owned(),
            args: Vec::new(),
            origin: Some(origin),
            explain: None,
        });
    }

    fn savepoint(&self, name: &str) -> Option<usize> {
        self.savepoints
            .iter()
            .rposition(|(open, _)| open.eq_ignore_ascii_case(name))
    }

    /// Releases this savepoint and all within it: <https://sqlite.org/lang_savepoint.html>.
    fn release(&mut self, name: &str, origin: &Origin) {
        match self.savepoint(name) {
            Some(at) => self.savepoints.truncate(at),
            None => self.no_savepoint(name, origin),
        }
    }

    fn no_savepoint(&mut self, name: &str, origin: &Origin) {
        self.problems.push(Problem::Savepoint {
            origin: origin.clone(),
            what: format!("there is no open savepoint {name} here"),
        });
    }

    fn done(mut self, directives: &Directives) -> Reading {
        for (name, origin) in std::mem::take(&mut self.savepoints) {
            self.problems.push(Problem::Savepoint {
                origin,
                what: format!("the savepoint {name} is never released"),
            });
        }
        let off = self.first_drop.is_some() || self.pragmas.iter().any(|(_, on)| !on);
        let foreign_keys = directives.foreign_keys.unwrap_or(if off {
            ForeignKeys::Off
        } else {
            ForeignKeys::On
        });
        for (origin, _) in std::mem::take(&mut self.pragmas) {
            self.problems.push(Problem::ForeignKeysPragma {
                origin,
                on: foreign_keys == ForeignKeys::On,
            });
        }
        if let (ForeignKeys::On, Some(origin)) = (foreign_keys, self.first_drop) {
            self.problems.push(Problem::DropsWithForeignKeys { origin });
        }
        Reading {
            steps: self.steps,
            atomicity: directives.atomicity,
            foreign_keys,
            problems: self.problems,
        }
    }
}

/// What the pragma takes for "on": <https://sqlite.org/pragma.html#syntax>.
fn means_on(value: &str) -> bool {
    let value = value.trim_matches(|c| c == '\'' || c == '"');
    ["on", "yes", "true"]
        .iter()
        .any(|word| value.eq_ignore_ascii_case(word))
        || value.parse::<i64>().is_ok_and(|number| number != 0)
}

/// One of our own tables that a statement would make or take away.
fn reserved(kind: &Kind) -> Option<&str> {
    let (Kind::Create(object) | Kind::Drop(object)) = kind else {
        return None;
    };
    let name = object.name.to_ascii_lowercase();
    (name == crate::history::TABLE || name.starts_with("_seedbed_")).then_some(object.name.as_str())
}
