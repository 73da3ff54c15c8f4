//! What a replica of protocol V1 sends to the primary: programs and descriptions, on one connection for each
//! client, which ends after 30 s without use.
#![allow(
    clippy::result_large_err,
    reason = "the services' traits return tonic's own type"
)]

use crate::allow;
use crate::call::Call;
use crate::engine::{Condition, Connection, Failure, Program, Step, Stop};
use crate::grpc::{Services, rights};
use crate::hrana::{Collect, Outcome, Reject, permitted};
use crate::params::Params;
use crate::queue::locked;
use crate::run::run;
use futures_util::stream::Empty;
use libsql_replication::rpc::proxy as rpc;
use libsql_replication::rpc::proxy::proxy_server::Proxy;
use rusqlite::types::Value;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tonic::{Request, Response, Status};

/// Idle time after which sqld forgets a client.
const IDLE: Duration = Duration::from_secs(30);

/// The connection of each client, and when it was last used.
#[derive(Default)]
pub(crate) struct Clients(Mutex<HashMap<String, (Connection, Instant)>>);

impl Clients {
    fn get(&self, id: &str) -> Option<Connection> {
        let mut clients = locked(&self.0);
        clients.retain(|_, (_, used)| used.elapsed() < IDLE);
        let (connection, used) = clients.get_mut(id)?;
        *used = Instant::now();
        Some(connection.clone())
    }

    fn insert(&self, id: &str, connection: Connection) {
        locked(&self.0).insert(id.to_owned(), (connection, Instant::now()));
    }

    fn remove(&self, id: &str) {
        locked(&self.0).remove(id);
    }

    pub(crate) fn clear(&self) {
        locked(&self.0).clear();
    }
}

/// A value as the protocol packs it: sqld's enum in bincode.
#[derive(Serialize, Deserialize)]
enum Packed {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

impl Services {
    async fn client(&self, id: &str) -> Result<Connection, Status> {
        if let Some(connection) = self.state.clients.get(id) {
            return Ok(connection);
        }
        let connection = self.state.streams.connect().await.map_err(refused)?;
        self.state.clients.insert(id, connection.clone());
        Ok(connection)
    }
}

#[tonic::async_trait]
impl Proxy for Services {
    type StreamExecStream = Empty<Result<rpc::ExecResp, Status>>;

    async fn execute(
        &self,
        request: Request<rpc::ProgramReq>,
    ) -> Result<Response<rpc::ExecuteResults>, Status> {
        let rights = rights(&request)?;
        let call = request.extensions().get::<Arc<Call>>().cloned();
        let call = call.unwrap_or_else(|| Arc::new(Call::new(rights)));
        let request = request.into_inner();
        let steps = request.pgm.unwrap_or_default().steps;
        let program = steps.into_iter().map(step).collect::<Result<_, _>>();
        let program = Program {
            steps: program.map_err(Status::invalid_argument)?,
        };
        let connection = self.client(&request.client_id).await?;
        let limit = self.state.options.max_response_bytes;
        permitted(&program, rights)
            .map_err(Reject::Forbidden)
            .map_err(refused)?;
        let collected = run(&connection, program, Collect::rows(limit), &call)
            .await
            .map_err(|stop| match stop {
                Stop::TooLarge => Status::permission_denied(format!(
                    "query response exceeds the maximum size of {limit} B. \
                     Try reducing the number of queried rows."
                )),
                Stop::Internal(reason) => Status::permission_denied(reason),
            })?;
        let results: Result<Vec<_>, _> = collected.outcomes.into_iter().map(result).collect();
        let state = if connection.is_autocommit() {
            rpc::State::Init
        } else {
            rpc::State::Txn
        };
        Ok(Response::new(rpc::ExecuteResults {
            results: results.map_err(Status::permission_denied)?,
            state: state.into(),
            current_frame_no: connection.last_frame(),
        }))
    }

    async fn describe(
        &self,
        request: Request<rpc::DescribeRequest>,
    ) -> Result<Response<rpc::DescribeResult>, Status> {
        rights(&request)?;
        let request = request.into_inner();
        let connection = self.client(&request.client_id).await?;
        let described = tokio::task::spawn_blocking(move || connection.describe(&request.stmt))
            .await
            .map_err(|error| Status::internal(error.to_string()))?
            .map_err(|error| Status::permission_denied(error.to_string()))?;
        let description = rpc::Description {
            column_descriptions: described
                .columns
                .into_iter()
                .map(|(name, decltype)| rpc::Column { name, decltype })
                .collect(),
            param_count: described.params.len() as u64,
            param_names: described.params.into_iter().flatten().collect(),
        };
        Ok(Response::new(rpc::DescribeResult {
            describe_result: Some(rpc::describe_result::DescribeResult::Description(
                description,
            )),
        }))
    }

    async fn stream_exec(
        &self,
        request: Request<tonic::Streaming<rpc::ExecReq>>,
    ) -> Result<Response<Self::StreamExecStream>, Status> {
        rights(&request)?;
        Err(Status::unimplemented("the client crate does not use it"))
    }

