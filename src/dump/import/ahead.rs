//! Reading ahead: a dump is read on a thread of its own while what was read before is written.

use tokio::sync::mpsc::{Receiver, channel};

use crate::dump::Input;
use crate::dump::{Block, DumpError, Mark};

/// How many blocks may wait to be written.
const AHEAD: usize = 8;

/// The blocks of a dump, as they come from that thread.
pub(super) struct Ahead(Receiver<Result<Block, DumpError>>);

impl Ahead {
    /// Begins to read. The thread ends with the dump, with its first error, or once this is dropped.
    pub(super) fn of(input: &Input, block_bytes: usize, from: Option<Mark>) -> Ahead {
        let (send, receive) = channel(AHEAD);
        let input = input.clone();
        std::thread::spawn(move || {
            let mut reader = match input.reader(block_bytes, from.as_ref()) {
                Ok(reader) => reader,
                Err(error) => {
                    let _ = send.blocking_send(Err(error));
                    return;
                }
            };
            while let Some(block) = reader.next().transpose() {
                // Behind an error there is nothing more.
                if send.blocking_send(block).is_err() {
                    break;
                }
            }
        });
        Ahead(receive)
    }

    /// The next block, for who may block.
    pub(super) fn blocking_next(&mut self) -> Option<Result<Block, DumpError>> {
        self.0.blocking_recv()
    }

    /// The next block.
    pub(super) async fn next(&mut self) -> Option<Result<Block, DumpError>> {
        self.0.recv().await
    }
}
