//! The greeting of replication protocol V1, a unary gRPC-web call: which log a primary has. The `libsql` crate says
//! hello too, and where the log is another one it replaces the replica without a word; so it is asked before.
//! <https://github.com/tursodatabase/libsql/blob/main/libsql-replication/proto/replication_log.proto>

use super::http::{Server, Unary};
use crate::db::RemoteError;

const HELLO: &str = "/wal_log.ReplicationLog/Hello";

/// `HelloRequest { handshake_version: 1 }`.
const REQUEST: [u8; 2] = [0x08, 0x01];

/// `HelloResponse::log_id`.
const LOG_ID: u64 = 3;

/// `HelloResponse::current_replication_index`.
const INDEX: u64 = 5;

/// What a primary says of its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::db) enum Greeting {
    /// Its log.
    Log {
        /// The id.
        id: u128,
        /// The last frame; none where there is none, or it does not tell.
        frame: Option<u64>,
    },
    /// It does not speak this protocol.
    Unspoken,
}

pub(super) async fn hello(server: &Server) -> Result<Greeting, RemoteError> {
    match server.unary(HELLO, &REQUEST).await? {
        Unary::Message(message) => match log(&message) {
            Some((id, frame)) => Ok(Greeting::Log { id, frame }),
            None => Err(RemoteError::NotHrana {
                host: server.host().to_owned(),
                words: "a greeting without the id of a log".to_owned(),
            }),
        },
        Unary::Unimplemented => Ok(Greeting::Unspoken),
    }
}

/// The id of the log, a UUID as text, and its last frame: <https://protobuf.dev/programming-guides/encoding/>.
fn log(mut message: &[u8]) -> Option<(u128, Option<u64>)> {
    let mut id = None;
    let mut frame = None;
    while !message.is_empty() {
        let tag = varint(&mut message)?;
        let length = match tag & 7 {
            0 => {
                let value = varint(&mut message)?;
                if tag >> 3 == INDEX {
                    frame = Some(value);
                }
                continue;
            }
            1 => 8,
            2 => usize::try_from(varint(&mut message)?).ok()?,
            5 => 4,
            _ => return None,
        };
        let (field, rest) = message.split_at_checked(length)?;
        if (tag >> 3, tag & 7) == (LOG_ID, 2) {
            let text = std::str::from_utf8(field).ok()?;
            id = Some(uuid::Uuid::parse_str(text).ok()?.as_u128());
        }
        message = rest;
    }
    Some((id?, frame))
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_log_is_found_among_the_other_fields() {
        let id = uuid::Uuid::from_u128(7).to_string();
        let mut message = vec![0x0a, 2, b'g', b'1', 0x10, 0x96, 0x01];
        message.extend([0x1a, u8::try_from(id.len()).unwrap()]);
        message.extend(id.as_bytes());
        message.extend([0x22, 1, b's', 0x28, 5]);
        assert_eq!(log(&message), Some((7, Some(5))));
    }

    #[test]
    fn a_message_that_is_cut_off_or_none_has_no_log() {
        for message in [
            b"".as_slice(),
            &[0x1a],
            &[0x1a, 36, b'0'],
            &[0x1a, 1, b'x'],
            &[
                0x1a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
            ],
            &[0xff; 32],
        ] {
            assert_eq!(log(message), None, "{message:?}");
        }
    }
}
