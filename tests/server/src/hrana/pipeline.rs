//! `POST /v3/pipeline`: the requests of one stream, in order; each has its own answer.

use super::program::{self, Refusal};
use super::stream::{Guard, Streams};
use super::{Collect, Outcome, Reject, error, step_error, value};
use crate::call::Call;
use crate::engine::{Connection, Program, Stop};
use crate::run::run;
use libsql_hrana::proto;
use std::sync::Arc;

/// Texts that a stream may store, and bytes that each may have, as in sqld.
const MOST_TEXTS: usize = 50;
const MOST_TEXT_BYTES: usize = 5000;

pub(crate) async fn pipeline(
    streams: &Arc<Streams>,
    body: proto::PipelineReqBody,
    call: &Arc<Call>,
    limit: u64,
) -> Result<proto::PipelineRespBody, Reject> {
    let mut guard = streams.acquire(body.baton.as_deref()).await?;
    let mut results = Vec::with_capacity(body.requests.len());
    for request in body.requests {
        results.push(match answer(&mut guard, request, call, limit).await {
            Ok(response) => proto::StreamResult::Ok { response },
            Err(Refusal::Error(error)) => proto::StreamResult::Error { error },
            Err(Refusal::Reject(reject)) => return Err(reject),
        });
    }
    Ok(proto::PipelineRespBody {
        baton: guard.release(),
        base_url: None,
        results,
    })
}

async fn answer(
    guard: &mut Guard,
    request: proto::StreamRequest,
    call: &Arc<Call>,
    limit: u64,
) -> Result<proto::StreamResponse, Refusal> {
    use proto::{StreamRequest, StreamResponse};
    Ok(match request {
        StreamRequest::None => {
            let reason = "Request type not recognized".to_owned();
            return Err(Reject::Protocol(reason).into());
        }
        StreamRequest::Close(_) => {
            guard.close();
            StreamResponse::Close(proto::CloseStreamResp {})
        }
        StreamRequest::Execute(request) => {
            let connection = guard.connection()?;
            let program = program::single(&request.stmt, guard.texts())?;
            let outcomes = carry_out(&connection, program, Collect::rows(limit), call).await?;
            let mut result = match outcomes.into_iter().next() {
                Some(outcome) => step(outcome)?,
                None => None,
            }
            .ok_or_else(|| Reject::Internal("the statement did not run".to_owned()))?;
            result.replication_index = connection.last_frame();
            StreamResponse::Execute(proto::ExecuteStreamResp { result })
        }
        StreamRequest::Batch(request) => {
            let connection = guard.connection()?;
            let program = program::batch(&request.batch, guard.texts())?;
            let outcomes = carry_out(&connection, program, Collect::rows(limit), call).await?;
            let mut result = proto::BatchResult {
                replication_index: connection.last_frame(),
                ..proto::BatchResult::default()
            };
            for outcome in outcomes {
                let (done, failed) = match step(outcome) {
                    Ok(done) => (done, None),
                    Err(Refusal::Error(error)) => (None, Some(error)),
                    Err(reject) => return Err(reject),
                };
                result.step_results.push(done);
                result.step_errors.push(failed);
            }
            StreamResponse::Batch(proto::BatchStreamResp { result })
        }
        StreamRequest::Sequence(request) => {
            let connection = guard.connection()?;
            let sql = program::text(request.sql.as_deref(), request.sql_id, guard.texts())?;
            let program = program::sequence(sql)?;
            let outcomes = carry_out(&connection, program, Collect::outcomes(), call).await?;
            for outcome in outcomes {
                step(outcome)?;
            }
            StreamResponse::Sequence(proto::SequenceStreamResp {})
        }
        StreamRequest::Describe(request) => {
            let connection = guard.connection()?;
            let sql = program::text(request.sql.as_deref(), request.sql_id, guard.texts())?;
            let sql = sql.to_owned();
            let result = describe(connection, sql).await?;
            StreamResponse::Describe(proto::DescribeStreamResp { result })
        }
        StreamRequest::StoreSql(request) => {
            store(guard, request)?;
            StreamResponse::StoreSql(proto::StoreSqlStreamResp {})
        }
        StreamRequest::CloseSql(request) => {
            guard.texts().remove(&request.sql_id);
            StreamResponse::CloseSql(proto::CloseSqlStreamResp {})
        }
        StreamRequest::GetAutocommit(_) => {
            let is_autocommit = guard.connection()?.is_autocommit();
            StreamResponse::GetAutocommit(proto::GetAutocommitStreamResp { is_autocommit })
        }
    })
}

