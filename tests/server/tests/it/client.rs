//! A raw HTTP client: one connection for each request, and it says when the other side closed it.

use serde_json::Value;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// What came back.
#[derive(Debug)]
pub(crate) enum Reply {
    Answer {
        status: u16,
        /// In lower case.
        head: String,
        body: String,
    },
    /// The connection ended after so many bytes of an answer.
    Closed { bytes: usize },
}

impl Reply {
    /// Status and body; panics where there is no answer.
    pub(crate) fn answer(self) -> (u16, String) {
        match self {
            Reply::Answer { status, body, .. } => (status, body),
            Reply::Closed { bytes } => panic!("closed after {bytes} bytes"),
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        matches!(self, Reply::Closed { .. })
    }
}

/// Sends one request and reads until the other side is done.
pub(crate) fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    token: Option<&str>,
    body: &str,
) -> io::Result<Reply> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let token = token.map_or(String::new(), |token| {
        format!("authorization: Bearer {token}\r\n")
    });
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{token}\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut bytes = Vec::new();
    if let Err(error) = stream.read_to_end(&mut bytes)
        && error.kind() != io::ErrorKind::ConnectionReset
    {
        return Err(error);
    }
    Ok(read(&bytes).unwrap_or(Reply::Closed { bytes: bytes.len() }))
}

fn read(bytes: &[u8]) -> Option<Reply> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
    let body = &bytes[end + 4..];
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let header = |name: &str| {
        let line = head.lines().find(|line| line.starts_with(name))?;
        Some(line[name.len()..].trim().to_owned())
    };
    let body = if let Some(length) = header("content-length:") {
        body.get(..length.parse().ok()?)?.to_vec()
    } else if head.contains("transfer-encoding: chunked") {
        unchunked(body)?
    } else if head.starts_with("http/1.0") {
        body.to_vec()
    } else {
        return None;
    };
    let body = String::from_utf8_lossy(&body).into_owned();
    Some(Reply::Answer { status, head, body })
}

fn unchunked(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = bytes.windows(2).position(|window| window == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&bytes[..end]).ok()?, 16).ok()?;
        bytes = &bytes[end + 2..];
        if size == 0 {
            return Some(body);
        }
        body.extend(bytes.get(..size)?);
        bytes = bytes.get(size + 2..)?;
    }
}

/// Sends requests of a pipeline; status and body.
pub(crate) fn pipeline(address: SocketAddr, body: &Value) -> (u16, String) {
    let reply = send(address, "POST", "/v3/pipeline", None, &body.to_string());
    reply.unwrap().answer()
}

/// An `execute` request.
pub(crate) fn execute(sql: &str) -> Value {
    serde_json::json!({ "type": "execute", "stmt": { "sql": sql } })
}

/// Runs each text on a stream of its own; panics where one fails.
pub(crate) fn run(address: SocketAddr, statements: &[&str]) -> String {
    let mut requests: Vec<Value> = statements.iter().map(|sql| execute(sql)).collect();
    requests.push(serde_json::json!({ "type": "close" }));
    let (status, body) = pipeline(address, &serde_json::json!({ "requests": requests }));
    assert!(
        status == 200 && !body.contains(r#""error""#),
        "{status} {body}"
    );
    body
}

/// The one value of a query.
pub(crate) fn value(address: SocketAddr, sql: &str) -> Value {
    let body: Value = serde_json::from_str(&run(address, &[sql])).unwrap();
    body["results"][0]["response"]["result"]["rows"][0][0]["value"].clone()
}

/// An answer of a pipeline in few words, a line for each request or step.
pub(crate) fn in_words((status, body): (u16, String)) -> String {
    let Ok(body) = serde_json::from_str::<Value>(&body) else {
        return format!("{status} {body}\n");
    };
    let Some(results) = body["results"].as_array() else {
        let reason = match body["code"].as_str() {
            Some(_) => error(&body),
            None => format!("{body}\n"),
        };
        return format!("{status} {reason}");
    };
    let mut words = String::new();
    for result in results {
        if result["type"] == "error" {
            words += &error(&result["error"]);
            continue;
        }
        let response = &result["response"];
        match response["type"].as_str().unwrap() {
            "execute" => words += &statement(&response["result"]),
            "batch" => {
                let result = &response["result"];
                let steps = result["step_results"].as_array().unwrap();
                for (number, step) in steps.iter().enumerate() {
                    let failed = &result["step_errors"][number];
                    words += &match (step.is_null(), failed.is_null()) {
                        (false, _) => statement(step),
                        (true, false) => error(failed),
                        (true, true) => "skipped\n".to_owned(),
                    };
                }
            }
            "describe" | "get_autocommit" => {
                let mut response = response.clone();
                response.as_object_mut().unwrap().remove("type");
                words += &format!("{response}\n");
            }
            other => words += &format!("{other}\n"),
        }
    }
    words
}

fn error(error: &Value) -> String {
    let (code, message) = (error["code"].as_str(), error["message"].as_str());
    format!("{}: {}\n", code.unwrap(), message.unwrap())
}

fn statement(result: &Value) -> String {
    let mut words = "ok".to_owned();
    for row in result["rows"].as_array().unwrap() {
        words += &format!(" {row}");
    }
    if result["affected_row_count"] != 0 {
        words += &format!(" changed {}", result["affected_row_count"]);
    }
    if !result["last_insert_rowid"].is_null() {
        words += &format!(" rowid {}", result["last_insert_rowid"]);
    }
    words + "\n"
}
