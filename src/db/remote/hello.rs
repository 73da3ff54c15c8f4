//! Replication protocol V1, as far as it is two unary gRPC-web calls: the greeting, which tells which log a primary has,
//! and the frames that the log still holds. The `libsql` crate says hello too, and where the log is another one it
//! replaces the replica without a word; so it is asked before.
//! <https://github.com/tursodatabase/libsql/blob/main/libsql-replication/proto/replication_log.proto>

use super::http::{Server, Unary};
use crate::db::RemoteError;

const HELLO: &str = "/wal_log.ReplicationLog/Hello";

const ENTRIES: &str = "/wal_log.ReplicationLog/BatchLogEntries";

/// `HelloRequest { handshake_version: 1 }`.
const REQUEST: [u8; 2] = [0x08, 0x01];

/// `HelloResponse::log_id`.
const LOG_ID: u64 = 3;

/// `HelloResponse::session_token`.
const SESSION: u64 = 4;

/// `HelloResponse::current_replication_index`.
const INDEX: u64 = 5;

/// `Frames::frames`, and `Frame::data` in each.
const FRAMES: u64 = 1;

/// What a primary says of its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::db) enum Greeting {
    /// Its log.
    Log(PrimaryLog),
    /// It does not speak this protocol.
    Unspoken,
}

/// The log of a primary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::db) struct PrimaryLog {
    /// The id.
    pub(in crate::db) id: u128,
    /// The last frame; none where there is none, or it does not tell.
    pub(in crate::db) frame: Option<u64>,
    /// What requests for frames name, as long as the server runs.
    session: String,
}

pub(super) async fn hello(server: &Server) -> Result<Greeting, RemoteError> {
    match server.unary(HELLO, &REQUEST, None).await? {
        Unary::Message(message) => match log(&message) {
            Some(log) => Ok(Greeting::Log(log)),
            None => Err(RemoteError::NotHrana {
                host: server.host().to_owned(),
                words: "a greeting without the id of a log".to_owned(),
            }),
        },
        Unary::Unimplemented => Ok(Greeting::Unspoken),
    }
}

/// Frames of the log from `first` on, each a header and a page: as many as the server gives at once. None where they do
/// not begin with that one, or the answer is none of this call.
///
/// # Errors
/// The server cannot be reached or refuses, as it does where the log holds those frames no longer.
pub(super) async fn frames(
    server: &Server,
    log: &PrimaryLog,
    first: u64,
) -> Result<Option<Vec<Vec<u8>>>, RemoteError> {
    let mut request = vec![0x08];
    put_varint(&mut request, first);
    let frames = match server.unary(ENTRIES, &request, Some(&log.session)).await? {
        Unary::Message(message) => all_frames(&message),
        Unary::Unimplemented => None,
    };
    let number = |frame: &Vec<u8>| {
        let number = frame.first_chunk::<8>()?;
        (frame.len() == super::FRAME).then(|| u64::from_le_bytes(*number))
    };
    Ok(frames.filter(|frames| {
        frames
            .iter()
            .map(number)
            .eq((first..).map(Some).take(frames.len()))
    }))
}

fn all_frames(message: &[u8]) -> Option<Vec<Vec<u8>>> {
    let is_frame = |(number, field): (u64, Field<'_>)| match field {
        Field::Bytes(bytes) if number == FRAMES => Some(bytes.to_vec()),
        _ => None,
    };
    let data = |frame: Vec<u8>| fields(&frame)?.into_iter().find_map(is_frame);
    let frames = fields(message)?.into_iter().filter_map(is_frame);
    frames.map(data).collect()
}

/// The id of the log, a UUID as text, its last frame and the session.
fn log(message: &[u8]) -> Option<PrimaryLog> {
    let (mut id, mut frame, mut session) = (None, None, String::new());
    for field in fields(message)? {
        match field {
            (LOG_ID, Field::Bytes(text)) => {
                let text = std::str::from_utf8(text).ok()?;
                id = Some(uuid::Uuid::parse_str(text).ok()?.as_u128());
            }
            (SESSION, Field::Bytes(text)) => session = std::str::from_utf8(text).ok()?.to_owned(),
            (INDEX, Field::Number(number)) => frame = Some(number),
            _ => {}
        }
    }
    Some(PrimaryLog {
        id: id?,
        frame,
        session,
    })
}

/// The value of a field.
enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// The fields of a message by their numbers: <https://protobuf.dev/programming-guides/encoding/>. None where it is cut
/// off or none.
fn fields(mut message: &[u8]) -> Option<Vec<(u64, Field<'_>)>> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let tag = varint(&mut message)?;
        let length = match tag & 7 {
            0 => {
                fields.push((tag >> 3, Field::Number(varint(&mut message)?)));
                continue;
            }
            1 => 8,
            2 => usize::try_from(varint(&mut message)?).ok()?,
            5 => 4,
            _ => return None,
        };
        let (field, rest) = message.split_at_checked(length)?;
        fields.push((tag >> 3, Field::Bytes(field)));
        message = rest;
    }
    Some(fields)
}

fn put_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        bytes.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    bytes.push(value.to_le_bytes()[0]);
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
        let expect = PrimaryLog {
            id: 7,
            frame: Some(5),
            session: "s".to_owned(),
        };
        assert_eq!(log(&message), Some(expect));
    }

    #[test]
    fn frames_are_those_of_the_message() {
        let message = [
            0x0a, 4, 0x0a, 2, b'a', b'b', 0x0a, 5, 0x10, 1, 0x0a, 1, b'c',
        ];
        let expect = Some(vec![b"ab".to_vec(), b"c".to_vec()]);
        assert_eq!(all_frames(&message), expect);
        assert_eq!(all_frames(b""), Some(vec![]));
        assert_eq!(all_frames(&message[..8]), None);
        assert_eq!(all_frames(&[0x0a, 2, 0x10, 1]), None);
    }

    #[test]
    fn numbers_are_read_as_they_are_written() {
        for number in [0, 1, 127, 128, 300, u64::MAX] {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, number);
            assert_eq!(varint(&mut &bytes[..]), Some(number));
        }
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
