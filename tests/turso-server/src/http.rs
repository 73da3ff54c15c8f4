//! HTTP/1.1 with a length on both sides, for one client that needs no more.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::Error;
use crate::database::Database;

/// Answers the requests of a connection until it ends.
pub(crate) async fn serve(stream: TcpStream, database: Arc<Database>) {
    let mut stream = BufReader::new(stream);
    // The client sees a connection that ends, which is what a broken server is.
    while let Ok(Some((method, path, body))) = request(&mut stream).await {
        let database = Arc::clone(&database);
        // The engine panics where it has a fault: that ends one request.
        let answer = tokio::spawn(async move { database.answer(&method, &path, &body).await });
        let (status, body) = match answer.await {
            Ok(answer) => answer,
            Err(panic) => (500, json!({ "error": panic.to_string() }).to_string()),
        };
        if respond(&mut stream, status, &body).await.is_err() {
            return;
        }
    }
}

async fn request(
    stream: &mut BufReader<TcpStream>,
) -> Result<Option<(String, String, Value)>, Error> {
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    let mut words = line.split(' ');
    let method = words.next().unwrap_or_default().to_owned();
    let path = words.next().unwrap_or_default().to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        stream.read_line(&mut header).await?;
        let Some((name, value)) = header.trim_end().split_once(':') else {
            break;
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse()?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Ok(Some((method, path, body)))
}

async fn respond(
    stream: &mut BufReader<TcpStream>,
    status: u16,
    body: &str,
) -> Result<(), std::io::Error> {
    let head = format!(
        "HTTP/1.1 {status} -\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.flush().await
}
