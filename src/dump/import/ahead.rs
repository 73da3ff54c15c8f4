//! Reading ahead: a dump is read on a thread of its own while what was read before is written.

use tokio::sync::mpsc::{Receiver, channel};

use super::error::Why;
use crate::db::Stop;
use crate::dump::Input;
use crate::dump::{Block, DumpError, Mark, Reader};

/// How many blocks may wait to be written.
const AHEAD: usize = 8;

/// The blocks of a dump, as they come from that thread.
pub(super) struct Ahead {
    blocks: Receiver<Result<Block, DumpError>>,
    stop: Stop,
}

impl Ahead {
    /// Begins to read. The thread ends with the dump, with its first error, or once this is dropped.
    pub(super) fn of(input: &Input, block_bytes: usize, from: Option<Mark>, stop: &Stop) -> Ahead {
        let input = input.clone();
        Ahead::reading(move || input.reader(block_bytes, from.as_ref()), stop)
    }

    /// The same with the reader that `open` gives. It is called on that thread.
    pub(super) fn reading(
        open: impl FnOnce() -> Result<Reader, DumpError> + Send + 'static,
        stop: &Stop,
    ) -> Ahead {
        let (send, receive) = channel(AHEAD);
        std::thread::spawn(move || {
            let mut reader = match open() {
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
        Ahead {
            blocks: receive,
            stop: stop.clone(),
        }
    }

    /// The next block; none at the end of the dump.
    ///
    /// # Errors
    /// The reader's; [`Why::Interrupted`] where the run was stopped, however long the dump is in coming.
    pub(super) async fn next(&mut self) -> Result<Option<Block>, Why> {
        tokio::select! {
            biased;
            () = self.stop.raised() => Err(Why::Interrupted),
            block = self.blocks.recv() => Ok(block.transpose()?),
        }
    }
}
