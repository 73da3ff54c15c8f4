//! Unary calls by gRPC-web, as replication makes them.

use reqwest::StatusCode;

use super::Server;
use super::client::authority;
use crate::db::RemoteError;

/// The answer to a unary call.
pub(in crate::db::remote) enum Unary {
    /// The message.
    Message(Vec<u8>),
    /// The server has no such call.
    Unimplemented,
}

impl Server {
    /// A unary call by gRPC-web: <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md>. The headers are those
    /// that libSQL servers tell clients of replication by.
    pub(in crate::db::remote) async fn unary(
        &self,
        path: &str,
        message: &[u8],
        session: Option<&str>,
    ) -> Result<Unary, RemoteError> {
        let mut body = vec![0];
        body.extend(
            u32::try_from(message.len())
                .unwrap_or(u32::MAX)
                .to_be_bytes(),
        );
        body.extend(message);
        let name = authority(&self.base).split(':').next().unwrap_or_default();
        let namespace = match name.split_once('.') {
            Some((first, _)) if !first.is_empty() => first,
            _ => "default",
        };
        // As gRPC wants binary headers: without padding.
        let namespace = crate::base64::encode(namespace.as_bytes());
        let token = self.token.as_deref().unwrap_or_default();
        let mut request = self
            .client
            .post(format!("{}{path}", self.base))
            .header("content-type", "application/grpc-web+proto")
            .header("x-grpc-web", "1")
            .header("x-namespace-bin", namespace.trim_end_matches('='))
            .header("x-authorization", format!("Bearer {token}"))
            .timeout(self.limit)
            .body(body);
        if let Some(session) = session {
            request = request.header("x-session-token", session);
        }
        let answer = self.send(path, 0, request).await?;
        let status = answer.status();
        let headers = answer.headers().clone();
        let body = self.body(answer).await?;
        if status == StatusCode::NOT_FOUND {
            return Ok(Unary::Unimplemented);
        }
        if status != StatusCode::OK {
            return Err(self.refused(status, &body));
        }
        let (message, trailers) = frames(&body);
        let said = |name: &str| {
            let header = headers.get(name).and_then(|value| value.to_str().ok());
            header
                .map(str::to_owned)
                .or_else(|| trailer(&trailers, name))
        };
        let words = || {
            let words = said("grpc-message");
            words.map_or_else(|| "without a word".to_owned(), |it| self.without_token(it))
        };
        let host = self.host.clone();
        match (said("grpc-status").as_deref(), message) {
            (Some("0"), Some(message)) => Ok(Unary::Message(message)),
            (Some("12"), _) => Ok(Unary::Unimplemented),
            (Some("16"), _) => Err(RemoteError::Unauthorized {
                host,
                sent: self.sent(),
                words: words(),
            }),
            (Some("7"), _) => Err(RemoteError::Forbidden {
                host,
                words: words(),
            }),
            (Some(number), _) => Err(RemoteError::NotHrana {
                host,
                words: format!("gRPC status {number}: {}", words()),
            }),
            (None, _) => Err(self.not_hrana(&body)),
        }
    }
}

/// The message of a gRPC-web body, and its trailers as text.
fn frames(mut body: &[u8]) -> (Option<Vec<u8>>, String) {
    let (mut message, mut trailers) = (None, String::new());
    while let Some(([flag, length @ ..], rest)) = body.split_first_chunk::<5>() {
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let Some((frame, rest)) = rest.split_at_checked(length) else {
            break;
        };
        match flag {
            0 => message = Some(frame.to_vec()),
            0x80 => trailers = String::from_utf8_lossy(frame).into_owned(),
            // Compressed, which was not asked for.
            _ => {}
        }
        body = rest;
    }
    (message, trailers)
}

fn trailer(trailers: &str, name: &str) -> Option<String> {
    let mut lines = trailers.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = lines.find(|(key, _)| key.trim().eq_ignore_ascii_case(name))?;
    Some(value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grpc_web_body_is_a_message_and_trailers() {
        let body = b"\x00\x00\x00\x00\x02hi\x80\x00\x00\x00\x0fgrpc-status: 0\r";
        let (message, trailers) = frames(body);
        assert_eq!(message.as_deref(), Some(b"hi".as_slice()));
        assert_eq!(trailer(&trailers, "grpc-status").as_deref(), Some("0"));
        assert_eq!(frames(b"\x00\x00\x00\xff"), (None, String::new()));
        assert_eq!(frames(b"<html>"), (None, String::new()));
    }
}