    async fn disconnect(
        &self,
        request: Request<rpc::DisconnectMessage>,
    ) -> Result<Response<rpc::Ack>, Status> {
        self.state.clients.remove(&request.get_ref().client_id);
        Ok(Response::new(rpc::Ack {}))
    }
}

fn refused(reject: Reject) -> Status {
    match reject {
        Reject::Forbidden(reason) => {
            Status::permission_denied(format!("Authorization forbidden: {reason}"))
        }
        Reject::Busy => Status::internal("Timed out while opening database connection"),
        Reject::Protocol(reason) | Reject::Internal(reason) => Status::internal(reason),
        Reject::Expired => Status::internal("The stream has expired due to inactivity"),
    }
}

fn step(step: rpc::Step) -> Result<Step, String> {
    let query = step.query.ok_or("step is missing query")?;
    let mut found = allow::statements(&query.stmt).into_iter();
    let statement = found.next().ok_or("invalid empty statement")??;
    Ok(Step {
        condition: step.cond.map(condition).transpose()?,
        statement,
        params: params(query.params.ok_or("missing params in query")?)?,
    })
}

fn condition(condition: rpc::Cond) -> Result<Condition, String> {
    use rpc::cond::Cond;
    let step = |step: i64| usize::try_from(step).map_err(|_| "invalid condition".to_owned());
    let list = |conditions: Vec<rpc::Cond>| {
        let conditions = conditions.into_iter().map(self::condition);
        conditions.collect::<Result<Vec<_>, _>>()
    };
    Ok(match condition.cond.ok_or("invalid condition")? {
        Cond::Ok(condition) => Condition::Ok(step(condition.step)?),
        Cond::Err(condition) => Condition::Error(step(condition.step)?),
        Cond::Not(condition) => {
            let condition = condition.cond.ok_or("empty `not` condition")?;
            Condition::Not(Box::new(self::condition(*condition)?))
        }
        Cond::And(conditions) => Condition::And(list(conditions.conds)?),
        Cond::Or(conditions) => Condition::Or(list(conditions.conds)?),
        Cond::IsAutocommit(_) => Condition::IsAutocommit,
    })
}

fn params(params: rpc::query::Params) -> Result<Params, String> {
    Ok(match params {
        rpc::query::Params::Positional(params) => {
            let values = params.values.iter().map(unpacked);
            Params::Positional(values.collect::<Result<_, _>>()?)
        }
        rpc::query::Params::Named(params) => {
            let values = params.values.iter().map(unpacked);
            let values = values.collect::<Result<Vec<_>, _>>()?;
            Params::Named(params.names.into_iter().zip(values).collect())
        }
    })
}

fn unpacked(value: &rpc::Value) -> Result<Value, String> {
    let value = bincode::deserialize(&value.data).map_err(|error| error.to_string())?;
    Ok(match value {
        Packed::Null => Value::Null,
        Packed::Integer(value) => Value::Integer(value),
        Packed::Real(value) => Value::Real(value),
        Packed::Text(value) => Value::Text(value),
        Packed::Blob(value) => Value::Blob(value),
    })
}

fn packed(value: Value) -> Result<rpc::Value, String> {
    let value = match value {
        Value::Null => Packed::Null,
        Value::Integer(value) => Packed::Integer(value),
        Value::Real(value) => Packed::Real(value),
        Value::Text(value) => Packed::Text(value),
        Value::Blob(value) => Packed::Blob(value),
    };
    let data = bincode::serialize(&value).map_err(|error| error.to_string())?;
    Ok(rpc::Value { data })
}

fn result(outcome: Outcome) -> Result<rpc::QueryResult, String> {
    use rpc::query_result::RowResult;
    let row_result = match outcome {
        Outcome::Skipped => RowResult::Row(rpc::ResultRows::default()),
        Outcome::Failed(failure) => RowResult::Error(error(failure)),
        Outcome::Done(found, done) => {
            let rows = found.rows.into_iter().map(|row| {
                let values = row.into_iter().map(packed);
                let values = values.collect::<Result<_, _>>();
                values.map(|values| rpc::Row { values })
            });
            RowResult::Row(rpc::ResultRows {
                column_descriptions: found
                    .columns
                    .into_iter()
                    .map(|(name, decltype)| rpc::Column { name, decltype })
                    .collect(),
                rows: rows.collect::<Result<_, _>>()?,
                affected_row_count: done.changed_rows,
                last_insert_rowid: done.last_insert_rowid,
            })
        }
    };
    Ok(rpc::QueryResult {
        row_result: Some(row_result),
    })
}

fn error(failure: Failure) -> rpc::Error {
    use rpc::error::ErrorCode;
    let (message, code, extended_code) = match failure {
        Failure::Engine(error) => {
            let extended = match &error {
                rusqlite::Error::SqliteFailure(error, _)
                | rusqlite::Error::SqlInputError { error, .. } => error.extended_code,
                _ => 0,
            };
            (error.to_string(), ErrorCode::Internal, extended)
        }
        Failure::Params(reason) => (
            format!("LibSQL failed to bind provided query parameters: `{reason}`"),
            ErrorCode::SqlError,
            0,
        ),
        Failure::TimedOut => ("Transaction timed-out".to_owned(), ErrorCode::TxTimeout, 0),
        Failure::NoSuchStep(step) => (
            format!("Invalid batch step: {step}"),
            ErrorCode::Internal,
            0,
        ),
    };
    rpc::Error {
        message,
        code: code.into(),
        extended_code,
    }
}
