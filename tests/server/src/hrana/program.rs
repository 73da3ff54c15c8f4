//! Requests as programs: each text parsed and checked against the allow-list before anything runs, and the
//! right to run them.

use super::{Reject, error, value};
use crate::allow::{self, Kind, Statement};
use crate::auth::Rights;
use crate::engine::{Condition, Program, Step};
use crate::params::Params;
use libsql_hrana::proto;
use std::collections::HashMap;

/// Why a request of a pipeline is not carried out: an answer to that request alone, or to the whole.
pub(super) enum Refusal {
    Error(proto::Error),
    Reject(Reject),
}

impl From<Reject> for Refusal {
    fn from(reject: Reject) -> Self {
        Refusal::Reject(reject)
    }
}

/// SQL texts that a stream stored.
pub(super) type Texts = HashMap<i32, String>;

pub(super) fn batch(batch: &proto::Batch, texts: &Texts) -> Result<Program, Refusal> {
    let mut steps = Vec::with_capacity(batch.steps.len());
    for (number, step) in batch.steps.iter().enumerate() {
        let statement = statement(&step.stmt, texts)?;
        let params = params(&step.stmt)?;
        let condition = match &step.condition {
            None => None,
            Some(condition) => Some(self::condition(condition, number)?),
        };
        steps.push(Step {
            condition,
            statement,
            params,
        });
    }
    Ok(Program { steps })
}

pub(super) fn single(stmt: &proto::Stmt, texts: &Texts) -> Result<Program, Refusal> {
    Ok(Program {
        steps: vec![Step {
            condition: None,
            statement: statement(stmt, texts)?,
            params: params(stmt)?,
        }],
    })
}

/// Every statement of `sql`, each on condition that the one before succeeded.
pub(super) fn sequence(sql: &str) -> Result<Program, Refusal> {
    let mut steps = Vec::new();
    for statement in allow::statements(sql) {
        steps.push(Step {
            condition: steps.len().checked_sub(1).map(Condition::Ok),
            statement: statement.map_err(parse_error)?,
            params: Params::Positional(Vec::new()),
        });
    }
    Ok(Program { steps })
}

/// The text itself, or the stored one that is meant.
pub(super) fn text<'a>(
    sql: Option<&'a str>,
    sql_id: Option<i32>,
    texts: &'a Texts,
) -> Result<&'a str, Reject> {
    let reason = match (sql, sql_id) {
        (Some(sql), None) => return Ok(sql),
        (None, Some(id)) => match texts.get(&id) {
            Some(sql) => return Ok(sql),
            None => format!("SQL text {id} not found"),
        },
        (Some(_), Some(_)) => "Either `sql` or `sql_id` are required, but not both".to_owned(),
        (None, None) => "Either `sql` or `sql_id` are required".to_owned(),
    };
    Err(Reject::Protocol(reason))
}

/// Whether the bearer may run `program` at all.
pub(crate) fn permitted(program: &Program, rights: Rights) -> Result<(), String> {
    for step in &program.steps {
        match (&step.statement.kind, rights) {
            (Kind::Write, Rights::Read) => {
                return Err(
                    "Current session doesn't not have Write permission to namespace default"
                        .to_owned(),
                );
            }
            (Kind::Attach(namespace), Rights::Everything) => {
                return Err(format!("Namespace `{namespace}` doesn't allow attach"));
            }
            (Kind::Attach(namespace), _) => {
                return Err(format!(
                    "Current session doesn't not have AttachRead permission to namespace {namespace}"
                ));
            }
            (Kind::Read | Kind::Detach, _) | (Kind::Write, _) => {}
        }
    }
    Ok(())
}

fn statement(stmt: &proto::Stmt, texts: &Texts) -> Result<Statement, Refusal> {
    let sql = text(stmt.sql.as_deref(), stmt.sql_id, texts)?;
    let mut found = allow::statements(sql).into_iter();
    let Some(first) = found.next() else {
        return Err(Refusal::Error(error(
            "SQL string does not contain any statement",
            "SQL_NO_STATEMENT",
        )));
    };
    let first = first.map_err(parse_error)?;
    if found.next().is_some() {
        return Err(Refusal::Error(error(
            "SQL string contains more than one statement",
            "SQL_MANY_STATEMENTS",
        )));
    }
    Ok(first)
}

fn parse_error(reason: String) -> Refusal {
    Refusal::Error(error(
        format!("SQL string could not be parsed: {reason}"),
        "SQL_PARSE_ERROR",
    ))
}

fn params(stmt: &proto::Stmt) -> Result<Params, Refusal> {
    if stmt.named_args.is_empty() {
        let values: Result<Vec<_>, _> = stmt.args.iter().map(value::from_wire).collect();
        Ok(Params::Positional(values?))
    } else if stmt.args.is_empty() {
        let mut values = HashMap::new();
        for argument in &stmt.named_args {
            values.insert(argument.name.clone(), value::from_wire(&argument.value)?);
        }
        Ok(Params::Named(values))
    } else {
        Err(Refusal::Error(error(
            "Specifying both positional and named arguments is not supported",
            "ARGS_BOTH_POSITIONAL_AND_NAMED",
        )))
    }
}

/// A condition of the step of this number: it can only name earlier ones.
fn condition(condition: &proto::BatchCond, number: usize) -> Result<Condition, Reject> {
    let earlier = |step: u32| {
        usize::try_from(step)
            .ok()
            .filter(|step| *step < number)
            .ok_or_else(|| {
                Reject::Protocol("Invalid reference to step in a batch condition".to_owned())
            })
    };
    let list = |list: &proto::BatchCondList| {
        list.conds
            .iter()
            .map(|condition| self::condition(condition, number))
            .collect::<Result<Vec<_>, _>>()
    };
    Ok(match condition {
        proto::BatchCond::None => {
            return Err(Reject::Protocol("BatchCond type not recognized".to_owned()));
        }
        proto::BatchCond::Ok { step } => Condition::Ok(earlier(*step)?),
        proto::BatchCond::Error { step } => Condition::Error(earlier(*step)?),
        proto::BatchCond::Not { cond } => Condition::Not(Box::new(self::condition(cond, number)?)),
        proto::BatchCond::And(conditions) => Condition::And(list(conditions)?),
        proto::BatchCond::Or(conditions) => Condition::Or(list(conditions)?),
        proto::BatchCond::IsAutocommit {} => Condition::IsAutocommit,
    })
}