/// Runs `program` if the bearer may.
async fn carry_out(
    connection: &Connection,
    program: Program,
    sink: Collect,
    call: &Arc<Call>,
) -> Result<Vec<Outcome>, Refusal> {
    program::permitted(&program, call.rights).map_err(Reject::Forbidden)?;
    match run(connection, program, sink, call).await {
        Ok(collected) => Ok(collected.outcomes),
        Err(stop) => Err(stopped(stop)),
    }
}

fn stopped(stop: Stop) -> Refusal {
    match stop {
        Stop::TooLarge => Refusal::Error(error("Response is too large", "RESPONSE_TOO_LARGE")),
        Stop::Internal(reason) => Reject::Internal(reason).into(),
    }
}

/// The result of a step, nothing for one that was skipped, or its error.
fn step(outcome: Outcome) -> Result<Option<proto::StmtResult>, Refusal> {
    match outcome {
        Outcome::Skipped => Ok(None),
        Outcome::Failed(failure) => Err(step_error(failure).map_or_else(stopped, Refusal::Error)),
        Outcome::Done(rows, done) => Ok(Some(proto::StmtResult {
            cols: rows
                .columns
                .into_iter()
                .map(|(name, decltype)| proto::Col {
                    name: Some(name),
                    decltype,
                })
                .collect(),
            rows: rows
                .rows
                .into_iter()
                .map(|row| proto::Row {
                    values: row.into_iter().map(value::to_wire).collect(),
                })
                .collect(),
            affected_row_count: done.changed_rows,
            last_insert_rowid: done.last_insert_rowid,
            replication_index: None,
            rows_read: done.rows_read,
            rows_written: done.rows_written,
            query_duration_ms: done.milliseconds,
        })),
    }
}

async fn describe(connection: Connection, sql: String) -> Result<proto::DescribeResult, Refusal> {
    let described = tokio::task::spawn_blocking(move || connection.describe(&sql))
        .await
        .map_err(|error| Reject::Internal(error.to_string()))?;
    let described =
        described.map_err(|error| step_error(error.into()).map_or_else(stopped, Refusal::Error))?;
    Ok(proto::DescribeResult {
        params: described
            .params
            .into_iter()
            .map(|name| proto::DescribeParam { name })
            .collect(),
        cols: described
            .columns
            .into_iter()
            .map(|(name, decltype)| proto::DescribeCol { name, decltype })
            .collect(),
        is_explain: described.is_explain,
        is_readonly: described.is_readonly,
    })
}

fn store(guard: &mut Guard, request: proto::StoreSqlStreamReq) -> Result<(), Refusal> {
    let texts = guard.texts();
    let id = request.sql_id;
    if texts.contains_key(&id) {
        return Err(Reject::Protocol(format!("SQL text {id} already exists")).into());
    }
    if texts.len() >= MOST_TEXTS {
        let count = texts.len();
        return Err(Refusal::Error(error(
            format!("The server already stores {count} SQL texts, it cannot store more"),
            "SQL_STORE_TOO_MANY",
        )));
    }
    if request.sql.len() > MOST_TEXT_BYTES {
        let size = request.sql.len() as f64 / 1000.0;
        return Err(Refusal::Error(error(
            format!("The statement is too large to be stored: {size:.1} KB/5.0 KB"),
            "SQL_STORE_TOO_LARGE",
        )));
    }
    texts.insert(id, request.sql);
    Ok(())
}
